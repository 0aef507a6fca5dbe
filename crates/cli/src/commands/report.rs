//! `athanor report`

use std::collections::BTreeSet;
use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use athanor_api::command::{GetPage, GetRun, ListRuns, MakeReport, SuggestPanels};
use athanor_api::wire::{
    self, ChartSpec, CompareRuns, ErrorCode, LinesSpec, Report, ReportBlock, ReportFormat, RunRef, RunSet,
};
use base64::Engine as _;
use clap::{Args, ValueEnum};

use super::chart::write;
use crate::backend::Backend;
use crate::exit::{Failure, fail};
use crate::print;

/// Runs that are laid side by side without being asked.
const BESIDE: usize = 6;
/// Charts of a report for which nobody named metrics or a page.
const CHARTS: usize = 24;

/// What `report` takes.
#[derive(Args)]
pub struct Arguments {
    /// The runs, by their uids or unique beginnings of them
    #[arg(value_name = "RUN", required_unless_present_any = ["query", "page", "note"], conflicts_with = "query")]
    runs: Vec<String>,

    /// The runs that this query lists, such as “config.lr < 0.1”
    #[arg(short, long, value_name = "QUERY")]
    query: Option<String>,

    /// The charts of a project’s page, as they are arranged in the window; an empty name is the page of all runs
    #[arg(short, long, value_name = "PROJECT")]
    page: Option<String>,

    /// Charts of these metrics; several with commas, or the option several times. If neither these nor a page are named,
    /// the first metrics that the runs have
    #[arg(short, long, value_name = "METRIC", value_delimiter = ',')]
    metric: Vec<String>,

    /// The title
    #[arg(short, long, default_value = "")]
    title: String,

    /// Notes to begin with: a file of Markdown, or - for standard input
    #[arg(short, long, value_name = "FILE")]
    note: Option<PathBuf>,

    /// Columns of the table of runs, with commas, such as name,config.lr,metrics.loss.min; if not given, settings that differ
    /// and the metrics
    #[arg(short, long, value_name = "COLUMNS", value_delimiter = ',')]
    columns: Vec<String>,

    /// Leave out the table of runs
    #[arg(long)]
    no_table: bool,

    /// Lay the runs side by side: settings that differ, and which is better; done without being asked for 2 to 6 named runs
    #[arg(long, conflicts_with = "no_compare")]
    compare: bool,

    /// Do not lay the runs side by side
    #[arg(long)]
    no_compare: bool,

    /// Charts as wide as the paper, one in a row
    #[arg(long)]
    large: bool,

    /// What it is written as; told by the ending of --out if not given
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// The file to write: .html, .pdf or .md; standard output if not given
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Write over a file that is there
    #[arg(short, long, requires = "out")]
    force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One file for a browser
    #[value(alias = "htm")]
    Html,
    /// Pages of A4
    Pdf,
    /// Text with tables
    #[value(alias = "md")]
    Markdown,
}

impl Format {
    /// By the ending of a file’s name.
    fn of(path: &Path) -> Option<Self> {
        <Self as ValueEnum>::from_str(path.extension()?.to_str()?, true).ok()
    }
}

impl From<Format> for ReportFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Html => Self::Html,
            Format::Pdf => Self::Pdf,
            Format::Markdown => Self::Markdown,
        }
    }
}

fn note(path: &Path) -> Result<String, Failure> {
    let failed = |cause: std::io::Error| {
        fail(ErrorCode::Path, format!("could not read the notes in {}: {cause}", path.display()))
    };
    if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text).map_err(failed)?;
        return Ok(text);
    }
    std::fs::read_to_string(path).map_err(failed)
}

/// Writes a report.
pub fn run(backend: &mut Backend, arguments: &Arguments, json: bool) -> Result<ExitCode, Failure> {
    let told = arguments.format.or_else(|| arguments.out.as_deref().and_then(Format::of));
    let format = told.ok_or_else(|| {
        let message = match &arguments.out {
            Some(path) => format!("the ending of {} does not tell what to write", path.display()),
            None => "name a file with --out, or say with --format what goes to standard output".to_owned(),
        };
        Failure(wire::ApiError::new(ErrorCode::InvalidInput, message).hint("Choose html, pdf or md."))
    })?;
    if format == Format::Pdf && arguments.out.is_none() && !json && std::io::stdout().is_terminal() {
        return Err(fail(ErrorCode::InvalidInput, "a PDF is no text: name a file with --out, or pipe it on"));
    }
    // Before anything is drawn.
    if let Some(path) = arguments.out.as_deref().filter(|_| !arguments.force) {
        write::free(path)?;
    }
    let report = report(backend, arguments)?;
    let made = backend.call::<MakeReport>(&wire::MakeReport { report, format: format.into() })?;
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(&made.base64)
        .map_err(|cause| fail(ErrorCode::Protocol, format!("the engine sent no file: {cause}")))?;
    match (&arguments.out, json) {
        (None, true) => print::json(&made)?,
        (None, false) => std::io::stdout().lock().write_all(&bytes)?,
        (Some(path), json) => {
            write::put(path, &bytes, arguments.force)?;
            let size = bytes.len();
            if json {
                print::json(&serde_json::json!({ "file": path, "bytes": size, "notes": made.notes }))?;
            } else {
                println!("{} written, {size} bytes", path.display());
            }
        }
    }
    if !json {
        made.notes.iter().for_each(|note| eprintln!("{note}"));
    }
    Ok(ExitCode::SUCCESS)
}

fn report(backend: &mut Backend, arguments: &Arguments) -> Result<Report, Failure> {
    let mut blocks = Vec::new();
    if let Some(path) = &arguments.note {
        blocks.push(ReportBlock::Text(wire::ReportText { text: note(path)? }));
    }
    let mut uids = Vec::with_capacity(arguments.runs.len());
    for run in &arguments.runs {
        uids.push(backend.call::<GetRun>(&RunRef { uid: run.clone() })?.run.uid);
    }
    let some = !uids.is_empty() || arguments.query.is_some();
    let beside = arguments.compare || (!arguments.no_compare && (2..=BESIDE).contains(&uids.len()));
    let columns = Some(arguments.columns.clone()).filter(|columns| !columns.is_empty());
    if some {
        let runs = RunSet { uids: uids.clone(), query: arguments.query.clone() };
        if !arguments.no_table {
            blocks.push(ReportBlock::Table(wire::ReportTable {
                runs: runs.clone(),
                columns: columns.clone(),
                ..wire::ReportTable::default()
            }));
        }
        if beside {
            blocks.push(ReportBlock::Compare(CompareRuns {
                uids: listed(backend, arguments, &uids)?,
                ..CompareRuns::default()
            }));
        }
        let keys = match (arguments.metric.is_empty(), &arguments.page) {
            (true, None) => metrics(backend, arguments, &uids)?,
            _ => arguments.metric.clone(),
        };
        let half = !arguments.large && keys.len() > 1;
        blocks.extend(keys.into_iter().map(|key| {
            let chart = ChartSpec::Lines(LinesSpec { keys: vec![key], ..LinesSpec::default() });
            ReportBlock::Chart(wire::ReportChart {
                runs: runs.clone(),
                chart,
                caption: None,
                half,
                height_mm: None,
            })
        }));
    }
    if let Some(project) = &arguments.page {
        blocks.push(ReportBlock::Page(page(backend, arguments, project, columns, some)?));
    }
    Ok(Report { title: arguments.title.clone(), blocks })
}

/// The runs that are laid side by side.
fn listed(backend: &mut Backend, arguments: &Arguments, uids: &[String]) -> Result<Vec<String>, Failure> {
    let Some(query) = &arguments.query else { return Ok(uids.to_vec()) };
    let list = backend.call::<ListRuns>(&wire::ListRuns {
        query: query.clone(),
        limit: 20,
        ..wire::ListRuns::default()
    })?;
    Ok(list.rows.into_iter().map(|row| row.uid).collect())
}

/// The metrics that the runs have, those that tell most first.
fn metrics(backend: &mut Backend, arguments: &Arguments, uids: &[String]) -> Result<Vec<String>, Failure> {
    let of = |panels: Vec<wire::Panel>| {
        panels.into_iter().filter_map(|panel| match panel.chart {
            ChartSpec::Lines(lines) => lines.keys.into_iter().next(),
            ChartSpec::Plot(_) => None,
        })
    };
    let query = arguments.query.clone().unwrap_or_default();
    let suggested = backend.call::<SuggestPanels>(&wire::SuggestPanels { query })?;
    let mut own = BTreeSet::new();
    for uid in uids {
        let run = backend.call::<GetRun>(&RunRef { uid: uid.clone() })?;
        own.extend(run.metrics.into_iter().map(|metric| metric.key));
    }
    let has = |key: &String| arguments.query.is_some() || own.contains(key);
    Ok(of(suggested.panels).filter(has).take(CHARTS).collect())
}

fn page(
    backend: &mut Backend,
    arguments: &Arguments,
    project: &str,
    columns: Option<Vec<String>>,
    some: bool,
) -> Result<wire::ReportPage, Failure> {
    let stored = backend.call::<GetPage>(&wire::GetPage { project: project.to_owned() })?;
    let page = stored.page.ok_or_else(|| {
        let message = match project {
            "" => "nobody arranged charts for all runs yet".to_owned(),
            project => format!("nobody arranged charts for “{project}” yet"),
        };
        let hint = "Arrange some on the page Charts of the window, or name metrics with --metric and runs.";
        Failure(wire::ApiError::new(ErrorCode::NotFound, message).field("page").hint(hint))
    })?;
    let kept = page.report.clone().unwrap_or_default();
    Ok(wire::ReportPage {
        page,
        without: kept.without,
        table: !arguments.no_table && !kept.no_table && !some,
        columns,
        size: if arguments.large { wire::ReportSize::One } else { kept.size },
    })
}
