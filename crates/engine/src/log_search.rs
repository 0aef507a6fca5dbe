//! Searching the log of an attempt, as far as one call goes.

use std::time::{Duration, Instant};

use athanor_core::log_search::{self, Block, Matcher, Outcome, Request, Source};
use athanor_shim::log::LogFolder;

use crate::engine::{Engine, LogPart};
use crate::error::{Error, Result};
use crate::log_stream::{self, LogStream};
use crate::store::ExperimentRow;

/// Bytes of the log that one call looks at, about.
const BYTES_MAX: u64 = 64 << 20;
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
            let mut source = Folder { log: LogFolder::open(&folder)?, stream };
            let until = Instant::now() + TIME_MAX;
            let go_on = |scanned| scanned < BYTES_MAX && Instant::now() < until;
            log_search::search(&mut source, &matcher, request, go_on)
        })
        .await??;
        Ok(LogSearch { attempt, outcome, ended })
    }
}

struct Folder {
    log: LogFolder,
    stream: Option<LogStream>,
}

impl Source for Folder {
    type Error = Error;

    fn bounds(&mut self) -> Result<(u64, u64)> {
        Ok((self.log.start()?, self.log.end()?))
    }

    fn read(&mut self, from: u64, max: usize) -> Result<Block> {
        let Some(stream) = self.stream else {
            let chunk = self.log.read(from, max)?;
            let parts = vec![(chunk.start, 0..chunk.bytes.len())];
            return Ok(Block { start: chunk.start, next: chunk.end(), bytes: chunk.bytes, parts });
        };
        let read = log_stream::step(&self.log, from, max, stream)?;
        let mut parts = Vec::with_capacity(read.ranges.len());
        let mut at = 0;
        for range in &read.ranges {
            let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
            parts.push((range.start, at..at + length));
            at += length;
        }
        Ok(Block { start: read.start, next: read.next, bytes: read.bytes, parts })
    }
}
