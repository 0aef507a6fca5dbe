//! Which runs are in a folder: claims of formats, made into runs.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
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

/// Gathers the runs of a tree. It is to be shown each folder once, a folder before those in it.
pub struct Discovery {
    formats: &'static [&'static dyn Format],
    /// Paths below where the search began that belong to a run.
    claimed: RefCell<HashSet<String>>,
    runs: BTreeMap<(String, String), Run>,
    around: BTreeMap<String, Vec<(&'static str, Member)>>,
    databases: Vec<Database>,
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
        Self {
            formats,
            claimed: RefCell::default(),
            runs: BTreeMap::new(),
            around: BTreeMap::new(),
            databases: Vec::new(),
        }
    }

    /// A search for all formats, and for logs that no format knows ([`super::printed`]).
    #[must_use]
    pub fn with_logs() -> Self {
        Self::new(&WITH_LOGS)
    }

    /// Asks all formats about a folder.
    pub fn visit(&mut self, folder: &dyn Folder) {
        let mut rest = Unclaimed { inner: folder, files: Vec::new(), claimed: &self.claimed };
        rest.files = folder.files().iter().filter(|name| !rest.is_claimed(name)).cloned().collect();
        for format in self.formats {
            if rest.files.is_empty() && folder.folders().is_empty() {
                return;
            }
            for found in format.recognise(&rest) {
                let members: Vec<(&'static str, Member)> =
                    found.members.into_iter().map(|member| (format.id(), member)).collect();
                let paths = members.iter().map(|(_, member)| join(folder.path(), &member.path));
                self.claimed.borrow_mut().extend(paths);
                rest.files.retain(|name| !rest.claimed.borrow().contains(&join(folder.path(), name)));
                match found.standing {
                    Standing::Run => {
                        let run = self.runs.entry((folder.path().to_owned(), found.part.clone()));
                        let run = run.or_insert_with(|| Run {
                            folder: folder.path().to_owned(),
                            part: found.part,
                            members: Vec::new(),
                        });
                        run.members.extend(members);
                    }
                    Standing::Around => {
                        self.around.entry(folder.path().to_owned()).or_default().extend(members);
                    }
                    Standing::Database => {
                        let folder = folder.path();
                        self.databases.extend(members.into_iter().map(|(format, member)| Database {
                            folder: folder.to_owned(),
                            format,
                            member,
                        }));
                    }
                }
            }
        }
    }

    /// The files that hold many runs, by folder and name. None of their runs is told by [`Self::finish`].
    #[must_use]
    pub fn databases(&self) -> Vec<Database> {
        let mut databases = self.databases.clone();
        databases.sort_by(|a, b| (&a.folder, &a.member.path).cmp(&(&b.folder, &b.member.path)));
        databases
    }

    /// The runs, by folder and part.
    #[must_use]
    pub fn finish(self) -> Vec<Run> {
        let mut runs = self.runs;
        for (folder, members) in self.around {
            let inside: Vec<_> = runs.keys().filter(|(at, _)| is_within(at, &folder)).cloned().collect();
            if inside.is_empty() {
                let run = Run { folder: folder.clone(), part: String::new(), members };
                runs.insert((folder, String::new()), run);
                continue;
            }
            for key in inside {
                let Some(run) = runs.get_mut(&key) else { continue };
                let up = "../".repeat(depth(&key.0).saturating_sub(depth(&folder)));
                run.members.extend(members.iter().cloned().map(|(format, mut member)| {
                    member.path = format!("{up}{}", member.path);
                    (format, member)
                }));
            }
        }
        runs.into_values().collect()
    }
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
    claimed: &'a RefCell<HashSet<String>>,
}

impl Unclaimed<'_> {
    fn is_claimed(&self, path: &str) -> bool {
        self.claimed.borrow().contains(&join(self.inner.path(), path))
    }
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
