//! Entering what a look has found: runs that came, changed or went, with their files.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use athanor_core::runs::place_names;
use tokio::time::Instant;

use super::commit::Ask;
use super::heads;
use super::keeper::{ENTERED, Keeper, RETRY, Run, Timer, stamp_of};
use super::rest::Rest;
use super::tree::{FoundRun, Looked, Tree};
use crate::error::Result;
use crate::home::now_ms;
use crate::monitor::roots::{stat_pause, walk_pause};
use crate::scan::Problem;
use crate::store::runs::{Entered, NewFile, NewRun, WatchRow};

impl Keeper {
    /// Enters what a look has found.
    pub(super) async fn looked(&mut self, id: i64, tree: Box<Tree>, looked: Looked, all: bool) -> Result<()> {
        let Some(root) = self.roots.get_mut(&id) else { return Ok(()) };
        root.tree = Some(tree);
        root.rest = root.rest.after(Instant::now(), all, looked.took);
        root.walks = root.walks.saturating_add(1);
        let (row, number, walks) = (root.row.clone(), root.id(), root.walks);
        root.problems = looked.problems;
        if let Some(why) = &looked.unreadable {
            // A disk that is not mounted now is no reason to forget what was on it.
            root.problems.push(Problem { path: String::new(), place: None, message: why.clone(), more: 0 });
            root.wanted.all = true;
            root.rest = Rest::of(Instant::now(), RETRY);
            return Ok(());
        }
        let came: Vec<FoundRun> = looked
            .came
            .into_iter()
            .filter(|run| {
                let folder = absolute(&row.path, &run.folder);
                !self.removed.contains(&(folder, run.part.clone()))
            })
            .collect();
        let mut new = Vec::new();
        for found in came {
            match self.entered(id, &found) {
                Some(run) => self.compare(run, &found),
                None => new.push(found),
            }
        }
        let came = new;
        let mut structure = !came.is_empty() || !looked.gone.is_empty();
        for some in came.chunks(ENTERED) {
            self.enter(&row, some).await?;
            self.read(id);
        }
        if !looked.gone.is_empty() {
            let mut tx = self.store.begin_lightly().await?;
            let revision = self.store.next_revision(&mut tx).await?;
            let mut gone = Vec::new();
            for place in &looked.gone {
                let known = self.roots.get(&id).and_then(|root| root.places.get(place).copied());
                if let Some(run) = known {
                    self.store.put_missing(&mut tx, run, revision).await?;
                    gone.push(run);
                }
            }
            tx.commit().await?;
            for run in gone {
                self.drop_run(run);
            }
        }
        structure |= self.looked_databases(id, looked.databases).await?;
        heads::learn(&self.store, &row, looked.learned).await;
        let summary = self.watches.summary(number);
        if summary.polled > 0 {
            self.at(Timer::Walk(id), walk_pause(walks, looked.took));
            if !self.due.contains_key(&Timer::Stat(id)) {
                self.at(Timer::Stat(id), stat_pause(Duration::ZERO));
            }
        }
        if structure {
            self.tell().await;
        }
        self.show(id);
        Ok(())
    }

    /// Enters runs that came or have other files now, and queues those files that are not as they were.
    async fn enter(&mut self, row: &WatchRow, came: &[FoundRun]) -> Result<()> {
        let base = Path::new(&row.path);
        let watch_name = base.file_name().map_or("/".into(), |name| name.to_string_lossy().into_owned());
        let claimed: HashSet<&Path> =
            came.iter().flat_map(|run| &run.files).map(|file| file.path.as_path()).collect();
        let mut tx = self.store.begin_lightly().await?;
        let revision = self.store.next_revision(&mut tx).await?;
        let now = now_ms();
        let places: Vec<(String, Option<String>, String)> = came
            .iter()
            .map(|found| {
                let (group, name) = place_names(&watch_name, &found.folder, &found.part);
                (absolute(&row.path, &found.folder), group, name)
            })
            .collect();
        let new: Vec<(NewRun<'_>, Vec<NewFile<'_>>)> = came
            .iter()
            .zip(&places)
            .map(|(found, (folder, group, name))| {
                let run = NewRun {
                    watch: Some(row.id),
                    folder,
                    part: &found.part,
                    format: found.files.first().map_or("", |file| file.format),
                    project: row.project.as_deref(),
                    group: group.as_deref(),
                    name,
                    now,
                };
                let files = found.files.iter().filter_map(|file| {
                    let (role, prefix) = (role_name(file.member.role), file.member.prefix.as_str());
                    Some(NewFile { path: file.path.to_str()?, format: file.format, role, prefix })
                });
                (run, files.collect())
            })
            .collect();
        let all = self.store.enter_runs(&mut tx, &new, revision).await?;
        let bare: Vec<i64> = all.iter().filter(|it| it.new).map(|it| it.run).collect();
        let mut entered = Vec::new();
        for ((found, (folder, ..)), Entered { run, files, .. }) in came.iter().zip(&places).zip(all) {
            let before = self.runs.get(&run).map(|run| run.files.clone()).unwrap_or_default();
            for other in before.into_iter().filter(|other| !files.iter().any(|known| known.id == *other)) {
                // A file that has vanished keeps its points; one that another run has now takes them along.
                let path = self.files.get(&other).map(|file| PathBuf::from(&file.known.path));
                if path.is_some_and(|path| claimed.contains(path.as_path())) {
                    self.store.drop_member(&mut tx, other).await?;
                }
                self.drop_file(other);
            }
            entered.push((run, folder, found, files));
        }
        tx.commit().await?;
        if let Some(committer) = &self.committer {
            let _ = committer.send(Ask::Came(bare)).await;
        }
        for (run, folder, found, files) in entered {
            if let Some(root) = self.roots.get_mut(&row.id) {
                root.places.insert((found.folder.clone(), found.part.clone()), run);
            }
            let followed = || Run { root: row.id, folder: PathBuf::from(folder), files: Vec::new() };
            self.runs.entry(run).or_insert_with(followed);
            for known in files {
                self.add_file(known, row.id);
            }
            self.compare(run, found);
        }
        Ok(())
    }

    /// Queues those files of a run that are not as they were when they were read.
    fn compare(&mut self, run: i64, found: &FoundRun) {
        for id in self.runs.get(&run).map(|run| run.files.clone()).unwrap_or_default() {
            let Some(followed) = self.files.get(&id) else { continue };
            let path = Path::new(&followed.known.path);
            let now = found.files.iter().find(|file| file.path == path).and_then(|file| file.stamp);
            if now.is_some_and(|now| stamp_of(&followed.known) != now) {
                self.want(id);
            }
        }
    }

    /// The run that is entered with exactly what was found.
    fn entered(&self, root: i64, found: &FoundRun) -> Option<i64> {
        let place = (found.folder.clone(), found.part.clone());
        let id = *self.roots.get(&root)?.places.get(&place)?;
        self.runs.get(&id).filter(|run| self.has_files(run, found)).map(|_| id)
    }

    /// Whether a run is entered with exactly these files.
    fn has_files(&self, run: &Run, found: &FoundRun) -> bool {
        run.files.len() == found.files.len()
            && found.files.iter().all(|file| {
                self.by_path.get(&file.path).is_some_and(|ids| {
                    ids.iter().any(|id| {
                        run.files.contains(id)
                            && self.files.get(id).is_some_and(|it| {
                                it.known.format == file.format
                                    && it.known.prefix == file.member.prefix
                                    && it.known.role == role_name(file.member.role)
                            })
                    })
                })
            })
    }
}

fn absolute(root: &str, folder: &str) -> String {
    if folder.is_empty() { root.to_owned() } else { format!("{}/{folder}", root.trim_end_matches('/')) }
}

fn role_name(role: athanor_core::runs::Role) -> &'static str {
    use athanor_core::runs::Role;
    match role {
        Role::Metrics => "metrics",
        Role::Config => "config",
        Role::Meta => "meta",
        Role::Log => "log",
        Role::Copy => "copy",
    }
}
