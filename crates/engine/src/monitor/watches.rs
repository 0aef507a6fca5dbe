//! The folders that the kernel tells of, and those of which it does not.
//!
//! inotify is spoken to directly. A library in between asks for every opening of a file as well, which makes an engine
//! busy while a job reads its data set, and wakes at each write, which makes it busy while a job writes a checkpoint.
//! Here events pile up in the kernel, which drops repetitions, and are fetched in one go a moment later.
//!
//! *Invariant:* [`Watches`] alone knows which folders are followed and by what; the others keep no list of their own.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::held::{Entry, Held, Kernel, Share};
use super::standing::{Failed, Standing, Why, judge};

/// [`Pace::gather`] for jobs.
const GATHER: Duration = Duration::from_millis(80);

/// The same while so much happens that the kernel's queue (16,384 events by default) could overflow.
const HURRY: Duration = Duration::from_millis(10);

/// Events in one go from which on there is a hurry.
const MANY: usize = 2048;

/// Events handled in one go, so that a writer faster than us can't keep us in the loop.
const AT_ONCE: usize = 1 << 16;

/// Bytes read from the kernel at once: some thousand events.
const BUFFER: usize = 64 << 10;

/// Folders of one root that are held at most.
pub(crate) const MOST: usize = 4000;

/// From a refusal for want of watches to the next attempt.
const RETRY: Duration = Duration::from_secs(10);

/// Whose folder it is: that of the logs, or one of the jobs' working directories.
pub(crate) type RootId = u32;

/// The root of all attempts' folders.
pub(crate) const LOGS: RootId = 0;

/// What happened since it was last asked.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// Tables that were written.
    pub tables: BTreeSet<PathBuf>,
    /// Folders that appeared.
    pub folders: BTreeSet<PathBuf>,
    /// Attempts' folders in which something was written.
    pub logs: BTreeSet<PathBuf>,
    /// The kernel dropped events.
    pub overflow: bool,
    /// A root's own folder is gone.
    pub lost: bool,
    /// Folders from which something went away; only told to who follows every file.
    pub gone: BTreeSet<PathBuf>,
}

impl News {
    fn is_empty(&self) -> bool {
        let Self { tables, folders, logs, overflow, lost, gone } = self;
        tables.is_empty() && folders.is_empty() && logs.is_empty() && gone.is_empty() && !overflow && !lost
    }

    fn add(&mut self, mut other: Self) {
        self.tables.append(&mut other.tables);
        self.folders.append(&mut other.folders);
        self.logs.append(&mut other.logs);
        self.gone.append(&mut other.gone);
        self.overflow |= other.overflow;
        self.lost |= other.lost;
    }
}

/// How the folders of a root are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Summary {
    /// Folders followed.
    pub folders: usize,
    /// Of these, the ones looked at every few seconds.
    pub polled: usize,
    /// Why; of several reasons the one that concerns most.
    pub why: Option<Why>,
}

/// How closely folders are followed, and which of their files are told of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// How long a burst of file events is gathered. What was written last within it is delivered at its end.
    pub gather: Duration,
    /// Folders of one root that are held at most.
    pub most: usize,
    /// Every file is told of, and what goes away; else tables alone.
    pub every_file: bool,
}

/// What jobs write.
const JOBS: Pace = Pace { gather: GATHER, most: MOST, every_file: false };

/// The watched folders. Dropping it ends the task that reads events.
#[derive(Debug)]
pub(crate) struct Watches {
    /// No watch is ever set up: everything is polled.
    forced: bool,
    pace: Pace,
    runtime: Handle,
    inner: Mutex<Held>,
    news: Mutex<News>,
    /// Woken when there are news.
    pub wake: Notify,
}

impl Watches {
    /// None yet. Must be called within the runtime that is to read events.
    pub fn new(forced: bool) -> Arc<Self> {
        Self::at_pace(forced, JOBS)
    }

    /// The same at another pace.
    pub fn at_pace(forced: bool, pace: Pace) -> Arc<Self> {
        Arc::new(Self {
            forced,
            pace,
            runtime: Handle::current(),
            inner: Mutex::new(Held { every_file: pace.every_file, ..Held::default() }),
            news: Mutex::default(),
            wake: Notify::new(),
        })
    }

    /// Takes what happened since the last call.
    pub fn take(&self) -> News {
        std::mem::take(&mut *self.news.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Begins a root: a folder and, later, folders below it.
    pub fn add_root(&self, root: RootId, folder: &Path) {
        self.inner().roots.insert(root, Share { folder: folder.to_owned(), held: 0, left_out: false });
    }

    /// Follows a folder for a root; again and again as the folder is met. Blocks as long as its file server does not
    /// answer, and holds up nobody else.
    pub fn hold(self: &Arc<Self>, root: RootId, folder: &Path, network: Option<&'static str>) {
        if self.note(root, folder, network) {
            self.set_up(folder);
        }
    }

    /// Notes that a root holds a folder; returns whether that is still to be watched.
    fn note(&self, root: RootId, folder: &Path, network: Option<&'static str>) -> bool {
        let mut inner = self.inner();
        let inner = &mut *inner;
        let Some(share) = inner.roots.get_mut(&root) else { return false };
        let met = inner.looks;
        let mut is_another = false;
        if let Some(entry) = inner.folders.get_mut(folder) {
            entry.met = met;
            // Something was mounted there, or is not any more.
            is_another = std::mem::replace(&mut entry.network, network) != network;
        }
        let known = inner.folders.get(folder);
        if known.is_none_or(|entry| !entry.roots.contains(&root)) {
            if share.held >= self.pace.most {
                share.left_out = true;
                return false;
            }
            share.held += 1;
            let fresh = || Entry { roots: Vec::new(), watch: None, network, why: None, met };
            inner.folders.entry(folder.to_owned()).or_insert_with(fresh).roots.push(root);
        }
        is_another || inner.folders.get(folder).is_some_and(|entry| entry.watch.is_none())
    }

    /// A look through a root begins. Returns its number, for [`Watches::forget_unmet`].
    pub fn begin_look(&self) -> u64 {
        let mut inner = self.inner();
        inner.looks += 1;
        inner.looks
    }

    /// After a whole look through a root: folders that it did not meet are gone. Nobody tells so of one that is polled.
    pub fn forget_unmet(&self, root: RootId, look: u64) {
        let mut inner = self.inner();
        let unmet = |entry: &Entry| entry.met < look && entry.roots.contains(&root);
        let gone: Vec<PathBuf> = inner
            .folders
            .iter()
            .filter(|(_, entry)| unmet(entry))
            .map(|(folder, _)| folder.clone())
            .collect();
        for folder in gone {
            inner.release(root, &folder);
        }
    }

    /// Tries once more what was refused for a root; returns whether something is told now that was not. Blocks as long as
    /// a file server does not answer.
    pub fn retry(self: &Arc<Self>, root: RootId) -> bool {
        if self.forced || self.is_exhausted() {
            return false;
        }
        let refused: Vec<PathBuf> = self
            .inner()
            .folders
            .iter()
            .filter(|(_, entry)| entry.watch.is_none() && entry.roots.contains(&root))
            .map(|(folder, _)| folder.clone())
            .collect();
        let mut regained = false;
        for folder in refused {
            self.set_up(&folder);
            regained |= self.is_told(&folder);
            if self.is_exhausted() {
                break;
            }
        }
        regained
    }

    fn is_exhausted(&self) -> bool {
        self.inner().exhausted.is_some_and(|(at, _)| at.elapsed() < RETRY)
    }

    /// Whether nothing tells of changes in a folder, so that it has to be looked at.
    pub fn is_polled(&self, folder: &Path) -> bool {
        self.inner().folders.get(folder).is_none_or(|entry| entry.why.is_some())
    }

    /// Whether the kernel tells of changes in a folder.
    pub fn is_told(&self, folder: &Path) -> bool {
        self.inner().folders.get(folder).is_some_and(|entry| entry.watch.is_some())
    }

    /// How a root is followed.
    pub fn summary(&self, root: RootId) -> Summary {
        let inner = self.inner();
        let mut reasons: HashMap<Why, usize> = HashMap::new();
        let mut summary = Summary::default();
        for entry in inner.folders.values().filter(|entry| entry.roots.contains(&root)) {
            summary.folders += 1;
            if let Some(why) = entry.why {
                summary.polled += 1;
                *reasons.entry(why).or_default() += 1;
            }
        }
        summary.why = reasons.into_iter().max_by_key(|(why, count)| (*count, *why)).map(|(why, _)| why);
        if inner.roots.get(&root).is_some_and(|share| share.left_out) && summary.why.is_none() {
            summary.why = Some(Why::TooMany(self.pace.most));
        }
        summary
    }

    /// Follows a folder no more for a root.
    pub fn release_folder(&self, root: RootId, folder: &Path) {
        let mut inner = self.inner();
        inner.release(root, folder);
    }

    /// Ends a root.
    pub fn release(&self, root: RootId) {
        let mut inner = self.inner();
        let held: Vec<PathBuf> = inner
            .folders
            .iter()
            .filter(|(_, entry)| entry.roots.contains(&root))
            .map(|(folder, _)| folder.clone())
            .collect();
        for folder in held {
            inner.release(root, &folder);
        }
        inner.roots.remove(&root);
    }

    fn inner(&self) -> MutexGuard<'_, Held> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tries to watch a folder that is held, and notes what follows from that. The lock is not held while the kernel looks
    /// for the folder.
    fn set_up(self: &Arc<Self>, folder: &Path) {
        let mut inner = self.inner();
        let watched = match (self.forced, inner.exhausted) {
            (true, _) => None,
            (false, Some((at, failed))) if at.elapsed() < RETRY => Some(Err(failed)),
            (false, _) => Some(match self.kernel(&mut inner) {
                Err(failed) => Err(failed),
                Ok(kernel) => {
                    inner.begin_asking();
                    drop(inner);
                    let answer = self.watch(&kernel, folder);
                    inner = self.inner();
                    inner.answered(folder, answer)
                }
            }),
        };
        let Some(network) = inner.folders.get(folder).map(|entry| entry.network) else { return };
        let standing = match watched {
            None => Standing::Followed(Some(Why::Forced)),
            Some(watched) => judge(watched.map(|_| ()), network),
        };
        match (watched, standing) {
            (Some(Err(failed)), Standing::Followed(_)) if failed.is_exhausted() => {
                inner.exhausted.get_or_insert_with(|| (Instant::now(), failed));
            }
            (Some(Ok(_)), _) => inner.exhausted = None,
            _ => {}
        }
        match standing {
            Standing::Nothing => {
                inner.lose(folder);
            }
            Standing::Followed(why) => {
                if let Some(entry) = inner.folders.get_mut(folder) {
                    entry.watch = watched.and_then(Result::ok);
                    entry.why = why;
                }
            }
        }
    }

    /// The inotify instance, made when it is first needed.
    fn kernel(self: &Arc<Self>, inner: &mut Held) -> Result<Arc<AsyncFd<OwnedFd>>, Failed> {
        if inner.exhausted.is_some_and(|(at, _)| at.elapsed() >= RETRY) {
            inner.exhausted = None;
        }
        let kernel = match &inner.kernel {
            Some(kernel) => kernel,
            None => inner.kernel.insert(self.begin().map_err(Failed::Instance)?),
        };
        Ok(kernel.fd.clone())
    }

    fn watch(&self, kernel: &AsyncFd<OwnedFd>, folder: &Path) -> Result<i32, Failed> {
        let flags = WatchFlags::CREATE
            | WatchFlags::MODIFY
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR
            | WatchFlags::EXCL_UNLINK;
        let flags = if self.pace.every_file { flags | WatchFlags::DELETE } else { flags };
        inotify::add_watch(kernel.get_ref(), folder, flags).map_err(Failed::Watch)
    }

    /// An inotify instance, and the task that reads it.
    fn begin(self: &Arc<Self>) -> Result<Kernel, Errno> {
        let _runtime = self.runtime.enter();
        let fd = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let fd = Arc::new(register(fd, Interest::READABLE)?);
        let reader = tokio::spawn(read(fd.clone(), Arc::downgrade(self))).abort_handle();
        Ok(Kernel { fd, reader })
    }

    /// Fetches what the kernel has gathered. Returns how many events that were, and whether there may be more.
    fn fetch(&self, fd: &AsyncFd<OwnedFd>, buffer: &mut [MaybeUninit<u8>]) -> (usize, bool) {
        let mut news = News::default();
        let mut count = 0;
        let more = {
            let mut inner = self.inner();
            let mut events = inotify::Reader::new(fd.get_ref(), buffer);
            loop {
                if count >= AT_ONCE {
                    break true;
                }
                match events.next() {
                    Ok(event) => {
                        count += 1;
                        let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
                        inner.heard(event.wd(), event.events(), name, &mut news);
                    }
                    Err(Errno::INTR) => {}
                    Err(Errno::AGAIN) => break false,
                    Err(error) => {
                        tracing::warn!(%error, "file events can't be read; everything is looked at once");
                        news.overflow = true;
                        break false;
                    }
                }
            }
        };
        if !news.is_empty() {
            self.news.lock().unwrap_or_else(PoisonError::into_inner).add(news);
            self.wake.notify_one();
        }
        (count, more)
    }
}

impl Drop for Watches {
    fn drop(&mut self) {
        if let Some(kernel) = &self.inner().kernel {
            kernel.reader.abort();
        }
    }
}

/// Has the runtime say when there is something to read, or whatever the interest is.
#[allow(
    unsafe_code,
    reason = "AsyncFd::register is the only way to wait for a descriptor, and wants a promise"
)]
pub(crate) fn register(fd: OwnedFd, interest: Interest) -> Result<AsyncFd<OwnedFd>, Errno> {
    // SAFETY: an `OwnedFd` keeps its descriptor open, always returns the same one, and is owned by the `AsyncFd`.
    unsafe { AsyncFd::register_with_interest(fd, interest) }
        .map_err(|cause| Errno::from_io_error(&cause.into()).unwrap_or(Errno::IO))
}

/// Reads events until nobody wants them any more.
async fn read(fd: Arc<AsyncFd<OwnedFd>>, watches: Weak<Watches>) {
    let mut buffer = vec![MaybeUninit::uninit(); BUFFER];
    let Some(gather) = watches.upgrade().map(|watches| watches.pace.gather) else { return };
    let mut pause = gather;
    loop {
        if fd.readable().await.is_err() {
            return;
        }
        tokio::time::sleep(pause).await;
        let Ok(mut ready) = fd.readable().await else { return };
        let Some(watches) = watches.upgrade() else { return };
        let (count, more) = watches.fetch(&fd, &mut buffer);
        pause = if count >= MANY { HURRY.min(gather) } else { gather };
        if !more {
            // What arrives between the last read and this is not forgotten: tokio clears what it saw before it.
            ready.clear_ready();
        }
    }
}

#[cfg(test)]
#[path = "watches_tests.rs"]
mod tests;
