//! Looking through a job's working directory for the tables that it writes. All of it blocks on the disk.

use std::collections::VecDeque;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use athanor_shim::attempt::read_started;
use athanor_shim::claim::read_claim;
use athanor_shim::record::Claim;

/// How far to look: a working directory may hold a data set of a million files.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Folders looked into at most.
    folders: usize,
    /// Levels below the working directory.
    depth: usize,
}

impl Bounds {
    /// For a job that is being watched.
    pub const WHOLE: Self = Self { folders: 1000, depth: 6 };
    /// For a job that was over at once: thousands of them may end within seconds.
    pub const SHALLOW: Self = Self { folders: 40, depth: 1 };
}

/// Entries of one folder looked at; beyond it, it is taken for a data set.
const ENTRIES: usize = 5000;

/// Folders that hold no results of a run.
const PASSED_OVER: [&str; 8] =
    ["node_modules", "__pycache__", "site-packages", "venv", "env", "target", "build", "dist"];

/// What was found below a folder.
#[derive(Debug, Default)]
pub struct Found {
    /// The folder and those below it.
    pub folders: Vec<PathBuf>,
    /// Files that may hold metrics.
    pub tables: Vec<Table>,
}

/// A file that may hold metrics.
#[derive(Debug)]
pub struct Table {
    /// The file.
    pub path: PathBuf,
    /// When it was last written, UTC milliseconds by the file system's clock.
    pub modified: i64,
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

/// Looks through a folder, level by level, within bounds, following no links.
#[must_use]
pub fn walk(root: &Path, bounds: Bounds) -> Found {
    let mut found = Found::default();
    let mut next = VecDeque::from([(root.to_owned(), 0)]);
    while let Some((folder, depth)) = next.pop_front() {
        if found.folders.len() >= bounds.folders {
            break;
        }
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.take(ENTRIES).flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            let path = entry.path();
            if kind.is_dir() && depth < bounds.depth && is_entered(&path) {
                next.push_back((path, depth + 1));
            } else if kind.is_file()
                && is_table(&path)
                && let Ok(meta) = entry.metadata()
            {
                found
                    .tables
                    .push(Table { path, modified: meta.mtime() * 1000 + meta.mtime_nsec() / 1_000_000 });
            }
        }
        found.folders.push(folder);
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

    #[test]
    fn tables_are_found_where_runs_put_them_and_nowhere_else() {
        let dir = tempfile::tempdir().expect("temporary folder");
        for path in ["runs/a/metrics.csv", "runs/b/log.TSV", ".git/x.csv", "venv/lib/y.csv", "notes.txt"] {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().expect("has one")).expect("made");
            std::fs::write(path, "step,loss\n").expect("written");
        }
        std::os::unix::fs::symlink(dir.path(), dir.path().join("runs/loop")).expect("a loop");
        let found = walk(dir.path(), Bounds::WHOLE);
        let mut names: Vec<_> =
            found.tables.iter().map(|table| table.path.strip_prefix(dir.path()).expect("inside")).collect();
        names.sort();
        assert_eq!(names, [Path::new("runs/a/metrics.csv"), Path::new("runs/b/log.TSV")]);
        assert_eq!(found.folders.len(), 4, "the root, runs, a and b");
    }
}
