//! Which ticks, and how much room their labels get.

use super::axis::AxisMap;
use super::picture::XKind;
use super::svg::{FONT, text_width};
use super::time;
use crate::series::Scale;

/// Distances in CSS pixels; the top is half a label and room for markers.
pub(super) const TOP: f64 = 8.0;
pub(super) const RIGHT: f64 = 6.0;
pub(super) const BOTTOM: f64 = 18.0;
/// The usual left margin: charts beside each other line up as long as their labels are short.
pub(super) const LEFT: f64 = 28.0;
/// Where a margin has no labels.
pub(super) const BARE: f64 = 4.0;
/// Between the data area and its labels.
pub(super) const LABEL_GAP: f64 = 5.0;
/// A picture narrower or lower than this has no labels on that axis: it is a sparkline.
pub(super) const LABELLED_WIDTH: f64 = 80.0;
pub(super) const LABELLED_HEIGHT: f64 = 56.0;
/// Data that end this part of the axis short of a tick get an axis that ends on it.
const NEARLY: f64 = 0.02;

/// Where the range of an axis is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// There is none; the axis has nothing to say.
    Nothing,
    /// The data.
    Data,
    /// The caller.
    Fixed,
}

/// Distances of the data area from the edges of the picture, in CSS pixels.
pub(super) struct Margins {
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
}

/// Chooses the ticks of both axes and makes room for their labels, which neither overlap nor leave the picture.
/// Distances that hang on the size of labels grow with `font`, in CSS pixels.
pub(super) fn lay_out(
    x: &mut AxisMap,
    y: &mut AxisMap,
    (width, height): (f64, f64),
    fits: (Fit, Fit),
    kind: &XKind,
    font: f64,
) -> Margins {
    let grown = font / FONT;
    let label_width = |label: &String| text_width(label) * font;
    let low = height < LABELLED_HEIGHT;
    let bottom = if low { BARE } else { BOTTOM * grown };
    let mut margins =
        Margins { left: BARE, right: RIGHT, top: (TOP * grown.max(1.0)).min(height / 8.0), bottom };
    if width >= LABELLED_WIDTH {
        margins.left = LEFT;
    }
    let plot_height = height - margins.top - margins.bottom;
    if fits.1 == Fit::Nothing {
        y.bare_ticks(4);
    } else {
        let most = (plot_height / (24.0 * grown)).clamp(2.0, 6.0);
        y.choose_ticks(false, |places, labels| {
            labels.len() as f64 <= most
                && places.windows(2).all(|two| (two[1] - two[0]) * plot_height >= 16.0 * grown)
        });
        let widest = y.labels.iter().map(label_width).fold(0.0, f64::max);
        let left = (widest + LABEL_GAP + 2.0).ceil().max(LEFT);
        if width >= LABELLED_WIDTH && left <= width * 0.4 && !low {
            margins.left = left;
        } else {
            y.labels.fill(String::new());
        }
    }
    if fits.0 == Fit::Nothing || low {
        return margins;
    }
    let plot_width = width - margins.left - margins.right;
    choose_x(x, plot_width, kind, font);
    if fits.0 == Fit::Data && x.scale == Scale::Linear {
        end_on_tick(x, plot_width, kind, font);
    }
    // A label in the middle of its tick may reach beyond the data area.
    if let (Some(&first), Some(&last)) = (x.ticks.first(), x.ticks.last()) {
        let half = |label: Option<&String>| label.map_or(0.0, label_width) / 2.0 + 1.0;
        let right = half(x.labels.last()) - (1.0 - x.unit(last)) * plot_width;
        let left = half(x.labels.first()) - x.unit(first) * plot_width;
        margins.right = margins.right.max(right.ceil());
        margins.left = margins.left.max(left.ceil());
        if margins.left + margins.right > width * 0.6 {
            (margins.right, x.ticks, x.labels) = (RIGHT, Vec::new(), Vec::new());
        }
    }
    margins
}

fn choose_x(x: &mut AxisMap, plot_width: f64, kind: &XKind, font: f64) {
    let most = (plot_width / (64.0 * font / FONT)).clamp(2.0, 10.0);
    let wide = |label: &String| text_width(label) * font;
    let fits = |places: &[f64], labels: &[String]| {
        let apart = |i: usize| {
            let room = (places[i] - places[i - 1]) * plot_width;
            room >= (wide(&labels[i]) + wide(&labels[i - 1])) / 2.0 + 16.0
        };
        labels.len() as f64 <= most && (1..labels.len()).all(apart)
    };
    match kind {
        XKind::Number { whole } => x.choose_ticks(*whole, fits),
        XKind::Duration if x.scale == Scale::Linear => time::choose_durations(x, fits),
        XKind::Duration => x.choose_ticks(false, fits),
        XKind::Moment(zone) => time::choose_seconds(x, zone, fits),
    }
}

/// A run of 60,000 steps that logs every 30 has its last point at 59,970.
fn end_on_tick(x: &mut AxisMap, plot_width: f64, kind: &XKind, font: f64) {
    let XKind::Number { .. } = kind else { return };
    let [.., before, last] = x.ticks[..] else { return };
    let next = last + (last - before);
    if next > x.max && next - x.max <= NEARLY * (x.max - x.min) {
        let mut longer = x.clone();
        longer.max = next;
        choose_x(&mut longer, plot_width, kind, font);
        if longer.ticks.len() == x.ticks.len() + 1 {
            *x = longer;
        }
    }
}
