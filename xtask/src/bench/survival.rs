//! The survival test of the suite (`tests/cli/survival.rs`), ten times as long: an engine that is killed a thousand
//! times while a thousand jobs go through.

use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::Figure;
use crate::workspace::Workspace;

const KILLS: u32 = 1_000;
const JOBS: u32 = 1_000;

/// Fails where anything was lost or ran twice; tells how long a kill and a new engine take.
pub fn measure(workspace: &Workspace) -> Result<Vec<Figure>> {
    let mut test = workspace.cargo(["test", "--package", "athanor-cli", "--test", "cli", "survival"]);
    test.env("ATHANOR_SURVIVAL", format!("{KILLS},{JOBS}"));
    let started = Instant::now();
    let output = test.stdin(Stdio::null()).output().context("running the survival test")?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "something was lost or ran twice:\n{said}");
    ensure!(said.contains("1 passed"), "the survival test was not found");
    let seconds = started.elapsed().as_secs_f64();
    Ok(vec![Figure::told(
        format!("{KILLS} kills while {JOBS} jobs go through, nothing lost or doubled, for each kill"),
        seconds * 1000.0 / f64::from(KILLS),
        "ms",
    )])
}
