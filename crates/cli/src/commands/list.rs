//! `athanor ls`

use std::process::ExitCode;

use athanor_api::command::ListExperiments;
use athanor_api::wire::{self, Experiment, Section};
use clap::Args;

use crate::backend::Backend;
use crate::exit::Failure;
use crate::print;

/// What `ls` takes.
#[derive(Args)]
pub struct Arguments {
    /// All that ended, too, not only the last ten
    #[arg(short, long)]
    all: bool,

    /// Only those whose uid, name, project, command or tags contain this
    text: Option<String>,

    /// Only this project
    #[arg(short, long)]
    project: Option<String>,

    /// At most so many that ended
    #[arg(short, long, default_value_t = 10)]
    number: u32,
}

/// Prints the queue in its order, then what ended, newest first.
pub fn run(backend: &mut Backend, arguments: &Arguments, json: bool) -> Result<ExitCode, Failure> {
    let mut shown: Vec<Experiment> = Vec::new();
    for section in [Section::Active, Section::Waiting, Section::Finished] {
        let most = match section {
            Section::Finished if !arguments.all => arguments.number,
            _ => u32::MAX,
        };
        let mut offset = 0;
        while offset < most {
            let limit = (most - offset).min(1000);
            let page = backend.call::<ListExperiments>(&wire::ListExperiments {
                section,
                text: arguments.text.clone(),
                project: arguments.project.clone(),
                statuses: Vec::new(),
                offset,
                limit,
            })?;
            let got = u32::try_from(page.experiments.len()).unwrap_or(u32::MAX);
            shown.extend(page.experiments);
            offset += got;
            if got < limit {
                break;
            }
        }
    }
    if json {
        print::json(&shown)?;
        return Ok(ExitCode::SUCCESS);
    }
    if shown.is_empty() {
        eprintln!("Nothing here yet. “athanor add -- COMMAND” queues an experiment.");
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<Vec<String>> = shown
        .iter()
        .map(|experiment| {
            let took = match (experiment.started_at, experiment.completed_at) {
                (Some(start), Some(end)) => print::duration(end - start),
                (Some(start), None) => print::duration(jiff::Timestamp::now().as_millisecond() - start),
                _ => String::new(),
            };
            vec![
                experiment.uid.clone(),
                print::status(experiment),
                experiment.name.clone(),
                experiment.project.clone().unwrap_or_default(),
                took,
                print::remark(experiment),
            ]
        })
        .collect();
    print::table(&["UID", "STATUS", "NAME", "PROJECT", "TIME", ""], &rows)?;
    Ok(ExitCode::SUCCESS)
}
