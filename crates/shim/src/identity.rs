//! Who a process is, beyond its pid.
//!
//! A pid is reused, and a start time in ticks since boot repeats after a reboot. The three together name one
//! process for ever, which is what an engine that comes back needs before it waits for or signals anything.

use std::fmt;
use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::io::Errno;
use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::error::Error;
use crate::tree::{Stat, raw};

const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// A process, named for ever.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// Process id.
    pub pid: u32,
    /// Start time in clock ticks since boot (field 22 of `/proc/PID/stat`).
    pub start_ticks: u64,
    /// The boot in which the two mean something.
    pub boot_id: String,
}

impl Identity {
    /// The process that has this pid now; `None` if there is none.
    ///
    /// # Errors
    /// `/proc` is not readable.
    pub fn of(pid: u32) -> Result<Option<Identity>, Error> {
        let stat = Stat::read(pid).map_err(|e| Error::io("read the process state", &stat_path(pid), e))?;
        match stat {
            Some(stat) => Ok(Some(Identity { pid, start_ticks: stat.start_ticks, boot_id: boot_id()? })),
            None => Ok(None),
        }
    }

    /// This process.
    ///
    /// # Errors
    /// `/proc` is not readable.
    pub fn current() -> Result<Identity, Error> {
        let pid = std::process::id();
        let gone =
            || Error::io("find this process", &stat_path(pid), io::Error::from(io::ErrorKind::NotFound));
        Identity::of(pid)?.ok_or_else(gone)
    }

    /// Whether exactly this process can still run code. A zombie cannot.
    ///
    /// # Errors
    /// `/proc` is not readable; that says nothing about the process.
    pub fn is_alive(&self) -> Result<bool, Error> {
        if boot_id()? != self.boot_id {
            return Ok(false);
        }
        let stat =
            Stat::read(self.pid).map_err(|e| Error::io("read the process state", &stat_path(self.pid), e))?;
        Ok(stat.is_some_and(|stat| stat.start_ticks == self.start_ticks && stat.is_alive()))
    }

    /// A handle on exactly this process, or `None` if it has ended.
    ///
    /// The identity is checked after the handle was opened, so a pid that is reused in between is noticed.
    ///
    /// # Errors
    /// `/proc` is not readable, or the kernel has no pidfd (before 5.3).
    pub fn open(&self) -> Result<Option<Process>, Error> {
        let path = || PathBuf::from(format!("/proc/{}", self.pid));
        let Some(pid) = raw(self.pid) else { return Ok(None) };
        let pidfd = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(pidfd) => pidfd,
            Err(Errno::SRCH) => return Ok(None),
            Err(error) => return Err(Error::io("open a handle on the process", &path(), error)),
        };
        Ok(self.is_alive()?.then_some(Process { pidfd, pid: self.pid }))
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} (started at tick {})", self.pid, self.start_ticks)
    }
}

/// What a shim can be asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// End the job: SIGTERM, the grace period, SIGKILL. Asked again: SIGKILL now.
    Cancel,
    /// Stop all processes of the job. Their memory, on the GPU too, stays taken.
    Pause,
    /// Let them go on.
    Resume,
}

impl Request {
    /// The signal that carries the request to the shim.
    pub fn signal(self) -> Signal {
        match self {
            Request::Cancel => Signal::TERM,
            Request::Pause => Signal::USR1,
            Request::Resume => Signal::USR2,
        }
    }
}

/// A handle (pidfd) on a process. It becomes readable when the process has ended, so an event loop can wait for
/// it; it never means another process.
#[derive(Debug)]
pub struct Process {
    pidfd: OwnedFd,
    pid: u32,
}

impl Process {
    /// A handle on a child of the calling process that was not waited for yet: its pid can't mean another process.
    /// Also works for one that has ended already.
    ///
    /// # Errors
    /// There is no such child, or the kernel has no pidfd (before 5.3).
    pub fn of_child(pid: u32) -> Result<Process, Error> {
        let failed =
            |e: Errno| Error::io("open a handle on the child", Path::new(&format!("/proc/{pid}")), e);
        let raw = raw(pid).ok_or_else(|| failed(Errno::SRCH))?;
        Ok(Process { pidfd: pidfd_open(raw, PidfdFlags::empty()).map_err(failed)?, pid })
    }

    /// The pid behind the handle.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Asks a shim for something. Returns false if it has already ended.
    ///
    /// # Errors
    /// The process may not be signalled.
    pub fn request(&self, request: Request) -> Result<bool, Error> {
        self.signal(request.signal())
    }

    /// Sends a signal. Returns false if the process has already ended.
    ///
    /// # Errors
    /// The process may not be signalled.
    pub fn signal(&self, signal: Signal) -> Result<bool, Error> {
        match pidfd_send_signal(&self.pidfd, signal) {
            Ok(()) => Ok(true),
            Err(Errno::SRCH) => Ok(false),
            Err(error) => {
                Err(Error::io("signal the process", Path::new(&format!("/proc/{}", self.pid)), error))
            }
        }
    }
}

impl AsFd for Process {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

impl From<Process> for OwnedFd {
    fn from(process: Process) -> OwnedFd {
        process.pidfd
    }
}

/// The identity of the current boot.
///
/// # Errors
/// `/proc` is not readable.
pub fn boot_id() -> Result<String, Error> {
    // It can't change while this process lives.
    static KNOWN: OnceLock<String> = OnceLock::new();
    if let Some(known) = KNOWN.get() {
        return Ok(known.clone());
    }
    let text =
        fs::read_to_string(BOOT_ID).map_err(|e| Error::io("read the boot id", Path::new(BOOT_ID), e))?;
    Ok(KNOWN.get_or_init(|| text.trim_end().to_owned()).clone())
}

fn stat_path(pid: u32) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/stat"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_same_process_is_alive() {
        let own = Identity::current().expect("own identity");
        assert!(own.is_alive().expect("readable"));
        assert!(own.open().expect("pidfd").is_some());
        let later = Identity { start_ticks: own.start_ticks + 1, ..own.clone() };
        assert!(!later.is_alive().expect("readable"), "a reused pid is another process");
        assert!(later.open().expect("pidfd").is_none());
        let other_boot = Identity { boot_id: "another".to_owned(), ..own };
        assert!(!other_boot.is_alive().expect("readable"), "nothing survives a reboot");
    }

    #[test]
    fn an_ended_child_is_not_alive_even_before_it_is_waited_for() {
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .expect("cat can be started");
        let identity = Identity::of(child.id()).expect("readable").expect("it runs");
        let handle = identity.open().expect("pidfd").expect("it runs");
        drop(child.stdin.take());
        let mut fds = [rustix::event::PollFd::new(&handle, rustix::event::PollFlags::IN)];
        rustix::event::poll(&mut fds, None).expect("the handle becomes readable");
        assert!(!identity.is_alive().expect("readable"), "a zombie runs no code");
        child.wait().expect("wait");
        assert!(!handle.signal(Signal::TERM).expect("no error"), "gone");
    }
}
