//! A file that is there whole or not at all.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use athanor_api::wire::{ApiError, ErrorCode};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::exit::{Failure, fail};

fn failed(path: &Path, cause: &std::io::Error) -> Failure {
    fail(ErrorCode::Path, format!("could not write {}: {cause}", path.display()))
}

fn taken(path: &Path) -> Failure {
    let message = format!("{} is there already", path.display());
    Failure(ApiError::new(ErrorCode::Path, message).hint("Give --force to write over it."))
}

/// Says so if something is there.
pub fn free(path: &Path) -> Result<(), Failure> {
    match path.symlink_metadata() {
        Ok(_) => Err(taken(path)),
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(()),
        Err(cause) => Err(failed(path, &cause)),
    }
}

/// Written beside its place, synced, and moved there in one step: a reader finds the old file or the new one. Without
/// `over` nothing is replaced, also if it came meanwhile.
pub fn put(path: &Path, bytes: &[u8], over: bool) -> Result<(), Failure> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let name = path
        .file_name()
        .ok_or_else(|| fail(ErrorCode::Path, format!("{} is no name of a file", path.display())))?;
    let mut beside = name.to_owned();
    beside.push(format!(".{}.part", std::process::id()));
    let beside: PathBuf = folder.join(beside);
    let told = |cause: std::io::Error| failed(path, &cause);
    let mut file = OpenOptions::new().write(true).create_new(true).open(&beside).map_err(told)?;
    let moved = (|| {
        file.write_all(bytes)?;
        file.sync_all()?;
        if over {
            return std::fs::rename(&beside, path);
        }
        match renameat_with(CWD, &beside, CWD, path, RenameFlags::NOREPLACE) {
            // A file system that does not know how: a second name replaces nothing either.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
                std::fs::hard_link(&beside, path)?;
                std::fs::remove_file(&beside)
            }
            other => other.map_err(Into::into),
        }
    })();
    if let Err(cause) = moved {
        let _ = std::fs::remove_file(&beside);
        return Err(if cause.kind() == ErrorKind::AlreadyExists {
            taken(path)
        } else {
            failed(path, &cause)
        });
    }
    // The name is on the disk only when its folder is.
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|cause| failed(path, &cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_replaced_unless_that_is_asked_for() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("a.svg");
        put(&path, b"first", false).expect("written");
        assert!(free(&path).is_err());
        assert!(put(&path, b"second", false).is_err(), "it came meanwhile");
        assert_eq!(std::fs::read(&path).expect("there"), b"first");
        put(&path, b"second", true).expect("written over");
        assert_eq!(std::fs::read(&path).expect("there"), b"second");
        assert!(put(&dir.path().join("none/a.svg"), b"x", false).is_err());
        let left: Vec<_> = std::fs::read_dir(dir.path()).expect("listed").collect();
        assert_eq!(left.len(), 1, "nothing is left beside it: {left:?}");
    }
}
