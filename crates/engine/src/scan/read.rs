//! Reads one file of a run and counts what is in it.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::Path;

use athanor_core::runs::printed::{self, Pattern};
use athanor_core::runs::{
    Batch, Document, End, Fact, Format, Issue, Member, Other, Outcome, Reader, Role, Stream,
};

use super::walk::{problem, words};
use super::{Problem, Progress, Report};

/// Bytes that are read at once.
const PIECE: usize = 256 << 10;

/// Problems with lines or records that are told of one file; the others are counted.
const TOLD: usize = 3;

/// How Git LFS begins a file that stands for another one.
const LFS: &[u8] = b"version https://git-lfs.github.com/spec/";

/// What a file holds.
#[derive(Default)]
pub(super) struct Sums {
    pub(super) points: u64,
    pub(super) settings: u64,
    pub(super) end: Option<End>,
    pub(super) left: u64,
    /// Metrics with at least one point.
    pub(super) keys: BTreeSet<String>,
    /// What it holds beside points.
    pub(super) others: Vec<Other>,
    issues: Vec<Issue>,
    further: u64,
}

impl Sums {
    fn add(&mut self, batch: Batch, keys: &[String], counted: &mut Vec<bool>) {
        self.points += batch.readings.len() as u64;
        counted.resize(keys.len(), false);
        for reading in &batch.readings {
            let index = reading.key as usize;
            if let Some(known) = counted.get_mut(index)
                && !*known
            {
                *known = true;
                self.keys.extend(keys.get(index).cloned());
            }
        }
        for fact in batch.facts {
            match fact {
                Fact::Config { .. } => self.settings += 1,
                Fact::End(end) => self.end = Some(end),
                _ => {}
            }
        }
        for issue in batch.issues {
            if self.issues.len() < TOLD {
                self.issues.push(issue);
            } else {
                self.further += 1;
            }
        }
    }
}

/// Reads a file, if there is anything in it to be read, and adds its problems to the report.
pub(super) fn read(
    root: &Path,
    path: &str,
    (format, member, pattern): (&dyn Format, &Member, Option<&Pattern>),
    sums: &mut Sums,
    report: &mut Report,
    watch: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut pieces = Pieces { progress: &mut report.progress, watch };
    let read = match format.reader(member, None) {
        Reader::Nothing
            if member.role == Role::Log
                && let Some(pattern) = pattern =>
        {
            let stream = printed::stream(pattern, "", None);
            File::open(root.join(path)).and_then(|file| pieces.stream(file, stream, sums))
        }
        Reader::Nothing if member.role == Role::Copy => pieces.glance(root, path),
        // Databases are none of a run's files, but hold runs.
        Reader::Database(_) | Reader::Nothing => return ControlFlow::Continue(()),
        Reader::Stream(stream) => {
            File::open(root.join(path)).and_then(|file| pieces.stream(file, stream, sums))
        }
        Reader::Document(document) => {
            File::open(root.join(path)).and_then(|file| pieces.document(file, &*document, sums))
        }
    };
    let (going, refused) = match read {
        Ok(done) => done,
        Err(cause) => (ControlFlow::Continue(()), Some(words(&cause))),
    };
    report.problems.extend(refused.map(|why| problem(path, why)));
    let last = sums.issues.len().saturating_sub(1);
    report.problems.extend(sums.issues.drain(..).enumerate().map(|(index, issue)| Problem {
        path: path.to_owned(),
        place: Some(issue.place),
        message: issue.message,
        more: if index == last { sums.further } else { 0 },
    }));
    going
}

/// Whether to go on, and why the file is not read.
type Done = (ControlFlow<()>, Option<String>);

struct Pieces<'a> {
    progress: &'a mut Progress,
    watch: &'a mut dyn FnMut(&Progress) -> ControlFlow<()>,
}

impl Pieces<'_> {
    /// A file that only repeats another one is opened, no more: it will be wanted when that one is gone.
    fn glance(&mut self, root: &Path, path: &str) -> io::Result<Done> {
        let mut head = Vec::new();
        File::open(root.join(path))?.take(LFS.len() as u64).read_to_end(&mut head)?;
        Ok(((self.watch)(self.progress), (head == LFS).then(lfs)))
    }

    fn stream(&mut self, mut file: File, mut stream: Box<dyn Stream>, sums: &mut Sums) -> io::Result<Done> {
        let mut buffer = vec![0; PIECE];
        let (mut total, mut counted) = (0, Vec::new());
        loop {
            let length = match file.read(&mut buffer) {
                Ok(length) => length,
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
                Err(cause) => return Err(cause),
            };
            if length == 0 {
                break;
            }
            let piece = &buffer[..length];
            if total == 0 && piece.starts_with(LFS) {
                return Ok((ControlFlow::Continue(()), Some(lfs())));
            }
            total += length as u64;
            let mut batch = Batch::default();
            stream.push(piece, &mut batch);
            sums.add(batch, stream.keys(), &mut counted);
            self.progress.bytes += length as u64;
            if let Outcome::Refused(why) = stream.outcome() {
                return Ok(((self.watch)(self.progress), Some(why)));
            }
            if (self.watch)(self.progress).is_break() {
                return Ok((ControlFlow::Break(()), None));
            }
        }
        sums.left = total.saturating_sub(stream.offset());
        // A last line without an end counts if it is whole as it is; else it may be whole in a moment.
        let mut rest = Batch::default();
        stream.finish(&mut rest);
        if rest.issues.is_empty() && !rest.readings.is_empty() {
            sums.add(rest, stream.keys(), &mut counted);
            sums.left = 0;
        }
        sums.others = stream.others();
        let refused = match stream.outcome() {
            Outcome::Refused(why) => Some(why),
            Outcome::Waiting if total > 0 && sums.issues.is_empty() => {
                Some("there is too little in it to tell what it is".into())
            }
            Outcome::Waiting | Outcome::Fits => None,
        };
        Ok((ControlFlow::Continue(()), refused))
    }

    fn document(&mut self, file: File, document: &dyn Document, sums: &mut Sums) -> io::Result<Done> {
        let (mut bytes, limit) = (Vec::new(), document.limit());
        let too_large = || {
            let mib = limit >> 20;
            Some(format!("it has more than {mib} MiB, the most that such a file may have"))
        };
        if file.metadata()?.len() > limit {
            return Ok((ControlFlow::Continue(()), too_large()));
        }
        file.take(limit + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            return Ok((ControlFlow::Continue(()), too_large()));
        }
        if bytes.starts_with(LFS) {
            return Ok((ControlFlow::Continue(()), Some(lfs())));
        }
        let contents = document.read(&bytes);
        self.progress.bytes += bytes.len() as u64;
        sums.add(contents.batch, &contents.keys, &mut Vec::new());
        let why = match contents.outcome {
            Outcome::Fits => None,
            Outcome::Waiting if bytes.is_empty() => None,
            Outcome::Waiting => {
                Some("it breaks off in the middle, as a file does that is being written".into())
            }
            Outcome::Refused(why) => Some(why),
        };
        Ok(((self.watch)(self.progress), why))
    }
}

fn lfs() -> String {
    "Git LFS has not fetched it; run “git lfs pull” there".into()
}
