//! What a job asks for, checked by itself and against a machine.
//!
//! Placement reads these; the store and the wire keep them as they are. Whether there is room *now* is not asked
//! here: that is `placement`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::placement::{GpuState, Machine};
use crate::text;

/// What a job asks for. Nothing asked is `None`, 0 or empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Requirements {
    /// CPU cores.
    pub cpu_cores: Option<u32>,
    /// Bytes of host memory.
    pub memory: Option<u64>,
    /// Bytes free on the working directory's file system when the job starts.
    pub disk: Option<u64>,
    /// How many GPUs.
    pub gpus: u32,
    /// Bytes free on each of them.
    pub gpu_memory: Option<u64>,
    /// A part of the GPUs' model name, in any case.
    pub gpu_model: Option<String>,
    /// Only these GPUs: each a uuid, or a beginning of one that no other GPU shares.
    pub gpu_uuids: Vec<String>,
    /// Whether its GPUs are its own; `None`: they are unless `gpu_memory` is given.
    pub gpu_exclusive: Option<bool>,
    /// Estimated run time in milliseconds.
    pub estimated_ms: Option<u64>,
}

/// A requirement that makes no sense, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The field of [`Requirements`].
    pub field: &'static str,
    /// A sentence for the user.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

/// The most cores, GPUs or uuids that a job may ask for.
pub const MOST: u32 = 4096;
/// The largest size that a job may ask for, in bytes: 1 PiB.
pub const LARGEST: u64 = 1 << 50;
/// The longest run time that may be estimated, in milliseconds: ten years of 365 days.
pub const LONGEST_MS: u64 = 10 * 365 * 24 * 3_600_000;

impl Requirements {
    /// Whether any resource is stated. A job that states none takes one slot, the stand-in for needs that nobody
    /// wrote down; one that states some is packed by what it states and takes no slot. An estimated run time is
    /// no resource.
    #[must_use]
    pub fn declared(&self) -> bool {
        self.cpu_cores.is_some() || self.memory.is_some() || self.disk.is_some() || self.gpus > 0
    }

    /// Whether nobody else may use its GPUs.
    #[must_use]
    pub fn exclusive(&self) -> bool {
        self.gpu_exclusive.unwrap_or(self.gpu_memory.is_none())
    }

    /// Checks the numbers by themselves.
    ///
    /// # Errors
    /// The first field that is absurd or contradicts another.
    pub fn validate(&self) -> Result<(), Fault> {
        let fault = |field, message: String| Err(Fault { field, message });
        for (field, what, count) in
            [("cpu_cores", "CPU cores", self.cpu_cores), ("gpus", "GPUs", Some(self.gpus))]
        {
            match count {
                Some(0) if field == "cpu_cores" => {
                    return fault(
                        field,
                        "Asks for 0 CPU cores: give at least 1, or leave it out to ask for none".into(),
                    );
                }
                Some(count) if count > MOST => {
                    return fault(field, format!("Asks for {count} {what}: {MOST} is the most"));
                }
                _ => {}
            }
        }
        for (field, what, size) in [
            ("memory", "memory", self.memory),
            ("disk", "disk", self.disk),
            ("gpu_memory", "memory on each GPU", self.gpu_memory),
        ] {
            match size {
                Some(0) => {
                    return fault(
                        field,
                        format!("Asks for 0 bytes of {what}: give a size, or leave it out to ask for none"),
                    );
                }
                Some(size) if size > LARGEST => {
                    return fault(
                        field,
                        format!(
                            "Asks for {} of {what}: {} is the most",
                            text::bytes(size),
                            text::bytes(LARGEST)
                        ),
                    );
                }
                _ => {}
            }
        }
        match self.estimated_ms {
            Some(0) => {
                return fault(
                    "estimated_ms",
                    "Estimates a run time of 0: give a time, or leave it out if it is not known".into(),
                );
            }
            Some(ms) if ms > LONGEST_MS => {
                return fault(
                    "estimated_ms",
                    "Estimates a run time of more than 10 years: leave it out if it is not known".into(),
                );
            }
            _ => {}
        }
        self.validate_gpus()
    }

    fn validate_gpus(&self) -> Result<(), Fault> {
        let fault = |field, message: String| Err(Fault { field, message });
        if self.gpus == 0 {
            for (field, what, given) in [
                ("gpu_memory", "GPU memory", self.gpu_memory.is_some()),
                ("gpu_model", "a GPU model", self.gpu_model.is_some()),
                ("gpu_uuids", "certain GPUs", !self.gpu_uuids.is_empty()),
                ("gpu_exclusive", "exclusive or shared GPUs", self.gpu_exclusive.is_some()),
            ] {
                if given {
                    return fault(
                        field,
                        format!("Asks for {what} but for no GPU: say how many GPUs it needs"),
                    );
                }
            }
        }
        if self.gpu_model.as_ref().is_some_and(|model| model.trim().is_empty()) {
            return fault(
                "gpu_model",
                "The GPU model is empty: give a part of its name, such as 4090".into(),
            );
        }
        if self.gpu_uuids.len() > MOST as usize {
            return fault("gpu_uuids", format!("Names {} GPUs: {MOST} is the most", self.gpu_uuids.len()));
        }
        for (at, uuid) in self.gpu_uuids.iter().enumerate() {
            if uuid.trim().is_empty() {
                return fault("gpu_uuids", "The uuid of a GPU is empty: “nvidia-smi -L” lists them".into());
            }
            if self.gpu_uuids[..at].iter().any(|other| other.eq_ignore_ascii_case(uuid)) {
                return fault("gpu_uuids", format!("Names the GPU “{uuid}” twice: name each once"));
            }
        }
        if !self.gpu_uuids.is_empty() && self.gpus as usize > self.gpu_uuids.len() {
            return fault(
                "gpu_uuids",
                format!(
                    "Asks for {} but names only {}: name as many or more, or ask for fewer",
                    gpus(self.gpus),
                    self.gpu_uuids.len()
                ),
            );
        }
        Ok(())
    }

    /// Why no state of this machine could ever meet these requirements, as a sentence that names what there is;
    /// `None` if some state could. A GPU that is broken or blocked counts as there: it may come back. So does any
    /// amount of free disk.
    #[must_use]
    pub fn impossible(&self, machine: &Machine) -> Option<String> {
        if let Some(cores) = self.cpu_cores.filter(|cores| *cores > machine.cpu_cores) {
            let unit = if cores == 1 { "CPU core" } else { "CPU cores" };
            return Some(format!("Asks for {cores} {unit}, and this machine has {}", machine.cpu_cores));
        }
        if let Some(memory) = self.memory.filter(|memory| *memory > machine.memory_total) {
            return Some(format!(
                "Asks for {} of memory, and this machine has {}",
                text::bytes(memory),
                text::bytes(machine.memory_total)
            ));
        }
        if self.gpus == 0 {
            return None;
        }
        let asked = gpus(self.gpus);
        if machine.gpus.is_empty() {
            let why = machine.gpu_fault.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
            return Some(format!("Asks for {asked}, and this machine has none{why}"));
        }
        if (self.gpus as usize) > machine.gpus.len() {
            return Some(format!("Asks for {asked}, and this machine has {}", machine.gpus.len()));
        }
        let mut matching = Vec::new();
        self.mark_matching(&machine.gpus, &mut matching);
        let fitting = |at: &usize| {
            matching[*at] && self.gpu_memory.is_none_or(|memory| machine.gpus[*at].memory_total >= memory)
        };
        if (0..machine.gpus.len()).filter(fitting).count() >= self.gpus as usize {
            return None;
        }
        Some(self.missing_gpus(&machine.gpus))
    }

    /// The sentence for GPUs of which there are enough, but not enough that are meant or large enough.
    fn missing_gpus(&self, all: &[GpuState]) -> String {
        let wanted = self.gpus as usize;
        let mut named = Vec::new();
        self.mark_named(all, &mut named);
        if named.iter().filter(|named| **named).count() < wanted {
            for pin in &self.gpu_uuids {
                match all.iter().filter(|gpu| begins(&gpu.uuid, pin)).count() {
                    0 => return format!("Asks for the GPU “{pin}”, which this machine does not have"),
                    1 => {}
                    _ if resolve(all, pin).is_some() => {}
                    count => {
                        return format!(
                            "Asks for the GPU “{pin}”, with which the uuids of {count} GPUs begin: give more of it"
                        );
                    }
                }
            }
            return format!("Asks for {}, and names fewer different ones", gpus(self.gpus));
        }
        let mut matching = Vec::new();
        self.mark_matching(all, &mut matching);
        let count = matching.iter().filter(|matches| **matches).count();
        let among =
            if self.gpu_uuids.is_empty() { "this machine has" } else { "among those it names there is" };
        let have = |count: usize| if count == 0 { "none".to_owned() } else { count.to_string() };
        match &self.gpu_model {
            Some(model) if count < wanted => {
                let mut models: Vec<&str> = all.iter().map(|gpu| gpu.model.as_str()).collect();
                models.dedup();
                format!(
                    "Asks for {} with “{model}” in the name, and {among} {} (there is: {})",
                    gpus(self.gpus),
                    have(count),
                    models.join(", ")
                )
            }
            _ => {
                let memory = self.gpu_memory.unwrap_or_default();
                let sizes = || {
                    all.iter()
                        .zip(&matching)
                        .filter(|(_, matches)| **matches)
                        .map(|(gpu, _)| gpu.memory_total)
                };
                format!(
                    "Asks for {} with {}, and {among} {} (the largest has {})",
                    gpus(self.gpus),
                    text::bytes(memory),
                    have(sizes().filter(|size| *size >= memory).count()),
                    text::bytes(sizes().max().unwrap_or_default())
                )
            }
        }
    }

    /// Writes into `marks`, for each GPU, whether its uuid and model are what is asked for.
    pub(crate) fn mark_matching(&self, all: &[GpuState], marks: &mut Vec<bool>) {
        self.mark_named(all, marks);
        if let Some(model) = &self.gpu_model {
            for (mark, gpu) in marks.iter_mut().zip(all) {
                *mark = *mark && contains(&gpu.model, model.trim());
            }
        }
    }

    fn mark_named(&self, all: &[GpuState], marks: &mut Vec<bool>) {
        marks.clear();
        marks.resize(all.len(), self.gpu_uuids.is_empty());
        for at in self.gpu_uuids.iter().filter_map(|pin| resolve(all, pin)) {
            marks[at] = true;
        }
    }
}

/// The one GPU that is meant by a uuid or the beginning of one.
fn resolve(all: &[GpuState], pin: &str) -> Option<usize> {
    if let Some(exact) = all.iter().position(|gpu| gpu.uuid.eq_ignore_ascii_case(pin.trim())) {
        return Some(exact);
    }
    let mut found = all.iter().enumerate().filter(|(_, gpu)| begins(&gpu.uuid, pin)).map(|(at, _)| at);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// Whether a uuid begins with `pin`, in any case, with or without the driver's `GPU-` in front.
fn begins(uuid: &str, pin: &str) -> bool {
    let pin = pin.trim();
    let starts = |uuid: &str| uuid.get(..pin.len()).is_some_and(|head| head.eq_ignore_ascii_case(pin));
    !pin.is_empty() && (starts(uuid) || uuid.strip_prefix("GPU-").is_some_and(starts))
}

/// Whether `name` contains `part`, in any case. Model names are ASCII.
fn contains(name: &str, part: &str) -> bool {
    part.is_empty()
        || name.as_bytes().windows(part.len()).any(|run| run.eq_ignore_ascii_case(part.as_bytes()))
}

/// `a GPU`, `2 GPUs`.
pub(crate) fn gpus(count: u32) -> String {
    if count == 1 { "a GPU".into() } else { format!("{count} GPUs") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn machine() -> Machine {
        let gpu = |index: u32, uuid: &str, model: &str, size: u64| GpuState {
            uuid: uuid.into(),
            index,
            model: model.into(),
            memory_total: size * GIB,
            ..GpuState::default()
        };
        Machine {
            cpu_cores: 16,
            memory_total: 64 * GIB,
            gpus: vec![
                gpu(0, "GPU-7e3a11", "NVIDIA GeForce RTX 4090", 24),
                gpu(1, "GPU-7e3b22", "NVIDIA A100-SXM4-80GB", 80),
            ],
            ..Machine::default()
        }
    }

    fn one_gpu() -> Requirements {
        Requirements { gpus: 1, ..Requirements::default() }
    }

    fn named(count: u32, uuids: &[&str]) -> Requirements {
        let gpu_uuids = uuids.iter().map(ToString::to_string).collect();
        Requirements { gpus: count, gpu_uuids, ..Requirements::default() }
    }

    #[test]
    fn a_run_time_is_no_resource() {
        assert!(!Requirements { estimated_ms: Some(1), ..Requirements::default() }.declared());
        for stated in [
            Requirements { cpu_cores: Some(1), ..Requirements::default() },
            Requirements { memory: Some(1), ..Requirements::default() },
            Requirements { disk: Some(1), ..Requirements::default() },
            one_gpu(),
        ] {
            assert!(stated.declared(), "{stated:?}");
        }
    }

    #[test]
    fn gpus_are_its_own_unless_it_says_how_much_it_needs() {
        for (memory, asked, exclusive) in [
            (None, None, true),
            (Some(1), None, false),
            (None, Some(false), false),
            (Some(1), Some(true), true),
        ] {
            let requirements = Requirements { gpu_memory: memory, gpu_exclusive: asked, ..one_gpu() };
            assert_eq!(requirements.exclusive(), exclusive, "{requirements:?}");
        }
    }

    #[test]
    fn absurd_and_contradictory_numbers_are_refused() {
        let none = Requirements::default;
        for (field, requirements) in [
            ("cpu_cores", Requirements { cpu_cores: Some(0), ..none() }),
            ("cpu_cores", Requirements { cpu_cores: Some(4097), ..none() }),
            ("memory", Requirements { memory: Some(0), ..none() }),
            ("memory", Requirements { memory: Some(LARGEST + 1), ..none() }),
            ("disk", Requirements { disk: Some(0), ..none() }),
            ("gpus", Requirements { gpus: 4097, ..none() }),
            ("gpu_memory", Requirements { gpu_memory: Some(GIB), ..none() }),
            ("gpu_memory", Requirements { gpu_memory: Some(0), ..one_gpu() }),
            ("gpu_model", Requirements { gpu_model: Some("A100".into()), ..none() }),
            ("gpu_model", Requirements { gpu_model: Some(" ".into()), ..one_gpu() }),
            ("gpu_uuids", named(0, &["GPU-1"])),
            ("gpu_uuids", named(2, &["GPU-1"])),
            ("gpu_uuids", named(2, &["GPU-1", "gpu-1"])),
            ("gpu_uuids", named(1, &["", "GPU-1"])),
            ("gpu_exclusive", Requirements { gpu_exclusive: Some(true), ..none() }),
            ("estimated_ms", Requirements { estimated_ms: Some(0), ..none() }),
            ("estimated_ms", Requirements { estimated_ms: Some(LONGEST_MS + 1), ..none() }),
        ] {
            let fault = requirements.validate().expect_err(&format!("{requirements:?}"));
            assert_eq!(fault.field, field, "{fault}");
        }
        for fine in [
            none(),
            named(1, &["GPU-1", "GPU-2"]),
            Requirements {
                cpu_cores: Some(4096),
                memory: Some(LARGEST),
                gpu_memory: Some(GIB),
                gpu_exclusive: Some(true),
                estimated_ms: Some(LONGEST_MS),
                ..one_gpu()
            },
        ] {
            assert_eq!(fine.validate(), Ok(()), "{fine:?}");
        }
    }

    #[test]
    fn the_impossible_is_told_with_what_there_is() {
        let none = Requirements::default;
        let memory = |gpus: u32, gib: u64| Requirements { gpus, gpu_memory: Some(gib * GIB), ..none() };
        let model = |gpus: u32, model: &str| Requirements { gpus, gpu_model: Some(model.into()), ..none() };
        for (requirements, sentence) in [
            (
                Requirements { cpu_cores: Some(32), ..none() },
                "Asks for 32 CPU cores, and this machine has 16",
            ),
            (
                Requirements { memory: Some(128 * GIB), ..none() },
                "Asks for 128 GiB of memory, and this machine has 64.0 GiB",
            ),
            (Requirements { gpus: 4, ..none() }, "Asks for 4 GPUs, and this machine has 2"),
            (
                memory(2, 40),
                "Asks for 2 GPUs with 40.0 GiB, and this machine has 1 (the largest has 80.0 GiB)",
            ),
            (
                memory(1, 96),
                "Asks for a GPU with 96.0 GiB, and this machine has none (the largest has 80.0 GiB)",
            ),
            (
                model(1, "H100"),
                "Asks for a GPU with “H100” in the name, and this machine has none \
                 (there is: NVIDIA GeForce RTX 4090, NVIDIA A100-SXM4-80GB)",
            ),
            (
                model(2, "4090"),
                "Asks for 2 GPUs with “4090” in the name, and this machine has 1 \
                 (there is: NVIDIA GeForce RTX 4090, NVIDIA A100-SXM4-80GB)",
            ),
            (named(1, &["GPU-99"]), "Asks for the GPU “GPU-99”, which this machine does not have"),
            (
                named(1, &["GPU-7e3"]),
                "Asks for the GPU “GPU-7e3”, with which the uuids of 2 GPUs begin: give more of it",
            ),
            (named(2, &["7e3a", "GPU-7e3a11"]), "Asks for 2 GPUs, and names fewer different ones"),
        ] {
            assert_eq!(requirements.impossible(&machine()).as_deref(), Some(sentence));
        }
        for possible in [
            none(),
            Requirements { disk: Some(LARGEST), ..none() },
            named(1, &["7E3A"]),
            named(1, &["GPU-7e3b22", "GPU-gone"]),
            Requirements { gpu_model: Some("a100".into()), ..memory(1, 80) },
        ] {
            assert_eq!(possible.impossible(&machine()), None, "{possible:?}");
        }
    }

    #[test]
    fn a_machine_without_gpus_says_why() {
        let mut machine = Machine { gpus: Vec::new(), ..machine() };
        assert_eq!(
            one_gpu().impossible(&machine).as_deref(),
            Some("Asks for a GPU, and this machine has none")
        );
        machine.gpu_fault = Some("the NVIDIA driver is not loaded".into());
        assert_eq!(
            one_gpu().impossible(&machine).as_deref(),
            Some("Asks for a GPU, and this machine has none (the NVIDIA driver is not loaded)")
        );
    }

    #[test]
    fn a_broken_gpu_may_come_back() {
        let mut machine = machine();
        machine.gpus[0].unavailable = Some("it fell off the bus".into());
        assert_eq!(named(1, &["GPU-7e3a"]).impossible(&machine), None);
    }

    #[test]
    fn what_is_left_out_is_not_asked_for() {
        let read: Requirements = serde_json::from_str(r#"{"gpus": 2}"#).expect("fields may be left out");
        assert_eq!(read, Requirements { gpus: 2, ..Requirements::default() });
    }
}
