//! CPU, memory and disks.

use std::path::PathBuf;

use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

use super::{Disk, Gpus, Reading, Sample};

pub(super) struct Host {
    system: System,
    data: PathBuf,
    /// A utilisation is a difference of two samples: there is none before the second.
    sampled_before: bool,
}

impl Host {
    pub(super) fn new(data: PathBuf) -> Result<Self, sysinfo::Error> {
        let what = RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing().with_usage())
            .with_memory(MemoryRefreshKind::nothing().with_ram());
        Ok(Self { system: System::new_with_specifics(what)?, data, sampled_before: false })
    }

    pub(super) fn sample(&mut self, at: i64, gpus: Gpus) -> Sample {
        self.system.refresh_cpu_usage();
        self.system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        let cpu = match std::mem::replace(&mut self.sampled_before, true) {
            true => Reading::Value(f64::from(self.system.global_cpu_usage())),
            false => Reading::Unsupported,
        };
        Sample {
            at,
            cpu,
            cores: u32::try_from(self.system.cpus().len()).unwrap_or(u32::MAX),
            load: System::load_average().map_or(0.0, |load| load.one),
            memory_used: self.system.used_memory(),
            memory_total: self.system.total_memory(),
            disks: self.disk().into_iter().collect(),
            gpus,
        }
    }

    fn disk(&self) -> Option<Disk> {
        let found = rustix::fs::statvfs(&self.data).ok()?;
        Some(Disk {
            label: "Data folder".into(),
            path: self.data.clone(),
            free: found.f_bavail * found.f_frsize,
            total: found.f_blocks * found.f_frsize,
        })
    }
}
