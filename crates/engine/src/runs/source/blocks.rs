//! Blocks on their way from the parser to the store.

use std::io;

use athanor_core::series::{Block, ChunkError, ChunkWrite, Summary};

/// A block that was taken out of its series, to be encoded.
pub(super) struct Taken {
    pub position: u32,
    /// How many of its points were summed up before.
    pub counted: usize,
    pub block: Block,
}

/// The same, encoded.
pub(super) struct Encoded {
    pub position: u32,
    /// Of the points that were not summed up before.
    pub fresh: Summary,
    pub write: ChunkWrite,
}

impl Taken {
    pub fn encode(self) -> Result<Encoded, ChunkError> {
        let write = self.block.write()?;
        let fresh = if self.counted == 0 {
            write.summary
        } else {
            let mut fresh = Summary::default();
            let points = &self.block.points;
            for (step, value) in points.steps().iter().zip(points.values()).skip(self.counted) {
                fresh.add(*step, *value);
            }
            fresh
        };
        Ok(Encoded { position: self.position, fresh, write })
    }
}

pub(super) fn encode_here(blocks: Vec<Taken>) -> io::Result<Vec<Encoded>> {
    blocks.into_iter().map(Taken::encode).collect::<Result<_, _>>().map_err(io::Error::other)
}
