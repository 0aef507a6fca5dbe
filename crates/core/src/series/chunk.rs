//! One chunk of a series as bytes.
//!
//! Layout, little endian, version 1:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | version |
//! | 1 | flags: bit 0, the steps are whole numbers; bit 1, there are wall times |
//! | 2 | number of points, at most [`CHUNK_POINTS`] |
//! | 4 | xxh3 of everything else, low 32 bits |
//! | 4 + n | steps: length, top bit set when stored raw, then a pco stream of `i64` or `f64` |
//! | 4 + n | values: the same, `f64` |
//! | 4 + n | wall times, only when flagged: the same, `i64` |
//!
//! Floats go through pco as ordered bits, so NaN payloads and the sign of zero survive. Raw storage is taken when it
//! is the shorter one, which it is for the first few points of a run.

use pco::data_types::Number;
use pco::standalone::{simple_compress, simple_decompress_into};
use pco::{ChunkConfig, DeltaSpec, ModeSpec};
use xxhash_rust::xxh3::Xxh3;

use super::Points;

/// The most points one chunk holds. Large enough to compress well, small enough that writing the open tail again at
/// each append costs well under a millisecond.
pub const CHUNK_POINTS: usize = 4096;

const VERSION: u8 = 1;
const WHOLE_STEPS: u8 = 1;
const HAS_WALLS: u8 = 2;
const HEADER: usize = 8;
const RAW: u32 = 1 << 31;
/// Whole steps beyond this are not exact in an `f64`.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Why bytes are not a chunk, or points do not fit one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// More points than a chunk takes.
    #[error("{0} points do not fit in a chunk of {CHUNK_POINTS}")]
    TooManyPoints(usize),
    /// The bytes end before the chunk does.
    #[error("the chunk is cut short")]
    Truncated,
    /// Written by a newer version, or not a chunk at all.
    #[error("chunk version {0} is not known to this version of the program")]
    UnknownVersion(u8),
    /// The checksum does not match the content.
    #[error("the chunk's checksum does not match: the stored bytes are damaged")]
    Checksum,
    /// The checksum matches but the content contradicts itself.
    #[error("the chunk's {column} cannot be read: {why}")]
    Malformed {
        /// Which column: steps, values or wall times.
        column: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// There are bytes after the end.
    #[error("{0} bytes follow the end of the chunk")]
    TrailingBytes(usize),
    /// The compressor refused, which a valid input does not make it do.
    #[error("points could not be compressed: {0}")]
    Compress(String),
}

/// Encodes up to [`CHUNK_POINTS`] points.
///
/// # Errors
/// [`ChunkError::TooManyPoints`]; [`ChunkError::Compress`] should the compressor fail.
pub fn encode_chunk(points: &Points) -> Result<Vec<u8>, ChunkError> {
    let count = points.len();
    if count > CHUNK_POINTS {
        return Err(ChunkError::TooManyPoints(count));
    }
    let whole = whole_steps(points.steps());
    let mut flags = 0;
    if whole.is_some() {
        flags |= WHOLE_STEPS;
    }
    if !points.walls().is_empty() {
        flags |= HAS_WALLS;
    }
    let mut out = vec![VERSION, flags];
    out.extend_from_slice(&(count as u16).to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    match whole {
        Some(steps) => push_column(&mut out, &steps, &counters())?,
        None => push_column(&mut out, points.steps(), &measured())?,
    }
    push_column(&mut out, points.values(), &measured())?;
    if !points.walls().is_empty() {
        push_column(&mut out, points.walls(), &counters())?;
    }
    let sum = checksum(&out);
    out[4..HEADER].copy_from_slice(&sum.to_le_bytes());
    Ok(out)
}

/// Decodes what [`encode_chunk`] wrote. Memory is bounded by [`CHUNK_POINTS`], whatever the bytes claim.
///
/// # Errors
/// Every way in which bytes can fail to be a chunk, see [`ChunkError`].
pub fn decode_chunk(bytes: &[u8]) -> Result<Points, ChunkError> {
    let version = *bytes.first().ok_or(ChunkError::Truncated)?;
    if version != VERSION {
        return Err(ChunkError::UnknownVersion(version));
    }
    let (header, mut rest) = bytes.split_at_checked(HEADER).ok_or(ChunkError::Truncated)?;
    let flags = header[1];
    let count = usize::from(u16::from_le_bytes([header[2], header[3]]));
    if count > CHUNK_POINTS {
        return Err(ChunkError::TooManyPoints(count));
    }
    if checksum(bytes) != u32::from_le_bytes([header[4], header[5], header[6], header[7]]) {
        return Err(ChunkError::Checksum);
    }
    let steps = if flags & WHOLE_STEPS != 0 {
        let whole: Vec<i64> = take_column(&mut rest, count, "steps")?;
        whole.into_iter().map(|step| step as f64).collect()
    } else {
        take_column(&mut rest, count, "steps")?
    };
    let values = take_column(&mut rest, count, "values")?;
    let walls =
        if flags & HAS_WALLS != 0 { take_column(&mut rest, count, "wall times")? } else { Vec::new() };
    if !rest.is_empty() {
        return Err(ChunkError::TrailingBytes(rest.len()));
    }
    Ok(Points::from_parts(steps, values, walls))
}

/// The steps as integers, when that loses nothing: counters compress to almost nothing as such.
pub(super) fn whole_steps(steps: &[f64]) -> Option<Vec<i64>> {
    let is_whole = |&step: &f64| step.abs() <= EXACT && (step as i64 as f64).to_bits() == step.to_bits();
    steps.iter().all(is_whole).then(|| steps.iter().map(|&step| step as i64).collect())
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut hash = Xxh3::new();
    hash.update(&bytes[..4]);
    hash.update(&bytes[HEADER..]);
    hash.digest() as u32
}

pub(super) trait Raw: Number {
    fn to_raw(self) -> [u8; 8];
    fn from_raw(raw: [u8; 8]) -> Self;
}

impl Raw for f64 {
    fn to_raw(self) -> [u8; 8] {
        self.to_bits().to_le_bytes()
    }
    fn from_raw(raw: [u8; 8]) -> Self {
        f64::from_bits(u64::from_le_bytes(raw))
    }
}

impl Raw for i64 {
    fn to_raw(self) -> [u8; 8] {
        self.to_le_bytes()
    }
    fn from_raw(raw: [u8; 8]) -> Self {
        i64::from_le_bytes(raw)
    }
}

/// How hard the compressor tries. Beyond it the usual 4096 values take four times as long, and come out one part in two
/// hundred smaller.
const LEVEL: usize = 4;

/// For what is measured: the compressor finds out what is best (single precision, decimal fractions).
pub(super) fn measured() -> ChunkConfig {
    ChunkConfig::default().with_compression_level(LEVEL)
}

/// For what counts up, steps and times: differences, without trying anything else, which takes longer than to compress.
pub(super) fn counters() -> ChunkConfig {
    measured().with_mode_spec(ModeSpec::Classic).with_delta_spec(DeltaSpec::TryConsecutive(1))
}

pub(super) fn push_column<T: Raw>(
    out: &mut Vec<u8>,
    column: &[T],
    config: &ChunkConfig,
) -> Result<(), ChunkError> {
    let packed = if column.len() < 4 {
        None
    } else {
        let packed =
            simple_compress(column, config).map_err(|error| ChunkError::Compress(error.to_string()))?;
        (packed.len() < column.len() * 8).then_some(packed)
    };
    match packed {
        Some(packed) => {
            // At most 32 KiB, since it is shorter than the raw column.
            out.extend_from_slice(&(packed.len() as u32).to_le_bytes());
            out.extend_from_slice(&packed);
        }
        None => {
            out.extend_from_slice(&((column.len() * 8) as u32 | RAW).to_le_bytes());
            for &number in column {
                out.extend_from_slice(&number.to_raw());
            }
        }
    }
    Ok(())
}

pub(super) fn take_column<T: Raw>(
    rest: &mut &[u8],
    count: usize,
    column: &'static str,
) -> Result<Vec<T>, ChunkError> {
    let (length, after) = rest.split_first_chunk::<4>().ok_or(ChunkError::Truncated)?;
    let length = u32::from_le_bytes(*length);
    let (body, after) = after.split_at_checked((length & !RAW) as usize).ok_or(ChunkError::Truncated)?;
    *rest = after;
    let malformed = |why: String| ChunkError::Malformed { column, why };
    if length & RAW != 0 {
        let (numbers, odd) = body.as_chunks::<8>();
        if numbers.len() != count || !odd.is_empty() {
            return Err(malformed(format!("{} bytes for {count} points", body.len())));
        }
        return Ok(numbers.iter().map(|&raw| T::from_raw(raw)).collect());
    }
    let mut numbers = vec![T::from_raw([0; 8]); count];
    let progress =
        simple_decompress_into(body, &mut numbers).map_err(|error| malformed(error.to_string()))?;
    if progress.n_processed != count || !progress.finished {
        return Err(malformed(format!("{} of {count} points are there", progress.n_processed)));
    }
    Ok(numbers)
}

#[cfg(test)]
#[path = "chunk_tests.rs"]
mod tests;
