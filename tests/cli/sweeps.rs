//! Many experiments from one.

use crate::harness::{Athanor, texts};

#[test]
fn a_grid_is_queued_as_a_group_with_its_limit() {
    let athanor = Athanor::serving(4);
    athanor.file("config.yaml", "lr: 0.1\nseeds: [1, 2, 3]\n");
    let uids = athanor.ok(&[
        "add",
        "-n",
        "try",
        "--config",
        "config.yaml",
        "--sweep",
        "lr=0.10,0.01",
        "--sweep",
        "seeds",
        "--group",
        "g",
        "--parallel",
        "1",
        "--",
        "sh",
        "-c",
        "cat $ATHANOR_CONFIG",
    ]);
    let uids: Vec<&str> = uids.lines().collect();
    assert_eq!(uids.len(), 6);
    for uid in &uids {
        athanor.until_status(uid, "completed");
    }
    assert_eq!(athanor.ok(&["log", uids[0]]), "lr: 0.10\nseeds: 1\n");
    assert_eq!(athanor.ok(&["log", uids[5]]), "lr: 0.01\nseeds: 3\n");
    assert_eq!(athanor.experiment(uids[3])["name"], "try lr=0.01 seeds=1");
    // Never two at a time: each started after the one before it had ended.
    let mut spans: Vec<(i64, i64)> = uids
        .iter()
        .map(|uid| {
            let experiment = athanor.experiment(uid);
            let at = |field: &str| experiment[field].as_i64().expect("a time");
            (at("started_at"), at("completed_at"))
        })
        .collect();
    spans.sort_unstable();
    assert!(spans.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{spans:?}");
    let group = athanor.json(&["group"])[0].clone();
    assert_eq!(group["counts"]["completed"], 6);
    assert_eq!(group["sweep"]["axes"][1]["values"], serde_json::json!(["1", "2", "3"]));
    assert!(athanor.ok(&["group"]).contains("lr × 2, seeds × 3"));
}

#[test]
fn a_dry_run_queues_nothing_and_shows_what_it_would() {
    let athanor = Athanor::serving(1);
    let text =
        athanor.ok(&["add", "--sweep", "lr=1,2", "--dry-run", "--", "python3", "train.py", "--lr", "{lr}"]);
    assert!(text.contains("train lr=2") && text.contains("python3 train.py --lr 2"), "{text}");
    assert!(text.contains("2 experiments would be queued"), "{text}");
    let hydra = athanor.json(&[
        "add",
        "--sweep",
        "a.b=1",
        "--sweep-style",
        "hydra",
        "--dry-run",
        "--",
        "python3",
        "train.py",
    ]);
    assert_eq!(hydra["points"][0]["command_line"], "python3 train.py a.b=1");
    assert!(athanor.names(&["--all"]).is_empty());
}

#[test]
fn random_points_are_drawn_by_seed() {
    let athanor = Athanor::new();
    let draw = |seed: &str| {
        athanor.json(&[
            "add",
            "--sweep",
            "a=0..9",
            "--sweep",
            "b=0..9",
            "--sweep-random",
            "5",
            "--seed",
            seed,
            "--dry-run",
            "--",
            "true",
        ])
    };
    assert_eq!(draw("1")["count"], 5);
    assert_eq!(draw("1"), draw("1"));
    assert_ne!(draw("1"), draw("2"));
}

#[test]
fn a_large_sweep_is_agreed_to_and_a_huge_one_refused() {
    let athanor = Athanor::new();
    let sweep = |first: &str, yes: &[&str]| {
        let mut all = vec!["add", "--sweep", first, "--sweep", "b=0..10"];
        all.extend(yes);
        all.extend(["--", "true"]);
        athanor.run(&all)
    };
    let asked = sweep("a=0..90", &[]);
    assert_eq!(asked.status.code(), Some(8), "{}", texts(&asked).1);
    assert!(texts(&asked).1.contains("This makes 1001 experiments"), "{}", texts(&asked).1);
    assert!(athanor.names(&[]).is_empty());
    let agreed = sweep("a=0..90", &["--yes"]);
    assert_eq!(texts(&agreed).0.lines().count(), 1001);
    let huge = sweep("a=0..99999", &["--yes"]);
    assert_eq!(huge.status.code(), Some(2));
    assert!(texts(&huge).1.contains("1,000,000 are the most"), "{}", texts(&huge).1);
}

#[test]
fn what_is_no_sweep_is_said_and_queues_nothing() {
    let athanor = Athanor::new();
    athanor.file("config.yaml", "seeds: [1, 2]\nlr: 0.1\n");
    athanor.file("broken.yaml", "a: [1\n");
    for (arguments, words) in [
        (vec!["--sweep", "lr="], "lr"),
        (vec!["--sweep", "lr"], "write them as in lr=0.1,0.01"),
        (vec!["--sweep", "lr=1,1"], "twice"),
        (vec!["--sweep", "lr=1", "--sweep", "lr=2"], "twice"),
        (vec!["--sweep", "lr=1,2", "--sweep-random", "5"], "random points"),
        (vec!["--sweep", "lr", "--config", "config.yaml"], "lists are seeds"),
        (vec!["--sweep", "lr=1", "--config", "broken.yaml"], "can't be read"),
        (vec!["--sweep", "lr=1", "--config", "none.yaml"], "none.yaml"),
        (vec!["--sweep-random", "5"], "--sweep"),
        (vec!["--dry-run"], "--sweep and --from"),
        (vec!["--parallel", "2"], "--group"),
    ] {
        let mut all = vec!["add"];
        all.extend(&arguments);
        all.extend(["--", "true"]);
        let (code, message) = athanor.fails(&all);
        assert!(code == 2 || code == 6, "{arguments:?}: {message}");
        assert!(message.contains(words), "{arguments:?}: {message}");
    }
    assert!(athanor.names(&["--all"]).is_empty());
}
