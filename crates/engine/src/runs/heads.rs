//! What a look learned from files by opening them, kept from one look, and from one start, to the next: a file that is as
//! it was is not opened again.
//!
//! - The first bytes of a file are kept, all of them, and compressed ([`Packed`]). A digest of them would be smaller, but
//!   only the formats know what they look for, and another version of them looks for other things.
//! - *Racy:* a file that is written within one tick of its file system's clock after it was looked at may have the size
//!   and the time that it had. What is learned of a file is kept with its stamp only if it was last written [`SETTLED_NS`]
//!   before; Git does the same with its index (“racy Git”, Documentation/technical/racy-git.adoc).
//! - First bytes that were read too early for that are kept without a stamp. The store gives them the one of the reading of
//!   the file that has found the same beginning since: so a file that grew is not opened at the next start either.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use athanor_core::runs::Format;
use athanor_core::runs::printed::{Logs, Pattern};
use rustix::fs::{Mode, OFlags};

use super::keeper::{ENTERED, below, pattern_of, stamp_of};
use super::source::modified_ns;
use super::tree::Tree;
use crate::error::Result;
use crate::scan::walk::HEAD;
pub(super) use crate::store::runs::FileStamp as Stamp;
use crate::store::runs::{HeadRow, Packed, RunStore, SampledLog, WatchRow};

/// How long a file has to be unwritten before its stamp tells of the next writing for certain, nanoseconds: the coarsest
/// clock of a usual file system, FAT's, has ticks of two seconds.
const SETTLED_NS: i64 = 2_000_000_000;

impl Stamp {
    /// How a file is now; `None` if it is not there. Blocks on the disk.
    pub(super) fn of(path: &Path) -> Option<Self> {
        Some(Self::from_meta(&std::fs::metadata(path).ok()?))
    }

    /// The same as its file server has it now. What `stat` says there may be a minute old, or whatever the mount allows;
    /// opening a file asks the server (close-to-open consistency: nfs(5); sshfs does so, too).
    pub(super) fn newest(path: &Path) -> Option<Self> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(file) => Some(Self::from_meta(&File::from(file).metadata().ok()?)),
            // It can't be opened, or not without waiting.
            Err(_) => Self::of(path),
        }
    }

    fn from_meta(meta: &std::fs::Metadata) -> Self {
        Self {
            device: meta.dev().cast_signed(),
            inode: meta.ino().cast_signed(),
            size: meta.len().cast_signed(),
            modified_ns: modified_ns(meta),
        }
    }

    /// Whether the next writing will show, if nothing was written since this was taken.
    pub(super) fn is_settled(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        i64::try_from(now).is_ok_and(|now| self.modified_ns.saturating_add(SETTLED_NS) <= now)
    }
}

/// The first bytes of a file.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub bytes: Packed,
    /// How the file was; `None` if it was being written.
    pub stamp: Option<Stamp>,
}

impl Head {
    /// Reads them, and gives them also as they are. Blocks on the disk.
    fn read(path: &Path) -> io::Result<(Self, Vec<u8>)> {
        let file = File::open(path)?;
        // Before it is read: what is written meanwhile changes it.
        let stamp = Stamp::from_meta(&file.metadata()?);
        let stamp = stamp.is_settled().then_some(stamp);
        let mut bytes = Vec::new();
        file.take(HEAD).read_to_end(&mut bytes)?;
        Ok((Self { bytes: Packed::new(&bytes), stamp }, bytes))
    }
}

/// What was learned of the files of a watch folder, by their paths below it.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Of files that nobody has asked for since the last look through everything.
    heads: RefCell<HashMap<String, Head>>,
    /// Read in this look.
    read: RefCell<Vec<(String, Head)>>,
    /// Those that the store has.
    stored: HashSet<String>,
    /// How logs were, and whether metrics were in them.
    logs: HashMap<String, (Stamp, bool)>,
    /// Looked into in this look.
    sampled: Vec<(String, Stamp, bool)>,
    /// Those that the store has.
    stored_logs: HashSet<String>,
}

/// What the store does not have yet, and what it has in vain.
#[derive(Debug, Default)]
pub(super) struct Learned {
    pub heads: Vec<(String, Head)>,
    pub heads_gone: Vec<String>,
    pub logs: Vec<(String, Stamp, bool)>,
    pub logs_gone: Vec<String>,
}

impl Known {
    /// From what the store has.
    pub fn new(heads: Vec<HeadRow>, logs: Vec<SampledLog>, looked_for: Option<&str>) -> Self {
        let mut known = Self::default();
        let all = known.heads.get_mut();
        for HeadRow { path, stamp, head } in heads {
            known.stored.insert(path.clone());
            // A file that grew has more to show, or it was being written.
            let whole = u64::try_from(stamp.size).is_ok_and(|size| size.min(HEAD) == head.len());
            if whole && stamp != Stamp::default() {
                all.insert(path, Head { bytes: head, stamp: Some(stamp) });
            }
        }
        for log in logs {
            known.stored_logs.insert(log.path.clone());
            if looked_for == Some(log.looked_for.as_str()) {
                known.logs.insert(log.path, (log.stamp, log.found));
            }
        }
        known
    }

    /// A log is in the index as a run with printed metrics, as far as it went when it had this stamp.
    pub fn is_indexed(&mut self, path: String, stamp: Stamp) {
        let known = self.logs.entry(path).or_insert((stamp, true));
        if known.0 != stamp {
            *known = (stamp, true);
        }
    }

    /// Files are about to be asked for again: these are the bytes that were seen.
    pub fn put_back(&mut self, heads: impl Iterator<Item = (String, Head)>) {
        self.heads.get_mut().extend(heads.filter(|(_, head)| head.stamp.is_some()));
    }

    /// The first bytes of a file, also as they are: those that are known, if it is as it was. Blocks on the disk.
    pub fn head(&self, root: &Path, path: &str) -> io::Result<(Head, Vec<u8>)> {
        let place = root.join(path);
        let known = self.heads.borrow_mut().remove(path);
        if let Some(known) = known.filter(|known| known.stamp == Stamp::of(&place))
            && let Some(bytes) = known.bytes.bytes()
        {
            return Ok((known, bytes));
        }
        let (head, bytes) = Head::read(&place)?;
        self.read.borrow_mut().push((path.to_owned(), head.clone()));
        Ok((head, bytes))
    }

    /// Whether metrics are in a log, if it is as it was when that was found out.
    pub fn prints(&self, path: &str, stamp: Stamp) -> Option<bool> {
        self.logs.get(path).filter(|(known, _)| *known == stamp).map(|(_, found)| *found)
    }

    /// Notes whether there are, with the stamp that the log had before it was read.
    pub fn put_prints(&mut self, path: &str, stamp: Stamp, found: bool) {
        self.logs.insert(path.to_owned(), (stamp, found));
        if stamp.is_settled() {
            self.sampled.push((path.to_owned(), stamp, found));
        }
    }

    /// Whether nothing was found in a log when it was last looked into.
    pub fn is_quiet(&self, path: &str) -> bool {
        self.logs.get(path).is_some_and(|(_, found)| !found)
    }

    /// What a look has learned that the store is to have.
    pub fn learned(&mut self) -> Learned {
        let learned = Learned {
            heads: std::mem::take(self.read.get_mut()),
            logs: std::mem::take(&mut self.sampled),
            ..Learned::default()
        };
        self.stored.extend(learned.heads.iter().map(|(path, _)| path.clone()));
        self.stored_logs.extend(learned.logs.iter().map(|(path, ..)| path.clone()));
        learned
    }

    /// The same after a look through everything: which files are there, and the first bytes of which were asked for.
    pub fn learned_of_all(
        &mut self,
        is_there: impl Fn(&str) -> bool,
        asked: impl Iterator<Item = String>,
    ) -> Learned {
        self.heads.get_mut().clear();
        self.logs.retain(|path, _| is_there(path));
        let mut learned = self.learned();
        let asked: HashSet<String> = if self.stored.is_empty() { HashSet::new() } else { asked.collect() };
        learned.heads_gone = self.stored.extract_if(|path| !asked.contains(path)).collect();
        let logs = &self.logs;
        learned.logs_gone = self.stored_logs.extract_if(|path| !logs.contains_key(path)).collect();
        learned
    }
}

/// What is looked for in logs. Another version of the program may find what this one does not.
fn looked_for(pattern: &Pattern) -> String {
    format!("{} {}", env!("CARGO_PKG_VERSION"), pattern.text())
}

/// A watch folder that nothing was listed of yet, with what was learned of its files.
pub(super) async fn tree_of(store: &RunStore, row: &WatchRow) -> Box<Tree> {
    let pattern = pattern_of(row);
    let known = known_of(store, row, pattern.as_ref()).await.unwrap_or_else(|error| {
        tracing::warn!(%error, folder = row.path, "what its files begin with is read again");
        Known::default()
    });
    Box::new(Tree::new(PathBuf::from(&row.path), pattern).knowing(known))
}

async fn known_of(store: &RunStore, row: &WatchRow, pattern: Option<&Pattern>) -> Result<Known> {
    let (heads, logs) = (store.heads(row.id).await?, store.sampled_logs(row.id).await?);
    let mut known = Known::new(heads, logs, pattern.map(looked_for).as_deref());
    if pattern.is_some() {
        for file in store.known_files(row.id).await?.iter().filter(|file| file.format == Logs.id()) {
            if let Some(path) = below(Path::new(&row.path), Path::new(&file.path)) {
                known.is_indexed(path, stamp_of(file));
            }
        }
    }
    Ok(known)
}

/// Writes what a look has learned. What can't be written is found out again after the next start.
pub(super) async fn learn(store: &RunStore, row: &WatchRow, learned: Learned) {
    if let Err(error) = put_learned(store, row, learned).await {
        tracing::warn!(%error, folder = row.path, "what its files begin with could not be kept");
    }
}

async fn put_learned(store: &RunStore, row: &WatchRow, learned: Learned) -> Result<()> {
    // Each row stands for itself: whoever else writes need not wait for all of them.
    for heads in learned.heads.chunks(ENTERED) {
        let mut tx = store.begin_lightly().await?;
        for (path, head) in heads {
            let head = (path.clone(), head.stamp.unwrap_or_default(), &head.bytes);
            store.put_head(&mut tx, row.id, head).await?;
        }
        tx.commit().await?;
    }
    if learned.logs.is_empty() && learned.heads_gone.is_empty() && learned.logs_gone.is_empty() {
        return Ok(());
    }
    let looked_for = pattern_of(row).as_ref().map(looked_for).unwrap_or_default();
    let mut tx = store.begin_lightly().await?;
    for (path, stamp, found) in learned.logs {
        let log = SampledLog { path, looked_for: looked_for.clone(), found, stamp };
        store.put_log(&mut tx, row.id, log).await?;
    }
    for path in learned.heads_gone {
        store.drop_head(&mut tx, row.id, path).await?;
    }
    for path in learned.logs_gone {
        store.drop_log(&mut tx, row.id, path).await?;
    }
    tx.commit().await
}
