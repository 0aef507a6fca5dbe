//! W&B's own files, `run-ID.wandb`: what a run logged, whether it was synced or not.
//!
//! - One folder, `run-*` or `offline-run-*`, is one run. `files/` repeats what the file says, beside the log.
//! - A history record is a row. Its step is `_step`; where `define_metric` names another metric as the step of some,
//!   as Lightning and Hugging Face do (`*` by `trainer/global_step`), the x axis of these is that metric's latest
//!   value, and it is no metric of its own unless it is called `epoch`. `_timestamp` is the wall time.
//! - Nested keys are dotted. Numbers are points, `NaN` and the infinities too, bare and in quotes. What has a `_type`
//!   (images, histograms, tables) is counted, as are text, lists, and true and false.
//! - System metrics begin with `system.`; their x axis is seconds since the start of the run.
//! - A number that stands in the summary alone is a point at the last step, told when the run says that it has ended.
//! - The exit code says how the run ended. A run that was killed has none, and often breaks off within a record.
//!
//! Field numbers are those of W&B's `wandb_internal.proto`.

mod history;
mod log;
mod media;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::history::{Axes, Item};
use self::log::{Damage, Found, MAX_RECORD, Records};
use super::media::Media;
use super::protobuf::{Fields, Malformed, Value};
use super::tags::{MAX_TAG, Stored, Tags};
use super::{
    Batch, Checkpoint, End, Fact, Folder, Format, Issue, Member, Other, Outcome, Place, Reader, Role, Stream,
    loose_json,
};

/// W&B's own files.
pub struct Wandb;

impl Format for Wandb {
    fn id(&self) -> &'static str {
        "wandb"
    }

    fn label(&self) -> &'static str {
        "Weights & Biases"
    }

    fn recognise(&self, folder: &dyn Folder) -> Vec<super::Found> {
        let Some(name) = folder.files().iter().find(|name| name.ends_with(".wandb")) else {
            return Vec::new();
        };
        let mut members = vec![Member::new(name, Role::Metrics)];
        if folder.folders().iter().any(|name| name == "files") {
            for path in folder.below("files") {
                match path.as_str() {
                    "files/output.log" => members.push(Member::new(path, Role::Log)),
                    "files/config.yaml" | "files/wandb-summary.json" | "files/wandb-metadata.json" => {
                        members.push(Member::new(path, Role::Copy));
                    }
                    _ => {}
                }
            }
        }
        vec![super::Found::run(members)]
    }

    fn reader(&self, member: &Member, from: Option<&Checkpoint>) -> Reader {
        match member.role {
            Role::Metrics => Reader::Stream(Box::new(WandbReader::resume(from))),
            _ => Reader::Nothing,
        }
    }

    fn media(&self, member: &Member) -> Option<Box<dyn Media>> {
        (member.role == Role::Metrics).then(|| Box::new(media::WandbMedia::new()) as Box<dyn Media>)
    }
}

/// A longer number of the summary is not remembered: none that a program prints is.
const MAX_NUMBER: usize = 400;
/// Numbers that stand in the summary alone and are remembered, at most.
const MAX_SUMMARY: usize = 10_000;

/// State of another version is not understood.
const VERSION: u32 = 1;

/// What must be remembered.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct State {
    version: u32,
    place: log::Place,
    outcome: Outcome,
    run: Run,
    tags: Stored<()>,
}

/// What is known of the run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Run {
    /// When it started, in milliseconds since the Unix epoch.
    started_ms: Option<i64>,
    /// The step of the next row, should it not say.
    next_step: i64,
    /// The last position of a row on the x axis.
    last_step: i64,
    axes: Axes,
    /// The summary's numbers as JSON has them, so that NaN survives, without those that have a series.
    summary: BTreeMap<String, String>,
}

/// Reads a W&B file as it grows.
pub struct WandbReader {
    records: Records,
    outcome: Outcome,
    run: Run,
    tags: Tags<()>,
}

impl WandbReader {
    /// A reader at the start of a file.
    #[must_use]
    pub fn new() -> Self {
        Self::resume(None)
    }

    fn resume(from: Option<&Checkpoint>) -> Self {
        let state = from.and_then(|from| serde_json::from_slice::<State>(&from.state).ok());
        let state = state.filter(|state| state.version == VERSION && state.run.axes.is_sound());
        state
            .and_then(|state| {
                let tags = Tags::resume(state.tags)?;
                let records = Records::resume(state.place);
                Some(Self { records, outcome: state.outcome, run: state.run, tags })
            })
            .unwrap_or_else(|| Self {
                records: Records::resume(log::Place::default()),
                outcome: Outcome::Waiting,
                run: Run::default(),
                tags: Tags::default(),
            })
    }
}

impl Default for WandbReader {
    fn default() -> Self {
        Self::new()
    }
}

impl Stream for WandbReader {
    fn push(&mut self, bytes: &[u8], out: &mut Batch) {
        if matches!(self.outcome, Outcome::Refused(_)) {
            return;
        }
        let Self { records, outcome, run, tags } = self;
        records.push(bytes, &mut |found| {
            let (offset, message) = match found {
                _ if matches!(outcome, Outcome::Refused(_)) => return,
                Found::Damage(_, Damage::NotWandb) => {
                    let why = "does not begin as a W&B file of a known version does (`:W&B`, 0xBEE1, 0)";
                    *outcome = Outcome::Refused(why.to_owned());
                    return;
                }
                Found::Damage(offset, damage) => (offset, words(damage)),
                Found::Record(offset, data) => {
                    let before = (out.readings.len(), out.facts.len(), out.issues.len());
                    if run.record(offset, data, tags, out).is_ok() {
                        *outcome = Outcome::Fits;
                        return;
                    }
                    out.readings.truncate(before.0);
                    out.facts.truncate(before.1);
                    out.issues.truncate(before.2);
                    (
                        offset,
                        "this record is none of W&B's although its checksum is right; it is left out"
                            .to_owned(),
                    )
                }
            };
            out.issues.push(Issue { place: Place::Byte(offset), message });
        });
    }

    fn finish(&mut self, out: &mut Batch) {
        let waiting = self.records.waiting();
        if waiting > 0 && !matches!(self.outcome, Outcome::Refused(_)) {
            let message = format!("the last record breaks off after {waiting} bytes and is left out");
            out.issues.push(Issue { place: Place::Byte(self.offset()), message });
        }
    }

    fn offset(&self) -> u64 {
        self.records.place().offset
    }

    fn checkpoint(&self) -> Checkpoint {
        let place = self.records.place();
        let state = State {
            version: VERSION,
            place,
            outcome: self.outcome.clone(),
            run: self.run.clone(),
            tags: self.tags.stored.clone(),
        };
        // Writing text, numbers and lists into memory does not fail; without a state the file is read anew.
        match serde_json::to_vec(&state) {
            Ok(state) => Checkpoint { offset: place.offset, state },
            Err(_) => Checkpoint { offset: 0, state: Vec::new() },
        }
    }

    fn outcome(&self) -> Outcome {
        self.outcome.clone()
    }

    fn keys(&self) -> &[String] {
        self.tags.keys()
    }

    fn others(&self) -> Vec<Other> {
        self.tags.others()
    }
}

fn words(damage: Damage) -> String {
    match damage {
        Damage::NotWandb => "no W&B file begins like this".to_owned(),
        Damage::WrongChecksum => {
            "a checksum is wrong; the rest of this block of 32 KiB is left out, reading goes on in the next"
                .to_owned()
        }
        Damage::OutOfOrder => "a record is not whole; it is left out".to_owned(),
        Damage::TooLong => {
            format!("this record has more than the {MAX_RECORD} bytes that are read; it is left out")
        }
    }
}

impl Run {
    fn record(
        &mut self,
        offset: u64,
        data: &[u8],
        tags: &mut Tags<()>,
        out: &mut Batch,
    ) -> Result<(), Malformed> {
        for field in Fields::new(data) {
            match field? {
                (2, Value::Bytes(history)) => self.history(offset, history, tags, out)?,
                (3, Value::Bytes(summary)) => self.summary(summary, tags)?,
                (5, Value::Bytes(config)) => read_config(config, out)?,
                (7, Value::Bytes(stats)) => self.stats(offset, stats, tags, out)?,
                (12, Value::Bytes(metric)) => self.axes.define(metric)?,
                (17, Value::Bytes(run)) => self.run(run, tags, out)?,
                (18, Value::Bytes(exit)) => self.exit(offset, exit, tags, out)?,
                (26, Value::Bytes(environment)) => self.environment(environment, out)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn run(&mut self, run: &[u8], tags: &Tags<()>, out: &mut Batch) -> Result<(), Malformed> {
        for field in Fields::new(run) {
            let (number, value) = field?;
            if let (4 | 5 | 17 | 21, Value::Bytes(message)) = (number, value) {
                match number {
                    4 => read_config(message, out)?,
                    5 => self.summary(message, tags)?,
                    17 => self.start(time(message)?, out),
                    _ => read_commit(message, out)?,
                }
                continue;
            }
            let Some(text) = value.text().filter(|text| !text.is_empty() && text.len() <= MAX_TAG) else {
                continue;
            };
            match number {
                3 => out.facts.push(Fact::Project(text)),
                6 => out.facts.push(Fact::Group(text)),
                7 => out.facts.push(Fact::Tag(format!("job_type={text}"))),
                8 => out.facts.push(Fact::Name(text)),
                9 => out.facts.push(Fact::Notes(text)),
                10 => out.facts.push(Fact::Tag(text)),
                12 => out.facts.push(Fact::Tag(format!("sweep={text}"))),
                _ => {}
            }
        }
        Ok(())
    }

    fn start(&mut self, started_ms: i64, out: &mut Batch) {
        if started_ms > 0 && self.started_ms.is_none() {
            self.started_ms = Some(started_ms);
            out.facts.push(Fact::Started(started_ms));
        }
    }

    fn environment(&mut self, environment: &[u8], out: &mut Batch) -> Result<(), Malformed> {
        for field in Fields::new(environment) {
            match field? {
                (3, Value::Bytes(started)) => self.start(time(started)?, out),
                (9, Value::Bytes(git)) => read_commit(git, out)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn exit(
        &mut self,
        offset: u64,
        exit: &[u8],
        tags: &mut Tags<()>,
        out: &mut Batch,
    ) -> Result<(), Malformed> {
        let (mut code, mut seconds) = (0, None);
        for field in Fields::new(exit) {
            match field? {
                (1, Value::Varint(bits)) => code = bits,
                (2, value) => seconds = value.int(),
                _ => {}
            }
        }
        let last = self.last_step as f64;
        for (key, json) in std::mem::take(&mut self.summary) {
            if let Some(value) = loose_json::number(&json)
                && let Some(tag) = tags.index(key.as_bytes(), offset, out)
                && !tags.has_points(tag)
            {
                tags.point(tag, last, value, None, out);
            }
        }
        if let (Some(started), Some(seconds)) = (self.started_ms, seconds) {
            out.facts.push(Fact::Ended(started.saturating_add(seconds.saturating_mul(1000))));
        }
        out.facts.push(Fact::End(if code == 0 { End::Completed } else { End::Failed }));
        Ok(())
    }

    /// System metrics.
    fn stats(
        &mut self,
        offset: u64,
        stats: &[u8],
        tags: &mut Tags<()>,
        out: &mut Batch,
    ) -> Result<(), Malformed> {
        let mut wall_ms = None;
        for field in Fields::new(stats) {
            if let (2, Value::Bytes(timestamp)) = field? {
                wall_ms = Some(time(timestamp)?);
            }
        }
        let Some(wall_ms) = wall_ms.filter(|&wall_ms| wall_ms > 0) else { return Ok(()) };
        let started = *self.started_ms.get_or_insert(wall_ms);
        let seconds = wall_ms.saturating_sub(started) as f64 / 1000.0;
        for field in Fields::new(stats) {
            let (3, Value::Bytes(item)) = field? else { continue };
            let item = Item::parse(item)?;
            if let Some(value) = loose_json::number(item.json)
                && let Some(tag) = tags.index(format!("system.{}", item.key).as_bytes(), offset, out)
            {
                tags.point(tag, seconds, value, Some(wall_ms), out);
            }
        }
        Ok(())
    }

    fn summary(&mut self, summary: &[u8], tags: &Tags<()>) -> Result<(), Malformed> {
        for field in Fields::new(summary) {
            let (1, Value::Bytes(item)) = field? else { continue };
            let item = Item::parse(item)?;
            let known = tags.find(&item.key).is_some_and(|tag| tags.has_points(tag));
            let long = item.key.len() > MAX_TAG || item.json.len() > MAX_NUMBER;
            let other = item.is_internal() || self.axes.is_axis(&item.key);
            if known || long || other || loose_json::number(item.json).is_none() {
                continue;
            }
            if self.summary.len() < MAX_SUMMARY || self.summary.contains_key(&*item.key) {
                self.summary.insert(item.key.into_owned(), item.json.to_owned());
            }
        }
        Ok(())
    }
}

/// `google.protobuf.Timestamp` in milliseconds since the Unix epoch.
fn time(message: &[u8]) -> Result<i64, Malformed> {
    let (mut seconds, mut nanos) = (0i64, 0i64);
    for field in Fields::new(message) {
        match field? {
            (1, value) => seconds = value.int().unwrap_or_default(),
            (2, value) => nanos = value.int().unwrap_or_default(),
            _ => {}
        }
    }
    Ok(seconds.saturating_mul(1000).saturating_add(nanos / 1_000_000))
}

fn read_commit(git: &[u8], out: &mut Batch) -> Result<(), Malformed> {
    for field in Fields::new(git) {
        if let (2, value) = field? {
            out.facts.extend(value.text().filter(|commit| !commit.is_empty()).map(Fact::Commit));
        }
    }
    Ok(())
}

fn read_config(config: &[u8], out: &mut Batch) -> Result<(), Malformed> {
    for field in Fields::new(config) {
        let (1, Value::Bytes(item)) = field? else { continue };
        let item = Item::parse(item)?;
        if item.is_internal() {
            continue;
        }
        out.facts.extend(loose_json::settings(&item.key, item.json));
    }
    Ok(())
}

#[cfg(test)]
mod log_tests;
#[cfg(test)]
mod tests;
