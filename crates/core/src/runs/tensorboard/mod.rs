//! TensorBoard event files, which TensorFlow, PyTorch, Lightning, Hugging Face and most others can write.
//!
//! - A folder with files whose names have `tfevents` in them is one run. It may have several, one for each start or
//!   writer; they follow each other by name, which has the time of the start in it (as TensorBoard reads them).
//! - Points: simple values, and tensors of one number of any type that has numbers.
//! - Only the first value of a tag must say which plugin shows it; that is remembered, also across checkpoints.
//! - Images, histograms, audio, text and tensors of several numbers are counted ([`super::Other`]) and not read; the
//!   first two can be listed ([`super::media`]). Graphs are passed over without being collected.
//! - The hparams plugin's start and end of a session give hyperparameters, times and how it ended. Hugging Face writes
//!   its settings as text (`args`, `model_config`).
//! - Damage: see [`record`]. A record that is sound but no event is an issue.
//! - A restart into the same folder makes the steps go back. All points are kept; see [`crate::series::segments`].

mod event;
mod hparams;
mod media;
mod record;

use serde::{Deserialize, Serialize};

use self::event::{Event, HPARAMS, Held, Metadata, SCALARS, Summary, TEXT};
use self::record::{Damage, Found, MAX_RECORD, Records};
use super::media::Media;
use super::protobuf::Malformed;
use super::tags::{Stored, Tags};
use super::{
    Batch, Checkpoint, Fact, Folder, Format, Issue, Member, Other, Outcome, Place, Reader, Role, Stream,
};

/// The machine on which an event file was begun, by its name: `events.out.tfevents.TIME.HOST`, to which most writers add
/// their process and a number, and TensorFlow an ending such as `.v2`.
#[must_use]
pub fn host_of_events(name: &str) -> Option<&str> {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (_, rest) = name.split_once("tfevents.")?;
    let (time, rest) = rest.split_once('.')?;
    let rest = rest.strip_suffix(".v2").or_else(|| rest.strip_suffix(".profile-empty")).unwrap_or(rest);
    let mut host = rest;
    for _ in 0..2 {
        host = host.rsplit_once('.').filter(|(_, last)| is_number(last)).map_or(host, |(host, _)| host);
    }
    (is_number(time) && !host.is_empty()).then_some(host)
}

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

    fn media(&self, _: &Member) -> Option<Box<dyn Media>> {
        Some(Box::new(media::EventMedia::new()))
    }
}

/// What is remembered of a tag.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Shown {
    /// The plugin that its first value named.
    plugin: Option<String>,
    /// It has been said that a value is no number.
    told: bool,
}

/// What must be remembered.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct State {
    version: u32,
    place: record::Place,
    outcome: Outcome,
    tags: Stored<Shown>,
}

/// The same, borrowed.
#[derive(Serialize)]
struct StateRef<'a> {
    version: u32,
    place: record::Place,
    outcome: &'a Outcome,
    tags: &'a Stored<Shown>,
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
#[derive(Default)]
struct Log {
    place: record::Place,
    outcome: Outcome,
    tags: Tags<Shown>,
}

impl EventReader {
    /// A reader at the start of a file.
    #[must_use]
    pub fn new() -> Self {
        Self::resume(None)
    }

    fn resume(from: Option<&Checkpoint>) -> Self {
        let state = from.and_then(|from| serde_json::from_slice::<State>(&from.state).ok());
        let state = state.filter(|state| state.version == VERSION);
        let log = state.and_then(|state| {
            let tags = Tags::resume(state.tags)?;
            Some(Log { place: state.place, outcome: state.outcome, tags })
        });
        let log = log.unwrap_or_default();
        let begin = (log.place.offset == 0).then(Vec::new);
        Self { records: Records::resume(log.place, event::is_useless), log, begin }
    }

    /// Hands the bytes on, the first ones as soon as they can be told from a pointer.
    fn feed(&mut self, bytes: &[u8], out: &mut Batch) {
        let log = &mut self.log;
        self.records.push(bytes, &mut |found| match found {
            Found::Record(offset, data) => log.record(offset, data, out),
            Found::Damage(offset, damage) => {
                out.issues.push(Issue { place: Place::Byte(offset), message: words(damage) });
            }
        });
        log.place = self.records.place();
    }
}

impl Default for EventReader {
    fn default() -> Self {
        Self::new()
    }
}

impl Stream for EventReader {
    fn push(&mut self, bytes: &[u8], out: &mut Batch) {
        if matches!(self.log.outcome, Outcome::Refused(_)) {
            return;
        }
        let Some(mut begin) = self.begin.take() else { return self.feed(bytes, out) };
        let missing = (POINTER.len() - begin.len()).min(bytes.len());
        begin.extend_from_slice(&bytes[..missing]);
        if begin == POINTER {
            let why =
                "is a pointer of Git's large file storage and not the file itself; `git lfs pull` fetches it";
            self.log.outcome = Outcome::Refused(why.to_owned());
        } else if POINTER.starts_with(&begin) {
            self.begin = Some(begin);
        } else {
            self.feed(&begin, out);
            self.feed(&bytes[missing..], out);
        }
    }

    fn finish(&mut self, out: &mut Batch) {
        let begin = self.begin.as_ref().map_or(0, Vec::len) as u64;
        let waiting = self.records.waiting() + begin;
        if waiting > 0 && !matches!(self.log.outcome, Outcome::Refused(_)) {
            let message = format!("the last record breaks off after {waiting} bytes and is left out");
            out.issues.push(Issue { place: Place::Byte(self.offset()), message });
        }
    }

    fn offset(&self) -> u64 {
        self.log.place.offset
    }

    fn checkpoint(&self) -> Checkpoint {
        let log = &self.log;
        let (place, outcome, tags) = (log.place, &log.outcome, &log.tags.stored);
        // Writing text, numbers and lists into memory does not fail; without a state the file is read anew.
        match serde_json::to_vec(&StateRef { version: VERSION, place, outcome, tags }) {
            Ok(state) => Checkpoint { offset: place.offset, state },
            Err(_) => Checkpoint { offset: 0, state: Vec::new() },
        }
    }

    fn outcome(&self) -> Outcome {
        self.log.outcome.clone()
    }

    fn keys(&self) -> &[String] {
        self.log.tags.keys()
    }

    fn others(&self) -> Vec<Other> {
        self.log.tags.others()
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
        self.outcome = Outcome::Fits;
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
            let Some(index) = self.tags.index(summary.tag, offset, out) else { continue };
            let tag = self.tags.get(index);
            if let Some(message) = summary.metadata
                && (tag.more.plugin.is_none() || tag.more.plugin.as_deref() == Some(HPARAMS))
            {
                let metadata = Metadata::parse(message)?;
                tag.more.plugin = metadata.plugin();
                if tag.more.plugin.as_deref() == Some(HPARAMS) {
                    hparams::read(metadata.content, out)?;
                }
            }
            let number = match (summary.held, tag.more.plugin.as_deref()) {
                (Held::Number(number), _) => Some(f64::from(number)),
                (Held::Tensor(tensor), None | Some(SCALARS)) => event::number(tensor)?,
                _ => None,
            };
            if let Some(number) = number {
                self.tags.point(index, step, number, wall_ms, out);
                continue;
            }
            match (summary.held, tag.more.plugin.as_deref()) {
                (Held::Nothing, _) | (_, Some(HPARAMS)) => {}
                (Held::Tensor(_), Some(SCALARS)) => {
                    if !tag.more.told {
                        tag.more.told = true;
                        let message =
                            format!("a value of “{}” is not one number; such values are left out", tag.name);
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
                (Held::Image(_), _) => tag.count("images"),
                (Held::Histogram(_), _) => tag.count("histograms"),
                (Held::Kind(kind), _) => tag.count(kind),
                (Held::Number(_), _) => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod record_tests;
#[cfg(test)]
mod tests;
