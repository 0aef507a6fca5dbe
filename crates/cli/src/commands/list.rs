//! `athanor ls`

use std::process::ExitCode;

use athanor_api::command::ListExperiments;
use athanor_api::wire::{self, Experiment, Section, Status};
use clap::{Args, ValueEnum};

use crate::backend::Backend;
use crate::exit::Failure;
use crate::options::values::now;
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

    /// Only this group
    #[arg(short, long)]
    group: Option<String>,

    /// Only these statuses; several with commas
    #[arg(short, long, value_enum, value_delimiter = ',')]
    status: Vec<Standing>,

    /// Those that were put away, instead of the others
    #[arg(long)]
    archived: bool,

    /// At most so many that ended
    #[arg(short, long, default_value_t = 10)]
    number: u32,
}

impl Arguments {
    /// Whether only some are asked for.
    fn narrows(&self) -> bool {
        self.text.is_some()
            || self.project.is_some()
            || self.group.is_some()
            || !self.status.is_empty()
            || self.archived
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Standing {
    Pending,
    Queued,
    Running,
    Paused,
    Completed,
    Failed,
    Cancelled,
    Expired,
}

impl From<Standing> for Status {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Pending => Self::Pending,
            Standing::Queued => Self::Queued,
            Standing::Running => Self::Running,
            Standing::Paused => Self::Paused,
            Standing::Completed => Self::Completed,
            Standing::Failed => Self::Failed,
            Standing::Cancelled => Self::Cancelled,
            Standing::Expired => Self::Expired,
        }
    }
}

/// Prints the queue in its order, then what ended, newest first.
pub fn run(backend: &mut Backend, arguments: &Arguments, json: bool) -> Result<ExitCode, Failure> {
    let mut shown: Vec<Experiment> = Vec::new();
    let statuses: Vec<Status> = arguments.status.iter().copied().map(Into::into).collect();
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
                statuses: statuses.clone(),
                group: arguments.group.clone(),
                ungrouped: false,
                archived: arguments.archived,
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
        match arguments.narrows() {
            true => eprintln!("Nothing like that. “athanor ls --all” lists what there is."),
            false => eprintln!("Nothing here yet. “athanor add -- COMMAND” queues an experiment."),
        }
        return Ok(ExitCode::SUCCESS);
    }
    table(&shown)?;
    Ok(ExitCode::SUCCESS)
}

/// A column of the table: its head, whether it is there when all of its cells are empty, and what it says.
type Column = (&'static str, bool, fn(&Experiment) -> String);

const COLUMNS: [Column; 8] = [
    ("UID", true, |experiment| experiment.uid.clone()),
    ("STATUS", true, print::status),
    ("NAME", true, |experiment| experiment.name.clone()),
    ("PROJECT", false, |experiment| experiment.project.clone().unwrap_or_default()),
    ("GROUP", false, |experiment| experiment.group.clone().unwrap_or_default()),
    ("GPUS", false, gpus),
    ("TIME", true, took),
    ("", true, print::remark),
];

/// Prints experiments; a column in which nothing stands is left out.
fn table(experiments: &[Experiment]) -> Result<(), Failure> {
    let columns: Vec<(&str, Vec<String>)> = COLUMNS
        .iter()
        .map(|(head, always, cell)| (head, always, experiments.iter().map(cell).collect::<Vec<_>>()))
        .filter(|(_, always, cells)| **always || cells.iter().any(|cell| !cell.is_empty()))
        .map(|(head, _, cells)| (*head, cells))
        .collect();
    let heads: Vec<&str> = columns.iter().map(|(head, _)| *head).collect();
    let mut cells: Vec<_> = columns.into_iter().map(|(_, cells)| cells.into_iter()).collect();
    let rows: Vec<Vec<String>> =
        experiments.iter().map(|_| cells.iter_mut().filter_map(Iterator::next).collect()).collect();
    print::table(&heads, &rows)
}

fn took(experiment: &Experiment) -> String {
    match (experiment.started_at, experiment.completed_at) {
        (Some(start), Some(end)) => print::duration(end - start),
        (Some(start), None) => print::duration(now() - start),
        _ => String::new(),
    }
}

/// The GPUs that it has, or how many it asks for.
fn gpus(experiment: &Experiment) -> String {
    match (experiment.gpus.as_slice(), experiment.requirements.gpus) {
        ([], 0) => String::new(),
        ([], wanted) => format!("{wanted} wanted"),
        (given, _) => given.iter().map(u32::to_string).collect::<Vec<_>>().join(","),
    }
}
