//! Points and charts of runs.

use std::collections::HashSet;

use athanor_core::chart::{AxisOptions, Data, Line, LineChart, render_lines};
use athanor_core::series::{Columns, Points, Reduced, Scale, Summary};
use athanor_engine::Engine;
use athanor_engine::store::runs::{RunRow, Stretch};

use crate::wire::{self, ApiError, ErrorCode, Number};

type Result<T> = std::result::Result<T, ApiError>;

/// Points of one answer at most.
const POINTS: u32 = 100_000;

/// Runs of one chart at most.
const RUNS: usize = 1000;

/// Lines of one chart at most.
const LINES: usize = 200;

/// Runs whose small lines are drawn at once, at most.
const SPARKS: usize = 200;

/// Above so many points a line that goes back is drawn from summaries, too, and what was run again is not told apart.
const WHOLE: u64 = 2_000_000;

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

/// A line to be drawn.
struct Drawn {
    uid: String,
    label: String,
    key: String,
    colour: usize,
    live: bool,
    data: Held,
}

enum Held {
    Points(Vec<f64>, Vec<f64>),
    Reduced(Reduced),
}

/// The runs of a set, in their order.
pub(crate) async fn runs_of(engine: &Engine, set: &wire::RunSet) -> Result<Vec<RunRow>> {
    let store = engine.runs().store();
    let ids = match &set.query {
        None => store.ids_of_runs(&set.uids).await?,
        Some(query) => {
            let all = store.run_ids(&super::runs::wanted(query, &[])?).await?;
            let hidden: HashSet<i64> = store.ids_of_runs(&set.uids).await?.into_iter().collect();
            all.into_iter().filter(|id| !hidden.contains(id)).collect()
        }
    };
    let rows = store.run_rows(&ids[..ids.len().min(RUNS)], &[]).await?;
    Ok(rows.into_iter().map(|row| row.run).collect())
}

/// The lines of a chart, those that are drawn, with their points' places.
async fn lines_of(
    engine: &Engine,
    set: &wire::RunSet,
    spec: &wire::LinesSpec,
) -> Result<(Vec<(Drawn, Vec<Stretch>, Summary)>, u64)> {
    let runs = runs_of(engine, set).await?;
    let alone = runs.len() == 1;
    let mut wanted = Vec::new();
    let mut more = 0;
    for run in &runs {
        for (place, key) in spec.keys.iter().enumerate() {
            let stretches = engine.runs().stretches(run.id, key).await?;
            if stretches.is_empty() {
                continue;
            }
            if wanted.len() == LINES {
                more += 1;
                continue;
            }
            let whole = stretches.iter().fold(Summary::default(), |all, next| all.merge(&next.summary));
            // One run's metrics are told apart by their place, runs by the colour that they have everywhere.
            let named = run.experiment.as_ref().unwrap_or(&run.uid);
            let colour = if alone { place } else { athanor_core::runs::colour(named) };
            let drawn = Drawn {
                uid: run.uid.clone(),
                label: run.name.clone(),
                key: key.clone(),
                colour,
                live: run.status == "running",
                data: Held::Reduced(Reduced::default()),
            };
            wanted.push((drawn, stretches, whole));
        }
    }
    Ok((wanted, more))
}

/// The weight of an exponential smoothing.
fn weight(spec: &wire::LinesSpec) -> Result<f64> {
    match spec.smoothing.kind {
        wire::SmoothingKind::None => Ok(0.0),
        wire::SmoothingKind::Exponential if (0.0..1.0).contains(&spec.smoothing.amount) => {
            Ok(spec.smoothing.amount)
        }
        _ => Err(wrong("smoothing", "smoothing is 0 or more, and less than 1")),
    }
}

pub(crate) async fn chart(engine: &Engine, input: wire::DrawRunChart) -> Result<wire::RunChart> {
    let smoothing = weight(&input.lines)?;
    let (wanted, more) = lines_of(engine, &input.runs, &input.lines).await?;
    let asked = input.view.x.or(input.lines.x_range);
    let by = input.lines.x.by;
    let by_step = by == wire::RunAxis::Step;
    let span = wanted
        .iter()
        .filter_map(|(_, _, whole)| whole.step_range)
        .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    let columns = asked.or(span).map(|(from, to)| {
        Columns::new(from, to, usize::try_from(input.width).unwrap_or(8000).clamp(8, 8000), Scale::Linear)
    });
    let mut lines = Vec::new();
    let mut told = Vec::new();
    for (mut drawn, stretches, whole) in wanted {
        let reducible = by_step && smoothing == 0.0 && (whole.resets == 0 || whole.count > WHOLE);
        drawn.data = match columns.filter(|_| reducible) {
            Some(columns) => Held::Reduced(engine.runs().reduced(&stretches, columns).await?),
            None => {
                let all = engine.runs().all_points(&stretches).await?;
                let (x, y) = placed(&all, by);
                Held::Points(x, y)
            }
        };
        told.push(wire::RunLine {
            uids: vec![drawn.uid.clone()],
            key: drawn.key.clone(),
            label: drawn.label.clone(),
            group: None,
            colour: u32::try_from(drawn.colour % athanor_core::chart::PALETTE).unwrap_or(0),
            dash: 0,
            points: whole.count,
            exact: false,
            last: whole.last.map(|last| (last.step, Number(last.value))),
            min: whole.min.map(|min| min.value),
            max: whole.max.map(|max| max.value),
            live: drawn.live,
        });
        lines.push(drawn);
    }
    let rendered = tokio::task::spawn_blocking(move || {
        let title = input.lines.keys.join(", ");
        let chart = LineChart {
            width: f64::from(input.width),
            height: f64::from(input.height),
            theme: input.theme.into(),
            title,
            lines: lines
                .iter()
                .map(|line| Line {
                    key: line.key.clone(),
                    label: line.key.clone(),
                    colour: line.colour,
                    data: match &line.data {
                        Held::Points(steps, values) => Data::Points { steps, values },
                        Held::Reduced(reduced) => Data::Reduced(reduced),
                    },
                    live: line.live,
                })
                .collect(),
            x: AxisOptions { scale: input.lines.x_scale.into(), range: asked },
            y: AxisOptions { scale: input.lines.y_scale.into(), range: input.view.y.or(input.lines.y_range) },
            smoothing,
        };
        render_lines(&chart)
    });
    let rendered = rendered.await.map_err(athanor_engine::Error::from)?;
    let chart = super::chart_on_wire(rendered, |_, _| 0);
    Ok(wire::RunChart {
        svg: chart.svg,
        width: f64::from(input.width),
        height: f64::from(input.height),
        plot: chart.plot,
        x: chart.x,
        y: chart.y,
        lines: told,
        more,
    })
}

pub(crate) async fn read(engine: &Engine, input: wire::ReadRunChart) -> Result<wire::RunChartReading> {
    let smoothing = weight(&input.lines)?;
    let (wanted, _) = lines_of(engine, &input.runs, &input.lines).await?;
    let mut lines = Vec::new();
    for (line, (_, stretches, _)) in (0..).zip(wanted) {
        let all = engine.runs().all_points(&stretches).await?;
        let (x, y) = placed(&all, input.lines.x.by);
        let shown = athanor_core::series::smooth(&y, smoothing);
        let span =
            x.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |span, x| (span.0.min(*x), span.1.max(*x)));
        if !(span.0 - input.tolerance..=span.1 + input.tolerance).contains(&input.at) {
            continue;
        }
        let away = |i: &usize| (x[*i] - input.at).abs();
        let Some(at) = (0..x.len()).min_by(|a, b| away(a).total_cmp(&away(b))) else { continue };
        lines.push(wire::LineReading {
            line,
            x: x[at],
            y: Number(shown[at]),
            low: None,
            high: None,
            raw: (smoothing > 0.0).then(|| Number(y[at])),
            runs: 1,
        });
    }
    Ok(wire::RunChartReading { lines })
}

/// Points on the axis that is asked for; those without a time have no place on one of times.
fn placed(points: &Points, axis: wire::RunAxis) -> (Vec<f64>, Vec<f64>) {
    let first = points.iter().find_map(|point| point.wall_ms).unwrap_or(0);
    let at = |point: &athanor_core::series::Point| match axis {
        wire::RunAxis::Step | wire::RunAxis::Epoch | wire::RunAxis::Metric => Some(point.step),
        wire::RunAxis::Wall => Some(point.wall_ms? as f64 / 1000.0),
        wire::RunAxis::Relative => Some((point.wall_ms? - first) as f64 / 1000.0),
    };
    points.iter().filter_map(|point| Some((at(&point)?, point.value))).unzip()
}

pub(crate) async fn sparks(engine: &Engine, input: wire::DrawSparks) -> Result<wire::Sparks> {
    if input.uids.len() > SPARKS {
        return Err(wrong("uids", format!("ask for at most {SPARKS} runs at once")));
    }
    let width = input.width.clamp(8, 400);
    let mut lines = Vec::new();
    for uid in input.uids {
        // One that was removed meanwhile has no line.
        let Ok(run) = engine.runs().store().find_run(&uid).await else { continue };
        let stretches = engine.runs().stretches(run.id, &input.key).await?;
        let whole = stretches.iter().fold(Summary::default(), |all, next| all.merge(&next.summary));
        let Some((from, to)) = whole.step_range else { continue };
        let columns = Columns::new(from, to, width as usize, Scale::Linear);
        let reduced = engine.runs().reduced(&stretches, columns).await?;
        let seen = reduced.pieces.iter().flatten();
        let (low, high) =
            seen.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), at| (low.min(at.1), high.max(at.1)));
        let part = |at: f64, low: f64, high: f64| if high > low { (at - low) / (high - low) } else { 0.5 };
        let pieces = reduced
            .pieces
            .iter()
            .map(|piece| piece.iter().map(|&(x, y)| (part(x, from, to), part(y, low, high))).collect());
        lines.push(wire::Spark { uid: run.uid, pieces: pieces.collect() });
    }
    Ok(wire::Sparks { lines })
}
