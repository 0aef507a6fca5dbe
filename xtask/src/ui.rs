//! The page in `ui/`: its npm packages, its scripts and its build.

use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result};

use crate::process::{call, say};
use crate::workspace::Workspace;

/// Installs the npm packages, unless what is there is newer than the lock file.
pub fn install(workspace: &Workspace) -> Result<()> {
    let ui = workspace.ui();
    // npm writes this copy of the lock file when it is done.
    let installed = modified(&ui.join("node_modules/.package-lock.json"));
    let wanted = modified(&ui.join("package-lock.json"));
    if installed.is_some() && installed >= wanted {
        say("npm packages: all there");
        return Ok(());
    }
    say("Installing npm packages");
    call(npm(workspace, &["ci", "--no-audit", "--no-fund"]).current_dir(&ui))
        .context("the npm packages could not be installed; is the network there?")
}

/// Builds `ui/dist`, which the window's program takes in when it is compiled.
pub fn build(workspace: &Workspace) -> Result<()> {
    say("Building the page");
    call(&mut npm(workspace, &["run", "build"])).context("the page in ui/ did not build; see above")
}

/// An `npm` command in `ui/`.
pub fn npm(workspace: &Workspace, arguments: &[&str]) -> Command {
    let mut command = Command::new("npm");
    command.args(arguments).current_dir(workspace.ui());
    command
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}
