//! Runs and their files as they are found.
//!
//! Keys are given here and not by the database, so that a run that is new, with its files, can be written together with
//! others in few trips to it: a folder of three years has thousands.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicI64, Ordering};

use sqlx::Arguments;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{KnownFile, RunStore, Tx, queries};
use crate::error::Result;

queries! {
    RUN_AT = "SELECT id, uid FROM run WHERE folder = ? AND part = ?";
    KNOWN_PLACES = "SELECT place.key, run.id FROM json_each($1) AS place
                        JOIN run ON run.folder = place.value ->> 0 AND run.part = place.value ->> 1
                    UNION ALL SELECT place.key, NULL FROM json_each($1) AS place JOIN run ON run.uid = place.value ->> 2
                        WHERE NOT (run.folder = place.value ->> 0 AND run.part = place.value ->> 1)";
    TRY_RUN = "INSERT INTO run (id, uid, watch_id, folder, part, format, project, grouping, name, status, added_at, revision)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'running', ?, ?)
               ON CONFLICT DO NOTHING RETURNING id";
    ADD_RUN = "INSERT INTO run (id, uid, watch_id, folder, part, format, project, grouping, name, status, added_at, revision)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'running', $10, $11)";
    FOUND_AGAIN = "UPDATE run SET watch_id = ?, format = ?, missing = 0, revision = ? WHERE id = ?";
    PUT_MEMBER = "INSERT INTO run_file (id, run_id, path, format, role, prefix, position) VALUES (?, ?, ?, ?, ?, ?, ?)
                  ON CONFLICT (run_id, path) DO UPDATE SET format = excluded.format, role = excluded.role,
                      prefix = excluded.prefix, position = excluded.position
                  RETURNING id, run_id, path, format, role, prefix, device, inode, size, modified_ns";
    ADD_MEMBER = "INSERT INTO run_file (id, run_id, path, format, role, prefix, position)
                  VALUES ($1, $2, $3, $4, $5, $6, $7)";
    DROP_MEMBER = "DELETE FROM run_file WHERE id = ?";
    LAST_KEYS = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'run'), 0),
                     coalesce((SELECT max(id) FROM run_file), 0), coalesce((SELECT max(id) FROM series), 0)";
}

/// The largest keys that were given. A transaction that comes to nothing leaves a gap.
#[derive(Debug, Default)]
pub(super) struct Keys {
    runs: AtomicI64,
    files: AtomicI64,
    series: AtomicI64,
}

impl Keys {
    fn run(&self) -> i64 {
        1 + self.runs.fetch_add(1, Ordering::Relaxed)
    }

    fn file(&self) -> i64 {
        1 + self.files.fetch_add(1, Ordering::Relaxed)
    }

    pub fn series(&self) -> i64 {
        1 + self.series.fetch_add(1, Ordering::Relaxed)
    }
}

/// A run that was found.
#[derive(Debug, Clone)]
pub struct NewRun<'a> {
    /// The watch folder.
    pub watch: Option<i64>,
    /// Absolute.
    pub folder: &'a str,
    /// Tells apart several runs in one folder.
    pub part: &'a str,
    /// The id of its format.
    pub format: &'a str,
    /// Its project, unless its files say otherwise.
    pub project: Option<&'a str>,
    /// Its group, likewise.
    pub group: Option<&'a str>,
    /// Its name, likewise.
    pub name: &'a str,
    /// Now, UTC milliseconds.
    pub now: i64,
}

/// A file of a run that was found.
#[derive(Debug, Clone, Copy)]
pub struct NewFile<'a> {
    /// Absolute.
    pub path: &'a str,
    /// The id of its format.
    pub format: &'a str,
    /// What it is to the run.
    pub role: &'a str,
    /// What stands before the names of its metrics.
    pub prefix: &'a str,
}

/// A run that was entered.
#[derive(Debug)]
pub struct Entered {
    /// The store's key.
    pub run: i64,
    /// It was not known before: nothing is stored of it.
    pub new: bool,
    /// Its files, in their order.
    pub files: Vec<KnownFile>,
}

/// The uid of a run by its place; `salt` counts the uids that were taken.
fn uid(folder: &str, part: &str, salt: u64) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let place = format!("{}:{folder}{part}", folder.len());
    let mut hash = xxh3_64_with_seed(place.as_bytes(), salt);
    let mut uid = String::from("r");
    for _ in 0..10 {
        uid.push(LETTERS[(hash & 31) as usize] as char);
        hash >>= 5;
    }
    uid
}

impl RunStore {
    /// Finds out which keys were given.
    pub(super) async fn count_keys(&self) -> Result<()> {
        let (runs, files, series) = sqlx::query_as(LAST_KEYS).fetch_one(self.readers()).await?;
        self.keys.runs.store(runs, Ordering::Relaxed);
        self.keys.files.store(files, Ordering::Relaxed);
        self.keys.series.store(series, Ordering::Relaxed);
        Ok(())
    }

    /// Enters runs that were found, with their files, or notes that they were found again.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn enter_runs(
        &self,
        tx: &mut Tx,
        found: &[(NewRun<'_>, Vec<NewFile<'_>>)],
        revision: i64,
    ) -> Result<Vec<Entered>> {
        let uids: Vec<String> = found.iter().map(|(run, _)| uid(run.folder, run.part, 0)).collect();
        let places: Vec<[&str; 3]> =
            found.iter().zip(&uids).map(|((run, _), uid)| [run.folder, run.part, uid]).collect();
        let places = serde_json::to_string(&places).unwrap_or_default();
        // A place whose uid another one has is told without a key.
        let known: Vec<(i64, Option<i64>)> =
            sqlx::query_as(KNOWN_PLACES).bind(places).fetch_all(tx.now().await?).await?;
        let known: HashMap<usize, Option<i64>> =
            known.into_iter().filter_map(|(at, run)| Some((usize::try_from(at).ok()?, run))).collect();
        let mut taken = HashSet::new();
        let mut entered = Vec::with_capacity(found.len());
        for (at, ((run, files), uid)) in found.iter().zip(&uids).enumerate() {
            if known.contains_key(&at) || !taken.insert(uid) {
                let id = self.put_run(tx, run, revision).await?.0;
                let mut all = Vec::with_capacity(files.len());
                for (position, file) in (0..).zip(files) {
                    all.push(self.put_member(tx, id, *file, position).await?);
                }
                entered.push(Entered { run: id, new: false, files: all });
            } else {
                entered.push(self.add_run(tx, (run, uid), files, revision).await?);
            }
        }
        Ok(entered)
    }

    /// A run whose place and uid are nobody's.
    async fn add_run(
        &self,
        tx: &mut Tx,
        (run, uid): (&NewRun<'_>, &str),
        files: &[NewFile<'_>],
        revision: i64,
    ) -> Result<Entered> {
        let id = self.keys.run();
        tx.put_off(ADD_RUN, |to| {
            to.add(id)?;
            to.add(uid.to_owned())?;
            to.add(run.watch)?;
            for text in [run.folder, run.part, run.format] {
                to.add(text.to_owned())?;
            }
            to.add(run.project.map(str::to_owned))?;
            to.add(run.group.map(str::to_owned))?;
            to.add(run.name.to_owned())?;
            to.add(run.now)?;
            to.add(revision)
        })
        .await?;
        let mut all: Vec<KnownFile> = Vec::with_capacity(files.len());
        for (position, file) in (0_i64..).zip(files) {
            if all.iter().any(|known| known.path == file.path) {
                all.push(self.put_member(tx, id, *file, position).await?);
                continue;
            }
            let known = KnownFile {
                id: self.keys.file(),
                run_id: id,
                path: file.path.to_owned(),
                format: file.format.to_owned(),
                role: file.role.to_owned(),
                prefix: file.prefix.to_owned(),
                device: 0,
                inode: 0,
                size: 0,
                modified_ns: 0,
            };
            tx.put_off(ADD_MEMBER, |to| {
                to.add(known.id)?;
                to.add(id)?;
                for text in [file.path, file.format, file.role, file.prefix] {
                    to.add(text.to_owned())?;
                }
                to.add(position)
            })
            .await?;
            all.push(known);
        }
        Ok(Entered { run: id, new: true, files: all })
    }

    /// Enters a run that was found, or notes that it was found again. Answers its key and uid.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn put_run(&self, tx: &mut Tx, run: &NewRun<'_>, revision: i64) -> Result<(i64, String)> {
        let connection = tx.now().await?;
        let mut salt = 0;
        loop {
            // Most are new, and their uid is nobody else's.
            let uid = uid(run.folder, run.part, salt);
            let added: Option<i64> = sqlx::query_scalar(TRY_RUN)
                .bind(self.keys.run())
                .bind(&uid)
                .bind(run.watch)
                .bind(run.folder)
                .bind(run.part)
                .bind(run.format)
                .bind(run.project)
                .bind(run.group)
                .bind(run.name)
                .bind(run.now)
                .bind(revision)
                .fetch_optional(&mut *connection)
                .await?;
            if let Some(id) = added {
                return Ok((id, uid));
            }
            let known: Option<(i64, String)> = sqlx::query_as(RUN_AT)
                .bind(run.folder)
                .bind(run.part)
                .fetch_optional(&mut *connection)
                .await?;
            if let Some((id, uid)) = known {
                sqlx::query(FOUND_AGAIN)
                    .bind(run.watch)
                    .bind(run.format)
                    .bind(revision)
                    .bind(id)
                    .execute(connection)
                    .await?;
                return Ok((id, uid));
            }
            salt += 1;
        }
    }

    /// Enters a file of a run; answers it as it is known.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn put_member(
        &self,
        tx: &mut Tx,
        run: i64,
        file: NewFile<'_>,
        position: i64,
    ) -> Result<KnownFile> {
        Ok(sqlx::query_as(PUT_MEMBER)
            .bind(self.keys.file())
            .bind(run)
            .bind(file.path)
            .bind(file.format)
            .bind(file.role)
            .bind(file.prefix)
            .bind(position)
            .fetch_one(tx.now().await?)
            .await?)
    }

    /// Forgets a file that belongs to another run now, with its points.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn drop_member(&self, tx: &mut Tx, file: i64) -> Result<()> {
        sqlx::query(DROP_MEMBER).bind(file).execute(tx.now().await?).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run<'a>(folder: &'a str, part: &'a str) -> NewRun<'a> {
        let (watch, project, group) = (None, None, None);
        NewRun { watch, folder, part, format: "tensorboard", project, group, name: "a", now: 1 }
    }

    fn file(path: &str) -> NewFile<'_> {
        NewFile { path, format: "tensorboard", role: "metrics", prefix: "" }
    }

    #[tokio::test]
    async fn runs_that_are_known_and_uids_that_are_taken_are_told_apart() {
        let (_folder, store) = crate::store::runs::tests::fresh().await;
        let mut tx = store.begin().await.unwrap();
        let revision = store.next_revision(&mut tx).await.unwrap();
        let first = [(run("/d/1", ""), vec![file("/d/1/x"), file("/d/1/y")]), (run("/d/2", ""), vec![])];
        let first = store.enter_runs(&mut tx, &first, revision).await.unwrap();
        assert!(first.iter().all(|it| it.new));
        // Another run has got the uid that this place would have.
        sqlx::query("UPDATE run SET uid = ? WHERE id = ?")
            .bind(uid("/d/3", "", 0))
            .bind(first[1].run)
            .execute(tx.now().await.unwrap())
            .await
            .unwrap();
        tx.commit().await.unwrap();

        let mut tx = store.begin().await.unwrap();
        let revision = store.next_revision(&mut tx).await.unwrap();
        let again = [
            (run("/d/1", ""), vec![file("/d/1/y"), file("/d/1/z")]),
            (run("/d/3", ""), vec![file("/d/3/x")]),
            (run("/d/4", "p"), vec![file("/d/4/x"), file("/d/4/x")]),
            (run("/d/4", "p"), vec![file("/d/4/x")]),
        ];
        let again = store.enter_runs(&mut tx, &again, revision).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!((again[0].run, again[0].new), (first[0].run, false));
        assert_eq!(again[0].files[0].id, first[0].files[1].id, "a file that was known keeps its key");
        assert!(again[0].files[1].id > first[0].files[1].id, "keys are given once");
        assert_eq!(uid("/d/3", "", 1), store.uid_of(again[1].run).await.unwrap().unwrap());
        assert!(again[2].new && again[3].run == again[2].run && !again[3].new, "a place is one run");
        let ids: Vec<i64> = again[2].files.iter().chain(&again[3].files).map(|it| it.id).collect();
        assert_eq!(ids, [ids[0]; 3], "a path is one file of a run");
    }

    #[tokio::test]
    async fn keys_go_on_after_a_start() {
        let (folder, store) = crate::store::runs::tests::fresh().await;
        let mut tx = store.begin().await.unwrap();
        let one = store.put_run(&mut tx, &run("/d/1", ""), 1).await.unwrap().0;
        store.remove_run(&mut tx, one, 2).await.unwrap();
        tx.commit().await.unwrap();
        store.close().await;
        let store = RunStore::open(&crate::home::Home::at(folder.path())).await.unwrap().0;
        let mut tx = store.begin().await.unwrap();
        let two = store.put_run(&mut tx, &run("/d/2", ""), 1).await.unwrap().0;
        assert!(two > one, "the key of a run that was removed is not given again");
    }
}
