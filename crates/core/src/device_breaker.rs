//! When it is the device's fault that jobs die, and no more of them should be given to it.
//!
//! A GPU that has failed is worse than one that is missing: each job that it is given dies within seconds, so it is
//! free again at once and eats the whole queue. A user's own mistake looks much the same from one GPU alone: a script
//! with a typing error dies within seconds wherever it runs, a hundred points of a sweep one after the other. Blocking
//! a healthy GPU for that would be as bad. What tells them apart is who else died there, and how the same work fared
//! elsewhere:
//!
//! - A *strike* is an attempt that ended by itself, with an exit code other than 0 or by a signal, within 10 s of its
//!   start on the GPU. One that could not be started never reached it; one that was cancelled, ran into its time limit,
//!   was lost, or met a full disk or a full host memory says nothing about it. These count neither way.
//! - An attempt that succeeded on the GPU, or ran for longer, clears it: strikes are counted in a row.
//! - Attempts of one experiment, of one group, or of one program in one folder are of one *work*: they are likely to
//!   have the same mistake in them.
//! - Strikes of a work that died at once on another device too (or on none) do not count: the work takes its fault
//!   along.
//! - Five strikes that count block the GPU if they come from three works that have nothing to do with each other, or if
//!   one of their experiments, or another member of its group, did well elsewhere lately.
//!
//! So an experiment that is retried, or a sweep of one script, blocks no GPU by itself, however often it fails there;
//! and of two GPUs, of which one lets the points of a sweep run and the other kills them, the second is blocked.

use serde::{Deserialize, Serialize};

use crate::outcome::FailureReason;
use crate::retry::Breaker;
use crate::state::Status;

/// Whose attempt it was, as far as that tells who may share its faults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// The experiment's uid.
    pub experiment: String,
    /// Its group.
    #[serde(default)]
    pub group: Option<String>,
    /// The program that it runs, with its folder.
    pub program: String,
}

impl Work {
    /// Whether both are likely to have the same mistakes in them.
    #[must_use]
    pub fn is_kin_of(&self, other: &Self) -> bool {
        self.is_batch_of(other) || self.program == other.program
    }

    /// Whether they are attempts of one experiment, or members of one group: not merely the same program, which may
    /// have been changed in between.
    fn is_batch_of(&self, other: &Self) -> bool {
        self.experiment == other.experiment || (self.group.is_some() && self.group == other.group)
    }
}

/// An attempt that died at once on a GPU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strike {
    /// Whose it was.
    pub work: Work,
    /// When it ended, UTC milliseconds.
    pub at: i64,
    /// What it died of, in a sentence.
    pub message: String,
}

/// How an attempt fared on another device, or on none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// Whose it was.
    pub work: Work,
    /// When it started, UTC milliseconds.
    pub started_at: i64,
    /// How it ended; one that still runs has lived for as long as it has.
    pub fared: Fared,
}

/// How an attempt fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fared {
    /// It succeeded, or lived for longer than a strike does.
    Well,
    /// It died at once.
    DiedAtOnce,
    /// It says nothing: it could not be started, was cancelled, or has only just begun.
    Unclear,
}

impl Fared {
    /// How an attempt fared that ended so, this many milliseconds after its start.
    #[must_use]
    pub fn of(status: Status, reason: Option<FailureReason>, lived_ms: u64) -> Self {
        match (status, reason) {
            (Status::Completed, _) => Self::Well,
            // Nobody knows for how long it ran on the device, if at all.
            (
                _,
                Some(FailureReason::Lost | FailureReason::CouldNotStart | FailureReason::DependencyFailed),
            ) => Self::Unclear,
            _ if lived_ms > Breaker::AT_ONCE_MS => Self::Well,
            (Status::Failed, Some(FailureReason::ExitCode | FailureReason::Signal)) => Self::DiedAtOnce,
            _ => Self::Unclear,
        }
    }
}

/// The strikes of a GPU in a row, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceBreaker {
    strikes: Vec<Strike>,
}

/// Why a GPU is blocked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tripped {
    /// Strikes that count.
    pub strikes: usize,
    /// What the last of them died of.
    pub last: String,
    /// Whether the same work did well elsewhere.
    pub fine_elsewhere: bool,
}

impl DeviceBreaker {
    /// Strikes that are kept: those of a work that takes its fault along must not push out the others too soon.
    pub const KEPT: usize = 32;

    /// Works that have nothing to do with each other, of which strikes block without any look elsewhere.
    pub const WORKS: usize = 3;

    /// How long before a strike an attempt elsewhere may have started to say anything about it: 24 hours.
    pub const LATELY_MS: i64 = 24 * 60 * 60 * 1000;

    /// Whether nothing stands against the GPU.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.strikes.is_empty()
    }

    /// Whether there are so many strikes that it is worth a look elsewhere.
    #[must_use]
    pub fn is_suspect(&self) -> bool {
        self.strikes.len() >= Breaker::LIMIT as usize
    }

    /// The breaker after one more attempt on the GPU has ended.
    #[must_use]
    pub fn after(mut self, fared: Fared, strike: impl FnOnce() -> Strike) -> Self {
        match fared {
            Fared::Well => self.strikes.clear(),
            Fared::DiedAtOnce => {
                self.strikes.push(strike());
                let over = self.strikes.len().saturating_sub(Self::KEPT);
                self.strikes.drain(..over);
            }
            Fared::Unclear => {}
        }
        self
    }

    /// Whether the GPU is to be blocked, given how others fared elsewhere (in any order; what is not lately is passed
    /// over).
    #[must_use]
    pub fn judge(&self, elsewhere: &[Elsewhere]) -> Option<Tripped> {
        let lately = |strike: &Strike, other: &Elsewhere| {
            strike.at.saturating_sub(other.started_at) <= Self::LATELY_MS
        };
        let died_elsewhere = |strike: &Strike| {
            elsewhere.iter().any(|other| {
                other.fared == Fared::DiedAtOnce
                    && lately(strike, other)
                    && other.work.is_kin_of(&strike.work)
            })
        };
        let counted: Vec<&Strike> = self.strikes.iter().filter(|strike| !died_elsewhere(strike)).collect();
        if counted.len() < Breaker::LIMIT as usize {
            return None;
        }
        let fine_elsewhere = counted.iter().any(|strike| {
            elsewhere.iter().any(|other| {
                other.fared == Fared::Well && lately(strike, other) && other.work.is_batch_of(&strike.work)
            })
        });
        if !fine_elsewhere && works(&self.strikes, |strike| !died_elsewhere(strike)) < Self::WORKS {
            return None;
        }
        let last = counted.last()?.message.clone();
        Some(Tripped { strikes: counted.len(), last, fine_elsewhere })
    }
}

/// How many works there are that have nothing to do with each other and have a strike that counts. Kin of kin are kin,
/// also by way of a strike that does not count itself: what is known of one more death elsewhere never makes two works
/// of one.
fn works(all: &[Strike], counts: impl Fn(&Strike) -> bool) -> usize {
    let mut families: Vec<Vec<&Strike>> = Vec::new();
    for strike in all {
        let kin = |family: &Vec<&Strike>| family.iter().any(|other| other.work.is_kin_of(&strike.work));
        let (joined, others): (Vec<_>, Vec<_>) = families.into_iter().partition(kin);
        families = others;
        families.push(joined.into_iter().flatten().chain([strike]).collect());
    }
    families.iter().filter(|family| family.iter().any(|strike| counts(strike))).count()
}

impl Tripped {
    /// The reason in words, as it stands beside the GPU.
    #[must_use]
    pub fn words(&self) -> String {
        let contrast = if self.fine_elsewhere { ", and the same work did well elsewhere" } else { "" };
        format!(
            "blocked: {} jobs in a row died on it within {} s{contrast}; the last: {}",
            self.strikes,
            Breaker::AT_ONCE_MS / 1000,
            self.last.trim_end_matches('.')
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: i64 = 60 * 60 * 1000;

    /// `experiment group program`, with `-` for no group.
    fn work(text: &str) -> Work {
        let words: Vec<&str> = text.split(' ').collect();
        let [experiment, group, program] = words[..] else { panic!("three words: {text}") };
        let group = (group != "-").then(|| group.to_owned());
        Work { experiment: experiment.into(), group, program: program.into() }
    }

    fn breaker(strikes: &[&str]) -> DeviceBreaker {
        strikes.iter().enumerate().fold(DeviceBreaker::default(), |breaker, (number, text)| {
            let at = 100 * HOUR + i64::try_from(number).expect("few");
            breaker.after(Fared::DiedAtOnce, || Strike {
                work: work(text),
                at,
                message: format!("{text} died."),
            })
        })
    }

    fn other(text: &str, fared: Fared) -> Elsewhere {
        Elsewhere { work: work(text), started_at: 99 * HOUR, fared }
    }

    fn trips(strikes: &[&str], elsewhere: &[Elsewhere]) -> bool {
        breaker(strikes).judge(elsewhere).is_some()
    }

    #[test]
    fn a_users_mistake_blocks_no_gpu() {
        // One experiment, retried.
        assert!(!trips(&["a - p"; 20], &[]));
        // A sweep of one script.
        let sweep: Vec<String> = (0..20).map(|n| format!("point{n} sweep p")).collect();
        let sweep: Vec<&str> = sweep.iter().map(String::as_str).collect();
        assert!(!trips(&sweep, &[]));
        // One script queued again and again, and once in a group with another one.
        assert!(!trips(&["a - p", "b - p", "c g p", "d g q", "e - q", "f - p"], &[]));
        // Two things at once.
        assert!(!trips(&["a - p", "b - q", "a - p", "b - q", "a - p", "b - q"], &[]));
        // The environment is broken: each dies wherever it runs.
        let three = ["a - p", "b - q", "c - r", "a - p", "b - q", "c - r"];
        let all = ["a - p", "b - q", "c - r"].map(|text| other(text, Fared::DiedAtOnce));
        assert!(!trips(&three, &all));
        assert!(!trips(&three, &all[..1]), "four strikes of the others are too few");
    }

    #[test]
    fn a_broken_gpu_is_blocked() {
        assert!(!trips(&["a - p", "b - q", "c - r", "d - s"], &[]), "four are too few");
        assert!(trips(&["a - p", "b - q", "c - r", "a - p", "b - q"], &[]));
        assert!(trips(&["a - p", "b - q", "a - p", "b - q", "c - r"], &[]));
        // One point of the sweep runs elsewhere, the others die here.
        let sweep = ["a sweep p", "b sweep p", "c sweep p", "d sweep p", "e sweep p"];
        assert!(trips(&sweep, &[other("f sweep p", Fared::Well)]));
        assert!(!trips(&sweep[..4], &[other("f sweep p", Fared::Well)]));
        assert!(!trips(&sweep, &[other("f sweep p", Fared::Well), other("g sweep p", Fared::DiedAtOnce)]));
        // The same experiment, once it was retried elsewhere.
        assert!(trips(&["a - p"; 5], &[other("a - p", Fared::Well)]));
        // The same script is not enough: it may have been changed since.
        assert!(!trips(&["a - p"; 5], &[other("b - p", Fared::Well)]));
        assert!(!trips(&["a - p"; 5], &[other("a - p", Fared::Unclear)]));
    }

    #[test]
    fn what_is_long_past_says_nothing() {
        let past = |text, fared| Elsewhere { started_at: 75 * HOUR, ..other(text, fared) };
        assert!(!trips(&["a - p"; 5], &[past("a - p", Fared::Well)]));
        assert!(trips(
            &["a - p", "b - q", "c - r", "a - p", "b - q"],
            &[past("a - p", Fared::DiedAtOnce), past("b - q", Fared::DiedAtOnce)]
        ));
    }

    #[test]
    fn doing_well_clears_and_what_is_unclear_does_not() {
        let never = || -> Strike { panic!("no strike") };
        let suspect = breaker(&["a - p", "b - q", "c - r", "d - s"]);
        assert!(suspect.clone().after(Fared::Well, never).is_clear());
        assert_eq!(suspect.clone().after(Fared::Unclear, never), suspect);
        for (status, reason, lived_ms, fared) in [
            (Status::Completed, None, 1, Fared::Well),
            (Status::Failed, Some(FailureReason::ExitCode), 10_000, Fared::DiedAtOnce),
            (Status::Failed, Some(FailureReason::ExitCode), 10_001, Fared::Well),
            (Status::Failed, Some(FailureReason::Signal), 0, Fared::DiedAtOnce),
            (Status::Failed, Some(FailureReason::OutOfMemory), 5_000, Fared::Unclear),
            (Status::Failed, Some(FailureReason::TimeLimit), 5_000, Fared::Unclear),
            (Status::Failed, Some(FailureReason::TimeLimit), 60_000, Fared::Well),
            (Status::Failed, Some(FailureReason::DiskFull), 5_000, Fared::Unclear),
            (Status::Failed, Some(FailureReason::CouldNotStart), 0, Fared::Unclear),
            (Status::Failed, Some(FailureReason::Lost), 60_000, Fared::Unclear),
            (Status::Cancelled, None, 5_000, Fared::Unclear),
            (Status::Cancelled, None, 60_000, Fared::Well),
        ] {
            assert_eq!(Fared::of(status, reason, lived_ms), fared, "{status} {reason:?} {lived_ms}");
        }
    }

    #[test]
    fn the_reason_names_the_last_error() {
        let tripped = breaker(&["a - p", "b - q", "c - r", "d - s", "e - t"]).judge(&[]).expect("blocked");
        assert_eq!(tripped.words(), "blocked: 5 jobs in a row died on it within 10 s; the last: e - t died");
        let tripped = breaker(&["a - p"; 5]).judge(&[other("a - p", Fared::Well)]).expect("blocked");
        assert!(tripped.words().contains("the same work did well elsewhere"), "{}", tripped.words());
    }

    fn any_work() -> impl Strategy<Value = Work> {
        (0..6u8, prop::option::of(0..3u8), 0..4u8).prop_map(|(experiment, group, program)| Work {
            experiment: experiment.to_string(),
            group: group.map(|group| group.to_string()),
            program: program.to_string(),
        })
    }

    fn any_elsewhere() -> impl Strategy<Value = Elsewhere> {
        let fared = prop_oneof![Just(Fared::Well), Just(Fared::DiedAtOnce), Just(Fared::Unclear)];
        (any_work(), fared).prop_map(|(work, fared)| Elsewhere { work, started_at: 0, fared })
    }

    fn row(works: &[Work]) -> DeviceBreaker {
        works.iter().fold(DeviceBreaker::default(), |breaker, work| {
            breaker.after(Fared::DiedAtOnce, || Strike { work: work.clone(), at: 1, message: String::new() })
        })
    }

    proptest! {
        #[test]
        fn fewer_than_five_strikes_never_block(
            works in prop::collection::vec(any_work(), 0..5), elsewhere in prop::collection::vec(any_elsewhere(), 0..6),
        ) {
            prop_assert_eq!(row(&works).judge(&elsewhere), None);
        }

        #[test]
        fn one_work_never_blocks_unless_it_did_well_elsewhere(
            works in prop::collection::vec(any_work(), 5..40), elsewhere in prop::collection::vec(any_elsewhere(), 0..6),
        ) {
            let works: Vec<Work> = works.into_iter().map(|work| Work { program: "one".into(), ..work }).collect();
            let witness = elsewhere.iter().any(|other| other.fared == Fared::Well);
            prop_assert!(witness || row(&works).judge(&elsewhere).is_none());
        }

        #[test]
        fn the_order_of_strikes_does_not_matter_and_death_elsewhere_never_blocks(
            works in prop::collection::vec(any_work(), 0..20), elsewhere in prop::collection::vec(any_elsewhere(), 0..6),
            more in any_work(),
        ) {
            let reversed: Vec<Work> = works.iter().rev().cloned().collect();
            let blocked = row(&works).judge(&elsewhere).is_some();
            prop_assert_eq!(blocked, row(&reversed).judge(&elsewhere).is_some());
            let mut worse = elsewhere.clone();
            worse.push(Elsewhere { work: more, started_at: 0, fared: Fared::DiedAtOnce });
            prop_assert!(blocked || row(&works).judge(&worse).is_none());
        }

        #[test]
        fn what_is_kept_is_bounded_and_survives_being_stored(works in prop::collection::vec(any_work(), 0..80)) {
            let breaker = row(&works);
            prop_assert!(breaker.strikes.len() <= DeviceBreaker::KEPT);
            let stored = serde_json::to_string(&breaker).unwrap();
            prop_assert_eq!(serde_json::from_str::<DeviceBreaker>(&stored).unwrap(), breaker);
        }
    }
}
