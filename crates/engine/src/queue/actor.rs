//! The one task that decides.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use athanor_core::outcome::Failure;
use athanor_core::state::{Move, Status};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use super::accept::Uids;
use super::launch::{Decided, Ready, lock};
use super::memory::MemoryWatch;
use super::telling::Told;
use super::view::{Active, Edge, Obstacle, View, Waiting};
use super::{Action, Added, Message, Parts, SettingsChange, attribution, machine, read, write};
use crate::bus::Push;
use crate::error::{Error, ErrorKind, Result};
use crate::monitor::Job;
use crate::runner::Control;
use crate::seal::Environment;
use crate::store::{EventKind, EventRow, ExperimentRow, Settings, Tx};

/// Messages decided in one transaction at most, so that a flood does not keep the first of them waiting.
const GROUP: usize = 512;

/// How long to wait before an outcome that the store refused (a full disk) is offered again.
const RETRY: Duration = Duration::from_secs(1);

/// How long an outcome that was written lightly may wait to be synced: what a power cut can take back.
const SYNC: Duration = Duration::from_secs(1);

/// Recovers; then it is ready to [`Actor::work`].
pub(super) async fn recovered(
    parts: Parts,
    view: Arc<RwLock<View>>,
    sender: mpsc::UnboundedSender<Message>,
) -> Result<Actor> {
    let now = parts.clock.now();
    let mut actor = Actor {
        parts,
        view,
        sender,
        controls: HashMap::new(),
        roots: HashMap::new(),
        supervisors: JoinSet::new(),
        outbox: Vec::new(),
        ended_jobs: Vec::new(),
        settled: Vec::new(),
        afterwards: Vec::new(),
        unrecorded: Vec::new(),
        rows: HashMap::new(),
        known: HashMap::new(),
        ready: Ready::default(),
        readying: None,
        environment: None,
        uids: Uids::default(),
        environments: HashSet::new(),
        next_id: 0,
        replan: true,
        refused_until: None,
        stale: false,
        machine_strikes: 0,
        memory: MemoryWatch::new(now),
        sync_at: None,
    };
    actor.reload().await?;
    actor.recover().await?;
    Ok(actor)
}

pub(super) struct Actor {
    pub(super) parts: Parts,
    pub(super) view: Arc<RwLock<View>>,
    pub(super) sender: mpsc::UnboundedSender<Message>,
    pub(super) controls: HashMap<i64, Control>,
    /// Supervisors and main processes of the jobs under way, as far as they are known.
    pub(super) roots: HashMap<u32, i64>,
    pub(super) supervisors: JoinSet<()>,
    /// What was done in the open transaction and is to be told once it is committed.
    pub(super) outbox: Vec<Told>,
    /// Jobs whose end was recorded in the open transaction.
    pub(super) ended_jobs: Vec<Job>,
    /// Experiments that came to an end in the open transaction, for those that depend on them.
    pub(super) settled: Vec<(i64, Status)>,
    /// What is done once the open transaction is committed.
    pub(super) afterwards: Vec<Afterwards>,
    /// Ends that the store refused. They are safe in the attempts' folders; they are offered again.
    unrecorded: Vec<Message>,
    /// Experiments with an attempt under way, as the store has them, save for progress and metrics.
    pub(super) rows: HashMap<i64, ExperimentRow>,
    /// Some of the waiting experiments as the store has them, with their environments: those that were just accepted
    /// and those that stand first, so that not each has to be read when it starts.
    pub(super) known: HashMap<i64, (ExperimentRow, Vec<u8>)>,
    pub(super) ready: Ready,
    /// Makes the folders of attempts to come.
    pub(super) readying: Option<JoinHandle<()>>,
    /// The environment that was last opened, with what it is stored under.
    pub(super) environment: Option<(Vec<u8>, Arc<Environment>)>,
    pub(super) uids: Uids,
    /// Environments that are stored for certain.
    pub(super) environments: HashSet<[u8; 16]>,
    pub(super) next_id: i64,
    /// Whether anything has changed that what may start depends on.
    pub(super) replan: bool,
    /// The store refused what was due: it is offered again then, and not at once for ever.
    refused_until: Option<Instant>,
    /// The index could not be read again after a rollback, and is ahead of the store.
    stale: bool,
    /// Attempts in a row that the machine itself kept from starting.
    pub(super) machine_strikes: u32,
    /// Whether the kernel ends processes for lack of memory.
    pub(super) memory: MemoryWatch,
    /// When what was written lightly is synced, if nobody does before.
    sync_at: Option<Instant>,
}

/// What may only be done once the decision for it is on disk.
#[derive(Debug)]
pub(super) enum Afterwards {
    Cancel(i64),
    Pause(i64, bool),
    RemoveFolder(String),
    Tell(Box<Push>),
}

/// What applying a message gave: its answer, held back until the transaction is committed.
pub(super) enum Applied {
    Added(Result<Added>),
    Each(Vec<Result<()>>),
    Done(Result<()>),
    Settings(Result<Settings>),
    Nothing,
}

impl Actor {
    pub(super) fn now(&self) -> i64 {
        self.parts.clock.now()
    }

    /// Works until it is told to stop.
    pub(super) async fn work(mut self, mut receiver: mpsc::UnboundedReceiver<Message>) {
        // What recovery made possible, and what waited from before.
        self.decide(Vec::new()).await;
        let clock = self.parts.clock.clone();
        loop {
            let retry_at = Instant::now() + RETRY;
            let next_look = read(&self.view).next_timer();
            let refused = self.refused_until.filter(|until| *until > Instant::now());
            let mut group = Vec::new();
            tokio::select! {
                _ = receiver.recv_many(&mut group, GROUP) => {}
                () = tokio::time::sleep_until(retry_at), if !self.unrecorded.is_empty() => {}
                () = tokio::time::sleep_until(self.sync_at.unwrap_or(retry_at)), if self.sync_at.is_some() => {
                    self.sync().await;
                    continue;
                }
                () = clock.until(next_look), if refused.is_none() => group.push(Message::Look),
                () = tokio::time::sleep_until(refused.unwrap_or(retry_at)), if refused.is_some() => {
                    self.refused_until = None;
                    continue;
                }
                Ok(()) = self.parts.machine.changed() => {
                    if !self.look_at_machine() {
                        continue;
                    }
                    group.push(Message::Look);
                }
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
            if !group.is_empty() && group.iter().all(|message| self.is_idle(message)) {
                continue;
            }
            self.decide(group).await;
        }
    }

    /// Whether a message changes nothing, so that no transaction is needed for it.
    fn is_idle(&mut self, message: &Message) -> bool {
        match message {
            Message::Process { id, number, .. } => self.rows.get(id).is_none_or(|row| row.attempt != *number),
            Message::Look => {
                let now = self.now();
                let mut view = write(&self.view);
                view.due(now).is_empty() && (!view.has_queued() || view.replan(now).is_empty())
            }
            _ => false,
        }
    }

    /// Takes in a sample of the machine. Returns whether somebody may be able to start because of it.
    fn look_at_machine(&mut self) -> bool {
        let Some(sample) = self.parts.machine.borrow_and_update().clone() else { return false };
        self.memory.look(self.now());
        let mut view = write(&self.view);
        let held: Vec<_> = view.active.iter().map(|(id, active)| (*id, active.assignment.clone())).collect();
        let owners = attribution::look(&view, &sample, (&self.rows, &self.roots), &self.sender);
        let settings = &view.settings;
        let (machine, seen) = machine::look(
            &sample,
            (&self.roots, &owners),
            &held,
            &settings.out_of_queue(),
            (settings.ignore_idle_processes, view.memory_matters()),
        );
        let changed = view.machine.as_ref() != Some(&machine) || view.seen != seen;
        view.machine = Some(machine);
        view.seen = seen;
        if changed && !view.has_queued() {
            // Made for another machine: whoever comes next must not be judged by it.
            view.plan = None;
        }
        changed && view.has_queued()
    }

    /// Decides a group of messages in one transaction; if that fails, each in one of its own, so that one bad
    /// message does not take the others with it.
    pub(super) async fn decide(&mut self, group: Vec<Message>) {
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
        if self.stale
            && let Err(error) = self.reload().await
        {
            return Err((error, group));
        }
        self.stale = false;
        let strikes = self.machine_strikes;
        self.outbox.clear();
        self.ended_jobs.clear();
        self.settled.clear();
        self.afterwards.clear();
        let asked = group.iter().any(Message::asked);
        let written = async {
            let mut tx = match asked {
                true => self.parts.store.begin().await?,
                false => self.parts.store.begin_lightly().await?,
            };
            let mut results = Vec::with_capacity(group.len());
            for message in &group {
                results.push(self.apply(&mut tx, message).await?);
            }
            for id in self.due() {
                self.regate(&mut tx, id).await?;
            }
            self.settle(&mut tx).await?;
            let decided = self.schedule(&mut tx).await?;
            tx.commit().await?;
            self.sync_at = if asked { None } else { self.sync_at.or(Some(Instant::now() + SYNC)) };
            Ok((results, decided))
        };
        let (results, decided): (Vec<Applied>, Vec<Decided>) = match written.await {
            Ok(done) => done,
            Err(error) => {
                self.machine_strikes = strikes;
                return Err((error, group));
            }
        };
        // From here on it has happened.
        write(&self.view).stand();
        let started = !decided.is_empty();
        decided.into_iter().for_each(|decided| self.launch(decided));
        if started {
            // Supervisors are asked before anybody is told: a short job has ended by then.
            tokio::task::yield_now().await;
        }
        let failed = self.do_afterwards();
        for (message, applied) in group.into_iter().zip(results) {
            self.answer(message, applied, &failed);
        }
        self.publish().await;
        if started {
            self.make_ready();
        }
        Ok(())
    }

    async fn sync(&mut self) {
        self.sync_at = None;
        if let Err(error) = self.parts.store.sync().await {
            tracing::warn!(%error, "what was recorded could not be synced; it is tried again");
            self.sync_at = Some(Instant::now() + SYNC);
        }
    }

    fn due(&self) -> Vec<i64> {
        read(&self.view).due(self.now())
    }

    /// Does what only may be done once it is recorded. Returns the experiments whose supervisor could not be told.
    pub(super) fn do_afterwards(&mut self) -> HashMap<i64, String> {
        let mut failed = HashMap::new();
        for after in std::mem::take(&mut self.afterwards) {
            let told = match &after {
                Afterwards::Cancel(id) => self.controls.get(id).map(|control| (*id, control.cancel())),
                Afterwards::Pause(id, paused) => {
                    self.controls.get(id).map(|control| (*id, control.pause(*paused)))
                }
                Afterwards::RemoveFolder(uid) => {
                    let folder = self.parts.home.attempts().join(uid);
                    // Not while one is being made in there.
                    let before = self.readying.take();
                    let remove = move || {
                        if let Err(error) = std::fs::remove_dir_all(&folder)
                            && error.kind() != std::io::ErrorKind::NotFound
                        {
                            tracing::warn!(%error, folder = %folder.display(), "a deleted job's folder stays");
                        }
                    };
                    self.readying = Some(tokio::spawn(async move {
                        if let Some(before) = before {
                            let _ = before.await;
                        }
                        let _ = tokio::task::spawn_blocking(remove).await;
                    }));
                    None
                }
                Afterwards::Tell(push) => {
                    self.parts.bus.publish(Push::clone(push));
                    None
                }
            };
            if let Some((id, Err(error))) = told {
                failed.insert(id, error.to_string());
            }
        }
        failed
    }

    fn answer(&mut self, message: Message, applied: Applied, failed: &HashMap<i64, String>) {
        match (message, applied) {
            (Message::Add { reply, .. }, Applied::Added(added)) => {
                // Some have started in the same transaction.
                let now = |row: ExperimentRow| self.rows.get(&row.id).cloned().unwrap_or(row);
                let _ = reply.send(added.map(|added| Added {
                    rows: added.rows.into_iter().map(now).collect(),
                    existing: added.existing,
                }));
            }
            (Message::Act { ids, reply, .. } | Message::Edit { ids, reply, .. }, Applied::Each(each)) => {
                let told = |(done, id): (Result<()>, i64)| match failed.get(&id) {
                    Some(why) if done.is_ok() => Err(Error::new(ErrorKind::Internal, why.clone())),
                    _ => done,
                };
                let _ = reply.send(Ok(each.into_iter().zip(ids).map(told).collect()));
            }
            (Message::Group { reply, .. } | Message::BlockGpu { reply, .. }, Applied::Done(done)) => {
                let _ = reply.send(done);
            }
            (Message::Settings { reply, .. }, Applied::Settings(settings)) => {
                let _ = reply.send(settings);
            }
            _ => {}
        }
    }

    /// Applies one message. An error here means that the store refused; what the user did wrong is an answer.
    pub(super) async fn apply(&mut self, tx: &mut Tx, message: &Message) -> Result<Applied> {
        Ok(match message {
            Message::Add { prepared, groups, .. } => Applied::Added(self.add(tx, prepared, groups).await?),
            Message::Act { action, ids, .. } => Applied::Each(self.act(tx, *action, ids).await?),
            Message::Edit { ids, edit, .. } => Applied::Each(self.edit(tx, ids, edit).await?),
            Message::Group { group, .. } => Applied::Done(self.set_group(tx, group).await?),
            Message::BlockGpu { uuid, label, blocked, .. } => {
                self.block_gpu(tx, uuid, label, *blocked).await?;
                Applied::Done(Ok(()))
            }
            Message::Settings { change, .. } => Applied::Settings(self.change_settings(tx, change).await?),
            Message::Process { id, number, process: (pid, start, boot) } => {
                // A job that was over at once had it written with its end.
                if self.rows.get(id).is_some_and(|row| row.attempt == *number) {
                    self.remember_process(*id, *pid);
                    self.parts.store.set_process(tx, *id, *number, (*pid, *start, boot)).await?;
                }
                Applied::Nothing
            }
            Message::Ended { id, number, ended } => {
                self.ended(tx, *id, *number, ended).await?;
                Applied::Nothing
            }
            Message::IdleGpus { id, number, idle_ms } => {
                self.idle_gpus(tx, (*id, *number), *idle_ms).await?;
                Applied::Nothing
            }
            Message::Look => {
                self.replan = true;
                Applied::Nothing
            }
            Message::Stop { .. } => Applied::Nothing,
        })
    }

    /// Does an action with each experiment.
    async fn act(&mut self, tx: &mut Tx, action: Action, ids: &[i64]) -> Result<Vec<Result<()>>> {
        if let Action::Move(destination) = action {
            return self.reorder(tx, ids, destination).await;
        }
        let mut each = Vec::with_capacity(ids.len());
        for id in ids {
            each.push(self.act_on(tx, action, *id).await?);
        }
        Ok(each)
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
        if let Some(error) = self.window_in_use(&after) {
            return Ok(Err(error));
        }
        self.write_settings(tx, &before, after.clone()).await?;
        Ok(Ok(after))
    }

    pub(super) async fn write_settings(
        &mut self,
        tx: &mut Tx,
        before: &Settings,
        after: Settings,
    ) -> Result<()> {
        self.parts.store.set_settings(tx, &after).await?;
        if after.queue_paused != before.queue_paused {
            self.machine_strikes = 0;
            let (what, text) = match after.queue_paused {
                true => (EventKind::QueuePaused, "The queue was paused"),
                false => (EventKind::QueueResumed, "The queue goes on"),
            };
            self.happened_to_queue(tx, what, text).await?;
        }
        let windows_changed = after.windows != before.windows;
        let stats = {
            let mut view = write(&self.view);
            view.settings = after.clone();
            view.changed();
            view.decided()
        };
        if windows_changed {
            let ids = read(&self.view).waiting_ids();
            for id in ids {
                self.regate(tx, id).await?;
            }
        }
        self.replan = true;
        self.afterwards.push(Afterwards::Tell(Box::new(Push::Settings { settings: after, stats })));
        Ok(())
    }

    /// A window that waiting experiments name must not be taken away.
    fn window_in_use(&self, after: &Settings) -> Option<Error> {
        let view = read(&self.view);
        view.waiting_ids().into_iter().filter_map(|id| view.waiting(id)).find_map(|waiting| {
            let name = waiting.gate.window.as_ref()?;
            (!after.windows.iter().any(|window| window.name == *name)).then(|| {
                Error::invalid(
                    "windows",
                    format!("{} ({}) waits for the window “{name}”", waiting.name, waiting.uid),
                )
                .hint("Give it another schedule first.")
            })
        })
    }

    pub(super) async fn happened_to_queue(&mut self, tx: &mut Tx, what: EventKind, text: &str) -> Result<()> {
        let now = self.now();
        let cursor = self.parts.store.append_event(tx, now, what, None, text).await?;
        let event = EventRow { cursor, at: now, what, uid: None, attempt: None, message: text.to_owned() };
        self.outbox.push(Told { event, row: None });
        Ok(())
    }

    /// Writes down a changed experiment and what happened to it.
    pub(super) async fn save(
        &mut self,
        tx: &mut Tx,
        row: &ExperimentRow,
        (what, attempt): (EventKind, u32),
        text: String,
    ) -> Result<()> {
        let now = self.now();
        let number = (attempt > 0).then_some(attempt);
        let cursor = self.parts.store.save_experiment(tx, row, now, (what, number, &text)).await?;
        self.known.remove(&row.id);
        self.happened(cursor, now, what, row, attempt, text);
        self.at_hand(row);
        Ok(())
    }

    /// Looks again at what stands before a waiting experiment, and moves it accordingly.
    pub(super) async fn regate(&mut self, tx: &mut Tx, id: i64) -> Result<()> {
        let now = self.now();
        let (obstacle, waiting) = {
            let view = read(&self.view);
            let Some(waiting) = view.waiting(id) else { return Ok(()) };
            (view.obstacle(waiting, now), waiting.clone())
        };
        match (obstacle, waiting.status) {
            (Obstacle::None, Status::Pending) => self.release(tx, id, waiting).await,
            (Obstacle::Closed(reason), Status::Queued) => {
                let text = format!("{} waits again: {}", waiting.name, reason.words_at(now));
                self.shift_waiting(tx, id, waiting, Move::Hold, (EventKind::Held, text)).await
            }
            (Obstacle::Expired, _) => {
                let text = format!("{} expired: it had not started by its deadline", waiting.name);
                self.finish_waiting(tx, id, Move::Expire, EventKind::Expired, None, text).await
            }
            (Obstacle::Never(edge), _) => {
                let failure = self.dependency_failure(tx, edge).await?;
                let text = format!("{} failed: {}", waiting.name, failure.message);
                self.finish_waiting(tx, id, Move::Fail, EventKind::Failed, Some(failure), text).await
            }
            // As it was; only the next moment to look may be another one.
            (Obstacle::None | Obstacle::Closed(_), _) => {
                write(&self.view).insert_waiting(id, waiting, now);
                Ok(())
            }
        }
    }

    async fn release(&mut self, tx: &mut Tx, id: i64, waiting: Waiting) -> Result<()> {
        let text = format!("{} may start", waiting.name);
        self.shift_waiting(tx, id, waiting, Move::Release, (EventKind::Released, text)).await
    }

    async fn shift_waiting(
        &mut self,
        tx: &mut Tx,
        id: i64,
        mut waiting: Waiting,
        by: Move,
        (what, text): (EventKind, String),
    ) -> Result<()> {
        let Some(mut row) = self.parts.store.experiment_in(tx, id).await? else { return Ok(()) };
        let (before, now) = (row.status, self.now());
        row.status = after(row.status, by)?;
        if row.status == Status::Queued {
            row.queued_at = Some(now);
        }
        self.save(tx, &row, (what, 0), text).await?;
        waiting.status = row.status;
        let mut view = write(&self.view);
        view.counts.shift(before, row.status);
        view.insert_waiting(id, waiting, now);
        self.replan = true;
        Ok(())
    }

    /// Ends an experiment that has not started.
    pub(super) async fn finish_waiting(
        &mut self,
        tx: &mut Tx,
        id: i64,
        by: Move,
        what: EventKind,
        failure: Option<Failure>,
        text: String,
    ) -> Result<()> {
        let Some(mut row) = self.parts.store.experiment_in(tx, id).await? else { return Ok(()) };
        let before = row.status;
        row.status = after(row.status, by)?;
        row.completed_at = Some(self.now());
        row.cancel_requested_at = None;
        row.gate.retry_at = None;
        row.failure = failure;
        self.save(tx, &row, (what, 0), text).await?;
        self.known.remove(&id);
        self.settled.push((id, row.status));
        self.replan = true;
        let mut view = write(&self.view);
        view.remove_waiting(id);
        view.counts.shift(before, row.status);
        Ok(())
    }

    /// Fills the index from the store.
    pub(super) async fn reload(&mut self) -> Result<()> {
        let store = &self.parts.store;
        let (settings, counts, groups) =
            (store.settings().await?, store.counts().await?, store.group_limits().await?);
        let (waiting, active) = (store.waiting().await?, store.active().await?);
        let mut edges: HashMap<i64, Vec<Edge>> = HashMap::new();
        for (child, parent, condition, standing) in store.waiting_dependencies().await? {
            edges.entry(child).or_default().push(Edge { parent, condition, standing });
        }
        let gpu_breakers = store.gpu_breakers().await?;
        self.next_id = store.largest_id().await? + 1;
        store.count_events().await?;
        self.uids.forget();
        self.environments.clear();
        self.known.clear();
        lock(&self.ready).clear();
        self.replan = true;
        let now = self.now();
        let mut view = write(&self.view);
        view.settings = settings;
        view.gpu_breakers = gpu_breakers;
        view.counts = counts;
        view.groups = groups.into_iter().collect();
        view.clear();
        for row in waiting {
            let parents = edges.remove(&row.id).unwrap_or_default();
            view.insert_waiting(row.id, Waiting::of(&row, parents), now);
        }
        view.active = active.iter().map(|(row, held)| (row.id, Active::of(row, held.clone()))).collect();
        view.stand();
        drop(view);
        self.rows = active.into_iter().map(|(row, _)| (row.id, row)).collect();
        Ok(())
    }

    /// After a transaction was rolled back, what is in memory may be ahead of the store.
    pub(super) async fn rebuild(&mut self) {
        self.outbox.clear();
        if let Err(error) = self.reload().await {
            tracing::error!(%error, "the queue could not be read again");
            self.stale = true;
        }
    }

    /// Tells the asker that it could not be recorded; an end is kept and offered again.
    fn refuse(&mut self, message: Message, error: &Error) {
        match message {
            Message::Add { reply, .. } => drop(reply.send(Err(error.copy()))),
            Message::Act { reply, .. } | Message::Edit { reply, .. } => drop(reply.send(Err(error.copy()))),
            Message::Group { reply, .. } | Message::BlockGpu { reply, .. } => {
                drop(reply.send(Err(error.copy())));
            }
            Message::Settings { reply, .. } => drop(reply.send(Err(error.copy()))),
            Message::Ended { .. } => {
                tracing::error!(%error, "an outcome could not be recorded yet; it is safe in the attempt's folder");
                self.unrecorded.push(message);
            }
            Message::Process { .. } => tracing::warn!(%error, "a pid could not be recorded"),
            Message::IdleGpus { .. } => {
                tracing::warn!(%error, "that a job does not use its GPUs could not be recorded");
            }
            Message::Look => {
                tracing::warn!(%error, "what is due could not be recorded; it is tried again");
                self.refused_until = Some(Instant::now() + RETRY);
            }
            Message::Stop { .. } => {}
        }
    }
}

/// The status after a move of our own, which the table must allow.
pub(super) fn after(status: Status, by: Move) -> Result<Status> {
    status
        .after(by)
        .map_err(|illegal| Error::new(ErrorKind::Internal, format!("the queue is out of step: {illegal}")))
}
