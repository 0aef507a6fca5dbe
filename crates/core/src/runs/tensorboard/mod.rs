//! TensorBoard event files, which TensorFlow, PyTorch, Lightning, Hugging Face and most others can write.
//!
//! - A folder with files whose names have `tfevents` in them is one run. It may have several, one for each start or
//!   writer; they follow each other by name, which has the time of the start in it (as TensorBoard reads them).
//! - Points: simple values, and tensors of one number of any type that has numbers.
//! - Only the first value of a tag must say which plugin shows it; that is remembered, also across checkpoints.
//! - Images, histograms, audio, text and tensors of several numbers are counted ([`super::Other`]) and not read. Graphs
//!   are passed over without being collected.
//! - The hparams plugin's start and end of a session give hyperparameters, times and how it ended. Hugging Face writes
//!   its settings as text (`args`, `model_config`).
//! - Damage: see [`record`]. A record that is sound but no event is an issue.
//! - A restart into the same folder makes the steps go back. All points are kept; see [`crate::series::segments`].

mod event;
mod hparams;
mod record;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use self::event::{Event, HPARAMS, Held, Metadata, SCALARS, Summary, TEXT};
use self::record::{Damage, Found, MAX_RECORD, Records};
use super::protobuf::Malformed;
use super::{
    Batch, Checkpoint, Fact, Folder, Format, Issue, Member, Other, Outcome, Place, Reader, Role, Stream,
};

/// More tags are not read: each is remembered for as long as its file grows.
pub const MAX_TAGS: usize = 200_000;
/// A longer tag is not read.
pub const MAX_TAG: usize = 4 << 10;

/// TensorBoard event files.
pub struct TensorBoard;

impl Format for TensorBoard {
    fn id(&self) -> &'static str {
        "tensorboard"
    }

    fn label(&self) -> &'static str {
        "TensorBoard"
    }

    fn recognise(&self, folder: &dyn Folder) -> Vec<super::Found> {
        let members: Vec<Member> = folder
            .files()
            .iter()
            .filter(|name| name.contains("tfevents"))
            .map(|name| Member::new(name, Role::Metrics))
            .collect();
        if members.is_empty() { Vec::new() } else { vec![super::Found::run(members)] }
    }

    fn reader(&self, _: &Member, from: Option<&Checkpoint>) -> Reader {
        Reader::Stream(Box::new(EventReader::resume(from)))
    }
}

/// What is known of a tag.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Tag {
    name: String,
    /// Index among the keys, once it has a point.
    key: Option<u32>,
    /// The plugin that its first value named.
    plugin: Option<String>,
    /// What it holds beside points, how often.
    others: Vec<(String, u64)>,
    /// It has been said that a value is no number.
    told: bool,
    /// The tag that came after it last time: writers log the same tags again and again in the same order.
    #[serde(skip)]
    next: u32,
}

/// What must be remembered, beside the keys, whose order follows from the tags.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct State {
    version: u32,
    place: record::Place,
    tags: Vec<Tag>,
    keys: Vec<String>,
    outcome: Outcome,
    /// It has been said that there are too many tags.
    full: bool,
}

/// State of another version is not understood.
const VERSION: u32 = 1;

/// What a pointer of Git's large file storage begins with, in place of the file.
const POINTER: &[u8] = b"version https://git-lfs";

/// Reads an event file as it grows.
pub struct EventReader {
    records: Records,
    log: Log,
    /// The first bytes, until there are enough to see that they are a pointer.
    begin: Option<Vec<u8>>,
}

/// What events add up to.
struct Log {
    state: State,
    index: HashMap<String, u32>,
    last: u32,
}

impl EventReader {
    /// A reader at the start of a file.
    #[must_use]
    pub fn new() -> Self {
        Self::resume(None)
    }

    fn resume(from: Option<&Checkpoint>) -> Self {
        let state = from.and_then(|from| serde_json::from_slice::<State>(&from.state).ok());
        let state = state.filter(|state| state.version == VERSION && state.is_sound()).unwrap_or_default();
        let begin = (state.place.offset == 0).then(Vec::new);
        let records = Records::resume(state.place, event::is_useless);
        let index =
            state.tags.iter().enumerate().map(|(i, tag)| (tag.name.clone(), i as u32)).collect();
        Self { records, log: Log { state, index, last: 0 }, begin }
    }

    /// Gives up on a pointer in place of the file, as soon as it can be told from a record.
    fn is_pointer(&mut self, bytes: &[u8]) -> bool {
        let Some(begin) = &mut self.begin else { return false };
        let missing = POINTER.len() - begin.len();
        begin.extend_from_slice(&bytes[..missing.min(bytes.len())]);
        if begin.len() < POINTER.len() {
            return false;
        }
        let pointer = begin == POINTER;
        self.begin = None;
        pointer
    }
}

impl Default for EventReader {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    /// Whether its parts fit each other.
    fn is_sound(&self) -> bool {
        self.tags.iter().all(|tag| tag.key.is_none_or(|key| (key as usize) < self.keys.len()))
    }
}

impl Stream for EventReader {
    fn push(&mut self, bytes: &[u8], out: &mut Batch) {
        if matches!(self.log.state.outcome, Outcome::Refused(_)) {
            return;
        }
        if self.is_pointer(bytes) {
            let why = "is a pointer of Git's large file storage and not the file itself; `git lfs pull` fetches it";
            self.log.state.outcome = Outcome::Refused(why.to_owned());
            out.issues.clear();
            return;
        }
        let log = &mut self.log;
        self.records.push(bytes, &mut |found| match found {
            Found::Record(offset, data) => log.record(offset, data, out),
            Found::Damage(offset, damage) => out.issues.push(Issue { place: Place::Byte(offset), message: words(damage) }),
        });
        log.state.place = self.records.place();
    }

    fn finish(&mut self, out: &mut Batch) {
        let waiting = self.records.waiting();
        if waiting > 0 && self.log.state.outcome == Outcome::Fits {
            let message = format!("the last record breaks off after {waiting} bytes and is left out");
            out.issues.push(Issue { place: Place::Byte(self.offset()), message });
        }
    }

    fn offset(&self) -> u64 {
        self.log.state.place.offset
    }

    fn checkpoint(&self) -> Checkpoint {
        let state = State { version: VERSION, ..self.log.state.clone() };
        // Writing numbers, text and lists into memory does not fail; an empty state begins the file anew.
        match serde_json::to_vec(&state) {
            Ok(bytes) => Checkpoint { offset: state.place.offset, state: bytes },
            Err(_) => Checkpoint { offset: 0, state: Vec::new() },
        }
    }

    fn outcome(&self) -> Outcome {
        self.log.state.outcome.clone()
    }

    fn keys(&self) -> &[String] {
        &self.log.state.keys
    }

    fn others(&self) -> Vec<Other> {
        let tags = self.log.state.tags.iter();
        tags.flat_map(|tag| {
            tag.others.iter().map(|(kind, count)| Other { kind: kind.clone(), key: tag.name.clone(), count: *count })
        })
        .collect()
    }
}

fn words(damage: Damage) -> String {
    match damage {
        Damage::NoHeader => {
            "no record begins here (the checksum of its length is wrong); what follows is searched for the next one".to_owned()
        }
        Damage::WrongChecksum => "the checksum of this record is wrong; it is left out".to_owned(),
        Damage::TooLong(length) => {
            format!("this record has {length} bytes, more than the {MAX_RECORD} that are read; it is left out")
        }
    }
}

impl Log {
    /// Takes a record that is sound. It counts as a whole or not at all.
    fn record(&mut self, offset: u64, data: &[u8], out: &mut Batch) {
        let before = (out.readings.len(), out.facts.len(), out.issues.len());
        if self.event(offset, data, out).is_err() {
            out.readings.truncate(before.0);
            out.facts.truncate(before.1);
            out.issues.truncate(before.2);
            let message = "this record is no event although its checksum is right; it is left out".to_owned();
            out.issues.push(Issue { place: Place::Byte(offset), message });
            return;
        }
        self.state.outcome = Outcome::Fits;
    }

    fn event(&mut self, offset: u64, data: &[u8], out: &mut Batch) -> Result<(), Malformed> {
        let event = Event::parse(data)?;
        let wall_ms = event.wall_ms();
        if offset == 0
            && let Some(started) = wall_ms
        {
            out.facts.push(Fact::Started(started));
        }
        let step = event.step as f64;
        for value in event.values() {
            let summary = Summary::parse(value?)?;
            let Some(index) = self.tag(summary.tag, offset, out) else { continue };
            let tag = &mut self.state.tags[index as usize];
            if let Some(message) = summary.metadata
                && (tag.plugin.is_none() || tag.plugin.as_deref() == Some(HPARAMS))
            {
                let metadata = Metadata::parse(message)?;
                tag.plugin = metadata.plugin();
                if tag.plugin.as_deref() == Some(HPARAMS) {
                    hparams::read(metadata.content, out)?;
                }
            }
            let number = match (summary.held, tag.plugin.as_deref()) {
                (Held::Number(number), _) => Some(f64::from(number)),
                (Held::Tensor(tensor), None | Some(SCALARS)) => event::number(tensor)?,
                _ => None,
            };
            if let Some(number) = number {
                let key = tag.key(&mut self.state.keys);
                out.point(key, step, number, wall_ms);
                continue;
            }
            match (summary.held, tag.plugin.as_deref()) {
                (Held::Nothing, _) | (_, Some(HPARAMS)) => {}
                (Held::Tensor(_), Some(SCALARS)) => {
                    if !tag.told {
                        tag.told = true;
                        let message = format!("a value of “{}” is not one number; such values are left out", tag.name);
                        out.issues.push(Issue { place: Place::Byte(offset), message });
                    }
                    tag.count("tensors");
                }
                (Held::Tensor(tensor), plugin) => {
                    if plugin == Some(TEXT)
                        && let Some(text) = event::text(tensor)
                    {
                        hparams::read_text(&tag.name, text, out);
                    }
                    let kind = plugin.unwrap_or("tensors").to_owned();
                    tag.count(&kind);
                }
                (Held::Kind(kind), _) => tag.count(kind),
                (Held::Number(_), _) => {}
            }
        }
        Ok(())
    }

    /// The index of a tag, new ones included, unless that would be too many or too long.
    fn tag(&mut self, name: &[u8], offset: u64, out: &mut Batch) -> Option<u32> {
        let expected = self.state.tags.get(self.last as usize).map_or(0, |tag| tag.next);
        if self.state.tags.get(expected as usize).is_some_and(|tag| tag.name.as_bytes() == name) {
            self.last = expected;
            return Some(expected);
        }
        if name.len() > MAX_TAG {
            let message = format!("a tag of {} bytes, more than the {MAX_TAG} that are read; its value is left out", name.len());
            out.issues.push(Issue { place: Place::Byte(offset), message });
            return None;
        }
        let name = String::from_utf8_lossy(name);
        let index = if let Some(&index) = self.index.get(&*name) {
            index
        } else if self.state.tags.len() < MAX_TAGS {
            // At most MAX_TAGS.
            let index = self.state.tags.len() as u32;
            let tag = Tag { name: name.to_string(), key: None, plugin: None, others: Vec::new(), told: false, next: 0 };
            self.state.tags.push(tag);
            self.index.insert(name.into_owned(), index);
            index
        } else {
            if !self.state.full {
                self.state.full = true;
                let message = format!("there are more than {MAX_TAGS} tags; the values of further ones are left out");
                out.issues.push(Issue { place: Place::Byte(offset), message });
            }
            return None;
        };
        if let Some(last) = self.state.tags.get_mut(self.last as usize) {
            last.next = index;
        }
        self.last = index;
        Some(index)
    }
}

impl Tag {
    fn key(&mut self, keys: &mut Vec<String>) -> u32 {
        *self.key.get_or_insert_with(|| {
            keys.push(self.name.clone());
            // At most MAX_TAGS.
            keys.len() as u32 - 1
        })
    }

    fn count(&mut self, kind: &str) {
        match self.others.iter_mut().find(|(name, _)| name == kind) {
            Some((_, count)) => *count += 1,
            None => self.others.push((kind.to_owned(), 1)),
        }
    }
}

#[cfg(test)]
mod record_tests;
#[cfg(test)]
mod tests;
