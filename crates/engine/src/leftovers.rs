//! Folders of deleted experiments that are still there because an engine ended between the deletion and the removal.
//!
//! *Invariant:* nothing is removed but a folder below `attempts` whose name is the uid of an experiment that the store
//! knows to have been deleted. Such a uid is never given again.

use std::io;
use std::path::Path;

use athanor_core::experiment::Uid;
use tokio::task::JoinHandle;

use crate::error::Result;
use crate::home::Home;
use crate::store::Store;

/// Folders that are removed between two looks at the store.
const AT_A_TIME: u32 = 200;

/// The sweep at the start of an engine. Dropping it ends it where it is; the next engine goes on.
#[derive(Debug)]
pub(crate) struct Sweep(JoinHandle<()>);

impl Drop for Sweep {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Sweep {
    /// Begins to sweep, in the background.
    pub fn start(home: Home, store: Store) -> Self {
        Self(tokio::spawn(async move {
            if let Err(error) = sweep(&home, &store).await {
                tracing::warn!(%error, "folders of deleted experiments may be left; the next start looks again");
            }
        }))
    }
}

async fn sweep(home: &Home, store: &Store) -> Result<()> {
    let mut last = String::new();
    loop {
        let uids = store.leftovers(&last, AT_A_TIME).await?;
        let Some(newest) = uids.last().cloned() else { return Ok(()) };
        last = newest;
        let attempts = home.attempts();
        let gone = tokio::task::spawn_blocking(move || {
            uids.into_iter().filter(|uid| remove(&attempts, uid)).collect::<Vec<_>>()
        });
        let mut tx = store.begin_lightly().await?;
        for uid in gone.await? {
            store.set_folder_gone(&mut tx, &uid).await?;
        }
        tx.commit().await?;
    }
}

/// Removes the folder of a deleted experiment; whether it is gone.
fn remove(attempts: &Path, uid: &str) -> bool {
    if uid.parse::<Uid>().is_err() {
        return false;
    }
    let folder = attempts.join(uid);
    let removed = match std::fs::symlink_metadata(&folder) {
        // What is no folder is none of ours.
        Ok(meta) if !meta.is_dir() => return false,
        Ok(_) => std::fs::remove_dir_all(&folder),
        Err(cause) => Err(cause),
    };
    match removed {
        Ok(()) => {
            tracing::info!(uid, "the folder of a deleted experiment was left, and is gone now");
            true
        }
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => true,
        Err(cause) => {
            tracing::warn!(%cause, folder = %folder.display(), "the folder of a deleted experiment stays");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_that_bear_a_uid_are_removed() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let (attempts, outside) = (dir.path().join("attempts"), dir.path().join("outside"));
        std::fs::create_dir_all(attempts.join("20261121_a1b2/1")).expect("made");
        std::fs::write(attempts.join("20261121_a1b2/1/output.log"), "x").expect("written");
        std::fs::create_dir(&outside).expect("made");
        std::fs::write(outside.join("precious"), "x").expect("written");
        std::os::unix::fs::symlink(&outside, attempts.join("20261121_b1b2")).expect("linked");
        assert!(remove(&attempts, "20261121_a1b2"));
        assert!(remove(&attempts, "20261121_a1b2"), "one that is gone is gone");
        assert!(!attempts.join("20261121_a1b2").exists());
        assert!(!remove(&attempts, "20261121_b1b2"), "a link is not followed");
        assert!(!remove(&attempts, "../outside") && !remove(&attempts, "") && !remove(&attempts, "."));
        assert!(outside.join("precious").exists() && attempts.exists());
    }
}
