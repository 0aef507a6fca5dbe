//! GPUs that are divided into instances.

use athanor_engine::devices::{Mig, Reading};
use athanor_nvml_test::script::{Instance, Process, Script};

use crate::machine::{Machine, gpu, uuids};

fn instance(number: u32, memory: u64) -> Instance {
    Instance {
        uuid: format!("MIG-{number}"),
        name: None,
        memory_total: memory << 30,
        memory_used: 0.0.into(),
        processes: vec![Process { pid: 100 + number, memory: Some(1 << 30), ..Process::default() }],
    }
}

#[test]
fn instances_follow_their_gpu_with_memory_and_processes_of_their_own() {
    let mut script = Script::with(2, 0, 0);
    script.gpus[0].mig = Some(vec![instance(0, 40), instance(1, 20)]);
    // The driver names the processes of all instances on the whole GPU, too.
    script.gpus[0].processes =
        [100, 101].map(|pid| Process { pid, memory: Some(1 << 30), ..Process::default() }).into();
    let mut machine = Machine::new(script);
    let sample = machine.until("all are there", |sample| sample.gpus.list.len() == 4);
    assert_eq!(uuids(&sample), ["GPU-0", "MIG-0", "MIG-1", "GPU-1"]);
    let (whole, part) = (gpu(&sample, "GPU-0"), gpu(&sample, "MIG-1"));
    assert_eq!(whole.mig, Mig::Divided { instances: 2 });
    assert!(!whole.is_for_jobs() && part.is_for_jobs(), "jobs are put on the instances");
    assert_eq!(part.mig, Mig::Instance { parent: "GPU-0".into(), number: 1 });
    assert_eq!((part.index, part.name.as_str()), (0, "NVIDIA A100-SXM4-80GB MIG 1"));
    assert_eq!(
        (&part.memory_total, &part.memory_used),
        (&Reading::Value(20 << 30), &Reading::Value(1 << 30))
    );
    assert_eq!(part.utilisation, Reading::Unsupported, "instances tell none, and that is not 0");
    assert_eq!(whole.utilisation, Reading::Unsupported, "nor does a GPU that is divided");
    assert!(whole.temperature.value().is_some() && whole.power.value().is_some());
    assert_eq!(part.processes().iter().map(|process| process.pid).collect::<Vec<_>>(), [101]);
    assert!(whole.processes().is_empty(), "they are named where they run");
    assert_eq!(gpu(&sample, "GPU-1").mig, Mig::Off);
    // Instances are made and removed while the engine runs, and leave no trace.
    machine.set(|script| script.gpus[0].mig = Some(vec![instance(7, 80)]));
    let sample = machine.until("it is divided anew", |sample| sample.gpus.list.len() == 3);
    assert_eq!(uuids(&sample), ["GPU-0", "MIG-7", "GPU-1"]);
    machine.set(|script| script.gpus[0].mig = None);
    let sample = machine.until("it is whole again", |sample| sample.gpus.list.len() == 2);
    assert!(gpu(&sample, "GPU-0").is_for_jobs());
}
