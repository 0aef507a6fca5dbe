//! `athanor wait`

use std::collections::BTreeSet;
use std::process::ExitCode;

use athanor_api::command::{GetExperiment, QueueStats};
use athanor_api::wire::{self, ErrorCode, Experiment, ExperimentRef, Nothing, Push, Status};
use clap::Args;

use crate::backend::Backend;
use crate::exit::{CANCELLED, FAILED, Failure, fail};
use crate::print;

/// What `wait` takes.
#[derive(Args)]
pub struct Arguments {
    /// Uids, unique beginnings of them, or unique names
    #[arg(required_unless_present = "all")]
    uids: Vec<String>,

    /// Wait until nothing runs and nothing waits
    #[arg(long, conflicts_with = "uids")]
    all: bool,
}

/// Waits, without asking again and again, until the experiments have ended.
pub fn run(backend: &mut Backend, arguments: &Arguments, json: bool) -> Result<ExitCode, Failure> {
    let pushes = backend.listen()?;
    let mut open: BTreeSet<String> = BTreeSet::new();
    let mut ended: Vec<Experiment> = Vec::new();
    for uid in &arguments.uids {
        let experiment = backend.call::<GetExperiment>(&ExperimentRef { uid: uid.clone() })?.experiment;
        match print::is_terminal(experiment.status) {
            true => ended.push(experiment),
            false => drop(open.insert(experiment.uid)),
        }
    }
    let stats = backend.call::<QueueStats>(&Nothing {})?;
    let done = |open: &BTreeSet<String>, stats: &wire::QueueStats| match arguments.all {
        true => stats.pending + stats.queued + stats.running + stats.paused == 0,
        false => open.is_empty(),
    };
    if !done(&open, &stats) {
        let Some(pushes) = pushes else {
            return Err(fail(ErrorCode::EngineGone, "no engine runs, so nothing that waits will start"));
        };
        let mut finished = false;
        for push in pushes {
            match push {
                Push::QueueUpdate { experiment, stats, .. } => {
                    if let Some(experiment) = experiment
                        && print::is_terminal(experiment.status)
                        && (arguments.all || open.remove(&experiment.uid))
                    {
                        ended.push(*experiment);
                    }
                    finished = done(&open, &stats);
                }
                Push::Resync { .. } => {
                    for uid in open.iter().cloned().collect::<Vec<_>>() {
                        let experiment =
                            backend.call::<GetExperiment>(&ExperimentRef { uid: uid.clone() })?.experiment;
                        if print::is_terminal(experiment.status) {
                            open.remove(&uid);
                            ended.push(experiment);
                        }
                    }
                    finished = done(&open, &backend.call::<QueueStats>(&Nothing {})?);
                }
                Push::EngineStopped {} => break,
                _ => {}
            }
            if finished {
                break;
            }
        }
        if !finished {
            return Err(fail(
                ErrorCode::EngineGone,
                "the engine stopped before they had ended; running jobs go on",
            ));
        }
    }
    if json {
        print::json(&ended)?;
    } else {
        for experiment in &ended {
            println!("{}  {}  {}", experiment.uid, print::status(experiment), experiment.name);
        }
    }
    let any = |of: &[Status]| ended.iter().any(|experiment| of.contains(&experiment.status));
    Ok(if any(&[Status::Failed]) {
        ExitCode::from(FAILED)
    } else if any(&[Status::Cancelled, Status::Expired]) {
        ExitCode::from(CANCELLED)
    } else {
        ExitCode::SUCCESS
    })
}
