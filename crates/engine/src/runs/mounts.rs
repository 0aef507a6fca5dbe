//! File systems that are mounted and unmounted, as the kernel tells of them: a folder may be empty only because what it
//! stands for is not there yet, and no watch on it tells when that has changed.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::Instant;

use super::keeper::Keeper;
use super::rest::Rest;
use crate::devices::unescape;
use crate::monitor::watches::register;

/// What is mounted, for this process.
const LIST: &str = "/proc/self/mountinfo";

/// How long a burst is gathered: a machine that starts mounts everything at once.
const GATHER: Duration = Duration::from_millis(200);

/// What is mounted where. The last of several at one place is the one that is seen.
type Table = BTreeMap<PathBuf, String>;

/// Tells when what is mounted changes: `poll` on `/proc/self/mountinfo` then says so (proc_pid_mountinfo(5)).
#[derive(Debug, Default)]
pub(super) struct Mounts {
    /// Not where there is no such file.
    file: Option<AsyncFd<OwnedFd>>,
    table: Table,
}

impl Mounts {
    /// As they are now. Must be called within the runtime.
    pub fn begin() -> Self {
        let open = || {
            let file = register(File::open(LIST)?.into(), Interest::PRIORITY)?;
            Ok::<_, std::io::Error>(Self { file: Some(file), table: read()? })
        };
        open().unwrap_or_else(|error| {
            tracing::info!(%error, "it is not told here when file systems are mounted");
            Self::default()
        })
    }

    /// Waits for a change, and answers where there is another file system now, or none.
    pub async fn changed(&mut self) -> Vec<PathBuf> {
        let Some(file) = &self.file else { return std::future::pending().await };
        loop {
            let Ok(mut ready) = file.ready(Interest::PRIORITY).await else { std::future::pending().await };
            tokio::time::sleep(GATHER).await;
            // What changes from here on is told again.
            ready.clear_ready();
            let now = match read() {
                Ok(now) => now,
                Err(error) => {
                    tracing::warn!(%error, "the list of mounted file systems can't be read");
                    continue;
                }
            };
            let changed = differences(&self.table, &now);
            self.table = now;
            if !changed.is_empty() {
                return changed;
            }
        }
    }
}

fn read() -> std::io::Result<Table> {
    std::fs::read_to_string(LIST).map(|text| parse(&text))
}

fn parse(text: &str) -> Table {
    let mount = |line: &str| {
        let (left, right) = line.split_once(" - ")?;
        let mut fields = left.split(' ');
        // Its number in the kernel, which a later mount of the same does not have.
        let id = fields.next()?;
        let at = fields.nth(3)?;
        let mut right = right.split(' ');
        Some((unescape(at).into(), format!("{id} {} {}", right.next()?, right.next()?)))
    };
    text.lines().filter_map(mount).collect()
}

fn differences(before: &Table, now: &Table) -> Vec<PathBuf> {
    let of = |one: &Table, other: &Table| {
        let differs = |(at, what): &(&PathBuf, &String)| other.get(*at) != Some(*what);
        one.iter().filter(differs).map(|(at, _)| at.clone()).collect::<Vec<_>>()
    };
    let mut all = of(now, before);
    all.extend(of(before, now).into_iter().filter(|at| !now.contains_key(at)));
    all
}

/// Whether what lies below a folder may have changed by a mount there.
fn concerns(folder: &Path, at: &Path) -> bool {
    folder.starts_with(at) || at.starts_with(folder)
}

impl Keeper {
    /// Something was mounted or unmounted: what lies there is looked at, and followed, anew.
    pub(super) fn mounted(&mut self, places: &[PathBuf]) {
        let concerned = |path: &str| places.iter().any(|at| concerns(Path::new(path), at));
        let roots: Vec<i64> =
            self.roots.iter().filter(|(_, root)| concerned(&root.row.path)).map(|(id, _)| *id).collect();
        for id in roots {
            let Some(root) = self.roots.get_mut(&id) else { continue };
            tracing::info!(folder = %root.row.path, "something was mounted or unmounted there");
            root.remounted = true;
            root.wanted.all = true;
            root.walks = 0;
            root.rest = Rest::none(Instant::now());
            self.look(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "\
        21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n\
        22 21 0:20 / /proc rw,nosuid - proc proc rw\n\
        70 21 0:50 / /mnt/my\\040nas rw,nosuid - fuse.sshfs me@nas:/runs rw,user_id=0\n";

    #[test]
    fn what_comes_goes_or_is_another_is_told() {
        let before = parse(BEFORE);
        assert_eq!(before[Path::new("/mnt/my nas")], "70 fuse.sshfs me@nas:/runs");
        let check = |after: &str, expected: &[&str]| {
            let expected: Vec<PathBuf> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(differences(&before, &parse(after)), expected);
        };
        check(BEFORE, &[]);
        check(&BEFORE.replace("relatime", "noatime"), &[]);
        check(&BEFORE.replace("70 21", "71 21"), &["/mnt/my nas"]);
        check(BEFORE.rsplit_once("70").expect("it is there").0, &["/mnt/my nas"]);
        check(&format!("{BEFORE}80 21 0:60 / /data rw - nfs4 nas:/data rw\n"), &["/data"]);
        check(&format!("{BEFORE}80 70 0:60 / /mnt/my\\040nas rw - ext4 /dev/sdb rw\n"), &["/mnt/my nas"]);
    }

    #[test]
    fn a_mount_above_or_below_a_folder_concerns_it() {
        let check = |folder: &str, at: &str| concerns(Path::new(folder), Path::new(at));
        assert!(check("/mnt/nas/runs", "/mnt/nas") && check("/mnt", "/mnt/nas") && check("/a", "/a"));
        assert!(!check("/mnt/nas", "/mnt/nas2") && !check("/data", "/mnt"));
    }
}
