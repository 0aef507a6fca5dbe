//! What is done to several experiments at once: `pause`, `resume`, `hold`, `cancel`, `retry`, `move`, `archive`,
//! `delete`.

use std::process::ExitCode;

use athanor_api::command::{
    ArchiveExperiments, CancelExperiments, Command, DeleteExperiments, GetExperiment, HoldExperiments,
    ListExperiments, MoveExperiments, PauseExperiments, ResumeExperiments, RetryExperiments,
};
use athanor_api::wire::{
    self, Destination, ExperimentRef, ExperimentRefs, Outcome, Outcomes, Section, Selection,
};
use clap::Args;

use crate::ask;
use crate::backend::Backend;
use crate::exit::Failure;
use crate::print;

/// What most of them take.
#[derive(Args)]
pub struct Which {
    /// Uids, unique beginnings of them, or unique names
    #[arg(required_unless_present = "group")]
    uids: Vec<String>,

    /// All members of this group whose state allows it, too
    #[arg(short, long)]
    group: Option<String>,
}

/// What `move` takes.
#[derive(Args)]
pub struct Move {
    /// Uids, unique beginnings of them, or unique names; they keep their order among themselves
    #[arg(required = true)]
    uids: Vec<String>,

    #[command(flatten)]
    to: To,
}

/// Where to.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct To {
    /// First among those of its priority
    #[arg(long)]
    top: bool,

    /// Last among those of its priority
    #[arg(long)]
    bottom: bool,

    /// Before this one, with its priority
    #[arg(long, value_name = "UID")]
    before: Option<String>,

    /// After this one, with its priority
    #[arg(long, value_name = "UID")]
    after: Option<String>,
}

/// What `archive` takes.
#[derive(Args)]
pub struct Archive {
    #[command(flatten)]
    which: Which,

    /// Take them back out
    #[arg(long)]
    undo: bool,
}

/// What `delete` takes.
#[derive(Args)]
pub struct Delete {
    #[command(flatten)]
    which: Which,

    /// Agree beforehand
    #[arg(short, long)]
    yes: bool,
}

/// Asks for the end of each.
pub fn cancel(backend: &mut Backend, which: Which, json: bool) -> Result<ExitCode, Failure> {
    select::<CancelExperiments>(backend, which, json)
}

/// Stops the processes of running ones, and holds waiting ones back.
pub fn pause(backend: &mut Backend, which: Which, json: bool) -> Result<ExitCode, Failure> {
    select::<PauseExperiments>(backend, which, json)
}

/// Lets paused and held ones go on.
pub fn resume(backend: &mut Backend, which: Which, json: bool) -> Result<ExitCode, Failure> {
    select::<ResumeExperiments>(backend, which, json)
}

/// Holds waiting ones back.
pub fn hold(backend: &mut Backend, which: Which, json: bool) -> Result<ExitCode, Failure> {
    select::<HoldExperiments>(backend, which, json)
}

/// Queues ended ones once more.
pub fn retry(backend: &mut Backend, which: Which, json: bool) -> Result<ExitCode, Failure> {
    select::<RetryExperiments>(backend, which, json)
}

fn select<C: Command<Input = Selection, Output = Outcomes>>(
    backend: &mut Backend,
    which: Which,
    json: bool,
) -> Result<ExitCode, Failure> {
    let outcomes = backend.call::<C>(&Selection { uids: which.uids, group: which.group })?;
    say(outcomes.outcomes, json)
}

/// Gives waiting ones another place in the queue.
pub fn reorder(backend: &mut Backend, arguments: Move, json: bool) -> Result<ExitCode, Failure> {
    let destination = match arguments.to {
        To { before: Some(other), .. } => Destination::Before { other },
        To { after: Some(other), .. } => Destination::After { other },
        To { bottom: true, .. } => Destination::Bottom {},
        To { .. } => Destination::Top {},
    };
    let input = wire::MoveExperiments { uids: arguments.uids, destination };
    say(backend.call::<MoveExperiments>(&input)?.outcomes, json)
}

/// Puts ended ones away, or takes them back out.
pub fn archive(backend: &mut Backend, arguments: Archive, json: bool) -> Result<ExitCode, Failure> {
    let uids = ended(backend, arguments.which, arguments.undo)?;
    let input = wire::ArchiveExperiments { uids, archived: !arguments.undo };
    say(backend.call::<ArchiveExperiments>(&input)?.outcomes, json)
}

/// Deletes ended ones, after a question that names them.
pub fn delete(backend: &mut Backend, arguments: Delete, json: bool) -> Result<ExitCode, Failure> {
    let mut uids = ended(backend, arguments.which, false)?;
    if !arguments.yes {
        let mut names = Vec::with_capacity(uids.len());
        for uid in &mut uids {
            let experiment = backend.call::<GetExperiment>(&ExperimentRef { uid: uid.clone() })?.experiment;
            names.push(format!("{} ({})", experiment.uid, experiment.name));
            *uid = experiment.uid;
        }
        ask::agree(&format!("Delete {} with logs and recorded metrics?", listed(&names)), false)?;
    }
    let outcomes = backend.call::<DeleteExperiments>(&ExperimentRefs { uids })?.outcomes;
    if json {
        return say(outcomes, json);
    }
    for outcome in outcomes.iter().filter(|outcome| outcome.error.is_none()) {
        println!("{}  deleted", outcome.uid);
    }
    first_fault(outcomes)
}

/// The first few of many names, and how many more there are.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 8;
    match names {
        [.., last] if (2..=SHOWN).contains(&names.len()) => {
            format!("{} and {last}", names[..names.len() - 1].join(", "))
        }
        _ if names.len() <= SHOWN => names.join(", "),
        _ => format!("{} and {} more", names[..SHOWN].join(", "), names.len() - SHOWN),
    }
}

/// Those that were named, and the members of a group that have ended.
fn ended(backend: &mut Backend, which: Which, archived: bool) -> Result<Vec<String>, Failure> {
    let mut uids = which.uids;
    let Some(group) = which.group else { return Ok(uids) };
    let named = uids.len();
    loop {
        let page = backend.call::<ListExperiments>(&wire::ListExperiments {
            section: Section::Finished,
            text: None,
            project: None,
            statuses: Vec::new(),
            group: Some(group.clone()),
            ungrouped: false,
            archived,
            offset: u32::try_from(uids.len() - named).unwrap_or(u32::MAX),
            limit: 1000,
        })?;
        let got = page.experiments.len();
        uids.extend(page.experiments.into_iter().map(|experiment| experiment.uid));
        if got < 1000 {
            return Ok(uids);
        }
    }
}

/// Prints what became of each. The first fault decides how the command ends; the others are said, too.
pub fn say(outcomes: Vec<Outcome>, json: bool) -> Result<ExitCode, Failure> {
    if json {
        print::json(&outcomes)?;
    } else {
        print::lines(outcomes.iter().filter_map(|outcome| {
            let experiment = outcome.experiment.as_ref()?;
            Some(format!("{}  {}  {}", experiment.uid, print::status(experiment), experiment.name))
        }))?;
    }
    first_fault(outcomes)
}

fn first_fault(outcomes: Vec<Outcome>) -> Result<ExitCode, Failure> {
    let mut faults = outcomes.into_iter().filter_map(|outcome| outcome.error).map(Failure);
    let first = faults.next();
    for other in faults {
        other.report();
    }
    first.map_or(Ok(ExitCode::SUCCESS), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_names_are_not_all_said() {
        let names = |count: usize| (1..=count).map(|n| n.to_string()).collect::<Vec<_>>();
        assert_eq!(listed(&names(1)), "1");
        assert_eq!(listed(&names(3)), "1, 2 and 3");
        assert_eq!(listed(&names(10)), "1, 2, 3, 4, 5, 6, 7, 8 and 2 more");
    }
}
