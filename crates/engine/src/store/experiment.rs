//! Experiments: their row, and the lists that the queue shows.

use std::collections::BTreeMap;

use athanor_core::experiment::{JobCommand, Priority};
use athanor_core::outcome::{Failure, FailureReason};
use athanor_core::placement::Assignment;
use athanor_core::requirements::Requirements;
use athanor_core::retry::RetryPolicy;
use athanor_core::state::Status;
use serde::Serialize;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{Store, Tx, queries};
use crate::error::Result;
use crate::live::Live;

queries! {
    SET_LIVE = "UPDATE experiment SET progress = ?, metrics = ? WHERE id = ? AND attempt = ?";
    BY_ID = "SELECT * FROM experiment WHERE id = ?";
    UIDS_FROM = "SELECT uid FROM experiment WHERE uid >= ?1 UNION ALL SELECT uid FROM spent_uid WHERE uid >= ?1";
    MAX_ID = "SELECT max(coalesce((SELECT max(id) FROM experiment), 0), coalesce((SELECT max(id) FROM spent_uid), 0))";
    BY_UID = "SELECT * FROM experiment WHERE uid = ?";
    FIND = "SELECT * FROM experiment WHERE id IN (
                SELECT id FROM (SELECT id FROM experiment WHERE uid >= ?1 AND uid < ?1 || x'7f' LIMIT 4)
                UNION
                SELECT id FROM (SELECT id FROM experiment WHERE name = ?1 ORDER BY id DESC LIMIT 4))
            ORDER BY id DESC LIMIT 4";
    WAITING = "SELECT * FROM experiment WHERE status IN ('pending', 'queued') AND archived_at IS NULL
            ORDER BY priority, position, id";
    OPEN = "SELECT experiment.*, attempt.assignment FROM experiment
            JOIN attempt ON attempt.experiment_id = experiment.id AND attempt.number = experiment.attempt
            WHERE experiment.status IN ('running', 'paused') ORDER BY experiment.started_at, experiment.id";
    COUNTS = "SELECT status, count(*) FROM experiment INDEXED BY experiment_page_waiting
            WHERE status IN ('pending', 'queued') AND archived_at IS NULL GROUP BY status
        UNION ALL
        SELECT status, count(*) FROM experiment INDEXED BY experiment_active
            WHERE status IN ('running', 'paused') GROUP BY status
        UNION ALL
        SELECT status, count(*) FROM experiment INDEXED BY experiment_page_finished
            WHERE status IN ('completed', 'failed', 'cancelled', 'expired') AND archived_at IS NULL GROUP BY status";
    SET_POSITION = "UPDATE experiment SET position = ?2 WHERE id = ?1";
    MEMBERS = "SELECT id FROM experiment WHERE job_group = ? AND archived_at IS NULL ORDER BY id";
    BY_KEY = "SELECT * FROM experiment WHERE idempotency_key = ? AND archived_at IS NULL";
    DELETE = "INSERT OR IGNORE INTO spent_uid (uid, id) SELECT uid, id FROM experiment WHERE id = ?1;
              UPDATE event SET uid = (SELECT uid FROM experiment WHERE id = ?1) WHERE experiment_id = ?1;
              DELETE FROM experiment WHERE id = ?1;
              DELETE FROM environment WHERE hash = ?2
                  AND NOT EXISTS (SELECT 1 FROM experiment WHERE environment = ?2)";
    LIST_ACTIVE = "SELECT * FROM experiment WHERE status IN ('running', 'paused')
        AND (?1 IS NULL OR project = ?1)
        AND (?2 IS NULL OR instr(lower(uid || ' ' || name || ' ' || coalesce(project, '') || ' ' || command || ' ' || tags), ?2))
        AND (?3 IS NULL OR instr(?3, status))
        AND (?6 IS NULL OR job_group = ?6) AND (?7 = 0 OR job_group IS NULL) AND (archived_at IS NOT NULL) = ?8
        ORDER BY started_at, id LIMIT ?4 OFFSET ?5";
    LIST_WAITING = "SELECT * FROM experiment WHERE status IN ('pending', 'queued') AND archived_at IS NULL
        AND (?1 IS NULL OR project = ?1)
        AND (?2 IS NULL OR instr(lower(uid || ' ' || name || ' ' || coalesce(project, '') || ' ' || command || ' ' || tags), ?2))
        AND (?3 IS NULL OR instr(?3, status))
        AND (?6 IS NULL OR job_group = ?6) AND (?7 = 0 OR job_group IS NULL) AND NOT ?8
        ORDER BY priority, position, id LIMIT ?4 OFFSET ?5";
    LIST_FINISHED = "SELECT * FROM experiment WHERE status IN ('completed', 'failed', 'cancelled', 'expired') AND archived_at IS NULL
        AND (?1 IS NULL OR project = ?1)
        AND (?2 IS NULL OR instr(lower(uid || ' ' || name || ' ' || coalesce(project, '') || ' ' || command || ' ' || tags), ?2))
        AND (?3 IS NULL OR instr(?3, status))
        AND (?6 IS NULL OR job_group = ?6) AND (?7 = 0 OR job_group IS NULL) AND NOT ?8
        ORDER BY completed_at DESC, id DESC LIMIT ?4 OFFSET ?5";
    LIST_FINISHED_ARCHIVED = "SELECT * FROM experiment WHERE status IN ('completed', 'failed', 'cancelled', 'expired')
        AND archived_at IS NOT NULL
        AND (?1 IS NULL OR project = ?1)
        AND (?2 IS NULL OR instr(lower(uid || ' ' || name || ' ' || coalesce(project, '') || ' ' || command || ' ' || tags), ?2))
        AND (?3 IS NULL OR instr(?3, status))
        AND (?6 IS NULL OR job_group = ?6) AND (?7 = 0 OR job_group IS NULL) AND ?8
        ORDER BY completed_at DESC, id DESC LIMIT ?4 OFFSET ?5";
    PAGE_WAITING = "SELECT experiment.* FROM (
            SELECT id FROM experiment INDEXED BY experiment_page_waiting
            WHERE status IN ('pending', 'queued') AND archived_at IS NULL AND (?1 = 0 OR job_group IS NULL)
            ORDER BY priority, position, id LIMIT ?2 OFFSET ?3) AS page
        JOIN experiment ON experiment.id = page.id
        ORDER BY experiment.priority, experiment.position, experiment.id";
    PAGE_FINISHED = "SELECT experiment.* FROM (
            SELECT id FROM experiment INDEXED BY experiment_page_finished
            WHERE status IN ('completed', 'failed', 'cancelled', 'expired') AND archived_at IS NULL
                AND (?1 = 0 OR job_group IS NULL)
            ORDER BY completed_at DESC, id DESC LIMIT ?2 OFFSET ?3) AS page
        JOIN experiment ON experiment.id = page.id
        ORDER BY experiment.completed_at DESC, experiment.id DESC";
    LIST_ALL = "SELECT * FROM experiment WHERE (?1 IS NULL OR project = ?1)
        AND (?2 IS NULL OR instr(lower(uid || ' ' || name || ' ' || coalesce(project, '') || ' ' || command || ' ' || tags), ?2))
        AND (?3 IS NULL OR instr(?3, status))
        AND (?6 IS NULL OR job_group = ?6) AND (?7 = 0 OR job_group IS NULL) AND (archived_at IS NOT NULL) = ?8
        ORDER BY id DESC LIMIT ?4 OFFSET ?5";
    COUNT_WAITING_UNGROUPED = "SELECT count(*) FROM experiment INDEXED BY experiment_page_waiting
        WHERE status IN ('pending', 'queued') AND archived_at IS NULL AND job_group IS NULL";
    COUNT_FINISHED_UNGROUPED = "SELECT count(*) FROM experiment INDEXED BY experiment_page_finished
        WHERE status IN ('completed', 'failed', 'cancelled', 'expired') AND archived_at IS NULL AND job_group IS NULL";
    LIST_GROUP = "SELECT * FROM experiment WHERE id IN (
            SELECT id FROM experiment INDEXED BY experiment_group
            WHERE job_group = ?1 AND archived_at IS NULL AND instr(?2, ' ' || status || ' '))
        ORDER BY status IN ('pending', 'queued', 'running', 'paused') DESC,
            CASE WHEN status IN ('pending', 'queued') THEN priority END,
            CASE WHEN status IN ('pending', 'queued') THEN position END,
            CASE WHEN status IN ('running', 'paused') THEN started_at END,
            completed_at DESC, id DESC LIMIT ?3 OFFSET ?4";
    COUNT_GROUP = "SELECT count(*) FROM experiment INDEXED BY experiment_group
        WHERE job_group = ?1 AND archived_at IS NULL AND instr(?2, ' ' || status || ' ')";
    COUNT_MATCHING = "SELECT count(*) FROM experiment WHERE instr(?4, ' ' || status || ' ')
        AND (?1 IS NULL OR project = ?1)
        AND (?2 IS NULL OR instr(lower(uid || ' ' || name || ' ' || coalesce(project, '') || ' ' || command || ' ' || tags), ?2))
        AND (?3 IS NULL OR instr(?3, status))
        AND (?5 IS NULL OR job_group = ?5) AND (?6 = 0 OR job_group IS NULL) AND (archived_at IS NOT NULL) = ?7";
}

/// A part of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Running and paused.
    Active,
    /// Pending and queued, in the order of the queue.
    Waiting,
    /// Ended, newest first.
    Finished,
    /// All, newest first.
    All,
}

impl Section {
    fn statuses(self) -> &'static str {
        match self {
            Self::Active => " running paused ",
            Self::Waiting => " pending queued ",
            Self::Finished => " completed failed cancelled expired ",
            Self::All => " pending queued running paused completed failed cancelled expired ",
        }
    }
}

/// Which experiments to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Text that uid, name, project, command or tags contain, without regard to case.
    pub text: Option<String>,
    /// The project.
    pub project: Option<String>,
    /// Only these; all if empty.
    pub statuses: Vec<Status>,
    /// Only this group.
    pub group: Option<String>,
    /// Only those without a group.
    pub ungrouped: bool,
    /// Those that were put away, instead of the others.
    pub archived: bool,
}

impl Filter {
    /// Whether it lets everything through.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.is_plain() && !self.ungrouped
    }

    /// The group, if it asks for nothing else.
    fn group_alone(&self) -> Option<&str> {
        let others = Self { group: None, ..self.clone() };
        self.group.as_deref().filter(|_| others.is_empty())
    }

    /// Whether it asks for nothing but, perhaps, those without a group.
    fn is_plain(&self) -> bool {
        self.text.is_none()
            && self.project.is_none()
            && self.statuses.is_empty()
            && self.group.is_none()
            && !self.archived
    }

    fn status_words(&self) -> Option<String> {
        let words: Vec<&str> = self.statuses.iter().map(|status| status.as_str()).collect();
        (!words.is_empty()).then(|| words.join(" "))
    }
}

/// An experiment as it stands in the table.
#[derive(Debug, Clone, PartialEq)]
pub struct ExperimentRow {
    /// The store's own key.
    pub id: i64,
    /// The key that people use.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// Its project's name.
    pub project: Option<String>,
    /// What it runs.
    pub command: JobCommand,
    /// Where.
    pub cwd: String,
    /// The hash of its environment.
    pub environment: Vec<u8>,
    /// Its config's path.
    pub config_path: Option<String>,
    /// Its config's text when it was submitted.
    pub config_text: Option<String>,
    /// How soon.
    pub priority: Priority,
    /// Its place in the order of submission.
    pub position: i64,
    /// Where it stands.
    pub status: Status,
    /// When a cancel was asked for that has not taken effect yet.
    pub cancel_requested_at: Option<i64>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// Number of the current or last attempt; 0 before the first.
    pub attempt: u32,
    /// Longest time that it may run, milliseconds.
    pub time_limit_ms: Option<u64>,
    /// From SIGTERM to SIGKILL, milliseconds.
    pub grace_ms: u64,
    /// Progress and latest metrics, as last recorded.
    pub live: Live,
    /// Tags.
    pub tags: Vec<String>,
    /// Notes.
    pub notes: String,
    /// What it needs.
    pub requirements: Requirements,
    /// Its group.
    pub group: Option<String>,
    /// What stands before its start beside dependencies and resources.
    pub gate: GateRow,
    /// Whether it waits on when a dependency can't be met any more.
    pub wait_for_failed: bool,
    /// What is done after a failure; none: the default.
    pub retry: Option<RetryPolicy>,
    /// Retries used since the user last queued it.
    pub retries_used: u32,
    /// Attempts in a row that failed at once.
    pub strikes: u32,
    /// The key of a repeated submission.
    pub key: Option<String>,
    /// Who queued it.
    pub submitted_by: Option<String>,
    /// Facts that a caller has added.
    pub metadata: BTreeMap<String, String>,
    /// The experiment that it was made from.
    pub parent_id: Option<i64>,
    /// Whether the job gets a copy of its config with the text that is kept here.
    pub config_copy: bool,
    /// When it was put away.
    pub archived_at: Option<i64>,
    /// When it was accepted.
    pub created_at: i64,
    /// When it last became eligible.
    pub queued_at: Option<i64>,
    /// When its last attempt started.
    pub started_at: Option<i64>,
    /// When it ended.
    pub completed_at: Option<i64>,
}

/// What stands before an experiment's start beside dependencies and resources.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GateRow {
    /// The user holds it back.
    pub held: bool,
    /// Not before this moment.
    pub not_before: Option<i64>,
    /// Only in the window of this name.
    pub window: Option<String>,
    /// It expires if it has not started by then.
    pub start_by: Option<i64>,
    /// The next retry is due then.
    pub retry_at: Option<i64>,
}

impl ExperimentRow {
    /// What is done after a failure.
    #[must_use]
    pub fn retry_policy(&self) -> RetryPolicy {
        self.retry.clone().unwrap_or_default()
    }

    /// Its place in the queue.
    #[must_use]
    pub fn place(&self) -> (u8, i64, i64) {
        (self.priority.rank(), self.position, self.id)
    }
}

impl sqlx::FromRow<'_, SqliteRow> for ExperimentRow {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        fn parsed<T: serde::de::DeserializeOwned>(text: &str) -> sqlx::Result<T> {
            serde_json::from_str(text).map_err(|cause| sqlx::Error::Decode(cause.into()))
        }
        let unknown =
            |what: &str| sqlx::Error::Decode(format!("an experiment with an unknown {what}").into());
        let (exit_code, signal) = (row.try_get("exit_code")?, row.try_get("signal")?);
        let reason: Option<String> = row.try_get("failure_reason")?;
        let message: Option<String> = row.try_get("error_message")?;
        let progress: Option<String> = row.try_get("progress")?;
        let metrics: Option<String> = row.try_get("metrics")?;
        Ok(Self {
            id: row.try_get("id")?,
            uid: row.try_get("uid")?,
            name: row.try_get("name")?,
            project: row.try_get("project")?,
            command: parsed(row.try_get("command")?)?,
            cwd: row.try_get("cwd")?,
            environment: row.try_get("environment")?,
            config_path: row.try_get("config_path")?,
            config_text: row.try_get("config_text")?,
            priority: Priority::from_rank(row.try_get("priority")?).ok_or_else(|| unknown("priority"))?,
            position: row.try_get("position")?,
            status: row.try_get::<&str, _>("status")?.parse().map_err(|_| unknown("status"))?,
            cancel_requested_at: row.try_get("cancel_requested_at")?,
            failure: reason.as_deref().and_then(FailureReason::from_word).map(|reason| Failure {
                reason,
                exit_code,
                signal,
                message: message.unwrap_or_default(),
            }),
            attempt: row.try_get("attempt")?,
            time_limit_ms: row.try_get::<Option<i64>, _>("time_limit_ms")?.map(i64::unsigned_abs),
            grace_ms: row.try_get::<i64, _>("grace_ms")?.unsigned_abs(),
            live: Live::from_stored(progress.as_deref(), metrics.as_deref()),
            tags: parsed(row.try_get("tags")?)?,
            notes: row.try_get("notes")?,
            requirements: parsed(row.try_get("requirements")?)?,
            group: row.try_get("job_group")?,
            gate: GateRow {
                held: row.try_get("held")?,
                not_before: row.try_get("not_before")?,
                window: row.try_get("time_window")?,
                start_by: row.try_get("start_by")?,
                retry_at: row.try_get("retry_at")?,
            },
            wait_for_failed: row.try_get("wait_for_failed")?,
            retry: row.try_get::<Option<&str>, _>("retry")?.map(parsed).transpose()?,
            retries_used: row.try_get("retries_used")?,
            strikes: row.try_get("strikes")?,
            key: row.try_get("idempotency_key")?,
            submitted_by: row.try_get("submitted_by")?,
            metadata: parsed(row.try_get("metadata")?)?,
            parent_id: row.try_get("parent_id")?,
            config_copy: row.try_get("config_copy")?,
            archived_at: row.try_get("archived_at")?,
            created_at: row.try_get("created_at")?,
            queued_at: row.try_get("queued_at")?,
            started_at: row.try_get("started_at")?,
            completed_at: row.try_get("completed_at")?,
        })
    }
}

/// How many experiments have each status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts([u64; 8]);

impl Counts {
    /// How many have this status.
    #[must_use]
    pub fn of(&self, status: Status) -> u64 {
        self.0[status as usize]
    }

    /// How many there are.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// So many have this status.
    pub fn set(&mut self, status: Status, count: u64) {
        self.0[status as usize] = count;
    }

    /// One more has this status.
    pub fn add(&mut self, status: Status) {
        self.0[status as usize] += 1;
    }

    /// One less has this status.
    pub fn remove(&mut self, status: Status) {
        self.0[status as usize] = self.0[status as usize].saturating_sub(1);
    }

    /// One moved from a status to another.
    pub fn shift(&mut self, from: Status, to: Status) {
        self.remove(from);
        self.add(to);
    }
}

impl Store {
    /// The uids from this one on, in the order of text: with a date alone those of that day and later.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn uids_from(&self, tx: &mut Tx, first: &str) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar(UIDS_FROM).bind(first).fetch_all(tx.now().await?).await?)
    }

    /// The largest key that is in use or was; 0 if there is none.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn largest_id(&self) -> Result<i64> {
        Ok(sqlx::query_scalar(MAX_ID).fetch_one(self.readers()).await?)
    }

    /// Keeps progress and latest metrics of an attempt; those of an earlier one than the present are not kept.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn set_live(&self, tx: &mut Tx, (id, attempt): (i64, u32), live: &Live) -> Result<()> {
        let (progress, metrics) = live.to_stored();
        sqlx::query(SET_LIVE)
            .bind(progress)
            .bind(metrics)
            .bind(id)
            .bind(attempt)
            .execute(tx.now().await?)
            .await?;
        Ok(())
    }

    /// The experiment with this key.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn experiment(&self, id: i64) -> Result<Option<ExperimentRow>> {
        Ok(sqlx::query_as(BY_ID).bind(id).fetch_optional(self.readers()).await?)
    }

    /// The experiment with this key, seen from inside a transaction.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn experiment_in(&self, tx: &mut Tx, id: i64) -> Result<Option<ExperimentRow>> {
        Ok(sqlx::query_as(BY_ID).bind(id).fetch_optional(tx.now().await?).await?)
    }

    /// The experiment with this uid.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn experiment_by_uid(&self, uid: &str) -> Result<Option<ExperimentRow>> {
        Ok(sqlx::query_as(BY_UID).bind(uid).fetch_optional(self.readers()).await?)
    }

    /// The experiments that a person may mean by a uid, the beginning of one, or a name: the exact uid first, at most
    /// four.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn find_experiments(&self, text: &str) -> Result<Vec<ExperimentRow>> {
        if let Some(row) = self.experiment_by_uid(text).await? {
            return Ok(vec![row]);
        }
        Ok(sqlx::query_as(FIND).bind(text).fetch_all(self.readers()).await?)
    }

    /// All waiting experiments in the order of the queue.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn waiting(&self) -> Result<Vec<ExperimentRow>> {
        Ok(sqlx::query_as(WAITING).fetch_all(self.readers()).await?)
    }

    /// All experiments with an attempt under way, each with what that holds.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn active(&self) -> Result<Vec<(ExperimentRow, Assignment)>> {
        let rows = sqlx::query(OPEN).fetch_all(self.readers()).await?;
        rows.iter().map(|row| Ok((sqlx::FromRow::from_row(row)?, assignment(row)?))).collect()
    }

    /// Gives an experiment another position, where nothing else of it changes.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn set_position(&self, tx: &mut Tx, id: i64, position: i64) -> Result<()> {
        sqlx::query(SET_POSITION).bind(id).bind(position).execute(tx.now().await?).await?;
        Ok(())
    }

    /// The keys of a group's members that are not archived.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn members(&self, group: &str) -> Result<Vec<i64>> {
        Ok(sqlx::query_scalar(MEMBERS).bind(group).fetch_all(self.readers()).await?)
    }

    /// The experiment that has this idempotency key and is not archived, seen from inside a transaction.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn experiment_by_key(&self, tx: &mut Tx, key: &str) -> Result<Option<ExperimentRow>> {
        Ok(sqlx::query_as(BY_KEY).bind(key).fetch_optional(tx.now().await?).await?)
    }

    /// The experiment that has this idempotency key and is not archived.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn experiment_with_key(&self, key: &str) -> Result<Option<ExperimentRow>> {
        Ok(sqlx::query_as(BY_KEY).bind(key).fetch_optional(self.readers()).await?)
    }

    /// Deletes an experiment with its attempts, series and dependencies. Its events stay and keep its uid, which
    /// is never given again. Its environment goes with it, unless another has the same.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn delete_experiment(&self, tx: &mut Tx, id: i64, environment: &[u8]) -> Result<()> {
        sqlx::query(DELETE).bind(id).bind(environment).execute(tx.now().await?).await?;
        Ok(())
    }

    /// How many experiments that were not put away have each status.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn counts(&self) -> Result<Counts> {
        let mut counts = Counts::default();
        let rows: Vec<(String, i64)> = sqlx::query_as(COUNTS).fetch_all(self.readers()).await?;
        for (word, count) in rows {
            if let Ok(status) = word.parse::<Status>() {
                counts.set(status, count.unsigned_abs());
            }
        }
        Ok(counts)
    }

    /// A page of a section.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn list(
        &self,
        section: Section,
        filter: &Filter,
        offset: u32,
        limit: u32,
    ) -> Result<Vec<ExperimentRow>> {
        if let Some(group) = filter.group_alone() {
            let query =
                sqlx::query_as(LIST_GROUP).bind(group).bind(section.statuses()).bind(limit).bind(offset);
            return Ok(query.fetch_all(self.readers()).await?);
        }
        let paged = match section {
            Section::Waiting if filter.is_plain() => Some(PAGE_WAITING),
            Section::Finished if filter.is_plain() => Some(PAGE_FINISHED),
            _ => None,
        };
        if let Some(query) = paged {
            let query = sqlx::query_as(query).bind(filter.ungrouped).bind(limit).bind(offset);
            return Ok(query.fetch_all(self.readers()).await?);
        }
        let query = match section {
            Section::Active => LIST_ACTIVE,
            Section::Waiting => LIST_WAITING,
            Section::Finished if filter.archived => LIST_FINISHED_ARCHIVED,
            Section::Finished => LIST_FINISHED,
            Section::All => LIST_ALL,
        };
        Ok(sqlx::query_as(query)
            .bind(&filter.project)
            .bind(filter.text.as_ref().map(|text| text.to_lowercase()))
            .bind(filter.status_words())
            .bind(limit)
            .bind(offset)
            .bind(&filter.group)
            .bind(filter.ungrouped)
            .bind(filter.archived)
            .fetch_all(self.readers())
            .await?)
    }

    /// How many experiments of a section pass the filter.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn count(&self, section: Section, filter: &Filter) -> Result<u64> {
        let plain = match (section, filter.group_alone()) {
            (_, Some(group)) => Some(sqlx::query_scalar(COUNT_GROUP).bind(group).bind(section.statuses())),
            (Section::Waiting, None) if filter.is_plain() => {
                Some(sqlx::query_scalar(COUNT_WAITING_UNGROUPED))
            }
            (Section::Finished, None) if filter.is_plain() => {
                Some(sqlx::query_scalar(COUNT_FINISHED_UNGROUPED))
            }
            _ => None,
        };
        if let Some(query) = plain {
            let count: i64 = query.fetch_one(self.readers()).await?;
            return Ok(count.unsigned_abs());
        }
        let count: i64 = sqlx::query_scalar(COUNT_MATCHING)
            .bind(&filter.project)
            .bind(filter.text.as_ref().map(|text| text.to_lowercase()))
            .bind(filter.status_words())
            .bind(section.statuses())
            .bind(&filter.group)
            .bind(filter.ungrouped)
            .bind(filter.archived)
            .fetch_one(self.readers())
            .await?;
        Ok(count.unsigned_abs())
    }
}

/// What an attempt holds, as its row says; an attempt of before that was recorded held a slot.
fn assignment(row: &SqliteRow) -> sqlx::Result<Assignment> {
    match row.try_get::<Option<&str>, _>("assignment")? {
        Some(text) => serde_json::from_str(text).map_err(|cause| sqlx::Error::Decode(cause.into())),
        None => Ok(Assignment { slot: true, ..Assignment::default() }),
    }
}

/// The JSON of a value that always has one.
pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
