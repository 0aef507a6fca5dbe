//! GPUs in and out of the queue: by the user, and by the circuit breaker, when jobs die on one of them one after the
//! other. The rule stands in `athanor_core::device_breaker`; what it is told comes from the attempts that ended last
//! and from what runs now.

use athanor_core::device_breaker::{DeviceBreaker, Elsewhere, Fared, Strike, Work};
use athanor_core::experiment::JobCommand;
use athanor_core::placement::Assignment;
use athanor_core::retry::Breaker;

use super::actor::{Actor, Afterwards};
use super::{read, write};
use crate::bus::{Notice, NoticeLevel, Push};
use crate::error::Result;
use crate::store::{AttemptEnd, EventKind, ExperimentRow, RecentRow, TrippedGpu, Tx};

/// Attempts that ended last, among which those are looked for that fared well or ill elsewhere.
const LOOK_BACK: u32 = 500;

impl Actor {
    /// What an attempt's end says of the GPUs that it had. To be called while it is still among those under way.
    pub(super) async fn note_gpus(
        &mut self,
        tx: &mut Tx,
        row: &ExperimentRow,
        end: &AttemptEnd,
        took_ms: i64,
    ) -> Result<()> {
        let uuids: Vec<String> = {
            let view = read(&self.view);
            let held = view.active.get(&row.id).into_iter().flat_map(|active| &active.assignment.gpus);
            held.map(|share| share.uuid.clone()).collect()
        };
        if uuids.is_empty() {
            return Ok(());
        }
        let reason = end.failure.as_ref().map(|failure| failure.reason);
        let fared = Fared::of(end.status, reason, took_ms.max(0).unsigned_abs());
        let message = end.failure.as_ref().map(|failure| failure.message.as_str()).unwrap_or_default();
        let strike = || Strike {
            work: work(&row.uid, row.group.as_deref(), &row.command, &row.cwd),
            at: end.ended_at,
            message: format!("{} ({}): {message}", row.name, row.uid),
        };
        let before = read(&self.view).gpu_breakers.clone();
        let mut breakers = before.clone();
        for uuid in &uuids {
            let breaker = breakers.remove(uuid).unwrap_or_default().after(fared, strike);
            if !breaker.is_clear() {
                breakers.insert(uuid.clone(), breaker);
            }
        }
        if breakers == before {
            return Ok(());
        }
        self.parts.store.set_gpu_breakers(tx, &breakers).await?;
        write(&self.view).gpu_breakers.clone_from(&breakers);
        for uuid in uuids {
            if let Some(breaker) = breakers.get(&uuid).filter(|breaker| breaker.is_suspect()) {
                self.judge_gpu(tx, &uuid, breaker, row.id).await?;
            }
        }
        Ok(())
    }

    async fn judge_gpu(
        &mut self,
        tx: &mut Tx,
        uuid: &str,
        breaker: &DeviceBreaker,
        ending: i64,
    ) -> Result<()> {
        let before = read(&self.view).settings.clone();
        if before.out_of_queue().contains_key(uuid) {
            return Ok(());
        }
        let past = self.parts.store.recent_attempts(tx, LOOK_BACK).await?;
        let mut elsewhere: Vec<Elsewhere> =
            past.iter().filter(|past| !is_on(past.assignment.as_ref(), uuid)).map(ended).collect();
        elsewhere.extend(self.running_elsewhere(uuid, ending));
        let Some(tripped) = breaker.judge(&elsewhere) else { return Ok(()) };
        let (at, reason) = (self.now(), tripped.words());
        let label = self.label(uuid);
        let mut after = before.clone();
        after.tripped_gpus.push(TrippedGpu { uuid: uuid.to_owned(), at, reason: reason.clone() });
        self.write_settings(tx, &before, after).await?;
        self.set_unavailable(uuid, Some(reason.clone()));
        self.happened_to_queue(tx, EventKind::GpuTripped, &format!("{label} was {reason}")).await?;
        self.afterwards.push(Afterwards::Tell(Box::new(Push::Notice(Notice {
            level: NoticeLevel::Error,
            title: format!("{label} was taken out of the queue"),
            message: format!(
                "It was {reason}. Give it back when that is mended: “athanor gpu unblock {uuid}”."
            ),
        }))));
        Ok(())
    }

    /// What has an attempt under way on other devices.
    fn running_elsewhere(&self, uuid: &str, ending: i64) -> Vec<Elsewhere> {
        let (now, view) = (self.now(), read(&self.view));
        let at_once = i64::try_from(Breaker::AT_ONCE_MS).unwrap_or(i64::MAX);
        let others = view.active.iter().filter(|(id, _)| **id != ending);
        others
            .filter(|(_, active)| !is_on(Some(&active.assignment), uuid))
            .filter_map(|(id, active)| {
                let row = self.rows.get(id)?;
                let lives = now.saturating_sub(active.started_at) > at_once;
                Some(Elsewhere {
                    work: work(&row.uid, row.group.as_deref(), &row.command, &row.cwd),
                    started_at: active.started_at,
                    fared: if lives { Fared::Well } else { Fared::Unclear },
                })
            })
            .collect()
    }

    /// Takes a GPU out of the queue, or gives it back, as the user asks; what was held against it is forgotten.
    pub(super) async fn block_gpu(
        &mut self,
        tx: &mut Tx,
        uuid: &str,
        label: &str,
        blocked: bool,
    ) -> Result<()> {
        let before = read(&self.view).settings.clone();
        let mut after = before.clone();
        after.blocked_gpus.retain(|known| known != uuid);
        after.tripped_gpus.retain(|gpu| gpu.uuid != uuid);
        if blocked {
            after.blocked_gpus.push(uuid.to_owned());
        }
        let mut breakers = read(&self.view).gpu_breakers.clone();
        if breakers.remove(uuid).is_some() {
            self.parts.store.set_gpu_breakers(tx, &breakers).await?;
            write(&self.view).gpu_breakers = breakers;
        }
        let mut out = after.out_of_queue();
        if out == before.out_of_queue() {
            return Ok(());
        }
        self.write_settings(tx, &before, after).await?;
        self.set_unavailable(uuid, out.remove(uuid));
        let (what, text) = match blocked {
            true => (EventKind::GpuBlocked, format!("{label} was taken out of the queue")),
            false => (EventKind::GpuUnblocked, format!("{label} was given back to the queue")),
        };
        self.happened_to_queue(tx, what, &text).await
    }

    /// Until the machine is looked at again, this is what is known of it.
    fn set_unavailable(&mut self, uuid: &str, why: Option<String>) {
        if let Some(machine) = &mut write(&self.view).machine {
            for gpu in machine.gpus.iter_mut().filter(|gpu| gpu.uuid == uuid) {
                gpu.unavailable.clone_from(&why);
            }
        }
    }

    fn label(&self, uuid: &str) -> String {
        let view = read(&self.view);
        let gpu = view.machine.iter().flat_map(|machine| &machine.gpus).find(|gpu| gpu.uuid == uuid);
        gpu.map_or_else(|| format!("GPU {uuid}"), |gpu| format!("GPU {} ({})", gpu.index, gpu.model))
    }
}

fn is_on(assignment: Option<&Assignment>, uuid: &str) -> bool {
    assignment.is_some_and(|held| held.gpus.iter().any(|share| share.uuid == uuid))
}

fn work(uid: &str, group: Option<&str>, command: &JobCommand, cwd: &str) -> Work {
    Work {
        experiment: uid.to_owned(),
        group: group.map(str::to_owned),
        program: format!("{} in {cwd}", command.default_name()),
    }
}

fn ended(past: &RecentRow) -> Elsewhere {
    let lived_ms = past.ended_at.saturating_sub(past.started_at).max(0).unsigned_abs();
    Elsewhere {
        work: work(&past.uid, past.group.as_deref(), &past.command, &past.cwd),
        started_at: past.started_at,
        fared: Fared::of(past.status, past.reason, lived_ms),
    }
}
