//! What starts now: the queue in its order, with EASY backfill.
//!
//! The rule is Lifka's (“The ANL/IBM SP Scheduling System”, JSSPP 1995) as described by Mu'alem and Feitelson
//! (“Utilization, Predictability, Workloads, and User Runtime Estimates in Scheduling the IBM SP2 with
//! Backfilling”, IEEE TPDS 12(6), 2001): the first job that does not fit is promised the moment at which it will,
//! and others pass it only where they leave that promise standing. Theirs counts nodes; here a job needs several
//! things at once, so “leaves standing” is asked of each of them.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};

use super::pool::{Need, Pool, Rank, Share};
use super::{Assignment, Candidate, Holding, Limits, Machine, Reservation};
use crate::requirements::Requirements;

/// What starts now, and what is needed to say why the rest does not.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The jobs that start, each with what it is given, in the order of the queue.
    pub starts: Vec<(i64, Assignment)>,
    /// What is kept for the first job that does not fit.
    pub reservation: Option<Reservation>,
    pub(super) now_ms: i64,
    pub(super) machine: Machine,
    pub(super) limits: Limits,
    /// The machine without any job of ours.
    pub(super) bare: Pool,
    /// What is free once the jobs that start have started.
    pub(super) pool: Pool,
    pub(super) counts: Counts,
    /// What runs, and what starts.
    pub(super) jobs: Vec<Job>,
    pub(super) promise: Option<Promise>,
}

/// A job that runs or starts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Job {
    pub id: i64,
    pub share: Share,
    pub group: Option<String>,
    pub project: Option<String>,
    pub started_at: i64,
    /// Its end by its estimate, which is not before now.
    pub ends_at: Option<i64>,
}

/// Jobs of each group and project that has a limit.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Counts {
    groups: HashMap<String, u32>,
    projects: HashMap<String, u32>,
}

/// A limit that leaves no place.
pub(super) enum Reached {
    Group { running: u32, limit: u32 },
    Project { running: u32, limit: u32 },
}

/// The reservation while it is being defended.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Promise {
    pub id: i64,
    pub name: String,
    pub at: Option<i64>,
    need: Need,
    marks: Vec<bool>,
    /// What is free at its moment, with those that started since and run past it; its own needs not taken out.
    pool: Pool,
    /// Its group and its project, where limited, each with the places that are left now beside its own.
    group: Option<(String, u32)>,
    project: Option<(String, u32)>,
}

/// What starts now of the `waiting` jobs, which come in the order of the queue.
///
/// - A paused queue starts nothing, and no more start than the limit on all running jobs leaves places for.
/// - What fits and breaks no limit starts, in order.
/// - A job held up by the limit of its group, of its project or of the slots is passed over: it holds up only those
///   under the same limit.
/// - So is one that would not fit even if all our jobs ended (it asks too much, a GPU is broken, others use it):
///   nobody can tell when that changes, and what is free would lie idle.
/// - The first other job that does not fit gets the reservation: jobs are taken to end in the order of their
///   estimates (one that is overdue ends now; those of unknown length end last, one by one, the oldest first) until it
///   fits. There is at most one reservation. The oldest first, so that no job that has passed it since is counted on
///   to end for it.
/// - After that a job starts only if it also ends by that moment, or if the promised job would still fit then. Places
///   under the limit on all jobs and on jobs for each GPU are counted like anything else that it needs.
/// - Of the promised job's own group and project, a place stays free from now on: were it taken, a limit would hold up
///   the promised job, and its promise would lapse.
/// - Jobs that state no needs take only a slot, which no promised job needs: they and GPU jobs don't hold each other
///   up, unless a limit on all jobs, or on the group or project of both, makes them.
///
/// The promise holds against all jobs that come after the promised one. A job before it that a limit held up may
/// still start once that limit has room, and delay it.
///
/// What is free only shrinks within a pass, so requirements that did not fit once are not tried again.
#[must_use]
pub fn plan<'a>(
    machine: &Machine,
    limits: &Limits,
    holdings: &[Holding],
    waiting: impl IntoIterator<Item = Candidate<'a>>,
    now_ms: i64,
) -> Plan {
    let mut waiting = waiting.into_iter();
    plan_from(machine, limits, holdings, |_| waiting.next(), now_ms)
}

/// As [`plan`], with the waiting jobs asked for one by one.
///
/// `next` is told whether a slot is left. Once there is none it need not name jobs that state no needs any more: none
/// of them can start, nor hold up another. So whoever keeps the two kinds apart need not walk a queue of thousands to
/// start one short job.
pub fn plan_from<'a>(
    machine: &Machine,
    limits: &Limits,
    holdings: &[Holding],
    mut next: impl FnMut(bool) -> Option<Candidate<'a>>,
    now_ms: i64,
) -> Plan {
    let mut plan = Plan::before(machine, limits, holdings, now_ms);
    if !limits.paused {
        let mut walk = Walk::default();
        while plan.pool.jobs.fits(1)
            && let Some(candidate) = next(plan.pool.slots.fits(1))
        {
            walk.consider(&mut plan, &candidate);
        }
        plan.reservation = plan.promise.as_ref().map(|promise| Reservation {
            id: promise.id,
            name: promise.name.clone(),
            at: promise.at,
            assignment: promise.share(&mut walk.ranks).assignment(&plan.machine.gpus),
        });
    }
    plan
}

impl Plan {
    /// The machine as it is before anything starts.
    fn before(machine: &Machine, limits: &Limits, holdings: &[Holding], now_ms: i64) -> Self {
        let bare = Pool::new(machine, limits);
        let mut plan = Self {
            starts: Vec::new(),
            reservation: None,
            now_ms,
            machine: machine.clone(),
            limits: limits.clone(),
            pool: bare.clone(),
            bare,
            counts: Counts::default(),
            jobs: Vec::with_capacity(holdings.len()),
            promise: None,
        };
        for holding in holdings {
            plan.add(Job {
                id: holding.id,
                share: Share::of(&holding.assignment, &machine.gpus),
                group: holding.group.clone(),
                project: holding.project.clone(),
                started_at: holding.started_at,
                ends_at: holding.ends_at.map(|end| end.max(now_ms)),
            });
        }
        plan
    }

    fn add(&mut self, job: Job) {
        self.pool.take(&job.share);
        self.counts.add(&self.limits, job.group.as_deref(), job.project.as_deref());
        self.jobs.push(job);
    }

    /// When a candidate that starts now ends, by its estimate.
    pub(super) fn end_of(&self, requirements: &Requirements) -> Option<i64> {
        end_after(self.now_ms, requirements)
    }
}

/// The end of a job that starts at `start` (milliseconds UTC), by its estimate.
pub(super) fn end_after(start: i64, requirements: &Requirements) -> Option<i64> {
    let estimate = requirements.estimated_ms?;
    Some(start.saturating_add(i64::try_from(estimate).unwrap_or(i64::MAX)))
}

/// Requirements as far as they decide whether a job fits: all but its run time.
#[derive(Clone, Copy)]
struct Kind<'a>(&'a Requirements);

impl Kind<'_> {
    fn numbers(self) -> impl Eq + Hash {
        let asked = self.0;
        (asked.cpu_cores, asked.memory, asked.disk, asked.gpus, asked.gpu_memory, asked.gpu_exclusive)
    }
}

impl PartialEq for Kind<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
            || (self.numbers() == other.numbers()
                && self.0.gpu_model == other.0.gpu_model
                && self.0.gpu_uuids == other.0.gpu_uuids)
    }
}

impl Eq for Kind<'_> {}

impl Hash for Kind<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.numbers().hash(state);
        self.0.gpu_model.hash(state);
        self.0.gpu_uuids.hash(state);
    }
}

/// What a pass has learnt of jobs of one kind. Neither is unlearnt before it ends.
#[derive(Clone, Copy, Default)]
struct Class {
    /// It does not fit.
    full: bool,
    /// It would delay the promised job, unless it ended in time.
    delays: bool,
}

/// One pass over the queue.
#[derive(Default)]
struct Walk<'a> {
    classes: HashMap<Kind<'a>, Class>,
    /// Kept between candidates, so that none costs an allocation.
    marks: Vec<bool>,
    ranks: Vec<Rank>,
}

impl<'a> Walk<'a> {
    fn consider(&mut self, plan: &mut Plan, candidate: &Candidate<'a>) {
        let (group, project) = (candidate.group, candidate.project);
        if plan.counts.reached(&plan.limits, group, project).is_some()
            || plan.promise.as_ref().is_some_and(|promise| !promise.has_place_beside(group, project))
        {
            return;
        }
        let requirements = candidate.requirements;
        let need = Need::of(requirements);
        // Once there is a promise, all that counts is whether it fits, and most don't.
        if plan.promise.is_some() && !plan.pool.might_fit(&need) {
            return;
        }
        let class = self.classes.entry(Kind(requirements)).or_default();
        let ends_at = plan.end_of(requirements);
        let passes_by = plan.promise.as_ref().is_some_and(|promise| !promise.is_after(ends_at));
        if class.full || (class.delays && passes_by) {
            return;
        }
        requirements.mark_matching(&plan.machine.gpus, &mut self.marks);
        if !plan.pool.fits(&need, &self.marks) {
            class.full = true;
            if plan.promise.is_none() && !need.slot && plan.bare.fits(&need, &self.marks) {
                plan.promise = Some(Promise::to(plan, candidate, need, self.marks.clone()));
            }
            return;
        }
        let promise = plan.promise.as_mut().filter(|_| passes_by);
        if let Some(promise) = &promise
            && !promise.allows(&plan.pool, &need, &self.marks)
        {
            class.delays = true;
            return;
        }
        let spoils = |at| promise.as_ref().is_some_and(|promise| promise.spoilt_by(at, &need));
        plan.pool.choose(&need, &self.marks, spoils, &mut self.ranks);
        let share = Share::new(&need, self.ranks.iter().map(|rank| rank.4));
        if let Some(promise) = promise {
            promise.pool.take(&share);
        }
        if let Some(promise) = &mut plan.promise {
            promise.count(group, project);
        }
        plan.starts.push((candidate.id, share.assignment(&plan.machine.gpus)));
        plan.add(Job {
            id: candidate.id,
            share,
            group: group.map(Into::into),
            project: project.map(Into::into),
            started_at: plan.now_ms,
            ends_at,
        });
    }
}

impl Promise {
    /// Finds the moment for a candidate that fits as soon as enough jobs have ended.
    fn to(plan: &Plan, candidate: &Candidate<'_>, need: Need, marks: Vec<bool>) -> Self {
        let mut order: Vec<&Job> = plan.jobs.iter().collect();
        order.sort_by_key(|job| (job.ends_at.is_none(), job.ends_at, job.started_at, job.id));
        let mut pool = plan.pool.clone();
        let mut at = Some(plan.now_ms);
        // Jobs that end at the same known moment end together.
        for ending in order.chunk_by(|a, b| a.ends_at.is_some() && a.ends_at == b.ends_at) {
            for job in ending {
                pool.give(&job.share);
                at = job.ends_at;
            }
            if pool.fits(&need, &marks) {
                break;
            }
        }
        let places = |name: Option<&str>, limit: Option<u32>, running: u32| {
            Some((name?.to_owned(), limit?.saturating_sub(running).saturating_sub(1)))
        };
        let (group, project) = (candidate.group, candidate.project);
        Self {
            id: candidate.id,
            name: candidate.name.to_owned(),
            at,
            need,
            marks,
            pool,
            group: places(group, plan.limits.of_group(group), plan.counts.of_group(group)),
            project: places(project, plan.limits.of_project(project), plan.counts.of_project(project)),
        }
    }

    /// Whether a job that ends then is gone when this one starts.
    fn is_after(&self, ends_at: Option<i64>) -> bool {
        matches!((self.at, ends_at), (Some(at), Some(end)) if end <= at)
    }

    /// Whether it stands if `candidate`, which fits now, starts now and ends at `ends_at`.
    pub fn stands(
        &self,
        candidate: &Candidate<'_>,
        ends_at: Option<i64>,
        now: &Pool,
        need: &Need,
        marks: &[bool],
    ) -> bool {
        self.has_place_beside(candidate.group, candidate.project)
            && (self.is_after(ends_at) || self.allows(now, need, marks))
    }

    /// Whether its group and project have a place for one more beside it.
    fn has_place_beside(&self, group: Option<&str>, project: Option<&str>) -> bool {
        let place = |own: &Option<(String, u32)>, other: Option<&str>| match own {
            Some((name, places)) => *places > 0 || other != Some(name),
            None => true,
        };
        place(&self.group, group) && place(&self.project, project)
    }

    /// Whether a job that fits now, and runs past the moment, leaves what is promised, given the best choice of GPUs.
    /// What is free then is at least what is free now, so that the job itself has room then needs no look.
    fn allows(&self, now: &Pool, other: &Need, marks: &[bool]) -> bool {
        if !self.pool.fits_beside(other, &self.need) {
            return false;
        }
        if other.gpus == 0 || self.need.gpus == 0 {
            return true;
        }
        let harmless = now.serving(other, marks).filter(|at| !self.spoilt_by(*at, other)).count();
        let spoilt = (other.gpus as usize).saturating_sub(harmless);
        self.pool.serving(&self.need, &self.marks).count() >= self.need.gpus as usize + spoilt
    }

    /// Whether the GPU at this position would be lost to it if the other job ran there past the moment.
    fn spoilt_by(&self, at: usize, other: &Need) -> bool {
        self.need.gpus > 0 && self.marks.get(at) == Some(&true) && self.pool.spoils(at, other, &self.need)
    }

    /// Counts a job that starts now and may be of its group or project.
    fn count(&mut self, group: Option<&str>, project: Option<&str>) {
        for (own, other) in [(&mut self.group, group), (&mut self.project, project)] {
            if let Some((name, places)) = own
                && other == Some(name)
            {
                *places = places.saturating_sub(1);
            }
        }
    }

    fn share(&self, ranks: &mut Vec<Rank>) -> Share {
        self.pool.choose(&self.need, &self.marks, |_| false, ranks);
        Share::new(&self.need, ranks.iter().map(|rank| rank.4))
    }
}

impl Limits {
    fn of_group(&self, group: Option<&str>) -> Option<u32> {
        if self.groups.is_empty() { None } else { self.groups.get(group?).copied() }
    }

    fn of_project(&self, project: Option<&str>) -> Option<u32> {
        let project = project?;
        if self.projects.is_empty() {
            return self.per_project;
        }
        self.projects.get(project).copied().or(self.per_project)
    }
}

impl Counts {
    /// The limit that leaves no place for a job of this group and project.
    pub fn reached(&self, limits: &Limits, group: Option<&str>, project: Option<&str>) -> Option<Reached> {
        if let Some(limit) = limits.of_group(group) {
            let running = self.of_group(group);
            if running >= limit {
                return Some(Reached::Group { running, limit });
            }
        }
        let limit = limits.of_project(project)?;
        let running = self.of_project(project);
        (running >= limit).then_some(Reached::Project { running, limit })
    }

    pub fn add(&mut self, limits: &Limits, group: Option<&str>, project: Option<&str>) {
        if let Some(group) = group.filter(|_| limits.of_group(group).is_some()) {
            *self.groups.entry(group.to_owned()).or_default() += 1;
        }
        if let Some(project) = project.filter(|_| limits.of_project(project).is_some()) {
            *self.projects.entry(project.to_owned()).or_default() += 1;
        }
    }

    pub fn remove(&mut self, limits: &Limits, group: Option<&str>, project: Option<&str>) {
        if let Some(count) =
            group.filter(|_| limits.of_group(group).is_some()).and_then(|group| self.groups.get_mut(group))
        {
            *count = count.saturating_sub(1);
        }
        if let Some(count) = project
            .filter(|_| limits.of_project(project).is_some())
            .and_then(|project| self.projects.get_mut(project))
        {
            *count = count.saturating_sub(1);
        }
    }

    fn of_group(&self, group: Option<&str>) -> u32 {
        group.and_then(|group| self.groups.get(group)).copied().unwrap_or(0)
    }

    fn of_project(&self, project: Option<&str>) -> u32 {
        project.and_then(|project| self.projects.get(project)).copied().unwrap_or(0)
    }
}
