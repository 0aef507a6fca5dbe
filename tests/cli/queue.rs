//! Queueing, running, ending.

use crate::harness::{Athanor, lives};
use crate::wait::wait_until;

#[test]
fn a_job_runs_and_its_exit_status_is_the_kernels() {
    let athanor = Athanor::serving(2);
    for (line, status, code) in
        [("exit 0", "completed", 0), ("exit 3", "failed", 3), ("exit 255", "failed", 255)]
    {
        let uid = athanor.add_shell(line);
        let detail = athanor.until_status(&uid, status);
        assert_eq!(detail["attempts"][0]["exit_code"], code, "{line}");
        assert_eq!(detail["attempts"].as_array().map(Vec::len), Some(1));
    }
    let uid = athanor.add_shell("kill -SEGV $$");
    let detail = athanor.until_status(&uid, "failed");
    assert_eq!(detail["attempts"][0]["signal"], 11);
    assert_eq!(detail["experiment"]["failure"]["reason"], "signal");
}

#[test]
fn jobs_start_in_order_and_never_more_than_the_slots() {
    let athanor = Athanor::serving(1);
    let gate = athanor.work().join("gate");
    let held = athanor.add_shell("while [ ! -e gate ]; do sleep 0.02; done");
    athanor.until_status(&held, "running");
    let low = athanor.ok(&["add", "--priority", "low", "--", "sh", "-c", "echo low >> order"]);
    let normal = athanor.ok(&["add", "--", "sh", "-c", "echo normal >> order"]);
    let urgent = athanor.ok(&["add", "--priority", "urgent", "--", "sh", "-c", "echo urgent >> order"]);
    let reason = athanor.experiment(low.trim())["wait_reason"].clone();
    assert_eq!(reason, "1 of 1 slot taken, 2 ahead of it");
    std::fs::write(gate, "").expect("opened");
    assert_eq!(athanor.run(&["wait", low.trim(), normal.trim(), urgent.trim()]).status.code(), Some(0));
    let order = std::fs::read_to_string(athanor.work().join("order")).expect("written");
    assert_eq!(order, "urgent\nnormal\nlow\n");
}

#[test]
fn a_paused_queue_starts_nothing_and_what_runs_goes_on() {
    let athanor = Athanor::serving(2);
    let running = athanor.add_shell("while [ ! -e gate ]; do sleep 0.02; done");
    athanor.until_status(&running, "running");
    athanor.ok(&["queue", "pause"]);
    let waiting = athanor.add_shell("true");
    assert_eq!(athanor.experiment(&waiting)["wait_reason"], "The queue is paused");
    std::fs::write(athanor.work().join("gate"), "").expect("opened");
    athanor.until_status(&running, "completed");
    assert_eq!(athanor.status(&waiting), "queued");
    athanor.ok(&["queue", "resume"]);
    athanor.until_status(&waiting, "completed");
}

#[test]
fn cancel_ends_a_tree_that_ignores_sigterm() {
    let athanor = Athanor::serving(1);
    let line = "trap '' TERM; (trap '' TERM; setsid sh -c 'trap \"\" TERM; echo $$ > grandchild; while :; do sleep 1; done' &) ; \
                echo $$ > child; while :; do sleep 1; done";
    let uid = athanor.ok(&["add", "--shell", "--grace", "200ms", "--", line]).trim().to_owned();
    let pid = |name: &str| -> u32 {
        wait_until("the pid is written", || {
            std::fs::read_to_string(athanor.work().join(name)).ok()?.trim().parse().ok()
        })
    };
    let (child, grandchild) = (pid("child"), pid("grandchild"));
    athanor.ok(&["cancel", &uid]);
    let detail = athanor.until_status(&uid, "cancelled");
    assert_eq!(detail["attempts"][0]["signal"], 9);
    assert!(!lives(child), "the job is gone");
    assert!(!lives(grandchild), "and so is what it left in a session of its own");
    let (code, message) = athanor.fails(&["cancel", &uid]);
    assert_eq!(code, 4, "{message}");
    assert!(message.contains("cancel is not possible for a cancelled experiment"), "{message}");
}

#[test]
fn a_waiting_job_is_cancelled_at_once() {
    let athanor = Athanor::serving(1);
    athanor.ok(&["queue", "pause"]);
    let uid = athanor.add_shell("touch ran");
    athanor.ok(&["cancel", &uid]);
    assert_eq!(athanor.status(&uid), "cancelled");
    athanor.ok(&["queue", "resume"]);
    let after = athanor.add_shell("true");
    athanor.until_status(&after, "completed");
    assert!(!athanor.work().join("ran").exists());
}

#[test]
fn a_time_limit_is_kept_and_said() {
    let athanor = Athanor::serving(1);
    let uid = athanor
        .ok(&["add", "--time-limit", "200ms", "--grace", "100ms", "--", "sleep", "60"])
        .trim()
        .to_owned();
    let detail = athanor.until_status(&uid, "failed");
    assert_eq!(detail["experiment"]["failure"]["reason"], "time_limit");
}

#[test]
fn the_environment_is_the_shells_and_secrets_are_hidden() {
    let athanor = Athanor::serving(1);
    let mut command = athanor.command(&[
        "add",
        "-e",
        "EXTRA=1",
        "--shell",
        "--",
        "echo $FROM_SHELL $EXTRA $MY_API_KEY $ATHANOR_EXPERIMENT_UID",
    ]);
    let output = command.env("FROM_SHELL", "yes").env("MY_API_KEY", "s3cret-value").output().expect("runs");
    let uid = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    athanor.until_status(&uid, "completed");
    assert_eq!(athanor.ok(&["log", &uid]), format!("yes 1 s3cret-value {uid}\n"));
    let shown = athanor.ok(&["--json", "show", &uid]);
    assert!(shown.contains("MY_API_KEY") && !shown.contains("s3cret-value"), "named, not shown");
    for file in ["athanor.db", "athanor.db-wal"] {
        let bytes = std::fs::read(athanor.home().join(file)).expect("there");
        assert!(!bytes.windows(12).any(|window| window == b"s3cret-value"), "not readable in {file}");
    }
}

#[test]
fn wait_tells_by_its_exit_code_what_became_of_them() {
    let athanor = Athanor::serving(2);
    let (good, bad) = (athanor.add_shell("true"), athanor.add_shell("exit 9"));
    assert_eq!(athanor.run(&["wait", &good]).status.code(), Some(0));
    assert_eq!(athanor.run(&["wait", &good, &bad]).status.code(), Some(20));
    athanor.ok(&["queue", "pause"]);
    let never = athanor.add_shell("true");
    athanor.ok(&["cancel", &never]);
    assert_eq!(athanor.run(&["wait", &never]).status.code(), Some(21));
    assert_eq!(athanor.run(&["wait", "--all"]).status.code(), Some(0), "nothing is open any more");
}

#[test]
fn events_tell_the_story_in_order_once() {
    let athanor = Athanor::serving(1);
    let uid = athanor.add_shell("exit 1");
    athanor.until_status(&uid, "failed");
    let text = athanor.ok(&["--json", "events"]);
    let events: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let of_job: Vec<&str> = events
        .iter()
        .filter(|event| event["uid"] == uid)
        .map(|event| event["what"].as_str().expect("a word"))
        .collect();
    assert_eq!(of_job, ["added", "started", "failed"]);
    let cursors: Vec<u64> = events.iter().map(|event| event["cursor"].as_u64().expect("a number")).collect();
    assert!(cursors.windows(2).all(|pair| pair[0] < pair[1]), "{cursors:?}");
}

#[test]
fn again_means_the_same_environment_secrets_included() {
    let athanor = Athanor::serving(1);
    let mut command = athanor.command(&["add", "--shell", "-t", "base", "--", "echo $MY_TOKEN; exit 3"]);
    let output = command.env("MY_TOKEN", "t0ken").output().expect("runs");
    let first = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    athanor.until_status(&first, "failed");
    let second = athanor.ok(&["again", &first]).trim().to_owned();
    assert_ne!(first, second);
    let detail = athanor.until_status(&second, "failed");
    assert_eq!(detail["experiment"]["tags"][0], "base");
    assert_eq!(athanor.ok(&["log", &second]), "t0ken\n");
    assert_eq!(athanor.status(&first), "failed", "the first stays as it was");
}
