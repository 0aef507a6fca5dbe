//! Hyperparameters and settings in YAML and JSON documents.

use super::json::{Cursor, Fault, Leaf};
use super::{Batch, Contents, Document, Fact, Outcome, Reader};
use crate::config::{self, Value};

/// What a setting says beside its value.
pub(super) type Meaning = fn(&str, &str) -> Option<Fact>;

/// Reads a YAML mapping. `meaning` may make a further fact of a key and its value.
pub(super) fn yaml(meaning: Meaning) -> Reader {
    Reader::Document(Box::new(Yaml { meaning, is_config: true }))
}

/// Reads a YAML mapping that holds nothing but what `meaning` makes of it.
pub(super) fn yaml_facts(meaning: Meaning) -> Reader {
    Reader::Document(Box::new(Yaml { meaning, is_config: false }))
}

/// Reads a JSON mapping.
pub(super) fn json() -> Reader {
    Reader::Document(Box::new(Json))
}

/// No further facts.
pub(super) fn nothing_else(_key: &str, _value: &str) -> Option<Fact> {
    None
}

struct Yaml {
    meaning: Meaning,
    /// Whether its values are settings of the run.
    is_config: bool,
}

impl Document for Yaml {
    fn limit(&self) -> u64 {
        config::LARGEST as u64
    }

    fn read(&self, bytes: &[u8]) -> Contents {
        let text = String::from_utf8_lossy(bytes);
        if text.trim().is_empty() {
            return Contents::default();
        }
        let keys = match config::check(&text) {
            Ok(keys) => keys,
            Err(problem) => return refused(problem.to_string()),
        };
        let mut batch = Batch::default();
        // As in JSON, a long name before a long list is not repeated for ever.
        let mut left = MOST_NAMES;
        for key in keys.0 {
            let items = if let Value::List { items: Some(items), .. } = &key.value { items.len() } else { 1 };
            let size = key.path.len().saturating_mul(items);
            if size > left {
                continue;
            }
            left -= size;
            match key.value {
                Value::Scalar { value } => {
                    batch.facts.extend((self.meaning)(&key.path, value.as_str()));
                    batch.facts.push(Fact::Config { key: key.path, value });
                }
                Value::List { items: Some(items), .. } => {
                    batch.facts.extend(
                        items.into_iter().enumerate().map(|(index, value)| Fact::Config {
                            key: format!("{}.{index}", key.path),
                            value,
                        }),
                    );
                }
                Value::List { .. } | Value::Map { .. } => {}
            }
        }
        batch.facts.retain(|fact| self.is_config || !matches!(fact, Fact::Config { .. }));
        Contents { outcome: Outcome::Fits, keys: Vec::new(), batch }
    }
}

/// Bytes of the names of all settings of a document, at most.
const MOST_NAMES: usize = 32 << 20;

struct Json;

/// Bytes of a JSON document with settings at most: 16 MiB.
const LARGEST_JSON: u64 = 16 << 20;

impl Document for Json {
    fn limit(&self) -> u64 {
        LARGEST_JSON
    }

    fn read(&self, bytes: &[u8]) -> Contents {
        let mut batch = Batch::default();
        let mut each = |path: &str, leaf: Leaf<'_>| {
            batch.facts.push(Fact::Config { key: path.to_owned(), value: leaf.scalar() });
        };
        let read = Cursor::new(bytes).leaves(&mut String::new(), '.', true, &mut each);
        document(read, Vec::new(), batch)
    }
}

/// Contents by how reading a JSON document ended.
pub(super) fn document(read: Result<(), Fault>, keys: Vec<String>, batch: Batch) -> Contents {
    match read {
        Ok(()) => Contents { outcome: Outcome::Fits, keys, batch },
        Err(Fault::Ended) => Contents { outcome: Outcome::Waiting, keys, batch },
        Err(fault) => refused(fault.words()),
    }
}

/// No contents, for this reason.
pub(super) fn refused(why: String) -> Contents {
    Contents { outcome: Outcome::Refused(why), ..Contents::default() }
}
