//! A query as text, which parses to the same query.

use std::fmt::{self, Display, Formatter, Write};

use super::ast::{Expr, Field, Kind, Query, Stat, Value};
use super::parse::KEYWORDS;
use crate::quantity::print_duration;

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |expr| expr.fmt(f))
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(parts) => joined(f, parts, " and "),
            Self::Or(parts) => joined(f, parts, " or "),
            Self::Not(inner) => {
                f.write_str("not ")?;
                part(f, inner, matches!(**inner, Self::And(_) | Self::Or(_)))
            }
            Self::Compare { field, op, value } => {
                write!(f, "{field} {} ", op.sign())?;
                value_of(f, field.kind(), value)
            }
            Self::OneOf { field, negated, values } => {
                write!(f, "{field} {}in (", if *negated { "not " } else { "" })?;
                for (index, value) in values.iter().enumerate() {
                    f.write_str(if index == 0 { "" } else { ", " })?;
                    value_of(f, field.kind(), value)?;
                }
                f.write_char(')')
            }
            Self::Has(field) => write!(f, "has {field}"),
            Self::Words { text, open: true } if is_word(text) => f.write_str(text),
            Self::Words { text, open } => {
                quoted(f, text)?;
                f.write_str(if *open { "*" } else { "" })
            }
        }
    }
}

fn joined(f: &mut Formatter<'_>, parts: &[Expr], by: &str) -> fmt::Result {
    for (index, inner) in parts.iter().enumerate() {
        f.write_str(if index == 0 { "" } else { by })?;
        // “and” binds closer than “or”; what lies in an “and” is never one itself.
        part(f, inner, matches!(inner, Expr::Or(_)))?;
    }
    Ok(())
}

fn part(f: &mut Formatter<'_>, inner: &Expr, in_brackets: bool) -> fmt::Result {
    if in_brackets { write!(f, "({inner})") } else { inner.fmt(f) }
}

impl Display for Field {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(plain) => f.write_str(plain.word()),
            Self::Config(key) => {
                f.write_str("config.")?;
                name(f, key, is_key(key))
            }
            Self::Metric(key, stat) => {
                let ends_in_stat = key.rsplit_once('.').is_some_and(|(_, word)| Stat::of(word).is_some());
                f.write_str("metrics.")?;
                name(f, key, is_key(key) && !ends_in_stat)?;
                if *stat == Stat::Last { Ok(()) } else { write!(f, ".{}", stat.word()) }
            }
        }
    }
}

fn name(f: &mut Formatter<'_>, key: &str, is_bare: bool) -> fmt::Result {
    if is_bare { f.write_str(key) } else { quoted(f, key) }
}

fn value_of(f: &mut Formatter<'_>, kind: Kind, value: &Value) -> fmt::Result {
    match value {
        Value::Number(number) if number.is_nan() => f.write_str("nan"),
        // The shortest text that reads back to the same number, with an exponent where it is long.
        Value::Number(number) => write!(f, "{number:?}"),
        Value::Bool(yes) => write!(f, "{yes}"),
        Value::Duration(ms) => f.write_str(&print_duration(*ms)),
        Value::Moment(moment) => moment.fmt(f),
        Value::Text(text) => {
            let reads_otherwise = kind == Kind::Setting && (text.parse::<f64>().is_ok() || is_truth(text));
            if is_word(text) && !reads_otherwise { f.write_str(text) } else { quoted(f, text) }
        }
    }
}

fn is_truth(text: &str) -> bool {
    text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")
}

/// In double quotes, with a backslash before quotes and backslashes.
fn quoted(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            f.write_char('\\')?;
        }
        f.write_char(c)?;
    }
    f.write_char('"')
}

/// Whether it stands for itself as the rest of a field.
pub(super) fn is_key(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '/' | '.' | '-' | '_'))
}

/// Whether it stands for itself as a value or as a word to search for.
fn is_word(text: &str) -> bool {
    let is_reference = ["config.", "metrics."]
        .iter()
        .any(|start| text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)));
    is_key(text) && !is_reference && !KEYWORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}
