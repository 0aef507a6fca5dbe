//! The machine's history: read, drawn, exported.

use std::fmt::Write as _;

use athanor_core::chart::{self, HistoryLine, render_history};
use athanor_core::history::{Bucket, Metric, Resolution, Tier};
use athanor_engine::history::{Series, Stretch};
use athanor_engine::home::now_ms;
use athanor_engine::{Engine, store};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::wire::{self, ApiError, ErrorCode, Nothing};

type Result<T> = std::result::Result<T, ApiError>;

/// Lines of one chart at most.
const LINES: usize = 16;

/// Jobs marked on one chart at most.
const MARKS: usize = 400;

/// Attempts that are looked through for them at most: many may have used no GPU.
const LOOKED_THROUGH: u32 = 4000;

/// Rows of one page of an export at most.
const PAGE: i64 = 5000;

/// What was asked for, found.
enum Found {
    /// Of the machine, a GPU or a disk.
    Machine(Series),
    /// Of an attempt.
    Attempt(Box<store::ExperimentRow>, u32, Metric),
}

fn wrong(field: &str, message: String) -> ApiError {
    ApiError::new(ErrorCode::InvalidInput, message).field(field)
}

/// What a reference stands for; several where it leaves open which GPU or disk.
async fn find(engine: &Engine, asked: &wire::HistoryRef) -> Result<Vec<Found>> {
    let metric = Metric::from_name(&asked.metric).ok_or_else(|| {
        let names: Vec<&str> = Metric::ALL.iter().map(|metric| metric.name()).collect();
        wrong("metric", format!("there is no metric “{}”", asked.metric))
            .hint(format!("Those that there are: {}.", names.join(", ")))
    })?;
    if metric.of_job() {
        let uid = asked.uid.as_deref().ok_or_else(|| {
            wrong("uid", format!("{} is recorded for each attempt of a job: name the job", asked.metric))
        })?;
        let row = engine.find(uid).await?;
        let attempt = asked.attempt.unwrap_or(row.attempt);
        return Ok(vec![Found::Attempt(Box::new(row), attempt, metric)]);
    }
    let mut known: Vec<Series> = engine.history().series().await?;
    known.retain(|series| series.metric == metric);
    if let Some(gpu) = asked.gpu.as_deref().filter(|_| metric.of_gpu()) {
        let by_index = |series: &Series| series.position.to_string() == gpu;
        if known.iter().any(by_index) {
            // A GPU that was replaced had the index, too.
            known.retain(by_index);
            known.sort_by_key(|series| std::cmp::Reverse(series.seen_at));
            known.truncate(1);
        } else {
            known.retain(|series| !gpu.is_empty() && series.subject.starts_with(gpu));
            if known.is_empty() {
                let message = format!("nothing is recorded of a GPU “{gpu}”");
                return Err(ApiError::new(ErrorCode::NotFound, message).field("gpu"));
            }
        }
    }
    if let Some(disk) = asked.disk.as_deref().filter(|_| metric.of_disk()) {
        known.retain(|series| series.subject == disk);
        if known.is_empty() {
            let message = format!("nothing is recorded of a disk “{disk}”");
            return Err(ApiError::new(ErrorCode::NotFound, message).field("disk"));
        }
    }
    Ok(known.into_iter().map(Found::Machine).collect())
}

/// The one that a reference stands for.
async fn find_one(engine: &Engine, asked: &wire::HistoryRef) -> Result<Found> {
    let mut found = find(engine, asked).await?;
    match found.len() {
        0 => {
            let message = format!("nothing was recorded of {} yet", asked.metric);
            Err(ApiError::new(ErrorCode::NotFound, message)
                .hint("It is recorded while an engine runs, where the hardware reports it."))
        }
        1 => Ok(found.swap_remove(0)),
        _ if asked.metric == Metric::DiskFree.name() => Ok(found.swap_remove(0)),
        count => Err(wrong("gpu", format!("there are {count} GPUs with {}: say which", asked.metric))
            .hint("“athanor devices” lists them.")),
    }
}

impl Found {
    fn metric(&self) -> Metric {
        match self {
            Self::Machine(series) => series.metric,
            Self::Attempt(_, _, metric) => *metric,
        }
    }

    fn describe(&self) -> wire::HistorySeries {
        match self {
            Self::Machine(series) => described(series),
            Self::Attempt(row, attempt, metric) => wire::HistorySeries {
                uid: Some(row.uid.clone()),
                attempt: Some(*attempt),
                ..of_metric(*metric, row.started_at.unwrap_or(0))
            },
        }
    }

    /// What it did from `since` to `until`.
    async fn read(&self, engine: &Engine, range: (Option<i64>, i64), width: u32) -> Result<Stretch> {
        match self {
            Self::Machine(series) => {
                let whose = (series.metric, series.subject.as_str());
                Ok(engine.history().read(whose, range, width, now_ms()).await?)
            }
            Self::Attempt(row, attempt, metric) => {
                let mut all = engine.history().read_attempt(row, *attempt, *metric).await?;
                let since = range.0.unwrap_or(i64::MIN);
                all.buckets.retain(|bucket| bucket.start + all.step > since && bucket.start < range.1);
                (all.since, all.until) = (all.since.max(since), all.until.min(range.1));
                Ok(all)
            }
        }
    }
}

fn of_metric(metric: Metric, seen_at: i64) -> wire::HistorySeries {
    wire::HistorySeries {
        metric: metric.name().into(),
        title: metric.title().into(),
        unit: metric.unit().into(),
        gpu: None,
        disk: None,
        uid: None,
        attempt: None,
        seen_at,
    }
}

fn described(series: &Series) -> wire::HistorySeries {
    let gpu = || wire::HistoryGpu {
        uuid: series.subject.clone(),
        index: series.position,
        name: series.title.clone(),
    };
    wire::HistorySeries {
        gpu: series.metric.of_gpu().then(gpu),
        disk: series.metric.of_disk().then(|| series.subject.clone()),
        ..of_metric(series.metric, series.seen_at)
    }
}

fn bucket(bucket: &Bucket) -> wire::HistoryBucket {
    let Bucket { start, min, mean, max, count, .. } = *bucket;
    wire::HistoryBucket { at: start, min, mean, max, count }
}

/// The ends of a range that was asked for; nothing is recorded of the time to come.
fn range(since: Option<i64>, until: Option<i64>) -> Result<(Option<i64>, i64)> {
    let until = until.unwrap_or_else(now_ms).clamp(0, now_ms().saturating_add(1000));
    match since {
        Some(since) if since >= until => Err(wrong("since", "a range begins before it ends".into())),
        since => Ok((since.map(|since| since.max(0)), until)),
    }
}

pub(crate) async fn metrics(engine: &Engine, _: Nothing) -> Result<wire::HistoryMetrics> {
    let series = engine.history().series().await?;
    Ok(wire::HistoryMetrics {
        series: series.iter().map(described).collect(),
        begins_at: engine.history().begins_at().await?,
    })
}

pub(crate) async fn read(engine: &Engine, input: wire::ReadHistory) -> Result<wire::HistoryStretch> {
    let range = range(input.since, input.until)?;
    let found = find_one(engine, &input.series).await?;
    let stretch = found.read(engine, range, input.width).await?;
    Ok(wire::HistoryStretch {
        series: found.describe(),
        since: stretch.since,
        until: stretch.until,
        step_ms: stretch.step,
        buckets: stretch.buckets.iter().map(bucket).collect(),
        damaged: stretch.damaged,
    })
}

pub(crate) async fn chart(engine: &Engine, input: wire::DrawHistory) -> Result<wire::HistoryChart> {
    let (mut since, mut until) = range(input.since, input.until)?;
    let mut found = Vec::new();
    for asked in &input.series {
        found.extend(find(engine, asked).await?);
    }
    if input.series.is_empty() {
        return Err(wrong("series", "a chart shows at least one history".into()));
    }
    found.truncate(LINES);
    let asked = Metric::from_name(&input.series[0].metric).unwrap_or(Metric::Cpu);
    let metric = found.first().map_or(asked, Found::metric);
    if let Some(other) = found.iter().find(|other| other.metric().unit() != metric.unit()) {
        let (one, other) = (metric.name(), other.metric().name());
        return Err(wrong("series", format!("{one} and {other} are measured in different units")));
    }
    // A column of pixels has one bucket.
    let mut stretches = Vec::with_capacity(found.len());
    for one in &found {
        stretches.push(one.read(engine, (since, until), input.width.clamp(40, 2000)).await?);
    }
    if since.is_none() {
        let first = stretches.iter().filter(|one| !one.buckets.is_empty()).map(|one| one.since).min();
        since = first.or_else(|| Some(until.saturating_sub(3_600_000)));
    }
    if found.iter().all(|one| matches!(one, Found::Attempt(..))) && input.until.is_none() {
        // The history of an attempt is as long as the attempt.
        until = stretches.iter().map(|one| one.until).max().filter(|end| *end > 0).unwrap_or(until);
    }
    let since = since.unwrap_or(0).min(until.saturating_sub(1));
    let marks = marks(engine, &found, (since, until)).await?;
    let (title, described): (String, Vec<wire::HistorySeries>) =
        (metric.title().to_owned(), found.iter().map(Found::describe).collect());
    let colours: Vec<usize> = described
        .iter()
        .enumerate()
        .map(|(place, series)| series.gpu.as_ref().map_or(place, |gpu| gpu.index as usize))
        .collect();
    let drawn = tokio::task::spawn_blocking(move || {
        let lines = stretches.iter().zip(&colours).map(|(stretch, colour)| HistoryLine {
            colour: *colour,
            buckets: &stretch.buckets,
            step: stretch.step,
        });
        let rendered = render_history(&chart::HistoryChart {
            width: f64::from(input.width),
            height: f64::from(input.height),
            theme: input.theme.into(),
            title,
            unit: metric.unit(),
            since,
            until,
            zone: TimeZone::system(),
            lines: lines.collect(),
        });
        (rendered, stretches, colours)
    })
    .await
    .map_err(athanor_engine::Error::from)?;
    let (rendered, stretches, colours) = drawn;
    let axis = crate::convert::axis;
    Ok(wire::HistoryChart {
        svg: rendered.svg,
        plot: wire::Rectangle {
            left: rendered.plot.x,
            top: rendered.plot.y,
            width: rendered.plot.width,
            height: rendered.plot.height,
        },
        x: axis(rendered.x),
        y: axis(rendered.y),
        unit: metric.unit().into(),
        step_ms: stretches.iter().map(|one| one.step).max().unwrap_or(1000),
        damaged: stretches.iter().map(|one| one.damaged).sum(),
        lines: described
            .into_iter()
            .zip(colours)
            .zip(&stretches)
            .map(|((series, colour), stretch)| wire::HistoryLine {
                series,
                colour: u32::try_from(colour % chart::PALETTE).unwrap_or(0),
                buckets: stretch.buckets.iter().map(bucket).collect(),
            })
            .collect(),
        jobs: marks.0,
        jobs_cut: marks.1,
    })
}

/// The attempts that ran in a span of time, on the GPUs that are shown if these are GPUs.
async fn marks(
    engine: &Engine,
    found: &[Found],
    (since, until): (i64, i64),
) -> Result<(Vec<wire::JobMark>, bool)> {
    if found.iter().any(|one| matches!(one, Found::Attempt(..))) {
        return Ok((Vec::new(), false));
    }
    let gpus: Vec<&str> = found
        .iter()
        .filter_map(|one| match one {
            Found::Machine(series) if series.metric.of_gpu() => Some(series.subject.as_str()),
            _ => None,
        })
        .collect();
    let rows = engine.store().bars(since, until, LOOKED_THROUGH).await?;
    let looked_at_all = rows.len() < LOOKED_THROUGH as usize;
    let mark = |row: store::BarRow| {
        let held = row.assignment.map(|held| held.gpus).unwrap_or_default();
        let shown = gpus.is_empty() || held.iter().any(|share| gpus.contains(&share.uuid.as_str()));
        shown.then(|| wire::JobMark {
            uid: row.uid,
            name: row.name,
            attempt: row.attempt,
            from: row.from,
            to: row.to,
            status: row.status.into(),
            gpus: held.iter().map(|share| share.index).collect(),
        })
    };
    // The newest come first.
    let mut marks: Vec<wire::JobMark> = rows.into_iter().filter_map(mark).take(MARKS + 1).collect();
    let cut = marks.len() > MARKS || !looked_at_all;
    marks.truncate(MARKS);
    marks.reverse();
    Ok((marks, cut))
}

pub(crate) async fn export(engine: &Engine, input: wire::ExportHistory) -> Result<wire::HistoryCsv> {
    let found = find_one(engine, &input.series).await?;
    let name = file_name(&found);
    let (since, until) = range(input.since, input.until)?;
    let mut text = String::new();
    if input.after.is_none() {
        text.push_str("time,min,mean,max,samples\n");
    }
    let Found::Machine(series) = &found else {
        // One is as long as a page.
        let stretch = found.read(engine, (since, until), 1).await?;
        write_rows(&mut text, &stretch.buckets);
        return Ok(wire::HistoryCsv { name, text, next: None });
    };
    let history = engine.history();
    let place = match input.after {
        Some(place) => place,
        None => {
            let begin = history.begins_at().await?.unwrap_or(until).min(until);
            let from = since.unwrap_or(begin).max(begin);
            let reaches = |tier: &Tier| tier.keep_ms().is_none_or(|keep| from >= now_ms() - keep);
            let tier = Tier::ALL.into_iter().find(reaches).unwrap_or(Tier::Hour);
            wire::HistoryPlace { from, until, step_ms: tier.bucket_ms() }
        }
    };
    let tier = Tier::ALL.into_iter().find(|tier| tier.bucket_ms() == place.step_ms);
    let tier = tier.ok_or_else(|| wrong("after", "no page of an export ends there".into()))?;
    let step = tier.bucket_ms();
    // A page ends where a bucket does, so that none is in two.
    let from = place.from.max(0);
    let end = (from.div_euclid(step) * step).saturating_add(PAGE * step).min(place.until.min(until));
    let resolution = Resolution { tier, step };
    let stretch = history.read_at((series.metric, &series.subject), (from, end), resolution).await?;
    write_rows(&mut text, &stretch.buckets);
    let next = (end < place.until.min(until)).then_some(wire::HistoryPlace { from: end, ..place });
    Ok(wire::HistoryCsv { name, text, next })
}

fn write_rows(text: &mut String, buckets: &[Bucket]) {
    for Bucket { start, min, mean, max, count, .. } in buckets {
        let Ok(at) = Timestamp::from_millisecond(*start) else { continue };
        // Writing into a string does not fail.
        let _ = writeln!(text, "{at},{min},{mean},{max},{count}");
    }
}

fn file_name(found: &Found) -> String {
    let whose = match found {
        Found::Machine(series) if series.metric.of_gpu() => format!("gpu{}-", series.position),
        Found::Attempt(row, attempt, _) => format!("{}-{attempt}-", row.uid),
        Found::Machine(_) => String::new(),
    };
    format!("{whose}{}.csv", found.metric().name())
}
