//! Reduction for drawing: at most four points a pixel column, chosen so that the line drawn through them covers the
//! same pixels as the line through all (M4: Jugel et al., "M4: A Visualization-Oriented Time Series Data
//! Aggregation", VLDB 2014).

use super::scale::{symlog, unsymlog};
use super::{Scale, Summary};

/// The pixel columns that a line is reduced to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Columns {
    from: f64,
    to: f64,
    count: usize,
    scale: Scale,
    /// Up to where a symlog axis is linear.
    linear: f64,
}

impl Columns {
    /// `count` columns of equal width on the axis from `from` to `to`, both included.
    ///
    /// A range that is empty, reversed, not finite or (on a log axis) not positive becomes a single column; a count
    /// of 0 becomes 1.
    pub fn new(from: f64, to: f64, count: usize, scale: Scale) -> Self {
        let count = count.clamp(1, 1 << 20);
        let usable = from.is_finite() && to.is_finite() && from < to && scale.places(from);
        let linear = scale.linear_for(from.abs().max(to.abs()));
        Self { from, to, count: if usable { count } else { 1 }, scale, linear }
    }

    /// With another linear part of a symlog axis.
    #[must_use]
    pub fn linear_to(self, linear: f64) -> Self {
        if linear > 0.0 { Self { linear, ..self } } else { self }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Where the first begins and the last ends.
    #[must_use]
    pub fn range(&self) -> (f64, f64) {
        (self.from, self.to)
    }

    /// Where an `x` lies, in columns from the left end; NaN or an infinity for one without a place.
    pub(super) fn place(&self, x: f64) -> f64 {
        let part = match self.scale {
            Scale::Linear => (x / 2.0 - self.from / 2.0) / (self.to / 2.0 - self.from / 2.0),
            Scale::Log => (x / self.from).ln() / (self.to / self.from).ln(),
            Scale::Symlog => {
                let place = |at: f64| symlog(at, self.linear);
                (place(x) - place(self.from)) / (place(self.to) - place(self.from))
            }
        };
        part * self.count as f64
    }

    /// Adds the finite values of points in the range up, and counts them, by column.
    pub fn sum(&self, steps: &[f64], values: &[f64], sums: &mut [(f64, u64)]) {
        for (&x, &y) in steps.iter().zip(values) {
            if x >= self.from
                && x <= self.to
                && y.is_finite()
                && let Some(own) = sums.get_mut((self.place(x) as usize).min(self.count - 1))
            {
                own.0 += y;
                own.1 += 1;
            }
        }
    }

    /// The middle of a column.
    #[must_use]
    pub fn middle(&self, index: usize) -> f64 {
        let part = (index as f64 + 0.5) / self.count as f64;
        self.at(part)
    }

    /// Where column `index` ends and the next begins; the last one has no end, the range has.
    pub(super) fn edge(&self, index: usize) -> f64 {
        if index + 1 >= self.count {
            return f64::INFINITY;
        }
        self.at((index + 1) as f64 / self.count as f64)
    }

    /// The `x` at a part of the range.
    fn at(&self, part: f64) -> f64 {
        match self.scale {
            Scale::Linear => self.from * (1.0 - part) + self.to * part,
            Scale::Log => (self.from.ln() * (1.0 - part) + self.to.ln() * part).exp(),
            Scale::Symlog => {
                let place = |at: f64| symlog(at, self.linear);
                unsymlog(place(self.from) * (1.0 - part) + place(self.to) * part, self.linear)
            }
        }
    }

    /// The column of an `x` within the range.
    pub(super) fn of(&self, x: f64) -> usize {
        let part = match self.scale {
            // Halves, because the difference of two finite numbers need not be finite.
            Scale::Linear => (x / 2.0 - self.from / 2.0) / (self.to / 2.0 - self.from / 2.0),
            Scale::Log => (x.ln() - self.from.ln()) / (self.to.ln() - self.from.ln()),
            Scale::Symlog => {
                let place = |at: f64| symlog(at, self.linear);
                (place(x) - place(self.from)) / (place(self.to) - place(self.from))
            }
        };
        // A cast from a float saturates and takes NaN to 0.
        let mut index = ((part * self.count as f64) as usize).min(self.count - 1);
        // Rounding may be off by one; the edges decide.
        while x >= self.edge(index) {
            index += 1;
        }
        while index > 0 && x < self.edge(index - 1) {
            index -= 1;
        }
        index
    }
}

/// What kind of value has no place on the y axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NonFinite {
    /// Not a number.
    Nan,
    /// Positive infinity.
    PosInf,
    /// Negative infinity.
    NegInf,
}

impl NonFinite {
    /// The kind of `value`, `None` when it is finite.
    pub fn of(value: f64) -> Option<Self> {
        if value.is_finite() {
            None
        } else if value.is_nan() {
            Some(Self::Nan)
        } else if value > 0.0 {
            Some(Self::PosInf)
        } else {
            Some(Self::NegInf)
        }
    }
}

/// A point that is marked at the edge of the picture instead of being part of the line.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Special {
    /// Position on the x axis.
    pub step: f64,
    /// What was logged there.
    pub kind: NonFinite,
}

/// A line that is ready to be drawn.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reduced {
    /// Unbroken runs of points in the order of the input. A new one begins after a non-finite point and where the
    /// step goes back.
    pub pieces: Vec<Vec<(f64, f64)>>,
    /// Non-finite points inside the range. Reduced like the rest: of each kind the first in each column.
    pub specials: Vec<Special>,
}

impl Reduced {
    /// How many points all pieces have together.
    pub fn len(&self) -> usize {
        self.pieces.iter().map(Vec::len).sum()
    }

    /// True when there is nothing to draw.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty() && self.specials.is_empty()
    }
}

/// Reduces points to what `columns` can show.
///
/// - Steps must not go back within the slices for the bounds below to hold; where they do, a new piece starts and
///   has bounds of its own. Give one [`super::Segment`] at a time.
/// - Of each column the first, smallest, largest and last finite point are kept, in order: no extreme is lost.
/// - The nearest finite point on each side of the range is kept too, so that the line leaves the picture where it
///   should: at most `4 * columns + 2` points.
/// - With at most `2 * columns` points in sight all of them are kept.
/// - A gap (non-finite points between two finite ones) breaks the line, unless both ends of the gap fall into the
///   same column, where no pixel could show it.
pub fn reduce(steps: &[f64], values: &[f64], columns: &Columns) -> Reduced {
    let n = steps.len().min(values.len());
    let (steps, values) = (&steps[..n], &values[..n]);
    let mut reducer = Reducer::new(*columns);
    let mut start = 0;
    while start < n {
        let rest = &steps[start..];
        let length = 1 + rest.windows(2).take_while(|pair| pair[0] <= pair[1]).count();
        let segment = start..start + length;
        let own = &steps[segment.clone()];
        let inside = own.partition_point(|&x| x < columns.from)..own.partition_point(|&x| x <= columns.to);
        reducer.exact = inside.len() <= 2 * columns.count;
        reducer.break_line();
        reducer.extend(own, &values[segment]);
        start += length;
    }
    reducer.finish()
}

/// The open column: indices count the finite points of the column.
#[derive(Debug, Clone, Copy)]
struct Open {
    first: (f64, f64),
    last: (f64, f64),
    min: (f64, f64),
    max: (f64, f64),
    min_at: u64,
    max_at: u64,
    count: u64,
}

impl Open {
    fn new(at: (f64, f64)) -> Self {
        Self { first: at, last: at, min: at, max: at, min_at: 0, max_at: 0, count: 1 }
    }
}

/// [`reduce`] for points that come chunk by chunk, and for chunks that need not be decoded at all.
///
/// Hand over the chunks of a series in order. For each ask [`Reducer::wants_points`]: when its summary lies within one
/// column, [`Reducer::extend_summary`] gives the same picture. A chart of a whole run of millions of points then
/// decodes few chunks or none. Do not use summaries when the merged summary has more than [`super::MAX_SEGMENTS`]
/// resets; such a series is to be sorted first.
#[derive(Debug, Clone)]
pub struct Reducer {
    columns: Columns,
    done: Reduced,
    piece: Vec<(f64, f64)>,
    /// Keeps every point: there are few enough.
    exact: bool,
    /// Index of the open column; meaningful while `open` is some.
    column: usize,
    edge: f64,
    open: Option<Open>,
    /// Last finite point before the range, until a point inside makes it part of the line.
    before: Option<(f64, f64)>,
    /// The line went past the range in this segment; nothing more is to be seen.
    after: bool,
    /// A non-finite point was seen since the last finite one.
    gap: bool,
    previous: f64,
    /// Column for which each kind of special was reported last.
    marked: [Option<usize>; 3],
}

impl Reducer {
    /// A reducer that has seen nothing.
    pub fn new(columns: Columns) -> Self {
        Self {
            columns,
            done: Reduced::default(),
            piece: Vec::new(),
            exact: false,
            column: 0,
            edge: f64::INFINITY,
            open: None,
            before: None,
            after: false,
            gap: false,
            previous: f64::NEG_INFINITY,
            marked: [None; 3],
        }
    }

    /// Adds points at the end.
    pub fn extend(&mut self, steps: &[f64], values: &[f64]) {
        let n = steps.len().min(values.len());
        let (steps, values) = (&steps[..n], &values[..n]);
        let mut i = 0;
        while i < n {
            // The long runs inside one column: nothing but comparisons.
            if let Some(mut open) = self.open.filter(|_| !self.gap && !self.exact) {
                let (edge, to) = (self.edge, self.columns.to);
                let mut previous = self.previous;
                while i < n {
                    let (x, y) = (steps[i], values[i]);
                    if !(x >= previous && x < edge && x <= to && y.is_finite()) {
                        break;
                    }
                    previous = x;
                    if y < open.min.1 {
                        open.min = (x, y);
                        open.min_at = open.count;
                    }
                    if y > open.max.1 {
                        open.max = (x, y);
                        open.max_at = open.count;
                    }
                    open.last = (x, y);
                    open.count += 1;
                    i += 1;
                }
                self.previous = previous;
                self.open = Some(open);
                if i == n {
                    break;
                }
            }
            self.push(steps[i], values[i]);
            i += 1;
        }
    }

    /// True when `chunk` cannot be drawn from its summary alone: it spans columns, goes back, or has values that are
    /// not finite.
    pub fn wants_points(&self, chunk: &Summary) -> bool {
        let Some((low, high)) = chunk.step_range else { return false };
        if chunk.resets > 0 || chunk.finite() != chunk.count {
            return true;
        }
        let (from, to) = (self.columns.from, self.columns.to);
        if high < from || low > to {
            return false;
        }
        low < from || high > to || self.columns.of(low) != self.columns.of(high)
    }

    /// Adds a chunk by its summary. Only for chunks that [`Reducer::wants_points`] is false for.
    pub fn extend_summary(&mut self, chunk: &Summary) {
        let (Some(first), Some(last), Some(min), Some(max)) = (chunk.first, chunk.last, chunk.min, chunk.max)
        else {
            return;
        };
        let (early, late) = if min.index <= max.index { (min, max) } else { (max, min) };
        let last_index = chunk.count - 1;
        self.push(first.step, first.value);
        let mut taken = 0;
        for extreme in [early, late] {
            if extreme.index > taken && extreme.index < last_index {
                self.push(extreme.step, extreme.value);
                taken = extreme.index;
            }
        }
        if last_index > 0 {
            self.push(last.step, last.value);
        }
    }

    /// Ends the current piece: what follows is not connected to what came before.
    pub fn break_line(&mut self) {
        self.close_column();
        self.end_piece();
        self.before = None;
        self.after = false;
        self.gap = false;
        self.previous = f64::NEG_INFINITY;
        self.marked = [None; 3];
    }

    /// The reduced line.
    pub fn finish(mut self) -> Reduced {
        self.break_line();
        self.done
    }

    fn push(&mut self, x: f64, y: f64) {
        if x < self.previous {
            self.break_line();
        }
        self.previous = x;
        if self.after || x.is_nan() {
            return;
        }
        let inside = x >= self.columns.from && x <= self.columns.to;
        if let Some(kind) = NonFinite::of(y) {
            self.gap = true;
            self.before = None;
            if inside {
                let column = self.columns.of(x);
                if self.exact || self.marked[kind as usize] != Some(column) {
                    self.marked[kind as usize] = Some(column);
                    self.done.specials.push(Special { step: x, kind });
                }
            }
            return;
        }
        if x < self.columns.from {
            self.before = Some((x, y));
            self.gap = false;
        } else if !inside {
            self.close_column();
            if !self.gap {
                self.piece.extend(self.before.take());
                self.piece.push((x, y));
            }
            self.end_piece();
            self.after = true;
        } else if self.exact {
            if self.gap {
                self.end_piece();
            }
            self.gap = false;
            self.piece.extend(self.before.take());
            self.piece.push((x, y));
        } else {
            self.push_inside(x, y);
        }
    }

    fn push_inside(&mut self, x: f64, y: f64) {
        if let Some(open) = &mut self.open
            && x < self.edge
        {
            if y < open.min.1 {
                open.min = (x, y);
                open.min_at = open.count;
            }
            if y > open.max.1 {
                open.max = (x, y);
                open.max_at = open.count;
            }
            open.last = (x, y);
            open.count += 1;
            self.gap = false;
            return;
        }
        self.close_column();
        if self.gap {
            self.end_piece();
            self.gap = false;
        }
        self.piece.extend(self.before.take());
        self.column = self.columns.of(x);
        self.edge = self.columns.edge(self.column);
        self.open = Some(Open::new((x, y)));
    }

    fn close_column(&mut self) {
        let Some(open) = self.open.take() else { return };
        self.piece.push(open.first);
        let mut middle = [(open.min_at, open.min), (open.max_at, open.max)];
        if open.max_at < open.min_at {
            middle.swap(0, 1);
        }
        let last_at = open.count - 1;
        let mut taken = 0;
        for (at, point) in middle {
            if at > taken && at < last_at {
                self.piece.push(point);
                taken = at;
            }
        }
        if last_at > 0 {
            self.piece.push(open.last);
        }
    }

    fn end_piece(&mut self) {
        if !self.piece.is_empty() {
            self.done.pieces.push(std::mem::take(&mut self.piece));
        }
    }
}

#[cfg(test)]
#[path = "reduce_tests.rs"]
mod tests;
