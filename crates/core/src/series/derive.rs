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
