//! What stands around the queue: requirements, dependencies, schedules, retries, groups, and what is free.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use ts_rs::TS;

use super::{Command, FailureReason, Priority, Status, Sweep};

/// A field of a change: absent leaves what is there, `null` clears it, a value replaces it.
pub type Change<T> = Option<Option<T>>;

/// Reads a field that is there, `null` or not.
pub(super) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Change<T>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// What an experiment needs to run. What is not named is not reserved; one that names nothing takes one slot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct Requirements {
    /// Cores.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub cpu_cores: Option<u32>,
    /// Bytes of host memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub memory: Option<u64>,
    /// Bytes that must be free on the working directory's file system at the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub disk: Option<u64>,
    /// How many GPUs; one that asks for none sees none.
    #[serde(skip_serializing_if = "none")]
    #[ts(optional, as = "Option<u32>")]
    pub gpus: u32,
    /// Bytes on each of its GPUs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub gpu_memory: Option<u64>,
    /// A part of the GPU model's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub gpu_model: Option<String>,
    /// Only these GPUs, by uuid or the unique beginning of one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[ts(optional, as = "Option<Vec<String>>")]
    pub gpu_uuids: Vec<String>,
    /// Whether nobody else may be on its GPUs; absent: yes, unless `gpu_memory` is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub gpu_exclusive: Option<bool>,
    /// Estimated run time, milliseconds: lets it start before larger ones that wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub estimated_ms: Option<u64>,
}

fn none(count: &u32) -> bool {
    *count == 0
}

/// When a dependency is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// The other has completed.
    #[default]
    Success,
    /// The other has ended, however.
    Any,
    /// The other has failed, was cancelled or expired.
    Failure,
}

/// Another experiment that must come first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Dependency {
    /// Its uid; `@label` names an earlier one of the same call.
    pub uid: String,
    /// When it is met.
    #[serde(default)]
    #[ts(optional, as = "Option<Condition>")]
    pub when: Condition,
}

/// How a dependency stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum DependencyStanding {
    /// The other has not ended.
    Open,
    /// It is met.
    Met,
    /// It can't be met any more, unless the other is retried.
    Never,
}

/// A dependency, seen from either end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DependencyInfo {
    /// The other experiment's uid.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// Where it stands; absent when it was deleted.
    pub status: Option<Status>,
    /// When the dependency is met.
    pub when: Condition,
    /// How it stands.
    pub standing: DependencyStanding,
}

/// What is done after a failure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct RetryPolicy {
    /// Retries at most.
    pub limit: u32,
    /// Before the first retry, milliseconds; doubles with each. 30 s if absent.
    #[serde(default)]
    #[ts(optional)]
    pub delay_ms: Option<u64>,
    /// Failures after which it is retried; absent: exit code, signal, out of memory, could not start, lost.
    #[serde(default)]
    #[ts(optional)]
    pub reasons: Option<Vec<FailureReason>>,
}

/// Changes of an experiment. Name, tags and notes may always be changed; the rest while it waits.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[serde(default)]
#[allow(missing_docs, reason = "as in NewExperiment")]
pub struct EditExperiment {
    pub uid: String,
    #[ts(optional)]
    pub name: Option<String>,
    #[ts(optional)]
    pub tags: Option<Vec<String>>,
    #[ts(optional)]
    pub notes: Option<String>,
    #[ts(optional)]
    pub command: Option<Command>,
    #[ts(optional)]
    pub cwd: Option<String>,
    #[ts(optional)]
    pub priority: Option<Priority>,
    #[ts(optional)]
    pub requirements: Option<Requirements>,
    #[ts(optional)]
    pub after: Option<Vec<Dependency>>,
    #[ts(optional)]
    pub wait_for_failed: Option<bool>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[ts(optional, as = "Option<Option<i64>>")]
    pub not_before: Change<i64>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[ts(optional, as = "Option<Option<String>>")]
    pub window: Change<String>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[ts(optional, as = "Option<Option<i64>>")]
    pub start_by: Change<i64>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[ts(optional, as = "Option<Option<RetryPolicy>>")]
    pub retry: Change<RetryPolicy>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[ts(optional, as = "Option<Option<String>>")]
    pub group: Change<String>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[ts(optional, as = "Option<Option<u64>>")]
    pub time_limit_ms: Change<u64>,
    #[ts(optional)]
    pub grace_ms: Option<u64>,
    /// The config's text in place of what was submitted.
    #[ts(optional)]
    pub config_text: Option<String>,
    /// Variables to set, or to remove with `null`.
    #[ts(optional, as = "Option<BTreeMap<String, Option<String>>>")]
    pub set: BTreeMap<String, Option<String>>,
}

/// Changes of several experiments alike, in one transaction. Tags may always be changed; the rest while one waits.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
pub struct EditExperiments {
    /// Which; of a group, those that wait.
    pub selection: Selection,
    /// What.
    pub changes: Changes,
}

/// What can be changed of several experiments alike: what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
pub struct Changes {
    /// How soon they run.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub priority: Option<Priority>,
    /// Their group.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[ts(optional, as = "Option<Option<String>>")]
    pub group: Change<String>,
    /// Tags in place of those that they have.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub tags: Option<Vec<String>>,
    /// Tags that they get on top of those that they have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[ts(optional, as = "Option<Vec<String>>")]
    pub add_tags: Vec<String>,
    /// Tags that they lose.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[ts(optional, as = "Option<Vec<String>>")]
    pub remove_tags: Vec<String>,
    /// Whether they are held back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub hold: Option<bool>,
    /// What they need, in place of what they asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub requirements: Option<Requirements>,
    /// Wait on when a dependency can't be met any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub wait_for_failed: Option<bool>,
    /// Not before this moment, UTC milliseconds.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[ts(optional, as = "Option<Option<i64>>")]
    pub not_before: Change<i64>,
    /// Only in this window of the week.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[ts(optional, as = "Option<Option<String>>")]
    pub window: Change<String>,
    /// Expire if they have not started by then, UTC milliseconds.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[ts(optional, as = "Option<Option<i64>>")]
    pub start_by: Change<i64>,
    /// What is done after a failure.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[ts(optional, as = "Option<Option<RetryPolicy>>")]
    pub retry: Change<RetryPolicy>,
    /// Longest time that they may run, milliseconds.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[ts(optional, as = "Option<Option<u64>>")]
    pub time_limit_ms: Change<u64>,
    /// From SIGTERM to SIGKILL, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub grace_ms: Option<u64>,
}

/// Where in the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "to", rename_all = "snake_case")]
pub enum Destination {
    /// First among those of its priority.
    Top {},
    /// Last among those of its priority.
    Bottom {},
    /// Before another, with that one's priority.
    Before {
        /// The other.
        other: String,
    },
    /// After another, with that one's priority.
    After {
        /// The other.
        other: String,
    },
}

/// Moves waiting experiments; they keep their order among themselves.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct MoveExperiments {
    /// Which.
    pub uids: Vec<String>,
    /// Where.
    pub destination: Destination,
}

/// Several experiments by uid, or a whole group.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct Selection {
    /// The uids.
    #[ts(optional, as = "Option<Vec<String>>")]
    pub uids: Vec<String>,
    /// Those of this group whose state allows the action, too.
    #[ts(optional)]
    pub group: Option<String>,
}

/// Puts finished experiments away, or takes them back out.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ArchiveExperiments {
    /// Which.
    pub uids: Vec<String>,
    /// Away or back.
    pub archived: bool,
}

/// Changes a group, which is made if there is none.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SetGroup {
    /// Its name.
    pub name: String,
    /// Members that may run at once; `null` for no limit of its own.
    pub parallel: Option<u32>,
}

/// Experiments that belong together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Members that may run at once.
    pub parallel: Option<u32>,
    /// The sweep that it was made by.
    pub sweep: Option<Sweep>,
    /// When it was made.
    pub created_at: i64,
    /// How many of its members have each status; archived ones are not counted.
    pub counts: GroupCounts,
}

/// How many members have each status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[allow(missing_docs, reason = "the words are the statuses")]
pub struct GroupCounts {
    pub pending: u64,
    pub queued: u64,
    pub running: u64,
    pub paused: u64,
    pub completed: u64,
    pub failed: u64,
    pub cancelled: u64,
    pub expired: u64,
}

/// All groups with members that are not archived, newest first.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct Groups {
    /// The groups.
    pub groups: Vec<Group>,
}

/// Something of which there is so much.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Amount {
    /// In all.
    pub total: u64,
    /// Held by jobs of this queue.
    pub reserved: u64,
    /// Used by others.
    pub foreign: u64,
}

/// A GPU as the queue sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct GpuResource {
    /// In PCI bus order.
    pub index: u32,
    /// The vendor's unique id.
    pub uuid: String,
    /// The model.
    pub name: String,
    /// Its memory, bytes.
    pub memory: Amount,
    /// Jobs that were given it.
    pub jobs: Vec<JobName>,
    /// Whether one of them has it for itself.
    pub exclusive: bool,
    /// Compute processes of others.
    pub foreign_processes: u32,
    /// Why it is not given to jobs: it is broken, the user has taken it out, or the circuit breaker has.
    pub unavailable: Option<String>,
    /// Whether it was taken out, so that it can be given back: by the user, unless `tripped_at` is there.
    pub blocked: bool,
    /// When the circuit breaker took it out: jobs died on it one after the other. `unavailable` says how the last did.
    pub tripped_at: Option<i64>,
}

/// Names a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[allow(missing_docs, reason = "the words say it")]
pub struct JobName {
    pub uid: String,
    pub name: String,
}

/// What the queue may give to jobs, and what of it is taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Resources {
    /// Whether the machine has been looked at yet; if not, the rest says nothing.
    pub known: bool,
    /// Cores.
    pub cpu_cores: Amount,
    /// Host memory, bytes.
    pub memory: Amount,
    /// Bytes free on the file system of the data folder.
    pub disk_free: u64,
    /// Slots for jobs that do not say what they need.
    pub slots: Amount,
    /// The GPUs.
    pub gpus: Vec<GpuResource>,
    /// Why there are none, if so.
    pub no_gpus: Option<String>,
}

/// Takes a GPU out of the queue or gives it back. What runs on it goes on.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct BlockGpu {
    /// Its uuid or index.
    pub gpu: String,
    /// Out or back.
    pub blocked: bool,
}

/// Requirements to be looked at before they are used.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct CheckRequirements {
    /// The requirements.
    pub requirements: Requirements,
}

/// What can be said of requirements.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RequirementsCheck {
    /// Whether this machine could ever meet them.
    pub possible: bool,
    /// Whether such a job would start now, were it first in the queue.
    pub fits_now: bool,
    /// Why not, or where it would run.
    pub words: String,
    /// The field at fault, where one is.
    pub field: Option<String>,
}

/// A named part of the week in which scheduled jobs may start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct TimeWindow {
    /// Its name, such as `nights`.
    pub name: String,
    /// The days on which it opens: `mon` to `sun`.
    pub days: Vec<String>,
    /// When it opens, `22:00`, in the zone of this machine.
    pub from: String,
    /// When it closes, `07:00`; on the next day if not after `from`.
    pub to: String,
}
