//! Telling of changes of the files that somebody looks at, for as long as they do.
//!
//! The kernel tells of what happens in their folders; where it does not, as on a network file system, the files are
//! looked at every two seconds.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::bus::{Bus, Push};
use crate::files::{Mounts, Stamp};
use crate::monitor::watches::{News, Pace, RootId, Watches};

/// How long a burst of writes is gathered.
const GATHER: Duration = Duration::from_millis(40);

/// From one look to the next, where nobody tells.
const LOOK: Duration = Duration::from_secs(2);

/// Files followed at once, at most: the one that nobody asked for again for the longest time goes.
const MOST: usize = 64;

/// The longest time that one word of interest counts for.
const LONGEST: Duration = Duration::from_secs(120);

/// The files that are followed. Dropping it ends the task that tells.
#[derive(Debug)]
pub(crate) struct Followed {
    inner: Arc<Inner>,
    task: AbortHandle,
}

#[derive(Debug)]
struct Inner {
    files: Mutex<Files>,
    watches: Arc<Watches>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Files {
    last: RootId,
    all: HashMap<Name, Entry>,
}

/// The run's uid, and the path as it was asked for.
type Name = (String, String);

#[derive(Debug)]
struct Entry {
    /// Its watch's number.
    root: RootId,
    /// Where it really lies.
    real: PathBuf,
    stamp: Option<Stamp>,
    until: Instant,
    looked: Instant,
}

impl Followed {
    /// Follows nothing yet. Must be called within the runtime.
    pub fn start(bus: Bus) -> Self {
        let forced = std::env::var_os("ATHANOR_WATCH").is_some_and(|value| value == "poll");
        Self::start_with(bus, forced)
    }

    pub(super) fn start_with(bus: Bus, forced: bool) -> Self {
        let pace = Pace { gather: GATHER, most: 1, every_file: true };
        let inner = Arc::new(Inner {
            files: Mutex::default(),
            watches: Watches::at_pace(forced, pace),
            changed: Notify::new(),
        });
        let task = tokio::spawn(run(inner.clone(), bus)).abort_handle();
        Self { inner, task }
    }

    /// Tells of changes of a file from what it was on, for so long unless asked again.
    pub fn follow(&self, uid: &str, path: &str, real: PathBuf, stamp: Stamp, time: Duration) {
        let until = Instant::now() + time.min(LONGEST);
        let name = (uid.to_owned(), path.to_owned());
        let (root, folder) = {
            let mut files = self.inner.files();
            if let Some(entry) = files.all.get_mut(&name).filter(|entry| entry.real == real) {
                entry.until = until.max(entry.until);
                return;
            }
            files.last += 1;
            let root = files.last;
            let folder = real.parent().map(Path::to_owned).unwrap_or_default();
            let looked = Instant::now();
            let entry = Entry { root, real, stamp: Some(stamp), until, looked };
            let before = files.all.insert(name, entry).map(|before| before.root);
            let oldest = files.all.iter().min_by_key(|(_, entry)| entry.until).map(|(name, _)| name.clone());
            let oldest = oldest.filter(|_| files.all.len() > MOST).and_then(|name| files.all.remove(&name));
            for gone in before.into_iter().chain(oldest.map(|entry| entry.root)) {
                self.inner.watches.release(gone);
            }
            (root, folder)
        };
        self.inner.watches.add_root(root, &folder);
        self.inner.watches.hold(root, &folder, Mounts::default().network(&folder));
        // What was written before the watch stood is found by a look.
        self.inner.changed.notify_one();
    }

    /// How many files are followed.
    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.inner.files().all.len()
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Inner {
    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets those go of which nobody wants to hear, and says when the next look is due.
    fn settle(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut files = self.files();
        let watches = &self.watches;
        files.all.retain(|_, entry| {
            let stays = entry.until > now;
            if !stays {
                watches.release(entry.root);
            }
            stays
        });
        let polled = |entry: &Entry| {
            watches.summary(entry.root).folders == 0 || watches.summary(entry.root).polled > 0
        };
        let next = files.all.values().map(|entry| match polled(entry) {
            true => entry.until.min(entry.looked + LOOK),
            false => entry.until,
        });
        next.min()
    }

    /// Those that may have changed.
    fn concerned(&self, news: &News, all: bool) -> Vec<(Name, PathBuf)> {
        let now = Instant::now();
        let files = self.files();
        let hit = |entry: &Entry| {
            let folder = entry.real.parent().unwrap_or(&entry.real);
            all || news.overflow
                || news.lost
                || news.tables.contains(&entry.real)
                || news.gone.contains(folder)
                || (entry.looked + LOOK <= now && self.watches.is_polled(folder))
        };
        let hits = files.all.iter().filter(|(_, entry)| hit(entry));
        hits.map(|(name, entry)| (name.clone(), entry.real.clone())).collect()
    }

    fn looked(&self, name: &Name, stamp: Option<Stamp>, bus: &Bus) {
        let changed = {
            let mut files = self.files();
            let Some(entry) = files.all.get_mut(name) else { return };
            entry.looked = Instant::now();
            std::mem::replace(&mut entry.stamp, stamp) != stamp
        };
        if changed {
            let (uid, path) = name.clone();
            bus.publish(Push::File { uid, path, size: stamp.map(|stamp| stamp.size()) });
        }
    }
}

async fn run(inner: Arc<Inner>, bus: Bus) {
    loop {
        let next = inner.settle();
        let mut asked = false;
        tokio::select! {
            () = inner.changed.notified() => asked = true,
            () = inner.watches.wake.notified() => {}
            () = tokio::time::sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
        }
        let concerned = inner.concerned(&inner.watches.take(), asked);
        if concerned.is_empty() {
            continue;
        }
        let look = |(name, real): (Name, PathBuf)| {
            let stamp = Stamp::of(&real);
            (name, stamp)
        };
        let looked = tokio::task::spawn_blocking(move || concerned.into_iter().map(look).collect::<Vec<_>>());
        match looked.await {
            Ok(all) => all.into_iter().for_each(|(name, stamp)| inner.looked(&name, stamp, &bus)),
            Err(error) => tracing::warn!(%error, "followed files could not be looked at"),
        }
    }
}
