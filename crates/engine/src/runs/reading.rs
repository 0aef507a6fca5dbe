//! Reads files side by side, each by one reader at a time.

use std::path::PathBuf;

use athanor_core::runs::printed::Pattern;
use athanor_core::series::decode_chunk;
use tokio::sync::{mpsc, oneshot};

use super::answer::Calls;
use super::commit::Ask;
use super::source::{Before, Piece, Source, Stored};
use super::tree::Stamp;
use crate::error::{Error, ErrorKind, Result};
use crate::scan::words;
use crate::store::runs::{FileRow, KnownFile, RunStore};
use crate::store::total;

/// What a piece may hold so that the next is read before it is written, bytes.
const AHEAD: usize = 1 << 20;

/// A file to be read.
pub(super) struct Job {
    pub file: KnownFile,
    /// The run's folder.
    pub folder: PathBuf,
    /// The source as it was left, while it is warm.
    pub source: Option<Source>,
    /// How metrics are found in it if it is a log.
    pub pattern: Option<Pattern>,
    /// It is not written any more.
    pub at_rest: bool,
    /// If it has changed, it did so just now.
    pub live: bool,
}

/// What became of it.
pub(super) struct Read {
    pub file: i64,
    /// How it was when it was read; `None` if that failed.
    pub stamp: Option<Stamp>,
    /// To go on from.
    pub source: Option<Source>,
    pub bytes: u64,
    pub outcome: Outcome,
}

/// How a reading ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    /// It is not there.
    Vanished,
    /// It can't be read, for this reason: a clause.
    Unreadable(String),
    /// What was read could not be stored; it is read again later.
    NotStored,
}

/// Reads these files one after another and has what is new written.
pub(super) async fn read(
    store: RunStore,
    jobs: Vec<Job>,
    committer: mpsc::Sender<Ask>,
    calls: Calls,
) -> Vec<Read> {
    let mut ready = Vec::with_capacity(jobs.len());
    let mut done = Vec::new();
    for job in jobs {
        let id = job.file.id;
        let Job { file, folder, source, pattern, at_rest, live } = job;
        let when = (at_rest, live);
        match source {
            Some(source) => ready.push((source, when)),
            None => match wake(&store, file, (folder, pattern), &committer).await {
                Ok(Some(source)) => ready.push((source, when)),
                // Taken out of the index meanwhile.
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "a file of a run can't be read on");
                    done.push(Read {
                        file: id,
                        stamp: None,
                        source: None,
                        bytes: 0,
                        outcome: Outcome::NotStored,
                    });
                }
            },
        }
    }
    let files: Vec<i64> = ready.iter().map(|(source, _)| source.id()).collect();
    let read = tokio::task::spawn_blocking(move || {
        // All are read before the first is waited for: what is written together costs one commit.
        let under_way: Vec<_> =
            ready.into_iter().map(|(source, when)| read_one(source, when, &committer, &calls)).collect();
        under_way.into_iter().map(UnderWay::wait).collect::<Vec<_>>()
    });
    match read.await {
        Ok(read) => done.extend(read),
        Err(error) => {
            tracing::error!(%error, "reading ended early");
            let lost = |file| Read { file, stamp: None, source: None, bytes: 0, outcome: Outcome::NotStored };
            done.extend(files.into_iter().map(lost));
        }
    }
    done
}

/// A source from what is stored.
pub(super) async fn wake(
    store: &RunStore,
    file: KnownFile,
    (folder, pattern): (PathBuf, Option<Pattern>),
    committer: &mpsc::Sender<Ask>,
) -> Result<Option<Source>> {
    // What was refused to be written of it before does not count any more.
    let _ = committer.send(Ask::Forgive(file.id)).await;
    if file.size == 0 && file.modified_ns == 0 {
        return Ok(Some(Source::resume(FileRow::new(file), &folder, Vec::new()).printing(pattern)));
    }
    let Some(row) = store.file(file.id).await? else { return Ok(None) };
    let mut stored: Stored = Vec::new();
    for (series, name, position, summary) in store.file_series(file.id, row.generation).await? {
        let last = match store.tail(series).await? {
            Some((number, data)) => {
                let points = decode_chunk(&data).map_err(|cause| {
                    Error::new(
                        ErrorKind::Damaged,
                        format!("a block of points of {name} can't be read: {cause}"),
                    )
                })?;
                Some((number.cast_unsigned(), points))
            }
            None => None,
        };
        let position = u32::try_from(position).unwrap_or(u32::MAX);
        stored.push((name, position, total(&[summary])?, last));
    }
    Ok(Some(Source::resume(row, &folder, stored).printing(pattern)))
}

/// A file whose pieces are being written.
struct UnderWay {
    source: Source,
    bytes: u64,
    failed: Option<std::io::Error>,
    answers: Vec<oneshot::Receiver<Result<()>>>,
}

/// Reads a file to its end; blocks on the disk, and where the committer is behind.
fn read_one(
    mut source: Source,
    (at_rest, live): (bool, bool),
    committer: &mpsc::Sender<Ask>,
    calls: &Calls,
) -> UnderWay {
    let mut answers = Vec::new();
    let before = source.offset();
    let mut failed = None;
    let mut ahead: Option<oneshot::Receiver<Result<()>>> = None;
    let mut send = |piece: Piece| {
        let (answer, answered) = oneshot::channel();
        let large: usize = piece.series.iter().flat_map(|it| &it.blocks).map(|it| it.bytes.len()).sum();
        if large >= AHEAD
            && let Some(before) = ahead.take()
        {
            // One large piece is written while the next is read, so that few of them are in memory. The answer is kept.
            let (again, kept) = oneshot::channel();
            let stopping = |_| Err(Error::new(ErrorKind::Stopping, "the engine is shutting down"));
            let _ = again.send(before.blocking_recv().unwrap_or_else(stopping));
            answers.push(kept);
        }
        if committer.blocking_send(Ask::Write(Box::new(piece), answer)).is_err() {
            return;
        }
        match large < AHEAD {
            true => answers.push(answered),
            false => ahead = Some(answered),
        }
    };
    loop {
        // What has been read may wait for the committer for other reasons.
        let call = calls.begin();
        let read = source.read(at_rest, live);
        drop(call);
        match read {
            Ok(None) => break,
            Ok(Some(piece)) => {
                let more = piece.more;
                send(piece);
                if !more {
                    break;
                }
            }
            Err(cause) => {
                if cause.kind() != std::io::ErrorKind::NotFound
                    && let Some(piece) = source.failed(words(&cause))
                {
                    send(piece);
                }
                failed = Some(cause);
                break;
            }
        }
    }
    answers.extend(ahead);
    let bytes = source.offset().saturating_sub(before);
    UnderWay { source, bytes, failed, answers }
}

impl UnderWay {
    fn wait(self) -> Read {
        let file = self.source.id();
        let mut stored = true;
        for answer in self.answers {
            stored &= matches!(answer.blocking_recv(), Ok(Ok(())));
        }
        let outcome = match self.failed {
            _ if !stored => Outcome::NotStored,
            None => Outcome::Done,
            Some(cause) if cause.kind() == std::io::ErrorKind::NotFound => Outcome::Vanished,
            Some(cause) => Outcome::Unreadable(words(&cause)),
        };
        let good = outcome == Outcome::Done;
        Read {
            file,
            stamp: good.then(|| self.source.stamp()),
            bytes: self.bytes,
            source: good.then_some(self.source),
            outcome,
        }
    }
}

impl Source {
    /// A piece that says why the file is not read; `None` if that is known.
    fn failed(&mut self, why: String) -> Option<Piece> {
        if self.refusal() == Some(why.as_str()) {
            return None;
        }
        Some(Piece {
            row: self.refuse(why),
            series: Vec::new(),
            settings: None,
            settings_anew: false,
            said_more: false,
            before: Before::Stays,
            more: false,
        })
    }
}
