//! Pixel columns of one line: what falls into each, and the line that shows it.
//!
//! - A column with at most [`FEW`] points shows them all, each where it is.
//! - One with more shows a bar from its smallest to its greatest value, in its middle. Two points a column are half of what
//!   M4 needs, and cover the same pixels where bars stand side by side: the line between two points of neighbouring columns
//!   lies between their bars. Where no bar stands beside it, its first or last point leads the line on.
//! - A bucket counts into every column that it touches. So a bar is never shorter than its column's points ask for, and
//!   longer only by what lies in a bucket across its edge.
//! - A value that is not finite breaks the line, unless the points before and after it fall into one column, where no pixel
//!   could show that. It is told apart: of each kind the first in each column.

use super::derive::is_absent;
use super::{Bucket, Columns, NonFinite, Reduced, Special};

/// Points of a column that are drawn one by one, at most.
pub const FEW: usize = 2;

/// Which line through a column is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// The line itself: smallest and greatest value.
    Both,
    /// Along the greatest values.
    Upper,
    /// Along the smallest.
    Lower,
}

#[derive(Debug, Clone, Copy)]
struct Cell {
    /// More than [`FEW`]: a bar.
    points: u32,
    few: [(f64, f64); FEW],
    min: f64,
    max: f64,
    first: (f64, f64),
    last: (f64, f64),
    /// Before the first finite value there is one that is not.
    gap_before: bool,
    /// After the last.
    gap_after: bool,
    /// Where the first of each kind is; NaN for none.
    special: [f64; 3],
}

const EMPTY: Cell = Cell {
    points: 0,
    few: [(0.0, 0.0); FEW],
    min: f64::INFINITY,
    max: f64::NEG_INFINITY,
    first: (0.0, 0.0),
    last: (0.0, 0.0),
    gap_before: false,
    gap_after: false,
    special: [f64::NAN; 3],
};

const KINDS: [NonFinite; 3] = [NonFinite::Nan, NonFinite::PosInf, NonFinite::NegInf];

/// Takes the points of a stretch whose steps do not go back, and draws the line through them.
#[derive(Debug)]
pub struct Painter {
    columns: Columns,
    cells: Vec<Cell>,
    /// Columns that something fell into: from the first to before the last.
    used: (usize, usize),
    before: Option<(f64, f64)>,
    after: Option<(f64, f64)>,
    /// Something beyond the range was seen.
    past: bool,
    /// The column of the last point, and where it ends.
    open: usize,
    start: f64,
    edge: f64,
    /// Points whose steps go back are taken as well: nothing is known of what lies between two of them.
    loose: bool,
}

impl Painter {
    /// One that has seen nothing.
    #[must_use]
    pub fn new(columns: Columns) -> Self {
        Self {
            columns,
            cells: vec![EMPTY; columns.count()],
            used: (usize::MAX, 0),
            before: None,
            after: None,
            past: false,
            open: 0,
            start: f64::INFINITY,
            edge: f64::NEG_INFINITY,
            loose: false,
        }
    }

    /// For points in any order.
    #[must_use]
    pub fn loose(mut self) -> Self {
        self.loose = true;
        self
    }

    /// The columns.
    #[must_use]
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Adds points.
    pub fn points(&mut self, steps: &[f64], values: &[f64]) {
        let (from, to) = self.columns.range();
        for (&x, &y) in steps.iter().zip(values) {
            if x >= from && x <= to {
                self.inside(x, y);
            } else {
                self.outside(x, y);
            }
        }
    }

    fn inside(&mut self, x: f64, y: f64) {
        if !(x < self.edge && x >= self.start) {
            self.open = self.columns.of(x);
            let before = self.open.checked_sub(1);
            self.start = before.map_or(f64::NEG_INFINITY, |before| self.columns.edge(before));
            self.edge = self.columns.edge(self.open);
            self.used = (self.used.0.min(self.open), self.used.1.max(self.open + 1));
        }
        let cell = &mut self.cells[self.open];
        if let Some(kind) = NonFinite::of(y) {
            if !is_absent(y) {
                cell.mark(kind, x);
                cell.interrupt();
            }
            return;
        }
        if let Some(place) = cell.few.get_mut(cell.points as usize) {
            *place = (x, y);
        }
        cell.points = cell.points.saturating_add(1);
        cell.take((x, y), (x, y), (y, y));
    }

    fn outside(&mut self, x: f64, y: f64) {
        if is_absent(y) {
            return;
        }
        let (from, to) = self.columns.range();
        if x < from {
            self.before = y.is_finite().then_some((x, y));
        } else if x > to && !self.past {
            self.past = true;
            self.after = y.is_finite().then_some((x, y));
        }
    }

    /// Adds a bucket that reaches over a column or less.
    pub fn bucket(&mut self, bucket: &Bucket) {
        let (from, to) = self.columns.range();
        if bucket.last < from || bucket.first > to {
            let (x, y) =
                if bucket.last < from { (bucket.last, bucket.to) } else { (bucket.first, bucket.from) };
            self.outside(x, y);
            return;
        }
        let clamp = |x: f64| x.clamp(from, to);
        let (first, last) = (self.column(clamp(bucket.first)), self.column(clamp(bucket.last)));
        self.used = (self.used.0.min(first), self.used.1.max(last + 1));
        self.edge = f64::NEG_INFINITY;
        for kind in KINDS.into_iter().filter(|kind| !bucket.is_finite() && bucket.has(*kind)) {
            self.cells[first].mark(kind, clamp(bucket.first));
        }
        if !bucket.has_values() {
            self.cells[first..=last].iter_mut().for_each(Cell::interrupt);
        } else {
            let ends = ((clamp(bucket.first), bucket.from), (clamp(bucket.last), bucket.to));
            for cell in &mut self.cells[first..=last] {
                cell.points = cell.points.saturating_add(FEW as u32 + 1);
                cell.take(ends.0, ends.1, (bucket.min, bucket.max));
            }
        }
    }

    /// The column of a place within the range; at an edge between two, rounding may tell the other.
    fn column(&self, x: f64) -> usize {
        // A cast from a float saturates.
        (self.columns.place(x) as usize).min(self.columns.count() - 1)
    }

    /// Whether every point in sight is drawn by itself.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.seen().iter().all(|cell| cell.points as usize <= FEW)
    }

    fn seen(&self) -> &[Cell] {
        self.cells.get(self.used.0..self.used.1).unwrap_or(&[])
    }

    /// Adds the line to `out`.
    pub fn draw(&self, edge: Edge, out: &mut Reduced) {
        let mut pieces = Pieces { done: &mut out.pieces, open: Vec::new() };
        let (mut gap, mut any) = (false, false);
        // Of a bar that stands last: its column and where the line goes on from.
        let mut bar: Option<(usize, (f64, f64))> = None;
        pieces.open.extend(self.before.filter(|_| !self.loose));
        for (column, cell) in (self.used.0.min(self.used.1)..).zip(self.seen()) {
            if edge == Edge::Both {
                let kinds = KINDS.into_iter().zip(cell.special).filter(|(_, step)| !step.is_nan());
                out.specials.extend(kinds.map(|(kind, step)| Special { step, kind }));
            }
            if cell.points == 0 {
                gap |= cell.gap_before;
                continue;
            }
            let few = cell.points as usize <= FEW;
            let beside = !few && bar.is_some_and(|(before, _)| before + 1 == column);
            if let Some((_, last)) = bar.take()
                && !beside
                && edge == Edge::Both
            {
                pieces.push(last);
            }
            if (gap || cell.gap_before) && !self.loose {
                // A point before the range alone is no line.
                if any { pieces.end() } else { pieces.open.clear() }
            }
            (gap, any) = (cell.gap_after, true);
            if few {
                let mut own = cell.few;
                let own = &mut own[..cell.points as usize];
                if self.loose {
                    own.sort_by(|a, b| a.0.total_cmp(&b.0));
                }
                pieces.open.extend_from_slice(own);
                continue;
            }
            let middle = self.columns.middle(column);
            match edge {
                Edge::Upper => pieces.push((middle, cell.max)),
                Edge::Lower => pieces.push((middle, cell.min)),
                Edge::Both => {
                    if !beside {
                        pieces.push((cell.first.0.min(middle), cell.first.1));
                    }
                    let from = pieces.open.last().map_or(cell.first.1, |last| last.1);
                    let up = (from - cell.min).abs() <= (from - cell.max).abs();
                    let ends = if up { (cell.min, cell.max) } else { (cell.max, cell.min) };
                    pieces.push((middle, ends.0));
                    pieces.push((middle, ends.1));
                    bar = Some((column, (cell.last.0.max(middle), cell.last.1)));
                }
            }
        }
        if let Some((_, last)) = bar
            && edge == Edge::Both
        {
            pieces.push(last);
        }
        if !gap && !self.loose && !pieces.open.is_empty() {
            pieces.open.extend(self.after);
            any |= self.after.is_some();
        }
        if any {
            pieces.end();
        }
    }

    /// Forgets what was seen, for another stretch.
    pub fn clear(&mut self) {
        if let Some(cells) = self.cells.get_mut(self.used.0..self.used.1) {
            cells.fill(EMPTY);
        }
        self.used = (usize::MAX, 0);
        (self.before, self.after, self.past) = (None, None, false);
        (self.start, self.edge) = (f64::INFINITY, f64::NEG_INFINITY);
    }
}

impl Cell {
    /// A value that is not finite comes before what follows.
    fn interrupt(&mut self) {
        if self.points == 0 {
            self.gap_before = true;
        } else {
            self.gap_after = true;
        }
    }

    fn mark(&mut self, kind: NonFinite, x: f64) {
        let place = &mut self.special[kind as usize];
        if place.is_nan() || x < *place {
            *place = x;
        }
    }

    fn take(&mut self, first: (f64, f64), last: (f64, f64), (min, max): (f64, f64)) {
        if self.min > self.max {
            self.first = first;
        }
        self.last = last;
        self.min = self.min.min(min);
        self.max = self.max.max(max);
        self.gap_after = false;
    }
}

struct Pieces<'a> {
    done: &'a mut Vec<Vec<(f64, f64)>>,
    open: Vec<(f64, f64)>,
}

impl Pieces<'_> {
    /// Adds a point, unless the line is there already.
    fn push(&mut self, point: (f64, f64)) {
        if self.open.last() != Some(&point) {
            self.open.push(point);
        }
    }

    fn end(&mut self) {
        if !self.open.is_empty() {
            self.done.push(std::mem::take(&mut self.open));
        }
    }
}
