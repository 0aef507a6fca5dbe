//! `athanor show`

use std::process::ExitCode;

use athanor_api::command::GetExperiment;
use athanor_api::wire::{
    Attempt, Condition, DependencyInfo, DependencyStanding, EnergyBasis, Experiment, ExperimentDetail,
    ExperimentRef, FailureReason, Priority, Requirements,
};
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

    /// Its config, too
    #[arg(long)]
    config: bool,
}

/// Prints everything about one experiment.
pub fn run(backend: &mut Backend, arguments: &Arguments, json: bool) -> Result<ExitCode, Failure> {
    let detail = backend.call::<GetExperiment>(&ExperimentRef { uid: arguments.uid.clone() })?;
    if json {
        print::json(&detail)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut lines = vec![format!("{}  {}", detail.experiment.uid, detail.experiment.name)];
    lines.extend(
        about(&detail)
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("  {name:<11}{value}")),
    );
    for (name, list) in [("after", &detail.after), ("before", &detail.before)] {
        lines.extend(list.iter().map(|other| format!("  {name:<11}{}", dependency(other))));
    }
    for attempt in &detail.attempts {
        lines.push(format!("  attempt {}", attempt.number));
        lines
            .extend(attempt_lines(attempt).into_iter().map(|(name, value)| format!("    {name:<11}{value}")));
    }
    if arguments.env {
        lines.push("  environment".into());
        lines.extend(detail.environment.iter().map(|variable| {
            format!("    {}={}", variable.name, variable.value.as_deref().unwrap_or("(hidden)"))
        }));
    }
    if arguments.config {
        lines.push("  config text".into());
        let text = detail.config_text.as_deref().unwrap_or("(none)");
        lines.extend(text.lines().map(|line| format!("    {line}")));
    }
    print::lines(lines)?;
    Ok(ExitCode::SUCCESS)
}

fn about(detail: &ExperimentDetail) -> Vec<(&'static str, String)> {
    let experiment = &detail.experiment;
    let moment = |at: Option<i64>| at.map(print::time).unwrap_or_default();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let metadata: Vec<String> =
        detail.metadata.iter().map(|(name, value)| format!("{name}={value}")).collect();
    vec![
        ("status", print::status(experiment) + if experiment.archived { ", archived" } else { "" }),
        ("why", print::remark(experiment)),
        ("project", text(&experiment.project)),
        ("group", text(&experiment.group)),
        ("priority", priority(experiment.priority).into()),
        ("command", experiment.command_line.clone()),
        ("folder", experiment.cwd.clone()),
        ("config", text(&detail.config_path)),
        ("needs", needs(&experiment.requirements)),
        ("schedule", schedule(experiment)),
        ("starts", expected(experiment.estimated_start)),
        ("ends", expected(experiment.estimated_end)),
        ("retries", retries(detail)),
        ("limit", limit(detail)),
        ("tags", experiment.tags.join(", ")),
        ("notes", detail.notes.clone()),
        ("metadata", metadata.join(", ")),
        ("key", text(&detail.key)),
        ("user", text(&detail.user)),
        ("parent", text(&detail.parent)),
        ("queued", moment(Some(experiment.created_at))),
    ]
}

/// Normal goes without saying.
fn priority(priority: Priority) -> &'static str {
    match priority {
        Priority::Urgent => "urgent",
        Priority::High => "high",
        Priority::Normal => "",
        Priority::Low => "low",
    }
}

fn expected(at: Option<i64>) -> String {
    at.map(|at| format!("about {}", print::time(at))).unwrap_or_default()
}

/// What it asks for, in a line.
fn needs(of: &Requirements) -> String {
    let mut parts: Vec<String> = Vec::new();
    if of.gpus > 0 {
        let mut gpus = format!("{} {}", of.gpus, if of.gpus == 1 { "GPU" } else { "GPUs" });
        if let Some(model) = &of.gpu_model {
            gpus.push_str(&format!(" ({model})"));
        }
        if let Some(bytes) = of.gpu_memory {
            gpus.push_str(&format!(" with {}", print::bytes(bytes)));
        }
        if !of.gpu_uuids.is_empty() {
            gpus.push_str(&format!(" of {}", of.gpu_uuids.join(", ")));
        }
        let exclusive = of.gpu_exclusive.unwrap_or(of.gpu_memory.is_none());
        gpus.push_str(if exclusive { ", for itself" } else { ", shared" });
        parts.push(gpus);
    }
    parts.extend(of.cpu_cores.map(|cores| format!("{cores} {}", if cores == 1 { "core" } else { "cores" })));
    parts.extend(of.memory.map(|bytes| format!("{} of memory", print::bytes(bytes))));
    parts.extend(of.disk.map(|bytes| format!("{} of disk", print::bytes(bytes))));
    parts.extend(of.estimated_ms.map(|ms| format!("about {}", milliseconds(ms))));
    parts.join("; ")
}

fn schedule(experiment: &Experiment) -> String {
    let mut parts: Vec<String> = Vec::new();
    if experiment.held {
        parts.push("held".into());
    }
    parts.extend(experiment.not_before.map(|at| format!("not before {}", print::time(at))));
    parts.extend(experiment.window.as_ref().map(|window| format!("only in the window {window}")));
    parts.extend(experiment.start_by.map(|at| format!("expires if not started by {}", print::time(at))));
    parts.join("; ")
}

fn retries(detail: &ExperimentDetail) -> String {
    let experiment = &detail.experiment;
    if experiment.retry_limit == 0 {
        return "none".into();
    }
    let mut text = format!("{} of {} used", experiment.retries_used, experiment.retry_limit);
    if let Some(reasons) = &detail.retry.reasons {
        let words: Vec<&str> = reasons.iter().copied().map(reason).collect();
        text.push_str(&format!(", after {}", words.join(", ")));
    }
    if let Some(at) = experiment.retry_at {
        text.push_str(&format!("; the next at {}", print::time(at)));
    }
    text
}

fn reason(reason: FailureReason) -> &'static str {
    match reason {
        FailureReason::ExitCode => "exit code",
        FailureReason::Signal => "signal",
        FailureReason::TimeLimit => "time limit",
        FailureReason::OutOfMemory => "out of memory",
        FailureReason::CouldNotStart => "could not start",
        FailureReason::Lost => "lost",
        FailureReason::DependencyFailed => "dependency failed",
        FailureReason::DiskFull => "disk full",
    }
}

fn limit(detail: &ExperimentDetail) -> String {
    let Some(ms) = detail.experiment.time_limit_ms else { return String::new() };
    format!("{}, then {} to end", milliseconds(ms), milliseconds(detail.grace_ms))
}

fn milliseconds(ms: u64) -> String {
    print::duration(i64::try_from(ms).unwrap_or(i64::MAX))
}

fn dependency(of: &DependencyInfo) -> String {
    let when = match of.when {
        Condition::Success => "success",
        Condition::Any => "any end",
        Condition::Failure => "failure",
    };
    let standing = match of.standing {
        DependencyStanding::Open => "open",
        DependencyStanding::Met => "met",
        DependencyStanding::Never => "can't be met any more",
    };
    format!("{} ({}), on {when}: {standing}", of.uid, of.name)
}

/// What it used of its GPUs.
fn gpu_use(attempt: &Attempt) -> Vec<(&'static str, String)> {
    let used = attempt.gpu_use.as_ref();
    let now = used.and_then(|used| used.now);
    let mut lines = Vec::new();
    let peak = attempt.peak_gpu_memory.map(|bytes| format!("{} at most", print::bytes(bytes)));
    let held = now.and_then(|now| now.memory).map(|bytes| format!("{} now", print::bytes(bytes)));
    let memory: Vec<String> = held.into_iter().chain(peak).collect();
    if !memory.is_empty() {
        lines.push(("gpu memory", memory.join(", ")));
    }
    let busy = now.and_then(|now| now.utilisation).map(|percent| format!("{percent:.0} % now"));
    let mean = used.and_then(|used| used.utilisation).map(|percent| format!("{percent:.0} % on average"));
    let use_words: Vec<String> = busy.into_iter().chain(mean).collect();
    if !use_words.is_empty() {
        lines.push(("gpu use", use_words.join(", ")));
    }
    if let Some(energy) = used.and_then(|used| used.energy_wh) {
        let split = match used.and_then(|used| used.energy_basis) {
            Some(EnergyBasis::Utilisation) => "; shared GPUs split by what each computed",
            Some(EnergyBasis::Memory) => "; shared GPUs split by the memory that each held",
            Some(EnergyBasis::Equal) => "; shared GPUs split in equal parts",
            Some(EnergyBasis::Whole) | None => "",
        };
        let power =
            now.and_then(|now| now.power).map(|watts| format!(", {watts:.0} W now")).unwrap_or_default();
        lines.push(("energy", format!("{}{power}{split}", energy_words(energy))));
    }
    lines
}

/// Watt-hours with three digits.
fn energy_words(wh: f64) -> String {
    match wh {
        wh if wh >= 999.5 => format!("{:.2} kWh", wh / 1000.0),
        wh if wh >= 99.95 => format!("{wh:.0} Wh"),
        wh if wh >= 9.995 => format!("{wh:.1} Wh"),
        wh => format!("{wh:.2} Wh"),
    }
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
    if !attempt.gpus.is_empty() {
        let gpus: Vec<String> =
            attempt.gpus.iter().map(|gpu| format!("{} ({})", gpu.index, gpu.uuid)).collect();
        lines.push(("gpus", gpus.join(", ")));
    }
    lines.extend(attempt.gpu_ms.filter(|ms| *ms > 0).map(|ms| ("gpu time", milliseconds(ms))));
    lines.extend(gpu_use(attempt));
    lines.extend(attempt.cpu_ms.map(|ms| ("cpu", milliseconds(ms))));
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
