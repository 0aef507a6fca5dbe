//! A long queue: many jobs in one call, one job among many, a decision over all that wait, and what an engine does
//! while a hundred thousand wait and nothing changes.
//!
//! The queue is paused, so that nothing but taking jobs in is measured. For the last, it is not: its only slot is
//! taken.

use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::engine::Engine;
use super::idle::{TICKS_PER_SECOND, ticks};
use super::{Figure, Target, median};
use crate::process::call;
use crate::workspace::Workspace;

/// Jobs in one call.
const TOGETHER: usize = 10_000;

/// Calls of that size that make a long queue.
const CALLS: usize = 10;

/// Single additions to each queue.
const SINGLE: usize = 60;

/// How long nothing changes.
const STILL: Duration = Duration::from_secs(5);

/// For what is written to disk behind the answers, and for the caches.
const SETTLE: Duration = Duration::from_secs(3);

/// Measures all four.
pub fn measure(workspace: &Workspace) -> Result<Vec<Figure>> {
    let (short, long) = (paused(workspace)?, paused(workspace)?);
    add_from_a_list(&short, 10)?;
    let mut calls = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        calls.push(add_from_a_list(&long, TOGETHER)?.as_secs_f64());
    }
    let (mut to_short, mut to_long) = (Vec::new(), Vec::new());
    // In turns, so that what else the machine does weighs on both.
    for _ in 0..SINGLE {
        to_short.push(add_one(&short)?);
        to_long.push(add_one(&long)?);
    }
    let (few, many) = (median(&to_short), median(&to_long));
    let mut figures = vec![
        Figure::aimed("10,000 jobs in one call", median(&calls), "s", Target::Below(2.0)),
        Figure::aimed("one add to 100,000 jobs, against one to 10", many / few, "x", Target::Below(1.3)),
        Figure::told("one add to 10 jobs", few, "ms"),
    ];
    figures.extend(nothing_changes(&long)?);
    drop((short, long));
    figures.extend(decision(workspace)?);
    Ok(figures)
}

/// Processor time and bytes written by an engine that has a hundred thousand jobs waiting for its one slot.
fn nothing_changes(engine: &Engine) -> Result<[Figure; 2]> {
    call(&mut engine.client(&["settings", "slots=1"]))?;
    call(&mut engine.client(&["add", "--priority", "urgent", "--", "sleep", "600"]))?;
    call(&mut engine.client(&["queue", "resume"]))?;
    std::thread::sleep(SETTLE);
    let id = engine.id();
    let (started, before, written) = (Instant::now(), ticks(id)?, written(id)?);
    std::thread::sleep(STILL);
    let share = 100.0 * (ticks(id)? - before) / TICKS_PER_SECOND / started.elapsed().as_secs_f64();
    let more = self::written(id)? - written;
    call(&mut engine.client(&["queue", "pause"]))?;
    call(&mut engine.client(&["cancel", "sleep"]))?;
    Ok([
        Figure::aimed("100,000 wait and nothing changes, share of one core", share, "%", Target::Below(1.0)),
        Figure::aimed("100,000 wait and nothing changes, written", more, "bytes", Target::Below(1.0)),
    ])
}

/// Bytes that process `id` has had written to disk so far.
fn written(id: u32) -> Result<f64> {
    let path = format!("/proc/{id}/io");
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    let bytes = text.lines().find_map(|line| line.strip_prefix("write_bytes:")?.trim().parse::<f64>().ok());
    bytes.with_context(|| format!("there is no write_bytes in {path}"))
}

fn paused(workspace: &Workspace) -> Result<Engine> {
    let engine = Engine::start(workspace, &["--slots", "2"])?;
    call(&mut engine.client(&["queue", "pause"]))?;
    Ok(engine)
}

fn add_from_a_list(engine: &Engine, count: usize) -> Result<Duration> {
    let text = "{\"command\": [\"true\"]}\n".repeat(count);
    let started = Instant::now();
    let mut client = engine.client(&["add", "--from", "-"]).stdin(Stdio::piped()).spawn()?;
    client.stdin.take().context("no pipe to the client")?.write_all(text.as_bytes())?;
    ensure!(client.wait()?.success(), "`athanor add --from -` failed");
    Ok(started.elapsed())
}

fn add_one(engine: &Engine) -> Result<f64> {
    let started = Instant::now();
    call(&mut engine.client(&["add", "--", "true"]))?;
    Ok(started.elapsed().as_secs_f64() * 1000.0)
}

/// What `crates/core/benches/placement.rs` prints of a decision over 10,000 waiting jobs and 16 GPUs: the slowest.
fn decision(workspace: &Workspace) -> Result<Option<Figure>> {
    let slowest = slowest_of_core(workspace, "placement")?;
    Ok(slowest
        .map(|ms| Figure::aimed("a decision over 10,000 jobs and 16 GPUs", ms, "ms", Target::Below(5.0))))
}

/// The slowest of what a bench of core measures, milliseconds.
pub fn slowest_of_core(workspace: &Workspace, bench: &str) -> Result<Option<f64>> {
    let mut bench = workspace.cargo(["bench", "--package", "athanor-core", "--bench", bench]);
    // It says by its exit status whether it was fast enough; here the figure says so.
    let output =
        bench.stdin(Stdio::null()).stderr(Stdio::null()).output().context("running the bench of core")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let slowest = text.lines().filter_map(milliseconds).fold(f64::NAN, f64::max);
    Ok((!slowest.is_nan()).then_some(slowest))
}

/// The time in a line such as `10000 waiting, 16 GPUs, every limit set: 1.5ms, 36 plain passes of 41µs`.
fn milliseconds(line: &str) -> Option<f64> {
    let (_, rest) = line.split_once(": ")?;
    let (time, _) = rest.split_once(',')?;
    let number = |unit: &str| time.strip_suffix(unit)?.parse::<f64>().ok();
    number("ms").or_else(|| number("µs").map(|us| us / 1000.0)).or_else(|| number("s").map(|s| s * 1000.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_out_of_what_the_bench_prints() {
        for (line, expected) in [
            ("10000 waiting, 16 GPUs, 40 kinds: 650.5µs, 22 plain passes of 29µs", Some(0.6505)),
            ("10000 waiting, 16 GPUs, all: 3.25ms, 46 plain passes of 70µs", Some(3.25)),
            ("x: 1.5s, 2 plain passes", Some(1500.0)),
            ("Running benches", None),
        ] {
            assert_eq!(milliseconds(line), expected, "{line}");
        }
    }
}
