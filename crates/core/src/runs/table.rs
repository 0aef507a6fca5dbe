//! CSV and TSV files of any format, through [`crate::csv`].

use super::{Batch, Checkpoint, Issue, Member, Outcome, Place, Reader, Stream};
use crate::csv::{CsvReader, IssueKind, Outcome as Csv, Rows};

/// How the columns of a table become names of metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Naming {
    /// As they are, after this.
    Prefix(String),
    /// The last column has this name, whatever stands in the header. DVCLive has a file for each metric.
    Last(String),
}

/// Reads a table whose columns keep their names, after the member's prefix.
pub(super) fn reader(member: &Member, from: Option<&Checkpoint>) -> Reader {
    open(Naming::Prefix(member.prefix.clone()), from)
}

/// Reads a table.
pub(super) fn open(naming: Naming, from: Option<&Checkpoint>) -> Reader {
    let saved = from.and_then(|from| serde_json::from_slice(&from.state).ok());
    let csv = saved.map_or_else(CsvReader::new, CsvReader::resume);
    let mut table = Table { csv, naming, keys: Vec::new() };
    table.name_keys();
    Reader::Stream(Box::new(table))
}

/// What has so many bytes and no line end is the beginning of a longer line, not a line that is being written.
const CUT: usize = 2048;

/// Whether the beginning of a file is that of a table with a named step column, and its header. A header that is longer
/// than what there is of the file counts as one if it has the beginning of one.
pub(super) fn header(mut head: &[u8]) -> Option<Vec<String>> {
    let mut csv = CsvReader::new();
    match head.iter().rposition(|byte| matches!(byte, b',' | b'\t' | b';')) {
        Some(last) if head.len() >= CUT && !head.contains(&b'\n') => {
            csv.push(&head[..last]);
            csv.push(b"\n");
            head = b"\n";
        }
        _ => {
            csv.push(head);
        }
    }
    if csv.outcome() == Csv::Waiting && !head.contains(&b'\n') {
        return None;
    }
    let names: Vec<String> = csv.columns().iter().map(|column| column.name.clone()).collect();
    let x = csv.x()?.index();
    names.get(x).is_some_and(|name| !name.is_empty()).then_some(names)
}

struct Table {
    csv: CsvReader,
    naming: Naming,
    /// By column.
    keys: Vec<String>,
}

impl Table {
    fn name_keys(&mut self) {
        let columns = self.csv.columns();
        if columns.len() == self.keys.len() {
            return;
        }
        self.keys = columns
            .iter()
            .enumerate()
            .map(|(index, column)| match &self.naming {
                Naming::Last(name) if index + 1 == columns.len() => name.clone(),
                Naming::Last(_) => column.name.clone(),
                Naming::Prefix(prefix) => format!("{prefix}{}", column.name),
            })
            .collect();
    }
}

/// Takes rows as points of the columns.
struct Points<'a> {
    out: &'a mut Batch,
    step: f64,
    wall_ms: Option<i64>,
}

impl Rows for Points<'_> {
    fn row(&mut self, _: u64, step: f64, wall_ms: Option<i64>) {
        (self.step, self.wall_ms) = (step, wall_ms);
    }

    fn value(&mut self, column: u32, value: f64) {
        self.out.point(column, self.step, value, self.wall_ms);
    }

    fn issue(&mut self, issue: crate::csv::Issue) {
        let message = match issue.kind {
            IssueKind::Ragged { expected, found } => {
                let cells = if found == 1 { "cell" } else { "cells" };
                format!("{found} {cells} where the header has {expected}")
            }
            IssueKind::NoPosition { cell } => format!("“{cell}” is no step"),
            IssueKind::UnclosedQuote => "a quote is not closed".into(),
            // A restart, which the steps show.
            IssueKind::RepeatedHeader => return,
        };
        self.out.issues.push(Issue { place: Place::Line(issue.line), message });
    }
}

impl Stream for Table {
    fn push(&mut self, bytes: &[u8], out: &mut Batch) {
        self.csv.push_to(bytes, &mut Points { out, step: 0.0, wall_ms: None });
        self.name_keys();
    }

    fn finish(&mut self, out: &mut Batch) {
        self.csv.finish_to(&mut Points { out, step: 0.0, wall_ms: None });
        self.name_keys();
    }

    fn offset(&self) -> u64 {
        self.csv.offset()
    }

    fn checkpoint(&self) -> Checkpoint {
        let saved = self.csv.checkpoint();
        // Strings and numbers: this cannot fail; an empty state would make a reader begin anew.
        Checkpoint { offset: saved.offset, state: serde_json::to_vec(&saved).unwrap_or_default() }
    }

    fn outcome(&self) -> Outcome {
        match self.csv.outcome() {
            Csv::Waiting => Outcome::Waiting,
            Csv::Metrics => Outcome::Fits,
            Csv::NotMetrics(why) => Outcome::Refused(why.to_string()),
        }
    }

    fn keys(&self) -> &[String] {
        &self.keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_is_longer_than_what_was_looked_at_is_one() {
        let wide = |first: &str| {
            let names: Vec<String> = (0..1000).map(|number| format!("metric_{number}")).collect();
            format!("{first},{}", names.join(","))
        };
        let table = wide("step");
        assert_eq!(header(&table.as_bytes()[..4096]).map(|names| names[0].clone()).as_deref(), Some("step"));
        assert_eq!(header(&wide("name").as_bytes()[..4096]), None, "it has no steps");
        assert_eq!(header(b"step,loss"), None, "it may still be written");
        assert!(header(b"step,loss\n").is_some());
    }
}
