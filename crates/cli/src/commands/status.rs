//! `athanor status`

use std::process::ExitCode;

use athanor_api::command::{DeviceHistory, EngineInfo, ListMonitors, QueueStats};
use athanor_api::wire::{self, DeviceSample, Nothing, Reading};
use serde::Serialize;

use crate::backend::Backend;
use crate::exit::{Failure, NO_ENGINE};
use crate::print;

#[derive(Serialize)]
struct Status {
    /// Whether an engine runs that starts jobs.
    running: bool,
    engine: wire::EngineInfo,
    queue: wire::QueueStats,
    device: Option<DeviceSample>,
    /// Folders whose files are followed.
    monitors: Vec<wire::Monitor>,
}

/// Prints how engine, queue and machine stand. The exit code says whether an engine runs, for scripts.
pub fn run(backend: &mut Backend, json: bool) -> Result<ExitCode, Failure> {
    let status = Status {
        running: backend.is_online(),
        engine: backend.call::<EngineInfo>(&Nothing {})?,
        queue: backend.call::<QueueStats>(&Nothing {})?,
        device: backend.call::<DeviceHistory>(&Nothing {})?.samples.pop(),
        monitors: backend.call::<ListMonitors>(&Nothing {})?.monitors,
    };
    let code = if status.running { ExitCode::SUCCESS } else { ExitCode::from(NO_ENGINE) };
    if json {
        print::json(&status)?;
        return Ok(code);
    }
    match status.running {
        true => {
            let owner = match status.engine.owner {
                wire::EngineOwner::Window => "the window",
                _ => "athanor serve",
            };
            println!(
                "Engine   runs in {owner} (process {}, version {})",
                status.engine.pid, status.engine.version
            );
        }
        false => println!("Engine   none runs; open the window, or run “athanor serve”"),
    }
    let queue = &status.queue;
    println!(
        "Queue    {} running, {} waiting; {} completed, {} failed, {} cancelled{}",
        queue.running + queue.paused,
        queue.pending + queue.queued,
        queue.completed,
        queue.failed,
        queue.cancelled,
        if queue.queue_paused { "; paused" } else { "" }
    );
    println!("Slots    {} at once", queue.slots);
    println!("Data     {}", status.engine.home);
    if let Some(device) = &status.device {
        machine(device);
    }
    for monitor in status.monitors.iter().filter(|monitor| monitor.mode == wire::MonitorMode::Polling) {
        let what = match monitor.files {
            wire::MonitoredFiles::Metrics => "metrics",
            wire::MonitoredFiles::Logs => "logs",
        };
        let reason = monitor.reason.as_deref().unwrap_or_default();
        println!("Polled   {what} in {}, every few seconds. {reason}", monitor.folder);
    }
    for notice in &status.engine.notices {
        println!("Notice   {}: {}", notice.title, notice.message);
    }
    Ok(code)
}

fn machine(device: &DeviceSample) {
    let cpu = value(&device.cpu, |percent| format!("{percent:.0} %"));
    println!(
        "Machine  {}: CPU {cpu} of {} cores, memory {} of {}",
        device.host,
        device.cores,
        value(&device.memory_used, |bytes| print::bytes(*bytes)),
        value(&device.memory_total, |bytes| print::bytes(*bytes))
    );
    for gpu in &device.gpus.list {
        if let Some(fault) = &gpu.fault {
            println!("GPU {}    {}: {} {}", gpu.index, gpu.name, fault.message, fault.next_step);
            continue;
        }
        println!(
            "GPU {}    {}: {}, memory {} of {}, {}, {}",
            gpu.index,
            gpu.name,
            value(&gpu.utilisation, |percent| format!("{percent} %")),
            value(&gpu.memory_used, |bytes| print::bytes(*bytes)),
            value(&gpu.memory_total, |bytes| print::bytes(*bytes)),
            value(&gpu.temperature, |degrees| format!("{degrees} °C")),
            value(&gpu.power, |watts| format!("{watts:.0} W")),
        );
    }
    for fault in device.gpus.drivers.iter().filter_map(|driver| driver.fault.as_ref()) {
        println!("GPUs     {} {}", fault.message, fault.next_step.as_deref().unwrap_or_default());
    }
}

fn value<T>(reading: &Reading<T>, text: impl Fn(&T) -> String) -> String {
    match reading {
        Reading::Value { value } => text(value),
        Reading::Unsupported {} => "n/a".into(),
        Reading::Failed { message } => format!("failed ({message})"),
    }
}
