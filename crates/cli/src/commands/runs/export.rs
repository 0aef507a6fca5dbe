//! `athanor runs export`

use std::fs::OpenOptions;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use athanor_api::command::{ExportRuns, ListRunColumns};
use athanor_api::wire::{self, ErrorCode, RunColumnKind, RunExport, RunExportFormat, RunSort};
use base64::Engine as _;
use clap::{Args, ValueEnum};

use super::{Which, plural, sort};
use crate::backend::Backend;
use crate::exit::{Failure, fail};
use crate::print;

/// What `runs export` takes.
#[derive(Args)]
pub(super) struct Export {
    #[command(flatten)]
    which: Which,

    /// The columns, with commas; fields, settings and last values of metrics that not all runs have alike if not given
    #[arg(short, long, value_name = "COLUMNS", value_delimiter = ',')]
    columns: Vec<String>,

    /// The order, by columns; -column for the greatest first. The newest first if not given
    #[arg(short, long, value_name = "COLUMNS", value_delimiter = ',', allow_hyphen_values = true)]
    sort: Vec<String>,

    /// Only these runs, with commas
    #[arg(long, value_name = "UIDS", value_delimiter = ',')]
    uids: Option<Vec<String>>,

    /// What it is written as; told by the ending of --out if not given, else CSV
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// The file to write, which must not be there yet; standard output if not given
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Csv,
    Json,
    Markdown,
    Latex,
    Parquet,
}

impl Format {
    /// By the ending of a file’s name.
    fn of(path: &std::path::Path) -> Option<Self> {
        Some(match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" => Self::Csv,
            "json" => Self::Json,
            "md" | "markdown" => Self::Markdown,
            "tex" => Self::Latex,
            "parquet" => Self::Parquet,
            _ => return None,
        })
    }
}

impl From<Format> for RunExportFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Csv => Self::Csv,
            Format::Json => Self::Json,
            Format::Markdown => Self::Markdown,
            Format::Latex => Self::Latex,
            Format::Parquet => Self::Parquet,
        }
    }
}

/// Writes the table of runs.
pub(super) fn export(backend: &mut Backend, arguments: &Export, json: bool) -> Result<ExitCode, Failure> {
    let query = arguments.which.query();
    let format =
        arguments.format.or_else(|| arguments.out.as_deref().and_then(Format::of)).unwrap_or(Format::Csv);
    if format == Format::Parquet && arguments.out.is_none() && std::io::stdout().is_terminal() && !json {
        return Err(fail(
            ErrorCode::InvalidInput,
            "Parquet is no text: name a file with --out, or pipe it on",
        ));
    }
    let columns = match arguments.columns.is_empty() {
        true => usual(backend, &query)?,
        false => arguments.columns.clone(),
    };
    let written = backend.call::<ExportRuns>(&wire::ExportRuns {
        query,
        uids: arguments.uids.clone(),
        sort: sort(&arguments.sort),
        columns,
        format: format.into(),
    })?;
    let Some(path) = &arguments.out else {
        if json {
            print::json(&written)?;
        } else {
            std::io::stdout().lock().write_all(&bytes(written)?)?;
        }
        return Ok(ExitCode::SUCCESS);
    };
    let rows = written.rows;
    let failed =
        |cause: std::io::Error| fail(ErrorCode::Path, format!("could not write {}: {cause}", path.display()));
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    file.write_all(&bytes(written)?).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    match json {
        true => print::json(&serde_json::json!({ "file": path, "rows": rows }))?,
        false => println!("{} written to {}", plural(rows, "run", "runs"), path.display()),
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints runs as CSV.
pub(super) fn print_csv(
    backend: &mut Backend,
    query: String,
    columns: Vec<String>,
    sort: Vec<RunSort>,
) -> Result<ExitCode, Failure> {
    let format = RunExportFormat::Csv;
    let written =
        backend.call::<ExportRuns>(&wire::ExportRuns { query, uids: None, sort, columns, format })?;
    std::io::stdout().lock().write_all(&bytes(written)?)?;
    Ok(ExitCode::SUCCESS)
}

/// The columns that say something: fields that some run has, and settings and metrics that differ.
fn usual(backend: &mut Backend, query: &str) -> Result<Vec<String>, Failure> {
    let found = backend.call::<ListRunColumns>(&wire::RunQuery { query: query.to_owned() })?;
    let says = |column: &wire::RunColumn| match column.kind {
        RunColumnKind::Field => column.runs > 0 || column.id == "name",
        RunColumnKind::Config | RunColumnKind::Metric => !column.constant || found.total < 2,
    };
    let mut columns: Vec<String> =
        found.columns.iter().filter(|column| says(column)).map(|column| column.id.clone()).collect();
    columns.truncate(300);
    Ok(columns)
}

fn bytes(written: RunExport) -> Result<Vec<u8>, Failure> {
    match (written.text, written.base64) {
        (Some(text), _) => Ok(text.into_bytes()),
        (None, Some(base64)) => base64::engine::general_purpose::STANDARD
            .decode(base64)
            .map_err(|cause| fail(ErrorCode::Protocol, format!("the engine sent no file: {cause}"))),
        (None, None) => Err(fail(ErrorCode::Protocol, "the engine sent nothing")),
    }
}
