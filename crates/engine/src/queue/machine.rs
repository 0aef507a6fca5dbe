//! What the machine has for jobs, made from a sample of it: what others use, and what our own jobs are seen to use.

use std::collections::{BTreeMap, HashMap};

use athanor_core::placement::{Assignment, GpuState, Machine};
use athanor_shim::tree::{self, Stat};

use crate::devices::{Gpu, Reading, Sample};

/// What our jobs are seen to use of the GPUs' memory: bytes by experiment and GPU.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SeenUse {
    by_job: HashMap<i64, BTreeMap<String, u64>>,
    /// Resident host memory, bytes.
    host: HashMap<i64, u64>,
}

/// How far up a process's ancestors are followed.
const GENERATIONS: usize = 64;

impl SeenUse {
    /// What a job holds, each amount raised to what it is seen to use.
    pub fn raise(&self, id: i64, assignment: &Assignment) -> Assignment {
        let mut raised = assignment.clone();
        if raised.memory > 0 {
            raised.memory = raised.memory.max(self.host.get(&id).copied().unwrap_or(0));
        }
        if let Some(seen) = self.by_job.get(&id) {
            for share in &mut raised.gpus {
                share.memory = share.memory.max(seen.get(&share.uuid).copied().unwrap_or(0));
            }
        }
        raised
    }

    fn on(&self, uuid: &str) -> u64 {
        self.by_job.values().filter_map(|seen| seen.get(uuid)).sum()
    }
}

/// Resident memory of each job's processes, bytes. Reads /proc once for all.
fn resident(roots: &HashMap<u32, i64>) -> HashMap<i64, u64> {
    let mut sums = HashMap::new();
    let Ok(all) = tree::all() else { return sums };
    let parents: HashMap<u32, u32> = all.iter().map(|stat| (stat.pid, stat.ppid)).collect();
    let page = rustix::param::page_size() as u64;
    for stat in &all {
        let mut pid = stat.pid;
        let owner = (0..GENERATIONS).find_map(|_| {
            let found = roots.get(&pid).copied();
            pid = parents.get(&pid).copied().unwrap_or(0);
            found
        });
        let Some(id) = owner else { continue };
        let text = std::fs::read_to_string(format!("/proc/{}/statm", stat.pid)).unwrap_or_default();
        let pages = text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0);
        *sums.entry(id).or_default() += pages * page;
    }
    sums
}

/// What the queue may give away, and what its jobs are seen to use. `roots` are the supervisors and main processes of
/// the jobs under way, `owners` the jobs of the processes on the GPUs.
///
/// - Memory in use on a GPU is split by the processes that the driver names; what it does not name, and what belongs
///   to no job of ours, is foreign.
/// - Where the driver names a process of ours without its memory, or processes of another process-id namespace, what
///   our jobs have asked for on that GPU is taken as theirs.
/// - Processes that only draw on a screen do not count as foreign ones: their memory does.
/// - Host memory is told apart only where `memory_matters`: it takes a look at every process. Elsewhere what our jobs
///   use counts as foreign, which nobody asks for.
/// - GPUs that are `out` of the queue are given to nobody, for the reason that stands there.
/// - With `ignore_idle`, compute processes of others do not count while the GPU does nothing.
pub(crate) fn look(
    sample: &Sample,
    (roots, owners): (&HashMap<u32, i64>, &HashMap<u32, i64>),
    held: &[(i64, Assignment)],
    out: &BTreeMap<String, String>,
    (ignore_idle, memory_matters): (bool, bool),
) -> (Machine, SeenUse) {
    let mut seen = SeenUse::default();
    if memory_matters && !roots.is_empty() {
        seen.host = resident(roots);
    }
    let units = sample.gpus.list.iter().filter(|gpu| gpu.is_for_jobs());
    let gpus = units.map(|gpu| state(gpu, owners, held, out, ignore_idle, &mut seen)).collect();
    let gpu_fault = sample.gpus.fault();
    let ours: u64 = seen.host.values().sum();
    let machine = Machine {
        cpu_cores: sample.cores,
        memory_total: sample.memory_total.value().copied().unwrap_or(0),
        memory_foreign: sample.memory_used.value().copied().unwrap_or(0).saturating_sub(ours),
        // Each job's own file system is asked when its turn comes.
        disk_free: u64::MAX,
        gpus,
        gpu_fault,
    };
    (machine, seen)
}

fn state(
    gpu: &Gpu,
    owners: &HashMap<u32, i64>,
    held: &[(i64, Assignment)],
    out: &BTreeMap<String, String>,
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
    for process in gpu.processes() {
        match owners.get(&process.pid) {
            Some(id) => match process.memory.value() {
                Some(bytes) => {
                    *seen.by_job.entry(*id).or_default().entry(gpu.uuid.clone()).or_default() += bytes
                }
                None => unsure = true,
            },
            None if has_job && Stat::read(process.pid).is_ok_and(|stat| stat.is_none()) => unsure = true,
            None if process.work.computes() => foreign_processes += 1,
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
    let unavailable = if let Some(why) = out.get(&gpu.uuid) {
        Some(why.clone())
    } else {
        match (&gpu.fault, &gpu.memory_total) {
            (Some(fault), _) => Some(within_a_sentence(&fault.message)),
            (None, Reading::Failed(why)) => Some(why.clone()),
            (None, _) => None,
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

/// A sentence as a part of another.
fn within_a_sentence(sentence: &str) -> String {
    let sentence = sentence.trim_end_matches('.');
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::{GpuProcess, GpuWork, Vendor};

    #[test]
    fn the_memory_of_a_process_and_of_what_it_started_is_the_jobs() {
        let own = std::process::id();
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("started");
        let seen = resident(&HashMap::from([(own, 7), (child.id(), 8)]));
        assert!(seen[&7] > seen[&8] && seen[&8] > 0, "the nearest root counts: {seen:?}");
        let seen = resident(&HashMap::from([(own, 7)]));
        assert_eq!(seen.len(), 1, "what a job starts is the job's: {seen:?}");
        child.kill().and_then(|()| child.wait()).expect("ended");
    }

    #[test]
    fn foreign_memory_is_what_the_driver_does_not_name_as_ours() {
        let own = std::process::id();
        let process = |pid, memory: Option<u64>| GpuProcess {
            pid,
            memory: memory.map_or(Reading::Unsupported, Reading::Value),
            utilisation: Reading::Unsupported,
            work: GpuWork::Compute,
            about: None,
        };
        let gpu = |processes| Gpu {
            uuid: "GPU-0".into(),
            utilisation: Reading::Value(0),
            memory_used: Reading::Value(10),
            memory_total: Reading::Value(16),
            processes: Reading::Value(processes),
            ..Gpu::unread(Vendor::Nvidia, 0)
        };
        let share = athanor_core::placement::GpuShare { index: 0, uuid: "GPU-0".into(), memory: 6 };
        let held = [(7, Assignment { gpus: vec![share], ..Assignment::default() })];
        let owners = HashMap::from([(own, 7)]);
        let check = |processes: Vec<_>, out: &[(&str, &str)], ignore| {
            let out = out.iter().map(|(uuid, why)| ((*uuid).into(), (*why).into())).collect();
            let state = state(&gpu(processes), &owners, &held, &out, ignore, &mut SeenUse::default());
            (state.memory_foreign, state.foreign_processes, state.unavailable.is_some())
        };
        assert_eq!(check(vec![process(own, Some(4))], &[], false), (6, 0, false), "10 used, 4 of them ours");
        assert_eq!(check(vec![process(own, None)], &[], false), (4, 0, false), "what was asked for is ours");
        assert_eq!(check(vec![process(1, Some(10))], &[], false), (10, 1, false), "all of it is foreign");
        assert_eq!(check(vec![process(1, Some(10))], &[], true), (10, 0, false), "an idle GPU");
        assert!(check(Vec::new(), &[("GPU-0", "blocked")], false).2, "taken out of the queue");
    }
}
