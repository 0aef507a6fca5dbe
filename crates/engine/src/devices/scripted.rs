//! GPUs out of a file, for tests and for showing the program on a machine without any: `ATHANOR_GPUS` names it. It is
//! read at each sample, so a test changes the machine by writing it anew.

use std::path::PathBuf;

use serde::Deserialize;

use super::sample::{
    Driver, DriverFault, DriverFaultKind, Gpu, GpuFault, GpuFaultKind, GpuProcess, GpuWork, Gpus, Reading,
    Vendor,
};

pub(super) struct Scripted {
    path: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    #[serde(default)]
    gpus: Vec<ScriptedGpu>,
    #[serde(default)]
    driver: Option<String>,
    /// There is no driver, in these words.
    #[serde(default)]
    no_driver: Option<String>,
    /// There is one that does not work, in these words.
    #[serde(default)]
    broken: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScriptedGpu {
    uuid: String,
    name: String,
    memory_total: u64,
    #[serde(default)]
    memory_used: u64,
    #[serde(default)]
    utilisation: u32,
    #[serde(default)]
    temperature: Option<u32>,
    #[serde(default)]
    power: Option<f64>,
    #[serde(default)]
    processes: Vec<ScriptedProcess>,
    /// It has failed, in these words.
    #[serde(default)]
    lost: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScriptedProcess {
    pid: u32,
    #[serde(default)]
    memory: Option<u64>,
    #[serde(default = "yes")]
    compute: bool,
}

fn yes() -> bool {
    true
}

impl Scripted {
    /// The script that the environment names, if it names one.
    pub(super) fn from_environment() -> Option<Self> {
        std::env::var_os("ATHANOR_GPUS").map(|path| Self { path: path.into() })
    }

    pub(super) fn sample(&self) -> Gpus {
        let read = std::fs::read(&self.path).map_err(|cause| cause.to_string());
        let script =
            read.and_then(|text| serde_json::from_slice::<Script>(&text).map_err(|cause| cause.to_string()));
        let fault = |kind, message| {
            let fault = DriverFault { kind, message, next_step: None };
            let driver = Driver { vendor: Vendor::Nvidia, version: None, cuda: None, fault: Some(fault) };
            Gpus { list: Vec::new(), drivers: vec![driver] }
        };
        match script {
            Ok(Script { no_driver: Some(why), .. }) => fault(DriverFaultKind::Absent, why),
            Ok(Script { broken: Some(why), .. }) => fault(DriverFaultKind::Failing, why),
            Ok(Script { gpus, driver, .. }) => Gpus {
                list: (0..).zip(gpus).map(|(index, gpu)| gpu.reading(index)).collect(),
                drivers: vec![Driver { vendor: Vendor::Nvidia, version: driver, cuda: None, fault: None }],
            },
            Err(why) => {
                fault(DriverFaultKind::Failing, format!("{} can't be read: {why}", self.path.display()))
            }
        }
    }
}

impl ScriptedGpu {
    fn reading(self, index: u32) -> Gpu {
        let processes = self.processes.into_iter().map(|process| GpuProcess {
            pid: process.pid,
            memory: process.memory.map_or(Reading::Unsupported, Reading::Value),
            utilisation: Reading::Unsupported,
            work: if process.compute { GpuWork::Compute } else { GpuWork::Graphics },
            about: None,
        });
        let gpu = Gpu {
            uuid: self.uuid,
            name: self.name,
            utilisation: Reading::Value(self.utilisation),
            memory_used: Reading::Value(self.memory_used),
            memory_total: Reading::Value(self.memory_total),
            temperature: self.temperature.map_or(Reading::Unsupported, Reading::Value),
            power: self.power.map_or(Reading::Unsupported, Reading::Value),
            processes: Reading::Value(processes.collect()),
            ..Gpu::unread(Vendor::Nvidia, index)
        };
        match self.lost {
            Some(message) => {
                let fault = GpuFault { kind: GpuFaultKind::Lost, message, next_step: String::new() };
                gpu.with_fault(&fault)
            }
            None => gpu,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_read_anew_each_time() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("gpus.json");
        let scripted = Scripted { path: path.clone() };
        let kind = |gpus: &Gpus| gpus.drivers[0].fault.as_ref().map(|fault| fault.kind);
        assert_eq!(
            kind(&scripted.sample()),
            Some(DriverFaultKind::Failing),
            "a file that is missing is a fault"
        );
        std::fs::write(&path, r#"{"no_driver": "none here"}"#).expect("written");
        assert_eq!(kind(&scripted.sample()), Some(DriverFaultKind::Absent));
        assert_eq!(scripted.sample().fault().as_deref(), Some("none here"));
        let text = r#"{"gpus": [{"uuid": "GPU-a", "name": "A", "memory_total": 10, "processes": [{"pid": 7}]},
                               {"uuid": "GPU-b", "name": "B", "memory_total": 10, "lost": "fell off the bus"}]}"#;
        std::fs::write(&path, text).expect("written");
        let gpus = scripted.sample().list;
        assert_eq!((gpus[0].processes()[0].pid, gpus[0].processes()[0].work), (7, GpuWork::Compute));
        assert_eq!((gpus[1].index, &gpus[1].memory_used), (1, &Reading::Failed("fell off the bus".into())));
        assert_eq!(gpus[1].fault.as_ref().map(|fault| fault.kind), Some(GpuFaultKind::Lost));
    }
}
