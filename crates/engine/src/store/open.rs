//! Opening the queue's database.

use std::path::PathBuf;
use std::sync::Arc;

use sqlx::migrate::Migrator;

use super::Store;
use super::database::{Kind, SetAside, open};
use crate::error::Result;
use crate::home::Home;

static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

const KIND: Kind = Kind {
    stem: "athanor",
    migrator: &MIGRATOR,
    greeting: super::steps::VIEWS,
    was_closed: "SELECT value FROM setting WHERE key = 'meta.clean_shutdown'",
    backed_up: true,
};

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

impl Store {
    /// Opens the database of a data folder whose lock the caller holds, and brings it to the present schema.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::NewerDatabase`]: a newer program wrote it; the file is left exactly as it is.
    /// Otherwise the file can't be opened, backed up or migrated.
    pub async fn open(home: &Home) -> Result<Opened> {
        let opened = open(home, &home.database(), &KIND).await?;
        let (moved_now, backup) = (opened.set_aside, opened.backup);
        let store = Store { writer: opened.writer, last_event: Arc::default(), readers: opened.readers };
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

#[cfg(test)]
mod tests {
    use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
    use sqlx::{ConnectOptions, Connection};

    use super::*;
    use crate::error::ErrorKind;
    use crate::store::database::options;

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
