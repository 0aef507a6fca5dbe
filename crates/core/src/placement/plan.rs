//! What starts now. The types stand; until the policy follows, only jobs that state no needs start.

use super::{Assignment, Candidate, Holding, Limits, Machine, Reservation, WaitReason};

/// What starts now, and what is needed to say why the rest does not.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The jobs that start, each with what it is given, in the order of the queue.
    pub starts: Vec<(i64, Assignment)>,
    /// What is kept for the first job that does not fit.
    pub reservation: Option<Reservation>,
    slots: (u32, u32),
    paused: bool,
}

/// What starts now of the `waiting` jobs, which come in the order of the queue.
#[must_use]
pub fn plan<'a>(
    _machine: &Machine,
    limits: &Limits,
    holdings: &[Holding],
    waiting: impl IntoIterator<Item = Candidate<'a>>,
    _now_ms: i64,
) -> Plan {
    let held = holdings.iter().filter(|holding| holding.assignment.slot).count();
    let free = if limits.paused { 0 } else { (limits.slots as usize).saturating_sub(held) };
    let starts: Vec<_> = waiting
        .into_iter()
        .filter(|candidate| !candidate.requirements.declared())
        .take(free)
        .map(|candidate| (candidate.id, Assignment { slot: true, ..Assignment::default() }))
        .collect();
    let taken = u32::try_from(held + starts.len()).unwrap_or(u32::MAX);
    Plan { starts, reservation: None, slots: (taken, limits.slots), paused: limits.paused }
}

impl Plan {
    /// Why `candidate`, with `ahead` others before it, does not start.
    #[must_use]
    pub fn explain(&self, candidate: &Candidate<'_>, ahead: u32) -> WaitReason {
        let (running, slots) = self.slots;
        match (self.paused, candidate.requirements.declared()) {
            (true, _) => WaitReason::QueuePaused,
            (false, false) if running >= slots => WaitReason::SlotsTaken { running, slots, ahead },
            _ => WaitReason::Next,
        }
    }
}
