//! What is asked of the page as a whole: that everybody can use it, and that it has its picture taken.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use athanor_api::command::{AddDemo, CancelExperiments};
use athanor_api::wire::{Appearance, ChangeSettings, Nothing, Selection, Status};

use crate::program::{Place, Program};
use crate::wait::wait_for;

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

/// Takes the documentation's pictures of the overview: one training runs, one waits, others have ended.
pub async fn pictures(place: &Place, program: &Program, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let demo = place.call::<AddDemo>(&Nothing {})?;
    let train = |name: &str, arguments: &str| {
        place.queue_in(
            Path::new(&demo.folder),
            Some(&demo.name),
            name,
            &format!("python3 train.py {arguments}"),
        )
    };
    let short = train("digits mlp 12 epochs", "--epochs 12")?;
    place.wait_for_status(&short, Status::Completed).await?;
    let diverged = train("digits mlp lr 50", "--lr 50")?;
    place.wait_for_status(&diverged, Status::Failed).await?;
    let wide = train("digits mlp wide", "--hidden 96 --epochs 120")?;
    train("digits mlp lr 0.2", "--lr 0.2")?;
    program.open("digits mlp wide").await?;
    program.click("[role=tab]", "Metrics").await?;
    program.see("aside", "epoch 16 of 120").await?;
    for (appearance, word) in [(Appearance::Light, "light"), (Appearance::Dark, "dark")] {
        let change = ChangeSettings { appearance: Some(appearance), ..ChangeSettings::default() };
        place.change_settings(&change)?;
        program.see_element(&format!(":root[data-theme={word}]")).await?;
        program.see_element(".plot svg").await?;
        wait_for("the colours to settle", async || {
            let moving = program.page().execute("return document.getAnimations().length", vec![]).await?;
            ensure!(moving.convert::<u32>()? == 0, "something moves");
            Ok(())
        })
        .await?;
        let file = folder.join(format!("overview-{word}.png"));
        program.page().screenshot(&file).await?;
        shrink(&file)?;
    }
    place.call::<CancelExperiments>(&Selection { uids: vec![wide.clone()], group: None })?;
    place.wait_for_status(&wide, Status::Cancelled).await.map(drop)
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
