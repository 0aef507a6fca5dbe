//! The signs of a query, one after the other.

use super::Fault;

/// A place in the text of a query.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    /// Bytes that were passed.
    pub at: usize,
}

/// Signs of comparisons; longer ones first.
const SIGNS: [&str; 10] = ["==", "!=", "<=", ">=", "≤", "≥", "=", "<", ">", "~"];

impl<'a> Scanner<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// What is left.
    pub fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub fn is_at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    /// Whether a word ends here.
    pub fn is_behind_word(&self) -> bool {
        self.text.get(..self.at).is_some_and(|before| before.ends_with(char::is_alphanumeric))
    }

    /// Passes over white space; says whether there was some.
    pub fn space(&mut self) -> bool {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
        rest.len() != self.rest().len()
    }

    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Passes over this, if it is next.
    pub fn eat(&mut self, sign: &str) -> bool {
        let found = self.rest().starts_with(sign);
        if found {
            self.at += sign.len();
        }
        found
    }

    /// Passes over characters up to one that ends a run.
    pub fn run(&mut self, ends: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(ends).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// The word that is next, without passing over it.
    pub fn peek_word(&self) -> &'a str {
        let mut ahead = *self;
        ahead.run(ends_word)
    }

    /// Passes over a word of the language, if it is next, whatever its case.
    pub fn keyword(&mut self, word: &str) -> bool {
        let found = self.peek_word().eq_ignore_ascii_case(word);
        if found {
            self.at += word.len();
        }
        found
    }

    /// The sign of a comparison that is next.
    pub fn sign(&mut self) -> Option<&'static str> {
        SIGNS.into_iter().chain([":"]).find(|sign| self.eat(sign))
    }

    /// Text in quotes, if it is next. A backslash takes the character after it as it stands.
    ///
    /// # Errors
    /// The second quote is missing.
    pub fn quoted(&mut self) -> Result<Option<String>, Fault> {
        let start = self.at;
        let Some(quote) = self.peek().filter(|c| matches!(c, '"' | '\'' | '“')) else { return Ok(None) };
        let close = if quote == '“' { '”' } else { quote };
        let mut text = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((offset, c)) = chars.next() {
            if c == close {
                self.at += offset + c.len_utf8();
                return Ok(Some(text));
            }
            let c = if c == '\\' { chars.next().map_or(c, |(_, next)| next) } else { c };
            text.push(c);
        }
        self.at = self.text.len();
        Err(Fault::new(start, self.at - start, format!("the quote {quote} is not closed")))
    }
}

/// What ends a word at the beginning of a condition.
pub(super) fn ends_word(c: char) -> bool {
    ends_value(c) || matches!(c, '=' | '!' | '<' | '>' | '~' | ':' | '≤' | '≥')
}

/// What ends a value without quotes.
pub(super) fn ends_value(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')' | ',' | '"' | '“' | '”')
}
