//! What the queue ran, as runs of the index.
//!
//! A job whose metrics lie in a watch folder is the run there, which is told which attempt it is. Of any other that has
//! metrics the points are brought over from the queue's own store, block by block as they grow. What was not brought
//! over when an engine ended is found at the next start, so nothing is told twice and nothing is lost.

use std::collections::BTreeSet;
use std::time::Duration;

use athanor_core::experiment::JobCommand;
use athanor_core::runs::{End, RunStatus, settings_of_command, settings_of_config};
use athanor_core::series::Summary;
use athanor_core::state::Status;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use super::source::setting;
use crate::bus::{Bus, Push};
use crate::error::{Error, ErrorKind, Result};
use crate::home::{host_name, now_ms};
use crate::store::runs::{Clock, FileRow, KnownFile, Link, NewFile, NewRun, RunStore, Said};
use crate::store::{AttemptRow, ExperimentRow, Store};

/// How long changes are gathered.
const GATHER: Duration = Duration::from_millis(200);

/// The format of a run that is in the index because the queue ran it.
const QUEUE: &str = "queue";

/// Follows the queue until the engine stops.
pub(super) fn start(queue: Store, index: RunStore, bus: &Bus) -> tokio::task::JoinHandle<()> {
    let listener = bus.listen();
    tokio::spawn(Jobs { queue, index, bus: bus.clone(), changed: BTreeSet::new() }.run(listener))
}

struct Jobs {
    queue: Store,
    index: RunStore,
    bus: Bus,
    /// Experiments whose runs are to be looked at, by uid.
    changed: BTreeSet<String>,
}

impl Jobs {
    async fn run(mut self, mut listener: Receiver<Push>) {
        self.find_missing().await;
        let mut at: Option<Instant> = None;
        loop {
            let due = async {
                match at {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                push = listener.recv() => match push {
                    Ok(Push::Run { uid, .. }) => {
                        self.changed.insert(uid);
                    }
                    // One without metrics is no run; whether it has some is looked up when it is due.
                    Ok(Push::Queue { experiment: Some(row), .. })
                        if row.attempt > 0 && !row.live.metrics.is_empty() =>
                    {
                        self.changed.insert(row.uid);
                    }
                    Ok(Push::Stopped) | Err(RecvError::Closed) => return,
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => self.find_missing().await,
                },
                () = due => {
                    at = None;
                    for uid in std::mem::take(&mut self.changed) {
                        if let Err(error) = self.bring(&uid).await {
                            tracing::warn!(%error, uid, "what a job measured could not be brought into the index");
                        }
                    }
                }
            }
            if !self.changed.is_empty() && at.is_none() {
                at = Some(Instant::now() + GATHER);
            }
        }
    }

    /// Notes the experiments whose metrics were not brought over, or that have ended since.
    async fn find_missing(&mut self) {
        let found = async {
            let linked = self.index.linked_attempts().await?;
            let known: BTreeSet<(&str, u32)> =
                linked.iter().map(|(uid, attempt, _)| (uid.as_str(), *attempt)).collect();
            let open = linked
                .iter()
                .filter(|(_, _, status)| RunStatus::from_name(status).is_some_and(RunStatus::is_open));
            let mut all: BTreeSet<String> = open.map(|(uid, ..)| uid.clone()).collect();
            for (uid, attempt) in self.queue.measured_attempts().await? {
                if !known.contains(&(uid.as_str(), attempt)) {
                    all.insert(uid);
                }
            }
            Ok::<_, Error>(all)
        };
        match found.await {
            Ok(all) => self.changed.extend(all),
            Err(error) => tracing::warn!(%error, "the queue's runs could not be compared with the index"),
        }
    }

    /// Brings an experiment's runs up to date.
    async fn bring(&self, uid: &str) -> Result<()> {
        let Some(row) = self.queue.experiment_by_uid(uid).await? else { return Ok(()) };
        let mut told = Vec::new();
        let mut structure = false;
        for attempt in self.queue.attempts(row.id).await? {
            if let Some((run, new)) = self.bring_attempt(&row, &attempt).await? {
                told.extend(self.index.uid_of(run).await?);
                structure |= new;
                if attempt.ended_at.is_some() {
                    super::commit::settle(&self.index, run, true).await?;
                }
            }
        }
        if !told.is_empty() {
            let revision = self.index.revision().await?;
            self.bus.publish(Push::Runs { uids: told, structure, revision });
        }
        Ok(())
    }

    /// Brings an attempt over, if it has measured anything; answers its run, and whether it is new.
    async fn bring_attempt(&self, row: &ExperimentRow, attempt: &AttemptRow) -> Result<Option<(i64, bool)>> {
        let series = self.queue.series(row.id, attempt.number).await?;
        if series.is_empty() {
            return Ok(None);
        }
        let sources = self.queue.sources(row.id, attempt.number).await?;
        let status = match attempt.status {
            Status::Paused => RunStatus::Paused,
            Status::Completed => RunStatus::Completed,
            Status::Failed | Status::Expired => RunStatus::Failed,
            Status::Cancelled => RunStatus::Cancelled,
            Status::Pending | Status::Queued | Status::Running => RunStatus::Running,
        };
        let link =
            Link { experiment: &row.uid, attempt: attempt.number, status, finished_at: attempt.ended_at };
        let own = self.index.run_of_attempt(&row.uid, attempt.number).await?;
        for source in &sources {
            let Some(watched) = self.index.watched_run_with(&source.path).await? else { continue };
            let mut tx = self.index.begin_lightly().await?;
            let revision = self.index.next_revision(&mut tx).await?;
            self.index.link(&mut tx, watched, link, revision).await?;
            if let Some(own) = own {
                self.index.drop_run(&mut tx, own).await?;
            }
            tx.commit().await?;
            return Ok(Some((watched, own.is_some())));
        }
        let run = self.copy(row, attempt, link, &series, &sources).await?;
        Ok(Some((run, own.is_none())))
    }

    /// Copies what is new of an attempt's points.
    async fn copy(
        &self,
        row: &ExperimentRow,
        attempt: &AttemptRow,
        link: Link<'_>,
        series: &[crate::store::SeriesRow],
        sources: &[crate::store::SourceRow],
    ) -> Result<i64> {
        let now = now_ms();
        let mut tx = self.index.begin_lightly().await?;
        let revision = self.index.next_revision(&mut tx).await?;
        let part = format!("{}/{}", row.uid, attempt.number);
        let new = NewRun {
            watch: None,
            folder: &row.cwd,
            part: &part,
            format: QUEUE,
            project: row.project.as_deref(),
            group: row.group.as_deref(),
            name: &row.name,
            now,
        };
        let (run, _) = self.index.put_run(&mut tx, &new, revision).await?;
        self.index.link(&mut tx, run, link, revision).await?;
        let path = sources.first().map_or(row.cwd.as_str(), |source| source.path.as_str());
        let file = NewFile { path, format: QUEUE, role: "metrics", prefix: "" };
        let file = self.index.put_member(&mut tx, run, file, 0).await?.id;
        // A file that was written anew may have lost points: all are brought again.
        let generation = 1 + sources.iter().map(|source| source.generation).sum::<i64>();
        if self.index.generation(&mut tx, file).await? != generation {
            self.index.clear_series(&mut tx, file).await?;
        }
        for (position, one) in (0..).zip(series) {
            let key = self.index.metric_key(&mut tx, &one.key).await?;
            let known = self.index.series_at(&mut tx, file, key).await?;
            // The last block may have grown.
            let from = known.and_then(|(_, last)| last).unwrap_or(0);
            let blocks = self.queue.chunks_from(one.id, from).await?;
            if blocks.is_empty() {
                continue;
            }
            let whole = crate::store::total(&self.queue.summaries(one.id).await?)?;
            let place = (file, generation, key, run);
            let id = self.index.put_series(&mut tx, place, position, &whole).await?;
            for block in blocks {
                let summary = Summary::from_bytes(&block.summary).map_err(|cause| {
                    Error::new(ErrorKind::Damaged, format!("a block of {} can't be read: {cause}", one.key))
                })?;
                let sealed = summary.count == athanor_core::series::CHUNK_POINTS as u64;
                let number = block.number.unsigned_abs();
                self.index.put_block(&mut tx, id, (number, sealed), &summary, &block.data, None).await?;
            }
            self.index.refresh_metric(&mut tx, run, key).await?;
        }
        self.put_facts(&mut tx, row, attempt, (run, file, generation), path, sources).await?;
        let clock = Clock { now, stale_after: i64::MAX };
        self.index.refresh_run(&mut tx, run, clock, true, revision).await?;
        tx.commit().await?;
        Ok(run)
    }

    /// What the queue knows of a run: its name, times and settings.
    async fn put_facts(
        &self,
        tx: &mut crate::store::Tx,
        row: &ExperimentRow,
        attempt: &AttemptRow,
        (run, file, generation): (i64, i64, i64),
        path: &str,
        sources: &[crate::store::SourceRow],
    ) -> Result<()> {
        let said = Said {
            name: Some(row.name.clone()),
            project: row.project.clone(),
            group: row.group.clone(),
            tags: row.tags.clone(),
            notes: (!row.notes.is_empty()).then(|| row.notes.clone()),
            started: Some(attempt.started_at),
            ended: attempt.ended_at,
            end: match attempt.status {
                Status::Completed => Some(End::Completed),
                Status::Failed | Status::Expired => Some(End::Failed),
                Status::Cancelled => Some(End::Cancelled),
                _ => None,
            },
            host: Some(host_name()),
            modified: attempt.ended_at.or_else(|| Some(now_ms())),
            ..Said::default()
        };
        let known = KnownFile {
            id: file,
            run_id: run,
            path: path.to_owned(),
            format: QUEUE.into(),
            role: "metrics".into(),
            prefix: String::new(),
            device: 0,
            inode: 0,
            size: sources.iter().map(|source| source.offset).sum(),
            modified_ns: 0,
        };
        let mut kept = FileRow::new(known);
        kept.generation = generation;
        kept.facts = serde_json::to_string(&said).unwrap_or_else(|_| "{}".into());
        self.index.put_file(tx, &kept).await?;
        let mut settings = row.config_text.as_deref().map(settings_of_config).unwrap_or_default();
        let words: Vec<String> = match &row.command {
            JobCommand::Argv(argv) => argv.clone(),
            JobCommand::Shell(line) => line.split_whitespace().map(str::to_owned).collect(),
        };
        settings.extend(settings_of_command(&words));
        self.index.clear_settings(tx, run, file).await?;
        for (name, value) in settings {
            let key = self.index.config_key(tx, &name).await?;
            self.index.put_setting(tx, (run, file, key), &setting(name, &value)).await?;
        }
        Ok(())
    }
}
