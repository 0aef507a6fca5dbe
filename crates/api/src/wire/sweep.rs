//! Many jobs at once: sweeps, the configs that they vary, and lists of jobs as text.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Experiment, NewExperiment, Selection};

/// A key with the values that it takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Axis {
    /// The key, dotted where it is nested in a config.
    pub key: String,
    /// The values, as they are written.
    pub values: Vec<String>,
}

/// A value of a key at one point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[allow(missing_docs, reason = "the words say it")]
pub struct AxisValue {
    pub key: String,
    pub value: String,
}

/// Which points of the grid.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SweepMode {
    /// All.
    #[default]
    Grid,
    /// So many, drawn without repetition; the same seed draws the same.
    Random {
        /// How many.
        count: u64,
        /// The seed.
        seed: u64,
    },
}

/// How a value reaches a command that has no `{key}` placeholder, where no config holds the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SweepStyle {
    /// `--key=value`
    #[default]
    Flags,
    /// `key=value`
    Hydra,
}

/// Many experiments from one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Sweep {
    /// The keys and their values.
    pub axes: Vec<Axis>,
    /// Which points.
    #[serde(default)]
    #[ts(optional, as = "Option<SweepMode>")]
    pub mode: SweepMode,
    /// How the values reach the command.
    #[serde(default)]
    #[ts(optional, as = "Option<SweepStyle>")]
    pub style: SweepStyle,
}

/// What `sweeps.preview` and `sweeps.add` take.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SweepRequest {
    /// What all points share.
    pub experiment: NewExperiment,
    /// What they differ in.
    pub sweep: Sweep,
    /// The group's name; the experiment's name and the time if absent.
    #[serde(default)]
    #[ts(optional)]
    pub group: Option<String>,
    /// Points that may run at once.
    #[serde(default)]
    #[ts(optional)]
    pub parallel: Option<u32>,
    /// How many experiments the user has agreed to; needed for more than 1,000.
    #[serde(default)]
    #[ts(optional)]
    pub agreed: Option<u64>,
}

/// One point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SweepPoint {
    /// The experiment's name.
    pub name: String,
    /// Its command as one line.
    pub command_line: String,
    /// The values.
    pub values: Vec<AxisValue>,
}

/// What a sweep would make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SweepPreview {
    /// How many experiments.
    pub count: u64,
    /// The first 50.
    pub points: Vec<SweepPoint>,
    /// Whether so many have to be agreed to.
    pub asks: bool,
}

/// A config's text.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct CheckConfig {
    /// YAML.
    pub text: String,
}

/// What a config holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ConfigCheck {
    /// Its keys in order, dotted where nested.
    pub keys: Vec<ConfigKey>,
    /// Why it can't be read.
    pub problem: Option<ConfigProblem>,
}

/// A key of a config.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ConfigKey {
    /// Dotted.
    pub key: String,
    /// `null`, `bool`, `number`, `text`, `list` or `map`.
    pub kind: String,
    /// The value, if it is a scalar.
    pub value: Option<String>,
    /// The items, if it is a list of scalars: it could be swept over.
    pub items: Option<Vec<String>>,
}

/// Where and why a config can't be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ConfigProblem {
    /// From 1.
    pub line: u32,
    /// From 1.
    pub column: u32,
    /// Why.
    pub message: String,
}

/// A config file to be read.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ReadConfig {
    /// The working directory.
    pub cwd: String,
    /// The file, absolute or relative to it.
    pub path: String,
}

/// A config file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ConfigFile {
    /// Its full path.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// A folder to be searched for configs.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ListConfigs {
    /// The working directory.
    pub cwd: String,
}

/// YAML files that could be configs, relative to the folder, likely ones first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ConfigList {
    /// The paths.
    pub paths: Vec<String>,
}

/// The form of a list of jobs as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum TransferFormat {
    /// One JSON object a line.
    JsonLines,
    /// A JSON array.
    Json,
    /// TOML with `[[job]]` tables.
    Toml,
}

/// Which jobs to write down.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ExportJobs {
    /// Which; all that wait if neither uids nor a group are given.
    #[serde(default)]
    #[ts(optional, as = "Option<Selection>")]
    pub selection: Selection,
    /// In which form.
    pub format: TransferFormat,
}

/// Jobs as text.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ExportedJobs {
    /// The text; environments are left out, because they may hold secrets.
    pub text: String,
    /// How many.
    pub count: u64,
}

/// Jobs as text, to be queued: all of them or none.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ImportJobs {
    /// The text.
    pub text: String,
    /// Its form; told by the text if absent.
    #[serde(default)]
    #[ts(optional)]
    pub format: Option<TransferFormat>,
    /// Working directory of jobs that name none, and of relative ones.
    pub cwd: String,
    /// Environment of all; the engine's own if absent.
    #[serde(default)]
    #[ts(optional)]
    pub environment: Option<BTreeMap<String, String>>,
    /// Only say what would be queued.
    #[serde(default)]
    #[ts(optional, as = "Option<bool>")]
    pub dry_run: bool,
}

/// What an import has queued, or would.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ImportedJobs {
    /// The experiments, empty for a dry run.
    pub experiments: Vec<Experiment>,
    /// Uids of those that were there already under their key.
    pub existing: Vec<String>,
    /// How many were read.
    pub count: u64,
    /// Names and commands of the first 50; for a dry run, of those that would be queued.
    pub preview: Vec<SweepPoint>,
    /// Whether an engine runs that will start them.
    pub engine_running: bool,
}
