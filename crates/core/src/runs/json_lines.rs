//! Files with a JSON object on each line.
//!
//! The x axis is chosen by name for each line, by the rules of [`crate::csv::XColumn`], unless the format knows it.
//! Nested objects give names with `/`; lists, texts and truth values are no metrics.

use serde::{Deserialize, Serialize};

use super::json::{Cursor, Fault, Leaf};
use super::lines::{Keys, LineStream, Lines, issue};
use super::{Batch, Checkpoint, End, Fact, Outcome, Reader};
use crate::csv::{is_wall_name, wall_ms, x_rank};

/// After this many lines without one that fits, the file is given up.
const TRIAL_LINES: u64 = 64;

/// What kind of lines they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Dialect {
    /// By the general rules.
    Plain,
    /// LLaMA-Factory's `trainer_log.jsonl`: the step is `current_steps`, and `total_steps` is how many there will be.
    TrainerLog,
    /// RLlib's `result.json`: `config` is repeated on each line and is no metric; `done` says that it is over.
    Rllib,
    /// MMEngine's `scalars.json`: a line of a validation has no `iter`, and its `step` is an epoch.
    MmEngine,
    /// mmdetection 2's `*.log.json`: `mode` says which part it is of, `iter` begins anew in each epoch, and counts the
    /// batches of the validation in its lines.
    MmDetection,
}

/// Reads such a file.
pub(super) fn reader(dialect: Dialect, prefix: &str, from: Option<&Checkpoint>) -> Reader {
    let lines = JsonLines {
        dialect,
        prefix: prefix.to_owned(),
        keys: Keys::default(),
        fits: false,
        misfits: 0,
        too_many: false,
        clock: Clock::default(),
    };
    Reader::Stream(LineStream::open(lines, from))
}

/// Whether a file begins with a line that is an object and, by `is_one`, the names in it are right.
pub(super) fn first_line(head: &[u8], is_one: impl Fn(&[String]) -> bool) -> bool {
    let line = head.split(|&byte| byte == b'\n').find(|line| !line.trim_ascii().is_empty());
    let Some(line) = line else { return false };
    let mut names = Vec::new();
    let mut each = |path: &str, leaf: Leaf<'_>| {
        if leaf.number().is_some() {
            names.push(path.to_owned());
        }
    };
    let mut cursor = Cursor::new(line);
    let read = cursor.leaves(&mut String::new(), '/', false, &mut each);
    match read {
        Ok(()) => cursor.is_at_end() && is_one(&names),
        // A line longer than what there is of the file; a document over several lines has its first break earlier.
        Err(Fault::Ended) => !head.contains(&b'\n') && is_one(&names),
        Err(Fault::Broken { .. }) => false,
    }
}

/// Whether one of the names can be an x axis.
pub(super) fn has_x(names: &[String]) -> bool {
    names.len() > 1 && names.iter().any(|name| x_rank(name).is_some())
}

#[derive(Serialize, Deserialize)]
struct JsonLines {
    dialect: Dialect,
    prefix: String,
    keys: Keys,
    fits: bool,
    misfits: u64,
    too_many: bool,
    clock: Clock,
}

/// Where a run with iterations that begin anew stands.
#[derive(Default, Serialize, Deserialize)]
struct Clock {
    epoch: f64,
    /// Iterations of the epochs before.
    before: f64,
    /// The latest iteration of this epoch, or the latest step.
    latest: f64,
}

impl JsonLines {
    /// The position of a line, its index among the numbers if it stands there, and what comes before its names.
    fn position(
        &mut self,
        numbers: &[(String, f64)],
        mode: Option<&str>,
    ) -> Option<(f64, usize, &'static str)> {
        let find = |name: &str| numbers.iter().position(|(key, _)| key == name);
        let none = numbers.len();
        match self.dialect {
            Dialect::Plain | Dialect::Rllib => {
                let ranks = numbers.iter().enumerate();
                let (_, index) = ranks.filter_map(|(at, (key, _))| Some((x_rank(key)?, at))).min()?;
                Some((numbers[index].1, index, ""))
            }
            Dialect::TrainerLog => find("current_steps").map(|index| (numbers[index].1, index, "")),
            Dialect::MmEngine => {
                let index = find("step")?;
                // Until there is an iteration, a run that counts in nothing else is taken at its word.
                if find("iter").is_none() && self.clock.latest > 0.0 {
                    return Some((self.clock.latest, index, "val/"));
                }
                if find("iter").is_some() {
                    self.clock.latest = numbers[index].1;
                }
                Some((numbers[index].1, index, ""))
            }
            Dialect::MmDetection => {
                let (iteration, epoch) = (find("iter")?, find("epoch").map(|index| numbers[index].1));
                if mode == Some("val") {
                    return Some((self.clock.before + self.clock.latest, iteration, "val/"));
                }
                let epoch = epoch.unwrap_or(self.clock.epoch);
                let at = numbers[iteration].1;
                if epoch > self.clock.epoch {
                    if at <= self.clock.latest {
                        self.clock.before += self.clock.latest;
                    }
                    self.clock.epoch = epoch;
                }
                self.clock.latest = at;
                Some((self.clock.before + at, if at.is_finite() { iteration } else { none }, "train/"))
            }
        }
    }

    fn misfit(&mut self, number: u64, message: impl Into<String>, out: &mut Batch) {
        self.misfits += u64::from(!self.fits);
        out.issues.push(issue(number, message));
    }
}

impl Lines for JsonLines {
    fn line(&mut self, line: &[u8], number: u64, out: &mut Batch) {
        let (mut numbers, mut mode, mut wall, mut done) = (Vec::<(String, f64)>::new(), None, None, false);
        let dialect = self.dialect;
        let mut each = |path: &str, leaf: Leaf<'_>| match leaf {
            Leaf::Number(value, _) if is_wall_name(path) && wall_ms(value).is_some() => wall = wall_ms(value),
            Leaf::Number(value, _) => numbers.push((path.to_owned(), value)),
            Leaf::Text(text) if path == "mode" => mode = Some(text),
            Leaf::Bool(true) if path == "done" => done = true,
            _ => {}
        };
        let mut cursor = Cursor::new(line);
        let read = cursor.map(|cursor, mut key| {
            if dialect == Dialect::Rllib && key == "config" {
                return cursor.skip();
            }
            cursor.leaves(&mut key, '/', false, &mut each)
        });
        if let Err(fault) = read {
            let what = match fault {
                Fault::Ended => String::from("the line breaks off in the middle"),
                Fault::Broken { what, .. } => format!("the line is no JSON object: {what}"),
            };
            return self.misfit(number, what, out);
        }
        let Some((step, index, part)) = self.position(&numbers, mode.as_deref()) else {
            // mmdetection's first line describes the surroundings.
            if dialect == Dialect::MmDetection && mode.is_none() {
                return;
            }
            return self.misfit(number, "no number in it is a step, iteration or epoch", out);
        };
        if !step.is_finite() {
            return self.misfit(number, "its step is not finite", out);
        }
        self.fits = true;
        for (at, (key, value)) in numbers.iter().enumerate() {
            if at == index {
                continue;
            }
            if dialect == Dialect::TrainerLog && key == "total_steps" {
                if number == 1 {
                    out.facts.push(Fact::Total(*value));
                }
                continue;
            }
            let index = if self.prefix.is_empty() && part.is_empty() {
                self.keys.index(key)
            } else {
                self.keys.index(&format!("{}{part}{key}", self.prefix))
            };
            match index {
                Some(key) => out.point(key, step, *value, wall),
                None if self.too_many => {}
                None => {
                    self.too_many = true;
                    out.issues
                        .push(issue(number, "there are more than 10000 metrics; further ones are left out"));
                }
            }
        }
        if done && dialect == Dialect::Rllib {
            out.facts.push(Fact::End(End::Completed));
        }
    }

    fn outcome(&self) -> Outcome {
        if self.fits {
            Outcome::Fits
        } else if self.misfits >= TRIAL_LINES {
            Outcome::Refused("no line of many is a JSON object with a step, iteration or epoch".into())
        } else {
            Outcome::Waiting
        }
    }

    fn keys(&self) -> &[String] {
        self.keys.names()
    }
}
