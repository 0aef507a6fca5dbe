//! `athanor log`

use std::io::Write;
use std::process::ExitCode;

use athanor_api::command::{ReadLog, TailLog};
use athanor_api::socket::Pushes;
use athanor_api::wire::{self, ErrorCode, LogChunk, Push};
use base64::Engine as _;
use clap::Args;

use super::log_grep;
use crate::backend::Backend;
use crate::exit::{Failure, fail};
use crate::print;

/// What `log` takes.
#[derive(Args)]
pub struct Arguments {
    /// The uid, a unique beginning of it, or a unique name
    uid: String,

    /// Go on with what the job writes, until it ends
    #[arg(short, long)]
    follow: bool,

    /// Only the last lines
    #[arg(short, long, value_name = "LINES")]
    tail: Option<u32>,

    /// The attempt; the newest if absent
    #[arg(long)]
    attempt: Option<u32>,

    /// Only what went to standard output
    #[arg(long, conflicts_with = "stderr")]
    stdout: bool,

    /// Only what went to standard error
    #[arg(long)]
    stderr: bool,

    #[command(flatten)]
    grep: log_grep::Arguments,
}

impl Arguments {
    fn stream(&self) -> Option<wire::LogStream> {
        match (self.stdout, self.stderr) {
            (true, _) => Some(wire::LogStream::Stdout),
            (_, true) => Some(wire::LogStream::Stderr),
            _ => None,
        }
    }
}

const NOT_FOLLOWED: &str = "athanor: no engine runs, so the log can't be followed; this is what there is";

/// Bytes asked for at a time.
const PIECE: u32 = 1 << 20;

/// Prints the log byte by byte as the job wrote it; with `--json`, pieces as objects, one a line.
pub fn run(backend: &mut Backend, arguments: &Arguments, json: bool) -> Result<ExitCode, Failure> {
    // Listening begins before reading, so that nothing falls in between.
    let mut pushes = if arguments.follow { backend.listen()? } else { None };
    if arguments.grep.wanted() {
        if arguments.follow && pushes.is_none() {
            eprintln!("{NOT_FOLLOWED}");
        }
        let (attempt, stream) = (arguments.attempt, arguments.stream());
        let whose = log_grep::Whose { uid: &arguments.uid, attempt, stream };
        return log_grep::run(backend, whose, &arguments.grep, pushes, json);
    }
    let raw = !json;
    let mut chunk = match arguments.tail {
        Some(lines) => backend.call::<TailLog>(&wire::TailLog {
            uid: arguments.uid.clone(),
            attempt: arguments.attempt,
            lines,
            raw,
            stream: arguments.stream(),
        })?,
        None => read(backend, arguments, arguments.attempt, 0, raw)?,
    };
    if arguments.tail.is_none() && chunk.oldest > 0 {
        eprintln!("athanor: the first {} of this log were rotated away", print::bytes(chunk.oldest));
    }
    let mut attempt = (chunk.attempt > 0).then_some(chunk.attempt);
    loop {
        write(&chunk, json)?;
        if chunk.next < chunk.end {
            chunk = read(backend, arguments, attempt, chunk.next, raw)?;
            continue;
        }
        if chunk.ended || !arguments.follow {
            return Ok(ExitCode::SUCCESS);
        }
        let Some(pushes) = pushes.as_mut() else {
            eprintln!("{NOT_FOLLOWED}");
            return Ok(ExitCode::SUCCESS);
        };
        until_more(pushes)?;
        let next = chunk.next;
        chunk = read(backend, arguments, attempt, next, raw)?;
        attempt = attempt.or((chunk.attempt > 0).then_some(chunk.attempt));
    }
}

fn read(
    backend: &mut Backend,
    arguments: &Arguments,
    attempt: Option<u32>,
    offset: u64,
    raw: bool,
) -> Result<LogChunk, Failure> {
    let (uid, stream) = (arguments.uid.clone(), arguments.stream());
    Ok(backend.call::<ReadLog>(&wire::ReadLog { uid, attempt, offset, limit: Some(PIECE), raw, stream })?)
}

fn write(chunk: &LogChunk, json: bool) -> Result<(), Failure> {
    if json {
        return print::json(chunk);
    }
    let bytes = base64::engine::general_purpose::STANDARD.decode(&chunk.text).map_err(|cause| {
        fail(ErrorCode::Protocol, format!("the engine sent a log that can't be read: {cause}"))
    })?;
    let mut out = std::io::stdout().lock();
    out.write_all(&bytes)?;
    out.flush()?;
    Ok(())
}

/// Waits for any push that may mean more output or an end; the next read tells.
pub(super) fn until_more(pushes: &mut Pushes) -> Result<(), Failure> {
    for push in pushes {
        match push {
            Push::LogAppend { .. } | Push::QueueUpdate { .. } | Push::Resync { .. } => return Ok(()),
            Push::EngineStopped {} => break,
            _ => {}
        }
    }
    Err(fail(ErrorCode::EngineGone, "the engine stopped; the job goes on without it"))
}
