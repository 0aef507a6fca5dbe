//! Options that several commands share, and how they become what the engine takes.

pub mod transfer;
pub mod values;
pub mod windows;

use std::collections::BTreeMap;

use athanor_api::transfer::{dependency, implied_gpus};
use athanor_api::wire::{
    Condition, Dependency, FailureReason, Priority, Requirements, RetryPolicy, SweepStyle,
};
use clap::{Args, ValueEnum};

use values::{duration, moment, size};

/// How soon it runs.
#[derive(Clone, Copy, ValueEnum)]
pub enum Soon {
    /// Before all others
    Urgent,
    /// Before normal ones
    High,
    /// In the order of submission
    Normal,
    /// After all others
    Low,
}

impl From<Soon> for Priority {
    fn from(soon: Soon) -> Self {
        match soon {
            Soon::Urgent => Self::Urgent,
            Soon::High => Self::High,
            Soon::Normal => Self::Normal,
            Soon::Low => Self::Low,
        }
    }
}

/// What a job needs.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "What it needs (a job that says nothing takes one slot)")]
pub struct Needs {
    /// How many GPUs; a job that asks for none sees none
    #[arg(long, value_name = "N")]
    gpus: Option<u32>,

    /// Memory on each of its GPUs, such as 10GiB; it shares them with others unless --exclusive
    #[arg(long, value_name = "SIZE", value_parser = size)]
    gpu_mem: Option<u64>,

    /// A part of the GPU model's name, such as A100
    #[arg(long, value_name = "NAME")]
    gpu_model: Option<String>,

    /// Only this GPU, by its uuid or the beginning of it; may be given several times
    #[arg(long = "gpu", value_name = "UUID", value_delimiter = ',')]
    gpu_uuids: Vec<String>,

    /// Nobody else may be on its GPUs; so it is anyway unless --gpu-mem is given
    #[arg(long, conflicts_with = "shared")]
    exclusive: bool,

    /// Others may be on its GPUs
    #[arg(long)]
    shared: bool,

    /// CPU cores
    #[arg(long, value_name = "N")]
    cpus: Option<u32>,

    /// Host memory, such as 32GiB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    memory: Option<u64>,

    /// Free space on the disk of its working directory at the start
    #[arg(long, value_name = "SIZE", value_parser = size)]
    disk: Option<u64>,

    /// How long it will run, such as 3h; lets it start before larger ones that wait
    #[arg(long, value_name = "TIME", value_parser = duration)]
    estimate: Option<u64>,
}

impl Needs {
    /// Whether any of them was given.
    pub fn given(&self) -> bool {
        let mut needs = Requirements::default();
        self.put(&mut needs);
        needs != Requirements::default() || self.gpus.is_some()
    }

    /// Puts what was given in place of what is there.
    pub fn put(&self, needs: &mut Requirements) {
        if self.gpus == Some(0) {
            needs.gpu_memory = None;
            needs.gpu_model = None;
            needs.gpu_uuids = Vec::new();
            needs.gpu_exclusive = None;
        }
        needs.gpu_memory = self.gpu_mem.or(needs.gpu_memory);
        needs.gpu_model = self.gpu_model.clone().or_else(|| needs.gpu_model.take());
        if !self.gpu_uuids.is_empty() {
            needs.gpu_uuids.clone_from(&self.gpu_uuids);
        }
        if self.exclusive || self.shared {
            needs.gpu_exclusive = Some(self.exclusive);
        }
        needs.cpu_cores = self.cpus.or(needs.cpu_cores);
        needs.memory = self.memory.or(needs.memory);
        needs.disk = self.disk.or(needs.disk);
        needs.estimated_ms = self.estimate.or(needs.estimated_ms);
        // Who says what a GPU should be like, and not how many, wants one; or those that were named.
        needs.gpus = match self.gpus {
            Some(gpus) => gpus,
            None if self.gpu_uuids.is_empty() => needs.gpus.max(implied_gpus(needs)),
            None => implied_gpus(needs),
        };
    }
}

/// What must come first.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "After others")]
pub struct After {
    /// Wait for this experiment; several with commas, or given several times. any:UID and failure:UID give one of
    /// them a condition of its own
    #[arg(long, value_name = "UID", value_delimiter = ',')]
    after: Vec<String>,

    /// Wait for their end, however it comes, instead of their success
    #[arg(long, requires = "after", conflicts_with = "after_failure")]
    any_end: bool,

    /// Run only if they failed, were cancelled or expired
    #[arg(long, requires = "after")]
    after_failure: bool,

    /// Wait on when one of them can't be met any more (it may be retried), instead of failing
    #[arg(long)]
    wait_for_failed: bool,
}

impl After {
    /// The dependencies, if any were given.
    pub fn dependencies(&self) -> Vec<Dependency> {
        let usual = match (self.any_end, self.after_failure) {
            (true, _) => Condition::Any,
            (_, true) => Condition::Failure,
            _ => Condition::Success,
        };
        let of = |text: &String| match dependency(text) {
            // No condition of its own.
            plain if plain.uid == *text => Dependency { when: usual, ..plain },
            own => own,
        };
        self.after.iter().map(of).collect()
    }

    /// Whether it waits on when one can't be met any more.
    pub fn waits_for_failed(&self) -> bool {
        self.wait_for_failed
    }
}

/// When it may start.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "When it may start")]
pub struct Schedule {
    /// Not before this moment: 22:00 (the next time), +2h, tomorrow 8:00, or “2026-11-22 08:30”
    #[arg(long, value_name = "MOMENT", value_parser = moment, conflicts_with = "delay")]
    not_before: Option<i64>,

    /// Not before so long from now, such as 10m
    #[arg(long, value_name = "TIME", value_parser = duration)]
    delay: Option<u64>,

    /// Only in this window of the week, such as nights or weekends (see “athanor settings”)
    #[arg(long, value_name = "NAME")]
    pub window: Option<String>,

    /// Expire if it has not started by then
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    pub start_by: Option<i64>,
}

impl Schedule {
    /// It does not start before this, UTC milliseconds.
    pub fn not_before(&self) -> Option<i64> {
        let later = |ms| values::now().saturating_add(i64::try_from(ms).unwrap_or(i64::MAX));
        self.not_before.or_else(|| self.delay.map(later))
    }
}

/// What is done after a failure.
#[derive(Debug, Default, Args)]
#[command(
    next_help_heading = "After a failure (if nothing is said, it is retried when it was lost, up to 3 times)"
)]
pub struct Retries {
    /// Retry it so many times; 0 for never
    #[arg(long, value_name = "N")]
    retries: Option<u32>,

    /// Before the first retry; doubles with each. 30s if absent
    #[arg(long, value_name = "TIME", value_parser = duration, requires = "retries")]
    backoff: Option<u64>,

    /// Only after these failures; several with commas
    #[arg(long, value_name = "REASON", value_delimiter = ',', requires = "retries")]
    retry_on: Vec<Reason>,
}

/// Why an experiment failed.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Reason {
    ExitCode,
    Signal,
    OutOfMemory,
    CouldNotStart,
    Lost,
    TimeLimit,
    DiskFull,
}

impl From<Reason> for FailureReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::ExitCode => Self::ExitCode,
            Reason::Signal => Self::Signal,
            Reason::OutOfMemory => Self::OutOfMemory,
            Reason::CouldNotStart => Self::CouldNotStart,
            Reason::Lost => Self::Lost,
            Reason::TimeLimit => Self::TimeLimit,
            Reason::DiskFull => Self::DiskFull,
        }
    }
}

impl Retries {
    /// The policy, if one was given.
    pub fn policy(&self) -> Option<RetryPolicy> {
        let reasons: Vec<FailureReason> = self.retry_on.iter().copied().map(Into::into).collect();
        Some(RetryPolicy {
            limit: self.retries?,
            delay_ms: self.backoff,
            reasons: (!reasons.is_empty()).then_some(reasons),
        })
    }
}

/// How long it may run.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "How long it may run")]
pub struct Limits {
    /// Longest time that it may run, such as 90s, 30m, 12h, 2d
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub time_limit: Option<u64>,

    /// From SIGTERM to SIGKILL when it is cancelled; 10s if absent
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub grace: Option<u64>,
}

/// How values reach a command.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub enum Style {
    /// --key=value
    #[default]
    Flags,
    /// key=value
    Hydra,
}

impl From<Style> for SweepStyle {
    fn from(style: Style) -> Self {
        match style {
            Style::Flags => Self::Flags,
            Style::Hydra => Self::Hydra,
        }
    }
}

/// The variables of the present environment, as a job that was started here by hand would have them. Those that are
/// not UTF-8 can't be passed on and are left out.
pub fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct All {
        #[command(flatten)]
        needs: Needs,
        #[command(flatten)]
        after: After,
        #[command(flatten)]
        schedule: Schedule,
        #[command(flatten)]
        retries: Retries,
    }

    fn parse(line: &str) -> Result<All, String> {
        let words = std::iter::once("test").chain(line.split_whitespace());
        All::try_parse_from(words).map_err(|error| error.to_string())
    }

    fn needs(line: &str) -> Requirements {
        let mut needs = Requirements::default();
        parse(line).expect(line).needs.put(&mut needs);
        needs
    }

    #[test]
    fn who_describes_a_gpu_asks_for_one() {
        assert_eq!(needs("").gpus, 0);
        assert_eq!(needs("--gpu-mem 10GiB").gpus, 1);
        assert_eq!(needs("--gpu-model A100 --gpus 2").gpus, 2);
        assert_eq!(needs("--gpu GPU-1,GPU-2").gpus, 2);
        assert_eq!(needs("--gpu GPU-1 --gpu GPU-2 --gpus 1").gpus, 1);
        assert_eq!(needs("--shared").gpu_exclusive, Some(false));
        assert_eq!(needs("--cpus 8 --memory 32GiB --disk 50G --estimate 3h").memory, Some(32 << 30));
        assert!(parse("--shared --exclusive").is_err());
    }

    #[test]
    fn a_change_leaves_what_it_does_not_name() {
        let mut there = needs("--gpus 2 --gpu-mem 10GiB --cpus 4");
        parse("--cpus 8").expect("parses").needs.put(&mut there);
        assert_eq!((there.gpus, there.gpu_memory, there.cpu_cores), (2, Some(10 << 30), Some(8)));
        parse("--gpus 0").expect("parses").needs.put(&mut there);
        assert_eq!((there.gpus, there.gpu_memory, there.cpu_cores), (0, None, Some(8)));
        assert!(parse("--gpus 0").expect("parses").needs.given());
        assert!(!parse("").expect("parses").needs.given());
    }

    #[test]
    fn dependencies_have_a_condition() {
        let of = |line: &str| parse(line).expect(line).after.dependencies();
        let when = |uid: &str, when| Dependency { uid: uid.into(), when };
        assert_eq!(of("--after a,b --after c").len(), 3);
        assert_eq!(of("--after a"), [when("a", Condition::Success)]);
        assert_eq!(
            of("--after a,failure:b --any-end"),
            [when("a", Condition::Any), when("b", Condition::Failure)]
        );
        assert_eq!(of("--after a --after-failure"), [when("a", Condition::Failure)]);
        assert!(parse("--any-end").is_err());
        assert!(parse("--after a --any-end --after-failure").is_err());
    }

    #[test]
    fn retries_need_their_number() {
        assert!(parse("--backoff 30s").is_err());
        let policy =
            parse("--retries 3 --backoff 30s --retry-on exit_code,lost").expect("parses").retries.policy();
        assert_eq!(
            policy,
            Some(RetryPolicy {
                limit: 3,
                delay_ms: Some(30_000),
                reasons: Some(vec![FailureReason::ExitCode, FailureReason::Lost])
            })
        );
        assert!(parse("--retries 3 --retry-on rain").is_err());
        assert!(parse("--retries -1").is_err());
    }

    #[test]
    fn a_delay_counts_from_now() {
        let schedule = parse("--delay 10m").expect("parses").schedule;
        let ahead = schedule.not_before().expect("set") - values::now();
        assert!((599_000..=600_000).contains(&ahead), "{ahead}");
        assert!(parse("--delay 10m --not-before 22:00").is_err());
    }
}
