//! Histograms over steps: a column for each, the darker where more of its values lie.

use std::cell::RefCell;

use plotters::prelude::{IntoFont, IntoTextStyle};
use plotters::style::RGBColor;
use plotters_backend::DrawingBackend;
use plotters_backend::text_anchor::{HPos, Pos, VPos};

use super::axis::{AxisMap, auto_range};
use super::layout::{Fit, lay_out};
use super::picture::{Failed, XKind, frame, plot_of, units};
use super::svg::{Canvas, FONT, Pen, UNITS};
use super::theme::Colours;
use super::{PlotRect, ReducedSeries, Rendered, Theme};
use crate::runs::media::{Bucket, Histogram};
use crate::series::Scale;

/// Height of a cell, in CSS pixels: small enough for a shape, large enough to keep the picture short.
const CELL: f64 = 3.0;
/// Shades that are told apart.
const SHADES: usize = 12;
/// Opacity of the faintest and of the fullest shade.
const FAINTEST: f64 = 0.07;
const FULLEST: f64 = 0.95;

/// What to draw.
#[derive(Debug, Clone)]
pub struct HeatChart<'a> {
    /// Width in CSS pixels; taken into 40 to 8000.
    pub width: f64,
    /// Height in CSS pixels; taken into 40 to 8000.
    pub height: f64,
    /// Light or dark.
    pub theme: Theme,
    /// What a screen reader says; not drawn.
    pub title: String,
    /// The histograms by finite steps that grow.
    pub columns: Vec<HeatColumn<'a>>,
}

/// A histogram and where it stands.
#[derive(Debug, Clone, Copy)]
pub struct HeatColumn<'a> {
    /// Position on the x axis.
    pub step: f64,
    /// What lies there.
    pub histogram: &'a Histogram,
}

/// Draws histograms over steps; comes with their medians as a line that is not drawn. A cell's shade goes with the root
/// of its share in its column, so that tails are seen beside a peak. Any input has a picture; one without values says so.
#[must_use]
pub fn render_heat(chart: &HeatChart<'_>) -> Rendered {
    let side = |length: f64| if length.is_nan() { 40.0 } else { length.clamp(40.0, 8000.0).round() };
    let (width, height) = (side(chart.width), side(chart.height));
    let edges = edges(&chart.columns);
    let values = chart
        .columns
        .iter()
        .flat_map(|column| column.histogram.buckets.iter().filter_map(span))
        .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    let ends = edges.first().zip(edges.last()).map(|(&first, &last)| (first, last));
    let mut x = AxisMap::new(ends.unwrap_or((0.0, 1.0)), Scale::Linear);
    let range = values.map(|(low, high)| auto_range(low, high, Scale::Linear, 0.0));
    let mut y = AxisMap::new(range.unwrap_or((0.0, 1.0)), Scale::Linear);
    let fit = |known: bool| if known { Fit::Fixed } else { Fit::Nothing };
    let whole = chart.columns.iter().all(|column| column.step.fract() == 0.0);
    let fits = (fit(ends.is_some()), fit(values.is_some()));
    let margins = lay_out(&mut x, &mut y, (width, height), fits, &XKind::Number { whole }, FONT);

    let colours = chart.theme.colours();
    let canvas = Canvas::new((width as u32 * UNITS as u32, height as u32 * UNITS as u32), colours);
    let drawn = || -> Result<PlotRect, Failed> {
        let context = frame(&canvas, (&x, &y), &margins, &colours)?;
        Ok(plot_of(&context))
    };
    // The backend cannot fail, and plotters' own errors are about fonts, which it is never asked for.
    let plot = drawn().unwrap_or(PlotRect {
        x: margins.left,
        y: margins.top,
        width: width - margins.left - margins.right,
        height: height - margins.top - margins.bottom,
    });
    if values.is_none() {
        let what = if chart.columns.is_empty() { "No histograms" } else { "No finite values" };
        write(&canvas, (plot.x + plot.width / 2.0, plot.y + plot.height / 2.0), what, &colours);
    }
    let mut canvas = canvas.into_inner();
    shade(&mut canvas, &chart.columns, &edges, (&x, &y), plot, &colours);
    let medians = chart.columns.iter().filter_map(|column| Some((column.step, column.histogram.median()?)));
    let axis = AxisMap::told;
    let series = ReducedSeries {
        key: chart.title.clone(),
        label: chart.title.clone(),
        colour: 0,
        pieces: vec![medians.collect()],
        raw: Vec::new(),
        past: Vec::new(),
        specials: Vec::new(),
    };
    Rendered {
        svg: canvas.finish(&chart.title),
        width,
        height,
        plot,
        x: axis(&x),
        y: axis(&y),
        series: vec![series],
    }
}

/// A word in the middle of a picture that has nothing else to show.
fn write(canvas: &RefCell<Canvas>, (x, y): (f64, f64), text: &str, colours: &Colours) {
    let font = ("sans-serif", FONT * f64::from(UNITS)).into_font();
    let style = font.color(&colours.tick).with_anchor::<RGBColor>(Pos::new(HPos::Center, VPos::Center));
    // The backend cannot fail: what it answers says nothing.
    let _ = Pen(canvas).draw_text(text, &style.into_text_style(&(0, 0)), (units(x), units(y)));
}

/// Where columns begin and end: in the middle between two, and as far beyond the outermost.
fn edges(columns: &[HeatColumn<'_>]) -> Vec<f64> {
    let steps: Vec<f64> = columns.iter().map(|column| column.step).collect();
    let (Some(&first), Some(&last)) = (steps.first(), steps.last()) else { return Vec::new() };
    let mut edges: Vec<f64> = steps.windows(2).map(|two| two[0] / 2.0 + two[1] / 2.0).collect();
    // Alone, it has what neighbours of the next whole steps would leave it.
    let half = |edge: Option<&f64>, step: f64| edge.map_or(0.5, |edge| (edge - step).abs());
    let (before, after) = (half(edges.first(), first), half(edges.last(), last));
    edges.insert(0, first - before.max(first.abs() * 1e-9));
    edges.push(last + after.max(last.abs() * 1e-9));
    edges
}

/// The values that a bucket with something in it reaches over, as far as they are finite.
fn span(bucket: &Bucket) -> Option<(f64, f64)> {
    let finite = [bucket.from, bucket.to].into_iter().filter(|end| end.is_finite());
    let (low, high) = (finite.clone().reduce(f64::min)?, finite.reduce(f64::max)?);
    (bucket.count > 0.0 && bucket.count.is_finite()).then_some((low, high))
}

fn shade(
    canvas: &mut Canvas,
    columns: &[HeatColumn<'_>],
    edges: &[f64],
    (x, y): (&AxisMap, &AxisMap),
    plot: PlotRect,
    colours: &Colours,
) {
    let rows = (plot.height / CELL).clamp(1.0, 200.0) as usize;
    let shares: Vec<Vec<f64>> =
        columns.iter().map(|column| shares(&column.histogram.buckets, rows, y)).collect();
    let most = shares.iter().flatten().copied().fold(0.0, f64::max);
    if most <= 0.0 {
        return;
    }
    let across = |value: f64| units(plot.x + x.unit(value) * plot.width);
    let down = |row: usize| units(plot.y + plot.height * (1.0 - row as f64 / rows as f64));
    let mut shades: Vec<Vec<[i32; 4]>> = vec![Vec::new(); SHADES];
    for (ends, shares) in edges.windows(2).zip(&shares) {
        let (left, right) = (across(ends[0]), across(ends[1]));
        let levels: Vec<usize> =
            shares.iter().map(|share| ((share / most).sqrt() * SHADES as f64).ceil() as usize).collect();
        let mut row = 0;
        for run in levels.chunk_by(|a, b| a == b) {
            let (bottom, top) = (down(row), down(row + run.len()));
            row += run.len();
            if let Some(shade) = run[0].checked_sub(1).and_then(|level| shades.get_mut(level)) {
                shade.push([left, top, right - left, bottom - top]);
            }
        }
    }
    let RGBColor(r, g, b) = colours.lines[0];
    for (level, cells) in shades.iter().enumerate().filter(|(_, cells)| !cells.is_empty()) {
        let part = (level + 1) as f64 / SHADES as f64;
        canvas.cells((r, g, b), FAINTEST + (FULLEST - FAINTEST) * part, cells);
    }
}

/// What part of a histogram lies in each of so many rows, the lowest first. A bucket counts as evenly filled.
fn shares(buckets: &[Bucket], rows: usize, y: &AxisMap) -> Vec<f64> {
    let mut shares = vec![0.0; rows];
    let mut total = 0.0;
    for bucket in buckets {
        let Some((low, high)) = span(bucket) else { continue };
        total += bucket.count;
        let (low, high) = (y.unit(low) * rows as f64, y.unit(high) * rows as f64);
        let first = low.clamp(0.0, (rows - 1) as f64) as usize;
        let last = (high.ceil() - 1.0).clamp(first as f64, (rows - 1) as f64) as usize;
        for (row, share) in shares.iter_mut().enumerate().take(last + 1).skip(first) {
            let inside = (high.min((row + 1) as f64) - low.max(row as f64)).max(0.0);
            *share += if high > low { bucket.count * inside / (high - low) } else { bucket.count };
        }
    }
    if total > 0.0 {
        shares.iter_mut().for_each(|share| *share /= total);
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(buckets: &[(f64, f64, f64)]) -> Histogram {
        let bucket = |&(from, to, count): &(f64, f64, f64)| Bucket { from, to, count };
        Histogram { buckets: buckets.iter().map(bucket).collect() }
    }

    fn drawn(all: &[(f64, Histogram)]) -> Rendered {
        let columns = all.iter().map(|(step, histogram)| HeatColumn { step: *step, histogram }).collect();
        let theme = Theme::Light;
        render_heat(&HeatChart { width: 300.0, height: 120.0, theme, title: "w & b".into(), columns })
    }

    #[test]
    fn what_lies_in_a_row_is_the_part_of_each_bucket_that_reaches_into_it() {
        let y = AxisMap::new((0.0, 4.0), Scale::Linear);
        let all = histogram(&[(0.0, 2.0, 2.0), (2.0, 2.5, 1.0), (3.5, 3.5, 5.0), (4.0, 9.0, 0.0)]);
        let parts = shares(&all.buckets, 4, &y);
        assert_eq!(parts, [1.0, 1.0, 1.0, 5.0].map(|count| count / 8.0), "a single value has one row");
    }

    #[test]
    fn a_column_reaches_to_the_middle_between_it_and_the_next() {
        let all = [(0.0, histogram(&[])), (10.0, histogram(&[])), (40.0, histogram(&[]))];
        let columns: Vec<_> =
            all.iter().map(|(step, histogram)| HeatColumn { step: *step, histogram }).collect();
        assert_eq!(edges(&columns), [-5.0, 5.0, 25.0, 55.0]);
        assert_eq!(edges(&columns[..1]), [-0.5, 0.5]);
    }

    #[test]
    fn the_picture_has_a_shade_for_each_share_and_the_medians_come_with_it() {
        let all =
            [(0.0, histogram(&[(-1.0, 0.0, 1.0), (0.0, 1.0, 3.0)])), (100.0, histogram(&[(-1.0, 1.0, 4.0)]))];
        let rendered = drawn(&all);
        assert_eq!(rendered.series[0].pieces, [[(0.0, 1.0 / 3.0), (100.0, 0.0)]]);
        assert_eq!((rendered.x.min, rendered.x.max), (-50.0, 150.0));
        assert_eq!((rendered.y.min, rendered.y.max), (-1.0, 1.0));
        assert_eq!(rendered.svg.matches("shape-rendering").count(), 3, "three shades: {}", rendered.svg);
        assert!(!rendered.svg.contains("style="), "{}", rendered.svg);
    }

    #[test]
    fn what_has_no_place_has_a_picture_all_the_same() {
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        let odd = histogram(&[
            (nan, nan, 1.0),
            (-inf, inf, 2.0),
            (0.0, inf, 3.0),
            (0.0, 1.0, nan),
            (1.0, 2.0, -4.0),
        ]);
        for all in [vec![], vec![(5.0, histogram(&[]))], vec![(5.0, odd.clone()), (1e300, odd)]] {
            let rendered = drawn(&all);
            assert!(rendered.svg.ends_with("</svg>") && !rendered.svg.contains("NaN"), "{}", rendered.svg);
        }
    }
}
