//! Looking through a folder, without an engine: nothing is stored, so no data folder is needed.

use std::ops::ControlFlow;
use std::path::Path;

use athanor_core::runs::printed::{BUILT_IN, Pattern};

use crate::wire;

/// How far a scan has come.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Files that were seen.
    pub files: u64,
    /// Runs that were found; 0 until all folders were listed.
    pub runs: u64,
    /// Runs whose files were read.
    pub read: u64,
}

/// Says what would be indexed in a folder. With a pattern, logs are read for metrics that are printed there. Blocks on
/// the disk. `told` is called often.
///
/// # Errors
/// The folder is not there, is no folder, or can't be listed; the pattern says nothing.
pub fn scan(
    path: &Path,
    pattern: Option<&str>,
    mut told: impl FnMut(Progress),
) -> Result<wire::ScanReport, wire::ApiError> {
    let pattern = pattern.map(parse).transpose()?;
    let mut watch = |progress: &athanor_engine::scan::Progress| {
        told(Progress { files: progress.files, runs: progress.runs, read: progress.read });
        ControlFlow::Continue(())
    };
    Ok(athanor_engine::scan::scan_with(path, pattern.as_ref(), &mut watch)?.into())
}

/// Says what a pattern would read in a log, with at most so many of its lines. Blocks on the disk.
///
/// # Errors
/// The log can't be read; the pattern says nothing.
pub fn preview(path: &Path, pattern: &str, most: usize) -> Result<wire::LogPreview, wire::ApiError> {
    Ok(athanor_engine::scan::preview(path, &parse(pattern)?, most)?.into())
}

/// The patterns that go by a name, each with what it reads.
#[must_use]
pub fn patterns() -> &'static [(&'static str, &'static str)] {
    &BUILT_IN
}

pub(crate) fn parse(pattern: &str) -> Result<Pattern, wire::ApiError> {
    Pattern::parse(pattern).map_err(|fault| {
        wire::ApiError::new(wire::ErrorCode::InvalidInput, format!("bad pattern: {fault}"))
            .field("pattern")
            .hint("A pattern is auto, pairs or words, a line with {loss} where the number stands, or /an expression/.")
    })
}
