//! `athanor devices`

use std::collections::BTreeSet;
use std::process::ExitCode;

use athanor_api::command::{DeviceHistory, GetResources};
use athanor_api::wire::{
    DeviceSample, Driver, DriverFault, Gpu, GpuProcess, GpuResource, HostFacts, IdleMemory, Mig, Nothing,
    Reading, Vendor,
};
use clap::Args;
use serde::Serialize;

use crate::backend::Backend;
use crate::exit::Failure;
use crate::options::values::now;
use crate::print;

/// What `devices` takes.
#[derive(Args)]
pub struct Arguments {
    /// The processes on the GPUs, too
    #[arg(short, long)]
    processes: bool,
}

/// What `devices --json` prints.
#[derive(Serialize)]
struct Device<'a> {
    facts: Option<&'a HostFacts>,
    sample: Option<&'a DeviceSample>,
}

/// Prints the machine as it was seen last.
pub fn run(backend: &mut Backend, arguments: &Arguments, json: bool) -> Result<ExitCode, Failure> {
    let mut history = backend.call::<DeviceHistory>(&Nothing {})?;
    let sample = history.samples.pop();
    if json {
        print::json(&Device { facts: history.facts.as_ref(), sample: sample.as_ref() })?;
        return Ok(ExitCode::SUCCESS);
    }
    let Some(sample) = sample else {
        eprintln!("The machine has not been looked at: an engine does that. “athanor serve” runs one.");
        return Ok(ExitCode::SUCCESS);
    };
    print::lines(host_lines(&sample, history.facts.as_ref(), now()))?;
    print::lines(driver_versions(&sample).iter().map(|words| format!("Driver   {words}")))?;
    print::lines(driver_faults(&sample).iter().map(|words| format!("GPUs     {words}")))?;
    if !sample.gpus.list.is_empty() {
        let heads = ["GPU", "MODEL", "USE", "MEMORY", "TEMP", "POWER", "FAN", "CLOCK", "JOBS", ""];
        let held = backend.call::<GetResources>(&Nothing {})?.gpus;
        let rows: Vec<Vec<String>> = sample.gpus.list.iter().map(|gpu| gpu_row(gpu, &held)).collect();
        print::table(&heads, &rows)?;
    }
    if arguments.processes {
        let rows: Vec<Vec<String>> = processes(&sample)
            .into_iter()
            .map(|(gpu, process)| {
                let mut row = vec![gpu.index.to_string(), process.pid.to_string()];
                row.extend(process_cells(process));
                row
            })
            .collect();
        print::table(&["GPU", "PID", "OWNER", "JOB", "MEMORY", "USE", "COMMAND"], &rows)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What stands for something that the device does not report.
pub const UNSUPPORTED: &str = "–";
/// What stands for something that could not be read.
pub const FAILED: &str = "?";

/// A reading as text; neither of the others is 0.
pub fn reading<T>(reading: &Reading<T>, text: impl FnOnce(&T) -> String) -> String {
    match reading {
        Reading::Value { value } => text(value),
        Reading::Unsupported {} => UNSUPPORTED.into(),
        Reading::Failed { .. } => FAILED.into(),
    }
}

/// A number of percent.
pub fn percent(value: &u32) -> String {
    format!("{value} %")
}

/// What is used of how much, in the unit of the whole: `12.4 of 80.0 GiB`.
pub fn part_of(used: &Reading<u64>, total: &Reading<u64>) -> String {
    match (used.value(), total.value()) {
        (Some(used), Some(total)) => {
            let whole = print::bytes(*total);
            let unit = whole.rsplit(' ').next().unwrap_or_default();
            let own = print::bytes(*used);
            let own = own.strip_suffix(unit).map_or(own.as_str(), str::trim_end);
            format!("{own} of {whole}")
        }
        (None, Some(total)) => format!("{} of {}", reading(used, |_| String::new()), print::bytes(*total)),
        (_, None) => reading(used, |bytes| print::bytes(*bytes)),
    }
}

/// Watts of how many.
pub fn power(gpu: &Gpu) -> String {
    let limit = gpu.power_limit.value().map(|limit| format!(" of {limit:.0}")).unwrap_or_default();
    reading(&gpu.power, |watts| format!("{watts:.0}{limit} W"))
}

/// All processes, with their GPUs.
pub fn processes(sample: &DeviceSample) -> Vec<(&Gpu, &GpuProcess)> {
    let of = |gpu: &Gpu| {
        gpu.processes.as_ref().and_then(Reading::value).map(Vec::as_slice).unwrap_or_default().len()
    };
    let mut all = Vec::new();
    for gpu in sample.gpus.list.iter().filter(|gpu| of(gpu) > 0) {
        let known = gpu.processes.as_ref().and_then(Reading::value).into_iter().flatten();
        all.extend(known.map(|process| (gpu, process)));
    }
    all
}

/// Owner, job, memory, use and command of a process.
pub fn process_cells(process: &GpuProcess) -> [String; 5] {
    let command = process.command.as_ref().or(process.name.as_ref());
    [
        process.owner.clone().unwrap_or_else(|| FAILED.into()),
        process.experiment.clone().unwrap_or_default(),
        reading(&process.memory, |bytes| print::bytes(*bytes)),
        reading(&process.utilisation, percent),
        command.cloned().unwrap_or_else(|| "(ended, or in another container)".into()),
    ]
}

fn gpu_row(gpu: &Gpu, held: &[GpuResource]) -> Vec<String> {
    let name = match &gpu.mig {
        Mig::Instance { number, .. } => format!("  instance {number}: {}", gpu.name),
        Mig::Off {} | Mig::Divided { .. } => gpu.name.clone(),
    };
    vec![
        gpu.index.to_string(),
        name,
        reading(&gpu.utilisation, percent),
        part_of(&gpu.memory_used, &gpu.memory_total),
        reading(&gpu.temperature, |degrees| format!("{degrees} °C")),
        power(gpu),
        reading(&gpu.fan, percent),
        reading(&gpu.clock, |clock| format!("{clock} MHz")),
        holders(gpu, held).join(", "),
        remarks(gpu).join("; "),
    ]
}

/// Uids of the jobs that were given a GPU, whether or not they have begun to use it, and of those seen on it.
fn holders(gpu: &Gpu, held: &[GpuResource]) -> Vec<String> {
    let given = held.iter().filter(|resource| resource.uuid == gpu.uuid).flat_map(|resource| &resource.jobs);
    let all: BTreeSet<String> = given.map(|job| job.uid.clone()).chain(jobs(gpu)).collect();
    all.into_iter().collect()
}

/// Uids of the jobs on a GPU, each once.
pub fn jobs(gpu: &Gpu) -> Vec<String> {
    let known = gpu.processes.as_ref().and_then(Reading::value).into_iter().flatten();
    let jobs: BTreeSet<&String> = known.filter_map(|process| process.experiment.as_ref()).collect();
    jobs.into_iter().cloned().collect()
}

/// What is to be said of a GPU.
pub fn remarks(gpu: &Gpu) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(fault) = &gpu.fault {
        all.push(format!("{} {}", fault.message, fault.next_step));
    }
    if let Mig::Divided { instances } = &gpu.mig {
        all.push(format!("divided into {instances}"));
    }
    if let Some(IdleMemory { memory, idle_ms, pids }) = &gpu.idle_memory {
        let idle = print::duration(i64::try_from(*idle_ms).unwrap_or(i64::MAX));
        let pids: Vec<String> = pids.iter().map(ToString::to_string).collect();
        all.push(format!("idle for {idle}, and {} held by {}", print::bytes(*memory), pids.join(", ")));
    }
    all
}

/// The host in a few lines.
fn host_lines(sample: &DeviceSample, facts: Option<&HostFacts>, now: i64) -> Vec<String> {
    let name = facts.map_or(sample.host.as_str(), |facts| facts.name.as_str());
    let mut first = name.to_owned();
    if let Some(facts) = facts {
        first.push_str(&format!("  {}, up {}", facts.system, print::duration(now - facts.booted_at)));
    }
    let model = facts.map(|facts| format!(", {}", facts.cpu)).unwrap_or_default();
    let mut lines = vec![
        first,
        format!(
            "CPU      {} of {} cores{model}, load {}",
            reading(&sample.cpu, |cpu| format!("{cpu:.0} %")),
            sample.cores,
            reading(&sample.load, |load| format!("{:.2} {:.2} {:.2}", load.one, load.five, load.fifteen)),
        ),
        format!("Memory   {}", part_of(&sample.memory_used, &sample.memory_total)),
    ];
    if sample.swap_total.value().is_some_and(|total| *total > 0) {
        lines.push(format!("Swap     {}", part_of(&sample.swap_used, &sample.swap_total)));
    }
    for disk in &sample.disks {
        let free = reading(&disk.free, |free| print::bytes(*free));
        let total = reading(&disk.total, |total| print::bytes(*total));
        lines.push(format!("Disk     {free} of {total} free: {}", disk.label));
    }
    let sum = |of: fn(&athanor_api::wire::Interface) -> &Reading<f64>| {
        sample.network.iter().filter_map(|interface| of(interface).value().copied()).sum::<f64>()
    };
    if !sample.network.is_empty() {
        let rate = |bytes: f64| print::bytes(whole(bytes));
        let (received, sent) = (sum(|it| &it.received), sum(|it| &it.sent));
        lines.push(format!("Network  {}/s in, {}/s out", rate(received), rate(sent)));
    }
    lines
}

/// A rate as a whole number of bytes.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is never below 0, and far below 2^63"
)]
pub fn whole(rate: f64) -> u64 {
    rate.max(0.0) as u64
}

/// Versions of the drivers that work: `NVIDIA 560.35, CUDA 12.6`.
pub fn driver_versions(sample: &DeviceSample) -> Vec<String> {
    let working = sample.gpus.drivers.iter().filter(|driver| driver.fault.is_none());
    let words = |driver: &Driver| {
        let cuda = driver.cuda.as_deref().map(|cuda| format!(", CUDA {cuda}")).unwrap_or_default();
        Some(format!("{} {}{cuda}", vendor(driver.vendor), driver.version.as_deref()?))
    };
    working.filter_map(words).collect()
}

/// Why drivers can't be used, and what to do.
pub fn driver_faults(sample: &DeviceSample) -> Vec<String> {
    let words = |driver: &Driver| {
        let DriverFault { message, next_step, .. } = driver.fault.as_ref()?;
        let step = next_step.as_deref().map(|step| format!(" {step}")).unwrap_or_default();
        Some(format!("{}: {message}{step}", vendor(driver.vendor)))
    };
    sample.gpus.drivers.iter().filter_map(words).collect()
}

fn vendor(vendor: Vendor) -> &'static str {
    match vendor {
        Vendor::Nvidia => "NVIDIA",
        Vendor::Amd => "AMD",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_not_0() {
        let value = |value: u64| Reading::Value { value };
        let failed = || Reading::Failed { message: "gone".into() };
        let check = |used: Reading<u64>, total: Reading<u64>, expected: &str| {
            assert_eq!(part_of(&used, &total), expected);
        };
        check(value(5 << 30), value(80 << 30), "5.00 of 80.0 GiB");
        check(value(5 << 20), value(80 << 30), "5.00 MiB of 80.0 GiB");
        check(failed(), value(80 << 30), "? of 80.0 GiB");
        check(Reading::Unsupported {}, Reading::Unsupported {}, "–");
        assert_eq!(reading(&Reading::Value { value: 0 }, percent), "0 %");
    }
}
