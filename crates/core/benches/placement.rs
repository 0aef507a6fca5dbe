//! How long one pass over a long queue takes: `cargo bench -p athanor-core --bench placement`.
//!
//! Each number stands beside that of a plain pass over the same waiting jobs, taken in turns with it, so that the
//! ratio means the same on any machine.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use athanor_core::placement::{Assignment, Candidate, GpuShare, GpuState, Holding, Limits, Machine, plan};
use athanor_core::requirements::Requirements;

const WAITING: u32 = 10_000;
const GPUS: u32 = 16;
const GIB: u64 = 1 << 30;
/// What one pass may take.
const TARGET: Duration = Duration::from_millis(5);

fn machine() -> Machine {
    let gpu = |index: u32| GpuState {
        uuid: format!("GPU-{index:02}a0b1c2-d3e4-f506-1728-394a5b6c7d8e"),
        index,
        model: if index < 8 { "NVIDIA A100-SXM4-80GB" } else { "NVIDIA GeForce RTX 4090" }.into(),
        memory_total: if index < 8 { 80 * GIB } else { 24 * GIB },
        ..GpuState::default()
    };
    Machine {
        cpu_cores: 128,
        memory_total: 1024 * GIB,
        memory_foreign: 16 * GIB,
        disk_free: 4096 * GIB,
        gpus: (0..GPUS).map(gpu).collect(),
        gpu_fault: None,
    }
}

/// A job on each GPU but two, half of them with an estimate.
fn holdings(machine: &Machine) -> Vec<Holding> {
    let holding = |gpu: &GpuState| Holding {
        id: -i64::from(gpu.index),
        name: format!("running {}", gpu.index),
        assignment: Assignment {
            cpu_cores: 4,
            memory: 32 * GIB,
            gpus: vec![GpuShare { index: gpu.index, uuid: gpu.uuid.clone(), memory: 20 * GIB }],
            exclusive: gpu.index.is_multiple_of(3),
            ..Assignment::default()
        },
        group: Some(format!("group {}", gpu.index % 4)),
        project: Some("vision".into()),
        started_at: 0,
        ends_at: gpu.index.is_multiple_of(2).then(|| i64::from(gpu.index) * 600_000),
    };
    machine.gpus.iter().skip(2).map(holding).collect()
}

/// Requirements of `kinds` kinds, mixed as in a shared laboratory.
fn requirements(kinds: u32) -> Vec<Requirements> {
    let of = |number: u32| {
        let kind = number % kinds;
        let estimated_ms = (!number.is_multiple_of(3)).then(|| u64::from(number % 500 + 1) * 60_000);
        let memory = Some((u64::from(kind / 8) + 1) << 20);
        let base = Requirements { memory, estimated_ms, ..Requirements::default() };
        match kind % 8 {
            0 => Requirements { estimated_ms, ..Requirements::default() },
            1 => Requirements { cpu_cores: Some(kind % 16 + 1), ..base },
            2 => Requirements { gpus: 8, gpu_model: Some("a100".into()), ..base },
            3 => Requirements { gpus: 2, gpu_memory: Some(40 * GIB), ..base },
            4 => Requirements { gpus: 1, gpu_uuids: vec!["GPU-03".into()], ..base },
            5 => Requirements { gpus: 1, gpu_memory: Some(u64::from(kind % 24 + 1) * GIB), ..base },
            6 => Requirements { gpus: 4, ..base },
            _ => Requirements { gpus: 1, cpu_cores: Some(8), ..base },
        }
    };
    (0..WAITING).map(of).collect()
}

/// The middle one of many measurements.
fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn main() -> ExitCode {
    // Without this word, cargo only wants to see that it runs.
    let rounds = if std::env::args().any(|word| word == "--bench") { 201 } else { 1 };
    let machine = machine();
    let holdings = holdings(&machine);
    let plain = Limits { slots: 4, ..Limits::default() };
    let limited = Limits {
        running: Some(64),
        per_gpu: Some(4),
        groups: (0..4).map(|number| (format!("group {number}"), 6)).collect(),
        projects: [("vision".to_owned(), 40)].into(),
        per_project: Some(20),
        ..plain.clone()
    };
    let groups: Vec<String> = (0..8).map(|number| format!("group {number}")).collect();
    let mut met = true;
    for (name, kinds, limits) in [
        ("40 kinds", 40, &plain),
        ("40 kinds, every limit", 40, &limited),
        ("each of its own kind", WAITING, &plain),
        ("each of its own kind, every limit", WAITING, &limited),
    ] {
        let requirements = requirements(kinds);
        let waiting: Vec<Candidate<'_>> = (1..)
            .zip(&requirements)
            .zip(groups.iter().cycle())
            .map(|((id, requirements), group)| Candidate {
                id,
                name: "train",
                requirements,
                group: Some(group),
                project: Some(if id % 2 == 0 { "vision" } else { "speech" }),
            })
            .collect();
        let (mut passes, mut plans) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            passes.push(timed(|| {
                let asked = waiting.iter().map(|candidate| black_box(candidate).requirements);
                black_box(asked.filter(|requirements| requirements.declared()).count());
            }));
            plans.push(timed(|| {
                black_box(plan(&machine, limits, &holdings, waiting.iter().copied(), 0));
            }));
        }
        let (pass, plan) = (median(passes), median(plans));
        let ratio = plan.as_secs_f64() / pass.as_secs_f64().max(f64::EPSILON);
        println!("{WAITING} waiting, {GPUS} GPUs, {name}: {plan:?}, {ratio:.0} plain passes of {pass:?}");
        met &= plan < TARGET;
    }
    if rounds > 1 && !met {
        println!("a pass may take {TARGET:?}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
