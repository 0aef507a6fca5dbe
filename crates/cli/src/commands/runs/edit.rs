//! `athanor runs tag` and `note`

use std::process::ExitCode;

use athanor_api::command::EditRuns;
use athanor_api::wire::{self, ErrorCode, Outcome};
use clap::Args;

use super::plural;
use crate::backend::Backend;
use crate::exit::{Failure, fail};
use crate::print;

/// What `runs tag` takes.
#[derive(Args)]
pub(super) struct Tag {
    /// Uids of runs or unique beginnings of them, and tags: +tag adds one, -tag takes one away
    #[arg(required = true, allow_hyphen_values = true, value_name = "UID|+TAG|-TAG")]
    words: Vec<String>,
}

/// Adds tags and takes tags away.
pub(super) fn tag(backend: &mut Backend, arguments: Tag, mut json: bool) -> Result<ExitCode, Failure> {
    let mut input = wire::EditRuns::default();
    for word in arguments.words {
        // Where a word may begin with a hyphen, an option behind it is taken for one.
        if word == "--json" {
            json = true;
        } else if word.starts_with("--") {
            return Err(fail(ErrorCode::InvalidInput, format!("there is no option {word} here")));
        } else if let Some(tag) = word.strip_prefix('+') {
            input.tags_add.push(tag.to_owned());
        } else if let Some(tag) = word.strip_prefix('-') {
            input.tags_remove.push(tag.to_owned());
        } else {
            input.uids.push(word);
        }
    }
    if input.tags_add.is_empty() && input.tags_remove.is_empty() {
        return Err(fail(ErrorCode::InvalidInput, "no tag was given: +tag adds one, -tag takes one away"));
    }
    if input.uids.is_empty() {
        return Err(fail(ErrorCode::InvalidInput, "no run was given; “athanor runs ls” lists them"));
    }
    say(backend.call::<EditRuns>(&input)?.outcomes, "changed", json)
}

/// What `runs note` takes.
#[derive(Args)]
pub(super) struct Note {
    /// The run’s uid, or a unique beginning of it
    uid: String,

    /// What is noted, at most 2,000 characters; nothing clears it
    text: Vec<String>,
}

/// Notes something about a run.
pub(super) fn note(backend: &mut Backend, arguments: Note, json: bool) -> Result<ExitCode, Failure> {
    let notes = Some(arguments.text.join(" "));
    let input = wire::EditRuns { uids: vec![arguments.uid], notes, ..wire::EditRuns::default() };
    say(backend.call::<EditRuns>(&input)?.outcomes, "changed", json)
}

/// Says what became of each; fails with the first that went wrong.
pub(super) fn say(outcomes: Vec<Outcome>, done: &str, json: bool) -> Result<ExitCode, Failure> {
    if json {
        print::json(&outcomes)?;
    } else {
        let well = outcomes.iter().filter(|outcome| outcome.error.is_none()).count() as u64;
        if well > 0 {
            println!("{} {done}", plural(well, "run", "runs"));
        }
    }
    match outcomes.into_iter().find_map(|outcome| outcome.error) {
        Some(error) => Err(Failure(error)),
        None => Ok(ExitCode::SUCCESS),
    }
}
