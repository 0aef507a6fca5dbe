//! Everything about one run but its points.

use super::table::RunCell;
use super::{RunStore, queries};
use crate::error::Result;

queries! {
    METRICS = "SELECT name AS key, count, not_finite, last, last_step, min, min_step, max, max_step, mean, median
               FROM run_metric JOIN metric_key ON metric_key.id = key_id WHERE run_id = ? ORDER BY name";
    SETTINGS = "SELECT name, kind, number, text FROM run_config JOIN config_key ON config_key.id = key_id
                WHERE run_id = ? ORDER BY name";
    FILES = "SELECT path, role, format, prefix, size, modified_ns, others, problems, refused FROM run_file WHERE run_id = ?
             ORDER BY position, id";
}

/// What is known of a metric of a run.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct MetricFacts {
    /// Its name.
    pub key: String,
    /// Points, NaN and infinite ones included.
    pub count: i64,
    /// How many of them are NaN or infinite.
    pub not_finite: i64,
    /// None where it is NaN, if there are points.
    pub last: Option<f64>,
    /// The step of the last value.
    pub last_step: Option<f64>,
    /// The least finite value.
    pub min: Option<f64>,
    /// Where it was first reached.
    pub min_step: Option<f64>,
    /// The greatest finite value.
    pub max: Option<f64>,
    /// Where it was first reached.
    pub max_step: Option<f64>,
    /// Of the finite values.
    pub mean: Option<f64>,
    /// Of the finite values.
    pub median: Option<f64>,
}

/// What is known of a file of a run.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct FileFacts {
    /// Absolute.
    pub path: String,
    /// What it is to the run.
    pub role: String,
    /// The id of its format.
    pub format: String,
    /// What stands before the names of its metrics.
    pub prefix: String,
    /// Bytes, when it was last read.
    pub size: i64,
    /// UTC nanoseconds on the file system's clock, likewise.
    pub modified_ns: i64,
    /// JSON: what else is in it.
    pub others: String,
    /// JSON: what could not be read.
    pub problems: String,
    /// Why nothing of it is read.
    pub refused: Option<String>,
}

impl RunStore {
    /// The metrics of a run, by name.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn metrics_of_run(&self, run: i64) -> Result<Vec<MetricFacts>> {
        Ok(sqlx::query_as(METRICS).bind(run).fetch_all(self.readers()).await?)
    }

    /// The settings of a run, by name.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn settings_of_run(&self, run: i64) -> Result<Vec<(String, RunCell)>> {
        let rows: Vec<(String, i64, Option<f64>, String)> =
            sqlx::query_as(SETTINGS).bind(run).fetch_all(self.readers()).await?;
        let cell = |(key, kind, number, text)| (key, RunCell::setting(kind, number, text));
        Ok(rows.into_iter().map(cell).collect())
    }

    /// The files of a run, in the order in which they are read.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn files_of_run(&self, run: i64) -> Result<Vec<FileFacts>> {
        Ok(sqlx::query_as(FILES).bind(run).fetch_all(self.readers()).await?)
    }
}
