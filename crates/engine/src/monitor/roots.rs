//! The working directories of running jobs: when each is looked through, and what for.
//!
//! A root is looked through when a job begins there, when one ends, when the kernel dropped events, and, where the kernel
//! does not tell of changes, every few seconds. Whoever asks while a look is under way shares the next one, so a hundred
//! jobs that begin in one folder cost two looks. Looks run beside the monitor's own task: a slow disk, or a server that
//! does not answer, holds up the jobs that work there and no others.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Key;
use super::watches::{RootId, Watches};
use crate::files::{self, Bounds, Found, Stamp};
use crate::ingest::Baseline;

/// From one look at files that are known to grow to the next.
pub(super) const STAT: Duration = Duration::from_secs(2);

/// From one look for new files to the next.
const WALK: Duration = Duration::from_secs(10);

/// After such a look, pause at least so many times as long as it took: polling costs one part in fifty at most.
const REST: u32 = 50;

/// Pauses get no longer than this.
const LONGEST: Duration = Duration::from_secs(300);

/// After a look that was due to dropped events, pause so many times as long as it took.
const RESCAN_REST: u32 = 10;

/// The least such pause.
const RESCAN: Duration = Duration::from_secs(1);

/// Old tables whose beginnings are remembered, to tell what is appended to them: the ones written last.
const BASELINES: usize = 2000;

/// Old tables as they were.
pub(super) type Baselines = Arc<HashMap<PathBuf, (Stamp, Baseline)>>;

/// A working directory with jobs.
#[derive(Debug)]
pub(super) struct Root {
    /// By which [`Watches`] knows it.
    pub id: RootId,
    /// Jobs that work there.
    pub jobs: BTreeSet<Key>,
    /// Those that have begun since the last look began.
    pub waiting: Vec<Key>,
    /// Those that have ended since the last look began.
    pub ending: Vec<Key>,
    /// A look is under way.
    walking: bool,
    /// Known files are being looked at.
    stating: bool,
    /// When to look for new files.
    walk_at: Option<Instant>,
    /// When to look at known files.
    stat_at: Option<Instant>,
    /// Events were dropped, and the next look makes up for it.
    pub rescan: bool,
    /// Not to be looked through before, for dropped events alone.
    rested: Option<Instant>,
    /// Looks for new files since a job began.
    walks: u32,
    /// Tables as they were last seen by looking.
    pub known: BTreeMap<PathBuf, Stamp>,
    /// Tables as the last beginning of a job found them.
    pub baselines: Baselines,
    /// The last look did not reach everything.
    pub cut: bool,
}

/// What a look through a root has found.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// Jobs that began.
    pub began: Vec<Key>,
    /// Jobs that ended.
    pub ended: Vec<Key>,
    /// Events had been dropped before it.
    pub rescan: bool,
    /// Tables, and whether there is more.
    pub found: Found,
    /// Beginnings of old tables, if a job began.
    pub baselines: Option<Baselines>,
    /// How long it took.
    pub took: Duration,
}

/// What a look at known files has found.
#[derive(Debug, Default)]
pub(super) struct Stated {
    /// Files that are not as they were.
    pub changed: Vec<(PathBuf, Stamp)>,
    /// The kernel tells of folders of which it did not.
    pub regained: bool,
    /// How long it took.
    pub took: Duration,
}

/// What a row of calls to a file system costs, so that pauses can be in proportion. Time in which a server did not answer
/// is no cost: pausing for it would keep people waiting when it is back.
#[derive(Debug)]
pub(crate) struct Cost {
    began: std::time::Instant,
    last: std::time::Instant,
    waited: Duration,
}

/// A single call that takes longer waits for somebody.
const WAITS: Duration = Duration::from_secs(1);

/// The same for what comes after the last call, which may be work.
const WORKS: Duration = Duration::from_secs(3);

impl Cost {
    pub fn begin() -> Self {
        let now = std::time::Instant::now();
        Self { began: now, last: now, waited: Duration::ZERO }
    }

    /// One call has ended, the next begins.
    pub fn step(&mut self) {
        self.step_at(std::time::Instant::now());
    }

    fn step_at(&mut self, now: std::time::Instant) {
        let gap = now.duration_since(self.last);
        if gap > WAITS {
            self.waited += gap;
        }
        self.last = now;
    }

    /// What all of it has cost.
    pub fn spent(&self) -> Duration {
        self.spent_at(std::time::Instant::now())
    }

    fn spent_at(&self, now: std::time::Instant) -> Duration {
        let rest = now.duration_since(self.last);
        let rest = if rest > WORKS { Duration::ZERO } else { rest };
        self.last.duration_since(self.began) - self.waited + rest
    }
}

/// From a look for new files to the next: soon at first, since a job makes its folders when it begins.
pub(crate) fn walk_pause(walks: u32, took: Duration) -> Duration {
    let usual = (STAT * 2u32.saturating_pow(walks.min(8))).min(WALK);
    usual.max(took.saturating_mul(REST)).min(LONGEST)
}

pub(crate) fn stat_pause(took: Duration) -> Duration {
    STAT.max(took.saturating_mul(REST)).min(LONGEST)
}

impl Root {
    pub fn new(id: RootId) -> Self {
        Self {
            id,
            jobs: BTreeSet::new(),
            waiting: Vec::new(),
            ending: Vec::new(),
            walking: false,
            stating: false,
            walk_at: None,
            stat_at: None,
            rescan: false,
            rested: None,
            walks: 0,
            known: BTreeMap::new(),
            baselines: Baselines::default(),
            cut: false,
        }
    }

    /// Asks for a look at once, or as soon as the last one that dropped events asked for has been rested from.
    pub fn want_rescan(&mut self, now: Instant) {
        self.rescan = true;
        let at = self.rested.map_or(now, |rested| rested.max(now));
        self.walk_at = Some(self.walk_at.map_or(at, |due| due.min(at)));
    }

    /// Asks for a look at once.
    pub fn want_walk(&mut self, now: Instant) {
        self.walk_at = Some(now);
    }

    /// When something is to be done next.
    pub fn next(&self, now: Instant) -> Option<Instant> {
        let walk = match (self.walking, self.waiting.is_empty() && self.ending.is_empty()) {
            (true, _) => None,
            (false, true) => self.walk_at,
            (false, false) => Some(now),
        };
        let stat = self.stat_at.filter(|_| !self.stating);
        walk.into_iter().chain(stat).min()
    }

    /// Whether it has to be looked through now.
    pub fn is_walk_due(&self, now: Instant) -> bool {
        let asked = !self.waiting.is_empty() || !self.ending.is_empty();
        !self.walking && (asked || self.walk_at.is_some_and(|at| at <= now))
    }

    /// Whether known files have to be looked at now.
    pub fn is_stat_due(&self, now: Instant) -> bool {
        !self.stating && self.stat_at.is_some_and(|at| at <= now)
    }

    /// What is to be done in a look that begins now; blocks on the disk.
    pub fn begin_walk(&mut self, folder: &Path, watches: &Arc<Watches>) -> impl FnOnce() -> Walked + use<> {
        self.walking = true;
        self.walk_at = None;
        let (began, ended) = (std::mem::take(&mut self.waiting), std::mem::take(&mut self.ending));
        if !began.is_empty() {
            self.walks = 0;
        }
        let rescan = std::mem::take(&mut self.rescan);
        let known = (!began.is_empty()).then(|| self.baselines.clone());
        let (id, folder, watches) = (self.id, folder.to_owned(), watches.clone());
        move || {
            let mut cost = Cost::begin();
            let look = watches.begin_look();
            let found = files::walk(vec![(folder, 0)], Bounds::WHOLE, |folder, network| {
                cost.step();
                watches.hold(id, folder, network);
            });
            if !found.cut {
                watches.forget_unmet(id, look);
            }
            let baselines = known.map(|known| Arc::new(baselines(&found, &known)));
            Walked { began, ended, rescan, found, baselines, took: cost.spent() }
        }
    }

    /// After a look: when the next one is due, if any of it is polled.
    pub fn walked(&mut self, walked: &Walked, polled: bool, now: Instant) {
        self.walking = false;
        self.cut = walked.found.cut;
        if walked.rescan {
            self.rested = Some(now + RESCAN.max(walked.took.saturating_mul(RESCAN_REST)));
        }
        let next = polled.then(|| now + walk_pause(self.walks, walked.took));
        // Asked for meanwhile.
        let asked = self.walk_at.map(|at| if self.rescan { at.max(self.rested.unwrap_or(at)) } else { at });
        self.walk_at = next.into_iter().chain(asked).min();
        self.walks = self.walks.saturating_add(1);
        if !polled {
            self.stat_at = None;
        } else if self.stat_at.is_none() {
            self.stat_at = Some(now + STAT);
        }
    }

    /// What is to be done in a look at these files that begins now; blocks on the disk.
    pub fn begin_stat(
        &mut self,
        files: Vec<PathBuf>,
        watches: &Arc<Watches>,
    ) -> impl FnOnce() -> Stated + use<> {
        let (id, watches) = (self.id, watches.clone());
        self.stating = true;
        self.stat_at = None;
        let files: Vec<(PathBuf, Option<Stamp>)> = files
            .into_iter()
            .map(|path| {
                let known = self.known.get(&path).copied();
                (path, known)
            })
            .collect();
        move || {
            let mut cost = Cost::begin();
            let changed = files
                .into_iter()
                .filter_map(|(path, known)| {
                    cost.step();
                    let now = Stamp::of(&path)?;
                    (Some(now) != known).then_some((path, now))
                })
                .collect();
            let took = cost.spent();
            Stated { changed, regained: watches.retry(id), took }
        }
    }

    /// After such a look.
    pub fn stated(&mut self, stated: &Stated, polled: bool, now: Instant) {
        self.stating = false;
        self.stat_at = polled.then(|| now + stat_pause(stated.took));
        self.known.extend(stated.changed.iter().cloned());
        if stated.regained {
            // What happened before the watch was there has to be found.
            self.want_walk(now);
        }
    }
}

/// The beginnings of the tables written last. What has not changed since it was read is not read again.
fn baselines(found: &Found, known: &Baselines) -> HashMap<PathBuf, (Stamp, Baseline)> {
    let mut tables: Vec<_> = found.tables.iter().collect();
    if tables.len() > BASELINES {
        tables.sort_by_key(|table| std::cmp::Reverse(table.stamp.modified()));
        tables.truncate(BASELINES);
    }
    tables
        .into_iter()
        .filter_map(|table| {
            let known = known.get(&table.path).filter(|(stamp, _)| *stamp == table.stamp);
            let baseline = match known {
                Some((_, baseline)) => baseline.clone(),
                None => Baseline::of(&table.path)?,
            };
            Some((table.path.clone(), (table.stamp, baseline)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn waiting_for_a_server_is_no_cost() {
        let ms = Duration::from_millis;
        let mut cost = Cost::begin();
        let began = cost.began;
        cost.step_at(began + ms(200));
        cost.step_at(began + ms(60_200));
        cost.step_at(began + ms(60_500));
        assert_eq!(cost.spent_at(began + ms(62_500)), ms(2500), "it hung for a minute");
        assert_eq!(cost.spent_at(began + ms(90_000)), ms(500), "and once more at the end");
        assert_eq!(stat_pause(cost.spent_at(began + ms(60_500))), ms(25_000));
    }

    #[test]
    fn new_files_are_looked_for_soon_at_first() {
        let quick = Duration::from_millis(1);
        let pauses: Vec<u64> = (0..6).map(|walks| walk_pause(walks, quick).as_secs()).collect();
        assert_eq!(pauses, [2, 4, 8, 10, 10, 10]);
        assert_eq!(
            walk_pause(9, Duration::from_secs(1)),
            Duration::from_secs(50),
            "a large tree costs no more"
        );
        assert_eq!(walk_pause(9, Duration::from_secs(60)), LONGEST);
        assert_eq!(stat_pause(quick), STAT);
    }

    proptest! {
        #[test]
        fn polling_takes_one_part_in_fifty_at_most(walks in 0u32..100, ms in 0u64..6000) {
            let took = Duration::from_millis(ms);
            prop_assert!(walk_pause(walks, took) >= took * 50);
            prop_assert!(stat_pause(took) >= took * 50);
        }
    }

    #[tokio::test]
    async fn who_asks_during_a_look_shares_the_next() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let watches = Watches::new(true);
        watches.add_root(1, dir.path());
        let (mut root, now) = (Root::new(1), Instant::now());
        assert_eq!(root.next(now), None, "nothing is done where nothing is asked");
        root.waiting.push((1, 1));
        assert!(root.is_walk_due(now));
        let first = root.begin_walk(dir.path(), &watches);
        root.waiting.extend([(2, 1), (3, 1)]);
        root.ending.push((1, 1));
        assert!(!root.is_walk_due(now), "one look at a time");
        let first = first();
        assert_eq!(first.began, [(1, 1)]);
        root.walked(&first, false, now);
        assert!(root.is_walk_due(now));
        let second = root.begin_walk(dir.path(), &watches)();
        assert_eq!((second.began, second.ended), (vec![(2, 1), (3, 1)], vec![(1, 1)]));
    }

    #[tokio::test]
    async fn dropped_events_are_made_up_for_at_once_and_then_with_rests() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let watches = Watches::new(true);
        watches.add_root(1, dir.path());
        let (mut root, now) = (Root::new(1), Instant::now());
        root.want_rescan(now);
        assert!(root.is_walk_due(now), "at once");
        let walk = root.begin_walk(dir.path(), &watches);
        root.want_rescan(now);
        let walked = walk();
        assert!(walked.rescan);
        root.walked(&walked, false, now);
        assert!(!root.is_walk_due(now + Duration::from_millis(1)), "not without a pause");
        assert!(root.is_walk_due(now + Duration::from_secs(2)), "but not forgotten");
    }

    #[test]
    fn what_has_not_changed_is_not_read_again() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("a.csv");
        std::fs::write(&path, "step,loss\n1,2\n").expect("written");
        let look = || files::walk(vec![(dir.path().to_owned(), 0)], Bounds::WHOLE, |_, _| {});
        let first = Arc::new(baselines(&look(), &Baselines::default()));
        let (stamp, _) = first[&path];
        // What a reading would give differs from what is remembered.
        let other = dir.path().join("other.csv");
        std::fs::write(&other, "epoch,accuracy\n").expect("written");
        let marked = Baseline::of(&other).expect("there");
        let known = Arc::new(HashMap::from([(path.clone(), (stamp, marked.clone()))]));
        assert_eq!(baselines(&look(), &known)[&path].1, marked);
        std::fs::write(&path, "step,loss\n1,2\n2,3\n").expect("written");
        assert_ne!(baselines(&look(), &known)[&path].1, marked);
    }
}
