//! A table of runs as text and as a Parquet file.
//!
//! Files for programs (CSV, JSON, Parquet) name a column by its id and hold exact values; tables for people (Markdown,
//! LaTeX) name it by its label and round numbers to five digits.

mod parquet;
mod sheet;
mod text;

use athanor_core::quantity::print_moment;
use athanor_core::query::{Field, Kind, Plain, Stat};
use athanor_core::text::duration;
use athanor_engine::store::runs::{RunCell, TableRow};

pub use self::parquet::parquet;
pub use sheet::sheet;
pub use text::{csv, json, latex, markdown};

/// A table of runs.
#[derive(Debug, Clone)]
pub struct Table {
    /// What is in its columns.
    pub columns: Vec<Field>,
    /// Its rows.
    pub rows: Vec<TableRow>,
}

/// What a column is called by people.
fn label(field: &Field) -> String {
    match field {
        Field::Plain(Plain::Tag) => "tags".into(),
        Field::Plain(plain) => plain.word().into(),
        Field::Config(key) | Field::Metric(key, Stat::Last) => key.clone(),
        Field::Metric(key, stat) => format!("{key} ({})", stat.word().replace('_', " ")),
    }
}

/// Whether a column is set as numbers are.
fn is_numeric(table: &Table, column: usize) -> bool {
    let mut cells = table.rows.iter().map(|row| &row.cells[column]).filter(|cell| **cell != RunCell::Missing);
    match table.columns[column].kind() {
        Kind::Number | Kind::Duration => true,
        Kind::Setting => cells.all(|cell| matches!(cell, RunCell::Number(_))),
        _ => false,
    }
}

/// A cell for programs: exact; moments in UTC, durations in seconds. Empty if there is none.
fn exact(field: &Field, cell: &RunCell) -> String {
    match (cell, field.kind()) {
        (RunCell::Missing, _) => String::new(),
        (RunCell::Bool(yes), _) => yes.to_string(),
        (RunCell::Text(text), _) => text.clone(),
        (RunCell::Number(ms), Kind::Moment) => print_moment(whole(*ms)),
        (RunCell::Number(ms), Kind::Duration) => number(ms / 1000.0),
        (RunCell::Number(value), _) => number(*value),
    }
}

/// A cell for people. None if there is nothing in it.
fn rounded(field: &Field, cell: &RunCell) -> Option<String> {
    Some(match (cell, field.kind()) {
        (RunCell::Missing, _) => return None,
        (RunCell::Bool(yes), _) => yes.to_string(),
        (RunCell::Text(text), _) => text.clone(),
        (RunCell::Number(ms), Kind::Moment) => print_moment(whole(*ms)),
        (RunCell::Number(ms), Kind::Duration) => duration(whole(*ms)),
        (RunCell::Number(value), _) => five_digits(*value),
    })
}

#[allow(clippy::cast_possible_truncation, reason = "milliseconds are whole and far below 2^53")]
fn whole(ms: f64) -> i64 {
    ms as i64
}

/// The shortest text that reads back to the same number.
fn number(value: f64) -> String {
    match value {
        v if v.is_nan() => "nan".into(),
        v if v.is_infinite() => if v > 0.0 { "inf" } else { "-inf" }.into(),
        v if v != 0.0 && !(1e-5..1e16).contains(&v.abs()) => format!("{v:e}"),
        v => v.to_string(),
    }
}

/// Five significant digits, without zeros at the end.
fn five_digits(value: f64) -> String {
    if !value.is_finite() || (value.fract() == 0.0 && value.abs() < 1e15) {
        return number(value);
    }
    // Through the decimal form, so that what is printed is the nearest of five digits.
    format!("{value:.4e}").parse().map_or_else(|_| number(value), number)
}

#[cfg(test)]
mod tests;
