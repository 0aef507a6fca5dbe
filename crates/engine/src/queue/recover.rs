//! What became of the attempts of an earlier engine.

use std::path::PathBuf;

use super::actor::Actor;
use crate::error::Result;
use crate::runner::{self, Found};
use crate::store::ExperimentRow;

impl Actor {
    /// Looks at every attempt that has no recorded end: it goes on, has ended, or never started.
    ///
    /// An attempt whose folder can't be read stays as it is: nothing is guessed, and the next start looks again.
    pub(super) async fn recover(&mut self) -> Result<()> {
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
                Ok(Found::Over(ended)) => {
                    tracing::info!(uid = row.uid, attempt = row.attempt, ?ended, "ended while nobody ran");
                    let mut tx = self.parts.store.begin().await?;
                    self.ended(&mut tx, row.id, row.attempt, &ended).await?;
                    self.settle(&mut tx).await?;
                    tx.commit().await?;
                    self.do_afterwards();
                    self.publish().await;
                }
                Err(error) => tracing::error!(%error, uid = row.uid, "an attempt's folder could not be read"),
            }
        }
        Ok(())
    }
}

async fn look(folder: PathBuf, row: &ExperimentRow) -> Result<Found> {
    let program = row.command.argv().into_iter().next().unwrap_or_default();
    let cwd = row.cwd.clone();
    tokio::task::spawn_blocking(move || runner::find(&folder, &program, &cwd)).await?
}
