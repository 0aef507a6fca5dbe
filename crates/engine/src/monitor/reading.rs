//! Reading what was found to be new: whose file it is, what it says, and telling so.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use athanor_core::progress;
use athanor_shim::log::LogFolder;

use super::roots::Baselines;
use super::{Job, Key, Parts};
use crate::bus::Push;
use crate::files::{self, Stamp};
use crate::ingest::Source;
use crate::live::Live;

/// Bytes of a log's end in which progress is looked for.
const TAIL: u64 = 8 * 1024;

/// File systems round times down, some to seconds; milliseconds.
const ROUNDED: i64 = 1000;

/// A job whose files are followed.
pub(super) struct Watched {
    pub job: Job,
    /// The attempt's folder.
    pub folder: PathBuf,
    pub sources: HashMap<PathBuf, Source>,
    /// Files that were there before the job, as they were.
    pub before: Baselines,
    pub live: Live,
    pub log_end: u64,
    /// When it ended, UTC milliseconds, if that is long ago: what was written since is not its own.
    pub until: Option<i64>,
    /// The look at its beginning is done.
    pub begun: bool,
    /// It has ended.
    pub ended: bool,
}

/// The jobs, and what they may have written.
pub(super) struct Readers {
    pub parts: Parts,
    pub watched: HashMap<Key, Watched>,
    /// Jobs that are not followed, but may have written something: too young, or over at once.
    pub short: HashMap<Key, Job>,
}

impl Readers {
    pub fn new(parts: Parts) -> Self {
        Self { parts, watched: HashMap::new(), short: HashMap::new() }
    }

    /// A job with what the store knows of its sources.
    pub async fn known(&self, job: Job) -> Watched {
        let rows = self.parts.store.sources(job.id, job.attempt).await.unwrap_or_default();
        let sources = rows
            .iter()
            .map(|row| (PathBuf::from(&row.path), Source::resume(job.id, job.attempt, row)))
            .collect();
        let live = match self.parts.store.experiment(job.id).await {
            Ok(Some(row)) => row.live,
            _ => Live::default(),
        };
        let folder = self.parts.home.attempt(&job.uid, job.attempt);
        Watched {
            job,
            folder,
            sources,
            before: Baselines::default(),
            live,
            log_end: 0,
            until: None,
            begun: false,
            ended: false,
        }
    }

    /// Reads tables that have something new.
    pub async fn look(&mut self, tables: BTreeSet<PathBuf>) {
        for path in tables {
            if let Some(key) = self.owner(&path).await {
                self.read_table(key, path, false).await;
            }
        }
    }

    /// One last look at a job's log and at these tables, and at all that was read for it before.
    pub async fn look_last(&mut self, key: Key, tables: impl Iterator<Item = PathBuf>) {
        let Some(watched) = self.watched.get(&key) else { return };
        let paths: BTreeSet<PathBuf> = tables.chain(watched.sources.keys().cloned()).collect();
        self.read_log(key).await;
        for path in paths {
            if self.owner(&path).await == Some(key) {
                self.read_table(key, path, true).await;
            }
        }
    }

    /// Which job wrote a file. Several may work in the same folder:
    ///
    /// - the one whose metrics it is read for already;
    /// - none, if it was last written by one that has ended;
    /// - the one whose uid stands in its path;
    /// - the only one that it can be, and of several attempts of one experiment the last that began before it was
    ///   written;
    /// - the one whose processes have it open.
    ///
    /// Where none of these tells, nobody: the next event asks again.
    async fn owner(&self, path: &Path) -> Option<Key> {
        let at = path.to_owned();
        let stamp = tokio::task::spawn_blocking(move || Stamp::of(&at)).await.ok().flatten()?;
        let reading = self.watched.iter().filter(|(_, watched)| watched.sources.contains_key(path));
        if let Some((key, _)) = reading.max_by_key(|(key, _)| **key) {
            return Some(*key);
        }
        let modified = stamp.modified();
        // What an attempt that has ended since wrote stays its own, unless somebody wrote after it.
        let text = path.to_string_lossy();
        let ended = self.parts.store.last_end_of_writers(&text).await.ok().flatten();
        if ended.is_some_and(|ended| modified <= ended) {
            return None;
        }
        let watched = self
            .watched
            .values()
            .filter(|watched| watched.until.is_none_or(|until| modified <= until + ROUNDED))
            .map(|watched| &watched.job);
        let mut can: Vec<&Job> = watched
            .chain(self.short.values())
            .filter(|job| path.starts_with(&job.cwd) && modified >= job.since - ROUNDED)
            .collect();
        can.sort_by_key(|job| (job.id, job.since <= modified, job.attempt));
        let can: Vec<&Job> =
            can.chunk_by(|one, other| one.id == other.id).filter_map(<[_]>::last).copied().collect();
        if let Some(named) = can.iter().find(|job| text.contains(&job.uid)) {
            return Some(named.key());
        }
        match can.as_slice() {
            [] => None,
            [only] => Some(only.key()),
            several => {
                let folders: Vec<(Key, PathBuf)> = several
                    .iter()
                    .map(|job| (job.key(), self.parts.home.attempt(&job.uid, job.attempt)))
                    .collect();
                let path = path.to_owned();
                let open = tokio::task::spawn_blocking(move || {
                    let writers: Vec<Key> = folders
                        .into_iter()
                        .filter(|(_, folder)| files::has_open(folder, &path))
                        .map(|(key, _)| key)
                        .collect();
                    if let [only] = writers.as_slice() { Some(*only) } else { None }
                });
                open.await.ok().flatten()
            }
        }
    }

    async fn read_table(&mut self, key: Key, path: PathBuf, finished: bool) {
        let Some(watched) = self.watched.get_mut(&key) else { return };
        let since = watched.job.since;
        let source = watched.sources.remove(&path).unwrap_or_else(|| {
            let before = watched.before.get(&path).filter(|(stamp, _)| stamp.modified() < since);
            Source::new(key.0, key.1, path.clone(), before.map(|(_, baseline)| baseline))
        });
        if source.is_refused() {
            watched.sources.insert(path, source);
            return;
        }
        let (source, grown) = source.read_on(&self.parts.store, finished).await;
        let Some(watched) = self.watched.get_mut(&key) else { return };
        watched.sources.insert(path.clone(), source);
        match grown {
            Ok(grown) if grown.keys.is_empty() => {}
            Ok(grown) => {
                for latest in grown.latest {
                    match watched.live.metrics.iter_mut().find(|known| known.key == latest.key) {
                        Some(known) => *known = latest,
                        None => watched.live.metrics.push(latest),
                    }
                }
                self.tell(key, grown.keys).await;
            }
            // A file may vanish while it is read; the next event, or the last look, comes back to it.
            Err(error) => tracing::warn!(%error, path = %path.display(), "metrics could not be read"),
        }
    }

    /// Looks at a job's log, and tells where it ends if that is news.
    pub async fn read_log(&mut self, key: Key) {
        let Some(watched) = self.watched.get(&key) else { return };
        let folder = watched.folder.clone();
        let known = watched.log_end;
        let read = tokio::task::spawn_blocking(move || {
            let log = LogFolder::open(&folder).ok()?;
            let end = log.end().ok()?;
            if end == known {
                return None;
            }
            let tail = log.read(end.saturating_sub(TAIL).max(log.start().ok()?), TAIL as usize).ok()?;
            Some((end, progress::scan(&String::from_utf8_lossy(&tail.bytes))))
        })
        .await;
        let (Ok(Some((end, progress))), Some(watched)) = (read, self.watched.get_mut(&key)) else { return };
        watched.log_end = end;
        let (uid, attempt) = (watched.job.uid.clone(), watched.job.attempt);
        self.parts.bus.publish(Push::Log { uid, attempt, end });
        if progress.is_some() && progress != watched.live.progress {
            watched.live.progress = progress;
            self.tell(key, Vec::new()).await;
        }
    }

    /// Keeps and tells what a job looks like now.
    async fn tell(&self, key: Key, keys: Vec<String>) {
        let Some(watched) = self.watched.get(&key) else { return };
        let stored = async {
            // The files that it was read from are still there.
            let mut tx = self.parts.store.begin_lightly().await?;
            self.parts.store.set_live(&mut tx, key, &watched.live).await?;
            tx.commit().await?;
            Ok::<(), crate::error::Error>(())
        };
        if let Err(error) = stored.await {
            tracing::warn!(%error, "progress could not be kept");
        }
        let (uid, live) = (watched.job.uid.clone(), watched.live.clone());
        self.parts.bus.publish(Push::Run { uid, keys, live });
    }
}
