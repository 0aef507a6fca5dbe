//! What listeners are told of a transaction, once it is committed.

use super::actor::Actor;
use super::read;
use crate::bus::Push;
use crate::monitor::Watch;
use crate::store::{EventKind, EventRow, ExperimentRow};

/// An event to be told, with the experiment after it where it is at hand.
pub(super) struct Told {
    pub event: EventRow,
    pub row: Option<ExperimentRow>,
}

impl Actor {
    /// Notes an event of an experiment, to be told once it is committed.
    pub(super) fn happened(
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
    pub(super) fn at_hand(&mut self, row: &ExperimentRow) {
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
            if !events.is_empty() {
                self.parts.bus.stir();
            }
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
}
