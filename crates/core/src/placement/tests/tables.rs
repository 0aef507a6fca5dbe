//! Small queues by example: who starts where, and in which words the others wait.

use std::collections::HashMap;

use crate::placement::{
    Assignment, Candidate, GpuShare, GpuState, Holding, Limits, Machine, Plan, Unavailable, WaitReason,
    forecast, plan,
};
use crate::requirements::Requirements;

const GIB: u64 = 1 << 30;
const HOUR: i64 = 3_600_000;

/// 16 cores, 64 GiB and GPUs of these sizes in GiB.
fn machine(gpus: &[u64]) -> Machine {
    let gpu = |(index, size): (u32, &u64)| GpuState {
        uuid: format!("GPU-{index}"),
        index,
        model: if *size > 24 { "NVIDIA A100" } else { "NVIDIA L4" }.into(),
        memory_total: size * GIB,
        ..GpuState::default()
    };
    Machine {
        cpu_cores: 16,
        memory_total: 64 * GIB,
        disk_free: 100 * GIB,
        gpus: (0..).zip(gpus).map(gpu).collect(),
        ..Machine::default()
    }
}

fn slots(slots: u32) -> Limits {
    Limits { slots, ..Limits::default() }
}

fn gpus(count: u32) -> Requirements {
    Requirements { gpus: count, ..Requirements::default() }
}

fn shared(gib: u64) -> Requirements {
    Requirements { gpus: 1, gpu_memory: Some(gib * GIB), ..Requirements::default() }
}

fn cores(count: u32) -> Requirements {
    Requirements { cpu_cores: Some(count), ..Requirements::default() }
}

fn hours(hours: u64, requirements: Requirements) -> Requirements {
    Requirements { estimated_ms: Some(hours * 3_600_000), ..requirements }
}

fn holds(id: i64, gpu: u32, memory: u64, exclusive: bool, ends_at: Option<i64>) -> Holding {
    let share = GpuShare { index: gpu, uuid: format!("GPU-{gpu}"), memory: memory * GIB };
    Holding {
        id,
        assignment: Assignment { gpus: vec![share], exclusive, ..Assignment::default() },
        ends_at,
        ..Holding::default()
    }
}

/// Jobs with ids from 1, named after their ids.
fn queue(jobs: &[Requirements]) -> Vec<Candidate<'_>> {
    const NAMES: [&str; 6] = ["one", "two", "three", "four", "five", "six"];
    (1..)
        .zip(jobs)
        .zip(NAMES)
        .map(|((id, requirements), name)| Candidate { id, name, requirements, group: None, project: None })
        .collect()
}

fn decide(machine: &Machine, limits: &Limits, holdings: &[Holding], jobs: &[Requirements]) -> Plan {
    plan(machine, limits, holdings, queue(jobs), 0)
}

/// The indices of the GPUs that each job that starts is given.
fn given(plan: &Plan) -> Vec<(i64, Vec<u32>)> {
    let indices = |given: &Assignment| given.gpus.iter().map(|share| share.index).collect();
    plan.starts.iter().map(|(id, assignment)| (*id, indices(assignment))).collect()
}

fn words(plan: &Plan, requirements: &Requirements) -> String {
    let candidate = Candidate { id: 99, name: "it", requirements, group: None, project: None };
    plan.explain(&candidate, 0).words_at(0)
}

#[test]
fn shared_jobs_leave_whole_gpus_whole() {
    let plan =
        decide(&machine(&[24, 24, 80]), &slots(0), &[], &[shared(10), shared(10), shared(10), gpus(1)]);
    assert_eq!(given(&plan), [(1, vec![0]), (2, vec![0]), (3, vec![1]), (4, vec![2])]);

    let two = [holds(7, 0, 4, false, None), holds(8, 2, 60, false, None)];
    let plan = decide(&machine(&[24, 24, 80]), &slots(0), &two, &[shared(20), shared(20), shared(1)]);
    assert_eq!(
        given(&plan),
        [(1, vec![0]), (2, vec![2]), (3, vec![1])],
        "beside others first, where the least is left over"
    );
}

#[test]
fn an_exclusive_job_takes_the_smallest_gpu_that_suffices() {
    let roomy = Requirements { gpu_exclusive: Some(true), ..shared(10) };
    let plan = decide(&machine(&[80, 24, 80]), &slots(0), &[], &[roomy, gpus(1)]);
    assert_eq!(given(&plan), [(1, vec![1]), (2, vec![0])]);
}

#[test]
fn gpus_are_chosen_by_name_and_model() {
    let named = |pin: &str| Requirements { gpu_uuids: vec![pin.into()], ..gpus(1) };
    let a100 = Requirements { gpu_model: Some("a100".into()), ..gpus(1) };
    let plan = decide(&machine(&[24, 80, 24]), &slots(0), &[], &[named("gpu-2"), a100, named("0"), gpus(1)]);
    assert_eq!(given(&plan), [(1, vec![2]), (2, vec![1]), (3, vec![0])]);
}

#[test]
fn a_backfilled_job_avoids_what_is_promised() {
    // GPU 0 ends in an hour; the first job waits for both large ones, so only the small GPU 2 can be given away.
    let large = Requirements { gpus: 2, gpu_memory: Some(60 * GIB), ..Requirements::default() };
    let running = [holds(7, 0, 80, true, Some(HOUR))];
    let plan =
        decide(&machine(&[80, 80, 24]), &slots(0), &running, &[large, gpus(1), gpus(1), hours(1, gpus(1))]);
    let reservation = plan.reservation.clone().expect("the first job does not fit");
    assert_eq!((reservation.id, reservation.at), (1, Some(HOUR)));
    assert_eq!(reservation.assignment.gpus.iter().map(|gpu| gpu.index).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(
        given(&plan),
        [(2, vec![2]), (4, vec![1])],
        "the third would hold GPU 1 too long, the fourth ends"
    );
    assert_eq!(words(&plan, &gpus(1)), "Waits for a GPU: all 3 are in use");
}

#[test]
fn a_job_that_others_keep_waiting_keeps_nobody_waiting() {
    let mut machine = machine(&[24, 24]);
    machine.gpus[1].foreign_processes = 1;
    let plan = decide(&machine, &slots(0), &[], &[gpus(2), gpus(1)]);
    assert_eq!(plan.reservation, None, "nobody knows when the others are done");
    assert_eq!(given(&plan), [(2, vec![0])]);
}

#[test]
fn a_limit_that_was_lowered_or_passed_leaves_nothing_free() {
    let cpu = |id| Holding {
        id,
        assignment: Assignment { slot: true, cpu_cores: 12, memory: 40 * GIB, ..Assignment::default() },
        ..Holding::default()
    };
    let plan = decide(&machine(&[]), &slots(1), &[cpu(7), cpu(8)], &[Requirements::default(), cores(1)]);
    assert_eq!(given(&plan), []);
    assert_eq!(words(&plan, &Requirements::default()), "2 of 1 slot taken, next to start");
    assert_eq!(words(&plan, &cores(1)), "Waits for 1 core: 0 of 16 are free");
}

#[test]
fn a_place_of_the_promised_jobs_group_stays_free() {
    let night = Limits { groups: HashMap::from([("night".into(), 2)]), ..slots(9) };
    let jobs = [gpus(2), Requirements::default(), hours(1, Requirements::default()), Requirements::default()];
    let mut waiting = queue(&jobs);
    for job in &mut waiting[..3] {
        job.group = Some("night");
    }
    let running = [holds(7, 0, 24, true, Some(2 * HOUR))];
    let plan = plan(&machine(&[24, 24]), &night, &running, waiting.iter().copied(), 0);
    assert_eq!(
        given(&plan),
        [(2, vec![]), (4, vec![])],
        "the third would take the place, though it ends in time"
    );
    assert_eq!(plan.explain(&waiting[2], 1).words_at(0), "Would delay one, which starts in about 2 h");
}

#[test]
fn a_gpu_that_is_gone_takes_nothing_with_it() {
    let mut gone = holds(7, 0, 24, true, None);
    gone.assignment.gpus[0].uuid = "GPU-elsewhere".into();
    let plan = decide(&machine(&[24]), &slots(0), &[gone], &[gpus(1)]);
    assert_eq!(given(&plan), [(1, vec![0])]);

    // The index may change when the machine is started anew; the uuid does not.
    let mut moved = holds(7, 1, 24, true, None);
    moved.assignment.gpus[0].uuid = "GPU-0".into();
    let plan = decide(&machine(&[24, 24]), &slots(0), &[moved], &[gpus(1)]);
    assert_eq!(given(&plan), [(1, vec![1])]);
}

#[test]
fn the_forecast_follows_estimates_until_they_end() {
    let running = [holds(7, 0, 24, true, Some(HOUR)), holds(8, 1, 24, true, Some(2 * HOUR))];
    let jobs = [hours(3, gpus(1)), gpus(1), gpus(1), hours(1, Requirements::default()), gpus(1), gpus(9)];
    let plan = decide(&machine(&[24, 24]), &slots(1), &running, &jobs);
    assert_eq!(
        forecast(&plan, queue(&jobs), 10),
        [
            (1, Some(HOUR)),
            (2, Some(2 * HOUR)),
            (3, Some(4 * HOUR)),
            (4, Some(0)),
            (5, None), // Behind two of unknown length.
            (6, None), // There are not nine.
        ]
    );
    assert_eq!(forecast(&plan, queue(&jobs), 1), [(1, Some(HOUR))]);
}

#[test]
fn reasons_follow_from_the_plan() {
    let busy = [holds(7, 0, 24, true, Some(HOUR)), holds(8, 1, 20, false, None)];
    let plan = decide(&machine(&[24, 24]), &slots(1), &busy, &[cores(13), Requirements::default(), gpus(2)]);
    let memory = |gib: u64| Requirements { memory: Some(gib * GIB), ..Requirements::default() };
    let disk = |gib: u64| Requirements { disk: Some(gib * GIB), ..Requirements::default() };
    let model = |count, model: &str| Requirements { gpu_model: Some(model.into()), ..gpus(count) };
    let named = Requirements { gpu_uuids: vec!["GPU-1".into()], ..gpus(1) };
    for (requirements, expected) in [
        (Requirements::default(), "1 of 1 slot taken, next to start"),
        (cores(8), "Waits for 8 cores: 3 of 16 are free"),
        (
            memory(65),
            "No machine here can meet this: Asks for 65.0 GiB of memory, and this machine has 64.0 GiB",
        ),
        (disk(101), "Waits for 101 GiB of disk: 100 GiB is free"),
        (gpus(1), "Waits for a GPU: both are in use"),
        (gpus(2), "Waits for 2 GPUs: both are in use"),
        (shared(10), "Waits for a GPU with 10.0 GiB free: at most 4.00 GiB is"),
        (model(1, "L4"), "Waits for a GPU of model L4: both are in use"),
        (model(2, "L4"), "Waits for 2 GPUs of model L4: both are in use"),
        (named, "Waits for a GPU: GPU 1 is in use"),
    ] {
        assert_eq!(words(&plan, &requirements), expected, "{requirements:?}");
    }
    let memory_plan = Machine { memory_foreign: 50 * GIB, ..machine(&[]) };
    let plan = decide(&memory_plan, &slots(1), &[], &[]);
    assert_eq!(words(&plan, &memory(20)), "Waits for 20.0 GiB of memory: 14.0 GiB of 64.0 GiB is free");
    assert_eq!(words(&plan, &memory(10)), "Next to start");
}

#[test]
fn reasons_name_others_and_broken_gpus() {
    let mut machine = machine(&[24, 24, 24, 80]);
    machine.gpus[1].foreign_processes = 2;
    machine.gpus[2].unavailable = Some("it fell off the bus".into());
    let plan = decide(&machine, &slots(0), &[holds(7, 3, 10, false, None)], &[]);
    let two = Requirements { gpus: 2, ..shared(10) };
    for (requirements, expected) in [
        (
            gpus(2),
            "Waits for 2 GPUs: 1 is free, GPU 1 is used by others, GPU 2 can't be used (it fell off the bus)",
        ),
        (two, "Next to start"),
        (
            Requirements { gpu_uuids: vec!["GPU-1".into()], ..gpus(1) },
            "Waits for a GPU: GPU 1 is used by others",
        ),
        (
            Requirements { gpu_memory: Some(80 * GIB), ..gpus(1) },
            "Waits for a GPU with 80.0 GiB free: at most 70.0 GiB is",
        ),
    ] {
        assert_eq!(words(&plan, &requirements), expected, "{requirements:?}");
    }
}

#[test]
fn reasons_name_the_limit_that_is_reached() {
    let mut limits = slots(1);
    limits.groups = HashMap::from([("night".into(), 1)]);
    limits.per_project = Some(1);
    let holding = Holding {
        group: Some("night".into()),
        project: Some("vision".into()),
        ..holds(7, 0, 1, false, None)
    };
    let plan = decide(
        &machine(&[24]),
        &Limits { per_gpu: Some(1), ..limits.clone() },
        std::slice::from_ref(&holding),
        &[],
    );
    let reason = |group, project, requirements: &Requirements| {
        let candidate = Candidate { id: 1, name: "it", requirements, group, project };
        plan.explain(&candidate, 2).words_at(0)
    };
    let core = cores(1);
    assert_eq!(reason(Some("night"), None, &core), "Group night: 1 of 1 running");
    assert_eq!(reason(Some("day"), Some("vision"), &core), "Project vision: 1 of 1 running");
    assert_eq!(reason(Some("day"), Some("speech"), &core), "Next to start");
    assert_eq!(reason(None, None, &shared(1)), "Waits for a GPU with no other job: the limit is 1");

    let plan = decide(
        &machine(&[24]),
        &Limits { running: Some(1), ..limits.clone() },
        &[holding],
        std::slice::from_ref(&core),
    );
    let candidate = Candidate { id: 1, name: "it", requirements: &core, group: None, project: None };
    assert_eq!(plan.explain(&candidate, 2).words_at(0), "1 of 1 job running, 2 ahead of it");
    let plan = decide(&machine(&[24]), &Limits { paused: true, ..limits }, &[], std::slice::from_ref(&core));
    assert_eq!(plan.explain(&candidate, 2).words_at(0), "The queue is paused");
}

#[test]
fn a_job_that_may_not_pass_is_told_whom_it_would_delay() {
    for (ends_at, expected) in [
        (Some(2 * HOUR), "Would delay one, which starts in about 2 h"),
        (Some(-1), "Would delay one, which starts any moment"),
        (None, "Would delay one, which comes first"),
    ] {
        let plan = decide(&machine(&[24, 24]), &slots(0), &[holds(7, 0, 24, true, ends_at)], &[gpus(2)]);
        assert_eq!(words(&plan, &gpus(1)), expected);
        let one = &queue(&[gpus(2)])[0].requirements.clone();
        let first = Candidate { id: 1, name: "one", requirements: one, group: None, project: None };
        assert_eq!(
            plan.explain(&first, 0).words_at(0),
            "Waits for 2 GPUs: 1 is free",
            "not that it delays itself"
        );
    }
}

#[test]
fn every_reason_is_a_sentence() {
    let held = |reason: WaitReason| reason.words_at(0);
    let gpus = |wanted, free, in_use: &[u32], foreign: &[u32]| WaitReason::Gpus {
        wanted,
        memory: Some(10 * GIB),
        model: None,
        free,
        in_use: in_use.to_vec(),
        foreign: foreign.to_vec(),
        unavailable: Vec::new(),
        most_free: None,
    };
    let names =
        |names: &[&str]| WaitReason::Dependency { names: names.iter().map(ToString::to_string).collect() };
    for (reason, expected) in [
        (WaitReason::QueuePaused, "The queue is paused"),
        (WaitReason::NoEngine, "Starts with the next engine"),
        (WaitReason::SlotsTaken { running: 2, slots: 2, ahead: 0 }, "2 of 2 slots taken, next to start"),
        (WaitReason::SlotsTaken { running: 2, slots: 2, ahead: 3 }, "2 of 2 slots taken, 3 ahead of it"),
        (
            WaitReason::SlotsTaken { running: 0, slots: 0, ahead: 1 },
            "No job may run at present (jobs at once: 0), 1 ahead of it",
        ),
        (WaitReason::RunningLimit { running: 3, limit: 3, ahead: 1 }, "3 of 3 jobs running, 1 ahead of it"),
        (
            WaitReason::RunningLimit { running: 0, limit: 0, ahead: 0 },
            "No job may run at present (limit for all jobs: 0), next to start",
        ),
        (
            WaitReason::GroupLimit { group: "g".into(), running: 0, limit: 0 },
            "Group g: no job may run (limit 0)",
        ),
        (WaitReason::GpuLimit { limit: 0 }, "No job may use a GPU at present (jobs on a GPU: 0)"),
        (WaitReason::GpuLimit { limit: 2 }, "Waits for a GPU with fewer than 2 jobs: that is the limit"),
        (gpus(2, 1, &[0], &[]), "Waits for 2 GPUs with 10.0 GiB free: 1 is free"),
        (gpus(3, 2, &[0], &[]), "Waits for 3 GPUs with 10.0 GiB free: 2 are free"),
        (gpus(4, 0, &[0, 1, 2, 3], &[]), "Waits for 4 GPUs with 10.0 GiB free: all 4 are in use"),
        (
            gpus(1, 0, &[0, 2], &[1]),
            "Waits for a GPU with 10.0 GiB free: GPUs 0 and 2 are in use, GPU 1 is used by others",
        ),
        (
            gpus(2, 0, &[0, 2, 3], &[1]),
            "Waits for 2 GPUs with 10.0 GiB free: 3 are in use, GPU 1 is used by others",
        ),
        (WaitReason::Held, "Held until it is released"),
        (names(&["prep"]), "Waits for prep"),
        (names(&["prep", "fit"]), "Waits for prep and fit"),
        (names(&["prep", "fit", "test", "plot"]), "Waits for prep, fit and 2 more"),
        (WaitReason::NotBefore { at: 30_000 }, "Starts in less than a minute at the earliest"),
        (
            WaitReason::Window { name: "nights".into(), opens_at: Some(5 * HOUR / 2) },
            "Runs only in “nights”: opens in about 3 h",
        ),
        (
            WaitReason::Window { name: "nights".into(), opens_at: None },
            "Runs only in “nights”, which never opens",
        ),
        (WaitReason::RetryAt { at: 90_000, number: 2 }, "Retry 2 starts in about 2 min"),
        (WaitReason::NotBefore { at: 72 * HOUR }, "Starts in about 3 days at the earliest"),
    ] {
        assert_eq!(held(reason), expected);
    }
    let delay = WaitReason::WouldDelay { name: "big_run".into(), at: Some(7) };
    assert_eq!(delay.words_with(|at| format!("at 14:0{at}")), "Would delay big_run, which starts at 14:07");
}

#[test]
fn reasons_and_assignments_keep_their_stored_form() {
    let reason = WaitReason::Gpus {
        wanted: 2,
        memory: None,
        model: None,
        free: 1,
        in_use: vec![0],
        foreign: vec![],
        unavailable: vec![Unavailable { index: 2, reason: "gone".into() }],
        most_free: None,
    };
    let json = serde_json::to_string(&reason).expect("plain data");
    assert!(json.starts_with(r#"{"kind":"gpus","wanted":2,"#), "{json}");
    assert_eq!(serde_json::from_str::<WaitReason>(&json).expect("what was written"), reason);

    let assignment: Assignment = serde_json::from_str(r#"{"slot":true}"#).expect("fields may be left out");
    assert_eq!(assignment, Assignment { slot: true, ..Assignment::default() });
}
