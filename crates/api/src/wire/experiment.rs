//! Experiments, attempts and the queue on the wire.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Dependency, DependencyInfo, GpuUse, Number, Requirements, RetryPolicy};

/// Where an experiment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the rules and their documentation stand in athanor_core::state::Status")]
pub enum Status {
    Pending,
    Queued,
    Running,
    Paused,
    Completed,
    Failed,
    Cancelled,
    Expired,
}

/// How soon an experiment runs before others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the meaning stands in athanor_core::experiment::Priority")]
pub enum Priority {
    Urgent,
    High,
    #[default]
    Normal,
    Low,
}

/// Why an experiment failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the meaning stands in athanor_core::outcome::FailureReason")]
pub enum FailureReason {
    ExitCode,
    Signal,
    TimeLimit,
    OutOfMemory,
    CouldNotStart,
    Lost,
    DependencyFailed,
    DiskFull,
}

/// What a job runs: a program with arguments, or a line for the shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(untagged)]
pub enum Command {
    /// A program and its arguments; no shell is involved.
    Argv(Vec<String>),
    /// A line run by `/bin/sh -c`.
    Shell(String),
}

/// A failure in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Failure {
    /// The class.
    pub reason: FailureReason,
    /// The exit code, if there was one.
    pub exit_code: Option<i32>,
    /// The signal that ended the process, if one did.
    pub signal: Option<i32>,
    /// What happened and what to do next.
    pub message: String,
}

/// How far an attempt is, read from its files or log. For display only.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
pub struct Progress {
    /// 0 to 1.
    pub fraction: Option<f64>,
    /// The present epoch or step.
    pub current: Option<u64>,
    /// How many there will be.
    pub total: Option<u64>,
    /// What is counted.
    pub unit: ProgressUnit,
}

/// What progress counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the words say it")]
pub enum ProgressUnit {
    Epoch,
    Step,
    Percent,
}

/// The latest value of a metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct MetricValue {
    /// The metric's name, as in the file it came from.
    pub key: String,
    /// The value.
    pub value: Number,
    /// The step at which it was written.
    pub step: f64,
}

/// An experiment as lists show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Experiment {
    /// Its key.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// The project's name, if it belongs to one.
    pub project: Option<String>,
    /// What it runs.
    pub command: Command,
    /// The command as one line.
    pub command_line: String,
    /// The working directory.
    pub cwd: String,
    /// How soon it runs.
    pub priority: Priority,
    /// Where it stands.
    pub status: Status,
    /// Whether a cancel was asked for that has not taken effect yet.
    pub cancelling: bool,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// Why it waits, in words.
    pub wait_reason: Option<String>,
    /// The current or last attempt's number; 0 before the first.
    pub attempt: u32,
    /// When it was accepted.
    pub created_at: i64,
    /// When its last attempt started.
    pub started_at: Option<i64>,
    /// When it ended.
    pub completed_at: Option<i64>,
    /// How far it is.
    pub progress: Option<Progress>,
    /// Latest metric values, in the order of the file's columns.
    pub metrics: Vec<MetricValue>,
    /// The user's tags.
    pub tags: Vec<String>,
    /// Its group.
    pub group: Option<String>,
    /// What it needs.
    pub requirements: Requirements,
    /// Indices of the GPUs that its present attempt has.
    pub gpus: Vec<u32>,
    /// Whether the user holds it back.
    pub held: bool,
    /// It does not start before this.
    pub not_before: Option<i64>,
    /// It starts only in this window.
    pub window: Option<String>,
    /// It expires if it has not started by then.
    pub start_by: Option<i64>,
    /// How many others it waits for.
    pub waits_for: u32,
    /// Retries that were used since the user last queued it.
    pub retries_used: u32,
    /// Retries that it may use.
    pub retry_limit: u32,
    /// When the next retry is due.
    pub retry_at: Option<i64>,
    /// When it is expected to start, as far as run times are known.
    pub estimated_start: Option<i64>,
    /// When it is expected to end, by its estimated run time.
    pub estimated_end: Option<i64>,
    /// Longest time that it may run, milliseconds.
    pub time_limit_ms: Option<u64>,
    /// Whether it was put away.
    pub archived: bool,
}

/// A GPU that an attempt was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct GivenGpu {
    /// In PCI bus order, at that time.
    pub index: u32,
    /// The vendor's unique id.
    pub uuid: String,
}

/// An environment variable of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct EnvironmentVariable {
    /// Its name.
    pub name: String,
    /// Its value; absent when the name says that it is a secret.
    pub value: Option<String>,
}

/// One execution of an experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// The job's process id, once known.
    pub pid: Option<u32>,
    /// When it started.
    pub started_at: i64,
    /// When it ended; absent while it runs.
    pub ended_at: Option<i64>,
    /// `completed`, `failed` or `cancelled` once it ended, else `running` or `paused`.
    pub status: Status,
    /// Its exit code.
    pub exit_code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// The folder with its log and exit record.
    pub folder: String,
    /// The log's length over the job's life in bytes; the earliest part may have been rotated away.
    pub log_bytes: u64,
    /// Bytes of output that could not be kept because the disk refused them.
    pub log_dropped: u64,
    /// CPU time in user and kernel mode, milliseconds.
    pub cpu_ms: Option<u64>,
    /// Peak resident memory of its largest process, bytes.
    pub peak_memory: Option<u64>,
    /// The GPUs that it was given.
    pub gpus: Vec<GivenGpu>,
    /// Time that it held GPUs, milliseconds summed over them.
    pub gpu_ms: Option<u64>,
    /// Peak of its memory on all its GPUs, bytes, where the driver tells.
    pub peak_gpu_memory: Option<u64>,
    /// What it used of its GPUs; absent where nothing was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub gpu_use: Option<GpuUse>,
    /// The CSV file that its metrics are read from.
    pub metrics_file: Option<String>,
}

/// Everything about one experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ExperimentDetail {
    /// As lists show it.
    pub experiment: Experiment,
    /// The user's notes.
    pub notes: String,
    /// Its environment, secrets without their values.
    pub environment: Vec<EnvironmentVariable>,
    /// The path of its config, if one was given or found in the command.
    pub config_path: Option<String>,
    /// The config's text as it was when the experiment was submitted.
    pub config_text: Option<String>,
    /// Its attempts, newest first.
    pub attempts: Vec<Attempt>,
    /// What must come first.
    pub after: Vec<DependencyInfo>,
    /// What waits for it.
    pub before: Vec<DependencyInfo>,
    /// Whether it waits on when a dependency can't be met any more.
    pub wait_for_failed: bool,
    /// What is done after a failure.
    pub retry: RetryPolicy,
    /// From SIGTERM to SIGKILL, milliseconds.
    pub grace_ms: u64,
    /// The key that makes a repeated submission the same experiment.
    pub key: Option<String>,
    /// Who queued it.
    pub user: Option<String>,
    /// Facts that a caller has added.
    pub metadata: BTreeMap<String, String>,
    /// The experiment that it was made from.
    pub parent: Option<String>,
}

/// An experiment to be queued.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct NewExperiment {
    /// What to run.
    pub command: Command,
    /// The working directory, absolute.
    pub cwd: String,
    /// Its name; the script's name if absent.
    #[serde(default)]
    #[ts(optional)]
    pub name: Option<String>,
    /// The project's name.
    #[serde(default)]
    #[ts(optional)]
    pub project: Option<String>,
    /// How soon it runs.
    #[serde(default)]
    #[ts(optional, as = "Option<Priority>")]
    pub priority: Priority,
    /// The whole environment of the job; absent means the engine's own.
    #[serde(default)]
    #[ts(optional)]
    pub environment: Option<BTreeMap<String, String>>,
    /// Variables set on top of the environment.
    #[serde(default)]
    #[ts(optional, as = "Option<BTreeMap<String, String>>")]
    pub set: BTreeMap<String, String>,
    /// The path of its config, absolute or relative to the working directory; its text is kept.
    #[serde(default)]
    #[ts(optional)]
    pub config_path: Option<String>,
    /// The config's text in place of the file's. The job gets a copy with this text: its path stands in
    /// `ATHANOR_CONFIG`, and in the command in place of `config_path`.
    #[serde(default)]
    #[ts(optional)]
    pub config_text: Option<String>,
    /// What it needs.
    #[serde(default)]
    #[ts(optional, as = "Option<Requirements>")]
    pub requirements: Requirements,
    /// What must come first.
    #[serde(default)]
    #[ts(optional, as = "Option<Vec<Dependency>>")]
    pub after: Vec<Dependency>,
    /// Wait on when a dependency can't be met any more, instead of failing.
    #[serde(default)]
    #[ts(optional, as = "Option<bool>")]
    pub wait_for_failed: bool,
    /// A name by which later ones of the same call may name it (`@label`).
    #[serde(default)]
    #[ts(optional)]
    pub label: Option<String>,
    /// Hold it back until it is resumed.
    #[serde(default)]
    #[ts(optional, as = "Option<bool>")]
    pub hold: bool,
    /// Not before this moment, UTC milliseconds.
    #[serde(default)]
    #[ts(optional)]
    pub not_before: Option<i64>,
    /// Only in this window of the week.
    #[serde(default)]
    #[ts(optional)]
    pub window: Option<String>,
    /// Expire if it has not started by then, UTC milliseconds.
    #[serde(default)]
    #[ts(optional)]
    pub start_by: Option<i64>,
    /// What is done after a failure; absent: 3 retries if it is lost, none otherwise.
    #[serde(default)]
    #[ts(optional)]
    pub retry: Option<RetryPolicy>,
    /// Its group, which is made if there is none.
    #[serde(default)]
    #[ts(optional)]
    pub group: Option<String>,
    /// The same key returns the experiment that is there, while it is not archived.
    #[serde(default)]
    #[ts(optional)]
    pub key: Option<String>,
    /// Who queues it.
    #[serde(default)]
    #[ts(optional)]
    pub user: Option<String>,
    /// Facts to keep with it.
    #[serde(default)]
    #[ts(optional, as = "Option<BTreeMap<String, String>>")]
    pub metadata: BTreeMap<String, String>,
    /// The user's tags.
    #[serde(default)]
    #[ts(optional, as = "Option<Vec<String>>")]
    pub tags: Vec<String>,
    /// The user's notes.
    #[serde(default)]
    #[ts(optional, as = "Option<String>")]
    pub notes: String,
    /// Longest time that it may run, milliseconds.
    #[serde(default)]
    #[ts(optional)]
    pub time_limit_ms: Option<u64>,
    /// From SIGTERM to SIGKILL when it is cancelled, milliseconds; 10,000 if absent.
    #[serde(default)]
    #[ts(optional)]
    pub grace_ms: Option<u64>,
}

/// What `experiments.add` takes: all of them are accepted or none.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct AddExperiments {
    /// The experiments in their order.
    pub experiments: Vec<NewExperiment>,
}

/// What `experiments.add` gives.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct AddedExperiments {
    /// The accepted experiments in the order in which they were given.
    pub experiments: Vec<Experiment>,
    /// Uids of those that were there already under their key.
    pub existing: Vec<String>,
    /// Whether an engine runs that will start them; if not, the next one does.
    pub engine_running: bool,
}

/// A part of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// Running and paused.
    Active,
    /// Pending and queued, in the order in which they will start.
    Waiting,
    /// Ended, newest first.
    Finished,
    /// All, newest first.
    All,
}

/// Which experiments to list.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ListExperiments {
    /// The part of the queue.
    pub section: Section,
    /// Words that name, uid, project, command or tags must contain.
    #[serde(default)]
    #[ts(optional)]
    pub text: Option<String>,
    /// Only this project.
    #[serde(default)]
    #[ts(optional)]
    pub project: Option<String>,
    /// Only these statuses.
    #[serde(default)]
    #[ts(optional, as = "Option<Vec<Status>>")]
    pub statuses: Vec<Status>,
    /// Only this group.
    #[serde(default)]
    #[ts(optional)]
    pub group: Option<String>,
    /// Only those without a group: groups are shown folded.
    #[serde(default)]
    #[ts(optional, as = "Option<bool>")]
    pub ungrouped: bool,
    /// Those that were put away, instead of the others.
    #[serde(default)]
    #[ts(optional, as = "Option<bool>")]
    pub archived: bool,
    /// How many to skip.
    #[serde(default)]
    #[ts(optional, as = "Option<u32>")]
    pub offset: u32,
    /// How many at most; at least 1, at most 1000.
    pub limit: u32,
}

impl ListExperiments {
    /// The beginning of a section, unfiltered.
    #[must_use]
    pub fn first(section: Section, limit: u32) -> Self {
        Self {
            section,
            text: None,
            project: None,
            statuses: Vec::new(),
            group: None,
            ungrouped: false,
            archived: false,
            offset: 0,
            limit,
        }
    }
}

/// A page of experiments.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ExperimentPage {
    /// The experiments.
    pub experiments: Vec<Experiment>,
    /// How many there are in all.
    pub total: u64,
}

/// Names one experiment. A unique beginning of the uid, or a unique name, is enough.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ExperimentRef {
    /// The uid.
    pub uid: String,
}

/// Names several experiments.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ExperimentRefs {
    /// The uids.
    pub uids: Vec<String>,
}

/// What became of one of several.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct Outcome {
    /// The uid, or what was given in its place.
    pub uid: String,
    /// The experiment as it is now, if it went well.
    pub experiment: Option<Experiment>,
    /// What went wrong, if it did not.
    pub error: Option<super::ApiError>,
}

/// What became of each.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct Outcomes {
    /// In the order in which they were given.
    pub outcomes: Vec<Outcome>,
}

/// How many experiments have each status, and how the queue stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[allow(missing_docs, reason = "the words are the statuses")]
pub struct QueueStats {
    pub pending: u64,
    pub queued: u64,
    pub running: u64,
    pub paused: u64,
    pub completed: u64,
    pub failed: u64,
    pub cancelled: u64,
    pub expired: u64,
    /// Jobs that may run at once.
    pub slots: u32,
    /// Whether the user paused the queue.
    pub queue_paused: bool,
}

/// Whether the queue starts anything.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct PauseQueue {
    /// True: nothing new starts; what runs goes on.
    pub paused: bool,
}

/// Something that happened, as it stands in the event table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Event {
    /// The event's cursor: strictly increasing, never reused.
    pub cursor: u64,
    /// When it happened.
    pub at: i64,
    /// What happened.
    pub what: EventKind,
    /// The experiment that it happened to.
    pub uid: Option<String>,
    /// The attempt, if it belongs to one.
    pub attempt: Option<u32>,
    /// A sentence for people.
    pub message: String,
}

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// An experiment was accepted.
    Added,
    /// An attempt started.
    Started,
    /// An attempt had been recorded but was never started; the experiment is back in the queue.
    Voided,
    /// A cancel was asked for.
    CancelRequested,
    /// It ended with exit code 0.
    Completed,
    /// It failed.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// Its deadline to start passed.
    Expired,
    /// It became eligible: nothing but resources stands in the way.
    Released,
    /// Something stands in the way again: a hold, a schedule, a dependency.
    Held,
    /// Its processes were stopped.
    Paused,
    /// Its processes go on.
    Resumed,
    /// It failed and will be retried.
    Retrying,
    /// The user queued it once more.
    Requeued,
    /// It was changed.
    Edited,
    /// It was given another place in the queue.
    Moved,
    /// It was put away.
    Archived,
    /// It was taken back out.
    Restored,
    /// It was deleted.
    Deleted,
    /// A group was made or changed.
    GroupChanged,
    /// A GPU was taken out of the queue.
    GpuBlocked,
    /// A GPU was taken out of the queue because jobs died on it one after the other.
    GpuTripped,
    /// A GPU was given back to the queue.
    GpuUnblocked,
    /// The user paused the queue.
    QueuePaused,
    /// The queue was paused by itself: attempt after attempt could not be started.
    QueueTripped,
    /// The user resumed the queue.
    QueueResumed,
    /// The GPUs of a running job have been idle for long.
    GpuIdle,
    /// A job is cancelled by a policy that the user has set.
    PolicyCancel,
    /// An engine took the data folder.
    EngineStarted,
    /// An engine gave the data folder back.
    EngineStopped,
}

/// Which events to read.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ReadEvents {
    /// The last cursor already known; 0 for all.
    #[serde(default)]
    #[ts(optional, as = "Option<u64>")]
    pub since: u64,
    /// Only those before this cursor, and the newest first.
    #[serde(default)]
    #[ts(optional)]
    pub before: Option<u64>,
    /// Words that sentence, kind and uid must contain together.
    #[serde(default)]
    #[ts(optional)]
    pub text: Option<String>,
    /// Only those of this experiment.
    #[serde(default)]
    #[ts(optional)]
    pub uid: Option<String>,
    /// How many at most; at most 1000.
    pub limit: u32,
}

/// A page of events in order, or with the newest first.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct EventPage {
    /// The events.
    pub events: Vec<Event>,
    /// The last cursor that was looked at: the `since` of the next page, or its `before`.
    pub reached: u64,
    /// Whether there may be more from there. Looking for words ends after some way, found or not.
    pub more: bool,
    /// The newest event's cursor at present.
    pub latest: u64,
}
