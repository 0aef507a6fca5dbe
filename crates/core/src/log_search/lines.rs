//! A log as the lines that people see of it.

use std::borrow::Cow;
use std::ops::{ControlFlow, Range};

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
        while from < bytes.len() {
            let begun = *self.begun.get_or_insert(offset + from as u64);
            let line_end = memchr::memchr(b'\n', &bytes[from..]).map(|length| from + length);
            let written = &bytes[from..line_end.unwrap_or(bytes.len())];
            let state = last_state(written);
            let piece = &written[state.clone()];
            let Some(line_end) = line_end else {
                self.add(piece, state.start > 0);
                self.returned |= state.end < written.len();
                break;
            };
            from = line_end + 1;
            let end = offset + from as u64;
            let kept = !self.state.is_empty() && (piece.is_empty() || !(self.returned || state.start > 0));
            let flow = if kept || piece.len() > LINE_MAX {
                self.add(piece, state.start > 0);
                each(Line { offset: begun, end, bytes: &self.state, cut: self.cut, open: false })
            } else {
                // Nothing of it is from before: the usual case, without a copy.
                each(Line { offset: begun, end, bytes: piece, cut: false, open: false })
            };
            self.reset();
            if flow.is_break() {
                return flow;
            }
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

    /// Adds to the line's state, or to nothing if it begins anew.
    fn add(&mut self, piece: &[u8], anew: bool) {
        if piece.is_empty() {
            return;
        }
        if self.returned || anew {
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

/// Where in a line, as it was written up to its line end, its last state stands: what stands between carriage returns
/// and is not empty.
pub(super) fn last_state(written: &[u8]) -> Range<usize> {
    let end = written.iter().rposition(|byte| *byte != b'\r').map_or(0, |last| last + 1);
    let start = memchr::memrchr(b'\r', &written[..end]).map_or(0, |again| again + 1);
    start..end
}

/// Adds the last states of whole lines, each with its line end.
pub(super) fn push_last_states(lines: &[u8], into: &mut Vec<u8>) {
    let mut from = 0;
    for end in memchr::memchr_iter(b'\n', lines) {
        let written = &lines[from..end];
        into.extend_from_slice(&written[last_state(written)]);
        into.push(b'\n');
        from = end + 1;
    }
}

/// A line as people see it: U+FFFD for what is not UTF-8, without colours and control characters.
#[must_use]
pub fn shown(bytes: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(bytes);
    if !bytes.iter().fold(false, |unseen, byte| unseen | is_unseen(*byte)) {
        return text;
    }
    Cow::Owned(shown_in(&text, &mut Vec::new()).into_owned())
}

/// What is seen of a line that is text, in a place that is kept for its room.
pub(super) fn shown_in<'a>(text: &str, room: &'a mut Vec<u8>) -> Cow<'a, str> {
    room.clear();
    push_seen(text.as_bytes(), room);
    // It is text still, as whole characters were taken out.
    String::from_utf8_lossy(room)
}

/// Control characters, with which escape sequences begin; tabulators and line ends are shown.
#[inline]
pub(super) fn is_unseen(byte: u8) -> bool {
    // Without a branch, so that the compiler takes many at once.
    (byte < b' ') & (byte != b'\t') & (byte != b'\n') & (byte != b'\r') | (byte == 0x7f)
}

/// Adds what is seen of lines. No sequence reaches beyond its line.
pub(super) fn push_seen(lines: &[u8], into: &mut Vec<u8>) {
    let begin = into.len();
    into.resize(begin + lines.len(), 0);
    let seen = &mut into[begin..];
    // `to` is never beyond `from`, so what is copied has room.
    let (mut from, mut to) = (0, 0);
    while let Some(word) = lines.get(from..from + 8) {
        // Eight at a time, of which those are kept that come before a control character.
        seen[to..to + 8].copy_from_slice(word);
        let length = before_control(word);
        (from, to) = (from + length, to + length);
        if length < 8 {
            step(lines, seen, &mut from, &mut to);
        }
    }
    while from < lines.len() {
        step(lines, seen, &mut from, &mut to);
    }
    into.truncate(begin + to);
}

/// Passes what is not seen, or copies one byte that is.
fn step(lines: &[u8], seen: &mut [u8], from: &mut usize, to: &mut usize) {
    let byte = lines[*from];
    if is_unseen(byte) {
        *from += sequence_of_line(&lines[*from..]);
    } else {
        seen[*to] = byte;
        (*from, *to) = (*from + 1, *to + 1);
    }
}

const ONES: u64 = u64::from_le_bytes([1; 8]);
const HIGH: u64 = ONES << 7;

/// How many of eight bytes come before the first that is below 32, or 127.
/// The two tests: <https://graphics.stanford.edu/~seander/bithacks.html#HasLessInWord> and `#ZeroInWord`; both are right
/// about the first such byte.
fn before_control(bytes: &[u8]) -> usize {
    let word = bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let low = word.wrapping_sub(ONES * 0x20) & !word;
    let delete = word ^ (ONES * 0x7f);
    let delete = delete.wrapping_sub(ONES) & !delete;
    ((low | delete) & HIGH).trailing_zeros() as usize / 8
}

/// As [`sequence`], in a line with what comes after it.
pub(super) fn sequence_of_line(bytes: &[u8]) -> usize {
    let string = bytes[0] == 0x1b && matches!(bytes.get(1), Some(b']' | b'P' | b'X' | b'^' | b'_'));
    let end = match string {
        true => memchr::memchr2(b'\n', b'\r', bytes).unwrap_or(bytes.len()),
        false => bytes.len(),
    };
    sequence(&bytes[..end])
}

/// The length of what is not seen at the beginning of these bytes, as the window's `ansi.ts` takes it out: CSI; OSC up
/// to BEL or ST; DCS and the like up to ST; escapes of two characters; bare control characters. A sequence that is not
/// whole counts as one of two characters, and a string without an end as long as the text.
fn sequence(bytes: &[u8]) -> usize {
    if bytes[0] != 0x1b {
        return 1;
    }
    match bytes.get(1) {
        Some(b'[') => {
            let end = between(bytes, run(bytes, 2, |byte| byte & 0xf0 == 0x30));
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
    let end = between(bytes, 1);
    end + usize::from(bytes.get(end).is_some_and(|last| (b'0'..=b'~').contains(last)))
}

/// Behind a run of wanted bytes.
#[inline]
fn run(bytes: &[u8], mut from: usize, wanted: impl Fn(u8) -> bool) -> usize {
    while bytes.get(from).is_some_and(|byte| wanted(*byte)) {
        from += 1;
    }
    from
}

/// Behind what may stand between the beginning of a sequence and its end.
#[inline]
fn between(bytes: &[u8], from: usize) -> usize {
    run(bytes, from, |byte| byte & 0xf0 == 0x20)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    /// The same expression as in the window's `ansi.ts`.
    pub(in crate::log_search) const UNSEEN: &str = concat!(
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
            let (mut states, mut seen) = (Vec::new(), Vec::new());
            push_last_states(text.as_bytes(), &mut states);
            push_seen(&states, &mut seen);
            prop_assert_eq!(String::from_utf8(seen)?, expected);
        }
    }
}
