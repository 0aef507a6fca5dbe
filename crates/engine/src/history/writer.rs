//! The task that stores: new buckets into the finest tier, whole slices into coarser ones, and away with what is old.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use athanor_core::history::{Bucket, Ledger, Roll, Tier, fold, pack, roll, unpack};
use tokio::sync::mpsc;

use super::{Key, Name, Order, Shared};
use crate::error::Result;
use crate::store::Tx;

/// Seconds of a series that are kept in memory while the store refuses (a full disk).
const HELD_BACK: usize = 3600;

/// Slices of a tier that are removed at once.
const REMOVED: i64 = 20;

type Pending = HashMap<Key, Vec<Bucket>>;

pub(super) struct Writer {
    shared: Arc<Shared>,
    /// Keys of the series, with what their subjects were called when that was last written.
    series: HashMap<Key, (i64, Name)>,
    /// Whether the last attempt was refused, so that it is said once.
    refused: bool,
}

impl Writer {
    pub fn new(shared: Arc<Shared>) -> Self {
        Self { shared, series: HashMap::new(), refused: false }
    }

    pub async fn work(mut self, mut orders: mpsc::UnboundedReceiver<Order>) {
        while let Some(order) = orders.recv().await {
            match order {
                Order::Store(now) => self.store_and_tell(now).await,
                Order::Finish(reply) => {
                    let now = super::newest(&self.shared);
                    self.store_and_tell(now).await;
                    // Who asked may have gone.
                    let _ = reply.send(());
                }
            }
        }
    }

    async fn store_and_tell(&mut self, now: i64) {
        match self.store(now).await {
            Ok(()) => self.refused = false,
            Err(error) if !self.refused => {
                tracing::warn!(%error, "the machine's history could not be stored; it is tried again");
                self.refused = true;
            }
            Err(_) => {}
        }
    }

    pub async fn store(&mut self, now: i64) -> Result<()> {
        let taken = {
            let mut memory = self.shared.memory();
            memory.writing = std::mem::take(&mut memory.pending);
            memory.writing.clone()
        };
        if let Err(error) = self.flush(&taken).await {
            let mut memory = self.shared.memory();
            for (key, mut buckets) in std::mem::take(&mut memory.writing) {
                let later = memory.pending.remove(&key).unwrap_or_default();
                later.iter().for_each(|bucket| fold(&mut buckets, bucket));
                buckets.drain(..buckets.len().saturating_sub(HELD_BACK));
                memory.pending.insert(key, buckets);
            }
            return Err(error);
        }
        self.save_jobs().await?;
        self.make_coarser(now).await
    }

    /// Stores new buckets. From the reader's side they are in memory until they are in the database.
    async fn flush(&mut self, taken: &Pending) -> Result<()> {
        let Some(first) = taken.values().flatten().map(|bucket| bucket.start).min() else { return Ok(()) };
        let shared = self.shared.clone();
        let mut gate = shared.gate.write().await;
        let ledger = gate.unwrap_or_else(|| Ledger::beginning(first));
        let mut tx = shared.store.begin_lightly().await?;
        let mut known = Vec::new();
        for (key, buckets) in taken {
            let series = self.series_of(&mut tx, key, first, &mut known).await?;
            let mut parts: BTreeMap<(Tier, i64), Vec<Bucket>> = BTreeMap::new();
            for bucket in buckets {
                for tier in std::iter::once(Tier::Second).chain(ledger.late(bucket.start)) {
                    let part = parts.entry((tier, tier.slice_of(bucket.start))).or_default();
                    let start = bucket.start.div_euclid(tier.bucket_ms()) * tier.bucket_ms();
                    fold(part, &Bucket { start, ..*bucket });
                }
            }
            for ((tier, slice), part) in parts {
                self.put(&mut tx, (tier, slice, series), part).await?;
            }
        }
        if gate.is_none() {
            shared.store.set_history_ledger(&mut tx, &ledger).await?;
        }
        tx.commit().await?;
        *gate = Some(ledger);
        shared.memory().writing.clear();
        self.series.extend(known);
        Ok(())
    }

    /// The store's key of a series. What was made known in the transaction is noted in `known` until it is committed.
    async fn series_of(
        &self,
        tx: &mut Tx,
        key: &Key,
        at: i64,
        known: &mut Vec<(Key, (i64, Name))>,
    ) -> Result<i64> {
        let name = self.shared.memory().names.get(&key.subject).cloned();
        let name = name.unwrap_or_else(|| (key.subject.clone(), 0));
        if let Some((id, as_written)) = self.series.get(key)
            && *as_written == name
        {
            return Ok(*id);
        }
        let whose = (key.metric.name(), key.subject.as_str());
        let id = self.shared.store.put_history_series(tx, whose, (&name.0, name.1), at).await?;
        known.push((key.clone(), (id, name)));
        Ok(id)
    }

    /// Puts buckets into a slice, beside what is there.
    async fn put(&self, tx: &mut Tx, place: (Tier, i64, i64), buckets: Vec<Bucket>) -> Result<()> {
        let (tier, slice, _) = place;
        let packed = |buckets: &[Bucket]| pack(buckets, slice, tier.bucket_ms());
        let store = &self.shared.store;
        if store.add_history_slice(tx, place, &packed(&buckets)).await? {
            return Ok(());
        }
        let there = store.history_slice(tx, place).await?.unwrap_or_default();
        let mut all = unpack(&there, slice, tier.bucket_ms(), tier.slice_ms()).unwrap_or_else(|damage| {
            tracing::warn!(%damage, ?tier, slice, "a slice of the history was damaged and is written anew");
            Vec::new()
        });
        buckets.iter().for_each(|bucket| fold(&mut all, bucket));
        store.replace_history_slice(tx, place, &packed(&all)).await
    }

    /// Stores what the jobs under way, and those just ended, were seen to use.
    async fn save_jobs(&mut self) -> Result<()> {
        let unsaved = self.shared.book().unsaved();
        if unsaved.is_empty() {
            return Ok(());
        }
        let store = &self.shared.store;
        let saved = async {
            let mut tx = store.begin_lightly().await?;
            for job in &unsaved {
                store.set_usage(&mut tx, (job.id, job.number), &job.usage).await?;
                for (metric, data) in &job.histories {
                    store.put_attempt_history(&mut tx, (job.id, job.number), metric.name(), data).await?;
                }
            }
            tx.commit().await
        };
        let done = saved.await;
        self.shared.book().saved(unsaved, done.is_ok());
        done
    }

    /// Makes what is due, a slice at a time, and removes what is old.
    async fn make_coarser(&mut self, now: i64) -> Result<()> {
        let mut made = false;
        loop {
            let Some(mut ledger) = *self.shared.gate.read().await else { return Ok(()) };
            let Some(due) = ledger.due(now) else { break };
            let Some(finer) = due.tier.finer() else { break };
            // Where the machine was off there is nothing to be made.
            let next = self.shared.store.history_next(finer, due.from).await?;
            let from = next.map_or(due.until, |slice| due.tier.slice_of(slice).clamp(due.from, due.until));
            let until = (from + due.tier.slice_ms()).min(due.until);
            ledger.made(due.tier, until);
            self.make(Roll { from, until, ..due }, finer, &ledger).await?;
            made = true;
        }
        if made { self.remove(now).await } else { Ok(()) }
    }

    async fn make(&mut self, due: Roll, finer: Tier, ledger: &Ledger) -> Result<()> {
        let shared = &self.shared;
        let mut found: BTreeMap<i64, Vec<Bucket>> = BTreeMap::new();
        for (slice, series, data) in shared.store.all_history_slices(finer, due.from, due.until).await? {
            match unpack(&data, slice, finer.bucket_ms(), finer.slice_ms()) {
                Ok(buckets) => found.entry(series).or_default().extend(buckets),
                Err(damage) => {
                    tracing::warn!(%damage, ?finer, slice, series, "a slice of the history can't be read and is left out");
                }
            }
        }
        let mut gate = shared.gate.write().await;
        let mut tx = shared.store.begin_lightly().await?;
        for (series, buckets) in found {
            let buckets = roll(buckets, due.tier.bucket_ms());
            self.put(&mut tx, (due.tier, due.from, series), buckets).await?;
            if due.tier == Tier::Minute {
                shared.store.history_seen(&mut tx, series, due.until).await?;
            }
        }
        shared.store.set_history_ledger(&mut tx, ledger).await?;
        tx.commit().await?;
        *gate = Some(*ledger);
        Ok(())
    }

    async fn remove(&self, now: i64) -> Result<()> {
        let Some(ledger) = *self.shared.gate.read().await else { return Ok(()) };
        let mut tx = self.shared.store.begin_lightly().await?;
        for tier in Tier::ALL {
            if let Some(before) = ledger.removable(tier, now) {
                self.shared.store.remove_history(&mut tx, tier, before, REMOVED * tier.slice_ms()).await?;
            }
        }
        tx.commit().await
    }
}
