//! A report as Markdown: texts as they were written, tables in full, charts named.

use std::fmt::Write as _;

use super::{Document, Part, Sheet};

/// Writes a report as Markdown.
#[must_use]
pub fn source(document: &Document) -> String {
    let mut out = String::new();
    if !document.title.is_empty() {
        let _ = writeln!(out, "# {}\n", line(&document.title));
    }
    if !document.made.is_empty() {
        let _ = writeln!(out, "*{}*\n", line(&document.made));
    }
    for part in &document.parts {
        match part {
            Part::Heading(text) => {
                let _ = writeln!(out, "## {}\n", line(text));
            }
            Part::Text(text) => {
                let _ = writeln!(out, "{}\n", text.trim());
            }
            Part::Small(text) => {
                let _ = writeln!(out, "{}\n", line(text));
            }
            Part::Figures(figures) => {
                for figure in figures {
                    let _ = writeln!(out, "**Figure {}.** {}  ", figure.number, line(&figure.caption));
                    for note in &figure.notes {
                        let _ = writeln!(out, "{}  ", line(note));
                    }
                    out.push('\n');
                }
            }
            Part::Table(sheet) => table(&mut out, sheet),
        }
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn table(out: &mut String, sheet: &Sheet) {
    let mut row = |cells: &mut dyn Iterator<Item = String>| {
        let cells: Vec<String> = cells.collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    };
    row(&mut sheet.columns.iter().map(|column| line(&column.label)));
    row(&mut sheet.columns.iter().map(|column| if column.numbers { "---:" } else { "---" }.to_owned()));
    for cells in &sheet.rows {
        row(&mut cells.iter().map(|cell| {
            let text = line(&cell.text);
            if cell.best && !text.trim().is_empty() { format!("**{text}**") } else { text }
        }));
    }
    out.push('\n');
    if let Some(note) = &sheet.note {
        let _ = writeln!(out, "{}\n", line(note));
    }
}

/// Text on one line in which nothing is a sign of Markdown or HTML.
fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '\\' | '`' | '*' | '_' | '<' | '[' | ']' | '#' | '~' | '&' => out.extend(['\\', c]),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
