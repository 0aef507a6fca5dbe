//! Reading a job's output while it grows, by absolute offset.
//!
//! The log is one long sequence of bytes, the job's stdout and stderr as they came, and an offset in it names the
//! same byte for ever. On disk it is cut into segments: `output.<base>.log`, where `<base>` is the offset of the
//! segment's first byte, in 20 digits. A segment that reaches the size limit is closed and a new one begun; the
//! newest and the one before it are kept. Nothing is ever renamed, so a reader cannot be led astray by a
//! rotation: at worst a file is gone, and then the answer says where the log begins now.
//!
//! Beside each segment stands `output.<base>.streams`: 8-byte little-endian records, one for each place where
//! the stream switches and one for the segment's first byte. The top bit says stderr, the other 63 bits are the
//! absolute offset. A mark is on disk before the bytes that it tells of. An incomplete record at the end is being
//! written and is ignored.
//!
//! Bytes are bytes: nothing here assumes lines or UTF-8.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::error::Error;

const LIST: &str = "list the log";
const READ: &str = "read the log";
/// Length of a record in a streams file.
pub const MARK_LEN: u64 = 8;
const STDERR_BIT: u64 = 1 << 63;

/// Where a byte of the log came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A stretch of the log that came from one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Absolute offsets, end excluded.
    pub range: Range<u64>,
    /// Where it came from.
    pub stream: Stream,
}

/// Some bytes of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chunk {
    /// Absolute offset of the first byte. It is beyond the offset that was asked for if older bytes have been
    /// rotated away, and before it only if the log ends earlier.
    pub start: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Chunk {
    /// The offset to go on from.
    pub fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

/// A job's log. It holds no descriptor and no state: every call looks at the folder afresh.
#[derive(Clone, Debug)]
pub struct LogFolder {
    dir: PathBuf,
}

/// Reads a log from one end to the other. It keeps the segment that it is in open, so that a log that is read in
/// thousands of pieces is not listed as often; it may go on with a segment that was rotated away meanwhile.
#[derive(Debug)]
pub struct LogReader {
    log: LogFolder,
    open: Option<(Segment, File)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Segment {
    base: u64,
    len: u64,
}

impl Segment {
    fn end(&self) -> u64 {
        self.base + self.len
    }
}

impl LogFolder {
    /// The log in an attempt's folder.
    ///
    /// # Errors
    /// The folder does not exist or cannot be read.
    pub fn open(dir: &Path) -> Result<LogFolder, Error> {
        let log = LogFolder { dir: dir.to_owned() };
        fs::read_dir(dir).map_err(|e| Error::io(LIST, dir, e))?;
        Ok(log)
    }

    /// Offset of the oldest byte that is still there; 0 until the first rotation.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn start(&self) -> Result<u64, Error> {
        Ok(self.segments()?.first().map_or(0, |s| s.base))
    }

    /// Offset behind the newest byte.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn end(&self) -> Result<u64, Error> {
        Ok(self.segments()?.last().map_or(0, Segment::end))
    }

    /// Up to `max` bytes from `offset` on. Bytes that were rotated away are skipped, which [`Chunk::start`] tells.
    /// At the end of the log the chunk is empty; beyond it, it is empty and starts at the end.
    ///
    /// # Errors
    /// The folder or a segment cannot be read.
    pub fn read(&self, offset: u64, max: usize) -> Result<Chunk, Error> {
        loop {
            let segments = self.segments()?;
            let (Some(first), Some(last)) = (segments.first(), segments.last()) else {
                return Ok(Chunk::default());
            };
            let start = offset.clamp(first.base, last.end());
            match self.collect(&segments, start, max)? {
                Some(chunk) => return Ok(chunk),
                // A segment was rotated away since it was listed; the next listing is a newer one.
                None => continue,
            }
        }
    }

    /// The last `lines` lines, at most `max_bytes` bytes, read backwards from the end, whatever the log's size.
    /// A line end at the very end of the log ends the last line and begins no further one. Where `max_bytes` cuts
    /// in, the first line is not whole.
    ///
    /// # Errors
    /// The folder or a segment cannot be read.
    pub fn tail_lines(&self, lines: usize, max_bytes: usize) -> Result<Chunk, Error> {
        const STEP: u64 = 64 * 1024;
        let end = self.end()?;
        if lines == 0 || max_bytes == 0 {
            return Ok(Chunk { start: end, bytes: Vec::new() });
        }
        let floor = end.saturating_sub(max_bytes as u64);
        let mut tail = Chunk { start: end, bytes: Vec::new() };
        // Newest step first; a step's bytes are put together once the place is found.
        let mut steps: Vec<Vec<u8>> = Vec::new();
        let mut missing = lines;
        'steps: while tail.start > floor {
            let from = tail.start.saturating_sub(STEP).max(floor);
            let wanted = usize::try_from(tail.start - from).unwrap_or(usize::MAX);
            let mut step = self.read(from, wanted)?;
            // Older bytes may be gone, so that the read began later than asked and reached too far.
            let room = usize::try_from(tail.start.saturating_sub(step.start)).unwrap_or(usize::MAX);
            step.bytes.truncate(room);
            if step.end() != tail.start || step.bytes.is_empty() {
                break;
            }
            for at in (0..step.bytes.len()).rev() {
                let last_byte = step.start + at as u64 + 1 == end;
                if step.bytes[at] == b'\n' && !last_byte {
                    missing -= 1;
                    if missing == 0 {
                        tail.start = step.start + at as u64 + 1;
                        steps.push(step.bytes.split_off(at + 1));
                        break 'steps;
                    }
                }
            }
            let moved = step.start > from;
            tail.start = step.start;
            steps.push(step.bytes);
            if moved {
                break;
            }
        }
        tail.bytes = steps.into_iter().rev().flatten().collect();
        Ok(tail)
    }

    /// Which stream each byte in `range` came from, in order and without gaps, as far as the log reaches.
    /// Neighbouring spans differ in their stream.
    ///
    /// # Errors
    /// The folder or a streams file cannot be read.
    pub fn streams(&self, range: Range<u64>) -> Result<Vec<Span>, Error> {
        let mut spans: Vec<Span> = Vec::new();
        for segment in self.segments()? {
            let from = range.start.max(segment.base);
            let to = range.end.min(segment.end());
            if from >= to {
                continue;
            }
            let path = self.dir.join(streams_name(segment.base));
            let marks = match File::open(&path).and_then(|file| marks_in(&file, from, to)) {
                Ok(marks) => marks,
                Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
                Err(error) => return Err(Error::io("read the order of the streams", &path, error)),
            };
            // Before the first mark, which only a removed file leaves unknown, bytes count as stdout.
            let mut at = from;
            let mut stream = Stream::Stdout;
            let ends = marks.iter().copied().chain([(to, Stream::Stdout)]);
            for (offset, next) in ends {
                let until = offset.clamp(at, to);
                push_span(&mut spans, at..until, stream);
                at = until;
                stream = next;
            }
        }
        Ok(spans)
    }

    /// Up to `max` bytes of one stream, from a part of the log that starts at `offset`. The chunk's `start` is as
    /// for [`LogFolder::read`]; the second value is the offset to go on from, which is that of the whole log and
    /// not `start` and length.
    ///
    /// # Errors
    /// The folder or a file cannot be read.
    pub fn read_stream(&self, stream: Stream, offset: u64, max: usize) -> Result<(Chunk, u64), Error> {
        let chunk = self.read(offset, max)?;
        let next = chunk.end();
        let mut bytes = Vec::new();
        for span in self.streams(chunk.start..next)? {
            if span.stream == stream {
                let at = |offset: u64| usize::try_from(offset - chunk.start).unwrap_or(usize::MAX);
                bytes.extend_from_slice(&chunk.bytes[at(span.range.start)..at(span.range.end)]);
            }
        }
        Ok((Chunk { start: chunk.start, bytes }, next))
    }

    /// The segments by base. A gap is possible only where somebody removed files of a running job.
    fn segments(&self) -> Result<Vec<Segment>, Error> {
        let failed = |e| Error::io(LIST, &self.dir, e);
        let mut segments = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Some(base) = entry.file_name().to_str().and_then(base_of) else { continue };
            match entry.metadata() {
                Ok(meta) => segments.push(Segment { base, len: meta.len() }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed(error)),
            }
        }
        segments.sort_unstable();
        Ok(segments)
    }

    /// `None` if a segment has vanished.
    fn collect(&self, segments: &[Segment], start: u64, max: usize) -> Result<Option<Chunk>, Error> {
        let mut chunk = Chunk { start, bytes: Vec::new() };
        for segment in segments {
            let left = max - chunk.bytes.len();
            if left == 0 || segment.end() <= chunk.end() {
                continue;
            }
            if segment.base > chunk.end() {
                if !chunk.bytes.is_empty() {
                    break;
                }
                chunk.start = segment.base;
            }
            let path = self.dir.join(segment_name(segment.base));
            let file = match File::open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(Error::io(READ, &path, error)),
            };
            let from = chunk.end() - segment.base;
            let len = usize::try_from(segment.len - from).unwrap_or(usize::MAX).min(left);
            let old = chunk.bytes.len();
            chunk.bytes.resize(old + len, 0);
            let read =
                read_at(&file, &mut chunk.bytes[old..], from).map_err(|e| Error::io(READ, &path, e))?;
            chunk.bytes.truncate(old + read);
            if read < len {
                break;
            }
        }
        Ok(Some(chunk))
    }
}

impl LogReader {
    /// Begins to read.
    pub fn new(log: LogFolder) -> LogReader {
        LogReader { log, open: None }
    }

    /// The log.
    pub fn log(&self) -> &LogFolder {
        &self.log
    }

    /// At most `max` bytes from `offset` on, into `bytes`, whose content before is lost. They end with their segment.
    /// Returns where they begin, which is as for [`LogFolder::read`].
    ///
    /// # Errors
    /// The folder or a segment cannot be read.
    pub fn read(&mut self, offset: u64, max: usize, bytes: &mut Vec<u8>) -> Result<u64, Error> {
        if let Some((segment, file)) = &self.open
            && offset >= segment.base
        {
            let length = read_upto(file, offset - segment.base, max, bytes);
            if length.map_err(|e| Error::io(READ, &self.log.dir.join(segment_name(segment.base)), e))? > 0 {
                return Ok(offset);
            }
        }
        loop {
            let segments = self.log.segments()?;
            let (Some(first), Some(last)) = (segments.first(), segments.last()) else {
                bytes.clear();
                return Ok(0);
            };
            let wanted = offset.clamp(first.base, last.end());
            let segment = segments.iter().find(|segment| wanted < segment.end()).copied().unwrap_or(*last);
            let start = wanted.max(segment.base);
            let path = self.log.dir.join(segment_name(segment.base));
            let file = match File::open(&path) {
                Ok(file) => file,
                // It was rotated away since it was listed; the next listing is a newer one.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(Error::io(READ, &path, error)),
            };
            read_upto(&file, start - segment.base, max, bytes).map_err(|e| Error::io(READ, &path, e))?;
            self.open = Some((segment, file));
            return Ok(start);
        }
    }
}

/// The name of the segment that begins at `base`.
pub fn segment_name(base: u64) -> String {
    format!("output.{base:020}.log")
}

/// The name of the streams file of that segment.
pub fn streams_name(base: u64) -> String {
    format!("output.{base:020}.streams")
}

/// The base offset in a segment's name; `None` for any other name.
pub fn base_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("output.")?.strip_suffix(".log")?;
    (digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok())?
}

/// The bytes of a mark.
pub fn format_mark(offset: u64, stream: Stream) -> [u8; 8] {
    let bit = match stream {
        Stream::Stdout => 0,
        Stream::Stderr => STDERR_BIT,
    };
    (offset | bit).to_le_bytes()
}

/// Reads the bytes of a mark.
pub fn parse_mark(bytes: [u8; 8]) -> (u64, Stream) {
    let word = u64::from_le_bytes(bytes);
    let stream = if word & STDERR_BIT == 0 { Stream::Stdout } else { Stream::Stderr };
    (word & !STDERR_BIT, stream)
}

/// The marks that matter for the bytes from `from` to `to`: the one in force at `from`, and all before `to`.
fn marks_in(file: &File, from: u64, to: u64) -> io::Result<Vec<(u64, Stream)>> {
    let count = file.metadata()?.len() / MARK_LEN;
    let mark = |index: u64| -> io::Result<(u64, Stream)> {
        let mut bytes = [0; 8];
        file.read_exact_at(&mut bytes, index * MARK_LEN)?;
        Ok(parse_mark(bytes))
    };
    // The first mark beyond `from`. Offsets never decrease; of several at one place the last counts.
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if mark(middle)?.0 <= from { low = middle + 1 } else { high = middle }
    }
    let first = low.saturating_sub(1);
    let mut marks = Vec::new();
    let mut block = vec![0; 64 * 1024];
    let mut index = first;
    while index < count {
        let len = usize::try_from((count - index) * MARK_LEN).unwrap_or(usize::MAX).min(block.len());
        file.read_exact_at(&mut block[..len], index * MARK_LEN)?;
        for bytes in block[..len].as_chunks().0 {
            let (offset, stream) = parse_mark(*bytes);
            if offset >= to {
                return Ok(marks);
            }
            marks.push((offset, stream));
        }
        index += len as u64 / MARK_LEN;
    }
    Ok(marks)
}

fn push_span(spans: &mut Vec<Span>, range: Range<u64>, stream: Stream) {
    if range.is_empty() {
        return;
    }
    match spans.last_mut() {
        Some(last) if last.stream == stream && last.range.end == range.start => last.range.end = range.end,
        _ => spans.push(Span { range, stream }),
    }
}

/// Makes `bytes` what stands there, at most `max`, and returns how many these are.
fn read_upto(file: &File, offset: u64, max: usize, bytes: &mut Vec<u8>) -> io::Result<usize> {
    bytes.resize(max, 0);
    let read = read_at(file, bytes, offset);
    bytes.truncate(*read.as_ref().unwrap_or(&0));
    read
}

fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        match file.read_at(&mut buffer[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Stream::{Stderr, Stdout};

    type Given<'a> = (u64, &'a [u8], &'a [(u64, Stream)]);

    fn folder(segments: &[Given<'_>]) -> (tempfile::TempDir, LogFolder) {
        let dir = tempfile::tempdir().expect("temporary folder");
        for (base, bytes, marks) in segments {
            fs::write(dir.path().join(segment_name(*base)), bytes).expect("write");
            let marks: Vec<u8> = marks.iter().flat_map(|(o, s)| format_mark(*o, *s)).collect();
            fs::write(dir.path().join(streams_name(*base)), marks).expect("write");
        }
        let log = LogFolder::open(dir.path()).expect("open");
        (dir, log)
    }

    fn chunk(start: u64, bytes: &[u8]) -> Chunk {
        Chunk { start, bytes: bytes.to_vec() }
    }

    #[test]
    fn names_carry_the_base_and_strangers_are_ignored() {
        assert_eq!(segment_name(42), "output.00000000000000000042.log");
        for base in [0, 42, u64::MAX] {
            assert_eq!(base_of(&segment_name(base)), Some(base));
            assert_eq!(base_of(&streams_name(base)), None);
        }
        for other in ["output.log", "output.42.log", "output.+0000000000000000042.log", "claim"] {
            assert_eq!(base_of(other), None, "{other}");
        }
    }

    #[test]
    fn reading_crosses_segments_and_says_what_is_gone() {
        let (_dir, log) = folder(&[(10, b"abcde", &[]), (15, b"fgh", &[])]);
        assert_eq!((log.start().expect("start"), log.end().expect("end")), (10, 18));
        let check = |offset, max, expected: Chunk| {
            assert_eq!(log.read(offset, max).expect("read"), expected, "read({offset}, {max})");
        };
        check(10, 100, chunk(10, b"abcdefgh"));
        check(0, 2, chunk(10, b"ab"));
        check(13, 3, chunk(13, b"def"));
        check(15, 1, chunk(15, b"f"));
        check(18, 10, chunk(18, b""));
        check(99, 10, chunk(18, b""));
        check(12, 0, chunk(12, b""));
        let (_dir, empty) = folder(&[]);
        assert_eq!(empty.read(7, 7).expect("read"), Chunk::default());
    }

    #[test]
    fn a_reader_goes_through_all_segments() {
        let (dir, log) = folder(&[(10, b"abcde", &[]), (15, b"fgh", &[])]);
        let mut reader = LogReader::new(log);
        let mut read = |offset, max| {
            let mut bytes = vec![b'x'; 3];
            let start = reader.read(offset, max, &mut bytes).expect("read");
            chunk(start, &bytes)
        };
        assert_eq!(read(0, 4), chunk(10, b"abcd"), "what is gone is skipped");
        assert_eq!(read(14, 4), chunk(14, b"e"), "a piece ends with its segment");
        assert_eq!(read(15, 4), chunk(15, b"fgh"));
        assert_eq!(read(18, 4), chunk(18, b""));
        assert_eq!(read(99, 4), chunk(18, b""));
        fs::write(dir.path().join(segment_name(15)), b"fghi").expect("write");
        assert_eq!(read(18, 4), chunk(18, b"i"), "it grew");
        fs::remove_file(dir.path().join(segment_name(10))).expect("remove");
        assert_eq!(read(11, 4), chunk(15, b"fghi"));
        assert_eq!(read(16, 2), chunk(16, b"gh"));
    }

    #[test]
    fn a_removed_middle_is_skipped_but_never_bridged() {
        let (_dir, log) = folder(&[(0, b"ab", &[]), (10, b"cd", &[])]);
        assert_eq!(log.read(1, 10).expect("read"), chunk(1, b"b"), "a chunk has no holes");
        assert_eq!(log.read(2, 10).expect("read"), chunk(10, b"cd"));
    }

    #[test]
    fn the_last_lines_are_found_from_the_end() {
        let (_dir, log) = folder(&[(5, b"one\ntwo\nth", &[]), (15, b"ree\n", &[])]);
        let check = |lines, max, expected: Chunk| {
            assert_eq!(log.tail_lines(lines, max).expect("tail"), expected, "tail_lines({lines}, {max})");
        };
        check(1, 100, chunk(13, b"three\n"));
        check(2, 100, chunk(9, b"two\nthree\n"));
        check(3, 100, chunk(5, b"one\ntwo\nthree\n"));
        check(9, 100, chunk(5, b"one\ntwo\nthree\n"));
        check(9, 3, chunk(16, b"ee\n"));
        check(0, 100, chunk(19, b""));
        let (_dir, log) = folder(&[(0, b"no end", &[])]);
        assert_eq!(log.tail_lines(1, 100).expect("tail"), chunk(0, b"no end"));
        let (_dir, log) = folder(&[(0, b"\n\n", &[])]);
        assert_eq!(log.tail_lines(1, 100).expect("tail"), chunk(1, b"\n"));
    }

    #[test]
    fn the_tail_of_a_long_log_spans_many_steps() {
        let mut bytes: Vec<u8> = (0..50_000).flat_map(|n| format!("line {n}\n").into_bytes()).collect();
        let half = bytes.len() / 2 + 3;
        let second = bytes.split_off(half);
        let (_dir, log) = folder(&[(0, &bytes, &[]), (half as u64, &second, &[])]);
        let tail = log.tail_lines(40_000, usize::MAX).expect("tail");
        assert!(tail.bytes.starts_with(b"line 10000\n"), "the first line is whole");
        assert_eq!(tail.bytes.iter().filter(|&&b| b == b'\n').count(), 40_000);
        assert_eq!(tail.end(), log.end().expect("end"));
    }

    #[test]
    fn spans_follow_the_marks() {
        let first: &[(u64, Stream)] = &[(10, Stdout), (12, Stderr), (14, Stderr), (14, Stdout)];
        let (_dir, log) = folder(&[(10, b"abcde", first), (15, b"fgh", &[(15, Stdout), (17, Stderr)])]);
        let span = |range, stream| Span { range, stream };
        assert_eq!(
            log.streams(0..100).expect("streams"),
            [span(10..12, Stdout), span(12..14, Stderr), span(14..17, Stdout), span(17..18, Stderr)]
        );
        assert_eq!(log.streams(13..16).expect("streams"), [span(13..14, Stderr), span(14..16, Stdout)]);
        assert_eq!(log.streams(18..30).expect("streams"), []);
        let (stderr, next) = log.read_stream(Stderr, 0, 100).expect("read");
        assert_eq!((stderr, next), (chunk(10, b"cdh"), 18));
    }
}
