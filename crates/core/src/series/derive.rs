//! Lines that are made from what was logged, point by point: smoothed, or over something else than steps.
//!
//! A derived course has a point in the place of each logged one, so that its blocks are made from the same blocks, each from
//! the state that was reached before it. What has no place on the x axis stays as a value that is neither drawn nor marked.

use std::ops::Range;
use std::sync::Arc;

use super::smooth::{Exponential, Smoothing, smooth_around};
use super::{Points, Summary};

/// Stands for “no point here”: a NaN that no program writes.
pub const ABSENT: f64 = f64::from_bits(0x7ff8_a75e_0000_0a07);

/// Whether a value stands for none.
#[must_use]
pub fn is_absent(value: f64) -> bool {
    value.to_bits() == ABSENT.to_bits()
}

/// What a derived line has on its x axis.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Along {
    /// The step.
    #[default]
    Step,
    /// Seconds since this moment, UTC milliseconds.
    Since(i64),
    /// The value that another metric had at that step, or last before it: its steps, which grow, with its values.
    Metric(Arc<Vec<(f64, f64)>>),
}

/// How a line is derived.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recipe {
    /// Its x axis.
    pub along: Along,
    /// Its values.
    pub smoothing: Smoothing,
}

/// Where a derived line stands between two blocks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// The last x.
    x: f64,
    exponential: Exponential,
}

impl Default for Standing {
    fn default() -> Self {
        Self { x: f64::NEG_INFINITY, exponential: Exponential::default() }
    }
}

impl Recipe {
    /// Derives those of consecutive blocks that are `own`; the others lie around them as far as [`Smoothing::reach`] goes, or
    /// to an end of the course. `before` is the standing before the first block. Answers the derived blocks, and the standing
    /// after each block of all.
    #[must_use]
    pub fn derive(
        &self,
        blocks: &[Arc<Points>],
        before: Standing,
        own: Range<usize>,
    ) -> (Vec<Points>, Vec<Standing>) {
        let mut standing = before;
        let mut after = Vec::with_capacity(blocks.len());
        let total: usize = blocks.iter().map(|block| block.len()).sum();
        let (mut x, mut y) = (Vec::with_capacity(total), Vec::with_capacity(total));
        // Where segments begin.
        let mut cuts = vec![0];
        for block in blocks {
            let mut place = 0;
            for point in block.iter() {
                let (at, mut value) = match self.place(&point, &mut place) {
                    Some(at) => (at, point.value),
                    None => (standing.x, ABSENT),
                };
                if at < standing.x {
                    standing.exponential = Exponential::default();
                    cuts.push(x.len());
                }
                standing.x = at;
                if let Smoothing::Exponential(weight) = self.smoothing {
                    value = standing.exponential.next(value, weight);
                }
                x.push(at);
                y.push(value);
            }
            after.push(standing);
        }
        cuts.push(x.len());
        let own_points = |range: Range<usize>| {
            let start: usize = blocks[..range.start].iter().map(|block| block.len()).sum();
            start..start + blocks[range].iter().map(|block| block.len()).sum::<usize>()
        };
        let wanted = own_points(own.clone());
        if self.smoothing.reach() > 0 {
            let mut smoothed = Vec::with_capacity(wanted.len());
            for cut in cuts.windows(2) {
                let (from, to) = (wanted.start.max(cut[0]), wanted.end.min(cut[1]));
                if from < to {
                    smooth_around(
                        &y[cut[0]..cut[1]],
                        from - cut[0]..to - cut[0],
                        self.smoothing,
                        &mut smoothed,
                    );
                }
            }
            y.splice(wanted.clone(), smoothed);
        }
        let derived = own.map(|block| {
            let range = own_points(block..block + 1);
            Points::from_columns(x[range.clone()].to_vec(), y[range].to_vec())
        });
        (derived.collect(), after)
    }

    /// Where a point lies; `near` remembers where the last one was found.
    fn place(&self, point: &super::Point, near: &mut usize) -> Option<f64> {
        match &self.along {
            Along::Step => Some(point.step),
            Along::Since(first) => Some((point.wall_ms? - first) as f64 / 1000.0),
            Along::Metric(along) => {
                let fits = |at: usize| {
                    along[..at].last().is_none_or(|last| last.0 <= point.step)
                        && along.get(at).is_none_or(|next| next.0 > point.step)
                };
                *near = match (*near..*near + 2).find(|at| *at <= along.len() && fits(*at)) {
                    Some(at) => at,
                    None => along.partition_point(|at| at.0 <= point.step),
                };
                let (_, x) = along[..*near].last()?;
                x.is_finite().then_some(*x)
            }
        }
    }
}

/// The summary of a derived block: of those of its points that are there, but with all of them counted.
#[must_use]
pub fn summary_of(points: &Points) -> Summary {
    let mut all = Summary::of(points);
    // The first x of a line that has none yet is no place on an axis.
    let finite = points.steps().iter().copied().filter(|x| x.is_finite());
    let range = finite.fold(None, |range: Option<(f64, f64)>, x| {
        Some(range.map_or((x, x), |(low, high)| (low.min(x), high.max(x))))
    });
    all.step_range = range.or(all.step_range);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::{Buckets, NonFinite, Point, smooth};
    use proptest::prelude::*;

    fn blocks(points: &[Point], size: usize) -> Vec<Arc<Points>> {
        points.chunks(size).map(|own| Arc::new(own.iter().copied().collect())).collect()
    }

    fn plain(points: &[Points]) -> Vec<(f64, u64)> {
        points.iter().flat_map(Points::iter).map(|point| (point.step, point.value.to_bits())).collect()
    }

    #[test]
    fn what_has_no_time_is_not_there_and_no_gap() {
        let at = |i: i32, wall_ms| Point { step: f64::from(i), value: f64::from(i) + 0.5, wall_ms };
        let points = [at(0, None), at(1, Some(5_000)), at(2, None), at(3, Some(7_500))];
        let recipe = Recipe { along: Along::Since(5_000), ..Recipe::default() };
        let (derived, _) = recipe.derive(&blocks(&points, 4), Standing::default(), 0..1);
        assert_eq!(derived[0].steps(), [f64::NEG_INFINITY, 0.0, 0.0, 2.5]);
        let there: Vec<bool> = derived[0].values().iter().map(|value| !is_absent(*value)).collect();
        assert_eq!(there, [false, true, false, true]);
        let bucket = Buckets::of(&derived[0]).at(0);
        assert!(bucket.is_finite() && !bucket.has(NonFinite::Nan), "nothing is marked");
        assert_eq!((bucket.min, bucket.max), (1.5, 3.5));
        assert_eq!(summary_of(&derived[0]).step_range, Some((0.0, 2.5)));
    }

    #[test]
    fn the_other_metric_holds_until_its_next_step() {
        let along = Arc::new(vec![(1.0, 10.0), (3.0, 30.0), (4.0, f64::NAN), (5.0, 50.0)]);
        let recipe = Recipe { along: Along::Metric(along), ..Recipe::default() };
        let points: Vec<Point> = [0.5, 1.0, 2.9, 3.0, 4.0, 5.0, 99.0]
            .into_iter()
            .map(|step| Point { step, value: step, wall_ms: None })
            .collect();
        let (derived, _) = recipe.derive(&blocks(&points, 3), Standing::default(), 0..3);
        let there: Vec<(f64, f64)> = derived
            .iter()
            .flat_map(Points::iter)
            .filter(|it| !is_absent(it.value))
            .map(|it| (it.step, it.value))
            .collect();
        assert_eq!(there, [(10.0, 1.0), (10.0, 2.9), (30.0, 3.0), (50.0, 5.0), (50.0, 99.0)]);
    }

    #[test]
    fn smoothing_begins_anew_where_the_run_does() {
        let points: Vec<Point> = (0..30)
            .chain(10..40)
            .map(|i| Point { step: f64::from(i), value: f64::from(i * i % 17), wall_ms: None })
            .collect();
        let recipe = Recipe { smoothing: Smoothing::Exponential(0.9), ..Recipe::default() };
        let (derived, _) = recipe.derive(&blocks(&points, 7), Standing::default(), 0..9);
        let values: Vec<f64> = points.iter().map(|point| point.value).collect();
        let expected = [smooth(&values[..30], 0.9), smooth(&values[30..], 0.9)].concat();
        assert_eq!(plain(&derived).iter().map(|it| f64::from_bits(it.1)).collect::<Vec<_>>(), expected);
    }

    proptest! {
        #[test]
        fn a_block_is_the_same_alone_as_among_all(
            raw in prop::collection::vec((-1i32..4, prop_oneof![9 => -9.0..9.0f64, 1 => Just(f64::NAN)]), 1..400),
            size in 1usize..60, kind in 0u8..4, amount in 1usize..30, at in any::<prop::sample::Index>(),
        ) {
            let mut step = 0;
            let points: Vec<Point> = raw
                .into_iter()
                .map(|(ahead, value)| {
                    step += if ahead < 0 { -5 } else { ahead };
                    Point { step: f64::from(step), value, wall_ms: Some(i64::from(step) * 1000) }
                })
                .collect();
            let smoothing = match kind {
                0 => Smoothing::None,
                1 => Smoothing::Exponential(1.0 - 1.0 / (amount as f64 + 1.0)),
                2 => Smoothing::Mean(amount),
                _ => Smoothing::Gaussian(amount as f64 / 5.0),
            };
            let recipe = Recipe { smoothing, along: Along::Since(0) };
            let all = blocks(&points, size);
            let (whole, after) = recipe.derive(&all, Standing::default(), 0..all.len());
            let own = at.index(all.len());
            let around = smoothing.reach().div_ceil(size);
            let window = own.saturating_sub(around)..(own + 1 + around).min(all.len());
            let before = window.start.checked_sub(1).map_or(Standing::default(), |last| after[last]);
            let place = own - window.start;
            let (alone, _) = recipe.derive(&all[window], before, place..place + 1);
            let near = |a: f64, b: f64| a.to_bits() == b.to_bits() || (a - b).abs() <= 1e-12 * a.abs().max(1.0);
            for (a, b) in alone[0].iter().zip(whole[own].iter()) {
                prop_assert!(a.step == b.step && near(a.value, b.value), "{:?} {:?}", a, b);
            }
        }
    }
}
