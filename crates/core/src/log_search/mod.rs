//! Searching a log line by line, forwards and backwards.
//!
//! What is looked through is what people see: the last state of a line that was redrawn with carriage returns,
//! without colours and control characters, as the window's log view shows it. What is answered are offsets in the log
//! as it was written.
//!
//! A search never holds more than a block of the log and one line. It asks after each block whether to go on, so its
//! caller bounds its time; it stops between lines only, so that the next search goes on from there.

mod lines;
mod matcher;
mod probe;
mod scan;
mod seek;
mod tail;

use std::collections::VecDeque;
use std::ops::{ControlFlow, Range};

pub use lines::{LINE_MAX, Line, Lines, shown};
pub use matcher::{Matcher, Pattern, PatternFault};
use scan::{Scanner, Sink};
pub use seek::{Seek, seek};
pub use tail::{span, tail};

/// Bytes of the log that are read at a time.
pub const BLOCK: usize = 256 << 10;
/// Length of the text of a match at most, in UTF-16 code units.
pub const TEXT_MAX: usize = 4_096;
/// Places within one line that are told at most.
pub const RANGES_MAX: usize = 256;
/// How far before its first match the text of a long line begins, in bytes.
const BEFORE: usize = 512;

/// A part of a log, of one stream or both.
#[derive(Debug, Clone, Default)]
pub struct Block {
    /// Offset of the first byte that was looked at: beyond the one that was asked for if older ones are gone.
    pub start: u64,
    /// Offset to go on from.
    pub next: u64,
    /// The bytes that are wanted, of all those between `start` and `next`.
    pub bytes: Vec<u8>,
    /// Where in the log a part of `bytes` begins, and which part; in order.
    pub parts: Vec<(u64, Range<usize>)>,
}

/// Where a log is read from.
pub trait Source {
    /// What can go wrong.
    type Error;

    /// Offsets of the oldest byte that is kept, and behind the newest.
    ///
    /// # Errors
    /// The log can't be read.
    fn bounds(&mut self) -> Result<(u64, u64), Self::Error>;

    /// At most so many bytes of the log from an offset on, into a block whose old content is of no use but its room.
    /// Fewer are fine; none means that there are no more.
    ///
    /// # Errors
    /// The log can't be read.
    fn read(&mut self, from: u64, max: usize, into: &mut Block) -> Result<(), Self::Error>;
}

/// Which part of a log to search.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request {
    /// Where to begin: the beginning of a line. Forwards the log's beginning if absent, backwards its end. Backwards,
    /// the lines before it are searched.
    pub from: Option<u64>,
    /// Where to end: the lines before it are searched, backwards those from it on. All if absent.
    pub to: Option<u64>,
    /// From the end to the beginning.
    pub backwards: bool,
    /// How many matches to answer at most. With none, lines are counted only.
    pub limit: usize,
}

/// A line that matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Offset of its first byte in the log.
    pub offset: u64,
    /// Offset behind its line end.
    pub end: u64,
    /// How many lines there are from where the search began to this one. Unknown when searching backwards.
    pub line: Option<u64>,
    /// The line as it is seen, or a part of it around the first match.
    pub text: String,
    /// Where in the line `text` begins, in UTF-16 code units as the window counts.
    pub text_start: usize,
    /// Where in the line it matches, in UTF-16 code units.
    pub ranges: Vec<Range<usize>>,
    /// Only the beginning of the line was looked at, because it is longer than [`LINE_MAX`].
    pub cut: bool,
    /// The line has no end yet.
    pub open: bool,
}

/// What a search found so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The lines, in the direction of the search.
    pub found: Vec<Found>,
    /// How many lines with a line end match.
    pub count: u64,
    /// The last line has no end yet, and matches.
    pub open: bool,
    /// Where to go on: the beginning of the first line, or backwards the end of the last, that was not looked at. A
    /// line without an end counts as not looked at, as it may change.
    pub next: u64,
    /// Nothing is left to be searched at present.
    pub done: bool,
    /// Bytes of the log that were looked at.
    pub scanned: u64,
    /// Lines of which only the beginning was looked at.
    pub cut: u64,
    /// Offset of the oldest byte that is kept.
    pub oldest: u64,
    /// Offset behind the newest byte.
    pub end: u64,
}

/// Searches until the limit of matches is reached, `go_on` says no to the bytes that were looked at, or nothing is
/// left. At least one line is looked at in each call.
///
/// # Errors
/// The source can't be read.
pub fn search<S: Source>(
    source: &mut S,
    matcher: &Matcher,
    request: Request,
    mut go_on: impl FnMut(u64) -> bool,
) -> Result<Outcome, S::Error> {
    let (oldest, end) = source.bounds()?;
    let (low, high) = match request.backwards {
        false => (request.from, request.to),
        true => (request.to, request.from),
    };
    let low = low.unwrap_or(0).clamp(oldest, end);
    let high = high.unwrap_or(end).clamp(low, end);
    let mut outcome = Outcome { oldest, end, next: low, ..Outcome::default() };
    if request.backwards {
        backwards(source, matcher, low..high, request.limit, &mut go_on, &mut outcome)?;
    } else {
        let pass = Pass { range: low..high, limit: request.limit, keep: Keep::First };
        forwards(source, matcher, &pass, &mut Block::default(), &mut go_on, &mut outcome)?;
    }
    Ok(outcome)
}

#[derive(Clone, Copy)]
enum Keep {
    /// The first matches, and end with the last of these.
    First,
    /// The last matches.
    Last,
}

struct Pass {
    range: Range<u64>,
    limit: usize,
    keep: Keep,
}

/// Counts the lines that match, and keeps some of them.
struct Kept<'a> {
    matcher: &'a Matcher,
    limit: usize,
    keep: Keep,
    found: VecDeque<Found>,
    count: u64,
    open: bool,
}

impl Sink for Kept<'_> {
    fn matched(&mut self, line: Line<'_>, number: u64, text: Option<&str>) -> ControlFlow<u64> {
        self.count += u64::from(!line.open);
        self.open |= line.open;
        let Some(text) = text.filter(|_| self.limit > 0) else { return ControlFlow::Continue(()) };
        self.found.extend(found(&line, text, number, self.matcher));
        match self.keep {
            Keep::First if self.found.len() >= self.limit => return ControlFlow::Break(line.end),
            Keep::Last if self.found.len() > self.limit => drop(self.found.pop_front()),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn wants_text(&self) -> bool {
        self.limit > 0
    }
}

fn forwards<S: Source>(
    source: &mut S,
    matcher: &Matcher,
    pass: &Pass,
    block: &mut Block,
    go_on: &mut impl FnMut(u64) -> bool,
    outcome: &mut Outcome,
) -> Result<(), S::Error> {
    let Range { start: from, end: to } = pass.range;
    let kept =
        Kept { matcher, limit: pass.limit, keep: pass.keep, found: VecDeque::new(), count: 0, open: false };
    let mut scanner = Scanner::new(matcher, kept);
    let mut lines = Lines::default();
    let mut at = from;
    let stopped = 'read: loop {
        let room = usize::try_from(to.saturating_sub(at)).unwrap_or(usize::MAX).min(BLOCK);
        if room == 0 {
            break None;
        }
        source.read(at, room, block)?;
        if block.next <= at {
            break None;
        }
        if block.start > at {
            // What lay between was rotated away meanwhile, and with it the rest of the line.
            lines = Lines::default();
        }
        outcome.scanned += block.next.saturating_sub(block.start);
        for (offset, part) in &block.parts {
            let bytes = block.bytes.get(part.clone()).unwrap_or_default();
            if let ControlFlow::Break(end) = part_of(&mut scanner, &mut lines, *offset, bytes) {
                break 'read Some(end);
            }
        }
        at = block.next;
        let reached = lines.begun().unwrap_or(at);
        if at < to && reached > from && !go_on(outcome.scanned) {
            break Some(reached);
        }
    };
    outcome.next = match stopped {
        Some(next) => next,
        None => {
            let next = lines.begun().unwrap_or(at);
            outcome.done = true;
            // The last line as it is now. It is looked at again, whether or not it was one match too many.
            let _ = lines.finish(at, |line| scanner.line(line));
            next
        }
    };
    outcome.cut += scanner.cut;
    outcome.count += scanner.sink.count;
    outcome.open |= scanner.sink.open;
    outcome.found = scanner.sink.found.into();
    Ok(())
}

/// The end of the line that has begun, the whole lines, and the beginning of the next.
fn part_of(
    scanner: &mut Scanner<'_, Kept<'_>>,
    lines: &mut Lines,
    offset: u64,
    bytes: &[u8],
) -> ControlFlow<u64> {
    let Some(last) = memchr::memrchr(b'\n', bytes) else {
        return lines.push(offset, bytes, |line| scanner.line(line));
    };
    let mut first = 0;
    if lines.begun().is_some() {
        first = memchr::memchr(b'\n', bytes).unwrap_or(last) + 1;
        lines.push(offset, &bytes[..first], |line| scanner.line(line))?;
    }
    scanner.lines(offset + first as u64, &bytes[first..=last])?;
    lines.push(offset + last as u64 + 1, &bytes[last + 1..], |line| scanner.line(line))
}

fn backwards<S: Source>(
    source: &mut S,
    matcher: &Matcher,
    range: Range<u64>,
    limit: usize,
    go_on: &mut impl FnMut(u64) -> bool,
    outcome: &mut Outcome,
) -> Result<(), S::Error> {
    let mut end = range.end;
    let mut block = Block::default();
    loop {
        outcome.next = end;
        if end <= range.start {
            outcome.done = true;
            return Ok(());
        }
        let Some(start) = line_before(source, range.start, end, &mut block)? else {
            outcome.done = true;
            return Ok(());
        };
        let left = limit.saturating_sub(outcome.found.len());
        let pass = Pass { range: start..end, limit: left, keep: Keep::Last };
        let mut part = Outcome::default();
        forwards(source, matcher, &pass, &mut block, &mut |_| true, &mut part)?;
        outcome.scanned += part.scanned;
        outcome.cut += part.cut;
        outcome.open |= part.open;
        if limit == 0 {
            outcome.count += part.count;
        } else {
            outcome.count += part.found.iter().filter(|found| !found.open).count() as u64;
            let full = part.found.len() >= left;
            let first = part.found.first().map(|found| found.offset);
            outcome.found.extend(part.found.into_iter().rev());
            if let (true, Some(first)) = (full, first) {
                outcome.next = first;
                return Ok(());
            }
        }
        end = start;
        if end > range.start && !go_on(outcome.scanned) {
            outcome.next = end;
            return Ok(());
        }
    }
}

/// Where to begin so that whole lines up to `end` are read: about a block before it, or at the beginning of a line
/// that is longer. `None` if nothing is left there.
fn line_before<S: Source>(
    source: &mut S,
    low: u64,
    end: u64,
    block: &mut Block,
) -> Result<Option<u64>, S::Error> {
    let mut upto = end;
    loop {
        let from = upto.saturating_sub(BLOCK as u64).max(low);
        if from == low {
            return Ok(Some(low));
        }
        let mut at = from;
        while at < upto {
            source.read(at, usize::try_from(upto - at).unwrap_or(usize::MAX), block)?;
            if block.next <= at || block.start >= upto {
                return Ok(None);
            }
            if block.start > at {
                // Everything before it is gone.
                return Ok(Some(block.start));
            }
            for (offset, part) in &block.parts {
                let bytes = block.bytes.get(part.clone()).unwrap_or_default();
                // A line end that is the last byte ends the last line, and begins none.
                if let Some(place) = memchr::memchr(b'\n', bytes)
                    && offset + place as u64 + 1 < end
                {
                    return Ok(Some(offset + place as u64 + 1));
                }
            }
            at = block.next;
        }
        upto = from;
    }
}

fn found(line: &Line<'_>, text: &str, number: u64, matcher: &Matcher) -> Option<Found> {
    let mut places = matcher.find(text).take(RANGES_MAX).peekable();
    let first = places.peek()?.clone();
    let mut at = (0, 0);
    let mut units = |byte: usize| {
        at = (byte, at.1 + text[at.0..byte].encode_utf16().count());
        at.1
    };
    let ranges = places.map(|place| units(place.start)..units(place.end)).collect();
    let (start, length) = window(text, first.start);
    Some(Found {
        offset: line.offset,
        end: line.end,
        line: Some(number),
        text_start: text[..start].encode_utf16().count(),
        text: text[start..start + length].to_owned(),
        ranges,
        cut: line.cut,
        open: line.open,
    })
}

/// Where the part of a text around `first` begins that is given, and its length, both in bytes.
fn window(text: &str, first: usize) -> (usize, usize) {
    let start = match text.len() > TEXT_MAX && first > TEXT_MAX / 2 {
        true => text.floor_char_boundary(first - BEFORE),
        false => 0,
    };
    let mut units = 0;
    let within = text[start..].char_indices().find(|(_, character)| {
        units += character.len_utf16();
        units > TEXT_MAX
    });
    (start, within.map_or(text.len() - start, |(end, _)| end))
}

#[cfg(test)]
mod oracle;
#[cfg(test)]
#[path = "tests.rs"]
mod tests;
