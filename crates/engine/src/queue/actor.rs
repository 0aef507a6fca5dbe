//! The one task that decides.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use athanor_core::experiment::Uid;
use athanor_core::outcome::Failure;
use athanor_core::placement;
use athanor_core::state::{Move, Status};
use athanor_core::text;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{Message, Parts, Prepared, SettingsChange, View, ending_move, read, write};
use crate::bus::Push;
use crate::error::{Error, ErrorKind, Result};
use crate::home::now_ms;
use crate::live::Live;
use crate::monitor::{Job, Watch};
use crate::runner::{Control, Ended, Launch, ProcessIdentity};
use crate::store::{AttemptEnd, EventKind, EventRow, ExperimentRow, Settings, Tx};

/// Messages decided in one transaction at most, so that a flood does not keep the first of them waiting.
const GROUP: usize = 512;

/// How long to wait before an outcome that the store refused (a full disk) is offered again.
const RETRY: Duration = Duration::from_secs(1);

/// How long a job must run before its pid is written to the store: short ones have it written with their end.
const SETTLED: Duration = Duration::from_millis(SETTLED_MS.unsigned_abs());
const SETTLED_MS: i64 = 300;

const DEFAULT_GRACE_MS: u64 = 10_000;

/// Recovers, then works until it is told to stop.
pub(super) async fn start(
    parts: Parts,
    view: Arc<RwLock<View>>,
    sender: mpsc::UnboundedSender<Message>,
    receiver: mpsc::UnboundedReceiver<Message>,
) -> Result<()> {
    let mut actor = Actor {
        parts,
        view,
        sender,
        controls: HashMap::new(),
        supervisors: JoinSet::new(),
        outbox: Vec::new(),
        ended_jobs: Vec::new(),
        unrecorded: Vec::new(),
        rows: HashMap::new(),
        fresh: HashMap::new(),
        uids: Uids::default(),
        environments: HashSet::new(),
        next_id: 0,
    };
    actor.reload().await?;
    actor.recover().await?;
    tokio::spawn(actor.work(receiver));
    Ok(())
}

pub(super) struct Actor {
    pub(super) parts: Parts,
    pub(super) view: Arc<RwLock<View>>,
    pub(super) sender: mpsc::UnboundedSender<Message>,
    controls: HashMap<i64, Control>,
    supervisors: JoinSet<()>,
    /// What was done in the open transaction and is to be told once it is committed.
    outbox: Vec<Told>,
    /// Jobs whose end was recorded in the open transaction.
    ended_jobs: Vec<Job>,
    /// Ends that the store refused. They are safe in the attempts' folders; they are offered again.
    unrecorded: Vec<Message>,
    /// Experiments with an attempt under way, as the store has them, save for progress and metrics.
    rows: HashMap<i64, ExperimentRow>,
    /// Experiments accepted in the open transaction, with their environments: those that start at once need not be
    /// read again.
    fresh: HashMap<i64, (ExperimentRow, Vec<u8>)>,
    uids: Uids,
    /// Environments that are stored for certain.
    environments: HashSet<[u8; 16]>,
    next_id: i64,
}

/// The uids that a new one must differ from: those of the present day.
#[derive(Default)]
struct Uids {
    date: String,
    taken: HashSet<String>,
    counter: u64,
}

/// What applying a message gave: its answer, held back until the transaction is committed.
enum Applied {
    Added(Vec<ExperimentRow>),
    Done(Result<()>),
    Settings(Result<Settings>),
    Nothing,
}

/// An event to be told, with the experiment after it where it is at hand.
struct Told {
    event: EventRow,
    row: Option<ExperimentRow>,
}

/// A start that was decided: carried out once it is on disk.
struct Decided {
    id: i64,
    launch: Result<Launch>,
}

impl Actor {
    async fn work(mut self, mut receiver: mpsc::UnboundedReceiver<Message>) {
        // What recovery made possible, and what waited from before.
        self.decide(Vec::new()).await;
        loop {
            let retry_at = Instant::now() + RETRY;
            let mut group = Vec::new();
            tokio::select! {
                _ = receiver.recv_many(&mut group, GROUP) => {}
                () = tokio::time::sleep_until(retry_at), if !self.unrecorded.is_empty() => {}
                // Reaps the handles of supervisor tasks; what they found arrives as a message.
                Some(_) = self.supervisors.join_next(), if !self.supervisors.is_empty() => continue,
            }
            let mut stop = None;
            group.retain_mut(|message| match message {
                Message::Stop { reply } => {
                    stop = Some(std::mem::replace(reply, oneshot::channel().0));
                    false
                }
                _ => true,
            });
            group.extend(std::mem::take(&mut self.unrecorded));
            if let Some(reply) = stop {
                write(&self.view).starts = false;
                self.decide(group).await;
                self.supervisors.abort_all();
                let _ = reply.send(());
                return;
            }
            let stale = |message: &Message| match message {
                Message::Process { id, number, .. } => {
                    self.rows.get(id).is_none_or(|row| row.attempt != *number)
                }
                _ => false,
            };
            if group.iter().all(stale) {
                continue;
            }
            self.decide(group).await;
        }
    }

    /// Decides a group of messages in one transaction; if that fails, each in one of its own, so that one bad
    /// message does not take the others with it.
    async fn decide(&mut self, group: Vec<Message>) {
        let alone = group.len() == 1;
        match self.transact(group).await {
            Ok(()) => {}
            Err((error, group)) => {
                self.rebuild().await;
                if alone || group.is_empty() {
                    group.into_iter().for_each(|message| self.refuse(message, &error));
                    return;
                }
                for message in group {
                    if let Err((error, group)) = self.transact(vec![message]).await {
                        self.rebuild().await;
                        group.into_iter().for_each(|message| self.refuse(message, &error));
                    }
                }
            }
        }
    }

    async fn transact(&mut self, group: Vec<Message>) -> Result<(), (Error, Vec<Message>)> {
        self.outbox.clear();
        self.ended_jobs.clear();
        self.fresh.clear();
        let written = async {
            let mut tx = self.parts.store.begin().await?;
            let mut results = Vec::with_capacity(group.len());
            for message in &group {
                results.push(self.apply(&mut tx, message).await?);
            }
            let decided = self.schedule(&mut tx).await?;
            tx.commit().await?;
            Ok((results, decided))
        };
        let (results, decided): (Vec<Applied>, Vec<Decided>) = match written.await {
            Ok(done) => done,
            Err(error) => return Err((error, group)),
        };
        // From here on it has happened.
        decided.into_iter().for_each(|decided| self.launch(decided));
        for (message, applied) in group.into_iter().zip(results) {
            self.answer(message, applied).await;
        }
        self.publish().await;
        Ok(())
    }

    /// Answers, and does what only may be done once it is recorded.
    async fn answer(&mut self, message: Message, applied: Applied) {
        match (message, applied) {
            (Message::Add { reply, .. }, Applied::Added(rows)) => {
                // Some have started in the same transaction.
                let now = |row: ExperimentRow| self.rows.get(&row.id).cloned().unwrap_or(row);
                let _ = reply.send(Ok(rows.into_iter().map(now).collect()));
            }
            (Message::Cancel { id, reply }, Applied::Done(done)) => {
                let signalled = match (&done, self.controls.get(&id)) {
                    (Ok(()), Some(control)) => control.cancel(),
                    _ => Ok(()),
                };
                let _ = reply.send(done.and(signalled));
            }
            (Message::Settings { reply, .. }, Applied::Settings(settings)) => {
                if let Ok(settings) = &settings {
                    let stats = read(&self.view).stats();
                    self.parts.bus.publish(Push::Settings { settings: settings.clone(), stats });
                }
                let _ = reply.send(settings);
            }
            _ => {}
        }
    }

    /// Applies one message. An error here means that the store refused; what the user did wrong is an answer.
    async fn apply(&mut self, tx: &mut Tx, message: &Message) -> Result<Applied> {
        Ok(match message {
            Message::Add { prepared, .. } => Applied::Added(self.add(tx, prepared).await?),
            Message::Cancel { id, .. } => Applied::Done(self.cancel(tx, *id).await?),
            Message::Settings { change, .. } => Applied::Settings(self.change_settings(tx, change).await?),
            Message::Process { id, number, process: (pid, start, boot) } => {
                // A job that was over at once had it written with its end.
                if self.rows.get(id).is_some_and(|row| row.attempt == *number) {
                    self.parts.store.set_process(tx, *id, *number, (*pid, *start, boot)).await?;
                }
                Applied::Nothing
            }
            Message::Ended { id, number, ended } => {
                self.ended(tx, *id, *number, ended).await?;
                Applied::Nothing
            }
            Message::Stop { .. } => Applied::Nothing,
        })
    }

    async fn add(&mut self, tx: &mut Tx, prepared: &[Prepared]) -> Result<Vec<ExperimentRow>> {
        let now = now_ms();
        // More than these can't start now.
        let startable = self.startable();
        let mut rows = Vec::with_capacity(prepared.len());
        for item in prepared {
            if self.environments.insert(item.environment_hash) {
                self.parts.store.add_environment(tx, &item.environment_hash, &item.sealed).await?;
            }
            let (id, uid) = (self.next_id, self.free_uid(tx, now).await?);
            self.next_id += 1;
            let row = ExperimentRow {
                id,
                uid: uid.clone(),
                name: item.name.clone(),
                project: item.new.project.clone(),
                command: item.new.command.clone(),
                cwd: item.new.cwd.clone(),
                environment: item.environment_hash.to_vec(),
                config_path: item.new.config_path.clone(),
                config_text: item.config_text.clone(),
                priority: item.new.priority,
                // Last among those of its priority.
                position: id,
                status: Status::Queued,
                cancel_requested_at: None,
                failure: None,
                attempt: 0,
                time_limit_ms: item.new.time_limit_ms,
                grace_ms: item.new.grace_ms.unwrap_or(DEFAULT_GRACE_MS),
                live: Live::default(),
                tags: item.new.tags.clone(),
                notes: item.new.notes.clone(),
                created_at: now,
                started_at: None,
                completed_at: None,
            };
            let text = format!("{} was queued", row.name);
            let cursor = self.parts.store.add_experiment(tx, &row, &text).await?;
            self.happened(cursor, now, EventKind::Added, &row, 0, text);
            self.at_hand(&row);
            if self.fresh.len() < startable {
                self.fresh.insert(id, (row.clone(), item.sealed.clone()));
            }
            let mut view = write(&self.view);
            view.counts.add(Status::Queued);
            view.insert_waiting((row.priority.rank(), row.position, id), uid);
            drop(view);
            rows.push(row);
        }
        Ok(rows)
    }

    fn startable(&self) -> usize {
        let view = read(&self.view);
        if view.starts { placement::startable(view.capacity(), usize::MAX) } else { 0 }
    }

    /// A uid that is not taken: four digits of the hash, more on a collision.
    async fn free_uid(&mut self, tx: &mut Tx, now: i64) -> Result<String> {
        let date = jiff::Timestamp::from_millisecond(now).unwrap_or_default().strftime("%Y%m%d").to_string();
        if self.uids.date != date {
            self.uids.taken = self.parts.store.uids_from(tx, &date).await?.into_iter().collect();
            self.uids.date.clone_from(&date);
        }
        loop {
            self.uids.counter += 1;
            let seed = [now.unsigned_abs(), u64::from(std::process::id()), self.uids.counter];
            let seed = seed.map(u64::to_le_bytes).concat();
            for digits in Uid::SHORT_DIGITS..=16 {
                let uid = Uid::derive(&date, &seed, digits).to_string();
                if self.uids.taken.insert(uid.clone()) {
                    return Ok(uid);
                }
            }
        }
    }

    async fn cancel(&mut self, tx: &mut Tx, id: i64) -> Result<Result<()>> {
        let Some(row) = self.parts.store.experiment_in(tx, id).await? else {
            return Ok(Err(Error::new(ErrorKind::NotFound, "that experiment is not there any more")));
        };
        let next = match row.status.after(Move::Cancel) {
            Ok(next) => next,
            Err(illegal) => {
                return Ok(Err(Error::new(
                    ErrorKind::IllegalMove,
                    format!("{} ({}): {illegal}", row.name, row.uid),
                )));
            }
        };
        let now = now_ms();
        if row.status.is_active() {
            // The status changes when the processes have ended, with what the kernel says.
            if row.cancel_requested_at.is_none() {
                let text = format!("{} is being cancelled", row.name);
                let cursor = self.parts.store.request_cancel(tx, id, row.attempt, now, &text).await?;
                if let Some(row) = self.rows.get_mut(&id) {
                    row.cancel_requested_at = Some(now);
                }
                self.happened(cursor, now, EventKind::CancelRequested, &row, row.attempt, text);
            }
            return Ok(Ok(()));
        }
        let text = format!("{} was cancelled before it started", row.name);
        let cursor = self.parts.store.cancel_waiting(tx, id, now, &text).await?;
        self.happened(cursor, now, EventKind::Cancelled, &row, 0, text);
        let mut view = write(&self.view);
        view.remove_waiting(id);
        view.counts.shift(row.status, next);
        Ok(Ok(()))
    }

    async fn change_settings(&mut self, tx: &mut Tx, change: &SettingsChange) -> Result<Result<Settings>> {
        let before = read(&self.view).settings.clone();
        let after = change.apply(&before);
        if let Err(error) = after.validate() {
            return Ok(Err(error));
        }
        if after == before {
            return Ok(Ok(after));
        }
        self.parts.store.set_settings(tx, &after).await?;
        if after.queue_paused != before.queue_paused {
            let (what, text) = match after.queue_paused {
                true => (EventKind::QueuePaused, "The queue was paused"),
                false => (EventKind::QueueResumed, "The queue goes on"),
            };
            let now = now_ms();
            let cursor = self.parts.store.append_event(tx, now, what, None, text).await?;
            let message = text.to_owned();
            let event = EventRow { cursor, at: now, what, uid: None, attempt: None, message };
            self.outbox.push(Told { event, row: None });
        }
        write(&self.view).settings = after.clone();
        Ok(Ok(after))
    }

    /// Records what became of an attempt.
    pub(super) async fn ended(&mut self, tx: &mut Tx, id: i64, number: u32, ended: &Ended) -> Result<()> {
        let Some(row) = self.rows.get(&id).filter(|row| row.attempt == number).cloned() else {
            // Recorded already: offered a second time after a full disk.
            return Ok(());
        };
        match ended {
            Ended::NeverStarted => self.voided(tx, &row, number).await,
            Ended::Known(end) => self.recorded(tx, &row, number, end).await,
        }
    }

    async fn voided(&mut self, tx: &mut Tx, row: &ExperimentRow, number: u32) -> Result<()> {
        let next = after(row.status, Move::Void)?;
        let now = now_ms();
        let text = format!("{} is back in the queue: the engine ended before it was started", row.name);
        let cursor = self.parts.store.void_attempt(tx, row.id, number, now, &text).await?;
        self.happened(cursor, now, EventKind::Voided, row, number, text);
        self.rows.remove(&row.id);
        let place = (row.priority.rank(), row.position, row.id);
        let mut view = write(&self.view);
        view.active.remove(&row.id);
        view.counts.shift(row.status, next);
        view.insert_waiting(place, row.uid.clone());
        Ok(())
    }

    async fn recorded(
        &mut self,
        tx: &mut Tx,
        row: &ExperimentRow,
        number: u32,
        end: &AttemptEnd,
    ) -> Result<()> {
        let next = after(row.status, ending_move(end.status))?;
        let took = end.ended_at - end.started_at.or(row.started_at).unwrap_or(end.ended_at);
        let (what, text) = sentence(&row.name, next, took, end.failure.as_ref());
        let cursor = self.parts.store.end_attempt(tx, (row.id, number), end, (what, &text)).await?;
        self.happened(cursor, end.ended_at, what, row, number, text);
        if took < SETTLED_MS {
            // Nobody has read its files: progress and metrics are as they were.
            let mut ended = row.clone();
            (ended.status, ended.completed_at, ended.failure) =
                (next, Some(end.ended_at), end.failure.clone());
            (ended.started_at, ended.cancel_requested_at) = (end.started_at.or(row.started_at), None);
            self.at_hand(&ended);
        }
        self.rows.remove(&row.id);
        self.controls.remove(&row.id);
        self.ended_jobs.push(job(row, number));
        let mut view = write(&self.view);
        view.active.remove(&row.id);
        view.counts.shift(row.status, next);
        Ok(())
    }

    /// Starts what may start now.
    async fn schedule(&mut self, tx: &mut Tx) -> Result<Vec<Decided>> {
        let first: Vec<i64> = {
            let view = read(&self.view);
            let count = match view.starts {
                true => placement::startable(view.capacity(), view.waiting.len()),
                false => 0,
            };
            view.waiting.keys().take(count).map(|(_, _, id)| *id).collect()
        };
        let mut decided = Vec::with_capacity(first.len());
        for id in first {
            let loaded = match self.fresh.remove(&id) {
                Some(fresh) => Some(fresh),
                None => self.parts.store.load_to_start(tx, id).await?,
            };
            let Some((mut row, sealed)) = loaded else {
                write(&self.view).remove_waiting(id);
                continue;
            };
            let (before, next) = (row.status, after(row.status, Move::Start)?);
            let (number, now) = (row.attempt + 1, now_ms());
            let launch = self.prepare_launch(&row, number, &sealed).await;
            let text = format!("{} started", row.name);
            let cursor = self.parts.store.start_attempt(tx, id, number, now, &text).await?;
            self.happened(cursor, now, EventKind::Started, &row, number, text);
            (row.status, row.attempt, row.started_at) = (next, number, Some(now));
            (row.completed_at, row.failure, row.cancel_requested_at, row.live) =
                (None, None, None, Live::default());
            self.at_hand(&row);
            self.rows.insert(id, row);
            let mut view = write(&self.view);
            if let Some(uid) = view.remove_waiting(id) {
                view.active.insert(id, uid);
            }
            view.counts.shift(before, next);
            decided.push(Decided { id, launch });
        }
        Ok(decided)
    }

    /// Everything that is needed to start, and the attempt's folder: it is there before the decision is on disk, so
    /// that a missing folder later means that somebody removed it.
    async fn prepare_launch(&self, row: &ExperimentRow, number: u32, sealed: &[u8]) -> Result<Launch> {
        let mut environment = self.parts.sealer.unseal(sealed)?;
        environment.insert("ATHANOR_EXPERIMENT_UID".into(), row.uid.clone());
        // Python holds back what it prints into a pipe; a log that is watched live should not wait for that.
        environment.entry("PYTHONUNBUFFERED".into()).or_insert_with(|| "1".into());
        let folder = self.parts.home.attempt(&row.uid, number);
        let made = folder.clone();
        tokio::task::spawn_blocking(move || {
            athanor_shim::claim::create_folder(&made)
                .map_err(|cause| Error::path("make the folder", &made, &cause))
        })
        .await??;
        let log_limit = read(&self.view).settings.log_limit;
        Ok(Launch {
            folder,
            cwd: row.cwd.clone(),
            argv: row.command.argv(),
            environment,
            log_limit,
            grace_ms: row.grace_ms,
            time_limit_ms: row.time_limit_ms,
        })
    }

    /// Carries out a decided start. What becomes of it arrives as a message.
    fn launch(&mut self, Decided { id, launch }: Decided) {
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
        let Some(runner) = self.parts.runner.clone() else { return };
        let _ = self.parts.monitor.send(Watch::Begin(job(row, number)));
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
        let Some(runner) = self.parts.runner.clone() else { return };
        let _ = self.parts.monitor.send(Watch::Begin(job(row, row.attempt)));
        let (id, number, sender) = (row.id, row.attempt, self.sender.clone());
        let control = Control::default();
        self.controls.insert(id, control.clone());
        if row.cancel_requested_at.is_some()
            && let Err(error) = control.cancel()
        {
            tracing::warn!(%error, uid = row.uid, "a cancel could not be repeated");
        }
        let folder = self.parts.home.attempt(&row.uid, number);
        let program = row.command.argv().into_iter().next().unwrap_or_default();
        let cwd = row.cwd.clone();
        self.supervisors.spawn(async move {
            let ended = runner.rejoin(folder, shim, program, cwd, control).await;
            let _ = sender.send(Message::Ended { id, number, ended });
        });
    }

    /// Notes an event of an experiment, to be told once it is committed.
    fn happened(
        &mut self,
        cursor: u64,
        at: i64,
        what: EventKind,
        row: &ExperimentRow,
        attempt: u32,
        message: String,
    ) {
        let (uid, attempt) = (Some(row.uid.clone()), (attempt > 0).then_some(attempt));
        self.outbox.push(Told { event: EventRow { cursor, at, what, uid, attempt, message }, row: None });
    }

    /// Gives the event just noted the experiment as it is after it, so that it need not be read again to be told.
    fn at_hand(&mut self, row: &ExperimentRow) {
        if let Some(told) = self.outbox.last_mut()
            && self.parts.bus.has_listeners()
        {
            told.row = Some(row.clone());
        }
    }

    /// Tells listeners what was committed.
    pub(super) async fn publish(&mut self) {
        for job in self.ended_jobs.drain(..) {
            // Without a monitor the engine is stopping.
            let _ = self.parts.monitor.send(Watch::End(job));
        }
        let events = std::mem::take(&mut self.outbox);
        if !self.parts.bus.has_listeners() {
            return;
        }
        let stats = read(&self.view).stats();
        for Told { event, row } in events {
            let experiment = match (&event.uid, row) {
                (_, Some(row)) => Some(row),
                (Some(uid), None) => self.parts.store.experiment_by_uid(uid).await.unwrap_or_default(),
                (None, None) => None,
            };
            self.parts.bus.publish(Push::Queue { event, experiment: experiment.map(Box::new), stats });
        }
    }

    /// Fills the index from the store.
    pub(super) async fn reload(&mut self) -> Result<()> {
        let store = &self.parts.store;
        let (settings, counts) = (store.settings().await?, store.counts().await?);
        let (waiting, active) = (store.waiting().await?, store.active().await?);
        self.next_id = store.largest_id().await? + 1;
        self.uids = Uids { counter: self.uids.counter, ..Uids::default() };
        self.environments.clear();
        self.fresh.clear();
        let mut view = write(&self.view);
        view.settings = settings;
        view.counts = counts;
        view.waiting.clear();
        view.places.clear();
        for row in waiting {
            view.insert_waiting((row.priority, row.position, row.id), row.uid);
        }
        view.active = active.iter().map(|row| (row.id, row.uid.clone())).collect();
        drop(view);
        self.rows = active.into_iter().map(|row| (row.id, row)).collect();
        Ok(())
    }

    /// After a transaction was rolled back, what is in memory may be ahead of the store.
    async fn rebuild(&mut self) {
        self.outbox.clear();
        if let Err(error) = self.reload().await {
            tracing::error!(%error, "the queue could not be read again");
        }
    }

    /// Tells the asker that it could not be recorded; an end is kept and offered again.
    fn refuse(&mut self, message: Message, error: &Error) {
        let copy = || {
            let copy = Error::new(error.kind(), error.to_string());
            match error.next_step() {
                Some(hint) => copy.hint(hint),
                None => copy,
            }
        };
        match message {
            Message::Add { reply, .. } => drop(reply.send(Err(copy()))),
            Message::Cancel { reply, .. } => drop(reply.send(Err(copy()))),
            Message::Settings { reply, .. } => drop(reply.send(Err(copy()))),
            Message::Ended { .. } => {
                tracing::error!(%error, "an outcome could not be recorded yet; it is safe in the attempt's folder");
                self.unrecorded.push(message);
            }
            Message::Process { .. } => tracing::warn!(%error, "a pid could not be recorded"),
            Message::Stop { .. } => {}
        }
    }
}

/// The status after a move of our own, which the table must allow.
fn after(status: Status, by: Move) -> Result<Status> {
    status
        .after(by)
        .map_err(|illegal| Error::new(ErrorKind::Internal, format!("the queue is out of step: {illegal}")))
}

/// An attempt as the monitor needs to know it.
fn job(row: &ExperimentRow, attempt: u32) -> Job {
    let since = if row.attempt == attempt { row.started_at.unwrap_or_else(now_ms) } else { now_ms() };
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

/// What an end means, in a sentence that stands in the event table and in notifications.
fn sentence(name: &str, status: Status, took_ms: i64, failure: Option<&Failure>) -> (EventKind, String) {
    let took = text::duration(took_ms);
    match (status, failure) {
        (Status::Completed, _) => (EventKind::Completed, format!("{name} completed after {took}")),
        (Status::Cancelled, _) => (EventKind::Cancelled, format!("{name} was cancelled after {took}")),
        (_, Some(failure)) => (EventKind::Failed, format!("{name} failed after {took}: {}", failure.message)),
        (_, None) => (EventKind::Failed, format!("{name} failed after {took}")),
    }
}
