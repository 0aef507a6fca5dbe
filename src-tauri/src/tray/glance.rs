//! What the tray says of the engine: a picture, a line, a menu. Pure, so that it is compared and not redrawn.

use athanor_api::text;
use athanor_api::tray::{Load, Picture};
use athanor_api::wire::{DeviceSample, EventKind, Experiment, Gpu, Mig, Progress, Push, QueueStats, Status};

use crate::link::Snapshot;

/// The menu names so many running jobs, and GPUs.
const JOBS_MAX: usize = 6;
const GPUS_MAX: usize = 8;

/// Longer names are cut in the menu.
const NAME_MAX: usize = 40;

/// Words of load are rounded to so many percent: what changes with each sample would make the desktop draw an open menu
/// anew all the time.
const WORD_STEP: u32 = 5;

/// What is known of the engine, as far as the tray shows it.
#[derive(Debug, Default)]
pub(super) struct Glance {
    stats: Option<QueueStats>,
    /// What runs, oldest first.
    jobs: Vec<Job>,
    gpus: Vec<GpuLine>,
    /// Failures since the user last looked at the window.
    failed: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Job {
    uid: String,
    name: String,
    percent: Option<u8>,
}

/// A GPU as the tray shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct GpuLine {
    load: Load,
    words: String,
}

/// How the tray is to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Face {
    pub(super) picture: Picture,
    pub(super) tooltip: String,
    /// More of it, a line each.
    pub(super) details: Vec<String>,
    pub(super) menu: Vec<Entry>,
}

/// A line of the menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    Item { act: Act, label: String },
    Separator,
}

/// What a line of the menu does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    Open,
    Devices,
    Queue,
    Job(String),
    Pause(bool),
    Quit,
}

impl Glance {
    /// The engine answers, and this is how things are.
    pub(super) fn opened(&mut self, snapshot: &Snapshot) {
        self.stats = Some(snapshot.stats.clone());
        self.jobs = snapshot.active.iter().map(job).collect();
    }

    /// Something happened. `seen`: the user has the window before their eyes.
    pub(super) fn heard(&mut self, push: &Push, seen: bool) {
        match push {
            Push::QueueUpdate { event, experiment, stats } => {
                self.stats = Some(stats.clone());
                if let Some(experiment) = experiment {
                    self.take(experiment);
                }
                if event.what == EventKind::Failed && !seen {
                    self.failed += 1;
                }
            }
            Push::RunUpdate { uid, progress, .. } => {
                if let Some(job) = self.jobs.iter_mut().find(|job| job.uid == *uid) {
                    job.percent = percent(progress.as_ref());
                }
            }
            Push::DeviceUpdate { sample } => self.gpus = gpus(sample),
            Push::SettingsUpdate { stats, .. } => self.stats = Some(stats.clone()),
            Push::EngineStopped {} => {
                (self.stats, self.jobs, self.gpus) = (None, Vec::new(), Vec::new());
            }
            _ => {}
        }
    }

    fn take(&mut self, experiment: &Experiment) {
        let active = matches!(experiment.status, Status::Running | Status::Paused);
        let known = self.jobs.iter().position(|known| known.uid == experiment.uid);
        match (active, known) {
            (true, Some(at)) => self.jobs[at] = job(experiment),
            (true, None) => self.jobs.push(job(experiment)),
            (false, Some(at)) => drop(self.jobs.remove(at)),
            (false, None) => {}
        }
    }

    /// The user looks at the window.
    pub(super) fn looked(&mut self) {
        self.failed = 0;
    }

    /// How the tray is to look now.
    pub(super) fn face(&self) -> Face {
        let running = self.stats.as_ref().map_or(0, |stats| stats.running + stats.paused);
        let paused = self.stats.as_ref().is_some_and(|stats| stats.queue_paused);
        let loads: Vec<Load> = self.gpus.iter().map(|gpu| gpu.load).collect();
        Face {
            picture: Picture::new(&loads, running, paused, self.failed > 0),
            tooltip: self.tooltip(running, paused),
            details: self.gpu_words(),
            menu: self.menu(running, paused),
        }
    }

    fn tooltip(&self, running: u64, paused: bool) -> String {
        let Some(stats) = &self.stats else { return "Athanor: no engine".into() };
        let mut parts = Vec::new();
        if running > 0 {
            parts.push(format!("{running} running"));
        }
        let waiting = stats.pending + stats.queued;
        if waiting > 0 {
            parts.push(format!("{waiting} waiting"));
        }
        if parts.is_empty() {
            parts.push("nothing runs".into());
        }
        if paused {
            parts.push("queue paused".into());
        }
        if self.failed > 0 {
            parts.push(format!("{} failed", self.failed));
        }
        format!("Athanor: {}", parts.join(", "))
    }

    /// A line for each GPU, and one for those that are too many.
    fn gpu_words(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.gpus.iter().take(GPUS_MAX).map(|gpu| gpu.words.clone()).collect();
        match self.gpus.len().saturating_sub(GPUS_MAX) {
            0 => {}
            1 => lines.push("… and 1 more GPU".into()),
            more => lines.push(format!("… and {more} more GPUs")),
        }
        lines
    }

    fn menu(&self, running: u64, paused: bool) -> Vec<Entry> {
        let item = |act, label: String| Entry::Item { act, label: escaped(&label) };
        let mut menu = vec![item(Act::Open, "Open Athanor".into()), Entry::Separator];
        let gpus = self.gpu_words();
        if !gpus.is_empty() {
            menu.extend(gpus.into_iter().map(|words| item(Act::Devices, words)));
            menu.push(Entry::Separator);
        }
        for job in self.jobs.iter().take(JOBS_MAX) {
            menu.push(item(Act::Job(job.uid.clone()), label(job)));
        }
        // The queue may know of more than were asked for.
        let known = u64::try_from(self.jobs.len().min(JOBS_MAX)).unwrap_or(0);
        let more = running.saturating_sub(known);
        if more > 0 && known > 0 {
            menu.push(item(Act::Queue, format!("… and {more} more")));
        }
        if !self.jobs.is_empty() {
            menu.push(Entry::Separator);
        }
        if self.stats.is_some() {
            let words = if paused { "Resume queue" } else { "Pause queue" };
            menu.push(item(Act::Pause(!paused), words.into()));
        }
        let quit = match running {
            0 => "Quit".into(),
            1 => "Quit (1 running job goes on)".into(),
            many => format!("Quit ({many} running jobs go on)"),
        };
        menu.push(item(Act::Quit, quit));
        menu
    }
}

fn gpus(sample: &DeviceSample) -> Vec<GpuLine> {
    // A divided GPU is one piece of hardware with one utilisation, or none.
    let whole = sample.gpus.list.iter().filter(|gpu| !matches!(gpu.mig, Mig::Instance { .. }));
    whole.map(gpu_line).collect()
}

fn gpu_line(gpu: &Gpu) -> GpuLine {
    if gpu.fault.is_some() {
        return GpuLine { load: Load::default(), words: format!("GPU {}  does not answer", gpu.index) };
    }
    let memory = match (gpu.memory_used.value(), gpu.memory_total.value()) {
        (Some(used), Some(total)) if *total > 0 => Some((*used, *total)),
        _ => None,
    };
    let of_memory = memory.map(|(used, total)| {
        let percent = u128::from(used.min(total)) * 100 / u128::from(total);
        u8::try_from(percent).unwrap_or(100)
    });
    let utilisation = gpu.utilisation.value().map(|percent| u8::try_from(*percent).unwrap_or(100).min(100));
    let mut parts = vec![gpu.name.clone()];
    if let Some(percent) = gpu.utilisation.value() {
        parts.push(format!("{} %", percent.div_ceil(WORD_STEP) * WORD_STEP));
    }
    if let Some((used, total)) = memory {
        // To a half of a GiB, for the same reason.
        let step = 1_u64 << 29;
        parts.push(format!("{} of {}", text::bytes(used.div_ceil(step) * step), text::bytes(total)));
    }
    let words = format!("GPU {}  {}", gpu.index, parts.join(", "));
    GpuLine { load: Load { utilisation, memory: of_memory }, words }
}

fn job(experiment: &Experiment) -> Job {
    Job {
        uid: experiment.uid.clone(),
        name: experiment.name.clone(),
        percent: percent(experiment.progress.as_ref()),
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0 to 100")]
fn percent(progress: Option<&Progress>) -> Option<u8> {
    progress?.fraction.map(|fraction| (fraction.clamp(0.0, 1.0) * 100.0).floor() as u8)
}

/// A job's line: its name, which may be of any form, and how far it is.
fn label(job: &Job) -> String {
    let mut name: String = job.name.chars().take(NAME_MAX).collect();
    if job.name.chars().count() > NAME_MAX {
        name.push('…');
    }
    match job.percent {
        Some(percent) => format!("{name}  {percent} %"),
        None => name,
    }
}

/// A lone underscore marks the letter to press.
fn escaped(label: &str) -> String {
    label.replace('_', "__")
}

#[cfg(test)]
mod tests {
    use athanor_api::wire::Event;

    use super::*;

    fn experiment(uid: &str, status: &str) -> Experiment {
        let mut experiment = crate::sample::experiment(uid, &format!("name of {uid}"), status);
        experiment.started_at = Some(0);
        experiment
    }

    fn push(what: EventKind, experiment: Experiment, running: u64, queued: u64) -> Push {
        Push::QueueUpdate {
            event: Event {
                cursor: 1,
                at: 0,
                what,
                uid: Some(experiment.uid.clone()),
                attempt: None,
                message: String::new(),
            },
            experiment: Some(Box::new(experiment)),
            stats: QueueStats { running, queued, ..QueueStats::default() },
        }
    }

    fn labels(face: &Face) -> Vec<&str> {
        face.menu
            .iter()
            .map(|entry| match entry {
                Entry::Item { label, .. } => label.as_str(),
                Entry::Separator => "-",
            })
            .collect()
    }

    fn device(gpus: &[(u32, u64)]) -> Push {
        Push::DeviceUpdate { sample: Box::new(crate::sample::device(gpus)) }
    }

    #[test]
    fn the_tray_follows_the_queue() {
        let mut glance = Glance::default();
        assert_eq!(glance.face().tooltip, "Athanor: no engine");
        assert_eq!(labels(&glance.face()), ["Open Athanor", "-", "Quit"]);

        glance.heard(&push(EventKind::Started, experiment("a", "running"), 1, 2), false);
        assert_eq!(glance.face().tooltip, "Athanor: 1 running, 2 waiting");
        let progress = Progress {
            fraction: Some(0.429),
            current: Some(3),
            total: Some(7),
            unit: athanor_api::wire::ProgressUnit::Epoch,
        };
        glance.heard(
            &Push::RunUpdate {
                uid: "a".into(),
                keys: Vec::new(),
                metrics: Vec::new(),
                progress: Some(progress),
            },
            false,
        );
        assert_eq!(
            labels(&glance.face()),
            ["Open Athanor", "-", "name of a  42 %", "-", "Pause queue", "Quit (1 running job goes on)"]
        );

        glance.heard(&push(EventKind::Failed, experiment("a", "failed"), 0, 0), false);
        assert_eq!(glance.face().tooltip, "Athanor: nothing runs, 1 failed");
        assert_eq!(glance.face().picture, Picture::new(&[], 0, false, true));
        glance.looked();
        assert_eq!(glance.face().picture, Picture::new(&[], 0, false, false));
        assert_eq!(labels(&glance.face()), ["Open Athanor", "-", "Pause queue", "Quit"]);
    }

    #[test]
    fn a_failure_before_the_users_eyes_is_not_marked() {
        let mut glance = Glance::default();
        glance.heard(&push(EventKind::Failed, experiment("a", "failed"), 0, 0), true);
        assert_eq!(glance.face().picture, Picture::new(&[], 0, false, false));
    }

    #[test]
    fn gpus_have_a_line_each_that_changes_with_what_can_be_seen() {
        let mut glance = Glance::default();
        glance.heard(&device(&[(42, 10 << 30), (0, 1 << 20)]), false);
        let face = glance.face();
        assert_eq!(
            labels(&face)[2..5],
            [
                "GPU 0  NVIDIA A100, 45 %, 10.0 GiB of 80.0 GiB",
                "GPU 1  NVIDIA A100, 0 %, 512 MiB of 80.0 GiB",
                "-"
            ]
        );
        assert_eq!(face.details.len(), 2);
        let load = |utilisation, memory| Load { utilisation: Some(utilisation), memory: Some(memory) };
        assert_eq!(face.picture, Picture::new(&[load(42, 12), load(0, 0)], 0, false, false));
        glance.heard(&device(&[(43, (10 << 30) - 4096), (0, 2 << 20)]), false);
        assert_eq!(glance.face(), face, "nobody would see the difference");
        glance.heard(&device(&[(80, 10 << 30), (0, 1 << 20)]), false);
        assert_ne!(glance.face(), face);
        glance.heard(&device(&[(0, 0); 11]), false);
        assert_eq!(glance.face().details[8], "… and 3 more GPUs");
        glance.heard(&Push::EngineStopped {}, false);
        assert_eq!(glance.face().details, [""; 0]);
    }

    #[test]
    fn more_jobs_than_fit_are_counted() {
        let mut glance = Glance::default();
        for number in 1..=9 {
            glance.heard(
                &push(EventKind::Started, experiment(&number.to_string(), "running"), number, 0),
                false,
            );
        }
        let face = glance.face();
        let labels = labels(&face);
        assert_eq!(
            labels[2..10],
            [
                "name of 1",
                "name of 2",
                "name of 3",
                "name of 4",
                "name of 5",
                "name of 6",
                "… and 3 more",
                "-"
            ]
        );
        assert_eq!(labels.last(), Some(&"Quit (9 running jobs go on)"));
    }

    #[test]
    fn names_of_any_form_fit_the_menu() {
        let label_of = |name: &str| label(&Job { uid: String::new(), name: name.into(), percent: None });
        assert_eq!(escaped("lr_0.1 & more"), "lr__0.1 & more");
        assert_eq!(label_of(&"é".repeat(60)).chars().count(), NAME_MAX + 1);
    }
}
