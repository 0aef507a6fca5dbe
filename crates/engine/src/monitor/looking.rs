//! Looks that run beside the monitor's task, so that a slow disk holds up nobody else.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tokio::time::Instant;

use super::roots::Walked;
use super::watches::RootId;
use super::{Done, Monitor};
use crate::files::{self, Bounds, Found};

impl Monitor {
    /// Runs a look at folders beside this task, a few at once.
    pub(super) fn beside(
        &self,
        look: impl FnOnce() -> Found + Send + 'static,
        result: impl FnOnce(Found) -> Done + Send + 'static,
    ) {
        let (looks, done) = (self.looks.clone(), self.done.clone());
        tokio::spawn(async move {
            let _permit = looks.acquire_owned().await;
            let found = tokio::task::spawn_blocking(look).await.unwrap_or_default();
            // Nobody listens any more when the engine stops.
            let _ = done.send(result(found));
        });
    }

    /// Begins the looks through a root that are due.
    pub(super) fn look_through(&mut self, folder: PathBuf, now: Instant) {
        let Some(root) = self.roots.get_mut(&folder) else { return };
        if root.is_walk_due(now) {
            let (began, ended, rescan) = (root.waiting.clone(), root.ending.clone(), root.rescan);
            let walk = root.begin_walk(&folder, &self.watches);
            let (done, folder) = (self.done.clone(), folder.clone());
            tokio::spawn(async move {
                // Those who wait for it are served even if it failed.
                let lost = Walked { began, ended, rescan, ..Walked::default() };
                let walked = tokio::task::spawn_blocking(walk).await.unwrap_or(lost);
                let _ = done.send(Done::Walked(folder, walked));
            });
        }
        if !root.is_stat_due(now) {
            return;
        }
        let since =
            root.jobs.iter().filter_map(|key| self.readers.watched.get(key)).map(|it| it.job.since).min();
        let grown =
            root.known.iter().filter(|(_, stamp)| since.is_some_and(|since| stamp.modified() >= since));
        let read = root.jobs.iter().filter_map(|key| self.readers.watched.get(key)).flat_map(|watched| {
            watched.sources.iter().filter(|(_, source)| !source.is_refused()).map(|(path, _)| path)
        });
        let files: BTreeSet<PathBuf> = grown
            .map(|(path, _)| path)
            .chain(read)
            .filter(|path| path.parent().is_some_and(|folder| self.watches.is_polled(folder)))
            .cloned()
            .collect();
        let stat = root.begin_stat(files.into_iter().collect(), &self.watches);
        let done = self.done.clone();
        tokio::spawn(async move {
            let stated = tokio::task::spawn_blocking(stat).await.unwrap_or_default();
            let _ = done.send(Done::Stated(folder, stated));
        });
    }

    /// Folders appeared: they are followed for the jobs above them, and what they hold already is looked at.
    pub(super) fn enter(&self, folders: BTreeSet<PathBuf>) {
        let roots: Vec<(RootId, PathBuf)> =
            self.roots.iter().map(|(folder, root)| (root.id, folder.clone())).collect();
        let above = |path: &Path| {
            roots
                .iter()
                .filter(|(_, root)| path.starts_with(root))
                .map(|(_, root)| root.components().count())
                .max()
        };
        let new: Vec<(PathBuf, usize)> = folders
            .into_iter()
            .filter(|path| files::is_entered(path) && !self.watches.is_told(path))
            .filter_map(|path| {
                let depth = path.components().count() - above(&path)?;
                (depth <= Bounds::WHOLE.depth).then_some((path, depth))
            })
            .collect();
        if new.is_empty() {
            return;
        }
        let watches = self.watches.clone();
        self.beside(
            move || {
                files::walk(new, Bounds::WHOLE, |folder, network| {
                    for (id, _) in roots.iter().filter(|(_, root)| folder.starts_with(root)) {
                        watches.hold(*id, folder, network);
                    }
                })
            },
            Done::Entered,
        );
    }
}
