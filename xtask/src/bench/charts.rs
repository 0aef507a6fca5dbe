//! What charts of long runs cost: see `crates/api/benches/charts.rs`, which measures.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use super::{Figure, Target};
use crate::workspace::Workspace;

/// Runs the bench of the commands and reads what it prints.
pub fn measure(workspace: &Workspace) -> Result<Vec<Figure>> {
    let mut bench = workspace.cargo(["bench", "--package", "athanor-api", "--bench", "charts"]);
    let output = bench
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("running the bench of the commands")?;
    ensure!(output.status.success(), "the bench of the commands failed");
    let text = String::from_utf8_lossy(&output.stdout);
    let figure = |name: &str| {
        let found = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('\t')?.trim().parse::<f64>().ok());
        found.with_context(|| format!("the bench did not say `{name}`"))
    };
    let (cold, step) = (figure("million_cold")?, figure("million_step")?);
    Ok(vec![
        Figure::aimed("chart, 10 runs of 1M points", cold, "ms", Target::Below(35.0)),
        Figure::told("its answer", figure("million_bytes")? / 1000.0, "KB"),
        Figure::aimed("a step of zoom or pan", step, "ms", Target::Below(16.0)),
        Figure::told("one of twenty takes", figure("million_step_95")?, "ms"),
        Figure::told("values at a place", figure("million_read")?, "ms"),
        Figure::aimed(
            "chart, 10 runs of 10M points",
            figure("ten_million_cold")?,
            "ms",
            Target::Below(cold.max(17.5) * 2.0),
        ),
        Figure::aimed("a step there", figure("ten_million_step")?, "ms", Target::Below(step.max(8.0) * 2.0)),
        Figure::told("one of twenty takes there", figure("ten_million_step_95")?, "ms"),
        Figure::told("values at a place there", figure("ten_million_read")?, "ms"),
        Figure::told("smoothed, 10 runs of 1M points", figure("smooth_cold")?, "ms"),
        Figure::told("a step, smoothed", figure("smooth_step")?, "ms"),
        Figure::told("as one group with a band", figure("group_cold")?, "ms"),
        Figure::told("a step, as one group", figure("group_step")?, "ms"),
    ])
}
