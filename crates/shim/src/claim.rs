//! Who owns an attempt: the one decision that must never be made twice.
//!
//! An engine that was killed between asking for a shim and hearing from it cannot know whether the job has
//! started, or is about to. Whoever creates `claim` first owns the attempt: a shim, which then starts the job,
//! or a later engine, which declares the attempt void; the shim that comes too late then starts nothing.

use std::fs::{DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags, linkat, open, openat, renameat_with, unlinkat};
use rustix::io::Errno;

use crate::error::Error;
use crate::identity::Identity;
use crate::record::Claim;
use crate::{CLAIM, ErrorCause};

/// Declares an attempt void, unless somebody owns it already, and returns the claim that holds.
///
/// After [`Claim::Void`] no shim starts this attempt, now or later. After [`Claim::Shim`] the attempt belongs to
/// that shim, and its records say the rest. A missing folder is created, since otherwise a late shim would.
///
/// # Errors
/// The folder cannot be written or the existing claim not be read; then nothing has been decided.
pub fn claim_void(dir: &Path) -> Result<Claim, Error> {
    let failed = |error: io::Error| Error::io("declare the attempt void", dir, error);
    create_folder(dir).map_err(failed)?;
    let folder = open(dir, OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|e| failed(e.into()))?;
    let ours = Claim::Void(Identity::current()?);
    if claim_in(&folder, &ours).map_err(failed)? {
        return Ok(ours);
    }
    match read_claim(dir)? {
        Some(claim) => Ok(claim),
        // It was there a moment ago: somebody removes the folder under us.
        None => Err(failed(io::ErrorKind::NotFound.into())),
    }
}

/// The claim on an attempt; `None` if nobody owns it yet or the folder does not exist.
///
/// # Errors
/// The claim cannot be read or is no claim.
pub fn read_claim(dir: &Path) -> Result<Option<Claim>, Error> {
    read_record("read the claim", &dir.join(CLAIM), Claim::parse)
}

/// Creates the claim in an open folder. Returns false, and changes nothing, if there is one already.
///
/// The record appears complete or not at all, at once to all observers.
///
/// # Errors
/// The folder cannot be written; then nothing was claimed.
pub fn claim_in(folder: impl AsFd, claim: &Claim) -> io::Result<bool> {
    // Threads of one process may claim at the same time; processes differ in their pid.
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let folder = folder.as_fd();
    let temporary = format!("claim.{}.{}.tmp", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let flags = OFlags::CREATE | OFlags::TRUNC | OFlags::WRONLY | OFlags::CLOEXEC;
    let mut file = File::from(openat(folder, &temporary, flags, Mode::from_raw_mode(0o600))?);
    let linked = file.write_all(claim.format().as_bytes()).and_then(|()| {
        match linkat(folder, &temporary, folder, CLAIM, AtFlags::empty()) {
            // No hard links on this file system (FAT, some network mounts).
            Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS | Errno::MLINK) => {
                Ok(renameat_with(folder, &temporary, folder, CLAIM, RenameFlags::NOREPLACE)?)
            }
            other => Ok(other?),
        }
    });
    // After a rename it is gone already, and a temporary file that stays does no harm.
    let _ = unlinkat(folder, &temporary, AtFlags::empty());
    match linked {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Creates an attempt's folder and what is missing above it, readable by its owner only. One that is there
/// already is left as it is.
///
/// # Errors
/// It cannot be created.
pub fn create_folder(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

pub(crate) fn read_record<T>(
    action: &'static str,
    path: &Path,
    parse: impl Fn(&[u8]) -> Result<T, crate::record::Malformed>,
) -> Result<Option<T>, Error> {
    let mut bytes = Vec::new();
    // Records stay far below one page; whatever is larger is no record and need not be held in memory.
    match File::open(path).and_then(|file| file.take(64 * 1024).read_to_end(&mut bytes)) {
        Ok(_) => parse(&bytes).map(Some).map_err(|cause| Error::malformed(action, path, cause)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error { action, path: path.to_owned(), cause: ErrorCause::Io(error) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_claim_holds() {
        let root = tempfile::tempdir().expect("temporary folder");
        let dir = root.path().join("a/b");
        assert_eq!(read_claim(&dir).expect("a missing folder is no error"), None);
        let first = claim_void(&dir).expect("void");
        assert!(matches!(first, Claim::Void(_)));
        assert_eq!(claim_void(&dir).expect("again"), first, "declaring it void twice changes nothing");
        let folder = File::open(&dir).expect("folder");
        let shim = Claim::Shim(Identity::current().expect("identity"));
        assert!(!claim_in(&folder, &shim).expect("claim"), "a void attempt cannot be claimed");
        let names: Vec<_> =
            std::fs::read_dir(&dir).expect("list").map(|e| e.expect("entry").file_name()).collect();
        assert_eq!(names, ["claim"], "no temporary file stays");
    }

    #[test]
    fn of_many_threads_one_wins() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let folder = File::open(dir.path()).expect("folder");
        let own = Identity::current().expect("identity");
        let won = std::thread::scope(|scope| {
            let claims: Vec<_> = (0..16)
                .map(|n| {
                    let claim = Claim::Shim(Identity { pid: n, ..own.clone() });
                    let folder = &folder;
                    scope.spawn(move || claim_in(folder, &claim).expect("claim"))
                })
                .collect();
            claims.into_iter().map(|t| t.join().expect("thread")).filter(|won| *won).count()
        });
        assert_eq!(won, 1);
    }
}
