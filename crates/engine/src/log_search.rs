//! Searching the log of an attempt, as far as one call goes.

use std::path::Path;
use std::time::{Duration, Instant};

use athanor_core::log_search::{self, Block, Matcher, Outcome, Request, Seek, Source};
use athanor_shim::log::{LogFolder, LogReader};

use crate::engine::{Engine, LogPart};
use crate::error::{Error, Result};
use crate::log_stream::{LogStream, part_of};
use crate::store::ExperimentRow;

/// Bytes of the log that one call looks at, about.
const BYTES_MAX: u64 = 1 << 30;
/// How long one call looks, about. A line is always looked at to its end.
const TIME_MAX: Duration = Duration::from_millis(100);

/// What was found, and in which attempt.
#[derive(Debug, Clone)]
pub struct LogSearch {
    /// The attempt; 0 before the first.
    pub attempt: u32,
    /// What was found.
    pub outcome: Outcome,
    /// Whether nothing will follow behind the log's end.
    pub ended: bool,
}

impl Engine {
    /// Searches an attempt's log, of the newest if none is named, in one stream or both. Each call is bounded; the
    /// answer says where to go on.
    ///
    /// # Errors
    /// There is no such attempt, or its folder can't be read.
    pub async fn search_log(
        &self,
        row: &ExperimentRow,
        attempt: Option<u32>,
        stream: Option<LogStream>,
        matcher: Matcher,
        request: Request,
    ) -> Result<LogSearch> {
        // How it stands is asked before the bytes are read: what is written in between is found next time.
        let piece = self.log(row, attempt, LogPart::Tail(0, 0)).await?;
        let (attempt, ended) = (piece.attempt, piece.ended);
        if attempt == 0 {
            return Ok(LogSearch { attempt, outcome: Outcome { done: true, ..Outcome::default() }, ended });
        }
        let folder = self.home().attempt(&row.uid, attempt);
        let outcome = tokio::task::spawn_blocking(move || {
            let mut source = Folder::open(&folder, stream)?;
            bounded(&mut source, &matcher, request)
        })
        .await??;
        Ok(LogSearch { attempt, outcome, ended })
    }

    /// Counts lines of an attempt's log, of the newest if none is named, as far as one call goes.
    ///
    /// # Errors
    /// As for [`Engine::search_log`].
    pub async fn seek_log(
        &self,
        row: &ExperimentRow,
        attempt: Option<u32>,
        stream: Option<LogStream>,
        span: (Option<u64>, Option<u64>),
        lines: u64,
    ) -> Result<Seek> {
        let piece = self.log(row, attempt, LogPart::Tail(0, 0)).await?;
        if piece.attempt == 0 {
            return Ok(Seek { done: true, ..Seek::default() });
        }
        let folder = self.home().attempt(&row.uid, piece.attempt);
        tokio::task::spawn_blocking(move || {
            bounded_seek(&mut Folder::open(&folder, stream)?, span.0, span.1, lines)
        })
        .await?
    }
}

/// Searches as far as one call goes.
pub(crate) fn bounded<S: Source>(
    source: &mut S,
    matcher: &Matcher,
    request: Request,
) -> Result<Outcome, S::Error> {
    let until = Instant::now() + TIME_MAX;
    log_search::search(source, matcher, request, |scanned| scanned < BYTES_MAX && Instant::now() < until)
}

/// Counts lines as far as one call goes.
pub(crate) fn bounded_seek<S: Source>(
    source: &mut S,
    from: Option<u64>,
    to: Option<u64>,
    lines: u64,
) -> Result<Seek, S::Error> {
    let until = Instant::now() + TIME_MAX;
    let go_on = |scanned| scanned < BYTES_MAX && Instant::now() < until;
    log_search::seek(source, from, to, lines, go_on)
}

/// An attempt's log, of both streams or one.
pub(crate) struct Folder {
    reader: LogReader,
    stream: Option<LogStream>,
    /// What was read of both streams, where one is wanted: kept for its room.
    both: Vec<u8>,
}

impl Folder {
    /// The log in an attempt's folder.
    pub fn open(folder: &Path, stream: Option<LogStream>) -> Result<Self> {
        let reader = LogReader::new(LogFolder::open(folder)?);
        Ok(Self { reader, stream, both: Vec::new() })
    }
}

impl Source for Folder {
    type Error = Error;

    fn bounds(&mut self) -> Result<(u64, u64)> {
        Ok((self.reader.log().start()?, self.reader.log().end()?))
    }

    fn read(&mut self, from: u64, max: usize, into: &mut Block) -> Result<()> {
        into.parts.clear();
        let Some(stream) = self.stream else {
            into.start = self.reader.read(from, max, &mut into.bytes)?;
            into.next = into.start + into.bytes.len() as u64;
            into.parts.push((into.start, 0..into.bytes.len()));
            return Ok(());
        };
        into.start = self.reader.read(from, max, &mut self.both)?;
        into.next = into.start + self.both.len() as u64;
        part_of(self.reader.log(), &self.both, stream, into)
    }
}
