//! `athanor settings`

use std::process::ExitCode;

use athanor_api::command::{ChangeSettings, GetSettings};
use athanor_api::transfer::nearest;
use athanor_api::wire::{self, ErrorCode, Nothing};
use clap::Args;
use serde_json::Value;

use crate::backend::Backend;
use crate::exit::{Failure, fail};
use crate::options::{values, windows};
use crate::print;

/// What `settings` takes.
#[derive(Args)]
#[command(after_help = "\
Settings:
  slots=2                    jobs at once of those that do not say what they need
  max_running=none           jobs at once of every kind
  per_gpu=none               jobs that may share a GPU
  per_project=none           jobs of a project at once
  ignore_idle_processes=true idle processes of others leave a GPU free
  windows=\"nights mon-sun 22:00-07:00; weekends sat,sun 00:00-24:00\"
                             parts of the week in which scheduled jobs may start
  keep_days=30               after which events and logs may be cleaned up
  log_limit=64MiB            size at which a job's log is rotated
  notify=true                a notification when a job ends
  close_action=tray          what closing the window does: tray or quit
  appearance=system          the look: system, light or dark")]
pub struct Arguments {
    /// Settings to change; none to show them all
    #[arg(value_name = "NAME=VALUE")]
    changes: Vec<String>,
}

/// Shows or changes settings. Names and values are those of the JSON form; hyphens are taken, too.
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
    print::lines(all.as_object().into_iter().flatten().map(|(name, value)| {
        let text = match (name.as_str(), value) {
            ("windows", _) => windows::print(&settings.windows),
            ("log_limit", _) => athanor_api::quantity::print_bytes(settings.log_limit),
            (_, Value::Null) => "none".to_owned(),
            (_, Value::String(text)) => text.clone(),
            _ => value.to_string(),
        };
        format!("{name}={text}")
    }))?;
    Ok(ExitCode::SUCCESS)
}

const NAMES: [&str; 11] = [
    "slots",
    "close_action",
    "appearance",
    "notify",
    "log_limit",
    "max_running",
    "per_gpu",
    "per_project",
    "ignore_idle_processes",
    "windows",
    "keep_days",
];

fn parse(changes: &[String]) -> Result<wire::ChangeSettings, Failure> {
    let wrong = |text: String| fail(ErrorCode::InvalidInput, text);
    let mut object = serde_json::Map::new();
    for change in changes {
        let (name, text) =
            change.split_once('=').ok_or_else(|| wrong(format!("“{change}” is not NAME=VALUE")))?;
        let name = match name.replace('-', "_") {
            name if name == "ignore_idle" => "ignore_idle_processes".to_owned(),
            name => name,
        };
        if !NAMES.contains(&name.as_str()) {
            return Err(wrong(match nearest(&name, NAMES) {
                Some(meant) => format!("there is no setting “{name}”; did you mean “{meant}”?"),
                None => format!("there is no setting “{name}”; there are {}", NAMES.join(", ")),
            }));
        }
        let value = match name.as_str() {
            "windows" => serde_json::to_value(windows::parse(text).map_err(wrong)?).unwrap_or_default(),
            "log_limit" => values::size(text).map_err(wrong)?.into(),
            "max_running" | "per_gpu" | "per_project" if text == "none" => Value::Null,
            // Numbers and truth values as such, everything else as a word.
            _ => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        };
        object.insert(name, value);
    }
    serde_json::from_value(object.into())
        .map_err(|cause| wrong(format!("that value is not possible: {cause}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(text: &str) -> Result<wire::ChangeSettings, String> {
        parse(&text.split('|').map(str::to_owned).collect::<Vec<_>>()).map_err(|failure| failure.0.message)
    }

    #[test]
    fn limits_can_be_set_and_taken_away() {
        let set = change("max-running=4|per_gpu=none|log_limit=8MiB|ignore-idle=true").expect("settings");
        assert_eq!(set.max_running, Some(Some(4)));
        assert_eq!(set.per_gpu, Some(None));
        assert_eq!(set.per_project, None, "left as it is");
        assert_eq!(set.log_limit, Some(8 << 20));
        assert_eq!(set.ignore_idle_processes, Some(true));
        assert_eq!(change("windows=").expect("settings").windows, Some(Vec::new()));
    }

    #[test]
    fn faults_say_what_there_is() {
        for (text, words) in [
            ("slot=2", "did you mean “slots”"),
            ("colour=red", "there is no setting “colour”; there are slots"),
            ("slots", "not NAME=VALUE"),
            ("slots=many", "not possible"),
            ("max_running=-1", "not possible"),
            ("windows=soon", "nights mon-sun"),
        ] {
            let said = change(text).err().unwrap_or_default();
            assert!(said.contains(words), "{text}: {said}");
        }
    }
}
