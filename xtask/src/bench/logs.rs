//! A log of 5 GB: how soon its last lines are there, and how fast it is searched, against ripgrep on the same file, in
//! turns. Where the disk has no room for that, the log is smaller, which is said. Smaller ones with colours and with
//! progress bars are searched in the same way, for what neither cuts: both count the same lines.

use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::engine::{Engine, Folder};
use super::runs::generate::{self, Look};
use super::runs::{rows, wait_until_indexed, watch};
use super::{Figure, ROUNDS, Target, median};
use crate::process::{find_program, say};
use crate::workspace::Workspace;

const GB: u64 = 1_000_000_000;

/// What is looked for: a name for it, the pattern, whether it is an expression, whether letters' cases differ.
const PATTERNS: [(&str, &str, bool, bool); 6] = [
    ("a text", "the needle in the hay", false, true),
    ("a text in any case", "the needle in the hay", false, false),
    ("an expression with a text", r"loss=9\.[0-9]{6}", true, true),
    ("classes", r"[A-Z]{5,}[0-9]+", true, true),
    ("alternatives in any case", r"(cuda|nccl) (error|timeout)", true, false),
    ("what is in every line", "epoch", false, true),
];

/// A line with all of these.
const NEEDLE: &str = "epoch 1: CUDA error, here is the needle in the hay, ABCDEF123 loss=9.123456";

/// The logs: a name for what they are, that of the file, how they look, and their size at most.
const LOGS: [(&str, &str, Look, u64); 3] = [
    ("", "train.out.txt", Look::Plain, 5 * GB),
    (" in colours", "colours.out.txt", Look::Colours, 2 * GB),
    (" with progress bars", "bars.out.txt", Look::Bars, 2 * GB),
];

/// Makes the log, and takes the samples.
pub fn measure(workspace: &Workspace) -> Result<Vec<Figure>> {
    let folder = Folder::create()?;
    let free = rustix::fs::statvfs(&folder.path).context("asking for the room on the disk")?;
    let wanted = if free.f_bavail * free.f_frsize > 15 * GB { 5 * GB } else { GB };
    let run = folder.path.join("run");
    std::fs::create_dir(&run)?;
    generate::table(&run.join("metrics.csv"), 10)?;
    let mut sizes = Vec::new();
    for (_, file, look, most) in LOGS {
        let bytes = generate::log(&run.join(file), wanted.min(most), look, NEEDLE)?;
        say(&format!("a log of {bytes} bytes, {file}"));
        sizes.push(bytes);
    }

    let engine = Engine::start(workspace, &[])?;
    watch(&engine, &folder.path)?;
    wait_until_indexed(&engine)?;
    let rows = rows(&engine)?;
    let uid = rows.first().and_then(|row| row["uid"].as_str()).context("no run was found")?.to_owned();
    let mut figures = tail(&engine, &uid, &run.join(LOGS[0].1), sizes[0])?;
    for ((name, file, ..), bytes) in LOGS.into_iter().zip(sizes) {
        figures.extend(search(&engine, &uid, name, &run.join(file), bytes)?);
    }
    Ok(figures)
}

/// The last 2,000 lines, as the window asks for them; the first time without the file's end in memory.
fn tail(engine: &Engine, uid: &str, path: &Path, bytes: u64) -> Result<Vec<Figure>> {
    let wanted = json!({ "uid": uid, "path": "train.out.txt", "lines": 2_000 });
    let ask = |cold: bool| -> Result<f64> {
        if cold {
            let file = std::fs::File::open(path)?;
            file.sync_all()?;
            rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
        }
        let started = Instant::now();
        let answer = engine.call("files.read", &wanted)?;
        let taken = started.elapsed().as_secs_f64() * 1e3;
        ensure!(answer["next"].as_u64() == Some(bytes), "the answer does not end where the log does");
        Ok(taken)
    };
    let cold = (0..5).map(|_| ask(true)).collect::<Result<Vec<_>>>()?;
    let warm = (0..20).map(|_| ask(false)).collect::<Result<Vec<_>>>()?;
    #[expect(clippy::cast_precision_loss, reason = "a few GB")]
    let size = bytes as f64 / 1e9;
    Ok(vec![
        Figure::told("size of the log", size, "GB"),
        Figure::aimed("its last 2,000 lines, not in memory before", median(&cold), "ms", Target::Below(20.0)),
        Figure::told("its last 2,000 lines, once more", median(&warm), "ms"),
    ])
}

fn search(engine: &Engine, uid: &str, log: &str, path: &Path, bytes: u64) -> Result<Vec<Figure>> {
    let file = path.file_name().and_then(|name| name.to_str()).context("no name")?;
    let peer = find_program("rg");
    if peer.is_none() {
        say("ripgrep is not installed: the search is compared with nothing");
    }
    #[expect(clippy::cast_precision_loss, reason = "a few GB")]
    let rate = |seconds: f64| bytes as f64 / 1e9 / seconds;
    let mut figures = Vec::new();
    for (name, pattern, regex, case) in PATTERNS {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let started = Instant::now();
            let mut count = 0;
            let mut from = 0;
            loop {
                let wanted = json!({
                    "uid": uid, "path": file, "pattern": pattern, "regex": regex, "case": case, "from": from, "limit": 0,
                });
                let answer = engine.call("files.search", &wanted)?;
                count += answer["count"].as_u64().context("no count")?;
                from = answer["next"].as_u64().context("no place to go on")?;
                if answer["done"] == json!(true) {
                    break;
                }
            }
            ours.push(rate(started.elapsed().as_secs_f64()));
            if let Some(peer) = &peer {
                let mut grep = std::process::Command::new(peer);
                grep.args(["--no-config", "--count", "--include-zero"]);
                grep.args((!regex).then_some("--fixed-strings")).args((!case).then_some("--ignore-case"));
                grep.arg("--regexp").arg(pattern).arg(path).stdin(Stdio::null()).stderr(Stdio::inherit());
                let started = Instant::now();
                let output = grep.output().context("running ripgrep")?;
                theirs.push(rate(started.elapsed().as_secs_f64()));
                let counted = String::from_utf8_lossy(&output.stdout).trim().parse::<u64>()?;
                ensure!(counted == count && count > 0, "{name}{log}: {count} lines instead of {counted}");
            }
        }
        let title = format!("searched{log} for {name}");
        if theirs.is_empty() {
            figures.push(Figure::told(title, median(&ours), "GB/s"));
        } else {
            let aim = Target::AtLeast(median(&theirs) / 2.0);
            figures.push(Figure::aimed(
                format!("{title}, against half of ripgrep"),
                median(&ours),
                "GB/s",
                aim,
            ));
        }
    }
    Ok(figures)
}
