//! What the library knows: the script as last read, what was opened, and what has happened so far.

use std::collections::{BTreeMap, HashMap};
use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::SCRIPT_VARIABLE;
use crate::script::{ErrorCode, Fault, Gpu, Instance, Process, Script, Series, Work};

/// A script is looked at again after so long at the earliest.
const FRESH: Duration = Duration::from_millis(10);

/// How long a call that hangs sleeps between two looks at the script.
const PAUSE: Duration = Duration::from_millis(20);

/// Modified (seconds and nanoseconds), inode, size: what tells a file from what it was.
type Stamp = (i64, i64, u64, u64);

#[derive(Default)]
pub(crate) struct State {
    script: Option<Script>,
    stamp: Option<Stamp>,
    looked: Option<Instant>,
    began: Option<Instant>,
    /// The driver's generation when the library was initialised.
    opened: Option<u64>,
    /// How often a fault that strikes a few times has struck, by GPU and entry point.
    struck: HashMap<(Option<usize>, String), u32>,
    /// Joules by GPU, and up to when they are counted.
    energy: HashMap<usize, (f64, f64)>,
}

/// What a handle of a device stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Handle {
    pub gpu: usize,
    pub instance: Option<usize>,
}

impl Handle {
    /// As the number that callers are given in the place of a pointer. 0 is none.
    pub fn number(self) -> usize {
        ((self.gpu + 1) << 8) | self.instance.map_or(0, |instance| instance + 1)
    }

    pub fn from_number(number: usize) -> Option<Self> {
        Some(Self { gpu: (number >> 8).checked_sub(1)?, instance: (number & 0xff).checked_sub(1) })
    }
}

static STATE: Mutex<Option<State>> = Mutex::new(None);

/// What a call works with.
pub(crate) struct Call {
    state: MutexGuard<'static, Option<State>>,
    /// Seconds since the library was loaded.
    pub seconds: f64,
}

impl Call {
    /// Begins a call: reads the script if it has changed, and does what it says of this entry point.
    pub fn begin(entry: &str, device: Option<Handle>) -> Result<Self, ErrorCode> {
        let is_init = entry.starts_with("nvmlInit");
        let mut was_slow = false;
        loop {
            let mut call = Self { state: STATE.lock().unwrap_or_else(PoisonError::into_inner), seconds: 0.0 };
            let state = call.state.get_or_insert_default();
            call.seconds = state.began.get_or_insert_with(Instant::now).elapsed().as_secs_f64();
            state.read();
            let wait = state.fault(entry, device)?;
            let State { script: Some(script), opened, stamp, .. } = state else {
                return Err(ErrorCode::Unknown);
            };
            let stamp = *stamp;
            match wait {
                Some(Wait::Slow(_)) if was_slow => {}
                None => {}
                Some(wait) => {
                    // Others may call meanwhile, as they may a driver.
                    drop(call);
                    match wait {
                        Wait::Hang => wait_for_change(stamp),
                        Wait::Slow(time) => wait_for_time(time),
                    }
                    was_slow = true;
                    continue;
                }
            }
            if is_init {
                *opened = Some(script.generation);
            } else if *opened != Some(script.generation) {
                return Err(ErrorCode::Uninitialized);
            }
            if device.is_some_and(|device| device.gpu >= script.gpus.len()) {
                return Err(ErrorCode::InvalidArgument);
            }
            return Ok(call);
        }
    }

    /// Nothing is open any more.
    pub fn close(mut self) {
        if let Some(state) = &mut *self.state {
            state.opened = None;
        }
    }

    pub fn script(&self) -> Result<&Script, ErrorCode> {
        self.state.as_ref().and_then(|state| state.script.as_ref()).ok_or(ErrorCode::Unknown)
    }

    pub fn gpu(&self, device: Handle) -> Result<&Gpu, ErrorCode> {
        self.script()?.gpus.get(device.gpu).ok_or(ErrorCode::InvalidArgument)
    }

    pub fn instance(&self, device: Handle) -> Result<Option<&Instance>, ErrorCode> {
        let Some(number) = device.instance else { return Ok(None) };
        let instances = self.gpu(device)?.mig.as_deref().unwrap_or_default();
        instances.get(number).map(Some).ok_or(ErrorCode::InvalidArgument)
    }

    /// A reading of the whole GPU now. Instances have none, as in NVIDIA's driver.
    pub fn reading(&self, device: Handle, pick: impl Fn(&Gpu) -> Option<&Series>) -> Result<f64, ErrorCode> {
        if device.instance.is_some() {
            return Err(ErrorCode::NotSupported);
        }
        let series = pick(self.gpu(device)?).ok_or(ErrorCode::NotSupported)?;
        Ok(series.at(self.seconds).max(0.0))
    }

    /// What runs there now: the script's processes, and those that are followed.
    pub fn processes(&self, device: Handle) -> Result<Vec<Process>, ErrorCode> {
        if let Some(instance) = self.instance(device)? {
            let mut all = instance.processes.clone();
            if let Some(share) = &self.gpu(device)?.follow {
                all.extend(followed(&instance.uuid).into_iter().map(|pid| share.process(pid)));
            }
            return Ok(all);
        }
        let gpu = self.gpu(device)?;
        let mut all = gpu.processes.clone();
        if let Some(share) = &gpu.follow {
            all.extend(followed(&gpu.uuid).into_iter().map(|pid| share.process(pid)));
        }
        Ok(all)
    }

    /// Joules drawn since the library was loaded.
    pub fn energy(&mut self, device: Handle, watts: f64) -> f64 {
        let now = self.seconds;
        let Some(state) = &mut *self.state else { return 0.0 };
        let (joules, until) = state.energy.entry(device.gpu).or_insert((0.0, 0.0));
        *joules += watts * (now - *until);
        *until = now;
        *joules
    }
}

impl crate::script::Share {
    fn process(&self, pid: u32) -> Process {
        Process { pid, memory: Some(self.memory), utilisation: self.utilisation.clone(), work: Work::Compute }
    }
}

enum Wait {
    Hang,
    Slow(Duration),
}

impl State {
    /// Reads the script if it is another than before. One that can't be read leaves nothing: every call then fails.
    fn read(&mut self) {
        if self.looked.is_some_and(|looked| looked.elapsed() < FRESH) {
            return;
        }
        self.looked = Some(Instant::now());
        let now = stamp();
        if now.is_some() && now == self.stamp {
            return;
        }
        self.stamp = now;
        self.struck.clear();
        let text = path().and_then(|path| std::fs::read(path).ok());
        self.script = text.and_then(|text| match serde_json::from_slice(&text) {
            Ok(script) => Some(script),
            Err(cause) => {
                eprintln!("athanor-nvml-test: the script can't be read: {cause}");
                None
            }
        });
    }

    /// What goes wrong with this call, if anything does.
    fn fault(&mut self, entry: &str, device: Option<Handle>) -> Result<Option<Wait>, ErrorCode> {
        let Some(script) = &self.script else { return Err(ErrorCode::Unknown) };
        let of = |faults: &BTreeMap<String, Fault>| faults.get(entry).or_else(|| faults.get("*")).cloned();
        let gpu = device.map(|device| device.gpu);
        let own = gpu.and_then(|gpu| script.gpus.get(gpu)).and_then(|gpu| of(&gpu.faults));
        match own.or_else(|| of(&script.faults)) {
            None | Some(Fault::Hang { hang: false }) => Ok(None),
            Some(Fault::Error(error)) => Err(error),
            Some(Fault::Times { error, times }) => {
                let struck = self.struck.entry((gpu, entry.to_owned())).or_default();
                if *struck >= times {
                    return Ok(None);
                }
                *struck += 1;
                Err(error)
            }
            Some(Fault::Hang { hang: true }) => Ok(Some(Wait::Hang)),
            Some(Fault::Slow { slow_ms }) => Ok(Some(Wait::Slow(Duration::from_millis(slow_ms)))),
        }
    }
}

fn wait_for_time(time: Duration) {
    std::thread::sleep(time);
}

fn wait_for_change(before: Option<Stamp>) {
    while stamp() == before {
        std::thread::sleep(PAUSE);
    }
}

fn stamp() -> Option<Stamp> {
    let about = std::fs::metadata(path()?).ok()?;
    Some((about.mtime(), about.mtime_nsec(), about.ino(), about.len()))
}

/// Where the script is.
fn path() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os(SCRIPT_VARIABLE) {
        return Some(path.into());
    }
    let mut library = own_path()?.into_os_string();
    library.push(".json");
    Some(library.into())
}

/// The file that this code was loaded from.
#[allow(unsafe_code, reason = "only the loader knows from which file a function came")]
fn own_path() -> Option<PathBuf> {
    let own: fn() -> Option<PathBuf> = own_path;
    // SAFETY: an all-zero Dl_info is a valid one; dladdr fills it for an address within this library, and the name that
    // it then points to lives as long as the library does.
    unsafe {
        let mut info: libc::Dl_info = std::mem::zeroed();
        if libc::dladdr(own as *const libc::c_void, &raw mut info) == 0 || info.dli_fname.is_null() {
            return None;
        }
        Some(PathBuf::from(OsStr::from_bytes(CStr::from_ptr(info.dli_fname).to_bytes())))
    }
}

/// The processes whose `CUDA_VISIBLE_DEVICES` names this GPU, without those that only wait for another of them, as a
/// shell does for its command. Those of others can't be looked into.
fn followed(uuid: &str) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let mut pids: Vec<u32> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid: &u32| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| {
                let value = variable.strip_prefix(b"CUDA_VISIBLE_DEVICES=").unwrap_or_default();
                value.split(|byte| *byte == b',').any(|named| named == uuid.as_bytes())
            })
        })
        .collect();
    let parents: Vec<u32> = pids.iter().filter_map(|pid| parent(*pid)).collect();
    pids.retain(|pid| !parents.contains(pid));
    pids.sort_unstable();
    pids
}

/// The fourth field of `/proc/PID/stat`; the second may hold spaces and stands in parentheses.
fn parent(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}
