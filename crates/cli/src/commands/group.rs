//! `athanor group`

use std::process::ExitCode;

use athanor_api::command::{ListGroups, SetGroup};
use athanor_api::wire::{self, Group, Nothing, Sweep, SweepMode};
use clap::{Args, Subcommand};

use crate::backend::Backend;
use crate::exit::Failure;
use crate::print;

/// What `group` takes.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// List the groups
    Ls,
    /// Make or change a group
    Set {
        /// Its name
        name: String,

        #[command(flatten)]
        limit: Limit,
    },
}

/// How many of its members may run at once.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct Limit {
    /// How many of its members may run at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    parallel: Option<u32>,

    /// As many as the queue lets run
    #[arg(long)]
    no_limit: bool,
}

/// Lists groups, or changes one.
pub fn run(backend: &mut Backend, arguments: Arguments, json: bool) -> Result<ExitCode, Failure> {
    let (mut groups, only) = match arguments.action {
        None | Some(Action::Ls) => (backend.call::<ListGroups>(&Nothing {})?.groups, None),
        Some(Action::Set { name, limit }) => {
            let input = wire::SetGroup { name: name.clone(), parallel: limit.parallel };
            (backend.call::<SetGroup>(&input)?.groups, Some(name))
        }
    };
    if let Some(name) = only {
        groups.retain(|group| group.name == name);
    }
    if json {
        print::json(&groups)?;
        return Ok(ExitCode::SUCCESS);
    }
    if groups.is_empty() {
        eprintln!("No groups yet. “athanor add --group NAME” or --sweep makes one.");
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<Vec<String>> = groups.iter().map(row).collect();
    print::table(&["GROUP", "LIMIT", "RUNNING", "WAITING", "DONE", "FAILED", "CANCELLED", "SWEEP"], &rows)?;
    Ok(ExitCode::SUCCESS)
}

fn row(group: &Group) -> Vec<String> {
    let counts = &group.counts;
    vec![
        group.name.clone(),
        group.parallel.map_or_else(|| "none".into(), |parallel| parallel.to_string()),
        (counts.running + counts.paused).to_string(),
        (counts.pending + counts.queued).to_string(),
        counts.completed.to_string(),
        counts.failed.to_string(),
        (counts.cancelled + counts.expired).to_string(),
        group.sweep.as_ref().map(axes).unwrap_or_default(),
    ]
}

/// The axes of a sweep in a line: `lr × 3, seed × 5`.
fn axes(sweep: &Sweep) -> String {
    let axes: Vec<String> =
        sweep.axes.iter().map(|axis| format!("{} × {}", axis.key, axis.values.len())).collect();
    match sweep.mode {
        SweepMode::Grid => axes.join(", "),
        SweepMode::Random { count, .. } => format!("{count} of {}", axes.join(", ")),
    }
}
