//! The index of runs: a SQLite database of its own, with one writer and a pool of readers.
//!
//! It is apart from the queue's because it grows with what lies on disk, up to gigabytes of points: neither a job that
//! is queued nor a copy before a migration waits for that. All but the user's tags, notes, views and pages of charts can
//! be read again from the runs' own files.
//!
//! *Invariant:* what was read of a file, and how far, are written in one transaction, so that a kill at any instant
//! loses no point and doubles none. *Invariant:* whoever changes runs takes the next revision in the same transaction.

mod columns;
mod databases;
mod detail;
mod edit;
mod entering;
mod filter;
mod group;
mod heads;
mod ingest;
mod jobs;
mod packed;
mod pages;
mod points;
mod standing;
mod table;
#[cfg(test)]
mod table_tests;
mod views;
mod watch;

pub use columns::{Best, ColumnFacts};
pub use databases::{DatabaseRow, DatabaseRun, DatabaseStamp};
pub use detail::{FileFacts, MetricFacts};
pub use edit::RunEdit;
pub use entering::{Entered, NewFile, NewRun};
pub use group::{Group, GroupSort, Spread};
pub use heads::{FileStamp, HeadRow, SampledLog};
pub use ingest::{FAN, FileRow, KnownFile, KnownRun, NewSetting};
pub use jobs::Link;
pub use packed::Packed;
pub use pages::{PageFacts, PageRow};
pub use points::Stretch;
pub use standing::{Clock, Looked, Said};
use std::sync::Arc;

use sqlx::migrate::Migrator;
use sqlx::sqlite::SqlitePool;
pub use table::{RunCell, RunPage, RunRow, Sort, TableRow, Wanted};
pub use watch::WatchRow;

use super::database::{Kind, SetAside, open};
use super::writer::Writer;
use super::{Tx, queries};
use crate::error::Result;
use crate::home::Home;

static MIGRATOR: Migrator = sqlx::migrate!("./run-migrations");

const KIND: Kind = Kind {
    stem: "runs",
    migrator: &MIGRATOR,
    greeting: "",
    was_closed: "SELECT value FROM meta WHERE key = 'clean_shutdown'",
    backed_up: false,
};

queries! {
    NEXT_REVISION = "UPDATE revision SET last = last + 1 RETURNING last";
    REVISION = "SELECT last FROM revision";
    SET_META = "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
}

/// The open index.
#[derive(Debug, Clone)]
pub struct RunStore {
    writer: Writer,
    readers: SqlitePool,
    keys: Arc<entering::Keys>,
}

impl RunStore {
    /// Opens the index of a data folder whose lock the caller holds. A damaged one is set aside and said; the runs in
    /// watch folders have to be read again then.
    ///
    /// # Errors
    /// A newer program wrote it, or it can't be opened or migrated.
    pub async fn open(home: &Home) -> Result<(Self, Option<SetAside>)> {
        let opened = open(home, &home.run_database(), &KIND).await?;
        let store = Self { writer: opened.writer, readers: opened.readers, keys: Arc::default() };
        store.count_keys().await?;
        store.mark("false").await?;
        Ok((store, opened.set_aside))
    }

    /// Begins a transaction that takes the write lock at once; what it writes survives a power cut. For what the user
    /// says.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn begin(&self) -> Result<Tx> {
        Ok(Tx::begin(self.writer.hold().await?, true))
    }

    /// As [`RunStore::begin`], for what can be read again from the runs' files: it survives the end of every process,
    /// while a power cut may take back, consistently, the last of it.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn begin_lightly(&self) -> Result<Tx> {
        Ok(Tx::begin(self.writer.hold().await?, false))
    }

    /// The next revision, for a transaction that changes runs.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn next_revision(&self, tx: &mut Tx) -> Result<i64> {
        Ok(sqlx::query_scalar(NEXT_REVISION).fetch_one(tx.now().await?).await?)
    }

    /// The last revision that was given.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn revision(&self) -> Result<i64> {
        Ok(sqlx::query_scalar(REVISION).fetch_one(&self.readers).await?)
    }

    /// Closes all connections, after what is under way.
    pub async fn close(&self) {
        if let Err(error) = self.mark("true").await {
            tracing::warn!(%error, "the index could not be marked as closed; the next start checks it");
        }
        self.readers.close().await;
        self.writer.close().await;
    }

    async fn mark(&self, clean: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query(SET_META).bind("clean_shutdown").bind(clean).execute(tx.now().await?).await?;
        tx.commit().await
    }

    pub(super) fn readers(&self) -> &SqlitePool {
        &self.readers
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{Executor, SqlSafeStr};

    use super::*;

    /// An index in a temporary folder.
    pub(super) async fn fresh() -> (tempfile::TempDir, RunStore) {
        let dir = tempfile::tempdir().expect("temporary folder");
        let home = Home::at(dir.path());
        home.create().expect("folders");
        let (store, aside) = RunStore::open(&home).await.expect("opens");
        assert!(aside.is_none());
        (dir, store)
    }

    #[tokio::test]
    async fn every_query_fits_the_schema() {
        let (_dir, store) = fresh().await;
        let all = [
            QUERIES,
            columns::QUERIES,
            databases::QUERIES,
            detail::QUERIES,
            edit::QUERIES,
            entering::QUERIES,
            heads::QUERIES,
            ingest::QUERIES,
            jobs::QUERIES,
            pages::QUERIES,
            points::QUERIES,
            standing::QUERIES,
            table::QUERIES,
            views::QUERIES,
            watch::QUERIES,
        ];
        let mut writer = store.writer.hold().await.expect("the writer");
        let connection = writer.connection();
        for (name, sql) in all.into_iter().flatten() {
            for statement in sql.split_inclusive(';') {
                let prepared = connection.prepare(sqlx::AssertSqlSafe(statement).into_sql_str()).await;
                assert!(prepared.is_ok(), "{name}: {statement}: {:?}", prepared.err());
            }
        }
    }

    #[tokio::test]
    async fn an_unclean_end_loses_nothing_and_revisions_go_on() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let home = Home::at(dir.path());
        home.create().expect("folders");
        let (store, _) = RunStore::open(&home).await.expect("opens");
        let mut tx = store.begin_lightly().await.expect("begins");
        assert_eq!(store.next_revision(&mut tx).await.expect("given"), 1);
        tx.commit().await.expect("commits");
        std::mem::forget(store); // what kill -9 leaves
        let (again, aside) = RunStore::open(&home).await.expect("opens again");
        assert!(aside.is_none());
        assert_eq!(again.revision().await.expect("readable"), 1);
    }
}
