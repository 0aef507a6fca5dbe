//! `athanor again`

use std::process::ExitCode;

use athanor_api::command::AddAgain;
use athanor_api::wire::ExperimentRefs;
use clap::Args;

use super::add::say_added;
use crate::backend::Backend;
use crate::exit::Failure;

/// What `again` takes.
#[derive(Args)]
pub struct Arguments {
    /// Uids, unique beginnings of them, or unique names
    #[arg(required = true)]
    uids: Vec<String>,
}

/// Queues experiments anew and prints the new uids.
pub fn run(backend: &mut Backend, arguments: Arguments, json: bool) -> Result<ExitCode, Failure> {
    let added = backend.call::<AddAgain>(&ExperimentRefs { uids: arguments.uids })?;
    say_added(&added, json)
}
