//! Where a line may match, told from the bytes as they were written, escape sequences and all.
//!
//! What is seen side by side was written side by side, or something unseen was written between, which begins with a
//! control character. So of two bytes that stand together in every match, the first is found wherever it is followed by
//! the second or by a control character: one pass over the bytes, whatever they are. Which two bytes of an expression
//! are looked for is decided with a part of the log itself, as those are best that are rare there.

use std::ops::ControlFlow;

use regex_syntax::hir::{Capture, Class, Hir, HirKind, Repetition};

use super::lines::{is_unseen, sequence_of_line};

/// Bytes that are judged together. Fewer than 256, so that they can be counted with a byte.
const STRIDE: usize = 128;
/// With the one behind the last.
const AROUND: usize = STRIDE + 1;
/// And with the two before the first.
const WITH: usize = STRIDE + 3;
/// Pairs that are looked for at once, at most, and if not each of their bytes is a single one.
const PROBES_MAX: usize = 8;
const SETS_MAX: usize = 4;
/// Pairs of a run that are considered, and bytes of it that are compared, at most.
const RUN_MAX: usize = 24;
/// Runs of an expression at most: of more, the rest is not considered.
const RUNS_MAX: usize = 32;

/// A set of bytes, told in the fewest instructions: those that are within a range once a bit is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Test {
    bit: u8,
    low: u8,
    span: u8,
    /// Or the first byte of some character that is no ASCII.
    wide: bool,
}

impl Test {
    const ANY: Self = Self { bit: 0, low: 0, span: u8::MAX, wide: true };

    fn one(byte: u8) -> Self {
        Self { bit: 0, low: byte, span: 0, wide: false }
    }

    /// All of some ASCII characters, and few others. `None` if there are none.
    fn all(ranges: impl Iterator<Item = (u8, u8)> + Clone, wide: bool) -> Option<Self> {
        // With large and small letters as one, or as they are: what takes in less is better.
        let of = |bit: u8| {
            let bytes = ranges.clone().flat_map(|(from, to)| from..=to).map(|byte| byte | bit);
            let (low, high) = (bytes.clone().min()?, bytes.max()?);
            Some(Self { bit, low, span: high - low, wide })
        };
        [of(0)?, of(0x20)?].into_iter().min_by_key(|test| (0..=0x7f).filter(|byte| test.is(*byte)).count())
    }

    /// Whether all of it ends an escape sequence that stands before it and has no end yet.
    fn is_final(self) -> bool {
        !self.wide && (0..=u8::MAX).all(|byte| !self.is(byte) || (b'0'..=b'~').contains(&byte))
    }

    #[inline]
    fn is(self, byte: u8) -> bool {
        (byte | self.bit).wrapping_sub(self.low) <= self.span
    }
}

/// What stands in every match.
#[derive(Debug, Clone)]
pub(super) enum Demand {
    /// Bytes that are seen one behind the other.
    Run(Vec<Test>),
    /// What one of these demands, each of which demands something.
    Either(Vec<Vec<Demand>>),
}

/// What an expression demands, made as for [`super::scan::Scan`].
pub(super) fn demands(hir: &Hir) -> Vec<Demand> {
    let mut all = Demands { left: RUNS_MAX, ..Demands::default() };
    all.add(hir);
    all.end();
    all.found
}

#[derive(Default)]
struct Demands {
    found: Vec<Demand>,
    /// The run that may go on.
    run: Vec<Test>,
    /// How many more runs are taken.
    left: usize,
}

impl Demands {
    fn end(&mut self) {
        if !self.run.is_empty() && self.left > 0 {
            self.left -= 1;
            self.found.push(Demand::Run(std::mem::take(&mut self.run)));
        }
        self.run.clear();
    }

    fn add(&mut self, hir: &Hir) {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
                Ok(text) => text.chars().for_each(|character| self.character(character)),
                Err(_) => self.end(),
            },
            HirKind::Class(class) => match of_class(class) {
                Some(test) => self.run.push(test),
                None => self.end(),
            },
            HirKind::Capture(Capture { sub, .. }) => self.add(sub),
            HirKind::Concat(all) => all.iter().for_each(|one| self.add(one)),
            HirKind::Repetition(repetition) => self.repetition(repetition),
            HirKind::Alternation(all) => self.alternation(all),
        }
    }

    fn character(&mut self, character: char) {
        if character == char::REPLACEMENT_CHARACTER {
            // It may stand for anything that is no UTF-8.
            return self.end();
        }
        let mut room = [0; 4];
        self.run.extend(character.encode_utf8(&mut room).bytes().map(Test::one));
    }

    fn repetition(&mut self, Repetition { min, max, sub, .. }: &Repetition) {
        if *min == 0 {
            return self.end();
        }
        let single = match sub.kind() {
            HirKind::Class(class) => of_class(class),
            HirKind::Literal(literal) if literal.0.len() == 1 => Some(Test::one(literal.0[0])),
            _ => None,
        };
        let Some(test) = single else {
            self.end();
            self.add(sub);
            return self.end();
        };
        let times = usize::try_from(*min).unwrap_or(usize::MAX).min(RUN_MAX);
        self.run.extend(std::iter::repeat_n(test, times));
        if *max != u32::try_from(times).ok() {
            // The last one stands before what comes next.
            self.end();
            self.run.push(test);
        }
    }

    fn alternation(&mut self, all: &[Hir]) {
        self.end();
        let mut branches = Vec::new();
        for one in all {
            let mut branch = Self { left: self.left, ..Self::default() };
            branch.add(one);
            branch.end();
            self.left = branch.left;
            if branch.found.is_empty() {
                return;
            }
            branches.push(branch.found);
        }
        self.found.push(Demand::Either(branches));
    }
}

fn of_class(class: &Class) -> Option<Test> {
    let Class::Unicode(class) = class else { return None };
    let wide = class.ranges().last()?.end() > '\x7f';
    let ascii = |character: char| u8::try_from(character).ok().filter(u8::is_ascii);
    let ranges = class.ranges().iter();
    Test::all(
        ranges.filter_map(|range| Some((ascii(range.start())?, ascii(range.end()).unwrap_or(0x7f)))),
        wide,
    )
}

/// Two bytes that are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Probe {
    /// What is seen before them; anything if that can't be told.
    before: Test,
    first: Test,
    second: Test,
    /// What is seen behind the first byte, beginning with the second.
    rest: Vec<Test>,
}

impl Probe {
    /// The byte of a run at a place and the next one, if there is one.
    fn of(run: &[Test], at: usize) -> Self {
        let second = run.get(at + 1).copied().unwrap_or(Test::ANY);
        let rest = run.iter().skip(at + 1).take(RUN_MAX).copied().collect();
        let before = at.checked_sub(1).filter(|_| run[at].is_final()).map(|before| run[before]);
        let before = before.filter(|before| !before.wide).unwrap_or(Test::ANY);
        Self { before, first: run[at], second, rest }
    }

    #[inline]
    fn is(&self, byte: u8, next: u8) -> bool {
        self.first.is(byte) & (self.second.is(next) | begins_unseen(next))
    }

    /// How often it is there, about.
    fn count(&self, part: &[u8]) -> usize {
        let mut count = 0;
        let mut rest = part;
        while let Some(some) = rest.first_chunk::<AROUND>() {
            count +=
                usize::from((0..STRIDE).fold(0, |here, at| here + u8::from(self.is(some[at], some[at + 1]))));
            rest = &rest[STRIDE..];
        }
        count + rest.array_windows().filter(|[byte, next]| self.is(*byte, *next)).count()
    }

    /// Whether what it looks for may be seen behind the first byte.
    fn goes_on(&self, mut behind: &[u8]) -> bool {
        for test in &self.rest {
            while behind.first().is_some_and(|byte| is_unseen(*byte)) {
                behind = &behind[sequence_of_line(behind)..];
            }
            let Some((byte, more)) = behind.split_first() else { return false };
            if test.wide && !byte.is_ascii() {
                // Where the next character begins, is not asked.
                return true;
            }
            if !test.is(*byte) {
                return false;
            }
            behind = more;
        }
        true
    }
}

/// Whether something unseen may begin with a byte: control characters, and in the same two instructions whatever is no
/// ASCII.
#[inline]
fn begins_unseen(byte: u8) -> bool {
    byte.wrapping_add(1).cast_signed() < 33
}

/// Whether something unseen may end with a byte before one that [`Test::is_final`]. It may with a control character and
/// with what ends a CSI or a string; with other characters only right behind ESC or what may stand there between. Bytes
/// that are no ASCII count as such, which takes fewer instructions.
#[inline]
fn ends_unseen(before: u8, byte: u8) -> bool {
    let (before, byte) = (before.cast_signed(), byte.cast_signed());
    !(0x20..=0x3f).contains(&byte) | ((byte > 0x2f) & (before < 0x30))
}

/// What is looked for: one of these stands in every line that matches.
#[derive(Debug, Clone, Default)]
pub(super) struct Probes(Vec<Probe>);

impl Probes {
    /// What of an expression's demands is rarest in a part of a log, and about how often it is there. `None` if it
    /// demands nothing, or too many things at once.
    pub fn pick(demands: &[Demand], part: &[u8]) -> Option<(Self, usize)> {
        let (count, mut probes) = best(demands, part)?;
        probes.dedup();
        let probes = Self(probes);
        (probes.are_single() || probes.0.len() <= SETS_MAX).then_some((probes, count))
    }

    /// Goes through all places in lines where a part of a match may be, in order, until told to stop. `each` gets such
    /// a place and tells where to go on. The last byte must be a line end.
    pub fn places<B>(
        &self,
        lines: &[u8],
        each: impl FnMut(usize) -> ControlFlow<B, usize>,
    ) -> ControlFlow<B> {
        // As many as there is code for: one more than once does no harm.
        match (self.0.len(), self.are_single()) {
            (0, _) => ControlFlow::Continue(()),
            (1, true) => self.single::<1, B>(lines, each),
            (2, true) => self.single::<2, B>(lines, each),
            (3..=4, true) => self.single::<4, B>(lines, each),
            (_, true) => self.single::<PROBES_MAX, B>(lines, each),
            (1, false) => self.sets::<1, B>(lines, each),
            (2, false) => self.sets::<2, B>(lines, each),
            _ => self.sets::<SETS_MAX, B>(lines, each),
        }
    }

    /// Whether each of the bytes is a single one, or a letter of either case.
    fn are_single(&self) -> bool {
        self.0.iter().all(|probe| probe.first.span == 0 && probe.second.span == 0)
    }

    /// With single bytes: the usual case, in the fewest instructions.
    fn single<const N: usize, B>(
        &self,
        lines: &[u8],
        each: impl FnMut(usize) -> ControlFlow<B, usize>,
    ) -> ControlFlow<B> {
        // What makes one of two cases, makes little else of other bytes.
        let bit = self.0.iter().fold(0, |bit, probe| bit | probe.first.bit | probe.second.bit);
        let probe = |index: usize| &self.0[index.min(self.0.len() - 1)];
        let first: [u8; N] = std::array::from_fn(|index| probe(index).first.low | bit);
        let second: [u8; N] = std::array::from_fn(|index| probe(index).second.low | bit);
        let is = move |byte: u8, next: u8| {
            let unseen = begins_unseen(next);
            let (byte, next) = (byte | bit, next | bit);
            (0..N).fold(false, |is, index| is | ((byte == first[index]) & ((next == second[index]) | unseen)))
        };
        self.each(lines, is, each)
    }

    fn sets<const N: usize, B>(
        &self,
        lines: &[u8],
        each: impl FnMut(usize) -> ControlFlow<B, usize>,
    ) -> ControlFlow<B> {
        let probe = |index: usize| &self.0[index.min(self.0.len() - 1)];
        let first: [Test; N] = std::array::from_fn(|index| probe(index).first);
        let second: [Test; N] = std::array::from_fn(|index| probe(index).second);
        let is = move |byte: u8, next: u8| {
            let unseen = begins_unseen(next);
            (0..N).fold(false, |is, index| is | (first[index].is(byte) & (second[index].is(next) | unseen)))
        };
        self.each(lines, is, each)
    }

    #[inline]
    fn each<B>(
        &self,
        lines: &[u8],
        is: impl Fn(u8, u8) -> bool,
        mut each: impl FnMut(usize) -> ControlFlow<B, usize>,
    ) -> ControlFlow<B> {
        let mut from = 0;
        let mut look = |at: usize| {
            let (byte, behind) = (lines[at], &lines[at + 1..]);
            if at >= from && self.0.iter().any(|probe| probe.is(byte, behind[0]) && probe.goes_on(behind)) {
                from = each(at)?;
            }
            ControlFlow::Continue(())
        };
        // The last byte has none behind it.
        let last = lines.len().saturating_sub(1);
        if last < STRIDE {
            return (0..last).try_for_each(look);
        }
        let mut marks = [0_u8; STRIDE];
        for at in (0..last).step_by(STRIDE) {
            // The last stride begins early enough to be whole.
            let begin = at.min(last - STRIDE);
            let Some(some) = lines[begin..].first_chunk::<AROUND>() else { break };
            // Without a branch for each byte, so that the compiler takes many at once.
            if (0..STRIDE).fold(false, |any, at| any | is(some[at], some[at + 1])) {
                if let [Probe { before, .. }] = self.0.as_slice()
                    && *before != Test::ANY
                    && let Some(with) =
                        begin.checked_sub(2).and_then(|from| lines[from..].first_chunk::<WITH>())
                    && !(0..STRIDE).fold(false, |any, at| {
                        let preceded = before.is(with[at + 1]) | ends_unseen(with[at], with[at + 1]);
                        any | (is(with[at + 2], with[at + 3]) & preceded)
                    })
                {
                    // Where colours end with the byte that is looked for, most often something else is before it.
                    continue;
                }
                for (at, mark) in marks.iter_mut().enumerate() {
                    *mark = u8::from(is(some[at], some[at + 1]));
                }
                for (begin, marks) in (begin..).step_by(8).zip(marks.as_chunks().0) {
                    let mut marks = u64::from_le_bytes(*marks);
                    while marks != 0 {
                        look(begin + marks.trailing_zeros() as usize / 8)?;
                        marks &= marks - 1;
                    }
                }
            }
        }
        ControlFlow::Continue(())
    }
}

/// The rarest demand in a part of a log, and how often that is met there, about.
fn best(demands: &[Demand], part: &[u8]) -> Option<(usize, Vec<Probe>)> {
    let mut best: Option<(usize, Vec<Probe>)> = None;
    for demand in demands {
        if best.as_ref().is_some_and(|(count, _)| *count == 0) {
            break;
        }
        let found = match demand {
            Demand::Run(run) => rarest(run, part).map(|(count, probe)| (count, vec![probe])),
            Demand::Either(branches) => {
                branches.iter().try_fold((0, Vec::new()), |(count, mut probes), branch| {
                    let (more, of_branch) = self::best(branch, part)?;
                    probes.extend(of_branch);
                    (probes.len() <= PROBES_MAX).then_some((count + more, probes))
                })
            }
        };
        if let Some(found) = found
            && best.as_ref().is_none_or(|(count, _)| found.0 < *count)
        {
            best = Some(found);
        }
    }
    best
}

/// The rarest two bytes of a run, which is not empty.
fn rarest(run: &[Test], part: &[u8]) -> Option<(usize, Probe)> {
    let mut least: Option<(usize, Probe)> = None;
    // A run of one byte has no second; in others, the last is no first.
    for at in (0..run.len().saturating_sub(1).clamp(1, RUN_MAX)).filter(|at| !run[*at].wide) {
        let probe = Probe::of(run, at);
        let count = probe.count(part);
        if least.as_ref().is_none_or(|(least, _)| count < *least) {
            least = Some((count, probe));
        }
        if count == 0 {
            break;
        }
    }
    least
}
