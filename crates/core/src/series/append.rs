//! Turning new points into the chunks that have to be written.

use super::{Buckets, CHUNK_POINTS, ChunkError, Point, Points, Summary, encode_chunk};

/// One row of the store to insert or replace, keyed by (series, index).
#[derive(Debug, Clone)]
pub struct ChunkWrite {
    /// Position of the chunk in its series, from 0.
    pub index: u64,
    /// A sealed chunk is full and will not be written again.
    pub sealed: bool,
    /// The encoded points.
    pub bytes: Vec<u8>,
    /// What the chunk holds, for tables and zoomed-out charts.
    pub summary: Summary,
    /// Its fine buckets, of a full one that was made by [`Block::write`].
    pub fine: Option<Buckets>,
    /// The row of buckets that it completes, as [`super::encode_row`] writes it, where that is at hand.
    pub row: Option<Vec<u8>>,
}

/// Why points were not appended. The series is unchanged.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AppendError {
    /// A point with no place on the x axis.
    #[error("point {index} of the batch has the step {step}, which is no position on an axis")]
    StepNotFinite {
        /// Position within the batch.
        index: usize,
        /// The offending step.
        step: f64,
    },
    /// A chunk could not be encoded, or the tail handed to [`Appender::resume`] was too long.
    #[error(transparent)]
    Chunk(#[from] ChunkError),
}

/// The end of one series: its open chunk and where it stands.
///
/// Restarted steps are kept as they come; [`super::segments`] tells them apart when they are read.
#[derive(Debug, Clone, Default)]
pub struct Appender {
    index: u64,
    tail: Points,
}

impl Appender {
    /// The end of a series that has no points.
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes on from the last stored chunk, sealed or not, and its index.
    ///
    /// # Errors
    /// [`ChunkError::TooManyPoints`] when `last` is more than a chunk.
    pub fn resume(index: u64, last: Points) -> Result<Self, ChunkError> {
        match last.len() {
            CHUNK_POINTS => Ok(Self { index: index + 1, tail: Points::new() }),
            n if n > CHUNK_POINTS => Err(ChunkError::TooManyPoints(n)),
            _ => Ok(Self { index, tail: last }),
        }
    }

    /// Index of the open chunk.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The points of the open chunk.
    pub fn tail(&self) -> &Points {
        &self.tail
    }

    /// Adds points and tells what to write: each chunk that filled up, in order, then the open tail if it has any
    /// points. Nothing for an empty batch. Write them in one transaction.
    ///
    /// # Errors
    /// [`AppendError::StepNotFinite`]; nothing of the batch is taken then.
    pub fn append(&mut self, points: &[Point]) -> Result<Vec<ChunkWrite>, AppendError> {
        if let Some((index, point)) = points.iter().enumerate().find(|(_, p)| !p.step.is_finite()) {
            return Err(AppendError::StepNotFinite { index, step: point.step });
        }
        let mut writes = Vec::new();
        let (mut index, mut tail, mut rest) = (self.index, self.tail.clone(), points);
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(CHUNK_POINTS - tail.len()));
            tail.extend(now.iter().copied());
            rest = later;
            let sealed = tail.len() == CHUNK_POINTS;
            writes.push(ChunkWrite {
                index,
                sealed,
                bytes: encode_chunk(&tail)?,
                summary: Summary::of(&tail),
                fine: None,
                row: None,
            });
            if sealed {
                index += 1;
                tail = Points::new();
            }
        }
        (self.index, self.tail) = (index, tail);
        Ok(writes)
    }
}

/// A block that is to be written, not encoded yet.
#[derive(Debug, Clone)]
pub struct Block {
    /// Position in its series, from 0.
    pub index: u64,
    /// A sealed block is full and will not be written again.
    pub sealed: bool,
    /// Its points.
    pub points: Points,
}

impl Block {
    /// Encodes it.
    ///
    /// # Errors
    /// [`ChunkError::Compress`], which a valid input does not lead to.
    pub fn write(&self) -> Result<ChunkWrite, ChunkError> {
        Ok(ChunkWrite {
            index: self.index,
            sealed: self.sealed,
            bytes: encode_chunk(&self.points)?,
            summary: Summary::of(&self.points),
            fine: self.sealed.then(|| Buckets::of(&self.points)),
            row: None,
        })
    }
}

/// Takes points one by one and hands out full blocks, so that a long file costs each block's encoding once, and that on
/// whatever thread. [`Appender`] is for a few points at a time.
#[derive(Debug, Clone, Default)]
pub struct Grower {
    index: u64,
    tail: Points,
    touched: bool,
}

impl Grower {
    /// Goes on from the last stored block, sealed or not, and its index.
    ///
    /// # Errors
    /// [`ChunkError::TooManyPoints`] when `last` is more than a block.
    pub fn resume(index: u64, last: Points) -> Result<Self, ChunkError> {
        let Appender { index, tail } = Appender::resume(index, last)?;
        Ok(Self { index, tail, touched: false })
    }

    /// Adds a point whose step is finite; answers the block that it filled.
    pub fn push(&mut self, point: Point) -> Option<Block> {
        self.tail.push(point);
        self.touched = true;
        if self.tail.len() < CHUNK_POINTS {
            return None;
        }
        let full = std::mem::replace(&mut self.tail, Points::with_capacity(CHUNK_POINTS));
        self.index += 1;
        self.touched = false;
        Some(Block { index: self.index - 1, sealed: true, points: full })
    }

    /// The open block, if points were added to it since it was last taken.
    pub fn open(&mut self) -> Option<Block> {
        std::mem::take(&mut self.touched).then(|| Block {
            index: self.index,
            sealed: false,
            points: self.tail.clone(),
        })
    }

    /// The points of the open block.
    pub fn tail(&self) -> &Points {
        &self.tail
    }

    /// How many points there are in all.
    pub fn len(&self) -> u64 {
        self.index * CHUNK_POINTS as u64 + self.tail.len() as u64
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::decode_chunk;
    use proptest::prelude::*;

    fn point(i: usize) -> Point {
        Point { step: i as f64, value: (i as f64).sin(), wall_ms: None }
    }

    #[test]
    fn refuses_a_step_that_is_no_position() {
        let mut end = Appender::new();
        let bad = Point { step: f64::NAN, value: 1.0, wall_ms: None };
        let error = end.append(&[point(0), bad]).unwrap_err();
        assert!(matches!(error, AppendError::StepNotFinite { index: 1, .. }));
        assert!(end.tail().is_empty(), "nothing of a refused batch is taken");
        assert!(end.append(&[]).unwrap().is_empty());
    }

    #[test]
    fn blocks_come_when_they_are_full_and_the_open_one_when_it_is_asked_for() {
        let mut end = Grower::default();
        assert!(end.is_empty() && end.open().is_none());
        let full: Vec<Block> = (0..CHUNK_POINTS + 3).filter_map(|i| end.push(point(i))).collect();
        assert_eq!(full.len(), 1);
        assert!(full[0].sealed && full[0].points.len() == CHUNK_POINTS);
        let open = end.open().unwrap();
        assert_eq!((open.index, open.sealed, open.points.len()), (1, false, 3));
        assert!(end.open().is_none(), "nothing came since");
        assert_eq!(end.len(), CHUNK_POINTS as u64 + 3);
        let stored = open.write().unwrap();
        let mut again = Grower::resume(1, decode_chunk(&stored.bytes).unwrap()).unwrap();
        again.push(point(9));
        assert_eq!(again.open().unwrap().points.len(), 4);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn any_batching_stores_the_same_points(sizes in prop::collection::vec(0usize..5000, 1..6), again in any::<bool>()) {
            let mut end = Appender::new();
            let mut rows = std::collections::BTreeMap::new();
            let mut total = 0;
            for size in sizes {
                let batch: Vec<_> = (total..total + size).map(point).collect();
                total += size;
                for write in end.append(&batch).unwrap() {
                    rows.insert(write.index, write);
                }
                if again && let Some((&index, last)) = rows.last_key_value() {
                    end = Appender::resume(index, decode_chunk(&last.bytes).unwrap()).unwrap();
                }
            }
            let mut stored = Points::new();
            let mut summary = Summary::default();
            for (position, (&index, row)) in rows.iter().enumerate() {
                prop_assert_eq!(position as u64, index);
                prop_assert!(row.sealed || position + 1 == rows.len());
                stored.extend_from(&decode_chunk(&row.bytes).unwrap());
                summary = summary.merge(&row.summary);
            }
            prop_assert_eq!(stored.len(), total);
            prop_assert_eq!(summary.count, total as u64);
            for (i, p) in stored.iter().enumerate() {
                prop_assert_eq!(p.step, i as f64);
                prop_assert_eq!(p.value, (i as f64).sin());
            }
        }
    }
}
