//! Points and charts of runs.

use athanor_core::chart::{AxisOptions, Data, Line, LineChart, render_lines};
use athanor_core::series::{Columns, Points, Reduced, Scale, Summary};
use athanor_engine::Engine;
use athanor_engine::store::runs::Stretch;

use crate::wire::{self, ApiError, ErrorCode, Number};

type Result<T> = std::result::Result<T, ApiError>;

/// Points of one answer at most.
const POINTS: u32 = 100_000;

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
    key: String,
    colour: usize,
    live: bool,
    total: u64,
    data: Held,
}

enum Held {
    Points(Vec<f64>, Vec<f64>),
    Reduced(Reduced),
}

pub(crate) async fn chart(engine: &Engine, input: wire::DrawRunChart) -> Result<wire::RunChart> {
    if !(0.0..1.0).contains(&input.smoothing) {
        return Err(wrong("smoothing", "smoothing is 0 or more, and less than 1"));
    }
    if input.uids.len().saturating_mul(input.keys.len()) > LINES {
        return Err(wrong("uids", format!("a chart has at most {LINES} lines")));
    }
    let mut wanted: Vec<(Drawn, Vec<Stretch>, Summary)> = Vec::new();
    for uid in &input.uids {
        let run = engine.runs().store().find_run(uid).await?;
        for (place, key) in input.keys.iter().enumerate() {
            let stretches = engine.runs().stretches(run.id, key).await?;
            if stretches.is_empty() {
                continue;
            }
            let whole = stretches.iter().fold(Summary::default(), |all, next| all.merge(&next.summary));
            // One run's metrics are told apart by their place, runs by the colour that they have everywhere.
            let named = run.experiment.as_ref().unwrap_or(&run.uid);
            let colour = if input.uids.len() == 1 { place } else { athanor_core::runs::colour(named) };
            let drawn = Drawn {
                uid: run.uid.clone(),
                key: key.clone(),
                colour,
                live: run.status == "running",
                total: whole.count,
                data: Held::Reduced(Reduced::default()),
            };
            wanted.push((drawn, stretches, whole));
        }
    }
    let asked = match (input.from, input.to) {
        (Some(from), Some(to)) if from.is_finite() && to.is_finite() && from < to => Some((from, to)),
        (None, None) => None,
        _ => return Err(wrong("from", "the range needs both ends, the first before the last")),
    };
    let by_step = input.x == wire::RunAxis::Step;
    let span = wanted
        .iter()
        .filter_map(|(_, _, whole)| whole.step_range)
        .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    let columns = asked.or(span).map(|(from, to)| {
        Columns::new(from, to, usize::try_from(input.width).unwrap_or(8000).clamp(8, 8000), Scale::Linear)
    });
    let mut lines = Vec::new();
    for (mut drawn, stretches, whole) in wanted {
        let reducible = by_step && input.smoothing == 0.0 && (whole.resets == 0 || whole.count > WHOLE);
        drawn.data = match columns.filter(|_| reducible) {
            Some(columns) => Held::Reduced(engine.runs().reduced(&stretches, columns).await?),
            None => {
                let all = engine.runs().all_points(&stretches).await?;
                let (x, y) = placed(&all, input.x);
                Held::Points(x, y)
            }
        };
        lines.push(drawn);
    }
    let rendered = tokio::task::spawn_blocking(move || {
        let title = input.keys.join(", ");
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
            x: AxisOptions { scale: Scale::Linear, range: asked },
            y: AxisOptions { scale: input.y_scale.into(), range: None },
            smoothing: input.smoothing,
        };
        let rendered = render_lines(&chart);
        let totals: Vec<u64> = lines.iter().map(|line| line.total).collect();
        let uids: Vec<String> = lines.into_iter().map(|line| line.uid).collect();
        (rendered, totals, uids)
    });
    let (rendered, totals, uids) = rendered.await.map_err(athanor_engine::Error::from)?;
    Ok(wire::RunChart { chart: super::chart_on_wire(rendered, |place, _| totals[place]), uids })
}

/// Points on the axis that is asked for; those without a time have no place on one of times.
fn placed(points: &Points, axis: wire::RunAxis) -> (Vec<f64>, Vec<f64>) {
    let first = points.iter().find_map(|point| point.wall_ms).unwrap_or(0);
    let at = |point: &athanor_core::series::Point| match axis {
        wire::RunAxis::Step => Some(point.step),
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
