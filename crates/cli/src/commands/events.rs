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

    /// Only those before this cursor, as far as --last reaches
    #[arg(long, value_name = "CURSOR", requires = "last", conflicts_with = "follow")]
    before: Option<u64>,

    /// Only the last so many
    #[arg(short = 'n', long, value_name = "N")]
    last: Option<u32>,

    /// Only those whose sentence, kind or uid has these words
    #[arg(short, long, value_name = "WORDS")]
    text: Option<String>,

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
    let ask = wire::ReadEvents {
        since: arguments.since,
        before: None,
        text: arguments.text.clone(),
        uid: arguments.uid.clone(),
        limit: PAGE,
    };
    let mut since = match arguments.last {
        Some(last) => print_last(backend, &ask, arguments.before, last, json)?,
        None => print_from(backend, &ask, arguments.since, json)?,
    };
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
                since = print_from(backend, &ask, since, json)?;
            }
            Push::EngineStopped {} => break,
            _ => {}
        }
    }
    Err(fail(ErrorCode::EngineGone, format!("the engine stopped; go on with --since {since}")))
}

/// Prints what comes after a cursor, and returns the last one that was looked at.
fn print_from(
    backend: &mut Backend,
    ask: &wire::ReadEvents,
    mut since: u64,
    json: bool,
) -> Result<u64, Failure> {
    loop {
        let page = backend.call::<ReadEvents>(&wire::ReadEvents { since, ..ask.clone() })?;
        print_all(&page.events, json)?;
        since = page.reached;
        if !page.more {
            return Ok(since);
        }
    }
}

/// Prints the last so many before a cursor, if one is given, in their order. Returns the newest cursor there was.
fn print_last(
    backend: &mut Backend,
    ask: &wire::ReadEvents,
    before: Option<u64>,
    last: u32,
    json: bool,
) -> Result<u64, Failure> {
    let mut events = Vec::new();
    let mut newest = None;
    let mut reached = before.unwrap_or(u64::MAX >> 11);
    while events.len() < last as usize {
        let wanted = u32::try_from(last as usize - events.len()).unwrap_or(PAGE).min(PAGE);
        let input = wire::ReadEvents { before: Some(reached), limit: wanted, ..ask.clone() };
        let page = backend.call::<ReadEvents>(&input)?;
        newest.get_or_insert(page.events.first().map_or(page.latest, |event| event.cursor));
        reached = page.reached;
        events.extend(page.events);
        if !page.more {
            break;
        }
    }
    events.reverse();
    print_all(&events, json)?;
    Ok(newest.unwrap_or(ask.since))
}

fn print_all(events: &[Event], json: bool) -> Result<(), Failure> {
    if json {
        for event in events {
            print::json(event)?;
        }
        return Ok(());
    }
    print::lines(events.iter().map(line))
}

fn line(event: &Event) -> String {
    let uid = event.uid.as_deref().unwrap_or("-");
    format!("{:>6}  {}  {uid:<14}  {}", event.cursor, print::time(event.at), event.message)
}
