//! What is known of the machine at one moment. Every reading is a value, unsupported or failed; neither of the others
//! is 0.

use std::path::PathBuf;
use std::sync::Arc;

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

impl<T> Reading<T> {
    /// What was read, if anything was.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Unsupported | Self::Failed(_) => None,
        }
    }

    /// The same reading in another unit or form.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Reading<U> {
        match self {
            Self::Value(value) => Reading::Value(convert(value)),
            Self::Unsupported => Reading::Unsupported,
            Self::Failed(why) => Reading::Failed(why),
        }
    }

    /// A reading of a part of what was read.
    pub fn part<U>(&self, pick: impl FnOnce(&T) -> U) -> Reading<U> {
        match self {
            Self::Value(value) => Reading::Value(pick(value)),
            Self::Unsupported => Reading::Unsupported,
            Self::Failed(why) => Reading::Failed(why.clone()),
        }
    }
}

/// Who made a GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Vendor {
    /// Read through NVML.
    Nvidia,
    /// Read through the kernel's sysfs files.
    Amd,
}

/// One GPU at one moment, or one of the instances that a GPU is divided into.
#[derive(Debug, Clone, PartialEq)]
pub struct Gpu {
    /// Index in the order of the vendor's driver (for NVIDIA that of the PCI bus); those of a second vendor follow.
    /// Instances have the index of the GPU that they are part of.
    pub index: u32,
    /// The vendor's unique id; what a job is given.
    pub uuid: String,
    /// The model.
    pub name: String,
    /// Who made it.
    pub vendor: Vendor,
    /// Where it is on the PCI bus, such as `00000000:3B:00.0`.
    pub pci: Option<String>,
    /// Why nothing can be asked of it now.
    pub fault: Option<GpuFault>,
    /// Whether it is divided, or an instance of one that is.
    pub mig: Mig,
    /// Percent of the time that anything ran on it.
    pub utilisation: Reading<u32>,
    /// Percent of the time that its memory was read or written.
    pub memory_utilisation: Reading<u32>,
    /// Bytes.
    pub memory_used: Reading<u64>,
    /// Bytes.
    pub memory_total: Reading<u64>,
    /// °C.
    pub temperature: Reading<u32>,
    /// Percent of the fan's greatest speed; of the fastest if there are several.
    pub fan: Reading<u32>,
    /// Clock of the processors, MHz.
    pub clock: Reading<u32>,
    /// Clock of the memory, MHz.
    pub memory_clock: Reading<u32>,
    /// Watts.
    pub power: Reading<f64>,
    /// Watts.
    pub power_limit: Reading<f64>,
    /// Joules since the driver was loaded: a counter, for differences.
    pub energy: Reading<f64>,
    /// What runs on it. Looked at less often than the rest where nobody looks: the newest that is known.
    pub processes: Reading<Vec<GpuProcess>>,
}

impl Gpu {
    /// A GPU of which nothing was read yet.
    #[must_use]
    pub fn unread(vendor: Vendor, index: u32) -> Self {
        Self {
            index,
            uuid: String::new(),
            name: String::new(),
            vendor,
            pci: None,
            fault: None,
            mig: Mig::Off,
            utilisation: Reading::Unsupported,
            memory_utilisation: Reading::Unsupported,
            memory_used: Reading::Unsupported,
            memory_total: Reading::Unsupported,
            temperature: Reading::Unsupported,
            fan: Reading::Unsupported,
            clock: Reading::Unsupported,
            memory_clock: Reading::Unsupported,
            power: Reading::Unsupported,
            power_limit: Reading::Unsupported,
            energy: Reading::Unsupported,
            processes: Reading::Unsupported,
        }
    }

    /// The same GPU with a fault in the place of what was read of it; it still has its memory in all.
    #[must_use]
    pub fn with_fault(self, fault: &GpuFault) -> Self {
        fn failed<T>(fault: &GpuFault) -> Reading<T> {
            Reading::Failed(fault.message.clone())
        }
        Self {
            fault: Some(fault.clone()),
            utilisation: failed(fault),
            memory_utilisation: failed(fault),
            memory_used: failed(fault),
            temperature: failed(fault),
            fan: failed(fault),
            clock: failed(fault),
            memory_clock: failed(fault),
            power: failed(fault),
            power_limit: failed(fault),
            energy: failed(fault),
            processes: failed(fault),
            ..self
        }
    }

    /// What is known to run on it.
    #[must_use]
    pub fn processes(&self) -> &[GpuProcess] {
        self.processes.value().map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether the queue gives it to jobs: it is not divided into instances that take them in its stead, and jobs are
    /// told of it by `CUDA_VISIBLE_DEVICES`. AMD's are shown, but not given away.
    #[must_use]
    pub fn is_for_jobs(&self) -> bool {
        self.vendor == Vendor::Nvidia && !matches!(self.mig, Mig::Divided { .. })
    }

    /// Whether it is a piece of hardware, and not a part of another entry of the list.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        !matches!(self.mig, Mig::Instance { .. })
    }
}

/// Whether a GPU is divided (NVIDIA's multi-instance mode).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mig {
    /// It is whole.
    Off,
    /// It is divided: its instances follow it in the list, and take the jobs.
    Divided {
        /// How many there are.
        instances: u32,
    },
    /// It is an instance of another.
    Instance {
        /// That one's uuid.
        parent: String,
        /// The driver's number of it on that GPU, from 0.
        number: u32,
    },
}

/// Why nothing can be asked of a GPU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpuFault {
    /// What kind of fault it is.
    pub kind: GpuFaultKind,
    /// What happened, in a sentence.
    pub message: String,
    /// What the user can do, in a sentence.
    pub next_step: String,
}

/// What kind of fault a GPU has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GpuFaultKind {
    /// It has fallen off the bus, or is listed no more.
    Lost,
    /// It works again only after a reset.
    NeedsReset,
    /// Its driver has a fault, see [`Gpus::drivers`]. What is said of it is the last that was known.
    Driver,
    /// It refuses to be opened for another reason.
    Refused,
}

/// A process that uses a GPU.
#[derive(Debug, Clone, PartialEq)]
pub struct GpuProcess {
    /// Its process id.
    pub pid: u32,
    /// Bytes of the GPU's memory.
    pub memory: Reading<u64>,
    /// Percent of the GPU's processors that it kept busy since the last look.
    pub utilisation: Reading<u32>,
    /// What it does there.
    pub work: GpuWork,
    /// Who it is; `None` where it has ended or lives in another namespace.
    pub about: Option<Arc<ProcessAbout>>,
}

/// What a process does on a GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GpuWork {
    /// It computes.
    Compute,
    /// It draws on a screen.
    Graphics,
    /// Both.
    Both,
}

impl GpuWork {
    /// Whether it computes, be it beside drawing.
    #[must_use]
    pub fn computes(self) -> bool {
        self != Self::Graphics
    }
}

/// Who a process is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessAbout {
    /// Start time in clock ticks since boot: with the pid it names the process.
    pub start_ticks: u64,
    /// When it began, UTC milliseconds.
    pub started_at: i64,
    /// The numeric user id.
    pub user_id: u32,
    /// The user's name, or the id in digits where it has none.
    pub owner: String,
    /// Name of the executable, at most 15 bytes.
    pub name: String,
    /// The command line, secrets masked, shortened.
    pub command: String,
}

/// GPUs of all vendors, and how their drivers stand.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Gpus {
    /// In the order of their index, each followed by its instances. Those that were seen and are lost stay in the list.
    pub list: Vec<Gpu>,
    /// NVIDIA's always; others where their hardware is found.
    pub drivers: Vec<Driver>,
}

impl Gpus {
    /// Why jobs can't be given GPUs that may be there, in words: the fault of the driver of those that jobs are given.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        let given = self.drivers.iter().find(|driver| driver.vendor == Vendor::Nvidia)?;
        given.fault.as_ref().map(DriverFault::words)
    }
}

/// How the driver of one vendor stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Driver {
    /// Whose.
    pub vendor: Vendor,
    /// Its version.
    pub version: Option<String>,
    /// The newest version of CUDA that it can run.
    pub cuda: Option<String>,
    /// Why it does not work; `None` where it does.
    pub fault: Option<DriverFault>,
}

/// Why a driver does not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriverFault {
    /// What kind of fault it is.
    pub kind: DriverFaultKind,
    /// What is wrong and why, in a sentence.
    pub message: String,
    /// What the user can do, in a sentence; `None` where nothing needs to be done.
    pub next_step: Option<String>,
}

impl DriverFault {
    /// All that is to be said of it, on one line.
    #[must_use]
    pub fn words(&self) -> String {
        match &self.next_step {
            Some(step) => format!("{} {step}", self.message),
            None => self.message.clone(),
        }
    }
}

/// What kind of fault a driver has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DriverFaultKind {
    /// Nothing of it is installed.
    Absent,
    /// The kernel module is loaded, the library is missing or broken.
    NoLibrary,
    /// The library is there, the kernel module is not loaded.
    NotLoaded,
    /// Library and kernel module have different versions.
    Mismatch,
    /// This user may not use it.
    NoPermission,
    /// It has not answered for a while.
    Silent,
    /// It answers with errors.
    Failing,
}

/// A file system that holds something of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// A short name that stays the same: “Data folder”, else the mount point.
    pub label: String,
    /// What it holds, in words, such as “data folder” and “project vit”.
    pub holds: Vec<String>,
    /// A path on it.
    pub path: PathBuf,
    /// Where it is mounted.
    pub mount: Option<PathBuf>,
    /// Its type, such as ext4.
    pub file_system: Option<String>,
    /// Bytes that a user may still write.
    pub free: Reading<u64>,
    /// Bytes in all.
    pub total: Reading<u64>,
}

/// A network interface.
#[derive(Debug, Clone, PartialEq)]
pub struct Interface {
    /// Its name, such as eth0.
    pub name: String,
    /// Bytes in a second.
    pub received: Reading<f64>,
    /// Bytes in a second.
    pub sent: Reading<f64>,
}

/// A thermometer of the machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Temperature {
    /// What is measured.
    pub label: String,
    /// °C.
    pub value: Reading<f64>,
    /// °C at which the hardware protects itself, where it tells.
    pub critical: Option<f64>,
}

/// Mean numbers of runnable tasks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    /// Over a minute.
    pub one: f64,
    /// Over five minutes.
    pub five: f64,
    /// Over fifteen minutes.
    pub fifteen: f64,
}

/// What does not change while the engine runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostFacts {
    /// The host's name.
    pub name: String,
    /// The operating system with its version.
    pub system: String,
    /// The kernel's version.
    pub kernel: String,
    /// Model of the processor.
    pub cpu: String,
    /// When the machine was started, UTC milliseconds.
    pub booted_at: i64,
}

/// The machine at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// When, UTC milliseconds.
    pub at: i64,
    /// Milliseconds after which the next is due.
    pub pace_ms: u32,
    /// CPU utilisation over all cores, percent.
    pub cpu: Reading<f64>,
    /// Of each core, percent.
    pub per_core: Reading<Vec<u8>>,
    /// Logical cores.
    pub cores: u32,
    /// Mean numbers of runnable tasks.
    pub load: Reading<Load>,
    /// Bytes.
    pub memory_used: Reading<u64>,
    /// Bytes.
    pub memory_total: Reading<u64>,
    /// Bytes.
    pub swap_used: Reading<u64>,
    /// Bytes; 0 where there is none.
    pub swap_total: Reading<u64>,
    /// File systems: that of the data folder first.
    pub disks: Arc<[Disk]>,
    /// Network interfaces, without the loopback.
    pub network: Vec<Interface>,
    /// Thermometers of the machine.
    pub temperatures: Arc<[Temperature]>,
    /// GPUs.
    pub gpus: Gpus,
}

impl Sample {
    /// A sample in which nothing was read.
    #[must_use]
    pub fn unread(at: i64) -> Self {
        Self {
            at,
            pace_ms: 1000,
            cpu: Reading::Unsupported,
            per_core: Reading::Unsupported,
            cores: 0,
            load: Reading::Unsupported,
            memory_used: Reading::Unsupported,
            memory_total: Reading::Unsupported,
            swap_used: Reading::Unsupported,
            swap_total: Reading::Unsupported,
            disks: Arc::new([]),
            network: Vec::new(),
            temperatures: Arc::new([]),
            gpus: Gpus::default(),
        }
    }
}
