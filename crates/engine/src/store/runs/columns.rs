//! Which columns a table of runs may have, how full they are, what values they hold, and which run is the best in them.

use athanor_core::goal::{Goal, goal};
use athanor_core::query::{Field, Kind, Plain, Stat};
use sqlx::Row as _;

use super::filter::{Sql, column, plain};
use super::table::{Wanted, json};
use super::{RunStore, queries};
use crate::error::Result;

queries! {
    METRIC_NAMES = "SELECT name FROM metric_key WHERE EXISTS (SELECT 1 FROM run_metric WHERE key_id = metric_key.id)
                    ORDER BY id LIMIT 20000";
    CONFIG_NAMES = "SELECT name FROM config_key WHERE EXISTS (SELECT 1 FROM run_config WHERE key_id = config_key.id)
                    ORDER BY id LIMIT 20000";
    SETTING_VALUES = "SELECT text FROM run_config WHERE key_id = (SELECT id FROM config_key WHERE name = ?)
                      GROUP BY text ORDER BY count(*) DESC, text LIMIT 200";
    TAG_VALUES = "SELECT value FROM run, json_each(run.tags) GROUP BY value ORDER BY count(*) DESC, value LIMIT 200";
    METRICS_OF_ALL = "SELECT name, runs, constant, 1 FROM metric_key JOIN (SELECT key_id, count(*) AS runs,
                          min(last) IS max(last) AND (count(last) = 0 OR count(last) = count(*)) AS constant
                      FROM run_metric GROUP BY key_id) ON key_id = id ORDER BY name";
    METRICS_OF_SOME = "SELECT name, runs, constant, 1 FROM metric_key JOIN (SELECT key_id, count(*) AS runs,
                           min(last) IS max(last) AND (count(last) = 0 OR count(last) = count(*)) AS constant
                       FROM run_metric WHERE +run_id IN (SELECT value FROM json_each(?)) GROUP BY key_id)
                       ON key_id = id ORDER BY name";
    METRIC_COUNTS = "SELECT name, runs FROM metric_key JOIN (SELECT key_id, count(*) AS runs FROM run_metric
                         WHERE run_id IN (SELECT value FROM json_each(?)) GROUP BY key_id) ON key_id = id ORDER BY name";
    SETTINGS_OF_ALL = "SELECT name, runs, constant, numeric FROM config_key JOIN (SELECT key_id, count(*) AS runs,
                           min(text) = max(text) AS constant, min(kind IN (2, 3)) AS numeric
                       FROM run_config GROUP BY key_id) ON key_id = id ORDER BY name";
    SETTINGS_OF_SOME = "SELECT name, runs, constant, numeric FROM config_key JOIN (SELECT key_id, count(*) AS runs,
                            min(text) = max(text) AS constant, min(kind IN (2, 3)) AS numeric
                        FROM run_config WHERE +run_id IN (SELECT value FROM json_each(?)) GROUP BY key_id)
                        ON key_id = id ORDER BY name";
}

/// A column that a table of runs may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnFacts {
    /// What is in it. Of a metric the last value stands for all of it.
    pub field: Field,
    /// How many of the runs have a value in it.
    pub runs: i64,
    /// All of the runs have a value in it, and the same.
    pub constant: bool,
    /// Its values are numbers.
    pub numeric: bool,
    /// Which way it is better.
    pub goal: Option<Goal>,
}

/// The best run in a column.
#[derive(Debug, Clone, PartialEq)]
pub struct Best {
    /// The column.
    pub field: Field,
    /// The run's uid.
    pub uid: String,
    /// Its value.
    pub value: f64,
}

impl RunStore {
    /// The metrics that runs have, with how many of them have each.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn metric_counts(&self, runs: &[i64]) -> Result<Vec<(String, i64)>> {
        Ok(sqlx::query_as(METRIC_COUNTS).bind(json(runs)).fetch_all(self.readers()).await?)
    }

    /// The columns that a table of the runs that are wanted may have, and how many runs these are. Fields, settings by
    /// name, metrics by name.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn columns(&self, wanted: &Wanted) -> Result<(Vec<ColumnFacts>, i64)> {
        let mut snapshot = self.readers().begin().await?;
        let mut sql = Sql::new("SELECT count(*)");
        for field in Plain::ALL {
            let own = match field {
                Plain::Tag => "nullif(run.tags, '[]')",
                field => plain(field),
            };
            sql.all([", count(", own, "), min(", own, ") IS max(", own, ")"]);
        }
        sql.put(" FROM run WHERE ");
        wanted.condition(&mut sql);
        let row = sql.built().build().fetch_one(&mut *snapshot).await?;
        let total: i64 = row.try_get(0)?;
        let mut all = Vec::new();
        for (index, field) in Plain::ALL.into_iter().enumerate() {
            let runs: i64 = row.try_get(1 + 2 * index)?;
            let same: bool = row.try_get(2 + 2 * index)?;
            let field = Field::Plain(field);
            let numeric = field.kind() == Kind::Number;
            all.push(ColumnFacts { field, runs, constant: runs == total && same, numeric, goal: None });
        }
        let (settings, metrics) = if wanted.query.0.is_none() && wanted.uids.is_none() {
            (
                sqlx::query_as(SETTINGS_OF_ALL).fetch_all(&mut *snapshot).await?,
                sqlx::query_as(METRICS_OF_ALL).fetch_all(&mut *snapshot).await?,
            )
        } else {
            let mut sql = Sql::new("SELECT run.id FROM run WHERE ");
            wanted.condition(&mut sql);
            let ids: Vec<i64> = sql.built().build_query_scalar().fetch_all(&mut *snapshot).await?;
            let ids = json(&ids);
            (
                sqlx::query_as(SETTINGS_OF_SOME).bind(&ids).fetch_all(&mut *snapshot).await?,
                sqlx::query_as(METRICS_OF_SOME).bind(&ids).fetch_all(&mut *snapshot).await?,
            )
        };
        let facts = |(name, runs, same, numeric): (String, i64, bool, bool), is_metric: bool| ColumnFacts {
            goal: goal(&name).filter(|_| is_metric),
            field: if is_metric { Field::Metric(name, Stat::Last) } else { Field::Config(name) },
            runs,
            constant: runs == total && same,
            numeric,
        };
        let settings: Vec<(String, i64, bool, bool)> = settings;
        let metrics: Vec<(String, i64, bool, bool)> = metrics;
        all.extend(settings.into_iter().map(|row| facts(row, false)));
        all.extend(metrics.into_iter().map(|row| facts(row, true)));
        Ok((all, total))
    }

    /// Names of metrics that some run has, those that were met first first: asked for with each key that is pressed, so
    /// nothing is counted.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn metric_names(&self) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar(METRIC_NAMES).fetch_all(self.readers()).await?)
    }

    /// Names of settings that some run has, likewise.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn setting_names(&self) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar(CONFIG_NAMES).fetch_all(self.readers()).await?)
    }

    /// Texts that runs have in a field, the most frequent first, 200 at most. None for metrics, moments and durations.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn values_of(&self, field: &Field) -> Result<Vec<String>> {
        Ok(match field {
            Field::Config(key) => {
                sqlx::query_scalar(SETTING_VALUES).bind(key).fetch_all(self.readers()).await?
            }
            Field::Plain(Plain::Tag) => sqlx::query_scalar(TAG_VALUES).fetch_all(self.readers()).await?,
            Field::Plain(field) if matches!(field.kind(), Kind::Text | Kind::Status) => {
                let own = plain(*field);
                let mut sql = Sql::new("SELECT ");
                sql.all([
                    own,
                    " FROM run WHERE ",
                    own,
                    " IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 200",
                ]);
                sql.built().build_query_scalar().fetch_all(self.readers()).await?
            }
            Field::Plain(_) | Field::Metric(..) => Vec::new(),
        })
    }

    /// The best of the runs that are wanted in each of these columns that has a goal: of several, the one that
    /// started first. Values that are not finite are not the best.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn best(&self, wanted: &Wanted, columns: &[Field]) -> Result<Vec<Best>> {
        let mut snapshot = self.readers().begin().await?;
        let mut all = Vec::new();
        for field in columns {
            let Field::Metric(key, stat) = field else { continue };
            let of_values = matches!(stat, Stat::Last | Stat::Min | Stat::Max | Stat::Mean | Stat::Median);
            let Some(goal) = goal(key).filter(|_| of_values) else { continue };
            let own = column(*stat);
            let mut sql = Sql::new("SELECT uid, ");
            sql.all(["m.", own, " FROM run_metric AS m JOIN run ON run.id = m.run_id"]);
            sql.put(" WHERE m.key_id = (SELECT id FROM metric_key WHERE name = ").bind(key.clone());
            sql.all([") AND abs(m.", own, ") <= "]).bind(f64::MAX).put(" AND ");
            wanted.condition(&mut sql);
            sql.all([" ORDER BY m.", own, if goal == Goal::Max { " DESC" } else { "" }]);
            sql.put(", run.started_at IS NULL, run.started_at, run.id LIMIT 1");
            let found: Option<(String, f64)> =
                sql.built().build_query_as().fetch_optional(&mut *snapshot).await?;
            all.extend(found.map(|(uid, value)| Best { field: field.clone(), uid, value }));
        }
        Ok(all)
    }
}
