//! Everything that is said of runs side by side, but their texts, their code and what they ran in.
//!
//! Done in two steps, because which points are read depends on the metric that runs are judged by: [`Plan::new`] chooses
//! it and says at which step each run is the best in it, and [`Plan::finish`] takes the values there.

use std::collections::{BTreeMap, BTreeSet};

use super::groups::{groups, labels};
use super::metrics::{beside, target};
use super::settings::settings;
use super::verdict::{members, notes, verdicts};
use super::words::plural;
use super::{Beside, Group, Judged, Place, Row, Value, is_set_aside, natural};
use crate::goal::{Goal, goal};

/// A run to be compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its uid.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// It is not over.
    pub open: bool,
    /// Its settings, each name once.
    pub settings: Vec<(String, Value)>,
    /// Its metrics, each name once.
    pub metrics: Vec<RunMetric>,
}

/// A metric of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunMetric {
    /// Its name.
    pub key: String,
    /// The last value.
    pub last: Option<Place>,
    /// The least finite value, where it was first reached.
    pub min: Option<Place>,
    /// The greatest finite value, where it was first reached.
    pub max: Option<Place>,
}

impl RunMetric {
    fn best(&self, goal: Goal) -> Option<Place> {
        match goal {
            Goal::Min => self.min,
            Goal::Max => self.max,
        }
    }
}

/// Which value of a metric stands for a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Which {
    /// At the best step of the target metric.
    #[default]
    AtTarget,
    /// The best one.
    Best,
    /// The last one.
    Last,
}

/// How runs are to be compared.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Asked {
    /// Place of the run that the others are compared with.
    pub baseline: usize,
    /// The metric that runs are judged by.
    pub target: Option<String>,
    /// Which way metrics are better, in place of what their names tell.
    pub goals: BTreeMap<String, Goal>,
    /// Which value stands for a run.
    pub which: Which,
    /// Columns that the runs of a group agree in, with what each run has there; else the settings.
    pub by: Option<Vec<(String, Vec<Option<Value>>)>>,
}

/// A metric of several runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Its name.
    pub key: String,
    /// Which way it is better.
    pub goal: Option<Goal>,
    /// The goal is what its name tells.
    pub named: bool,
    /// At the best step of the target.
    pub at_target: Vec<Option<Beside>>,
    /// The best values.
    pub best: Vec<Option<Beside>>,
    /// The last values.
    pub last: Vec<Option<Beside>>,
}

impl Metric {
    /// The values that stand for the runs.
    #[must_use]
    pub fn of(&self, which: Which) -> &[Option<Beside>] {
        match which {
            Which::AtTarget => &self.at_target,
            Which::Best => &self.best,
            Which::Last => &self.last,
        }
    }
}

/// Which group is better in a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The metric.
    pub key: String,
    /// Which way it is better.
    pub goal: Goal,
    /// For each group, in their order.
    pub groups: Vec<Judged>,
}

/// Runs side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// What the runs are called among each other.
    pub labels: Vec<String>,
    /// Place of the run that the others are compared with.
    pub baseline: usize,
    /// All settings that some run has.
    pub settings: Vec<Row>,
    /// The metric that runs are judged by.
    pub target: Option<String>,
    /// The step at which each run is the best in it.
    pub best_steps: Vec<Option<f64>>,
    /// All metrics that some run has: the target, then those that all runs have, by name.
    pub metrics: Vec<Metric>,
    /// Which value stands for a run.
    pub which: Which,
    /// The groups, the baseline’s first.
    pub groups: Vec<Group>,
    /// Settings that do not count where groups are made by settings.
    pub set_aside: Vec<String>,
    /// The verdicts, in the order of the metrics.
    pub verdicts: Vec<Verdict>,
    /// The verdict on the target, in sentences.
    pub summary: Vec<String>,
    /// What is to be kept in mind.
    pub notes: Vec<String>,
}

/// A comparison of which the values at the best step are still to be read.
#[derive(Debug, Clone)]
pub struct Plan {
    runs: Vec<Run>,
    asked: Asked,
    target: Option<(String, Goal)>,
    /// By metric, what each run has of it.
    metrics: BTreeMap<String, Vec<Option<RunMetric>>>,
}

impl Plan {
    /// Runs that are to be compared so.
    #[must_use]
    pub fn new(runs: Vec<Run>, asked: Asked) -> Self {
        let mut metrics: BTreeMap<String, Vec<Option<RunMetric>>> = BTreeMap::new();
        for (place, run) in runs.iter().enumerate() {
            for metric in &run.metrics {
                let row = metrics.entry(metric.key.clone()).or_insert_with(|| vec![None; runs.len()]);
                row[place] = Some(metric.clone());
            }
        }
        let of = |key: &str| asked.goals.get(key).copied().or_else(|| goal(key));
        let known = asked.target.as_deref().filter(|key| metrics.contains_key(*key));
        let count = |row: &[Option<RunMetric>]| row.iter().flatten().count();
        let chosen = known.or_else(|| {
            let all = metrics.iter().map(|(key, row)| (key.as_str(), count(row), of(key)));
            target(all)
        });
        // A metric that nothing is known of is judged by its least value until somebody says otherwise.
        let target = chosen.map(|key| (key.to_owned(), of(key).unwrap_or(Goal::Min)));
        Self { runs, asked, target, metrics }
    }

    /// The step at which each run is the best in the target metric.
    #[must_use]
    pub fn best_steps(&self) -> Vec<Option<f64>> {
        let Some((key, goal)) = &self.target else { return vec![None; self.runs.len()] };
        let row = &self.metrics[key];
        row.iter().map(|metric| metric.as_ref()?.best(*goal)?.step).collect()
    }

    /// The comparison, with the values of the metrics of each run at its best step, by run and metric.
    #[must_use]
    pub fn finish(self, mut at_target: Vec<BTreeMap<String, Place>>) -> Comparison {
        let best_steps = self.best_steps();
        let Self { runs, asked, target, metrics } = self;
        let count = runs.len();
        at_target.resize_with(count, BTreeMap::new);
        let names: Vec<String> = runs.iter().map(|run| run.name.clone()).collect();
        let uids: Vec<String> = runs.iter().map(|run| run.uid.clone()).collect();
        let open = runs.iter().filter(|run| run.open).count();
        let rows = settings(runs.into_iter().map(|run| run.settings).collect(), asked.baseline);
        let labels = labels(&names, &uids, &rows);

        let mut all: Vec<Metric> = Vec::with_capacity(metrics.len());
        for (key, row) in metrics {
            let by_name = goal(&key);
            let is_target = target.as_ref().is_some_and(|(target, _)| *target == key);
            let goal = asked.goals.get(&key).copied().or(by_name);
            let goal = goal.or_else(|| target.as_ref().filter(|_| is_target).map(|(_, goal)| *goal));
            let best = |metric: &Option<RunMetric>| metric.as_ref()?.best(goal?);
            let places = |each: &dyn Fn(usize, &Option<RunMetric>) -> Option<Place>| {
                let places: Vec<Option<Place>> =
                    row.iter().enumerate().map(|(run, it)| each(run, it)).collect();
                beside(&places, asked.baseline, goal)
            };
            all.push(Metric {
                goal,
                named: goal.is_some() && goal == by_name,
                at_target: places(&|run, metric| match is_target {
                    true => best(metric),
                    false => at_target[run].get(&key).copied(),
                }),
                best: places(&|_, metric| best(metric)),
                last: places(&|_, metric| metric.as_ref()?.last),
                key,
            });
        }
        let target = target.map(|(key, _)| key);
        all.sort_by(|a, b| {
            let rank = |metric: &Metric| {
                let everywhere = metric.last.iter().all(Option::is_some);
                (target.as_ref() != Some(&metric.key), !everywhere)
            };
            rank(a).cmp(&rank(b)).then_with(|| natural(&a.key, &b.key))
        });

        let mut set_aside = Vec::new();
        let groups = if let Some(by) = &asked.by {
            let columns: Vec<(&str, &[Option<Value>])> =
                by.iter().map(|(key, values)| (key.as_str(), values.as_slice())).collect();
            groups(&columns, &rows, &labels, asked.baseline, &[])
        } else {
            let counts = |row: &&Row| !is_set_aside(&row.key);
            set_aside
                .extend(rows.iter().filter(|row| row.differs && !counts(row)).map(|row| row.key.clone()));
            let columns: Vec<(&str, &[Option<Value>])> =
                rows.iter().filter(counts).map(|row| (row.key.as_str(), row.values.as_slice())).collect();
            // Of a run whose settings nobody wrote down it is not known what it repeats.
            let has = |run: usize| columns.iter().any(|(_, values)| values[run].is_some());
            let apart: Vec<bool> = (0..count).map(|run| !has(run)).collect();
            groups(&columns, &rows, &labels, asked.baseline, &apart)
        };
        let judged = judged(&all, &groups, asked.which);
        let summary = summary(&judged, &groups, target.as_deref(), count);
        let mut notes = notes(judged.iter().map(|verdict| verdict.groups.as_slice()));
        if !judged.is_empty() {
            notes.extend(said_of_values(asked.which, target.as_deref()));
            if open > 0 {
                let are = if open == 1 { "is" } else { "are" };
                notes.push(format!("{} {are} not over yet, and may change this.", plural(open, "run")));
            }
        }
        Comparison {
            labels,
            baseline: asked.baseline,
            settings: rows,
            target,
            best_steps,
            metrics: all,
            which: asked.which,
            groups,
            set_aside,
            verdicts: judged,
            summary,
            notes,
        }
    }
}

/// The verdicts on all metrics that have a goal and that the baseline’s group and another one have values of.
fn judged(metrics: &[Metric], groups: &[Group], which: Which) -> Vec<Verdict> {
    if groups.len() < 2 {
        return Vec::new();
    }
    let labels: Vec<&str> = groups.iter().map(|group| group.label.as_str()).collect();
    let verdict = |metric: &Metric| {
        let goal = metric.goal?;
        let values: Vec<Option<f64>> =
            metric.of(which).iter().map(|beside| beside.map(|beside| beside.place.value)).collect();
        let members = members(groups, &values);
        if members.iter().filter(|members| !members.is_empty()).count() < 2 || members[0].is_empty() {
            return None;
        }
        Some(Verdict { key: metric.key.clone(), goal, groups: verdicts(&members, &labels, goal) })
    };
    metrics.iter().filter_map(verdict).collect()
}

fn said_of_values(which: Which, target: Option<&str>) -> Option<String> {
    Some(match which {
        Which::AtTarget => format!("Each run counts with its values at its own best step of “{}”.", target?),
        Which::Best => {
            "Each run counts with its best value, wherever that was reached: this flatters long and noisy runs.".into()
        }
        Which::Last => "Each run counts with its last value.".into(),
    })
}

fn summary(verdicts: &[Verdict], groups: &[Group], target: Option<&str>, runs: usize) -> Vec<String> {
    let Some(target) = target else {
        return vec!["No metric is known to be better the one way or the other: say the goal of one.".into()];
    };
    if groups.len() < 2 {
        return vec![format!(
            "The {runs} runs differ in nothing but their seeds and places, so there is nothing to judge between them."
        )];
    }
    match verdicts.iter().find(|verdict| verdict.key == target) {
        Some(verdict) => {
            let words =
                verdict.groups.iter().map(|group| group.words.as_str()).filter(|words| !words.is_empty());
            words.map(|words| format!("{words}.")).collect()
        }
        None => vec![format!("Fewer than two of the groups have values of “{target}”.")],
    }
}

/// Names of metrics that several runs have, of which values at a step are wanted; the target has its own.
impl Plan {
    /// Metrics whose values at the best step are to be read, of each run that has one.
    #[must_use]
    pub fn wanted(&self) -> BTreeSet<&str> {
        let target = self.target.as_ref().map(|(key, _)| key.as_str());
        self.metrics.keys().map(String::as_str).filter(|key| Some(*key) != target).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(value: f64, step: f64) -> Option<Place> {
        Some(Place { value, step: Some(step) })
    }

    fn run(name: &str, lr: f64, seed: f64, losses: [f64; 3]) -> Run {
        let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
        let most = losses.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let step = |value: f64| losses.iter().position(|it| *it == value).map_or(0.0, |place| place as f64);
        let metric = RunMetric {
            key: "val/loss".into(),
            last: at(losses[2], 2.0),
            min: at(least, step(least)),
            max: at(most, step(most)),
        };
        let accuracy =
            RunMetric { key: "val/acc".into(), last: at(0.5, 2.0), min: at(0.1, 0.0), max: at(0.9, 1.0) };
        Run {
            uid: format!("r{name}"),
            name: name.into(),
            open: false,
            settings: vec![("lr".into(), Value::Number(lr)), ("seed".into(), Value::Number(seed))],
            metrics: vec![metric, accuracy],
        }
    }

    fn four() -> Vec<Run> {
        vec![
            run("a1", 0.1, 1.0, [3.0, 1.0, 1.5]),
            run("a2", 0.1, 2.0, [3.0, 1.2, 1.1]),
            run("b1", 0.01, 1.0, [3.0, 0.5, 0.9]),
            run("b2", 0.01, 2.0, [3.0, 2.0, 0.68]),
        ]
    }

    #[test]
    fn runs_are_judged_at_the_best_step_of_the_target() {
        let plan = Plan::new(four(), Asked::default());
        assert_eq!(plan.best_steps(), [Some(1.0), Some(2.0), Some(1.0), Some(2.0)]);
        assert_eq!(plan.wanted().into_iter().collect::<Vec<_>>(), ["val/acc"]);
        let read = |value: f64| BTreeMap::from([("val/acc".to_owned(), Place { value, step: Some(1.0) })]);
        let comparison = plan.finish(vec![read(0.8), read(0.81), read(0.85), read(0.88)]);
        assert_eq!(comparison.target.as_deref(), Some("val/loss"));
        assert_eq!(
            comparison.metrics.iter().map(|it| it.key.as_str()).collect::<Vec<_>>(),
            ["val/loss", "val/acc"]
        );
        assert_eq!(
            comparison.groups.iter().map(|it| it.runs.clone()).collect::<Vec<_>>(),
            [vec![0, 1], vec![2, 3]]
        );
        assert_eq!(comparison.set_aside, ["seed"]);
        insta::assert_snapshot!(
            comparison.summary.iter().chain(&comparison.notes).cloned().collect::<Vec<_>>().join("\n")
        );
        assert_eq!(comparison.verdicts[1].groups[1].difference.map(|it| (it * 1e9).round()), Some(6e7));
        let leads: Vec<bool> = comparison.metrics[0].at_target.iter().flatten().map(|it| it.leads).collect();
        assert_eq!(leads, [false, false, true, false]);
    }

    #[test]
    fn a_goal_that_is_turned_turns_target_and_verdict() {
        let goals = BTreeMap::from([("val/loss".to_owned(), Goal::Max)]);
        let asked = Asked { target: Some("val/loss".into()), goals, baseline: 2, ..Asked::default() };
        let plan = Plan::new(four(), asked);
        assert_eq!(plan.best_steps(), [Some(0.0); 4]);
        let comparison = plan.finish(Vec::new());
        assert!(!comparison.metrics[0].named);
        assert_eq!(comparison.groups[0].runs, [2, 3], "the baseline’s group comes first");
        assert_eq!(comparison.metrics[1].at_target, [None; 4], "nothing was read");
    }

    #[test]
    fn runs_without_settings_repeat_nothing() {
        let bare = |place: usize| Run { settings: Vec::new(), ..four().remove(place) };
        let comparison = Plan::new(vec![bare(0), bare(2)], Asked::default()).finish(Vec::new());
        assert_eq!(comparison.groups.len(), 2);
        assert_eq!(comparison.groups[1].label, comparison.labels[1]);
        assert!(!comparison.verdicts.is_empty());
    }

    #[test]
    fn runs_with_nothing_in_common_are_laid_side_by_side_all_the_same() {
        let mut other = run("x", 0.1, 1.0, [1.0, 1.0, 1.0]);
        other.settings = vec![("batch".into(), Value::Number(8.0))];
        other.metrics[0].key = "reward".into();
        other.metrics.truncate(1);
        let comparison = Plan::new(vec![four().remove(0), other], Asked::default()).finish(Vec::new());
        assert!(comparison.settings.iter().all(|row| row.differs));
        assert!(comparison.verdicts.is_empty());
        assert_eq!(comparison.summary, ["Fewer than two of the groups have values of “val/loss”."]);
        let none = Plan::new(
            vec![
                Run { metrics: Vec::new(), ..four().remove(0) },
                Run { metrics: Vec::new(), ..four().remove(1) },
            ],
            Asked::default(),
        );
        assert!(none.finish(Vec::new()).summary[0].starts_with("No metric is known"));
    }

    #[test]
    fn configs_of_tens_of_thousands_of_settings_are_compared_in_no_time() {
        let mut large = four();
        large[0].settings.extend((0..30_000).map(|key| (format!("a.b{key}"), Value::Number(f64::from(key)))));
        let comparison = Plan::new(large, Asked::default()).finish(Vec::new());
        assert_eq!((comparison.settings.len(), comparison.groups.len()), (30_002, 3));
        assert_eq!(comparison.groups[0].label, "a1");
    }

    #[test]
    fn groups_can_be_made_by_columns() {
        let by = vec![(
            "status".to_owned(),
            ["failed", "completed", "failed", "failed"].map(|it| Some(Value::Text(it.into()))).to_vec(),
        )];
        let comparison = Plan::new(four(), Asked { by: Some(by), which: Which::Last, ..Asked::default() })
            .finish(Vec::new());
        let labels: Vec<&str> = comparison.groups.iter().map(|it| it.label.as_str()).collect();
        assert_eq!(labels, ["status=failed", "status=completed"]);
        assert!(comparison.set_aside.is_empty());
    }
}
