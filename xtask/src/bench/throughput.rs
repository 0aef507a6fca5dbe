//! Short jobs a second: 1,000 times `true` with two slots, from the first client's start to the
//! last recorded outcome.
//!
//! Each job is added by a client of its own, one after the other, as a shell loop would. The
//! target is task-spooler in the same run; without it, 40 % of a loop that only starts and waits.

use std::io::Write;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result};

use super::engine::Engine;
use super::rivals::{TaskSpooler, bare_loop};
use super::{Figure, ROUNDS, Target, median};
use crate::process::{answer, call};
use crate::workspace::Workspace;

const JOBS: usize = 1_000;

/// Runs the rounds, all contestants in turn.
pub fn measure(workspace: &Workspace) -> Result<Vec<Figure>> {
    let (mut singly, mut together, mut spooled, mut bare) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        singly.push(one_by_one(workspace)?);
        spooled.extend(spooler()?);
        together.extend(from_a_list(workspace)?);
        bare.push(rate(bare_loop(JOBS)?.as_secs_f64()));
    }
    let (target, against) = if spooled.is_empty() {
        (0.4 * median(&bare), "40 % of a bare loop")
    } else {
        (median(&spooled), "task-spooler")
    };
    let mut figures = vec![Figure::aimed(
        format!("1,000 jobs, 2 slots, against {against}"),
        median(&singly),
        "/s",
        Target::AtLeast(target),
    )];
    if !together.is_empty() {
        figures.push(Figure::told("1,000 jobs, 2 slots, added from one list", median(&together), "/s"));
    }
    figures.push(Figure::told("bare loop that starts and waits on 2 threads", median(&bare), "/s"));
    Ok(figures)
}

fn one_by_one(workspace: &Workspace) -> Result<f64> {
    let engine = Engine::start(workspace, &["--slots", "2"])?;
    let started = Instant::now();
    for _ in 0..JOBS {
        call(&mut engine.client(&["add", "--", "true"]))?;
    }
    engine.wait_all()?;
    Ok(rate(started.elapsed().as_secs_f64()))
}

/// The same with one client for all, where the command line can do that.
fn from_a_list(workspace: &Workspace) -> Result<Option<f64>> {
    let engine = Engine::start(workspace, &["--slots", "2"])?;
    let help = answer(engine.client(&["add", "--help"]).stdout(Stdio::piped())).unwrap_or_default();
    if !help.contains("--from") {
        return Ok(None);
    }
    let started = Instant::now();
    let mut client = engine.client(&["add", "--from", "-"]).stdin(Stdio::piped()).spawn()?;
    client.stdin.take().context("no pipe to the client")?.write_all("true\n".repeat(JOBS).as_bytes())?;
    anyhow::ensure!(client.wait()?.success(), "`athanor add --from -` failed");
    engine.wait_all()?;
    Ok(Some(rate(started.elapsed().as_secs_f64())))
}

fn spooler() -> Result<Option<f64>> {
    let Some(spooler) = TaskSpooler::start()? else { return Ok(None) };
    let started = Instant::now();
    for _ in 0..JOBS {
        call(&mut spooler.command(&["-n", "true"]))?;
    }
    spooler.wait_all()?;
    Ok(Some(rate(started.elapsed().as_secs_f64())))
}

#[expect(clippy::cast_precision_loss, reason = "a thousand is exact")]
fn rate(seconds: f64) -> f64 {
    JOBS as f64 / seconds
}
