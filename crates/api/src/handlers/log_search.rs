//! Searching a log.

use std::ops::Range;

use athanor_core::log_search::{Found, Matcher, Pattern, PatternFault, Request};
use athanor_engine::Engine;

use crate::wire::{self, ApiError, ErrorCode};

/// Lines of one answer: usually, and at most.
const USUAL: u32 = 100;
const MOST: u32 = 1_000;

pub(crate) async fn search_log(
    engine: &Engine,
    input: wire::SearchLog,
) -> Result<wire::LogMatches, ApiError> {
    let pattern = Pattern { text: input.pattern, regex: input.regex, case: input.case };
    let matcher = Matcher::new(&pattern).map_err(bad_pattern)?;
    let row = engine.find(&input.uid).await?;
    let request =
        Request { from: input.from, to: input.to, backwards: input.backwards, limit: limit(input.limit) };
    let stream = input.stream.map(Into::into);
    let searched = engine.search_log(&row, input.attempt, stream, matcher, request).await?;
    let outcome = searched.outcome;
    Ok(wire::LogMatches {
        attempt: searched.attempt,
        matches: outcome.found.into_iter().map(|found| line(found, input.backwards)).collect(),
        count: outcome.count,
        open: outcome.open,
        next: outcome.next,
        done: outcome.done,
        scanned: outcome.scanned,
        cut: outcome.cut,
        oldest: outcome.oldest,
        end: outcome.end,
        ended: searched.ended,
    })
}

pub(crate) async fn seek_log(engine: &Engine, input: wire::SeekLog) -> Result<wire::LinesPassed, ApiError> {
    let row = engine.find(&input.uid).await?;
    let stream = input.stream.map(Into::into);
    let lines = input.lines.unwrap_or(u64::MAX);
    Ok(engine.seek_log(&row, input.attempt, stream, (input.from, input.to), lines).await?.into())
}

/// How many lines to answer.
pub(super) fn limit(asked: Option<u32>) -> usize {
    asked.unwrap_or(USUAL).min(MOST) as usize
}

pub(super) fn bad_pattern(fault: PatternFault) -> ApiError {
    ApiError {
        place: fault.place.as_ref().map(units),
        ..ApiError::new(ErrorCode::InvalidInput, format!("bad pattern: {fault}"))
            .field("pattern")
            .hint("A pattern is a regular expression; \\ before a sign takes it as it stands.")
    }
}

pub(super) fn line(found: Found, backwards: bool) -> wire::LogMatch {
    wire::LogMatch {
        offset: found.offset,
        end: found.end,
        line: found.line.filter(|_| !backwards),
        text: found.text,
        text_start: unit(found.text_start),
        ranges: found.ranges.iter().map(units).collect(),
        cut: found.cut,
        open: found.open,
    }
}

fn units(range: &Range<usize>) -> (u32, u32) {
    (unit(range.start), unit(range.end))
}

fn unit(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
