//! Who follows which folder, and which watch of the kernel tells of it.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::inotify::{self, ReadFlags};
use rustix::io::Errno;
use tokio::io::unix::AsyncFd;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::standing::{Failed, Why};
use super::watches::{LOGS, News, RootId};
use crate::files;
use crate::runs::databases::BESIDE;

/// All folders that are followed.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Every file is told of, and what goes away; else tables alone.
    pub every_file: bool,
    pub kernel: Option<Kernel>,
    pub folders: HashMap<PathBuf, Entry>,
    /// Several paths may lead to the same folder.
    pub by_watch: HashMap<i32, Vec<PathBuf>>,
    pub roots: HashMap<RootId, Share>,
    /// Looks through roots that have begun.
    pub looks: u64,
    /// When a watch was last refused because there are none left, and of what.
    pub exhausted: Option<(Instant, Failed)>,
    /// What is asked of the kernel just now, without the lock.
    pub asking: Asking,
}

/// Watches that are being set up. The kernel looks the folder's path up, and waits as long as its file server does not
/// answer; so nothing is locked meanwhile, and what happens to watches in that time is kept until the answer is there.
#[derive(Debug, Default)]
pub(super) struct Asking {
    count: usize,
    /// Watches that ended and were nobody's yet: the answer may be one of them.
    ended: HashSet<i32>,
    /// Watches that nobody wants any more: the answer may be that one of them is wanted again.
    unwanted: HashSet<i32>,
}

/// The inotify instance, and the task that reads it.
#[derive(Debug)]
pub(super) struct Kernel {
    pub fd: Arc<AsyncFd<OwnedFd>>,
    pub reader: AbortHandle,
}

/// A folder.
#[derive(Debug)]
pub(super) struct Entry {
    pub roots: Vec<RootId>,
    pub watch: Option<i32>,
    pub network: Option<&'static str>,
    /// Why it is polled, if it is.
    pub why: Option<Why>,
    /// The newest look, when it was last met.
    pub met: u64,
}

/// What a root has of them.
#[derive(Debug)]
pub(super) struct Share {
    pub folder: PathBuf,
    pub held: usize,
    pub left_out: bool,
}

impl Held {
    /// Notes what an event of the kernel says.
    pub fn heard(&mut self, watch: i32, events: ReadFlags, name: Option<&OsStr>, news: &mut News) {
        if events.contains(ReadFlags::QUEUE_OVERFLOW) {
            news.overflow = true;
            return;
        }
        if events.contains(ReadFlags::IGNORED) {
            // Removed, or on a file system that was unmounted.
            let paths = self.by_watch.remove(&watch).unwrap_or_default();
            if paths.is_empty() && self.asking.count > 0 {
                self.asking.ended.insert(watch);
            }
            for folder in paths {
                news.lost |= self.lose(&folder);
                self.exhausted = None;
            }
            return;
        }
        let Some(paths) = self.by_watch.get(&watch) else { return };
        if events.contains(ReadFlags::MOVE_SELF) {
            for folder in paths.clone() {
                // The folder above has told so before, by the old name; what has this one is its new name.
                let above = folder.parent().and_then(|above| self.folders.get(above));
                if above.is_none_or(|above| above.watch.is_none()) {
                    news.lost |= self.lose_below(&folder);
                }
            }
            return;
        }
        let Some(name) = name else { return };
        let is_folder = events.contains(ReadFlags::ISDIR);
        let mut moved = Vec::new();
        for folder in paths {
            if self.folders.get(folder).is_some_and(|entry| entry.roots.contains(&LOGS)) {
                news.logs.insert(folder.clone());
            }
            // What SQLite puts beside a database goes with every change.
            let passes = BESIDE.iter().any(|ending| name.as_encoded_bytes().ends_with(ending.as_bytes()));
            if self.every_file && !passes && events.intersects(ReadFlags::MOVED_FROM | ReadFlags::DELETE) {
                news.gone.insert(folder.clone());
            }
            if is_folder && events.contains(ReadFlags::MOVED_FROM) {
                moved.push(folder.join(name));
            } else if is_folder && events.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO) {
                news.folders.insert(folder.join(name));
            } else if !is_folder
                && !events.intersects(ReadFlags::MOVED_FROM | ReadFlags::DELETE)
                && (self.every_file || files::is_table(Path::new(name)))
            {
                news.tables.insert(folder.join(name));
            }
        }
        for folder in moved {
            news.lost |= self.lose_below(&folder);
        }
    }

    fn unwatch(&mut self, folder: &Path, watch: Option<i32>) {
        let Some(watch) = watch else { return };
        let Some(paths) = self.by_watch.get_mut(&watch) else { return };
        paths.retain(|path| path != folder);
        if paths.is_empty() {
            self.by_watch.remove(&watch);
            self.remove_watch(watch);
            self.exhausted = None;
        }
    }

    fn remove_watch(&mut self, watch: i32) {
        if self.asking.count > 0 {
            self.asking.unwanted.insert(watch);
        } else if let Some(kernel) = &self.kernel {
            // A folder that was removed has lost its watch already.
            let _ = inotify::remove_watch(kernel.fd.get_ref(), watch);
        }
    }

    /// The kernel is about to be asked for a watch.
    pub fn begin_asking(&mut self) {
        self.asking.count += 1;
    }

    /// It has answered; what it said goes for a folder that is held. Returns what is true now.
    pub fn answered(&mut self, folder: &Path, answer: Result<i32, Failed>) -> Result<i32, Failed> {
        let answer = match answer {
            Ok(watch) if self.asking.ended.contains(&watch) => Err(Failed::Watch(Errno::NOENT)),
            other => other,
        };
        match (answer, self.folders.get(folder).map(|entry| entry.watch)) {
            (Ok(watch), Some(before)) => {
                if before != Some(watch) {
                    self.unwatch(folder, before);
                }
                let paths = self.by_watch.entry(watch).or_default();
                if !paths.iter().any(|path| path == folder) {
                    paths.push(folder.to_owned());
                }
            }
            // Released meanwhile.
            (Ok(watch), None) if !self.by_watch.contains_key(&watch) => self.remove_watch(watch),
            _ => {}
        }
        self.asking.count -= 1;
        if self.asking.count == 0 {
            let Asking { unwanted, .. } = std::mem::take(&mut self.asking);
            for watch in
                unwanted.into_iter().filter(|watch| !self.by_watch.contains_key(watch)).collect::<Vec<_>>()
            {
                self.remove_watch(watch);
            }
        }
        answer
    }

    /// A root follows a folder no more.
    pub fn release(&mut self, root: RootId, folder: &Path) {
        let Some(entry) = self.folders.get_mut(folder) else { return };
        let before = entry.roots.len();
        entry.roots.retain(|holder| *holder != root);
        if let (true, Some(share)) = (entry.roots.len() < before, self.roots.get_mut(&root)) {
            share.held -= 1;
        }
        if entry.roots.is_empty() {
            let watch = entry.watch;
            self.folders.remove(folder);
            self.unwatch(folder, watch);
        }
    }

    /// A folder is not there any more. Returns whether it is a root's own, which is looked for from now on.
    pub fn lose(&mut self, folder: &Path) -> bool {
        let Some(entry) = self.folders.get_mut(folder) else { return false };
        let watch = entry.watch.take();
        let own: Vec<RootId> = entry
            .roots
            .iter()
            .copied()
            .filter(|id| self.roots.get(id).is_some_and(|it| it.folder == folder))
            .collect();
        for root in entry.roots.iter().filter(|root| !own.contains(root)) {
            if let Some(share) = self.roots.get_mut(root) {
                share.held -= 1;
            }
        }
        let is_own = !own.is_empty();
        if is_own {
            entry.roots = own;
            entry.why = Some(Why::Gone);
        } else {
            self.folders.remove(folder);
        }
        self.unwatch(folder, watch);
        is_own
    }

    fn lose_below(&mut self, folder: &Path) -> bool {
        if !self.folders.contains_key(folder) {
            return false;
        }
        let below: Vec<PathBuf> =
            self.folders.keys().filter(|path| path.starts_with(folder)).cloned().collect();
        let mut own = false;
        for path in below {
            own |= self.lose(&path);
        }
        own
    }
}
