//! NVIDIA GPUs through NVML. The only module that knows `nvml_wrapper`.

use std::time::{Duration, Instant};

use nvml_wrapper::enum_wrappers::device::TemperatureSensor;
use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::struct_wrappers::device::ProcessInfo;
use nvml_wrapper::{Device, Nvml as Library};

use super::{Gpu, GpuProcess, Gpus, Reading};

/// How long to leave a library or driver alone that did not answer: it may be installed or reloaded meanwhile.
const TRY_AGAIN: Duration = Duration::from_secs(30);

#[derive(Default)]
pub(super) struct Nvml {
    state: State,
}

#[derive(Default)]
enum State {
    #[default]
    Untried,
    Loaded(Box<Library>),
    Absent {
        why: Gpus,
        since: Instant,
    },
}

impl Nvml {
    pub(super) fn sample(&mut self) -> Gpus {
        match &self.state {
            State::Absent { why, since } if since.elapsed() < TRY_AGAIN => return why.clone(),
            State::Loaded(_) => {}
            _ => match Library::init() {
                Ok(library) => self.state = State::Loaded(Box::new(library)),
                Err(error) => return self.absent(&error),
            },
        }
        let State::Loaded(library) = &self.state else { return Gpus::NoDriver(String::new()) };
        match read(library) {
            Ok(gpus) => gpus,
            // The driver was unloaded under us, or fell over: load it anew next time.
            Err(error) => self.absent(&error),
        }
    }

    fn absent(&mut self, error: &NvmlError) -> Gpus {
        let why = explain(error, std::path::Path::new("/proc/driver/nvidia/version").exists());
        self.state = State::Absent { why: why.clone(), since: Instant::now() };
        why
    }
}

/// Tells "there is no driver" from "there is one that does not work".
fn explain(error: &NvmlError, kernel_module: bool) -> Gpus {
    match error {
        NvmlError::LibloadingError(_) | NvmlError::LibraryNotFound if !kernel_module => {
            Gpus::NoDriver("no NVIDIA driver found: the library libnvidia-ml.so.1 is not installed".into())
        }
        NvmlError::LibloadingError(cause) => Gpus::Broken(format!(
            "the NVIDIA kernel module is loaded, but the library libnvidia-ml.so.1 can't be: {cause}. Install the driver's user part of the same version."
        )),
        NvmlError::DriverNotLoaded => Gpus::Broken(
            "the NVIDIA library is installed, but the kernel module is not loaded. Try “sudo modprobe nvidia”; after a driver update, restart the machine.".into(),
        ),
        NvmlError::LibRmVersionMismatch => Gpus::Broken(
            "the NVIDIA library and the kernel module have different versions. Restart the machine to finish the driver update.".into(),
        ),
        NvmlError::NoPermission => {
            Gpus::Broken("the NVIDIA driver refuses access to this user. Check the permissions of /dev/nvidia*.".into())
        }
        other => Gpus::Broken(format!("the NVIDIA driver does not answer: {other}")),
    }
}

fn read(library: &Library) -> Result<Gpus, NvmlError> {
    let count = library.device_count()?;
    let gpus = (0..count).map(|index| gpu(library, index)).collect();
    Ok(Gpus::Present { gpus, driver: library.sys_driver_version().ok() })
}

/// One GPU. One that fell off the bus fails alone; the others go on.
fn gpu(library: &Library, index: u32) -> Gpu {
    let device = match library.device_by_index(index) {
        Ok(device) => device,
        Err(error) => return fallen(index, &error),
    };
    let memory = reading(device.memory_info());
    let part = |pick: fn(&nvml_wrapper::struct_wrappers::device::MemoryInfo) -> u64| match &memory {
        Reading::Value(memory) => Reading::Value(pick(memory)),
        Reading::Unsupported => Reading::Unsupported,
        Reading::Failed(why) => Reading::Failed(why.clone()),
    };
    Gpu {
        index,
        uuid: device.uuid().unwrap_or_default(),
        name: name(&device),
        utilisation: reading(device.utilization_rates().map(|rates| rates.gpu)),
        memory_used: part(|memory| memory.used),
        memory_total: part(|memory| memory.total),
        temperature: reading(device.temperature(TemperatureSensor::Gpu)),
        power: reading(device.power_usage().map(|milliwatts| f64::from(milliwatts) / 1000.0)),
        power_limit: reading(device.enforced_power_limit().map(|milliwatts| f64::from(milliwatts) / 1000.0)),
        processes: processes(&device),
    }
}

/// What runs on a GPU. A driver that does not tell names nothing, and then its memory in use counts as foreign.
fn processes(device: &Device<'_>) -> Vec<GpuProcess> {
    let named = |list: Result<Vec<ProcessInfo>, NvmlError>, compute: bool| {
        list.unwrap_or_default().into_iter().map(move |process| GpuProcess {
            pid: process.pid,
            memory: match process.used_gpu_memory {
                UsedGpuMemory::Used(bytes) => Some(bytes),
                UsedGpuMemory::Unavailable => None,
            },
            compute,
        })
    };
    let mut all: Vec<GpuProcess> = named(device.running_compute_processes(), true).collect();
    // A process that does both is named in both lists.
    let drawing: Vec<GpuProcess> = named(device.running_graphics_processes(), false)
        .filter(|process| !all.iter().any(|known| known.pid == process.pid))
        .collect();
    all.extend(drawing);
    all
}

fn name(device: &Device<'_>) -> String {
    device.name().unwrap_or_else(|_| "NVIDIA GPU".into())
}

fn fallen(index: u32, error: &NvmlError) -> Gpu {
    let why = match error {
        NvmlError::GpuLost => "the GPU has fallen off the bus".to_owned(),
        other => other.to_string(),
    };
    Gpu {
        index,
        uuid: String::new(),
        name: "NVIDIA GPU".into(),
        utilisation: Reading::Failed(why.clone()),
        memory_used: Reading::Failed(why.clone()),
        memory_total: Reading::Failed(why.clone()),
        temperature: Reading::Failed(why.clone()),
        power: Reading::Failed(why.clone()),
        power_limit: Reading::Failed(why),
        processes: Vec::new(),
    }
}

fn reading<T>(result: Result<T, NvmlError>) -> Reading<T> {
    match result {
        Ok(value) => Reading::Value(value),
        Err(NvmlError::NotSupported) => Reading::Unsupported,
        Err(error) => Reading::Failed(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_driver_and_a_driver_that_fails_are_told_apart() {
        assert!(matches!(explain(&NvmlError::LibraryNotFound, false), Gpus::NoDriver(_)));
        for error in [NvmlError::DriverNotLoaded, NvmlError::LibRmVersionMismatch, NvmlError::GpuLost] {
            assert!(matches!(explain(&error, true), Gpus::Broken(_)), "{error}");
        }
    }

    #[test]
    fn what_is_not_supported_is_not_zero() {
        assert_eq!(reading::<u32>(Err(NvmlError::NotSupported)), Reading::Unsupported);
        assert!(matches!(reading::<u32>(Err(NvmlError::GpuLost)), Reading::Failed(_)));
        assert_eq!(reading(Ok(0u32)), Reading::Value(0));
    }
}
