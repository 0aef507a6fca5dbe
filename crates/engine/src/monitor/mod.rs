//! Watching what running jobs write: their logs, and the metrics files below their working directories.
//!
//! File events come from the kernel; a burst is gathered for a moment and its last change is always delivered. What
//! happened before the watch began, or while no engine ran, is found by one look at the beginning and one at the
//! end. When the kernel drops events because there are too many, everything is looked at once.
//!
//! Where the kernel does not tell (a network file system, a limit of watches that is reached), the folders concerned are
//! looked at every few seconds while a job runs there: files that grow every two, new ones every ten, both more rarely
//! where a look takes long. [`Monitors`] says which folders these are, and why. `ATHANOR_WATCH=poll` in the environment
//! of the engine has all folders looked at, for file systems that tell wrongly.
//!
//! Parts: `watches` speaks to the kernel, `standing` judges what it says, `roots` plans the looks, `reading` reads what is
//! new. The task here ties them together. It waits for no disk but to read; looks through folders run beside it.

mod held;
mod looking;
mod reading;
pub(crate) mod roots;
pub(crate) mod standing;
mod telling;
pub(crate) mod watches;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

use crate::bus::Bus;
use crate::devices::Attention;
use crate::files::{self, Bounds, Found};
use crate::home::Home;
use crate::store::Store;
use reading::Readers;
use roots::{Root, Stated, Walked};
use standing::Why;
pub use standing::{MonitorMode, Monitored, MonitoredFiles};
use watches::{LOGS, MOST, RootId, Summary, Watches};

/// A job that ends sooner is looked at once, at its end; no watch is set up for it.
const SETTLED: Duration = Duration::from_millis(300);

/// Messages taken at once.
const GROUP: usize = 256;

/// How long attempts that were read to their end are gathered before that is recorded, so that a flood of short jobs
/// costs few transactions. A kill in between costs one more look at the next start.
const FLUSH: Duration = Duration::from_millis(250);

/// How long after the end of a job that was over at once its folder is looked at, together with others.
const OVER: Duration = Duration::from_millis(20);

/// From one hearing of jobs to the next: each takes a thread's waking, and hundreds may begin and end in a second.
const PACE: Duration = Duration::from_millis(15);

/// Looks at the ends of short jobs, and at new folders, that run at once.
const LOOKS: usize = 16;

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

/// An attempt: the experiment's key and the attempt's number.
type Key = (i64, u32);

impl Job {
    fn key(&self) -> Key {
        (self.id, self.attempt)
    }
}

/// The parts of the engine that the monitor works with.
pub(crate) struct Parts {
    pub home: Home,
    pub store: Store,
    pub bus: Bus,
    pub attention: Attention,
}

/// What is followed now, for whoever asks.
#[derive(Debug, Clone, Default)]
pub struct Monitors(Arc<Mutex<BTreeMap<PathBuf, Monitored>>>);

impl Monitors {
    /// The folders that are followed, by name.
    #[must_use]
    pub fn list(&self) -> Vec<Monitored> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    fn set(&self, folder: &Path, monitored: Option<Monitored>) -> Option<Monitored> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match monitored {
            Some(monitored) => all.insert(folder.to_owned(), monitored),
            None => all.remove(folder),
        }
    }
}

/// Starts the monitor's task; it ends when the sender is dropped.
pub(crate) fn start(parts: Parts) -> (mpsc::UnboundedSender<Watch>, Monitors) {
    let forced = std::env::var_os("ATHANOR_WATCH").is_some_and(|value| value == "poll");
    start_with(parts, forced)
}

fn start_with(parts: Parts, forced: bool) -> (mpsc::UnboundedSender<Watch>, Monitors) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let monitors = Monitors::default();
    tokio::spawn(Monitor::new(parts, monitors.clone(), forced).run(receiver));
    (sender, monitors)
}

/// What ran beside the monitor's task and is done.
enum Done {
    /// A look through a root.
    Walked(PathBuf, Walked),
    /// A look at a root's known files.
    Stated(PathBuf, Stated),
    /// A look at folders that appeared.
    Entered(Found),
    /// The last look at jobs that were not followed and ended in this folder.
    Over(Vec<Job>, Found),
}

struct Monitor {
    readers: Readers,
    watches: Arc<Watches>,
    monitors: Monitors,
    attention: Attention,
    running: HashSet<Key>,
    /// By folder.
    roots: HashMap<PathBuf, Root>,
    last_root: RootId,
    /// Jobs too young to be followed, in the order of their beginning.
    young: VecDeque<(Instant, Key)>,
    looks: Arc<Semaphore>,
    done: mpsc::UnboundedSender<Done>,
    results: Option<mpsc::UnboundedReceiver<Done>>,
    /// When the logs are looked at, while the kernel does not tell of some.
    logs_at: Option<Instant>,
    /// The limit of watches was spoken of.
    said: bool,
    /// Jobs that were over at once, by folder, and when it is looked whether they wrote anything: one look does for all
    /// that ended in it since.
    over: HashMap<PathBuf, Vec<Job>>,
    over_at: Option<Instant>,
    /// Attempts that were read to their end, and when that is recorded.
    read: Vec<Key>,
    flush_at: Option<Instant>,
}

impl Monitor {
    fn new(parts: Parts, monitors: Monitors, forced: bool) -> Self {
        let watches = Watches::new(forced);
        watches.add_root(LOGS, &parts.home.attempts());
        let (done, results) = mpsc::unbounded_channel();
        Self {
            attention: parts.attention.clone(),
            running: HashSet::new(),
            readers: Readers::new(parts),
            watches,
            monitors,
            roots: HashMap::new(),
            last_root: LOGS,
            young: VecDeque::new(),
            looks: Arc::new(Semaphore::new(LOOKS)),
            done,
            results: Some(results),
            logs_at: None,
            said: false,
            over: HashMap::new(),
            over_at: None,
            read: Vec::new(),
            flush_at: None,
        }
    }

    async fn run(mut self, mut receiver: mpsc::UnboundedReceiver<Watch>) {
        let watches = self.watches.clone();
        let Some(mut results) = self.results.take() else { return };
        let mut messages = Vec::new();
        let mut paced = Instant::now();
        loop {
            let next = self.next();
            let told = async {
                tokio::time::sleep_until(paced).await;
                receiver.recv_many(&mut messages, GROUP).await
            };
            tokio::select! {
                received = told => {
                    if received == 0 {
                        return;
                    }
                    paced = Instant::now() + PACE;
                    for message in messages.drain(..) {
                        match message {
                            Watch::Begin(job) => {
                                self.running.insert(job.key());
                                self.young.push_back((Instant::now() + SETTLED, job.key()));
                                self.readers.short.insert(job.key(), job);
                            }
                            Watch::End(job) => {
                                self.running.remove(&job.key());
                                self.end(job);
                            }
                        }
                    }
                    self.attention.set_busy(!self.running.is_empty());
                }
                Some(done) = results.recv() => self.done(done).await,
                () = tokio::time::sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
                () = watches.wake.notified() => self.news().await,
            }
            self.work().await;
        }
    }

    /// When something is to be done without anything having happened.
    fn next(&self) -> Option<Instant> {
        let now = Instant::now();
        let ripe = self.young.front().map(|(at, _)| *at);
        let roots = self.roots.values().filter_map(|root| root.next(now));
        roots.chain(ripe).chain(self.over_at).chain(self.flush_at).chain(self.logs_at).min()
    }

    /// Does what is due.
    async fn work(&mut self) {
        let now = Instant::now();
        while self.young.front().is_some_and(|(at, _)| *at <= now) {
            let Some((_, key)) = self.young.pop_front() else { break };
            if let Some(job) = self.readers.short.remove(&key) {
                self.begin(job).await;
            }
        }
        if self.over_at.is_some_and(|at| at <= now) {
            self.over_at = None;
            for (folder, jobs) in std::mem::take(&mut self.over) {
                self.beside(
                    move || files::walk(vec![(folder, 0)], Bounds::SHALLOW, |_, _| {}),
                    move |found| Done::Over(jobs, found),
                );
            }
        }
        if self.flush_at.is_some_and(|at| at <= now) {
            self.flush_at = None;
            let read = std::mem::take(&mut self.read);
            self.read_to_the_end(&read).await;
        }
        if self.logs_at.is_some_and(|at| at <= now) {
            self.poll_logs().await;
        }
        let due: Vec<PathBuf> = self
            .roots
            .iter()
            .filter(|(_, root)| root.is_walk_due(now) || root.is_stat_due(now))
            .map(|(folder, _)| folder.clone())
            .collect();
        for folder in due {
            self.look_through(folder, now);
        }
    }

    /// Begins to follow a job.
    async fn begin(&mut self, job: Job) {
        let key = job.key();
        let watched = self.readers.known(job).await;
        self.watches.hold(LOGS, &watched.folder, None);
        let folder = watched.job.cwd.clone();
        self.readers.watched.insert(key, watched);
        let root = self.roots.entry(folder.clone()).or_insert_with(|| {
            self.last_root += 1;
            self.watches.add_root(self.last_root, &folder);
            Root::new(self.last_root)
        });
        root.jobs.insert(key);
        root.waiting.push(key);
        self.show_logs();
        self.readers.read_log(key).await;
    }

    /// A job has ended: one last look is asked for.
    fn end(&mut self, job: Job) {
        let key = job.key();
        if let Some(watched) = self.readers.watched.get_mut(&key) {
            watched.ended = true;
            // Else the look at its beginning, which tells what was there before it, comes first.
            if watched.begun
                && let Some(root) = self.roots.get_mut(&job.cwd)
            {
                root.ending.push(key);
            }
            return;
        }
        if let Some(place) = self.young.iter().position(|(_, young)| *young == key) {
            self.young.remove(place);
            self.over.entry(job.cwd.clone()).or_default().push(job);
            self.over_at.get_or_insert_with(|| Instant::now() + OVER);
            return;
        }
        let folder = job.cwd.clone();
        self.beside(
            move || files::walk(vec![(folder, 0)], Bounds::WHOLE, |_, _| {}),
            move |found| Done::Over(vec![job], found),
        );
    }

    async fn done(&mut self, done: Done) {
        match done {
            Done::Walked(folder, walked) => self.walked(folder, walked).await,
            Done::Stated(folder, stated) => {
                let Some(root) = self.roots.get_mut(&folder) else { return };
                root.stated(&stated, is_polled(self.watches.summary(root.id)), Instant::now());
                self.show(&folder);
                self.readers.look(stated.changed.into_iter().map(|(path, _)| path).collect()).await;
            }
            Done::Entered(found) => {
                self.readers.look(found.tables.into_iter().map(|table| table.path).collect()).await;
                for folder in self.roots.keys().cloned().collect::<Vec<_>>() {
                    self.show(&folder);
                }
            }
            Done::Over(jobs, found) => {
                for job in jobs {
                    self.over(job, &found).await;
                }
            }
        }
    }

    /// A root was looked through: reads what is new there, begins and ends jobs.
    async fn walked(&mut self, folder: PathBuf, mut walked: Walked) {
        let Some(root) = self.roots.get_mut(&folder) else { return };
        root.walked(&walked, is_polled(self.watches.summary(root.id)), Instant::now());
        if let Some(baselines) = walked.baselines.take() {
            root.baselines = baselines;
        }
        let followed = root.jobs.iter().filter_map(|key| self.readers.watched.get(key));
        let since = followed.map(|watched| watched.job.since).min().unwrap_or(i64::MAX);
        // A job that begins has to be asked for all that is as young as it, also if others saw it before.
        let all = !walked.began.is_empty();
        let mut tables: BTreeSet<PathBuf> = walked
            .found
            .tables
            .iter()
            .filter(|table| table.stamp.modified() >= since)
            .filter(|table| all || root.known.get(&table.path) != Some(&table.stamp))
            .map(|table| table.path.clone())
            .collect();
        root.known = walked.found.tables.iter().map(|table| (table.path.clone(), table.stamp)).collect();
        let baselines = root.baselines.clone();
        let jobs = root.jobs.clone();
        for key in &walked.began {
            let Some(watched) = self.readers.watched.get_mut(key) else { continue };
            watched.before = baselines.clone();
            watched.begun = true;
            tables.extend(watched.sources.keys().cloned());
            if watched.ended
                && let Some(root) = self.roots.get_mut(&folder)
            {
                root.ending.push(*key);
            }
        }
        self.show(&folder);
        if walked.rescan {
            for key in jobs {
                self.readers.read_log(key).await;
            }
        }
        self.readers.look(tables).await;
        for key in walked.ended {
            let Some(job) = self.readers.watched.get(&key).map(|watched| watched.job.clone()) else {
                continue;
            };
            self.finish(&job, &walked.found).await;
        }
    }

    /// The last look at a job that was not followed is done.
    async fn over(&mut self, job: Job, found: &Found) {
        let key = job.key();
        let young = self.readers.short.contains_key(&key);
        if young && !found.tables.iter().any(|table| table.stamp.modified() >= job.since) {
            // Over at once, and nothing written: the usual end of a short job, and it should cost nothing.
            self.readers.short.remove(&key);
            self.note_read(key);
            return;
        }
        let mut watched = self.readers.known(job.clone()).await;
        if !young {
            // It ended while no engine ran. Others have written in its folder since.
            let attempts = self.readers.parts.store.attempts(job.id).await.unwrap_or_default();
            let ended = attempts.into_iter().find(|attempt| attempt.number == job.attempt);
            watched.until = ended.and_then(|attempt| attempt.ended_at);
        }
        self.readers.short.remove(&key);
        self.readers.watched.insert(key, watched);
        self.finish(&job, found).await;
    }

    /// Reads a job's files to their end, and follows them no more.
    async fn finish(&mut self, job: &Job, found: &Found) {
        let key = job.key();
        let written = found.tables.iter().filter(|table| table.stamp.modified() >= job.since);
        self.readers.look_last(key, written.map(|table| table.path.clone())).await;
        self.note_read(key);
        let Some(watched) = self.readers.watched.remove(&key) else { return };
        self.watches.release_folder(LOGS, &watched.folder);
        self.show_logs();
        let Some(root) = self.roots.get_mut(&job.cwd) else { return };
        root.jobs.remove(&key);
        if root.jobs.is_empty() {
            self.watches.release(root.id);
            self.roots.remove(&job.cwd);
        }
        self.show(&job.cwd);
    }

    fn note_read(&mut self, key: Key) {
        self.read.push(key);
        self.flush_at.get_or_insert_with(|| Instant::now() + FLUSH);
    }

    /// Records that nothing of these attempts is left to read, all in one transaction.
    async fn read_to_the_end(&self, ended: &[Key]) {
        if ended.is_empty() {
            return;
        }
        let store = &self.readers.parts.store;
        let recorded = async {
            // Lost in a power cut, they are read once more, and nothing of them twice.
            let mut tx = store.begin_lightly().await?;
            for (id, attempt) in ended {
                store.set_metrics_read(&mut tx, *id, *attempt).await?;
            }
            tx.commit().await
        };
        if let Err(error) = recorded.await {
            tracing::warn!(%error, "metrics of ended jobs are read again at the next start");
        }
    }

    /// Looks at what file events named.
    async fn news(&mut self) {
        let news = self.watches.take();
        if news.overflow {
            let now = Instant::now();
            tracing::info!("the kernel dropped file events; everything is looked at once");
            for root in self.roots.values_mut() {
                root.want_rescan(now);
            }
        }
        if news.lost {
            // Its folder is gone, perhaps to come back under the same name.
            let now = Instant::now();
            for (folder, root) in &mut self.roots {
                if !self.watches.is_told(folder) {
                    root.want_walk(now);
                }
            }
        }
        for key in self.jobs_of(&news.logs) {
            self.readers.read_log(key).await;
        }
        self.enter(news.folders);
        self.readers.look(news.tables).await;
    }

    fn jobs_of(&self, logs: &BTreeSet<PathBuf>) -> Vec<Key> {
        let followed = self.readers.watched.iter();
        followed.filter(|(_, watched)| logs.contains(&watched.folder)).map(|(key, _)| *key).collect()
    }
}

/// Whether some of a root has to be looked at every few seconds.
fn is_polled(summary: Summary) -> bool {
    summary.polled > 0 || summary.why == Some(Why::TooMany(MOST))
}
