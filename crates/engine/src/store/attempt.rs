//! Executions: one row each, written when the decision to start is made, completed when the end is known.

use athanor_core::history::Usage;
use athanor_core::outcome::{Failure, FailureReason};
use athanor_core::placement::Assignment;
use athanor_core::state::Status;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{Store, Tx, queries};
use crate::error::Result;

queries! {
    SET_PROCESS = "UPDATE attempt SET pid = ?, pid_start = ?, boot_id = ? WHERE experiment_id = ? AND number = ?";
    UNREAD = "SELECT experiment.id, experiment.uid, attempt.number, experiment.cwd, attempt.started_at
              FROM attempt JOIN experiment ON experiment.id = attempt.experiment_id
              WHERE attempt.ended_at IS NOT NULL AND attempt.metrics_read = 0";
    SET_READ = "UPDATE attempt SET metrics_read = 1 WHERE experiment_id = ? AND number = ?";
    OF = "SELECT * FROM attempt WHERE experiment_id = ? ORDER BY number DESC";
}

/// An attempt as it stands in the table.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptRow {
    /// 1 for the first.
    pub number: u32,
    /// When it started, UTC milliseconds.
    pub started_at: i64,
    /// When it ended.
    pub ended_at: Option<i64>,
    /// The job's main process, once known.
    pub pid: Option<u32>,
    /// Where it stands.
    pub status: Status,
    /// Exit code, if there was one.
    pub exit_code: Option<i32>,
    /// Signal, if one ended it.
    pub signal: Option<i32>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// CPU time, milliseconds.
    pub cpu_ms: Option<u64>,
    /// Peak resident memory of its largest process, bytes.
    pub peak_memory: Option<u64>,
    /// Length of its log over its whole life, bytes; 0 while it runs.
    pub log_bytes: u64,
    /// Bytes of output that the disk refused.
    pub log_dropped: u64,
    /// What it holds, or held.
    pub assignment: Option<Assignment>,
    /// Time that it held GPUs, milliseconds summed over them.
    pub gpu_ms: Option<u64>,
    /// What it was seen to use of its GPUs, as far as it is stored.
    pub usage: Usage,
    /// Whether its log was cleaned up.
    pub log_removed: bool,
}

/// What is known when an attempt has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptEnd {
    /// The supervisor's own time of the start, if it came that far.
    pub started_at: Option<i64>,
    /// When it ended, UTC milliseconds.
    pub ended_at: i64,
    /// Completed, failed or cancelled.
    pub status: Status,
    /// Exit code, if there was one.
    pub exit_code: Option<i32>,
    /// Signal, if one ended it.
    pub signal: Option<i32>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// CPU time, milliseconds.
    pub cpu_ms: Option<u64>,
    /// Peak resident memory of its largest process, bytes.
    pub peak_memory: Option<u64>,
    /// Length of its log over its whole life, bytes.
    pub log_bytes: u64,
    /// Bytes of output that the disk refused.
    pub log_dropped: u64,
    /// Pid, start ticks and boot id of the job's main process.
    pub process: Option<(u32, u64, String)>,
    /// Time that it held GPUs, milliseconds summed over them; the queue knows.
    pub gpu_ms: Option<u64>,
    /// Peak of its memory on all its GPUs, bytes; the queue knows.
    pub peak_gpu_memory: Option<u64>,
    /// Whether the machine's own state kept it from starting. Not stored.
    pub machine_fault: bool,
}

impl sqlx::FromRow<'_, SqliteRow> for AttemptRow {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        let status = row.try_get::<String, _>("status")?;
        let reason: Option<String> = row.try_get("reason")?;
        let (exit_code, signal) = (row.try_get("exit_code")?, row.try_get("signal")?);
        let message: Option<String> = row.try_get("message")?;
        Ok(Self {
            number: row.try_get("number")?,
            started_at: row.try_get("started_at")?,
            ended_at: row.try_get("ended_at")?,
            pid: row.try_get("pid")?,
            status: status.parse().map_err(|error: String| sqlx::Error::Decode(error.into()))?,
            exit_code,
            signal,
            failure: reason.as_deref().and_then(FailureReason::from_word).map(|reason| Failure {
                reason,
                exit_code,
                signal,
                message: message.unwrap_or_default(),
            }),
            cpu_ms: row.try_get::<Option<i64>, _>("cpu_ms")?.map(i64::unsigned_abs),
            peak_memory: row.try_get::<Option<i64>, _>("peak_memory")?.map(i64::unsigned_abs),
            log_bytes: row.try_get::<i64, _>("log_bytes")?.unsigned_abs(),
            log_dropped: row.try_get::<i64, _>("log_dropped")?.unsigned_abs(),
            assignment: row
                .try_get::<Option<&str>, _>("assignment")?
                .and_then(|text| serde_json::from_str(text).ok()),
            gpu_ms: row.try_get::<Option<i64>, _>("gpu_ms")?.map(i64::unsigned_abs),
            usage: super::history::usage((
                row.try_get("peak_gpu_memory")?,
                row.try_get("gpu_utilisation")?,
                row.try_get("gpu_sampled_ms")?,
                row.try_get("energy_wh")?,
                row.try_get("energy_basis")?,
            )),
            log_removed: row.try_get("log_removed")?,
        })
    }
}

/// SQLite's integers are signed; sizes and times of ours stay far below the limit.
pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

impl Store {
    /// Records the identity of the job's main process.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn set_process(
        &self,
        tx: &mut Tx,
        experiment: i64,
        number: u32,
        (pid, start, boot): (u32, u64, &str),
    ) -> Result<()> {
        sqlx::query(SET_PROCESS)
            .bind(pid)
            .bind(signed(start))
            .bind(boot)
            .bind(experiment)
            .bind(number)
            .execute(tx.now().await?)
            .await?;
        Ok(())
    }

    /// The attempts of an experiment, newest first.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn attempts(&self, experiment: i64) -> Result<Vec<AttemptRow>> {
        Ok(sqlx::query_as(OF).bind(experiment).fetch_all(self.readers()).await?)
    }

    /// Attempts that have ended and whose metrics were not read to the end yet: key and uid of the experiment, number,
    /// working directory, start.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn unread_attempts(&self) -> Result<Vec<(i64, String, u32, String, i64)>> {
        Ok(sqlx::query_as(UNREAD).fetch_all(self.readers()).await?)
    }

    /// Records that all metrics of an ended attempt were read.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn set_metrics_read(&self, tx: &mut Tx, experiment: i64, number: u32) -> Result<()> {
        sqlx::query(SET_READ).bind(experiment).bind(number).execute(tx.now().await?).await?;
        Ok(())
    }
}
