//! Athanor's command line: everything that the window can do, over the same commands, with no window needed.
//!
//! It must be quick to start: a command that finds an engine asks it over a plain socket, with no runtime. Only when
//! none runs does it take the data folder for itself, for as long as the command takes.

mod ask;
mod backend;
mod commands;
mod exit;
mod options;
mod print;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

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
    Add(Box<commands::add::Arguments>),
    /// Change experiments that wait; name, tags and notes of any
    Edit(Box<commands::edit::Arguments>),
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
    Cancel(commands::act::Which),
    /// Stop the processes of running experiments (their GPU memory stays taken), and hold waiting ones back
    Pause(commands::act::Which),
    /// Let paused and held experiments go on
    Resume(commands::act::Which),
    /// Hold waiting experiments back until they are resumed
    Hold(commands::act::Which),
    /// Queue failed, cancelled or expired experiments once more, as a new attempt
    Retry(commands::act::Which),
    /// Give waiting experiments another place in the queue
    Move(commands::act::Move),
    /// Put ended experiments away, or take them back out
    Archive(commands::act::Archive),
    /// Delete ended experiments with logs and recorded metrics; no file of yours is touched
    Delete(commands::act::Delete),
    /// List groups, or limit how many of one run at once
    Group(commands::group::Arguments),
    /// Queue the jobs of a file: all of them or none
    Import(commands::import::Arguments),
    /// Print jobs as text that import takes
    Export(commands::export::Arguments),
    /// Say whether an engine runs, and how the queue and the machine stand
    Status,
    /// Pause or resume the queue; what runs goes on
    Queue(commands::queue::Arguments),
    /// List the metrics of an experiment or a run, draw them, or print their points
    Metrics(commands::metrics::Arguments),
    /// Show or change settings
    Settings(commands::settings::Arguments),
    /// List, add or forget projects
    Project(commands::project::Arguments),
    /// Print what happened, as it stands in the event table
    Events(commands::events::Arguments),
    /// List what you were told of, mark it as read, or send a test
    Notifications(commands::notifications::Arguments),
    /// Print numbers about the queue: counts, waiting and run times
    Stats,
    /// Print who ran where, when
    Timeline(commands::timeline::Arguments),
    /// Print what the queue may give to jobs, and what of it is taken
    Resources,
    /// Print the machine: its GPUs, and what else it has
    Devices(commands::devices::Arguments),
    /// Watch the machine live, until you press q
    Top(commands::top::Arguments),
    /// Print what the machine, a GPU or a job did over time
    History(commands::history::Arguments),
    /// Take a GPU out of the queue, or give it back
    Gpu(commands::resources::Gpu),
    /// Take away events and logs of experiments that ended long ago
    Gc(commands::gc::Arguments),
    /// Say what would be indexed in a folder: runs by format, points, and what can't be read
    Scan(commands::scan::Arguments),
    /// List, show, tag, export and remove runs of the index
    Runs(commands::runs::Arguments),
    /// Draw runs into an SVG, PNG, PDF or CSV file: curves, bars, scatter, and more
    Chart(Box<commands::chart::Arguments>),
    /// Write charts, tables and notes of runs as one HTML, PDF or Markdown file
    Report(Box<commands::report::Arguments>),
    /// List, show, change and exchange the pages of charts that the window shows
    Page(commands::page::Arguments),
    /// Lay runs side by side: what differs, and which is better by how much
    Compare(commands::compare::Arguments),
    /// Index the runs in folders, and follow them as they grow
    Watch(commands::watch::Arguments),
    /// Print what makes a shell complete commands and options
    Completions(commands::completions::Arguments),
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
    Add(Box<commands::add::Arguments>),
}

fn main() -> ExitCode {
    let arguments = parse();
    // A reader that has had enough (head, less) ends us silently, as it does other programs. An engine must not end
    // because somebody to whom it writes does.
    if !matches!(arguments.command, Command::Serve(_)) {
        reset_sigpipe();
    }
    match run(arguments) {
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
    if let Command::Completions(completions) = &arguments.command {
        return Ok(commands::completions::run(completions, Arguments::command()));
    }
    if let Command::Scan(scan) = &arguments.command {
        return commands::scan::run(scan, json);
    }
    let mut backend = Backend::open(home)?;
    let done = match arguments.command {
        // Done above: they need no engine of somebody else's.
        Command::Serve(_) | Command::Completions(_) | Command::Scan(_) => Ok(ExitCode::SUCCESS),
        Command::Add(arguments) => commands::add::run(&mut backend, *arguments, json),
        Command::Edit(arguments) => commands::edit::run(&mut backend, *arguments, json),
        Command::Again(arguments) => commands::again::run(&mut backend, arguments, json),
        Command::Ls(arguments) => commands::list::run(&mut backend, &arguments, json),
        Command::Show(arguments) => commands::show::run(&mut backend, &arguments, json),
        Command::Log(arguments) => commands::log::run(&mut backend, &arguments, json),
        Command::Wait(arguments) => commands::wait::run(&mut backend, &arguments, json),
        Command::Cancel(which) => commands::act::cancel(&mut backend, which, json),
        Command::Pause(which) => commands::act::pause(&mut backend, which, json),
        Command::Resume(which) => commands::act::resume(&mut backend, which, json),
        Command::Hold(which) => commands::act::hold(&mut backend, which, json),
        Command::Retry(which) => commands::act::retry(&mut backend, which, json),
        Command::Move(arguments) => commands::act::reorder(&mut backend, arguments, json),
        Command::Archive(arguments) => commands::act::archive(&mut backend, arguments, json),
        Command::Delete(arguments) => commands::act::delete(&mut backend, arguments, json),
        Command::Group(arguments) => commands::group::run(&mut backend, arguments, json),
        Command::Import(arguments) => commands::import::run(&mut backend, &arguments, json),
        Command::Export(arguments) => commands::export::run(&mut backend, arguments, json),
        Command::Status => commands::status::run(&mut backend, json),
        Command::Queue(arguments) => commands::queue::run(&mut backend, &arguments, json),
        Command::Metrics(arguments) => commands::metrics::run(&mut backend, &arguments, json),
        Command::Settings(arguments) => commands::settings::run(&mut backend, &arguments, json),
        Command::Project(arguments) => commands::project::run(&mut backend, &arguments, json),
        Command::Events(arguments) => commands::events::run(&mut backend, &arguments, json),
        Command::Notifications(arguments) => commands::notifications::run(&mut backend, &arguments, json),
        Command::Stats => commands::stats::run(&mut backend, json),
        Command::Timeline(arguments) => commands::timeline::run(&mut backend, &arguments, json),
        Command::Resources => commands::resources::run(&mut backend, json),
        Command::Devices(arguments) => commands::devices::run(&mut backend, &arguments, json),
        Command::Top(arguments) => commands::top::run(&mut backend, &arguments, json),
        Command::History(arguments) => commands::history::run(&mut backend, &arguments, json),
        Command::Gpu(arguments) => commands::resources::gpu(&mut backend, arguments, json),
        Command::Runs(arguments) => commands::runs::run(&mut backend, arguments, json),
        Command::Chart(arguments) => commands::chart::run(&mut backend, &arguments, json),
        Command::Report(arguments) => commands::report::run(&mut backend, &arguments, json),
        Command::Page(arguments) => commands::page::run(&mut backend, arguments, json),
        Command::Compare(arguments) => commands::compare::run(&mut backend, &arguments, json),
        Command::Watch(arguments) => commands::watch::run(&mut backend, arguments, json),
        Command::Gc(arguments) => commands::gc::run(&mut backend, &arguments, json),
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
