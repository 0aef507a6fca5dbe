//! Charts of the machine's history: the mean over time, and behind it the band from least to greatest.

use jiff::tz::TimeZone;
use plotters::prelude::*;

use super::axis::{AxisMap, auto_range};
use super::clip::clip;
use super::layout::{BARE, BOTTOM, LABEL_GAP, LABELLED_HEIGHT, LABELLED_WIDTH, LEFT, Margins, RIGHT, TOP};
use super::picture::{DOT, Failed, LINE, frame, plot_of, units};
use super::svg::{Canvas, FONT, UNITS, text_width};
use super::theme::Colours;
use super::{Axis, PALETTE, PlotRect, Theme, time};
use crate::history::{Bucket, Unit, breaks};
use crate::series::Scale;

/// Opacity of the band.
const BAND: f64 = 0.18;

/// What to draw.
#[derive(Debug, Clone)]
pub struct HistoryChart<'a> {
    /// Width in CSS pixels; taken into 40 to 8000.
    pub width: f64,
    /// Height in CSS pixels; taken into 40 to 8000.
    pub height: f64,
    /// Light or dark.
    pub theme: Theme,
    /// What a screen reader says; not drawn.
    pub title: String,
    /// What all lines are measured in.
    pub unit: Unit,
    /// The left end of the axis of time, UTC milliseconds.
    pub since: i64,
    /// Its right end.
    pub until: i64,
    /// The zone of its labels.
    pub zone: TimeZone,
    /// The lines; later ones are drawn over earlier ones.
    pub lines: Vec<HistoryLine<'a>>,
}

/// One line with its band.
#[derive(Debug, Clone, Copy)]
pub struct HistoryLine<'a> {
    /// Index into the palette; wraps around.
    pub colour: usize,
    /// Sorted.
    pub buckets: &'a [Bucket],
    /// Width of a bucket, milliseconds.
    pub step: i64,
}

/// The picture, and its axes: time in UTC milliseconds, values in the unit that was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderedHistory {
    /// An `<svg>` element.
    pub svg: String,
    /// Width in CSS pixels.
    pub width: f64,
    /// Height in CSS pixels.
    pub height: f64,
    /// Where the data are.
    pub plot: PlotRect,
    /// The axis of time.
    pub x: Axis,
    /// The axis of values.
    pub y: Axis,
}

impl HistoryLine<'_> {
    /// Where a bucket is drawn: at its middle.
    fn at(&self, bucket: &Bucket) -> f64 {
        bucket.start as f64 + self.step as f64 / 2.0
    }
}

/// What labels are divided by, and what follows them.
fn scaled(unit: Unit, most: f64) -> (f64, &'static str) {
    let rate = unit == Unit::BytesPerSecond;
    match unit {
        Unit::Percent => (1.0, "%"),
        Unit::Watt => (1.0, " W"),
        Unit::Celsius => (1.0, " °C"),
        Unit::Megahertz => (1.0, " MHz"),
        Unit::Bytes | Unit::BytesPerSecond => {
            let sizes = [
                (1.0, " B", " B/s"),
                (1024.0, " KiB", " KiB/s"),
                (1_048_576.0, " MiB", " MiB/s"),
                (1_073_741_824.0, " GiB", " GiB/s"),
                (1_099_511_627_776.0, " TiB", " TiB/s"),
            ];
            // A tenth more than one, so that the labels are not all below one.
            let fits = sizes.iter().rev().find(|(size, ..)| most >= size * 1.1).unwrap_or(&sizes[0]);
            (fits.0, if rate { fits.2 } else { fits.1 })
        }
    }
}

/// The ends of the axis of values.
fn value_range(unit: Unit, buckets: impl Iterator<Item = (f64, f64)>) -> Option<(f64, f64)> {
    if unit == Unit::Percent {
        return Some((0.0, 100.0));
    }
    let (min, max) = buckets.reduce(|(low, high), (min, max)| (low.min(min), high.max(max)))?;
    Some(match unit {
        // A degree more or less is what one looks for.
        Unit::Celsius if min < max => auto_range(min, max, Scale::Linear, 0.08),
        Unit::Celsius => (min - 5.0, max + 5.0),
        _ if max <= 0.0 => (0.0, 1.0),
        _ => (0.0, auto_range(0.0, max, Scale::Linear, 0.06).1),
    })
}

/// Draws the history. Any input has a picture; without a bucket it is an empty grid over the time that was asked for.
#[must_use]
pub fn render_history(chart: &HistoryChart<'_>) -> RenderedHistory {
    let side = |length: f64| if length.is_nan() { 40.0 } else { length.clamp(40.0, 8000.0).round() };
    let (width, height) = (side(chart.width), side(chart.height));
    let (since, until) = (chart.since as f64, chart.until.max(chart.since.saturating_add(1000)) as f64);
    let mut x = AxisMap::new((since, until), Scale::Linear);

    let visible = |line: &HistoryLine<'_>, bucket: &&Bucket| (since..=until).contains(&line.at(bucket));
    let extremes = chart.lines.iter().flat_map(|line| {
        line.buckets.iter().filter(move |bucket| visible(line, bucket)).map(|bucket| (bucket.min, bucket.max))
    });
    let range = value_range(chart.unit, extremes);
    let (divisor, suffix) = scaled(chart.unit, range.map_or(0.0, |range| range.1));
    let (low, high) = range.unwrap_or((0.0, 1.0));
    let mut y = AxisMap::new((low / divisor, high / divisor), Scale::Linear);
    let margins = lay_out(&mut x, &mut y, (width, height), &chart.zone, range.map(|_| suffix));

    let colours = chart.theme.colours();
    let canvas = Canvas::new((width as u32 * UNITS as u32, height as u32 * UNITS as u32), colours);
    // The backend cannot fail, and plotters' own errors are about fonts, which it is never asked for.
    let plot = draw(&canvas, (&x, &y), &margins, chart, divisor, &colours).unwrap_or(PlotRect {
        x: margins.left,
        y: margins.top,
        width: width - margins.left - margins.right,
        height: height - margins.top - margins.bottom,
    });
    let svg = canvas.into_inner().finish(&chart.title);
    let axis = |min: f64, max: f64| Axis { min, max, kind: Scale::Linear, linear: 0.0 };
    RenderedHistory { svg, width, height, plot, x: axis(since, until), y: axis(low, high) }
}

fn lay_out(
    x: &mut AxisMap,
    y: &mut AxisMap,
    (width, height): (f64, f64),
    zone: &TimeZone,
    suffix: Option<&str>,
) -> Margins {
    let low = height < LABELLED_HEIGHT;
    let bottom = if low { BARE } else { BOTTOM };
    let mut margins = Margins { left: BARE, right: RIGHT, top: TOP.min(height / 8.0), bottom };
    let wide = |label: &String| text_width(label) * FONT;
    let plot_height = height - margins.top - margins.bottom;
    match suffix {
        None => y.bare_ticks(4),
        Some(suffix) => {
            let most = (plot_height / 24.0).clamp(2.0, 6.0);
            y.choose_ticks(false, |places, labels| {
                labels.len() as f64 <= most
                    && places.windows(2).all(|two| (two[1] - two[0]) * plot_height >= 16.0)
            });
            // Nothing needs no unit.
            y.labels.iter_mut().filter(|label| *label != "0").for_each(|label| label.push_str(suffix));
            let widest = y.labels.iter().map(wide).fold(0.0, f64::max);
            let left = (widest + LABEL_GAP + 2.0).ceil().max(LEFT);
            if width >= LABELLED_WIDTH && left <= width * 0.4 && !low {
                margins.left = left;
            } else {
                y.labels.fill(String::new());
            }
        }
    }
    if low {
        return margins;
    }
    let plot_width = width - margins.left - margins.right;
    let most = (plot_width / 72.0).clamp(2.0, 12.0);
    time::choose_ticks(x, zone, |places, labels| {
        let apart = |i: usize| {
            (places[i] - places[i - 1]) * plot_width >= (wide(&labels[i]) + wide(&labels[i - 1])) / 2.0 + 18.0
        };
        labels.len() as f64 <= most && (1..labels.len()).all(apart)
    });
    // A label whose middle is too near an edge would be cut: its tick stays.
    let places: Vec<f64> = x.ticks.iter().map(|&tick| x.unit(tick) * plot_width).collect();
    for (label, place) in x.labels.iter_mut().zip(places) {
        let half = wide(label) / 2.0;
        if place - half < -margins.left || place + half > plot_width + margins.right {
            label.clear();
        }
    }
    margins
}

fn draw(
    canvas: &std::cell::RefCell<Canvas>,
    (x, y): (&AxisMap, &AxisMap),
    margins: &Margins,
    chart: &HistoryChart<'_>,
    divisor: f64,
    colours: &Colours,
) -> Result<PlotRect, Failed> {
    let context = frame(canvas, (x, y), margins, colours)?;
    let area = context.plotting_area();
    let stroke = units(LINE) as u32;
    for line in &chart.lines {
        let colour = colours.lines[line.colour % PALETTE];
        for run in breaks(line.buckets, line.step) {
            // What lies beyond an end of the axis leads the line to the edge and is cut there.
            let inside = |at: f64| (x.min - line.step as f64..=x.max + line.step as f64).contains(&at);
            let shown: Vec<&Bucket> =
                line.buckets[run].iter().filter(|bucket| inside(line.at(bucket))).collect();
            let edge = |value: fn(&Bucket) -> f64| {
                shown.iter().map(move |bucket| {
                    let at = line.at(bucket).clamp(x.min, x.max);
                    (at, (value(bucket) / divisor).clamp(y.min, y.max))
                })
            };
            if shown.iter().any(|bucket| bucket.min < bucket.max) && shown.len() > 1 {
                let lower: Vec<(f64, f64)> = edge(|bucket| bucket.min).collect();
                let corners: Vec<(f64, f64)> =
                    edge(|bucket| bucket.max).chain(lower.into_iter().rev()).collect();
                area.draw(&Polygon::new(corners, ShapeStyle::from(&colour.mix(BAND)).filled()))?;
            }
        }
    }
    for line in &chart.lines {
        let colour = colours.lines[line.colour % PALETTE];
        for run in breaks(line.buckets, line.step) {
            let mean: Vec<(f64, f64)> =
                line.buckets[run].iter().map(|bucket| (line.at(bucket), bucket.mean / divisor)).collect();
            if let [alone] = mean[..] {
                if (x.min..=x.max).contains(&alone.0) {
                    area.draw(&Circle::new(alone, units(DOT) / 2, ShapeStyle::from(&colour).filled()))?;
                }
                continue;
            }
            for piece in clip(&mean, x, y) {
                area.draw(&PathElement::new(piece, ShapeStyle::from(&colour).stroke_width(stroke)))?;
            }
        }
    }
    Ok(plot_of(&context))
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
