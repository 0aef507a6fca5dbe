//! Axes as the user writes them: `lr=0.1,0.01`, `seed=0..4`.

use super::scalar::unquote;
use super::{Axis, Fault, Scalar, Sweep};

/// Reads one axis: a key, `=`, and values between commas.
///
/// - `0..4` is 0, 1, 2, 3, 4; `0..100..10` goes in steps of 10. The end is included if a step meets it.
/// - A value in quotes is text and may have commas; commas within brackets do not divide: `[0.9,0.95]` is one value.
/// - Spaces around values are left out.
///
/// # Errors
/// [`Fault`]: no key, no values, a quote or bracket that is not closed, or a range that is not one.
pub fn parse_axis(text: &str) -> Result<Axis, Fault> {
    let Some((key, values)) = text.split_once('=') else {
        return Err(Fault(format!("“{text}” names no values: write {}=0.1,0.01 or seed=0..4.", text.trim())));
    };
    let key = key.trim();
    check_key(key)?;
    let mut axis = Axis { key: key.to_owned(), values: Vec::new() };
    for value in split(values, key)? {
        add(value.trim(), &mut axis)?;
    }
    Ok(axis)
}

/// Whether `key` can be the key of an axis.
pub(super) fn check_key(key: &str) -> Result<(), Fault> {
    if key.is_empty() {
        return Err(Fault("A sweep needs a key before its “=”: write lr=0.1,0.01.".into()));
    }
    if let Some(dashless) = key.strip_prefix('-') {
        let name = dashless.trim_start_matches('-');
        return Err(Fault(format!(
            "The key “{key}” begins with a dash: write {name}=…, and it is passed as --{name}."
        )));
    }
    if let Some(c) = key.chars().find(|c| c.is_whitespace() || c.is_control() || "{}'\",=`".contains(*c)) {
        return Err(Fault(format!(
            "The key “{key}” has “{}” in it: a key looks like optimizer.lr.",
            c.escape_debug()
        )));
    }
    Ok(())
}

/// The pieces of `values` between its commas.
fn split<'a>(values: &'a str, key: &str) -> Result<Vec<&'a str>, Fault> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut closing = Vec::new();
    let mut quote = None;
    let mut chars = values.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (Some('"'), '\\') => {
                chars.next();
            }
            // A doubled one is one within.
            (Some('\''), '\'') if chars.peek().is_some_and(|(_, next)| *next == '\'') => {
                chars.next();
            }
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            // Only at the start of a value, or within brackets; elsewhere it is an apostrophe.
            (None, '\'' | '"') if !closing.is_empty() || values[start..at].trim().is_empty() => {
                quote = Some(c)
            }
            (None, '[') => closing.push(']'),
            (None, '{') => closing.push('}'),
            (None, '(') => closing.push(')'),
            (None, ']' | '}' | ')') if closing.last() == Some(&c) => {
                closing.pop();
            }
            (None, ',') if closing.is_empty() => {
                pieces.push(&values[start..at]);
                start = at + 1;
            }
            (None, _) => {}
        }
    }
    if let Some(quote) = quote {
        return Err(Fault(format!("A {quote} in the values of “{key}” is not closed: write {key}='a,b',c.")));
    }
    if let Some(closing) = closing.first() {
        return Err(Fault(format!(
            "The values of “{key}” lack a closing “{closing}”. If the bracket is part of a text, put it in quotes."
        )));
    }
    pieces.push(&values[start..]);
    Ok(pieces)
}

/// Adds one value, or the values of a range.
fn add(value: &str, axis: &mut Axis) -> Result<(), Fault> {
    let key = &axis.key;
    if value.is_empty() {
        return Err(Fault(format!(
            "“{key}” has an empty value: take the comma out, or write '' for no text."
        )));
    }
    if value.starts_with(['\'', '"']) {
        let text = unquote(value).ok_or_else(|| {
            Fault(format!(
                "“{value}” in the values of “{key}” goes on after its quotes, or has an unknown escape."
            ))
        })?;
        axis.values.push(Scalar::text(&text));
        return Ok(());
    }
    let parts: Vec<&str> = value.split("..").collect();
    let number = |part: &&str| part.parse::<f64>().is_ok() && !part.contains(|c: char| c.is_alphabetic());
    if !(2..=3).contains(&parts.len()) || !parts.iter().all(number) {
        axis.values.push(Scalar::plain(value));
        return Ok(());
    }
    let fault = |why: &str| {
        Err(Fault(format!(
            "The range “{value}” of “{key}” {why}: a range looks like 0..4, or 0..100..10 with a step."
        )))
    };
    let whole: Vec<i64> = parts.iter().filter_map(|part| part.parse().ok()).collect();
    let (first, last, step) = match (whole.as_slice(), parts.len()) {
        ([first, last], 2) => (*first, *last, 1),
        ([first, last, step], 3) => (*first, *last, *step),
        _ => return fault("is not of whole numbers; list the values instead"),
    };
    if step < 1 {
        return fault("has a step below 1");
    }
    if first > last {
        return fault("ends before it begins");
    }
    let count = (i128::from(last) - i128::from(first)) / i128::from(step) + 1;
    if u128::try_from(count).is_ok_and(|count| count > Sweep::LIMIT) {
        return fault("has more than 1,000,000 values");
    }
    let mut next = Some(first);
    while let Some(number) = next.filter(|number| *number <= last) {
        axis.values.push(Scalar::plain(&number.to_string()));
        next = number.checked_add(step);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Kind;
    use super::*;

    fn values(text: &str) -> Vec<String> {
        parse_axis(text).unwrap().values.iter().map(Scalar::to_yaml).collect()
    }

    #[test]
    fn axes_are_read_as_people_write_them() {
        for (text, expected) in [
            ("lr=0.1,0.01", &["0.1", "0.01"][..]),
            (" optimizer.lr = 0.10 , 1e-3 ", &["0.10", "1e-3"]),
            ("seed=0..4", &["0", "1", "2", "3", "4"]),
            ("seed=-1..1,7", &["-1", "0", "1", "7"]),
            ("n=0..100..50", &["0", "50", "100"]),
            ("n=1..6..2", &["1", "3", "5"]),
            ("max=9223372036854775806..9223372036854775807", &["9223372036854775806", "9223372036854775807"]),
            ("text='a,b',\"c,\\\"d\",e", &["'a,b'", "'c,\"d'", "e"]),
            ("id='1',1", &["'1'", "1"]),
            ("betas=[0.9,0.95],[0.9,0.999]", &["[0.9,0.95]", "[0.9,0.999]"]),
            ("path=../a,a..b,1..b", &["../a", "a..b", "1..b"]),
            ("name=it's,x", &["'it''s'", "x"]),
            ("flag=''", &["''"]),
            ("expr=a=b", &["a=b"]),
        ] {
            assert_eq!(values(text), expected, "{text}");
        }
        assert_eq!(parse_axis("optimizer.lr=1").unwrap().key, "optimizer.lr");
        assert_eq!(parse_axis("lr=0.10").unwrap().values[0].kind(), Kind::Float);
    }

    #[test]
    fn faults_say_how_it_is_written() {
        for (text, part) in [
            ("lr", "write lr=0.1,0.01"),
            ("=1", "needs a key"),
            ("--lr=1", "write lr=…"),
            ("a b=1", "has “ ” in it"),
            ("lr=", "empty value"),
            ("lr=1,,2", "empty value"),
            ("t='a,b", "not closed"),
            ("t='a'b", "goes on after its quotes"),
            ("t=\"\\q\"", "unknown escape"),
            ("t=[1,2", "closing “]”"),
            ("n=4..0", "ends before it begins"),
            ("n=0..4..0", "step below 1"),
            ("n=0.1..0.4", "list the values instead"),
            ("n=0..99999999999999999999", "list the values instead"),
            ("n=0..1000000", "more than 1,000,000"),
        ] {
            let message = parse_axis(text).expect_err(text).to_string();
            assert!(message.contains(part), "{text}: {message}");
        }
    }

    proptest! {
        #[test]
        fn quoted_values_read_back(texts in prop::collection::vec("[ -~é\\n]{0,8}", 1..5)) {
            let axis = format!(
                "key={}",
                texts.iter().map(|text| format!("'{}'", text.replace('\'', "''"))).collect::<Vec<_>>().join(",")
            );
            let read = parse_axis(&axis).unwrap().values;
            prop_assert_eq!(read, texts.iter().map(|text| Scalar::text(text)).collect::<Vec<_>>());
        }

        #[test]
        fn no_text_makes_it_panic(text in "[a-c0-9=.,'\"\\[\\]{}()\\\\ é-]{0,24}") {
            if let Ok(axis) = parse_axis(&text) {
                prop_assert!(!axis.values.is_empty());
            }
        }
    }
}
