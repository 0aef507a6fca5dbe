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
    BEFORE = "SELECT event.cursor, event.at, event.what, coalesce(experiment.uid, event.uid), event.attempt,
                  event.message
              FROM event LEFT JOIN experiment ON experiment.id = event.experiment_id
              WHERE event.cursor < ?1 AND event.cursor > ?2 ORDER BY event.cursor DESC LIMIT ?3";
    OF_BEFORE = "SELECT event.cursor, event.at, event.what, experiment.uid, event.attempt, event.message
                 FROM event JOIN experiment ON experiment.id = event.experiment_id
                 WHERE event.experiment_id = ?4 AND event.cursor < ?1 AND event.cursor > ?2
                 ORDER BY event.cursor DESC LIMIT ?3";
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
    /// A GPU was taken out of the queue because jobs died on it one after the other.
    GpuTripped,
    /// A GPU was given back to the queue.
    GpuUnblocked,
    /// The user paused the queue.
    QueuePaused,
    /// The queue was paused by itself: attempt after attempt could not be started.
    QueueTripped,
    /// The user resumed the queue.
    QueueResumed,
    /// The GPUs of a running job have been idle for long.
    GpuIdle,
    /// A job is cancelled by a policy that the user has set.
    PolicyCancel,
    /// An engine took the data folder.
    EngineStarted,
    /// An engine gave the data folder back.
    EngineStopped,
}

impl EventKind {
    const WORDS: [(Self, &'static str); 30] = [
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
        (Self::GpuTripped, "gpu_tripped"),
        (Self::GpuUnblocked, "gpu_unblocked"),
        (Self::QueuePaused, "queue_paused"),
        (Self::QueueTripped, "queue_tripped"),
        (Self::QueueResumed, "queue_resumed"),
        (Self::GpuIdle, "gpu_idle"),
        (Self::PolicyCancel, "policy_cancel"),
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

impl EventRow {
    /// Whether its sentence, its kind or its experiment's uid has all the words, which are in lower case.
    fn has(&self, words: &[String]) -> bool {
        if words.is_empty() {
            return true;
        }
        let kind = self.what.as_str().replace('_', " ");
        let text = format!("{} {kind} {}", self.message, self.uid.as_deref().unwrap_or("")).to_lowercase();
        words.iter().all(|word| text.contains(word))
    }
}

/// Which events to read.
#[derive(Debug, Clone, Default)]
pub struct EventQuery {
    /// Only those of this experiment.
    pub experiment: Option<i64>,
    /// Only those after this cursor.
    pub since: u64,
    /// Only those before this cursor, the newest first; none: in their order.
    pub before: Option<u64>,
    /// Words that sentence, kind and uid must contain together, without regard to case.
    pub text: String,
    /// How many at most.
    pub limit: u32,
}

/// A page of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRows {
    /// The events.
    pub events: Vec<EventRow>,
    /// Where to go on: the last cursor that was looked at, whether or not its event is among these.
    pub reached: u64,
    /// Whether there may be more from there.
    pub more: bool,
}

/// Rows that are looked through for one page at most, so that looking for something rare holds nobody up.
const LOOKED_AT_MOST: usize = 20_000;

/// Rows that are read at a time where they are looked through.
const AT_A_TIME: u32 = 1_000;

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

    /// A page of events.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn events(&self, query: &EventQuery) -> Result<EventRows> {
        let words: Vec<String> = query.text.to_lowercase().split_whitespace().map(str::to_owned).collect();
        let limit = query.limit as usize;
        let mut page =
            EventRows { events: Vec::new(), reached: query.before.unwrap_or(query.since), more: true };
        let mut looked = 0;
        while page.more && page.events.len() < limit && looked < LOOKED_AT_MOST {
            // Where every row is wanted, no more of them are read.
            let wanted = if words.is_empty() { query.limit } else { AT_A_TIME };
            let rows = self.events_from(query, page.reached, wanted).await?;
            page.more = rows.len() >= wanted as usize;
            for columns in rows {
                if page.events.len() >= limit {
                    page.more = true;
                    break;
                }
                let event = row(columns)?;
                looked += 1;
                page.reached = event.cursor;
                if event.has(&words) {
                    page.events.push(event);
                }
            }
        }
        Ok(page)
    }

    /// The next rows in the direction of a query, from a cursor that was reached.
    async fn events_from(&self, query: &EventQuery, reached: u64, limit: u32) -> Result<Vec<Columns>> {
        let signed = |cursor: u64| i64::try_from(cursor).unwrap_or(i64::MAX);
        let rows = match (query.before, query.experiment) {
            (None, None) => sqlx::query_as(SINCE).bind(signed(reached)).bind(limit),
            (None, Some(id)) => sqlx::query_as(OF).bind(id).bind(signed(reached)).bind(limit),
            (Some(_), None) => {
                sqlx::query_as(BEFORE).bind(signed(reached)).bind(signed(query.since)).bind(limit)
            }
            (Some(_), Some(id)) => {
                sqlx::query_as(OF_BEFORE).bind(signed(reached)).bind(signed(query.since)).bind(limit).bind(id)
            }
        };
        Ok(rows.fetch_all(self.readers()).await?)
    }

    /// Events after a cursor, in order.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn events_since(&self, cursor: u64, limit: u32) -> Result<Vec<EventRow>> {
        Ok(self.events(&EventQuery { since: cursor, limit, ..EventQuery::default() }).await?.events)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home::Home;

    async fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().expect("temporary folder");
        let home = Home::at(dir.path());
        home.create().expect("folders");
        let store = Store::open(&home).await.expect("opens").store;
        (dir, store)
    }

    async fn happen(store: &Store, messages: impl IntoIterator<Item = String>) {
        let mut tx = store.begin().await.expect("begins");
        for message in messages {
            store.append_event(&mut tx, 0, EventKind::QueuePaused, None, &message).await.expect("appended");
        }
        tx.commit().await.expect("committed");
    }

    fn cursors(page: &EventRows) -> Vec<u64> {
        page.events.iter().map(|event| event.cursor).collect()
    }

    #[tokio::test]
    async fn pages_join_in_either_direction() {
        let (_dir, store) = store().await;
        happen(&store, (1..=25).map(|n| format!("event {n}"))).await;
        let query = |since, before| EventQuery { since, before, limit: 10, ..EventQuery::default() };
        let newest = store.events(&query(0, Some(u64::MAX))).await.expect("read");
        assert_eq!((cursors(&newest), newest.reached, newest.more), ((16..=25).rev().collect(), 16, true));
        let older = store.events(&query(0, Some(newest.reached))).await.expect("read");
        let oldest = store.events(&query(0, Some(older.reached))).await.expect("read");
        assert_eq!((cursors(&oldest), oldest.more), ((1..=5).rev().collect(), false));
        let some = store.events(&query(20, Some(25))).await.expect("read");
        assert_eq!((cursors(&some), some.more), (vec![24, 23, 22, 21], false));
        let first = store.events(&query(0, None)).await.expect("read");
        assert_eq!((cursors(&first), first.reached, first.more), ((1..=10).collect(), 10, true));
        let last = store.events(&query(20, None)).await.expect("read");
        assert_eq!((cursors(&last), last.reached, last.more), ((21..=25).collect(), 25, false));
        let none = store.events(&query(25, None)).await.expect("read");
        assert_eq!((none.events.len(), none.reached, none.more), (0, 25, false));
    }

    #[tokio::test]
    async fn words_are_looked_for_a_bounded_way_at_a_time() {
        let (_dir, store) = store().await;
        happen(&store, ["Größe FIRST".to_owned()]).await;
        happen(&store, (0..30_000).map(|n| format!("noise {n}"))).await;
        happen(&store, ["größe second".to_owned()]).await;
        let mut query =
            EventQuery {
                before: Some(u64::MAX), text: " GRÖSSE ".into(), limit: 5, ..EventQuery::default()
            };
        assert!(store.events(&query).await.expect("read").events.is_empty(), "letters are not mixed up");
        query.text = "größe paused".into();
        let page = store.events(&query).await.expect("read");
        assert_eq!((cursors(&page), page.more), (vec![30_002], true), "the kind's words count, too");
        assert!(page.reached > 5_000, "not all was looked through: {}", page.reached);
        query.before = Some(page.reached);
        let rest = store.events(&query).await.expect("read");
        assert_eq!((cursors(&rest), rest.more), (vec![1], false));
        let forward = EventQuery { before: None, limit: 1, ..query };
        let page = store.events(&forward).await.expect("read");
        assert_eq!((cursors(&page), page.reached, page.more), (vec![1], 1, true));
        let page = store.events(&EventQuery { since: 1, ..forward }).await.expect("read");
        assert_eq!((page.events.len(), page.more), (0, true), "nothing found is no end");
        assert!(page.reached >= 20_000);
    }
}
