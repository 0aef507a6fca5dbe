//! The one task that decides.

use std::collections::HashMap;
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
use crate::monitor::{Job, Watch};
use crate::runner::{Control, Ended, Launch, ProcessIdentity};
use crate::store::{AttemptEnd, EventKind, EventRow, ExperimentRow, NewRow, Settings, Tx};

/// Messages decided in one transaction at most, so that a flood does not keep the first of them waiting.
const GROUP: usize = 512;

/// How long to wait before an outcome that the store refused (a full disk) is offered again.
const RETRY: Duration = Duration::from_secs(1);

/// How long a job must run before its pid is written to the store: short ones have it written with their end.
const SETTLED: Duration = Duration::from_millis(300);

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
        counter: 0,
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
    outbox: Vec<EventRow>,
    /// Jobs whose end was recorded in the open transaction.
    ended_jobs: Vec<Job>,
    /// Ends that the store refused. They are safe in the attempts' folders; they are offered again.
    unrecorded: Vec<Message>,
    counter: u64,
}

/// What applying a message gave: its answer, held back until the transaction is committed.
enum Applied {
    Added(Vec<i64>),
    Done(Result<()>),
    Settings(Result<Settings>),
    Nothing,
}

/// A start that was decided: carried out once it is on disk.
struct Decided {
    row: ExperimentRow,
    number: u32,
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
            (Message::Add { reply, .. }, Applied::Added(ids)) => {
                let _ = reply.send(self.parts.store.experiments(&ids).await);
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
                self.parts.store.set_process(tx, *id, *number, (*pid, *start, boot)).await?;
                Applied::Nothing
            }
            Message::Ended { id, number, ended } => {
                self.ended(tx, *id, *number, ended).await?;
                Applied::Nothing
            }
            Message::Stop { .. } => Applied::Nothing,
        })
    }

    async fn add(&mut self, tx: &mut Tx, prepared: &[Prepared]) -> Result<Vec<i64>> {
        let now = now_ms();
        let mut ids = Vec::with_capacity(prepared.len());
        for item in prepared {
            if !self.parts.store.has_environment(tx, &item.environment_hash).await? {
                self.parts.store.add_environment(tx, &item.environment_hash, &item.sealed).await?;
            }
            let uid = self.free_uid(tx, now).await?;
            let row = NewRow {
                uid: uid.clone(),
                name: item.name.clone(),
                project: item.new.project.clone(),
                command: item.new.command.clone(),
                cwd: item.new.cwd.clone(),
                environment: item.environment_hash,
                config_path: item.new.config_path.clone(),
                config_text: item.config_text.clone(),
                priority: item.new.priority,
                time_limit_ms: item.new.time_limit_ms,
                grace_ms: item.new.grace_ms.unwrap_or(DEFAULT_GRACE_MS),
                tags: item.new.tags.clone(),
                notes: item.new.notes.clone(),
                created_at: now,
            };
            let id = self.parts.store.add_experiment(tx, &row).await?;
            self.event(
                tx,
                now,
                EventKind::Added,
                Some((id, 0)),
                Some(&uid),
                &format!("{} was queued", item.name),
            )
            .await?;
            let mut view = write(&self.view);
            view.counts.add(Status::Queued);
            // A new experiment's place is its key: last among those of its priority.
            view.insert_waiting((item.new.priority.rank(), id, id), uid);
            ids.push(id);
        }
        Ok(ids)
    }

    /// A uid that is not taken: four digits of the hash, more on a collision.
    async fn free_uid(&mut self, tx: &mut Tx, now: i64) -> Result<String> {
        let date = jiff::Timestamp::from_millisecond(now).unwrap_or_default().strftime("%Y%m%d").to_string();
        loop {
            self.counter += 1;
            let seed = [now.unsigned_abs(), u64::from(std::process::id()), self.counter]
                .map(u64::to_le_bytes)
                .concat();
            for digits in Uid::SHORT_DIGITS..=16 {
                let uid = Uid::derive(&date, &seed, digits);
                if !self.parts.store.uid_taken(tx, uid.as_str()).await? {
                    return Ok(uid.as_str().to_owned());
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
            self.parts.store.request_cancel(tx, id, now).await?;
            if row.cancel_requested_at.is_none() {
                let text = format!("{} is being cancelled", row.name);
                self.event(
                    tx,
                    now,
                    EventKind::CancelRequested,
                    Some((id, row.attempt)),
                    Some(&row.uid),
                    &text,
                )
                .await?;
            }
            return Ok(Ok(()));
        }
        self.parts.store.end_experiment(tx, id, next, (None, now), None).await?;
        let text = format!("{} was cancelled before it started", row.name);
        self.event(tx, now, EventKind::Cancelled, Some((id, row.attempt)), Some(&row.uid), &text).await?;
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
            self.event(tx, now_ms(), what, None, None, text).await?;
        }
        write(&self.view).settings = after.clone();
        Ok(Ok(after))
    }

    /// Records what became of an attempt.
    pub(super) async fn ended(&mut self, tx: &mut Tx, id: i64, number: u32, ended: &Ended) -> Result<()> {
        let Some(row) = self.parts.store.experiment_in(tx, id).await? else { return Ok(()) };
        if !row.status.is_active() || row.attempt != number {
            // Recorded already: an engine that was killed between the commit and the next message.
            return Ok(());
        }
        match ended {
            Ended::NeverStarted => self.voided(tx, &row, number).await,
            Ended::Known(end) => self.recorded(tx, &row, number, end).await,
        }
    }

    async fn voided(&mut self, tx: &mut Tx, row: &ExperimentRow, number: u32) -> Result<()> {
        let next = row
            .status
            .after(Move::Void)
            .map_err(|illegal| Error::new(ErrorKind::IllegalMove, illegal.to_string()))?;
        self.parts.store.void_attempt(tx, row.id, number).await?;
        self.parts.store.unstart_experiment(tx, row.id).await?;
        let text = format!("{} is back in the queue: the engine ended before it was started", row.name);
        self.event(tx, now_ms(), EventKind::Voided, Some((row.id, number)), Some(&row.uid), &text).await?;
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
        let next = row
            .status
            .after(ending_move(end.status))
            .map_err(|illegal| Error::new(ErrorKind::IllegalMove, illegal.to_string()))?;
        let store = &self.parts.store;
        store.end_attempt(tx, row.id, number, end).await?;
        store.end_experiment(tx, row.id, next, (end.started_at, end.ended_at), end.failure.as_ref()).await?;
        let took = end.ended_at - end.started_at.or(row.started_at).unwrap_or(end.ended_at);
        let (what, text) = sentence(&row.name, next, took, end.failure.as_ref());
        self.event(tx, end.ended_at, what, Some((row.id, number)), Some(&row.uid), &text).await?;
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
            let Some(row) = self.parts.store.experiment_in(tx, id).await? else {
                write(&self.view).remove_waiting(id);
                continue;
            };
            let next = row.status.after(Move::Start).map_err(|illegal| {
                Error::new(
                    ErrorKind::Internal,
                    format!("the queue's order is out of step with the store: {illegal}"),
                )
            })?;
            let (number, now) = (row.attempt + 1, now_ms());
            let launch = self.prepare_launch(tx, &row, number).await;
            self.parts.store.start_experiment(tx, id, number, now).await?;
            self.parts.store.add_attempt(tx, id, number, now).await?;
            let text = format!("{} started", row.name);
            self.event(tx, now, EventKind::Started, Some((id, number)), Some(&row.uid), &text).await?;
            let mut view = write(&self.view);
            if let Some(uid) = view.remove_waiting(id) {
                view.active.insert(id, uid);
            }
            view.counts.shift(row.status, next);
            decided.push(Decided { row, number, launch });
        }
        Ok(decided)
    }

    /// Everything that is needed to start, and the attempt's folder: it is there before the decision is on disk, so
    /// that a missing folder later means that somebody removed it.
    async fn prepare_launch(&self, tx: &mut Tx, row: &ExperimentRow, number: u32) -> Result<Launch> {
        let sealed = self.parts.store.environment_in(tx, &row.environment).await?;
        let mut environment = self.parts.sealer.unseal(&sealed)?;
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
    fn launch(&mut self, Decided { row, number, launch }: Decided) {
        let (id, sender) = (row.id, self.sender.clone());
        let launch = match launch {
            Ok(launch) => launch,
            Err(error) => {
                let ended = crate::runner::could_not_start(&error);
                let _ = sender.send(Message::Ended { id, number, ended });
                return;
            }
        };
        let Some(runner) = self.parts.runner.clone() else { return };
        let _ = self.parts.monitor.send(Watch::Begin(job(&row, number)));
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

    pub(super) async fn event(
        &mut self,
        tx: &mut Tx,
        at: i64,
        what: EventKind,
        about: Option<(i64, u32)>,
        uid: Option<&str>,
        message: &str,
    ) -> Result<()> {
        let cursor = self.parts.store.append_event(tx, at, what, about, message).await?;
        self.outbox.push(EventRow {
            cursor,
            at,
            what,
            uid: uid.map(str::to_owned),
            attempt: about.map(|(_, attempt)| attempt).filter(|attempt| *attempt > 0),
            message: message.to_owned(),
        });
        Ok(())
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
        for event in events {
            let experiment = match &event.uid {
                Some(uid) => self.parts.store.experiment_by_uid(uid).await.unwrap_or_default(),
                None => None,
            };
            self.parts.bus.publish(Push::Queue { event, experiment: experiment.map(Box::new), stats });
        }
    }

    /// Fills the index from the store.
    pub(super) async fn reload(&mut self) -> Result<()> {
        let store = &self.parts.store;
        let (settings, counts) = (store.settings().await?, store.counts().await?);
        let (waiting, active) = (store.waiting().await?, store.active().await?);
        let mut view = write(&self.view);
        view.settings = settings;
        view.counts = counts;
        view.waiting.clear();
        view.places.clear();
        for row in waiting {
            view.insert_waiting((row.priority, row.position, row.id), row.uid);
        }
        view.active = active.into_iter().map(|row| (row.id, row.uid)).collect();
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
