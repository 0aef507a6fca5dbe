//! Runs that the queue started.

use athanor_core::runs::RunStatus;

use super::{RunStore, Tx, queries};
use crate::error::Result;

queries! {
    WATCHED_WITH = "SELECT run.id FROM run_file JOIN run ON run.id = run_id
                    WHERE path = ? AND watch_id IS NOT NULL AND missing = 0 ORDER BY run.id LIMIT 1";
    OF_ATTEMPT = "SELECT id FROM run WHERE experiment = ? AND attempt = ? AND watch_id IS NULL";
    ATTEMPTS_KNOWN = "SELECT experiment, attempt, status FROM run WHERE experiment IS NOT NULL";
    LINK = "UPDATE run SET experiment = ?, attempt = ?, status = ?, finished_at = ?, revision = ? WHERE id = ?";
    DROP = "DELETE FROM run WHERE id = ?";
    DROP_TEXT = "DELETE FROM run_text WHERE rowid = ?";
    GENERATION = "SELECT generation FROM run_file WHERE id = ?";
    SERIES_AT = "SELECT series.id, (SELECT max(number) FROM block WHERE series_id = series.id AND level = 0)
                 FROM series WHERE file_id = ? AND key_id = ?";
    CLEAR_SERIES = "DELETE FROM series WHERE file_id = ?";
}

/// How an attempt stands, for the run that it is.
#[derive(Debug, Clone, Copy)]
pub struct Link<'a> {
    /// The experiment's uid.
    pub experiment: &'a str,
    /// The attempt.
    pub attempt: u32,
    /// How it stands.
    pub status: RunStatus,
    /// When it ended, UTC milliseconds.
    pub finished_at: Option<i64>,
}

impl RunStore {
    /// The run in a watch folder that a file belongs to.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn watched_run_with(&self, path: &str) -> Result<Option<i64>> {
        Ok(sqlx::query_scalar(WATCHED_WITH).bind(path).fetch_optional(self.readers()).await?)
    }

    /// The run outside of watch folders that an attempt is.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn run_of_attempt(&self, experiment: &str, attempt: u32) -> Result<Option<i64>> {
        Ok(sqlx::query_scalar(OF_ATTEMPT)
            .bind(experiment)
            .bind(attempt)
            .fetch_optional(self.readers())
            .await?)
    }

    /// The attempts that runs are known to be, with how those stand.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn linked_attempts(&self) -> Result<Vec<(String, u32, String)>> {
        Ok(sqlx::query_as(ATTEMPTS_KNOWN).fetch_all(self.readers()).await?)
    }

    /// Says which attempt a run is, and how that stands.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn link(&self, tx: &mut Tx, run: i64, link: Link<'_>, revision: i64) -> Result<()> {
        sqlx::query(LINK)
            .bind(link.experiment)
            .bind(link.attempt)
            .bind(link.status.name())
            .bind(link.finished_at)
            .bind(revision)
            .bind(run)
            .execute(tx.now().await?)
            .await?;
        Ok(())
    }

    /// Takes a run out of the index for good.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn drop_run(&self, tx: &mut Tx, run: i64) -> Result<()> {
        let connection = tx.now().await?;
        sqlx::query(DROP_TEXT).bind(run).execute(&mut *connection).await?;
        sqlx::query(DROP).bind(run).execute(connection).await?;
        Ok(())
    }

    /// How often a file was rewritten, as far as its points are stored.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn generation(&self, tx: &mut Tx, file: i64) -> Result<i64> {
        Ok(sqlx::query_scalar(GENERATION).bind(file).fetch_one(tx.now().await?).await?)
    }

    /// A series of a file, if it is stored, with the number of its last block.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn series_at(&self, tx: &mut Tx, file: i64, key: i64) -> Result<Option<(i64, Option<i64>)>> {
        Ok(sqlx::query_as(SERIES_AT).bind(file).bind(key).fetch_optional(tx.now().await?).await?)
    }

    /// Forgets all points of a file.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn clear_series(&self, tx: &mut Tx, file: i64) -> Result<()> {
        sqlx::query(CLEAR_SERIES).bind(file).execute(tx.now().await?).await?;
        Ok(())
    }
}
