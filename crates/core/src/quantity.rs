//! Sizes, durations and moments as people write them, and the exact way back.
//!
//! `text` rounds for the eye; what is printed here reads back to the same value.

use jiff::tz::TimeZone;
use thiserror::Error;

/// Why a text could not be read: a sentence that names what was given and an example.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Malformed(pub String);

/// A size in bytes.
///
/// # Errors
/// [`Malformed`].
pub fn parse_bytes(text: &str) -> Result<u64, Malformed> {
    Err(Malformed(text.into()))
}

/// A size so that [`parse_bytes`] gives it back: `10GiB`, `1000B`.
#[must_use]
pub fn print_bytes(bytes: u64) -> String {
    format!("{bytes}B")
}

/// A duration in milliseconds.
///
/// # Errors
/// [`Malformed`].
pub fn parse_duration(text: &str) -> Result<u64, Malformed> {
    Err(Malformed(text.into()))
}

/// A duration in milliseconds so that [`parse_duration`] gives it back: `1h30m`, `2d`, `1s500ms`.
#[must_use]
pub fn print_duration(ms: u64) -> String {
    format!("{ms}ms")
}

/// A moment in milliseconds UTC, as seen at `now_ms` in `zone`.
///
/// # Errors
/// [`Malformed`].
pub fn parse_moment(text: &str, now_ms: i64, zone: &TimeZone) -> Result<i64, Malformed> {
    let _ = (now_ms, zone);
    Err(Malformed(text.into()))
}

/// A moment in milliseconds UTC so that [`parse_moment`] gives it back anywhere: `2026-11-22T08:30:00Z`.
#[must_use]
pub fn print_moment(ms: i64) -> String {
    ms.to_string()
}
