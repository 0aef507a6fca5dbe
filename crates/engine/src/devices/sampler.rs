//! The wheel: one thread that samples the machine, at the pace of the interest in it.
//!
//! What may hang (drivers, file servers, thermometers) has threads of its own, see [`Probe`]; the wheel waits for them
//! for a moment and goes on with what it has.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::amd::{self, Amd};
use super::attention::{Attention, LIVE};
use super::host::{self, Host};
use super::nvml::{self, KernelFiles, Nvml};
use super::places::{self, Place, Thermometers};
use super::probe::Probe;
use super::processes::Processes;
use super::roster::{self, Roster};
use super::sample::{Disk, Driver, Gpu, Gpus, HostFacts, Sample, Temperature, Vendor};
use crate::bus::{Bus, Push};
use crate::home::now_ms;

/// Samples kept in memory: five minutes at one a second.
const KEPT: usize = 300;

/// From the first sample to the second.
const FIRST: Duration = Duration::from_millis(250);

/// How long a sample waits for a driver.
const PATIENCE: Duration = Duration::from_millis(400);

/// After how long a driver that does not answer is said not to. Waking up GPUs that sleep takes seconds.
const SILENT_AFTER: Duration = Duration::from_secs(5);

/// How often file systems are looked at: while somebody looks, and while nobody does.
const DISKS_EVERY: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(60));

/// How often thermometers are.
const TEMPERATURES_EVERY: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(30));

/// How often processes are while jobs run and nobody looks. At a slower pace, at each sample.
const PROCESSES_EVERY: Duration = Duration::from_secs(2);

/// The folders whose file systems are of interest, asked now and then.
pub type Places = Box<dyn Fn() -> Vec<Place> + Send>;

/// What a sampler is made of.
pub struct SamplerParts {
    /// Where each sample is told.
    pub bus: Bus,
    /// The data folder.
    pub data: PathBuf,
    /// Other folders whose file systems are looked at.
    pub places: Places,
    /// Holds the newest sample.
    pub newest: watch::Sender<Option<Arc<Sample>>>,
    /// Sets the pace.
    pub attention: Attention,
    /// Where GPUs are looked for.
    pub sources: Sources,
}

/// Where GPUs are looked for; elsewhere in tests.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The library to load in the place of NVIDIA's.
    pub nvml: Option<OsString>,
    /// The folder that stands for `/`: drivers show themselves in `sys` and `proc` below it.
    pub root: PathBuf,
}

impl Sources {
    /// This machine, with the library that the environment names, if it names one.
    #[must_use]
    pub fn from_environment() -> Self {
        Self { nvml: std::env::var_os(nvml::LIBRARY_VARIABLE), root: "/".into() }
    }
}

/// The thread that samples. Dropping it ends the thread after its present sample.
#[derive(Debug)]
pub struct Sampler {
    kept: Arc<Mutex<VecDeque<Arc<Sample>>>>,
    facts: Arc<Mutex<HostFacts>>,
    attention: Attention,
    wake: mpsc::Sender<()>,
}

impl Sampler {
    /// Begins to sample.
    #[must_use]
    pub fn start(parts: SamplerParts) -> Self {
        let kept = Arc::new(Mutex::new(VecDeque::with_capacity(KEPT)));
        let facts = Arc::new(Mutex::new(HostFacts::default()));
        let (wake, woken) = mpsc::channel();
        let attention = parts.attention.clone();
        attention.wake_through(wake.clone());
        let (shared, told) = (kept.clone(), facts.clone());
        let spawned = std::thread::Builder::new().name("sampler".into()).spawn(move || {
            let bus = parts.bus.clone();
            let (attention, newest) = (parts.attention.clone(), parts.newest.clone());
            let mut wheel = match Wheel::new(parts) {
                Ok(wheel) => wheel,
                Err(error) => {
                    tracing::error!(%error, "the machine can't be sampled (is /proc mounted?)");
                    return;
                }
            };
            *lock(&told) = wheel.host.facts();
            let mut first = true;
            loop {
                // A utilisation is the difference of two looks: the second comes soon.
                let pause = if std::mem::take(&mut first) { FIRST } else { attention.pace() };
                let sample = Arc::new(wheel.sample(pause));
                {
                    let mut kept = lock(&shared);
                    if kept.len() == KEPT {
                        kept.pop_front();
                    }
                    kept.push_back(sample.clone());
                }
                newest.send_replace(Some(sample.clone()));
                bus.publish(Push::Device(sample));
                wait(&woken, &attention, pause);
                if attention.is_over() {
                    return;
                }
            }
        });
        if let Err(error) = spawned {
            tracing::error!(%error, "no thread for the sampler: the machine's state will not be shown");
        }
        Self { kept, facts, attention, wake }
    }

    /// The samples of the last minutes, oldest first.
    #[must_use]
    pub fn history(&self) -> Vec<Arc<Sample>> {
        lock(&self.kept).iter().cloned().collect()
    }

    /// What does not change of the machine.
    #[must_use]
    pub fn facts(&self) -> HostFacts {
        lock(&self.facts).clone()
    }

    /// Who is interested in the samples.
    #[must_use]
    pub fn attention(&self) -> &Attention {
        &self.attention
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.attention.end();
        // A thread that has ended by itself is not there to be woken.
        let _ = self.wake.send(());
    }
}

/// Waits for so long, or until the pace became a faster one by which the next sample is due.
fn wait(woken: &mpsc::Receiver<()>, attention: &Attention, pause: Duration) {
    let began = Instant::now();
    let mut until = pause;
    while let Some(left) = until.checked_sub(began.elapsed()).filter(|left| !left.is_zero()) {
        match woken.recv_timeout(left) {
            // Without the other end nobody is there to sample for.
            Err(mpsc::RecvTimeoutError::Timeout | mpsc::RecvTimeoutError::Disconnected) => return,
            Ok(()) if attention.is_over() || attention.take_hurry() => return,
            Ok(()) => until = until.min(attention.pace()),
        }
    }
}

struct Wheel {
    parts: SamplerParts,
    host: Host,
    processes: Processes,
    vendors: Vec<Vendored>,
    places: Option<Probe<Vec<Disk>>>,
    thermometers: Option<Probe<Vec<Temperature>>>,
    disks: Arc<[Disk]>,
    temperatures: Arc<[Temperature]>,
    disks_at: Option<Instant>,
    temperatures_at: Option<Instant>,
    processes_at: Option<Instant>,
}

/// What a driver was seen to have.
struct Seen {
    gpus: Vec<Gpu>,
    /// `None` where there is no hardware of this vendor to speak of.
    driver: Option<Driver>,
    /// Whether it was asked for processes.
    closely: bool,
}

/// The GPUs of one vendor.
struct Vendored {
    vendor: Vendor,
    probe: Probe<Seen>,
    roster: Roster,
    /// What was last said of the driver, once something was.
    last: Option<Option<Driver>>,
}

impl Vendored {
    fn all(sources: &Sources) -> Vec<Self> {
        let kernel = KernelFiles::below(&sources.root);
        let library = sources.nvml.clone();
        let nvidia = Probe::start("nvml", move || {
            let mut nvml = Nvml::new(library, kernel);
            move |closely| {
                let nvml::Seen { gpus, driver } = nvml.look(closely);
                Seen { gpus, driver: Some(driver), closely }
            }
        });
        let files = amd::Files {
            sys: sources.root.join("sys"),
            models: sources.root.join("usr/share/libdrm/amdgpu.ids"),
        };
        let amd = Probe::start("amdgpu", move || {
            let mut amd = Amd::new(files);
            move |closely| {
                let amd::Seen { gpus, driver } = amd.look(closely);
                Seen { gpus, driver, closely }
            }
        });
        let made = |vendor, probe| {
            let probe = unless_refused(probe)?;
            Some(Self { vendor, probe, roster: Roster::default(), last: None })
        };
        made(Vendor::Nvidia, nvidia).into_iter().chain(made(Vendor::Amd, amd)).collect()
    }

    /// Its GPUs and driver now, or as they were where it takes its time.
    fn look(&mut self) -> (Vec<Gpu>, Option<Driver>) {
        // Until a driver has spoken once there is nothing to go on with.
        let patience = if self.last.is_none() { SILENT_AFTER } else { PATIENCE };
        let answer = self.probe.answer(patience);
        let driver = match answer {
            Some(Seen { gpus, driver, closely }) => {
                self.last = Some(driver.clone());
                if driver.as_ref().is_none_or(|driver| driver.fault.is_none()) {
                    return (self.roster.seen(gpus, closely), driver);
                }
                driver
            }
            None if self.probe.silent_for() >= Some(SILENT_AFTER) => {
                let version = self.last.take().flatten().and_then(|driver| driver.version);
                let silent = Some(roster::silent(self.vendor, version));
                self.last = Some(silent.clone());
                silent
            }
            // It may be about to answer.
            None => self.last.clone().flatten(),
        };
        match driver.as_ref().and_then(|driver| driver.fault.as_ref()) {
            Some(fault) => (self.roster.unseen(fault), driver),
            None => (self.roster.last().to_vec(), driver),
        }
    }
}

impl Wheel {
    fn new(parts: SamplerParts) -> Result<Self, sysinfo::Error> {
        let host = Host::new()?;
        let processes = Processes::new(host.facts().booted_at);
        let vendors = Vendored::all(&parts.sources);
        Ok(Self {
            host,
            processes,
            vendors,
            places: None,
            thermometers: unless_refused(Probe::start("thermometers", || {
                let mut thermometers = Thermometers::new();
                move |_| thermometers.look()
            })),
            disks: Arc::new([]),
            temperatures: Arc::new([]),
            disks_at: None,
            temperatures_at: None,
            processes_at: None,
            parts,
        })
    }

    /// `pause`: when the next is due.
    fn sample(&mut self, pause: Duration) -> Sample {
        let looked_at = self.parts.attention.is_looked_at();
        let every = |paces: (Duration, Duration)| if looked_at { paces.0 } else { paces.1 };
        let closely = looked_at || pause > LIVE || is_due(self.processes_at, PROCESSES_EVERY);
        if closely {
            self.processes_at = Some(Instant::now());
        }
        for vendor in &mut self.vendors {
            vendor.probe.ask(closely);
        }
        if is_due(self.temperatures_at, every(TEMPERATURES_EVERY)) {
            self.temperatures_at = Some(Instant::now());
            if let Some(probe) = &mut self.thermometers {
                probe.ask(true);
            }
        }
        if is_due(self.disks_at, every(DISKS_EVERY)) {
            self.disks_at = Some(Instant::now());
            self.ask_for_disks();
        }
        // Meanwhile what the kernel tells at once.
        let host::Seen {
            cpu,
            per_core,
            cores,
            load,
            memory_used,
            memory_total,
            swap_used,
            swap_total,
            network,
        } = self.host.look();
        let mut gpus = self.gpus();
        self.processes.name(&mut gpus.list);
        let first = self.disks.is_empty();
        if let Some(disks) =
            self.places.as_mut().and_then(|probe| probe.answer(if first { PATIENCE } else { Duration::ZERO }))
        {
            self.disks = disks.into();
        }
        if let Some(found) = self.thermometers.as_mut().and_then(|probe| probe.answer(Duration::ZERO)) {
            self.temperatures = found.into();
        }
        Sample {
            at: now_ms(),
            pace_ms: u32::try_from(pause.as_millis()).unwrap_or(u32::MAX),
            cpu,
            per_core,
            cores,
            load,
            memory_used,
            memory_total,
            swap_used,
            swap_total,
            disks: self.disks.clone(),
            network,
            temperatures: self.temperatures.clone(),
            gpus,
        }
    }

    /// Asks for the file systems. The places may be others each time, so the thread is made anew, unless the last one
    /// hangs.
    fn ask_for_disks(&mut self) {
        if self.places.as_ref().is_some_and(|probe| probe.silent_for().is_some()) {
            return;
        }
        let (data, places) = (self.parts.data.clone(), (self.parts.places)());
        let started = Probe::start("disks", move || move |_| places::disks(&data, &places));
        self.places = unless_refused(started);
        if let Some(probe) = &mut self.places {
            probe.ask(true);
        }
    }

    /// The GPUs of all vendors, those of the second numbered after those of the first.
    fn gpus(&mut self) -> Gpus {
        let mut all = Gpus::default();
        for vendor in &mut self.vendors {
            let (gpus, driver) = vendor.look();
            let first = all.list.iter().map(|gpu| gpu.index + 1).max().unwrap_or(0);
            all.list.extend(gpus.into_iter().map(|gpu| Gpu { index: first + gpu.index, ..gpu }));
            all.drivers.extend(driver);
        }
        all
    }
}

fn is_due(last: Option<Instant>, every: Duration) -> bool {
    // A sample that comes a little early is not put off for a whole round.
    last.is_none_or(|last| last.elapsed() + PATIENCE / 4 >= every)
}

fn unless_refused<T>(started: std::io::Result<Probe<T>>) -> Option<Probe<T>> {
    started.inspect_err(|error| tracing::error!(%error, "no thread to sample with")).ok()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
