//! One value as the user wrote it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The type that YAML gives a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// `null`, `~` or nothing.
    Null,
    /// `true`, `false` and the other words that YAML 1.1 readers such as PyYAML take for them.
    Bool,
    /// A whole number.
    Int,
    /// Another number.
    Float,
    /// Anything else.
    Text,
}

/// A value with the text that the user wrote: `0.10` stays `0.10`. Stored and sent as its YAML source.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Scalar {
    text: String,
    kind: Kind,
}

impl Scalar {
    /// The value of an unquoted word.
    #[must_use]
    pub fn plain(text: &str) -> Self {
        Self { text: text.to_owned(), kind: Kind::Text }
    }

    /// Text, whatever it looks like.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self { text: text.to_owned(), kind: Kind::Text }
    }

    /// The text, without quotes: what a command is given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The type.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The value as YAML, quoted where it must be.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        self.text.clone()
    }
}

impl From<String> for Scalar {
    fn from(source: String) -> Self {
        Self::plain(&source)
    }
}

impl From<Scalar> for String {
    fn from(scalar: Scalar) -> Self {
        scalar.to_yaml()
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
