//! Watch folders.

use super::{RunStore, Tx, queries};
use crate::error::Result;

queries! {
    LIST = "SELECT id, path, project, pattern, added_at, looked_at,
                (SELECT count(*) FROM run WHERE watch_id = watch_folder.id) AS runs FROM watch_folder ORDER BY path";
    ADD = "INSERT INTO watch_folder (path, project, pattern, added_at) VALUES (?, ?, ?, ?) RETURNING id";
    REMOVE = "DELETE FROM watch_folder WHERE id = ?";
    TEXT_OF = "DELETE FROM run_text WHERE rowid IN (SELECT id FROM run WHERE watch_id = ?)";
    HAND_OVER = "UPDATE run SET watch_id = ? WHERE watch_id = ?";
    HAND_OVER_DATABASES = "UPDATE run_database SET watch_id = ? WHERE watch_id = ?";
    UNREAD = "SELECT run_file.path, refused, problems FROM run_file JOIN run ON run.id = run_id
              WHERE watch_id = ? AND missing = 0 AND (refused IS NOT NULL OR problems <> '[]') ORDER BY run_file.path LIMIT ?";
    COUNT_UNREAD = "SELECT count(DISTINCT run_file.path) FROM run_file JOIN run ON run.id = run_id
                    WHERE watch_id = ? AND missing = 0 AND (refused IS NOT NULL OR problems <> '[]')";
    LOOKED = "UPDATE watch_folder SET looked_at = ? WHERE id = ?";
}

/// A folder in which runs are looked for.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct WatchRow {
    /// The store's key.
    pub id: i64,
    /// Absolute, without links.
    pub path: String,
    /// The project of all runs in it that do not name their own.
    pub project: Option<String>,
    /// How metrics that programs print are found in logs; none: logs are not read for them.
    pub pattern: Option<String>,
    /// When it was added, UTC milliseconds.
    pub added_at: i64,
    /// When a look through it last came to its end.
    pub looked_at: Option<i64>,
    /// Runs in it.
    pub runs: i64,
}

impl RunStore {
    /// All watch folders, by path.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn watch_folders(&self) -> Result<Vec<WatchRow>> {
        Ok(sqlx::query_as(LIST).fetch_all(self.readers()).await?)
    }

    /// Adds a watch folder; answers its key. Runs of watch folders that lie in it become its own.
    ///
    /// # Errors
    /// The database refuses, also when it is there.
    pub async fn add_watch(
        &self,
        tx: &mut Tx,
        (path, project, pattern): (&str, Option<&str>, Option<&str>),
        inside: &[i64],
        now: i64,
    ) -> Result<i64> {
        let connection = tx.now().await?;
        let id: i64 = sqlx::query_scalar(ADD)
            .bind(path)
            .bind(project)
            .bind(pattern)
            .bind(now)
            .fetch_one(&mut *connection)
            .await?;
        for other in inside {
            sqlx::query(HAND_OVER).bind(id).bind(other).execute(&mut *connection).await?;
            sqlx::query(HAND_OVER_DATABASES).bind(id).bind(other).execute(&mut *connection).await?;
            sqlx::query(REMOVE).bind(other).execute(&mut *connection).await?;
        }
        Ok(id)
    }

    /// Forgets a watch folder with its runs; what lies on disk stays as it is.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn remove_watch(&self, tx: &mut Tx, id: i64) -> Result<bool> {
        let connection = tx.now().await?;
        sqlx::query(TEXT_OF).bind(id).execute(&mut *connection).await?;
        Ok(sqlx::query(REMOVE).bind(id).execute(connection).await?.rows_affected() > 0)
    }

    /// Notes that a look has come to its end.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn put_looked(&self, tx: &mut Tx, id: i64, now: i64) -> Result<()> {
        sqlx::query(LOOKED).bind(now).bind(id).execute(tx.now().await?).await?;
        Ok(())
    }

    /// Files of runs of a watch folder of which something can't be read: path, why all of it, and JSON of the places.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn unread(&self, id: i64, limit: usize) -> Result<Vec<(String, Option<String>, String)>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        Ok(sqlx::query_as(UNREAD).bind(id).bind(limit).fetch_all(self.readers()).await?)
    }

    /// How many files of which something can't be read there are.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn count_unread(&self, id: i64) -> Result<i64> {
        Ok(sqlx::query_scalar(COUNT_UNREAD).bind(id).fetch_one(self.readers()).await?)
    }
}
