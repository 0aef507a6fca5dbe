//! What colours mean: a ramp for numbers, the palette for categories.

use std::borrow::Cow;

use jiff::tz::TimeZone;

use super::super::{PALETTE, PlotRect, Theme, short};
use super::ramp::ramp;
use super::rows::{EDGE, GAP};
use super::sheet::{Anchor, Ink, Sheet};
use super::value::{Column, Value, ValueKind, say};

/// Shades that are told apart.
const SHADES: f64 = 32.0;
/// Width of the ramp and of a swatch, in CSS pixels.
const RAMP: f64 = 8.0;
/// The legend takes at most this part of the width.
const MOST: f64 = 0.24;

/// How a column colours what is drawn.
#[derive(Debug, Clone)]
pub(super) enum Shading<'a> {
    /// Each run has its own colour.
    Own,
    /// Numbers from the first to the second.
    Ramp { column: Cow<'a, Column>, low: f64, high: f64, log: bool, theme: Theme },
    /// Categories.
    Words { column: &'a Column, words: Vec<Value> },
}

impl<'a> Shading<'a> {
    pub fn new(column: Option<&'a Column>, theme: Theme) -> Self {
        let Some(column) = column else { return Self::Own };
        if !column.is_numeric() {
            return Self::Words { column, words: column.categories() };
        }
        Self::ramp(Cow::Borrowed(column), theme)
    }

    pub fn ramp(column: Cow<'a, Column>, theme: Theme) -> Self {
        let span = column.finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (_, number)| {
            (low.min(number), high.max(number))
        });
        let (low, high) = if span.0 <= span.1 { span } else { (0.0, 1.0) };
        let log = column.kind == ValueKind::Plain && low > 0.0 && high / low >= 100.0;
        Self::Ramp { column, low, high, log, theme }
    }

    /// The ink of a run; what has no number has none of these colours.
    pub fn ink(&self, sheet: &Sheet, run: usize, own: usize) -> Option<Ink> {
        match self {
            Self::Own => Some(sheet.run_ink(own)),
            Self::Ramp { column, .. } => {
                column.of(run).number().and_then(|number| self.shade(number)).map(Ink::of)
            }
            Self::Words { column, words } => {
                let place = words.iter().position(|word| word.order(column.of(run)).is_eq())?;
                Some(sheet.run_ink(place))
            }
        }
    }

    /// The colour of a finite number.
    pub fn shade(&self, number: f64) -> Option<plotters::style::RGBColor> {
        let Self::Ramp { low, high, log, theme, .. } = self else { return None };
        if !number.is_finite() {
            return None;
        }
        let part = match (low < high, log) {
            (false, _) => 1.0,
            (true, true) => (number.ln() - low.ln()) / (high.ln() - low.ln()),
            (true, false) => (number / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0),
        };
        Some(ramp(*theme, (part * SHADES).round() / SHADES))
    }

    fn title(&self) -> &str {
        match self {
            Self::Own => "",
            Self::Ramp { column, .. } => &column.name,
            Self::Words { column, .. } => &column.name,
        }
    }

    fn labels(&self, zone: &TimeZone) -> Vec<String> {
        match self {
            Self::Own => Vec::new(),
            Self::Ramp { column, low, high, log, .. } => {
                let told = |number: f64| match column.kind {
                    ValueKind::Plain => short(number, 3),
                    kind => say(number, kind, zone),
                };
                match (low < high, log) {
                    (false, _) => vec![told(*high)],
                    (true, false) => vec![told(*high), told(*low)],
                    (true, true) => vec![told(*high), told(*low), short((low * high).sqrt(), 2)],
                }
            }
            Self::Words { column, words } => words.iter().map(|word| word.say(column.kind, zone)).collect(),
        }
    }

    /// The width that it takes at the right of a picture.
    pub fn width(&self, sheet: &Sheet, zone: &TimeZone) -> f64 {
        if matches!(self, Self::Own) || sheet.width < 160.0 {
            return 0.0;
        }
        let labels = self.labels(zone).iter().map(|label| sheet.wide(label)).fold(0.0, f64::max);
        let wanted = (RAMP + 4.0 + labels).max(sheet.wide(self.title()).min(sheet.font * 13.0));
        wanted.min(sheet.width * MOST) + 2.0 * GAP
    }

    /// Draws it between these heights, as wide as [`Shading::width`] says.
    pub fn draw(&self, sheet: &Sheet, (top, bottom): (f64, f64), zone: &TimeZone) {
        let width = self.width(sheet, zone);
        if width <= 0.0 {
            return;
        }
        let left = sheet.width - EDGE - width + 2.0 * GAP;
        let room = sheet.width - EDGE - left;
        let font = sheet.font;
        sheet.label((left, top + font * 0.5), &sheet.fitted(self.title(), room), Anchor::Left);
        let top = top + font * 1.6;
        let labels = self.labels(zone);
        let text = |y: f64, label: &str| {
            let label = sheet.fitted(label, room - RAMP - 4.0);
            sheet.label((left + RAMP + 4.0, y), &label, Anchor::Left);
        };
        match self {
            Self::Own => {}
            Self::Ramp { low, high, log, theme, .. } => {
                let height = (bottom - top).clamp(8.0, 160.0);
                let place = |from: f64, to: f64| PlotRect {
                    x: left,
                    y: top + from * height,
                    width: RAMP,
                    height: (to - from) * height,
                };
                if low >= high {
                    sheet.bar(place(0.0, (RAMP / height).min(1.0)), Ink::of(ramp(*theme, 1.0)));
                    text(top + RAMP / 2.0, &labels[0]);
                    return;
                }
                let steps = SHADES as usize;
                for step in 0..steps {
                    let part = |step: usize| step as f64 / SHADES;
                    let colour = ramp(*theme, 1.0 - (part(step) + part(step + 1)) / 2.0);
                    sheet.cells(&[place(part(step), part(step + 1))], Ink::of(colour));
                }
                text(top + font * 0.45, &labels[0]);
                text(top + height - font * 0.45, &labels[1]);
                if *log && height >= font * 4.0 {
                    text(top + height / 2.0, &labels[2]);
                }
            }
            Self::Words { .. } => {
                let fit = ((bottom - top) / (font * 1.5)).max(1.0) as usize;
                let shown = if labels.len() > fit { fit - 1 } else { labels.len() };
                for (index, label) in labels[..shown].iter().enumerate() {
                    let y = top + (index as f64 + 0.4) * font * 1.5;
                    sheet.dots([(left + RAMP / 2.0, y)], sheet.run_ink(index), 6.0);
                    text(y, label);
                }
                if shown < labels.len() {
                    let y = top + (shown as f64 + 0.4) * font * 1.5;
                    text(y, &format!("{} more", labels.len() - shown));
                }
            }
        }
    }

    /// What has to be said of it.
    pub fn note(&self) -> Option<String> {
        match self {
            Self::Ramp { column, log: true, .. } => {
                Some(format!("The colours of {} are logarithmic.", column.name))
            }
            Self::Words { column, words } if words.len() > PALETTE => Some(format!(
                "{} has {} different values, and there are {PALETTE} colours: some share one.",
                column.name,
                words.len()
            )),
            _ => None,
        }
    }
}
