//! From the decision to start to a supervisor that runs.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use athanor_core::placement::Assignment;
use athanor_core::state::Move;
use athanor_shim::tree::Stat;
use tokio::sync::mpsc;

use super::actor::{Actor, after};
use super::view::Active;
use super::{Hands, Message, read, write};
use crate::error::{Error, Result};
use crate::live::Live;
use crate::monitor::{Job, Watch};
use crate::runner::{Control, Launch, ProcessIdentity};
use crate::seal::Environment;
use crate::store::{EventKind, ExperimentRow, Tx};

/// How long a job must run before its pid is written to the store: short ones have it written with their end.
const SETTLED: Duration = Duration::from_millis(SETTLED_MS.unsigned_abs());
pub(super) const SETTLED_MS: i64 = 300;

/// Experiments that are read at a time before they start.
const AHEAD: usize = 128;

/// How many of those that stand first have their folder made ahead of their start. Handing that over costs about as much
/// as making one, so it is done once half of them are missing.
const READY: usize = 16;

/// A start that was decided: carried out once it is on disk.
pub(super) struct Decided {
    id: i64,
    launch: Result<Launch>,
}

/// Attempts to come whose folder was made already, by experiment and number.
pub(super) type Ready = Arc<Mutex<HashSet<(i64, u32)>>>;

pub(super) fn lock(ready: &Ready) -> MutexGuard<'_, HashSet<(i64, u32)>> {
    ready.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Actor {
    /// Starts what may start now. Nothing is looked at when nothing has changed.
    pub(super) async fn schedule(&mut self, tx: &mut Tx) -> Result<Vec<Decided>> {
        if !std::mem::take(&mut self.replan) {
            return Ok(Vec::new());
        }
        let starts = write(&self.view).replan(self.now());
        let mut decided = Vec::with_capacity(starts.len());
        for (id, assignment) in starts {
            if !self.known.contains_key(&id) {
                self.read_ahead(tx, id).await?;
            }
            let Some((mut row, sealed)) = self.known.remove(&id) else {
                write(&self.view).remove_waiting(id);
                continue;
            };
            let (before, next) = (row.status, after(row.status, Move::Start)?);
            let (number, now) = (row.attempt + 1, self.now());
            let launch = self.prepare_launch(&row, number, &assignment, &sealed);
            let text = started_words(&row.name, &assignment);
            let step = (number, &assignment);
            let cursor = self.parts.store.start_attempt(tx, id, step, now, &text).await?;
            self.happened(cursor, now, EventKind::Started, &row, number, text);
            (row.status, row.attempt, row.started_at) = (next, number, Some(now));
            (row.completed_at, row.failure, row.cancel_requested_at, row.live) =
                (None, None, None, Live::default());
            row.gate.retry_at = None;
            self.at_hand(&row);
            let mut view = write(&self.view);
            view.remove_waiting(id);
            view.active.insert(id, Active::of(&row, assignment));
            view.counts.shift(before, next);
            drop(view);
            self.rows.insert(id, row);
            decided.push(Decided { id, launch });
        }
        if !read(&self.view).has_queued() {
            self.environment = None;
        }
        Ok(decided)
    }

    /// Reads an experiment that is about to start, together with those that stand first: most likely they are next.
    async fn read_ahead(&mut self, tx: &mut Tx, id: i64) -> Result<()> {
        self.known.clear();
        let mut ids = read(&self.view).first_queued(AHEAD);
        ids.push(id);
        for (row, sealed) in self.parts.store.load_to_start(tx, &ids).await? {
            self.known.insert(row.id, (row, sealed));
        }
        Ok(())
    }

    /// Everything that is needed to start, and the attempt's folder: it is there before the decision is on disk, so
    /// that a missing folder later means that somebody removed it.
    fn prepare_launch(
        &mut self,
        row: &ExperimentRow,
        number: u32,
        assignment: &Assignment,
        sealed: &[u8],
    ) -> Result<Launch> {
        let environment = self.environment(row, sealed)?;
        let mut set = Environment::new();
        let folder = self.parts.home.attempt(&row.uid, number);
        let copy = row
            .config_copy
            .then(|| (folder.join(config_name(row)), row.config_text.clone().unwrap_or_default()));
        let config = match (&copy, &row.config_path) {
            (Some((path, _)), _) => Some(path.clone()),
            (None, Some(path)) => Some(PathBuf::from(&row.cwd).join(path)),
            (None, None) => None,
        };
        surroundings(&mut set, &environment, row, number, assignment, config.as_deref());
        let command = match (&copy, &row.config_path) {
            (Some((path, _)), Some(from)) => row.command.with_path(from, &path.display().to_string()),
            _ => row.command.clone(),
        };
        if !matches!(self.parts.hands, Hands::None) {
            if !lock(&self.ready).remove(&(row.id, number)) || copy.is_some() {
                athanor_shim::claim::create_folder(&folder)
                    .map_err(|cause| Error::path("make the folder", &folder, &cause))?;
            }
            if let Some((path, text)) = copy {
                std::fs::write(&path, text).map_err(|cause| Error::path("write", &path, &cause))?;
            }
        }
        let log_limit = read(&self.view).settings.log_limit;
        Ok(Launch {
            folder,
            cwd: row.cwd.clone(),
            argv: command.argv(),
            environment,
            set,
            log_limit,
            grace_ms: row.grace_ms,
            time_limit_ms: row.time_limit_ms,
        })
    }

    /// Has the folders of those that stand first made, by a thread that nobody waits for: a queue of short jobs is as fast
    /// as its own. Should somebody remove one before its attempt starts, the supervisor makes it again.
    pub(super) fn make_ready(&mut self) {
        if matches!(self.parts.hands, Hands::None) {
            return;
        }
        let mut missing = Vec::new();
        {
            let mut ready = lock(&self.ready);
            ready.retain(|(id, _)| self.known.contains_key(id));
            for id in read(&self.view).first_queued(READY) {
                let Some((row, _)) = self.known.get(&id) else { continue };
                let next = (id, row.attempt + 1);
                if !ready.contains(&next) {
                    missing.push((next, self.parts.home.attempt(&row.uid, next.1)));
                }
            }
        }
        if missing.len() < READY / 2 || self.readying.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        let ready = self.ready.clone();
        self.readying = Some(tokio::task::spawn_blocking(move || {
            for (attempt, folder) in missing {
                if athanor_shim::claim::create_folder(&folder).is_ok() {
                    lock(&ready).insert(attempt);
                }
            }
        }));
    }

    /// The environment that was submitted. Jobs that were queued together usually share one, so the last is kept open
    /// for as long as others wait.
    fn environment(&mut self, row: &ExperimentRow, sealed: &[u8]) -> Result<Arc<Environment>> {
        if let Some((hash, known)) = &self.environment
            && *hash == row.environment
        {
            return Ok(known.clone());
        }
        let environment = Arc::new(self.parts.sealer.unseal(sealed)?);
        self.environment = Some((row.environment.clone(), environment.clone()));
        Ok(environment)
    }

    /// Carries out a decided start. What becomes of it arrives as a message.
    pub(super) fn launch(&mut self, Decided { id, launch }: Decided) {
        let (Some(row), sender) = (self.rows.get(&id), self.sender.clone()) else { return };
        let number = row.attempt;
        let launch = match launch {
            Ok(launch) => launch,
            Err(error) => {
                let ended = crate::runner::could_not_start(&error);
                let _ = sender.send(Message::Ended { id, number, ended });
                return;
            }
        };
        let runner = match &self.parts.hands {
            Hands::None => return,
            Hands::Runner(runner) => runner.clone(),
            #[cfg(test)]
            Hands::Test(starts) => {
                let _ = starts.send((id, number));
                return;
            }
        };
        let _ = self.parts.monitor.send(Watch::Begin(job(row, number, self.now())));
        let control = Control::default();
        self.controls.insert(id, control.clone());
        self.supervisors.spawn(async move {
            let on_process = settle(sender.clone(), id, number);
            let ended = runner.run(launch, control, on_process).await;
            // A queue that has stopped finds the record in the attempt's folder next time.
            let _ = sender.send(Message::Ended { id, number, ended });
        });
    }

    /// Waits for a job of an earlier engine.
    pub(super) fn rejoin(&mut self, row: &ExperimentRow, shim: athanor_shim::identity::Identity) {
        let Hands::Runner(runner) = self.parts.hands.clone() else { return };
        let _ = self.parts.monitor.send(Watch::Begin(job(row, row.attempt, self.now())));
        let (id, number, sender) = (row.id, row.attempt, self.sender.clone());
        let control = Control::default();
        self.controls.insert(id, control.clone());
        self.roots.insert(shim.pid, id);
        // What was asked of it may not have reached it.
        let paused = row.status == athanor_core::state::Status::Paused;
        let again = match row.cancel_requested_at {
            Some(_) => control.cancel(),
            None => control.pause(paused),
        };
        if let Err(error) = again {
            tracing::warn!(%error, uid = row.uid, "what was asked of a job could not be repeated");
        }
        let folder = self.parts.home.attempt(&row.uid, number);
        let program = row.command.argv().into_iter().next().unwrap_or_default();
        let cwd = row.cwd.clone();
        self.supervisors.spawn(async move {
            let ended = runner.rejoin(folder, shim, program, cwd, control).await;
            let _ = sender.send(Message::Ended { id, number, ended });
        });
    }

    /// Remembers the main process of a job and its supervisor, so that what they do on GPUs is known to be the job's.
    pub(super) fn remember_process(&mut self, id: i64, pid: u32) {
        self.roots.insert(pid, id);
        if let Ok(Some(stat)) = Stat::read(pid)
            && stat.ppid > 1
        {
            self.roots.insert(stat.ppid, id);
        }
    }
}

/// What a job finds in its environment on top of what was submitted.
///
/// - GPUs are named by uuid in the order of the PCI bus, so that nothing depends on how an index is counted; a job that
///   was given none sees none.
/// - Python holds back what it prints into a pipe; a log that is watched live should not wait for that.
fn surroundings(
    set: &mut Environment,
    submitted: &Environment,
    row: &ExperimentRow,
    number: u32,
    assignment: &Assignment,
    config: Option<&std::path::Path>,
) {
    set.insert("ATHANOR_EXPERIMENT_UID".into(), row.uid.clone());
    set.insert("ATHANOR_ATTEMPT".into(), number.to_string());
    if !submitted.contains_key("PYTHONUNBUFFERED") {
        set.insert("PYTHONUNBUFFERED".into(), "1".into());
    }
    let uuids: Vec<&str> = assignment.gpus.iter().map(|share| share.uuid.as_str()).collect();
    set.insert("CUDA_VISIBLE_DEVICES".into(), uuids.join(","));
    set.insert("CUDA_DEVICE_ORDER".into(), "PCI_BUS_ID".into());
    match config {
        Some(config) => drop(set.insert("ATHANOR_CONFIG".into(), config.display().to_string())),
        // A job that another job has queued must not find the config of that one.
        None if submitted.contains_key("ATHANOR_CONFIG") => {
            set.insert("ATHANOR_CONFIG".into(), String::new());
        }
        None => {}
    }
}

/// The name of the copy of a config: as the original's, so that its ending tells programs how to read it.
fn config_name(row: &ExperimentRow) -> String {
    let name = row.config_path.as_deref().and_then(|path| path.rsplit('/').next());
    match name {
        Some(name) if !name.is_empty() && !name.starts_with('.') && !name.contains("output") => {
            format!("config-{name}")
        }
        _ => "config.yaml".into(),
    }
}

fn started_words(name: &str, assignment: &Assignment) -> String {
    let indices: Vec<String> = assignment.gpus.iter().map(|share| share.index.to_string()).collect();
    match indices.as_slice() {
        [] => format!("{name} started"),
        [one] => format!("{name} started on GPU {one}"),
        more => format!("{name} started on GPUs {}", more.join(", ")),
    }
}

/// An attempt as the monitor needs to know it.
pub(super) fn job(row: &ExperimentRow, attempt: u32, now: i64) -> Job {
    let since = if row.attempt == attempt { row.started_at.unwrap_or(now) } else { now };
    Job { id: row.id, uid: row.uid.clone(), attempt, cwd: row.cwd.clone().into(), since }
}

/// Reports a job's pid once it has run for a while.
fn settle(sender: mpsc::UnboundedSender<Message>, id: i64, number: u32) -> impl FnOnce(ProcessIdentity) {
    move |process| {
        tokio::spawn(async move {
            tokio::time::sleep(SETTLED).await;
            let _ = sender.send(Message::Process { id, number, process });
        });
    }
}
