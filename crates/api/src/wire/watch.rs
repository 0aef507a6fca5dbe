//! Watch folders, and the points and charts of runs, on the wire.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Monitor, Number, ScanProblem};

/// A folder in which runs are looked for.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct WatchFolder {
    /// Its key.
    pub id: i64,
    /// Where it is.
    pub path: String,
    /// The project of all runs in it that do not name their own.
    pub project: Option<String>,
    /// How metrics that programs print are found in logs; none: logs are not read for them.
    pub pattern: Option<String>,
    /// When it was added, UTC milliseconds.
    pub added_at: i64,
    /// Runs in it.
    pub runs: u64,
    /// It is looked through, or files are read that had changed before.
    pub looking: bool,
    /// How far that is, or was.
    pub progress: WatchProgress,
    /// When a look last came to its end, UTC milliseconds.
    pub looked_at: Option<i64>,
    /// How its files are followed; absent while no engine follows them.
    pub followed: Option<Monitor>,
    /// What can't be listed or read: the first hundred.
    pub problems: Vec<ScanProblem>,
    /// How many there are.
    pub problem_count: u32,
}

/// How far a look through a watch folder is.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, TS)]
pub struct WatchProgress {
    /// Folders that were listed.
    pub folders: u64,
    /// Files in them.
    pub files: u64,
    /// Runs that were found.
    pub runs: u64,
    /// Files that were read.
    pub read: u64,
    /// Bytes that were read.
    pub bytes: u64,
}

/// All watch folders.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct WatchFolders {
    /// By path.
    pub folders: Vec<WatchFolder>,
}

/// A folder to be watched.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct AddWatch {
    /// Absolute.
    pub path: String,
    /// The project of all runs in it that do not name their own.
    #[serde(default)]
    #[ts(optional)]
    pub project: Option<String>,
    /// How metrics that programs print are found in logs: `auto`, `pairs`, `words`, a template such as `loss={loss}`, or an
    /// expression between slashes. Logs are not read for them if absent.
    #[serde(default)]
    #[ts(optional)]
    pub pattern: Option<String>,
}

/// A watch folder.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
pub struct WatchRef {
    /// Its key.
    pub id: i64,
}

/// Points of a metric of a run.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ReadRunPoints {
    /// The run: its uid, or the beginning of it.
    pub uid: String,
    /// The metric.
    pub key: String,
    /// How many points to pass over.
    #[serde(default)]
    #[ts(optional, as = "Option<u64>")]
    pub after: u64,
    /// How many points, at most 100,000.
    pub limit: u32,
}

/// Points in the order in which they were logged.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RunPoints {
    /// Step, value, and when it was logged (UTC milliseconds) where that is known.
    pub points: Vec<(f64, Number, Option<i64>)>,
    /// How many the metric has.
    pub total: u64,
}

/// Small lines of a metric, for a column of a table.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct DrawSparks {
    /// The runs, at most 200.
    pub uids: Vec<String>,
    /// The metric.
    pub key: String,
    /// How many pixels wide a line is shown, 8 to 400.
    pub width: u32,
}

/// Small lines.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct Sparks {
    /// Of those runs that have the metric.
    pub lines: Vec<Spark>,
}

/// A small line.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct Spark {
    /// The run.
    pub uid: String,
    /// Pieces of the line: places from left (0) to right (1) and from bottom (0) to top (1).
    pub pieces: Vec<Vec<(f64, f64)>>,
}
