//! What a script says: GPUs, how their readings change over time, what runs on them, and what goes wrong.
//!
//! A script is JSON. Every field but a GPU's `uuid` may be left out. A reading that is left out is one that the GPU does
//! not support.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A machine with NVIDIA's driver.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Script {
    /// The driver's version.
    pub driver: Option<String>,
    /// The newest version of CUDA that it can run, as 1000 × major + 10 × minor.
    pub cuda: Option<i32>,
    /// Counts how often the driver was reloaded: when it changes, all that was opened before is closed.
    pub generation: u64,
    /// Faults by the name of the entry point, `*` for all: they strike for every GPU.
    pub faults: BTreeMap<String, Fault>,
    /// The GPUs in the order of their index.
    pub gpus: Vec<Gpu>,
}

/// A GPU.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gpu {
    /// Its unique id, such as `GPU-0`.
    pub uuid: String,
    /// Its model.
    #[serde(default)]
    pub name: Option<String>,
    /// Where it is on the PCI bus; made from the index where it is left out.
    #[serde(default)]
    pub pci: Option<String>,
    /// Bytes.
    #[serde(default)]
    pub memory_total: u64,
    /// Bytes beside those of the processes.
    #[serde(default)]
    pub memory_used: Series,
    /// Percent.
    #[serde(default)]
    pub utilisation: Option<Series>,
    /// Percent.
    #[serde(default)]
    pub memory_utilisation: Option<Series>,
    /// °C.
    #[serde(default)]
    pub temperature: Option<Series>,
    /// Percent, of each fan.
    #[serde(default)]
    pub fans: Vec<Series>,
    /// MHz.
    #[serde(default)]
    pub clock: Option<Series>,
    /// MHz.
    #[serde(default)]
    pub memory_clock: Option<Series>,
    /// Watts. The energy counter follows it.
    #[serde(default)]
    pub power: Option<Series>,
    /// Watts.
    #[serde(default)]
    pub power_limit: Option<f64>,
    /// What runs on it.
    #[serde(default)]
    pub processes: Vec<Process>,
    /// Every process on this machine whose `CUDA_VISIBLE_DEVICES` names this GPU is on it, and uses this much: so the
    /// queue's jobs show up where they were put. One that has started another of them is left out.
    #[serde(default)]
    pub follow: Option<Share>,
    /// Its instances, if it is divided.
    #[serde(default)]
    pub mig: Option<Vec<Instance>>,
    /// Faults by the name of the entry point, `*` for all.
    #[serde(default)]
    pub faults: BTreeMap<String, Fault>,
}

/// An instance of a divided GPU.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    /// Its unique id, such as `MIG-0`.
    pub uuid: String,
    /// Its model, such as `NVIDIA A100-SXM4-40GB MIG 1g.5gb`.
    #[serde(default)]
    pub name: Option<String>,
    /// Bytes.
    #[serde(default)]
    pub memory_total: u64,
    /// Bytes beside those of the processes.
    #[serde(default)]
    pub memory_used: Series,
    /// What runs on it.
    #[serde(default)]
    pub processes: Vec<Process>,
}

/// A process on a GPU.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// Its process id.
    pub pid: u32,
    /// Bytes of the GPU's memory; left out, the driver does not tell.
    #[serde(default)]
    pub memory: Option<u64>,
    /// Percent of the GPU's processors.
    #[serde(default)]
    pub utilisation: Series,
    /// What it does there.
    #[serde(default)]
    pub work: Work,
}

/// What each process that is followed uses.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Bytes of the GPU's memory.
    #[serde(default)]
    pub memory: u64,
    /// Percent of the GPU's processors; the GPU is busy by as much.
    #[serde(default)]
    pub utilisation: Series,
    /// Watts that the GPU draws more.
    #[serde(default)]
    pub power: Series,
}

/// What a process does on a GPU.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// It computes.
    #[default]
    Compute,
    /// It draws.
    Graphics,
    /// Both.
    Both,
}

/// A number that changes over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Series {
    /// Always the same.
    Constant(f64),
    /// One after the other, a second each, and again from the first.
    Each(Vec<f64>),
    /// Up and down around a mean.
    Wave {
        /// The mean.
        mean: f64,
        /// How far it goes from it.
        swing: f64,
        /// Seconds from one top to the next.
        period: f64,
    },
    /// From each moment on another.
    Steps {
        /// Seconds and values.
        steps: Vec<(f64, f64)>,
    },
}

impl Default for Series {
    fn default() -> Self {
        Self::Constant(0.0)
    }
}

impl From<f64> for Series {
    fn from(value: f64) -> Self {
        Self::Constant(value)
    }
}

impl Series {
    /// The value so many seconds after the library was loaded.
    #[must_use]
    pub fn at(&self, seconds: f64) -> f64 {
        match self {
            Self::Constant(value) => *value,
            Self::Each(values) => {
                #[allow(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "seconds since the start"
                )]
                let second = seconds as usize;
                values.get(second % values.len().max(1)).copied().unwrap_or(0.0)
            }
            Self::Wave { mean, swing, period } => {
                mean + swing * (seconds / period.max(0.001) * std::f64::consts::TAU).sin()
            }
            Self::Steps { steps } => {
                let passed = steps.iter().take_while(|(from, _)| *from <= seconds);
                passed.last().map_or(0.0, |(_, value)| *value)
            }
        }
    }
}

/// What goes wrong with an entry point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Fault {
    /// It answers with this error, always.
    Error(ErrorCode),
    /// It answers with this error so many times after the script was read.
    Times {
        /// The error.
        error: ErrorCode,
        /// How often.
        times: u32,
    },
    /// It does not return until the script changes.
    Hang {
        /// Must be true.
        hang: bool,
    },
    /// It returns after so many milliseconds.
    Slow {
        /// Milliseconds.
        slow_ms: u64,
    },
}

/// The errors of NVML, by their names there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are NVIDIA's, and so are their meanings")]
pub enum ErrorCode {
    Uninitialized = 1,
    InvalidArgument = 2,
    NotSupported = 3,
    NoPermission = 4,
    AlreadyInitialized = 5,
    NotFound = 6,
    InsufficientSize = 7,
    InsufficientPower = 8,
    DriverNotLoaded = 9,
    Timeout = 10,
    IrqIssue = 11,
    LibraryNotFound = 12,
    FunctionNotFound = 13,
    CorruptedInforom = 14,
    GpuIsLost = 15,
    ResetRequired = 16,
    OperatingSystem = 17,
    LibRmVersionMismatch = 18,
    InUse = 19,
    Memory = 20,
    NoData = 21,
    VgpuEccNotSupported = 22,
    InsufficientResources = 23,
    FreqNotSupported = 24,
    ArgumentVersionMismatch = 25,
    Deprecated = 26,
    NotReady = 27,
    GpuNotFound = 28,
    InvalidState = 29,
    ResetTypeNotSupported = 30,
    Unknown = 999,
}

impl ErrorCode {
    /// All of them.
    pub const ALL: [Self; 31] = [
        Self::Uninitialized,
        Self::InvalidArgument,
        Self::NotSupported,
        Self::NoPermission,
        Self::AlreadyInitialized,
        Self::NotFound,
        Self::InsufficientSize,
        Self::InsufficientPower,
        Self::DriverNotLoaded,
        Self::Timeout,
        Self::IrqIssue,
        Self::LibraryNotFound,
        Self::FunctionNotFound,
        Self::CorruptedInforom,
        Self::GpuIsLost,
        Self::ResetRequired,
        Self::OperatingSystem,
        Self::LibRmVersionMismatch,
        Self::InUse,
        Self::Memory,
        Self::NoData,
        Self::VgpuEccNotSupported,
        Self::InsufficientResources,
        Self::FreqNotSupported,
        Self::ArgumentVersionMismatch,
        Self::Deprecated,
        Self::NotReady,
        Self::GpuNotFound,
        Self::InvalidState,
        Self::ResetTypeNotSupported,
        Self::Unknown,
    ];

    /// NVML's number of it.
    #[must_use]
    pub fn code(self) -> u32 {
        self as u32
    }
}

impl Script {
    /// A machine with so many busy GPUs of 80 GiB, each with so many processes, the pids counted from `first_pid`.
    #[must_use]
    pub fn with(gpus: u32, processes: u32, first_pid: u32) -> Self {
        let gpu = |index: u32| Gpu {
            uuid: format!("GPU-{index}"),
            name: Some("NVIDIA A100-SXM4-80GB".into()),
            memory_total: 80 << 30,
            utilisation: Some(Series::Wave { mean: 70.0, swing: 25.0, period: 20.0 + f64::from(index) }),
            memory_utilisation: Some(Series::Constant(40.0)),
            temperature: Some(Series::Wave { mean: 60.0, swing: 5.0, period: 60.0 }),
            fans: vec![Series::Constant(50.0)],
            clock: Some(Series::Constant(1410.0)),
            memory_clock: Some(Series::Constant(1593.0)),
            power: Some(Series::Wave { mean: 300.0, swing: 80.0, period: 20.0 }),
            power_limit: Some(400.0),
            processes: (0..processes)
                .map(|number| Process {
                    pid: first_pid + index * processes + number,
                    memory: Some(1 << 30),
                    utilisation: Series::Constant(7.0),
                    work: Work::Compute,
                })
                .collect(),
            ..Gpu::default()
        };
        Self {
            driver: Some("560.35.03".into()),
            cuda: Some(12_060),
            gpus: (0..gpus).map(gpu).collect(),
            ..Self::default()
        }
    }

    /// Writes it where the library will find it: all at once, so that no half of it is ever read.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn write(&self, path: &std::path::Path) -> std::io::Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        let beside = path.with_extension("new");
        std::fs::write(&beside, text)?;
        std::fs::rename(beside, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_read_as_people_write_it() {
        let text = r#"{
            "driver": "560.35.03",
            "faults": { "nvmlInitWithFlags": "driver_not_loaded", "nvmlDeviceGetName": { "error": "unknown", "times": 2 } },
            "gpus": [
                { "uuid": "GPU-a", "memory_total": 1024, "utilisation": [1, 2, 3], "power": { "mean": 50, "swing": 10, "period": 4 },
                  "processes": [{ "pid": 7, "memory": 10, "work": "graphics" }], "faults": { "*": { "hang": true } } },
                { "uuid": "GPU-b", "mig": [{ "uuid": "MIG-a", "memory_total": 5 }], "temperature": { "steps": [[0, 40], [2.5, 90]] } }
            ]
        }"#;
        let script: Script = serde_json::from_str(text).expect("it is well written");
        assert_eq!(script.faults["nvmlInitWithFlags"], Fault::Error(ErrorCode::DriverNotLoaded));
        assert_eq!(script.faults["nvmlDeviceGetName"], Fault::Times { error: ErrorCode::Unknown, times: 2 });
        assert_eq!(script.gpus[0].faults["*"], Fault::Hang { hang: true });
        let utilisation = script.gpus[0].utilisation.as_ref().expect("written");
        assert_eq!([0.0, 1.9, 2.0, 3.5].map(|at| utilisation.at(at)), [1.0, 2.0, 3.0, 1.0]);
        let temperature = script.gpus[1].temperature.as_ref().expect("written");
        assert_eq!([0.0, 2.4, 2.5, 99.0].map(|at| temperature.at(at)), [40.0, 40.0, 90.0, 90.0]);
        let power = script.gpus[0].power.as_ref().expect("written");
        assert!((power.at(1.0) - 60.0).abs() < 1e-9 && (power.at(3.0) - 40.0).abs() < 1e-9);
        assert!(serde_json::from_str::<Script>(r#"{"gpu": []}"#).is_err(), "a slip of the pen is said");
        let again: Script =
            serde_json::from_str(&serde_json::to_string(&script).expect("text")).expect("read");
        assert_eq!(again, script);
    }

    #[test]
    fn errors_have_the_numbers_of_nvml() {
        use nvml_wrapper_sys::bindings as nvml;
        assert_eq!(ErrorCode::GpuIsLost.code(), nvml::nvmlReturn_enum_NVML_ERROR_GPU_IS_LOST);
        assert_eq!(
            ErrorCode::LibRmVersionMismatch.code(),
            nvml::nvmlReturn_enum_NVML_ERROR_LIB_RM_VERSION_MISMATCH
        );
        assert_eq!(
            ErrorCode::ResetTypeNotSupported.code(),
            nvml::nvmlReturn_enum_NVML_ERROR_RESET_TYPE_NOT_SUPPORTED
        );
        assert_eq!(ErrorCode::Unknown.code(), nvml::nvmlReturn_enum_NVML_ERROR_UNKNOWN);
        for (number, code) in (1..).zip(&ErrorCode::ALL[..30]) {
            assert_eq!(code.code(), number);
        }
    }
}
