//! Config files of runs: which there are, and what differs between two.

use std::path::{Path, PathBuf};

use athanor_core::compare::{TextDiff, diff};

use super::{PATIENCE, place_of};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::run_files;
use crate::store::runs::RunRow;

/// Bytes of a file that are read: more than are compared, so that the rest is said to be there.
const READ: usize = (4 << 20) + 1;

/// What the copy that the queue kept goes by; no absolute path does.
const KEPT: &str = "queue";

/// A config file of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// What it is asked for by.
    pub id: String,
    /// What people know it by.
    pub label: String,
    /// Bytes.
    pub size: u64,
    /// It is the text that the queue kept when the experiment was submitted.
    pub kept: bool,
}

/// The config files of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configs {
    /// The run.
    pub uid: String,
    /// Those that are there, on disk before the queue's copy.
    pub files: Vec<Config>,
    /// The id of the one that is compared if nobody says otherwise.
    pub chosen: Option<String>,
    /// Why there is none.
    pub problem: Option<String>,
}

/// What differs between two named texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Name of the old text.
    pub old: String,
    /// Name of the new text.
    pub new: String,
    /// What differs.
    pub diff: TextDiff,
}

impl Engine {
    /// The config files of runs, in their order.
    ///
    /// # Errors
    /// There are no such runs, or the store can't be read.
    pub async fn compared_configs(&self, uids: &[String], baseline: Option<&str>) -> Result<Vec<Configs>> {
        let mut all: Vec<Configs> = Vec::with_capacity(uids.len());
        let rows = self.compared_runs(uids, 1).await?;
        let baseline = place_of(&rows, baseline)?;
        for run in rows {
            let facts = self.runs().store().files_of_run(run.id).await?;
            let listed: Vec<PathBuf> = facts
                .into_iter()
                .filter(|facts| facts.role == "config")
                .map(|facts| facts.path.into())
                .collect();
            let named = listed.len();
            let looked = tokio::task::spawn_blocking(move || {
                let size = |path: &PathBuf| {
                    std::fs::metadata(path).ok().filter(|it| it.is_file()).map(|it| it.len())
                };
                listed.into_iter().filter_map(|path| Some((size(&path)?, path))).collect::<Vec<_>>()
            });
            let there = match tokio::time::timeout(PATIENCE, looked).await {
                Ok(there) => there?,
                Err(_) => Vec::new(),
            };
            let mut files: Vec<Config> = there
                .into_iter()
                .map(|(size, path)| Config {
                    id: path.display().to_string(),
                    label: short(&run, &path),
                    size,
                    kept: false,
                })
                .collect();
            files.extend(self.kept(&run).await?.map(|(label, text)| Config {
                id: KEPT.into(),
                label,
                size: text.len() as u64,
                kept: true,
            }));
            let problem = files.is_empty().then(|| match (named, run.missing) {
                (0, _) => "None of its files is a config: its settings stand in the files of its metrics, or nowhere.".into(),
                (_, true) => "Its files are gone; the settings that were read of them are kept.".to_owned(),
                _ => "Its config files are gone, or their folder does not answer.".into(),
            });
            all.push(Configs { uid: run.uid, files, chosen: None, problem });
        }
        let first = all[baseline].files.first().cloned();
        for configs in &mut all {
            configs.chosen = likest(first.as_ref(), &configs.files).map(|file| file.id.clone());
        }
        Ok(all)
    }

    /// What differs between a config file of one run and one of another.
    ///
    /// # Errors
    /// There is no such run or file, or it can't be read.
    pub async fn compare_configs(
        &self,
        old: (&str, &str),
        new: (&str, &str),
        context: Option<usize>,
    ) -> Result<Named> {
        let (old_label, old) = self.config_text(old).await?;
        let (new_label, new) = self.config_text(new).await?;
        let diff = tokio::task::spawn_blocking(move || diff(&old, &new, context)).await?;
        Ok(Named { old: old_label, new: new_label, diff })
    }

    /// A config file's name and text. Only what the index knows to be a config of the run is opened.
    async fn config_text(&self, (uid, id): (&str, &str)) -> Result<(String, String)> {
        let run = self.runs().store().find_run(uid).await?;
        let gone = || {
            Error::new(ErrorKind::NotFound, format!("“{}” has no config file {id}", run.name))
                .in_field("file")
                .hint("It may have been moved or removed since it was listed.")
        };
        if id == KEPT {
            let (label, text) = self.kept(&run).await?.ok_or_else(gone)?;
            return Ok((format!("{}: {label}", run.name), text));
        }
        let facts = self.runs().store().files_of_run(run.id).await?;
        let known =
            facts.into_iter().find(|facts| facts.role == "config" && facts.path == id).ok_or_else(gone)?;
        let path = PathBuf::from(known.path);
        let label = format!("{}: {}", run.name, short(&run, &path));
        let bytes = self.head_of(&run, path, READ).await?;
        Ok((label, String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// The beginning of a file of a run.
    pub(super) async fn head_of(&self, run: &RunRow, path: PathBuf, max: usize) -> Result<Vec<u8>> {
        let root = PathBuf::from(&run.folder);
        let shown = path.display().to_string();
        let read = tokio::task::spawn_blocking(move || match path.strip_prefix(&root) {
            Ok(inside) => run_files::head(&root, &inside.to_string_lossy(), max),
            Err(_) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                run_files::head(path.parent().unwrap_or(Path::new("/")), &name, max)
            }
        });
        match tokio::time::timeout(PATIENCE, read).await {
            Ok(bytes) => bytes?,
            Err(_) => Err(Error::new(ErrorKind::Path, format!("{shown} does not answer"))
                .hint("Its file system may be a server that is not reached now.")),
        }
    }

    /// The config of a run's experiment as it was when that was submitted, with its name.
    async fn kept(&self, run: &RunRow) -> Result<Option<(String, String)>> {
        let Some(uid) = &run.experiment else { return Ok(None) };
        let Some(row) = self.store().experiment_by_uid(uid).await? else { return Ok(None) };
        let name = row.config_path.as_deref().and_then(|path| Path::new(path).file_name());
        let name = name.map_or_else(|| "config".into(), |name| name.to_string_lossy().into_owned());
        Ok(row.config_text.map(|text| (format!("{name} as it was queued"), text)))
    }
}

/// Of several files the one that is most like another: by its whole name, then by the end of it, then by being the
/// queue's copy; else the first.
fn likest<'a>(other: Option<&Config>, files: &'a [Config]) -> Option<&'a Config> {
    let name = |file: &Config| file.label.rsplit('/').next().unwrap_or(&file.label).to_owned();
    let rank = |file: &&Config| match other {
        Some(other) if file.label == other.label => 0,
        Some(other) if name(file) == name(other) => 1,
        Some(other) if file.kept && other.kept => 2,
        _ => 3,
    };
    files.iter().min_by_key(rank)
}

/// A path within the run's folder; in full elsewhere.
fn short(run: &RunRow, path: &Path) -> String {
    path.strip_prefix(&run.folder).unwrap_or(path).display().to_string()
}
