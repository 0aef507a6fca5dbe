//! What the user was told of. Bounded: the newest [`KEPT_MAX`] of the last [`KEPT_DAYS`] days.
//!
//! What they are made from are events; how far these were read stands in [`NotificationState`], which is written in the
//! same transaction as the notifications, so that nothing is told of twice or not at all.

use std::collections::{BTreeMap, BTreeSet};

use athanor_core::notification::Kind;
use athanor_core::outcome::FailureReason;
use serde::{Deserialize, Serialize};

use super::{EventKind, Store, Tx, queries};
use crate::error::{Error, ErrorKind, Result};

/// Notifications kept at most.
pub const KEPT_MAX: i64 = 1000;

/// Days that a notification is kept at most.
pub const KEPT_DAYS: i64 = 90;

queries! {
    INSERT = "INSERT INTO notification (at, updated_at, kind, title, body, count, jobs, quiet, read_at, hook)
              VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    GROW = "UPDATE notification SET updated_at = ?, kind = ?, title = ?, body = ?, count = ?, jobs = ?,
                read_at = NULL WHERE id = ?";
    FORGET_OLD = "DELETE FROM notification WHERE id <= ?1 - ?2";
    FORGET_AGED = "DELETE FROM notification WHERE at < ?";
    PAGE = "SELECT id, at, updated_at, kind, title, body, count, jobs, quiet, read_at, hook, hook_error
            FROM notification WHERE id < ?1 AND (?2 = 0 OR read_at IS NULL) ORDER BY id DESC LIMIT ?3";
    ONE = "SELECT id, at, updated_at, kind, title, body, count, jobs, quiet, read_at, hook, hook_error
           FROM notification WHERE id = ?";
    DUE = "SELECT id, at, updated_at, kind, title, body, count, jobs, quiet, read_at, hook, hook_error
           FROM notification WHERE hook = 'due' ORDER BY id LIMIT ?";
    KEPT_QUIET = "SELECT kind, count FROM notification WHERE quiet = 1 AND id > ? ORDER BY id";
    UNREAD = "SELECT count(*) FROM notification WHERE read_at IS NULL";
    NEWEST = "SELECT coalesce(max(id), 0) FROM notification";
    READ_ONE = "UPDATE notification SET read_at = ?1 WHERE id = ?2 AND read_at IS NULL";
    READ_TO = "UPDATE notification SET read_at = ?1 WHERE id <= ?2 AND read_at IS NULL";
    HOOK = "UPDATE notification SET hook = ?, hook_error = ? WHERE id = ?";
    HOOK_FAILURE = "SELECT at, hook_error FROM notification WHERE hook = 'failed' ORDER BY id DESC LIMIT 1";
    HOOK_DONE = "SELECT coalesce(max(id), 0) FROM notification WHERE hook = 'done'";
    HOOK_FAILED = "SELECT coalesce(max(id), 0) FROM notification WHERE hook = 'failed'";
    NEWS = "SELECT event.cursor, event.at, event.what, event.attempt, event.message,
                experiment.id, coalesce(experiment.uid, event.uid) AS uid, experiment.name, experiment.project,
                experiment.strikes, experiment.failure_reason, experiment.error_message, experiment.started_at,
                experiment.completed_at
            FROM event LEFT JOIN experiment ON experiment.id = event.experiment_id
            WHERE event.cursor > ?1 AND event.cursor <= ?2 AND event.what IN
                ('completed', 'failed', 'cancelled', 'expired', 'queue_tripped', 'gpu_tripped',
                 'gpu_idle', 'policy_cancel')
            ORDER BY event.cursor LIMIT ?3";
    RUNNING = "SELECT id, uid, name, project, attempt FROM experiment INDEXED BY experiment_active
            WHERE status IN ('running', 'paused') AND status = 'running'";
    LEFT_TO_DO = "SELECT
            EXISTS (SELECT 1 FROM experiment WHERE status IN ('running', 'paused')) +
            EXISTS (SELECT 1 FROM experiment
                    WHERE status IN ('pending', 'queued') AND held = 0 AND archived_at IS NULL)";
}

/// A job that a notification names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifiedJob {
    /// The experiment.
    pub uid: String,
    /// Its name then.
    pub name: String,
    /// Its project.
    pub project: Option<String>,
    /// Which attempt.
    pub attempt: Option<u32>,
    /// What was told of it.
    pub kind: Kind,
    /// The last line of its log.
    #[serde(default)]
    pub line: Option<String>,
}

/// A notification to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNotification {
    /// When.
    pub at: i64,
    /// What it tells of.
    pub kind: Kind,
    /// In a few words.
    pub title: String,
    /// More of it.
    pub body: String,
    /// Jobs or warnings that it tells of.
    pub count: u64,
    /// Those that it names.
    pub jobs: Vec<NotifiedJob>,
    /// It came in quiet hours.
    pub quiet: bool,
    /// The hook is to be run for it.
    pub hook: bool,
}

/// Whether the hook was run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookState {
    /// There was none, or not for this.
    None,
    /// It is to be run.
    Due,
    /// It was.
    Done,
    /// It can't be run, and why.
    Failed(String),
}

/// A notification that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationRow {
    /// Strictly increasing, never reused.
    pub id: u64,
    /// Of the first thing that it tells of, UTC milliseconds.
    pub at: i64,
    /// When something was added to it.
    pub updated_at: i64,
    /// What it tells of.
    pub kind: Kind,
    /// In a few words.
    pub title: String,
    /// More of it.
    pub body: String,
    /// Jobs or warnings that it tells of.
    pub count: u64,
    /// Those that it names.
    pub jobs: Vec<NotifiedJob>,
    /// It came in quiet hours and was not shown.
    pub quiet: bool,
    /// When it was read; none if it was not.
    pub read_at: Option<i64>,
    /// Whether the hook was run.
    pub hook: HookState,
}

/// How far notifications were made, and what is known from before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NotificationState {
    /// Events up to this cursor were looked at.
    pub cursor: u64,
    /// The notification that others still join.
    pub open: Option<u64>,
    /// Jobs that have ended since the queue last ran empty.
    pub ended: u64,
    /// Experiments that a policy has asked to end and that have not ended yet.
    pub by_policy: BTreeMap<String, String>,
    /// Trouble of the machine that was told of and has not passed.
    pub raised: BTreeSet<String>,
    /// Notifications of quiet hours up to this one were summed up.
    pub summed: u64,
    /// Attempts that have stalled and were told of, as `uid/attempt`, with the fingerprint of what they had written.
    pub stalled: BTreeMap<String, u64>,
    /// The hook can't be run, and that was told of.
    pub hook_fails: bool,
}

/// An event that may be told of, with its experiment as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// The event's cursor.
    pub cursor: u64,
    /// When.
    pub at: i64,
    /// What.
    pub what: EventKind,
    /// Which attempt.
    pub attempt: Option<u32>,
    /// The event's sentence.
    pub message: String,
    /// The experiment, if there still is one.
    pub job: Option<NewsJob>,
}

/// The experiment of an event, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewsJob {
    /// The store's key.
    pub id: i64,
    /// Its uid.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// Its project.
    pub project: Option<String>,
    /// Attempts in a row that came to nothing.
    pub strikes: u32,
    /// Why it failed.
    pub reason: Option<FailureReason>,
    /// In a sentence.
    pub failure: Option<String>,
    /// When its newest attempt started.
    pub started_at: Option<i64>,
    /// When it ended.
    pub completed_at: Option<i64>,
}

/// A running attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningRow {
    /// The store's key of the experiment.
    pub id: i64,
    /// Its uid.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// Its project.
    pub project: Option<String>,
    /// The attempt.
    pub attempt: u32,
}

#[derive(sqlx::FromRow)]
struct Columns {
    id: i64,
    at: i64,
    updated_at: i64,
    kind: String,
    title: String,
    body: String,
    count: i64,
    jobs: String,
    quiet: bool,
    read_at: Option<i64>,
    hook: Option<String>,
    hook_error: Option<String>,
}

impl From<Columns> for NotificationRow {
    fn from(columns: Columns) -> Self {
        Self {
            id: columns.id.unsigned_abs(),
            at: columns.at,
            updated_at: columns.updated_at,
            // One of a newer program is shown by its words.
            kind: Kind::of(&columns.kind).unwrap_or(Kind::Test),
            title: columns.title,
            body: columns.body,
            count: columns.count.unsigned_abs(),
            jobs: serde_json::from_str(&columns.jobs).unwrap_or_default(),
            quiet: columns.quiet,
            read_at: columns.read_at,
            hook: match columns.hook.as_deref() {
                Some("due") => HookState::Due,
                Some("done") => HookState::Done,
                Some("failed") => HookState::Failed(columns.hook_error.unwrap_or_default()),
                _ => HookState::None,
            },
        }
    }
}

#[derive(sqlx::FromRow)]
struct NewsRow {
    cursor: i64,
    at: i64,
    what: String,
    attempt: Option<u32>,
    message: String,
    id: Option<i64>,
    uid: Option<String>,
    name: Option<String>,
    project: Option<String>,
    strikes: Option<u32>,
    failure_reason: Option<String>,
    error_message: Option<String>,
    started_at: Option<i64>,
    completed_at: Option<i64>,
}

const STATE: &str = "notifications";
const HOOK_SETTING: &str = "hook";

fn jobs_text(jobs: &[NotifiedJob]) -> Result<String> {
    serde_json::to_string(jobs)
        .map_err(|cause| Error::new(ErrorKind::Internal, format!("a notification can't be written: {cause}")))
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

impl TryFrom<NewsRow> for News {
    type Error = Error;

    fn try_from(row: NewsRow) -> Result<Self> {
        let job = match (row.id, row.uid, row.name) {
            (Some(id), Some(uid), Some(name)) => Some(NewsJob {
                id,
                uid,
                name,
                project: row.project,
                strikes: row.strikes.unwrap_or(0),
                reason: row.failure_reason.as_deref().and_then(FailureReason::from_word),
                failure: row.error_message,
                started_at: row.started_at,
                completed_at: row.completed_at,
            }),
            _ => None,
        };
        Ok(Self {
            cursor: row.cursor.unsigned_abs(),
            at: row.at,
            what: row.what.parse()?,
            attempt: row.attempt,
            message: row.message,
            job,
        })
    }
}

impl Store {
    /// Events after a cursor and up to another that may be told of, in order.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn news(&self, after: u64, to: u64, limit: u32) -> Result<Vec<News>> {
        let rows: Vec<NewsRow> = sqlx::query_as(NEWS)
            .bind(number(after))
            .bind(number(to))
            .bind(limit)
            .fetch_all(self.readers())
            .await?;
        rows.into_iter().map(News::try_from).collect()
    }

    /// The attempts that run and are not paused.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn running_attempts(&self) -> Result<Vec<RunningRow>> {
        let rows: Vec<(i64, String, String, Option<String>, u32)> =
            sqlx::query_as(RUNNING).fetch_all(self.readers()).await?;
        let row = |(id, uid, name, project, attempt)| RunningRow { id, uid, name, project, attempt };
        Ok(rows.into_iter().map(row).collect())
    }

    /// Whether something runs, or waits for anything but the user.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn has_work(&self) -> Result<bool> {
        let kinds: i64 = sqlx::query_scalar(LEFT_TO_DO).fetch_one(self.readers()).await?;
        Ok(kinds > 0)
    }

    /// How far notifications were made; none if never.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn notification_state(&self) -> Result<Option<NotificationState>> {
        self.meta(STATE).await
    }

    /// Keeps how far notifications were made.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn set_notification_state(&self, tx: &mut Tx, state: &NotificationState) -> Result<()> {
        self.set_meta(tx, STATE, state).await
    }

    /// Keeps a notification and forgets those that are too many or too old. Returns its id.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn add_notification(&self, tx: &mut Tx, new: &NewNotification) -> Result<u64> {
        let done = sqlx::query(INSERT)
            .bind(new.at)
            .bind(new.at)
            .bind(new.kind.as_str())
            .bind(&new.title)
            .bind(&new.body)
            .bind(number(new.count))
            .bind(jobs_text(&new.jobs)?)
            .bind(new.quiet)
            .bind(None::<i64>)
            .bind(new.hook.then_some("due"))
            .execute(tx.now().await?)
            .await?;
        let id = done.last_insert_rowid();
        sqlx::query(FORGET_OLD).bind(id).bind(KEPT_MAX).execute(tx.now().await?).await?;
        sqlx::query(FORGET_AGED).bind(new.at - KEPT_DAYS * 86_400_000).execute(tx.now().await?).await?;
        Ok(id.unsigned_abs())
    }

    /// Makes a notification tell of more; it is unread again.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn grow_notification(
        &self,
        tx: &mut Tx,
        id: u64,
        now: i64,
        new: &NewNotification,
    ) -> Result<()> {
        sqlx::query(GROW)
            .bind(now)
            .bind(new.kind.as_str())
            .bind(&new.title)
            .bind(&new.body)
            .bind(number(new.count))
            .bind(jobs_text(&new.jobs)?)
            .bind(number(id))
            .execute(tx.now().await?)
            .await?;
        Ok(())
    }

    /// Notifications before one (from the newest if none is given), newest first.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn notifications(
        &self,
        before: Option<u64>,
        unread: bool,
        limit: u32,
    ) -> Result<Vec<NotificationRow>> {
        let rows: Vec<Columns> = sqlx::query_as(PAGE)
            .bind(before.map_or(i64::MAX, number))
            .bind(unread)
            .bind(limit)
            .fetch_all(self.readers())
            .await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// One notification.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn notification(&self, id: u64) -> Result<Option<NotificationRow>> {
        let row: Option<Columns> =
            sqlx::query_as(ONE).bind(number(id)).fetch_optional(self.readers()).await?;
        Ok(row.map(Into::into))
    }

    /// How many were not read.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn unread_notifications(&self) -> Result<u64> {
        let count: i64 = sqlx::query_scalar(UNREAD).fetch_one(self.readers()).await?;
        Ok(count.unsigned_abs())
    }

    /// The newest notification's id; 0 if there is none.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn newest_notification(&self) -> Result<u64> {
        let id: i64 = sqlx::query_scalar(NEWEST).fetch_one(self.readers()).await?;
        Ok(id.unsigned_abs())
    }

    /// Marks these as read.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn read_notifications(&self, tx: &mut Tx, ids: &[u64], now: i64) -> Result<()> {
        for id in ids {
            sqlx::query(READ_ONE).bind(now).bind(number(*id)).execute(tx.now().await?).await?;
        }
        Ok(())
    }

    /// Marks all up to this one as read.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn read_notifications_to(&self, tx: &mut Tx, id: u64, now: i64) -> Result<()> {
        sqlx::query(READ_TO).bind(now).bind(number(id)).execute(tx.now().await?).await?;
        Ok(())
    }

    /// Kinds and counts of those that came in quiet hours, after this one.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn kept_quiet(&self, after: u64) -> Result<Vec<(Kind, u64)>> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as(KEPT_QUIET).bind(number(after)).fetch_all(self.readers()).await?;
        Ok(rows
            .into_iter()
            .filter_map(|(kind, count)| Some((Kind::of(&kind)?, count.unsigned_abs())))
            .collect())
    }

    /// Those that the hook is to be run for, oldest first.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn due_hooks(&self, limit: u32) -> Result<Vec<NotificationRow>> {
        let rows: Vec<Columns> = sqlx::query_as(DUE).bind(limit).fetch_all(self.readers()).await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// Notes whether the hook was run.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn set_hook_state(&self, tx: &mut Tx, id: u64, state: &HookState) -> Result<()> {
        let (word, error) = match state {
            HookState::None => (None, None),
            HookState::Due => (Some("due"), None),
            HookState::Done => (Some("done"), None),
            HookState::Failed(error) => (Some("failed"), Some(error.as_str())),
        };
        sqlx::query(HOOK).bind(word).bind(error).bind(number(id)).execute(tx.now().await?).await?;
        Ok(())
    }

    /// When the hook last failed, and why; none if it was run since.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn hook_failure(&self) -> Result<Option<(i64, String)>> {
        let done: i64 = sqlx::query_scalar(HOOK_DONE).fetch_one(self.readers()).await?;
        let failed: i64 = sqlx::query_scalar(HOOK_FAILED).fetch_one(self.readers()).await?;
        if done > failed {
            return Ok(None);
        }
        let row: Option<(i64, Option<String>)> =
            sqlx::query_as(HOOK_FAILURE).fetch_optional(self.readers()).await?;
        Ok(row.map(|(at, error)| (at, error.unwrap_or_default())))
    }

    /// The hook as it was sealed; none if there is none.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn sealed_hook(&self) -> Result<Option<Vec<u8>>> {
        Ok(self.get::<Option<Vec<u8>>>(HOOK_SETTING).await?.flatten())
    }

    /// Keeps the hook, sealed: its address often is a secret.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn set_sealed_hook(&self, tx: &mut Tx, sealed: Option<&[u8]>) -> Result<()> {
        self.set(tx, HOOK_SETTING, &sealed).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home::Home;

    fn new(at: i64, kind: Kind) -> NewNotification {
        NewNotification {
            at,
            kind,
            title: format!("at {at}"),
            body: String::new(),
            count: 1,
            jobs: Vec::new(),
            quiet: false,
            hook: false,
        }
    }

    #[tokio::test]
    async fn what_is_kept_is_bounded_in_number_and_age() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let home = Home::at(dir.path());
        home.create().expect("folders");
        let store = Store::open(&home).await.expect("opens").store;
        let mut tx = store.begin().await.expect("begins");
        for at in 0..KEPT_MAX + 50 {
            store.add_notification(&mut tx, &new(at, Kind::Failed)).await.expect("kept");
        }
        tx.commit().await.expect("commits");
        let all = store.notifications(None, false, 5000).await.expect("readable");
        assert_eq!(i64::try_from(all.len()).expect("few"), KEPT_MAX);
        assert_eq!((all[0].title.as_str(), all[0].read_at), ("at 1049", None), "newest first");
        let page = store.notifications(Some(all[9].id), false, 10).await.expect("readable");
        assert_eq!(page[0], all[10]);

        let mut tx = store.begin().await.expect("begins");
        store.read_notifications(&mut tx, &[all[0].id], 7).await.expect("read");
        tx.commit().await.expect("commits");
        let unread = store.notifications(None, true, 10).await.expect("readable");
        assert_eq!(unread[0], all[1]);
        assert_eq!(store.unread_notifications().await.expect("readable"), 999);

        let mut tx = store.begin().await.expect("begins");
        let late = (KEPT_DAYS + 1) * 86_400_000;
        let id = store.add_notification(&mut tx, &new(late, Kind::Test)).await.expect("kept");
        store.read_notifications_to(&mut tx, id, 9).await.expect("read");
        tx.commit().await.expect("commits");
        let left = store.notifications(None, false, 10).await.expect("readable");
        assert_eq!(left.iter().map(|row| (row.id, row.read_at)).collect::<Vec<_>>(), [(id, Some(9))]);
    }

    #[tokio::test]
    async fn the_last_failure_of_the_hook_is_known_until_it_was_run() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let home = Home::at(dir.path());
        home.create().expect("folders");
        let store = Store::open(&home).await.expect("opens").store;
        let mut tx = store.begin().await.expect("begins");
        let due = NewNotification { hook: true, ..new(5, Kind::Failed) };
        let first = store.add_notification(&mut tx, &due).await.expect("kept");
        let second = store.add_notification(&mut tx, &due).await.expect("kept");
        tx.commit().await.expect("commits");
        assert_eq!(store.due_hooks(10).await.expect("readable").len(), 2);
        for (id, state, failure) in [
            (first, HookState::Failed("no".into()), Some((5, "no".to_owned()))),
            (second, HookState::Done, None),
        ] {
            let mut tx = store.begin().await.expect("begins");
            store.set_hook_state(&mut tx, id, &state).await.expect("noted");
            tx.commit().await.expect("commits");
            assert_eq!(store.hook_failure().await.expect("readable"), failure);
        }
        assert_eq!(store.due_hooks(10).await.expect("readable"), []);
    }
}
