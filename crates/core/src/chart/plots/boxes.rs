//! A box for each group of runs, as Tukey drew them.

use super::super::PlotRect;
use super::axis::PlotAxis;
use super::bars::group_colours;
use super::rows::{EDGE, GAP, Rows, write_empty};
use super::sheet::{Anchor, Sheet};
use super::value::{Column, Group, Runs, Value, say};
use super::{Mark, NAMED, Page, RenderedPlot, Table, without};
use crate::series::Scale;
use crate::stats::{median, quantile, sorted};

/// Points that are drawn at most.
const POINTS: usize = 20_000;

/// How boxes are drawn.
#[derive(Debug, Clone, Copy)]
pub struct BoxOptions {
    /// All values as points, not only those beyond the whiskers.
    pub points: bool,
    /// How values map to places.
    pub scale: Scale,
}

/// The five numbers of a box, and what lies beyond its whiskers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Five {
    /// Ends of the whiskers: the last values within 1.5 times the length of the box.
    pub whiskers: (f64, f64),
    /// Ends of the box: the 25 % and the 75 % quantile.
    pub ends: (f64, f64),
    pub median: f64,
}

/// After J. W. Tukey, “Exploratory Data Analysis” (1977), with the quartiles that numpy and matplotlib take.
pub(super) fn five(ordered: &[f64]) -> Option<Five> {
    let (low, high) = (quantile(ordered, 0.25)?, quantile(ordered, 0.75)?);
    let reach = 1.5 * (high - low);
    // A whisker does not end inside the box, even if no value lies between the two.
    let first = ordered.iter().copied().find(|value| *value >= low - reach)?.min(low);
    let last = ordered.iter().copied().rev().find(|value| *value <= high + reach)?.max(high);
    Some(Five { whiskers: (first, last), ends: (low, high), median: median(ordered)? })
}

/// The ends of the whiskers of a box around values in ascending order, as it is drawn.
#[must_use]
pub fn whiskers(ordered: &[f64]) -> Option<(f64, f64)> {
    Some(five(ordered)?.whiskers)
}

struct Row {
    label: String,
    colour: usize,
    /// Run and value.
    values: Vec<(usize, f64)>,
    five: Five,
}

/// Draws a box for each group.
#[must_use]
pub fn render_boxes(
    page: &Page,
    runs: Runs<'_>,
    column: &Column,
    groups: &[Group],
    options: &BoxOptions,
) -> RenderedPlot {
    let mut notes = Vec::new();
    let missing = column.values.iter().filter(|value| value.number().is_none()).count();
    notes.extend(without(missing, &column.name));
    let log = options.scale == Scale::Log;
    let mut odd = 0;
    let mut boxes = Vec::new();
    for (group, colour) in groups.iter().zip(group_colours(groups)) {
        let numbers = group.runs.iter().filter_map(|&run| Some((run, column.of(run).number()?)));
        let (values, others): (Vec<_>, Vec<_>) =
            numbers.partition(|(_, value)| value.is_finite() && (!log || *value > 0.0));
        odd += others.len();
        let ordered = sorted(values.iter().map(|(_, value)| *value).collect());
        if let Some(five) = five(&ordered) {
            boxes.push(Row { label: group.label.clone(), colour, values, five });
        }
    }
    if odd > 0 {
        let what = if log { "NaN, infinite or not positive" } else { "NaN or infinite" };
        notes.push(format!("{odd} values of {} are {what} and have no place here.", column.name));
    }
    let sheet = Sheet::new(page);
    let names: Vec<&str> = boxes.iter().map(|row| &*row.label).collect();
    let counts: Vec<String> = boxes.iter().map(|row| format!("n = {}", row.values.len())).collect();
    let widest = counts.iter().map(|text| sheet.wide(text)).fold(0.0, f64::max);
    let rows = Rows::new(&sheet, &names, true, widest + GAP);
    notes.extend(rows.note(boxes.len(), "groups"));
    let shown = &boxes[..rows.shown];
    let numbers = shown.iter().flat_map(|row| row.values.iter().map(|(_, value)| *value));
    let title = column.name.clone();
    let mut axis = PlotAxis::of_numbers(title, column.kind, numbers, options.scale, 0.03, false);
    if shown.is_empty() {
        write_empty(&sheet, rows.plot, "Nothing to show");
    } else {
        rows.write_axis(&sheet, &mut axis, &page.zone);
        rows.write_names(&sheet, &names);
        let all: usize = shown.iter().map(|row| row.values.len()).sum();
        let points = options.points && all <= POINTS;
        if options.points && !points {
            notes.push(
                "There are too many values for a point each; those beyond the whiskers have one.".into(),
            );
        }
        for (index, row) in shown.iter().enumerate() {
            draw(&sheet, &rows, &axis, (index, row), points);
            if rows.named {
                let place = (sheet.width - EDGE, rows.middle(index));
                sheet.label(place, &counts[index], Anchor::Right);
            }
        }
        notes.push(
            "A box reaches from the 25 % to the 75 % quantile, its line is the median, and its whiskers end at the last \
             value within 1.5 times its length (Tukey)."
                .into(),
        );
        if shown.iter().any(|row| row.values.len() < 5) {
            notes.push("Of fewer than five values a box says little: look at the points.".into());
        }
    }
    let marks = marks(runs, column, shown, &rows, page);
    let (width, height) = (sheet.width, sheet.height);
    RenderedPlot {
        roomy: rows.roomy,
        plot: rows.plot,
        x: axis.ends(),
        y: None,
        marks,
        table: table(runs, column, shown),
        notes,
        svg: sheet.finish(&page.title),
        width,
        height,
    }
}

fn draw(sheet: &Sheet, rows: &Rows, axis: &PlotAxis, (index, row): (usize, &Row), points: bool) {
    let at = |value: f64| rows.at(axis, value).unwrap_or(rows.plot.x);
    let (middle, thick, ink) = (rows.middle(index), rows.thickness(), sheet.run_ink(row.colour));
    let Five { whiskers, ends, median } = &row.five;
    let place =
        PlotRect { x: at(ends.0), y: middle - thick / 2.0, width: at(ends.1) - at(ends.0), height: thick };
    sheet.bar(place, ink.faint(0.16));
    sheet.outline(place, ink, 1.0);
    let cap = (thick * 0.25).min(5.0);
    for (from, to) in [(ends.0, whiskers.0), (ends.1, whiskers.1)] {
        sheet.line([(at(from), middle), (at(to), middle)], ink, 1.0);
        sheet.line([(at(to), middle - cap), (at(to), middle + cap)], ink, 1.0);
    }
    let across = at(*median);
    sheet.line([(across, middle - thick / 2.0), (across, middle + thick / 2.0)], ink, 2.2);
    let beyond = |value: f64| value < whiskers.0 || value > whiskers.1;
    let dot = |&(run, value): &(usize, f64)| {
        // Equal values lie beside each other; where is told by the run, so that it is the same in each picture.
        let part = (run as f64 * 0.618_033_988_75).fract() - 0.5;
        (at(value), middle + part * thick * 0.7)
    };
    let inside = row.values.iter().filter(|(_, value)| points && !beyond(*value));
    sheet.dots(inside.map(dot), ink.faint(0.55), (thick * 0.3).clamp(2.0, 4.0));
    let outside = row.values.iter().filter(|(_, value)| beyond(*value));
    outside.for_each(|value| sheet.ring(dot(value), ink, 2.0, 1.0));
}

fn marks(runs: Runs<'_>, column: &Column, shown: &[Row], rows: &Rows, page: &Page) -> Vec<Mark> {
    let told = |value: f64| say(value, column.kind, &page.zone);
    let mark = |(index, row): (usize, &Row)| {
        let Five { whiskers, ends, median } = &row.five;
        let mut by_value: Vec<&(usize, f64)> = row.values.iter().collect();
        by_value.sort_by(|a, b| a.1.total_cmp(&b.1));
        let named = |entry: Option<&&(usize, f64)>| {
            entry.and_then(|(run, _)| runs.get(*run)).map_or("", |run| &*run.name).to_owned()
        };
        Mark {
            runs: row.values.iter().map(|(run, _)| *run).take(NAMED).collect(),
            count: row.values.len(),
            label: row.label.clone(),
            colour: None,
            place: rows.whole(index),
            lines: vec![
                format!("median of {}: {}", column.name, told(*median)),
                format!("box: {} to {}", told(ends.0), told(ends.1)),
                format!("whiskers: {} to {}", told(whiskers.0), told(whiskers.1)),
                format!("least: {}", named(by_value.first())),
                format!("greatest: {}", named(by_value.last())),
                format!("values: {}", row.values.len()),
            ],
        }
    };
    shown.iter().enumerate().map(mark).take(super::MARKS).collect()
}

fn table(runs: Runs<'_>, column: &Column, shown: &[Row]) -> Table {
    let rows = shown.iter().flat_map(|row| {
        row.values.iter().map(|&(run, value)| {
            let name = runs.get(run).map_or("", |run| &*run.name);
            vec![Value::Text(row.label.clone()), Value::Text(name.to_owned()), Value::Number(value)]
        })
    });
    Table { header: ["group", "run", &column.name].map(str::to_owned).to_vec(), rows: rows.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_box_has_the_numbers_that_matplotlib_gives() {
        let five = five(&[1.0, 2.0, 3.0, 4.0, 5.0, 100.0]).unwrap();
        assert_eq!(five, Five { whiskers: (1.0, 5.0), ends: (2.25, 4.75), median: 3.5 });
    }

    proptest! {
        #[test]
        fn whiskers_hold_the_box(values in prop::collection::vec(-1e3..1e3f64, 1..60)) {
            let ordered = sorted(values);
            let five = five(&ordered).unwrap();
            let order = [ordered[0], five.whiskers.0, five.ends.0, five.median, five.ends.1, five.whiskers.1];
            prop_assert!(order.windows(2).all(|two| two[0] <= two[1]), "{order:?}");
            prop_assert!(five.whiskers.1 <= ordered[ordered.len() - 1]);
        }
    }
}
