//! What of a sample is recorded. What a device does not report, or could not read, is no reading and leaves a gap.

use std::collections::HashMap;

use athanor_core::history::Metric;

use super::Name;
use crate::devices::{Gpu, Reading, Sample};

#[allow(clippy::cast_precision_loss, reason = "seven digits are kept")]
fn bytes(reading: &Reading<u64>) -> Option<f64> {
    reading.value().map(|bytes| *bytes as f64)
}

fn whole(reading: &Reading<u32>) -> Option<f64> {
    reading.value().copied().map(f64::from)
}

fn of_gpu(gpu: &Gpu) -> [(Metric, Option<f64>); 8] {
    [
        (Metric::GpuUtilisation, whole(&gpu.utilisation)),
        (Metric::GpuMemory, bytes(&gpu.memory_used)),
        (Metric::GpuPower, gpu.power.value().copied()),
        (Metric::GpuTemperature, whole(&gpu.temperature)),
        (Metric::GpuFan, whole(&gpu.fan)),
        (Metric::GpuClock, whole(&gpu.clock)),
        (Metric::GpuMemoryClock, whole(&gpu.memory_clock)),
        (Metric::GpuMemoryUtilisation, whole(&gpu.memory_utilisation)),
    ]
}

/// Metric, subject and value of each reading.
pub(super) fn readings(sample: &Sample) -> Vec<(Metric, String, f64)> {
    let mut all = Vec::new();
    for gpu in sample.gpus.list.iter().filter(|gpu| !gpu.uuid.is_empty()) {
        let known =
            of_gpu(gpu).into_iter().filter_map(|(metric, value)| Some((metric, gpu.uuid.clone(), value?)));
        all.extend(known);
    }
    for disk in sample.disks.iter() {
        if let Some(free) = bytes(&disk.free) {
            all.push((Metric::DiskFree, disk.label.clone(), free));
        }
    }
    // The sum of what is known: an interface that is gone has no traffic.
    let sum = |of: fn(&crate::devices::Interface) -> &Reading<f64>| {
        sample.network.iter().filter_map(|interface| of(interface).value().copied()).reduce(|a, b| a + b)
    };
    let host = [
        (Metric::Cpu, sample.cpu.value().copied()),
        (Metric::Memory, bytes(&sample.memory_used)),
        (Metric::Swap, bytes(&sample.swap_used)),
        (Metric::NetworkIn, sum(|interface| &interface.received)),
        (Metric::NetworkOut, sum(|interface| &interface.sent)),
    ];
    all.extend(host.into_iter().filter_map(|(metric, value)| Some((metric, String::new(), value?))));
    all
}

/// What the subjects of a sample are called.
pub(super) fn names(sample: &Sample, names: &mut HashMap<String, Name>) {
    for gpu in &sample.gpus.list {
        if names.get(&gpu.uuid).is_none_or(|(title, index)| *title != gpu.name || *index != gpu.index) {
            names.insert(gpu.uuid.clone(), (gpu.name.clone(), gpu.index));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::{Disk, Interface, Vendor};

    #[test]
    fn only_what_was_read_is_recorded() {
        let mut gpu = Gpu::unread(Vendor::Nvidia, 0);
        gpu.uuid = "GPU-a".into();
        gpu.utilisation = Reading::Value(37);
        gpu.power = Reading::Failed("the driver refused".into());
        let disk = |label: &str, free| Disk {
            label: label.into(),
            holds: Vec::new(),
            path: "/".into(),
            mount: None,
            file_system: None,
            free,
            total: Reading::Value(10),
        };
        let interface = |received| Interface { name: "eth0".into(), received, sent: Reading::Unsupported };
        let sample = Sample {
            cpu: Reading::Value(12.5),
            memory_used: Reading::Unsupported,
            disks: vec![disk("Data folder", Reading::Value(5)), disk("/far", Reading::Failed("gone".into()))]
                .into(),
            network: vec![
                interface(Reading::Value(3.0)),
                interface(Reading::Value(4.0)),
                interface(Reading::Unsupported),
            ],
            gpus: crate::devices::Gpus { list: vec![gpu], drivers: Vec::new() },
            ..Sample::unread(0)
        };
        assert_eq!(
            readings(&sample),
            [
                (Metric::GpuUtilisation, "GPU-a".to_owned(), 37.0),
                (Metric::DiskFree, "Data folder".to_owned(), 5.0),
                (Metric::Cpu, String::new(), 12.5),
                (Metric::NetworkIn, String::new(), 7.0),
            ]
        );
    }
}
