//! A sweep: a cell for each pair of values of two columns, shaded by a third.

use std::borrow::Cow;
use std::collections::HashMap;

use super::super::axis::AxisMap;
use super::super::{PlotRect, short};
use super::legend::Shading;
use super::ramp::takes_dark_text;
use super::rows::{EDGE, GAP, LABELLED, write_empty};
use super::sheet::{Anchor, Ink, Sheet};
use super::value::{Column, Runs, Value, ValueKind, say};
use super::{MARKS, Mark, NAMED, Page, RenderedPlot, Table, without};
use crate::goal::Goal;
use crate::series::Scale;
use crate::stats::{mean, median, sorted};
use plotters::style::RGBColor;

/// Above so many different numbers of a side they are put into bins.
const DIFFERENT: usize = 24;
const BINS: usize = 12;
/// Categories of a side at most.
const MOST: usize = 60;

/// What a cell shows of its runs' values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Statistic {
    /// The mean.
    #[default]
    Mean,
    /// The middle one.
    Median,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// How many runs there are.
    Count,
}

/// What a sweep shows.
#[derive(Debug, Clone, Copy)]
pub struct SweepOptions<'a> {
    /// From left to right.
    pub x: &'a Column,
    /// From bottom to top.
    pub y: &'a Column,
    /// What shades the cells.
    pub value: &'a Column,
    /// What a cell shows.
    pub statistic: Statistic,
    /// Which way the value is better: the best cell is marked.
    pub goal: Option<Goal>,
}

/// One side: where each run belongs, and what its places are called.
struct Side {
    of: Vec<Option<usize>>,
    labels: Vec<String>,
    note: Option<String>,
}

impl Side {
    fn of(column: &Column, count: usize, page: &Page) -> Self {
        let words = column.categories();
        let mut note = None;
        if column.is_numeric() && words.len() > DIFFERENT && column.finite().count() > DIFFERENT {
            return Self::binned(column, count, page);
        }
        if words.len() > MOST {
            note = Some(format!(
                "{} has {} different values: the first {MOST} are shown.",
                column.name,
                words.len()
            ));
        }
        let words = &words[..words.len().min(MOST)];
        let of = |run: usize| words.iter().position(|word| word.order(column.of(run)).is_eq());
        let labels = words.iter().map(|word| match word {
            Value::Number(number) if column.kind == ValueKind::Plain => short(*number, 4),
            word => word.say(column.kind, &page.zone),
        });
        Self { of: (0..count).map(of).collect(), labels: labels.collect(), note }
    }

    fn binned(column: &Column, count: usize, page: &Page) -> Self {
        let (low, high) =
            column.finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (_, number)| {
                (low.min(number), high.max(number))
            });
        let scale = if low > 0.0 && high / low >= 100.0 { Scale::Log } else { Scale::Linear };
        let map = AxisMap::new((low, high), scale);
        let of = |run: usize| {
            let number = column.of(run).number().filter(|number| number.is_finite())?;
            Some(((map.unit(number) * BINS as f64) as usize).min(BINS - 1))
        };
        let told = |edge: usize| {
            let value = map.value(edge as f64 / BINS as f64);
            if column.kind == ValueKind::Plain {
                short(value, 2)
            } else {
                say(value, column.kind, &page.zone)
            }
        };
        let labels = (0..BINS).map(|bin| format!("{}–{}", told(bin), told(bin + 1)));
        let kind = if scale == Scale::Log { "equal ratio" } else { "equal width" };
        let note = Some(format!("The values of {} are put into {BINS} bins of {kind}.", column.name));
        Self { of: (0..count).map(of).collect(), labels: labels.collect(), note }
    }
}

struct Cell {
    runs: Vec<usize>,
    value: f64,
    finite: usize,
}

/// Draws a sweep.
#[must_use]
pub fn render_sweep(page: &Page, runs: Runs<'_>, options: &SweepOptions<'_>) -> RenderedPlot {
    let SweepOptions { x, y, value, statistic, goal } = *options;
    let sheet = Sheet::new(page);
    let sides = (Side::of(x, runs.len(), page), Side::of(y, runs.len(), page));
    let mut notes: Vec<String> = sides.0.note.iter().chain(&sides.1.note).cloned().collect();
    let mut cells: HashMap<(usize, usize), Vec<usize>> = HashMap::new();
    let (mut nowhere, mut valueless) = (0, 0);
    for run in 0..runs.len() {
        match (sides.0.of[run], sides.1.of[run]) {
            (Some(_), Some(_)) if statistic != Statistic::Count && value.of(run).number().is_none() => {
                valueless += 1
            }
            (Some(column), Some(row)) => cells.entry((column, row)).or_default().push(run),
            _ => nowhere += 1,
        }
    }
    notes.extend(without(nowhere, &format!("{} and {}", x.name, y.name)));
    notes.extend(without(valueless, &value.name));
    let mut all: Vec<((usize, usize), Cell)> =
        cells.into_iter().map(|(place, runs)| (place, cell(runs, value, statistic))).collect();
    all.sort_by_key(|((column, row), _)| (*row, *column));

    let told = Column {
        name: title(value, statistic),
        kind: if statistic == Statistic::Count { ValueKind::Plain } else { value.kind },
        values: all.iter().map(|(_, cell)| Value::Number(cell.value)).collect(),
    };
    let shading = Shading::ramp(Cow::Owned(told.clone()), page.theme);
    let legend = if all.is_empty() { 0.0 } else { shading.width(&sheet, &page.zone) };
    let (plot, across, down) = lay_out(&sheet, (&sides.0, &sides.1), legend);
    let place = |(column, row): (usize, usize)| PlotRect {
        x: plot.x + column as f64 * across,
        y: plot.y + plot.height - (row + 1) as f64 * down,
        width: across,
        height: down,
    };
    let best = goal.filter(|_| statistic != Statistic::Count).and_then(|goal| {
        let sign = if goal == Goal::Min { 1.0 } else { -1.0 };
        let finite = all.iter().filter(|(_, cell)| cell.value.is_finite());
        finite.min_by(|a, b| (a.1.value * sign).total_cmp(&(b.1.value * sign))).map(|(place, _)| *place)
    });
    if all.is_empty() {
        write_empty(&sheet, plot, "Nothing to show");
    } else {
        write_labels(&sheet, plot, (&sides.0.labels, &sides.1.labels), (&x.name, &y.name), (across, down));
        for ((at, cell), value) in all.iter().zip(&told.values) {
            let number = value.number().unwrap_or(f64::NAN);
            draw_cell(&sheet, place(*at), cell, shading.shade(number), &told, page);
        }
        if let Some(best) = best {
            let PlotRect { x, y, width, height } = place(best);
            let inner = PlotRect { x: x + 1.5, y: y + 1.5, width: width - 3.0, height: height - 3.0 };
            sheet.outline(inner, sheet.label_ink(), 2.0);
            notes.push("The best cell has a frame.".into());
        }
        shading.draw(&sheet, (plot.y, plot.y + plot.height), &page.zone);
    }
    notes.extend(shading.note());
    if all.iter().any(|(_, cell)| cell.finite < cell.runs.len()) {
        notes.push("NaN and infinite values count in no cell’s number.".into());
    }
    let marks = all.iter().take(MARKS).map(|(at, cell)| {
        let say = |number: f64| say(number, told.kind, &page.zone);
        let mut lines =
            vec![format!("{}: {}", told.name, say(cell.value)), format!("runs: {}", cell.runs.len())];
        if Some(*at) == best {
            lines.push("the best".into());
        }
        Mark {
            runs: cell.runs.iter().copied().take(NAMED).collect(),
            count: cell.runs.len(),
            label: format!("{}: {} · {}: {}", x.name, sides.0.labels[at.0], y.name, sides.1.labels[at.1]),
            colour: None,
            place: place(*at),
            lines,
        }
    });
    let marks = marks.collect();
    let row = |(at, cell): &((usize, usize), Cell)| {
        vec![
            Value::Text(sides.0.labels[at.0].clone()),
            Value::Text(sides.1.labels[at.1].clone()),
            Value::Number(cell.value),
            Value::Number(cell.runs.len() as f64),
        ]
    };
    let header = vec![x.name.clone(), y.name.clone(), told.name.clone(), "runs".into()];
    let (width, height) = (sheet.width, sheet.height);
    RenderedPlot {
        roomy: None,
        plot,
        x: None,
        y: None,
        marks,
        table: Table { header, rows: all.iter().map(row).collect() },
        notes,
        svg: sheet.finish(&page.title),
        width,
        height,
    }
}

fn title(value: &Column, statistic: Statistic) -> String {
    let word = match statistic {
        Statistic::Mean => "mean",
        Statistic::Median => "median",
        Statistic::Min => "least",
        Statistic::Max => "greatest",
        Statistic::Count => return "runs".into(),
    };
    format!("{} ({word})", value.name)
}

fn cell(runs: Vec<usize>, value: &Column, statistic: Statistic) -> Cell {
    let numbers = runs.iter().filter_map(|&run| value.of(run).number());
    let finite = sorted(numbers.filter(|number| number.is_finite()).collect());
    let shown = match statistic {
        Statistic::Mean => mean(&finite),
        Statistic::Median => median(&finite),
        Statistic::Min => finite.first().copied(),
        Statistic::Max => finite.last().copied(),
        Statistic::Count => Some(runs.len() as f64),
    };
    let count = if statistic == Statistic::Count { runs.len() } else { finite.len() };
    Cell { runs, value: shown.unwrap_or(f64::NAN), finite: count }
}

/// The data area, and width and height of a cell.
fn lay_out(sheet: &Sheet, (x, y): (&Side, &Side), legend: f64) -> (PlotRect, f64, f64) {
    let font = sheet.font;
    let low = sheet.height < LABELLED;
    let top = if low { EDGE } else { EDGE + font * 1.5 };
    let below = if low { 4.0 } else { font * 2.9 + 4.0 };
    let widest = y.labels.iter().map(|label| sheet.wide(label)).fold(0.0, f64::max);
    let labelled = sheet.width >= 80.0 && !low;
    let left = if labelled { (widest + GAP + EDGE).min(sheet.width * 0.3).ceil() } else { EDGE };
    let plot = PlotRect {
        x: left,
        y: top,
        width: (sheet.width - left - legend - EDGE).max(8.0),
        height: (sheet.height - top - below).max(8.0),
    };
    (plot, plot.width / x.labels.len().max(1) as f64, plot.height / y.labels.len().max(1) as f64)
}

fn write_labels(
    sheet: &Sheet,
    plot: PlotRect,
    (x, y): (&[String], &[String]),
    (title_x, title_y): (&str, &str),
    (across, down): (f64, f64),
) {
    let (font, bottom) = (sheet.font, plot.y + plot.height);
    if sheet.height < LABELLED {
        return;
    }
    // Every so-manieth, where all have no room: one that would be cut to nothing says nothing.
    let widest = x.iter().map(|label| sheet.wide(label)).fold(0.0, f64::max).min(font * 5.0);
    let stride = ((widest + font * 0.6) / across).ceil().max(1.0) as usize;
    for (index, label) in x.iter().enumerate().step_by(stride) {
        let label = sheet.fitted(label, across * stride as f64 - font * 0.4);
        let half = sheet.wide(&label) / 2.0;
        let at = (plot.x + (index as f64 + 0.5) * across)
            .clamp(half + 1.0, (sheet.width - half - 1.0).max(half + 1.0));
        sheet.label((at, bottom + 3.0 + font * 0.6), &label, Anchor::Middle);
    }
    if plot.x > EDGE {
        let stride = (font * 1.2 / down).ceil().max(1.0) as usize;
        for (index, label) in y.iter().enumerate().step_by(stride) {
            let label = sheet.fitted(label, plot.x - GAP - EDGE / 2.0);
            sheet.label((plot.x - GAP, bottom - (index as f64 + 0.5) * down), &label, Anchor::Right);
        }
    }
    let across = sheet.fitted(title_x, sheet.width - 2.0 * EDGE);
    let end = (plot.x + plot.width).max((sheet.wide(&across) + EDGE).min(sheet.width - EDGE));
    sheet.label((end, bottom + 4.0 + font * 2.1), &across, Anchor::Right);
    sheet.label((EDGE, plot.y - font), &sheet.fitted(title_y, plot.x + plot.width - EDGE), Anchor::Left);
}

fn draw_cell(
    sheet: &Sheet,
    place: PlotRect,
    cell: &Cell,
    colour: Option<RGBColor>,
    told: &Column,
    page: &Page,
) {
    let gap = if place.width >= 8.0 && place.height >= 8.0 { 1.0 } else { 0.0 };
    let inner = PlotRect {
        x: place.x + gap / 2.0,
        y: place.y + gap / 2.0,
        width: place.width - gap,
        height: place.height - gap,
    };
    let text = match told.kind {
        ValueKind::Plain => short(cell.value, 3),
        kind => say(cell.value, kind, &page.zone),
    };
    let fits = sheet.wide(&text) + 4.0 <= inner.width && sheet.font * 1.2 <= inner.height;
    let middle = (place.x + place.width / 2.0, place.y + place.height / 2.0);
    match colour {
        Some(colour) => {
            sheet.cells(&[inner], Ink::of(colour));
            if fits {
                let on = if takes_dark_text(colour) {
                    RGBColor(0x1c, 0x1b, 0x19)
                } else {
                    RGBColor(0xff, 0xff, 0xff)
                };
                sheet.text(middle, &text, Anchor::Middle, Ink::of(on), sheet.font);
            }
        }
        None => {
            sheet.outline(inner, sheet.grid_ink(), 1.0);
            if fits {
                sheet.label(middle, &text, Anchor::Middle);
            }
        }
    }
}
