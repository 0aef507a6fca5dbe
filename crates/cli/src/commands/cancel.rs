//! `athanor cancel`

use std::process::ExitCode;

use athanor_api::command::CancelExperiments;
use athanor_api::wire::ExperimentRefs;
use clap::Args;

use crate::backend::Backend;
use crate::exit::Failure;
use crate::print;

/// What `cancel` takes.
#[derive(Args)]
pub struct Arguments {
    /// Uids, unique beginnings of them, or unique names
    #[arg(required = true)]
    uids: Vec<String>,
}

/// Asks for the end of each, and says what became of each.
pub fn run(backend: &mut Backend, arguments: Arguments, json: bool) -> Result<ExitCode, Failure> {
    let outcomes = backend.call::<CancelExperiments>(&ExperimentRefs { uids: arguments.uids })?.outcomes;
    if json {
        print::json(&outcomes)?;
    }
    let mut first = None;
    for outcome in outcomes {
        match (outcome.experiment, outcome.error) {
            (Some(experiment), _) if !json => {
                println!("{}  {}  {}", experiment.uid, print::status(&experiment), experiment.name);
            }
            (None, Some(error)) => {
                let failure = Failure(error);
                match first {
                    None => first = Some(failure),
                    Some(_) => drop(failure.report()),
                }
            }
            _ => {}
        }
    }
    first.map_or(Ok(ExitCode::SUCCESS), Err)
}
