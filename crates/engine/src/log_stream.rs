//! Standard output or standard error of a job, each by itself.
//!
//! A log is kept as one sequence of bytes in the order in which they came, with a note of which stream each is from.
//! Offsets are those of the whole log, so what is read of one stream, of the other, and of both can be told apart and
//! joined.

use std::ops::Range;
use std::path::Path;

use athanor_shim::log::{LogFolder, Stream};

use crate::engine::{Engine, LogPart, LogPiece};
use crate::error::Result;
use crate::store::ExperimentRow;

/// Bytes of the whole log that are looked at in one step back from its end.
const STEP: u64 = 256 << 10;

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
        Ok(StreamPiece { piece, next: read.next, ranges: read.ranges })
    }
}

/// What was read of one stream.
pub(crate) struct Read {
    /// Where what was looked at begins, and where to go on.
    pub start: u64,
    pub next: u64,
    /// The bytes, and where they stand in the log, in order.
    pub bytes: Vec<u8>,
    pub ranges: Vec<Range<u64>>,
}

fn read(folder: &Path, part: LogPart, stream: LogStream) -> Result<Read> {
    let log = LogFolder::open(folder)?;
    match part {
        LogPart::From(offset, max) => step(&log, offset, max, stream),
        LogPart::Tail(lines, max) => tail(&log, lines, max, stream),
    }
}

/// What of a part of the log is from one stream.
pub(crate) fn step(log: &LogFolder, offset: u64, max: usize, stream: LogStream) -> Result<Read> {
    let wanted = match stream {
        LogStream::Stdout => Stream::Stdout,
        LogStream::Stderr => Stream::Stderr,
    };
    let chunk = log.read(offset, max)?;
    let next = chunk.start + chunk.bytes.len() as u64;
    let mut read = Read { start: chunk.start, next, bytes: Vec::new(), ranges: Vec::new() };
    for span in log.streams(chunk.start..next)?.into_iter().filter(|span| span.stream == wanted) {
        let at = |offset: u64| usize::try_from(offset - chunk.start).unwrap_or(usize::MAX);
        read.bytes.extend(chunk.bytes.get(at(span.range.start)..at(span.range.end)).unwrap_or_default());
        read.ranges.push(span.range);
    }
    Ok(read)
}

/// The last lines of one stream, at most so many bytes.
fn tail(log: &LogFolder, lines: usize, max: usize, stream: LogStream) -> Result<Read> {
    let (oldest, end) = (log.start()?, log.end()?);
    let mut found = Read { start: end, next: end, bytes: Vec::new(), ranges: Vec::new() };
    while found.start > oldest && found.bytes.len() < max && cut(&found.bytes, lines).is_none() {
        let from = found.start.saturating_sub(STEP).max(oldest);
        let mut before = step(log, from, usize::try_from(found.start - from).unwrap_or(usize::MAX), stream)?;
        if before.next != found.start {
            // Older parts were rotated away meanwhile.
            break;
        }
        before.bytes.append(&mut found.bytes);
        before.ranges.append(&mut found.ranges);
        found = Read { next: found.next, ..before };
    }
    let first = cut(&found.bytes, lines).unwrap_or(0).max(found.bytes.len().saturating_sub(max));
    if first > 0 {
        let mut left = first as u64;
        found.ranges.retain_mut(|range| {
            let dropped = left.min(range.end - range.start);
            range.start += dropped;
            left -= dropped;
            range.start < range.end
        });
        found.bytes.drain(..first);
        found.start = found.ranges.first().map_or(found.next, |range| range.start);
    }
    Ok(found)
}

/// Where the last so many lines begin, if there are more than these; a line end at the very end begins no line.
fn cut(bytes: &[u8], lines: usize) -> Option<usize> {
    if lines == 0 {
        return Some(bytes.len());
    }
    let last = bytes.len().checked_sub(1)?;
    let ends = bytes[..last].iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n');
    ends.map(|(at, _)| at + 1).nth(lines - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_from_the_end() {
        for (text, lines, expected) in [
            ("a\nb\nc\n", 1, Some("c\n")),
            ("a\nb\nc\n", 2, Some("b\nc\n")),
            ("a\nb\nc", 1, Some("c")),
            ("a\nb\nc\n", 3, None),
            ("a\nb\nc\n", 0, Some("")),
            ("", 2, None),
            ("\n", 1, None),
        ] {
            let found = cut(text.as_bytes(), lines).map(|at| &text[at..]);
            assert_eq!(found, expected, "the last {lines} of {text:?}");
        }
    }

    #[test]
    fn a_byte_of_a_stream_has_its_place_in_the_log() {
        let piece = LogPiece { attempt: 1, bytes: vec![0; 5], start: 0, oldest: 0, end: 100, ended: false };
        let of = StreamPiece { piece, next: 90, ranges: vec![10..12, 20..23] };
        let places: Vec<u64> = (0..6).map(|index| of.offset(index)).collect();
        assert_eq!(places, [10, 11, 20, 21, 22, 90]);
    }
}
