//! From text to a query.

use super::Fault;
use super::ast::{Expr, Field, Kind, Op, Plain, Query, Stat, Value};
use super::complete::{Notes, Want};
use super::moment::{EXAMPLES, Moment};
use super::scan::{Scanner, ends_value, ends_word};
use crate::nearest::nearest;
use crate::quantity::parse_duration;

/// Words that are not searched for unless they are in quotes.
pub(super) const KEYWORDS: [&str; 5] = ["and", "or", "not", "has", "in"];

/// Longest query, bytes.
pub const LONGEST: usize = 16 << 10;
/// Most conditions in a query.
const CONDITIONS: usize = 200;
/// Most values in one list.
const VALUES: usize = 500;
/// Brackets in brackets, and “not not”, at most.
const DEPTH: usize = 50;

/// The words of a run's status.
pub const STATUSES: [&str; 7] = ["running", "paused", "stale", "completed", "failed", "cancelled", "ended"];

/// Reads a query; an empty text asks for every run.
///
/// # Errors
/// Where the text can't be understood, and what was expected there.
pub fn parse(text: &str) -> Result<Query, Fault> {
    parse_noting(text, &mut Notes::default())
}

/// As [`parse`], noting what could stand at the end of the text.
pub(super) fn parse_noting(text: &str, notes: &mut Notes) -> Result<Query, Fault> {
    if text.len() > LONGEST {
        return Err(Fault::new(0, text.len(), format!("the query is longer than {LONGEST} bytes")));
    }
    let mut parser =
        Parser { scanner: Scanner::new(text), notes, conditions: 0, joins: false, after_has: false };
    parser.scanner.space();
    if parser.scanner.is_at_end() {
        parser.notes.at(parser.scanner.at, Want::Condition { joins: false });
        return Ok(Query(None));
    }
    let expr = parser.either(0)?;
    match parser.scanner.peek() {
        None => Ok(Query(Some(expr))),
        Some(')') => Err(parser.fault_here("there is no ( before this )")),
        Some(other) => Err(parser.fault_here(&format!("“{other}” can't stand here"))),
    }
}

struct Parser<'a, 'n> {
    scanner: Scanner<'a>,
    notes: &'n mut Notes,
    conditions: usize,
    /// Whether “and” or “or” could stand where the next condition begins.
    joins: bool,
    /// Whether a field is read after `has`.
    after_has: bool,
}

impl Parser<'_, '_> {
    /// Conditions joined by “or”.
    fn either(&mut self, depth: usize) -> Result<Expr, Fault> {
        let mut parts = Vec::new();
        loop {
            match self.all(depth)? {
                Expr::Or(inner) => parts.extend(inner),
                other => parts.push(other),
            }
            self.scanner.space();
            if !self.joint("or") {
                break;
            }
        }
        Ok(one_or(parts, Expr::Or))
    }

    /// Conditions joined by “and”, or standing side by side.
    fn all(&mut self, depth: usize) -> Result<Expr, Fault> {
        let mut parts = Vec::new();
        loop {
            match self.condition(depth)? {
                Expr::And(inner) => parts.extend(inner),
                other => parts.push(other),
            }
            let apart = self.scanner.space();
            if self.scanner.is_at_end() && apart && !self.notes.waits_for_sign() {
                self.notes.at(self.scanner.at, Want::Condition { joins: true });
            }
            if self.joint("and") {
                continue;
            }
            self.joins = true;
            let ends = self.scanner.peek().is_none_or(|c| matches!(c, ')' | ','));
            if ends || self.scanner.peek_word().eq_ignore_ascii_case("or") {
                break;
            }
        }
        Ok(one_or(parts, Expr::And))
    }

    /// Passes over “and” or “or”, if it is next.
    fn joint(&mut self, word: &str) -> bool {
        let start = self.scanner.at;
        let found = self.scanner.keyword(word);
        if found {
            self.joins = false;
            if self.scanner.is_at_end() {
                self.notes.at(start, Want::Condition { joins: true });
            }
            self.scanner.space();
        }
        found
    }

    fn condition(&mut self, depth: usize) -> Result<Expr, Fault> {
        let start = self.scanner.at;
        let joins = std::mem::take(&mut self.joins);
        if depth > DEPTH {
            return Err(Fault::new(start, 1, "there are too many brackets in each other"));
        }
        self.conditions += 1;
        if self.conditions > CONDITIONS {
            return Err(Fault::new(start, 1, format!("there are more than {CONDITIONS} conditions")));
        }
        if self.scanner.is_at_end() {
            // Directly behind a word it is still that word which is typed.
            if !self.scanner.is_behind_word() {
                self.notes.at(start, Want::Condition { joins: false });
            }
            return Err(Fault::new(start, 0, "a condition is missing here, such as status = running"));
        }
        if self.scanner.eat("(") {
            self.scanner.space();
            let inner = self.either(depth + 1)?;
            self.scanner.space();
            if !self.scanner.eat(")") {
                return Err(self.expected(")"));
            }
            return Ok(inner);
        }
        if let Some(text) = self.scanner.quoted()? {
            let open = self.scanner.eat("*");
            return Ok(Expr::Words { text, open });
        }
        let word = self.scanner.peek_word();
        if word.len() == self.scanner.rest().len() {
            self.notes.at(start, Want::Condition { joins });
        }
        if word.eq_ignore_ascii_case("not") {
            self.scanner.at += word.len();
            self.scanner.space();
            return Ok(Expr::Not(Box::new(self.condition(depth + 1)?)));
        }
        if word.eq_ignore_ascii_case("has") {
            self.scanner.at += word.len();
            self.scanner.space();
            return self.has();
        }
        if word.is_empty() || KEYWORDS.iter().any(|keyword| word.eq_ignore_ascii_case(keyword)) {
            let length = self.scanner.peek().map_or(0, char::len_utf8).max(word.len());
            let found = &self.scanner.rest()[..length];
            return Err(Fault::new(start, length, format!("a condition is expected here, not “{found}”")));
        }
        self.comparison()
    }

    /// A comparison, or a word to search for.
    fn comparison(&mut self) -> Result<Expr, Fault> {
        let start = self.scanner.at;
        let field = self.field()?;
        let end = self.scanner.at;
        let apart = self.scanner.space();
        let listed = self.list_follows();
        if let Some(negated) = listed {
            let field = field.known(start, end)?;
            return self.list(field, negated);
        }
        let sign_at = self.scanner.at;
        let Some(sign) = self.scanner.sign() else {
            if let Named::Known(field) = &field
                && self.scanner.is_at_end()
                && apart
            {
                self.notes.at(self.scanner.at, Want::Sign { field: field.clone() });
            }
            self.scanner.at = end;
            return match field {
                Named::Known(Field::Plain(_)) | Named::Unknown { .. } => {
                    let text = self.between(start, end).to_owned();
                    Ok(Expr::Words { text, open: true })
                }
                Named::Known(field) => Err(Fault::new(
                    sign_at,
                    0,
                    format!(
                        "a comparison is expected after {field}, such as {field} > 0.5; or write: has {field}"
                    ),
                )),
            };
        };
        let field = field.known(start, end)?;
        let op = op(sign, &field);
        if !field.kind().takes(op) {
            let can: Vec<&str> =
                Op::ALL.into_iter().filter(|op| field.kind().takes(*op)).map(Op::sign).collect();
            let message = format!("{field} can't be compared with {sign}: it takes {}", listed_words(&can));
            return Err(Fault::new(sign_at, sign.len(), message));
        }
        self.scanner.space();
        let value_at = self.scanner.at;
        let value = self.value(&field, op)?;
        if op.is_order() && matches!(value, Value::Bool(_)) {
            let length = self.scanner.at - value_at;
            return Err(Fault::new(value_at, length, "true and false have no order: use = or !="));
        }
        Ok(Expr::Compare { field, op, value })
    }

    fn has(&mut self) -> Result<Expr, Fault> {
        let start = self.scanner.at;
        if self.scanner.rest() == self.scanner.peek_word() && !self.scanner.is_behind_word() {
            self.notes.at(start, Want::Field);
        }
        if self.scanner.peek_word().is_empty() {
            let message = "a field is expected after has, such as has config.lr or has tag";
            return Err(Fault::new(start, 0, message));
        }
        self.after_has = true;
        let field = self.field();
        self.after_has = false;
        let field = field?;
        Ok(Expr::Has(field.known(start, self.scanner.at)?))
    }

    /// Whether `in (` or `not in (` follows, and which; passes over it up to the bracket.
    fn list_follows(&mut self) -> Option<bool> {
        let before = self.scanner;
        let negated = self.scanner.keyword("not");
        self.scanner.space();
        if self.scanner.keyword("in") {
            self.scanner.space();
            if self.scanner.peek() == Some('(') {
                return Some(negated);
            }
        }
        self.scanner = before;
        None
    }

    fn list(&mut self, field: Field, negated: bool) -> Result<Expr, Fault> {
        self.scanner.eat("(");
        let mut values = Vec::new();
        loop {
            self.scanner.space();
            let start = self.scanner.at;
            values.push(self.value(&field, Op::Equal)?);
            if values.len() > VALUES {
                return Err(Fault::new(
                    start,
                    1,
                    format!("there are more than {VALUES} values in this list"),
                ));
            }
            self.scanner.space();
            if self.scanner.eat(")") {
                return Ok(Expr::OneOf { field, negated, values });
            }
            if !self.scanner.eat(",") {
                return Err(self.expected(", or )"));
            }
        }
    }

    /// A field, or a word that is none.
    fn field(&mut self) -> Result<Named, Fault> {
        let word = self.scanner.peek_word();
        let starts =
            |start: &str| word.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start));
        let is_config = starts("config.");
        if is_config || starts("metrics.") {
            let start = self.scanner.at;
            self.scanner.at += if is_config { "config.".len() } else { "metrics.".len() };
            let key = self.key(is_config);
            if self.scanner.is_at_end() {
                let want = if self.after_has { Want::Field } else { Want::Condition { joins: false } };
                self.notes.at(start, want);
            }
            return key.map(Named::Known);
        }
        self.scanner.at += word.len();
        let lower = word.to_ascii_lowercase();
        let plain = Plain::ALL.into_iter().find(|plain| plain.word() == lower);
        let plain = plain.or((lower == "tags").then_some(Plain::Tag));
        Ok(plain.map_or_else(|| Named::Unknown(word.to_owned()), |plain| Named::Known(Field::Plain(plain))))
    }

    /// The name of a setting or metric, with the metric's statistic.
    fn key(&mut self, is_config: bool) -> Result<Field, Fault> {
        let start = self.scanner.at;
        let in_quotes = self.scanner.quoted()?;
        let bare = self.scanner.run(ends_word);
        if let Some(key) = in_quotes {
            let stat = bare.strip_prefix('.').and_then(Stat::of);
            return match (is_config, bare, stat) {
                (true, "", _) => Ok(Field::Config(key)),
                (false, "", _) => Ok(Field::Metric(key, Stat::Last)),
                (false, _, Some(stat)) => Ok(Field::Metric(key, stat)),
                _ => {
                    let at = self.scanner.at - bare.len();
                    let expected =
                        if is_config { "a comparison" } else { "a comparison or .max, .min, .mean …" };
                    Err(Fault::new(at, bare.len(), format!("{expected} is expected after the name")))
                }
            };
        }
        if bare.is_empty() {
            let what = if is_config { "setting, such as config.lr" } else { "metric, such as metrics.loss" };
            return Err(Fault::new(start, 0, format!("the name of a {what}, is missing here")));
        }
        if is_config {
            return Ok(Field::Config(bare.to_owned()));
        }
        Ok(match bare.rsplit_once('.').map(|(key, word)| (key, Stat::of(word))) {
            Some((key, Some(stat))) if !key.is_empty() => Field::Metric(key.to_owned(), stat),
            _ => Field::Metric(bare.to_owned(), Stat::Last),
        })
    }

    /// A value for a field.
    fn value(&mut self, field: &Field, op: Op) -> Result<Value, Fault> {
        let start = self.scanner.at;
        let rest = self.scanner.rest();
        let mut ahead = self.scanner;
        if ahead.run(ends_value).len() == rest.len()
            || (rest.starts_with(['"', '\'', '“']) && ahead.quoted().is_err())
        {
            self.notes.at(start, Want::Value { field: field.clone() });
        }
        let in_quotes = self.scanner.quoted()?;
        let is_quoted = in_quotes.is_some();
        let mut text = in_quotes.unwrap_or_else(|| self.scanner.run(ends_value).to_owned());
        if text.is_empty() && !is_quoted {
            return Err(Fault::new(start, 0, format!("a value is missing here{}", example(field))));
        }
        if field.kind() == Kind::Duration && !is_quoted {
            self.further_units(&mut text);
        }
        let length = self.scanner.at - start;
        let fault = |what: &str| Fault::new(start, length, format!("“{}” is no {what}", shortened(&text)));
        Ok(match field.kind() {
            Kind::Text | Kind::Tags => Value::Text(format_id(field, op, text)),
            Kind::Status => Value::Text(status(&text).map_err(|instead| Fault {
                instead: instead.map(str::to_owned),
                ..fault(&format!("status: it is one of {}", STATUSES.join(", ")))
            })?),
            Kind::Moment => Value::Moment(
                Moment::parse(&text).ok_or_else(|| fault(&format!("moment: write {EXAMPLES}")))?,
            ),
            Kind::Duration => {
                Value::Duration(parse_duration(&text).map_err(|_| fault("duration: write 90s, 2h or 1d 4h"))?)
            }
            Kind::Number => {
                Value::Number(text.parse().map_err(|_| fault("number: write 0.9, 1e-3, nan or inf"))?)
            }
            Kind::Setting if is_quoted || op == Op::Contains => Value::Text(text),
            Kind::Setting => match (text.parse(), text.to_ascii_lowercase().as_str()) {
                (Ok(number), _) => Value::Number(number),
                (_, "true") => Value::Bool(true),
                (_, "false") => Value::Bool(false),
                _ => Value::Text(text),
            },
        })
    }

    /// The rest of a duration whose units stand apart: `1d 4h`.
    fn further_units(&mut self, text: &mut String) {
        loop {
            let mut ahead = self.scanner;
            ahead.space();
            let joined = format!("{text}{}", ahead.run(ends_value));
            if joined.len() == text.len() || parse_duration(&joined).is_err() {
                return;
            }
            *text = joined;
            self.scanner = ahead;
        }
    }

    fn between(&self, start: usize, end: usize) -> &str {
        let mut from = self.scanner;
        from.at = start;
        from.rest().get(..end - start).unwrap_or_default()
    }

    fn expected(&self, what: &str) -> Fault {
        match self.scanner.peek() {
            None => self.fault_here(&format!("{what} is missing here")),
            Some(found) => self.fault_here(&format!("{what} is expected here, not “{found}”")),
        }
    }

    fn fault_here(&self, message: &str) -> Fault {
        Fault::new(self.scanner.at, self.scanner.peek().map_or(0, char::len_utf8), message)
    }
}

/// A word where a field may stand.
enum Named {
    Known(Field),
    Unknown(String),
}

impl Named {
    /// The field, where there must be one.
    fn known(self, start: usize, end: usize) -> Result<Field, Fault> {
        let word = match self {
            Self::Known(field) => return Ok(field),
            Self::Unknown(word) => word,
        };
        let lower = word.to_lowercase();
        let of = |starts: &[&str], real: &str| {
            starts.iter().find_map(|start| lower.strip_prefix(start)).map(|rest| format!("{real}{rest}"))
        };
        let instead = of(&["metric.", "summary.", "m."], "metrics.")
            .or_else(|| of(&["param.", "params.", "hparams.", "cfg.", "configs.", "c."], "config."))
            .or_else(|| nearest(&lower, Plain::ALL.map(Plain::word)).map(str::to_owned));
        let message = match instead {
            Some(_) => format!("there is no field “{}”", shortened(&word)),
            None => format!(
                "there is no field “{0}”; a setting is config.{0}, a metric metrics.{0}",
                shortened(&word)
            ),
        };
        Err(Fault { instead, ..Fault::new(start, end - start, message) })
    }
}

fn one_or(mut parts: Vec<Expr>, of: fn(Vec<Expr>) -> Expr) -> Expr {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            parts.extend(last);
            of(parts)
        }
    }
}

fn op(sign: &str, field: &Field) -> Op {
    match sign {
        "=" | "==" => Op::Equal,
        "!=" => Op::NotEqual,
        "<" => Op::Less,
        "<=" | "≤" => Op::LessEqual,
        ">" => Op::Greater,
        ">=" | "≥" => Op::GreaterEqual,
        "~" => Op::Contains,
        _ => field.colon(),
    }
}

/// The status that a word means; else the one that was probably meant.
fn status(word: &str) -> Result<String, Option<&'static str>> {
    let lower = word.to_lowercase();
    let known = STATUSES.into_iter().find(|status| *status == lower);
    known.map(str::to_owned).ok_or_else(|| nearest(&lower, STATUSES))
}

/// People write a format as they know it; runs have its id.
fn format_id(field: &Field, op: Op, text: String) -> String {
    if *field != Field::Plain(Plain::Format) || op == Op::Contains {
        return text;
    }
    let known = crate::runs::FORMATS
        .iter()
        .find(|format| format.id().eq_ignore_ascii_case(&text) || format.label().eq_ignore_ascii_case(&text));
    known.map_or(text, |format| format.id().to_owned())
}

fn example(field: &Field) -> &'static str {
    match field.kind() {
        Kind::Text | Kind::Tags => "; put it in quotes if it is empty",
        Kind::Status => ", such as running",
        Kind::Moment => ", such as -7d, today or 2026-11-01",
        Kind::Duration => ", such as 90s or 2h",
        Kind::Number | Kind::Setting => ", such as 0.9",
    }
}

fn listed_words(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= 40 { text.to_owned() } else { text.chars().take(40).chain(['…']).collect() }
}
