//! The machine's history: samples in, buckets out.
//!
//! Two tasks. The collector takes each sample apart and never waits for the disk; the writer stores what came together,
//! every half minute and at the end, in short transactions beside the queue's, and makes coarser tiers from finer ones.
//! A crash takes at most what the writer had not stored. Which tier holds what is the rule of
//! [`athanor_core::history::Ledger`].
//!
//! *Invariant:* whoever reads holds the gate, and the writer takes it for itself while it moves buckets from memory to
//! the database, so nobody sees them twice or not at all.

mod reading;
mod sample;
mod writer;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use athanor_core::history::{Bucket, Ledger, Metric, Tier, fold, span_after};
use tokio::sync::{RwLock, mpsc, oneshot, watch};

pub use self::reading::{Series, Stretch};
use crate::attribution::Book;
use crate::devices::Sample;
use crate::error::Result;
use crate::home::now_ms;
use crate::store::Store;

/// What there is a history of: a metric, and whose: a GPU's uuid, a disk's label, or empty for the machine itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub metric: Metric,
    pub subject: String,
}

/// What a subject is called, and its place among its like.
type Name = (String, u32);

/// Buckets that are not stored yet.
#[derive(Debug, Default)]
struct Memory {
    /// Not taken up by the writer yet.
    pending: HashMap<Key, Vec<Bucket>>,
    /// Being stored.
    writing: HashMap<Key, Vec<Bucket>>,
    names: HashMap<String, Name>,
    last_at: Option<i64>,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    memory: Mutex<Memory>,
    /// Up to where each tier was made; `None` before anything was stored.
    gate: RwLock<Option<Ledger>>,
    book: Arc<Mutex<Book>>,
}

/// What the writer is asked.
enum Order {
    /// Store what came so far: the moment of the newest sample.
    Store(i64),
    /// The same, answered.
    Finish(oneshot::Sender<()>),
}

/// The history. Dropping it ends its tasks; what was not stored is lost then, see [`History::finish`].
#[derive(Debug)]
pub struct History {
    shared: Arc<Shared>,
    orders: mpsc::UnboundedSender<Order>,
    tasks: Vec<tokio::task::AbortHandle>,
}

impl Drop for History {
    fn drop(&mut self) {
        self.tasks.iter().for_each(tokio::task::AbortHandle::abort);
    }
}

impl Shared {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a sample apart. Returns whether a slice of time is over, so that what came before is to be stored.
    fn collect(&self, sample: &Sample) -> bool {
        let mut memory = self.memory();
        let span = span_after(memory.last_at, sample.at);
        let slice = |at: i64| Tier::Second.slice_of(at);
        let over = memory.last_at.is_some_and(|before| slice(before) != slice(sample.at));
        memory.last_at = Some(sample.at);
        sample::names(sample, &mut memory.names);
        for (metric, subject, value) in sample::readings(sample) {
            let Some(bucket) = Bucket::of(sample.at, value, span, Tier::Second.bucket_ms()) else { continue };
            fold(memory.pending.entry(Key { metric, subject }).or_default(), &bucket);
        }
        over
    }
}

impl History {
    /// Begins to record what `machine` is told, and what `book` keeps of the jobs. Without a machine there is only
    /// something to read.
    ///
    /// # Errors
    /// The store refuses.
    pub(crate) async fn start(
        store: Store,
        book: Arc<Mutex<Book>>,
        machine: Option<watch::Receiver<Option<Arc<Sample>>>>,
    ) -> Result<Self> {
        let ledger = store.history_ledger().await?;
        let shared = Arc::new(Shared { store, memory: Mutex::default(), gate: RwLock::new(ledger), book });
        let (orders, received) = mpsc::unbounded_channel();
        let writer = writer::Writer::new(shared.clone());
        let mut tasks = vec![tokio::spawn(writer.work(received)).abort_handle()];
        if let Some(machine) = machine {
            tasks.push(tokio::spawn(collect(shared.clone(), machine, orders.clone())).abort_handle());
        }
        Ok(Self { shared, orders, tasks })
    }

    /// The history of a store, with nothing recorded but what [`History::record`] is given.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn open(store: Store) -> Result<Self> {
        Self::start(store, Arc::default(), None).await
    }

    /// Takes in a sample.
    pub fn record(&self, sample: &Sample) {
        if self.shared.collect(sample) {
            // A writer that is gone has said why.
            let _ = self.orders.send(Order::Store(sample.at));
        }
    }

    /// Stores what came so far.
    pub async fn finish(&self) {
        let (reply, done) = oneshot::channel();
        if self.orders.send(Order::Finish(reply)).is_ok() {
            // A writer that is gone has said why.
            let _ = done.await;
        }
    }
}

async fn collect(
    shared: Arc<Shared>,
    mut machine: watch::Receiver<Option<Arc<Sample>>>,
    orders: mpsc::UnboundedSender<Order>,
) {
    while machine.changed().await.is_ok() {
        let Some(sample) = machine.borrow_and_update().clone() else { continue };
        if shared.collect(&sample) && orders.send(Order::Store(sample.at)).is_err() {
            return;
        }
    }
}

/// What the writer takes for now when nothing tells it.
fn newest(shared: &Shared) -> i64 {
    shared.memory().last_at.unwrap_or_else(now_ms)
}

#[cfg(test)]
mod tests;
