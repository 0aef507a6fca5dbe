//! Files of a run on the wire.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::LogMatch;

/// Which folder of a run to list.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ListFiles {
    /// The run.
    pub uid: String,
    /// The folder, relative to the run's own, which an empty text names.
    #[serde(default)]
    pub folder: String,
}

/// What is in a folder of a run.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct FileList {
    /// Folders first, then by name.
    pub entries: Vec<FileEntry>,
    /// How many names there are; only the first 10,000 are listed.
    pub total: u64,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// A folder.
    Folder,
    /// A file that can be read.
    File,
    /// What can't be opened here: a device, a pipe, a link that leads out of the run's folder or nowhere.
    Other,
}

/// A name in a folder of a run.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct FileEntry {
    /// The name, with U+FFFD for what is not UTF-8; such a one can't be opened.
    pub name: String,
    /// What it stands for.
    pub kind: FileKind,
    /// Bytes, of a file.
    pub size: u64,
    /// When it was written last.
    pub modified: i64,
    /// It is a link.
    pub link: bool,
}

/// Which part of a run's file to read: from an offset on, or the last lines.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ReadFile {
    /// The run.
    pub uid: String,
    /// The file, relative to the run's folder.
    pub path: String,
    /// The first byte wanted.
    #[serde(default)]
    #[ts(optional)]
    pub offset: Option<u64>,
    /// As many lines at the end, if there is no offset (at most 100,000; 1,000 if absent).
    #[serde(default)]
    #[ts(optional)]
    pub lines: Option<u32>,
    /// How many bytes at most (at most 4 MiB; 256 KiB if absent, 4 MiB for lines at the end).
    #[serde(default)]
    #[ts(optional)]
    pub limit: Option<u32>,
    /// Give the bytes in base64 instead of text.
    #[serde(default)]
    #[ts(optional, as = "Option<bool>")]
    pub raw: bool,
}

/// A piece of a file.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct FileChunk {
    /// The text, with U+FFFD for what is not UTF-8, or base64 if `raw` was asked for. Pieces of text join without
    /// loss: a character is never cut, but at the end of a file that is not being written.
    pub text: String,
    /// The offset of the piece's first byte.
    pub start: u64,
    /// The offset after the piece's last byte: ask from here next.
    pub next: u64,
    /// The offset behind each line end in the text, if not all of it is UTF-8. Absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub lines: Option<Vec<u64>>,
    /// How the file was when it was read.
    pub state: FileState,
}

/// How a file is at a moment.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
pub struct FileState {
    /// Bytes.
    pub size: u64,
    /// When it was written last.
    pub modified: i64,
    /// Another number means another file at the same place; fewer bytes than before mean that it was begun anew.
    pub identity: u64,
    /// It was written within the last minute.
    pub grows: bool,
}

/// What to look for in a run's file, and where; otherwise as for a log.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SearchFile {
    /// The run.
    pub uid: String,
    /// The file, relative to the run's folder.
    pub path: String,
    /// The text, or the expression; an empty one matches every line.
    pub pattern: String,
    /// It is a regular expression, as the Rust crate `regex` writes them.
    #[serde(default)]
    #[ts(optional, as = "Option<bool>")]
    pub regex: bool,
    /// Large and small letters differ.
    #[serde(default)]
    #[ts(optional, as = "Option<bool>")]
    pub case: bool,
    /// Where to begin: the beginning of a line.
    #[serde(default)]
    #[ts(optional)]
    pub from: Option<u64>,
    /// Where to end.
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

/// What a search in a file found so far. One call looks for about 100 ms.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct FileMatches {
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
    /// How the file was when it was searched.
    pub state: FileState,
}

/// Which lines of a run's file to count.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SeekFile {
    /// The run.
    pub uid: String,
    /// The file, relative to the run's folder.
    pub path: String,
    /// Where to begin; the beginning if absent.
    #[serde(default)]
    #[ts(optional)]
    pub from: Option<u64>,
    /// Where to end; the file's end if absent.
    #[serde(default)]
    #[ts(optional)]
    pub to: Option<u64>,
    /// How many line ends to pass at most; all if absent.
    #[serde(default)]
    #[ts(optional)]
    pub lines: Option<u64>,
}

/// How far lines were counted. One call counts for about 100 ms.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct LinesPassed {
    /// Where the last line begins that was come to.
    pub offset: u64,
    /// Line ends that were passed.
    pub lines: u64,
    /// Where to go on counting.
    pub next: u64,
    /// So many as asked for were passed, or nothing is left.
    pub done: bool,
}

/// Which file of a run to tell of.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct FollowFile {
    /// The run.
    pub uid: String,
    /// The file, relative to the run's folder.
    pub path: String,
    /// For how long, milliseconds (at most 120,000): said again by who still looks.
    pub for_ms: u32,
}
