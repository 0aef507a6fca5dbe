//! Numbers with names as programs print them, without anybody saying how: `loss=0.5`, `Val loss: 0.5`, `epoch 3 loss
//! 0.5`, `step 12/100 | lr 1e-4`.
//!
//! A name is what stands before its number: up to three words, back to the last number, mark or bracket. A name ends
//! with a letter or digit and begins with a letter; one in quotes is whole (`{'loss': 0.5}`). Not taken are numbers with a letter behind them (`12s`, `0.4G`),
//! parts of times and addresses (`12:30`, `//host:80`), and the percentage before a bar (`45%|███`).

use super::Hit;

/// Which names are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Those with `=` or `:` behind them.
    Marked,
    /// Those with a blank behind them, in lines that say their step, epoch or iteration.
    Bare,
    /// Both.
    Any,
}

/// The words of a name at most.
const MOST_WORDS: usize = 3;
/// A longer name is none.
const LONGEST: usize = 100;
/// Numbers of a line, at most.
const MOST_HITS: usize = 1000;

pub(super) fn find(line: &str, style: Style) -> Vec<Hit> {
    let mut found: Vec<(Hit, bool)> = Vec::new();
    let bytes = line.as_bytes();
    let mut at = 0;
    // Where the words begin that may be a name.
    let mut begin = 0;
    while at < bytes.len() && found.len() < MOST_HITS {
        let Some((value, end)) = number(line, at) else {
            let byte = bytes[at];
            if is_word(byte) || byte >= 0x80 {
                at = word_end(bytes, at);
            } else {
                if !matches!(byte, b' ' | b'\t' | b'=' | b':' | b'\'' | b'"') {
                    begin = at + 1;
                }
                at += 1;
            }
            continue;
        };
        if let Some((key, marked)) = name(&line[begin..at]) {
            let (total, behind) = total(line, end);
            if is_whole(bytes, behind) {
                let hit = Hit { key: key.to_owned(), value, total, at: at..end };
                found.push((hit, marked));
                at = behind;
                begin = behind;
                continue;
            }
        }
        at = end;
        begin = end;
    }
    let has_x = found.iter().any(|(hit, _)| crate::csv::x_rank(&hit.key).is_some());
    found.retain(|(_, marked)| match style {
        Style::Marked => *marked,
        Style::Bare => has_x && !*marked,
        Style::Any => has_x || *marked,
    });
    found.into_iter().map(|(hit, _)| hit).collect()
}

/// Bytes of words beside letters: they stand within names.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'/' | b'.' | b'@' | b'-' | b'+')
}

fn word_end(bytes: &[u8], at: usize) -> usize {
    let rest = bytes[at..].iter().take_while(|&&byte| is_word(byte) || byte >= 0x80).count();
    at + rest.max(1)
}

/// The number that begins there, and where it ends.
fn number(line: &str, at: usize) -> Option<(f64, usize)> {
    let rest = &line.as_bytes()[at..];
    let sign = usize::from(matches!(rest.first(), Some(b'-' | b'+')));
    let unsigned = &rest[sign..];
    for word in ["nan", "infinity", "inf"] {
        let head = unsigned.get(..word.len());
        if head.is_some_and(|head| head.eq_ignore_ascii_case(word.as_bytes())) {
            let end = sign + word.len();
            let ends = rest.get(end).is_none_or(|&byte| !is_word(byte) || byte == b'.');
            return ends.then(|| Some((line[at..at + end].parse().ok()?, at + end))).flatten();
        }
    }
    let digits = |from: usize| rest[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits(sign);
    let mut end = sign + whole;
    if rest.get(end) == Some(&b'.') {
        let behind = digits(end + 1);
        if whole + behind == 0 {
            return None;
        }
        // A full stop at the end of a sentence.
        if behind > 0 || rest.get(end + 1).is_some_and(u8::is_ascii_alphabetic) {
            end += 1 + behind;
        }
    } else if whole == 0 {
        return None;
    }
    if matches!(rest.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(rest.get(end + 1), Some(b'-' | b'+')));
        let power = digits(end + 1 + sign);
        if power > 0 {
            end += 1 + sign + power;
        }
    }
    Some((line.get(at..at + end)?.parse().ok()?, at + end))
}

/// What stands behind a slash, and where the whole ends.
fn total(line: &str, end: usize) -> (Option<f64>, usize) {
    let bytes = line.as_bytes();
    if bytes.get(end) == Some(&b'/')
        && bytes.get(end + 1).is_some_and(u8::is_ascii_digit)
        && let Some((total, behind)) = number(line, end + 1)
    {
        return (Some(total), behind);
    }
    (None, end)
}

/// Whether what ends there is a number by itself.
fn is_whole(bytes: &[u8], end: usize) -> bool {
    let next = |at: usize| bytes.get(at).copied();
    match next(end) {
        None | Some(b' ' | b'\t' | b',' | b';' | b'|' | b')' | b']' | b'}' | b'>') => true,
        Some(b'%') => !matches!(next(end + 1), Some(b'|')),
        // A full stop, or `step 3: loss 0.5`.
        Some(b'.' | b':') => next(end + 1).is_none_or(|byte| byte == b' '),
        _ => false,
    }
}

/// The name at the end of what stands before a number, and whether there is a mark behind it.
fn name(before: &str) -> Option<(&str, bool)> {
    let trimmed = before.trim_end_matches([' ', '\t']);
    let unmarked = trimmed.trim_end_matches(['=', ':']);
    let marks = trimmed.len() - unmarked.len();
    // Nothing at all between a name and its number is one word: `v2`.
    if marks > 1 || marks == 0 && trimmed.len() == before.len() {
        return None;
    }
    let name = unmarked.trim_end_matches([' ', '\t']);
    // `'loss': 0.5`, as Python prints a dictionary.
    if let Some(quote) = name.chars().next_back().filter(|last| ['\'', '"'].contains(last)) {
        let inside = &name[..name.len() - 1];
        let key = &inside[inside.rfind(quote)? + 1..];
        return (marks == 1 && !key.is_empty() && key.len() <= LONGEST).then_some((key, true));
    }
    // What stands before a mark within is of something else: `INFO: loss 3`, `time=now loss=3`.
    let name = name.rsplit(['=', ':']).next().unwrap_or(name).trim_start();
    // Where the name begins that has been found so far, and where the word that is looked at ends.
    let (mut begin, mut end, mut words) = (name.len(), name.len(), 0);
    for word in name.rsplit([' ', '\t']) {
        // Two blanks stand between things that have nothing to do with each other.
        if words == MOST_WORDS
            || word.is_empty()
            || !word.starts_with(|c: char| c.is_alphabetic() || c == '_')
        {
            break;
        }
        begin = end - word.len();
        end = begin.saturating_sub(1);
        words += 1;
        // `INFO step 3`: the step is called `step`.
        if crate::csv::x_rank(word).is_some() {
            break;
        }
    }
    let name = &name[begin..];
    let ends = name.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '@'));
    (words > 0 && ends && name.len() <= LONGEST).then_some((name, marks == 1))
}
