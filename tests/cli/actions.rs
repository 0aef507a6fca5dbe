//! What is done with experiments that are there: pausing, holding, moving, retrying, putting away, deleting.

use athanor_shim::tree::{Stat, descendants};

use crate::harness::Athanor;
use crate::wait::wait_until;

const GATE: &str = "while [ ! -e gate ]; do sleep 0.02; done";

#[test]
fn a_paused_job_stands_still_and_goes_on() {
    let athanor = Athanor::serving(1);
    let uid = athanor.add_shell("while [ ! -e gate ]; do date +%N > beat; sleep 0.02; done");
    let pid = athanor.job_pid(&uid);
    athanor.ok(&["pause", &uid]);
    athanor.until_status(&uid, "paused");
    wait_until("its process was stopped", || stands_still(pid).then_some(()));
    athanor.ok(&["resume", &uid]);
    athanor.until_status(&uid, "running");
    athanor.file("gate", "");
    athanor.until_status(&uid, "completed");
}

/// Whether a process was stopped, or waits in the kernel for a child of its own that was: a shell that is stopped
/// between `vfork` and `exec` only takes notice when its child goes on.
fn stands_still(pid: u32) -> bool {
    let stat = Stat::read(pid).expect("readable").expect("there");
    let children = descendants(pid).expect("readable");
    match stat.state {
        b'T' => true,
        b'D' => !children.is_empty() && children.iter().all(|child| child.state == b'T'),
        _ => false,
    }
}

#[test]
fn what_is_held_waits_until_it_is_resumed() {
    let athanor = Athanor::serving(1);
    let held = athanor.add(&["--hold", "--", "true"]);
    let after = athanor.add(&["--", "true"]);
    athanor.until_status(&after, "completed");
    assert_eq!(athanor.status(&held), "pending");
    athanor.ok(&["resume", &held]);
    athanor.until_status(&held, "completed");
    athanor.ok(&["queue", "pause"]);
    let waiting = athanor.add(&["--", "true"]);
    athanor.ok(&["hold", &waiting]);
    assert_eq!(athanor.experiment(&waiting)["held"], true);
    athanor.ok(&["queue", "resume"]);
    assert_eq!(athanor.status(&waiting), "pending");
}

#[test]
fn waiting_ones_move_and_keep_their_order() {
    let athanor = Athanor::serving(1);
    athanor.ok(&["queue", "pause"]);
    for name in ["a", "b", "c", "d"] {
        athanor.add(&["-n", name, "--", "true"]);
    }
    athanor.ok(&["move", "c", "d", "--top"]);
    assert_eq!(athanor.names(&[]), ["c", "d", "a", "b"]);
    athanor.ok(&["move", "c", "--bottom"]);
    assert_eq!(athanor.names(&[]), ["d", "a", "b", "c"]);
    athanor.ok(&["move", "b", "--before", "d"]);
    assert_eq!(athanor.names(&[]), ["b", "d", "a", "c"]);
    athanor.ok(&["move", "b", "--after", "a"]);
    assert_eq!(athanor.names(&[]), ["d", "a", "b", "c"]);
    let (code, _) = athanor.fails(&["move", "a"]);
    assert_eq!(code, 2, "it has to be said where to");
    let (code, _) = athanor.fails(&["move", "a", "--before", "nobody"]);
    assert_eq!(code, 3);
}

#[test]
fn a_failed_one_is_retried_as_a_new_attempt() {
    let athanor = Athanor::serving(1);
    let uid = athanor.add_shell("[ -e good ]");
    athanor.until_status(&uid, "failed");
    athanor.file("good", "");
    athanor.ok(&["retry", &uid]);
    let detail = athanor.until_status(&uid, "completed");
    assert_eq!(detail["attempts"].as_array().map(Vec::len), Some(2));
    let (code, message) = athanor.fails(&["retry", &uid]);
    assert_eq!(code, 4, "{message}");
}

#[test]
fn a_group_is_cancelled_and_retried_together() {
    let athanor = Athanor::serving(3);
    for name in ["a", "b", "c"] {
        athanor.add(&["-n", name, "--group", "g", "--parallel", "1", "--shell", "--", GATE]);
    }
    let other = athanor.add(&["-n", "other", "--shell", "--", GATE]);
    athanor.until_status("a", "running");
    athanor.until_status(&other, "running");
    assert_eq!(athanor.experiment("b")["wait_reason"], "Group g: 1 of 1 running");
    athanor.ok(&["cancel", "--group", "g"]);
    for name in ["a", "b", "c"] {
        athanor.until_status(name, "cancelled");
    }
    assert_eq!(athanor.status(&other), "running", "not of the group");
    athanor.file("gate", "");
    athanor.ok(&["retry", "--group", "g"]);
    for name in ["a", "b", "c"] {
        athanor.until_status(name, "completed");
    }
    let (code, message) = athanor.fails(&["cancel", "--group", "none"]);
    assert_eq!(code, 3, "{message}");
}

#[test]
fn what_is_archived_is_out_of_the_way_and_can_come_back() {
    let athanor = Athanor::serving(1);
    let uid = athanor.add(&["-n", "old", "--key", "k", "--", "true"]);
    athanor.until_status(&uid, "completed");
    athanor.ok(&["archive", &uid]);
    assert!(athanor.names(&["--all"]).is_empty());
    assert_eq!(athanor.names(&["--archived"]), ["old"]);
    let fresh = athanor.add(&["--key", "k", "--", "true"]);
    assert_ne!(fresh, uid, "the key is free again");
    athanor.until_status(&fresh, "completed");
    athanor.ok(&["archive", &fresh]);
    athanor.ok(&["archive", "--undo", &uid]);
    assert_eq!(athanor.names(&["--all"]), ["old"]);
    athanor.ok(&["queue", "pause"]);
    let waiting = athanor.add(&["--", "true"]);
    let (code, message) = athanor.fails(&["archive", &waiting]);
    assert_eq!(code, 4, "{message}");
}

#[test]
fn nothing_is_deleted_unasked() {
    let athanor = Athanor::serving(1);
    let uid = athanor.add_shell("echo result > kept; echo log");
    athanor.until_status(&uid, "completed");
    let (code, message) = athanor.fails(&["delete", &uid]);
    assert_eq!(code, 8, "{message}");
    assert!(message.contains(&uid) && message.contains("--yes"), "{message}");
    assert_eq!(athanor.status(&uid), "completed");
    athanor.ok(&["delete", "--yes", &uid]);
    assert_eq!(athanor.fails(&["show", &uid]).0, 3);
    assert!(!athanor.attempt(&uid, 1).exists(), "its log is gone");
    assert!(athanor.work().join("kept").exists(), "what the job wrote is not");
    let running = athanor.add_shell(GATE);
    athanor.until_status(&running, "running");
    let (code, message) = athanor.fails(&["delete", "--yes", &running]);
    assert_eq!(code, 4, "{message}");
}

#[test]
fn each_of_several_is_done_or_said() {
    let athanor = Athanor::serving(1);
    athanor.ok(&["queue", "pause"]);
    let (one, two) = (athanor.add(&["--", "true"]), athanor.add(&["--", "true"]));
    let output = athanor.run(&["cancel", &one, "nobody", &two]);
    let (out, err) = crate::harness::texts(&output);
    assert_eq!(output.status.code(), Some(3));
    assert!(out.contains(&one) && out.contains(&two), "{out}");
    assert!(err.contains("there is no experiment “nobody”"), "{err}");
    assert_eq!(athanor.status(&two), "cancelled", "a fault before it does not hold it up");
}
