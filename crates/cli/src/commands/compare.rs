//! `athanor compare`

use std::collections::BTreeMap;
use std::process::ExitCode;

use athanor_api::command::{
    CompareCode, CompareEnvironments, CompareRuns, CompareTexts, ExportComparison, ListComparedConfigs,
};
use athanor_api::wire::{
    self, Cell, ComparedChange as Change, ComparedMetric, ComparedUids, ComparedValue, Comparison, ConfigRef,
    DiffSide, ErrorCode, MetricPlace, Number, RunGoal, TextDiff, VerdictOutcome,
};
use clap::{Args, ValueEnum};

use super::runs::{number, one_line, status};
use crate::backend::Backend;
use crate::exit::{Failure, fail};
use crate::print;

/// What `compare` takes.
#[derive(Args)]
pub struct Arguments {
    /// The runs, by their uids or unique beginnings of them
    #[arg(value_name = "RUN", required = true, num_args = 2..)]
    runs: Vec<String>,

    /// The run that the others are compared with; the first one if not given
    #[arg(short, long, value_name = "RUN")]
    baseline: Option<String>,

    /// The metric that the runs are judged by: each counts with its values at its best step of it
    #[arg(short, long, value_name = "METRIC")]
    target: Option<String>,

    /// Which value of a run counts
    #[arg(long, value_enum, default_value = "at-target")]
    value: Which,

    /// Which way a metric is better, where its name does not tell: METRIC=min or METRIC=max
    #[arg(long, value_name = "METRIC=WAY", value_parser = goal)]
    goal: Vec<(String, RunGoal)>,

    /// Runs that agree in these columns are a group, such as config.lr; else those with the same settings but for the seed
    #[arg(short, long, value_name = "COLUMNS", value_delimiter = ',')]
    group_by: Vec<String>,

    /// Also the settings that do not differ
    #[arg(short, long)]
    all: bool,

    /// Also what differs in the text of the config files
    #[arg(long)]
    configs: bool,

    /// Also which files of the code differ, by git
    #[arg(long)]
    code: bool,

    /// Also what differs in machines, commands, variables and packages
    #[arg(long)]
    environment: bool,

    /// Print the comparison as Markdown
    #[arg(long, conflicts_with_all = ["json", "configs", "code", "environment"])]
    markdown: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    /// At the best step of the target metric
    AtTarget,
    /// The best one
    Best,
    /// The last one
    Last,
}

fn goal(text: &str) -> Result<(String, RunGoal), String> {
    let (metric, way) = text.rsplit_once('=').ok_or("it has the form METRIC=min or METRIC=max")?;
    let way = match way {
        "min" => RunGoal::Min,
        "max" => RunGoal::Max,
        other => return Err(format!("“{other}” is neither min nor max")),
    };
    Ok((metric.to_owned(), way))
}

/// Lines around what differs in a text.
const CONTEXT: u32 = 3;

/// Lays runs side by side.
pub fn run(backend: &mut Backend, arguments: &Arguments, json: bool) -> Result<ExitCode, Failure> {
    let asked = wire::CompareRuns {
        uids: arguments.runs.clone(),
        baseline: arguments.baseline.clone(),
        target: arguments.target.clone(),
        goals: arguments.goal.iter().cloned().collect::<BTreeMap<_, _>>(),
        value: match arguments.value {
            Which::AtTarget => ComparedValue::AtTarget,
            Which::Best => ComparedValue::Best,
            Which::Last => ComparedValue::Last,
        },
        group_by: (!arguments.group_by.is_empty()).then(|| arguments.group_by.clone()),
    };
    if arguments.markdown {
        let text = backend.call::<ExportComparison>(&asked)?.text;
        print!("{text}");
        return Ok(ExitCode::SUCCESS);
    }
    let comparison = backend.call::<CompareRuns>(&asked)?;
    if json && !(arguments.configs || arguments.code || arguments.environment) {
        print::json(&comparison)?;
        return Ok(ExitCode::SUCCESS);
    }
    let parts = Parts::read(backend, arguments, &comparison)?;
    if json {
        let Parts { configs, code, environment } = parts;
        let whole = serde_json::json!({
            "comparison": comparison, "configs": configs, "code": code, "environment": environment,
        });
        print::json(&whole)?;
        return Ok(ExitCode::SUCCESS);
    }
    overview(&comparison)?;
    verdict(&comparison);
    settings(&comparison, arguments.all)?;
    metrics(&comparison)?;
    parts.print(&comparison)?;
    Ok(ExitCode::SUCCESS)
}

/// What was asked for beside settings and metrics.
struct Parts {
    configs: Vec<Result<TextDiff, String>>,
    code: Vec<wire::CodeDiff>,
    environment: Option<wire::ComparedEnvironment>,
}

impl Parts {
    fn read(backend: &mut Backend, arguments: &Arguments, comparison: &Comparison) -> Result<Self, Failure> {
        let uids: Vec<String> = comparison.runs.iter().map(|run| run.run.uid.clone()).collect();
        let base = comparison.baseline as usize;
        let baseline = uids
            .get(base)
            .cloned()
            .ok_or_else(|| fail(ErrorCode::Protocol, "the engine named no baseline"))?;
        let named = ComparedUids { uids: uids.clone(), baseline: Some(baseline.clone()) };
        let others = || uids.iter().filter(|uid| **uid != baseline);
        let mut parts = Self { configs: Vec::new(), code: Vec::new(), environment: None };
        if arguments.configs {
            let all = backend.call::<ListComparedConfigs>(&named)?.runs;
            let of = |uid: &String| all.iter().find(|run| run.uid == *uid);
            let chosen = |uid: &String| {
                let run = of(uid)?;
                Some(ConfigRef { uid: uid.clone(), file: run.chosen.clone()? })
            };
            for uid in others() {
                let (Some(old), Some(new)) = (chosen(&baseline), chosen(uid)) else {
                    let without =
                        [&baseline, uid].into_iter().filter_map(of).find(|run| run.chosen.is_none());
                    let why = without.and_then(|run| Some(format!("{}: {}", run.uid, run.problem.clone()?)));
                    parts.configs.push(Err(why.unwrap_or_default()));
                    continue;
                };
                parts.configs.push(Ok(backend.call::<CompareTexts>(&wire::CompareTexts {
                    old,
                    new,
                    context: Some(CONTEXT),
                })?));
            }
        }
        if arguments.code {
            for uid in others() {
                let pair = wire::CompareCode { old: baseline.clone(), new: uid.clone() };
                parts.code.push(backend.call::<CompareCode>(&pair)?);
            }
        }
        if arguments.environment {
            parts.environment = Some(backend.call::<CompareEnvironments>(&named)?);
        }
        Ok(parts)
    }

    fn print(&self, comparison: &Comparison) -> Result<(), Failure> {
        let base = comparison.baseline as usize;
        let others: Vec<usize> = (0..comparison.runs.len()).filter(|place| *place != base).collect();
        for (place, diff) in others.iter().zip(&self.configs) {
            println!("\nConfig: {} against {}", letter(*place), letter(base));
            match diff {
                Ok(diff) => print::lines(unified(diff))?,
                Err(why) => println!("{}", one_line(why)),
            }
        }
        for (place, code) in others.iter().zip(&self.code) {
            println!("\nCode: {} against {}", letter(*place), letter(base));
            files(code)?;
        }
        if let Some(environment) = &self.environment {
            for section in &environment.sections {
                let rows: Vec<Vec<String>> = section
                    .facts
                    .iter()
                    .filter(|fact| fact.differs)
                    .map(|fact| {
                        let values = fact.values.iter().zip(&fact.changes);
                        let values = values.map(|(value, change)| {
                            marked(&one_line(value.as_deref().unwrap_or("")), *change)
                        });
                        std::iter::once(fact.key.clone()).chain(values).collect()
                    })
                    .collect();
                if rows.is_empty() {
                    println!("\n{}: nothing differs", section.title);
                } else {
                    println!();
                    print_columns(&section.title.to_uppercase(), comparison, &rows)?;
                }
            }
            notes(&environment.notes);
        }
        Ok(())
    }
}

/// A run among others: A, B, …
fn letter(place: usize) -> char {
    u8::try_from(place).ok().and_then(|place| b'A'.checked_add(place)).map_or('?', char::from)
}

fn print_columns(first: &str, comparison: &Comparison, rows: &[Vec<String>]) -> Result<(), Failure> {
    let letters: Vec<String> = (0..comparison.runs.len())
        .map(|place| {
            let mark = if place == comparison.baseline as usize { "*" } else { "" };
            format!("{}{mark}", letter(place))
        })
        .collect();
    let heads: Vec<&str> = std::iter::once(first).chain(letters.iter().map(String::as_str)).collect();
    print::table(&heads, rows)
}

fn overview(comparison: &Comparison) -> Result<(), Failure> {
    let row = |(place, run): (usize, &wire::ComparedRun)| {
        let mark = if place == comparison.baseline as usize { "*" } else { "" };
        vec![
            format!("{}{mark}", letter(place)),
            run.run.uid.clone(),
            one_line(&run.label),
            status(run.run.status).to_owned(),
            run.run.started.map(print::time).unwrap_or_default(),
            run.duration.map(print::duration).unwrap_or_default(),
            run.commit.as_deref().unwrap_or_default().chars().take(10).collect(),
            one_line(run.host.as_deref().unwrap_or_default()),
        ]
    };
    let rows: Vec<Vec<String>> = comparison.runs.iter().enumerate().map(row).collect();
    print::table(&["", "RUN", "NAME", "STATUS", "STARTED", "DURATION", "COMMIT", "HOST"], &rows)?;
    println!("* is the baseline.");
    Ok(())
}

fn verdict(comparison: &Comparison) {
    println!();
    for sentence in &comparison.summary {
        println!("{}", one_line(sentence));
    }
    let others =
        comparison.verdicts.iter().filter(|verdict| Some(&verdict.key) != comparison.target.as_ref());
    for verdict in others {
        for group in &verdict.groups {
            if matches!(group.outcome, VerdictOutcome::Better | VerdictOutcome::Worse) {
                println!("{}: {}.", one_line(&verdict.key), one_line(&group.words));
            }
        }
    }
    notes(&comparison.notes);
    if !comparison.set_aside.is_empty() {
        println!(
            "Not counted as a difference between groups: {}",
            one_line(&comparison.set_aside.join(", "))
        );
    }
}

fn notes(notes: &[String]) {
    for note in notes {
        println!("({})", one_line(note));
    }
}

/// A value with a sign of what became of it, for eyes that see no colours.
fn marked(value: &str, change: Change) -> String {
    match change {
        Change::Same => value.to_owned(),
        Change::Added => format!("+ {value}"),
        Change::Removed => "−".to_owned(),
        Change::Changed => format!("~ {value}"),
    }
}

fn settings(comparison: &Comparison, all: bool) -> Result<(), Failure> {
    let row = |setting: &wire::ComparedSetting| {
        let values = setting.values.iter().zip(&setting.changes);
        let values = values.map(|(value, change)| marked(&cell(value), *change));
        std::iter::once(one_line(&setting.key)).chain(values).collect()
    };
    let shown = comparison.settings.iter().filter(|setting| all || setting.differs);
    let rows: Vec<Vec<String>> = shown.map(row).collect();
    println!();
    if rows.is_empty() {
        println!("No setting differs; {} are the same.", comparison.settings.len());
        return Ok(());
    }
    print_columns("SETTING", comparison, &rows)?;
    let same = comparison.settings.len() - rows.len();
    if same > 0 {
        println!("{same} more are the same; --all prints them, too.");
    }
    Ok(())
}

fn cell(value: &Cell) -> String {
    match value {
        Cell::Missing => String::new(),
        Cell::Bool(yes) => yes.to_string(),
        Cell::Number(value) => number(*value),
        Cell::Text(text) => one_line(text),
    }
}

fn metrics(comparison: &Comparison) -> Result<(), Failure> {
    if comparison.metrics.is_empty() {
        println!("\nNone of the runs has a metric.");
        return Ok(());
    }
    let of = |metric: &ComparedMetric| -> Vec<Option<MetricPlace>> {
        match comparison.value {
            ComparedValue::AtTarget => metric.at_target.clone(),
            ComparedValue::Best => metric.best.clone(),
            ComparedValue::Last => metric.last.clone(),
        }
    };
    let rows: Vec<Vec<String>> = comparison
        .metrics
        .iter()
        .map(|metric| {
            let way = match metric.goal {
                Some(RunGoal::Min) => " ↓",
                Some(RunGoal::Max) => " ↑",
                None => "",
            };
            let name = format!("{}{way}", one_line(&metric.key));
            std::iter::once(name).chain(of(metric).iter().map(place)).collect()
        })
        .collect();
    let which = match (comparison.value, &comparison.target) {
        (ComparedValue::AtTarget, Some(target)) => format!("at the best step of {}", one_line(target)),
        (ComparedValue::Best, _) => "best values".into(),
        _ => "last values".into(),
    };
    println!();
    print_columns("METRIC", comparison, &rows)?;
    println!("Values: {which}. ✓ is the best of all; in brackets, against the baseline.");
    Ok(())
}

fn place(place: &Option<MetricPlace>) -> String {
    let Some(place) = place else { return String::new() };
    let mark = if place.leads { " ✓" } else { "" };
    let share = match place.percent {
        Some(share) if share != 0.0 => format!(" ({share:+.1} %)"),
        _ => String::new(),
    };
    format!("{}{mark}{share}", print::number(Number(place.value.0)))
}

/// A unified diff, as `diff -u` prints it.
fn unified(diff: &TextDiff) -> Vec<String> {
    let mut lines = vec![format!("--- {}", one_line(&diff.old)), format!("+++ {}", one_line(&diff.new))];
    let text = |side: &DiffSide| {
        let whole: String = side.parts.iter().map(|part| part.text.as_str()).collect();
        whole.chars().map(|c| if c.is_control() && c != '\t' { ' ' } else { c }).collect::<String>()
    };
    for hunk in &diff.hunks {
        lines.push(hunk.head.clone());
        let mut added: Vec<String> = Vec::new();
        for row in &hunk.rows {
            if row.same {
                lines.append(&mut added);
                lines.extend(row.old.as_ref().map(|side| format!(" {}", text(side))));
                continue;
            }
            lines.extend(row.old.as_ref().map(|side| format!("-{}", text(side))));
            added.extend(row.new.as_ref().map(|side| format!("+{}", text(side))));
        }
        lines.append(&mut added);
    }
    if diff.hunks.is_empty() {
        lines.push("nothing differs".into());
    }
    lines.extend(diff.notes.iter().map(|note| format!("({})", one_line(note))));
    lines
}

fn files(code: &wire::CodeDiff) -> Result<(), Failure> {
    if let Some(problem) = &code.problem {
        println!("No answer: {}.", one_line(problem));
        if let Some(hint) = &code.hint {
            println!("{}", one_line(hint));
        }
        return Ok(());
    }
    if let (Some(commits), Some(repository)) = (&code.commits, &code.repository) {
        let short = |commit: &str| commit.chars().take(10).collect::<String>();
        println!("{} .. {} in {}", short(&commits.old), short(&commits.new), one_line(repository));
    }
    let count = |lines: Option<u64>, sign: char| {
        lines.map_or_else(|| "binary".into(), |lines| format!("{sign}{lines}"))
    };
    let rows: Vec<Vec<String>> = code
        .files
        .iter()
        .map(|file| {
            let path = match &file.old_path {
                Some(old) => format!("{} (was {})", one_line(&file.path), one_line(old)),
                None => one_line(&file.path),
            };
            let word = match file.change {
                Change::Added => "added",
                Change::Removed => "removed",
                Change::Changed | Change::Same => "changed",
            };
            vec![word.to_owned(), count(file.added, '+'), count(file.removed, '-'), path]
        })
        .collect();
    if rows.is_empty() {
        println!("No file differs.");
    } else {
        print::table(&["", "LINES", "", "FILE"], &rows)?;
    }
    if code.total > code.files.len() as u64 {
        println!("and {} more", code.total - code.files.len() as u64);
    }
    notes(&code.notes);
    Ok(())
}
