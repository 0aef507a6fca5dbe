//! `athanor runs view`

use std::process::ExitCode;

use athanor_api::command::{DeleteRunView, ListRunViews, SaveRunView};
use athanor_api::wire::{Nothing, SavedView, SavedViewRef, SavedViews};
use clap::{Args, Subcommand};

use super::{Which, one_line, sort};
use crate::backend::Backend;
use crate::exit::Failure;
use crate::print;

/// What `runs view` takes.
#[derive(Args)]
pub(super) struct View {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the saved views
    Ls,
    /// Save a view, in place of the one of that name
    Save(Save),
    /// Delete a view
    Rm {
        /// Its name
        name: String,
    },
}

#[derive(Args)]
struct Save {
    /// Its name
    name: String,

    #[command(flatten)]
    which: Which,

    /// Its columns, with commas
    #[arg(short, long, value_name = "COLUMNS", value_delimiter = ',')]
    columns: Vec<String>,

    /// Its order, by columns; -column for the greatest first
    #[arg(short, long, value_name = "COLUMNS", value_delimiter = ',', allow_hyphen_values = true)]
    sort: Vec<String>,

    /// The columns that its runs are grouped by
    #[arg(short, long, value_name = "COLUMNS", value_delimiter = ',')]
    group: Vec<String>,
}

/// Lists, saves or deletes views.
pub(super) fn view(backend: &mut Backend, arguments: View, json: bool) -> Result<ExitCode, Failure> {
    let views = match arguments.command {
        Command::Ls => backend.call::<ListRunViews>(&Nothing {})?,
        Command::Rm { name } => backend.call::<DeleteRunView>(&SavedViewRef { name })?,
        Command::Save(save) => backend.call::<SaveRunView>(&SavedView {
            query: save.which.query(),
            name: save.name,
            columns: save.columns,
            sort: sort(&save.sort),
            group: save.group,
            pinned: Vec::new(),
            widths: std::collections::BTreeMap::new(),
            hide_constant: false,
        })?,
    };
    if json {
        print::json(&views)?;
        return Ok(ExitCode::SUCCESS);
    }
    list(&views)?;
    Ok(ExitCode::SUCCESS)
}

fn list(views: &SavedViews) -> Result<(), Failure> {
    if views.views.is_empty() {
        eprintln!("No saved views. “athanor runs view save NAME QUERY” saves one.");
        return Ok(());
    }
    let rows: Vec<Vec<String>> = views
        .views
        .iter()
        .map(|view| vec![one_line(&view.name), one_line(&view.query), one_line(&view.columns.join(", "))])
        .collect();
    print::table(&["NAME", "QUERY", "COLUMNS"], &rows)
}
