//! Watching what running jobs write: their logs, and the metrics files below their working directories.
//!
//! File events come from the kernel; a burst is gathered for a moment and its last change is always delivered. What
//! happened before the watch began, or while no engine ran, is found by one look at the beginning and one at the
//! end.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use athanor_core::progress;
use athanor_shim::log::LogFolder;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::{Notify, mpsc};

use crate::bus::{Bus, Notice, NoticeLevel, Push};
use crate::files::{self, Bounds};
use crate::home::Home;
use crate::ingest::{Baseline, Source};
use crate::live::Live;
use crate::store::Store;

/// How long a burst of file events is gathered.
const GATHER: Duration = Duration::from_millis(80);

/// A job that ends sooner is looked at once, at its end; no watch is set up for it.
const SETTLED: Duration = Duration::from_millis(300);

/// Messages taken at once.
const GROUP: usize = 256;

/// How long attempts that were read to their end are gathered before that is recorded, so that a flood of short jobs
/// costs few transactions. A kill in between costs one more look at the next start.
const FLUSH: Duration = Duration::from_millis(250);

/// Bytes of a log's end in which progress is looked for.
const TAIL: u64 = 8 * 1024;

/// What the monitor is told.
#[derive(Debug, Clone)]
pub enum Watch {
    /// An attempt runs.
    Begin(Job),
    /// It has ended: one last look.
    End(Job),
}

/// A job as the monitor needs to know it.
#[derive(Debug, Clone)]
pub struct Job {
    /// The experiment's key.
    pub id: i64,
    /// Its uid.
    pub uid: String,
    /// The attempt.
    pub attempt: u32,
    /// Where it works.
    pub cwd: PathBuf,
    /// When it started, UTC milliseconds.
    pub since: i64,
}

struct Watched {
    job: Job,
    folder: PathBuf,
    sources: HashMap<PathBuf, Source>,
    /// Files that were there before the job, as they were.
    before: HashMap<PathBuf, Baseline>,
    folders: HashSet<PathBuf>,
    live: Live,
    log_end: u64,
}

/// Paths with something new, gathered until the next look.
#[derive(Default)]
struct Dirty {
    paths: Mutex<BTreeSet<PathBuf>>,
    wake: Notify,
}

/// The parts of the engine that the monitor works with.
pub(crate) struct Parts {
    pub home: Home,
    pub store: Store,
    pub bus: Bus,
}

/// Starts the monitor's task; it ends when the sender is dropped.
pub(crate) fn start(parts: Parts) -> mpsc::UnboundedSender<Watch> {
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(Monitor::new(parts).run(receiver));
    sender
}

struct Monitor {
    parts: Parts,
    dirty: Arc<Dirty>,
    watcher: Option<RecommendedWatcher>,
    watched: HashMap<i64, Watched>,
    /// How many jobs watch each folder.
    uses: HashMap<PathBuf, usize>,
    /// Jobs too young to be watched.
    young: Vec<(tokio::time::Instant, Job)>,
    said: bool,
    /// Attempts that were read to their end, and when that is recorded.
    read: Vec<(i64, u32)>,
    flush_at: Option<tokio::time::Instant>,
}

impl Monitor {
    fn new(parts: Parts) -> Self {
        let dirty = Arc::new(Dirty::default());
        let shared = dirty.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // The kernel's queue overflowed or a path is gone: the next event or the last look catches up.
            let Ok(event) = event else { return };
            if matches!(event.kind, EventKind::Access(_)) {
                return;
            }
            let mut paths = shared.paths.lock().unwrap_or_else(PoisonError::into_inner);
            let before = paths.len();
            paths.extend(event.paths);
            if paths.len() > before {
                shared.wake.notify_one();
            }
        });
        let watcher = watcher.inspect_err(|error| tracing::error!(%error, "no file events")).ok();
        Self {
            parts,
            dirty,
            watcher,
            watched: HashMap::new(),
            uses: HashMap::new(),
            young: Vec::new(),
            said: false,
            read: Vec::new(),
            flush_at: None,
        }
    }

    async fn run(mut self, mut receiver: mpsc::UnboundedReceiver<Watch>) {
        let dirty = self.dirty.clone();
        let mut messages = Vec::new();
        loop {
            let ripe = self.young.first().map(|(at, _)| *at);
            let flush = self.flush_at;
            tokio::select! {
                received = receiver.recv_many(&mut messages, GROUP) => {
                    if received == 0 {
                        return;
                    }
                    for message in messages.drain(..) {
                        match message {
                            Watch::Begin(job) => self.young.push((tokio::time::Instant::now() + SETTLED, job)),
                            Watch::End(job) => {
                                let attempt = (job.id, job.attempt);
                                self.end(job).await;
                                self.read.push(attempt);
                                self.flush_at.get_or_insert_with(|| tokio::time::Instant::now() + FLUSH);
                            }
                        }
                    }
                }
                () = tokio::time::sleep_until(flush.unwrap_or_else(tokio::time::Instant::now)), if flush.is_some() => {
                    self.flush_at = None;
                    let read = std::mem::take(&mut self.read);
                    self.read_to_the_end(&read).await;
                }
                () = tokio::time::sleep_until(ripe.unwrap_or_else(tokio::time::Instant::now)), if ripe.is_some() => {
                    let (_, job) = self.young.remove(0);
                    self.begin(job).await;
                }
                () = dirty.wake.notified() => {
                    tokio::time::sleep(GATHER).await;
                    let paths = std::mem::take(&mut *dirty.paths.lock().unwrap_or_else(PoisonError::into_inner));
                    self.look(paths).await;
                }
            }
        }
    }

    /// Sets up the watch of a job, then looks at what is there already.
    async fn begin(&mut self, job: Job) {
        let mut watched = self.known(job).await;
        self.watch(&watched.folder.clone(), &mut watched.folders);
        let root = watched.job.cwd.clone();
        let found =
            tokio::task::spawn_blocking(move || files::walk(&root, Bounds::WHOLE)).await.unwrap_or_default();
        for folder in &found.folders {
            self.watch(folder, &mut watched.folders);
        }
        let since = watched.job.since;
        let (ours, earlier): (Vec<_>, Vec<_>) =
            found.tables.into_iter().partition(|table| table.modified >= since);
        let unread: Vec<PathBuf> = earlier
            .into_iter()
            .map(|table| table.path)
            .filter(|path| !watched.sources.contains_key(path))
            .collect();
        watched.before = tokio::task::spawn_blocking(move || {
            unread
                .into_iter()
                .filter_map(|path| Baseline::of(&path).map(|baseline| (path, baseline)))
                .collect()
        })
        .await
        .unwrap_or_default();
        let id = watched.job.id;
        let mut paths: BTreeSet<PathBuf> = ours.into_iter().map(|table| table.path).collect();
        paths.extend(watched.sources.keys().cloned());
        paths.insert(watched.folder.join("output"));
        self.watched.insert(id, watched);
        self.look(paths).await;
    }

    /// A job with what the store knows of its sources.
    async fn known(&self, job: Job) -> Watched {
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
        Watched { job, folder, sources, before: HashMap::new(), folders: HashSet::new(), live, log_end: 0 }
    }

    /// One last look, then the watch is taken down.
    async fn end(&mut self, job: Job) {
        let id = job.id;
        let young = self.young.iter().position(|(_, young)| young.id == id);
        let bounds = match young {
            Some(_) => Bounds::SHALLOW,
            None => Bounds::WHOLE,
        };
        let (root, since) = (job.cwd.clone(), job.since);
        let found = tokio::task::spawn_blocking(move || files::walk(&root, bounds)).await.unwrap_or_default();
        let mut paths: BTreeSet<PathBuf> = found
            .tables
            .into_iter()
            .filter(|table| table.modified >= since)
            .map(|table| table.path)
            .collect();
        if young.is_some() && paths.is_empty() {
            // Over at once, and nothing written: the usual end of a short job, and it should cost nothing.
            self.young.retain(|(_, young)| young.id != id);
            return;
        }
        let mut watched = match self.watched.remove(&id) {
            Some(watched) if watched.job.attempt == job.attempt => watched,
            _ => self.known(job).await,
        };
        self.young.retain(|(_, young)| young.id != id);
        paths.extend(watched.sources.keys().cloned());
        let folders = std::mem::take(&mut watched.folders);
        // Back for the look, so that it is told from other jobs in the same folder.
        self.watched.insert(id, watched);
        let tables: Vec<PathBuf> = paths.iter().cloned().collect();
        self.read_log(id).await;
        for path in tables {
            if self.owner(&path).await == Some(id) {
                self.read_table(id, path, true).await;
            }
        }
        self.watched.remove(&id);
        for folder in folders {
            self.unwatch(&folder);
        }
    }

    /// Records that nothing of these attempts is left to read, all in one transaction.
    async fn read_to_the_end(&self, ended: &[(i64, u32)]) {
        if ended.is_empty() {
            return;
        }
        let recorded = async {
            let mut tx = self.parts.store.begin().await?;
            for (id, attempt) in ended {
                self.parts.store.set_metrics_read(&mut tx, *id, *attempt).await?;
            }
            tx.commit().await
        };
        if let Err(error) = recorded.await {
            tracing::warn!(%error, "metrics of ended jobs are read again at the next start");
        }
    }

    /// Looks at what file events named.
    async fn look(&mut self, paths: BTreeSet<PathBuf>) {
        let mut logs = HashSet::new();
        let mut tables = Vec::new();
        for path in paths {
            let parent = path.parent().unwrap_or(Path::new("/")).to_owned();
            if let Some(watched) = self.watched.values().find(|watched| watched.folder == parent) {
                logs.insert(watched.job.id);
            } else if files::is_table(&path) {
                tables.push(path);
            } else if path.is_dir() {
                tables.extend(self.new_folder(path).await);
            }
        }
        for id in logs {
            self.read_log(id).await;
        }
        for path in tables {
            if let Some(id) = self.owner(&path).await {
                self.read_table(id, path, false).await;
            }
        }
    }

    /// A folder appeared: it is watched by the jobs above it, and what it holds already is looked at.
    async fn new_folder(&mut self, path: PathBuf) -> Vec<PathBuf> {
        let ids: Vec<i64> = self
            .watched
            .values()
            .filter(|watched| path.starts_with(&watched.job.cwd) && !watched.folders.contains(&path))
            .map(|watched| watched.job.id)
            .collect();
        if ids.is_empty() || !files::is_entered(&path) {
            return Vec::new();
        }
        let root = path.clone();
        let found =
            tokio::task::spawn_blocking(move || files::walk(&root, Bounds::WHOLE)).await.unwrap_or_default();
        for id in ids {
            let Some(mut watched) = self.watched.remove(&id) else { continue };
            for folder in &found.folders {
                self.watch(folder, &mut watched.folders);
            }
            self.watched.insert(id, watched);
        }
        found.tables.into_iter().map(|table| table.path).collect()
    }

    /// Which job wrote a file. Several may work in the same folder:
    ///
    /// - the one whose metrics it is read for already;
    /// - none, if it was last written by one that has ended;
    /// - the one whose uid stands in its path;
    /// - the only one that it can be;
    /// - the one whose processes have it open.
    ///
    /// Where none of these tells, nobody: the next event asks again.
    async fn owner(&self, path: &Path) -> Option<i64> {
        let text = path.to_string_lossy();
        let modified =
            std::fs::metadata(path).ok().map(|meta| meta.mtime() * 1000 + meta.mtime_nsec() / 1_000_000)?;
        if let Some(known) = self.watched.values().find(|watched| watched.sources.contains_key(path)) {
            return Some(known.job.id);
        }
        // What an attempt that has ended since wrote stays its own, unless somebody wrote after it.
        let ended = self.parts.store.last_end_of_writers(&text).await.ok().flatten();
        if ended.is_some_and(|ended| modified <= ended) {
            return None;
        }
        let can: Vec<&Job> = self
            .watched
            .values()
            .map(|watched| &watched.job)
            // A young one is not watched yet, but may be the writer.
            .chain(self.young.iter().map(|(_, job)| job))
            // File systems round times down, some to seconds.
            .filter(|job| path.starts_with(&job.cwd) && modified >= job.since - 1000)
            .collect();
        if let Some(named) = can.iter().find(|job| text.contains(&job.uid)) {
            return Some(named.id);
        }
        match can.as_slice() {
            [] => None,
            [only] => Some(only.id),
            several => {
                let folders: Vec<(i64, PathBuf)> = several
                    .iter()
                    .map(|job| (job.id, self.parts.home.attempt(&job.uid, job.attempt)))
                    .collect();
                let path = path.to_owned();
                tokio::task::spawn_blocking(move || {
                    let writers: Vec<i64> = folders
                        .into_iter()
                        .filter(|(_, folder)| files::has_open(folder, &path))
                        .map(|(id, _)| id)
                        .collect();
                    if let [only] = writers.as_slice() { Some(*only) } else { None }
                })
                .await
                .ok()
                .flatten()
            }
        }
    }

    async fn read_table(&mut self, id: i64, path: PathBuf, finished: bool) {
        let Some(watched) = self.watched.get_mut(&id) else { return };
        let source = watched
            .sources
            .remove(&path)
            .unwrap_or_else(|| Source::new(id, watched.job.attempt, path.clone(), watched.before.get(&path)));
        if source.is_refused() {
            watched.sources.insert(path, source);
            return;
        }
        let (source, grown) = source.read_on(&self.parts.store, finished).await;
        let Some(watched) = self.watched.get_mut(&id) else { return };
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
                self.tell(id, grown.keys).await;
            }
            // A file may vanish while it is read; the next event, or the last look, comes back to it.
            Err(error) => tracing::warn!(%error, path = %path.display(), "metrics could not be read"),
        }
    }

    async fn read_log(&mut self, id: i64) {
        let Some(watched) = self.watched.get(&id) else { return };
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
        let (Ok(Some((end, progress))), Some(watched)) = (read, self.watched.get_mut(&id)) else { return };
        watched.log_end = end;
        let (uid, attempt) = (watched.job.uid.clone(), watched.job.attempt);
        self.parts.bus.publish(Push::Log { uid, attempt, end });
        if progress.is_some() && progress != watched.live.progress {
            watched.live.progress = progress;
            self.tell(id, Vec::new()).await;
        }
    }

    /// Keeps and tells what a job looks like now.
    async fn tell(&self, id: i64, keys: Vec<String>) {
        let Some(watched) = self.watched.get(&id) else { return };
        let stored = async {
            let mut tx = self.parts.store.begin().await?;
            self.parts.store.set_live(&mut tx, id, &watched.live).await?;
            tx.commit().await?;
            Ok::<(), crate::error::Error>(())
        };
        if let Err(error) = stored.await {
            tracing::warn!(%error, "progress could not be kept");
        }
        let (uid, live) = (watched.job.uid.clone(), watched.live.clone());
        self.parts.bus.publish(Push::Run { uid, keys, live });
    }

    fn watch(&mut self, folder: &Path, folders: &mut HashSet<PathBuf>) {
        if !folders.insert(folder.to_owned()) {
            return;
        }
        let uses = self.uses.entry(folder.to_owned()).or_default();
        *uses += 1;
        if *uses > 1 {
            return;
        }
        let Some(watcher) = &mut self.watcher else { return };
        if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
            tracing::warn!(%error, folder = %folder.display(), "a folder can't be watched");
            if matches!(error.kind, notify::ErrorKind::MaxFilesWatch)
                && !std::mem::replace(&mut self.said, true)
            {
                self.parts.bus.publish(Push::Notice(Notice {
                    level: NoticeLevel::Warning,
                    title: "Too many watched folders".into(),
                    message:
                        "The kernel's limit of watched folders is reached, so some metrics appear only when \
                              their job ends. Raise fs.inotify.max_user_watches."
                            .into(),
                }));
            }
        }
    }

    fn unwatch(&mut self, folder: &Path) {
        let Some(uses) = self.uses.get_mut(folder) else { return };
        *uses -= 1;
        if *uses == 0 {
            self.uses.remove(folder);
            if let Some(watcher) = &mut self.watcher {
                // A folder that was removed has lost its watch already.
                let _ = watcher.unwatch(folder);
            }
        }
    }
}
