//! `athanor metrics`

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use athanor_api::command::{DrawChart, DrawRunChart, GetRun, ListMetrics, ReadPoints, ReadRunPoints};
use athanor_api::quantity::print_moment;
use athanor_api::wire::{
    self, ErrorCode, ExperimentRef, Number, RunDetail, RunRef, Scale, SeriesList, Theme,
};
use clap::Args;

use crate::backend::Backend;
use crate::exit::{Failure, fail};
use crate::print;

/// What `metrics` takes.
#[derive(Args)]
pub struct Arguments {
    /// The uid of an experiment or of a run, a unique beginning of it, or the unique name of an experiment
    uid: String,

    /// Draw these metrics instead of listing all; or the one whose points to print
    #[arg(short, long = "key", requires = "what")]
    keys: Vec<String>,

    /// The SVG file to write
    #[arg(short, long, value_name = "FILE", requires = "keys", group = "what")]
    out: Option<PathBuf>,

    /// Print all points of the metric as CSV, exactly: step, value, and when it was logged
    #[arg(long, requires = "keys", group = "what")]
    csv: bool,

    /// Weight of the exponential smoothing, 0 to below 1
    #[arg(long, default_value_t = 0.0)]
    smooth: f64,

    /// A logarithmic y axis
    #[arg(long)]
    log: bool,

    /// Width of the picture in pixels
    #[arg(long, default_value_t = 800)]
    width: u32,

    /// Height of the picture in pixels
    #[arg(long, default_value_t = 400)]
    height: u32,

    /// Light on dark
    #[arg(long)]
    dark: bool,
}

/// Points that are asked for at once.
const POINTS: u32 = 50_000;

/// Whose metrics they are.
enum Subject {
    /// An experiment's newest attempt.
    Experiment(SeriesList),
    /// A run of the index.
    Run(Box<RunDetail>),
}

/// Lists the metrics of an experiment's newest attempt or of a run, draws some of them, or prints the points of one.
pub fn run(backend: &mut Backend, arguments: &Arguments, json: bool) -> Result<ExitCode, Failure> {
    let subject = find(backend, &arguments.uid)?;
    if arguments.csv {
        let [key] = arguments.keys.as_slice() else {
            return Err(fail(
                ErrorCode::InvalidInput,
                "--csv prints the points of one metric: give one --key",
            ));
        };
        return points(backend, arguments, &subject, key, json);
    }
    if let Some(out) = &arguments.out {
        let chart = draw(backend, arguments, &subject)?;
        if out.exists() {
            return Err(fail(
                ErrorCode::Path,
                format!("{} is there already; name another file", out.display()),
            ));
        }
        std::fs::write(out, &chart.0)
            .map_err(|cause| fail(ErrorCode::Path, format!("could not write {}: {cause}", out.display())))?;
        if json {
            print::json(&chart.1)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    match subject {
        Subject::Experiment(list) => list_series(&list, json),
        Subject::Run(run) => list_of_run(&run, json),
    }
}

/// The experiment that is meant; else the run of the index.
fn find(backend: &mut Backend, uid: &str) -> Result<Subject, Failure> {
    let none = match backend.call::<ListMetrics>(&ExperimentRef { uid: uid.to_owned() }) {
        Ok(list) => return Ok(Subject::Experiment(list)),
        Err(error) if error.code == ErrorCode::NotFound && uid.starts_with('r') => error,
        Err(error) => return Err(error.into()),
    };
    match backend.call::<GetRun>(&RunRef { uid: uid.to_owned() }) {
        Ok(run) => Ok(Subject::Run(Box::new(run))),
        Err(error) if error.code == ErrorCode::NotFound => Err(none.into()),
        Err(error) => Err(error.into()),
    }
}

/// The picture, and all of the answer.
fn draw(
    backend: &mut Backend,
    arguments: &Arguments,
    subject: &Subject,
) -> Result<(String, serde_json::Value), Failure> {
    let told = |svg: &str, chart: serde_json::Result<serde_json::Value>| {
        Ok((svg.to_owned(), chart.map_err(std::io::Error::from)?))
    };
    let theme = if arguments.dark { Theme::Dark } else { Theme::Light };
    let y_scale = if arguments.log { Scale::Log } else { Scale::Linear };
    let keys = arguments.keys.clone();
    let (width, height, smoothing) = (arguments.width, arguments.height, arguments.smooth);
    match subject {
        Subject::Experiment(_) => {
            let (uid, attempt) = (arguments.uid.clone(), None);
            let input = wire::DrawChart { uid, keys, attempt, width, height, theme, y_scale, smoothing };
            let chart = backend.call::<DrawChart>(&input)?;
            told(&chart.svg, serde_json::to_value(&chart))
        }
        Subject::Run(run) => {
            let kind = match smoothing == 0.0 {
                true => wire::SmoothingKind::None,
                false => wire::SmoothingKind::Exponential,
            };
            let smoothing = wire::Smoothing { kind, amount: smoothing };
            let input = wire::DrawRunChart {
                runs: wire::RunSet { uids: vec![run.run.uid.clone()], query: None },
                lines: wire::LinesSpec { keys, y_scale, smoothing, ..wire::LinesSpec::default() },
                width,
                height,
                ratio: 1.0,
                theme,
                view: wire::ChartView::default(),
            };
            let chart = backend.call::<DrawRunChart>(&input)?;
            told(&chart.svg, serde_json::to_value(&chart))
        }
    }
}

/// Prints all points of a metric as they were logged: numbers so that they read back to the same, moments in UTC.
fn points(
    backend: &mut Backend,
    arguments: &Arguments,
    subject: &Subject,
    key: &str,
    json: bool,
) -> Result<ExitCode, Failure> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let quoted = match key.contains([',', '"', '\r', '\n']) {
        true => format!("\"{}\"", key.replace('"', "\"\"")),
        false => key.to_owned(),
    };
    let mut after = 0;
    loop {
        let key = key.to_owned();
        let page = match subject {
            Subject::Experiment(_) => {
                let uid = arguments.uid.clone();
                backend.call::<ReadPoints>(&wire::ReadPoints {
                    uid,
                    key,
                    attempt: None,
                    after,
                    limit: POINTS,
                })?
            }
            Subject::Run(run) => {
                let uid = run.run.uid.clone();
                backend.call::<ReadRunPoints>(&wire::ReadRunPoints { uid, key, after, limit: POINTS })?
            }
        };
        if after == 0 && !json {
            writeln!(out, "step,{quoted},time")?;
        }
        for point in &page.points {
            if json {
                serde_json::to_writer(&mut out, point).map_err(std::io::Error::from)?;
                writeln!(out)?;
            } else {
                let (step, Number(value), wall) = point;
                let time = wall.map(print_moment).unwrap_or_default();
                writeln!(out, "{step},{},{time}", exact(*value))?;
            }
        }
        after += page.points.len() as u64;
        if page.points.is_empty() || after >= page.total {
            break;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// The shortest text that reads back to the same number.
fn exact(value: f64) -> String {
    match value {
        v if v.is_nan() => "nan".into(),
        v if v != 0.0 && v.is_finite() && !(1e-5..1e16).contains(&v.abs()) => format!("{v:e}"),
        v => v.to_string(),
    }
}

fn list_of_run(run: &RunDetail, json: bool) -> Result<ExitCode, Failure> {
    if json {
        print::json(&run.metrics)?;
        return Ok(ExitCode::SUCCESS);
    }
    if run.metrics.is_empty() {
        eprintln!("No metrics were found in the files of {}.", run.run.uid);
        return Ok(ExitCode::SUCCESS);
    }
    let text = |value: Option<f64>| value.map(|value| print::number(Number(value))).unwrap_or_default();
    let rows: Vec<Vec<String>> = run
        .metrics
        .iter()
        .map(|metric| {
            let last = metric.last.map(print::number).unwrap_or_default();
            row(&metric.key, metric.points, last, text(metric.min), text(metric.max), metric.not_finite)
        })
        .collect();
    print::table(&HEADS, &rows)?;
    Ok(ExitCode::SUCCESS)
}

const HEADS: [&str; 6] = ["METRIC", "POINTS", "LAST", "MIN", "MAX", ""];

fn row(key: &str, points: u64, last: String, min: String, max: String, not_finite: u64) -> Vec<String> {
    let remark = if not_finite > 0 { format!("{not_finite} not finite") } else { String::new() };
    vec![key.to_owned(), points.to_string(), last, min, max, remark]
}

fn list_series(list: &SeriesList, json: bool) -> Result<ExitCode, Failure> {
    if json {
        print::json(list)?;
        return Ok(ExitCode::SUCCESS);
    }
    if list.series.is_empty() {
        eprintln!(
            "No metrics yet. Athanor reads CSV files with a step or epoch column that the job writes below its folder."
        );
        return Ok(ExitCode::SUCCESS);
    }
    let text = |value: Option<Number>| value.map(print::number).unwrap_or_default();
    let rows: Vec<Vec<String>> = list
        .series
        .iter()
        .map(|series| {
            let (last, min, max) = (text(series.last), text(series.min), text(series.max));
            row(&series.key, series.points, last, min, max, series.not_finite)
        })
        .collect();
    print::table(&HEADS, &rows)?;
    if let Some(source) = &list.source {
        println!("from {source}");
    }
    for problem in &list.problems {
        eprintln!("athanor: {problem}");
    }
    Ok(ExitCode::SUCCESS)
}
