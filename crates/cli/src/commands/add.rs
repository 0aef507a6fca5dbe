//! `athanor add`

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use athanor_api::command::AddExperiments;
use athanor_api::wire::{self, Command, ErrorCode, NewExperiment, Priority};
use clap::{Args, ValueEnum};

use crate::backend::Backend;
use crate::exit::{Failure, fail};
use crate::print;

/// What `add` takes.
#[derive(Args)]
pub struct Arguments {
    /// A name; the script's name if absent
    #[arg(short, long)]
    name: Option<String>,

    /// The project's name
    #[arg(short, long)]
    project: Option<String>,

    /// The working directory; the present one if absent
    #[arg(short = 'C', long)]
    cwd: Option<PathBuf>,

    /// How soon it runs
    #[arg(long, value_enum, default_value_t = Soon::Normal)]
    priority: Soon,

    /// A tag; may be given several times
    #[arg(short, long = "tag")]
    tags: Vec<String>,

    /// Notes
    #[arg(long, default_value = "")]
    notes: String,

    /// A variable set for the job on top of the present environment; may be given several times
    #[arg(short, long = "env", value_name = "NAME=VALUE", value_parser = variable)]
    env: Vec<(String, String)>,

    /// A config file, whose text is kept with the experiment
    #[arg(long, value_name = "FILE")]
    config: Option<String>,

    /// Longest time that it may run, such as 90s, 30m, 12h, 2d
    #[arg(long, value_name = "TIME", value_parser = duration_ms)]
    time_limit: Option<u64>,

    /// From SIGTERM to SIGKILL when it is cancelled
    #[arg(long, value_name = "TIME", value_parser = duration_ms, default_value = "10s")]
    grace: u64,

    /// Take the command as one line for /bin/sh
    #[arg(long)]
    shell: bool,

    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    command: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Soon {
    Urgent,
    High,
    Normal,
    Low,
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    if name.is_empty() {
        return Err("the name is missing: write NAME=VALUE".into());
    }
    Ok((name.into(), value.into()))
}

/// Milliseconds of a duration such as `90s`, `30m`, `12h`, `2d`, or `500ms`.
fn duration_ms(text: &str) -> Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (amount, unit) = text.split_at(digits);
    let factor = match unit.trim() {
        "ms" => 1.0,
        "s" => 1e3,
        "m" | "min" => 6e4,
        "h" => 3.6e6,
        "d" => 8.64e7,
        _ => return Err("write a number and a unit: 500ms, 90s, 30m, 12h or 2d".into()),
    };
    let amount: f64 = amount.parse().map_err(|_| "write a number and a unit, such as 90s".to_owned())?;
    let ms = amount * factor;
    if !(0.0..=3.2e11).contains(&ms) {
        return Err("that is more than ten years".into());
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
    Ok(ms.round() as u64)
}

/// Queues the experiment and prints its uid.
pub fn run(backend: &mut Backend, arguments: Arguments, json: bool) -> Result<ExitCode, Failure> {
    let cwd = match arguments.cwd {
        Some(cwd) => std::path::absolute(cwd),
        None => std::env::current_dir(),
    };
    let cwd =
        cwd.map_err(|cause| fail(ErrorCode::Path, format!("the working directory can't be told: {cause}")))?;
    let utf8 = |text: std::ffi::OsString| text.into_string();
    let cwd = utf8(cwd.into_os_string())
        .map_err(|text| fail(ErrorCode::InvalidInput, format!("the path {} is not UTF-8", text.display())))?;
    // The shell's own environment, as a job that was started here by hand would have it.
    let environment: BTreeMap<String, String> =
        std::env::vars_os().filter_map(|(name, value)| Some((utf8(name).ok()?, utf8(value).ok()?))).collect();
    let command = match arguments.shell {
        true => Command::Shell(arguments.command.join(" ")),
        false => Command::Argv(arguments.command),
    };
    let new = NewExperiment {
        command,
        cwd,
        name: arguments.name,
        project: arguments.project,
        priority: match arguments.priority {
            Soon::Urgent => Priority::Urgent,
            Soon::High => Priority::High,
            Soon::Normal => Priority::Normal,
            Soon::Low => Priority::Low,
        },
        environment: Some(environment),
        set: arguments.env.into_iter().collect(),
        config_path: arguments.config,
        tags: arguments.tags,
        notes: arguments.notes,
        time_limit_ms: arguments.time_limit,
        grace_ms: Some(arguments.grace),
    };
    let added = backend.call::<AddExperiments>(&wire::AddExperiments { experiments: vec![new] })?;
    say_added(&added, json)
}

/// Prints the uids of accepted experiments, and whether they have to wait for an engine.
pub fn say_added(added: &wire::AddedExperiments, json: bool) -> Result<ExitCode, Failure> {
    if json {
        print::json(added)?;
    } else {
        for experiment in &added.experiments {
            println!("{}", experiment.uid);
        }
    }
    if !added.engine_running {
        eprintln!("No engine runs: it starts with the next one. Open the window, or run “athanor serve”.");
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        for (text, ms) in
            [("500ms", 500), ("90s", 90_000), ("1.5h", 5_400_000), ("2d", 172_800_000), ("10min", 600_000)]
        {
            assert_eq!(duration_ms(text), Ok(ms), "{text}");
        }
        for bad in ["", "10", "s", "-5s", "1y", "1e99d", "99999999d"] {
            assert!(duration_ms(bad).is_err(), "{bad}");
        }
    }
}
