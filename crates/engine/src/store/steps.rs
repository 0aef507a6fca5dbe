//! The steps of a job's life, each in one trip to the database: the rows that change and the event that tells of it.
//!
//! A queue that starts hundreds of jobs a second spends most of its time on the way to the database and back, so what
//! belongs together travels together. Parameters are numbered over all statements of a query.

use sqlx::Row;

use super::attempt::{AttemptEnd, signed};
use super::experiment::{ExperimentRow, json};
use super::{EventKind, Store, Tx, queries};
use crate::error::Result;

queries! {
    ADD = "INSERT INTO experiment (id, uid, name, project, command, cwd, environment, config_path, config_text,
               priority, position, status, time_limit_ms, grace_ms, tags, notes, created_at, queued_at)
           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 'queued', ?12, ?13, ?14, ?15, ?16, ?16);
           INSERT INTO event (at, what, experiment_id, attempt, message) VALUES (?16, ?17, ?1, NULL, ?18)";
    LOAD = "SELECT experiment.*, environment.sealed FROM experiment
            JOIN environment ON environment.hash = experiment.environment WHERE experiment.id = ?";
    START = "UPDATE experiment SET status = 'running', attempt = ?2, started_at = ?3, completed_at = NULL,
                 cancel_requested_at = NULL, failure_reason = NULL, exit_code = NULL, signal = NULL,
                 error_message = NULL, progress = NULL, metrics = NULL
             WHERE id = ?1;
             INSERT INTO attempt (experiment_id, number, started_at, status) VALUES (?1, ?2, ?3, 'running');
             INSERT INTO event (at, what, experiment_id, attempt, message) VALUES (?3, ?4, ?1, ?2, ?5)";
    END = "UPDATE attempt SET started_at = coalesce(?3, started_at), ended_at = ?4, status = ?5, reason = ?6,
               exit_code = ?7, signal = ?8, message = ?9, cpu_ms = ?10, peak_memory = ?11, log_bytes = ?12,
               log_dropped = ?13, pid = coalesce(?14, pid), pid_start = coalesce(?15, pid_start),
               boot_id = coalesce(?16, boot_id)
           WHERE experiment_id = ?1 AND number = ?2;
           UPDATE experiment SET status = ?5, completed_at = ?4, started_at = coalesce(?3, started_at),
               failure_reason = ?6, exit_code = ?7, signal = ?8, error_message = ?9, cancel_requested_at = NULL
           WHERE id = ?1;
           INSERT INTO event (at, what, experiment_id, attempt, message) VALUES (?4, ?17, ?1, ?2, ?18)";
    CANCEL = "UPDATE experiment SET status = 'cancelled', completed_at = ?2, cancel_requested_at = NULL WHERE id = ?1;
              INSERT INTO event (at, what, experiment_id, attempt, message) VALUES (?2, ?3, ?1, NULL, ?4)";
    VOID = "DELETE FROM attempt WHERE experiment_id = ?1 AND number = ?2;
            UPDATE experiment SET status = 'queued', started_at = NULL WHERE id = ?1;
            INSERT INTO event (at, what, experiment_id, attempt, message) VALUES (?3, ?4, ?1, ?2, ?5)";
    REQUEST_CANCEL = "UPDATE experiment SET cancel_requested_at = ?3 WHERE id = ?1;
            INSERT INTO event (at, what, experiment_id, attempt, message) VALUES (?3, ?4, ?1, ?2, ?5)";
}

/// Cursor of the event that a step has appended with its last statement.
fn cursor(done: &sqlx::sqlite::SqliteQueryResult) -> u64 {
    done.last_insert_rowid().unsigned_abs()
}

impl Store {
    /// Accepts an experiment as queued, under the key that its row names. Returns the event's cursor.
    ///
    /// # Errors
    /// The database refuses, also when key or uid are taken.
    pub async fn add_experiment(&self, tx: &mut Tx, row: &ExperimentRow, message: &str) -> Result<u64> {
        let done = sqlx::query(ADD)
            .bind(row.id)
            .bind(&row.uid)
            .bind(&row.name)
            .bind(&row.project)
            .bind(json(&row.command))
            .bind(&row.cwd)
            .bind(&row.environment)
            .bind(&row.config_path)
            .bind(&row.config_text)
            .bind(row.priority.rank())
            .bind(row.position)
            .bind(row.time_limit_ms.map(signed))
            .bind(signed(row.grace_ms))
            .bind(json(&row.tags))
            .bind(&row.notes)
            .bind(row.created_at)
            .bind(EventKind::Added.as_str())
            .bind(message)
            .execute(&mut **tx)
            .await?;
        Ok(cursor(&done))
    }

    /// An experiment that is about to start, with its sealed environment.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn load_to_start(&self, tx: &mut Tx, id: i64) -> Result<Option<(ExperimentRow, Vec<u8>)>> {
        let Some(row) = sqlx::query(LOAD).bind(id).fetch_optional(&mut **tx).await? else { return Ok(None) };
        Ok(Some((sqlx::FromRow::from_row(&row)?, row.try_get("sealed")?)))
    }

    /// Records the decision to start an attempt. Returns the event's cursor.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn start_attempt(
        &self,
        tx: &mut Tx,
        id: i64,
        number: u32,
        now: i64,
        message: &str,
    ) -> Result<u64> {
        let done = sqlx::query(START)
            .bind(id)
            .bind(number)
            .bind(now)
            .bind(EventKind::Started.as_str())
            .bind(message)
            .execute(&mut **tx)
            .await?;
        Ok(cursor(&done))
    }

    /// Records how an attempt, and with it its experiment, ended. Returns the event's cursor.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn end_attempt(
        &self,
        tx: &mut Tx,
        (id, number): (i64, u32),
        end: &AttemptEnd,
        (what, message): (EventKind, &str),
    ) -> Result<u64> {
        let (pid, start, boot) = end
            .process
            .clone()
            .map_or((None, None, None), |(pid, start, boot)| (Some(pid), Some(signed(start)), Some(boot)));
        let failure = end.failure.as_ref();
        let done = sqlx::query(END)
            .bind(id)
            .bind(number)
            .bind(end.started_at)
            .bind(end.ended_at)
            .bind(end.status.as_str())
            .bind(failure.map(|failure| failure.reason.as_str()))
            .bind(end.exit_code)
            .bind(end.signal)
            .bind(failure.map(|failure| failure.message.as_str()))
            .bind(end.cpu_ms.map(signed))
            .bind(end.peak_memory.map(signed))
            .bind(signed(end.log_bytes))
            .bind(signed(end.log_dropped))
            .bind(pid)
            .bind(start)
            .bind(boot)
            .bind(what.as_str())
            .bind(message)
            .execute(&mut **tx)
            .await?;
        Ok(cursor(&done))
    }

    /// Records that a waiting experiment was cancelled. Returns the event's cursor.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn cancel_waiting(&self, tx: &mut Tx, id: i64, now: i64, message: &str) -> Result<u64> {
        let kind = EventKind::Cancelled.as_str();
        let done = sqlx::query(CANCEL).bind(id).bind(now).bind(kind).bind(message).execute(&mut **tx).await?;
        Ok(cursor(&done))
    }

    /// Takes back an attempt that never started. Its number stays used: a supervisor that comes too late must find the
    /// folder of its own number void, and not somebody else's attempt. Returns the event's cursor.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn void_attempt(
        &self,
        tx: &mut Tx,
        id: i64,
        number: u32,
        now: i64,
        message: &str,
    ) -> Result<u64> {
        let done = sqlx::query(VOID)
            .bind(id)
            .bind(number)
            .bind(now)
            .bind(EventKind::Voided.as_str())
            .bind(message)
            .execute(&mut **tx)
            .await?;
        Ok(cursor(&done))
    }

    /// Records that a cancel was asked for. Returns the event's cursor.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn request_cancel(
        &self,
        tx: &mut Tx,
        id: i64,
        number: u32,
        now: i64,
        message: &str,
    ) -> Result<u64> {
        let done = sqlx::query(REQUEST_CANCEL)
            .bind(id)
            .bind(number)
            .bind(now)
            .bind(EventKind::CancelRequested.as_str())
            .bind(message)
            .execute(&mut **tx)
            .await?;
        Ok(cursor(&done))
    }
}
