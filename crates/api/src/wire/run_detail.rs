//! One run, and what is done to runs, on the wire.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Cell, Number, RunGoal, RunRow, RunSort};

/// Everything about a run but its points.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RunDetail {
    /// Its row, without cells.
    pub run: RunRow,
    /// Its metrics, by name.
    pub metrics: Vec<RunMetric>,
    /// Its hyperparameters and other settings, by name.
    pub config: Vec<RunSetting>,
    /// Its files, in the order in which they are read.
    pub files: Vec<RunFile>,
    /// Images, histograms and other things that are no numbers.
    pub media: Vec<RunMedia>,
    /// The checkpoints in its folder, newest first.
    pub checkpoints: Vec<RunCheckpoint>,
    /// The logs in its folder.
    pub logs: Vec<RunLog>,
    /// Why checkpoints and logs may be missing here.
    pub folder_problem: Option<String>,
    /// The machine that it ran on, as its files say.
    pub host: Option<String>,
    /// The git commit, as its files say.
    pub commit: Option<String>,
    /// The watched folder in which it was found.
    pub watch: Option<String>,
}

/// A metric of a run.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RunMetric {
    /// Its name.
    pub key: String,
    /// How many points it has.
    pub points: u64,
    /// The last value.
    pub last: Option<Number>,
    /// The step of the last value.
    pub last_step: Option<f64>,
    /// The least finite value.
    pub min: Option<f64>,
    /// The step at which it was first reached.
    pub min_step: Option<f64>,
    /// The greatest finite value.
    pub max: Option<f64>,
    /// The step at which it was first reached.
    pub max_step: Option<f64>,
    /// The mean of the finite values.
    pub mean: Option<f64>,
    /// The median of the finite values.
    pub median: Option<f64>,
    /// How many points are NaN or infinite.
    pub not_finite: u64,
    /// Which way it is better, as far as its name tells.
    pub goal: Option<RunGoal>,
}

/// A setting of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct RunSetting {
    /// Its name; levels are joined by points.
    pub key: String,
    /// Its value.
    pub value: Cell,
}

/// A file of a run.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RunFile {
    /// Where it is.
    pub path: String,
    /// What it is to the run: `metrics`, `config`, `meta`, `log` or `copy`.
    pub role: String,
    /// The format that reads it.
    pub format: String,
    /// Its size when it was last read, bytes.
    pub size: u64,
    /// When it was changed before it was last read.
    pub modified: Option<i64>,
    /// What could not be read.
    pub problems: Vec<RunFileProblem>,
    /// Why nothing of it is read.
    pub refused: Option<String>,
    /// Whether it is there now.
    pub exists: bool,
}

/// Something in a file that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RunFileProblem {
    /// Where: `line 3`, `byte 4096`; absent if the whole file is meant.
    pub place: Option<String>,
    /// Why.
    pub message: String,
}

/// Things in a run's files that are no numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RunMedia {
    /// What they are: `images`, `histograms`, `text`, `table`.
    pub kind: String,
    /// Their name.
    pub key: String,
    /// How many there are.
    pub count: u64,
}

/// A checkpoint in a run's folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct RunCheckpoint {
    /// Where it is.
    pub path: String,
    /// Its size, bytes; of a folder, all of what is in it.
    pub size: u64,
    /// When it was last changed.
    pub modified: Option<i64>,
    /// The step or epoch, if its name tells.
    pub step: Option<f64>,
    /// The ending of its name without the point, or `folder`.
    pub kind: String,
}

/// A log in a run's folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RunLog {
    /// Where it is.
    pub path: String,
    /// Its size, bytes.
    pub size: u64,
}

/// Changes what the user says of runs.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
pub struct EditRuns {
    /// The runs.
    pub uids: Vec<String>,
    /// Tags that they are to have.
    #[serde(default)]
    #[ts(optional, as = "Option<Vec<String>>")]
    pub tags_add: Vec<String>,
    /// Tags that they are not to have.
    #[serde(default)]
    #[ts(optional, as = "Option<Vec<String>>")]
    pub tags_remove: Vec<String>,
    /// Their notes, at most 2,000 characters; as they are if absent.
    #[serde(default)]
    #[ts(optional)]
    pub notes: Option<String>,
}

/// Takes runs out of the index.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RemoveRuns {
    /// The runs.
    pub uids: Vec<String>,
    /// Their files, too; of one run only.
    #[serde(default)]
    #[ts(optional)]
    pub files: Option<RemoveFiles>,
}

/// Agreement to the removal of files.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RemoveFiles {
    /// The run's name, as the user typed it.
    pub confirm: String,
}

/// What a removal of a run's files would take away.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RunFilesPlan {
    /// The run's name, to be typed.
    pub name: String,
    /// The folder that goes as a whole; absent if only files go.
    pub folder: Option<String>,
    /// The files that go, 1,000 at most.
    pub files: Vec<String>,
    /// How many files go.
    pub count: u64,
    /// Their size, bytes.
    pub size: u64,
}

/// A way of looking at the table that the user saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SavedView {
    /// Its name, unique; 1 to 100 characters.
    pub name: String,
    /// The query.
    #[serde(default)]
    pub query: String,
    /// Ids of the columns in their order.
    #[serde(default)]
    pub columns: Vec<String>,
    /// The order.
    #[serde(default)]
    pub sort: Vec<RunSort>,
    /// Ids of the columns that runs are grouped by.
    #[serde(default)]
    pub group: Vec<String>,
    /// Ids of the columns that stay in place.
    #[serde(default)]
    pub pinned: Vec<String>,
    /// Widths in CSS pixels by the column's id.
    #[serde(default)]
    #[ts(type = "Record<string, number>")]
    pub widths: std::collections::BTreeMap<String, f64>,
    /// Columns that are the same for all runs are left out.
    #[serde(default)]
    pub hide_constant: bool,
}

/// The saved views.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SavedViews {
    /// In the order in which they were made.
    pub views: Vec<SavedView>,
}

/// A saved view by name.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SavedViewRef {
    /// Its name.
    pub name: String,
}

/// What a table of runs is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RunExportFormat {
    /// Comma-separated values (RFC 4180).
    Csv,
    /// An array of objects.
    Json,
    /// A table in Markdown.
    Markdown,
    /// A table for the LaTeX package booktabs.
    Latex,
    /// Apache Parquet.
    Parquet,
}

/// Asks for a table of runs as a file or for the clipboard.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ExportRuns {
    /// The runs that match this; all if empty.
    #[serde(default)]
    #[ts(optional, as = "Option<String>")]
    pub query: String,
    /// Only these of them.
    #[serde(default)]
    #[ts(optional)]
    pub uids: Option<Vec<String>>,
    /// The order.
    #[serde(default)]
    #[ts(optional, as = "Option<Vec<RunSort>>")]
    pub sort: Vec<RunSort>,
    /// Ids of the columns. The uid comes first in CSV, JSON and Parquet.
    pub columns: Vec<String>,
    /// What it is written as.
    pub format: RunExportFormat,
}

/// A table of runs, written.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RunExport {
    /// The text; absent for Parquet.
    pub text: Option<String>,
    /// The bytes of a Parquet file in base64; absent for the others.
    pub base64: Option<String>,
    /// How many runs there are in it.
    pub rows: u64,
}
