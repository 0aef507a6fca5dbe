//! Charts as files, on the wire.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{ChartSpec, ChartView, RunSet, Theme};

/// A chart with what a file of it needs: sizes of a page instead of a screen's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Figure {
    /// Of which runs.
    pub runs: RunSet,
    /// What is drawn.
    pub chart: ChartSpec,
    /// Of lines, what part is shown.
    #[serde(default)]
    #[ts(optional, as = "Option<ChartView>")]
    pub view: ChartView,
    /// Width in millimetres, 10 to 1000.
    pub width_mm: f64,
    /// Height in millimetres, 10 to 1000.
    pub height_mm: f64,
    /// Size of the text in points, 3 to 48.
    pub font_pt: f64,
    /// The theme.
    pub theme: Theme,
    /// What is written above it.
    pub title: Option<String>,
    /// Which colour is which run, below it.
    pub legend: bool,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum FigureFormat {
    /// Vector graphics; its text is outlines, so that it looks the same everywhere.
    Svg,
    /// Pixels.
    Png,
    /// A page of the figure's size, with the font in it; its text can be selected.
    Pdf,
    /// The numbers that are shown.
    Csv,
}

/// Asks for a chart as a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct MakeFigure {
    /// The chart.
    pub figure: Figure,
    /// As what.
    pub format: FigureFormat,
    /// Of a PNG: pixels for each CSS pixel, of which an inch has 96; 0.1 to 20.
    pub scale: f64,
}

/// A chart as a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct FigureFile {
    /// What to call it: `loss.svg`.
    pub name: String,
    /// Its media type.
    pub mime: String,
    /// Its bytes.
    pub base64: String,
    /// As those of a plot.
    pub notes: Vec<String>,
}
