//! `athanor queue`

use std::process::ExitCode;

use athanor_api::command::PauseQueue;
use athanor_api::wire;
use clap::{Args, ValueEnum};

use crate::backend::Backend;
use crate::exit::Failure;
use crate::print;

/// What `queue` takes.
#[derive(Args)]
pub struct Arguments {
    /// What to do
    action: Action,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Action {
    /// Start nothing new; what runs goes on
    Pause,
    /// Go on
    Resume,
}

/// Pauses or resumes the queue.
pub fn run(backend: &mut Backend, arguments: &Arguments, json: bool) -> Result<ExitCode, Failure> {
    let stats =
        backend.call::<PauseQueue>(&wire::PauseQueue { paused: arguments.action == Action::Pause })?;
    match (json, stats.queue_paused) {
        (true, _) => print::json(&stats)?,
        (false, true) => println!("The queue is paused; {} running go on", stats.running),
        (false, false) => println!("The queue goes on; {} waiting", stats.queued),
    }
    Ok(ExitCode::SUCCESS)
}
