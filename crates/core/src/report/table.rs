//! Tables on pages: their columns as wide as they need to be, their head on every page. A table that is wider than the
//! page goes on below with its other columns, each time after the first one.

use super::flow::{BASE, Flow, LEADING, SMALL};
use super::lines::{Line, Look, lines};
use super::page::{Face, Ink, Item};
use super::{Span, Table, Way};

const LOOK: Look = Look { ink: Ink::Black, ..SMALL };
const HEAD: Look = Look { strong: true, ..LOOK };
/// Between columns.
const GAP: f64 = 14.0;
/// Above and below the text of a row.
const PAD: f64 = 3.0;
/// A column is as wide as its text up to this part of the width.
const WIDEST: f64 = 0.42;
/// Where there is little room, longer text is broken from this part of the width on.
const NARROW: f64 = 0.12;

/// Puts a table.
pub(super) fn set(flow: &mut Flow<'_>, table: &Table, x: f64, width: f64) {
    let count = table.head.len();
    if count == 0 {
        return;
    }
    let wanted = wanted(flow, table, width);
    let mut from = 1;
    loop {
        // The first column, and as many of the others as fit.
        let mut columns = vec![0];
        let mut used = wanted[0];
        while from < count && (columns.len() < 2 || used + GAP + wanted[from] <= width) {
            used += GAP + wanted[from];
            columns.push(from);
            from += 1;
        }
        let spare = (width - GAP * (columns.len() - 1) as f64).max(1.0);
        let sum: f64 = columns.iter().map(|&column| wanted[column]).sum();
        let shrink = (spare / sum).min(1.0);
        let sizes: Vec<(usize, f64)> =
            columns.iter().map(|&column| (column, wanted[column] * shrink)).collect();
        put(flow, table, &sizes, x);
        if from >= count {
            break;
        }
        flow.space(10.0);
    }
}

/// How high the head of a table and its first row are.
pub(super) fn begin(flow: &Flow<'_>, table: &Table, width: f64) -> f64 {
    let sizes: Vec<(usize, f64)> = wanted(flow, table, width).into_iter().enumerate().collect();
    let head = row(flow, &table.head, &sizes, &table.ways, 0.0, HEAD).height(HEAD);
    let first =
        table.rows.first().map_or(0.0, |cells| row(flow, cells, &sizes, &table.ways, 0.0, LOOK).height(LOOK));
    head + first + 3.0
}

/// How wide each column would like to be. Where that is too much for the page, names of columns and long texts are broken
/// into lines, as little as need be.
fn wanted(flow: &Flow<'_>, table: &Table, width: f64) -> Vec<f64> {
    let wide = |cell: &[Span], look: Look| {
        lines(cell, look, f64::INFINITY, flow.measure).iter().map(|line| line.width).fold(0.0, f64::max)
    };
    // A little more than it is wide by measure: rounding must not break a line.
    let fit = |wish: f64, most: f64| (wish + 0.5).clamp(12.0, width * most);
    let (mut whole, mut least) = (Vec::new(), Vec::new());
    for (column, head) in table.head.iter().enumerate() {
        let cells = table.rows.iter().filter_map(|row| row.get(column)).map(|cell| wide(cell, LOOK));
        let body = cells.fold(0.0, f64::max);
        let words = head.iter().flat_map(|span| span.text.split_whitespace());
        let word = words.map(|word| (flow.measure)(word, Face::Strong, HEAD.size)).fold(0.0, f64::max);
        whole.push(fit(body.max(wide(head, HEAD)), WIDEST));
        least.push(fit(body.min(width * NARROW).max(word), WIDEST));
    }
    let room = width - GAP * (whole.len() - 1) as f64;
    let (all, few): (f64, f64) = (whole.iter().sum(), least.iter().sum());
    if all <= room {
        return whole;
    }
    if few > room {
        return least;
    }
    let share = (room - few) / (all - few);
    least.iter().zip(&whole).map(|(least, whole)| least + (whole - least) * share).collect()
}

/// A row as it is set.
struct Row {
    cells: Vec<(f64, f64, Way, Vec<Line>)>,
    lines: usize,
}

fn row(
    flow: &Flow<'_>,
    cells: &[Vec<Span>],
    sizes: &[(usize, f64)],
    ways: &[Way],
    x: f64,
    look: Look,
) -> Row {
    let mut left = x;
    let mut set = Vec::with_capacity(sizes.len());
    for &(column, width) in sizes {
        let text = cells.get(column).map(Vec::as_slice).unwrap_or_default();
        let way = ways.get(column).copied().unwrap_or_default();
        set.push((left, width, way, lines(text, look, width, flow.measure)));
        left += width + GAP;
    }
    let lines = set.iter().map(|(.., lines)| lines.len()).max().unwrap_or(1);
    Row { cells: set, lines }
}

impl Row {
    fn height(&self, look: Look) -> f64 {
        self.lines as f64 * look.size * LEADING + 2.0 * PAD
    }

    fn line(&self, flow: &mut Flow<'_>, at: usize, look: Look) {
        let y = flow.take(look.size * LEADING) + look.size * BASE;
        for (x, width, way, lines) in &self.cells {
            for item in lines.get(at).into_iter().flat_map(|line| line.items(*x, y, *width, *way)) {
                flow.put(item);
            }
        }
    }

    /// All of it, where there is room.
    fn put(&self, flow: &mut Flow<'_>, look: Look) {
        flow.take(PAD);
        (0..self.lines).for_each(|at| self.line(flow, at, look));
        flow.take(PAD);
    }
}

fn put(flow: &mut Flow<'_>, table: &Table, sizes: &[(usize, f64)], x: f64) {
    let width = sizes.iter().map(|(_, width)| width + GAP).sum::<f64>() - GAP;
    let rule = |flow: &mut Flow<'_>, ink: Ink| {
        let y = flow.take(0.75);
        flow.put(Item::Box { x, y, width, height: 0.75, ink });
    };
    let head = row(flow, &table.head, sizes, &table.ways, x, HEAD);
    let high = head.height(HEAD) + 1.5;
    // A head that takes much of a page is told once.
    let repeat = high < Flow::room() / 3.0;
    let heading = |flow: &mut Flow<'_>| {
        rule(flow, Ink::Black);
        head.put(flow, HEAD);
        rule(flow, Ink::Black);
    };
    if repeat {
        let first = table
            .rows
            .first()
            .map_or(0.0, |cells| row(flow, cells, sizes, &table.ways, x, LOOK).height(LOOK));
        flow.need((high + first + 1.5).min(Flow::room()));
        heading(flow);
    } else {
        long(flow, &head, HEAD, &|_| {});
    }
    let again = |flow: &mut Flow<'_>| {
        if repeat {
            heading(flow);
        }
    };
    for (place, cells) in table.rows.iter().enumerate() {
        let row = row(flow, cells, sizes, &table.ways, x, LOOK);
        let high = row.height(LOOK) + 1.5;
        if !flow.fits(high) {
            let above = if repeat { head.height(HEAD) + 1.5 } else { 0.0 };
            if high + above > Flow::room() {
                long(flow, &row, LOOK, &again);
                continue;
            }
            flow.need(f64::INFINITY);
            again(flow);
        } else if place > 0 {
            let y = flow.take(0.5);
            flow.put(Item::Box { x, y, width, height: 0.5, ink: Ink::Line });
        }
        row.put(flow, LOOK);
    }
    flow.need(1.0);
    rule(flow, Ink::Black);
}

/// A row that no page can hold, line by line.
fn long(flow: &mut Flow<'_>, row: &Row, look: Look, again: &dyn Fn(&mut Flow<'_>)) {
    for at in 0..row.lines {
        if !flow.fits(look.size * LEADING) {
            flow.need(f64::INFINITY);
            again(flow);
        }
        row.line(flow, at, look);
    }
}
