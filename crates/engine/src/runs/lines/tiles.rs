//! Blocks and rows of buckets, decoded, as charts read them last.
//!
//! A block that is full never changes, and a row is written once: what is kept of them stays true for ever. An open block is
//! known by how many points it had. So appending to a run makes nothing that is kept wrong, and nothing is read twice while
//! a chart is zoomed and moved.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use athanor_core::series::course::{RowId, Tiles};
use athanor_core::series::{Buckets, ChunkError, Points, decode_chunk, decode_row};

use crate::error::{Error, ErrorKind, Result};
use crate::store::runs::RunStore;

/// Bytes of what is kept, about.
const KEPT: usize = 96 << 20;

/// What is asked of the store at once, at most: so much is read on one connection while others read the rest.
const AT_ONCE: usize = 64;

/// What is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum What {
    /// A block, with how many points it has.
    Points { block: u64, count: u32 },
    /// Buckets of a row.
    Buckets(RowId),
}

/// A block or a row of a series of the store; a derived one has a number below zero.
pub(super) type Key = (i64, What);

#[derive(Debug, Clone)]
pub(super) enum Tile {
    Points(Arc<Points>),
    Buckets(Arc<Buckets>),
}

impl Tile {
    fn weight(&self) -> usize {
        match self {
            Self::Points(points) => points.len() * 24 + 200,
            Self::Buckets(buckets) => buckets.weight(),
        }
    }
}

#[derive(Debug, Default)]
struct Kept {
    tiles: HashMap<Key, (Tile, u64)>,
    weight: usize,
    turn: u64,
}

/// What was decoded last.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<Kept>);

impl Cache {
    fn get(&self, key: &Key) -> Option<Tile> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.turn += 1;
        let turn = kept.turn;
        let (tile, last) = kept.tiles.get_mut(key)?;
        *last = turn;
        Some(tile.clone())
    }

    pub fn put(&self, key: Key, tile: Tile) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.turn += 1;
        let turn = kept.turn;
        kept.weight += tile.weight();
        if let Some((before, _)) = kept.tiles.insert(key, (tile, turn)) {
            kept.weight -= before.weight();
        }
        if kept.weight > KEPT {
            // Those that were not asked for the longest go, a quarter of all at once.
            let mut turns: Vec<u64> = kept.tiles.values().map(|(_, turn)| *turn).collect();
            let quarter = turns.len() / 4;
            let (_, &mut oldest, _) = turns.select_nth_unstable(quarter);
            kept.tiles.retain(|_, (_, turn)| *turn > oldest);
            kept.weight = kept.tiles.values().map(|(tile, _)| tile.weight()).sum();
        }
    }
}

/// A stretch of a course: which series it is, and how many points it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Part {
    pub series: i64,
    pub count: u64,
}

impl Part {
    /// How a block of it is known.
    pub fn block(self, block: u64) -> Key {
        let size = athanor_core::series::CHUNK_POINTS as u64;
        let count = self.count.saturating_sub(block * size).min(size);
        (self.series, What::Points { block, count: u32::try_from(count).unwrap_or(u32::MAX) })
    }
}

/// What is at hand of a course. What is used once stays at hand, whatever the cache drops meanwhile.
#[derive(Debug, Default)]
pub(super) struct Hand {
    pub parts: Vec<Part>,
    held: Mutex<HashMap<Key, Tile>>,
    missing: Mutex<BTreeSet<Key>>,
}

/// A course's tiles, with the cache behind them.
pub(super) struct Reach<'a> {
    pub hand: &'a Hand,
    pub cache: &'a Cache,
}

impl Hand {
    pub fn new(parts: Vec<Part>) -> Self {
        Self { parts, ..Self::default() }
    }

    /// What was asked for in vain since the last time.
    pub fn missing(&self) -> BTreeSet<Key> {
        std::mem::take(&mut *self.missing.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn put(&self, key: Key, tile: Tile) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).insert(key, tile);
    }
}

impl Reach<'_> {
    pub fn get(&self, key: Key) -> Option<Tile> {
        let mut held = self.hand.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tile) = held.get(&key) {
            return Some(tile.clone());
        }
        if let Some(tile) = self.cache.get(&key) {
            held.insert(key, tile.clone());
            return Some(tile);
        }
        self.hand.missing.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
        None
    }
}

impl Tiles for Reach<'_> {
    fn points(&self, part: usize, block: u64) -> Option<Arc<Points>> {
        match self.get(self.hand.parts.get(part)?.block(block))? {
            Tile::Points(points) => Some(points),
            Tile::Buckets(_) => None,
        }
    }

    fn buckets(&self, part: usize, row: RowId) -> Option<Arc<Buckets>> {
        match self.get((self.hand.parts.get(part)?.series, What::Buckets(row)))? {
            Tile::Buckets(buckets) => Some(buckets),
            Tile::Points(_) => None,
        }
    }
}

/// Reads and decodes tiles of the store.
pub(super) async fn fetch(store: &RunStore, keys: &BTreeSet<Key>) -> Result<Vec<(Key, Tile)>> {
    let all: Vec<Key> = keys.iter().copied().collect();
    // At least two shares, so that one is decoded while another is read.
    let share = all.len().div_ceil(4).clamp(1, AT_ONCE);
    let shares = all.chunks(share).map(|share| read(store, share.to_vec()));
    let read = futures_util::future::try_join_all(shares).await?;
    Ok(read.into_iter().flatten().collect())
}

async fn read(store: &RunStore, keys: Vec<Key>) -> Result<Vec<(Key, Tile)>> {
    let wanted: BTreeSet<(i64, u8, u64)> = keys
        .iter()
        .map(|(series, what)| match what {
            What::Points { block, .. } => (*series, 0, *block),
            What::Buckets(row) => (*series, row.level, row.number),
        })
        .collect();
    let stored = store.tiles(&wanted.into_iter().collect::<Vec<_>>()).await?;
    let decoded = tokio::task::spawn_blocking(move || {
        let stored: HashMap<(i64, i64, i64), Vec<u8>> =
            stored.into_iter().map(|(series, level, number, data)| ((series, level, number), data)).collect();
        let damaged = |cause: ChunkError| {
            Error::new(ErrorKind::Damaged, format!("stored points can't be read: {cause}"))
                .hint("“athanor watch rm” and “athanor watch add” read that folder's runs again.")
        };
        let mut all = Vec::with_capacity(keys.len());
        for key in keys {
            let (level, number) = match key.1 {
                What::Points { block, .. } => (0, block),
                What::Buckets(row) => (i64::from(row.level), row.number),
            };
            let data = stored.get(&(key.0, level, number.cast_signed()));
            let tile = match (key.1, data) {
                // The series went away meanwhile: it has nothing to show.
                (What::Points { .. }, None) => Tile::Points(Arc::default()),
                (What::Buckets(_), None) => Tile::Buckets(Arc::default()),
                (What::Points { count, .. }, Some(data)) => {
                    let points = decode_chunk(data).map_err(damaged)?;
                    // An open block may have grown since it was counted.
                    let count = usize::try_from(count).unwrap_or(usize::MAX);
                    let points = if points.len() > count { points.head(count) } else { points };
                    Tile::Points(Arc::new(points))
                }
                (What::Buckets(row), Some(data)) => {
                    Tile::Buckets(Arc::new(decode_row(data, row.coarse).map_err(damaged)?))
                }
            };
            all.push((key, tile));
        }
        Ok::<_, Error>(all)
    });
    decoded.await?
}
