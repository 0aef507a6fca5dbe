//! Runs that have something in common, together: how many, how they stand, and what their numbers are on the whole.

use athanor_core::query::{Expr, Field, Kind, Moment, Op, Plain, Query, Stat, Value};
use sqlx::Row as _;

use super::RunStore;
use super::filter::{Sql, column, plain};
use super::table::{RunCell, Sort, Wanted, join};
use crate::error::{Error, Result};

/// Columns that runs are grouped by, at most.
const BY: usize = 4;
/// Columns that are summed up, at most.
const SUMMED: usize = 12;
/// Groups in one answer.
const GROUPS: u32 = 1_000;

const STATUSES: [&str; 7] = ["running", "paused", "stale", "completed", "failed", "cancelled", "ended"];

// Names of the columns of the inner queries, by place.
const ALIASES: [&str; BY + SUMMED] =
    ["t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "t9", "t10", "t11", "t12", "t13", "t14", "t15"];
const GROUP: [&str; BY] = ["g0", "g1", "g2", "g3"];
const IS_BOOL: [&str; BY] = ["b0", "b1", "b2", "b3"];
const VALUE: [&str; SUMMED] = ["v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11"];
const OFF: [&str; SUMMED] = ["d0", "d1", "d2", "d3", "d4", "d5", "d6", "d7", "d8", "d9", "d10", "d11"];

/// How groups are sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupSort {
    /// By how many runs they have.
    Count {
        /// The largest first.
        descending: bool,
    },
    /// By what they agree in, or by the mean of a column.
    Column(Sort),
}

/// Runs that agree in what they are grouped by.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// What they agree in.
    pub values: Vec<RunCell>,
    /// How many they are.
    pub count: i64,
    /// How many of them stand how; those of which there is none are left out.
    pub status: Vec<(&'static str, i64)>,
    /// What the columns are on the whole.
    pub sums: Vec<Spread>,
    /// The query that lists the group's runs.
    pub query: Query,
}

/// What a number is over several runs. What is not finite is not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Spread {
    /// How many runs have one.
    pub count: i64,
    /// The mean.
    pub mean: Option<f64>,
    /// The standard deviation of the sample (n − 1), for two at least.
    pub deviation: Option<f64>,
    /// The least.
    pub min: Option<f64>,
    /// The greatest.
    pub max: Option<f64>,
}

impl RunStore {
    /// The groups of the runs that are wanted, 1,000 at most, and how many there are.
    ///
    /// # Errors
    /// It can't be grouped by these columns, or the database refuses.
    pub async fn groups(
        &self,
        wanted: &Wanted,
        by: &[Field],
        columns: &[Field],
        sort: &[GroupSort],
    ) -> Result<(Vec<Group>, i64)> {
        check(by, columns)?;
        let mut sql = statement(wanted, by, columns, sort);
        let rows = sql.built().build().fetch_all(self.readers()).await?;
        let total = rows.first().map_or(Ok(0), |row| row.try_get(0))?;
        let mut groups = Vec::with_capacity(rows.len());
        for row in rows {
            let mut at = 1;
            let mut next = || {
                at += 1;
                at - 1
            };
            let count = row.try_get(next())?;
            let mut status = Vec::new();
            for word in STATUSES {
                let runs: i64 = row.try_get(next())?;
                if runs > 0 {
                    status.push((word, runs));
                }
            }
            let mut values = Vec::with_capacity(by.len());
            for _ in by {
                let is_bool: bool = row.try_get(next())?;
                let cell = RunCell::of_any(&row, next())?;
                values.push(match cell {
                    RunCell::Number(number) if is_bool => RunCell::Bool(number != 0.0),
                    cell => cell,
                });
            }
            let mut sums = Vec::with_capacity(columns.len());
            for _ in columns {
                let count: i64 = row.try_get(next())?;
                let (mean, min, max) = (row.try_get(next())?, row.try_get(next())?, row.try_get(next())?);
                let squares: Option<f64> = row.try_get(next())?;
                #[allow(clippy::cast_precision_loss, reason = "runs are counted far below 2^53")]
                let deviation =
                    squares.filter(|_| count > 1).map(|squares| (squares / (count - 1) as f64).sqrt());
                sums.push(Spread { count, mean, deviation, min, max });
            }
            let query = query_of(wanted, by, &values);
            groups.push(Group { values, count, status, sums, query });
        }
        Ok((groups, total))
    }
}

fn check(by: &[Field], columns: &[Field]) -> Result<()> {
    if by.is_empty() || by.len() > BY {
        return Err(Error::invalid("by", format!("runs are grouped by one to {BY} columns")));
    }
    if columns.len() > SUMMED {
        return Err(Error::invalid("columns", format!("at most {SUMMED} columns are summed up")));
    }
    if by.contains(&Field::Plain(Plain::Tag)) {
        let message = "runs can’t be grouped by their tags, of which each may have several";
        return Err(Error::invalid("by", message).hint("Filter by a tag instead, such as tag:baseline."));
    }
    let words = columns
        .iter()
        .find(|field| matches!(field.kind(), Kind::Text | Kind::Status | Kind::Tags | Kind::Moment));
    match words {
        Some(field) => {
            Err(Error::invalid("columns", format!("{} has no numbers to be summed up", field.column())))
        }
        None => Ok(()),
    }
}

/// - Innermost, each run with what it is grouped by and its numbers.
/// - Around it, how far each number is off its group's mean: squares of these are exact where the difference of sums of
///   squares would cancel out.
/// - Outermost, the groups.
fn statement(wanted: &Wanted, by: &[Field], columns: &[Field], sort: &[GroupSort]) -> Sql {
    let mut sql = Sql::new("WITH each AS (SELECT run.status AS status");
    for (index, field) in by.iter().enumerate() {
        grouped(&mut sql, field, ALIASES[index]);
        sql.all([" AS ", GROUP[index]]);
        match field {
            Field::Config(_) => sql.all([", coalesce(", ALIASES[index], ".kind = 1, 0) AS ", IS_BOOL[index]]),
            _ => sql.all([", 0 AS ", IS_BOOL[index]]),
        };
    }
    for (index, field) in columns.iter().enumerate() {
        let alias = ALIASES[BY + index];
        sql.put(", (SELECT n FROM (SELECT ");
        match field {
            Field::Plain(field) => sql.put(plain(*field)),
            Field::Config(_) => sql.all([alias, ".number"]),
            Field::Metric(_, stat) => sql.all([alias, ".", column(*stat)]),
        };
        sql.put(" AS n) WHERE abs(n) <= ").bind(f64::MAX).all([") AS ", VALUE[index]]);
    }
    sql.put(" FROM run");
    for (index, field) in by.iter().enumerate() {
        join(&mut sql, field, ALIASES[index]);
    }
    for (index, field) in columns.iter().enumerate() {
        join(&mut sql, field, ALIASES[BY + index]);
    }
    sql.put(" WHERE ");
    wanted.condition(&mut sql);
    sql.put("), off AS (SELECT *");
    for index in 0..columns.len() {
        sql.all([", ", VALUE[index], " - avg(", VALUE[index], ") OVER same AS ", OFF[index]]);
    }
    sql.put(" FROM each");
    if !columns.is_empty() {
        sql.put(" WINDOW same AS (PARTITION BY ");
        keys(&mut sql, by.len());
        sql.put(")");
    }
    sql.put(") SELECT count(*) OVER (), count(*)");
    for word in STATUSES {
        sql.all([", sum(status = '", word, "')"]);
    }
    for index in 0..by.len() {
        sql.all([", ", IS_BOOL[index], ", ", GROUP[index]]);
    }
    for index in 0..columns.len() {
        let (value, off) = (VALUE[index], OFF[index]);
        sql.all([", count(", value, "), avg(", value, ") AS m", value]);
        // A whole number would be told apart from others.
        sql.all([", min(", value, ") + 0.0, max(", value, ") + 0.0, total(", off, " * ", off, ")"]);
    }
    sql.put(" FROM off GROUP BY ");
    keys(&mut sql, by.len());
    sql.put(" ORDER BY ");
    for sort in sort {
        match sort {
            GroupSort::Count { descending } => {
                sql.all(["count(*)", way(*descending)]);
            }
            GroupSort::Column(sort) => {
                let by = by.iter().position(|field| *field == sort.field).map(|index| GROUP[index]);
                let mean = columns.iter().position(|field| *field == sort.field).map(|index| VALUE[index]);
                match (by, mean) {
                    (Some(own), _) => {
                        sql.all([own, " IS NULL, ", own, way(sort.descending)]);
                    }
                    (None, Some(own)) => {
                        sql.all(["avg(", own, ") IS NULL, avg(", own, ")", way(sort.descending)]);
                    }
                    (None, None) => {}
                }
            }
        }
    }
    for (index, own) in GROUP.iter().take(by.len()).enumerate() {
        sql.put(if index == 0 { "" } else { ", " }).all([own, " IS NULL, ", own]);
    }
    sql.put(" LIMIT ").bind(GROUPS);
    sql
}

fn way(descending: bool) -> &'static str {
    if descending { " DESC, " } else { ", " }
}

fn keys(sql: &mut Sql, count: usize) {
    for (index, (group, is_bool)) in GROUP.iter().zip(IS_BOOL).take(count).enumerate() {
        sql.put(if index == 0 { "" } else { ", " }).all([group, ", ", is_bool]);
    }
}

/// What a run is grouped by: 1, 1.0 and 1e0 are the same setting, “1” is another.
fn grouped(sql: &mut Sql, field: &Field, alias: &'static str) {
    match field {
        Field::Plain(field) => sql.all([", ", plain(*field)]),
        Field::Config(_) => sql.all([
            ", CASE WHEN ",
            alias,
            ".number IS NULL THEN ",
            alias,
            ".text ELSE ",
            alias,
            ".number END",
        ]),
        // NaN has no other form here than its word.
        Field::Metric(_, Stat::Last) => sql.all([
            ", CASE WHEN ",
            alias,
            ".count > 0 AND ",
            alias,
            ".last IS NULL THEN 'NaN' ELSE ",
            alias,
            ".last END",
        ]),
        Field::Metric(_, stat) => sql.all([", ", alias, ".", column(*stat)]),
    };
}

/// The query that lists the runs of a group.
fn query_of(wanted: &Wanted, by: &[Field], values: &[RunCell]) -> Query {
    let mut parts = match &wanted.query.0 {
        None => Vec::new(),
        Some(Expr::And(parts)) => parts.clone(),
        Some(other) => vec![other.clone()],
    };
    parts.extend(by.iter().zip(values).map(|(field, cell)| agrees(field, cell)));
    Query(match parts.len() {
        1 => parts.pop(),
        _ => Some(Expr::And(parts)),
    })
}

fn agrees(field: &Field, cell: &RunCell) -> Expr {
    #[allow(clippy::cast_possible_truncation, reason = "it was a whole number of milliseconds")]
    let value = match (cell, field.kind()) {
        (RunCell::Missing, _) => return Expr::Not(Box::new(Expr::Has(field.clone()))),
        (RunCell::Number(ms), Kind::Moment) => Value::Moment(Moment::Exact(*ms as i64)),
        (RunCell::Number(ms), Kind::Duration) => Value::Duration((*ms as i64).unsigned_abs()),
        (RunCell::Text(_), Kind::Number) => Value::Number(f64::NAN),
        (RunCell::Number(number), _) => Value::Number(*number),
        (RunCell::Bool(yes), _) => Value::Bool(*yes),
        (RunCell::Text(text), _) => Value::Text(text.clone()),
    };
    Expr::Compare { field: field.clone(), op: Op::Equal, value }
}
