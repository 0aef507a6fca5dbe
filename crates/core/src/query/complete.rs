//! How a query that is being typed may go on.

use super::ast::{Expr, Field, Kind, Op, Plain, Stat, Value};
use super::parse::{STATUSES, parse_noting};
use super::scan::{Scanner, ends_value, ends_word};

/// So many suggestions are made at most.
const MOST: usize = 50;

/// What could stand at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Want {
    /// The beginning of a condition.
    Condition {
        /// Whether “and” and “or” could stand there, too.
        joins: bool,
    },
    /// A field, after `has`.
    Field,
    /// A comparison.
    Sign {
        /// Of this.
        field: Field,
    },
    /// A value.
    Value {
        /// For this.
        field: Field,
    },
}

/// Takes down, while a query is read, what could stand at its end.
#[derive(Debug, Default)]
pub(super) struct Notes(Option<(usize, Want)>);

impl Notes {
    pub fn at(&mut self, at: usize, want: Want) {
        self.0 = Some((at, want));
    }

    /// Whether a comparison could stand at the end.
    pub fn waits_for_sign(&self) -> bool {
        matches!(self.0, Some((_, Want::Sign { .. })))
    }
}

/// The place in a query where somebody types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// First byte of what a suggestion replaces.
    pub from: usize,
    /// The first one behind it.
    pub to: usize,
    /// What could stand there.
    pub want: Want,
    /// What stands there up to the cursor.
    pub typed: String,
}

/// Finds out what could stand at the cursor (in bytes).
#[must_use]
pub fn place(text: &str, cursor: usize) -> Place {
    let cursor = text.floor_char_boundary(cursor.min(text.len()));
    let head = &text[..cursor];
    let mut notes = Notes::default();
    let read = parse_noting(head, &mut notes);
    let broken_before = read.as_ref().is_err_and(|fault| fault.at + fault.length < head.len());
    let noted = notes.0.filter(|(from, _)| *from <= cursor && !broken_before);
    let (from, want) = noted.unwrap_or_else(|| {
        // Something before is not understood; a word can be completed all the same.
        let begin = head.rfind(|c: char| c.is_whitespace() || matches!(c, '(' | ')'));
        let from = begin.map_or(0, |at| at + head[at..].chars().next().map_or(1, char::len_utf8));
        (from, Want::Condition { joins: true })
    });
    let typed = head[from..].to_owned();
    let mut end = Scanner::new(text);
    end.at = cursor;
    if typed.matches('"').count() % 2 == 1 {
        end.run(|c| c == '"');
        if !end.eat("\"") {
            end.at = cursor;
        }
    } else if matches!(want, Want::Value { .. }) {
        end.run(ends_value);
    } else if !typed.is_empty() {
        end.run(ends_word);
    }
    Place { from, to: end.at, want, typed }
}

/// What there is to suggest.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Names of settings, the likeliest first.
    pub configs: Vec<String>,
    /// Names of metrics, the likeliest first.
    pub metrics: Vec<String>,
    /// Values of the field that is asked for, the most frequent first.
    pub values: Vec<String>,
}

/// What a suggestion is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the words say it")]
pub enum Suggested {
    Field,
    Config,
    Metric,
    Operator,
    Value,
    Keyword,
}

/// A way in which the query may go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// What is put in place.
    pub insert: String,
    /// What is shown.
    pub label: String,
    /// What it is.
    pub kind: Suggested,
    /// A few words about it.
    pub detail: String,
}

impl Suggestion {
    fn new(
        insert: impl Into<String>,
        label: impl Into<String>,
        kind: Suggested,
        detail: impl Into<String>,
    ) -> Self {
        Self { insert: insert.into(), label: label.into(), kind, detail: detail.into() }
    }
}

/// What may stand at a place, the likeliest first.
#[must_use]
pub fn complete(place: &Place, known: &Known) -> Vec<Suggestion> {
    let mut found = match &place.want {
        Want::Condition { joins } => conditions(&place.typed, *joins, true, known),
        Want::Field => conditions(&place.typed, false, false, known),
        Want::Sign { field } => signs(field, &place.typed),
        Want::Value { field } => values(field, &place.typed, known),
    };
    found.truncate(MOST);
    found
}

/// Sorts what fits `typed` before what only holds it, and leaves out the rest.
fn ranked<T>(items: impl IntoIterator<Item = T>, typed: &str, text: impl Fn(&T) -> &str) -> Vec<T> {
    let typed = typed.to_lowercase();
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for item in items {
        let own = text(&item).to_lowercase();
        match own.find(&typed) {
            Some(0) => first.push(item),
            Some(_) => second.push(item),
            None => {}
        }
    }
    first.append(&mut second);
    first
}

fn conditions(typed: &str, joins: bool, keywords: bool, known: &Known) -> Vec<Suggestion> {
    let lower = typed.to_lowercase();
    if let Some(key) = lower.strip_prefix("config.").map(|key| &typed[typed.len() - key.len()..]) {
        return configs(key.trim_matches('"'), known);
    }
    if let Some(key) = lower.strip_prefix("metrics.").map(|key| &typed[typed.len() - key.len()..]) {
        return metrics(key, known);
    }
    let mut found = Vec::new();
    if joins {
        let all = [("and", "both must hold"), ("or", "one must hold")];
        found.extend(words(typed, &all));
    }
    let fields = ranked(Plain::ALL, typed, |plain| plain.word());
    found.extend(fields.into_iter().map(|plain| {
        let has_colon = keywords && matches!(plain.kind(), Kind::Status | Kind::Tags);
        let after = if has_colon { ":" } else { " " };
        Suggestion::new(
            format!("{}{after}", plain.word()),
            plain.word(),
            Suggested::Field,
            detail(plain.kind()),
        )
    }));
    for (word, what) in [("metrics.", "a metric"), ("config.", "a hyperparameter")] {
        if word.starts_with(&lower) {
            found.push(Suggestion::new(word, word, Suggested::Field, what));
        }
    }
    if keywords {
        found.extend(words(typed, &[("has", "a run has it"), ("not", "the contrary")]));
    }
    if !typed.is_empty() {
        found.extend(metrics(typed, known));
        found.extend(configs(typed, known));
    }
    found
}

fn words(typed: &str, all: &[(&str, &str)]) -> Vec<Suggestion> {
    let fit = all.iter().filter(|(word, _)| word.starts_with(&typed.to_lowercase()));
    fit.map(|(word, what)| Suggestion::new(format!("{word} "), *word, Suggested::Keyword, *what)).collect()
}

fn configs(typed: &str, known: &Known) -> Vec<Suggestion> {
    ranked(&known.configs, typed, |key| key)
        .into_iter()
        .map(|key| {
            Suggestion::new(
                format!("{} ", Field::Config(key.clone())),
                key,
                Suggested::Config,
                "hyperparameter",
            )
        })
        .collect()
}

fn metrics(typed: &str, known: &Known) -> Vec<Suggestion> {
    // A name that is written whole, and a point: what of it?
    let parts = typed.rsplit_once('.').map(|(key, stat)| (key.trim_matches('"'), stat));
    if let Some((key, stat)) = parts
        && known.metrics.iter().any(|known| known == key)
    {
        let fit = ranked(Stat::ALL, stat, |stat| stat.word());
        let stats = fit.into_iter().map(|stat| {
            let field = Field::Metric(key.to_owned(), stat);
            Suggestion::new(format!("{field} "), stat.word(), Suggested::Metric, stat.words())
        });
        return stats.collect();
    }
    ranked(&known.metrics, typed.trim_matches('"'), |key| key)
        .into_iter()
        .map(|key| {
            let field = Field::Metric(key.clone(), Stat::Last);
            Suggestion::new(format!("{field} "), key, Suggested::Metric, "metric")
        })
        .collect()
}

fn signs(field: &Field, typed: &str) -> Vec<Suggestion> {
    let signs = Op::ALL.into_iter().filter(|op| field.kind().takes(*op));
    let signs = signs
        .map(|op| (op.sign(), op.words()))
        .chain([("in (", "one of several"), ("not in (", "none of several")]);
    signs
        .filter(|(sign, _)| sign.starts_with(typed))
        .map(|(sign, words)| {
            let after = if sign.ends_with('(') { "" } else { " " };
            Suggestion::new(format!("{sign}{after}"), sign.trim_end_matches(" ("), Suggested::Operator, words)
        })
        .collect()
}

fn values(field: &Field, typed: &str, known: &Known) -> Vec<Suggestion> {
    let fixed: &[(&str, &str)] = match field.kind() {
        Kind::Moment => &[
            ("-1h", "one hour ago"),
            ("-24h", "24 hours ago"),
            ("-7d", "seven days ago"),
            ("-30d", "30 days ago"),
            ("today", "since midnight"),
            ("yesterday", "the day before"),
        ],
        Kind::Duration => &[("1m", "a minute"), ("10m", "ten minutes"), ("1h", "an hour"), ("1d", "a day")],
        _ => &[],
    };
    let typed = typed.trim_matches('"');
    let fixed = ranked(fixed, typed, |(word, _)| word);
    let mut found: Vec<Suggestion> = fixed
        .into_iter()
        .map(|(word, what)| Suggestion::new(*word, *word, Suggested::Value, *what))
        .collect();
    let statuses = STATUSES.map(str::to_owned);
    let own = if field.kind() == Kind::Status { &statuses[..] } else { &known.values };
    found.extend(
        ranked(own, typed, |value| value)
            .into_iter()
            .map(|value| Suggestion::new(written(field, value), value, Suggested::Value, "")),
    );
    found
}

/// A value as a query has it.
fn written(field: &Field, text: &str) -> String {
    if field.kind() == Kind::Setting && (text.parse::<f64>().is_ok() || matches!(text, "true" | "false")) {
        return text.to_owned();
    }
    let value = Value::Text(text.to_owned());
    let whole = Expr::Compare { field: Field::Plain(Plain::Name), op: Op::Equal, value }.to_string();
    whole.trim_start_matches("name = ").to_owned()
}

fn detail(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Status => "how it stands",
        Kind::Tags => "one of its tags",
        Kind::Moment => "time",
        Kind::Duration => "duration",
        Kind::Number => "number",
        Kind::Setting => "hyperparameter",
    }
}
