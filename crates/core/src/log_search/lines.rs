//! A log as the lines that people see of it.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use regex::Regex;

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

/// What is taken out of a text before it is shown: the same expression as in the window's `ansi.ts`. CSI, OSC up to
/// BEL or ST, DCS and the like up to ST, escapes of two characters, bare control characters.
static UNSEEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"\x1b\[[0-9:;<=>?]*[ -/]*[@-~]",
        r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\|$)",
        r"|\x1b[PX^_][^\x1b]*(?:\x1b\\|$)",
        r"|\x1b[ -/]*[0-~]?",
        r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]",
    ))
    .ok()
});

/// A line as people see it: U+FFFD for what is not UTF-8, without colours and control characters.
#[must_use]
pub fn shown(bytes: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(bytes);
    if !bytes.iter().any(|byte| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f) {
        return text;
    }
    match &*UNSEEN {
        Some(unseen) => Cow::Owned(unseen.replace_all(&text, "").into_owned()),
        None => text,
    }
}
