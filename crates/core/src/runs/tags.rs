//! The names of the metrics in a file, and what else stands under them.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{Batch, Issue, Other, Place};

/// More tags are not read: each is remembered for as long as its file grows.
pub(super) const MAX_TAGS: usize = 200_000;
/// A longer tag is not read.
pub(super) const MAX_TAG: usize = 4 << 10;

/// The most bytes that all tags of a file may have together.
pub(super) const MAX_NAMES: usize = 32 << 20;
/// More kinds of a tag are not counted: their names come from files too.
const MAX_KINDS: usize = 16;

/// What is known of a tag, with what its format remembers of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Tag<T> {
    pub(super) name: String,
    /// Index among the keys, once it has a point.
    key: Option<u32>,
    /// What it holds beside points, how often.
    others: Vec<(String, u64)>,
    pub(super) more: T,
    /// The tag that came after it last time: programs log the same tags again and again in the same order.
    #[serde(skip)]
    next: u32,
}

/// All tags of a file.
#[derive(Debug, Clone, Default)]
pub(super) struct Tags<T> {
    pub(super) stored: Stored<T>,
    index: HashMap<String, u32>,
    last: u32,
}

/// What must be remembered of them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Stored<T> {
    tags: Vec<Tag<T>>,
    keys: Vec<String>,
    /// Bytes of all tags together.
    bytes: usize,
    /// It has been said that there are too many.
    full: bool,
}

impl<T: Default> Tags<T> {
    /// Goes on with what was stored, unless its parts do not fit each other.
    pub(super) fn resume(stored: Stored<T>) -> Option<Self> {
        if stored.tags.iter().any(|tag| tag.key.is_some_and(|key| key as usize >= stored.keys.len())) {
            return None;
        }
        let index = stored.tags.iter().zip(0..).map(|(tag, i)| (tag.name.clone(), i)).collect();
        Some(Self { stored, index, last: 0 })
    }

    pub(super) fn keys(&self) -> &[String] {
        &self.stored.keys
    }

    pub(super) fn get(&mut self, index: u32) -> &mut Tag<T> {
        &mut self.stored.tags[index as usize]
    }

    /// The tag of that name, if there is one.
    pub(super) fn find(&self, name: &str) -> Option<u32> {
        self.index.get(name).copied()
    }

    /// Whether a tag has a point.
    pub(super) fn has_points(&self, index: u32) -> bool {
        self.stored.tags[index as usize].key.is_some()
    }

    /// The index of a tag, new ones included. One too many and one too long are issues.
    pub(super) fn index(&mut self, name: &[u8], offset: u64, out: &mut Batch) -> Option<u32> {
        let expected = self.stored.tags.get(self.last as usize).map_or(0, |tag| tag.next);
        if self.stored.tags.get(expected as usize).is_some_and(|tag| tag.name.as_bytes() == name) {
            self.last = expected;
            return Some(expected);
        }
        let mut issue = |message| out.issues.push(Issue { place: Place::Byte(offset), message });
        if name.len() > MAX_TAG {
            let length = name.len();
            issue(format!(
                "a name has {length} bytes, more than the {MAX_TAG} that are read; its value is left out"
            ));
            return None;
        }
        let name = String::from_utf8_lossy(name);
        let index = if let Some(&index) = self.index.get(&*name) {
            index
        } else if self.stored.tags.len() < MAX_TAGS && self.stored.bytes < MAX_NAMES {
            self.stored.bytes += name.len();
            // At most MAX_TAGS.
            let index = self.stored.tags.len() as u32;
            self.stored.tags.push(Tag { name: name.to_string(), ..Tag::default() });
            self.index.insert(name.into_owned(), index);
            index
        } else {
            if !self.stored.full {
                self.stored.full = true;
                issue(format!(
                    "there are more than {MAX_TAGS} names; the values of further ones are left out"
                ));
            }
            return None;
        };
        if let Some(last) = self.stored.tags.get_mut(self.last as usize) {
            last.next = index;
        }
        self.last = index;
        Some(index)
    }

    /// Adds a point of a tag.
    pub(super) fn point(&mut self, index: u32, step: f64, value: f64, wall_ms: Option<i64>, out: &mut Batch) {
        let tag = &mut self.stored.tags[index as usize];
        let keys = &mut self.stored.keys;
        let key = *tag.key.get_or_insert_with(|| {
            keys.push(tag.name.clone());
            // At most MAX_TAGS.
            keys.len() as u32 - 1
        });
        out.point(key, step, value, wall_ms);
    }

    /// What stands under the tags beside points.
    pub(super) fn others(&self) -> Vec<Other> {
        let other = |key: &str, (kind, count): &(String, u64)| Other {
            kind: kind.clone(),
            key: key.to_owned(),
            count: *count,
        };
        self.stored.tags.iter().flat_map(|tag| tag.others.iter().map(|held| other(&tag.name, held))).collect()
    }
}

impl<T> Tag<T> {
    /// Counts a value that is no point.
    pub(super) fn count(&mut self, kind: &str) {
        if let Some((_, count)) = self.others.iter_mut().find(|(name, _)| name == kind) {
            *count += 1;
        } else if self.others.len() < MAX_KINDS {
            self.others.push((kind.to_owned(), 1));
        }
    }
}
