//! What the jobs under way use of their GPUs, and what is done about those that let them lie idle.

use std::collections::HashMap;

use athanor_core::history::{Metric, Shrinking, Usage};
use athanor_core::state::Status;
use athanor_core::text;
use tokio::sync::mpsc;

use super::actor::Actor;
use super::view::View;
use super::{Action, Message, lock, read};
use crate::attribution::Held;
use crate::devices::Sample;
use crate::error::Result;
use crate::store::{EventKind, ExperimentRow, Tx};

/// Enters a sample into the book, and returns the jobs of the processes on its GPUs. A job whose GPUs have been idle for too long is told of to the queue itself, which
/// records it.
pub(super) fn look(
    view: &View,
    sample: &Sample,
    (rows, roots): (&HashMap<i64, ExperimentRow>, &HashMap<u32, i64>),
    sender: &mpsc::UnboundedSender<Message>,
) -> HashMap<u32, i64> {
    let held: Vec<Held> = rows
        .values()
        .filter_map(|row| {
            let active = view.active.get(&row.id)?;
            let gpus = active.assignment.gpus.iter().map(|share| share.uuid.clone()).collect();
            let paused = row.status == Status::Paused;
            Some(Held { id: row.id, number: row.attempt, gpus, started_at: active.started_at, paused })
        })
        .collect();
    let mut book = lock(&view.book);
    for (id, idle_ms) in book.look(sample, roots, &held, &view.settings.idle_gpu()) {
        if let Some(row) = rows.get(&id) {
            // A queue that is stopping decides nothing any more.
            let _ = sender.send(Message::IdleGpus { id, number: row.attempt, idle_ms });
        }
    }
    book.processes().clone()
}

impl Actor {
    /// What an attempt was seen to use of its GPUs.
    pub(super) fn usage(&self, id: i64, number: u32) -> Option<Usage> {
        let view = read(&self.view);
        let book = lock(&view.book);
        book.attempt((id, number)).map(|job| job.usage)
    }

    /// Takes up what an engine before this one had gathered.
    pub(super) async fn restore_usage(&mut self) -> Result<()> {
        let store = &self.parts.store;
        for (id, number, usage) in store.open_usage().await? {
            let mut histories = Vec::new();
            for metric in [Metric::JobUtilisation, Metric::JobMemory] {
                let Some(data) = store.attempt_history((id, number), metric.name()).await? else { continue };
                match Shrinking::from_bytes(&data) {
                    Ok(history) => histories.push((metric, history)),
                    Err(damage) => {
                        tracing::warn!(%damage, id, number, "the history of an attempt can't be read and begins anew");
                    }
                }
            }
            let view = read(&self.view);
            lock(&view.book).restore((id, number), usage, histories);
        }
        Ok(())
    }

    /// Records that a job's GPUs have been idle for too long, and ends the job if the user wants that.
    pub(super) async fn idle_gpus(
        &mut self,
        tx: &mut Tx,
        (id, number): (i64, u32),
        idle_ms: u64,
    ) -> Result<()> {
        let Some(row) = self.rows.get(&id).filter(|row| row.attempt == number).cloned() else {
            return Ok(());
        };
        let settings = read(&self.view).settings.clone();
        let took = text::duration(i64::try_from(idle_ms).unwrap_or(i64::MAX));
        let what = format!("GPUs below {} % for {took}", settings.idle_gpu_percent);
        let text = format!("{} runs, but does not use what it holds: its {what}", row.name);
        self.tell_of(tx, &row, EventKind::GpuIdle, text).await?;
        if settings.idle_gpu_cancel && row.cancel_requested_at.is_none() {
            let text = format!("{} is being cancelled, as the settings say for {what}", row.name);
            self.tell_of(tx, &row, EventKind::PolicyCancel, text).await?;
            if let Err(refused) = self.act_on(tx, Action::Cancel, id).await? {
                tracing::warn!(%refused, uid = row.uid, "a job that does not use its GPUs could not be cancelled");
            }
        }
        Ok(())
    }

    async fn tell_of(
        &mut self,
        tx: &mut Tx,
        row: &ExperimentRow,
        what: EventKind,
        text: String,
    ) -> Result<()> {
        let now = self.now();
        let about = Some((row.id, row.attempt));
        let cursor = self.parts.store.append_event(tx, now, what, about, &text).await?;
        self.happened(cursor, now, what, row, row.attempt, text);
        Ok(())
    }
}

#[cfg(test)]
#[path = "attribution_tests.rs"]
mod tests;
