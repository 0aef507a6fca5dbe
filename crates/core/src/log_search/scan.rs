//! The lines of a part of a log that match, without looking at each line by itself.
//!
//! - What of a log is plain, which most of it is, is searched as it stands, many lines at a time. Of the rest, what is
//!   seen is put together first.
//! - The expression is made such that no match reaches beyond its line (the way of ripgrep's `grep-regex`, whose
//!   `strip` module does the same): line ends are taken out of all classes, and the beginning and the end of the text
//!   become those of a line. So the leftmost match in many lines stands in the first line that matches.
//! - What it finds is a candidate wherever bytes and text may differ; there the line's own text decides.

use std::borrow::Cow;
use std::ops::{ControlFlow, Range};

use regex_automata::Input;
use regex_automata::meta::{self, Regex};
use regex_syntax::hir::{Capture, Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look, Repetition};

use super::lines::{Line, Lines, last_state, push_last_states, push_seen, shown, shown_in};
use super::matcher::{Matcher, SIZE_MAX};
use super::probe::{Demand, Probes, demands};

/// Bytes that are searched at once, about: they stay in the processor's nearest cache. Much less than
/// [`super::LINE_MAX`], so no line among them is too long.
const PIECE: usize = 32 << 10;

/// Bytes that are judged together.
const STRIDE: usize = 1 << 10;

/// How many places to look at are too many: more than one in so many bytes.
pub(super) const DENSE: usize = 32;
/// Bytes of lines that are looked at singly, at least, before it counts as too much.
const MANY: usize = 4 << 10;
/// For how many pieces it is decided what to look for, and for how many at first that it is not worth it.
const DECIDED: u32 = 256;
const SHUNNED: u32 = 4;

/// What the lazy automaton may take, in bytes.
const CACHE: usize = 8 << 20;

/// An expression for many lines at once.
#[derive(Debug, Clone)]
pub(super) struct Scan {
    regex: Regex,
    /// It can match U+FFFD, so bytes that are no UTF-8 must be made into text first.
    replaced: bool,
    /// What stands in every match.
    pub demands: Vec<Demand>,
    /// Bytes that are searched at once, about.
    pub piece: usize,
}

impl Scan {
    /// From an expression as it was parsed; `None` if that can't be done.
    pub fn new(hir: Hir) -> Option<Self> {
        let mut replaced = false;
        let hir = of_lines(hir, &mut replaced);
        let config = meta::Config::new()
            .utf8_empty(false)
            // It is somewhat larger than the one for a single line, as classes are no longer those that are shared.
            .nfa_size_limit(Some(4 * SIZE_MAX))
            .dfa_size_limit(Some(SIZE_MAX))
            .onepass_size_limit(Some(SIZE_MAX))
            .hybrid_cache_capacity(CACHE);
        let regex = Regex::builder().configure(config).build_from_hir(&hir).ok()?;
        Some(Self { regex, replaced, demands: demands(&hir), piece: PIECE })
    }
}

/// The same for many lines.
fn of_lines(hir: Hir, replaced: &mut bool) -> Hir {
    match hir.into_kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => {
            *replaced |= literal.0.windows(3).any(|bytes| bytes == "\u{fffd}".as_bytes());
            // A line end in a literal is in no line; the candidate is refused.
            Hir::literal(literal.0)
        }
        HirKind::Class(Class::Unicode(mut class)) => {
            class.difference(&ClassUnicode::new([ClassUnicodeRange::new('\n', '\n')]));
            *replaced |= class.iter().any(|range| (range.start()..=range.end()).contains(&'\u{fffd}'));
            Hir::class(Class::Unicode(class))
        }
        HirKind::Class(class) => Hir::class(class),
        HirKind::Look(look) => Hir::look(match look {
            Look::Start | Look::StartCRLF => Look::StartLF,
            Look::End | Look::EndCRLF => Look::EndLF,
            line @ (Look::StartLF | Look::EndLF) => line,
            word => {
                // Beside what is no UTF-8, the expression knows no word.
                *replaced = true;
                word
            }
        }),
        HirKind::Repetition(Repetition { min, max, greedy, sub }) => {
            Hir::repetition(Repetition { min, max, greedy, sub: Box::new(of_lines(*sub, replaced)) })
        }
        // Which group matched is of no use here.
        HirKind::Capture(Capture { sub, .. }) => of_lines(*sub, replaced),
        HirKind::Concat(all) => Hir::concat(all.into_iter().map(|one| of_lines(one, replaced)).collect()),
        HirKind::Alternation(all) => {
            Hir::alternation(all.into_iter().map(|one| of_lines(one, replaced)).collect())
        }
    }
}

/// What to do with the lines.
pub(super) trait Sink {
    /// A line that matches. `number` lines came before it; `text` is `None` if it need not be known. Tells where to
    /// stop.
    fn matched(&mut self, line: Line<'_>, number: u64, text: Option<&str>) -> ControlFlow<u64>;

    /// Whether anybody wants to know what matches, and not only how often.
    fn wants_text(&self) -> bool;
}

/// Goes through whole lines.
pub(super) struct Scanner<'a, S> {
    matcher: &'a Matcher,
    pub sink: S,
    /// How many lines there were.
    number: u64,
    /// Lines that were too long.
    pub cut: u64,
    /// What to look for in pieces that are not plain, if that is worth it.
    probes: Option<Probes>,
    /// For so many pieces more.
    decided: u32,
    /// For how many pieces it was not worth it.
    shunned: u32,
    /// The last states of lines, and what is seen of these: kept for their room.
    states: Vec<u8>,
    seen: Vec<u8>,
}

impl<'a, S: Sink> Scanner<'a, S> {
    pub fn new(matcher: &'a Matcher, sink: S) -> Self {
        Self {
            matcher,
            sink,
            number: 0,
            cut: 0,
            probes: None,
            decided: 0,
            shunned: 0,
            states: Vec::new(),
            seen: Vec::new(),
        }
    }

    /// Looks at one line by itself.
    pub fn line(&mut self, line: Line<'_>) -> ControlFlow<u64> {
        let number = self.number;
        self.number += 1;
        self.cut += u64::from(line.cut);
        let text = shown(line.bytes);
        match self.matcher.is_match(&text) {
            true => self.sink.matched(line, number, Some(&text)),
            false => ControlFlow::Continue(()),
        }
    }

    /// Looks at whole lines that stand at an offset of the log. The last byte is a line end.
    pub fn lines(&mut self, offset: u64, bytes: &[u8]) -> ControlFlow<u64> {
        let most = self.matcher.scan.as_ref().map_or(PIECE, |scan| scan.piece);
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let room = &rest[..rest.len().min(most)];
            let begins = offset + at as u64;
            if let Some(last) = memchr::memrchr(b'\n', room) {
                self.piece(begins, &rest[..=last])?;
                at += last + 1;
                continue;
            }
            // A line that is longer.
            let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
            let mut lines = Lines::default();
            lines.push(begins, &rest[..length], |line| self.line(line))?;
            at += length;
        }
        ControlFlow::Continue(())
    }

    fn piece(&mut self, offset: u64, piece: &[u8]) -> ControlFlow<u64> {
        let Some(scan) = &self.matcher.scan else {
            let mut lines = Lines::default();
            return lines.push(offset, piece, |line| self.line(line));
        };
        // What else there is, is looked at for the rare piece only.
        if is_plain_ascii(piece) {
            return self.plain(scan, offset, piece, Some(true));
        }
        if !has_unseen(piece) {
            let known = scan.replaced.then(|| std::str::from_utf8(piece).is_ok());
            if known != Some(false) {
                return self.plain(scan, offset, piece, known);
            }
        }
        if self.decided == 0 {
            self.decide(scan, piece);
        }
        self.decided -= 1;
        match self.probes.take() {
            Some(probes) => self.probed(scan, probes, offset, piece),
            None => self.redrawn(scan, offset, piece),
        }
    }

    /// Whether and what to look for in what was written, as this piece is.
    fn decide(&mut self, scan: &Scan, piece: &[u8]) {
        let probes = Probes::pick(&scan.demands, piece);
        self.probes = probes.filter(|(_, count)| *count <= piece.len() / DENSE).map(|(probes, _)| probes);
        match self.probes {
            Some(_) => self.decided = DECIDED,
            None => self.shun(),
        }
    }

    /// Looks through whole pieces for a while, and for longer each time.
    fn shun(&mut self) {
        self.shunned = (2 * self.shunned).clamp(SHUNNED, DECIDED);
        self.decided = self.shunned;
        self.probes = None;
    }

    /// Lines of which something may not be seen, as far as they may match.
    fn probed(&mut self, scan: &Scan, probes: Probes, offset: u64, piece: &[u8]) -> ControlFlow<u64> {
        let wants_text = self.sink.wants_text();
        let (mut at, mut judged) = (0, 0);
        let stopped = probes.places(piece, |place| {
            let from = memchr::memrchr(b'\n', &piece[at..place]).map_or(at, |end| at + end + 1);
            let next = line_end(piece, place);
            if wants_text {
                self.number += count(&piece[at..from]);
            }
            at = next;
            let written = &piece[from..next - 1];
            let bytes = &written[last_state(written)];
            let line = Line {
                offset: offset + from as u64,
                end: offset + next as u64,
                bytes,
                cut: false,
                open: false,
            };
            let number = self.number;
            self.number += 1;
            let text = shown_in(&String::from_utf8_lossy(bytes), &mut self.seen);
            if self.matcher.is_match(&text)
                && let ControlFlow::Break(end) = self.sink.matched(line, number, Some(&text))
            {
                return ControlFlow::Break(Some(end));
            }
            judged += bytes.len();
            match judged > MANY && judged > piece.len() / 2 {
                true => ControlFlow::Break(None),
                false => ControlFlow::Continue(next),
            }
        });
        match stopped {
            ControlFlow::Break(Some(end)) => return ControlFlow::Break(end),
            // Most lines may match: it takes less to look at all of them together.
            ControlFlow::Break(None) => {
                self.shun();
                return self.redrawn(scan, offset + at as u64, &piece[at..]);
            }
            ControlFlow::Continue(()) => {}
        }
        if wants_text {
            self.number += count(&piece[at..]);
        }
        self.shunned = 0;
        self.probes = Some(probes);
        ControlFlow::Continue(())
    }

    /// Lines that are seen as they stand; `known` says that they are UTF-8, if that is known yet.
    fn plain(&mut self, scan: &Scan, offset: u64, piece: &[u8], mut known: Option<bool>) -> ControlFlow<u64> {
        let wants_text = self.sink.wants_text();
        let mut at = 0;
        while let Some(found) = find(scan, piece, at) {
            let from = memchr::memrchr(b'\n', &piece[at..found.start]).map_or(at, |end| at + end + 1);
            let to =
                memchr::memchr(b'\n', &piece[found.start..]).map_or(piece.len(), |end| found.start + end);
            if wants_text {
                self.number += count(&piece[at..from]);
            }
            let bytes = &piece[from..to];
            at = to + 1;
            let line = Line {
                offset: offset + from as u64,
                end: offset + at as u64,
                bytes,
                cut: false,
                open: false,
            };
            let number = self.number;
            self.number += 1;
            let sure = found.end <= to && *known.get_or_insert_with(|| std::str::from_utf8(piece).is_ok());
            if sure && !wants_text {
                self.sink.matched(line, number, None)?;
                continue;
            }
            let text = shown(bytes);
            if sure || self.matcher.is_match(&text) {
                self.sink.matched(line, number, Some(&text))?;
            }
        }
        if wants_text {
            self.number += count(piece.get(at..).unwrap_or_default());
        }
        ControlFlow::Continue(())
    }

    /// Lines of which something is not seen, or that are no UTF-8.
    fn redrawn(&mut self, scan: &Scan, offset: u64, piece: &[u8]) -> ControlFlow<u64> {
        let (mut states, mut seen) = (std::mem::take(&mut self.states), std::mem::take(&mut self.seen));
        states.clear();
        seen.clear();
        let mut last = piece;
        if memchr::memchr(b'\r', piece).is_some() {
            push_last_states(piece, &mut states);
            last = &states;
        }
        let mut text = Cow::Borrowed(last);
        if scan.replaced
            && let Cow::Owned(replaced) = String::from_utf8_lossy(last)
        {
            text = Cow::Owned(replaced.into_bytes());
        }
        push_seen(&text, &mut seen);
        let flow = self.seen(scan, offset, piece, &text, &seen);
        drop(text);
        (self.states, self.seen) = (states, seen);
        flow
    }

    /// Looks through what is seen of a piece; `text` is what that was made of. All hold as many lines.
    fn seen(&mut self, scan: &Scan, offset: u64, piece: &[u8], text: &[u8], seen: &[u8]) -> ControlFlow<u64> {
        let mut known = scan.replaced.then_some(true);
        // Up to where was looked, in what is seen and in what was written.
        let (mut at, mut reached) = (0, 0);
        while let Some(found) = find(scan, seen, at) {
            let from = memchr::memrchr(b'\n', &seen[at..found.start]).map_or(at, |end| at + end + 1);
            let to = line_end(seen, found.start) - 1;
            for _ in 0..count(&seen[at..from]) {
                self.number += 1;
                reached = line_end(piece, reached);
            }
            let begins = reached;
            reached = line_end(piece, begins);
            at = to + 1;
            let number = self.number;
            self.number += 1;
            let written = &piece[begins..reached - 1];
            let bytes = &written[last_state(written)];
            let line = Line {
                offset: offset + begins as u64,
                end: offset + reached as u64,
                bytes,
                cut: false,
                open: false,
            };
            // Bytes that belong together only without what stood between are no text.
            let whole = *known.get_or_insert_with(|| std::str::from_utf8(text).is_ok());
            let own = if whole { String::from_utf8_lossy(&seen[from..to]) } else { shown(bytes) };
            if whole && found.end <= to || self.matcher.is_match(&own) {
                self.sink.matched(line, number, Some(&own))?;
            }
        }
        self.number += count(seen.get(at..).unwrap_or_default());
        ControlFlow::Continue(())
    }
}

/// The offset behind the next line end.
fn line_end(piece: &[u8], from: usize) -> usize {
    memchr::memchr(b'\n', &piece[from..]).map_or(piece.len(), |end| from + end + 1)
}

/// The first match in lines that begins at or behind a place.
fn find(scan: &Scan, lines: &[u8], at: usize) -> Option<Range<usize>> {
    let found = scan.regex.search(&Input::new(lines).span(at..lines.len()))?;
    // Behind the last line end there is no line.
    (found.start() < lines.len()).then(|| found.range())
}

fn count(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

/// Whether there is nothing but visible ASCII and line ends: the usual case, told in the fewest instructions. All other
/// bytes are below 33 when one is added to them as signed numbers.
fn is_plain_ascii(bytes: &[u8]) -> bool {
    // Without a branch for each byte, so that the compiler takes many at once.
    !bytes.chunks(STRIDE).any(|bytes| {
        bytes
            .iter()
            .fold(false, |other, byte| other | (byte.wrapping_add(1).cast_signed() < 33) & (*byte != b'\n'))
    })
}

/// Whether there is something that is not shown as it stands, or begins a line anew.
fn has_unseen(bytes: &[u8]) -> bool {
    bytes.chunks(STRIDE).any(|bytes| {
        bytes.iter().fold(false, |unseen, byte| {
            unseen | (*byte < b' ') & (*byte != b'\t') & (*byte != b'\n') | (*byte == 0x7f)
        })
    })
}
