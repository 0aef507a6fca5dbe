//! The history of one attempt: as long as the attempt, and no larger for it.

use super::pack::{Damaged, number, take};
use super::{Bucket, fold, pack, roll, unpack};

/// Most buckets that are kept.
const MOST: usize = 240;

/// Buckets of one second, and when there are too many, of two, of four, and so on.
#[derive(Debug, Clone, PartialEq)]
pub struct Shrinking {
    width: i64,
    buckets: Vec<Bucket>,
}

impl Default for Shrinking {
    fn default() -> Self {
        Self { width: 1000, buckets: Vec::new() }
    }
}

impl Shrinking {
    /// Takes in a sample that stands for `span` milliseconds.
    pub fn push(&mut self, at: i64, value: f64, span: u64) {
        let Some(bucket) = Bucket::of(at, value, span, self.width) else { return };
        fold(&mut self.buckets, &bucket);
        while self.buckets.len() > MOST && self.width < i64::MAX / 4 {
            self.width *= 2;
            self.buckets = roll(self.buckets.drain(..), self.width);
        }
    }

    /// Width of its buckets, milliseconds.
    #[must_use]
    pub fn width(&self) -> i64 {
        self.width
    }

    /// Its buckets, sorted.
    #[must_use]
    pub fn buckets(&self) -> &[Bucket] {
        &self.buckets
    }

    /// As bytes: how often the width was doubled and the number of the first bucket, then as [`pack`] has it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let first = self.buckets.first().map_or(0, |bucket| bucket.start);
        let mut out = Vec::new();
        number(&mut out, u64::from((self.width / 1000).trailing_zeros()));
        number(&mut out, first.max(0).unsigned_abs() / self.width.unsigned_abs());
        out.extend(pack(&self.buckets, first, self.width));
        out
    }

    /// From what [`Shrinking::to_bytes`] wrote.
    ///
    /// # Errors
    /// The bytes were damaged.
    pub fn from_bytes(mut data: &[u8]) -> Result<Self, Damaged> {
        let doubled = u32::try_from(take(&mut data)?).unwrap_or(u32::MAX);
        let first = i64::try_from(take(&mut data)?).unwrap_or(i64::MAX);
        let width = 1i64.checked_shl(doubled.min(40)).unwrap_or(1).saturating_mul(1000);
        Ok(Self { width, buckets: unpack(data, first.saturating_mul(width), width, i64::MAX)? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_attempt_of_any_length_keeps_its_spike(pace in 1i64..20_000, count in 1i64..3000, spike in 0i64..3000) {
            let start = 1_790_000_000_000;
            let mut all = Shrinking::default();
            for i in 0..count {
                all.push(start + i * pace, if i == spike % count { 99.0 } else { 1.0 }, pace.unsigned_abs());
            }
            prop_assert!(all.buckets().len() <= MOST);
            prop_assert_eq!(all.buckets().iter().map(|bucket| bucket.count).sum::<u64>(), count.unsigned_abs());
            prop_assert!(all.buckets().iter().any(|bucket| bucket.max == 99.0));
            let read = Shrinking::from_bytes(&all.to_bytes()).unwrap();
            prop_assert_eq!(read.width(), all.width());
            prop_assert_eq!(read.buckets().len(), all.buckets().len());
            prop_assert_eq!(read.buckets()[0].start, all.buckets()[0].start);
        }

        #[test]
        fn no_bytes_panic(data in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = Shrinking::from_bytes(&data);
        }
    }
}
