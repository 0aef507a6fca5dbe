//! Text into lines that are no wider than there is room.

use super::page::{Face, Ink, Item, Measure};
use super::{Span, Way};

/// How text is set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Look {
    /// Size of the letters.
    pub size: f64,
    pub ink: Ink,
    /// All of it in bold.
    pub strong: bool,
}

/// Text in one style on a line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Run {
    x: f64,
    width: f64,
    text: String,
    face: Face,
    size: f64,
    ink: Ink,
    struck: bool,
    link: Option<String>,
}

/// A line of text.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Line {
    runs: Vec<Run>,
    pub width: f64,
}

impl Line {
    /// What it is on a page: from `x` on in a room of a width, its letters standing on `y`.
    pub fn items(&self, x: f64, y: f64, room: f64, way: Way) -> impl Iterator<Item = Item> + '_ {
        let shift = match way {
            Way::Left => 0.0,
            Way::Centre => (room - self.width).max(0.0) / 2.0,
            Way::Right => (room - self.width).max(0.0),
        };
        self.runs.iter().map(move |run| Item::Text {
            x: x + shift + run.x,
            y,
            width: run.width,
            text: run.text.clone(),
            face: run.face,
            size: run.size,
            ink: run.ink,
            struck: run.struck,
            link: run.link.clone(),
        })
    }
}

/// A stretch of letters without a space, in one style.
struct Piece<'a> {
    text: &'a str,
    of: usize,
}

fn face(span: &Span, look: Look) -> Face {
    match span {
        Span { code: true, .. } => Face::Code,
        Span { strong: true, .. } => Face::Strong,
        _ if look.strong => Face::Strong,
        Span { emphasis: true, .. } => Face::Emphasis,
        _ => Face::Regular,
    }
}

fn size(span: &Span, look: Look) -> f64 {
    // Letters of one width look larger than others of their size.
    if span.code { look.size * 0.92 } else { look.size }
}

struct Setting<'a> {
    spans: &'a [Span],
    look: Look,
    measure: Measure<'a>,
    room: f64,
    lines: Vec<Line>,
    line: Line,
}

impl Setting<'_> {
    fn wide(&self, text: &str, of: usize) -> f64 {
        (self.measure)(text, face(&self.spans[of], self.look), size(&self.spans[of], self.look))
    }

    fn add(&mut self, text: &str, of: usize) {
        let span = &self.spans[of];
        let fresh = Run {
            x: self.line.width,
            width: 0.0,
            text: String::new(),
            face: face(span, self.look),
            size: size(span, self.look),
            ink: if span.link.is_some() { Ink::Link } else { self.look.ink },
            struck: span.struck,
            link: span.link.clone(),
        };
        let same = |run: &Run| {
            (run.face, run.size, run.ink, run.struck, &run.link)
                == (fresh.face, fresh.size, fresh.ink, fresh.struck, &fresh.link)
        };
        if !self.line.runs.last().is_some_and(same) {
            self.line.runs.push(fresh);
        }
        let Some(run) = self.line.runs.last_mut() else { return };
        run.text.push_str(text);
        // As a whole: letters are set closer together than each for itself is wide.
        run.width = (self.measure)(&run.text, run.face, run.size);
        self.line.width = run.x + run.width;
    }

    fn end(&mut self) {
        let mut line = std::mem::take(&mut self.line);
        // A space at the end of a line is not seen.
        while let Some(last) = line.runs.last_mut() {
            last.text.truncate(last.text.trim_end_matches(' ').len());
            last.width = (self.measure)(&last.text, last.face, last.size);
            line.width = last.x + last.width;
            if !last.text.is_empty() {
                break;
            }
            line.runs.pop();
            line.width = 0.0;
        }
        self.lines.push(line);
    }

    fn word(&mut self, word: &[Piece<'_>], space: Option<usize>) {
        let wide: f64 = word.iter().map(|piece| self.wide(piece.text, piece.of)).sum();
        let gap = match space {
            Some(of) if !self.line.runs.is_empty() => self.wide(" ", of),
            _ => 0.0,
        };
        if !self.line.runs.is_empty() && self.line.width + gap + wide > self.room {
            self.end();
        } else if let Some(of) = space.filter(|_| !self.line.runs.is_empty()) {
            self.add(" ", of);
        }
        for piece in word {
            self.letters(piece.text, piece.of);
        }
    }

    /// Adds letters; a word that is wider than a line goes on in the next.
    fn letters(&mut self, text: &str, of: usize) {
        if self.line.width + self.wide(text, of) <= self.room {
            return self.add(text, of);
        }
        let mut from = 0;
        let mut wide = 0.0;
        for (at, c) in text.char_indices() {
            let letter = self.wide(c.encode_utf8(&mut [0; 4]), of);
            let begins = self.line.runs.is_empty() && at == from;
            if !begins && self.line.width + wide + letter > self.room {
                self.add(&text[from..at], of);
                self.end();
                (from, wide) = (at, 0.0);
            }
            wide += letter;
        }
        if from < text.len() {
            self.add(&text[from..], of);
        }
    }
}

/// Sets text in lines. There is at least one.
pub(super) fn lines(spans: &[Span], look: Look, room: f64, measure: Measure<'_>) -> Vec<Line> {
    let mut set = Setting { spans, look, measure, room, lines: Vec::new(), line: Line::default() };
    let mut word: Vec<Piece<'_>> = Vec::new();
    let mut space = None;
    for (of, span) in spans.iter().enumerate() {
        let mut from = 0;
        for (at, c) in span.text.char_indices() {
            // A space that binds is part of its word.
            let parts = c.is_whitespace() && !matches!(c, '\u{a0}' | '\u{202f}' | '\u{2007}');
            if !parts {
                continue;
            }
            if at > from {
                word.push(Piece { text: &span.text[from..at], of });
            }
            if !word.is_empty() {
                set.word(&word, space);
                word.clear();
            }
            if c == '\n' {
                set.end();
                space = None;
            } else {
                space = Some(of);
            }
            from = at + c.len_utf8();
        }
        if from < span.text.len() {
            word.push(Piece { text: &span.text[from..], of });
        }
    }
    if !word.is_empty() {
        set.word(&word, space);
    }
    if !set.line.runs.is_empty() || set.lines.is_empty() {
        set.end();
    }
    set.lines
}

/// Sets text in which every space and line counts.
pub(super) fn verbatim(text: &str, look: Look, room: f64, measure: Measure<'_>) -> Vec<Line> {
    let mut all = Vec::new();
    for line in text.split('\n') {
        // Spaces that bind: they stay where they are.
        let kept: String = line
            .chars()
            .map(|c| {
                if c == '\t' {
                    "\u{a0}\u{a0}\u{a0}\u{a0}".into()
                } else if c == ' ' {
                    "\u{a0}".to_owned()
                } else {
                    c.into()
                }
            })
            .collect();
        let span = [Span { code: true, ..Span::plain(kept) }];
        all.extend(lines(&span, look, room, measure));
    }
    all
}
