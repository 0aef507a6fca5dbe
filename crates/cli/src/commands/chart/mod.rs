//! `athanor chart`

mod measure;
mod spec;
pub(super) mod write;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use athanor_api::command::{GetRun, MakeFigure};
use athanor_api::wire::{self, ErrorCode, FigureFormat, RunRef, RunSet};
use base64::Engine as _;
use clap::{Args, ValueEnum};

use crate::backend::Backend;
use crate::exit::{Failure, fail};
use crate::print;

/// What `chart` takes.
#[derive(Args)]
pub struct Arguments {
    /// The runs, by their uids or unique beginnings of them
    #[arg(value_name = "RUN", required_unless_present = "query", conflicts_with = "query")]
    runs: Vec<String>,

    /// The runs that this query lists, such as “config.lr < 0.1”
    #[arg(short, long, value_name = "QUERY")]
    query: Option<String>,

    #[command(flatten)]
    what: spec::What,

    /// Width: in mm if no unit is given; also cm, in, px
    #[arg(long, default_value = "160mm", value_parser = measure::length)]
    width: f64,

    /// Height, likewise
    #[arg(long, default_value = "90mm", value_parser = measure::length)]
    height: f64,

    /// Size of the text: in pt if no unit is given; also px
    #[arg(long, default_value = "8pt", value_parser = measure::font)]
    font: f64,

    /// What is written above it
    #[arg(long)]
    title: Option<String>,

    /// Leave out which colour is which run
    #[arg(long)]
    no_legend: bool,

    /// Light ink on a dark ground
    #[arg(long)]
    dark: bool,

    /// Of a PNG: pixels for each 1/96 inch
    #[arg(long, default_value_t = 2.0, conflicts_with = "dpi")]
    scale: f64,

    /// Of a PNG: pixels for each inch, such as 300
    #[arg(long)]
    dpi: Option<f64>,

    /// What it is written as; told by the ending of --out if not given
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// The file to write: .svg, .png, .pdf or .csv; standard output if not given
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Write over a file that is there
    #[arg(short, long, requires = "out")]
    force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Vector graphics, text as outlines
    Svg,
    /// Pixels
    Png,
    /// A page of the figure’s size, with the font in it
    Pdf,
    /// The numbers that are shown
    Csv,
}

impl Format {
    /// By the ending of a file’s name.
    fn of(path: &std::path::Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?;
        <Self as ValueEnum>::from_str(ending, true).ok()
    }
}

impl From<Format> for FigureFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Svg => Self::Svg,
            Format::Png => Self::Png,
            Format::Pdf => Self::Pdf,
            Format::Csv => Self::Csv,
        }
    }
}

/// Draws runs into a file.
pub fn run(backend: &mut Backend, arguments: &Arguments, json: bool) -> Result<ExitCode, Failure> {
    let told = arguments.format.or_else(|| arguments.out.as_deref().and_then(Format::of));
    let format = told.ok_or_else(|| {
        let message = match &arguments.out {
            Some(path) => format!("the ending of {} does not tell what to write", path.display()),
            None => "name a file with --out, or say with --format what goes to standard output".to_owned(),
        };
        Failure(wire::ApiError::new(ErrorCode::InvalidInput, message).hint("Choose svg, png, pdf or csv."))
    })?;
    let binary = matches!(format, Format::Png | Format::Pdf);
    if binary && arguments.out.is_none() && !json && std::io::stdout().is_terminal() {
        let message = "PNG and PDF are no text: name a file with --out, or pipe it on";
        return Err(fail(ErrorCode::InvalidInput, message));
    }
    // Before anything is drawn.
    if let Some(path) = arguments.out.as_deref().filter(|_| !arguments.force) {
        write::free(path)?;
    }
    let chart = arguments.what.chart()?;
    let mut uids = Vec::with_capacity(arguments.runs.len());
    for run in &arguments.runs {
        uids.push(backend.call::<GetRun>(&RunRef { uid: run.clone() })?.run.uid);
    }
    let figure = wire::Figure {
        runs: RunSet { uids, query: arguments.query.clone() },
        chart,
        view: wire::ChartView::default(),
        width_mm: arguments.width,
        height_mm: arguments.height,
        font_pt: arguments.font,
        theme: if arguments.dark { wire::Theme::Dark } else { wire::Theme::Light },
        title: arguments.title.clone(),
        legend: !arguments.no_legend,
    };
    let scale = arguments.dpi.map_or(arguments.scale, |dpi| dpi / 96.0);
    let made = backend.call::<MakeFigure>(&wire::MakeFigure { figure, format: format.into(), scale })?;
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(&made.base64)
        .map_err(|cause| fail(ErrorCode::Protocol, format!("the engine sent no file: {cause}")))?;
    match (&arguments.out, json) {
        (None, true) => print::json(&made)?,
        (None, false) => std::io::stdout().lock().write_all(&bytes)?,
        (Some(path), json) => {
            write::put(path, &bytes, arguments.force)?;
            let size = bytes.len();
            match json {
                true => {
                    let notes = &made.notes;
                    print::json(&serde_json::json!({ "file": path, "bytes": size, "notes": notes }))?;
                }
                false => println!("{} written, {size} bytes", path.display()),
            }
        }
    }
    if !json {
        made.notes.iter().for_each(|note| eprintln!("{note}"));
    }
    Ok(ExitCode::SUCCESS)
}
