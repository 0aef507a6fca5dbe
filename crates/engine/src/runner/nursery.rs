//! The process that forks supervisors, and what they say.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream as Pair;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use athanor_shim::launch::Request;
use athanor_shim::record::Exit;
use athanor_shim::status::Status as ShimStatus;
use rustix::io::{Errno, IoSlice};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use tokio::io::{AsyncReadExt, Interest};
use tokio::net::UnixStream;
use tokio::net::unix::pipe::Receiver;
use tokio::sync::Mutex;

use super::{Launch, words};

/// The nursery of one engine. One that has ended is replaced when it is next needed.
#[derive(Debug)]
pub(super) struct Nursery(Mutex<Option<Link>>);

/// A running nursery. It ends when this is dropped, and its supervisors go on.
#[derive(Debug)]
struct Link {
    socket: Socket,
    child: Option<Child>,
}

#[derive(Debug)]
enum Socket {
    /// Not yet known to a runtime.
    Fresh(Pair),
    Ready(UnixStream),
    Closed,
}

impl Nursery {
    /// Starts a nursery ahead of its first request. That it can't be is no error: each supervisor is then started as
    /// a program, and the reason shows there.
    pub(super) fn start(shim: &Path) -> Self {
        Self(Mutex::new(Link::start(shim)))
    }

    /// Asks for a supervisor, and returns what it will say; `None` where there is no nursery to ask.
    pub(super) async fn ask(&self, shim: &Path, launch: &Launch) -> Option<Heard> {
        let bytes = request(launch)?;
        let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).ok()?;
        let heard = Heard::new(reader)?;
        let mut slot = self.0.lock().await;
        // Whoever is interrupted in the middle of a request drops the nursery with it: it would take the next request
        // for the rest of this one.
        for link in [slot.take(), None] {
            let mut link = link.or_else(|| Link::start(shim))?;
            match link.send(&bytes, &writer).await {
                Ok(()) => {
                    *slot = Some(link);
                    return Some(heard);
                }
                Err(cause) => tracing::warn!(%cause, "the process that starts supervisors is gone"),
            }
        }
        None
    }
}

/// The request; `None` for what no program can be started with.
fn request(launch: &Launch) -> Option<Vec<u8>> {
    let mut request = Request::default();
    for word in words(launch) {
        request = request.word(word);
    }
    for (name, value) in launch.variables() {
        // As the standard library has it: a variable without a name can't be handed on.
        if name.is_empty() || name.contains('=') {
            return None;
        }
        request = request.variable(name, value);
    }
    request.finish()
}

impl Link {
    fn start(shim: &Path) -> Option<Link> {
        let start = || {
            let (socket, theirs) = Pair::pair()?;
            let mut command = Command::new(shim);
            command.arg("--nursery").stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).stderr(Stdio::null());
            let child = command.env_clear().current_dir("/").spawn()?;
            socket.set_nonblocking(true)?;
            Ok::<Link, std::io::Error>(Link { socket: Socket::Fresh(socket), child: Some(child) })
        };
        match start() {
            Ok(link) => Some(link),
            Err(cause) => {
                tracing::warn!(%cause, "the process that starts supervisors could not be started");
                None
            }
        }
    }

    async fn send(&mut self, bytes: &[u8], status: &OwnedFd) -> std::io::Result<()> {
        if let Socket::Fresh(_) = self.socket
            && let Socket::Fresh(pair) = std::mem::replace(&mut self.socket, Socket::Closed)
        {
            self.socket = Socket::Ready(UnixStream::from_std(pair)?);
        }
        let Socket::Ready(socket) = &self.socket else { return Err(Errno::PIPE.into()) };
        let mut done = 0;
        while done < bytes.len() {
            // The descriptor travels with the first byte.
            let descriptors = [status.as_fd()];
            let with = if done == 0 { &descriptors[..] } else { &[] };
            let attempt = || send_some(socket, &bytes[done..], with);
            let sent = match attempt() {
                Err(Errno::AGAIN) => {
                    socket.async_io(Interest::WRITABLE, || attempt().map_err(std::io::Error::from)).await?
                }
                other => other?,
            };
            done += sent;
        }
        Ok(())
    }
}

fn send_some(
    socket: &UnixStream,
    bytes: &[u8],
    descriptors: &[std::os::fd::BorrowedFd<'_>],
) -> Result<usize, Errno> {
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() {
        ancillary.push(SendAncillaryMessage::ScmRights(descriptors));
    }
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    sendmsg(socket, &[IoSlice::new(bytes)], &mut ancillary, flags)
}

impl Drop for Link {
    fn drop(&mut self) {
        self.socket = Socket::Closed;
        // It ends at once, now that its input has ended; a thread of its own, so that nobody here waits for it.
        if let Some(mut child) = self.child.take() {
            let reap = std::thread::Builder::new().name("nursery".into());
            let _ = reap.spawn(move || child.wait());
        }
    }
}

/// What a supervisor says over its status descriptor.
#[derive(Debug)]
pub(super) struct Heard {
    from: Receiver,
    bytes: Vec<u8>,
}

impl Heard {
    /// `None` where the runtime can't listen to it.
    pub(super) fn new(status: OwnedFd) -> Option<Self> {
        let from = Receiver::from_owned_fd(status).ok()?;
        Some(Self { from, bytes: Vec::with_capacity(1024) })
    }

    /// How the start went, a millisecond or so after the request; `None` if nobody says so any more.
    pub(super) async fn line(&mut self) -> Option<ShimStatus> {
        let end = loop {
            match self.bytes.iter().position(|byte| *byte == b'\n') {
                Some(end) => break end + 1,
                None => self.more().await?,
            }
        };
        let line: Vec<u8> = self.bytes.drain(..end).collect();
        ShimStatus::parse(std::str::from_utf8(&line).ok()?)
    }

    /// How the job ended; `None` if the supervisor ends without saying so.
    pub(super) async fn record(&mut self) -> Option<Exit> {
        loop {
            // Complete or not, a record says so itself.
            if self.bytes.ends_with(b"end\n")
                && let Ok(exit) = Exit::parse(&self.bytes)
            {
                return Some(exit);
            }
            self.more().await?;
        }
    }

    async fn more(&mut self) -> Option<()> {
        match self.from.read_buf(&mut self.bytes).await {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(()),
        }
    }
}
