//! Where supervisors come from: one that has just ended a job and may take another, or the process that forks them.
//! And what they say.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream as Pair;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use athanor_shim::launch::Request;
use athanor_shim::record::Exit;
use athanor_shim::status::Status as ShimStatus;
use rustix::io::{Errno, IoSlice};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::UnixStream;
use tokio::sync::Mutex;

use super::{Launch, words};

/// The nursery of one engine, and the supervisors that wait. A nursery that has ended is replaced when it is next
/// needed.
#[derive(Debug)]
pub(super) struct Nursery {
    link: Mutex<Option<Link>>,
    idle: Arc<Idle>,
}

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
        Self { link: Mutex::new(Link::start(shim)), idle: Arc::default() }
    }

    /// Asks for a supervisor, and returns what it will say; `None` where there is nobody to ask.
    pub(super) async fn ask(&self, shim: &Path, launch: &Launch) -> Option<Heard> {
        let bytes = request(launch)?;
        while let Some(mut heard) = self.idle.take() {
            // One that has ended in the meantime took nothing in.
            if heard.ask(&bytes).await.is_ok() {
                return Some(heard);
            }
        }
        let (ours, theirs) = Pair::pair().ok()?;
        ours.set_nonblocking(true).ok()?;
        let heard = Heard::new(ours)?;
        let theirs = OwnedFd::from(theirs);
        let mut slot = self.link.lock().await;
        // Whoever is interrupted in the middle of a request drops the nursery with it: it would take the next request
        // for the rest of this one.
        for link in [slot.take(), None] {
            let mut link = link.or_else(|| Link::start(shim))?;
            match link.send(&bytes, &theirs).await {
                Ok(()) => {
                    *slot = Some(link);
                    return Some(heard);
                }
                Err(cause) => tracing::warn!(%cause, "the process that starts supervisors is gone"),
            }
        }
        None
    }

    /// Keeps a supervisor for the next job, for a moment.
    pub(super) fn keep(&self, heard: Heard) {
        if self.idle.put(heard) {
            let idle = self.idle.clone();
            tokio::spawn(async move {
                while idle.dismiss() {
                    tokio::time::sleep(LINGER).await;
                }
            });
        }
    }
}

/// So long a supervisor waits for another job, at least, and less than twice as long.
const LINGER: Duration = Duration::from_millis(500);

/// No more supervisors wait than this.
const IDLE_MAX: usize = 16;

/// Supervisors without a job.
#[derive(Debug, Default)]
struct Idle(StdMutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    /// The last one to come is the first to go: its memory is still warm.
    lines: Vec<(Instant, Heard)>,
    /// Whether somebody dismisses those that wait for too long.
    watched: bool,
}

impl Idle {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<Heard> {
        self.lock().lines.pop().map(|(_, heard)| heard)
    }

    /// Returns whether somebody has to be found who dismisses it.
    fn put(&self, heard: Heard) -> bool {
        let mut waiting = self.lock();
        if waiting.lines.len() < IDLE_MAX {
            waiting.lines.push((Instant::now(), heard));
        }
        !std::mem::replace(&mut waiting.watched, true)
    }

    /// Lets go those that have waited for long enough. Returns whether there are others.
    fn dismiss(&self) -> bool {
        let mut waiting = self.lock();
        waiting.lines.retain(|(since, _)| since.elapsed() < LINGER);
        waiting.watched = !waiting.lines.is_empty();
        waiting.watched
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

/// The engine's end of a supervisor's status descriptor: what it says, and what it may be asked.
#[derive(Debug)]
pub(super) struct Heard {
    from: UnixStream,
    bytes: Vec<u8>,
    /// Whether it has had a job before.
    seasoned: bool,
}

/// How long a supervisor may take from the end of one job to the start of the next. It first has to write down how the
/// one ended, and tries until it has.
const BETWEEN: Duration = Duration::from_secs(2);

impl Heard {
    /// `None` where the runtime can't listen to it. The socket must not block.
    pub(super) fn new(status: Pair) -> Option<Self> {
        let from = UnixStream::from_std(status).ok()?;
        Some(Self { from, bytes: Vec::with_capacity(1024), seasoned: false })
    }

    /// Sends the next request to a supervisor that has ended its job.
    async fn ask(&mut self, request: &[u8]) -> std::io::Result<()> {
        self.bytes.clear();
        self.seasoned = true;
        self.from.write_all(request).await
    }

    /// What it says first; `None` also if it takes longer than one that was there already should.
    pub(super) async fn first(&mut self) -> Option<ShimStatus> {
        match self.seasoned {
            true => tokio::time::timeout(BETWEEN, self.line()).await.ok()?,
            false => self.line().await,
        }
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

    /// Whether it has said how the job ended, too.
    pub(super) fn is_over(&self) -> bool {
        self.bytes.ends_with(b"end\n")
    }

    /// How the job ended; `None` if the supervisor ends without saying so.
    pub(super) async fn record(&mut self) -> Option<Exit> {
        loop {
            // Complete or not, a record says so itself.
            if self.is_over()
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
