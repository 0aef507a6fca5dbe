//! One value as the user wrote it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The type that YAML gives a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// `null`, `~` or nothing.
    Null,
    /// `true`, `false`, and `yes`, `no`, `on`, `off`, which YAML 1.1 readers such as PyYAML take for them.
    Bool,
    /// A whole number.
    Int,
    /// Another number, also `1e-4`, which YAML 1.2 takes for one and PyYAML does not.
    Float,
    /// A list or mapping within brackets: `[0.9, 0.95]`.
    Flow,
    /// Anything else.
    Text,
}

impl Kind {
    /// The word in messages.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool => "true or false",
            Self::Int => "a whole number",
            Self::Float => "a number",
            Self::Flow => "a list or mapping",
            Self::Text => "text",
        }
    }
}

/// A value with the text that the user wrote: `0.10` stays `0.10`. Stored and sent as its YAML source, so that `'1'`
/// and `1` stay apart.
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
        Self { text: text.to_owned(), kind: kind_of(text) }
    }

    /// Text, whatever it looks like.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self { text: text.to_owned(), kind: Kind::Text }
    }

    /// The value of a YAML source: text if it is in quotes, else as [`plain`](Self::plain).
    #[must_use]
    pub fn source(source: &str) -> Self {
        unquote(source).map_or_else(|| Self::plain(source), |text| Self { text, kind: Kind::Text })
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

    /// The value as YAML on one line, quoted where it must be. Reads back as the same value.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        if self.kind != Kind::Text || is_plain_text(&self.text) {
            return self.text.clone();
        }
        if self.text.chars().all(is_printable) {
            return format!("'{}'", self.text.replace('\'', "''"));
        }
        let mut quoted = String::from("\"");
        for c in self.text.chars() {
            match c {
                '"' | '\\' => quoted.extend(['\\', c]),
                '\n' => quoted.push_str("\\n"),
                '\t' => quoted.push_str("\\t"),
                '\r' => quoted.push_str("\\r"),
                c if is_printable(c) => quoted.push(c),
                c => quoted.push_str(&format!("\\U{:08X}", u32::from(c))),
            }
        }
        quoted.push('"');
        quoted
    }
}

/// Whether a character may stand in quotes as it is (YAML 1.2.2, 5.1), on one line.
fn is_printable(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') && (u32::from(c) & 0xfffe) != 0xfffe
}

/// Whether text can stand without quotes wherever a value can, and is text then. Stricter than YAML.
fn is_plain_text(text: &str) -> bool {
    let inside = |c: char| {
        c.is_alphanumeric() || " _-./+*@%^$~=\\<>()".contains(c) || (c > '\u{a0}' && is_printable(c))
    };
    let first = |c: char| c.is_alphanumeric() || "_./$(\\".contains(c);
    kind_of(text) == Kind::Text
        && text.starts_with(first)
        && !text.ends_with(' ')
        && text.chars().all(inside)
        // Markers between documents.
        && text != "..."
}

/// The type of an unquoted word, by the core schema of YAML 1.2 (10.3.2) and the words and digits with underscores
/// of YAML 1.1.
fn kind_of(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" | "yes" | "Yes" | "YES" | "no" | "No"
        | "NO" | "on" | "On" | "ON" | "off" | "Off" | "OFF" => return Kind::Bool,
        ".nan" | ".NaN" | ".NAN" => return Kind::Float,
        _ => {}
    }
    if (text.starts_with('[') && text.ends_with(']')) || (text.starts_with('{') && text.ends_with('}')) {
        return Kind::Flow;
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Kind::Float;
    }
    let all =
        |digits: &str, allowed: fn(&u8) -> bool| !digits.is_empty() && digits.bytes().all(|b| allowed(&b));
    if unsigned.strip_prefix("0x").is_some_and(|digits| all(digits, u8::is_ascii_hexdigit))
        || unsigned.strip_prefix("0o").is_some_and(|digits| all(digits, |b| (b'0'..=b'7').contains(b)))
    {
        return Kind::Int;
    }
    if unsigned.starts_with(|c: char| c.is_ascii_digit())
        && all(unsigned, |b| b.is_ascii_digit() || *b == b'_')
    {
        return Kind::Int;
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let number = digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty());
    let exponent = exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent));
    if number && exponent { Kind::Float } else { Kind::Text }
}

/// What stands between quotes, if `source` is one quoted text from end to end.
pub(super) fn unquote(source: &str) -> Option<String> {
    if let Some(inner) = source.strip_prefix('\'') {
        let inner = inner.strip_suffix('\'')?;
        let text = inner.replace("''", "\u{0}");
        return (!text.contains('\'') && !inner.contains('\u{0}')).then(|| text.replace('\u{0}', "'"));
    }
    let inner = source.strip_prefix('"')?.strip_suffix('"')?;
    let mut text = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return None,
            '\\' => text.push(match chars.next()? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                '0' => '\0',
                'x' => hex(&mut chars, 2)?,
                'u' => hex(&mut chars, 4)?,
                'U' => hex(&mut chars, 8)?,
                c @ ('"' | '\\' | '/') => c,
                _ => return None,
            }),
            c => text.push(c),
        }
    }
    Some(text)
}

fn hex(chars: &mut std::str::Chars<'_>, digits: usize) -> Option<char> {
    let code = chars.as_str().get(..digits)?;
    *chars = chars.as_str().get(digits..)?.chars();
    let hex = code.bytes().all(|b| b.is_ascii_hexdigit());
    hex.then(|| u32::from_str_radix(code, 16).ok()).flatten().and_then(char::from_u32)
}

impl From<String> for Scalar {
    fn from(source: String) -> Self {
        Self::source(&source)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn types_are_those_of_yaml() {
        for (kind, words) in [
            (Kind::Null, &["", "~", "null"][..]),
            (Kind::Bool, &["true", "False", "yes", "off"]),
            (Kind::Int, &["0", "-3", "+7", "0x1F", "0o17", "1_000", "00123"]),
            (Kind::Float, &["0.10", "1e-4", "-1.5E+3", ".5", "1.", ".inf", "-.inf", ".nan"]),
            (Kind::Flow, &["[0.9, 0.95]", "{a: 1}"]),
            (
                Kind::Text,
                &["adam", "1.2.3", "1e", "e5", ".", "-", "inf", "nan", "0x", "1-2", "_1", "-.nan", "y"],
            ),
        ] {
            for word in words {
                assert_eq!(Scalar::plain(word).kind(), kind, "{word}");
            }
        }
    }

    #[test]
    fn quotes_make_text_and_only_where_they_must() {
        for (text, yaml) in [
            ("adam", "adam"),
            ("data/train set", "data/train set"),
            ("1", "'1'"),
            ("no", "'no'"),
            ("", "''"),
            ("it's: #1", "'it''s: #1'"),
            ("a, b", "'a, b'"),
            (" a", "' a'"),
            ("- a", "'- a'"),
            ("---", "'---'"),
            ("a\nb\"\u{7}", "\"a\\nb\\\"\\U00000007\""),
            ("größe", "größe"),
        ] {
            assert_eq!(Scalar::text(text).to_yaml(), yaml);
            assert_eq!(Scalar::source(yaml), Scalar::text(text));
        }
        assert_eq!(Scalar::plain("0.10").to_yaml(), "0.10");
    }

    proptest! {
        #[test]
        fn the_source_reads_back(text in "\\PC{0,12}|[ -~\\n\\t'\"\\\\]{0,12}|any{0,2}", quoted: bool) {
            let scalar = if quoted { Scalar::text(&text) } else { Scalar::plain(&text) };
            prop_assert_eq!(Scalar::source(&scalar.to_yaml()), scalar);
        }
    }
}
