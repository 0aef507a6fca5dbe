//! What differs between two texts: by line, and within lines by word.

use std::ops::Range;

use similar::{Algorithm, DiffOp, DiffTag, capture_diff_slices, group_diff_ops};

use super::words::plural;

/// Lines of a text that are compared; the rest is left out, and that is said.
const LINES: usize = 20_000;
/// Bytes of a text that are compared.
const BYTES: usize = 4 << 20;
/// Lines that are shown at most.
const ROWS: usize = 5_000;
/// Characters of a line that are shown.
const WIDTH: usize = 2_000;
/// Pieces of a line up to which it is compared by word.
const WORDS: usize = 500;

/// What differs between two texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextDiff {
    /// Lines that the old text has alone.
    pub removed: u64,
    /// Lines that the new text has alone.
    pub added: u64,
    /// Where something differs, in order.
    pub hunks: Vec<Hunk>,
    /// What was left out, and what does not show in lines.
    pub notes: Vec<String>,
}

/// A part of both texts in which something differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// As a unified diff has it: `@@ -1,5 +1,6 @@`.
    pub head: String,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// A line of the old text, of the new one, or one of each beside the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Both are there, and the same.
    pub same: bool,
    /// Of the old text.
    pub old: Option<Side>,
    /// Of the new text.
    pub new: Option<Side>,
}

/// A line of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// Its number, from 1.
    pub line: usize,
    /// Its text, without the line end, in pieces; none is changed where little is the same.
    pub parts: Vec<Part>,
}

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The text.
    pub text: String,
    /// It differs from the line beside it.
    pub changed: bool,
}

/// What differs between two texts, with so many lines that are the same around it; all of them if None.
#[must_use]
pub fn diff(old: &str, new: &str, context: Option<usize>) -> TextDiff {
    let mut found = TextDiff::default();
    let (old_lines, new_lines) = (lines(old, "old", &mut found.notes), lines(new, "new", &mut found.notes));
    if old_lines == new_lines && old != new && found.notes.is_empty() {
        found.notes.push("The texts differ only in whether there is a line end at their end.".into());
    }
    let ops = capture_diff_slices(Algorithm::Myers, &old_lines, &new_lines);
    for op in &ops {
        if op.tag() != DiffTag::Equal {
            found.removed += op.old_range().len() as u64;
            found.added += op.new_range().len() as u64;
        }
    }
    if found.removed + found.added == 0 {
        return found;
    }
    let groups = match context {
        Some(context) => group_diff_ops(ops, context),
        None => vec![ops],
    };
    let mut room = ROWS;
    for ops in &groups {
        if room == 0 {
            break;
        }
        let mut lines = Vec::new();
        for op in ops {
            rows(op, &old_lines, &new_lines, room, &mut lines);
        }
        room -= lines.len();
        found.hunks.push(Hunk { head: head(ops), lines });
    }
    let all: usize = groups.iter().flatten().map(|op| op.old_range().len().max(op.new_range().len())).sum();
    if all > ROWS {
        found.notes.push(format!("Only the first {ROWS} of {} are shown.", plural(all, "line")));
    }
    found
}

/// The lines of a text without their ends, as many as are compared.
fn lines<'a>(text: &'a str, which: &str, notes: &mut Vec<String>) -> Vec<&'a str> {
    let mut end = text.len().min(BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut all: Vec<&str> = text[..end].split('\n').collect();
    // What stands behind the last line end is no line, unless there is something.
    if all.last().is_some_and(|last| last.is_empty()) {
        all.pop();
    }
    if all.len() > LINES || end < text.len() {
        all.truncate(LINES);
        notes.push(format!(
            "The {which} text is large: its first {} are compared, the rest is not.",
            plural(all.len(), "line")
        ));
    }
    all
}

fn head(ops: &[DiffOp]) -> String {
    let span = |of: fn(&DiffOp) -> Range<usize>| {
        let first = ops.first().map_or(0, |op| of(op).start);
        let last = ops.last().map_or(0, |op| of(op).end);
        match last - first {
            // Nothing: behind which line it would be.
            0 => format!("{first},0"),
            1 => (first + 1).to_string(),
            count => format!("{},{count}", first + 1),
        }
    };
    format!("@@ -{} +{} @@", span(DiffOp::old_range), span(DiffOp::new_range))
}

fn rows(op: &DiffOp, old: &[&str], new: &[&str], room: usize, into: &mut Vec<Line>) {
    let (left, right) = (op.old_range(), op.new_range());
    let same = op.tag() == DiffTag::Equal;
    for place in 0..left.len().max(right.len()) {
        if into.len() >= room {
            return;
        }
        let at = |range: &Range<usize>| Some(range.start + place).filter(|line| range.contains(line));
        let (a, b) = (at(&left), at(&right));
        let (of_a, of_b) = match (a, b) {
            (Some(a), Some(b)) if !same => words(old[a], new[b]),
            _ => (a.map_or_else(Vec::new, |a| whole(old[a])), b.map_or_else(Vec::new, |b| whole(new[b]))),
        };
        into.push(Line {
            same,
            old: a.map(|line| Side { line: line + 1, parts: of_a }),
            new: b.map(|line| Side { line: line + 1, parts: of_b }),
        });
    }
}

fn whole(line: &str) -> Vec<Part> {
    shown(vec![Part { text: line.to_owned(), changed: false }])
}

/// Two lines in pieces, of which those are changed that differ.
fn words(old: &str, new: &str) -> (Vec<Part>, Vec<Part>) {
    let (a, b) = (tokens(old), tokens(new));
    if a.len() > WORDS || b.len() > WORDS || old.len().max(new.len()) > WIDTH {
        return (whole(old), whole(new));
    }
    let ops = capture_diff_slices(Algorithm::Myers, &a, &b);
    let equal = |op: &&DiffOp| op.tag() == DiffTag::Equal;
    let kept: usize = ops
        .iter()
        .filter(equal)
        .flat_map(|op| a[op.old_range()].iter())
        .map(|token| token.trim().len())
        .sum();
    // Of lines that have little in common it says nothing which words these are.
    if kept * 4 < old.trim().len().min(new.trim().len()) {
        return (whole(old), whole(new));
    }
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for op in &ops {
        let changed = op.tag() != DiffTag::Equal;
        push(&mut left, &a[op.old_range()], changed);
        push(&mut right, &b[op.new_range()], changed);
    }
    (shown(left), shown(right))
}

fn push(parts: &mut Vec<Part>, tokens: &[&str], changed: bool) {
    if tokens.is_empty() {
        return;
    }
    let text = tokens.concat();
    match parts.last_mut() {
        Some(last) if last.changed == changed => last.text.push_str(&text),
        _ => parts.push(Part { text, changed }),
    }
}

/// A line end of another system is made visible, and what is too long is cut.
fn shown(mut parts: Vec<Part>) -> Vec<Part> {
    if let Some(last) = parts.last_mut()
        && last.text.ends_with('\r')
    {
        last.text.pop();
        last.text.push('␍');
    }
    let mut room = Some(WIDTH);
    for part in &mut parts {
        let Some(left) = room else {
            part.text.clear();
            continue;
        };
        match part.text.char_indices().nth(left) {
            Some((end, _)) => {
                part.text.truncate(end);
                part.text.push('…');
                room = None;
            }
            None => room = Some(left - part.text.chars().count()),
        }
    }
    parts.retain(|part| !part.text.is_empty());
    parts
}

/// Words with their dots, spaces, and every other sign by itself. An exponent’s sign belongs to its number.
fn tokens(line: &str) -> Vec<&str> {
    let mut all = Vec::new();
    let mut chars = line.char_indices().peekable();
    while let Some((start, first)) = chars.next() {
        let word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        let mut before = first;
        while let Some(&(_, next)) = chars.peek() {
            let exponent = matches!(next, '-' | '+') && matches!(before, 'e' | 'E') && first.is_ascii_digit();
            let belongs =
                (word(first) && (word(next) || exponent)) || (first.is_whitespace() && next.is_whitespace());
            if !belongs {
                break;
            }
            before = next;
            chars.next();
        }
        let end = chars.peek().map_or(line.len(), |(end, _)| *end);
        all.push(&line[start..end]);
    }
    all
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;

    fn written(diff: &TextDiff) -> String {
        let mut text = format!("-{} +{}\n", diff.removed, diff.added);
        let parts = |side: &Side| {
            let each = side.parts.iter().map(|part| match part.changed {
                true => format!("[{}]", part.text),
                false => part.text.clone(),
            });
            each.collect::<String>()
        };
        for hunk in &diff.hunks {
            let _ = writeln!(text, "{}", hunk.head);
            for line in &hunk.lines {
                let (old, new) = (line.old.as_ref().map(parts), line.new.as_ref().map(parts));
                let sign = if line.same { ' ' } else { '!' };
                let _ = writeln!(
                    text,
                    "{sign} {} │ {}",
                    old.as_deref().unwrap_or("∅"),
                    new.as_deref().unwrap_or("∅")
                );
            }
        }
        for note in &diff.notes {
            let _ = writeln!(text, "({note})");
        }
        text
    }

    #[test]
    fn configs_are_compared_by_line_and_word() {
        let old = "# base\nlr: 1e-3\nmodel:\n  name: vit_s16\n  depth: 12\nepochs: 100\nseed: 1\nkeep: a\nmore: b\nend: c\n";
        let new = "# base\nlr: 1e-4\nmodel:\n  name: vit_b16\n  depth: 12\n  drop: 0.1\nepochs: 100\nkeep: a\nmore: b\nend: c\n";
        insta::assert_snapshot!(written(&diff(old, new, Some(1))));
    }

    #[test]
    fn what_does_not_show_in_lines_is_said() {
        assert_eq!(diff("a\nb", "a\nb", Some(3)), TextDiff::default());
        assert_eq!(diff("", "", None), TextDiff::default());
        assert!(diff("a\n", "a", Some(3)).notes[0].contains("line end"));
        assert!(written(&diff("a\r\n", "a\n", None)).contains('␍'));
        let added = diff("", "x\ny\n", Some(3));
        assert_eq!((added.hunks[0].head.as_str(), added.removed, added.added), ("@@ -0,0 +1,2 @@", 0, 2));
    }

    #[test]
    fn large_texts_are_bounded_and_that_is_said() {
        let old: String = (0..30_000).map(|line| format!("line {line}\n")).collect();
        let new: String = (0..30_000).map(|line| format!("other {line}\n")).collect();
        let found = diff(&old, &new, Some(3));
        assert_eq!((found.removed, found.added), (20_000, 20_000));
        assert_eq!(found.hunks.iter().map(|hunk| hunk.lines.len()).sum::<usize>(), ROWS);
        assert_eq!(found.notes.len(), 3, "{:?}", found.notes);
        let long = format!("{}\n", "x".repeat(10_000));
        let cut = diff(&long, "y\n", None);
        let text = &cut.hunks[0].lines[0].old.as_ref().expect("the old line").parts[0].text;
        assert_eq!(text.chars().count(), WIDTH + 1);
        assert!(text.ends_with('…'));
    }

    #[test]
    fn numbers_are_words() {
        assert_eq!(
            tokens("lr: 1e-3, f(x.y) "),
            ["lr", ":", " ", "1e-3", ",", " ", "f", "(", "x.y", ")", " "]
        );
        assert_eq!(tokens(""), [""; 0]);
    }

    fn sides(diff: &TextDiff) -> (String, String) {
        let mut texts = (String::new(), String::new());
        for line in diff.hunks.iter().flat_map(|hunk| &hunk.lines) {
            for (side, text) in [(&line.old, &mut texts.0), (&line.new, &mut texts.1)] {
                if let Some(side) = side {
                    text.extend(side.parts.iter().map(|part| part.text.as_str()));
                    text.push('\n');
                }
            }
        }
        texts
    }

    proptest! {
        #[test]
        fn both_texts_can_be_had_again(old in "([a-c ]{0,4}\n){0,9}", new in "([a-c ]{0,4}\n){0,9}") {
            let found = diff(&old, &new, None);
            if old == new {
                prop_assert_eq!(found, TextDiff::default());
            } else {
                prop_assert_eq!(sides(&found), (old.clone(), new.clone()));
                let back = diff(&new, &old, None);
                prop_assert_eq!(old.lines().count() as u64 + found.added, new.lines().count() as u64 + found.removed);
                prop_assert_eq!(sides(&back), (new, old));
            }
        }

        #[test]
        fn hunks_hold_every_change(old in "([a-c]{0,2}\n){0,20}", new in "([a-c]{0,2}\n){0,20}", context in 0_usize..4) {
            let found = diff(&old, &new, Some(context));
            let count = |of: fn(&Line) -> bool| {
                found.hunks.iter().flat_map(|hunk| &hunk.lines).filter(|line| !line.same && of(line)).count() as u64
            };
            prop_assert_eq!(count(|line| line.old.is_some()), found.removed);
            prop_assert_eq!(count(|line| line.new.is_some()), found.added);
        }
    }
}
