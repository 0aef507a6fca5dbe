//! Waiting for whatever comes first.

use std::os::fd::OwnedFd;
use std::time::Duration;

use athanor_shim::log::Stream;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::environment::Signals;

/// What there is to do.
pub struct Ready {
    pub signal: bool,
    pub streams: Vec<Stream>,
}

/// Waits for a signal, output, or the end of the time, which is for ever without one.
pub fn wait(signals: &Signals, pipes: &[(Stream, OwnedFd)], timeout: Option<&Timespec>) -> Ready {
    let mut fds = vec![PollFd::new(signals.fd(), PollFlags::IN)];
    fds.extend(pipes.iter().map(|(_, pipe)| PollFd::new(pipe, PollFlags::IN)));
    match poll(&mut fds, timeout) {
        Ok(_) => Ready {
            signal: !fds[0].revents().is_empty(),
            streams: pipes
                .iter()
                .zip(&fds[1..])
                .filter(|(_, fd)| !fd.revents().is_empty())
                .map(|((stream, _), _)| *stream)
                .collect(),
        },
        // Interrupted by a signal, whose request is waiting.
        Err(_) => Ready { signal: true, streams: Vec::new() },
    }
}

pub fn timespec(duration: Duration) -> Timespec {
    // A time beyond what the clock can hold is as good as none.
    let tv_sec = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX / 2);
    Timespec { tv_sec, tv_nsec: i64::from(duration.subsec_nanos()) }
}
