//! What is recorded, by name.

/// What a metric is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// 0 to 100.
    Percent,
    /// Bytes.
    Bytes,
    /// Bytes a second.
    BytesPerSecond,
    /// Watts.
    Watt,
    /// °C.
    Celsius,
    /// Megahertz.
    Megahertz,
}

macro_rules! metrics {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal, $unit:ident, $title:literal;)*) => {
        /// A metric of a machine, a GPU, a disk or a job.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Metric {
            $($(#[doc = $doc])* $variant),*
        }

        impl Metric {
            /// All of them, in the order in which they are listed.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name, as it is stored and as people type it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// What it is measured in.
            #[must_use]
            pub fn unit(self) -> Unit {
                match self { $(Self::$variant => Unit::$unit),* }
            }

            /// What it is called in a heading.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),* }
            }
        }
    };
}

metrics! {
    /// Utilisation of a GPU.
    GpuUtilisation = "gpu.util", Percent, "GPU utilisation";
    /// Memory in use on a GPU.
    GpuMemory = "gpu.mem", Bytes, "GPU memory in use";
    /// Power draw of a GPU.
    GpuPower = "gpu.power", Watt, "GPU power";
    /// Temperature of a GPU.
    GpuTemperature = "gpu.temp", Celsius, "GPU temperature";
    /// Fan of a GPU.
    GpuFan = "gpu.fan", Percent, "GPU fan";
    /// Clock of a GPU's multiprocessors.
    GpuClock = "gpu.clock", Megahertz, "GPU clock";
    /// Clock of a GPU's memory.
    GpuMemoryClock = "gpu.mem_clock", Megahertz, "GPU memory clock";
    /// How busy a GPU's memory controller is.
    GpuMemoryUtilisation = "gpu.mem_util", Percent, "GPU memory controller";
    /// Utilisation of all cores.
    Cpu = "cpu.util", Percent, "CPU utilisation";
    /// Host memory in use.
    Memory = "mem.used", Bytes, "Memory in use";
    /// Swap in use.
    Swap = "swap.used", Bytes, "Swap in use";
    /// Received over all interfaces.
    NetworkIn = "net.in", BytesPerSecond, "Network received";
    /// Sent over all interfaces.
    NetworkOut = "net.out", BytesPerSecond, "Network sent";
    /// What a user may still write to a file system.
    DiskFree = "disk.free", Bytes, "Disk space free";
    /// Utilisation of a job's GPUs by the job.
    JobUtilisation = "job.gpu.util", Percent, "GPU utilisation of the job";
    /// GPU memory of a job.
    JobMemory = "job.gpu.mem", Bytes, "GPU memory of the job";
}

impl Metric {
    /// The metric of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|metric| metric.name() == name)
    }

    /// Whether each GPU has its own.
    #[must_use]
    pub fn of_gpu(self) -> bool {
        self.name().starts_with("gpu.")
    }

    /// Whether each attempt of a job has its own.
    #[must_use]
    pub fn of_job(self) -> bool {
        matches!(self, Self::JobUtilisation | Self::JobMemory)
    }

    /// Whether each file system has its own.
    #[must_use]
    pub fn of_disk(self) -> bool {
        self == Self::DiskFree
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        for metric in Metric::ALL {
            assert_eq!(Metric::from_name(metric.name()), Some(*metric), "{metric:?}");
        }
        assert_eq!(Metric::from_name("gpu"), None);
        assert!(Metric::GpuFan.of_gpu() && !Metric::Cpu.of_gpu() && !Metric::JobMemory.of_gpu());
    }
}
