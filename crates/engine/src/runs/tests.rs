//! The index against real folders.

mod compare;
mod databases;
mod lines;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use athanor_core::runs::Place;
use athanor_core::series::Points;

use super::*;
use crate::bus::{Bus, Push};

/// An index over a temporary folder, with another one to watch.
struct Case {
    dir: tempfile::TempDir,
    home: Home,
    queue: Store,
    index: Index,
    bus: Bus,
}

impl Case {
    async fn new() -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        fs::create_dir(dir.path().join("runs")).expect("made");
        Self::over(dir).await
    }

    async fn over(dir: tempfile::TempDir) -> Self {
        let home = Home::at(dir.path().join("home"));
        home.create().expect("folders");
        let bus = Bus::default();
        let (store, _) = RunStore::open(&home).await.expect("opens");
        let queue = Store::open(&home).await.expect("opens").store;
        let index = Index::start(&home, store, bus.clone(), Some(&queue));
        Self { dir, home, queue, index, bus }
    }

    fn runs(&self) -> PathBuf {
        self.dir.path().join("runs")
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.runs().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }

    fn append(&self, path: &str, text: &str) {
        let mut file = fs::OpenOptions::new().append(true).open(self.runs().join(path)).expect("opens");
        file.write_all(text.as_bytes()).expect("appended");
    }

    /// Watches the folder.
    async fn add(&self) -> i64 {
        self.index.add(&self.runs(), Adding::default()).await.expect("watched")
    }

    /// Watches the folder and waits until all of it is in the index.
    async fn watch(&self) -> i64 {
        let id = self.add().await;
        self.wait_idle().await;
        id
    }

    async fn wait_idle(&self) {
        self.wait("all is read", async || {
            self.index
                .folders()
                .await
                .expect("readable")
                .iter()
                .all(|folder| !folder.state.looking)
                .then_some(())
        })
        .await;
    }

    /// Waits until it is so: looks again at each push, and now and then.
    async fn wait<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let mut listener = self.bus.listen();
        let end = tokio::time::Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(tokio::time::Instant::now() < end, "it never was so: {what}");
            let _ = tokio::time::timeout(Duration::from_millis(50), listener.recv()).await;
        }
    }

    async fn places(&self, watch: i64) -> Vec<(String, String, String)> {
        let runs = self.index.store().known_runs(watch).await.expect("readable");
        let mut places: Vec<_> = runs
            .into_iter()
            .map(|run| {
                let folder = Path::new(&run.folder).strip_prefix(self.runs()).expect("below").to_path_buf();
                (folder.display().to_string(), run.part, run.status)
            })
            .collect();
        places.sort();
        places
    }

    /// The points of a metric of the run in a folder, in the order in which they are stored.
    async fn points(&self, watch: i64, folder: &str, metric: &str) -> Vec<(f64, f64)> {
        let store = self.index.store();
        let runs = store.known_runs(watch).await.expect("readable");
        let Some(run) = runs.iter().find(|run| Path::new(&run.folder) == self.runs().join(folder)) else {
            return Vec::new();
        };
        let mut all = Points::new();
        for stretch in store.stretches(run.id, metric).await.expect("readable") {
            for (_, points) in store.points(stretch.series, (0, u64::MAX)).await.expect("readable") {
                all.extend_from(&points);
            }
        }
        all.steps().iter().copied().zip(all.values().iter().copied()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_there_is_found_and_what_is_appended_follows() {
    let case = Case::new().await;
    case.write("a/metrics.csv", "step,loss\n1,0.5\n2,0.25\n");
    case.write("deep/er/b/metrics.csv", "step,loss\n1,3\n");
    let watch = case.watch().await;
    assert_eq!(
        case.places(watch).await,
        [
            ("a".into(), String::new(), "running".into()),
            ("deep/er/b".into(), String::new(), "running".to_owned())
        ]
    );
    assert_eq!(case.points(watch, "a", "loss").await, [(1.0, 0.5), (2.0, 0.25)]);

    case.append("a/metrics.csv", "3,0.125\n4,0.0");
    let whole = [(1.0, 0.5), (2.0, 0.25), (3.0, 0.125)];
    case.wait("the line is read, the half one waits", async || {
        (case.points(watch, "a", "loss").await == whole).then_some(())
    })
    .await;
    case.append("a/metrics.csv", "625\n");
    case.wait("the half line is whole", async || {
        (case.points(watch, "a", "loss").await.last() == Some(&(4.0, 0.0625))).then_some(())
    })
    .await;

    case.write("new/metrics.csv", "step,loss\n1,9\n");
    case.wait("a run that comes is found", async || {
        (case.points(watch, "new", "loss").await == [(1.0, 9.0)]).then_some(())
    })
    .await;
    case.index.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_start_reads_only_what_changed() {
    let case = Case::new().await;
    case.write("a/metrics.csv", "step,loss\n1,0.5\n");
    case.write("b/metrics.csv", "step,loss\n1,0.5\n");
    let watch = case.watch().await;
    case.index.stop().await;
    case.append("b/metrics.csv", "2,0.25\n");
    let (store, _) = RunStore::open(&case.home).await.expect("opens");
    let index = Index::start(&case.home, store, case.bus.clone(), Some(&case.queue));
    let again = Case { index, ..case };
    again.wait_idle().await;
    assert_eq!(again.points(watch, "b", "loss").await, [(1.0, 0.5), (2.0, 0.25)]);
    let folders = again.index.folders().await.expect("readable");
    assert_eq!(folders[0].state.progress.read, 1, "one file changed, one was read: {:?}", folders[0].state);
    assert_eq!(folders[0].state.progress.bytes, 7);
    again.index.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_written_anew_replaces_what_it_repeats() {
    let case = Case::new().await;
    case.write("a/metrics.csv", "step,loss\n1,0.5\n2,0.25\n");
    let watch = case.watch().await;
    // A column appears: all is written again.
    case.write("a/metrics.csv", "step,loss,acc\n1,0.5,\n2,0.25,\n3,0.125,0.9\n");
    case.wait("the new column is there", async || {
        (case.points(watch, "a", "acc").await == [(3.0, 0.9)]).then_some(())
    })
    .await;
    let loss = case
        .wait("nothing is there twice", async || {
            let points = case.points(watch, "a", "loss").await;
            (points.len() == 3).then_some(points)
        })
        .await;
    assert_eq!(loss, [(1.0, 0.5), (2.0, 0.25), (3.0, 0.125)]);
    // Begun anew: what was there stays as an earlier segment.
    case.write("a/metrics.csv", "step,loss,acc\n1,7,\n");
    let both = case
        .wait("both are there", async || {
            let points = case.points(watch, "a", "loss").await;
            (points.len() == 4).then_some(points)
        })
        .await;
    assert_eq!(both.last(), Some(&(1.0, 7.0)));
    case.index.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_file_stops_nobody() {
    let case = Case::new().await;
    case.write("bad/metrics.csv", "step,loss\n1,0.5\n");
    case.write("good/metrics.csv", "step,loss\n1,0.5\n");
    let locked = case.runs().join("locked");
    fs::create_dir(&locked).expect("made");
    let path = case.runs().join("bad/metrics.csv");
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("set");
    let readable_all_the_same = fs::File::open(&path).is_ok();
    let watch = case.watch().await;
    assert_eq!(case.points(watch, "good", "loss").await, [(1.0, 0.5)]);
    if !readable_all_the_same {
        let folders = case.index.folders().await.expect("readable");
        assert!(folders[0].state.problem_count > 0, "{:?}", folders[0].state);
    }
    case.index.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_in_a_file_is_said_with_its_place() {
    let case = Case::new().await;
    case.write("a/metrics.csv", "step,loss\n1,0.5\n2,3,4,5\n3,0.25\n");
    case.write(
        "b/events.out.tfevents.1.host",
        "this is no record of TensorBoard at all, and long enough to be one",
    );
    let watch = case.watch().await;
    assert_eq!(case.points(watch, "a", "loss").await, [(1.0, 0.5), (3.0, 0.25)]);
    let folders = case.index.folders().await.expect("readable");
    let told: Vec<(&str, Option<Place>)> =
        folders[0].state.problems.iter().map(|it| (it.path.as_str(), it.place)).collect();
    assert!(told.contains(&("a/metrics.csv", Some(Place::Line(3)))), "{told:?}");
    assert!(told.iter().any(|(path, _)| *path == "b/events.out.tfevents.1.host"), "{told:?}");
    assert_eq!(folders[0].state.problem_count, 2);
    case.index.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_is_kept_and_said_to_be_missing() {
    let case = Case::new().await;
    case.write("a/metrics.csv", "step,loss\n1,0.5\n");
    case.write("b/metrics.csv", "step,loss\n1,0.5\n");
    let watch = case.watch().await;
    fs::remove_dir_all(case.runs().join("a")).expect("removed");
    case.wait("it is missing", async || {
        let runs = case.index.store().known_runs(watch).await.expect("readable");
        runs.iter().any(|run| run.missing && run.folder.ends_with("/a")).then_some(())
    })
    .await;
    assert_eq!(case.points(watch, "a", "loss").await, [(1.0, 0.5)], "what was read stays");
    case.write("a/metrics.csv", "step,loss\n1,0.5\n2,0.25\n");
    case.wait("it is back", async || {
        let runs = case.index.store().known_runs(watch).await.expect("readable");
        (runs.iter().all(|run| !run.missing)
            && case.points(watch, "a", "loss").await == [(1.0, 0.5), (2.0, 0.25)])
        .then_some(())
    })
    .await;
    case.index.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_in_each_other_are_one() {
    let case = Case::new().await;
    case.write("a/metrics.csv", "step,loss\n1,0.5\n");
    let inner = case.index.add(&case.runs().join("a"), Adding::default()).await.expect("watched");
    case.wait_idle().await;
    let outer = case.watch().await;
    assert_ne!(inner, outer);
    let folders = case.index.folders().await.expect("readable");
    assert_eq!(folders.len(), 1);
    assert_eq!(folders[0].row.runs, 1);
    let error =
        case.index.add(&case.runs().join("a"), Adding::default()).await.expect_err("it lies in the other");
    assert!(error.to_string().contains("watched already"), "{error}");
    let error = case.index.add(case.home.root(), Adding::default()).await.expect_err("the program's own");
    assert!(error.to_string().contains("own data folder"), "{error}");
    case.index.remove(outer).await.expect("removed");
    assert!(case.index.folders().await.expect("readable").is_empty());
    assert!(case.runs().join("a/metrics.csv").exists(), "nothing on disk is touched");
    case.index.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fixture_is_read() {
    let case = Case::new().await;
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/runs");
    let id = case
        .index
        .add(&fixtures, Adding { project: Some("all".into()), ..Adding::default() })
        .await
        .expect("watched");
    case.wait_idle().await;
    let report = crate::scan::scan(&fixtures, &mut |_| std::ops::ControlFlow::Continue(())).expect("scanned");
    let runs = case.index.store().known_runs(id).await.expect("readable");
    assert_eq!(runs.len(), report.runs.len(), "the scan tells what is indexed");
    let mut stored = 0;
    for run in &runs {
        stored += case.index.store().point_count(run.id).await.expect("readable");
    }
    let scanned: u64 = report.runs.iter().map(|run| run.points).sum();
    assert_eq!(stored.unsigned_abs(), scanned, "as many points as the scan counts");
    case.index.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn listeners_hear_which_run_grew() {
    let case = Case::new().await;
    case.write("a/metrics.csv", "step,loss\n1,0.5\n");
    let watch = case.watch().await;
    let uid = case.index.store().known_runs(watch).await.expect("readable")[0].uid.clone();
    let mut listener = case.bus.listen();
    case.append("a/metrics.csv", "2,0.5\n");
    let heard = async {
        loop {
            if let Ok(Push::Runs { uids, structure: false, .. }) = listener.recv().await {
                return uids;
            }
        }
    };
    let uids = tokio::time::timeout(Duration::from_secs(30), heard).await.expect("heard");
    assert_eq!(uids, [uid]);
    case.index.stop().await;
}

/// A file was last written so many seconds ago.
fn age(path: &Path, seconds: u64) {
    let file = fs::OpenOptions::new().write(true).open(path).expect("opens");
    file.set_modified(std::time::SystemTime::now() - Duration::from_secs(seconds)).expect("set");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_line_of_a_file_that_is_old_when_it_is_met_needs_no_end() {
    let case = Case::new().await;
    for folder in ["old", "fresh"] {
        case.write(&format!("{folder}/metrics.csv"), "step,loss\n1,0.5\n2,0.2");
    }
    age(&case.runs().join("old/metrics.csv"), 3600);
    let watch = case.watch().await;
    assert_eq!(case.points(watch, "old", "loss").await, [(1.0, 0.5), (2.0, 0.2)]);
    assert_eq!(
        case.points(watch, "fresh", "loss").await,
        [(1.0, 0.5)],
        "it may be in the middle of being written"
    );
    case.append("old/metrics.csv", "5\n3,0.125\n");
    case.wait("the line has its end after all", async || {
        let points = case.points(watch, "old", "loss").await;
        (points == [(1.0, 0.5), (2.0, 0.25), (3.0, 0.125)]).then_some(())
    })
    .await;
    case.index.stop().await;
}

#[test]
fn a_record_that_was_cut_short_is_read_once() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = dir.path().join("log.jsonl");
    fs::write(&path, "{\"step\": 1, \"loss\": 2}\n{\"step\": 2, \"lo").expect("written");
    let known = crate::store::runs::KnownFile {
        id: 1,
        run_id: 1,
        path: path.display().to_string(),
        format: "jsonl".into(),
        role: "metrics".into(),
        prefix: String::new(),
        device: 0,
        inode: 0,
        size: 0,
        modified_ns: 0,
    };
    let wake = |row| source::Source::resume(row, dir.path(), Vec::new());
    let mut read = wake(crate::store::runs::FileRow::new(known));
    let row = read.read(false, false).expect("readable").expect("it is new").row;
    let row = wake(row).read(true, false).expect("readable").expect("its end was not looked at").row;
    assert!(row.offset < row.known.size, "what follows is one record with it");
    let mut read = wake(row);
    assert!(read.read(true, false).expect("readable").is_none(), "there is nothing new to be seen");
    fs::write(&path, "{\"step\": 1, \"loss\": 2}\n{\"step\": 2, \"loss\": 1}\n").expect("written");
    let piece = read.read(false, true).expect("readable").expect("it has its end");
    assert_eq!(piece.row.offset, piece.row.known.size);
    assert_eq!(piece.series[0].summary.last.map(|at| at.step), Some(2.0));
}
