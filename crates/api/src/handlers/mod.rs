//! What each command does: reads or asks the engine, and converts.

pub(crate) mod cleanup;
pub(crate) mod compare;
pub(crate) mod config;
pub(crate) mod figures;
pub(crate) mod files;
pub(crate) mod history;
pub(crate) mod log_search;
pub(crate) mod notifications;
pub(crate) mod pages;
pub(crate) mod plots;
pub(crate) mod points;
pub(crate) mod queue;
pub(crate) mod reports;
pub(crate) mod run_charts;
pub(crate) mod run_media;
pub(crate) mod runs;
pub(crate) mod sweeps;
pub(crate) mod transfer;
pub(crate) mod watch;

use std::collections::BTreeMap;

use athanor_core::chart::{AxisOptions, Data, Line, LineChart, render_lines};
use std::time::Duration;

use athanor_core::experiment::is_secret_name;
use athanor_engine::home::host_name;
use athanor_engine::queue::{Added, SettingsChange};
use athanor_engine::store::{EventQuery, ExperimentRow, Filter};
use athanor_engine::{Engine, LogPart, LogPiece, projects};
use base64::Engine as _;

use crate::convert;
use crate::wire::{self, ApiError, ErrorCode, Nothing, Number};

type Result<T> = std::result::Result<T, ApiError>;

/// Largest piece of a log in one answer, bytes.
const LOG_MAX: u32 = 4 << 20;
const LOG_USUAL: u32 = 256 << 10;

pub(crate) async fn engine_info(engine: &Engine, _: Nothing) -> Result<wire::EngineInfo> {
    let home = engine.home();
    let text = |path: std::path::PathBuf| path.display().to_string();
    Ok(wire::EngineInfo {
        version: env!("CARGO_PKG_VERSION").into(),
        host: host_name(),
        owner: engine.mode().into(),
        pid: std::process::id(),
        started_at: engine.started_at(),
        home: text(home.root().to_owned()),
        database: text(home.database()),
        attempts: text(home.attempts()),
        socket: text(home.socket()),
        log: text(home.logs()),
        backups: text(home.backups()),
        notices: engine.notices().iter().cloned().map(Into::into).collect(),
    })
}

pub(crate) async fn add(engine: &Engine, input: wire::AddExperiments) -> Result<wire::AddedExperiments> {
    if input.experiments.is_empty() {
        return Err(ApiError::new(ErrorCode::InvalidInput, "no experiment was given").field("experiments"));
    }
    let all = engine.add(input.experiments.into_iter().map(Into::into).collect()).await?;
    Ok(added(engine, all))
}

pub(crate) async fn again(engine: &Engine, input: wire::ExperimentRefs) -> Result<wire::AddedExperiments> {
    let mut rows = Vec::with_capacity(input.uids.len());
    for uid in &input.uids {
        rows.push(engine.find(uid).await?);
    }
    let all = engine.again(rows).await?;
    Ok(added(engine, all))
}

/// What an addition gave, on the wire.
pub(crate) fn added(engine: &Engine, all: Added) -> wire::AddedExperiments {
    wire::AddedExperiments {
        existing: all.existing,
        experiments: all.rows.into_iter().map(|row| convert::experiment(engine, row)).collect(),
        engine_running: engine.mode() != athanor_engine::Mode::Offline,
    }
}

pub(crate) async fn list(engine: &Engine, input: wire::ListExperiments) -> Result<wire::ExperimentPage> {
    let text = input.text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let filter = Filter {
        text,
        project: input.project,
        statuses: input.statuses.into_iter().map(Into::into).collect(),
        group: input.group,
        ungrouped: input.ungrouped,
        archived: input.archived,
    };
    let section = input.section.into();
    let limit = input.limit.clamp(1, 1000);
    let rows = engine.store().list(section, &filter, input.offset, limit).await?;
    let counts = engine.queue().stats().counts;
    let total = match filter.is_empty() {
        // The queue knows these without asking the store.
        true => {
            wire_total(&wire::QueueStats::from(engine.queue().stats()), input.section).min(counts.total())
        }
        false => engine.store().count(section, &filter).await?,
    };
    Ok(wire::ExperimentPage {
        experiments: rows.into_iter().map(|row| convert::experiment(engine, row)).collect(),
        total,
    })
}

fn wire_total(stats: &wire::QueueStats, section: wire::Section) -> u64 {
    let active = stats.running + stats.paused;
    let waiting = stats.pending + stats.queued;
    let finished = stats.completed + stats.failed + stats.cancelled + stats.expired;
    match section {
        wire::Section::Active => active,
        wire::Section::Waiting => waiting,
        wire::Section::Finished => finished,
        wire::Section::All => active + waiting + finished,
    }
}

pub(crate) async fn get(engine: &Engine, input: wire::ExperimentRef) -> Result<wire::ExperimentDetail> {
    let row = engine.find(&input.uid).await?;
    let environment = engine.environment(&row).await?;
    let environment = environment
        .into_iter()
        .map(|(name, value)| {
            let value = (!is_secret_name(&name)).then_some(value);
            wire::EnvironmentVariable { name, value }
        })
        .collect();
    let mut attempts = Vec::new();
    for attempt in engine.store().attempts(row.id).await? {
        let number = attempt.number;
        let log_bytes = match attempt.ended_at {
            Some(_) => 0,
            None => engine.log(&row, Some(number), LogPart::Tail(0, 0)).await.map_or(0, |piece| piece.end),
        };
        let sources = engine.store().sources(row.id, number).await?;
        let metrics_file = sources.into_iter().next().map(|source| source.path);
        let folder = engine.home().attempt(&row.uid, number);
        let seen = engine.queue().usage(row.id, number);
        attempts.push(convert::attempt(attempt, &folder, log_bytes, metrics_file, seen));
    }
    let parent = match row.parent_id {
        Some(id) => engine.store().experiment(id).await?.map(|parent| parent.uid),
        None => None,
    };
    let after = engine.store().parents(row.id).await?;
    let before = engine.store().children(row.id).await?;
    Ok(wire::ExperimentDetail {
        after: after.into_iter().map(Into::into).collect(),
        before: before.into_iter().map(Into::into).collect(),
        wait_for_failed: row.wait_for_failed,
        retry: row.retry_policy().into(),
        grace_ms: row.grace_ms,
        key: row.key.clone(),
        user: row.submitted_by.clone(),
        metadata: row.metadata.clone(),
        parent,
        notes: row.notes.clone(),
        config_path: row.config_path.clone(),
        config_text: row.config_text.clone(),
        experiment: convert::experiment(engine, row),
        environment,
        attempts,
    })
}

pub(crate) async fn queue_stats(engine: &Engine, _: Nothing) -> Result<wire::QueueStats> {
    Ok(engine.queue().stats().into())
}

pub(crate) async fn pause_queue(engine: &Engine, input: wire::PauseQueue) -> Result<wire::QueueStats> {
    let change = SettingsChange { queue_paused: Some(input.paused), ..SettingsChange::default() };
    engine.queue().change_settings(change).await?;
    Ok(engine.queue().stats().into())
}

pub(crate) async fn read_log(engine: &Engine, input: wire::ReadLog) -> Result<wire::LogChunk> {
    let row = engine.find(&input.uid).await?;
    let limit = input.limit.unwrap_or(LOG_USUAL).clamp(4, LOG_MAX) as usize;
    log_part(engine, &row, input.attempt, LogPart::From(input.offset, limit), input.stream, input.raw).await
}

pub(crate) async fn tail_log(engine: &Engine, input: wire::TailLog) -> Result<wire::LogChunk> {
    let row = engine.find(&input.uid).await?;
    let lines = input.lines.min(100_000) as usize;
    log_part(engine, &row, input.attempt, LogPart::Tail(lines, LOG_MAX as usize), input.stream, input.raw)
        .await
}

async fn log_part(
    engine: &Engine,
    row: &ExperimentRow,
    attempt: Option<u32>,
    part: LogPart,
    stream: Option<wire::LogStream>,
    raw: bool,
) -> Result<wire::LogChunk> {
    let Some(stream) = stream else {
        let piece = engine.log(row, attempt, part).await?;
        let start = piece.start;
        return Ok(chunk(piece, raw, true, |index| start + index as u64));
    };
    let of = engine.log_stream(row, attempt, part, stream.into()).await?;
    Ok(chunk(of.piece.clone(), raw, false, |index| of.offset(index)))
}

/// A piece of a log as text whose ends cut no character, or as base64. `offset` says where each of its bytes stands in
/// the log, and where to go on from for the one behind the last; `whole` that all between `start` and there is given.
fn chunk(mut piece: LogPiece, raw: bool, whole: bool, offset: impl Fn(usize) -> u64) -> wire::LogChunk {
    if !raw {
        // The start of a character at the end waits for its rest, unless the job has ended and there will be none.
        let keep = piece.bytes.len() - partial_character(&piece.bytes);
        let at_end = offset(piece.bytes.len()) >= piece.end;
        if keep > 0 && !(at_end && piece.ended) {
            piece.bytes.truncate(keep);
        }
    }
    let next = offset(piece.bytes.len());
    let text = match raw {
        true => base64::engine::general_purpose::STANDARD.encode(&piece.bytes),
        false => String::from_utf8_lossy(&piece.bytes).into_owned(),
    };
    let told = raw || (whole && text.len() == piece.bytes.len() && !text.contains('\u{fffd}'));
    let ends = piece.bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let lines = (!told).then(|| ends.map(|(at, _)| offset(at + 1)).collect());
    wire::LogChunk {
        lines,
        attempt: piece.attempt,
        text,
        start: piece.start,
        next,
        oldest: piece.oldest,
        end: piece.end,
        ended: piece.ended,
    }
}

/// How many bytes at the end begin a UTF-8 character without finishing it.
fn partial_character(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let byte = bytes[bytes.len() - back];
        let length = match byte {
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf7 => 4,
            0x80..=0xbf => continue,
            _ => return 0,
        };
        return if back < length { back } else { 0 };
    }
    0
}

pub(crate) async fn list_metrics(engine: &Engine, input: wire::ExperimentRef) -> Result<wire::SeriesList> {
    let row = engine.find(&input.uid).await?;
    let sources = engine.store().sources(row.id, row.attempt).await?;
    let problems = sources
        .iter()
        .flat_map(|source| serde_json::from_str::<Vec<String>>(&source.problems).unwrap_or_default());
    let series = engine.series(row.id, row.attempt).await?;
    Ok(wire::SeriesList {
        problems: problems.collect(),
        source: sources.first().map(|source| source.path.clone()),
        series: series
            .into_iter()
            .map(|series| wire::SeriesInfo {
                key: series.key,
                attempt: series.attempt,
                points: series.stats.count,
                last: series.stats.last.map(|at| Number(at.value)),
                last_step: series.stats.last.map(|at| at.step),
                min: series.stats.min.map(|at| Number(at.value)),
                max: series.stats.max.map(|at| Number(at.value)),
                not_finite: series.stats.non_finite,
            })
            .collect(),
    })
}

pub(crate) async fn draw_chart(engine: &Engine, input: wire::DrawChart) -> Result<wire::Chart> {
    if !(0.0..1.0).contains(&input.smoothing) {
        return Err(ApiError::new(ErrorCode::InvalidInput, "smoothing is 0 or more, and less than 1")
            .field("smoothing"));
    }
    let row = engine.find(&input.uid).await?;
    let attempt = input.attempt.unwrap_or(row.attempt);
    let known = engine.series(row.id, attempt).await?;
    let mut points = Vec::with_capacity(input.keys.len());
    for key in &input.keys {
        let series = known.iter().find(|series| series.key == *key).ok_or_else(|| {
            ApiError::new(ErrorCode::NotFound, format!("{} has no metric “{key}”", row.uid)).field("keys")
        })?;
        points.push((key.clone(), engine.points(series.id).await?));
    }
    let live = row.status.is_active() && attempt == row.attempt;
    let drawn = tokio::task::spawn_blocking(move || {
        let lines = points
            .iter()
            .enumerate()
            .map(|(colour, (key, points))| Line {
                key: key.clone(),
                label: key.clone(),
                colour,
                data: Data::Points { steps: points.steps(), values: points.values() },
                live,
            })
            .collect();
        let rendered = render_lines(&LineChart {
            width: f64::from(input.width),
            height: f64::from(input.height),
            theme: input.theme.into(),
            title: input.keys.join(", "),
            lines,
            x: AxisOptions::default(),
            y: AxisOptions { scale: input.y_scale.into(), range: None },
            smoothing: input.smoothing,
        });
        let totals: BTreeMap<String, u64> =
            points.iter().map(|(key, points)| (key.clone(), points.len() as u64)).collect();
        (rendered, totals)
    })
    .await
    .map_err(athanor_engine::Error::from)?;
    let (rendered, totals) = drawn;
    Ok(chart_on_wire(rendered, |_, key| totals.get(key).copied().unwrap_or(0)))
}

/// A drawn chart on the wire; `total` says how many points a line has in all, by its place and key.
pub(crate) fn chart_on_wire(
    rendered: athanor_core::chart::Rendered,
    total: impl Fn(usize, &str) -> u64,
) -> wire::Chart {
    let axis = convert::axis;
    wire::Chart {
        svg: rendered.svg,
        plot: wire::Rectangle {
            left: rendered.plot.x,
            top: rendered.plot.y,
            width: rendered.plot.width,
            height: rendered.plot.height,
        },
        x: axis(rendered.x),
        y: axis(rendered.y),
        lines: rendered
            .series
            .into_iter()
            .enumerate()
            .map(|(place, series)| wire::ChartLine {
                total: total(place, &series.key),
                colour: u32::try_from(series.colour).unwrap_or(0),
                points: series.pieces.into_iter().flatten().map(|(x, y)| (x, Number(y))).collect(),
                key: series.key,
            })
            .collect(),
    }
}

pub(crate) async fn device_history(engine: &Engine, _: Nothing) -> Result<wire::DeviceHistory> {
    let host = host_name();
    let Some(sampler) = engine.sampler() else {
        return Ok(wire::DeviceHistory { facts: None, samples: Vec::new() });
    };
    let history = sampler.history();
    let newest = history.len().saturating_sub(1);
    let samples = history.iter().enumerate().map(|(at, sample)| {
        let converted = convert::sample(sample, &host, at == newest);
        if at == newest { convert::attributed(engine, converted) } else { converted }
    });
    Ok(wire::DeviceHistory { facts: Some(sampler.facts().into()), samples: samples.collect() })
}

pub(crate) async fn look_at_device(engine: &Engine, input: wire::LookAtDevice) -> Result<Nothing> {
    engine.attention().look(Duration::from_millis(input.for_ms.into()));
    Ok(Nothing {})
}

pub(crate) async fn list_monitors(engine: &Engine, _: Nothing) -> Result<wire::Monitors> {
    Ok(wire::Monitors { monitors: engine.monitors().into_iter().map(Into::into).collect() })
}

pub(crate) async fn read_events(engine: &Engine, input: wire::ReadEvents) -> Result<wire::EventPage> {
    let limit = input.limit.clamp(1, 1000);
    // Asked for first: all up to it is in the table when that is read.
    let latest = engine.store().latest_cursor().await?;
    let experiment = match &input.uid {
        Some(uid) => Some(engine.find(uid).await?.id),
        None => None,
    };
    let (since, before, text) = (input.since, input.before, input.text.unwrap_or_default());
    let page = engine.store().events(&EventQuery { experiment, since, before, text, limit }).await?;
    let (events, reached, more) =
        (page.events.into_iter().map(Into::into).collect(), page.reached, page.more);
    Ok(wire::EventPage { events, latest, reached, more })
}

pub(crate) async fn get_settings(engine: &Engine, _: Nothing) -> Result<wire::Settings> {
    Ok(engine.queue().settings().into())
}

pub(crate) async fn change_settings(engine: &Engine, input: wire::ChangeSettings) -> Result<wire::Settings> {
    Ok(engine.queue().change_settings(convert::settings_change(input)?).await?.into())
}

pub(crate) async fn list_projects(engine: &Engine, _: Nothing) -> Result<wire::Projects> {
    Ok(wire::Projects { projects: all_projects(engine).await? })
}

/// All projects with what could be run there.
pub(crate) async fn all_projects(engine: &Engine) -> Result<Vec<wire::Project>> {
    let rows = engine.projects().await?;
    Ok(rows
        .into_iter()
        .map(|(row, available, suggestions)| wire::Project {
            name: row.name,
            folder: row.folder,
            available,
            demo: row.demo,
            suggestions: suggestions.into_iter().map(Into::into).collect(),
        })
        .collect())
}

async fn project(engine: &Engine, name: &str) -> Result<wire::Project> {
    let mut all = all_projects(engine).await?;
    let place = all.iter().position(|project| project.name == name);
    place
        .map(|place| all.swap_remove(place))
        .ok_or_else(|| ApiError::new(ErrorCode::NotFound, format!("there is no project “{name}”")))
}

pub(crate) async fn add_project(engine: &Engine, input: wire::AddProject) -> Result<wire::Project> {
    let name = engine.add_project(&input.folder, input.name.as_deref()).await?;
    project(engine, &name).await
}

pub(crate) async fn add_demo(engine: &Engine, _: Nothing) -> Result<wire::Project> {
    let name = engine.add_demo().await?;
    project(engine, &name).await
}

pub(crate) async fn remove_project(engine: &Engine, input: wire::ProjectRef) -> Result<wire::Projects> {
    engine.remove_project(&input.name).await?;
    list_projects(engine, Nothing {}).await
}

pub(crate) async fn check_folder(_: &Engine, input: wire::CheckFolder) -> Result<wire::FolderCheck> {
    let folder = projects::expand(input.path.trim());
    let checked = tokio::task::spawn_blocking(move || {
        let problem = projects::check_folder(&folder).err().map(|error| error.to_string());
        let suggestions = if problem.is_none() { projects::suggestions(&folder) } else { Vec::new() };
        wire::FolderCheck {
            path: folder.display().to_string(),
            problem,
            suggestions: suggestions.into_iter().map(Into::into).collect(),
        }
    })
    .await
    .map_err(athanor_engine::Error::from)?;
    Ok(checked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_is_never_cut() {
        let text = "loß ∂ 🜂 end";
        for cut in 0..=text.len() {
            let bytes = &text.as_bytes()[..cut];
            let keep = bytes.len() - partial_character(bytes);
            assert!(text.is_char_boundary(keep), "cut at {cut}");
            assert!(cut - keep < 4);
        }
        assert_eq!(partial_character(&[0xff, 0xfe]), 0, "what is not UTF-8 is not held back");
        assert_eq!(partial_character(b""), 0);
    }
}
