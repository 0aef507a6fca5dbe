//! The machine: one thread samples it, everyone else reads what it found.
//!
//! Drivers can hang, so no sample is ever taken on the async runtime. Every field is a value, unsupported or failed;
//! none of the others is 0.

mod host;
mod nvml;
mod scripted;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use tokio::sync::watch;

use crate::bus::{Bus, Push};
use crate::home::now_ms;

/// A reading of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading<T> {
    /// What was read.
    Value(T),
    /// The device does not report this.
    Unsupported,
    /// It could not be read this time, and why.
    Failed(String),
}

/// One GPU at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Gpu {
    /// Index in PCI bus order.
    pub index: u32,
    /// The vendor's unique id.
    pub uuid: String,
    /// The model.
    pub name: String,
    /// Percent.
    pub utilisation: Reading<u32>,
    /// Bytes.
    pub memory_used: Reading<u64>,
    /// Bytes.
    pub memory_total: Reading<u64>,
    /// °C.
    pub temperature: Reading<u32>,
    /// Watts.
    pub power: Reading<f64>,
    /// Watts.
    pub power_limit: Reading<f64>,
    /// What runs on it, as far as the driver tells.
    pub processes: Vec<GpuProcess>,
}

/// A process that uses a GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GpuProcess {
    /// Its process id.
    pub pid: u32,
    /// Bytes of the GPU's memory, where the driver tells.
    pub memory: Option<u64>,
    /// Whether it computes; if not, it draws on a screen.
    pub compute: bool,
}

/// Which GPUs there are, or why none can be seen. "No driver" and "a driver that fails" are not the same.
#[derive(Debug, Clone, PartialEq)]
pub enum Gpus {
    /// The driver answered.
    Present {
        /// In the order of their index.
        gpus: Vec<Gpu>,
        /// The driver's version.
        driver: Option<String>,
    },
    /// No NVIDIA driver is installed.
    NoDriver(String),
    /// There is a driver, but it does not work.
    Broken(String),
}

/// A file system that holds something of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// What it holds.
    pub label: String,
    /// A path on it.
    pub path: PathBuf,
    /// Bytes that a user may still write.
    pub free: u64,
    /// Bytes in all.
    pub total: u64,
}

/// The machine at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// When, UTC milliseconds.
    pub at: i64,
    /// CPU utilisation over all cores, percent.
    pub cpu: Reading<f64>,
    /// Logical cores.
    pub cores: u32,
    /// Mean number of runnable tasks over one minute.
    pub load: f64,
    /// Bytes.
    pub memory_used: u64,
    /// Bytes.
    pub memory_total: u64,
    /// File systems.
    pub disks: Vec<Disk>,
    /// GPUs.
    pub gpus: Gpus,
}

/// Samples kept in memory: five minutes at one a second.
const KEPT: usize = 300;

/// From one sample to the next while somebody looks.
const WATCHED: Duration = Duration::from_secs(1);

/// From one sample to the next while nobody does.
const UNWATCHED: Duration = Duration::from_secs(5);

/// From the first sample to the second.
const FIRST: Duration = Duration::from_millis(250);

/// The thread that samples. Dropping it ends the thread after its present sample.
#[derive(Debug)]
pub struct Sampler {
    kept: Arc<Mutex<VecDeque<Arc<Sample>>>>,
    /// Held for its drop: the thread ends when this end of the channel is gone.
    _stop: mpsc::Sender<()>,
}

impl Sampler {
    /// Begins to sample. `data` is a path on the file system that holds the data folder; `newest` is given each sample.
    #[must_use]
    pub fn start(bus: Bus, data: PathBuf, newest: watch::Sender<Option<Arc<Sample>>>) -> Self {
        let kept = Arc::new(Mutex::new(VecDeque::with_capacity(KEPT)));
        let (stop, stopped) = mpsc::channel::<()>();
        let shared = kept.clone();
        let spawned = std::thread::Builder::new().name("sampler".into()).spawn(move || {
            let mut host = match host::Host::new(data) {
                Ok(host) => host,
                Err(error) => {
                    tracing::error!(%error, "the machine can't be sampled (is /proc mounted?)");
                    return;
                }
            };
            let mut gpus: Box<dyn FnMut() -> Gpus> = match scripted::Scripted::from_environment() {
                Some(scripted) => Box::new(move || scripted.sample()),
                None => {
                    let mut nvml = nvml::Nvml::default();
                    Box::new(move || nvml.sample())
                }
            };
            loop {
                let sample = Arc::new(host.sample(now_ms(), gpus()));
                {
                    let mut kept = lock(&shared);
                    if kept.len() == KEPT {
                        kept.pop_front();
                    }
                    kept.push_back(sample.clone());
                }
                // A utilisation is the difference of two looks: the second comes soon.
                let first = lock(&shared).len() == 1;
                let pause = if first {
                    FIRST
                } else if bus.has_listeners() {
                    WATCHED
                } else {
                    UNWATCHED
                };
                newest.send_replace(Some(sample.clone()));
                bus.publish(Push::Device(sample));
                if !matches!(stopped.recv_timeout(pause), Err(mpsc::RecvTimeoutError::Timeout)) {
                    return;
                }
            }
        });
        if let Err(error) = spawned {
            tracing::error!(%error, "no thread for the sampler: the machine's state will not be shown");
        }
        Self { kept, _stop: stop }
    }

    /// The samples of the last minutes, oldest first.
    #[must_use]
    pub fn history(&self) -> Vec<Arc<Sample>> {
        lock(&self.kept).iter().cloned().collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
