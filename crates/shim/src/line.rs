//! The supervisor's end of its status descriptor: what it says there, and what it may be asked next.
//!
//! An engine that gives a socket, and not just the end of a pipe, may send the next request over it once it has heard
//! how the job ended: starting from a supervisor that is there already costs half of forking one. It closes its end
//! when it has no more use for it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use athanor_shim::launch::{HEAD, Head};
use athanor_shim::status::Status;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{FileType, fstat};
use rustix::io::Errno;

use crate::environment::Signals;

/// The engine's end of it may be gone at any time, and with `None` never was there.
pub struct Line {
    fd: Option<OwnedFd>,
    /// Whether anything can come over it.
    both_ways: bool,
}

impl Line {
    pub fn new(fd: Option<OwnedFd>) -> Line {
        let is_socket = |fd: &OwnedFd| {
            fstat(fd).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Socket)
        };
        Line { both_ways: fd.as_ref().is_some_and(is_socket), fd }
    }

    pub fn send(&self, status: Status) {
        self.write(&status.format());
    }

    /// Whether somebody is there to read it. An engine that is gone by now reads the folder when it is back.
    pub fn write(&self, text: &str) -> bool {
        let written = self.fd.as_ref().map(|fd| rustix::io::write(fd, text.as_bytes()));
        written == Some(Ok(text.len()))
    }

    /// Waits for another request; `None` when there will be none.
    pub fn next(&self, signals: &Signals) -> Option<(Head, Vec<u8>)> {
        let fd = self.fd.as_ref().filter(|_| self.both_ways)?;
        loop {
            let mut fds = [PollFd::new(fd, PollFlags::IN), PollFd::new(signals.fd(), PollFlags::IN)];
            match poll(&mut fds, None) {
                Ok(_) => {}
                // What came is asked for by its descriptor, too.
                Err(Errno::INTR) => continue,
                Err(_) => return None,
            }
            if !fds[0].revents().is_empty() {
                break;
            }
            // Nothing runs: there is nobody to be asked to end but this process.
            if signals.asked().cancels > 0 {
                return None;
            }
        }
        let mut head = [0; HEAD];
        fill(fd.as_fd(), &mut head).ok()?;
        // What was asked up to here was meant for the job before: an engine asks nothing of the next one until it has
        // heard that it started.
        let _ = signals.asked();
        let head = Head::parse(&head)?;
        let mut body = vec![0; head.len];
        fill(fd.as_fd(), &mut body).ok()?;
        Some((head, body))
    }
}

/// Reads until there is no room left.
pub fn fill(from: BorrowedFd<'_>, mut rest: &mut [u8]) -> Result<(), Errno> {
    while !rest.is_empty() {
        match rustix::io::read(from, &mut *rest) {
            Ok(0) => return Err(Errno::PIPE),
            Ok(n) => rest = &mut rest[n..],
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
