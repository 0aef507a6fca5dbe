//! The nursery: supervisors that are forked instead of started.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, ExitStatus, Stdio};

use athanor_shim::attempt::{Attempt, look, read_started};
use athanor_shim::claim::read_claim;
use athanor_shim::identity::{Identity, Request as Ask};
use athanor_shim::launch::Request;
use athanor_shim::record::{Cause, Claim, Exit, Outcome, Stage};
use athanor_shim::status::Status;
use athanor_shim::tree::Stat;
use rustix::io::IoSlice;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use crate::support::{Bench, SHIM, is_gone, wait_for, wait_until};

/// A nursery and the engine's end of its socket.
struct Nursery {
    socket: UnixStream,
    child: Child,
}

impl Nursery {
    fn start() -> Nursery {
        let (socket, theirs) = UnixStream::pair().expect("pair");
        let mut command = Command::new(SHIM);
        command.arg("--nursery").stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).stderr(Stdio::null());
        // What the supervisors get must come with the request.
        command.env_clear().env("OF_THE_NURSERY", "1");
        Nursery { socket, child: command.spawn().expect("start") }
    }

    fn ask(&self, request: Request) -> fs::File {
        let (read, write) = rustix::pipe::pipe().expect("pipe");
        self.send(&request.finish().expect("a request"), write.as_fd());
        read.into()
    }

    fn send(&self, bytes: &[u8], status: std::os::fd::BorrowedFd<'_>) {
        let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        let descriptors = [status];
        assert!(ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)));
        let sent = sendmsg(&self.socket, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::NOSIGNAL);
        let sent = sent.expect("send");
        (&self.socket).write_all(&bytes[sent..]).expect("send the rest");
    }

    /// Closes the engine's end and waits.
    fn close(mut self) -> ExitStatus {
        drop(self.socket);
        wait_for("the nursery has ended", || self.child.try_wait().expect("wait"))
    }

    fn kill(mut self) {
        self.child.kill().expect("kill");
        self.child.wait().expect("wait");
    }
}

fn job<S: AsRef<OsStr>>(bench: &Bench, words: &[S]) -> Request {
    let mut request = Request::default().word("--dir").word(&bench.dir).word("--");
    for word in words {
        request = request.word(word);
    }
    let text = |path: &std::path::Path| path.to_str().expect("UTF-8").to_owned();
    request
        .variable("PATH", "/usr/bin:/bin")
        .variable("T", &text(&bench.path("")))
        .variable("DIR", &text(&bench.dir))
}

fn shell(bench: &Bench, script: &str) -> Request {
    job(bench, &["sh", "-c", script])
}

/// Everything that comes over a status descriptor: how the start went, and the end.
fn heard(mut status: fs::File) -> (Status, Option<Exit>) {
    let mut text = String::new();
    status.read_to_string(&mut text).expect("read");
    let (line, record) = text.split_at(text.find('\n').expect("a line") + 1);
    (Status::parse(line).expect("a line of ours"), Exit::parse(record.as_bytes()).ok())
}

/// The record on disk, which follows what is heard.
fn recorded(bench: &Bench) -> Exit {
    wait_for("the end is recorded", || match look(&bench.dir).expect("readable") {
        Attempt::Ended(exit) => Some(exit),
        _ => None,
    })
}

#[test]
fn a_hundred_at_once_are_started_once_each() {
    let nursery = Nursery::start();
    let benches: Vec<Bench> = (0..100).map(|_| Bench::new()).collect();
    let script = "echo $$ >> $T/starts; echo out; exit 3";
    let heards: Vec<_> = benches.iter().map(|bench| nursery.ask(shell(bench, script))).collect();
    for (bench, status) in benches.iter().zip(heards) {
        let (Status::Started { pid, .. }, Some(exit)) = heard(status) else { panic!("not started") };
        assert_eq!(exit.outcome, Outcome::Exited { code: 3 });
        assert_eq!(bench.text("starts"), format!("{pid}\n"));
        assert_eq!(recorded(bench), exit, "what is heard is what is recorded");
        assert_eq!(bench.output(), b"out\n");
    }
    assert!(nursery.close().success(), "it ends when the engine's end is closed");
}

#[test]
fn the_job_sees_its_own_environment_and_no_descriptor_of_anybody() {
    let nursery = Nursery::start();
    let bench = Bench::new();
    let script = "env; ls /proc/self/fd; cat /proc/self/status; cut -d' ' -f5,6 /proc/$$/stat; echo $$";
    let (status, _) = heard(nursery.ask(shell(&bench, script).variable("EMPTY", "").variable("A", "b=c\nd")));
    let Status::Started { pid, shim_pid, .. } = status else { panic!("{status:?}") };
    recorded(&bench);
    let output = String::from_utf8(bench.output()).expect("UTF-8");
    assert!(output.contains("A=b=c\nd\n") && output.contains("EMPTY=\n"), "{output}");
    assert!(!output.contains("OF_THE_NURSERY"), "{output}");
    // The fourth is the listing's own.
    assert!(output.contains("\n0\n1\n2\n3\n"), "{output}");
    assert!(!output.contains("\n4\n"), "{output}");
    for mask in ["SigBlk", "SigIgn"] {
        let line = output.lines().find(|line| line.starts_with(mask)).expect("status has the masks");
        let mask =
            u64::from_str_radix(line.split('\t').next_back().expect("value"), 16).expect("hexadecimal");
        // Signals 32 and 33 belong to the C library.
        assert_eq!(mask & !0x1_8000_0000, 0, "no signal is blocked or ignored: {line}");
    }
    assert!(
        output.ends_with(&format!("{pid} {shim_pid}\n{pid}\n")),
        "a group of its own in a session of its own"
    );
}

#[test]
fn a_huge_environment_arrives_whole() {
    let nursery = Nursery::start();
    let bench = Bench::new();
    // Far more than the socket holds, and less than the system allows.
    let mut request = shell(&bench, "echo ${#V_7} $(env | wc -c)");
    for number in 0..12 {
        request = request.variable(&format!("V_{number}"), &"x".repeat(100_000));
    }
    let (_, exit) = heard(nursery.ask(request));
    assert_eq!(exit.expect("it ran").outcome, Outcome::Exited { code: 0 });
    let output = String::from_utf8(bench.output()).expect("UTF-8");
    let (length, all) = output.trim_end().split_once(' ').expect("two numbers");
    assert_eq!(length, "100000");
    assert!(all.parse::<usize>().expect("a number") > 1_200_000, "{all}");
}

#[test]
fn what_cannot_be_started_is_said_and_recorded() {
    let nursery = Nursery::start();
    let check = |what: &str, words: &[&str], errno: i32| {
        let bench = Bench::new();
        let (status, _) = heard(nursery.ask(job(&bench, words)));
        assert_eq!(status, Status::Failed, "{what}");
        let expected = Outcome::SpawnFailed { stage: Stage::Exec, errno };
        assert_eq!(recorded(&bench).outcome, expected, "{what}");
    };
    check("a path that leads nowhere", &["/no/such/program"], libc::ENOENT);
    check("a name that is in no folder", &["no-such-program-in-path"], libc::ENOENT);
    check("a file that is no program", &["/etc/passwd"], libc::EACCES);
    // The system says so, and the nursery lives on.
    check("an argument longer than allowed", &["true", &"x".repeat(200_000)], libc::E2BIG);
    let bench = Bench::new();
    assert!(matches!(heard(nursery.ask(shell(&bench, "true"))).0, Status::Started { .. }));
}

#[test]
fn a_supervisor_outlives_nursery_and_engine() {
    let nursery = Nursery::start();
    let (first, second) = (Bench::new(), Bench::new());
    let script = "echo before; until [ -e $T/go ]; do sleep 0.01; done; echo after; exit 7";
    let mut status = nursery.ask(shell(&first, script));
    drop(nursery.ask(shell(&second, script)));
    let started = [&first, &second]
        .map(|bench| wait_for("the job has started", || read_started(&bench.dir).expect("readable")));
    for started in &started {
        let shim = Stat::read(started.shim.pid).expect("readable").expect("it lives");
        assert_eq!((shim.session, shim.group), (shim.pid, shim.pid), "a session of its own");
    }
    nursery.kill();
    for (bench, started) in [&first, &second].iter().zip(&started) {
        assert!(started.shim.is_alive().expect("readable") && started.job.is_alive().expect("readable"));
        bench.touch("go");
        assert_eq!(recorded(bench).outcome, Outcome::Exited { code: 7 });
        assert_eq!(bench.output(), b"before\nafter\n");
        wait_until("the shim has ended", || is_gone(&started.shim));
    }
    let mut text = String::new();
    status.read_to_string(&mut text).expect("read");
    assert!(text.starts_with("started ") && text.ends_with("end\n"), "{text}");
}

#[test]
fn a_supervisor_takes_requests_as_any_other() {
    let nursery = Nursery::start();
    let bench = Bench::new();
    let status = nursery.ask(shell(&bench, "sleep 1000"));
    let started = wait_for("the job has started", || read_started(&bench.dir).expect("readable"));
    let shim = started.shim.open().expect("pidfd").expect("it lives");
    assert!(shim.request(Ask::Cancel).expect("it may be signalled"));
    let (_, exit) = heard(status);
    let exit = exit.expect("it ran");
    assert_eq!((exit.cause, exit.outcome), (Cause::Cancel, Outcome::Signaled { signal: 15, core: false }));
    wait_until("the supervisor is reaped", || Stat::read(started.shim.pid).expect("readable").is_none());
}

#[test]
fn a_request_that_was_not_taken_in_starts_nothing() {
    let nursery = Nursery::start();
    let bench = Bench::new();
    rustix::process::kill_process(pid(&nursery), rustix::process::Signal::STOP).expect("stop");
    let mut status = nursery.ask(shell(&bench, "touch $T/ran"));
    nursery.kill();
    let mut text = String::new();
    status.read_to_string(&mut text).expect("read");
    assert_eq!(text, "", "the descriptor is closed without a word");
    assert_eq!(look(&bench.dir).expect("readable"), Attempt::Unclaimed);
    assert!(!bench.path("ran").exists());
}

#[test]
fn a_request_that_was_cut_short_starts_nothing() {
    let bench = Bench::new();
    let whole = shell(&bench, "touch $T/ran").finish().expect("a request");
    for cut in [1, 11, 12, 13, whole.len() - 1] {
        let nursery = Nursery::start();
        let (read, write) = rustix::pipe::pipe().expect("pipe");
        nursery.send(&whole[..cut], write.as_fd());
        drop(write);
        nursery.close();
        let mut text = String::new();
        fs::File::from(read).read_to_string(&mut text).expect("read");
        assert_eq!(text, "", "cut at {cut}");
    }
    let nursery = Nursery::start();
    (&nursery.socket).write_all(&whole).expect("send");
    assert!(!nursery.close().success(), "a request without a descriptor is none");
    assert_eq!(look(&bench.dir).expect("readable"), Attempt::Unclaimed);
    assert!(!bench.path("ran").exists());
}

#[test]
fn of_many_requests_for_one_attempt_one_is_carried_out() {
    let nursery = Nursery::start();
    let bench = Bench::new();
    let statuses: Vec<_> = (0..20).map(|_| nursery.ask(shell(&bench, "echo $$ >> $T/starts"))).collect();
    let heards: Vec<Status> = statuses.into_iter().map(|status| heard(status).0).collect();
    let taken = heards.iter().filter(|status| **status == Status::Taken).count();
    assert_eq!(taken, 19, "{heards:?}");
    assert_eq!(bench.text("starts").lines().count(), 1, "the job was started once");
    assert!(matches!(read_claim(&bench.dir).expect("readable"), Some(Claim::Shim(_))));
}

fn pid(nursery: &Nursery) -> rustix::process::Pid {
    rustix::process::Pid::from_child(&nursery.child)
}

/// A status descriptor over which more can be asked.
fn both_ways(nursery: &Nursery, request: Request) -> UnixStream {
    let (ours, theirs) = UnixStream::pair().expect("pair");
    nursery.send(&request.finish().expect("a request"), theirs.as_fd());
    ours
}

/// What is said of one job over a descriptor that stays open.
fn heard_next(line: &mut UnixStream) -> (Status, Exit) {
    let mut text = Vec::new();
    let mut bytes = [0; 4096];
    loop {
        let read = line.read(&mut bytes).expect("read");
        assert!(read > 0, "it is closed after {:?}", String::from_utf8_lossy(&text));
        text.extend_from_slice(&bytes[..read]);
        let Some(end) = text.iter().position(|byte| *byte == b'\n') else { continue };
        let first = std::str::from_utf8(&text[..=end]).expect("UTF-8");
        if let (Some(status), Ok(exit)) = (Status::parse(first), Exit::parse(&text[end + 1..])) {
            return (status, exit);
        }
    }
}

#[test]
fn a_supervisor_takes_one_job_after_the_other() {
    let nursery = Nursery::start();
    let benches: Vec<Bench> = (0..50).map(|_| Bench::new()).collect();
    let script = |n: usize| format!("echo $$ $N >> $T/starts; ls /proc/self/fd; exit {n}");
    let request = |n: usize| shell(&benches[n], &script(n)).variable("N", &n.to_string());
    let mut line = both_ways(&nursery, request(0));
    let mut supervisors = std::collections::HashSet::new();
    for (n, bench) in benches.iter().enumerate() {
        if n > 0 {
            line.write_all(&request(n).finish().expect("a request")).expect("send");
        }
        let (status, exit) = heard_next(&mut line);
        let Status::Started { pid, shim_pid, .. } = status else { panic!("{status:?}") };
        supervisors.insert(shim_pid);
        assert_eq!(exit.outcome, Outcome::Exited { code: i32::try_from(n).expect("small") });
        assert_eq!(recorded(bench), exit, "what is heard is what is recorded");
        assert_eq!(bench.text("starts"), format!("{pid} {n}\n"), "with an environment of its own");
        assert_eq!(bench.output(), b"0\n1\n2\n3\n", "and no descriptor of an earlier one");
    }
    assert_eq!(supervisors.len(), 1, "all of them were one process's");
    let shim = Identity::of(*supervisors.iter().next().expect("one")).expect("readable").expect("it waits");
    drop(line);
    wait_until("it ends when nobody can ask it any more", || is_gone(&shim));
}

#[test]
fn a_request_to_end_that_comes_between_two_jobs_ends_none_of_them() {
    let nursery = Nursery::start();
    let (first, second) = (Bench::new(), Bench::new());
    let mut line = both_ways(&nursery, shell(&first, "true"));
    let (Status::Started { shim_pid, .. }, _) = heard_next(&mut line) else { panic!("not started") };
    let shim = Identity::of(shim_pid).expect("readable").expect("it waits");
    let process = shim.open().expect("pidfd").expect("it waits");
    // It stands still, so that both are there when it looks.
    process.signal(rustix::process::Signal::STOP).expect("stop");
    assert!(process.request(Ask::Cancel).expect("it may be signalled"));
    line.write_all(&shell(&second, "exit 5").finish().expect("a request")).expect("send");
    process.signal(rustix::process::Signal::CONT).expect("go on");
    let (_, exit) = heard_next(&mut line);
    assert_eq!((exit.cause, exit.outcome), (Cause::None, Outcome::Exited { code: 5 }));
    // One that comes while nothing runs and nothing is asked ends the process itself.
    assert!(process.request(Ask::Cancel).expect("it may be signalled"));
    wait_until("it has ended", || is_gone(&shim));
    drop(line);
}

#[test]
fn a_start_that_fails_is_a_supervisors_last() {
    let nursery = Nursery::start();
    let bench = Bench::new();
    let mut line = both_ways(&nursery, job(&bench, &["/no/such/program"]));
    let mut text = String::new();
    line.read_to_string(&mut text).expect("it is closed");
    assert_eq!(Status::parse(&text), Some(Status::Failed));
}
