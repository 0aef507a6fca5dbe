//! `athanor notifications`

use std::process::ExitCode;

use athanor_api::command::{ListNotifications, MarkNotifications, TestNotification};
use athanor_api::wire::{self, ErrorCode, Nothing, Notification, Push, Urgency};
use clap::{Args, Subcommand};

use crate::backend::Backend;
use crate::exit::{Failure, fail};
use crate::print;

/// What `notifications` takes.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,

    #[command(flatten)]
    list: List,
}

#[derive(Args)]
struct List {
    /// Only those that were not read
    #[arg(long)]
    unread: bool,

    /// At most so many, the newest
    #[arg(short = 'n', long, default_value_t = 30, value_name = "N")]
    limit: u32,

    /// Go on with those that come, until the engine stops
    #[arg(short, long)]
    follow: bool,
}

#[derive(Subcommand)]
enum Action {
    /// Mark notifications as read: those named by the number at the start of a line, else all
    Read {
        /// Numbers
        #[arg(value_name = "NUMBER")]
        ids: Vec<u64>,
    },
    /// Show a notification, and run the hook once
    Test,
}

/// Notifications asked for at a time.
const PAGE: u32 = 200;

/// Prints notifications, or does something with them.
pub fn run(backend: &mut Backend, arguments: &Arguments, json: bool) -> Result<ExitCode, Failure> {
    match &arguments.action {
        None => list(backend, &arguments.list, json),
        Some(Action::Read { ids }) => read(backend, ids, json),
        Some(Action::Test) => test(backend, json),
    }
}

fn list(backend: &mut Backend, list: &List, json: bool) -> Result<ExitCode, Failure> {
    // Listening begins before reading, so that nothing falls in between.
    let pushes = if list.follow { backend.listen()? } else { None };
    let mut all = newest(backend, list)?;
    // As in a log: the newest last.
    all.reverse();
    for notification in &all {
        show(notification, json)?;
    }
    if !list.follow {
        return Ok(ExitCode::SUCCESS);
    }
    let Some(pushes) = pushes else {
        eprintln!("athanor: no engine runs, so nothing more will happen; this is what there is");
        return Ok(ExitCode::SUCCESS);
    };
    let mut known: Vec<Notification> = all;
    for push in pushes {
        match push {
            // One that was pushed while the list was read stands there already.
            Push::Notification { notification, .. } if !known.contains(&notification) => {
                show(&notification, json)?;
                known = vec![*notification];
            }
            Push::EngineStopped {} => break,
            _ => {}
        }
    }
    Err(fail(ErrorCode::EngineGone, "the engine stopped"))
}

fn newest(backend: &mut Backend, list: &List) -> Result<Vec<Notification>, Failure> {
    let mut all: Vec<Notification> = Vec::new();
    loop {
        let left = list.limit.saturating_sub(u32::try_from(all.len()).unwrap_or(u32::MAX));
        if left == 0 {
            return Ok(all);
        }
        let before = all.last().map(|last| last.id);
        let ask = wire::ListNotifications { before, unread: list.unread, limit: left.min(PAGE) };
        let page = backend.call::<ListNotifications>(&ask)?;
        all.extend(page.notifications);
        if !page.more {
            return Ok(all);
        }
    }
}

fn show(notification: &Notification, json: bool) -> Result<(), Failure> {
    if json {
        return print::json(notification);
    }
    let mark = match (notification.read, notification.urgency) {
        (true, _) => ' ',
        (false, Urgency::Critical) => '!',
        (false, Urgency::Normal) => '•',
    };
    let time = print::time(notification.updated_at);
    let mut lines = vec![format!("{:>5} {mark} {time}  {}", notification.id, notification.title)];
    let hook = notification.hook_error.as_ref().map(|why| format!("The hook failed: {why}"));
    lines.extend(
        notification.body.lines().map(str::to_owned).chain(hook).map(|line| format!("{:30}{line}", "")),
    );
    print::lines(lines)
}

fn read(backend: &mut Backend, ids: &[u64], json: bool) -> Result<ExitCode, Failure> {
    let ids = (!ids.is_empty()).then(|| ids.to_vec());
    let left = backend.call::<MarkNotifications>(&wire::MarkNotifications { ids, up_to: None })?;
    match (json, left.unread) {
        (true, _) => print::json(&left)?,
        (false, 0) => println!("All notifications are read"),
        (false, many) => println!("{many} not read"),
    }
    Ok(ExitCode::SUCCESS)
}

fn test(backend: &mut Backend, json: bool) -> Result<ExitCode, Failure> {
    let test = backend.call::<TestNotification>(&Nothing {})?;
    if json {
        print::json(&test)?;
    }
    let failed = match &test.hook {
        None if !json => {
            println!("A notification was sent; no hook is set");
            false
        }
        Some(hook) => match &hook.error {
            Some(why) => {
                eprintln!("athanor: a notification was sent, but the hook failed: {why}");
                true
            }
            None if !json => {
                let took = i64::try_from(hook.took_ms).unwrap_or(i64::MAX);
                println!("A notification was sent; the hook was run in {}", print::duration(took));
                false
            }
            None => false,
        },
        None => false,
    };
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
