//! A bucket, and how buckets become one.

/// What a metric did in a stretch of time. Values are rounded to single precision (seven digits), as they are stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Where the stretch begins, UTC milliseconds; a multiple of the width.
    pub start: i64,
    /// The least value.
    pub min: f64,
    /// The mean, each sample weighing as much as the time that it stands for.
    pub mean: f64,
    /// The greatest value.
    pub max: f64,
    /// How many samples are in it; at least 1.
    pub count: u64,
    /// The time that its samples stand for, milliseconds; at least 1. A sampler that is slower while nobody looks takes
    /// fewer samples of the same time, and they count as much.
    pub span: u64,
}

impl Bucket {
    /// One sample at a moment, in the bucket of that moment, standing for `span` milliseconds. A value that is not
    /// finite is no reading.
    #[must_use]
    #[allow(
        clippy::cast_possible_truncation,
        reason = "rounded on purpose; what does not fit becomes infinite"
    )]
    pub fn of(at: i64, value: f64, span: u64, width: i64) -> Option<Self> {
        let value = f64::from(value as f32);
        let start = at.div_euclid(width) * width;
        value.is_finite().then_some(Self {
            start,
            min: value,
            mean: value,
            max: value,
            count: 1,
            span: span.max(1),
        })
    }

    /// Takes in what another bucket of the same stretch has.
    #[allow(clippy::cast_precision_loss, reason = "weights; 2^53 milliseconds are 285,000 years")]
    pub fn merge(&mut self, other: &Self) {
        let (own, its) = (self.span as f64, other.span as f64);
        let mean = (self.mean * own + other.mean * its) / (own + its);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.mean = mean.clamp(self.min, self.max);
        self.count += other.count;
        self.span += other.span;
    }
}

/// Puts a bucket into a list that is sorted by start, joining it with the one of its stretch.
pub fn fold(sorted: &mut Vec<Bucket>, one: &Bucket) {
    let place = match sorted.last_mut() {
        Some(last) if last.start == one.start => return last.merge(one),
        // The usual case: time goes on.
        Some(last) if last.start < one.start => sorted.len(),
        None => 0,
        Some(_) => match sorted.binary_search_by_key(&one.start, |bucket| bucket.start) {
            Ok(place) => return sorted[place].merge(one),
            Err(place) => place,
        },
    };
    sorted.insert(place, *one);
}

/// Buckets of any order as buckets of a greater width, sorted.
#[must_use]
pub fn roll(buckets: impl IntoIterator<Item = Bucket>, width: i64) -> Vec<Bucket> {
    let mut wide = Vec::new();
    for bucket in buckets {
        fold(&mut wide, &Bucket { start: bucket.start.div_euclid(width) * width, ..bucket });
    }
    wide
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Samples: moment, value, time that it stands for.
    pub fn samples() -> impl Strategy<Value = Vec<(i64, f64, u64)>> {
        let value = prop_oneof![0.0..100.0f64, -1e9..1e9f64, Just(0.0), Just(1e30)];
        proptest::collection::vec((0i64..7_200_000, value, 1u64..30_000), 1..200)
    }

    fn buckets(samples: &[(i64, f64, u64)], width: i64) -> Vec<Bucket> {
        roll(samples.iter().filter_map(|(at, value, span)| Bucket::of(*at, *value, *span, 1000)), width)
    }

    proptest! {
        #[test]
        fn the_order_of_arrival_does_not_matter(samples in samples(), seed in any::<u64>()) {
            let mut other = samples.clone();
            let mut state = seed | 1;
            for place in (1..other.len()).rev() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                other.swap(place, usize::try_from(state >> 33).unwrap() % (place + 1));
            }
            let (one, two) = (buckets(&samples, 10_000), buckets(&other, 10_000));
            prop_assert_eq!(one.len(), two.len());
            for (a, b) in one.iter().zip(&two) {
                prop_assert_eq!((a.start, a.min, a.max, a.count, a.span), (b.start, b.min, b.max, b.count, b.span));
                let size = a.min.abs().max(a.max.abs()).max(1.0);
                prop_assert!((a.mean - b.mean).abs() <= 1e-9 * size, "{} and {}", a.mean, b.mean);
            }
        }

        #[test]
        fn a_bucket_has_what_its_samples_have(samples in samples(), width in prop_oneof![Just(1000i64), Just(60_000), Just(3_600_000)]) {
            let all = buckets(&samples, width);
            prop_assert_eq!(all.iter().map(|bucket| bucket.count).sum::<u64>(), samples.len() as u64);
            prop_assert_eq!(
                all.iter().map(|bucket| bucket.span).sum::<u64>(),
                samples.iter().map(|(_, _, span)| span).sum::<u64>()
            );
            for pair in all.windows(2) {
                prop_assert!(pair[0].start < pair[1].start, "sorted, each stretch once");
            }
            for bucket in &all {
                prop_assert!(bucket.start % width == 0);
                prop_assert!(bucket.min <= bucket.mean && bucket.mean <= bucket.max, "{bucket:?}");
                #[allow(clippy::cast_possible_truncation)]
                let own = samples.iter().filter(|(at, ..)| at.div_euclid(width) * width == bucket.start)
                    .map(|(_, value, _)| f64::from(*value as f32));
                let (min, max) = own.fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), v| (min.min(v), max.max(v)));
                prop_assert_eq!((bucket.min, bucket.max), (min, max), "a spike survives");
            }
        }
    }

    #[test]
    fn a_sample_weighs_as_much_as_the_time_that_it_stands_for() {
        // A minute at full load, seen every second, and nine idle minutes, seen every ten.
        let busy = (0..60).map(|i| (i * 1000, 100.0, 1000));
        let idle = (0..54).map(|i| (60_000 + i * 10_000, 0.0, 10_000));
        let all = buckets(&busy.chain(idle).collect::<Vec<_>>(), 3_600_000);
        assert_eq!((all.len(), all[0].mean, all[0].count, all[0].span), (1, 10.0, 114, 600_000));
    }

    #[test]
    fn what_is_no_number_is_no_sample() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX] {
            assert_eq!(Bucket::of(0, value, 1, 1000), None, "{value}");
        }
        assert_eq!(Bucket::of(-1, 1.0, 0, 1000).map(|bucket| (bucket.start, bucket.span)), Some((-1000, 1)));
    }
}
