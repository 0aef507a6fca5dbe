//! What an attempt's end makes of its experiment, and of those that wait for it.

use athanor_core::dependency::{Condition, Met, met};
use athanor_core::outcome::{Failure, FailureReason};
use athanor_core::retry::{self, Breaker, GiveUp, Verdict};
use athanor_core::state::{Move, Status};
use athanor_core::text;

use super::actor::{Actor, Afterwards, after};
use super::launch::{SETTLED_MS, job};
use super::view::{Edge, Waiting};
use super::{read, write};
use crate::bus::{Notice, NoticeLevel, Push};
use crate::error::Result;
use crate::runner::Ended;
use crate::store::{AttemptEnd, DependencyRow, EventKind, ExperimentRow, Tx};

impl Actor {
    /// Records what became of an attempt.
    pub(super) async fn ended(&mut self, tx: &mut Tx, id: i64, number: u32, ended: &Ended) -> Result<()> {
        let Some(row) = self.rows.get(&id).filter(|row| row.attempt == number).cloned() else {
            // Recorded already: offered a second time after a full disk.
            return Ok(());
        };
        self.replan = true;
        match ended {
            Ended::NeverStarted => self.voided(tx, &row, number).await,
            Ended::Known(end) => self.recorded(tx, &row, number, AttemptEnd::clone(end)).await,
        }
    }

    async fn voided(&mut self, tx: &mut Tx, row: &ExperimentRow, number: u32) -> Result<()> {
        if row.cancel_requested_at.is_some() || row.status == Status::Paused {
            // What the user asked for in the meantime holds: it ends as cancelled, or waits where it was stopped.
            return self.voided_after_request(tx, row, number).await;
        }
        let next = after(row.status, Move::Void)?;
        let now = self.now();
        let text = format!("{} is back in the queue: the engine ended before it was started", row.name);
        let cursor = self.parts.store.void_attempt(tx, row.id, number, now, &text).await?;
        self.happened(cursor, now, EventKind::Voided, row, number, text);
        self.leave(row.id);
        let mut back = row.clone();
        (back.status, back.started_at, back.cancel_requested_at) = (next, None, None);
        let parents = self.edges(tx, row.id).await?;
        let mut view = write(&self.view);
        view.counts.shift(row.status, next);
        view.insert_waiting(row.id, Waiting::of(&back, parents), now);
        Ok(())
    }

    async fn voided_after_request(&mut self, tx: &mut Tx, row: &ExperimentRow, number: u32) -> Result<()> {
        let cancelled = row.cancel_requested_at.is_some();
        let mut back = row.clone();
        if back.status == Status::Paused {
            back.status = after(back.status, Move::Resume)?;
        }
        back.status = after(back.status, Move::Void)?;
        let now = self.now();
        let text = format!("{} is back in the queue: the engine ended before it was started", row.name);
        let cursor = self.parts.store.void_attempt(tx, row.id, number, now, &text).await?;
        self.happened(cursor, now, EventKind::Voided, row, number, text);
        self.leave(row.id);
        (back.started_at, back.cancel_requested_at) = (None, None);
        back.gate.held = !cancelled;
        let parents = self.edges(tx, row.id).await?;
        if !cancelled {
            let text = format!("{} is held, as it was paused", row.name);
            self.save(tx, &back, (EventKind::Held, 0), text).await?;
        }
        {
            let mut view = write(&self.view);
            view.counts.shift(row.status, back.status);
            view.insert_waiting(row.id, Waiting::of(&back, parents), now);
        }
        if cancelled {
            let text = format!("{} was cancelled before it started", row.name);
            return self.finish_waiting(tx, row.id, Move::Cancel, EventKind::Cancelled, None, text).await;
        }
        self.regate(tx, row.id).await
    }

    async fn recorded(
        &mut self,
        tx: &mut Tx,
        row: &ExperimentRow,
        number: u32,
        mut end: AttemptEnd,
    ) -> Result<()> {
        end.failure = end.failure.map(|failure| self.with_memory(failure, end.ended_at));
        let took = end.ended_at - end.started_at.or(row.started_at).unwrap_or(end.ended_at);
        let gpus = self.held(row.id).map_or(0, |held| held.gpus.len() as u64);
        end.gpu_ms = (gpus > 0).then(|| gpus.saturating_mul(took.max(0).unsigned_abs()));
        let used = self.usage(row.id, number);
        end.peak_gpu_memory = used.and_then(|used| used.peak_memory);
        let mut ended = row.clone();
        (ended.completed_at, ended.failure) = (Some(end.ended_at), end.failure.clone());
        (ended.started_at, ended.cancel_requested_at) = (end.started_at.or(row.started_at), None);
        ended.gate.held = false;
        let was_paused = row.status == Status::Paused;
        let verdict = self.judge(row, &mut ended, &mut end, took);
        let (what, text) = match verdict {
            Some(Verdict::Retry { after_ms }) => {
                ended.status = after(row.status, Move::Requeue)?;
                let delay = i64::try_from(after_ms).unwrap_or(i64::MAX);
                // Whoever was stopped by the user does not go on by itself.
                ended.gate.held = was_paused;
                if delay > 0 || was_paused {
                    ended.status = after(ended.status, Move::Hold)?;
                }
                if delay > 0 {
                    ended.gate.retry_at = Some(end.ended_at.saturating_add(delay));
                }
                if ended.status == Status::Queued {
                    ended.queued_at = Some(end.ended_at);
                }
                (ended.completed_at, ended.retries_used) = (None, row.retries_used + 1);
                let number = ended.retries_used;
                let limit = row.retry_policy().limit;
                let soon = if delay > 0 { format!("in {}", text::duration(delay)) } else { "now".into() };
                let why = end.failure.as_ref().map_or("", |failure| &failure.message);
                (
                    EventKind::Retrying,
                    format!(
                        "{} failed after {}: {why} Retry {number} of {limit} {soon}.",
                        row.name,
                        text::duration(took)
                    ),
                )
            }
            _ => {
                ended.status = after(row.status, ending_move(end.status))?;
                sentence(&row.name, ended.status, took, ended.failure.as_ref())
            }
        };
        let cursor = self.parts.store.end_attempt(tx, &ended, &end, (what, &text)).await?;
        if let Some(used) = used {
            self.parts.store.set_usage(tx, (row.id, number), &used).await?;
        }
        self.happened(cursor, end.ended_at, what, row, number, text);
        if took < SETTLED_MS {
            // Nobody has read its files: progress and metrics are as they were.
            self.at_hand(&ended);
        }
        self.note_gpus(tx, row, &end, took).await?;
        self.leave(row.id);
        self.ended_jobs.push(job(row, number, self.now()));
        self.note_machine(tx, &end).await?;
        if ended.status.is_terminal() {
            write(&self.view).counts.shift(row.status, ended.status);
            self.settled.push((row.id, ended.status));
            return Ok(());
        }
        let parents = self.edges(tx, row.id).await?;
        let now = self.now();
        let mut view = write(&self.view);
        view.counts.shift(row.status, ended.status);
        view.insert_waiting(row.id, Waiting::of(&ended, parents), now);
        Ok(())
    }

    /// Counts strikes and asks the retry policy; completes the message of a failure that stays one.
    fn judge(
        &self,
        row: &ExperimentRow,
        ended: &mut ExperimentRow,
        end: &mut AttemptEnd,
        took: i64,
    ) -> Option<Verdict> {
        let kind = match (end.status, &end.failure) {
            (Status::Completed, _) => retry::AttemptEnd::Succeeded,
            (Status::Cancelled, _) => retry::AttemptEnd::Cancelled,
            (_, Some(failure)) if failure.reason == FailureReason::CouldNotStart => {
                retry::AttemptEnd::NotStarted
            }
            _ => retry::AttemptEnd::Failed { lived_ms: took.max(0).unsigned_abs() },
        };
        let breaker = Breaker { strikes: row.strikes }.after(kind);
        ended.strikes = breaker.strikes;
        let failure = end.failure.as_mut()?;
        if row.cancel_requested_at.is_some() {
            // It was to end anyway.
            return None;
        }
        let policy = row.retry_policy();
        let verdict = retry::decide(&policy, failure.reason, row.retries_used, breaker);
        let would_retry = policy.reasons.contains(&failure.reason) && row.retries_used < policy.limit;
        match verdict {
            Verdict::GiveUp { why: GiveUp::Blocked } if would_retry => {
                failure.message.push_str(&format!(
                    " Blocked: {} attempts in a row came to nothing. Retry it when the cause is gone.",
                    breaker.strikes
                ));
            }
            Verdict::GiveUp { why: GiveUp::Exhausted } if policy.limit > 0 => {
                failure.message.push_str(&format!(" All {} retries are used.", policy.limit));
            }
            _ => {}
        }
        ended.failure = Some(failure.clone());
        Some(verdict)
    }

    /// Attempts in a row that the machine itself kept from starting pause the queue: more of them would only fail, too.
    async fn note_machine(&mut self, tx: &mut Tx, end: &AttemptEnd) -> Result<()> {
        if !end.machine_fault {
            self.machine_strikes = 0;
            return Ok(());
        }
        self.machine_strikes += 1;
        let before = read(&self.view).settings.clone();
        if self.machine_strikes < Breaker::LIMIT || before.queue_paused {
            return Ok(());
        }
        let why = end.failure.as_ref().map(|failure| failure.message.clone()).unwrap_or_default();
        let settings = crate::store::Settings { queue_paused: true, ..before.clone() };
        // Said before the strikes are forgotten with the change.
        let message = format!(
            "{} attempts in a row could not be started. The last one: {why} Resume the queue when that is mended.",
            self.machine_strikes
        );
        self.write_settings(tx, &before, settings).await?;
        self.happened_to_queue(tx, EventKind::QueueTripped, &message).await?;
        self.afterwards.push(Afterwards::Tell(Box::new(Push::Notice(Notice {
            level: NoticeLevel::Error,
            title: "The queue was paused: this machine can't start jobs".into(),
            message,
        }))));
        Ok(())
    }

    /// A failure that looks as if memory ran out is called that where the kernel says so.
    fn with_memory(&self, failure: Failure, ended_at: i64) -> Failure {
        match failure.may_be_memory() && self.memory.rose_since(ended_at) {
            true => failure.out_of_memory(),
            false => failure,
        }
    }

    /// Takes an experiment out of those with an attempt under way.
    fn leave(&mut self, id: i64) {
        self.rows.remove(&id);
        self.controls.remove(&id);
        self.roots.retain(|_, owner| *owner != id);
        write(&self.view).active.remove(&id);
    }

    fn held(&self, id: i64) -> Option<athanor_core::placement::Assignment> {
        read(&self.view).active.get(&id).map(|active| active.assignment.clone())
    }

    pub(super) async fn edges(&self, tx: &mut Tx, id: i64) -> Result<Vec<Edge>> {
        let edge =
            |row: DependencyRow| Edge { parent: row.id, condition: row.condition, standing: row.standing };
        Ok(self.parts.store.parents_in(tx, id).await?.into_iter().map(edge).collect())
    }

    /// Tells those that wait for an experiment that has ended, and those that wait for them, and so on.
    pub(super) async fn settle(&mut self, tx: &mut Tx) -> Result<()> {
        while let Some((parent, status)) = self.settled.pop() {
            let children = read(&self.view).children(parent);
            for child in children {
                for settled in self.note_standing(child, parent, |edge| met(edge.condition, status)) {
                    self.parts.store.settle_dependency(tx, child, parent, settled).await?;
                }
                self.regate(tx, child).await?;
            }
        }
        Ok(())
    }

    /// A finished experiment is queued once more: those that had given up on it wait for it again.
    pub(super) async fn reopen(&mut self, tx: &mut Tx, parent: i64) -> Result<()> {
        let children = read(&self.view).children(parent);
        for child in children {
            let open = |edge: &Edge| if edge.standing == Met::Never { Met::Open } else { edge.standing };
            for settled in self.note_standing(child, parent, open) {
                self.parts.store.settle_dependency(tx, child, parent, settled).await?;
            }
        }
        Ok(())
    }

    /// Writes into the index how a dependency stands, and returns what it is for each way in which it was named.
    fn note_standing(
        &mut self,
        child: i64,
        parent: i64,
        stand: impl Fn(&Edge) -> Met,
    ) -> Vec<(Condition, Met)> {
        let now = self.now();
        let mut view = write(&self.view);
        let Some(mut waiting) = view.waiting(child).cloned() else { return Vec::new() };
        let mut standings = Vec::new();
        for edge in waiting.parents.iter_mut().filter(|edge| edge.parent == Some(parent)) {
            edge.standing = stand(edge);
            standings.push((edge.condition, edge.standing));
        }
        view.insert_waiting(child, waiting, now);
        standings
    }

    pub(super) async fn dependency_failure(&mut self, tx: &mut Tx, edge: Edge) -> Result<Failure> {
        let parent = match edge.parent {
            Some(id) => self.parts.store.experiment_in(tx, id).await?,
            None => None,
        };
        let wanted = match edge.condition {
            Condition::Success => "succeed",
            Condition::Failure => "fail",
            Condition::Any => "end",
        };
        let message = match parent {
            Some(parent) => format!(
                "It was to start after {} ({}) would {wanted}, but that {}.",
                parent.name,
                parent.uid,
                match parent.status {
                    Status::Completed => "completed",
                    Status::Cancelled => "was cancelled",
                    Status::Expired => "expired",
                    _ => "failed",
                }
            ),
            None => "An experiment that had to come first was deleted.".into(),
        };
        Ok(Failure { reason: FailureReason::DependencyFailed, exit_code: None, signal: None, message })
    }
}

/// The status that an attempt's end gives its experiment, as a move of the transition table.
fn ending_move(status: Status) -> Move {
    match status {
        Status::Completed => Move::Succeed,
        Status::Cancelled => Move::Cancel,
        _ => Move::Fail,
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
