//! What the machine has for jobs, made from a sample of it: what others use, and what our own jobs are seen to use.

use std::collections::{BTreeMap, HashMap};

use athanor_core::placement::{Assignment, GpuState, Machine};
use athanor_shim::tree::Stat;

use crate::devices::{Gpu, Gpus, Reading, Sample};

/// What our jobs are seen to use of the GPUs' memory: bytes by experiment and GPU.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SeenUse {
    by_job: HashMap<i64, BTreeMap<String, u64>>,
}

/// How far up a process's ancestors are followed.
const GENERATIONS: usize = 64;

impl SeenUse {
    /// What a job holds, each amount raised to what it is seen to use.
    pub fn raise(&self, id: i64, assignment: &Assignment) -> Assignment {
        let mut raised = assignment.clone();
        if let Some(seen) = self.by_job.get(&id) {
            for share in &mut raised.gpus {
                share.memory = share.memory.max(seen.get(&share.uuid).copied().unwrap_or(0));
            }
        }
        raised
    }

    /// Bytes that a job is seen to use on all its GPUs.
    pub fn of(&self, id: i64) -> Option<u64> {
        self.by_job.get(&id).map(|seen| seen.values().sum())
    }

    fn on(&self, uuid: &str) -> u64 {
        self.by_job.values().filter_map(|seen| seen.get(uuid)).sum()
    }
}

/// The job that a process belongs to, by its ancestors: `roots` are the supervisors and main processes of the jobs
/// under way. Reads /proc.
fn owner(pid: u32, roots: &HashMap<u32, i64>) -> Option<i64> {
    let mut pid = pid;
    for _ in 0..GENERATIONS {
        if let Some(id) = roots.get(&pid) {
            return Some(*id);
        }
        match Stat::read(pid) {
            Ok(Some(stat)) if stat.ppid > 1 => pid = stat.ppid,
            _ => return None,
        }
    }
    None
}

/// What the queue may give away, and what its jobs are seen to use.
///
/// - Memory in use on a GPU is split by the processes that the driver names; what it does not name, and what belongs
///   to no job of ours, is foreign.
/// - Where the driver names a process of ours without its memory, or processes of another process-id namespace, what
///   our jobs have asked for on that GPU is taken as theirs.
/// - Processes that only draw on a screen do not count as foreign ones: their memory does.
/// - With `ignore_idle`, compute processes of others do not count while the GPU does nothing.
pub(crate) fn look(
    sample: &Sample,
    roots: &HashMap<u32, i64>,
    held: &[(i64, Assignment)],
    blocked: &[String],
    ignore_idle: bool,
) -> (Machine, SeenUse) {
    let mut seen = SeenUse::default();
    let (gpus, gpu_fault) = match &sample.gpus {
        Gpus::Present { gpus, .. } => {
            let states = gpus.iter().map(|gpu| state(gpu, roots, held, blocked, ignore_idle, &mut seen));
            (states.collect(), None)
        }
        Gpus::NoDriver(why) | Gpus::Broken(why) => (Vec::new(), Some(why.clone())),
    };
    let ours: u64 = held.iter().map(|(_, assignment)| assignment.memory).sum();
    let machine = Machine {
        cpu_cores: sample.cores,
        memory_total: sample.memory_total,
        // What our jobs use is not told from what others use yet: what they have asked for is taken as theirs.
        memory_foreign: sample.memory_used.saturating_sub(ours),
        disk_free: sample.disks.first().map_or(u64::MAX, |disk| disk.free),
        gpus,
        gpu_fault,
    };
    (machine, seen)
}

fn state(
    gpu: &Gpu,
    roots: &HashMap<u32, i64>,
    held: &[(i64, Assignment)],
    blocked: &[String],
    ignore_idle: bool,
    seen: &mut SeenUse,
) -> GpuState {
    let asked: u64 = held
        .iter()
        .flat_map(|(_, assignment)| &assignment.gpus)
        .filter(|share| share.uuid == gpu.uuid)
        .map(|share| share.memory)
        .sum();
    let has_job = held.iter().any(|(_, held)| held.gpus.iter().any(|share| share.uuid == gpu.uuid));
    let (mut foreign_processes, mut unsure) = (0, false);
    for process in &gpu.processes {
        match owner(process.pid, roots) {
            Some(id) => match process.memory {
                Some(bytes) => {
                    *seen.by_job.entry(id).or_default().entry(gpu.uuid.clone()).or_default() += bytes
                }
                None => unsure = true,
            },
            None if has_job && Stat::read(process.pid).is_ok_and(|stat| stat.is_none()) => unsure = true,
            None if process.compute => foreign_processes += 1,
            None => {}
        }
    }
    if ignore_idle && gpu.utilisation == Reading::Value(0) {
        foreign_processes = 0;
    }
    let used = match &gpu.memory_used {
        Reading::Value(used) => *used,
        _ => 0,
    };
    let ours = if unsure { asked.max(seen.on(&gpu.uuid)) } else { seen.on(&gpu.uuid) };
    let unavailable = if blocked.contains(&gpu.uuid) {
        Some("taken out of the queue".to_owned())
    } else {
        match &gpu.memory_total {
            Reading::Failed(why) => Some(why.clone()),
            _ if gpu.uuid.is_empty() => Some("it has no identity".to_owned()),
            _ => None,
        }
    };
    GpuState {
        uuid: gpu.uuid.clone(),
        index: gpu.index,
        model: gpu.name.clone(),
        memory_total: match &gpu.memory_total {
            Reading::Value(total) => *total,
            _ => 0,
        },
        memory_foreign: used.saturating_sub(ours),
        foreign_processes,
        unavailable,
    }
}
