//! Jobs on GPUs.

use crate::harness::{Athanor, script};
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

/// Queues a script that is there, on one GPU, and waits for its end.
fn run_on(athanor: &Athanor, gpu: &str, group: Option<&str>, program: &str, ends: &str) -> String {
    let mut arguments = vec!["--gpu", gpu];
    arguments.extend(group.into_iter().flat_map(|group| ["--group", group]));
    arguments.extend(["--", program]);
    let uid = athanor.add(&arguments);
    athanor.until_status(&uid, ends);
    uid
}

/// A script `good` that succeeds and some that die at once.
fn scripts(athanor: &Athanor) {
    script(&athanor.work().join("good"), "#!/bin/sh\n");
    for name in ["a", "b", "c", "d"] {
        script(&athanor.work().join(name), "#!/bin/sh\necho CUDA error >&2\nexit 7\n");
    }
}

fn gpu(athanor: &Athanor, index: usize) -> serde_json::Value {
    athanor.json(&["resources"])["gpus"][index].clone()
}

#[test]
fn a_gpu_on_which_unrelated_jobs_die_is_taken_out_until_the_user_has_looked() {
    let mut athanor = serving(&[40]);
    scripts(&athanor);
    // What does well in between clears it: four of the same are no row of five.
    for program in ["./a", "./b", "./c", "./d"] {
        run_on(&athanor, "GPU-0", None, program, "failed");
    }
    run_on(&athanor, "GPU-0", None, "./good", "completed");
    for program in ["./a", "./b"] {
        run_on(&athanor, "GPU-0", None, program, "failed");
    }
    // The strikes outlive the engine.
    athanor.kill_engine();
    athanor.serve(&["--slots", "4"]);
    for program in ["./c", "./a"] {
        run_on(&athanor, "GPU-0", None, program, "failed");
    }
    assert_eq!(gpu(&athanor, 0)["blocked"], false, "four strikes");
    let last = run_on(&athanor, "GPU-0", None, "./d", "failed");
    let blocked = gpu(&athanor, 0);
    assert_eq!(blocked["blocked"], true, "{blocked}");
    assert!(blocked["tripped_at"].is_i64(), "{blocked}");
    let why = blocked["unavailable"].as_str().expect("a reason").to_owned();
    assert!(why.contains("5 jobs in a row") && why.contains(&last) && why.contains("Exit code 7"), "{why}");
    let events = athanor.ok(&["--json", "events"]);
    assert_eq!(events.matches("\"gpu_tripped\"").count(), 1, "{events}");

    // And so does the block. Whoever waits is told why.
    let waiting = athanor.add(&["--gpu", "GPU-0", "--", "./good"]);
    athanor.kill_engine();
    athanor.serve(&["--slots", "4"]);
    let reason = wait_until("it says why it waits", || {
        let reason = athanor.experiment(&waiting)["wait_reason"].as_str().unwrap_or_default().to_owned();
        reason.contains("GPU 0").then_some(reason)
    });
    assert!(reason.contains("died on it within 10 s"), "{reason}");
    assert!(athanor.ok(&["resources"]).contains("5 jobs in a row died"));

    athanor.ok(&["gpu", "unblock", "0"]);
    athanor.until_status(&waiting, "completed");
    let free = gpu(&athanor, 0);
    assert!(
        free["blocked"] == false && free["tripped_at"].is_null() && free["unavailable"].is_null(),
        "{free}"
    );
    run_on(&athanor, "GPU-0", None, "./a", "failed");
    assert_eq!(gpu(&athanor, 0)["blocked"], false, "it begins anew");
}

#[test]
fn a_mistake_of_ones_own_takes_no_gpu_out() {
    let athanor = serving(&[40, 40]);
    scripts(&athanor);
    // A sweep of one script, and one script that is queued again and again.
    for _ in 0..4 {
        run_on(&athanor, "GPU-0", Some("sweep"), "./a", "failed");
        run_on(&athanor, "GPU-0", None, "./b", "failed");
    }
    assert_eq!(gpu(&athanor, 0)["blocked"], false, "two works");
    // Three that die wherever they run.
    for program in ["./a", "./b", "./c"] {
        run_on(&athanor, "GPU-1", None, program, "failed");
    }
    for _ in 0..5 {
        run_on(&athanor, "GPU-0", None, "./c", "failed");
    }
    assert_eq!(gpu(&athanor, 0)["blocked"], false, "they take their mistake along");
    assert_eq!(gpu(&athanor, 1)["blocked"], false);
}

#[test]
fn a_gpu_that_kills_what_does_well_on_another_is_taken_out() {
    let athanor = serving(&[40, 40]);
    script(&athanor.work().join("point"), "#!/bin/sh\n[ \"$CUDA_VISIBLE_DEVICES\" = GPU-1 ] || exit 1\n");
    for _ in 0..4 {
        run_on(&athanor, "GPU-0", Some("sweep"), "./point", "failed");
    }
    run_on(&athanor, "GPU-1", Some("sweep"), "./point", "completed");
    run_on(&athanor, "GPU-0", Some("sweep"), "./point", "failed");
    let blocked = gpu(&athanor, 0);
    assert_eq!(blocked["blocked"], true, "{blocked}");
    assert!(
        blocked["unavailable"].as_str().is_some_and(|why| why.contains("did well elsewhere")),
        "{blocked}"
    );
    assert_eq!(gpu(&athanor, 1)["blocked"], false);
    // What does not insist on it goes on with the other.
    let uid = athanor.add(&["--gpus", "1", "--group", "sweep", "--", "./point"]);
    athanor.until_status(&uid, "completed");
}
