//! Hyperparameters in event files.

use super::super::protobuf::{Fields, Malformed, Value};
use super::super::{Batch, End, Fact, loose_json};
use super::event::millis;
use crate::sweep::Scalar;

/// Reads the data of the hparams plugin: the start of a session has the hyperparameters, its end the status.
pub(super) fn read(content: &[u8], out: &mut Batch) -> Result<(), Malformed> {
    for field in Fields::new(content) {
        match field? {
            (3, Value::Bytes(start)) => {
                for field in Fields::new(start) {
                    match field? {
                        (1, Value::Bytes(entry)) => out.facts.extend(entry_of(entry)?),
                        (4, group) => {
                            out.facts.extend(group.text().filter(|name| !name.is_empty()).map(Fact::Group))
                        }
                        (5, time) => out.facts.extend(time.double().and_then(millis).map(Fact::Started)),
                        _ => {}
                    }
                }
            }
            (4, Value::Bytes(end)) => {
                for field in Fields::new(end) {
                    match field? {
                        (1, Value::Varint(1)) => out.facts.push(Fact::End(End::Completed)),
                        (1, Value::Varint(2)) => out.facts.push(Fact::End(End::Failed)),
                        (2, time) => out.facts.extend(time.double().and_then(millis).map(Fact::Ended)),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// An entry of the map from names to `google.protobuf.Value`, of which only single values are used.
fn entry_of(entry: &[u8]) -> Result<Option<Fact>, Malformed> {
    let (mut key, mut value) = (String::new(), None);
    for field in Fields::new(entry) {
        match field? {
            (1, name) => key = name.text().unwrap_or_default(),
            (2, Value::Bytes(message)) => {
                for field in Fields::new(message) {
                    value = match field? {
                        (1, Value::Varint(_)) => Some(Scalar::plain("null")),
                        (2, Value::Fixed64(bits)) => Some(number(f64::from_bits(bits))),
                        (3, text) => text.text().map(|text| Scalar::text(&text)),
                        (4, Value::Varint(bits)) => {
                            Some(Scalar::plain(if bits == 0 { "false" } else { "true" }))
                        }
                        _ => None,
                    };
                }
            }
            _ => {}
        }
    }
    Ok(value.filter(|_| !key.is_empty()).map(|value| Fact::Config { key, value }))
}

/// All numbers are written as `double`; a whole one was one.
fn number(number: f64) -> Scalar {
    Scalar::plain(&number.to_string())
}

/// The most bytes of text that are taken for settings.
const MAX_TEXT: usize = 1 << 20;

/// Hugging Face's `Trainer` writes its arguments and the model's config as text, one JSON object each. The arguments
/// keep their names; those of the model begin with `model_config.`.
pub(super) fn read_text(tag: &str, text: &[u8], out: &mut Batch) {
    let prefix = match tag {
        "args/text_summary" => "",
        "model_config/text_summary" => "model_config",
        _ => return,
    };
    if text.len() > MAX_TEXT {
        return;
    }
    let Ok(text) = std::str::from_utf8(text) else { return };
    if text.trim_start().starts_with('{') {
        out.facts.extend(loose_json::settings(prefix, text));
    }
}
