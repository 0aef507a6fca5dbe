//! What the desktop is given: notifications with what can be done from them, the tray's GPUs, and the autostart entry;
//! against a notification server of our own, and against dunst, which people use.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use athanor_api::command::{ChangeSettings, ListNotifications};
use athanor_api::wire::{self, Status};
use athanor_nvml_test::script::{Gpu, Script};

use crate::desktop::Desktop;
use crate::program::{Guard, Place, Program};
use crate::screen::Screen;
use crate::wait::wait_for;
use crate::{alone, page_is_faultless, watched};

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_done_is_done_from_the_notification() {
    alone("what_can_be_done_is_done_from_the_notification", async {
        let (desktop, screen, place) = (Desktop::start().await?, Screen::connect()?, Place::new()?);
        let mut program = Program::start(&place).await?;
        watched("note-actions", &place, actions(&desktop, &screen, &place, &program)).await?;
        program.terminate().await
    })
    .await;
}

async fn actions(desktop: &Desktop, screen: &Screen, place: &Place, program: &Program) -> Result<()> {
    place.wait_for_engine().await?;
    program.see_element("header").await?;
    screen.close_window(program.pid)?;
    screen.wait_for_no_window(program.pid).await?;

    // A failure: its last line, its log at a click, and one more try.
    let uid = place.queue("bad one", "echo ValueError: no data; [ -e mended ]")?;
    let note = desktop.wait_for_note("bad one failed").await?;
    ensure!(note.actions == ["default", "log", "retry"], "{note:?}");
    ensure!(note.body.ends_with("ValueError: no data") && note.urgency == 1, "{note:?}");
    std::fs::write(place.work()?.join("mended"), "")?;
    desktop.click_action(&note, "retry").await?;
    let detail = place.wait_for_status(&uid, Status::Completed).await?;
    ensure!(detail.attempts.len() == 2, "it was tried {} times", detail.attempts.len());
    let done = desktop.wait_for_note("bad one completed").await?;
    desktop.click_action(&done, "log").await?;
    screen.wait_for_window(program.pid).await?;
    program.see("[role=log]", "no data").await?;
    wait_for("both to be read", async || {
        let page = place.call::<ListNotifications>(&wire::ListNotifications::default())?;
        ensure!(page.unread == 0, "{} are not", page.unread);
        Ok(())
    })
    .await?;

    // Nobody needs to be told of the job that they look at.
    let before = desktop.notes().len();
    let uid = place.queue("looked at", "while [ ! -e gate ]; do sleep 0.05; done; exit 1")?;
    program.open("looked at").await?;
    program.see("aside", "Running").await?;
    std::fs::write(place.work()?.join("gate"), "")?;
    place.wait_for_status(&uid, Status::Failed).await?;
    wait_for("it to be kept as read", async || {
        let page = place.call::<ListNotifications>(&wire::ListNotifications::default())?;
        ensure!(page.notifications.iter().any(|it| it.title == "looked at failed" && it.read), "{page:?}");
        Ok(())
    })
    .await?;
    ensure!(desktop.notes().len() == before, "it was shown: {:?}", desktop.notes().last());
    page_is_faultless(place)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_is_one_notification_that_grows() {
    alone("a_burst_is_one_notification_that_grows", async {
        let (desktop, place) = (Desktop::without_buttons().await?, Place::new()?);
        let mut program = Program::start(&place).await?;
        watched("note-burst", &place, burst(&desktop, &place, &program)).await?;
        program.terminate().await
    })
    .await;
}

async fn burst(desktop: &Desktop, place: &Place, program: &Program) -> Result<()> {
    place.wait_for_engine().await?;
    place.change_settings(&wire::ChangeSettings { slots: Some(4), ..wire::ChangeSettings::default() })?;
    for number in 0..20 {
        place.queue(&format!("point {number}"), "sleep 0.1")?;
    }
    let note = desktop.wait_for_note("20 experiments completed").await?;
    ensure!(desktop.notes().len() == 1, "{:?}", desktop.notes());
    ensure!(note.changed > 0, "it was told of at once, and grew");
    ensure!(note.actions == ["default"], "a server without buttons is offered none: {note:?}");
    // Read in the window, it goes from the desk.
    program.see("header", "Athanor").await?;
    program.click("header button", "1").await?;
    program.click(".notifications button", "Mark all read").await?;
    wait_for("the notification to go", async || {
        let notes = desktop.notes();
        ensure!(notes.iter().all(|note| note.closed), "{notes:?}");
        Ok(())
    })
    .await?;
    page_is_faultless(place)
}

fn gpus(work: f64, memory: u64, count: usize) -> Script {
    let gpu = |index: usize| Gpu {
        uuid: format!("GPU-{index}"),
        name: Some("NVIDIA A100".into()),
        memory_total: 80 << 30,
        memory_used: {
            #[allow(clippy::cast_precision_loss, reason = "a few GiB")]
            let used = (memory << 30) as f64;
            used.into()
        },
        utilisation: Some(work.into()),
        ..Gpu::default()
    };
    Script { gpus: (0..count).map(gpu).collect(), ..Script::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tray_shows_the_gpus_and_changes_when_they_do() {
    alone("the_tray_shows_the_gpus_and_changes_when_they_do", async {
        let (desktop, place) = (Desktop::start().await?, Place::new()?);
        place.set_gpus(&gpus(0.0, 1, 2))?;
        let mut program = Program::start(&place).await?;
        watched("tray-gpus", &place, tray(&desktop, &place, &program)).await?;
        program.terminate().await
    })
    .await;
}

async fn tray(desktop: &Desktop, place: &Place, program: &Program) -> Result<()> {
    place.wait_for_engine().await?;
    let idle = wait_for("the GPUs in the tray", async || {
        let icon = desktop.icon().await?;
        ensure!(icon.details.lines().count() == 2, "{}", icon.details);
        Ok(icon)
    })
    .await?;
    ensure!(idle.details.starts_with("GPU 0  NVIDIA A100, 0 %, 1.00 GiB of 80.0 GiB"), "{}", idle.details);
    let menu = desktop.menu().await?;
    ensure!(menu[2].starts_with("GPU 0  NVIDIA A100") && menu[3].starts_with("GPU 1"), "{menu:?}");

    place.set_gpus(&gpus(90.0, 60, 2))?;
    let busy = wait_for("the load in the tray", async || {
        let icon = desktop.icon().await?;
        ensure!(icon.details.contains("90 %, 60.0 GiB"), "{}", icon.details);
        Ok(icon)
    })
    .await?;
    ensure!(busy.pixels != idle.pixels, "the picture is the same");
    desktop.choose("GPU 0").await?;
    wait_for("the machine's page", async || {
        let url = program.page().current_url().await?;
        ensure!(url.as_str().ends_with("#/devices"), "{url}");
        Ok(())
    })
    .await?;

    // Many running jobs: some by name, the others by number; and the queue is paused from there.
    place.change_settings(&wire::ChangeSettings { slots: Some(8), ..wire::ChangeSettings::default() })?;
    for number in 1..=8 {
        place.queue(&format!("job_{number}"), "while [ ! -e gate ]; do sleep 0.1; done")?;
    }
    desktop.wait_for_icon("8 running").await?;
    let menu = desktop.menu().await?;
    ensure!(menu.iter().any(|label| label == "job__1"), "an underscore is no access key: {menu:?}");
    ensure!(menu.iter().any(|label| label == "… and 2 more"), "{menu:?}");
    ensure!(menu.iter().any(|label| label == "Quit (8 running jobs go on)"), "{menu:?}");
    desktop.choose("Pause queue").await?;
    desktop.wait_for_icon("8 running, queue paused").await?;
    std::fs::write(place.work()?.join("gate"), "")?;
    desktop.wait_for_icon("nothing runs, queue paused").await?;
    page_is_faultless(place)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_desktop_starts_the_program_if_the_user_wants_it() {
    alone("the_desktop_starts_the_program_if_the_user_wants_it", async {
        let (_desktop, place) = (Desktop::start().await?, Place::new()?);
        let mut program = Program::start(&place).await?;
        watched("autostart", &place, autostart(&place)).await?;
        program.terminate().await
    })
    .await;
}

async fn autostart(place: &Place) -> Result<()> {
    place.wait_for_engine().await?;
    let entry = place.config().join("autostart/athanor.desktop");
    ensure!(!entry.exists(), "off by default");
    for wanted in [true, false] {
        let change = wire::ChangeSettings { autostart: Some(wanted), ..wire::ChangeSettings::default() };
        place.call::<ChangeSettings>(&change)?;
        wait_for(&format!("the entry to be there: {wanted}"), async || {
            ensure!(entry.exists() == wanted, "it is {}", entry.exists());
            Ok(())
        })
        .await?;
        if wanted {
            let text = std::fs::read_to_string(&entry)?;
            ensure!(text.contains(Place::desktop()) && text.contains("--hidden"), "{text}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn dunst_shows_what_it_is_given() {
    alone("dunst_shows_what_it_is_given", async {
        let (desktop, place) = (Desktop::tray_alone().await?, Place::new()?);
        let mut dunst = Guard(
            Command::new("dunst")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .context("starting dunst; `cargo xtask setup --test` installs it")?,
        );
        // Started by the desktop: hidden, in the tray.
        let mut program = Guard(place.command(Place::desktop()).arg("--hidden").spawn()?);
        watched("dunst", &place, dunst_shows(&desktop, &place)).await?;
        program.terminate()?;
        ensure!(program.wait_for_exit().await?.success(), "it ends in order");
        dunst.kill().await
    })
    .await;
}

async fn dunst_shows(desktop: &Desktop, place: &Place) -> Result<()> {
    place.wait_for_engine().await?;
    desktop.wait_for_icon("nothing runs").await?;
    place.queue("by <dunst> & co", "echo the end; exit 7")?;
    wait_for("dunst's history", async || {
        // What is on the screen goes into the history when it is closed.
        let close = Command::new("dunstctl").arg("close-all").status()?;
        let history = Command::new("dunstctl").arg("history").output()?;
        let text = String::from_utf8_lossy(&history.stdout);
        ensure!(close.success() && text.contains("by <dunst> & co failed"), "{text}");
        ensure!(text.contains("\\nthe end") && text.contains("\"default\""), "{text}");
        Ok(())
    })
    .await
}
