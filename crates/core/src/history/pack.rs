//! Buckets as bytes.
//!
//! Format 1: the byte 1; then as LEB128 numbers how many buckets there are, and for each its place (in widths after the
//! base, less that of the one before), twice the count of its samples plus 1 if they are all equal, and its span; then
//! the mean as a little-endian `f32`, or least, mean and greatest where they differ. At the end the lower 32 bits of the
//! xxh3 hash of all that, little-endian.

use xxhash_rust::xxh3::xxh3_64;

use super::Bucket;

const FORMAT: u8 = 1;

/// Bytes that are no buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Damaged(&'static str);

/// Packs sorted buckets of a width that begin at or after `base`.
#[must_use]
#[allow(
    clippy::cast_possible_truncation,
    reason = "values were rounded to single precision when they were read"
)]
pub fn pack(buckets: &[Bucket], base: i64, width: i64) -> Vec<u8> {
    let mut out = vec![FORMAT];
    number(&mut out, buckets.len() as u64);
    let mut before = 0;
    for bucket in buckets {
        let place = bucket.start.saturating_sub(base).div_euclid(width);
        number(&mut out, (place - before).unsigned_abs());
        before = place;
        let flat = bucket.min == bucket.max;
        number(&mut out, bucket.count << 1 | u64::from(flat));
        number(&mut out, bucket.span);
        let values = [bucket.min, bucket.mean, bucket.max];
        for value in if flat { &values[1..2] } else { &values[..] } {
            out.extend_from_slice(&(*value as f32).to_le_bytes());
        }
    }
    seal(&mut out);
    out
}

/// Reads what [`pack`] wrote; none begins `length` milliseconds or more after `base`.
///
/// # Errors
/// The bytes were damaged, or are of another format.
pub fn unpack(data: &[u8], base: i64, width: i64, length: i64) -> Result<Vec<Bucket>, Damaged> {
    let mut rest = opened(data)?;
    let count = take(&mut rest)?;
    let mut buckets = Vec::with_capacity(usize::try_from(count).unwrap_or(0).min(data.len()));
    let mut place = 0i64;
    for index in 0..count {
        let step = i64::try_from(take(&mut rest)?).map_err(|_| Damaged("a bucket has no place"))?;
        place = place.checked_add(step).ok_or(Damaged("a bucket has no place"))?;
        let start = place.checked_mul(width).and_then(|after| base.checked_add(after));
        let inside = place.checked_mul(width).is_some_and(|after| after < length);
        let (Some(start), true) = (start, inside && (step > 0 || index == 0)) else {
            return Err(Damaged("a bucket is out of its place"));
        };
        let (samples, span) = (take(&mut rest)?, take(&mut rest)?);
        let values = match samples & 1 {
            1 => [single(&mut rest)?; 3],
            _ => [single(&mut rest)?, single(&mut rest)?, single(&mut rest)?],
        };
        let [min, mean, max] = values;
        let (count, ordered) = (samples >> 1, min <= mean && mean <= max);
        if count == 0 || span == 0 || !ordered || !min.is_finite() || !max.is_finite() {
            return Err(Damaged("a bucket holds what no samples give"));
        }
        buckets.push(Bucket { start, min, mean, max, count, span });
    }
    if rest.is_empty() { Ok(buckets) } else { Err(Damaged("there are bytes after the last bucket")) }
}

pub(super) fn seal(out: &mut Vec<u8>) {
    let hash = xxh3_64(out).to_le_bytes();
    out.extend_from_slice(&hash[..4]);
}

fn opened(data: &[u8]) -> Result<&[u8], Damaged> {
    let Some((body, hash)) = data.split_last_chunk::<4>() else { return Err(Damaged("it is too short")) };
    if xxh3_64(body).to_le_bytes()[..4] != *hash {
        return Err(Damaged("its checksum does not fit"));
    }
    match body {
        [FORMAT, rest @ ..] => Ok(rest),
        _ => Err(Damaged("it has a format that this program does not know")),
    }
}

pub(super) fn number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) fn take(rest: &mut &[u8]) -> Result<u64, Damaged> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let Some((&byte, after)) = rest.split_first() else { return Err(Damaged("it ends too early")) };
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(Damaged("a number is too long"))
}

fn single(rest: &mut &[u8]) -> Result<f64, Damaged> {
    let Some((bytes, after)) = rest.split_first_chunk::<4>() else {
        return Err(Damaged("it ends too early"));
    };
    *rest = after;
    Ok(f64::from(f32::from_le_bytes(*bytes)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::bucket::tests::samples;
    use super::super::roll;
    use super::*;

    proptest! {
        #[test]
        fn what_is_packed_reads_back(samples in samples(), wide in any::<bool>()) {
            let width = if wide { 60_000 } else { 1000 };
            let buckets = roll(samples.iter().filter_map(|(at, value, span)| Bucket::of(*at, *value, *span, 1000)), width);
            let data = pack(&buckets, 0, width);
            let read = unpack(&data, 0, width, 7_200_000).unwrap();
            prop_assert_eq!(read.len(), buckets.len());
            for (read, packed) in read.iter().zip(&buckets) {
                prop_assert_eq!(
                    (read.start, read.min, read.max, read.count, read.span),
                    (packed.start, packed.min, packed.max, packed.count, packed.span)
                );
                prop_assert!((read.mean - packed.mean).abs() <= packed.mean.abs() * 1e-6 + 1e-30);
                prop_assert!(read.min <= read.mean && read.mean <= read.max);
            }
        }

        #[test]
        fn damage_is_noticed_and_never_panics(samples in samples(), at in any::<prop::sample::Index>(), bit in 0u8..8, cut in any::<prop::sample::Index>()) {
            let buckets = roll(samples.iter().filter_map(|(at, value, span)| Bucket::of(*at, *value, *span, 1000)), 1000);
            let mut data = pack(&buckets, 0, 1000);
            prop_assert!(unpack(&data[..cut.index(data.len())], 0, 1000, i64::MAX).is_err());
            let at = at.index(data.len());
            data[at] ^= 1 << bit;
            prop_assert!(unpack(&data, 0, 1000, i64::MAX).is_err());
        }

        #[test]
        fn no_bytes_panic(mut data in proptest::collection::vec(any::<u8>(), 0..64), base in any::<i64>()) {
            let _ = unpack(&data, base, 1000, i64::MAX);
            data.insert(0, FORMAT);
            seal(&mut data);
            let _ = unpack(&data, base, 3_600_000, i64::MAX);
        }
    }

    #[test]
    fn a_slice_of_a_steady_metric_is_small() {
        let second = |i: i64| Bucket::of(i * 1000, 37.0, 1000, 1000).unwrap();
        let buckets: Vec<Bucket> = (0..30).map(second).collect();
        assert_eq!(pack(&buckets, 0, 1000).len(), 6 + 30 * 8);
        let rolled: Vec<Bucket> = (0..30)
            .map(|i| Bucket { start: i * 60_000, min: 0.0, mean: 3.5, max: 9.0, count: 60, span: 60_000 })
            .collect();
        assert!(pack(&rolled, 0, 60_000).len() < 800, "below the quarter of a page");
    }
}
