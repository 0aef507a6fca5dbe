//! Answers from the history: any range, from the tier that fits it.

use athanor_core::history::{Bucket, Metric, Resolution, Shrinking, Tier, resolution, roll, unpack};

use super::{History, Key};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{ExperimentRow, HistorySeriesRow};

/// Something of which there is a history.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What is recorded.
    pub metric: Metric,
    /// A GPU's uuid, a disk's label; empty for the machine itself.
    pub subject: String,
    /// What the subject is called.
    pub title: String,
    /// A GPU's index; else 0.
    pub position: u32,
    /// About when it was last recorded, UTC milliseconds.
    pub seen_at: i64,
}

/// What a metric did from one moment to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Stretch {
    /// Where it begins: what was asked for, or later where the history begins later.
    pub since: i64,
    /// Where it ends.
    pub until: i64,
    /// The tier that it is from; none for the history of an attempt, which has buckets of its own width.
    pub tier: Option<Tier>,
    /// Width of a bucket, milliseconds.
    pub step: i64,
    /// Sorted; nothing stands for a time in which nothing was read.
    pub buckets: Vec<Bucket>,
    /// How many stored slices could not be read and are missing.
    pub damaged: u32,
}

impl History {
    /// Everything of which there is a history, attempts of jobs aside.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn series(&self) -> Result<Vec<Series>> {
        let mut all: Vec<Series> =
            self.shared.store.history_series().await?.into_iter().filter_map(Series::of).collect();
        let memory = self.shared.memory();
        let seen_at = memory.last_at.unwrap_or(0);
        for key in memory.pending.keys().chain(memory.writing.keys()) {
            let known = |series: &&mut Series| series.metric == key.metric && series.subject == key.subject;
            match all.iter_mut().find(known) {
                Some(series) => series.seen_at = series.seen_at.max(seen_at),
                None => {
                    let name = memory.names.get(&key.subject).cloned();
                    let (title, position) = name.unwrap_or_else(|| (key.subject.clone(), 0));
                    let (metric, subject) = (key.metric, key.subject.clone());
                    all.push(Series { metric, subject, title, position, seen_at });
                }
            }
        }
        all.sort_by(|a, b| (a.metric, a.position, &a.subject).cmp(&(b.metric, b.position, &b.subject)));
        Ok(all)
    }

    /// When the history begins, UTC milliseconds; `None` while there is none.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn begins_at(&self) -> Result<Option<i64>> {
        // From coarse to fine: within the first bucket of a coarse tier a finer one knows better.
        let mut first: Option<(i64, i64)> = None;
        for tier in Tier::ALL.into_iter().rev() {
            let Some(slice) = self.shared.store.history_begin(tier).await? else { continue };
            let rows = self.shared.store.all_history_slices(tier, slice, slice + 1).await?;
            let starts = rows.iter().filter_map(|(_, _, data)| {
                let read = unpack(data, slice, tier.bucket_ms(), tier.slice_ms()).ok()?;
                Some(read.first()?.start)
            });
            let start = starts.min().unwrap_or(slice);
            if first.is_none_or(|(at, width)| start < at + width) {
                first = Some((start, tier.bucket_ms()));
            }
        }
        let memory = self.shared.memory();
        let fresh =
            memory.pending.values().chain(memory.writing.values()).filter_map(|buckets| buckets.first());
        let fresh = fresh.map(|bucket| bucket.start).min();
        Ok(match (first, fresh) {
            (Some((at, width)), Some(fresh)) if fresh >= at + width => Some(at),
            (Some((at, _)), fresh) => Some(fresh.map_or(at, |fresh| fresh.max(at))),
            (None, fresh) => fresh,
        })
    }

    /// What a metric did from `since` (if absent, from the beginning) to `until`, in at most `width` buckets and one.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn read(
        &self,
        (metric, subject): (Metric, &str),
        (since, until): (Option<i64>, i64),
        width: u32,
        now: i64,
    ) -> Result<Stretch> {
        let begin = self.begins_at().await?.unwrap_or(until);
        let since = since.unwrap_or(begin).max(begin).min(until);
        let shown = resolution(since, until, width, now);
        self.read_at((metric, subject), (since, until), shown).await
    }

    /// What a metric did, from a tier in buckets of a width.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn read_at(
        &self,
        (metric, subject): (Metric, &str),
        (since, until): (i64, i64),
        Resolution { tier, step }: Resolution,
    ) -> Result<Stretch> {
        let key = Key { metric, subject: subject.to_owned() };
        let gate = self.shared.gate.read().await;
        // Not before the gate: a series that is stored for the first time would be neither here nor there.
        let id = self.shared.store.history_series().await?;
        let id =
            id.iter().find(|row| row.metric == metric.name() && row.subject == subject).map(|row| row.id);
        // The first bucket and the last are whole.
        let (from, end) =
            (since.div_euclid(step) * step, until.saturating_add(step - 1).div_euclid(step) * step);
        let within = |bucket: &Bucket| bucket.start >= from && bucket.start < end;
        let mut buckets: Vec<Bucket> = {
            let memory = self.shared.memory();
            let fresh = [memory.pending.get(&key), memory.writing.get(&key)];
            fresh.into_iter().flatten().flatten().copied().filter(within).collect()
        };
        let mut damaged = 0;
        if let (Some(id), Some(ledger)) = (id, *gate) {
            for piece in ledger.pieces(tier, from, end) {
                let first = piece.tier.slice_of(piece.from);
                // A tier has nothing before its beginning: nothing is looked for there.
                let Some(begin) = self.shared.store.history_begin(piece.tier).await? else { continue };
                // Nor after the newest sample, of which the marks of the coarser tiers tell.
                let end = piece.until.min(
                    super::newest(&self.shared)
                        .max(ledger.mark(Tier::Ten))
                        .saturating_add(Tier::Ten.slice_ms()),
                );
                let slices = self.shared.store.history_slices(piece.tier, id, first.max(begin), end).await?;
                for (slice, data) in slices {
                    match unpack(&data, slice, piece.tier.bucket_ms(), piece.tier.slice_ms()) {
                        Ok(read) => buckets.extend(read.into_iter().filter(|bucket| {
                            within(bucket) && bucket.start >= piece.from && bucket.start < piece.until
                        })),
                        Err(damage) => {
                            tracing::debug!(%damage, ?piece, slice, "a slice of the history can't be read");
                            damaged += 1;
                        }
                    }
                }
            }
        }
        drop(gate);
        let buckets = roll(buckets, step);
        Ok(Stretch { since, until, tier: Some(tier), step, buckets, damaged })
    }

    /// What an attempt's GPUs did for it.
    ///
    /// # Errors
    /// The metric is none of an attempt, or the store refuses.
    pub async fn read_attempt(&self, row: &ExperimentRow, attempt: u32, metric: Metric) -> Result<Stretch> {
        if !metric.of_job() {
            let message = format!("{} is no metric of a job", metric.name());
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let fresh = self.shared.book().history((row.id, attempt), metric);
        let (mut history, mut damaged) = (Shrinking::default(), 0);
        match fresh {
            Some(fresh) => history = fresh,
            None => {
                if let Some(data) =
                    self.shared.store.attempt_history((row.id, attempt), metric.name()).await?
                {
                    match Shrinking::from_bytes(&data) {
                        Ok(read) => history = read,
                        Err(damage) => {
                            tracing::debug!(%damage, uid = row.uid, attempt, "an attempt's history can't be read");
                            damaged = 1;
                        }
                    }
                }
            }
        }
        let buckets = history.buckets().to_vec();
        let since = buckets.first().map_or(0, |bucket| bucket.start);
        let until = buckets.last().map_or(0, |bucket| bucket.start + history.width());
        Ok(Stretch { since, until, tier: None, step: history.width(), buckets, damaged })
    }
}

impl Series {
    /// A series that this program knows; one of a newer program is passed over.
    fn of(row: HistorySeriesRow) -> Option<Self> {
        let HistorySeriesRow { metric, subject, title, position, seen_at, .. } = row;
        Some(Self { metric: Metric::from_name(&metric)?, subject, title, position, seen_at })
    }
}
