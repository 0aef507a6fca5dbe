//! What lies below a watch folder, as it was last listed, and which runs that makes.
//!
//! A change below a folder costs the listing of that folder; which runs there are is then found from what is remembered,
//! since a file far above may say whose they are. Everything here blocks on the disk.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use athanor_core::runs::printed::{self, Logs, Pattern};
use athanor_core::runs::{Database, Discovery, Folder, Format, Member, Run};

use super::source::modified_ns;
use crate::scan::walk::{DEEPEST_BELOW, HEAD, Identity, MOST_BELOW, join, list, normal, problem, words};
use crate::scan::{Problem, Progress};
use crate::store::runs::DatabaseStamp;

/// Bytes of a log, at either end, in which metrics are looked for before it is taken for a run.
const SAMPLE: u64 = 256 << 10;

/// How a file was when it was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Stamp {
    pub device: i64,
    pub inode: i64,
    pub size: i64,
    pub modified_ns: i64,
}

impl Stamp {
    pub fn of(path: &Path) -> Option<Self> {
        let meta = std::fs::metadata(path).ok()?;
        Some(Self {
            device: meta.dev().cast_signed(),
            inode: meta.ino().cast_signed(),
            size: meta.len().cast_signed(),
            modified_ns: modified_ns(&meta),
        })
    }
}

/// A run with its files.
#[derive(Debug, Clone)]
pub(super) struct FoundRun {
    /// Below the watch folder.
    pub folder: String,
    pub part: String,
    pub files: Vec<FoundFile>,
}

/// A file of a run.
#[derive(Debug, Clone)]
pub(super) struct FoundFile {
    pub path: PathBuf,
    pub format: &'static str,
    pub member: Member,
    /// How it is now; `None` if it has vanished.
    pub stamp: Option<Stamp>,
}

/// A file that holds many runs.
#[derive(Debug, Clone)]
pub(super) struct FoundDatabase {
    pub path: PathBuf,
    pub format: &'static str,
    /// How it is now; `None` if it has vanished.
    pub stamp: Option<DatabaseStamp>,
}

/// What a look has found.
#[derive(Debug, Default)]
pub(super) struct Looked {
    /// Runs that were not there, or have other files now; after a look through everything, all of them.
    pub came: Vec<FoundRun>,
    /// Runs that are not there any more: folder and part.
    pub gone: Vec<(String, String)>,
    /// All databases that there are.
    pub databases: Vec<FoundDatabase>,
    /// The watch folder itself can't be listed: nothing is known of what is in it.
    pub unreadable: Option<String>,
    pub problems: Vec<Problem>,
    pub took: std::time::Duration,
}

/// What is to be looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Everything.
    pub all: bool,
    /// These folders, below the watch folder.
    pub folders: BTreeSet<String>,
}

impl Wanted {
    pub fn is_empty(&self) -> bool {
        !self.all && self.folders.is_empty()
    }
}

/// A folder as it was last listed.
#[derive(Debug, Default)]
struct Listed {
    identity: Identity,
    files: Vec<String>,
    folders: Vec<(String, Identity, bool)>,
    names: Vec<String>,
    problems: Vec<Problem>,
    /// First bytes of files that a format asked for.
    heads: RefCell<HashMap<String, Vec<u8>>>,
    faults: RefCell<Vec<Problem>>,
}

/// The tree below a watch folder.
#[derive(Debug, Default)]
pub(super) struct Tree {
    root: PathBuf,
    /// By their paths below the root; a folder comes before those in it.
    listed: BTreeMap<String, Listed>,
    /// The files of the runs that there are.
    runs: BTreeMap<(String, String), Vec<(&'static str, Member)>>,
    /// How metrics are found in logs.
    pattern: Option<Pattern>,
    /// Logs in which it found none, with their size then.
    mute: HashMap<PathBuf, i64>,
}

/// Told of each folder that is met, and of how far the look is.
pub(super) trait Watcher {
    /// This folder is looked into.
    fn meets(&mut self, folder: &Path, progress: &Progress);
}

impl Tree {
    /// With a pattern, logs in which it finds metrics are runs, too.
    pub fn new(root: PathBuf, pattern: Option<Pattern>) -> Self {
        Self { root, pattern, ..Self::default() }
    }

    /// Whether a file that was written, or has come, may change which runs there are: one that was not listed, or whose
    /// beginning was wanted and was short.
    pub fn concerns(&self, folder: &str, name: &str) -> bool {
        let Some(listed) = self.listed.get(folder) else { return true };
        if self.mute.contains_key(&self.root.join(folder).join(name)) {
            return true;
        }
        if listed.files.binary_search_by(|file| file.as_str().cmp(name)).is_err() {
            return true;
        }
        let heads = listed.heads.borrow();
        heads.get(name).is_some_and(|head| (head.len() as u64) < HEAD)
    }

    /// Looks at what is wanted.
    pub fn look(&mut self, wanted: &Wanted, watcher: &mut dyn Watcher) -> Looked {
        let from = std::time::Instant::now();
        let mut looked = Looked::default();
        let mut progress = Progress::default();
        if wanted.all || !self.listed.contains_key("") {
            self.listed.clear();
            match std::fs::metadata(&self.root) {
                Ok(meta) => self.list_below("", (meta.dev(), meta.ino()), &mut progress, watcher),
                Err(cause) => looked.unreadable = Some(words(&cause)),
            }
        } else {
            for folder in &wanted.folders {
                self.list_again(folder, &mut progress, watcher);
            }
        }
        if looked.unreadable.is_none()
            && let Some(problem) =
                self.listed.get("").and_then(|top| top.problems.iter().find(|it| it.path.is_empty()))
        {
            looked.unreadable = Some(problem.message.clone());
        }
        if looked.unreadable.is_some() {
            looked.took = from.elapsed();
            return looked;
        }
        self.tell_runs(&mut looked, wanted.all);
        for listed in self.listed.values() {
            looked.problems.extend(listed.problems.iter().cloned());
            looked.problems.append(&mut listed.faults.borrow_mut());
        }
        looked.took = from.elapsed();
        looked
    }

    /// Which runs there are now: after a look through everything all of them, whose files may have been written without
    /// anybody telling; else those that are not as they were.
    fn tell_runs(&mut self, looked: &mut Looked, all: bool) {
        let mut discovery =
            if self.pattern.is_some() { Discovery::with_logs() } else { Discovery::default() };
        for path in self.listed.keys() {
            discovery.visit(&Seen { tree: self, path });
        }
        looked.databases = discovery
            .databases()
            .into_iter()
            .map(|Database { folder, format, member }| {
                let path = self.root.join(normal(&folder, &member.path));
                FoundDatabase { stamp: DatabaseStamp::of(&path), path, format }
            })
            .collect();
        let mut runs = BTreeMap::new();
        for Run { folder, part, members } in discovery.finish() {
            if members.first().is_some_and(|(format, _)| *format == Logs.id())
                && !self.runs.contains_key(&(folder.clone(), part.clone()))
                && !members.iter().any(|(_, member)| self.prints(&normal(&folder, &member.path)))
            {
                continue;
            }
            let known = self.runs.get(&(folder.clone(), part.clone()));
            if all || known != Some(&members) {
                let files = members.iter().map(|(format, member)| {
                    let path = self.root.join(normal(&folder, &member.path));
                    let stamp = Stamp::of(&path);
                    FoundFile { path, format, member: member.clone(), stamp }
                });
                looked.came.push(FoundRun {
                    folder: folder.clone(),
                    part: part.clone(),
                    files: files.collect(),
                });
            }
            runs.insert((folder, part), members);
        }
        looked.gone = self.runs.keys().filter(|key| !runs.contains_key(*key)).cloned().collect();
        self.runs = runs;
    }

    /// Whether metrics are printed in a log, as far as its beginning and its end tell.
    fn prints(&mut self, file: &str) -> bool {
        let Some(pattern) = &self.pattern else { return false };
        let path = self.root.join(file);
        let Some(stamp) = Stamp::of(&path) else { return false };
        if self.mute.get(&path) == Some(&stamp.size) {
            return false;
        }
        let piece = |from: u64| {
            let mut bytes = Vec::new();
            let mut file = File::open(&path)?;
            file.seek(SeekFrom::Start(from))?;
            file.take(SAMPLE).read_to_end(&mut bytes)?;
            Ok::<_, io::Error>(printed::preview(pattern, &bytes, 0).points > 0)
        };
        let end = stamp.size.unsigned_abs().saturating_sub(SAMPLE);
        let found = piece(0).unwrap_or(false) || (end > 0 && piece(end).unwrap_or(false));
        match found {
            true => self.mute.remove(&path),
            false => self.mute.insert(path, stamp.size),
        };
        found
    }

    /// Lists a folder that has changed, and what has come below it.
    fn list_again(&mut self, folder: &str, progress: &mut Progress, watcher: &mut dyn Watcher) {
        let Ok(meta) = std::fs::metadata(self.root.join(folder)) else {
            self.forget(folder);
            return;
        };
        let identity = (meta.dev(), meta.ino());
        let before = self.listed.remove(folder);
        self.list_one(folder, identity, progress, watcher);
        let Some(now) = self.listed.get(folder) else { return };
        let inside = now.folders.clone();
        if let Some(before) = before {
            // What was not touched keeps the bytes that were looked at.
            let mut kept = before.heads.into_inner();
            kept.retain(|name, head| head.len() as u64 >= HEAD && now.files.binary_search(name).is_ok());
            *now.heads.borrow_mut() = kept;
            for (name, identity, _) in before.folders {
                if !inside.iter().any(|(other, is, _)| *other == name && *is == identity) {
                    self.forget(&join(folder, &name));
                }
            }
        }
        for (name, identity, is_link) in inside {
            let path = join(folder, &name);
            if !self.listed.contains_key(&path) && !is_link {
                self.list_below(&path, identity, progress, watcher);
            }
        }
    }

    fn forget(&mut self, folder: &str) {
        let below = format!("{folder}/");
        self.listed.retain(|path, _| path != folder && !path.starts_with(&below));
    }

    /// Lists a folder and all below it, each once; what links lead to comes last.
    fn list_below(
        &mut self,
        folder: &str,
        identity: Identity,
        progress: &mut Progress,
        watcher: &mut dyn Watcher,
    ) {
        let mut seen: HashSet<Identity> = self.listed.values().map(|listed| listed.identity).collect();
        let mut waiting = vec![(folder.to_owned(), identity)];
        let mut links: Vec<(String, Identity)> = Vec::new();
        loop {
            let Some((path, identity)) = waiting.pop() else {
                let Some((path, identity)) = links.pop() else { return };
                if !seen.contains(&identity) {
                    waiting.push((path, identity));
                }
                continue;
            };
            if !seen.insert(identity) {
                continue;
            }
            self.list_one(&path, identity, progress, watcher);
            let above = self.identities_above(&path);
            let Some(listed) = self.listed.get_mut(&path) else { continue };
            for (name, identity, is_link) in listed.folders.iter().rev() {
                let inside = join(&path, name);
                if !is_link {
                    waiting.push((inside, *identity));
                } else if above.contains(identity) {
                    let message = "it is a link to a folder that it lies in; it is not followed";
                    listed.problems.push(problem(&inside, message.into()));
                } else {
                    links.push((inside, *identity));
                }
            }
        }
    }

    fn identities_above(&self, path: &str) -> Vec<Identity> {
        let mut above = Vec::new();
        let mut path = path;
        loop {
            above.extend(self.listed.get(path).map(|listed| listed.identity));
            match path.rsplit_once('/') {
                Some((parent, _)) => path = parent,
                None if path.is_empty() => return above,
                None => path = "",
            }
        }
    }

    fn list_one(
        &mut self,
        path: &str,
        identity: Identity,
        progress: &mut Progress,
        watcher: &mut dyn Watcher,
    ) {
        // Before it is read: what comes meanwhile is told then.
        watcher.meets(&self.root.join(path), progress);
        let listed = match list(&self.root, path) {
            Ok(listing) => {
                progress.folders += 1;
                progress.files += listing.files.len() as u64;
                Listed {
                    identity,
                    names: listing.inside.iter().map(|(name, ..)| name.clone()).collect(),
                    files: listing.files,
                    folders: listing.inside,
                    problems: listing.problems,
                    ..Listed::default()
                }
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return,
            Err(cause) => {
                Listed { identity, problems: vec![problem(path, words(&cause))], ..Listed::default() }
            }
        };
        self.listed.insert(path.to_owned(), listed);
    }
}

/// A folder of the tree as formats see it.
struct Seen<'a> {
    tree: &'a Tree,
    path: &'a str,
}

impl Seen<'_> {
    fn listed(&self) -> &Listed {
        &self.tree.listed[self.path]
    }
}

impl Folder for Seen<'_> {
    fn path(&self) -> &str {
        self.path
    }

    fn files(&self) -> &[String] {
        &self.listed().files
    }

    fn folders(&self) -> &[String] {
        &self.listed().names
    }

    fn below(&self, folder: &str) -> Vec<String> {
        let mut files = Vec::new();
        let mut waiting = vec![(folder.to_owned(), 1)];
        while let Some((inside, depth)) = waiting.pop() {
            let Some(listed) = self.tree.listed.get(&join(self.path, &inside)) else { continue };
            for file in &listed.files {
                if files.len() < MOST_BELOW {
                    files.push(join(&inside, file));
                }
            }
            for (name, _, is_link) in &listed.folders {
                if depth < DEEPEST_BELOW && !is_link {
                    waiting.push((join(&inside, name), depth + 1));
                }
            }
        }
        files.sort();
        files
    }

    fn head(&self, file: &str) -> Vec<u8> {
        let listed = self.listed();
        if let Some(head) = listed.heads.borrow().get(file) {
            return head.clone();
        }
        let path = join(self.path, file);
        let mut head = Vec::new();
        let read =
            File::open(self.tree.root.join(&path)).and_then(|file| file.take(HEAD).read_to_end(&mut head));
        if let Err(cause) = read {
            listed.faults.borrow_mut().push(problem(&path, words(&cause)));
        }
        listed.heads.borrow_mut().insert(file.to_owned(), head.clone());
        head
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Count(usize);
    impl Watcher for Count {
        fn meets(&mut self, _: &Path, _: &Progress) {
            self.0 += 1;
        }
    }

    fn folders(of: &[FoundRun]) -> Vec<&str> {
        of.iter().map(|run| run.folder.as_str()).collect()
    }

    #[test]
    fn a_change_costs_the_folder_that_it_is_in() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let write = |path: &str, text: &str| {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, text).expect("written");
        };
        write("a/metrics.csv", "step,loss\n1,2\n");
        write("b/metrics.csv", "step,loss\n1,2\n");
        let mut tree = Tree::new(dir.path().to_owned(), None);
        let mut count = Count(0);
        let first = tree.look(&Wanted { all: true, ..Wanted::default() }, &mut count);
        assert_eq!(folders(&first.came), ["a", "b"]);
        assert_eq!(count.0, 3);

        write("c/metrics.csv", "step,loss\n1,2\n");
        let mut count = Count(0);
        let wanted = Wanted { folders: BTreeSet::from([String::new()]), ..Wanted::default() };
        let second = tree.look(&wanted, &mut count);
        assert_eq!(folders(&second.came), ["c"]);
        assert!(second.gone.is_empty());
        assert_eq!(count.0, 2, "the folder itself and the one that came");

        std::fs::remove_dir_all(dir.path().join("a")).expect("removed");
        let third = tree.look(&wanted, &mut Count(0));
        assert!(third.came.is_empty());
        assert_eq!(third.gone, [("a".to_owned(), String::new())]);

        // Nobody may have told of what was written.
        write("b/metrics.csv", "step,loss\n1,2\n2,3\n");
        let whole = tree.look(&Wanted { all: true, ..Wanted::default() }, &mut Count(0));
        assert_eq!(folders(&whole.came), ["b", "c"]);
        assert_eq!(whole.came[0].files[0].stamp.expect("there").size, 18);
    }

    #[test]
    fn a_file_that_was_too_short_to_tell_is_looked_at_again() {
        let dir = tempfile::tempdir().expect("temporary folder");
        std::fs::create_dir(dir.path().join("x")).expect("made");
        let path = dir.path().join("x/values.csv");
        std::fs::write(&path, "").expect("written");
        let mut tree = Tree::new(dir.path().to_owned(), None);
        let first = tree.look(&Wanted { all: true, ..Wanted::default() }, &mut Count(0));
        assert!(first.came.is_empty(), "{first:?}");
        assert!(tree.concerns("x", "values.csv") && tree.concerns("x", "other") && tree.concerns("y", "z"));
        std::fs::write(&path, "step,loss\n1,2\n2,3\n").expect("written");
        let wanted = Wanted { folders: BTreeSet::from(["x".to_owned()]), ..Wanted::default() };
        let second = tree.look(&wanted, &mut Count(0));
        assert_eq!(second.came.len(), 1, "{second:?}");
    }

    #[test]
    fn a_folder_that_links_to_itself_is_walked_once() {
        let dir = tempfile::tempdir().expect("temporary folder");
        std::fs::create_dir(dir.path().join("a")).expect("made");
        std::os::unix::fs::symlink(dir.path(), dir.path().join("a/up")).expect("linked");
        let mut tree = Tree::new(dir.path().to_owned(), None);
        let looked = tree.look(&Wanted { all: true, ..Wanted::default() }, &mut Count(0));
        assert_eq!(looked.problems.len(), 1);
    }
}
