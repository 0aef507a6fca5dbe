//! Runs side by side from the command line: what differs, which is better, and what may not be shown.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::harness::{Athanor, script};

/// A run whose folder says which commit its code was of, with losses and settings.
fn run(athanor: &Athanor, name: &str, settings: &str, losses: &[f64], commit: Option<&str>) {
    let folder = athanor.work().join("runs").join(name);
    std::fs::create_dir_all(&folder).expect("made");
    let write = |file: &str, text: &str| std::fs::write(folder.join(file), text).expect("written");
    let rows: String =
        losses.iter().enumerate().map(|(step, loss)| format!("{step},{loss},{}\n", 1.0 - loss)).collect();
    write("metrics.csv", &format!("step,val/loss,val/acc\n{rows}"));
    write("hparams.yaml", settings);
    let hash = commit.map(|commit| format!(r#","git_hash":"{commit}""#)).unwrap_or_default();
    write(
        "metadata.json",
        &format!(
            r#"{{"project":"p","group":"g","run_id":"{name}","status":"completed","name":"{name}"{hash}}}"#
        ),
    );
}

/// An engine with the runs that were written.
fn watching(athanor: &Athanor) {
    athanor.ok(&["watch", "add", "runs", "--wait"]);
}

fn uid(athanor: &Athanor, name: &str) -> String {
    let page = athanor.json(&["runs", "ls", &format!("name = \"{name}\"")]);
    page["rows"][0]["uid"].as_str().unwrap_or_else(|| panic!("{name}: {page}")).to_owned()
}

const PLAIN: [f64; 5] = [0.5, 0.52, 0.51, 0.49, 0.53];
const KD: [f64; 5] = [0.45, 0.46, 0.44, 0.47, 0.455];

/// Five seeds of each of two settings, the uids of the one before those of the other.
fn seeds() -> (Athanor, Vec<String>) {
    let athanor = Athanor::serving(1);
    let mut uids = Vec::new();
    for (name, losses, more) in [("plain", PLAIN, ""), ("kd", KD, "kd: 0.7\n")] {
        for (place, loss) in losses.iter().enumerate() {
            let lr = if name == "kd" { "1e-3" } else { "0.001" };
            let settings = format!("lr: {lr}\nseed: {place}\nout_dir: {name}{place}\n{more}");
            run(&athanor, &format!("{name} {place}"), &settings, &[1.5, *loss, 0.9], None);
        }
    }
    watching(&athanor);
    for name in ["plain", "kd"] {
        uids.extend((0..5).map(|place| uid(&athanor, &format!("{name} {place}"))));
    }
    (athanor, uids)
}

fn with<'a>(uids: &'a [String], more: &[&'a str]) -> Vec<&'a str> {
    std::iter::once("compare").chain(uids.iter().map(String::as_str)).chain(more.iter().copied()).collect()
}

fn near(value: &Value, expected: f64) {
    let value = value.as_f64().unwrap_or(f64::NAN);
    assert!((value - expected).abs() < 1e-9, "{value}, not {expected}");
}

#[test]
fn runs_over_seeds_are_judged_as_scipy_does() {
    let (athanor, uids) = seeds();
    let whole = athanor.json(&with(&uids, &[]));
    assert_eq!(
        (whole["target"].as_str(), whole["groups"].as_array().map(Vec::len)),
        (Some("val/loss"), Some(2))
    );
    assert_eq!(whole["set_aside"], serde_json::json!(["out_dir", "seed"]));
    let verdict = &whole["verdicts"][0]["groups"][1];
    // scipy.stats.ttest_rel(kd, plain).confidence_interval(0.95)
    assert_eq!((&verdict["outcome"], &verdict["method"]), (&"better".into(), &"paired".into()));
    near(&verdict["difference"], -0.055);
    near(&verdict["interval"][0], -0.082_061_439_450_014_43);
    near(&verdict["interval"][1], -0.027_938_560_549_985_58);
    // Of four seeds on one side they are no pairs: scipy.stats.ttest_ind(kd, plain[:4], equal_var=False).
    let fewer: Vec<String> =
        uids.iter().enumerate().filter(|(place, _)| *place != 4).map(|(_, uid)| uid.clone()).collect();
    let whole = athanor.json(&with(&fewer, &[]));
    assert_eq!(whole["verdicts"][0]["groups"][1]["method"], "welch");

    let text = athanor.ok(&with(&uids, &["--baseline", &uids[9]]));
    assert!(
        text.contains(
            "no kd is worse than kd=0.7 by 0.055 (12 %), 95 % interval 0.028 to 0.082, 5 pairs by seed."
        ),
        "{text}"
    );
    assert!(text.contains("Not counted as a difference between groups: out_dir, seed"), "{text}");
    // By another column every run stands for itself.
    let single = athanor.json(&with(&uids[..2], &["--group-by", "config.seed"]));
    assert_eq!(single["verdicts"][0]["groups"][1]["outcome"], "too_few");
    let words = single["summary"][0].as_str().unwrap_or_default();
    assert!(words.starts_with("Too few runs to tell: plain 1 was worse than plain 0 by 0.020"), "{words}");
    // The other way round, by a goal of one’s own, at another value.
    let turned =
        athanor.json(&with(&uids, &["--goal", "val/loss=max", "--value", "last", "--target", "val/loss"]));
    assert_eq!(
        (&turned["metrics"][0]["goal"], &turned["metrics"][0]["named"]),
        (&"max".into(), &false.into())
    );
    assert_eq!(turned["metrics"][0]["last"][0]["value"], 0.9);
}

#[test]
fn what_differs_is_printed_by_type_and_by_line() {
    let (athanor, uids) = seeds();
    let pair = [uids[0].clone(), uids[5].clone()];
    let folder = |name: &str| athanor.work().join("runs").join(name);
    std::fs::write(folder("plain 0").join("requirements.txt"), "torch==2.4.0\nnumpy==1.26\n")
        .expect("written");
    std::fs::write(folder("kd 0").join("requirements.txt"), "torch==2.5.1\nnumpy==1.26\n").expect("written");
    let text = athanor.ok(&with(&pair, &["--configs", "--environment", "--code"]));
    let lines: Vec<&str> = text.lines().collect();
    let has = |line: &str| {
        assert!(lines.iter().any(|it| it.split_whitespace().eq(line.split_whitespace())), "{line}\n{text}")
    };
    has("kd + 0.7");
    has("out_dir plain0 ~ kd0");
    assert!(!lines.iter().any(|line| line.starts_with("lr ")), "1e-3 is 0.001\n{text}");
    has("val/loss ↓ 0.5 0.45 ✓ (-10.0 %)");
    // By line they differ.
    has("-lr: 0.001");
    has("+lr: 1e-3");
    has("torch 2.4.0 ~ 2.5.1");
    assert!(!text.contains("numpy"), "{text}");
    assert!(text.contains("nothing in the files of “plain 0” says which commit"), "{text}");

    let markdown = athanor.ok(&with(&pair, &["--markdown"]));
    assert!(
        markdown.starts_with("## Comparison of 2 runs\n\n|  | plain 0 (baseline) | kd 0 |\n"),
        "{markdown}"
    );
    assert!(markdown.contains("| kd |  | 0.7 |\n") && !markdown.contains("| lr |"), "{markdown}");
    let all = athanor.ok(&with(&pair, &["--all"]));
    assert!(all.lines().any(|line| line.starts_with("lr ")), "{all}");
}

#[test]
fn what_cannot_be_compared_is_refused_with_the_reason() {
    let (athanor, uids) = seeds();
    let refused = |arguments: &[&str], why: &str| {
        let (_, said) = athanor.fails(arguments);
        assert!(said.contains(why), "{arguments:?}: {said}");
    };
    refused(&["compare", &uids[0]], "2 values");
    refused(&["compare", &uids[0], &uids[0]], "stands there twice");
    refused(&["compare", &uids[0], "rnothere000"], "there is no run “rnothere000”");
    refused(
        &["compare", &uids[0], &uids[1], "--baseline", &uids[2]],
        "is none of the runs that are compared",
    );
    refused(
        &["compare", &uids[0], &uids[1], "--target", "reward"],
        "none of these runs has a metric “reward”",
    );
    refused(&["compare", &uids[0], &uids[1], "--goal", "val/loss=low"], "neither min nor max");
    refused(&["compare", &uids[0], &uids[1], "--group-by", "config"], "there is no column “config”");
}

fn git(folder: &Path, words: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"])
        .args(words)
        .current_dir(folder)
        .output()
        .expect("git starts");
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn code_is_compared_by_git_and_nothing_of_a_repository_is_run() {
    let athanor = Athanor::serving(1);
    let work = athanor.work();
    git(&work, &["init", "-q"]);
    athanor.file("train.py", "a = 1\nb = 2\nc = 3\n");
    athanor.file("weights.bin", "x\0y");
    git(&work, &["add", "train.py", "weights.bin"]);
    git(&work, &["commit", "-qm", "one"]);
    let first = git(&work, &["rev-parse", "HEAD"]);
    athanor.file("train.py", "a = 1\nb = 20\nc = 3\n");
    athanor.file("weights.bin", "x\0z");
    athanor.file("new file.py", "d = 4\n");
    git(&work, &["add", "train.py", "weights.bin", "new file.py"]);
    git(&work, &["commit", "-qm", "two"]);
    let second = git(&work, &["rev-parse", "HEAD"]);
    // All of this would be started by a careless diff.
    let trap = work.join("trap.sh");
    script(&trap, &format!("#!/bin/sh\ntouch '{}'\ncat \"$1\"\n", work.join("sprung").display()));
    let trap = trap.display().to_string();
    for key in ["diff.external", "diff.trap.textconv", "diff.trap.command", "core.fsmonitor", "core.pager"] {
        git(&work, &["config", key, &trap]);
    }
    athanor.file(".gitattributes", "*.py diff=trap\n*.bin diff=trap\n");
    std::fs::create_dir_all(work.join(".git/info")).expect("made");
    std::fs::write(work.join(".git/info/attributes"), "*.py diff=trap\n*.bin diff=trap\n").expect("written");

    for (name, commit) in
        [("one", first.as_str()), ("two", &second[..12]), ("far", "abcdef1234567"), ("odd", "--output=x")]
    {
        run(&athanor, name, "lr: 1\n", &[1.0], Some(commit));
    }
    watching(&athanor);
    let (one, two) = (uid(&athanor, "one"), uid(&athanor, "two"));
    let text = athanor.ok(&["compare", &one, &two, "--code"]);
    for line in ["added +1 -0 new file.py", "changed +1 -1 train.py", "changed binary binary weights.bin"] {
        assert!(text.lines().any(|it| it.split_whitespace().eq(line.split_whitespace())), "{line}\n{text}");
    }
    for (name, why) in [("far", "has no commit abcdef1234"), ("odd", "is no commit of git")] {
        let text = athanor.ok(&["compare", &one, &uid(&athanor, name), "--code"]);
        assert!(text.contains(why), "{text}");
    }
    assert!(!work.join("sprung").exists(), "a program of the repository was started");
    assert!(!work.join("x").exists());
}

#[test]
fn a_secret_is_said_to_differ_and_never_shown() {
    let athanor = Athanor::serving(2);
    let job = |name: &str, token: &str| {
        std::fs::create_dir_all(athanor.work().join(name)).expect("made");
        let cwd = athanor.work().join(name).display().to_string();
        let token = format!("HF_TOKEN={token}");
        let line = "printf 'step,loss\\n1,0.5\\n2,0.25\\n' > metrics.csv";
        athanor.add(&[
            "--cwd", &cwd, "--env", &token, "--env", "LEVEL=1", "--name", name, "--", "sh", "-c", line,
        ])
    };
    for (name, token) in [("alpha", "hf_first_secret"), ("beta", "hf_other_secret")] {
        let experiment = job(name, token);
        athanor.until_status(&experiment, "completed");
    }
    let wait = || {
        ["alpha", "beta"]
            .map(|name| athanor.json(&["runs", "ls", &format!("name = {name}")])["total"].clone())
    };
    crate::wait::wait_until("both are in the index", || (wait() == [1, 1]).then_some(()));
    let pair = ["alpha", "beta"].map(|name| uid(&athanor, name));
    let whole = athanor.json(&with(&pair, &["--environment"]));
    let sections = whole["environment"]["sections"].as_array().cloned().unwrap_or_default();
    let facts: Vec<Value> =
        sections.iter().flat_map(|it| it["facts"].as_array().cloned().unwrap_or_default()).collect();
    let fact =
        |key: &str| facts.iter().find(|fact| fact["key"] == key).unwrap_or_else(|| panic!("{key}: {whole}"));
    assert_eq!(
        (&fact("HF_TOKEN")["differs"], &fact("HF_TOKEN")["values"]),
        (&true.into(), &serde_json::json!(["•••", "•••"]))
    );
    assert_eq!(fact("LEVEL")["differs"], false);
    assert_eq!(fact("Folder")["differs"], true);
    for told in [
        whole.to_string(),
        athanor.ok(&with(&pair, &["--environment"])),
        athanor.ok(&with(&pair, &["--markdown"])),
    ] {
        assert!(!told.contains("hf_first") && !told.contains("hf_other"), "{told}");
    }
}
