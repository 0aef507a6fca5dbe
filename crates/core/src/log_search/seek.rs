//! Counting lines of a log: where the so-manieth line begins, and which line a place is in.

use super::{BLOCK, Block, Source};

/// How far lines were counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seek {
    /// Where the last line begins that was come to; where the counting began if none was.
    pub offset: u64,
    /// Line ends that were passed.
    pub lines: u64,
    /// Where to go on counting.
    pub next: u64,
    /// So many lines as asked for were passed, or nothing is left.
    pub done: bool,
}

/// Passes so many line ends from `from` on, but none at or behind `to`, until `go_on` says no to the bytes looked at.
///
/// # Errors
/// The source can't be read.
pub fn seek<S: Source>(
    source: &mut S,
    from: Option<u64>,
    to: Option<u64>,
    lines: u64,
    mut go_on: impl FnMut(u64) -> bool,
) -> Result<Seek, S::Error> {
    let (oldest, end) = source.bounds()?;
    let to = to.unwrap_or(end).min(end);
    let begin = from.unwrap_or(oldest).clamp(oldest, end);
    let mut seek = Seek { offset: begin, next: begin, lines: 0, done: lines == 0 };
    let mut block = Block::default();
    let mut scanned = 0;
    while !seek.done {
        let room = usize::try_from(to.saturating_sub(seek.next)).unwrap_or(usize::MAX).min(BLOCK);
        if room > 0 {
            source.read(seek.next, room, &mut block)?;
        }
        if room == 0 || block.next <= seek.next {
            seek.done = true;
            break;
        }
        scanned += block.next - block.start;
        for (offset, part) in &block.parts {
            let bytes = block.bytes.get(part.clone()).unwrap_or_default();
            let left = lines - seek.lines;
            let ends = memchr::memchr_iter(b'\n', bytes).count() as u64;
            let last = match ends < left {
                true => memchr::memrchr(b'\n', bytes),
                false => {
                    seek.done = true;
                    memchr::memchr_iter(b'\n', bytes).nth(usize::try_from(left - 1).unwrap_or(usize::MAX))
                }
            };
            seek.lines += ends.min(left);
            if let Some(last) = last {
                seek.offset = offset + last as u64 + 1;
            }
            if seek.done {
                seek.next = seek.offset;
                return Ok(seek);
            }
        }
        seek.next = block.next;
        if !go_on(scanned) {
            break;
        }
    }
    Ok(seek)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    struct Memory(Vec<u8>);

    impl Source for Memory {
        type Error = Infallible;

        fn bounds(&mut self) -> Result<(u64, u64), Infallible> {
            Ok((0, self.0.len() as u64))
        }

        fn read(&mut self, from: u64, max: usize, into: &mut Block) -> Result<(), Infallible> {
            let at = usize::try_from(from).expect("small").min(self.0.len());
            let bytes = self.0[at..(at + max).min(self.0.len())].to_vec();
            let next = (at + bytes.len()) as u64;
            *into = Block { start: at as u64, next, parts: vec![(at as u64, 0..bytes.len())], bytes };
            Ok(())
        }
    }

    #[test]
    fn lines_are_passed_and_counted() {
        let mut log = Memory(b"one\ntwo\n\nfour".to_vec());
        for (from, to, lines, expected) in [
            (None, None, 0, (0, 0, true)),
            (None, None, 1, (4, 1, true)),
            (None, None, 3, (9, 3, true)),
            (None, None, 9, (9, 3, true)),
            (Some(4), None, 1, (8, 1, true)),
            (Some(5), None, 1, (8, 1, true)),
            (None, Some(8), 9, (8, 2, true)),
            (None, Some(7), 9, (4, 1, true)),
            (Some(99), None, 1, (13, 0, true)),
        ] {
            let Ok(found) = seek(&mut log, from, to, lines, |_| true);
            assert_eq!(
                (found.offset, found.lines, found.done),
                expected,
                "{lines} lines in {from:?}..{to:?}"
            );
        }
    }

    #[test]
    fn it_ends_between_blocks_and_can_be_gone_on_with() {
        let mut log = Memory("a line\n".repeat(BLOCK).into_bytes());
        let (mut from, mut lines, mut calls) = (None, 0, 0);
        let found = loop {
            let Ok(found) = seek(&mut log, from, None, 200_000 - lines, |_| false);
            lines += found.lines;
            calls += 1;
            from = Some(found.next);
            if found.done {
                break found;
            }
        };
        assert_eq!((found.offset, lines, calls), (200_000 * 7, 200_000, 6));
    }
}
