//! `athanor stats`

use std::process::ExitCode;

use athanor_api::command::QueueReport;
use athanor_api::wire::{self, Amount, Lasting, Nothing};

use crate::backend::Backend;
use crate::exit::Failure;
use crate::options::values::now;
use crate::print;

/// Prints numbers about the queue.
pub fn run(backend: &mut Backend, json: bool) -> Result<ExitCode, Failure> {
    let report = backend.call::<QueueReport>(&Nothing {})?;
    if json {
        print::json(&report)?;
        return Ok(ExitCode::SUCCESS);
    }
    let wire::QueueStats { pending, queued, running, paused, completed, failed, cancelled, expired, .. } =
        report.stats;
    println!(
        "Running   {running}, and {paused} paused{}",
        if report.stats.queue_paused { "; the queue is paused" } else { "" }
    );
    println!("Waiting   {queued} queued, {pending} pending");
    println!("Ended     {completed} completed, {failed} failed, {cancelled} cancelled, {expired} expired");
    if report.resources.known {
        let resources = &report.resources;
        println!("Cores     {}", share(&resources.cpu_cores, |n| n.to_string()));
        println!("Memory    {}", share(&resources.memory, print::bytes));
        let taken = resources.gpus.iter().filter(|gpu| !gpu.jobs.is_empty()).count();
        if !resources.gpus.is_empty() {
            println!("GPUs      {taken} of {} have jobs", resources.gpus.len());
        }
        println!("Slots     {} of {} taken", resources.slots.reserved, resources.slots.total);
    }
    say_mean("Waits", report.mean_wait_ms, "on average, from eligible to started");
    say_mean("Runs", report.mean_run_ms, "on average");
    say("Longest", report.longest.as_ref(), "runs for");
    say("Oldest", report.oldest.as_ref(), "has waited for");
    Ok(ExitCode::SUCCESS)
}

fn say_mean(what: &str, ms: Option<f64>, means: &str) {
    #[allow(clippy::cast_possible_truncation, reason = "a mean of times fits")]
    if let Some(ms) = ms {
        println!("{what:<10}{} {means}", print::duration(ms as i64));
    }
}

fn share(amount: &Amount, text: impl Fn(u64) -> String) -> String {
    format!(
        "{} of {} reserved, {} used by others",
        text(amount.reserved),
        text(amount.total),
        text(amount.foreign)
    )
}

fn say(what: &str, lasting: Option<&Lasting>, does: &str) {
    if let Some(lasting) = lasting {
        let time = print::duration(now() - lasting.since);
        println!("{what:<10}{} ({}) {does} {time}", lasting.uid, lasting.name);
    }
}
