//! Runs side by side: gathers what there is of each, and lets core say what differs and which is better.
//!
//! `at` finds the value of a metric at a step, `configs` reads config files, `code` asks git, and `environment` brings
//! together what runs ran in. Nothing is written anywhere, and nothing is opened but files that the index knows to be a
//! run's, a few well-known names in its folder, and repositories by way of `git`.

mod at;
mod code;
mod configs;
mod environment;
mod git;

use std::collections::BTreeMap;
use std::time::Duration;

use athanor_core::compare::{Asked, Comparison, Place, Plan, Run, RunMetric, Value, Which};
use athanor_core::goal::{Goal, goal};
use athanor_core::query::Field;
use athanor_core::runs::RunStatus;

pub use code::Code;
pub use configs::{Config, Configs, Named};
pub use environment::{Environments, Section};

use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::store::runs::{MetricFacts, RunCell, RunRow};

/// Runs of one comparison.
const RUNS: usize = 20;
/// Metrics of a run whose values at its best step are read.
const METRICS: usize = 400;
/// Columns that groups are made by.
const BY: usize = 4;
/// A server that does not answer holds up a comparison for so long.
const PATIENCE: Duration = Duration::from_secs(5);

/// How runs are to be compared.
#[derive(Debug, Clone, Default)]
pub struct Asking {
    /// The runs, by uids or unique beginnings of them.
    pub uids: Vec<String>,
    /// The one that the others are compared with; the first if none.
    pub baseline: Option<String>,
    /// The metric that they are judged by.
    pub target: Option<String>,
    /// Which way metrics are better, in place of what their names tell.
    pub goals: BTreeMap<String, Goal>,
    /// Which value stands for a run.
    pub which: Which,
    /// Columns that the runs of a group agree in; the settings if none.
    pub by: Option<Vec<Field>>,
}

/// Runs side by side.
#[derive(Debug, Clone)]
pub struct Compared {
    /// The runs.
    pub runs: Vec<RunRow>,
    /// What is said of them.
    pub comparison: Comparison,
}

impl Engine {
    /// Lays runs side by side.
    ///
    /// # Errors
    /// They are not 2 to 20 different ones that there are, or the store can't be read.
    pub async fn compare(&self, asking: Asking) -> Result<Compared> {
        let store = self.runs().store();
        let rows = self.compared_runs(&asking.uids, 2).await?;
        let baseline = place_of(&rows, asking.baseline.as_deref())?;
        let mut runs = Vec::with_capacity(rows.len());
        for row in &rows {
            let settings = store.settings_of_run(row.id).await?;
            let settings = settings.into_iter().filter_map(|(key, cell)| Some((key, value(cell)?)));
            let metrics = store.metrics_of_run(row.id).await?;
            runs.push(Run {
                uid: row.uid.clone(),
                name: row.name.clone(),
                open: RunStatus::from_name(&row.status).is_some_and(RunStatus::is_open),
                settings: settings.collect(),
                metrics: metrics.into_iter().map(metric).collect(),
            });
        }
        let by = match &asking.by {
            None => None,
            Some(fields) if fields.is_empty() || fields.len() > BY => {
                return Err(Error::invalid("group_by", format!("groups are made by one to {BY} columns")));
            }
            Some(fields) => {
                let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
                let cells = store.run_rows(&ids, fields).await?;
                let column = |(place, field): (usize, &Field)| {
                    let values = cells.iter().map(|row| value(row.cells[place].clone())).collect();
                    (field.column(), values)
                };
                Some(fields.iter().enumerate().map(column).collect())
            }
        };
        if let Some(target) = &asking.target
            && !runs.iter().any(|run| run.metrics.iter().any(|metric| metric.key == *target))
        {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("none of these runs has a metric “{target}”"),
            )
            .in_field("target")
            .hint("“athanor compare” without --target lists those that there are."));
        }
        let asked = Asked { baseline, target: asking.target, goals: asking.goals, which: asking.which, by };
        let plan = Plan::new(runs, asked);
        let (at_target, left_out) = self.values_at_best(&rows, &plan).await?;
        // Configs may have tens of thousands of settings.
        let mut comparison = tokio::task::spawn_blocking(move || plan.finish(at_target)).await?;
        if left_out > 0 {
            comparison.notes.push(format!(
                "Values at the best step were read of {METRICS} metrics, those with a goal first; {left_out} have none here."
            ));
        }
        Ok(Compared { runs: rows, comparison })
    }

    /// Values of each run's metrics at its best step, and of how many metrics none were read.
    async fn values_at_best(
        &self,
        rows: &[RunRow],
        plan: &Plan,
    ) -> Result<(Vec<BTreeMap<String, Place>>, usize)> {
        let mut wanted: Vec<&str> = plan.wanted().into_iter().collect();
        wanted.sort_by_key(|key| goal(key).is_none());
        let left_out = wanted.len().saturating_sub(METRICS);
        wanted.truncate(METRICS);
        let mut all = Vec::with_capacity(rows.len());
        for (row, step) in rows.iter().zip(plan.best_steps()) {
            let mut found = BTreeMap::new();
            for key in step.iter().flat_map(|_| &wanted) {
                if let Some(place) = self.runs().value_at(row.id, key, step.unwrap_or_default()).await? {
                    found.insert((*key).to_owned(), place);
                }
            }
            all.push(found);
        }
        Ok((all, left_out))
    }

    /// The runs of these uids, each once.
    async fn compared_runs(&self, uids: &[String], least: usize) -> Result<Vec<RunRow>> {
        if uids.len() < least || uids.len() > RUNS {
            return Err(Error::invalid(
                "uids",
                format!("{least} to {RUNS} runs are compared, not {}", uids.len()),
            ));
        }
        let mut rows: Vec<RunRow> = Vec::with_capacity(uids.len());
        for uid in uids {
            let row = self.runs().store().find_run(uid).await.map_err(|error| error.in_field("uids"))?;
            if rows.iter().any(|other| other.id == row.id) {
                return Err(Error::invalid("uids", format!("{} ({}) stands there twice", row.name, row.uid)));
            }
            rows.push(row);
        }
        Ok(rows)
    }
}

/// The place of the baseline.
fn place_of(rows: &[RunRow], baseline: Option<&str>) -> Result<usize> {
    let Some(baseline) = baseline else { return Ok(0) };
    let mut fitting =
        rows.iter().enumerate().filter(|(_, row)| row.uid.starts_with(baseline)).map(|(place, _)| place);
    match (fitting.next(), fitting.next()) {
        (Some(place), None) if !baseline.is_empty() => Ok(place),
        (Some(_), Some(_)) => {
            Err(Error::invalid("baseline", format!("several of the runs begin with “{baseline}”")))
        }
        _ => Err(Error::invalid("baseline", format!("“{baseline}” is none of the runs that are compared"))),
    }
}

fn value(cell: RunCell) -> Option<Value> {
    Some(match cell {
        RunCell::Missing => return None,
        RunCell::Bool(yes) => Value::Bool(yes),
        RunCell::Number(number) => Value::Number(number),
        RunCell::Text(text) => Value::Text(text),
    })
}

fn metric(facts: MetricFacts) -> RunMetric {
    let place = |value: Option<f64>, step| value.map(|value| Place { value, step });
    RunMetric {
        key: facts.key,
        last: (facts.count > 0)
            .then(|| Place { value: facts.last.unwrap_or(f64::NAN), step: facts.last_step }),
        min: place(facts.min, facts.min_step),
        max: place(facts.max, facts.max_step),
    }
}
