//! `athanor runs rm`

use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;

use athanor_api::command::{PlanRunRemoval, RemoveRuns};
use athanor_api::wire::{self, ApiError, ErrorCode, RemoveFiles, RunFilesPlan, RunRef};
use clap::Args;

use super::{edit, one_line, plural};
use crate::ask;
use crate::backend::Backend;
use crate::exit::Failure;
use crate::print;

/// Files that are named before they go.
const NAMED: usize = 20;

/// What `runs rm` takes.
#[derive(Args)]
pub(super) struct Remove {
    /// Uids of runs, or unique beginnings of them
    #[arg(required = true)]
    uids: Vec<String>,

    /// Put the files of the run into the trash, too; of one run only
    #[arg(long)]
    files: bool,

    /// Agree beforehand; with --files, --confirm is needed as well
    #[arg(short, long)]
    yes: bool,

    /// The run’s name, for --files, instead of typing it
    #[arg(long, value_name = "NAME", requires = "files")]
    confirm: Option<String>,
}

/// Takes runs out of the index, and files of one into the trash.
pub(super) fn remove(backend: &mut Backend, arguments: &Remove, json: bool) -> Result<ExitCode, Failure> {
    let uids = arguments.uids.clone();
    if !arguments.files {
        let count = plural(uids.len() as u64, "run", "runs");
        ask::agree(
            &format!("Take {count} out of the index, with tags and notes? Files stay."),
            arguments.yes,
        )?;
        let input = wire::RemoveRuns { uids, files: None };
        return edit::say(backend.call::<RemoveRuns>(&input)?.outcomes, "taken out", json);
    }
    let [uid] = uids.as_slice() else {
        let message = "files are removed of one run at a time, whose name is typed";
        return Err(Failure(ApiError::new(ErrorCode::InvalidInput, message)));
    };
    let plan = backend.call::<PlanRunRemoval>(&RunRef { uid: uid.clone() })?;
    let confirm = match &arguments.confirm {
        Some(name) => name.clone(),
        None => typed(&plan)?,
    };
    let input = wire::RemoveRuns { uids, files: Some(RemoveFiles { confirm }) };
    edit::say(backend.call::<RemoveRuns>(&input)?.outcomes, "taken out, its files are in the trash", json)
}

/// Says what goes and has the name typed.
fn typed(plan: &RunFilesPlan) -> Result<String, Failure> {
    let mut said = std::io::stderr().lock();
    if !(std::io::stdin().is_terminal() && said.is_terminal()) {
        let message = format!("{} would go into the trash", plural(plan.count, "file", "files"));
        let error = ApiError::new(ErrorCode::NeedsAgreement, message);
        return Err(Failure(error.hint("Give the run’s name with --confirm.")));
    }
    writeln!(
        said,
        "{}, {}, go into the trash:",
        plural(plan.count, "file", "files"),
        print::bytes(plan.size)
    )?;
    if let Some(folder) = &plan.folder {
        writeln!(said, "  the whole folder {}", one_line(folder))?;
    }
    for file in plan.files.iter().take(NAMED) {
        writeln!(said, "  {}", one_line(file))?;
    }
    if plan.count > NAMED as u64 {
        writeln!(said, "  and {} more", plan.count - NAMED as u64)?;
    }
    write!(said, "Type the run’s name, {}: ", one_line(&plan.name))?;
    said.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim_end_matches(['\n', '\r']).to_owned())
}
