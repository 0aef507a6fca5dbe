//! Following files: what the kernel tells, what is found by looking, and reading on.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use super::answer::PATIENCE;
use super::keeper::{AT_REST, BYTES, Done, FILES, Keeper, RETRY, SETTLING, Timer, WARM, below, pattern_of};
use super::reading::{self, Job, Outcome, Read};
use super::tree::Stamp;
use crate::home::now_ms;
use crate::scan::Problem;
use crate::store::runs::DatabaseStamp;

/// A file that was written so lately, milliseconds, probably grows: where it is polled it is asked for its newest state.
const GROWS: i64 = 900_000;

impl Keeper {
    /// Takes what the kernel told.
    pub(super) fn heard(&mut self) {
        let news = self.watches.take();
        let mut looks: BTreeSet<i64> = BTreeSet::new();
        for path in &news.tables {
            if let Some(files) = self.by_path.get(path).cloned() {
                for file in files {
                    self.want(file);
                }
                continue;
            }
            if self.is_of_database(path) {
                continue;
            }
            let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str()))
            else {
                continue;
            };
            for (id, root) in &mut self.roots {
                let Some(below) = below(Path::new(&root.row.path), folder) else { continue };
                // While it is looked at nobody can say; then the folder is listed once more.
                if root.tree.as_ref().is_none_or(|tree| tree.concerns(&below, name)) {
                    root.wanted.folders.insert(below);
                    looks.insert(*id);
                }
            }
        }
        for folder in news
            .folders
            .iter()
            .filter_map(|folder| folder.parent())
            .chain(news.gone.iter().map(PathBuf::as_path))
        {
            for (id, root) in &mut self.roots {
                if let Some(below) = below(Path::new(&root.row.path), folder) {
                    root.wanted.folders.insert(below);
                    looks.insert(*id);
                }
            }
        }
        if news.overflow || news.lost {
            for (id, root) in &mut self.roots {
                root.wanted.all = true;
                looks.insert(*id);
            }
        }
        for id in looks {
            self.at(Timer::Look(id), SETTLING);
        }
        self.read_all();
    }

    /// A file was written.
    pub(super) fn want(&mut self, id: i64) {
        let Some(file) = self.files.get_mut(&id) else { return };
        if file.busy {
            file.again = true;
            return;
        }
        file.busy = true;
        if let Some(root) = self.roots.get_mut(&file.root) {
            root.queue.push_back(id);
        }
    }

    pub(super) fn read_all(&mut self) {
        let ids: Vec<i64> = self.roots.keys().copied().collect();
        for id in ids {
            self.read(id);
            self.pass(id);
        }
    }

    /// Starts to read what waits in a root.
    pub(super) fn read(&mut self, id: i64) {
        let Some(committer) = self.committer.clone() else { return };
        let Some(root) = self.roots.get_mut(&id) else { return };
        let pattern = pattern_of(&root.row);
        let mut began = false;
        while root.reading < self.readers && !root.queue.is_empty() {
            // Shared among the readers, so that one does not wait for another that took everything.
            let share = root.queue.len().div_ceil(self.readers).clamp(1, FILES);
            let (mut jobs, mut bytes) = (Vec::new(), 0);
            while jobs.len() < share && bytes < BYTES {
                let Some(next) = root.queue.pop_front() else { break };
                let Some(file) = self.files.get_mut(&next) else { continue };
                let folder =
                    self.runs.get(&file.known.run_id).map(|run| run.folder.clone()).unwrap_or_default();
                let source = file.source.take();
                if let Some(source) = &source {
                    self.warm_bytes -= source.weight().min(self.warm_bytes);
                    self.warm.retain(|other| *other != next);
                }
                bytes += file.known.size.max(64 << 10);
                file.again = false;
                let read_before = file.known.modified_ns > 0;
                let written = file.noticed.unwrap_or(file.known.modified_ns / 1_000_000);
                let at_rest = read_before && now_ms() - written > AT_REST;
                // What the first look finds changed may have changed at any time since the last engine ended.
                let live = read_before && !root.first;
                let pattern = pattern.clone();
                jobs.push(Job { file: file.known.clone(), folder, source, pattern, at_rest, live });
            }
            if jobs.is_empty() {
                break;
            }
            root.reading += 1;
            let calls = root.answers.calls.clone();
            let (store, committer, done) = (self.store.clone(), committer.clone(), self.done.clone());
            tokio::spawn(async move {
                let read = reading::read(store, jobs, committer, calls).await;
                let _ = done.send(Done::Read(id, read));
            });
            began = true;
        }
        if began {
            self.at_first(Timer::Answer(id), PATIENCE);
        }
    }

    /// A file was read, or was not.
    pub(super) fn was_read(&mut self, read: Read) {
        let Some(file) = self.files.get_mut(&read.file) else { return };
        file.busy = false;
        if let Some(stamp) = read.stamp {
            file.known.device = stamp.device;
            file.known.inode = stamp.inode;
            file.known.size = stamp.size;
            file.known.modified_ns = stamp.modified_ns;
        }
        let again = std::mem::take(&mut file.again);
        let (root_id, path) = (file.root, file.known.path.clone());
        if let Some(root) = self.roots.get_mut(&root_id) {
            let mut progress = root.progress.lock().unwrap_or_else(PoisonError::into_inner);
            progress.bytes += read.bytes;
            progress.read += 1;
            drop(progress);
            root.unreadable.remove(&read.file);
            if let Outcome::Unreadable(why) = &read.outcome {
                let shown = path.strip_prefix(root.row.path.as_str()).unwrap_or(&path);
                let path = shown.trim_start_matches('/').to_owned();
                let problem = Problem { path, place: None, message: why.clone(), more: 0 };
                root.unreadable.insert(read.file, problem);
            }
        }
        match read.outcome {
            Outcome::Done => {
                if let (Some(source), Some(file)) = (read.source, self.files.get_mut(&read.file)) {
                    file.noticed = source.noticed();
                    self.warm_bytes += source.weight();
                    file.source = Some(source);
                    self.warm.push_back(read.file);
                }
                while self.warm_bytes > WARM {
                    let Some(oldest) = self.warm.pop_front() else { break };
                    if let Some(source) = self.files.get_mut(&oldest).and_then(|file| file.source.take()) {
                        self.warm_bytes -= source.weight().min(self.warm_bytes);
                    }
                }
            }
            Outcome::NotStored => self.at(Timer::Again(read.file), RETRY),
            Outcome::Vanished | Outcome::Unreadable(_) => {}
        }
        if again {
            self.want(read.file);
        }
    }

    /// Looks at the files of a polled root.
    pub(super) fn stat(&mut self, id: i64) {
        let Some(root) = self.roots.get_mut(&id) else { return };
        if root.stating {
            return;
        }
        let now = now_ms();
        let files: Vec<(i64, PathBuf, bool)> = self
            .files
            .iter()
            .filter(|(_, file)| file.root == id && !file.busy)
            .map(|(id, file)| {
                let written = file.noticed.unwrap_or(file.known.modified_ns / 1_000_000);
                (*id, PathBuf::from(&file.known.path), (now - written).abs() < GROWS)
            })
            .filter(|(_, path, _)| path.parent().is_some_and(|folder| self.watches.is_polled(folder)))
            .collect();
        root.stating = true;
        let databases = self.databases.polled(id, |folder| self.watches.is_polled(folder));
        let done = self.done.clone();
        let mut call = root.answers.calls.begin();
        tokio::task::spawn_blocking(move || {
            let stamp = |(id, path, grows): (i64, PathBuf, bool)| {
                call.step();
                (id, if grows { Stamp::newest(&path) } else { Stamp::of(&path) })
            };
            let stamps = files.into_iter().map(stamp).collect();
            let databases = databases.into_iter().map(|(id, path)| (id, DatabaseStamp::of(&path))).collect();
            let spent = call.spent();
            drop(call);
            let _ = done.send(Done::Stated(id, (stamps, databases), spent));
        });
        self.at_first(Timer::Answer(id), PATIENCE);
    }
}
