//! `athanor runs`

mod edit;
mod export;
mod list;
mod media;
mod remove;
mod show;
mod views;

use std::process::ExitCode;

use athanor_api::wire::{Cell, Number, RunRow, RunSort, RunStatus};
use clap::{Args, Subcommand};

use crate::backend::Backend;
use crate::exit::Failure;
use crate::print;

/// What `runs` takes.
#[derive(Args)]
#[command(after_help = QUERIES)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// Said at the end of the help.
const QUERIES: &str = "\
A query says which runs are meant:
  metrics.val/acc.max > 0.9 and config.lr in (0.1, 0.01) and tag:baseline and started > -7d
  status = failed or not has finished          resnet \"weight decay\"

Fields: name, status, tag, project, group, format, started, finished, changed, duration, steps, points,
notes, folder, host, commit, experiment; config.KEY; metrics.KEY and metrics.KEY.STAT, where STAT is
last, min, max, mean, median, last_step, min_step, max_step or count. Other words are searched for in
names, notes, tags and settings. Columns are named by the same words.";

#[derive(Subcommand)]
enum Command {
    /// List runs
    Ls(list::List),
    /// List the columns that a table of runs may have
    Columns(list::Columns),
    /// Put runs together that agree in something, with mean and deviation of their numbers
    Group(list::Group),
    /// Show a run: its metrics, settings, files and checkpoints
    Show(show::Show),
    /// List a run’s images and histograms, and save an image
    Media(media::Media),
    /// Add tags to runs (+tag) and take tags away (-tag)
    Tag(edit::Tag),
    /// Note something about a run, in place of what was noted
    Note(edit::Note),
    /// Write the table of runs as CSV, JSON, Markdown, LaTeX or Parquet
    Export(export::Export),
    /// Take runs out of the index; their files stay unless --files is given
    Rm(remove::Remove),
    /// List, save and delete ways of looking at the table
    View(views::View),
}

/// Does what is asked of runs.
pub fn run(backend: &mut Backend, arguments: Arguments, json: bool) -> Result<ExitCode, Failure> {
    match arguments.command {
        Command::Ls(arguments) => list::list(backend, &arguments, json),
        Command::Columns(arguments) => list::columns(backend, &arguments, json),
        Command::Group(arguments) => list::group(backend, &arguments, json),
        Command::Show(arguments) => show::show(backend, &arguments, json),
        Command::Media(arguments) => media::media(backend, &arguments, json),
        Command::Tag(arguments) => edit::tag(backend, arguments, json),
        Command::Note(arguments) => edit::note(backend, arguments, json),
        Command::Export(arguments) => export::export(backend, &arguments, json),
        Command::Rm(arguments) => remove::remove(backend, &arguments, json),
        Command::View(arguments) => views::view(backend, arguments, json),
    }
}

/// Which runs are meant.
#[derive(Debug, Args)]
struct Which {
    /// A query; all runs if there is none
    #[arg(value_name = "QUERY")]
    query: Vec<String>,

    /// A further condition, as a query
    #[arg(short, long, value_name = "QUERY", allow_hyphen_values = true)]
    filter: Option<String>,
}

impl Which {
    /// Both as one query.
    fn query(&self) -> String {
        let query = self.query.join(" ");
        match (query.trim(), self.filter.as_deref().map(str::trim).filter(|filter| !filter.is_empty())) {
            (query, None) => query.to_owned(),
            ("", Some(filter)) => filter.to_owned(),
            (query, Some(filter)) => format!("({query}) and ({filter})"),
        }
    }
}

/// In which order; `-column` from the greatest to the least.
fn sort(columns: &[String]) -> Vec<RunSort> {
    let sort = |column: &String| match column.strip_prefix('-') {
        Some(column) => RunSort { column: column.to_owned(), descending: true },
        None => RunSort { column: column.to_owned(), descending: false },
    };
    columns.iter().map(sort).collect()
}

pub(super) fn status(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Running => "running",
        RunStatus::Paused => "paused",
        RunStatus::Stale => "stale",
        RunStatus::Completed => "completed",
        RunStatus::Failed => "failed",
        RunStatus::Cancelled => "cancelled",
        RunStatus::Ended => "ended",
    }
}

/// A cell for people, by its column.
fn cell(column: &str, cell: &Cell) -> String {
    match (cell, column) {
        (Cell::Missing, _) => String::new(),
        (Cell::Bool(yes), _) => yes.to_string(),
        (Cell::Text(text), _) => one_line(text),
        (Cell::Number(Number(ms)), "started" | "finished" | "changed") => print::time(whole(*ms)),
        (Cell::Number(Number(ms)), "duration") => print::duration(whole(*ms)),
        (Cell::Number(value), _) => number(*value),
    }
}

/// A whole number as it is, another one with at most five digits.
pub(super) fn number(value: Number) -> String {
    if value.0.fract() == 0.0 && value.0.abs() < 1e15 { value.0.to_string() } else { print::number(value) }
}

#[allow(clippy::cast_possible_truncation, reason = "milliseconds are whole and far below 2^53")]
fn whole(ms: f64) -> i64 {
    ms as i64
}

/// Text without line ends and other signs that steer a terminal.
pub(super) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn name(run: &RunRow) -> String {
    one_line(&run.name)
}

fn plural(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
