//! Points and charts of runs.

use std::collections::HashSet;

use athanor_core::chart::LABELS;
use athanor_core::query::Field;
use athanor_core::series::Smoothing;
use athanor_engine::Engine;
use athanor_engine::runs::lines::{Frame, LineGroups, LinesDrawn, LinesSpec, XAxis};
use athanor_engine::store::runs::{RunCell, TableRow};
use jiff::tz::TimeZone;

use super::runs;
use crate::convert;
use crate::wire::{self, ApiError, ErrorCode, Number};

type Result<T> = std::result::Result<T, ApiError>;

/// Points of one answer at most.
const POINTS: u32 = 100_000;

/// Runs of one chart at most.
const RUNS: usize = 1000;

/// Columns by which runs are grouped at most.
const BY: usize = 4;

/// Metrics of one chart at most.
const KEYS: usize = 100;

/// Charts of one call at most.
const CHARTS: usize = 24;

/// Runs whose small lines are drawn at once, at most.
const SPARKS: usize = 200;

fn wrong(field: &str, message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidInput, message.into()).field(field)
}

pub(crate) async fn points(engine: &Engine, input: wire::ReadRunPoints) -> Result<wire::RunPoints> {
    if input.limit == 0 || input.limit > POINTS {
        return Err(wrong("limit", format!("ask for 1 to {POINTS} points at once")));
    }
    let run = engine.runs().store().find_run(&input.uid).await?;
    let stretches = engine.runs().stretches(run.id, &input.key).await?;
    if stretches.is_empty() {
        let message = format!("{} has no metric “{}”", run.name, input.key);
        return Err(ApiError::new(ErrorCode::NotFound, message)
            .field("key")
            .hint(format!("“athanor runs show {}” lists those that it has.", run.uid)));
    }
    let some = engine.runs().some_points(&stretches, input.after, input.limit as usize).await?;
    let points = some.iter().map(|point| (point.step, Number(point.value), point.wall_ms)).collect();
    Ok(wire::RunPoints { points, total: stretches.iter().map(|stretch| stretch.summary.count).sum() })
}

/// The runs of a set, in their order, with cells of columns.
pub(crate) async fn runs_of(engine: &Engine, set: &wire::RunSet, columns: &[Field]) -> Result<Vec<TableRow>> {
    let store = engine.runs().store();
    let ids = match &set.query {
        None => store.ids_of_runs(&set.uids).await?,
        Some(query) => {
            let all = store.run_ids(&runs::wanted(query, &[])?).await?;
            let hidden: HashSet<i64> = store.ids_of_runs(&set.uids).await?.into_iter().collect();
            all.into_iter().filter(|id| !hidden.contains(id)).collect()
        }
    };
    Ok(store.run_rows(&ids[..ids.len().min(RUNS)], columns).await?)
}

pub(crate) async fn metrics(engine: &Engine, input: wire::ListRunMetrics) -> Result<wire::RunMetricCounts> {
    let runs: Vec<i64> = runs_of(engine, &input.runs, &[]).await?.iter().map(|row| row.run.id).collect();
    let counts = engine.runs().store().metric_counts(&runs).await?;
    let metrics = counts
        .into_iter()
        .map(|(key, runs)| wire::RunMetricCount { key, runs: u32::try_from(runs).unwrap_or(u32::MAX) });
    Ok(wire::RunMetricCounts { metrics: metrics.collect() })
}

/// A document of lines as the engine takes it, with the columns that it groups by.
fn spec_of(lines: &wire::LinesSpec) -> Result<(LinesSpec, Vec<Field>)> {
    if lines.keys.len() > KEYS {
        return Err(wrong("keys", format!("a chart has at most {KEYS} metrics")));
    }
    let amount = lines.smoothing.amount;
    let smoothing = match lines.smoothing.kind {
        wire::SmoothingKind::None => Smoothing::None,
        wire::SmoothingKind::Exponential if (0.0..1.0).contains(&amount) => match amount > 0.0 {
            true => Smoothing::Exponential(amount),
            false => Smoothing::None,
        },
        wire::SmoothingKind::Mean if (1.0..=10_000.0).contains(&amount) => {
            Smoothing::Mean(amount.round() as usize)
        }
        wire::SmoothingKind::Gaussian if amount > 0.0 && amount <= 200.0 => Smoothing::Gaussian(amount),
        wire::SmoothingKind::Exponential => {
            return Err(wrong(
                "smoothing",
                "the weight of exponential smoothing is 0 or more, and less than 1",
            ));
        }
        wire::SmoothingKind::Mean => {
            return Err(wrong("smoothing", "a running mean is over 1 to 10,000 points"));
        }
        wire::SmoothingKind::Gaussian => {
            return Err(wrong("smoothing", "the standard deviation is more than 0, and at most 200 points"));
        }
    };
    let x = match (lines.x.by, &lines.x.key) {
        (wire::RunAxis::Step, _) => XAxis::Step,
        (wire::RunAxis::Epoch, _) => XAxis::Epoch,
        (wire::RunAxis::Relative, _) => XAxis::Relative,
        (wire::RunAxis::Wall, _) => XAxis::Wall,
        (wire::RunAxis::Metric, Some(key)) => XAxis::Metric(key.clone()),
        (wire::RunAxis::Metric, None) => return Err(wrong("x", "choose the metric of the x axis")),
    };
    let by = lines.group.as_ref().map(|group| group.by.as_slice()).unwrap_or_default();
    if by.len() > BY {
        return Err(wrong("group", format!("runs are grouped by at most {BY} columns")));
    }
    let columns = by.iter().map(|id| runs::column("group", id)).collect::<Result<Vec<_>>>()?;
    let group = lines.group.as_ref().map(|it| LineGroups { centre: it.centre.into(), band: it.band.into() });
    let spec = LinesSpec {
        keys: lines.keys.clone(),
        x,
        x_scale: lines.x_scale.into(),
        y_scale: lines.y_scale.into(),
        smoothing,
        raw: lines.raw,
        outliers: lines.outliers,
        group,
    };
    Ok((spec, columns))
}

/// What a group is called.
fn group_label(by: &[String], cells: &[RunCell], runs: usize) -> String {
    if cells.is_empty() {
        return if runs == 1 { "1 run".to_owned() } else { format!("{runs} runs") };
    }
    let named = by.iter().zip(cells).map(|(id, cell)| {
        let name = id.strip_prefix("config.").or_else(|| id.strip_prefix("metrics.")).unwrap_or(id);
        let value = match cell {
            RunCell::Missing => "none".to_owned(),
            RunCell::Bool(yes) => yes.to_string(),
            RunCell::Number(number) => athanor_core::chart::short(*number, 6),
            RunCell::Text(text) => text.clone(),
        };
        format!("{name} {value}")
    });
    named.collect::<Vec<_>>().join(", ")
}

/// Lines that were drawn, with what is told of each.
pub(crate) struct DrawnLines {
    pub drawn: LinesDrawn,
    pub told: Vec<wire::RunLine>,
}

/// How large a picture is, in CSS pixels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LinesSize {
    pub width: f64,
    pub height: f64,
    /// Pixels for each.
    pub ratio: f64,
    /// Of labels.
    pub font: f64,
    /// It is for a screen of just these pixels.
    pub screen: bool,
}

/// Draws lines.
pub(crate) async fn draw_lines(
    engine: &Engine,
    set: &wire::RunSet,
    lines: &wire::LinesSpec,
    size: LinesSize,
    theme: wire::Theme,
    view: wire::ChartView,
) -> Result<DrawnLines> {
    let (spec, columns) = spec_of(lines)?;
    let rows = runs_of(engine, set, &columns).await?;
    draw_rows(engine, &rows, lines, &spec, size, (theme, view)).await
}

async fn draw_rows(
    engine: &Engine,
    rows: &[TableRow],
    lines: &wire::LinesSpec,
    spec: &LinesSpec,
    LinesSize { width, height, ratio, font, screen }: LinesSize,
    (theme, view): (wire::Theme, wire::ChartView),
) -> Result<DrawnLines> {
    let frame = Frame {
        width,
        height,
        ratio,
        screen,
        theme: theme.into(),
        font,
        zone: TimeZone::system(),
        x: view.x.or(lines.x_range),
        y: view.y.or(lines.y_range),
    };
    let drawn = engine.runs().lines(rows, spec, &frame).await?;
    let by = lines.group.as_ref().map(|group| group.by.as_slice()).unwrap_or_default();
    let told = drawn.lines.iter().map(|line| {
        let runs = || line.runs.iter().map(|run| &rows[*run].run);
        let label = match &line.group {
            Some(cells) => group_label(by, cells, line.runs.len()),
            None => runs().next().map(|run| run.name.clone()).unwrap_or_default(),
        };
        wire::RunLine {
            uids: runs().map(|run| run.uid.clone()).collect(),
            key: line.key.clone(),
            label,
            group: line.group.clone().map(|cells| cells.into_iter().map(Into::into).collect()),
            colour: u32::try_from(line.colour).unwrap_or(0),
            dash: u32::try_from(line.dash).unwrap_or(0),
            points: line.points,
            exact: line.exact,
            last: line.last.map(|(x, y)| (x, Number(y))),
            min: line.min,
            max: line.max,
            live: line.live,
        }
    });
    let told = told.collect();
    Ok(DrawnLines { drawn, told })
}

pub(crate) async fn chart(engine: &Engine, input: wire::DrawRunChart) -> Result<wire::RunChart> {
    chart_of(engine, &input, &mut None).await
}

/// Draws charts one after the other: who asks for many asks for several such lists at once.
pub(crate) async fn charts(engine: &Engine, input: wire::DrawRunCharts) -> Result<wire::RunCharts> {
    if input.charts.len() > CHARTS {
        return Err(wrong("charts", format!("ask for at most {CHARTS} charts at once")));
    }
    let (mut charts, mut known) = (Vec::with_capacity(input.charts.len()), None);
    for one in &input.charts {
        charts.push(match chart_of(engine, one, &mut known).await {
            Ok(chart) => wire::RunChartAnswer { chart: Some(chart), error: None },
            Err(error) => wire::RunChartAnswer { chart: None, error: Some(error) },
        });
    }
    Ok(wire::RunCharts { charts })
}

/// A set of runs with columns, and what was read of them.
type Known = Option<(wire::RunSet, Vec<Field>, Vec<TableRow>)>;

/// Draws a chart; the charts of a page are mostly of the same runs, which are then read once.
async fn chart_of(engine: &Engine, input: &wire::DrawRunChart, known: &mut Known) -> Result<wire::RunChart> {
    let size = LinesSize {
        width: f64::from(input.width),
        height: f64::from(input.height),
        ratio: input.ratio,
        font: LABELS,
        screen: true,
    };
    let (spec, columns) = spec_of(&input.lines)?;
    let rows = match known.take() {
        Some((set, of, rows)) if set == input.runs && of == columns => rows,
        _ => runs_of(engine, &input.runs, &columns).await?,
    };
    let drawn = draw_rows(engine, &rows, &input.lines, &spec, size, (input.theme, input.view)).await;
    *known = Some((input.runs.clone(), columns, rows));
    let DrawnLines { drawn, told } = drawn?;
    let rendered = drawn.rendered;
    Ok(wire::RunChart {
        svg: rendered.svg,
        width: rendered.width,
        height: rendered.height,
        plot: wire::Rectangle {
            left: rendered.plot.x,
            top: rendered.plot.y,
            width: rendered.plot.width,
            height: rendered.plot.height,
        },
        x: convert::axis(rendered.x),
        y: convert::axis(rendered.y),
        lines: told,
        more: drawn.more as u64,
    })
}

pub(crate) async fn read(engine: &Engine, input: wire::ReadRunChart) -> Result<wire::RunChartReading> {
    let (spec, columns) = spec_of(&input.lines)?;
    if !input.at.is_finite() {
        return Err(wrong("at", "the place on the x axis is a number"));
    }
    let rows = runs_of(engine, &input.runs, &columns).await?;
    let read = engine.runs().read_lines(&rows, &spec, input.at, input.tolerance).await?;
    let lines = read.into_iter().map(|reading| wire::LineReading {
        line: u32::try_from(reading.line).unwrap_or(u32::MAX),
        x: reading.x,
        y: Number(reading.y),
        low: reading.band.map(|band| Number(band.0)),
        high: reading.band.map(|band| Number(band.1)),
        raw: reading.raw.map(Number),
        runs: u32::try_from(reading.runs).unwrap_or(u32::MAX),
    });
    Ok(wire::RunChartReading { lines: lines.collect() })
}

pub(crate) async fn sparks(engine: &Engine, input: wire::DrawSparks) -> Result<wire::Sparks> {
    if input.uids.len() > SPARKS {
        return Err(wrong("uids", format!("ask for at most {SPARKS} runs at once")));
    }
    let width = input.width.clamp(8, 400);
    // One that was removed meanwhile has no line.
    let rows = runs_of(engine, &wire::RunSet { uids: input.uids, query: None }, &[]).await?;
    let drawn = engine.runs().sparks(&rows, &input.key, width as usize).await?;
    let spark = |(run, pieces): (usize, _)| wire::Spark { uid: rows[run].run.uid.clone(), pieces };
    Ok(wire::Sparks { lines: drawn.into_iter().map(spark).collect() })
}
