//! What is looked for.

use std::fmt;
use std::ops::Range;

use regex::{Regex, RegexBuilder};

use super::scan::Scan;

/// A pattern's length at most, in bytes.
const PATTERN_MAX: usize = 4_096;
/// What a compiled pattern may take at most, in bytes, and its cache once more. The time for a line is bounded by this
/// times the line's length, as the matching never goes back.
pub(super) const SIZE_MAX: usize = 1 << 20;
/// Groups in groups at most.
const NEST_MAX: u32 = 64;

/// What to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// The text, or the expression. An empty one matches every line.
    pub text: String,
    /// Whether it is a regular expression, as the crate `regex` writes them.
    pub regex: bool,
    /// Whether large and small letters differ.
    pub case: bool,
}

/// Why a pattern can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternFault {
    /// What is wrong, in words.
    pub message: String,
    /// Where in the pattern: characters counted from 0, end excluded.
    pub place: Option<Range<usize>>,
}

impl fmt::Display for PatternFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.place {
            Some(place) => write!(f, " (at character {})", place.start + 1),
            None => Ok(()),
        }
    }
}

impl std::error::Error for PatternFault {}

/// A pattern that is ready to look.
#[derive(Debug, Clone)]
pub struct Matcher {
    regex: Regex,
    /// The same for many lines at once.
    pub(super) scan: Option<Scan>,
}

impl Matcher {
    /// Prepares a pattern.
    ///
    /// # Errors
    /// It is not a regular expression, or it is too large.
    pub fn new(pattern: &Pattern) -> Result<Self, PatternFault> {
        if pattern.text.len() > PATTERN_MAX {
            let message = format!("the pattern is longer than {PATTERN_MAX} bytes");
            return Err(PatternFault { message, place: None });
        }
        let expression = match pattern.regex {
            true => pattern.text.clone(),
            false => regex::escape(&pattern.text),
        };
        let built = RegexBuilder::new(&expression)
            .case_insensitive(!pattern.case)
            .size_limit(SIZE_MAX)
            .dfa_size_limit(SIZE_MAX)
            .nest_limit(NEST_MAX)
            .build();
        match built {
            Ok(regex) => {
                let parsed = regex_syntax::ParserBuilder::new()
                    .nest_limit(NEST_MAX)
                    .case_insensitive(!pattern.case)
                    .build()
                    .parse(&expression);
                Ok(Self { regex, scan: parsed.ok().and_then(Scan::new) })
            }
            Err(regex::Error::CompiledTooBig(_)) => Err(PatternFault {
                message: "the expression is too large; repeat less in it".into(),
                place: None,
            }),
            Err(error) => Err(fault(&pattern.text, &error)),
        }
    }

    /// Whether it stands in the text.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// Where it stands in the text, in bytes.
    pub fn find<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
        self.regex.find_iter(text).map(|found| found.range())
    }
}

/// What the parser says of an expression that was refused, and where.
fn fault(pattern: &str, refused: &regex::Error) -> PatternFault {
    let parsed = regex_syntax::ParserBuilder::new().nest_limit(NEST_MAX).build().parse(pattern);
    let (message, span) = match parsed {
        Err(regex_syntax::Error::Parse(error)) => (error.kind().to_string(), Some(*error.span())),
        Err(regex_syntax::Error::Translate(error)) => (error.kind().to_string(), Some(*error.span())),
        _ => (refused.to_string(), None),
    };
    let characters = |bytes: usize| pattern.get(..bytes).map_or(0, |before| before.chars().count());
    let place = span.map(|span| characters(span.start.offset)..characters(span.end.offset));
    PatternFault { message, place }
}
