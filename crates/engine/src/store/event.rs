//! What happened, in order: appended in the transaction of the change that it tells of, never changed.

use std::str::FromStr;
use std::sync::atomic::Ordering;

use sqlx::sqlite::SqliteQueryResult;

use super::{Store, Tx, queries};
use crate::error::{Error, ErrorKind, Result};

queries! {
    INSERT = "INSERT INTO event (at, what, experiment_id, attempt, message) VALUES (?, ?, ?, ?, ?)";
    SINCE = "SELECT event.cursor, event.at, event.what, coalesce(experiment.uid, event.uid), event.attempt,
                 event.message
             FROM event LEFT JOIN experiment ON experiment.id = event.experiment_id
             WHERE event.cursor > ? ORDER BY event.cursor LIMIT ?";
    OF = "SELECT event.cursor, event.at, event.what, experiment.uid, event.attempt, event.message
          FROM event JOIN experiment ON experiment.id = event.experiment_id
          WHERE event.experiment_id = ?1 AND event.cursor > ?2 ORDER BY event.cursor LIMIT ?3";
    LATEST = "SELECT coalesce(max(cursor), 0) FROM event";
}

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// An experiment was accepted.
    Added,
    /// An attempt started.
    Started,
    /// An attempt was recorded but never started.
    Voided,
    /// A cancel was asked for.
    CancelRequested,
    /// It ended with exit code 0.
    Completed,
    /// It failed.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// Its deadline to start passed.
    Expired,
    /// It became eligible.
    Released,
    /// Something stands in the way again.
    Held,
    /// Its processes were stopped.
    Paused,
    /// Its processes go on.
    Resumed,
    /// It failed and will be retried.
    Retrying,
    /// The user queued it once more.
    Requeued,
    /// It was changed.
    Edited,
    /// It was given another place in the queue.
    Moved,
    /// It was put away.
    Archived,
    /// It was taken back out.
    Restored,
    /// It was deleted.
    Deleted,
    /// A group was made or changed.
    GroupChanged,
    /// A GPU was taken out of the queue.
    GpuBlocked,
    /// A GPU was given back to the queue.
    GpuUnblocked,
    /// The user paused the queue.
    QueuePaused,
    /// The user resumed the queue.
    QueueResumed,
    /// An engine took the data folder.
    EngineStarted,
    /// An engine gave the data folder back.
    EngineStopped,
}

impl EventKind {
    const WORDS: [(Self, &'static str); 26] = [
        (Self::Added, "added"),
        (Self::Started, "started"),
        (Self::Voided, "voided"),
        (Self::CancelRequested, "cancel_requested"),
        (Self::Completed, "completed"),
        (Self::Failed, "failed"),
        (Self::Cancelled, "cancelled"),
        (Self::Expired, "expired"),
        (Self::Released, "released"),
        (Self::Held, "held"),
        (Self::Paused, "paused"),
        (Self::Resumed, "resumed"),
        (Self::Retrying, "retrying"),
        (Self::Requeued, "requeued"),
        (Self::Edited, "edited"),
        (Self::Moved, "moved"),
        (Self::Archived, "archived"),
        (Self::Restored, "restored"),
        (Self::Deleted, "deleted"),
        (Self::GroupChanged, "group_changed"),
        (Self::GpuBlocked, "gpu_blocked"),
        (Self::GpuUnblocked, "gpu_unblocked"),
        (Self::QueuePaused, "queue_paused"),
        (Self::QueueResumed, "queue_resumed"),
        (Self::EngineStarted, "engine_started"),
        (Self::EngineStopped, "engine_stopped"),
    ];

    /// The word in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::WORDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, word)| word)
    }
}

impl FromStr for EventKind {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        Self::WORDS.iter().find(|(_, known)| *known == word).map(|(kind, _)| *kind).ok_or_else(|| {
            Error::new(ErrorKind::Damaged, format!("the event table holds an unknown event “{word}”"))
        })
    }
}

/// An event as it stands in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// Strictly increasing, never reused.
    pub cursor: u64,
    /// When, UTC milliseconds.
    pub at: i64,
    /// What.
    pub what: EventKind,
    /// To which experiment.
    pub uid: Option<String>,
    /// To which attempt.
    pub attempt: Option<u32>,
    /// A sentence for people.
    pub message: String,
}

type Columns = (i64, i64, String, Option<String>, Option<u32>, String);

fn row((cursor, at, what, uid, attempt, message): Columns) -> Result<EventRow> {
    Ok(EventRow { cursor: cursor.unsigned_abs(), at, what: what.parse()?, uid, attempt, message })
}

impl Store {
    /// Appends an event and returns its cursor.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn append_event(
        &self,
        tx: &mut Tx,
        at: i64,
        what: EventKind,
        about: Option<(i64, u32)>,
        message: &str,
    ) -> Result<u64> {
        let done = sqlx::query(INSERT)
            .bind(at)
            .bind(what.as_str())
            .bind(about.map(|(id, _)| id))
            .bind(about.and_then(|(_, attempt)| (attempt > 0).then_some(attempt)))
            .bind(message)
            .execute(tx.now().await?)
            .await?;
        Ok(self.appended(&done))
    }

    /// Cursor of the event that the last statement has appended.
    pub(super) fn appended(&self, done: &SqliteQueryResult) -> u64 {
        let cursor = done.last_insert_rowid().unsigned_abs();
        self.last_event.fetch_max(cursor, Ordering::Relaxed);
        cursor
    }

    /// A cursor for an event that is appended without asking which it got. It is larger than all others; that some are
    /// left out when a transaction is rolled back does no harm.
    pub(super) fn next_cursor(&self) -> u64 {
        self.last_event.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Looks which cursor is the largest, at the start and whenever that may have been lost sight of.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn count_events(&self) -> Result<()> {
        self.last_event.fetch_max(self.latest_cursor().await?, Ordering::Relaxed);
        Ok(())
    }

    /// Events after a cursor, in order.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn events_since(&self, cursor: u64, limit: u32) -> Result<Vec<EventRow>> {
        let rows: Vec<Columns> = sqlx::query_as(SINCE)
            .bind(i64::try_from(cursor).unwrap_or(i64::MAX))
            .bind(limit)
            .fetch_all(self.readers())
            .await?;
        rows.into_iter().map(row).collect()
    }

    /// Events of an experiment after a cursor, in order.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn events_of(&self, experiment: i64, cursor: u64, limit: u32) -> Result<Vec<EventRow>> {
        let rows: Vec<Columns> = sqlx::query_as(OF)
            .bind(experiment)
            .bind(i64::try_from(cursor).unwrap_or(i64::MAX))
            .bind(limit)
            .fetch_all(self.readers())
            .await?;
        rows.into_iter().map(row).collect()
    }

    /// The newest event's cursor; 0 if there is none.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn latest_cursor(&self) -> Result<u64> {
        let cursor: i64 = sqlx::query_scalar(LATEST).fetch_one(self.readers()).await?;
        Ok(cursor.unsigned_abs())
    }
}
