//! Processes as `/proc` shows them, and the tree below one of them.
//!
//! A shim is a child subreaper: whatever its job starts stays below it, even after a double fork or `setsid`,
//! so "the job's processes" means "the shim's descendants". After a shim was killed that link is cut; then the
//! session, which only the shim can have founded, is what is left (see [`session`]).

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read};

use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, kill_process, kill_process_group, pidfd_open, pidfd_send_signal,
};

/// The fields of `/proc/PID/stat` that supervision needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Process id.
    pub pid: u32,
    /// One letter: `R`, `S`, `D`, `T` (stopped), `Z` (zombie) and so on.
    pub state: u8,
    /// Parent.
    pub ppid: u32,
    /// Process group.
    pub group: u32,
    /// Session.
    pub session: u32,
    /// Threads that have not ended.
    pub threads: u32,
    /// Start time in clock ticks since boot; with the pid it names a process for as long as the machine is up.
    pub start_ticks: u64,
}

impl Stat {
    /// Reads the state of a process; `None` if there is no process with that pid.
    pub fn read(pid: u32) -> io::Result<Option<Stat>> {
        // The line is below 400 bytes; the name inside it is cut at 15 bytes (63 for kernel threads).
        let mut line = [0u8; 1024];
        let mut len = 0;
        let read = fs::File::open(format!("/proc/{pid}/stat")).and_then(|mut file| {
            while len < line.len() {
                match file.read(&mut line[len..])? {
                    0 => break,
                    n => len += n,
                }
            }
            Ok(())
        });
        match read {
            Ok(()) => match Stat::parse(&line[..len]) {
                Some(stat) => Ok(Some(stat)),
                None => {
                    Err(io::Error::new(io::ErrorKind::InvalidData, format!("unreadable /proc/{pid}/stat")))
                }
            },
            Err(error) if vanished(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Parses the line. The name may hold spaces, parentheses and line ends, so fields count from its last `)`.
    pub fn parse(line: &[u8]) -> Option<Stat> {
        let close = line.iter().rposition(|&b| b == b')')?;
        let open = line.iter().position(|&b| b == b'(')?;
        let pid = std::str::from_utf8(&line[..open]).ok()?.trim().parse().ok()?;
        let rest = std::str::from_utf8(&line[close + 1..]).ok()?;
        // Numbered as in proc_pid_stat(5), where the state is field 3.
        let mut fields = (3..).zip(rest.split_ascii_whitespace());
        let mut field = |number: u32| fields.find(|(n, _)| *n == number).map(|(_, text)| text);
        Some(Stat {
            pid,
            state: *field(3)?.as_bytes().first()?,
            ppid: field(4)?.parse().ok()?,
            // Kernel threads and processes of other pid namespaces show 0 here; both are never ours.
            group: field(5)?.parse().unwrap_or(0),
            session: field(6)?.parse().unwrap_or(0),
            threads: field(20)?.parse().ok()?,
            start_ticks: field(22)?.parse().ok()?,
        })
    }

    /// Whether the process can still run code. A main thread that has ended shows as a zombie while other
    /// threads live on, and such a process is alive.
    pub fn is_alive(&self) -> bool {
        match self.state {
            b'X' | b'x' => false,
            b'Z' => self.threads > 1,
            _ => true,
        }
    }

    /// Pid and start time: what tells this process from a later one with the same pid.
    pub fn key(&self) -> (u32, u64) {
        (self.pid, self.start_ticks)
    }

    /// Sends a signal to exactly this process and to no later owner of its pid. A process that is already gone
    /// is no error; one that may not be signalled is (`EPERM`).
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        let Some(pid) = raw(self.pid) else { return Ok(()) };
        let pidfd = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(fd) => Some(fd),
            Err(Errno::SRCH) => return Ok(()),
            // Kernels before 5.3, and some sandboxes: the check below still leaves only microseconds.
            Err(Errno::NOSYS | Errno::PERM | Errno::INVAL) => None,
            Err(error) => return Err(error.into()),
        };
        // The handle is bound by now, so if the start time still matches, the handle is of the right process.
        match Stat::read(self.pid)? {
            Some(now) if now.start_ticks == self.start_ticks => {}
            _ => return Ok(()),
        }
        let sent = match &pidfd {
            Some(fd) => pidfd_send_signal(fd, signal),
            None => kill_process(pid, signal),
        };
        match sent {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// All processes that `/proc` shows.
pub fn all() -> io::Result<Vec<Stat>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Ok(entry) = entry else { continue };
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // One that may not be read is another user's and hidden from us.
        if let Ok(Some(stat)) = Stat::read(pid) {
            found.push(stat);
        }
    }
    Ok(found)
}

/// The processes below `root`, without `root` itself, zombies included.
///
/// `/proc` is no snapshot: a process whose parent ended while the list was read can be missing. Callers that
/// need certainty repeat until nothing is left.
pub fn descendants(root: u32) -> io::Result<Vec<Stat>> {
    Ok(below(root, all()?))
}

/// The processes of one session, zombies included. For a shim that was killed this finds what remains of its
/// job, save what founded a session of its own.
pub fn session(session: u32) -> io::Result<Vec<Stat>> {
    Ok(all()?.into_iter().filter(|stat| stat.session == session).collect())
}

/// Direct children of the calling thread's process, ended ones included, by the fastest way there is. What one
/// of them starts becomes a child as well when it ends, so a look at the children alone keeps up with processes
/// that a walk through `/proc` would always come too late for. The caller must have one thread only.
pub fn children(own: u32) -> io::Result<Vec<u32>> {
    match fs::read_to_string(format!("/proc/{own}/task/{own}/children")) {
        Ok(text) => Ok(text.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect()),
        // A kernel built without it.
        Err(_) => Ok(all()?.into_iter().filter(|stat| stat.ppid == own).map(|stat| stat.pid).collect()),
    }
}

/// Sends a signal once to each of these processes. Returns how many refused it.
pub fn signal_each(targets: &[Stat], signal: Signal) -> usize {
    targets.iter().filter(|target| target.signal(signal).is_err()).count()
}

/// Sends a signal that may come twice (to stop, go on, or kill): first to whole groups, which the kernel does in
/// one step that no fork can outrun, then to each process, since one that has just left its group would be
/// missed. Returns how many refused it.
///
/// `owned` says whether the group of a process can be signalled as a whole, that is whether it holds nothing
/// but targets. A group whose leader is among the targets always can.
pub fn signal_groups(targets: &[Stat], signal: Signal, owned: impl Fn(&Stat) -> bool) -> usize {
    let mut groups: Vec<u32> =
        targets.iter().filter(|t| t.pid == t.group || owned(t)).map(|t| t.group).collect();
    groups.sort_unstable();
    groups.dedup();
    // Neither "my own group" nor "everybody".
    for group in groups.into_iter().filter(|group| *group > 1) {
        if let Some(pid) = raw(group) {
            // Who refuses shows below.
            let _ = kill_process_group(pid, signal);
        }
    }
    signal_each(targets, signal)
}

fn below(root: u32, all: Vec<Stat>) -> Vec<Stat> {
    let mut children: HashMap<u32, Vec<Stat>> = HashMap::new();
    for stat in all {
        children.entry(stat.ppid).or_default().push(stat);
    }
    let mut found = Vec::new();
    let mut open = vec![root];
    while let Some(parent) = open.pop() {
        for child in children.remove(&parent).unwrap_or_default() {
            if child.pid != root {
                open.push(child.pid);
                found.push(child);
            }
        }
    }
    found
}

pub(crate) fn raw(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

fn vanished(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ESRCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "4242 (a) b (c)\n) S 17 4240 4200 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 3 0 987654 1 2";

    #[test]
    fn a_name_with_spaces_and_parentheses_is_skipped() {
        let stat = Stat::parse(LINE.as_bytes()).expect("the line is well-formed");
        let expected = Stat {
            pid: 4242,
            state: b'S',
            ppid: 17,
            group: 4240,
            session: 4200,
            threads: 3,
            start_ticks: 987654,
        };
        assert_eq!(stat, expected);
        for cut in 0..LINE.len() - 8 {
            // No cut panics; a cut number may still read as a number.
            let _ = Stat::parse(&LINE.as_bytes()[..cut]);
        }
    }

    #[test]
    fn this_process_is_alive_and_pid_0_is_none() {
        let stat = Stat::read(std::process::id()).expect("own state is readable").expect("and present");
        assert!(stat.is_alive());
        assert!(Stat::read(u32::MAX).expect("a missing process is no error").is_none());
    }

    #[test]
    fn only_what_hangs_below_the_root_is_found() {
        let stat = |pid, ppid| Stat {
            pid,
            ppid,
            state: b'S',
            group: pid,
            session: 1,
            threads: 1,
            start_ticks: u64::from(pid),
        };
        let all = vec![stat(1, 0), stat(10, 1), stat(11, 10), stat(12, 11), stat(20, 1), stat(5, 12)];
        let mut pids: Vec<u32> = below(10, all).iter().map(|s| s.pid).collect();
        pids.sort_unstable();
        assert_eq!(pids, [5, 11, 12]);
    }
}
