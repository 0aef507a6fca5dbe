//! What the table of 10,000 runs costs: see `crates/engine/benches/run_table.rs`, which measures.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use super::{Figure, Target};
use crate::workspace::Workspace;

/// Runs the engine's bench and reads what it prints.
pub fn measure(workspace: &Workspace) -> Result<Vec<Figure>> {
    let mut bench = workspace.cargo(["bench", "--package", "athanor-engine", "--bench", "run_table"]);
    let output = bench
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("running the bench of the engine")?;
    ensure!(output.status.success(), "the bench of the engine failed");
    let text = String::from_utf8_lossy(&output.stdout);
    let figure = |name: &str| {
        let found =
            text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('\t')?.trim().parse().ok());
        found.with_context(|| format!("the bench did not say `{name}`"))
    };
    let page = Target::Below(30.0);
    Ok(vec![
        Figure::aimed("page of 10,000 runs, newest first", figure("page_plain")?, "ms", page),
        Figure::aimed("page, by a metric", figure("page_metric")?, "ms", page),
        Figure::aimed("page, by a setting", figure("page_setting")?, "ms", page),
        Figure::aimed("page, by a metric, filtered", figure("page_filter")?, "ms", page),
        Figure::aimed("page, by a metric, of words", figure("page_words")?, "ms", page),
        Figure::told("columns of 10,000 runs", figure("columns")?, "ms"),
        Figure::told("columns of a third of them", figure("columns_filter")?, "ms"),
        Figure::told("groups of 10,000 runs", figure("group")?, "ms"),
        Figure::aimed("index opened, first page", figure("reopen")?, "ms", Target::Below(300.0)),
    ])
}
