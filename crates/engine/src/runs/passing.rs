//! One pass over a database that holds many runs: what is new in it is read, and written piece by piece.
//!
//! - What was told and how far that is are written in one transaction, so that a kill between two pieces loses nothing
//!   and doubles nothing.
//! - Reading has a thread of its own and is ahead of the writing by a few pieces.
//! - Each reading of the whole is a generation. A run that was told of in an earlier one alone is not there any more.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc as channel;
use std::time::{Duration, Instant};

use athanor_core::runs::{self, Checkpoint, Member, Reader, Role, Tables, place_names};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::commit::{Ask, Told};
use super::reading::wake;
use super::source::Source;
use crate::error::{Error, ErrorKind, Result};
use crate::home::now_ms;
use crate::store::foreign::{self, Passed};
use crate::store::runs::{
    DatabaseRow, DatabaseRun, DatabaseStamp, FileRow, KnownFile, NewFile, NewRun, RunStore, WatchRow,
};

/// Pieces that wait to be written.
const AHEAD: usize = 2;

/// Bytes of runs that are kept ready while a pass goes on, and after it.
const READY: usize = 16 << 20;
const KEPT: usize = 1 << 20;

/// Sentences about what could not be read that are kept.
const PROBLEMS: usize = 20;

/// What a pass is given.
pub(super) struct Job {
    pub id: i64,
    pub watch: WatchRow,
    /// Below the watch folder.
    pub folder: String,
    pub path: PathBuf,
    /// What the last pass left.
    pub held: Option<Held>,
    /// A folder of ours for copies.
    pub scratch: PathBuf,
    pub cancelled: Arc<AtomicBool>,
    pub store: RunStore,
    pub committer: mpsc::Sender<Ask>,
}

/// What is kept of a database from one pass to the next.
pub(super) struct Held {
    tables: Box<dyn Tables>,
    /// Of the metrics, by index.
    names: Vec<String>,
    row: DatabaseRow,
    /// By their ids in the database; `None`: the user took it out of the index.
    runs: HashMap<String, Option<DatabaseRun>>,
    /// Those whose last points are at hand.
    sources: HashMap<String, Source>,
}

/// What became of a pass.
pub(super) struct Pass {
    pub id: i64,
    pub outcome: Outcome,
    /// How the database was when it began, unless it is to be read again.
    pub stamp: Option<DatabaseStamp>,
    pub held: Option<Held>,
    /// Runs that were not in the index, or missing: part, key and folder.
    pub entered: Vec<(String, i64, PathBuf)>,
    /// What could not be read, beside a refusal.
    pub problems: Vec<String>,
    /// Its size, if it was read from its beginning.
    pub bytes: u64,
    pub took: Duration,
}

/// How a pass ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// All that was new is in the index.
    Done,
    /// It can't be read at the moment, for this reason.
    Later(String),
    /// It is not read, for this reason.
    Refused(String),
    /// What was read could not be written.
    NotStored,
}

/// A piece as the reading thread gives it.
struct Heard {
    told: runs::Told,
    checkpoint: Checkpoint,
    /// Names of metrics that are new.
    names: Vec<String>,
    format: &'static str,
}

impl Job {
    /// Reads what is new and has it written.
    pub async fn run(self) -> Pass {
        let id = self.id;
        let handle = Handle::current();
        let from = Instant::now();
        let ran = tokio::task::spawn_blocking(move || self.pass(&handle)).await;
        let ran = ran.unwrap_or_else(|error| Err(Error::from(error)));
        let took = from.elapsed();
        ran.map(|pass| Pass { took, ..pass }).unwrap_or_else(|error| {
            if error.kind() != ErrorKind::Stopping {
                tracing::warn!(%error, "a database of runs can't be read on");
            }
            let (entered, problems) = (Vec::new(), Vec::new());
            Pass {
                id,
                outcome: Outcome::NotStored,
                stamp: None,
                held: None,
                entered,
                problems,
                bytes: 0,
                took,
            }
        })
    }

    /// Blocks on the disk, and on the index.
    fn pass(mut self, handle: &Handle) -> Result<Pass> {
        // Before it is read: what changes from now on shows.
        let stamp = DatabaseStamp::of(&self.path).unwrap_or_default();
        let held = match self.held.take() {
            Some(held) => held,
            None => handle.block_on(self.wake())?,
        };
        let Held { mut tables, names, row, runs, sources } = held;
        let before = (!row.state.is_empty()).then_some(row.generation);
        let (sender, pieces) = channel::sync_channel::<Heard>(AHEAD);
        let known = names.len();
        let mut taker = Taker { job: &self, stamp, names, row, runs, sources, entered: Vec::new() };
        let passed = std::thread::scope(|scope| {
            let (path, scratch, tables) = (&self.path, &self.scratch, &mut *tables);
            let reading = scope.spawn(move || read(path, scratch, tables, known, &sender));
            let mut last = None;
            let mut written = Ok(());
            let stopping = || Error::new(ErrorKind::Stopping, "the reading was broken off");
            // Ends when the sender is dropped.
            while let Ok(heard) = pieces.recv() {
                if self.cancelled.load(Ordering::Relaxed) {
                    written = Err(stopping());
                    break;
                }
                if let Some(before) = last.replace(heard) {
                    written = handle.block_on(taker.write(before));
                    if written.is_err() {
                        break;
                    }
                }
            }
            drop(pieces);
            let passed = reading.join();
            written?;
            let passed = passed.map_err(|_| Error::new(ErrorKind::Internal, "reading it failed"))?;
            let passed = passed.map_err(|cause| Error::path("read", &self.path, &cause))?;
            Ok::<_, Error>((passed, last))
        });
        let (passed, last) = passed?;
        let outcome = match passed {
            Passed::Stopped => return Err(Error::new(ErrorKind::Internal, "the reading was broken off")),
            Passed::Done | Passed::Unknown => Outcome::Done,
            Passed::Later(ref why) => Outcome::Later(why.clone()),
            Passed::Refused(ref why) => Outcome::Refused(why.clone()),
        };
        // The last piece is written with the end of the pass.
        let heard = match last {
            Some(heard) => Heard { checkpoint: tables.checkpoint(), ..heard },
            None => Heard {
                told: runs::Told::default(),
                checkpoint: tables.checkpoint(),
                names: Vec::new(),
                format: tables.format(),
            },
        };
        handle.block_on(taker.finish(heard, &passed))?;
        let Taker { names, row, runs, mut sources, entered, .. } = taker;
        let folder = self.folder_path();
        if weight(&sources) > KEPT {
            sources.clear();
        }
        Ok(Pass {
            id: self.id,
            stamp: (!matches!(outcome, Outcome::Later(_))).then_some(stamp),
            outcome,
            problems: serde_json::from_str(&row.problems).unwrap_or_default(),
            bytes: if before == Some(row.generation) { 0 } else { stamp.size.unsigned_abs() },
            held: (passed != Passed::Unknown).then_some(Held { tables, names, row, runs, sources }),
            entered: entered.into_iter().map(|(part, run)| (part, run, folder.clone())).collect(),
            took: Duration::ZERO,
        })
    }

    /// Goes on from what is stored.
    async fn wake(&self) -> Result<Held> {
        let row = self.store.run_database(self.id).await?;
        let gone = || Error::new(ErrorKind::NotFound, format!("{} is followed no more", self.path.display()));
        let mut row = row.ok_or_else(gone)?;
        let member = self.member();
        let reader = |from: Option<&Checkpoint>| {
            let format = runs::format(&row.format).or_else(|| runs::format(runs::UNKNOWN));
            match format.map(|format| format.reader(&member, from)) {
                Some(Reader::Database(tables)) => Some(tables),
                _ => None,
            }
        };
        let no_reader = || Error::new(ErrorKind::Internal, format!("{} has no reader", self.path.display()));
        let from = Checkpoint { offset: row.offset.cast_unsigned(), state: row.state.clone() };
        let mut tables = reader((!row.state.is_empty()).then_some(&from)).ok_or_else(no_reader)?;
        // One that can't be used, being another version's, is as good as none.
        if row.state.is_empty() || tables.checkpoint() != from {
            tables = reader(None).ok_or_else(no_reader)?;
            row.generation += 1;
            row.state.clear();
        }
        let path = self.path.to_string_lossy();
        let before = runs::part(&member, "");
        let known = self.store.runs_of_database(&path).await?.into_iter();
        let runs = known.filter_map(|run| Some((run.part.strip_prefix(&before)?.to_owned(), Some(run))));
        Ok(Held { names: tables.keys().to_vec(), runs: runs.collect(), row, tables, sources: HashMap::new() })
    }

    /// A run as it is stored, without its points.
    async fn glance(&self, file: KnownFile) -> Result<Option<Source>> {
        let row = match file.size {
            0 => Some(FileRow::new(file)),
            _ => self.store.file(file.id).await?,
        };
        Ok(row.map(|row| Source::resume(row, &self.folder_path(), Vec::new())))
    }

    fn folder_path(&self) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("/")).to_owned()
    }

    fn member(&self) -> Member {
        let name = self.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Member::new(name, Role::Metrics)
    }
}

/// Tells what is new in pieces.
fn read(
    path: &Path,
    scratch: &Path,
    tables: &mut dyn Tables,
    mut known: usize,
    sender: &channel::SyncSender<Heard>,
) -> std::io::Result<Passed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    Ok(runtime.block_on(foreign::pass(path, scratch, tables, &mut |told, tables| {
        let names = tables.keys().get(known..).unwrap_or_default().to_vec();
        known += names.len();
        let heard = Heard { told, checkpoint: tables.checkpoint(), names, format: tables.format() };
        match sender.send(heard) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    })))
}

/// Makes pieces of what is told and has them written.
struct Taker<'a> {
    job: &'a Job,
    stamp: DatabaseStamp,
    names: Vec<String>,
    row: DatabaseRow,
    runs: HashMap<String, Option<DatabaseRun>>,
    sources: HashMap<String, Source>,
    entered: Vec<(String, i64)>,
}

impl Taker<'_> {
    async fn write(&mut self, heard: Heard) -> Result<()> {
        let told = self.take(heard).await?;
        self.commit(told).await
    }

    /// Writes the last piece, and how the pass ended.
    async fn finish(&mut self, heard: Heard, passed: &Passed) -> Result<()> {
        let nothing = heard.told.is_empty();
        let mut told = self.take(heard).await?;
        told.row.refused = None;
        match passed {
            Passed::Done => {
                told.gone.extend(self.not_told());
                told.row.stamp = self.stamp;
            }
            Passed::Refused(why) => {
                told.row.refused = Some(why.clone());
                told.row.stamp = self.stamp;
            }
            Passed::Unknown => {
                // Whatever it was before, it is another program's now. Should that change, it is read as a whole.
                told.row.state.clear();
                told.row.generation += 1;
                self.row.generation += 1;
                told.gone.extend(self.not_told());
                told.row.stamp = self.stamp;
            }
            Passed::Later(_) | Passed::Stopped if nothing => return Ok(()),
            Passed::Later(_) | Passed::Stopped => {}
        }
        told.structure |= !told.gone.is_empty();
        self.commit(told).await
    }

    /// Runs that the reading as a whole has not told of.
    fn not_told(&mut self) -> Vec<i64> {
        let generation = self.row.generation;
        let lost = self.runs.values_mut().flatten().filter(|run| !run.missing && run.generation < generation);
        lost.map(|run| {
            run.missing = true;
            run.file.run_id
        })
        .collect()
    }

    async fn take(&mut self, heard: Heard) -> Result<Told> {
        let Heard { told, checkpoint, names, format } = heard;
        self.names.extend(names);
        let mut row = self.row.clone();
        if told.anew {
            row.generation += 1;
            row.problems = "[]".into();
        }
        format.clone_into(&mut row.format);
        row.offset = checkpoint.offset.cast_signed();
        row.state = checkpoint.state;
        if !told.issues.is_empty() {
            let mut problems: Vec<String> = serde_json::from_str(&row.problems).unwrap_or_default();
            for issue in told.issues {
                if problems.len() < PROBLEMS && !problems.contains(&issue.message) {
                    problems.push(issue.message);
                }
            }
            row.problems = serde_json::to_string(&problems).unwrap_or_else(|_| "[]".into());
        }
        self.row.generation = row.generation;
        let strange: Vec<&str> = told
            .runs
            .iter()
            .map(|(run, _)| run.as_str())
            .filter(|run| match self.runs.get(*run) {
                None => true,
                Some(known) => known.as_ref().is_some_and(|known| known.missing),
            })
            .collect();
        let structure = !strange.is_empty() || !told.gone.is_empty();
        if !strange.is_empty() {
            let entered = self.enter(&strange, format).await?;
            self.runs.extend(entered);
        }
        if weight(&self.sources) > READY {
            self.sources.clear();
        }
        let mut pieces = Vec::with_capacity(told.runs.len());
        for (run, batch) in told.runs {
            let Some(Some(known)) = self.runs.get_mut(&run) else { continue };
            // What says no points goes on from none; there may be thousands of them.
            let ready = !batch.readings.is_empty() || self.sources.contains_key(&run);
            let source = match self.sources.remove(&run) {
                Some(source) => Some(source),
                None if batch.readings.is_empty() => self.job.glance(known.file.clone()).await?,
                None => {
                    let file = known.file.clone();
                    wake(&self.job.store, file, (self.job.folder_path(), None), &self.job.committer).await?
                }
            };
            // Taken out of the index meanwhile.
            let Some(mut source) = source else { continue };
            let piece = source.take(batch, &self.names, row.generation, self.stamp);
            let piece = piece.map_err(|cause| Error::path("read", &self.job.path, &cause))?;
            if let Some(piece) = piece {
                known.generation = piece.row.generation;
                known.file = piece.row.known.clone();
                pieces.push(piece);
            }
            if ready {
                self.sources.insert(run, source);
            }
        }
        let mut gone = Vec::new();
        for run in told.gone {
            if let Some(Some(known)) = self.runs.get_mut(&run)
                && !known.missing
            {
                known.missing = true;
                gone.push(known.file.run_id);
            }
        }
        Ok(Told { pieces, row, gone, structure })
    }

    async fn commit(&mut self, told: Told) -> Result<()> {
        let mut row = told.row.clone();
        let (answer, answered) = oneshot::channel();
        let stopping = || Error::new(ErrorKind::Stopping, "the engine is shutting down");
        let sent = self.job.committer.send(Ask::Told(Box::new(told), answer)).await;
        sent.map_err(|_| stopping())?;
        answered.await.map_err(|_| stopping())??;
        row.serial += 1;
        self.row = row;
        Ok(())
    }

    /// Enters runs that the index does not have, or has as missing. Until something is written of them they are empty.
    async fn enter(&mut self, strange: &[&str], format: &str) -> Result<Vec<(String, Option<DatabaseRun>)>> {
        let (store, watch) = (&self.job.store, &self.job.watch);
        let (member, path) = (self.job.member(), self.job.path.to_string_lossy());
        let folder = self.job.folder_path();
        let folder = folder.to_string_lossy();
        let watch_name = Path::new(&watch.path).file_name().map_or("/".into(), |name| name.to_string_lossy());
        let mut tx = store.begin_lightly().await?;
        let revision = store.next_revision(&mut tx).await?;
        let now = now_ms();
        let mut all = Vec::new();
        for run in strange {
            let part = runs::part(&member, run);
            if store.is_removed(&mut tx, &folder, &part).await? {
                all.push(((*run).to_owned(), None));
                continue;
            }
            let (group, name) = place_names(&watch_name, &self.job.folder, &part);
            let new = NewRun {
                watch: Some(watch.id),
                folder: &folder,
                part: &part,
                format,
                project: watch.project.as_deref(),
                group: group.as_deref(),
                name: &name,
                now,
            };
            let id = store.put_run(&mut tx, &new, revision).await?.0;
            let file = NewFile { path: &path, format, role: "metrics", prefix: "" };
            let file = store.put_member(&mut tx, id, file, 0).await?.id;
            let known = match self.runs.get(*run) {
                Some(Some(known)) => DatabaseRun { missing: false, ..known.clone() },
                _ => DatabaseRun {
                    part,
                    missing: false,
                    generation: 0,
                    file: KnownFile {
                        id: file,
                        run_id: id,
                        path: path.clone().into_owned(),
                        format: format.to_owned(),
                        role: "metrics".into(),
                        prefix: String::new(),
                        device: 0,
                        inode: 0,
                        size: 0,
                        modified_ns: 0,
                    },
                },
            };
            all.push(((*run).to_owned(), Some(known)));
        }
        tx.commit().await?;
        let known = all.iter().filter_map(|(_, known)| known.as_ref());
        self.entered.extend(known.map(|known| (known.part.clone(), known.file.run_id)));
        Ok(all)
    }
}

/// Bytes that these take in memory, about.
fn weight(sources: &HashMap<String, Source>) -> usize {
    sources.values().map(Source::weight).sum()
}
