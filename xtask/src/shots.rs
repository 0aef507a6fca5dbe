//! `cargo xtask shots`: the pictures in `docs/shots`, each view of the window in light and dark.
//!
//! They show the page over an engine in memory (`ui/tests/fake`) at a fixed second, because only there can an
//! experiment be in its eleventh hour, four GPUs busy, and every picture the same each time. Curves and logs
//! come from a real engine, which has run jobs with the same numbers; the machine's history is drawn as it draws
//! it. The list of views is `ui/tests/shots/views.ts`.

use anyhow::{Context, Result};

use crate::process::{call, say};
use crate::ui;
use crate::workspace::{FEATURES, Workspace};

/// Takes the pictures of the views that are named, or of all.
pub fn run(workspace: &Workspace, views: &[String]) -> Result<()> {
    ui::install(workspace)?;
    ui::build(workspace)?;
    call(&mut workspace.cargo([
        "build",
        "--quiet",
        "--workspace",
        "--features",
        FEATURES,
        "--bin",
        "athanor",
        "--bin",
        "athanor-shim",
        "--example",
        "draw_history",
    ]))
    .context("the engine that draws the curves did not build; see above")?;
    call(&mut ui::npm(
        workspace,
        &["exec", "--", "vite", "build", "--config", "tests/fake/vite.config.ts", "--logLevel", "warn"],
    ))
    .context("the page over an engine in memory did not build; see above")?;
    let folder = workspace.root.join("docs/shots");
    call(
        ui::npm(workspace, &["run", "shots"])
            .env("ATHANOR_SHOTS", &folder)
            .env("ATHANOR_BIN", workspace.program(false, "athanor"))
            .env("SHOTS", views.join(",")),
    )
    .context("not every picture could be taken; see above")?;
    say(&format!("The pictures are in {}", folder.display()));
    Ok(())
}
