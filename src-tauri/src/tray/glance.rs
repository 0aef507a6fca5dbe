//! What the tray says of the engine: a picture, a line, a menu. Pure, so that it is compared and not redrawn.

use athanor_api::wire::{EventKind, Experiment, Progress, Push, QueueStats, Status};

use super::icon::Picture;
use crate::link::Snapshot;

/// The menu names so many running jobs.
const JOBS_MAX: usize = 5;

/// Longer names are cut in the menu.
const NAME_MAX: usize = 40;

/// What is known of the engine, as far as the tray shows it.
#[derive(Debug, Default)]
pub(super) struct Glance {
    stats: Option<QueueStats>,
    /// What runs, oldest first.
    jobs: Vec<Job>,
    /// Failures since the user last looked at the window.
    failed: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Job {
    uid: String,
    name: String,
    percent: Option<u8>,
}

/// How the tray is to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Face {
    pub(super) picture: Picture,
    pub(super) tooltip: String,
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
    Job(String),
    Pause(bool),
    Quit,
}

impl Act {
    /// The name that the toolkit knows it by.
    pub(super) fn id(&self) -> String {
        match self {
            Self::Open => "open".into(),
            Self::Job(uid) => format!("job:{uid}"),
            Self::Pause(true) => "pause".into(),
            Self::Pause(false) => "resume".into(),
            Self::Quit => "quit".into(),
        }
    }

    /// The reverse of [`Act::id`].
    pub(super) fn of(id: &str) -> Option<Self> {
        Some(match id {
            "open" => Self::Open,
            "pause" => Self::Pause(true),
            "resume" => Self::Pause(false),
            "quit" => Self::Quit,
            _ => Self::Job(id.strip_prefix("job:")?.to_owned()),
        })
    }
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
            Push::SettingsUpdate { stats, .. } => self.stats = Some(stats.clone()),
            Push::EngineStopped {} => (self.stats, self.jobs) = (None, Vec::new()),
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
        let picture = Picture::new(running, paused, self.failed > 0);
        Face { picture, tooltip: self.tooltip(running, paused), menu: self.menu(running, paused) }
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

    fn menu(&self, running: u64, paused: bool) -> Vec<Entry> {
        let item = |act, label: String| Entry::Item { act, label };
        let mut menu = vec![item(Act::Open, "Open Athanor".into()), Entry::Separator];
        for job in self.jobs.iter().take(JOBS_MAX) {
            menu.push(item(Act::Job(job.uid.clone()), label(job)));
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
    // A lone & marks the letter to press.
    let name = name.replace('&', "&&");
    match job.percent {
        Some(percent) => format!("{name}  {percent} %"),
        None => name,
    }
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
        assert_eq!(glance.face().picture, Picture::new(0, false, true));
        glance.looked();
        assert_eq!(glance.face().picture, Picture::new(0, false, false));
        assert_eq!(labels(&glance.face()), ["Open Athanor", "-", "Pause queue", "Quit"]);
    }

    #[test]
    fn a_failure_before_the_users_eyes_is_not_marked() {
        let mut glance = Glance::default();
        glance.heard(&push(EventKind::Failed, experiment("a", "failed"), 0, 0), true);
        assert_eq!(glance.face().picture, Picture::new(0, false, false));
    }

    #[test]
    fn names_of_any_form_fit_the_menu() {
        let label_of = |name: &str| label(&Job { uid: String::new(), name: name.into(), percent: None });
        assert_eq!(label_of("train & test"), "train && test");
        assert_eq!(label_of(&"é".repeat(60)).chars().count(), NAME_MAX + 1);
    }

    #[test]
    fn acts_keep_their_meaning_through_the_toolkit() {
        for act in [Act::Open, Act::Job("quit".into()), Act::Pause(true), Act::Pause(false), Act::Quit] {
            assert_eq!(Act::of(&act.id()), Some(act));
        }
        assert_eq!(Act::of("else"), None);
    }
}
