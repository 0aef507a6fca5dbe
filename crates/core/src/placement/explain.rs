//! Why a job does not start, told from what is left when the plan is made.

use super::plan::Reached;
use super::pool::Need;
use super::{Candidate, Plan, Unavailable, WaitReason};

impl Plan {
    /// Why `candidate`, with `ahead` waiting jobs before it, does not start. Costs a look at each GPU.
    ///
    /// - What will never change comes first, then what holds up everybody, then the limits, then what is missing,
    ///   then the reservation of another job.
    /// - Of several things that are missing the scarcest is told: GPUs before cores before memory before disk.
    #[must_use]
    pub fn explain(&self, candidate: &Candidate<'_>, ahead: u32) -> WaitReason {
        let requirements = candidate.requirements;
        if let Some(message) = requirements.impossible(&self.machine) {
            return WaitReason::Impossible { message };
        }
        if self.limits.paused {
            return WaitReason::QueuePaused;
        }
        if !self.pool.jobs.fits(1) {
            let (running, limit) = (small(self.pool.jobs.held), small(self.pool.jobs.total));
            return WaitReason::RunningLimit { running, limit, ahead };
        }
        let need = Need::of(requirements);
        if !self.pool.slots.fits(need.slot.into()) {
            let (running, slots) = (small(self.pool.slots.held), small(self.pool.slots.total));
            return WaitReason::SlotsTaken { running, slots, ahead };
        }
        match self.counts.reached(&self.limits, candidate.group, candidate.project) {
            Some(Reached::Group { running, limit }) => {
                let group = candidate.group.unwrap_or_default().to_owned();
                return WaitReason::GroupLimit { group, running, limit };
            }
            Some(Reached::Project { running, limit }) => {
                let project = candidate.project.unwrap_or_default().to_owned();
                return WaitReason::ProjectLimit { project, running, limit };
            }
            None => {}
        }
        let mut marks = Vec::new();
        requirements.mark_matching(&self.machine.gpus, &mut marks);
        if let Some(missing) = self.missing(candidate, &need, &marks) {
            return missing;
        }
        let ends_at = self.end_of(requirements);
        match &self.promise {
            Some(promise) if !promise.stands(candidate, ends_at, &self.pool, &need, &marks) => {
                WaitReason::WouldDelay { name: promise.name.clone(), at: promise.at }
            }
            _ => WaitReason::Next,
        }
    }

    /// What there is not enough of, if anything.
    fn missing(&self, candidate: &Candidate<'_>, need: &Need, marks: &[bool]) -> Option<WaitReason> {
        let pool = &self.pool;
        if need.gpus > 0 && pool.serving(need, marks).count() < need.gpus as usize {
            return Some(self.missing_gpus(candidate, need, marks));
        }
        if !pool.cores.fits(need.cores.into()) {
            let (free, total) = (small(pool.cores.free()), small(pool.cores.total));
            return Some(WaitReason::Cores { wanted: need.cores, free, total });
        }
        if !pool.memory.fits(need.memory) {
            let (free, total) = (pool.memory.free(), self.machine.memory_total);
            return Some(WaitReason::Memory { wanted: need.memory, free, total });
        }
        let missing = !pool.disk.fits(need.disk);
        missing.then(|| WaitReason::Disk { wanted: need.disk, free: pool.disk.free() })
    }

    fn missing_gpus(&self, candidate: &Candidate<'_>, need: &Need, marks: &[bool]) -> WaitReason {
        let (mut free, mut crowded, mut most_free) = (0, 0, None);
        let (mut in_use, mut foreign, mut unavailable) = (Vec::new(), Vec::new(), Vec::new());
        for (at, gpu) in self.pool.gpus.iter().enumerate() {
            if !marks[at] || !gpu.is_large_enough(need) {
                continue;
            }
            if let Some(reason) = &self.machine.gpus[at].unavailable {
                unavailable.push(Unavailable { index: gpu.index, reason: reason.clone() });
            } else if self.pool.serves(at, need) {
                free += 1;
            } else if !self.bare.gpus[at].has_room(need) {
                foreign.push(gpu.index);
            } else {
                crowded += u32::from(gpu.has_room(need));
                in_use.push(gpu.index);
                most_free = most_free.max(gpu.shareable());
            }
        }
        if free + crowded >= need.gpus {
            return WaitReason::GpuLimit { limit: self.pool.per_gpu };
        }
        let asked = candidate.requirements;
        WaitReason::Gpus {
            wanted: need.gpus,
            memory: asked.gpu_memory,
            model: asked.gpu_model.clone(),
            free,
            in_use,
            foreign,
            unavailable,
            most_free: most_free.filter(|_| !need.exclusive && need.gpu_memory > 0 && crowded == 0),
        }
    }
}

/// A count that came from a `u32`.
fn small(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
