//! Several runs as one line.
//!
//! The rule: of each run counts what no restart has gone over again. Where the runs together have at most [`EXACT`] points in
//! sight, they are joined step by step: a point of the line stands for the runs that have a point of that very x, as pandas'
//! `groupby` has it. With more in sight, each run is first averaged in each pixel column, and the line joins these means.

use std::ops::Range;

use athanor_core::chart::DrawnLine;
use athanor_core::series::course::Order;
use athanor_core::series::course::Tiles as _;
use athanor_core::series::together::{Joint, join};
use athanor_core::series::{CHUNK_POINTS, Columns, Edge, Painter, Reduced};

use super::draw::Painted;
use super::tiles::Cache;
use super::{LineGroups, Planned, Track};

/// Points that are joined one by one.
const EXACT: u64 = 1 << 20;

/// The stretches of a line that count, and in sight, with one point more on each side; nothing while tiles are missing.
pub(super) fn in_sight(track: &Track, cache: &Cache, (from, to): (f64, f64)) -> Option<Vec<Range<u64>>> {
    let reach = track.reach(cache);
    let Order::Segments(segments) = track.order(cache)? else {
        let course = track.course();
        return Some(std::iter::once(0..course.len()).collect());
    };
    let mut all = Vec::new();
    let mut complete = true;
    for live in segments.into_iter().map(|segment| segment.live).filter(|live| !live.is_empty()) {
        let ends = track.course().first_from(live.clone(), from, &reach).zip(track.course().first_from(
            live.clone(),
            to.next_up(),
            &reach,
        ));
        let Some((first, end)) = ends else {
            complete = false;
            continue;
        };
        let (first, end) = (first.saturating_sub(1).max(live.start), (end + 1).min(live.end));
        if first < end {
            all.push(first..end);
        }
    }
    complete.then_some(all)
}

/// Calls `take` with the points of a range, block by block; false while blocks are missing.
pub(super) fn each_block(
    track: &Track,
    cache: &Cache,
    range: Range<u64>,
    mut take: impl FnMut(&[f64], &[f64]),
) -> bool {
    let (course, reach) = (track.course(), track.reach(cache));
    let size = CHUNK_POINTS as u64;
    let mut complete = true;
    for node in course.nodes().get(course.node_at(range.start)..).unwrap_or(&[]) {
        if node.start >= range.end {
            break;
        }
        let blocks = if node.row { node.count / size } else { 1 };
        for block in 0..blocks {
            let (start, count) =
                if node.row { (node.start + block * size, size) } else { (node.start, node.count) };
            if start >= range.end || start + count <= range.start {
                continue;
            }
            let number = if node.row { node.number * (node.count / size) + block } else { node.number };
            let Some(points) = reach.points(node.part, number) else {
                complete = false;
                continue;
            };
            let local =
                |at: u64| usize::try_from(at.saturating_sub(start)).unwrap_or(usize::MAX).min(points.len());
            let own = local(range.start)..local(range.end);
            take(&points.steps()[own.clone()], &points.values()[own]);
        }
    }
    complete
}

pub(super) fn paint_group(line: &Planned, groups: LineGroups, cache: &Cache, columns: Columns) -> Painted {
    let empty = || Painted { line: DrawnLine::default(), exact: false };
    let ranges: Vec<_> = line.tracks.iter().map(|track| in_sight(track, cache, columns.range())).collect();
    let Some(ranges) = ranges.into_iter().collect::<Option<Vec<_>>>() else { return empty() };
    let total: u64 = ranges.iter().flatten().map(|range| range.end - range.start).sum();
    let mut complete = true;
    let mut lines = Vec::with_capacity(ranges.len());
    for (track, ranges) in line.tracks.iter().zip(ranges) {
        if total <= EXACT {
            let (mut xs, mut ys) = (Vec::new(), Vec::new());
            for range in ranges {
                complete &= each_block(track, cache, range, |x, y| {
                    xs.extend_from_slice(x);
                    ys.extend_from_slice(y);
                });
            }
            if xs.windows(2).any(|two| two[1] < two[0]) {
                let mut order: Vec<usize> = (0..xs.len()).collect();
                order.sort_by(|&a, &b| xs[a].total_cmp(&xs[b]));
                (xs, ys) = order.into_iter().map(|at| (xs[at], ys[at])).unzip();
            }
            lines.push((xs, ys));
        } else {
            let mut sums = vec![(0.0, 0u64); columns.count()];
            for range in ranges {
                complete &= each_block(track, cache, range, |x, y| columns.sum(x, y, &mut sums));
            }
            let means = sums.iter().enumerate().filter(|(_, (_, count))| *count > 0);
            lines.push(means.map(|(i, (sum, count))| (columns.middle(i), sum / *count as f64)).unzip());
        }
    }
    if !complete {
        return empty();
    }
    let joined = join(&lines, groups.centre, groups.band);
    let steps: Vec<f64> = joined.iter().map(|(x, _)| *x).collect();
    let paint = |of: fn(&Joint) -> f64, edge: Edge| {
        let values: Vec<f64> = joined.iter().map(|(_, joint)| of(joint)).collect();
        let (mut painter, mut out) = (Painter::new(columns), Reduced::default());
        painter.points(&steps, &values);
        painter.draw(edge, &mut out);
        (out.pieces, painter.is_exact())
    };
    let (pieces, exact) = paint(|joint| joint.centre, Edge::Both);
    let (upper, _) = paint(|joint| joint.high, Edge::Upper);
    let (lower, _) = paint(|joint| joint.low, Edge::Lower);
    let band = (!upper.is_empty()).then_some((upper, lower));
    Painted { line: DrawnLine { pieces, band, ..DrawnLine::default() }, exact: exact && total <= EXACT }
}
