//! Metric series and charts on the wire.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Number;

/// A metric series of an experiment, with what the list of metrics shows of it.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SeriesInfo {
    /// The metric's name.
    pub key: String,
    /// The attempt that it belongs to.
    pub attempt: u32,
    /// How many points there are; all of them are kept.
    pub points: u64,
    /// The last value.
    pub last: Option<Number>,
    /// The step of the last value.
    pub last_step: Option<f64>,
    /// The smallest finite value.
    pub min: Option<Number>,
    /// The largest finite value.
    pub max: Option<Number>,
    /// How many points are NaN or infinite.
    pub not_finite: u64,
}

/// The series of one experiment.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SeriesList {
    /// In the order of the file's columns.
    pub series: Vec<SeriesInfo>,
    /// The file that they were read from.
    pub source: Option<String>,
    /// What could not be read, in words.
    pub problems: Vec<String>,
}

/// Asks for points of a metric of an experiment.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ReadPoints {
    /// The experiment.
    pub uid: String,
    /// The metric.
    pub key: String,
    /// The attempt; the newest if absent.
    #[serde(default)]
    #[ts(optional)]
    pub attempt: Option<u32>,
    /// How many points to pass over.
    #[serde(default)]
    #[ts(optional, as = "Option<u64>")]
    pub after: u64,
    /// How many points, at most 100,000.
    pub limit: u32,
}

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the words say it")]
pub enum Theme {
    Light,
    Dark,
}

/// How values map to places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Equal differences, equal distances.
    #[default]
    Linear,
    /// Equal ratios, equal distances; only positive values have a place.
    Log,
    /// Linear around zero, logarithmic beyond on both sides.
    Symlog,
}

/// A chart to be drawn.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct DrawChart {
    /// The experiment.
    pub uid: String,
    /// The metrics, one line each.
    pub keys: Vec<String>,
    /// The attempt; the newest if absent.
    #[serde(default)]
    #[ts(optional)]
    pub attempt: Option<u32>,
    /// Width in CSS pixels, 40 to 8000.
    pub width: u32,
    /// Height in CSS pixels, 40 to 8000.
    pub height: u32,
    /// The theme.
    pub theme: Theme,
    /// The scale of the y axis.
    #[serde(default)]
    #[ts(optional, as = "Option<Scale>")]
    pub y_scale: Scale,
    /// Weight of the exponential smoothing, 0 (none) to below 1.
    #[serde(default)]
    #[ts(optional, as = "Option<f64>")]
    pub smoothing: f64,
}

/// A rectangle in CSS pixels from the picture's top left corner.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
#[allow(missing_docs, reason = "the words say it")]
pub struct Rectangle {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

/// An axis: the values at the two ends of the plot's rectangle.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
pub struct ChartAxis {
    /// The value at the left or the bottom.
    pub min: f64,
    /// The value at the right or the top.
    pub max: f64,
    /// How values map to pixels: a value v lies at (f(v) − f(min)) / (f(max) − f(min)) of the axis, with f(v) = v, or log v,
    /// or of a symlog axis sign(v) · s, where s = 10/9 · |v|/t up to t, and beyond 10/9 + log10(|v|/t).
    pub scale: Scale,
    /// Up to which size t a symlog axis is linear; absent of other axes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub linear: Option<f64>,
}

/// One line of a chart, reduced to what the picture shows.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ChartLine {
    /// The metric.
    pub key: String,
    /// Index of its colour in the palette (0 is `--c1`).
    pub colour: u32,
    /// Step and value of the points drawn: exact values, not pixels.
    pub points: Vec<(f64, Number)>,
    /// How many points the series has in all.
    pub total: u64,
}

/// A drawn chart.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct Chart {
    /// The picture: an SVG document without scripts, styles or external references.
    pub svg: String,
    /// Where the data is.
    pub plot: Rectangle,
    /// The x axis (step).
    pub x: ChartAxis,
    /// The y axis (value).
    pub y: ChartAxis,
    /// The lines.
    pub lines: Vec<ChartLine>,
}
