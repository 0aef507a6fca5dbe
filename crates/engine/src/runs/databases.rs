//! Following databases that hold many runs: when each is passed over.
//!
//! A change of a database, or of the log beside it, wants a pass. There is one pass at a time for each database, and
//! another after it if something changed meanwhile; after a pass so much time is left free that following takes a small
//! part of one core at most.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::keeper::{Done, Keeper, RETRY, Run, Timer, below};
use super::passing::{Held, Job, Outcome, Pass};
use super::rest::REST;
use super::source::modified_ns;
use super::tree::{FoundDatabase, Stamp};
use crate::error::Result;
use crate::scan::Problem;
use crate::store::runs::DatabaseStamp;

/// What SQLite writes beside a database, by the endings of its names. They come and go with each change.
pub(crate) const BESIDE: [&str; 3] = ["-wal", "-journal", "-shm"];

/// After a pass no longer than this is left free.
const LONGEST_REST: Duration = Duration::from_secs(10);

/// After one that read all of a database so much is.
const AFTER_ALL: Duration = Duration::from_millis(500);

/// From a pass that found the database locked to the next, at first; then twice as long each time.
const LOCKED: Duration = Duration::from_secs(2);

/// So often at most.
const TRIES: u32 = 7;

impl DatabaseStamp {
    /// How a database is now; `None` if it is not there. Blocks on the disk.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let Stamp { device, inode, size, modified_ns: modified } = Stamp::of(path)?;
        let mut log = path.as_os_str().to_owned();
        log.push(BESIDE[0]);
        let log = std::fs::metadata(PathBuf::from(log)).ok().filter(|log| log.size() > 0);
        Some(Self {
            device,
            inode,
            size,
            modified_ns: modified,
            log_size: log.as_ref().map_or(0, |log| log.size().cast_signed()),
            log_modified_ns: log.as_ref().map_or(0, modified_ns),
        })
    }
}

/// The databases of all roots.
#[derive(Default)]
pub(super) struct Databases {
    all: HashMap<i64, Database>,
    by_path: HashMap<PathBuf, i64>,
    /// Where copies of them are kept.
    scratch: PathBuf,
}

/// A database that is followed.
struct Database {
    root: i64,
    path: PathBuf,
    /// How it was before it was last passed over.
    stamp: DatabaseStamp,
    held: Option<Held>,
    /// It is passed over now, or waits to be.
    busy: bool,
    /// It changed meanwhile.
    again: bool,
    /// Not to be passed over before.
    rested: Instant,
    /// How often in a row it could not be read.
    tries: u32,
    cancelled: Arc<AtomicBool>,
}

/// What a root has of them.
#[derive(Default)]
pub(super) struct Passing {
    queue: VecDeque<i64>,
    pub(super) running: usize,
    /// What can't be read, by database.
    pub(super) problems: BTreeMap<i64, Vec<Problem>>,
}

impl Passing {
    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.running == 0
    }
}

impl Databases {
    /// Those of which copies are kept in this folder, which is ours. What lies in it is of no use any more.
    pub(super) async fn begin(scratch: PathBuf) -> Self {
        let made = scratch.clone();
        let made = tokio::task::spawn_blocking(move || {
            match std::fs::remove_dir_all(&made) {
                Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => return Err(cause),
                _ => {}
            }
            std::os::unix::fs::DirBuilderExt::mode(&mut std::fs::DirBuilder::new(), 0o700).create(&made)
        });
        if let Ok(Err(error)) = made.await {
            tracing::warn!(%error, path = %scratch.display(), "the folder for copies of databases can't be made");
        }
        Self { scratch, ..Self::default() }
    }

    /// Breaks off what is under way; what was written stays, and the next pass goes on from there.
    pub(super) fn stop(&mut self) {
        for database in self.all.values() {
            database.cancelled.store(true, Ordering::Relaxed);
        }
    }

    /// Follows those of a root no more.
    pub(super) fn leave(&mut self, root: i64) {
        let gone: Vec<i64> = self.all.iter().filter(|(_, it)| it.root == root).map(|(id, _)| *id).collect();
        for id in gone {
            self.drop(id);
        }
    }

    fn drop(&mut self, id: i64) {
        if let Some(database) = self.all.remove(&id) {
            database.cancelled.store(true, Ordering::Relaxed);
            self.by_path.remove(&database.path);
        }
    }

    /// Runs were taken out of the index: none is taken for one that is there.
    pub(super) fn forget_runs(&mut self) {
        for database in self.all.values_mut() {
            database.held = None;
        }
    }

    fn add(&mut self, id: i64, root: i64, path: PathBuf, stamp: DatabaseStamp) {
        self.by_path.insert(path.clone(), id);
        let database = Database {
            root,
            path,
            stamp,
            held: None,
            busy: false,
            again: false,
            rested: Instant::now(),
            tries: 0,
            cancelled: Arc::default(),
        };
        self.all.insert(id, database);
    }

    /// Those of a root whose folders are polled.
    pub(super) fn polled(&self, root: i64, is_polled: impl Fn(&Path) -> bool) -> Vec<(i64, PathBuf)> {
        let polled = |it: &Database| it.root == root && !it.busy && it.path.parent().is_some_and(&is_polled);
        self.all.iter().filter(|(_, it)| polled(it)).map(|(id, it)| (*id, it.path.clone())).collect()
    }
}

impl Keeper {
    /// Follows the databases of a root that the index knows; answers what could not be read of them.
    pub(super) async fn follow_databases(
        &mut self,
        root: i64,
        folder: &Path,
    ) -> Result<BTreeMap<i64, Vec<Problem>>> {
        let mut problems = BTreeMap::new();
        for row in self.store.known_databases(root).await? {
            let mut said: Vec<String> = serde_json::from_str(&row.problems).unwrap_or_default();
            said.extend(row.refused);
            problems.insert(row.id, problems_of(folder, Path::new(&row.path), said));
            self.databases.add(row.id, root, row.path.into(), row.stamp);
        }
        Ok(problems)
    }

    /// Takes the databases that a look has found: all that there are.
    pub(super) async fn looked_databases(&mut self, id: i64, found: Vec<FoundDatabase>) -> Result<bool> {
        let here: HashSet<&Path> = found.iter().map(|it| it.path.as_path()).collect();
        let gone: Vec<(i64, PathBuf)> = self
            .databases
            .all
            .iter()
            .filter(|(_, it)| it.root == id && !here.contains(it.path.as_path()))
            .map(|(id, it)| (*id, it.path.clone()))
            .collect();
        let mut structure = false;
        if !gone.is_empty() {
            let mut tx = self.store.begin_lightly().await?;
            let revision = self.store.next_revision(&mut tx).await?;
            for (database, path) in &gone {
                let path = path.to_string_lossy();
                let missing = self.store.database_gone(&mut tx, *database, &path, revision).await?;
                structure |= !missing.is_empty();
            }
            tx.commit().await?;
            for (database, _) in gone {
                self.databases.drop(database);
                self.forget(Timer::Pass(database));
                if let Some(root) = self.roots.get_mut(&id) {
                    root.passing.problems.remove(&database);
                }
            }
        }
        for found in found {
            let Some(path) = found.path.to_str() else { continue };
            let known = self.databases.by_path.get(&found.path).copied();
            let database = match known {
                Some(known) => known,
                None => {
                    let mut tx = self.store.begin_lightly().await?;
                    let database = self.store.add_database(&mut tx, id, path, found.format).await?;
                    tx.commit().await?;
                    self.databases.add(database, id, found.path.clone(), DatabaseStamp::default());
                    database
                }
            };
            self.stated_database(database, found.stamp);
        }
        self.pass(id);
        Ok(structure)
    }

    /// A database was looked at.
    pub(super) fn stated_database(&mut self, id: i64, stamp: Option<DatabaseStamp>) {
        let is_new = self.databases.all.get(&id).is_some_and(|it| stamp.is_some_and(|now| now != it.stamp));
        if is_new {
            self.want_pass(id);
        }
    }

    /// Whether a file that was written belongs to a database; then that is passed over, if need be.
    pub(super) fn is_of_database(&mut self, path: &Path) -> bool {
        if let Some(id) = self.databases.by_path.get(path).copied() {
            self.want_pass(id);
            return true;
        }
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
        let Some((stem, ending)) = BESIDE.iter().find_map(|it| Some((name.strip_suffix(it)?, *it))) else {
            return false;
        };
        let id = self.databases.by_path.get(&path.with_file_name(stem)).copied();
        if let Some(id) = id
            && ending == BESIDE[0]
        {
            self.want_pass(id);
        }
        id.is_some()
    }

    /// A database has changed.
    pub(super) fn want_pass(&mut self, id: i64) {
        let Some(database) = self.databases.all.get_mut(&id) else { return };
        if database.busy {
            database.again = true;
            return;
        }
        let now = Instant::now();
        if database.rested > now {
            let wait = database.rested - now;
            self.at(Timer::Pass(id), wait);
            return;
        }
        database.busy = true;
        let root = database.root;
        self.forget(Timer::Pass(id));
        if let Some(root) = self.roots.get_mut(&root) {
            root.passing.queue.push_back(id);
        }
    }

    /// Starts the passes that wait in a root.
    pub(super) fn pass(&mut self, id: i64) {
        let Some(committer) = self.committer.clone() else { return };
        let Some(root) = self.roots.get_mut(&id) else { return };
        while root.passing.running < self.readers {
            let Some(next) = root.passing.queue.pop_front() else { return };
            let Some(database) = self.databases.all.get_mut(&next) else { continue };
            let Some(folder) =
                database.path.parent().and_then(|folder| below(Path::new(&root.row.path), folder))
            else {
                continue;
            };
            database.again = false;
            root.passing.running += 1;
            let job = Job {
                id: next,
                watch: root.row.clone(),
                folder,
                path: database.path.clone(),
                held: database.held.take(),
                scratch: self.databases.scratch.clone(),
                cancelled: database.cancelled.clone(),
                store: self.store.clone(),
                committer: committer.clone(),
            };
            let done = self.done.clone();
            tokio::spawn(async move {
                let _ = done.send(Done::Passed(id, Box::new(job.run().await)));
            });
        }
    }

    /// A pass has ended.
    pub(super) fn passed(&mut self, id: i64, pass: Pass) {
        let Some(root) = self.roots.get_mut(&id) else { return };
        root.passing.running -= 1;
        for (part, run, folder) in pass.entered {
            let place = below(Path::new(&root.row.path), &folder).unwrap_or_default();
            root.places.insert((place, part), run);
            self.runs.entry(run).or_insert(Run { root: id, folder, files: Vec::new() });
        }
        let Some(database) = self.databases.all.get_mut(&pass.id) else { return };
        database.busy = false;
        database.held = pass.held;
        // What it cost to read all of it says nothing of what the next pass costs.
        let rest = if pass.bytes > 0 { AFTER_ALL } else { (pass.took * REST).min(LONGEST_REST) };
        database.rested = Instant::now() + rest;
        if let Some(stamp) = pass.stamp {
            database.stamp = stamp;
        }
        let again = std::mem::take(&mut database.again);
        let mut said = pass.problems;
        let mut retry = None;
        match pass.outcome {
            Outcome::Done => database.tries = 0,
            Outcome::Refused(why) => {
                database.tries = 0;
                said.push(why);
            }
            Outcome::NotStored => retry = Some(RETRY),
            Outcome::Later(why) => {
                database.tries = (database.tries + 1).min(TRIES);
                retry = Some(LOCKED * 2u32.pow(database.tries - 1));
                // A lock that is held for a moment is no trouble.
                if database.tries > 1 {
                    said.push(why);
                }
            }
        }
        let said = problems_of(Path::new(&root.row.path), &database.path, said);
        root.passing.problems.insert(pass.id, said);
        let mut progress = root.progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.read += 1;
        progress.bytes += pass.bytes;
        drop(progress);
        if let Some(after) = retry {
            self.at(Timer::Pass(pass.id), after);
        }
        if again {
            self.want_pass(pass.id);
        }
    }
}

fn problems_of(folder: &Path, path: &Path, said: Vec<String>) -> Vec<Problem> {
    let name = path.strip_prefix(folder).unwrap_or(path).to_string_lossy();
    let problem = |message| Problem { path: name.clone().into_owned(), place: None, message, more: 0 };
    said.into_iter().map(problem).collect()
}
