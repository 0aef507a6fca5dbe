//! Control groups: where the kernel lets a shim make one, nothing that a job starts gets out of it.

use std::fs;
use std::path::PathBuf;

use athanor_shim::CGROUP;
use athanor_shim::attempt::{end_all, end_orphans};
use athanor_shim::identity::{Identity, Request};
use athanor_shim::record::{Cause, Outcome};
use rustix::process::Signal;

use crate::support::{Bench, is_gone, wait_for, wait_until};

/// Double-forks, founds sessions of its own, and ignores SIGTERM.
const STRAY: &str = "
    trap '' TERM
    ( (setsid sh -c 'trap \"\" TERM; echo $$ >> $T/pids; exec sleep 1000' &) & )
    echo $$ >> $T/pids
    while :; do sleep 1000; done";

/// Whether this machine lets a process make a group below its own. Says so where it does not.
fn groups_may_be_made() -> bool {
    let own = Identity::current().expect("own identity");
    let dir = tempfile::tempdir().expect("temporary folder");
    let made = athanor_shim::cgroup::Group::make(&own, dir.path());
    let may = made.is_some();
    if let Some(group) = made {
        group.remove();
    }
    if !may {
        eprintln!("no control group can be made here (version 2, and owned by this user): nothing to test");
    }
    may
}

/// The job's group, once it has one.
fn group(bench: &Bench) -> PathBuf {
    wait_for("the job has a group", || {
        fs::read_to_string(bench.dir.join(CGROUP)).ok().filter(|it| !it.is_empty())
    })
    .into()
}

fn members(group: &std::path::Path) -> Vec<u32> {
    let text = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

#[test]
fn a_job_that_lives_for_a_second_has_a_group_and_nobody_survives_in_it() {
    if !groups_may_be_made() {
        return;
    }
    let bench = Bench::new();
    let running = bench.start(&["--grace-ms", "200"], STRAY);
    let processes = bench.pids("pids", 2);
    let group = group(&bench);
    wait_until("all are in it", || processes.iter().all(|process| members(&group).contains(&process.pid)));
    assert!(!members(&group).contains(&running.started().shim.pid), "the supervisor itself is not");
    running.request(Request::Cancel);
    let exit = running.finish();
    assert_eq!((exit.cause, exit.outcome), (Cause::Cancel, Outcome::Signaled { signal: 9, core: false }));
    assert!(processes.iter().all(is_gone), "all have ended");
    assert!(!group.exists(), "and the group is removed");
}

#[test]
fn what_a_killed_shim_leaves_is_found_by_its_group() {
    if !groups_may_be_made() {
        return;
    }
    let bench = Bench::new();
    let mut running = bench.start(&[], STRAY);
    let processes = bench.pids("pids", 2);
    let group = group(&bench);
    wait_until("all are in it", || processes.iter().all(|process| members(&group).contains(&process.pid)));
    let started = running.started();
    assert_eq!(
        end_all(&bench.dir, &started.shim, Some(&started.job)).expect("readable"),
        0,
        "it still lives"
    );
    running.child.kill().expect("kill");
    running.child.wait().expect("wait");
    assert!(!processes.iter().any(is_gone), "they outlive it");
    // The stray one has a session of its own and no parent: by the tree alone it is a stranger.
    end_orphans(&started.shim, Some(&started.job), Signal::KILL).expect("readable");
    assert!(processes.iter().any(|process| !is_gone(process)), "the tree does not lead to it");
    assert!(end_all(&bench.dir, &started.shim, Some(&started.job)).expect("readable") >= 1);
    wait_until("all have ended", || processes.iter().all(is_gone));
    assert_eq!(end_all(&bench.dir, &started.shim, Some(&started.job)).expect("readable"), 0);
}

#[test]
fn a_job_that_is_over_at_once_never_has_one() {
    let bench = Bench::new();
    bench.start(&[], "true").finish();
    assert!(!bench.dir.join(CGROUP).exists());
}
