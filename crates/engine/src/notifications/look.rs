//! What a sample says of the machine's trouble, in the form that the rules take.

use athanor_core::notification::machine::{DiskLook, GpuLook, Look, Standing};

use crate::devices::{DriverFaultKind, Gpu, GpuFaultKind, Reading, Sample};

/// A sample, taken at `at` (milliseconds of a clock that does not step).
pub(super) fn look_of(sample: &Sample, at: i64) -> Look {
    let broken = sample
        .gpus
        .drivers
        .iter()
        .filter_map(|driver| driver.fault.as_ref())
        // Where none is installed, none has broken.
        .find(|fault| fault.kind != DriverFaultKind::Absent)
        .map(|fault| fault.words());
    // Instances of a divided GPU come and go as the user divides it.
    let gpus = sample.gpus.list.iter().filter(|gpu| gpu.is_whole()).map(gpu).collect();
    let disks = sample
        .disks
        .iter()
        .filter_map(|disk| match disk.free {
            Reading::Value(free) => {
                Some(DiskLook { label: disk.label.clone(), path: disk.path.display().to_string(), free })
            }
            Reading::Unsupported | Reading::Failed(_) => None,
        })
        .collect();
    Look { at, gpus: Some(gpus), broken, disks }
}

fn gpu(gpu: &Gpu) -> GpuLook {
    GpuLook {
        uuid: gpu.uuid.clone(),
        label: format!("GPU {} ({})", gpu.index, gpu.name),
        temperature: gpu.temperature.value().copied(),
        standing: match &gpu.fault {
            None => Standing::Well,
            Some(fault) if fault.kind == GpuFaultKind::Driver => Standing::Unknown,
            Some(fault) => Standing::Lost(format!("{} {}", fault.message, fault.next_step)),
        },
    }
}
