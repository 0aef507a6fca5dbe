//! What can be told of the past: who ran where, how long things took, what may be cleaned up.

use athanor_core::experiment::JobCommand;
use athanor_core::outcome::FailureReason;
use athanor_core::placement::Assignment;
use athanor_core::state::Status;

use super::{Store, Tx, queries};
use crate::error::Result;

queries! {
    BARS = "SELECT experiment.uid, experiment.name, experiment.job_group, attempt.number, attempt.started_at,
                attempt.ended_at, attempt.status, attempt.assignment
            FROM (SELECT experiment_id, number FROM attempt WHERE started_at >= ?1 AND started_at < ?2
                  UNION
                  SELECT experiment_id, number FROM attempt WHERE ended_at > ?1 AND started_at < ?2
                  UNION
                  SELECT id, attempt FROM experiment INDEXED BY experiment_active
                  WHERE status IN ('running', 'paused') AND started_at < ?2) AS shown
            JOIN attempt ON attempt.experiment_id = shown.experiment_id AND attempt.number = shown.number
            JOIN experiment ON experiment.id = attempt.experiment_id
            ORDER BY attempt.started_at DESC LIMIT ?3";
    RECENT = "SELECT experiment.uid, experiment.job_group, experiment.command, experiment.cwd, attempt.started_at,
                attempt.ended_at, attempt.status, attempt.reason, attempt.assignment
            FROM attempt INDEXED BY attempt_ended JOIN experiment ON experiment.id = attempt.experiment_id
            WHERE attempt.ended_at IS NOT NULL ORDER BY attempt.ended_at DESC LIMIT ?";
    MEAN_WAIT = "SELECT avg(waited) FROM (
            SELECT started_at - queued_at AS waited FROM experiment INDEXED BY experiment_page_finished
            WHERE status IN ('completed', 'failed', 'cancelled', 'expired') AND archived_at IS NULL
                AND started_at >= queued_at ORDER BY completed_at DESC, id DESC LIMIT 1000)";
    MEAN_RUN = "SELECT avg(ended_at - started_at) FROM (
            SELECT started_at, ended_at FROM attempt WHERE ended_at IS NOT NULL ORDER BY ended_at DESC LIMIT 1000)";
    LONGEST = "SELECT uid, name, started_at FROM experiment
               WHERE status IN ('running', 'paused') AND started_at IS NOT NULL ORDER BY started_at LIMIT 1";
    OLDEST = "SELECT uid, name, queued_at FROM experiment WHERE id = (
                  SELECT id FROM experiment INDEXED BY experiment_page_waiting
                  WHERE status IN ('pending', 'queued') AND archived_at IS NULL
                      AND status = 'queued' AND queued_at IS NOT NULL ORDER BY queued_at LIMIT 1)";
    OLD_LOGS = "SELECT experiment.id, experiment.uid, experiment.name, attempt.number, attempt.ended_at
                FROM attempt JOIN experiment ON experiment.id = attempt.experiment_id
                WHERE attempt.ended_at < ?1 AND attempt.log_removed = 0 AND attempt.metrics_read = 1
                    AND experiment.status IN ('completed', 'failed', 'cancelled', 'expired')
                ORDER BY attempt.ended_at";
    OLD_EVENTS = "SELECT count(*) FROM event LEFT JOIN experiment ON experiment.id = event.experiment_id
            WHERE event.at < ?1 AND ((event.experiment_id IS NULL AND event.uid IS NOT NULL)
                OR (experiment.completed_at < ?1
                    AND experiment.status IN ('completed', 'failed', 'cancelled', 'expired')))";
    REMOVE_EVENTS = "DELETE FROM event WHERE cursor IN (
            SELECT event.cursor FROM event LEFT JOIN experiment ON experiment.id = event.experiment_id
            WHERE event.at < ?1 AND ((event.experiment_id IS NULL AND event.uid IS NOT NULL)
                OR (experiment.completed_at < ?1
                    AND experiment.status IN ('completed', 'failed', 'cancelled', 'expired')))
            ORDER BY event.cursor LIMIT 5000)";
    LOG_REMOVED = "UPDATE attempt SET log_removed = 1 WHERE experiment_id = ? AND number = ?";
}

/// An attempt on the timeline.
#[derive(Debug, Clone)]
pub struct BarRow {
    /// The experiment.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// Its group.
    pub group: Option<String>,
    /// The attempt.
    pub attempt: u32,
    /// When it started.
    pub from: i64,
    /// When it ended.
    pub to: Option<i64>,
    /// Where it stands.
    pub status: Status,
    /// What it held.
    pub assignment: Option<Assignment>,
}

/// An attempt that has ended.
#[derive(Debug, Clone)]
pub struct RecentRow {
    /// The experiment.
    pub uid: String,
    /// Its group.
    pub group: Option<String>,
    /// What it ran.
    pub command: JobCommand,
    /// Where.
    pub cwd: String,
    /// When it started.
    pub started_at: i64,
    /// When it ended.
    pub ended_at: i64,
    /// How it ended.
    pub status: Status,
    /// Why it failed.
    pub reason: Option<FailureReason>,
    /// What it held.
    pub assignment: Option<Assignment>,
}

/// A log that may be cleaned up.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct OldLogRow {
    /// The experiment's key.
    pub id: i64,
    /// Its uid.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// The attempt.
    pub number: u32,
    /// When it ended.
    pub ended_at: i64,
}

impl Store {
    /// Attempts that ran in a span of time, the newest first.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn bars(&self, from: i64, to: i64, limit: u32) -> Result<Vec<BarRow>> {
        type Columns = (String, String, Option<String>, u32, i64, Option<i64>, String, Option<String>);
        let rows: Vec<Columns> =
            sqlx::query_as(BARS).bind(from).bind(to).bind(limit).fetch_all(self.readers()).await?;
        Ok(rows
            .into_iter()
            .filter_map(|(uid, name, group, attempt, from, to, status, assignment)| {
                let assignment = assignment.and_then(|text| serde_json::from_str(&text).ok());
                let status = status.parse().ok()?;
                Some(BarRow { uid, name, group, attempt, from, to, status, assignment })
            })
            .collect())
    }

    /// The attempts that ended last, the newest first, seen from inside a transaction. What can't be read is left out.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn recent_attempts(&self, tx: &mut Tx, limit: u32) -> Result<Vec<RecentRow>> {
        type Columns =
            (String, Option<String>, String, String, i64, i64, String, Option<String>, Option<String>);
        let rows: Vec<Columns> = sqlx::query_as(RECENT).bind(limit).fetch_all(tx.now().await?).await?;
        let read = |(uid, group, command, cwd, started_at, ended_at, status, reason, assignment): Columns| {
            Some(RecentRow {
                command: serde_json::from_str(&command).ok()?,
                status: status.parse().ok()?,
                reason: reason.as_deref().and_then(FailureReason::from_word),
                assignment: assignment.and_then(|text| serde_json::from_str(&text).ok()),
                uid,
                group,
                cwd,
                started_at,
                ended_at,
            })
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// Mean times over the last 1,000 finished: from eligible to started, and from started to ended; milliseconds.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn means(&self) -> Result<(Option<f64>, Option<f64>)> {
        let wait = sqlx::query_scalar(MEAN_WAIT).fetch_one(self.readers()).await?;
        let run = sqlx::query_scalar(MEAN_RUN).fetch_one(self.readers()).await?;
        Ok((wait, run))
    }

    /// Uid, name and start of the job that has run for the longest.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn longest_running(&self) -> Result<Option<(String, String, i64)>> {
        Ok(sqlx::query_as(LONGEST).fetch_optional(self.readers()).await?)
    }

    /// Uid and name of the eligible job that has waited for the longest, and since when.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn oldest_queued(&self) -> Result<Option<(String, String, i64)>> {
        Ok(sqlx::query_as(OLDEST).fetch_optional(self.readers()).await?)
    }

    /// Logs of attempts that ended before a moment, of experiments that have ended.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn old_logs(&self, before: i64) -> Result<Vec<OldLogRow>> {
        Ok(sqlx::query_as(OLD_LOGS).bind(before).fetch_all(self.readers()).await?)
    }

    /// How many events of experiments that ended before a moment there are.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn old_events(&self, before: i64) -> Result<u64> {
        let count: i64 = sqlx::query_scalar(OLD_EVENTS).bind(before).fetch_one(self.readers()).await?;
        Ok(count.unsigned_abs())
    }

    /// Removes events of experiments that ended before a moment, or were deleted: at most 5,000, so that the queue is
    /// not kept waiting. Returns how many.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn remove_old_events(&self, tx: &mut Tx, before: i64) -> Result<u64> {
        Ok(sqlx::query(REMOVE_EVENTS).bind(before).execute(tx.now().await?).await?.rows_affected())
    }

    /// Records that an attempt's log was cleaned up.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn set_log_removed(&self, tx: &mut Tx, id: i64, number: u32) -> Result<()> {
        sqlx::query(LOG_REMOVED).bind(id).bind(number).execute(tx.now().await?).await?;
        Ok(())
    }
}
