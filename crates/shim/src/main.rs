//! The supervisor of one job at a time. It starts the job, keeps its log, ends it on request together with everything it
//! started, and records how it ended; then it may be asked for another, or ends.
//!
//! It has no thread, no allocator-heavy dependency and no idea of a queue: a poll loop over one eventfd (signals)
//! and two pipes (output). The engine may die at any instant without this process noticing.
//!
//! Deliberately absent: any need of the engine. Requests come as signals, answers go into files; what goes over the
//! status descriptor only saves an engine that listens from looking there.

mod args;
mod environment;
mod folder;
mod line;
mod nursery;
mod output;
mod program;
mod ready;
mod supervise;

use std::process::ExitCode;

use athanor_shim::CODE_USAGE;

fn main() -> ExitCode {
    let nursery = std::env::args_os().nth(1).is_some_and(|word| word == "--nursery");
    let code = match args::parse(std::env::args_os().skip(1)) {
        _ if nursery => nursery::run(),
        Ok(args) => supervise::run(args),
        Err(message) => {
            eprintln!("athanor-shim: {message}\n{}", args::USAGE);
            CODE_USAGE
        }
    };
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
