//! `athanor settings`

use std::process::ExitCode;

use athanor_api::command::{ChangeSettings, GetSettings};
use athanor_api::wire::{self, ErrorCode, Nothing};
use clap::Args;

use crate::backend::Backend;
use crate::exit::{Failure, fail};
use crate::print;

/// What `settings` takes.
#[derive(Args)]
pub struct Arguments {
    /// Settings to change, as NAME=VALUE; none to show them all
    #[arg(value_name = "NAME=VALUE")]
    changes: Vec<String>,
}

/// Shows or changes settings. Names and values are those of the JSON form.
pub fn run(backend: &mut Backend, arguments: &Arguments, json: bool) -> Result<ExitCode, Failure> {
    let settings = match arguments.changes.as_slice() {
        [] => backend.call::<GetSettings>(&Nothing {})?,
        changes => backend.call::<ChangeSettings>(&parse(changes)?)?,
    };
    if json {
        print::json(&settings)?;
        return Ok(ExitCode::SUCCESS);
    }
    let all = serde_json::to_value(&settings).unwrap_or_default();
    for (name, value) in all.as_object().into_iter().flatten() {
        println!("{name}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    Ok(ExitCode::SUCCESS)
}

fn parse(changes: &[String]) -> Result<wire::ChangeSettings, Failure> {
    const NAMES: [&str; 5] = ["slots", "close_action", "appearance", "notify", "log_limit"];
    let wrong = |text: String| fail(ErrorCode::InvalidInput, text);
    let mut object = serde_json::Map::new();
    for change in changes {
        let (name, value) =
            change.split_once('=').ok_or_else(|| wrong(format!("“{change}” is not NAME=VALUE")))?;
        if !NAMES.contains(&name) {
            return Err(wrong(format!("there is no setting “{name}”; there are {}", NAMES.join(", "))));
        }
        // Numbers and truth values as such, everything else as a word.
        let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
        object.insert(name.to_owned(), value);
    }
    serde_json::from_value(object.into())
        .map_err(|cause| wrong(format!("that value is not possible: {cause}")))
}
