//! The queue: one task decides everything, in groups.
//!
//! *Invariant:* every change of an experiment's status happens here, in [`actor`], through the transition table of
//! `athanor_core::state`. What arrives while a transaction is being written is decided together in the next one, so
//! one sync to disk serves many changes; a job that finds a free slot is accepted and started in the same
//! transaction. Nothing is started before the decision to start it is on disk.

mod actor;
mod recover;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use athanor_core::experiment::{JobCommand, Priority};
use athanor_core::placement::{self, Capacity, WaitReason};
use athanor_core::state::Status;
use tokio::sync::{mpsc, oneshot};

use crate::bus::Bus;
use crate::error::{Error, ErrorKind, Result};
use crate::home::Home;
use crate::monitor::Watch;
use crate::runner::{Ended, ProcessIdentity, Runner};
use crate::seal::{Environment, Sealer};
use crate::store::{Counts, ExperimentRow, Settings, Store};

/// An experiment to be queued, as a caller gives it.
#[derive(Debug, Clone)]
pub struct NewExperiment {
    /// What to run.
    pub command: JobCommand,
    /// Where, absolute.
    pub cwd: String,
    /// Its name, or none for the script's.
    pub name: Option<String>,
    /// Its project's name.
    pub project: Option<String>,
    /// How soon.
    pub priority: Priority,
    /// Its whole environment, or none for the engine's own.
    pub environment: Option<Environment>,
    /// Variables on top of the environment.
    pub set: Environment,
    /// Its config's path.
    pub config_path: Option<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Notes.
    pub notes: String,
    /// Longest time that it may run, milliseconds.
    pub time_limit_ms: Option<u64>,
    /// From SIGTERM to SIGKILL, milliseconds.
    pub grace_ms: Option<u64>,
}

/// An experiment that was checked and has all that its row needs, save its uid.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub new: NewExperiment,
    pub name: String,
    pub environment_hash: [u8; 16],
    pub sealed: Vec<u8>,
    pub config_text: Option<String>,
}

/// How the queue stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Experiments by status.
    pub counts: Counts,
    /// Jobs that may run at once.
    pub slots: u32,
    /// Whether the user paused the queue.
    pub paused: bool,
}

/// The order of the queue: rank of the priority, place in the order of submission, key.
type Place = (u8, i64, i64);

/// What the queue holds in memory: an index over the store, made anew from it at each start.
#[derive(Debug, Default)]
pub(crate) struct View {
    waiting: BTreeMap<Place, String>,
    places: HashMap<i64, Place>,
    /// Experiments with an attempt that takes a slot.
    active: HashMap<i64, String>,
    counts: Counts,
    settings: Settings,
    /// Whether this engine starts jobs.
    starts: bool,
}

impl View {
    fn capacity(&self) -> Capacity {
        Capacity {
            slots: self.settings.slots,
            running: u32::try_from(self.active.len()).unwrap_or(u32::MAX),
            paused: self.settings.queue_paused,
        }
    }

    fn stats(&self) -> Stats {
        Stats { counts: self.counts, slots: self.settings.slots, paused: self.settings.queue_paused }
    }

    fn insert_waiting(&mut self, place: Place, uid: String) {
        self.places.insert(place.2, place);
        self.waiting.insert(place, uid);
    }

    fn remove_waiting(&mut self, id: i64) -> Option<String> {
        self.places.remove(&id).and_then(|place| self.waiting.remove(&place))
    }
}

/// What the queue's task is asked.
pub(crate) enum Message {
    Add { prepared: Vec<Prepared>, reply: oneshot::Sender<Result<Vec<ExperimentRow>>> },
    Cancel { id: i64, reply: oneshot::Sender<Result<()>> },
    Settings { change: SettingsChange, reply: oneshot::Sender<Result<Settings>> },
    Process { id: i64, number: u32, process: ProcessIdentity },
    Ended { id: i64, number: u32, ended: Ended },
    Stop { reply: oneshot::Sender<()> },
}

/// A change of the settings: what is given replaces what was.
#[derive(Debug, Clone, Default)]
pub struct SettingsChange {
    /// Jobs that may run at once.
    pub slots: Option<u32>,
    /// Whether the queue is paused.
    pub queue_paused: Option<bool>,
    /// What closing the window does.
    pub close_action: Option<crate::store::CloseAction>,
    /// The look.
    pub appearance: Option<crate::store::Appearance>,
    /// Whether to notify.
    pub notify: Option<bool>,
    /// Size at which a log is rotated.
    pub log_limit: Option<u64>,
}

impl SettingsChange {
    fn apply(&self, settings: &Settings) -> Settings {
        Settings {
            slots: self.slots.unwrap_or(settings.slots),
            queue_paused: self.queue_paused.unwrap_or(settings.queue_paused),
            close_action: self.close_action.unwrap_or(settings.close_action),
            appearance: self.appearance.unwrap_or(settings.appearance),
            notify: self.notify.unwrap_or(settings.notify),
            log_limit: self.log_limit.unwrap_or(settings.log_limit),
        }
    }
}

/// What the queue's task needs of the rest of the engine.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    pub home: Home,
    pub store: Store,
    pub bus: Bus,
    pub sealer: Arc<Sealer>,
    /// Absent in an engine that only looks and records.
    pub runner: Option<Runner>,
    /// Hears of attempts that begin and end.
    pub monitor: mpsc::UnboundedSender<Watch>,
}

/// The way to the queue's task.
#[derive(Debug, Clone)]
pub struct Queue {
    sender: mpsc::UnboundedSender<Message>,
    view: Arc<RwLock<View>>,
}

impl Queue {
    /// Finds out what became of the attempts of earlier engines, and begins to work.
    ///
    /// # Errors
    /// The store refuses.
    pub(crate) async fn start(parts: Parts) -> Result<Self> {
        let view = Arc::new(RwLock::new(View { starts: parts.runner.is_some(), ..View::default() }));
        let (sender, receiver) = mpsc::unbounded_channel();
        let queue = Self { sender: sender.clone(), view };
        actor::start(parts, queue.view.clone(), sender, receiver).await?;
        Ok(queue)
    }

    pub(crate) async fn add(&self, prepared: Vec<Prepared>) -> Result<Vec<ExperimentRow>> {
        self.ask(|reply| Message::Add { prepared, reply }).await?
    }

    /// Asks for the end of an experiment: a waiting one is cancelled at once, a running one when its processes
    /// have ended.
    ///
    /// # Errors
    /// Its state does not allow it, or the store refuses.
    pub async fn cancel(&self, id: i64) -> Result<()> {
        self.ask(|reply| Message::Cancel { id, reply }).await?
    }

    /// Changes the settings; what they make possible starts at once.
    ///
    /// # Errors
    /// A value is out of range, or the store refuses.
    pub async fn change_settings(&self, change: SettingsChange) -> Result<Settings> {
        self.ask(|reply| Message::Settings { change, reply }).await?
    }

    /// Stops deciding. What runs goes on under its supervisors.
    pub async fn stop(&self) {
        // A queue that is gone already has stopped.
        let _ = self.ask(|reply| Message::Stop { reply }).await;
    }

    /// How the queue stands.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.read().stats()
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.read().settings.clone()
    }

    /// Why an experiment waits; `None` if it does not.
    #[must_use]
    pub fn wait_reason(&self, id: i64) -> Option<WaitReason> {
        let view = self.read();
        let place = view.places.get(&id)?;
        if !view.starts {
            return Some(WaitReason::NoEngine);
        }
        let ahead = view.waiting.range(..place).count();
        Some(placement::wait_reason(view.capacity(), u32::try_from(ahead).unwrap_or(u32::MAX)))
    }

    /// The experiments that have an attempt under way, by key and uid.
    #[must_use]
    pub fn active(&self) -> Vec<(i64, String)> {
        self.read().active.iter().map(|(id, uid)| (*id, uid.clone())).collect()
    }

    fn read(&self) -> RwLockReadGuard<'_, View> {
        read(&self.view)
    }

    async fn ask<T>(&self, message: impl FnOnce(oneshot::Sender<T>) -> Message) -> Result<T> {
        let stopping =
            || Error::new(ErrorKind::Stopping, "the engine is stopping").hint("Try again when it is back.");
        let (reply, answer) = oneshot::channel();
        self.sender.send(message(reply)).map_err(|_| stopping())?;
        answer.await.map_err(|_| stopping())
    }
}

fn read(view: &RwLock<View>) -> RwLockReadGuard<'_, View> {
    view.read().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn write(view: &RwLock<View>) -> RwLockWriteGuard<'_, View> {
    view.write().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The status that an attempt's end gives its experiment, as a move of the transition table.
fn ending_move(status: Status) -> athanor_core::state::Move {
    use athanor_core::state::Move;
    match status {
        Status::Completed => Move::Succeed,
        Status::Cancelled => Move::Cancel,
        _ => Move::Fail,
    }
}
