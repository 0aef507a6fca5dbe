//! What the user is told of, when, and in which words.
//!
//! Rules only: who reads events and samples, keeps notifications and shows them is the engine and the shell.
//!
//! - [`Settings`]: which kinds, which projects, when it is quiet, and from where on a machine is in trouble.
//! - [`burst`]: many endings in a short time are one notification.
//! - [`machine`]: a GPU that is hot or lost and a disk that is nearly full are told of once, until they have recovered.
//! - [`stall`]: a running job that writes nothing any more.
//! - [`quiet`]: what fell into quiet hours is summed up afterwards.
//! - [`mask`]: what is quoted of a log is short, plain, and without secrets.

pub mod burst;
pub mod machine;
pub mod mask;
pub mod quiet;
pub mod stall;

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::schedule::Window;

/// What a notification tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A job ended with exit code 0.
    Completed,
    /// A job failed, or expired.
    Failed,
    /// A job was cancelled by a policy, not by the user.
    Cancelled,
    /// The circuit breaker stopped a job, a GPU or the queue.
    Blocked,
    /// Several jobs have ended and nothing is left to do.
    Drained,
    /// A GPU is too hot.
    GpuHot,
    /// A GPU that was there does not answer any more.
    GpuLost,
    /// A disk is nearly full.
    DiskLow,
    /// A running job writes nothing any more.
    Stalled,
    /// A running job leaves its GPUs idle.
    GpuIdle,
    /// What happened during quiet hours.
    Summary,
    /// The hook can't be run.
    HookFailed,
    /// The user wants to see one.
    Test,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::Blocked,
        Self::Drained,
        Self::GpuHot,
        Self::GpuLost,
        Self::DiskLow,
        Self::Stalled,
        Self::GpuIdle,
        Self::Summary,
        Self::HookFailed,
        Self::Test,
    ];

    /// The word in the store, on the wire and in settings.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Blocked => "blocked",
            Self::Drained => "drained",
            Self::GpuHot => "gpu_hot",
            Self::GpuLost => "gpu_lost",
            Self::DiskLow => "disk_low",
            Self::Stalled => "stalled",
            Self::GpuIdle => "gpu_idle",
            Self::Summary => "summary",
            Self::HookFailed => "hook_failed",
            Self::Test => "test",
        }
    }

    /// The kind that a word names.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Whether the user can switch it off. The others come only where the user asked for what they tell of.
    #[must_use]
    pub fn has_switch(self) -> bool {
        !matches!(self, Self::Summary | Self::HookFailed | Self::Test)
    }

    /// Whether it tells of a job's end, so that several are told of together.
    #[must_use]
    pub fn is_ending(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled | Self::Blocked)
    }

    /// How much it presses.
    #[must_use]
    pub fn urgency(self) -> Urgency {
        match self {
            // Work is at stake now: these stay on the screen until they are seen.
            Self::GpuHot | Self::GpuLost | Self::DiskLow => Urgency::Critical,
            _ => Urgency::Normal,
        }
    }

    /// What a click can do besides opening what the notification tells of. `single`: it tells of one job.
    #[must_use]
    pub fn actions(self, single: bool) -> &'static [Action] {
        match self {
            Self::Failed | Self::Blocked if single => &[Action::Open, Action::Log, Action::Retry],
            Self::Completed | Self::Cancelled | Self::Stalled | Self::GpuIdle if single => {
                &[Action::Open, Action::Log]
            }
            _ => &[Action::Open],
        }
    }
}

/// How much a notification presses; the words of the desktop's notification service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// Shown for a while.
    Normal,
    /// Shown until it is seen.
    Critical,
}

/// What the user can do from a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Go to what it tells of.
    Open,
    /// See the job's log.
    Log,
    /// Queue the job once more.
    Retry,
}

/// What the user set. What an older program did not write has its default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Kinds that nothing is told of.
    pub off: BTreeSet<Kind>,
    /// Projects whose jobs nothing is told of.
    pub muted_projects: BTreeSet<String>,
    /// Parts of the week in which nothing is shown; it is kept and summed up afterwards.
    pub quiet: Vec<Window>,
    /// From here on a GPU is hot, °C.
    pub gpu_hot: u32,
    /// Below this a disk is nearly full, bytes.
    pub disk_low: u64,
    /// A job that has written nothing for so long has stalled, milliseconds.
    pub stall_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            off: BTreeSet::new(),
            muted_projects: BTreeSet::new(),
            quiet: Vec::new(),
            // Drivers throttle between 83 and 93 °C; most cards of a workstation run below this under full load.
            gpu_hot: 87,
            disk_low: 5 << 30,
            stall_ms: 3_600_000,
        }
    }
}

/// Settings to change; what is none stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in Settings")]
pub struct Change {
    pub off: Option<BTreeSet<Kind>>,
    pub muted_projects: Option<BTreeSet<String>>,
    pub quiet: Option<Vec<Window>>,
    pub gpu_hot: Option<u32>,
    pub disk_low: Option<u64>,
    pub stall_ms: Option<u64>,
}

/// Why a setting is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct Fault {
    /// The field of [`Settings`].
    pub field: &'static str,
    /// What is possible, in a sentence.
    pub message: String,
}

impl Settings {
    /// Projects that can be muted at most.
    pub const MUTED_MAX: usize = 1000;
    /// Quiet hours that can be named at most.
    pub const QUIET_MAX: usize = 20;
    /// Temperatures that can be asked for, °C.
    pub const GPU_HOT: std::ops::RangeInclusive<u32> = 40..=120;
    /// Free space that can be asked for, bytes.
    pub const DISK_LOW: std::ops::RangeInclusive<u64> = 1 << 20..=1 << 50;
    /// Silence that can be asked for, milliseconds.
    pub const STALL_MS: std::ops::RangeInclusive<u64> = 1000..=30 * 86_400_000;

    /// The settings with a change made.
    #[must_use]
    pub fn with(&self, change: &Change) -> Self {
        Self {
            off: change.off.clone().unwrap_or_else(|| self.off.clone()),
            muted_projects: change.muted_projects.clone().unwrap_or_else(|| self.muted_projects.clone()),
            quiet: change.quiet.clone().unwrap_or_else(|| self.quiet.clone()),
            gpu_hot: change.gpu_hot.unwrap_or(self.gpu_hot),
            disk_low: change.disk_low.unwrap_or(self.disk_low),
            stall_ms: change.stall_ms.unwrap_or(self.stall_ms),
        }
    }

    /// Whether they can be followed.
    ///
    /// # Errors
    /// The first field that can't.
    pub fn validate(&self) -> Result<(), Fault> {
        let fault = |field, message: &str| Err(Fault { field, message: message.into() });
        if let Some(kind) = self.off.iter().find(|kind| !kind.has_switch()) {
            return Err(Fault {
                field: "off",
                message: format!("notifications of the kind “{}” can't be switched off", kind.as_str()),
            });
        }
        if self.muted_projects.len() > Self::MUTED_MAX {
            return fault("muted_projects", "at most 1,000 projects can be muted");
        }
        if self.quiet.len() > Self::QUIET_MAX {
            return fault("quiet", "at most 20 quiet hours can be named");
        }
        for window in &self.quiet {
            window.validate().map_err(|fault| Fault { field: "quiet", message: fault.to_string() })?;
        }
        if !Self::GPU_HOT.contains(&self.gpu_hot) {
            return fault("gpu_hot", "a GPU can be called hot from 40 to 120 °C on");
        }
        if !Self::DISK_LOW.contains(&self.disk_low) {
            return fault("disk_low", "a disk can be called low from 1 MiB to 1 PiB of free space on");
        }
        if !Self::STALL_MS.contains(&self.stall_ms) {
            return fault("stall_ms", "a job can be called stalled after one second to 30 days of silence");
        }
        Ok(())
    }

    /// Whether the user wants to be told of this at all.
    #[must_use]
    pub fn wants(&self, kind: Kind, project: Option<&str>) -> bool {
        !self.off.contains(&kind) && project.is_none_or(|project| !self.muted_projects.contains(project))
    }

    /// Whether it is quiet now (UTC milliseconds).
    #[must_use]
    pub fn is_quiet(&self, now: i64, zone: &TimeZone) -> bool {
        self.quiet.iter().any(|window| window.is_open(now, zone))
    }

    /// When it may next begin or cease to be quiet, after `now`; none if that does not change.
    #[must_use]
    pub fn next_change(&self, now: i64, zone: &TimeZone) -> Option<i64> {
        self.quiet.iter().filter_map(|window| window.next_change(now, zone)).map(|change| change.at).min()
    }
}

/// What a notification says, without where it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// In a few words.
    pub title: String,
    /// More of it; lines are lines.
    pub body: String,
}

impl Words {
    /// A title and more of it.
    pub fn new(title: impl Into<String>, body: impl Into<String>) -> Self {
        Self { title: title.into(), body: body.into() }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn every_kind_has_a_word_of_its_own() {
        for kind in Kind::ALL {
            assert_eq!(Kind::of(kind.as_str()), Some(kind));
            let json = serde_json::to_string(&kind).expect("a word");
            assert_eq!(json, format!("\"{}\"", kind.as_str()), "the store and the settings say the same");
            assert_eq!(kind.actions(false).first(), Some(&Action::Open), "a click always leads somewhere");
        }
        assert_eq!(Kind::of("else"), None);
    }

    #[test]
    fn switches_are_by_kind_and_by_project() {
        let settings = Settings {
            off: [Kind::Completed].into(),
            muted_projects: ["toys".to_owned()].into(),
            ..Settings::default()
        };
        assert!(!settings.wants(Kind::Completed, None));
        assert!(settings.wants(Kind::Failed, None));
        assert!(!settings.wants(Kind::Failed, Some("toys")));
        assert!(settings.wants(Kind::Failed, Some("thesis")));
        assert!(settings.validate().is_ok());
    }

    #[test]
    fn what_can_not_be_followed_is_refused_by_its_field() {
        let base = Settings::default();
        for (settings, field) in [
            (Settings { off: [Kind::Test].into(), ..base.clone() }, "off"),
            (Settings { gpu_hot: 20, ..base.clone() }, "gpu_hot"),
            (Settings { disk_low: 0, ..base.clone() }, "disk_low"),
            (Settings { stall_ms: 1, ..base.clone() }, "stall_ms"),
            (
                Settings { quiet: vec![Window { name: String::new(), ..Window::nights() }], ..base.clone() },
                "quiet",
            ),
        ] {
            assert_eq!(settings.validate().expect_err(field).field, field);
        }
        assert_eq!(base.validate(), Ok(()));
    }

    #[test]
    fn a_change_leaves_what_it_does_not_name() {
        let base = Settings { gpu_hot: 90, ..Settings::default() };
        let changed = base.with(&Change { stall_ms: Some(60_000), ..Change::default() });
        assert_eq!((changed.gpu_hot, changed.stall_ms), (90, 60_000));
        assert_eq!(base.with(&Change::default()), base);
    }

    #[test]
    fn quiet_hours_go_over_midnight() {
        let settings = Settings { quiet: vec![Window::nights()], ..Settings::default() };
        let zone = TimeZone::UTC;
        let at = |text: &str| text.parse::<Timestamp>().expect("a moment").as_millisecond();
        for (moment, quiet) in [
            ("2026-11-20T21:59:59Z", false),
            ("2026-11-20T22:00:00Z", true),
            ("2026-11-21T00:00:00Z", true),
            ("2026-11-21T06:59:59Z", true),
            ("2026-11-21T07:00:00Z", false),
        ] {
            assert_eq!(settings.is_quiet(at(moment), &zone), quiet, "{moment}");
        }
        assert_eq!(settings.next_change(at("2026-11-21T00:00:00Z"), &zone), Some(at("2026-11-21T07:00:00Z")));
        assert_eq!(Settings::default().next_change(0, &zone), None);
    }
}
