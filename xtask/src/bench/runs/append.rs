//! From an appended line to what a window shows of it, with 1,000 runs watched and 50 of them growing: until a push has
//! named the run and its row, read again, has the step.

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{generate, rows, wait_until_indexed, watch};
use crate::bench::engine::{Engine, Folder};
use crate::bench::{Figure, Target, median, quantile};
use crate::process::say;
use crate::workspace::Workspace;

const WATCHED: usize = 1_000;
const GROWING: usize = 50;
const APPENDS: usize = 2_000;

/// From one append to the next: each of the fifty grows five times a second.
const PAUSE: Duration = Duration::from_millis(4);

/// Steps that every run has at the beginning.
const STEPS: u64 = 20;

/// An append that was not seen within this time is lost.
const LIMIT: Duration = Duration::from_secs(20);

/// A run that grows.
struct Growing {
    file: PathBuf,
    step: u64,
    /// When what was not seen yet was appended.
    since: Option<Instant>,
}

/// Appends and listens.
pub fn measure(workspace: &Workspace) -> Result<Vec<Figure>> {
    let folder = Folder::create()?;
    for path in generate::folders(&folder.path, WATCHED) {
        std::fs::create_dir(&path)?;
        generate::table(&path.join("metrics.csv"), STEPS)?;
    }
    let engine = Engine::start(workspace, &[])?;
    watch(&engine, &folder.path)?;
    ensure!(wait_until_indexed(&engine)? == WATCHED as u64, "not every run was found");
    say(&format!("{APPENDS} appends to {GROWING} of {WATCHED} runs"));

    let mut growing = HashMap::new();
    for row in rows(&engine)?.iter().take(GROWING) {
        let text = |key: &str| row[key].as_str().map(str::to_owned).context("a run has no name or place");
        let file = PathBuf::from(text("folder")?).join("metrics.csv");
        growing.insert(text("uid")?, Growing { file, step: STEPS - 1, since: None });
    }
    let told = listen(&engine)?;
    let mut delays = Vec::new();
    let mut order: Vec<String> = growing.keys().cloned().collect();
    order.sort();
    let mut turn = order.iter().cycle();
    let mut next = Instant::now();
    let mut appended = 0;
    while delays.len() < APPENDS {
        if appended < APPENDS && Instant::now() >= next {
            next = Instant::now() + PAUSE;
            if let Some(run) =
                turn.next().and_then(|uid| growing.get_mut(uid)).filter(|run| run.since.is_none())
            {
                run.step += 1;
                let mut file = std::fs::File::options().append(true).open(&run.file)?;
                let line = format!("{},0.5,0.5,0.5,0.001\n", run.step);
                run.since = Some(Instant::now());
                file.write_all(line.as_bytes())?;
                appended += 1;
            }
        }
        let Ok(uids) = told.recv_timeout(next.saturating_duration_since(Instant::now())) else {
            let late = growing.values().filter_map(|run| run.since).any(|since| since.elapsed() > LIMIT);
            ensure!(!late, "an appended line was not seen within {} s", LIMIT.as_secs());
            continue;
        };
        let wanted: Vec<&String> = match &uids {
            Some(uids) => {
                uids.iter().filter(|uid| growing.get(*uid).is_some_and(|run| run.since.is_some())).collect()
            }
            None => order.iter().filter(|uid| growing[*uid].since.is_some()).collect(),
        };
        if wanted.is_empty() {
            continue;
        }
        let answer = engine.call("runs.rows", &json!({ "uids": wanted, "columns": [] }))?;
        let seen = Instant::now();
        for row in answer["rows"].as_array().context("no rows")? {
            let Some(run) = row["uid"].as_str().and_then(|uid| growing.get_mut(uid)) else { continue };
            #[expect(clippy::cast_precision_loss, reason = "a few hundred steps")]
            let reached = row["steps"].as_f64().is_some_and(|step| step >= run.step as f64);
            if let Some(since) = run.since.filter(|_| reached) {
                delays.push((seen - since).as_secs_f64() * 1e3);
                run.since = None;
            }
        }
    }
    Ok(vec![
        Figure::aimed(
            "append to what a window shows, 95 of 100 below",
            quantile(&delays, 0.95),
            "ms",
            Target::Below(150.0),
        ),
        Figure::told("append to what a window shows, median", median(&delays), "ms"),
        Figure::told("append to what a window shows, the slowest", quantile(&delays, 1.0), "ms"),
    ])
}

/// The runs that each push names; `None` where it may be any.
fn listen(engine: &Engine) -> Result<mpsc::Receiver<Option<Vec<String>>>> {
    let (sender, told) = mpsc::channel();
    let pushes = engine.listen()?;
    // It ends with the engine.
    std::thread::spawn(move || {
        for line in pushes.lines() {
            let Ok(line) = line else { return };
            let Ok(mut push) = serde_json::from_str::<Value>(&line) else { return };
            let push = push["push"].take();
            if push["kind"] != json!("runs_update") {
                continue;
            }
            let uids = push["uids"].as_array().filter(|_| push["structure"] == json!(false)).map(|uids| {
                uids.iter().filter_map(|uid| uid.as_str().map(str::to_owned)).collect::<Vec<_>>()
            });
            if sender.send(uids).is_err() {
                return;
            }
        }
    });
    Ok(told)
}
