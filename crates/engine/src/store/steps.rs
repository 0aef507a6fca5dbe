//! The steps of a job's life, each in one trip to the database: the rows that change and the event that tells of it.
//!
//! A queue that starts hundreds of jobs a second spends most of its time on the way to the database and back, so what
//! belongs together travels together. Parameters are numbered over all statements of a query. Those of a step that is put
//! off ([`Tx::put_off`]) are written `$1`; of those written `?1` a statement leaves out few below its largest, because
//! sqlx counts each of these as if it were a parameter of its own.

use athanor_core::placement::Assignment;
use athanor_core::state::Status;
use sqlx::{Arguments, Row};

use super::attempt::{AttemptEnd, signed};
use super::experiment::{ExperimentRow, json};
use super::{EventKind, Store, Tx, queries};
use crate::error::Result;

queries! {
    ADD = "INSERT INTO temp.newcomer VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    SAVE = "UPDATE experiment SET name = ?2, command = ?3, cwd = ?4, environment = ?5, config_path = ?6,
               config_text = ?7, priority = ?8, position = ?9, status = ?10, cancel_requested_at = ?11,
               failure_reason = ?12, exit_code = ?13, signal = ?14, error_message = ?15, time_limit_ms = ?16,
               grace_ms = ?17, tags = ?18, notes = ?19, queued_at = ?20, completed_at = ?21, requirements = ?22,
               job_group = ?23, held = ?24, not_before = ?25, time_window = ?26, start_by = ?27, wait_for_failed = ?28,
               retry = ?29, retries_used = ?30, strikes = ?31, retry_at = ?32, metadata = ?33, config_copy = ?34,
               archived_at = ?35
           WHERE id = ?1;
           INSERT INTO event (at, what, experiment_id, attempt, message) VALUES (?36, ?37, ?1, ?38, ?39)";
    ATTEMPT_STATUS = "UPDATE attempt SET status = ?3 WHERE experiment_id = ?1 AND number = ?2";
    LOAD = "SELECT experiment.*, environment.sealed FROM experiment
            JOIN environment ON environment.hash = experiment.environment
            WHERE experiment.id IN (SELECT value FROM json_each(?))";
    START = "INSERT INTO temp.turn VALUES ('start', ?, ?, ?, ?, ?, ?, ?, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
                 NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)";
    END = "INSERT INTO temp.turn VALUES ('end', ?, ?, ?, ?, ?, ?, NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    VOID = "DELETE FROM attempt WHERE experiment_id = ?1 AND number = ?2;
            UPDATE experiment SET status = 'queued', started_at = NULL, cancel_requested_at = NULL WHERE id = ?1;
            INSERT INTO event (at, what, experiment_id, attempt, message) VALUES (?3, ?4, ?1, ?2, ?5)";
    REQUEST_CANCEL = "UPDATE experiment SET cancel_requested_at = ?3 WHERE id = ?1;
            INSERT INTO event (at, what, experiment_id, attempt, message) VALUES (?3, ?4, ?1, ?2, ?5)";
}

/// What the queue does hundreds of times a second, each as a row of a view: a trigger writes what belongs to it, and rows
/// that follow each other are one statement. The writer is given these when it connects; they are no part of the file.
///
/// sqlx tells of every statement of a query by itself, and each time whoever waits is woken: for eight small ones that
/// costs as much as what they do.
pub(super) const VIEWS: &str = "
PRAGMA temp_store = memory;
CREATE TEMP VIEW newcomer (id, uid, name, project, command, cwd, environment, config_path, config_text, priority, position,
        status, time_limit_ms, grace_ms, tags, notes, created_at, queued_at, requirements, job_group, held, not_before,
        time_window, start_by, wait_for_failed, retry, idempotency_key, submitted_by, metadata, parent_id, config_copy,
        what, message, cursor)
    AS SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL;
CREATE TEMP TRIGGER newcomer_added INSTEAD OF INSERT ON newcomer BEGIN
    INSERT INTO experiment (id, uid, name, project, command, cwd, environment, config_path, config_text, priority,
        position, status, time_limit_ms, grace_ms, tags, notes, created_at, queued_at, requirements, job_group, held,
        not_before, time_window, start_by, wait_for_failed, retry, idempotency_key, submitted_by, metadata, parent_id,
        config_copy)
        VALUES (NEW.id, NEW.uid, NEW.name, NEW.project, NEW.command, NEW.cwd, NEW.environment, NEW.config_path,
            NEW.config_text, NEW.priority, NEW.position, NEW.status, NEW.time_limit_ms, NEW.grace_ms, NEW.tags, NEW.notes,
            NEW.created_at, NEW.queued_at, NEW.requirements, NEW.job_group, NEW.held, NEW.not_before, NEW.time_window,
            NEW.start_by, NEW.wait_for_failed, NEW.retry, NEW.idempotency_key, NEW.submitted_by, NEW.metadata,
            NEW.parent_id, NEW.config_copy);
    INSERT INTO event (cursor, at, what, experiment_id, attempt, message)
        VALUES (NEW.cursor, NEW.created_at, NEW.what, NEW.id, NULL, NEW.message);
END;
CREATE TEMP VIEW turn (step, id, number, at, what, message, cursor, assignment, started_at, reason, exit_code, signal, error,
        status, completed_at, strikes, retries_used, retry_at, held, ended_as, cpu_ms, peak_memory, log_bytes, log_dropped,
        pid, pid_start, boot_id, gpu_ms, peak_gpu_memory, queued_at)
    AS SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL;
CREATE TEMP TRIGGER turn_start INSTEAD OF INSERT ON turn WHEN NEW.step = 'start' BEGIN
    UPDATE experiment SET status = 'running', attempt = NEW.number, started_at = NEW.at, completed_at = NULL,
        cancel_requested_at = NULL, failure_reason = NULL, exit_code = NULL, signal = NULL, error_message = NULL,
        progress = NULL, metrics = NULL, retry_at = NULL
        WHERE id = NEW.id;
    INSERT INTO attempt (experiment_id, number, started_at, status, assignment)
        VALUES (NEW.id, NEW.number, NEW.at, 'running', NEW.assignment);
    INSERT INTO event (cursor, at, what, experiment_id, attempt, message)
        VALUES (NEW.cursor, NEW.at, NEW.what, NEW.id, NEW.number, NEW.message);
END;
CREATE TEMP TRIGGER turn_end INSTEAD OF INSERT ON turn WHEN NEW.step = 'end' BEGIN
    UPDATE attempt SET started_at = coalesce(NEW.started_at, started_at), ended_at = NEW.at, status = NEW.ended_as,
        reason = NEW.reason, exit_code = NEW.exit_code, signal = NEW.signal, message = NEW.error, cpu_ms = NEW.cpu_ms,
        peak_memory = NEW.peak_memory, log_bytes = NEW.log_bytes, log_dropped = NEW.log_dropped,
        pid = coalesce(NEW.pid, pid), pid_start = coalesce(NEW.pid_start, pid_start),
        boot_id = coalesce(NEW.boot_id, boot_id), gpu_ms = NEW.gpu_ms, peak_gpu_memory = NEW.peak_gpu_memory
        WHERE experiment_id = NEW.id AND number = NEW.number;
    UPDATE experiment SET status = NEW.status, completed_at = NEW.completed_at,
        started_at = coalesce(NEW.started_at, started_at), failure_reason = NEW.reason, exit_code = NEW.exit_code,
        signal = NEW.signal, error_message = NEW.error, cancel_requested_at = NULL, strikes = NEW.strikes,
        retries_used = NEW.retries_used, retry_at = NEW.retry_at, held = NEW.held, queued_at = NEW.queued_at
        WHERE id = NEW.id;
    INSERT INTO event (cursor, at, what, experiment_id, attempt, message)
        VALUES (NEW.cursor, NEW.at, NEW.what, NEW.id, NEW.number, NEW.message);
END;
";

impl Store {
    /// Accepts an experiment as queued, under the key that its row names. Returns the event's cursor.
    ///
    /// # Errors
    /// The database refuses, also when key or uid are taken.
    pub async fn add_experiment(&self, tx: &mut Tx, row: &ExperimentRow, message: &str) -> Result<u64> {
        let cursor = self.next_cursor();
        tx.put_off(ADD, |to| {
            to.add(row.id)?;
            to.add(row.uid.clone())?;
            to.add(row.name.clone())?;
            to.add(row.project.clone())?;
            to.add(json(&row.command))?;
            to.add(row.cwd.clone())?;
            to.add(row.environment.clone())?;
            to.add(row.config_path.clone())?;
            to.add(row.config_text.clone())?;
            to.add(row.priority.rank())?;
            to.add(row.position)?;
            to.add(row.status.as_str())?;
            to.add(row.time_limit_ms.map(signed))?;
            to.add(signed(row.grace_ms))?;
            to.add(json(&row.tags))?;
            to.add(row.notes.clone())?;
            to.add(row.created_at)?;
            to.add(row.queued_at)?;
            to.add(json(&row.requirements))?;
            to.add(row.group.clone())?;
            to.add(row.gate.held)?;
            to.add(row.gate.not_before)?;
            to.add(row.gate.window.clone())?;
            to.add(row.gate.start_by)?;
            to.add(row.wait_for_failed)?;
            to.add(row.retry.as_ref().map(json))?;
            to.add(row.key.clone())?;
            to.add(row.submitted_by.clone())?;
            to.add(json(&row.metadata))?;
            to.add(row.parent_id)?;
            to.add(row.config_copy)?;
            to.add(EventKind::Added.as_str())?;
            to.add(message.to_owned())?;
            to.add(signed(cursor))
        })
        .await?;
        Ok(cursor)
    }

    /// Writes down what may change of an experiment while no attempt of it ends or begins. Returns the event's cursor.
    ///
    /// # Errors
    /// The database refuses, also when the experiment's idempotency key is taken by another that is not archived.
    pub async fn save_experiment(
        &self,
        tx: &mut Tx,
        row: &ExperimentRow,
        at: i64,
        (what, attempt, message): (EventKind, Option<u32>, &str),
    ) -> Result<u64> {
        let failure = row.failure.as_ref();
        let done = sqlx::query(SAVE)
            .bind(row.id)
            .bind(&row.name)
            .bind(json(&row.command))
            .bind(&row.cwd)
            .bind(&row.environment)
            .bind(&row.config_path)
            .bind(&row.config_text)
            .bind(row.priority.rank())
            .bind(row.position)
            .bind(row.status.as_str())
            .bind(row.cancel_requested_at)
            .bind(failure.map(|failure| failure.reason.as_str()))
            .bind(failure.and_then(|failure| failure.exit_code))
            .bind(failure.and_then(|failure| failure.signal))
            .bind(failure.map(|failure| failure.message.as_str()))
            .bind(row.time_limit_ms.map(signed))
            .bind(signed(row.grace_ms))
            .bind(json(&row.tags))
            .bind(&row.notes)
            .bind(row.queued_at)
            .bind(row.completed_at)
            .bind(json(&row.requirements))
            .bind(&row.group)
            .bind(row.gate.held)
            .bind(row.gate.not_before)
            .bind(&row.gate.window)
            .bind(row.gate.start_by)
            .bind(row.wait_for_failed)
            .bind(row.retry.as_ref().map(json))
            .bind(row.retries_used)
            .bind(row.strikes)
            .bind(row.gate.retry_at)
            .bind(json(&row.metadata))
            .bind(row.config_copy)
            .bind(row.archived_at)
            .bind(at)
            .bind(what.as_str())
            .bind(attempt)
            .bind(message)
            .execute(tx.now().await?)
            .await?;
        Ok(self.appended(&done))
    }

    /// Records that an attempt's processes were stopped, or go on.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn set_attempt_status(&self, tx: &mut Tx, id: i64, number: u32, status: Status) -> Result<()> {
        sqlx::query(ATTEMPT_STATUS)
            .bind(id)
            .bind(number)
            .bind(status.as_str())
            .execute(tx.now().await?)
            .await?;
        Ok(())
    }

    /// Experiments that are about to start, each with its sealed environment. Those that are not there are left out.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn load_to_start(&self, tx: &mut Tx, ids: &[i64]) -> Result<Vec<(ExperimentRow, Vec<u8>)>> {
        let rows = sqlx::query(LOAD).bind(json(&ids)).fetch_all(tx.now().await?).await?;
        rows.iter().map(|row| Ok((sqlx::FromRow::from_row(row)?, row.try_get("sealed")?))).collect()
    }

    /// Records the decision to start an attempt. Returns the event's cursor.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn start_attempt(
        &self,
        tx: &mut Tx,
        id: i64,
        (number, assignment): (u32, &Assignment),
        now: i64,
        message: &str,
    ) -> Result<u64> {
        let cursor = self.next_cursor();
        tx.put_off(START, |to| {
            to.add(id)?;
            to.add(number)?;
            to.add(now)?;
            to.add(EventKind::Started.as_str())?;
            to.add(message.to_owned())?;
            to.add(signed(cursor))?;
            to.add(json(assignment))
        })
        .await?;
        Ok(cursor)
    }

    /// Records how an attempt ended, and what that makes of its experiment, as `after` has it. Returns the event's
    /// cursor.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn end_attempt(
        &self,
        tx: &mut Tx,
        after: &ExperimentRow,
        end: &AttemptEnd,
        (what, message): (EventKind, &str),
    ) -> Result<u64> {
        let (pid, start, boot) = end
            .process
            .clone()
            .map_or((None, None, None), |(pid, start, boot)| (Some(pid), Some(signed(start)), Some(boot)));
        let failure = end.failure.as_ref();
        let cursor = self.next_cursor();
        let failed = failure.map(|failure| (failure.reason.as_str(), failure.message.clone()));
        let (reason, why) = failed.unzip();
        tx.put_off(END, |to| {
            to.add(after.id)?;
            to.add(after.attempt)?;
            to.add(end.ended_at)?;
            to.add(what.as_str())?;
            to.add(message.to_owned())?;
            to.add(signed(cursor))?;
            to.add(end.started_at)?;
            to.add(reason)?;
            to.add(end.exit_code)?;
            to.add(end.signal)?;
            to.add(why)?;
            to.add(after.status.as_str())?;
            to.add(after.completed_at)?;
            to.add(after.strikes)?;
            to.add(after.retries_used)?;
            to.add(after.gate.retry_at)?;
            to.add(after.gate.held)?;
            to.add(end.status.as_str())?;
            to.add(end.cpu_ms.map(signed))?;
            to.add(end.peak_memory.map(signed))?;
            to.add(signed(end.log_bytes))?;
            to.add(signed(end.log_dropped))?;
            to.add(pid)?;
            to.add(start)?;
            to.add(boot)?;
            to.add(end.gpu_ms.map(signed))?;
            to.add(end.peak_gpu_memory.map(signed))?;
            to.add(after.queued_at)
        })
        .await?;
        Ok(cursor)
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
            .execute(tx.now().await?)
            .await?;
        Ok(self.appended(&done))
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
            .execute(tx.now().await?)
            .await?;
        Ok(self.appended(&done))
    }
}
