use std::convert::Infallible;

use proptest::prelude::*;

use super::*;

/// A log in memory that is handed out in small pieces, with every so many bytes of one stream and then of the other.
#[derive(Clone, Copy)]
pub(super) struct Memory<'a> {
    pub log: &'a [u8],
    pub oldest: u64,
    pub piece: usize,
    pub turns: Option<u64>,
}

impl Source for Memory<'_> {
    type Error = Infallible;

    fn bounds(&mut self) -> Result<(u64, u64), Infallible> {
        Ok((self.oldest, self.log.len() as u64))
    }

    fn read(&mut self, from: u64, max: usize, into: &mut Block) -> Result<(), Infallible> {
        let start = from.clamp(self.oldest, self.log.len() as u64);
        let from = usize::try_from(start).expect("small");
        let piece = &self.log[from..(from + max.min(self.piece)).min(self.log.len())];
        *into = Block { start, next: start + piece.len() as u64, ..Block::default() };
        let mut before = false;
        for (index, byte) in piece.iter().enumerate() {
            let offset = start + index as u64;
            let wanted = self.turns.is_none_or(|turn| (offset / turn).is_multiple_of(2));
            if wanted {
                let at = into.bytes.len();
                match into.parts.last_mut().filter(|_| before) {
                    Some((_, part)) => part.end += 1,
                    None => into.parts.push((offset, at..at + 1)),
                }
                into.bytes.push(*byte);
            }
            before = wanted;
        }
        Ok(())
    }
}

fn memory(log: &[u8]) -> Memory<'_> {
    Memory { log, oldest: 0, piece: usize::MAX, turns: None }
}

fn words(text: &str) -> Matcher {
    Matcher::new(&Pattern { text: text.into(), regex: false, case: false }).expect("plain text")
}

fn all(limit: usize) -> Request {
    Request { limit, ..Request::default() }
}

pub(super) fn look(log: &[u8], matcher: &Matcher, request: Request) -> Outcome {
    search(&mut memory(log), matcher, request, |_| true).expect("infallible")
}

#[test]
fn what_is_seen_is_what_matches() {
    for (log, wanted, expected) in [
        ("one\ntwo\n", "TWO", Some("two")),
        ("one\r\ntwo\r\n", "two", Some("two")),
        ("10 %\r50 %\r100 %\ndone", "50", None),
        ("10 %\r50 %\r100 %\ndone", "100", Some("100 %")),
        ("10 %\r50 %\r", "50", Some("50 %")),
        ("10 %\r50 %\r", "10", None),
        ("lo\x1b[31mss\x1b[0m 1", "loss 1", Some("loss 1")),
        ("\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\", "example", None),
        ("\x1b]0;a title\x07text", "text", Some("text")),
        ("bell\x07 and back\x08space", "bell and backspace", Some("bell and backspace")),
        ("STRASSE Ä", "ä", Some("STRASSE Ä")),
        ("a.b", "a.b", Some("a.b")),
        ("axb", "a.b", None),
    ] {
        let outcome = look(log.as_bytes(), &words(wanted), all(10));
        let found: Vec<&str> = outcome.found.iter().map(|found| found.text.as_str()).collect();
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{wanted:?} in {log:?}");
    }
    let invalid = look(b"bad \xff\xfe bytes", &words("\u{fffd} bytes"), all(1));
    assert_eq!(invalid.found[0].text, "bad \u{fffd}\u{fffd} bytes");
}

#[test]
fn a_match_has_its_place_in_the_log_and_in_the_line() {
    let log = "first\n🔥 \x1b[1mloss\x1b[0m loss\nlast loss";
    let outcome = look(log.as_bytes(), &words("loss"), all(10));
    let [hot, last] = outcome.found.as_slice() else { panic!("two lines match: {outcome:?}") };
    assert_eq!((hot.offset, hot.line, hot.open), (6, Some(1), false));
    assert_eq!(&log[usize::try_from(hot.end).expect("small")..], "last loss");
    assert_eq!(hot.ranges, [3..7, 8..12], "counted in UTF-16 code units");
    assert!(last.open, "the last line has no end yet");
    assert_eq!((outcome.count, outcome.open), (1, true));
    assert_eq!((outcome.next, outcome.done), (last.offset, true), "the last line is looked at again");
}

#[test]
fn the_limit_ends_it_between_two_lines() {
    let log = b"a1\na2\nb\na3\n";
    let first = look(log, &words("a"), all(2));
    assert_eq!((first.count, first.next, first.done), (2, 6, false));
    let second = look(log, &words("a"), Request { from: Some(first.next), ..all(2) });
    assert_eq!((second.count, second.found[0].offset, second.done), (1, 8, true));
    let back = look(log, &words("a"), Request { backwards: true, from: Some(8), ..all(1) });
    assert_eq!((back.found[0].text.as_str(), back.next, back.done), ("a2", 3, false));
}

#[test]
fn a_line_that_is_too_long_is_cut_and_said_to_be() {
    let mut log = vec![b'x'; LINE_MAX];
    log.extend_from_slice(b"needle\nneedle\n");
    let outcome = look(&log, &words("needle"), all(10));
    assert_eq!((outcome.count, outcome.cut), (1, 1));
    let long = look(&log, &words("x"), all(1));
    assert!(
        long.found[0].cut && long.found[0].text.len() <= TEXT_MAX && long.found[0].ranges.len() <= RANGES_MAX
    );
    // A carriage return begins it anew, and a bar that was redrawn for hours is not long.
    log.insert(LINE_MAX, b'\r');
    assert_eq!(look(&log, &words("needle"), all(10)).count, 2);
}

#[test]
fn the_text_of_a_long_line_is_that_around_its_match() {
    let line = format!("{}needle{}", "é".repeat(5_000), "y".repeat(9_000));
    let found = look(line.as_bytes(), &words("needle"), all(1)).found.remove(0);
    assert_eq!((found.ranges.len(), found.ranges[0].clone()), (1, 5_000..5_006));
    let place = found.ranges[0].start - found.text_start;
    assert_eq!(&found.text[found.text.find("needle").expect("in sight")..][..6], "needle");
    assert_eq!(found.text.chars().skip(place).take(6).collect::<String>(), "needle");
}

#[test]
fn a_bad_expression_is_told_with_its_place() {
    let fault = |text: &str| {
        let pattern = Pattern { text: text.into(), regex: true, case: true };
        Matcher::new(&pattern).map(|_| ()).expect_err("it can't be used").to_string()
    };
    insta::assert_snapshot!(
        ["a(b", "é[z-a]", "*", r"a\q", r"\w{1000}{1000}", "(?P<n>a)(?P<n>b)", &"a".repeat(5_000)].map(fault).join("\n"),
        @r"
    unclosed group (at character 2)
    invalid character class range, the start must be <= the end (at character 3)
    repetition operator missing expression (at character 1)
    unrecognized escape sequence (at character 2)
    the expression is too large; repeat less in it
    duplicate capture group name (at character 13)
    the pattern is longer than 4096 bytes
    "
    );
}

#[test]
fn it_ends_between_blocks_and_can_be_gone_on_with() {
    let line = format!("{}\n", "a line of a log that is not short ".repeat(3));
    let log = line.repeat(4 * BLOCK / line.len());
    for backwards in [false, true] {
        let (mut lines, mut calls, mut from) = (0, 0, None);
        loop {
            let request = Request { from, backwards, ..Request::default() };
            let outcome =
                search(&mut memory(log.as_bytes()), &words("log"), request, |_| false).expect("infallible");
            assert!(outcome.scanned <= BLOCK as u64, "one block for each call");
            lines += outcome.count;
            calls += 1;
            from = Some(outcome.next);
            if outcome.done {
                break;
            }
        }
        assert_eq!((lines, calls > 3), ((log.len() / line.len()) as u64, true), "backwards: {backwards}");
    }
}

fn a_log() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        Just(b"a".to_vec()),
        Just(b"b c".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"\r".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\x1b[31m".to_vec()),
        Just("日🔥".as_bytes().to_vec()),
        Just(b"\xff".to_vec()),
        Just(b"a\n".to_vec()),
    ];
    prop::collection::vec(part, 0..60).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn cuts_at_arbitrary_places_give_the_same(
        log in a_log(), piece in 1_usize..9, turns in prop::option::of(1_u64..7), oldest in 0_u64..20,
        stop in 0_usize..5, backwards: bool, limit in 0_usize..4,
    ) {
        let oldest = oldest.min(log.len() as u64);
        let matcher = words("a");
        let request = Request { backwards, limit: if limit == 0 { 0 } else { usize::MAX }, ..Request::default() };
        let whole = search(&mut Memory { log: &log, oldest, piece: usize::MAX, turns }, &matcher, request, |_| true)?;
        // In small pieces, with few matches at a time, and stopped now and then.
        let mut pieces = Memory { log: &log, oldest, piece, turns };
        let (mut found, mut count, mut from, mut asked) = (Vec::new(), 0, None, 0);
        let (open, next) = loop {
            let part = search(&mut pieces, &matcher, Request { from, limit, ..request }, |_| {
                asked += 1;
                asked % (stop + 1) != 0
            })?;
            count += part.count;
            found.extend(part.found);
            prop_assert!(part.done || from != Some(part.next), "each call comes further");
            from = Some(part.next);
            if part.done {
                break (part.open, part.next);
            }
        };
        prop_assert_eq!(count, whole.count);
        if !backwards {
            prop_assert_eq!((open, next), (whole.open, whole.next));
        }
        // Line numbers are counted from where each call began.
        let plain = |found: Vec<Found>| {
            let mut lines: Vec<Found> = found.into_iter().map(|found| Found { line: None, ..found }).collect();
            lines.dedup();
            lines
        };
        prop_assert_eq!(plain(found), plain(whole.found));
    }

    #[test]
    fn backwards_finds_the_mirror_of_forwards(
        log in a_log(), piece in 1_usize..9, turns in prop::option::of(1_u64..7), low in 0_u64..30, high in 0_u64..90,
    ) {
        let matcher = words("a");
        let mut memory = Memory { log: &log, oldest: 0, piece, turns };
        let request = Request { limit: usize::MAX, ..Request::default() };
        let there = search(&mut memory, &matcher, Request { from: Some(low), to: Some(high), ..request }, |_| true)?;
        let back = Request { from: Some(high), to: Some(low), backwards: true, ..request };
        let back = search(&mut memory, &matcher, back, |_| true)?;
        let mut mirror = back.found;
        mirror.reverse();
        let lines = |found: &[Found]| found.iter().map(|it| (it.offset, it.end, it.ranges.clone())).collect::<Vec<_>>();
        prop_assert_eq!(lines(&mirror), lines(&there.found));
        prop_assert_eq!(back.count, there.count);
    }

    /// Many lines at once give what each line by itself gives.
    #[test]
    fn many_lines_at_once_match_as_each_by_itself(
        log in a_log(), limit in 0_usize..2, case: bool,
        pattern in prop::sample::select(vec![
            "", "a", "^", "$", "^$", r"\s", r"[^a]", r"(?s)a.b", r"a\nb", r"\Aa", r"a\z", r"\bb\b", r"\B", ".", r"a*",
            "b c", r"(?m)^b", r"(?R)a$", "\u{fffd}", r"\P{Han}", "日", "A|C", "a{2,}", r"\x1b", r"31", r"\w\s+\w",
        ]),
    ) {
        let matcher = Matcher::new(&Pattern { text: pattern.into(), regex: true, case }).expect("an expression");
        let mut single = matcher.clone();
        prop_assert!(single.scan.take().is_some(), "{pattern} can be looked for in many lines");
        let request = Request { limit: if limit == 0 { 0 } else { usize::MAX }, ..Request::default() };
        prop_assert_eq!(look(&log, &matcher, request), look(&log, &single, request));
    }
}
