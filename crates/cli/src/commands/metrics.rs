//! `athanor metrics`

use std::path::PathBuf;
use std::process::ExitCode;

use athanor_api::command::{DrawChart, ListMetrics};
use athanor_api::wire::{self, ErrorCode, ExperimentRef, Number, Scale, Theme};
use clap::Args;

use crate::backend::Backend;
use crate::exit::{Failure, fail};
use crate::print;

/// What `metrics` takes.
#[derive(Args)]
pub struct Arguments {
    /// The uid, a unique beginning of it, or a unique name
    uid: String,

    /// Draw these metrics instead of listing all
    #[arg(short, long = "key", requires = "out")]
    keys: Vec<String>,

    /// The SVG file to write
    #[arg(short, long, value_name = "FILE", requires = "keys")]
    out: Option<PathBuf>,

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

/// Lists the metrics of an experiment's newest attempt, or draws some of them.
pub fn run(backend: &mut Backend, arguments: &Arguments, json: bool) -> Result<ExitCode, Failure> {
    let uid = arguments.uid.clone();
    if let Some(out) = &arguments.out {
        let chart = backend.call::<DrawChart>(&wire::DrawChart {
            uid,
            keys: arguments.keys.clone(),
            attempt: None,
            width: arguments.width,
            height: arguments.height,
            theme: if arguments.dark { Theme::Dark } else { Theme::Light },
            y_scale: if arguments.log { Scale::Log } else { Scale::Linear },
            smoothing: arguments.smooth,
        })?;
        if out.exists() {
            return Err(fail(
                ErrorCode::Path,
                format!("{} is there already; name another file", out.display()),
            ));
        }
        std::fs::write(out, &chart.svg)
            .map_err(|cause| fail(ErrorCode::Path, format!("could not write {}: {cause}", out.display())))?;
        if json {
            print::json(&chart)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let list = backend.call::<ListMetrics>(&ExperimentRef { uid })?;
    if json {
        print::json(&list)?;
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
            vec![
                series.key.clone(),
                series.points.to_string(),
                text(series.last),
                text(series.min),
                text(series.max),
                if series.not_finite > 0 {
                    format!("{} not finite", series.not_finite)
                } else {
                    String::new()
                },
            ]
        })
        .collect();
    print::table(&["METRIC", "POINTS", "LAST", "MIN", "MAX", ""], &rows)?;
    if let Some(source) = &list.source {
        println!("from {source}");
    }
    for problem in &list.problems {
        eprintln!("athanor: {problem}");
    }
    Ok(ExitCode::SUCCESS)
}
