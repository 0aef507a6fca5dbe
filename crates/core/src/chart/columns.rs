//! Dense lines as columns of the screen.
//!
//! A line of thousands of corners is dear to stroke: whoever shows the picture first makes an outline of it, with a join at
//! each corner, and then finds for each row of pixels which of the edges cross it. What it covers is known before: in a column
//! in which a line goes up and down, all between its extremes. So such a line is drawn as upright bars side by side, one for
//! each column, from the lowest to the highest place that the line has there.
//!
//! Where neighbours reach about as far as each other, as those of a line with many points in each column do, they are filled as
//! one shape: a row of pixels crosses few of its edges. Where they do not, each pixel of a column is a stroke, which browsers
//! draw without an outline: filling cost Chromium six times as much there, and half as much in the other case. Both are cut
//! into stretches as wide as the tiles in which browsers paint: each tile looks at those only that stand in it.

use std::fmt::Write;

/// How wide a stretch is, in pixels of the screen.
const STRETCH: f64 = 256.0;
/// A stretch is filled if its bars are so many times as high as the steps from each to the next, as Chromium's costs are.
const EVEN: f64 = 5.0;

/// What a line covers of a column, in canvas units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bar {
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
}

impl Bar {
    /// Narrower ones side by side that cover the same.
    fn split(self, parts: usize) -> impl Iterator<Item = Self> {
        let width = (self.right - self.left) / parts as f64;
        (0..parts).map(move |part| {
            let left = self.left + width * part as f64;
            Self { left, right: left + width, ..self }
        })
    }
}

/// The screen that a picture is for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Screen {
    /// Its pixels for each CSS pixel.
    pub ratio: f64,
    /// How many of its columns look alike: as many as it takes to be no finer than what lines were reduced to, since in
    /// between there is nothing.
    pub alike: usize,
}

/// Columns of pixels, of which some that stand side by side look alike.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    /// Width of a pixel in canvas units; the first column begins at 0.
    pub pixel: f64,
    /// How many of them look alike.
    pub alike: usize,
    /// Width of the line, which stands out by half of it above and below.
    pub line: f64,
}

impl Grid {
    /// The bars of a line through these points in canvas units, from left to right without a gap. Every point of the line lies
    /// in the bar of its column, save for what is left of column 0.
    pub fn bars(&self, points: &[(f64, f64)]) -> Vec<Bar> {
        let columns = || points.iter().map(|point| self.of(point.0));
        let (Some(first), Some(last)) = (columns().min(), columns().max()) else { return Vec::new() };
        let mut spans = vec![(f64::INFINITY, f64::NEG_INFINITY); last - first + 1];
        let mut put = |column: usize, y: f64| {
            let span = &mut spans[column - first];
            *span = (span.0.min(y), span.1.max(y));
        };
        let mut before: Option<(f64, f64)> = None;
        for &here in points {
            put(self.of(here.0), here.1);
            if let Some(before) = before {
                let (a, b) = if before.0 <= here.0 { (before, here) } else { (here, before) };
                for column in self.of(a.0) + 1..=self.of(b.0) {
                    let part = (column as f64 * self.column() - a.0) / (b.0 - a.0);
                    let y = a.1 + (b.1 - a.1) * part;
                    put(column - 1, y);
                    put(column, y);
                }
            }
            before = Some(here);
        }
        let (half, width) = (self.line / 2.0, self.column());
        let all = spans.into_iter().zip(first..).filter(|(span, _)| span.0 <= span.1);
        all.map(|((top, bottom), column)| Bar {
            left: column as f64 * width,
            right: (column + 1) as f64 * width,
            top: top - half,
            bottom: bottom + half,
        })
        .collect()
    }

    /// Bars in the order in which they were made, in stretches of which each is drawn by itself.
    pub fn stretches<'a>(&self, bars: &'a [Bar]) -> impl Iterator<Item = &'a [Bar]> + use<'a> {
        let stretch = STRETCH * self.pixel;
        let of = move |bar: &Bar| ((bar.left + bar.right) / 2.0 / stretch) as usize;
        bars.chunk_by(move |a, b| of(a) == of(b))
    }

    /// The pixels of a bar side by side, each as high as the bar.
    pub fn pixels(&self, bar: Bar) -> impl Iterator<Item = Bar> + use<> {
        bar.split(((bar.right - bar.left) / self.pixel).round().max(1.0) as usize)
    }

    /// Width of a stroke: a little less than a pixel, since one that rounding makes a little wider is outlined after all.
    pub fn stroke(&self) -> f64 {
        (self.pixel * 9.9).floor() / 10.0
    }

    fn column(&self) -> f64 {
        self.pixel * self.alike.max(1) as f64
    }

    fn of(&self, x: f64) -> usize {
        (x / self.column()).max(0.0) as usize
    }
}

/// Whether bars reach about as far as their neighbours.
pub(super) fn is_even(bars: &[Bar]) -> bool {
    let heights: f64 = bars.iter().map(|bar| bar.bottom - bar.top).sum();
    let step = |two: &[Bar]| (two[1].top - two[0].top).abs() + (two[1].bottom - two[0].bottom).abs();
    bars.windows(2).map(step).sum::<f64>() * EVEN < heights
}

/// Path data of upright strokes, one for each bar.
pub(super) fn strokes(data: &mut String, bars: impl Iterator<Item = Bar>) {
    let mut from: Option<(i64, i64)> = None;
    for bar in bars {
        let (x, top, bottom) = (tenths((bar.left + bar.right) / 2.0), whole(bar.top), whole(bar.bottom));
        match from {
            None => {
                data.push('M');
                push_tenths(data, x);
                data.push(' ');
                push(data, top);
            }
            Some((before, y)) => {
                data.push('m');
                push_tenths(data, x - before);
                if top >= y {
                    data.push(' ');
                }
                push(data, top - y);
            }
        }
        data.push('v');
        push(data, bottom - top);
        from = Some((x, bottom));
    }
}

/// Path data of a shape that is these bars together: around all that stand side by side, along their tops and back along their
/// bottoms. Widths are exact to a tenth of a unit, heights to a unit.
pub(super) fn outline(data: &mut String, bars: &[Bar]) {
    let side_by_side = |a: &Bar, b: &Bar| tenths(a.right) == tenths(b.left);
    for run in bars.chunk_by(side_by_side) {
        around(data, run);
    }
}

fn around(data: &mut String, run: &[Bar]) {
    let (Some(first), Some(last)) = (run.first(), run.last()) else { return };
    let (mut x, mut y) = (tenths(first.left), whole(first.top));
    data.push('M');
    push_tenths(data, x);
    data.push(' ');
    push(data, y);
    // To the right as far as the next step, then up or down.
    let mut go = |right: i64, down: i64| {
        if down != y {
            data.push('h');
            push_tenths(data, right - x);
            data.push('v');
            push(data, down - y);
            (x, y) = (right, down);
        }
    };
    for bar in run {
        go(tenths(bar.left), whole(bar.top));
    }
    // A line has a width, so that a bottom is never where the top is.
    go(tenths(last.right), whole(last.bottom));
    for bar in run.iter().rev() {
        go(tenths(bar.right), whole(bar.bottom));
    }
    data.push('h');
    push_tenths(data, tenths(first.left) - x);
    data.push('z');
}

fn tenths(number: f64) -> i64 {
    whole(number * 10.0)
}

/// The nearest whole number; of two the greater one.
fn whole(number: f64) -> i64 {
    (number + 0.5).floor() as i64
}

/// A picture has tens of thousands of numbers: most are small, and those go without the machinery of formatting.
fn push(data: &mut String, number: i64) {
    let digit = |it: i64| char::from(b'0' + (it % 10) as u8);
    let size = number.abs();
    if size >= 1000 {
        let _ = write!(data, "{number}");
        return;
    }
    if number < 0 {
        data.push('-');
    }
    if size >= 100 {
        data.push(digit(size / 100));
    }
    if size >= 10 {
        data.push(digit(size / 10));
    }
    data.push(digit(size));
}

/// A number of tenths, written as short as it can be.
fn push_tenths(data: &mut String, number: i64) {
    if number < 0 {
        data.push('-');
    }
    let size = number.abs();
    push(data, size / 10);
    if size % 10 != 0 {
        data.push('.');
        push(data, size % 10);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GRID: Grid = Grid { pixel: 5.0, alike: 1, line: 15.0 };

    fn bar(left: f64, right: f64, top: f64, bottom: f64) -> Bar {
        Bar { left, right, top, bottom }
    }

    #[test]
    fn a_line_stands_in_each_column_that_it_passes() {
        let bars = GRID.bars(&[(1.0, 100.0), (2.0, 40.0), (12.0, 60.0)]);
        assert_eq!(
            bars,
            [bar(0.0, 5.0, 32.5, 107.5), bar(5.0, 10.0, 38.5, 63.5), bar(10.0, 15.0, 48.5, 67.5)]
        );
        assert_eq!(GRID.bars(&[(11.0, 10.0)]), [bar(10.0, 15.0, 2.5, 17.5)], "a point alone");
        assert_eq!(GRID.bars(&[]), []);
        let two = Grid { alike: 2, ..GRID };
        assert_eq!(two.bars(&[(11.0, 10.0)]), [bar(10.0, 20.0, 2.5, 17.5)]);
        let parts: Vec<Bar> = bar(10.0, 20.0, 2.5, 17.5).split(2).collect();
        assert_eq!(parts, [bar(10.0, 15.0, 2.5, 17.5), bar(15.0, 20.0, 2.5, 17.5)]);
    }

    #[test]
    fn an_outline_is_written_short() {
        let of = |bars: &[Bar]| {
            let mut data = String::new();
            outline(&mut data, bars);
            data
        };
        let three = [bar(0.0, 5.0, 10.0, 30.4), bar(5.0, 10.0, 5.0, 50.0), bar(10.0, 12.5, 5.2, 9.0)];
        assert_eq!(of(&three), "M0 10h5v-5h7.5v4h-2.5v41h-5v-20h-5z");
        assert_eq!(of(&[three[0], three[2]]), "M0 10h5v20h-5zM10 5h2.5v4h-2.5z", "not side by side");
        assert_eq!(of(&[bar(-3.04, 4.0, 1000.0, 2345.0)]), "M-3 1000h7v1345h-7z");
        assert_eq!(of(&[]), "");
    }

    #[test]
    fn even_bars_are_filled_and_others_are_strokes() {
        let flat: Vec<Bar> = (0..9)
            .map(|i| bar(f64::from(i), f64::from(i + 1), 100.0 + f64::from(i % 2) * 5.0, 200.0))
            .collect();
        assert!(is_even(&flat));
        let steep: Vec<Bar> = flat
            .iter()
            .zip(0..)
            .map(|(it, i)| Bar { top: it.top + f64::from(i % 2) * 40.0, ..*it })
            .collect();
        assert!(!is_even(&steep));
        let mut data = String::new();
        strokes(
            &mut data,
            [bar(0.0, 5.0, 10.0, 30.4), bar(5.0, 10.0, 5.0, 50.0), bar(10.0, 15.0, 70.0, 71.0)].into_iter(),
        );
        assert_eq!(data, "M2.5 10v20m5-25v45m5 20v1");
        assert!((GRID.stroke() - 4.9).abs() < 1e-9);
    }

    /// Whether a place lies in a shape whose edges are all upright or level (counted as browsers do, by winding).
    fn covers(data: &str, (x, y): (f64, f64)) -> bool {
        let mut winding = 0;
        for shape in data.split('M').filter(|it| !it.is_empty()) {
            let spaced = shape.trim_end_matches('z').replace('h', " h").replace('v', " v");
            let mut words = spaced.split(' ');
            let mut number = || words.next().unwrap().parse::<f64>().unwrap();
            let start = (number(), number());
            let mut at = start;
            let mut upright = |x_at: f64, from: f64, to: f64| {
                if x_at > x && (from.min(to)..from.max(to)).contains(&y) {
                    winding += if to > from { 1 } else { -1 };
                }
            };
            for word in words {
                let (command, by) = word.split_at(1);
                let by: f64 = by.parse().unwrap();
                if command == "h" {
                    at.0 += by;
                } else {
                    upright(at.0, at.1, at.1 + by);
                    at.1 += by;
                }
            }
            assert!((at.0 - start.0).abs() < 1e-6, "back where it began");
            upright(at.0, at.1, start.1);
        }
        winding != 0
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn all_of_a_line_is_covered_and_nothing_far_from_it(
            points in prop::collection::vec((0.0..300.0f64, 0.0..900.0f64), 1..60),
            pixel in 2.5..10.0f64,
            alike in 1usize..4,
            at in 0.0..1.0f64,
        ) {
            let grid = Grid { pixel, alike, line: 15.0 };
            let bars = grid.bars(&points);
            prop_assert!(bars.windows(2).all(|two| (two[0].right - two[1].left).abs() < 1e-9), "without a gap");
            for two in points.windows(2) {
                let (x, y) = (two[0].0 + (two[1].0 - two[0].0) * at, two[0].1 + (two[1].1 - two[0].1) * at);
                let bar = bars.iter().find(|it| it.left - 1e-6 <= x && x <= it.right + 1e-6);
                let Some(bar) = bar else { return Err(TestCaseError::fail("no bar there")) };
                prop_assert!(bar.top <= y && y <= bar.bottom);
            }
            let (low, high) = points.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), it| (a.min(it.1), b.max(it.1)));
            prop_assert!(bars.iter().all(|bar| bar.top >= low - 7.5 - 1e-6 && bar.bottom <= high + 7.5 + 1e-6));
        }

        #[test]
        fn a_shape_is_its_bars_and_nothing_else(
            pieces in prop::collection::vec(prop::collection::vec((0.0..1200.0f64, 0.0..900.0f64), 1..20), 1..4),
            pixel in prop::sample::select(vec![2.5, 5.0, 20.0 / 3.0, 10.0]),
            alike in 1usize..4,
            places in prop::collection::vec((0.0..1200.0f64, -20.0..920.0f64), 40),
        ) {
            let grid = Grid { pixel, alike, line: 15.0 };
            let bars: Vec<Bar> = pieces.iter().flat_map(|points| grid.bars(points)).collect();
            let shapes = grid.stretches(&bars).map(|bars| {
                let mut data = String::new();
                outline(&mut data, bars);
                data
            });
            let shapes: Vec<String> = shapes.collect();
            let middles = bars.iter().map(|bar| ((bar.left + bar.right) / 2.0, (bar.top + bar.bottom) / 2.0));
            for (x, y) in places.into_iter().chain(middles.step_by(7)) {
                let near = |a: f64, b: f64| (a - b).abs() < 1.0;
                if bars.iter().any(|bar| [bar.left, bar.right].iter().any(|it| near(*it, x)) || near(bar.top, y) || near(bar.bottom, y)) {
                    // What an edge is rounded to is its own affair.
                    continue;
                }
                let own = bars.iter().any(|bar| bar.left <= x && x <= bar.right && bar.top <= y && y <= bar.bottom);
                prop_assert_eq!(shapes.iter().any(|it| covers(it, (x, y))), own, "at {} {} of {:?}", x, y, shapes);
            }
        }
    }
}
