//! The value of a metric at a step.

use athanor_core::compare::Place;
use athanor_core::series::{CHUNK_POINTS, Summary};

use crate::error::Result;
use crate::runs::Index;
use crate::store::runs::FAN;

/// Summaries that are read of one level at most, where there is one above.
const AT_ONCE: u64 = 64;

/// Points under one summary.
#[derive(Clone, Copy)]
struct Span {
    level: i64,
    /// Blocks in a whole one.
    blocks: u64,
    number: u64,
    summary: Summary,
}

impl Span {
    /// The greatest step up to `step` that it may hold; None if it holds none.
    fn reach(&self, step: f64) -> Option<f64> {
        let (low, high) = self.summary.step_range?;
        (low <= step).then(|| high.min(step))
    }

    /// The last point of it, if that is the one of the greatest step up to `step`.
    fn known(&self, step: f64) -> Option<Place> {
        let last = self.summary.last?;
        let (_, high) = self.summary.step_range?;
        (high <= step && last.step == high).then_some(Place { value: last.value, step: Some(last.step) })
    }
}

impl Index {
    /// The point of a metric of a run with the greatest step up to `step`; of several with that step the newest, as
    /// after a restart. As many blocks are read as hold that step, not as the series has.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn value_at(&self, run: i64, metric: &str, step: f64) -> Result<Option<Place>> {
        let mut best: Option<Place> = None;
        for stretch in self.stretches(run, metric).await? {
            let whole = Span { level: 0, blocks: 0, number: 0, summary: stretch.summary };
            let reached = best.and_then(|place| place.step).unwrap_or(f64::NEG_INFINITY);
            // A later stretch is newer: an equal step counts.
            if whole.reach(step).is_none_or(|reach| reach < reached) {
                continue;
            }
            let found = match whole.known(step) {
                Some(place) => Some(place),
                None => self.within(stretch.series, stretch.summary.count, step).await?,
            };
            if let Some(place) = found.filter(|place| place.step.is_some_and(|at| at >= reached)) {
                best = Some(place);
            }
        }
        Ok(best)
    }

    async fn within(&self, series: i64, count: u64, step: f64) -> Result<Option<Place>> {
        let mut waiting = self.upper(series, count).await?;
        let mut best: Option<(Place, u64)> = None;
        loop {
            // The one that may reach furthest; of equals the newest.
            let reach = |span: &Span| span.reach(step).unwrap_or(f64::NEG_INFINITY);
            let order = |a: &Span, b: &Span| {
                reach(a).total_cmp(&reach(b)).then((a.number * a.blocks).cmp(&(b.number * b.blocks)))
            };
            let next =
                waiting.iter().enumerate().max_by(|(_, a), (_, b)| order(a, b)).map(|(place, _)| place);
            let Some(next) = next else { break };
            let span = waiting.swap_remove(next);
            let Some(reach) = span.reach(step) else { break };
            let first = span.number * span.blocks;
            let so_far = best;
            let better = |at: f64, block: u64| {
                so_far.is_none_or(|(place, of): (Place, u64)| {
                    let reached = place.step.unwrap_or(f64::NEG_INFINITY);
                    at > reached || (at == reached && block >= of)
                })
            };
            if !better(reach, first + span.blocks - 1) {
                if best.is_some_and(|(place, _)| place.step.is_some_and(|at| at > reach)) {
                    break;
                }
                continue;
            }
            if let Some(place) = span.known(step) {
                best = Some((place, first + span.blocks - 1));
            } else if span.level == 0 {
                for (number, points) in self.store().points(series, (span.number, span.number)).await? {
                    let fitting = points.iter().filter(|point| point.step <= step);
                    // Of equals the last.
                    let greatest = fitting.max_by(|a, b| a.step.total_cmp(&b.step));
                    if let Some(point) = greatest.filter(|point| better(point.step, number)) {
                        best = Some((Place { value: point.value, step: Some(point.step) }, number));
                    }
                }
            } else {
                let inside = (span.number * FAN, span.number * FAN + FAN - 1);
                let below = self.store().summaries(series, span.level - 1, inside).await?;
                waiting.extend(below.into_iter().map(|(number, summary)| Span {
                    level: span.level - 1,
                    blocks: span.blocks / FAN,
                    number,
                    summary,
                }));
            }
        }
        Ok(best.map(|(place, _)| place))
    }

    /// Summaries that cover all of a series, few of them.
    async fn upper(&self, series: i64, count: u64) -> Result<Vec<Span>> {
        let all = count.div_ceil(CHUNK_POINTS as u64);
        let (mut level, mut blocks) = (0, 1);
        while all / blocks > AT_ONCE {
            (level, blocks) = (level + 1, blocks * FAN);
        }
        let mut spans = Vec::new();
        let mut done = 0;
        loop {
            let from = (done / blocks, u64::MAX);
            for (number, summary) in self.store().summaries(series, level, from).await? {
                spans.push(Span { level, blocks, number, summary });
                done = (number + 1) * blocks;
            }
            // What is not a whole one of that level yet stands in the ones below.
            if level == 0 {
                return Ok(spans);
            }
            (level, blocks) = (level - 1, blocks / FAN);
        }
    }
}
