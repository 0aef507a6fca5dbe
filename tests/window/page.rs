//! What is asked of the page as a whole: that everybody can use it, and that it has its picture taken.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use athanor_api::wire::Appearance;

use crate::program::{Place, Program};
use crate::wear;

/// Pictures for the documentation are not larger than this.
const PICTURE_MAX: u64 = 250_000;

/// axe-core finds nothing in the page as it is now.
pub async fn is_accessible(program: &Program) -> Result<()> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/node_modules/axe-core/axe.min.js");
    let axe = std::fs::read_to_string(&file)
        .with_context(|| format!("{}: `npm ci` in ui brings it", file.display()))?;
    program.page().execute(axe, vec![]).await?;
    let script = "const done = arguments[0];
        window.axe.run(document, { resultTypes: ['violations'] }).then(
          (result) => done(result.violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.html).join(' ')}`)),
          (error) => done([String(error)]));";
    let found: Vec<String> = program.page().execute_async(script, vec![]).await?.convert()?;
    ensure!(found.is_empty(), "axe-core finds: {found:#?}");
    Ok(())
}

/// Takes the documentation's pictures, if they are wanted.
pub async fn shots(place: &Place, program: &Program) -> Result<()> {
    let Some(folder) = std::env::var_os("ATHANOR_SHOTS_DIR").map(PathBuf::from) else { return Ok(()) };
    std::fs::create_dir_all(&folder)?;
    program.click("a", "Overview").await?;
    program.open("digits mlp").await?;
    program.click("[role=tab]", "Metrics").await?;
    for (appearance, word) in
        [(Appearance::Light, "light"), (Appearance::Dark, "dark"), (Appearance::System, "light")]
    {
        wear(place, program, appearance, word).await?;
        if appearance == Appearance::System {
            break;
        }
        program.see_element(".plot svg").await?;
        let file = folder.join(format!("overview-{word}.png"));
        program.page().screenshot(&file).await?;
        shrink(&file)?;
    }
    Ok(())
}

/// A palette of 256 colours is enough for a window and makes a third of the bytes.
fn shrink(file: &Path) -> Result<()> {
    let done = Command::new("convert")
        .arg(file)
        .args(["-strip", "+dither", "-colors", "256", "-define", "png:compression-level=9"])
        .arg(file)
        .status()
        .context("starting convert")?;
    let size = file.metadata()?.len();
    ensure!(done.success() && size <= PICTURE_MAX, "{} has {size} bytes", file.display());
    Ok(())
}
