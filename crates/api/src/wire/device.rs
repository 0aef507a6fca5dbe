//! The machine on the wire.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

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

/// One GPU at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Gpu {
    /// The index in PCI bus order.
    pub index: u32,
    /// The vendor's unique id.
    pub uuid: String,
    /// The model.
    pub name: String,
    /// Utilisation, percent.
    pub utilisation: Reading<u32>,
    /// Memory in use, bytes.
    pub memory_used: Reading<u64>,
    /// Memory in all, bytes.
    pub memory_total: Reading<u64>,
    /// Temperature, °C.
    pub temperature: Reading<u32>,
    /// Power draw, watts.
    pub power: Reading<f64>,
    /// Power limit, watts.
    pub power_limit: Reading<f64>,
}

/// Which GPUs there are, or why none can be seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Gpus {
    /// The driver answered.
    Present {
        /// In the order of their index; may be empty.
        gpus: Vec<Gpu>,
        /// The driver's version.
        driver: Option<String>,
    },
    /// No NVIDIA driver is installed.
    NoDriver {
        /// In words, with the reason.
        message: String,
    },
    /// There is a driver, but it does not work.
    Broken {
        /// In words, with the reason and the next step.
        message: String,
    },
}

/// A file system that holds something of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Disk {
    /// What it holds, for example the data folder.
    pub label: String,
    /// A path on it.
    pub path: String,
    /// Bytes that a user may still write.
    pub free: u64,
    /// Bytes in all.
    pub total: u64,
}

/// The machine at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct DeviceSample {
    /// When.
    pub at: i64,
    /// The host's name.
    pub host: String,
    /// CPU utilisation over all cores, percent.
    pub cpu: Reading<f64>,
    /// Logical cores.
    pub cores: u32,
    /// Mean number of runnable tasks over one minute.
    pub load: f64,
    /// Memory in use, bytes.
    pub memory_used: u64,
    /// Memory in all, bytes.
    pub memory_total: u64,
    /// File systems.
    pub disks: Vec<Disk>,
    /// GPUs.
    pub gpus: Gpus,
}

/// The present sample and what came before it.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct DeviceHistory {
    /// Samples of the last minutes, oldest first, the present one last. Kept in memory only, at most 300.
    pub samples: Vec<DeviceSample>,
}
