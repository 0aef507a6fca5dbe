//! Line charts, drawn by plotters, as SVG that goes inline into the page.
//!
//! A picture comes with what the page needs to put a crosshair and tooltips over it: the rectangle of the data area
//! in CSS pixels, the axes, and the very points that were drawn. The page never sees more than a few points for each
//! pixel column, however long the run (see [`crate::series::reduce`]).
//!
//! *Invariant:* the SVG has no `style` attribute, no `<style>` element and no identifier, so that it can stand in a
//! page with a strict content policy, many times. Colours are presentation attributes, which any style sheet rule
//! overrides, beside the classes `c1` to `c12`, `grid` and `tick`. All text is escaped.
//!
//! How it looks:
//! - no frame, a few horizontal grid lines, labels in a quiet colour, nothing else that is not data;
//! - with smoothing the raw line stays behind, faint; so does what a restart ran again;
//! - a dot at the end of a line that is still growing;
//! - values without a place (NaN, infinities, and what is not positive on a log axis) are hollow triangles: pointing
//!   down at the top edge for NaN, up at the top for positive infinity, down at the bottom for the others.

mod axis;
mod clip;
mod columns;
mod format;
mod heat;
mod history;
mod layout;
mod lines;
mod picture;
pub mod plots;
mod svg;
mod theme;
mod time;

pub use crate::series::{NonFinite, Scale, Special};
pub use columns::Screen;
pub use format::short;
pub use heat::{HeatChart, HeatColumn, render_heat};
pub use history::{HistoryChart, HistoryLine, RenderedHistory, render_history};
pub use lines::render_lines;
pub use picture::{DASHES, DrawnLine, LABELS, LinesPicture, PictureAxis, XKind, draw_picture, x_range};
pub use theme::{PALETTE, Theme, dark_colours};

use crate::series::Reduced;

/// Unbroken runs of (x, y), as in [`Reduced::pieces`].
pub type Pieces = Vec<Vec<(f64, f64)>>;

/// What to draw.
#[derive(Debug, Clone, Default)]
pub struct LineChart<'a> {
    /// Width in CSS pixels; taken into 40 to 8000.
    pub width: f64,
    /// Height in CSS pixels; taken into 40 to 8000.
    pub height: f64,
    /// Light or dark.
    pub theme: Theme,
    /// What a screen reader says; not drawn.
    pub title: String,
    /// The lines; later ones are drawn over earlier ones.
    pub lines: Vec<Line<'a>>,
    /// The horizontal axis.
    pub x: AxisOptions,
    /// The vertical axis.
    pub y: AxisOptions,
    /// Weight of the exponential smoothing, 0 (off) to below 1; see [`crate::series::smooth_into`].
    pub smoothing: f64,
}

/// How an axis is to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct AxisOptions {
    /// How values map to places.
    pub scale: Scale,
    /// The ends, or `None` for those of the data. One that cannot be drawn (reversed, not finite, not positive on a
    /// log axis, too narrow for the precision of numbers) counts as `None`.
    pub range: Option<(f64, f64)>,
}

/// One line.
#[derive(Debug, Clone)]
pub struct Line<'a> {
    /// Identifies the line to the caller; handed back in [`ReducedSeries`].
    pub key: String,
    /// What a tooltip calls it; handed back.
    pub label: String,
    /// Index into the palette, from 0; wraps around after [`PALETTE`].
    pub colour: usize,
    /// The points.
    pub data: Data<'a>,
    /// The run is still going: a dot marks the end.
    pub live: bool,
}

/// The points of a line.
#[derive(Debug, Clone, Copy)]
pub enum Data<'a> {
    /// All of them, in the order they were logged.
    Points {
        /// Positions on the x axis; those that are not finite are passed over.
        steps: &'a [f64],
        /// The values; as many.
        values: &'a [f64],
    },
    /// Reduced already, from summaries (see [`crate::series::Reducer`]); drawn as they are and never smoothed.
    Reduced(&'a Reduced),
}

/// The picture, and what lies in it.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Rendered {
    /// An `<svg>` element.
    pub svg: String,
    /// Width in CSS pixels.
    pub width: f64,
    /// Height in CSS pixels.
    pub height: f64,
    /// Where the data are.
    pub plot: PlotRect,
    /// The horizontal axis: its ends are at the left and right edge of `plot`.
    pub x: Axis,
    /// The vertical axis: its ends are at the bottom and top edge of `plot`.
    pub y: Axis,
    /// What was drawn, in the order of [`LineChart::lines`].
    pub series: Vec<ReducedSeries>,
}

/// A rectangle in CSS pixels, from the top left corner of the picture.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PlotRect {
    /// Left edge.
    pub x: f64,
    /// Top edge.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

/// An axis as it was drawn. A value `v` lies at `(v - min) / (max - min)` of its length, on a log axis with the
/// logarithms of all three, on a symlog axis with [`crate::series::symlog`] of them.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Axis {
    /// Value at the lower or left end.
    pub min: f64,
    /// Value at the upper or right end.
    pub max: f64,
    /// How values map to places.
    pub kind: Scale,
    /// Up to which size a symlog axis is linear; 0 of others.
    pub linear: f64,
}

/// The points of a line as they were drawn.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ReducedSeries {
    /// [`Line::key`].
    pub key: String,
    /// [`Line::label`].
    pub label: String,
    /// [`Line::colour`], within the palette.
    pub colour: usize,
    /// The main line, smoothed if that was asked for. Each piece is sorted by x; a later piece was logged later. May
    /// reach one point beyond the axis on either side.
    pub pieces: Pieces,
    /// The raw line; empty without smoothing, when it is `pieces` itself.
    pub raw: Pieces,
    /// What restarts ran again, raw.
    pub past: Pieces,
    /// Points with no place on the y axis, marked at its edges.
    pub specials: Vec<Special>,
}
