//! A metric of a run above the use of its GPUs, on one axis of time.

use super::super::{PALETTE, Pieces, PlotRect};
use super::axis::{Place, PlotAxis};
use super::rows::{EDGE, GAP, LABELLED, write_empty};
use super::sheet::{Anchor, Ink, Sheet};
use super::value::{Value, ValueKind};
use super::{Page, RenderedPlot, Table};
use crate::history::{Bucket, breaks};
use crate::series::Scale;

/// Opacity of the band from least to greatest.
const BAND: f64 = 0.18;
/// The part of the height that the metric has.
const UPPER: f64 = 0.62;

/// What to draw.
#[derive(Debug, Clone)]
pub struct UsageChart<'a> {
    /// The metric.
    pub key: String,
    /// Its points: UTC milliseconds and values, as lines without a break.
    pub pieces: &'a Pieces,
    /// Index of its colour in the palette.
    pub colour: usize,
    /// How its values map to places.
    pub scale: Scale,
    /// What was used, in percent.
    pub bands: Vec<UsageBand<'a>>,
    /// The ends of the axis of time, UTC milliseconds; those of all that is drawn, if absent.
    pub span: Option<(i64, i64)>,
}

/// What one GPU did.
#[derive(Debug, Clone)]
pub struct UsageBand<'a> {
    /// What it is called.
    pub label: String,
    /// Index of its colour in the palette.
    pub colour: usize,
    /// Sorted.
    pub buckets: &'a [Bucket],
    /// Width of a bucket, milliseconds.
    pub step: i64,
}

/// Points in time as they come, thinned out to what a picture shows: of each of its columns the first, the least, the
/// greatest and the last.
#[derive(Debug, Clone)]
pub struct Thinned {
    from: f64,
    to: f64,
    columns: Vec<Option<[(f64, f64); 4]>>,
    odd: u64,
}

impl Thinned {
    /// For a picture of so many columns over a stretch of time, UTC milliseconds.
    #[must_use]
    pub fn new((from, to): (i64, i64), columns: usize) -> Self {
        let (from, to) = (from as f64, to as f64);
        Self { from, to: to.max(from + 1.0), columns: vec![None; columns.clamp(1, 16_000)], odd: 0 }
    }

    /// Adds a point; one that lies outside is passed over, one that is not finite counted.
    pub fn push(&mut self, at: i64, value: f64) {
        let at = at as f64;
        if !(self.from..=self.to).contains(&at) {
            return;
        }
        if !value.is_finite() {
            self.odd += 1;
            return;
        }
        let place = (at - self.from) / (self.to - self.from) * self.columns.len() as f64;
        let last = self.columns.len() - 1;
        let point = (at, value);
        match &mut self.columns[(place as usize).min(last)] {
            Some([_, least, greatest, end]) => {
                if value < least.1 {
                    *least = point;
                }
                if value > greatest.1 {
                    *greatest = point;
                }
                *end = point;
            }
            empty => *empty = Some([point; 4]),
        }
    }

    /// How many values were NaN or infinite.
    #[must_use]
    pub fn odd(&self) -> u64 {
        self.odd
    }

    /// One line through what is kept, in the order of time.
    #[must_use]
    pub fn finish(self) -> Pieces {
        let mut line: Vec<(f64, f64)> = Vec::new();
        for mut column in self.columns.into_iter().flatten() {
            column.sort_by(|a, b| a.0.total_cmp(&b.0));
            for point in column {
                if line.last() != Some(&point) {
                    line.push(point);
                }
            }
        }
        if line.is_empty() { Pieces::new() } else { vec![line] }
    }
}

/// Draws a metric above what GPUs did meanwhile.
#[must_use]
pub fn render_usage(page: &Page, chart: &UsageChart<'_>) -> RenderedPlot {
    let sheet = Sheet::new(page);
    let font = sheet.font;
    let points = || chart.pieces.iter().flatten().filter(|(at, value)| at.is_finite() && value.is_finite());
    let times = points().map(|(at, _)| *at);
    let used = chart
        .bands
        .iter()
        .flat_map(|band| band.buckets.iter().map(|it| it.start as f64 + band.step as f64 / 2.0));
    let span = chart.span.map(|(from, to)| (from as f64, to as f64)).or_else(|| {
        times.chain(used).fold(None, |span: Option<(f64, f64)>, at| {
            Some(span.map_or((at, at), |(low, high)| (low.min(at), high.max(at))))
        })
    });
    let ends = span.into_iter().flat_map(|(from, to)| [from, to]);
    let mut x = PlotAxis::of_numbers(String::new(), ValueKind::Moment, ends, Scale::Linear, 0.0, false);
    let values = points().map(|(_, value)| *value);
    let key = chart.key.clone();
    let mut y = PlotAxis::of_numbers(key, ValueKind::Plain, values, chart.scale, 0.05, false);
    let mut use_axis = PlotAxis::over("GPU utilisation, %".into(), (0.0, 100.0));

    let low = sheet.height < LABELLED * 2.0;
    let head = if low { EDGE } else { EDGE + font * 1.5 };
    let below = if low { 4.0 } else { font * 1.4 + 4.0 };
    let height = (sheet.height - 2.0 * head - below).max(16.0);
    let (upper, lower) = (height * UPPER, height * (1.0 - UPPER));
    y.choose_down(upper, font, &page.zone);
    use_axis.choose_down(lower, font, &page.zone);
    let widest =
        y.ticks.iter().chain(&use_axis.ticks).map(|(_, label)| sheet.wide(label)).fold(0.0, f64::max);
    let left = if low { EDGE } else { (widest + GAP + EDGE).min(sheet.width * 0.35).max(28.0) };
    let width = (sheet.width - left - EDGE).max(8.0);
    x.choose_across(width, font, &page.zone);
    let plot = PlotRect { x: left, y: head, width, height: upper };
    let under = PlotRect { y: head + upper + head, height: lower, ..plot };
    if x.is_empty() {
        write_empty(&sheet, plot, "Nothing to show");
    } else {
        grid(&sheet, plot, &x, &y, low);
        grid(&sheet, under, &x, &use_axis, low);
        if !low {
            legend(&sheet, chart, under);
            let bottom = under.y + under.height;
            for (part, label) in &x.ticks {
                let half = sheet.wide(label) / 2.0;
                let at = (left + part * width).clamp(half + 1.0, (sheet.width - half - 1.0).max(half + 1.0));
                sheet.label((at, bottom + 3.0 + font * 0.6), label, Anchor::Middle);
            }
        }
        bands(&sheet, chart, under, &x);
        let at = |point: &(f64, f64)| match (part(&x, point.0), y.number(point.1)) {
            (Some(across), Place::At(up)) => {
                Some((plot.x + across * plot.width, plot.y + plot.height * (1.0 - up)))
            }
            _ => None,
        };
        let ink = sheet.run_ink(chart.colour);
        for piece in chart.pieces {
            for part in piece.split(|point| at(point).is_none()).filter(|part| !part.is_empty()) {
                let width = if part.len() == 1 { 5.0 } else { 1.5 };
                sheet.line(part.iter().filter_map(at), ink, width);
            }
        }
    }
    let (width, height) = (sheet.width, sheet.height);
    RenderedPlot {
        roomy: None,
        plot,
        x: x.ends(),
        y: y.ends(),
        marks: Vec::new(),
        table: table(chart),
        notes: Vec::new(),
        svg: sheet.finish(&page.title),
        width,
        height,
    }
}

/// Where a moment is, if that is within the axis.
fn part(x: &PlotAxis, at: f64) -> Option<f64> {
    let ends = x.ends()?;
    let inside = (ends.min..=ends.max).contains(&at);
    match x.number(at) {
        Place::At(part) if inside => Some(part),
        _ => None,
    }
}

fn grid(sheet: &Sheet, plot: PlotRect, x: &PlotAxis, y: &PlotAxis, low: bool) {
    let bottom = plot.y + plot.height;
    for (part, _) in &x.ticks {
        let at = plot.x + part * plot.width;
        sheet.line([(at, plot.y), (at, bottom)], sheet.grid_ink().faint(0.6), 1.0);
    }
    for (part, label) in &y.ticks {
        let at = bottom - part * plot.height;
        sheet.line([(plot.x, at), (plot.x + plot.width, at)], sheet.grid_ink(), 1.0);
        if !low {
            sheet.label((plot.x - GAP, at), &sheet.fitted(label, plot.x - GAP), Anchor::Right);
        }
    }
    if !low {
        let title = sheet.fitted(&y.title, plot.width);
        sheet.label((EDGE, plot.y - sheet.font), &title, Anchor::Left);
    }
}

/// Which GPU has which colour, right of the lower title.
fn legend(sheet: &Sheet, chart: &UsageChart<'_>, under: PlotRect) {
    if chart.bands.len() < 2 {
        return;
    }
    let (mut right, y) = (under.x + under.width, under.y - sheet.font);
    let least = EDGE + sheet.wide("GPU utilisation, %") + 3.0 * GAP;
    for band in chart.bands.iter().rev() {
        let wide = sheet.wide(&band.label);
        if right - wide - 10.0 < least {
            return;
        }
        sheet.label((right, y), &band.label, Anchor::Right);
        sheet.dots([(right - wide - 6.0, y)], sheet.run_ink(band.colour), 5.0);
        right -= wide + 10.0 + 2.0 * GAP;
    }
}

fn bands(sheet: &Sheet, chart: &UsageChart<'_>, plot: PlotRect, x: &PlotAxis) {
    for band in &chart.bands {
        let ink: Ink = sheet.run_ink(band.colour % PALETTE);
        for run in breaks(band.buckets, band.step) {
            let edge = |value: fn(&Bucket) -> f64| -> Vec<(f64, f64)> {
                let at = |bucket: &Bucket| {
                    let middle = bucket.start as f64 + band.step as f64 / 2.0;
                    let across = plot.x + part(x, middle)? * plot.width;
                    Some((across, plot.y + plot.height * (1.0 - value(bucket).clamp(0.0, 100.0) / 100.0)))
                };
                band.buckets[run.clone()].iter().filter_map(at).collect()
            };
            let (least, mean, most) = (edge(|it| it.min), edge(|it| it.mean), edge(|it| it.max));
            if mean.len() > 1 && least != most {
                sheet.fill(most.iter().copied().chain(least.into_iter().rev()), ink.faint(BAND));
            }
            let width = if mean.len() == 1 { 3.0 } else { 1.2 };
            if !mean.is_empty() {
                sheet.line(mean, ink, width);
            }
        }
    }
}

fn table(chart: &UsageChart<'_>) -> Table {
    let header = ["series", "time_ms", "value", "min", "max"].map(str::to_owned).to_vec();
    let name = |text: &str| Value::Text(text.to_owned());
    let metric = chart.pieces.iter().flatten().map(|&(at, value)| {
        vec![name(&chart.key), Value::Number(at), Value::Number(value), Value::Missing, Value::Missing]
    });
    let used = chart.bands.iter().flat_map(|band| {
        band.buckets.iter().map(|bucket| {
            let middle = bucket.start as f64 + band.step as f64 / 2.0;
            let numbers = [middle, bucket.mean, bucket.min, bucket.max].map(Value::Number);
            std::iter::once(name(&band.label)).chain(numbers).collect()
        })
    });
    Table { header, rows: metric.chain(used).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn thinning_keeps_the_extremes_of_each_column(
            values in prop::collection::vec(-1e3..1e3f64, 1..400),
            columns in 1usize..40,
        ) {
            let mut thinned = Thinned::new((0, 400), columns);
            values.iter().zip(0..).for_each(|(&value, at)| thinned.push(at, value));
            let line = thinned.finish().concat();
            prop_assert!(line.len() <= 4 * columns && line.windows(2).all(|two| two[0].0 <= two[1].0));
            let column = |at: f64| (at / 400.0 * columns as f64) as usize;
            for (at, &value) in values.iter().enumerate() {
                let own: Vec<f64> =
                    line.iter().filter(|kept| column(kept.0) == column(at as f64)).map(|kept| kept.1).collect();
                let (low, high) = own.iter().fold((f64::MAX, f64::MIN), |(l, h), &v| (l.min(v), h.max(v)));
                prop_assert!(low <= value && value <= high);
            }
        }
    }

    #[test]
    fn what_is_not_finite_is_counted_and_what_lies_outside_is_not() {
        let mut thinned = Thinned::new((10, 20), 4);
        [(9, 1.0), (12, f64::NAN), (21, 1.0)].into_iter().for_each(|(at, value)| thinned.push(at, value));
        assert_eq!((thinned.odd(), thinned.finish()), (1, Pieces::new()));
    }
}
