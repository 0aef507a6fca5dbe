//! Opening a database file without ever harming one: the engine has two, that of the queue and the index of runs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection};

use super::writer::Writer;
use crate::error::{Error, ErrorKind, Result};
use crate::home::Home;

/// A whole check reads the whole file; after an unclean end it is done up to this size, beyond it on request.
const CHECK_MAX_BYTES: u64 = 256 << 20;

/// Readers at the same time; each holds a page cache of its own.
const READERS: u32 = 4;

/// Pages in the write-ahead log from which on they are brought into the database: that takes two syncs, for which
/// whoever commits just then has to wait. 16 MiB, four times SQLite's default.
const CHECKPOINT_PAGES: u32 = 4000;

/// What tells the two databases apart.
pub(super) struct Kind {
    /// The file's name without its ending, for backups and messages.
    pub stem: &'static str,
    /// Its migrations, which are only ever added to.
    pub migrator: &'static Migrator,
    /// What its writer is told when it connects.
    pub greeting: &'static str,
    /// Answers `true` as JSON when it was closed in order.
    pub was_closed: &'static str,
    /// Whether it is copied before its schema is changed: not where it can be made again from what lies on disk and may
    /// be very large. Migrations are transactions in any case.
    pub backed_up: bool,
}

/// A database that was opened.
pub(super) struct Database {
    pub writer: Writer,
    pub readers: SqlitePool,
    /// Where a damaged one was set aside just now.
    pub set_aside: Option<SetAside>,
    /// The backup that was made before a migration.
    pub backup: Option<PathBuf>,
}

/// A damaged database that was moved out of the way.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct SetAside {
    /// Where it is now.
    pub path: PathBuf,
    /// What was found.
    pub reason: String,
}

/// Opens a database of a data folder whose lock the caller holds, and brings it to the present schema.
///
/// # Errors
/// [`ErrorKind::NewerDatabase`]: a newer program wrote it; the file is left exactly as it is. Otherwise the file can't
/// be opened, backed up or migrated.
pub(super) async fn open(home: &Home, path: &Path, kind: &Kind) -> Result<Database> {
    let mut set_aside = None;
    if path.exists() {
        match check(path, kind).await {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Damaged => {
                let moved = move_aside(home, path, kind)?;
                tracing::error!(%error, to = %moved.display(), "a database is damaged; set aside");
                set_aside = Some(SetAside { path: moved, reason: error.to_string() });
            }
            Err(error) => return Err(error),
        }
    }
    let writing =
        options(path).create_if_missing(true).pragma("wal_autocheckpoint", CHECKPOINT_PAGES.to_string());
    let mut writer = writing.connect().await?;
    let backup = if kind.backed_up { backup_before_migration(home, &mut writer, kind).await? } else { None };
    // As `run`, whose future can't be sent to another thread when it is given a plain connection.
    kind.migrator.run_direct(None, &mut writer, false).await.map_err(|cause| {
        let error = Error::new(
            ErrorKind::Internal,
            format!("{}.db could not be brought to this version: {cause}", kind.stem),
        );
        error.hint(if kind.backed_up {
            "Nothing was changed. A backup lies in the folder “backups” of the data folder."
        } else {
            "Nothing was changed."
        })
    })?;
    let readers = SqlitePoolOptions::new()
        .max_connections(READERS)
        .min_connections(1)
        .idle_timeout(Some(Duration::from_secs(60)))
        .test_before_acquire(false)
        .connect_with(options(path).read_only(true))
        .await?;
    let writer = Writer::new(writer, writing, kind.greeting).await?;
    Ok(Database { writer, readers, set_aside, backup })
}

/// How all connections are made. `synchronous = FULL`: what was accepted survives a power cut, too; the queue
/// commits in groups, so that this costs one sync for many changes.
pub(super) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        .statement_cache_capacity(200)
}

/// Looks at an existing file before anything writes to it: is it ours, whole, and not from the future?
async fn check(path: &Path, kind: &Kind) -> Result<()> {
    let length = path.metadata().map_err(|cause| Error::path("look at", path, &cause))?.len();
    if length == 0 {
        return Ok(());
    }
    let mut connection = options(path).connect().await?;
    let looked = look(&mut connection, length, kind).await;
    connection.close().await.ok();
    looked
}

async fn look(connection: &mut SqliteConnection, length: u64, kind: &Kind) -> Result<()> {
    let tables: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table'")
        .fetch_all(&mut *connection)
        .await?;
    if !tables.iter().any(|name| name == "_sqlx_migrations") {
        return if tables.is_empty() {
            Ok(())
        } else {
            let message = format!("the file {}.db holds somebody else's tables", kind.stem);
            Err(Error::new(ErrorKind::Damaged, message))
        };
    }
    let newest: Option<i64> =
        sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(&mut *connection).await?;
    let known = kind.migrator.iter().map(|migration| migration.version).max().unwrap_or(0);
    if let Some(newest) = newest.filter(|newest| *newest > known) {
        return Err(Error::new(
            ErrorKind::NewerDatabase,
            format!(
                "the database has schema {newest}, and this program ({}) knows up to {known}: a newer Athanor wrote it",
                env!("CARGO_PKG_VERSION")
            ),
        )
        .hint("Install the newer Athanor again, or set ATHANOR_HOME to another data folder. The database was not touched."));
    }
    let clean: Option<String> = sqlx::query_scalar(kind.was_closed).fetch_optional(&mut *connection).await?;
    if clean.as_deref() != Some("true") && length <= CHECK_MAX_BYTES {
        let found: Vec<String> =
            sqlx::query_scalar("PRAGMA quick_check(3)").fetch_all(&mut *connection).await?;
        if found != ["ok"] {
            return Err(Error::new(ErrorKind::Damaged, found.join("; ")));
        }
    }
    Ok(())
}

/// Moves a damaged database, with its journal, to a name that is not taken.
fn move_aside(home: &Home, path: &Path, kind: &Kind) -> Result<PathBuf> {
    let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    // The queue's database is the one that people know.
    let what = if kind.stem == "athanor" { String::new() } else { format!("{}-", kind.stem) };
    let target = (0..)
        .map(|n| home.backups().join(format!("damaged-{what}{stamp}-{n}.db")))
        .find(|candidate| !candidate.exists())
        .expect("one of endless names is free");
    std::fs::rename(path, &target).map_err(|cause| Error::path("set aside", path, &cause))?;
    for suffix in ["-wal", "-shm"] {
        let with_suffix = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
        match std::fs::rename(with_suffix(path), with_suffix(&target)) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::path("set aside", &with_suffix(path), &cause));
            }
            _ => {}
        }
    }
    Ok(target)
}

/// Copies the database if this program is about to change its schema.
async fn backup_before_migration(
    home: &Home,
    writer: &mut SqliteConnection,
    kind: &Kind,
) -> Result<Option<PathBuf>> {
    let has_migrations: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '_sqlx_migrations')",
    )
    .fetch_one(&mut *writer)
    .await?;
    if !has_migrations {
        return Ok(None);
    }
    let applied: Option<i64> =
        sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(&mut *writer).await?;
    let known = kind.migrator.iter().map(|migration| migration.version).max().unwrap_or(0);
    let Some(applied) = applied.filter(|applied| *applied < known) else {
        return Ok(None);
    };
    let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    let target = home.backups().join(format!("{}-schema{applied}-{stamp}.db", kind.stem));
    let partial = target.with_extension("partial");
    if partial.exists() {
        std::fs::remove_file(&partial).map_err(|cause| Error::path("replace", &partial, &cause))?;
    }
    sqlx::query("VACUUM INTO ?").bind(partial.display().to_string()).execute(&mut *writer).await?;
    let sync = || {
        std::fs::File::open(&partial)?.sync_all()?;
        std::fs::rename(&partial, &target)
    };
    sync().map_err(|cause| Error::path("keep the backup", &target, &cause))?;
    Ok(Some(target))
}
