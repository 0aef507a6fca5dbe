//! Looking through a folder, without an engine: nothing is stored, so no data folder is needed.

use std::ops::ControlFlow;
use std::path::Path;

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

/// Says what would be indexed in a folder. Blocks on the disk. `told` is called often.
///
/// # Errors
/// The folder is not there, is no folder, or can't be listed.
pub fn scan(path: &Path, mut told: impl FnMut(Progress)) -> Result<wire::ScanReport, wire::ApiError> {
    let mut watch = |progress: &athanor_engine::scan::Progress| {
        told(Progress { files: progress.files, runs: progress.runs, read: progress.read });
        ControlFlow::Continue(())
    };
    Ok(athanor_engine::scan::scan(path, &mut watch)?.into())
}
