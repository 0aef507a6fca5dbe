//! Lines of charts: a metric of a run, reduced to what a picture of some width shows, or whole.

use athanor_core::series::{Columns, Points, Reduced, Reducer, Summary};

use super::Index;
use crate::error::Result;
use crate::store::runs::{FAN, Stretch};

/// Summaries that are read of one level at most: enough for sixteen million points without a level above.
const AT_ONCE: u64 = 4096;

/// Points of a block.
const BLOCK: u64 = athanor_core::series::CHUNK_POINTS as u64;

/// What a picture is made from.
enum Part {
    Summary(Summary),
    Points(u64),
}

impl Index {
    /// A metric of a run: its stretches, one for each file and each time that it was begun anew, in their order.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn stretches(&self, run: i64, metric: &str) -> Result<Vec<Stretch>> {
        self.store().stretches(run, metric).await
    }

    /// All points of stretches, in their order.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn all_points(&self, stretches: &[Stretch]) -> Result<Points> {
        let mut all = Points::new();
        for stretch in stretches {
            for (_, points) in self.store().points(stretch.series, (0, u64::MAX)).await? {
                all.extend_from(&points);
            }
        }
        Ok(all)
    }

    /// Points of stretches from the one at `after` on, at most `limit`.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn some_points(&self, stretches: &[Stretch], after: u64, limit: usize) -> Result<Points> {
        let (mut passed, mut some) = (0, Points::new());
        for stretch in stretches {
            let count = stretch.summary.count;
            if passed + count <= after {
                passed += count;
                continue;
            }
            let skip = after.saturating_sub(passed);
            let wanted = (limit - some.len()) as u64;
            let (first, last) = (skip / BLOCK, (skip + wanted) / BLOCK);
            for (number, points) in self.store().points(stretch.series, (first, last)).await? {
                let from = usize::try_from(skip.saturating_sub(number * BLOCK)).unwrap_or(usize::MAX);
                some.extend(points.iter().skip(from).take(limit - some.len()));
            }
            passed += count;
            if some.len() >= limit {
                break;
            }
        }
        Ok(some)
    }

    /// What a picture shows of stretches: drawn from summaries where those tell all that can be seen, else from points.
    /// The number of blocks that are read grows with the columns, not with the points, beyond sixteen million of them.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn reduced(&self, stretches: &[Stretch], columns: Columns) -> Result<Reduced> {
        let mut reducer = Reducer::new(columns);
        for stretch in stretches {
            reducer.break_line();
            let parts = self.parts(stretch, &reducer).await?;
            let mut next = parts.iter().peekable();
            while let Some(part) = next.next() {
                match part {
                    Part::Summary(summary) => reducer.extend_summary(summary),
                    Part::Points(first) => {
                        let mut last = *first;
                        while let Some(Part::Points(number)) =
                            next.next_if(|part| matches!(part, Part::Points(number) if *number == last + 1))
                        {
                            last = *number;
                        }
                        for (_, points) in self.store().points(stretch.series, (*first, last)).await? {
                            reducer.extend(points.steps(), points.values());
                        }
                    }
                }
            }
        }
        Ok(reducer.finish())
    }

    /// Which summaries and which blocks a picture of a stretch is made from, in order.
    async fn parts(&self, stretch: &Stretch, reducer: &Reducer) -> Result<Vec<Part>> {
        let blocks = stretch.summary.count.div_ceil(BLOCK);
        let (mut level, mut span) = (0, 1);
        while blocks / span > AT_ONCE {
            (level, span) = (level + 1, span * FAN);
        }
        let mut parts = Vec::new();
        let mut done = 0;
        for (number, summary) in self.store().summaries(stretch.series, level, (0, u64::MAX)).await? {
            self.descend(stretch.series, (level, span), (number, summary), reducer, &mut parts).await?;
            done = (number + 1) * span;
        }
        // What is not a whole block of that level yet.
        if level > 0 {
            for (number, summary) in self.store().summaries(stretch.series, 0, (done, u64::MAX)).await? {
                self.descend(stretch.series, (0, 1), (number, summary), reducer, &mut parts).await?;
            }
        }
        Ok(parts)
    }

    async fn descend(
        &self,
        series: i64,
        (level, span): (i64, u64),
        (number, summary): (u64, Summary),
        reducer: &Reducer,
        parts: &mut Vec<Part>,
    ) -> Result<()> {
        let mut waiting = vec![(level, span, number, summary)];
        while let Some((level, span, number, summary)) = waiting.pop() {
            if !reducer.wants_points(&summary) {
                parts.push(Part::Summary(summary));
            } else if level == 0 {
                parts.push(Part::Points(number));
            } else {
                let inside = (number * FAN, number * FAN + FAN - 1);
                let below = self.store().summaries(series, level - 1, inside).await?;
                // The last one is taken first.
                waiting.extend(below.into_iter().rev().map(|(n, s)| (level - 1, span / FAN, n, s)));
            }
        }
        Ok(())
    }
}
