//! What looks through watch folders learned from files by opening them.

use std::collections::HashMap;

use sqlx::Arguments;
use xxhash_rust::xxh3::xxh3_128;

use super::{Packed, RunStore, Tx, queries};
use crate::error::Result;

queries! {
    HEADS = "SELECT path, device, inode, size, modified_ns, head FROM file_head WHERE watch_id = ?";
    READ_SINCE = "SELECT file_head.path, run_file.device, run_file.inode, run_file.size, run_file.modified_ns, prefix_hash, prefix_len
                  FROM file_head JOIN watch_folder ON watch_folder.id = watch_id
                  JOIN run_file ON run_file.path = rtrim(watch_folder.path, '/') || '/' || file_head.path
                  WHERE watch_id = ? AND length(prefix_hash) = 32
                      AND (run_file.device, run_file.inode, run_file.size, run_file.modified_ns)
                          <> (file_head.device, file_head.inode, file_head.size, file_head.modified_ns)";
    PUT_HEAD = "INSERT INTO file_head (watch_id, path, device, inode, size, modified_ns, head)
                VALUES ($1, $2, $3, $4, $5, $6, $7)
                ON CONFLICT (watch_id, path) DO UPDATE SET device = excluded.device, inode = excluded.inode,
                    size = excluded.size, modified_ns = excluded.modified_ns, head = excluded.head";
    DROP_HEAD = "DELETE FROM file_head WHERE watch_id = $1 AND path = $2";
    LOGS = "SELECT path, looked_for, found, device, inode, size, modified_ns FROM sampled_log WHERE watch_id = ?";
    PUT_LOG = "INSERT INTO sampled_log (watch_id, path, looked_for, found, device, inode, size, modified_ns)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
               ON CONFLICT (watch_id, path) DO UPDATE SET looked_for = excluded.looked_for, found = excluded.found,
                   device = excluded.device, inode = excluded.inode, size = excluded.size,
                   modified_ns = excluded.modified_ns";
    DROP_LOG = "DELETE FROM sampled_log WHERE watch_id = $1 AND path = $2";
}

/// How a file was when it was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, sqlx::FromRow)]
pub struct FileStamp {
    /// Its file system.
    pub device: i64,
    /// Its number there.
    pub inode: i64,
    /// Bytes.
    pub size: i64,
    /// When it was last written, UTC nanoseconds by the file system's clock.
    pub modified_ns: i64,
}

/// The first bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct HeadRow {
    /// Below the watch folder.
    pub path: String,
    /// How the file was when it was read, or when its beginning was last found to be the same; all zero if it was being
    /// written then.
    #[sqlx(flatten)]
    pub stamp: FileStamp,
    /// The bytes.
    #[sqlx(try_from = "Vec<u8>")]
    pub head: Packed,
}

/// A log in which metrics were looked for.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SampledLog {
    /// Below the watch folder.
    pub path: String,
    /// What was looked for, and by which version of the program.
    pub looked_for: String,
    /// Whether there were any.
    pub found: bool,
    /// How the log was then.
    #[sqlx(flatten)]
    pub stamp: FileStamp,
}

#[derive(sqlx::FromRow)]
struct ReadRow {
    path: String,
    #[sqlx(flatten)]
    stamp: FileStamp,
    prefix_hash: Vec<u8>,
    prefix_len: i64,
}

impl RunStore {
    /// First bytes of files of a watch folder. Where a file has been read on since, and still began with them, the stamp is
    /// that of the reading.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn heads(&self, watch: i64) -> Result<Vec<HeadRow>> {
        let mut rows: Vec<HeadRow> = sqlx::query_as(HEADS).bind(watch).fetch_all(self.readers()).await?;
        let read: Vec<ReadRow> = sqlx::query_as(READ_SINCE).bind(watch).fetch_all(self.readers()).await?;
        if read.is_empty() {
            return Ok(rows);
        }
        let read: HashMap<String, ReadRow> = read.into_iter().map(|row| (row.path.clone(), row)).collect();
        for row in &mut rows {
            if let Some(read) = read.get(&row.path)
                && i64::try_from(row.head.len()) == Ok(read.prefix_len)
                && let Some(head) = row.head.bytes()
                && read.prefix_hash.starts_with(&xxh3_128(&head).to_be_bytes())
            {
                row.stamp = read.stamp;
            }
        }
        Ok(rows)
    }

    /// Keeps the first bytes of a file.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn put_head(
        &self,
        tx: &mut Tx,
        watch: i64,
        (path, stamp, head): (String, FileStamp, &Packed),
    ) -> Result<()> {
        tx.put_off(PUT_HEAD, |to| {
            to.add(watch)?;
            to.add(path)?;
            to.add(stamp.device)?;
            to.add(stamp.inode)?;
            to.add(stamp.size)?;
            to.add(stamp.modified_ns)?;
            to.add(head.stored())
        })
        .await
    }

    /// Forgets the first bytes of a file.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn drop_head(&self, tx: &mut Tx, watch: i64, path: String) -> Result<()> {
        tx.put_off(DROP_HEAD, |to| {
            to.add(watch)?;
            to.add(path)
        })
        .await
    }

    /// Logs of a watch folder in which metrics were looked for.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn sampled_logs(&self, watch: i64) -> Result<Vec<SampledLog>> {
        Ok(sqlx::query_as(LOGS).bind(watch).fetch_all(self.readers()).await?)
    }

    /// Notes what was found in a log.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn put_log(&self, tx: &mut Tx, watch: i64, log: SampledLog) -> Result<()> {
        tx.put_off(PUT_LOG, |to| {
            to.add(watch)?;
            to.add(log.path)?;
            to.add(log.looked_for)?;
            to.add(log.found)?;
            to.add(log.stamp.device)?;
            to.add(log.stamp.inode)?;
            to.add(log.stamp.size)?;
            to.add(log.stamp.modified_ns)
        })
        .await
    }

    /// Forgets what was found in a log.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn drop_log(&self, tx: &mut Tx, watch: i64, path: String) -> Result<()> {
        tx.put_off(DROP_LOG, |to| {
            to.add(watch)?;
            to.add(path)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::fresh;
    use super::*;
    use crate::store::runs::{FileRow, NewFile, NewRun};

    fn stamp(size: i64) -> FileStamp {
        FileStamp { device: 1, inode: 2, size, modified_ns: 3 }
    }

    async fn put(store: &RunStore, watch: i64, path: &str, stamp: FileStamp, head: &[u8]) {
        let mut tx = store.begin_lightly().await.expect("begins");
        store.put_head(&mut tx, watch, (path.to_owned(), stamp, &Packed::new(head))).await.expect("put");
        tx.commit().await.expect("commits");
    }

    async fn watch(store: &RunStore, path: &str, inside: &[i64]) -> i64 {
        let mut tx = store.begin().await.expect("begins");
        let id = store.add_watch(&mut tx, (path, None, Some("auto")), inside, 1).await.expect("added");
        tx.commit().await.expect("commits");
        id
    }

    #[tokio::test]
    async fn heads_are_kept_for_each_watch_folder_until_it_goes() {
        let (_dir, store) = fresh().await;
        let (one, other) = (watch(&store, "/one", &[]).await, watch(&store, "/other", &[]).await);
        put(&store, one, "a/m.csv", stamp(9), b"step,loss").await;
        put(&store, one, "a/m.csv", stamp(10), b"step,loss\n").await;
        put(&store, other, "a/m.csv", stamp(3), b"a,b").await;
        let row = HeadRow { path: "a/m.csv".into(), stamp: stamp(10), head: Packed::new(b"step,loss\n") };
        assert_eq!(store.heads(one).await.expect("reads"), [row]);

        let mut tx = store.begin_lightly().await.expect("begins");
        let log =
            SampledLog { path: "x.log".into(), looked_for: "1 auto".into(), found: true, stamp: stamp(4) };
        store
            .put_log(&mut tx, one, SampledLog { stamp: stamp(3), found: false, ..log.clone() })
            .await
            .expect("put");
        store.put_log(&mut tx, one, log.clone()).await.expect("put again");
        store.drop_head(&mut tx, other, "a/m.csv".to_owned()).await.expect("dropped");
        tx.commit().await.expect("commits");
        assert_eq!(store.sampled_logs(one).await.expect("reads"), [log]);
        assert!(store.sampled_logs(other).await.expect("reads").is_empty());
        assert!(store.heads(other).await.expect("reads").is_empty());

        let mut tx = store.begin().await.expect("begins");
        store.remove_watch(&mut tx, one).await.expect("removed");
        tx.commit().await.expect("commits");
        assert!(store.heads(one).await.expect("reads").is_empty());
        assert!(store.sampled_logs(one).await.expect("reads").is_empty());
    }

    #[tokio::test]
    async fn a_file_that_was_read_on_and_begins_as_before_needs_no_look() {
        let (_dir, store) = fresh().await;
        let watch = watch(&store, "/runs", &[]).await;
        let head = b"step,loss\n1,2\n";
        put(&store, watch, "a/grown.csv", FileStamp::default(), head).await;
        put(&store, watch, "a/other.csv", FileStamp::default(), b"another start\n").await;
        let mut tx = store.begin_lightly().await.expect("begins");
        let run = NewRun {
            watch: Some(watch),
            folder: "/runs/a",
            part: "",
            format: "csv",
            project: None,
            group: None,
            name: "a",
            now: 1,
        };
        let file = |path| NewFile { path, format: "csv", role: "metrics", prefix: "" };
        let files = vec![file("/runs/a/grown.csv"), file("/runs/a/other.csv")];
        let entered = store.enter_runs(&mut tx, &[(run, files)], 1).await.expect("entered");
        for known in &entered[0].files {
            let mut row = FileRow::new(known.clone());
            row.known = crate::store::runs::KnownFile {
                device: 1,
                inode: 2,
                size: 20,
                modified_ns: 3,
                ..known.clone()
            };
            row.prefix_hash = [xxh3_128(head).to_be_bytes(), [0; 16]].concat();
            row.prefix_len = 14;
            store.put_file(&mut tx, &row).await.expect("put");
        }
        tx.commit().await.expect("commits");
        let mut rows = store.heads(watch).await.expect("reads");
        rows.sort_by(|one, other| one.path.cmp(&other.path));
        assert_eq!(rows[0].stamp, stamp(20), "as it was when it was read on");
        assert_eq!(rows[1].stamp, FileStamp::default(), "it began otherwise");
    }
}
