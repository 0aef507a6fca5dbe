//! The points of runs: whole, in parts, and compared.

use std::collections::HashMap;

use athanor_core::series::{Points, Summary, decode_chunk};

use super::table::json;
use super::{RunStore, Tx, queries};
use crate::error::{Error, ErrorKind, Result};
use crate::store::total;

queries! {
    UID_OF = "SELECT uid FROM run WHERE id = ?";
    POINT_COUNT = "SELECT points FROM run WHERE id = ?";
    TOUCH = "UPDATE run SET revision = ? WHERE id = ?";
    BLOCK_COUNT = "SELECT count(*) FROM block WHERE series_id = ? AND level = 0";
    BLOCK = "SELECT data FROM block WHERE series_id = ? AND level = 0 AND number = ?";
    METRIC_BLOCKS = "SELECT data FROM block JOIN series ON series.id = series_id JOIN run_file ON run_file.id = file_id
                     WHERE series.run_id = ? AND key_id = ? AND level = 0
                     ORDER BY run_file.position, file_id, series.generation, number";
    LINES = "SELECT series.id, series.summary FROM series JOIN run_file ON run_file.id = file_id
             JOIN metric_key ON metric_key.id = key_id WHERE series.run_id = ? AND metric_key.name = ?
             ORDER BY run_file.position, file_id, series.generation";
    SUMMARIES = "SELECT number, summary FROM block WHERE series_id = ? AND level = ? AND number BETWEEN ? AND ?
                 ORDER BY number";
    ALL_LINES = "SELECT series.run_id, metric_key.name, series.id, series.summary FROM json_each(?) AS keys
                 CROSS JOIN metric_key ON metric_key.name = keys.value CROSS JOIN json_each(?) AS runs
                 CROSS JOIN series ON series.run_id = runs.value AND series.key_id = metric_key.id
                 JOIN run_file ON run_file.id = file_id
                 ORDER BY series.run_id, series.key_id, run_file.position, file_id, series.generation";
    ROWS_FROM = "SELECT series_id, number, summary, data IS NOT NULL FROM json_each(?) AS wanted
                 CROSS JOIN block ON series_id = wanted.value ->> 0 AND level = 1 AND number >= wanted.value ->> 1
                 ORDER BY series_id, number";
    BLOCKS_BETWEEN = "SELECT series_id, number, summary FROM json_each(?) AS wanted
                      CROSS JOIN block ON series_id = wanted.value ->> 0 AND level = 0
                          AND number BETWEEN wanted.value ->> 1 AND wanted.value ->> 2
                      ORDER BY series_id, number";
    TILES = "SELECT series_id, level, number, data FROM json_each(?) AS wanted
             CROSS JOIN block ON series_id = wanted.value ->> 0 AND level = wanted.value ->> 1
                 AND number = wanted.value ->> 2 WHERE data IS NOT NULL";
    BLOCKS = "SELECT number, data FROM block WHERE series_id = ? AND level = 0 AND number BETWEEN ? AND ? ORDER BY number";
}

/// A block or a row of buckets as it is stored: series, level, number, data.
pub type StoredTile = (i64, i64, i64, Vec<u8>);

/// One stretch of a metric: its points in one file, since that was last rewritten.
#[derive(Debug, Clone)]
pub struct Stretch {
    /// The store's key.
    pub series: i64,
    /// Of all its points.
    pub summary: Summary,
}

impl RunStore {
    /// A run's uid.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn uid_of(&self, run: i64) -> Result<Option<String>> {
        Ok(sqlx::query_scalar(UID_OF).bind(run).fetch_optional(self.readers()).await?)
    }

    /// How many points a run has.
    ///
    /// # Errors
    /// The database refuses, or there is no such run.
    pub async fn point_count(&self, run: i64) -> Result<i64> {
        Ok(sqlx::query_scalar(POINT_COUNT).bind(run).fetch_one(self.readers()).await?)
    }

    /// Gives a run the next revision.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn touch(&self, tx: &mut Tx, run: i64) -> Result<()> {
        let revision = self.next_revision(tx).await?;
        sqlx::query(TOUCH).bind(revision).bind(run).execute(tx.now().await?).await?;
        Ok(())
    }

    /// Whether the points of a series begin with those of another, bit by bit.
    ///
    /// # Errors
    /// The database refuses, or a block can't be read.
    pub async fn begins_with(&self, tx: &mut Tx, series: i64, with: i64) -> Result<bool> {
        let connection = tx.now().await?;
        let count: i64 = sqlx::query_scalar(BLOCK_COUNT).bind(with).fetch_one(&mut *connection).await?;
        for number in 0..count {
            let mut block = async |series: i64| -> Result<Option<Points>> {
                let data: Option<Vec<u8>> = sqlx::query_scalar(BLOCK)
                    .bind(series)
                    .bind(number)
                    .fetch_optional(&mut *connection)
                    .await?;
                data.map(|data| decode(&data)).transpose()
            };
            let (Some(old), new) = (block(with).await?, block(series).await?) else { return Ok(false) };
            let Some(new) = new else { return Ok(false) };
            let same = |a: &[f64], b: &[f64]| {
                b.len() >= a.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
            };
            if !same(old.steps(), new.steps()) || !same(old.values(), new.values()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// All blocks of a metric of a run, in the order of its files.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn metric_blocks(&self, run: i64, key: i64) -> Result<Vec<Vec<u8>>> {
        Ok(sqlx::query_scalar(METRIC_BLOCKS).bind(run).bind(key).fetch_all(self.readers()).await?)
    }

    /// The stretches of a metric of a run, in the order of its files.
    ///
    /// # Errors
    /// The database refuses, or a summary can't be read.
    pub async fn stretches(&self, run: i64, metric: &str) -> Result<Vec<Stretch>> {
        let rows: Vec<(i64, Vec<u8>)> =
            sqlx::query_as(LINES).bind(run).bind(metric).fetch_all(self.readers()).await?;
        rows.into_iter()
            .map(|(series, summary)| Ok(Stretch { series, summary: total(&[summary])? }))
            .collect()
    }

    /// The stretches of metrics of runs, by run and metric.
    ///
    /// # Errors
    /// The database refuses, or a summary can't be read.
    pub async fn all_stretches(
        &self,
        runs: &[i64],
        metrics: &[String],
    ) -> Result<HashMap<(i64, String), Vec<Stretch>>> {
        let rows: Vec<(i64, String, i64, Vec<u8>)> =
            sqlx::query_as(ALL_LINES).bind(json(metrics)).bind(json(runs)).fetch_all(self.readers()).await?;
        let mut all: HashMap<_, Vec<Stretch>> = HashMap::new();
        for (run, metric, series, summary) in rows {
            let stretch = Stretch { series, summary: total(&[summary])? };
            all.entry((run, metric)).or_default().push(stretch);
        }
        Ok(all)
    }

    /// Summaries of rows of level 1 of series, each from a number on, and whether their buckets are stored.
    ///
    /// # Errors
    /// The database refuses, or a summary can't be read.
    pub async fn rows_from(&self, wanted: &[(i64, u64)]) -> Result<Vec<(i64, u64, Summary, bool)>> {
        let rows: Vec<(i64, i64, Vec<u8>, bool)> =
            sqlx::query_as(ROWS_FROM).bind(json(wanted)).fetch_all(self.readers()).await?;
        rows.into_iter()
            .map(|(series, number, summary, fine)| {
                Ok((series, number.cast_unsigned(), total(&[summary])?, fine))
            })
            .collect()
    }

    /// Summaries of blocks of series, each from a number to another.
    ///
    /// # Errors
    /// The database refuses, or a summary can't be read.
    pub async fn blocks_between(&self, wanted: &[(i64, u64, u64)]) -> Result<Vec<(i64, u64, Summary)>> {
        let rows: Vec<(i64, i64, Vec<u8>)> =
            sqlx::query_as(BLOCKS_BETWEEN).bind(json(wanted)).fetch_all(self.readers()).await?;
        rows.into_iter()
            .map(|(series, number, summary)| Ok((series, number.cast_unsigned(), total(&[summary])?)))
            .collect()
    }

    /// Blocks and rows of buckets, by series, level and number, as they are stored; those that are not are left out.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn tiles(&self, wanted: &[(i64, u8, u64)]) -> Result<Vec<StoredTile>> {
        Ok(sqlx::query_as(TILES).bind(json(wanted)).fetch_all(self.readers()).await?)
    }

    /// Summaries of a level of a series, with their numbers.
    ///
    /// # Errors
    /// The database refuses, or a summary can't be read.
    pub async fn summaries(
        &self,
        series: i64,
        level: i64,
        (first, last): (u64, u64),
    ) -> Result<Vec<(u64, Summary)>> {
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(SUMMARIES)
            .bind(series)
            .bind(level)
            .bind(i64::try_from(first).unwrap_or(i64::MAX))
            .bind(i64::try_from(last).unwrap_or(i64::MAX))
            .fetch_all(self.readers())
            .await?;
        rows.into_iter().map(|(number, bytes)| Ok((number.cast_unsigned(), total(&[bytes])?))).collect()
    }

    /// Blocks of a series, with their numbers.
    ///
    /// # Errors
    /// The database refuses, or a block can't be read.
    pub async fn points(&self, series: i64, (first, last): (u64, u64)) -> Result<Vec<(u64, Points)>> {
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(BLOCKS)
            .bind(series)
            .bind(i64::try_from(first).unwrap_or(i64::MAX))
            .bind(i64::try_from(last).unwrap_or(i64::MAX))
            .fetch_all(self.readers())
            .await?;
        rows.into_iter().map(|(number, data)| Ok((number.cast_unsigned(), decode(&data)?))).collect()
    }
}

fn decode(data: &[u8]) -> Result<Points> {
    decode_chunk(data).map_err(|cause| {
        Error::new(ErrorKind::Damaged, format!("a block of points can't be read: {cause}"))
            .hint("“athanor watch rm” and “athanor watch add” read that folder's runs again.")
    })
}
