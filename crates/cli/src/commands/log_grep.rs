//! `athanor log --grep`

use std::collections::VecDeque;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use athanor_api::command::SearchLog;
use athanor_api::socket::Pushes;
use athanor_api::wire::{self, LogMatch, LogMatches};
use clap::Args;

use super::log::until_more;
use crate::backend::Backend;
use crate::exit::Failure;
use crate::print;

/// Lines asked for at a time.
const LINES: u32 = 500;
/// Exit code when no line matches, as with grep.
const NONE: u8 = 1;

/// What `log` takes to print matching lines only.
#[derive(Args)]
#[group(skip)]
pub struct Arguments {
    /// Only the lines that match this regular expression, without colours and as they were seen last; ends with 1 if
    /// there are none
    #[arg(long, value_name = "PATTERN", conflicts_with = "tail", allow_hyphen_values = true)]
    grep: Option<String>,

    /// With --grep: large and small letters are the same
    #[arg(short, long, requires = "grep")]
    ignore_case: bool,

    /// With --grep: the pattern is plain text
    #[arg(short = 'F', long, requires = "grep")]
    fixed_strings: bool,

    /// With --grep: as many lines before and after each match
    #[arg(short = 'C', long, value_name = "LINES", requires = "grep", conflicts_with = "follow",
          value_parser = clap::value_parser!(u32).range(0..=1000))]
    context: Option<u32>,
}

impl Arguments {
    /// Whether only matching lines are wanted.
    pub fn wanted(&self) -> bool {
        self.grep.is_some()
    }
}

/// Whose log.
pub struct Whose<'a> {
    /// The uid, as it was given.
    pub uid: &'a str,
    /// The attempt.
    pub attempt: Option<u32>,
    /// The stream.
    pub stream: Option<wire::LogStream>,
}

/// Prints the lines that match, each as soon as it is found; with `--json`, the matches as objects, one a line.
pub fn run(
    backend: &mut Backend,
    whose: Whose<'_>,
    arguments: &Arguments,
    mut pushes: Option<Pushes>,
    json: bool,
) -> Result<ExitCode, Failure> {
    let mut search = wire::SearchLog {
        uid: whose.uid.to_owned(),
        attempt: whose.attempt,
        stream: whose.stream,
        pattern: arguments.grep.clone().unwrap_or_default(),
        regex: !arguments.fixed_strings,
        case: !arguments.ignore_case,
        from: None,
        to: None,
        backwards: false,
        limit: Some(LINES),
    };
    let mut printer =
        Printer { json, marks: coloured(), context: arguments.context.unwrap_or(0), upto: None };
    let (mut any, mut cut, mut first) = (false, 0, true);
    loop {
        let found = backend.call::<SearchLog>(&search)?;
        if std::mem::take(&mut first) && found.oldest > 0 {
            eprintln!("athanor: the first {} of this log were rotated away", print::bytes(found.oldest));
        }
        search.attempt = (found.attempt > 0).then_some(found.attempt);
        let more = pushes.is_some() && !found.ended;
        for line in found.matches.iter().filter(|line| !(line.open && more)) {
            any = true;
            cut += u64::from(line.cut);
            printer.print(backend, &search, line)?;
        }
        search.from = Some(found.next);
        if !found.done {
            continue;
        }
        match pushes.as_mut().filter(|_| more) {
            Some(pushes) => until_more(pushes)?,
            None => break,
        }
    }
    if cut > 0 {
        eprintln!("athanor: of {cut} of these lines only the first 64 KiB were looked at");
    }
    Ok(if any { ExitCode::SUCCESS } else { ExitCode::from(NONE) })
}

struct Printer {
    json: bool,
    marks: bool,
    context: u32,
    /// Up to where lines were printed, with context.
    upto: Option<u64>,
}

impl Printer {
    fn print(
        &mut self,
        backend: &mut Backend,
        search: &wire::SearchLog,
        line: &LogMatch,
    ) -> Result<(), Failure> {
        if self.json {
            return print::json(line);
        }
        let mut out = Vec::new();
        if self.context == 0 {
            self.line(&mut out, line, true);
        } else {
            let around = |from: u64, to: Option<u64>, backwards| wire::SearchLog {
                pattern: String::new(),
                regex: false,
                from: Some(from),
                to,
                backwards,
                limit: Some(self.context),
                ..search.clone()
            };
            // What follows one match and precedes the next is printed once; a match there is marked when it comes.
            let mut before = VecDeque::new();
            for one in every(backend, around(line.offset, self.upto, true), self.context)? {
                before.push_front(one);
            }
            let begins = before.front().map_or(line.offset, |one| one.offset);
            if self.upto.is_some_and(|upto| begins > upto) {
                out.extend_from_slice(b"--\n");
            }
            for one in &before {
                self.line(&mut out, one, false);
            }
            self.line(&mut out, line, true);
            self.upto = Some(line.end);
            let next = wire::SearchLog { from: Some(line.end), limit: Some(1), ..search.clone() };
            // Up to the next match, which has its own turn.
            let mut after = every(backend, around(line.end, None, false), self.context)?;
            let upto = after.last().map_or(line.end, |one| one.end);
            let next = every(backend, wire::SearchLog { to: Some(upto), ..next }, 1)?;
            if let Some(next) = next.first() {
                after.retain(|one| one.offset < next.offset);
            }
            for one in &after {
                self.line(&mut out, one, false);
                self.upto = Some(one.end);
            }
        }
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(&out)?;
        stdout.flush()?;
        Ok(())
    }

    fn line(&self, out: &mut Vec<u8>, line: &LogMatch, matches: bool) {
        if line.text_start > 0 {
            out.extend_from_slice("…".as_bytes());
        }
        let mut unit = line.text_start;
        let mut inside = false;
        for character in line.text.chars() {
            let now =
                matches && self.marks && line.ranges.iter().any(|(from, to)| (*from..*to).contains(&unit));
            if now != inside {
                out.extend_from_slice(if now { b"\x1b[1;31m" } else { b"\x1b[0m" });
                inside = now;
            }
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            unit += if u32::from(character) > 0xffff { 2 } else { 1 };
        }
        if inside {
            out.extend_from_slice(b"\x1b[0m");
        }
        out.push(b'\n');
    }
}

/// All that a search finds, up to so many lines, however many calls it takes.
fn every(backend: &mut Backend, mut search: wire::SearchLog, limit: u32) -> Result<Vec<LogMatch>, Failure> {
    let mut all = Vec::new();
    loop {
        let LogMatches { matches, next, done, .. } = backend.call::<SearchLog>(&search)?;
        all.extend(matches);
        if done || all.len() >= limit as usize {
            return Ok(all);
        }
        search.from = Some(next);
        search.limit = Some(limit - u32::try_from(all.len()).unwrap_or(limit));
    }
}

/// Whether colours are wanted: on a terminal, and not refused.
fn coloured() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
