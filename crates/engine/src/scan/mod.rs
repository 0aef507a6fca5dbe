//! What is in a folder: which runs, in which formats, with how many points, and what can't be read and why.
//!
//! It reads the files as ingest would and keeps nothing but counts: nothing is stored, nothing is written, no engine
//! needs to run. Memory is bounded by a piece of a file, by the largest document that a format allows, and by the
//! number of files that belong to runs.
//!
//! It blocks on the disk: run it on a thread of its own.

mod database;
mod read;
pub(crate) mod walk;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use athanor_core::runs::printed::{self, Logs, Pattern, Preview};
use athanor_core::runs::{self, Discovery, End, Format as _, Place, Role};

pub(crate) use self::walk::words;
use crate::error::{Error, ErrorKind, Result};

/// How far a scan has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Folders that were listed.
    pub folders: u64,
    /// Files that they hold.
    pub files: u64,
    /// Runs that were found; 0 until all folders were listed.
    pub runs: u64,
    /// Runs whose files were read.
    pub read: u64,
    /// Bytes that were read.
    pub bytes: u64,
}

/// What is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// How much was looked at.
    pub progress: Progress,
    /// The runs, by folder.
    pub runs: Vec<RunReport>,
    /// What could not be read, and what in a file gave nothing, in the order of the paths.
    pub problems: Vec<Problem>,
    /// Whether it was stopped before its end.
    pub stopped: bool,
}

/// A run that would be indexed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunReport {
    /// Its folder below the one that was scanned; empty for that one itself.
    pub folder: String,
    /// Tells apart several runs in one folder; empty when the folder is the run.
    pub part: String,
    /// The id of the format that it is said to have.
    pub format: &'static str,
    /// The name of that format.
    pub label: &'static str,
    /// Metrics with at least one point.
    pub metrics: u64,
    /// Points of all metrics.
    pub points: u64,
    /// Hyperparameters and other settings.
    pub settings: u64,
    /// Images, histograms and whatever else is no point, by kind.
    pub media: Vec<Media>,
    /// How it ended, when its files say so.
    pub end: Option<End>,
    /// Its files.
    pub files: Vec<FileReport>,
}

/// What a run logged beside points.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Media {
    /// What it is, in the words of its format: `images`, `histograms`, `text`.
    pub kind: String,
    /// Names under which it was logged.
    pub names: u64,
    /// How often.
    pub count: u64,
}

/// A file of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileReport {
    /// Below the folder that was scanned.
    pub path: String,
    /// The id of the format that reads it.
    pub format: &'static str,
    /// What it is to the run.
    pub role: Role,
    /// Points in it.
    pub points: u64,
    /// Bytes at its end that are not a whole record yet.
    pub left: u64,
}

/// Something that can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file or folder, below the one that was scanned; empty for that one itself.
    pub path: String,
    /// Where in it, if it is only a part.
    pub place: Option<Place>,
    /// Why: a clause.
    pub message: String,
    /// How many further places in the same file are like it.
    pub more: u64,
}

/// Looks through a folder. `watch` is told how far it has come, after each folder and each piece of a file, and may
/// stop it; then there is what was found until then.
///
/// # Errors
/// The folder is not there, is no folder, or can't be listed.
pub fn scan(path: &Path, watch: &mut dyn FnMut(&Progress) -> ControlFlow<()>) -> Result<Report> {
    scan_with(path, None, watch)
}

/// As [`scan`], with what is read in the logs of runs, and in logs that are no run's.
///
/// # Errors
/// As [`scan`].
pub fn scan_with(
    path: &Path,
    pattern: Option<&Pattern>,
    watch: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Report> {
    let root: PathBuf = path.canonicalize().map_err(|cause| Error::path("scan", path, &cause))?;
    if !root.is_dir() {
        let message = format!("{} is not a folder; name the folder that it is in", path.display());
        return Err(Error::new(ErrorKind::Path, message));
    }
    // A folder below that can't be listed is told among the problems, but this one leaves nothing to tell.
    std::fs::read_dir(&root).map_err(|cause| Error::path("list", path, &cause))?;
    let mut report = Report::default();
    let mut discovery = if pattern.is_some() { Discovery::with_logs() } else { Discovery::default() };
    if walk::walk(&root, &mut discovery, &mut report, watch).is_break() {
        report.stopped = true;
    }
    let databases = discovery.databases();
    let found = discovery.finish();
    report.progress.runs = found.len() as u64;
    for run in found {
        if report.stopped {
            break;
        }
        report.stopped = read_run(&root, run, pattern, &mut report, watch).is_break();
    }
    for held in databases {
        if report.stopped {
            break;
        }
        report.stopped = database::read(&root, &held, &mut report, watch).is_break();
    }
    report.runs.sort_by(|a, b| (&a.folder, &a.part).cmp(&(&b.folder, &b.part)));
    report.problems.sort_by(|a, b| a.path.cmp(&b.path));
    report.problems.dedup();
    Ok(report)
}

/// What of a log is looked at for a preview, at most.
const PREVIEWED: u64 = 16 << 20;

/// What a pattern would read in a log, with at most so many of its lines.
///
/// # Errors
/// The log can't be read.
pub fn preview(path: &Path, pattern: &Pattern, most: usize) -> Result<Preview> {
    let mut text = Vec::new();
    File::open(path)
        .and_then(|file| file.take(PREVIEWED).read_to_end(&mut text))
        .map_err(|cause| Error::path("read", path, &cause))?;
    Ok(printed::preview(pattern, &text, most))
}

/// What of a log is looked at where it was not the user who named it.
const GLANCED: u64 = 1 << 20;

/// So many folders, and so long, logs are looked for.
const FOLDERS: u64 = 5_000;
const WHILE: Duration = Duration::from_secs(2);

/// What a pattern would read in the logs of a folder, by the one that was written last.
#[derive(Debug)]
pub struct FolderPreview {
    /// How many logs were found.
    pub logs: usize,
    /// There may be more: the folder is large.
    pub more: bool,
    /// The newest of them, below the folder, with what would be read.
    pub newest: Option<(String, Preview)>,
}

/// What a pattern would read in the logs of a folder that have no other metrics beside them: those that would be runs.
/// Looks for a moment only. Blocks on the disk.
///
/// # Errors
/// The folder can't be listed, or the log can't be read.
pub fn preview_below(root: &Path, pattern: &Pattern, most: usize) -> Result<FolderPreview> {
    std::fs::read_dir(root).map_err(|cause| Error::path("list", root, &cause))?;
    let began = Instant::now();
    let mut discovery = Discovery::with_logs();
    let mut watch = |progress: &Progress| match progress.folders < FOLDERS && began.elapsed() < WHILE {
        true => ControlFlow::Continue(()),
        false => ControlFlow::Break(()),
    };
    let more = walk::walk(root, &mut discovery, &mut Report::default(), &mut watch).is_break();
    let logs: Vec<String> = discovery
        .finish()
        .into_iter()
        .filter(|run| run.members.first().is_some_and(|(format, _)| *format == Logs.id()))
        .flat_map(|run| {
            run.members.into_iter().map(move |(_, member)| walk::normal(&run.folder, &member.path))
        })
        .collect();
    let written = |log: &&String| std::fs::metadata(root.join(log)).and_then(|meta| meta.modified()).ok();
    let newest = logs.iter().max_by_key(written);
    let newest = newest.map(|log| {
        let path = root.join(log);
        let mut text = Vec::new();
        File::open(&path)
            .and_then(|file| file.take(GLANCED).read_to_end(&mut text))
            .map_err(|cause| Error::path("read", &path, &cause))?;
        Ok::<_, Error>((log.clone(), printed::preview(pattern, &text, most)))
    });
    Ok(FolderPreview { logs: logs.len(), more, newest: newest.transpose()? })
}

/// Sums up by kind what was counted by kind and name.
fn media(others: BTreeMap<(String, String), u64>) -> Vec<Media> {
    let mut kinds: Vec<Media> = Vec::new();
    for ((kind, _), count) in others {
        match kinds.last_mut() {
            Some(last) if last.kind == kind => {
                last.names += 1;
                last.count += count;
            }
            _ => kinds.push(Media { kind, names: 1, count }),
        }
    }
    kinds
}

fn read_run(
    root: &Path,
    run: runs::Run,
    pattern: Option<&Pattern>,
    report: &mut Report,
    watch: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let Some((leading, _)) = run.members.first() else { return ControlFlow::Continue(()) };
    let mut this = RunReport {
        folder: run.folder,
        part: run.part,
        format: leading,
        label: runs::format(leading).map_or(leading, |format| format.label()),
        metrics: 0,
        points: 0,
        settings: 0,
        media: Vec::new(),
        end: None,
        files: Vec::new(),
    };
    let (mut keys, mut others) = (BTreeSet::new(), BTreeMap::new());
    for (id, member) in &run.members {
        let path = walk::normal(&this.folder, &member.path);
        let mut file = FileReport { path, format: id, role: member.role, points: 0, left: 0 };
        let Some(format) = runs::format(id) else { continue };
        let mut sums = read::Sums::default();
        let going = read::read(root, &file.path, (format, member, pattern), &mut sums, report, watch);
        file.points = sums.points;
        file.left = sums.left;
        this.points += sums.points;
        this.settings += sums.settings;
        this.end = sums.end.or(this.end);
        keys.extend(sums.keys);
        for other in sums.others {
            *others.entry((other.kind, other.key)).or_insert(0) += other.count;
        }
        this.files.push(file);
        if going.is_break() {
            return ControlFlow::Break(());
        }
    }
    this.metrics = keys.len() as u64;
    this.media = media(others);
    // A log in which the pattern finds nothing is not about a run.
    if this.points > 0 || this.format != Logs.id() {
        report.runs.push(this);
    }
    report.progress.read += 1;
    watch(&report.progress)
}
