//! Lines that are ready to be drawn, and their picture.

use std::cell::RefCell;

use jiff::tz::TimeZone;
use plotters::prelude::*;

use super::axis::{AxisMap, auto_range, fixed_range};
use super::clip::{clip, inside};
use super::columns::{Bar, Grid, Screen};
use super::layout::{Fit, LABEL_GAP, Margins, lay_out};
use super::svg::{Canvas, FONT, Pen, UNITS, is_dash};
use super::theme::Colours;
use super::{PALETTE, Pieces, PlotRect, Rendered, Theme};
use crate::series::{NonFinite, Scale, Special};
use crate::stats::quantile;

/// Sizes in CSS pixels.
pub(super) const LINE: f64 = 1.5;
const FAINT_LINE: f64 = 1.0;
pub(super) const DOT: f64 = 2.6;
/// Opacity of a raw line behind a smoothed one, and of what a restart ran again.
const RAW: f64 = 0.22;
const PAST: f64 = 0.35;
/// Least distance between two markers of one line.
const MARKER_GAP: f64 = 7.0;
/// Opacity of the band of a group.
const BAND: f64 = 0.16;
/// Without outliers the y axis shows the values between these quantiles of what is drawn, and half as much again beyond
/// them on each side.
const SHOWN: (f64, f64) = (0.02, 0.98);
const BEYOND: f64 = 0.5;
/// Fewer values than this have no outliers.
const ENOUGH: usize = 20;

/// What the x axis counts.
#[derive(Debug, Clone, PartialEq)]
pub enum XKind {
    /// Numbers; whole ones have no ticks between them.
    Number {
        /// They are whole.
        whole: bool,
    },
    /// Seconds since a start.
    Duration,
    /// Seconds since the Unix epoch, shown in a zone.
    Moment(TimeZone),
}

/// An axis that is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct PictureAxis {
    /// How values map to places.
    pub scale: Scale,
    /// Its ends; those of what is drawn if absent, or if no axis has such ends.
    pub range: Option<(f64, f64)>,
    /// The range is what the user asked for: it stays as it is.
    pub fixed: bool,
    /// Up to which size a symlog axis is linear; what suits its range if 0.
    pub linear: f64,
}

/// A line that is ready to be drawn.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DrawnLine {
    /// Index into the palette; wraps around.
    pub colour: usize,
    /// 0 solid, 1 dashed, 2 dotted, 3 dashes and dots; wraps around.
    pub dash: usize,
    /// The line. Two points of one x that follow each other are a bar: all that lies in a pixel column.
    pub pieces: Pieces,
    /// The raw line behind it.
    pub raw: Pieces,
    /// What restarts ran again.
    pub past: Pieces,
    /// The upper and the lower edge of the band around it; as many pieces with as many points each, of the same x.
    pub band: Option<(Pieces, Pieces)>,
    /// Points with no place on the y axis, marked at its edges.
    pub specials: Vec<Special>,
    /// A dot marks the end.
    pub live: bool,
}

/// Stands on a log axis for the end of a bar that has no place there: below the lowest tick of all.
const BELOW: f64 = f64::MIN_POSITIVE;

impl DrawnLine {
    /// Takes out what has no place on a log axis and marks it at the bottom, as what is infinitely small is. A bar that
    /// reaches there stands on the bottom.
    #[must_use]
    pub fn on_log(mut self) -> Self {
        let mut specials = std::mem::take(&mut self.specials);
        let mut mark = |step: f64| specials.push(Special { step, kind: NonFinite::NegInf });
        let placed = |pieces: &Pieces, mark: &mut dyn FnMut(f64)| {
            let mut done = Pieces::new();
            for piece in pieces {
                let mut open = Vec::with_capacity(piece.len());
                for (i, &(x, y)) in piece.iter().enumerate() {
                    if y > 0.0 {
                        open.push((x, y));
                        continue;
                    }
                    mark(x);
                    let beside = [i.wrapping_sub(1), i + 1].map(|other| piece.get(other));
                    if beside.iter().flatten().any(|other| other.0.to_bits() == x.to_bits() && other.1 > 0.0)
                    {
                        open.push((x, BELOW));
                    } else if !open.is_empty() {
                        done.push(std::mem::take(&mut open));
                    }
                }
                if !open.is_empty() {
                    done.push(open);
                }
            }
            done
        };
        self.pieces = placed(&self.pieces, &mut mark);
        let mut none = |_| {};
        self.raw = placed(&self.raw, &mut none);
        self.past = placed(&self.past, &mut none);
        self.specials = specials;
        self
    }
}

/// How many dashes there are.
pub const DASHES: usize = 4;

/// What to draw.
#[derive(Debug, Clone, PartialEq)]
pub struct LinesPicture<'a> {
    /// Width in CSS pixels; taken into 40 to 8000.
    pub width: f64,
    /// Height in CSS pixels; taken into 40 to 8000.
    pub height: f64,
    /// Light or dark.
    pub theme: Theme,
    /// What a screen reader says; not drawn.
    pub title: String,
    /// The horizontal axis.
    pub x: PictureAxis,
    /// The vertical axis.
    pub y: PictureAxis,
    /// What stands on the horizontal one.
    pub x_kind: XKind,
    /// The y axis reaches over all that is drawn; else from the 2 % to the 98 % quantile of it, and half as far again on
    /// both sides, if that is less.
    pub outliers: bool,
    /// The lines; later ones are drawn over earlier ones.
    pub lines: &'a [DrawnLine],
    /// Size of labels in CSS pixels.
    pub font: f64,
    /// The screen in whose columns dense lines are drawn, which is quick to show. Without, the picture is for any size, and
    /// lines are lines.
    pub screen: Option<Screen>,
}

/// The size that labels have where nobody asks for another.
pub const LABELS: f64 = FONT;

/// The ends of an x axis: those that are asked for, if an axis can have them, else around what is to be seen.
#[must_use]
pub fn x_range(asked: Option<(f64, f64)>, seen: Option<(f64, f64)>, scale: Scale) -> Option<(f64, f64)> {
    asked.and_then(|range| fixed_range(range, scale)).or_else(|| {
        let (min, max) = seen.filter(|(_, max)| scale.places(*max))?;
        // On a log axis the first step, which is often 0, has no place: the next is 1, or else there are four decades.
        let min = if scale.places(min) {
            min
        } else if max > 1.0 {
            0.999
        } else {
            max * 1e-4
        };
        Some(if min < max { auto_range(min, max, scale, 0.0) } else { around(min, scale) })
    })
}

/// A single position gets some room on both sides.
fn around(at: f64, scale: Scale) -> (f64, f64) {
    let by_size = auto_range(at, at, scale, 0.0);
    let apart = scale != Scale::Log && at.abs() < 1e6;
    if apart { (at - 0.5, at + 0.5) } else { by_size }
}

/// The smallest start and largest end.
pub(super) fn span(spans: impl Iterator<Item = (f64, f64)>) -> Option<(f64, f64)> {
    spans.reduce(|(low, high), (min, max)| (low.min(min), high.max(max)))
}

/// Of an axis that has nothing to say.
pub(super) fn unset(scale: Scale) -> (f64, f64) {
    if scale == Scale::Log { (1.0, 10.0) } else { (0.0, 1.0) }
}

/// Draws lines. Any input has a picture: without a point that can be drawn it is an empty grid. Its series are not told.
#[must_use]
pub fn draw_picture(picture: &LinesPicture<'_>) -> Rendered {
    let side = |length: f64| if length.is_nan() { 40.0 } else { length.clamp(40.0, 8000.0).round() };
    let (width, height) = (side(picture.width), side(picture.height));
    let x_fixed = picture.x.range.and_then(|range| fixed_range(range, picture.x.scale));
    let mut x =
        AxisMap::new(x_fixed.unwrap_or(unset(picture.x.scale)), picture.x.scale).linear_to(picture.x.linear);
    let y_range = picture.y.range.and_then(|range| fixed_range(range, picture.y.scale));
    let y_found = y_range.or_else(|| y_range_of(picture, &x));
    let mut y =
        AxisMap::new(y_found.unwrap_or(unset(picture.y.scale)), picture.y.scale).linear_to(picture.y.linear);
    let fit = |range: Option<(f64, f64)>, fixed: bool| match range {
        None => Fit::Nothing,
        Some(_) if fixed => Fit::Fixed,
        Some(_) => Fit::Data,
    };
    let fits = (fit(x_fixed, picture.x.fixed), fit(y_found, y_range.is_some()));
    let margins = lay_out(&mut x, &mut y, (width, height), fits, &picture.x_kind, picture.font);
    let colours = picture.theme.colours();
    let size = (width as u32 * UNITS as u32, height as u32 * UNITS as u32);
    let canvas = Canvas::new(size, colours);
    let drawn = || -> Result<PlotRect, Failed> {
        let chart = frame_with(&canvas, (&x, &y), &margins, &colours, picture.font)?;
        draw_lines(&canvas, &chart, (&x, &y), (picture.lines, picture.screen), &colours)?;
        Ok(plot_of(&chart))
    };
    // The backend cannot fail, and plotters' own errors are about fonts, which it is never asked for.
    let plot = drawn().unwrap_or(PlotRect {
        x: margins.left,
        y: margins.top,
        width: width - margins.left - margins.right,
        height: height - margins.top - margins.bottom,
    });
    let svg = canvas.into_inner().finish(&picture.title);
    Rendered { svg, width, height, plot, x: x.told(), y: y.told(), series: Vec::new() }
}

/// The range of what is drawn and in sight.
fn y_range_of(picture: &LinesPicture<'_>, x: &AxisMap) -> Option<(f64, f64)> {
    let scale = picture.y.scale;
    let seen = |&&(at, value): &&(f64, f64)| {
        at >= x.min && at <= x.max && value.is_finite() && scale.places(value) && value != BELOW
    };
    let all = || {
        picture.lines.iter().flat_map(move |line| {
            // The raw line has all extremes, and smoothed values lie between them.
            let main = if line.raw.is_empty() { &line.pieces } else { &line.raw };
            let band = line.band.iter().flat_map(|(upper, lower)| upper.iter().chain(lower));
            main.iter().chain(&line.past).chain(band).flatten().filter(seen).map(|&(_, value)| value)
        })
    };
    let (mut min, mut max) = span(all().map(|value| (value, value)))?;
    if !picture.outliers {
        let mut values: Vec<f64> = all().collect();
        values.sort_unstable_by(f64::total_cmp);
        let ends = quantile(&values, SHOWN.0).zip(quantile(&values, SHOWN.1));
        if let Some((low, high)) = ends.filter(|(low, high)| values.len() >= ENOUGH && low < high) {
            let map = AxisMap::new((low, high), scale).linear_to(picture.y.linear);
            min = min.max(map.value(-BEYOND));
            max = max.min(map.value(1.0 + BEYOND));
        }
    }
    Some(auto_range(min, max, scale, 0.04))
}

pub(super) type Chart<'a, 'b> = ChartContext<'a, Pen<'b>, Cartesian2d<AxisMap, AxisMap>>;
pub(super) type Failed = DrawingAreaErrorKind<std::convert::Infallible>;

pub(super) fn units(pixels: f64) -> i32 {
    (pixels * f64::from(UNITS)).round() as i32
}

/// The grid and the labels of a chart.
pub(super) fn frame<'a, 'b>(
    canvas: &'b RefCell<Canvas>,
    axes: (&AxisMap, &AxisMap),
    margins: &Margins,
    colours: &Colours,
) -> Result<Chart<'a, 'b>, Failed> {
    frame_with(canvas, axes, margins, colours, FONT)
}

fn frame_with<'a, 'b>(
    canvas: &'b RefCell<Canvas>,
    (x, y): (&AxisMap, &AxisMap),
    margins: &Margins,
    colours: &Colours,
    font: f64,
) -> Result<Chart<'a, 'b>, Failed> {
    let root = Pen(canvas).into_drawing_area();
    let mut chart: Chart<'_, '_> = ChartBuilder::on(&root)
        .margin_top(units(margins.top))
        .margin_right(units(margins.right))
        .x_label_area_size(units(margins.bottom))
        .y_label_area_size(units(margins.left))
        .build_cartesian_2d(x.clone(), y.clone())?;
    let font = ("sans-serif", font * f64::from(UNITS)).into_font().color(&colours.tick);
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

fn draw_lines(
    canvas: &RefCell<Canvas>,
    chart: &Chart<'_, '_>,
    (x, y): (&AxisMap, &AxisMap),
    (lines, screen): (&[DrawnLine], Option<Screen>),
    colours: &Colours,
) -> Result<(), Failed> {
    let area = chart.plotting_area();
    let clipped = |pieces: &Pieces| pieces.iter().flat_map(|piece| clip(piece, x, y)).collect::<Pieces>();
    let trace = |pieces: Pieces, style: ShapeStyle| {
        pieces.into_iter().try_for_each(|piece| area.draw(&PathElement::new(piece, style)))
    };
    // What a dense line covers of its columns.
    let columns = |seen: &Pieces, width: u32| -> Option<(Vec<Bar>, Grid)> {
        let Screen { ratio, alike } = screen.filter(|_| is_dense(seen, area.dim_in_pixel().0))?;
        let grid = Grid { pixel: f64::from(UNITS) / ratio.clamp(0.5, 4.0), alike, line: f64::from(width) };
        let place = |point: &(f64, f64)| {
            let (x, y) = area.map_coordinate(point);
            (f64::from(x), f64::from(y))
        };
        let bars = |piece: &Vec<(f64, f64)>| grid.bars(&piece.iter().map(place).collect::<Vec<_>>());
        Some((seen.iter().flat_map(bars).collect(), grid))
    };
    let bars = |(bars, grid): (&[Bar], &Grid), style: ShapeStyle| {
        let mut canvas = canvas.borrow_mut();
        for bars in grid.stretches(bars) {
            canvas.bars(style.color.rgb(), style.color.alpha(), bars, grid);
        }
    };
    let draw = |pieces: &Pieces, style: ShapeStyle| {
        let seen = clipped(pieces);
        match columns(&seen, style.stroke_width) {
            Some((dense, grid)) => bars((&dense, &grid), style),
            None => trace(seen, style)?,
        }
        Ok(())
    };
    let stroke = |colour: RGBColor, alpha: f64, width: f64| {
        ShapeStyle::from(&colour.mix(alpha)).stroke_width(units(width) as u32)
    };
    let colour = |line: &DrawnLine| colours.lines[line.colour % PALETTE];
    // A line alone need not be told from others.
    let of = |i: usize| canvas.borrow_mut().line((lines.len() > 1).then_some(i));
    for (i, line) in lines.iter().enumerate() {
        of(i);
        if let Some((upper, lower)) = &line.band {
            for (upper, lower) in upper.iter().zip(lower) {
                let inside = |points: &[(f64, f64)]| -> Vec<(f64, f64)> {
                    let seen = points.iter().filter(|point| x.unit(point.0).is_finite());
                    seen.map(|&(at, value)| (at.clamp(x.min, x.max), within(y, value))).collect()
                };
                let (mut corners, back) = (inside(upper), inside(lower));
                corners.extend(back.into_iter().rev());
                if corners.len() > 2 {
                    area.draw(&Polygon::new(corners, ShapeStyle::from(&colour(line).mix(BAND)).filled()))?;
                }
            }
        }
    }
    for (i, line) in lines.iter().enumerate() {
        of(i);
        draw(&line.past, stroke(colour(line), PAST, FAINT_LINE))?;
        draw(&line.raw, stroke(colour(line), RAW, FAINT_LINE))?;
    }
    for (i, line) in lines.iter().enumerate() {
        of(i);
        let dash = line.dash % DASHES;
        if dash == 0 {
            draw(&line.pieces, stroke(colour(line), 1.0, LINE))?;
            continue;
        }
        let whole = stroke(colour(line), 1.0, LINE);
        if let Some((all, grid)) = columns(&clipped(&line.pieces), whole.stroke_width) {
            // Faint in between, so that nothing is left out.
            let parts = all.into_iter().flat_map(|bar| grid.pixels(bar));
            let is_on = |bar: &Bar| is_dash(dash, (bar.left + bar.right) / 2.0, LINE * f64::from(UNITS));
            let (on, off): (Vec<Bar>, Vec<Bar>) = parts.partition(is_on);
            bars((&off, &grid), stroke(colour(line), PAST, LINE));
            bars((&on, &grid), whole);
            continue;
        }
        // Dashes of bars side by side are no dashes: the line through their middles has them.
        let middles: Option<Pieces> =
            has_bars(&line.pieces).then(|| line.pieces.iter().map(|it| middles(it)).collect());
        if middles.is_some() {
            draw(&line.pieces, stroke(colour(line), PAST, LINE))?;
        }
        canvas.borrow_mut().dash(dash);
        let along = middles.as_ref().unwrap_or(&line.pieces);
        let drawn = trace(clipped(along), whole);
        canvas.borrow_mut().dash(0);
        drawn?;
    }
    for (i, line) in lines.iter().enumerate() {
        of(i);
        let alone = line.pieces.iter().map(Vec::len).sum::<usize>() == 1;
        let end = line.pieces.last().and_then(|piece| piece.last());
        if let Some(&end) = end
            && (line.live || alone)
            && inside((x.unit(end.0), y.unit(end.1)))
        {
            area.draw(&Circle::new(end, units(DOT), ShapeStyle::from(&colour(line)).filled()))?;
        }
    }
    for (i, line) in lines.iter().enumerate() {
        of(i);
        let style = stroke(colour(line), 1.0, FAINT_LINE);
        let width = f64::from(area.dim_in_pixel().0);
        for kind in [NonFinite::Nan, NonFinite::PosInf, NonFinite::NegInf] {
            let mut last = f64::NEG_INFINITY;
            for special in line.specials.iter().filter(|special| special.kind == kind) {
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
    canvas.borrow_mut().line(None);
    Ok(())
}

/// Whether a line has so many corners that its columns show it as well: one for each three CSS pixels of this width, which is
/// in canvas units.
fn is_dense(pieces: &Pieces, width: u32) -> bool {
    pieces.iter().map(Vec::len).sum::<usize>() * 3 * UNITS as usize > width as usize
}

/// A value moved to the nearer end of an axis, if it lies beyond or has no place on it.
fn within(y: &AxisMap, value: f64) -> f64 {
    if y.scale.places(value) { value.clamp(y.min, y.max) } else { y.min }
}

fn is_bar(two: &[(f64, f64)]) -> bool {
    matches!(two, [a, b] if a.0.to_bits() == b.0.to_bits())
}

fn has_bars(pieces: &Pieces) -> bool {
    let bars = |piece: &Vec<(f64, f64)>| piece.windows(2).filter(|two| is_bar(two)).count();
    let (bars, all) = (pieces.iter().map(bars).sum::<usize>(), pieces.iter().map(Vec::len).sum::<usize>());
    // Now and then two points share a step.
    bars * 8 > all
}

/// A line with each bar replaced by its middle.
fn middles(piece: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut all = Vec::with_capacity(piece.len() / 2 + 1);
    let mut i = 0;
    while let Some(&(at, value)) = piece.get(i) {
        let bar = piece.get(i..i + 2).filter(|two| is_bar(two));
        all.push((at, bar.map_or(value, |two| value / 2.0 + two[1].1 / 2.0)));
        i += if bar.is_some() { 2 } else { 1 };
    }
    all
}

#[cfg(test)]
#[path = "picture_tests.rs"]
mod tests;
