//! What a folder holds that would be indexed: for the command line; and what a pattern would read there.

use serde::{Deserialize, Serialize};

use ts_rs::TS;

use super::Number;

/// What is in a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanReport {
    /// Folders that were listed.
    pub folders: u64,
    /// Files that they hold.
    pub files: u64,
    /// Bytes that were read of them.
    pub bytes: u64,
    /// What was found by format, the one with most runs first.
    pub formats: Vec<ScannedFormat>,
    /// The runs, by folder.
    pub runs: Vec<ScannedRun>,
    /// What can't be read, by path.
    pub problems: Vec<ScanProblem>,
}

/// What was found of one format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScannedFormat {
    /// A short name that never changes: `lightning`.
    pub format: String,
    /// The name that people know it by.
    pub label: String,
    /// Runs that are said to have this format.
    pub runs: u64,
    /// Metrics of all these runs.
    pub metrics: u64,
    /// Points of all these metrics.
    pub points: u64,
}

/// A run that would be indexed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScannedRun {
    /// Its folder below the one that was scanned; empty for that one itself.
    pub folder: String,
    /// Tells apart several runs in one folder; empty when the folder is the run.
    pub part: String,
    /// The format that it is said to have.
    pub format: String,
    /// Metrics with at least one point.
    pub metrics: u64,
    /// Points of all metrics.
    pub points: u64,
    /// Hyperparameters and other settings.
    pub settings: u64,
    /// Images, histograms and whatever else is no point, by kind.
    pub media: Vec<ScannedMedia>,
    /// How it ended, when its files say so.
    pub ended: Option<ScannedEnd>,
    /// Its files.
    pub files: Vec<ScannedFile>,
}

/// What a run logged beside points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScannedMedia {
    /// What it is, in the words of its format: `images`, `histograms`, `text`.
    pub kind: String,
    /// Names under which it was logged.
    pub names: u64,
    /// How often.
    pub count: u64,
}

/// How a run ended, by its own files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScannedEnd {
    /// As it should.
    Completed,
    /// With an error.
    Failed,
    /// Its user stopped it.
    Cancelled,
}

/// What a file is to its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScannedRole {
    /// It holds metrics.
    Metrics,
    /// It holds settings.
    Config,
    /// It says what the run is and how it ended.
    Meta,
    /// What the run printed.
    Log,
    /// It repeats what another file holds, and is not read.
    Copy,
}

/// A file of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScannedFile {
    /// Below the folder that was scanned.
    pub path: String,
    /// The format that reads it.
    pub format: String,
    /// What it is to the run.
    pub role: ScannedRole,
    /// Points in it.
    pub points: u64,
    /// Bytes at its end that are not a whole record yet.
    pub left: u64,
}

/// Something that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ScanProblem {
    /// The file or folder, below the one that was scanned; empty for that one itself.
    pub path: String,
    /// Its line, from 1, if only that is meant.
    pub line: Option<u64>,
    /// The byte in it, from 0, if only what stands there is meant.
    pub byte: Option<u64>,
    /// Why: a clause.
    pub message: String,
    /// How many further places in the same file are like it.
    pub more: u64,
}

/// What a pattern would read in a log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct LogPreview {
    /// The first lines in which there is something to be read.
    pub lines: Vec<PreviewedLine>,
    /// Lines that were looked at.
    pub seen: u64,
    /// Lines with at least one metric.
    pub read: u64,
    /// Points of all metrics.
    pub points: u64,
    /// The names of the metrics, in the order in which they appear.
    pub metrics: Vec<String>,
}

/// What is asked of a pattern before a folder is watched with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PreviewPattern {
    /// The folder, absolute.
    pub path: String,
    /// How metrics are found in what programs print; see `athanor scan --pattern`.
    pub pattern: String,
}

/// What a pattern would read in the logs of a folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct FolderPreview {
    /// How many logs were found that would be runs.
    pub logs: u32,
    /// There may be more: the folder is large.
    pub more: bool,
    /// The newest of them, below the folder.
    pub log: Option<String>,
    /// What would be read in it.
    pub preview: Option<LogPreview>,
}

/// A line of a log with what is read in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct PreviewedLine {
    /// Its number, from 1.
    pub line: u64,
    /// It, as people see it.
    pub text: String,
    /// The name of what says its position, if it does.
    pub x: Option<String>,
    /// The position that its metrics get, if it is known.
    pub step: Option<f64>,
    /// Names and values. What is not finite is `NaN`, `Infinity` or `-Infinity`.
    pub values: Vec<(String, Number)>,
}
