//! Files of runs.

use std::time::Duration;

use athanor_core::log_search::{Matcher, Pattern, Request, Seek};
use athanor_engine::{Engine, EntryKind, FileState, LogPart};
use base64::Engine as _;

use super::{LOG_MAX, LOG_USUAL, Result, log_search, partial_character};
use crate::wire;

pub(crate) async fn list(engine: &Engine, input: wire::ListFiles) -> Result<wire::FileList> {
    let listing = engine.list_files(&input.uid, &input.folder).await?;
    let entries = listing.entries.into_iter().map(|entry| wire::FileEntry {
        name: entry.name,
        kind: match entry.kind {
            EntryKind::Folder => wire::FileKind::Folder,
            EntryKind::File => wire::FileKind::File,
            EntryKind::Other => wire::FileKind::Other,
        },
        size: entry.size,
        modified: entry.modified,
        link: entry.link,
    });
    Ok(wire::FileList { entries: entries.collect(), total: listing.total as u64 })
}

pub(crate) async fn read(engine: &Engine, input: wire::ReadFile) -> Result<wire::FileChunk> {
    let limit = |usual: u32| input.limit.unwrap_or(usual).clamp(4, LOG_MAX) as usize;
    let part = match input.offset {
        Some(offset) => LogPart::From(offset, limit(LOG_USUAL)),
        None => LogPart::Tail(input.lines.unwrap_or(1_000).min(100_000) as usize, limit(LOG_MAX)),
    };
    let mut piece = engine.read_file(&input.uid, &input.path, part).await?;
    if !input.raw {
        // The start of a character at the end waits for its rest, unless there will be none.
        let keep = piece.bytes.len() - partial_character(&piece.bytes);
        let at_end = piece.start + piece.bytes.len() as u64 >= piece.state.size;
        if keep > 0 && (!at_end || piece.state.grows) {
            piece.bytes.truncate(keep);
        }
    }
    let text = match input.raw {
        true => base64::engine::general_purpose::STANDARD.encode(&piece.bytes),
        false => String::from_utf8_lossy(&piece.bytes).into_owned(),
    };
    let told = input.raw || text.as_bytes() == piece.bytes;
    let ends = piece.bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let lines = (!told).then(|| ends.map(|(at, _)| piece.start + at as u64 + 1).collect());
    let next = piece.start + piece.bytes.len() as u64;
    Ok(wire::FileChunk { text, start: piece.start, next, lines, state: piece.state.into() })
}

pub(crate) async fn search(engine: &Engine, input: wire::SearchFile) -> Result<wire::FileMatches> {
    let pattern = Pattern { text: input.pattern, regex: input.regex, case: input.case };
    let matcher = Matcher::new(&pattern).map_err(log_search::bad_pattern)?;
    let request = Request {
        from: input.from,
        to: input.to,
        backwards: input.backwards,
        limit: log_search::limit(input.limit),
    };
    let (outcome, state) = engine.search_file(&input.uid, &input.path, matcher, request).await?;
    let line = |found| log_search::line(found, input.backwards);
    Ok(wire::FileMatches {
        matches: outcome.found.into_iter().map(line).collect(),
        count: outcome.count,
        open: outcome.open,
        next: outcome.next,
        done: outcome.done,
        scanned: outcome.scanned,
        cut: outcome.cut,
        state: state.into(),
    })
}

pub(crate) async fn seek(engine: &Engine, input: wire::SeekFile) -> Result<wire::LinesPassed> {
    let lines = input.lines.unwrap_or(u64::MAX);
    Ok(engine.seek_file(&input.uid, &input.path, (input.from, input.to), lines).await?.into())
}

pub(crate) async fn follow(engine: &Engine, input: wire::FollowFile) -> Result<wire::FileState> {
    let time = Duration::from_millis(input.for_ms.into());
    Ok(engine.follow_file(&input.uid, &input.path, time).await?.into())
}

impl From<FileState> for wire::FileState {
    fn from(state: FileState) -> Self {
        let FileState { size, modified, identity, grows } = state;
        Self { size, modified, identity, grows }
    }
}

impl From<Seek> for wire::LinesPassed {
    fn from(seek: Seek) -> Self {
        let Seek { offset, lines, next, done } = seek;
        Self { offset, lines, next, done }
    }
}
