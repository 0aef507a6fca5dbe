//! What a column hangs on: for each setting its importance and its correlation with the target.

use super::super::PlotRect;
use super::axis::PlotAxis;
use super::rows::{EDGE, GAP, Rows, write_empty};
use super::sheet::{Anchor, Ink, Sheet};
use super::value::{Column, Value};
use super::{MARKS, Mark, Page, RenderedPlot, Table};
use crate::stats::{Feature, permutation_importance, spearman};

/// Runs that are looked at, at most: the first ones.
pub const RUNS: usize = 2_000;
/// Settings that are looked at, at most.
pub const SETTINGS: usize = 100;
/// From which correlation on two settings are said to go together.
const TOGETHER: f64 = 0.7;
/// Pairs of those that are named.
const PAIRS: usize = 5;

/// What is explained, by what.
#[derive(Debug, Clone, Copy)]
pub struct ImportanceOptions<'a> {
    /// The target: numbers.
    pub target: &'a Column,
    /// What may explain it; the first [`SETTINGS`] that differ are looked at.
    pub settings: &'a [Column],
}

struct Row<'a> {
    column: &'a Column,
    /// Importance and its standard error.
    importance: Option<(f64, f64)>,
    correlation: Option<f64>,
    /// How many runs have both.
    runs: usize,
}

/// A column as a forest takes it.
fn feature(column: &Column, runs: &[usize]) -> Feature {
    if column.is_numeric() {
        let number = |&run: &usize| column.of(run).number().unwrap_or(f64::NAN);
        return Feature::Numbers(runs.iter().map(number).collect());
    }
    let words = column.categories();
    let place = |&run: &usize| words.iter().position(|word| word.order(column.of(run)).is_eq());
    let category = |run: &usize| place(run).and_then(|place| u32::try_from(place).ok());
    Feature::Categories(runs.iter().map(category).collect())
}

/// Pairs of finite numbers; true and false are 1 and 0. None of text, which has no order.
fn pairs(a: &Column, b: &Column, runs: &[usize]) -> Vec<(f64, f64)> {
    let of = |column: &Column, run: usize| column.of(run).number().filter(|number| number.is_finite());
    if [a, b].iter().any(|column| column.values.iter().any(|value| matches!(value, Value::Text(_)))) {
        return Vec::new();
    }
    runs.iter().filter_map(|&run| of(a, run).zip(of(b, run))).collect()
}

/// Whether the runs differ in a column, nothing counted as a value.
fn differs(column: &Column, runs: &[usize]) -> bool {
    runs.windows(2).any(|two| column.of(two[0]).order(column.of(two[1])).is_ne())
}

/// Draws how important settings are for a target, and how they correlate with it.
#[must_use]
pub fn render_importance(page: &Page, count: usize, options: &ImportanceOptions<'_>) -> RenderedPlot {
    let target = options.target;
    let has = |&run: &usize| target.of(run).number().is_some_and(f64::is_finite);
    let with: Vec<usize> = (0..count).filter(has).collect();
    let mut notes = Vec::new();
    let runs = &with[..with.len().min(RUNS)];
    if with.len() < count {
        notes.push(format!("{} of {count} runs have a finite {} and are counted.", with.len(), target.name));
    }
    if runs.len() < with.len() {
        notes.push(format!("The first {RUNS} of them are looked at."));
    }
    let different: Vec<&Column> = options
        .settings
        .iter()
        .filter(|column| column.name != target.name && differs(column, runs))
        .collect();
    let settings = &different[..different.len().min(SETTINGS)];
    if settings.len() < different.len() {
        notes
            .push(format!("The first {SETTINGS} of {} settings that differ are looked at.", different.len()));
    }
    let numbers: Vec<f64> = runs.iter().filter_map(|&run| target.of(run).number()).collect();
    let features: Vec<Feature> = settings.iter().map(|column| feature(column, runs)).collect();
    let forest = permutation_importance(&features, &numbers);
    let mut rows: Vec<Row<'_>> = settings
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let pairs = pairs(column, target, runs);
            Row {
                column,
                importance: forest.as_ref().map(|forest| (forest.features[index], forest.errors[index])),
                correlation: spearman(&pairs),
                runs: runs.iter().filter(|&&run| *column.of(run) != Value::Missing).count(),
            }
        })
        .collect();
    let key = |row: &Row<'_>| match row.importance {
        Some((importance, _)) => importance,
        None => row.correlation.map_or(-1.0, f64::abs),
    };
    rows.sort_by(|a, b| key(b).total_cmp(&key(a)));
    notes.extend(method(&forest, runs.len(), target));
    notes.extend(together(settings, runs));

    let sheet = Sheet::new(page);
    let names: Vec<&str> = rows.iter().map(|row| &*row.column.name).collect();
    let ground = Rows::new(&sheet, &names, true, 0.0);
    notes.extend(ground.note(rows.len(), "settings"));
    let shown = &rows[..ground.shown];
    if shown.is_empty() {
        let why = if runs.len() < 3 { "Too few runs" } else { "No setting differs" };
        write_empty(&sheet, ground.plot, why);
    } else {
        draw(&sheet, &ground, shown, &names, page);
    }
    let marks = marks(&ground, shown);
    let (width, height) = (sheet.width, sheet.height);
    RenderedPlot {
        roomy: ground.roomy,
        plot: ground.plot,
        x: None,
        y: None,
        marks,
        table: table(shown, forest.is_some()),
        notes,
        svg: sheet.finish(&page.title),
        width,
        height,
    }
}

fn method(forest: &Option<crate::stats::Importance>, runs: usize, target: &Column) -> Vec<String> {
    let mut notes = Vec::new();
    match forest {
        Some(forest) => {
            let percent = (forest.explained * 100.0).round().max(0.0);
            notes.push(format!(
                "Importance: by how much of its variance {} is predicted worse when a setting’s values are shuffled \
                 (permutation importance in a random forest, Breiman 2001), from {runs} runs.",
                target.name
            ));
            notes.push(format!(
                "The forest explains {percent} % of the variance in runs that its trees have not seen{}",
                if percent < 30.0 { ": too little to rely on what it calls important." } else { "." }
            ));
        }
        None => notes.push(format!(
            "{runs} runs with a value are too few, or too much alike, to tell importance (20 at least): correlation alone \
             is shown."
        )),
    }
    notes.push(
        "Correlation: Spearman’s, of ranks, over the runs that have both; text has no order and so has none."
            .into(),
    );
    if runs < 50 {
        notes.push(format!("From {runs} runs either can come about by chance."));
    }
    notes.push("Neither shows what causes what.".into());
    notes
}

/// Settings that vary together: which of them matters can't be told from these runs.
fn together(settings: &[&Column], runs: &[usize]) -> Option<String> {
    let mut found = Vec::new();
    for (index, a) in settings.iter().enumerate() {
        for b in &settings[index + 1..] {
            if let Some(own) = spearman(&pairs(a, b, runs)).filter(|own| own.abs() >= TOGETHER) {
                found.push((own, format!("{} and {} ({own:.2})", a.name, b.name)));
            }
        }
    }
    found.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()));
    let named: Vec<&str> = found.iter().take(PAIRS).map(|(_, text)| &**text).collect();
    let more =
        if found.len() > PAIRS { format!(" and {} more pairs", found.len() - PAIRS) } else { String::new() };
    (!named.is_empty()).then(|| {
        format!("These vary together, so that their shares can’t be told apart: {}{more}.", named.join(", "))
    })
}

/// The room between two panels of this width with these axes: the last number below the one and the first below the other
/// stand side by side.
fn room_between(sheet: &Sheet, axes: (&mut PlotAxis, &mut PlotAxis), width: f64, page: &Page) -> f64 {
    let over = |axis: &mut PlotAxis, at_end: bool| {
        axis.choose_across(width, sheet.font, &page.zone);
        let beyond = axis.ticks.iter().map(|(part, label)| {
            let inside = if at_end { 1.0 - part } else { *part };
            sheet.wide(label) / 2.0 - inside * width
        });
        beyond.fold(0.0, f64::max)
    };
    (over(axes.0, true) + over(axes.1, false) + sheet.font).max(4.0 * GAP)
}

fn draw(sheet: &Sheet, ground: &Rows, shown: &[Row<'_>], names: &[&str], page: &Page) {
    let forest = shown.iter().any(|row| row.importance.is_some());
    ground.write_names(sheet, names);
    let plot = ground.plot;
    let values = shown.iter().filter_map(|row| row.importance).map(|(value, error)| value + error);
    let most = values.fold(0.0, f64::max).max(1e-3) * 1.04;
    let mut importance = PlotAxis::over("importance".into(), (0.0, most));
    let mut correlation = PlotAxis::over("correlation".into(), (-1.0, 1.0));
    // Numbers below narrower panels are fewer and no wider.
    let axes = (&mut importance, &mut correlation);
    let between = room_between(sheet, axes, (plot.width - 4.0 * GAP) / 2.0, page);
    let half = if forest { ((plot.width - between) / 2.0).max(4.0) } else { plot.width };
    let thick = ground.thickness();
    let panel = |x: f64| Rows { plot: PlotRect { x, width: half, ..plot }, ..*ground };
    let bar = |panel: &Rows, index: usize, (from, to): (f64, f64), ink: Ink| {
        let (a, b) = (panel.across(from.clamp(0.0, 1.0)), panel.across(to.clamp(0.0, 1.0)));
        let place = PlotRect {
            x: a.min(b),
            y: panel.middle(index) - thick / 2.0,
            width: (a - b).abs().max(0.5),
            height: thick,
        };
        sheet.bar(place, ink.faint(0.86));
    };
    if forest {
        let panel = panel(plot.x);
        panel.write_axis(sheet, &mut importance, &page.zone);
        for (index, row) in shown.iter().enumerate() {
            let Some((value, error)) = row.importance else { continue };
            bar(&panel, index, (0.0, value / most), sheet.run_ink(0));
            let end = |value: f64| panel.across((value / most).clamp(0.0, 1.0));
            let (low, high) = (end(value - error), end(value + error));
            if high > low {
                let y = panel.middle(index);
                sheet.line([(low, y), (high, y)], sheet.label_ink(), 1.0);
            }
        }
    }
    let panel = panel(if forest { plot.x + half + between } else { plot.x });
    panel.write_axis(sheet, &mut correlation, &page.zone);
    for (index, row) in shown.iter().enumerate() {
        match row.correlation {
            Some(own) => {
                // Blue and orange, and the side: told apart without colour, too.
                let ink = sheet.run_ink(usize::from(own < 0.0));
                bar(&panel, index, (0.5, (own + 1.0) / 2.0), ink);
            }
            None if ground.named => {
                let place = (panel.across(0.5) + 3.0, panel.middle(index));
                sheet.text(place, "none", Anchor::Left, sheet.label_ink().faint(0.7), sheet.font);
            }
            None => {}
        }
    }
    let zero = panel.across(0.5);
    sheet.line([(zero, plot.y), (zero, plot.y + plot.height)], sheet.label_ink().faint(0.6), 1.0);
}

fn marks(ground: &Rows, shown: &[Row<'_>]) -> Vec<Mark> {
    let mark = |(index, row): (usize, &Row<'_>)| {
        let mut lines = Vec::new();
        if let Some((value, error)) = row.importance {
            lines.push(format!("importance: {value:.3} ± {error:.3}"));
        }
        lines.push(match row.correlation {
            Some(own) => format!("correlation: {own:.2}"),
            None => "no correlation: its values have no order, or do not differ".into(),
        });
        lines.push(format!("runs that have it: {}", row.runs));
        Mark {
            runs: Vec::new(),
            count: 0,
            label: row.column.name.clone(),
            colour: None,
            place: PlotRect { width: ground.plot.x + ground.plot.width - EDGE, ..ground.whole(index) },
            lines,
        }
    };
    shown.iter().enumerate().map(mark).take(MARKS).collect()
}

fn table(shown: &[Row<'_>], forest: bool) -> Table {
    let number = |number: Option<f64>| number.map_or(Value::Missing, Value::Number);
    let mut header = vec!["setting".to_owned()];
    if forest {
        header.extend(["importance".to_owned(), "standard error".to_owned()]);
    }
    header.extend(["correlation".to_owned(), "runs".to_owned()]);
    let row = |row: &Row<'_>| {
        let mut cells = vec![Value::Text(row.column.name.clone())];
        if forest {
            cells.push(number(row.importance.map(|it| it.0)));
            cells.push(number(row.importance.map(|it| it.1)));
        }
        cells.extend([number(row.correlation), Value::Number(row.runs as f64)]);
        cells
    };
    Table { header, rows: shown.iter().map(row).collect() }
}
