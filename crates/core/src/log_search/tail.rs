//! The last lines of a log, read from its end backwards.

use super::{Block, Source};

/// Bytes that are read in the first step back from the end; each next one is twice as long, up to [`LONGEST`].
const FIRST: u64 = 64 << 10;
const LONGEST: u64 = 1 << 20;

/// The last lines, at most so many bytes, whatever the size of the log. A line end at the very end ends the last line
/// and begins no further one. Where `max` cuts in, the first line is not whole.
///
/// # Errors
/// The source can't be read.
pub fn tail<S: Source>(source: &mut S, lines: usize, max: usize) -> Result<Block, S::Error> {
    let (oldest, end) = source.bounds()?;
    // Newest first; put together once the place is found.
    let mut steps: Vec<Block> = Vec::new();
    let (mut start, mut length, mut missing, mut step) = (end, 0, lines, FIRST);
    'steps: while start > oldest && length < max && missing > 0 {
        let from = start.saturating_sub(step).max(oldest);
        step = (2 * step).min(LONGEST);
        let whole = span(source, from, start)?;
        if whole.next != start {
            // Older parts were rotated away meanwhile.
            break;
        }
        let (bytes, moved) = (&whole.bytes, whole.start > from);
        start = whole.start;
        let newest = steps.iter().all(|later| later.bytes.is_empty());
        let mut upto = bytes.len() - usize::from(newest && bytes.last() == Some(&b'\n'));
        while let Some(at) = memchr::memrchr(b'\n', &bytes[..upto]) {
            missing -= 1;
            if missing == 0 {
                let kept = bytes.len() - at - 1;
                steps.push(last_of(whole, kept));
                break 'steps;
            }
            upto = at;
        }
        length += bytes.len();
        steps.push(whole);
        if moved {
            break;
        }
    }
    let mut tail = Block { start: end, next: end, ..Block::default() };
    for step in steps.into_iter().rev() {
        let moved = tail.bytes.len();
        tail.bytes.extend_from_slice(&step.bytes);
        tail.parts.extend(
            step.parts.into_iter().map(|(offset, part)| (offset, part.start + moved..part.end + moved)),
        );
    }
    let kept = tail.bytes.len().min(max);
    let mut tail = last_of(tail, kept);
    tail.start = tail.parts.first().map_or(end, |(offset, _)| *offset);
    Ok(tail)
}

/// All between two offsets, as far as there is anything; from the oldest byte on that is left.
///
/// # Errors
/// The source can't be read.
pub fn span<S: Source>(source: &mut S, from: u64, to: u64) -> Result<Block, S::Error> {
    let mut whole = Block { start: from, next: from, ..Block::default() };
    let mut piece = Block::default();
    while whole.next < to {
        source.read(whole.next, usize::try_from(to - whole.next).unwrap_or(usize::MAX), &mut piece)?;
        if piece.next <= whole.next {
            break;
        }
        if piece.start > whole.next {
            whole = Block { start: piece.start, next: piece.start, ..Block::default() };
        }
        let moved = whole.bytes.len();
        whole.bytes.extend_from_slice(&piece.bytes);
        let parts = piece.parts.drain(..);
        whole.parts.extend(parts.map(|(offset, part)| (offset, part.start + moved..part.end + moved)));
        whole.next = piece.next;
    }
    Ok(whole)
}

/// The last so many bytes of a block.
fn last_of(mut block: Block, kept: usize) -> Block {
    let dropped = block.bytes.len() - kept;
    block.bytes.drain(..dropped);
    block.parts.retain_mut(|(offset, part)| {
        let cut = dropped.clamp(part.start, part.end);
        *offset += (cut - part.start) as u64;
        *part = cut - dropped.min(cut)..part.end.saturating_sub(dropped);
        part.start < part.end
    });
    block
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    /// A log in memory, handed out in pieces, with gaps of another stream.
    struct Memory<'a> {
        log: &'a [u8],
        oldest: u64,
        piece: usize,
        turns: Option<u64>,
    }

    impl Source for Memory<'_> {
        type Error = Infallible;

        fn bounds(&mut self) -> Result<(u64, u64), Infallible> {
            Ok((self.oldest, self.log.len() as u64))
        }

        fn read(&mut self, from: u64, max: usize, into: &mut Block) -> Result<(), Infallible> {
            let start = from.clamp(self.oldest, self.log.len() as u64);
            let at = usize::try_from(start).expect("small");
            let piece = &self.log[at..(at + max.min(self.piece)).min(self.log.len())];
            *into = Block { start, next: start + piece.len() as u64, ..Block::default() };
            for (index, byte) in piece.iter().enumerate() {
                let offset = start + index as u64;
                if self.turns.is_none_or(|turn| (offset / turn).is_multiple_of(2)) {
                    into.parts.push((offset, into.bytes.len()..into.bytes.len() + 1));
                    into.bytes.push(*byte);
                }
            }
            Ok(())
        }
    }

    fn last(log: &str, lines: usize, max: usize) -> String {
        let mut memory = Memory { log: log.as_bytes(), oldest: 0, piece: usize::MAX, turns: None };
        let Ok(tail) = tail(&mut memory, lines, max);
        assert_eq!(tail.next, log.len() as u64);
        assert_eq!(tail.start, log.len() as u64 - tail.bytes.len() as u64);
        String::from_utf8(tail.bytes).expect("text")
    }

    #[test]
    fn lines_are_counted_from_the_end() {
        for (log, lines, expected) in [
            ("a\nb\nc\n", 1, "c\n"),
            ("a\nb\nc\n", 2, "b\nc\n"),
            ("a\nb\nc", 1, "c"),
            ("a\nb\nc\n", 3, "a\nb\nc\n"),
            ("a\nb\nc\n", 0, ""),
            ("", 2, ""),
            ("\n", 1, "\n"),
            ("\n\n", 1, "\n"),
        ] {
            assert_eq!(last(log, lines, 100), expected, "the last {lines} of {log:?}");
        }
        assert_eq!(last("one\ntwo\n", 2, 3), "wo\n", "no more bytes than asked for");
        let long: String = (0..60_000).map(|number| format!("line {number}\n")).collect();
        let tail = last(&long, 50_000, usize::MAX);
        assert!(tail.starts_with("line 10000\n") && tail.lines().count() == 50_000, "over many steps");
    }

    proptest! {
        #[test]
        fn of_one_stream_it_is_what_the_whole_stream_ends_with(
            log in "[ab\n]{0,60}", lines in 0_usize..6, max in 0_usize..40, piece in 1_usize..9,
            turns in prop::option::of(1_u64..7), oldest in 0_u64..20,
        ) {
            let oldest = oldest.min(log.len() as u64);
            let mut memory = Memory { log: log.as_bytes(), oldest, piece, turns };
            let Ok(found) = tail(&mut memory, lines, max);
            memory.piece = usize::MAX;
            let Ok(whole) = span(&mut memory, oldest, log.len() as u64);
            let all = String::from_utf8(whole.bytes).expect("text");
            let begins = all.split_inclusive('\n').count().saturating_sub(lines);
            let wanted: String = all.split_inclusive('\n').skip(begins).collect();
            let wanted = &wanted[wanted.len().saturating_sub(max)..];
            prop_assert_eq!(std::str::from_utf8(&found.bytes).expect("text"), wanted);
            for (offset, part) in &found.parts {
                let at = usize::try_from(*offset).expect("small");
                prop_assert_eq!(&log.as_bytes()[at..at + part.len()], &found.bytes[part.clone()]);
            }
        }
    }
}
