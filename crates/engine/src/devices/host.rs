//! CPU, memory and network: what the kernel tells at once.

use std::collections::HashMap;
use std::time::Instant;

use sysinfo::{CpuRefreshKind, MemoryRefreshKind, Networks, RefreshKind, System};

use super::sample::{HostFacts, Interface, Load, Reading};

/// The interface that a machine talks to itself through.
const LOOPBACK: &str = "lo";

pub(super) struct Host {
    system: System,
    networks: Result<Networks, String>,
    /// Counters of the look before, by interface, and when that was.
    before: (Instant, HashMap<String, (u64, u64)>),
    /// A utilisation is a difference of two looks: there is none before the second.
    looked_before: bool,
}

/// What [`Host::look`] sees.
pub(super) struct Seen {
    pub cpu: Reading<f64>,
    pub per_core: Reading<Vec<u8>>,
    pub cores: u32,
    pub load: Reading<Load>,
    pub memory_used: Reading<u64>,
    pub memory_total: Reading<u64>,
    pub swap_used: Reading<u64>,
    pub swap_total: Reading<u64>,
    pub network: Vec<Interface>,
}

impl Host {
    pub(super) fn new() -> Result<Self, sysinfo::Error> {
        let what = RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing().with_usage())
            .with_memory(MemoryRefreshKind::everything());
        let networks = Networks::new_with_refreshed_list().map_err(|cause| cause.to_string());
        Ok(Self {
            system: System::new_with_specifics(what)?,
            networks,
            before: (Instant::now(), HashMap::new()),
            looked_before: false,
        })
    }

    pub(super) fn look(&mut self) -> Seen {
        self.system.refresh_cpu_usage();
        self.system.refresh_memory_specifics(MemoryRefreshKind::everything());
        let known = std::mem::replace(&mut self.looked_before, true);
        let (cpu, per_core) = match known {
            true => {
                let cores = self.system.cpus().iter().map(|core| percent(core.usage()));
                (Reading::Value(f64::from(self.system.global_cpu_usage())), Reading::Value(cores.collect()))
            }
            false => (Reading::Unsupported, Reading::Unsupported),
        };
        // sysinfo leaves its numbers at 0 where /proc/meminfo can't be read.
        let memory = |bytes: u64| match self.system.total_memory() {
            0 => Reading::Failed("/proc/meminfo can't be read".to_owned()),
            _ => Reading::Value(bytes),
        };
        Seen {
            cpu,
            per_core,
            cores: u32::try_from(self.system.cpus().len()).unwrap_or(u32::MAX),
            load: match System::load_average() {
                Ok(load) => Reading::Value(Load { one: load.one, five: load.five, fifteen: load.fifteen }),
                Err(cause) => Reading::Failed(cause.to_string()),
            },
            memory_used: memory(self.system.used_memory()),
            memory_total: memory(self.system.total_memory()),
            swap_used: memory(self.system.used_swap()),
            swap_total: memory(self.system.total_swap()),
            network: self.network(),
        }
    }

    fn network(&mut self) -> Vec<Interface> {
        let Ok(networks) = &mut self.networks else { return Vec::new() };
        networks.refresh(true);
        let now = Instant::now();
        let seconds = now.duration_since(self.before.0).as_secs_f64().max(0.001);
        let counters: HashMap<String, (u64, u64)> = networks
            .iter()
            .filter(|(name, _)| *name != LOOPBACK)
            .map(|(name, data)| {
                (name.to_string_lossy().into_owned(), (data.total_received(), data.total_transmitted()))
            })
            .collect();
        let mut all: Vec<Interface> = counters
            .iter()
            .map(|(name, now)| {
                let before = self.before.1.get(name);
                Interface {
                    name: name.clone(),
                    received: rate(before.map(|before| before.0), now.0, seconds),
                    sent: rate(before.map(|before| before.1), now.1, seconds),
                }
            })
            .collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        self.before = (now, counters);
        all
    }

    /// What does not change while the machine is up.
    pub(super) fn facts(&self) -> HostFacts {
        let booted = System::boot_time().ok().and_then(|seconds| i64::try_from(seconds).ok());
        HostFacts {
            name: crate::home::host_name(),
            system: System::long_os_version().unwrap_or_default(),
            kernel: System::kernel_version().unwrap_or_default(),
            cpu: cpu_model(),
            booted_at: booted.unwrap_or(0).saturating_mul(1000),
        }
    }
}

/// Bytes in a second, from a counter that begins anew when its interface does.
fn rate(before: Option<u64>, now: u64, seconds: f64) -> Reading<f64> {
    match before.map(|before| now.checked_sub(before)) {
        #[allow(clippy::cast_precision_loss, reason = "exact up to 8 PiB between two looks")]
        Some(Some(bytes)) => Reading::Value(bytes as f64 / seconds),
        Some(None) | None => Reading::Unsupported,
    }
}

fn percent(value: f32) -> u8 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=100")]
    let whole = value.clamp(0.0, 100.0).round() as u8;
    whole
}

/// The processor's model as `/proc/cpuinfo` names it: “model name” on x86, “Model” or “Hardware” elsewhere.
fn cpu_model() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let named = |key: &str| {
        let line =
            text.lines().find(|line| line.split(':').next().is_some_and(|found| found.trim() == key))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    named("model name").or_else(|| named("Model")).or_else(|| named("Hardware")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_look_knows_the_utilisation() {
        let mut host = Host::new().expect("/proc is there");
        let first = host.look();
        assert_eq!((first.cpu, first.per_core), (Reading::Unsupported, Reading::Unsupported));
        let second = host.look();
        assert!(second.cpu.value().is_some());
        assert_eq!(second.per_core.value().map(Vec::len), usize::try_from(second.cores).ok());
        assert!(second.memory_total.value() > second.memory_used.value());
        assert!(second.network.iter().all(|interface| interface.name != LOOPBACK));
        let facts = host.facts();
        assert!(!facts.kernel.is_empty() && facts.booted_at > 0, "{facts:?}");
    }

    #[test]
    fn a_counter_that_began_anew_gives_no_rate() {
        assert_eq!(rate(Some(1_000), 3_000, 2.0), Reading::Value(1_000.0));
        assert_eq!(rate(Some(1_000), 30, 2.0), Reading::Unsupported);
        assert_eq!(rate(None, 30, 2.0), Reading::Unsupported);
    }
}
