//! Who follows which folder, and which watch of the kernel tells of it.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::inotify::{self, ReadFlags};
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
            for folder in self.by_watch.remove(&watch).unwrap_or_default() {
                news.lost |= self.lose(&folder);
                self.exhausted = None;
            }
            return;
        }
        let Some(paths) = self.by_watch.get(&watch) else { return };
        if events.contains(ReadFlags::MOVE_SELF) {
            for folder in paths.clone() {
                // Met under its new name already, before we heard of the move.
                if !folder.exists() {
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
            if let Some(kernel) = &self.kernel {
                // A folder that was removed has lost its watch already.
                let _ = inotify::remove_watch(kernel.fd.get_ref(), watch);
            }
            self.exhausted = None;
        }
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
