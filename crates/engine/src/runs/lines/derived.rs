//! Derived lines: the whole line is passed over once, which leaves buckets of it and where it stood before each block. What is
//! in sight later is made again from those blocks alone.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use athanor_core::series::course::{Course, RowId};
use athanor_core::series::derive::{Recipe, Standing, summary_of};
use athanor_core::series::{Buckets, CHUNK_POINTS, Points, Summary, row_above};

use super::courses::Stored;
use super::tiles::{Cache, Hand, Key, Part, Reach, Tile, What, fetch};
use crate::error::Result;
use crate::store::runs::{FAN, RunStore};

/// Blocks that are derived at once.
const AT_ONCE: usize = 64;

/// Lines of at most so many blocks are kept whole.
const SMALL: usize = 16;

/// Bytes of derived lines that are kept, about.
const KEPT: usize = 128 << 20;

/// A derived line.
#[derive(Debug)]
pub(super) struct Derived {
    recipe: Recipe,
    /// What it was made from.
    of: Vec<Part>,
    pub course: Course,
    parts: Vec<Part>,
    tiles: Vec<(Key, Tile)>,
    /// All blocks in their order: part and number.
    blocks: Vec<(usize, u64)>,
    /// Where it stood before each.
    before: Vec<Standing>,
    weight: usize,
}

impl Derived {
    pub fn hand(&self) -> Hand {
        let hand = Hand::new(self.parts.clone());
        for (key, tile) in &self.tiles {
            hand.put(*key, tile.clone());
        }
        hand
    }

    /// How many blocks around one it hangs on.
    fn around(&self) -> usize {
        self.recipe.smoothing.reach().div_ceil(CHUNK_POINTS)
    }

    /// Makes blocks anew that are not kept.
    pub async fn make(
        &self,
        store: &RunStore,
        cache: &Cache,
        base: &Stored,
        keys: &BTreeSet<Key>,
    ) -> Result<Vec<(Key, Tile)>> {
        let mut made = Vec::new();
        for key in keys {
            let What::Points { block, .. } = key.1 else { continue };
            let Some(part) = self.parts.iter().position(|part| part.series == key.0) else { continue };
            let Ok(at) = self.blocks.binary_search(&(part, block)) else { continue };
            let window = at.saturating_sub(self.around())..(at + 1 + self.around()).min(self.blocks.len());
            let points = load(store, Some(cache), base, &self.blocks[window.clone()]).await?;
            let (recipe, before) = (self.recipe.clone(), self.before[window.start]);
            let own = at - window.start..at + 1 - window.start;
            let derived = tokio::task::spawn_blocking(move || recipe.derive(&points, before, own).0).await?;
            let points = derived.into_iter().next().unwrap_or_default();
            made.push((*key, Tile::Points(Arc::new(points))));
        }
        Ok(made)
    }
}

/// Blocks of a course, from the cache as far as they are there.
async fn load(
    store: &RunStore,
    cache: Option<&Cache>,
    base: &Stored,
    blocks: &[(usize, u64)],
) -> Result<Vec<Arc<Points>>> {
    let hand = Hand::new(base.hand.parts.clone());
    let none = Cache::default();
    let reach = Reach { hand: &hand, cache: cache.unwrap_or(&none) };
    let keys: Vec<Key> = blocks.iter().map(|(part, block)| hand.parts[*part].block(*block)).collect();
    let missing: BTreeSet<Key> = keys.iter().copied().filter(|key| reach.get(*key).is_none()).collect();
    for (key, tile) in fetch(store, &missing).await? {
        if let Some(cache) = cache {
            cache.put(key, tile.clone());
        }
        hand.put(key, tile);
    }
    let points = keys.into_iter().map(|key| match reach.get(key) {
        Some(Tile::Points(points)) => points,
        _ => Arc::default(),
    });
    Ok(points.collect())
}

/// The time of the first point that has one, UTC milliseconds.
pub(super) async fn first_wall(store: &RunStore, cache: &Cache, base: &Stored) -> Result<Option<i64>> {
    for block in all_blocks(&base.hand.parts) {
        let points = load(store, Some(cache), base, &[block]).await?;
        if let Some(wall) = points.iter().flat_map(|block| block.iter()).find_map(|point| point.wall_ms) {
            return Ok(Some(wall));
        }
    }
    Ok(None)
}

/// All points of a course, in blocks.
pub(super) async fn all_points(store: &RunStore, cache: &Cache, base: &Stored) -> Result<Vec<Arc<Points>>> {
    let mut all = Vec::new();
    for blocks in all_blocks(&base.hand.parts).chunks(AT_ONCE) {
        all.extend(load(store, Some(cache), base, blocks).await?);
    }
    Ok(all)
}

fn all_blocks(parts: &[Part]) -> Vec<(usize, u64)> {
    let size = CHUNK_POINTS as u64;
    let of = |(part, it): (usize, &Part)| (0..it.count.div_ceil(size)).map(move |block| (part, block));
    parts.iter().enumerate().flat_map(of).collect()
}

/// Derived lines that were used last.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    lines: Mutex<Vec<Arc<Derived>>>,
    last: AtomicI64,
}

impl Shelf {
    /// A derived line: made now, if it is not there.
    pub async fn derived(&self, store: &RunStore, base: &Stored, recipe: Recipe) -> Result<Arc<Derived>> {
        let fits = |line: &Arc<Derived>| line.of == base.hand.parts && line.recipe == recipe;
        {
            let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(at) = lines.iter().position(fits) {
                let line = lines.remove(at);
                lines.push(line.clone());
                return Ok(line);
            }
        }
        // A line that has grown is the same line.
        let (smoothing, along) = (recipe.smoothing, std::mem::discriminant(&recipe.along));
        let same = |line: &Arc<Derived>| {
            line.recipe.smoothing == smoothing
                && line.of.iter().map(|part| part.series).eq(base.hand.parts.iter().map(|part| part.series))
                && std::mem::discriminant(&line.recipe.along) == along
        };
        let before = {
            let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            lines.iter().find(|line| same(line)).cloned()
        };
        let made = Arc::new(self.make(store, base, recipe, before.as_deref()).await?);
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|line| !same(line));
        lines.push(made.clone());
        let mut weight: usize = lines.iter().map(|line| line.weight).sum();
        while weight > KEPT && lines.len() > 1 {
            weight -= lines.remove(0).weight;
        }
        Ok(made)
    }

    /// Makes a line; of one that has grown what does not hang on the new points is taken over.
    async fn make(
        &self,
        store: &RunStore,
        base: &Stored,
        recipe: Recipe,
        old: Option<&Derived>,
    ) -> Result<Derived> {
        let of = base.hand.parts.clone();
        let part =
            |it: &Part| Part { series: -1 - self.last.fetch_add(1, Ordering::Relaxed), count: it.count };
        let mut all = Derived {
            parts: of.iter().map(part).collect(),
            blocks: all_blocks(&of),
            of,
            recipe,
            course: Course::new(),
            tiles: Vec::new(),
            before: vec![Standing::default()],
            weight: 1000,
        };
        let mut making = Making { small: all.blocks.len() <= SMALL, ..Making::default() };
        let around = all.around();
        let mut at = old.and_then(|old| making.take_over(&mut all, old)).unwrap_or(0);
        while at < all.blocks.len() {
            let own = at..(at + AT_ONCE).min(all.blocks.len());
            let window = own.start.saturating_sub(around)..(own.end + around).min(all.blocks.len());
            let points = load(store, None, base, &all.blocks[window.clone()]).await?;
            let (recipe, before) = (all.recipe.clone(), all.before[window.start]);
            let inside = own.start - window.start..own.end - window.start;
            let (derived, after) = tokio::task::spawn_blocking(move || {
                let (derived, after) = recipe.derive(&points, before, inside);
                let summed = derived.into_iter().map(|points| {
                    let fine = Buckets::of(&points);
                    (summary_of(&points), fine, points)
                });
                (summed.collect::<Vec<_>>(), after)
            })
            .await?;
            all.before.truncate(own.start + 1);
            all.before.extend(&after[own.start - window.start..own.end - window.start]);
            making.take(&mut all, own.clone(), derived);
            at = own.end;
        }
        making.finish(&mut all);
        all.weight += all.before.len() * size_of::<Standing>();
        Ok(all)
    }
}

/// Blocks on their way into rows.
#[derive(Default)]
struct Making {
    small: bool,
    part: Option<usize>,
    /// Of the row that is not complete.
    blocks: Vec<(u64, Summary, Buckets)>,
    /// Coarse buckets of the rows of each level that are not a row of the next yet.
    levels: HashMap<u8, Vec<Arc<Buckets>>>,
    /// How many rows each level has.
    counts: HashMap<u8, u64>,
}

impl Making {
    /// Takes over the rows of a line that has grown; answers which block is the first to be made.
    fn take_over(&mut self, all: &mut Derived, old: &Derived) -> Option<usize> {
        let (last, before) = (all.of.last()?, old.of.last()?);
        let part = all.of.len() - 1;
        if self.small
            || all.recipe != old.recipe
            || all.of[..part] != old.of[..part]
            || last.count < before.count
        {
            return None;
        }
        // What comes after a point may count for it.
        let whole = (before.count / CHUNK_POINTS as u64).saturating_sub(all.around() as u64);
        let rows = whole / FAN;
        let first = all.blocks.binary_search(&(part, rows * FAN)).ok()?;
        if rows == 0 {
            return None;
        }
        if all.around() == 0 {
            // Full blocks stay as they were made. Else the last of them may have been made without what follows.
            all.parts.clone_from(&old.parts);
            all.parts[part].count = last.count;
        }
        all.course = old.course.clone();
        all.course.truncate(part, rows * FAN);
        all.before = old.before.get(..=first)?.to_vec();
        for (key, tile) in &old.tiles {
            let What::Buckets(row) = key.1 else { continue };
            let Some(of) = old.parts.iter().position(|part| part.series == key.0) else { continue };
            let own = of == part;
            let complete = rows / FAN.pow(u32::from(row.level) - 1);
            if own && row.number >= complete {
                continue;
            }
            all.tiles.push(((all.parts[of].series, key.1), tile.clone()));
            let Tile::Buckets(buckets) = tile else { continue };
            all.weight += buckets.weight();
            if own && row.coarse && row.number >= complete / FAN * FAN {
                self.levels.entry(row.level).or_default().push(buckets.clone());
            }
            if own {
                self.counts.insert(row.level, complete);
            }
        }
        self.part = Some(part);
        Some(first)
    }

    fn take(&mut self, all: &mut Derived, own: Range<usize>, derived: Vec<(Summary, Buckets, Points)>) {
        for (at, (summary, fine, points)) in own.zip(derived) {
            let (part, block) = all.blocks[at];
            while self.part.is_none_or(|now| now < part) {
                self.end_part(all);
                all.course.begin_part();
                self.part = Some(self.part.map_or(0, |now| now + 1));
            }
            if self.small {
                let tile = Tile::Points(Arc::new(points));
                all.weight += CHUNK_POINTS * 16;
                all.tiles.push((all.parts[part].block(block), tile));
            }
            self.blocks.push((block, summary, fine));
            if self.blocks.len() as u64 == FAN && summary.count == CHUNK_POINTS as u64 {
                self.end_row(all, part);
            }
        }
    }

    fn end_row(&mut self, all: &mut Derived, part: usize) {
        let whole = self.blocks.iter().fold(Summary::default(), |whole, block| whole.merge(&block.1));
        let number = self.blocks.first().map_or(0, |block| block.0 / FAN);
        let mut fine = Buckets::default();
        self.blocks.iter().for_each(|block| fine.extend_from(&block.2));
        let placed = whole.first.is_some_and(|first| first.step.is_finite());
        if whole.resets == 0 && placed {
            all.course.push(true, number, &whole);
            self.blocks.clear();
        } else {
            self.end_part_blocks(all);
        }
        self.put(all, part, 1, fine);
    }

    fn put(&mut self, all: &mut Derived, part: usize, level: u8, fine: Buckets) {
        let count = self.counts.entry(level).or_default();
        let (number, coarse) = (*count, Arc::new(fine.coarse()));
        *count += 1;
        all.weight += fine.weight() + coarse.weight();
        let key = |coarse| (all.parts[part].series, What::Buckets(RowId { level, coarse, number }));
        all.tiles.push((key(false), Tile::Buckets(Arc::new(fine))));
        all.tiles.push((key(true), Tile::Buckets(coarse.clone())));
        let below = self.levels.entry(level).or_default();
        below.push(coarse);
        if below.len() as u64 == FAN {
            let above = row_above(below.iter().map(AsRef::as_ref));
            below.clear();
            self.put(all, part, level + 1, above);
        }
    }

    fn end_part_blocks(&mut self, all: &mut Derived) {
        for (number, summary, _) in self.blocks.drain(..) {
            all.course.push(false, number, &summary);
        }
    }

    fn end_part(&mut self, all: &mut Derived) {
        self.end_part_blocks(all);
        self.levels.clear();
        self.counts.clear();
    }

    fn finish(&mut self, all: &mut Derived) {
        self.end_part(all);
    }
}
