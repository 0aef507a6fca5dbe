//! The folders of a tree as formats see them.

use athanor_core::runs::{Folder, Forest};

use super::{Listed, Tree};
use crate::runs::heads::Head;
use crate::scan::walk::{DEEPEST_BELOW, MOST_BELOW, join, problem, words};
use crate::store::runs::Packed;

impl Forest for Tree {
    fn folder(&self, path: &str) -> Option<Box<dyn Folder + '_>> {
        let (path, _) = self.listed.get_key_value(path)?;
        Some(Box::new(Seen { tree: self, path }))
    }

    fn inside(&self, path: &str) -> Vec<String> {
        let below = if path.is_empty() { String::new() } else { format!("{path}/") };
        let inside = self.listed.range(below.clone()..).map(|(other, _)| other);
        inside.take_while(|other| other.starts_with(&below)).filter(|other| *other != path).cloned().collect()
    }
}

/// A folder of the tree as formats see it.
struct Seen<'a> {
    tree: &'a Tree,
    path: &'a str,
}

impl Seen<'_> {
    fn listed(&self) -> &Listed {
        &self.tree.listed[self.path]
    }
}

impl Folder for Seen<'_> {
    fn path(&self) -> &str {
        self.path
    }

    fn files(&self) -> &[String] {
        &self.listed().files
    }

    fn folders(&self) -> &[String] {
        &self.listed().names
    }

    fn below(&self, folder: &str) -> Vec<String> {
        let mut files = Vec::new();
        let mut waiting = vec![(folder.to_owned(), 1)];
        while let Some((inside, depth)) = waiting.pop() {
            let Some(listed) = self.tree.listed.get(&join(self.path, &inside)) else { continue };
            for file in &listed.files {
                if files.len() < MOST_BELOW {
                    files.push(join(&inside, file));
                }
            }
            for (name, _, is_link) in &listed.folders {
                if depth < DEEPEST_BELOW && !is_link {
                    waiting.push((join(&inside, name), depth + 1));
                }
            }
        }
        files.sort();
        files
    }

    fn head(&self, file: &str) -> Vec<u8> {
        let listed = self.listed();
        if let Some(head) = listed.heads.borrow().get(file) {
            return head.bytes.bytes().unwrap_or_default();
        }
        let path = join(self.path, file);
        let (head, bytes) = self.tree.known.head(&self.tree.root, &path).unwrap_or_else(|cause| {
            listed.faults.borrow_mut().push(problem(&path, words(&cause)));
            (Head { bytes: Packed::default(), stamp: None }, Vec::new())
        });
        listed.heads.borrow_mut().insert(file.to_owned(), head);
        bytes
    }
}
