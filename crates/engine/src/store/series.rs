//! Metric points: sources (files being read), series, and their chunks.

use athanor_core::series::Summary;

use super::{Store, Tx, queries};
use crate::error::{Error, ErrorKind, Result};

queries! {
    SOURCES = "SELECT id, path, device, inode, generation, offset, prefix_hash, prefix_len, reader, problems
               FROM metric_source WHERE experiment_id = ? AND attempt = ? ORDER BY id";
    PUT_SOURCE = "INSERT INTO metric_source (experiment_id, attempt, path, device, inode, generation, offset,
                      prefix_hash, prefix_len, reader, problems)
                  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                  ON CONFLICT (experiment_id, attempt, path) DO UPDATE SET device = excluded.device,
                      inode = excluded.inode, generation = excluded.generation, offset = excluded.offset,
                      prefix_hash = excluded.prefix_hash, prefix_len = excluded.prefix_len,
                      reader = excluded.reader, problems = excluded.problems";
    LAST_END = "SELECT max(attempt.ended_at) FROM metric_source JOIN attempt
                ON attempt.experiment_id = metric_source.experiment_id AND attempt.number = metric_source.attempt
                WHERE metric_source.path = ?";
    SERIES = "SELECT id, key, attempt FROM series WHERE experiment_id = ? AND attempt = ? ORDER BY position, id";
    ADD_SERIES = "INSERT INTO series (experiment_id, attempt, key, position) VALUES (?, ?, ?, ?)
                  ON CONFLICT (experiment_id, attempt, key) DO UPDATE SET position = position RETURNING id";
    PUT_CHUNK = "INSERT INTO chunk (series_id, number, summary, data) VALUES (?, ?, ?, ?)
                 ON CONFLICT (series_id, number) DO UPDATE SET summary = excluded.summary, data = excluded.data";
    LAST_CHUNK = "SELECT number, summary, data FROM chunk WHERE series_id = ? ORDER BY number DESC LIMIT 1";
    CHUNKS = "SELECT number, summary, data FROM chunk WHERE series_id = ? ORDER BY number";
    CHUNKS_FROM = "SELECT number, summary, data FROM chunk WHERE series_id = ? AND number >= ? ORDER BY number";
    MEASURED = "SELECT DISTINCT uid, series.attempt FROM series JOIN experiment ON experiment.id = experiment_id";
    CLEAR_CHUNKS = "DELETE FROM chunk WHERE series_id = ?";
    SUMMARIES = "SELECT summary FROM chunk WHERE series_id = ? ORDER BY number";
}

/// A file that metrics are read from.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SourceRow {
    /// The file.
    pub path: String,
    /// Its file system and number there.
    pub device: i64,
    /// Its number.
    pub inode: i64,
    /// How often it was rewritten so far.
    pub generation: i64,
    /// Bytes consumed.
    pub offset: i64,
    /// Hash of its first `prefix_len` bytes.
    pub prefix_hash: Vec<u8>,
    /// How many bytes `prefix_hash` covers.
    pub prefix_len: i64,
    /// The reader's state at `offset`, JSON.
    pub reader: String,
    /// What could not be read, JSON array of sentences.
    pub problems: String,
}

/// A series.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SeriesRow {
    /// The store's key.
    pub id: i64,
    /// The metric's name.
    pub key: String,
    /// The attempt.
    pub attempt: u32,
}

/// A block of points.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ChunkRow {
    /// Its place in the series.
    pub number: i64,
    /// Its summary, as `athanor_core::series` writes it.
    pub summary: Vec<u8>,
    /// Its points, likewise.
    pub data: Vec<u8>,
}

impl Store {
    /// The files that an attempt's metrics are read from.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn sources(&self, experiment: i64, attempt: u32) -> Result<Vec<SourceRow>> {
        Ok(sqlx::query_as(SOURCES).bind(experiment).bind(attempt).fetch_all(self.readers()).await?)
    }

    /// When the last of the ended attempts whose metrics were read from this file ended.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn last_end_of_writers(&self, path: &str) -> Result<Option<i64>> {
        Ok(sqlx::query_scalar(LAST_END).bind(path).fetch_one(self.readers()).await?)
    }

    /// Records how far a file was read.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn put_source(
        &self,
        tx: &mut Tx,
        experiment: i64,
        attempt: u32,
        source: &SourceRow,
    ) -> Result<()> {
        sqlx::query(PUT_SOURCE)
            .bind(experiment)
            .bind(attempt)
            .bind(&source.path)
            .bind(source.device)
            .bind(source.inode)
            .bind(source.generation)
            .bind(source.offset)
            .bind(&source.prefix_hash)
            .bind(source.prefix_len)
            .bind(&source.reader)
            .bind(&source.problems)
            .execute(tx.now().await?)
            .await?;
        Ok(())
    }

    /// The series of an attempt in the order of their columns.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn series(&self, experiment: i64, attempt: u32) -> Result<Vec<SeriesRow>> {
        Ok(sqlx::query_as(SERIES).bind(experiment).bind(attempt).fetch_all(self.readers()).await?)
    }

    /// The key of a series, which is made if it is not there.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn ensure_series(
        &self,
        tx: &mut Tx,
        experiment: i64,
        attempt: u32,
        key: &str,
        position: i64,
    ) -> Result<i64> {
        Ok(sqlx::query_scalar(ADD_SERIES)
            .bind(experiment)
            .bind(attempt)
            .bind(key)
            .bind(position)
            .fetch_one(tx.now().await?)
            .await?)
    }

    /// Writes a block of points.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn put_chunk(
        &self,
        tx: &mut Tx,
        series: i64,
        number: i64,
        summary: &[u8],
        data: &[u8],
    ) -> Result<()> {
        sqlx::query(PUT_CHUNK)
            .bind(series)
            .bind(number)
            .bind(summary)
            .bind(data)
            .execute(tx.now().await?)
            .await?;
        Ok(())
    }

    /// The last block of a series, seen from inside a transaction.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn last_chunk(&self, tx: &mut Tx, series: i64) -> Result<Option<ChunkRow>> {
        Ok(sqlx::query_as(LAST_CHUNK).bind(series).fetch_optional(tx.now().await?).await?)
    }

    /// All blocks of a series in order.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn chunks(&self, series: i64) -> Result<Vec<ChunkRow>> {
        Ok(sqlx::query_as(CHUNKS).bind(series).fetch_all(self.readers()).await?)
    }

    /// The blocks of a series from a number on.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn chunks_from(&self, series: i64, number: i64) -> Result<Vec<ChunkRow>> {
        Ok(sqlx::query_as(CHUNKS_FROM).bind(series).bind(number).fetch_all(self.readers()).await?)
    }

    /// The attempts that have metrics, by the uid of their experiment.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn measured_attempts(&self) -> Result<Vec<(String, u32)>> {
        Ok(sqlx::query_as(MEASURED).fetch_all(self.readers()).await?)
    }

    /// The summaries of a series' blocks in order.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn summaries(&self, series: i64) -> Result<Vec<Vec<u8>>> {
        Ok(sqlx::query_scalar(SUMMARIES).bind(series).fetch_all(self.readers()).await?)
    }

    /// How many points a series has, seen from inside a transaction.
    ///
    /// # Errors
    /// The database refuses, or a summary can't be read.
    pub async fn points_in(&self, tx: &mut Tx, series: i64) -> Result<u64> {
        let summaries: Vec<Vec<u8>> =
            sqlx::query_scalar(SUMMARIES).bind(series).fetch_all(tx.now().await?).await?;
        Ok(total(&summaries)?.count)
    }

    /// Removes the blocks of a series that is about to be read anew.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn clear_chunks(&self, tx: &mut Tx, series: i64) -> Result<()> {
        sqlx::query(CLEAR_CHUNKS).bind(series).execute(tx.now().await?).await?;
        Ok(())
    }
}

/// The summary of a whole series from those of its blocks.
///
/// # Errors
/// One of them can't be read.
pub fn total(summaries: &[Vec<u8>]) -> Result<Summary> {
    summaries.iter().try_fold(Summary::default(), |all, bytes| {
        let next = Summary::from_bytes(bytes).map_err(|cause| {
            Error::new(ErrorKind::Damaged, format!("a block of points can't be read: {cause}"))
        })?;
        Ok(all.merge(&next))
    })
}
