//! A transaction that survives the database's own rollback, and travels to the database as seldom as it can.
//!
//! - When a disk is full, SQLite rolls a transaction back by itself. A caller that counts transactions (as sqlx's own
//!   type does) then believes for ever that one is open, and the only writer is lost. This one asks the database.
//! - The database has a thread of its own, and the way there and back costs more than most statements. What gives no
//!   answer ([`Tx::put_off`]) therefore waits until something that does is asked, or until the end, and travels with it.

use std::fmt::Write;

use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Arguments, AssertSqlSafe};
use tokio::sync::OwnedMutexGuard;

use super::writer::Held;
use crate::error::Result;

/// So many steps travel together at most: the database keeps each combination of them prepared.
const TOGETHER: usize = 4;

/// A transaction that may write. Dropping it rolls it back.
#[derive(Debug)]
pub struct Tx {
    held: Option<OwnedMutexGuard<Held>>,
    /// What was not sent yet.
    sql: String,
    arguments: SqliteArguments,
    steps: usize,
    synced: bool,
}

impl Tx {
    /// Takes the write lock before anything else, so that what is read can't be stale when it is written.
    /// With `synced` it is on disk when it is committed, else when the next synced one or a checkpoint is.
    pub(super) fn begin(mut held: OwnedMutexGuard<Held>, synced: bool) -> Self {
        // The level can only be changed between transactions. Whoever is interrupted leaves the connection at either.
        let begin = match synced {
            _ if held.synced.take() == Some(synced) => "BEGIN IMMEDIATE",
            true => "PRAGMA synchronous = FULL; BEGIN IMMEDIATE",
            false => "PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE",
        };
        Self {
            held: Some(held),
            sql: begin.to_owned(),
            arguments: SqliteArguments::default(),
            steps: 0,
            synced,
        }
    }

    /// The connection, within the transaction and after all that was put off.
    ///
    /// # Errors
    /// What was put off fails.
    pub async fn now(&mut self) -> Result<&mut SqliteConnection> {
        self.send().await?;
        Ok(self.held().connection())
    }

    /// Puts off a step: statements that give no answer, with their parameters as `$1`, numbered over all of them. An error in
    /// it shows with what is sent next.
    ///
    /// # Errors
    /// What was put off before fails.
    pub(super) async fn put_off(
        &mut self,
        step: &'static str,
        bind: impl FnOnce(&mut SqliteArguments) -> Bound,
    ) -> Result<()> {
        if self.steps == TOGETHER {
            self.send().await?;
        }
        self.steps += 1;
        self.sql.push(';');
        renumber(step, self.arguments.len(), &mut self.sql);
        bind(&mut self.arguments).map_err(sqlx::Error::Encode)?;
        Ok(())
    }

    /// Makes it permanent: on disk when this returns.
    ///
    /// # Errors
    /// The database refuses; then nothing of it has happened.
    pub async fn commit(mut self) -> Result<()> {
        self.sql.push_str(";COMMIT");
        self.send().await?;
        // Ended: there is nothing to roll back.
        if let Some(mut held) = self.held.take() {
            held.open = false;
        }
        Ok(())
    }

    async fn send(&mut self) -> Result<()> {
        if self.sql.is_empty() {
            return Ok(());
        }
        let (sql, arguments) = (std::mem::take(&mut self.sql), std::mem::take(&mut self.arguments));
        self.steps = 0;
        let synced = self.synced;
        let held = self.held();
        held.open = true;
        let sent = sqlx::query_with(AssertSqlSafe(sql), arguments).execute(held.connection()).await;
        match sent {
            Ok(_) => held.synced = Some(synced),
            Err(error) => {
                held.failed(&error);
                return Err(error.into());
            }
        }
        Ok(())
    }

    fn held(&mut self) -> &mut Held {
        self.held.as_mut().expect("it is given back by the end alone")
    }
}

/// What binding the parameters of a step gives.
pub(super) type Bound = std::result::Result<(), sqlx::error::BoxDynError>;

/// Appends a step whose parameters are numbered from 1, for a query in which `before` others come first.
///
/// They are written `$1`, not `?1`: to SQLite the one is a name and the other a place, and for each place that a
/// statement leaves out below its last, sqlx binds something all the same.
fn renumber(step: &str, before: usize, into: &mut String) {
    let mut pieces = step.split('$');
    into.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let digits = piece.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = piece.split_at(digits);
        let number: usize = number.parse().expect("the parameters of a step are numbered");
        write!(into, "${}{rest}", number + before).expect("a string takes everything");
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        let Some(mut held) = self.held.take() else { return };
        // Without a runtime the next writer does it.
        if held.open
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move { held.roll_back().await });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameters_of_a_later_step_follow_those_of_an_earlier_one() {
        let mut sql = String::new();
        renumber("UPDATE a SET b = $2 WHERE c = $1; INSERT INTO d VALUES ($1, $12)", 0, &mut sql);
        assert_eq!(sql, "UPDATE a SET b = $2 WHERE c = $1; INSERT INTO d VALUES ($1, $12)");
        sql.clear();
        renumber("UPDATE a SET b = $2 WHERE c = $1; INSERT INTO d VALUES ($1, $12)", 9, &mut sql);
        assert_eq!(sql, "UPDATE a SET b = $11 WHERE c = $10; INSERT INTO d VALUES ($10, $21)");
    }
}
