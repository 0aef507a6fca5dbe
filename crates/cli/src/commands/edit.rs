//! `athanor edit`

use std::process::ExitCode;

use athanor_api::command::{EditExperiment, EditExperiments, GetExperiment};
use athanor_api::wire::{
    self, Changes, ErrorCode, ExperimentDetail, ExperimentRef, NewExperiment, Requirements, Selection,
};
use clap::Args;

use super::act::say;
use super::add::{command, set_values, working_directory};
use crate::backend::Backend;
use crate::exit::{Failure, fail};
use crate::options::values::pair;
use crate::options::{After, Limits, Needs, Retries, Schedule, Soon, Style};
use crate::print;

/// What `edit` takes.
#[derive(Args)]
pub struct Arguments {
    /// Uids, unique beginnings of them, or unique names. Of several, what they can have in common is changed: group,
    /// priority, tags, schedule, retries, limits
    #[arg(required_unless_present = "members_of")]
    uids: Vec<String>,

    /// Those that wait in this group, too
    #[arg(long, value_name = "GROUP")]
    members_of: Option<String>,

    /// Another name
    #[arg(short, long)]
    name: Option<String>,

    /// These tags in place of those that it has; may be given several times
    #[arg(short, long = "tag", conflicts_with = "no_tags")]
    tags: Vec<String>,

    /// Add a tag to those that it has; may be given several times
    #[arg(long = "add-tag", value_name = "TAG")]
    add_tags: Vec<String>,

    /// Take a tag away; may be given several times
    #[arg(long = "remove-tag", value_name = "TAG")]
    remove_tags: Vec<String>,

    /// Hold it back until it is resumed
    #[arg(long)]
    hold: bool,

    /// Other notes
    #[arg(long)]
    notes: Option<String>,

    /// Another group
    #[arg(short, long, conflicts_with = "no_group")]
    group: Option<String>,

    /// Another priority
    #[arg(long, value_enum)]
    priority: Option<Soon>,

    /// Another working directory
    #[arg(short = 'C', long)]
    cwd: Option<std::path::PathBuf>,

    /// A variable to set; may be given several times
    #[arg(short, long = "env", value_name = "NAME=VALUE", value_parser = pair)]
    env: Vec<(String, String)>,

    /// A variable to remove; may be given several times
    #[arg(long, value_name = "NAME")]
    unset: Vec<String>,

    /// Set a value in the config or the command, as with add; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,

    /// How a value is appended to a command that has no {key}, where no config holds the key
    #[arg(long, value_enum, default_value_t = Style::Flags)]
    sweep_style: Style,

    #[command(flatten)]
    needs: Needs,

    #[command(flatten)]
    after: After,

    #[command(flatten)]
    schedule: Schedule,

    #[command(flatten)]
    retries: Retries,

    #[command(flatten)]
    limits: Limits,

    #[command(flatten)]
    without: Without,

    /// Take the command as one line for /bin/sh
    #[arg(long, requires = "command")]
    shell: bool,

    /// Another program with its arguments, after --
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// What is taken away.
#[derive(Args)]
#[command(next_help_heading = "Take away")]
struct Without {
    /// No tags
    #[arg(long)]
    no_tags: bool,

    /// No group
    #[arg(long)]
    no_group: bool,

    /// No requirements: it takes a slot
    #[arg(long)]
    no_needs: bool,

    /// No dependencies
    #[arg(long, conflicts_with = "after")]
    no_after: bool,

    /// Fail when a dependency can't be met any more
    #[arg(long, conflicts_with = "wait_for_failed")]
    no_wait_for_failed: bool,

    /// No moment to wait for
    #[arg(long, conflicts_with_all = ["not_before", "delay"])]
    no_not_before: bool,

    /// No window
    #[arg(long, conflicts_with = "window")]
    no_window: bool,

    /// No deadline to start
    #[arg(long, conflicts_with = "start_by")]
    no_start_by: bool,

    /// The usual: retried when it was lost, up to 3 times
    #[arg(long, conflicts_with = "retries")]
    no_retries: bool,

    /// As long as it likes
    #[arg(long, conflicts_with = "time_limit")]
    no_time_limit: bool,
}

/// Changes experiments that wait; name, tags and notes of any.
pub fn run(backend: &mut Backend, mut arguments: Arguments, json: bool) -> Result<ExitCode, Failure> {
    let several = arguments.uids.len() > 1 || arguments.members_of.is_some();
    // What only several can be changed by is done that way for one, too.
    if several || !arguments.add_tags.is_empty() || !arguments.remove_tags.is_empty() || arguments.hold {
        let selection =
            Selection { uids: std::mem::take(&mut arguments.uids), group: arguments.members_of.take() };
        let changes = changes(arguments)?;
        if changes == Changes::default() {
            return Err(nothing());
        }
        let outcomes = backend.call::<EditExperiments>(&wire::EditExperiments { selection, changes })?;
        return say(outcomes.outcomes, json);
    }
    let uid = arguments.uids.pop().unwrap_or_default();
    let there = backend.call::<GetExperiment>(&ExperimentRef { uid })?;
    let change = change(arguments, there)?;
    if is_nothing(&change) {
        return Err(nothing());
    }
    let detail = backend.call::<EditExperiment>(&change)?;
    if json {
        print::json(&detail)?;
    } else {
        let experiment = &detail.experiment;
        println!("{}  {}  {}", experiment.uid, print::status(experiment), experiment.name);
    }
    Ok(ExitCode::SUCCESS)
}

fn nothing() -> Failure {
    fail(ErrorCode::InvalidInput, "say what to change; “athanor edit --help” lists what can be")
}

/// What is changed of several alike; what each has of its own is refused.
fn changes(arguments: Arguments) -> Result<Changes, Failure> {
    let without = &arguments.without;
    let own = [
        ("--name", arguments.name.is_some()),
        ("--notes", arguments.notes.is_some()),
        ("--cwd", arguments.cwd.is_some()),
        ("--env", !arguments.env.is_empty()),
        ("--unset", !arguments.unset.is_empty()),
        ("--set", !arguments.set.is_empty()),
        ("--after", without.no_after || !arguments.after.dependencies().is_empty()),
        ("what they need", arguments.needs.given()),
        ("a command", !arguments.command.is_empty()),
    ];
    if let Some((name, _)) = own.iter().find(|(_, given)| *given) {
        let text = format!(
            "{name} can be changed of one experiment at a time only, and not with --add-tag, --remove-tag or --hold"
        );
        return Err(fail(ErrorCode::InvalidInput, text));
    }
    Ok(Changes {
        priority: arguments.priority.map(Into::into),
        tags: (without.no_tags || !arguments.tags.is_empty()).then_some(arguments.tags),
        add_tags: arguments.add_tags,
        remove_tags: arguments.remove_tags,
        hold: arguments.hold.then_some(true),
        requirements: without.no_needs.then(Requirements::default),
        wait_for_failed: waits_for_failed(&arguments.after, without),
        not_before: cleared(without.no_not_before, arguments.schedule.not_before()),
        window: cleared(without.no_window, arguments.schedule.window),
        start_by: cleared(without.no_start_by, arguments.schedule.start_by),
        retry: cleared(without.no_retries, arguments.retries.policy()),
        group: cleared(without.no_group, arguments.group),
        time_limit_ms: cleared(without.no_time_limit, arguments.limits.time_limit),
        grace_ms: arguments.limits.grace,
    })
}

fn waits_for_failed(after: &After, without: &Without) -> Option<bool> {
    match (after.waits_for_failed(), without.no_wait_for_failed) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

fn is_nothing(change: &wire::EditExperiment) -> bool {
    let nothing = wire::EditExperiment { uid: change.uid.clone(), ..Default::default() };
    // The change has no equality of its own; its JSON leaves nothing out that was given.
    serde_json::to_value(change).ok() == serde_json::to_value(nothing).ok()
}

fn change(arguments: Arguments, there: ExperimentDetail) -> Result<wire::EditExperiment, Failure> {
    let without = &arguments.without;
    let mut change = wire::EditExperiment {
        uid: there.experiment.uid.clone(),
        name: arguments.name,
        tags: (without.no_tags || !arguments.tags.is_empty()).then_some(arguments.tags),
        notes: arguments.notes,
        command: (!arguments.command.is_empty()).then(|| command(arguments.command, arguments.shell)),
        cwd: arguments.cwd.map(|cwd| working_directory(Some(&cwd))).transpose()?,
        priority: arguments.priority.map(Into::into),
        after: None,
        requirements: None,
        wait_for_failed: waits_for_failed(&arguments.after, without),
        not_before: cleared(without.no_not_before, arguments.schedule.not_before()),
        window: cleared(without.no_window, arguments.schedule.window),
        start_by: cleared(without.no_start_by, arguments.schedule.start_by),
        retry: cleared(without.no_retries, arguments.retries.policy()),
        group: cleared(without.no_group, arguments.group),
        time_limit_ms: cleared(without.no_time_limit, arguments.limits.time_limit),
        grace_ms: arguments.limits.grace,
        config_text: None,
        set: arguments.env.into_iter().map(|(name, value)| (name, Some(value))).collect(),
    };
    change.set.extend(arguments.unset.into_iter().map(|name| (name, None)));
    let after = arguments.after.dependencies();
    if without.no_after || !after.is_empty() {
        change.after = Some(after);
    }
    if without.no_needs || arguments.needs.given() {
        let mut needs =
            if without.no_needs { Requirements::default() } else { there.experiment.requirements };
        arguments.needs.put(&mut needs);
        change.requirements = Some(needs);
    }
    if !arguments.set.is_empty() {
        let before = change.command.clone().unwrap_or(there.experiment.command);
        let mut new = NewExperiment { command: before.clone(), ..blank() };
        set_values(&mut new, there.config_text, &arguments.set, arguments.sweep_style.into())?;
        change.config_text = new.config_text;
        if new.command != before {
            change.command = Some(new.command);
        }
    }
    Ok(change)
}

/// A field that is taken away, replaced or left.
fn cleared<T>(away: bool, value: Option<T>) -> wire::Change<T> {
    if away { Some(None) } else { value.map(Some) }
}

/// An experiment that says nothing.
fn blank() -> NewExperiment {
    athanor_api::transfer::blank(wire::Command::Argv(Vec::new()), String::new())
}
