//! Events and logs of experiments that ended long ago. Metrics, the records of how attempts ended, checkpoints and
//! whatever else jobs have written stay.

use std::path::Path;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::home::now_ms;
use crate::store::{OldLogRow, Settings};

/// Logs that are taken away in one transaction.
const AT_ONCE: usize = 500;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// What may go, or has gone.
#[derive(Debug, Clone)]
pub struct Old {
    /// What ended before this is meant, UTC milliseconds.
    pub before: i64,
    /// Events.
    pub events: u64,
    /// Logs, with their size on disk in bytes.
    pub logs: Vec<(OldLogRow, u64)>,
}

impl Engine {
    /// What may be cleaned up: older than so many days, or than the setting says. Changes nothing.
    ///
    /// # Errors
    /// The number of days is out of range, or the store refuses.
    pub async fn old(&self, days: Option<u32>) -> Result<Old> {
        let before = now_ms() - self.keep(days)? * DAY_MS;
        let events = self.store().old_events(before).await?;
        let mut logs = Vec::new();
        let home = self.home().clone();
        let rows = self.store().old_logs(before).await?;
        let sized = tokio::task::spawn_blocking(move || {
            for row in rows {
                let bytes = log_files(&home.attempt(&row.uid, row.number)).map(|(_, bytes)| bytes).sum();
                logs.push((row, bytes));
            }
            logs
        })
        .await?;
        Ok(Old { before, events, logs: sized })
    }

    /// Takes away what [`Engine::old`] shows, and says what that was.
    ///
    /// # Errors
    /// The number of days is out of range, a file can't be removed, or the store refuses. What was removed until then
    /// is recorded as removed.
    pub async fn clean_up(&self, days: Option<u32>) -> Result<Old> {
        let old = self.old(days).await?;
        let mut events = 0;
        loop {
            let mut tx = self.store().begin().await?;
            let removed = self.store().remove_old_events(&mut tx, old.before).await?;
            tx.commit().await?;
            events += removed;
            if removed == 0 {
                break;
            }
        }
        for part in old.logs.chunks(AT_ONCE) {
            let folders: Vec<_> =
                part.iter().map(|(row, _)| self.home().attempt(&row.uid, row.number)).collect();
            let removed = tokio::task::spawn_blocking(move || {
                for folder in folders {
                    for (path, _) in log_files(&folder) {
                        match std::fs::remove_file(&path) {
                            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                                return Err(Error::path("remove", &path, &cause));
                            }
                            _ => {}
                        }
                    }
                }
                Ok(())
            })
            .await?;
            removed?;
            let mut tx = self.store().begin().await?;
            for (row, _) in part {
                self.store().set_log_removed(&mut tx, row.id, row.number).await?;
            }
            tx.commit().await?;
        }
        Ok(Old { events, ..old })
    }

    fn keep(&self, days: Option<u32>) -> Result<i64> {
        let days = days.unwrap_or_else(|| self.queue().settings().keep_days);
        match days {
            1..=Settings::KEEP_DAYS_MAX => Ok(days.into()),
            _ => Err(Error::invalid("days", "things are kept for 1 to 3,650 days")),
        }
    }
}

/// The files of an attempt's log with their sizes: only those that a supervisor has named so.
fn log_files(folder: &Path) -> impl Iterator<Item = (std::path::PathBuf, u64)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| entry.ok());
    entries.filter_map(|entry| {
        let name = entry.file_name();
        let name = name.to_str()?;
        let segment = name.starts_with("output.") && (name.ends_with(".log") || name.ends_with(".streams"));
        let meta = entry.metadata().ok()?;
        (segment && meta.is_file()).then(|| (entry.path(), meta.len()))
    })
}
