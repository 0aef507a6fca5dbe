#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn put(root: &Path, path: &str, text: impl AsRef<[u8]>) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn scanned(root: &Path) -> Report {
    scan(root, &mut |_| ControlFlow::Continue(())).unwrap()
}

/// `folder: part | format | metrics | points` of each run.
fn runs(report: &Report) -> Vec<String> {
    let show = |run: &RunReport| {
        format!("{}:{} | {} | {} | {}", run.folder, run.part, run.format, run.metrics, run.points)
    };
    report.runs.iter().map(show).collect()
}

fn problems(report: &Report) -> Vec<String> {
    report.problems.iter().map(|problem| format!("{}: {}", problem.path, problem.message)).collect()
}

const CSV: &str = "step,loss\n1,0.5\n2,0.25\n";

#[test]
fn each_format_is_known_by_what_lies_there() {
    let root = folder();
    let at = root.path();
    put(at, "a/metrics.csv", CSV);
    put(at, "a/hparams.yaml", "lr: 0.1\n");
    put(at, "b/train.csv", CSV);
    put(at, "b/val.csv", CSV);
    put(at, "c/one.csv", CSV);
    put(at, "c/two.tsv", "epoch\tloss\n1\t2\n");
    put(at, "d/x.jsonl", "{\"step\": 1, \"loss\": NaN}\n");
    put(at, "e/notes.json", "{\"step\": 1, \"loss\": 2}\n");
    put(at, "e/people.csv", "name,age\nx,3\n");
    put(at, "f/result.json", "{\"training_iteration\": 1, \"reward\": 2, \"config\": {\"lr\": 1}}\n");
    put(at, "f/params.json", "{\"lr\": 0.1, \"layers\": [8, 8]}");
    put(at, "f/progress.csv", "training_iteration,reward\n1,2\n");
    put(at, "status/p/g/n/r/metadata.json", "{\"status\": \"completed\", \"project\": \"p\"}");
    put(at, "status/p/g/n/r/output.log", "hello\n");
    put(at, "work/.hydra/config.yaml", "lr: 0.1\nmodel:\n  name: x\n");
    put(at, "work/out/history.csv", CSV);
    put(at, "log/10/checkpoint-5/trainer_state.json", "{\"log_history\": [{\"step\": 5, \"loss\": 1}]}");
    put(
        at,
        "log/10/checkpoint-10/trainer_state.json",
        "{\"log_history\": [{\"step\": 5, \"loss\": 1}, {\"step\": 10, \"loss\": 1}]}",
    );
    let report = scanned(at);
    assert_eq!(problems(&report), Vec::<String>::new());
    assert_eq!(
        runs(&report),
        [
            "a: | lightning | 1 | 2",
            "b: | csv | 2 | 4",
            "c:one | csv | 1 | 2",
            "c:two | csv | 1 | 1",
            "d:x | jsonl | 1 | 1",
            "f: | rllib | 1 | 1",
            "log/10: | huggingface | 1 | 2",
            "status/p/g/n/r: | job-status | 0 | 0",
            "work/out: | csv | 1 | 2",
        ]
    );
    let settings: Vec<u64> = report.runs.iter().map(|run| run.settings).collect();
    assert_eq!(settings, [1, 0, 0, 0, 0, 3, 0, 0, 2], "Hydra's config belongs to the run below it");
    assert_eq!(report.runs[7].end, Some(End::Completed));
}

#[test]
fn what_can_t_be_read_is_told_and_stops_nothing() {
    let root = folder();
    let at = root.path();
    put(at, "good/metrics.csv", CSV);
    put(at, "ragged/metrics.csv", "step,loss\n1,2,3\nx,1\n1,1\n,2\n,3\n,4\n");
    put(at, "half/hparams.yaml", "lr: [1,\n");
    put(at, "cut/trainer_state.json", "{\"log_history\": [{\"step\": 1, \"loss\": 2},");
    put(at, "lfs/args.yaml", "task: detect\nmode: train\n");
    put(at, "lfs/results.csv", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
    // It opens and can't be read, whoever tries.
    put(at, "faulty/hparams.yaml", "a: 1\n");
    symlink("/proc/self/mem", at.join("faulty/metrics.csv")).unwrap();
    put(at, "partial/metrics.csv", "step,loss\n1,2\n2");
    let report = scanned(at);
    let told = problems(&report);
    assert_eq!(report.runs.len(), 7, "{told:?}");
    assert!(told[0].starts_with("cut/trainer_state.json: it breaks off in the middle"), "{told:?}");
    assert!(told[1].starts_with("faulty/metrics.csv: Input/output error"), "{told:?}");
    assert!(told[2].starts_with("half/hparams.yaml: line "), "{told:?}");
    assert!(told[3].contains("git lfs pull"), "{told:?}");
    let ragged = &report.problems[4..];
    assert_eq!(ragged[0].message, "3 cells where the header has 2");
    assert_eq!(ragged[0].place, Some(Place::Line(2)));
    assert_eq!((ragged.len(), ragged[2].more), (3, 2), "three are told, the others counted");
    let partial = report.runs.iter().find(|run| run.folder == "partial").unwrap();
    assert_eq!((partial.points, partial.files[0].left), (1, 1), "half a line is no fault");
}

#[test]
fn links_are_followed_once_and_never_round() {
    let root = folder();
    let at = root.path();
    put(at, "run-1/metrics.csv", CSV);
    symlink("run-1", at.join("latest-run")).unwrap();
    symlink("../run-1", at.join("run-1/again")).unwrap();
    symlink("nowhere", at.join("dangling")).unwrap();
    symlink("itself", at.join("itself")).unwrap();
    let elsewhere = folder();
    put(elsewhere.path(), "there/metrics.csv", CSV);
    symlink(elsewhere.path(), at.join("outside")).unwrap();
    let report = scanned(at);
    assert_eq!(runs(&report), ["outside/there: | csv | 1 | 2", "run-1: | csv | 1 | 2"]);
    assert_eq!(
        problems(&report),
        [
            "itself: it is a link that leads to itself; remove it",
            "run-1/again: it is a link to a folder that it lies in; it is not followed",
        ]
    );
}

#[test]
fn what_may_not_be_read_is_told_by_name() {
    let root = folder();
    let at = root.path();
    put(at, "shut/metrics.csv", CSV);
    put(at, "open/metrics.csv", CSV);
    put(at, "some/metrics.csv", CSV);
    fs::set_permissions(at.join("shut"), fs::Permissions::from_mode(0o000)).unwrap();
    fs::set_permissions(at.join("some/metrics.csv"), fs::Permissions::from_mode(0o000)).unwrap();
    let may_all = fs::read_dir(at.join("shut")).is_ok();
    let report = scanned(at);
    fs::set_permissions(at.join("shut"), fs::Permissions::from_mode(0o700)).unwrap();
    if may_all {
        // The superuser may read everything: then nothing is amiss, and everything is found.
        assert_eq!(report.runs.len(), 3);
        return;
    }
    assert_eq!(runs(&report), ["open: | csv | 1 | 2"]);
    let told: Vec<&str> = report.problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(told, ["shut", "some/metrics.csv"]);
    assert!(report.problems[0].message.contains("may not be read"));
}

#[test]
fn a_pipe_is_not_waited_for() {
    let root = folder();
    put(root.path(), "hparams.yaml", "a: 1\n");
    rustix::fs::mkfifoat(rustix::fs::CWD, root.path().join("metrics.csv"), rustix::fs::Mode::RWXU).unwrap();
    let report = scanned(root.path());
    assert_eq!(runs(&report), [": | lightning | 0 | 0"]);
}

#[test]
fn it_stops_when_it_is_told_to() {
    let root = folder();
    for run in 0..20 {
        put(root.path(), &format!("{run}/metrics.csv"), CSV);
    }
    let mut seen = Vec::new();
    let report = scan(root.path(), &mut |progress| {
        seen.push(progress.clone());
        if progress.read == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let report = report.unwrap();
    assert!(report.stopped);
    assert_eq!((report.runs.len(), report.progress.runs), (3, 20));
    assert!(seen.is_sorted_by_key(|progress| (progress.folders, progress.read, progress.bytes)));
}

#[test]
fn a_folder_that_is_none_is_refused() {
    let root = folder();
    put(root.path(), "file", "");
    for (path, word) in [("nothing", "No such file"), ("file", "is not a folder")] {
        let error = scan(&root.path().join(path), &mut |_| ControlFlow::Continue(())).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn a_large_file_is_read_in_pieces() {
    let root = folder();
    let mut text = String::from("step,loss\n");
    for step in 0..100_000 {
        text.push_str(&format!("{step},0.5\n"));
    }
    put(root.path(), "metrics.csv", &text);
    let mut most = 0;
    let mut before = 0;
    let report = scan(root.path(), &mut |progress| {
        most = most.max(progress.bytes - before);
        before = progress.bytes;
        ControlFlow::Continue(())
    });
    assert_eq!(report.unwrap().runs[0].points, 100_000);
    assert!(most <= 256 << 10, "{most}");
    assert_eq!(before, text.len() as u64);
}
