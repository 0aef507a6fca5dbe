//! Keeps what is offered to run in step with the projects' folders: a script that the user has just written can be
//! started from the window without asking again.
//!
//! Only the folders themselves are watched, not what lies below them. Where the kernel tells nothing (network file
//! systems), suggestions are as old as the last time that somebody asked.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use crate::bus::{Bus, Push};
use crate::store::{ProjectRow, Store};

/// How long changes are gathered: an editor writes a file in several steps.
const GATHER: Duration = Duration::from_millis(300);

/// Watches the folders of projects. Dropping it ends the watch.
#[derive(Debug)]
pub(crate) struct ProjectWatch {
    watcher: Mutex<Option<RecommendedWatcher>>,
    watched: Mutex<HashSet<PathBuf>>,
    task: tokio::task::JoinHandle<()>,
}

impl ProjectWatch {
    /// Begins with no folder.
    pub fn start(bus: Bus, store: Store) -> Self {
        let changed = Arc::new(Notify::new());
        let waker = changed.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| changes_names(&event.kind)) {
                waker.notify_one();
            }
        });
        let watcher = watcher.inspect_err(|error| tracing::warn!(%error, "no file events for projects")).ok();
        let task = tokio::spawn(async move {
            loop {
                changed.notified().await;
                tokio::time::sleep(GATHER).await;
                match store.projects().await {
                    Ok(projects) => bus.publish(Push::Projects(projects)),
                    Err(error) => tracing::warn!(%error, "the projects could not be read"),
                }
            }
        });
        Self { watcher: Mutex::new(watcher), watched: Mutex::new(HashSet::new()), task }
    }

    /// Watches the folders of these projects, and no others. Blocks on the disk.
    pub fn follow(&self, projects: &[ProjectRow]) {
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(watcher) = watcher.as_mut() else { return };
        let wanted: HashSet<PathBuf> =
            projects.iter().map(|project| PathBuf::from(&project.folder)).collect();
        for gone in watched.difference(&wanted) {
            // Fails where the folder itself is gone, and its watch with it.
            let _ = watcher.unwatch(gone);
        }
        watched.retain(|folder| wanted.contains(folder));
        for folder in wanted {
            if watched.contains(&folder) {
                continue;
            }
            match watcher.watch(&folder, RecursiveMode::NonRecursive) {
                Ok(()) => drop(watched.insert(folder)),
                Err(error) => tracing::debug!(%error, folder = %folder.display(), "a project is not watched"),
            }
        }
    }
}

impl Drop for ProjectWatch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Whether a file appeared, went or was renamed; what is read and written says nothing about what could be run.
fn changes_names(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::Create(_) | EventKind::Remove(_) | EventKind::Modify(notify::event::ModifyKind::Name(_))
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home::Home;

    #[tokio::test]
    async fn a_new_script_is_told_and_a_forgotten_folder_is_not() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let home = Home::at(dir.path().join("home"));
        home.create().expect("folders");
        let store = Store::open(&home).await.expect("opens").store;
        let bus = Bus::default();
        let mut pushes = bus.listen();
        let watch = ProjectWatch::start(bus, store);
        let folder = dir.path().join("project");
        std::fs::create_dir(&folder).expect("made");
        let project = ProjectRow { name: "p".into(), folder: folder.display().to_string(), demo: false };
        watch.follow(std::slice::from_ref(&project));
        std::fs::write(folder.join("train.py"), "").expect("written");
        assert!(matches!(pushes.recv().await, Ok(Push::Projects(_))));
        watch.follow(&[]);
        assert!(watch.watched.lock().expect("not poisoned").is_empty());
        watch.follow(&[ProjectRow { folder: "/does/not/exist".into(), ..project }]);
        assert!(watch.watched.lock().expect("not poisoned").is_empty(), "a missing folder is no error");
    }
}
