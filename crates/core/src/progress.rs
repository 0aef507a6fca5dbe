//! How far a job has come, read from the end of its log.
//!
//! For display only. Nothing is decided by it: whether a job ended, and how, is known from its exit status.
//!
//! What is looked for in each line (a carriage return ends a line too; ANSI escape sequences are passed over):
//! - an **epoch counter**: `epoch 3/12`, `Epoch [3/12]`, `Epoch 3 of 12`, `epoch=3/12`; a line that begins like
//!   Ultralytics' and YOLOv5's, `3/12  2.43G`; a tqdm bar called epochs, `Epochs: 25%|██  | 3/12`;
//! - a **step counter**: the same after `step`, `steps`, `global_step`, `iter`, `iters`, `iteration`, `iterations`,
//!   `batch`, and the second bracket of `Epoch(train) [3][50/391]`;
//! - a **bar**: tqdm's `73%|███▊ | 412/563 [00:10<00:03]`, Keras' `412/563 [====>...]` and `412/563 ━━━━` at the
//!   start of a line;
//! - a **percentage**, when it leads its line or is called progress, done, complete, completed or finished (`73%`,
//!   `[ 73%] …`, `Progress: 73%`, `73% done`). Others are accuracies and GPU loads;
//! - a **count without a total**: `step 1200`, `step=1200`, `epoch 3`, tqdm's `412it [`.
//!
//! Which one is told:
//! - Of each kind the last one counts.
//! - An epoch counter outranks everything. A bar or step counter on its line or below tells how much of that epoch is
//!   done: epoch 3 of 12 at 73 % is (2 + 0.73) / 12. Without one, the epoch is over if its line goes on with words and
//!   numbers (a report: `Epoch 3/12 loss 0.5`) and has just begun if not (`Epoch 3/12`). A bar called epochs counts
//!   those that are over.
//! - Else the last of step counters and bars. A bar behind an epoch without a total (`Epoch 3: 73%|`) is that epoch's
//!   and says nothing about the whole.
//! - Else the last percentage, else the last count without a total.
//! - A counter beyond its total, or with the total 0, is none.

use std::borrow::Cow;

/// How far a job says it has come.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Progress {
    /// Part that is done, 0 to 1, if the log says of how much.
    pub fraction: Option<f64>,
    /// The counter, as printed.
    pub current: Option<u64>,
    /// What it counts to.
    pub total: Option<u64>,
    /// What is counted.
    pub unit: Unit,
}

/// What progress is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Epochs.
    Epoch,
    /// Steps, iterations, batches, or whatever a bar counts.
    Step,
    /// A percentage without a counter.
    Percent,
}

/// Reads the progress from the last part of a log, a few kilobytes of it. Linear in the length of `tail`.
pub fn scan(tail: &str) -> Option<Progress> {
    let mut seen = Seen::default();
    for (number, line) in tail.split(['\n', '\r']).enumerate() {
        if !line.is_empty() {
            seen.line(number, plain(line).as_bytes());
        }
    }
    seen.verdict()
}

/// `line` without escape sequences and backspaces.
fn plain(line: &str) -> Cow<'_, str> {
    if !line.contains(['\u{1b}', '\u{8}']) {
        return Cow::Borrowed(line);
    }
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{8}' => {}
            '\u{1b}' => match chars.next() {
                // CSI: parameters up to a letter.
                Some('[') => while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {},
                // OSC: a title or link, up to BEL or ESC \.
                Some(']') => {
                    while let Some(c) = chars.next() {
                        if c == '\u{7}' || (c == '\u{1b}' && chars.next_if_eq(&'\\').is_some()) {
                            break;
                        }
                    }
                }
                _ => {}
            },
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// `current` of `total`, with `0 < total` and `current <= total`.
#[derive(Debug, Clone, Copy)]
struct Counter {
    current: u64,
    total: u64,
}

impl Counter {
    fn new(current: u64, total: u64) -> Option<Self> {
        (total > 0 && current <= total).then_some(Self { current, total })
    }

    fn fraction(self) -> f64 {
        self.current as f64 / self.total as f64
    }
}

#[derive(Debug, Clone, Copy)]
struct Epoch {
    line: usize,
    counter: Counter,
    stands: Stands,
}

/// What an epoch counter means when nothing tells how much of the epoch is done.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stands {
    /// The counted epoch has begun.
    Begun,
    /// It is reported on, so it is over, unless a bar or step counter says that it is not.
    Reported,
    /// A bar counts epochs that are over.
    Over,
}

/// A step counter or bar.
#[derive(Debug, Clone, Copy)]
struct Part {
    line: usize,
    fraction: f64,
    counter: Option<Counter>,
    /// Epoch without a total on the same line.
    of_epoch: Option<u64>,
}

/// The last of each kind.
#[derive(Debug, Default)]
struct Seen {
    epoch: Option<Epoch>,
    part: Option<Part>,
    percent: Option<f64>,
    count: Option<(u64, Unit)>,
}

impl Seen {
    fn verdict(&self) -> Option<Progress> {
        if let Some(Epoch { line, counter, stands }) = self.epoch {
            let part = self.part.filter(|part| part.line >= line).map(|part| part.fraction);
            let over = stands == Stands::Over || (stands == Stands::Reported && part.is_none());
            let full = if over { counter.current } else { counter.current.saturating_sub(1) };
            let fraction = (full as f64 + part.unwrap_or(0.0)) / counter.total as f64;
            return Some(Progress {
                fraction: Some(fraction.min(1.0)),
                current: Some(counter.current),
                total: Some(counter.total),
                unit: Unit::Epoch,
            });
        }
        if let Some(part) = self.part {
            return Some(match (part.of_epoch, part.counter) {
                (Some(epoch), _) => {
                    Progress { fraction: None, current: Some(epoch), total: None, unit: Unit::Epoch }
                }
                (None, Some(counter)) => Progress {
                    fraction: Some(part.fraction),
                    current: Some(counter.current),
                    total: Some(counter.total),
                    unit: Unit::Step,
                },
                (None, None) => Progress {
                    fraction: Some(part.fraction),
                    current: None,
                    total: None,
                    unit: Unit::Percent,
                },
            });
        }
        if let Some(fraction) = self.percent {
            return Some(Progress {
                fraction: Some(fraction),
                current: None,
                total: None,
                unit: Unit::Percent,
            });
        }
        let (current, unit) = self.count?;
        Some(Progress { fraction: None, current: Some(current), total: None, unit })
    }

    fn line(&mut self, number: usize, line: &[u8]) {
        let mut own = Line { number, epoch: None, lone_epoch: None, epoch_word: false, part: None };
        let lead = line.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let mut at = own.leading_counter(line, lead).unwrap_or(lead);
        // A percentage leads its line behind brackets too.
        let lead = line.iter().take_while(|byte| b" \t[(".contains(byte)).count();
        while at < line.len() {
            let before = at.checked_sub(1).map(|i| line[i]);
            let free = !before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            at = if free && (line[at].is_ascii_alphabetic() || line[at] == b'_') {
                self.word(line, at, &mut own)
            } else if line[at].is_ascii_digit() && !before.is_some_and(|byte| byte.is_ascii_alphabetic()) {
                self.number(line, at, lead, &mut own)
            } else {
                at + 1
            };
        }
        if let Some(epoch) = own.epoch {
            // What stood above belongs to an earlier epoch; what stands below replaces it.
            self.epoch = Some(epoch);
        }
        if let Some(part) = own.part {
            self.part = Some(Part { of_epoch: own.lone_epoch, ..part });
        } else if let Some(epoch) = own.lone_epoch {
            self.count = Some((epoch, Unit::Epoch));
        }
    }

    /// An identifier at `at` and the counter behind it; returns where to go on.
    fn word(&mut self, line: &[u8], at: usize, own: &mut Line) -> usize {
        let end = at + line[at..].iter().take_while(|b| b.is_ascii_alphabetic() || **b == b'_').count();
        let is =
            |names: &[&str]| names.iter().any(|name| line[at..end].eq_ignore_ascii_case(name.as_bytes()));
        let epoch = is(&["epoch", "epochs"]);
        own.epoch_word |= epoch;
        let step = is(&["step", "steps", "global_step", "iter", "iters", "iteration", "iterations", "batch"]);
        if !(epoch || step) {
            return end;
        }
        let mut from = end;
        if line.get(from) == Some(&b'(') {
            // Epoch(train)
            let inner = line[from + 1..].iter().take_while(|b| b.is_ascii_alphabetic()).count();
            if line.get(from + 1 + inner) == Some(&b')') {
                from += inner + 2;
            }
        }
        from += line[from..].iter().take_while(|b| b" \t:=[(#".contains(b)).count();
        // `Epochs: 30%|` is a bar, seen to when its number comes.
        let number = integer(line, from).filter(|&(_, after)| line.get(after) != Some(&b'%'));
        let Some((current, after)) = number else { return from };
        if let Some((total, after)) = total_of(line, after) {
            if let Some(counter) = Counter::new(current, total) {
                if epoch {
                    own.epoch = Some(Epoch { line: own.number, counter, stands: reports(&line[after..]) });
                } else {
                    own.part = Some(own.part(counter.fraction(), Some(counter)));
                }
            }
            return after;
        }
        if epoch {
            own.lone_epoch = Some(current);
            // Epoch [3][50/391]
            let inner = line[after..].strip_prefix(b"][").and_then(|_| integer(line, after + 2));
            if let Some((done, slash)) = inner
                && let Some((of, after)) = total_of(line, slash)
                && let Some(counter) = Counter::new(done, of)
            {
                own.part = Some(own.part(counter.fraction(), Some(counter)));
                return after;
            }
        } else {
            self.count = Some((current, Unit::Step));
        }
        after
    }

    /// A number at `at` that may be a percentage or a count of iterations; returns where to go on.
    fn number(&mut self, line: &[u8], at: usize, lead: usize, own: &mut Line) -> usize {
        let is_number = |b: &&u8| b.is_ascii_digit() || **b == b'.';
        let end = at + line[at..].iter().take_while(is_number).count();
        if line.get(end) != Some(&b'%') {
            if line[end..].starts_with(b"it [")
                && let Some((count, _)) = integer(line, at)
            {
                self.count = Some((count, Unit::Step));
            }
            return end;
        }
        let text = std::str::from_utf8(&line[at..end]).unwrap_or_default();
        let Some(fraction) =
            text.parse::<f64>().ok().filter(|p| (0.0..=100.0).contains(p)).map(|p| p / 100.0)
        else {
            return end;
        };
        if line.get(end + 1) == Some(&b'|') {
            return own.bar(line, end + 2, fraction);
        }
        if at == lead || called_progress(&line[..at]) || called_progress_after(&line[end + 1..]) {
            self.percent = Some(fraction);
        }
        end + 1
    }
}

/// What one line has said so far.
struct Line {
    number: usize,
    epoch: Option<Epoch>,
    /// An epoch without a total.
    lone_epoch: Option<u64>,
    /// The word epoch stood somewhere.
    epoch_word: bool,
    part: Option<Part>,
}

impl Line {
    fn part(&self, fraction: f64, counter: Option<Counter>) -> Part {
        Part { line: self.number, fraction, counter, of_epoch: None }
    }

    /// A counter that begins the line: a Keras bar or an Ultralytics row. Returns where to go on.
    fn leading_counter(&mut self, line: &[u8], at: usize) -> Option<usize> {
        let (current, slash) = integer(line, at)?;
        if line.get(slash) != Some(&b'/') {
            return None;
        }
        let (total, after) = integer(line, slash + 1)?;
        let counter = Counter::new(current, total)?;
        let blank = line[after..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let rest = &line[after + blank..];
        let keras = rest.starts_with("━".as_bytes())
            || matches!(rest, [b'[', b'=' | b'>' | b'.' | b'-', ..]) && blank == 1;
        let word = rest.iter().take_while(|byte| !byte.is_ascii_whitespace()).count();
        let memory = matches!(&rest[..word], [digits @ .., b'G'] if !digits.is_empty()
            && digits.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.'));
        if blank == 0 || !(keras || memory) {
            return None;
        }
        if keras {
            self.part = Some(self.part(counter.fraction(), Some(counter)));
        } else {
            self.epoch = Some(Epoch { line: self.number, counter, stands: Stands::Begun });
        }
        Some(after)
    }

    /// The rest of a tqdm bar, from behind its `%|`.
    fn bar(&mut self, line: &[u8], at: usize, fraction: f64) -> usize {
        // The bar itself is at most as wide as a terminal, in three-byte blocks.
        let window = &line[at..line.len().min(at + 1500)];
        let counter = window.iter().position(|&byte| byte == b'|').and_then(|end| {
            let from = at + end + 1;
            let from = from + line[from..].iter().take_while(|byte| **byte == b' ').count();
            let (current, slash) = integer(line, from)?;
            let (total, after) = total_of(line, slash)?;
            Some((Counter::new(current, total)?, after))
        });
        let Some((counter, after)) = counter else {
            self.part = Some(self.part(fraction, None));
            return at;
        };
        if self.epoch_word && self.epoch.is_none() && self.lone_epoch.is_none() {
            self.epoch = Some(Epoch { line: self.number, counter, stands: Stands::Over });
        } else {
            self.part = Some(self.part(counter.fraction(), Some(counter)));
        }
        after
    }
}

/// The integer at `at`, not one that goes on as a decimal, and where it ends.
fn integer(line: &[u8], at: usize) -> Option<(u64, usize)> {
    let digits = line.get(at..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let end = at + digits;
    let decimal = line.get(end) == Some(&b'.') && line.get(end + 1).is_some_and(u8::is_ascii_digit);
    if digits == 0 || digits > 18 || decimal {
        return None;
    }
    let number = line[at..end].iter().fold(0, |number, byte| number * 10 + u64::from(byte - b'0'));
    Some((number, end))
}

/// ` / 12`, ` of 12` at `at`.
fn total_of(line: &[u8], at: usize) -> Option<(u64, usize)> {
    let blank = |at: usize| at + line[at..].iter().take_while(|byte| **byte == b' ').count();
    let from = blank(at);
    let from = match line.get(from)? {
        b'/' => from + 1,
        b'o' | b'O' if line[from..].len() > 2 && line[from + 1].eq_ignore_ascii_case(&b'f') && from > at => {
            from + 2
        }
        _ => return None,
    };
    integer(line, blank(from))
}

/// Whether a word and a number follow: then the line reports something.
fn reports(rest: &[u8]) -> Stands {
    let report = rest.iter().any(u8::is_ascii_digit) && rest.iter().any(u8::is_ascii_alphabetic);
    if report { Stands::Reported } else { Stands::Begun }
}

fn called_progress(before: &[u8]) -> bool {
    let end = before.iter().rposition(|byte| !b" \t:=([".contains(byte)).map_or(0, |i| i + 1);
    let start = before[..end].iter().rposition(|byte| !byte.is_ascii_alphabetic()).map_or(0, |i| i + 1);
    is_progress_word(&before[start..end])
}

fn called_progress_after(after: &[u8]) -> bool {
    let start = after.iter().take_while(|byte| b" \t)]".contains(byte)).count();
    let length = after[start..].iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    is_progress_word(&after[start..start + length])
}

fn is_progress_word(word: &[u8]) -> bool {
    ["progress", "done", "complete", "completed", "finished"]
        .iter()
        .any(|name| word.eq_ignore_ascii_case(name.as_bytes()))
}

#[cfg(test)]
#[path = "progress_tests.rs"]
mod tests;
