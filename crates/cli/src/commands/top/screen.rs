//! The terminal: taken over for a while, and given back as it was.

use std::io::{self, Write};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

use super::draw::Line;

/// The terminal's second screen, without a cursor, its keys arriving one by one. Dropping it gives the terminal back,
/// also when the program panics.
pub(super) struct Screen {
    before: Termios,
    /// What stands there, by row; empty: not known.
    shown: Vec<String>,
    size: (usize, usize),
}

/// To the second screen, without a cursor and without breaking lines; and back.
const OPEN: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J";
const CLOSE: &str = "\x1b[?7h\x1b[?25h\x1b[?1049l";

/// Between these a terminal that knows them shows nothing half drawn.
const BEGIN: &str = "\x1b[?2026h";
const END: &str = "\x1b[?2026l";

impl Screen {
    pub fn open() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        let screen = Self { before, shown: Vec::new(), size: (0, 0) };
        write(OPEN)?;
        Ok(screen)
    }

    /// Columns and rows.
    pub fn size(&self) -> (usize, usize) {
        let size = tcgetwinsize(io::stdout()).ok();
        let size = size.map(|size| (usize::from(size.ws_col), usize::from(size.ws_row)));
        size.filter(|(columns, rows)| *columns > 0 && *rows > 0).unwrap_or((80, 24))
    }

    /// What stands there is not known any more.
    pub fn forget(&mut self) {
        self.shown.clear();
    }

    /// Shows these lines: writes those that are not there already.
    pub fn show(&mut self, lines: &[Line]) -> io::Result<()> {
        let size = self.size();
        let lines: Vec<String> = lines.iter().take(size.1).map(Line::coloured).collect();
        let anew = self.shown.is_empty() || size != self.size;
        let out = changes(if anew { &[] } else { &self.shown }, &lines, anew);
        (self.shown, self.size) = (lines, size);
        if out.is_empty() { Ok(()) } else { write(&format!("{BEGIN}{out}{END}")) }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // If the terminal is gone there is nothing to give back.
        let _ = write(CLOSE);
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

/// What makes the lines that are shown those that are to be.
fn changes(shown: &[String], lines: &[String], anew: bool) -> String {
    let mut out = String::new();
    if anew {
        out.push_str("\x1b[2J");
    }
    for (row, line) in lines.iter().enumerate() {
        if shown.get(row) != Some(line) {
            out.push_str(&format!("\x1b[{};1H{line}\x1b[K", row + 1));
        }
    }
    if lines.len() < shown.len() {
        out.push_str(&format!("\x1b[{};1H\x1b[J", lines.len() + 1));
    }
    out
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_is_written() {
        let lines = |all: &[&str]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
        let before = lines(&["one", "two", "three"]);
        assert_eq!(changes(&before, &before, false), "");
        assert_eq!(changes(&before, &lines(&["one", "2", "three"]), false), "\x1b[2;1H2\x1b[K");
        assert_eq!(changes(&before, &lines(&["one"]), false), "\x1b[2;1H\x1b[J");
        assert_eq!(changes(&[], &lines(&["one"]), true), "\x1b[2J\x1b[1;1Hone\x1b[K");
    }
}
