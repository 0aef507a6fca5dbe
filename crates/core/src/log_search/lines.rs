//! A log as the lines that people see of it.

use std::borrow::Cow;
use std::ops::ControlFlow;

/// What of a line is looked at, at most, in bytes as they were written.
pub const LINE_MAX: usize = 64 << 10;

/// A line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Offset of its first byte in the log.
    pub offset: u64,
    /// Offset behind its line end.
    pub end: u64,
    /// Its last state, without line end and carriage returns.
    pub bytes: &'a [u8],
    /// There was more than [`LINE_MAX`] of it.
    pub cut: bool,
    /// It has no line end yet.
    pub open: bool,
}

/// Splits what is written into lines, whatever the pieces in which it comes.
///
/// - A line ends with `\n` or `\r\n`.
/// - A lone `\r` starts the line anew, once something follows it: of a progress bar, only the last state is left.
#[derive(Debug, Default)]
pub struct Lines {
    begun: Option<u64>,
    state: Vec<u8>,
    returned: bool,
    cut: bool,
}

impl Lines {
    /// Offset of the first byte of the line that has begun and not ended.
    #[must_use]
    pub fn begun(&self) -> Option<u64> {
        self.begun
    }

    /// Takes the bytes that stand at an offset of the log, and gives the lines that they end, until told to stop.
    pub fn push<B>(
        &mut self,
        offset: u64,
        bytes: &[u8],
        mut each: impl FnMut(Line<'_>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let mut from = 0;
        for at in memchr::memchr2_iter(b'\n', b'\r', bytes) {
            let piece = &bytes[from..at];
            let begun = *self.begun.get_or_insert(offset + from as u64);
            from = at + 1;
            if bytes[at] == b'\r' {
                self.add(piece);
                self.returned = true;
                continue;
            }
            let end = offset + from as u64;
            let whole = self.state.is_empty() && piece.len() <= LINE_MAX;
            let flow = if whole && (!self.returned || !piece.is_empty()) {
                // Nothing is kept of it from before: the usual case, without a copy.
                each(Line { offset: begun, end, bytes: piece, cut: false, open: false })
            } else {
                self.add(piece);
                each(Line { offset: begun, end, bytes: &self.state, cut: self.cut, open: false })
            };
            self.reset();
            if flow.is_break() {
                return flow;
            }
        }
        if from < bytes.len() {
            self.begun.get_or_insert(offset + from as u64);
            self.add(&bytes[from..]);
        }
        ControlFlow::Continue(())
    }

    /// Gives the line that has not ended, if there is something of it to be seen. `end` is where the log ends.
    pub fn finish<B>(
        &mut self,
        end: u64,
        mut each: impl FnMut(Line<'_>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let Some(offset) = self.begun.filter(|_| !self.state.is_empty()) else {
            return ControlFlow::Continue(());
        };
        let flow = each(Line { offset, end, bytes: &self.state, cut: self.cut, open: true });
        self.reset();
        flow
    }

    fn add(&mut self, piece: &[u8]) {
        if piece.is_empty() {
            return;
        }
        if self.returned {
            self.state.clear();
            (self.returned, self.cut) = (false, false);
        }
        let room = LINE_MAX - self.state.len();
        self.cut |= piece.len() > room;
        self.state.extend_from_slice(&piece[..piece.len().min(room)]);
    }

    fn reset(&mut self) {
        self.begun = None;
        self.state.clear();
        (self.returned, self.cut) = (false, false);
    }
}

/// A line as people see it: U+FFFD for what is not UTF-8, without colours and control characters.
#[must_use]
pub fn shown(bytes: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(bytes);
    if !bytes.iter().any(|byte| is_unseen(*byte)) {
        return text;
    }
    let mut seen = String::with_capacity(text.len());
    push_seen(&text, &mut seen);
    Cow::Owned(seen)
}

/// Control characters, with which escape sequences begin; tabulators and line ends are shown.
fn is_unseen(byte: u8) -> bool {
    // Without a branch, so that the compiler takes many at once.
    (byte < b' ') & (byte != b'\t') & (byte != b'\n') & (byte != b'\r') | (byte == 0x7f)
}

fn push_seen(text: &str, into: &mut String) {
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(place) = bytes[from..].iter().position(|byte| is_unseen(*byte)) {
        into.push_str(&text[from..from + place]);
        from += place + sequence(&bytes[from + place..]);
    }
    into.push_str(&text[from..]);
}

/// Adds whole lines as people see them, each with its line end: as [`Lines`] and [`shown`] would, one by one.
pub(super) fn push_seen_lines(text: &str, into: &mut String) {
    let bytes = text.as_bytes();
    // Bare control characters are rare where escape sequences are not.
    let few = !bytes.iter().fold(false, |bare, byte| bare | (is_unseen(*byte) & (*byte != 0x1b)));
    let next = |from: usize| match few {
        true => memchr::memchr2(0x1b, b'\r', &bytes[from..]),
        false => bytes[from..].iter().position(|byte| is_unseen(*byte) || *byte == b'\r'),
    };
    let mut from = 0;
    while let Some(place) = next(from).map(|place| from + place) {
        into.push_str(&text[from..place]);
        // No sequence reaches beyond its line, or beyond where that begins anew.
        let string = bytes[place] == 0x1b && bytes.get(place + 1).is_some_and(|kind| b"]PX^_".contains(kind));
        if string {
            let end = memchr::memchr2(b'\n', b'\r', &bytes[place..]).map_or(bytes.len(), |end| place + end);
            from = place + sequence(&bytes[place..end]);
        } else if bytes[place] != b'\r' {
            from = place + sequence(&bytes[place..]);
        } else {
            let end = memchr::memchr(b'\n', &bytes[place..]).map_or(bytes.len(), |end| place + end);
            match bytes[place..end].iter().rposition(|byte| *byte != b'\r') {
                None => from = end,
                Some(last) => {
                    // What the line was before is seen no more.
                    into.truncate(memchr::memrchr(b'\n', into.as_bytes()).map_or(0, |before| before + 1));
                    let again = memchr::memrchr(b'\r', &bytes[place..place + last]).unwrap_or(0);
                    from = place + again + 1;
                }
            }
        }
    }
    into.push_str(&text[from..]);
}

/// The length of what is not seen at the beginning of these bytes, as the window's `ansi.ts` takes it out: CSI; OSC up
/// to BEL or ST; DCS and the like up to ST; escapes of two characters; bare control characters. A sequence that is not
/// whole counts as one of two characters, and a string without an end as long as the text.
fn sequence(bytes: &[u8]) -> usize {
    if bytes[0] != 0x1b {
        return 1;
    }
    let run = |from: usize, wanted: fn(u8) -> bool| {
        bytes[from..].iter().position(|byte| !wanted(*byte)).map_or(bytes.len(), |more| from + more)
    };
    let between = |byte: u8| (b' '..=b'/').contains(&byte);
    match bytes.get(1) {
        Some(b'[') => {
            let end = run(run(2, |byte| (b'0'..=b'?').contains(&byte)), between);
            if bytes.get(end).is_some_and(|last| (b'@'..=b'~').contains(last)) {
                return end + 1;
            }
        }
        Some(kind @ (b']' | b'P' | b'X' | b'^' | b'_')) => {
            let bell = *kind == b']';
            let end = match bell {
                true => memchr::memchr2(0x07, 0x1b, &bytes[2..]),
                false => memchr::memchr(0x1b, &bytes[2..]),
            };
            let Some(end) = end.map(|end| end + 2) else { return bytes.len() };
            if bytes[end] == 0x07 {
                return end + 1;
            }
            if bytes.get(end + 1) == Some(&b'\\') {
                return end + 2;
            }
        }
        _ => {}
    }
    let end = run(1, between);
    end + usize::from(bytes.get(end).is_some_and(|last| (b'0'..=b'~').contains(last)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    /// The same expression as in the window's `ansi.ts`.
    const UNSEEN: &str = concat!(
        r"\x1b\[[0-9:;<=>?]*[ -/]*[@-~]",
        r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\|$)",
        r"|\x1b[PX^_][^\x1b]*(?:\x1b\\|$)",
        r"|\x1b[ -/]*[0-~]?",
        r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]",
    );

    proptest! {
        #[test]
        fn the_window_takes_out_the_same(text in "(\\x1b|\\[|\\]|P|\\x07|\\\\|[0-9;:]|m|@|~| |/|é|日|a|\\t|\\x00|\\x7f){0,24}") {
            let expected = Regex::new(UNSEEN).expect("an expression").replace_all(&text, "").into_owned();
            prop_assert_eq!(shown(text.as_bytes()).into_owned(), expected);
        }

        #[test]
        fn many_lines_are_seen_as_each_by_itself(parts in prop::collection::vec(
            prop::sample::select(vec!["\x1b[1m", "\x1b]0;", "\x1b", "[", "m", "\x07", "\r", "\n", "\\", "a", "é", "\t", "\x08", "\x7f"]), 0..24,
        )) {
            let text = parts.concat() + "\n";
            let mut expected = String::new();
            let _ = Lines::default().push(0, text.as_bytes(), |line| {
                expected.push_str(&shown(line.bytes));
                expected.push('\n');
                ControlFlow::<()>::Continue(())
            });
            let mut seen = String::new();
            push_seen_lines(&text, &mut seen);
            prop_assert_eq!(seen, expected);
        }
    }
}
