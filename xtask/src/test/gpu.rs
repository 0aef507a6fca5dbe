//! `cargo xtask test --gpu`: the tests that make sense against real hardware, and in plain words what was left out.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};

use super::count::Count;
use super::counted;
use crate::process::say;
use crate::workspace::Workspace;

/// There while NVIDIA's kernel module is loaded.
const MODULE: &str = "/proc/driver/nvidia/version";

/// What no test can do to a GPU that somebody owns. The scripted ones show it, in `tests/devices`.
const LEFT_OUT: &[&str] = &[
    "a GPU that falls off the bus, and one that needs a reset",
    "a driver that is missing, not loaded, updated or reloaded under the engine, or that hangs",
    "dividing a GPU into instances (one that is divided already is read)",
    "GPUs of AMD (read from a made tree of files)",
];

/// Runs them; says so, and succeeds, where there is no GPU.
pub fn run(workspace: &Workspace) -> Result<ExitCode> {
    if !Path::new(MODULE).exists() {
        say(
            "skipped: NVIDIA's driver is not loaded on this machine, so nothing was tested against a real GPU",
        );
        println!("\n0 passed, 0 failed, all skipped");
        return Ok(ExitCode::SUCCESS);
    }
    let mut count = Count::default();
    let mut command =
        workspace.cargo(["test", "--package", "athanor-engine", "--test", "devices", "--", "real::"]);
    // What they see is the point.
    command.args(["--nocapture", "--test-threads=1"]).env("ATHANOR_TEST_GPU", "1");
    // The driver itself, and no stand-in for it.
    command.env_remove("ATHANOR_NVML");
    let outcome = counted(&mut command, &mut count);
    println!("\nNot tested here, because it would break a GPU that is in use:");
    for what in LEFT_OUT {
        println!("  skipped: {what}");
    }
    println!("\n{} passed, {} failed", count.passed, count.failed);
    outcome?;
    if count.passed == 0 {
        bail!("no test was run: `cargo test --package athanor-engine --test devices real::` says why");
    }
    Ok(ExitCode::SUCCESS)
}
