//! `athanor scan`

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use athanor_api::scan::{Progress, patterns, preview, scan};
use athanor_api::wire::{LogPreview, ScanProblem, ScanReport, ScannedEnd, ScannedRun};
use clap::Args;

use crate::exit::Failure;
use crate::print;

/// What `scan` takes.
#[derive(Args)]
#[command(after_help = FORMATS)]
pub struct Arguments {
    /// The folder to look through; with --pattern also a log, of which is shown what would be read
    path: PathBuf,

    /// Read metrics that are printed in logs: auto, pairs, words, a line with {loss} where the number stands, or a
    /// regular expression in slashes
    #[arg(short, long)]
    pattern: Option<String>,

    /// List each run, and not only how many there are
    #[arg(short, long)]
    runs: bool,
}

/// Said at the end of the help.
const FORMATS: &str = "\
Known are the files of TensorBoard, W&B (offline), Lightning, Ultralytics and YOLOv5 to v7, Hugging Face
Trainer, Keras CSVLogger, detectron2, MMEngine, mmdetection, RLlib, Stable-Baselines3, Baselines and
Spinning Up, MLflow (files and mlflow.db), trackio, DVCLive, Sacred, Hydra, job status folders, and any
CSV, TSV or JSON lines file with a column of steps, iterations or epochs.

Not looked into: .git, .hg, .svn, __pycache__, node_modules.";

/// Lines of a log that are shown.
const PREVIEWED: usize = 20;

/// Between two lines of progress on a terminal.
const PACE: Duration = Duration::from_millis(100);

/// Says what would be indexed in a folder. Indexes nothing, writes nothing, needs no engine.
pub fn run(arguments: &Arguments, json: bool) -> Result<ExitCode, Failure> {
    if let Some(pattern) = &arguments.pattern
        && arguments.path.is_file()
    {
        return show_preview(&preview(&arguments.path, pattern, PREVIEWED)?, json);
    }
    let mut line = ProgressLine { shown: None, is_terminal: std::io::stderr().is_terminal() && !json };
    let report = scan(&arguments.path, arguments.pattern.as_deref(), |progress| line.show(progress));
    line.clear();
    let report = report?;
    if json {
        print::json(&report)?;
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.runs {
        list_runs(&report)?;
    } else {
        list_formats(&report)?;
    }
    list_media(&report)?;
    let files = plural(report.files, "file", "files");
    let folders = plural(report.folders, "folder", "folders");
    println!("{files} in {folders}, {} read. Nothing was indexed.", print::bytes(report.bytes));
    list_left(&report)?;
    if !report.problems.is_empty() {
        println!();
        println!("What can’t be read:");
        print::lines(report.problems.iter().map(problem))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Each line of a log with what is read in it below.
fn show_preview(preview: &LogPreview, json: bool) -> Result<ExitCode, Failure> {
    if json {
        print::json(preview)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut lines = Vec::new();
    for line in &preview.lines {
        let step = line.step.map(|step| format!("{} {step}", line.x.as_deref().unwrap_or("step")));
        let values = line.values.iter().map(|(key, value)| format!("{key} = {}", value.0));
        let read: Vec<String> = step.into_iter().chain(values).collect();
        lines.push(format!("{:>6}  {}", line.line, line.text));
        lines.push(format!("        → {}", read.join(", ")));
    }
    print::lines(lines)?;
    if preview.points == 0 {
        println!("The pattern finds no metric in {}.", plural(preview.seen, "line", "lines"));
        println!("Patterns that go by a name:");
        print::lines(patterns().iter().map(|(name, reads)| format!("  {name:<6} {reads}")))?;
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "{} of {} give {} of {}: {}",
        preview.read,
        plural(preview.seen, "line", "lines"),
        plural(preview.points, "point", "points"),
        plural(preview.metrics.len() as u64, "metric", "metrics"),
        preview.metrics.join(", ")
    );
    Ok(ExitCode::SUCCESS)
}

fn list_formats(report: &ScanReport) -> Result<(), Failure> {
    if report.formats.is_empty() {
        println!("No runs: no file here is of a format that is known. “athanor scan --help” lists them.");
        return Ok(());
    }
    let row = |label: &str, runs: u64, metrics: u64, points: u64| {
        vec![label.to_owned(), runs.to_string(), metrics.to_string(), points.to_string()]
    };
    let mut rows: Vec<Vec<String>> = report
        .formats
        .iter()
        .map(|format| row(&format.label, format.runs, format.metrics, format.points))
        .collect();
    if rows.len() > 1 {
        let sum = |of: fn(&athanor_api::wire::ScannedFormat) -> u64| report.formats.iter().map(of).sum();
        rows.push(row("All", sum(|f| f.runs), sum(|f| f.metrics), sum(|f| f.points)));
    }
    print::table(&["FORMAT", "RUNS", "METRICS", "POINTS"], &rows)
}

fn list_runs(report: &ScanReport) -> Result<(), Failure> {
    if report.runs.is_empty() {
        return list_formats(report);
    }
    let rows: Vec<Vec<String>> = report
        .runs
        .iter()
        .map(|run| {
            let ended = match run.ended {
                Some(ScannedEnd::Completed) => "completed",
                Some(ScannedEnd::Failed) => "failed",
                Some(ScannedEnd::Cancelled) => "cancelled",
                None => "",
            };
            vec![
                name(run),
                run.format.clone(),
                run.metrics.to_string(),
                run.points.to_string(),
                run.settings.to_string(),
                ended.into(),
            ]
        })
        .collect();
    print::table(&["RUN", "FORMAT", "METRICS", "POINTS", "SETTINGS", "ENDED"], &rows)
}

/// What is there beside points.
fn list_media(report: &ScanReport) -> Result<(), Failure> {
    let mut kinds: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for media in report.runs.iter().flat_map(|run| &run.media) {
        let (count, runs) = kinds.entry(&media.kind).or_default();
        *count += media.count;
        *runs += 1;
    }
    let words = |(kind, (count, runs)): (&str, (u64, u64))| {
        format!("  {kind}: {count} in {}", plural(runs, "run", "runs"))
    };
    if kinds.is_empty() {
        return Ok(());
    }
    println!("Beside points:");
    print::lines(kinds.into_iter().map(words))?;
    println!();
    Ok(())
}

/// Files that do not end with the end of a record or line.
fn list_left(report: &ScanReport) -> Result<(), Failure> {
    let files = report.runs.iter().flat_map(|run| &run.files).filter(|file| file.left > 0);
    let lines: Vec<String> =
        files.map(|file| format!("  {}: {} at its end", file.path, print::bytes(file.left))).collect();
    if lines.is_empty() {
        return Ok(());
    }
    println!();
    println!("Not whole yet, and read on when they grow:");
    print::lines(lines)
}

fn name(run: &ScannedRun) -> String {
    match (run.folder.as_str(), run.part.as_str()) {
        ("", "") => ".".into(),
        (folder, "") => folder.into(),
        ("", part) => part.into(),
        (folder, part) => format!("{folder}: {part}"),
    }
}

/// A place that can't be read, in a line.
pub fn problem(problem: &ScanProblem) -> String {
    let path = if problem.path.is_empty() { "." } else { &problem.path };
    let place = match (problem.line, problem.byte) {
        (Some(line), _) => format!(", line {line}"),
        (_, Some(byte)) => format!(", byte {byte}"),
        _ => String::new(),
    };
    let more = match problem.more {
        0 => String::new(),
        1 => " (and 1 more place)".into(),
        more => format!(" (and {more} more places)"),
    };
    format!("  {path}{place}: {}{more}", problem.message)
}

fn plural(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// One line on standard error that is written over and over, if people look.
struct ProgressLine {
    shown: Option<Instant>,
    is_terminal: bool,
}

impl ProgressLine {
    fn show(&mut self, progress: Progress) {
        if !self.is_terminal || self.shown.is_some_and(|shown| shown.elapsed() < PACE) {
            return;
        }
        self.shown = Some(Instant::now());
        let mut err = std::io::stderr().lock();
        let done = match progress.runs {
            0 => format!("{} files seen", progress.files),
            runs => format!("{} of {} read", progress.read, plural(runs, "run", "runs")),
        };
        // A terminal that takes no more is no reason to stop.
        let _ = write!(err, "\r\x1b[K{done}").and_then(|()| err.flush());
    }

    fn clear(&self) {
        if self.shown.is_some() {
            let _ = write!(std::io::stderr().lock(), "\r\x1b[K");
        }
    }
}
