//! Asking git, without a shell, without anything that a repository's configuration could start, and without the network.

use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};

/// Git may take so long.
const LIMIT: Duration = Duration::from_secs(10);

/// Bytes of its complaints that are kept.
const COMPLAINT: usize = 4096;

/// What git printed.
#[derive(Debug)]
pub(super) struct Printed {
    /// The bytes, as many as were asked for at most.
    pub bytes: Vec<u8>,
    /// There were more.
    pub cut: bool,
}

/// Why git gave no answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum GitFault {
    /// There is no such program.
    Missing,
    /// It took too long.
    Slow,
    /// It refused, and said why.
    Refused(String),
}

impl std::fmt::Display for GitFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing => f.write_str("git is not installed"),
            Self::Slow => write!(f, "git did not answer within {} seconds", LIMIT.as_secs()),
            Self::Refused(why) => write!(f, "git says: {why}"),
        }
    }
}

/// Runs git in a folder and reads `max` bytes of what it prints. Blocking. The variables by which git can be led
/// elsewhere are taken away; the user's own configuration stays, since it says which repositories are to be trusted.
pub(super) fn git(folder: &Path, arguments: &[&str], max: usize) -> Result<Printed, GitFault> {
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"GIT_")) {
        command.env_remove(name);
    }
    command
        .args(["--no-pager", "--no-replace-objects", "--literal-pathspecs"])
        .args(["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "protocol.allow=never"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_ALLOW_PROTOCOL", "")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let mut child = command.spawn().map_err(|cause| match cause.kind() {
        ErrorKind::NotFound => GitFault::Missing,
        _ => GitFault::Refused(cause.to_string()),
    })?;
    let read = read(&mut child, max);
    if !matches!(read, Ok((_, _, false))) {
        end(&child);
    }
    let status = child.wait();
    let (bytes, complaint, cut) = read?;
    match status {
        Ok(status) if status.success() || cut => Ok(Printed { bytes, cut }),
        Ok(status) => {
            let text = String::from_utf8_lossy(&complaint);
            let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
            let line = line.strip_prefix("fatal: ").unwrap_or(line);
            Err(GitFault::Refused(if line.is_empty() { status.to_string() } else { line.to_owned() }))
        }
        Err(cause) => Err(GitFault::Refused(cause.to_string())),
    }
}

/// What it prints and complains of until it ends, takes too long, or has printed enough.
fn read(child: &mut Child, max: usize) -> Result<(Vec<u8>, Vec<u8>, bool), GitFault> {
    let broken = |cause: &dyn std::fmt::Display| GitFault::Refused(cause.to_string());
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    for pipe in [out.as_ref().map(AsFd::as_fd), err.as_ref().map(AsFd::as_fd)].into_iter().flatten() {
        rustix::io::ioctl_fionbio(pipe, true).map_err(|cause| broken(&cause))?;
    }
    let (mut bytes, mut complaint) = (Vec::new(), Vec::new());
    let deadline = Instant::now() + LIMIT;
    while out.is_some() || err.is_some() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(GitFault::Slow);
        }
        let left = Timespec::try_from(left).map_err(|cause| broken(&cause))?;
        let pipes = [out.as_ref().map(AsFd::as_fd), err.as_ref().map(AsFd::as_fd)];
        let mut watched: Vec<PollFd<'_>> =
            pipes.iter().flatten().map(|pipe| PollFd::from_borrowed_fd(*pipe, PollFlags::IN)).collect();
        match poll(&mut watched, Some(&left)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(cause) => return Err(broken(&cause)),
        }
        drop(watched);
        if out.as_mut().is_some_and(|pipe| !drain(pipe, &mut bytes, max)) {
            out = None;
        }
        if bytes.len() > max {
            bytes.truncate(max);
            return Ok((bytes, complaint, true));
        }
        if err.as_mut().is_some_and(|pipe| !drain(pipe, &mut complaint, usize::MAX)) {
            err = None;
        }
        complaint.truncate(COMPLAINT);
    }
    Ok((bytes, complaint, false))
}

/// Reads what there is, until more than `max` are there; false when there will be no more.
fn drain(pipe: &mut impl Read, into: &mut Vec<u8>, max: usize) -> bool {
    let mut piece = [0; 1 << 14];
    while into.len() <= max {
        match pipe.read(&mut piece) {
            Ok(0) => return false,
            Ok(count) => into.extend_from_slice(&piece[..count]),
            Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
            Err(cause) => return cause.kind() == ErrorKind::WouldBlock,
        }
    }
    true
}

/// Ends it with everything that it has begun.
fn end(child: &Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
}
