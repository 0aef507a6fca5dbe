//! Databases in watch folders that hold many runs.

use super::{KnownFile, RunStore, Tx, queries};
use crate::error::{Error, ErrorKind, Result};

queries! {
    KNOWN = "SELECT * FROM run_database WHERE watch_id = ?";
    ONE = "SELECT * FROM run_database WHERE id = ?";
    ADD = "INSERT INTO run_database (watch_id, path, format) VALUES (?, ?, ?)
           ON CONFLICT (path) DO UPDATE SET watch_id = excluded.watch_id RETURNING id";
    RUNS = "SELECT part, missing, generation, run_file.id, run_id, path, run_file.format, role, prefix, device, inode,
                size, modified_ns FROM run_file JOIN run ON run.id = run_id WHERE path = ?";
    IS_REMOVED = "SELECT EXISTS (SELECT 1 FROM removed_run WHERE folder = ? AND part = ?)";
    PUT = "UPDATE run_database SET format = ?, device = ?, inode = ?, size = ?, modified_ns = ?, log_size = ?,
               log_modified_ns = ?, generation = ?, offset = ?, state = ?, problems = ?, refused = ?, serial = serial + 1
           WHERE id = ? AND serial = ?";
    FORGET = "UPDATE run_database SET device = 0, inode = 0, size = 0, modified_ns = 0, log_size = 0, log_modified_ns = 0,
                  offset = 0, state = x'', serial = serial + 1 WHERE id = ?";
    RUNS_MISSING = "UPDATE run SET missing = 1, revision = ?
                    WHERE missing = 0 AND id IN (SELECT run_id FROM run_file WHERE path = ?) RETURNING id";
}

/// How a database was when it was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, sqlx::FromRow)]
pub struct DatabaseStamp {
    /// Its file system.
    pub device: i64,
    /// Its number there.
    pub inode: i64,
    /// Bytes.
    pub size: i64,
    /// When it was last written, UTC nanoseconds by the file system's clock.
    pub modified_ns: i64,
    /// Bytes of the log beside it (`-wal`), in which SQLite keeps what was written last; 0 if there is none.
    pub log_size: i64,
    /// When that was last written; 0 if there is none.
    pub log_modified_ns: i64,
}

/// A database that holds many runs, with how far it was read.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct DatabaseRow {
    /// The store's key.
    pub id: i64,
    /// Absolute.
    pub path: String,
    /// The id of the format that it has shown itself to have.
    pub format: String,
    /// How it was before it was last read to its end.
    #[sqlx(flatten)]
    pub stamp: DatabaseStamp,
    /// Counts the times that it was read from its beginning.
    pub generation: i64,
    /// Counts the writings of this row.
    pub serial: i64,
    /// The number of the last row with points.
    pub offset: i64,
    /// The reader's own; empty if it is to be read from its beginning.
    pub state: Vec<u8>,
    /// JSON: what could not be read of it.
    pub problems: String,
    /// Why it is not read.
    pub refused: Option<String>,
}

/// A run of a database.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct DatabaseRun {
    /// Tells it apart from the others of the folder.
    pub part: String,
    /// It is not in the database any more.
    pub missing: bool,
    /// The generation of the database in which it was last told of.
    pub generation: i64,
    /// The database as a file of the run.
    #[sqlx(flatten)]
    pub file: KnownFile,
}

impl RunStore {
    /// The databases of a watch folder.
    ///
    /// # Errors
    /// The index can't be read.
    pub async fn known_databases(&self, watch: i64) -> Result<Vec<DatabaseRow>> {
        Ok(sqlx::query_as(KNOWN).bind(watch).fetch_all(self.readers()).await?)
    }

    /// One of them.
    ///
    /// # Errors
    /// The index can't be read.
    pub async fn run_database(&self, id: i64) -> Result<Option<DatabaseRow>> {
        Ok(sqlx::query_as(ONE).bind(id).fetch_optional(self.readers()).await?)
    }

    /// The runs of the database with this path.
    ///
    /// # Errors
    /// The index can't be read.
    pub async fn runs_of_database(&self, path: &str) -> Result<Vec<DatabaseRun>> {
        Ok(sqlx::query_as(RUNS).bind(path).fetch_all(self.readers()).await?)
    }

    /// Enters a database that was found; answers its key.
    ///
    /// # Errors
    /// The index refuses.
    pub async fn add_database(&self, tx: &mut Tx, watch: i64, path: &str, format: &str) -> Result<i64> {
        let add = sqlx::query_scalar(ADD).bind(watch).bind(path).bind(format);
        Ok(add.fetch_one(tx.now().await?).await?)
    }

    /// Whether the user took out the run at this place.
    ///
    /// # Errors
    /// The index refuses.
    pub async fn is_removed(&self, tx: &mut Tx, folder: &str, part: &str) -> Result<bool> {
        Ok(sqlx::query_scalar(IS_REMOVED).bind(folder).bind(part).fetch_one(tx.now().await?).await?)
    }

    /// Records how far a database was read. [`DatabaseRow::serial`] is that of the row from which the reading went on.
    ///
    /// # Errors
    /// The index refuses, or the row was written or taken out since: what was read is not what follows.
    pub async fn put_database(&self, tx: &mut Tx, row: &DatabaseRow) -> Result<()> {
        let put = sqlx::query(PUT)
            .bind(&row.format)
            .bind(row.stamp.device)
            .bind(row.stamp.inode)
            .bind(row.stamp.size)
            .bind(row.stamp.modified_ns)
            .bind(row.stamp.log_size)
            .bind(row.stamp.log_modified_ns)
            .bind(row.generation)
            .bind(row.offset)
            .bind(&row.state)
            .bind(&row.problems)
            .bind(&row.refused)
            .bind(row.id)
            .bind(row.serial)
            .execute(tx.now().await?)
            .await?;
        if put.rows_affected() == 0 {
            let message =
                format!("{} was read by another reader meanwhile, or is followed no more", row.path);
            return Err(Error::new(ErrorKind::Internal, message));
        }
        Ok(())
    }

    /// Notes that a database is gone, and its runs with it; what was read of them stays. Should it come back, it is read
    /// from its beginning. Answers the runs that are missing now and were not before.
    ///
    /// # Errors
    /// The index refuses.
    pub async fn database_gone(&self, tx: &mut Tx, id: i64, path: &str, revision: i64) -> Result<Vec<i64>> {
        let connection = tx.now().await?;
        sqlx::query(FORGET).bind(id).execute(&mut *connection).await?;
        Ok(sqlx::query_scalar(RUNS_MISSING).bind(revision).bind(path).fetch_all(connection).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::fresh;
    use super::*;

    #[tokio::test]
    async fn of_two_readings_of_the_same_rows_one_counts() {
        let (_dir, store) = fresh().await;
        let mut tx = store.begin().await.expect("begins");
        let watch = store.add_watch(&mut tx, ("/runs", None, None), &[], 1).await.expect("added");
        let id = store.add_database(&mut tx, watch, "/runs/mlflow.db", "mlflow").await.expect("added");
        tx.commit().await.expect("commits");
        let row = store.run_database(id).await.expect("readable").expect("there");
        let put = async |offset| {
            let mut tx = store.begin().await.expect("begins");
            store.put_database(&mut tx, &DatabaseRow { offset, ..row.clone() }).await?;
            tx.commit().await
        };
        put(7).await.expect("the first goes on from what is stored");
        let error = put(9).await.expect_err("the other one does not");
        assert!(error.to_string().contains("another reader"), "{error}");
        let kept = store.known_databases(watch).await.expect("readable");
        assert_eq!((kept[0].offset, kept[0].serial), (7, row.serial + 1));
    }
}
