//! Forks a supervisor for each request of an engine; see `athanor_shim::launch` for how it is asked.
//!
//! - Nothing in here is needed once a supervisor lives: it leads a session of its own and holds no descriptor of the
//!   nursery. Killed at any instant, a nursery takes with it what was not yet claimed, and no more.
//! - There is one thread, so a fork leaves no lock behind that somebody else holds.
//! - Ended supervisors are reaped by the kernel, since nobody asks how they ended: what counts is in the folder.

use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, IntoRawFd, OwnedFd};

use athanor_shim::identity::boot_id;
use athanor_shim::launch::{HEAD, Head};
use athanor_shim::{CODE_DONE, CODE_USAGE};
use rustix::io::Errno;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use rustix::process::{chdir, setsid};

use crate::environment::{fork, prepare};
use crate::line::fill;
use crate::supervise;

/// Works until the engine's end of standard input is closed; in each supervisor, until its job is over. Returns the
/// exit code of the process that it then is.
pub fn run() -> i32 {
    // So that the terminal of an engine that was started there does not end us before the engine.
    let _ = setsid();
    let _ = chdir("/");
    prepare();
    // Known to all copies from here on.
    let _ = boot_id();
    let asked = std::io::stdin();
    loop {
        let (head, status) = match receive(asked.as_fd()) {
            Ok(Some(received)) => received,
            Ok(None) => return CODE_DONE,
            Err(_) => return CODE_USAGE,
        };
        let mut body = vec![0; head.len];
        if fill(asked.as_fd(), &mut body).is_err() {
            return CODE_DONE;
        }
        // Where the system refuses, the descriptor closes without a word, and the engine tries it itself.
        if let Ok(true) = fork() {
            return supervisor(&head, body, status);
        }
    }
}

/// In the new process.
fn supervisor(head: &Head, body: Vec<u8>, status: OwnedFd) -> i32 {
    match supervise::requested(head, body) {
        Some(mut args) => {
            args.status_fd = Some(status.into_raw_fd());
            supervise::run(args)
        }
        None => CODE_USAGE,
    }
}

/// The next head and the descriptor that comes with it; `None` at the end.
fn receive(socket: impl AsFd) -> Result<Option<(Head, OwnedFd)>, Errno> {
    let mut bytes = [0; HEAD];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = loop {
        let mut into = [IoSliceMut::new(&mut bytes)];
        match recvmsg(&socket, &mut into, &mut ancillary, RecvFlags::CMSG_CLOEXEC) {
            Err(Errno::INTR) => {}
            other => break other?.bytes,
        }
    };
    if received == 0 {
        return Ok(None);
    }
    let status = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    fill(socket.as_fd(), &mut bytes[received..])?;
    match (Head::parse(&bytes), status) {
        (Some(head), Some(status)) => Ok(Some((head, status))),
        _ => Err(Errno::INVAL),
    }
}
