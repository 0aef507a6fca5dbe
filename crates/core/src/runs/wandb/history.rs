//! Rows of a run's history.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::super::protobuf::{Fields, Malformed, Value};
use super::super::tags::{MAX_TAG, Tags};
use super::super::{Batch, loose_json};
use super::Run;

/// A key and its value. History, summary, config and system metrics all have such.
pub(super) struct Item<'a> {
    /// Dotted.
    pub(super) key: Cow<'a, str>,
    /// The value, JSON.
    pub(super) json: &'a str,
}

impl<'a> Item<'a> {
    pub(super) fn parse(message: &'a [u8]) -> Result<Self, Malformed> {
        let (mut key, mut json) = (Cow::Borrowed(""), "");
        for field in Fields::new(message) {
            match field? {
                (1, Value::Bytes(name)) => key = String::from_utf8_lossy(name),
                (2, Value::Bytes(part)) => {
                    let part = String::from_utf8_lossy(part);
                    key = if key.is_empty() { part } else { Cow::Owned(format!("{key}.{part}")) };
                }
                (16, Value::Bytes(text)) => json = std::str::from_utf8(text).map_err(|_| Malformed)?,
                _ => {}
            }
        }
        Ok(Self { key, json })
    }

    /// What W&B keeps for itself: `_runtime`, `_wandb.runtime`.
    pub(super) fn is_internal(&self) -> bool {
        self.key.starts_with('_')
    }
}

/// Which metrics are the x axis of which, from `define_metric`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Axes {
    rules: Vec<Rule>,
    axes: Vec<Axis>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Rule {
    /// A name, or the beginning of names.
    name: String,
    glob: bool,
    /// Index of the axis.
    axis: usize,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Axis {
    name: String,
    /// Its latest value.
    at: Option<f64>,
}

/// More rules than this are not kept; each is asked about each new name.
const MAX_RULES: usize = 1000;

impl Axes {
    /// Whether the parts of what was stored fit each other.
    pub(super) fn is_sound(&self) -> bool {
        self.rules.iter().all(|rule| rule.axis < self.axes.len())
    }

    /// Takes in a `MetricRecord`.
    pub(super) fn define(&mut self, metric: &[u8]) -> Result<(), Malformed> {
        let (mut name, mut glob, mut axis) = (String::new(), false, String::new());
        for field in Fields::new(metric) {
            match field? {
                (1, text) => name = text.text().unwrap_or_default(),
                // W&B allows a star at the end only.
                (2, text) => {
                    let text = text.text().unwrap_or_default();
                    (name, glob) = (text.trim_end_matches('*').to_owned(), true);
                }
                (4, text) => axis = text.text().unwrap_or_default(),
                _ => {}
            }
        }
        let long = name.len() > MAX_TAG || axis.len() > MAX_TAG;
        if axis.is_empty() || axis.starts_with('_') || long || self.rules.len() >= MAX_RULES {
            return Ok(());
        }
        let index = self.axes.iter().position(|known| known.name == axis).unwrap_or_else(|| {
            self.axes.push(Axis { name: axis, at: None });
            self.axes.len() - 1
        });
        self.rules.retain(|rule| (rule.glob, &rule.name) != (glob, &name));
        self.rules.push(Rule { name, glob, axis: index });
        Ok(())
    }

    /// Whether a metric is the x axis of others.
    pub(super) fn is_axis(&self, name: &str) -> bool {
        self.axes.iter().any(|axis| axis.name == name)
    }

    /// The position on the x axis of a metric: its own name's rule, else the glob with the longest beginning, counts.
    fn position(&self, name: &str) -> Option<f64> {
        let exact = self.rules.iter().find(|rule| !rule.glob && rule.name == name);
        let globs = self.rules.iter().filter(|rule| rule.glob && name.starts_with(&rule.name));
        let rule = exact.or_else(|| globs.max_by_key(|rule| rule.name.len()))?;
        self.axes[rule.axis].at
    }
}

impl Run {
    /// Reads a row.
    pub(super) fn history(
        &mut self,
        offset: u64,
        history: &[u8],
        tags: &mut Tags<()>,
        out: &mut Batch,
    ) -> Result<(), Malformed> {
        let mut items = Vec::new();
        let mut step = None;
        let mut wall_ms = None;
        for field in Fields::new(history) {
            match field? {
                (1, Value::Bytes(message)) => {
                    let item = Item::parse(message)?;
                    match &*item.key {
                        // The step in its own field is the same, where there is one.
                        "_step" => {
                            step = loose_json::number(item.json).filter(|step| step.is_finite()).or(step)
                        }
                        "_timestamp" => wall_ms = loose_json::number(item.json).and_then(millis),
                        _ if item.is_internal() => {}
                        _ => items.push(item),
                    }
                }
                (2, Value::Bytes(message)) => {
                    let mut number = 0;
                    for field in Fields::new(message) {
                        if let (1, value) = field? {
                            number = value.int().unwrap_or_default();
                        }
                    }
                    step = step.or(Some(number as f64));
                }
                _ => {}
            }
        }
        let step = step.unwrap_or(self.next_step as f64);
        // Saturates, so that a step that nobody counts to does no harm.
        self.last_step = step as i64;
        self.next_step = self.last_step.saturating_add(1);
        for axis in &mut self.axes.axes {
            let value = items
                .iter()
                .find(|item| item.key == axis.name)
                .and_then(|item| loose_json::number(item.json));
            axis.at = value.filter(|value| value.is_finite()).or(axis.at);
        }
        for item in &items {
            if item.key != "epoch" && self.axes.is_axis(&item.key) {
                continue;
            }
            if let Some(value) = loose_json::number(item.json) {
                self.point(&item.key, step, value, wall_ms, (offset, tags, out));
            } else {
                self.other(item, step, wall_ms, (offset, tags, out));
            }
        }
        Ok(())
    }

    fn point(
        &mut self,
        key: &str,
        step: f64,
        value: f64,
        wall_ms: Option<i64>,
        (offset, tags, out): (u64, &mut Tags<()>, &mut Batch),
    ) {
        if let Some(tag) = tags.index(key.as_bytes(), offset, out) {
            tags.point(tag, self.axes.position(key).unwrap_or(step), value, wall_ms, out);
        }
    }

    /// Reads what is no number itself: an object may have some in it.
    fn other(
        &mut self,
        item: &Item<'_>,
        step: f64,
        wall_ms: Option<i64>,
        (offset, tags, out): (u64, &mut Tags<()>, &mut Batch),
    ) {
        let kind = match item.json.trim_start().as_bytes().first() {
            Some(b'{') => {
                let mut numbers = Vec::new();
                let mut kind = None;
                let read = loose_json::values(&item.key, item.json, &mut |key, leaf| {
                    if let Some(number) = leaf.number() {
                        numbers.push((key.to_owned(), number));
                    } else if key.strip_prefix(&*item.key) == Some("._type") {
                        kind = leaf.text();
                    }
                });
                match (read, kind) {
                    (None, _) => return,
                    (_, Some(kind)) => kind.chars().take(64).collect(),
                    _ => {
                        for (key, value) in numbers {
                            self.point(&key, step, value, wall_ms, (offset, tags, out));
                        }
                        return;
                    }
                }
            }
            Some(b'[') => "lists".to_owned(),
            Some(b'"') => "text".to_owned(),
            Some(b't' | b'f') => "true or false".to_owned(),
            _ => return,
        };
        if let Some(tag) = tags.index(item.key.as_bytes(), offset, out) {
            tags.get(tag).count(&kind);
        }
    }
}

/// Unix time in milliseconds from seconds, where they are plausible.
pub(super) fn millis(seconds: f64) -> Option<i64> {
    (seconds > 0.0 && seconds < 1e11).then(|| (seconds * 1000.0).round() as i64)
}
