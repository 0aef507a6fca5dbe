//! The table of runs: pages of it, sorted and filtered by the database, with cells for the rows of the page alone.

use std::collections::HashMap;

use athanor_core::query::{Field, Kind, Now, Plain, Query, Stat};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Row as _, TypeInfo as _, ValueRef as _};

use super::filter::{Sql, column, condition, plain};
use super::{RunStore, queries};
use crate::error::{Error, ErrorKind, Result};

queries! {
    ALL = "SELECT count(*) FROM run";
    ROWS = "SELECT id, uid, name, status, project, grouping, format, started_at, finished_at, changed_at, steps,
                total_steps, points, tags, notes, folder, part, commit_hash, host, experiment, attempt, missing, watch_id
            FROM run WHERE id IN (SELECT value FROM json_each(?))";
    IDS = "SELECT id, uid FROM run WHERE uid IN (SELECT value FROM json_each(?))";
    METRIC_CELLS = "SELECT run_id, name, count, last, min, max, mean, median, last_step, min_step, max_step
                    FROM metric_key CROSS JOIN run_metric ON key_id = id
                    WHERE name IN (SELECT value FROM json_each(?)) AND run_id IN (SELECT value FROM json_each(?))";
    CONFIG_CELLS = "SELECT run_id, name, kind, number, text FROM config_key CROSS JOIN run_config ON key_id = id
                    WHERE name IN (SELECT value FROM json_each(?)) AND run_id IN (SELECT value FROM json_each(?))";
    BEGINNING = "SELECT id FROM run WHERE uid BETWEEN ?1 AND ?1 || '~' ORDER BY uid LIMIT 2";
    SNAPSHOT_REVISION = "SELECT last FROM revision";
}

/// Columns that a table is sorted by at most.
const SORTS: usize = 4;

/// Rows whose cells are fetched at once.
const ROWS_AT_ONCE: usize = 500;

/// A run, as the table has it.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct RunRow {
    /// The store's key.
    pub id: i64,
    /// What people and commands name it by.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// How it stands.
    pub status: String,
    /// Its project.
    pub project: Option<String>,
    /// Its group.
    pub grouping: Option<String>,
    /// The id of its format.
    pub format: String,
    /// UTC milliseconds.
    pub started_at: Option<i64>,
    /// UTC milliseconds.
    pub finished_at: Option<i64>,
    /// The newest modification of its files, UTC milliseconds.
    pub changed_at: Option<i64>,
    /// The greatest step that was reached.
    pub steps: Option<f64>,
    /// How many it is meant to have.
    pub total_steps: Option<f64>,
    /// Points of all its metrics.
    pub points: i64,
    /// JSON array.
    pub tags: String,
    /// What is noted about it.
    pub notes: String,
    /// Absolute.
    pub folder: String,
    /// Tells apart several runs in one folder.
    pub part: String,
    /// The commit of the code.
    pub commit_hash: Option<String>,
    /// The machine that it ran on.
    pub host: Option<String>,
    /// The experiment that wrote it.
    pub experiment: Option<String>,
    /// Which attempt of that.
    pub attempt: Option<u32>,
    /// Its files are gone.
    pub missing: bool,
    /// The watch folder in which it was found.
    pub watch_id: Option<i64>,
}

impl RunRow {
    /// Its tags.
    #[must_use]
    pub fn tags(&self) -> Vec<String> {
        serde_json::from_str(&self.tags).unwrap_or_default()
    }

    /// From its start to its end, or to the newest modification of its files, milliseconds.
    #[must_use]
    pub fn duration_ms(&self) -> Option<i64> {
        Some((self.finished_at.or(self.changed_at)? - self.started_at?).max(0))
    }
}

/// What a run has in one column.
#[derive(Debug, Clone, PartialEq)]
pub enum RunCell {
    /// Nothing.
    Missing,
    /// True or false.
    Bool(bool),
    /// A number, which may be NaN.
    Number(f64),
    /// Text.
    Text(String),
}

impl RunCell {
    fn text(text: Option<&str>) -> Self {
        text.filter(|text| !text.is_empty()).map_or(Self::Missing, |text| Self::Text(text.to_owned()))
    }

    #[allow(clippy::cast_precision_loss, reason = "moments and counts are below 2^53")]
    fn whole(number: Option<i64>) -> Self {
        number.map_or(Self::Missing, |number| Self::Number(number as f64))
    }

    /// A setting as it is stored.
    pub(super) fn setting(kind: i64, number: Option<f64>, text: String) -> Self {
        match (kind, number) {
            (1, Some(number)) => Self::Bool(number != 0.0),
            (2 | 3, number) => Self::Number(number.unwrap_or(f64::NAN)),
            _ => Self::Text(text),
        }
    }

    /// A value of any type, as SQL computed it.
    pub(super) fn of_any(row: &SqliteRow, index: usize) -> Result<Self> {
        let raw = row.try_get_raw(index)?;
        if raw.is_null() {
            return Ok(Self::Missing);
        }
        let is_text = raw.type_info().name() == "TEXT";
        drop(raw);
        Ok(if is_text {
            Self::Text(row.try_get_unchecked(index)?)
        } else {
            Self::Number(row.try_get_unchecked(index)?)
        })
    }
}

/// A run with the cells of the columns that were asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct TableRow {
    /// The run.
    pub run: RunRow,
    /// Its cells, in the order of the columns.
    pub cells: Vec<RunCell>,
}

/// By which column a table is sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    /// What is in the column.
    pub field: Field,
    /// From the greatest to the least. What a run has not got comes last either way.
    pub descending: bool,
}

/// Which runs, in which order.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Those that fit this.
    pub query: Query,
    /// Only these of them.
    pub uids: Option<Vec<String>>,
    /// What relative times are relative to.
    pub now: Now,
    /// The order; the newest start first if empty.
    pub sort: Vec<Sort>,
}

impl Wanted {
    /// All runs, the newest first.
    #[must_use]
    pub fn all(now: Now) -> Self {
        Self { query: Query::default(), uids: None, now, sort: Vec::new() }
    }

    fn is_all(&self) -> bool {
        self.query.0.is_none() && self.uids.is_none()
    }

    /// Appends the condition on `run`.
    pub(super) fn condition(&self, sql: &mut Sql) {
        match &self.query.0 {
            Some(expr) => condition(sql, expr, &self.now),
            None => {
                sql.put("1");
            }
        }
        if let Some(uids) = &self.uids {
            sql.put(" AND run.uid IN (SELECT value FROM json_each(").bind(json(uids)).put("))");
        }
    }
}

/// A page of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct RunPage {
    /// Its rows.
    pub rows: Vec<TableRow>,
    /// How many runs fit.
    pub total: i64,
    /// How many runs there are.
    pub all: i64,
    /// The revision that this is of.
    pub revision: i64,
}

/// A list as JSON, to be bound as one value.
pub(super) fn json<T: serde::Serialize>(values: &[T]) -> String {
    serde_json::to_string(values).unwrap_or_else(|_| "[]".into())
}

impl RunStore {
    /// A page of the table.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn run_page(
        &self,
        wanted: &Wanted,
        columns: &[Field],
        offset: u32,
        limit: u32,
    ) -> Result<RunPage> {
        let mut snapshot = self.readers().begin().await?;
        let revision = sqlx::query_scalar(SNAPSHOT_REVISION).fetch_one(&mut *snapshot).await?;
        let all = sqlx::query_scalar(ALL).fetch_one(&mut *snapshot).await?;
        // Counting costs a pass over all that fits; where everything fits, the answer is known.
        let counts = !wanted.is_all();
        let mut sql = Sql::new(if counts {
            "SELECT run.id, count(*) OVER () FROM run"
        } else {
            "SELECT run.id, 0 FROM run"
        });
        ordered(&mut sql, wanted);
        sql.put(" LIMIT ").bind(limit).put(" OFFSET ").bind(offset);
        let found: Vec<(i64, i64)> = sql.built().build_query_as().fetch_all(&mut *snapshot).await?;
        let total = match (counts, found.first()) {
            (false, _) => all,
            (true, Some((_, total))) => *total,
            (true, None) if offset == 0 && limit > 0 => 0,
            (true, None) => count(&mut snapshot, wanted).await?,
        };
        let ids: Vec<i64> = found.into_iter().map(|(id, _)| id).collect();
        let rows = rows(&mut snapshot, &ids, columns).await?;
        Ok(RunPage { rows, total, all, revision })
    }

    /// The keys of all runs that are wanted, in their order.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn run_ids(&self, wanted: &Wanted) -> Result<Vec<i64>> {
        let mut sql = Sql::new("SELECT run.id FROM run");
        ordered(&mut sql, wanted);
        Ok(sql.built().build_query_scalar().fetch_all(self.readers()).await?)
    }

    /// These runs, in this order; those that are gone are left out.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn run_rows(&self, ids: &[i64], columns: &[Field]) -> Result<Vec<TableRow>> {
        let mut snapshot = self.readers().begin().await?;
        rows(&mut snapshot, ids, columns).await
    }

    /// The keys of runs by their uids, in this order; those that are gone are left out.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn ids_of_runs(&self, uids: &[String]) -> Result<Vec<i64>> {
        let found: Vec<(i64, String)> =
            sqlx::query_as(IDS).bind(json(uids)).fetch_all(self.readers()).await?;
        let by_uid: HashMap<String, i64> = found.into_iter().map(|(id, uid)| (uid, id)).collect();
        Ok(uids.iter().filter_map(|uid| by_uid.get(uid).copied()).collect())
    }

    /// The run of this uid, or of which this is the unique beginning, four characters at least.
    ///
    /// # Errors
    /// There is none, or there are several, or the database refuses.
    pub async fn find_run(&self, uid: &str) -> Result<RunRow> {
        let plausible = uid.len() >= 4 && uid.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let found: Vec<i64> = match plausible {
            true => sqlx::query_scalar(BEGINNING).bind(uid).fetch_all(self.readers()).await?,
            false => Vec::new(),
        };
        let missing = || {
            Error::new(ErrorKind::NotFound, format!("there is no run “{uid}”"))
                .hint("“athanor runs ls” lists the runs; a uid may be shortened to four characters or more.")
        };
        match found.as_slice() {
            [] => Err(missing()),
            [id] => {
                let rows = self.run_rows(&[*id], &[]).await?;
                rows.into_iter().next().map(|row| row.run).ok_or_else(missing)
            }
            _ => Err(Error::new(ErrorKind::Invalid, format!("several runs begin with “{uid}”"))
                .hint("Give more characters of the uid.")),
        }
    }
}

async fn count(connection: &mut SqliteConnection, wanted: &Wanted) -> Result<i64> {
    let mut sql = Sql::new("SELECT count(*) FROM run WHERE ");
    wanted.condition(&mut sql);
    Ok(sql.built().build_query_scalar().fetch_one(connection).await?)
}

/// The tables that a sort reads from, by its place.
const JOINED: [&str; SORTS] = ["s0", "s1", "s2", "s3"];

/// Joins the row of a key of each run.
pub(super) fn join(sql: &mut Sql, field: &Field, alias: &'static str) {
    let (table, keys, name) = match field {
        Field::Plain(_) => return,
        Field::Config(key) => ("run_config", "config_key", key),
        Field::Metric(key, _) => ("run_metric", "metric_key", key),
    };
    sql.all([" LEFT JOIN ", table, " AS ", alias, " ON ", alias, ".run_id = run.id AND "]);
    sql.all([alias, ".key_id = (SELECT id FROM ", keys, " WHERE name = "]).bind(name.clone()).put(")");
}

/// Appends joins, condition and order.
fn ordered(sql: &mut Sql, wanted: &Wanted) {
    let sorts = &wanted.sort[..wanted.sort.len().min(SORTS)];
    for (sort, alias) in sorts.iter().zip(JOINED) {
        join(sql, &sort.field, alias);
    }
    sql.put(" WHERE ");
    wanted.condition(sql);
    sql.put(" ORDER BY ");
    for (sort, alias) in sorts.iter().zip(JOINED) {
        let way = if sort.descending { " DESC, " } else { ", " };
        match &sort.field {
            Field::Plain(Plain::Status) => {
                // What is alive first.
                sql.put("CASE run.status WHEN 'running' THEN 0 WHEN 'paused' THEN 1 WHEN 'stale' THEN 2");
                sql.put(" WHEN 'completed' THEN 3 WHEN 'failed' THEN 4 WHEN 'cancelled' THEN 5 ELSE 6 END");
                sql.put(way);
            }
            Field::Plain(Plain::Tag) => {
                sql.all(["run.tags = '[]', run.tags COLLATE NOCASE", way]);
            }
            Field::Plain(field) => {
                let own = plain(*field);
                let collation = if field.kind() == Kind::Text { " COLLATE NOCASE" } else { "" };
                // Downwards NULL comes last by itself, and an index can be read backwards.
                sql.all(if sort.descending { ["", ""] } else { [own, " IS NULL, "] });
                sql.all([own, collation, way]);
            }
            // Numbers, then NaN, then what has none.
            Field::Metric(_, stat) => {
                let own = column(*stat);
                sql.all(if sort.descending { [""; 4] } else { [alias, ".", own, " IS NULL, "] });
                sql.all([alias, ".", own, way, alias, ".run_id IS NULL, "]);
            }
            // Numbers, then text, then what has none.
            Field::Config(_) => {
                sql.all([alias, ".run_id IS NULL, ", alias, ".number IS NULL, ", alias, ".number", way]);
                sql.all([alias, ".text COLLATE NOCASE", way]);
            }
        }
    }
    sql.put("run.started_at DESC, run.id DESC");
}

/// The rows of these runs with their cells, in this order.
async fn rows(connection: &mut SqliteConnection, ids: &[i64], columns: &[Field]) -> Result<Vec<TableRow>> {
    let mut all = Vec::with_capacity(ids.len());
    for ids in ids.chunks(ROWS_AT_ONCE) {
        let wanted = json(ids);
        let found: Vec<RunRow> = sqlx::query_as(ROWS).bind(&wanted).fetch_all(&mut *connection).await?;
        let mut rows: HashMap<i64, RunRow> = found.into_iter().map(|run| (run.id, run)).collect();
        let cells = Cells::fetch(&mut *connection, &wanted, columns).await?;
        all.extend(ids.iter().filter_map(|id| rows.remove(id)).map(|run| {
            let cells = columns.iter().map(|field| cells.of(&run, field)).collect();
            TableRow { run, cells }
        }));
    }
    Ok(all)
}

/// What a run has of a metric.
#[derive(Debug, Clone, sqlx::FromRow)]
struct MetricCell {
    run_id: i64,
    name: String,
    count: i64,
    last: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
    mean: Option<f64>,
    median: Option<f64>,
    last_step: Option<f64>,
    min_step: Option<f64>,
    max_step: Option<f64>,
}

/// Cells of metrics and settings by name and run.
struct Cells {
    metrics: HashMap<String, HashMap<i64, MetricCell>>,
    settings: HashMap<String, HashMap<i64, RunCell>>,
}

impl Cells {
    async fn fetch(connection: &mut SqliteConnection, ids: &str, columns: &[Field]) -> Result<Self> {
        let metrics: Vec<&str> = columns
            .iter()
            .filter_map(|field| if let Field::Metric(key, _) = field { Some(key.as_str()) } else { None })
            .collect();
        let settings: Vec<&str> = columns
            .iter()
            .filter_map(|field| if let Field::Config(key) = field { Some(key.as_str()) } else { None })
            .collect();
        let mut all = Self { metrics: HashMap::new(), settings: HashMap::new() };
        if !metrics.is_empty() {
            let found: Vec<MetricCell> = sqlx::query_as(METRIC_CELLS)
                .bind(json(&metrics))
                .bind(ids)
                .fetch_all(&mut *connection)
                .await?;
            for cell in found {
                let of_key = all.metrics.entry(cell.name.clone()).or_default();
                of_key.insert(cell.run_id, cell);
            }
        }
        if !settings.is_empty() {
            let found: Vec<(i64, String, i64, Option<f64>, String)> = sqlx::query_as(CONFIG_CELLS)
                .bind(json(&settings))
                .bind(ids)
                .fetch_all(&mut *connection)
                .await?;
            for (run, name, kind, number, text) in found {
                all.settings.entry(name).or_default().insert(run, RunCell::setting(kind, number, text));
            }
        }
        Ok(all)
    }

    fn of(&self, run: &RunRow, field: &Field) -> RunCell {
        match field {
            Field::Plain(field) => plain_cell(run, *field),
            Field::Config(key) => self
                .settings
                .get(key)
                .and_then(|of_key| of_key.get(&run.id))
                .cloned()
                .unwrap_or(RunCell::Missing),
            Field::Metric(key, stat) => {
                let cell = self.metrics.get(key).and_then(|of_key| of_key.get(&run.id));
                cell.map_or(RunCell::Missing, |cell| cell.of(*stat))
            }
        }
    }
}

impl MetricCell {
    fn of(&self, stat: Stat) -> RunCell {
        let number = match stat {
            Stat::Last if self.count > 0 => return RunCell::Number(self.last.unwrap_or(f64::NAN)),
            Stat::Last => None,
            Stat::Count => return RunCell::whole(Some(self.count)),
            Stat::Min => self.min,
            Stat::Max => self.max,
            Stat::Mean => self.mean,
            Stat::Median => self.median,
            Stat::LastStep => self.last_step,
            Stat::MinStep => self.min_step,
            Stat::MaxStep => self.max_step,
        };
        number.map_or(RunCell::Missing, RunCell::Number)
    }
}

fn plain_cell(run: &RunRow, field: Plain) -> RunCell {
    match field {
        Plain::Name => RunCell::text(Some(&run.name)),
        Plain::Project => RunCell::text(run.project.as_deref()),
        Plain::Group => RunCell::text(run.grouping.as_deref()),
        Plain::Status => RunCell::text(Some(&run.status)),
        Plain::Format => RunCell::text(Some(&run.format)),
        Plain::Folder => RunCell::text(Some(&run.folder)),
        Plain::Tag => RunCell::text(Some(&run.tags().join(", "))),
        Plain::Notes => RunCell::text(Some(&run.notes)),
        Plain::Host => RunCell::text(run.host.as_deref()),
        Plain::Commit => RunCell::text(run.commit_hash.as_deref()),
        Plain::Experiment => RunCell::text(run.experiment.as_deref()),
        Plain::Started => RunCell::whole(run.started_at),
        Plain::Finished => RunCell::whole(run.finished_at),
        Plain::Changed => RunCell::whole(run.changed_at),
        Plain::Duration => RunCell::whole(run.duration_ms()),
        Plain::Steps => run.steps.map_or(RunCell::Missing, RunCell::Number),
        Plain::Points => RunCell::whole(Some(run.points)),
    }
}
