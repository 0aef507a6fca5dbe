//! Logs on the wire.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// One of the two streams that a job writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the words say it")]
pub enum LogStream {
    Stdout,
    Stderr,
}

/// Where to read a log.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ReadLog {
    /// The experiment.
    pub uid: String,
    /// The attempt; the newest if absent.
    #[serde(default)]
    #[ts(optional)]
    pub attempt: Option<u32>,
    /// The first byte wanted, counted over the job's whole life.
    pub offset: u64,
    /// How many bytes at most (at most 4 MiB; 256 KiB if absent).
    #[serde(default)]
    #[ts(optional)]
    pub limit: Option<u32>,
    /// Give the bytes in base64 instead of text.
    #[serde(default)]
    #[ts(optional, as = "Option<bool>")]
    pub raw: bool,
    /// Only one of the two streams.
    #[serde(default)]
    #[ts(optional)]
    pub stream: Option<LogStream>,
}

/// How much of a log's end to read.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct TailLog {
    /// The experiment.
    pub uid: String,
    /// The attempt; the newest if absent.
    #[serde(default)]
    #[ts(optional)]
    pub attempt: Option<u32>,
    /// Lines at most (at most 100,000; bounded by 4 MiB).
    pub lines: u32,
    /// Give the bytes in base64 instead of text.
    #[serde(default)]
    #[ts(optional, as = "Option<bool>")]
    pub raw: bool,
    /// Only one of the two streams.
    #[serde(default)]
    #[ts(optional)]
    pub stream: Option<LogStream>,
}

/// A piece of a log.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct LogChunk {
    /// The attempt it belongs to; 0 if the experiment has not started yet.
    pub attempt: u32,
    /// The text, with U+FFFD for what is not UTF-8, or base64 if `raw` was asked for. Pieces of text join without
    /// loss: a character is never cut. Of one stream it is shorter than what lies between `start` and `next`.
    pub text: String,
    /// The offset of the piece's first byte. Larger than asked for when the beginning was rotated away.
    pub start: u64,
    /// The offset after the piece's last byte: ask from here next.
    pub next: u64,
    /// The offset of the oldest byte that is still kept.
    pub oldest: u64,
    /// The offset after the last byte of the log at present.
    pub end: u64,
    /// Whether the job has ended, so that nothing will follow after `end`.
    pub ended: bool,
}
