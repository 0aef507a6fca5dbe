//! From a query to SQL. The text consists of literals of this program alone: what the user wrote is bound.
//!
//! Each condition is true or false for every run and never NULL, so that `NOT` turns it.

use athanor_core::query::{Expr, Field, Kind, Now, Op, Plain, Stat, Value, tokens};
use sqlx::encode::Encode;
use sqlx::query_builder::QueryBuilder;
use sqlx::sqlite::Sqlite;
use sqlx::types::Type;

/// SQL that is put together from literals and bound values.
pub(super) struct Sql(QueryBuilder<Sqlite>);

impl Sql {
    pub fn new(start: &'static str) -> Self {
        Self(QueryBuilder::new(start))
    }

    /// Appends a literal.
    pub fn put(&mut self, sql: &'static str) -> &mut Self {
        self.0.push(sql);
        self
    }

    /// Appends literals.
    pub fn all<const N: usize>(&mut self, sql: [&'static str; N]) -> &mut Self {
        for sql in sql {
            self.0.push(sql);
        }
        self
    }

    /// Appends a parameter.
    pub fn bind<'t, T: Encode<'t, Sqlite> + Type<Sqlite> + 't>(&mut self, value: T) -> &mut Self {
        self.0.push_bind(value);
        self
    }

    /// The statement.
    pub fn built(&mut self) -> &mut QueryBuilder<Sqlite> {
        &mut self.0
    }
}

/// What a plain field is in the table `run`, and NULL where the run has not got it.
pub(super) fn plain(field: Plain) -> &'static str {
    match field {
        Plain::Name => "nullif(run.name, '')",
        Plain::Project => "nullif(run.project, '')",
        Plain::Group => "nullif(run.grouping, '')",
        Plain::Status => "run.status",
        Plain::Format => "run.format",
        Plain::Folder => "run.folder",
        Plain::Tag => "run.tags",
        Plain::Notes => "nullif(run.notes, '')",
        Plain::Host => "nullif(run.host, '')",
        Plain::Commit => "nullif(run.commit_hash, '')",
        Plain::Experiment => "nullif(run.experiment, '')",
        Plain::Started => "run.started_at",
        Plain::Finished => "run.finished_at",
        Plain::Changed => "run.changed_at",
        Plain::Duration => "max(coalesce(run.finished_at, run.changed_at) - run.started_at, 0)",
        Plain::Steps => "run.steps",
        Plain::Points => "run.points",
    }
}

/// The column of `run_metric` that has a statistic.
pub(super) fn column(stat: Stat) -> &'static str {
    match stat {
        Stat::Last => "last",
        Stat::Min => "min",
        Stat::Max => "max",
        Stat::Mean => "mean",
        Stat::Median => "median",
        Stat::MinStep => "min_step",
        Stat::MaxStep => "max_step",
        Stat::LastStep => "last_step",
        Stat::Count => "count",
    }
}

/// Appends the condition that a run fits `expr`.
pub(super) fn condition(sql: &mut Sql, expr: &Expr, now: &Now) {
    match expr {
        Expr::And(parts) => joined(sql, parts, " AND ", now),
        Expr::Or(parts) => joined(sql, parts, " OR ", now),
        Expr::Not(inner) => {
            sql.put("NOT (");
            condition(sql, inner, now);
            sql.put(")");
        }
        Expr::Compare { field, op: Op::NotEqual, value } if field.kind() == Kind::Tags => {
            // Also for a run without tags: it has not got this one.
            sql.put("NOT ");
            any_of(sql, field, false, &[(Op::Equal, value)], now);
        }
        Expr::Compare { field, op, value } => any_of(sql, field, false, &[(*op, value)], now),
        Expr::OneOf { field, negated, values } => {
            let values: Vec<_> = values.iter().map(|value| (Op::Equal, value)).collect();
            any_of(sql, field, *negated, &values, now);
        }
        Expr::Has(field) => has(sql, field),
        Expr::Words { text, open } => words(sql, text, *open),
    }
}

fn joined(sql: &mut Sql, parts: &[Expr], by: &'static str, now: &Now) {
    for (index, part) in parts.iter().enumerate() {
        sql.put(if index == 0 { "(" } else { by });
        condition(sql, part, now);
    }
    sql.put(if parts.is_empty() { "1" } else { ")" });
}

/// That a run has the field and one of the comparisons holds, or none of them.
fn any_of(sql: &mut Sql, field: &Field, negated: bool, comparisons: &[(Op, &Value)], now: &Now) {
    let each = |sql: &mut Sql, compare: &dyn Fn(&mut Sql, Op, &Value)| {
        sql.put(if negated { "NOT (" } else { "(" });
        for (index, (op, value)) in comparisons.iter().enumerate() {
            sql.put(if index == 0 { "" } else { " OR " });
            compare(sql, *op, value);
        }
        sql.put(")");
    };
    match field {
        Field::Plain(Plain::Tag) => {
            sql.put(if negated { "NOT " } else { "" });
            sql.put("EXISTS (SELECT 1 FROM json_each(run.tags) WHERE (");
            for (index, (op, value)) in comparisons.iter().enumerate() {
                sql.put(if index == 0 { "" } else { " OR " });
                compare(sql, "value", *op, value, now);
            }
            sql.put("))");
        }
        Field::Plain(field) => {
            let own = plain(*field);
            // Not known is false, both ways.
            sql.put("(");
            each(sql, &|sql, op, value| compare(sql, own, op, value, now));
            sql.all([" AND ", own, " IS NOT NULL) IS TRUE"]);
        }
        Field::Config(key) => {
            sql.put("run.id IN (SELECT run_id FROM run_config WHERE key_id = (SELECT id FROM config_key WHERE name = ");
            sql.bind(key.clone()).put(") AND ");
            each(sql, &setting);
            sql.put(" IS TRUE)");
        }
        Field::Metric(key, stat) => {
            metric_rows(sql, key, *stat);
            sql.put(" AND ");
            each(sql, &|sql, op, value| metric(sql, *stat, op, value));
            sql.put(")");
        }
    }
}

/// The beginning of a condition on a metric that the run has.
fn metric_rows(sql: &mut Sql, key: &str, stat: Stat) {
    sql.put(
        "run.id IN (SELECT run_id FROM run_metric WHERE key_id = (SELECT id FROM metric_key WHERE name = ",
    );
    sql.bind(key.to_owned()).put(") AND ");
    match stat {
        // NULL is NaN, which is a value.
        Stat::Last => sql.put("count > 0"),
        stat => sql.all([column(stat), " IS NOT NULL"]),
    };
}

fn sign(op: Op) -> &'static str {
    match op {
        Op::Equal => " = ",
        Op::NotEqual => " <> ",
        Op::Less => " < ",
        Op::LessEqual => " <= ",
        Op::Greater => " > ",
        Op::GreaterEqual => " >= ",
        Op::Contains => " LIKE ",
    }
}

/// That a text holds another, whatever the case of ASCII letters, which are all that SQLite knows of.
fn contains(sql: &mut Sql, own: &'static str, part: &str) {
    sql.all(["instr(lower(", own, "), "]).bind(part.to_ascii_lowercase()).put(") > 0");
}

/// A comparison of what is not NULL.
fn compare(sql: &mut Sql, own: &'static str, op: Op, value: &Value, now: &Now) {
    match value {
        Value::Text(part) if op == Op::Contains => contains(sql, own, part),
        Value::Text(text) => {
            sql.all([own, sign(op)]).bind(text.clone());
        }
        // Only metrics and settings can be NaN: here nothing equals it and everything differs from it.
        Value::Number(number) if number.is_nan() => {
            sql.put(if op == Op::NotEqual { "1" } else { "0" });
        }
        Value::Number(number) => {
            sql.all([own, sign(op)]).bind(*number);
        }
        Value::Duration(ms) => {
            sql.all([own, sign(op)]).bind(i64::try_from(*ms).unwrap_or(i64::MAX));
        }
        Value::Moment(moment) => {
            let (start, end) = moment.range(now);
            match op {
                Op::Equal | Op::NotEqual => {
                    sql.put(if op == Op::NotEqual { "NOT " } else { "" });
                    sql.all(["(", own, " >= "]).bind(start).all([" AND ", own, " < "]).bind(end).put(")")
                }
                Op::Less => sql.all([own, " < "]).bind(start),
                Op::LessEqual => sql.all([own, " < "]).bind(end),
                Op::Greater => sql.all([own, " >= "]).bind(end),
                _ => sql.all([own, " >= "]).bind(start),
            };
        }
        Value::Bool(_) => {
            sql.put("0");
        }
    }
}

/// A comparison of a statistic of a metric that the run has. The last value is NULL where it was NaN.
fn metric(sql: &mut Sql, stat: Stat, op: Op, value: &Value) {
    let own = column(stat);
    let Value::Number(number) = value else {
        sql.put("0");
        return;
    };
    match (op, number.is_nan()) {
        (Op::Equal, true) => sql.all(["(", own, " IS NULL)"]),
        (Op::NotEqual, true) => sql.all(["(", own, " IS NOT NULL)"]),
        (_, true) => sql.put("0"),
        (Op::Equal, false) => sql.all(["(", own, " IS "]).bind(*number).put(")"),
        (Op::NotEqual, false) => sql.all(["(", own, " IS NOT "]).bind(*number).put(")"),
        (_, false) => sql.all(["(", own, sign(op)]).bind(*number).all([" AND ", own, " IS NOT NULL)"]),
    };
}

/// A setting is a number, which is NULL where it is NaN.
const IS_NAN: &str = "(number IS NULL AND kind IN (2, 3))";

/// A setting is neither a number nor true or false.
const IS_TEXT: &str = "(number IS NULL AND kind NOT IN (2, 3))";

/// A comparison of a setting that the run has.
fn setting(sql: &mut Sql, op: Op, value: &Value) {
    match value {
        Value::Number(number) if number.is_nan() => match op {
            Op::Equal => sql.put(IS_NAN),
            Op::NotEqual => sql.all(["NOT ", IS_NAN]),
            _ => sql.put("0"),
        },
        Value::Number(number) => match op {
            Op::Equal => sql.put("number IS ").bind(*number),
            Op::NotEqual => sql.put("number IS NOT ").bind(*number),
            op => sql.all(["(number", sign(op)]).bind(*number).put(" AND number IS NOT NULL)"),
        },
        Value::Bool(yes) => {
            sql.put(if op == Op::NotEqual { "NOT (" } else { "(" });
            sql.put("(kind = 1 AND number IS ").bind(f64::from(u8::from(*yes)));
            sql.all([") OR (", IS_TEXT, " AND lower(text) = "]).bind(if *yes { "true" } else { "false" });
            sql.put("))")
        }
        Value::Text(part) if op == Op::Contains => {
            contains(sql, "text", part);
            sql
        }
        Value::Text(text) if op.is_order() => {
            sql.all(["(", IS_TEXT, " AND text", sign(op)]).bind(text.clone()).put(")")
        }
        Value::Text(text) => sql.all(["text", sign(op)]).bind(text.clone()),
        Value::Moment(_) | Value::Duration(_) => sql.put("0"),
    };
}

fn has(sql: &mut Sql, field: &Field) {
    match field {
        Field::Plain(Plain::Tag) => {
            sql.put("run.tags <> '[]'");
        }
        Field::Plain(field) => {
            sql.all([plain(*field), " IS NOT NULL"]);
        }
        Field::Config(key) => {
            sql.put("run.id IN (SELECT run_id FROM run_config WHERE key_id = (SELECT id FROM config_key WHERE name = ");
            sql.bind(key.clone()).put("))");
        }
        Field::Metric(key, stat) => {
            metric_rows(sql, key, *stat);
            sql.put(")");
        }
    }
}

fn words(sql: &mut Sql, text: &str, open: bool) {
    if tokens(text).is_empty() {
        sql.put("1");
        return;
    }
    // A phrase of the full-text index's own language: in quotes, the quotes within doubled.
    let mut phrase = format!("\"{}\"", text.replace('"', "\"\""));
    if open {
        phrase.push('*');
    }
    sql.put("run.id IN (SELECT rowid FROM run_text WHERE run_text MATCH ").bind(phrase).put(")");
}
