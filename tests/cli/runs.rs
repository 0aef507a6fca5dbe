//! The table of runs from the command line: what is in watch folders, found, tagged, written elsewhere and removed.

use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::harness::Athanor;
use crate::wait::wait_until;

/// A run of Lightning's kind: `metrics.csv` beside `hparams.yaml`.
fn lightning(athanor: &Athanor, folder: &str, lr: &str, losses: &[&str]) {
    std::fs::create_dir_all(athanor.work().join(folder)).expect("made");
    let rows: String = losses.iter().enumerate().map(|(step, loss)| format!("{step},{loss}\n")).collect();
    athanor.file(&format!("{folder}/metrics.csv"), &format!("step,val/loss\n{rows}"));
    athanor.file(&format!("{folder}/hparams.yaml"), &format!("lr: {lr}\nmodel: resnet\n"));
}

/// An engine with four runs in a watch folder: two seeds of one rate, two of another.
fn four() -> Athanor {
    let athanor = Athanor::serving(1);
    lightning(&athanor, "logs/first/version_0", "0.1", &["1.0", "0.5", "0.25"]);
    lightning(&athanor, "logs/second/version_0", "0.1", &["1.0", "0.75"]);
    lightning(&athanor, "logs/third/version_0", "0.01", &["2.0", "nan"]);
    lightning(&athanor, "logs/fourth/version_0", "0.01", &["3.5e-7", "0.125"]);
    athanor.ok(&["watch", "add", "logs", "--wait"]);
    athanor
}

fn rows(page: &Value) -> Vec<Value> {
    page["rows"].as_array().cloned().unwrap_or_default()
}

/// The uid of the run in a folder of this name.
fn uid(athanor: &Athanor, folder: &str) -> String {
    let page = athanor.json(&["runs", "ls", &format!("folder:{folder}")]);
    assert_eq!(page["total"], 1, "{folder}: {page}");
    page["rows"][0]["uid"].as_str().expect("a uid").to_owned()
}

fn total(athanor: &Athanor, query: &str) -> Value {
    athanor.json(&["runs", "ls", query])["total"].clone()
}

#[test]
fn runs_are_listed_filtered_sorted_and_grouped() {
    let athanor = four();
    let all =
        athanor.json(&["runs", "ls", "-c", "config.lr,metrics.val/loss.min", "-s", "-metrics.val/loss.min"]);
    assert_eq!((&all["total"], &all["all"]), (&Value::from(4), &Value::from(4)));
    let least: Vec<f64> = rows(&all).iter().filter_map(|row| row["cells"][1].as_f64()).collect();
    assert_eq!(least, [2.0, 0.75, 0.25, 3.5e-7]);
    assert_eq!(total(&athanor, "metrics.val/loss.min < 0.5 and config.lr in (0.1, 0.2)"), 1);
    assert_eq!(total(&athanor, "metrics.val/loss = nan"), 1);
    assert_eq!(total(&athanor, "resnet not third"), 3, "words are searched for in settings and places");
    let both = athanor.json(&["runs", "ls", "config.lr = 0.1", "--filter", "steps < 2"]);
    assert_eq!(both["total"], 1);

    let table = athanor.ok(&["runs", "ls", "-c", "metrics.val/loss.min"]);
    assert!(
        table
            .lines()
            .next()
            .is_some_and(|head| head.contains("UID") && head.contains("metrics.val/loss.min"))
    );
    assert_eq!(table.lines().count(), 5, "{table}");
    let csv = athanor.ok(&["runs", "ls", "--csv", "-c", "config.lr", "config.lr = 0.01"]);
    assert!(csv.starts_with("uid,name,status,format,started,duration,steps,config.lr\r\n"), "{csv}");
    assert_eq!(csv.matches("0.01\r\n").count(), 2, "{csv}");

    let groups = athanor.json(&["runs", "group", "--by", "config.lr", "-c", "metrics.val/loss.min"]);
    let groups = groups["groups"].as_array().expect("groups").clone();
    assert_eq!(
        (groups.len(), &groups[1]["values"][0], &groups[1]["count"]),
        (2, &Value::from(0.1), &Value::from(2))
    );
    assert_eq!(groups[1]["cells"][0]["mean"], 0.5);
    assert_eq!(total(&athanor, groups[1]["query"].as_str().expect("a query")), 2);

    let columns = athanor.json(&["runs", "columns"]);
    let column = |id: &str| {
        let all = columns["columns"].as_array().expect("columns");
        all.iter().find(|column| column["id"] == id).unwrap_or_else(|| panic!("{id}: {columns}")).clone()
    };
    assert_eq!(column("config.model")["constant"], true);
    assert_eq!(column("config.lr")["constant"], false);
    assert_eq!(column("metrics.val/loss.last")["goal"], "min");
}

#[test]
fn a_slip_in_a_query_is_shown_with_what_was_meant() {
    let athanor = Athanor::serving(1);
    let (code, words) = athanor.fails(&["runs", "ls", "nmae = x"]);
    assert_eq!(code, 2);
    assert!(words.contains("there is no field “nmae”; did you mean name?"), "{words}");
    let (code, words) = athanor.fails(&["runs", "ls", "-c", "nothing"]);
    assert!(code == 2 && words.contains("there is no column “nothing”"), "{words}");
    let (code, words) = athanor.fails(&["runs", "show", "rzzzz"]);
    assert!(code == 3 && words.contains("there is no run “rzzzz”"), "{words}");
}

#[test]
fn tags_and_notes_are_the_users_and_are_found() {
    let athanor = four();
    let (first, third) = (uid(&athanor, "/first/"), uid(&athanor, "/third/"));
    athanor.ok(&["runs", "tag", &first, &third[..8], "+baseline", "+paper"]);
    assert_eq!(total(&athanor, "tag:baseline"), 2);
    let said = athanor.ok(&["runs", "tag", &third, "-baseline", "--json"]);
    assert!(said.starts_with("[{"), "an option is no tag: {said}");
    assert_eq!(athanor.fails(&["runs", "tag", &third, "-baseline", "--jsn"]).0, 2);
    assert_eq!(total(&athanor, "tag:baseline"), 1);
    athanor.ok(&["runs", "note", &first, "Diverged", "without warmup"]);
    assert_eq!(total(&athanor, "warmup"), 1);
    let shown = athanor.json(&["runs", "show", &first]);
    assert_eq!(shown["run"]["notes"], "Diverged without warmup");
    assert_eq!(shown["run"]["tags"], serde_json::json!(["baseline", "paper"]));
    let (code, words) = athanor.fails(&["runs", "note", &first, &"x".repeat(2001)]);
    assert!(code == 2 && words.contains("2000"), "{words}");
    let (code, _) = athanor.fails(&["runs", "tag", &first]);
    assert_eq!(code, 2);
    // What is known of one does not hold up another.
    let (code, words) = athanor.fails(&["runs", "tag", &first, "rzzzz", "+both"]);
    assert!(code == 3 && words.contains("rzzzz"), "{words}");
    assert_eq!(total(&athanor, "tag:both"), 1);
}

#[test]
fn a_run_shows_all_that_its_folder_says() {
    let athanor = four();
    std::fs::create_dir_all(athanor.work().join("logs/first/version_0/checkpoints")).expect("made");
    athanor.file("logs/first/version_0/checkpoints/epoch=1-step=2.ckpt", "weights");
    athanor.file("logs/first/version_0/train.log", "hello\n");
    let first = uid(&athanor, "/first/");
    let shown = athanor.json(&["runs", "show", &first]);
    assert_eq!(shown["metrics"][0]["key"], "val/loss");
    assert_eq!(
        (&shown["metrics"][0]["min"], &shown["metrics"][0]["min_step"]),
        (&Value::from(0.25), &Value::from(2.0))
    );
    assert_eq!(shown["config"][0], serde_json::json!({ "key": "lr", "value": 0.1 }));
    assert_eq!(shown["checkpoints"][0]["step"], 2.0);
    assert!(shown["logs"][0]["path"].as_str().is_some_and(|path| path.ends_with("train.log")));
    assert_eq!(shown["files"].as_array().map(Vec::len), Some(2));
    assert!(shown["watch"].as_str().is_some_and(|path| path.ends_with("logs")));
    let text = athanor.ok(&["runs", "show", &first]);
    assert!(text.contains("val/loss") && text.contains("epoch=1-step=2.ckpt"), "{text}");
}

#[test]
fn points_are_printed_exactly_for_runs_and_experiments() {
    let athanor = four();
    let (third, fourth) = (uid(&athanor, "/third/"), uid(&athanor, "/fourth/"));
    let points = athanor.ok(&["metrics", &fourth, "--key", "val/loss", "--csv"]);
    assert_eq!(points, "step,val/loss,time\n0,3.5e-7,\n1,0.125,\n");
    let points = athanor.ok(&["metrics", &third[..7], "-k", "val/loss", "--csv"]);
    assert_eq!(points.lines().last(), Some("1,nan,"));
    assert!(athanor.ok(&["metrics", &third]).contains("1 not finite"));
    let (code, words) = athanor.fails(&["metrics", &third, "-k", "nothing", "--csv"]);
    assert!(code == 3 && words.contains("nothing"), "{words}");
    let (code, _) = athanor.fails(&["metrics", &third, "-k", "val/loss"]);
    assert_eq!(code, 2, "either a picture or its points");

    athanor.file("job.sh", "printf 'step,loss\\n1,0.5\\n2,0.25\\n' > metrics.csv\n");
    let job = athanor.add(&["--", "sh", "job.sh"]);
    athanor.until_status(&job, "completed");
    let points = wait_until("its file is read", || {
        let printed = athanor.run(&["metrics", &job, "-k", "loss", "--csv"]);
        printed.status.success().then(|| String::from_utf8_lossy(&printed.stdout).into_owned())
    });
    assert!(points.starts_with("step,loss,time\n1,0.5,") && points.lines().count() == 3, "{points}");
}

#[test]
fn the_table_is_written_for_other_programs() {
    let athanor = four();
    let at = |name: &str| athanor.work().join(name);
    let columns = "name,config.lr,metrics.val/loss.min";
    for (name, begins) in [
        ("runs.csv", &b"uid,name,config.lr,metrics.val/loss.min\r\n"[..]),
        ("runs.json", b"["),
        ("runs.md", b"| name | lr | val/loss (min) |\n"),
        ("runs.tex", b"% needs \\usepackage{booktabs}\n"),
        ("runs.parquet", b"PAR1"),
    ] {
        let said =
            athanor.ok(&["runs", "export", "-c", columns, "-s", "config.lr", "--out", name, "config.lr < 1"]);
        assert!(said.contains("4 runs written"), "{name}: {said}");
        let bytes = std::fs::read(at(name)).expect("written");
        assert!(
            bytes.starts_with(begins),
            "{name}: {}",
            String::from_utf8_lossy(&bytes[..bytes.len().min(80)])
        );
        let (code, words) = athanor.fails(&["runs", "export", "-c", columns, "--out", name]);
        assert!(code == 6 && words.contains(name), "a file that is there stays: {words}");
    }
    let usual = athanor.ok(&["runs", "export", "config.lr = 0.1"]);
    let head = usual.lines().next().unwrap_or_default().to_owned();
    assert!(
        head.contains("metrics.val/loss.last") && !head.contains("config.lr"),
        "what is the same in all is left out: {head}"
    );
}

#[test]
fn views_are_kept() {
    let mut athanor = Athanor::serving(1);
    athanor.ok(&[
        "runs",
        "view",
        "save",
        "best",
        "metrics.acc > 0.9",
        "-c",
        "config.lr",
        "-s",
        "-metrics.acc.max",
    ]);
    athanor.stop_engine();
    athanor.serve(&[]);
    let views = athanor.json(&["runs", "view", "ls"]);
    assert_eq!(views["views"][0]["query"], "metrics.acc > 0.9");
    assert_eq!(views["views"][0]["sort"][0]["descending"], true);
    let (code, _) = athanor.fails(&["runs", "view", "save", "bad", "nmae = x"]);
    assert_eq!(code, 2);
    athanor.ok(&["runs", "view", "rm", "best"]);
    assert_eq!(athanor.fails(&["runs", "view", "rm", "best"]).0, 3);
}

#[test]
fn a_run_leaves_the_index_and_its_files_stay() {
    let athanor = four();
    let first = uid(&athanor, "/first/");
    let (code, _) = athanor.fails(&["runs", "rm", &first]);
    assert_eq!(code, 8, "nobody agreed");
    athanor.ok(&["runs", "rm", &first, "--yes"]);
    assert_eq!(total(&athanor, ""), 3);
    assert!(athanor.work().join("logs/first/version_0/metrics.csv").exists());
    // A look does not bring it back.
    athanor.file("logs/second/version_0/metrics.csv", "step,val/loss\n0,1\n1,2\n2,3\n");
    wait_until("the other one is read anew", || (total(&athanor, "steps = 2 second") == 1).then_some(()));
    assert_eq!(total(&athanor, ""), 3);
}

/// The names in the trash.
fn trashed(athanor: &Athanor) -> Vec<String> {
    let files = std::fs::read_dir(athanor.share().join("Trash/files")).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        files.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Makes all files of a folder two days old, so that nobody takes them for those of a run that is going on.
fn aged(folder: &Path) {
    let then = SystemTime::now() - Duration::from_secs(48 * 3600);
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let file = std::fs::File::options().append(true).open(entry.path()).expect("opens");
        file.set_modified(then).expect("changed");
    }
}

#[test]
fn files_go_into_the_trash_when_the_name_was_typed() {
    let athanor = Athanor::serving(1);
    for name in ["first", "second", "third"] {
        lightning(&athanor, &format!("logs/{name}/version_0"), "0.1", &["1.0"]);
        if name != "third" {
            aged(&athanor.work().join(format!("logs/{name}/version_0")));
        }
    }
    athanor.file("logs/second/version_0/train.py", "print()\n");
    athanor.ok(&["watch", "add", "logs", "--wait"]);
    let at = |path: &str| athanor.work().join("logs").join(path);
    let (first, second, third) =
        (uid(&athanor, "/first/"), uid(&athanor, "/second/"), uid(&athanor, "/third/"));
    let name =
        |uid: &str| athanor.json(&["runs", "show", uid])["run"]["name"].as_str().expect("a name").to_owned();

    let (code, words) = athanor.fails(&["runs", "rm", &third, "--files", "--confirm", &name(&third)]);
    assert!(code == 4 && words.contains("still running"), "{words}");
    let (code, words) = athanor.fails(&["runs", "rm", &first, "--files", "--yes"]);
    assert!(code == 8 && words.contains("2 files would go"), "a yes is no name: {words}");
    let (code, words) = athanor.fails(&["runs", "rm", &first, "--files", "--confirm", "other"]);
    assert!(code == 2 && words.contains("not the run’s name"), "{words}");
    let (code, _) = athanor.fails(&["runs", "rm", &first, &second, "--files", "--confirm", "x"]);
    assert_eq!(code, 2, "one at a time");
    assert!(trashed(&athanor).is_empty() && at("first/version_0/metrics.csv").exists());

    athanor.ok(&["runs", "rm", &first, "--files", "--confirm", &name(&first)]);
    assert!(!at("first/version_0").exists() && at("first").exists());
    assert_eq!(trashed(&athanor), ["version_0"], "the run's own folder as a whole");
    athanor.ok(&["runs", "rm", &second, "--files", "--confirm", &name(&second)]);
    assert!(at("second/version_0/train.py").exists(), "code is nobody's result");
    assert_eq!(trashed(&athanor), ["hparams.yaml", "metrics.csv", "version_0"]);
    assert_eq!(total(&athanor, ""), 1);
}

#[test]
fn images_and_histograms_are_listed_and_an_image_is_saved_as_it_is() {
    let athanor = Athanor::serving(1);
    let events = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/media/events.out.tfevents.1700000000.host");
    let folder = athanor.work().join("logs/pictures");
    std::fs::create_dir_all(&folder).expect("made");
    std::fs::copy(&events, folder.join("events.out.tfevents.1700000000.host")).expect("copied");
    athanor.ok(&["watch", "add", "logs", "--wait"]);
    let uid = uid(&athanor, "pictures");

    let all = athanor.json(&["runs", "media", &uid]);
    assert_eq!((&all["total"], &all["done"]), (&Value::from(112), &Value::from(true)));
    let names = athanor.ok(&["runs", "media", &uid]);
    let count = |name: &str| {
        let line = names.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_whitespace().last().unwrap_or_default().to_owned()
    };
    assert_eq!(
        (count("confusion matrix"), count("weights/encoder.0")),
        ("12".into(), "40".into()),
        "{names}"
    );
    let each = athanor.ok(&["runs", "media", &uid, "--key", "samples/pairs"]);
    assert!(each.contains("150") && each.contains("48×64"), "{each}");

    athanor.ok(&["runs", "media", &uid, "--save", "confusion matrix@50", "matrix.png"]);
    let saved = std::fs::read(athanor.work().join("matrix.png")).expect("written");
    let file = std::fs::read(&events).expect("a fixture");
    assert!(saved.starts_with(b"\x89PNG") && saved.ends_with(b"IEND\xaeB`\x82"));
    assert!(file.windows(saved.len()).any(|part| part == saved), "the bytes are those that were logged");
    for (what, code) in [("confusion matrix@51", 3), ("nothing@50", 3), ("confusion matrix", 2)] {
        assert_eq!(athanor.fails(&["runs", "media", &uid, "--save", what, "other.png"]).0, code, "{what}");
    }
    let again = ["runs", "media", &uid, "--save", "confusion matrix@100", "matrix.png"];
    assert_eq!(athanor.fails(&again).0, 6, "nothing is overwritten");
    assert_eq!(std::fs::read(athanor.work().join("matrix.png")).expect("still there"), saved);
}
