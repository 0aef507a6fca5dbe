//! From lines to a picture.

use std::borrow::Cow;

use super::axis::fixed_range;
use super::layout::RIGHT;
use super::picture::{DrawnLine, LinesPicture, PictureAxis, XKind, draw_picture, span, unset, x_range};
use super::svg::FONT;
use super::{Data, Line, LineChart, Pieces, ReducedSeries, Rendered};
use crate::series::{
    Columns, MAX_SEGMENTS, NonFinite, Reduced, Scale, Special, reduce, segments, smooth_into,
};

/// Draws a chart. Any input has a picture: without a point that can be drawn it is an empty grid.
pub fn render_lines(chart: &LineChart<'_>) -> Rendered {
    let side = |length: f64| if length.is_nan() { 40.0 } else { length.clamp(40.0, 8000.0).round() };
    let (width, height) = (side(chart.width), side(chart.height));
    let prepared: Vec<Prepared<'_>> = chart.lines.iter().map(|line| Prepared::of(line, chart)).collect();

    let x_data = span(prepared.iter().filter_map(|line| line.x_span(chart.x.scale)));
    let fixed = chart.x.range.and_then(|range| fixed_range(range, chart.x.scale)).is_some();
    let x_range = x_range(chart.x.range, x_data, chart.x.scale);
    let (from, to) = x_range.unwrap_or(unset(chart.x.scale));
    // The exact width of the data area follows from the labels, those from the range, that from the reduced points.
    // A few columns more than pixels do no harm.
    let columns = Columns::new(from, to, (width - RIGHT - 28.0).max(8.0) as usize, chart.x.scale);
    let series: Vec<ReducedSeries> = chart
        .lines
        .iter()
        .zip(&prepared)
        .map(|(line, points)| points.reduce(line, &columns, chart))
        .collect();

    let drawn: Vec<DrawnLine> = series
        .iter()
        .zip(&chart.lines)
        .map(|(one, line)| DrawnLine {
            colour: one.colour,
            dash: 0,
            pieces: one.pieces.clone(),
            raw: one.raw.clone(),
            past: one.past.clone(),
            band: None,
            specials: one.specials.clone(),
            live: line.live,
        })
        .collect();
    let picture = LinesPicture {
        width,
        height,
        theme: chart.theme,
        title: chart.title.clone(),
        x: PictureAxis { scale: chart.x.scale, range: x_range, fixed, linear: 0.0 },
        y: PictureAxis { scale: chart.y.scale, range: chart.y.range, fixed: true, linear: 0.0 },
        x_kind: XKind::Number { whole: prepared.iter().all(Prepared::whole_steps) },
        outliers: true,
        lines: &drawn,
        font: FONT,
        screen: None,
    };
    Rendered { series, ..draw_picture(&picture) }
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

#[cfg(test)]
#[path = "lines_tests.rs"]
mod tests;
