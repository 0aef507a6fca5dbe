//! What runs on the GPUs.

use std::process::{Child, Command, Stdio};

use athanor_engine::devices::{GpuWork, Reading};
use athanor_nvml_test::script::{ErrorCode, Fault, Process, Script, Work};

use crate::machine::{Machine, gpu};

/// A process that does nothing, and is gone with its test.
struct Idle(Child);

impl Idle {
    fn new(arguments: &[&str]) -> Self {
        let mut command = Command::new("sleep");
        Self(
            command
                .arg("600")
                .args(arguments)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("started"),
        )
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn processes_are_named_with_owner_command_memory_and_use() {
    let idle = Idle::new(&["0"]);
    let pid = idle.0.id();
    let mut script = Script::with(1, 0, 0);
    let process =
        |pid, memory, utilisation: f64, work| Process { pid, memory, utilisation: utilisation.into(), work };
    script.gpus[0].processes = vec![
        process(pid, Some(3 << 30), 42.0, Work::Compute),
        process(1, None, 0.0, Work::Both),
        process(u32::MAX >> 3, Some(5), 9.0, Work::Graphics),
    ];
    let mut machine = Machine::new(script);
    let sample = machine
        .until("three run", |sample| sample.gpus.list.first().is_some_and(|gpu| gpu.processes().len() == 3));
    let [own, first, gone] = gpu(&sample, "GPU-0").processes() else { panic!("three: {sample:#?}") };
    assert_eq!((own.pid, &own.memory, own.work), (pid, &Reading::Value(3 << 30), GpuWork::Compute));
    assert_eq!(own.utilisation, Reading::Value(42));
    let about = own.about.as_ref().expect("it runs");
    assert_eq!((about.command.as_str(), about.name.as_str()), ("sleep 600 0", "sleep"));
    assert!(!about.owner.is_empty());
    let age = sample.at - about.started_at;
    assert!((-2_000..60_000).contains(&age), "it began just now: {age} ms ago");
    assert_eq!((&first.memory, first.work), (&Reading::Unsupported, GpuWork::Both));
    assert_eq!(first.utilisation, Reading::Value(0), "the driver names only those that did something");
    assert_eq!(
        (gone.about.as_ref(), gone.work),
        (None, GpuWork::Graphics),
        "of another namespace, or just ended"
    );
    // A driver that does not tell of its processes.
    machine.set(|script| {
        for call in ["nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetGraphicsRunningProcesses_v3"] {
            script.gpus[0].faults.insert(call.into(), Fault::Error(ErrorCode::NotSupported));
        }
    });
    let sample =
        machine.until("none are told", |sample| sample.gpus.list[0].processes == Reading::Unsupported);
    assert!(gpu(&sample, "GPU-0").fault.is_none());
    // One that tells of them, but not what each does.
    machine.set(|script| {
        script.gpus[0].faults =
            [("nvmlDeviceGetProcessUtilization".to_owned(), Fault::Error(ErrorCode::NotSupported))].into();
    });
    let sample = machine.until("they are told", |sample| sample.gpus.list[0].processes().len() == 3);
    assert_eq!(gpu(&sample, "GPU-0").processes()[0].utilisation, Reading::Unsupported);
}

#[test]
fn eight_gpus_with_ten_processes_each() {
    let idle: Vec<Idle> = (0..80).map(|_| Idle::new(&[])).collect();
    let mut script = Script::with(8, 10, 0);
    let mut pids = idle.iter().map(|idle| idle.0.id());
    for process in script.gpus.iter_mut().flat_map(|gpu| &mut gpu.processes) {
        process.pid = pids.next().expect("as many as there are processes");
    }
    let machine = Machine::new(script);
    let sample = machine.until("all are there", |sample| sample.gpus.list.len() == 8);
    for gpu in &sample.gpus.list {
        assert_eq!(gpu.processes().len(), 10);
        for process in gpu.processes() {
            assert_eq!(process.memory, Reading::Value(1 << 30));
            assert_eq!(process.about.as_ref().map(|about| about.command.as_str()), Some("sleep 600"));
        }
        assert!(gpu.memory_used.value() >= Some(&(10 << 30)));
    }
}
