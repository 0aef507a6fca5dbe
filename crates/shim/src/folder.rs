//! The attempt's folder, held open, and put back if somebody removes it while the job runs.
//!
//! All files are opened relative to the held descriptor, so a folder that is swapped for another between two
//! calls is noticed and never written into by accident.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use athanor_shim::claim::{claim_in, create_folder, read_claim};
use athanor_shim::record::Claim;
use athanor_shim::{EXIT, EXIT_TMP, STARTED};
use rustix::fs::{
    AtFlags, FallocateFlags, Mode, OFlags, fallocate, fstat, fsync, ftruncate, open, openat, renameat, stat,
    statat, unlinkat,
};
use rustix::io::Errno;

/// Room for the exit record, which is below one kilobyte; one block costs the same.
const RESERVE: u64 = 4096;

pub struct Folder {
    path: PathBuf,
    fd: OwnedFd,
    claim: Claim,
    /// The text of `started`, once it is known, to write it again.
    started: Option<String>,
    started_is_written: bool,
    reserve: Option<File>,
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
        create_folder(&path)?;
        let fd = open_folder(&path)?;
        if !claim_in(&fd, &claim)? {
            return Ok(None);
        }
        let mut folder = Folder { path, fd, claim, started: None, started_is_written: false, reserve: None };
        // On a disk that is full already the job still runs, and the record waits for space.
        folder.reserve = folder.allocate().ok();
        Ok(Some(folder))
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
        if !claim_in(&fd, &self.claim).map_err(failed)? {
            // The same claim means that somebody restored the folder from a copy.
            match read_claim(&self.path) {
                Ok(Some(claim)) if claim == self.claim => {}
                _ => return Err(Gone::Displaced),
            }
        }
        self.fd = fd;
        self.started_is_written = false;
        self.catch_up();
        self.reserve = self.allocate().ok();
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
            self.started_is_written = self.replace(STARTED, text.as_bytes()).is_ok();
        }
    }

    /// One try to bring the exit record to disk for good.
    pub fn write_exit(&mut self, text: &str) -> Result<(), Gone> {
        if !self.is_in_place() {
            self.put_back()?;
        }
        self.try_write_exit(text).map_err(|error| Gone::Failed(errno(&error)))
    }

    fn try_write_exit(&mut self, text: &str) -> io::Result<()> {
        let mut file = match self.reserve.take() {
            Some(file) if self.names(&file) => file,
            _ => self.allocate()?,
        };
        let written = write_synced(&mut file, text);
        self.reserve = Some(file);
        written?;
        renameat(&self.fd, EXIT_TMP, &self.fd, EXIT)?;
        // The name is not synced: readers see it at once, an engine that is there records the end with a sync of its
        // own, and after a power cut a missing record is said to be missing. A second sync would double the time
        // that a short job holds its slot.
        Ok(())
    }

    /// Whether `exit.tmp` is still this file.
    fn names(&self, file: &File) -> bool {
        match (fstat(file), statat(&self.fd, EXIT_TMP, AtFlags::SYMLINK_NOFOLLOW)) {
            (Ok(held), Ok(there)) => (held.st_dev, held.st_ino) == (there.st_dev, there.st_ino),
            _ => false,
        }
    }

    fn allocate(&self) -> io::Result<File> {
        let flags = OFlags::CREATE | OFlags::TRUNC | OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let mut file = File::from(openat(&self.fd, EXIT_TMP, flags, Mode::from_raw_mode(0o600))?);
        // Not every file system can allocate; writing takes the space as well. If neither works the disk is full,
        // and the record has to wait for space when it is due.
        if fallocate(&file, FallocateFlags::empty(), 0, RESERVE).is_err() {
            let _ = file.write_all(&[0; RESERVE as usize]);
        }
        Ok(file)
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let temporary = format!("{name}.tmp");
        let flags = OFlags::CREATE | OFlags::TRUNC | OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let mut file = File::from(openat(&self.fd, &temporary, flags, Mode::from_raw_mode(0o600))?);
        let done = file.write_all(bytes).and_then(|()| Ok(renameat(&self.fd, &temporary, &self.fd, name)?));
        if done.is_err() {
            let _ = unlinkat(&self.fd, &temporary, AtFlags::empty());
        }
        done
    }
}

fn open_folder(path: &PathBuf) -> io::Result<OwnedFd> {
    Ok(open(path, OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)
}

fn write_synced(file: &mut File, text: &str) -> io::Result<()> {
    let bytes = text.as_bytes();
    let mut done = 0;
    while done < bytes.len() {
        match rustix::io::pwrite(&*file, &bytes[done..], done as u64) {
            Ok(0) => return Err(Errno::IO.into()),
            Ok(n) => done += n,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    ftruncate(&*file, bytes.len() as u64)?;
    fsync(&*file)?;
    Ok(())
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}
