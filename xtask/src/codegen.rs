//! `cargo xtask codegen`: the TypeScript types of the commands, written by the crate that declares them.

use anyhow::{Context, Result};

use crate::process::{call, say};
use crate::workspace::{FEATURES, Workspace};

const BINDINGS: &str = "ui/src/lib/bindings.ts";

/// Writes the bindings, or with `check` fails when they are not current.
pub fn run(workspace: &Workspace, check: bool) -> Result<()> {
    // Built as part of the whole workspace: alone, its dependencies would be compiled once more
    // with fewer features.
    call(&mut workspace.cargo([
        "build",
        "--quiet",
        "--workspace",
        "--features",
        FEATURES,
        "--example",
        "codegen",
    ]))?;
    let mut command = std::process::Command::new(workspace.program(false, "examples/codegen"));
    command.arg(BINDINGS).current_dir(&workspace.root);
    if check {
        command.arg("--check");
        return call(&mut command)
            .with_context(|| format!("{BINDINGS} is not what the commands say; run `cargo xtask codegen`"));
    }
    call(&mut command)?;
    say(&format!("{BINDINGS} is current"));
    Ok(())
}
