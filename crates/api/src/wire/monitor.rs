//! What is followed on disk, on the wire.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How the files below a folder are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum MonitorMode {
    /// The kernel tells of each change.
    Events,
    /// Some or all of it is looked at every few seconds, because the kernel does not tell.
    Polling,
    /// Not any more: its last job has ended.
    Off,
}

/// What is followed below a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum MonitoredFiles {
    /// The metrics that jobs write below their working directory.
    Metrics,
    /// The logs of running jobs, in the data folder.
    Logs,
}

/// A folder that is followed while jobs run there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Monitor {
    /// The folder.
    pub folder: String,
    /// What is followed there.
    pub files: MonitoredFiles,
    /// How.
    pub mode: MonitorMode,
    /// Why it is not followed by events, or not everywhere, or no more: a sentence.
    pub reason: Option<String>,
    /// The jobs whose files these are.
    pub experiments: Vec<String>,
    /// Folders followed: it and those below it, as far as they are looked into.
    pub folders: u32,
    /// How many of them are looked at every few seconds.
    pub polled: u32,
}

/// The folders that are followed now.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct Monitors {
    /// By folder. Empty while no job runs.
    pub monitors: Vec<Monitor>,
}
