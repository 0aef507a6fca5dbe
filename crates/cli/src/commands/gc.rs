//! `athanor gc`

use std::process::ExitCode;

use athanor_api::command::{PreviewCleanUp, RunCleanUp};
use athanor_api::wire::{CleanUp, CleanUpPlan};
use clap::Args;

use crate::ask;
use crate::backend::Backend;
use crate::exit::Failure;
use crate::print;

/// What `gc` takes.
#[derive(Args)]
pub struct Arguments {
    /// What ended more than so many days ago; the setting keep_days if absent
    #[arg(long, value_name = "N")]
    days: Option<u32>,

    /// Only say what would go
    #[arg(long)]
    dry_run: bool,

    /// Agree beforehand
    #[arg(short, long, conflicts_with = "dry_run")]
    yes: bool,
}

/// How many of the largest logs are named.
const SHOWN: usize = 20;

/// Takes away events and logs of experiments that ended long ago, after it has said what goes. Metrics,
/// checkpoints and files of the user stay.
pub fn run(backend: &mut Backend, arguments: &Arguments, json: bool) -> Result<ExitCode, Failure> {
    let input = CleanUp { days: arguments.days };
    let plan = backend.call::<PreviewCleanUp>(&input)?;
    if arguments.dry_run {
        match json {
            true => print::json(&plan)?,
            false => say(&plan, "would go")?,
        }
        return Ok(ExitCode::SUCCESS);
    }
    if plan.events == 0 && plan.logs == 0 {
        match json {
            true => print::json(&plan)?,
            false => println!(
                "Nothing ended before {}, so there is nothing to take away",
                print::time(plan.before)
            ),
        }
        return Ok(ExitCode::SUCCESS);
    }
    if !arguments.yes {
        if !json {
            say(&plan, "would go")?;
        }
        ask::agree(&format!("Take away {}? It can't be undone.", amount(&plan)), false)?;
    }
    let gone = backend.call::<RunCleanUp>(&input)?;
    match json {
        true => print::json(&gone)?,
        false => println!("{} are gone", amount(&gone)),
    }
    Ok(ExitCode::SUCCESS)
}

fn say(plan: &CleanUpPlan, does: &str) -> Result<(), Failure> {
    let rows: Vec<Vec<String>> = plan
        .largest
        .iter()
        .take(SHOWN)
        .map(|log| {
            vec![
                log.uid.clone(),
                log.name.clone(),
                log.attempt.to_string(),
                print::time(log.ended_at),
                print::bytes(log.bytes),
            ]
        })
        .collect();
    if !rows.is_empty() {
        print::table(&["UID", "NAME", "ATTEMPT", "ENDED", "LOG"], &rows)?;
    }
    let more = plan.logs.saturating_sub(rows.len() as u64);
    if more > 0 {
        println!("… and {more} smaller logs");
    }
    println!(
        "{} of experiments that ended before {} {does}; metrics and files of yours stay",
        amount(plan),
        print::time(plan.before)
    );
    Ok(())
}

/// How much goes, in words.
fn amount(plan: &CleanUpPlan) -> String {
    let events = if plan.events == 1 { "event" } else { "events" };
    let logs = if plan.logs == 1 { "log" } else { "logs" };
    format!("{} {events} and {} {logs} ({})", plan.events, plan.logs, print::bytes(plan.bytes))
}
