//! What the queue holds in memory: an index over the store, made anew from it at each start.
//!
//! *Invariant:* only the queue's task changes it, under the write lock and in step with the open transaction; after a
//! rollback it is read again from the store. Everyone else looks.

use std::collections::btree_map::{Iter, Range};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError};

use athanor_core::dependency::{Condition, Met};
use athanor_core::device_breaker::DeviceBreaker;
use athanor_core::placement::{self, Assignment, Candidate, Holding, Limits, Machine, Plan, WaitReason};
use athanor_core::requirements::Requirements;
use athanor_core::schedule::{Bar, Days, Gate, Standing, Window};
use athanor_core::state::Status;
use jiff::tz::TimeZone;

use super::Stats;
use super::machine::SeenUse;
use crate::attribution::Book;
use crate::store::{Counts, ExperimentRow, GateRow, Settings};

/// The order of the queue: rank of the priority, position, key.
pub(crate) type Place = (u8, i64, i64);

/// Waiting jobs for which a start is estimated: nobody reads further down.
const FORECAST: usize = 200;

/// An experiment that waits.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    pub uid: Arc<str>,
    pub name: Arc<str>,
    pub place: Place,
    /// `Pending` or `Queued`.
    pub status: Status,
    pub requirements: Arc<Requirements>,
    pub group: Option<Arc<str>>,
    pub project: Option<Arc<str>>,
    pub cwd: Arc<str>,
    pub gate: GateRow,
    pub retries_used: u32,
    pub wait_for_failed: bool,
    pub parents: Vec<Edge>,
}

/// A dependency of a waiting experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Edge {
    /// The other's key; it may have been deleted since it ended.
    pub parent: Option<i64>,
    pub condition: Condition,
    pub standing: Met,
}

/// An experiment with an attempt under way.
#[derive(Debug, Clone)]
pub(crate) struct Active {
    pub uid: Arc<str>,
    pub name: Arc<str>,
    pub group: Option<Arc<str>>,
    pub project: Option<Arc<str>>,
    pub cwd: Arc<str>,
    pub assignment: Assignment,
    pub started_at: i64,
    pub estimated_ms: Option<u64>,
}

/// What stands before a waiting experiment, resources aside.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Obstacle {
    /// Nothing.
    None,
    /// This.
    Closed(WaitReason),
    /// Its deadline to start has passed.
    Expired,
    /// A dependency can't be met any more, and it does not wait on: the first such.
    Never(Edge),
}

/// What can be said of waiting jobs in their order; made when it is asked for and kept until something changes.
#[derive(Debug, Default)]
struct Outlook {
    /// Eligible jobs before each; before one that waits for a slot, only those that do so, too.
    ahead: HashMap<i64, u32>,
    /// Estimated starts.
    starts: HashMap<i64, i64>,
}

#[derive(Debug)]
pub(crate) struct View {
    waiting: HashMap<i64, Waiting>,
    /// The eligible ones in the order of the queue.
    queued: BTreeMap<Place, i64>,
    /// Those of them that state needs.
    declared: BTreeMap<Place, i64>,
    /// Waiting experiments that name this one as coming first.
    children: HashMap<i64, BTreeSet<i64>>,
    /// Moments at which a waiting experiment must be looked at again.
    timers: BTreeSet<(i64, i64)>,
    timer_of: HashMap<i64, i64>,
    /// The largest position of any that waits or has waited since the index was made.
    last_position: i64,
    pub active: HashMap<i64, Active>,
    /// As the open transaction has them.
    pub counts: Counts,
    pub settings: Settings,
    /// How the queue stands in the store: whoever reads there that all have ended must find them ended.
    told: Stats,
    /// Strikes of the GPUs that have any.
    pub gpu_breakers: BTreeMap<String, DeviceBreaker>,
    pub groups: HashMap<String, u32>,
    /// What the machine has, once it was looked at; others' use is in it.
    pub machine: Option<Machine>,
    /// What our jobs are seen to use.
    pub seen: SeenUse,
    /// What of that adds up over their attempts.
    pub book: Arc<Mutex<Book>>,
    pub plan: Option<Plan>,
    /// Whether this engine starts jobs.
    pub starts: bool,
    pub zone: TimeZone,
    outlook: Mutex<Option<Arc<Outlook>>>,
}

impl View {
    pub fn new(starts: bool) -> Self {
        Self {
            waiting: HashMap::new(),
            queued: BTreeMap::new(),
            declared: BTreeMap::new(),
            children: HashMap::new(),
            timers: BTreeSet::new(),
            timer_of: HashMap::new(),
            last_position: 0,
            active: HashMap::new(),
            counts: Counts::default(),
            settings: Settings::default(),
            told: Stats::default(),
            gpu_breakers: BTreeMap::new(),
            groups: HashMap::new(),
            machine: None,
            seen: SeenUse::default(),
            book: Arc::default(),
            plan: None,
            starts,
            zone: TimeZone::system(),
            outlook: Mutex::new(None),
        }
    }

    /// What was decided is committed: from now on it is told.
    pub fn stand(&mut self) {
        self.told = self.decided();
    }

    /// How the queue stands once the open transaction is committed.
    pub fn decided(&self) -> Stats {
        Stats { counts: self.counts, slots: self.settings.slots, paused: self.settings.queue_paused }
    }

    /// How the queue stands, of what is committed.
    pub fn stats(&self) -> Stats {
        self.told
    }

    /// Forgets all experiments, before they are read again.
    pub fn clear(&mut self) {
        self.waiting.clear();
        self.queued.clear();
        self.declared.clear();
        self.children.clear();
        self.timers.clear();
        self.timer_of.clear();
        self.active.clear();
        self.changed();
    }

    /// What was said of the order of the queue holds no longer.
    pub fn changed(&mut self) {
        *self.outlook.get_mut().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub fn insert_waiting(&mut self, id: i64, waiting: Waiting, now: i64) {
        self.remove_waiting(id);
        self.last_position = self.last_position.max(waiting.place.1);
        if waiting.status == Status::Queued {
            self.queued.insert(waiting.place, id);
            if waiting.requirements.declared() {
                self.declared.insert(waiting.place, id);
            }
        }
        for edge in &waiting.parents {
            if let Some(parent) = edge.parent {
                self.children.entry(parent).or_default().insert(id);
            }
        }
        // Whoever stands where nothing holds it any more is looked at at once: a moment may have passed between the
        // decision and now, as the delay of a quick retry does, or while no engine ran.
        let settled = matches!(
            (self.obstacle(&waiting, now), waiting.status),
            (Obstacle::None, Status::Queued) | (Obstacle::Closed(_), Status::Pending)
        );
        if let Some(at) = if settled { self.next_look(&waiting, now) } else { Some(now) } {
            self.timers.insert((at, id));
            self.timer_of.insert(id, at);
        }
        self.waiting.insert(id, waiting);
        self.changed();
    }

    pub fn remove_waiting(&mut self, id: i64) -> Option<Waiting> {
        let waiting = self.waiting.remove(&id)?;
        self.queued.remove(&waiting.place);
        self.declared.remove(&waiting.place);
        for edge in &waiting.parents {
            if let Some(parent) = edge.parent
                && let Some(children) = self.children.get_mut(&parent)
            {
                children.remove(&id);
                if children.is_empty() {
                    self.children.remove(&parent);
                }
            }
        }
        if let Some(at) = self.timer_of.remove(&id) {
            self.timers.remove(&(at, id));
        }
        self.changed();
        Some(waiting)
    }

    pub fn waiting(&self, id: i64) -> Option<&Waiting> {
        self.waiting.get(&id)
    }

    /// Keys of all waiting experiments.
    pub fn waiting_ids(&self) -> Vec<i64> {
        self.waiting.keys().copied().collect()
    }

    /// The eligible ones that stand first, in their order.
    pub fn first_queued(&self, count: usize) -> Vec<i64> {
        self.queued.values().take(count).copied().collect()
    }

    pub fn has_queued(&self) -> bool {
        !self.queued.is_empty()
    }

    /// The largest position of any that waits or has waited since the index was made.
    pub fn last_position(&self) -> i64 {
        self.last_position
    }

    /// Whether one that was just taken in may start, or may keep another from starting, so that a new plan is needed.
    /// One that joins the end of the queue and does not fit into what the present plan has left changes nothing: the
    /// cost of an addition does not grow with the queue.
    pub fn disturbs(&self, id: i64) -> bool {
        let (Some(waiting), Some(plan)) = (self.waiting.get(&id), &self.plan) else { return true };
        if waiting.status != Status::Queued {
            return false;
        }
        let last = self.queued.last_key_value().is_some_and(|(place, _)| *place == waiting.place);
        let blind = self.machine.is_none() && waiting.requirements.declared();
        !last || (!blind && plan.explain(&Self::candidate(id, waiting), 0) == WaitReason::Next)
    }

    /// Waiting experiments that name this one as coming first.
    pub fn children(&self, parent: i64) -> Vec<i64> {
        self.children.get(&parent).into_iter().flatten().copied().collect()
    }

    /// The parents of a waiting experiment, for the search for cycles.
    pub fn parents(&self, id: i64) -> Vec<i64> {
        self.waiting
            .get(&id)
            .map_or_else(Vec::new, |waiting| waiting.parents.iter().filter_map(|edge| edge.parent).collect())
    }

    /// When the first of the waiting must be looked at.
    pub fn next_timer(&self) -> Option<i64> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Those that must be looked at by now.
    pub fn due(&self, now: i64) -> Vec<i64> {
        self.timers.range(..=(now, i64::MAX)).map(|(_, id)| *id).collect()
    }

    /// The positions of the waiting neighbours of a place: of the one before it and the one after it, if they have
    /// its priority.
    pub fn neighbours(&self, rank: u8, position: i64, except: &[i64]) -> (Option<i64>, Option<i64>) {
        let others = self
            .waiting
            .iter()
            .filter(|(id, waiting)| waiting.place.0 == rank && !except.contains(id))
            .map(|(_, waiting)| waiting.place.1);
        let (mut before, mut after) = (None::<i64>, None::<i64>);
        for other in others {
            if other <= position {
                before = Some(before.map_or(other, |best| best.max(other)));
            } else {
                after = Some(after.map_or(other, |best| best.min(other)));
            }
        }
        (before, after)
    }

    fn gate(&self, gate: &GateRow) -> Gate {
        Gate {
            held: gate.held,
            // A retry's delay and the user's own moment both have to pass.
            not_before: gate.not_before.into_iter().chain(gate.retry_at).max(),
            window: gate.window.as_ref().map(|name| {
                let known = self.settings.windows.iter().find(|window| window.name == *name).cloned();
                // One that was taken out of the settings meanwhile never opens.
                known.unwrap_or_else(|| Window {
                    name: name.clone(),
                    days: Days::default(),
                    ..Window::nights()
                })
            }),
            start_by: gate.start_by,
        }
    }

    fn next_look(&self, waiting: &Waiting, now: i64) -> Option<i64> {
        self.gate(&waiting.gate).next_look(now, &self.zone)
    }

    /// What stands before a start, resources aside. A deadline comes first, then what can't be met, then what the user
    /// has to lift, then what lifts itself.
    pub fn obstacle(&self, waiting: &Waiting, now: i64) -> Obstacle {
        let gate = self.gate(&waiting.gate);
        let standing = gate.stands(now, &self.zone);
        if standing == Standing::Expired {
            return Obstacle::Expired;
        }
        let never = waiting.parents.iter().find(|edge| edge.standing == Met::Never);
        if let Some(edge) = never
            // Nobody can retry one that was deleted.
            && (!waiting.wait_for_failed || edge.parent.is_none())
        {
            return Obstacle::Never(*edge);
        }
        if gate.held {
            return Obstacle::Closed(WaitReason::Held);
        }
        let open: Vec<&Edge> = waiting.parents.iter().filter(|edge| edge.standing != Met::Yes).collect();
        if !open.is_empty() {
            let names = open.iter().filter_map(|edge| self.name(edge.parent?)).collect();
            return Obstacle::Closed(WaitReason::Dependency { names });
        }
        match standing {
            Standing::Open | Standing::Expired => Obstacle::None,
            Standing::Closed { reason, until } => Obstacle::Closed(match (reason, waiting.gate.retry_at) {
                (Bar::Held, _) => WaitReason::Held,
                (Bar::NotBefore, Some(at)) if Some(at) == gate.not_before => {
                    WaitReason::RetryAt { at, number: waiting.retries_used }
                }
                (Bar::NotBefore, _) => WaitReason::NotBefore { at: until.or(gate.not_before).unwrap_or(now) },
                (Bar::Window { name }, _) => WaitReason::Window { name, opens_at: until },
            }),
        }
    }

    fn name(&self, id: i64) -> Option<String> {
        let waiting = || self.waiting.get(&id).map(|waiting| waiting.name.to_string());
        self.active.get(&id).map(|active| active.name.to_string()).or_else(waiting)
    }

    fn candidate<'a>(id: i64, waiting: &'a Waiting) -> Candidate<'a> {
        Candidate {
            id,
            name: &waiting.name,
            requirements: &waiting.requirements,
            group: waiting.group.as_deref(),
            project: waiting.project.as_deref(),
        }
    }

    fn candidates(&self) -> impl Iterator<Item = Candidate<'_>> {
        let mut line = self.line();
        std::iter::from_fn(move || line.next(true))
    }

    fn line(&self) -> Line<'_> {
        Line { view: self, all: self.queued.iter(), declared: None, last: None }
    }

    fn limits(&self) -> Limits {
        Limits {
            paused: self.settings.queue_paused || !self.starts,
            slots: self.settings.slots,
            running: self.settings.max_running,
            per_gpu: self.settings.per_gpu,
            groups: self.groups.clone(),
            projects: HashMap::new(),
            per_project: self.settings.per_project,
        }
    }

    fn holdings(&self) -> Vec<Holding> {
        self.active
            .iter()
            .map(|(id, active)| Holding {
                id: *id,
                name: active.name.to_string(),
                assignment: self.seen.raise(*id, &active.assignment),
                group: active.group.as_ref().map(ToString::to_string),
                project: active.project.as_ref().map(ToString::to_string),
                started_at: active.started_at,
                ends_at: active.ends_at(),
            })
            .collect()
    }

    /// Decides what starts now, and keeps the decision for whoever asks why the others do not.
    pub fn replan(&mut self, now: i64) -> Vec<(i64, Assignment)> {
        let none = Machine::default();
        let machine = self.machine.as_ref().unwrap_or(&none);
        let mut line = self.line();
        let next = |slots| line.next(slots);
        let plan = placement::plan_from(machine, &self.limits(), &self.holdings(), next, now);
        let starts = plan.starts.clone();
        self.plan = Some(plan);
        self.changed();
        starts
    }

    /// Why the file system of its working directory has too little room for it, if so. What was promised there to jobs
    /// under way counts as used.
    fn disk_short(&self, waiting: &Waiting) -> Option<WaitReason> {
        let wanted = waiting.requirements.disk?;
        // One that can't be looked at is told when the job starts there.
        let (device, free) = room(&waiting.cwd)?;
        let there = |active: &&Active| {
            active.assignment.disk > 0 && room(&active.cwd).is_some_and(|(other, _)| other == device)
        };
        let promised: u64 = self.active.values().filter(there).map(|active| active.assignment.disk).sum();
        let free = free.saturating_sub(promised);
        (free < wanted).then_some(WaitReason::Disk { wanted, free })
    }

    /// Whether any job that is under way or waits has named its host memory.
    pub fn memory_matters(&self) -> bool {
        self.active.values().any(|active| active.assignment.memory > 0)
            || self
                .declared
                .values()
                .any(|id| self.waiting.get(id).is_some_and(|waiting| waiting.requirements.memory.is_some()))
    }

    /// Why an experiment waits; `None` if it does not.
    pub fn wait_reason(&self, id: i64, now: i64) -> Option<WaitReason> {
        let waiting = self.waiting.get(&id)?;
        match self.obstacle(waiting, now) {
            Obstacle::Closed(reason) => return Some(reason),
            // The queue is about to act on these.
            Obstacle::Expired | Obstacle::Never(_) | Obstacle::None => {}
        }
        if !self.starts {
            return Some(WaitReason::NoEngine);
        }
        if self.machine.is_none() && waiting.requirements.declared() {
            return Some(WaitReason::Next);
        }
        if let Some(reason) = self.disk_short(waiting) {
            return Some(reason);
        }
        let ahead = match self.queued.last_key_value() {
            // Known without counting: what was just added is asked for most.
            Some((_, last)) if *last == id => {
                let others = if waiting.requirements.declared() { 0 } else { self.declared.len() };
                u32::try_from(self.queued.len() - others - 1).unwrap_or(u32::MAX)
            }
            _ => self.outlook().ahead.get(&id).copied().unwrap_or(0),
        };
        let plan = self.plan.as_ref()?;
        Some(plan.explain(&Self::candidate(id, waiting), ahead))
    }

    /// When a waiting experiment is expected to start, as far as run times are known.
    pub fn estimated_start(&self, id: i64) -> Option<i64> {
        let place = self.waiting.get(&id)?.place;
        let last = self.queued.last_key_value().is_some_and(|(other, _)| *other == place);
        if last && self.queued.len() > FORECAST {
            return None;
        }
        self.outlook().starts.get(&id).copied()
    }

    fn outlook(&self) -> Arc<Outlook> {
        let mut kept = self.outlook.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get_or_insert_with(|| {
            // Jobs that wait for a slot stand in a line of their own.
            let (mut all, mut slots) = (0u32, 0u32);
            let ahead = self.queued.iter().map(|(place, id)| {
                let before = if self.declared.contains_key(place) { all } else { slots };
                slots += u32::from(!self.declared.contains_key(place));
                all += 1;
                (*id, before)
            });
            let ahead = ahead.collect();
            let starts = match &self.plan {
                Some(plan) if !self.settings.queue_paused && self.starts => {
                    placement::forecast(plan, self.candidates(), FORECAST)
                        .into_iter()
                        .filter_map(|(id, at)| Some((id, at?)))
                        .collect()
                }
                _ => HashMap::new(),
            };
            Arc::new(Outlook { ahead, starts })
        })
        .clone()
    }

    /// Whether a job with these requirements would start now, were it first; else why not.
    pub fn fits_now(&self, requirements: &Requirements, now: i64) -> Result<Assignment, Box<WaitReason>> {
        let none = Machine::default();
        let machine = self.machine.as_ref().unwrap_or(&none);
        let candidate = Candidate { id: -1, name: "it", requirements, group: None, project: None };
        let limits = Limits { paused: false, ..self.limits() };
        let plan = placement::plan(machine, &limits, &self.holdings(), [candidate], now);
        match plan.starts.first() {
            Some((_, assignment)) => Ok(assignment.clone()),
            None => Err(Box::new(plan.explain(&candidate, 0))),
        }
    }
}

/// The file system that a folder is on, and the bytes that a user may still write there.
fn room(folder: &str) -> Option<(u64, u64)> {
    let device = std::os::unix::fs::MetadataExt::dev(&std::fs::metadata(folder).ok()?);
    let found = rustix::fs::statvfs(folder).ok()?;
    Some((device, found.f_bavail.saturating_mul(found.f_frsize)))
}

/// The eligible jobs in their order.
struct Line<'a> {
    view: &'a View,
    all: Iter<'a, Place, i64>,
    /// In use since no slot is left.
    declared: Option<Range<'a, Place, i64>>,
    last: Option<Place>,
}

impl<'a> Line<'a> {
    /// The next; without slots, only of those that state needs.
    fn next(&mut self, slots: bool) -> Option<Candidate<'a>> {
        // Before the machine was looked at, only those that ask for nothing of it can be placed.
        let blind = self.view.machine.is_none();
        loop {
            let (place, id) = if slots && self.declared.is_none() {
                self.all.next()?
            } else if blind {
                return None;
            } else {
                let after = self.last.map_or(Bound::Unbounded, Bound::Excluded);
                let rest = || self.view.declared.range((after, Bound::Unbounded));
                self.declared.get_or_insert_with(rest).next()?
            };
            self.last = Some(*place);
            if let Some(waiting) = self.view.waiting.get(id)
                && !(blind && waiting.requirements.declared())
                && self.view.disk_short(waiting).is_none()
            {
                return Some(View::candidate(*id, waiting));
            }
        }
    }
}

impl Active {
    /// When it ends by its estimate.
    pub fn ends_at(&self) -> Option<i64> {
        let estimated = i64::try_from(self.estimated_ms?).ok()?;
        Some(self.started_at.saturating_add(estimated))
    }

    pub fn of(row: &ExperimentRow, assignment: Assignment) -> Self {
        Self {
            uid: row.uid.as_str().into(),
            name: row.name.as_str().into(),
            group: row.group.as_deref().map(Into::into),
            project: row.project.as_deref().map(Into::into),
            cwd: row.cwd.as_str().into(),
            assignment,
            started_at: row.started_at.unwrap_or(row.created_at),
            estimated_ms: row.requirements.estimated_ms,
        }
    }
}

impl Waiting {
    pub fn of(row: &ExperimentRow, parents: Vec<Edge>) -> Self {
        let mut gate = row.gate.clone();
        if row.retries_used > 0 {
            // It has started in time; its retries may come later.
            gate.start_by = None;
        }
        Self {
            uid: row.uid.as_str().into(),
            name: row.name.as_str().into(),
            place: row.place(),
            status: row.status,
            requirements: Arc::new(row.requirements.clone()),
            group: row.group.as_deref().map(Into::into),
            project: row.project.as_deref().map(Into::into),
            cwd: row.cwd.as_str().into(),
            gate,
            retries_used: row.retries_used,
            wait_for_failed: row.wait_for_failed,
            parents,
        }
    }
}
