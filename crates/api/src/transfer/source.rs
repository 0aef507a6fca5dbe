//! From text to the fields of each job, each with the place where it stands.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Fault;
use crate::wire::TransferFormat;

const EXAMPLE: &str = "{\"command\": [\"python3\", \"train.py\"], \"gpus\": 1}";

/// One job as it stands in the text.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    /// Its first byte.
    pub at: usize,
    /// Its fields in their order.
    pub fields: Vec<Field<'a>>,
}

/// One field of a job.
#[derive(Debug)]
pub(super) struct Field<'a> {
    /// Its name as it was written.
    pub name: Cow<'a, str>,
    /// The first byte of its value.
    pub at: usize,
    /// Its value.
    pub value: Value,
}

/// The form that a text most likely has: what begins with a brace is JSON lines, with a bracket a JSON array unless
/// it is the head of a TOML table, everything else TOML.
pub(super) fn format_of(text: &str) -> TransferFormat {
    let text = text.trim_start();
    let rest = text.trim_start_matches('[');
    match text.chars().next() {
        Some('{') => TransferFormat::JsonLines,
        Some('[') if rest.starts_with(|c: char| c.is_ascii_alphabetic()) => TransferFormat::Toml,
        Some('[') => TransferFormat::Json,
        _ => TransferFormat::Toml,
    }
}

/// The jobs of a text.
pub(super) fn entries(text: &str, format: TransferFormat) -> Result<Vec<Entry<'_>>, Fault> {
    match format {
        TransferFormat::Toml => toml_entries(text),
        TransferFormat::Json if text.trim_start().starts_with('[') => {
            let items: Vec<&RawValue> =
                serde_json::from_str(text).map_err(|cause| json_fault(text, 0, &cause))?;
            items.into_iter().map(|item| json_entry(text, item)).collect()
        }
        TransferFormat::Json | TransferFormat::JsonLines => {
            let items = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
            items.map(|item| json_entry(text, item.map_err(|cause| json_fault(text, 0, &cause))?)).collect()
        }
    }
}

/// Where `part` stands in `text`, of which it is a part.
fn place(text: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize)
}

fn json_entry<'a>(text: &'a str, item: &'a RawValue) -> Result<Entry<'a>, Fault> {
    let raw = item.get();
    let at = place(text, raw);
    if !raw.starts_with('{') {
        return Err(Fault::new(at, format!("a job is an object, such as {EXAMPLE}")));
    }
    let members: Members<'a> = serde_json::from_str(raw).map_err(|cause| json_fault(text, at, &cause))?;
    let mut fields = Vec::with_capacity(members.0.len());
    for (name, raw) in members.0 {
        let at = place(text, raw.get());
        let value = serde_json::from_str(raw.get()).map_err(|cause| json_fault(text, at, &cause))?;
        fields.push(Field { name, at, value });
    }
    Ok(Entry { at, fields })
}

/// A fault of the JSON at `from`, at its own place: `serde_json` counts lines and columns from there.
fn json_fault(text: &str, from: usize, cause: &serde_json::Error) -> Fault {
    let line =
        text[from..].split_inclusive('\n').take(cause.line().saturating_sub(1)).map(str::len).sum::<usize>();
    let message = cause.to_string();
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
    Fault::new(from + line, format!("this is not JSON ({message}); a job looks like {EXAMPLE}"))
}

/// The members of a JSON object in their order, each with its text.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
                    members.push((name.0, value));
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(InOrder).map(Self)
    }
}

/// A name that is borrowed where it has no escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

fn toml_entries(text: &str) -> Result<Vec<Entry<'_>>, Fault> {
    let table = DeTable::parse(text).map_err(|cause| {
        let at = cause.span().map_or(0, |span| span.start);
        Fault::new(at, format!("this is not TOML ({})", cause.message().trim_end()))
    })?;
    let mut entries = Vec::new();
    for (key, value) in table.into_inner() {
        let at = key.span().start;
        if key.get_ref() != "job" {
            return Err(Fault::new(
                at,
                format!("“{}” stands outside a job; each job begins with a line [[job]]", key.get_ref()),
            ));
        }
        let at = value.span().start;
        match value.into_inner() {
            DeValue::Array(items) => {
                for item in items {
                    entries.push(toml_entry(item)?);
                }
            }
            table @ DeValue::Table(_) => entries.push(toml_entry(Spanned::new(at..at, table))?),
            _ => return Err(Fault::new(at, "each job begins with a line [[job]]")),
        }
    }
    // Where each began in the text, whatever order the parser keeps.
    entries.sort_by_key(|entry| entry.at);
    Ok(entries)
}

fn toml_entry<'a>(item: Spanned<DeValue<'a>>) -> Result<Entry<'a>, Fault> {
    let at = item.span().start;
    let DeValue::Table(table) = item.into_inner() else {
        return Err(Fault::new(at, "a job is a table; each begins with a line [[job]]"));
    };
    let mut fields: Vec<Field<'a>> = table
        .into_iter()
        .map(|(name, value)| Field {
            at: name.span().start,
            name: name.into_inner(),
            value: toml_value(value.into_inner()),
        })
        .collect();
    fields.sort_by_key(|field| field.at);
    Ok(Entry { at, fields })
}

/// A TOML value as the JSON value that says the same; moments become text. What JSON has no number for (`nan`)
/// becomes text as well, which no field takes for a number.
fn toml_value(value: DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.into_owned()),
        DeValue::Boolean(truth) => Value::Bool(truth),
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
            .map_or_else(|_| Value::String(integer.to_string()), Value::from),
        DeValue::Float(float) => float
            .as_str()
            .parse::<f64>()
            .ok()
            .and_then(serde_json::Number::from_f64)
            .map_or_else(|| Value::String(float.to_string()), Value::Number),
        DeValue::Datetime(moment) => {
            let text = moment.to_string();
            // Without an offset it is a moment in the user's zone, which is written with a space.
            Value::String(if moment.offset.is_none() { text.replace('T', " ") } else { text })
        }
        DeValue::Array(items) => items.into_iter().map(|item| toml_value(item.into_inner())).collect(),
        DeValue::Table(table) => table
            .into_iter()
            .map(|(name, value)| (name.into_inner().into_owned(), toml_value(value.into_inner())))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}
