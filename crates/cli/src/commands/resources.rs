//! `athanor resources` and `athanor gpu`

use std::process::ExitCode;

use athanor_api::command::{BlockGpu, GetResources};
use athanor_api::wire::{self, Amount, GpuResource, Nothing, Resources};
use clap::{Args, Subcommand};

use crate::backend::Backend;
use crate::exit::Failure;
use crate::print;

/// What `gpu` takes.
#[derive(Args)]
pub struct Gpu {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Take a GPU out of the queue; what runs on it goes on
    Block {
        /// Its index or uuid
        gpu: String,
    },
    /// Give it back to the queue
    Unblock {
        /// Its index or uuid
        gpu: String,
    },
}

/// Takes a GPU out of the queue or gives it back.
pub fn gpu(backend: &mut Backend, arguments: Gpu, json: bool) -> Result<ExitCode, Failure> {
    let (gpu, blocked) = match arguments.action {
        Action::Block { gpu } => (gpu, true),
        Action::Unblock { gpu } => (gpu, false),
    };
    let resources = backend.call::<BlockGpu>(&wire::BlockGpu { gpu, blocked })?;
    say(&resources, json)
}

/// Prints what the queue may give to jobs, and what of it is taken.
pub fn run(backend: &mut Backend, json: bool) -> Result<ExitCode, Failure> {
    let resources = backend.call::<GetResources>(&Nothing {})?;
    say(&resources, json)
}

fn say(resources: &Resources, json: bool) -> Result<ExitCode, Failure> {
    if json {
        print::json(resources)?;
        return Ok(ExitCode::SUCCESS);
    }
    if !resources.known {
        eprintln!("The machine has not been looked at: an engine does that. “athanor serve” runs one.");
        return Ok(ExitCode::SUCCESS);
    }
    let free = |amount: &Amount| amount.total.saturating_sub(amount.reserved).saturating_sub(amount.foreign);
    println!(
        "Cores    {} of {} free, {} reserved",
        free(&resources.cpu_cores),
        resources.cpu_cores.total,
        resources.cpu_cores.reserved
    );
    println!(
        "Memory   {} of {} free, {} reserved",
        print::bytes(free(&resources.memory)),
        print::bytes(resources.memory.total),
        print::bytes(resources.memory.reserved)
    );
    println!("Disk     {} free", print::bytes(resources.disk_free));
    println!("Slots    {} of {} free", free(&resources.slots), resources.slots.total);
    if let Some(reason) = &resources.no_gpus {
        println!("GPUs     {reason}");
    }
    if resources.gpus.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<Vec<String>> = resources.gpus.iter().map(row).collect();
    print::table(&["GPU", "MODEL", "FREE", "RESERVED", "OTHERS", "TOTAL", "JOBS", ""], &rows)?;
    Ok(ExitCode::SUCCESS)
}

fn row(gpu: &GpuResource) -> Vec<String> {
    let memory = &gpu.memory;
    let jobs: Vec<String> = gpu.jobs.iter().map(|job| format!("{} ({})", job.uid, job.name)).collect();
    let mut remarks: Vec<String> = gpu.unavailable.iter().cloned().collect();
    if gpu.exclusive {
        remarks.push("in exclusive use".into());
    }
    match gpu.foreign_processes {
        0 => {}
        1 => remarks.push("1 process of others".into()),
        others => remarks.push(format!("{others} processes of others")),
    }
    vec![
        gpu.index.to_string(),
        gpu.name.clone(),
        print::bytes(memory.total.saturating_sub(memory.reserved).saturating_sub(memory.foreign)),
        print::bytes(memory.reserved),
        print::bytes(memory.foreign),
        print::bytes(memory.total),
        jobs.join(", "),
        remarks.join("; "),
    ]
}
