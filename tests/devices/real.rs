//! The machine that the tests run on, through the driver that is really there. On a machine without an NVIDIA GPU this
//! says that there is none, and in which words; with one, what the driver says must hold together. `cargo xtask test
//! --gpu` runs these alone, insists on a GPU, and says what it saw.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use athanor_engine::bus::Bus;
use athanor_engine::devices::{
    Attention, DriverFaultKind, Gpu, Mig, Reading, Sample, Sampler, SamplerParts, Sources,
};
use tokio::sync::watch;

/// Set where there must be a GPU.
const INSIST: &str = "ATHANOR_TEST_GPU";

/// Long enough for GPUs that sleep.
const PATIENCE: Duration = Duration::from_secs(60);

struct Looking {
    newest: watch::Receiver<Option<Arc<Sample>>>,
    attention: Attention,
    _sampler: Sampler,
    _dir: tempfile::TempDir,
}

impl Looking {
    fn at_this_machine() -> Self {
        let (told, newest) = watch::channel(None);
        let attention = Attention::default();
        attention.look(Duration::from_secs(120));
        let dir = tempfile::tempdir().expect("a temporary folder");
        let sampler = Sampler::start(SamplerParts {
            bus: Bus::default(),
            data: dir.path().to_owned(),
            places: Box::new(Vec::new),
            newest: told,
            attention: attention.clone(),
            sources: Sources { nvml: None, root: "/".into() },
        });
        Self { newest, attention, _sampler: sampler, _dir: dir }
    }

    fn wait_until(&self, what: &str, is_so: impl Fn(&Sample) -> bool) -> Arc<Sample> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(sample) = self.newest.borrow().clone().filter(|sample| is_so(sample)) {
                return sample;
            }
            assert!(Instant::now() < deadline, "waited in vain until {what}: {:#?}", self.newest.borrow());
            self.attention.hurry();
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// The GPUs of this machine, or `None` where there are none, which must then be said well.
fn gpus(sample: &Sample) -> Option<Vec<&Gpu>> {
    let driver = sample.gpus.drivers.first().expect("NVIDIA's driver is always spoken of");
    let gpus: Vec<&Gpu> = sample.gpus.list.iter().filter(|gpu| gpu.vendor == driver.vendor).collect();
    if !gpus.is_empty() {
        assert_eq!(driver.fault, None);
        return Some(gpus);
    }
    match &driver.fault {
        Some(fault) => {
            assert!(fault.message.ends_with('.'), "a sentence: {}", fault.message);
            assert!(fault.next_step.is_some() || fault.kind == DriverFaultKind::Absent, "{fault:?}");
            eprintln!("no GPU here: {}", fault.words());
        }
        None => eprintln!("no GPU here, though there is a driver"),
    }
    assert!(std::env::var_os(INSIST).is_none(), "a GPU was to be tested: {:?}", driver.fault);
    None
}

#[test]
fn what_the_driver_says_holds_together() {
    let looking = Looking::at_this_machine();
    let first = looking.wait_until("the machine was looked at", |sample| sample.cpu.value().is_some());
    let Some(all) = gpus(&first) else { return };
    let driver = &first.gpus.drivers[0];
    eprintln!("driver {:?}, CUDA {:?}, {} GPUs", driver.version, driver.cuda, all.len());
    assert!(driver.version.is_some() && driver.cuda.is_some());
    for gpu in &all {
        eprintln!("{gpu:#?}");
        assert_eq!(gpu.fault, None);
        assert!(gpu.uuid.starts_with("GPU-") || gpu.uuid.starts_with("MIG-"), "{}", gpu.uuid);
        assert!(!gpu.name.is_empty() && gpu.pci.is_some());
        assert!(gpu.memory_total.value() >= gpu.memory_used.value() && gpu.memory_used.value().is_some());
        if gpu.mig != Mig::Off {
            continue;
        }
        assert!(gpu.utilisation.value().is_some_and(|percent| *percent <= 100), "{:?}", gpu.utilisation);
        assert!(
            gpu.temperature.value().is_some_and(|degrees| (5..130).contains(degrees)),
            "{:?}",
            gpu.temperature
        );
        for reading in [&gpu.power, &gpu.power_limit] {
            assert!(!matches!(reading, Reading::Failed(_)), "unsupported at worst: {reading:?}");
        }
        assert!(!matches!(gpu.processes, Reading::Failed(_)), "{:?}", gpu.processes);
    }
    let energy = |sample: &Sample| sample.gpus.list[0].energy.value().copied();
    if let Some(before) = energy(&first) {
        let later = looking.wait_until("energy is drawn", |sample| energy(sample) > Some(before));
        #[allow(clippy::cast_precision_loss, reason = "milliseconds of a test")]
        let seconds = (later.at - first.at) as f64 / 1000.0;
        let watts = (energy(&later).unwrap_or(before) - before) / seconds.max(0.05);
        eprintln!("drew {watts:.0} W by the counter, {:?} by the sensor", later.gpus.list[0].power);
    }
    // The vendor's own tool must say the same.
    let query = ["--query-gpu=uuid,name,memory.total", "--format=csv,noheader,nounits"];
    let Ok(output) = Command::new("nvidia-smi").args(query).output() else {
        eprintln!("skipped: nvidia-smi is not there to compare with");
        return;
    };
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let ours: Vec<String> = all
        .iter()
        .filter(|gpu| gpu.is_whole())
        .map(|gpu| {
            let mebibytes = gpu.memory_total.value().map_or(0, |bytes| bytes >> 20);
            format!("{}, {}, {mebibytes}", gpu.uuid, gpu.name)
        })
        .collect();
    assert_eq!(said.lines().map(str::trim).collect::<Vec<_>>(), ours);
}

/// Takes memory on the first GPU through the driver's own library, and keeps busy with it until it is killed.
const WORKER: &str = r#"
import ctypes, sys
cuda = ctypes.CDLL("libcuda.so.1")
def call(name, *arguments):
    code = getattr(cuda, name)(*arguments)
    if code: sys.exit(f"{name} answers {code}")
device, context, memory = ctypes.c_int(), ctypes.c_void_p(), ctypes.c_uint64()
size = 512 << 20
call("cuInit", 0)
call("cuDeviceGet", ctypes.byref(device), 0)
call("cuCtxCreate_v2", ctypes.byref(context), 0, device)
call("cuMemAlloc_v2", ctypes.byref(memory), ctypes.c_size_t(size))
print("ready", flush=True)
while True:
    call("cuMemsetD32_v2", memory, 7, ctypes.c_size_t(size // 4))
    call("cuCtxSynchronize")
"#;

struct Worker(Child);

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_process_on_a_gpu_is_seen_with_its_memory_and_its_use() {
    let looking = Looking::at_this_machine();
    let sample = looking.wait_until("the machine was looked at", |sample| sample.cpu.value().is_some());
    let Some(all) = gpus(&sample) else { return };
    let Some(target) = all.iter().find(|gpu| gpu.is_for_jobs()) else { return };
    let started = Command::new("python3")
        .args(["-c", WORKER])
        .env("CUDA_VISIBLE_DEVICES", &target.uuid)
        .stdout(Stdio::piped())
        .spawn();
    let mut worker = Worker(started.expect("python3 is there"));
    let mut line = String::new();
    let output = worker.0.stdout.take().expect("a pipe");
    BufReader::new(output).read_line(&mut line).expect("it says something");
    assert_eq!(line.trim(), "ready", "it has got its memory");
    let pid = worker.0.id();
    let of = |sample: &Sample| {
        let gpu = sample.gpus.list.iter().find(|gpu| gpu.uuid == target.uuid)?;
        gpu.processes().iter().find(|process| process.pid == pid).cloned()
    };
    let in_use = |sample: &Sample| {
        let gpu = sample.gpus.list.iter().find(|gpu| gpu.uuid == target.uuid);
        gpu.and_then(|gpu| gpu.memory_used.value().copied()).unwrap_or(0)
    };
    let before = in_use(&sample);
    let later = looking.wait_until("its memory is in use", |sample| in_use(sample) >= before + (512 << 20));
    let Some(process) = of(&later) else {
        // In a namespace of process ids of its own nobody can tell who is who; the queue then counts what jobs asked for.
        let gpu = later.gpus.list.iter().find(|gpu| gpu.uuid == target.uuid);
        eprintln!("skipped: the driver names other pids: {:?}", gpu.map(|gpu| &gpu.processes));
        return;
    };
    eprintln!("{process:#?}");
    assert!(process.memory.value().is_none_or(|bytes| *bytes >= 512 << 20), "{:?}", process.memory);
    assert!(process.work.computes());
    assert_eq!(process.about.as_ref().map(|about| about.name.as_str()), Some("python3"));
    if process.utilisation != Reading::Unsupported {
        looking.wait_until("it is seen to work", |sample| {
            of(sample).is_some_and(|process| process.utilisation.value() > Some(&0))
        });
    }
}
