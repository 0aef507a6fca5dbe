//! What a stretch of points holds, small enough to sit beside each chunk and mergeable to the whole series.

use super::Points;

/// A value and the step it was logged at.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct At {
    /// Position on the x axis.
    pub step: f64,
    /// The value there; may be NaN or infinite where a first or last value is meant.
    pub value: f64,
}

/// The smallest or largest finite value, with its place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extreme {
    /// Position on the x axis.
    pub step: f64,
    /// The value, finite.
    pub value: f64,
    /// How many points of the summarised stretch come before it. Steps repeat, this does not.
    pub index: u64,
}

/// Counts, ends and extremes of a stretch of consecutive points.
///
/// [`Summary::merge`] is associative and has [`Summary::default`] as its identity (the sum up to rounding), so the
/// chunks of a series may be merged in any grouping, in order.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Summary {
    /// All points.
    pub count: u64,
    /// Points whose value is NaN.
    pub nan: u64,
    /// Points whose value is positive infinity.
    pub pos_inf: u64,
    /// Points whose value is negative infinity.
    pub neg_inf: u64,
    /// How often the step goes back inside the stretch: restarts.
    pub resets: u64,
    /// The first point, whatever its value.
    pub first: Option<At>,
    /// The last point, whatever its value.
    pub last: Option<At>,
    /// The smallest finite value; the earliest of equals.
    pub min: Option<Extreme>,
    /// The largest finite value; the earliest of equals.
    pub max: Option<Extreme>,
    /// The smallest and the largest step.
    pub step_range: Option<(f64, f64)>,
    /// Sum of the finite values, with [`Summary::sum_error`] by Neumaier's compensated summation (1974).
    pub sum: f64,
    /// What rounding took from `sum`.
    pub sum_error: f64,
}

/// Why bytes are not a summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stored summary is damaged or of an unknown version")]
pub struct SummaryError;

impl Summary {
    /// Summarises points in the order given.
    pub fn of(points: &Points) -> Self {
        let mut all = Self::default();
        for (&step, &value) in points.steps().iter().zip(points.values()) {
            all.add(step, value);
        }
        all
    }

    /// Adds one point at the end.
    pub fn add(&mut self, step: f64, value: f64) {
        let at = At { step, value };
        let index = self.count;
        self.count += 1;
        if self.last.is_some_and(|last| step < last.step) {
            self.resets += 1;
        }
        self.first.get_or_insert(at);
        self.last = Some(at);
        self.step_range = join_ranges(self.step_range, Some((step, step)));
        if value.is_finite() {
            let here = Extreme { step, value, index };
            if self.min.is_none_or(|min| value < min.value) {
                self.min = Some(here);
            }
            if self.max.is_none_or(|max| value > max.value) {
                self.max = Some(here);
            }
            self.add_to_sum(value);
        } else if value.is_nan() {
            self.nan += 1;
        } else if value > 0.0 {
            self.pos_inf += 1;
        } else {
            self.neg_inf += 1;
        }
    }

    /// This stretch followed by `next`.
    #[must_use]
    pub fn merge(&self, next: &Self) -> Self {
        let shift = |extreme: Extreme| Extreme { index: extreme.index + self.count, ..extreme };
        let joint_reset = matches!((self.last, next.first), (Some(a), Some(b)) if b.step < a.step);
        let mut all = Self {
            count: self.count + next.count,
            nan: self.nan + next.nan,
            pos_inf: self.pos_inf + next.pos_inf,
            neg_inf: self.neg_inf + next.neg_inf,
            resets: self.resets + next.resets + u64::from(joint_reset),
            first: self.first.or(next.first),
            last: next.last.or(self.last),
            min: match (self.min, next.min.map(shift)) {
                (Some(a), Some(b)) => Some(if b.value < a.value { b } else { a }),
                (a, b) => a.or(b),
            },
            max: match (self.max, next.max.map(shift)) {
                (Some(a), Some(b)) => Some(if b.value > a.value { b } else { a }),
                (a, b) => a.or(b),
            },
            step_range: join_ranges(self.step_range, next.step_range),
            sum: self.sum,
            sum_error: self.sum_error + next.sum_error,
        };
        all.add_to_sum(next.sum);
        all
    }

    /// Points with a finite value.
    pub fn finite(&self) -> u64 {
        self.count - self.nan - self.pos_inf - self.neg_inf
    }

    /// Arithmetic mean of the finite values; `None` without any, or when their sum is beyond the range of `f64`.
    pub fn mean(&self) -> Option<f64> {
        let mean = (self.sum + self.sum_error) / self.finite() as f64;
        mean.is_finite().then_some(mean)
    }

    fn add_to_sum(&mut self, value: f64) {
        let total = self.sum + value;
        let error = if self.sum.abs() >= value.abs() {
            (self.sum - total) + value
        } else {
            (value - total) + self.sum
        };
        self.sum = total;
        self.sum_error += error;
    }

    /// The bytes for the store, always [`Summary::BYTES`] long. (SQLite turns NaN into NULL and JSON has none, so a
    /// last value of NaN needs bytes.)
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(Self::BYTES);
        let present = u8::from(self.count > 0) | u8::from(self.min.is_some() && self.max.is_some()) << 1;
        out.extend_from_slice(&[1, present]);
        for count in [self.count, self.nan, self.pos_inf, self.neg_inf, self.resets] {
            out.extend_from_slice(&count.to_le_bytes());
        }
        let zero = At { step: 0.0, value: 0.0 };
        let none = Extreme { step: 0.0, value: 0.0, index: 0 };
        let (first, last) = (self.first.unwrap_or(zero), self.last.unwrap_or(zero));
        let (min, max) = (self.min.unwrap_or(none), self.max.unwrap_or(none));
        let (low, high) = self.step_range.unwrap_or((0.0, 0.0));
        for number in [
            first.step,
            first.value,
            last.step,
            last.value,
            min.step,
            min.value,
            max.step,
            max.value,
            low,
            high,
            self.sum,
            self.sum_error,
        ] {
            out.extend_from_slice(&number.to_bits().to_le_bytes());
        }
        out.extend_from_slice(&min.index.to_le_bytes());
        out.extend_from_slice(&max.index.to_le_bytes());
        out
    }

    /// Length of what [`Summary::to_bytes`] gives.
    pub const BYTES: usize = 2 + 19 * 8;

    /// Reads what [`Summary::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`SummaryError`] when it is something else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SummaryError> {
        let (&[version, present], words) = bytes.split_first_chunk::<2>().ok_or(SummaryError)?;
        let (words, odd) = words.as_chunks::<8>();
        if version != 1 || present > 3 || !odd.is_empty() || words.len() != 19 {
            return Err(SummaryError);
        }
        let int = |i: usize| u64::from_le_bytes(words[i]);
        let float = |i: usize| f64::from_bits(int(i));
        let any = present & 1 != 0;
        let finite = present & 2 != 0;
        let extreme = |i: usize, index: usize| {
            finite.then(|| Extreme { step: float(i), value: float(i + 1), index: int(index) })
        };
        let summary = Self {
            count: int(0),
            nan: int(1),
            pos_inf: int(2),
            neg_inf: int(3),
            resets: int(4),
            first: any.then(|| At { step: float(5), value: float(6) }),
            last: any.then(|| At { step: float(7), value: float(8) }),
            min: extreme(9, 17),
            max: extreme(11, 18),
            step_range: any.then(|| (float(13), float(14))),
            sum: float(15),
            sum_error: float(16),
        };
        let special = summary.nan.checked_add(summary.pos_inf).and_then(|n| n.checked_add(summary.neg_inf));
        match special {
            Some(special) if special <= summary.count && any == (summary.count > 0) => Ok(summary),
            _ => Err(SummaryError),
        }
    }
}

fn join_ranges(a: Option<(f64, f64)>, b: Option<(f64, f64)>) -> Option<(f64, f64)> {
    match (a, b) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        (a, b) => a.or(b),
    }
}

/// What a table of runs shows of one series.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SeriesStats {
    /// All points, finite or not.
    pub count: u64,
    /// Points whose value is NaN or infinite.
    pub non_finite: u64,
    /// The last point as logged: a run that ended in NaN says NaN.
    pub last: Option<At>,
    /// The smallest finite value and where it was first reached.
    pub min: Option<At>,
    /// The largest finite value and where it was first reached.
    pub max: Option<At>,
    /// Mean of the finite values.
    pub mean: Option<f64>,
    /// The largest step reached.
    pub max_step: Option<f64>,
}

impl From<&Summary> for SeriesStats {
    fn from(all: &Summary) -> Self {
        let at = |extreme: Extreme| At { step: extreme.step, value: extreme.value };
        Self {
            count: all.count,
            non_finite: all.count - all.finite(),
            last: all.last,
            min: all.min.map(at),
            max: all.max.map(at),
            mean: all.mean(),
            max_step: all.step_range.map(|(_, high)| high),
        }
    }
}

/// The median of the finite values with the step it was first reached at.
///
/// For an even count it is the lower of the two middle values, so that it is a value that was logged and has a step.
/// Needs all points, unlike the rest of [`SeriesStats`]; linear time, 16 bytes a point.
pub fn median(points: &Points) -> Option<At> {
    let mut all: Vec<(f64, usize)> = (0..)
        .zip(points.values())
        .filter(|(_, value)| value.is_finite())
        .map(|(i, &value)| (value, i))
        .collect();
    let middle = all.len().checked_sub(1)? / 2;
    let (_, &mut (value, index), _) =
        all.select_nth_unstable_by(middle, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    // Equal values are ordered by position, so the one in the middle need not be the first of them.
    let first = points.values().iter().position(|&v| v == value).unwrap_or(index);
    Some(At { step: points.steps()[first], value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_points() -> impl Strategy<Value = Vec<(f64, f64)>> {
        let value = prop_oneof![
            6 => -1e6..1e6f64,
            2 => (-3i32..3).prop_map(f64::from),
            1 => Just(f64::NAN),
            1 => Just(f64::INFINITY),
            1 => Just(f64::NEG_INFINITY),
        ];
        prop::collection::vec(((0u32..50).prop_map(f64::from), value), 0..40)
    }

    fn of(points: &[(f64, f64)]) -> Summary {
        let mut all = Summary::default();
        points.iter().for_each(|&(step, value)| all.add(step, value));
        all
    }

    /// Everything but the last digits of the sum, bit by bit.
    fn exact(summary: &Summary) -> (Vec<u8>, f64) {
        let sum = summary.sum + summary.sum_error;
        (Summary { sum: 0.0, sum_error: 0.0, ..*summary }.to_bytes(), sum)
    }

    proptest! {
        #[test]
        fn merging_is_associative_and_equals_the_whole(a in any_points(), b in any_points(), c in any_points()) {
            let whole = of(&[a.clone(), b.clone(), c.clone()].concat());
            let (a, b, c) = (of(&a), of(&b), of(&c));
            let size = 1e-9 * (1.0 + whole.count as f64);
            for other in [a.merge(&b).merge(&c), a.merge(&b.merge(&c)), a.merge(&Summary::default()).merge(&b).merge(&c)] {
                prop_assert_eq!(exact(&other).0, exact(&whole).0);
                prop_assert!((exact(&other).1 - exact(&whole).1).abs() <= size);
            }
        }

        #[test]
        fn bytes_round_trip(a in any_points(), noise in prop::collection::vec(any::<u8>(), 0..200)) {
            let all = of(&a);
            let bytes = all.to_bytes();
            prop_assert_eq!(bytes.len(), Summary::BYTES);
            prop_assert_eq!(Summary::from_bytes(&bytes).unwrap().to_bytes(), bytes);
            let _ = Summary::from_bytes(&noise);
        }

        #[test]
        fn the_median_is_a_logged_value_in_the_middle(a in any_points()) {
            let points = Points::from_columns(a.iter().map(|p| p.0).collect(), a.iter().map(|p| p.1).collect());
            let finite: Vec<f64> = a.iter().map(|p| p.1).filter(|v| v.is_finite()).collect();
            match median(&points) {
                None => prop_assert!(finite.is_empty()),
                Some(at) => {
                    prop_assert!(finite.iter().filter(|&&v| v < at.value).count() * 2 <= finite.len());
                    prop_assert!(finite.iter().filter(|&&v| v > at.value).count() * 2 <= finite.len());
                    prop_assert_eq!(a.iter().find(|p| p.1 == at.value).map(|p| p.0), Some(at.step));
                }
            }
        }
    }

    #[test]
    fn stats_say_where_values_were_reached() {
        let stats = SeriesStats::from(&of(&[(1.0, 5.0), (2.0, 1.0), (3.0, 1.0), (4.0, f64::NAN)]));
        assert_eq!(stats.min, Some(At { step: 2.0, value: 1.0 }), "the earliest of equals");
        assert_eq!(stats.max, Some(At { step: 1.0, value: 5.0 }));
        assert_eq!(stats.mean, Some(7.0 / 3.0));
        assert!(stats.last.is_some_and(|last| last.value.is_nan()), "a run that ended in NaN says so");
        assert_eq!((stats.count, stats.non_finite, stats.max_step), (4, 1, Some(4.0)));
        assert_eq!(SeriesStats::from(&Summary::default()), SeriesStats::default());
    }

    #[test]
    fn the_sum_keeps_small_values_beside_large_ones() {
        assert_eq!(of(&[(0.0, 1e16), (1.0, 1.0), (2.0, -1e16)]).mean(), Some(1.0 / 3.0));
        assert_eq!(of(&[(0.0, f64::MAX), (1.0, f64::MAX)]).mean(), None);
    }
}
