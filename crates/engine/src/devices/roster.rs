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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::devices::sample::{DriverFaultKind, Mig};

    fn gpu(index: u32, name: u32) -> Gpu {
        Gpu {
            uuid: format!("GPU-{name}"),
            memory_total: Reading::Value(u64::from(name) + 1),
            processes: Reading::Value(Vec::new()),
            ..Gpu::unread(Vendor::Nvidia, index)
        }
    }

    fn list(names: &[u32]) -> Vec<Gpu> {
        (0..).zip(names).map(|(index, name)| gpu(index, *name)).collect()
    }

    fn shown(gpus: &[Gpu]) -> Vec<(u32, &str, bool)> {
        gpus.iter().map(|gpu| (gpu.index, gpu.uuid.as_str(), gpu.fault.is_none())).collect()
    }

    #[test]
    fn one_that_is_missing_keeps_its_place_and_the_others_their_numbers() {
        let mut roster = Roster::default();
        roster.seen(list(&[0, 1, 2]), true);
        let now = roster.seen(list(&[0, 2]), true);
        assert_eq!(shown(&now), [(0, "GPU-0", true), (1, "GPU-1", false), (2, "GPU-2", true)]);
        // A new one takes no number that is taken.
        let now = roster.seen(list(&[0, 9, 2]), true);
        assert_eq!(
            shown(&now),
            [(0, "GPU-0", true), (1, "GPU-1", false), (2, "GPU-2", true), (3, "GPU-9", true)]
        );
        let now = roster.seen(list(&[0, 1, 2]), true);
        assert_eq!(shown(&now)[..3], [(0, "GPU-0", true), (1, "GPU-1", true), (2, "GPU-2", true)]);
    }

    #[test]
    fn one_that_cant_be_opened_is_the_one_that_it_was() {
        let fault = GpuFault { kind: GpuFaultKind::Lost, message: "gone".into(), next_step: String::new() };
        let lost = |index| Gpu::unread(Vendor::Nvidia, index).with_fault(&fault);
        let mut roster = Roster::default();
        let now = roster.seen(vec![lost(0)], true);
        assert_eq!(shown(&now), [(0, "unknown-gpu-0", false)], "it could never be asked who it is");
        let now = roster.seen(list(&[7]), true);
        assert_eq!(shown(&now), [(0, "GPU-7", true)], "it has said so");
        let now = roster.seen(vec![lost(0)], true);
        assert_eq!(shown(&now), [(0, "GPU-7", false)]);
        assert_eq!(now[0].memory_total, Reading::Value(8));
    }

    #[test]
    fn instances_go_without_a_trace_and_a_driver_takes_none_with_it() {
        let mut whole = gpu(0, 0);
        whole.mig = Mig::Divided { instances: 1 };
        let part = Gpu { mig: Mig::Instance { parent: "GPU-0".into(), number: 0 }, ..gpu(0, 50) };
        let mut roster = Roster::default();
        roster.seen(vec![whole, part], true);
        let fault =
            DriverFault { kind: DriverFaultKind::Mismatch, message: "Updated.".into(), next_step: None };
        assert_eq!(shown(&roster.unseen(&fault)), [(0, "GPU-0", false)]);
        assert_eq!(shown(&roster.seen(list(&[0]), true)), [(0, "GPU-0", true)]);
    }

    proptest! {
        /// Whatever the driver lists over time: nobody is shown twice, nobody is forgotten, nobody shares a number, and
        /// everybody keeps it.
        #[test]
        fn everybody_is_shown_once_under_one_number(
            looks in prop::collection::vec(prop::collection::vec(0u32..6, 0..6), 1..8)
        ) {
            let mut roster = Roster::default();
            let mut known: HashMap<String, u32> = HashMap::new();
            for mut names in looks {
                names.sort_unstable();
                names.dedup();
                let now = roster.seen(list(&names), true);
                let mut numbers: Vec<u32> = now.iter().map(|gpu| gpu.index).collect();
                numbers.dedup();
                prop_assert_eq!(numbers.len(), now.len(), "numbers are unique: {:?}", shown(&now));
                for gpu in &now {
                    let listed = names.iter().any(|name| gpu.uuid == format!("GPU-{name}"));
                    prop_assert_eq!(gpu.fault.is_none(), listed);
                }
                prop_assert_eq!(now.len(), now.iter().map(|gpu| &gpu.uuid).collect::<std::collections::HashSet<_>>().len());
                for (uuid, number) in &known {
                    let still = now.iter().find(|gpu| gpu.uuid == *uuid);
                    prop_assert!(still.is_some(), "{} is forgotten", uuid);
                    let missing = now.iter().any(|gpu| gpu.fault.is_some());
                    prop_assert!(!missing || still.is_some_and(|gpu| gpu.index == *number));
                }
                known = now.iter().map(|gpu| (gpu.uuid.clone(), gpu.index)).collect();
            }
        }
    }
}
