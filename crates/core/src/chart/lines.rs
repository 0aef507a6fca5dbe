//! From lines to a picture.

use std::borrow::Cow;
use std::cell::RefCell;

use plotters::prelude::*;

use super::axis::{AxisMap, auto_range, fixed_range};
use super::clip::{clip, inside};
use super::layout::{Fit, LABEL_GAP, Margins, RIGHT, lay_out};
use super::svg::{Canvas, FONT, Pen, UNITS};
use super::theme::Colours;
use super::{Data, Line, LineChart, Pieces, PlotRect, ReducedSeries, Rendered, Theme};
use crate::series::{
    Columns, MAX_SEGMENTS, NonFinite, Reduced, Scale, Special, reduce, segments, smooth_into,
};

/// Sizes in CSS pixels.
pub(super) const LINE: f64 = 1.5;
const FAINT_LINE: f64 = 1.0;
pub(super) const DOT: f64 = 2.6;
/// Opacity of a raw line behind a smoothed one, and of what a restart ran again.
const RAW: f64 = 0.22;
const PAST: f64 = 0.35;
/// Least distance between two markers of one line.
const MARKER_GAP: f64 = 7.0;

/// Draws a chart. Any input has a picture: without a point that can be drawn it is an empty grid.
pub fn render_lines(chart: &LineChart<'_>) -> Rendered {
    let side = |length: f64| if length.is_nan() { 40.0 } else { length.clamp(40.0, 8000.0).round() };
    let (width, height) = (side(chart.width), side(chart.height));
    let prepared: Vec<Prepared<'_>> = chart.lines.iter().map(|line| Prepared::of(line, chart)).collect();

    let x_data = span(prepared.iter().filter_map(|line| line.x_span(chart.x.scale)));
    let x_range = chart.x.range.and_then(|range| fixed_range(range, chart.x.scale)).or_else(|| {
        let (min, max) = x_data?;
        Some(if min < max { auto_range(min, max, chart.x.scale, 0.0) } else { around(min, chart.x.scale) })
    });
    let unset = |scale| if scale == Scale::Log { (1.0, 10.0) } else { (0.0, 1.0) };
    let mut x = AxisMap::new(x_range.unwrap_or(unset(chart.x.scale)), chart.x.scale);

    // The exact width of the data area follows from the labels, those from the range, that from the reduced points.
    // A few columns more than pixels do no harm.
    let columns = Columns::new(x.min, x.max, (width - RIGHT - 28.0).max(8.0) as usize, x.scale);
    let series: Vec<ReducedSeries> = chart
        .lines
        .iter()
        .zip(&prepared)
        .map(|(line, points)| points.reduce(line, &columns, chart))
        .collect();

    let visible = |&&(at, _): &&(f64, f64)| at >= x.min && at <= x.max;
    let values = series.iter().flat_map(|one| {
        // The raw line has all extremes, and smoothed values lie between them.
        let main = if one.raw.is_empty() { &one.pieces } else { &one.raw };
        main.iter().chain(&one.past).flatten().filter(visible).map(|&(_, value)| (value, value))
    });
    let y_range = chart.y.range.and_then(|range| fixed_range(range, chart.y.scale)).or_else(|| {
        let (min, max) = span(values)?;
        Some(auto_range(min, max, chart.y.scale, 0.04))
    });
    let mut y = AxisMap::new(y_range.unwrap_or(unset(chart.y.scale)), chart.y.scale);

    let whole = prepared.iter().all(Prepared::whole_steps);
    let fit = |wanted: Option<(f64, f64)>, range: Option<(f64, f64)>| match (wanted, range) {
        (_, None) => Fit::Nothing,
        (Some(wanted), Some(range)) if wanted == range => Fit::Fixed,
        _ => Fit::Data,
    };
    let fits = (fit(chart.x.range, x_range), fit(chart.y.range, y_range));
    let margins = lay_out(&mut x, &mut y, (width, height), fits, whole);
    let colours = chart.theme.colours();
    let size = (width as u32 * UNITS as u32, height as u32 * UNITS as u32);
    let canvas = Canvas::new(size, colours);
    let live: Vec<bool> = chart.lines.iter().map(|line| line.live).collect();
    // The backend cannot fail, and plotters' own errors are about fonts, which it is never asked for.
    let plot = draw(&canvas, &x, &y, &margins, &series, &live, chart.theme).unwrap_or(PlotRect {
        x: margins.left,
        y: margins.top,
        width: width - margins.left - margins.right,
        height: height - margins.top - margins.bottom,
    });
    let (x, y) = (x.told(), y.told());
    Rendered { svg: canvas.into_inner().finish(&chart.title), width, height, plot, x, y, series }
}

/// A single position gets some room on both sides.
fn around(at: f64, scale: Scale) -> (f64, f64) {
    let by_size = auto_range(at, at, scale, 0.0);
    let apart = scale == Scale::Linear && at.abs() < 1e6;
    if apart { (at - 0.5, at + 0.5) } else { by_size }
}

/// The smallest start and largest end.
fn span(spans: impl Iterator<Item = (f64, f64)>) -> Option<(f64, f64)> {
    spans.reduce(|(low, high), (min, max)| (low.min(min), high.max(max)))
}

/// A line with what it needs for being reduced.
struct Prepared<'a> {
    data: Data<'a>,
    steps: Cow<'a, [f64]>,
    values: Cow<'a, [f64]>,
    /// Empty without smoothing.
    smoothed: Vec<f64>,
    segments: Vec<crate::series::Segment>,
}

impl<'a> Prepared<'a> {
    fn of(line: &Line<'a>, chart: &LineChart<'_>) -> Self {
        let (steps, values) = match line.data {
            Data::Points { steps, values } => (steps, values),
            Data::Reduced(_) => (&[][..], &[][..]),
        };
        let n = steps.len().min(values.len());
        let (mut steps, mut values) = (Cow::Borrowed(&steps[..n]), Cow::Borrowed(&values[..n]));
        if !steps.iter().all(|step| step.is_finite()) {
            let kept = |(step, value): (&f64, &f64)| step.is_finite().then_some((*step, *value));
            let (s, v): (Vec<f64>, Vec<f64>) = steps.iter().zip(values.iter()).filter_map(kept).unzip();
            (steps, values) = (Cow::Owned(s), Cow::Owned(v));
        }
        let mut parts = segments(&steps);
        if parts.len() > MAX_SEGMENTS {
            let mut order: Vec<usize> = (0..steps.len()).collect();
            order.sort_by(|&a, &b| steps[a].total_cmp(&steps[b]));
            let sorted =
                (order.iter().map(|&i| steps[i]).collect(), order.iter().map(|&i| values[i]).collect());
            (steps, values) = (Cow::Owned(sorted.0), Cow::Owned(sorted.1));
            parts = segments(&steps);
        }
        let mut smoothed = Vec::new();
        if chart.smoothing > 0.0 {
            smoothed.reserve(steps.len());
            for part in &parts {
                smooth_into(&values[part.range.clone()], chart.smoothing, &mut smoothed);
            }
        }
        if chart.y.scale == Scale::Log {
            // No place on a log axis: marked at the bottom, like negative infinity.
            let place = |value: &f64| if *value <= 0.0 { f64::NEG_INFINITY } else { *value };
            values = Cow::Owned(values.iter().map(place).collect());
            smoothed = smoothed.iter().map(place).collect();
        }
        Self { data: line.data, steps, values, smoothed, segments: parts }
    }

    fn x_span(&self, scale: Scale) -> Option<(f64, f64)> {
        let placed = |step: &f64| scale.places(*step);
        if let Data::Reduced(reduced) = self.data {
            let finite = reduced.pieces.iter().flatten().map(|&(step, _)| step);
            let special = reduced.specials.iter().map(|special| special.step);
            return span(finite.chain(special).filter(|s| s.is_finite()).filter(placed).map(|s| (s, s)));
        }
        // Each segment is sorted.
        span(self.segments.iter().filter_map(|part| {
            let own = &self.steps[part.range.clone()];
            let first = if scale == Scale::Log { own.partition_point(|step| *step <= 0.0) } else { 0 };
            Some((*own.get(first)?, *own.last()?))
        }))
    }

    fn whole_steps(&self) -> bool {
        let whole = |step: f64| step.trunc() == step;
        match self.data {
            Data::Reduced(reduced) => reduced.pieces.iter().flatten().all(|&(step, _)| whole(step)),
            Data::Points { .. } => self.steps.iter().all(|&step| whole(step)),
        }
    }

    fn reduce(&self, line: &Line<'_>, columns: &Columns, chart: &LineChart<'_>) -> ReducedSeries {
        let mut series = ReducedSeries {
            key: line.key.clone(),
            label: line.label.clone(),
            colour: line.colour % super::PALETTE,
            pieces: Pieces::new(),
            raw: Pieces::new(),
            past: Pieces::new(),
            specials: Vec::new(),
        };
        if let Data::Reduced(reduced) = self.data {
            (series.pieces, series.specials) = placed(reduced, chart.y.scale);
            return series;
        }
        for part in &self.segments {
            let of = |range: std::ops::Range<usize>, values: &[f64]| {
                reduce(&self.steps[range.clone()], &values[range], columns)
            };
            let live = of(part.live.clone(), &self.values);
            series.specials.extend(live.specials);
            if self.smoothed.is_empty() {
                series.pieces.extend(live.pieces);
            } else {
                series.raw.extend(live.pieces);
                series.pieces.extend(of(part.live.clone(), &self.smoothed).pieces);
            }
            // From the last point that counts, so that the old line visibly goes on from there.
            let from = part.live.end.saturating_sub(1).max(part.range.start);
            if part.live.end < part.range.end {
                series.past.extend(of(from..part.range.end, &self.values).pieces);
            }
        }
        series
    }
}

/// Pieces and specials of points that came reduced, with what has no place on a log axis taken out.
fn placed(reduced: &Reduced, scale: Scale) -> (Pieces, Vec<Special>) {
    let mut specials = reduced.specials.clone();
    if scale != Scale::Log {
        return (reduced.pieces.clone(), specials);
    }
    let mut pieces = Pieces::new();
    for piece in &reduced.pieces {
        let missing = piece.iter().filter(|point| point.1 <= 0.0);
        specials.extend(missing.map(|&(step, _)| Special { step, kind: NonFinite::NegInf }));
        let kept = piece.split(|point| point.1 <= 0.0).filter(|run| !run.is_empty());
        pieces.extend(kept.map(<[_]>::to_vec));
    }
    (pieces, specials)
}

pub(super) type Chart<'a, 'b> = ChartContext<'a, Pen<'b>, Cartesian2d<AxisMap, AxisMap>>;
pub(super) type Failed = DrawingAreaErrorKind<std::convert::Infallible>;

pub(super) fn units(pixels: f64) -> i32 {
    (pixels * f64::from(UNITS)).round() as i32
}

fn draw(
    canvas: &RefCell<Canvas>,
    x: &AxisMap,
    y: &AxisMap,
    margins: &Margins,
    series: &[ReducedSeries],
    live: &[bool],
    theme: Theme,
) -> Result<PlotRect, Failed> {
    let colours = theme.colours();
    let chart = frame(canvas, (x, y), margins, &colours)?;
    draw_series(&chart, x, y, series, live, &colours)?;
    Ok(plot_of(&chart))
}

/// The grid and the labels of a chart.
pub(super) fn frame<'a, 'b>(
    canvas: &'b RefCell<Canvas>,
    (x, y): (&AxisMap, &AxisMap),
    margins: &Margins,
    colours: &Colours,
) -> Result<Chart<'a, 'b>, Failed> {
    let root = Pen(canvas).into_drawing_area();
    let mut chart: Chart<'_, '_> = ChartBuilder::on(&root)
        .margin_top(units(margins.top))
        .margin_right(units(margins.right))
        .x_label_area_size(units(margins.bottom))
        .y_label_area_size(units(margins.left))
        .build_cartesian_2d(x.clone(), y.clone())?;
    let font = ("sans-serif", FONT * f64::from(UNITS)).into_font().color(&colours.tick);
    chart
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(ShapeStyle::from(&colours.grid).stroke_width(units(1.0) as u32))
        .axis_style(TRANSPARENT)
        .label_style(font)
        .set_tick_mark_size(LabelAreaPosition::Left, units(LABEL_GAP / 2.0))
        .set_tick_mark_size(LabelAreaPosition::Bottom, units(LABEL_GAP / 2.0))
        .draw()?;
    Ok(chart)
}

/// Where the data of a chart are, in CSS pixels.
pub(super) fn plot_of(chart: &Chart<'_, '_>) -> PlotRect {
    let (across, down) =
        (chart.plotting_area().get_x_axis_pixel_range(), chart.plotting_area().get_y_axis_pixel_range());
    let pixels = |canvas: i32| f64::from(canvas) / f64::from(UNITS);
    PlotRect {
        x: pixels(across.start),
        y: pixels(down.start),
        width: pixels(across.end - across.start),
        height: pixels(down.end - down.start),
    }
}

fn draw_series(
    chart: &Chart<'_, '_>,
    x: &AxisMap,
    y: &AxisMap,
    series: &[ReducedSeries],
    live: &[bool],
    colours: &Colours,
) -> Result<(), Failed> {
    let area = chart.plotting_area();
    let lines = |pieces: &Pieces, style: ShapeStyle| {
        pieces
            .iter()
            .flat_map(|piece| clip(piece, x, y))
            .try_for_each(|piece| area.draw(&PathElement::new(piece, style)))
    };
    let stroke = |colour: RGBColor, alpha: f64, width: f64| {
        ShapeStyle::from(&colour.mix(alpha)).stroke_width(units(width) as u32)
    };
    for one in series {
        let colour = colours.lines[one.colour];
        lines(&one.past, stroke(colour, PAST, FAINT_LINE))?;
        lines(&one.raw, stroke(colour, RAW, FAINT_LINE))?;
    }
    for one in series {
        lines(&one.pieces, stroke(colours.lines[one.colour], 1.0, LINE))?;
    }
    for (one, &live) in series.iter().zip(live) {
        let colour = colours.lines[one.colour];
        let alone = one.pieces.iter().map(Vec::len).sum::<usize>() == 1;
        let end = one.pieces.last().and_then(|piece| piece.last());
        if let Some(&end) = end
            && (live || alone)
            && inside((x.unit(end.0), y.unit(end.1)))
        {
            area.draw(&Circle::new(end, units(DOT), ShapeStyle::from(&colour).filled()))?;
        }
    }
    for one in series {
        let style = stroke(colours.lines[one.colour], 1.0, FAINT_LINE);
        let width = f64::from(area.dim_in_pixel().0);
        for kind in [NonFinite::Nan, NonFinite::PosInf, NonFinite::NegInf] {
            let mut last = f64::NEG_INFINITY;
            for special in one.specials.iter().filter(|special| special.kind == kind) {
                let place = x.unit(special.step) * width;
                if (place - last).abs() < MARKER_GAP * f64::from(UNITS)
                    || !inside((x.unit(special.step), 0.0))
                {
                    continue;
                }
                last = place;
                // Half the width and the height of the triangle; its base is away from where it points.
                let (w, h, edge) = (25, 40, 10);
                let (at, base, tip) = match kind {
                    NonFinite::Nan => (y.max, edge, edge + h),
                    NonFinite::PosInf => (y.max, edge + h, edge),
                    NonFinite::NegInf => (y.min, -edge - h, -edge),
                };
                let corners = vec![(-w, base), (w, base), (0, tip), (-w, base)];
                area.draw(&(EmptyElement::at((special.step, at)) + PathElement::new(corners, style)))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "lines_tests.rs"]
mod tests;
