//! Which runs are in a folder: claims of formats, made into runs.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use super::printed::Logs;
use super::{FORMATS, Format};

/// A folder as the formats see it. Paths have `/` between their parts and no `/` at either end.
pub trait Folder {
    /// Its path below the folder where the search began; empty for that one itself.
    fn path(&self) -> &str;

    /// The names of the files directly in it, sorted. Links count as what they lead to.
    fn files(&self) -> &[String];

    /// The names of the folders directly in it, sorted.
    fn folders(&self) -> &[String];

    /// The files at any depth below one of its folders, as paths from this folder on, sorted. There may be a limit to
    /// how many are told, and to how deep.
    fn below(&self, folder: &str) -> Vec<String>;

    /// The first bytes of a file (a path from this folder on), up to 4 KiB; empty if it can't be read.
    fn head(&self, file: &str) -> Vec<u8>;
}

/// What a file is to its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It holds metrics.
    Metrics,
    /// It holds hyperparameters and other settings.
    Config,
    /// It says what the run is, when it began, how it ended.
    Meta,
    /// What the run printed.
    Log,
    /// It repeats what another file of the run holds, and is not read.
    Copy,
}

/// A file of a run.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Member {
    /// Its path from the run's folder on.
    pub path: String,
    /// What it is to the run.
    pub role: Role,
    /// What stands before the names of its metrics, when several files of the run use the same names: `train/`.
    pub prefix: String,
}

impl Member {
    /// A file whose metrics keep their names.
    #[must_use]
    pub fn new(path: impl Into<String>, role: Role) -> Self {
        Self { path: path.into(), role, prefix: String::new() }
    }

    /// The same with something before the names of its metrics.
    #[must_use]
    pub fn prefixed(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// The last part of its path.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

/// The event files of TensorBoard in a folder, as copies: for formats whose own files hold all that is in them.
pub(super) fn event_copies(folder: &dyn Folder) -> impl Iterator<Item = Member> {
    let events = folder.files().iter().filter(|file| file.starts_with("events.out.tfevents."));
    events.map(|file| Member::new(file.clone(), Role::Copy))
}

/// Whether what was found is a run by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is.
    Run,
    /// It describes the runs in and below its folder (Hydra's `.hydra`), and is a run only if there are none.
    Around,
    /// It holds many runs, which are told when it is read ([`super::Reader::Database`]).
    Database,
}

/// What a format found in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Tells apart several runs in one folder (`a` for `logs/a.csv`); empty when the folder is the run.
    pub part: String,
    /// Whether it is a run by itself.
    pub standing: Standing,
    /// Its files; paths from the folder on.
    pub members: Vec<Member>,
}

impl Found {
    /// The folder is a run.
    #[must_use]
    pub fn run(members: Vec<Member>) -> Self {
        Self { part: String::new(), standing: Standing::Run, members }
    }

    /// One of several runs in the folder.
    #[must_use]
    pub fn part(part: impl Into<String>, members: Vec<Member>) -> Self {
        Self { part: part.into(), standing: Standing::Run, members }
    }

    /// It describes the runs in and below the folder.
    #[must_use]
    pub fn around(members: Vec<Member>) -> Self {
        Self { part: String::new(), standing: Standing::Around, members }
    }

    /// A file that holds many runs.
    #[must_use]
    pub fn database(member: Member) -> Self {
        Self { part: member.path.clone(), standing: Standing::Database, members: vec![member] }
    }
}

/// A file on disk that holds many runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// Its folder, below the one where the search began; empty for that one itself.
    pub folder: String,
    /// The [`Format::id`] of the format that claimed it. Which one it has is seen when it is read.
    pub format: &'static str,
    /// The file.
    pub member: Member,
}

/// A run on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its folder, below the one where the search began; empty for that one itself.
    pub folder: String,
    /// Tells apart several runs in one folder; empty when the folder is the run.
    pub part: String,
    /// Its files with the [`Format::id`] of the format that reads each, in the order of [`FORMATS`]. The first is of
    /// the format that the run is said to have.
    pub members: Vec<(&'static str, Member)>,
}

/// A tree of folders that changes.
pub trait Forest {
    /// A folder by its path below where the search begins; `None` if there is none.
    fn folder(&self, path: &str) -> Option<Box<dyn Folder + '_>>;

    /// The paths of all folders below one.
    fn inside(&self, path: &str) -> Vec<String>;
}

/// What formats found in a folder, in the order of [`FORMATS`].
type Visit = Vec<(&'static str, Found)>;

/// Gathers the runs of a tree. It is to be shown each folder, a folder before those in it.
pub struct Discovery {
    formats: &'static [&'static dyn Format],
    /// By the paths of the folders.
    visits: BTreeMap<String, Visit>,
    /// Paths below where the search began that belong to a run, with the folder in which they were claimed.
    claimed: RefCell<HashMap<String, String>>,
}

impl std::fmt::Debug for Discovery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Discovery").field("visits", &self.visits).finish_non_exhaustive()
    }
}

static WITH_LOGS: LazyLock<Vec<&'static dyn Format>> = LazyLock::new(|| {
    let mut formats = FORMATS.to_vec();
    formats.push(&Logs);
    formats
});

impl Default for Discovery {
    fn default() -> Self {
        Self::new(FORMATS)
    }
}

impl Discovery {
    /// A search for these formats.
    #[must_use]
    pub fn new(formats: &'static [&'static dyn Format]) -> Self {
        Self { formats, visits: BTreeMap::new(), claimed: RefCell::default() }
    }

    /// A search for all formats, and for logs that no format knows ([`super::printed`]).
    #[must_use]
    pub fn with_logs() -> Self {
        Self::new(&WITH_LOGS)
    }

    /// Asks all formats about a folder. Returns whether they claim other files in folders below it than at the last visit:
    /// then those are to be visited again, too.
    pub fn visit(&mut self, folder: &dyn Folder) -> bool {
        let before = self.forget(folder.path());
        let mut rest = Unclaimed { inner: folder, files: Vec::new(), claimed: &self.claimed };
        rest.files = folder.files().iter().filter(|name| !rest.is_claimed(name)).cloned().collect();
        let mut visit = Visit::new();
        for format in self.formats {
            if rest.files.is_empty() && folder.folders().is_empty() {
                break;
            }
            for found in format.recognise(&rest) {
                let own = folder.path();
                let paths = found.members.iter().map(|member| (join(own, &member.path), own.to_owned()));
                self.claimed.borrow_mut().extend(paths);
                rest.files.retain(|name| !is_claimed(&self.claimed, own, name));
                visit.push((format.id(), found));
            }
        }
        let changed = below(&before) != below(&visit);
        self.visits.insert(folder.path().to_owned(), visit);
        changed
    }

    /// Forgets a folder, but not those in it. Returns what was found there.
    fn forget(&mut self, folder: &str) -> Visit {
        let visit = self.visits.remove(folder).unwrap_or_default();
        let mut claimed = self.claimed.borrow_mut();
        for member in visit.iter().flat_map(|(_, found)| &found.members) {
            let path = join(folder, &member.path);
            if claimed.get(&path).is_some_and(|by| by == folder) {
                claimed.remove(&path);
            }
        }
        visit
    }

    /// Asks about those folders again that have come, gone or changed, about those above them, which see what is in them,
    /// and about those below one in which other files are claimed now.
    pub fn update(&mut self, touched: BTreeSet<String>, forest: &dyn Forest) {
        let mut wanted = touched;
        for path in wanted.clone() {
            let mut above = path.as_str();
            while !above.is_empty() {
                above = above.rsplit_once('/').map_or("", |(parent, _)| parent);
                if !wanted.insert(above.to_owned()) {
                    break;
                }
            }
        }
        // A folder comes before those in it.
        while let Some(path) = wanted.pop_first() {
            let Some(folder) = forest.folder(&path) else {
                self.forget(&path);
                continue;
            };
            if self.visit(&*folder) {
                wanted.extend(forest.inside(&path));
            }
        }
    }

    /// The files that hold many runs, by folder and name. None of their runs is told by [`Self::runs`].
    #[must_use]
    pub fn databases(&self) -> Vec<Database> {
        let of = |(folder, visit): (&String, &Visit)| {
            let databases = visit.iter().filter(|(_, found)| found.standing == Standing::Database);
            let members = databases.flat_map(|(format, found)| found.members.iter().map(|it| (*format, it)));
            let told = members.map(|(format, member)| Database {
                folder: folder.clone(),
                format,
                member: member.clone(),
            });
            told.collect::<Vec<_>>()
        };
        let mut databases: Vec<Database> = self.visits.iter().flat_map(of).collect();
        databases.sort_by(|a, b| (&a.folder, &a.member.path).cmp(&(&b.folder, &b.member.path)));
        databases
    }

    /// The runs, by folder and part, of a search that is over.
    #[must_use]
    pub fn finish(self) -> Vec<Run> {
        self.runs()
    }

    /// The runs, by folder and part.
    #[must_use]
    pub fn runs(&self) -> Vec<Run> {
        let mut runs: BTreeMap<(String, String), Run> = BTreeMap::new();
        let mut around: BTreeMap<&str, Vec<(&'static str, Member)>> = BTreeMap::new();
        for (folder, visit) in &self.visits {
            for (format, found) in visit {
                let members = found.members.iter().map(|member| (*format, member.clone()));
                match found.standing {
                    Standing::Run => {
                        let run = runs.entry((folder.clone(), found.part.clone())).or_insert_with(|| Run {
                            folder: folder.clone(),
                            part: found.part.clone(),
                            members: Vec::new(),
                        });
                        run.members.extend(members);
                    }
                    Standing::Around => around.entry(folder).or_default().extend(members),
                    Standing::Database => {}
                }
            }
        }
        for (folder, members) in around {
            let inside: Vec<_> = runs.keys().filter(|(at, _)| is_within(at, folder)).cloned().collect();
            if inside.is_empty() {
                let run = Run { folder: folder.to_owned(), part: String::new(), members };
                runs.insert((folder.to_owned(), String::new()), run);
                continue;
            }
            for key in inside {
                let Some(run) = runs.get_mut(&key) else { continue };
                let up = "../".repeat(depth(&key.0).saturating_sub(depth(folder)));
                run.members.extend(members.iter().cloned().map(|(format, mut member)| {
                    member.path = format!("{up}{}", member.path);
                    (format, member)
                }));
            }
        }
        runs.into_values().collect()
    }
}

/// The files in folders below that were claimed.
fn below(visit: &Visit) -> BTreeSet<&str> {
    let members = visit.iter().flat_map(|(_, found)| &found.members);
    members.map(|member| member.path.as_str()).filter(|path| path.contains('/')).collect()
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

fn depth(path: &str) -> usize {
    if path.is_empty() { 0 } else { path.split('/').count() }
}

fn is_within(path: &str, folder: &str) -> bool {
    folder.is_empty() || path == folder || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// A folder without the files that an earlier format claimed.
struct Unclaimed<'a> {
    inner: &'a dyn Folder,
    files: Vec<String>,
    claimed: &'a RefCell<HashMap<String, String>>,
}

impl Unclaimed<'_> {
    fn is_claimed(&self, path: &str) -> bool {
        is_claimed(self.claimed, self.inner.path(), path)
    }
}

/// Whether a file of a folder was claimed there, or farther up. What was claimed farther down is from an earlier visit: the
/// folder above is asked first.
fn is_claimed(claimed: &RefCell<HashMap<String, String>>, folder: &str, path: &str) -> bool {
    claimed.borrow().get(&join(folder, path)).is_some_and(|by| is_within(folder, by))
}

impl Folder for Unclaimed<'_> {
    fn path(&self) -> &str {
        self.inner.path()
    }

    fn files(&self) -> &[String] {
        &self.files
    }

    fn folders(&self) -> &[String] {
        self.inner.folders()
    }

    fn below(&self, folder: &str) -> Vec<String> {
        let mut files = self.inner.below(folder);
        files.retain(|path| !self.is_claimed(path));
        files
    }

    fn head(&self, file: &str) -> Vec<u8> {
        self.inner.head(file)
    }
}

#[cfg(test)]
#[path = "folder_tests.rs"]
mod tests;
