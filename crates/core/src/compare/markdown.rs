//! A comparison as Markdown, for a report or an issue.

use std::fmt::Write as _;

use super::words::{decimals, fixed, number_words, percent};
use super::{Beside, Comparison, Which, value_words};
use crate::goal::Goal;

/// Rows of a table that are written; the rest is counted.
const ROWS: usize = 200;

/// A comparison with these facts about its runs: a name each, and what stands there for every run.
#[must_use]
pub fn markdown(comparison: &Comparison, facts: &[(&str, Vec<String>)]) -> String {
    let mut text = format!("## Comparison of {} runs\n\n", comparison.labels.len());
    let heads: Vec<String> = comparison
        .labels
        .iter()
        .enumerate()
        .map(
            |(place, label)| {
                if place == comparison.baseline { format!("{label} (baseline)") } else { label.clone() }
            },
        )
        .collect();
    let rows = facts.iter().filter(|(_, values)| values.iter().any(|value| !value.is_empty()));
    table(&mut text, "", &heads, rows.map(|(name, values)| ((*name).to_owned(), values.clone())));

    if !comparison.summary.is_empty() {
        let of =
            comparison.target.as_deref().map(|target| format!(" on {}", cell(target))).unwrap_or_default();
        let _ = writeln!(text, "\n### Verdict{of}\n");
        for sentence in &comparison.summary {
            let _ = writeln!(text, "- {}", cell(sentence));
        }
    }
    if !comparison.verdicts.is_empty() {
        text.push('\n');
        let groups: Vec<String> = comparison.groups.iter().map(|group| group.label.clone()).collect();
        let rows = comparison.verdicts.iter().map(|verdict| {
            let values = verdict.groups.iter().map(|group| match (group.mean, group.deviation) {
                (Some(mean), Some(deviation)) => {
                    let places = decimals(deviation).max(decimals(mean).min(4));
                    format!("{} ± {} (n = {})", fixed(mean, places), fixed(deviation, places), group.count)
                }
                (Some(mean), None) => format!("{} (n = {})", number_words(mean), group.count),
                (None, _) => String::new(),
            });
            (headed(&verdict.key, Some(verdict.goal)), values.collect())
        });
        table(&mut text, "mean ± standard deviation", &groups, rows);
    }
    if !comparison.notes.is_empty() {
        text.push('\n');
        for note in &comparison.notes {
            let _ = writeln!(text, "> {}  ", cell(note));
        }
    }

    let differing: Vec<_> = comparison.settings.iter().filter(|row| row.differs).collect();
    if !differing.is_empty() {
        text.push_str("\n### Settings that differ\n\n");
        let rows = differing.iter().map(|row| {
            let values = row.values.iter().map(|value| value.as_ref().map_or_else(String::new, value_words));
            (row.key.clone(), values.collect())
        });
        table(&mut text, "setting", &heads, rows);
    }
    if !comparison.metrics.is_empty() {
        let which = match (comparison.which, &comparison.target) {
            (Which::AtTarget, Some(target)) => format!("at the best step of {}", cell(target)),
            (Which::Best, _) => "the best values".into(),
            _ => "the last values".into(),
        };
        let _ = writeln!(text, "\n### Metrics, {which}\n");
        let rows = comparison.metrics.iter().map(|metric| {
            let values = metric
                .of(comparison.which)
                .iter()
                .map(|beside| beside.as_ref().map_or_else(String::new, value));
            (headed(&metric.key, metric.goal), values.collect())
        });
        table(&mut text, "metric", &heads, rows);
    }
    text
}

/// A value with what it is more or less than the baseline’s; bold where it leads.
fn value(beside: &Beside) -> String {
    let number = number_words(beside.place.value);
    let number = if beside.leads { format!("**{number}**") } else { number };
    match beside.percent.filter(|it| *it != 0.0) {
        Some(share) => format!("{number} ({}{})", if share > 0.0 { "+" } else { "" }, percent(share)),
        None => number,
    }
}

fn headed(key: &str, goal: Option<Goal>) -> String {
    match goal {
        Some(Goal::Min) => format!("{key} ↓"),
        Some(Goal::Max) => format!("{key} ↑"),
        None => key.to_owned(),
    }
}

fn table(
    text: &mut String,
    corner: &str,
    heads: &[String],
    rows: impl Iterator<Item = (String, Vec<String>)>,
) {
    let line = |text: &mut String, first: &str, cells: &[String]| {
        let _ = write!(text, "| {} |", cell(first));
        for value in cells {
            let _ = write!(text, " {} |", cell(value));
        }
        text.push('\n');
    };
    line(text, corner, heads);
    let _ = writeln!(text, "| --- |{}", " --- |".repeat(heads.len()));
    let mut left = 0;
    for (place, (first, cells)) in rows.enumerate() {
        if place < ROWS {
            line(text, &first, &cells);
        } else {
            left += 1;
        }
    }
    if left > 0 {
        let _ = writeln!(text, "\nand {left} more");
    }
}

/// Text that neither ends a cell nor begins something else.
fn cell(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '<' | '\\' | '`' => {
                shown.push('\\');
                shown.push(c);
            }
            c if c.is_control() => shown.push(' '),
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::super::{Asked, Place, Plan, Run, RunMetric, Value};
    use super::*;

    #[test]
    fn a_comparison_is_written_for_people() {
        let run = |name: &str, lr: f64, seed: f64, loss: f64| {
            let place = Some(Place { value: loss, step: Some(9.0) });
            Run {
                uid: format!("r{name}"),
                name: name.into(),
                open: false,
                settings: vec![
                    ("lr".into(), Value::Number(lr)),
                    ("seed".into(), Value::Number(seed)),
                    ("note".into(), Value::Text("a|b".into())),
                ],
                metrics: vec![
                    RunMetric { key: "val/loss".into(), last: place, min: place, max: place },
                    RunMetric {
                        key: "lr".into(),
                        last: Some(Place { value: 1e-5, step: None }),
                        min: None,
                        max: None,
                    },
                ],
            }
        };
        let runs = vec![
            run("one", 0.1, 1.0, 0.5),
            run("two", 0.1, 2.0, 0.52),
            run("<x>", 0.01, 1.0, 0.4),
            run("four", 0.01, 2.0, 0.41),
        ];
        let comparison = Plan::new(runs, Asked::default()).finish(Vec::new());
        let facts = [
            ("Status", ["completed", "failed", "completed", "ended"].map(str::to_owned).to_vec()),
            ("Host", vec![String::new(); 4]),
        ];
        insta::assert_snapshot!(markdown(&comparison, &facts));
    }
}
