//! Watch folders that come and go.

use std::path::Path;
use std::sync::PoisonError;

use athanor_core::runs::printed::Pattern;

use super::Adding;
use super::keeper::Keeper;
use crate::error::{Error, ErrorKind, Result};
use crate::home::now_ms;

impl Keeper {
    /// Follows a folder from now on.
    pub(super) async fn add(&mut self, path: &Path, adding: Adding) -> Result<i64> {
        let asked = path.to_owned();
        let real = tokio::task::spawn_blocking(move || {
            let real = asked.canonicalize()?;
            std::fs::read_dir(&real).map(|_| real)
        });
        let real = real.await?.map_err(|cause| Error::path("watch", path, &cause).in_field("path"))?;
        let text = real.to_str().ok_or_else(|| {
            Error::invalid("path", format!("the name of {} is not UTF-8; rename it", real.display()))
        })?;
        if self.data.starts_with(&real) && self.data != real && real.parent().is_none() {
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
            if other.starts_with(&real) {
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
