//! `athanor events`

use std::process::ExitCode;

use athanor_api::command::ReadEvents;
use athanor_api::wire::{self, ErrorCode, Event, Push};
use clap::Args;

use crate::backend::Backend;
use crate::exit::{Failure, fail};
use crate::print;

/// What `events` takes.
#[derive(Args)]
pub struct Arguments {
    /// Only those of this experiment: its uid, the beginning of one, or a name
    uid: Option<String>,

    /// Only those after this cursor, the number at the start of a line
    #[arg(long, default_value_t = 0, value_name = "CURSOR")]
    since: u64,

    /// Go on with what happens, until the engine stops
    #[arg(short, long)]
    follow: bool,
}

/// Events asked for at a time.
const PAGE: u32 = 1000;

/// Prints events in their order, each once.
pub fn run(backend: &mut Backend, arguments: &Arguments, json: bool) -> Result<ExitCode, Failure> {
    // Listening begins before reading, so that nothing falls in between.
    let pushes = if arguments.follow { backend.listen()? } else { None };
    let uid = arguments.uid.as_deref();
    let mut since = print_from(backend, uid, arguments.since, json)?;
    if !arguments.follow {
        return Ok(ExitCode::SUCCESS);
    }
    let Some(pushes) = pushes else {
        eprintln!("athanor: no engine runs, so nothing more will happen; this is what there is");
        return Ok(ExitCode::SUCCESS);
    };
    for push in pushes {
        match push {
            Push::QueueUpdate { event, .. } if event.cursor <= since => {}
            // A push says that there is more, and the table says what: so none is missed, whatever was pushed.
            Push::QueueUpdate { .. } | Push::Resync { .. } | Push::SettingsUpdate { .. } => {
                since = print_from(backend, uid, since, json)?;
            }
            Push::EngineStopped {} => break,
            _ => {}
        }
    }
    Err(fail(ErrorCode::EngineGone, format!("the engine stopped; go on with --since {since}")))
}

/// Prints what comes after a cursor, and returns the last one printed.
fn print_from(backend: &mut Backend, uid: Option<&str>, mut since: u64, json: bool) -> Result<u64, Failure> {
    loop {
        let ask = wire::ReadEvents { since, uid: uid.map(str::to_owned), limit: PAGE };
        let page = backend.call::<ReadEvents>(&ask)?;
        if json {
            for event in &page.events {
                print::json(event)?;
            }
        } else {
            print::lines(page.events.iter().map(line))?;
        }
        let Some(last) = page.events.last() else { return Ok(since) };
        since = last.cursor;
        if last.cursor >= page.latest {
            return Ok(since);
        }
    }
}

fn line(event: &Event) -> String {
    let uid = event.uid.as_deref().unwrap_or("-");
    format!("{:>6}  {}  {uid:<14}  {}", event.cursor, print::time(event.at), event.message)
}
