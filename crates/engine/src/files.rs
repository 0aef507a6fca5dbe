//! Looking through a job's working directory for the tables that it writes. All of it blocks on the disk.

use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use athanor_shim::attempt::read_started;
use athanor_shim::claim::read_claim;
use athanor_shim::record::Claim;

/// How far to look: a working directory may hold a data set of a million files.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Folders looked into at most; where there are more, the newest.
    pub folders: usize,
    /// Levels below the working directory.
    pub depth: usize,
    /// Names read at most, in all folders together.
    pub entries: usize,
    /// Tables noted at most.
    pub tables: usize,
}

impl Bounds {
    /// For a job that is being watched. All of it takes about a tenth of a second on a local disk.
    pub const WHOLE: Self = Self { folders: 1000, depth: 6, entries: 100_000, tables: 10_000 };
    /// For a job that was over at once: thousands of them may end within seconds.
    pub const SHALLOW: Self = Self { folders: 40, depth: 1, entries: 10_000, tables: 500 };
}

/// Names of one folder looked at; beyond it, it is taken for a data set. The folder where the walk begins is read as
/// far as there is room in all, since a job that keeps its data beside its script writes there too.
const ENTRIES: usize = 5000;

/// Folders that hold no results of a run.
const PASSED_OVER: [&str; 8] =
    ["node_modules", "__pycache__", "site-packages", "venv", "env", "target", "build", "dist"];

/// What was found below a folder.
#[derive(Debug, Default)]
pub struct Found {
    /// Files that may hold metrics.
    pub tables: Vec<Table>,
    /// Whether there was more than the bounds allow.
    pub cut: bool,
}

/// A file that may hold metrics.
#[derive(Debug, Clone)]
pub struct Table {
    /// The file.
    pub path: PathBuf,
    /// How it was.
    pub stamp: Stamp,
}

/// What changes when a file is written, as far as it can be told without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// When it was last written, UTC nanoseconds by the file system's clock.
    modified: i64,
    /// Bytes.
    size: u64,
    inode: u64,
}

impl Stamp {
    /// From what `stat` says.
    #[must_use]
    pub fn from_metadata(meta: &Metadata) -> Self {
        let modified = meta.mtime().saturating_mul(1_000_000_000).saturating_add(meta.mtime_nsec());
        Self { modified, size: meta.len(), inode: meta.ino() }
    }

    /// Of a regular file; `None` if there is none.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        std::fs::metadata(path).ok().filter(Metadata::is_file).map(|meta| Self::from_metadata(&meta))
    }

    /// Bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// When the file was last written, UTC milliseconds by the file system's clock.
    #[must_use]
    pub fn modified(&self) -> i64 {
        self.modified / 1_000_000
    }
}

/// Whether a file's name is one of a table.
#[must_use]
pub fn is_table(path: &Path) -> bool {
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case("csv") || end.eq_ignore_ascii_case("tsv"))
}

/// Whether a folder is looked into: not hidden, and not one that never holds results.
#[must_use]
pub fn is_entered(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    !name.starts_with('.') && !PASSED_OVER.contains(&name)
}

/// The file systems on which the kernel of this machine does not tell what others write, by the `f_type` of `statfs`;
/// `None` for the others, and for those that nobody knows.
///
/// Source: `linux/magic.h`; below the line, which that header does not name, the list by which GNU `tail -f` decides
/// the same question (`stat.c` of coreutils).
#[must_use]
pub fn network_name(f_type: u32) -> Option<&'static str> {
    Some(match f_type {
        0x6969 => "NFS",
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => "SMB",
        0x0102_1997 => "9P",
        0x6573_5546 => "FUSE",
        0x00c3_6400 => "Ceph",
        0x5346_414f | 0x6b41_4653 => "AFS",
        0x7375_7245 => "Coda",
        0x7461_636f => "OCFS2",
        0x564c => "NCP",
        // ——
        0x0bd0_0bd0 => "Lustre",
        0x4750_4653 => "GPFS",
        0x1983_0326 => "BeeGFS",
        0x0116_1970 => "GFS",
        0xaad7_aaea => "PanFS",
        0xbeef_dead => "SNFS",
        0xbacb_acbc => "VMware HGFS",
        0x786f_4256 => "VirtualBox shared folders",
        _ => return None,
    })
}

/// Tells folders on network file systems; asks once for each file system.
#[derive(Default)]
pub(crate) struct Mounts(HashMap<u64, Option<&'static str>>);

impl Mounts {
    pub(crate) fn network(&mut self, folder: &Path) -> Option<&'static str> {
        let device = std::fs::metadata(folder).ok()?.dev();
        *self.0.entry(device).or_insert_with(|| {
            let f_type = rustix::fs::statfs(folder).ok()?.f_type;
            // Sign-extended where the kernel's word is signed and has 32 bits.
            network_name(u32::try_from(f_type & 0xffff_ffff).ok()?)
        })
    }
}

/// Looks through folders, level by level, within bounds shared by all of them, following no links. Each comes with its
/// level below the working directory.
///
/// `enter` is told of each folder before it is read, and of the network file system that it lies on: what it sets up
/// there misses nothing that is created meanwhile.
pub fn walk(
    from: Vec<(PathBuf, usize)>,
    bounds: Bounds,
    mut enter: impl FnMut(&Path, Option<&'static str>),
) -> Found {
    let mut found = Found::default();
    let mut mounts = Mounts::default();
    let (mut folders, mut entries) = (0, 0);
    let beginnings = from.len();
    let mut next = VecDeque::from(from);
    while let Some((folder, depth)) = next.pop_front() {
        if folders >= bounds.folders || entries >= bounds.entries {
            found.cut = true;
            break;
        }
        enter(&folder, mounts.network(&folder));
        let Ok(names) = std::fs::read_dir(&folder) else { continue };
        let room = match folders < beginnings {
            true => bounds.entries - entries,
            false => ENTRIES.min(bounds.entries - entries),
        };
        folders += 1;
        let mut below = Vec::new();
        for entry in names.take(room).flatten() {
            entries += 1;
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                let path = entry.path();
                if depth < bounds.depth && is_entered(&path) {
                    below.push(path);
                }
            } else if kind.is_file() && is_table(Path::new(&entry.file_name())) {
                if found.tables.len() >= bounds.tables {
                    found.cut = true;
                } else if let Ok(meta) = entry.metadata() {
                    found.tables.push(Table { path: entry.path(), stamp: Stamp::from_metadata(&meta) });
                }
            }
        }
        if folders + next.len() + below.len() > bounds.folders {
            // Not all can be looked into. A running job's folder is among the newest.
            below.sort_by_cached_key(|path| {
                let meta = std::fs::metadata(path).ok();
                Reverse(meta.map(|meta| (meta.mtime(), meta.mtime_nsec())))
            });
        }
        next.extend(below.into_iter().map(|path| (path, depth + 1)));
    }
    found
}

/// Whether a process of the attempt with this folder has a file open.
#[must_use]
pub fn has_open(folder: &Path, path: &Path) -> bool {
    let Ok(Some(Claim::Shim(shim))) = read_claim(folder) else { return false };
    let mut pids: Vec<u32> = athanor_shim::tree::descendants(shim.pid)
        .map(|stats| stats.into_iter().map(|stat| stat.key().0).collect())
        .unwrap_or_default();
    if let Ok(Some(started)) = read_started(folder) {
        pids.push(started.job.pid);
    }
    pids.into_iter().any(|pid| {
        std::fs::read_dir(format!("/proc/{pid}/fd")).is_ok_and(|fds| {
            fds.flatten().any(|fd| std::fs::read_link(fd.path()).is_ok_and(|open| open == path))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(root: &Path) -> Vec<(PathBuf, usize)> {
        vec![(root.to_owned(), 0)]
    }

    #[test]
    fn tables_are_found_where_runs_put_them_and_nowhere_else() {
        let dir = tempfile::tempdir().expect("temporary folder");
        for path in ["runs/a/metrics.csv", "runs/b/log.TSV", ".git/x.csv", "venv/lib/y.csv", "notes.txt"] {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().expect("has one")).expect("made");
            std::fs::write(path, "step,loss\n").expect("written");
        }
        std::os::unix::fs::symlink(dir.path(), dir.path().join("runs/loop")).expect("a loop");
        let mut folders = 0;
        let found = walk(from(dir.path()), Bounds::WHOLE, |_, network| {
            assert_eq!(network, None, "a temporary folder lies on this machine");
            folders += 1;
        });
        let mut names: Vec<_> =
            found.tables.iter().map(|table| table.path.strip_prefix(dir.path()).expect("inside")).collect();
        names.sort();
        assert_eq!(names, [Path::new("runs/a/metrics.csv"), Path::new("runs/b/log.TSV")]);
        assert_eq!(folders, 4, "the root, runs, a and b");
        assert!(!found.cut);
    }

    #[test]
    fn where_not_all_can_be_looked_into_it_is_the_newest() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let past = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
        for number in 0..40 {
            let folder = dir.path().join(format!("run{number}"));
            std::fs::create_dir(&folder).expect("made");
            std::fs::write(folder.join("metrics.csv"), "step,loss\n").expect("written");
            if number != 17 {
                std::fs::File::open(&folder).expect("opens").set_modified(past).expect("set");
            }
        }
        let mut entered = Vec::new();
        let bounds = Bounds { folders: 3, ..Bounds::WHOLE };
        let found = walk(from(dir.path()), bounds, |folder, _| entered.push(folder.to_owned()));
        assert!(found.cut);
        assert_eq!(entered[..2], [dir.path().to_owned(), dir.path().join("run17")]);
        assert_eq!(entered.len(), 3);
    }

    #[test]
    fn a_flat_folder_of_any_size_costs_what_the_bounds_say() {
        let dir = tempfile::tempdir().expect("temporary folder");
        for number in 0..300 {
            std::fs::write(dir.path().join(format!("{number}.csv")), "").expect("written");
        }
        let found = walk(from(dir.path()), Bounds { entries: 100, ..Bounds::WHOLE }, |_, _| {});
        assert_eq!(found.tables.len(), 100);
        let found = walk(from(dir.path()), Bounds { tables: 30, ..Bounds::WHOLE }, |_, _| {});
        assert_eq!(found.tables.len(), 30);
        assert!(found.cut);
    }

    #[test]
    fn network_file_systems_are_known_by_their_numbers() {
        // From linux/magic.h.
        for (number, name) in
            [(0x6969, "NFS"), (0xff53_4d42, "SMB"), (0x6573_5546, "FUSE"), (0x0102_1997, "9P")]
        {
            assert_eq!(network_name(number), Some(name));
        }
        // ext4, Btrfs, XFS, tmpfs, overlayfs.
        for local in [0xef53, 0x9123_683e, 0x5846_5342, 0x0102_1994, 0x794c_7630] {
            assert_eq!(network_name(local), None, "{local:x}");
        }
    }

    #[test]
    fn a_write_changes_the_stamp() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("a.csv");
        assert_eq!(Stamp::of(&path), None);
        std::fs::write(&path, "step,loss\n").expect("written");
        let before = Stamp::of(&path).expect("there");
        assert_eq!(Stamp::of(&path), Some(before));
        std::fs::write(&path, "step,loss\n1,2\n").expect("written");
        assert_ne!(Stamp::of(&path), Some(before));
        assert_eq!(Stamp::of(dir.path()), None, "a folder is no table");
    }
}
