//! Plots of runs.

use athanor_core::chart::plots::{
    self, BarOptions, BoxOptions, Column, Group, ImportanceOptions, Page, ParallelOptions, RenderedPlot,
    ScatterOptions, Statistic, SweepOptions, Table, UsageBand, UsageChart, Value, group_by,
};
use athanor_core::chart::{HeatChart, HeatColumn, Theme, render_heat};
use athanor_core::goal::{Goal, goal};
use athanor_core::query::{Field, Stat};
use athanor_engine::Engine;
use athanor_engine::runs::plots::{Choice, Chosen, title};
use athanor_engine::store::runs::RunRow;
use jiff::tz::TimeZone;

use super::runs;
use crate::convert;
use crate::wire::{self, ApiError, ErrorCode};

type Result<T> = std::result::Result<T, ApiError>;

/// Runs of one plot at most.
const RUNS: usize = 10_000;

/// Columns by which runs are grouped at most.
const BY: usize = 4;

/// CSS pixels of a column of histograms at least.
const COLUMN: f64 = 4.0;

/// The picture that is asked for, without what hangs on the plot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub width: f64,
    pub height: f64,
    pub font: f64,
    pub theme: Theme,
}

/// A plot with the runs in it, in the order of its marks' places.
pub(super) struct Drawn {
    pub plot: RenderedPlot,
    pub runs: Vec<RunRow>,
}

fn wrong(field: &str, message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidInput, message.into()).field(field)
}

fn field(name: &'static str, id: &str) -> Result<Field> {
    if id.is_empty() {
        return Err(wrong(name, format!("choose a column for {name}")));
    }
    runs::column(name, id)
}

/// Fields that are asked for, each once, with their places.
#[derive(Default)]
struct Fields(Vec<Field>);

impl Fields {
    fn add(&mut self, field: Field) -> usize {
        self.0.iter().position(|known| *known == field).unwrap_or_else(|| {
            self.0.push(field);
            self.0.len() - 1
        })
    }

    fn named(&mut self, name: &'static str, id: &str) -> Result<usize> {
        Ok(self.add(field(name, id)?))
    }

    fn all(&mut self, name: &'static str, ids: &[String], most: usize) -> Result<Vec<usize>> {
        if ids.len() > most {
            return Err(wrong(name, format!("at most {most} columns for {name}")));
        }
        ids.iter().map(|id| self.named(name, id)).collect()
    }
}

/// Which way a column is better, as far as it tells.
fn goal_of(field: &Field) -> Option<Goal> {
    match field {
        Field::Metric(key, Stat::Last | Stat::Min | Stat::Max | Stat::Mean | Stat::Median) => goal(key),
        _ => None,
    }
}

fn choice(set: &wire::RunSet) -> Result<Choice> {
    Ok(match &set.query {
        None => Choice::These(set.uids.clone()),
        Some(query) => Choice::Wanted(Box::new(runs::wanted(query, &[])?), set.uids.clone()),
    })
}

async fn chosen(engine: &Engine, set: &wire::RunSet, fields: &[Field]) -> Result<Chosen> {
    Ok(engine.runs().chosen(&choice(set)?, fields, RUNS).await?)
}

/// Draws on a thread where that holds nobody up.
async fn drawn(
    chosen: Chosen,
    page: Page,
    draw: impl FnOnce(&Page, &Chosen) -> RenderedPlot + Send + 'static,
) -> Result<Drawn> {
    let work = move || {
        let mut plot = draw(&page, &chosen);
        if chosen.total > chosen.runs.len() {
            plot.notes
                .insert(0, format!("The first {} of {} runs are shown.", chosen.runs.len(), chosen.total));
        }
        Drawn { plot, runs: chosen.runs }
    };
    Ok(tokio::task::spawn_blocking(work).await.map_err(athanor_engine::Error::from)?)
}

fn groups(chosen: &Chosen, by: &[usize], page: &Page) -> Vec<Group> {
    let columns: Vec<Column> = by.iter().map(|&place| chosen.columns[place].clone()).collect();
    group_by(&columns, chosen.runs.len(), &page.zone)
}

/// What a plot is of, in words: a screen reader says it, and files are named by it.
pub(super) fn describe(spec: &wire::PlotSpec) -> String {
    let said = |id: &str| Field::of_column(id).map_or_else(|| id.to_owned(), |field| title(&field));
    let by = |ids: &[String]| -> String { ids.iter().map(|id| format!(" by {}", said(id))).collect() };
    match spec {
        wire::PlotSpec::Bar(bar) => format!("{}{}", said(&bar.column), by(&bar.by)),
        wire::PlotSpec::Box(of) => format!("{}{}", said(&of.column), by(&of.by)),
        wire::PlotSpec::Scatter(of) => format!("{} over {}", said(&of.y), said(&of.x)),
        wire::PlotSpec::Parallel(of) => match &of.colour {
            Some(target) => format!("Settings and {}", said(target)),
            None => "Settings side by side".into(),
        },
        wire::PlotSpec::Importance(of) => format!("What {} hangs on", said(&of.target)),
        wire::PlotSpec::Sweep(of) => format!("{} by {} and {}", said(&of.value), said(&of.x), said(&of.y)),
        wire::PlotSpec::Histogram(of) => of.key.clone(),
        wire::PlotSpec::Usage(of) => format!("{} and GPU use", of.key),
    }
}

/// Draws a plot of a set of runs.
pub(super) async fn plotted(
    engine: &Engine,
    set: &wire::RunSet,
    spec: &wire::PlotSpec,
    size: Size,
) -> Result<Drawn> {
    let Size { width, height, font, theme } = size;
    let page = Page { width, height, theme, title: describe(spec), font, zone: TimeZone::system() };
    match spec {
        wire::PlotSpec::Bar(spec) => bar(engine, set, spec, page).await,
        wire::PlotSpec::Box(spec) => boxes(engine, set, spec, page).await,
        wire::PlotSpec::Scatter(spec) => scatter(engine, set, spec, page).await,
        wire::PlotSpec::Parallel(spec) => parallel(engine, set, spec, page).await,
        wire::PlotSpec::Importance(spec) => importance(engine, set, spec, page).await,
        wire::PlotSpec::Sweep(spec) => sweep(engine, set, spec, page).await,
        wire::PlotSpec::Histogram(spec) => histogram(engine, set, spec, page).await,
        wire::PlotSpec::Usage(spec) => usage(engine, set, spec, page).await,
    }
}

async fn bar(engine: &Engine, set: &wire::RunSet, spec: &wire::BarPlot, page: Page) -> Result<Drawn> {
    let mut fields = Fields::default();
    let own = fields.named("column", &spec.column)?;
    let by = fields.all("by", &spec.by, BY)?;
    let best = goal_of(&fields.0[own]).unwrap_or(Goal::Max);
    let options = BarOptions {
        centre: spec.centre.into(),
        spread: spec.spread.into(),
        best_first: (spec.order == wire::BarOrder::Value).then_some(best),
        scale: spec.scale.into(),
    };
    let chosen = chosen(engine, set, &fields.0).await?;
    drawn(chosen, page, move |page, chosen| {
        let groups = (!by.is_empty()).then(|| groups(chosen, &by, page));
        plots::render_bars(page, &chosen.subjects, &chosen.columns[own], groups.as_deref(), &options)
    })
    .await
}

async fn boxes(engine: &Engine, set: &wire::RunSet, spec: &wire::BoxPlot, page: Page) -> Result<Drawn> {
    let mut fields = Fields::default();
    let own = fields.named("column", &spec.column)?;
    let by = fields.all("by", &spec.by, BY)?;
    let options = BoxOptions { points: spec.points, scale: spec.scale.into() };
    let chosen = chosen(engine, set, &fields.0).await?;
    drawn(chosen, page, move |page, chosen| {
        let groups = groups(chosen, &by, page);
        plots::render_boxes(page, &chosen.subjects, &chosen.columns[own], &groups, &options)
    })
    .await
}

async fn scatter(engine: &Engine, set: &wire::RunSet, spec: &wire::ScatterPlot, page: Page) -> Result<Drawn> {
    let mut fields = Fields::default();
    let (x, y) = (fields.named("x", &spec.x)?, fields.named("y", &spec.y)?);
    let colour = spec.colour.as_ref().map(|id| fields.named("colour", id)).transpose()?;
    let front = spec.front.map(|goals| (goals.x.into(), goals.y.into()));
    let (x_scale, y_scale) = (spec.x_scale.into(), spec.y_scale.into());
    let chosen = chosen(engine, set, &fields.0).await?;
    drawn(chosen, page, move |page, chosen| {
        let columns = &chosen.columns;
        let colour = colour.map(|place| &columns[place]);
        let options = ScatterOptions { x: &columns[x], y: &columns[y], colour, x_scale, y_scale, front };
        plots::render_scatter(page, &chosen.subjects, &options)
    })
    .await
}

async fn parallel(
    engine: &Engine,
    set: &wire::RunSet,
    spec: &wire::ParallelPlot,
    page: Page,
) -> Result<Drawn> {
    let mut fields = Fields::default();
    let colour = spec.colour.as_ref().map(|id| fields.named("colour", id)).transpose()?;
    let mut axes = fields.all("columns", &spec.columns, plots::AXES)?;
    if axes.is_empty() {
        let runs = chosen(engine, set, &[]).await?.runs;
        let settings = engine.runs().differing(&runs).await?;
        let room = plots::AXES - usize::from(colour.is_some());
        axes = settings.into_iter().take(room).map(|field| fields.add(field)).collect();
        axes.extend(colour);
    }
    let log = match &spec.log {
        None => None,
        Some(ids) => {
            let log: Vec<Field> = ids.iter().map(|id| field("log", id)).collect::<Result<_>>()?;
            Some(axes.iter().map(|&place| log.contains(&fields.0[place])).collect::<Vec<bool>>())
        }
    };
    let chosen = chosen(engine, set, &fields.0).await?;
    drawn(chosen, page, move |page, chosen| {
        let columns: Vec<Column> = axes.iter().map(|&place| chosen.columns[place].clone()).collect();
        let colour = colour.map(|place| &chosen.columns[place]);
        let options = ParallelOptions { columns: &columns, log: log.as_deref(), colour };
        plots::render_parallel(page, &chosen.subjects, &options)
    })
    .await
}

async fn importance(
    engine: &Engine,
    set: &wire::RunSet,
    spec: &wire::ImportancePlot,
    page: Page,
) -> Result<Drawn> {
    let mut fields = Fields::default();
    let target = fields.named("target", &spec.target)?;
    let mut settings = fields.all("columns", &spec.columns, plots::SETTINGS)?;
    if settings.is_empty() {
        let runs = chosen(engine, set, &[]).await?.runs;
        let differing = engine.runs().differing(&runs).await?;
        settings = differing.into_iter().take(plots::SETTINGS).map(|field| fields.add(field)).collect();
    }
    let chosen = chosen(engine, set, &fields.0).await?;
    drawn(chosen, page, move |page, chosen| {
        let settings: Vec<Column> = settings.iter().map(|&place| chosen.columns[place].clone()).collect();
        let options = ImportanceOptions { target: &chosen.columns[target], settings: &settings };
        plots::render_importance(page, chosen.runs.len(), &options)
    })
    .await
}

async fn sweep(engine: &Engine, set: &wire::RunSet, spec: &wire::SweepPlot, page: Page) -> Result<Drawn> {
    let mut fields = Fields::default();
    let (x, y) = (fields.named("x", &spec.x)?, fields.named("y", &spec.y)?);
    let counts = spec.statistic == wire::SweepStatistic::Count;
    // Runs are counted without a value.
    let value = if counts && spec.value.is_empty() { x } else { fields.named("value", &spec.value)? };
    let goal = goal_of(&fields.0[value]);
    let statistic = match spec.statistic {
        wire::SweepStatistic::Mean => Statistic::Mean,
        wire::SweepStatistic::Median => Statistic::Median,
        wire::SweepStatistic::Min => Statistic::Min,
        wire::SweepStatistic::Max => Statistic::Max,
        wire::SweepStatistic::Count => Statistic::Count,
        wire::SweepStatistic::Best if goal == Some(Goal::Min) => Statistic::Min,
        wire::SweepStatistic::Best => Statistic::Max,
    };
    let chosen = chosen(engine, set, &fields.0).await?;
    drawn(chosen, page, move |page, chosen| {
        let columns = &chosen.columns;
        let options =
            SweepOptions { x: &columns[x], y: &columns[y], value: &columns[value], statistic, goal };
        plots::render_sweep(page, &chosen.subjects, &options)
    })
    .await
}

async fn histogram(
    engine: &Engine,
    set: &wire::RunSet,
    spec: &wire::HistogramPlot,
    page: Page,
) -> Result<Drawn> {
    if spec.key.is_empty() {
        return Err(wrong("key", "choose which histograms"));
    }
    let chosen = chosen(engine, set, &[]).await?;
    let most = (page.width / COLUMN).clamp(2.0, 2_000.0) as usize;
    let mut found = None;
    for run in &chosen.runs {
        let histograms = engine.run_histograms(&run.uid, &spec.key, most).await?;
        if histograms.total > 0 {
            found = Some((run.clone(), histograms));
            break;
        }
    }
    let mut notes = Vec::new();
    let (runs, columns) = match found {
        None => {
            notes.push(format!("None of these runs has histograms called “{}”.", spec.key));
            (Vec::new(), Vec::new())
        }
        Some((run, found)) => {
            if chosen.total > 1 {
                notes.push(format!(
                    "Of {}, the first of {} runs with such histograms.",
                    run.name, chosen.total
                ));
            }
            if found.columns.len() < found.total {
                notes.push(format!(
                    "{} of {} steps are drawn, evenly picked.",
                    found.columns.len(),
                    found.total
                ));
            }
            if found.unread > 0 {
                notes.push(format!("{} histograms could not be read.", found.unread));
            }
            (vec![run], found.columns)
        }
    };
    let work = move || {
        let rendered = render_heat(&HeatChart {
            width: page.width,
            height: page.height,
            theme: page.theme,
            title: page.title,
            columns: columns
                .iter()
                .map(|(medium, histogram)| HeatColumn { step: medium.step, histogram })
                .collect(),
        });
        let rows = columns.iter().flat_map(|(medium, histogram)| {
            let row = |bucket: &athanor_core::runs::media::Bucket| {
                [medium.step, bucket.from, bucket.to, bucket.count].map(Value::Number).to_vec()
            };
            histogram.buckets.iter().map(row)
        });
        let header = ["step", "from", "to", "count"].map(str::to_owned).to_vec();
        // Without a column there are no axes: what is missing is said instead.
        let has = !columns.is_empty();
        RenderedPlot {
            table: Table { header, rows: rows.collect() },
            svg: rendered.svg,
            width: rendered.width,
            height: rendered.height,
            roomy: None,
            plot: rendered.plot,
            x: has.then_some(rendered.x),
            y: has.then_some(rendered.y),
            marks: Vec::new(),
            notes,
        }
    };
    let plot = tokio::task::spawn_blocking(work).await.map_err(athanor_engine::Error::from)?;
    Ok(Drawn { plot, runs })
}

async fn usage(engine: &Engine, set: &wire::RunSet, spec: &wire::UsagePlot, page: Page) -> Result<Drawn> {
    if spec.key.is_empty() {
        return Err(wrong("key", "choose a metric"));
    }
    let chosen = chosen(engine, set, &[]).await?;
    let columns = page.width.clamp(40.0, 8000.0) as usize;
    let mut notes = Vec::new();
    let mut found = None;
    for (place, run) in chosen.runs.iter().enumerate() {
        if let Some(metric) = engine.runs().over_time(run, &spec.key, columns).await? {
            found = Some((place, metric));
            break;
        }
    }
    let Some((place, (ends, pieces, odd))) = found else {
        notes.push(format!("None of these runs has “{}” with times.", spec.key));
        let chart = UsageChart {
            key: spec.key.clone(),
            pieces: &Vec::new(),
            colour: 0,
            scale: spec.scale.into(),
            bands: Vec::new(),
            span: None,
        };
        let plot = plots::render_usage(&page, &chart);
        return Ok(Drawn { plot: RenderedPlot { notes, ..plot }, runs: Vec::new() });
    };
    let run = chosen.runs[place].clone();
    if chosen.total > 1 {
        notes.push(format!("Of {}, the first of {} runs with this metric.", run.name, chosen.total));
    }
    if odd > 0 {
        notes.push(format!("{odd} values are NaN or infinite and are not drawn."));
    }
    let used = engine.gpu_use(&run, ends, u32::try_from(columns).unwrap_or(8000)).await?;
    notes.extend(used.notes);
    let span = used.attempt.map_or(ends, |(from, to)| (from.min(ends.0), to.max(ends.1)));
    let (colour, key, scale) = (chosen.subjects[place].colour, spec.key.clone(), spec.scale.into());
    let work = move || {
        let gpus = used.gpus.iter().enumerate();
        let bands = gpus.map(|(index, gpu)| UsageBand {
            label: gpu.label.clone(),
            // Other colours than the metric's.
            colour: colour + 1 + index % (athanor_core::chart::PALETTE - 1),
            buckets: &gpu.buckets,
            step: gpu.step,
        });
        let bands = bands.collect();
        let chart = UsageChart { key, pieces: &pieces, colour, scale, bands, span: Some(span) };
        plots::render_usage(&page, &chart)
    };
    let mut plot = tokio::task::spawn_blocking(work).await.map_err(athanor_engine::Error::from)?;
    plot.notes.splice(0..0, notes);
    Ok(Drawn { plot, runs: vec![run] })
}

pub(crate) async fn draw(engine: &Engine, input: wire::DrawPlot) -> Result<wire::Plot> {
    let size = Size {
        width: f64::from(input.width),
        height: f64::from(input.height),
        font: plots::FONT,
        theme: input.theme.into(),
    };
    let Drawn { plot, runs } = plotted(engine, &input.runs, &input.plot, size).await?;
    let rectangle = |place: athanor_core::chart::PlotRect| wire::Rectangle {
        left: place.x,
        top: place.y,
        width: place.width,
        height: place.height,
    };
    let mark = |mark: plots::Mark| wire::PlotMark {
        uids: mark.runs.iter().filter_map(|&place| Some(runs.get(place)?.uid.clone())).collect(),
        runs: mark.count as u64,
        label: mark.label,
        colour: mark.colour.and_then(|colour| u32::try_from(colour % athanor_core::chart::PALETTE).ok()),
        place: rectangle(mark.place),
        lines: mark.lines,
    };
    Ok(wire::Plot {
        svg: plot.svg,
        width: plot.width,
        height: plot.height,
        roomy: plot.roomy,
        plot: rectangle(plot.plot),
        x: plot.x.map(convert::axis),
        y: plot.y.map(convert::axis),
        marks: plot.marks.into_iter().map(mark).collect(),
        notes: plot.notes,
    })
}
