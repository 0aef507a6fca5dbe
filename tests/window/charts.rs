//! Charts under the hand, in the real window: by the pointer that the display has.

use anyhow::{Context, Result, ensure};
use athanor_api::command::AddWatchFolder;
use athanor_api::wire::AddWatch;

use crate::desktop::Desktop;
use crate::program::{Place, Program};
use crate::screen::Screen;
use crate::wait::wait_for;
use crate::{alone, page_is_faultless, watched};

#[tokio::test(flavor = "multi_thread")]
async fn a_chart_is_zoomed_read_and_reset_by_the_pointer() {
    alone("a_chart_is_zoomed_read_and_reset_by_the_pointer", async {
        let (_desktop, screen, place) = (Desktop::start().await?, Screen::connect()?, Place::new()?);
        let mut program = Program::start(&place).await?;
        watched("charts", &place, zoomed(&screen, &place, &program)).await?;
        program.terminate().await
    })
    .await;
}

async fn zoomed(screen: &Screen, place: &Place, program: &Program) -> Result<()> {
    let runs = place.work()?.join("runs/one");
    std::fs::create_dir_all(&runs)?;
    let rows: String = (0..=1000).map(|step| format!("{step},{}\n", step as f64 / 4.0)).collect();
    std::fs::write(runs.join("metrics.csv"), format!("step,loss\n{rows}"))?;
    screen.wait_for_window(program.pid).await?;
    place.wait_for_engine().await?;
    let path = place.work()?.join("runs").to_string_lossy().into_owned();
    place.call::<AddWatchFolder>(&AddWatch { path, project: None, pattern: None })?;
    program.page().execute("location.hash = '#/charts'", Vec::new()).await?;
    program.click("button", "A chart for each metric").await?;
    program.see_element(".plot svg").await?;
    let whole = span(program, "all of the run", |_, last| last >= 750.0).await?;

    // A flat box zooms along the steps alone.
    let (left, top, width, height) = plot(program).await?;
    let at = |part: f64| (left + width * part).round() as i64;
    let middle = (top + height * 0.5).round() as i64;
    program
        .page()
        .action_chain()
        .move_to(at(0.4), middle)
        .click_and_hold()
        .move_to(at(0.5), middle + 1)
        .move_to(at(0.6), middle + 1)
        .release()
        .perform()
        .await?;
    let near = span(program, "the part under the box", |first, last| first > whole.0 + 100.0 && last < 700.0)
        .await?;

    // What stands under the pointer is read exactly: a quarter of the step.
    program.page().action_chain().move_to(at(0.5), middle).perform().await?;
    wait_for("the value under the pointer", async || {
        let said = program.page().execute(READ, Vec::new()).await?.convert::<String>()?;
        let numbers: Vec<f64> = said
            .split(|c: char| !c.is_ascii_digit() && c != '.')
            .filter_map(|word| word.parse().ok())
            .collect();
        let [step, value] = numbers.as_slice() else { anyhow::bail!("it says “{said}”") };
        ensure!((near.0 - 100.0..=near.1 + 100.0).contains(step), "step {step} is not in sight");
        ensure!((value * 4.0 - step).abs() < 1e-9, "{value} at step {step}");
        Ok(())
    })
    .await?;

    program.page().action_chain().move_to(at(0.5), middle).double_click().perform().await?;
    span(program, "all of the run again", |first, last| (first, last) == whole).await?;
    page_is_faultless(place)
}

const READ: &str =
    "return [...document.querySelectorAll('article .read > *')].map((it) => it.textContent).join(' ')";

/// The first and the last number below the chart, once they are as they should be.
async fn span(program: &Program, what: &str, fits: impl Fn(f64, f64) -> bool) -> Result<(f64, f64)> {
    let script = "const texts = [...document.querySelectorAll('.plot svg text')];
        const low = Math.max(...texts.map((it) => it.getBoundingClientRect().bottom));
        return texts.filter((it) => it.getBoundingClientRect().bottom > low - 2)
            .map((it) => Number(it.textContent.replace('k', '000')));";
    wait_for(what, async || {
        let mut found = program.page().execute(script, Vec::new()).await?.convert::<Vec<f64>>()?;
        found.sort_by(f64::total_cmp);
        let (first, last) =
            found.first().zip(found.last()).context("there are no numbers below the chart")?;
        ensure!(fits(*first, *last), "it reaches from {first} to {last}");
        Ok((*first, *last))
    })
    .await
}

/// Where the picture is in the page: left, top, width, height.
async fn plot(program: &Program) -> Result<(f64, f64, f64, f64)> {
    let script = "const box = document.querySelector('.plot svg').getBoundingClientRect();
        return [box.left, box.top, box.width, box.height];";
    let [left, top, width, height] =
        program.page().execute(script, Vec::new()).await?.convert::<[f64; 4]>()?;
    Ok((left, top, width, height))
}
