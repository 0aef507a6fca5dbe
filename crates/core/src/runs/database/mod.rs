//! Databases of SQLite that hold many runs: MLflow's `mlflow.db` and trackio's.
//!
//! Nothing here knows SQL. A [`Tables`] says which table it wants next and from which row on, is shown the rows in the
//! order in which they were written, and makes of them what they say of each run. Whoever can ask a database (the
//! engine) does it like this:
//!
//! 1. [`Tables::begin`] with the names of the tables and their columns.
//! 2. As long as [`Tables::wanted`] names a table: all its rows from there on to [`Tables::row`].
//! 3. [`Tables::checkpoint`] is stored with what was told, whenever it suits. The next pass begins with 1.
//!
//! Points are only ever added to such a database, so a pass costs what is new: the checkpoint holds the last row. Rows
//! may be thrown away all the same (`mlflow gc`, `VACUUM`, a migration of the schema), and their numbers be given anew.
//! That is noticed by the last row, which must still be what it was; if not, everything is told again, and
//! [`Told::anew`] says so.
//!
//! What can change in place (the status of a run, its tags) is looked at in each pass and told when it has changed.

mod mlflow;
#[cfg(test)]
mod tests;
mod trackio;

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3Default;

use self::mlflow::MlFlow;
use self::trackio::Trackio;
use super::lines::Keys;
use super::{Batch, Checkpoint, Folder, Format, Found, Issue, Member, Outcome, Place, Reader, Role};

/// What a file of SQLite begins with.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// The [`Format::id`] of a database of which nothing is known. When it has been looked at and still has this format, it
/// is another program's and no fault of anybody.
pub const UNKNOWN: &str = "sqlite";

/// What their names end with.
const ENDINGS: [&str; 3] = ["db", "sqlite", "sqlite3"];

/// The tables of a database, with the names of their columns in their order.
pub type Schema = BTreeMap<String, Vec<String>>;

/// A value of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// None.
    Null,
    /// A whole number.
    Integer(i64),
    /// Another number, finite: SQLite keeps NaN as NULL.
    Real(f64),
    /// Text.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
}

impl<'a> Cell<'a> {
    fn number(self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(number as f64),
            Self::Real(number) => Some(number),
            _ => None,
        }
    }

    fn int(self) -> Option<i64> {
        if let Self::Integer(number) = self { Some(number) } else { None }
    }

    /// Text, also where it is kept as bytes: trackio's JSON is.
    fn text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }
}

/// Rows that are wanted: with all columns of the table, in the order of their rowid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// The table, one of [`TABLES`].
    pub table: &'static str,
    /// The least rowid that is wanted.
    pub from: i64,
}

/// All tables that are ever wanted.
pub const TABLES: [&str; 7] =
    ["configs", "experiments", "metrics", "params", "runs", "system_metrics", "tags"];

/// What rows told, by run.
#[derive(Debug, Default, PartialEq)]
pub struct Told {
    /// Each run's id in the database with what was told of it, in the order in which they were first named.
    pub runs: Vec<(String, Batch)>,
    /// Runs that their owner has deleted.
    pub gone: Vec<String>,
    /// What was told before is void: everything is told again, beginning here.
    pub anew: bool,
    /// Rows that gave nothing, with no run to say it of.
    pub issues: Vec<Issue>,
    index: HashMap<String, usize>,
}

impl Told {
    /// What is told of a run.
    fn of(&mut self, run: &str) -> &mut Batch {
        let next = self.runs.len();
        let at = match self.index.get(run) {
            Some(&at) => at,
            None => {
                self.runs.push((run.to_owned(), Batch::default()));
                self.index.insert(run.to_owned(), next);
                next
            }
        };
        &mut self.runs[at].1
    }

    /// Points that it holds.
    #[must_use]
    pub fn points(&self) -> usize {
        self.runs.iter().map(|(_, batch)| batch.readings.len()).sum()
    }

    /// Whether there is anything in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.gone.is_empty() && self.issues.is_empty() && !self.anew
    }

    fn issue(&mut self, message: String) {
        let issue = Issue { place: Place::File, message };
        if !self.issues.contains(&issue) {
            self.issues.push(issue);
        }
    }
}

/// Reads a database that holds many runs. See the [module](self).
pub trait Tables: Send {
    /// Begins a pass. [`Outcome::Refused`]: no tables of a program that is known; there is nothing to be asked.
    fn begin(&mut self, schema: &Schema) -> Outcome;

    /// The rows that are wanted next; all that are wanted before must have been shown. `None`: the pass is over.
    fn wanted(&mut self, out: &mut Told) -> Option<Wanted>;

    /// Takes a row of the table that was wanted last, and says whether the rows after it are still wanted.
    fn row(&mut self, rowid: i64, cells: &[Cell<'_>], out: &mut Told) -> bool;

    /// The [`Format::id`] of the format that the database has shown itself to have.
    fn format(&self) -> &'static str;

    /// What to store beside what was told, in the same transaction.
    fn checkpoint(&self) -> Checkpoint;

    /// Names of the metrics of all runs by the index in [`super::Reading::key`]. Names are only ever added.
    fn keys(&self) -> &[String];
}

/// What tells apart the runs of a database among those of its folder: `mlflow.db#0f3a…`.
#[must_use]
pub fn part(member: &Member, run: &str) -> String {
    format!("{}#{run}", member.path)
}

/// Whether a member is a database, and not one of MLflow's own files.
pub(super) fn is_one(member: &Member) -> bool {
    let ending = member.path.rsplit_once('.').map_or("", |(_, ending)| ending);
    !member.path.contains('/') && ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

/// Files of SQLite by their first bytes and by `is_one` of the name.
pub(super) fn candidates(folder: &dyn Folder, is_one: impl Fn(&str) -> bool) -> Vec<Found> {
    let members = folder.files().iter().map(|file| Member::new(file.clone(), Role::Metrics));
    let named = members.filter(|member| self::is_one(member) && is_one(member.name()));
    named.filter(|member| folder.head(&member.path).starts_with(MAGIC)).map(Found::database).collect()
}

/// Reads whichever of the known kinds it is.
pub(super) fn reader(member: &Member, from: Option<&Checkpoint>) -> Reader {
    let state = from.and_then(|from| serde_json::from_slice::<State>(&from.state).ok());
    let state = state.filter(|state| state.version == VERSION).unwrap_or_default();
    let stem = member.name().rsplit_once('.').map_or(member.name(), |(stem, _)| stem).to_owned();
    Reader::Database(Box::new(Database { state, stem, kind: Kind::Unknown, wanted: None }))
}

/// trackio's databases, one for each project, in a folder of that name unless the user says otherwise.
pub struct TrackioFormat;

impl Format for TrackioFormat {
    fn id(&self) -> &'static str {
        "trackio"
    }

    fn label(&self) -> &'static str {
        "trackio"
    }

    fn recognise(&self, folder: &dyn Folder) -> Vec<Found> {
        if folder.path().rsplit('/').next() == Some("trackio") {
            return candidates(folder, |_| true);
        }
        Vec::new()
    }

    fn reader(&self, member: &Member, from: Option<&Checkpoint>) -> Reader {
        reader(member, from)
    }
}

/// Any other database of SQLite: what it holds is seen when it is read.
pub struct Sqlite;

impl Format for Sqlite {
    fn id(&self) -> &'static str {
        UNKNOWN
    }

    fn label(&self) -> &'static str {
        "SQLite"
    }

    fn recognise(&self, folder: &dyn Folder) -> Vec<Found> {
        candidates(folder, |_| true)
    }

    fn reader(&self, member: &Member, from: Option<&Checkpoint>) -> Reader {
        reader(member, from)
    }
}

/// State of another version is not understood.
const VERSION: u32 = 1;

/// What must be remembered.
#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    version: u32,
    keys: Keys,
    /// It has been said that there are too many names.
    full: bool,
    /// The last row of each table that was taken.
    rows: BTreeMap<String, Row>,
    /// Of trackio's runs, when each began, in milliseconds.
    began: BTreeMap<String, i64>,
    /// Runs of MLflow that were deleted: their points were passed over.
    deleted: std::collections::BTreeSet<String>,
}

/// A row that was taken.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Row {
    id: i64,
    /// Of its values, to know it again.
    hash: u64,
}

/// What is different between programs.
enum Kind {
    Unknown,
    MlFlow(MlFlow),
    Trackio(Trackio),
}

/// The state of a pass that both kinds share.
struct Database {
    state: State,
    /// The file's name without its ending.
    stem: String,
    kind: Kind,
    /// The index among the kind's tables, and whether the row that was last has been met.
    wanted: Option<(usize, bool)>,
}

/// A table of a kind.
#[derive(Debug, Clone, Copy)]
struct Table {
    name: &'static str,
    /// Its rows are never changed: only those after the last one are wanted.
    grows: bool,
    /// Whether it is in every such database.
    must: bool,
}

impl Database {
    fn tables(&self) -> &'static [Table] {
        match self.kind {
            Kind::Unknown => &[],
            Kind::MlFlow(_) => &mlflow::TABLES,
            Kind::Trackio(_) => &trackio::TABLES,
        }
    }

    fn has(&self, table: &str) -> bool {
        match &self.kind {
            Kind::Unknown => false,
            Kind::MlFlow(kind) => kind.columns.contains_key(table),
            Kind::Trackio(kind) => kind.columns.contains_key(table),
        }
    }

    /// Forgets all that was read, but no name of a metric.
    fn again(&mut self, out: &mut Told) {
        let keys = std::mem::take(&mut self.state.keys);
        self.state = State { version: VERSION, keys, ..State::default() };
        match &mut self.kind {
            Kind::Unknown => {}
            Kind::MlFlow(kind) => kind.forget(),
            Kind::Trackio(kind) => kind.forget(),
        }
        *out = Told { anew: true, ..Told::default() };
        self.wanted = None;
    }
}

impl Tables for Database {
    fn begin(&mut self, schema: &Schema) -> Outcome {
        self.wanted = None;
        self.state.version = VERSION;
        let columns = |tables: &[Table]| {
            let find = |table: &Table| Some((table.name, schema.get(table.name)?.clone()));
            let found: HashMap<&'static str, Vec<String>> = tables.iter().filter_map(find).collect();
            tables.iter().all(|table| !table.must || found.contains_key(table.name)).then_some(found)
        };
        let has = |table: &str, name: &str| {
            schema.get(table).is_some_and(|columns| columns.iter().any(|column| column == name))
        };
        if has("runs", "run_uuid") && has("metrics", "run_uuid") {
            if !has("metrics", "step") || !has("metrics", "is_nan") {
                self.kind = Kind::MlFlow(MlFlow::new(HashMap::new()));
                let why = "it was written by MLflow before 1.0; “mlflow db upgrade” makes it readable";
                return Outcome::Refused(why.into());
            }
            if let Some(columns) = columns(&mlflow::TABLES) {
                match &mut self.kind {
                    Kind::MlFlow(kind) => kind.columns = columns,
                    kind => *kind = Kind::MlFlow(MlFlow::new(columns)),
                }
                return Outcome::Fits;
            }
        }
        let is_trackio = ["run_name", "metrics", "step"].iter().all(|name| has("metrics", name));
        if is_trackio && let Some(columns) = columns(&trackio::TABLES) {
            match &mut self.kind {
                Kind::Trackio(kind) => kind.columns = columns,
                kind => *kind = Kind::Trackio(Trackio::new(columns)),
            }
            return Outcome::Fits;
        }
        self.kind = Kind::Unknown;
        if schema.is_empty() {
            // It was created a moment ago.
            return Outcome::Waiting;
        }
        Outcome::Refused("it has no tables of MLflow or trackio".into())
    }

    fn wanted(&mut self, out: &mut Told) -> Option<Wanted> {
        let tables = self.tables();
        // Its last row is not there any more.
        if let Some((at, false)) = self.wanted
            && tables.get(at).is_some_and(|table| table.grows && self.state.rows.contains_key(table.name))
        {
            self.again(out);
        }
        let from = self.wanted.map_or(0, |(at, _)| at + 1);
        let next = (from..tables.len()).find(|&at| self.has(tables[at].name))?;
        self.wanted = Some((next, false));
        let table = tables[next];
        let last = self.state.rows.get(table.name).filter(|_| table.grows);
        Some(Wanted { table: table.name, from: last.map_or(i64::MIN, |row| row.id) })
    }

    fn row(&mut self, rowid: i64, cells: &[Cell<'_>], out: &mut Told) -> bool {
        let Some((at, met)) = self.wanted else { return false };
        let Some(table) = self.tables().get(at) else { return false };
        if table.grows {
            let this = Row { id: rowid, hash: hash(cells) };
            if let Some(last) = self.state.rows.get(table.name)
                && !met
            {
                self.wanted = Some((at, true));
                if last.id == this.id && last.hash == this.hash {
                    return true;
                }
                // The pass begins again, with the first table: this row comes again.
                self.again(out);
                return false;
            }
            self.wanted = Some((at, true));
            self.state.rows.insert(table.name.to_owned(), this);
        }
        match &mut self.kind {
            Kind::Unknown => {}
            Kind::MlFlow(kind) => {
                if kind.row(table.name, cells, &mut self.state, out) {
                    self.again(out);
                    return false;
                }
            }
            Kind::Trackio(kind) => kind.row(table.name, cells, &self.stem, &mut self.state, out),
        }
        true
    }

    fn format(&self) -> &'static str {
        match self.kind {
            Kind::Unknown => UNKNOWN,
            Kind::MlFlow(_) => "mlflow",
            Kind::Trackio(_) => "trackio",
        }
    }

    fn checkpoint(&self) -> Checkpoint {
        let offset = self.state.rows.get("metrics").map_or(0, |row| row.id.max(0).unsigned_abs());
        // Strings and numbers: this cannot fail; an empty state would make a reader begin anew.
        Checkpoint { offset, state: serde_json::to_vec(&self.state).unwrap_or_default() }
    }

    fn keys(&self) -> &[String] {
        self.state.keys.names()
    }
}

impl State {
    /// Adds a point, unless there are too many names, which is said once.
    fn point(&mut self, key: &str, point: (f64, f64, Option<i64>), run: &str, out: &mut Told) {
        let (step, value, wall_ms) = point;
        match self.keys.index(key) {
            Some(key) => out.of(run).point(key, step, value, wall_ms),
            None if self.full => {}
            None => {
                self.full = true;
                out.issue("there are more than 10000 metrics; further ones are left out".into());
            }
        }
    }
}

/// The row's values by the names of its columns.
#[derive(Clone, Copy)]
struct Named<'a> {
    columns: &'a [String],
    cells: &'a [Cell<'a>],
}

impl<'a> Named<'a> {
    fn get(self, name: &str) -> Cell<'a> {
        let at = self.columns.iter().position(|column| column == name);
        at.and_then(|at| self.cells.get(at).copied()).unwrap_or(Cell::Null)
    }

    fn text(self, name: &str) -> Option<&'a str> {
        self.get(name).text().filter(|text| !text.is_empty())
    }
}

/// The same for the same values.
fn hash(cells: &[Cell<'_>]) -> u64 {
    let mut hash = Xxh3Default::new();
    for cell in cells {
        match cell {
            Cell::Null => hash.update(&[0]),
            Cell::Integer(number) => {
                hash.update(&[1]);
                hash.update(&number.to_le_bytes());
            }
            Cell::Real(number) => {
                hash.update(&[2]);
                hash.update(&number.to_bits().to_le_bytes());
            }
            Cell::Text(text) => {
                hash.update(&[3]);
                hash.update(&(text.len() as u64).to_le_bytes());
                hash.update(text.as_bytes());
            }
            Cell::Bytes(bytes) => {
                hash.update(&[4]);
                hash.update(&(bytes.len() as u64).to_le_bytes());
                hash.update(bytes);
            }
        }
    }
    hash.digest()
}

/// What was told of rows that may change in place, to tell it again only when they have.
#[derive(Default)]
struct Seen(HashMap<u64, u64>);

impl Seen {
    /// Whether a row with this key says something else than it did.
    fn is_new(&mut self, key: &[Cell<'_>], cells: &[Cell<'_>]) -> bool {
        let now = hash(cells);
        self.0.insert(hash(key), now) != Some(now)
    }
}
