//! The task of the index: what is looked at, read and told, and when.
//!
//! - A watch folder is looked through when it is added and when an engine starts; from then on the kernel tells what
//!   changes (`crate::monitor::watches`), or it is polled where that does not work.
//! - A file that is a run's and was written is read on at once. Anything else that changes may make runs come or go: the
//!   folder is listed again, at a pace that leaves most of the time free.
//! - Files are read by at most as many tasks for each watch folder as there are cores.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use athanor_core::runs::printed::Pattern;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::answer::{Answers, Call, PATIENCE};
use super::commit::{self, Committer, Stands};
use super::databases::{Databases, Passing};
use super::heads;
use super::mounts::Mounts as Mounted;
use super::passing::Pass;
use super::reading::Read;
use super::rest::Rest;
use super::source::Source;
use super::tree::{Looked, Stamp, Tree, Wanted, Watcher};
use super::{Ask, States};
use crate::bus::{Bus, Push};
use crate::error::Result;
use crate::files::Mounts;
use crate::home::now_ms;
use crate::monitor::roots::stat_pause;
use crate::monitor::watches::{Pace, RootId, Watches};
use crate::scan::{Problem, Progress};
use crate::store::runs::{DatabaseStamp, KnownFile, RunStore, WatchRow};

/// How closely watch folders are followed. A line that is appended shall be seen within 150 ms.
const PACE: Pace = Pace { gather: Duration::from_millis(25), most: 200_000, every_file: true };

/// From a change that may make runs come or go to the look: more often follows.
pub(super) const SETTLING: Duration = Duration::from_millis(250);

/// After so much silence a run is stale, milliseconds.
pub(super) const STALE_AFTER: i64 = 300_000;

/// A file that was last written longer ago is at rest: its last line needs no end.
pub(super) const AT_REST: i64 = 60_000;

/// From what could not be stored to the next attempt.
pub(super) const RETRY: Duration = Duration::from_secs(10);

/// From a run's change until its medians are found, unless it changes on.
const SETTLE: Duration = Duration::from_secs(2);

/// Files that one task reads.
pub(super) const FILES: usize = 64;

/// Bytes that one task reads, beyond its first file.
pub(super) const BYTES: i64 = 4 << 20;

/// Readers that are kept warm, bytes.
pub(super) const WARM: usize = 16 << 20;

/// Runs entered in one transaction.
pub(super) const ENTERED: usize = 200;

pub(super) fn start(
    data: PathBuf,
    store: RunStore,
    bus: Bus,
    states: States,
    asks: mpsc::UnboundedReceiver<Ask>,
    follow: bool,
) {
    let (committer, receiver) = mpsc::channel(64);
    let (told, stands) = mpsc::unbounded_channel();
    let committing =
        tokio::spawn(Committer::new(store.clone(), bus.clone(), told, STALE_AFTER).run(receiver));
    let (settler, settling) = mpsc::unbounded_channel();
    tokio::spawn(settle(store.clone(), bus.clone(), settling));
    let (done, results) = mpsc::unbounded_channel();
    let forced = std::env::var_os("ATHANOR_WATCH").is_some_and(|value| value == "poll");
    let keeper = Keeper {
        data,
        store,
        bus,
        states,
        watches: Watches::at_pace(forced, PACE),
        committer: Some(committer),
        settler,
        done,
        roots: BTreeMap::new(),
        files: HashMap::new(),
        by_path: HashMap::new(),
        runs: HashMap::new(),
        warm: VecDeque::new(),
        warm_bytes: 0,
        timers: BTreeSet::new(),
        due: HashMap::new(),
        removed: HashSet::new(),
        follows: follow,
        databases: Databases::default(),
        readers: std::thread::available_parallelism().map_or(2, |it| it.get().clamp(2, 4)),
    };
    tokio::spawn(keeper.run(asks, results, stands, committing));
}

/// Finds medians, one run after another, and tells of those that it has found together.
async fn settle(store: RunStore, bus: Bus, mut runs: mpsc::UnboundedReceiver<(i64, bool)>) {
    let (mut found, mut tell_at) = (Vec::new(), None::<Instant>);
    loop {
        let due = async {
            match tell_at {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            next = runs.recv() => {
                let Some((run, all)) = next else { return };
                match commit::settle(&store, run, all).await {
                    Ok(true) => found.extend(store.uid_of(run).await.ok().flatten()),
                    Ok(false) => {}
                    Err(error) => tracing::debug!(%error, run, "medians could not be found"),
                }
                if !found.is_empty() && tell_at.is_none() {
                    tell_at = Some(Instant::now() + commit::PACE);
                }
            }
            () = due => {
                tell_at = None;
                let mut uids = std::mem::take(&mut found);
                let structure = uids.len() > commit::NAMED;
                if structure {
                    uids.clear();
                }
                let revision = store.revision().await.unwrap_or(0);
                bus.publish(Push::Runs { uids, structure, revision });
            }
        }
    }
}

/// Something that is done later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Timer {
    /// Look at what a root wants.
    Look(i64),
    /// Look through all of a polled root.
    Walk(i64),
    /// Look at the files of a polled root.
    Stat(i64),
    /// A run's status may change.
    Stands(i64),
    /// A run's medians may be found.
    Settle(i64),
    /// A file is read again.
    Again(i64),
    /// A database is passed over again.
    Pass(i64),
    /// Whether a root's file system answers.
    Answer(i64),
}

/// What ran beside the task and is done.
pub(super) enum Done {
    /// Whether it was a look through everything.
    Looked(i64, Box<Tree>, Looked, bool),
    Stated(i64, Stated, Duration),
    Read(i64, Vec<Read>),
    Passed(i64, Box<Pass>),
}

/// Files, and databases, as they are now.
pub(super) type Stated = (Vec<(i64, Option<Stamp>)>, Vec<(i64, Option<DatabaseStamp>)>);

/// A watch folder.
pub(super) struct Root {
    pub(super) row: WatchRow,
    /// Not here while it is looked at.
    pub(super) tree: Option<Box<Tree>>,
    pub(super) wanted: Wanted,
    pub(super) rest: Rest,
    pub(super) queue: VecDeque<i64>,
    pub(super) reading: usize,
    pub(super) passing: Passing,
    pub(super) stating: bool,
    pub(super) answers: Answers,
    /// Something was mounted or unmounted there since the last look began.
    pub(super) remounted: bool,
    pub(super) walks: u32,
    /// What can't be listed.
    pub(super) problems: Vec<Problem>,
    /// What can't be read, by file.
    pub(super) unreadable: BTreeMap<i64, Problem>,
    pub(super) progress: Arc<Mutex<Progress>>,
    /// The first look since it was added, or since the engine started, and its files are not through.
    pub(super) first: bool,
    /// The runs of it: folder and part below the watch folder.
    pub(super) places: HashMap<(String, String), i64>,
}

impl Root {
    pub(super) fn id(&self) -> RootId {
        RootId::try_from(self.row.id).unwrap_or(RootId::MAX)
    }
}

/// A run that is followed.
pub(super) struct Run {
    pub(super) root: i64,
    pub(super) folder: PathBuf,
    pub(super) files: Vec<i64>,
}

/// A file that is followed.
pub(super) struct Followed {
    pub(super) known: KnownFile,
    pub(super) root: i64,
    pub(super) source: Option<Source>,
    /// It is read now, or waits to be.
    pub(super) busy: bool,
    /// It was written meanwhile.
    pub(super) again: bool,
    /// When it was last seen to change, if it was, UTC milliseconds by this machine's clock.
    pub(super) noticed: Option<i64>,
}

pub(super) struct Keeper {
    pub(super) data: PathBuf,
    pub(super) store: RunStore,
    pub(super) bus: Bus,
    pub(super) states: States,
    pub(super) watches: Arc<Watches>,
    pub(super) committer: Option<mpsc::Sender<commit::Ask>>,
    pub(super) settler: mpsc::UnboundedSender<(i64, bool)>,
    pub(super) done: mpsc::UnboundedSender<Done>,
    pub(super) roots: BTreeMap<i64, Root>,
    pub(super) files: HashMap<i64, Followed>,
    /// A file may belong to several runs.
    pub(super) by_path: HashMap<PathBuf, Vec<i64>>,
    pub(super) runs: HashMap<i64, Run>,
    /// Files with a warm reader, the one that was used last at the end.
    pub(super) warm: VecDeque<i64>,
    pub(super) warm_bytes: usize,
    pub(super) timers: BTreeSet<(Instant, Timer)>,
    pub(super) due: HashMap<Timer, Instant>,
    /// Places of runs that the user took out: folder, absolute, and part.
    pub(super) removed: HashSet<(String, String)>,
    pub(super) databases: Databases,
    pub(super) readers: usize,
    /// Else folders are only noted down, for the next engine.
    pub(super) follows: bool,
}

impl Keeper {
    async fn run(
        mut self,
        mut asks: mpsc::UnboundedReceiver<Ask>,
        mut results: mpsc::UnboundedReceiver<Done>,
        mut stands: mpsc::UnboundedReceiver<Stands>,
        committing: tokio::task::JoinHandle<()>,
    ) {
        if self.follows
            && let Err(error) = self.begin().await
        {
            tracing::error!(%error, "the watch folders could not be read from the index");
        }
        let watches = self.watches.clone();
        let mut mounts = if self.follows { Mounted::begin() } else { Mounted::default() };
        let stopped = loop {
            let next = self.timers.first().map(|(at, _)| *at);
            let timer = async {
                match next {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                ask = asks.recv() => match ask {
                    None => break None,
                    Some(Ask::Stop(answer)) => break Some(answer),
                    Some(ask) => self.asked(ask).await,
                },
                () = watches.wake.notified() => self.heard(),
                places = mounts.changed() => self.mounted(&places),
                Some(done) = results.recv() => self.did(done).await,
                Some(stands) = stands.recv() => self.stands(stands),
                () = timer => self.fire().await,
            }
        };
        drop(watches);
        // What is being read is written; the committer ends when the last reader has.
        self.committer = None;
        self.databases.stop();
        self.leave_reading(&mut results, committing).await;
        if let Some(answer) = stopped {
            let _ = answer.send(());
        }
    }

    /// Begins to follow what was followed before.
    async fn begin(&mut self) -> Result<()> {
        self.databases = Databases::begin(self.data.join("copies")).await;
        self.removed = self.store.removed_places().await?.into_iter().collect();
        for row in self.store.watch_folders().await? {
            self.follow(row).await?;
        }
        // What was open may have ended while nobody looked.
        for run in self.store.open_runs().await? {
            self.at(Timer::Stands(run), Duration::from_secs(1));
        }
        Ok(())
    }

    pub(super) async fn follow(&mut self, row: WatchRow) -> Result<()> {
        let id = row.id;
        let path = PathBuf::from(&row.path);
        let mut root = Root {
            tree: Some(heads::tree_of(&self.store, &row).await),
            wanted: Wanted { all: true, ..Wanted::default() },
            rest: Rest::none(Instant::now()),
            queue: VecDeque::new(),
            reading: 0,
            passing: Passing::default(),
            stating: false,
            answers: Answers::default(),
            remounted: false,
            walks: 0,
            problems: Vec::new(),
            unreadable: BTreeMap::new(),
            progress: Arc::default(),
            first: true,
            places: HashMap::new(),
            row,
        };
        for known in self.store.known_runs(id).await? {
            let folder = PathBuf::from(&known.folder);
            let Some(below) = below(&path, &folder) else { continue };
            // One whose files are back is entered anew, which says so.
            if known.missing {
                continue;
            }
            root.places.insert((below, known.part), known.id);
            self.runs.insert(known.id, Run { root: id, folder, files: Vec::new() });
        }
        for known in self.store.known_files(id).await? {
            self.add_file(known, id);
        }
        root.passing.problems = self.follow_databases(id, &path).await?;
        self.watches.add_root(root.id(), &path);
        self.roots.insert(id, root);
        self.look(id);
        self.show(id);
        Ok(())
    }

    pub(super) fn add_file(&mut self, known: KnownFile, root: i64) {
        if let Some(run) = self.runs.get_mut(&known.run_id)
            && !run.files.contains(&known.id)
        {
            run.files.push(known.id);
        }
        let all = self.by_path.entry(PathBuf::from(&known.path)).or_default();
        if !all.contains(&known.id) {
            all.push(known.id);
        }
        self.files
            .entry(known.id)
            .and_modify(|file| {
                file.root = root;
                file.known.format.clone_from(&known.format);
                file.known.role.clone_from(&known.role);
                file.known.prefix.clone_from(&known.prefix);
            })
            .or_insert(Followed { known, root, source: None, busy: false, again: false, noticed: None });
    }

    pub(super) fn drop_file(&mut self, id: i64) {
        let Some(file) = self.files.remove(&id) else { return };
        let path = PathBuf::from(&file.known.path);
        if let Some(all) = self.by_path.get_mut(&path) {
            all.retain(|other| *other != id);
            if all.is_empty() {
                self.by_path.remove(&path);
            }
        }
        if let Some(run) = self.runs.get_mut(&file.known.run_id) {
            run.files.retain(|other| *other != id);
        }
        if let Some(root) = self.roots.get_mut(&file.root) {
            root.unreadable.remove(&id);
        }
    }

    pub(super) fn drop_run(&mut self, id: i64) {
        let Some(run) = self.runs.get(&id) else { return };
        let root = run.root;
        for file in run.files.clone() {
            self.drop_file(file);
        }
        self.runs.remove(&id);
        if let Some(root) = self.roots.get_mut(&root) {
            root.places.retain(|_, run| *run != id);
        }
    }

    async fn asked(&mut self, ask: Ask) {
        match ask {
            Ask::Add(path, adding, answer) => {
                let _ = answer.send(self.add(&path, adding).await);
            }
            Ask::Remove(id, answer) => {
                let _ = answer.send(self.remove(id).await);
            }
            Ask::Look(id) => {
                if let Some(root) = self.roots.get_mut(&id) {
                    root.wanted.all = true;
                    root.first = true;
                    root.rest = Rest::none(Instant::now());
                    self.look(id);
                    self.show(id);
                }
            }
            Ask::Forget(runs) => {
                for run in runs {
                    self.drop_run(run);
                }
                self.databases.forget_runs();
                // What was taken out does not come back at the next look.
                match self.store.removed_places().await {
                    Ok(removed) => self.removed = removed.into_iter().collect(),
                    Err(error) => tracing::warn!(%error, "the runs that were taken out are not known"),
                }
            }
            Ask::Stop(_) => {}
        }
    }

    /// Starts to look at what a root wants, if it is time.
    pub(super) fn look(&mut self, id: i64) {
        let Some(root) = self.roots.get_mut(&id) else { return };
        if root.wanted.is_empty() || root.tree.is_none() {
            return;
        }
        let wait = root.rest.left(Instant::now(), root.wanted.all);
        if !wait.is_zero() {
            self.at(Timer::Look(id), wait);
            return;
        }
        let Some(mut tree) = root.tree.take() else { return };
        if std::mem::take(&mut root.remounted) {
            // What is watched may lie below what is seen there now.
            self.watches.release(root.id());
            self.watches.add_root(root.id(), Path::new(&root.row.path));
        }
        let wanted = std::mem::take(&mut root.wanted);
        let (watches, done, number) = (self.watches.clone(), self.done.clone(), root.id());
        let progress = root.progress.clone();
        let mut call = root.answers.calls.begin();
        tokio::task::spawn_blocking(move || {
            let mounts = Mounts::default();
            let mut holding =
                Holding { watches: &watches, root: number, mounts, progress: &progress, call: &mut call };
            let look = watches.begin_look();
            let mut looked = tree.look(&wanted, &mut holding);
            looked.took = call.spent();
            if wanted.all && looked.unreadable.is_none() {
                watches.forget_unmet(number, look);
            }
            drop(call);
            let _ = done.send(Done::Looked(id, tree, looked, wanted.all));
        });
        self.at_first(Timer::Answer(id), PATIENCE);
        self.show(id);
    }

    async fn did(&mut self, done: Done) {
        let (Done::Looked(id, ..) | Done::Stated(id, ..) | Done::Read(id, _) | Done::Passed(id, _)) = &done;
        self.answered(*id).await;
        match done {
            Done::Looked(id, tree, looked, all) => {
                if let Err(error) = self.looked(id, tree, looked, all).await {
                    tracing::warn!(%error, "what was found in a watch folder could not be entered");
                    if let Some(row) = self.roots.get(&id).map(|root| root.row.clone()) {
                        // Nothing of it is known to be in the index: the next look tells all of it again.
                        let tree = heads::tree_of(&self.store, &row).await;
                        let Some(root) = self.roots.get_mut(&id) else { return };
                        root.tree = Some(tree);
                        root.wanted.all = true;
                        root.rest = Rest::of(Instant::now(), RETRY);
                    }
                }
                self.read(id);
                self.look(id);
                self.through(id).await;
            }
            Done::Stated(id, (stamps, databases), took) => {
                for (file, stamp) in stamps {
                    if stamp.is_some()
                        && self.files.get(&file).is_some_and(|it| Some(stamp_of(&it.known)) != stamp)
                    {
                        self.want(file);
                    }
                }
                for (database, stamp) in databases {
                    self.stated_database(database, stamp);
                }
                self.pass(id);
                if let Some(root) = self.roots.get_mut(&id) {
                    root.stating = false;
                    self.at(Timer::Stat(id), stat_pause(took));
                }
                self.read(id);
            }
            Done::Read(id, read) => {
                for read in read {
                    self.was_read(read);
                }
                if let Some(root) = self.roots.get_mut(&id) {
                    root.reading -= 1;
                }
                self.read(id);
                self.through(id).await;
            }
            Done::Passed(id, pass) => {
                self.passed(id, *pass);
                self.pass(id);
                self.through(id).await;
            }
        }
    }

    /// Whether the first look of a root, and the reading after it, are through.
    pub(super) async fn through(&mut self, id: i64) {
        let Some(root) = self.roots.get_mut(&id) else { return };
        let still = root.tree.is_none() || root.wanted.all || root.reading > 0 || !root.queue.is_empty();
        let still = still || !root.passing.is_idle();
        let was = root.first;
        root.first &= still;
        if !was || still {
            self.show(id);
            return;
        }
        let looked = async {
            let mut tx = self.store.begin_lightly().await?;
            self.store.put_looked(&mut tx, id, now_ms()).await?;
            tx.commit().await
        };
        if let Err(error) = looked.await {
            tracing::warn!(%error, "the end of a look could not be recorded");
        }
        self.show(id);
        self.tell().await;
    }

    /// A run was written: when its status and its medians are to be looked at again.
    pub(super) fn stands(&mut self, stands: Stands) {
        match stands.again_ms {
            Some(ms) => {
                let wait = Duration::from_millis(ms.max(1).unsigned_abs());
                self.at(Timer::Stands(stands.run), wait);
                self.at_first(Timer::Settle(stands.run), SETTLE);
            }
            None => {
                self.forget(Timer::Stands(stands.run));
                self.forget(Timer::Settle(stands.run));
                let _ = self.settler.send((stands.run, true));
            }
        }
    }

    /// Does what is due.
    async fn fire(&mut self) {
        let now = Instant::now();
        while let Some(&(at, timer)) = self.timers.first() {
            if at > now {
                return;
            }
            self.forget(timer);
            match timer {
                Timer::Look(id) => self.look(id),
                Timer::Walk(id) => {
                    if let Some(root) = self.roots.get_mut(&id) {
                        // What could not be watched before is tried again as it is met.
                        root.wanted.all = true;
                        self.look(id);
                    }
                }
                Timer::Stat(id) => self.stat(id),
                Timer::Answer(id) => self.answers(id).await,
                Timer::Stands(run) => {
                    // A last line without an end will get none.
                    for file in self.runs.get(&run).map(|run| run.files.clone()).unwrap_or_default() {
                        if self.files.get(&file).is_some_and(|file| file.known.role == "metrics") {
                            self.want(file);
                        }
                    }
                    self.read_all();
                    if let Some(committer) = self.committer.clone() {
                        let _ = committer.send(commit::Ask::Look(run)).await;
                    }
                }
                Timer::Settle(run) => {
                    let _ = self.settler.send((run, false));
                }
                Timer::Pass(database) => {
                    self.want_pass(database);
                    self.read_all();
                }
                Timer::Again(file) => {
                    self.want(file);
                    self.read_all();
                }
            }
        }
    }

    /// Tells listeners that runs came or went.
    pub(super) async fn tell(&mut self) {
        let revision = self.store.revision().await.unwrap_or(0);
        self.bus.publish(Push::Runs { uids: Vec::new(), structure: true, revision });
    }

    /// Does something so much later, instead of when it was to be done.
    pub(super) fn at(&mut self, timer: Timer, after: Duration) {
        self.forget(timer);
        let at = Instant::now() + after;
        self.due.insert(timer, at);
        self.timers.insert((at, timer));
    }

    /// The same unless it is to be done already.
    pub(super) fn at_first(&mut self, timer: Timer, after: Duration) {
        if !self.due.contains_key(&timer) {
            self.at(timer, after);
        }
    }

    pub(super) fn forget(&mut self, timer: Timer) {
        if let Some(at) = self.due.remove(&timer) {
            self.timers.remove(&(at, timer));
        }
    }
}

/// Follows each folder that a look meets.
struct Holding<'a> {
    watches: &'a Arc<Watches>,
    root: RootId,
    mounts: Mounts,
    progress: &'a Mutex<Progress>,
    call: &'a mut Call,
}

impl Watcher for Holding<'_> {
    fn meets(&mut self, folder: &Path, progress: &Progress) {
        self.call.step();
        self.watches.hold(self.root, folder, self.mounts.network(folder));
        let mut shown = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        shown.folders = progress.folders;
        shown.files = progress.files;
    }
}

/// How metrics are found in the logs of a watch folder.
pub(super) fn pattern_of(row: &WatchRow) -> Option<Pattern> {
    row.pattern.as_deref().and_then(|text| Pattern::parse(text).ok())
}

pub(super) fn stamp_of(known: &KnownFile) -> Stamp {
    Stamp { device: known.device, inode: known.inode, size: known.size, modified_ns: known.modified_ns }
}

/// A path below another, with `/` between its parts; empty for that one itself.
pub(super) fn below(root: &Path, path: &Path) -> Option<String> {
    path.strip_prefix(root).ok()?.to_str().map(str::to_owned)
}
