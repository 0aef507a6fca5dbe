//! How a user says where metrics stand in a line.

use std::fmt;

use regex::Regex;

use super::Hit;
use super::words::{self, Style};
use crate::log_search::{self, Matcher, PatternFault};

/// The patterns that have a name, with what they read.
pub const BUILT_IN: [(&str, &str); 3] = [
    ("auto", "loss=0.5, loss: 0.5, and in lines with a step or epoch also loss 0.5"),
    ("pairs", "loss=0.5 and loss: 0.5"),
    ("words", "epoch 3 loss 0.5 acc 0.9, in lines with a step or epoch"),
];

/// A number as programs print it.
const NUMBER: &str =
    r"[-+]?(?:[0-9]+\.?[0-9]*(?:[eE][-+]?[0-9]+)?|\.[0-9]+(?:[eE][-+]?[0-9]+)?|(?i:nan|infinity|inf)\b)";
/// A name that is told together with its number.
const NAME: &str = r"[\pL_][\pL\pN_./@-]*";

/// Which numbers of a line are metrics, and what they are called. One of:
///
/// - the name of a [`BUILT_IN`] pattern;
/// - a regular expression between slashes, `/step (?P<step>\d+).*?loss (?P<loss>\S+)/`. Each named group is a metric;
///   groups `key` and `value` are a name and its number, as often as they match;
/// - a text with names in braces where the numbers stand, `loss={loss} step={step}`. A blank is any number of blanks,
///   `{key}` and `{value}` are a name and its number, `{_}` is anything, `{{` a brace.
#[derive(Clone)]
pub struct Pattern {
    text: String,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Words(Style),
    /// An expression, and what its groups are by their number.
    Groups(Regex, Vec<Group>),
}

#[derive(Debug, Clone, PartialEq)]
enum Group {
    Key,
    Value,
    Metric(String),
    Nothing,
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.text).finish()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl Pattern {
    /// Reads a pattern as the user writes it.
    ///
    /// # Errors
    /// It says nothing, or something that is no expression, with the place where that is known.
    pub fn parse(text: &str) -> Result<Self, PatternFault> {
        let text = text.trim();
        let style = match text {
            "" => return Err(fault("the pattern is empty; “auto” finds what is usual")),
            "auto" => Some(Style::Any),
            "pairs" => Some(Style::Marked),
            "words" => Some(Style::Bare),
            _ => None,
        };
        let kind = match (style, text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'))) {
            (Some(style), _) => Kind::Words(style),
            (None, Some(expression)) => expression_of(expression).map_err(|mut fault| {
                // It stands behind a slash.
                fault.place = fault.place.map(|place| place.start + 1..place.end + 1);
                fault
            })?,
            (None, None) => template(text)?,
        };
        Ok(Self { text: text.to_owned(), kind })
    }

    /// As the user writes it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The numbers in a line as people see it.
    #[must_use]
    pub fn find(&self, line: &str) -> Vec<Hit> {
        let (regex, groups) = match &self.kind {
            Kind::Words(style) => return words::find(line, *style),
            Kind::Groups(regex, groups) => (regex, groups),
        };
        let mut hits = Vec::new();
        for found in regex.captures_iter(line) {
            let mut key = None;
            for (at, group) in groups.iter().enumerate() {
                let Some(text) = found.get(at) else { continue };
                let name = match group {
                    Group::Nothing => continue,
                    Group::Key => {
                        key = Some(text.as_str().trim());
                        continue;
                    }
                    Group::Value => key.unwrap_or_default(),
                    Group::Metric(name) => name,
                };
                let number = text.as_str().trim().trim_end_matches(['%', ',']);
                if let (Ok(value), false) = (number.parse(), name.is_empty()) {
                    hits.push(Hit { key: name.to_owned(), value, total: None, at: text.range() });
                }
            }
        }
        hits
    }
}

/// A regular expression with named groups.
fn expression_of(expression: &str) -> Result<Kind, PatternFault> {
    let asked = log_search::Pattern { text: expression.to_owned(), regex: true, case: true };
    // It says what is wrong, and where.
    Matcher::new(&asked)?;
    let regex = Regex::new(expression).map_err(|cause| fault(&cause.to_string()))?;
    let groups: Vec<Group> = regex
        .capture_names()
        .map(|name| match name {
            None => Group::Nothing,
            Some("key") => Group::Key,
            Some("value") => Group::Value,
            Some(name) => Group::Metric(name.to_owned()),
        })
        .collect();
    groups_of(regex, groups)
}

/// A text with names in braces.
fn template(text: &str) -> Result<Kind, PatternFault> {
    let mut expression = String::new();
    let mut groups = vec![Group::Nothing];
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let at = text.chars().count() - rest.chars().count();
        if let Some(behind) = rest.strip_prefix("{{") {
            expression.push_str(r"\{");
            rest = behind;
        } else if let Some(behind) = rest.strip_prefix("}}") {
            expression.push_str(r"\}");
            rest = behind;
        } else if let Some(inside) = rest.strip_prefix('{') {
            let Some((name, behind)) = inside.split_once('}') else {
                return Err(PatternFault {
                    message: "a brace is opened and not closed; “{{” stands for a brace".into(),
                    place: Some(at..at + 1),
                });
            };
            rest = behind;
            let (group, matches) = match name.trim() {
                "_" | "" => {
                    expression.push_str(".*?");
                    continue;
                }
                "key" => (Group::Key, NAME),
                "value" => (Group::Value, NUMBER),
                name => (Group::Metric(name.to_owned()), NUMBER),
            };
            expression.push_str(&format!("({matches})"));
            groups.push(group);
        } else if first.is_whitespace() {
            rest = rest.trim_start();
            expression.push_str(r"\s+");
        } else {
            rest = &rest[first.len_utf8()..];
            expression.push_str(&regex::escape(first.encode_utf8(&mut [0; 4])));
        }
    }
    let asked = log_search::Pattern { text: expression.clone(), regex: true, case: true };
    Matcher::new(&asked).map_err(|refused| PatternFault { place: None, ..refused })?;
    let regex = Regex::new(&expression).map_err(|cause| fault(&cause.to_string()))?;
    groups_of(regex, groups)
}

fn groups_of(regex: Regex, groups: Vec<Group>) -> Result<Kind, PatternFault> {
    let key = groups.iter().position(|group| *group == Group::Key);
    let value = groups.iter().position(|group| *group == Group::Value);
    if key.zip(value).is_some_and(|(key, value)| key > value) || key.is_some() != value.is_some() {
        return Err(fault("a key must have a value behind it, and a value a key before it"));
    }
    let names = |group: &Group| matches!(group, Group::Metric(name) if crate::csv::x_rank(name).is_none());
    if key.is_none() && !groups.iter().any(names) {
        return Err(fault(
            "it names no metric; write {loss} where the number stands, or name one of the patterns auto, pairs, words",
        ));
    }
    Ok(Kind::Groups(regex, groups))
}

fn fault(message: &str) -> PatternFault {
    PatternFault { message: message.to_owned(), place: None }
}
