//! Single values and small objects in JSON, as they lie within other formats.

use super::Fact;
use super::json::{Cursor, Leaf};

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

/// A longer dotted name is not told.
const MAX_NAME: usize = 1 << 10;
/// How many bytes the names and values may have that one piece of JSON gives: a long name before a long list of
/// numbers would be repeated for each of them.
const MAX_VALUES: usize = 16 << 20;

/// Every single value in a piece of JSON, with its dotted name: `optimizer.lr`, `layers.0`. What is empty says nothing.
/// `None`: it is no JSON; some values may have been told.
pub(super) fn values<'a>(name: &str, json: &'a str, each: &mut impl FnMut(&str, Leaf<'a>)) -> Option<()> {
    let mut left = MAX_VALUES;
    let mut cursor = Cursor::new(json.as_bytes());
    let mut bounded = |name: &str, leaf: Leaf<'a>| {
        let size = name.len() + if let Leaf::Text(text) = &leaf { text.len() } else { 8 };
        if name.len() <= MAX_NAME && size <= left {
            left -= size;
            each(name, leaf);
        }
    };
    match cursor.leaves(&mut name.to_owned(), '.', true, &mut bounded) {
        Ok(()) => cursor.is_at_end().then_some(()),
        // A number that ends with the text is whole here.
        Err(_) => number(json).map(|number| bounded(name, Leaf::Number(number, json.trim()))),
    }
}

/// The same as settings; none when it is no JSON.
pub(super) fn settings(name: &str, json: &str) -> Vec<Fact> {
    let mut facts = Vec::new();
    let read = values(name, json, &mut |key, leaf| {
        facts.push(Fact::Config { key: key.to_owned(), value: leaf.scalar() });
    });
    if read.is_some() { facts } else { Vec::new() }
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

    fn told(name: &str, json: &str) -> Vec<String> {
        let words = |fact: &Fact| match fact {
            Fact::Config { key, value } => format!("{key} = {}", value.to_yaml()),
            other => format!("{other:?}"),
        };
        settings(name, json).iter().map(words).collect()
    }

    #[test]
    fn settings_have_dotted_names() {
        let json =
            r#"{"optimizer": {"lr": 1e-4, "betas": [0.9, true]}, "note": null, "name": "1", "none": {}}"#;
        let expected = [
            "optimizer.lr = 1e-4",
            "optimizer.betas.0 = 0.9",
            "optimizer.betas.1 = true",
            "note = null",
            "name = '1'",
        ];
        assert_eq!(told("", json), expected);
        assert_eq!(told("a", "1e-05"), ["a = 1e-05"]);
        assert_eq!(told("a", " [NaN, 2] "), ["a.0 = NaN", "a.1 = 2"]);
    }

    #[test]
    fn what_is_no_json_sets_nothing() {
        for json in ["{\"a\": 1", "{} {}", "1 2", "", "what", &"[".repeat(100_000)] {
            assert_eq!(told("a", json), Vec::<String>::new(), "{json}");
        }
        // A name that is too long is left out by itself.
        assert_eq!(told("", &format!("{{\"{}\": 1, \"b\": 2}}", "x".repeat(2000))), ["b = 2"]);
    }
}
