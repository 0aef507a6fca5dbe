//! All points of a metric of a run, as far as a picture needs them.
//!
//! A course is several stretches of points that follow each other (the files of a run), each stored in blocks with rows of
//! buckets above them (see [`super::fine`]). What is drawn of it asks for blocks and rows where it needs them, and for nothing
//! else: [`Tiles`] hands out those that are at hand. Those that are not are fetched by whoever holds the store, and then it is
//! drawn again. So the rules are here, and the waiting is elsewhere.
//!
//! Where a run was begun again, its steps go back: each stretch between such places is a segment, of which the part that no
//! later one has gone over again is live.

use std::ops::Range;
use std::sync::Arc;

use super::fine::{Bucket, Buckets, COARSE, FINE_BUCKETS, FINE_POINTS, ROW_FAN};
use super::painter::Painter;
use super::{At, CHUNK_POINTS, MAX_SEGMENTS, Points, Summary};

/// Points of a row of level 1.
const ROW_POINTS: u64 = (FINE_POINTS * FINE_BUCKETS) as u64;
const BLOCK: u64 = CHUNK_POINTS as u64;

/// How far a bucket may reach over a column, on average, to be drawn.
const REACH: f64 = 0.5;
/// How far one may.
const WIDEST: f64 = 1.0;

/// A row of buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId {
    /// From 1.
    pub level: u8,
    /// Its coarse buckets.
    pub coarse: bool,
    /// Which row of its level, from 0.
    pub number: u64,
}

/// Hands out what is stored of a course, and remembers what was asked for in vain.
pub trait Tiles {
    /// A block of a stretch.
    fn points(&self, part: usize, block: u64) -> Option<Arc<Points>>;
    /// Buckets of a row of a stretch.
    fn buckets(&self, part: usize, row: RowId) -> Option<Arc<Buckets>>;
}

/// A block or a row of level 1, as a course lists them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Node {
    /// Which stretch.
    pub part: usize,
    /// A row of level 1; else a block.
    pub row: bool,
    /// Which block or row of the stretch.
    pub number: u64,
    /// How many points come before it in the course.
    pub start: u64,
    /// How many it has.
    pub count: u64,
    first: At,
    last: At,
    low: f64,
    high: f64,
    resets: u64,
}

/// A stretch of a course whose steps do not go back. Places count the course's points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Its points.
    pub range: Range<u64>,
    /// Those that no later segment has gone over again: from its first on.
    pub live: Range<u64>,
}

/// How the points of a course follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// In segments.
    Segments(Vec<Segment>),
    /// In more than [`MAX_SEGMENTS`]: in no order, as from several writers. All of it is one line, by step.
    None,
}

/// What is known of all points of a metric of a run without reading any.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Course {
    nodes: Vec<Node>,
    parts: usize,
}

impl Course {
    /// One without points.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins the next stretch.
    pub fn begin_part(&mut self) {
        self.parts += 1;
    }

    /// Adds a row of level 1 or a block at the end of the last stretch; in the stretch's order, and a row only where its
    /// steps do not go back and its buckets are stored.
    pub fn push(&mut self, row: bool, number: u64, summary: &Summary) {
        let (Some(first), Some(last), Some((low, high))) = (summary.first, summary.last, summary.step_range)
        else {
            return;
        };
        let (start, count, resets) = (self.len(), summary.count, summary.resets);
        let part = self.parts.saturating_sub(1);
        self.nodes.push(Node { part, row, number, start, count, first, last, low, high, resets });
    }

    /// Forgets all blocks and rows from one of a stretch on, and the stretches after that.
    pub fn truncate(&mut self, part: usize, block: u64) {
        self.nodes.retain(|node| {
            let first = if node.row { node.number * ROW_FAN } else { node.number };
            node.part < part || node.part == part && first < block
        });
        self.parts = self.parts.min(part + 1);
    }

    /// How many points there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.nodes.last().map_or(0, |last| last.start + last.count)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The blocks and rows in their order.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The smallest and the largest step.
    #[must_use]
    pub fn span(&self) -> Option<(f64, f64)> {
        let spans = self.nodes.iter().map(|node| (node.low, node.high)).filter(|span| span.0.is_finite());
        spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    /// The last point.
    #[must_use]
    pub fn last(&self) -> Option<At> {
        self.nodes.last().map(|node| node.last)
    }

    /// Finds where it was begun anew; nothing while tiles are missing.
    pub fn order(&self, tiles: &impl Tiles) -> Option<Order> {
        let joints = self.nodes.windows(2).filter(|two| two[1].first.step < two[0].last.step).count() as u64;
        if self.nodes.iter().map(|node| node.resets).sum::<u64>() + joints >= MAX_SEGMENTS as u64 {
            return Some(Order::None);
        }
        // Where segments begin, with their first steps.
        let mut begins: Vec<(u64, f64)> = Vec::new();
        let mut before = f64::INFINITY;
        let mut complete = true;
        for node in &self.nodes {
            if node.first.step < before {
                begins.push((node.start, node.first.step));
            }
            before = node.last.step;
            if node.resets > 0 {
                let Some(points) = tiles.points(node.part, node.number) else {
                    complete = false;
                    continue;
                };
                let places = (node.start..).zip(points.steps().windows(2));
                let back = places.filter(|(_, two)| two[1] < two[0]);
                begins.extend(back.map(|(at, two)| (at + 1, two[1])));
            }
        }
        let mut segments = Vec::with_capacity(begins.len());
        let mut overtaken = f64::INFINITY;
        let mut end = self.len();
        for &(start, first) in begins.iter().rev() {
            let range = start..end;
            let kept = match overtaken <= first {
                true => Some(start),
                false => self.first_from(range.clone(), overtaken, tiles),
            };
            complete &= kept.is_some();
            segments.push(Segment { live: start..kept.unwrap_or(start), range });
            overtaken = overtaken.min(first);
            end = start;
        }
        segments.reverse();
        complete.then_some(Order::Segments(segments))
    }

    /// The first point of a range whose steps do not go back that is at `x` or beyond, else the end of the range; nothing
    /// while tiles are missing.
    pub fn first_from(&self, range: Range<u64>, x: f64, tiles: &impl Tiles) -> Option<u64> {
        let first = self.node_at(range.start);
        let nodes = self.nodes.get(first..).unwrap_or(&[]);
        // The first that reaches up to there, or beyond the range.
        let at = nodes.partition_point(|node| node.start + node.count < range.end && node.last.step < x);
        let Some(node) = nodes.get(at) else { return Some(range.end) };
        let mut inside = 0..node.count;
        let mut number = node.number;
        if node.row {
            let row = RowId { level: 1, coarse: false, number };
            let fine = tiles.buckets(node.part, row)?;
            // Of this range alone; what a block ends with is the last step of its last bucket.
            let own = range.start.saturating_sub(node.start);
            let skip = (own / BLOCK) as usize;
            let per = CHUNK_POINTS / FINE_POINTS;
            let blocks = fine.len() / per;
            let block = (skip..blocks).find(|block| {
                let end = node.start + (*block as u64 + 1) * BLOCK;
                end >= range.end || fine.at((block + 1) * per - 1).last >= x
            });
            let block = block.unwrap_or(blocks.saturating_sub(1)) as u64;
            number = node.number * ROW_FAN + block;
            inside = block * BLOCK..(block + 1) * BLOCK;
        }
        let points = tiles.points(node.part, number)?;
        let start = node.start + inside.start;
        let local =
            |at: u64| usize::try_from(at.saturating_sub(start)).unwrap_or(usize::MAX).min(points.len());
        let (from, to) = (local(range.start), local(range.end));
        let own = points.steps().get(from..to).unwrap_or(&[]);
        Some(start + (from + own.partition_point(|step| *step < x)) as u64)
    }

    /// A point; nothing while its block is missing.
    pub fn point(&self, at: u64, tiles: &impl Tiles) -> Option<super::Point> {
        let node = self.nodes.get(self.node_at(at))?;
        let local = at - node.start;
        let (number, local) = match node.row {
            true => (node.number * ROW_FAN + local / BLOCK, local % BLOCK),
            false => (node.number, local),
        };
        tiles.points(node.part, number)?.get(usize::try_from(local).ok()?)
    }

    /// Which node has the point of this place.
    #[must_use]
    pub fn node_at(&self, at: u64) -> usize {
        self.nodes.partition_point(|node| node.start + node.count <= at)
    }

    /// Hands the points of a range to a painter: whole, or as buckets that are narrow enough. What is missing is left out.
    pub fn paint(&self, range: Range<u64>, tiles: &impl Tiles, painter: &mut Painter) {
        let (from, to) = painter.columns().range();
        let mut next = self.node_at(range.start);
        while let Some(node) = self.nodes.get(next)
            && node.start < range.end
        {
            let whole = node.start >= range.start && node.start + node.count <= range.end;
            if whole && node.resets == 0 && node.high < from {
                painter.points(&[node.last.step], &[node.last.value]);
                next += 1;
                continue;
            }
            if whole && node.resets == 0 && node.low > to {
                painter.points(&[node.first.step], &[node.first.value]);
                return;
            }
            next += match node.row && whole {
                true => self.paint_rows(next, range.end, tiles, painter),
                false => {
                    self.paint_points(node, &range, tiles, painter);
                    1
                }
            };
        }
    }

    /// Paints a row, or as many as one of a higher level spans; answers how many.
    fn paint_rows(&self, first: usize, end: u64, tiles: &impl Tiles, painter: &mut Painter) -> usize {
        let node = &self.nodes[first];
        let mut best: Option<(RowId, usize)> = None;
        let mut span = 1usize;
        for level in 1u8.. {
            let aligned = node.number.is_multiple_of(span as u64);
            let last = self.nodes.get(first + span - 1).filter(|last| {
                last.row
                    && last.part == node.part
                    && last.number == node.number + span as u64 - 1
                    && last.start + last.count <= end
            });
            let Some(last) = last.filter(|_| aligned) else { break };
            let width = painter.columns().place(last.high) - painter.columns().place(node.low);
            let number = node.number / span as u64;
            let fine = FINE_BUCKETS as f64;
            if width <= REACH * fine / COARSE as f64 {
                best = Some((RowId { level, coarse: true, number }, span));
            } else if width <= REACH * fine {
                best = Some((RowId { level, coarse: false, number }, span));
                break;
            } else {
                break;
            }
            span *= ROW_FAN as usize;
        }
        let Some((row, span)) = best else {
            self.paint_blocks(node, tiles, painter);
            return 1;
        };
        if let Some(buckets) = tiles.buckets(node.part, row) {
            if buckets.len() < FINE_BUCKETS / COARSE {
                // One that was not written: its blocks are.
                self.paint_blocks(node, tiles, painter);
                return 1;
            }
            for (i, bucket) in buckets.iter().enumerate() {
                paint_bucket(node.part, (row, i), &bucket, tiles, painter);
            }
        }
        span
    }

    /// Paints those blocks of a row that are in sight, and the ones beside them.
    fn paint_blocks(&self, node: &Node, tiles: &impl Tiles, painter: &mut Painter) {
        let (from, to) = painter.columns().range();
        let mut blocks = 0..ROW_FAN;
        if node.low < from || node.high > to {
            let row = RowId { level: 1, coarse: false, number: node.number };
            let Some(fine) = tiles.buckets(node.part, row).filter(|fine| fine.len() == FINE_BUCKETS) else {
                return;
            };
            let per = CHUNK_POINTS / FINE_POINTS;
            let first = |block: u64| fine.at(block as usize * per).first;
            let last = |block: u64| fine.at((block as usize + 1) * per - 1).last;
            let seen = |block: &u64| last(*block) >= from && first(*block) <= to;
            let start = (0..ROW_FAN).find(seen).unwrap_or(ROW_FAN);
            let end = (0..ROW_FAN).rev().find(seen).map_or(start, |last| last + 1);
            for block in 0..start {
                let at = fine.at((block as usize + 1) * per - 1);
                painter.points(&[at.last], &[at.to]);
            }
            blocks = start..end;
            for block in blocks {
                paint_block(node.part, node.number * ROW_FAN + block, tiles, painter);
            }
            if end < ROW_FAN {
                let at = fine.at(end as usize * per);
                painter.points(&[at.first], &[at.from]);
            }
            return;
        }
        for block in blocks.by_ref() {
            paint_block(node.part, node.number * ROW_FAN + block, tiles, painter);
        }
    }

    /// Paints those points of a node that are in the range.
    fn paint_points(&self, node: &Node, range: &Range<u64>, tiles: &impl Tiles, painter: &mut Painter) {
        let blocks = if node.row { node.count.div_ceil(BLOCK) } else { 1 };
        for block in 0..blocks {
            let start = node.start + block * BLOCK;
            let count = if node.row { BLOCK } else { node.count };
            if start >= range.end || start + count <= range.start {
                continue;
            }
            let number = if node.row { node.number * ROW_FAN + block } else { node.number };
            let Some(points) = tiles.points(node.part, number) else { continue };
            let local = |at: u64| usize::try_from(at.saturating_sub(start)).unwrap_or(usize::MAX);
            let (from, to) = (local(range.start).min(points.len()), local(range.end).min(points.len()));
            painter.points(&points.steps()[from..to], &points.values()[from..to]);
        }
    }
}

fn paint_block(part: usize, block: u64, tiles: &impl Tiles, painter: &mut Painter) {
    if let Some(points) = tiles.points(part, block) {
        painter.points(points.steps(), points.values());
    }
}

/// Paints a bucket, or what it is made of if it is too wide.
fn paint_bucket(
    part: usize,
    (row, place): (RowId, usize),
    bucket: &Bucket,
    tiles: &impl Tiles,
    painter: &mut Painter,
) {
    let (from, to) = painter.columns().range();
    let seen = bucket.last >= from && bucket.first <= to;
    let width = painter.columns().place(bucket.last) - painter.columns().place(bucket.first);
    if !seen || width <= WIDEST {
        painter.bucket(bucket);
        return;
    }
    let finer = match row {
        RowId { coarse: true, .. } => (RowId { coarse: false, ..row }, place * COARSE),
        RowId { level: 1, .. } => {
            let at = place * FINE_POINTS;
            let number = row.number * ROW_FAN + (at / CHUNK_POINTS) as u64;
            if let Some(points) = tiles.points(part, number) {
                let at = at % CHUNK_POINTS;
                let own = at.min(points.len())..(at + FINE_POINTS).min(points.len());
                painter.points(&points.steps()[own.clone()], &points.values()[own]);
            }
            return;
        }
        RowId { level, number, .. } => {
            // A fine bucket is four coarse ones of the level below, of which a row has 256.
            let at = place * COARSE;
            let per = FINE_BUCKETS / COARSE;
            let below =
                RowId { level: level - 1, coarse: true, number: number * ROW_FAN + (at / per) as u64 };
            (below, at % per)
        }
    };
    if let Some(buckets) = tiles.buckets(part, finer.0) {
        for i in finer.1..(finer.1 + COARSE).min(buckets.len()) {
            paint_bucket(part, (finer.0, i), &buckets.at(i), tiles, painter);
        }
    }
}

/// How many rows of a level there are among so many sealed blocks.
#[must_use]
pub fn rows_of(level: u8, blocks: u64) -> u64 {
    debug_assert_eq!(ROW_POINTS, BLOCK * ROW_FAN);
    blocks / ROW_FAN.pow(u32::from(level))
}

#[cfg(test)]
#[path = "course_tests.rs"]
mod tests;
