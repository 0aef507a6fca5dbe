//! Starting, exit codes, and who owns an attempt.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use athanor_shim::attempt::{Attempt, end_orphans, look, read_started};
use athanor_shim::claim::{claim_void, read_claim};
use athanor_shim::identity::Identity;
use athanor_shim::record::{Cause, Claim, Exit, Outcome, Stage};
use athanor_shim::status::Status;
use athanor_shim::{CODE_REFUSED, CODE_TAKEN, CODE_USAGE};
use rustix::process::Signal;

use crate::support::{Bench, Running, SHIM, is_gone, wait_for, wait_until};

#[test]
fn the_exit_record_says_what_the_kernel_said() {
    let check = |script: &str, expected: Outcome| {
        let exit = Bench::new().run(&[], script);
        assert_eq!(exit.outcome, expected, "{script}");
        assert_eq!(exit.cause, Cause::None, "{script}");
    };
    check("true", Outcome::Exited { code: 0 });
    check("exit 1", Outcome::Exited { code: 1 });
    check("exit 255", Outcome::Exited { code: 255 });
    check("kill -KILL $$", Outcome::Signaled { signal: 9, core: false });
    check("kill -TERM $$", Outcome::Signaled { signal: 15, core: false });
    check("ulimit -c 0; kill -SEGV $$", Outcome::Signaled { signal: 11, core: false });
    // A shell that reports a child's signal did exit by itself.
    check("sh -c 'kill -KILL $$'; exit $?", Outcome::Exited { code: 137 });
}

#[test]
fn the_records_of_a_quiet_job_are_complete() {
    let bench = Bench::new();
    let running = bench.start(&[], "until [ -e $T/go ]; do sleep 0.01; done");
    let started = running.started();
    assert_eq!(read_claim(&bench.dir).expect("readable"), Some(Claim::Shim(started.shim.clone())));
    assert_eq!(started.shim.pid, running.child.id());
    assert_eq!(
        look(&bench.dir).expect("readable"),
        Attempt::Running { shim: started.shim.clone(), started: Some(started.clone()) }
    );
    bench.touch("go");
    let exit = running.finish();
    assert_eq!(exit.job, Some(started.job));
    assert_eq!(exit.started_ms, started.started_ms);
    assert!(exit.ended_ms >= exit.started_ms);
    assert!(exit.usage.max_rss > 100_000, "a shell takes more than 100 kB: {:?}", exit.usage);
    assert_eq!((exit.log.bytes, exit.log.dropped, exit.log.lost), (0, 0, 0));
    assert_eq!(bench.names(), ["record"], "a job without output leaves no log");
    let mode = fs::metadata(&bench.dir).expect("folder").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn the_time_that_children_used_is_counted() {
    let burn = "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done";
    let exit = Bench::new().run(&[], &format!("sh -c '{burn}'; true"));
    assert!(exit.usage.user_us + exit.usage.system_us > 1_000, "{:?}", exit.usage);
}

#[test]
fn a_failed_start_names_step_and_reason() {
    let check = |cwd: Option<&str>, program: &str, stage: Stage, errno: i32| {
        let bench = Bench::new();
        fs::write(bench.path("plain"), "#!/bin/sh\n").expect("write");
        fs::write(bench.path("lost"), "#!/no/such/interpreter\n").expect("write");
        fs::set_permissions(bench.path("lost"), fs::Permissions::from_mode(0o755)).expect("chmod");
        let program = program.replace("$T", bench.path("").to_str().expect("UTF-8"));
        let options: Vec<&str> = cwd.iter().flat_map(|cwd| ["--cwd", cwd]).collect();
        let mut command = bench.command(&options, &[&program]);
        // A search path with a forbidden folder in it would make "not found" a "permission denied", as in execvp(3).
        command.env("PATH", "/usr/bin:/bin");
        let exit = bench.start_command(&mut command).finish();
        assert_eq!(exit.outcome, Outcome::SpawnFailed { stage, errno }, "{cwd:?} {program}");
        assert_eq!(exit.job, None);
        assert_eq!(read_started(&bench.dir).expect("readable"), None);
    };
    check(None, "/no/such/program", Stage::Exec, libc::ENOENT);
    check(None, "no-such-program-in-path", Stage::Exec, libc::ENOENT);
    check(None, "$T/plain", Stage::Exec, libc::EACCES);
    check(None, "$T/lost", Stage::Exec, libc::ENOENT);
    check(None, "/", Stage::Exec, libc::EACCES);
    check(Some("/no/such/folder"), "true", Stage::Chdir, libc::ENOENT);
    check(Some("/dev/null"), "true", Stage::Chdir, libc::ENOTDIR);
    // Missing both: the folder comes first.
    check(Some("/no/such/folder"), "/no/such/program", Stage::Chdir, libc::ENOENT);
}

#[test]
fn a_forbidden_working_directory_is_named() {
    let bench = Bench::new();
    let closed = bench.path("closed");
    fs::create_dir(&closed).expect("folder");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).expect("chmod");
    let mut command = if rustix::process::geteuid().is_root() {
        // Nothing is forbidden to root, so the shim runs as nobody, in a folder that nobody may use.
        for open in [bench.path(""), bench.path("shim")] {
            if open.ends_with("shim") {
                fs::copy(SHIM, &open).expect("copy");
            }
            fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).expect("chmod");
        }
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(bench.path("shim"));
        command.arg("--dir").arg(&bench.dir).arg("--cwd").arg(&closed).args(["--", "true"]);
        command
    } else {
        bench.command(&["--cwd", closed.to_str().expect("UTF-8")], &["true"])
    };
    let exit = bench.start_command(&mut command).finish();
    // So that the temporary folder can be removed.
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).expect("chmod");
    assert_eq!(exit.outcome, Outcome::SpawnFailed { stage: Stage::Chdir, errno: libc::EACCES });
}

#[test]
fn the_program_is_found_as_a_shell_would() {
    let bench = Bench::new();
    fs::create_dir_all(bench.path("work/bin")).expect("folder");
    for name in ["work/tool", "work/bin/tool"] {
        fs::write(bench.path(name), format!("#!/bin/sh\necho {name} $(pwd)\n")).expect("write");
        fs::set_permissions(bench.path(name), fs::Permissions::from_mode(0o755)).expect("chmod");
    }
    let work = bench.path("work");
    let work = work.to_str().expect("UTF-8");
    // Relative to the job's working directory, not to the shim's.
    bench.start_command(&mut bench.command(&["--cwd", work], &["./tool"])).finish();
    assert_eq!(bench.output(), format!("work/tool {work}\n").as_bytes());

    let second = Bench::new();
    let mut command = second.command(&["--cwd", work], &["tool"]);
    command.env("PATH", format!("{work}/bin:/usr/bin:/bin"));
    second.start_command(&mut command).finish();
    assert_eq!(second.output(), format!("work/bin/tool {work}\n").as_bytes());
}

#[test]
fn the_job_starts_with_a_clean_slate() {
    let bench = Bench::new();
    // The parent ignores signals, has descriptors open, and a variable that the job must see.
    let line =
        "trap '' HUP INT TERM PIPE USR1; exec 8>$T/leak 9</dev/null; MARK=seen; export MARK; exec \"$@\"";
    let script =
        "echo $MARK; ls -l /proc/self/fd; cat /proc/self/status; cut -d' ' -f5,6 /proc/$$/stat; echo $$";
    let running = bench.start_command(&mut bench.through(
        line,
        &[],
        &format!("{script}; until [ -e $T/go ]; do sleep 0.01; done"),
    ));
    let started = running.started();
    let shim_files: Vec<_> = fs::read_dir(format!("/proc/{}/fd", started.shim.pid))
        .expect("descriptors")
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .collect();
    assert!(
        !shim_files.contains(&bench.path("leak")),
        "the shim keeps nothing of its parent's: {shim_files:?}"
    );
    assert_eq!(fs::read_link(format!("/proc/{}/cwd", started.shim.pid)).expect("cwd").to_str(), Some("/"));
    bench.touch("go");
    running.finish();
    let output = String::from_utf8(bench.output()).expect("UTF-8");
    assert!(output.starts_with("seen\n"));
    assert!(!output.contains("leak"), "{output}");
    assert_eq!(output.matches(" -> pipe:").count(), 2, "stdout and stderr are pipes: {output}");
    assert!(output.contains(" 0 -> /dev/null"), "{output}");
    for mask in ["SigBlk", "SigIgn"] {
        let line = output.lines().find(|line| line.starts_with(mask)).expect("status has the masks");
        let mask =
            u64::from_str_radix(line.split('\t').next_back().expect("value"), 16).expect("hexadecimal");
        // Signals 32 and 33 belong to the C library, which leaves them ignored in what it spawns.
        assert_eq!(mask & !0x1_8000_0000, 0, "no signal is blocked or ignored: {line}");
    }
    let mut last = output.lines().rev();
    let pid = last.next().expect("pid");
    let ids: Vec<&str> = last.next().expect("group and session").split(' ').collect();
    assert_eq!(ids, [pid, &started.shim.pid.to_string()], "a group of its own in the shim's session");
}

#[test]
fn the_status_descriptor_tells_how_the_start_went() {
    let check = |bench: &Bench, job: &[&str]| -> (Status, String, i32) {
        let (read, write) = rustix::pipe::pipe().expect("pipe");
        let mut command = bench.command(&["--status-fd", &write.as_raw_fd().to_string()], job);
        let running = bench.start_command(&mut command);
        drop(write);
        let mut text = String::new();
        fs::File::from(read).read_to_string(&mut text).expect("read");
        let (line, record) = text.split_at(text.find('\n').expect("a line") + 1);
        (Status::parse(line).expect("a line of ours"), record.to_owned(), running.code())
    };
    let bench = Bench::new();
    let (status, record, code) = check(&bench, &["true"]);
    let (exit, shim) = (bench.exit(), read_claim(&bench.dir).expect("readable"));
    assert_eq!(Exit::parse(record.as_bytes()), Ok(exit.clone()), "the same record as on disk");
    let (job, Some(Claim::Shim(shim))) = (exit.job.expect("it ran"), shim) else { panic!("claimed") };
    let started = Status::Started {
        pid: job.pid,
        start_ticks: job.start_ticks,
        shim_pid: shim.pid,
        shim_start_ticks: shim.start_ticks,
    };
    assert_eq!((status, code), (started, 0));
    let taken = (Status::Taken, String::new(), CODE_TAKEN);
    assert_eq!(check(&bench, &["true"]), taken, "the folder is used");
    let bench = Bench::new();
    assert_eq!(check(&bench, &["/no/such/program"]), (Status::Failed, String::new(), 0));
    assert!(matches!(bench.exit().outcome, Outcome::SpawnFailed { .. }), "recorded by the time it is said");
    let mut bench = Bench::new();
    bench.touch("file");
    bench.dir = bench.path("file/attempt");
    assert_eq!(
        check(&bench, &["true"]),
        (Status::Refused { errno: libc::ENOTDIR }, String::new(), CODE_REFUSED)
    );
}

#[test]
fn the_job_does_not_inherit_the_status_descriptor() {
    let bench = Bench::new();
    let (read, write) = rustix::pipe::pipe().expect("pipe");
    let options = ["--status-fd", &write.as_raw_fd().to_string()];
    let running = bench.start(&options, "until [ -e $T/go ]; do sleep 0.01; done");
    drop(write);
    let mut lines = BufReader::new(fs::File::from(read)).lines();
    assert!(lines.next().is_some(), "started");
    let job = running.started().job;
    let files = fs::read_dir(format!("/proc/{}/fd", job.pid)).expect("descriptors");
    let mut numbers: Vec<_> = files.map(|entry| entry.expect("entry").file_name()).collect();
    numbers.sort();
    assert_eq!(numbers, ["0", "1", "2"], "nothing but the standard descriptors");
    bench.touch("go");
    assert!(lines.count() > 3, "the record follows, and then the end");
    running.finish();
}

#[test]
fn a_wrong_command_line_starts_nothing() {
    let check = |arguments: &[&str]| {
        let output = Command::new(SHIM).args(arguments).output().expect("run");
        assert_eq!(output.status.code(), Some(CODE_USAGE), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("usage:"), "{arguments:?}");
    };
    check(&[]);
    check(&["--dir", "relative", "--", "true"]);
    check(&["--dir", "/tmp", "true"]);
}

#[test]
fn of_twenty_shims_exactly_one_starts_the_job() {
    let bench = Bench::new();
    let script = "echo $$ >> $T/starts; until [ -e $T/go ]; do sleep 0.01; done";
    let mut shims: Vec<Running> = (0..20).map(|_| bench.start(&[], script)).collect();
    let mut codes = Vec::new();
    wait_until("nineteen have given up", || {
        codes
            .extend(shims.extract_if(.., |s| s.child.try_wait().expect("wait").is_some()).map(Running::code));
        shims.len() == 1
    });
    assert_eq!(codes, [CODE_TAKEN; 19]);
    bench.touch("go");
    let winner = shims.pop().expect("one is left");
    assert_eq!(winner.started().shim.pid, winner.child.id());
    winner.finish();
    assert_eq!(bench.text("starts").lines().count(), 1, "the job was started once");
}

#[test]
fn a_void_attempt_is_never_started() {
    let bench = Bench::new();
    let claim = claim_void(&bench.dir).expect("void");
    assert!(matches!(claim, Claim::Void(_)));
    assert_eq!(bench.start(&[], "touch $T/ran").code(), CODE_TAKEN);
    assert!(!bench.path("ran").exists());
    assert_eq!(look(&bench.dir).expect("readable"), Attempt::Void);

    let bench = Bench::new();
    assert_eq!(look(&bench.dir).expect("readable"), Attempt::Unclaimed);
    let running = bench.start(&[], "until [ -e $T/go ]; do sleep 0.01; done");
    let shim = running.started().shim;
    assert_eq!(claim_void(&bench.dir).expect("answer"), Claim::Shim(shim), "too late to declare it void");
    bench.touch("go");
    running.finish();
}

#[test]
fn the_job_outlives_whoever_started_the_shim() {
    let bench = Bench::new();
    let script = "echo before; until [ -e $T/go ]; do sleep 0.01; done; echo after; echo end >&2; exit 7";
    // The parent leads a session with the shim's standard output in its hands, and dies without a word.
    let mut command = bench.through("\"$@\" & echo $! > $T/shim; wait", &[], script);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut parent = command.spawn().expect("start");
    let started = wait_for("the job has started", || read_started(&bench.dir).expect("readable"));
    parent.kill().expect("kill");
    parent.wait().expect("wait");
    drop(parent);
    assert!(started.job.is_alive().expect("readable"));
    bench.touch("go");
    wait_until("the shim has ended", || is_gone(&started.shim));
    assert_eq!(bench.exit().outcome, Outcome::Exited { code: 7 });
    assert_eq!(bench.output(), b"before\nafter\nend\n");
}

#[test]
fn a_killed_shim_leaves_no_exit_record_and_its_job_can_be_ended() {
    let bench = Bench::new();
    let script =
        "trap '' PIPE; (setsid sleep 1000 & echo $! >> $T/pids); sleep 1000 & echo $! >> $T/pids; wait";
    let mut running = bench.start(&[], script);
    let started = running.started();
    let others = bench.pids("pids", 2);
    running.child.kill().expect("kill");
    running.child.wait().expect("wait");
    let lost = Attempt::Lost { shim: started.shim.clone(), started: Some(started.clone()) };
    assert_eq!(look(&bench.dir).expect("readable"), lost, "no end was recorded and none is guessed");
    assert!(started.job.is_alive().expect("readable"), "the job still runs");
    let found = end_orphans(&started.shim, Some(&started.job), Signal::KILL).expect("end");
    assert!(found >= 2, "the job and its child at least");
    wait_until("the job is gone", || is_gone(&started.job) && is_gone(&others[1]));
    // What left the session and lost its parent cannot be told from a stranger; the test knows its pid.
    if let Some(process) = others[0].open().expect("pidfd") {
        process.signal(Signal::KILL).expect("kill");
    }
    let reused = Identity { start_ticks: started.shim.start_ticks + 1, ..started.shim };
    assert_eq!(end_orphans(&reused, None, Signal::KILL).expect("end"), 0);
}
