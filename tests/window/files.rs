//! Files between the window and the desktop: folders that are dropped on it, and logs that are saved from it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use athanor_api::command::{ListRuns, ListWatchFolders};
use athanor_api::wire::{Nothing, Status};

use crate::drag::Drag;
use crate::program::{Place, Program};
use crate::screen::{Key, Screen};
use crate::wait::wait_for;

/// A folder with one run in it.
fn folder(place: &Place, name: &str) -> Result<PathBuf> {
    let folder = place.work()?.join(name);
    std::fs::create_dir_all(folder.join("run"))?;
    std::fs::write(folder.join("run/metrics.csv"), "step,loss\n1,0.5\n2,0.25\n")?;
    Ok(folder)
}

/// As file managers write it: bytes other than letters and digits in hexadecimal.
fn uri(path: &Path) -> String {
    let byte = |byte: &u8| match byte {
        b'/' | b'.' | b'-' | b'_' => char::from(*byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(*byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    let path: String = path.as_os_str().as_encoded_bytes().iter().map(byte).collect();
    format!("file://{path}")
}

fn watched(place: &Place) -> Result<Vec<PathBuf>> {
    let folders = place.call::<ListWatchFolders>(&Nothing {})?.folders;
    Ok(folders.into_iter().map(|folder| folder.path.into()).collect())
}

async fn wait_for_watched(place: &Place, expected: &[&Path]) -> Result<()> {
    wait_for("the folders to be watched", async || {
        let now = watched(place)?;
        ensure!(now == expected, "watched are {now:?}");
        Ok(())
    })
    .await
}

pub async fn dropped_folders(place: &Place, screen: &Screen, program: &Program) -> Result<()> {
    program.see("h1", "Queue an experiment").await?;
    screen.wait_for_window(program.pid).await?;
    let (one, two, other) =
        (folder(place, "one")?, folder(place, "zwei & drei ä")?, folder(place, "x/other")?);
    let drag = |paths: &[&Path]| {
        let uris: Vec<String> = paths.iter().map(|path| uri(path)).collect();
        Drag::begin(screen, program.pid, &uris)
    };
    let hover = async |drag: &Drag, words: &str| {
        wait_for(&format!("“{words}” while it is dragged"), async || {
            drag.go_on()?;
            program.sees(".drop", words).await
        })
        .await
    };

    // Over the window and away again: it is said what would happen, and nothing does.
    let away = drag(&[&one])?;
    hover(&away, "Watch “one” for runs").await?;
    away.leave()?;
    wait_for("nothing to be said of it", async || {
        // The toolkit may miss that it has left; then the pointer that comes back tells.
        screen.move_pointer(program.pid)?;
        let said = program.texts(".drop").await?;
        ensure!(said.is_empty(), "there is {said:?}");
        Ok(())
    })
    .await?;
    ensure!(watched(place)?.is_empty(), "it was not dropped");

    // On whatever page.
    let drop = drag(&[&one])?;
    hover(&drop, "Watch “one” for runs").await?;
    drop.drop().await?;
    wait_for_watched(place, &[&one]).await?;
    program.see_no_element(".drop").await?;
    program.see(".toast", &format!("Watching {}", one.display())).await?;
    program.click(".toast button", "Runs").await?;
    program.see("[role=grid]", "run").await?;

    // A link is nothing to watch.
    let link = Drag::begin(screen, program.pid, &["https://example.org/runs".into()])?;
    link.wait_until_known().await?;
    link.leave()?;

    // Several at once: each for itself.
    let file = one.join("run/metrics.csv");
    let drop = drag(&[&two, &one, &file, &one.join("run")])?;
    hover(&drop, "Watch 4 folders for runs").await?;
    drop.drop().await?;
    wait_for_watched(place, &[&one, &two]).await?;
    program.see(".toast", &format!("Watching {}", two.display())).await?;
    program.see(".toast", &format!("{} is watched already.", one.display())).await?;
    program.see(".toast", &format!("{} is a file; name the folder that it lies in.", file.display())).await?;
    program.see(".toast", &format!("lies in {}, which is watched already.", one.display())).await?;

    // One in which others lie takes them over.
    let work = place.work()?;
    let drop = drag(&[&work])?;
    drop.drop().await?;
    wait_for_watched(place, &[&work]).await?;
    wait_for("all runs in it", async || {
        let page = place.call::<ListRuns>(&serde_json::from_str("{\"limit\": 10}")?)?;
        ensure!(page.total == 3, "there are {}: {} is one of them", page.total, other.display());
        Ok(())
    })
    .await?;
    let said = program.texts(".toast").await?;
    ensure!(!said.iter().any(|text| text.contains("example.org")), "{said:?}");
    Ok(())
}

/// Enough for many screens, with letters of two bytes and without an end of the last line.
const LINES: &str = "i=0; while [ $i -lt 3000 ]; do echo \"line $i ä\"; i=$((i+1)); done; printf last";

pub async fn saved_logs(place: &Place, screen: &Screen, program: &Program) -> Result<()> {
    program.see("h1", "Queue an experiment").await?;
    screen.wait_for_window(program.pid).await?;
    let uid = place.queue("lines", LINES)?;
    place.wait_for_status(&uid, Status::Completed).await?;
    let log: String = (0..3000).map(|line| format!("line {line} ä\n")).chain(["last".into()]).collect();
    program.click("a", "Queue").await?;
    program.open("lines").await?;
    program.see("[role=log]", "last").await?;
    let out = place.work()?.join("out");
    std::fs::create_dir(&out)?;
    let path = out.join("Saved 1.log");

    // Somebody who thinks better of it.
    ask_to_save(program, screen).await?;
    press(program, screen, Key::Escape, OWN).await?;
    // The file that was chosen holds just the log.
    save(program, screen, &path).await?;
    program.see(".toast", &format!("Saved as {}", path.display())).await?;
    ensure!(std::fs::read_to_string(&path)? == log, "the file differs from the log");
    ensure!(names(&out)? == ["Saved 1.log"], "something is left: {:?}", names(&out)?);

    // A file that is there is replaced only by somebody who agrees.
    std::fs::write(&path, "older")?;
    save_over(program, screen, &path).await?;
    press(program, screen, Key::Escape, DIALOG).await?;
    ensure!(std::fs::read_to_string(&path)? == "older", "nobody agreed");
    press(program, screen, Key::Escape, OWN).await?;
    save_over(program, screen, &path).await?;
    press(program, screen, Key::Return, OWN).await?;
    wait_for("the file to be replaced", async || {
        ensure!(std::fs::read_to_string(&path)? == log, "it is as it was");
        Ok(())
    })
    .await?;
    ensure!(names(&out)? == ["Saved 1.log"], "something is left: {:?}", names(&out)?);

    // Where nobody may write, not even root.
    save(program, screen, Path::new("/sys/saved.log")).await?;
    program.see(".toast", "ould not save /sys/saved.log: ").await?;
    program.see(".toast", "Choose a folder that you may write to.").await
}

fn names(folder: &Path) -> Result<Vec<String>> {
    std::fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// Windows of the program: its own, with the dialog, with the dialog's question.
const OWN: usize = 1;
const DIALOG: usize = 2;
const QUESTION: usize = 3;

/// How long a key may take to change which windows there are before it was meant for something else.
const UNHEARD: Duration = Duration::from_secs(10);

/// Presses a key and waits for as many windows as there are then. The list of names that the dialog proposes takes a key
/// for itself if it opens just then: whoever sees that nothing happens presses it again.
async fn press(program: &Program, screen: &Screen, key: Key, then: usize) -> Result<()> {
    let before = screen.windows(program.pid)?;
    let wait = async || match then {
        OWN => screen.wait_for_window(program.pid).await,
        more => screen.wait_for_windows(program.pid, more).await,
    };
    for _ in 0..5 {
        screen.press(key)?;
        match tokio::time::timeout(UNHEARD, wait()).await {
            Ok(waited) => return waited,
            Err(_) if screen.windows(program.pid)? == before => {}
            Err(_) => break,
        }
    }
    wait().await
}

/// Opens the dialog.
async fn ask_to_save(program: &Program, screen: &Screen) -> Result<()> {
    program.click_on("button[aria-label='Save the log as a file']").await?;
    screen.wait_for_windows(program.pid, DIALOG).await
}

/// Saves under a name that nothing has.
async fn save(program: &Program, screen: &Screen, path: &Path) -> Result<()> {
    ask_to_save(program, screen).await?;
    screen.write_over(path.to_str().context("a path in UTF-8")?)?;
    press(program, screen, Key::Return, OWN).await
}

/// Asks to save under a name that something has, until that is asked about.
async fn save_over(program: &Program, screen: &Screen, path: &Path) -> Result<()> {
    ask_to_save(program, screen).await?;
    screen.write_over(path.to_str().context("a path in UTF-8")?)?;
    press(program, screen, Key::Return, QUESTION).await
}
