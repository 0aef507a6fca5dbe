//! Plots of runs that are not lines over steps, on the wire.
//!
//! A plot is described by a document that is kept in pages and reports: every field has a default, so that old ones
//! stay readable.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{ChartAxis, LinesSpec, Rectangle, RunGoal, Scale, Theme};

/// Runs that are drawn: those that are named, in their order, or those that a query lists.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct RunSet {
    /// The runs; with a query, those of its runs that are left out.
    pub uids: Vec<String>,
    /// A query in the language of the query bar, the newest run first.
    pub query: Option<String>,
}

/// What stands for several values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum PlotCentre {
    /// The arithmetic mean.
    #[default]
    Mean,
    /// The middle one.
    Median,
}

/// How far several values reach around what stands for them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum PlotSpread {
    /// Nothing is drawn.
    None,
    /// One standard deviation of the sample (n − 1) to both sides.
    Deviation,
    /// One standard error of the mean to both sides.
    #[default]
    Error,
    /// From the 25 % to the 75 % quantile.
    Quantile,
    /// From the least to the greatest.
    Range,
}

/// What a cell of a sweep shows of its runs' values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SweepStatistic {
    /// The mean.
    #[default]
    Mean,
    /// The middle one.
    Median,
    /// The best by the metric's goal: the least where less is better, else the greatest.
    Best,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// How many runs there are.
    Count,
}

/// In which order bars stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum BarOrder {
    /// The best first: the least where less is better, else the greatest.
    #[default]
    Value,
    /// As the runs stand in the set; groups by what they agree in.
    Given,
}

/// A plot: what is drawn of a set of runs. Columns are those of the table of runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PlotSpec {
    /// A bar for each run or group.
    Bar(BarPlot),
    /// A box for each group.
    Box(BoxPlot),
    /// Runs by two columns.
    Scatter(ScatterPlot),
    /// Runs as lines through axes side by side.
    Parallel(ParallelPlot),
    /// What a column hangs on.
    Importance(ImportancePlot),
    /// A column by two settings.
    Sweep(SweepPlot),
    /// Histograms of one run over steps.
    Histogram(HistogramPlot),
    /// A metric of a run above the use of its GPUs, over time.
    Usage(UsagePlot),
}

/// Any chart of runs, as pages and figures have them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ChartSpec {
    /// Metrics as lines.
    Lines(LinesSpec),
    /// Another plot.
    #[serde(untagged)]
    Plot(PlotSpec),
}

/// A bar for each run with its value, or for each group with its centre and an error mark.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct BarPlot {
    /// The column with the values: numbers.
    pub column: String,
    /// Columns in whose values the runs of a group agree, four at most; a bar for each run if empty.
    pub by: Vec<String>,
    /// What a group's bar shows.
    pub centre: PlotCentre,
    /// What the mark on it shows.
    pub spread: PlotSpread,
    /// The order.
    pub order: BarOrder,
    /// How values map to lengths; on a log axis bars begin at its end.
    pub scale: Scale,
}

/// A box for each group: from the 25 % to the 75 % quantile with the median, whiskers to the last value within 1.5 times
/// that length, and what lies beyond as points (Tukey).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct BoxPlot {
    /// The column with the values: numbers.
    pub column: String,
    /// Columns in whose values the runs of a group agree, four at most; one box for all runs if empty.
    pub by: Vec<String>,
    /// All values as points, not only those beyond the whiskers.
    pub points: bool,
    /// How values map to places.
    pub scale: Scale,
}

impl Default for BoxPlot {
    fn default() -> Self {
        Self { column: String::new(), by: Vec::new(), points: true, scale: Scale::default() }
    }
}

/// A point for each run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct ScatterPlot {
    /// The column of the horizontal axis: numbers, or words, which become categories.
    pub x: String,
    /// The column of the vertical axis, likewise.
    pub y: String,
    /// The column that colours the points; each run's own colour if absent.
    pub colour: Option<String>,
    /// How numbers map to places.
    pub x_scale: Scale,
    /// How numbers map to places.
    pub y_scale: Scale,
    /// The Pareto front is drawn: which way each of the two columns is better.
    pub front: Option<ParetoGoals>,
}

/// Which way two columns are better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ParetoGoals {
    /// The horizontal one.
    pub x: RunGoal,
    /// The vertical one.
    pub y: RunGoal,
}

/// A line for each run through axes side by side.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct ParallelPlot {
    /// The columns of the axes, from left to right, twelve at most; settings that differ, and the target, if empty.
    pub columns: Vec<String>,
    /// The target: the column that colours the lines; each run's own colour if absent.
    pub colour: Option<String>,
    /// The columns whose axis is logarithmic; those of positive values whose greatest is a hundred times the least or
    /// more, if absent.
    pub log: Option<Vec<String>>,
}

/// How much a column hangs on each of several others, and in which direction.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct ImportancePlot {
    /// The column that is explained: numbers, such as a metric's best value.
    pub target: String,
    /// The columns that may explain it, a hundred at most; all settings that differ if empty.
    pub columns: Vec<String>,
}

/// A cell for each pair of values of two columns, shaded by a third.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct SweepPlot {
    /// The column from left to right.
    pub x: String,
    /// The column from bottom to top.
    pub y: String,
    /// The column that shades the cells: numbers.
    pub value: String,
    /// What a cell shows of its runs.
    pub statistic: SweepStatistic,
}

/// Histograms of the first of the runs that has any of this name, over steps.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct HistogramPlot {
    /// The histograms' name.
    pub key: String,
}

/// A metric of the first of the runs that has it, above the use of the GPUs that the run had, over time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct UsagePlot {
    /// The metric.
    pub key: String,
    /// How its values map to places.
    pub scale: Scale,
}

/// Asks for a plot.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct DrawPlot {
    /// Of which runs, 10,000 at most.
    pub runs: RunSet,
    /// What is drawn.
    pub plot: PlotSpec,
    /// Width in CSS pixels, 40 to 8000.
    pub width: u32,
    /// Height in CSS pixels, 40 to 8000.
    pub height: u32,
    /// The theme.
    pub theme: Theme,
}

/// A plot.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct Plot {
    /// The picture: an SVG document without scripts, styles or external references.
    pub svg: String,
    /// Its width in CSS pixels.
    pub width: f64,
    /// Its height in CSS pixels.
    pub height: f64,
    /// Of a plot in rows: the least height at which each of them has its name, in CSS pixels.
    pub roomy: Option<f64>,
    /// Where the data is; of a metric above the use of GPUs, where the metric is.
    pub plot: Rectangle,
    /// The horizontal axis, if it is one of numbers. Times are UTC milliseconds.
    pub x: Option<ChartAxis>,
    /// The vertical axis, if it is one of numbers.
    pub y: Option<ChartAxis>,
    /// What can be pointed at, from the back to the front, 2,000 at most.
    pub marks: Vec<PlotMark>,
    /// By which method it was made, what that can't tell, and what was left out and why: sentences.
    pub notes: Vec<String>,
}

/// Something in a plot that can be pointed at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct PlotMark {
    /// Its runs, the first twenty.
    pub uids: Vec<String>,
    /// How many runs it stands for; 0 if it stands for none.
    pub runs: u64,
    /// What it is called: a run's name, what a group agrees in, a setting.
    pub label: String,
    /// Index of its run's colour in the palette, if it has that.
    pub colour: Option<u32>,
    /// Where it is.
    pub place: Rectangle,
    /// What is said of it, a line each: `metrics.loss.min: 0.231`.
    pub lines: Vec<String>,
}
