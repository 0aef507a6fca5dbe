//! Writes what was read into the index: all that waits goes into one transaction.
//!
//! Thousands of small files are read side by side, and a commit costs more than what most of them hold. Pieces of one
//! file come in their order; after one that could not be written, those that follow it are refused until its reader has
//! begun anew from what is stored.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use athanor_core::series::{Points, decode_chunk, median};
use tokio::sync::{mpsc, oneshot};

use super::source::{Before, Piece};
use crate::bus::{Bus, Push};
use crate::error::{Error, ErrorKind, Result};
use crate::home::now_ms;
use crate::store::Tx;
use crate::store::runs::{Clock, DatabaseRow, RunStore};

/// Blocks and rows of one transaction, about, in bytes: whoever wants to write meanwhile waits for it.
const ENOUGH: usize = 8 << 20;

/// Pieces of one transaction.
const PIECES: usize = 256;

/// From one telling of listeners to the next, while there is always something.
pub(super) const PACE: Duration = Duration::from_millis(100);

/// More changed runs than this are not named one by one.
pub(super) const NAMED: usize = 200;

/// Generations of a file that are kept beside the newest.
const KEPT_BEFORE: usize = 8;

/// What the committer is asked.
pub(super) enum Ask {
    /// Write a piece; answers whether it was.
    Write(Box<Piece>, oneshot::Sender<Result<()>>),
    /// Write what a database told, all of it or nothing; answers whether it was.
    Told(Box<Told>, oneshot::Sender<Result<()>>),
    /// These runs are new: nothing is stored of them.
    Came(Vec<i64>),
    /// A reader of this file begins anew from what is stored.
    Forgive(i64),
    /// See whether a run stands otherwise than it did.
    Look(i64),
}

/// What a database told of its runs, and how far it was read then.
pub(super) struct Told {
    pub pieces: Vec<Piece>,
    pub row: DatabaseRow,
    /// Runs that are not in it any more.
    pub gone: Vec<i64>,
    /// Runs came or went.
    pub structure: bool,
}

/// What a commit did to runs that others care for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stands {
    pub run: i64,
    /// After how many milliseconds of silence its status may change.
    pub again_ms: Option<i64>,
}

/// The task that writes.
pub(super) struct Committer {
    store: RunStore,
    bus: Bus,
    told: mpsc::UnboundedSender<Stands>,
    /// Names of metrics and settings with their keys.
    metrics: HashMap<String, i64>,
    settings: HashMap<String, i64>,
    /// Files of which a piece was not written.
    refused: HashSet<i64>,
    /// Runs of which nothing is stored.
    bare: HashSet<i64>,
    stale_after: i64,
    uids: HashMap<i64, String>,
    changed: BTreeSet<i64>,
    /// Runs came or went since listeners were last told.
    structure: bool,
}

impl Committer {
    pub fn new(store: RunStore, bus: Bus, told: mpsc::UnboundedSender<Stands>, stale_after: i64) -> Self {
        Self {
            store,
            bus,
            told,
            metrics: HashMap::new(),
            settings: HashMap::new(),
            refused: HashSet::new(),
            bare: HashSet::new(),
            stale_after,
            uids: HashMap::new(),
            changed: BTreeSet::new(),
            structure: false,
        }
    }

    /// Works until nobody is left to ask.
    pub async fn run(mut self, mut asks: mpsc::Receiver<Ask>) {
        let mut group = Vec::new();
        let mut tell_at: Option<tokio::time::Instant> = None;
        loop {
            let due = async {
                match tell_at {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                count = asks.recv_many(&mut group, PIECES) => {
                    if count == 0 {
                        self.tell().await;
                        return;
                    }
                    self.take(&mut group).await;
                    if !self.changed.is_empty() && tell_at.is_none() {
                        // The first is told of at once, those that follow together.
                        self.tell().await;
                        tell_at = Some(tokio::time::Instant::now() + PACE);
                    }
                }
                () = due => {
                    tell_at = (!self.changed.is_empty()).then(|| tokio::time::Instant::now() + PACE);
                    self.tell().await;
                }
            }
        }
    }

    /// Writes a group, in as few transactions as its size allows.
    async fn take(&mut self, group: &mut Vec<Ask>) {
        let mut asks = group.drain(..).peekable();
        while asks.peek().is_some() {
            let (mut together, mut bytes) = (Vec::new(), 0);
            while let Some(ask) = asks.next_if(|_| bytes < ENOUGH) {
                if let Ask::Write(piece, _) = &ask {
                    bytes += piece
                        .series
                        .iter()
                        .flat_map(|it| &it.blocks)
                        .map(|it| it.bytes.len() + 200)
                        .sum::<usize>();
                }
                together.push(ask);
            }
            self.write_together(together).await;
        }
    }

    async fn write_together(&mut self, asks: Vec<Ask>) {
        let (mut pieces, mut answers, mut looks) = (Vec::new(), Vec::new(), BTreeSet::new());
        for ask in asks {
            match ask {
                Ask::Write(piece, answer) if self.refused.contains(&piece.row.known.id) => {
                    let why = Error::new(ErrorKind::Internal, "what came before it could not be written");
                    let _ = answer.send(Err(why));
                }
                Ask::Write(piece, answer) => {
                    pieces.push(piece);
                    answers.push(answer);
                }
                Ask::Told(told, answer) => {
                    let _ = answer.send(self.write_told(&told).await);
                }
                Ask::Came(runs) => self.bare.extend(runs),
                Ask::Forgive(file) => {
                    self.refused.remove(&file);
                }
                Ask::Look(run) => {
                    looks.insert(run);
                }
            }
        }
        if pieces.is_empty() && looks.is_empty() {
            return;
        }
        match self.transact(&pieces.iter().map(Box::as_ref).collect::<Vec<_>>(), &looks, None).await {
            Ok(stands) => {
                for answer in answers {
                    let _ = answer.send(Ok(()));
                }
                for stands in stands {
                    self.changed.insert(stands.run);
                    let _ = self.told.send(stands);
                }
            }
            Err(error) if pieces.len() > 1 => {
                // One of them may be at fault: each by itself, so that the others are written.
                tracing::debug!(%error, "a group is written one by one");
                for (piece, answer) in pieces.into_iter().zip(answers) {
                    let one = Ask::Write(piece, answer);
                    Box::pin(self.write_together(vec![one])).await;
                }
                for run in looks {
                    Box::pin(self.write_together(vec![Ask::Look(run)])).await;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "what was read could not be written into the index");
                for (piece, answer) in pieces.iter().zip(answers) {
                    self.refused.insert(piece.row.known.id);
                    let _ = answer.send(Err(Error::new(error.kind(), error.to_string())));
                }
            }
        }
    }

    /// Writes what a database told. Its reader waits for the answer, and begins anew from what is stored if it failed.
    async fn write_told(&mut self, told: &Told) -> Result<()> {
        let pieces: Vec<&Piece> = told.pieces.iter().collect();
        for stands in self.transact(&pieces, &BTreeSet::new(), Some(told)).await? {
            self.changed.insert(stands.run);
            let _ = self.told.send(stands);
        }
        self.changed.extend(&told.gone);
        self.structure |= told.structure;
        Ok(())
    }

    async fn transact(
        &mut self,
        pieces: &[&Piece],
        looks: &BTreeSet<i64>,
        told: Option<&Told>,
    ) -> Result<Vec<Stands>> {
        let mut tx = self.store.begin_lightly().await?;
        let revision = self.store.next_revision(&mut tx).await?;
        // What was found of names in a transaction that fails is forgotten with it.
        let (mut metrics, mut settings) = (HashMap::new(), HashMap::new());
        let mut runs: HashMap<i64, bool> = looks.iter().map(|run| (*run, false)).collect();
        let mut touched: BTreeSet<(i64, i64)> = BTreeSet::new();
        for piece in pieces {
            let run = piece.row.known.run_id;
            let text = self.write(&mut tx, piece, &mut metrics, &mut settings, &mut touched).await?;
            *runs.entry(run).or_default() |= text;
        }
        for (run, key) in touched {
            self.store.refresh_metric(&mut tx, run, key).await?;
        }
        if let Some(told) = told {
            for run in &told.gone {
                self.store.put_missing(&mut tx, *run, revision).await?;
            }
            self.store.put_database(&mut tx, &told.row).await?;
        }
        let clock = Clock { now: now_ms(), stale_after: self.stale_after };
        let looked = self.store.refresh_runs(&mut tx, &runs, clock, revision).await?;
        let stands =
            looked.into_iter().map(|(run, looked)| Stands { run, again_ms: looked.again_ms }).collect();
        tx.commit().await?;
        self.metrics.extend(metrics);
        self.settings.extend(settings);
        Ok(stands)
    }

    /// Writes a piece; answers whether the run's words changed.
    async fn write(
        &mut self,
        tx: &mut Tx,
        piece: &Piece,
        metrics: &mut HashMap<String, i64>,
        settings: &mut HashMap<String, i64>,
        touched: &mut BTreeSet<(i64, i64)>,
    ) -> Result<bool> {
        let (file, run) = (piece.row.known.id, piece.row.known.run_id);
        let generation = piece.row.generation;
        // What a metric comes to is known at once where no other file of the run, and no earlier generation, has any.
        let mut alone = piece.series.iter().any(|series| series.fresh);
        if alone && !self.bare.remove(&run) {
            alone = !self.store.has_other_series(tx, run, (file, generation)).await?;
        }
        for series in &piece.series {
            let key = match self.metrics.get(&series.name).or_else(|| metrics.get(&series.name)) {
                Some(key) => *key,
                None => {
                    let key = self.store.metric_key(tx, &series.name).await?;
                    metrics.insert(series.name.clone(), key);
                    key
                }
            };
            let place = (file, generation, key, run);
            let position = i64::from(series.position);
            if let [block] = series.blocks.as_slice()
                && series.fresh
                && alone
            {
                let what = (&series.summary, block.bytes.as_slice());
                self.store.add_whole(tx, place, position, what, series.median).await?;
                continue;
            }
            let id = match series.fresh {
                true => self.store.add_series(tx, place, position, &series.summary).await?,
                false => self.store.put_series(tx, place, position, &series.summary).await?,
            };
            for block in &series.blocks {
                let (place, row) = ((block.index, block.sealed), block.row.as_deref());
                self.store.put_block(tx, id, place, &block.summary, &block.bytes, row).await?;
            }
            match series.fresh && alone {
                true => self.store.put_metric(tx, (run, key), &series.summary, series.median).await?,
                false => {
                    touched.insert((run, key));
                }
            }
        }
        match piece.before {
            Before::Stays => {}
            Before::Goes | Before::Compare => {
                let gone = self.drop_before(tx, file, generation, piece.before).await?;
                touched.extend(gone.into_iter().map(|key| (run, key)));
            }
        }
        if let Some(all) = &piece.settings {
            if piece.settings_anew {
                self.store.clear_settings(tx, run, file).await?;
            }
            for setting in all {
                let key = match self.settings.get(&setting.key).or_else(|| settings.get(&setting.key)) {
                    Some(key) => *key,
                    None => {
                        let key = self.store.config_key(tx, &setting.key).await?;
                        settings.insert(setting.key.clone(), key);
                        key
                    }
                };
                self.store.put_setting(tx, (run, file, key), setting).await?;
            }
        }
        self.store.put_file(tx, &piece.row).await?;
        Ok(piece.said_more || piece.settings.is_some())
    }

    /// Forgets earlier generations of a file: all of them, or those whose points it holds again, one by one and bit by
    /// bit. Answers the metrics that lost points.
    async fn drop_before(&self, tx: &mut Tx, file: i64, generation: i64, before: Before) -> Result<Vec<i64>> {
        let all = self.store.generations(tx, file).await?;
        let newest: HashMap<i64, i64> =
            all.iter().filter(|it| it.1 == generation).map(|(id, _, key)| (*key, *id)).collect();
        let mut older: Vec<i64> = all.iter().map(|it| it.1).filter(|it| *it < generation).collect();
        older.dedup();
        let too_old = older.len().saturating_sub(KEPT_BEFORE);
        let mut gone = Vec::new();
        for (place, old) in older.into_iter().enumerate() {
            let series: Vec<(i64, i64)> =
                all.iter().filter(|it| it.1 == old).map(|(id, _, key)| (*id, *key)).collect();
            let mut drop = before == Before::Goes || place < too_old;
            if !drop {
                drop = true;
                for (id, key) in &series {
                    let again = match newest.get(key) {
                        Some(new) => self.store.begins_with(tx, *new, *id).await?,
                        None => false,
                    };
                    if !again {
                        drop = false;
                        break;
                    }
                }
            }
            if drop {
                for (id, key) in series {
                    self.store.drop_series(tx, id).await?;
                    gone.push(key);
                }
            }
        }
        Ok(gone)
    }

    /// Tells listeners what changed since the last time.
    async fn tell(&mut self) {
        let changed = std::mem::take(&mut self.changed);
        if changed.is_empty() {
            return;
        }
        let structure = std::mem::take(&mut self.structure) || changed.len() > NAMED;
        let mut uids = Vec::new();
        if !structure {
            for run in changed {
                let uid = match self.uids.get(&run) {
                    Some(uid) => Some(uid.clone()),
                    None => self.store.uid_of(run).await.ok().flatten(),
                };
                if let Some(uid) = uid {
                    self.uids.insert(run, uid.clone());
                    uids.push(uid);
                }
            }
        }
        let revision = self.store.revision().await.unwrap_or(0);
        self.bus.publish(Push::Runs { uids, structure, revision });
    }
}

/// Finds the medians of a run's metrics that have grown: with `all` exactly, else those that grew by an eighth.
///
/// # Errors
/// The database refuses, or a block can't be read.
pub(super) async fn settle(store: &RunStore, run: i64, all: bool) -> Result<bool> {
    let mut found = Vec::new();
    for (key, count) in store.unsettled(run, all).await? {
        let blocks = store.metric_blocks(run, key).await?;
        let middle = tokio::task::spawn_blocking(move || {
            let mut points = Points::new();
            for block in &blocks {
                points.extend_from(&decode_chunk(block).map_err(|cause| {
                    Error::new(ErrorKind::Damaged, format!("a block of points can't be read: {cause}"))
                })?);
            }
            Ok::<_, Error>((median(&points), i64::try_from(points.len()).unwrap_or(i64::MAX)))
        })
        .await??;
        found.push((key, middle.0.map(|at| (at.value, at.step)), middle.1.max(count.min(1))));
    }
    if found.is_empty() {
        return Ok(false);
    }
    let mut tx = store.begin_lightly().await?;
    for (key, middle, of) in found {
        store.put_median(&mut tx, (run, key), middle, of).await?;
    }
    store.touch(&mut tx, run).await?;
    tx.commit().await?;
    Ok(true)
}
