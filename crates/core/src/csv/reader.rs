//! The state machine: bytes to lines, lines to rows.

use std::collections::HashSet;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};

use super::columns::{Cell, Column, ColumnKind, XColumn, choose_x, is_wall_name, read_cell, wall_ms};
use super::{MAX_COLUMNS, MAX_LINE, MAX_QUOTED, TRIAL_ROWS};

/// One line's points.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Line number in the file, from 1.
    pub line: u64,
    /// Position on the x axis, finite.
    pub step: f64,
    /// Unix time in milliseconds, where the file has a column for it.
    pub wall_ms: Option<i64>,
    /// Column index (see [`CsvReader::columns`]) and value, for each cell that holds a number.
    pub values: Vec<(u32, f64)>,
}

/// A line that gave no points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Line number in the file, from 1.
    pub line: u64,
    /// Byte offset of the line's start in the file.
    pub offset: u64,
    /// What is wrong with it.
    pub kind: IssueKind,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IssueKind {
    /// It has more or fewer cells than the header. Its cells may stand under the wrong names, so none is taken.
    Ragged {
        /// Columns of the header.
        expected: usize,
        /// Cells of the line.
        found: usize,
    },
    /// The cell of the x column is no finite number.
    NoPosition {
        /// The cell, cut to 40 characters.
        cell: String,
    },
    /// A quote was opened and not closed.
    UnclosedQuote,
    /// The header again: a script was restarted on the same file.
    RepeatedHeader,
}

/// What one [`CsvReader::push`] found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// Points, in the order of the file.
    pub rows: Vec<Row>,
    /// Lines that gave none.
    pub issues: Vec<Issue>,
}

/// What is told of a file, row by row.
pub(crate) trait Rows {
    /// A row begins: its line, its position and its time.
    fn row(&mut self, line: u64, step: f64, wall_ms: Option<i64>);

    /// A number of the row that began last, with its column.
    fn value(&mut self, column: u32, value: f64);

    /// A line gave nothing.
    fn issue(&mut self, issue: Issue);
}

impl Rows for Batch {
    fn row(&mut self, line: u64, step: f64, wall_ms: Option<i64>) {
        let like = self.rows.last().map_or(0, |row| row.values.len());
        self.rows.push(Row { line, step, wall_ms, values: Vec::with_capacity(like) });
    }

    fn value(&mut self, column: u32, value: f64) {
        if let Some(row) = self.rows.last_mut() {
            row.values.push((column, value));
        }
    }

    fn issue(&mut self, issue: Issue) {
        self.issues.push(issue);
    }
}

/// Why a file is not read as metrics. Final: the rest of the file is passed over.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum NotMetrics {
    /// The first line has numbers where names should be.
    #[error("the file has no header")]
    NoHeader,
    /// No name of the header is one of a step, iteration or epoch.
    #[error("no column of the header is a step, iteration or epoch")]
    NoXColumn,
    /// There is nothing beside the x column, or no number in many rows.
    #[error("no column beside the x axis holds numbers")]
    NoNumericColumn,
    /// The header has more than [`MAX_COLUMNS`].
    #[error("the header has {0} columns, the limit is {MAX_COLUMNS}")]
    TooManyColumns(usize),
    /// A line is longer than [`MAX_LINE`].
    #[error("line {line} is longer than 16 MiB")]
    LineTooLong {
        /// Its number, from 1.
        line: u64,
    },
}

/// How far the reader has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// No complete header yet.
    Waiting,
    /// It is a metrics file.
    Metrics,
    /// It is not.
    NotMetrics(&'a NotMetrics),
}

/// All that must be remembered to go on reading from [`Checkpoint::offset`].
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Checkpoint {
    /// Bytes consumed, up to the end of the last complete line.
    pub offset: u64,
    lines: u64,
    phase: Phase,
}

impl Default for Checkpoint {
    fn default() -> Self {
        Self { offset: 0, lines: 0, phase: Phase::Header { monitor: false } }
    }
}

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    Header { monitor: bool },
    Rows(Table),
    Refused(NotMetrics),
}

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
struct Table {
    delimiter: u8,
    columns: Vec<Column>,
    x: XColumn,
    wall: Option<usize>,
    rows: u64,
    /// The x position so far, for [`XColumn::RunningSum`].
    sum: f64,
}

/// Where the search for the end of a line stands.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Quote {
    FieldStart,
    Plain,
    Inside,
    /// A quote inside a quoted field: its end, or the first half of a doubled one.
    Ending,
}

/// Reads a growing metrics file. See the [module](super) for the rules.
pub struct CsvReader {
    at: Checkpoint,
    /// The bytes from `at.offset` on.
    pending: Vec<u8>,
    /// How many of `pending` the search has passed, and in which state.
    scanned: usize,
    quote: Quote,
    /// End of the first physical line in `pending`, while the search is beyond it inside quotes.
    first_break: Option<usize>,
    delimiter: u8,
    parser: Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    bounds: Vec<(usize, usize)>,
}

impl Default for CsvReader {
    fn default() -> Self {
        Self::new()
    }
}

impl CsvReader {
    /// A reader at the start of a file.
    pub fn new() -> Self {
        Self::resume(Checkpoint::default())
    }

    /// A reader that goes on where another one was. The next bytes to push are those from `checkpoint.offset` on.
    pub fn resume(checkpoint: Checkpoint) -> Self {
        let delimiter = if let Phase::Rows(table) = &checkpoint.phase { table.delimiter } else { b',' };
        Self {
            at: checkpoint,
            pending: Vec::new(),
            scanned: 0,
            quote: Quote::FieldStart,
            first_break: None,
            delimiter,
            parser: parser(delimiter),
            text: Vec::new(),
            ends: Vec::new(),
            bounds: Vec::new(),
        }
    }

    /// What to store beside the points read so far, in the same transaction.
    pub fn checkpoint(&self) -> Checkpoint {
        self.at.clone()
    }

    /// Bytes consumed, up to the end of the last complete line.
    pub fn offset(&self) -> u64 {
        self.at.offset
    }

    /// Whether this is a metrics file, as far as can be told.
    pub fn outcome(&self) -> Outcome<'_> {
        match &self.at.phase {
            Phase::Header { .. } => Outcome::Waiting,
            Phase::Rows(_) => Outcome::Metrics,
            Phase::Refused(why) => Outcome::NotMetrics(why),
        }
    }

    /// The columns of the header; empty until there is one.
    pub fn columns(&self) -> &[Column] {
        if let Phase::Rows(table) = &self.at.phase { &table.columns } else { &[] }
    }

    /// The x axis, once there is a header.
    pub fn x(&self) -> Option<XColumn> {
        if let Phase::Rows(table) = &self.at.phase { Some(table.x) } else { None }
    }

    /// What a column has held so far.
    pub fn kind(&self, index: usize) -> ColumnKind {
        match self.columns().get(index) {
            _ if matches!(self.x(), Some(XColumn::Cell(x)) if x == index) => ColumnKind::X,
            Some(column) if column.numbers > 0 => ColumnKind::Metric,
            Some(column) if column.texts > 0 => ColumnKind::Text,
            _ => ColumnKind::Empty,
        }
    }

    /// Takes the next bytes of the file, cut anywhere.
    pub fn push(&mut self, bytes: &[u8]) -> Batch {
        let mut batch = Batch::default();
        self.push_to(bytes, &mut batch);
        batch
    }

    /// As [`Self::push`], told row by row.
    pub(crate) fn push_to(&mut self, bytes: &[u8], rows: &mut impl Rows) {
        if matches!(self.at.phase, Phase::Refused(_)) {
            return;
        }
        self.pending.extend_from_slice(bytes);
        let pending = std::mem::take(&mut self.pending);
        let mut start = 0;
        while let Some((end, whole)) = self.next_line(&pending, start) {
            self.line(&pending[start..end], whole, rows);
            start = end;
            if matches!(self.at.phase, Phase::Refused(_)) {
                return;
            }
        }
        self.scanned -= start;
        self.first_break = self.first_break.map(|end| end - start);
        self.pending = pending;
        self.pending.drain(..start);
        if self.pending.len() > MAX_LINE {
            self.refuse(NotMetrics::LineTooLong { line: self.at.lines + 1 });
        }
    }

    /// Takes the last line of a file that ends without a line break. Only for a file that will not grow any more:
    /// `0.5` may be the beginning of `0.52`.
    pub fn finish(&mut self) -> Batch {
        let mut batch = Batch::default();
        self.finish_to(&mut batch);
        batch
    }

    /// As [`Self::finish`], told row by row.
    pub(crate) fn finish_to(&mut self, rows: &mut impl Rows) {
        while !self.pending.is_empty() && !matches!(self.at.phase, Phase::Refused(_)) {
            let pending = std::mem::take(&mut self.pending);
            let (end, whole) = match self.first_break.take() {
                Some(end) => (end, false),
                None => (pending.len(), self.quote != Quote::Inside),
            };
            self.line(&pending[..end], whole, rows);
            (self.scanned, self.quote) = (0, Quote::FieldStart);
            self.push_to(&pending[end..], rows);
        }
    }

    /// Finds the end of the line that starts at `start`, past its line break; false when a quote was left open in it.
    fn next_line(&mut self, pending: &[u8], start: usize) -> Option<(usize, bool)> {
        let delimiter = if let Phase::Rows(table) = &self.at.phase { table.delimiter } else { 0 };
        loop {
            // What is neither a quote nor a line break needs no look: its last byte tells the state behind it.
            if matches!(self.quote, Quote::FieldStart | Quote::Plain) && self.first_break.is_none() {
                let rest = &pending[self.scanned..];
                let plain = memchr::memchr2(b'\n', b'"', rest).unwrap_or(rest.len());
                if let Some(&last) = rest[..plain].last() {
                    self.quote = if last == delimiter { Quote::FieldStart } else { Quote::Plain };
                }
                self.scanned += plain;
            }
            let &byte = pending.get(self.scanned)?;
            self.scanned += 1;
            if byte == b'\n' {
                // Names have no line breaks: the header always ends here.
                if self.quote != Quote::Inside || delimiter == 0 {
                    (self.quote, self.first_break) = (Quote::FieldStart, None);
                    return Some((self.scanned, true));
                }
                self.first_break.get_or_insert(self.scanned);
            }
            if let Some(end) = self.first_break
                && self.scanned - start >= MAX_QUOTED
            {
                (self.scanned, self.quote, self.first_break) = (end, Quote::FieldStart, None);
                return Some((end, false));
            }
            self.quote = match (self.quote, byte) {
                (Quote::FieldStart | Quote::Ending, b'"') => Quote::Inside,
                (Quote::Inside, b'"') => Quote::Ending,
                (Quote::Inside, _) => Quote::Inside,
                (_, byte) if byte == delimiter => Quote::FieldStart,
                _ => Quote::Plain,
            };
        }
    }

    fn refuse(&mut self, why: NotMetrics) {
        self.at.phase = Phase::Refused(why);
        self.pending = Vec::new();
    }

    /// One line with its line break, or several when `whole` and quoted fields span them.
    fn line(&mut self, bytes: &[u8], whole: bool, rows: &mut impl Rows) {
        let (line, offset) = (self.at.lines + 1, self.at.offset);
        self.at.offset += bytes.len() as u64;
        // Without a quote there is one line break at most.
        let quoted = memchr::memchr(b'"', bytes).is_some();
        let breaks = if quoted { memchr::memchr_iter(b'\n', bytes).count() as u64 } else { 1 };
        self.at.lines += breaks.max(1);
        if bytes.len() > MAX_LINE {
            return self.refuse(NotMetrics::LineTooLong { line });
        }
        let mut content = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        content = content.strip_suffix(b"\r").unwrap_or(content);
        if offset == 0 {
            content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
        }
        if content.trim_ascii().is_empty() {
            return;
        }
        if let Phase::Header { monitor } = self.at.phase {
            return self.header(content, monitor);
        }
        let issue = |kind| Issue { line, offset, kind };
        if !whole {
            return rows.issue(issue(IssueKind::UnclosedQuote));
        }
        let found = self.split(content, quoted);
        let Phase::Rows(table) = &mut self.at.phase else { return };
        let text = if quoted { self.text.as_slice() } else { content };
        let cells = Cells { text, bounds: &self.bounds };
        let expected = table.columns.len();
        // A delimiter too many at the end of each line moves nothing.
        let padded = found > expected && (expected..found).all(|i| cells.get(i).trim_ascii().is_empty());
        if found != expected && !padded {
            return rows.issue(issue(IssueKind::Ragged { expected, found }));
        }
        if let Err(kind) = table.row(cells, line, rows) {
            return rows.issue(issue(kind));
        }
        if table.rows == TRIAL_ROWS && !table.has_numbers() {
            self.refuse(NotMetrics::NoNumericColumn);
        }
    }

    /// Splits a line into cells, whose places go to `self.bounds`, and says how many there are. Without a quote they
    /// lie in the line itself, else in `self.text`.
    fn split(&mut self, content: &[u8], quoted: bool) -> usize {
        self.bounds.clear();
        let mut start = 0;
        if quoted {
            let count = self.unquote(content);
            for &end in &self.ends[..count] {
                self.bounds.push((start, end));
                start = end;
            }
            return count;
        }
        for end in memchr::memchr_iter(self.delimiter, content) {
            self.bounds.push((start, end));
            start = end + 1;
        }
        self.bounds.push((start, content.len()));
        self.bounds.len()
    }

    /// Splits a line with quotes into `self.text` and `self.ends` and says how many cells it has.
    fn unquote(&mut self, content: &[u8]) -> usize {
        self.parser.reset();
        self.text.resize(self.text.len().max(content.len() + 1), 0);
        self.ends.resize(self.ends.len().max(64), 0);
        let (mut read, mut written, mut cells) = (0, 0, 0);
        loop {
            let (result, used, out, ends) =
                self.parser.read_record(&content[read..], &mut self.text[written..], &mut self.ends[cells..]);
            read += used;
            written += out;
            cells += ends;
            match result {
                // The end of the input is told by an empty read, which happens in the next round.
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.text.resize(self.text.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record | ReadRecordResult::End => return cells,
            }
        }
    }

    fn header(&mut self, content: &[u8], monitor: bool) {
        let content = content.trim_ascii_start();
        if content.starts_with(b"#{") {
            self.at.phase = Phase::Header { monitor: true };
            return;
        }
        let comment = content.strip_prefix(b"#").map(|rest| rest.trim_ascii_start());
        let content = comment.unwrap_or(content);
        let delimiter = delimiter_of(content);
        (self.parser, self.delimiter) = (parser(delimiter), delimiter);
        let quoted = content.contains(&b'"');
        let count = self.split(content, quoted);
        let cells = Cells { text: if quoted { &self.text } else { content }, bounds: &self.bounds };
        let names: Vec<String> = (0..count.min(MAX_COLUMNS))
            .map(|i| String::from_utf8_lossy(cells.get(i)).trim().to_owned())
            .collect();
        let x = choose_x(&names, monitor);
        if comment.is_some() && x.is_none() {
            return;
        }
        if count > MAX_COLUMNS {
            return self.refuse(NotMetrics::TooManyColumns(count));
        }
        if names.iter().all(|name| name.is_empty() || name.parse::<f64>().is_ok()) {
            return self.refuse(NotMetrics::NoHeader);
        }
        let Some(x) = x else { return self.refuse(NotMetrics::NoXColumn) };
        if !names.iter().enumerate().any(|(i, name)| i != x.index() && !name.is_empty()) {
            return self.refuse(NotMetrics::NoNumericColumn);
        }
        let wall = names.iter().position(|name| is_wall_name(name)).filter(|&wall| wall != x.index());
        let columns = unique(names);
        self.at.phase = Phase::Rows(Table { delimiter, columns, x, wall, rows: 0, sum: 0.0 });
    }
}

impl Table {
    fn row(&mut self, cells: Cells<'_>, line: u64, rows: &mut impl Rows) -> Result<(), IssueKind> {
        let decimal_comma = self.delimiter == b';';
        let x_cell = cells.get(self.x.index());
        let x = match read_cell(x_cell, decimal_comma) {
            Cell::Number(x) if x.is_finite() => x,
            _ if self.repeats_header(cells) => return Err(IssueKind::RepeatedHeader),
            _ => {
                let cell = String::from_utf8_lossy(x_cell).trim().chars().take(40).collect();
                return Err(IssueKind::NoPosition { cell });
            }
        };
        let (step, own) = match self.x {
            XColumn::Cell(at) => (x, Some(at)),
            XColumn::RunningSum(_) => {
                self.sum = (self.sum + x).clamp(f64::MIN, f64::MAX);
                (self.sum, None)
            }
        };
        self.rows += 1;
        // A cell of that column which is no plausible time is a number like any other.
        let time = self.wall.and_then(|at| match read_cell(cells.get(at), decimal_comma) {
            Cell::Number(number) => Some((at, wall_ms(number)?)),
            _ => None,
        });
        rows.row(line, step, time.map(|(_, wall)| wall));
        for (i, column) in self.columns.iter_mut().enumerate() {
            if own == Some(i) || column.name.is_empty() || time.is_some_and(|(at, _)| at == i) {
                continue;
            }
            match read_cell(cells.get(i), decimal_comma) {
                Cell::Nothing => {}
                Cell::Text => column.texts += 1,
                Cell::Number(number) => {
                    column.numbers += 1;
                    // At most MAX_COLUMNS.
                    rows.value(i as u32, number);
                }
            }
        }
        Ok(())
    }

    fn repeats_header(&self, cells: Cells<'_>) -> bool {
        let x = self.x.index();
        String::from_utf8_lossy(cells.get(x)).trim() == self.columns[x].name
            && !self.columns[x].name.is_empty()
    }

    fn has_numbers(&self) -> bool {
        let x = self.x.index();
        self.columns.iter().enumerate().any(|(i, column)| i != x && column.numbers > 0)
    }
}

/// The cells of one split line.
#[derive(Clone, Copy)]
struct Cells<'a> {
    text: &'a [u8],
    bounds: &'a [(usize, usize)],
}

impl<'a> Cells<'a> {
    fn get(self, index: usize) -> &'a [u8] {
        let (start, end) = self.bounds[index];
        &self.text[start..end]
    }
}

fn parser(delimiter: u8) -> Reader {
    ReaderBuilder::new().delimiter(delimiter).terminator(Terminator::Any(b'\n')).build()
}

fn delimiter_of(header: &[u8]) -> u8 {
    let mut counts = [0usize; 3];
    let mut quoted = false;
    for &byte in header {
        match byte {
            b'"' => quoted = !quoted,
            b',' if !quoted => counts[0] += 1,
            b'\t' if !quoted => counts[1] += 1,
            b';' if !quoted => counts[2] += 1,
            _ => {}
        }
    }
    let best = counts.iter().max().copied().unwrap_or(0);
    [b',', b'\t', b';'][counts.iter().position(|&count| count == best).unwrap_or(0)]
}

fn unique(names: Vec<String>) -> Vec<Column> {
    let mut taken = HashSet::new();
    names
        .into_iter()
        .map(|base| {
            let mut name = base.clone();
            let mut number = 0;
            while !name.is_empty() && !taken.insert(name.clone()) {
                number += 1;
                name = format!("{base}.{number}");
            }
            Column { name, numbers: 0, texts: 0 }
        })
        .collect()
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
