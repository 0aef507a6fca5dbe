//! A transaction that survives the database's own rollback.
//!
//! When a disk is full, SQLite rolls a transaction back by itself. A caller that counts transactions (as sqlx's own
//! type does) then believes for ever that one is open, and the only writer is lost. This one asks the database.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::pool::PoolConnection;
use sqlx::{Sqlite, SqliteConnection};

use crate::error::Result;

/// A transaction that may write. Dropping it rolls it back.
#[derive(Debug)]
pub struct Tx(Option<PoolConnection<Sqlite>>);

impl Tx {
    /// Takes the write lock at once, so that what is read can't be stale when it is written.
    /// With `synced` it is on disk when it is committed, else when the next synced one or a checkpoint is.
    ///
    /// `level` holds what the connection was last set to. A connection begins as a synced one, so a level that was
    /// kept from a connection before this one can only ask for more than is needed.
    pub(super) async fn begin(
        mut connection: PoolConnection<Sqlite>,
        synced: bool,
        level: &AtomicBool,
    ) -> Result<Self> {
        // The level can only be changed between transactions.
        let begin = match synced {
            _ if level.load(Ordering::Relaxed) == synced => "BEGIN IMMEDIATE",
            true => "PRAGMA synchronous = FULL; BEGIN IMMEDIATE",
            false => "PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE",
        };
        // Whoever is interrupted here leaves the connection at either; what is said here must be the lower of them.
        level.store(false, Ordering::Relaxed);
        sqlx::query(begin).execute(&mut *connection).await?;
        level.store(synced, Ordering::Relaxed);
        Ok(Self(Some(connection)))
    }

    /// Makes it permanent: on disk when this returns.
    ///
    /// # Errors
    /// The database refuses; then nothing of it has happened.
    pub async fn commit(mut self) -> Result<()> {
        sqlx::query("COMMIT").execute(&mut *self).await?;
        // Ended: there is nothing to roll back.
        drop(self.0.take());
        Ok(())
    }
}

impl Deref for Tx {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        self.0.as_ref().expect("the connection is taken by the end alone")
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.0.as_mut().expect("the connection is taken by the end alone")
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        let Some(mut connection) = self.0.take() else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                // Fails when the database has rolled back already, which is as good.
                let _ = sqlx::query("ROLLBACK").execute(&mut *connection).await;
            });
        }
    }
}
