//! The process that forks supervisors is killed under the engine.

use athanor_shim::tree::Stat;
use rustix::process::Signal;

use crate::harness::{Athanor, lives, signal};
use crate::wait::{wait_a_moment, wait_until};

fn parent(pid: u32) -> u32 {
    Stat::read(pid).expect("readable").expect("it lives").ppid
}

/// The engine's nursery, if it has one now. A supervisor that was started as a program is a child as well.
fn nursery_of(engine: u32) -> Option<Stat> {
    let children = athanor_shim::tree::descendants(engine).expect("readable");
    children.into_iter().filter(|stat| stat.ppid == engine).find(|stat| {
        std::fs::read(format!("/proc/{}/cmdline", stat.pid)).is_ok_and(|line| line.ends_with(b"--nursery\0"))
    })
}

fn gate(athanor: &Athanor, name: &str) -> String {
    athanor.add_shell(&format!("until [ -e {name} ]; do sleep 0.01; done; exit 3"))
}

#[test]
fn jobs_go_on_without_the_nursery_and_the_next_has_a_new_one() {
    let athanor = Athanor::serving(2);
    let first = gate(&athanor, "first");
    let shim = athanor.shim_pid(&first);
    let nursery = parent(shim);
    signal(nursery, Signal::KILL);
    wait_until("the nursery is gone", || (!lives(nursery)).then_some(()));
    let second = gate(&athanor, "second");
    let successor = parent(athanor.shim_pid(&second));
    assert_ne!(successor, nursery);
    assert!(lives(shim), "a supervisor needs no nursery");
    for (uid, name) in [(&first, "first"), (&second, "second")] {
        std::fs::write(athanor.work().join(name), "").expect("opened");
        let detail = athanor.until_status(uid, "failed");
        assert_eq!(detail["attempts"][0]["exit_code"], 3, "{detail}");
    }
}

#[test]
fn a_nursery_ends_with_its_engine_and_its_jobs_do_not() {
    let mut athanor = Athanor::serving(1);
    let uid = gate(&athanor, "gate");
    let shim = athanor.shim_pid(&uid);
    let nursery = parent(shim);
    athanor.kill_engine();
    wait_until("the nursery has ended", || (!lives(nursery)).then_some(()));
    assert!(lives(shim));
    athanor.serve(&["--slots", "1"]);
    std::fs::write(athanor.work().join("gate"), "").expect("opened");
    let detail = athanor.until_status(&uid, "failed");
    assert_eq!(detail["attempts"][0]["exit_code"], 3, "{detail}");
}

#[test]
fn killed_again_and_again_it_loses_and_repeats_nothing() {
    let athanor = Athanor::serving(2);
    let uids: Vec<String> = (0..30)
        .map(|number| {
            // It may be starting, working or waiting by now.
            if number % 3 == 0
                && let Some(nursery) = nursery_of(athanor.engine_pid())
            {
                nursery.signal(Signal::KILL).expect("it may be signalled");
                wait_a_moment(number % 7);
            }
            athanor.add_shell("echo $ATHANOR_EXPERIMENT_UID >> ran")
        })
        .collect();
    wait_until("all have ended", || {
        let queue = athanor.json(&["status"])["queue"].clone();
        (queue["completed"].as_u64() == Some(uids.len() as u64)).then_some(())
    });
    let ran = std::fs::read_to_string(athanor.work().join("ran")).expect("written");
    for uid in &uids {
        assert_eq!(ran.lines().filter(|line| line == uid).count(), 1, "{uid} ran exactly once");
        assert_eq!(athanor.status(uid), "completed");
    }
    assert_eq!(ran.lines().count(), uids.len());
}
