//! The values at a place of a chart, exactly.

use std::sync::Arc;

use athanor_core::series::course::Order;
use athanor_core::series::derive::is_absent;
use athanor_core::series::together::joint;

use super::draw::is_smoothed;
use super::groups::each_block;
use super::tiles::Cache;
use super::{Index, LinesSpec, Planned, Track};
use crate::error::Result;
use crate::store::runs::TableRow;

/// A line's value at a place.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Which of the chart's lines.
    pub line: usize,
    /// Where its nearest point is.
    pub x: f64,
    /// Its value.
    pub y: f64,
    /// The band of a group.
    pub band: Option<(f64, f64)>,
    /// As it was logged, where lines are smoothed.
    pub raw: Option<f64>,
    /// Runs that have a value there.
    pub runs: usize,
}

impl Index {
    /// Of each line of a chart that reaches over a place on the x axis, or ends within `tolerance` of it, the point nearest to
    /// the place; of several of the same x the one that was logged last.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn read_lines(
        &self,
        rows: &[TableRow],
        spec: &LinesSpec,
        at: f64,
        tolerance: f64,
    ) -> Result<Vec<Reading>> {
        let behind = LinesSpec { raw: true, ..spec.clone() };
        let (planned, _) = self.plan(rows, &behind).await?;
        let (planned, spec) = (Arc::new(planned), spec.clone());
        let read = move |lines: &[Planned], cache: &Cache| {
            let each = lines.iter().enumerate().filter_map(|(place, line)| {
                let mut found = read_line(line, &spec, cache, (at, tolerance.max(0.0)))?;
                found.line = place;
                Some(found)
            });
            each.collect::<Vec<_>>()
        };
        self.settle(&planned, read).await
    }
}

fn read_line(line: &Planned, spec: &LinesSpec, cache: &Cache, place: (f64, f64)) -> Option<Reading> {
    // All are asked before any is missed, so that what they need is fetched together.
    let near: Vec<Option<(f64, f64, u64)>> =
        line.tracks.iter().map(|track| nearest(track, cache, place)).collect();
    let Some(groups) = spec.group else {
        let (x, y, at) = (*near.first()?)?;
        let raw = line.raw.as_ref().filter(|_| is_smoothed(spec));
        let raw = raw.and_then(|raw| raw.course().point(at, &raw.reach(cache))).map(|point| point.value);
        return Some(Reading { line: 0, x, y, band: None, raw, runs: 1 });
    };
    let away = |x: f64| (x - place.0).abs();
    let (x, ..) = near.iter().flatten().copied().min_by(|a, b| away(a.0).total_cmp(&away(b.0)))?;
    let at_x = line.tracks.iter().map(|track| nearest(track, cache, (x, 0.0)));
    let mut values: Vec<f64> = at_x
        .collect::<Vec<_>>()
        .into_iter()
        .flatten()
        .filter(|near| near.0 == x)
        .map(|near| near.1)
        .collect();
    let joint = joint(&mut values, groups.centre, groups.band)?;
    let band = (!joint.low.is_nan()).then_some((joint.low, joint.high));
    Some(Reading { line: 0, x, y: joint.centre, band, raw: None, runs: joint.lines })
}

/// The point of a line that is nearest to a place, and its place in the course.
fn nearest(track: &Track, cache: &Cache, (at, tolerance): (f64, f64)) -> Option<(f64, f64, u64)> {
    let (course, reach) = (track.course(), track.reach(cache));
    let (low, high) = course.span()?;
    if !(low - tolerance..=high + tolerance).contains(&at) {
        return None;
    }
    let mut best: Option<(f64, f64, u64)> = None;
    let mut take = |x: f64, y: f64, place: u64| {
        let nearer = best.is_none_or(|best| (x - at).abs() <= (best.0 - at).abs());
        if nearer && x.is_finite() && !is_absent(y) {
            best = Some((x, y, place));
        }
    };
    match track.order(cache)? {
        Order::None => {
            let mut place = 0;
            each_block(track, cache, 0..course.len(), |xs, ys| {
                for (x, y) in xs.iter().zip(ys) {
                    take(*x, *y, place);
                    place += 1;
                }
            });
        }
        Order::Segments(segments) => {
            for live in segments.into_iter().map(|segment| segment.live).filter(|live| !live.is_empty()) {
                // The last before it, of which there may be several; and the last of those that follow it first.
                let Some(from) = course.first_from(live.clone(), at, &reach) else { continue };
                let mut candidates = Vec::new();
                if from > live.start {
                    candidates.push(from - 1);
                }
                if let Some(next) = (from < live.end).then(|| course.point(from, &reach)).flatten()
                    && let Some(end) = course.first_from(from..live.end, next.step.next_up(), &reach)
                {
                    candidates.push(end.max(from + 1) - 1);
                }
                for place in candidates {
                    if let Some(point) = course.point(place, &reach) {
                        take(point.step, point.value, place);
                    }
                }
            }
        }
    }
    best
}
