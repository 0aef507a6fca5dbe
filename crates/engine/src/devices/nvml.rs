//! NVIDIA GPUs through NVML. The only module that knows `nvml_wrapper`.
//!
//! A driver is given up and loaded anew when it says that it must be (it was reloaded, or replaced by another version);
//! meanwhile nothing is asked of it more often than every few seconds. A GPU that fails, fails alone.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nvml_wrapper::bitmasks::InitFlags;
use nvml_wrapper::enum_wrappers::device::{Clock, TemperatureSensor};
use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::struct_wrappers::device::ProcessInfo;
use nvml_wrapper::{Device, Nvml as Library, cuda_driver_version_major, cuda_driver_version_minor};

use super::sample::{
    Driver, DriverFault, DriverFaultKind, Gpu, GpuFault, GpuFaultKind, GpuProcess, GpuWork, Mig, Reading,
    Vendor,
};

/// The developer's switch: the library to load in the place of the driver's.
pub const LIBRARY_VARIABLE: &str = "ATHANOR_NVML";

/// The driver's library.
const LIBRARY: &str = "libnvidia-ml.so.1";

/// How long to leave a driver alone that did not work: at first, and at most. It may be installed or reloaded meanwhile.
const TRY_AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// What is read of each GPU once, is read again after so many looks.
const FIXED_FOR: u32 = 60;

/// What is said of a GPU whose name can't be read.
const NAMELESS: &str = "NVIDIA GPU";

/// Where the kernel shows itself; another folder in tests.
#[derive(Debug, Clone)]
pub(super) struct KernelFiles {
    /// `/proc/driver/nvidia/version`: there while the kernel module is loaded.
    pub module: PathBuf,
    /// `/sys/bus/pci/devices`.
    pub pci: PathBuf,
}

impl KernelFiles {
    /// `root` stands for `/`.
    pub(super) fn below(root: &std::path::Path) -> Self {
        Self { module: root.join("proc/driver/nvidia/version"), pci: root.join("sys/bus/pci/devices") }
    }
}

pub(super) struct Nvml {
    path: OsString,
    kernel: KernelFiles,
    state: State,
    /// What does not change, by the driver's index.
    fixed: HashMap<u32, Fixed>,
    looks: u32,
    /// The driver's time of the newest sample of each GPU's processes, microseconds.
    sampled: HashMap<u32, u64>,
}

enum State {
    Untried,
    Loaded { library: Box<Library>, version: Option<String>, cuda: Option<String> },
    Faulty { fault: DriverFault, until: Instant, pause: Duration },
}

/// What does not change of a GPU while the driver is loaded.
#[derive(Clone)]
struct Fixed {
    uuid: String,
    name: String,
    pci: Option<String>,
    fans: u32,
}

/// What the driver was seen to have.
pub(super) struct Seen {
    pub gpus: Vec<Gpu>,
    pub driver: Driver,
}

impl Nvml {
    pub(super) fn new(path: Option<OsString>, kernel: KernelFiles) -> Self {
        Self {
            path: path.unwrap_or_else(|| LIBRARY.into()),
            kernel,
            state: State::Untried,
            fixed: HashMap::new(),
            looks: 0,
            sampled: HashMap::new(),
        }
    }

    /// All GPUs as they are now; their processes only if asked for, else they are left empty.
    pub(super) fn look(&mut self, processes: bool) -> Seen {
        let mut pause = TRY_AGAIN.0;
        if let State::Faulty { fault, until, pause: last } = &self.state {
            if Instant::now() < *until {
                return Seen { gpus: Vec::new(), driver: faulty(fault.clone()) };
            }
            pause = (*last * 2).min(TRY_AGAIN.1);
        }
        // Where the driver was reloaded under us, loading it anew is all that is needed: then the second try tells.
        let mut fault = None;
        for _ in 0..2 {
            match self.try_look(processes) {
                Ok(seen) => return seen,
                Err(error) => {
                    self.fixed.clear();
                    self.sampled.clear();
                    let reloaded = matches!(error, NvmlError::Uninitialized)
                        && matches!(self.state, State::Loaded { .. });
                    fault = Some(explain(&error, &self.path, &self.kernel));
                    // Dropped, and with it the library: another version of it may lie there by now.
                    self.state = State::Untried;
                    if !reloaded {
                        break;
                    }
                }
            }
        }
        let fault = fault.unwrap_or_else(|| explain(&NvmlError::Unknown, &self.path, &self.kernel));
        tracing::debug!(fault = %fault.words(), "NVML");
        self.state = State::Faulty { fault: fault.clone(), until: Instant::now() + pause, pause };
        Seen { gpus: Vec::new(), driver: faulty(fault) }
    }

    fn try_look(&mut self, processes: bool) -> Result<Seen, NvmlError> {
        if !matches!(self.state, State::Loaded { .. }) {
            // A machine whose driver works but that has no GPU is no fault.
            let library = Library::builder().lib_path(&self.path).flags(InitFlags::NO_GPUS).init()?;
            let version = library.sys_driver_version().ok();
            let cuda = library.sys_cuda_driver_version().ok().map(|version| {
                format!("{}.{}", cuda_driver_version_major(version), cuda_driver_version_minor(version))
            });
            self.state = State::Loaded { library: Box::new(library), version, cuda };
        }
        let State::Loaded { library, version, cuda } = &self.state else {
            return Err(NvmlError::Uninitialized);
        };
        self.looks = self.looks.wrapping_add(1);
        if self.looks.is_multiple_of(FIXED_FOR) {
            self.fixed.clear();
        }
        let count = library.device_count()?;
        let mut gpus = Vec::with_capacity(count as usize);
        for index in 0..count {
            let mut device =
                Look { library, index, processes, fixed: &mut self.fixed, sampled: &mut self.sampled };
            device.whole(&mut gpus)?;
        }
        let driver =
            Driver { vendor: Vendor::Nvidia, version: version.clone(), cuda: cuda.clone(), fault: None };
        Ok(Seen { gpus, driver })
    }
}

fn faulty(fault: DriverFault) -> Driver {
    Driver { vendor: Vendor::Nvidia, version: None, cuda: None, fault: Some(fault) }
}

/// A look at one GPU.
struct Look<'a> {
    library: &'a Library,
    index: u32,
    processes: bool,
    fixed: &'a mut HashMap<u32, Fixed>,
    sampled: &'a mut HashMap<u32, u64>,
}

impl Look<'_> {
    /// A GPU and its instances. Fails only where the driver as a whole must be loaded anew.
    fn whole(&mut self, into: &mut Vec<Gpu>) -> Result<(), NvmlError> {
        let index = self.index;
        let found = self.library.device_by_index(index).and_then(|device| Ok((self.fixed(&device)?, device)));
        let (fixed, device) = match found {
            Ok(found) => found,
            Err(error) if is_of_the_driver(&error) => return Err(error),
            Err(error) => {
                self.fixed.remove(&index);
                into.push(unreachable(index, &error));
                return Ok(());
            }
        };
        let mut errors = Errors::default();
        let divided = matches!(device.mig_mode(), Ok(mode) if mode.current == 1);
        let mut gpu = self.read(&device, &fixed, &mut errors);
        let at = into.len();
        into.push(gpu.clone());
        if divided {
            for number in 0..device.mig_device_count().unwrap_or(0) {
                match device.mig_device_by_index(number) {
                    Ok(instance) => into.extend(self.instance(&instance, number, &fixed, &mut errors)),
                    // No instance has this number.
                    Err(NvmlError::NotFound | NvmlError::InvalidArg) => {}
                    Err(error) => errors.note(&error),
                }
            }
            let instances = u32::try_from(into.len() - at - 1).unwrap_or(u32::MAX);
            gpu.mig = Mig::Divided { instances };
            // Its processes are named by the instances that they run on.
            let named: Vec<u32> =
                into[at + 1..].iter().flat_map(Gpu::processes).map(|process| process.pid).collect();
            if let Reading::Value(processes) = &mut gpu.processes {
                processes.retain(|process| !named.contains(&process.pid));
            }
        }
        if let Some(error) = errors.of_the_driver {
            return Err(error);
        }
        if let Some(fault) = errors.of_the_gpu {
            // What it has answered before it fell is of no use.
            into.truncate(at);
            into.push(gpu.with_fault(&fault));
            self.fixed.remove(&index);
        } else {
            into[at] = gpu;
        }
        Ok(())
    }

    fn fixed(&mut self, device: &Device<'_>) -> Result<Fixed, NvmlError> {
        if let Some(fixed) = self.fixed.get(&self.index) {
            return Ok(fixed.clone());
        }
        let fixed = Fixed {
            uuid: device.uuid()?,
            name: device.name().unwrap_or_else(|_| NAMELESS.into()),
            pci: device.pci_info().ok().map(|pci| pci.bus_id),
            fans: device.num_fans().unwrap_or(0),
        };
        self.fixed.insert(self.index, fixed.clone());
        Ok(fixed)
    }

    fn read(&mut self, device: &Device<'_>, fixed: &Fixed, errors: &mut Errors) -> Gpu {
        let rates = errors.reading(device.utilization_rates());
        let memory = errors.reading(device.memory_info());
        let watts = |milliwatts: u32| f64::from(milliwatts) / 1000.0;
        let fan = match fixed.fans {
            0 => Reading::Unsupported,
            fans => (0..fans)
                .map(|fan| errors.reading(device.fan_speed(fan)))
                .reduce(|a, b| if b.value() > a.value() { b } else { a })
                .unwrap_or(Reading::Unsupported),
        };
        Gpu {
            index: self.index,
            uuid: fixed.uuid.clone(),
            name: fixed.name.clone(),
            vendor: Vendor::Nvidia,
            pci: fixed.pci.clone(),
            fault: None,
            mig: Mig::Off,
            utilisation: rates.part(|rates| rates.gpu),
            memory_utilisation: rates.part(|rates| rates.memory),
            memory_used: memory.part(|memory| memory.used),
            memory_total: memory.part(|memory| memory.total),
            temperature: errors.reading(device.temperature(TemperatureSensor::Gpu)),
            fan,
            clock: errors.reading(device.clock_info(Clock::SM)),
            memory_clock: errors.reading(device.clock_info(Clock::Memory)),
            power: errors.reading(device.power_usage()).map(watts),
            power_limit: errors.reading(device.enforced_power_limit()).map(watts),
            #[allow(clippy::cast_precision_loss, reason = "exact for 285,000 years at a kilowatt")]
            energy: errors
                .reading(device.total_energy_consumption())
                .map(|millijoules| millijoules as f64 / 1000.0),
            processes: match self.processes {
                true => self.read_processes(device, true, errors),
                false => Reading::Value(Vec::new()),
            },
        }
    }

    /// An instance of a divided GPU: it has memory and processes of its own; the rest only the whole GPU has.
    fn instance(
        &mut self,
        device: &Device<'_>,
        number: u32,
        parent: &Fixed,
        errors: &mut Errors,
    ) -> Option<Gpu> {
        // One that was taken away between two calls has no identity.
        let uuid = device.uuid().ok()?;
        let memory = errors.reading(device.memory_info());
        let name = match device.name() {
            Ok(name) if name != parent.name => name,
            _ => format!("{} MIG {number}", parent.name),
        };
        Some(Gpu {
            uuid,
            name,
            pci: parent.pci.clone(),
            mig: Mig::Instance { parent: parent.uuid.clone(), number },
            memory_used: memory.part(|memory| memory.used),
            memory_total: memory.part(|memory| memory.total),
            processes: match self.processes {
                true => self.read_processes(device, false, errors),
                false => Reading::Value(Vec::new()),
            },
            ..Gpu::unread(Vendor::Nvidia, self.index)
        })
    }

    /// What runs on a GPU. A process that computes and draws is named in both lists.
    fn read_processes(
        &mut self,
        device: &Device<'_>,
        whole: bool,
        errors: &mut Errors,
    ) -> Reading<Vec<GpuProcess>> {
        let computing = errors.reading(again(|| device.running_compute_processes()));
        let drawing = errors.reading(again(|| device.running_graphics_processes()));
        let used = if whole { self.read_use(device, errors) } else { Reading::Unsupported };
        let process = |found: ProcessInfo, work| GpuProcess {
            pid: found.pid,
            memory: match found.used_gpu_memory {
                UsedGpuMemory::Used(bytes) => Reading::Value(bytes),
                UsedGpuMemory::Unavailable => Reading::Unsupported,
            },
            // Those that did nothing since the last look are not in the list.
            utilisation: used.part(|used| used.get(&found.pid).copied().unwrap_or(0)),
            work,
            about: None,
        };
        let mut all: Vec<GpuProcess> = match computing {
            Reading::Value(found) => {
                found.into_iter().map(|found| process(found, GpuWork::Compute)).collect()
            }
            Reading::Unsupported => match &drawing {
                Reading::Unsupported => return Reading::Unsupported,
                _ => Vec::new(),
            },
            Reading::Failed(why) => return Reading::Failed(why),
        };
        for found in drawing.value().into_iter().flatten() {
            match all.iter_mut().find(|known| known.pid == found.pid) {
                Some(known) => known.work = GpuWork::Both,
                None => all.push(process(found.clone(), GpuWork::Graphics)),
            }
        }
        Reading::Value(all)
    }

    /// Percent of the GPU's processors that each process kept busy: the mean of the driver's samples since the last look.
    fn read_use(&mut self, device: &Device<'_>, errors: &mut Errors) -> Reading<HashMap<u32, u32>> {
        let since = self.sampled.get(&self.index).copied();
        let samples = match again(|| device.process_utilization_stats(since)) {
            // Nothing ran since the last look.
            Err(NvmlError::NotFound) => return Reading::Value(HashMap::new()),
            other => errors.reading(other),
        };
        samples.map(|samples| {
            let mut sums: HashMap<u32, (u32, u32)> = HashMap::new();
            for sample in &samples {
                let sum = sums.entry(sample.pid).or_default();
                *sum = (sum.0.saturating_add(sample.sm_util.min(100)), sum.1 + 1);
            }
            if let Some(newest) = samples.iter().map(|sample| sample.timestamp).max() {
                self.sampled.insert(self.index, newest);
            }
            sums.into_iter().map(|(pid, (sum, count))| (pid, sum.div_ceil(count))).collect()
        })
    }
}

/// Asks once more where a list grew between the question for its length and the one for itself.
fn again<T>(ask: impl Fn() -> Result<T, NvmlError>) -> Result<T, NvmlError> {
    match ask() {
        Err(NvmlError::InsufficientSize(_)) => ask(),
        other => other,
    }
}

/// What went wrong while a GPU was read.
#[derive(Default)]
struct Errors {
    of_the_driver: Option<NvmlError>,
    of_the_gpu: Option<GpuFault>,
}

impl Errors {
    fn note(&mut self, error: &NvmlError) {
        if is_of_the_driver(error) {
            self.of_the_driver.get_or_insert(match error {
                NvmlError::LibRmVersionMismatch => NvmlError::LibRmVersionMismatch,
                NvmlError::DriverNotLoaded => NvmlError::DriverNotLoaded,
                _ => NvmlError::Uninitialized,
            });
        } else if matches!(error, NvmlError::GpuLost | NvmlError::ResetRequired) {
            self.of_the_gpu.get_or_insert(gpu_fault(error));
        }
    }

    fn reading<T>(&mut self, result: Result<T, NvmlError>) -> Reading<T> {
        match result {
            Ok(value) => Reading::Value(value),
            Err(error) => {
                self.note(&error);
                match error {
                    // A library that is older than the function can't tell either.
                    NvmlError::NotSupported
                    | NvmlError::FailedToLoadSymbol(_)
                    | NvmlError::FunctionNotFound => Reading::Unsupported,
                    other => Reading::Failed(other.to_string()),
                }
            }
        }
    }
}

/// Whether an error says that the library must be loaded anew.
fn is_of_the_driver(error: &NvmlError) -> bool {
    matches!(error, NvmlError::Uninitialized | NvmlError::LibRmVersionMismatch | NvmlError::DriverNotLoaded)
}

/// A GPU that can't be opened.
fn unreachable(index: u32, error: &NvmlError) -> Gpu {
    Gpu { name: NAMELESS.into(), ..Gpu::unread(Vendor::Nvidia, index) }.with_fault(&gpu_fault(error))
}

fn gpu_fault(error: &NvmlError) -> GpuFault {
    let (kind, message, next_step) = match error {
        NvmlError::GpuLost => (
            GpuFaultKind::Lost,
            "The GPU has fallen off the bus.".to_owned(),
            "Look for “Xid” in “sudo dmesg”. It is usually back after a restart of the machine; if it falls off again, check its power cables, its seat and its temperature.",
        ),
        NvmlError::ResetRequired => (
            GpuFaultKind::NeedsReset,
            "The GPU works again only after a reset.".to_owned(),
            "End what runs on it and try “sudo nvidia-smi --gpu-reset”, or restart the machine.",
        ),
        NvmlError::NoPermission => (
            GpuFaultKind::Refused,
            "The driver refuses this user access to the GPU.".to_owned(),
            "Check the permissions of /dev/nvidia*.",
        ),
        other => (
            GpuFaultKind::Refused,
            format!("The GPU can't be opened: {other}."),
            "It is tried again at each look. “nvidia-smi” and “sudo dmesg” may say more.",
        ),
    };
    GpuFault { kind, message, next_step: next_step.to_owned() }
}

/// Tells "there is no driver" from "there is one that does not work", and the ways of the latter from each other.
fn explain(error: &NvmlError, library: &OsString, kernel: &KernelFiles) -> DriverFault {
    let library = library.to_string_lossy();
    let module = kernel.module.exists();
    let (kind, message, next_step) = match error {
        NvmlError::LibloadingError(_) | NvmlError::LibraryNotFound if !module && library == LIBRARY => {
            let (message, next_step) = match has_nvidia_hardware(&kernel.pci) {
                true => (
                    "There is an NVIDIA GPU in this machine, but no NVIDIA driver is installed.",
                    Some("Install the driver from your distribution, then restart the machine."),
                ),
                false => ("No NVIDIA driver is installed on this machine.", None),
            };
            (DriverFaultKind::Absent, message.to_owned(), next_step)
        }
        NvmlError::LibloadingError(_) | NvmlError::LibraryNotFound | NvmlError::FailedToLoadSymbol(_) => {
            let cause = match error {
                NvmlError::LibloadingError(cause) => cause.to_string(),
                other => other.to_string(),
            };
            let loaded = if module { "The NVIDIA kernel module is loaded, but its" } else { "The NVIDIA" };
            (
                DriverFaultKind::NoLibrary,
                format!("{loaded} library {library} can't be used: {cause}."),
                Some("Install the driver's user part in the version of the kernel module; Debian and Ubuntu call it libnvidia-ml1 or libnvidia-compute."),
            )
        }
        NvmlError::DriverNotLoaded => (
            DriverFaultKind::NotLoaded,
            "The NVIDIA library is installed, but the kernel module is not loaded.".to_owned(),
            Some("Try “sudo modprobe nvidia”. After an update of the driver or the kernel, restart the machine."),
        ),
        NvmlError::LibRmVersionMismatch => (
            DriverFaultKind::Mismatch,
            "The NVIDIA library and the kernel module have different versions: the driver was updated while it ran.".to_owned(),
            Some("Restart the machine to finish the update."),
        ),
        NvmlError::NoPermission => (
            DriverFaultKind::NoPermission,
            "The NVIDIA driver refuses this user.".to_owned(),
            Some("Check the permissions of /dev/nvidia*; you may have to join the group “video” or “render”."),
        ),
        other => (
            DriverFaultKind::Failing,
            format!("The NVIDIA driver answers with an error: {other}."),
            Some("It is tried again by itself. If “nvidia-smi” fails, too, restart the machine."),
        ),
    };
    DriverFault { kind, message, next_step: next_step.map(str::to_owned) }
}

/// Whether a display controller of NVIDIA (vendor 10de, class 03) stands on the bus.
fn has_nvidia_hardware(pci: &std::path::Path) -> bool {
    let Ok(entries) = std::fs::read_dir(pci) else { return false };
    entries.flatten().any(|entry| {
        let is = |file: &str, start: &str| {
            std::fs::read_to_string(entry.path().join(file)).is_ok_and(|text| text.starts_with(start))
        };
        is("vendor", "0x10de") && is("class", "0x03")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(error: &NvmlError, library: &str, module: bool, hardware: bool) -> DriverFault {
        let dir = tempfile::tempdir().expect("temporary folder");
        let kernel = KernelFiles { module: dir.path().join("version"), pci: dir.path().join("pci") };
        if module {
            std::fs::write(&kernel.module, "NVRM version").expect("written");
        }
        if hardware {
            let card = kernel.pci.join("0000:3b:00.0");
            std::fs::create_dir_all(&card).expect("made");
            std::fs::write(card.join("vendor"), "0x10de\n").expect("written");
            std::fs::write(card.join("class"), "0x030200\n").expect("written");
        }
        explain(error, &library.into(), &kernel)
    }

    #[test]
    fn the_ways_of_a_driver_to_fail_are_told_apart() {
        use DriverFaultKind::{Absent, Failing, Mismatch, NoLibrary, NoPermission, NotLoaded};
        for (error, module, hardware, kind) in [
            (NvmlError::LibraryNotFound, false, false, Absent),
            (NvmlError::LibraryNotFound, false, true, Absent),
            (NvmlError::LibraryNotFound, true, true, NoLibrary),
            (NvmlError::DriverNotLoaded, false, true, NotLoaded),
            (NvmlError::LibRmVersionMismatch, true, true, Mismatch),
            (NvmlError::NoPermission, true, true, NoPermission),
            (NvmlError::Unknown, true, true, Failing),
        ] {
            let fault = told(&error, LIBRARY, module, hardware);
            assert_eq!(fault.kind, kind, "{error}");
            assert_eq!(
                fault.next_step.is_none(),
                kind == Absent && !hardware,
                "the next step is named: {error}"
            );
        }
        assert_eq!(
            told(&NvmlError::LibraryNotFound, "/opt/x.so", false, false).kind,
            NoLibrary,
            "it was asked for"
        );
    }

    #[test]
    fn what_is_not_supported_is_not_zero() {
        let mut errors = Errors::default();
        assert_eq!(errors.reading::<u32>(Err(NvmlError::NotSupported)), Reading::Unsupported);
        assert_eq!(errors.reading(Ok(0u32)), Reading::Value(0));
        assert!(matches!(errors.reading::<u32>(Err(NvmlError::Unknown)), Reading::Failed(_)));
        assert!(
            errors.of_the_gpu.is_none() && errors.of_the_driver.is_none(),
            "one reading alone has failed"
        );
        assert!(matches!(errors.reading::<u32>(Err(NvmlError::GpuLost)), Reading::Failed(_)));
        assert_eq!(errors.of_the_gpu.map(|fault| fault.kind), Some(GpuFaultKind::Lost));
    }
}
