//! What plots are made from: columns of values, one for each run.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::super::short;
use crate::text::duration;

/// What a run has in a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing.
    Missing,
    /// True or false.
    Bool(bool),
    /// A number, which may be NaN.
    Number(f64),
    /// Text.
    Text(String),
}

/// What the numbers of a column are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ValueKind {
    /// Numbers.
    #[default]
    Plain,
    /// Moments: UTC milliseconds.
    Moment,
    /// Durations: milliseconds.
    Duration,
}

/// A run, or whatever else is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// What it is called.
    pub name: String,
    /// Index of its colour in the palette.
    pub colour: usize,
}

/// The runs that are drawn.
pub type Runs<'a> = &'a [Subject];

/// A value for each run.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// What it is called.
    pub name: String,
    /// What its numbers are.
    pub kind: ValueKind,
    /// As many as there are runs.
    pub values: Vec<Value>,
}

/// Runs that agree in what they are grouped by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What they agree in.
    pub label: String,
    /// Their places among the runs.
    pub runs: Vec<usize>,
}

impl Value {
    /// A number, also of true (1) and false (0).
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Bool(yes) => Some(f64::from(u8::from(*yes))),
            Self::Missing | Self::Text(_) => None,
        }
    }

    /// As it is read.
    #[must_use]
    pub fn say(&self, kind: ValueKind, zone: &TimeZone) -> String {
        match self {
            Self::Missing => "none".into(),
            Self::Bool(yes) => yes.to_string(),
            Self::Text(text) => text.clone(),
            Self::Number(number) => say(*number, kind, zone),
        }
    }

    /// The order of categories: numbers, true and false, text, nothing. Equal numbers are one, whatever their type.
    fn key(&self) -> (u8, f64, &str) {
        match self {
            Self::Number(number) => {
                (u8::from(number.is_nan()), if number.is_nan() { 0.0 } else { number + 0.0 }, "")
            }
            Self::Bool(yes) => (2, f64::from(u8::from(*yes)), ""),
            Self::Text(text) => (3, 0.0, text),
            Self::Missing => (4, 0.0, ""),
        }
    }

    /// Which of two categories comes first.
    pub(super) fn order(&self, other: &Self) -> std::cmp::Ordering {
        let (a, b) = (self.key(), other.key());
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then_with(|| a.2.cmp(b.2))
    }
}

/// A number as it is read.
pub(super) fn say(number: f64, kind: ValueKind, zone: &TimeZone) -> String {
    // Beyond 2^63 it saturates, and the timestamp is none.
    let whole = number as i64;
    match kind {
        ValueKind::Plain => short(number, 6),
        _ if !number.is_finite() => short(number, 6),
        ValueKind::Duration => duration(whole),
        ValueKind::Moment => Timestamp::from_millisecond(whole)
            .map(|at| at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string())
            .unwrap_or_else(|_| short(number, 6)),
    }
}

impl Column {
    /// The value of a run.
    pub(super) fn of(&self, run: usize) -> &Value {
        self.values.get(run).unwrap_or(&Value::Missing)
    }

    /// Whether it is drawn on an axis of numbers: it has some, and nothing else.
    pub(super) fn is_numeric(&self) -> bool {
        let other = |value: &Value| matches!(value, Value::Bool(_) | Value::Text(_));
        !self.values.iter().any(other) && self.values.iter().any(|value| matches!(value, Value::Number(_)))
    }

    /// The finite numbers among its values, with their runs.
    pub(super) fn finite(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        let numbers = self.values.iter().enumerate();
        numbers.filter_map(|(run, value)| Some((run, value.number().filter(|number| number.is_finite())?)))
    }

    /// Its different values but nothing, in the order of categories.
    pub(super) fn categories(&self) -> Vec<Value> {
        let mut all: Vec<Value> =
            self.values.iter().filter(|value| **value != Value::Missing).cloned().collect();
        all.sort_by(Value::order);
        all.dedup_by(|a, b| a.order(b).is_eq());
        all
    }

    /// How it is said of a run: `lr: 0.001`.
    pub(super) fn line(&self, run: usize, zone: &TimeZone) -> String {
        format!("{}: {}", self.name, self.of(run).say(self.kind, zone))
    }
}

/// Runs that agree in all of these columns, in the order of what they agree in. Without a column there is one group.
#[must_use]
pub fn group_by(columns: &[Column], count: usize, zone: &TimeZone) -> Vec<Group> {
    let order = |a: usize, b: usize| {
        columns.iter().map(|column| column.of(a).order(column.of(b))).find(|order| order.is_ne())
    };
    let mut runs: Vec<usize> = (0..count).collect();
    runs.sort_by(|&a, &b| order(a, b).unwrap_or(std::cmp::Ordering::Equal));
    let label = |run: usize| match columns {
        [] => "all runs".to_owned(),
        columns => {
            let parts: Vec<String> =
                columns.iter().map(|column| column.of(run).say(column.kind, zone)).collect();
            parts.join(" · ")
        }
    };
    runs.chunk_by(|&a, &b| order(a, b).is_none())
        .map(|runs| Group { label: label(runs[0]), runs: runs.to_vec() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_are_one_group_and_a_text_is_another() {
        let text = |text: &str| Value::Text(text.into());
        let values =
            vec![Value::Number(0.1), text("0.1"), Value::Missing, Value::Number(0.1), Value::Number(-0.0)];
        let column = Column { name: "lr".into(), kind: ValueKind::Plain, values };
        let groups = group_by(&[column], 5, &TimeZone::UTC);
        let told: Vec<(&str, &[usize])> = groups.iter().map(|it| (&*it.label, &*it.runs)).collect();
        assert_eq!(told, [("0", &[4][..]), ("0.1", &[0, 3]), ("0.1", &[1]), ("none", &[2])]);
        assert_eq!(group_by(&[], 2, &TimeZone::UTC)[0].runs, [0, 1]);
        assert!(group_by(&[], 0, &TimeZone::UTC).is_empty());
    }
}
