//! What is quoted of a log: its last line, plain, short, and without secrets.

use crate::experiment::is_secret_name;
use crate::secrets::{MASK, mask_text};

/// Characters that a quoted line has at most.
pub const LINE_MAX: usize = 240;

/// The last line that says something, of the end of a log: without colours, cursor movements and other control
/// characters; of a line that was written over (by carriage returns), what stands at the end; without secrets (see
/// [`mask`]), and then cut at [`LINE_MAX`], so that none is cut before it is known.
#[must_use]
pub fn quote(end_of_log: &str, known: &[&str]) -> Option<String> {
    let plain = strip(end_of_log);
    let line = plain
        .rsplit('\n')
        .map(|line| line.rsplit('\r').find(|part| !part.trim().is_empty()).unwrap_or("").trim())
        .find(|line| !line.is_empty())?;
    Some(cut(&mask(line, known)))
}

fn cut(line: &str) -> String {
    if line.chars().count() <= LINE_MAX {
        return line.to_owned();
    }
    let mut short: String = line.chars().take(LINE_MAX - 1).collect();
    short.push('…');
    short
}

/// Without escape sequences (ECMA-48: CSI, OSC and the other strings, and two-byte ones) and control characters, save
/// line feed, carriage return and tab.
fn strip(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\x1b' => match chars.next() {
                Some('[') => {
                    // Parameters and intermediates up to a final byte.
                    while let Some(c) = chars.next_if(|c| ('\x20'..='\x3f').contains(c)) {
                        let _ = c;
                    }
                    let _ = chars.next_if(|c| ('\x40'..='\x7e').contains(c));
                }
                Some(']' | 'P' | 'X' | '^' | '_') => {
                    // Up to BEL or ST, but not beyond the line: one that is cut off must not swallow the rest.
                    while let Some(c) = chars.next_if(|c| *c != '\n') {
                        if c == '\x07' {
                            break;
                        }
                        if c == '\x1b' {
                            let _ = chars.next_if(|c| *c == '\\');
                            break;
                        }
                    }
                }
                _ => {}
            },
            '\n' | '\r' | '\t' => plain.push(c),
            c if c.is_control() => {}
            c => plain.push(c),
        }
    }
    plain
}

/// The same text with what looks like a secret masked: values of the job's own secret variables (`known`), what
/// [`mask_text`] knows by its form, and what is found in logs besides: bearer tokens, names and values with a sign between
/// them, tokens by their well-known heads, and queries of addresses.
#[must_use]
pub fn mask(text: &str, known: &[&str]) -> String {
    let mut text = text.to_owned();
    for value in known.iter().filter(|value| value.len() >= 6) {
        text = text.replace(value, MASK);
    }
    let text = mask_text(&text);
    let mut masked = String::with_capacity(text.len());
    let (mut after_name, mut named) = (false, false);
    for piece in pieces(&text) {
        if piece.chars().all(char::is_whitespace) {
            masked.push_str(piece);
            continue;
        }
        // “token = abc”: a sign of its own between name and value.
        if named && matches!(piece, "=" | ":" | "=>") {
            masked.push_str(piece);
            after_name = true;
            continue;
        }
        let (word, next) = mask_word(piece, after_name);
        masked.push_str(&word);
        (after_name, named) = (next, names_a_secret(piece));
    }
    masked
}

/// Words and the spaces between them, in order.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let space = first.is_whitespace();
        let end = rest.find(|c: char| c.is_whitespace() != space).unwrap_or(rest.len());
        let (piece, more) = rest.split_at(end);
        rest = more;
        Some(piece)
    })
}

/// A word, masked if it is a secret, and whether the next word is one by its name.
fn mask_word(word: &str, after_name: bool) -> (String, bool) {
    if word.contains(MASK) {
        // It was known by its form.
        return (word.to_owned(), false);
    }
    let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
    if after_name && !bare.is_empty() {
        // “Authorization: Bearer abc”: the word between names the kind of secret.
        if ["bearer", "basic", "token"].contains(&bare.to_ascii_lowercase().as_str()) {
            return (word.to_owned(), true);
        }
        return (MASK.into(), false);
    }
    if after_name {
        // A sign between name and value, as in “token = abc”.
        return (word.to_owned(), true);
    }
    // “Authorization:” names a secret, and what comes next may only name its kind.
    if word.ends_with(':') && names_a_secret(word) {
        return (word.to_owned(), true);
    }
    if bare.eq_ignore_ascii_case("bearer") {
        return (word.to_owned(), true);
    }
    if looks_like_token(bare) {
        return (word.replace(bare, MASK), false);
    }
    (mask_query(word), false)
}

fn names_a_secret(name: &str) -> bool {
    let name = name.trim_matches(|c: char| !c.is_alphanumeric()).replace(['-', ' '], "_");
    is_secret_name(&name) || name.eq_ignore_ascii_case("authorization") || name.eq_ignore_ascii_case("pwd")
}

/// Tokens of well-known services by their heads.
fn looks_like_token(word: &str) -> bool {
    const HEADS: [&str; 14] = [
        "sk-",
        "hf_",
        "ghp_",
        "gho_",
        "ghs_",
        "github_pat_",
        "glpat-",
        "xoxb-",
        "xoxp-",
        "xoxa-",
        "AKIA",
        "ASIA",
        "eyJ",
        "pypi-",
    ];
    word.len() >= 16 && HEADS.iter().any(|head| word.starts_with(head))
}

/// An address without its query: `https://host/path?•••`.
fn mask_query(word: &str) -> String {
    match word.split_once('?') {
        Some((path, _)) if path.contains("://") => format!("{path}?{MASK}"),
        _ => word.to_owned(),
    }
}

/// An address for people to see: scheme and host alone, since the path of a webhook often is its secret.
#[must_use]
pub fn address(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return MASK.into() };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    match authority.len() == rest.len() && host == authority {
        true => format!("{scheme}://{host}"),
        false => format!("{scheme}://{host}/{MASK}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_last_line_is_the_one_that_a_person_sees() {
        for (log, line) in [
            ("a\nb\n", Some("b")),
            ("a\n\n  \n", Some("a")),
            ("", None),
            ("\x1b[2J\x1b[1;31mValueError:\x1b[0m no data\n", Some("ValueError: no data")),
            ("epoch 1\r 10 %\r 90 %\r\n", Some("90 %")),
            ("epoch 1\r 10 %\r 90 %", Some("90 %")),
            ("\x1b]0;title\x07done", Some("done")),
            ("x\x1b]0;never ends\nlast", Some("last")),
            ("bell\x07 and nul\0", Some("bell and nul")),
        ] {
            assert_eq!(quote(log, &[]).as_deref(), line, "{log:?}");
        }
        let straddles = format!("{} sesame-opens-9911", "x ".repeat(115));
        assert!(
            !quote(&straddles, &["sesame-opens-9911"]).expect("a line").contains("sesame"),
            "cut, but not through"
        );
        let long = quote(&"é".repeat(1000), &[]).expect("a line");
        assert_eq!(long.chars().count(), LINE_MAX);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn secrets_are_masked_and_other_words_are_not() {
        for (text, masked) in [
            ("loss: 0.31 at step 12", "loss: 0.31 at step 12"),
            ("WANDB_API_KEY=abcdef1234 set", "WANDB_API_KEY=••• set"),
            ("password: hunter2, bye", "password: ••• bye"),
            ("token = abc123", "token = •••"),
            ("--api-key abc123 --lr 0.1", "--api-key ••• --lr 0.1"),
            ("Authorization: Bearer abc.def", "Authorization: Bearer •••"),
            ("bearer abc", "bearer •••"),
            ("using hf_abcdefghijklmnop.", "using •••."),
            ("https://me:pw@host/x failed", "https://me:•••@host/x failed"),
            ("GET https://host/x?sig=abc", "GET https://host/x?•••"),
            ("see https://host/x", "see https://host/x"),
            ("C:\\temp 12:30:01", "C:\\temp 12:30:01"),
            ("a mysecretvalue b", "a ••• b"),
        ] {
            assert_eq!(mask(text, &["mysecretvalue", "b"]), masked, "{text}");
        }
    }

    #[test]
    fn addresses_show_where_they_lead_and_no_more() {
        for (url, shown) in [
            ("https://hooks.example.com/services/T0/B1/xyz", "https://hooks.example.com/•••"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("https://user:pw@host", "https://host/•••"),
            ("nonsense", "•••"),
        ] {
            assert_eq!(address(url), shown);
        }
    }

    proptest! {
        #[test]
        fn a_known_secret_never_shows(
            before in "[a-z ]{0,30}", secret in "[A-Z0-9]{8,20}", after in "[a-z ]{0,30}"
        ) {
            let text = format!("{before}{secret}{after}");
            prop_assert!(!mask(&text, &[&secret]).contains(&secret));
            let named = format!("{before} MY_TOKEN={secret} {after}");
            prop_assert!(!mask(&named, &[]).contains(&secret));
        }

        #[test]
        fn a_quoted_line_is_one_plain_short_line(log in "\\PC{0,400}|[\\x00-\\x7f]{0,400}") {
            if let Some(line) = quote(&log, &[]) {
                prop_assert!(!line.contains(['\n', '\r', '\x1b']));
                prop_assert!(!line.trim().is_empty());
                prop_assert!(line.chars().count() <= LINE_MAX);
            }
        }
    }
}
