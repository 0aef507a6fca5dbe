//! The queue: one task decides everything, in groups.
//!
//! *Invariant:* every change of an experiment's status happens here, in [`actor`], through the transition table of
//! `athanor_core::state`. What arrives while a transaction is being written is decided together in the next one, so
//! one sync to disk serves many changes; a job that finds a free slot is accepted and started in the same
//! transaction. Nothing is started before the decision to start it is on disk.

mod accept;
mod actor;
mod attribution;
mod blame;
mod change;
mod clock;
mod ending;
mod launch;
mod machine;
mod memory;
#[cfg(test)]
mod model_tests;
mod recover;
mod request;
mod telling;
mod thread;
mod view;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use athanor_core::placement::{Assignment, Machine, WaitReason};
use athanor_core::requirements::Requirements;
use athanor_core::schedule::Window;
use tokio::sync::{mpsc, oneshot, watch};

pub(crate) use self::change::check_group_name;
pub(crate) use self::clock::Clock;
pub use self::request::{Action, Added, Destination, Edit, NewExperiment, NewGroup, Tagging};
pub(crate) use self::request::{Parent, PreparedEdit};
use self::view::View;
use crate::attribution::{Book, Hoard, JobUse};
use crate::bus::Bus;
use crate::devices::Sample;
use crate::error::{Error, ErrorKind, Result};
use crate::home::Home;
use crate::monitor::Watch;
use crate::runner::{Ended, ProcessIdentity, Runner};
use crate::seal::Sealer;
use crate::store::{Counts, Settings, Store, TrippedGpu};

/// An experiment that was checked and has all that its row needs, save its uid.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub new: NewExperiment,
    pub name: String,
    pub environment_hash: [u8; 16],
    pub sealed: Arc<[u8]>,
    pub config_text: Option<String>,
    pub after: Vec<Parent>,
}

/// How the queue stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Experiments by status.
    pub counts: Counts,
    /// Jobs that may run at once.
    pub slots: u32,
    /// Whether the user paused the queue.
    pub paused: bool,
}

/// What the queue's task is asked.
pub(crate) enum Message {
    Add {
        prepared: Vec<Prepared>,
        groups: Vec<NewGroup>,
        reply: oneshot::Sender<Result<Added>>,
    },
    Act {
        action: Action,
        ids: Vec<i64>,
        reply: oneshot::Sender<Result<Vec<Result<()>>>>,
    },
    Edit {
        ids: Vec<i64>,
        edit: Box<PreparedEdit>,
        reply: oneshot::Sender<Result<Vec<Result<()>>>>,
    },
    Group {
        group: NewGroup,
        reply: oneshot::Sender<Result<()>>,
    },
    BlockGpu {
        uuid: String,
        label: String,
        blocked: bool,
        reply: oneshot::Sender<Result<()>>,
    },
    Settings {
        change: Box<SettingsChange>,
        reply: oneshot::Sender<Result<Settings>>,
    },
    Process {
        id: i64,
        number: u32,
        process: ProcessIdentity,
    },
    Ended {
        id: i64,
        number: u32,
        ended: Ended,
    },
    /// A job's GPUs have been idle for so long, milliseconds.
    IdleGpus {
        id: i64,
        number: u32,
        idle_ms: u64,
    },
    /// The machine was looked at, or the clock has come to a moment that somebody waits for.
    Look,
    Stop {
        reply: oneshot::Sender<()>,
    },
}

impl Message {
    /// Whether a person asked for it, so that its effect must survive a power cut once it was answered.
    fn asked(&self) -> bool {
        !matches!(
            self,
            Self::Process { .. }
                | Self::Ended { .. }
                | Self::IdleGpus { .. }
                | Self::Look
                | Self::Stop { .. }
        )
    }
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
    /// Jobs of every kind that may run at once.
    pub max_running: Option<Option<u32>>,
    /// Jobs that may share a GPU.
    pub per_gpu: Option<Option<u32>>,
    /// Jobs of a project that may run at once.
    pub per_project: Option<Option<u32>>,
    /// Whether idle compute processes of others leave a GPU free.
    pub ignore_idle_processes: Option<bool>,
    /// Named parts of the week.
    pub windows: Option<Vec<Window>>,
    /// Days after which events and logs may be cleaned up.
    pub keep_days: Option<u32>,
    /// Below which utilisation a running job's GPUs count as idle.
    pub idle_gpu_percent: Option<u32>,
    /// For how many minutes before that is told.
    pub idle_gpu_minutes: Option<u32>,
    /// Whether such a job is cancelled.
    pub idle_gpu_cancel: Option<bool>,
    /// Whether the desktop starts the window's program.
    pub autostart: Option<bool>,
    /// What the user is told of, and when.
    pub notifications: athanor_core::notification::Change,
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
            max_running: self.max_running.unwrap_or(settings.max_running),
            per_gpu: self.per_gpu.unwrap_or(settings.per_gpu),
            per_project: self.per_project.unwrap_or(settings.per_project),
            ignore_idle_processes: self.ignore_idle_processes.unwrap_or(settings.ignore_idle_processes),
            windows: self.windows.clone().unwrap_or_else(|| settings.windows.clone()),
            keep_days: self.keep_days.unwrap_or(settings.keep_days),
            idle_gpu_percent: self.idle_gpu_percent.unwrap_or(settings.idle_gpu_percent),
            idle_gpu_minutes: self.idle_gpu_minutes.unwrap_or(settings.idle_gpu_minutes),
            idle_gpu_cancel: self.idle_gpu_cancel.unwrap_or(settings.idle_gpu_cancel),
            blocked_gpus: settings.blocked_gpus.clone(),
            tripped_gpus: settings.tripped_gpus.clone(),
            autostart: self.autostart.unwrap_or(settings.autostart),
            notifications: settings.notifications.with(&self.notifications),
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
    /// What starts attempts.
    pub hands: Hands,
    /// Hears of attempts that begin and end.
    pub monitor: mpsc::UnboundedSender<Watch>,
    /// The newest sample of the machine.
    pub machine: watch::Receiver<Option<Arc<Sample>>>,
    pub clock: Clock,
}

/// What starts attempts.
#[derive(Debug, Clone)]
pub(crate) enum Hands {
    /// Nothing: this engine only looks, records and accepts.
    None,
    /// Supervisors.
    Runner(Runner),
    /// A test, which hears of each start (experiment and attempt) and says how it ended.
    #[cfg(test)]
    Test(mpsc::UnboundedSender<(i64, u32)>),
}

/// The way to the queue's task. When the last is dropped, the task ends where it is, as if the program had.
#[derive(Debug, Clone)]
pub struct Queue {
    sender: mpsc::UnboundedSender<Message>,
    view: Arc<RwLock<View>>,
    clock: Clock,
    _thread: Arc<thread::Thread>,
}

/// What can be said of an experiment that has not ended, beside its row.
#[derive(Debug, Clone, Default)]
pub struct Prospect {
    /// Why it waits.
    pub reason: Option<WaitReason>,
    /// How many others it waits for.
    pub waits_for: u32,
    /// When it is expected to start.
    pub starts_at: Option<i64>,
    /// When it is expected to end.
    pub ends_at: Option<i64>,
    /// What its attempt holds.
    pub assignment: Option<Assignment>,
}

/// What the queue may give away, and what is taken.
#[derive(Debug, Clone)]
pub struct Holdings {
    /// The machine, once it was looked at.
    pub machine: Option<Machine>,
    /// Uid, name and holding of each job under way.
    pub jobs: Vec<(String, String, Assignment)>,
    /// GPUs that the user has taken out.
    pub blocked: Vec<String>,
    /// GPUs that the circuit breaker has taken out.
    pub tripped: Vec<TrippedGpu>,
}

impl Queue {
    /// Finds out what became of the attempts of earlier engines, and begins to work.
    ///
    /// # Errors
    /// The store refuses.
    pub(crate) async fn start(parts: Parts) -> Result<Self> {
        let starts = !matches!(parts.hands, Hands::None);
        let view = Arc::new(RwLock::new(View::new(starts)));
        let (sender, receiver) = mpsc::unbounded_channel();
        let clock = parts.clock.clone();
        let thread = thread::Thread::start(parts, view.clone(), sender.clone(), receiver).await?;
        Ok(Self { sender, view, clock, _thread: Arc::new(thread) })
    }

    pub(crate) async fn add(&self, prepared: Vec<Prepared>, groups: Vec<NewGroup>) -> Result<Added> {
        self.ask(|reply| Message::Add { prepared, groups, reply }).await?
    }

    /// Does something with experiments, in one transaction. What became of each stands in the order of `ids`.
    ///
    /// # Errors
    /// The store refuses; then nothing was done.
    pub async fn act(&self, action: Action, ids: Vec<i64>) -> Result<Vec<Result<()>>> {
        self.ask(|reply| Message::Act { action, ids, reply }).await?
    }

    /// Changes experiments, in one transaction. What became of each stands in the order of `ids`.
    pub(crate) async fn edit(&self, ids: Vec<i64>, edit: PreparedEdit) -> Result<Vec<Result<()>>> {
        self.ask(|reply| Message::Edit { ids, edit: Box::new(edit), reply }).await?
    }

    /// Makes a group, or changes it.
    ///
    /// # Errors
    /// Its name or limit is out of range, or the store refuses.
    pub async fn set_group(&self, group: NewGroup) -> Result<()> {
        self.ask(|reply| Message::Group { group, reply }).await?
    }

    /// Takes a GPU out of the queue or gives it back; `gpu` is its index, its uuid, or the unique beginning of one.
    ///
    /// # Errors
    /// There is no such GPU, or the store refuses.
    pub async fn block_gpu(&self, gpu: &str, blocked: bool) -> Result<()> {
        let (uuid, label) = {
            let view = self.read();
            let known = view.machine.iter().flat_map(|machine| &machine.gpus);
            let mut fits = known.filter(|known| {
                known.index.to_string() == gpu || (!gpu.is_empty() && known.uuid.starts_with(gpu))
            });
            match (fits.next(), fits.next()) {
                (Some(one), None) => (one.uuid.clone(), format!("GPU {} ({})", one.index, one.model)),
                (None, _) if view.settings.out_of_queue().contains_key(gpu) => {
                    (gpu.to_owned(), format!("GPU {gpu}"))
                }
                (None, _) => {
                    return Err(Error::new(ErrorKind::NotFound, format!("there is no GPU “{gpu}”"))
                        .hint("“athanor resources” lists the GPUs."));
                }
                _ => return Err(Error::invalid("gpu", format!("“{gpu}” stands for several GPUs"))),
            }
        };
        self.ask(|reply| Message::BlockGpu { uuid, label, blocked, reply }).await?
    }

    /// Changes the settings; what they make possible starts at once.
    ///
    /// # Errors
    /// A value is out of range, or the store refuses.
    pub async fn change_settings(&self, change: SettingsChange) -> Result<Settings> {
        self.ask(|reply| Message::Settings { change: Box::new(change), reply }).await?
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

    /// What can be said of an experiment that has not ended.
    #[must_use]
    pub fn prospect(&self, id: i64) -> Prospect {
        let view = self.read();
        if let Some(active) = view.active.get(&id) {
            let (ends_at, assignment) = (active.ends_at(), Some(active.assignment.clone()));
            return Prospect { ends_at, assignment, ..Prospect::default() };
        }
        let Some(waiting) = view.waiting(id) else { return Prospect::default() };
        let open = waiting.parents.iter().filter(|edge| edge.standing != athanor_core::dependency::Met::Yes);
        Prospect {
            reason: view.wait_reason(id, self.clock.now()),
            waits_for: u32::try_from(open.count()).unwrap_or(u32::MAX),
            starts_at: view.estimated_start(id),
            ..Prospect::default()
        }
    }

    /// Whether a job with these requirements would start now, were it first in the queue; else why not. `None` while
    /// the machine was not looked at.
    #[must_use]
    pub fn fits_now(&self, requirements: &Requirements) -> Option<Result<Assignment, Box<WaitReason>>> {
        let view = self.read();
        (view.machine.is_some() || !requirements.declared())
            .then(|| view.fits_now(requirements, self.clock.now()))
    }

    /// Why this machine could never meet these requirements, if so.
    #[must_use]
    pub fn impossible(&self, requirements: &Requirements) -> Option<String> {
        requirements.impossible(self.read().machine.as_ref()?)
    }

    /// What may be given away, and what is taken.
    #[must_use]
    pub fn holdings(&self) -> Holdings {
        let view = self.read();
        Holdings {
            machine: view.machine.clone(),
            jobs: view
                .active
                .iter()
                .map(|(id, active)| {
                    let held = view.seen.raise(*id, &active.assignment);
                    (active.uid.to_string(), active.name.to_string(), held)
                })
                .collect(),
            blocked: view.settings.blocked_gpus.clone(),
            tripped: view.settings.tripped_gpus.clone(),
        }
    }

    /// The experiments that have an attempt under way, by key and uid.
    #[must_use]
    pub fn active(&self) -> Vec<(i64, String)> {
        self.read().active.iter().map(|(id, active)| (*id, active.uid.to_string())).collect()
    }

    /// What the jobs under way are seen to use of their GPUs.
    pub(crate) fn book(&self) -> Arc<Mutex<Book>> {
        self.read().book.clone()
    }

    /// What an attempt under way is seen to use of its GPUs; `None` before it was looked at.
    #[must_use]
    pub fn usage(&self, id: i64, number: u32) -> Option<JobUse> {
        lock(&self.book()).attempt((id, number))
    }

    /// Uids of the jobs of the processes on the GPUs, by pid.
    #[must_use]
    pub fn gpu_processes(&self) -> HashMap<u32, Arc<str>> {
        let view = self.read();
        let book = lock(&view.book);
        let known = book.processes().iter();
        known.filter_map(|(pid, id)| Some((*pid, view.active.get(id)?.uid.clone()))).collect()
    }

    /// GPUs that do nothing while processes hold their memory.
    #[must_use]
    pub fn hoards(&self) -> Vec<Hoard> {
        lock(&self.book()).hoards().to_vec()
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

fn lock(book: &Mutex<Book>) -> MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read(view: &RwLock<View>) -> RwLockReadGuard<'_, View> {
    view.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(view: &RwLock<View>) -> RwLockWriteGuard<'_, View> {
    view.write().unwrap_or_else(PoisonError::into_inner)
}
