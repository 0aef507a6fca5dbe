//! From just before `athanor add` is started to the first instruction of the job that it adds.
//!
//! The client's own start and that of the job's program (a small one, see `bin/stamp.rs`) count.
//! Each sample waits for the one before to end, so the engine is idle.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::time::{ClockId, clock_gettime};

use super::engine::Engine;
use super::rivals::TaskSpooler;
use super::{Figure, ROUNDS, Target, median, quantile};
use crate::process::call;
use crate::workspace::Workspace;

const SAMPLES: usize = 200;

/// Time for an engine to see a job's end and write it down before the next sample.
const REST: Duration = Duration::from_millis(15);

/// Takes the samples, in turns with task-spooler where that is installed.
pub fn measure(workspace: &Workspace) -> Result<Vec<Figure>> {
    let stamp = workspace.program(true, "stamp");
    let stamp = stamp.to_str().context("the target folder's path is not UTF-8")?;
    let engine = Engine::start(workspace, &[])?;
    let spooler = TaskSpooler::start()?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        for index in 0..SAMPLES.div_ceil(ROUNDS) {
            let name = format!("stamp-{index}");
            ours.push(sample(&engine.scratch().join(&name), |file| {
                engine.client(&["add", "--", stamp, file])
            })?);
            if let Some(spooler) = &spooler {
                theirs.push(sample(&spooler.scratch().join(&name), |file| {
                    spooler.command(&["-n", stamp, file])
                })?);
            }
        }
    }
    let mut figures = vec![
        Figure::aimed("add to first instruction, median", median(&ours), "ms", Target::Below(10.0)),
        Figure::told("add to first instruction, 95 of 100 below", quantile(&ours, 0.95), "ms"),
    ];
    if spooler.is_some() {
        figures.push(Figure::told("the same with task-spooler, median", median(&theirs), "ms"));
    }
    Ok(figures)
}

/// Milliseconds from before the start of the command to what its job writes into `file`.
fn sample(file: &Path, command: impl FnOnce(&str) -> Command) -> Result<f64> {
    let mut command = command(file.to_str().context("the path of temporary files is not UTF-8")?);
    let started = monotonic();
    call(&mut command)?;
    let limit = Instant::now() + Duration::from_secs(10);
    let written = loop {
        if let Ok(text) = std::fs::read_to_string(file)
            && let Some(number) = text.strip_suffix('\n')
        {
            break number.parse::<i64>().context("reading the stamp")?;
        }
        if Instant::now() > limit {
            bail!("the job did not start within 10 s");
        }
        std::thread::sleep(Duration::from_micros(500));
    };
    std::fs::remove_file(file).context("removing the stamp")?;
    std::thread::sleep(REST);
    Ok(Duration::from_nanos((written - started).unsigned_abs()).as_secs_f64() * 1e3)
}

/// The clock that `stamp` reads, in nanoseconds.
fn monotonic() -> i64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}
