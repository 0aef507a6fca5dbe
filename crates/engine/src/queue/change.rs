//! What people do with experiments: cancel, pause, resume, hold, retry, move, edit, put away, delete; and with groups.

use athanor_core::dependency::{Condition, Met, find_cycle, met};
use athanor_core::experiment::Priority;
use athanor_core::state::{Move, Status};

use super::accept::STRIDE;
use super::actor::{Actor, Afterwards};
use super::view::Waiting;
use super::{Action, Destination, Hands, NewGroup, Parent, PreparedEdit, read, write};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{EventKind, ExperimentRow, Tx};
use crate::submit::check_tags;

/// Longest name of a group, characters.
const GROUP_NAME: usize = 100;

/// Most members of a group that may be asked to run at once.
const PARALLEL_MAX: u32 = 10_000;

/// What a user did wrong, inside what the store did.
type Answer = Result<Result<()>>;

fn refused(row: &ExperimentRow, why: &impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::IllegalMove, format!("{} ({}): {why}", row.name, row.uid))
}

impl Actor {
    pub(super) async fn act_on(&mut self, tx: &mut Tx, action: Action, id: i64) -> Answer {
        let Some(row) = self.parts.store.experiment_in(tx, id).await? else {
            return Ok(Err(Error::new(ErrorKind::NotFound, "that experiment is not there any more")));
        };
        match action {
            Action::Cancel => self.cancel(tx, row).await,
            Action::Pause if row.status.is_active() => self.pause_running(tx, row).await,
            Action::Pause | Action::Hold => self.hold(tx, row).await,
            Action::Resume if row.status == Status::Paused => self.resume_running(tx, row).await,
            Action::Resume => self.lift(tx, row).await,
            Action::Retry => self.requeue(tx, row).await,
            Action::Archive => self.archive(tx, row, true).await,
            Action::Restore => self.archive(tx, row, false).await,
            Action::Delete => self.delete(tx, row).await,
            // Moves several at once.
            Action::Move(_) => Ok(Ok(())),
        }
    }

    async fn cancel(&mut self, tx: &mut Tx, row: ExperimentRow) -> Answer {
        if let Err(illegal) = row.status.after(Move::Cancel) {
            return Ok(Err(refused(&row, &illegal)));
        }
        if !row.status.is_active() {
            let text = format!("{} was cancelled before it started", row.name);
            self.finish_waiting(tx, row.id, Move::Cancel, EventKind::Cancelled, None, text).await?;
            return Ok(Ok(()));
        }
        if !self.controls.contains_key(&row.id) && matches!(self.parts.hands, Hands::Runner(_)) {
            let why = "what became of it could not be found out: its folder can't be read";
            return Ok(Err(refused(&row, &why)
                .hint("Look at the folder “attempts” of the data folder, then start Athanor anew.")));
        }
        // The status changes when the processes have ended, with what the kernel says. Asked again, it is passed on
        // again: the supervisor then waits no longer.
        self.afterwards.push(Afterwards::Cancel(row.id));
        if row.cancel_requested_at.is_none() {
            let (now, text) = (self.now(), format!("{} is being cancelled", row.name));
            let cursor = self.parts.store.request_cancel(tx, row.id, row.attempt, now, &text).await?;
            if let Some(row) = self.rows.get_mut(&row.id) {
                row.cancel_requested_at = Some(now);
            }
            self.happened(cursor, now, EventKind::CancelRequested, &row, row.attempt, text);
        }
        Ok(Ok(()))
    }

    async fn pause_running(&mut self, tx: &mut Tx, row: ExperimentRow) -> Answer {
        if row.status == Status::Paused {
            return Ok(Ok(()));
        }
        if row.cancel_requested_at.is_some() {
            return Ok(Err(refused(&row, &"it is being cancelled")));
        }
        let text = match read(&self.view).active.get(&row.id).map(|active| active.assignment.gpus.len()) {
            Some(0) | None => format!("{} was paused", row.name),
            Some(_) => format!("{} was paused; its GPU memory stays taken", row.name),
        };
        self.set_running(tx, row, Move::Pause, (EventKind::Paused, text)).await
    }

    async fn resume_running(&mut self, tx: &mut Tx, row: ExperimentRow) -> Answer {
        let text = format!("{} goes on", row.name);
        self.set_running(tx, row, Move::Resume, (EventKind::Resumed, text)).await
    }

    async fn set_running(
        &mut self,
        tx: &mut Tx,
        mut row: ExperimentRow,
        by: Move,
        (what, text): (EventKind, String),
    ) -> Answer {
        let before = row.status;
        row.status = match row.status.after(by) {
            Ok(next) => next,
            Err(illegal) => return Ok(Err(refused(&row, &illegal))),
        };
        let attempt = row.attempt;
        self.parts.store.set_attempt_status(tx, row.id, attempt, row.status).await?;
        self.save(tx, &row, (what, attempt), text).await?;
        if let Some(kept) = self.rows.get_mut(&row.id) {
            kept.status = row.status;
        }
        write(&self.view).counts.shift(before, row.status);
        self.afterwards.push(Afterwards::Pause(row.id, by == Move::Pause));
        Ok(Ok(()))
    }

    async fn hold(&mut self, tx: &mut Tx, mut row: ExperimentRow) -> Answer {
        if !matches!(row.status, Status::Pending | Status::Queued) {
            return Ok(Err(match row.status.after(Move::Hold) {
                Err(illegal) => refused(&row, &illegal),
                Ok(_) => refused(&row, &"it does not wait"),
            }));
        }
        if row.gate.held {
            return Ok(Ok(()));
        }
        let before = row.status;
        if row.status == Status::Queued {
            row.status = super::actor::after(row.status, Move::Hold)?;
        }
        row.gate.held = true;
        let text = format!("{} is held", row.name);
        self.save(tx, &row, (EventKind::Held, 0), text).await?;
        self.put_back(tx, before, &row).await?;
        Ok(Ok(()))
    }

    async fn lift(&mut self, tx: &mut Tx, mut row: ExperimentRow) -> Answer {
        if !matches!(row.status, Status::Pending | Status::Queued) {
            return Ok(Err(match row.status.after(Move::Resume) {
                Err(illegal) => refused(&row, &illegal),
                Ok(_) => refused(&row, &"it is not paused"),
            }));
        }
        // A retry that waits for its delay is started at once, too: that is what the user asks for.
        if !row.gate.held && row.gate.retry_at.is_none() {
            return Ok(Ok(()));
        }
        (row.gate.held, row.gate.retry_at) = (false, None);
        let text = format!("{} is not held any more", row.name);
        self.save(tx, &row, (EventKind::Resumed, 0), text).await?;
        self.put_back(tx, row.status, &row).await?;
        self.regate(tx, row.id).await?;
        Ok(Ok(()))
    }

    async fn requeue(&mut self, tx: &mut Tx, mut row: ExperimentRow) -> Answer {
        let before = row.status;
        if row.status.is_active() || !row.status.is_terminal() {
            return Ok(Err(refused(&row, &"only one that has ended can be retried")));
        }
        row.status = match row.status.after(Move::Requeue) {
            Ok(next) => next,
            Err(illegal) => {
                let hint = "A completed experiment is repeated as a new one: “athanor again”.";
                return Ok(Err(refused(&row, &illegal).hint(hint)));
            }
        };
        if row.archived_at.is_some() {
            return Ok(Err(refused(&row, &"it was put away").hint("Take it back out first.")));
        }
        if let Some(window) = &row.gate.window
            && !read(&self.view).settings.windows.iter().any(|known| known.name == *window)
        {
            let why = format!("it is to start in the window “{window}”, which is not defined any more");
            return Ok(Err(refused(&row, &why).hint("Define it in the settings, or queue a copy.")));
        }
        if let Some(error) = self.circle(tx, &row).await? {
            return Ok(Err(error));
        }
        // Whether it may start is looked at below.
        row.status = super::actor::after(row.status, Move::Hold)?;
        (row.retries_used, row.strikes, row.completed_at) = (0, 0, None);
        row.gate.held = false;
        row.gate.retry_at = None;
        // A moment that has passed would only end it again.
        row.gate.start_by = row.gate.start_by.filter(|by| *by > self.now());
        let text = format!("{} was queued once more", row.name);
        self.save(tx, &row, (EventKind::Requeued, 0), text).await?;
        for parent in self.parts.store.parents_in(tx, row.id).await? {
            let (Some(id), Some(status)) = (parent.id, parent.status) else { continue };
            let standing = met(parent.condition, status);
            self.parts.store.settle_dependency(tx, row.id, id, (parent.condition, standing)).await?;
        }
        self.put_back(tx, before, &row).await?;
        self.regate(tx, row.id).await?;
        self.reopen(tx, row.id).await?;
        Ok(Ok(()))
    }

    async fn archive(&mut self, tx: &mut Tx, mut row: ExperimentRow, away: bool) -> Answer {
        if !row.status.is_terminal() {
            return Ok(Err(refused(&row, &"only a finished one can be put away")));
        }
        if row.archived_at.is_some() == away {
            return Ok(Ok(()));
        }
        if !away
            && let Some(key) = &row.key
            && let Some(other) = self.parts.store.experiment_by_key(tx, key).await?
        {
            let why = format!("its key “{key}” has been given to {} since", other.uid);
            return Ok(Err(refused(&row, &why)));
        }
        row.archived_at = away.then(|| self.now());
        let (what, text) = match away {
            true => (EventKind::Archived, format!("{} was put away", row.name)),
            false => (EventKind::Restored, format!("{} was taken back out", row.name)),
        };
        self.save(tx, &row, (what, 0), text).await?;
        let mut view = write(&self.view);
        match away {
            true => view.counts.remove(row.status),
            false => view.counts.add(row.status),
        }
        Ok(Ok(()))
    }

    async fn delete(&mut self, tx: &mut Tx, row: ExperimentRow) -> Answer {
        if !row.status.is_terminal() {
            return Ok(Err(refused(&row, &"only a finished one can be deleted").hint("Cancel it first.")));
        }
        // Whoever named it, waiting or not, keeps how it ended.
        for condition in Condition::ALL {
            let standing = met(condition, row.status);
            self.parts.store.settle_for_good(tx, row.id, condition, standing).await?;
        }
        let children = read(&self.view).children(row.id);
        let text = format!("{} ({}) was deleted", row.name, row.uid);
        let now = self.now();
        let cursor =
            self.parts.store.append_event(tx, now, EventKind::Deleted, Some((row.id, 0)), &text).await?;
        self.happened(cursor, now, EventKind::Deleted, &row, 0, text);
        self.parts.store.delete_experiment(tx, row.id, &row.environment).await?;
        self.environments.clear();
        self.afterwards.push(Afterwards::RemoveFolder(row.uid.clone()));
        for child in children {
            let edges = self.edges(tx, child).await?;
            {
                let mut view = write(&self.view);
                if let Some(mut waiting) = view.waiting(child).cloned() {
                    waiting.parents = edges;
                    view.insert_waiting(child, waiting, now);
                }
            }
            self.regate(tx, child).await?;
        }
        if row.archived_at.is_none() {
            write(&self.view).counts.remove(row.status);
        }
        Ok(Ok(()))
    }

    /// Puts a waiting experiment into the index as its row now is.
    async fn put_back(&mut self, tx: &mut Tx, before: Status, row: &ExperimentRow) -> Result<()> {
        let parents = self.edges(tx, row.id).await?;
        let now = self.now();
        self.known.remove(&row.id);
        self.replan = true;
        let mut view = write(&self.view);
        if before != row.status {
            view.counts.shift(before, row.status);
        }
        view.insert_waiting(row.id, Waiting::of(row, parents), now);
        Ok(())
    }

    /// Gives waiting experiments another place, in the order in which they are named. Positions are far enough apart
    /// that only those that move are written; where the room is used up, all of that priority are numbered anew.
    pub(super) async fn reorder(
        &mut self,
        tx: &mut Tx,
        ids: &[i64],
        destination: Destination,
    ) -> Result<Vec<Result<()>>> {
        let mut each = Vec::with_capacity(ids.len());
        let mut moving = Vec::new();
        let target = match destination {
            Destination::Before(other) | Destination::After(other) => {
                let place = read(&self.view).waiting(other).map(|waiting| waiting.place);
                let Some(place) = place else {
                    let gone = || Error::invalid("destination", "the other experiment does not wait");
                    return Ok(ids.iter().map(|_| Err(gone())).collect());
                };
                Some(place)
            }
            Destination::Top | Destination::Bottom => None,
        };
        for id in ids {
            let row = self.parts.store.experiment_in(tx, *id).await?;
            each.push(match row {
                None => Err(Error::new(ErrorKind::NotFound, "that experiment is not there any more")),
                Some(row) if read(&self.view).waiting(*id).is_none() => {
                    Err(refused(&row, &"only one that waits has a place in the queue"))
                }
                Some(row) => {
                    moving.push(row);
                    Ok(())
                }
            });
        }
        let named: Vec<i64> = moving.iter().map(|row| row.id).collect();
        // Of one priority each: those that go to the top or bottom keep theirs.
        for rank in 0..=3u8 {
            let group: Vec<ExperimentRow> = match target {
                Some((of, _, _)) if of == rank => std::mem::take(&mut moving),
                Some(_) => continue,
                None => moving.extract_if(.., |row| row.priority.rank() == rank).collect(),
            };
            if group.is_empty() {
                continue;
            }
            let room = self.room(rank, target.map(|place| place.1), destination, &named, group.len());
            let positions = match room {
                Some(positions) => positions,
                None => {
                    self.renumber(tx, rank).await?;
                    let target = match destination {
                        Destination::Before(other) | Destination::After(other) => {
                            read(&self.view).waiting(other).map(|waiting| waiting.place.1)
                        }
                        _ => None,
                    };
                    self.room(rank, target, destination, &named, group.len()).unwrap_or_default()
                }
            };
            for (mut row, position) in group.into_iter().zip(positions) {
                let before = row.status;
                row.position = position;
                row.priority = Priority::from_rank(rank).unwrap_or(row.priority);
                let text = format!("{} was moved in the queue", row.name);
                self.save(tx, &row, (EventKind::Moved, 0), text).await?;
                self.put_back(tx, before, &row).await?;
            }
        }
        Ok(each)
    }

    /// So many positions in a row at the destination; `None` if there is no room between the neighbours.
    fn room(
        &self,
        rank: u8,
        target: Option<i64>,
        destination: Destination,
        except: &[i64],
        count: usize,
    ) -> Option<Vec<i64>> {
        let view = read(&self.view);
        let (before, after) = match (destination, target) {
            (Destination::Top, _) => (None, view.neighbours(rank, i64::MIN, except).1),
            (Destination::Bottom, _) => (view.neighbours(rank, i64::MAX, except).0, None),
            (Destination::Before(_), Some(at)) => (view.neighbours(rank, at - 1, except).0, Some(at)),
            (Destination::After(_), Some(at)) => (Some(at), view.neighbours(rank, at, except).1),
            _ => return None,
        };
        let count = i64::try_from(count).ok()?;
        let (first, step) = match (before, after) {
            (Some(before), Some(after)) => {
                let step = (after - before) / (count + 1);
                if step == 0 {
                    return None;
                }
                (before + step, step)
            }
            (Some(before), None) => (before + STRIDE, STRIDE),
            (None, Some(after)) => (after - STRIDE * count, STRIDE),
            (None, None) => (STRIDE, STRIDE),
        };
        Some((0..count).map(|n| first + n * step).collect())
    }

    /// Spreads the waiting experiments of a priority out again, in their order.
    async fn renumber(&mut self, tx: &mut Tx, rank: u8) -> Result<()> {
        let mut places: Vec<_> = {
            let view = read(&self.view);
            let waiting = view.waiting_ids().into_iter().filter_map(|id| view.waiting(id));
            waiting.map(|waiting| waiting.place).filter(|place| place.0 == rank).collect()
        };
        places.sort_unstable();
        let Some(first) = places.first().map(|place| place.1) else { return Ok(()) };
        for (n, (_, _, id)) in (0i64..).zip(places) {
            let position = first + n * STRIDE;
            self.parts.store.set_position(tx, id, position).await?;
            let now = self.now();
            let mut view = write(&self.view);
            if let Some(mut waiting) = view.waiting(id).cloned() {
                waiting.place.1 = position;
                view.insert_waiting(id, waiting, now);
            }
        }
        // Rows that were taken in just now would carry their old position.
        self.known.clear();
        Ok(())
    }

    /// Changes each of several experiments.
    pub(super) async fn edit(
        &mut self,
        tx: &mut Tx,
        ids: &[i64],
        prepared: &PreparedEdit,
    ) -> Result<Vec<Result<()>>> {
        let mut each = Vec::with_capacity(ids.len());
        for id in ids {
            each.push(self.edit_one(tx, *id, prepared).await?);
        }
        Ok(each)
    }

    async fn edit_one(&mut self, tx: &mut Tx, id: i64, prepared: &PreparedEdit) -> Answer {
        let edit = &prepared.edit;
        let Some(mut row) = self.parts.store.experiment_in(tx, id).await? else {
            return Ok(Err(Error::new(ErrorKind::NotFound, "that experiment is not there any more")));
        };
        let kept = row.clone();
        let waits = matches!(row.status, Status::Pending | Status::Queued);
        if !waits && !edit.is_about_words() {
            let why = format!("it is {}: only name, tags and notes can be changed", row.status);
            return Ok(Err(refused(&row, &why).hint("“athanor again” queues a changed copy.")));
        }
        if let Some(requirements) = &edit.requirements
            && let Some(machine) = &read(&self.view).machine
            && let Some(why) = requirements.impossible(machine)
        {
            let text = format!("{} could never run here. {why}", row.name);
            return Ok(Err(Error::new(ErrorKind::Impossible, text)));
        }
        let mut edges = None;
        if let Some(parents) = &prepared.after {
            match self.new_edges(tx, &row, parents).await? {
                Ok(found) => edges = Some(found),
                Err(error) => return Ok(Err(error)),
            }
        }
        if let Some((hash, sealed)) = &prepared.environment {
            self.parts.store.add_environment(tx, hash, sealed).await?;
            self.environments.insert(*hash);
            row.environment = hash.to_vec();
        }
        if let Some(Some(group)) = &edit.group {
            self.parts.store.ensure_group(tx, group, self.now()).await?;
        }
        let before = row.status;
        apply(edit, &mut row);
        if let Err(error) = check_tags(&row.tags) {
            return Ok(Err(error));
        }
        if row == kept && edges.is_none() {
            // It is so already, as one of many may be.
            return Ok(Ok(()));
        }
        if row.status == Status::Queued && row.gate.held {
            row.status = super::actor::after(row.status, Move::Hold)?;
        }
        let text = format!("{} was changed", row.name);
        self.save(tx, &row, (EventKind::Edited, 0), text).await?;
        if let Some(kept) = self.rows.get_mut(&id) {
            kept.name.clone_from(&row.name);
            kept.tags.clone_from(&row.tags);
            kept.notes.clone_from(&row.notes);
        }
        if !waits {
            return Ok(Ok(()));
        }
        if let Some(edges) = edges {
            self.parts.store.set_dependencies(tx, id, &edges, false).await?;
        }
        self.put_back(tx, before, &row).await?;
        self.regate(tx, id).await?;
        Ok(Ok(()))
    }

    async fn new_edges(
        &mut self,
        tx: &mut Tx,
        row: &ExperimentRow,
        parents: &[Parent],
    ) -> Result<Result<Vec<(i64, String, Condition, Met)>>> {
        let mut edges = Vec::with_capacity(parents.len());
        for parent in parents {
            let Parent::There { id, when, .. } = parent else { continue };
            let Some(other) = self.parts.store.experiment_in(tx, *id).await? else {
                return Ok(Err(Error::invalid("after", "an experiment that must come first is gone")));
            };
            edges.push((*id, other.uid, *when, met(*when, other.status)));
        }
        let direct: Vec<i64> = edges.iter().map(|(id, ..)| *id).collect();
        Ok(match self.circle_through(row, &direct) {
            Some(error) => Err(error),
            None => Ok(edges),
        })
    }

    /// The circle that an experiment would close with its own dependencies, were it to wait again.
    async fn circle(&mut self, tx: &mut Tx, row: &ExperimentRow) -> Result<Option<Error>> {
        let parents = self.parts.store.parents_in(tx, row.id).await?;
        let direct: Vec<i64> = parents.into_iter().filter_map(|parent| parent.id).collect();
        Ok(self.circle_through(row, &direct))
    }

    fn circle_through(&self, row: &ExperimentRow, direct: &[i64]) -> Option<Error> {
        let view = read(&self.view);
        let cycle = find_cycle(|id| if id == row.id { direct.to_vec() } else { view.parents(id) }, row.id)?;
        let name = |id: &i64| match view.waiting(*id) {
            _ if *id == row.id => format!("{} ({})", row.name, row.uid),
            Some(waiting) => format!("{} ({})", waiting.name, waiting.uid),
            None => "another".into(),
        };
        let mut names: Vec<String> = cycle.iter().map(name).collect();
        names.extend(cycle.first().map(name));
        let text = format!("these would wait for each other: {}", names.join(" after "));
        Some(
            Error::new(ErrorKind::Cycle, text).in_field("after").hint("Take one of these dependencies away."),
        )
    }

    pub(super) async fn set_group(&mut self, tx: &mut Tx, group: &NewGroup) -> Answer {
        if let Err(error) = check_group_name(&group.name) {
            return Ok(Err(error));
        }
        if group.parallel.is_some_and(|parallel| parallel > PARALLEL_MAX) {
            return Ok(Err(Error::invalid("parallel", "at most 10,000 members can be allowed at once")));
        }
        let now = self.now();
        self.parts.store.set_group(tx, &group.name, group.parallel, group.sweep.as_deref(), now).await?;
        {
            let mut view = write(&self.view);
            match group.parallel {
                Some(limit) => view.groups.insert(group.name.clone(), limit),
                None => view.groups.remove(&group.name),
            };
        }
        self.replan = true;
        let text = match group.parallel {
            Some(limit) => format!("Of the group {} at most {limit} may run at once", group.name),
            None => format!("The group {} has no limit of its own", group.name),
        };
        self.happened_to_queue(tx, EventKind::GroupChanged, &text).await?;
        Ok(Ok(()))
    }
}

/// Checks the name of a group.
pub(crate) fn check_group_name(name: &str) -> Result<()> {
    let length = name.chars().count();
    if name.trim().is_empty() || length > GROUP_NAME || name.chars().any(char::is_control) {
        return Err(Error::invalid("group", "a group's name has 1 to 100 characters"));
    }
    Ok(())
}

fn apply(edit: &super::Edit, row: &mut ExperimentRow) {
    fn set<T: Clone>(field: &mut T, new: Option<&T>) {
        if let Some(new) = new {
            field.clone_from(new);
        }
    }
    set(&mut row.name, edit.name.as_ref());
    set(&mut row.tags, edit.tags.as_ref());
    if let Some(tagging) = &edit.tagging {
        row.tags.retain(|tag| !tagging.remove.contains(tag));
        let new: Vec<String> = tagging.add.iter().filter(|tag| !row.tags.contains(tag)).cloned().collect();
        row.tags.extend(new);
    }
    set(&mut row.notes, edit.notes.as_ref());
    set(&mut row.command, edit.command.as_ref());
    set(&mut row.cwd, edit.cwd.as_ref());
    set(&mut row.priority, edit.priority.as_ref());
    set(&mut row.requirements, edit.requirements.as_ref());
    set(&mut row.wait_for_failed, edit.wait_for_failed.as_ref());
    set(&mut row.gate.not_before, edit.not_before.as_ref());
    set(&mut row.gate.window, edit.window.as_ref());
    set(&mut row.gate.held, edit.hold.as_ref());
    set(&mut row.gate.start_by, edit.start_by.as_ref());
    set(&mut row.retry, edit.retry.as_ref());
    set(&mut row.group, edit.group.as_ref());
    set(&mut row.time_limit_ms, edit.time_limit_ms.as_ref());
    set(&mut row.grace_ms, edit.grace_ms.as_ref());
    if let Some(text) = &edit.config_text {
        row.config_text = Some(text.clone());
        row.config_copy = true;
    }
}
