//! Files of lines: what is common to all of them.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Batch, Checkpoint, Issue, Outcome, Place, Stream};

/// A line longer than this is refused, with its file.
const LONGEST: usize = 16 << 20;

/// Names of metrics that one file may have.
const MOST_KEYS: usize = 10_000;

/// What lines mean. The value itself is what a checkpoint keeps.
pub(super) trait Lines: Serialize + DeserializeOwned + Send {
    /// Takes a line without its end, not blank.
    fn line(&mut self, line: &[u8], number: u64, out: &mut Batch);

    /// What the file has shown itself to be.
    fn outcome(&self) -> Outcome;

    /// Names of the metrics.
    fn keys(&self) -> &[String];
}

/// Names of metrics with the index of each.
#[derive(Debug, Clone, Default)]
pub(super) struct Keys {
    names: Vec<String>,
    index: std::collections::HashMap<String, u32>,
    /// The one that came last: programs log the same names again and again in the same order.
    last: u32,
}

impl Keys {
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// The index of a name; None if it is new and there are too many.
    pub(super) fn index(&mut self, name: &str) -> Option<u32> {
        let next = self.last.wrapping_add(1);
        for guess in [next, 0] {
            if self.names.get(guess as usize).is_some_and(|known| known == name) {
                self.last = guess;
                return Some(guess);
            }
        }
        if let Some(&index) = self.index.get(name) {
            self.last = index;
            return Some(index);
        }
        let index = u32::try_from(self.names.len()).ok().filter(|_| self.names.len() < MOST_KEYS)?;
        self.names.push(name.to_owned());
        self.index.insert(name.to_owned(), index);
        Some(index)
    }
}

impl Serialize for Keys {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.names.serialize(serializer)
    }
}

impl<'de> serde::Deserialize<'de> for Keys {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        let index = names.iter().cloned().zip(0..).collect();
        Ok(Self { names, index, last: 0 })
    }
}

#[derive(Serialize, serde::Deserialize)]
struct State<L> {
    offset: u64,
    lines: u64,
    too_long: bool,
    meaning: L,
}

/// Cuts bytes into lines.
pub(super) struct LineStream<L> {
    at: State<L>,
    pending: Vec<u8>,
    scanned: usize,
}

impl<L: Lines + 'static> LineStream<L> {
    /// A reader at the start of a file, or where a checkpoint says. `kind` keeps the checkpoints of one kind of lines
    /// from those of another.
    pub(super) fn open(meaning: L, from: Option<&Checkpoint>) -> Box<dyn Stream> {
        let state = from.and_then(|from| serde_json::from_slice(&from.state).ok());
        let at = state.unwrap_or(State { offset: 0, lines: 0, too_long: false, meaning });
        Box::new(Self { at, pending: Vec::new(), scanned: 0 })
    }

    fn take(&mut self, line: &[u8], length: usize, out: &mut Batch) {
        let first = self.at.lines == 0;
        self.at.lines += 1;
        self.at.offset += length as u64;
        if length > LONGEST {
            self.at.too_long = true;
            return;
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = if first { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line };
        if !line.trim_ascii().is_empty() {
            self.at.meaning.line(line, self.at.lines, out);
        }
    }

    fn is_refused(&self) -> bool {
        matches!(self.outcome(), Outcome::Refused(_))
    }
}

impl<L: Lines + 'static> Stream for LineStream<L> {
    fn push(&mut self, bytes: &[u8], out: &mut Batch) {
        if self.is_refused() {
            return;
        }
        self.pending.extend_from_slice(bytes);
        let pending = std::mem::take(&mut self.pending);
        let mut start = 0;
        while let Some(length) = memchr::memchr(b'\n', &pending[self.scanned..]) {
            let end = self.scanned + length;
            self.take(&pending[start..end], end + 1 - start, out);
            (start, self.scanned) = (end + 1, end + 1);
            if self.is_refused() {
                return;
            }
        }
        self.pending = pending;
        self.pending.drain(..start);
        self.scanned = self.pending.len();
        if self.pending.len() > LONGEST {
            self.at.lines += 1;
            self.at.too_long = true;
            self.pending = Vec::new();
        }
    }

    fn finish(&mut self, out: &mut Batch) {
        let line = std::mem::take(&mut self.pending);
        self.scanned = 0;
        if !line.is_empty() && !self.is_refused() {
            self.take(&line, line.len(), out);
        }
    }

    fn offset(&self) -> u64 {
        self.at.offset
    }

    fn checkpoint(&self) -> Checkpoint {
        // Strings and numbers: this cannot fail; an empty state would make a reader begin anew.
        Checkpoint { offset: self.at.offset, state: serde_json::to_vec(&self.at).unwrap_or_default() }
    }

    fn outcome(&self) -> Outcome {
        if self.at.too_long {
            return Outcome::Refused(format!("line {} is longer than 16 MiB", self.at.lines));
        }
        self.at.meaning.outcome()
    }

    fn keys(&self) -> &[String] {
        self.at.meaning.keys()
    }
}

/// An issue with a line.
pub(super) fn issue(number: u64, message: impl Into<String>) -> Issue {
    Issue { place: Place::Line(number), message: message.into() }
}
