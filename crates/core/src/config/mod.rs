//! The config of an experiment as text: what keys it has, and the same text with other values.
//!
//! Nothing is written anew: a change replaces the bytes of one value, so comments, order and spacing stay. What comes
//! out is read again and compared, so a change either does what was asked for and nothing else, or is refused.

mod edit;
mod tree;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::sweep::Scalar;

pub use edit::set;
use tree::{Content, Tree};

/// What a key holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Value {
    /// A single value.
    Scalar {
        /// The value.
        value: Scalar,
    },
    /// A list.
    List {
        /// How many items.
        len: usize,
        /// The items if all of them are single values, and at most 1000: they can be the values of a sweep.
        items: Option<Vec<Scalar>>,
    },
    /// A mapping; its keys follow it.
    Map {
        /// How many keys.
        len: usize,
    },
}

/// One key of a config.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// The dotted path; items of lists by their index, from 0: `transforms.0.name`.
    pub path: String,
    /// What it holds.
    pub value: Value,
    /// The line of the key, from 1.
    pub line: usize,
}

/// The keys of a config in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Keys(pub Vec<Key>);

impl Keys {
    /// The key with this path.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Key> {
        self.0.iter().find(|key| key.path == path)
    }
}

/// Why a text is no config that can be used, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[error("line {line}, column {column}: {message}")]
pub struct Problem {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong, and what to do.
    pub message: String,
}

/// Why values could not be changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SetError {
    /// The config itself can't be used.
    #[error("The config can't be read: {0}")]
    Broken(#[from] Problem),
    /// There is no such key.
    #[error("{}", unknown_words(key, near))]
    Unknown {
        /// What was asked for.
        key: String,
        /// Existing keys with the nearest names, nearest first.
        near: Vec<String>,
    },
    /// The key exists, but its value can't be replaced by a single one.
    #[error("“{key}” can't be set: {why}")]
    NotSettable {
        /// What was asked for.
        key: String,
        /// The reason and the next step.
        why: String,
    },
}

fn unknown_words(key: &str, near: &[String]) -> String {
    match near {
        [] => format!("The config has no key “{key}”."),
        near => format!("The config has no key “{key}”. Near it: {}.", near.join(", ")),
    }
}

/// A config with other values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The new text.
    pub text: String,
    /// What the user may not have meant, such as text where a number stood; sentences.
    pub warnings: Vec<String>,
}

/// A config has at most this many bytes: 1 MiB.
pub const LARGEST: usize = 1 << 20;

/// Items of a list that are offered as the values of a sweep at most.
const MOST_OFFERED: usize = 1000;

/// The keys of a config.
///
/// - Items of a list have keys of their own where they are lists or mappings; single values stand in their list.
/// - An alias shows what it stands for; keys that are merged in (`<<`) are listed only where they are written.
///
/// # Errors
/// [`Problem`] with the place: no YAML, not one mapping, a key twice, or more than a config may have.
pub fn check(text: &str) -> Result<Keys, Problem> {
    let tree = Tree::parse(text)?;
    let places = tree.places()?;
    let keys = places.into_iter().filter_map(|place| {
        let node = &tree.nodes[place.node];
        // Single values are listed by key; those of a list stand in it.
        if place.key.is_none() && matches!(node.content, Content::Scalar(_) | Content::Alias(_)) {
            return None;
        }
        let value = match &tree.resolve(place.node).content {
            Content::Scalar(scalar) => Value::Scalar { value: scalar.clone() },
            Content::Map(entries) => Value::Map { len: entries.len() },
            Content::List(items) => Value::List { len: items.len(), items: scalars(&tree, items) },
            // An alias never stands for another one.
            Content::Alias(_) => return None,
        };
        Some(Key { path: place.path, value, line: place.line })
    });
    Ok(Keys(keys.collect()))
}

/// The items if all of them are single values, and not more than a sweep would have.
fn scalars(tree: &Tree, items: &[tree::Id]) -> Option<Vec<Scalar>> {
    if items.len() > MOST_OFFERED {
        return None;
    }
    let each = items.iter().map(|item| match &tree.resolve(*item).content {
        Content::Scalar(scalar) => Some(scalar.clone()),
        _ => None,
    });
    each.collect()
}

#[cfg(test)]
mod tests;
