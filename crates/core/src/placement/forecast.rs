//! When waiting jobs may start.

use super::plan::{Counts, end_after};
use super::pool::{Need, Pool, Share};
use super::{Candidate, Plan};

/// A waiting job in the simulation.
struct Entry<'a> {
    candidate: Candidate<'a>,
    need: Need,
    marks: Vec<bool>,
    /// Whether it could ever fit beside what others than our jobs use.
    possible: bool,
    start: Option<i64>,
}

/// Something that runs in the simulation, and when it ends.
struct Running<'a> {
    ends_at: i64,
    share: Share,
    group: Option<&'a str>,
    project: Option<&'a str>,
}

/// The estimated start (milliseconds UTC) of each of the first `at_most` of the `waiting` jobs, which come in the
/// order of the queue and may include those that the plan starts.
///
/// - The queue is played forward from the plan, each job ending by its estimate, in order and without backfill: as
///   the policy passes a job only where that delays nobody, a start is rather later here than it will be.
/// - As in the policy, only jobs under the same limit wait for one that a limit holds up, and jobs that state no
///   needs don't wait for the others.
/// - `None`: it hangs on the end of a job of unknown length, on a pause, or on others than our jobs.
#[must_use]
pub fn forecast<'a>(
    plan: &Plan,
    waiting: impl IntoIterator<Item = Candidate<'a>>,
    at_most: usize,
) -> Vec<(i64, Option<i64>)> {
    let mut entries: Vec<Entry<'_>> = waiting.into_iter().take(at_most).map(|it| entry(plan, it)).collect();
    if !plan.limits.paused {
        play(plan, &mut entries);
    }
    entries.into_iter().map(|entry| (entry.candidate.id, entry.start)).collect()
}

fn entry<'a>(plan: &Plan, candidate: Candidate<'a>) -> Entry<'a> {
    let need = Need::of(candidate.requirements);
    let mut marks = Vec::new();
    candidate.requirements.mark_matching(&plan.machine.gpus, &mut marks);
    let starts = plan.starts.iter().any(|(id, _)| *id == candidate.id);
    Entry {
        possible: plan.bare.fits(&need, &marks),
        start: starts.then_some(plan.now_ms),
        candidate,
        need,
        marks,
    }
}

fn play<'a>(plan: &'a Plan, entries: &mut [Entry<'a>]) {
    let mut pool = plan.pool.clone();
    let mut counts = plan.counts.clone();
    let mut running: Vec<Running<'a>> = plan
        .jobs
        .iter()
        .filter_map(|job| {
            Some(Running {
                ends_at: job.ends_at?,
                share: job.share.clone(),
                group: job.group.as_deref(),
                project: job.project.as_deref(),
            })
        })
        .collect();
    let mut now = plan.now_ms;
    loop {
        start_in_order(plan, entries, now, &mut pool, &mut counts, &mut running);
        if entries.iter().all(|entry| entry.start.is_some() || !entry.possible) {
            return;
        }
        let Some(next) = running.iter().map(|job| job.ends_at).min() else {
            return;
        };
        now = next;
        for job in running.extract_if(.., |job| job.ends_at <= now) {
            pool.give(&job.share);
            counts.remove(&plan.limits, job.group, job.project);
        }
    }
}

fn start_in_order<'a>(
    plan: &Plan,
    entries: &mut [Entry<'a>],
    now: i64,
    pool: &mut Pool,
    counts: &mut Counts,
    running: &mut Vec<Running<'a>>,
) {
    let mut ranks = Vec::new();
    let mut held_up = false;
    for entry in entries.iter_mut().filter(|entry| entry.start.is_none() && entry.possible) {
        let Candidate { group, project, requirements, .. } = entry.candidate;
        if !pool.jobs.fits(1) {
            return;
        }
        if counts.reached(&plan.limits, group, project).is_some() || (held_up && !entry.need.slot) {
            continue;
        }
        if !pool.fits(&entry.need, &entry.marks) {
            held_up |= !entry.need.slot;
            continue;
        }
        pool.choose(&entry.need, &entry.marks, |_| false, &mut ranks);
        let share = Share::new(&entry.need, ranks.iter().map(|rank| rank.4));
        pool.take(&share);
        counts.add(&plan.limits, group, project);
        entry.start = Some(now);
        if let Some(ends_at) = end_after(now, requirements) {
            running.push(Running { ends_at, share, group, project });
        }
    }
}
