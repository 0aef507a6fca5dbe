//! `athanor runs show`

use std::process::ExitCode;

use athanor_api::command::GetRun;
use athanor_api::wire::{self, Number, RunDetail};
use clap::Args;

use super::{cell, number, one_line, plural, status};
use crate::backend::Backend;
use crate::exit::Failure;
use crate::print;

/// What `runs show` takes.
#[derive(Args)]
pub(super) struct Show {
    /// The run’s uid, or a unique beginning of it, four characters at least
    uid: String,
}

/// Prints everything about a run but its points.
pub(super) fn show(backend: &mut Backend, arguments: &Show, json: bool) -> Result<ExitCode, Failure> {
    let detail = backend.call::<GetRun>(&wire::RunRef { uid: arguments.uid.clone() })?;
    if json {
        print::json(&detail)?;
        return Ok(ExitCode::SUCCESS);
    }
    facts(&detail)?;
    metrics(&detail)?;
    if !detail.config.is_empty() {
        println!();
        let rows: Vec<Vec<String>> = detail
            .config
            .iter()
            .map(|setting| vec![one_line(&setting.key), cell("", &setting.value)])
            .collect();
        print::table(&["SETTING", "VALUE"], &rows)?;
    }
    if !detail.checkpoints.is_empty() {
        println!();
        let rows: Vec<Vec<String>> = detail
            .checkpoints
            .iter()
            .map(|found| {
                let step = found.step.map(|step| number(Number(step))).unwrap_or_default();
                let modified = found.modified.map(print::time).unwrap_or_default();
                vec![one_line(&found.path), print::bytes(found.size), step, modified]
            })
            .collect();
        print::table(&["CHECKPOINT", "SIZE", "STEP", "CHANGED"], &rows)?;
    }
    files(&detail)?;
    Ok(ExitCode::SUCCESS)
}

fn facts(detail: &RunDetail) -> Result<(), Failure> {
    let run = &detail.run;
    let steps = match (run.steps, run.total_steps) {
        (Some(steps), Some(total)) => format!("{} of {}", number(Number(steps)), number(Number(total))),
        (Some(steps), None) => number(Number(steps)),
        (None, _) => String::new(),
    };
    let missing = if run.missing { ", its files are gone" } else { "" };
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let lines = [
        ("status", format!("{}{missing}", status(run.status))),
        ("format", run.label.clone()),
        ("project", text(&run.project)),
        ("group", text(&run.group)),
        ("experiment", text(&run.experiment)),
        ("started", run.started.map(print::time).unwrap_or_default()),
        ("finished", run.finished.map(print::time).unwrap_or_default()),
        ("changed", run.changed.map(print::time).unwrap_or_default()),
        ("steps", steps),
        ("points", run.points.to_string()),
        ("tags", run.tags.join(", ")),
        ("host", text(&detail.host)),
        ("commit", text(&detail.commit)),
        ("folder", run.folder.clone()),
        ("part", run.part.clone()),
        ("watched in", text(&detail.watch)),
        ("notes", run.notes.clone()),
    ];
    println!("{}  {}", run.uid, super::name(run));
    let said = lines.iter().filter(|(_, text)| !text.is_empty());
    print::lines(said.map(|(word, text)| format!("{word:<11} {}", one_line(text))))
}

fn metrics(detail: &RunDetail) -> Result<(), Failure> {
    if detail.metrics.is_empty() {
        return Ok(());
    }
    println!();
    let text = |value: Option<f64>| value.map(|value| print::number(Number(value))).unwrap_or_default();
    let rows: Vec<Vec<String>> = detail
        .metrics
        .iter()
        .map(|metric| {
            vec![
                one_line(&metric.key),
                metric.points.to_string(),
                metric.last.map(print::number).unwrap_or_default(),
                text(metric.min),
                text(metric.max),
                text(metric.mean),
                text(metric.median),
                match metric.not_finite {
                    0 => String::new(),
                    count => format!("{count} not finite"),
                },
            ]
        })
        .collect();
    print::table(&["METRIC", "POINTS", "LAST", "MIN", "MAX", "MEAN", "MEDIAN", ""], &rows)
}

fn files(detail: &RunDetail) -> Result<(), Failure> {
    println!();
    let rows: Vec<Vec<String>> = detail
        .files
        .iter()
        .map(|file| {
            let remark = match (&file.refused, file.exists, file.problems.len() as u64) {
                (Some(why), ..) => format!("not read: {why}"),
                (None, false, _) => "gone".into(),
                (None, true, 0) => String::new(),
                (None, true, count) => plural(count, "problem", "problems"),
            };
            vec![one_line(&file.path), file.role.clone(), print::bytes(file.size), one_line(&remark)]
        })
        .collect();
    print::table(&["FILE", "", "SIZE", ""], &rows)?;
    for file in &detail.files {
        for problem in &file.problems {
            let place = problem.place.as_ref().map(|place| format!(", {place}")).unwrap_or_default();
            eprintln!("athanor: {}{place}: {}", one_line(&file.path), one_line(&problem.message));
        }
    }
    if let Some(problem) = &detail.folder_problem {
        eprintln!("athanor: {}", one_line(problem));
    }
    Ok(())
}
