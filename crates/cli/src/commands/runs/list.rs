//! `athanor runs ls`, `columns` and `group`

use std::process::ExitCode;

use athanor_api::command::{GroupRuns, ListRunColumns, ListRuns};
use athanor_api::wire::{self, Number, RunColumnKind, RunGoal, RunRow};
use clap::Args;

use super::{Which, cell, export, number, one_line, plural, sort, status};
use crate::backend::Backend;
use crate::exit::Failure;
use crate::print;

/// Rows that are asked for at once.
const PAGE: u32 = 500;

/// What `runs ls` takes.
#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    which: Which,

    /// Further columns, with commas, such as config.lr,metrics.val/acc.max
    #[arg(short, long, value_name = "COLUMNS", value_delimiter = ',')]
    columns: Vec<String>,

    /// The order, by one to four columns with commas; -column for the greatest first. The newest first if not given
    #[arg(short, long, value_name = "COLUMNS", value_delimiter = ',', allow_hyphen_values = true)]
    sort: Vec<String>,

    /// At most so many; 0 for all
    #[arg(short, long, default_value_t = 50)]
    number: u32,

    /// Print CSV: exact values of all runs that match
    #[arg(long, conflicts_with = "number")]
    csv: bool,
}

/// Columns of CSV that are there in any case.
const USUAL: [&str; 6] = ["name", "status", "format", "started", "duration", "steps"];

/// Prints runs.
pub(super) fn list(backend: &mut Backend, arguments: &List, json: bool) -> Result<ExitCode, Failure> {
    let query = arguments.which.query();
    if arguments.csv && !json {
        let mut columns: Vec<String> = USUAL.map(str::to_owned).to_vec();
        columns.extend(arguments.columns.iter().filter(|column| !USUAL.contains(&column.as_str())).cloned());
        return export::print_csv(backend, query, columns, sort(&arguments.sort));
    }
    let most = if arguments.number == 0 { u32::MAX } else { arguments.number };
    let mut all: Option<wire::RunPage> = None;
    loop {
        let got = all.as_ref().map_or(0, |page| u32::try_from(page.rows.len()).unwrap_or(u32::MAX));
        let limit = (most - got).min(PAGE);
        let page = backend.call::<ListRuns>(&wire::ListRuns {
            query: query.clone(),
            sort: sort(&arguments.sort),
            columns: arguments.columns.clone(),
            offset: got,
            limit,
        })?;
        let ends = page.rows.len() < limit as usize;
        match &mut all {
            None => all = Some(page),
            Some(all) => all.rows.extend(page.rows),
        }
        if ends || all.as_ref().is_some_and(|all| all.rows.len() >= most as usize) {
            break;
        }
    }
    let Some(page) = all else { return Ok(ExitCode::SUCCESS) };
    if json {
        print::json(&page)?;
        return Ok(ExitCode::SUCCESS);
    }
    if page.rows.is_empty() {
        match page.all {
            0 => eprintln!("No runs yet. “athanor watch add FOLDER” indexes those in a folder."),
            all => eprintln!("None of the {} fits.", plural(all, "run", "runs")),
        }
        return Ok(ExitCode::SUCCESS);
    }
    table(&page.rows, &arguments.columns)?;
    let shown = page.rows.len() as u64;
    if shown < page.total {
        println!("{shown} of {}; --number 0 prints all.", plural(page.total, "run", "runs"));
    }
    Ok(ExitCode::SUCCESS)
}

fn table(rows: &[RunRow], columns: &[String]) -> Result<(), Failure> {
    let took = |run: &RunRow| match (run.started, run.finished.or(run.changed)) {
        (Some(start), Some(end)) => print::duration(end - start),
        _ => String::new(),
    };
    let mut heads: Vec<String> =
        ["UID", "STATUS", "NAME", "FORMAT", "STARTED", "TIME", "STEPS", "TAGS"].map(str::to_owned).to_vec();
    heads.extend(columns.iter().cloned());
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|run| {
            let mut line = vec![
                run.uid.clone(),
                status(run.status).to_owned(),
                super::name(run),
                run.label.clone(),
                run.started.map(print::time).unwrap_or_default(),
                took(run),
                run.steps.map(|steps| number(Number(steps))).unwrap_or_default(),
                one_line(&run.tags.join(", ")),
            ];
            line.extend(columns.iter().zip(&run.cells).map(|(column, value)| cell(column, value)));
            line
        })
        .collect();
    // What no run has takes no room.
    let kept: Vec<usize> = (0..heads.len())
        .filter(|column| *column < 3 || *column >= 8 || rows.iter().any(|row| !row[*column].is_empty()))
        .collect();
    let heads: Vec<&str> = kept.iter().map(|column| heads[*column].as_str()).collect();
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| kept.iter().map(|column| row[*column].clone()).collect()).collect();
    print::table(&heads, &rows)
}

/// What `runs columns` takes.
#[derive(Args)]
pub(super) struct Columns {
    #[command(flatten)]
    which: Which,
}

/// Prints the columns that a table may have.
pub(super) fn columns(backend: &mut Backend, arguments: &Columns, json: bool) -> Result<ExitCode, Failure> {
    let found = backend.call::<ListRunColumns>(&wire::RunQuery { query: arguments.which.query() })?;
    if json {
        print::json(&found)?;
        return Ok(ExitCode::SUCCESS);
    }
    let kind = |kind| match kind {
        RunColumnKind::Field => "field",
        RunColumnKind::Config => "setting",
        RunColumnKind::Metric => "metric",
    };
    let goal = |goal| match goal {
        Some(RunGoal::Min) => "less is better",
        Some(RunGoal::Max) => "more is better",
        None => "",
    };
    let rows: Vec<Vec<String>> = found
        .columns
        .iter()
        .filter(|column| column.runs > 0)
        .map(|column| {
            let same = if column.constant { "the same in all" } else { goal(column.goal) };
            vec![one_line(&column.id), kind(column.kind).to_owned(), column.runs.to_string(), same.to_owned()]
        })
        .collect();
    print::table(&["COLUMN", "KIND", "RUNS", ""], &rows)?;
    println!("of {}", plural(found.total, "run", "runs"));
    Ok(ExitCode::SUCCESS)
}

/// What `runs group` takes.
#[derive(Args)]
pub(super) struct Group {
    #[command(flatten)]
    which: Which,

    /// The columns in which the runs of a group agree, with commas
    #[arg(short, long, value_name = "COLUMNS", value_delimiter = ',', required = true)]
    by: Vec<String>,

    /// Columns with numbers, with commas: their mean and deviation are printed
    #[arg(short, long, value_name = "COLUMNS", value_delimiter = ',')]
    columns: Vec<String>,

    /// The order, by columns of the table or “count”; -column for the greatest first
    #[arg(short, long, value_name = "COLUMNS", value_delimiter = ',', allow_hyphen_values = true)]
    sort: Vec<String>,
}

/// Prints groups of runs.
pub(super) fn group(backend: &mut Backend, arguments: &Group, json: bool) -> Result<ExitCode, Failure> {
    let found = backend.call::<GroupRuns>(&wire::GroupRuns {
        query: arguments.which.query(),
        by: arguments.by.clone(),
        columns: arguments.columns.clone(),
        sort: sort(&arguments.sort),
    })?;
    if json {
        print::json(&found)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut heads: Vec<&str> = arguments.by.iter().map(String::as_str).collect();
    heads.push("RUNS");
    heads.extend(arguments.columns.iter().map(String::as_str));
    let rows: Vec<Vec<String>> = found
        .groups
        .iter()
        .map(|group| {
            let mut line: Vec<String> =
                arguments.by.iter().zip(&group.values).map(|(column, value)| cell(column, value)).collect();
            line.push(group.count.to_string());
            line.extend(group.cells.iter().map(|sum| match (sum.mean, sum.deviation) {
                (Some(mean), Some(off)) => format!("{} ± {}", number(Number(mean)), number(Number(off))),
                (Some(mean), None) => number(Number(mean)),
                _ => String::new(),
            }));
            line
        })
        .collect();
    print::table(&heads, &rows)?;
    Ok(ExitCode::SUCCESS)
}
