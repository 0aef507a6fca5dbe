//! Jobs outlive the engine, and nothing is lost, doubled or guessed.

use std::collections::BTreeMap;

use crate::harness::{Athanor, lives};
use crate::wait::{wait_a_moment, wait_until};

#[test]
fn a_running_job_is_found_again_with_its_log_and_true_end() {
    let mut athanor = Athanor::serving(1);
    let uid = athanor.add_shell("i=0; while [ ! -e gate ]; do i=$((i+1)); echo $i; sleep 0.01; done; exit 7");
    let job = athanor.job_pid(&uid);
    athanor.kill_engine();
    wait_a_moment(100);
    assert!(lives(job), "the job goes on");
    athanor.serve(&[]);
    assert_eq!(athanor.status(&uid), "running");
    assert_eq!(athanor.json(&["show", &uid])["attempts"][0]["pid"], job);
    std::fs::write(athanor.work().join("gate"), "").expect("opened");
    let detail = athanor.until_status(&uid, "failed");
    assert_eq!(detail["attempts"][0]["exit_code"], 7);
    assert_eq!(detail["attempts"].as_array().map(Vec::len), Some(1), "found, not started again");
    let log = athanor.ok(&["log", &uid]);
    let counted: Vec<usize> = log.lines().map(|line| line.parse().expect("a number")).collect();
    assert_eq!(counted, (1..=counted.len()).collect::<Vec<_>>(), "without a gap");
}

#[test]
fn a_cancel_that_an_engine_did_not_live_to_see_takes_effect() {
    let mut athanor = Athanor::serving(1);
    let line = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
    let uid = athanor.ok(&["add", "--shell", "--grace", "400ms", "--", line]).trim().to_owned();
    wait_until("the trap is set", || (athanor.ok(&["log", &uid]) == "ready\n").then_some(()));
    athanor.ok(&["cancel", &uid]);
    athanor.kill_engine();
    athanor.serve(&[]);
    athanor.until_status(&uid, "cancelled");
}

#[test]
fn an_orderly_stop_leaves_jobs_running() {
    let mut athanor = Athanor::serving(1);
    let uid = athanor.add_shell("while [ ! -e gate ]; do sleep 0.02; done");
    let job = athanor.job_pid(&uid);
    athanor.stop_engine();
    assert!(lives(job));
    athanor.serve(&[]);
    std::fs::write(athanor.work().join("gate"), "").expect("opened");
    athanor.until_status(&uid, "completed");
}

/// Forty jobs, an engine that is killed again and again at arbitrary instants: each job runs exactly once, and
/// each outcome is the kernel's.
#[test]
fn killed_at_any_instant_nothing_runs_twice_and_nothing_is_lost() {
    const JOBS: usize = 40;
    let mut athanor = Athanor::serving(3);
    let mut expected = BTreeMap::new();
    // A small generator with a fixed seed: the instants differ with the machine's mood anyway.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    for job in 0..JOBS {
        let code = job % 4;
        let uid = athanor
            .add_shell(&format!("echo $ATHANOR_EXPERIMENT_UID >> ran; sleep 0.0{}; exit {code}", job % 7));
        expected.insert(uid, code as u64);
        if job % 4 == 3 {
            wait_a_moment(random(40));
            athanor.kill_engine();
            athanor.serve_unwatched();
        }
    }
    for _ in 0..6 {
        wait_a_moment(random(120));
        athanor.kill_engine();
        athanor.serve_unwatched();
    }
    athanor.until_served();
    // Those that fail under its eyes tell in its exit code; that none is left must be so in any case.
    let waited = athanor.run(&["wait", "--all"]);
    assert!(matches!(waited.status.code(), Some(0 | 20)), "waited to the end: {waited:?}");
    let ran = std::fs::read_to_string(athanor.work().join("ran")).expect("written");
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    ran.lines().for_each(|uid| *times.entry(uid).or_default() += 1);
    for (uid, code) in &expected {
        assert_eq!(times.get(uid.as_str()), Some(&1), "{uid} ran exactly once");
        let detail = athanor.json(&["show", uid]);
        let attempts = detail["attempts"].as_array().expect("attempts");
        assert_eq!(attempts.len(), 1, "{detail}");
        assert_eq!(attempts[0]["exit_code"].as_u64(), Some(*code), "{detail}");
    }
    assert_eq!(times.len(), JOBS);
    let events = athanor.ok(&["--json", "events"]);
    for uid in expected.keys() {
        let of = |what: &str| {
            events
                .lines()
                .filter(|line| line.contains(uid.as_str()) && line.contains(&format!("\"what\":\"{what}\"")))
                .count()
        };
        assert_eq!(of("added"), 1, "{uid}");
        assert_eq!(of("completed") + of("failed"), 1, "{uid}");
        assert_eq!(of("started"), 1 + of("voided"), "{uid}");
    }
}
