//! Databases that hold many runs.

use std::collections::BTreeMap;
use std::time::SystemTime;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

use super::*;
use crate::store::runs::KnownRun;

/// As MLflow makes them, without what is not read.
const MLFLOW: &str = "
    CREATE TABLE experiments (experiment_id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(256) NOT NULL);
    CREATE TABLE runs (run_uuid VARCHAR(32) NOT NULL PRIMARY KEY, name VARCHAR(250), status VARCHAR(9),
        start_time BIGINT, end_time BIGINT, source_version VARCHAR(50), lifecycle_stage VARCHAR(20),
        experiment_id INTEGER);
    CREATE TABLE metrics (key VARCHAR(250) NOT NULL, value FLOAT NOT NULL, timestamp BIGINT NOT NULL,
        run_uuid VARCHAR(32) NOT NULL, step BIGINT DEFAULT '0' NOT NULL, is_nan BOOLEAN DEFAULT '0' NOT NULL);
    CREATE TABLE params (key VARCHAR(250) NOT NULL, value VARCHAR(8000) NOT NULL, run_uuid VARCHAR(32) NOT NULL);
    CREATE TABLE tags (key VARCHAR(250) NOT NULL, value VARCHAR(8000), run_uuid VARCHAR(32) NOT NULL);
    INSERT INTO experiments VALUES (1, 'vision');
    INSERT INTO runs VALUES
        ('aa', 'calm-ape', 'RUNNING', 1795290313249, NULL, 'c0ffee', 'active', 1),
        ('bb', 'wise-owl', 'FINISHED', 1795290313249, 1795290413249, '', 'active', 1);
    INSERT INTO params VALUES ('lr', '0.1', 'aa'), ('lr', '0.2', 'bb');
    INSERT INTO tags VALUES ('data', 'cifar', 'aa'), ('mlflow.note.content', 'a note', 'aa');
    INSERT INTO metrics VALUES
        ('loss', 0.5, 1795290313312, 'aa', 0, 0), ('loss', 0.25, 1795290313320, 'aa', 1, 0),
        ('loss', 8.0, 1795290313320, 'bb', 0, 0);
";

/// As trackio makes them.
const TRACKIO: &str = "
    CREATE TABLE metrics (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, timestamp TEXT NOT NULL,
        run_name TEXT NOT NULL, step INTEGER NOT NULL, metrics TEXT NOT NULL);
    CREATE TABLE configs (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, run_name TEXT NOT NULL,
        config TEXT NOT NULL, created_at TEXT NOT NULL, UNIQUE (run_id));
";

impl Case {
    async fn database(&self, path: &str, pragma: &str, sql: &str) -> SqliteConnection {
        let path = self.runs().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
        let mut writer = options.foreign_keys(false).connect().await.expect("opens");
        run(&mut writer, pragma).await;
        run(&mut writer, sql).await;
        writer
    }

    async fn known(&self, watch: i64, part: &str) -> Option<KnownRun> {
        let runs = self.index.store().known_runs(watch).await.expect("readable");
        runs.into_iter().find(|run| run.part == part)
    }

    /// The points of a metric of a run of a database.
    async fn told(&self, watch: i64, part: &str, metric: &str) -> Vec<(f64, f64)> {
        let Some(run) = self.known(watch, part).await else { return Vec::new() };
        let store = self.index.store();
        let mut all = Points::new();
        for stretch in store.stretches(run.id, metric).await.expect("readable") {
            for (_, points) in store.points(stretch.series, (0, u64::MAX)).await.expect("readable") {
                all.extend_from(&points);
            }
        }
        all.steps().iter().copied().zip(all.values().iter().copied()).collect()
    }

    async fn wait_told(&self, watch: i64, part: &str, metric: &str, wanted: &[(f64, f64)]) {
        let what = format!("{part} {metric} is {wanted:?}");
        self.wait(&what, async || (self.told(watch, part, metric).await == wanted).then_some(())).await;
    }

    async fn wait_missing(&self, watch: i64, part: &str, missing: bool) {
        self.wait("it is missing, or back", async || {
            self.known(watch, part).await.is_some_and(|run| run.missing == missing).then_some(())
        })
        .await;
    }

    /// Names, times and contents of all that lies there.
    fn lies(&self) -> BTreeMap<PathBuf, (SystemTime, Vec<u8>)> {
        let entries = fs::read_dir(self.runs()).expect("listed").map(|entry| entry.expect("read").path());
        let seen = |path: PathBuf| {
            let modified = path.metadata().expect("there").modified().expect("known");
            let bytes = fs::read(&path).expect("read");
            (path, (modified, bytes))
        };
        entries.map(seen).collect()
    }

    /// The next engine over the same data folder.
    async fn again(self) -> Self {
        let Self { dir, home, queue, index, bus } = self;
        index.stop().await;
        let (store, _) = RunStore::open(&home).await.expect("opens");
        let index = Index::start(&home, store, bus.clone(), Some(&queue));
        let again = Self { dir, home, queue, index, bus };
        again.wait_idle().await;
        again
    }

    async fn progress(&self) -> Progress {
        self.index.folders().await.expect("readable")[0].state.progress.clone()
    }
}

async fn run(writer: &mut SqliteConnection, sql: &str) {
    writer.execute(AssertSqlSafe(sql.to_owned())).await.expect("done");
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_of_a_database_are_runs_and_grow() {
    let case = Case::new().await;
    let mut writer = case.database("mlflow.db", "PRAGMA journal_mode = DELETE", MLFLOW).await;
    let before = case.lies();
    let watch = case.watch().await;
    assert_eq!(case.lies(), before, "nothing is written beside a database, nor in it");
    assert_eq!(case.told(watch, "mlflow.db#aa", "loss").await, [(0.0, 0.5), (1.0, 0.25)]);
    assert_eq!(case.told(watch, "mlflow.db#bb", "loss").await, [(0.0, 8.0)]);
    let uid = case.known(watch, "mlflow.db#aa").await.expect("there").uid;
    let store = case.index.store();
    let found = store.find_run(&uid).await.expect("found");
    assert_eq!((found.name.as_str(), found.project.as_deref()), ("calm-ape", Some("vision")));
    assert_eq!((found.tags.as_str(), found.notes.as_str()), ("[\"data=cifar\"]", "a note"));
    assert_eq!((found.format.as_str(), found.commit_hash.as_deref()), ("mlflow", Some("c0ffee")));
    assert_eq!((found.started_at, found.changed_at), (Some(1_795_290_313_249), Some(1_795_290_313_320)));
    let settings = store.settings_of_run(found.id).await.expect("readable");
    assert_eq!(settings.len(), 1);
    assert_eq!(settings[0].0, "lr");
    assert!(store.own_paths_of_run(found.id).await.expect("readable").is_empty(), "others are in it, too");
    let ended = case.known(watch, "mlflow.db#bb").await.expect("there");
    assert_eq!(ended.status, "completed");

    run(&mut writer, "INSERT INTO metrics VALUES ('loss', 0.125, 1795290313330, 'aa', 2, 0)").await;
    case.wait_told(watch, "mlflow.db#aa", "loss", &[(0.0, 0.5), (1.0, 0.25), (2.0, 0.125)]).await;
    run(
        &mut writer,
        "INSERT INTO runs VALUES ('cc', 'new', 'RUNNING', 1795290313249, NULL, '', 'active', 1)",
    )
    .await;
    case.wait("a run that comes is found", async || case.known(watch, "mlflow.db#cc").await).await;
    // Changed in place; and one that goes on after its end.
    let change = "UPDATE tags SET value = 'mnist' WHERE key = 'data';
        UPDATE runs SET status = 'FAILED' WHERE run_uuid = 'aa';
        UPDATE runs SET status = 'RUNNING', end_time = NULL WHERE run_uuid = 'bb'";
    run(&mut writer, change).await;
    case.wait("what changes in place follows", async || {
        let found = store.find_run(&uid).await.expect("found");
        let other = case.known(watch, "mlflow.db#bb").await.expect("there");
        (found.tags == "[\"data=mnist\"]" && found.status == "failed" && other.status != "completed")
            .then_some(())
    })
    .await;
    case.index.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_in_a_database_is_missing() {
    let case = Case::new().await;
    let mut writer = case.database("mlflow.db", "PRAGMA journal_mode = DELETE", MLFLOW).await;
    let watch = case.watch().await;
    run(&mut writer, "UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = 'aa'").await;
    case.wait_missing(watch, "mlflow.db#aa", true).await;
    assert_eq!(case.told(watch, "mlflow.db#aa", "loss").await.len(), 2, "what was read stays");
    run(&mut writer, "UPDATE runs SET lifecycle_stage = 'active' WHERE run_uuid = 'aa'").await;
    case.wait_missing(watch, "mlflow.db#aa", false).await;
    case.wait_told(watch, "mlflow.db#aa", "loss", &[(0.0, 0.5), (1.0, 0.25)]).await;
    assert_eq!(case.told(watch, "mlflow.db#bb", "loss").await, [(0.0, 8.0)], "nothing is there twice");

    // As “mlflow gc” does it: the rows go.
    let gone = "DELETE FROM metrics WHERE run_uuid = 'bb'; DELETE FROM runs WHERE run_uuid = 'bb';
        DELETE FROM params WHERE run_uuid = 'bb'";
    run(&mut writer, gone).await;
    case.wait_missing(watch, "mlflow.db#bb", true).await;
    case.wait_told(watch, "mlflow.db#aa", "loss", &[(0.0, 0.5), (1.0, 0.25)]).await;
    assert!(!case.known(watch, "mlflow.db#aa").await.expect("there").missing);

    // The file itself goes and comes back.
    writer.close().await.expect("closed");
    fs::rename(case.runs().join("mlflow.db"), case.dir.path().join("aside")).expect("moved");
    case.wait_missing(watch, "mlflow.db#aa", true).await;
    fs::rename(case.dir.path().join("aside"), case.runs().join("mlflow.db")).expect("moved");
    case.wait_missing(watch, "mlflow.db#aa", false).await;
    case.wait_told(watch, "mlflow.db#aa", "loss", &[(0.0, 0.5), (1.0, 0.25)]).await;
    case.index.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_rewritten_is_read_anew() {
    let case = Case::new().await;
    let mut writer = case.database("mlflow.db", "PRAGMA journal_mode = DELETE", MLFLOW).await;
    let watch = case.watch().await;
    let fewer = "DELETE FROM metrics; DELETE FROM params WHERE run_uuid = 'aa';
        INSERT INTO metrics VALUES ('loss', 7.0, 1795290313312, 'aa', 0, 0)";
    run(&mut writer, fewer).await;
    case.wait_told(watch, "mlflow.db#aa", "loss", &[(0.0, 7.0)]).await;
    let run = case.known(watch, "mlflow.db#aa").await.expect("there").id;
    let store = case.index.store();
    assert_eq!(store.point_count(run).await.expect("readable"), 1);
    assert!(store.settings_of_run(run).await.expect("readable").is_empty(), "its settings are gone");
    case.index.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_with_a_log_is_followed() {
    let case = Case::new().await;
    let mut writer = case.database("vision.db", "PRAGMA journal_mode = WAL", TRACKIO).await;
    let log = |step: u32, loss: f64| {
        format!(
            "INSERT INTO metrics (run_id, timestamp, run_name, step, metrics)
             VALUES ('f0', '2026-11-21T19:45:47+00:00', 'calm', {step}, '{{\"loss\":{loss}}}')"
        )
    };
    run(&mut writer, &log(0, 0.5)).await;
    assert!(case.lies().len() > 1, "its writer has a log");
    let before = case.lies();
    let watch = case.watch().await;
    assert_eq!(case.told(watch, "vision.db#f0", "loss").await, [(0.0, 0.5)]);
    assert_eq!(case.lies(), before, "nothing is written beside a database, nor in it");
    run(&mut writer, &log(1, 0.25)).await;
    case.wait_told(watch, "vision.db#f0", "loss", &[(0.0, 0.5), (1.0, 0.25)]).await;
    run(&mut writer, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    run(&mut writer, &log(2, 0.125)).await;
    case.wait_told(watch, "vision.db#f0", "loss", &[(0.0, 0.5), (1.0, 0.25), (2.0, 0.125)]).await;
    writer.close().await.expect("closed");
    assert_eq!(case.lies().len(), 1, "nothing of ours is left beside it");
    let uid = case.known(watch, "vision.db#f0").await.expect("there").uid;
    let found = case.index.store().find_run(&uid).await.expect("found");
    assert_eq!((found.name.as_str(), found.project.as_deref()), ("calm", Some("vision")));
    case.index.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_start_passes_over_what_changed_alone() {
    let case = Case::new().await;
    let mut writer = case.database("mlflow.db", "PRAGMA journal_mode = DELETE", MLFLOW).await;
    let other = case.database("other.db", "PRAGMA journal_mode = DELETE", "CREATE TABLE trials (a)").await;
    other.close().await.expect("closed");
    let watch = case.watch().await;
    let size = fs::metadata(case.runs().join("mlflow.db")).expect("there").len();
    assert!(case.progress().await.bytes >= size, "all of it was read");
    let case = case.again().await;
    assert_eq!(case.progress().await.read, 0, "nothing changed, nothing is read");
    // What is added while nobody looks.
    let whole = [(0.0, 0.5), (1.0, 0.25), (2.0, 0.125)];
    let Case { dir, home, queue, index, bus } = case;
    index.stop().await;
    run(&mut writer, "INSERT INTO metrics VALUES ('loss', 0.125, 1795290313330, 'aa', 2, 0)").await;
    let (store, _) = RunStore::open(&home).await.expect("opens");
    let index = Index::start(&home, store, bus.clone(), Some(&queue));
    let case = Case { dir, home, queue, index, bus };
    case.wait_told(watch, "mlflow.db#aa", "loss", &whole).await;
    case.wait_idle().await;
    let progress = case.progress().await;
    assert_eq!((progress.read, progress.bytes), (1, 0), "one changed, and what is new of it was read");
    assert_eq!(case.told(watch, "mlflow.db#bb", "loss").await, [(0.0, 8.0)]);
    case.index.stop().await;
}

#[test]
fn a_kill_in_a_pass_loses_and_doubles_nothing() {
    const MANY: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000)
        INSERT INTO metrics SELECT 'acc', i * 0.5, 1795290313330, 'aa', i, 0 FROM n";
    let mut dir = tempfile::tempdir().expect("temporary folder");
    fs::create_dir(dir.path().join("runs")).expect("made");
    let mut seen = 0;
    for engine in 0..4 {
        let runtime = tokio::runtime::Runtime::new().expect("made");
        (dir, seen) = runtime.block_on(async {
            let case = Case::over(dir).await;
            let watch = if engine == 0 {
                let mut writer = case.database("mlflow.db", "PRAGMA journal_mode = DELETE", MLFLOW).await;
                run(&mut writer, MANY).await;
                writer.close().await.expect("closed");
                case.add().await
            } else {
                case.index.folders().await.expect("readable")[0].row.id
            };
            let part = "mlflow.db#aa";
            let count = async || match case.known(watch, part).await {
                Some(run) => case.index.store().point_count(run.id).await.expect("readable"),
                None => 0,
            };
            if engine < 3 {
                // It ends when some more is there.
                let more = case
                    .wait("some more is there", async || {
                        let count = count().await;
                        (count > seen || count == 400_002).then_some(count)
                    })
                    .await;
                let Case { dir, index, .. } = case;
                std::mem::forget(index); // what kill -9 leaves
                return (dir, more);
            }
            case.wait_idle().await;
            let points = case.told(watch, part, "acc").await;
            assert_eq!(points.len(), 400_000);
            let in_order = points.iter().enumerate().all(|(at, point)| point.0 == (at + 1) as f64);
            assert!(in_order, "in their order, each once");
            assert_eq!(case.told(watch, "mlflow.db#bb", "loss").await, [(0.0, 8.0)]);
            assert_eq!(count().await, 400_002);
            case.index.stop().await;
            (case.dir, seen)
        });
        runtime.shutdown_background();
    }
    assert!(seen > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_read_is_said_and_what_was_taken_out_stays_out() {
    let case = Case::new().await;
    let mut writer = case.database("mlflow.db", "PRAGMA journal_mode = DELETE", MLFLOW).await;
    let mut damaged = b"SQLite format 3\0".to_vec();
    damaged.resize(8192, 0x7f);
    fs::write(case.runs().join("damaged.db"), damaged).expect("written");
    let watch = case.watch().await;
    let said = |folders: Vec<WatchFolder>| {
        let problems = folders[0].state.problems.iter().map(|it| (it.path.clone(), it.message.clone()));
        problems.collect::<Vec<_>>()
    };
    let first = said(case.index.folders().await.expect("readable"));
    assert_eq!(first.len(), 1, "{first:?}");
    assert_eq!(first[0].0, "damaged.db");
    let run_id = case.known(watch, "mlflow.db#bb").await.expect("there").id;
    let store = case.index.store();
    let mut tx = store.begin().await.expect("begins");
    store.remove_run(&mut tx, run_id, 1).await.expect("removed");
    tx.commit().await.expect("committed");
    case.index.forget(vec![run_id]);
    let more = "INSERT INTO metrics VALUES ('loss', 4.0, 1795290313330, 'bb', 1, 0), ('loss', 1.0, 1795290313330, 'aa', 2, 0)";
    run(&mut writer, more).await;
    case.wait_told(watch, "mlflow.db#aa", "loss", &[(0.0, 0.5), (1.0, 0.25), (2.0, 1.0)]).await;
    assert!(case.known(watch, "mlflow.db#bb").await.is_none(), "no look brings it back");
    let case = case.again().await;
    assert_eq!(
        said(case.index.folders().await.expect("readable")),
        first,
        "it is still said, though not read again"
    );
    assert_eq!(case.progress().await.read, 0);
    case.index.stop().await;
}
