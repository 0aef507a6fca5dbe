//! A bar for each run, or for each group of runs with a mark for its spread.

use super::super::{PlotRect, short};
use super::axis::PlotAxis;
use super::rows::{EDGE, GAP, Rows, write_empty};
use super::sheet::{Anchor, Sheet};
use super::value::{Column, Group, Runs, Value, say};
use super::{Centre, Mark, NAMED, Page, RenderedPlot, Spread, Table, without};
use crate::goal::Goal;
use crate::series::Scale;
use crate::stats::{deviation, mean, median, quantile, sorted, standard_error};

/// How bars are drawn.
#[derive(Debug, Clone, Copy, Default)]
pub struct BarOptions {
    /// What a group's bar shows.
    pub centre: Centre,
    /// What the mark on it shows.
    pub spread: Spread,
    /// The best first; as they come if absent.
    pub best_first: Option<Goal>,
    /// How values map to lengths.
    pub scale: Scale,
}

/// A bar.
struct Bar {
    label: String,
    colour: usize,
    runs: Vec<usize>,
    /// How many values it is made of.
    count: usize,
    value: f64,
    /// The ends of the mark.
    ends: Option<(f64, f64)>,
}

/// The colours of groups: few are told apart by colour, as the lines of a chart of the same runs are, which takes them
/// by their first runs; of many the names have to do.
pub(super) fn group_colours(groups: &[Group]) -> Vec<usize> {
    if groups.len() > super::super::PALETTE {
        return vec![0; groups.len()];
    }
    let first = |group: &Group| group.runs.iter().copied().min();
    groups.iter().map(|own| groups.iter().filter(|other| first(other) < first(own)).count()).collect()
}

/// What stands for values, and how far they reach around it.
pub(super) fn centre_and_ends(
    values: &[f64],
    centre: Centre,
    spread: Spread,
) -> Option<(f64, Option<(f64, f64)>)> {
    let ordered = sorted(values.to_vec());
    let value = match centre {
        Centre::Mean => mean(&ordered)?,
        Centre::Median => median(&ordered)?,
    };
    let around = |half: Option<f64>| half.map(|half| (value - half, value + half));
    let ends = match spread {
        Spread::None => None,
        Spread::Deviation => around(deviation(&ordered)),
        Spread::Error => around(standard_error(&ordered)),
        Spread::Quantile => quantile(&ordered, 0.25).zip(quantile(&ordered, 0.75)),
        Spread::Range => ordered.first().copied().zip(ordered.last().copied()),
    };
    Some((value, ends.filter(|_| values.len() > 1)))
}

impl Spread {
    /// In a sentence.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::None => "nothing",
            Self::Deviation => "one standard deviation of the sample to both sides",
            Self::Error => "one standard error of the mean to both sides",
            Self::Quantile => "the 25 % to the 75 % quantile",
            Self::Range => "the least to the greatest value",
        }
    }
}

/// Draws a bar for each run, or for each group if there are groups.
#[must_use]
pub fn render_bars(
    page: &Page,
    runs: Runs<'_>,
    column: &Column,
    groups: Option<&[Group]>,
    options: &BarOptions,
) -> RenderedPlot {
    let mut notes = Vec::new();
    let mut bars = match groups {
        None => of_runs(runs, column),
        Some(groups) => of_groups(column, groups, options, &mut notes),
    };
    let missing = column.values.iter().filter(|value| value.number().is_none()).count();
    notes.extend(without(missing, &column.name));
    if let Some(goal) = options.best_first {
        let sign = if goal == Goal::Min { 1.0 } else { -1.0 };
        let key = |bar: &Bar| (bar.value.is_nan(), bar.value * sign);
        bars.sort_by(|a, b| key(a).0.cmp(&key(b).0).then(key(a).1.total_cmp(&key(b).1)));
    }

    let sheet = Sheet::new(page);
    let names: Vec<&str> = bars.iter().map(|bar| &*bar.label).collect();
    let said: Vec<String> = bars.iter().map(|bar| tell(bar.value, column, page)).collect();
    let widest = said.iter().map(|text| sheet.wide(text)).fold(0.0, f64::max);
    let rows = Rows::new(&sheet, &names, true, widest + GAP);
    notes.extend(rows.note(bars.len(), if groups.is_some() { "groups" } else { "runs" }));
    let numbers = bars[..rows.shown].iter().flat_map(|bar| {
        let (low, high) = bar.ends.unwrap_or((bar.value, bar.value));
        [bar.value, low, high].into_iter().filter(|number| number.is_finite())
    });
    let title = column.name.clone();
    let mut axis = PlotAxis::of_numbers(title, column.kind, numbers, options.scale, 0.02, true);
    if rows.shown == 0 || axis.is_empty() {
        write_empty(&sheet, rows.plot, "Nothing to show");
    } else {
        rows.write_axis(&sheet, &mut axis, &page.zone);
        rows.write_names(&sheet, &names);
        draw(&sheet, &rows, &axis, &bars, &said);
    }
    if groups.is_some() && options.spread != Spread::None {
        notes.push(format!("The mark on a bar reaches over {}.", options.spread.words()));
    }
    if axis.is_log() {
        notes.push("On a logarithmic axis the lengths of bars say nothing, only their ends do.".into());
    }
    let marks = bars[..rows.shown].iter().enumerate().map(|(index, bar)| Mark {
        runs: bar.runs.iter().copied().take(NAMED).collect(),
        count: bar.runs.len(),
        label: bar.label.clone(),
        colour: groups.is_none().then_some(bar.colour),
        place: rows.whole(index),
        lines: lines(bar, column, groups.is_some(), options, page),
    });
    let (width, height) = (sheet.width, sheet.height);
    RenderedPlot {
        roomy: rows.roomy,
        plot: rows.plot,
        x: axis.ends(),
        y: None,
        marks: marks.take(super::MARKS).collect(),
        table: table(&bars[..rows.shown], column, groups.is_some()),
        notes,
        svg: sheet.finish(&page.title),
        width,
        height,
    }
}

fn of_runs(runs: Runs<'_>, column: &Column) -> Vec<Bar> {
    let bar = |(run, subject): (usize, &super::Subject)| {
        let value = column.of(run).number()?;
        let (label, colour) = (subject.name.clone(), subject.colour);
        Some(Bar { label, colour, runs: vec![run], count: 1, value, ends: None })
    };
    runs.iter().enumerate().filter_map(bar).collect()
}

fn of_groups(column: &Column, groups: &[Group], options: &BarOptions, notes: &mut Vec<String>) -> Vec<Bar> {
    let mut odd = 0;
    let colours = group_colours(groups);
    let bars = groups.iter().zip(colours).filter_map(|(group, colour)| {
        let all: Vec<f64> = group.runs.iter().filter_map(|&run| column.of(run).number()).collect();
        let finite: Vec<f64> = all.iter().copied().filter(|number| number.is_finite()).collect();
        odd += all.len() - finite.len();
        if all.is_empty() {
            return None;
        }
        let (value, ends) =
            centre_and_ends(&finite, options.centre, options.spread).unwrap_or((f64::NAN, None));
        let (label, runs) = (group.label.clone(), group.runs.clone());
        Some(Bar { label, colour, runs, count: finite.len(), value, ends })
    });
    let bars = bars.collect();
    if odd > 0 {
        notes.push(format!("{odd} NaN or infinite values of {} count in no group.", column.name));
    }
    bars
}

fn tell(value: f64, column: &Column, page: &Page) -> String {
    match column.kind {
        super::ValueKind::Plain => short(value, 4),
        kind => say(value, kind, &page.zone),
    }
}

fn draw(sheet: &Sheet, rows: &Rows, axis: &PlotAxis, bars: &[Bar], said: &[String]) {
    let zero = rows.at(axis, 0.0).unwrap_or(rows.plot.x);
    let (thick, right) = (rows.thickness(), rows.plot.x + rows.plot.width);
    for (index, bar) in bars[..rows.shown].iter().enumerate() {
        let (middle, ink) = (rows.middle(index), sheet.run_ink(bar.colour));
        // An infinite bar goes to the end of the axis; what is NaN has none.
        let end = match bar.value {
            f64::INFINITY => Some(right),
            value => rows.at(axis, value),
        };
        let mut beside = zero;
        if let Some(end) = end {
            let place = PlotRect {
                x: zero.min(end),
                y: middle - thick / 2.0,
                width: (end - zero).abs().max(1.0),
                height: thick,
            };
            sheet.bar(place, ink.faint(if bar.ends.is_some() { 0.62 } else { 0.86 }));
            beside = beside.max(end);
        }
        if let Some((low, high)) = bar.ends {
            let (low, high) =
                (rows.at(axis, low).unwrap_or(rows.plot.x), rows.at(axis, high).unwrap_or(rows.plot.x));
            let cap = (thick * 0.22).clamp(1.0, 4.0);
            sheet.line([(low, middle), (high, middle)], ink, 1.5);
            for end in [low, high] {
                sheet.line([(end, middle - cap), (end, middle + cap)], ink, 1.5);
            }
            beside = beside.max(high);
        }
        if rows.named {
            let room = sheet.width - EDGE / 2.0 - beside - GAP;
            sheet.label((beside + GAP, middle), &sheet.fitted(&said[index], room), Anchor::Left);
        }
    }
    if !axis.is_log() {
        let (top, bottom) = (rows.plot.y, rows.plot.y + rows.plot.height);
        sheet.line([(zero, top), (zero, bottom)], sheet.label_ink().faint(0.6), 1.0);
    }
}

fn lines(bar: &Bar, column: &Column, grouped: bool, options: &BarOptions, page: &Page) -> Vec<String> {
    let told = |value: f64| say(value, column.kind, &page.zone);
    if !grouped {
        return vec![format!("{}: {}", column.name, told(bar.value))];
    }
    let half = |low: f64, high: f64| match column.kind {
        super::ValueKind::Duration => told((high - low) / 2.0),
        _ => short((high - low) / 2.0, 4),
    };
    let centre = if options.centre == Centre::Mean { "mean" } else { "median" };
    let mut lines = vec![format!("{centre} of {}: {}", column.name, told(bar.value))];
    if let Some((low, high)) = bar.ends {
        lines.push(match options.spread {
            Spread::Deviation => format!("standard deviation: {}", half(low, high)),
            Spread::Error => format!("standard error: {}", half(low, high)),
            _ => format!("from {} to {}", told(low), told(high)),
        });
    }
    lines.push(format!("values: {}", bar.count));
    lines
}

fn table(bars: &[Bar], column: &Column, grouped: bool) -> Table {
    let text = |label: &str| Value::Text(label.to_owned());
    if !grouped {
        let rows = bars.iter().map(|bar| vec![text(&bar.label), Value::Number(bar.value)]);
        return Table { header: vec!["run".into(), column.name.clone()], rows: rows.collect() };
    }
    let end = |end: Option<f64>| end.map_or(Value::Missing, Value::Number);
    let rows = bars.iter().map(|bar| {
        let (low, high) = (end(bar.ends.map(|ends| ends.0)), end(bar.ends.map(|ends| ends.1)));
        vec![text(&bar.label), Value::Number(bar.value), low, high, Value::Number(bar.count as f64)]
    });
    let header = ["group", &column.name, "low", "high", "values"].map(str::to_owned).to_vec();
    Table { header, rows: rows.collect() }
}
