//! Rows with names at the left and an axis of numbers below: the ground of bars, boxes and importance.

use jiff::tz::TimeZone;

use super::super::PlotRect;
use super::axis::{Place, PlotAxis};
use super::sheet::{Anchor, Sheet};

/// Distances in CSS pixels.
pub(super) const EDGE: f64 = 6.0;
pub(super) const GAP: f64 = 6.0;
/// A row is at least so high.
const LEAST: f64 = 3.0;
/// How high a row is at least for its name to stand in it, in sizes of a label.
const NAMED: f64 = 1.15;
/// No picture is made higher for names, in CSS pixels.
const HIGHEST: f64 = 6000.0;
/// Names take at most this part of the width.
const NAMES: f64 = 0.38;
/// A picture lower than this has no labels.
pub(super) const LABELLED: f64 = 56.0;

/// Where rows are.
pub(super) struct Rows {
    pub plot: PlotRect,
    /// Height of a row.
    pub row: f64,
    /// How many are drawn; those behind them have no room.
    pub shown: usize,
    /// Rows are high enough for their names and values.
    pub named: bool,
    /// The least height of a picture in which they are, if there is one.
    pub roomy: Option<f64>,
}

impl Rows {
    /// Makes room for rows of these names. `beside`: what the values at the ends of the bars take.
    pub fn new(sheet: &Sheet, names: &[&str], titled: bool, beside: f64) -> Self {
        let low = sheet.height < LABELLED;
        let font = sheet.font;
        let below = match (low, titled) {
            (true, _) => 4.0,
            (false, true) => font * 2.9 + 4.0,
            (false, false) => font * 1.4 + 4.0,
        };
        let height = (sheet.height - EDGE - below).max(8.0);
        let shown = names.len().min((height / LEAST) as usize);
        let row = height / shown.max(1) as f64;
        let wide = sheet.width >= 80.0;
        let named = row >= font * NAMED && wide;
        let whole = EDGE + below + names.len() as f64 * font * NAMED;
        let roomy = (wide && !low && whole <= HIGHEST).then(|| whole.ceil());
        let widest = names[..shown].iter().map(|name| sheet.wide(name)).fold(0.0, f64::max);
        let left = if named { (widest + GAP).min(sheet.width * NAMES).ceil() } else { 0.0 } + EDGE;
        let right = EDGE + if named { beside } else { 0.0 };
        let width = (sheet.width - left - right).max(8.0);
        Self { plot: PlotRect { x: left, y: EDGE, width, height }, row, shown, named, roomy }
    }

    /// The middle of a row.
    pub fn middle(&self, index: usize) -> f64 {
        self.plot.y + (index as f64 + 0.5) * self.row
    }

    /// Height of a bar.
    pub fn thickness(&self) -> f64 {
        if self.row < 6.0 { self.row } else { (self.row * 0.68).min(22.0) }
    }

    /// All of a row's room, names included.
    pub fn whole(&self, index: usize) -> PlotRect {
        PlotRect {
            x: EDGE,
            y: self.plot.y + index as f64 * self.row,
            width: self.plot.x + self.plot.width - EDGE,
            height: self.row,
        }
    }

    /// Where a part of the axis is.
    pub fn across(&self, part: f64) -> f64 {
        self.plot.x + part * self.plot.width
    }

    /// Where a number is, if it has a place.
    pub fn at(&self, axis: &PlotAxis, number: f64) -> Option<f64> {
        match axis.number(number) {
            Place::At(part) => Some(self.across(part)),
            _ => None,
        }
    }

    /// Names of rows, as far as there is room.
    pub fn write_names(&self, sheet: &Sheet, names: &[&str]) {
        if !self.named {
            return;
        }
        for (index, name) in names[..self.shown].iter().enumerate() {
            let room = self.plot.x - GAP - EDGE;
            let place = (self.plot.x - GAP, self.middle(index));
            sheet.label(place, &sheet.fitted(name, room), Anchor::Right);
        }
    }

    /// Grid lines from top to bottom, their labels below, and the axis's title under these.
    pub fn write_axis(&self, sheet: &Sheet, axis: &mut PlotAxis, zone: &TimeZone) {
        let bottom = self.plot.y + self.plot.height;
        axis.choose_across(self.plot.width, sheet.font, zone);
        for (part, label) in &axis.ticks {
            let x = self.across(*part);
            sheet.line([(x, self.plot.y), (x, bottom)], sheet.grid_ink(), 1.0);
            if sheet.height >= LABELLED {
                // A label at an end is moved in rather than cut.
                let half = sheet.wide(label) / 2.0;
                let held = x.clamp(half + 1.0, (sheet.width - half - 1.0).max(half + 1.0));
                sheet.label((held, bottom + 3.0 + sheet.font * 0.6), label, Anchor::Middle);
            }
        }
        if sheet.height >= LABELLED && !axis.title.is_empty() {
            let place = (self.plot.x + self.plot.width, bottom + 4.0 + sheet.font * 2.1);
            let room = sheet.width - 2.0 * EDGE;
            let title = sheet.fitted(&axis.title, room);
            // Where the data area is too narrow for it, the title is held by the picture's edge.
            let right = place.0.max((sheet.wide(&title) + EDGE).min(sheet.width - EDGE));
            sheet.label((right, place.1), &title, Anchor::Right);
        }
    }

    /// What is said of rows that have no room.
    pub fn note(&self, all: usize, what: &str) -> Option<String> {
        let more = all - self.shown;
        (more > 0).then(|| format!("{more} more {what} have no room here; a higher picture shows them."))
    }
}

/// A word in the middle of a picture that has nothing else to show.
pub(super) fn write_empty(sheet: &Sheet, plot: PlotRect, text: &str) {
    let place = (plot.x + plot.width / 2.0, plot.y + plot.height / 2.0);
    sheet.label(place, &sheet.fitted(text, sheet.width - 2.0 * EDGE), Anchor::Middle);
}
