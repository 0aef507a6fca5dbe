//! Plots of runs that are no lines over steps: bars, boxes, scatter, parallel coordinates, importance, sweeps, use of
//! GPUs beside a metric.
//!
//! They are drawn with the same backend and in the same hand as the line charts. A plot comes with what the page needs
//! to point at it, with its numbers as a table, and with notes: by which method it was made, what that cannot tell, and
//! what was left out and why.
//!
//! *Invariant:* any input has a picture: no runs, one, ten thousand, equal values, NaN, infinities, long names.

mod axis;
mod bars;
mod boxes;
mod figure;
mod importance;
mod legend;
mod matrix;
mod parallel;
mod ramp;
mod rows;
mod scatter;
mod sheet;
#[cfg(test)]
mod tests;
mod usage;
mod value;

use jiff::tz::TimeZone;

use super::{Axis, PlotRect, Theme};

pub use bars::{BarOptions, render_bars};
pub use boxes::{BoxOptions, render_boxes, whiskers};
pub use figure::{Figure, LegendEntry, PIXELS_PER_MM, PIXELS_PER_POINT};
pub use importance::{ImportanceOptions, SETTINGS, render_importance};
pub use matrix::{Statistic, SweepOptions, render_sweep};
pub use parallel::{AXES, ParallelOptions, render_parallel};
pub use scatter::{ScatterOptions, render_scatter};
pub use usage::{Thinned, UsageBand, UsageChart, render_usage};
pub use value::{Column, Group, Runs, Subject, Value, ValueKind, group_by};

/// Size of labels in CSS pixels where nothing else is asked for.
pub const FONT: f64 = 9.5;

/// What can be pointed at, at most.
pub const MARKS: usize = 2_000;

/// Runs of a mark that are named.
pub const NAMED: usize = 20;

/// The picture that a plot is to be.
#[derive(Debug, Clone)]
pub struct Page {
    /// Width in CSS pixels; taken into 40 to 8000.
    pub width: f64,
    /// Height in CSS pixels; taken into 40 to 8000.
    pub height: f64,
    /// Light or dark.
    pub theme: Theme,
    /// What a screen reader says; not drawn.
    pub title: String,
    /// Size of labels in CSS pixels.
    pub font: f64,
    /// The zone of moments.
    pub zone: TimeZone,
}

/// What stands for several values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Centre {
    /// The arithmetic mean.
    #[default]
    Mean,
    /// The middle one.
    Median,
}

/// How far several values reach around what stands for them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Spread {
    /// Nothing is drawn.
    None,
    /// One standard deviation of the sample to both sides.
    Deviation,
    /// One standard error of the mean to both sides.
    #[default]
    Error,
    /// From the 25 % to the 75 % quantile.
    Quantile,
    /// From the least to the greatest.
    Range,
}

/// A plot, drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderedPlot {
    /// An `<svg>` element.
    pub svg: String,
    /// Width in CSS pixels.
    pub width: f64,
    /// Height in CSS pixels.
    pub height: f64,
    /// Of a plot in rows: the least height at which each of them has its name, in CSS pixels.
    pub roomy: Option<f64>,
    /// Where the data are.
    pub plot: PlotRect,
    /// The horizontal axis, if it is one of numbers.
    pub x: Option<Axis>,
    /// The vertical axis, if it is one of numbers.
    pub y: Option<Axis>,
    /// What can be pointed at, from the back to the front.
    pub marks: Vec<Mark>,
    /// The numbers that are shown.
    pub table: Table,
    /// Sentences about method, caveats, and what was left out.
    pub notes: Vec<String>,
}

/// Something that can be pointed at.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// Its runs, by their places in what was drawn; the first [`NAMED`].
    pub runs: Vec<usize>,
    /// How many runs it stands for.
    pub count: usize,
    /// What it is called.
    pub label: String,
    /// Its run's colour.
    pub colour: Option<usize>,
    /// Where it is.
    pub place: PlotRect,
    /// What is said of it.
    pub lines: Vec<String>,
}

/// Numbers in rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// The names of its columns.
    pub header: Vec<String>,
    /// Its rows, each with as many values.
    pub rows: Vec<Vec<Value>>,
}

/// Runs that could not be shown for want of a value.
fn without(count: usize, name: &str) -> Option<String> {
    match count {
        0 => None,
        1 => Some(format!("1 run has no value for {name} and is left out.")),
        count => Some(format!("{count} runs have no value for {name} and are left out.")),
    }
}
