//! Reads a database that holds many runs and counts what is in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder};
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use athanor_core::runs::{self, Database, Fact, Reader, Tables, Told};

use super::walk::{normal, problem};
use super::{FileReport, Progress, Report, RunReport, words};
use crate::store::foreign::{self, Passed};

/// Pieces that wait to be counted.
const AHEAD: usize = 2;

/// Reads a database and adds its runs, and what is wrong with it, to the report.
pub(super) fn read(
    root: &Path,
    held: &Database,
    report: &mut Report,
    watch: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let Some(Reader::Database(mut tables)) =
        runs::format(held.format).map(|format| format.reader(&held.member, None))
    else {
        return ControlFlow::Continue(());
    };
    let path = normal(&held.folder, &held.member.path);
    let scratch = match Scratch::make() {
        Ok(scratch) => scratch,
        Err(cause) => {
            let message =
                format!("there is no room for a copy of it: {cause}; free some in the temporary folder");
            report.problems.push(problem(&path, message));
            return ControlFlow::Continue(());
        }
    };
    let file = root.join(&path);
    let mut counts = Counts::default();
    let (sender, pieces) = mpsc::sync_channel(AHEAD);
    // On a thread of its own, since the caller's may be one that may not wait.
    let (going, passed) = std::thread::scope(|scope| {
        let (file, tables) = (&file, &mut *tables);
        let scratch = &scratch;
        let pass = scope.spawn(move || pass(file, &scratch.0, tables, &sender));
        let mut going = ControlFlow::Continue(());
        // Ends when the sender is dropped.
        while let Ok(told) = pieces.recv() {
            counts.add(told);
            going = watch(&report.progress);
            if going.is_break() {
                break;
            }
        }
        drop(pieces);
        (going, pass.join())
    });
    match passed {
        Ok(Ok(Passed::Unknown | Passed::Done | Passed::Stopped)) => {}
        Ok(Ok(Passed::Later(why) | Passed::Refused(why))) => report.problems.push(problem(&path, why)),
        Ok(Err(cause)) => report.problems.push(problem(&path, words(&cause))),
        Err(_) => report.problems.push(problem(&path, "reading it failed".into())),
    }
    report.problems.extend(counts.issues.iter().map(|issue| problem(&path, issue.clone())));
    let format = tables.format();
    report.progress.bytes += fs::metadata(&file).map_or(0, |meta| meta.len());
    report.progress.runs += counts.runs.len() as u64;
    report.progress.read += counts.runs.len() as u64;
    for (run, count) in counts.runs {
        let role = held.member.role;
        let file = FileReport { path: path.clone(), format, role, points: count.points, left: 0 };
        report.runs.push(RunReport {
            folder: held.folder.clone(),
            part: runs::part(&held.member, &run),
            format,
            label: runs::format(format).map_or(format, |format| format.label()),
            metrics: count.keys.len() as u64,
            points: count.points,
            settings: count.settings,
            media: Vec::new(),
            end: count.end,
            files: vec![file],
        });
    }
    going?;
    watch(&report.progress)
}

fn pass(
    file: &Path,
    scratch: &Path,
    tables: &mut dyn Tables,
    sender: &mpsc::SyncSender<Told>,
) -> io::Result<Passed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    Ok(runtime.block_on(foreign::pass(file, scratch, tables, &mut |told, _| match sender.send(told) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    })))
}

/// What a database holds.
#[derive(Default)]
struct Counts {
    runs: BTreeMap<String, Count>,
    issues: BTreeSet<String>,
}

/// What it holds of a run.
#[derive(Default)]
struct Count {
    points: u64,
    settings: u64,
    end: Option<runs::End>,
    /// Metrics with at least one point.
    keys: BTreeSet<u32>,
}

impl Counts {
    fn add(&mut self, told: Told) {
        if told.anew {
            self.runs.clear();
        }
        self.issues.extend(told.issues.into_iter().map(|issue| issue.message));
        for gone in told.gone {
            self.runs.remove(&gone);
        }
        for (run, batch) in told.runs {
            let count = self.runs.entry(run).or_default();
            count.points += batch.readings.len() as u64;
            count.keys.extend(batch.readings.iter().map(|reading| reading.key));
            for fact in batch.facts {
                match fact {
                    Fact::Config { .. } => count.settings += 1,
                    Fact::End(end) => count.end = Some(end),
                    _ => {}
                }
            }
        }
    }
}

/// A folder of our own for as long as it is read.
struct Scratch(PathBuf);

impl Scratch {
    fn make() -> io::Result<Self> {
        let base = std::env::temp_dir();
        for number in 0..1000 {
            let path = base.join(format!("athanor-scan-{}-{number}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
                Err(cause) => return Err(cause),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
