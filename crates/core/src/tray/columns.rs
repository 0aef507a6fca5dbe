//! The columns of a machine with GPUs.

use super::shapes::Point;
use super::{Colour, DARK, FLAME, Ink, Load, Picture, STEPS, WHITE, to_float};

const UTILISATION: Colour = [1.0, 0.95, 0.86, 1.0];
const MEMORY: Colour = [0.47, 0.72, 0.98, 1.0];
const TRACK: Colour = [1.0, 1.0, 1.0, 0.17];
const UNKNOWN: Colour = [1.0, 1.0, 1.0, 0.5];
const EDGE: Colour = [1.0, 1.0, 1.0, 0.3];

/// Where things lie, in whole pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    size: u32,
    /// First pixel of the first column, and pixels of a column and of the gap after it.
    left: u32,
    width: u32,
    gap: u32,
    /// First row of the columns, rows of the upper and the lower part, and of the line between them.
    top: u32,
    upper: u32,
    line: u32,
    lower: u32,
    /// First row of the hearth, and its rows.
    hearth: u32,
    thick: u32,
}

impl Layout {
    /// For so many columns; none without any.
    pub(super) fn of(columns: usize, size: u32) -> Option<Self> {
        let count = u32::try_from(columns).ok().filter(|count| *count > 0)?;
        let pad = (size / 11).max(1);
        // Eight columns of one pixel with gaps need fifteen pixels: the smallest picture has none left for its edge.
        let inside = if count * 2 - 1 <= size - 2 * pad { size - 2 * pad } else { size };
        let most = (size * 3 / 8).max(1);
        let (width, gap) = (1..=most)
            .rev()
            .map(|width| (width, (width / 3).max(1)))
            .find(|(width, gap)| count * width + (count - 1) * gap <= inside)
            .unwrap_or((1, 1));
        let left = (size - (count * width + (count - 1) * gap)) / 2;
        let (thick, line) = ((size / 9).max(2), (size / 24).max(1));
        let hearth = size - pad - thick;
        let rows = hearth - 1 - pad - line;
        let lower = rows * 2 / 5;
        Some(Self { size, left, width, gap, top: pad, upper: rows - lower, line, lower, hearth, thick })
    }

    /// The column that a pixel lies in.
    fn column(&self, x: u32, count: usize) -> Option<usize> {
        let from = x.checked_sub(self.left)?;
        let column = usize::try_from(from / (self.width + self.gap)).ok()?;
        (from % (self.width + self.gap) < self.width && column < count).then_some(column)
    }
}

/// Lays the columns, the hearth and the cross over a pixel.
pub(super) fn draw(ink: &mut Ink, at: Point, (x, y): (u32, u32), picture: &Picture, layout: &Layout) {
    plate(ink, at);
    if let Some(column) = layout.column(x, picture.columns.len()) {
        bars(ink, y, picture.columns[column], layout);
    }
    hearth(ink, x, y, picture, layout);
    if picture.failed {
        super::cross(ink, at, Point(17.6, 17.6), 5.6);
    }
}

/// The plate that makes the columns readable on any panel.
fn plate(ink: &mut Ink, at: Point) {
    let (half, round) = (12.0, 4.4);
    let (dx, dy) = ((at.0 - 12.0).abs() - (half - round), (at.1 - 12.0).abs() - (half - round));
    let outside = dx.max(0.0).hypot(dy.max(0.0));
    let edge = outside + dx.max(dy).min(0.0) - round;
    ink.fill(edge, DARK);
    // A fine light rim: the plate is seen on a dark panel, too.
    let pixel = 1.0 / ink.scale;
    let inner = edge + pixel;
    ink.fill(edge.max(-inner), EDGE);
}

fn bars(ink: &mut Ink, y: u32, load: Load, layout: &Layout) {
    let Some(row) = y.checked_sub(layout.top) else { return };
    if row < layout.upper {
        // The lowest row of the upper part is its first.
        part(ink, layout.upper - 1 - row, layout.upper, load.utilisation, UTILISATION);
    } else if let Some(row) = row.checked_sub(layout.upper + layout.line)
        && row < layout.lower
    {
        part(ink, row, layout.lower, load.memory, MEMORY);
    }
}

/// A row of a bar, counted from where the bar begins.
fn part(ink: &mut Ink, row: u32, rows: u32, steps: Option<u8>, colour: Colour) {
    let Some(steps) = steps else {
        if row.is_multiple_of(2) {
            ink.cover(1.0, UNKNOWN);
        }
        return;
    };
    ink.cover(1.0, TRACK);
    let full = f32::from(steps) / f32::from(STEPS) * to_float(rows);
    ink.cover((full - to_float(row)).clamp(0.0, 1.0), colour);
}

fn hearth(ink: &mut Ink, x: u32, y: u32, picture: &Picture, layout: &Layout) {
    let inset = (layout.size / 11).max(1) + layout.size / 16;
    if x < inset || x >= layout.size - inset {
        return;
    }
    let Some(row) = y.checked_sub(layout.hearth) else { return };
    if row >= layout.thick {
        return;
    }
    if picture.paused {
        let half = to_float(layout.size) / 2.0;
        let from_middle = (to_float(x) + 0.5 - half).abs();
        let (near, far) = (to_float(layout.size) / 10.0, to_float(layout.size) / 3.4);
        if from_middle > near && from_middle < far {
            ink.cover(1.0, WHITE);
        }
        return;
    }
    if picture.running > 0 {
        ink.cover(1.0, FLAME);
    } else if row == layout.thick - 1 {
        ink.cover(1.0, UNKNOWN);
    }
}
