//! The one connection that writes.
//!
//! Not a pool of one: a pool asks a connection whether it still answers whenever it is given back, in a task of its own,
//! and for a queue that commits hundreds of times a second that is a third of the way to the database and back.

use std::sync::Arc;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::error::Result;

/// Whoever holds the connection is the writer; the others wait in their order.
#[derive(Debug, Clone)]
pub(super) struct Writer(Arc<Mutex<Held>>);

/// The connection with what is known of its state.
#[derive(Debug)]
pub(super) struct Held {
    connection: Option<SqliteConnection>,
    options: SqliteConnectOptions,
    /// What a new connection is told first.
    greeting: &'static str,
    closed: bool,
    /// Whether what it commits is synced, as far as that is known.
    pub synced: Option<bool>,
    /// Whether a transaction may have been left open.
    pub open: bool,
}

impl Writer {
    /// With a connection that was made by these options and syncs what it commits. `greeting` is told to it, and to each
    /// that takes its place: what belongs to a connection, and not to the file.
    ///
    /// # Errors
    /// The database refuses the greeting.
    pub async fn new(
        mut connection: SqliteConnection,
        options: SqliteConnectOptions,
        greeting: &'static str,
    ) -> Result<Self> {
        sqlx::raw_sql(greeting).execute(&mut connection).await?;
        let connection = Some(connection);
        Ok(Self(Arc::new(Mutex::new(Held {
            connection,
            options,
            greeting,
            closed: false,
            synced: Some(true),
            open: false,
        }))))
    }

    /// Becomes the writer.
    ///
    /// # Errors
    /// The store is closed, or a connection that was lost can't be made again.
    pub async fn hold(&self) -> Result<OwnedMutexGuard<Held>> {
        let mut held = self.0.clone().lock_owned().await;
        if held.closed {
            return Err(sqlx::Error::PoolClosed.into());
        }
        if held.connection.is_none() {
            let mut connection = held.options.connect().await?;
            sqlx::raw_sql(held.greeting).execute(&mut connection).await?;
            held.connection = Some(connection);
            (held.synced, held.open) = (Some(true), false);
        }
        if std::mem::take(&mut held.open) {
            // Fails where the database has rolled back by itself.
            let _ = sqlx::query("ROLLBACK").execute(held.connection()).await;
        }
        Ok(held)
    }

    /// Closes the connection, after what is under way.
    pub async fn close(&self) {
        let mut held = self.0.lock().await;
        held.closed = true;
        if let Some(connection) = held.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "the database was not closed in order; the next start repairs that");
        }
    }
}

impl Held {
    /// The connection.
    pub fn connection(&mut self) -> &mut SqliteConnection {
        self.connection.as_mut().expect("whoever holds it has made sure that it is there")
    }

    /// Takes notice of an error: a connection whose thread has ended is made anew for the next writer.
    pub fn failed(&mut self, error: &sqlx::Error) {
        if matches!(error, sqlx::Error::WorkerCrashed) {
            self.connection = None;
        }
    }

    /// Undoes what a transaction has done so far.
    pub async fn roll_back(&mut self) {
        if let Some(connection) = &mut self.connection {
            // Fails where the database has rolled back by itself, which is as good.
            let _ = sqlx::query("ROLLBACK").execute(connection).await;
        }
        self.open = false;
    }
}
