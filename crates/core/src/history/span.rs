//! Which tier answers, how wide its answer's buckets are, and where a line breaks.

use std::ops::Range;

use super::{Bucket, Tier};

/// Most buckets of one answer.
pub const WIDTH_MAX: u32 = 2000;

/// The longest time that one sample stands for, milliseconds: the slowest pace of the sampler, and a bit.
pub(super) const SPAN_MAX: u64 = 30_000;

/// What a first sample stands for, milliseconds, and one after the clock was set back.
pub(super) const SPAN_FIRST: u64 = 1000;

/// From what a range of time is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolution {
    /// The tier that is read.
    pub tier: Tier,
    /// Width of the buckets of the answer, milliseconds: a multiple of the tier's.
    pub step: i64,
}

/// How `since` to `until` is shown in at most `width` buckets (and one more where the first is cut).
///
/// - Of the tiers that reach back to `since`, the coarsest whose buckets are not wider than what is asked for: it has
///   the same extremes as a finer one and is read with less.
/// - If none is so fine, the finest that reaches back so far.
#[must_use]
pub fn resolution(since: i64, until: i64, width: u32, now: i64) -> Resolution {
    let width = i64::from(width.clamp(1, WIDTH_MAX));
    let wanted = (until.saturating_sub(since).max(1).saturating_add(width - 1)) / width;
    let reaches = |tier: &Tier| tier.keep_ms().is_none_or(|keep| since >= now.saturating_sub(keep));
    let finest = Tier::ALL.into_iter().find(reaches).unwrap_or(Tier::Hour);
    let fits = |tier: &Tier| *tier >= finest && tier.bucket_ms() <= wanted;
    let tier = Tier::ALL.into_iter().rev().find(fits).unwrap_or(finest);
    let times = (wanted.saturating_add(tier.bucket_ms() - 1) / tier.bucket_ms()).max(1);
    Resolution { tier, step: tier.bucket_ms().saturating_mul(times) }
}

/// The unbroken runs of sorted buckets of a width: a line breaks where nothing was sampled for longer than the sampler
/// ever pauses.
#[must_use]
pub fn breaks(buckets: &[Bucket], width: i64) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let mut from = 0;
    for next in 1..=buckets.len() {
        let broken = next == buckets.len() || {
            let missing = buckets[next].start.saturating_sub(buckets[next - 1].start.saturating_add(width));
            missing > i64::try_from(buckets[next].span.min(SPAN_MAX)).unwrap_or(i64::MAX)
        };
        if broken {
            runs.push(from..next);
            from = next;
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_right_tier_answers() {
        const HOUR: i64 = 3_600_000;
        let now = 1_790_000_000_000;
        let check = |back: i64, length: i64, width: u32, tier: Tier, step: i64| {
            let found = resolution(now - back, now - back + length, width, now);
            assert_eq!(found, Resolution { tier, step }, "{back} {length} {width}");
        };
        check(HOUR, HOUR, 2000, Tier::Second, 2000);
        check(HOUR, HOUR, 360, Tier::Ten, 10_000);
        check(600_000, 600_000, 800, Tier::Second, 1000);
        check(2 * HOUR, 2 * HOUR, 2000, Tier::Ten, 10_000);
        check(6 * HOUR, 6 * HOUR, 800, Tier::Ten, 30_000);
        check(24 * HOUR, 24 * HOUR, 800, Tier::Minute, 120_000);
        check(7 * 24 * HOUR, 7 * 24 * HOUR, 1000, Tier::Minute, 660_000);
        check(7 * 24 * HOUR, 1000, 1000, Tier::Minute, 60_000);
        check(365 * 24 * HOUR, 365 * 24 * HOUR, 1000, Tier::Hour, 9 * HOUR);
        check(365 * 24 * HOUR, HOUR, 1000, Tier::Hour, HOUR);
    }

    proptest! {
        #[test]
        fn an_answer_is_bounded(since in 0i64..2_000_000_000_000, length in 0i64..400_000_000_000, width in 0u32..5000, now in 0i64..2_000_000_000_000) {
            let found = resolution(since, since + length, width, now);
            prop_assert!(found.step >= found.tier.bucket_ms() && found.step % found.tier.bucket_ms() == 0);
            prop_assert!(length / found.step <= i64::from(width.clamp(1, WIDTH_MAX)));
        }
    }

    #[test]
    fn a_line_breaks_where_nobody_looked() {
        let at = |start: i64, span: u64| Bucket { start, min: 0.0, mean: 0.0, max: 0.0, count: 1, span };
        let slow =
            [at(0, 10_000), at(10_000, 10_000), at(20_000, 10_000), at(90_000, 30_000), at(91_000, 1000)];
        assert_eq!(breaks(&slow, 1000), [0..3, 3..5]);
        assert_eq!(breaks(&[at(0, 60_000), at(60_000, 60_000), at(180_000, 60_000)], 60_000), [0..2, 2..3]);
        assert!(breaks(&[], 1000).is_empty());
    }
}
