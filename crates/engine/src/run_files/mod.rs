//! The files of a run as they lie in its folder: listed, read in pieces, searched and followed. They belong to the user
//! and are only ever read.
//!
//! **Invariant:** what is opened lies in the run's folder after all links are resolved, which the kernel sees to
//! (`RESOLVE_BENEATH`), and is a regular file: asked of the opened file itself, before anything is read from it.

mod follow;
mod inside;

use std::fs::{File, Metadata};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use athanor_core::log_search::{self, Block, Matcher, Outcome, Request, Seek, Source};

use crate::engine::{Engine, LogPart};
use crate::error::{Error, Result};
use crate::files::Stamp;
use crate::home::now_ms;
use crate::log_search::{bounded, bounded_seek};
pub(crate) use follow::Followed;
use inside::Inside;

/// Names of a folder that are listed at most.
const NAMES: usize = 10_000;

/// A file that was written within this time counts as growing.
const GROWS: Duration = Duration::from_secs(60);

/// What a name in a folder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// A folder.
    Folder,
    /// A file that can be read.
    File,
    /// What can't be opened here: a device, a pipe, a link that leads out of the run's folder or nowhere.
    Other,
}

/// A name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name, with U+FFFD for what is not UTF-8; such a one can't be opened.
    pub name: String,
    /// What it stands for, links resolved.
    pub kind: EntryKind,
    /// Bytes, of a file.
    pub size: u64,
    /// When it was written last, UTC milliseconds.
    pub modified: i64,
    /// It is a link.
    pub link: bool,
}

/// What is in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Folders first, then by name.
    pub entries: Vec<Entry>,
    /// How many names there are in all; only so many as [`NAMES`] are listed.
    pub total: usize,
}

/// How a file is at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileState {
    /// Bytes.
    pub size: u64,
    /// When it was written last, UTC milliseconds.
    pub modified: i64,
    /// Tells apart files that stand at the same place one after the other.
    pub identity: u64,
    /// It was written a moment ago.
    pub grows: bool,
}

impl FileState {
    fn of(meta: &Metadata) -> Self {
        let modified = Stamp::from_metadata(meta).modified();
        let identity =
            xxhash_rust::xxh3::xxh3_64(&[meta.dev().to_le_bytes(), meta.ino().to_le_bytes()].concat());
        let age = now_ms().saturating_sub(modified);
        // Numbers of the window are whole up to 2^53.
        Self {
            size: meta.len(),
            modified,
            identity: identity >> 11,
            grows: u128::try_from(age).unwrap_or(0) < GROWS.as_millis(),
        }
    }
}

/// A piece of a file.
#[derive(Debug, Clone)]
pub struct FilePiece {
    /// Offset of the first byte.
    pub start: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// How the file was just before it was read.
    pub state: FileState,
}

impl Engine {
    /// What is in a folder of a run; `folder` is relative to the run's own, which an empty one names.
    ///
    /// # Errors
    /// There is no such run or folder, it lies elsewhere, or it can't be read.
    pub async fn list_files(&self, uid: &str, folder: &str) -> Result<Listing> {
        let (root, folder) = (self.run_folder(uid).await?, folder.to_owned());
        tokio::task::spawn_blocking(move || list(&Inside::open(&root)?, &folder)).await?
    }

    /// A piece of a file of a run.
    ///
    /// # Errors
    /// There is no such run or file, it lies elsewhere, is no regular file, or can't be read.
    pub async fn read_file(&self, uid: &str, path: &str, part: LogPart) -> Result<FilePiece> {
        let (root, path) = (self.run_folder(uid).await?, path.to_owned());
        tokio::task::spawn_blocking(move || read(&Inside::open(&root)?, &path, part)).await?
    }

    /// Searches a file of a run, as far as one call goes.
    ///
    /// # Errors
    /// As for [`Engine::read_file`].
    pub async fn search_file(
        &self,
        uid: &str,
        path: &str,
        matcher: Matcher,
        request: Request,
    ) -> Result<(Outcome, FileState)> {
        let (root, path) = (self.run_folder(uid).await?, path.to_owned());
        tokio::task::spawn_blocking(move || {
            let mut file = OpenFile::open(&Inside::open(&root)?, &path)?;
            Ok((bounded(&mut file, &matcher, request)?, file.state))
        })
        .await?
    }

    /// Counts lines of a file of a run, as far as one call goes.
    ///
    /// # Errors
    /// As for [`Engine::read_file`].
    pub async fn seek_file(
        &self,
        uid: &str,
        path: &str,
        span: (Option<u64>, Option<u64>),
        lines: u64,
    ) -> Result<Seek> {
        let (root, path) = (self.run_folder(uid).await?, path.to_owned());
        tokio::task::spawn_blocking(move || {
            bounded_seek(&mut OpenFile::open(&Inside::open(&root)?, &path)?, span.0, span.1, lines)
        })
        .await?
    }

    /// Tells of changes of a file of a run for a while, by [`crate::bus::Push::File`]; said again by who still looks.
    ///
    /// # Errors
    /// As for [`Engine::read_file`].
    pub async fn follow_file(&self, uid: &str, path: &str, time: Duration) -> Result<FileState> {
        let (root, inside) = (self.run_folder(uid).await?, path.to_owned());
        let (real, state, stamp) = tokio::task::spawn_blocking(move || -> Result<_> {
            let root = Inside::open(&root)?;
            let file = OpenFile::open(&root, &inside)?;
            Ok((root.real(&file.file, &inside)?, file.state, file.stamp))
        })
        .await??;
        self.followed().follow(uid, path, real, stamp, time);
        Ok(state)
    }

    async fn run_folder(&self, uid: &str) -> Result<PathBuf> {
        Ok(self.runs().store().find_run(uid).await?.folder.into())
    }
}

fn list(root: &Inside, folder: &str) -> Result<Listing> {
    let opened = root.folder(folder)?;
    let shown = root.shown(folder);
    let failed = |cause: std::io::Error| Error::path("list", &shown, &cause);
    let mut entries = Vec::new();
    for entry in rustix::fs::Dir::new(opened).map_err(|cause| failed(cause.into()))? {
        let entry = entry.map_err(|cause| failed(cause.into()))?;
        let name = entry.file_name().to_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        entries.push((String::from_utf8_lossy(name).into_owned(), name.to_vec()));
    }
    let total = entries.len();
    entries.sort();
    entries.truncate(NAMES);
    let mut entries: Vec<Entry> =
        entries.into_iter().map(|(name, bytes)| entry(root, folder, name, &bytes)).collect();
    entries
        .sort_by(|a, b| (a.kind != EntryKind::Folder, &a.name).cmp(&(b.kind != EntryKind::Folder, &b.name)));
    Ok(Listing { entries, total })
}

fn entry(root: &Inside, folder: &str, name: String, bytes: &[u8]) -> Entry {
    let mut entry = Entry { name, kind: EntryKind::Other, size: 0, modified: 0, link: false };
    if entry.name.as_bytes() != bytes {
        return entry;
    }
    let path = Path::new(folder).join(&entry.name);
    entry.link = root.is_link(&path);
    // A name that can't be entered is shown all the same.
    let Ok(meta) = root.metadata(&path) else { return entry };
    entry.kind = match meta {
        _ if meta.is_dir() => EntryKind::Folder,
        _ if meta.is_file() => EntryKind::File,
        _ => EntryKind::Other,
    };
    entry.size = if meta.is_file() { meta.len() } else { 0 };
    entry.modified = Stamp::from_metadata(&meta).modified();
    entry
}

fn read(root: &Inside, path: &str, part: LogPart) -> Result<FilePiece> {
    let mut file = OpenFile::open(root, path)?;
    let block = match part {
        LogPart::From(offset, max) => {
            let offset = offset.min(file.state.size);
            log_search::span(&mut file, offset, offset.saturating_add(max as u64))?
        }
        LogPart::Tail(lines, max) => log_search::tail(&mut file, lines, max)?,
    };
    Ok(FilePiece { start: block.start, bytes: block.bytes, state: file.state })
}

/// The first bytes of a file in a folder, at most `max`.
pub(crate) fn head(folder: &Path, path: &str, max: usize) -> Result<Vec<u8>> {
    Ok(read(&Inside::open(folder)?, path, LogPart::From(0, max))?.bytes)
}

/// A file that is open, and how it was then.
struct OpenFile {
    file: File,
    state: FileState,
    stamp: Stamp,
    /// As people know it.
    shown: PathBuf,
}

impl OpenFile {
    fn open(root: &Inside, path: &str) -> Result<Self> {
        let shown = root.shown(path);
        let file = root.file(path)?;
        let meta = file.metadata().map_err(|cause| Error::path("look at", &shown, &cause))?;
        Ok(Self { file, state: FileState::of(&meta), stamp: Stamp::from_metadata(&meta), shown })
    }
}

impl Source for OpenFile {
    type Error = Error;

    fn bounds(&mut self) -> Result<(u64, u64)> {
        Ok((0, self.state.size))
    }

    fn read(&mut self, from: u64, max: usize, into: &mut Block) -> Result<()> {
        // What is written meanwhile is left for the next time.
        let room = usize::try_from(self.state.size.saturating_sub(from)).unwrap_or(usize::MAX);
        into.bytes.resize(max.min(room), 0);
        let mut length = 0;
        while length < into.bytes.len() {
            match self.file.read_at(&mut into.bytes[length..], from + length as u64) {
                Ok(0) => break,
                Ok(more) => length += more,
                Err(cause) if cause.kind() == std::io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(Error::path("read", &self.shown, &cause)),
            }
        }
        into.bytes.truncate(length);
        (into.start, into.next) = (from, from + length as u64);
        into.parts.clear();
        into.parts.push((from, 0..length));
        Ok(())
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
