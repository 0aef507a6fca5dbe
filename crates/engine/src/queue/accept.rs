//! Taking experiments in: all of a call or none.

use std::collections::{HashMap, HashSet};

use athanor_core::dependency::{Condition, Met, met};
use athanor_core::experiment::Uid;
use athanor_core::state::Status;

use super::actor::Actor;
use super::view::{Edge, Obstacle, Waiting};
use super::{Added, NewGroup, Parent, Prepared, read, write};
use crate::error::{Error, ErrorKind, Result};
use crate::live::Live;
use crate::store::{EventKind, ExperimentRow, GateRow, Tx};

const DEFAULT_GRACE_MS: u64 = 10_000;

/// Rows that are kept at hand for a start in the same transaction.
const AT_HAND: usize = 64;

/// From one position in the queue to the next: room for others in between.
pub(super) const STRIDE: i64 = 1 << 20;

/// The uids that a new one must differ from: those of the present day.
#[derive(Default)]
pub(super) struct Uids {
    date: String,
    taken: HashSet<String>,
    counter: u64,
}

impl Uids {
    /// Forgets what is taken, before it is read again.
    pub fn forget(&mut self) {
        *self = Self { counter: self.counter, ..Self::default() };
    }
}

impl Actor {
    pub(super) async fn add(
        &mut self,
        tx: &mut Tx,
        prepared: &[Prepared],
        groups: &[NewGroup],
    ) -> Result<Result<Added>> {
        // All refusals come before the first row is written.
        let mut parents = HashMap::new();
        for item in prepared {
            if let Some(why) = self.impossible(item) {
                return Ok(Err(why));
            }
            for parent in &item.after {
                if let Parent::There { id, uid, .. } = parent
                    && !parents.contains_key(id)
                {
                    let Some(row) = self.parts.store.experiment_in(tx, *id).await? else {
                        let gone =
                            format!("the experiment {uid}, which must come first, is not there any more");
                        return Ok(Err(Error::invalid("after", gone)));
                    };
                    parents.insert(*id, (row.uid, row.status));
                }
            }
        }
        for group in groups {
            if let Err(error) = self.set_group(tx, group).await? {
                return Ok(Err(error));
            }
        }
        let now = self.now();
        let mut added = Added::default();
        let mut ensured = HashSet::new();
        let mut position = self.last_position();
        for item in prepared {
            if let Some(key) = &item.new.key
                && let Some(there) = self.parts.store.experiment_by_key(tx, key).await?
            {
                added.existing.push(there.uid.clone());
                added.rows.push(there);
                continue;
            }
            if let Some(group) = &item.new.group
                && ensured.insert(group)
            {
                self.parts.store.ensure_group(tx, group, now).await?;
            }
            position += STRIDE;
            let row = self.accept(tx, item, position, now).await?;
            let mut standing = Vec::with_capacity(item.after.len());
            for parent in &item.after {
                match parent {
                    Parent::There { id, when, .. } => {
                        if let Some((uid, status)) = parents.get(id) {
                            standing.push((*id, uid.clone(), *when, met(*when, *status)));
                        }
                    }
                    Parent::Earlier { place, when } => {
                        let earlier = &added.rows[*place];
                        standing.push((earlier.id, earlier.uid.clone(), *when, met(*when, earlier.status)));
                    }
                }
            }
            let row = self.write_new(tx, row, item, standing, now).await?;
            added.rows.push(row);
        }
        Ok(Ok(added))
    }

    /// Where the last of the queue stands. Keys grow with time, so that a position made of one stands behind all that
    /// were made before; only moving something to the end may have gone further.
    fn last_position(&self) -> i64 {
        read(&self.view).last_position().max((self.next_id - 1).saturating_mul(STRIDE))
    }

    fn impossible(&self, item: &Prepared) -> Option<Error> {
        let view = read(&self.view);
        let why = item.new.requirements.impossible(view.machine.as_ref()?)?;
        Some(
            Error::new(ErrorKind::Impossible, format!("{} can never run here. {why}", item.name))
                .hint("“athanor resources” says what this machine has."),
        )
    }

    async fn accept(
        &mut self,
        tx: &mut Tx,
        item: &Prepared,
        position: i64,
        now: i64,
    ) -> Result<ExperimentRow> {
        if self.environments.insert(item.environment_hash) {
            self.parts.store.add_environment(tx, &item.environment_hash, &item.sealed).await?;
        }
        let (id, uid) = (self.next_id, self.free_uid(tx, now).await?);
        self.next_id += 1;
        let new = &item.new;
        Ok(ExperimentRow {
            id,
            uid,
            name: item.name.clone(),
            project: new.project.clone(),
            command: new.command.clone(),
            cwd: new.cwd.clone(),
            environment: item.environment_hash.to_vec(),
            config_path: new.config_path.clone(),
            config_text: item.config_text.clone(),
            priority: new.priority,
            position,
            status: Status::Pending,
            cancel_requested_at: None,
            failure: None,
            attempt: 0,
            time_limit_ms: new.time_limit_ms,
            grace_ms: new.grace_ms.unwrap_or(DEFAULT_GRACE_MS),
            live: Live::default(),
            tags: new.tags.clone(),
            notes: new.notes.clone(),
            requirements: new.requirements.clone(),
            group: new.group.clone(),
            gate: GateRow {
                held: new.hold,
                not_before: new.not_before,
                window: new.window.clone(),
                start_by: new.start_by,
                retry_at: None,
            },
            wait_for_failed: new.wait_for_failed,
            retry: new.retry.clone(),
            retries_used: 0,
            strikes: 0,
            key: new.key.clone(),
            submitted_by: new.submitted_by.clone(),
            metadata: new.metadata.clone(),
            parent_id: new.parent_id,
            config_copy: new.config_text.is_some(),
            archived_at: None,
            created_at: now,
            queued_at: None,
            started_at: None,
            completed_at: None,
        })
    }

    async fn write_new(
        &mut self,
        tx: &mut Tx,
        mut row: ExperimentRow,
        item: &Prepared,
        parents: Vec<(i64, String, Condition, Met)>,
        now: i64,
    ) -> Result<ExperimentRow> {
        let edges = parents
            .iter()
            .map(|(id, _, condition, standing)| Edge {
                parent: Some(*id),
                condition: *condition,
                standing: *standing,
            })
            .collect();
        let mut waiting = Waiting::of(&row, edges);
        let obstacle = read(&self.view).obstacle(&waiting, now);
        let text = match &obstacle {
            Obstacle::None => {
                row.status = Status::Queued;
                row.queued_at = Some(now);
                format!("{} was queued", row.name)
            }
            Obstacle::Closed(reason) => format!("{} was accepted. {}", row.name, reason.words_at(now)),
            Obstacle::Expired | Obstacle::Never(_) => format!("{} was accepted", row.name),
        };
        waiting.status = row.status;
        let cursor = self.parts.store.add_experiment(tx, &row, &text).await?;
        self.happened(cursor, now, EventKind::Added, &row, 0, text);
        self.at_hand(&row);
        if !parents.is_empty() {
            self.parts.store.set_dependencies(tx, row.id, &parents, true).await?;
        }
        if self.known.len() < AT_HAND && row.status == Status::Queued {
            self.known.insert(row.id, (row.clone(), item.sealed.to_vec()));
        }
        {
            let mut view = write(&self.view);
            view.counts.add(row.status);
            view.insert_waiting(row.id, waiting, now);
            self.replan = self.replan || view.disturbs(row.id);
        }
        if matches!(obstacle, Obstacle::Expired | Obstacle::Never(_)) {
            // It can't start any more: said at once, in words.
            self.regate(tx, row.id).await?;
            if let Some(after) = self.parts.store.experiment_in(tx, row.id).await? {
                row = after;
            }
        }
        Ok(row)
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
}
