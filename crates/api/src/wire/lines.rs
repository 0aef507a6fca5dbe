//! Line charts of runs on the wire.
//!
//! What is drawn is described by a document that is kept in pages and reports: every field of it has a default, so that
//! old ones stay readable.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{ApiError, Cell, ChartAxis, Number, PlotCentre, PlotSpread, Rectangle, RunSet, Scale, Theme};

/// Whose metrics are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ListRunMetrics {
    /// The runs.
    pub runs: RunSet,
}

/// The metrics of some runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RunMetricCounts {
    /// By name.
    pub metrics: Vec<RunMetricCount>,
}

/// A metric of some runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RunMetricCount {
    /// Its name.
    pub key: String,
    /// How many of the runs have it.
    pub runs: u32,
}

/// What stands on the x axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RunAxis {
    /// The step that was logged.
    #[default]
    Step,
    /// The epoch that the run logged at that step, or last before it.
    Epoch,
    /// Seconds since the first point of the run's metric.
    Relative,
    /// Seconds since the Unix epoch.
    Wall,
    /// The value that another metric of the run had at that step, or last before it.
    Metric,
}

/// What stands on the x axis of a line chart.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct LinesX {
    /// What.
    pub by: RunAxis,
    /// The metric, where one is meant.
    pub key: Option<String>,
}

/// How lines are smoothed. A value that is NaN or infinite is passed on as it is and counts for no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SmoothingKind {
    /// Not at all.
    #[default]
    None,
    /// Exponentially, without the pull towards zero at the start; the amount is the weight, 0 to below 1.
    Exponential,
    /// By the mean of the points around, as pandas' centred `rolling`; the amount is how many, 1 to 10,000.
    Mean,
    /// By a bell curve, mirrored at the ends; the amount is its standard deviation in points, above 0 and up to 200.
    Gaussian,
}

/// Smoothing.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct Smoothing {
    /// How.
    pub kind: SmoothingKind,
    /// How much.
    pub amount: f64,
}

/// Runs drawn as one line.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct LineGroups {
    /// Ids of the columns of the table of runs in whose values the runs of a group agree, four at most; all runs are one
    /// group if empty.
    pub by: Vec<String>,
    /// What the line is of the runs' values at a step.
    pub centre: PlotCentre,
    /// What the band around it is.
    pub band: PlotSpread,
}

/// What a line chart shows: a line for each metric of each run, or of each group of runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct LinesSpec {
    /// The metrics.
    pub keys: Vec<String>,
    /// What stands on the x axis.
    pub x: LinesX,
    /// The scale of the x axis; wall times are always linear.
    pub x_scale: Scale,
    /// The scale of the y axis.
    pub y_scale: Scale,
    /// How lines are smoothed, each run's before groups are made.
    pub smoothing: Smoothing,
    /// The raw line stands faint behind a smoothed one.
    pub raw: bool,
    /// The y axis shows all values; else from the 2 % to the 98 % quantile of what is drawn, and half as far again beyond.
    pub outliers: bool,
    /// Runs that are drawn as one line.
    pub group: Option<LineGroups>,
    /// The range of the x axis; that of the points if absent.
    pub x_range: Option<(f64, f64)>,
    /// The range of the y axis; that of what is in sight if absent.
    pub y_range: Option<(f64, f64)>,
}

impl Default for LinesSpec {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            x: LinesX::default(),
            x_scale: Scale::default(),
            y_scale: Scale::default(),
            smoothing: Smoothing::default(),
            raw: true,
            outliers: true,
            group: None,
            x_range: None,
            y_range: None,
        }
    }
}

/// What part of a chart is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct ChartView {
    /// From where to where on the x axis; what the document says if absent.
    pub x: Option<(f64, f64)>,
    /// From where to where on the y axis, likewise.
    pub y: Option<(f64, f64)>,
}

/// Asks for a line chart of runs.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct DrawRunChart {
    /// Of which runs, 1,000 at most.
    pub runs: RunSet,
    /// What is drawn.
    pub lines: LinesSpec,
    /// Width in CSS pixels, 40 to 8000.
    pub width: u32,
    /// Height in CSS pixels, 40 to 8000.
    pub height: u32,
    /// Pixels of the screen for each CSS pixel, 0.5 to 4.
    pub ratio: f64,
    /// The theme.
    pub theme: Theme,
    /// What part is looked at.
    #[serde(default)]
    #[ts(optional, as = "Option<ChartView>")]
    pub view: ChartView,
}

/// Asks for several line charts: a page opens with dozens of them.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct DrawRunCharts {
    /// 24 at most.
    pub charts: Vec<DrawRunChart>,
}

/// Several line charts.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RunCharts {
    /// In the order in which they were asked for.
    pub charts: Vec<RunChartAnswer>,
}

/// One of several charts: either it, or why there is none.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RunChartAnswer {
    /// The chart.
    pub chart: Option<RunChart>,
    /// Why it could not be drawn.
    pub error: Option<ApiError>,
}

/// A line chart of runs. It has no points: `runs.read` reads them.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RunChart {
    /// The picture: an SVG document without scripts, styles or external references.
    pub svg: String,
    /// Its width in CSS pixels.
    pub width: f64,
    /// Its height in CSS pixels.
    pub height: f64,
    /// Where the data is.
    pub plot: Rectangle,
    /// The x axis. Times are in seconds: of the relative axis since the start, of the wall axis since the Unix epoch.
    pub x: ChartAxis,
    /// The y axis.
    pub y: ChartAxis,
    /// The lines; those that are drawn over others come later. 200 at most.
    pub lines: Vec<RunLine>,
    /// How many lines more there would be.
    pub more: u64,
}

/// A line of a chart of runs.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RunLine {
    /// The run, or those of a group.
    pub uids: Vec<String>,
    /// The metric.
    pub key: String,
    /// What it is called: the run's name, or what a group agrees in.
    pub label: String,
    /// What a group agrees in, in the order of the columns; absent for a run.
    pub group: Option<Vec<Cell>>,
    /// Index of its colour in the palette (0 is `--c1`).
    pub colour: u32,
    /// How it is drawn: 0 solid, 1 dashed, 2 dotted, 3 dashes and dots. Tells apart lines that share a colour.
    pub dash: u32,
    /// How many points it has in all; of a group, those of all its runs.
    pub points: u64,
    /// Every point in sight was drawn by itself.
    pub exact: bool,
    /// Where it ends: x, and the value as it was logged. Absent for a group, and where points have no place on the x axis.
    pub last: Option<(f64, Number)>,
    /// The least finite value that was logged.
    pub min: Option<f64>,
    /// The greatest finite value that was logged.
    pub max: Option<f64>,
    /// A run of it goes on.
    pub live: bool,
}

/// Asks for the values at a place of a line chart of runs.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ReadRunChart {
    /// Of which runs, as the chart was drawn.
    pub runs: RunSet,
    /// What was drawn.
    pub lines: LinesSpec,
    /// The place on the x axis.
    pub at: f64,
    /// How far beyond its ends a line is still read, in x: half a pixel.
    pub tolerance: f64,
}

/// The values at a place of a chart.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RunChartReading {
    /// Of each line that reaches over the place, the point that is nearest to it; in the order of the lines.
    pub lines: Vec<LineReading>,
}

/// A line's value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct LineReading {
    /// Which of the chart's lines.
    pub line: u32,
    /// Where the point is.
    pub x: f64,
    /// Its value: smoothed if lines are, and of a group its centre.
    pub y: Number,
    /// Where the band of a group begins.
    pub low: Option<Number>,
    /// Where it ends.
    pub high: Option<Number>,
    /// The value as it was logged, where `y` is a smoothed one.
    pub raw: Option<Number>,
    /// How many runs have a value there.
    pub runs: u32,
}
