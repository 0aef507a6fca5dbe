//! JSON as Python writes it, with `NaN`, `Infinity` and `-Infinity` in place of numbers, in small pieces.

use std::borrow::Cow;

use serde_json::Value;

use crate::sweep::Scalar;

/// Parses it; the three become strings. `None`: it is no JSON, or nested deeper than 127 levels.
pub(super) fn parse(text: &str) -> Option<Value> {
    serde_json::from_str(text).or_else(|_| serde_json::from_str(&quoted(text))).ok()
}

/// The number that a piece of JSON is: also `NaN` and the infinities, bare or in quotes.
pub(super) fn number(json: &str) -> Option<f64> {
    let json = json.trim();
    let bare = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(json);
    match bare {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        // Rust takes `inf` and `nan` for numbers too; JSON's begin like this.
        _ if json.starts_with(|c: char| c.is_ascii_digit() || c == '-') => json.parse().ok(),
        _ => None,
    }
}

/// Puts quotes around the names of numbers that JSON does not have.
fn quoted(text: &str) -> Cow<'_, str> {
    if !text.contains("NaN") && !text.contains("Infinity") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find(['"', 'N', 'I', '-']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let word = ["NaN", "Infinity", "-Infinity"].into_iter().find(|word| rest.starts_with(word));
        let length = if let Some(word) = word {
            out.push('"');
            out.push_str(word);
            out.push('"');
            word.len()
        } else {
            let length = if rest.starts_with('"') { string(rest) } else { 1 };
            out.push_str(&rest[..length]);
            length
        };
        rest = &rest[length..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The length of the string at the beginning of `text`, with its quotes.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (i, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return i + 1,
            _ => {}
        }
    }
    text.len()
}

/// A longer dotted name is not told.
const MAX_NAME: usize = 1 << 10;
/// How many bytes the names and values may have that one piece of JSON gives: a long name before a long list of
/// numbers would be repeated for each of them.
const MAX_SETTINGS: usize = 16 << 20;

/// Every single value below `value`, with its dotted name: `optimizer.lr`, `layers.0`. What is empty says nothing.
pub(super) fn settings(name: &str, value: &Value, each: &mut impl FnMut(String, Scalar)) {
    let mut left = MAX_SETTINGS;
    walk(name, value, &mut |name, scalar| {
        let size = name.len() + scalar.as_str().len();
        if name.len() <= MAX_NAME && size <= left {
            left -= size;
            each(name.to_owned(), scalar);
        }
    });
}

fn walk(name: &str, value: &Value, each: &mut impl FnMut(&str, Scalar)) {
    if name.len() > MAX_NAME {
        return;
    }
    let below = |part: &str| if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") };
    match value {
        Value::Object(map) => map.iter().for_each(|(part, value)| walk(&below(part), value, each)),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(i, value)| walk(&below(&i.to_string()), value, each));
        }
        Value::String(text) => each(name, Scalar::text(text)),
        Value::Null => each(name, Scalar::plain("null")),
        Value::Bool(_) | Value::Number(_) => each(name, Scalar::plain(&value.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_json_lacks_are_read() {
        for (json, expected) in [
            ("1.5", Some(1.5)),
            ("-3", Some(-3.0)),
            ("1e-05", Some(1e-5)),
            ("Infinity", Some(f64::INFINITY)),
            ("\"-Infinity\"", Some(f64::NEG_INFINITY)),
            ("-Infinity", Some(f64::NEG_INFINITY)),
            ("\"1.5\"", None),
            ("inf", None),
            ("true", None),
            ("", None),
            ("\"", None),
            ("{}", None),
        ] {
            assert_eq!(number(json), expected, "{json}");
        }
        assert!(number("NaN").is_some_and(f64::is_nan));
        assert!(number("\"NaN\"").is_some_and(f64::is_nan));
    }

    #[test]
    fn strings_are_left_alone() {
        let value = parse(r#"{"a": NaN, "NaN \" Infinity": [-Infinity, -1, "I \\"], "b": Infinity}"#);
        let expected =
            serde_json::json!({"a": "NaN", "NaN \" Infinity": ["-Infinity", -1, "I \\"], "b": "Infinity"});
        assert_eq!(value, Some(expected));
        assert_eq!(parse("{NaN"), None);
        assert_eq!(parse("[\"a"), None);
        assert_eq!(parse(&"[".repeat(100_000)), None);
    }

    #[test]
    fn settings_have_dotted_names() {
        let value = parse(
            r#"{"optimizer": {"lr": 1e-4, "betas": [0.9, true]}, "note": null, "name": "1", "none": {}}"#,
        );
        let mut all = Vec::new();
        settings("", &value.unwrap(), &mut |name, value| all.push(format!("{name} = {}", value.to_yaml())));
        all.sort();
        assert_eq!(
            all,
            [
                "name = '1'",
                "note = null",
                "optimizer.betas.0 = 0.9",
                "optimizer.betas.1 = true",
                "optimizer.lr = 0.0001"
            ]
        );
    }
}
