//! Runs by two columns, with the Pareto front, coloured by a third.

use std::collections::HashMap;

use super::super::PlotRect;
use super::axis::{Place, PlotAxis};
use super::legend::Shading;
use super::rows::{EDGE, GAP, LABELLED, write_empty};
use super::sheet::{Anchor, Ink, Sheet};
use super::value::{Column, Runs, Value};
use super::{MARKS, Mark, NAMED, Page, RenderedPlot, Table, without};
use crate::goal::Goal;
use crate::series::Scale;
use crate::stats::front;

/// What a scatter plot shows.
#[derive(Debug, Clone, Copy)]
pub struct ScatterOptions<'a> {
    /// The horizontal axis.
    pub x: &'a Column,
    /// The vertical axis.
    pub y: &'a Column,
    /// What colours the points; each run's own colour if absent.
    pub colour: Option<&'a Column>,
    /// How numbers map to places.
    pub x_scale: Scale,
    /// How numbers map to places.
    pub y_scale: Scale,
    /// Which way the two are better: the Pareto front is drawn.
    pub front: Option<(Goal, Goal)>,
}

/// A run that has a place.
struct Dot {
    run: usize,
    at: (f64, f64),
    /// Where a triangle points that stands for it, because one of its values has no place on the axis.
    off: Option<(f64, f64)>,
}

/// Room for axes at the left and below: left, top, right, bottom.
pub(super) fn lay_out(
    sheet: &Sheet,
    page: &Page,
    x: &mut PlotAxis,
    y: &mut PlotAxis,
    right: f64,
) -> PlotRect {
    let font = sheet.font;
    let low = sheet.height < LABELLED;
    let top = if low || y.title.is_empty() { EDGE } else { EDGE + font * 1.5 };
    let below = if low { 4.0 } else { font * if x.title.is_empty() { 1.4 } else { 2.9 } + 4.0 };
    let height = (sheet.height - top - below).max(8.0);
    y.choose_down(height, font, &page.zone);
    let widest = y.ticks.iter().map(|(_, label)| sheet.wide(label)).fold(0.0, f64::max);
    let labelled = sheet.width >= 80.0 && !low;
    let left = if labelled { (widest + GAP + EDGE).min(sheet.width * 0.35).max(28.0) } else { EDGE };
    let width = (sheet.width - left - right - EDGE).max(8.0);
    x.choose_across(width, font, &page.zone);
    PlotRect { x: left, y: top, width, height }
}

/// Grid, labels and titles of two axes.
pub(super) fn write_axes(sheet: &Sheet, plot: PlotRect, x: &PlotAxis, y: &PlotAxis) {
    let (right, bottom, font) = (plot.x + plot.width, plot.y + plot.height, sheet.font);
    let low = sheet.height < LABELLED;
    let slot = x.slot().map_or(f64::INFINITY, |part| part * plot.width - font * 0.6);
    for (part, label) in &x.ticks {
        let at = plot.x + part * plot.width;
        if x.words().is_none() {
            sheet.line([(at, plot.y), (at, bottom)], sheet.grid_ink(), 1.0);
        }
        if !low {
            let label = sheet.fitted(label, slot);
            let half = sheet.wide(&label) / 2.0;
            let held = at.clamp(half + 1.0, (sheet.width - half - 1.0).max(half + 1.0));
            sheet.label((held, bottom + 3.0 + font * 0.6), &label, Anchor::Middle);
        }
    }
    for (part, label) in &y.ticks {
        let at = bottom - part * plot.height;
        if y.words().is_none() {
            sheet.line([(plot.x, at), (right, at)], sheet.grid_ink(), 1.0);
        }
        if plot.x > EDGE {
            let label = sheet.fitted(label, plot.x - GAP);
            sheet.label((plot.x - GAP, at), &label, Anchor::Right);
        }
    }
    if low {
        return;
    }
    let across = sheet.fitted(&x.title, sheet.width - 2.0 * EDGE);
    let end = right.max((sheet.wide(&across) + EDGE).min(sheet.width - EDGE));
    sheet.label((end, bottom + 4.0 + font * 2.1), &across, Anchor::Right);
    if !y.title.is_empty() {
        let down = sheet.fitted(&y.title, right - EDGE);
        sheet.label((EDGE, plot.y - font), &down, Anchor::Left);
    }
}

/// Draws runs by two columns.
#[must_use]
pub fn render_scatter(page: &Page, runs: Runs<'_>, options: &ScatterOptions<'_>) -> RenderedPlot {
    let ScatterOptions { x, y, colour, .. } = *options;
    let mut notes = Vec::new();
    let sheet = Sheet::new(page);
    let shading = Shading::new(colour, page.theme);
    let legend = shading.width(&sheet, &page.zone);
    let (mut across, mut down) =
        (PlotAxis::new(x, options.x_scale, 0.04, false), PlotAxis::new(y, options.y_scale, 0.04, false));
    let plot = lay_out(&sheet, page, &mut across, &mut down, legend);
    let mut nowhere = 0;
    let mut dots = Vec::new();
    for run in 0..runs.len() {
        match place(run, (x, y), (&across, &down), plot) {
            Some(dot) => dots.push(dot),
            None => nowhere += 1,
        }
    }
    notes.extend(without(nowhere, &format!("{} and {}", x.name, y.name)));
    let off = dots.iter().filter(|dot| dot.off.is_some()).count();
    if off > 0 {
        let which = if off == 1 { "1 run has" } else { &format!("{off} runs have") };
        notes.push(format!(
            "{which} a value with no place on an axis (NaN, infinite, or not positive on a logarithmic one): a triangle \
             at the edge."
        ));
    }
    notes.extend(shading.note());
    let best = best(options, runs.len());
    if dots.is_empty() {
        write_empty(&sheet, plot, "Nothing to show");
    } else {
        write_axes(&sheet, plot, &across, &down);
        shading.draw(&sheet, (plot.y, plot.y + plot.height), &page.zone);
        draw_dots(&sheet, &shading, runs, &dots);
        draw_front(&sheet, &best, &dots, options.front);
    }
    if options.front.is_some() && !best.is_empty() {
        let count = best.len();
        let which = if count == 1 { "1 run is" } else { &format!("{count} runs are") };
        notes.push(format!(
            "{which} on the Pareto front: no other run is better in one of the two and at least as good in the other."
        ));
    }
    let on_front: Vec<bool> =
        (0..runs.len()).map(|run| best.binary_search_by_key(&run, |&(run, _)| run).is_ok()).collect();
    let marks = marks(page, runs, options, &dots, &on_front);
    let shown: Vec<usize> = dots.iter().map(|dot| dot.run).collect();
    let (width, height) = (sheet.width, sheet.height);
    RenderedPlot {
        roomy: None,
        plot,
        x: across.ends(),
        y: down.ends(),
        marks,
        table: table(runs, options, &shown, &on_front),
        notes,
        svg: sheet.finish(&page.title),
        width,
        height,
    }
}

/// Runs of one category lie beside each other, always the same way.
fn beside(run: usize, axis: &PlotAxis, factor: f64) -> f64 {
    axis.words().map_or(0.0, |words| ((run as f64 * factor).fract() - 0.5) * 0.5 / words.len() as f64)
}

fn place(
    run: usize,
    (x, y): (&Column, &Column),
    (across, down): (&PlotAxis, &PlotAxis),
    plot: PlotRect,
) -> Option<Dot> {
    const INSET: f64 = 1.0;
    let (left, right) = (plot.x, plot.x + plot.width);
    let (top, bottom) = (plot.y, plot.y + plot.height);
    let at_x = |part: f64| left + (part + beside(run, across, 0.618_033_988_75)) * plot.width;
    let at_y = |part: f64| bottom - (part + beside(run, down, 0.754_877_666_25)) * plot.height;
    let dot = |at, off| Some(Dot { run, at, off });
    match (across.place(x.of(run)), down.place(y.of(run))) {
        (Place::Missing, _) | (_, Place::Missing) => None,
        (Place::At(u), Place::At(v)) => dot((at_x(u), at_y(v)), None),
        (Place::At(u), Place::Nan) => dot((at_x(u), top + 5.0), Some((0.0, 1.0))),
        (Place::At(u), Place::Above) => dot((at_x(u), top + INSET), Some((0.0, -1.0))),
        (Place::At(u), Place::Below) => dot((at_x(u), bottom - INSET), Some((0.0, 1.0))),
        (Place::Nan, Place::At(v)) => dot((right - 5.0, at_y(v)), Some((-1.0, 0.0))),
        (Place::Above, Place::At(v)) => dot((right - INSET, at_y(v)), Some((1.0, 0.0))),
        (Place::Below, Place::At(v)) => dot((left + INSET, at_y(v)), Some((-1.0, 0.0))),
        // Neither has a place: a corner.
        (u, v) => {
            let at = (
                if u == Place::Below { left + INSET } else { right - INSET },
                if v == Place::Below { bottom - INSET } else { top + INSET },
            );
            dot(at, Some((if u == Place::Below { -1.0 } else { 1.0 }, 0.0)))
        }
    }
}

fn draw_dots(sheet: &Sheet, shading: &Shading<'_>, runs: Runs<'_>, dots: &[Dot]) {
    let (diameter, alpha) = match dots.len() {
        0..=200 => (6.0, 0.85),
        201..=2000 => (4.5, 0.6),
        _ => (3.0, 0.4),
    };
    // Those of one colour are one element, in the order in which the colours first occur.
    let mut by_ink: Vec<(Ink, Vec<(f64, f64)>)> = Vec::new();
    let mut known: HashMap<(u8, u8, u8), usize> = HashMap::new();
    for dot in dots {
        let ink = shading.ink(sheet, dot.run, runs[dot.run].colour);
        if let Some(way) = dot.off {
            sheet.triangle(dot.at, way, ink.unwrap_or(sheet.label_ink()));
            continue;
        }
        let Some(ink) = ink else {
            sheet.ring(dot.at, sheet.label_ink().faint(0.8), diameter / 2.0, 1.0);
            continue;
        };
        let key = (ink.colour.0, ink.colour.1, ink.colour.2);
        let place = *known.entry(key).or_insert_with(|| {
            by_ink.push((ink, Vec::new()));
            by_ink.len() - 1
        });
        by_ink[place].1.push(dot.at);
    }
    for (ink, places) in by_ink {
        // A transparent path is not darker where it lies over itself: where dots do, they are drawn in parts.
        for part in places.chunks((places.len() / 8).max(200)) {
            sheet.dots(part.iter().copied(), ink.faint(alpha), diameter);
            // Another width closes the path.
            sheet.line(std::iter::empty(), ink, 0.0);
        }
    }
}

/// Runs on the Pareto front, by their places, with their values.
fn best(options: &ScatterOptions<'_>, count: usize) -> Vec<(usize, (f64, f64))> {
    let Some((goal_x, goal_y)) = options.front else { return Vec::new() };
    if !options.x.is_numeric() || !options.y.is_numeric() {
        return Vec::new();
    }
    let pair = |run: usize| {
        let finite = |column: &Column| column.of(run).number().filter(|number| number.is_finite());
        Some((run, (finite(options.x)?, finite(options.y)?)))
    };
    let all: Vec<(usize, (f64, f64))> = (0..count).filter_map(pair).collect();
    let points: Vec<(f64, f64)> = all.iter().map(|(_, point)| *point).collect();
    let mut best: Vec<(usize, (f64, f64))> =
        front(&points, goal_x, goal_y).into_iter().map(|i| all[i]).collect();
    best.sort_by_key(|(run, _)| *run);
    best
}

fn draw_front(sheet: &Sheet, best: &[(usize, (f64, f64))], dots: &[Dot], goals: Option<(Goal, Goal)>) {
    let Some((goal_x, _)) = goals else { return };
    let placed = |run: usize| {
        let index = dots.binary_search_by_key(&run, |dot| dot.run).ok()?;
        dots[index].off.is_none().then_some(dots[index].at)
    };
    let mut corners: Vec<(f64, f64)> = best.iter().filter_map(|(run, _)| placed(*run)).collect();
    if corners.is_empty() {
        return;
    }
    let ink = sheet.label_ink();
    for &at in &corners {
        sheet.ring(at, ink, 4.6, 1.2);
    }
    corners.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    if goal_x == Goal::Max {
        corners.reverse();
    }
    let mut path = Vec::new();
    for (index, &corner) in corners.iter().enumerate() {
        if index > 0 {
            path.push((corner.0, corners[index - 1].1));
        }
        path.push(corner);
    }
    sheet.line(path, ink.faint(0.65), 1.2);
}

/// One mark for each cell of a grid that has dots in it, as fine as leaves no more than can be pointed at.
fn marks(
    page: &Page,
    runs: Runs<'_>,
    options: &ScatterOptions<'_>,
    dots: &[Dot],
    front: &[bool],
) -> Vec<Mark> {
    let mut cell = 5.0;
    let mut cells: HashMap<(i64, i64), Vec<&Dot>> = HashMap::new();
    loop {
        for dot in dots {
            let key = ((dot.at.0 / cell) as i64, (dot.at.1 / cell) as i64);
            cells.entry(key).or_default().push(dot);
        }
        if cells.len() <= MARKS {
            break;
        }
        cells.clear();
        cell *= 1.5;
    }
    let mut all: Vec<Vec<&Dot>> = cells.into_values().collect();
    // One on the front speaks for its cell.
    all.iter_mut().for_each(|dots| dots.sort_by_key(|dot| (!front[dot.run], dot.run)));
    all.sort_by_key(|dots| dots[0].run);
    let mark = |dots: Vec<&Dot>| {
        let first = dots[0];
        let subject = &runs[first.run];
        let columns = [Some(options.x), Some(options.y), options.colour];
        let mut lines: Vec<String> =
            columns.into_iter().flatten().map(|column| column.line(first.run, &page.zone)).collect();
        if front[first.run] {
            lines.push("on the Pareto front".into());
        }
        if dots.len() > 1 {
            lines.push(format!("and {} more here", dots.len() - 1));
        }
        Mark {
            runs: dots.iter().map(|dot| dot.run).take(NAMED).collect(),
            count: dots.len(),
            label: subject.name.clone(),
            colour: Some(subject.colour),
            place: PlotRect { x: first.at.0 - 4.0, y: first.at.1 - 4.0, width: 8.0, height: 8.0 },
            lines,
        }
    };
    all.into_iter().map(mark).collect()
}

fn table(runs: Runs<'_>, options: &ScatterOptions<'_>, shown: &[usize], front: &[bool]) -> Table {
    let mut columns = vec![options.x, options.y];
    columns.extend(options.colour);
    let mut header = vec!["run".to_owned()];
    header.extend(columns.iter().map(|column| column.name.clone()));
    if options.front.is_some() {
        header.push("on the Pareto front".into());
    }
    let row = |&run: &usize| {
        let mut row = vec![Value::Text(runs[run].name.clone())];
        row.extend(columns.iter().map(|column| column.of(run).clone()));
        if options.front.is_some() {
            row.push(Value::Bool(front[run]));
        }
        row
    };
    Table { header, rows: shown.iter().map(row).collect() }
}
