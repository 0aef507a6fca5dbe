//! The language of the query bar: which runs are meant.
//!
//! `metrics.val/acc.max > 0.9 and config.lr in (0.1, 0.01) and tag:baseline and started > -7d`
//!
//! - Fields: the words of [`Plain`], `config.KEY`, `metrics.KEY` and `metrics.KEY.STAT`. A key with other signs than
//!   letters, digits, `/`, `.`, `-` and `_` stands in quotes.
//! - `= != > >= < <=`, `in (…)`, `not in (…)`; `~` contains; `:` is `=`, or `~` where a part is enough ([`Plain::colon`]).
//! - `has FIELD`; `and`, `or`, `not`, brackets. Conditions side by side must all be met. “and” binds closer than “or”.
//! - Any other word, and text in quotes, is searched for in names, notes, tags and settings. The word without quotes may
//!   be the beginning of a longer one.
//! - A comparison with what a run has not got is false, also `!=`; `not` turns that. A run always has its tags, even none.
//! - Only `=` and `!=` know NaN.
//!
//! [`parse`] reads a query, its `Display` writes it, [`Query::matches`] says what it means, [`complete`] how it may go on.

mod ast;
mod complete;
mod matching;
mod moment;
mod parse;
mod print;
mod scan;
#[cfg(test)]
mod tests;

use std::fmt;

pub use ast::{Expr, Field, Kind, Op, Plain, Query, Stat, Value};
pub use complete::{Known, Place, Suggested, Suggestion, Want, complete, place};
pub use matching::{Row, Setting, tokens};
pub use moment::{Moment, Now};
pub use parse::{LONGEST, STATUSES, parse};

/// Why a text is no query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where in the text, in bytes.
    pub at: usize,
    /// How many bytes of it; none at a place where something is missing.
    pub length: usize,
    /// What is wrong and what was expected: a clause.
    pub message: String,
    /// What was probably meant in its place.
    pub instead: Option<String>,
}

impl Fault {
    fn new(at: usize, length: usize, message: impl Into<String>) -> Self {
        Self { at, length, message: message.into(), instead: None }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.instead.as_ref().map_or(Ok(()), |instead| write!(f, "; did you mean {instead}?"))
    }
}

impl std::error::Error for Fault {}
