//! What is free: counters that a job is taken from when it starts and given back to when it ends.
//!
//! The same pool stands for now, for the moment at which a reservation begins and for a machine on which none of
//! our jobs run. What is held may exceed what there is (a job used more than it asked for, a limit was lowered);
//! then nothing is free, and giving back is exact all the same.

use super::{Assignment, GpuState, Limits, Machine};
use crate::requirements::Requirements;

/// Something countable, and how much of it our jobs hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Amount {
    pub total: u64,
    pub held: u64,
}

impl Amount {
    fn of(total: u64) -> Self {
        Self { total, held: 0 }
    }

    pub fn free(self) -> u64 {
        self.total.saturating_sub(self.held)
    }

    pub fn fits(self, need: u64) -> bool {
        need == 0 || need <= self.free()
    }

    fn take(&mut self, amount: u64) {
        self.held = self.held.saturating_add(amount);
    }

    fn give(&mut self, amount: u64) {
        self.held = self.held.saturating_sub(amount);
    }
}

/// One GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gpu {
    pub index: u32,
    available: bool,
    /// Compute processes of others are on it.
    foreign: bool,
    size: u64,
    memory: Amount,
    pub jobs: u32,
    /// How many of the jobs want it for themselves.
    exclusive: u32,
}

impl Gpu {
    /// Whether a job that needs this could use it, were there no limit on jobs for each GPU.
    ///
    /// - An exclusive job wants it without any other job of ours and without compute processes of others.
    /// - A shared one stays off a GPU that another has for itself.
    /// - Either needs its memory free of everybody's.
    pub fn has_room(&self, need: &Need) -> bool {
        self.available
            && self.memory.fits(need.gpu_memory)
            && if need.exclusive { self.jobs == 0 && !self.foreign } else { self.exclusive == 0 }
    }

    fn take(&mut self, memory: u64, exclusive: bool) {
        self.memory.take(memory);
        self.jobs = self.jobs.saturating_add(1);
        self.exclusive = self.exclusive.saturating_add(u32::from(exclusive));
    }

    fn give(&mut self, memory: u64, exclusive: bool) {
        self.memory.give(memory);
        self.jobs = self.jobs.saturating_sub(1);
        self.exclusive = self.exclusive.saturating_sub(u32::from(exclusive));
    }

    /// Whether it is large enough for such a job when nothing else is on it.
    pub fn is_large_enough(&self, need: &Need) -> bool {
        self.size >= need.gpu_memory
    }

    /// The memory that is free where another job could share it.
    pub fn shareable(&self) -> Option<u64> {
        (self.available && self.exclusive == 0).then(|| self.memory.free())
    }
}

/// Requirements as numbers. Which GPUs are meant by name or model is a list of marks beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Need {
    pub slot: bool,
    pub cores: u32,
    pub memory: u64,
    pub disk: u64,
    pub gpus: u32,
    pub gpu_memory: u64,
    pub exclusive: bool,
}

impl Need {
    pub fn of(requirements: &Requirements) -> Self {
        Self {
            slot: !requirements.declared(),
            cores: requirements.cpu_cores.unwrap_or(0),
            memory: requirements.memory.unwrap_or(0),
            disk: requirements.disk.unwrap_or(0),
            gpus: requirements.gpus,
            gpu_memory: requirements.gpu_memory.unwrap_or(0),
            exclusive: requirements.exclusive(),
        }
    }
}

/// What a job takes from a pool, with its GPUs by their position in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Share {
    slot: bool,
    cores: u32,
    memory: u64,
    disk: u64,
    exclusive: bool,
    gpus: Vec<(usize, u64)>,
}

impl Share {
    /// What a stored assignment takes. A GPU that is no longer there takes nothing.
    pub fn of(assignment: &Assignment, gpus: &[GpuState]) -> Self {
        let position = |share: &super::GpuShare| {
            let hint = share.index as usize;
            match gpus.get(hint) {
                Some(gpu) if gpu.uuid == share.uuid => Some(hint),
                _ => gpus.iter().position(|gpu| gpu.uuid == share.uuid),
            }
        };
        Self {
            slot: assignment.slot,
            cores: assignment.cpu_cores,
            memory: assignment.memory,
            disk: assignment.disk,
            exclusive: assignment.exclusive,
            gpus: assignment.gpus.iter().filter_map(|share| Some((position(share)?, share.memory))).collect(),
        }
    }

    pub fn new(need: &Need, gpus: impl Iterator<Item = usize>) -> Self {
        let mut gpus: Vec<_> = gpus.map(|at| (at, need.gpu_memory)).collect();
        gpus.sort_unstable();
        Self {
            slot: need.slot,
            cores: need.cores,
            memory: need.memory,
            disk: need.disk,
            exclusive: need.gpus > 0 && need.exclusive,
            gpus,
        }
    }

    /// The form that is stored with the attempt.
    pub fn assignment(&self, gpus: &[GpuState]) -> Assignment {
        let share = |(at, memory): &(usize, u64)| {
            let gpu = gpus.get(*at)?;
            Some(super::GpuShare { index: gpu.index, uuid: gpu.uuid.clone(), memory: *memory })
        };
        Assignment {
            slot: self.slot,
            cpu_cores: self.cores,
            memory: self.memory,
            disk: self.disk,
            gpus: self.gpus.iter().filter_map(share).collect(),
            exclusive: self.exclusive,
        }
    }
}

/// How a GPU ranks among those that a job could use; the smallest is taken first.
pub(super) type Rank = (bool, bool, u64, u32, usize);

/// All that is shared among jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pool {
    pub slots: Amount,
    /// Places under the limit on all jobs.
    pub jobs: Amount,
    pub cores: Amount,
    pub memory: Amount,
    pub disk: Amount,
    pub per_gpu: u32,
    pub gpus: Vec<Gpu>,
}

impl Pool {
    /// The machine without any job of ours.
    pub fn new(machine: &Machine, limits: &Limits) -> Self {
        let gpu = |gpu: &GpuState| Gpu {
            index: gpu.index,
            available: gpu.unavailable.is_none(),
            foreign: gpu.foreign_processes > 0,
            size: gpu.memory_total,
            memory: Amount::of(gpu.memory_total.saturating_sub(gpu.memory_foreign)),
            jobs: 0,
            exclusive: 0,
        };
        Self {
            slots: Amount::of(limits.slots.into()),
            jobs: Amount::of(limits.running.map_or(u64::MAX, u64::from)),
            cores: Amount::of(machine.cpu_cores.into()),
            memory: Amount::of(machine.memory_total.saturating_sub(machine.memory_foreign)),
            disk: Amount::of(machine.disk_free),
            per_gpu: limits.per_gpu.unwrap_or(u32::MAX),
            gpus: machine.gpus.iter().map(gpu).collect(),
        }
    }

    /// Whether the GPU at this position can take such a job.
    pub fn serves(&self, at: usize, need: &Need) -> bool {
        self.gpus.get(at).is_some_and(|gpu| gpu.jobs < self.per_gpu && gpu.has_room(need))
    }

    /// The positions of the marked GPUs that can take such a job.
    pub fn serving(&self, need: &Need, marks: &[bool]) -> impl Iterator<Item = usize> {
        marks.iter().enumerate().filter(|(at, mark)| **mark && self.serves(*at, need)).map(|(at, _)| at)
    }

    /// Whether there is room for such a job, limits on groups and projects aside.
    pub fn fits(&self, need: &Need, marks: &[bool]) -> bool {
        self.has(need) && (need.gpus == 0 || self.serving(need, marks).count() >= need.gpus as usize)
    }

    /// Whether there might be room: enough GPUs, but perhaps not the ones that are meant. Cheaper to ask than which
    /// are meant, and mostly the answer is no.
    pub fn might_fit(&self, need: &Need) -> bool {
        let serving = || (0..self.gpus.len()).filter(|at| self.serves(*at, need)).count();
        self.has(need) && (need.gpus == 0 || serving() >= need.gpus as usize)
    }

    /// Whether there is enough of everything but GPUs.
    fn has(&self, need: &Need) -> bool {
        self.jobs.fits(1)
            && self.slots.fits(need.slot.into())
            && self.cores.fits(need.cores.into())
            && self.memory.fits(need.memory)
            && self.disk.fits(need.disk)
    }

    /// Whether there is room for both, as far as everything but GPUs goes.
    pub fn fits_beside(&self, one: &Need, other: &Need) -> bool {
        let both = |amount: Amount, a: u64, b: u64| amount.fits(a.saturating_add(b));
        both(self.jobs, 1, 1)
            && both(self.slots, one.slot.into(), other.slot.into())
            && both(self.cores, one.cores.into(), other.cores.into())
            && both(self.memory, one.memory, other.memory)
            && both(self.disk, one.disk, other.disk)
    }

    /// Whether the GPU at this position can take `need` now, but could not beside `other`.
    pub fn spoils(&self, at: usize, other: &Need, need: &Need) -> bool {
        let Some(mut gpu) = self.gpus.get(at).copied().filter(|_| self.serves(at, need)) else {
            return false;
        };
        gpu.take(other.gpu_memory, other.exclusive);
        gpu.jobs >= self.per_gpu || !gpu.has_room(need)
    }

    /// Puts the best GPUs for a job that fits into `ranks`.
    ///
    /// - Those come last that `spoilt` says it would spoil for the job that has a reservation.
    /// - A shared job joins others before it breaks into an idle GPU, and goes where the least memory is left
    ///   over, so that whole GPUs stay whole and large gaps stay large.
    /// - An exclusive job that states its memory takes the smallest that suffices.
    /// - Then the lowest index.
    pub fn choose(&self, need: &Need, marks: &[bool], spoilt: impl Fn(usize) -> bool, ranks: &mut Vec<Rank>) {
        ranks.clear();
        if need.gpus == 0 {
            return;
        }
        for at in self.serving(need, marks) {
            let gpu = &self.gpus[at];
            let (idle, left) = match (need.exclusive, need.gpu_memory) {
                (true, 0) => (false, 0),
                (true, _) => (false, gpu.size),
                (false, memory) => (gpu.jobs == 0, gpu.memory.free().saturating_sub(memory)),
            };
            ranks.push((spoilt(at), idle, left, gpu.index, at));
        }
        ranks.sort_unstable();
        ranks.truncate(need.gpus as usize);
    }

    pub fn take(&mut self, share: &Share) {
        self.jobs.take(1);
        self.slots.take(share.slot.into());
        self.cores.take(share.cores.into());
        self.memory.take(share.memory);
        self.disk.take(share.disk);
        for (at, memory) in &share.gpus {
            self.gpus[*at].take(*memory, share.exclusive);
        }
    }

    pub fn give(&mut self, share: &Share) {
        self.jobs.give(1);
        self.slots.give(share.slot.into());
        self.cores.give(share.cores.into());
        self.memory.give(share.memory);
        self.disk.give(share.disk);
        for (at, memory) in &share.gpus {
            self.gpus[*at].give(*memory, share.exclusive);
        }
    }
}
