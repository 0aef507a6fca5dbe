//! Watch folders that come and go.

use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::Duration;

use athanor_core::runs::printed::Pattern;

use super::Adding;
use super::keeper::Keeper;
use crate::error::{Error, ErrorKind, Result};
use crate::home::now_ms;

/// How long a folder that is to be added may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The folder that a path leads to, if it can be listed. Asked beside the keeper's task, which waits for no disk.
pub(super) async fn real_folder(path: &Path) -> Result<PathBuf> {
    let asked = path.to_owned();
    let real = tokio::task::spawn_blocking(move || {
        let real = asked.canonicalize()?;
        // A file is no folder, and nothing is wrong with it otherwise.
        if std::fs::metadata(&real)?.is_dir() {
            std::fs::read_dir(&real).map(|_| Some(real))
        } else {
            Ok(None)
        }
    });
    match tokio::time::timeout(PATIENCE, real).await {
        Ok(real) => match real? {
            Ok(Some(real)) => Ok(real),
            Ok(None) => {
                let message = format!("{} is a file; name the folder that it lies in", path.display());
                Err(Error::invalid("path", message))
            }
            Err(cause) => Err(Error::path("watch", path, &cause).in_field("path")),
        },
        Err(_) => {
            let seconds = PATIENCE.as_secs();
            let message = format!(
                "could not watch {}: its file system has not answered for {seconds} s",
                path.display()
            );
            Err(Error::new(ErrorKind::Path, message)
                .hint("Perhaps its server hangs. Add the folder again when it answers.")
                .in_field("path"))
        }
    }
}

impl Keeper {
    /// Follows a folder from now on; one that [`real_folder`] answered.
    pub(super) async fn add(&mut self, real: &Path, adding: Adding) -> Result<i64> {
        let text = real.to_str().ok_or_else(|| {
            Error::invalid("path", format!("the name of {} is not UTF-8; rename it", real.display()))
        })?;
        if self.data.starts_with(real) && self.data != real && real.parent().is_none() {
            return Err(Error::invalid("path", "that is the whole file system; name a folder in it"));
        }
        if real.starts_with(&self.data) {
            return Err(Error::invalid(
                "path",
                "that is Athanor's own data folder; name the folder of your runs",
            ));
        }
        let mut inside = Vec::new();
        for row in self.store.watch_folders().await? {
            let other = Path::new(&row.path);
            if other == real {
                return Err(Error::invalid("path", format!("{} is watched already", real.display())));
            }
            if real.starts_with(other) {
                let message =
                    format!("{} lies in {}, which is watched already", real.display(), other.display());
                return Err(Error::invalid("path", message));
            }
            if other.starts_with(real) {
                inside.push(row.id);
            }
        }
        let mut tx = self.store.begin().await?;
        let now = now_ms();
        let what = (text, adding.project.as_deref(), adding.pattern.as_ref().map(Pattern::text));
        let id = self.store.add_watch(&mut tx, what, &inside, now).await?;
        tx.commit().await?;
        for other in inside {
            self.leave(other);
        }
        if !self.follows {
            return Ok(id);
        }
        let rows = self.store.watch_folders().await?;
        let row = rows.into_iter().find(|row| row.id == id);
        let row =
            row.ok_or_else(|| Error::new(ErrorKind::Internal, "the watch folder that was added is gone"))?;
        self.follow(row).await?;
        self.tell().await;
        Ok(id)
    }

    /// Forgets a watch folder with its runs.
    pub(super) async fn remove(&mut self, id: i64) -> Result<()> {
        if !self.store.watch_folders().await?.iter().any(|row| row.id == id) {
            return Err(Error::new(ErrorKind::NotFound, format!("there is no watch folder {id}"))
                .hint("“athanor watch ls” lists them."));
        }
        let mut tx = self.store.begin().await?;
        self.store.next_revision(&mut tx).await?;
        self.store.remove_watch(&mut tx, id).await?;
        tx.commit().await?;
        self.leave(id);
        self.tell().await;
        Ok(())
    }

    /// Follows a watch folder no more.
    fn leave(&mut self, id: i64) {
        let Some(root) = self.roots.remove(&id) else { return };
        self.watches.release(root.id());
        let runs: Vec<i64> =
            self.runs.iter().filter(|(_, run)| run.root == id).map(|(run, _)| *run).collect();
        for run in runs {
            self.drop_run(run);
        }
        self.databases.leave(id);
        self.states.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}
