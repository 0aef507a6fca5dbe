//! The machine.

use athanor_engine::devices;

use crate::wire;

same_words!(devices::Vendor => wire::Vendor: Nvidia Amd);
same_words!(devices::GpuFaultKind => wire::GpuFaultKind: Lost NeedsReset Driver Refused);
same_words!(devices::GpuWork => wire::GpuWork: Compute Graphics Both);
same_words!(devices::DriverFaultKind => wire::DriverFaultKind:
    Absent NoLibrary NotLoaded Mismatch NoPermission Silent Failing);

/// Whose programs are the user's own.
fn own_user() -> u32 {
    rustix::process::getuid().as_raw()
}

impl<T> From<devices::Reading<T>> for wire::Reading<T> {
    fn from(reading: devices::Reading<T>) -> Self {
        match reading {
            devices::Reading::Value(value) => Self::Value { value },
            devices::Reading::Unsupported => Self::Unsupported {},
            devices::Reading::Failed(message) => Self::Failed { message },
        }
    }
}

impl From<devices::GpuProcess> for wire::GpuProcess {
    fn from(process: devices::GpuProcess) -> Self {
        let about = process.about.as_deref();
        Self {
            pid: process.pid,
            memory: process.memory.into(),
            utilisation: process.utilisation.into(),
            work: process.work.into(),
            owner: about.map(|about| about.owner.clone()),
            own: about.is_some_and(|about| about.user_id == own_user()),
            name: about.map(|about| about.name.clone()),
            command: about.map(|about| about.command.clone()),
            started_at: about.map(|about| about.started_at),
            experiment: None,
        }
    }
}

impl From<devices::Mig> for wire::Mig {
    fn from(mig: devices::Mig) -> Self {
        match mig {
            devices::Mig::Off => Self::Off {},
            devices::Mig::Divided { instances } => Self::Divided { instances },
            devices::Mig::Instance { parent, number } => Self::Instance { parent, number },
        }
    }
}

fn gpu(gpu: devices::Gpu, with_processes: bool) -> wire::Gpu {
    wire::Gpu {
        index: gpu.index,
        uuid: gpu.uuid,
        name: gpu.name,
        vendor: gpu.vendor.into(),
        pci: gpu.pci,
        fault: gpu.fault.map(|fault| wire::GpuFault {
            kind: fault.kind.into(),
            message: fault.message,
            next_step: fault.next_step,
        }),
        mig: gpu.mig.into(),
        utilisation: gpu.utilisation.into(),
        memory_utilisation: gpu.memory_utilisation.into(),
        memory_used: gpu.memory_used.into(),
        memory_total: gpu.memory_total.into(),
        temperature: gpu.temperature.into(),
        fan: gpu.fan.into(),
        clock: gpu.clock.into(),
        memory_clock: gpu.memory_clock.into(),
        power: gpu.power.into(),
        power_limit: gpu.power_limit.into(),
        energy: gpu.energy.into(),
        idle_memory: None,
        processes: with_processes
            .then(|| gpu.processes.map(|all| all.into_iter().map(Into::into).collect()).into()),
    }
}

impl From<devices::Driver> for wire::Driver {
    fn from(driver: devices::Driver) -> Self {
        Self {
            vendor: driver.vendor.into(),
            version: driver.version,
            cuda: driver.cuda,
            fault: driver.fault.map(|fault| wire::DriverFault {
                kind: fault.kind.into(),
                message: fault.message,
                next_step: fault.next_step,
            }),
        }
    }
}

impl From<&devices::Disk> for wire::Disk {
    fn from(disk: &devices::Disk) -> Self {
        Self {
            label: disk.label.clone(),
            holds: disk.holds.clone(),
            path: disk.path.display().to_string(),
            mount: disk.mount.as_ref().map(|mount| mount.display().to_string()),
            file_system: disk.file_system.clone(),
            free: disk.free.clone().into(),
            total: disk.total.clone().into(),
        }
    }
}

impl From<devices::HostFacts> for wire::HostFacts {
    fn from(facts: devices::HostFacts) -> Self {
        Self {
            name: facts.name,
            system: facts.system,
            kernel: facts.kernel,
            cpu: facts.cpu,
            booted_at: facts.booted_at,
        }
    }
}

/// A sample with the machine's name; without processes if it is one of the past.
pub(crate) fn sample(sample: &devices::Sample, host: &str, newest: bool) -> wire::DeviceSample {
    wire::DeviceSample {
        at: sample.at,
        pace_ms: sample.pace_ms,
        host: host.to_owned(),
        cpu: sample.cpu.clone().into(),
        per_core: sample.per_core.clone().into(),
        cores: sample.cores,
        load: sample
            .load
            .part(|load| wire::Load { one: load.one, five: load.five, fifteen: load.fifteen })
            .into(),
        memory_used: sample.memory_used.clone().into(),
        memory_total: sample.memory_total.clone().into(),
        swap_used: sample.swap_used.clone().into(),
        swap_total: sample.swap_total.clone().into(),
        disks: sample.disks.iter().map(Into::into).collect(),
        network: sample
            .network
            .iter()
            .map(|interface| wire::Interface {
                name: interface.name.clone(),
                received: interface.received.clone().into(),
                sent: interface.sent.clone().into(),
            })
            .collect(),
        temperatures: sample
            .temperatures
            .iter()
            .map(|temperature| wire::Temperature {
                label: temperature.label.clone(),
                value: temperature.value.clone().into(),
                critical: temperature.critical,
            })
            .collect(),
        gpus: wire::Gpus {
            list: sample.gpus.list.iter().cloned().map(|it| gpu(it, newest)).collect(),
            drivers: sample.gpus.drivers.iter().cloned().map(Into::into).collect(),
        },
    }
}
