//! trackio's tables (`trackio/sqlite_storage.py`).
//!
//! - A row of `metrics` is what one call logged: a JSON object, kept as bytes. `"NaN"`, `"Infinity"` and `"-Infinity"`
//!   in quotes are numbers; objects with a `_type` are media and no metrics.
//! - Runs go by `run_id`, in older files by their names. The oldest name the project in each row.
//! - A row of `system_metrics` has no step: it stands at the seconds since the start of the run, as W&B's do, and its
//!   names begin with `system.`.
//! - trackio does not say whether a run has ended.

use std::collections::{HashMap, HashSet};

use super::super::Fact;
use super::super::json::{Cursor, Leaf};
use super::{Cell, Named, Seen, State, Table, Told};

pub(super) const TABLES: [Table; 3] = [
    Table { name: "configs", grows: false, must: false },
    Table { name: "metrics", grows: true, must: true },
    Table { name: "system_metrics", grows: true, must: false },
];

pub(super) struct Trackio {
    pub(super) columns: HashMap<&'static str, Vec<String>>,
    seen: Seen,
    /// Runs whose names were told.
    named: HashSet<String>,
}

impl Trackio {
    pub(super) fn new(columns: HashMap<&'static str, Vec<String>>) -> Self {
        Self { columns, seen: Seen::default(), named: HashSet::new() }
    }

    pub(super) fn forget(&mut self) {
        self.seen = Seen::default();
        self.named.clear();
    }

    pub(super) fn row(
        &mut self,
        table: &'static str,
        cells: &[Cell<'_>],
        stem: &str,
        state: &mut State,
        out: &mut Told,
    ) {
        let Some(columns) = self.columns.get(table) else { return };
        let row = Named { columns, cells };
        let Some(run) = row.text("run_id").or_else(|| row.text("run_name")) else {
            return out.issue(format!("a row of the table {table} names no run"));
        };
        let wall = row.text("timestamp").and_then(moment);
        if !self.named.contains(run) {
            self.named.insert(run.to_owned());
            let facts = &mut out.of(run).facts;
            facts.extend(row.text("run_name").map(|name| Fact::Name(name.to_owned())));
            facts.push(Fact::Project(row.text("project_name").unwrap_or(stem).to_owned()));
        }
        if table == "configs" {
            let key = if row.text("run_id").is_some() { row.get("run_id") } else { row.get("run_name") };
            if let Some(config) = row.text("config")
                && self.seen.is_new(&[key], &[row.get("config")])
            {
                settings(run, config, state, out);
            }
            return;
        }
        if let Some(wall) = wall
            && !state.began.contains_key(run)
        {
            state.began.insert(run.to_owned(), wall);
            out.of(run).facts.push(Fact::Started(wall));
        }
        let step = if table == "metrics" {
            row.get("step").number()
        } else {
            let began = state.began.get(run);
            wall.zip(began).map(|(wall, began)| (wall - began) as f64 / 1000.0)
        };
        let (Some(step), Some(json)) = (step, row.text("metrics")) else {
            return out.issue(format!("a row of the table {table} has no step or no metrics"));
        };
        let Some(numbers) = numbers(json) else {
            return out.issue(format!("a row of the table {table} is no JSON object; it is left out"));
        };
        let prefix = if table == "metrics" { "" } else { "system." };
        for (key, value) in numbers {
            state.point(&format!("{prefix}{key}"), (step, value, wall), run, out);
        }
    }
}

/// Reads a run's settings. trackio's own begin with `_`.
fn settings(run: &str, json: &str, state: &mut State, out: &mut Told) {
    let mut facts = Vec::new();
    let read = Cursor::new(json.as_bytes()).leaves(&mut String::new(), '.', true, &mut |key, leaf| match (
        key, leaf,
    ) {
        ("_Group", Leaf::Text(group)) => facts.push(Fact::Group(group)),
        ("_Created", Leaf::Text(time)) => facts.extend(moment(&time).map(Fact::Started)),
        (key, _) if key.starts_with('_') => {}
        (key, leaf) => facts.push(Fact::Config { key: key.to_owned(), value: leaf.scalar() }),
    });
    if read.is_err() {
        return out.issue(format!("the settings of {run} are no JSON object; they are left out"));
    }
    for fact in &facts {
        if let Fact::Started(began) = fact {
            state.began.entry(run.to_owned()).or_insert(*began);
        }
    }
    out.of(run).facts.extend(facts);
}

/// The numbers in a JSON object with their names; `None`: it is none.
fn numbers(json: &str) -> Option<Vec<(String, f64)>> {
    let (mut numbers, mut media) = (Vec::new(), Vec::new());
    let mut cursor = Cursor::new(json.as_bytes());
    let read = cursor.map(|cursor, key| {
        cursor.leaves(&mut key.clone(), '/', false, &mut |path, leaf| {
            let number = match leaf {
                Leaf::Number(number, _) => Some(number),
                Leaf::Text(text) => match text.as_str() {
                    "NaN" => Some(f64::NAN),
                    "Infinity" => Some(f64::INFINITY),
                    "-Infinity" => Some(f64::NEG_INFINITY),
                    _ => {
                        if let Some(object) = path.strip_suffix("_type") {
                            media.push(object.to_owned());
                        }
                        None
                    }
                },
                _ => None,
            };
            numbers.extend(number.map(|number| (path.to_owned(), number)));
        })
    });
    if read.is_err() || !cursor.is_at_end() {
        return None;
    }
    numbers.retain(|(path, _)| !media.iter().any(|object| path.starts_with(object)));
    Some(numbers)
}

/// Milliseconds since the Unix epoch. A time without a zone, as old ones are, is that of a place that nobody knows.
fn moment(text: &str) -> Option<i64> {
    let time: jiff::Timestamp = text.parse().ok()?;
    Some(time.as_millisecond())
}
