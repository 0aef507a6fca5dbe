//! How fast runs on disk are indexed, against TensorBoard's data server, and how soon what is appended is told.
//!
//! Ours is ready when every point is stored; the data server keeps a sample of a thousand points a metric. Each round
//! has an engine of its own with an empty data folder. The files were just written, so both read them from memory.

mod append;
pub mod generate;
mod peer;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::engine::{Engine, Folder};
use super::{Figure, ROUNDS, Target, median};
use crate::process::say;
use crate::workspace::Workspace;

/// What one load costs.
#[derive(Clone, Copy)]
pub struct Cost {
    seconds: f64,
    /// The most memory that the process ever had.
    mib: f64,
}

/// A folder to be indexed.
struct Given {
    name: &'static str,
    runs: u64,
    points: u64,
    bytes: u64,
    folder: Folder,
}

/// Runs with five metrics of a thousand points each.
const MANY: usize = 1_000;

/// How long an index may take at all.
const LIMIT: Duration = Duration::from_secs(300);

/// Generates, measures in turns, and compares.
pub fn measure(workspace: &Workspace) -> Result<Vec<Figure>> {
    let peer = peer::program();
    let mut figures = Vec::new();

    let long = long(true)?;
    let (ours, theirs) = compare(workspace, peer.as_deref(), &long)?;
    figures.extend(told(&long, &ours, &theirs, Some(1.0), Target::Below(200.0)));
    drop(long);

    let apart = self::long(false)?;
    let (ours, theirs) = compare(workspace, peer.as_deref(), &apart)?;
    figures.extend(told(&apart, &ours, &theirs, None, Target::Below(200.0)));
    drop(apart);

    let many = many()?;
    let (ours, theirs) = compare(workspace, peer.as_deref(), &many)?;
    let memory = match theirs.is_empty() {
        // As it was where the aim was set.
        true => Target::Below(468.0 / 4.0),
        false => Target::Below(median_of(&theirs, |cost| cost.mib) / 4.0),
    };
    figures.extend(told(&many, &ours, &theirs, Some(1.0), memory));
    drop(many);

    let table = table()?;
    let (ours, _) = compare(workspace, None, &table)?;
    #[expect(clippy::cast_precision_loss, reason = "far less than 2^52 bytes")]
    let rate = table.bytes as f64 / 1e6 / median_of(&ours, |cost| cost.seconds);
    figures.push(Figure::aimed(table.name, rate, "MB/s", Target::AtLeast(150.0)));
    figures.push(Figure::told(format!("{}, memory", table.name), median_of(&ours, |cost| cost.mib), "MiB"));
    drop(table);

    figures.extend(append::measure(workspace)?);
    Ok(figures)
}

/// Five million points of ten metrics in one event file: of 86 MB if the metrics of a step share a record.
fn long(together: bool) -> Result<Given> {
    let folder = Folder::create()?;
    let tags = ["loss0", "loss1", "loss2", "loss3", "loss4", "accu0", "accu1", "accu2", "accu3", "accu4"];
    let events = generate::Events { tags: &tags, steps: 500_000, together };
    let bytes = generate::events(&folder.path.join("long"), &events)?;
    let name = match together {
        true => "one event file, 5 million points",
        false => "the same with a record for each point",
    };
    Ok(Given { name, runs: 1, points: 5_000_000, bytes, folder })
}

fn many() -> Result<Given> {
    let folder = Folder::create()?;
    let tags = ["train/loss", "train/acc", "val/loss", "val/acc", "lr"];
    let mut bytes = 0;
    for path in generate::folders(&folder.path, MANY) {
        bytes += generate::events(&path, &generate::Events { tags: &tags, steps: 1_000, together: false })?;
    }
    let (runs, points) = (MANY as u64, MANY as u64 * 5_000);
    Ok(Given { name: "1,000 runs with 5,000 points each", runs, points, bytes, folder })
}

fn table() -> Result<Given> {
    let folder = Folder::create()?;
    let run = folder.path.join("run");
    std::fs::create_dir(&run)?;
    let bytes = generate::table(&run.join("metrics.csv"), 1_000_000)?;
    Ok(Given { name: "CSV of a million rows by five columns", runs: 1, points: 4_000_000, bytes, folder })
}

fn compare(workspace: &Workspace, peer: Option<&Path>, given: &Given) -> Result<(Vec<Cost>, Vec<Cost>)> {
    say(&format!("{}: {} bytes", given.name, given.bytes));
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(index(workspace, given)?);
        if let Some(peer) = peer {
            theirs.push(peer::load(peer, &given.folder.path)?);
        }
    }
    Ok((ours, theirs))
}

/// What there is to say of a folder; `factor` is how many times as long as the peer it may take.
fn told(given: &Given, ours: &[Cost], theirs: &[Cost], factor: Option<f64>, memory: Target) -> Vec<Figure> {
    let seconds = |costs: &[Cost]| median_of(costs, |cost| cost.seconds);
    let mib = |costs: &[Cost]| median_of(costs, |cost| cost.mib);
    let mut figures = vec![match (factor, theirs.is_empty()) {
        (Some(factor), false) => {
            Figure::aimed(given.name, seconds(ours), "s", Target::Below(factor * seconds(theirs)))
        }
        _ => Figure::told(given.name, seconds(ours), "s"),
    }];
    figures.push(Figure::aimed(format!("{}, memory", given.name), mib(ours), "MiB", memory));
    if !theirs.is_empty() {
        figures.push(Figure::told(format!("{}, data server", given.name), seconds(theirs), "s"));
        figures.push(Figure::told(format!("{}, data server, memory", given.name), mib(theirs), "MiB"));
    }
    figures
}

fn median_of(costs: &[Cost], of: fn(&Cost) -> f64) -> f64 {
    median(&costs.iter().map(of).collect::<Vec<_>>())
}

/// Has a new engine index a folder.
fn index(workspace: &Workspace, given: &Given) -> Result<Cost> {
    let engine = Engine::start(workspace, &[])?;
    let started = Instant::now();
    watch(&engine, &given.folder.path)?;
    let runs = wait_until_indexed(&engine)?;
    let cost = Cost { seconds: started.elapsed().as_secs_f64(), mib: peak_memory(engine.id())? };
    ensure!(runs == given.runs, "{} runs were found instead of {}", runs, given.runs);
    let points = points(&engine)?;
    ensure!(points == given.points, "{points} points were stored instead of {}", given.points);
    Ok(cost)
}

/// Has an engine watch a folder.
pub fn watch(engine: &Engine, folder: &Path) -> Result<()> {
    engine.call("watch.add", &json!({ "path": folder })).map(drop)
}

/// Waits until nothing is left to be read; returns how many runs there are.
pub fn wait_until_indexed(engine: &Engine) -> Result<u64> {
    let limit = Instant::now() + LIMIT;
    loop {
        let answer = engine.call("watch.list", &json!({}))?;
        let folders = answer["folders"].as_array().context("no list of watch folders")?;
        let looking = |folder: &Value| folder["looking"] != json!(false) || folder["looked_at"].is_null();
        if !folders.is_empty() && !folders.iter().any(looking) {
            return Ok(folders.iter().filter_map(|folder| folder["runs"].as_u64()).sum());
        }
        if Instant::now() > limit {
            bail!("not all was read within {} s", LIMIT.as_secs());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// All runs, five hundred at a time.
pub fn rows(engine: &Engine) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    loop {
        let wanted = json!({ "query": "", "sort": [], "columns": [], "offset": all.len(), "limit": 500 });
        let mut answer = engine.call("runs.list", &wanted)?;
        let Value::Array(rows) = answer["rows"].take() else { bail!("no list of runs") };
        if rows.is_empty() {
            return Ok(all);
        }
        all.extend(rows);
    }
}

fn points(engine: &Engine) -> Result<u64> {
    Ok(rows(engine)?.iter().filter_map(|row| row["points"].as_u64()).sum())
}

/// The most memory that a process ever had, in MiB (`VmHWM` of proc(5)).
pub fn peak_memory(process: u32) -> Result<f64> {
    let status =
        std::fs::read_to_string(format!("/proc/{process}/status")).context("asking for its memory")?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    Ok(kib.context("the system does not tell its memory")?.trim().parse::<f64>()? / 1024.0)
}
