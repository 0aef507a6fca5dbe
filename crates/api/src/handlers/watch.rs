//! Watch folders.

use std::path::Path;

use athanor_engine::Engine;
use athanor_engine::runs::{Adding, WatchFolder};

use crate::wire::{self, ApiError, Nothing};

type Result<T> = std::result::Result<T, ApiError>;

pub(crate) async fn list(engine: &Engine, _: Nothing) -> Result<wire::WatchFolders> {
    let folders = engine.runs().folders().await?;
    Ok(wire::WatchFolders { folders: folders.into_iter().map(Into::into).collect() })
}

pub(crate) async fn add(engine: &Engine, input: wire::AddWatch) -> Result<wire::WatchFolders> {
    let project = input.project.filter(|project| !project.trim().is_empty());
    let pattern = input.pattern.as_deref().map(str::trim).filter(|pattern| !pattern.is_empty());
    let pattern = pattern.map(crate::scan::parse).transpose()?;
    engine.runs().add(Path::new(&input.path), Adding { project, pattern }).await?;
    list(engine, Nothing {}).await
}

/// Lines of a preview.
const PREVIEWED: usize = 20;

pub(crate) async fn preview(_: &Engine, input: wire::PreviewPattern) -> Result<wire::FolderPreview> {
    let pattern = crate::scan::parse(input.pattern.trim())?;
    let path = std::path::PathBuf::from(input.path);
    let look = move || athanor_engine::scan::preview_below(&path, &pattern, PREVIEWED);
    let seen = tokio::task::spawn_blocking(look).await.map_err(athanor_engine::Error::from)??;
    let (log, preview) = seen.newest.unzip();
    Ok(wire::FolderPreview {
        logs: u32::try_from(seen.logs).unwrap_or(u32::MAX),
        more: seen.more,
        log,
        preview: preview.map(Into::into),
    })
}

pub(crate) async fn remove(engine: &Engine, input: wire::WatchRef) -> Result<wire::WatchFolders> {
    engine.runs().remove(input.id).await?;
    list(engine, Nothing {}).await
}

pub(crate) async fn look(engine: &Engine, input: wire::WatchRef) -> Result<wire::WatchFolders> {
    engine.runs().look(input.id);
    list(engine, Nothing {}).await
}

impl From<WatchFolder> for wire::WatchFolder {
    fn from(folder: WatchFolder) -> Self {
        let WatchFolder { row, state } = folder;
        Self {
            id: row.id,
            path: row.path,
            project: row.project,
            pattern: row.pattern,
            added_at: row.added_at,
            runs: row.runs.unsigned_abs(),
            looking: state.looking,
            progress: wire::WatchProgress {
                folders: state.progress.folders,
                files: state.progress.files,
                runs: state.progress.runs,
                read: state.progress.read,
                bytes: state.progress.bytes,
            },
            looked_at: row.looked_at,
            followed: state.followed.map(Into::into),
            problem_count: u32::try_from(state.problem_count).unwrap_or(u32::MAX),
            problems: state.problems.into_iter().map(crate::convert::problem).collect(),
        }
    }
}
