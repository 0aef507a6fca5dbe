//! Dense lines as columns of the screen.
//!
//! A line of thousands of corners is dear to stroke: whoever shows the picture first makes an outline of it, with a join at
//! each corner, and then finds for each row of pixels which of the edges cross it. Drawn as one upright bar in each column of
//! pixels, from the lowest to the highest place that the line has in it, the same line costs a twentieth in Chromium, since an
//! upright line as wide as a pixel needs no outline. It shows the same: in a column in which a line goes up and down, all
//! between its extremes is covered either way.

/// A column's bar in canvas units: where its middle is, its top and its bottom.
pub(super) type Bar = (f64, f64, f64);

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
    /// Width of such a group in canvas units; the first begins at 0.
    pub column: f64,
    /// How many columns it has.
    pub alike: usize,
    /// Width of the line, which stands out by half of it above and below.
    pub line: f64,
}

impl Grid {
    /// The bars of a line through these points in canvas units, from left to right. Every point of the line lies in the bar
    /// of its column, save for what is left of column 0.
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
                    let part = (column as f64 * self.column - a.0) / (b.0 - a.0);
                    let y = a.1 + (b.1 - a.1) * part;
                    put(column - 1, y);
                    put(column, y);
                }
            }
            before = Some(here);
        }
        let half = self.line / 2.0;
        let (alike, mut bars) = (self.alike.max(1), Vec::with_capacity(spans.len()));
        for (column, (top, bottom)) in spans.into_iter().enumerate().filter(|(_, span)| span.0 <= span.1) {
            for one in 0..alike {
                let at = (first + column) as f64 + (one as f64 + 0.5) / alike as f64;
                bars.push((at * self.column, top - half, bottom + half));
            }
        }
        bars
    }

    /// Width of a bar's stroke: a little less than a pixel, since one that rounding makes a little wider is outlined after all.
    pub fn stroke(&self) -> f64 {
        (self.column / self.alike.max(1) as f64 * 9.9).floor() / 10.0
    }

    fn of(&self, x: f64) -> usize {
        (x / self.column).max(0.0) as usize
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GRID: Grid = Grid { column: 5.0, alike: 1, line: 15.0 };

    #[test]
    fn a_line_stands_in_each_column_that_it_passes() {
        let bars = GRID.bars(&[(1.0, 100.0), (2.0, 40.0), (12.0, 60.0)]);
        assert_eq!(bars, [(2.5, 32.5, 107.5), (7.5, 38.5, 63.5), (12.5, 48.5, 67.5)]);
        assert_eq!(GRID.bars(&[(11.0, 10.0)]), [(12.5, 2.5, 17.5)], "a point alone");
        assert_eq!(GRID.bars(&[]), []);
        let two = Grid { column: 10.0, alike: 2, line: 15.0 };
        assert_eq!(two.bars(&[(11.0, 10.0)]), [(12.5, 2.5, 17.5), (17.5, 2.5, 17.5)]);
    }

    proptest! {
        #[test]
        fn all_of_a_line_is_covered_and_nothing_far_from_it(
            points in prop::collection::vec((0.0..300.0f64, 0.0..900.0f64), 1..60),
            bar in 2.5..10.0f64,
            alike in 1usize..4,
            at in 0.0..1.0f64,
        ) {
            let grid = Grid { column: bar * alike as f64, alike, line: 15.0 };
            let bars = grid.bars(&points);
            prop_assert!(bars.windows(2).all(|two| (two[1].0 - two[0].0 - bar).abs() < 1e-9), "without a gap");
            for two in points.windows(2) {
                let (x, y) = (two[0].0 + (two[1].0 - two[0].0) * at, two[0].1 + (two[1].1 - two[0].1) * at);
                let bar = bars.iter().find(|it| (x - it.0).abs() <= bar / 2.0 + 1e-6);
                let Some(&(_, top, bottom)) = bar else { return Err(TestCaseError::fail("no bar there")) };
                prop_assert!(top <= y && y <= bottom);
            }
            let (low, high) = points.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), it| (a.min(it.1), b.max(it.1)));
            prop_assert!(bars.iter().all(|bar| bar.1 >= low - 7.5 - 1e-6 && bar.2 <= high + 7.5 + 1e-6));
        }
    }
}
