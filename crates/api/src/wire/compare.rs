//! Runs side by side on the wire.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Cell, Number, RunGoal, RunRow};

/// Which runs are compared, and how.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct CompareRuns {
    /// The runs, 2 to 20, in the order of their columns; a uid may be shortened to a unique beginning.
    pub uids: Vec<String>,
    /// The run that the others are compared with; the first one if absent.
    #[ts(optional)]
    pub baseline: Option<String>,
    /// The metric at whose best step the others are read; if absent, one that validates and that most of the runs have.
    #[ts(optional)]
    pub target: Option<String>,
    /// Which way metrics are better, where their names do not tell or tell wrongly.
    #[ts(optional, as = "Option<BTreeMap<String, RunGoal>>")]
    pub goals: BTreeMap<String, RunGoal>,
    /// Which value of a run is taken for the verdict.
    #[ts(optional, as = "Option<ComparedValue>")]
    pub value: ComparedValue,
    /// Ids of columns: runs that agree in them are a group, one to four. If absent, runs are a group that have the same
    /// settings but for the seed and for where results go.
    #[ts(optional)]
    pub group_by: Option<Vec<String>>,
}

/// Which value of a metric stands for a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ComparedValue {
    /// At the best step of the target metric: what the run would be judged by.
    #[default]
    AtTarget,
    /// The best one, wherever it was reached.
    Best,
    /// The last one.
    Last,
}

/// Runs side by side.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct Comparison {
    /// The runs, in the order that was asked for.
    pub runs: Vec<ComparedRun>,
    /// Place of the run that the others are compared with.
    pub baseline: u32,
    /// All settings that some run has, by name; those that do not differ are said to be the same.
    pub settings: Vec<ComparedSetting>,
    /// The metric at whose best step the others are read; none if no run has one whose goal is known.
    pub target: Option<String>,
    /// All metrics that some run has: the target first, then those that all runs have, by name.
    pub metrics: Vec<ComparedMetric>,
    /// Which value stands for a run in the verdict.
    pub value: ComparedValue,
    /// Runs that are alike but for the seed, or agree in the columns that were asked for; the baseline's first.
    pub groups: Vec<ComparedGroup>,
    /// Settings that were left out of account where groups were made by the settings.
    pub set_aside: Vec<String>,
    /// Which group is better, by metric; those with a goal that two groups have.
    pub verdicts: Vec<Verdict>,
    /// The verdict in a few sentences, on the target metric.
    pub summary: Vec<String>,
    /// What is to be kept in mind with the verdicts.
    pub notes: Vec<String>,
}

/// A run among others.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ComparedRun {
    /// Its row, without cells.
    pub run: RunRow,
    /// A name that tells it from the others: with what differs where several have the same.
    pub label: String,
    /// From its start to its end or, while it runs, to the newest change of its files, milliseconds.
    pub duration: Option<i64>,
    /// The git commit, as its files say.
    pub commit: Option<String>,
    /// The machine that it ran on, as its files say.
    pub host: Option<String>,
    /// Place of its group.
    pub group: u32,
    /// The step at which the target metric is best.
    pub best_step: Option<f64>,
}

/// What became of something from the baseline to another run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ComparedChange {
    /// It is the same.
    Same,
    /// The baseline has none.
    Added,
    /// Only the baseline has one.
    Removed,
    /// It is another.
    Changed,
}

/// A setting of several runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ComparedSetting {
    /// Its name; levels are joined by points.
    pub key: String,
    /// Its value in each run.
    pub values: Vec<Cell>,
    /// What became of it in each run, compared with the baseline: 0.1 and 1e-1 are the same, 1 and “1” are not.
    pub changes: Vec<ComparedChange>,
    /// Not all of the runs have it alike.
    pub differs: bool,
}

/// A metric of several runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ComparedMetric {
    /// Its name.
    pub key: String,
    /// Which way it is better.
    pub goal: Option<RunGoal>,
    /// The goal is what its name tells.
    pub named: bool,
    /// At the best step of the target: the point of the greatest step up to there.
    pub at_target: Vec<Option<MetricPlace>>,
    /// The best value; where no goal is known there is none.
    pub best: Vec<Option<MetricPlace>>,
    /// The last value.
    pub last: Vec<Option<MetricPlace>>,
}

/// A metric’s value in a run, beside the baseline’s.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
pub struct MetricPlace {
    /// The value.
    pub value: Number,
    /// The step of it.
    pub step: Option<f64>,
    /// What it is more than the baseline’s; absent for the baseline, and where one of them is not finite.
    pub difference: Option<f64>,
    /// The same in percent of the baseline’s; absent where that is 0.
    pub percent: Option<f64>,
    /// Whether it is better than the baseline’s; absent for the baseline, where they are equal, and without a goal.
    pub better: Option<bool>,
    /// It is the best of all runs, and another is worse.
    pub leads: bool,
}

/// Runs that are compared as one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ComparedGroup {
    /// What sets it apart from the other groups, in a few words.
    pub label: String,
    /// Places of its runs.
    pub runs: Vec<u32>,
    /// What its runs agree in and not all groups have alike.
    pub values: Vec<GroupSetting>,
    /// Seeds of its runs, in their order; a run that names none has none here.
    pub seeds: Vec<Cell>,
}

/// Something that the runs of a group agree in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct GroupSetting {
    /// The setting’s name, or a column’s id.
    pub key: String,
    /// What they have.
    pub value: Cell,
}

/// Which group is better in a metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Verdict {
    /// The metric.
    pub key: String,
    /// Which way it is better.
    pub goal: RunGoal,
    /// For each group, in their order.
    pub groups: Vec<GroupVerdict>,
}

/// How it turned out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum VerdictOutcome {
    /// It is what the others are compared with.
    Baseline,
    /// It is better, and the interval is all on that side.
    Better,
    /// It is worse, and the interval is all on that side.
    Worse,
    /// The interval includes 0: no difference is shown.
    Unclear,
    /// One of the two has fewer than two runs with a value, or they do not vary: nothing can be told.
    TooFew,
    /// One of the two has no run with a finite value.
    Nothing,
}

/// How the interval was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum IntervalMethod {
    /// Welch’s t, with the degrees of freedom of Satterthwaite: the groups may vary differently.
    Welch,
    /// Student’s t of the differences of runs with the same seed.
    Paired,
}

/// A metric over the runs of a group, beside the baseline’s group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct GroupVerdict {
    /// How many of its runs have a finite value.
    pub count: u32,
    /// Their mean.
    pub mean: Option<f64>,
    /// Their standard deviation (n − 1).
    pub deviation: Option<f64>,
    /// What the mean is more than the baseline’s.
    pub difference: Option<f64>,
    /// The same in percent of the baseline’s.
    pub percent: Option<f64>,
    /// The 95 % interval of the difference.
    pub interval: Option<(f64, f64)>,
    /// How it was found.
    pub method: Option<IntervalMethod>,
    /// Degrees of freedom.
    pub freedom: Option<f64>,
    /// How it turned out.
    pub outcome: VerdictOutcome,
    /// The same in a sentence; empty for the baseline.
    pub words: String,
}

/// Runs as names in an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ComparedUids {
    /// The runs, 1 to 20.
    pub uids: Vec<String>,
    /// The run that the others are compared with; the first one if absent.
    #[serde(default)]
    #[ts(optional)]
    pub baseline: Option<String>,
}

/// The config files of runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ComparedConfigs {
    /// For each run, in the order that was asked for.
    pub runs: Vec<RunConfigs>,
}

/// The config files of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RunConfigs {
    /// The run.
    pub uid: String,
    /// Its files, the likeliest first.
    pub files: Vec<ConfigChoice>,
    /// The id of the one that is compared if nobody says otherwise: of the baseline the first, of the others the one of
    /// the same name.
    pub chosen: Option<String>,
    /// Why there is none.
    pub problem: Option<String>,
}

/// A config file of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ConfigChoice {
    /// What it is asked for by.
    pub id: String,
    /// What people know it by: its path in the run’s folder, or that it is the queue’s copy.
    pub label: String,
    /// Bytes.
    pub size: u64,
    /// It is the text that the queue kept when the experiment was submitted.
    pub kept: bool,
}

/// A text of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ConfigRef {
    /// The run.
    pub uid: String,
    /// The id of the file.
    pub file: String,
}

/// Asks for what differs between two config files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct CompareTexts {
    /// The baseline’s.
    pub old: ConfigRef,
    /// The other one’s.
    pub new: ConfigRef,
    /// Lines that are the same and are shown around what differs; all of them if absent.
    #[serde(default)]
    #[ts(optional)]
    pub context: Option<u32>,
}

/// What differs between two texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct TextDiff {
    /// Name of the old text.
    pub old: String,
    /// Name of the new text.
    pub new: String,
    /// Lines that the old text has alone.
    pub removed: u64,
    /// Lines that the new text has alone.
    pub added: u64,
    /// Parts of the texts in which something differs, in order.
    pub hunks: Vec<DiffHunk>,
    /// What was left out, and why; such as the rest of large files.
    pub notes: Vec<String>,
}

/// A part of two texts in which something differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DiffHunk {
    /// Its head, as a unified diff has it: `@@ -1,5 +1,6 @@`.
    pub head: String,
    /// Its lines, old and new beside each other.
    pub rows: Vec<DiffRow>,
}

/// A line of the old text, of the new one, or of both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DiffRow {
    /// Both sides are there and the same.
    pub same: bool,
    /// The line of the old text.
    pub old: Option<DiffSide>,
    /// The line of the new text.
    pub new: Option<DiffSide>,
}

/// A line of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DiffSide {
    /// Its number, from 1.
    pub line: u32,
    /// Its text in pieces, without the line end.
    pub parts: Vec<DiffPart>,
}

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DiffPart {
    /// The text.
    pub text: String,
    /// It is what differs within the line.
    pub changed: bool,
}

/// Asks for what differs in the code of two runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct CompareCode {
    /// The baseline.
    pub old: String,
    /// The other run.
    pub new: String,
}

/// What differs in the code of two runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct CodeDiff {
    /// The commits; absent where one is not known.
    pub commits: Option<CommitPair>,
    /// The working tree in which both commits were found.
    pub repository: Option<String>,
    /// The files that differ, by path; 2,000 at most.
    pub files: Vec<CodeFile>,
    /// How many there are.
    pub total: u64,
    /// Why there is no answer.
    pub problem: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// What is to be kept in mind.
    pub notes: Vec<String>,
}

/// Two commits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct CommitPair {
    /// The baseline’s, as its files say.
    pub old: String,
    /// The other run’s.
    pub new: String,
}

/// A file that differs between two commits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct CodeFile {
    /// Its path in the repository; the new one where it was moved.
    pub path: String,
    /// Where it was before, if it was moved.
    pub old_path: Option<String>,
    /// What became of it.
    pub change: ComparedChange,
    /// Lines that the new one has alone; absent for what is no text.
    pub added: Option<u64>,
    /// Lines that the old one has alone.
    pub removed: Option<u64>,
}

/// Asks for what differs in a file of the code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct CompareCodeFile {
    /// The baseline.
    pub old: String,
    /// The other run.
    pub new: String,
    /// The file’s path, as the list of files has it.
    pub path: String,
    /// Where it was before, if it was moved.
    #[serde(default)]
    #[ts(optional)]
    pub old_path: Option<String>,
    /// Lines that are the same and are shown around what differs; all of them if absent.
    #[serde(default)]
    #[ts(optional)]
    pub context: Option<u32>,
}

/// What runs ran in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ComparedEnvironment {
    /// The runs, in the order of the values.
    pub uids: Vec<String>,
    /// Facts by subject: machine, command, variables, packages.
    pub sections: Vec<EnvironmentSection>,
    /// What is not known, and why.
    pub notes: Vec<String>,
}

/// Facts about one subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct EnvironmentSection {
    /// The subject.
    pub title: String,
    /// Facts that some run has, by name.
    pub facts: Vec<EnvironmentFact>,
}

/// A fact of several runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct EnvironmentFact {
    /// Its name.
    pub key: String,
    /// What each run has; a secret stands there masked.
    pub values: Vec<Option<String>>,
    /// What became of it in each run, compared with the baseline; told of secrets, too.
    pub changes: Vec<ComparedChange>,
    /// Not all of the runs have it alike.
    pub differs: bool,
}

/// A comparison as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ComparisonText {
    /// Markdown.
    pub text: String,
}
