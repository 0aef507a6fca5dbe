//! `athanor events`

use std::process::ExitCode;

use athanor_api::command::ReadEvents;
use athanor_api::wire::{self, Event};
use clap::Args;

use crate::backend::Backend;
use crate::exit::Failure;
use crate::print;

/// What `events` takes.
#[derive(Args)]
pub struct Arguments {
    /// Only those after this cursor
    #[arg(long, default_value_t = 0, value_name = "CURSOR")]
    since: u64,
}

/// Events asked for at a time.
const PAGE: u32 = 1000;

/// Prints events in their order.
pub fn run(backend: &mut Backend, arguments: &Arguments, json: bool) -> Result<ExitCode, Failure> {
    let mut since = arguments.since;
    loop {
        let page = backend.call::<ReadEvents>(&wire::ReadEvents { since, limit: PAGE })?;
        for event in &page.events {
            match json {
                true => print::json(event)?,
                false => line(event),
            }
        }
        match page.events.last() {
            Some(last) if last.cursor < page.latest => since = last.cursor,
            _ => return Ok(ExitCode::SUCCESS),
        }
    }
}

fn line(event: &Event) {
    let uid = event.uid.as_deref().unwrap_or("-");
    println!("{:>6}  {}  {uid:<14}  {}", event.cursor, print::time(event.at), event.message);
}
