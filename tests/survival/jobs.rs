//! Jobs of all kinds, and what must hold of them at the end, whoever was killed meanwhile: every job ran exactly as
//! often as its attempts say, each outcome is the kernel's, and no event is missing or doubled.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

/// Jobs of one call; the later ones of a call may wait for the earlier ones.
pub const BATCH: usize = 10;

/// A job that says that it runs, which attempt that is and how it will end, and then does so. `$1` is how often it has
/// run when it first succeeds; 0 means never.
pub const JOB: &str = r#"#!/bin/sh
runs=$(grep -c "^$ATHANOR_EXPERIMENT_UID " ran 2>/dev/null || true)
code=$2
[ "$1" -gt 0 ] && { [ "$((runs + 1))" -ge "$1" ] && code=0 || code=9; }
echo "$ATHANOR_EXPERIMENT_UID $ATHANOR_ATTEMPT $code" >> ran
sleep "$3"
exit "$code"
"#;

/// A small generator with a fixed seed: the instants differ with the machine's mood anyway.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Ten jobs as a text: plain ones, ones that wait for others, one with retries, one that is held, slow ones.
pub fn batch(first: usize, random: &mut Random) -> String {
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

/// Checks so many jobs that ran in a folder. `ask` gives what the command line prints for these arguments.
pub fn check(ask: &dyn Fn(&[&str]) -> String, work: &Path, jobs: usize) {
    // What the jobs themselves have said.
    let ran = std::fs::read_to_string(work.join("ran")).expect("written");
    let mut said: BTreeMap<(String, u64), u64> = BTreeMap::new();
    for line in ran.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [uid, attempt, code] = words[..] else { panic!("a torn line: {line}") };
        let key = (uid.to_owned(), attempt.parse().expect("a number"));
        let twice = said.insert(key, code.parse().expect("a number"));
        assert_eq!(twice, None, "{uid} ran twice as attempt {attempt}");
    }
    let events: Vec<Value> = ask(&["--json", "events"])
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
        let detail = ask(&["--json", "show", &format!("job{job}")]);
        let detail: Value = serde_json::from_str(&detail).expect("JSON");
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
