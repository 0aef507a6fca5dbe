//! Jobs on GPUs.

use crate::harness::Athanor;
use crate::wait::wait_until;

const GATE: &str = "echo $CUDA_DEVICE_ORDER $CUDA_VISIBLE_DEVICES; while [ ! -e gate ]; do sleep 0.02; done";

fn serving(memory: &[u64]) -> Athanor {
    let mut athanor = Athanor::with_gpus(memory);
    athanor.serve(&["--slots", "4"]);
    wait_until("the GPUs are seen", || {
        let gpus = athanor.json(&["resources"])["gpus"].as_array().map(Vec::len);
        (gpus == Some(memory.len())).then_some(())
    });
    athanor
}

#[test]
fn each_job_gets_gpus_of_its_own_and_the_rest_wait_in_words() {
    let athanor = serving(&[40, 40]);
    let first = athanor.add(&["--gpus", "1", "--shell", "--", GATE]);
    let second = athanor.add(&["--gpus", "1", "--shell", "--", GATE]);
    let third = athanor.add(&["--gpus", "1", "--shell", "--", GATE]);
    let none = athanor.add(&["--shell", "--", "echo [$CUDA_VISIBLE_DEVICES]"]);
    athanor.until_status(&first, "running");
    athanor.until_status(&second, "running");
    athanor.until_status(&none, "completed");
    assert_eq!(athanor.ok(&["log", &none]), "[]\n", "who asks for no GPU sees none, and waits behind none");
    let given = |uid: &str| {
        wait_until("it says what it has", || {
            let log = athanor.ok(&["log", uid]);
            log.ends_with('\n').then_some(log)
        })
    };
    let mut seen = [given(&first), given(&second)];
    seen.sort();
    assert_eq!(seen, ["PCI_BUS_ID GPU-0\n", "PCI_BUS_ID GPU-1\n"]);
    let reason = athanor.experiment(&third)["wait_reason"].as_str().expect("a reason").to_owned();
    assert!(reason.contains("GPU"), "{reason}");
    let table = athanor.ok(&["resources"]);
    assert!(table.contains("NVIDIA A100") && table.contains("in exclusive use"), "{table}");
    assert!(athanor.ok(&["ls"]).contains("1 wanted"));
    assert_eq!(athanor.json(&["show", &first])["attempts"][0]["gpus"].as_array().map(Vec::len), Some(1));
    athanor.file("gate", "");
    athanor.until_status(&third, "completed");
    let timeline = athanor.ok(&["timeline", "--since", "1h"]);
    assert!(timeline.contains("GPU 0") && timeline.contains("GPU 1"), "{timeline}");
}

#[test]
fn a_gpu_that_was_taken_out_gets_no_jobs() {
    let athanor = serving(&[40]);
    athanor.ok(&["gpu", "block", "0"]);
    let uid = athanor.add(&["--gpus", "1", "--shell", "--", "true"]);
    let plain = athanor.add(&["--", "true"]);
    athanor.until_status(&plain, "completed");
    assert_eq!(athanor.status(&uid), "queued");
    assert_eq!(athanor.json(&["resources"])["gpus"][0]["blocked"], true);
    athanor.ok(&["gpu", "unblock", "GPU-0"]);
    athanor.until_status(&uid, "completed");
    let (code, message) = athanor.fails(&["gpu", "block", "7"]);
    assert_eq!(code, 3, "{message}");
}

#[test]
fn what_no_state_of_this_machine_could_meet_is_refused() {
    let athanor = serving(&[40]);
    for (arguments, words) in [
        (vec!["--gpus", "2"], "has 1"),
        (vec!["--gpus", "1", "--gpu-mem", "80GiB"], "80"),
        (vec!["--gpus", "1", "--gpu-model", "H100"], "H100"),
        (vec!["--gpu", "GPU-9"], "GPU-9"),
        (vec!["--memory", "900TiB"], "memory"),
        (vec!["--cpus", "4000"], "cores"),
    ] {
        let mut all = vec!["add"];
        all.extend(&arguments);
        all.extend(["--", "true"]);
        let (code, message) = athanor.fails(&all);
        assert_eq!(code, 2, "{arguments:?}: {message}");
        assert!(message.contains(words), "{arguments:?}: {message}");
    }
    assert!(athanor.names(&["--all"]).is_empty());
}

#[test]
fn a_job_waits_for_room_on_the_disk_that_it_works_on() {
    let athanor = Athanor::serving(1);
    let uid = athanor.add(&["--disk", "900TiB", "--", "true"]);
    let reason = wait_until("the machine was looked at", || {
        let reason = athanor.experiment(&uid)["wait_reason"].as_str().unwrap_or_default().to_owned();
        reason.contains("disk").then_some(reason)
    });
    assert!(reason.starts_with("Waits for 900 TiB of disk: "), "{reason}");
    // It keeps nobody else from starting, and starts when it asks for less.
    let other = athanor.add(&["--cpus", "1", "--", "true"]);
    athanor.until_status(&other, "completed");
    athanor.ok(&["edit", &uid, "--disk", "1KiB"]);
    athanor.until_status(&uid, "completed");
}
