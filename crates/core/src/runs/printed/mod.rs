//! Metrics that a program prints, found in its output by a [`Pattern`].
//!
//! - Lines are those that people see ([`crate::log_search`]): without colours, and of a progress bar its last state.
//! - The x axis is found by name, by the rules of [`crate::csv::XColumn`], the same as everywhere. A line that does not
//!   say where it stands belongs to the position that was said last; where none ever was, the values of a metric are
//!   counted from 0.
//! - `3/10` says how many steps there will be.
//! - A line without a match is no fault: most of what is printed is not about metrics.

mod pattern;
#[cfg(test)]
mod tests;
mod words;

use std::collections::HashMap;
use std::ops::{ControlFlow, Range};

use serde::{Deserialize, Serialize};

pub use self::pattern::{BUILT_IN, Pattern};
use super::lines::Keys;
use super::{
    Batch, Checkpoint, Fact, Folder, Format, Found, Issue, Member, Outcome, Place, Reader, Role, Stream,
};
use crate::csv::x_rank;
use crate::log_search::{Line, Lines, shown};

/// Output of programs that no other format knows: `*.log`, `*.out`, `log.txt` and their like. Asked only by whoever has
/// a [`Pattern`] for it: without one there is nothing to be read ([`Discovery::with_logs`](super::Discovery::with_logs)).
pub struct Logs;

/// Logs by these names are their folder's run; any other is a run of its own.
const WHOLE: [&str; 9] =
    ["log", "logs", "nohup", "output", "run", "stdout", "train", "train_log", "training"];

impl Format for Logs {
    fn id(&self) -> &'static str {
        "printed"
    }

    fn label(&self) -> &'static str {
        "Printed metrics"
    }

    fn recognise(&self, folder: &dyn Folder) -> Vec<Found> {
        let (mut whole, mut found) = (Vec::new(), Vec::new());
        for file in folder.files() {
            let (stem, ending) = file.rsplit_once('.').unwrap_or((file, ""));
            let (stem, ending) = (stem.to_lowercase(), ending.to_lowercase());
            let is_log = match ending.as_str() {
                // W&B's own logs are about itself.
                "log" | "out" => !stem.starts_with("debug"),
                "txt" => stem.contains("log") || stem.contains("stdout"),
                _ => false,
            };
            // A program that a compiler called `a.out` is none.
            if !is_log || folder.head(file).contains(&0) {
                continue;
            }
            let member = Member::new(file.clone(), Role::Log);
            if WHOLE.contains(&stem.as_str()) {
                whole.push(member);
            } else {
                found.push(Found::part(file.clone(), vec![member]));
            }
        }
        if !whole.is_empty() {
            found.push(Found::run(whole));
        }
        found
    }

    fn reader(&self, _: &Member, _: Option<&Checkpoint>) -> Reader {
        Reader::Nothing
    }
}

/// A number in a line, with what it is called.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Its name.
    pub key: String,
    /// The number.
    pub value: f64,
    /// What it counts to, if that stands behind it: `3/10`.
    pub total: Option<f64>,
    /// Where it stands in the line that is shown, in bytes.
    pub at: Range<usize>,
}

/// What a line says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reads {
    /// The position on the x axis.
    pub x: Option<Hit>,
    /// Metrics.
    pub values: Vec<Hit>,
}

impl Reads {
    /// Tells the x axis from metrics: the name that comes first by [`x_rank`], the leftmost among equals. Others that
    /// could be one are metrics (`epoch` beside `step`).
    fn of(mut hits: Vec<Hit>) -> Self {
        let ranked = hits.iter().enumerate().filter(|(_, hit)| hit.value.is_finite());
        let first = ranked.filter_map(|(at, hit)| Some((x_rank(&hit.key)?, at))).min();
        let x = first.map(|(_, at)| hits.remove(at));
        Self { x, values: hits }
    }
}

/// A line of a preview.
#[derive(Debug, Clone, PartialEq)]
pub struct Previewed {
    /// Its number, from 1.
    pub line: u64,
    /// It, as people see it.
    pub text: String,
    /// The position that its metrics get, if it is known.
    pub step: Option<f64>,
    /// What is read in it.
    pub reads: Reads,
}

/// What a pattern would read in a text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Preview {
    /// The first lines in which there is something to be read.
    pub lines: Vec<Previewed>,
    /// Lines that were looked at.
    pub seen: u64,
    /// Lines with at least one metric.
    pub read: u64,
    /// Points of all metrics.
    pub points: u64,
    /// The names of the metrics, in the order in which they appear.
    pub metrics: Vec<String>,
}

/// Tells what a pattern would read in a text, with at most so many lines.
#[must_use]
pub fn preview(pattern: &Pattern, text: &[u8], most: usize) -> Preview {
    let mut preview = Preview::default();
    let mut meaning = State::new(pattern);
    let mut batch = Batch::default();
    let mut take = |line: Line<'_>| {
        let text = shown(line.bytes);
        batch.readings.clear();
        let reads = meaning.line(pattern, "", &text, line.offset, &mut batch);
        preview.points += batch.readings.len() as u64;
        preview.read += u64::from(!batch.readings.is_empty());
        if (reads.x.is_some() || !reads.values.is_empty()) && preview.lines.len() < most {
            let step = batch.readings.first().map(|reading| reading.point.step);
            let step = step.or(reads.x.as_ref().map(|x| x.value));
            preview.lines.push(Previewed { line: meaning.lines, text: text.into_owned(), step, reads });
        }
        ControlFlow::<()>::Continue(())
    };
    let mut lines = Lines::default();
    let _ = lines.push(0, text, &mut take);
    let _ = lines.finish(text.len() as u64, &mut take);
    preview.seen = meaning.lines;
    preview.metrics = meaning.keys.names().to_vec();
    preview
}

/// Reads what a program prints, as it is written. `prefix` stands before the names of the metrics.
#[must_use]
pub fn stream(pattern: &Pattern, prefix: &str, from: Option<&Checkpoint>) -> Box<dyn Stream> {
    let state = from.and_then(|from| serde_json::from_slice::<State>(&from.state).ok());
    let state = state.filter(|state| state.version == VERSION && state.pattern == pattern.text());
    let state = state.unwrap_or_else(|| State::new(pattern));
    let fed = state.offset;
    Box::new(Printed {
        pattern: pattern.clone(),
        prefix: prefix.to_owned(),
        state,
        lines: Lines::default(),
        fed,
    })
}

/// State of another version is not understood.
const VERSION: u32 = 1;

/// What must be remembered.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    version: u32,
    /// The pattern: with another one, reading begins anew.
    pattern: String,
    offset: u64,
    lines: u64,
    keys: Keys,
    /// The position that was said last.
    x: Option<f64>,
    /// Values of each metric by its index, where no position was ever said.
    counts: HashMap<u32, u64>,
    total: Option<f64>,
    too_many: bool,
}

impl State {
    fn new(pattern: &Pattern) -> Self {
        Self {
            version: VERSION,
            pattern: pattern.text().to_owned(),
            offset: 0,
            lines: 0,
            keys: Keys::default(),
            x: None,
            counts: HashMap::new(),
            total: None,
            too_many: false,
        }
    }

    /// Takes a line as people see it.
    fn line(&mut self, pattern: &Pattern, prefix: &str, text: &str, offset: u64, out: &mut Batch) -> Reads {
        self.lines += 1;
        let reads = Reads::of(pattern.find(text));
        if let Some(x) = &reads.x {
            self.x = Some(x.value);
            if let Some(total) = x.total
                && self.total != Some(total)
            {
                self.total = Some(total);
                out.facts.push(Fact::Total(total));
            }
        }
        for hit in &reads.values {
            let Some(key) = self.keys.index(&format!("{prefix}{}", hit.key)) else {
                if !self.too_many {
                    self.too_many = true;
                    let message = "there are more than 10000 metrics; further ones are left out".into();
                    out.issues.push(Issue { place: Place::Byte(offset), message });
                }
                continue;
            };
            let step = self.x.unwrap_or_else(|| {
                let count = self.counts.entry(key).or_default();
                *count += 1;
                (*count - 1) as f64
            });
            out.point(key, step, hit.value, None);
        }
        reads
    }
}

struct Printed {
    pattern: Pattern,
    prefix: String,
    state: State,
    lines: Lines,
    /// Offset of the byte that is pushed next.
    fed: u64,
}

impl Stream for Printed {
    fn push(&mut self, bytes: &[u8], out: &mut Batch) {
        let Self { pattern, prefix, state, lines, fed } = self;
        let _ = lines.push(*fed, bytes, |line| {
            state.line(pattern, prefix, &shown(line.bytes), line.offset, out);
            state.offset = line.end;
            ControlFlow::<()>::Continue(())
        });
        *fed += bytes.len() as u64;
    }

    fn finish(&mut self, out: &mut Batch) {
        let Self { pattern, prefix, state, lines, fed } = self;
        let _ = lines.finish(*fed, |line| {
            state.line(pattern, prefix, &shown(line.bytes), line.offset, out);
            ControlFlow::<()>::Continue(())
        });
    }

    fn offset(&self) -> u64 {
        self.state.offset
    }

    fn checkpoint(&self) -> Checkpoint {
        // Strings and numbers: this cannot fail; an empty state would make a reader begin anew.
        Checkpoint { offset: self.state.offset, state: serde_json::to_vec(&self.state).unwrap_or_default() }
    }

    /// Whoever chose the pattern said that it is a log.
    fn outcome(&self) -> Outcome {
        if self.state.lines > 0 { Outcome::Fits } else { Outcome::Waiting }
    }

    fn keys(&self) -> &[String] {
        self.state.keys.names()
    }
}
