//! Databases that other programs write ([`athanor_core::runs::Tables`]): read, and never written to.
//!
//! Nothing may be left beside them either, and no training may wait for us. SQLite's own ways to open a file read-only
//! do not do for that: in WAL mode it makes a `-shm` file where there is none, and notes readers in it where there is
//! one. So it depends on how the program keeps the file, which its header says:
//!
//! - **With a rollback journal** (MLflow): it is opened with `mode=ro`, which writes nothing and holds a shared lock for
//!   as long as a query takes. A query is over after [`ROWS`] rows, a few milliseconds.
//! - **In WAL mode and nothing in the `-wal`** (trackio, when no run logs): with `immutable=1`, which takes no lock and
//!   looks at no other file. That is only right as long as nobody writes; so what was read counts only if the file and
//!   its `-wal` are the same before and after.
//! - **In WAL mode with something in the `-wal`**: the two are copied to a folder of ours and read there. The database
//!   itself only changes when the log is brought into it, once in a thousand pages; until then its copy is kept and the
//!   log alone, a few megabytes, is copied again. A copy counts only if the database was the same before and after and
//!   the log had the same beginning, for then it was only appended to; a half-written end is passed over by its
//!   checksums.
//!
//! Rows are told only after that was checked, so that trying again is going on.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use athanor_core::runs::{Cell, Outcome, Schema, Tables, Told, UNKNOWN};
use futures_util::TryStreamExt;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{ConnectOptions, Connection, Decode, Row, Sqlite, TypeInfo, ValueRef};
use xxhash_rust::xxh3::xxh3_128;

use super::queries;

/// Rows of one query. It bounds how long a lock is held.
const ROWS: u32 = 4096;
/// Bytes of the rows of one query, after which no further one is taken.
const BYTES: usize = 8 << 20;
/// Points that are told at once.
const MANY: usize = 50_000;
/// Runs of which something is told at once: each is some work for whoever is told.
const MANY_RUNS: usize = 256;
/// How long a lock is waited for.
const PATIENCE: Duration = Duration::from_millis(200);
/// How often it is tried again at once when the file changes while it is read.
const ATTEMPTS: usize = 4;
/// Two changes that come after each other within this time may leave the same time of modification.
const GRAIN: Duration = Duration::from_millis(20);

queries! {
    /// The tables that are ever asked for, with their columns, and the first of all: without any, it is a new one.
    /// Names and types that are no UTF-8 are found here, where they are an error: a connection does not survive them in
    /// the columns of a query.
    SCHEMA = "SELECT m.name, p.name, p.type FROM sqlite_schema AS m, pragma_table_info(m.name) AS p
        WHERE m.type = 'table' AND
            (m.name IN ('configs', 'experiments', 'metrics', 'params', 'runs', 'system_metrics', 'tags')
            OR m.rowid = (SELECT min(rowid) FROM sqlite_schema WHERE type = 'table'))
        ORDER BY m.name, p.cid";
    CONFIGS = "SELECT rowid, * FROM configs WHERE rowid >= ?1 ORDER BY rowid LIMIT ?2";
    EXPERIMENTS = "SELECT rowid, * FROM experiments WHERE rowid >= ?1 ORDER BY rowid LIMIT ?2";
    METRICS = "SELECT rowid, * FROM metrics WHERE rowid >= ?1 ORDER BY rowid LIMIT ?2";
    PARAMS = "SELECT rowid, * FROM params WHERE rowid >= ?1 ORDER BY rowid LIMIT ?2";
    RUNS = "SELECT rowid, * FROM runs WHERE rowid >= ?1 ORDER BY rowid LIMIT ?2";
    SYSTEM_METRICS = "SELECT rowid, * FROM system_metrics WHERE rowid >= ?1 ORDER BY rowid LIMIT ?2";
    TAGS = "SELECT rowid, * FROM tags WHERE rowid >= ?1 ORDER BY rowid LIMIT ?2";
}

/// How a pass over a database ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passed {
    /// All that was new has been told.
    Done,
    /// Whoever was told wanted no more.
    Stopped,
    /// It can't be read at the moment, for this reason: a clause. What was told is right.
    Later(String),
    /// It is not of a program that is known, and none of our business.
    Unknown,
    /// It will not be read, for this reason: a clause.
    Refused(String),
}

/// Reads what is new in a database and tells it in pieces of some [`MANY`] points. With each piece the state of
/// `tables` belongs: its checkpoint is what to store beside it. Copies go to `scratch`, a folder of ours that exists.
pub async fn pass(
    path: &Path,
    scratch: &Path,
    tables: &mut dyn Tables,
    each: &mut (dyn FnMut(Told, &dyn Tables) -> ControlFlow<()> + Send),
) -> Passed {
    let mut told = Told::default();
    let mut tried = 0;
    let passed = loop {
        tried += 1;
        match attempt(path, scratch, tables, &mut told, each).await {
            Err(Trouble::Changed) if tried < ATTEMPTS => {}
            Err(Trouble::Changed) => break Passed::Later("it changes faster than it can be read".into()),
            Err(Trouble::Busy(why)) => break Passed::Later(why),
            Err(Trouble::Refused(why)) => break Passed::Refused(why),
            Ok(passed) => break passed,
        }
    };
    if passed != Passed::Stopped && !told.is_empty() && each(told, tables).is_break() {
        return Passed::Stopped;
    }
    passed
}

/// Why a pass came to no end.
enum Trouble {
    /// The file changed while it was read.
    Changed,
    Busy(String),
    Refused(String),
}

impl From<io::Error> for Trouble {
    fn from(cause: io::Error) -> Self {
        Self::Refused(crate::scan::words(&cause))
    }
}

/// Primary result codes: <https://www.sqlite.org/rescode.html>.
impl From<sqlx::Error> for Trouble {
    fn from(cause: sqlx::Error) -> Self {
        let code = match &cause {
            sqlx::Error::Database(cause) => cause.code().and_then(|code| code.parse::<u32>().ok()),
            _ => None,
        };
        match code.map(|code| code & 0xff) {
            Some(5 | 6) => Self::Busy("the program that writes it does not let it be read".into()),
            // A journal that has to be rolled back, by whoever may write.
            Some(8) => {
                Self::Busy("it was left in the middle of a change; whatever writes it next repairs it".into())
            }
            Some(11) => Self::Refused("it is damaged".into()),
            Some(26) => Self::Refused("it is no database of SQLite, or an encrypted one".into()),
            _ => Self::Refused(format!("SQLite can’t read it: {cause}")),
        }
    }
}

async fn attempt(
    path: &Path,
    scratch: &Path,
    tables: &mut dyn Tables,
    told: &mut Told,
    each: &mut (dyn FnMut(Told, &dyn Tables) -> ControlFlow<()> + Send),
) -> Result<Passed, Trouble> {
    let (path, scratch) = (path.to_owned(), scratch.to_owned());
    let settled = mark(&path)?;
    if settled.is_fresh() {
        tokio::time::sleep(GRAIN).await;
    }
    let way = tokio::task::spawn_blocking(move || way(path, &scratch)).await;
    let way = way.map_err(|cause| Trouble::Refused(cause.to_string()))??;
    let mut connection = match options(&way).connect().await {
        Ok(connection) => connection,
        Err(cause) => return Err(way.judge(cause.into())),
    };
    let passed = ask(&way, &mut connection, tables, told, each).await;
    // It has nothing to write and nothing to lose.
    let _ = connection.close().await;
    passed
}

async fn ask(
    way: &Way,
    connection: &mut SqliteConnection,
    tables: &mut dyn Tables,
    told: &mut Told,
    each: &mut (dyn FnMut(Told, &dyn Tables) -> ControlFlow<()> + Send),
) -> Result<Passed, Trouble> {
    let columns: Result<Vec<(String, String, String)>, _> =
        sqlx::query_as(SCHEMA).fetch_all(&mut *connection).await;
    let columns = columns.map_err(|cause| way.judge(cause.into()))?;
    way.check()?;
    let mut schema = Schema::new();
    for (table, column, _) in columns {
        schema.entry(table).or_default().push(column);
    }
    match tables.begin(&schema) {
        Outcome::Fits => {}
        Outcome::Waiting => return Ok(Passed::Later("there is nothing in it yet".into())),
        Outcome::Refused(_) if tables.format() == UNKNOWN => return Ok(Passed::Unknown),
        Outcome::Refused(why) => return Ok(Passed::Refused(why)),
    }
    while let Some(wanted) = tables.wanted(told) {
        let Some(sql) = query(wanted.table) else { continue };
        let mut from = Some(wanted.from);
        while let Some(first) = from.take() {
            let (rows, full) = rows(connection, sql, first).await.map_err(|cause| way.judge(cause))?;
            way.check()?;
            if full {
                from = rows.last().and_then(|row| id(row).checked_add(1));
            }
            let mut cells = Vec::new();
            for row in &rows {
                cells.clear();
                cells.extend((1..row.len()).map(|at| cell(row, at)));
                if !tables.row(id(row), &cells, told) {
                    from = None;
                    break;
                }
                if told.runs.len() >= MANY_RUNS && each(std::mem::take(told), tables).is_break() {
                    return Ok(Passed::Stopped);
                }
            }
            if told.points() >= MANY && each(std::mem::take(told), tables).is_break() {
                return Ok(Passed::Stopped);
            }
        }
    }
    Ok(Passed::Done)
}

fn query(table: &str) -> Option<&'static str> {
    Some(match table {
        "configs" => CONFIGS,
        "experiments" => EXPERIMENTS,
        "metrics" => METRICS,
        "params" => PARAMS,
        "runs" => RUNS,
        "system_metrics" => SYSTEM_METRICS,
        "tags" => TAGS,
        _ => return None,
    })
}

/// Some rows, and whether there may be more.
async fn rows(
    connection: &mut SqliteConnection,
    sql: &'static str,
    from: i64,
) -> Result<(Vec<SqliteRow>, bool), Trouble> {
    let mut stream = sqlx::query(sql).bind(from).bind(ROWS).fetch(connection);
    let (mut rows, mut bytes) = (Vec::new(), 0);
    while let Some(row) = stream.try_next().await? {
        bytes += (1..row.len()).map(|at| length(cell(&row, at))).sum::<usize>();
        rows.push(row);
        if bytes > BYTES {
            return Ok((rows, true));
        }
    }
    let full = rows.len() >= ROWS as usize;
    Ok((rows, full))
}

fn id(row: &SqliteRow) -> i64 {
    row.try_get(0).unwrap_or(i64::MAX)
}

fn length(cell: Cell<'_>) -> usize {
    match cell {
        Cell::Text(text) => text.len(),
        Cell::Bytes(bytes) => bytes.len(),
        _ => 8,
    }
}

fn cell(row: &SqliteRow, at: usize) -> Cell<'_> {
    let raw = || row.try_get_raw(at);
    let Ok(value) = raw() else { return Cell::Null };
    if value.is_null() {
        return Cell::Null;
    }
    let bytes = || {
        let bytes = raw().ok().and_then(|raw| <&[u8] as Decode<'_, Sqlite>>::decode(raw).ok());
        bytes.map_or(Cell::Null, Cell::Bytes)
    };
    match value.type_info().name() {
        "REAL" => <f64 as Decode<'_, Sqlite>>::decode(value).map_or(Cell::Null, Cell::Real),
        "TEXT" => <&str as Decode<'_, Sqlite>>::decode(value).map_or_else(|_| bytes(), Cell::Text),
        "BLOB" => bytes(),
        _ => <i64 as Decode<'_, Sqlite>>::decode(value).map_or(Cell::Null, Cell::Integer),
    }
}

/// What tells whether a database has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    inode: u64,
    size: u64,
    modified: SystemTime,
    /// Bytes in its log.
    log: u64,
}

impl Mark {
    /// Whether a further change might not show.
    fn is_fresh(&self) -> bool {
        SystemTime::now().duration_since(self.modified).is_ok_and(|age| age < GRAIN)
    }

    fn is_same_file(&self, other: &Self) -> bool {
        Self { log: 0, ..*self } == Self { log: 0, ..*other }
    }
}

fn mark(path: &Path) -> io::Result<Mark> {
    let meta = fs::metadata(path)?;
    let log = match fs::metadata(beside(path, "-wal")) {
        Ok(meta) => meta.len(),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => 0,
        Err(cause) => return Err(cause),
    };
    Ok(Mark { inode: meta.ino(), size: meta.len(), modified: meta.modified()?, log })
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// How a database is read.
enum Way {
    Locked(PathBuf),
    Still(PathBuf, Mark),
    Copied(PathBuf),
}

impl Way {
    /// Whether what was read until now is what stands in the database.
    fn check(&self) -> Result<(), Trouble> {
        match self {
            Self::Still(path, before) if mark(path)? != *before => Err(Trouble::Changed),
            _ => Ok(()),
        }
    }

    /// What seems damaged may only have changed.
    fn judge(&self, trouble: Trouble) -> Trouble {
        self.check().err().unwrap_or(trouble)
    }
}

/// Chooses the way, and makes the copies if there must be some. Blocks on the disk.
fn way(path: PathBuf, scratch: &Path) -> Result<Way, Trouble> {
    let mut header = [0; 100];
    let mut file = File::open(&path)?;
    match file.read_exact(&mut header) {
        Ok(()) => {}
        // It is empty until its first table is made.
        Err(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => {
            return Err(Trouble::Busy("there is nothing in it yet".into()));
        }
        Err(cause) => return Err(cause.into()),
    }
    // Bytes 18 and 19 are the versions for writing and reading; 2 is WAL (https://www.sqlite.org/fileformat.html).
    if header[18] < 2 && header[19] < 2 {
        return Ok(Way::Locked(path));
    }
    let before = mark(&path)?;
    if before.log == 0 {
        return Ok(Way::Still(path, before));
    }
    let copy = scratch.join(format!("{:032x}.db", xxh3_128(path.as_os_str().as_encoded_bytes())));
    let begin = log_header(&path)?;
    // An index of the log that was copied before.
    remove(&beside(&copy, "-shm"))?;
    if !fs::metadata(&copy).is_ok_and(|meta| {
        meta.len() == before.size && meta.modified().is_ok_and(|modified| modified == before.modified)
    }) {
        remove(&copy)?;
        fs::copy(&path, &copy)?;
        // Kept for as long as the database has this time.
        File::open(&copy)?.set_modified(before.modified)?;
    }
    fs::copy(beside(&path, "-wal"), beside(&copy, "-wal"))?;
    let after = mark(&path)?;
    if !after.is_same_file(&before) || log_header(&path)? != begin {
        remove(&copy)?;
        return Err(Trouble::Changed);
    }
    Ok(Way::Copied(copy))
}

/// The log's header, which has two new random numbers whenever it is begun anew.
fn log_header(path: &Path) -> Result<Vec<u8>, Trouble> {
    let mut header = Vec::new();
    match File::open(beside(path, "-wal")) {
        Ok(file) => file.take(32).read_to_end(&mut header)?,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Err(Trouble::Changed),
        Err(cause) => return Err(cause.into()),
    };
    Ok(header)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause),
        _ => Ok(()),
    }
}

fn options(way: &Way) -> SqliteConnectOptions {
    let (Way::Locked(path) | Way::Still(path, _) | Way::Copied(path)) = way;
    SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .immutable(matches!(way, Way::Still(..)))
        .busy_timeout(PATIENCE)
        .statement_cache_capacity(16)
        // The schema is a stranger's: no function that it names is called.
        .pragma("trusted_schema", "OFF")
        .disable_statement_logging()
}

#[cfg(test)]
#[path = "foreign_tests.rs"]
mod tests;
