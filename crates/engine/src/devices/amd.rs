//! AMD GPUs, through the files of the kernel's driver `amdgpu`: readings from `/sys/class/drm/card*/device`, sensors from
//! its `hwmon`, and what computes on them from `/sys/class/kfd`. Documented in the kernel's
//! `Documentation/gpu/amdgpu/thermal.rst` and `driver-misc.rst`.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::sample::{
    Driver, DriverFault, DriverFaultKind, Gpu, GpuFault, GpuFaultKind, GpuProcess, GpuWork, Reading, Vendor,
};

/// AMD's number on the PCI bus.
const AMD: &str = "0x1002";

/// Begins the class of display controllers on the PCI bus.
const DISPLAY: &str = "0x03";

/// What is said of a GPU whose name can't be found.
const NAMELESS: &str = "AMD GPU";

/// Where the kernel and the graphics library show what they know; other folders in tests.
#[derive(Debug, Clone)]
pub(super) struct Files {
    /// `/sys`.
    pub sys: PathBuf,
    /// The list of models that comes with libdrm: device, revision and name, separated by commas.
    pub models: PathBuf,
}

/// AMD's GPUs.
pub(super) struct Amd {
    files: Files,
    /// Names by the card's folder: they do not change.
    names: HashMap<PathBuf, String>,
}

/// What was seen; without hardware there is no driver to speak of.
pub(super) struct Seen {
    pub gpus: Vec<Gpu>,
    pub driver: Option<Driver>,
}

impl Amd {
    pub(super) fn new(files: Files) -> Self {
        Self { files, names: HashMap::new() }
    }

    /// All GPUs as they are now; their processes only if asked for, else they are left empty.
    pub(super) fn look(&mut self, processes: bool) -> Seen {
        let cards = cards(&self.files.sys);
        if cards.is_empty() {
            let fault = has_hardware(&self.files.sys).then(|| DriverFault {
                kind: DriverFaultKind::NotLoaded,
                message:
                    "There is an AMD GPU in this machine, but the kernel's driver amdgpu does not serve it."
                        .into(),
                next_step: Some(
                    "Try “sudo modprobe amdgpu”; GPUs from before 2012 are not served by it.".into(),
                ),
            });
            return Seen {
                gpus: Vec::new(),
                driver: fault.map(|fault| driver(&self.files.sys, Some(fault))),
            };
        }
        let working = if processes { Some(self.computing()) } else { None };
        let gpus = (0..).zip(&cards).map(|(index, card)| self.gpu(index, card, working.as_ref())).collect();
        Seen { gpus, driver: Some(driver(&self.files.sys, None)) }
    }

    fn gpu(&mut self, index: u32, card: &Path, working: Option<&Working>) -> Gpu {
        let pci = fs::canonicalize(card).ok().and_then(|path| Some(path.file_name()?.to_str()?.to_owned()));
        let uuid = match text(&card.join("unique_id")) {
            Ok(id) if !id.is_empty() => format!("GPU-{id}"),
            _ => format!("AMD-{}", pci.as_deref().unwrap_or_default()),
        };
        let named = self.names.get(card).cloned();
        let name = named.unwrap_or_else(|| {
            let name = name(card, &self.files.models);
            self.names.insert(card.to_owned(), name.clone());
            name
        });
        let gpu = Gpu { uuid, name, pci, ..Gpu::unread(Vendor::Amd, index) };
        let busy = number::<u32>(&card.join("gpu_busy_percent"));
        // A GPU that is gone from the bus answers nothing any more, while its files stay for a while.
        if let Reading::Failed(why) = &busy
            && fs::read(card.join("config")).is_ok_and(|bytes| bytes.starts_with(&[0xff; 4]))
        {
            let fault = GpuFault {
                kind: GpuFaultKind::Lost,
                message: format!("The GPU has fallen off the bus ({why})."),
                next_step:
                    "Look for “amdgpu” in “sudo dmesg”. It is usually back after a restart of the machine."
                        .into(),
            };
            return gpu.with_fault(&fault);
        }
        let sensors = sensors(card);
        let sensor = |name: &str| match &sensors {
            Some(folder) => number::<u64>(&folder.join(name)),
            None => Reading::Unsupported,
        };
        let watts = |reading: Reading<u64>| {
            #[allow(clippy::cast_precision_loss, reason = "microwatts of one card")]
            reading.map(|microwatts| microwatts as f64 / 1e6)
        };
        Gpu {
            utilisation: busy,
            memory_utilisation: number(&card.join("mem_busy_percent")),
            memory_used: number(&card.join("mem_info_vram_used")),
            memory_total: number(&card.join("mem_info_vram_total")),
            temperature: sensor("temp1_input").map(|thousandths| small(thousandths / 1000)),
            fan: fan(&sensor),
            clock: clock(card, "pp_dpm_sclk", sensor("freq1_input")),
            memory_clock: clock(card, "pp_dpm_mclk", sensor("freq2_input")),
            power: watts(or_else(sensor("power1_average"), || sensor("power1_input"))),
            power_limit: watts(sensor("power1_cap")),
            #[allow(clippy::cast_precision_loss, reason = "exact for centuries")]
            energy: sensor("energy1_input").map(|microjoules| microjoules as f64 / 1e6),
            processes: match working {
                Some(working) => working.on(card),
                None => Reading::Value(Vec::new()),
            },
            ..gpu
        }
    }

    /// What computes on the GPUs, as `/sys/class/kfd` tells everybody.
    fn computing(&self) -> Working {
        let kfd = self.files.sys.join("class/kfd/kfd");
        let mut ids = HashMap::new();
        for node in folders(&kfd.join("topology/nodes")) {
            let id = text(&node.join("gpu_id")).unwrap_or_default();
            let properties = text(&node.join("properties")).unwrap_or_default();
            let minor = properties.lines().find_map(|line| line.strip_prefix("drm_render_minor "));
            if let Some(minor) = minor.and_then(|minor| minor.trim().parse::<u32>().ok())
                && id != "0"
            {
                ids.insert(minor, id);
            }
        }
        Working { is_told: kfd.exists(), ids, processes: folders(&kfd.join("proc")) }
    }
}

/// What computes on the GPUs.
struct Working {
    /// Whether the driver tells at all.
    is_told: bool,
    /// The driver's ids of GPUs, by the minor number of their render device.
    ids: HashMap<u32, String>,
    /// A folder for each process, named by its pid.
    processes: Vec<PathBuf>,
}

impl Working {
    fn on(&self, card: &Path) -> Reading<Vec<GpuProcess>> {
        let minor = folders(&card.join("drm"))
            .into_iter()
            .find_map(|folder| folder.file_name()?.to_str()?.strip_prefix("renderD")?.parse::<u32>().ok());
        let Some(id) = minor.and_then(|minor| self.ids.get(&minor)).filter(|_| self.is_told) else {
            return Reading::Unsupported;
        };
        let all = self.processes.iter().filter_map(|folder| {
            let pid = folder.file_name()?.to_str()?.parse().ok()?;
            match number(&folder.join(format!("vram_{id}"))) {
                // It is on another GPU.
                Reading::Unsupported | Reading::Value(0) => None,
                memory => Some(GpuProcess {
                    pid,
                    memory,
                    utilisation: Reading::Unsupported,
                    work: GpuWork::Compute,
                    about: None,
                }),
            }
        });
        Reading::Value(all.collect())
    }
}

fn driver(sys: &Path, fault: Option<DriverFault>) -> Driver {
    // Only a driver that was not built with the kernel has a version of its own.
    let version = text(&sys.join("module/amdgpu/version")).ok().filter(|version| !version.is_empty());
    Driver { vendor: Vendor::Amd, version, cuda: None, fault }
}

/// The `device` folders of the cards that amdgpu serves, in the order of the PCI bus.
fn cards(sys: &Path) -> Vec<PathBuf> {
    let mut cards: Vec<(PathBuf, PathBuf)> = folders(&sys.join("class/drm"))
        .into_iter()
        .filter(|folder| {
            let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.strip_prefix("card").is_some_and(|number| number.parse::<u32>().is_ok())
        })
        .map(|folder| folder.join("device"))
        .filter(|card| text(&card.join("vendor")).is_ok_and(|vendor| vendor == AMD))
        .filter(|card| card.join("mem_info_vram_total").exists())
        .map(|card| (fs::canonicalize(&card).unwrap_or_else(|_| card.clone()), card))
        .collect();
    cards.sort();
    cards.into_iter().map(|(_, card)| card).collect()
}

/// Whether a display controller of AMD stands on the bus.
fn has_hardware(sys: &Path) -> bool {
    folders(&sys.join("bus/pci/devices")).iter().any(|device| {
        text(&device.join("vendor")).is_ok_and(|vendor| vendor == AMD)
            && text(&device.join("class")).is_ok_and(|class| class.starts_with(DISPLAY))
    })
}

fn sensors(card: &Path) -> Option<PathBuf> {
    folders(&card.join("hwmon")).into_iter().next()
}

/// Percent of the greatest speed: by turns where the fan counts them, else by what it is given.
fn fan(sensor: &dyn Fn(&str) -> Reading<u64>) -> Reading<u32> {
    let part = |now: Reading<u64>, most: Reading<u64>| match (now, most.value()) {
        (Reading::Value(now), Some(most)) if *most > 0 => {
            Reading::Value(small((now * 100).div_ceil(*most).min(100)))
        }
        (Reading::Value(_), _) => Reading::Unsupported,
        (other, _) => other.map(small),
    };
    or_else(part(sensor("fan1_input"), sensor("fan1_max")), || part(sensor("pwm1"), Reading::Value(255)))
}

/// MHz: from the sensor, which counts in Hz, else the level that is marked in a table of them.
fn clock(card: &Path, table: &str, sensor: Reading<u64>) -> Reading<u32> {
    or_else(sensor.map(|hertz| small(hertz / 1_000_000)), || match text(&card.join(table)) {
        Ok(text) => match marked_level(&text) {
            Some(megahertz) => Reading::Value(megahertz),
            None => Reading::Unsupported,
        },
        Err(cause) => unread(&cause),
    })
}

/// The level in use of a table such as `0: 500Mhz` and `1: 2475Mhz *`.
fn marked_level(text: &str) -> Option<u32> {
    let line = text.lines().find(|line| line.trim_end().ends_with('*'))?;
    let digits: String = line.split_once(':')?.1.trim().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// The model: as the card names itself, else as the list of models does.
fn name(card: &Path, models: &Path) -> String {
    if let Ok(name) = text(&card.join("product_name"))
        && !name.is_empty()
    {
        return name;
    }
    let hexadecimal = |file: &str| {
        let digits = text(&card.join(file)).unwrap_or_default();
        u32::from_str_radix(digits.trim_start_matches("0x"), 16).ok()
    };
    let (device, revision) = (hexadecimal("device"), hexadecimal("revision"));
    let list = fs::read_to_string(models).unwrap_or_default();
    let listed = list.lines().find_map(|line| {
        let mut fields = line.splitn(3, ',').map(str::trim);
        let number = |digits: Option<&str>| u32::from_str_radix(digits?, 16).ok();
        let (its_device, its_revision) = (number(fields.next()), number(fields.next()));
        (its_device.is_some() && its_device == device && its_revision == revision)
            .then(|| fields.next())
            .flatten()
    });
    match (listed, device) {
        (Some(name), _) => name.to_owned(),
        (None, Some(device)) => format!("{NAMELESS} {device:04x}"),
        (None, None) => NAMELESS.to_owned(),
    }
}

/// The folders (and links to folders) in a folder, by name; none where it can't be read.
fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut all: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    all.sort();
    all
}

fn text(path: &Path) -> io::Result<String> {
    fs::read_to_string(path).map(|text| text.trim().to_owned())
}

fn number<T: std::str::FromStr>(path: &Path) -> Reading<T> {
    match text(path) {
        Ok(text) => match text.parse() {
            Ok(number) => Reading::Value(number),
            Err(_) => Reading::Failed(format!("{} holds no number: “{text}”", path.display())),
        },
        Err(cause) => unread(&cause),
    }
}

/// A file that is not there is a reading that this GPU has not; drivers also say so by “not supported” and “no data”.
fn unread<T>(cause: &io::Error) -> Reading<T> {
    use rustix::io::Errno;
    match Errno::from_io_error(cause) {
        Some(Errno::NOENT | Errno::OPNOTSUPP | Errno::NODATA) => Reading::Unsupported,
        _ => Reading::Failed(cause.to_string()),
    }
}

fn or_else<T>(first: Reading<T>, second: impl FnOnce() -> Reading<T>) -> Reading<T> {
    match first {
        Reading::Unsupported => second(),
        other => other,
    }
}

fn small(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A made tree with two cards: an RX 6900 XT with all its files, and one that tells little.
    fn tree() -> (tempfile::TempDir, Amd) {
        let dir = tempfile::tempdir().expect("temporary folder");
        let sys = dir.path().join("sys");
        let put = |path: &str, text: &str| {
            let path = sys.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        };
        let full = "devices/pci0000:00/0000:03:00.0";
        for (file, text) in [
            ("vendor", "0x1002\n"),
            ("class", "0x030000\n"),
            ("device", "0x73bf\n"),
            ("revision", "0xc0\n"),
            ("unique_id", "4ef3a1b2c3d4e5f6\n"),
            ("gpu_busy_percent", "87\n"),
            ("mem_busy_percent", "31\n"),
            ("mem_info_vram_total", "17163091968\n"),
            ("mem_info_vram_used", "8581545984\n"),
            ("pp_dpm_sclk", "0: 500Mhz\n1: 2475Mhz *\n"),
            ("pp_dpm_mclk", "0: 96Mhz\n1: 1000Mhz *\n"),
            ("hwmon/hwmon3/temp1_input", "66000\n"),
            ("hwmon/hwmon3/power1_average", "201000000\n"),
            ("hwmon/hwmon3/power1_cap", "272000000\n"),
            ("hwmon/hwmon3/fan1_input", "1650\n"),
            ("hwmon/hwmon3/fan1_max", "3300\n"),
            ("drm/renderD128/dev", "226:128\n"),
        ] {
            put(&format!("{full}/{file}"), text);
        }
        let little = "devices/pci0000:00/0000:01:00.0";
        for (file, text) in [
            ("vendor", "0x1002\n"),
            ("device", "0x1638\n"),
            ("mem_info_vram_total", "536870912\n"),
            ("mem_info_vram_used", "nonsense\n"),
            ("hwmon/hwmon1/pwm1", "128\n"),
            ("hwmon/hwmon1/power1_input", "15000000\n"),
            ("hwmon/hwmon1/freq1_input", "400000000\n"),
        ] {
            put(&format!("{little}/{file}"), text);
        }
        put("class/kfd/kfd/topology/nodes/0/gpu_id", "0\n");
        put("class/kfd/kfd/topology/nodes/1/gpu_id", "4711\n");
        put("class/kfd/kfd/topology/nodes/1/properties", "simd_count 160\ndrm_render_minor 128\n");
        put("class/kfd/kfd/proc/900/vram_4711", "4096\n");
        put("class/kfd/kfd/proc/901/vram_99", "4096\n");
        fs::create_dir_all(sys.join("class/drm")).expect("made");
        for (card, device) in [("card0", full), ("card1", little)] {
            fs::create_dir_all(sys.join("class/drm").join(card)).expect("made");
            let link = sys.join("class/drm").join(card).join("device");
            std::os::unix::fs::symlink(sys.join(device), link).expect("linked");
        }
        fs::create_dir_all(sys.join("class/drm/card0-DP-1")).expect("made");
        let models = dir.path().join("amdgpu.ids");
        fs::write(
            &models,
            "# a list\n1.0.0\n73BF,\tC1,\tAMD Radeon RX 6800\n73BF,\tC0,\tAMD Radeon RX 6900 XT\n",
        )
        .expect("written");
        (dir, Amd::new(Files { sys, models }))
    }

    #[test]
    fn cards_are_read_in_full_and_in_the_order_of_the_bus() {
        let (_dir, mut amd) = tree();
        let Seen { gpus, driver } = amd.look(true);
        assert_eq!(driver.expect("it works").fault, None);
        let [little, full] = gpus.as_slice() else { panic!("two cards: {gpus:?}") };
        assert_eq!(
            (full.name.as_str(), full.uuid.as_str()),
            ("AMD Radeon RX 6900 XT", "GPU-4ef3a1b2c3d4e5f6")
        );
        assert_eq!((full.index, full.pci.as_deref()), (1, Some("0000:03:00.0")));
        let numbers = [
            (&full.utilisation, 87),
            (&full.memory_utilisation, 31),
            (&full.temperature, 66),
            (&full.fan, 50),
            (&full.clock, 2475),
            (&full.memory_clock, 1000),
            (&little.fan, 51),
            (&little.clock, 400),
        ];
        for (reading, expected) in numbers {
            assert_eq!(reading, &Reading::Value(expected));
        }
        assert_eq!((&full.power, &full.power_limit), (&Reading::Value(201.0), &Reading::Value(272.0)));
        assert_eq!(
            (&full.memory_used, &full.memory_total),
            (&Reading::Value(8_581_545_984), &Reading::Value(17_163_091_968))
        );
        assert_eq!(
            full.processes().iter().map(|it| (it.pid, it.memory.clone())).collect::<Vec<_>>(),
            [(900, Reading::Value(4096))]
        );
        assert_eq!((little.name.as_str(), little.uuid.as_str()), ("AMD GPU 1638", "AMD-0000:01:00.0"));
        assert_eq!(little.utilisation, Reading::Unsupported, "what is not there is not 0");
        assert!(matches!(&little.memory_used, Reading::Failed(why) if why.contains("nonsense")));
        assert_eq!(little.power, Reading::Value(15.0));
        assert_eq!(little.processes, Reading::Unsupported);
    }

    #[test]
    fn one_that_fell_off_the_bus_is_lost_and_the_other_goes_on() {
        let (dir, mut amd) = tree();
        let card = dir.path().join("sys/devices/pci0000:00/0000:03:00.0");
        fs::write(card.join("gpu_busy_percent"), "").expect("written");
        fs::write(card.join("config"), [0xff; 64]).expect("written");
        let gpus = amd.look(false).gpus;
        assert_eq!(gpus[1].fault.as_ref().map(|fault| fault.kind), Some(GpuFaultKind::Lost));
        assert!(gpus[0].fault.is_none());
    }

    #[test]
    fn hardware_without_its_driver_is_told_from_none() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let files = Files { sys: dir.path().to_owned(), models: dir.path().join("none") };
        assert_eq!(Amd::new(files.clone()).look(true).driver, None);
        let device = dir.path().join("bus/pci/devices/0000:03:00.0");
        fs::create_dir_all(&device).expect("made");
        fs::write(device.join("vendor"), "0x1002\n").expect("written");
        fs::write(device.join("class"), "0x038000\n").expect("written");
        let driver = Amd::new(files).look(true).driver.expect("it is missed");
        assert_eq!(driver.fault.map(|fault| fault.kind), Some(DriverFaultKind::NotLoaded));
    }

    #[test]
    fn the_level_in_use_is_marked() {
        assert_eq!(marked_level("0: 500Mhz\n1: 2475Mhz *\n"), Some(2475));
        assert_eq!(marked_level("0: 500Mhz\n"), None);
        assert_eq!(marked_level("S: 19Mhz *\n0: 500Mhz"), Some(19));
    }
}
