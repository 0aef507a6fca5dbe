//! Walks a tree of folders from the top down, each folder once.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use athanor_core::runs::{Discovery, Folder};

use super::{Problem, Progress, Report};

/// Folders that hold no runs of their own and may be very large.
const PASSED_OVER: [&str; 5] = [".git", ".hg", ".svn", "__pycache__", "node_modules"];

/// How many bytes of a file the formats may look at.
pub(crate) const HEAD: u64 = 4096;

/// How far below a folder a format may look, and how many files it is told of there.
pub(crate) const DEEPEST_BELOW: usize = 8;
pub(crate) const MOST_BELOW: usize = 100_000;

pub(crate) type Identity = (u64, u64);

/// A folder that waits to be listed.
struct Waiting {
    path: String,
    identity: Identity,
    /// The identities of the folders above it.
    above: Vec<Identity>,
}

/// Shows all folders to the formats. Folders that links lead to come last, and only if they were not met without: W&B
/// has a `latest-run` beside the run itself.
pub(super) fn walk(
    root: &Path,
    discovery: &mut Discovery,
    report: &mut Report,
    watch: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let Ok(meta) = fs::metadata(root) else { return ControlFlow::Continue(()) };
    let mut seen: HashSet<Identity> = HashSet::new();
    let mut waiting =
        vec![Waiting { path: String::new(), identity: (meta.dev(), meta.ino()), above: Vec::new() }];
    let mut links: Vec<Waiting> = Vec::new();
    loop {
        let Some(next) = waiting.pop() else {
            let Some(link) = links.pop() else { return ControlFlow::Continue(()) };
            if !seen.contains(&link.identity) {
                waiting.push(link);
            }
            continue;
        };
        if !seen.insert(next.identity) {
            continue;
        }
        let listing = match list(root, &next.path) {
            Ok(listing) => listing,
            Err(cause) => {
                report.problems.push(problem(&next.path, words(&cause)));
                continue;
            }
        };
        report.problems.extend(listing.problems.iter().cloned());
        report.progress.folders += 1;
        report.progress.files += listing.files.len() as u64;
        let mut above = next.above;
        above.push(next.identity);
        // The last one is taken first.
        for (name, identity, is_link) in listing.inside.iter().rev() {
            let path = join(&next.path, name);
            let inside = Waiting { path, identity: *identity, above: above.clone() };
            if !is_link {
                waiting.push(inside);
            } else if above.contains(identity) {
                let message = "it is a link to a folder that it lies in; it is not followed";
                report.problems.push(problem(&inside.path, message.into()));
            } else {
                links.push(inside);
            }
        }
        discovery.visit(&listing);
        report.problems.append(&mut listing.faults.borrow_mut());
        watch(&report.progress)?;
    }
}

/// One folder as it was listed.
pub(crate) struct Listing {
    root: PathBuf,
    path: String,
    pub(crate) files: Vec<String>,
    folders: Vec<String>,
    /// The folders with their identities, and whether they are links.
    pub(crate) inside: Vec<(String, Identity, bool)>,
    pub(crate) problems: Vec<Problem>,
    heads: RefCell<HashMap<String, Vec<u8>>>,
    /// What went wrong while a format looked.
    faults: RefCell<Vec<Problem>>,
}

pub(crate) fn list(root: &Path, path: &str) -> io::Result<Listing> {
    let mut listing = Listing {
        root: root.to_owned(),
        path: path.to_owned(),
        files: Vec::new(),
        folders: Vec::new(),
        inside: Vec::new(),
        problems: Vec::new(),
        heads: RefCell::default(),
        faults: RefCell::default(),
    };
    for entry in fs::read_dir(root.join(path))? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            let shown = entry.file_name().to_string_lossy().into_owned();
            listing.problems.push(problem(&join(path, &shown), "its name is not UTF-8; rename it".into()));
            continue;
        };
        let kind = match entry.file_type() {
            Ok(kind) => kind,
            Err(cause) => {
                listing.problems.push(problem(&join(path, &name), words(&cause)));
                continue;
            }
        };
        if kind.is_file() {
            listing.files.push(name);
            continue;
        }
        let meta = match fs::metadata(entry.path()) {
            Ok(meta) => meta,
            // A link to nothing, or the entry has vanished since.
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => continue,
            Err(cause) => {
                listing.problems.push(problem(&join(path, &name), words(&cause)));
                continue;
            }
        };
        if meta.is_file() {
            listing.files.push(name);
        } else if meta.is_dir() && !PASSED_OVER.contains(&name.as_str()) {
            listing.inside.push((name, (meta.dev(), meta.ino()), kind.is_symlink()));
        }
        // Pipes, sockets and devices are not opened: reading them could wait for ever.
    }
    listing.files.sort();
    listing.inside.sort();
    listing.folders = listing.inside.iter().map(|(name, ..)| name.clone()).collect();
    Ok(listing)
}

impl Folder for Listing {
    fn path(&self) -> &str {
        &self.path
    }

    fn files(&self) -> &[String] {
        &self.files
    }

    fn folders(&self) -> &[String] {
        &self.folders
    }

    fn below(&self, folder: &str) -> Vec<String> {
        let mut files = Vec::new();
        let mut waiting = vec![(folder.to_owned(), 1)];
        while let Some((folder, depth)) = waiting.pop() {
            // What can't be listed is told when the walk comes there.
            let Ok(entries) = fs::read_dir(self.root.join(&self.path).join(&folder)) else { continue };
            for entry in entries.flatten() {
                let (Ok(name), Ok(kind)) = (entry.file_name().into_string(), entry.file_type()) else {
                    continue;
                };
                let path = join(&folder, &name);
                if kind.is_dir() && depth < DEEPEST_BELOW {
                    waiting.push((path, depth + 1));
                } else if kind.is_file() && files.len() < MOST_BELOW {
                    files.push(path);
                }
            }
        }
        files.sort();
        files
    }

    fn head(&self, file: &str) -> Vec<u8> {
        if let Some(head) = self.heads.borrow().get(file) {
            return head.clone();
        }
        let mut head = Vec::new();
        let read = File::open(self.root.join(&self.path).join(file))
            .and_then(|file| file.take(HEAD).read_to_end(&mut head));
        if let Err(cause) = read {
            self.faults.borrow_mut().push(problem(&join(&self.path, file), words(&cause)));
        }
        self.heads.borrow_mut().insert(file.to_owned(), head.clone());
        head
    }
}

pub(crate) fn problem(path: &str, message: String) -> Problem {
    Problem { path: path.to_owned(), place: None, message, more: 0 }
}

/// Why something can't be read, as a clause, with the next step where there is one.
pub(crate) fn words(cause: &io::Error) -> String {
    if rustix::io::Errno::from_io_error(cause) == Some(rustix::io::Errno::LOOP) {
        return "it is a link that leads to itself; remove it".into();
    }
    use rustix::io::Errno;
    if let Some(Errno::NOTCONN | Errno::STALE | Errno::HOSTDOWN | Errno::HOSTUNREACH | Errno::TIMEDOUT) =
        Errno::from_io_error(cause)
    {
        return format!("its file server is gone ({cause}); it is tried again until it is back");
    }
    match cause.kind() {
        io::ErrorKind::PermissionDenied => {
            "it may not be read; give yourself the right to, or leave it out".into()
        }
        io::ErrorKind::NotFound => "it vanished while it was looked at".into(),
        _ => cause.to_string(),
    }
}

pub(crate) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// The path of a member below the folder that was scanned; `../` at its beginning leads up.
pub(crate) fn normal(folder: &str, member: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in member.split('/') {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
}
