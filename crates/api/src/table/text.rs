//! Tables as text.

use std::fmt::Write as _;

use athanor_engine::store::runs::RunCell;
use serde_json::{Map, Value};

use super::{Table, exact, is_numeric, label, rounded};
use crate::wire::Cell;

/// Comma-separated values by RFC 4180: lines end in CR LF; a field with a comma, a quote, a line end or spaces at an end
/// is in quotes. The first column is the run's uid.
#[must_use]
pub fn csv(table: &Table) -> String {
    let mut text = String::from("uid");
    for field in &table.columns {
        text.push(',');
        csv_field(&mut text, &field.column());
    }
    text.push_str("\r\n");
    for row in &table.rows {
        csv_field(&mut text, &row.run.uid);
        for (field, cell) in table.columns.iter().zip(&row.cells) {
            text.push(',');
            csv_field(&mut text, &exact(field, cell));
        }
        text.push_str("\r\n");
    }
    text
}

fn csv_field(text: &mut String, field: &str) {
    if field.contains([',', '"', '\r', '\n']) || field.trim() != field {
        let _ = write!(text, "\"{}\"", field.replace('"', "\"\""));
    } else {
        text.push_str(field);
    }
}

/// An array with an object for each run: moments and durations are milliseconds, NaN and the infinities text; what a run
/// has not got is null.
#[must_use]
pub fn json(table: &Table) -> String {
    let row = |row: &athanor_engine::store::runs::TableRow| {
        let mut object = Map::new();
        object.insert("uid".into(), Value::from(row.run.uid.as_str()));
        for (field, cell) in table.columns.iter().zip(&row.cells) {
            let value = serde_json::to_value(Cell::from(cell.clone())).unwrap_or(Value::Null);
            object.insert(field.column(), value);
        }
        Value::Object(object)
    };
    let rows: Vec<Value> = table.rows.iter().map(row).collect();
    let mut text = serde_json::to_string_pretty(&rows).unwrap_or_default();
    text.push('\n');
    text
}

/// A table in Markdown, numbers to the right.
#[must_use]
pub fn markdown(table: &Table) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut text = line(table.columns.iter().map(|field| markdown_cell(&label(field))).collect());
    let ways = (0..table.columns.len()).map(|column| if is_numeric(table, column) { "---:" } else { "---" });
    text.push_str(&line(ways.map(str::to_owned).collect()));
    for row in &table.rows {
        let cells = table.columns.iter().zip(&row.cells);
        let cells = cells.map(|(field, cell)| markdown_cell(&rounded(field, cell).unwrap_or_default()));
        text.push_str(&line(cells.collect()));
    }
    text
}

/// Signs that Markdown would take for its own, and line ends, which would end the row.
fn markdown_cell(text: &str) -> String {
    let mut cell = String::new();
    for c in text.chars() {
        match c {
            '|' | '\\' | '`' | '*' | '_' | '<' | '[' | ']' => cell.extend(['\\', c]),
            '\n' | '\r' | '\t' => cell.push(' '),
            c => cell.push(c),
        }
    }
    cell
}

/// A table for the LaTeX package booktabs.
#[must_use]
pub fn latex(table: &Table) -> String {
    let ways: String =
        (0..table.columns.len()).map(|column| if is_numeric(table, column) { 'r' } else { 'l' }).collect();
    let line = |cells: Vec<String>| format!("{} \\\\\n", cells.join(" & "));
    let mut text = format!("% needs \\usepackage{{booktabs}}\n\\begin{{tabular}}{{{ways}}}\n\\toprule\n");
    text.push_str(&line(table.columns.iter().map(|field| latex_text(&label(field))).collect()));
    text.push_str("\\midrule\n");
    for row in &table.rows {
        let cells = table.columns.iter().zip(&row.cells).map(|(field, cell)| match rounded(field, cell) {
            None => "--".to_owned(),
            Some(text) if matches!(cell, RunCell::Number(value) if value.is_finite()) => latex_number(&text),
            Some(text) => latex_text(&text),
        });
        text.push_str(&line(cells.collect()));
    }
    text.push_str("\\bottomrule\n\\end{tabular}\n");
    text
}

fn latex_number(text: &str) -> String {
    match text.split_once('e') {
        Some((mantissa, exponent)) if mantissa.parse::<f64>().is_ok() && exponent.parse::<i32>().is_ok() => {
            format!("${mantissa} \\cdot 10^{{{exponent}}}$")
        }
        _ if text.parse::<f64>().is_ok_and(|value| value < 0.0) => format!("${text}$"),
        _ => latex_text(text),
    }
}

fn latex_text(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => escaped.extend(['\\', c]),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '\\' => escaped.push_str("\\textbackslash{}"),
            '<' => escaped.push_str("\\textless{}"),
            '>' => escaped.push_str("\\textgreater{}"),
            '"' => escaped.push_str("\\textquotedbl{}"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}
