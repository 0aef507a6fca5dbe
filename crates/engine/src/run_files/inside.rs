//! Opening what lies in a folder, and nothing else.

use std::fs::{File, Metadata};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, openat2, statat};
use rustix::io::Errno;

use crate::error::{Error, ErrorKind, Result};

/// A folder out of which no path leads.
pub(super) struct Inside {
    folder: OwnedFd,
    path: PathBuf,
}

impl Inside {
    /// Of a folder that is trusted.
    pub fn open(path: &Path) -> Result<Self> {
        let folder =
            rustix::fs::open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
        let folder =
            folder.map_err(|cause| gone(Error::path("open the folder", path, &cause.into()), cause))?;
        Ok(Self { folder, path: path.to_owned() })
    }

    /// A path in it as people know it.
    pub fn shown(&self, path: impl AsRef<Path>) -> PathBuf {
        self.path.join(path)
    }

    /// Whether a name is a link.
    pub fn is_link(&self, path: &Path) -> bool {
        statat(&self.folder, path, AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
    }

    /// What a path stands for, links resolved. Nothing is opened for reading.
    pub fn metadata(&self, path: &Path) -> Result<Metadata> {
        let file = File::from(self.resolve(path)?);
        file.metadata().map_err(|cause| Error::path("look at", &self.shown(path), &cause))
    }

    /// A folder in it, for reading its names.
    pub fn folder(&self, path: &str) -> Result<OwnedFd> {
        let path = checked(path)?;
        let found = self.resolve(path)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        again(&found, flags).map_err(|cause| Error::path("list", &self.shown(path), &cause.into()))
    }

    /// A regular file in it, for reading.
    pub fn file(&self, path: &str) -> Result<File> {
        let path = checked(path)?;
        let found = File::from(self.resolve(path)?);
        let shown = self.shown(path);
        let meta = found.metadata().map_err(|cause| Error::path("look at", &shown, &cause))?;
        if !meta.is_file() {
            let what = if meta.is_dir() { "a folder" } else { "no regular file" };
            return Err(Error::new(ErrorKind::Path, format!("{} is {what}", shown.display()))
                .in_field("path")
                .hint("Only regular files can be read here."));
        }
        // Only now is it opened for reading: opening a pipe or a device can wait, or do something.
        let opened = again(&found.into(), OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY);
        opened.map(File::from).map_err(|cause| Error::path("open", &shown, &cause.into()))
    }

    /// Where an opened file lies now.
    pub fn real(&self, file: &File, path: &str) -> Result<PathBuf> {
        std::fs::read_link(descriptor(file)).map_err(|cause| Error::path("find", &self.shown(path), &cause))
    }

    /// Finds what a path stands for, without opening it for reading.
    fn resolve(&self, path: &Path) -> Result<OwnedFd> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let find = |path: &Path| {
            let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
            openat2(&self.folder, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve)
        };
        let found = match find(path) {
            // A link by an absolute path counts as leading out, also where it leads back in.
            Err(Errno::XDEV) => self.canonical(path).and_then(|inside| find(&inside)),
            found => found,
        };
        found.map_err(|cause| match cause {
            Errno::XDEV => Error::new(
                ErrorKind::Path,
                format!("{} leads out of the run’s folder, so it is not opened", self.shown(path).display()),
            )
            .in_field("path")
            .hint("Open it from the folder in which it really lies."),
            cause => gone(Error::path("open", &self.shown(path), &cause.into()).in_field("path"), cause),
        })
    }

    /// The path without links, relative to the folder.
    fn canonical(&self, path: &Path) -> Result<PathBuf, Errno> {
        let real = |path: &Path| {
            path.canonicalize().map_err(|cause| Errno::from_io_error(&cause).unwrap_or(Errno::IO))
        };
        let (root, path) = (real(&self.path)?, real(&self.shown(path))?);
        path.strip_prefix(&root).map(Path::to_owned).map_err(|_| Errno::XDEV)
    }
}

/// A path below the folder; the kernel judges the rest.
fn checked(path: &str) -> Result<&Path> {
    let path = Path::new(path);
    match path.components().next() {
        Some(Component::RootDir | Component::Prefix(_)) => {
            Err(Error::invalid("path", format!("{} is not relative to the run’s folder", path.display())))
        }
        _ => Ok(path),
    }
}

/// What is not there is said to be so.
fn gone(error: Error, cause: Errno) -> Error {
    match cause {
        Errno::NOENT => Error::new(ErrorKind::NotFound, error.to_string())
            .in_field("path")
            .hint("It may have been moved or removed since it was listed."),
        _ => error,
    }
}

/// Opens once more what was found, in another way.
fn again(found: &OwnedFd, flags: OFlags) -> Result<OwnedFd, Errno> {
    rustix::fs::open(descriptor(found), flags, Mode::empty())
}

fn descriptor(file: &impl AsRawFd) -> PathBuf {
    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}
