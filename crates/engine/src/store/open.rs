//! Opening the database without ever harming one.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection};

use super::Store;
use super::writer::Writer;
use crate::error::{Error, ErrorKind, Result};
use crate::home::Home;

static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// A whole check reads the whole file; after an unclean end it is done up to this size, beyond it on request.
const CHECK_MAX_BYTES: u64 = 256 << 20;

/// Readers at the same time; each holds a page cache of its own.
const READERS: u32 = 4;

/// Pages in the write-ahead log from which on they are brought into the database: that takes two syncs, for which
/// whoever commits just then has to wait. 16 MiB, four times SQLite's default.
const CHECKPOINT_PAGES: u32 = 4000;

/// An opened store, and what was noticed on the way.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: Store,
    /// Where a damaged database was set aside, and why, now or at an earlier start.
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

impl Store {
    /// Opens the database of a data folder whose lock the caller holds, and brings it to the present schema.
    ///
    /// # Errors
    /// [`ErrorKind::NewerDatabase`]: a newer program wrote it; the file is left exactly as it is. Otherwise the file
    /// can't be opened, backed up or migrated.
    pub async fn open(home: &Home) -> Result<Opened> {
        let path = home.database();
        let existed = path.exists();
        let mut moved_now = None;
        if existed {
            match check(&path).await {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::Damaged => {
                    let moved = move_aside(home, &path)?;
                    tracing::error!(%error, to = %moved.display(), "the database is damaged; set aside");
                    moved_now = Some(SetAside { path: moved, reason: error.to_string() });
                }
                Err(error) => return Err(error),
            }
        }
        let writing =
            options(&path).create_if_missing(true).pragma("wal_autocheckpoint", CHECKPOINT_PAGES.to_string());
        let mut writer = writing.connect().await?;
        let backup = backup_before_migration(home, &mut writer).await?;
        // As `run`, whose future can't be sent to another thread when it is given a plain connection.
        MIGRATOR.run_direct(None, &mut writer, false).await.map_err(|cause| {
            Error::new(
                ErrorKind::Internal,
                format!("the database could not be brought to this version: {cause}"),
            )
            .hint("Nothing was changed. A backup lies in the folder “backups” of the data folder.")
        })?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .min_connections(1)
            .idle_timeout(Some(Duration::from_secs(60)))
            .test_before_acquire(false)
            .connect_with(options(&path).read_only(true))
            .await?;
        let writer = Writer::new(writer, writing);
        let store = Store { writer, last_event: Arc::default(), readers };
        store.count_events().await?;
        let mut tx = store.begin().await?;
        store.set_meta(&mut tx, "clean_shutdown", &false).await?;
        if moved_now.is_some() {
            store.set_meta(&mut tx, "set_aside", &moved_now).await?;
        }
        tx.commit().await?;
        // Said at every start for as long as the file lies there: the first to open may have been a script.
        let set_aside: Option<SetAside> = store.meta("set_aside").await?;
        let set_aside = set_aside.filter(|aside| aside.path.exists());
        Ok(Opened { store, set_aside, backup })
    }
}

/// How all connections are made. `synchronous = FULL`: what was accepted survives a power cut, too; the queue
/// commits in groups, so that this costs one sync for many changes.
fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        .statement_cache_capacity(200)
}

/// Looks at an existing file before anything writes to it: is it ours, whole, and not from the future?
async fn check(path: &Path) -> Result<()> {
    let length = path.metadata().map_err(|cause| Error::path("look at", path, &cause))?.len();
    if length == 0 {
        return Ok(());
    }
    let mut connection = options(path).connect().await?;
    let looked = look(&mut connection, length).await;
    connection.close().await.ok();
    looked
}

async fn look(connection: &mut SqliteConnection, length: u64) -> Result<()> {
    let tables: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table'")
        .fetch_all(&mut *connection)
        .await?;
    if !tables.iter().any(|name| name == "_sqlx_migrations") {
        return if tables.is_empty() {
            Ok(())
        } else {
            Err(Error::new(ErrorKind::Damaged, "the file athanor.db holds somebody else's tables"))
        };
    }
    let newest: Option<i64> =
        sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(&mut *connection).await?;
    let known = MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or(0);
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
    let clean: Option<String> =
        sqlx::query_scalar("SELECT value FROM setting WHERE key = 'meta.clean_shutdown'")
            .fetch_optional(&mut *connection)
            .await?;
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
fn move_aside(home: &Home, path: &Path) -> Result<PathBuf> {
    let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    let target = (0..)
        .map(|n| home.backups().join(format!("damaged-{stamp}-{n}.db")))
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
async fn backup_before_migration(home: &Home, writer: &mut SqliteConnection) -> Result<Option<PathBuf>> {
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
    let known = MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or(0);
    let Some(applied) = applied.filter(|applied| *applied < known) else {
        return Ok(None);
    };
    let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    let target = home.backups().join(format!("athanor-schema{applied}-{stamp}.db"));
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

#[cfg(test)]
mod tests {
    use sqlx::sqlite::SqlitePool;

    use super::*;

    async fn fresh() -> (tempfile::TempDir, Home) {
        let dir = tempfile::tempdir().expect("temporary folder");
        let home = Home::at(dir.path());
        home.create().expect("folders");
        Store::open(&home).await.expect("opens").store.close().await;
        (dir, home)
    }

    async fn execute(home: &Home, sql: &'static str) {
        let mut connection = options(&home.database()).connect().await.expect("connects");
        sqlx::query(sql).execute(&mut connection).await.expect("executes");
        connection.close().await.expect("closes");
    }

    #[tokio::test]
    async fn a_newer_database_is_refused_and_left_as_it_is() {
        let (_dir, home) = fresh().await;
        execute(
            &home,
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (9999, 'future', 1, x'00', 0)",
        )
        .await;
        let before = std::fs::read(home.database()).expect("readable");
        let error = Store::open(&home).await.expect_err("newer");
        assert_eq!(error.kind(), ErrorKind::NewerDatabase);
        assert!(error.to_string().contains("9999"), "{error}");
        assert_eq!(std::fs::read(home.database()).expect("readable"), before, "not a byte was changed");
    }

    #[tokio::test]
    async fn a_damaged_database_is_set_aside_and_said() {
        let (_dir, home) = fresh().await;
        let mut bytes = std::fs::read(home.database()).expect("readable");
        for byte in bytes.iter_mut().skip(20).step_by(7) {
            *byte ^= 0x5a;
        }
        std::fs::write(home.database(), &bytes).expect("damaged");
        let opened = Store::open(&home).await.expect("a fresh one is made");
        let aside = opened.set_aside.expect("said");
        assert_eq!(std::fs::read(&aside.path).expect("kept"), bytes, "kept as it was found");
        assert!(!aside.reason.is_empty());
    }

    #[tokio::test]
    async fn a_file_of_another_kind_is_set_aside() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let home = Home::at(dir.path());
        home.create().expect("folders");
        std::fs::write(home.database(), b"not a database at all, just a text").expect("written");
        let opened = Store::open(&home).await.expect("a fresh one is made");
        assert!(opened.set_aside.is_some());
    }

    #[tokio::test]
    async fn an_older_schema_is_backed_up_and_its_jobs_are_kept() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let home = Home::at(dir.path());
        home.create().expect("folders");
        // What the first program left: its schema, and a job that waits.
        let first = Migrator {
            migrations: MIGRATOR.iter().take(1).cloned().collect::<Vec<_>>().into(),
            ..Migrator::DEFAULT
        };
        let old = SqlitePool::connect_with(options(&home.database()).create_if_missing(true)).await;
        let old = old.expect("connects");
        first.run(&old).await.expect("the first schema");
        let job = "INSERT INTO environment VALUES (x'00', x'00');
                   INSERT INTO experiment (id, uid, name, command, cwd, environment, priority, position, status,
                       grace_ms, tags, notes, created_at)
                   VALUES (7, '20260101_abcd', 'old', '{\"argv\": [\"true\"]}', '/', x'00', 2, 7, 'queued',
                       10000, '[]', '', 0)";
        sqlx::query(job).execute(&old).await.expect("a job");
        old.close().await;

        let opened = Store::open(&home).await.expect("opens");
        let backup = opened.backup.expect("backed up before it was changed");
        let copy =
            SqlitePool::connect_with(SqliteConnectOptions::new().filename(&backup)).await.expect("opens");
        let jobs: i64 =
            sqlx::query_scalar("SELECT count(*) FROM experiment").fetch_one(&copy).await.expect("readable");
        assert_eq!(jobs, 1, "the backup is whole");
        let waiting = opened.store.waiting().await.expect("readable");
        assert_eq!((waiting[0].name.as_str(), waiting[0].requirements.gpus), ("old", 0));
        assert!(waiting[0].retry.is_none() && waiting[0].gate == crate::store::GateRow::default());
    }

    #[tokio::test]
    async fn an_unclean_end_loses_nothing() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let home = Home::at(dir.path());
        home.create().expect("folders");
        let opened = Store::open(&home).await.expect("opens");
        std::mem::forget(opened); // what kill -9 leaves: no close, a write-ahead log
        let again = Store::open(&home).await.expect("opens again");
        assert!(again.set_aside.is_none());
    }
}
