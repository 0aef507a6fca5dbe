//! Who the processes on the GPUs are: owner, command, start time. Read once for each process, from `/proc`.

use std::collections::{HashMap, HashSet};
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use athanor_core::secrets::mask_command;
use athanor_shim::tree::Stat;

use super::sample::{Gpu, ProcessAbout, Reading};

/// Longest command line that is kept, in characters.
const COMMAND_CHARS: usize = 400;

/// Where the users of this machine stand, passwd(5).
const PASSWD: &str = "/etc/passwd";

pub(super) struct Processes {
    /// By pid; the start time says whether it is still the same process.
    known: HashMap<u32, Arc<ProcessAbout>>,
    owners: Owners,
    booted_at: i64,
    ticks_per_second: u64,
}

impl Processes {
    /// `booted_at` is when the machine was started, UTC milliseconds.
    pub(super) fn new(booted_at: i64) -> Self {
        Self {
            known: HashMap::new(),
            owners: Owners::default(),
            booted_at,
            ticks_per_second: rustix::param::clock_ticks_per_second().max(1),
        }
    }

    /// Says of each process on these GPUs who it is, and forgets those that are on none of them.
    pub(super) fn name(&mut self, gpus: &mut [Gpu]) {
        let mut seen = HashSet::new();
        for gpu in gpus.iter_mut() {
            let Reading::Value(processes) = &mut gpu.processes else { continue };
            for process in processes {
                seen.insert(process.pid);
                process.about = self.about(process.pid);
            }
        }
        self.known.retain(|pid, _| seen.contains(pid));
    }

    fn about(&mut self, pid: u32) -> Option<Arc<ProcessAbout>> {
        let stat = Stat::read(pid).ok().flatten()?;
        if let Some(known) = self.known.get(&pid)
            && known.start_ticks == stat.start_ticks
            && known.owner != self.owners.pending(known.user_id)
        {
            return Some(known.clone());
        }
        let user_id = std::fs::metadata(format!("/proc/{pid}")).ok()?.uid();
        let raw = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        let milliseconds = stat.start_ticks.saturating_mul(1000) / self.ticks_per_second;
        let about = Arc::new(ProcessAbout {
            start_ticks: stat.start_ticks,
            started_at: self.booted_at.saturating_add(i64::try_from(milliseconds).unwrap_or(i64::MAX)),
            user_id,
            owner: self.owners.name(user_id),
            command: command(&raw).unwrap_or_else(|| name.trim_end().to_owned()),
            name: name.trim_end().to_owned(),
        });
        self.known.insert(pid, about.clone());
        Some(about)
    }
}

/// A command line as `/proc/PID/cmdline` has it, each word ended by a zero byte. Processes may write there what they
/// like. `None` if it is empty, as that of a kernel thread.
fn command(raw: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(raw);
    let words: Vec<&str> = text.trim_end_matches('\0').split('\0').collect();
    if words.iter().all(|word| word.trim().is_empty()) {
        return None;
    }
    let masked: String = mask_command(&words).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    Some(match masked.char_indices().nth(COMMAND_CHARS) {
        Some((at, _)) => format!("{}…", &masked[..at]),
        None => masked,
    })
}

/// Names of users. Those of a directory service are asked for through `getent`, beside the sampling: the service may
/// take its time.
#[derive(Default)]
struct Owners {
    local: HashMap<u32, String>,
    read_at: Option<SystemTime>,
    asked: Arc<Mutex<HashMap<u32, Option<String>>>>,
}

impl Owners {
    fn name(&mut self, user: u32) -> String {
        let changed = std::fs::metadata(PASSWD).and_then(|about| about.modified()).ok();
        if self.read_at != changed {
            self.local = passwd(&std::fs::read_to_string(PASSWD).unwrap_or_default());
            self.read_at = changed;
        }
        if let Some(name) = self.local.get(&user) {
            return name.clone();
        }
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        match asked.get(&user) {
            Some(Some(name)) => name.clone(),
            Some(None) => user.to_string(),
            None => {
                asked.insert(user, None);
                drop(asked);
                ask(user, self.asked.clone());
                user.to_string()
            }
        }
    }

    /// The name under which a user is known until the directory service has answered, if it has answered since.
    fn pending(&self, user: u32) -> String {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        match asked.get(&user) {
            Some(Some(_)) => user.to_string(),
            _ => String::new(),
        }
    }
}

fn ask(user: u32, answers: Arc<Mutex<HashMap<u32, Option<String>>>>) {
    let spawned = std::thread::Builder::new().name("user-name".into()).spawn(move || {
        let answer = std::process::Command::new("getent").args(["passwd", &user.to_string()]).output();
        let name =
            answer.ok().and_then(|output| passwd(&String::from_utf8_lossy(&output.stdout)).remove(&user));
        if let Some(name) = name {
            answers.lock().unwrap_or_else(PoisonError::into_inner).insert(user, Some(name));
        }
    });
    if let Err(error) = spawned {
        tracing::warn!(%error, user, "no thread to ask for a user's name: the number is shown");
    }
}

/// User ids and names, as passwd(5) lists them.
fn passwd(text: &str) -> HashMap<u32, String> {
    let mut names = HashMap::new();
    for line in text.lines() {
        let mut fields = line.split(':');
        let (Some(name), Some(_), Some(id)) = (fields.next(), fields.next(), fields.next()) else { continue };
        if let Ok(id) = id.parse() {
            names.entry(id).or_insert_with(|| name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_named_once_and_known_again() {
        let mut processes = Processes::new(1_000_000);
        let own = std::process::id();
        let about = processes.about(own).expect("this process runs");
        assert_eq!(about.user_id, rustix::process::getuid().as_raw());
        assert!(about.started_at > 1_000_000 && !about.command.is_empty() && !about.owner.is_empty());
        let again = processes.about(own).expect("it still runs");
        assert!(Arc::ptr_eq(&about, &again));
        assert_eq!(processes.about(u32::MAX >> 2), None, "nobody has this pid");
    }

    #[test]
    fn command_lines_are_words_without_secrets() {
        assert_eq!(
            command(b"python\0train.py\0--api-key\0abc\0").as_deref(),
            Some("python train.py --api-key •••")
        );
        assert_eq!(command(b"nginx: worker\0\0\0").as_deref(), Some("'nginx: worker'"));
        assert_eq!(command(b"\0\0"), None);
        let long = command(&vec![b'x'; 5_000]).expect("one word");
        assert_eq!(long.chars().count(), COMMAND_CHARS + 1);
        assert_eq!(command(b"a\x1b[31m\0").as_deref(), Some("a [31m"));
    }

    #[test]
    fn names_of_users_are_the_first_of_each_id() {
        let names =
            passwd("root:x:0:0:root:/:/bin/sh\ntoor:x:0:0::/:/bin/sh\nbad\nmia:x:1000:1000::/:/bin/sh\n");
        assert_eq!((names[&0].as_str(), names[&1000].as_str(), names.len()), ("root", "mia", 2));
    }
}
