//! `athanor import`, and `athanor add --from`

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use athanor_api::command::ImportJobs;
use athanor_api::wire::{self, ApiError, ErrorCode};
use clap::Args;

use super::add::{say_existing, say_no_engine, working_directory};
use super::sweep::say_points;
use crate::backend::Backend;
use crate::exit::{Failure, fail};
use crate::options::environment;
use crate::options::transfer::Form;
use crate::print;

/// Said at the end of the help.
const FIELDS: &str = "\
Fields of a job, all but command optional:
  command                    [\"python3\", \"train.py\"], or a line for /bin/sh in quotes
  cwd, name, project, group, notes, user, key, config, config_text: text
  tags: list of texts; metadata, env: table of texts
  priority                   \"urgent\", \"high\", \"normal\" or \"low\"
  gpu_count (or gpus), gpu_model, gpu_uuids, gpu_exclusive, cpu_cores
  memory, disk, gpu_memory   \"32GiB\"; or memory_gb, disk_space_gb, gpu_memory_gb: numbers of GiB
  estimate                   \"3h\"; or estimated_runtime_hours: number
  after                      [\"UID\", \"any:UID\", \"failure:@label\"]; wait_for_failed: true or false
  label                      a name for later jobs of the same file
  hold, not_before, delay, window, start_by, time_limit, grace: as with add
  retries, backoff, retry_on 3, \"30s\", [\"exit_code\"]";

/// What `import` takes.
#[derive(Args)]
#[command(after_help = FIELDS)]
pub struct Arguments {
    /// The file: JSON lines, a JSON array, or TOML with [[job]]; “-” for standard input
    file: PathBuf,

    /// Its form; told by the text if absent
    #[arg(long, value_enum)]
    format: Option<Form>,

    /// Working directory of jobs that name none; the present one if absent
    #[arg(short = 'C', long)]
    cwd: Option<PathBuf>,

    /// Only say what would be queued
    #[arg(long)]
    dry_run: bool,
}

/// Queues the jobs of a file: all of them or none.
pub fn run(backend: &mut Backend, arguments: &Arguments, json: bool) -> Result<ExitCode, Failure> {
    let input = wire::ImportJobs {
        text: text_of(&arguments.file)?,
        format: arguments.format.map(Into::into),
        cwd: working_directory(arguments.cwd.as_deref())?,
        environment: Some(environment()),
        dry_run: arguments.dry_run,
    };
    send(backend, &arguments.file, &input, json)
}

/// The same with the form told by the text.
pub fn queue(
    backend: &mut Backend,
    file: &Path,
    cwd: String,
    environment: BTreeMap<String, String>,
    dry_run: bool,
    json: bool,
) -> Result<ExitCode, Failure> {
    let input =
        wire::ImportJobs { text: text_of(file)?, format: None, cwd, environment: Some(environment), dry_run };
    send(backend, file, &input, json)
}

fn send(
    backend: &mut Backend,
    file: &Path,
    input: &wire::ImportJobs,
    json: bool,
) -> Result<ExitCode, Failure> {
    let imported = backend.call::<ImportJobs>(input).map_err(|error| in_file(error, file))?;
    if json {
        print::json(&imported)?;
    } else if input.dry_run {
        let fresh = imported.count.saturating_sub(imported.existing.len() as u64);
        say_points(&imported.preview, fresh, "would be queued")?;
    } else {
        print::lines(imported.experiments.iter().map(|experiment| experiment.uid.as_str()))?;
    }
    say_existing(&imported.existing, input.dry_run);
    if !input.dry_run && !imported.engine_running {
        say_no_engine();
    }
    Ok(ExitCode::SUCCESS)
}

/// A fault of the text, with the name of its file.
fn in_file(mut error: ApiError, file: &Path) -> Failure {
    if error.field.as_deref() == Some("text") {
        let name = if file == Path::new("-") { "standard input".into() } else { file.display().to_string() };
        error.message = format!("{name}, {}", error.message);
    }
    Failure(error)
}

fn text_of(file: &Path) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let read = match file == Path::new("-") {
        true => std::io::stdin().lock().read_to_end(&mut bytes),
        false => std::fs::File::open(file).and_then(|mut file| file.read_to_end(&mut bytes)),
    };
    read.map_err(|cause| fail(ErrorCode::Path, format!("could not read {}: {cause}", file.display())))?;
    String::from_utf8(bytes).map_err(|cause| {
        let at = cause.utf8_error().valid_up_to();
        let line = 1 + cause.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count();
        fail(ErrorCode::InvalidInput, format!("{}, line {line}: this is not UTF-8", file.display()))
    })
}
