//! A judge that shares nothing with the policy: it adds up what stands on a machine, and tries every set of GPUs.

use super::worlds::Job;
use crate::placement::{Assignment, GpuShare, Limits, Machine};

/// Something that stands on the machine.
#[derive(Debug, Clone)]
pub struct Standing {
    pub assignment: Assignment,
    pub group: Option<String>,
    pub project: Option<String>,
    pub ends_at: Option<i64>,
}

/// Why these may not stand on the machine together, if so.
pub fn fault(machine: &Machine, limits: &Limits, standing: &[Standing]) -> Option<String> {
    let all = || standing.iter().map(|one| &one.assignment);
    let sum = |part: fn(&Assignment) -> u64| all().map(part).sum::<u64>();
    let over = |what: &str, used: u64, there: u64| {
        (used > 0 && used > there).then(|| format!("{what}: {used} of {there}"))
    };
    let count = |keep: &dyn Fn(&Standing) -> bool| standing.iter().filter(|one| keep(one)).count() as u64;
    let mut faults = vec![
        over("cores", sum(|a| a.cpu_cores.into()), machine.cpu_cores.into()),
        over("memory", sum(|a| a.memory), machine.memory_total.saturating_sub(machine.memory_foreign)),
        over("disk", sum(|a| a.disk), machine.disk_free),
        over("slots", sum(|a| a.slot.into()), limits.slots.into()),
        over("jobs", standing.len() as u64, limits.running.map_or(u64::MAX, u64::from)),
    ];
    for (group, limit) in &limits.groups {
        faults.push(over(group, count(&|one| one.group.as_ref() == Some(group)), u64::from(*limit)));
    }
    for project in ["p", "q"] {
        let limit = limits.projects.get(project).copied().or(limits.per_project).map_or(u64::MAX, u64::from);
        faults.push(over(project, count(&|one| one.project.as_deref() == Some(project)), limit));
    }
    for gpu in &machine.gpus {
        let on: Vec<(&Assignment, &GpuShare)> = all()
            .flat_map(|given| given.gpus.iter().map(move |share| (given, share)))
            .filter(|(_, share)| share.uuid == gpu.uuid)
            .collect();
        if on.is_empty() {
            continue;
        }
        let memory: u64 = on.iter().map(|(_, share)| share.memory).sum();
        faults.push(over("GPU memory", memory, gpu.memory_total.saturating_sub(gpu.memory_foreign)));
        faults.push(over("jobs on a GPU", on.len() as u64, limits.per_gpu.map_or(u64::MAX, u64::from)));
        if on.iter().any(|(given, _)| given.exclusive) && (on.len() > 1 || gpu.foreign_processes > 0) {
            faults.push(Some(format!("GPU {} is not exclusive", gpu.index)));
        }
        if gpu.unavailable.is_some() {
            faults.push(Some(format!("GPU {} is broken", gpu.index)));
        }
    }
    faults.into_iter().flatten().next()
}

/// Every assignment that would give the job what it asks for, wherever there is room for it or not.
pub fn assignments(machine: &Machine, job: &Job) -> Vec<Assignment> {
    let asked = &job.requirements;
    let named = |uuid: &str| {
        asked.gpu_uuids.is_empty()
            || asked.gpu_uuids.iter().any(|pin| {
                let meant: Vec<_> = machine
                    .gpus
                    .iter()
                    .filter(|gpu| {
                        let (uuid, pin) = (gpu.uuid.to_lowercase(), pin.to_lowercase());
                        uuid.starts_with(&pin) || uuid.trim_start_matches("gpu-").starts_with(&pin)
                    })
                    .collect();
                meant.len() == 1 && meant[0].uuid == uuid
            })
    };
    let meant: Vec<_> = machine
        .gpus
        .iter()
        .filter(|gpu| named(&gpu.uuid))
        .filter(|gpu| {
            asked
                .gpu_model
                .as_ref()
                .is_none_or(|part| gpu.model.to_lowercase().contains(&part.to_lowercase()))
        })
        .collect();
    (0u32..1 << meant.len())
        .filter(|set| set.count_ones() == asked.gpus)
        .map(|set| Assignment {
            slot: *asked
                == crate::requirements::Requirements {
                    estimated_ms: asked.estimated_ms,
                    ..Default::default()
                },
            cpu_cores: asked.cpu_cores.unwrap_or(0),
            memory: asked.memory.unwrap_or(0),
            disk: asked.disk.unwrap_or(0),
            gpus: meant
                .iter()
                .enumerate()
                .filter(|(at, _)| set & (1 << at) != 0)
                .map(|(_, gpu)| GpuShare {
                    index: gpu.index,
                    uuid: gpu.uuid.clone(),
                    memory: asked.gpu_memory.unwrap_or(0),
                })
                .collect(),
            exclusive: asked.gpus > 0 && asked.gpu_exclusive.unwrap_or(asked.gpu_memory.is_none()),
        })
        .collect()
}

/// Every way in which the job could be added to what stands.
pub fn ways(machine: &Machine, limits: &Limits, standing: &[Standing], job: &Job, now: i64) -> Vec<Standing> {
    assignments(machine, job)
        .into_iter()
        .map(|assignment| Standing {
            assignment,
            group: job.group.clone(),
            project: job.project.clone(),
            ends_at: job.estimate().map(|estimate| now + estimate),
        })
        .filter(|one| {
            let mut all = standing.to_vec();
            all.push(one.clone());
            fault(machine, limits, &all).is_none()
        })
        .collect()
}

/// Whether the job could be added to what stands.
pub fn fits(machine: &Machine, limits: &Limits, standing: &[Standing], job: &Job) -> bool {
    !ways(machine, limits, standing, job, 0).is_empty()
}
