//! A machine whose GPUs are scripted, and a sampler that looks at it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use athanor_engine::bus::Bus;
use athanor_engine::devices::{Attention, Driver, Gpu, Sample, Sampler, SamplerParts, Sources};
use athanor_nvml_test::script::Script;
use tempfile::TempDir;
use tokio::sync::watch;

/// Long enough for a busy machine with two cores.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Machine {
    dir: TempDir,
    script: Script,
    pub attention: Attention,
    pub sampler: Option<Sampler>,
    newest: watch::Receiver<Option<Arc<Sample>>>,
    told: watch::Sender<Option<Arc<Sample>>>,
}

impl Machine {
    /// A machine with these GPUs, which is looked at.
    pub fn new(script: Script) -> Self {
        let mut machine = Self::without_library(script);
        machine.install();
        machine.start();
        machine
    }

    /// A machine on which no library is installed and nobody looks yet.
    pub fn without_library(script: Script) -> Self {
        let (told, newest) = watch::channel(None);
        let dir = tempfile::tempdir().expect("a temporary folder");
        let attention = Attention::default();
        attention.look(Duration::from_secs(120));
        Self { dir, script, attention, sampler: None, newest, told }
    }

    pub fn library(&self) -> PathBuf {
        self.dir.path().join("libnvidia-ml.so.1")
    }

    /// What stands for `/`.
    pub fn root(&self) -> PathBuf {
        self.dir.path().join("root")
    }

    /// Installs the library, a copy of its own: what one machine's library holds is not another's.
    pub fn install(&self) {
        let built = athanor_nvml_test::built_library().expect("the library is built");
        let beside = self.dir.path().join("library.new");
        std::fs::copy(built, &beside).expect("copied");
        std::fs::rename(beside, self.library()).expect("installed");
        self.write();
    }

    /// Begins to look.
    pub fn start(&mut self) {
        self.sampler = Some(Sampler::start(SamplerParts {
            bus: Bus::default(),
            data: self.dir.path().to_owned(),
            places: Box::new(Vec::new),
            newest: self.told.clone(),
            attention: self.attention.clone(),
            sources: Sources { nvml: Some(self.library().into()), root: self.root() },
        }));
    }

    /// Changes the machine.
    pub fn set(&mut self, change: impl FnOnce(&mut Script)) {
        change(&mut self.script);
        self.write();
    }

    fn write(&self) {
        let mut path = self.library().into_os_string();
        path.push(".json");
        self.script.write(&PathBuf::from(path)).expect("written");
    }

    /// Waits until a sample is so, and returns it.
    pub fn until(&self, what: &str, is_so: impl Fn(&Sample) -> bool) -> Arc<Sample> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let newest = self.wait_for_next();
            if is_so(&newest) {
                return newest;
            }
            assert!(Instant::now() < deadline, "waited in vain until {what}: {newest:#?}");
        }
    }

    /// Waits until something is so, without asking for samples.
    pub fn wait_for(&self, what: &str, is_so: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so() {
            assert!(Instant::now() < deadline, "waited in vain for {what}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits for a sample that began after this call.
    pub fn wait_for_next(&self) -> Arc<Sample> {
        let newest = || self.newest.borrow().clone();
        let before = newest();
        let deadline = Instant::now() + PATIENCE;
        let mut seen = before.clone();
        // The sample that is being taken began before.
        for _ in 0..2 {
            loop {
                let now = newest();
                let is_new = match (&now, &seen) {
                    (Some(now), Some(seen)) => !Arc::ptr_eq(now, seen),
                    (now, _) => now.is_some(),
                };
                if is_new {
                    seen = now;
                    break;
                }
                assert!(Instant::now() < deadline, "nobody samples");
                self.attention.hurry();
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        seen.expect("there is one")
    }
}

/// The only driver's standing.
pub fn driver(sample: &Sample) -> &Driver {
    sample.gpus.drivers.first().expect("NVIDIA's driver is always spoken of")
}

/// The GPU with this id.
pub fn gpu<'a>(sample: &'a Sample, uuid: &str) -> &'a Gpu {
    let found = sample.gpus.list.iter().find(|gpu| gpu.uuid == uuid);
    found.unwrap_or_else(|| panic!("{uuid} is in the list: {:?}", uuids(sample)))
}

pub fn uuids(sample: &Sample) -> Vec<&str> {
    sample.gpus.list.iter().map(|gpu| gpu.uuid.as_str()).collect()
}
