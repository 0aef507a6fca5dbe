//! The attempt's folder, held open, and put back if somebody removes it while the job runs.
//!
//! All files are opened relative to the held descriptor, so a folder that is swapped for another between two
//! calls is noticed and never written into by accident.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use athanor_shim::RECORD;
use athanor_shim::claim::{claim_in, create_folder, read_claim};
use athanor_shim::record::{Claim, Slot};
use rustix::fs::{AtFlags, Mode, OFlags, fdatasync, fstat, open, openat, stat, statat};
use rustix::io::{Errno, pwrite};

pub struct Folder {
    path: PathBuf,
    fd: OwnedFd,
    claim: Claim,
    /// The record file. It has had its full size since the claim.
    record: File,
    /// The text of the start, once it is known, to write it again.
    started: Option<String>,
    started_is_written: bool,
}

/// Why there is no folder to go on with.
#[derive(Debug)]
pub enum Gone {
    /// It cannot be made; another try may help.
    Failed(Errno),
    /// Another owner holds the place.
    Displaced,
}

impl Folder {
    /// Opens or creates the folder and claims the attempt. `Ok(None)` if it has an owner already.
    pub fn claim(path: PathBuf, claim: Claim) -> io::Result<Option<Folder>> {
        // Usually the engine has made it.
        let fd = match open_folder(&path) {
            Ok(fd) => fd,
            Err(_) => {
                create_folder(&path)?;
                open_folder(&path)?
            }
        };
        let Some(record) = claim_in(&fd, &claim)? else { return Ok(None) };
        Ok(Some(Folder { path, fd, claim, record, started: None, started_is_written: false }))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    /// Whether the path still leads to the folder that is held open.
    pub fn is_in_place(&self) -> bool {
        match (fstat(&self.fd), stat(&self.path)) {
            (Ok(held), Ok(there)) => (held.st_dev, held.st_ino) == (there.st_dev, there.st_ino),
            // Only a clear "no" counts: an overloaded network mount is no reason to begin anew.
            (_, Err(Errno::NOENT | Errno::NOTDIR)) => false,
            _ => true,
        }
    }

    /// Makes the folder again, with the records that were in it.
    pub fn put_back(&mut self) -> Result<(), Gone> {
        let failed = |e: io::Error| Gone::Failed(errno(&e));
        create_folder(&self.path).map_err(failed)?;
        let fd = open_folder(&self.path).map_err(failed)?;
        self.record = match claim_in(&fd, &self.claim).map_err(failed)? {
            Some(record) => record,
            // The same claim means that it was not the record that was missing, or that somebody restored the folder
            // from a copy.
            None => match read_claim(&self.path) {
                Ok(Some(claim)) if claim == self.claim => open_record(&fd).map_err(failed)?,
                _ => return Err(Gone::Displaced),
            },
        };
        self.fd = fd;
        self.started_is_written = false;
        self.catch_up();
        Ok(())
    }

    /// Records the start. A full disk is no reason to end the job: the claim names the shim, and the exit record
    /// names the job.
    pub fn write_started(&mut self, text: String) {
        self.started = Some(text);
        self.catch_up();
    }

    /// Writes the record of the start if that has failed so far.
    pub fn catch_up(&mut self) {
        if let Some(text) = &self.started
            && !self.started_is_written
        {
            self.started_is_written = write(&self.record, Slot::Started, text).is_ok();
        }
    }

    /// One try to write the exit record; with `sync`, to disk for good.
    pub fn write_exit(&mut self, text: &str, sync: bool) -> Result<(), Gone> {
        if !self.is_in_place() || !self.holds_record() {
            self.put_back()?;
        }
        let failed = |error: io::Error| Gone::Failed(errno(&error));
        write(&self.record, Slot::Exit, text).map_err(failed)?;
        // The name is not synced: an engine that is there records the end with a sync of its own, and after a power
        // cut a missing record is said to be missing. A second sync would double the cost of a short job.
        if sync { fdatasync(&self.record).map_err(Gone::Failed) } else { Ok(()) }
    }

    /// Whether the record's name still means the file that is held open.
    fn holds_record(&self) -> bool {
        match (fstat(&self.record), statat(&self.fd, RECORD, AtFlags::SYMLINK_NOFOLLOW)) {
            (Ok(held), Ok(there)) => (held.st_dev, held.st_ino) == (there.st_dev, there.st_ino),
            (_, Err(Errno::NOENT | Errno::NOTDIR)) => false,
            _ => true,
        }
    }
}

fn open_folder(path: &PathBuf) -> io::Result<OwnedFd> {
    Ok(open(path, OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)
}

fn open_record(folder: &OwnedFd) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    Ok(File::from(openat(folder, RECORD, flags, Mode::empty())?))
}

fn write(record: &File, slot: Slot, text: &str) -> io::Result<()> {
    let (bytes, start) = (text.as_bytes(), slot.range().start);
    let mut done = 0;
    while done < bytes.len() {
        match pwrite(record, &bytes[done..], (start + done) as u64) {
            Ok(0) => return Err(Errno::IO.into()),
            Ok(n) => done += n,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}
