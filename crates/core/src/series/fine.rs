//! What stretches of points hold, fine enough to draw from: buckets of points that follow each other.
//!
//! Sixteen blocks are a row of level 1, sixteen rows of a level one of the next. A row keeps its buckets twice: 1024 fine
//! ones, and 256 coarse ones of four each. So for any width of a picture there are buckets a few of which make a pixel
//! column, and a chart of millions of points decodes thousands of numbers.
//!
//! | level | a row | a fine bucket | a coarse bucket |
//! |---|---|---|---|
//! | 1 | 65,536 points | 64 points | 256 |
//! | 2 | 1 million | 1024 | 4096 |
//! | 3 | 16 million | 16,384 | 65,536 |
//!
//! Layout of a row, little endian, version 1: a byte with the version; xxh3 of all that follows, low 32 bits; length of the
//! fine buckets, 4 bytes; then the fine and the coarse ones. Each of these: number of buckets, 2 bytes; flags, 1 byte (bit 0:
//! steps are whole numbers, bit 1: there are marks); first steps, last steps, then values `min`, `max`, `from` and `to` as
//! columns of a chunk; the marks, a byte each.

use xxhash_rust::xxh3::xxh3_64;

use super::chunk::{counters, measured, push_column, take_column, whole_steps};
use super::derive::is_absent;
use super::{ChunkError, NonFinite, Points};

/// Points of a fine bucket of level 1.
pub const FINE_POINTS: usize = 64;
/// Fine buckets of a row.
pub const FINE_BUCKETS: usize = 1024;
/// Fine buckets of a coarse one.
pub const COARSE: usize = 4;
/// Rows of a level that are one of the next, and blocks that are a row of level 1.
pub const ROW_FAN: u64 = 16;

const VERSION: u8 = 1;
const WHOLE_STEPS: u8 = 1;
const HAS_MARKS: u8 = 2;
const HEADER: usize = 9;

/// Marks: which values that are not finite there are (`1 << NonFinite as u8`), and whether the step goes back.
const RESET: u8 = 1 << 3;

/// Points that follow each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// The smallest step: that of the first point, if the steps do not go back.
    pub first: f64,
    /// The largest step.
    pub last: f64,
    /// The smallest finite value; NaN where there is none, as are the three that follow.
    pub min: f64,
    /// The largest finite value.
    pub max: f64,
    /// The first finite value.
    pub from: f64,
    /// The last finite value.
    pub to: f64,
    marks: u8,
}

impl Bucket {
    fn of(steps: &[f64], values: &[f64]) -> Self {
        let mut all = Self {
            first: f64::INFINITY,
            last: f64::NEG_INFINITY,
            min: f64::NAN,
            max: f64::NAN,
            from: f64::NAN,
            to: f64::NAN,
            marks: 0,
        };
        let mut previous = f64::NEG_INFINITY;
        for &step in steps {
            all.marks |= if step < previous { RESET } else { 0 };
            previous = step;
            all.first = all.first.min(step);
            all.last = all.last.max(step);
        }
        for &value in values {
            if let Some(kind) = NonFinite::of(value) {
                all.marks |= if is_absent(value) { 0 } else { 1 << kind as u8 };
                continue;
            }
            // The others are not NaN then.
            all.min = all.min.min(value);
            all.max = all.max.max(value);
            if all.from.is_nan() {
                all.from = value;
            }
            all.to = value;
        }
        all
    }

    fn merge(&self, next: &Self) -> Self {
        let back = if next.first < self.last { RESET } else { 0 };
        Self {
            first: self.first.min(next.first),
            last: self.last.max(next.last),
            min: self.min.min(next.min),
            max: self.max.max(next.max),
            from: if self.from.is_nan() { next.from } else { self.from },
            to: if next.to.is_nan() { self.to } else { next.to },
            marks: self.marks | next.marks | back,
        }
    }

    /// Whether it has a finite value.
    #[must_use]
    pub fn has_values(&self) -> bool {
        !self.min.is_nan()
    }

    /// Whether it has values of a kind that is not finite.
    #[must_use]
    pub fn has(&self, kind: NonFinite) -> bool {
        self.marks & (1 << kind as u8) != 0
    }

    /// Whether all its values are finite.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        self.marks & !RESET == 0
    }
}

/// Buckets in their order, column by column.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Buckets {
    first: Vec<f64>,
    last: Vec<f64>,
    min: Vec<f64>,
    max: Vec<f64>,
    from: Vec<f64>,
    to: Vec<f64>,
    /// Empty as long as none has any.
    marks: Vec<u8>,
}

impl Buckets {
    /// Fine buckets of level 1 of points; the last one may have fewer points than others.
    #[must_use]
    pub fn of(points: &Points) -> Self {
        let mut all = Self::default();
        let pairs = points.steps().chunks(FINE_POINTS).zip(points.values().chunks(FINE_POINTS));
        pairs.for_each(|(steps, values)| all.push(&Bucket::of(steps, values)));
        all
    }

    /// Adds one at the end.
    pub fn push(&mut self, bucket: &Bucket) {
        if bucket.marks != 0 && self.marks.is_empty() {
            self.marks.resize(self.len(), 0);
            self.marks.push(bucket.marks);
        } else if !self.marks.is_empty() {
            self.marks.push(bucket.marks);
        }
        self.first.push(bucket.first);
        self.last.push(bucket.last);
        self.min.push(bucket.min);
        self.max.push(bucket.max);
        self.from.push(bucket.from);
        self.to.push(bucket.to);
    }

    /// Adds all of `other` at the end.
    pub fn extend_from(&mut self, other: &Self) {
        other.iter().for_each(|bucket| self.push(&bucket));
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.first.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    /// The one at a place, which must exist.
    #[must_use]
    pub fn at(&self, i: usize) -> Bucket {
        Bucket {
            first: self.first[i],
            last: self.last[i],
            min: self.min[i],
            max: self.max[i],
            from: self.from[i],
            to: self.to[i],
            marks: self.marks.get(i).copied().unwrap_or(0),
        }
    }

    /// All in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Bucket> + '_ {
        (0..self.len()).map(|i| self.at(i))
    }

    /// Four of them as one each.
    #[must_use]
    pub fn coarse(&self) -> Self {
        let mut all = Self::default();
        for start in (0..self.len()).step_by(COARSE) {
            let own = (start + 1..self.len().min(start + COARSE))
                .fold(self.at(start), |whole, i| whole.merge(&self.at(i)));
            all.push(&own);
        }
        all
    }

    /// Bytes that it takes in memory, about.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.len() * 48 + self.marks.len() + 200
    }

    fn push_to(&self, out: &mut Vec<u8>) -> Result<(), ChunkError> {
        let whole = whole_steps(&self.first).zip(whole_steps(&self.last));
        let flags =
            if whole.is_some() { WHOLE_STEPS } else { 0 } | if self.marks.is_empty() { 0 } else { HAS_MARKS };
        out.extend_from_slice(&u16::try_from(self.len()).unwrap_or(u16::MAX).to_le_bytes());
        out.push(flags);
        match &whole {
            Some((first, last)) => {
                push_column(out, first, &counters())?;
                push_column(out, last, &counters())?;
            }
            None => {
                push_column(out, &self.first, &measured())?;
                push_column(out, &self.last, &measured())?;
            }
        }
        for column in [&self.min, &self.max, &self.from, &self.to] {
            push_column(out, column, &measured())?;
        }
        out.extend_from_slice(&self.marks);
        Ok(())
    }

    fn take_from(mut bytes: &[u8]) -> Result<Self, ChunkError> {
        let rest = &mut bytes;
        let (&[low, high, flags], after) = rest.split_first_chunk::<3>().ok_or(ChunkError::Truncated)?;
        *rest = after;
        let count = usize::from(u16::from_le_bytes([low, high]));
        if count > FINE_BUCKETS {
            return Err(ChunkError::TooManyPoints(count));
        }
        let mut steps = || -> Result<Vec<f64>, ChunkError> {
            if flags & WHOLE_STEPS == 0 {
                return take_column(rest, count, "steps");
            }
            let whole: Vec<i64> = take_column(rest, count, "steps")?;
            Ok(whole.into_iter().map(|step| step as f64).collect())
        };
        let (first, last) = (steps()?, steps()?);
        let mut values = || take_column(rest, count, "values");
        let (min, max, from, to) = (values()?, values()?, values()?, values()?);
        let expected = if flags & HAS_MARKS == 0 { 0 } else { count };
        if rest.len() != expected {
            return Err(ChunkError::TrailingBytes(rest.len()));
        }
        Ok(Self { first, last, min, max, from, to, marks: rest.to_vec() })
    }
}

/// Encodes a row of its fine buckets, [`FINE_BUCKETS`] at most.
///
/// # Errors
/// [`ChunkError::TooManyPoints`]; [`ChunkError::Compress`] should the compressor fail.
pub fn encode_row(fine: &Buckets) -> Result<Vec<u8>, ChunkError> {
    if fine.len() > FINE_BUCKETS {
        return Err(ChunkError::TooManyPoints(fine.len()));
    }
    let mut out = vec![0; HEADER];
    fine.push_to(&mut out)?;
    let length = out.len() - HEADER;
    fine.coarse().push_to(&mut out)?;
    out[0] = VERSION;
    // Far below 4 GiB: a thousand buckets.
    out[5..HEADER].copy_from_slice(&(length as u32).to_le_bytes());
    let sum = xxh3_64(&out[5..]) as u32;
    out[1..5].copy_from_slice(&sum.to_le_bytes());
    Ok(out)
}

/// Reads the fine or the coarse buckets of what [`encode_row`] wrote.
///
/// # Errors
/// Every way in which bytes can fail to be a row.
pub fn decode_row(bytes: &[u8], coarse: bool) -> Result<Buckets, ChunkError> {
    let version = *bytes.first().ok_or(ChunkError::Truncated)?;
    if version != VERSION {
        return Err(ChunkError::UnknownVersion(version));
    }
    let (header, body) = bytes.split_at_checked(HEADER).ok_or(ChunkError::Truncated)?;
    let number = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    if xxh3_64(&bytes[5..]) as u32 != number(1) {
        return Err(ChunkError::Checksum);
    }
    let (fine, rest) = body.split_at_checked(number(5) as usize).ok_or(ChunkError::Truncated)?;
    Buckets::take_from(if coarse { rest } else { fine })
}

/// The fine buckets of a row of its sixteen rows of the level below, by their coarse ones.
#[must_use]
pub fn row_above<'a>(below: impl IntoIterator<Item = &'a Buckets>) -> Buckets {
    let mut all = Buckets::default();
    below.into_iter().for_each(|coarse| all.extend_from(&coarse.coarse()));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_points(most: usize) -> impl Strategy<Value = Points> {
        let value = prop_oneof![
            20 => -1e3..1e3f64,
            1 => Just(f64::NAN),
            1 => Just(f64::INFINITY),
            1 => Just(f64::NEG_INFINITY),
        ];
        (prop::collection::vec((-1i8..9, value), 0..most), any::<bool>()).prop_map(|(raw, whole)| {
            let mut step = 0.0;
            let (steps, values) = raw
                .into_iter()
                .map(|(ahead, value)| {
                    step += f64::from(ahead) * if whole { 1.0 } else { 0.37 };
                    (step, value)
                })
                .unzip();
            Points::from_columns(steps, values)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn buckets_hold_the_extremes_and_ends_of_their_points(points in any_points(1500)) {
            let mut buckets = Buckets::of(&points);
            let mut size = FINE_POINTS;
            for _ in 0..3 {
                let pairs = points.steps().chunks(size).zip(points.values().chunks(size));
                prop_assert_eq!(buckets.len(), points.len().div_ceil(size));
                for (bucket, (steps, values)) in buckets.iter().zip(pairs) {
                    let finite: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
                    prop_assert_eq!(bucket.has_values(), !finite.is_empty());
                    if let (Some(from), Some(to)) = (finite.first(), finite.last()) {
                        let low = finite.iter().copied().fold(f64::INFINITY, f64::min);
                        let high = finite.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                        prop_assert_eq!((bucket.min, bucket.max, bucket.from, bucket.to), (low, high, *from, *to));
                    }
                    prop_assert_eq!(bucket.first, steps.iter().copied().fold(f64::INFINITY, f64::min));
                    prop_assert_eq!(bucket.last, steps.iter().copied().fold(f64::NEG_INFINITY, f64::max));
                    prop_assert_eq!(bucket.has(NonFinite::Nan), values.iter().any(|v| v.is_nan()));
                    prop_assert_eq!(bucket.has(NonFinite::NegInf), values.contains(&f64::NEG_INFINITY));
                    prop_assert_eq!(bucket.is_finite(), finite.len() == values.len());
                }
                (buckets, size) = (buckets.coarse(), size * COARSE);
            }
        }

        #[test]
        fn rows_round_trip_and_damage_is_noticed(points in any_points(3000), at in any::<prop::sample::Index>()) {
            let fine = Buckets::of(&points);
            let bytes = encode_row(&fine).unwrap();
            let same = |a: &Buckets, b: &Buckets| format!("{a:?}") == format!("{b:?}");
            prop_assert!(same(&decode_row(&bytes, false).unwrap(), &fine));
            prop_assert!(same(&decode_row(&bytes, true).unwrap(), &fine.coarse()));
            let mut damaged = bytes.clone();
            let at = at.index(damaged.len());
            damaged[at] ^= 0x10;
            prop_assert!(decode_row(&damaged, true).is_err() && decode_row(&damaged, false).is_err());
            prop_assert!(decode_row(&bytes[..at], false).is_err());
        }
    }

    #[test]
    fn a_row_is_small() {
        let mut seed = 7u64;
        let mut noise = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 40) as f32 / (1 << 24) as f32
        };
        let count = FINE_POINTS * FINE_BUCKETS;
        let values = (0..count).map(|i| f64::from((i as f32 / 9e4).sin() + 0.1 * noise())).collect();
        let points = Points::from_columns((0..count).map(|i| i as f64).collect(), values);
        let bytes = encode_row(&Buckets::of(&points)).unwrap();
        assert!(bytes.len() < count / 3, "{} bytes for {count} points", bytes.len());
    }
}
