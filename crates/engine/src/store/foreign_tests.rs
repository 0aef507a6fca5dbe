#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use athanor_core::runs::{self, Checkpoint, Fact, Member, Reader, Role};
use sqlx::Executor;
use tempfile::TempDir;

use super::*;

/// As MLflow 3 makes them, without what is not read.
const MLFLOW: &str = "
    CREATE TABLE experiments (experiment_id INTEGER NOT NULL, name VARCHAR(256) NOT NULL,
        CONSTRAINT experiment_pk PRIMARY KEY (experiment_id));
    CREATE TABLE runs (run_uuid VARCHAR(32) NOT NULL, name VARCHAR(250), status VARCHAR(9), start_time BIGINT,
        end_time BIGINT, source_version VARCHAR(50), lifecycle_stage VARCHAR(20), experiment_id INTEGER,
        CONSTRAINT run_pk PRIMARY KEY (run_uuid));
    CREATE TABLE metrics (key VARCHAR(250) NOT NULL, value FLOAT NOT NULL, timestamp BIGINT NOT NULL,
        run_uuid VARCHAR(32) NOT NULL, step BIGINT DEFAULT '0' NOT NULL, is_nan BOOLEAN DEFAULT '0' NOT NULL,
        CONSTRAINT metric_pk PRIMARY KEY (key, timestamp, step, run_uuid, value, is_nan));
    CREATE TABLE params (key VARCHAR(250) NOT NULL, value VARCHAR(8000) NOT NULL, run_uuid VARCHAR(32) NOT NULL,
        CONSTRAINT param_pk PRIMARY KEY (key, run_uuid));
    CREATE TABLE tags (key VARCHAR(250) NOT NULL, value VARCHAR(8000), run_uuid VARCHAR(32) NOT NULL,
        CONSTRAINT tag_pk PRIMARY KEY (key, run_uuid));
    INSERT INTO experiments VALUES (1, 'vision');
    INSERT INTO runs VALUES ('aa', 'calm-ape', 'RUNNING', 1795290313249, NULL, '', 'active', 1);
    INSERT INTO params VALUES ('lr', '0.1', 'aa');
    INSERT INTO metrics VALUES ('loss', 0.5, 1795290313312, 'aa', 0, 0), ('loss', 0.0, 1795290313320, 'aa', 1, 1);
";

const ONE_MORE: &str =
    "INSERT INTO metrics SELECT 'loss', 0.25, 1795290313330, 'aa', max(step) + 1, 0 FROM metrics";

/// Ten thousand points.
const MANY_MORE: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
    INSERT INTO metrics SELECT 'acc', i * 0.5, 1795290313330, 'aa', i, 0 FROM n";

/// As trackio makes them.
const TRACKIO: &str = "
    CREATE TABLE metrics (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, timestamp TEXT NOT NULL,
        run_name TEXT NOT NULL, step INTEGER NOT NULL, metrics TEXT NOT NULL, log_id TEXT, space_id TEXT);
    CREATE TABLE configs (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, run_name TEXT NOT NULL,
        config TEXT NOT NULL, created_at TEXT NOT NULL, UNIQUE (run_id));
    INSERT INTO configs (run_id, run_name, config, created_at)
        VALUES ('f0', 'calm', CAST('{\"lr\":0.1}' AS BLOB), '2026-11-21T19:45:46+00:00');
    INSERT INTO metrics (run_id, timestamp, run_name, step, metrics)
        VALUES ('f0', '2026-11-21T19:45:46+00:00', 'calm', 0, CAST('{\"loss\":0.5,\"acc\":\"NaN\"}' AS BLOB));
";

const TRACKIO_MORE: &str = "INSERT INTO metrics (run_id, timestamp, run_name, step, metrics)
    SELECT 'f0', '2026-11-21T19:45:47+00:00', 'calm', max(step) + 1, CAST('{\"loss\":0.25}' AS BLOB) FROM metrics";

struct Bench {
    watched: TempDir,
    scratch: TempDir,
    path: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let watched = tempfile::tempdir().unwrap();
        let path = watched.path().join("mlflow.db");
        Self { watched, scratch: tempfile::tempdir().unwrap(), path }
    }

    async fn writer(&self, pragma: &'static str, sql: &'static str) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(&self.path).create_if_missing(true);
        let mut writer = options.foreign_keys(false).connect().await.unwrap();
        writer.execute(pragma).await.unwrap();
        writer.execute(sql).await.unwrap();
        writer
    }

    /// Names, sizes, times and contents of all that lies in the watched folder. The index of a log is the writer's.
    fn lies(&self) -> BTreeMap<PathBuf, (SystemTime, Vec<u8>)> {
        let entries = fs::read_dir(self.watched.path()).unwrap().map(Result::unwrap);
        let seen = |entry: fs::DirEntry| {
            let meta = entry.metadata().unwrap();
            (entry.path(), (meta.modified().unwrap(), fs::read(entry.path()).unwrap()))
        };
        entries.map(seen).collect()
    }

    /// A pass that leaves the folder as it was.
    async fn pass(&self, tables: &mut dyn Tables) -> (Passed, Told) {
        let before = self.lies();
        let mut all = Told::default();
        let passed = pass(&self.path, self.scratch.path(), tables, &mut |told, _| {
            all = told;
            ControlFlow::Continue(())
        })
        .await;
        assert_eq!(self.lies(), before, "nothing is written beside a database, nor in it");
        (passed, all)
    }
}

fn tables(from: Option<&Checkpoint>) -> Box<dyn Tables> {
    let member = Member::new("mlflow.db", Role::Metrics);
    match runs::format("mlflow").unwrap().reader(&member, from) {
        Reader::Database(tables) => tables,
        _ => panic!("mlflow.db is a database"),
    }
}

#[tokio::test]
async fn a_database_with_a_journal_is_read_as_it_grows() {
    let bench = Bench::new();
    let mut writer = bench.writer("PRAGMA journal_mode = DELETE", MLFLOW).await;
    let mut reader = tables(None);
    let (passed, told) = bench.pass(&mut *reader).await;
    assert_eq!((passed, told.points()), (Passed::Done, 2));
    let (run, batch) = &told.runs[0];
    assert_eq!(run, "aa");
    assert!(batch.facts.contains(&Fact::Project("vision".into())));
    assert!(batch.readings[1].point.value.is_nan());
    writer.execute(ONE_MORE).await.unwrap();
    let (passed, told) = bench.pass(&mut *reader).await;
    assert_eq!((passed, told.points(), told.anew), (Passed::Done, 1, false));
    // More than one query gives, from a checkpoint.
    writer.execute(MANY_MORE).await.unwrap();
    let (passed, told) = bench.pass(&mut *tables(Some(&reader.checkpoint()))).await;
    assert_eq!((passed, told.points()), (Passed::Done, 10_000));
}

#[tokio::test]
async fn a_writer_is_waited_for_and_let_in() {
    let bench = Bench::new();
    let mut writer = bench.writer("PRAGMA journal_mode = DELETE", MLFLOW).await;
    let mut reader = tables(None);
    writer.execute("BEGIN EXCLUSIVE").await.unwrap();
    let (passed, told) = bench.pass(&mut *reader).await;
    assert!(matches!(passed, Passed::Later(why) if why.contains("does not let")));
    assert!(told.is_empty());
    writer.execute("COMMIT").await.unwrap();
    // Whoever is told holds no lock.
    let path = bench.path.clone();
    let mut written = false;
    let passed = pass(&bench.path, bench.scratch.path(), &mut *reader, &mut |_, _| {
        let options = SqliteConnectOptions::new().filename(&path).busy_timeout(Duration::ZERO);
        written = std::thread::scope(|scope| {
            let write = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                runtime.block_on(async { options.connect().await.unwrap().execute(ONE_MORE).await.is_ok() })
            });
            write.join().unwrap()
        });
        ControlFlow::Continue(())
    })
    .await;
    assert_eq!((passed, written), (Passed::Done, true));
}

#[tokio::test]
async fn a_database_with_a_log_is_read_from_a_copy() {
    let bench = Bench::new();
    let mut writer = bench.writer("PRAGMA journal_mode = WAL", TRACKIO).await;
    assert!(bench.lies().len() > 1, "its writer has a log");
    let mut reader = tables(None);
    let (passed, told) = bench.pass(&mut *reader).await;
    assert_eq!((passed, told.points(), reader.format()), (Passed::Done, 2, "trackio"));
    assert!(told.runs[0].1.facts.iter().any(|fact| matches!(fact, Fact::Config { key, .. } if key == "lr")));
    writer.execute(TRACKIO_MORE).await.unwrap();
    assert_eq!(bench.pass(&mut *reader).await.1.points(), 1);
    // The log is brought into the database and begun anew.
    writer.execute("PRAGMA wal_checkpoint(RESTART)").await.unwrap();
    writer.execute(TRACKIO_MORE).await.unwrap();
    assert_eq!(bench.pass(&mut *reader).await.1.points(), 1);
    writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").await.unwrap();
    assert_eq!(bench.pass(&mut *reader).await, (Passed::Done, Told::default()));
    writer.execute(TRACKIO_MORE).await.unwrap();
    writer.close().await.unwrap();
    assert_eq!(bench.lies().len(), 1, "its writer has closed it");
    assert_eq!(bench.pass(&mut *reader).await.1.points(), 1);
    assert_eq!(bench.pass(&mut *tables(None)).await.1.points(), 5);
}

#[tokio::test]
async fn what_is_no_database_says_why() {
    let bench = Bench::new();
    let refused = |(passed, told): (Passed, Told)| match passed {
        Passed::Refused(why) | Passed::Later(why) if told.is_empty() => why,
        other => panic!("{other:?}"),
    };
    assert!(refused(bench.pass(&mut *tables(None)).await).contains("vanished"));
    fs::write(&bench.path, "").unwrap();
    assert!(refused(bench.pass(&mut *tables(None)).await).contains("nothing in it yet"));
    fs::write(&bench.path, [0x7f; 8192]).unwrap();
    assert!(refused(bench.pass(&mut *tables(None)).await).contains("no database"));
    fs::remove_file(&bench.path).unwrap();
    bench.writer("PRAGMA page_size = 1024", MLFLOW).await.close().await.unwrap();
    let sound = fs::read(&bench.path).unwrap();
    let mut broken = sound.clone();
    broken[1024..].fill(0x7f);
    fs::write(&bench.path, &broken).unwrap();
    assert!(refused(bench.pass(&mut *tables(None)).await).contains("damaged"));
    fs::write(&bench.path, &sound[..3000]).unwrap();
    assert!(refused(bench.pass(&mut *tables(None)).await).contains("damaged"));
    fs::remove_file(&bench.path).unwrap();
    bench.writer("PRAGMA page_size = 1024", "CREATE TABLE trials (a)").await.close().await.unwrap();
    assert_eq!(bench.pass(&mut *tables(None)).await.0, Passed::Unknown);
}

#[tokio::test]
async fn every_query_fits_the_tables() {
    let dir = tempfile::tempdir().unwrap();
    let options = SqliteConnectOptions::new().filename(dir.path().join("x.db")).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    connection.execute(MLFLOW).await.unwrap();
    connection.execute("CREATE TABLE configs (a); CREATE TABLE system_metrics (a)").await.unwrap();
    for (name, sql) in QUERIES {
        let prepared = connection.prepare(sqlx::SqlSafeStr::into_sql_str(*sql)).await;
        assert!(prepared.is_ok(), "{name}: {:?}", prepared.err());
    }
    for table in runs::TABLES {
        assert!(query(table).is_some(), "{table} can be asked for");
    }
}

/// Both kinds as files, with a page size that leaves little unused.
async fn files() -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for (journal, schema) in
        [("PRAGMA journal_mode = DELETE", MLFLOW), ("PRAGMA journal_mode = WAL", TRACKIO)]
    {
        let bench = Bench::new();
        let mut writer = bench.writer("PRAGMA page_size = 512", schema).await;
        writer.execute(journal).await.unwrap();
        writer.close().await.unwrap();
        files.push(fs::read(&bench.path).unwrap());
    }
    files
}

/// Whatever a damaged database says, it is told or refused, and nothing is written beside it.
#[tokio::test]
async fn damaged_databases_are_survived() {
    use proptest::strategy::{Strategy, ValueTree};
    use proptest::test_runner::{Config, TestRunner};

    let cases = std::env::var("RUNS_FUZZ_CASES").ok().and_then(|count| count.parse().ok()).unwrap_or(60);
    let mut runner = TestRunner::new(Config::default());
    let blows = proptest::collection::vec((proptest::num::usize::ANY, proptest::num::u8::ANY), 1..6);
    let blows = (proptest::bool::ANY, blows, proptest::option::weighted(0.2, proptest::num::usize::ANY));
    let (files, bench) = (files().await, Bench::new());
    for _ in 0..cases {
        let (wal, blows, cut) = blows.new_tree(&mut runner).unwrap().current();
        let mut file = files[usize::from(wal)].clone();
        let length = file.len();
        for (at, byte) in &blows {
            file[at % length] = *byte;
        }
        if let Some(cut) = cut {
            file.truncate(cut % length);
        }
        fs::write(&bench.path, &file).unwrap();
        let mut tables = tables(None);
        let (_, told) = bench.pass(&mut *tables).await;
        for (_, batch) in &told.runs {
            assert!(batch.readings.iter().all(|reading| (reading.key as usize) < tables.keys().len()));
        }
    }
}
