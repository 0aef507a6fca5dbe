//! Metric series: every point that was read is kept, and a picture is reduced from them when one is asked for.
//!
//! Experiment trackers that sample at ingest cannot answer a zoom with the truth. Here a series is a sequence of
//! points in the order they arrived, cut into chunks of at most [`CHUNK_POINTS`]: sealed chunks never change, one
//! open tail is written again at each append ([`Appender`]). Each chunk has a [`Summary`], so that a table of runs
//! and a zoomed-out chart need no decoding.
//!
//! What is left to others: where the bytes live (the engine's store), axes and colours ([`crate::chart`]).

mod append;
mod chunk;
pub mod course;
pub mod derive;
mod fine;
mod painter;
#[cfg(test)]
mod pandas_tests;
mod points;
mod reduce;
mod scale;
mod segment;
mod smooth;
mod summary;
pub mod together;

pub use append::{AppendError, Appender, Block, ChunkWrite, Grower};
pub use chunk::{CHUNK_POINTS, ChunkError, decode_chunk, encode_chunk};
pub use fine::{
    Bucket, Buckets, COARSE, FINE_BUCKETS, FINE_POINTS, ROW_FAN, decode_row, encode_row, row_above,
};
pub use painter::{Edge, FEW, Painter};
pub use points::{Point, Points};
pub use reduce::{Columns, NonFinite, Reduced, Reducer, Special, reduce};
pub use scale::{Scale, symlog, unsymlog};
pub use segment::{MAX_SEGMENTS, Segment, segments};
pub use smooth::{Exponential, Smoothing, smooth, smooth_around, smooth_into};
pub use summary::{At, Extreme, SeriesStats, Summary, SummaryError, median};
