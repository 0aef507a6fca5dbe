//! What lies in a run's folder beside what ingest reads: checkpoints and logs.

use std::fs::{DirEntry, Metadata};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use athanor_core::checkpoint;

/// Folders within the run's own that are looked into.
const DEPTH: usize = 4;

/// Names that are looked at.
const NAMES: usize = 10_000;

/// A server that does not answer holds up the page of a run for so long.
const PATIENCE: Duration = Duration::from_secs(2);

/// A checkpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundCheckpoint {
    /// Absolute.
    pub path: PathBuf,
    /// Bytes; of a folder, what lies in it directly.
    pub size: u64,
    /// UTC milliseconds.
    pub modified: Option<i64>,
    /// Its step, else its epoch, if its name tells.
    pub step: Option<f64>,
    /// The ending of its name, or `folder`.
    pub kind: String,
}

/// A log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundLog {
    /// Absolute.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
}

/// What was found in a run's folder.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InFolder {
    /// The newest first.
    pub checkpoints: Vec<FoundCheckpoint>,
    /// By path.
    pub logs: Vec<FoundLog>,
    /// Which of the files that were asked for are there.
    pub exist: Vec<bool>,
    /// Why something may be missing here.
    pub problem: Option<String>,
}

/// Looks into a run's folder, `deep` if it is the run's own, and for these files. Links are not followed.
pub async fn look(folder: PathBuf, deep: bool, files: Vec<PathBuf>) -> InFolder {
    let count = files.len();
    let shown = folder.display().to_string();
    let looked = tokio::task::spawn_blocking(move || {
        let mut found =
            InFolder { exist: files.iter().map(|file| file.exists()).collect(), ..InFolder::default() };
        let mut names = 0;
        walk(&folder, if deep { DEPTH } else { 0 }, &mut names, &mut found);
        if names > NAMES {
            found.problem = Some(format!("only {NAMES} names of the folder were looked at"));
        }
        found.checkpoints.sort_by(|a, b| b.modified.cmp(&a.modified).then_with(|| a.path.cmp(&b.path)));
        found.logs.sort_by(|a, b| a.path.cmp(&b.path));
        found
    });
    match tokio::time::timeout(PATIENCE, looked).await {
        Ok(Ok(found)) => found,
        _ => InFolder {
            exist: vec![false; count],
            problem: Some(format!("{shown} does not answer")),
            ..InFolder::default()
        },
    }
}

fn walk(folder: &Path, depth: usize, names: &mut usize, found: &mut InFolder) {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(cause) => {
            found.problem.get_or_insert_with(|| format!("{} can’t be listed: {cause}", folder.display()));
            return;
        }
    };
    for entry in entries.flatten() {
        *names += 1;
        if *names > NAMES {
            return;
        }
        // Of the link itself, where it is one.
        let Ok(metadata) = entry.metadata() else { continue };
        let name = entry.file_name().to_string_lossy().into_owned();
        if metadata.is_symlink() {
            continue;
        }
        if let Some(kind) = checkpoint::kind(&name, metadata.is_dir()) {
            let size = if metadata.is_dir() { size_within(&entry) } else { metadata.len() };
            let step = checkpoint::step(&name);
            let (path, modified) = (entry.path(), modified(&metadata));
            found.checkpoints.push(FoundCheckpoint { path, size, modified, step, kind: kind.to_owned() });
        } else if metadata.is_dir() {
            if depth > 0 && !name.starts_with('.') {
                walk(&entry.path(), depth - 1, names, found);
            }
        } else if is_log(&name) {
            found.logs.push(FoundLog { path: entry.path(), size: metadata.len() });
        }
    }
}

fn size_within(folder: &DirEntry) -> u64 {
    let entries = std::fs::read_dir(folder.path()).into_iter().flatten().flatten();
    entries.take(NAMES).filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
}

fn modified(metadata: &Metadata) -> Option<i64> {
    let since = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}

fn is_log(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let ending = lower.rsplit_once('.').map_or("", |(_, ending)| ending);
    matches!(ending, "log" | "out" | "err")
        || matches!(lower.as_str(), "stdout" | "stderr" | "output.txt" | "log.txt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn checkpoints_and_logs_are_found_and_links_are_not_followed() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let at = |name: &str| dir.path().join(name);
        for folder in ["checkpoints", "checkpoint-20", "elsewhere"] {
            std::fs::create_dir(at(folder)).expect("made");
        }
        for (name, bytes) in [
            ("checkpoints/epoch=1-step=300.ckpt", 7),
            ("checkpoint-20/model.safetensors", 5),
            ("train.log", 3),
            ("metrics.csv", 1),
        ] {
            std::fs::write(at(name), vec![0; bytes]).expect("written");
        }
        std::os::unix::fs::symlink(dir.path(), at("elsewhere/loop")).expect("linked");
        let found = look(dir.path().into(), true, vec![at("metrics.csv"), at("gone.csv")]).await;
        let mut steps: Vec<_> =
            found.checkpoints.iter().map(|found| (found.step, found.size, found.kind.as_str())).collect();
        steps.sort_by_key(|(_, size, _)| *size);
        assert_eq!(steps, [(Some(20.0), 5, "folder"), (Some(300.0), 7, "ckpt")]);
        assert_eq!(found.logs, [FoundLog { path: at("train.log"), size: 3 }]);
        assert_eq!((found.exist, found.problem), (vec![true, false], None));
        let shallow = look(dir.path().into(), false, Vec::new()).await;
        assert_eq!(shallow.checkpoints.len(), 1, "folders within are not looked into");
        let gone = look(at("gone"), true, Vec::new()).await;
        assert!(gone.problem.is_some_and(|problem| problem.contains("gone")));
    }
}
