//! The search held against a plain one: each line is taken by itself, what is not seen is taken out of it with the
//! window's expression, and the rest is asked whether it matches.

use proptest::prelude::*;
use regex::{Regex, RegexBuilder};

use super::lines::tests::UNSEEN;
use super::probe::{Probes, demands};
use super::scan::DENSE;
use super::tests::{Memory, look};
use super::*;

/// What of a log is found: where the line is, what is seen of it, and whether it has no end yet.
#[derive(Debug, PartialEq)]
struct Plain {
    offset: u64,
    end: u64,
    text: String,
    open: bool,
}

/// The lines of a log that match, one by one.
fn plainly(log: &[u8], expression: &Regex) -> Vec<Plain> {
    let unseen = Regex::new(UNSEEN).expect("an expression");
    let mut end = 0;
    let lines = log.split_inclusive(|byte| *byte == b'\n').filter_map(|line| {
        let offset = end;
        end += line.len() as u64;
        let open = line.last() != Some(&b'\n');
        let written = line.strip_suffix(b"\n").unwrap_or(line);
        let state = written.split(|byte| *byte == b'\r').rfind(|state| !state.is_empty()).unwrap_or_default();
        let text = unseen.replace_all(&String::from_utf8_lossy(state), "").into_owned();
        let shown = !open || !state.is_empty();
        (shown && expression.is_match(&text)).then_some(Plain { offset, end, text, open })
    });
    lines.collect()
}

/// Pieces of lines: what people see, and what they do not, whole or not.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let text = prop::sample::select(vec![
        "l", "o", "s", "loss", "loss=", "=", "9", "0.9", ".", " ", "e", "error", "ERROR", "needle", "A1",
        "ABCDE12", "é", "\u{2588}", "k", "K", "\u{212a}", "\u{17f}", "\t", "\u{fffd}", "日本",
    ]);
    let unseen = prop::sample::select(vec![
        &b"\x1b[31m"[..],
        b"\x1b[0m",
        b"\x1b[1;36m",
        b"\x1b[38;5",
        b"\x1b[",
        b"\x1b",
        b"\x1b]0;loss",
        b"\x07",
        b"\x1b\\",
        b"\x1b]8;;file:///loss\x1b\\",
        b"\x1bP",
        b"\x1b7",
        b"\x1b(B",
        b"\x1b ",
        b"\x08",
        b"\x7f",
        b"\0",
        b"\x1b[K",
        b"\x1b[?25l",
        b"\x1b[m\x1b[m",
    ]);
    let odd = prop::sample::select(vec![&b"\xc3"[..], b"\xa9", b"\xff", b"\xe2\x96", b"\r", b"\r", b"\r\r"]);
    prop_oneof![
        6 => text.prop_map(|text| text.as_bytes().to_vec()),
        4 => unseen.prop_map(<[u8]>::to_vec),
        1 => odd.prop_map(<[u8]>::to_vec),
    ]
}

fn a_line() -> impl Strategy<Value = Vec<u8>> {
    let parts = |most: usize| prop::collection::vec(soup(), 0..most).prop_map(|parts| parts.concat());
    prop_oneof![
        // What most of a log is: nothing of interest, in colours.
        4 => (1_usize..40).prop_map(|length| [b"\x1b[2m", "zy ".repeat(length).as_bytes(), b"\x1b[0m"].concat()),
        4 => parts(12),
        1 => parts(80),
        // A bar that is drawn again and again.
        1 => prop::collection::vec(parts(6), 1..8).prop_map(|states| states.join(&b'\r')),
    ]
}

fn a_log() -> impl Strategy<Value = Vec<u8>> {
    let end = prop_oneof![8 => Just(&b"\n"[..]), 1 => Just(&b"\r\n"[..])];
    let lines = prop::collection::vec((a_line(), end), 0..30);
    (lines, prop::option::weighted(0.3, a_line())).prop_map(|(lines, open)| {
        let mut log: Vec<u8> =
            lines.into_iter().flat_map(|(line, end)| [line, end.to_vec()].concat()).collect();
        log.extend(open.unwrap_or_default());
        log
    })
}

/// Expressions that people write, and others that are put together.
fn an_expression() -> impl Strategy<Value = String> {
    let written = prop::sample::select(vec![
        "",
        "loss",
        "loss=0.9",
        r"loss=9\.[0-9]{2}",
        "^loss",
        "9$",
        "^$",
        r"\bloss\b",
        r"\Berror",
        "[A-Z]{5,}[0-9]+",
        "(loss|error)=?",
        "loss|error|needle|ABC|k9",
        "(?:lo|er)(?:ss|ror)",
        r"\d+\.\d",
        "l.*9",
        "[^a-z]9",
        r"\x1b",
        "31",
        "[K]9",
        "é=",
        "日本",
        "\u{fffd}",
        "\u{fffd}9",
        "s\u{2588}",
        "file",
        r"\s9",
        "=+0",
        "(?:needle){2}",
        "s{2}",
        "s{2,3}=",
        "x{0}loss",
        "a?loss",
        "(?-i:loss)e",
        r"(?m)^error$",
        r"(?s)s.e",
        r"e\ne",
        "(a|)9",
        "[a-z]{3}[0-9]",
        r"\pL9",
        "m",
        "k",
        "error|\u{2588}|9\u{17f}",
        "one|two|three|four|five|six|seven|eight|nine",
        "[0-9]e|[A-Z]1|[a-c]9|[x-z] |l[n-p]s",
        "[l-o]+s+=|(?:er)+o",
        "0;",
        r"\[",
        "zy",
        "[a-z] {2}|8",
    ]);
    let atom = prop::sample::select(vec![
        "l",
        "o",
        "s",
        "ss",
        "loss",
        "=",
        "9",
        r"\.",
        "é",
        " ",
        "ERROR",
        "e",
        "[0-9]",
        "[a-z]",
        "[A-Z]",
        r"\w",
        r"\d",
        ".",
        "k",
        "[so]",
        r"\b",
        "^",
        "$",
        "(?:l|é)",
        "(?:lo|er)",
        "[^9]",
        "\u{2588}",
    ]);
    let often = prop::sample::select(vec!["", "", "", "", "+", "{2}", "{1,2}", "?", "*"]);
    let row = prop::collection::vec((atom, often), 1..5).prop_map(|row| {
        row.into_iter().map(|(atom, often)| format!("(?:{atom}){often}")).collect::<String>()
    });
    prop_oneof![
        written.prop_map(str::to_owned),
        prop::collection::vec(row, 1..3).prop_map(|rows| rows.join("|"))
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn the_same_lines_are_found_as_plainly(
        log in a_log(), text in an_expression(), case: bool, piece in 1_usize..2_000, block in 1_usize..3_000,
        turns in prop::option::weighted(0.1, 1_u64..40),
    ) {
        let expression = RegexBuilder::new(&text).case_insensitive(!case).build().expect("an expression");
        let mut matcher = Matcher::new(&Pattern { text, regex: true, case }).expect("an expression");
        if let Some(scan) = &mut matcher.scan {
            scan.piece = piece;
        }
        let mut memory = Memory { log: &log, oldest: 0, piece: block, turns };
        if turns.is_some() {
            // Of one stream it is known what one call finds that has all of it at once.
            let whole = Memory { piece: usize::MAX, ..memory };
            let one = search(&mut { whole }, &matcher, Request { limit: usize::MAX, ..Request::default() }, |_| true)?;
            let many = search(&mut memory, &matcher, Request { limit: usize::MAX, ..Request::default() }, |_| true)?;
            prop_assert_eq!(one.found, many.found);
            return Ok(());
        }
        let expected = plainly(&log, &expression);
        let found = search(&mut memory, &matcher, Request { limit: usize::MAX, ..Request::default() }, |_| true)?;
        let plain = |found: Found| Plain { offset: found.offset, end: found.end, text: found.text, open: found.open };
        prop_assert_eq!(found.found.into_iter().map(plain).collect::<Vec<_>>(), &expected[..]);
        let counted = search(&mut memory, &matcher, Request::default(), |_| true)?;
        prop_assert_eq!(counted.count, expected.iter().filter(|line| !line.open).count() as u64);
        prop_assert_eq!(counted.open, expected.iter().any(|line| line.open));
    }

    /// Whatever is looked for: which bytes these are depends on the part of the log that is asked.
    #[test]
    fn no_line_that_matches_is_passed(mut log in a_log(), part in a_log(), text in an_expression(), case: bool) {
        log.push(b'\n');
        let expression = RegexBuilder::new(&text).case_insensitive(!case).build().expect("an expression");
        let parsed = regex_syntax::ParserBuilder::new().case_insensitive(!case).build().parse(&text);
        let demanded = demands(&parsed.expect("an expression"));
        let Some((probes, _)) = Probes::pick(&demanded, &part) else { return Ok(()) };
        let mut places = Vec::new();
        let _ = probes.places(&log, |place| {
            places.push(place as u64);
            ControlFlow::<(), usize>::Continue(place + 1)
        });
        for line in plainly(&log, &expression) {
            let passed = !places.iter().any(|place| (line.offset..line.end).contains(place));
            prop_assert!(!passed, "{:?} matches, and only {:?} was found by {:?}", line, places, probes);
        }
    }
}

#[test]
fn what_stands_between_is_looked_through_where_it_is_worth_it() {
    let line = "\x1b[2m12:00\x1b[0m \x1b[32mINFO\x1b[0m \x1b[33mloss\x1b[0m=\x1b[36m0.25\x1b[0m\n";
    let log = line.repeat(2_000) + "l\x1b[1mo\x1b[0ms\x1b]8;;x\x1b\\s=9.\x1b[7m5\x1b[m\n" + &line.repeat(10);
    for (text, found, worth) in [
        (r"loss=9\.[0-9]", 1, true),
        ("LOSS=9", 0, true),
        ("(?i)LOSS=9", 1, true),
        (r"\d:\d\d INFO l", 2_010, true),
        ("[2-9]+", 2_011, false),
        ("^$", 0, false),
    ] {
        let pattern = Pattern { text: text.into(), regex: true, case: true };
        let matcher = Matcher::new(&pattern).expect("an expression");
        assert_eq!(look(log.as_bytes(), &matcher, Request::default()).count, found, "{text}");
        let demands = &matcher.scan.as_ref().expect("many lines at once").demands;
        let rare = Probes::pick(demands, log.as_bytes()).is_some_and(|(_, count)| count <= log.len() / DENSE);
        assert_eq!(rare, worth, "{text}: is it worth to look for some bytes of it");
    }
}
