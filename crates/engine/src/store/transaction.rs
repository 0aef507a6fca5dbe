//! A transaction that survives the database's own rollback, and travels to the database as seldom as it can.
//!
//! - When a disk is full, SQLite rolls a transaction back by itself. A caller that counts transactions (as sqlx's own
//!   type does) then believes for ever that one is open, and the only writer is lost. This one asks the database.
//! - The database has a thread of its own, and the way there and back costs more than most statements. What gives no
//!   answer ([`Tx::put_off`]) therefore waits until something that does is asked, or until the end, and travels with it.
//! - Steps that are rows of one view ([`ROW`]) are one statement, and a transaction that is nothing else is one by itself.

use std::fmt::Write;

use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Arguments, AssertSqlSafe};
use tokio::sync::OwnedMutexGuard;

use super::writer::Held;
use crate::error::Result;

/// So many steps travel together at most: the database keeps each combination of them prepared.
const TOGETHER: usize = 4;

/// So many that are rows of one view, of which there are fewer combinations.
const ROWS_TOGETHER: usize = 16;

/// How a step begins that is a row of a view; see [`super::steps::VIEWS`]. Its parameters are plain `?`, in their order:
/// SQLite looks for the name of each that has one in a list of all, which takes time in the square of their number.
const ROW: &str = "INSERT INTO temp.";

/// A transaction that may write. Dropping it rolls it back.
#[derive(Debug)]
pub struct Tx {
    held: Option<OwnedMutexGuard<Held>>,
    /// Whether the database knows of it.
    begun: bool,
    /// What was not sent yet.
    sql: String,
    arguments: SqliteArguments,
    steps: usize,
    /// The statements that these steps are.
    statements: usize,
    /// The view of which the last one is a row.
    view: Option<&'static str>,
    synced: bool,
}

impl Tx {
    /// Takes the write lock before anything else, so that what is read can't be stale when it is written.
    /// With `synced` it is on disk when it is committed, else when the next synced one or a checkpoint is.
    pub(super) fn begin(held: OwnedMutexGuard<Held>, synced: bool) -> Self {
        Self {
            held: Some(held),
            begun: false,
            sql: String::new(),
            arguments: SqliteArguments::default(),
            steps: 0,
            statements: 0,
            view: None,
            synced,
        }
    }

    /// The connection, within the transaction and after all that was put off.
    ///
    /// # Errors
    /// What was put off fails.
    pub async fn now(&mut self) -> Result<&mut SqliteConnection> {
        self.send("BEGIN IMMEDIATE", "").await?;
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
        let (view, row) = step.strip_prefix(ROW).and_then(|row| row.split_once(" VALUES ")).unzip();
        let most = if view.is_some() { ROWS_TOGETHER } else { TOGETHER };
        // sqlx does not count those with a name among the others.
        let mixed = self.steps > 0 && self.view.is_some() != view.is_some();
        if self.steps >= most || mixed {
            self.send("BEGIN IMMEDIATE", "").await?;
        }
        let joins = view.is_some() && self.view == view;
        let step = match row {
            Some(row) if joins => {
                self.sql.push(',');
                row
            }
            _ => {
                if !self.sql.is_empty() {
                    self.sql.push(';');
                }
                self.statements += 1;
                step
            }
        };
        self.view = view;
        self.steps += 1;
        renumber(step, self.arguments.len(), &mut self.sql);
        bind(&mut self.arguments).map_err(sqlx::Error::Encode)?;
        Ok(())
    }

    /// Makes it permanent: on disk when this returns.
    ///
    /// # Errors
    /// The database refuses; then nothing of it has happened.
    pub async fn commit(mut self) -> Result<()> {
        let alone = self.statements == 1 && self.view.is_some() && !self.begun;
        match alone {
            true => self.send("", "").await?,
            false => self.send("BEGIN IMMEDIATE", "COMMIT").await?,
        }
        // Ended: there is nothing to roll back.
        if let Some(mut held) = self.held.take() {
            held.open = false;
        }
        Ok(())
    }

    /// Sends what was put off, between what begins the transaction, unless it has begun, and what ends it.
    async fn send(&mut self, begin: &str, end: &str) -> Result<()> {
        let steps = std::mem::take(&mut self.sql);
        let (level, begin) = match self.begun {
            true => ("", ""),
            // The level can only be changed between transactions. Whoever is interrupted leaves the connection at either.
            false => (self.level(), begin),
        };
        let parts = [level, begin, &steps, end].into_iter().filter(|part| !part.is_empty());
        let sql = parts.collect::<Vec<_>>().join(";");
        if sql.is_empty() {
            return Ok(());
        }
        let arguments = std::mem::take(&mut self.arguments);
        (self.steps, self.statements, self.view, self.begun) = (0, 0, None, true);
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

    /// What brings the connection to the level at which this is to be kept.
    fn level(&mut self) -> &'static str {
        let synced = self.synced;
        match self.held().synced.take() {
            Some(level) if level == synced => "",
            _ if synced => "PRAGMA synchronous = FULL",
            _ => "PRAGMA synchronous = NORMAL",
        }
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
    use sqlx::ConnectOptions;
    use sqlx::sqlite::SqliteConnectOptions;

    use super::*;
    use crate::store::writer::Writer;

    #[test]
    fn the_parameters_of_a_later_step_follow_those_of_an_earlier_one() {
        let mut sql = String::new();
        renumber("UPDATE a SET b = $2 WHERE c = $1; INSERT INTO d VALUES ($1, $12)", 0, &mut sql);
        assert_eq!(sql, "UPDATE a SET b = $2 WHERE c = $1; INSERT INTO d VALUES ($1, $12)");
        sql.clear();
        renumber("UPDATE a SET b = $2 WHERE c = $1; INSERT INTO d VALUES ($1, $12)", 9, &mut sql);
        assert_eq!(sql, "UPDATE a SET b = $11 WHERE c = $10; INSERT INTO d VALUES ($10, $21)");
    }

    /// Rows of a view, and steps of other kinds between them, take effect in their order and all or none.
    #[tokio::test]
    async fn rows_and_other_steps_keep_their_order() {
        let connection = || SqliteConnectOptions::new().in_memory(true);
        let mut first = connection().connect().await.expect("connects");
        sqlx::raw_sql("CREATE TABLE told (n INTEGER PRIMARY KEY, word TEXT NOT NULL)")
            .execute(&mut first)
            .await
            .expect("a table");
        let views = "CREATE TEMP VIEW even (word) AS SELECT NULL; CREATE TEMP VIEW odd (word) AS SELECT NULL;
            CREATE TEMP TRIGGER even_told INSTEAD OF INSERT ON even BEGIN
                INSERT INTO told (word) VALUES ('even ' || NEW.word); END;
            CREATE TEMP TRIGGER odd_told INSTEAD OF INSERT ON odd BEGIN
                INSERT INTO told (word) VALUES ('odd ' || NEW.word); END";
        let writer = Writer::new(first, connection(), views).await.expect("a writer");
        const EVEN: &str = "INSERT INTO temp.even VALUES (?)";
        const ODD: &str = "INSERT INTO temp.odd VALUES (?)";
        const PLAIN: &str = "INSERT INTO told (word) VALUES ($1)";
        let mut expected = Vec::new();
        // As many as travel together and more, alone and mixed.
        for (count, kinds) in [(1, 1), (3, 1), (40, 1), (2, 2), (40, 2), (40, 3)] {
            for spoiled in [true, false] {
                let mut tx = Tx::begin(writer.hold().await.expect("held"), false);
                let mut words = Vec::new();
                for n in 0..count {
                    let word = format!("{count}-{kinds}-{n}");
                    let (step, said) = match n % kinds {
                        0 => (EVEN, format!("even {word}")),
                        1 => (ODD, format!("odd {word}")),
                        _ => (PLAIN, word.clone()),
                    };
                    words.push(said);
                    // The last one can't be taken.
                    let word = (!spoiled || n + 1 < count).then_some(word);
                    tx.put_off(step, |to| to.add(word)).await.expect("put off");
                }
                let committed = tx.commit().await;
                assert_eq!(committed.is_err(), spoiled, "{count} steps of {kinds} kinds");
                if !spoiled {
                    expected.extend(words);
                }
                let mut held = writer.hold().await.expect("held");
                let told: Vec<String> = sqlx::query_scalar("SELECT word FROM told ORDER BY n")
                    .fetch_all(held.connection())
                    .await
                    .expect("read");
                assert_eq!(told, expected, "{count} steps of {kinds} kinds");
            }
        }
    }
}
