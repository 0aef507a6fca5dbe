//! Machines, limits and jobs for the tests: small numbers, so that they meet.

use std::collections::HashMap;

use proptest::prelude::*;

use crate::placement::{Candidate, GpuState, Holding, Limits, Machine, Plan, plan};
use crate::requirements::Requirements;

/// A waiting job that owns what a candidate borrows.
#[derive(Debug, Clone)]
pub struct Job {
    pub id: i64,
    pub requirements: Requirements,
    pub group: Option<String>,
    pub project: Option<String>,
    /// How long it really takes, in milliseconds: its estimate where it has one.
    pub takes: i64,
}

impl Job {
    pub fn candidate(&self) -> Candidate<'_> {
        Candidate {
            id: self.id,
            name: "job",
            requirements: &self.requirements,
            group: self.group.as_deref(),
            project: self.project.as_deref(),
        }
    }

    pub fn estimate(&self) -> Option<i64> {
        self.requirements.estimated_ms.and_then(|ms| i64::try_from(ms).ok())
    }
}

pub fn decide(machine: &Machine, limits: &Limits, holdings: &[Holding], jobs: &[Job], now: i64) -> Plan {
    plan(machine, limits, holdings, jobs.iter().map(Job::candidate), now)
}

pub fn machine() -> impl Strategy<Value = Machine> {
    (2u32..=6, 3u64..=12, 0u64..=3, 2u64..=8, prop::collection::vec(gpu(), 0..=4)).prop_map(
        |(cpu_cores, memory_total, memory_foreign, disk_free, mut gpus)| {
            for (index, gpu) in (0..).zip(&mut gpus) {
                gpu.index = index;
                gpu.uuid = format!("GPU-{index}a");
            }
            Machine { cpu_cores, memory_total, memory_foreign, disk_free, gpus, gpu_fault: None }
        },
    )
}

fn gpu() -> impl Strategy<Value = GpuState> {
    (
        prop::sample::select(vec!["NVIDIA A100", "NVIDIA L4"]),
        2u64..=8,
        prop::sample::select(vec![0, 0, 0, 1, 3]),
        prop::sample::select(vec![0, 0, 0, 0, 1]),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(model, memory_total, memory_foreign, foreign_processes, broken)| GpuState {
            model: model.into(),
            memory_total,
            memory_foreign,
            foreign_processes,
            unavailable: broken.then(|| "fell off the bus".into()),
            ..GpuState::default()
        })
}

/// Limits on slots and, often, on everything else.
pub fn limits() -> impl Strategy<Value = Limits> {
    let some = |most: u32| prop::option::weighted(0.4, 0..=most);
    (0u32..=3, some(5), some(2), some(2), some(2), some(2)).prop_map(
        |(slots, running, per_gpu, group, project, per_project)| Limits {
            paused: false,
            slots,
            running,
            per_gpu,
            groups: group.map(|limit| HashMap::from([("g".to_owned(), limit)])).unwrap_or_default(),
            projects: project.map(|limit| HashMap::from([("p".to_owned(), limit)])).unwrap_or_default(),
            per_project,
        },
    )
}

/// Limits on slots and jobs for each GPU only, under which a job holds up no other kind of job.
pub fn few_limits() -> impl Strategy<Value = Limits> {
    (0u32..=3, prop::option::weighted(0.3, 1u32..=2)).prop_map(|(slots, per_gpu)| Limits {
        slots,
        per_gpu,
        ..Limits::default()
    })
}

fn requirements() -> impl Strategy<Value = Requirements> {
    let some = |most: u64| prop::option::weighted(0.4, 1..=most);
    let asked = (
        prop::option::weighted(0.4, 1u32..=4),
        some(8),
        prop::option::weighted(0.2, 1u64..=6),
        prop::sample::select(vec![0u32, 1, 1, 1, 2, 2, 3]),
        some(6),
        prop::sample::select(vec![None, None, None, Some("a100"), Some("L4")]),
        prop::sample::select(vec![vec![], vec![], vec![], vec!["GPU-0a", "1"], vec!["2A"], vec!["GPU-"]]),
        prop::sample::select(vec![None, None, Some(true), Some(false)]),
    )
        .prop_map(|(cpu_cores, memory, disk, gpus, gpu_memory, gpu_model, gpu_uuids, gpu_exclusive)| {
            if gpus == 0 {
                return Requirements { cpu_cores, memory, disk, ..Requirements::default() };
            }
            Requirements {
                cpu_cores,
                memory,
                disk,
                gpus,
                gpu_memory,
                gpu_model: gpu_model.map(Into::into),
                gpu_uuids: gpu_uuids.into_iter().map(Into::into).collect(),
                gpu_exclusive,
                estimated_ms: None,
            }
        });
    prop_oneof![1 => Just(Requirements::default()), 5 => asked]
}

fn job() -> impl Strategy<Value = Job> {
    (
        requirements(),
        prop::option::weighted(0.6, 1u64..=20),
        prop::sample::select(vec![None, None, Some("g"), Some("h")]),
        prop::sample::select(vec![None, None, Some("p"), Some("q")]),
        1i64..=20,
    )
        .prop_map(|(requirements, estimated_ms, group, project, takes)| Job {
            id: 0,
            takes: estimated_ms.and_then(|ms| i64::try_from(ms).ok()).unwrap_or(takes),
            requirements: Requirements { estimated_ms, ..requirements },
            group: group.map(Into::into),
            project: project.map(Into::into),
        })
}

/// Jobs with ids from 1, in the order of the queue. Every third or so asks for what one before it asked for, with an
/// estimate of its own.
pub fn jobs(most: usize) -> impl Strategy<Value = Vec<Job>> {
    let alike = prop::option::weighted(0.35, any::<prop::sample::Index>());
    prop::collection::vec((job(), alike), 0..=most).prop_map(|drawn| {
        let mut jobs: Vec<Job> = Vec::new();
        for (id, (mut job, alike)) in (1..).zip(drawn) {
            job.id = id;
            if let Some(other) = alike.filter(|_| !jobs.is_empty()).map(|at| at.get(&jobs)) {
                let estimated_ms = job.requirements.estimated_ms;
                job.requirements = Requirements { estimated_ms, ..other.requirements.clone() };
            }
            jobs.push(job);
        }
        jobs
    })
}

/// What is under way at [`NOW`] after `earlier` jobs were let in; some overdue, some of unknown length.
pub fn underway(machine: &Machine, limits: &Limits, earlier: &[Job]) -> Vec<Holding> {
    let started = decide(machine, limits, &[], earlier, 0).starts;
    let of = |id: i64| earlier.iter().find(|job| job.id == id);
    started
        .into_iter()
        .filter_map(|(id, assignment)| {
            let job = of(id)?;
            Some(Holding {
                id: -id,
                name: "earlier".into(),
                assignment,
                group: job.group.clone(),
                project: job.project.clone(),
                started_at: 10 - id,
                ends_at: job.estimate(),
            })
        })
        .collect()
}

/// A moment at which some of what is under way is overdue.
pub const NOW: i64 = 5;

/// A machine, limits, what is under way and what waits.
#[derive(Debug, Clone)]
pub struct World {
    pub machine: Machine,
    pub limits: Limits,
    pub holdings: Vec<Holding>,
    pub waiting: Vec<Job>,
}

impl World {
    pub fn plan(&self) -> Plan {
        decide(&self.machine, &self.limits, &self.holdings, &self.waiting, NOW)
    }
}

pub fn world(limits: impl Strategy<Value = Limits>) -> impl Strategy<Value = World> {
    (machine(), limits, jobs(6), jobs(9)).prop_map(|(machine, limits, earlier, waiting)| World {
        holdings: underway(&machine, &limits, &earlier),
        machine,
        limits,
        waiting,
    })
}
