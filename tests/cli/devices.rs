//! The machine on the command line: as it is, live, and over time.

use athanor_nvml_test::script::{Gpu, Process, Script, Share};

use crate::harness::{Athanor, texts};
use crate::wait::wait_until;

/// A machine with two GPUs: the jobs on the first compute and draw power, on the second sits somebody else.
fn machine() -> Script {
    let gpu = |index: u32| Gpu {
        uuid: format!("GPU-{index}"),
        name: Some("NVIDIA A100".into()),
        memory_total: 40 << 30,
        utilisation: Some(0.0.into()),
        temperature: Some(55.0.into()),
        power: Some(100.0.into()),
        ..Gpu::default()
    };
    let follow = Share { memory: 6 << 30, utilisation: 90.0.into(), power: 150.0.into() };
    let other = Process { pid: 1, memory: Some(3 << 30), ..Process::default() };
    let gpus = vec![
        Gpu { follow: Some(follow), ..gpu(0) },
        Gpu { processes: vec![other], fans: vec![40.0.into()], ..gpu(1) },
    ];
    Script { driver: Some("560.35".into()), gpus, ..Script::default() }
}

fn serving() -> Athanor {
    let mut athanor = Athanor::new();
    athanor.set_gpus(&machine());
    athanor.serve(&["--slots", "4"]);
    wait_until("the GPUs are seen", || {
        let gpus = athanor.json(&["resources"])["gpus"].as_array().map(Vec::len);
        (gpus == Some(2)).then_some(())
    });
    athanor
}

/// A job on the first GPU that computes there until there is a file `gate`, once its process was seen.
fn computing(athanor: &Athanor) -> String {
    let gate = "while [ ! -e gate ]; do sleep 0.05; done";
    let uid = athanor.add(&["--gpu", "GPU-0", "--name", "train", "--shell", "--", gate]);
    athanor.until_status(&uid, "running");
    wait_until("its use is seen", || {
        let shown = athanor.json(&["show", &uid]);
        shown["attempts"][0]["gpu_use"]["now"]["memory"].is_u64().then_some(())
    });
    uid
}

#[test]
fn a_gpu_names_the_job_that_was_given_it_before_that_uses_it() {
    let mut script = machine();
    script.gpus.truncate(1);
    script.gpus[0].follow = None;
    let mut athanor = Athanor::new();
    athanor.set_gpus(&script);
    athanor.serve(&["--slots", "1"]);
    wait_until("the GPU is seen", || athanor.json(&["resources"])["gpus"][0].is_object().then_some(()));
    let uid = athanor.add(&["--gpus", "1", "--shell", "--", "while [ ! -e gate ]; do sleep 0.05; done"]);
    athanor.until_status(&uid, "running");
    let table = athanor.ok(&["devices"]);
    assert!(table.lines().any(|line| line.contains("NVIDIA A100") && line.contains(&uid)), "{table}");
    athanor.file("gate", "");
    athanor.until_status(&uid, "completed");
    assert!(!athanor.ok(&["devices"]).contains(&uid), "and no longer once it has ended");
}

#[test]
fn what_a_job_uses_of_its_gpus_is_known_while_it_runs_and_afterwards() {
    let mut athanor = serving();
    let uid = computing(&athanor);
    let table = athanor.ok(&["devices", "--processes"]);
    for words in ["NVIDIA 560.35", "NVIDIA A100", "6.00 of 40.0 GiB", "250 W", "55 °C", &uid, "–"] {
        assert!(table.contains(words), "{words}: {table}");
    }
    let processes = athanor.json(&["devices"])["sample"]["gpus"]["list"][1]["processes"]["value"].clone();
    assert_eq!(processes[0]["experiment"], serde_json::Value::Null, "somebody else's: {processes}");
    assert!(processes[0]["owner"].is_string(), "{processes}");

    let energy = |shown: &serde_json::Value| shown["attempts"][0]["gpu_use"]["energy_wh"].as_f64();
    let before = wait_until("it has used something", || {
        energy(&athanor.json(&["show", &uid])).filter(|used| *used > 0.05)
    });
    let shown = athanor.ok(&["show", &uid]);
    assert!(shown.contains("gpu memory 6.00 GiB now") && shown.contains("90 % now"), "{shown}");
    assert!(shown.contains("energy") && shown.contains("250 W now"), "{shown}");

    // The next engine goes on from there.
    athanor.stop_engine();
    athanor.serve(&["--slots", "4"]);
    let after = wait_until("it is seen again", || {
        let shown = athanor.json(&["show", &uid]);
        shown["attempts"][0]["gpu_use"]["now"]["at"].as_i64()?;
        energy(&shown)
    });
    assert!(after >= before, "{after} Wh after {before} Wh");
    athanor.file("gate", "");
    athanor.until_status(&uid, "completed");
    let ended = athanor.json(&["show", &uid]);
    let used = &ended["attempts"][0]["gpu_use"];
    assert!(energy(&ended) >= Some(after), "{used}");
    assert_eq!((&used["now"], used["energy_basis"].as_str()), (&serde_json::Value::Null, Some("whole")));
    assert_eq!(ended["attempts"][0]["peak_gpu_memory"].as_u64(), Some(6 << 30));
    let history = athanor.json(&["history", "--metric", "job.gpu.mem", "--job", &uid]);
    let most = history["buckets"]
        .as_array()
        .and_then(|all| all.iter().filter_map(|one| one["max"].as_f64()).reduce(f64::max));
    assert_eq!(most, Some(f64::from(6u32) * f64::from(1u32 << 30)), "{history}");
}

#[test]
fn the_history_is_listed_drawn_and_exported_and_survives_the_engine() {
    let mut athanor = serving();
    let series = wait_until("something was recorded", || {
        let all = athanor.json(&["history"])["series"].as_array()?.clone();
        // The use of the processor is known from the second look on.
        (all.iter().any(|one| one["metric"] == "cpu.util")).then_some(all)
    });
    let of = |metric: &str| series.iter().filter(|one| one["metric"] == metric).count();
    assert_eq!((of("gpu.util"), of("gpu.fan"), of("cpu.util"), of("disk.free") > 0), (2, 1, 1, true));
    let listed = athanor.ok(&["history"]);
    assert!(listed.contains("GPU 1 (NVIDIA A100)"), "{listed}");

    let read = |athanor: &Athanor| {
        let stretch = athanor.json(&["history", "--metric", "gpu.power", "--gpu", "1", "--since", "1h"]);
        let buckets = stretch["buckets"].as_array().cloned().unwrap_or_default();
        (buckets.len() >= 2).then_some(buckets)
    };
    let buckets = wait_until("there is something to draw", || read(&athanor));
    assert!(buckets.iter().all(|one| one["min"] == 100.0 && one["max"] == 100.0), "{buckets:?}");
    let drawn = athanor.ok(&["history", "--metric", "gpu.power", "--gpu", "GPU-1", "--width", "60"]);
    assert!(
        drawn.starts_with("GPU power of GPU 1 (NVIDIA A100): 100 W to 100 W") && drawn.contains('█'),
        "{drawn}"
    );
    let csv = athanor.ok(&["history", "--metric", "gpu.power", "--gpu", "1", "--csv"]);
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("time,min,mean,max,samples"));
    assert!(lines.clone().count() >= 2 && lines.all(|line| line.contains("Z,100,100,100,")), "{csv}");

    athanor.stop_engine();
    athanor.serve(&["--slots", "4"]);
    let kept = wait_until("it is read again", || read(&athanor));
    assert!(kept.len() >= buckets.len(), "{} of {}", kept.len(), buckets.len());

    let (code, message) = athanor.fails(&["history", "--metric", "gpu.power"]);
    assert!(code == 2 && message.contains("say which"), "{message}");
    let (code, message) = athanor.fails(&["history", "--metric", "gpu.speed"]);
    assert!(code == 2 && message.contains("gpu.util"), "the names that there are: {message}");
    let (code, message) = athanor.fails(&["history", "--metric", "gpu.util", "--gpu", "9"]);
    assert_eq!(code, 3, "{message}");
}

#[test]
fn top_prints_once_where_there_is_no_terminal() {
    let athanor = serving();
    let uid = computing(&athanor);
    let shown = wait_until("the job is on its GPU", || {
        let shown = athanor.ok(&["top"]);
        shown.contains("90 %").then_some(shown)
    });
    assert!(!shown.contains('\x1b'), "no terminal, no colours: {shown}");
    for words in ["CPU", "Memory", "NVIDIA A100", "JOB", "train", &uid, "COMMAND"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    athanor.file("gate", "");
    athanor.until_status(&uid, "completed");
}

#[test]
fn without_an_engine_the_past_can_be_read_and_the_present_is_not_made_up() {
    let mut athanor = serving();
    wait_until("something was recorded", || {
        let listed = athanor.ok(&["history"]);
        listed.contains("gpu.power").then_some(())
    });
    athanor.stop_engine();
    let output = athanor.run(&["devices"]);
    let (out, said) = texts(&output);
    assert!(output.status.success() && out.is_empty() && said.contains("athanor serve"), "{out}{said}");
    let (code, message) = athanor.fails(&["top"]);
    assert_eq!(code, 5, "{message}");
    let csv = athanor.ok(&["history", "--metric", "gpu.power", "--gpu", "0", "--csv"]);
    assert!(csv.lines().count() >= 2, "{csv}");
}
