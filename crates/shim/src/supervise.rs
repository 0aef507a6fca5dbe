//! The life of a job, from its claim to its exit record.

use std::collections::HashSet;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use athanor_shim::cgroup::Group;
use athanor_shim::identity::Identity;
use athanor_shim::launch::{Head, word};
use athanor_shim::log::Stream;
use athanor_shim::record::{Cause, Claim, Exit, Outcome, Stage, Started, Usage};
use athanor_shim::status::Status;
use athanor_shim::tree::{self, Stat};
use athanor_shim::{CODE_DISPLACED, CODE_DONE, CODE_REFUSED, CODE_TAKEN, CODE_USAGE};
use rustix::io::{Errno, ioctl_fionbio};
use rustix::pipe::fcntl_setpipe_size;
use rustix::process::{Pid, Signal, chdir, getpgrp, getsid, kill_process};

use crate::args::{self, Args};
use crate::environment::{Ended, Hold, Signals, detach, reap, replace_environment};
use crate::folder::{Folder, Gone};
use crate::line::Line;
use crate::output::Output;
use crate::program;
use crate::ready::{timespec, wait};

/// How much the kernel holds for the job while this process is busy.
const PIPE: usize = 1 << 20;
const BUFFER: usize = 256 << 10;
/// What a job that writes little needs of it: a larger one is a mapping of its own, made and undone for each job.
const SMALL_BUFFER: usize = 4 << 10;
/// A full pipe is empty after four reads; more only happen where somebody still writes.
const DRAIN_READS: usize = 64;
/// What outlives the main process is left alone for this long: often it is a `tee` or a helper that has just
/// seen the end of its input and still has something to write.
const LINGER: Duration = Duration::from_millis(100);
/// Then it is asked to end, and has this long to do so if the grace period is not shorter.
const SURVIVOR_GRACE: Duration = Duration::from_secs(2);
/// After this, processes that may not be signalled are left to their owner.
const GIVE_UP: Duration = Duration::from_secs(2);
/// Stopping processes that keep forking takes no longer than this at a time.
const SWEEP: Duration = Duration::from_millis(500);
/// Between the first and the second round of SIGKILL; later it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(1);
/// A job that ended sooner has its record synced only if no engine has heard of its end. A record survives the end of
/// every process without that; an engine that heard syncs what it writes itself. What is left is a power cut just after
/// the engine was killed, and then the record is missing and said to be. A sync costs more than all else that is done
/// for a short job.
const SHORT: Duration = Duration::from_secs(1);
/// A job that runs for so long gets a control group of its own. Making one costs about as much as all else that is done
/// for a short job.
const GROUP_AFTER: Duration = Duration::from_secs(1);
/// That a job has started is told after so long, together with its end if that has come by then: whoever listens is then
/// woken once, and not twice within a millisecond.
const TELL_AFTER: Duration = Duration::from_millis(3);
/// A chase of dying processes goes on until none has shown up for this long.
const CHASE: Duration = Duration::from_millis(5);

/// Runs a job from start to end, then whatever else it is asked for, and returns the exit code of this process.
pub fn run(args: Args) -> i32 {
    // Before the claim: a SIGTERM that comes earlier simply ends this process, and nothing was started.
    let prepared = detach(args.status_fd).and_then(|status| Ok((Line::new(status), Signals::take()?)));
    let Ok((line, signals)) = prepared else { return CODE_REFUSED };
    let own = match Identity::current() {
        Ok(own) => own,
        Err(error) => {
            line.send(Status::Refused { errno: error.errno().unwrap_or(0) });
            return CODE_REFUSED;
        }
    };
    let mut next = args;
    loop {
        match attempt(next, &own, &signals, &line) {
            Left::Nothing => {}
            Left::Over(code) => return code,
        }
        let Some((head, body)) = line.next(&signals) else { return CODE_DONE };
        next = match requested(&head, body) {
            Some(args) => args,
            None => return CODE_USAGE,
        };
    }
}

/// What stays of an attempt.
enum Left {
    /// Nothing at all, and the engine has heard: this process could as well be a new one.
    Nothing,
    /// Something that has to do with it, or nobody who might ask for more. The process ends with this code.
    Over(i32),
}

/// What a request asks for, with its environment in place; `None` if it can't be understood.
pub fn requested(head: &Head, body: Vec<u8>) -> Option<Args> {
    let words = {
        let (words, _) = head.split(&body)?;
        args::parse(words.into_iter().map(word)).ok()?
    };
    replace_environment(body, head.words);
    Some(words)
}

fn attempt(args: Args, own: &Identity, signals: &Signals, line: &Line) -> Left {
    match Folder::claim(args.dir.clone(), Claim::Shim(own.clone())) {
        Ok(Some(folder)) => start(args, own, folder, signals, line),
        Ok(None) => {
            line.send(Status::Taken);
            Left::Over(CODE_TAKEN)
        }
        Err(error) => {
            line.send(Status::Refused { errno: error.raw_os_error().unwrap_or(0) });
            Left::Over(CODE_REFUSED)
        }
    }
}

fn start(args: Args, own: &Identity, mut folder: Folder, signals: &Signals, line: &Line) -> Left {
    let started_ms = wall_ms();
    let child = match spawn(&args) {
        Ok(child) => child,
        Err((stage, errno)) => {
            let exit = Exit {
                outcome: Outcome::SpawnFailed { stage, errno },
                cause: Cause::None,
                job: None,
                started_ms,
                ended_ms: wall_ms(),
                elapsed_ms: 0,
                paused_ms: 0,
                usage: Usage::default(),
                log: Output::new(args.log_limit).totals(),
                survivors_killed: 0,
                survivors_left: 0,
            };
            let text = exit.format();
            let first = folder.write_exit(&text, true);
            line.send(Status::Failed);
            return Left::Over(match first {
                Ok(()) => CODE_DONE,
                Err(_) => record(&mut folder, &text, true),
            });
        }
    };
    // The child is not waited for yet, so even if it has ended its start time can be read.
    let start_ticks = match Stat::read(child.pid) {
        Ok(Some(stat)) => stat.start_ticks,
        _ => 0,
    };
    let job = Identity { pid: child.pid, start_ticks, boot_id: own.boot_id.clone() };
    let text = Started { job: job.clone(), shim: own.clone(), started_ms }.format();
    folder.write_started(text);
    let status =
        Status::Started { pid: job.pid, start_ticks, shim_pid: own.pid, shim_start_ticks: own.start_ticks };

    let now = Instant::now();
    let mut job = Job {
        own: own.clone(),
        own_group: number(getpgrp()),
        foreign_session: getsid(None).ok().map(number).filter(|session| *session != own.pid),
        identity: job,
        started_ms,
        started: child.started,
        grace: args.grace,
        time_left: args.time_limit,
        running_since: Some(now),
        paused: Duration::ZERO,
        paused_since: None,
        cause: Cause::None,
        main: None,
        end: End::NotAsked,
        usage: Usage::default(),
        ended: HashSet::new(),
        left: 0,
        group: Grouped::At(now + GROUP_AFTER),
        untold: Some((now + TELL_AFTER, status)),
        line,
        folder,
        output: Output::new(args.log_limit),
        pipes: child.pipes,
        buffer: vec![0; SMALL_BUFFER],
    };
    job.supervise(signals);
    job.finish()
}

struct Child {
    pid: u32,
    started: Instant,
    pipes: Vec<(Stream, OwnedFd)>,
}

/// Starts the program in a group of its own. The working directory is entered here, where its failure cannot be
/// mistaken for that of the program, and left again, so that the shim keeps no mount busy.
fn spawn(args: &Args) -> Result<Child, (Stage, i32)> {
    if let Some(cwd) = &args.cwd {
        chdir(cwd).map_err(|errno| (Stage::Chdir, errno.raw_os_error()))?;
    }
    let started = Instant::now();
    // With nothing to do between fork and exec this is a posix_spawn, which costs less than a fork and reports
    // a failed exec.
    let found = program::find(&args.program);
    let mut command = Command::new(found.as_ref().map_or(args.program.as_os_str(), |path| path.as_os_str()));
    let child = command
        .arg0(&args.program)
        .args(&args.arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn();
    let _ = chdir("/");
    let mut child = child.map_err(|error| (Stage::Exec, error.raw_os_error().unwrap_or(0)))?;
    let stdout = child.stdout.take().map(|pipe| (Stream::Stdout, OwnedFd::from(pipe)));
    let stderr = child.stderr.take().map(|pipe| (Stream::Stderr, OwnedFd::from(pipe)));
    let pipes: Vec<_> = stdout.into_iter().chain(stderr).collect();
    for (_, pipe) in &pipes {
        let _ = ioctl_fionbio(pipe, true);
    }
    Ok(Child { pid: child.id(), started, pipes })
}

struct Job<'a> {
    own: Identity,
    own_group: u32,
    /// The session of this process, where another has founded it.
    foreign_session: Option<u32>,
    identity: Identity,
    started_ms: u64,
    started: Instant,
    grace: Duration,
    /// Running time that the job may still use, as of `running_since`.
    time_left: Option<Duration>,
    /// Absent while paused.
    running_since: Option<Instant>,
    paused: Duration,
    paused_since: Option<Instant>,
    cause: Cause,
    main: Option<MainEnd>,
    end: End,
    usage: Usage,
    /// Processes other than the main one that were ended, each counted once.
    ended: HashSet<u32>,
    left: u32,
    group: Grouped,
    /// That it has started, and when that is told at the latest.
    untold: Option<(Instant, Status)>,
    line: &'a Line,
    folder: Folder,
    output: Output,
    pipes: Vec<(Stream, OwnedFd)>,
    buffer: Vec<u8>,
}

/// How and when the main process ended.
struct MainEnd {
    status: i32,
    at: Instant,
    ended_ms: u64,
    paused: Duration,
}

/// Whether the job has a control group.
enum Grouped {
    /// From then on it is to have one.
    At(Instant),
    /// It has.
    In(Group),
    /// It may not have one.
    No,
}

/// How far the ending of the job's processes has come. It only moves forward.
enum End {
    NotAsked,
    /// The main process has ended and others may be about to.
    Lingering {
        until: Instant,
    },
    /// All have got SIGTERM.
    Asked {
        until: Instant,
    },
    /// All that are found get SIGKILL, again and again.
    Killing {
        since: Instant,
        next: Instant,
        wait: Duration,
    },
}

impl Job<'_> {
    /// Returns when the main process has ended and no descendant is left.
    fn supervise(&mut self, signals: &Signals) {
        loop {
            let none_left = self.reap_all();
            let now = Instant::now();
            if self.main.is_some() && none_left {
                return;
            }
            self.act(now);
            if self.left > 0 {
                return;
            }
            let timeout = self.next_timer().map(|at| timespec(at.saturating_duration_since(Instant::now())));
            let ready = wait(signals, &self.pipes, timeout.as_ref());
            if ready.signal {
                let asked = signals.asked();
                let now = Instant::now();
                match asked.hold {
                    Some(Hold::Pause) => self.pause(now),
                    Some(Hold::Resume) => self.resume(now),
                    None => {}
                }
                for _ in 0..asked.cancels.min(2) {
                    self.cancel(now);
                }
            }
            if !ready.streams.is_empty() {
                let now = Instant::now();
                for stream in ready.streams {
                    self.read(stream, now);
                }
            }
        }
    }

    /// Returns whether no descendant is left.
    fn reap_all(&mut self) -> bool {
        loop {
            match reap() {
                Ok(Some(ended)) => self.take(ended),
                Ok(None) => return false,
                Err(Errno::INTR) => {}
                // A subreaper without children has no descendants.
                Err(_) => return true,
            }
        }
    }

    fn take(&mut self, ended: Ended) {
        self.usage.user_us += ended.user_us;
        self.usage.system_us += ended.system_us;
        self.usage.max_rss = self.usage.max_rss.max(ended.max_rss);
        if ended.pid == self.identity.pid && self.main.is_none() {
            let at = Instant::now();
            let paused = self.paused + self.paused_since.map_or(Duration::ZERO, |since| at - since);
            self.main = Some(MainEnd { status: ended.status, at, ended_ms: wall_ms(), paused });
        }
    }

    /// Whatever is due.
    ///
    /// - The main process has ended: what is left has a moment to end as well, then gets SIGTERM if it has not had
    ///   it, and a short time.
    /// - The time limit has passed: as if cancelled, with that reason.
    /// - The grace period has passed: SIGKILL, until nothing is left.
    fn act(&mut self, now: Instant) {
        if let Some((_, status)) = self.untold.take_if(|(at, _)| now >= *at) {
            self.line.send(status);
        }
        if let Grouped::At(at) = self.group
            && now >= at
        {
            self.group = self.gather();
        }
        if let Some(main) = &self.main {
            let linger = main.at + LINGER;
            let latest = linger + SURVIVOR_GRACE.min(self.grace);
            match &mut self.end {
                End::NotAsked => self.end = End::Lingering { until: linger },
                End::Lingering { until } if now >= *until => {
                    self.end = End::Asked { until: latest };
                    self.terminate();
                }
                End::Asked { until } => *until = latest.min(*until),
                End::Lingering { .. } | End::Killing { .. } => {}
            }
        } else if let (Some(left), Some(since), End::NotAsked) =
            (self.time_left, self.running_since, &self.end)
            && now >= since + left
        {
            self.cause = Cause::TimeLimit;
            self.ask_to_end(now);
        }
        if let End::Asked { until } = self.end
            && now >= until
        {
            self.end = End::Killing { since: now, next: now, wait: FIRST_WAIT };
        }
        if let End::Killing { since, next, wait } = self.end
            && now >= next
        {
            let found = self.kill();
            let now = Instant::now();
            let only_refused = found.alive > 0 && found.alive == found.refused;
            if only_refused && self.main.is_some() && now - since >= GIVE_UP {
                self.left = u32::try_from(found.alive).unwrap_or(u32::MAX);
            }
            // A killed process can take its time (memory to free, a device that does not answer).
            let wait = if found.restless { FIRST_WAIT } else { (wait * 2).min(Duration::from_millis(500)) };
            self.end = End::Killing { since, next: now + wait, wait };
        }
    }

    fn next_timer(&self) -> Option<Instant> {
        let gathered = match self.group {
            Grouped::At(at) => Some(at),
            Grouped::In(_) | Grouped::No => None,
        };
        self.next_end().into_iter().chain(gathered).chain(self.untold.map(|(at, _)| at)).min()
    }

    fn next_end(&self) -> Option<Instant> {
        match self.end {
            End::NotAsked => Some(self.running_since? + self.time_left?),
            End::Lingering { until } | End::Asked { until } => Some(until),
            End::Killing { next, .. } => Some(next),
        }
    }

    /// Gives the job a control group, and takes all of its processes in. Looks again until a look finds nobody new: who
    /// was started by one that was in it already was born there.
    fn gather(&self) -> Grouped {
        let Some(group) = Group::make(&self.own, self.folder.path()) else { return Grouped::No };
        let give_up = Instant::now() + SWEEP;
        let mut taken = HashSet::new();
        loop {
            let mut fresh = self.alive();
            fresh.retain(|stat| taken.insert(stat.key()));
            if fresh.is_empty() || Instant::now() >= give_up {
                return Grouped::In(group);
            }
            for stat in fresh {
                // One that has ended, or belongs to somebody else, is left to the other ways.
                let _ = group.take(stat.pid);
            }
        }
    }

    /// A request to end the job; a second one does not wait any longer.
    fn cancel(&mut self, now: Instant) {
        match self.end {
            End::NotAsked => {
                if self.main.is_none() {
                    self.cause = Cause::Cancel;
                }
                self.ask_to_end(now);
            }
            End::Lingering { .. } | End::Asked { .. } => self.end = End::Asked { until: now },
            End::Killing { .. } => {}
        }
    }

    fn ask_to_end(&mut self, now: Instant) {
        self.end = End::Asked { until: now + self.grace };
        self.note_resumed(now);
        self.terminate();
    }

    /// SIGTERM to all, then SIGCONT, since a stopped process only sees the first after the second.
    fn terminate(&mut self) {
        let mut asked = HashSet::new();
        // What was started in the meantime is asked as well, but a job that only multiplies is not asked for ever.
        for _ in 0..3 {
            let mut fresh = self.alive();
            fresh.retain(|stat| asked.insert(stat.key()));
            if fresh.is_empty() {
                break;
            }
            // The main process may want to be the first to know; and nobody is asked twice, for many programs take
            // the second SIGTERM for impatience.
            fresh.sort_by_key(|stat| stat.pid != self.identity.pid);
            tree::signal_each(&fresh, Signal::TERM);
            self.signal(&fresh, Signal::CONT);
            if self.main.is_some() {
                self.count(&fresh);
            }
        }
    }

    fn pause(&mut self, now: Instant) {
        if !matches!(self.end, End::NotAsked) || self.main.is_some() || self.paused_since.is_some() {
            return;
        }
        self.stop_all();
        if let (Some(left), Some(since)) = (&mut self.time_left, self.running_since) {
            *left = left.saturating_sub(now - since);
        }
        self.running_since = None;
        self.paused_since = Some(now);
    }

    fn resume(&mut self, now: Instant) {
        self.signal(&self.alive(), Signal::CONT);
        self.note_resumed(now);
    }

    fn note_resumed(&mut self, now: Instant) {
        if let Some(since) = self.paused_since.take() {
            self.paused += now - since;
            self.running_since = Some(now);
        }
    }

    /// One round of SIGKILL.
    ///
    /// - The whole tree first, group by group: no fork outruns that, and few programs leave their group.
    /// - Then a chase of the direct children. A process that forks and ends gives its child to this one, so
    ///   however fast a chain of such processes moves, its newest link turns up here.
    fn kill(&mut self) -> Found {
        let alive = self.alive();
        if let Grouped::In(group) = &self.group {
            // Who refuses shows below.
            let _ = group.kill();
        }
        self.signal(&alive, Signal::KILL);
        self.count(&alive);
        let mut quiet_until = Instant::now() + CHASE;
        let mut killed = HashSet::new();
        let latest = Instant::now() + SWEEP;
        while !self.reap_all() && Instant::now() < quiet_until.min(latest) {
            for child in tree::children(self.own.pid).unwrap_or_default() {
                // An own child's pid cannot be another's: this process has not waited for it yet.
                let pid = i32::try_from(child).ok().and_then(Pid::from_raw);
                if pid.is_some_and(|pid| kill_process(pid, Signal::KILL).is_ok()) && killed.insert(child) {
                    quiet_until = Instant::now() + CHASE;
                }
            }
        }
        // Asked one by one, as the kernel calls a group signalled when one of its members is.
        let left = self.alive();
        self.count(&left);
        killed.remove(&self.identity.pid);
        let restless = killed.iter().any(|pid| !alive.iter().any(|stat| stat.pid == *pid));
        self.ended.extend(killed);
        let refused = left.iter().filter(|stat| stat.signal(Signal::KILL).is_err()).count();
        Found { alive: left.len(), refused, restless }
    }

    /// Sends a signal that may come twice.
    fn signal(&self, targets: &[Stat], signal: Signal) {
        // A session that this process or a descendant has founded holds nothing but descendants, and so do its
        // groups, save for the one that this process itself is in.
        tree::signal_groups(targets, signal, |target| {
            target.session != 0
                && Some(target.session) != self.foreign_session
                && target.group != self.own_group
        });
    }

    /// Stops all descendants and returns them. Looks again until a look finds nobody new.
    fn stop_all(&self) -> Vec<Stat> {
        let give_up = Instant::now() + SWEEP;
        let mut stopped = HashSet::new();
        loop {
            let alive = self.alive();
            let fresh: Vec<Stat> = alive.iter().filter(|stat| stopped.insert(stat.key())).copied().collect();
            if fresh.is_empty() || Instant::now() >= give_up {
                return alive;
            }
            self.signal(&fresh, Signal::STOP);
        }
    }

    fn alive(&self) -> Vec<Stat> {
        let mut found = tree::descendants(self.own.pid).unwrap_or_default();
        found.retain(Stat::is_alive);
        found
    }

    fn count(&mut self, ended: &[Stat]) {
        self.ended.extend(ended.iter().map(|stat| stat.pid).filter(|&pid| pid != self.identity.pid));
    }

    /// Reads once, so that no stream starves the other. Returns false when there is nothing to read now.
    fn read(&mut self, stream: Stream, now: Instant) -> bool {
        let Some(at) = self.pipes.iter().position(|(s, _)| *s == stream) else { return false };
        match rustix::io::read(&self.pipes[at].1, &mut self.buffer) {
            Ok(n) if n > 0 => {
                self.output.write(&mut self.folder, stream, &self.buffer[..n], now);
                if n == SMALL_BUFFER {
                    self.buffer.resize(BUFFER, 0);
                    for (_, pipe) in &self.pipes {
                        // Refused where a user has many pipes; the default size then has to do.
                        let _ = fcntl_setpipe_size(pipe, PIPE);
                    }
                }
                true
            }
            Err(Errno::INTR) => true,
            Err(Errno::AGAIN) => false,
            // The last writer is gone.
            _ => {
                self.pipes.remove(at);
                false
            }
        }
    }

    /// What the kernel still holds of the output. Nobody of the job writes any more; should somebody else have
    /// got hold of the pipe and write on, they are not waited for.
    fn drain(&mut self) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            let mut reads = 0;
            while reads < DRAIN_READS && self.read(stream, Instant::now()) {
                reads += 1;
            }
        }
        self.pipes.clear();
    }

    /// Records the end.
    fn finish(mut self) -> Left {
        self.drain();
        self.output.finish(&mut self.folder);
        let Some(main) = self.main else { return Left::Over(CODE_REFUSED) };
        let status = main.status;
        let outcome = if libc::WIFSIGNALED(status) {
            Outcome::Signaled { signal: libc::WTERMSIG(status), core: libc::WCOREDUMP(status) }
        } else {
            Outcome::Exited { code: libc::WEXITSTATUS(status) }
        };
        let exit = Exit {
            outcome,
            cause: self.cause,
            job: Some(self.identity),
            started_ms: self.started_ms,
            ended_ms: main.ended_ms,
            elapsed_ms: millis(main.at - self.started),
            paused_ms: millis(main.paused),
            usage: self.usage,
            log: self.output.totals(),
            survivors_killed: u32::try_from(self.ended.len()).unwrap_or(u32::MAX),
            survivors_left: self.left,
        };
        let text = exit.format();
        if let Grouped::In(group) = self.group {
            group.remove();
        }
        // It has happened, whatever the disk says.
        let started = self.untold.map(|(_, status)| status.format()).unwrap_or_default();
        let heard = self.line.write(&format!("{started}{text}"));
        let sync = !heard || main.at - self.started >= SHORT;
        match record(&mut self.folder, &text, sync) {
            CODE_DONE if heard && self.left == 0 => Left::Nothing,
            code => Left::Over(code),
        }
    }
}

/// What is left after a round.
struct Found {
    alive: usize,
    /// Of those, how many may not be signalled.
    refused: usize,
    /// Whether processes turned up that were not there when the round began.
    restless: bool,
}

/// Writes the exit record, for as long as it takes: a lost status is worse than a process that lingers.
fn record(folder: &mut Folder, text: &str, sync: bool) -> i32 {
    let mut wait = Duration::from_millis(100);
    loop {
        match folder.write_exit(text, sync) {
            Ok(()) => return CODE_DONE,
            Err(Gone::Displaced) => return CODE_DISPLACED,
            Err(Gone::Failed(_)) => {
                sleep(wait);
                wait = (wait * 2).min(Duration::from_secs(5));
            }
        }
    }
}

fn number(pid: Pid) -> u32 {
    pid.as_raw_nonzero().get().unsigned_abs()
}

fn wall_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, millis)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
