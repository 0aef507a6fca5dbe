//! What became of the attempts of an earlier engine.

use std::path::PathBuf;

use super::actor::Actor;
use super::write;
use crate::error::Result;
use crate::home::now_ms;
use crate::runner::{self, Ended, Found};
use crate::store::ExperimentRow;

impl Actor {
    /// Looks at every attempt that has no recorded end: it goes on, has ended, or never started.
    ///
    /// An attempt whose folder can't be read stays as it is: nothing is guessed, and the next start looks again. Only
    /// what the machine's restart ended is over for certain; a power cut may have left its record without its text.
    pub(super) async fn recover(&mut self) -> Result<()> {
        self.restore_usage().await?;
        for (row, _) in self.parts.store.active().await? {
            let folder = self.parts.home.attempt(&row.uid, row.attempt);
            match look(folder, &row).await {
                Ok(Found::Running { shim, process }) => {
                    tracing::info!(uid = row.uid, attempt = row.attempt, "found running");
                    if let Some((pid, start, boot)) = process {
                        self.roots.insert(pid, row.id);
                        let mut tx = self.parts.store.begin().await?;
                        self.parts
                            .store
                            .set_process(&mut tx, row.id, row.attempt, (pid, start, &boot))
                            .await?;
                        tx.commit().await?;
                    }
                    self.rejoin(&row, shim);
                }
                Ok(Found::Over(ended)) => self.over(&row, &ended).await?,
                Err(error) if restarted_since(&row) => {
                    tracing::warn!(%error, uid = row.uid, "an attempt's record did not survive the restart");
                    self.over(&row, &runner::restarted()).await?;
                }
                Err(error) => tracing::error!(%error, uid = row.uid, "an attempt's folder could not be read"),
            }
        }
        Ok(())
    }

    async fn over(&mut self, row: &ExperimentRow, ended: &Ended) -> Result<()> {
        tracing::info!(uid = row.uid, attempt = row.attempt, ?ended, "ended while nobody ran");
        let mut tx = self.parts.store.begin().await?;
        self.ended(&mut tx, row.id, row.attempt, ended).await?;
        self.settle(&mut tx).await?;
        tx.commit().await?;
        write(&self.view).stand();
        self.do_afterwards();
        self.publish().await;
        Ok(())
    }
}

/// Whether the machine was started after this attempt was, so that nothing of it can be alive.
fn restarted_since(row: &ExperimentRow) -> bool {
    let up = std::fs::read_to_string("/proc/uptime").ok();
    let seconds = up.and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
    let (Some(seconds), Some(started)) = (seconds, row.started_at) else { return false };
    #[expect(clippy::cast_possible_truncation, reason = "a machine is not up for millions of years")]
    let up_ms = (seconds * 1000.0) as i64;
    // A clock that was set in between may be off by a little.
    started < now_ms().saturating_sub(up_ms).saturating_sub(60_000)
}

async fn look(folder: PathBuf, row: &ExperimentRow) -> Result<Found> {
    let program = row.command.argv().into_iter().next().unwrap_or_default();
    let cwd = row.cwd.clone();
    tokio::task::spawn_blocking(move || runner::find(&folder, &program, &cwd)).await?
}
