//! Who owns an attempt: the one decision that must never be made twice.
//!
//! An engine that was killed between asking for a shim and hearing from it cannot know whether the job has
//! started, or is about to. Whoever creates the record first owns the attempt: a shim, which then starts the job,
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
use crate::record::{Claim, LEN, Malformed, Slot};
use crate::{ErrorCause, RECORD};

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
    if claim_in(&folder, &ours).map_err(failed)?.is_some() {
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
    read_slot("read the claim", dir, Slot::Claim, Claim::parse)
}

/// Creates the record with its claim in an open folder, and returns it, open for writing. Returns `None`, and changes
/// nothing, if there is one already.
///
/// The claim appears complete or not at all, at once to all observers, and room for what follows is taken with it.
///
/// # Errors
/// The folder cannot be written; then nothing was claimed.
pub fn claim_in(folder: impl AsFd, claim: &Claim) -> io::Result<Option<File>> {
    // Threads of one process may claim at the same time; processes differ in their pid.
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let folder = folder.as_fd();
    let temporary = format!("claim.{}.{}.tmp", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let flags = OFlags::CREATE | OFlags::TRUNC | OFlags::WRONLY | OFlags::CLOEXEC;
    let mut file = File::from(openat(folder, &temporary, flags, Mode::from_raw_mode(0o600))?);
    let mut bytes = claim.format().into_bytes();
    bytes.resize(LEN, 0);
    let claimed = file.write_all(&bytes).and_then(|()| {
        match renameat_with(folder, &temporary, folder, RECORD, RenameFlags::NOREPLACE) {
            Ok(()) => Ok(()),
            Err(Errno::EXIST) => Err(Errno::EXIST.into()),
            // Network mounts cannot do that, but have hard links. Any other trouble shows again here.
            Err(_) => {
                linkat(folder, &temporary, folder, RECORD, AtFlags::empty())?;
                // A temporary file that stays does no harm.
                let _ = unlinkat(folder, &temporary, AtFlags::empty());
                Ok(())
            }
        }
    });
    if claimed.is_err() {
        let _ = unlinkat(folder, &temporary, AtFlags::empty());
    }
    match claimed {
        Ok(()) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
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

/// The record file as it stands; `None` if there is none.
pub(crate) fn read_file(action: &'static str, dir: &Path) -> Result<Option<Vec<u8>>, Error> {
    let path = dir.join(RECORD);
    let mut bytes = Vec::with_capacity(LEN + 1);
    match File::open(&path).and_then(|file| file.take(LEN as u64).read_to_end(&mut bytes)) {
        Ok(_) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error { action, path, cause: ErrorCause::Io(error) }),
    }
}

/// One part of a record file; `None` if it was not written, or is just being written, or was cut short. The claim is
/// never seen in part, so for it that is an error.
pub(crate) fn parse_slot<T>(
    action: &'static str,
    dir: &Path,
    slot: Slot,
    file: &[u8],
    parse: impl Fn(&[u8]) -> Result<T, Malformed>,
) -> Result<Option<T>, Error> {
    match parse(slot.of(file)) {
        Ok(record) => Ok(Some(record)),
        Err(Malformed::Incomplete) if slot != Slot::Claim => Ok(None),
        Err(cause) => Err(Error::malformed(action, &dir.join(RECORD), cause)),
    }
}

pub(crate) fn read_slot<T>(
    action: &'static str,
    dir: &Path,
    slot: Slot,
    parse: impl Fn(&[u8]) -> Result<T, Malformed>,
) -> Result<Option<T>, Error> {
    match read_file(action, dir)? {
        Some(file) => parse_slot(action, dir, slot, &file, parse),
        None => Ok(None),
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
        assert!(claim_in(&folder, &shim).expect("claim").is_none(), "a void attempt cannot be claimed");
        let names: Vec<_> =
            std::fs::read_dir(&dir).expect("list").map(|e| e.expect("entry").file_name()).collect();
        assert_eq!(names, [RECORD], "no temporary file stays");
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
                    scope.spawn(move || claim_in(folder, &claim).expect("claim").is_some())
                })
                .collect();
            claims.into_iter().map(|t| t.join().expect("thread")).filter(|won| *won).count()
        });
        assert_eq!(won, 1);
    }
}
