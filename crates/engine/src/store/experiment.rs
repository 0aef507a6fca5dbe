//! Experiments: their row, and the lists that the queue shows.

use athanor_core::experiment::{JobCommand, Priority};
use athanor_core::outcome::{Failure, FailureReason};
use athanor_core::state::Status;
use serde::Serialize;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{Store, Tx, queries};
use crate::error::Result;
use crate::live::Live;

queries! {
    SET_LIVE = "UPDATE experiment SET progress = ?, metrics = ? WHERE id = ?";
    BY_ID = "SELECT * FROM experiment WHERE id = ?";
    UIDS_FROM = "SELECT uid FROM experiment WHERE uid >= ?";
    MAX_ID = "SELECT coalesce(max(id), 0) FROM experiment";
    BY_UID = "SELECT * FROM experiment WHERE uid = ?";
    FIND = "SELECT * FROM experiment WHERE uid = ?1
            UNION ALL
            SELECT * FROM (SELECT * FROM experiment
                           WHERE uid <> ?1 AND (uid >= ?1 AND uid < ?1 || x'7f' OR name = ?1)
                           ORDER BY id DESC LIMIT 3)";
    WAITING = "SELECT id, uid, priority, position, status FROM experiment
               WHERE status IN ('pending', 'queued') ORDER BY priority, position, id";
    OPEN = "SELECT * FROM experiment WHERE status IN ('running', 'paused') ORDER BY started_at, id";
    COUNTS = "SELECT status, count(*) FROM experiment GROUP BY status";
    LIST_ACTIVE = "SELECT * FROM experiment WHERE status IN ('running', 'paused')
        AND (?1 IS NULL OR project = ?1)
        AND (?2 IS NULL OR instr(lower(uid || ' ' || name || ' ' || coalesce(project, '') || ' ' || command || ' ' || tags), ?2))
        AND (?3 IS NULL OR instr(?3, status))
        ORDER BY started_at, id LIMIT ?4 OFFSET ?5";
    LIST_WAITING = "SELECT * FROM experiment WHERE status IN ('pending', 'queued')
        AND (?1 IS NULL OR project = ?1)
        AND (?2 IS NULL OR instr(lower(uid || ' ' || name || ' ' || coalesce(project, '') || ' ' || command || ' ' || tags), ?2))
        AND (?3 IS NULL OR instr(?3, status))
        ORDER BY priority, position, id LIMIT ?4 OFFSET ?5";
    LIST_FINISHED = "SELECT * FROM experiment WHERE status IN ('completed', 'failed', 'cancelled', 'expired')
        AND (?1 IS NULL OR project = ?1)
        AND (?2 IS NULL OR instr(lower(uid || ' ' || name || ' ' || coalesce(project, '') || ' ' || command || ' ' || tags), ?2))
        AND (?3 IS NULL OR instr(?3, status))
        ORDER BY completed_at DESC, id DESC LIMIT ?4 OFFSET ?5";
    LIST_ALL = "SELECT * FROM experiment WHERE (?1 IS NULL OR project = ?1)
        AND (?2 IS NULL OR instr(lower(uid || ' ' || name || ' ' || coalesce(project, '') || ' ' || command || ' ' || tags), ?2))
        AND (?3 IS NULL OR instr(?3, status))
        ORDER BY id DESC LIMIT ?4 OFFSET ?5";
    COUNT_MATCHING = "SELECT count(*) FROM experiment WHERE instr(?4, ' ' || status || ' ')
        AND (?1 IS NULL OR project = ?1)
        AND (?2 IS NULL OR instr(lower(uid || ' ' || name || ' ' || coalesce(project, '') || ' ' || command || ' ' || tags), ?2))
        AND (?3 IS NULL OR instr(?3, status))";
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
}

impl Filter {
    /// Whether it lets everything through.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_none() && self.project.is_none() && self.statuses.is_empty()
    }

    fn status_words(&self) -> Option<String> {
        let words: Vec<&str> = self.statuses.iter().map(|status| status.as_str()).collect();
        (!words.is_empty()).then(|| words.join(" "))
    }
}

/// An experiment as it stands in the table.
#[derive(Debug, Clone)]
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
    /// When it was accepted.
    pub created_at: i64,
    /// When its last attempt started.
    pub started_at: Option<i64>,
    /// When it ended.
    pub completed_at: Option<i64>,
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
            created_at: row.try_get("created_at")?,
            started_at: row.try_get("started_at")?,
            completed_at: row.try_get("completed_at")?,
        })
    }
}

/// A waiting experiment, with what the order of the queue depends on.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct WaitingRow {
    /// The store's key.
    pub id: i64,
    /// The people's key.
    pub uid: String,
    /// Rank of its priority.
    pub priority: u8,
    /// Place in the order of submission.
    pub position: i64,
    /// `pending` or `queued`.
    pub status: String,
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

    /// One more has this status.
    pub fn add(&mut self, status: Status) {
        self.0[status as usize] += 1;
    }

    /// One moved from a status to another.
    pub fn shift(&mut self, from: Status, to: Status) {
        self.0[from as usize] = self.0[from as usize].saturating_sub(1);
        self.add(to);
    }
}

impl Store {
    /// The uids from this one on, in the order of text: with a date alone those of that day and later.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn uids_from(&self, tx: &mut Tx, first: &str) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar(UIDS_FROM).bind(first).fetch_all(&mut **tx).await?)
    }

    /// The largest key in use; 0 if there is none.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn largest_id(&self) -> Result<i64> {
        Ok(sqlx::query_scalar(MAX_ID).fetch_one(self.readers()).await?)
    }

    /// Keeps progress and latest metrics.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn set_live(&self, tx: &mut Tx, id: i64, live: &Live) -> Result<()> {
        let (progress, metrics) = live.to_stored();
        sqlx::query(SET_LIVE).bind(progress).bind(metrics).bind(id).execute(&mut **tx).await?;
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
        Ok(sqlx::query_as(BY_ID).bind(id).fetch_optional(&mut **tx).await?)
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
        Ok(sqlx::query_as(FIND).bind(text).fetch_all(self.readers()).await?)
    }

    /// All waiting experiments in the order of the queue.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn waiting(&self) -> Result<Vec<WaitingRow>> {
        Ok(sqlx::query_as(WAITING).fetch_all(self.readers()).await?)
    }

    /// All experiments with an attempt under way.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn active(&self) -> Result<Vec<ExperimentRow>> {
        Ok(sqlx::query_as(OPEN).fetch_all(self.readers()).await?)
    }

    /// How many experiments have each status.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn counts(&self) -> Result<Counts> {
        let rows: Vec<(String, i64)> = sqlx::query_as(COUNTS).fetch_all(self.readers()).await?;
        let mut counts = Counts::default();
        for (word, count) in rows {
            if let Ok(status) = word.parse::<Status>() {
                counts.0[status as usize] = count.unsigned_abs();
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
        let query = match section {
            Section::Active => LIST_ACTIVE,
            Section::Waiting => LIST_WAITING,
            Section::Finished => LIST_FINISHED,
            Section::All => LIST_ALL,
        };
        Ok(sqlx::query_as(query)
            .bind(&filter.project)
            .bind(filter.text.as_ref().map(|text| text.to_lowercase()))
            .bind(filter.status_words())
            .bind(limit)
            .bind(offset)
            .fetch_all(self.readers())
            .await?)
    }

    /// How many experiments of a section pass the filter.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn count(&self, section: Section, filter: &Filter) -> Result<u64> {
        let count: i64 = sqlx::query_scalar(COUNT_MATCHING)
            .bind(&filter.project)
            .bind(filter.text.as_ref().map(|text| text.to_lowercase()))
            .bind(filter.status_words())
            .bind(section.statuses())
            .fetch_one(self.readers())
            .await?;
        Ok(count.unsigned_abs())
    }
}

/// The JSON of a value that always has one.
pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
