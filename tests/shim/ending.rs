//! Cancel, time limit, pause, and that no process survives.

use std::fs;
use std::time::{Duration, Instant};

use athanor_shim::identity::Request;
use athanor_shim::record::{Cause, Outcome};
use athanor_shim::tree;

use crate::support::{Bench, is_gone, state, wait_until};

const BY_TERM: Outcome = Outcome::Signaled { signal: 15, core: false };
const BY_KILL: Outcome = Outcome::Signaled { signal: 9, core: false };

/// Waits without starting a process: a shell that waits for `vfork` cannot be seen to be stopped, though it is.
const BUSY: &str = "while [ ! -e $T/go ]; do :; done";

/// Three generations that ignore SIGTERM: in the group, in another session, and orphaned in another session.
const STUBBORN: &str = "
    trap '' TERM
    note='echo $$ >> $T/pids; exec sleep 1000'
    sh -c \"$note\" &
    setsid sh -c \"$note\" &
    ( (setsid sh -c \"$note\" &) & )
    sh -c \"setsid sh -c '(setsid sleep 1000 & echo \\$! >> $T/pids) & sleep 1000' & exit\"
    echo $$ >> $T/pids
    while :; do sleep 1000; done";

#[test]
fn cancel_lets_the_job_end_by_itself() {
    let bench = Bench::new();
    let running =
        bench.start(&[], "trap 'echo saved; exit 3' TERM; touch $T/ready; while :; do sleep 0.01; done");
    bench.wait_file("ready");
    running.request(Request::Cancel);
    let exit = running.finish();
    assert_eq!((exit.outcome, exit.cause), (Outcome::Exited { code: 3 }, Cause::Cancel));
    // The shell may also remark that its `sleep`, which is in the group, was terminated.
    let output = String::from_utf8(bench.output()).expect("UTF-8");
    assert!(output.lines().any(|line| line == "saved"), "{output}");
}

#[test]
fn cancel_ends_what_does_not_handle_it() {
    let bench = Bench::new();
    let running = bench.start(&[], "touch $T/ready; exec sleep 1000");
    bench.wait_file("ready");
    running.request(Request::Cancel);
    let exit = running.finish();
    assert_eq!((exit.outcome, exit.cause), (BY_TERM, Cause::Cancel));
}

#[test]
fn nobody_survives_a_cancel() {
    let bench = Bench::new();
    let running = bench.start(&["--grace-ms", "200"], STUBBORN);
    let processes = bench.pids("pids", 5);
    running.request(Request::Cancel);
    let exit = running.finish();
    assert_eq!((exit.outcome, exit.cause), (BY_KILL, Cause::Cancel));
    assert!(exit.elapsed_ms >= 200, "the grace period was kept");
    assert!(exit.survivors_killed >= 4, "{exit:?}");
    assert_eq!(exit.survivors_left, 0);
    for process in processes {
        assert!(is_gone(&process), "{process} outlived its job");
    }
}

#[test]
fn a_second_cancel_does_not_wait() {
    let bench = Bench::new();
    let running = bench.start(&["--grace-ms", "1000000"], STUBBORN);
    let processes = bench.pids("pids", 5);
    // Two signals that come before the shim looks are one to the kernel, so this asks until it is understood.
    let shim = running.started().shim.open().expect("pidfd").expect("the shim runs");
    wait_until("the shim has ended", || {
        shim.request(Request::Cancel).expect("the shim may be signalled");
        is_gone(&running.started().shim)
    });
    let exit = running.finish();
    assert_eq!((exit.outcome, exit.cause), (BY_KILL, Cause::Cancel));
    assert!(processes.iter().all(is_gone));
}

/// Runs a job whose processes are replaced all the time, cancels it, and looks for what is left of it. Each has
/// the path of the script in its command line.
fn outrun(script: &str, hop: &str) {
    let bench = Bench::new();
    fs::write(bench.path("hop"), hop).expect("write");
    let running = bench.start(&["--grace-ms", "50"], script);
    bench.wait_file("hopped");
    running.request(Request::Cancel);
    let exit = running.finish();
    let path = bench.path("hop");
    let name = path.to_str().expect("UTF-8");
    let is_hop = |pid: u32| {
        fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains(name))
    };
    // Each look at all processes takes longer than one of them lived.
    let left = |_| tree::all().expect("processes").iter().filter(|stat| is_hop(stat.pid)).count();
    let seen: usize = (0..50).map(left).sum();
    bench.touch("stop");
    assert_eq!(seen, 0, "nobody is left");
    assert_eq!(exit.cause, Cause::Cancel);
}

#[test]
fn processes_that_keep_forking_cannot_outrun_the_end() {
    // Each hop starts the next and ends; the process is a new one every millisecond or so.
    let hop = "trap '' TERM\n[ -e $T/stop ] && exit\nsh $T/hop &\n: > $T/hopped\n";
    outrun("for i in 1 2 3 4 5 6; do setsid sh $T/hop & sh $T/hop & done; while :; do sleep 1000; done", hop);
}

#[test]
fn nor_can_those_that_leave_their_group_each_time() {
    let hop = "
import os, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(os.environ['T'] + '/hopped', 'w').close()
while not os.path.exists(os.environ['T'] + '/stop'):
    if os.fork():
        os._exit(0)
    os.setsid()
";
    outrun("for i in 1 2 3; do python3 $T/hop & done; while :; do sleep 1000; done", hop);
}

#[test]
fn a_tree_that_grows_cannot_outrun_the_end() {
    // Every process starts two more until there are some hundreds, and none of them ends.
    let hop = "
trap '' TERM
if [ $1 -gt 0 ]; then sh $T/hop $(($1 - 1)) & sh $T/hop $(($1 - 1)) & fi
: > $T/hopped
while [ ! -e $T/stop ]; do sleep 1000; done
";
    outrun("sh $T/hop 7 & while :; do sleep 1000; done", hop);
}

#[test]
fn what_outlives_the_main_process_is_ended() {
    let bench = Bench::new();
    // The child holds both pipes open and must neither delay the record for long nor survive it.
    let running = bench.start(&[], "sleep 1000 & echo $! > $T/pids; setsid sleep 1000 & echo $! >> $T/pids; echo hi; until [ -e $T/go ]; do sleep 0.01; done; exit 5");
    let processes = bench.pids("pids", 2);
    bench.touch("go");
    let exit = running.finish();
    assert_eq!((exit.outcome, exit.cause), (Outcome::Exited { code: 5 }, Cause::None));
    assert_eq!(bench.output(), b"hi\n");
    assert_eq!(exit.survivors_killed, 2);
    assert!(processes.iter().all(is_gone));
}

#[test]
fn a_helper_that_finishes_after_the_main_process_is_left_to_it() {
    let bench = Bench::new();
    // As with `exec > >(tee log)`: the helper sees the end of its input when the main process is gone.
    let script =
        "mkfifo $T/f; (cat $T/f >/dev/null; sleep 0.01; echo flushed) & exec 7>$T/f; echo done; exit 0";
    let exit = bench.run(&[], script);
    assert_eq!(exit.outcome, Outcome::Exited { code: 0 });
    assert_eq!(bench.output(), b"done\nflushed\n");
    assert_eq!(exit.survivors_killed, 0);
}

#[test]
fn a_stubborn_survivor_is_killed_after_a_short_time() {
    let bench = Bench::new();
    let running = bench.start(&["--grace-ms", "100"], "sh -c 'trap \"\" TERM; echo $$ > $T/pids; echo last; exec sleep 1000' & until [ -s $T/pids ]; do sleep 0.01; done; until [ -e $T/go ]; do sleep 0.01; done");
    let processes = bench.pids("pids", 1);
    bench.touch("go");
    let exit = running.finish();
    assert_eq!(exit.outcome, Outcome::Exited { code: 0 });
    assert_eq!(exit.survivors_killed, 1);
    assert!(is_gone(&processes[0]));
    assert_eq!(bench.output(), b"last\n");
}

#[test]
fn orphans_do_not_pile_up_as_zombies() {
    let bench = Bench::new();
    let script = "i=0; while [ $i -lt 100 ]; do (true &); i=$((i+1)); done; touch $T/done; until [ -e $T/go ]; do sleep 0.01; done";
    let running = bench.start(&[], script);
    bench.wait_file("done");
    wait_until("all orphans are reaped", || {
        let below = tree::descendants(running.child.id()).expect("processes");
        below.iter().all(|stat| stat.state != b'Z')
    });
    bench.touch("go");
    let exit = running.finish();
    assert_eq!(exit.survivors_killed, 0);
}

#[test]
fn the_time_limit_ends_the_job_and_says_so() {
    let exit = Bench::new().run(&["--time-limit-ms", "150"], "exec sleep 1000");
    assert_eq!((exit.outcome, exit.cause), (BY_TERM, Cause::TimeLimit));
    assert!(exit.elapsed_ms >= 150, "{exit:?}");
    let exit = Bench::new()
        .run(&["--time-limit-ms", "100", "--grace-ms", "50"], "trap '' TERM; while :; do sleep 0.01; done");
    assert_eq!((exit.outcome, exit.cause), (BY_KILL, Cause::TimeLimit));
    let exit = Bench::new().run(&["--time-limit-ms", "18446744073709551615"], "true");
    assert_eq!(exit.cause, Cause::None);
}

#[test]
fn a_paused_job_stands_still_with_all_its_processes() {
    let bench = Bench::new();
    let script = format!(
        "(setsid sleep 1000 & echo $! >> $T/pids); sleep 1000 & echo $! >> $T/pids; echo $$ >> $T/pids; {BUSY}; kill %1 2>/dev/null; exit 0"
    );
    let running = bench.start(&[], &script);
    let processes = bench.pids("pids", 3);
    running.request(Request::Pause);
    wait_until("all are stopped", || processes.iter().all(|process| state(process) == b'T'));
    bench.touch("go");
    running.request(Request::Resume);
    let exit = running.finish();
    assert_eq!((exit.outcome, exit.cause), (Outcome::Exited { code: 0 }, Cause::None));
    assert!(exit.paused_ms <= exit.elapsed_ms);
    assert!(processes.iter().all(is_gone));
}

#[test]
fn paused_time_does_not_count_towards_the_limit() {
    let bench = Bench::new();
    let running = bench.start(&["--time-limit-ms", "1500"], &format!("touch $T/ready; {BUSY}; exit 4"));
    bench.wait_file("ready");
    let job = running.started().job;
    running.request(Request::Pause);
    wait_until("it is stopped", || state(&job) == b'T');
    let paused = Instant::now();
    // Longer than the limit; that time passes is the condition here.
    wait_until("the limit would have passed", || paused.elapsed() > Duration::from_millis(1800));
    assert_eq!(state(&job), b'T', "a paused job is not ended by its limit");
    bench.touch("go");
    running.request(Request::Resume);
    let exit = running.finish();
    assert_eq!((exit.outcome, exit.cause), (Outcome::Exited { code: 4 }, Cause::None));
    assert!(exit.paused_ms >= 1700, "{exit:?}");
}

#[test]
fn a_paused_job_can_be_cancelled() {
    let bench = Bench::new();
    let running = bench.start(&[], "trap 'exit 9' TERM; touch $T/ready; while :; do :; done");
    bench.wait_file("ready");
    let job = running.started().job;
    running.request(Request::Pause);
    wait_until("it is stopped", || state(&job) == b'T');
    running.request(Request::Cancel);
    let exit = running.finish();
    assert_eq!((exit.outcome, exit.cause), (Outcome::Exited { code: 9 }, Cause::Cancel));
}

#[test]
fn the_terminals_signals_do_not_end_the_shim() {
    let bench = Bench::new();
    let running = bench.start(&[], "touch $T/ready; until [ -e $T/go ]; do sleep 0.01; done; echo on");
    bench.wait_file("ready");
    let shim = running.started().shim.open().expect("pidfd").expect("it runs");
    for signal in [
        rustix::process::Signal::HUP,
        rustix::process::Signal::INT,
        rustix::process::Signal::QUIT,
        rustix::process::Signal::PIPE,
        rustix::process::Signal::TSTP,
    ] {
        shim.signal(signal).expect("signal");
    }
    bench.touch("go");
    let exit = running.finish();
    assert_eq!((exit.outcome, exit.cause), (Outcome::Exited { code: 0 }, Cause::None));
    assert_eq!(bench.output(), b"on\n");
}
