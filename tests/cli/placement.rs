//! Jobs on GPUs that come and go: the queue sees them through the driver's interface, as anywhere.

use std::sync::atomic::{AtomicU32, Ordering};

use athanor_nvml_test::script::{ErrorCode, Fault, Gpu, Instance, Process, Script, Share};
use serde_json::Value;

use crate::harness::Athanor;
use crate::wait::wait_until;

/// Says what it was given, and waits for a file to be there.
const GATE: &str = "echo $CUDA_VISIBLE_DEVICES; while [ ! -e gate ]; do sleep 0.02; done";

/// Two GPUs of 40 GiB. What a job runs is seen on the GPU that it was put on, with 3 GiB: so no other test has a GPU of
/// that name.
fn two() -> Script {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let machine = MADE.fetch_add(1, Ordering::Relaxed);
    let gpu = |index: u32| Gpu {
        uuid: format!("GPU-{}-{machine}-{index}", std::process::id()),
        name: Some("NVIDIA A100".into()),
        memory_total: 40 << 30,
        utilisation: Some(0.0.into()),
        follow: Some(Share { memory: 3 << 30, utilisation: 80.0.into(), power: 0.0.into() }),
        ..Gpu::default()
    };
    Script { driver: Some("560.35.03".into()), gpus: vec![gpu(0), gpu(1)], ..Script::default() }
}

fn serving(script: &Script, count: usize) -> Athanor {
    let mut athanor = Athanor::new();
    athanor.set_gpus(script);
    athanor.serve(&["--slots", "4"]);
    wait_until("the GPUs are seen", || (resources(&athanor).len() == count).then_some(()));
    athanor
}

fn resources(athanor: &Athanor) -> Vec<Value> {
    athanor.json(&["resources"])["gpus"].as_array().cloned().unwrap_or_default()
}

/// Queues a job for one GPU that waits for its gate; its GPU once it has started.
fn start(athanor: &Athanor) -> (String, String) {
    start_line(athanor, GATE)
}

fn start_line(athanor: &Athanor, line: &str) -> (String, String) {
    let uid = athanor.add(&["--gpus", "1", "--shell", "--", line]);
    athanor.until_status(&uid, "running");
    let given = wait_until("it says what it has", || {
        let log = athanor.ok(&["log", &uid]);
        log.ends_with('\n').then(|| log.trim().to_owned())
    });
    (uid, given)
}

fn waits_for(athanor: &Athanor, uid: &str, words: &str) -> String {
    wait_until("it says why it waits", || {
        let reason = athanor.experiment(uid)["wait_reason"].as_str().unwrap_or_default().to_owned();
        reason.contains(words).then_some(reason)
    })
}

/// The processes that the newest sample names on a GPU.
fn processes_on(athanor: &Athanor, gpu: &str) -> Vec<Value> {
    let status = athanor.json(&["status"]);
    let list = status["device"]["gpus"]["list"].as_array().cloned().unwrap_or_default();
    let found = list.into_iter().find(|it| it["uuid"] == gpu);
    found.and_then(|it| it["processes"]["value"].as_array().cloned()).unwrap_or_default()
}

#[test]
fn two_jobs_run_on_two_gpus_and_are_seen_there() {
    let script = two();
    let athanor = serving(&script, 2);
    let line = "echo $CUDA_VISIBLE_DEVICES; exec sleep 600";
    let (first, on_first) = start_line(&athanor, line);
    let (second, on_second) = start_line(&athanor, line);
    let uuids = [0, 1].map(|index: usize| script.gpus[index].uuid.as_str());
    assert_eq!([on_first.as_str(), on_second.as_str()], uuids, "each is told of its own, by uuid");
    let job = athanor.job_pid(&first);
    let seen = wait_until("it is seen", || {
        processes_on(&athanor, &on_first).into_iter().find(|process| process["pid"] == job)
    });
    assert_eq!((&seen["own"], seen["memory"]["value"].as_u64()), (&Value::Bool(true), Some(3 << 30)));
    assert_eq!(seen["command"], "sleep 600");
    assert_eq!(seen["experiment"], first.as_str(), "and is known to be the job's");
    let other = athanor.job_pid(&second);
    let others = processes_on(&athanor, &on_second);
    assert!(others.iter().all(|process| process["pid"] != job), "{others:?}");
    wait_until("the other is seen, too", || {
        processes_on(&athanor, &on_second).iter().any(|process| process["pid"] == other).then_some(())
    });
    athanor.ok(&["cancel", &first, &second]);
    athanor.until_status(&second, "cancelled");
}

#[test]
fn a_gpu_that_fell_off_the_bus_gets_no_job_until_it_is_back() {
    let mut script = two();
    let athanor = serving(&script, 2);
    script.gpus[0].faults.insert("*".into(), Fault::Error(ErrorCode::GpuIsLost));
    athanor.set_gpus(&script);
    wait_until("it is lost", || resources(&athanor)[0]["unavailable"].is_string().then_some(()));
    let (_, given) = start(&athanor);
    assert_eq!(given, script.gpus[1].uuid);
    let waiting = athanor.add(&["--gpus", "1", "--shell", "--", GATE]);
    let reason = waits_for(&athanor, &waiting, "GPU 0");
    assert!(reason.contains("GPU 0 can't be used (the GPU has fallen off the bus)"), "{reason}");
    // Both at once are not impossible: it may be back.
    athanor.add(&["--gpus", "2", "--", "true"]);
    script.gpus[0].faults.clear();
    athanor.set_gpus(&script);
    athanor.until_status(&waiting, "running");
    athanor.file("gate", "");
    athanor.until_status(&waiting, "completed");
}

#[test]
fn jobs_wait_while_the_driver_is_updated_and_go_on_after() {
    let mut script = two();
    let athanor = serving(&script, 2);
    let (running, _) = start(&athanor);
    script.faults.insert("*".into(), Fault::Error(ErrorCode::LibRmVersionMismatch));
    athanor.set_gpus(&script);
    let table = wait_until("it is noticed", || {
        let table = athanor.ok(&["status"]);
        table.contains("different versions").then_some(table)
    });
    assert!(table.contains("Restart the machine"), "the next step is named: {table}");
    let waiting = athanor.add(&["--gpus", "1", "--shell", "--", GATE]);
    waits_for(&athanor, &waiting, "different versions");
    assert_eq!(athanor.status(&running), "running");
    script.faults.clear();
    script.generation += 1;
    athanor.set_gpus(&script);
    athanor.until_status(&waiting, "running");
    athanor.file("gate", "");
    athanor.until_status(&running, "completed");
}

#[test]
fn jobs_are_put_on_the_instances_of_a_divided_gpu() {
    let mut script = two();
    let instance = |number: u32| Instance {
        uuid: format!("MIG-{number}"),
        memory_total: 20 << 30,
        ..Instance::default()
    };
    script.gpus.truncate(1);
    script.gpus[0].mig = Some(vec![instance(0), instance(1)]);
    let athanor = serving(&script, 2);
    let mut given = [start(&athanor).1, start(&athanor).1];
    given.sort();
    assert_eq!(given, ["MIG-0", "MIG-1"]);
    let (code, message) = athanor.fails(&["add", "--gpus", "1", "--gpu-mem", "30GiB", "--", "true"]);
    assert_eq!(code, 2, "the whole GPU's memory is not to be had: {message}");
    athanor.file("gate", "");
}

#[test]
fn what_others_use_is_not_given_away() {
    let mut script = two();
    script.gpus[0].processes = vec![Process { pid: 1, memory: Some(30 << 30), ..Process::default() }];
    let athanor = serving(&script, 2);
    let small = athanor.add(&["--gpus", "1", "--gpu-mem", "20GiB", "--shell", "--", GATE]);
    athanor.until_status(&small, "running");
    assert_eq!(
        athanor.json(&["show", &small])["attempts"][0]["gpus"][0]["uuid"],
        script.gpus[1].uuid.as_str()
    );
    let waiting =
        athanor.add(&["--gpu", &script.gpus[0].uuid, "--gpu-mem", "20GiB", "--shell", "--", "true"]);
    waits_for(&athanor, &waiting, "GPU");
    script.gpus[0].processes.clear();
    athanor.set_gpus(&script);
    athanor.until_status(&waiting, "completed");
    athanor.file("gate", "");
}
