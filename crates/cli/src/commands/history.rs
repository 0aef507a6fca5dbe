//! `athanor history`

use std::io::Write;
use std::process::ExitCode;

use athanor_api::command::{ExportHistory, ListHistory, ReadHistory};
use athanor_api::wire::{
    self, HistoryBucket, HistoryRef, HistorySeries, HistoryStretch, HistoryUnit, Nothing,
};
use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::devices::whole;
use crate::backend::Backend;
use crate::exit::Failure;
use crate::options::values::{moment, now, past};
use crate::print;

/// What `history` takes.
#[derive(Args)]
#[command(after_help = "\
Examples:
  athanor history                                          what there is
  athanor history --metric gpu.util --gpu 0 --since 2h
  athanor history --metric gpu.power --gpu 0 --since 30d --csv > power.csv
  athanor history --metric job.gpu.mem --job 20261121_7e3a")]
pub struct Arguments {
    /// The metric, such as gpu.util; what there is if absent
    #[arg(long, value_name = "NAME")]
    metric: Option<String>,

    /// Of which GPU: its index or uuid
    #[arg(long, value_name = "GPU", requires = "metric")]
    gpu: Option<String>,

    /// Of which disk: its label
    #[arg(long, value_name = "LABEL", requires = "metric")]
    disk: Option<String>,

    /// Of which job, for job.gpu.util and job.gpu.mem
    #[arg(long, value_name = "UID", requires = "metric")]
    job: Option<String>,

    /// Of which attempt of the job; the newest if absent
    #[arg(long, value_name = "N", requires = "job")]
    attempt: Option<u32>,

    /// From when: how long ago, such as 2h, or a moment; of a job from its start
    #[arg(long, value_name = "WHEN", value_parser = past)]
    since: Option<i64>,

    /// Up to when; now if absent
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    until: Option<i64>,

    /// As CSV, in the finest steps that reach back so far
    #[arg(long, requires = "metric", conflicts_with = "json")]
    csv: bool,

    /// Columns, or with --json most steps; as many as the terminal has if absent
    #[arg(long, value_name = "N")]
    width: Option<u32>,
}

/// From when on, if nobody says.
const USUAL: i64 = 2 * 3_600_000;

/// Rows of the picture.
const HEIGHT: usize = 8;

/// Fewest columns in which anything can be told.
const NARROWEST: usize = 40;

/// Prints what a metric did.
pub fn run(backend: &mut Backend, arguments: &Arguments, json: bool) -> Result<ExitCode, Failure> {
    let Some(metric) = &arguments.metric else { return list(backend, json) };
    let series = HistoryRef {
        metric: metric.clone(),
        gpu: arguments.gpu.clone(),
        disk: arguments.disk.clone(),
        uid: arguments.job.clone(),
        attempt: arguments.attempt,
    };
    let since = arguments.since.or_else(|| arguments.job.is_none().then(|| now() - USUAL));
    if arguments.csv {
        return csv(backend, series, (since, arguments.until));
    }
    let columns = arguments.width.map_or_else(print::columns, |width| width as usize).max(NARROWEST);
    let labels = 12;
    let width =
        if json { arguments.width.unwrap_or(500) } else { u32::try_from(columns - labels).unwrap_or(500) };
    let input = wire::ReadHistory { series, since, until: arguments.until, width };
    let stretch = backend.call::<ReadHistory>(&input)?;
    if json {
        print::json(&stretch)?;
        return Ok(ExitCode::SUCCESS);
    }
    if stretch.buckets.is_empty() {
        eprintln!("Nothing was recorded of {} in that time.", stretch.series.metric);
        return Ok(ExitCode::SUCCESS);
    }
    print::lines(draw(&stretch, columns - labels, labels, &TimeZone::system()))?;
    if stretch.damaged > 0 {
        eprintln!("athanor: {} stored pieces could not be read and are missing", stretch.damaged);
    }
    Ok(ExitCode::SUCCESS)
}

fn list(backend: &mut Backend, json: bool) -> Result<ExitCode, Failure> {
    let metrics = backend.call::<ListHistory>(&Nothing {})?;
    if json {
        print::json(&metrics)?;
        return Ok(ExitCode::SUCCESS);
    }
    if metrics.series.is_empty() {
        eprintln!("Nothing was recorded yet: an engine does that. “athanor serve” runs one.");
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<Vec<String>> = metrics
        .series
        .iter()
        .map(|series| {
            let last = print::time(series.seen_at);
            vec![series.metric.clone(), whose(series), last, series.title.clone()]
        })
        .collect();
    print::table(&["METRIC", "OF", "LAST", ""], &rows)?;
    if let Some(begin) = metrics.begins_at {
        println!("Since {}.", print::time(begin));
    }
    Ok(ExitCode::SUCCESS)
}

fn whose(series: &HistorySeries) -> String {
    match (&series.gpu, &series.disk, &series.uid) {
        (Some(gpu), ..) => format!("GPU {} ({})", gpu.index, gpu.name),
        (_, Some(disk), _) => disk.clone(),
        (_, _, Some(uid)) => format!("{uid}, attempt {}", series.attempt.unwrap_or(0)),
        _ => "this machine".into(),
    }
}

fn csv(
    backend: &mut Backend,
    series: HistoryRef,
    (since, until): (Option<i64>, Option<i64>),
) -> Result<ExitCode, Failure> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut after = None;
    loop {
        let input = wire::ExportHistory { series: series.clone(), since, until, after };
        let page = backend.call::<ExportHistory>(&input)?;
        out.write_all(page.text.as_bytes())?;
        after = page.next;
        if after.is_none() {
            out.flush()?;
            return Ok(ExitCode::SUCCESS);
        }
    }
}

/// A value with its unit.
fn value(unit: HistoryUnit, value: f64) -> String {
    match unit {
        HistoryUnit::Percent => format!("{value:.0} %"),
        HistoryUnit::Bytes => print::bytes(whole(value)),
        HistoryUnit::BytesPerSecond => format!("{}/s", print::bytes(whole(value))),
        HistoryUnit::Watt => format!("{value:.0} W"),
        HistoryUnit::Celsius => format!("{value:.0} °C"),
        HistoryUnit::Megahertz => format!("{value:.0} MHz"),
    }
}

/// One column of the picture.
#[derive(Clone, Copy)]
struct Column {
    mean: f64,
    max: f64,
}

const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The picture: means as bars, the greatest values as dots above them, times below.
fn draw(stretch: &HistoryStretch, columns: usize, labels: usize, zone: &TimeZone) -> Vec<String> {
    let unit = stretch.series.unit;
    let of = |pick: fn(&HistoryBucket) -> f64| stretch.buckets.iter().map(pick);
    let (least, most) = (of(|b| b.min).fold(f64::INFINITY, f64::min), of(|b| b.max).fold(0.0, f64::max));
    let weight: f64 = stretch.buckets.iter().map(|bucket| bucket.count as f64).sum();
    let mean = stretch.buckets.iter().map(|b| b.mean * b.count as f64).sum::<f64>() / weight;
    let top = match unit {
        HistoryUnit::Percent => 100.0,
        _ if most > 0.0 => most,
        _ => 1.0,
    };
    let mut lines = vec![format!(
        "{} of {}: {} to {}, {} on average",
        stretch.series.title,
        whose(&stretch.series),
        value(unit, least),
        value(unit, most),
        value(unit, mean)
    )];
    let drawn = spread(stretch, columns);
    for row in (0..HEIGHT).rev() {
        let label = match row {
            _ if row == HEIGHT - 1 => value(unit, top),
            0 => value(unit, 0.0),
            _ => String::new(),
        };
        let cell = |column: &Option<Column>| {
            let Some(column) = column else { return ' ' };
            let eighths = |value: f64| (value / top * HEIGHT as f64 * 8.0).round().max(0.0);
            let (filled, base) = (eighths(column.mean), (row * 8) as f64);
            if filled > base {
                // From 1 to 8: it is above the base.
                return BLOCKS[(filled - base).min(8.0) as usize];
            }
            // What is not 0 is seen.
            let peak = (eighths(column.max) - 1.0).max(0.0);
            let here = column.max > 0.0 && (peak / 8.0).floor().min((HEIGHT - 1) as f64) == row as f64;
            if here { '·' } else { ' ' }
        };
        let cells: String = drawn.iter().map(cell).collect();
        lines.push(format!("{label:>width$}  {cells}", width = labels - 2).trim_end().to_owned());
    }
    lines.push(times(stretch, columns, labels, zone));
    lines
}

/// The buckets in columns; one that is wider than a column fills all of its columns.
fn spread(stretch: &HistoryStretch, columns: usize) -> Vec<Option<Column>> {
    let (since, until) = ends(stretch);
    let length = (until - since).max(1);
    let place = |at: i64| {
        let place = i128::from((at - since).clamp(0, length)) * columns as i128 / i128::from(length);
        usize::try_from(place).unwrap_or(0)
    };
    let mut drawn: Vec<Option<Column>> = vec![None; columns];
    for bucket in &stretch.buckets {
        let from = place(bucket.at).min(columns.saturating_sub(1));
        let to = place(bucket.at + stretch.step_ms).clamp(from + 1, columns.max(from + 1));
        for column in drawn.iter_mut().take(to).skip(from) {
            let own = Column { mean: bucket.mean, max: bucket.max };
            *column = Some(column.map_or(own, |there| Column {
                mean: f64::midpoint(there.mean, own.mean),
                max: there.max.max(own.max),
            }));
        }
    }
    drawn
}

/// Whole buckets: the first and the last reach beyond what was asked for.
fn ends(stretch: &HistoryStretch) -> (i64, i64) {
    let first = stretch.buckets.first().map_or(stretch.since, |bucket| bucket.at.min(stretch.since));
    let last = stretch.buckets.last().map_or(stretch.until, |bucket| bucket.at + stretch.step_ms);
    (first, last.max(stretch.until))
}

fn times(stretch: &HistoryStretch, columns: usize, labels: usize, zone: &TimeZone) -> String {
    let (since, until) = ends(stretch);
    let form = if until - since > 2 * 86_400_000 { "%Y-%m-%d" } else { "%b %d %H:%M" };
    let text = |at: i64| {
        let at = Timestamp::from_millisecond(at).map(|at| at.to_zoned(zone.clone()));
        at.map(|at| at.strftime(form).to_string()).unwrap_or_default()
    };
    let (from, to) = (text(since), text(until));
    let between = columns.saturating_sub(from.chars().count() + to.chars().count());
    format!("{:labels$}{from}{:between$}{to}", "", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(unit: HistoryUnit, values: &[(i64, f64, f64, f64)]) -> HistoryStretch {
        let buckets = values.iter().map(|(at, min, mean, max)| HistoryBucket {
            at: at * 60_000,
            min: *min,
            mean: *mean,
            max: *max,
            count: 60,
        });
        HistoryStretch {
            series: HistorySeries {
                metric: "gpu.util".into(),
                title: "GPU utilisation".into(),
                unit,
                gpu: Some(wire::HistoryGpu { uuid: "GPU-a".into(), index: 0, name: "Test".into() }),
                disk: None,
                uid: None,
                attempt: None,
                seen_at: 0,
            },
            since: 0,
            until: 40 * 60_000,
            step_ms: 60_000,
            buckets: buckets.collect(),
            damaged: 0,
        }
    }

    #[test]
    fn bars_are_means_dots_are_peaks_and_gaps_are_empty() {
        let values: Vec<(i64, f64, f64, f64)> = (0..40)
            .filter(|i| !(20..25).contains(i))
            .map(|i| (i, 0.0, i as f64 * 2.5, if i == 10 { 100.0 } else { i as f64 * 2.5 }))
            .collect();
        let lines = draw(&stretch(HistoryUnit::Percent, &values), 40, 8, &TimeZone::UTC);
        assert_eq!(lines[0], "GPU utilisation of GPU 0 (Test): 0 % to 100 %, 48 % on average");
        assert!(lines[1].contains('·') && lines[1].starts_with(" 100 %"), "{lines:#?}");
        assert_eq!(lines.len(), 1 + HEIGHT + 1, "{lines:#?}");
        let gap = |line: &String| line.chars().skip(8 + 20).take(5).all(|c| c == ' ');
        assert!(lines[1..=HEIGHT].iter().all(gap), "nothing was recorded there: {lines:#?}");
        assert!(lines[HEIGHT].ends_with('█'), "{lines:#?}");
        assert_eq!(lines[HEIGHT + 1], "        Jan 01 00:00                Jan 01 00:40");
    }

    #[test]
    fn no_width_breaks_it() {
        for unit in [HistoryUnit::Bytes, HistoryUnit::Celsius, HistoryUnit::BytesPerSecond] {
            for values in [vec![], vec![(0, 0.0, 0.0, 0.0)], vec![(3, 1.0, 2e9, 5e12), (39, -4.0, -2.0, 0.0)]]
            {
                for columns in [1, 2, 28, 300] {
                    let lines = draw(&stretch(unit, &values), columns, 12, &TimeZone::UTC);
                    assert_eq!(lines.len(), HEIGHT + 2);
                }
            }
        }
    }
}
