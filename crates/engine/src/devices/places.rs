//! The file systems that hold something of ours, and the machine's thermometers.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::sample::{Disk, Reading, Temperature};

/// A folder whose file system is of interest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What it is, such as “project vit”.
    pub what: String,
    /// Where it is.
    pub path: PathBuf,
}

/// What the file system of the data folder is called.
pub const DATA_FOLDER: &str = "Data folder";

/// A mounted file system, as `/proc/self/mountinfo` names it (proc_pid_mountinfo(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mount {
    at: PathBuf,
    file_system: String,
}

/// The file systems of the data folder and of other places, each once. May block where a server does not answer.
pub(super) fn disks(data: &Path, places: &[Place]) -> Vec<Disk> {
    let mounts = mounts(&std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default());
    let mut found: Vec<Disk> = Vec::new();
    let mut by_device: HashMap<u64, usize> = HashMap::new();
    let first = Place { what: "data folder".into(), path: data.to_owned() };
    for (number, place) in std::iter::once(&first).chain(places).enumerate() {
        // A folder that is gone has no file system; its project says so elsewhere.
        let Ok(about) = std::fs::metadata(&place.path) else { continue };
        let device = std::os::unix::fs::MetadataExt::dev(&about);
        if let Some(at) = by_device.get(&device) {
            if !found[*at].holds.contains(&place.what) {
                found[*at].holds.push(place.what.clone());
            }
            continue;
        }
        by_device.insert(device, found.len());
        found.push(disk(place, number == 0, &mounts));
    }
    found
}

fn disk(place: &Place, is_data: bool, mounts: &[Mount]) -> Disk {
    let real = std::fs::canonicalize(&place.path).unwrap_or_else(|_| place.path.clone());
    // Later lines stand over earlier ones with the same mount point.
    let mount = mounts
        .iter()
        .filter(|mount| real.starts_with(&mount.at))
        .max_by_key(|mount| mount.at.components().count());
    let space = rustix::fs::statvfs(&place.path).map_err(|cause| cause.to_string());
    let reading = |pick: fn(&rustix::fs::StatVfs) -> u64| match &space {
        Ok(space) => Reading::Value(pick(space)),
        Err(cause) => Reading::Failed(cause.clone()),
    };
    let label = match mount {
        _ if is_data => DATA_FOLDER.to_owned(),
        Some(mount) => mount.at.display().to_string(),
        None => place.path.display().to_string(),
    };
    Disk {
        label,
        holds: vec![place.what.clone()],
        path: place.path.clone(),
        mount: mount.map(|mount| mount.at.clone()),
        file_system: mount.map(|mount| mount.file_system.clone()),
        free: reading(|space| space.f_bavail.saturating_mul(space.f_frsize)),
        total: reading(|space| space.f_blocks.saturating_mul(space.f_frsize)),
    }
}

fn mounts(text: &str) -> Vec<Mount> {
    text.lines()
        .filter_map(|line| {
            let (left, right) = line.split_once(" - ")?;
            Some(Mount {
                at: unescape(left.split(' ').nth(4)?).into(),
                file_system: right.split(' ').next()?.to_owned(),
            })
        })
        .collect()
}

/// Space, tab, line end and backslash stand as three octal digits.
pub(crate) fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        let code =
            more.get(..3).filter(|_| *first == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &more[3..];
            }
            None => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The machine's thermometers, by name. Some of them take milliseconds to answer.
pub(super) struct Thermometers(Result<sysinfo::Components, String>);

impl Thermometers {
    pub(super) fn new() -> Self {
        Self(sysinfo::Components::new_with_refreshed_list().map_err(|cause| cause.to_string()))
    }

    pub(super) fn look(&mut self) -> Vec<Temperature> {
        let Ok(components) = &mut self.0 else { return Vec::new() };
        components.refresh(true);
        let mut all: Vec<Temperature> = components
            .iter()
            .map(|component| Temperature {
                label: component.label().to_owned(),
                value: match component.temperature() {
                    Some(celsius) if celsius.is_finite() => Reading::Value(f64::from(celsius)),
                    _ => Reading::Unsupported,
                },
                critical: component.critical().filter(|limit| limit.is_finite()).map(f64::from),
            })
            .collect();
        all.sort_by(|a, b| a.label.cmp(&b.label));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_read_with_their_types_and_escapes() {
        let text = "36 35 98:0 / /mnt/my\\040data rw,noatime master:1 - ext4 /dev/sda1 rw\n\
                    37 35 0:45 / / rw - overlay overlay rw,lowerdir=/a\n\
                    nonsense";
        let expected = |at: &str, file_system: &str| Mount { at: at.into(), file_system: file_system.into() };
        assert_eq!(mounts(text), [expected("/mnt/my data", "ext4"), expected("/", "overlay")]);
        assert_eq!(unescape("a\\134b\\9"), "a\\b\\9");
    }

    #[test]
    fn a_file_system_is_named_once_with_all_that_it_holds() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let place = |what: &str, path: &Path| Place { what: what.into(), path: path.to_owned() };
        let gone = dir.path().join("gone");
        let all =
            [place("project a", dir.path()), place("project b", &gone), place("kernel", Path::new("/proc"))];
        let found = disks(dir.path(), &all);
        assert_eq!(found[0].holds, ["data folder", "project a"]);
        assert_eq!(found[0].label, DATA_FOLDER);
        assert!(found[0].total.value() >= found[0].free.value() && found[0].free.value() > Some(&0));
        assert_eq!((found.len(), found[1].label.as_str()), (2, "/proc"));
        assert_eq!(found[1].file_system.as_deref(), Some("proc"));
    }
}
