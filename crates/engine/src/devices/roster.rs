//! Which GPUs there are, over time: one that is lost stays in the list, and one that is not asked closely keeps what was
//! last known of its processes.

use std::collections::HashMap;

use super::sample::{Driver, DriverFault, Gpu, GpuFault, GpuFaultKind, GpuProcess, Reading, Vendor};

/// Begins the id of a GPU that could never be asked for its own.
const UNKNOWN: &str = "unknown-gpu-";

/// The GPUs of one vendor.
#[derive(Debug, Default)]
pub(super) struct Roster {
    /// As last shown.
    known: Vec<Gpu>,
}

impl Roster {
    /// The list after the driver has answered.
    ///
    /// - What can't be opened is told by its index: it keeps the identity that it had.
    /// - What was there and is listed no more stays, as lost. Instances go without a trace: they are made and removed at
    ///   will.
    /// - While one is missing the driver may number the others anew; they keep the numbers that they are known by.
    /// - Without `closely` the driver was not asked for processes: those last known are kept.
    pub(super) fn seen(&mut self, mut seen: Vec<Gpu>, closely: bool) -> Vec<Gpu> {
        for gpu in &mut seen {
            self.recognise(gpu);
        }
        let missing: Vec<Gpu> = self
            .known
            .iter()
            .filter(|known| known.is_whole() && !known.uuid.starts_with(UNKNOWN))
            .filter(|known| !seen.iter().any(|gpu| gpu.uuid == known.uuid))
            .map(|known| known.clone().with_fault(&gone()))
            .collect();
        if !missing.is_empty() {
            self.keep_numbers(&mut seen, &missing);
            seen.extend(missing);
        }
        // Instances follow the GPU that they are part of.
        seen.sort_by_key(|gpu| gpu.index);
        if !closely {
            let mut processes: HashMap<&str, &Reading<Vec<GpuProcess>>> = HashMap::new();
            processes.extend(self.known.iter().map(|gpu| (gpu.uuid.as_str(), &gpu.processes)));
            for gpu in seen.iter_mut().filter(|gpu| gpu.fault.is_none()) {
                if let Some(last) = processes.get(gpu.uuid.as_str()) {
                    gpu.processes = (*last).clone();
                }
            }
        }
        self.known.clone_from(&seen);
        seen
    }

    /// The list while the driver does not work: what was known, with its fault in the place of the readings.
    pub(super) fn unseen(&self, fault: &DriverFault) -> Vec<Gpu> {
        let fault = GpuFault {
            kind: GpuFaultKind::Driver,
            message: fault.message.clone(),
            next_step: fault.next_step.clone().unwrap_or_default(),
        };
        let known = self.known.iter().filter(|gpu| gpu.is_whole());
        known.map(|gpu| gpu.clone().with_fault(&fault)).collect()
    }

    /// The list as it was.
    pub(super) fn last(&self) -> &[Gpu] {
        &self.known
    }

    /// Gives one that can't be opened the identity that it had.
    fn recognise(&self, gpu: &mut Gpu) {
        if gpu.uuid.is_empty() {
            match self.known.iter().find(|known| known.index == gpu.index && known.is_whole()) {
                Some(known) => {
                    gpu.uuid.clone_from(&known.uuid);
                    gpu.name.clone_from(&known.name);
                    gpu.pci.clone_from(&known.pci);
                    gpu.memory_total = known.memory_total.clone();
                }
                None => gpu.uuid = format!("{UNKNOWN}{}", gpu.index),
            }
        } else if gpu.fault.is_some()
            && gpu.memory_total.value().is_none()
            && let Some(known) = self.known.iter().find(|known| known.uuid == gpu.uuid)
        {
            gpu.memory_total = known.memory_total.clone();
        }
    }

    fn keep_numbers(&self, seen: &mut [Gpu], missing: &[Gpu]) {
        let numbers: HashMap<&str, u32> = self
            .known
            .iter()
            .filter(|gpu| gpu.is_whole())
            .map(|gpu| (gpu.uuid.as_str(), gpu.index))
            .collect();
        let mut taken: Vec<u32> = missing.iter().map(|gpu| gpu.index).collect();
        let mut renumbered: HashMap<u32, u32> = HashMap::new();
        for gpu in seen.iter().filter(|gpu| gpu.is_whole()) {
            if let Some(number) = numbers.get(gpu.uuid.as_str()) {
                taken.push(*number);
                renumbered.insert(gpu.index, *number);
            }
        }
        for gpu in seen.iter_mut() {
            let number = *renumbered.entry(gpu.index).or_insert_with(|| {
                let free = (gpu.index..).find(|number| !taken.contains(number)).unwrap_or(gpu.index);
                taken.push(free);
                free
            });
            gpu.index = number;
        }
    }
}

fn gone() -> GpuFault {
    GpuFault {
        kind: GpuFaultKind::Lost,
        message: "The driver lists this GPU no more: it was removed, or has fallen off the bus.".into(),
        next_step: "Look for “Xid” in “sudo dmesg”. It is usually back after a restart of the machine."
            .into(),
    }
}

/// The fault of a driver that has not answered for a while.
pub(super) fn silent(vendor: Vendor, version: Option<String>) -> Driver {
    let (name, tool) = match vendor {
        Vendor::Nvidia => ("NVIDIA", "“nvidia-smi”"),
        Vendor::Amd => ("AMD", "“rocm-smi”"),
    };
    let fault = DriverFault {
        kind: super::sample::DriverFaultKind::Silent,
        message: format!(
            "The {name} driver has not answered for a while; what it last said may be out of date."
        ),
        next_step: Some(format!(
            "It is shown again as soon as it answers. If {tool} hangs, too, save your work and restart the machine."
        )),
    };
    Driver { vendor, version, cuda: None, fault: Some(fault) }
}
