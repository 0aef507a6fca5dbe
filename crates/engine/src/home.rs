//! The data folder: where everything of ours stands, and who owns it.
//!
//! One engine owns a data folder at a time, by an advisory lock that the kernel drops with the process, so a lock
//! can't be stale. Everything is readable by its owner only.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::error::{Error, ErrorKind, Result};

/// The paths of one data folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    root: PathBuf,
}

/// Longest path that fits a Unix socket address on Linux (`sun_path` is 108 bytes with its NUL).
const SOCKET_PATH_MAX: usize = 107;

impl Home {
    /// The data folder that the environment names: `ATHANOR_HOME`, else `$XDG_DATA_HOME/athanor`, else
    /// `~/.local/share/athanor`.
    ///
    /// # Errors
    /// There is no home folder, or the path is not absolute.
    pub fn from_environment() -> Result<Self> {
        let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let root = named("ATHANOR_HOME")
            .or_else(|| named("XDG_DATA_HOME").map(|data| data.join("athanor")))
            .or_else(|| named("HOME").map(|home| home.join(".local/share/athanor")))
            .ok_or_else(|| {
                Error::new(ErrorKind::Invalid, "there is no home folder to keep data in")
                    .hint("Set ATHANOR_HOME to a folder.")
            })?;
        let root = std::path::absolute(&root).map_err(|cause| Error::path("find", &root, &cause))?;
        Ok(Self { root })
    }

    /// A data folder at a given place.
    #[must_use]
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.root.join("athanor.db")
    }

    /// The database that indexes runs.
    #[must_use]
    pub fn run_database(&self) -> PathBuf {
        self.root.join("runs.db")
    }

    /// Backups of the database, and what was set aside.
    #[must_use]
    pub fn backups(&self) -> PathBuf {
        self.root.join("backups")
    }

    /// The folder of attempts.
    #[must_use]
    pub fn attempts(&self) -> PathBuf {
        self.root.join("attempts")
    }

    /// The folder of one attempt: its log, its claim and its exit record.
    #[must_use]
    pub fn attempt(&self, uid: &str, number: u32) -> PathBuf {
        self.attempts().join(uid).join(number.to_string())
    }

    /// Copies of bundled projects.
    #[must_use]
    pub fn projects(&self) -> PathBuf {
        self.root.join("projects")
    }

    /// The folder of the program's own log.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// The key that environments are sealed with.
    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.root.join("secret.key")
    }

    /// The socket that clients connect to: in the data folder, or, if that path is too long for a socket, in the
    /// user's runtime folder under a name made of the data folder's path.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        let inside = self.root.join("athanor.sock");
        if inside.as_os_str().len() <= SOCKET_PATH_MAX {
            return inside;
        }
        let hash = xxhash_rust::xxh3::xxh3_64(self.root.as_os_str().as_encoded_bytes());
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map_or_else(
            || PathBuf::from(format!("/tmp/athanor-{}", rustix::process::getuid().as_raw())),
            PathBuf::from,
        );
        runtime.join(format!("athanor-{hash:016x}.sock"))
    }

    /// Makes the folders that are missing, for the owner only.
    ///
    /// # Errors
    /// One can't be made, or the data folder belongs to somebody else.
    pub fn create(&self) -> Result<()> {
        for folder in [self.root.clone(), self.backups(), self.attempts(), self.projects(), self.logs()] {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&folder)
                .map_err(|cause| Error::path("make the folder", &folder, &cause))?;
        }
        let meta = self.root.metadata().map_err(|cause| Error::path("look at", &self.root, &cause))?;
        if meta.uid() != rustix::process::geteuid().as_raw() {
            return Err(Error::new(
                ErrorKind::Path,
                format!("the data folder {} belongs to another user", self.root.display()),
            )
            .hint("Set ATHANOR_HOME to a folder of your own."));
        }
        if meta.permissions().mode() & 0o077 != 0 {
            let owner_only = std::fs::Permissions::from_mode(0o700);
            std::fs::set_permissions(&self.root, owner_only)
                .map_err(|cause| Error::path("protect", &self.root, &cause))?;
        }
        Ok(())
    }

    /// Takes the data folder, if nobody has it.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] with the owner's pid if another engine has it.
    pub fn lock(&self) -> Result<HomeLock> {
        let path = self.root.join("engine.lock");
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(|cause| Error::path("open", &path, &cause))?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut owner = String::new();
            let _ = file.read_to_string(&mut owner);
            let owner = owner.trim();
            let who = if owner.is_empty() { String::new() } else { format!(" (process {owner})") };
            return Err(Error::new(
                ErrorKind::Busy,
                format!("another engine{who} owns the data folder {}", self.root.display()),
            )
            .hint("Use that engine, or stop it first; set ATHANOR_HOME to work with another data folder."));
        }
        // The pid is only for people who look; the lock itself is what counts.
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(HomeLock { file })
    }
}

/// The right to write into a data folder; given back when dropped, and by the kernel when the process dies.
#[derive(Debug)]
pub struct HomeLock {
    file: File,
}

impl HomeLock {
    /// Gives it back. A process that ends keeps its files open as long as one of its threads waits in the kernel for a file
    /// server that does not answer, and the next engine shall not wait for that.
    pub fn release(&self) {
        if let Err(error) = flock(&self.file, FlockOperation::Unlock) {
            tracing::warn!(%error, "the data folder could not be given back");
        }
    }
}

/// Now, in UTC milliseconds.
#[must_use]
pub fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// The machine's name.
#[must_use]
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_owner_at_a_time_and_the_lock_goes_with_it() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let home = Home::at(dir.path().join("data"));
        home.create().expect("folders");
        let lock = home.lock().expect("free");
        let error = home.lock().expect_err("taken");
        assert_eq!(error.kind(), ErrorKind::Busy);
        assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
        lock.release();
        drop(home.lock().expect("given back, though the first owner is still there"));
        drop(lock);
        home.lock().expect("free again, though the file is still there");
    }

    #[test]
    fn only_the_owner_may_look_inside() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let home = Home::at(dir.path().join("data"));
        std::fs::create_dir(home.root()).expect("folder");
        std::fs::set_permissions(home.root(), std::fs::Permissions::from_mode(0o755)).expect("open to all");
        home.create().expect("folders");
        assert_eq!(home.root().metadata().expect("there").permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_deep_data_folder_still_has_a_socket() {
        let home = Home::at(format!("/{}", "deep/".repeat(40)));
        assert!(home.socket().as_os_str().len() <= SOCKET_PATH_MAX);
        assert_ne!(home.socket(), Home::at(format!("/{}", "deep/".repeat(41))).socket());
    }
}
