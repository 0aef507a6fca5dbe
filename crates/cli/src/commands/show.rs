//! `athanor show`

use std::process::ExitCode;

use athanor_api::command::GetExperiment;
use athanor_api::wire::{Attempt, ExperimentRef};
use clap::Args;

use crate::backend::Backend;
use crate::exit::Failure;
use crate::print;

/// What `show` takes.
#[derive(Args)]
pub struct Arguments {
    /// The uid, a unique beginning of it, or a unique name
    uid: String,

    /// Its environment, too; secrets stay hidden
    #[arg(long)]
    env: bool,
}

/// Prints everything about one experiment.
pub fn run(backend: &mut Backend, arguments: &Arguments, json: bool) -> Result<ExitCode, Failure> {
    let detail = backend.call::<GetExperiment>(&ExperimentRef { uid: arguments.uid.clone() })?;
    if json {
        print::json(&detail)?;
        return Ok(ExitCode::SUCCESS);
    }
    let experiment = &detail.experiment;
    println!("{}  {}", experiment.uid, experiment.name);
    let line = |name: &str, value: &str| {
        if !value.is_empty() {
            println!("  {name:<10}{value}");
        }
    };
    line("status", &print::status(experiment));
    line("why", &print::remark(experiment));
    line("project", experiment.project.as_deref().unwrap_or_default());
    line("command", &experiment.command_line);
    line("folder", &experiment.cwd);
    line("config", detail.config_path.as_deref().unwrap_or_default());
    line("tags", &experiment.tags.join(", "));
    line("notes", &detail.notes);
    line("queued", &print::time(experiment.created_at));
    for attempt in &detail.attempts {
        println!("  attempt {}", attempt.number);
        for (name, value) in attempt_lines(attempt) {
            println!("    {name:<10}{value}");
        }
    }
    if arguments.env {
        println!("  environment");
        for variable in &detail.environment {
            println!("    {}={}", variable.name, variable.value.as_deref().unwrap_or("(hidden)"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn attempt_lines(attempt: &Attempt) -> Vec<(&'static str, String)> {
    let mut lines = vec![("started", print::time(attempt.started_at))];
    if let Some(ended) = attempt.ended_at {
        let took = print::duration(ended - attempt.started_at);
        lines.push(("ended", format!("{} after {took}", print::time(ended))));
    }
    lines.extend(attempt.exit_code.map(|code| ("exit code", code.to_string())));
    lines.extend(attempt.signal.map(|signal| ("signal", signal.to_string())));
    lines.extend(attempt.pid.map(|pid| ("pid", pid.to_string())));
    lines.extend(attempt.cpu_ms.map(|ms| ("cpu", print::duration(i64::try_from(ms).unwrap_or(i64::MAX)))));
    lines.extend(attempt.peak_memory.map(|bytes| ("memory", format!("{} at most", print::bytes(bytes)))));
    lines.push(("log", print::bytes(attempt.log_bytes)));
    if attempt.log_dropped > 0 {
        lines
            .push(("lost", format!("{} of output that the disk refused", print::bytes(attempt.log_dropped))));
    }
    lines.extend(attempt.metrics_file.clone().map(|file| ("metrics", file)));
    lines.push(("folder", attempt.folder.clone()));
    lines
}
