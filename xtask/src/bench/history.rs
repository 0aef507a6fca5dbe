//! What the machine's history costs once a year of it is stored: see `crates/engine/benches/history.rs`, which measures.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use super::{Figure, Target};
use crate::workspace::Workspace;

const MIB: f64 = 1_048_576.0;

/// Runs the engine's bench and reads what it prints.
pub fn measure(workspace: &Workspace) -> Result<Vec<Figure>> {
    let mut bench = workspace.cargo(["bench", "--package", "athanor-engine", "--bench", "history"]);
    let output = bench
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("running the bench of the engine")?;
    ensure!(output.status.success(), "the bench of the engine failed");
    let text = String::from_utf8_lossy(&output.stdout);
    let figure = |name: &str| value(&text, name).with_context(|| format!("the bench did not say `{name}`"));
    Ok(vec![
        Figure::aimed("a year of one GPU, stored", figure("size")? / MIB, "MiB", Target::Below(200.0)),
        Figure::told("storing 30 s of it, the first year", figure("flush_young")?, "ms"),
        Figure::told("storing 30 s of it, a year stored", figure("flush_old")?, "ms"),
        Figure::aimed("the second against the first", figure("ratio")?, "×", Target::Below(1.2)),
        Figure::aimed("any range, the slowest", figure("read")?, "ms", Target::Below(50.0)),
    ])
}

/// The number of a line such as `ratio<tab>1.01`.
fn value(text: &str, name: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('\t')?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_out_of_what_the_bench_prints() {
        let text = "Running benches\nsize\t1024\nratio\t1.01\nread\t3.5\n";
        assert_eq!((value(text, "size"), value(text, "ratio")), (Some(1024.0), Some(1.01)));
        assert_eq!(value(text, "flush_old"), None);
    }
}
