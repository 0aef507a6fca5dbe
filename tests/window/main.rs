//! The real program on a real display: a person's way through it, with tray and notifications, and its ends.
//!
//! `cargo xtask test window` gives these tests a display with a window manager and a session bus of their own. They
//! run one after another, since there is one tray and one focus. A failed one leaves a picture of the display in
//! `target/window-test/`. With `ATHANOR_SHOTS_DIR` pictures for the documentation are saved there, too.

mod charts;
mod desktop;
mod drag;
mod files;
mod notifications;
mod page;
mod program;
mod screen;
mod survival;
mod wait;

use std::future::Future;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use athanor_api::command::EngineInfo;
use athanor_api::wire::{EngineOwner, Nothing, Status};

use desktop::Desktop;
use program::{Guard, Place, Program, is_alive};
use screen::Screen;
use wait::wait_for;

/// One tray, one focus, one test at a time.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

async fn alone(name: &str, test: impl Future<Output = Result<()>>) {
    let _alone = ALONE.lock().await;
    let Err(error) = test.await else { return };
    panic!("{name}: {error:#}");
}

/// Runs the steps of a test; on failure keeps a picture of the display while the program is still there.
async fn watched<T>(name: &str, place: &Place, steps: impl Future<Output = Result<T>>) -> Result<T> {
    let result = steps.await;
    if result.is_err() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/window-test");
        let picture = folder.join(format!("{name}.png"));
        let taken = std::fs::create_dir_all(&folder).is_ok()
            && Command::new("import")
                .args(["-window", "root"])
                .arg(&picture)
                .status()
                .is_ok_and(|done| done.success());
        if taken {
            eprintln!("{name}: the display is in {}", picture.display());
        }
        eprintln!("{name}: the program's own log:\n{}", place.own_log().unwrap_or_default());
    }
    result
}

/// The page did nothing that its security policy refuses, and no script of it failed.
fn page_is_faultless(place: &Place) -> Result<()> {
    let log = place.own_log()?;
    let faults: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("policy refused") || line.contains("the page failed"))
        .collect();
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_leads_to_a_trained_model() {
    alone("a_first_start_leads_to_a_trained_model", async {
        let (desktop, screen, place) = (Desktop::start().await?, Screen::connect()?, Place::new()?);
        let mut program = Program::start(&place).await?;
        watched("first-start", &place, first_start(&desktop, &screen, &place, &program)).await?;
        program.terminate().await
    })
    .await;
}

async fn first_start(desktop: &Desktop, screen: &Screen, place: &Place, program: &Program) -> Result<()> {
    program.see("h1", "Queue an experiment, and let it run").await?;
    screen.wait_for_window(program.pid).await?;
    page::is_accessible(program).await.context("the first screen")?;
    let idle = desktop.wait_for_icon("nothing runs").await?;
    ensure!(
        idle.sizes == [16, 22, 24, 32, 48] && idle.pixels.iter().any(|byte| *byte != 0),
        "the icon is empty: {:?}",
        idle.sizes
    );

    program.click("button", "Try the demo project").await?;
    program.click("button", "Train on digits").await?;
    program.open("digits mlp").await?;
    program.see("aside", "Running").await?;
    program.see("[role=log]", "epoch").await?;

    let burning = desktop.wait_for_icon("1 running").await?;
    ensure!(burning.pixels != idle.pixels, "the tray looks the same while a job runs");
    let menu = desktop.menu().await?;
    ensure!(menu.iter().any(|label| label.starts_with("digits mlp")), "no running job in {menu:?}");
    ensure!(menu.iter().any(|label| label == "Quit (1 running job goes on)"), "{menu:?}");

    program.click("[role=tab]", "Metrics").await?;
    program.see_element(".plot svg").await?;

    // Away from the job: one that is looked at needs no notification.
    program.click("a", "Overview").await?;
    let note = desktop.wait_for_note("digits mlp completed").await?;
    ensure!(note.body.starts_with("It took ") && note.body.ends_with('.'), "{note:?}");
    desktop.wait_for_icon("nothing runs").await?;

    desktop.click_note(&note).await?;
    program.see("aside", "digits mlp").await?;
    program.see("aside", "Completed").await?;
    screen.wait_for_window(program.pid).await?;
    page_is_faultless(place)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_window_comes_back() {
    alone("a_closed_window_comes_back", async {
        let (desktop, screen, place) = (Desktop::start().await?, Screen::connect()?, Place::new()?);
        let program = Program::start(&place).await?;
        watched("closed-window", &place, closed_window(&desktop, &screen, &place, &program)).await
    })
    .await;
}

async fn closed_window(desktop: &Desktop, screen: &Screen, place: &Place, program: &Program) -> Result<()> {
    program.see("h1", "Queue an experiment").await?;
    screen.wait_for_window(program.pid).await?;
    desktop.wait_for_icon("nothing runs").await?;

    screen.close_window(program.pid)?;
    screen.wait_for_no_window(program.pid).await?;
    let told = desktop.wait_for_note("Athanor keeps running").await?;
    ensure!(told.body.contains("tray"), "{told:?}");
    ensure!(program.is_alive(), "closing is not quitting");

    // What happens meanwhile is there when the window comes back by the tray's menu.
    let uid = place.queue("meanwhile", "true")?;
    place.wait_for_status(&uid, Status::Completed).await?;
    desktop.wait_for_note("meanwhile completed").await?;
    desktop.choose("Open Athanor").await?;
    screen.wait_for_window(program.pid).await?;
    program.see("main", "meanwhile").await?;

    // By a click on the icon; and the explanation comes once.
    screen.close_window(program.pid)?;
    screen.wait_for_no_window(program.pid).await?;
    desktop.click_icon().await?;
    screen.wait_for_window(program.pid).await?;
    let told = desktop.notes().into_iter().filter(|note| note.title.contains("keeps running")).count();
    ensure!(told == 1, "told {told} times");

    // By a second start, which ends well and leaves the first in front.
    screen.close_window(program.pid)?;
    screen.wait_for_no_window(program.pid).await?;
    let mut second = Guard(place.command(Place::desktop()).spawn()?);
    let ended = second.wait_for_exit().await?;
    ensure!(ended.success(), "the second start ended with {ended}");
    screen.wait_for_window(program.pid).await?;

    // A failure behind a closed window is marked until somebody looks.
    screen.close_window(program.pid)?;
    screen.wait_for_no_window(program.pid).await?;
    let uid = place.queue("a <b>bad</b> one", "exit 3")?;
    let note = desktop.wait_for_note("bad").await?;
    ensure!(note.title == "a <b>bad</b> one failed" && note.body.contains('3'), "{note:?}");
    let marked = desktop.wait_for_icon("nothing runs, 1 failed").await?;
    desktop.click_note(&note).await?;
    screen.wait_for_window(program.pid).await?;
    program.see("aside", "xit code 3").await?;
    ensure!(program.page().current_url().await?.as_str().contains(&uid), "the click leads to the job");
    let looked = desktop.wait_for_icon("nothing runs").await?;
    ensure!(looked.pixels != marked.pixels, "a failure shows on the icon");

    page_is_faultless(place)?;
    desktop.choose("Quit").await?;
    program.wait_for_end().await?;
    let mark = place.home().root().join("window.json");
    ensure!(mark.is_file(), "size and place of the window are kept");
    ensure!(!place.home().socket().exists(), "an orderly end takes the socket away");
    Ok(())
}

/// Counts for about twenty seconds, then ends with a code of its own.
const COUNT: &str = "i=0; while [ $i -lt 200 ]; do echo \"tick $i\"; i=$((i+1)); sleep 0.1; done; exit 7";

#[tokio::test(flavor = "multi_thread")]
async fn a_job_outlives_the_killed_program() {
    alone("a_job_outlives_the_killed_program", async {
        let (_desktop, place) = (Desktop::start().await?, Place::new()?);
        let mut program = Program::start(&place).await?;
        watched("killed-program", &place, killed_program(&place, &mut program)).await?;
        program.terminate().await
    })
    .await;
}

async fn killed_program(place: &Place, program: &mut Program) -> Result<()> {
    place.wait_for_engine().await?;
    let uid = place.queue("count", COUNT)?;
    program.open("count").await?;
    program.see("[role=log]", "tick 5").await?;
    let detail = place.wait_for_status(&uid, Status::Running).await?;
    let job = detail.attempts[0].pid.context("a running job has a process")?;
    program.kill().await?;
    ensure!(is_alive(job), "the job dies with the program");
    let log = Path::new(&detail.attempts[0].folder);
    let written = || -> u64 {
        let files = std::fs::read_dir(log).into_iter().flatten().flatten();
        files.filter_map(|file| file.metadata().ok()).map(|meta| meta.len()).sum()
    };
    let before = written();
    wait_for("the job to go on", async || {
        ensure!(written() > before, "it has written nothing since");
        Ok(())
    })
    .await?;

    *program = Program::start(place).await?;
    program.open("count").await?;
    program.see("aside", "Running").await?;
    ensure!(is_alive(job), "it is the same process that goes on");
    program.see("[role=log]", "tick 199").await?;
    program.see("aside", "xit code 7").await?;
    program.see("main .view", "xit code 7").await.context("the list that stood there since the start")?;
    let detail = place.experiment(&uid)?;
    ensure!(detail.attempts.len() == 1, "nothing is started twice");
    ensure!(detail.attempts[0].exit_code == Some(7), "{:?}", detail.attempts[0].exit_code);
    let whole: String = (0..200).map(|number| format!("tick {number}\n")).collect();
    ensure!(place.log(&uid)? == whole, "the log has a gap:\n{}", place.log(&uid)?);
    page_is_faultless(place)
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_dropped_on_the_window_are_watched() {
    alone("folders_dropped_on_the_window_are_watched", async {
        let (_desktop, screen, place) = (Desktop::start().await?, Screen::connect()?, Place::new()?);
        let mut program = Program::start(&place).await?;
        watched("dropped-folders", &place, files::dropped_folders(&place, &screen, &program)).await?;
        page_is_faultless(&place)?;
        program.terminate().await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_saved_where_the_user_says() {
    alone("a_log_is_saved_where_the_user_says", async {
        let (_desktop, screen, place) = (Desktop::start().await?, Screen::connect()?, Place::new()?);
        place.draw_nothing_that_moves()?;
        let mut program = Program::start(&place).await?;
        watched("saved-logs", &place, files::saved_logs(&place, &screen, &program)).await?;
        page_is_faultless(&place)?;
        program.terminate().await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_instant_the_window_loses_nothing() {
    alone("killed_at_any_instant_the_window_loses_nothing", async {
        let (_desktop, place) = (Desktop::start().await?, Place::new()?);
        watched("killed-again", &place, survival::survive(&place)).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_window_takes_over_from_a_server_that_stops() {
    alone("the_window_takes_over_from_a_server_that_stops", async {
        let (_desktop, place) = (Desktop::start().await?, Place::new()?);
        let mut server = Guard(place.command(Place::athanor()?).arg("serve").spawn()?);
        place.wait_for_engine().await?;
        let mut program = Program::start(&place).await?;
        watched("taken-over", &place, taken_over(&place, &mut server, &program)).await?;
        program.terminate().await
    })
    .await;
}

async fn taken_over(place: &Place, server: &mut Guard, program: &Program) -> Result<()> {
    program.see("h1", "Queue an experiment").await?;
    let owner = place.call::<EngineInfo>(&Nothing {})?.owner;
    ensure!(owner == EngineOwner::Headless, "two engines own the folder: {owner:?}");
    place.queue("by the server", "true")?;
    program.see("main", "by the server").await?;

    server.terminate()?;
    ensure!(server.wait_for_exit().await?.success(), "the server ends in order");
    wait_for("the window to own the engine", async || match place.call::<EngineInfo>(&Nothing {})?.owner {
        EngineOwner::Window => Ok(()),
        other => bail!("{other:?} owns it"),
    })
    .await?;
    place.queue("by the window", "true")?;
    program.see("main", "by the window").await?;
    page_is_faultless(place)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documentation_has_its_pictures() {
    let Some(folder) = std::env::var_os("ATHANOR_SHOTS_DIR") else { return };
    alone("the_documentation_has_its_pictures", async {
        let (_desktop, place) = (Desktop::start().await?, Place::new()?);
        let mut program = Program::start(&place).await?;
        place.wait_for_engine().await?;
        watched("pictures", &place, page::pictures(&place, &program, Path::new(&folder))).await?;
        program.terminate().await
    })
    .await;
}
