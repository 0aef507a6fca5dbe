//! The machine on the wire.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::IdleMemory;

/// A reading of a device: a value, or why there is none. Neither of the others is 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Reading<T> {
    /// What was read.
    Value {
        /// The value in the field's unit.
        value: T,
    },
    /// The device does not report this.
    Unsupported {},
    /// It could not be read this time.
    Failed {
        /// Why.
        message: String,
    },
}

impl<T> Reading<T> {
    /// What was read, if anything was.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Value { value } => Some(value),
            Self::Unsupported {} | Self::Failed { .. } => None,
        }
    }
}

/// Who made a GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Vendor {
    /// NVIDIA, read through NVML.
    Nvidia,
    /// AMD, read through the kernel's files.
    Amd,
}

/// One GPU at one moment, or one of the instances that a GPU is divided into.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Gpu {
    /// The index in the order of the PCI bus. Instances have that of the GPU that they are part of, and follow it.
    pub index: u32,
    /// The vendor's unique id; what a job is given.
    pub uuid: String,
    /// The model.
    pub name: String,
    /// Who made it.
    pub vendor: Vendor,
    /// Where it is on the PCI bus.
    pub pci: Option<String>,
    /// Why nothing can be asked of it now.
    pub fault: Option<GpuFault>,
    /// Whether it is divided, or an instance of one that is.
    pub mig: Mig,
    /// Utilisation, percent.
    pub utilisation: Reading<u32>,
    /// Percent of the time that its memory was read or written.
    pub memory_utilisation: Reading<u32>,
    /// Memory in use, bytes.
    pub memory_used: Reading<u64>,
    /// Memory in all, bytes.
    pub memory_total: Reading<u64>,
    /// Temperature, °C.
    pub temperature: Reading<u32>,
    /// Percent of the fan's greatest speed.
    pub fan: Reading<u32>,
    /// Clock of the processors, MHz.
    pub clock: Reading<u32>,
    /// Clock of the memory, MHz.
    pub memory_clock: Reading<u32>,
    /// Power draw, watts.
    pub power: Reading<f64>,
    /// Power limit, watts.
    pub power_limit: Reading<f64>,
    /// Joules since the driver was loaded: a counter, for differences.
    pub energy: Reading<f64>,
    /// Memory that processes hold while it does nothing, once it has done nothing for minutes. Only in the newest sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub idle_memory: Option<IdleMemory>,
    /// What runs on it. Only in the newest sample; left out (null) in those of the past.
    pub processes: Option<Reading<Vec<GpuProcess>>>,
}

/// Whether a GPU is divided (NVIDIA's multi-instance mode).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Mig {
    /// It is whole.
    Off {},
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct GpuFault {
    /// What kind of fault it is.
    pub kind: GpuFaultKind,
    /// What happened, in a sentence.
    pub message: String,
    /// What the user can do, in a sentence.
    pub next_step: String,
}

/// What kind of fault a GPU has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum GpuFaultKind {
    /// It has fallen off the bus, or is listed no more.
    Lost,
    /// It works again only after a reset.
    NeedsReset,
    /// Its driver has a fault.
    Driver,
    /// It refuses to be opened for another reason.
    Refused,
}

/// A process that uses a GPU.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct GpuProcess {
    /// Its process id.
    pub pid: u32,
    /// Bytes of the GPU's memory.
    pub memory: Reading<u64>,
    /// Percent of the GPU's processors that it kept busy since the last look.
    pub utilisation: Reading<u32>,
    /// What it does there.
    pub work: GpuWork,
    /// The owner's name; null where the process has ended or lives in another namespace, as the rest.
    pub owner: Option<String>,
    /// Whether it belongs to the user whose program this is.
    pub own: bool,
    /// Name of the executable.
    pub name: Option<String>,
    /// The command line, secrets masked, shortened.
    pub command: Option<String>,
    /// When it began.
    pub started_at: Option<i64>,
    /// The experiment that it belongs to.
    pub experiment: Option<String>,
}

/// What a process does on a GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum GpuWork {
    /// It computes.
    Compute,
    /// It draws on a screen.
    Graphics,
    /// Both.
    Both,
}

/// GPUs of all vendors, and how their drivers stand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Gpus {
    /// In the order of their index, each followed by its instances. Those that were seen and are lost stay in the list.
    pub list: Vec<Gpu>,
    /// NVIDIA's first; others where their hardware is found.
    pub drivers: Vec<Driver>,
}

/// How the driver of one vendor stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Driver {
    /// Whose.
    pub vendor: Vendor,
    /// Its version.
    pub version: Option<String>,
    /// The newest version of CUDA that it can run.
    pub cuda: Option<String>,
    /// Why it does not work; null where it does.
    pub fault: Option<DriverFault>,
}

/// Why a driver does not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DriverFault {
    /// What kind of fault it is.
    pub kind: DriverFaultKind,
    /// What is wrong and why, in a sentence.
    pub message: String,
    /// What the user can do, in a sentence; null where nothing needs to be done.
    pub next_step: Option<String>,
}

/// What kind of fault a driver has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum DriverFaultKind {
    /// Nothing of it is installed: on a machine without such a GPU that is no fault.
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Disk {
    /// A short name that stays the same: “Data folder”, else the mount point.
    pub label: String,
    /// What it holds, in words.
    pub holds: Vec<String>,
    /// A path on it.
    pub path: String,
    /// Where it is mounted.
    pub mount: Option<String>,
    /// Its type, such as ext4.
    pub file_system: Option<String>,
    /// Bytes that a user may still write.
    pub free: Reading<u64>,
    /// Bytes in all.
    pub total: Reading<u64>,
}

/// A network interface.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Interface {
    /// Its name, such as eth0.
    pub name: String,
    /// Bytes in a second.
    pub received: Reading<f64>,
    /// Bytes in a second.
    pub sent: Reading<f64>,
}

/// A thermometer of the machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Temperature {
    /// What is measured.
    pub label: String,
    /// °C.
    pub value: Reading<f64>,
    /// °C at which the hardware protects itself, where it tells.
    pub critical: Option<f64>,
}

/// Mean numbers of runnable tasks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
pub struct Load {
    /// Over a minute.
    pub one: f64,
    /// Over five minutes.
    pub five: f64,
    /// Over fifteen minutes.
    pub fifteen: f64,
}

/// The machine at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct DeviceSample {
    /// When.
    pub at: i64,
    /// Milliseconds after which the next is due. It is unhealthy to be much later.
    pub pace_ms: u32,
    /// The host's name.
    pub host: String,
    /// CPU utilisation over all cores, percent.
    pub cpu: Reading<f64>,
    /// Of each core, percent.
    pub per_core: Reading<Vec<u8>>,
    /// Logical cores.
    pub cores: u32,
    /// Mean numbers of runnable tasks.
    pub load: Reading<Load>,
    /// Memory in use, bytes.
    pub memory_used: Reading<u64>,
    /// Memory in all, bytes.
    pub memory_total: Reading<u64>,
    /// Swap in use, bytes.
    pub swap_used: Reading<u64>,
    /// Swap in all, bytes; 0 where there is none.
    pub swap_total: Reading<u64>,
    /// File systems: that of the data folder first.
    pub disks: Vec<Disk>,
    /// Network interfaces, without the loopback.
    pub network: Vec<Interface>,
    /// Thermometers of the machine.
    pub temperatures: Vec<Temperature>,
    /// GPUs.
    pub gpus: Gpus,
}

/// What does not change of a machine while it is up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct HostFacts {
    /// The host's name.
    pub name: String,
    /// The operating system with its version.
    pub system: String,
    /// The kernel's version.
    pub kernel: String,
    /// Model of the processor.
    pub cpu: String,
    /// When the machine was started.
    pub booted_at: i64,
}

/// The present sample and what came before it.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct DeviceHistory {
    /// The machine; null where nothing samples it.
    pub facts: Option<HostFacts>,
    /// Samples of the last minutes, oldest first, the present one last. Kept in memory only, at most 300.
    pub samples: Vec<DeviceSample>,
}

/// For how long somebody looks at the machine.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
pub struct LookAtDevice {
    /// Milliseconds, at most 120,000; a longer time is cut. Said again before it ends by who still looks.
    pub for_ms: u32,
}
