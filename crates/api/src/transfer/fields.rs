//! The fields of a job in a text.
//!
//! | field | value |
//! |---|---|
//! | `command` | a list of words, started without a shell; or a text, a line for `/bin/sh -c` |
//! | `cwd` | the working directory; a relative one stands below that of the import |
//! | `name`, `project`, `group`, `notes`, `user`, `key` | text |
//! | `tags` | a list of texts |
//! | `metadata`, `env` | a table of texts; `env` is set on top of the environment |
//! | `priority` | `urgent`, `high`, `normal` or `low` |
//! | `config`, `config_text` | the path of the config; its text in place of the file's |
//! | `cpu_cores`, `gpu_count` (also `gpus`) | a number |
//! | `memory`, `disk`, `gpu_memory` | `"32GiB"`, or a number of bytes |
//! | `memory_gb`, `disk_space_gb`, `gpu_memory_gb` | a number of GiB |
//! | `gpu_model`, `gpu_uuids`, `gpu_exclusive` | text, a list of texts, truth |
//! | `estimate` | `"3h"`; or `estimated_runtime_hours`, a number |
//! | `label` | a name by which later jobs of the same text mean this one: `@label` |
//! | `after` | a list of uids or labels; `any:` or `failure:` before one gives another condition than success |
//! | `wait_for_failed`, `hold` | truth |
//! | `not_before`, `start_by` | a moment as on the command line, or UTC milliseconds |
//! | `delay` | `"10m"`: not before so long from now |
//! | `window` | the name of a time window |
//! | `retries`, `backoff`, `retry_on` | a number, `"30s"`, a list of reasons |
//! | `time_limit`, `grace` | `"12h"` |
//!
//! One that asks for GPU memory, a model, uuids or exclusive use and gives no count asks for one GPU, or for as
//! many as there are uuids.

use std::collections::BTreeMap;

use athanor_core::quantity::{parse_bytes, parse_duration, parse_moment};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::source::Entry;
use super::{Context, Fault, nearest};
use crate::wire::{
    Command, Condition, Dependency, FailureReason, NewExperiment, Priority, Requirements, RetryPolicy,
};

type Take = fn(&mut Draft, Value, &Context) -> Result<(), String>;

/// A field: what it says (no job may say the same thing twice), its names, the first being its own, and how its
/// value is taken.
struct Known(&'static str, &'static [&'static str], Take);

/// A job in the making.
struct Draft {
    new: NewExperiment,
    command: Option<Command>,
    gpus: Option<u32>,
    retries: Option<u32>,
    backoff: Option<u64>,
    retry_on: Option<Vec<FailureReason>>,
}

const FIELDS: &[Known] = &[
    Known("command", &["command"], |job, value, _| {
        job.command = Some(command(value)?);
        Ok(())
    }),
    Known("cwd", &["cwd", "working_dir", "working_directory"], |job, value, context| {
        job.new.cwd = below(&context.cwd, &text(value)?);
        Ok(())
    }),
    Known("name", &["name"], |job, value, _| put(&mut job.new.name, text(value))),
    Known("project", &["project"], |job, value, _| put(&mut job.new.project, text(value))),
    Known("group", &["group"], |job, value, _| put(&mut job.new.group, text(value))),
    Known("priority", &["priority"], |job, value, _| {
        job.new.priority = word::<Priority>(value, "urgent, high, normal or low")?;
        Ok(())
    }),
    Known("env", &["env", "environment"], |job, value, _| {
        job.new.set = texts_by_name(value)?;
        Ok(())
    }),
    Known("config", &["config", "config_path"], |job, value, _| put(&mut job.new.config_path, text(value))),
    Known("config_text", &["config_text"], |job, value, _| put(&mut job.new.config_text, text(value))),
    Known("cpu_cores", &["cpu_cores", "cpus"], |job, value, _| {
        put(&mut job.new.requirements.cpu_cores, count(&value))
    }),
    Known("memory", &["memory"], |job, value, _| put(&mut job.new.requirements.memory, bytes(value))),
    Known("memory", &["memory_gb"], |job, value, _| put(&mut job.new.requirements.memory, gibibytes(&value))),
    Known("disk", &["disk", "disk_space"], |job, value, _| put(&mut job.new.requirements.disk, bytes(value))),
    Known("disk", &["disk_space_gb"], |job, value, _| put(&mut job.new.requirements.disk, gibibytes(&value))),
    Known("gpu_count", &["gpu_count", "gpus"], |job, value, _| put(&mut job.gpus, count(&value))),
    Known("gpu_memory", &["gpu_memory"], |job, value, _| {
        put(&mut job.new.requirements.gpu_memory, bytes(value))
    }),
    Known("gpu_memory", &["gpu_memory_gb"], |job, value, _| {
        put(&mut job.new.requirements.gpu_memory, gibibytes(&value))
    }),
    Known("gpu_model", &["gpu_model"], |job, value, _| put(&mut job.new.requirements.gpu_model, text(value))),
    Known("gpu_uuids", &["gpu_uuids"], |job, value, _| {
        job.new.requirements.gpu_uuids = texts(value)?;
        Ok(())
    }),
    Known("gpu_exclusive", &["gpu_exclusive"], |job, value, _| {
        put(&mut job.new.requirements.gpu_exclusive, truth(&value))
    }),
    Known("estimate", &["estimate"], |job, value, _| {
        put(&mut job.new.requirements.estimated_ms, duration(value))
    }),
    Known("estimate", &["estimated_runtime_hours"], |job, value, _| {
        put(&mut job.new.requirements.estimated_ms, hours(&value))
    }),
    Known("label", &["label"], |job, value, _| put(&mut job.new.label, text(value))),
    Known("after", &["after", "dependencies", "depends_on"], |job, value, _| {
        job.new.after = dependencies(value)?;
        Ok(())
    }),
    Known("wait_for_failed", &["wait_for_failed"], |job, value, _| {
        job.new.wait_for_failed = truth(&value)?;
        Ok(())
    }),
    Known("hold", &["hold"], |job, value, _| {
        job.new.hold = truth(&value)?;
        Ok(())
    }),
    Known("not_before", &["not_before"], |job, value, context| {
        put(&mut job.new.not_before, moment(value, context))
    }),
    Known("not_before", &["delay"], |job, value, context| {
        let ms = i64::try_from(duration(value)?).unwrap_or(i64::MAX);
        job.new.not_before = Some(context.now_ms.saturating_add(ms));
        Ok(())
    }),
    Known("window", &["window"], |job, value, _| put(&mut job.new.window, text(value))),
    Known("start_by", &["start_by"], |job, value, context| {
        put(&mut job.new.start_by, moment(value, context))
    }),
    Known("retries", &["retries", "max_retries"], |job, value, _| put(&mut job.retries, count(&value))),
    Known("backoff", &["backoff"], |job, value, _| put(&mut job.backoff, duration(value))),
    Known("retry_on", &["retry_on"], |job, value, _| put(&mut job.retry_on, reasons(value))),
    Known("time_limit", &["time_limit"], |job, value, _| put(&mut job.new.time_limit_ms, duration(value))),
    Known("grace", &["grace"], |job, value, _| put(&mut job.new.grace_ms, duration(value))),
    Known("key", &["key", "idempotency_key"], |job, value, _| put(&mut job.new.key, text(value))),
    Known("user", &["user"], |job, value, _| put(&mut job.new.user, text(value))),
    Known("tags", &["tags"], |job, value, _| {
        job.new.tags = texts(value)?;
        Ok(())
    }),
    Known("notes", &["notes"], |job, value, _| {
        job.new.notes = text(value)?;
        Ok(())
    }),
    Known("metadata", &["metadata"], |job, value, _| {
        job.new.metadata = texts_by_name(value)?;
        Ok(())
    }),
];

/// The job that an entry describes.
pub(super) fn job(entry: Entry<'_>, context: &Context) -> Result<NewExperiment, Fault> {
    let mut job = Draft {
        new: blank(Command::Argv(Vec::new()), context.cwd.clone()),
        command: None,
        gpus: None,
        retries: None,
        backoff: None,
        retry_on: None,
    };
    let mut said: Vec<(&'static str, String)> = Vec::with_capacity(entry.fields.len());
    for field in entry.fields {
        let name = &*field.name;
        let Some(Known(about, _, take)) = FIELDS.iter().find(|known| known.1.contains(&name)) else {
            return Err(Fault::new(field.at, unknown(name)));
        };
        if let Some((_, other)) = said.iter().find(|(other, _)| other == about) {
            let message = match other == name {
                true => format!("“{name}” stands there twice"),
                false => format!("“{name}” and “{other}” say the same; leave one out"),
            };
            return Err(Fault::new(field.at, message));
        }
        // Many writers of JSON name what is not given.
        if !field.value.is_null() {
            take(&mut job, field.value, context)
                .map_err(|why| Fault::new(field.at, format!("“{name}” {why}")))?;
        }
        said.push((about, field.name.into_owned()));
    }
    finish(job).map_err(|message| Fault::new(entry.at, message))
}

fn finish(job: Draft) -> Result<NewExperiment, String> {
    let mut new = job.new;
    new.command = job
        .command
        .ok_or("a job needs a “command”: [\"python3\", \"train.py\"], or a line for the shell in quotes")?;
    new.requirements.gpus = job.gpus.unwrap_or_else(|| implied_gpus(&new.requirements));
    new.retry = match (job.retries, job.backoff.is_some() || job.retry_on.is_some()) {
        (Some(limit), _) => Some(RetryPolicy { limit, delay_ms: job.backoff, reasons: job.retry_on }),
        (None, true) => return Err("“backoff” and “retry_on” need “retries”, their number".into()),
        (None, false) => None,
    };
    Ok(new)
}

/// An experiment of which nothing is said but what it runs and where.
#[must_use]
pub fn blank(command: Command, cwd: String) -> NewExperiment {
    NewExperiment {
        command,
        cwd,
        name: None,
        project: None,
        priority: Priority::default(),
        environment: None,
        set: BTreeMap::new(),
        config_path: None,
        config_text: None,
        requirements: Requirements::default(),
        after: Vec::new(),
        wait_for_failed: false,
        label: None,
        hold: false,
        not_before: None,
        window: None,
        start_by: None,
        retry: None,
        group: None,
        key: None,
        user: None,
        metadata: BTreeMap::new(),
        tags: Vec::new(),
        notes: String::new(),
        time_limit_ms: None,
        grace_ms: None,
    }
}

/// How many GPUs somebody asks for who says what they should be like, and not how many: those that were named, or one.
#[must_use]
pub fn implied_gpus(requirements: &Requirements) -> u32 {
    let pins = u32::try_from(requirements.gpu_uuids.len()).unwrap_or(u32::MAX);
    let described = requirements.gpu_memory.is_some()
        || requirements.gpu_model.is_some()
        || requirements.gpu_exclusive.is_some();
    pins.max(u32::from(described))
}

fn unknown(name: &str) -> String {
    let names = FIELDS.iter().flat_map(|known| known.1.iter().copied());
    match nearest(name, names) {
        Some(meant) => format!("there is no field “{name}”; did you mean “{meant}”?"),
        None => {
            let all: Vec<&str> = FIELDS.iter().map(|known| known.1[0]).collect();
            format!("there is no field “{name}”; there are {}", all.join(", "))
        }
    }
}

fn put<T>(place: &mut Option<T>, value: Result<T, String>) -> Result<(), String> {
    *place = Some(value?);
    Ok(())
}

/// What a value is, for a message.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}

fn text(value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(format!("is {}; write a text in quotes", kind(&other))),
    }
}

fn texts(value: Value) -> Result<Vec<String>, String> {
    match value {
        Value::Array(items) => items
            .into_iter()
            .map(|item| text(item).map_err(|_| "has an item that is no text; write each in quotes".into()))
            .collect(),
        Value::String(text) => Ok(vec![text]),
        other => Err(format!("is {}; write a list of texts, such as [\"a\", \"b\"]", kind(&other))),
    }
}

fn texts_by_name(value: Value) -> Result<BTreeMap<String, String>, String> {
    let Value::Object(members) = value else {
        return Err(format!("is {}; write a table of names and texts", kind(&value)));
    };
    members
        .into_iter()
        .map(|(name, value)| match value {
            Value::String(text) => Ok((name, text)),
            other => Err(format!("has {} as “{name}”; write each value in quotes", kind(&other))),
        })
        .collect()
}

fn truth(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| format!("is {}; write true or false", kind(value)))
}

fn count(value: &Value) -> Result<u32, String> {
    let Value::Number(number) = value else {
        return Err(format!("is {}; write a whole number", kind(value)));
    };
    // 2.0 is what some languages write for 2.
    let whole = number.as_u64().or_else(|| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, and in range")]
        number.as_f64().filter(|v| v.fract() == 0.0 && (0.0..4e9).contains(v)).map(|v| v as u64)
    });
    whole
        .and_then(|whole| u32::try_from(whole).ok())
        .ok_or_else(|| format!("is {number}; write a whole number, 0 or more"))
}

fn bytes(value: Value) -> Result<u64, String> {
    match value {
        Value::String(text) => parse_bytes(&text).map_err(|fault| format!("is no size: {fault}")),
        Value::Number(number) => number.as_u64().ok_or_else(|| {
            format!("is {number}; write bytes as a whole number, or a size such as \"32GiB\"")
        }),
        other => Err(format!("is {}; write a size such as \"32GiB\"", kind(&other))),
    }
}

/// A number of units, each of `unit` of what is counted.
fn scaled(value: &Value, unit: f64, example: &str) -> Result<u64, String> {
    let amount = value.as_f64().ok_or_else(|| format!("is {}; write {example}", kind(value)))?;
    let scaled = (amount * unit).round();
    // Beyond 2^53 a float does not count every one.
    if !(0.0..=9e15).contains(&scaled) {
        return Err(format!("is {value}, which is out of all reason; write {example}"));
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
    Ok(scaled as u64)
}

fn gibibytes(value: &Value) -> Result<u64, String> {
    scaled(value, f64::from(1u32 << 30), "a number of GiB, such as 32 or 0.5")
}

fn hours(value: &Value) -> Result<u64, String> {
    scaled(value, 3.6e6, "a number of hours, such as 12 or 0.5")
}

fn duration(value: Value) -> Result<u64, String> {
    match value {
        Value::String(text) => parse_duration(&text).map_err(|fault| format!("is no duration: {fault}")),
        other => {
            Err(format!("is {}; write a duration with its unit, such as \"90s\" or \"12h\"", kind(&other)))
        }
    }
}

fn moment(value: Value, context: &Context) -> Result<i64, String> {
    match value {
        Value::String(text) => parse_moment(&text, context.now_ms, &context.zone)
            .map_err(|fault| format!("is no moment: {fault}")),
        Value::Number(number) => {
            number.as_i64().ok_or_else(|| format!("is {number}; write UTC milliseconds as a whole number"))
        }
        other => Err(format!("is {}; write a moment such as \"2026-11-22 08:30\"", kind(&other))),
    }
}

/// One of the words of an enum of the wire.
fn word<T: DeserializeOwned>(value: Value, words: &str) -> Result<T, String> {
    let said = value.as_str().map_or_else(|| kind(&value).to_owned(), |word| format!("“{word}”"));
    serde_json::from_value(value).map_err(|_| format!("is {said}; write {words}"))
}

fn command(value: Value) -> Result<Command, String> {
    match value {
        Value::String(line) => Ok(Command::Shell(line)),
        Value::Array(items) => items
            .into_iter()
            .map(|item| match item {
                Value::String(word) => Ok(word),
                other => {
                    Err(format!("has a word that is {other}; write each word in quotes, numbers as well"))
                }
            })
            .collect::<Result<_, _>>()
            .map(Command::Argv),
        other => Err(format!("is {}; write [\"python3\", \"train.py\"]", kind(&other))),
    }
}

fn reasons(value: Value) -> Result<Vec<FailureReason>, String> {
    const WORDS: &str =
        "exit_code, signal, out_of_memory, could_not_start, lost, time_limit, disk_full or dependency_failed";
    texts(value)?.into_iter().map(|text| word(Value::String(text), WORDS)).collect()
}

fn dependencies(value: Value) -> Result<Vec<Dependency>, String> {
    let items = match value {
        Value::Array(items) => items,
        one => vec![one],
    };
    items
        .into_iter()
        .map(|item| match item {
            Value::String(text) => Ok(dependency(&text)),
            Value::Object(_) => serde_json::from_value(item).map_err(|cause| {
                format!(
                    "has a table that is no dependency ({cause}); write {{\"uid\": …, \"when\": \"any\"}}"
                )
            }),
            other => Err(format!("has {} in it; write uids or labels in quotes", kind(&other))),
        })
        .collect()
}

/// A dependency as one word: `20261121_7e3a` after its success, `any:20261121_7e3a` after its end, `failure:@train`
/// after a failure of what has that label.
#[must_use]
pub fn dependency(text: &str) -> Dependency {
    for (condition, word) in CONDITIONS {
        if let Some(uid) = text.strip_prefix(word).and_then(|rest| rest.strip_prefix(':')) {
            return Dependency { uid: uid.to_owned(), when: condition };
        }
    }
    Dependency { uid: text.to_owned(), when: Condition::Success }
}

/// The words for conditions.
pub(super) const CONDITIONS: [(Condition, &str); 3] =
    [(Condition::Success, "success"), (Condition::Any, "any"), (Condition::Failure, "failure")];

/// A path as seen from `folder`; `~` is left for the engine.
fn below(folder: &str, path: &str) -> String {
    if path.starts_with(['/', '~']) {
        return path.to_owned();
    }
    std::path::Path::new(folder).join(path).display().to_string()
}
