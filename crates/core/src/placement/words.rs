//! Why a job waits, as data and in words.

use serde::{Deserialize, Serialize};

use crate::requirements::gpus;
use crate::text;

/// Why a waiting experiment does not start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum WaitReason {
    /// The user paused the queue.
    QueuePaused,
    /// No engine runs that could start it.
    NoEngine,
    /// It states no needs, and as many such jobs run as may run at once.
    SlotsTaken {
        /// Jobs that hold a slot.
        running: u32,
        /// Jobs that may hold one.
        slots: u32,
        /// Waiting jobs that come before this one.
        ahead: u32,
    },
    /// As many jobs run as may run at once in all.
    RunningLimit {
        /// Jobs that run.
        running: u32,
        /// Jobs that may run.
        limit: u32,
        /// Waiting jobs that come before this one.
        ahead: u32,
    },
    /// As many jobs of its group run as may.
    GroupLimit {
        /// The group.
        group: String,
        /// Jobs of it that run.
        running: u32,
        /// Jobs of it that may run.
        limit: u32,
    },
    /// As many jobs of its project run as may.
    ProjectLimit {
        /// The project.
        project: String,
        /// Jobs of it that run.
        running: u32,
        /// Jobs of it that may run.
        limit: u32,
    },
    /// There would be room on GPUs, but as many jobs are on them as may be.
    GpuLimit {
        /// Jobs that may be on one GPU.
        limit: u32,
    },
    /// GPUs are missing. The GPUs counted here are those that could serve it at all.
    Gpus {
        /// How many it needs.
        wanted: u32,
        /// Bytes that it needs on each.
        memory: Option<u64>,
        /// The model that it asks for.
        model: Option<String>,
        /// How many it could use now.
        free: u32,
        /// The indices of those that our own jobs use.
        in_use: Vec<u32>,
        /// The indices of those that are used by others.
        foreign: Vec<u32>,
        /// Those that can't be used, each with its reason.
        unavailable: Vec<Unavailable>,
        /// Where it could share: the most memory, in bytes, that is free on one of those in use.
        most_free: Option<u64>,
    },
    /// CPU cores are missing.
    Cores {
        /// Cores that it needs.
        wanted: u32,
        /// Cores that are free.
        free: u32,
        /// Cores of the machine.
        total: u32,
    },
    /// Host memory is missing.
    Memory {
        /// Bytes that it needs.
        wanted: u64,
        /// Bytes that are free.
        free: u64,
        /// Bytes of the machine.
        total: u64,
    },
    /// Disk is missing.
    Disk {
        /// Bytes that it needs.
        wanted: u64,
        /// Bytes that are free and not promised to others.
        free: u64,
    },
    /// There is room, but a larger job that comes first would have to wait longer.
    WouldDelay {
        /// The larger job.
        name: String,
        /// When that one starts, in milliseconds UTC, if it can be told.
        at: Option<i64>,
    },
    /// Nothing stands in the way.
    Next,
    /// This machine can never meet its requirements.
    Impossible {
        /// What is missing, as a sentence.
        message: String,
    },
    /// The user holds it.
    Held,
    /// It waits for other experiments.
    Dependency {
        /// Their names.
        names: Vec<String>,
    },
    /// It is not to start before a moment.
    NotBefore {
        /// Milliseconds UTC.
        at: i64,
    },
    /// It runs only in a window of the week.
    Window {
        /// The window.
        name: String,
        /// When it opens, in milliseconds UTC, if it ever does.
        opens_at: Option<i64>,
    },
    /// It failed and is tried again.
    RetryAt {
        /// Milliseconds UTC.
        at: i64,
        /// The number of the retry, from 1.
        number: u32,
    },
}

/// A GPU that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unavailable {
    /// The number that people know it by.
    pub index: u32,
    /// Why.
    pub reason: String,
}

impl WaitReason {
    /// The reason in words, with moments as seen from `now_ms` (milliseconds UTC): “in about 2 h”. Right for a line
    /// that is written anew whenever it is looked at.
    #[must_use]
    pub fn words_at(&self, now_ms: i64) -> String {
        self.words_with(|at| from_now(at, now_ms))
    }

    /// The reason in words. `moment` says a time in milliseconds UTC so that it can follow “starts”: “at 14:30” in
    /// the user's zone, which core does not know.
    #[must_use]
    pub fn words_with(&self, moment: impl Fn(i64) -> String) -> String {
        match self {
            Self::QueuePaused => "The queue is paused".into(),
            Self::NoEngine => "Starts with the next engine".into(),
            Self::SlotsTaken { running, slots, ahead } => {
                let place = place(*ahead);
                if *slots == 0 {
                    return format!("No job may run at present (jobs at once: 0), {place}");
                }
                format!("{running} of {slots} {} taken, {place}", if *slots == 1 { "slot" } else { "slots" })
            }
            Self::RunningLimit { running, limit, ahead } => {
                let place = place(*ahead);
                if *limit == 0 {
                    return format!("No job may run at present (limit for all jobs: 0), {place}");
                }
                format!("{running} of {limit} {} running, {place}", if *limit == 1 { "job" } else { "jobs" })
            }
            Self::GroupLimit { group, running, limit } => limited("Group", group, *running, *limit),
            Self::ProjectLimit { project, running, limit } => limited("Project", project, *running, *limit),
            Self::GpuLimit { limit: 0 } => "No job may use a GPU at present (jobs on a GPU: 0)".into(),
            Self::GpuLimit { limit: 1 } => "Waits for a GPU with no other job: the limit is 1".into(),
            Self::GpuLimit { limit } => {
                format!("Waits for a GPU with fewer than {limit} jobs: that is the limit")
            }
            Self::Gpus { .. } => self.gpu_words(),
            Self::Cores { wanted, free, total } => {
                let unit = if *wanted == 1 { "core" } else { "cores" };
                format!("Waits for {wanted} {unit}: {free} of {total} {} free", is(*free))
            }
            Self::Memory { wanted, free, total } => format!(
                "Waits for {} of memory: {} of {} is free",
                text::bytes(*wanted),
                text::bytes(*free),
                text::bytes(*total)
            ),
            Self::Disk { wanted, free } => {
                format!("Waits for {} of disk: {} is free", text::bytes(*wanted), text::bytes(*free))
            }
            Self::WouldDelay { name, at: Some(at) } => {
                format!("Would delay {name}, which starts {}", moment(*at))
            }
            Self::WouldDelay { name, at: None } => format!("Would delay {name}, which comes first"),
            Self::Next => "Next to start".into(),
            Self::Impossible { message } => format!("No machine here can meet this: {message}"),
            Self::Held => "Held until it is released".into(),
            Self::Dependency { names } => match names.as_slice() {
                [] => "Waits for another experiment".into(),
                [one] => format!("Waits for {one}"),
                [one, two] => format!("Waits for {one} and {two}"),
                [one, two, rest @ ..] => format!("Waits for {one}, {two} and {} more", rest.len()),
            },
            Self::NotBefore { at } => format!("Starts {} at the earliest", moment(*at)),
            Self::Window { name, opens_at: Some(at) } => {
                format!("Runs only in “{name}”: opens {}", moment(*at))
            }
            Self::Window { name, opens_at: None } => format!("Runs only in “{name}”, which never opens"),
            Self::RetryAt { at, number } => format!("Retry {number} starts {}", moment(*at)),
        }
    }

    fn gpu_words(&self) -> String {
        let Self::Gpus { wanted, memory, model, free, in_use, foreign, unavailable, most_free } = self else {
            return String::new();
        };
        let mut what = match model {
            Some(model) if *wanted == 1 => format!("a GPU of model {model}"),
            Some(model) => format!("{wanted} GPUs of model {model}"),
            None => gpus(*wanted),
        };
        if let Some(memory) = memory {
            what = format!("{what} with {} free", text::bytes(*memory));
        }
        let all = *free as usize + in_use.len() + foreign.len() + unavailable.len();
        let mut parts = Vec::new();
        if *free > 0 {
            parts.push(format!("{free} {} free", is(*free)));
        }
        match most_free {
            Some(most) if *free == 0 && !in_use.is_empty() => {
                parts.push(format!("at most {} is", text::bytes(*most)));
            }
            _ if *free == 0 => parts.extend(used(in_use, all, "in use")),
            _ => {}
        }
        parts.extend(used(foreign, all, "used by others"));
        for gpu in unavailable {
            parts.push(format!("GPU {} can't be used ({})", gpu.index, gpu.reason));
        }
        format!("Waits for {what}: {}", parts.join(", "))
    }
}

/// `GPU 1 is used by others`, `both are in use`, `all 4 are in use`; nothing for no GPU.
fn used(indices: &[u32], all: usize, how: &str) -> Option<String> {
    match indices {
        [] => None,
        [one] => Some(format!("GPU {one} is {how}")),
        [_, _] if all == 2 => Some(format!("both are {how}")),
        [one, two] => Some(format!("GPUs {one} and {two} are {how}")),
        more if more.len() == all => Some(format!("all {all} are {how}")),
        more => Some(format!("{} are {how}", more.len())),
    }
}

fn is(count: u32) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

fn place(ahead: u32) -> String {
    if ahead == 0 { "next to start".into() } else { format!("{ahead} ahead of it") }
}

fn limited(what: &str, name: &str, running: u32, limit: u32) -> String {
    if limit == 0 {
        format!("{what} {name}: no job may run (limit 0)")
    } else {
        format!("{what} {name}: {running} of {limit} running")
    }
}

/// A moment as seen from now, so roughly that it needs no correction while it is read: “in about 2 h”.
fn from_now(at: i64, now: i64) -> String {
    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    let ms = at.saturating_sub(now);
    let in_units = |unit: i64, name: &str| format!("in about {} {name}", (ms + unit / 2) / unit);
    match ms {
        ..=0 => "any moment".into(),
        1..MINUTE => "in less than a minute".into(),
        _ if ms < 90 * MINUTE => in_units(MINUTE, "min"),
        _ if ms < 2 * DAY => in_units(HOUR, "h"),
        _ => in_units(DAY, "days"),
    }
}
