//! What callers ask of the queue, before it is checked.

use std::collections::BTreeMap;
use std::sync::Arc;

use athanor_core::dependency::Condition;
use athanor_core::experiment::{JobCommand, Priority};
use athanor_core::requirements::Requirements;
use athanor_core::retry::RetryPolicy;

use crate::seal::Environment;
use crate::store::ExperimentRow;

/// An experiment to be queued, as a caller gives it.
#[derive(Debug, Clone)]
pub struct NewExperiment {
    /// What to run.
    pub command: JobCommand,
    /// Where, absolute.
    pub cwd: String,
    /// Its name, or none for the script's.
    pub name: Option<String>,
    /// Its project's name.
    pub project: Option<String>,
    /// How soon.
    pub priority: Priority,
    /// Its whole environment, or none for the engine's own. Thousands of one call share it.
    pub environment: Option<Arc<Environment>>,
    /// Variables on top of the environment.
    pub set: Environment,
    /// Its config's path.
    pub config_path: Option<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Notes.
    pub notes: String,
    /// Longest time that it may run, milliseconds.
    pub time_limit_ms: Option<u64>,
    /// From SIGTERM to SIGKILL, milliseconds.
    pub grace_ms: Option<u64>,
    /// Its config's text in place of the file's: the job gets a copy.
    pub config_text: Option<String>,
    /// What it needs.
    pub requirements: Requirements,
    /// What must come first: a uid, or `@label` of an earlier one of the same call.
    pub after: Vec<(String, Condition)>,
    /// Whether it waits on when a dependency can't be met any more.
    pub wait_for_failed: bool,
    /// Its name for later ones of the same call.
    pub label: Option<String>,
    /// Whether it is held back.
    pub hold: bool,
    /// Not before this moment, UTC milliseconds.
    pub not_before: Option<i64>,
    /// Only in the window of this name.
    pub window: Option<String>,
    /// It expires if it has not started by then.
    pub start_by: Option<i64>,
    /// What is done after a failure; none: the default.
    pub retry: Option<RetryPolicy>,
    /// Its group, which is made if there is none.
    pub group: Option<String>,
    /// The same key returns the experiment that is there.
    pub key: Option<String>,
    /// Who queues it.
    pub submitted_by: Option<String>,
    /// Facts to keep with it.
    pub metadata: BTreeMap<String, String>,
    /// The experiment that it is made from.
    pub parent_id: Option<i64>,
}

impl NewExperiment {
    /// One that runs a command in a folder; the rest is as if nothing was said.
    #[must_use]
    pub fn new(command: JobCommand, cwd: impl Into<String>) -> Self {
        Self {
            command,
            cwd: cwd.into(),
            name: None,
            project: None,
            priority: Priority::Normal,
            environment: None,
            set: Environment::new(),
            config_path: None,
            tags: Vec::new(),
            notes: String::new(),
            time_limit_ms: None,
            grace_ms: None,
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
            submitted_by: None,
            metadata: BTreeMap::new(),
            parent_id: None,
        }
    }
}

/// A group to be made, or changed, together with its members.
#[derive(Debug, Clone)]
pub struct NewGroup {
    /// Its name.
    pub name: String,
    /// Members that may run at once.
    pub parallel: Option<u32>,
    /// JSON of the sweep that it is made by; none leaves what is there.
    pub sweep: Option<String>,
}

/// What an `add` gave, in the order in which it was asked.
#[derive(Debug, Clone, Default)]
pub struct Added {
    /// The experiments as they are now.
    pub rows: Vec<ExperimentRow>,
    /// Uids of those that were there already under their key.
    pub existing: Vec<String>,
}

/// Changes of an experiment: what is given replaces what was; an inner `None` takes it away.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs, reason = "as in NewExperiment")]
pub struct Edit {
    pub name: Option<String>,
    pub tags: Option<Vec<String>>,
    pub notes: Option<String>,
    pub command: Option<JobCommand>,
    pub cwd: Option<String>,
    pub priority: Option<Priority>,
    pub requirements: Option<Requirements>,
    pub after: Option<Vec<(String, Condition)>>,
    pub wait_for_failed: Option<bool>,
    pub not_before: Option<Option<i64>>,
    pub window: Option<Option<String>>,
    pub start_by: Option<Option<i64>>,
    pub retry: Option<Option<RetryPolicy>>,
    pub group: Option<Option<String>>,
    pub time_limit_ms: Option<Option<u64>>,
    pub grace_ms: Option<u64>,
    pub config_text: Option<String>,
    /// Variables to set, or to remove.
    pub set: BTreeMap<String, Option<String>>,
    /// Tags to add and to take away, after `tags`.
    pub tagging: Option<Tagging>,
    /// Whether it is held back.
    pub hold: Option<bool>,
}

/// Tags to add and to take away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tagging {
    /// Added at the end, where they are not there yet.
    pub add: Vec<String>,
    /// Taken away, where they are there.
    pub remove: Vec<String>,
}

impl Edit {
    /// Whether it changes nothing but what may be changed at any time: name, tags and notes.
    pub(super) fn is_about_words(&self) -> bool {
        let Self {
            name: _,
            tags: _,
            notes: _,
            command,
            cwd,
            priority,
            requirements,
            after,
            wait_for_failed,
            not_before,
            window,
            start_by,
            retry,
            group,
            time_limit_ms,
            grace_ms,
            config_text,
            set,
            tagging: _,
            hold,
        } = self;
        command.is_none()
            && cwd.is_none()
            && priority.is_none()
            && requirements.is_none()
            && after.is_none()
            && wait_for_failed.is_none()
            && not_before.is_none()
            && window.is_none()
            && start_by.is_none()
            && retry.is_none()
            && group.is_none()
            && time_limit_ms.is_none()
            && grace_ms.is_none()
            && config_text.is_none()
            && hold.is_none()
            && set.is_empty()
    }
}

/// An edit that was checked.
#[derive(Debug)]
pub(crate) struct PreparedEdit {
    pub edit: Edit,
    /// The environment after it, where it changes.
    pub environment: Option<([u8; 16], Vec<u8>)>,
    /// What must come first, where it changes.
    pub after: Option<Vec<Parent>>,
}

/// Another experiment that must come first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Parent {
    /// One that is there.
    There { id: i64, uid: String, when: Condition },
    /// An earlier one of the same call, by its place there.
    Earlier { place: usize, when: Condition },
}

/// What can be done with experiments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Ask for the end: a waiting one is cancelled at once, a running one when its processes have ended.
    Cancel,
    /// Stop the processes of a running one; hold a waiting one back.
    Pause,
    /// Let a paused one go on, or lift the hold of a waiting one.
    Resume,
    /// Hold a waiting one back.
    Hold,
    /// Queue one that failed, was cancelled or expired once more.
    Retry,
    /// Give waiting ones another place in the queue, in the order in which they are named.
    Move(Destination),
    /// Put finished ones away.
    Archive,
    /// Take them back out.
    Restore,
    /// Delete finished ones with their logs and recorded metrics.
    Delete,
}

/// Where in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// First of its priority.
    Top,
    /// Last of its priority.
    Bottom,
    /// Before this one, with its priority.
    Before(i64),
    /// After this one, with its priority.
    After(i64),
}
