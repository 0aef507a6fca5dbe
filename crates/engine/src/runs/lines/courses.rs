//! Which blocks and rows there are of metrics of runs.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use athanor_core::series::course::Course;
use athanor_core::series::{CHUNK_POINTS, Summary};

use super::tiles::{Hand, Part};
use crate::error::Result;
use crate::store::runs::{FAN, RunStore, Stretch};

/// Rows of a series: complete, they never change.
#[derive(Debug, Clone, Default)]
struct Spine {
    rows: Vec<(Summary, bool)>,
    /// Blocks of rows that can't be drawn from buckets.
    blocks: HashMap<u64, Vec<Summary>>,
}

impl Spine {
    /// A row that is to be drawn from its blocks: where the run was begun anew, or a former version wrote it.
    fn is_odd(row: &(Summary, bool)) -> bool {
        row.0.resets > 0 || !row.1
    }
}

/// Of series with rows: what was read of them before.
#[derive(Debug, Default)]
pub(super) struct Spines(Mutex<HashMap<i64, Arc<Spine>>>);

/// More series than this are not remembered.
const REMEMBERED: usize = 4096;

/// All points of a metric of a run, as they are stored.
#[derive(Debug, Default)]
pub(super) struct Stored {
    pub course: Course,
    pub hand: Hand,
    /// Of all points.
    pub whole: Summary,
}

/// A metric of a run: the run's key and the metric's name.
pub(super) type Name = (i64, String);

/// The courses of metrics of runs.
pub(super) async fn courses(
    store: &RunStore,
    spines: &Spines,
    stretches: &HashMap<Name, Vec<Stretch>>,
) -> Result<HashMap<Name, Arc<Stored>>> {
    let all = || stretches.values().flatten();
    let known = rows(store, spines, all()).await?;
    let rows_of = |series: i64| known.get(&series).map_or(0, |spine| spine.rows.len() as u64);
    let open: Vec<(i64, u64, u64)> = all()
        .filter(|stretch| stretch.summary.count > 0)
        .map(|stretch| (stretch.series, rows_of(stretch.series) * FAN, i64::MAX.unsigned_abs()))
        .collect();
    let mut tails: HashMap<i64, Vec<(u64, Summary)>> = HashMap::new();
    for (series, number, summary) in store.blocks_between(&open).await? {
        tails.entry(series).or_default().push((number, summary));
    }
    let none = Vec::new();
    let built = stretches.iter().map(|(name, stretches)| {
        let (mut course, mut parts, mut whole) = (Course::new(), Vec::new(), Summary::default());
        for stretch in stretches {
            course.begin_part();
            let spine = known.get(&stretch.series);
            let mut count = 0;
            for (number, row) in (0..).zip(spine.map_or(&[][..], |spine| &spine.rows)) {
                count += row.0.count;
                match spine.and_then(|spine| spine.blocks.get(&number)).filter(|_| Spine::is_odd(row)) {
                    None => course.push(true, number, &row.0),
                    Some(blocks) => (number * FAN..)
                        .zip(blocks)
                        .for_each(|(number, block)| course.push(false, number, block)),
                }
            }
            for (number, block) in tails.get(&stretch.series).unwrap_or(&none) {
                course.push(false, *number, block);
                count = number * CHUNK_POINTS as u64 + block.count;
            }
            parts.push(Part { series: stretch.series, count });
            whole = whole.merge(&stretch.summary);
        }
        (name.clone(), Arc::new(Stored { course, hand: Hand::new(parts), whole }))
    });
    Ok(built.collect())
}

/// The complete rows of those series that are long enough for any.
async fn rows(
    store: &RunStore,
    spines: &Spines,
    stretches: impl Iterator<Item = &Stretch>,
) -> Result<HashMap<i64, Arc<Spine>>> {
    let row = FAN * CHUNK_POINTS as u64;
    let long: BTreeSet<(i64, u64)> = stretches
        .map(|stretch| (stretch.series, stretch.summary.count / row))
        .filter(|(_, rows)| *rows > 0)
        .collect();
    let mut known: HashMap<i64, Arc<Spine>> = {
        let spines = spines.0.lock().unwrap_or_else(PoisonError::into_inner);
        long.iter().filter_map(|(series, _)| Some((*series, spines.get(series)?.clone()))).collect()
    };
    let have = |known: &HashMap<i64, Arc<Spine>>, series: i64| {
        known.get(&series).map_or(0, |spine| spine.rows.len() as u64)
    };
    let wanted: Vec<(i64, u64)> = long
        .iter()
        .filter(|(series, rows)| have(&known, *series) < *rows)
        .map(|(series, _)| (*series, have(&known, *series)))
        .collect();
    if wanted.is_empty() {
        return Ok(known);
    }
    let mut odd = Vec::new();
    for (series, number, summary, fine) in store.rows_from(&wanted).await? {
        let spine = Arc::make_mut(known.entry(series).or_default());
        if number == spine.rows.len() as u64 {
            spine.rows.push((summary, fine));
            if Spine::is_odd(&(summary, fine)) {
                odd.push((series, number * FAN, number * FAN + FAN - 1));
            }
        }
    }
    if !odd.is_empty() {
        for (series, number, summary) in store.blocks_between(&odd).await? {
            let spine = Arc::make_mut(known.entry(series).or_default());
            spine.blocks.entry(number / FAN).or_default().push(summary);
        }
    }
    let mut spines = spines.0.lock().unwrap_or_else(PoisonError::into_inner);
    if spines.len() > REMEMBERED {
        spines.clear();
    }
    spines.extend(wanted.iter().filter_map(|(series, _)| Some((*series, known.get(series)?.clone()))));
    Ok(known)
}
