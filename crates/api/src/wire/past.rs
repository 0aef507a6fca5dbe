//! What can be told of the past: who ran where, how long things took, what may be cleaned up.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Resources, Status};

/// A span of time.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
pub struct ReadTimeline {
    /// From, UTC milliseconds.
    pub from: i64,
    /// To.
    pub to: i64,
}

/// Who ran where, when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Timeline {
    /// The devices: each GPU, then the machine for jobs without one.
    pub lanes: Vec<Lane>,
    /// The attempts in order of their start, at most 5,000, the newest.
    pub bars: Vec<Bar>,
    /// Whether older ones were left out.
    pub truncated: bool,
}

/// A device on the timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Lane {
    /// A GPU's uuid, or `cpu`.
    pub id: String,
    /// In words.
    pub label: String,
    /// Whether it is still there.
    pub present: bool,
}

/// An attempt on the timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Bar {
    /// The experiment.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// Its group.
    pub group: Option<String>,
    /// The attempt.
    pub attempt: u32,
    /// The lanes that it took.
    pub lanes: Vec<String>,
    /// When it started.
    pub from: i64,
    /// When it ended; absent while it runs.
    pub to: Option<i64>,
    /// The attempt's status.
    pub status: Status,
}

/// Numbers about the queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct QueueReport {
    /// Counts, slots, paused or not.
    pub stats: super::QueueStats,
    /// What is taken and free.
    pub resources: Resources,
    /// Mean time from eligible to started over the last 1,000 that started, milliseconds.
    pub mean_wait_ms: Option<f64>,
    /// Mean run time over the last 1,000 that ended after they had run, milliseconds.
    pub mean_run_ms: Option<f64>,
    /// The longest running job of now.
    pub longest: Option<Lasting>,
    /// The oldest job that is eligible and waits.
    pub oldest: Option<Lasting>,
}

/// A job and how long it has lasted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Lasting {
    /// The experiment.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// Since when.
    pub since: i64,
}

/// What may be cleaned up.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct CleanUp {
    /// Older than so many days; the setting if absent.
    #[ts(optional)]
    pub days: Option<u32>,
}

/// What a clean-up takes away, or has taken. Never metrics, checkpoints, or files of the user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct CleanUpPlan {
    /// What ended before this is meant.
    pub before: i64,
    /// Events of finished experiments.
    pub events: u64,
    /// Logs in all.
    pub logs: u64,
    /// Their size, bytes.
    pub bytes: u64,
    /// The largest 200.
    pub largest: Vec<OldLog>,
}

/// A log that may go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct OldLog {
    /// The experiment.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// The attempt.
    pub attempt: u32,
    /// When it ended.
    pub ended_at: i64,
    /// Bytes on disk.
    pub bytes: u64,
}
