//! The engine is killed again and again at arbitrary instants while jobs with dependencies, retries, pauses and cancels
//! go through. At the end every job ran exactly as often as its attempts say, each outcome is the kernel's, and no
//! event is missing or doubled.
//!
//! `ATHANOR_SURVIVAL` (kills and jobs, `1000,3000`) makes it longer.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::harness::Athanor;
use crate::wait::{wait_a_moment, wait_until};

const KILLS: u64 = 100;
const JOBS: usize = 300;

/// Jobs of one call; the later ones of a call may wait for the earlier ones.
const BATCH: usize = 10;

/// A job that says that it runs, which attempt that is and how it will end, and then does so. `$1` is how often it has
/// run when it first succeeds; 0 means never.
const JOB: &str = r#"#!/bin/sh
runs=$(grep -c "^$ATHANOR_EXPERIMENT_UID " ran 2>/dev/null || true)
code=$2
[ "$1" -gt 0 ] && { [ "$((runs + 1))" -ge "$1" ] && code=0 || code=9; }
echo "$ATHANOR_EXPERIMENT_UID $ATHANOR_ATTEMPT $code" >> ran
sleep "$3"
exit "$code"
"#;

/// A small generator with a fixed seed: the instants differ with the machine's mood anyway.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn extent() -> (u64, usize) {
    let asked = std::env::var("ATHANOR_SURVIVAL").unwrap_or_default();
    let parts =
        asked.split_once(',').and_then(|(kills, jobs)| Some((kills.parse().ok()?, jobs.parse().ok()?)));
    parts.unwrap_or((KILLS, JOBS))
}

/// Ten jobs as a text: plain ones, ones that wait for others, one with retries, one that is held, slow ones.
fn batch(first: usize, random: &mut Random) -> String {
    let mut lines = String::new();
    for n in 0..BATCH {
        let (success, code) = if n == 6 { (3, 0) } else { (0, [0, 0, 1, 0, 0, 2][n % 6]) };
        let sleep = format!("0.0{}", random.below(if n >= 8 { 10 } else { 4 }));
        let mut job = serde_json::json!({
            "command": ["./job", success.to_string(), code.to_string(), sleep],
            "name": format!("job{}", first + n),
            "label": n.to_string(),
            "group": format!("g{}", first / 100),
            "key": format!("key{}", first + n),
        });
        match n {
            3 => job["after"] = serde_json::json!(["@0", "any:@2"]),
            4 => job["after"] = serde_json::json!(["failure:@2"]),
            5 => job["after"] = serde_json::json!(["@2"]),
            6 => (job["retries"], job["backoff"]) = (5.into(), "20ms".into()),
            7 => job["hold"] = true.into(),
            _ => {}
        }
        lines.push_str(&job.to_string());
        lines.push('\n');
    }
    lines
}

#[test]
fn nothing_is_lost_and_nothing_runs_twice() {
    let (kills, jobs) = extent();
    let mut athanor = Athanor::serving(4);
    crate::harness::script(&athanor.work().join("job"), JOB);
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mut added = 0;
    let mut killed = 0;
    while added < jobs || killed < kills {
        if added < jobs {
            let text = batch(added, &mut random);
            // Under their keys the jobs are the same ones, however often the call has to be made.
            let output = athanor.fed(&["add", "--from", "-"], &text);
            if output.status.success() {
                added += BATCH;
            }
        }
        for _ in 0..random.below(3) {
            let verb = ["cancel", "pause", "resume", "retry", "hold"][random.below(5) as usize];
            let name = format!("job{}", random.below(added.max(1) as u64));
            // May come at a time that does not allow it, or when nobody listens.
            let _ = athanor.run(&[verb, &name]);
        }
        if killed < kills {
            wait_a_moment(random.below(60));
            athanor.kill_engine();
            athanor.serve_unwatched();
            killed += 1;
        }
    }
    wait_until("the last engine answers", || athanor.run(&["status"]).status.success().then_some(()));
    wait_until("nothing is left", || {
        for group in 0..jobs.div_ceil(100) {
            let _ = athanor.run(&["resume", "--group", &format!("g{group}")]);
        }
        let stats = athanor.json(&["status"])["queue"].clone();
        let left = ["pending", "queued", "running", "paused"].map(|word| stats[word].as_u64().unwrap_or(1));
        (left.iter().sum::<u64>() == 0).then_some(())
    });
    check(&athanor, jobs);
}

fn check(athanor: &Athanor, jobs: usize) {
    // What the jobs themselves have said.
    let ran = std::fs::read_to_string(athanor.work().join("ran")).expect("written");
    let mut said: BTreeMap<(String, u64), u64> = BTreeMap::new();
    for line in ran.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [uid, attempt, code] = words[..] else { panic!("a torn line: {line}") };
        let key = (uid.to_owned(), attempt.parse().expect("a number"));
        let twice = said.insert(key, code.parse().expect("a number"));
        assert_eq!(twice, None, "{uid} ran twice as attempt {attempt}");
    }
    let events: Vec<Value> = athanor
        .ok(&["--json", "events"])
        .lines()
        .map(|line| serde_json::from_str(line).expect("an event"))
        .collect();
    let cursors: Vec<u64> = events.iter().map(|event| event["cursor"].as_u64().expect("a cursor")).collect();
    assert!(cursors.windows(2).all(|pair| pair[0] < pair[1]), "cursors grow");
    let mut told: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for event in &events {
        if let (Some(uid), Some(what)) = (event["uid"].as_str(), event["what"].as_str()) {
            // An end without an attempt is one of a job that had not started.
            let of_attempt = !event["attempt"].is_null();
            let what = match what {
                "cancelled" | "failed" if !of_attempt => "ended_waiting",
                other => other,
            };
            *told.entry(uid).or_default().entry(what).or_default() += 1;
        }
    }
    let mut uids = BTreeSet::new();
    for job in 0..jobs {
        let detail = athanor.json(&["show", &format!("job{job}")]);
        let experiment = &detail["experiment"];
        let uid = experiment["uid"].as_str().expect("a uid").to_owned();
        let attempts = detail["attempts"].as_array().expect("attempts").clone();
        for attempt in &attempts {
            let number = attempt["number"].as_u64().expect("a number");
            let mine = said.remove(&(uid.clone(), number));
            match (attempt["exit_code"].as_u64(), mine) {
                (Some(code), Some(mine)) => assert_eq!(code, mine, "the outcome is the kernel's: {detail}"),
                // Ended by a signal on the way, as it was asked to.
                (None, _) => assert_eq!(attempt["status"], "cancelled", "{detail}"),
                (Some(_), None) => panic!("{uid} has an exit code of an attempt that never ran: {detail}"),
            }
        }
        let none = BTreeMap::new();
        let of = |what: &str| told.get(uid.as_str()).unwrap_or(&none).get(what).copied().unwrap_or(0);
        assert_eq!(of("added"), 1, "{uid}");
        assert_eq!(of("started"), attempts.len() + of("voided"), "{uid}: {detail}");
        let ends = of("completed") + of("failed") + of("cancelled") + of("retrying");
        assert_eq!(ends, attempts.len(), "{uid}: every attempt ended once: {:?}", told.get(uid.as_str()));
        if experiment["status"] == "completed" {
            for parent in detail["after"].as_array().expect("parents") {
                let met = match parent["when"].as_str() {
                    Some("success") => parent["status"] == "completed",
                    _ => true,
                };
                assert!(met, "{uid} ran before it might: {detail}");
            }
        }
        assert!(uids.insert(uid), "each job is there once");
    }
    assert!(said.is_empty(), "these ran and nobody knows of it: {said:?}");
}
