//! What the user says of runs, and their removal: from the index, and of their files into the desktop's trash.

use std::path::{Path, PathBuf};

use crate::bus::Push;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::home::now_ms;
use crate::store::runs::{RunEdit, RunRow};
use crate::submit::check_tags;

/// Characters of notes.
const NOTES: usize = 2_000;

/// Files that a plan names.
const NAMED: usize = 1_000;

/// Names of a folder that are counted.
const COUNTED: usize = 100_000;

/// A change of what the user says of runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunChange {
    /// Tags that they are to have.
    pub add: Vec<String>,
    /// Tags that they are not to have.
    pub remove: Vec<String>,
    /// Their notes.
    pub notes: Option<String>,
}

/// What goes when a run's files are removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removal {
    /// What is put into the trash: a folder, or files.
    pub paths: Vec<PathBuf>,
    /// Whether it is the run's whole folder.
    pub whole: bool,
    /// The files that go, the first thousand.
    pub files: Vec<PathBuf>,
    /// How many they are.
    pub count: u64,
    /// Bytes.
    pub size: u64,
}

impl Engine {
    /// Changes what the user says of runs, run by run, all in one transaction.
    ///
    /// # Errors
    /// A tag or the notes are not acceptable, or the store refuses; then nothing is changed. What is wrong with one of
    /// the runs stands in its place.
    pub async fn edit_runs(&self, uids: &[String], change: &RunChange) -> Result<Vec<Result<()>>> {
        let tags: Vec<String> = change.add.iter().map(|tag| tag.trim().to_owned()).collect();
        if tags.iter().any(String::is_empty) {
            return Err(Error::invalid("tags_add", "a tag has at least one character"));
        }
        check_tags(&tags).map_err(|error| error.in_field("tags_add"))?;
        if change.notes.as_ref().is_some_and(|notes| notes.chars().count() > NOTES) {
            return Err(Error::invalid("notes", format!("notes have at most {NOTES} characters")));
        }
        let store = self.runs().store();
        let mut found = Vec::with_capacity(uids.len());
        for uid in uids {
            found.push(store.find_run(uid).await);
        }
        let mut tx = store.begin().await?;
        let revision = store.next_revision(&mut tx).await?;
        let (mut outcomes, mut changed) = (Vec::with_capacity(found.len()), Vec::new());
        for run in found {
            outcomes.push(match run {
                Err(error) => Err(error),
                Ok(run) => {
                    let mut edit = RunEdit { tags: None, notes: change.notes.clone() };
                    if !tags.is_empty() || !change.remove.is_empty() {
                        let mut own = store.tags_of(&mut tx, run.id).await?.unwrap_or_default();
                        own.retain(|tag| !change.remove.contains(tag));
                        own.extend(tags.iter().filter(|tag| !own.contains(tag)).cloned().collect::<Vec<_>>());
                        check_tags(&own)?;
                        edit.tags = Some(own);
                    }
                    store.edit_run(&mut tx, run.id, &edit, revision).await?;
                    changed.push(run.uid);
                    Ok(())
                }
            });
        }
        tx.commit().await?;
        self.tell_of_runs(changed, false, revision);
        Ok(outcomes)
    }

    /// Takes runs out of the index; their files stay. A look does not bring them back.
    ///
    /// # Errors
    /// The store refuses. What is wrong with one of the runs stands in its place.
    pub async fn remove_runs(&self, uids: &[String]) -> Result<Vec<Result<()>>> {
        let store = self.runs().store();
        let mut outcomes = Vec::with_capacity(uids.len());
        let mut gone = Vec::new();
        for uid in uids {
            outcomes.push(match store.find_run(uid).await {
                Ok(run) => {
                    gone.push(run);
                    Ok(())
                }
                Err(error) => Err(error),
            });
        }
        self.forget(gone).await?;
        Ok(outcomes)
    }

    /// What goes when a run's files are removed.
    ///
    /// - Only what lies in the watch folder in which the run was found, links resolved.
    /// - The run's folder as a whole if it is the run's own: nothing else is a run in it, it is not the watch folder
    ///   itself, and no code lies in it. Otherwise the files that were read, without those of other runs.
    ///
    /// # Errors
    /// There is no such run, it is running, none of its files can go, or the store refuses.
    pub async fn removal(&self, uid: &str) -> Result<(RunRow, Removal)> {
        let store = self.runs().store();
        let run = store.find_run(uid).await?;
        let refused =
            |why: &str| Error::new(ErrorKind::IllegalMove, format!("the files of {} stay: {why}", run.name));
        if matches!(run.status.as_str(), "running" | "paused") {
            return Err(refused("it is still running"));
        }
        let watch = match run.watch_id {
            Some(id) => store.watched_path(id).await?,
            None => None,
        };
        let Some(watch) = watch else {
            return Err(refused("they lie in no watch folder"));
        };
        let alone = run.part.is_empty() && store.other_runs_in(run.id, &run.folder).await? == 0;
        let own = store.own_paths_of_run(run.id).await?;
        let folder = PathBuf::from(&run.folder);
        let found = tokio::task::spawn_blocking(move || plan(Path::new(&watch), &folder, alone, &own)).await;
        let found =
            found.map_err(|cause| Error::new(ErrorKind::Internal, format!("the look failed: {cause}")))?;
        match found {
            Ok(removal) if removal.paths.is_empty() => Err(refused("none of them is there")),
            Ok(removal) => Ok((run, removal)),
            Err(error) => Err(error),
        }
    }

    /// Puts a run's files into the desktop's trash and takes the run out of the index. `confirm` is its name, as the user
    /// typed it.
    ///
    /// # Errors
    /// The name is another one, or as [`Engine::removal`]; or the trash can't take them, and then the run stays.
    pub async fn remove_run_files(&self, uid: &str, confirm: &str) -> Result<()> {
        let (run, removal) = self.removal(uid).await?;
        if confirm != run.name {
            let error = Error::invalid("files", format!("“{confirm}” is not the run’s name"));
            return Err(error.hint(format!("Type {} to put its files into the trash.", run.name)));
        }
        let paths = removal.paths;
        let moved = tokio::task::spawn_blocking(move || trash::delete_all(paths)).await;
        let moved =
            moved.map_err(|cause| Error::new(ErrorKind::Internal, format!("the removal failed: {cause}")))?;
        moved.map_err(|cause| {
            Error::new(ErrorKind::Path, format!("the trash did not take the files of {}: {cause}", run.name))
                .hint("Some of them may be in the trash already; the run is still in the index.")
        })?;
        self.forget(vec![run]).await
    }

    async fn forget(&self, gone: Vec<RunRow>) -> Result<()> {
        if gone.is_empty() {
            return Ok(());
        }
        let store = self.runs().store();
        let mut tx = store.begin().await?;
        for run in &gone {
            store.remove_run(&mut tx, run.id, now_ms()).await?;
        }
        tx.commit().await?;
        let revision = store.revision().await?;
        self.runs().forget(gone.iter().map(|run| run.id).collect());
        self.tell_of_runs(gone.into_iter().map(|run| run.uid).collect(), true, revision);
        Ok(())
    }

    fn tell_of_runs(&self, uids: Vec<String>, structure: bool, revision: i64) {
        if !uids.is_empty() {
            self.bus().publish(Push::Runs { uids, structure, revision });
        }
    }
}

/// Names in a folder which say that code lies in it.
fn is_code(name: &str) -> bool {
    [".git", ".hg", ".svn", "pyproject.toml", "setup.py", "requirements.txt", "environment.yml"]
        .contains(&name)
        || [".py", ".ipynb", ".sh"].iter().any(|ending| name.ends_with(ending))
}

fn plan(watch: &Path, folder: &Path, alone: bool, own: &[String]) -> Result<Removal> {
    let resolved = |path: &Path| path.canonicalize().map_err(|cause| Error::path("look at", path, &cause));
    let watch = resolved(watch)?;
    let real = resolved(folder)?;
    let mut removal = Removal::default();
    let holds_code = || {
        let names = std::fs::read_dir(&real).into_iter().flatten().flatten();
        names.into_iter().any(|entry| is_code(&entry.file_name().to_string_lossy()))
    };
    if alone && real != watch && real.starts_with(&watch) && !holds_code() {
        removal.whole = true;
        count(&real, &mut removal);
        removal.paths.push(real);
        return Ok(removal);
    }
    for path in own {
        let path = Path::new(path);
        // The name itself may be a link, which goes then and not what it leads to; its folder must not lead elsewhere.
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { continue };
        let Ok(parent) = parent.canonicalize() else { continue };
        let real = parent.join(name);
        let Ok(metadata) = real.symlink_metadata() else { continue };
        if parent.starts_with(&watch) && !metadata.is_dir() && !removal.paths.contains(&real) {
            note(&real, metadata.len(), &mut removal);
            removal.paths.push(real);
        }
    }
    Ok(removal)
}

fn note(path: &Path, size: u64, removal: &mut Removal) {
    removal.count += 1;
    removal.size += size;
    if removal.files.len() < NAMED {
        removal.files.push(path.to_owned());
    }
}

/// Counts what lies in a folder; links count as themselves.
fn count(folder: &Path, removal: &mut Removal) {
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            if removal.count as usize > COUNTED {
                return;
            }
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                waiting.push(entry.path());
            } else {
                note(&entry.path(), metadata.len(), removal);
            }
        }
    }
    removal.files.sort();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("temporary folder");
        for file in files {
            let path = dir.path().join(file);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, b"1234").expect("written");
        }
        dir
    }

    fn planned(dir: &Path, watch: &str, folder: &str, alone: bool, own: &[&str]) -> (bool, Vec<String>) {
        let real = dir.canonicalize().expect("there");
        let own: Vec<String> = own.iter().map(|file| dir.join(file).display().to_string()).collect();
        let removal = plan(&dir.join(watch), &dir.join(folder), alone, &own).expect("planned");
        assert_eq!(removal.count as usize, removal.files.len());
        assert_eq!(removal.size, removal.count * 4);
        let below = |path: &PathBuf| path.strip_prefix(&real).expect("inside").display().to_string();
        (removal.whole, removal.paths.iter().map(below).collect())
    }

    #[test]
    fn only_what_is_the_runs_own_goes() {
        let dir = tree(&[
            "w/a/metrics.csv",
            "w/a/ckpt/last.pt",
            "w/code/train.py",
            "w/code/log.csv",
            "w/top.csv",
            "out/x.csv",
        ]);
        let at = dir.path();
        assert_eq!(planned(at, "w", "w/a", true, &["w/a/metrics.csv"]), (true, vec!["w/a".into()]));
        assert_eq!(
            planned(at, "w", "w/a", false, &["w/a/metrics.csv"]),
            (false, vec!["w/a/metrics.csv".into()])
        );
        // Beside code nothing but what was read.
        assert_eq!(
            planned(at, "w", "w/code", true, &["w/code/log.csv"]),
            (false, vec!["w/code/log.csv".into()])
        );
        // Never the watch folder itself.
        assert_eq!(
            planned(at, "w", "w", true, &["w/top.csv", "w/gone.csv"]),
            (false, vec!["w/top.csv".into()])
        );
        // Never what lies outside.
        assert_eq!(planned(at, "w", "out", true, &["out/x.csv"]), (false, vec![]));
    }

    #[test]
    fn a_link_leads_nowhere_else() {
        let dir = tree(&["w/keep.csv", "out/run/metrics.csv"]);
        let at = dir.path();
        std::os::unix::fs::symlink(at.join("out/run"), at.join("w/run")).expect("linked");
        assert_eq!(planned(at, "w", "w/run", true, &["w/run/metrics.csv"]), (false, vec![]));
    }
}
