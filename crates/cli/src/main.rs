//! Athanor's command line: everything that the window can do, over the same commands, with no window needed.
//!
//! It must be quick to start: a command that finds an engine asks it over a plain socket, with no runtime. Only when
//! none runs does it take the data folder for itself, for as long as the command takes.

mod backend;
mod commands;
mod exit;
mod print;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::backend::Backend;
use crate::exit::Failure;

/// Queue experiments and run them, whether or not a window is open.
#[derive(Parser)]
#[command(name = "athanor", version, max_term_width = 100, after_help = exit::HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Command,

    /// Print JSON, in the form of the program's own interface
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Run the engine without a window, until it is told to stop
    Serve(commands::serve::Arguments),
    /// Queue an experiment
    Add(commands::add::Arguments),
    /// Queue experiments anew, as they were first queued
    Again(commands::again::Arguments),
    /// List experiments: what runs, what waits, and what ended last
    Ls(commands::list::Arguments),
    /// Show everything about an experiment
    Show(commands::show::Arguments),
    /// Print an experiment's log
    Log(commands::log::Arguments),
    /// Wait until experiments have ended
    Wait(commands::wait::Arguments),
    /// End experiments: waiting ones at once, running ones by SIGTERM and, after their grace period, SIGKILL
    Cancel(commands::cancel::Arguments),
    /// Say whether an engine runs, and how the queue and the machine stand
    Status,
    /// Pause or resume the queue; what runs goes on
    Queue(commands::queue::Arguments),
    /// List the metrics of an experiment, or draw them
    Metrics(commands::metrics::Arguments),
    /// Show or change settings
    Settings(commands::settings::Arguments),
    /// List, add or forget projects
    Project(commands::project::Arguments),
    /// Print what happened, as it stands in the event table
    Events(commands::events::Arguments),
}

/// The same for the one command whose start must be quickest, so that no other has to be described first.
#[derive(Parser)]
#[command(name = "athanor", version, max_term_width = 100, after_help = exit::HELP)]
struct AddArguments {
    #[command(subcommand)]
    command: AddCommand,

    /// Print JSON, in the form of the program's own interface
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum AddCommand {
    /// Queue an experiment
    Add(commands::add::Arguments),
}

fn main() -> ExitCode {
    // A reader that has had enough (head, less) ends us silently, as it does other programs.
    reset_sigpipe();
    match run(parse()) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

fn parse() -> Arguments {
    if std::env::args_os().nth(1).is_none_or(|first| first != "add") {
        return Arguments::parse();
    }
    let AddArguments { command: AddCommand::Add(add), json } = AddArguments::parse();
    Arguments { command: Command::Add(add), json }
}

fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let home = athanor_api::Home::from_environment().map_err(athanor_api::wire::ApiError::from)?;
    let json = arguments.json;
    if let Command::Serve(serve) = arguments.command {
        return commands::serve::run(home, &serve);
    }
    let mut backend = Backend::open(home)?;
    let done = match arguments.command {
        Command::Serve(_) => Ok(ExitCode::SUCCESS),
        Command::Add(arguments) => commands::add::run(&mut backend, arguments, json),
        Command::Again(arguments) => commands::again::run(&mut backend, arguments, json),
        Command::Ls(arguments) => commands::list::run(&mut backend, &arguments, json),
        Command::Show(arguments) => commands::show::run(&mut backend, &arguments, json),
        Command::Log(arguments) => commands::log::run(&mut backend, &arguments, json),
        Command::Wait(arguments) => commands::wait::run(&mut backend, &arguments, json),
        Command::Cancel(arguments) => commands::cancel::run(&mut backend, arguments, json),
        Command::Status => commands::status::run(&mut backend, json),
        Command::Queue(arguments) => commands::queue::run(&mut backend, &arguments, json),
        Command::Metrics(arguments) => commands::metrics::run(&mut backend, &arguments, json),
        Command::Settings(arguments) => commands::settings::run(&mut backend, &arguments, json),
        Command::Project(arguments) => commands::project::run(&mut backend, &arguments, json),
        Command::Events(arguments) => commands::events::run(&mut backend, &arguments, json),
    };
    backend.close();
    done
}

#[allow(unsafe_code, reason = "the one way to restore a signal's default")]
fn reset_sigpipe() {
    // SAFETY: no other thread runs yet, and the default action needs no handler to stay valid.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
    }
}
