//! Standard output or standard error of a job, each by itself.
//!
//! A log is kept as one sequence of bytes in the order in which they came, with a note of which stream each is from.
//! Offsets are those of the whole log, so what is read of one stream, of the other, and of both can be told apart and
//! joined.

use std::ops::Range;
use std::path::Path;

use athanor_core::log_search::{self, Block};
use athanor_shim::log::{LogFolder, Stream};

use crate::engine::{Engine, LogPart, LogPiece};
use crate::error::Result;
use crate::log_search::Folder;
use crate::store::ExperimentRow;

/// Which stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A piece of one stream. The offsets in `piece` are those of the part of the log that was looked at.
#[derive(Debug, Clone)]
pub struct StreamPiece {
    /// The bytes, and how the log stands.
    pub piece: LogPiece,
    /// Offset to go on from: behind all that was looked at.
    pub next: u64,
    /// Where the bytes stand in the log, in order.
    ranges: Vec<Range<u64>>,
}

impl StreamPiece {
    /// The offset of a byte in the log, or where to go on from for one behind the last.
    #[must_use]
    pub fn offset(&self, index: usize) -> u64 {
        let mut left = index as u64;
        for range in &self.ranges {
            let length = range.end - range.start;
            if left < length {
                return range.start + left;
            }
            left -= length;
        }
        self.next
    }
}

impl Engine {
    /// A piece of one stream of an attempt's log; of the newest attempt if none is named.
    ///
    /// # Errors
    /// There is no such attempt, or its folder can't be read.
    pub async fn log_stream(
        &self,
        row: &ExperimentRow,
        attempt: Option<u32>,
        part: LogPart,
        stream: LogStream,
    ) -> Result<StreamPiece> {
        // How it stands is asked before the bytes are read: what is written in between is read next time.
        let mut piece = self.log(row, attempt, LogPart::Tail(0, 0)).await?;
        if piece.attempt == 0 {
            return Ok(StreamPiece { piece, next: 0, ranges: Vec::new() });
        }
        let folder = self.home().attempt(&row.uid, piece.attempt);
        let read = tokio::task::spawn_blocking(move || read(&folder, part, stream)).await??;
        piece.end = piece.end.max(read.next);
        (piece.start, piece.bytes) = (read.start, read.bytes);
        let ranges =
            read.parts.into_iter().map(|(offset, part)| offset..offset + part.len() as u64).collect();
        Ok(StreamPiece { piece, next: read.next, ranges })
    }
}

fn read(folder: &Path, part: LogPart, stream: LogStream) -> Result<Block> {
    let mut log = Folder::open(folder, Some(stream))?;
    match part {
        LogPart::From(offset, max) => log_search::span(&mut log, offset, offset.saturating_add(max as u64)),
        LogPart::Tail(lines, max) => log_search::tail(&mut log, lines, max),
    }
}

/// What of the bytes between `start` and `next` of a block is from one stream.
pub(crate) fn part_of(log: &LogFolder, both: &[u8], stream: LogStream, into: &mut Block) -> Result<()> {
    let wanted = match stream {
        LogStream::Stdout => Stream::Stdout,
        LogStream::Stderr => Stream::Stderr,
    };
    into.bytes.clear();
    for span in log.streams(into.start..into.next)?.into_iter().filter(|span| span.stream == wanted) {
        let at = |offset: u64| usize::try_from(offset - into.start).unwrap_or(usize::MAX);
        let part = both.get(at(span.range.start)..at(span.range.end)).unwrap_or_default();
        into.parts.push((span.range.start, into.bytes.len()..into.bytes.len() + part.len()));
        into.bytes.extend_from_slice(part);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_of_a_stream_has_its_place_in_the_log() {
        let piece = LogPiece { attempt: 1, bytes: vec![0; 5], start: 0, oldest: 0, end: 100, ended: false };
        let of = StreamPiece { piece, next: 90, ranges: vec![10..12, 20..23] };
        let places: Vec<u64> = (0..6).map(|index| of.offset(index)).collect();
        assert_eq!(places, [10, 11, 20, 21, 22, 90]);
    }
}
