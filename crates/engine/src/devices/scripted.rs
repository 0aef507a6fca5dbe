//! GPUs out of a file, for tests and for showing the program on a machine without any: `ATHANOR_GPUS` names it. It is
//! read at each sample, so a test changes the machine by writing it anew.

use std::path::PathBuf;

use serde::Deserialize;

use super::{Gpu, GpuProcess, Gpus, Reading};

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
        match script {
            Ok(Script { no_driver: Some(why), .. }) => Gpus::NoDriver(why),
            Ok(Script { broken: Some(why), .. }) => Gpus::Broken(why),
            Ok(Script { gpus, driver, .. }) => Gpus::Present {
                gpus: (0..).zip(gpus).map(|(index, gpu)| gpu.reading(index)).collect(),
                driver,
            },
            Err(why) => Gpus::Broken(format!("{} can't be read: {why}", self.path.display())),
        }
    }
}

impl ScriptedGpu {
    fn reading(self, index: u32) -> Gpu {
        let lost = self.lost.clone();
        fn value<T>(lost: Option<&String>, value: T) -> Reading<T> {
            lost.map_or(Reading::Value(value), |why| Reading::Failed(why.clone()))
        }
        fn maybe<T>(lost: Option<&String>, value: Option<T>) -> Reading<T> {
            match (lost, value) {
                (Some(why), _) => Reading::Failed(why.clone()),
                (None, Some(value)) => Reading::Value(value),
                (None, None) => Reading::Unsupported,
            }
        }
        let lost = lost.as_ref();
        Gpu {
            index,
            uuid: self.uuid,
            name: self.name,
            utilisation: value(lost, self.utilisation),
            memory_used: value(lost, self.memory_used),
            memory_total: value(lost, self.memory_total),
            temperature: maybe(lost, self.temperature),
            power: maybe(lost, self.power),
            power_limit: Reading::Unsupported,
            processes: self
                .processes
                .into_iter()
                .map(|process| GpuProcess {
                    pid: process.pid,
                    memory: process.memory,
                    compute: process.compute,
                })
                .collect(),
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
        assert!(matches!(scripted.sample(), Gpus::Broken(_)), "a file that is missing is a fault");
        std::fs::write(&path, r#"{"no_driver": "none here"}"#).expect("written");
        assert_eq!(scripted.sample(), Gpus::NoDriver("none here".into()));
        let text = r#"{"gpus": [{"uuid": "GPU-a", "name": "A", "memory_total": 10, "processes": [{"pid": 7}]},
                               {"uuid": "GPU-b", "name": "B", "memory_total": 10, "lost": "fell off the bus"}]}"#;
        std::fs::write(&path, text).expect("written");
        let Gpus::Present { gpus, .. } = scripted.sample() else { panic!("two GPUs are there") };
        assert_eq!(gpus[0].processes, [GpuProcess { pid: 7, memory: None, compute: true }]);
        assert_eq!((gpus[1].index, &gpus[1].memory_total), (1, &Reading::Failed("fell off the bus".into())));
    }
}
