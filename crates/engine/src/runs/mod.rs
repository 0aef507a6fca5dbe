//! The index of runs: watch folders, what lies in them, and everything that it says.
//!
//! Parts: `tree` knows what lies below a watch folder and which runs that makes, and `heads` what was learned of its files
//! by opening them; `source` reads one file; `reading` reads many side by side; `commit` writes what was read; `keeper` is
//! the task that ties them together and plans what is done when, with `adding` watch folders, `entering` what looks have
//! found and `following` files as they change; `answer` notices a file server that hangs, and `mounts` what is mounted; `databases` plans passes over databases that hold many runs, and `passing`
//! is one; `jobs` brings in what the queue ran; `lines` is for charts, `plots` for other plots, and `compare` lays runs
//! side by side.
//!
//! *Invariant:* nothing is ever written into a watch folder. *Invariant:* a file that can't be read, and a folder on a
//! server that does not answer, hold up no other watch folder.

mod adding;
mod answer;
mod commit;
pub mod compare;
pub(crate) mod databases;
mod entering;
mod following;
mod heads;
mod jobs;
mod keeper;
pub mod lines;
mod mounts;
mod passing;
pub mod plots;
mod reading;
mod rest;
mod source;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use athanor_core::runs::printed::Pattern;
use tokio::sync::{mpsc, oneshot};

pub use source::Problem as FileProblem;

use crate::bus::Bus;
use crate::error::{Error, ErrorKind, Result};
use crate::home::Home;
use crate::monitor::Monitored;
use crate::scan::{Problem, Progress};
use crate::store::Store;
use crate::store::runs::{RunStore, WatchRow};

/// Problems of a watch folder that are told; the others are counted.
const TOLD: usize = 100;

/// A watch folder as it is now.
#[derive(Debug, Clone)]
pub struct WatchFolder {
    /// As it is stored.
    pub row: WatchRow,
    /// What is known of it beyond that.
    pub state: WatchState,
}

/// What is known of a watch folder while an engine follows it.
#[derive(Debug, Clone, Default)]
pub struct WatchState {
    /// It is looked through, or files in it are read that had changed before.
    pub looking: bool,
    /// How far that is.
    pub progress: Progress,
    /// How its files are followed.
    pub followed: Option<Monitored>,
    /// What can't be listed or read, the first hundred.
    pub problems: Vec<Problem>,
    /// How many there are.
    pub problem_count: usize,
}

/// What is said of a folder that is added.
#[derive(Debug, Clone, Default)]
pub struct Adding {
    /// The project of all runs in it that do not name their own.
    pub project: Option<String>,
    /// How metrics that programs print are found in logs; without one these are not read for them.
    pub pattern: Option<Pattern>,
}

/// What the keeper is asked.
enum Ask {
    Add(PathBuf, Adding, oneshot::Sender<Result<i64>>),
    Remove(i64, oneshot::Sender<Result<()>>),
    Look(i64),
    Forget(Vec<i64>),
    Stop(oneshot::Sender<()>),
}

type States = Arc<Mutex<BTreeMap<i64, WatchState>>>;

/// The index of runs.
#[derive(Debug, Clone)]
pub struct Index {
    store: RunStore,
    asks: mpsc::UnboundedSender<Ask>,
    states: States,
    follow: bool,
    /// What charts read last.
    charts: Arc<lines::Charts>,
    /// Follows the queue.
    jobs: Arc<Option<tokio::task::JoinHandle<()>>>,
}

impl Index {
    /// Opens what is there and begins to follow the watch folders and the queue; without a queue it only looks things up.
    pub(crate) fn start(home: &Home, store: RunStore, bus: Bus, queue: Option<&Store>) -> Self {
        let follow = queue.is_some();
        let (asks, receiver) = mpsc::unbounded_channel();
        let states = States::default();
        keeper::start(home.root().to_owned(), store.clone(), bus.clone(), states.clone(), receiver, follow);
        let jobs = queue.map(|queue| jobs::start(queue.clone(), store.clone(), &bus));
        Self { store, asks, states, follow, charts: Arc::default(), jobs: Arc::new(jobs) }
    }

    /// The store, for reading, and for what the user says of runs.
    #[must_use]
    pub fn store(&self) -> &RunStore {
        &self.store
    }

    /// The watch folders, by path.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn folders(&self) -> Result<Vec<WatchFolder>> {
        // One that was not come to yet is about to be looked through.
        let coming = || WatchState { looking: self.follow, ..WatchState::default() };
        let mut folders = Vec::new();
        for row in self.store.watch_folders().await? {
            let known = self.states.lock().unwrap_or_else(PoisonError::into_inner).get(&row.id).cloned();
            let mut state = known.unwrap_or_else(coming);
            let count = self.store.count_unread(row.id).await?;
            if count > 0 {
                state.problem_count += usize::try_from(count).unwrap_or(usize::MAX);
                let room = TOLD.saturating_sub(state.problems.len());
                let unread = self.store.unread(row.id, room).await?;
                state.problems.extend(unread.into_iter().flat_map(|file| told(&row.path, file)).take(room));
            }
            folders.push(WatchFolder { row, state });
        }
        Ok(folders)
    }

    /// Follows a folder from now on: what is in it is looked for at once. Answers its key. A folder in which others lie
    /// that are followed takes them over.
    ///
    /// # Errors
    /// It is no folder, can't be listed, does not answer, lies in one that is followed already, or is the program's own.
    pub async fn add(&self, path: &Path, adding: Adding) -> Result<i64> {
        let real = adding::real_folder(path).await?;
        self.ask(|answer| Ask::Add(real, adding, answer)).await?
    }

    /// Follows a folder no more and forgets its runs, with what the user noted of them. What lies on disk stays as it is.
    ///
    /// # Errors
    /// There is no such watch folder, or the store refuses.
    pub async fn remove(&self, id: i64) -> Result<()> {
        self.ask(|answer| Ask::Remove(id, answer)).await?
    }

    /// Looks through a watch folder again.
    pub fn look(&self, id: i64) {
        let _ = self.asks.send(Ask::Look(id));
    }

    /// Runs were taken out of the store: their files are followed no more.
    pub fn forget(&self, runs: Vec<i64>) {
        let _ = self.asks.send(Ask::Forget(runs));
    }

    /// Follows nothing any more, writes what was read, and closes the store.
    pub async fn stop(&self) {
        let (answer, stopped) = oneshot::channel();
        if self.asks.send(Ask::Stop(answer)).is_ok() {
            let _ = stopped.await;
        }
        if let Some(jobs) = &*self.jobs {
            jobs.abort();
        }
        self.store.close().await;
    }

    async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let stopping = || Error::new(ErrorKind::Stopping, "the engine is shutting down");
        self.asks.send(ask(answer)).map_err(|_| stopping())?;
        answered.await.map_err(|_| stopping())
    }
}

/// What can't be read of a file, as problems of its watch folder.
fn told(watch: &str, (path, refused, places): (String, Option<String>, String)) -> Vec<Problem> {
    let path = path.strip_prefix(watch).unwrap_or(&path).trim_start_matches('/').to_owned();
    let whole = refused.map(|message| Problem { path: path.clone(), place: None, message, more: 0 });
    let places: Vec<FileProblem> = serde_json::from_str(&places).unwrap_or_default();
    let places = places.into_iter().map(|it| {
        let FileProblem { place, message, more } = it;
        Problem { path: path.clone(), place, message, more }
    });
    whole.into_iter().chain(places).collect()
}
