//! The store: one SQLite database, one writer, a pool of readers.
//!
//! *Invariant:* every change and the event that tells of it are in one transaction. *Invariant:* SQL stands only in
//! this folder, as named constants that a test prepares against a migrated database ([`queries`]).
//!
//! Opening checks before it touches: a newer database is refused, a damaged one is set aside under a new name, and
//! a migration is preceded by a backup.

mod attempt;
mod database;
mod dependency;
mod environment;
mod event;
mod experiment;
pub mod foreign;
mod group;
mod history;
mod leftover;
mod notification;
mod open;
mod project;
mod report;
pub mod runs;
mod series;
mod setting;
mod steps;
mod transaction;
mod writer;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

pub use attempt::{AttemptEnd, AttemptRow};
pub use database::SetAside;
pub use dependency::DependencyRow;
pub use event::{EventKind, EventQuery, EventRow, EventRows};
pub use experiment::{Counts, ExperimentRow, Filter, GateRow, Section};
pub use group::GroupRow;
pub use history::HistorySeriesRow;
pub use notification::{
    HookState, NewNotification, News, NewsJob, NotificationRow, NotificationState, NotifiedJob, RunningRow,
};
pub use open::Opened;
pub use project::ProjectRow;
pub use report::{BarRow, OldLogRow, RecentRow};
pub use series::{ChunkRow, SeriesRow, SourceRow, total};
pub use setting::{Appearance, CloseAction, Settings, TrippedGpu};
pub use transaction::Tx;

use sqlx::sqlite::SqlitePool;

use self::writer::Writer;
use crate::error::Result;

/// Declares named queries, so that a test can prepare each of them against the schema.
macro_rules! queries {
    ($($(#[$doc:meta])* $name:ident = $sql:literal;)*) => {
        $($(#[$doc])* const $name: &str = $sql;)*
        /// Every query of this module by name, for the test that prepares them.
        #[cfg(test)]
        pub(super) const QUERIES: &[(&str, &str)] = &[$((stringify!($name), $sql)),*];
    };
}
use queries;

/// The open database.
#[derive(Debug, Clone)]
pub struct Store {
    writer: Writer,
    /// The largest cursor that an event has got, or more.
    last_event: Arc<AtomicU64>,
    readers: SqlitePool,
}

impl Store {
    /// Begins a transaction that takes the write lock at once, so that what it reads can't be stale when it writes.
    /// What it writes survives a power cut.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn begin(&self) -> Result<Tx> {
        Ok(Tx::begin(self.writer.hold().await?, true))
    }

    /// As [`Store::begin`], for what can be found out again from the attempts' folders: it survives the end of every
    /// process at any instant, while a power cut may take back, consistently, what came after the last
    /// [`Store::sync`]. An attempt that is begun a second time after that finds its own claim.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn begin_lightly(&self) -> Result<Tx> {
        Ok(Tx::begin(self.writer.hold().await?, false))
    }

    /// Brings what was written lightly to disk.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn sync(&self) -> Result<()> {
        let mut tx = self.begin().await?;
        // A commit that adds nothing to the log would not sync it.
        self.set_meta(&mut tx, "synced", &crate::home::now_ms()).await?;
        tx.commit().await
    }

    fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Closes all connections, after what is under way.
    pub async fn close(&self) {
        let closed = async {
            let mut tx = self.begin().await?;
            self.set_meta(&mut tx, "clean_shutdown", &true).await?;
            tx.commit().await?;
            Ok::<(), crate::error::Error>(())
        };
        if let Err(error) = closed.await {
            tracing::warn!(%error, "the database could not be marked as closed; the next start checks it");
        }
        self.readers.close().await;
        self.writer.close().await;
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{Executor, SqlSafeStr};

    use super::*;
    use crate::home::Home;

    #[tokio::test]
    async fn every_query_fits_the_schema() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let home = Home::at(dir.path());
        home.create().expect("folders");
        let store = Store::open(&home).await.expect("opens").store;
        let all = [
            attempt::QUERIES,
            dependency::QUERIES,
            environment::QUERIES,
            event::QUERIES,
            experiment::QUERIES,
            group::QUERIES,
            history::QUERIES,
            leftover::QUERIES,
            notification::QUERIES,
            project::QUERIES,
            report::QUERIES,
            series::QUERIES,
            setting::QUERIES,
            steps::QUERIES,
        ];
        let mut writer = store.writer.hold().await.expect("the writer");
        let connection = writer.connection();
        for (name, sql) in all.into_iter().flatten() {
            // A database prepares one statement at a time.
            for statement in sql.split_inclusive(';') {
                let prepared = connection.prepare(sqlx::AssertSqlSafe(statement).into_sql_str()).await;
                assert!(prepared.is_ok(), "{name}: {statement}: {:?}", prepared.err());
            }
        }
    }

    /// Whoever asks for a page, the counts or the oldest reads neither what is not shown nor all rows.
    #[tokio::test]
    async fn what_is_asked_often_is_found_in_an_index_alone() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let home = Home::at(dir.path());
        home.create().expect("folders");
        let store = Store::open(&home).await.expect("opens").store;
        let named = |wanted: &str| {
            let all = [experiment::QUERIES, report::QUERIES].into_iter().flatten();
            all.into_iter()
                .find(|(name, _)| *name == wanted)
                .map(|(_, sql)| *sql)
                .expect("a query of that name")
        };
        let all = [
            "COUNTS",
            "OLDEST",
            "PAGE_WAITING",
            "PAGE_FINISHED",
            "COUNT_WAITING_UNGROUPED",
            "COUNT_FINISHED_UNGROUPED",
        ];
        for name in all {
            let explained = format!("EXPLAIN QUERY PLAN {}", named(name));
            let steps: Vec<(i64, i64, i64, String)> = sqlx::query_as(sqlx::AssertSqlSafe(explained))
                .fetch_all(store.readers())
                .await
                .expect("a plan");
            let scans = steps.iter().map(|step| &step.3).filter(|step| step.starts_with("SCAN experiment"));
            let through: Vec<&String> = scans.collect();
            // Of those under way there are few, and their own index holds no more than it has to.
            let bare =
                |step: &&&String| !step.contains("COVERING INDEX") && !step.contains("experiment_active");
            assert!(!through.is_empty(), "{name}: {steps:?}");
            assert_eq!(through.iter().find(bare), None, "{name}");
        }
    }
}
