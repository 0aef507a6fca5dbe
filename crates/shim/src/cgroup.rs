//! Control groups (version 2): the kernel's own notion of "all that belongs to this job".
//!
//! Where the group that a shim is in belongs to the user (as below systemd's user manager) or to root, a job that has
//! run for a while gets a group of its own below it. The kernel then ends all of it in one step, forks included
//! (`cgroup.kill`, since 5.14), and after a shim was killed the group still tells what was the job's. Nothing is limited by
//! it: no controller is enabled. See `cgroups(7)` and the kernel's `admin-guide/cgroup-v2`.
//!
//! Elsewhere the process tree below the shim has to do, which finds the same as long as the shim lives.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::CGROUP;
use crate::identity::{Identity, boot_id};

/// A job's group. The shim that made it removes it; after the shim was killed an engine does.
#[derive(Debug)]
pub struct Group {
    path: PathBuf,
}

impl Group {
    /// Makes a group for the job of the shim that calls this, below the group that it is in itself, and leaves its path
    /// in the attempt's folder. `None` where that may not be done.
    pub fn make(shim: &Identity, attempt: &Path) -> Option<Group> {
        let parent = own_group().ok()??;
        let path = parent.join(name(shim));
        fs::create_dir(&path).ok()?;
        let group = Group { path };
        // Without the one it can't end anything, without the other nobody would find it.
        let useful = group.path.join(KILL).exists();
        if useful && fs::write(attempt.join(CGROUP), group.path.as_os_str().as_bytes()).is_ok() {
            return Some(group);
        }
        group.remove();
        None
    }

    /// The group that a shim, which was killed, has left behind. `None` if it had none, or has removed it.
    ///
    /// # Errors
    /// The boot id can't be read.
    pub fn left_by(shim: &Identity, attempt: &Path) -> Result<Option<Group>, crate::Error> {
        if shim.boot_id != boot_id()? {
            return Ok(None);
        }
        let Ok(text) = fs::read(attempt.join(CGROUP)) else { return Ok(None) };
        let path = PathBuf::from(std::ffi::OsString::from_vec(text));
        // Only what such a shim can have made: whoever else writes into the folder has no group ended.
        let ours = path.file_name() == Some(OsStr::new(&name(shim))) && path.join(KILL).is_file();
        Ok(ours.then_some(Group { path }))
    }

    /// Takes in a process; what it starts from here on is born in the group.
    ///
    /// # Errors
    /// It has ended, or belongs to somebody else.
    pub fn take(&self, pid: u32) -> io::Result<()> {
        self.write("cgroup.procs", &pid.to_string())
    }

    /// Sends SIGKILL to all that is in it and below it, in one step.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn kill(&self) -> io::Result<()> {
        self.write(KILL, "1")
    }

    /// How many processes are in it, not counting groups that the job itself has made below it.
    pub fn count(&self) -> usize {
        fs::read_to_string(self.path.join("cgroup.procs")).map_or(0, |text| text.lines().count())
    }

    /// Removes it, with the groups that the job has made below it, as far as nothing is in them any more.
    pub fn remove(self) {
        remove_below(&self.path, 0);
    }

    fn write(&self, file: &str, text: &str) -> io::Result<()> {
        fs::OpenOptions::new().write(true).open(self.path.join(file))?.write_all(text.as_bytes())
    }
}

const KILL: &str = "cgroup.kill";

/// Groups in groups that are looked into before one is removed.
const DEEPEST: usize = 8;

fn remove_below(path: &Path, depth: usize) {
    if depth < DEEPEST
        && let Ok(entries) = fs::read_dir(path)
    {
        for entry in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
            remove_below(&entry.path(), depth + 1);
        }
    }
    // Refused while something is in it; a group that stays costs a few kilobytes.
    let _ = fs::remove_dir(path);
}

fn name(shim: &Identity) -> String {
    format!("athanor-{}-{}", shim.pid, shim.start_ticks)
}

/// The folder of the group that this process is in; `None` where version 2 is not mounted.
fn own_group() -> io::Result<Option<PathBuf>> {
    let (mounts, groups) = (fs::read("/proc/self/mountinfo")?, fs::read("/proc/self/cgroup")?);
    Ok(folder(&mounts, &groups))
}

/// The same from the two files; see `proc_pid_mountinfo(5)` and `cgroups(7)`.
fn folder(mounts: &[u8], groups: &[u8]) -> Option<PathBuf> {
    let group = lines(groups).find_map(|line| line.strip_prefix(b"0::"))?;
    lines(mounts).find_map(|line| {
        let mut fields = line.split(|byte| *byte == b' ');
        let (root, point) = (fields.nth(3)?, fields.next()?);
        let kind = fields.skip_while(|field| *field != b"-").nth(1)?;
        if kind != b"cgroup2" {
            return None;
        }
        // What is mounted may be a part of the tree only, as in a container.
        let below = match root {
            b"/" => group,
            root => group.strip_prefix(root).filter(|rest| rest.is_empty() || rest.starts_with(b"/"))?,
        };
        let mut path = unescape(point);
        path.extend_from_slice(below);
        Some(PathBuf::from(std::ffi::OsString::from_vec(path)))
    })
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n')
}

/// Spaces and the like stand as three octal digits behind a backslash.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        let octal = (first == b'\\').then(|| tail.get(..3)).flatten();
        let code = octal.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        match code {
            Some(code) => {
                out.push(code);
                rest = &tail[3..];
            }
            None => {
                out.push(first);
                rest = tail;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "22 28 0:20 / /proc rw - proc proc rw\n\
        30 28 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";

    fn found(mounts: &str, groups: &str) -> Option<String> {
        folder(mounts.as_bytes(), groups.as_bytes()).map(|path| path.display().to_string())
    }

    #[test]
    fn the_own_group_is_found_below_its_mount() {
        let own = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/a.scope\n";
        let expected = "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/a.scope";
        assert_eq!(found(MOUNTS, own).as_deref(), Some(expected));
        assert_eq!(found(MOUNTS, "9:cpu:/x\n0::/\n").as_deref(), Some("/sys/fs/cgroup/"), "beside version 1");
        assert_eq!(found(MOUNTS, "9:cpu:/x\n"), None, "version 1 alone");
        assert_eq!(found("22 28 0:20 / /proc rw - proc proc rw\n", own), None, "not mounted");
    }

    #[test]
    fn a_part_of_the_tree_can_be_mounted_and_its_place_can_hold_spaces() {
        let mounts = "30 28 0:26 /box /mnt/my\\040groups rw - cgroup2 none rw\n";
        assert_eq!(found(mounts, "0::/box/a\n").as_deref(), Some("/mnt/my groups/a"));
        assert_eq!(found(mounts, "0::/boxes/a\n"), None, "outside of what is mounted");
        for cut in 0..mounts.len() {
            let _ = found(&mounts[..cut], "0::/box/a");
        }
    }

    #[test]
    fn only_a_group_of_that_name_is_taken_for_a_shims() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let shim = Identity { pid: 7, start_ticks: 8, boot_id: boot_id().expect("readable") };
        assert!(Group::left_by(&shim, dir.path()).expect("readable").is_none(), "none was made");
        for (name, there) in [("athanor-7-8", true), ("athanor-7-9", false), ("system.slice", false)] {
            let group = dir.path().join(name);
            fs::create_dir(&group).expect("folder");
            fs::write(group.join(KILL), "").expect("file");
            fs::write(dir.path().join(CGROUP), group.as_os_str().as_bytes()).expect("file");
            assert_eq!(Group::left_by(&shim, dir.path()).expect("readable").is_some(), there, "{name}");
        }
        let other = Identity { boot_id: "another".to_owned(), ..shim };
        fs::write(dir.path().join(CGROUP), dir.path().join("athanor-7-8").as_os_str().as_bytes())
            .expect("file");
        assert!(Group::left_by(&other, dir.path()).expect("readable").is_none(), "of an earlier boot");
    }
}
