//! The history of the machine and of attempts: rows of packed buckets (see `athanor_core::history`).

use athanor_core::history::{Basis, Ledger, Tier, Usage};

use super::attempt::signed;
use super::{Store, Tx, queries};
use crate::error::Result;

queries! {
    SERIES = "SELECT id, metric, subject, title, position, seen_at FROM history_series ORDER BY metric, position, subject";
    PUT_SERIES = "INSERT INTO history_series (metric, subject, title, position, seen_at) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (metric, subject) DO UPDATE SET title = excluded.title, position = excluded.position,
            seen_at = max(seen_at, excluded.seen_at)
        RETURNING id";
    SEEN = "UPDATE history_series SET seen_at = max(seen_at, ?2) WHERE id = ?1";
    /// One step down the tree for each slice: their places are known.
    SLICES = "WITH RECURSIVE place (slice) AS (
            SELECT ?3 UNION ALL SELECT slice + ?5 FROM place WHERE slice + ?5 < ?4)
        SELECT history.slice, history.data FROM place CROSS JOIN history
            ON history.tier = ?1 AND history.slice = place.slice AND history.series_id = ?2
        ORDER BY history.slice";
    ALL_SLICES = "SELECT slice, series_id, data FROM history WHERE tier = ?1 AND slice >= ?2 AND slice < ?3
        ORDER BY slice, series_id";
    FIRST = "SELECT min(slice) FROM history WHERE tier = ?";
    FIRST_AFTER = "SELECT min(slice) FROM history WHERE tier = ? AND slice >= ?";
    ADD = "INSERT INTO history (tier, slice, series_id, data) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING";
    GET = "SELECT data FROM history WHERE tier = ? AND slice = ? AND series_id = ?";
    REPLACE = "UPDATE history SET data = ?4 WHERE tier = ?1 AND slice = ?2 AND series_id = ?3";
    /// A part of what may go: the oldest, over a limited time.
    REMOVE = "DELETE FROM history WHERE tier = ?1
        AND slice < min(?2, (SELECT min(slice) FROM history WHERE tier = ?1) + ?3)";
    PUT_ATTEMPT = "INSERT INTO attempt_history (experiment_id, attempt, metric, data)
        SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM attempt WHERE experiment_id = ?1 AND number = ?2)
        ON CONFLICT (experiment_id, attempt, metric) DO UPDATE SET data = excluded.data";
    ATTEMPT = "SELECT data FROM attempt_history WHERE experiment_id = ? AND attempt = ? AND metric = ?";
    PUT_USAGE = "UPDATE attempt SET peak_gpu_memory = ?3, gpu_utilisation = ?4, gpu_sampled_ms = ?5, energy_wh = ?6,
            energy_basis = ?7
        WHERE experiment_id = ?1 AND number = ?2";
    OPEN_USAGE = "SELECT experiment_id, number, peak_gpu_memory, gpu_utilisation, gpu_sampled_ms, energy_wh, energy_basis
        FROM experiment JOIN attempt ON attempt.experiment_id = experiment.id AND attempt.number = experiment.attempt
        WHERE experiment.status IN ('running', 'paused') AND attempt.ended_at IS NULL
            AND (gpu_sampled_ms IS NOT NULL OR peak_gpu_memory IS NOT NULL)";
}

/// Something of which there is a history.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct HistorySeriesRow {
    /// The store's key.
    pub id: i64,
    /// The metric's name.
    pub metric: String,
    /// A GPU's uuid, a disk's label; empty for the machine itself.
    pub subject: String,
    /// What the subject was called when it was last seen.
    pub title: String,
    /// A GPU's index then; else 0.
    pub position: u32,
    /// About when it was last recorded, UTC milliseconds.
    pub seen_at: i64,
}

/// The key under which the ledger's marks are kept.
const MARKS: &str = "history";

fn tier_number(tier: Tier) -> i64 {
    // There are four.
    signed(tier.number() as u64)
}

/// A usage out of the columns of an attempt: peak, mean utilisation, time, energy, basis.
pub(super) type UsageColumns = (Option<i64>, Option<f64>, Option<i64>, Option<f64>, Option<String>);

pub(super) fn usage((peak, utilisation, sampled, energy_wh, basis): UsageColumns) -> Usage {
    Usage {
        peak_memory: peak.map(i64::unsigned_abs),
        utilisation,
        sampled_ms: sampled.map_or(0, i64::unsigned_abs),
        energy_wh,
        basis: basis.as_deref().and_then(Basis::from_word),
    }
}

impl Store {
    /// Everything of which there is a history.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn history_series(&self) -> Result<Vec<HistorySeriesRow>> {
        Ok(sqlx::query_as(SERIES).fetch_all(self.readers()).await?)
    }

    /// Makes a series known, or says what its subject is called now. Returns its key.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn put_history_series(
        &self,
        tx: &mut Tx,
        (metric, subject): (&str, &str),
        (title, position): (&str, u32),
        at: i64,
    ) -> Result<i64> {
        let query = sqlx::query_scalar(PUT_SERIES).bind(metric).bind(subject).bind(title).bind(position);
        Ok(query.bind(at).fetch_one(tx.now().await?).await?)
    }

    /// Notes that a series was recorded.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn history_seen(&self, tx: &mut Tx, series: i64, at: i64) -> Result<()> {
        sqlx::query(SEEN).bind(series).bind(at).execute(tx.now().await?).await?;
        Ok(())
    }

    /// Up to where each tier was made; `None` before anything was recorded.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn history_ledger(&self) -> Result<Option<Ledger>> {
        Ok(self.meta(MARKS).await?.map(Ledger::stored))
    }

    /// Records up to where each tier was made.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn set_history_ledger(&self, tx: &mut Tx, ledger: &Ledger) -> Result<()> {
        self.set_meta(tx, MARKS, &ledger.marks()).await
    }

    /// The slices of a series that begin from `from` (which begins one itself) to before `until`, in order.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn history_slices(
        &self,
        tier: Tier,
        series: i64,
        from: i64,
        until: i64,
    ) -> Result<Vec<(i64, Vec<u8>)>> {
        if from >= until {
            return Ok(Vec::new());
        }
        let query = sqlx::query_as(SLICES).bind(tier_number(tier)).bind(series).bind(from).bind(until);
        Ok(query.bind(tier.slice_ms()).fetch_all(self.readers()).await?)
    }

    /// The slices of all series that begin from `from` to before `until`, in order: slice, series, data.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn all_history_slices(
        &self,
        tier: Tier,
        from: i64,
        until: i64,
    ) -> Result<Vec<(i64, i64, Vec<u8>)>> {
        let query = sqlx::query_as(ALL_SLICES).bind(tier_number(tier)).bind(from).bind(until);
        Ok(query.fetch_all(self.readers()).await?)
    }

    /// Where the oldest slice of a tier begins.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn history_begin(&self, tier: Tier) -> Result<Option<i64>> {
        Ok(sqlx::query_scalar(FIRST).bind(tier_number(tier)).fetch_one(self.readers()).await?)
    }

    /// Where the first slice of a tier at or after a moment begins.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn history_next(&self, tier: Tier, from: i64) -> Result<Option<i64>> {
        let query = sqlx::query_scalar(FIRST_AFTER).bind(tier_number(tier)).bind(from);
        Ok(query.fetch_one(self.readers()).await?)
    }

    /// Writes a slice that is not there yet. Returns false, and writes nothing, if it is.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn add_history_slice(
        &self,
        tx: &mut Tx,
        (tier, slice, series): (Tier, i64, i64),
        data: &[u8],
    ) -> Result<bool> {
        let query = sqlx::query(ADD).bind(tier_number(tier)).bind(slice).bind(series).bind(data);
        Ok(query.execute(tx.now().await?).await?.rows_affected() > 0)
    }

    /// A slice, as the transaction sees it.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn history_slice(
        &self,
        tx: &mut Tx,
        (tier, slice, series): (Tier, i64, i64),
    ) -> Result<Option<Vec<u8>>> {
        let query = sqlx::query_scalar(GET).bind(tier_number(tier)).bind(slice).bind(series);
        Ok(query.fetch_optional(tx.now().await?).await?)
    }

    /// Replaces a slice that is there.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn replace_history_slice(
        &self,
        tx: &mut Tx,
        (tier, slice, series): (Tier, i64, i64),
        data: &[u8],
    ) -> Result<()> {
        let query = sqlx::query(REPLACE).bind(tier_number(tier)).bind(slice).bind(series).bind(data);
        query.execute(tx.now().await?).await?;
        Ok(())
    }

    /// Removes the oldest slices of a tier that begin before a moment: at most those of `most` milliseconds at once, so
    /// that neither the queue is kept waiting nor a clock that jumps takes much with it.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn remove_history(&self, tx: &mut Tx, tier: Tier, before: i64, most: i64) -> Result<u64> {
        let query = sqlx::query(REMOVE).bind(tier_number(tier)).bind(before).bind(most);
        Ok(query.execute(tx.now().await?).await?.rows_affected())
    }

    /// Writes the history of an attempt, if the attempt is still there.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn put_attempt_history(
        &self,
        tx: &mut Tx,
        (experiment, attempt): (i64, u32),
        metric: &str,
        data: &[u8],
    ) -> Result<()> {
        let query = sqlx::query(PUT_ATTEMPT).bind(experiment).bind(attempt).bind(metric).bind(data);
        query.execute(tx.now().await?).await?;
        Ok(())
    }

    /// The history of an attempt.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn attempt_history(
        &self,
        (experiment, attempt): (i64, u32),
        metric: &str,
    ) -> Result<Option<Vec<u8>>> {
        let query = sqlx::query_scalar(ATTEMPT).bind(experiment).bind(attempt).bind(metric);
        Ok(query.fetch_optional(self.readers()).await?)
    }

    /// Records what an attempt was seen to use of its GPUs so far.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn set_usage(
        &self,
        tx: &mut Tx,
        (experiment, attempt): (i64, u32),
        used: &Usage,
    ) -> Result<()> {
        sqlx::query(PUT_USAGE)
            .bind(experiment)
            .bind(attempt)
            .bind(used.peak_memory.map(signed))
            .bind(used.utilisation)
            .bind(signed(used.sampled_ms))
            .bind(used.energy_wh)
            .bind(used.basis.map(Basis::as_str))
            .execute(tx.now().await?)
            .await?;
        Ok(())
    }

    /// What the attempts under way were seen to use so far: experiment, number, usage.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn open_usage(&self) -> Result<Vec<(i64, u32, Usage)>> {
        type Columns = (i64, u32, Option<i64>, Option<f64>, Option<i64>, Option<f64>, Option<String>);
        let rows: Vec<Columns> = sqlx::query_as(OPEN_USAGE).fetch_all(self.readers()).await?;
        let row = |(id, number, peak, utilisation, sampled, energy, basis): Columns| {
            (id, number, usage((peak, utilisation, sampled, energy, basis)))
        };
        Ok(rows.into_iter().map(row).collect())
    }
}
