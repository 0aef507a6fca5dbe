//! What lies below a watch folder, as it was last listed, and which runs that makes.
//!
//! A change below a folder costs the listing of that folder; formats are asked again about it and the folders above it. Which
//! runs that makes is put together from what they said of all, since a file far above may say whose they are. Everything
//! here blocks on the disk.

mod seen;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use athanor_core::runs::printed::{self, Logs, Pattern};
use athanor_core::runs::{Database, Discovery, Format, Member, Run};

pub(super) use super::heads::Stamp;
use super::heads::{Head, Known, Learned};
use crate::scan::walk::{HEAD, Identity, join, list, normal, problem, words};
use crate::scan::{Problem, Progress};
use crate::store::runs::DatabaseStamp;

/// Bytes of a log, at either end, in which metrics are looked for before it is taken for a run.
const SAMPLE: u64 = 256 << 10;

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
    /// What files begin with, as far as the store does not know it.
    pub learned: Learned,
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
    heads: RefCell<HashMap<String, Head>>,
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
    /// What was learned of files by opening them.
    known: Known,
    /// What formats found in the folders.
    discovery: Discovery,
    /// Folders that were listed, or have gone, since they were asked.
    touched: BTreeSet<String>,
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

    /// With what was learned of its files before.
    pub fn knowing(self, known: Known) -> Self {
        Self { known, ..self }
    }

    /// Whether a file that was written, or has come, may change which runs there are: one that was not listed, or whose
    /// beginning was wanted and was short.
    pub fn concerns(&self, folder: &str, name: &str) -> bool {
        let Some(listed) = self.listed.get(folder) else { return true };
        if self.known.is_quiet(&join(folder, name)) {
            return true;
        }
        if listed.files.binary_search_by(|file| file.as_str().cmp(name)).is_err() {
            return true;
        }
        let heads = listed.heads.borrow();
        heads.get(name).is_some_and(|head| head.bytes.len() < HEAD)
    }

    /// Looks at what is wanted.
    pub fn look(&mut self, wanted: &Wanted, watcher: &mut dyn Watcher) -> Looked {
        let from = std::time::Instant::now();
        let all = wanted.all || !self.listed.contains_key("");
        let mut looked = Looked::default();
        let mut progress = Progress::default();
        if all {
            self.discovery =
                if self.pattern.is_some() { Discovery::with_logs() } else { Discovery::default() };
            for (folder, listed) in std::mem::take(&mut self.listed) {
                let heads = listed.heads.into_inner().into_iter();
                self.known.put_back(heads.map(|(name, head)| (join(&folder, &name), head)));
            }
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
        looked.learned = if all { self.learned_of_all() } else { self.known.learned() };
        for listed in self.listed.values() {
            looked.problems.extend(listed.problems.iter().cloned());
            looked.problems.append(&mut listed.faults.borrow_mut());
        }
        looked.took = from.elapsed();
        looked
    }

    fn learned_of_all(&mut self) -> Learned {
        let listed = &self.listed;
        let is_there = |path: &str| {
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            listed
                .get(folder)
                .is_some_and(|it| it.files.binary_search_by(|file| file.as_str().cmp(name)).is_ok())
        };
        let asked = listed.iter().flat_map(|(folder, listed)| {
            let heads = listed.heads.borrow();
            heads.keys().map(|name| join(folder, name)).collect::<Vec<_>>()
        });
        self.known.learned_of_all(is_there, asked)
    }

    /// Which runs there are now: after a look through everything all of them, whose files may have been written without
    /// anybody telling; else those that are not as they were.
    fn tell_runs(&mut self, looked: &mut Looked, all: bool) {
        let mut discovery = std::mem::take(&mut self.discovery);
        discovery.update(std::mem::take(&mut self.touched), &*self);
        looked.databases = discovery
            .databases()
            .into_iter()
            .map(|Database { folder, format, member }| {
                let path = self.root.join(normal(&folder, &member.path));
                FoundDatabase { stamp: DatabaseStamp::of(&path), path, format }
            })
            .collect();
        let mut runs = BTreeMap::new();
        for Run { folder, part, members } in discovery.runs() {
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
        self.discovery = discovery;
    }

    /// Whether metrics are printed in a log, as far as its beginning and its end tell.
    fn prints(&mut self, file: &str) -> bool {
        let Some(pattern) = &self.pattern else { return false };
        let path = self.root.join(file);
        let Some(stamp) = Stamp::of(&path) else { return false };
        if let Some(found) = self.known.prints(file, stamp) {
            return found;
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
        self.known.put_prints(file, stamp, found);
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
        self.touched.insert(folder.to_owned());
        self.list_one(folder, identity, progress, watcher);
        let Some(now) = self.listed.get(folder) else { return };
        let inside = now.folders.clone();
        if let Some(before) = before {
            // What is appended does not change the bytes that were looked at.
            let (kept, short): (HashMap<_, _>, HashMap<_, _>) =
                before.heads.into_inner().into_iter().partition(|(name, head)| {
                    head.bytes.len() >= HEAD && now.files.binary_search(name).is_ok()
                });
            *now.heads.borrow_mut() = kept;
            self.known.put_back(short.into_iter().map(|(name, head)| (join(folder, &name), head)));
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
        let (listed, touched) = (&mut self.listed, &mut self.touched);
        listed.retain(|path, _| {
            let stays = path != folder && !path.starts_with(&below);
            if !stays {
                touched.insert(path.clone());
            }
            stays
        });
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
        self.touched.insert(path.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::runs::{HeadRow, Packed, SampledLog};

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

    /// A file that was written so many seconds ago.
    fn write(path: &Path, text: &str, ago: u64) -> std::time::SystemTime {
        std::fs::write(path, text).expect("written");
        let at = std::time::SystemTime::now() - std::time::Duration::from_secs(ago);
        set(path, at);
        at
    }

    fn set(path: &Path, at: std::time::SystemTime) {
        let file = File::options().write(true).open(path).expect("opens");
        file.set_modified(at).expect("set");
    }

    fn look(tree: &mut Tree) -> Looked {
        tree.look(&Wanted { all: true, ..Wanted::default() }, &mut Count(0))
    }

    /// What the store gives back of what it was given.
    fn rows(learned: &Learned) -> Vec<HeadRow> {
        let row = |(path, head): &(String, Head)| HeadRow {
            path: path.clone(),
            stamp: head.stamp.unwrap_or_default(),
            head: head.bytes.clone(),
        };
        learned.heads.iter().map(row).collect()
    }

    const TABLE: &str = "step,loss\n1,2\n";
    /// No table, of the same length.
    const OTHER: &str = "nothing in it\n";

    #[test]
    fn a_file_that_is_as_it_was_is_not_opened_again() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("values.csv");
        let at = write(&path, TABLE, 60);
        let tree = |rows| Tree::new(dir.path().to_owned(), None).knowing(Known::new(rows, Vec::new(), None));
        let mut first = tree(Vec::new());
        let looked = look(&mut first);
        assert_eq!(looked.came.len(), 1);
        let kept = rows(&looked.learned);
        assert_eq!(kept.len(), 1, "asked for by several formats, read once: {kept:?}");

        // What nobody can see without opening it tells whether it was opened.
        write(&path, OTHER, 60);
        set(&path, at);
        let mut second = tree(kept.clone());
        let looked = look(&mut second);
        assert_eq!(looked.came.len(), 1);
        let learned = looked.learned;
        assert!(learned.heads.is_empty() && learned.heads_gone.is_empty(), "nothing to write: {learned:?}");
        assert_eq!(look(&mut first).came.len(), 1, "nor does another look of the same engine open it");

        // Of another time, it is read, and what it begins with now is kept.
        write(&path, OTHER, 50);
        for (mut tree, whose) in
            [(tree(kept), "the next start"), (second, "the next look"), (first, "the same")]
        {
            let looked = look(&mut tree);
            assert!(looked.came.is_empty(), "{whose}");
            assert_eq!(rows(&looked.learned)[0].head, Packed::new(OTHER.as_bytes()), "{whose}");
        }
    }

    #[test]
    fn what_was_just_written_is_read_again() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("values.csv");
        let mut tree = Tree::new(dir.path().to_owned(), None);
        // By a clock that is ahead, as a file server's may be.
        std::fs::write(&path, TABLE).expect("written");
        let at = std::time::SystemTime::now() + std::time::Duration::from_secs(60);
        set(&path, at);
        let looked = look(&mut tree);
        assert_eq!(looked.came.len(), 1);
        assert_eq!(looked.learned.heads[0].1.stamp, None, "the next writing may not show");
        let kept = rows(&looked.learned);
        std::fs::write(&path, OTHER).expect("written");
        set(&path, at);
        assert!(look(&mut tree).came.is_empty(), "another look");
        let mut next = Tree::new(dir.path().to_owned(), None).knowing(Known::new(kept, Vec::new(), None));
        assert!(look(&mut next).came.is_empty(), "another start");
    }

    #[test]
    fn what_is_kept_and_damaged_is_read_again() {
        let dir = tempfile::tempdir().expect("temporary folder");
        write(&dir.path().join("values.csv"), TABLE, 60);
        let mut kept = rows(&look(&mut Tree::new(dir.path().to_owned(), None)).learned);
        let whole = std::mem::replace(&mut kept[0].head, Packed::from(vec![1, 14, 0, 7, 7, 7, 7, 7]));
        let mut next = Tree::new(dir.path().to_owned(), None).knowing(Known::new(kept, Vec::new(), None));
        let looked = look(&mut next);
        assert_eq!((looked.came.len(), looked.problems.len()), (1, 0));
        assert_eq!(rows(&looked.learned)[0].head, whole);
    }

    #[test]
    fn what_is_gone_or_too_short_is_not_kept() {
        let dir = tempfile::tempdir().expect("temporary folder");
        write(&dir.path().join("values.csv"), TABLE, 60);
        let mut tree = Tree::new(dir.path().to_owned(), None);
        let mut kept = rows(&look(&mut tree).learned);
        kept[0].head = Packed::new(&TABLE.as_bytes()[..4]);
        kept.push(HeadRow { path: "a/gone.csv".into(), ..kept[0].clone() });
        let mut next = Tree::new(dir.path().to_owned(), None).knowing(Known::new(kept, Vec::new(), None));
        let looked = look(&mut next);
        assert_eq!(looked.came.len(), 1, "four bytes are not all that there is to see");
        assert_eq!(looked.learned.heads.len(), 1);
        assert_eq!(looked.learned.heads_gone, ["a/gone.csv"]);
        assert!(look(&mut next).learned.heads_gone.is_empty(), "it is said once");

        // A disk that is not there now: what is known is not forgotten.
        let elsewhere = dir.path().with_extension("moved");
        std::fs::rename(dir.path(), &elsewhere).expect("moved");
        assert!(look(&mut next).unreadable.is_some());
        std::fs::rename(&elsewhere, dir.path()).expect("moved back");
        let learned = look(&mut next).learned;
        assert!(learned.heads.is_empty() && learned.heads_gone.is_empty(), "{learned:?}");
    }

    #[test]
    fn a_log_that_is_as_it_was_is_not_opened_again() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let (quiet, loud) = (dir.path().join("quiet.log"), dir.path().join("loud.log"));
        let (quiet_at, loud_at) = (write(&quiet, "nothing\n", 60), write(&loud, "loss=0.5\n", 60));
        let pattern = || Pattern::parse("auto").expect("a pattern");
        let tree = |known| Tree::new(dir.path().to_owned(), Some(pattern())).knowing(known);
        let looked = look(&mut tree(Known::default()));
        assert_eq!(looked.came.len(), 1);
        let learned = &looked.learned;
        let logs: Vec<SampledLog> = learned
            .logs
            .iter()
            .map(|(path, stamp, found)| SampledLog {
                path: path.clone(),
                looked_for: "auto".into(),
                found: *found,
                stamp: *stamp,
            })
            .collect();
        assert_eq!(logs.len(), 2, "{logs:?}");

        write(&quiet, "loss=0.5", 60);
        set(&quiet, quiet_at);
        write(&loud, "nothing!\n", 60);
        set(&loud, loud_at);
        let known = |looked_for| Known::new(rows(learned), logs.clone(), Some(looked_for));
        let mut same = tree(known("auto"));
        let looked = look(&mut same);
        assert_eq!(looked.came.len(), 1);
        assert_eq!(looked.came[0].part, "loud.log");
        assert!(looked.learned.logs.is_empty() && looked.learned.logs_gone.is_empty(), "nothing to write");
        assert!(same.concerns("", "quiet.log"), "it may print some day");
        let looked = look(&mut tree(known("something else")));
        assert_eq!(looked.came[0].part, "quiet.log", "it is looked for something else");

        write(&quiet, "nothing", 60);
        std::fs::remove_file(&loud).expect("removed");
        let looked = look(&mut same);
        assert!(looked.came.is_empty());
        assert_eq!(looked.learned.logs.len(), 1, "it has another size: {looked:?}");
        assert_eq!(looked.learned.logs_gone, ["loud.log"]);
    }

    #[test]
    fn a_log_that_is_a_run_and_as_it_was_read_is_not_opened_again() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("loud.log");
        write(&path, "nothing that prints\n", 0);
        let stamp = Stamp::of(&path).expect("there");
        let pattern = Pattern::parse("auto").expect("a pattern");
        for (stamp, runs) in [(stamp, 1), (Stamp { size: 1, ..stamp }, 0)] {
            let mut known = Known::default();
            known.is_indexed("loud.log".into(), stamp);
            let mut tree = Tree::new(dir.path().to_owned(), Some(pattern.clone())).knowing(known);
            assert_eq!(look(&mut tree).came.len(), runs);
        }
    }
}
