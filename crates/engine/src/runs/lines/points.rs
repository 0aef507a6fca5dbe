//! Points of a metric of a run, as they were logged.

use athanor_core::series::Points;

use super::super::Index;
use crate::error::Result;
use crate::store::runs::Stretch;

/// Points of a block.
const BLOCK: u64 = athanor_core::series::CHUNK_POINTS as u64;

impl Index {
    /// A metric of a run: its stretches, one for each file and each time that it was begun anew, in their order.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn stretches(&self, run: i64, metric: &str) -> Result<Vec<Stretch>> {
        self.store().stretches(run, metric).await
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
}
