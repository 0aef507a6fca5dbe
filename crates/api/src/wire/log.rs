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
    /// The offset behind each line end in the text, where it can't be told from the text: because the text is of one
    /// stream, or not all of it is UTF-8. Absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub lines: Option<Vec<u64>>,
}

/// What to look for in a log, and where.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SearchLog {
    /// The experiment.
    pub uid: String,
    /// The attempt; the newest if absent.
    #[serde(default)]
    #[ts(optional)]
    pub attempt: Option<u32>,
    /// Only one of the two streams.
    #[serde(default)]
    #[ts(optional)]
    pub stream: Option<LogStream>,
    /// The text, or the expression; an empty one matches every line. It is looked for in each line as it is seen:
    /// without colours, and of a line that was redrawn in its last state.
    pub pattern: String,
    /// It is a regular expression, as the Rust crate `regex` writes them.
    #[serde(default)]
    #[ts(optional, as = "Option<bool>")]
    pub regex: bool,
    /// Large and small letters differ.
    #[serde(default)]
    #[ts(optional, as = "Option<bool>")]
    pub case: bool,
    /// Where to begin: the beginning of a line, as `next`, `offset` and `end` of an answer are. The log's beginning
    /// if absent; backwards its end, and then the lines before it are searched.
    #[serde(default)]
    #[ts(optional)]
    pub from: Option<u64>,
    /// Where to end: lines before it are searched, backwards those from it on. All if absent.
    #[serde(default)]
    #[ts(optional)]
    pub to: Option<u64>,
    /// From the end to the beginning.
    #[serde(default)]
    #[ts(optional, as = "Option<bool>")]
    pub backwards: bool,
    /// How many lines to answer at most (at most 1,000; 100 if absent). With 0 they are only counted.
    #[serde(default)]
    #[ts(optional)]
    pub limit: Option<u32>,
}

/// What a search found so far. One call looks for about 100 ms.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct LogMatches {
    /// The attempt that was searched; 0 if the experiment has not started yet.
    pub attempt: u32,
    /// The lines that match, in the direction of the search.
    pub matches: Vec<LogMatch>,
    /// How many lines with a line end match in what was looked at.
    pub count: u64,
    /// The last line has no end yet, and matches. It is looked at again by the next search.
    pub open: bool,
    /// Where to go on.
    pub next: u64,
    /// Nothing is left to be searched at present.
    pub done: bool,
    /// Bytes that were looked at.
    pub scanned: u64,
    /// Lines of more than 64 KiB, of which only the beginning was looked at.
    pub cut: u64,
    /// The offset of the oldest byte that is still kept.
    pub oldest: u64,
    /// The offset after the last byte of the log at present.
    pub end: u64,
    /// Whether the job has ended, so that nothing will follow after `end`.
    pub ended: bool,
}

/// Which lines of a log to count.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SeekLog {
    /// The experiment.
    pub uid: String,
    /// The attempt; the newest if absent.
    #[serde(default)]
    #[ts(optional)]
    pub attempt: Option<u32>,
    /// Only one of the two streams.
    #[serde(default)]
    #[ts(optional)]
    pub stream: Option<LogStream>,
    /// Where to begin; the log's beginning if absent.
    #[serde(default)]
    #[ts(optional)]
    pub from: Option<u64>,
    /// Where to end; the log's end if absent.
    #[serde(default)]
    #[ts(optional)]
    pub to: Option<u64>,
    /// How many line ends to pass at most; all if absent.
    #[serde(default)]
    #[ts(optional)]
    pub lines: Option<u64>,
}

/// A line that matches.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct LogMatch {
    /// The offset of its first byte.
    pub offset: u64,
    /// The offset behind its line end.
    pub end: u64,
    /// How many lines there are from where the search began to this one; absent when searching backwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub line: Option<u64>,
    /// The line as it is seen; of a long one, 4,096 code units around the first match.
    pub text: String,
    /// Where in the line `text` begins, in UTF-16 code units.
    pub text_start: u32,
    /// Where in the line it matches: begin and end in UTF-16 code units. At most 256 places.
    pub ranges: Vec<(u32, u32)>,
    /// Only the beginning of the line was looked at, because it is longer than 64 KiB.
    pub cut: bool,
    /// The line has no end yet.
    pub open: bool,
}
