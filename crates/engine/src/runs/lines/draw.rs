//! The picture of a chart.

use std::sync::Arc;

use athanor_core::chart::{
    DrawnLine, LinesPicture, PictureAxis, Pieces, Screen, XKind, draw_picture, x_range,
};
use athanor_core::series::course::Order;
use athanor_core::series::{Columns, Edge, Painter, Reduced, Scale, Smoothing};

use super::groups::paint_group;
use super::tiles::Cache;
use super::{Frame, Index, LineFacts, LinesDrawn, LinesSpec, Planned, Track, XAxis};
use crate::error::Result;
use crate::store::runs::TableRow;

/// Pixel columns of all lines of a picture together, about: each has two points in the picture, and the page that shows it
/// reads 200 KB in 20 ms.
const COLUMNS: f64 = 16_000.0;

/// What the labels take of the width, at least.
const BESIDE: f64 = 34.0;

/// A line, painted.
pub(super) struct Painted {
    pub line: DrawnLine,
    pub exact: bool,
}

impl Index {
    /// Small lines of a metric, one for each run that has it, in so many columns: places from 0 to 1 in the line's own range.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn sparks(&self, rows: &[TableRow], key: &str, columns: usize) -> Result<Vec<(usize, Pieces)>> {
        let spec = LinesSpec { keys: vec![key.to_owned()], ..LinesSpec::default() };
        let (planned, _) = self.plan(rows, &spec).await?;
        let planned = Arc::new(planned);
        let painted = self
            .settle(&planned, move |lines, cache| {
                let paint = |line: &Planned| {
                    let (from, to) = line.tracks.first().and_then(|track| track.course().span())?;
                    let painted = paint_line(line, cache, Columns::new(from, to, columns, Scale::Linear));
                    Some((*line.runs.first()?, within_own(&painted.line.pieces, (from, to))))
                };
                lines.iter().filter_map(paint).collect::<Vec<_>>()
            })
            .await?;
        Ok(painted)
    }

    /// Draws the lines of these runs, in their order. With groups, runs whose cells are equal are one line.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn lines(&self, rows: &[TableRow], spec: &LinesSpec, frame: &Frame) -> Result<LinesDrawn> {
        let (planned, more) = self.plan(rows, spec).await?;
        let spans = planned.iter().flat_map(|line| &line.tracks).filter_map(|track| track.course().span());
        let span = spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        let x_scale = if spec.x == XAxis::Wall { Scale::Linear } else { spec.x_scale };
        let fixed = frame.x.is_some() && x_range(frame.x, None, x_scale).is_some();
        let range = x_range(frame.x, span, x_scale);
        let most = span.map_or(0.0, |(low, high)| low.abs().max(high.abs()));
        let x = PictureAxis { scale: x_scale, range, fixed, linear: x_scale.linear_for(most) };
        let extremes = planned.iter().flat_map(|line| [line.whole.min, line.whole.max]).flatten();
        let most = extremes.map(|extreme| extreme.value.abs()).fold(0.0, f64::max);
        let y = PictureAxis {
            scale: spec.y_scale,
            range: frame.y,
            fixed: true,
            linear: spec.y_scale.linear_for(most),
        };
        let whole =
            spec.x == XAxis::Step && planned.iter().flat_map(|line| &line.tracks).all(has_whole_steps);
        let x_kind = match spec.x {
            XAxis::Relative => XKind::Duration,
            XAxis::Wall => XKind::Moment(frame.zone.clone()),
            XAxis::Step | XAxis::Epoch | XAxis::Metric(_) => XKind::Number { whole },
        };
        let planned = Arc::new(planned);
        let painted = match range {
            None => planned.iter().map(|_| Painted { line: DrawnLine::default(), exact: true }).collect(),
            Some((from, to)) => {
                let count = columns_of(frame, planned.len());
                let columns = Columns::new(from, to, count, x_scale).linear_to(x.linear);
                let (spec, columns) = (spec.clone(), columns);
                self.settle(&planned, move |lines, cache| paint_all(lines, cache, &spec, columns)).await?
            }
        };
        let lines: Vec<LineFacts> = planned
            .iter()
            .zip(&painted)
            .map(|(line, painted)| LineFacts {
                runs: line.runs.clone(),
                key: line.key.clone(),
                group: line.group.clone(),
                colour: line.colour,
                dash: line.dash,
                points: line.whole.count,
                exact: painted.exact,
                last: match (&line.tracks[..], line.whole.last) {
                    ([track], Some(last)) if line.group.is_none() => {
                        track.course().last().map(|at| (at.step, last.value)).filter(|at| at.0.is_finite())
                    }
                    _ => None,
                },
                min: line.whole.min.map(|min| min.value),
                max: line.whole.max.map(|max| max.value),
                live: line.live,
            })
            .collect();
        let screen = frame.screen.then(|| screen_of(frame, planned.len()));
        let (frame, title, outliers) = (frame.clone(), spec.keys.join(", "), spec.outliers);
        let drawn: Vec<DrawnLine> = painted.into_iter().map(|painted| painted.line).collect();
        let rendered = tokio::task::spawn_blocking(move || {
            let rendered = draw_picture(&LinesPicture {
                width: frame.width,
                height: frame.height,
                theme: frame.theme,
                title,
                x,
                y,
                x_kind,
                outliers,
                lines: &drawn,
                font: frame.font,
                screen,
            });
            (rendered, drawn)
        });
        let (rendered, drawn) = rendered.await?;
        Ok(LinesDrawn { rendered, lines, drawn, more })
    }
}

/// Pieces of a line in parts of its own range.
fn within_own(pieces: &Pieces, (from, to): (f64, f64)) -> Pieces {
    let values = || pieces.iter().flatten().map(|point| point.1);
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    let part = |at: f64, low: f64, high: f64| if high > low { (at - low) / (high - low) } else { 0.5 };
    let placed = |piece: &Vec<(f64, f64)>| {
        piece.iter().map(|&(x, y)| (part(x, from, to), part(y, low, high))).collect()
    };
    pieces.iter().map(placed).collect()
}

/// How many columns each line is drawn in: those of the screen, as long as all together are not too many; one for each 1.5
/// CSS pixels in any case, which is how wide a bar is.
fn columns_of(frame: &Frame, lines: usize) -> usize {
    let width = (frame.width - BESIDE).max(8.0);
    let most = width * frame.ratio.clamp(0.5, 4.0);
    let least = width / 1.5;
    // Between 5 and 32,000.
    (COLUMNS / lines.max(1) as f64).clamp(least, most.max(least)) as usize
}

/// The screen, with as many columns alike as a line has of it.
fn screen_of(frame: &Frame, lines: usize) -> Screen {
    let ratio = frame.ratio.clamp(0.5, 4.0);
    let own = columns_of(frame, lines) as f64 / (frame.width - BESIDE).max(8.0);
    // What was cut off of a column is no reason for one of two pixels.
    Screen { ratio, alike: (ratio / own - 0.05).ceil().max(1.0) as usize }
}

fn has_whole_steps(track: &Track) -> bool {
    let ends = [track.base.whole.first, track.base.whole.last].into_iter().flatten();
    ends.map(|end| end.step).all(|step| step.fract() == 0.0)
}

/// Paints lines, several at once.
fn paint_all(lines: &[Planned], cache: &Cache, spec: &LinesSpec, columns: Columns) -> Vec<Painted> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).clamp(1, 4);
    let share = lines.len().div_ceil(threads).max(1);
    let paint = |line: &Planned| {
        let mut painted = match spec.group {
            Some(groups) => paint_group(line, groups, cache, columns),
            None => paint_line(line, cache, columns),
        };
        painted.line.colour = line.colour;
        painted.line.dash = line.dash;
        painted.line.live = line.live;
        if spec.y_scale == Scale::Log {
            painted.line = painted.line.on_log();
        }
        painted
    };
    if lines.len() < 2 {
        return lines.iter().map(paint).collect();
    }
    std::thread::scope(|scope| {
        let shares: Vec<_> = lines
            .chunks(share)
            .map(|share| scope.spawn(move || share.iter().map(paint).collect::<Vec<_>>()))
            .collect();
        // A thread that panics takes the request down, as the caller's own would.
        let done = |share: std::thread::ScopedJoinHandle<'_, Vec<Painted>>| match share.join() {
            Ok(painted) => painted,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        shares.into_iter().flat_map(done).collect()
    })
}

fn paint_line(line: &Planned, cache: &Cache, columns: Columns) -> Painted {
    let mut drawn = DrawnLine::default();
    let mut exact = true;
    for track in &line.tracks {
        let (main, past, own) = paint_track(track, cache, columns);
        (drawn.pieces, drawn.past, drawn.specials) = (main.pieces, past.pieces, main.specials);
        exact &= own;
    }
    if let Some(track) = &line.raw {
        let (raw, _, own) = paint_track(track, cache, columns);
        drawn.raw = raw.pieces;
        exact &= own;
    }
    Painted { line: drawn, exact }
}

/// Paints what counts of a line, and what was gone over again.
fn paint_track(track: &Track, cache: &Cache, columns: Columns) -> (Reduced, Reduced, bool) {
    let (mut main, mut past, mut exact) = (Reduced::default(), Reduced::default(), true);
    let (course, reach) = (track.course(), track.reach(cache));
    let mut painter = Painter::new(columns);
    match track.order(cache) {
        None => {}
        Some(Order::None) => {
            let mut loose = painter.loose();
            course.paint(0..course.len(), &reach, &mut loose);
            loose.draw(Edge::Both, &mut main);
            exact &= loose.is_exact();
        }
        Some(Order::Segments(segments)) => {
            for segment in segments {
                if !segment.live.is_empty() {
                    course.paint(segment.live.clone(), &reach, &mut painter);
                    painter.draw(Edge::Both, &mut main);
                    exact &= painter.is_exact();
                    painter.clear();
                }
                if segment.live.end < segment.range.end {
                    // From the last point that counts, so that the old line visibly goes on from there.
                    let from = segment.live.end.saturating_sub(1).max(segment.range.start);
                    course.paint(from..segment.range.end, &reach, &mut painter);
                    painter.draw(Edge::Both, &mut past);
                    painter.clear();
                }
            }
        }
    }
    (main, past, exact)
}

/// Whether lines are smoothed.
pub(super) fn is_smoothed(spec: &LinesSpec) -> bool {
    spec.smoothing != Smoothing::None
}
