//! How a run that the queue did not start stands, and what it is called.

use super::End;

/// Silent for longer, a run that never said how it ended is taken to have ended, milliseconds.
pub const ENDED_AFTER_MS: i64 = 24 * 3_600_000;

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RunStatus {
    /// Its files grow.
    Running,
    /// Its processes are stopped; only of a run of the queue.
    Paused,
    /// Its files have not changed for a while, and nothing says that it has ended.
    Stale,
    /// It ended as it should.
    Completed,
    /// It ended with an error.
    Failed,
    /// Its user stopped it.
    Cancelled,
    /// It does not grow any more, and never said how it ended.
    Ended,
}

impl RunStatus {
    /// All of them, in the order in which people sort them: what is alive first.
    pub const ALL: [Self; 7] = [
        Self::Running,
        Self::Paused,
        Self::Stale,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::Ended,
    ];

    /// A short name that never changes, for storage, JSON and queries.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stale => "stale",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Ended => "ended",
        }
    }

    /// The status of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Whether it may still grow.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Running | Self::Paused | Self::Stale)
    }
}

/// What is known of a run from its files.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Signs {
    /// How it ended, in its own words.
    pub end: Option<End>,
    /// The greatest step that it reached.
    pub steps: Option<f64>,
    /// How many steps it is meant to have, on the same axis.
    pub total: Option<f64>,
    /// For how long its files have not changed, milliseconds on the file system's clock.
    pub quiet_ms: i64,
}

/// How a run stands, and after how many more milliseconds of silence that may change.
///
/// - What its own files say counts first: an end marker, or that it reached its last step.
/// - Then it is running while its files change, stale from `stale_after_ms` on, ended after a day.
#[must_use]
pub fn status(signs: &Signs, stale_after_ms: i64) -> (RunStatus, Option<i64>) {
    match signs.end {
        Some(End::Completed) => return (RunStatus::Completed, None),
        Some(End::Failed) => return (RunStatus::Failed, None),
        Some(End::Cancelled) => return (RunStatus::Cancelled, None),
        None => {}
    }
    if let (Some(steps), Some(total)) = (signs.steps, signs.total)
        && total > 0.0
        && steps >= total
    {
        return (RunStatus::Completed, None);
    }
    let stale = stale_after_ms.max(1);
    let ended = stale.max(ENDED_AFTER_MS);
    if signs.quiet_ms < stale {
        (RunStatus::Running, Some(stale - signs.quiet_ms.max(0)))
    } else if signs.quiet_ms < ended {
        (RunStatus::Stale, Some(ended - signs.quiet_ms))
    } else {
        (RunStatus::Ended, None)
    }
}

/// The colour of a run, an index into the palette of charts: the same wherever it is shown. One that the queue ran has
/// that of its experiment, whose uid is handed in instead of its own.
///
/// FNV-1a, 32 bits, with its high bits brought down: the window computes the same for experiments (`colourOf`).
#[must_use]
pub fn colour(uid: &str) -> usize {
    let hash =
        uid.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    ((hash ^ (hash >> 15)) as usize) % crate::chart::PALETTE
}

/// What a run is called by its place, where its files do not say: group and name.
///
/// The name is the last part of its path below the watch folder, with the part before it where the last alone says
/// nothing (`version_0`, `train`, a number); the group is what remains before. A run that is the watch folder itself is
/// called after it.
#[must_use]
pub fn place_names(watch_name: &str, folder: &str, part: &str) -> (Option<String>, String) {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    if !part.is_empty() {
        // Part of a folder that is a run in itself, or one of several files in it.
        parts.extend(part.split('/').filter(|part| !part.is_empty()));
    }
    let mut taken = 1;
    while taken < parts.len() && says_nothing(parts[parts.len() - taken]) {
        taken += 1;
    }
    let (group, name) = parts.split_at(parts.len().saturating_sub(taken));
    let name = if name.is_empty() { watch_name.to_owned() } else { name.join("/") };
    ((!group.is_empty()).then(|| group.join("/")), name)
}

/// Whether a folder's name tells no run from another.
fn says_nothing(name: &str) -> bool {
    const PLAIN: [&str; 20] = [
        "logs",
        "log",
        "runs",
        "run",
        "train",
        "training",
        "tb",
        "tensorboard",
        "tb_logs",
        "tf_logs",
        "events",
        "results",
        "result",
        "output",
        "outputs",
        "metrics",
        "lightning_logs",
        "csv_logs",
        "dvclive",
        "wandb",
    ];
    let lower = name.to_ascii_lowercase();
    let numbered = ["version_", "seed_", "seed", "fold_", "fold", "run_", "run", "trial_", "exp", "vis_data"];
    lower.bytes().all(|byte| byte.is_ascii_digit() || b"-_:.t".contains(&byte))
        || PLAIN.contains(&lower.as_str())
        || numbered.iter().any(|stem| {
            lower.strip_prefix(stem).is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STALE: i64 = 300_000;

    #[test]
    fn colours_are_those_of_the_window() {
        for (uid, expected) in [("20261121_08e5", 2), ("rrgvfmusyw6", 0), ("a", 8), ("", 8)] {
            assert_eq!(colour(uid), expected, "{uid}: as colourOf says, counted from 0");
        }
    }

    #[test]
    fn its_own_words_come_first() {
        let quiet = |quiet_ms| Signs { quiet_ms, ..Signs::default() };
        assert_eq!(status(&quiet(0), STALE), (RunStatus::Running, Some(STALE)));
        assert_eq!(status(&quiet(STALE), STALE), (RunStatus::Stale, Some(ENDED_AFTER_MS - STALE)));
        assert_eq!(status(&quiet(ENDED_AFTER_MS), STALE), (RunStatus::Ended, None));
        let said = Signs { end: Some(End::Failed), ..quiet(0) };
        assert_eq!(status(&said, STALE).0, RunStatus::Failed);
        let reached = Signs { steps: Some(100.0), total: Some(100.0), ..quiet(0) };
        assert_eq!(status(&reached, STALE).0, RunStatus::Completed);
        let short = Signs { steps: Some(99.0), total: Some(100.0), ..quiet(STALE) };
        assert_eq!(status(&short, STALE).0, RunStatus::Stale);
        assert_eq!(
            status(&quiet(-5_000), STALE).0,
            RunStatus::Running,
            "a clock that is ahead is no silence"
        );
    }

    #[test]
    fn names_come_from_the_place() {
        let check = |folder: &str, part: &str, group: Option<&str>, name: &str| {
            let names = place_names("results", folder, part);
            assert_eq!((names.0.as_deref(), names.1.as_str()), (group, name), "{folder} {part}");
        };
        check("", "", None, "results");
        check("resnet", "", None, "resnet");
        check("cifar/resnet/lr0.1", "", Some("cifar/resnet"), "lr0.1");
        check("mnist/version_3", "", None, "mnist/version_3");
        check("ppo/seed_1/tb", "", None, "ppo/seed_1/tb");
        check("multirun/2026-01-02/10-00-00/3", "", None, "multirun/2026-01-02/10-00-00/3");
        check("logs", "a", Some("logs"), "a");
    }

    proptest! {
        #[test]
        fn silence_never_brings_a_run_back(quiet in 0i64..200_000_000, more in 0i64..200_000_000) {
            let at = |quiet_ms| status(&Signs { quiet_ms, ..Signs::default() }, STALE).0;
            prop_assert!(at(quiet) <= at(quiet + more));
        }

        #[test]
        fn it_is_looked_at_again_when_it_changes(quiet in 0i64..100_000_000) {
            let signs = Signs { quiet_ms: quiet, ..Signs::default() };
            if let (now, Some(wait)) = status(&signs, STALE) {
                let before = status(&Signs { quiet_ms: quiet + wait - 1, ..signs }, STALE).0;
                let after = status(&Signs { quiet_ms: quiet + wait, ..signs }, STALE).0;
                prop_assert_eq!(now, before);
                prop_assert_ne!(now, after);
            }
        }
    }
}
