//! Trouble with the machine: told of once, until it has passed.
//!
//! A value that wavers around a threshold must not be told of again and again. So trouble begins above the threshold
//! and only after it has lasted; it has passed below a second, easier threshold, and only after that has lasted, too.

use std::collections::{BTreeMap, BTreeSet};

use super::{Kind, Settings, Words};
use crate::text;

/// A GPU is hot for so long before it is told of, milliseconds: a single peak is none.
pub const HOT_FOR_MS: i64 = 20_000;
/// It has cooled by so many degrees before it can be told of again.
pub const COOLER_BY: u32 = 7;
/// A GPU is away for so long before it is told of: a driver that is reloaded takes a moment.
pub const LOST_FOR_MS: i64 = 10_000;
/// Trouble has passed for so long before it can be told of again.
pub const PASSED_FOR_MS: i64 = 60_000;

/// A GPU as a sample shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpuLook {
    /// The vendor's unique id.
    pub uuid: String,
    /// How people call it: `GPU 0 (NVIDIA A100)`.
    pub label: String,
    /// °C, where it was read.
    pub temperature: Option<u32>,
    /// Whether it answers.
    pub standing: Standing,
}

/// Whether a GPU answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Well,
    /// It does not, and why.
    Lost(String),
    /// Nobody can tell: its driver has a fault.
    Unknown,
}

/// A file system as a sample shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskLook {
    /// How people call it; no two have the same.
    pub label: String,
    /// A path on it.
    pub path: String,
    /// Bytes that may still be written.
    pub free: u64,
}

/// The machine as a sample shows it. Times are milliseconds of a clock that does not step.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Look {
    /// When.
    pub at: i64,
    /// The GPUs; none if nothing can be said of them in this sample.
    pub gpus: Option<Vec<GpuLook>>,
    /// Why a driver does not work, with the next step; none if all do.
    pub broken: Option<String>,
    /// The file systems.
    pub disks: Vec<DiskLook>,
}

/// Trouble that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub kind: Kind,
    /// In words.
    pub words: Words,
}

/// How a value stands to its thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Band {
    Trouble,
    Between,
    Well,
}

/// One thing that can be in trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Alarm {
    raised: bool,
    /// Since when it has been what it was not before.
    since: Option<i64>,
}

impl Alarm {
    /// Takes a reading; true when trouble begins now.
    fn take(&mut self, now: i64, band: Band, trouble_for: i64, passed_for: i64) -> bool {
        let (turns, lasts) = match (self.raised, band) {
            (false, Band::Trouble) => (true, trouble_for),
            (true, Band::Well) => (true, passed_for),
            _ => (false, 0),
        };
        if !turns {
            self.since = None;
            return false;
        }
        if now - *self.since.get_or_insert(now) < lasts {
            return false;
        }
        (self.raised, self.since) = (!self.raised, None);
        self.raised
    }
}

/// What is known of the machine's trouble.
#[derive(Debug, Clone, Default)]
pub struct Machine {
    alarms: BTreeMap<String, Alarm>,
    /// GPUs that were seen, by uuid, with their labels.
    seen: BTreeMap<String, String>,
}

impl Machine {
    /// With trouble that was told of before, as [`Machine::raised`] gave it.
    #[must_use]
    pub fn knowing(raised: BTreeSet<String>) -> Self {
        let alarms = raised.into_iter().map(|key| (key, Alarm { raised: true, since: None })).collect();
        Self { alarms, seen: BTreeMap::new() }
    }

    /// Trouble that was told of and has not passed.
    #[must_use]
    pub fn raised(&self) -> BTreeSet<String> {
        self.alarms.iter().filter(|(_, alarm)| alarm.raised).map(|(key, _)| key.clone()).collect()
    }

    /// Takes a sample and gives the trouble that begins with it.
    pub fn look(&mut self, look: &Look, settings: &Settings) -> Vec<Finding> {
        let mut found = Vec::new();
        self.gpus(look, settings, &mut found);
        for disk in &look.disks {
            let easier = settings.disk_low.saturating_add((settings.disk_low / 4).max(256 << 20));
            let band = match disk.free {
                free if free < settings.disk_low => Band::Trouble,
                free if free < easier => Band::Between,
                _ => Band::Well,
            };
            if self.alarm(format!("disk:{}", disk.label)).take(look.at, band, 0, PASSED_FOR_MS) {
                found.push(Finding {
                    kind: Kind::DiskLow,
                    words: Words::new(
                        format!("Disk nearly full: {}", disk.label),
                        format!(
                            "{} left at {}. Jobs that write there will fail when it is full: free some space, or clean up old logs in the settings.",
                            text::bytes(disk.free),
                            disk.path
                        ),
                    ),
                });
            }
        }
        self.alarms.retain(|_, alarm| alarm.raised || alarm.since.is_some());
        found
    }

    fn gpus(&mut self, look: &Look, settings: &Settings, found: &mut Vec<Finding>) {
        let driver = match &look.broken {
            Some(_) if !self.seen.is_empty() => Band::Trouble,
            Some(_) => Band::Between,
            None if look.gpus.is_some() => Band::Well,
            None => Band::Between,
        };
        if self.alarm("driver".into()).take(look.at, driver, LOST_FOR_MS, 0) {
            found.push(Finding {
                kind: Kind::GpuLost,
                words: Words::new(
                    "The GPU driver does not answer",
                    format!(
                        "{} Jobs that need a GPU wait until it does; those that run may have failed.",
                        look.broken.as_deref().unwrap_or_default()
                    )
                    .trim()
                    .to_owned(),
                ),
            });
        }
        let Some(gpus) = &look.gpus else { return };
        for gpu in gpus {
            let (lost, why) = match &gpu.standing {
                Standing::Well => (Band::Well, None),
                Standing::Lost(why) => (Band::Trouble, Some(why.as_str())),
                Standing::Unknown => (Band::Between, None),
            };
            if self.alarm(format!("lost:{}", gpu.uuid)).take(look.at, lost, LOST_FOR_MS, PASSED_FOR_MS) {
                found.push(is_lost(&gpu.label, why));
            }
            let Some(temperature) = gpu.temperature else { continue };
            let band = match temperature {
                hot if hot >= settings.gpu_hot => Band::Trouble,
                warm if warm + COOLER_BY > settings.gpu_hot => Band::Between,
                _ => Band::Well,
            };
            if self.alarm(format!("hot:{}", gpu.uuid)).take(look.at, band, HOT_FOR_MS, PASSED_FOR_MS) {
                found.push(Finding {
                    kind: Kind::GpuHot,
                    words: Words::new(
                        format!("{} is hot: {temperature} °C", gpu.label),
                        format!(
                            "It has been at {} °C or more for a while. Look after its fans and the air around it; it slows down before it takes harm.",
                            settings.gpu_hot
                        ),
                    ),
                });
            }
        }
        let present: BTreeSet<&str> = gpus.iter().map(|gpu| gpu.uuid.as_str()).collect();
        let missing: Vec<(String, String)> = self
            .seen
            .iter()
            .filter(|(uuid, _)| !present.contains(uuid.as_str()))
            .map(|(uuid, label)| (uuid.clone(), label.clone()))
            .collect();
        for (uuid, label) in missing {
            if self.alarm(format!("lost:{uuid}")).take(look.at, Band::Trouble, LOST_FOR_MS, PASSED_FOR_MS) {
                found.push(is_lost(&label, None));
            }
        }
        for gpu in gpus.iter().filter(|gpu| gpu.standing == Standing::Well) {
            self.seen.insert(gpu.uuid.clone(), gpu.label.clone());
        }
    }

    fn alarm(&mut self, key: String) -> &mut Alarm {
        self.alarms.entry(key).or_default()
    }
}

fn is_lost(label: &str, why: Option<&str>) -> Finding {
    let why = why.unwrap_or("The driver does not list it any more.");
    Finding {
        kind: Kind::GpuLost,
        words: Words::new(
            format!("{label} is lost"),
            format!(
                "{why} Jobs on it have probably failed. Often only a restart of the machine brings it back."
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn gpu(temperature: u32) -> GpuLook {
        GpuLook {
            uuid: "GPU-0".into(),
            label: "GPU 0 (A100)".into(),
            temperature: Some(temperature),
            standing: Standing::Well,
        }
    }

    fn look(at: i64, temperature: u32) -> Look {
        Look { at, gpus: Some(vec![gpu(temperature)]), ..Look::default() }
    }

    fn kinds(machine: &mut Machine, looks: impl IntoIterator<Item = Look>) -> Vec<Kind> {
        let settings = Settings::default();
        looks.into_iter().flat_map(|look| machine.look(&look, &settings)).map(|found| found.kind).collect()
    }

    fn seconds(range: std::ops::Range<i64>, temperature: u32) -> impl Iterator<Item = Look> {
        range.map(move |second| look(second * 1000, temperature))
    }

    #[test]
    fn a_hot_gpu_is_told_of_once_until_it_has_cooled() {
        let mut machine = Machine::default();
        assert_eq!(kinds(&mut machine, seconds(0..5, 95)), [], "a peak is none");
        assert_eq!(kinds(&mut machine, seconds(5..10, 60)), []);
        assert_eq!(kinds(&mut machine, seconds(10..100, 90)), [Kind::GpuHot]);
        assert_eq!(kinds(&mut machine, seconds(100..200, 85)), [], "between the thresholds it is still hot");
        assert_eq!(kinds(&mut machine, seconds(200..300, 91)), []);
        assert_eq!(kinds(&mut machine, seconds(300..400, 50)), []);
        assert_eq!(kinds(&mut machine, seconds(400..500, 90)), [Kind::GpuHot], "it had cooled");
    }

    #[test]
    fn a_restart_does_not_tell_again() {
        let mut machine = Machine::default();
        assert_eq!(kinds(&mut machine, seconds(0..100, 90)), [Kind::GpuHot]);
        let mut next = Machine::knowing(machine.raised());
        assert_eq!(kinds(&mut next, seconds(0..100, 90)), []);
        assert_eq!(next.raised(), machine.raised());
    }

    #[test]
    fn a_gpu_can_go_in_two_ways() {
        let mut machine = Machine::default();
        let lost = |at| Look {
            at,
            gpus: Some(vec![GpuLook {
                standing: Standing::Lost("It fell off the bus.".into()),
                temperature: None,
                ..gpu(0)
            }]),
            ..Look::default()
        };
        let gone = |at| Look { at, gpus: Some(Vec::new()), ..Look::default() };
        assert_eq!(kinds(&mut machine, seconds(0..3, 40)), []);
        let found = machine.look(&lost(3_000), &Settings::default());
        assert_eq!(found, [], "a moment may pass");
        let found = machine.look(&lost(20_000), &Settings::default());
        assert_eq!(found[0].kind, Kind::GpuLost);
        assert!(found[0].words.body.starts_with("It fell off the bus."), "{found:?}");
        assert_eq!(
            kinds(&mut machine, [gone(30_000), gone(60_000)]),
            [],
            "gone or lost, it is the same trouble"
        );

        let mut other = Machine::default();
        assert_eq!(kinds(&mut other, [gone(0), gone(60_000)]), [], "a machine without GPUs has lost none");
        assert_eq!(kinds(&mut other, seconds(60..63, 40)), []);
        assert_eq!(kinds(&mut other, [gone(64_000), gone(90_000), gone(99_000)]), [Kind::GpuLost]);
    }

    #[test]
    fn a_driver_that_breaks_is_told_of_but_one_that_never_worked_is_not() {
        let broken = |at| Look { at, broken: Some("Driver mismatch.".into()), ..Look::default() };
        let mut machine = Machine::default();
        assert_eq!(kinds(&mut machine, [broken(0), broken(60_000)]), []);
        assert_eq!(kinds(&mut machine, seconds(61..63, 40)), []);
        assert_eq!(kinds(&mut machine, [broken(64_000), broken(80_000), broken(99_000)]), [Kind::GpuLost]);
        assert_eq!(kinds(&mut machine, seconds(100..103, 40)), []);
        assert_eq!(kinds(&mut machine, [broken(104_000), broken(120_000)]), [Kind::GpuLost]);
    }

    #[test]
    fn a_full_disk_is_told_of_at_once_and_once() {
        let disk = |at, free| Look {
            at,
            disks: vec![DiskLook { label: "data folder".into(), path: "/data".into(), free }],
            ..Look::default()
        };
        let mut machine = Machine::default();
        let settings = Settings::default();
        assert_eq!(machine.look(&disk(0, 100 << 30), &settings), []);
        let found = machine.look(&disk(1000, 1 << 30), &settings);
        assert_eq!(found[0].words.title, "Disk nearly full: data folder");
        assert_eq!(kinds(&mut machine, [disk(2000, 1 << 20), disk(3000, (5 << 30) + 1), disk(4000, 1)]), []);
        assert_eq!(
            kinds(&mut machine, [disk(5000, 9 << 30), disk(70_000, 9 << 30), disk(71_000, 1)]),
            [Kind::DiskLow]
        );
    }

    proptest! {
        /// Whatever the temperature does: between two alarms it was cool for a minute.
        #[test]
        fn no_alarm_repeats_without_recovery(temperatures in prop::collection::vec(60_u32..100, 1..600)) {
            let settings = Settings::default();
            let mut machine = Machine::default();
            let mut cool_since: Option<i64> = None;
            let mut recovered = true;
            for (second, temperature) in temperatures.into_iter().enumerate() {
                let at = i64::try_from(second).expect("small") * 1000;
                let found = machine.look(&look(at, temperature), &settings);
                if temperature + COOLER_BY <= settings.gpu_hot {
                    recovered |= at - *cool_since.get_or_insert(at) >= PASSED_FOR_MS;
                } else {
                    cool_since = None;
                }
                if !found.is_empty() {
                    prop_assert!(recovered, "told twice");
                    prop_assert!(temperature >= settings.gpu_hot);
                    recovered = false;
                }
            }
        }

        #[test]
        fn a_value_that_wavers_is_told_of_at_most_once(values in prop::collection::vec(81_u32..92, 1..600)) {
            let mut machine = Machine::default();
            let looks = values.into_iter().enumerate().map(|(second, value)| {
                look(i64::try_from(second).expect("small") * 1000, value)
            });
            prop_assert!(kinds(&mut machine, looks).len() <= 1);
        }
    }
}
