//! `athanor export`

use std::io::Write;
use std::process::ExitCode;

use athanor_api::command::ExportJobs;
use athanor_api::wire::{self, Selection};
use clap::Args;

use crate::backend::Backend;
use crate::exit::Failure;
use crate::options::transfer::Form;
use crate::print;

/// What `export` takes.
#[derive(Args)]
pub struct Arguments {
    /// Uids, unique beginnings of them, or unique names; all that wait if neither these nor a group are given
    uids: Vec<String>,

    /// All members of this group, too
    #[arg(short, long)]
    group: Option<String>,

    /// The form
    #[arg(long, value_enum, default_value_t = Form::Toml)]
    format: Form,
}

/// Prints jobs as text that `import` takes. Environments are left out, because they may hold secrets.
pub fn run(backend: &mut Backend, arguments: Arguments, json: bool) -> Result<ExitCode, Failure> {
    let selection = Selection { uids: arguments.uids, group: arguments.group };
    let exported =
        backend.call::<ExportJobs>(&wire::ExportJobs { selection, format: arguments.format.into() })?;
    if json {
        print::json(&exported)?;
        return Ok(ExitCode::SUCCESS);
    }
    std::io::stdout().lock().write_all(exported.text.as_bytes())?;
    if exported.count == 0 {
        eprintln!("Nothing waits, so there is nothing to write down. Name uids or a group.");
    }
    Ok(ExitCode::SUCCESS)
}
