//! `athanor add`

use std::path::PathBuf;
use std::process::ExitCode;

use athanor_api::command::{AddExperiments, ReadConfig, SetGroup};
use athanor_api::transfer::Overrides;
use athanor_api::wire::{self, Command, ErrorCode, NewExperiment, SweepStyle};
use clap::Args;

use super::{import, sweep};
use crate::backend::Backend;
use crate::exit::{Failure, fail};
use crate::options::values::pair;
use crate::options::{After, Limits, Needs, Retries, Schedule, Soon, Style, environment};
use crate::print;

/// What `add` takes.
#[derive(Args)]
pub struct Arguments {
    /// A name; the script's name if absent
    #[arg(short, long)]
    name: Option<String>,

    /// The project's name
    #[arg(short, long)]
    project: Option<String>,

    /// The group that it belongs to, which is made if there is none
    #[arg(short, long)]
    group: Option<String>,

    /// How many of the group, or of the sweep, may run at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    parallel: Option<u32>,

    /// The working directory; the present one if absent
    #[arg(short = 'C', long)]
    cwd: Option<PathBuf>,

    /// How soon it runs
    #[arg(long, value_enum, default_value_t = Soon::Normal)]
    priority: Soon,

    /// A tag; may be given several times
    #[arg(short, long = "tag")]
    tags: Vec<String>,

    /// Notes
    #[arg(long, default_value = "")]
    notes: String,

    /// A fact to keep with it; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    meta: Vec<(String, String)>,

    /// The same key returns the experiment that is there, while it is not archived
    #[arg(long)]
    key: Option<String>,

    /// A variable set for the job on top of the present environment; may be given several times
    #[arg(short, long = "env", value_name = "NAME=VALUE", value_parser = pair)]
    env: Vec<(String, String)>,

    /// A config file, whose text is kept with the experiment
    #[arg(long, value_name = "FILE")]
    config: Option<String>,

    /// Set a value: for {key} in the command, else in the config that holds the key, else as --key=value; may be
    /// given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,

    /// Hold it back until it is resumed
    #[arg(long)]
    hold: bool,

    #[command(flatten)]
    needs: Needs,

    #[command(flatten)]
    after: After,

    #[command(flatten)]
    schedule: Schedule,

    #[command(flatten)]
    retries: Retries,

    #[command(flatten)]
    limits: Limits,

    #[command(flatten)]
    many: Many,

    /// Take the command as one line for /bin/sh
    #[arg(long)]
    shell: bool,

    /// The program and its arguments
    #[arg(
        required_unless_present = "from",
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "COMMAND"
    )]
    command: Vec<String>,
}

/// Many experiments at once.
#[derive(Args)]
#[command(next_help_heading = "Many at once")]
struct Many {
    /// Try these values of a key: lr=0.1,0.01 or seed=0..4, or the key of a list in the config; several make a
    /// grid. Values go where those of --set do
    #[arg(long, value_name = "KEY=VALUES")]
    sweep: Vec<String>,

    /// Only so many points of the grid, drawn without repetition
    #[arg(long, value_name = "N", requires = "sweep")]
    sweep_random: Option<u64>,

    /// Draws other points; the same seed draws the same
    #[arg(long, value_name = "S", default_value_t = 0, requires = "sweep_random")]
    seed: u64,

    /// How a value is appended to a command that has no {key}, where no config holds the key
    #[arg(long, value_enum, default_value_t = Style::Flags)]
    sweep_style: Style,

    /// Agree to a large sweep
    #[arg(short, long)]
    yes: bool,

    /// Queue the jobs of a file: JSON lines, a JSON array, or TOML with [[job]]; “-” for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "sweep", "command", "shell", "name", "project", "group", "parallel", "tags", "notes", "meta", "key", "config",
        "set", "hold", "Needs", "After", "Schedule", "Retries", "Limits",
    ])]
    from: Option<PathBuf>,

    /// Only say what would be queued, for a sweep or a file
    #[arg(long)]
    dry_run: bool,
}

/// Queues experiments and prints their uids.
pub fn run(backend: &mut Backend, arguments: Arguments, json: bool) -> Result<ExitCode, Failure> {
    let cwd = working_directory(arguments.cwd.as_deref())?;
    if let Some(file) = &arguments.many.from {
        let mut environment = environment();
        environment.extend(arguments.env);
        return import::queue(backend, file, cwd, environment, arguments.many.dry_run, json);
    }
    let many = arguments.many;
    if many.dry_run && many.sweep.is_empty() {
        return Err(fail(ErrorCode::InvalidInput, "--dry-run is for --sweep and --from"));
    }
    let parallel = arguments.parallel;
    if parallel.is_some() && arguments.group.is_none() && many.sweep.is_empty() {
        return Err(fail(ErrorCode::InvalidInput, "--parallel limits a group: name it with --group"));
    }
    let mut requirements = wire::Requirements::default();
    arguments.needs.put(&mut requirements);
    let mut new = NewExperiment {
        command: command(arguments.command, arguments.shell),
        cwd,
        name: arguments.name,
        project: arguments.project,
        group: arguments.group,
        priority: arguments.priority.into(),
        environment: Some(environment()),
        set: arguments.env.into_iter().collect(),
        config_path: arguments.config,
        config_text: None,
        requirements,
        after: arguments.after.dependencies(),
        wait_for_failed: arguments.after.waits_for_failed(),
        label: None,
        hold: arguments.hold,
        not_before: arguments.schedule.not_before(),
        window: arguments.schedule.window,
        start_by: arguments.schedule.start_by,
        retry: arguments.retries.policy(),
        key: arguments.key,
        user: std::env::var("USER").ok(),
        metadata: arguments.meta.into_iter().collect(),
        tags: arguments.tags,
        notes: arguments.notes,
        time_limit_ms: arguments.limits.time_limit,
        grace_ms: arguments.limits.grace,
    };
    let style: SweepStyle = many.sweep_style.into();
    if !arguments.set.is_empty() {
        let config = match &new.config_path {
            Some(path) => {
                let input = wire::ReadConfig { cwd: new.cwd.clone(), path: path.clone() };
                Some(backend.call::<ReadConfig>(&input)?.text)
            }
            None => None,
        };
        set_values(&mut new, config, &arguments.set, style)?;
    }
    if !many.sweep.is_empty() {
        let request = wire::SweepRequest {
            group: new.group.take(),
            experiment: new,
            sweep: sweep::sweep(&many.sweep, many.sweep_random.map(|count| (count, many.seed)), style)?,
            parallel,
            agreed: None,
        };
        return sweep::run(backend, request, many.dry_run, many.yes, json);
    }
    if let (Some(parallel), Some(group)) = (parallel, &new.group) {
        backend.call::<SetGroup>(&wire::SetGroup { name: group.clone(), parallel: Some(parallel) })?;
    }
    let added = backend.call::<AddExperiments>(&wire::AddExperiments { experiments: vec![new] })?;
    say_added(&added, json)
}

/// A working directory as an absolute path.
pub fn working_directory(given: Option<&std::path::Path>) -> Result<String, Failure> {
    let cwd = match given {
        Some(cwd) => std::path::absolute(cwd),
        None => std::env::current_dir(),
    };
    let cwd =
        cwd.map_err(|cause| fail(ErrorCode::Path, format!("the working directory can't be told: {cause}")))?;
    cwd.into_os_string()
        .into_string()
        .map_err(|text| fail(ErrorCode::InvalidInput, format!("the path {} is not UTF-8", text.display())))
}

/// What the words after the options run.
pub fn command(words: Vec<String>, shell: bool) -> Command {
    match shell {
        true => Command::Shell(words.join(" ")),
        false => Command::Argv(words),
    }
}

/// Puts `--set` values into an experiment with this config, and says what may want a second look.
pub fn set_values(
    new: &mut NewExperiment,
    config: Option<String>,
    set: &[(String, String)],
    style: SweepStyle,
) -> Result<(), Failure> {
    let values: Vec<_> = set.iter().map(|(key, value)| (key.clone(), value.clone().into())).collect();
    for warning in Overrides::new(config, style)?.put(new, &values)? {
        eprintln!("athanor: {warning}");
    }
    Ok(())
}

/// Prints the uids of accepted experiments, and whether they have to wait for an engine.
pub fn say_added(added: &wire::AddedExperiments, json: bool) -> Result<ExitCode, Failure> {
    if json {
        print::json(added)?;
    } else {
        print::lines(added.experiments.iter().map(|experiment| experiment.uid.as_str()))?;
    }
    say_existing(&added.existing, false);
    if !added.engine_running {
        say_no_engine();
    }
    Ok(ExitCode::SUCCESS)
}

/// Says which experiments were there already under their keys.
pub fn say_existing(existing: &[String], dry_run: bool) {
    let nothing = if dry_run { "nothing would be queued for it" } else { "nothing was queued for it" };
    for uid in existing {
        eprintln!("{uid} was there already with this key; {nothing}.");
    }
}

/// Says that what was queued has to wait for an engine.
pub fn say_no_engine() {
    eprintln!("No engine runs: it starts with the next one. Open the window, or run “athanor serve”.");
}
