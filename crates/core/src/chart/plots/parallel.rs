//! Parallel coordinates: an axis for each column, and a line through them for each run.

use super::super::PlotRect;
use super::axis::{Place, PlotAxis};
use super::legend::Shading;
use super::rows::{EDGE, LABELLED, write_empty};
use super::sheet::{Anchor, Ink, Sheet};
use super::value::{Column, Runs, Value};
use super::{MARKS, Mark, Page, RenderedPlot, Table};
use crate::series::Scale;

/// Axes at most.
pub const AXES: usize = 12;
/// Lines at most: beyond them a picture is a single blot.
const LINES: usize = 2_000;
/// Width of the colours along the axis of the target, in CSS pixels.
const RAMP: f64 = 6.0;

/// What parallel coordinates show.
#[derive(Debug, Clone, Copy)]
pub struct ParallelOptions<'a> {
    /// The axes, from left to right; the first [`AXES`] are drawn.
    pub columns: &'a [Column],
    /// For each column whether its axis is logarithmic; where it is absent, that of positive values whose greatest is a
    /// hundred times the least.
    pub log: Option<&'a [bool]>,
    /// What colours the lines.
    pub colour: Option<&'a Column>,
}

fn scale_of(column: &Column, log: Option<bool>) -> Scale {
    let span = column.finite().fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), (_, number)| {
        (low.min(number), high.max(number))
    });
    let log =
        log.unwrap_or(column.kind == super::ValueKind::Plain && span.0 > 0.0 && span.1 / span.0 >= 100.0);
    if log { Scale::Log } else { Scale::Linear }
}

/// Draws runs as lines through axes side by side.
#[must_use]
pub fn render_parallel(page: &Page, runs: Runs<'_>, options: &ParallelOptions<'_>) -> RenderedPlot {
    let sheet = Sheet::new(page);
    let font = sheet.font;
    let mut notes = Vec::new();
    let columns = &options.columns[..options.columns.len().min(AXES)];
    if options.columns.len() > AXES {
        notes.push(format!("The first {AXES} of {} columns are drawn.", options.columns.len()));
    }
    let shading = Shading::new(options.colour, page.theme);
    let low = sheet.height < LABELLED;
    let top = if low { EDGE } else { EDGE + font * 1.9 };
    // The axis of the target is its own legend.
    let own = options.colour.and_then(|colour| columns.iter().position(|column| column.name == colour.name));
    let legend = if own.is_some() { RAMP + 4.0 } else { shading.width(&sheet, &page.zone) };
    let axis = |(index, column): (usize, &Column)| {
        let log = options.log.map(|log| log.get(index).copied().unwrap_or(false));
        PlotAxis::new(column, scale_of(column, log), 0.0, false)
    };
    let mut axes: Vec<PlotAxis> = columns.iter().enumerate().map(axis).collect();
    // What has no number there goes through a place of its own, below.
    let lacking = columns
        .iter()
        .zip(&axes)
        .any(|(column, axis)| (0..runs.len()).any(|run| !matches!(axis.place(column.of(run)), Place::At(_))));
    let below = if lacking && !low { font * 2.4 } else { EDGE };
    let height = (sheet.height - top - below).max(8.0);
    let labels = |axis: &PlotAxis| axis.ticks.iter().map(|(_, label)| sheet.wide(label)).fold(0.0, f64::max);
    for (axis, column) in axes.iter_mut().zip(columns) {
        axis.choose_down(height, font, &page.zone);
        axis.choose_values(column, height, font, &page.zone);
    }
    // The first axis has its labels at the left, the others as well: the last line ends on the last axis.
    let left = axes.first().map_or(EDGE, |axis| (labels(axis) + 6.0 + EDGE).min(sheet.width * 0.2).max(24.0));
    let width = (sheet.width - left - legend - EDGE - 6.0).max(8.0);
    let plot = PlotRect { x: left, y: top, width, height };
    let between = width / (axes.len().max(2) - 1) as f64;
    let x_of = |index: usize| plot.x + index as f64 * between;
    let bottom = plot.y + plot.height;
    let nowhere = bottom + below - font * 0.8;

    let mut order: Vec<usize> = (0..runs.len()).collect();
    if let Some(column) = options.colour {
        // The greatest of the target is drawn last, over the others; what has none first.
        order.sort_by(|&a, &b| {
            let key = |run: usize| column.of(run).number().filter(|number| number.is_finite());
            key(a)
                .is_some()
                .cmp(&key(b).is_some())
                .then_with(|| key(a).unwrap_or_default().total_cmp(&key(b).unwrap_or_default()))
        });
    }
    if order.len() > LINES {
        notes.push(format!("{LINES} of {} runs are drawn, evenly picked by what colours them.", order.len()));
        let all = order.len();
        order = (0..LINES).map(|index| order[index * (all - 1) / (LINES - 1)]).collect();
    }
    let points = |run: usize| -> Vec<(f64, f64)> {
        columns
            .iter()
            .zip(&axes)
            .enumerate()
            .map(|(index, (column, axis))| {
                let y = match axis.place(column.of(run)) {
                    Place::At(part) => bottom - part * plot.height,
                    Place::Above => plot.y - 3.0,
                    Place::Nan | Place::Below | Place::Missing => nowhere,
                };
                (x_of(index), y)
            })
            .collect()
    };
    if columns.is_empty() || runs.is_empty() {
        write_empty(&sheet, plot, "Nothing to show");
    } else {
        let (alpha, stroke) = match order.len() {
            0..=20 => (0.95, 1.5),
            21..=100 => (0.7, 1.2),
            101..=500 => (0.42, 1.0),
            _ => (0.22, 1.0),
        };
        for &run in &order {
            let ink = shading.ink(&sheet, run, runs[run].colour).unwrap_or(sheet.label_ink().faint(0.5));
            sheet.line(points(run), ink.faint(alpha * ink.alpha), stroke);
        }
        for (index, axis) in axes.iter().enumerate() {
            draw_axis(&sheet, axis, (x_of(index), between), (plot.y, bottom), low);
            if lacking && !low {
                let ink = sheet.label_ink().faint(0.35);
                sheet.dashed((x_of(index) - 7.0, nowhere), (x_of(index) + 7.0, nowhere), ink, 1.0);
            }
        }
        if lacking && !low {
            let text = sheet.fitted("none", left - EDGE - 8.0);
            sheet.label((plot.x - 10.0, nowhere), &text, Anchor::Right);
            notes.push(
                "Lines go through “none” where a run has no value, or one with no place on the axis.".into(),
            );
        }
        match own {
            Some(index) => draw_ramp(&sheet, &shading, &axes[index], x_of(index) + 4.0, (plot.y, bottom)),
            None => shading.draw(&sheet, (EDGE, bottom), &page.zone),
        }
    }
    let logs: Vec<&str> =
        columns.iter().zip(&axes).filter(|(_, axis)| axis.is_log()).map(|it| &*it.0.name).collect();
    if !logs.is_empty() {
        notes.push(format!("Logarithmic: {}.", logs.join(", ")));
    }
    notes.extend(shading.note());
    // Beyond so many, lines can be pointed at where they end alone.
    let everywhere = order.len() * columns.len() <= MARKS;
    let mut marks = Vec::new();
    for &run in order.iter().rev().take(MARKS).rev() {
        let lines: Vec<String> =
            columns.iter().chain(options.colour).map(|column| column.line(run, &page.zone)).collect();
        let points = points(run);
        let skip = if everywhere { 0 } else { points.len().saturating_sub(1) };
        for (x, y) in points.into_iter().skip(skip) {
            marks.push(Mark {
                runs: vec![run],
                count: 1,
                label: runs[run].name.clone(),
                colour: Some(runs[run].colour),
                place: PlotRect { x: x - 4.0, y: y - 3.0, width: 8.0, height: 6.0 },
                lines: lines.clone(),
            });
        }
    }
    let (width, height) = (sheet.width, sheet.height);
    RenderedPlot {
        roomy: None,
        plot,
        x: None,
        y: None,
        marks,
        table: table(runs, columns, options.colour, &order),
        notes,
        svg: sheet.finish(&page.title),
        width,
        height,
    }
}

/// The colours of the target along its axis.
fn draw_ramp(sheet: &Sheet, shading: &Shading<'_>, axis: &PlotAxis, x: f64, (top, bottom): (f64, f64)) {
    const STEPS: usize = 48;
    let height = (bottom - top) / STEPS as f64;
    for step in 0..STEPS {
        let part = (step as f64 + 0.5) / STEPS as f64;
        if let Some(colour) = axis.number_at(part).and_then(|number| shading.shade(number)) {
            let y = bottom - (step + 1) as f64 * height;
            sheet.cells(&[PlotRect { x, y, width: RAMP, height }], Ink::of(colour));
        }
    }
}

fn draw_axis(sheet: &Sheet, axis: &PlotAxis, (x, between): (f64, f64), (top, bottom): (f64, f64), low: bool) {
    let font = sheet.font;
    sheet.line([(x, top), (x, bottom)], sheet.label_ink().faint(0.55), 1.0);
    if low {
        return;
    }
    for (part, label) in &axis.ticks {
        let y = bottom - part * (bottom - top);
        sheet.line([(x - 3.0, y), (x, y)], sheet.label_ink().faint(0.55), 1.0);
        let label = sheet.fitted(label, (between * 0.62).min(x - EDGE - 2.0));
        // Lines go through here.
        let wide = sheet.wide(&label);
        let ground = PlotRect { x: x - 6.5 - wide, y: y - font * 0.6, width: wide + 3.0, height: font * 1.2 };
        sheet.bar(ground, Ink::of(sheet.colours.ground).faint(0.78));
        sheet.label((x - 5.0, y), &label, Anchor::Right);
    }
    let title = sheet.fitted(&axis.title, between - font * 0.8);
    let half = sheet.wide(&title) / 2.0;
    let held = x.clamp(EDGE + half, (sheet.width - EDGE - half).max(EDGE + half));
    sheet.label((held, top - font * 1.1), &title, Anchor::Middle);
}

fn table(runs: Runs<'_>, columns: &[Column], colour: Option<&Column>, order: &[usize]) -> Table {
    let all: Vec<&Column> = columns.iter().chain(colour).collect();
    let mut header = vec!["run".to_owned()];
    header.extend(all.iter().map(|column| column.name.clone()));
    let mut shown = order.to_vec();
    shown.sort_unstable();
    let row = |&run: &usize| {
        let mut row = vec![Value::Text(runs[run].name.clone())];
        row.extend(all.iter().map(|column| column.of(run).clone()));
        row
    };
    Table { header, rows: shown.iter().map(row).collect() }
}
