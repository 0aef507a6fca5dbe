//! What a query means: whether one run fits it. The store asks its database instead; its tests hold the two against
//! each other.

use super::ast::{Expr, Field, Kind, Op, Plain, Query, Value, same};
use super::moment::{Moment, Now};

/// A run, as far as queries ask.
pub trait Row {
    /// Its text in a field of [`Kind::Text`] or [`Kind::Status`]. Empty text is none.
    fn text(&self, field: Plain) -> Option<&str>;

    /// Its tags.
    fn tags(&self) -> &[String];

    /// Its moment in a field of [`Kind::Moment`], UTC milliseconds.
    fn moment(&self, field: Plain) -> Option<i64>;

    /// Its number in a field of [`Kind::Number`] or, in milliseconds, [`Kind::Duration`].
    fn number(&self, field: &Field) -> Option<f64>;

    /// One of its settings.
    fn setting(&self, key: &str) -> Option<Setting<'_>>;

    /// The texts in which words are searched for, each of them by itself.
    fn words(&self) -> Vec<&str>;
}

/// A setting of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setting<'a> {
    /// What compares, for a number (which may be NaN) and, as 0 and 1, for false and true.
    pub number: Option<f64>,
    /// It is true or false.
    pub is_bool: bool,
    /// As it is shown.
    pub text: &'a str,
}

impl Query {
    /// Whether a run fits the query.
    pub fn matches(&self, row: &impl Row, now: &Now) -> bool {
        self.0.as_ref().is_none_or(|expr| expr.matches(row, now))
    }
}

impl Expr {
    /// Whether a run fits the condition.
    pub fn matches(&self, row: &impl Row, now: &Now) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.matches(row, now)),
            Self::Or(parts) => parts.iter().any(|part| part.matches(row, now)),
            Self::Not(inner) => !inner.matches(row, now),
            Self::Compare { field, op, value } => compare(row, field, *op, value, now),
            Self::OneOf { field, negated, values } => {
                let equals = values.iter().any(|value| compare(row, field, Op::Equal, value, now));
                // Tags are a set, which is there even when it is empty.
                equals != *negated && (!negated || field.kind() == Kind::Tags || has(row, field))
            }
            Self::Has(field) => has(row, field),
            Self::Words { text, open } => words(row, text, *open),
        }
    }
}

fn has(row: &impl Row, field: &Field) -> bool {
    match (field, field.kind()) {
        (Field::Plain(plain), Kind::Text | Kind::Status) => row.text(*plain).is_some(),
        (Field::Plain(plain), Kind::Moment) => row.moment(*plain).is_some(),
        (_, Kind::Tags) => !row.tags().is_empty(),
        (Field::Config(key), _) => row.setting(key).is_some(),
        _ => row.number(field).is_some(),
    }
}

fn compare(row: &impl Row, field: &Field, op: Op, value: &Value, now: &Now) -> bool {
    match (field, value) {
        (Field::Plain(Plain::Tag), Value::Text(text)) => {
            let any = |fits: &dyn Fn(&str) -> bool| row.tags().iter().any(|tag| fits(tag));
            match op {
                Op::Contains => any(&|tag| contains(tag, text)),
                // Also for a run without tags: it has not got this one.
                Op::NotEqual => !any(&|tag| tag == text),
                _ => any(&|tag| tag == text),
            }
        }
        (Field::Plain(plain), Value::Text(text)) => row.text(*plain).is_some_and(|own| texts(own, op, text)),
        (Field::Plain(plain), Value::Moment(moment)) => {
            row.moment(*plain).is_some_and(|own| moments(own, op, moment, now))
        }
        #[allow(clippy::cast_precision_loss, reason = "milliseconds of a run's duration are far below 2^53")]
        (_, Value::Duration(ms)) => row.number(field).is_some_and(|own| numbers(own, op, *ms as f64)),
        (Field::Config(key), value) => row.setting(key).is_some_and(|own| settings(own, op, value)),
        (_, Value::Number(number)) => row.number(field).is_some_and(|own| numbers(own, op, *number)),
        _ => false,
    }
}

fn texts(own: &str, op: Op, text: &str) -> bool {
    match op {
        Op::Contains => contains(own, text),
        _ => ordered(own.cmp(text), op),
    }
}

fn numbers(own: f64, op: Op, number: f64) -> bool {
    match op {
        Op::Equal => same(own, number),
        Op::NotEqual => !same(own, number),
        _ => own.partial_cmp(&number).is_some_and(|order| ordered(order, op)),
    }
}

fn ordered(order: std::cmp::Ordering, op: Op) -> bool {
    match op {
        Op::Equal => order.is_eq(),
        Op::NotEqual => order.is_ne(),
        Op::Less => order.is_lt(),
        Op::LessEqual => order.is_le(),
        Op::Greater => order.is_gt(),
        Op::GreaterEqual => order.is_ge(),
        Op::Contains => false,
    }
}

fn moments(own: i64, op: Op, moment: &Moment, now: &Now) -> bool {
    let (start, end) = moment.range(now);
    match op {
        Op::Equal => start <= own && own < end,
        Op::NotEqual => !(start <= own && own < end),
        Op::Less => own < start,
        Op::LessEqual => own < end,
        Op::Greater => own >= end,
        Op::GreaterEqual => own >= start,
        Op::Contains => false,
    }
}

fn settings(own: Setting<'_>, op: Op, value: &Value) -> bool {
    let equal = match value {
        Value::Number(number) => match op {
            Op::Equal | Op::NotEqual => own.number.is_some_and(|own| same(own, *number)),
            _ => return own.number.is_some_and(|own| numbers(own, op, *number)),
        },
        Value::Bool(yes) => {
            let is = |number: f64| number == f64::from(u8::from(*yes));
            let says = own.text.eq_ignore_ascii_case(if *yes { "true" } else { "false" });
            (own.is_bool && own.number.is_some_and(is)) || (own.number.is_none() && says)
        }
        Value::Text(text) => match op {
            Op::Contains => return contains(own.text, text),
            Op::Equal | Op::NotEqual => own.text == text,
            // Numbers have an order of their own.
            _ => return own.number.is_none() && texts(own.text, op, text),
        },
        Value::Moment(_) | Value::Duration(_) => return false,
    };
    (op == Op::NotEqual) != equal && !op.is_order()
}

/// Whether `text` holds `part`, whatever the case of ASCII letters.
fn contains(text: &str, part: &str) -> bool {
    text.to_ascii_lowercase().contains(&part.to_ascii_lowercase())
}

/// The words of a text, in lower case, as the full-text index of the store divides it.
pub fn tokens(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// A text without any word in it asks for nothing, and every run fits.
fn words(row: &impl Row, text: &str, open: bool) -> bool {
    let wanted = tokens(text);
    let Some((last, first)) = wanted.split_last() else { return true };
    row.words().into_iter().any(|text| {
        tokens(text).windows(wanted.len()).any(|found| {
            let end = &found[wanted.len() - 1];
            found[..first.len()] == *first && if open { end.starts_with(last) } else { end == last }
        })
    })
}
