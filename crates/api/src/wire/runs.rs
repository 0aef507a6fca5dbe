//! The table of runs on the wire.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Number;

/// What a table shows in one place. NaN and the infinities are text, as [`Number`] has them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(untagged)]
pub enum Cell {
    /// True or false.
    Bool(bool),
    /// A number; times are UTC milliseconds, durations milliseconds.
    Number(Number),
    /// Text.
    Text(String),
    /// The run has none.
    Missing,
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Its files change.
    Running,
    /// Its job is paused.
    Paused,
    /// Its files have not changed for a while, and do not say that it ended.
    Stale,
    /// It ended as it should.
    Completed,
    /// It ended with an error.
    Failed,
    /// Its user stopped it.
    Cancelled,
    /// It ended; its files do not say how.
    Ended,
}

/// By which column, and which way. Runs without a value come last either way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RunSort {
    /// The column's id.
    pub column: String,
    /// From the greatest to the least.
    pub descending: bool,
}

/// A page of the table.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
pub struct ListRuns {
    /// What to show, in the language of the query bar; all runs if empty.
    #[serde(default)]
    #[ts(optional, as = "Option<String>")]
    pub query: String,
    /// The order; the newest start first if empty.
    #[serde(default)]
    #[ts(optional, as = "Option<Vec<RunSort>>")]
    pub sort: Vec<RunSort>,
    /// Ids of the columns whose cells are wanted: `config.KEY`, `metrics.KEY.STAT` or a field's name.
    #[serde(default)]
    #[ts(optional, as = "Option<Vec<String>>")]
    pub columns: Vec<String>,
    /// How many rows to pass over.
    #[serde(default)]
    #[ts(optional, as = "Option<u32>")]
    pub offset: u32,
    /// How many rows, at most 500.
    pub limit: u32,
}

/// A page of the table.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RunPage {
    /// The rows.
    pub rows: Vec<RunRow>,
    /// How many runs match.
    pub total: u64,
    /// How many runs there are.
    pub all: u64,
    /// The state of the index that this is of.
    pub revision: u64,
}

/// A run, as the table shows it.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RunRow {
    /// What commands name it by.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// How it stands.
    pub status: RunStatus,
    /// Its project.
    pub project: Option<String>,
    /// Its group.
    pub group: Option<String>,
    /// The format that it is said to have: `lightning`.
    pub format: String,
    /// The name that people know the format by.
    pub label: String,
    /// When it started.
    pub started: Option<i64>,
    /// When it ended.
    pub finished: Option<i64>,
    /// When a file of it was last changed.
    pub changed: Option<i64>,
    /// The greatest step that was reached.
    pub steps: Option<f64>,
    /// How many steps it is meant to have.
    pub total_steps: Option<f64>,
    /// Points of all its metrics.
    pub points: u64,
    /// Its tags.
    pub tags: Vec<String>,
    /// What the user noted.
    pub notes: String,
    /// Its folder.
    pub folder: String,
    /// Tells apart several runs in one folder; empty when the folder is the run.
    pub part: String,
    /// The experiment that wrote it.
    pub experiment: Option<String>,
    /// Which attempt of that experiment.
    pub attempt: Option<u32>,
    /// Its files are gone.
    pub missing: bool,
    /// Index of its colour in the palette (0 is `--c1`), the same wherever the run is shown.
    pub colour: u32,
    /// The cells, in the order of the columns that were asked for.
    pub cells: Vec<Cell>,
}

/// Runs by name.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ReadRunRows {
    /// The runs; those that are gone are left out of the answer.
    pub uids: Vec<String>,
    /// Ids of the columns whose cells are wanted.
    #[serde(default)]
    #[ts(optional, as = "Option<Vec<String>>")]
    pub columns: Vec<String>,
}

/// Rows of the table.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RunRows {
    /// In the order in which they were asked for.
    pub rows: Vec<RunRow>,
}

/// One run.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RunRef {
    /// Its uid, or a unique beginning of it, four characters at least.
    pub uid: String,
}

/// The runs that match a query.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
pub struct RunQuery {
    /// In the language of the query bar; all runs if empty.
    #[serde(default)]
    #[ts(optional, as = "Option<String>")]
    pub query: String,
}

/// The columns that a table of runs may have.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RunColumns {
    /// Fields, then settings, then metrics, by name. A metric is there once, with its last value.
    pub columns: Vec<RunColumn>,
    /// How many runs match.
    pub total: u64,
}

/// What a column shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RunColumnKind {
    /// What every run has.
    Field,
    /// A hyperparameter or another setting.
    Config,
    /// A metric.
    Metric,
}

/// Which way a metric is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RunGoal {
    /// Less is better.
    Min,
    /// More is better.
    Max,
}

/// A column that a table of runs may have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RunColumn {
    /// Its id. Of a metric, `metrics.KEY.last`: the other statistics take the place of `last`.
    pub id: String,
    /// What it shows.
    pub kind: RunColumnKind,
    /// The setting's or metric's name, or the field's in words.
    pub label: String,
    /// How many of the runs have a value in it.
    pub runs: u64,
    /// All of the runs have a value in it, and the same.
    pub constant: bool,
    /// Its values are numbers.
    pub numeric: bool,
    /// Which way it is better, as far as a metric's name tells.
    pub goal: Option<RunGoal>,
}

/// Asks for the best runs.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct FindBestRuns {
    /// Among these.
    #[serde(default)]
    #[ts(optional, as = "Option<String>")]
    pub query: String,
    /// Ids of the columns; those of no known goal are passed over.
    pub columns: Vec<String>,
}

/// The best runs.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct BestRuns {
    /// One for each column that has a goal, and a finite value in one of the runs at least.
    pub best: Vec<BestRun>,
}

/// The best run in a column; of several, the one that started first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct BestRun {
    /// The column's id.
    pub column: String,
    /// The run.
    pub uid: String,
    /// Its value.
    pub value: f64,
}

/// A query that is being typed.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct CompleteQuery {
    /// The text.
    pub query: String,
    /// Where the cursor stands: UTF-16 code units before it.
    pub cursor: u32,
}

/// How a query that is being typed may go on.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct QueryCompletion {
    /// What is to be replaced, in UTF-16 code units: from here.
    pub from: u32,
    /// To here, this one excluded.
    pub to: u32,
    /// By one of these, the likeliest first.
    pub items: Vec<QuerySuggestion>,
    /// What is wrong with the query as it stands.
    pub error: Option<QueryFault>,
}

/// What kind of thing is suggested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the words say it")]
pub enum SuggestionKind {
    Field,
    Config,
    Metric,
    Operator,
    Value,
    Keyword,
}

/// A way in which a query may go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct QuerySuggestion {
    /// What is put in place.
    pub insert: String,
    /// What is shown.
    pub label: String,
    /// What it is.
    pub kind: SuggestionKind,
    /// A few words about it; may be empty.
    pub detail: String,
}

/// What is wrong with a query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct QueryFault {
    /// Where, in UTF-16 code units.
    pub at: u32,
    /// How many of them; 0 at the end, where something is missing.
    pub length: u32,
    /// What is wrong, and what was meant, as far as can be told.
    pub message: String,
}

/// Runs that have something in common, together.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct GroupRuns {
    /// Among these.
    #[serde(default)]
    #[ts(optional, as = "Option<String>")]
    pub query: String,
    /// Ids of the columns in whose values the runs of a group agree, one to four.
    pub by: Vec<String>,
    /// Ids of columns with numbers, to be summed up for each group.
    #[serde(default)]
    #[ts(optional, as = "Option<Vec<String>>")]
    pub columns: Vec<String>,
    /// The order: by columns of `by`, by the means of `columns`, or by `count`. By the values of `by` if empty.
    #[serde(default)]
    #[ts(optional, as = "Option<Vec<RunSort>>")]
    pub sort: Vec<RunSort>,
}

/// Groups of runs.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RunGroups {
    /// The groups, 1,000 at most.
    pub groups: Vec<RunGroup>,
    /// How many there are.
    pub total: u64,
}

/// Runs that agree in the columns that they are grouped by.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RunGroup {
    /// What they agree in, in the order of `by`.
    pub values: Vec<Cell>,
    /// How many they are.
    pub count: u64,
    /// How many of them stand how; those of which there is none are left out.
    #[ts(type = "Partial<Record<RunStatus, number>>")]
    pub status: BTreeMap<RunStatus, u64>,
    /// Sums of the columns that were asked for, in their order.
    pub cells: Vec<GroupCell>,
    /// The query that lists the group's runs.
    pub query: String,
}

/// What a number is over the runs of a group. NaN and infinite ones are not counted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
pub struct GroupCell {
    /// The mean.
    pub mean: Option<f64>,
    /// The standard deviation of the sample (n − 1); absent for fewer than two.
    pub deviation: Option<f64>,
    /// The least.
    pub min: Option<f64>,
    /// The greatest.
    pub max: Option<f64>,
    /// How many runs have a finite value.
    pub count: u64,
}
