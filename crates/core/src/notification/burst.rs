//! Many endings in a short time are one notification, which grows while they come.
//!
//! The first is told of at once. Those that follow within [`GAP_MS`] of the one before join it, until [`SPAN_MS`] after
//! the first: so twenty jobs that end within ten seconds are one notification, and a queue of short jobs is told of
//! once a minute.

use super::{Kind, Words};
use crate::text;

/// An ending joins the burst if the last one is not longer ago than this, milliseconds.
pub const GAP_MS: i64 = 10_000;

/// A burst is over so long after its first ending, milliseconds.
pub const SPAN_MS: i64 = 60_000;

/// Jobs that a notification names one by one.
pub const NAMED_MAX: usize = 50;

/// A job's end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Which job.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// Its project.
    pub project: Option<String>,
    /// Which attempt.
    pub attempt: Option<u32>,
    /// How it ended.
    pub kind: Kind,
    /// How long it ran, milliseconds; none if it never started.
    pub took_ms: Option<i64>,
    /// Why it ended so, in a sentence.
    pub reason: Option<String>,
    /// The last line of its log.
    pub line: Option<String>,
}

/// Endings that are told of together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Burst {
    first: i64,
    last: i64,
    count: u64,
    completed: u64,
    failed: u64,
    cancelled: u64,
    blocked: u64,
    endings: Vec<Ending>,
    drained: bool,
}

impl Burst {
    /// A burst that begins with an ending at `now` (milliseconds of a clock that does not step).
    #[must_use]
    pub fn new(now: i64, ending: Ending) -> Self {
        let mut burst = Self {
            first: now,
            last: now,
            count: 0,
            completed: 0,
            failed: 0,
            cancelled: 0,
            blocked: 0,
            endings: Vec::new(),
            drained: false,
        };
        burst.count_in(ending);
        burst
    }

    /// Takes one more ending in. Whoever asks has seen that it is not over ([`Burst::is_over`]).
    pub fn join(&mut self, now: i64, ending: Ending) {
        self.last = now.max(self.last);
        self.count_in(ending);
    }

    fn count_in(&mut self, ending: Ending) {
        self.count += 1;
        *match ending.kind {
            Kind::Failed => &mut self.failed,
            Kind::Cancelled => &mut self.cancelled,
            Kind::Blocked => &mut self.blocked,
            _ => &mut self.completed,
        } += 1;
        // Those that went wrong are named before those that did not.
        let grave = |ending: &Ending| ending.kind != Kind::Completed;
        if self.endings.len() < NAMED_MAX {
            self.endings.push(ending);
        } else if grave(&ending)
            && let Some(place) = self.endings.iter().rposition(|known| !grave(known))
        {
            self.endings.remove(place);
            self.endings.push(ending);
        }
    }

    /// Nothing is left to do after these.
    pub fn drain(&mut self) {
        self.drained = true;
    }

    /// When it is over, if nothing more joins.
    #[must_use]
    pub fn ends_at(&self) -> i64 {
        (self.last + GAP_MS).min(self.first + SPAN_MS)
    }

    /// Whether the next ending begins another one.
    #[must_use]
    pub fn is_over(&self, now: i64) -> bool {
        now >= self.ends_at()
    }

    /// How many have ended.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Those that are named, at most [`NAMED_MAX`].
    #[must_use]
    pub fn endings(&self) -> &[Ending] {
        &self.endings
    }

    /// The one job that it tells of, if it is one.
    #[must_use]
    pub fn single(&self) -> Option<&Ending> {
        if self.count == 1 { self.endings.first() } else { None }
    }

    /// The gravest of what it tells of.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self { blocked: 1.., .. } => Kind::Blocked,
            Self { failed: 1.., .. } => Kind::Failed,
            Self { cancelled: 1.., .. } => Kind::Cancelled,
            _ => Kind::Completed,
        }
    }

    /// What it says.
    #[must_use]
    pub fn words(&self) -> Words {
        let mut words = match self.single() {
            Some(ending) => words_of(ending),
            None => self.words_of_many(),
        };
        if self.drained && self.count > 1 {
            words.body = lines([words.body, "Nothing more waits or runs.".into()]);
        }
        words
    }

    fn words_of_many(&self) -> Words {
        let parts = [
            (self.completed, "completed"),
            (self.failed, "failed"),
            (self.cancelled, "cancelled"),
            (self.blocked, "blocked"),
        ];
        let parts: Vec<(u64, &str)> = parts.into_iter().filter(|(count, _)| *count > 0).collect();
        let names = self.names();
        match parts.as_slice() {
            [(count, word)] => {
                let word = if *word == "cancelled" { "were cancelled" } else { word };
                let word = if word == "blocked" { "are blocked" } else { word };
                Words::new(format!("{count} experiments {word}"), names)
            }
            parts => {
                let counts: Vec<String> =
                    parts.iter().map(|(count, word)| format!("{count} {word}")).collect();
                let body = match names.as_str() {
                    "" => format!("{}.", counts.join(", ")),
                    names => format!("{}: {names}", counts.join(", ")),
                };
                Words::new(format!("{} experiments ended", self.count), body)
            }
        }
    }

    /// Names of what went wrong; of all, if nothing did.
    fn names(&self) -> String {
        const SHOWN: usize = 3;
        let wrong = self.failed + self.cancelled + self.blocked;
        let (total, wanted): (u64, fn(&Ending) -> bool) = match wrong {
            0 => (self.completed, |_| true),
            wrong => (wrong, |ending| ending.kind != Kind::Completed),
        };
        let shown: Vec<&str> =
            self.endings.iter().filter(|it| wanted(it)).take(SHOWN).map(|it| it.name.as_str()).collect();
        let more = if total > shown.len() as u64 { ", …" } else { "" };
        format!("{}{more}", shown.join(", "))
    }
}

/// What is said of one job's end.
fn words_of(ending: &Ending) -> Words {
    let took =
        ending.took_ms.map(|ms| if ms < 1000 { "less than a second".into() } else { text::duration(ms) });
    let reason = ending.reason.as_deref().filter(|reason| !reason.is_empty());
    let what = match ending.kind {
        Kind::Failed => "failed",
        Kind::Cancelled => "was cancelled",
        Kind::Blocked => "is blocked",
        _ => "completed",
    };
    let body = match (ending.kind, took, reason) {
        (Kind::Completed, Some(took), _) => format!("It took {took}."),
        (Kind::Completed, None, _) => String::new(),
        (_, Some(took), Some(reason)) => format!("After {took}: {reason}"),
        (_, Some(took), None) => format!("After {took}."),
        (_, None, reason) => reason.unwrap_or_default().to_owned(),
    };
    let line = ending.line.clone().filter(|_| ending.kind != Kind::Completed).unwrap_or_default();
    Words::new(format!("{} {what}", ending.name), lines([body, line]))
}

fn lines<const N: usize>(lines: [String; N]) -> String {
    lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ending(name: &str, kind: Kind) -> Ending {
        Ending {
            uid: name.into(),
            name: name.into(),
            project: None,
            attempt: Some(1),
            kind,
            took_ms: Some(31_400),
            reason: None,
            line: None,
        }
    }

    /// Bursts that endings at these times make, with how many each took.
    fn bursts(times: &[i64]) -> Vec<Burst> {
        let mut all: Vec<Burst> = Vec::new();
        for at in times {
            match all.last_mut().filter(|burst| !burst.is_over(*at)) {
                Some(burst) => burst.join(*at, ending("a", Kind::Completed)),
                None => all.push(Burst::new(*at, ending("a", Kind::Completed))),
            }
        }
        all
    }

    #[test]
    fn one_ending_says_name_outcome_and_duration() {
        let check = |ending: &Ending, title: &str, body: &str| {
            let words = Burst::new(0, ending.clone()).words();
            assert_eq!((words.title.as_str(), words.body.as_str()), (title, body));
        };
        let completed = ending("digits mlp", Kind::Completed);
        check(&completed, "digits mlp completed", "It took 31 s.");
        let failed = Ending {
            reason: Some("It ended with exit code 1.".into()),
            line: Some("ValueError: no data".into()),
            ..ending("digits mlp", Kind::Failed)
        };
        check(&failed, "digits mlp failed", "After 31 s: It ended with exit code 1.\nValueError: no data");
        let unstarted = Ending { took_ms: None, line: None, ..failed };
        check(&unstarted, "digits mlp failed", "It ended with exit code 1.");
        let at_once = Ending { took_ms: Some(20), ..ending("x", Kind::Completed) };
        check(&at_once, "x completed", "It took less than a second.");
        check(&ending("x", Kind::Cancelled), "x was cancelled", "After 31 s.");
        check(&ending("x", Kind::Blocked), "x is blocked", "After 31 s.");
    }

    #[test]
    fn many_endings_are_counted_and_those_that_went_wrong_are_named() {
        let mut burst = Burst::new(0, ending("a", Kind::Completed));
        for name in ["b", "c", "d"] {
            burst.join(1, ending(name, Kind::Completed));
        }
        assert_eq!(burst.words(), Words::new("4 experiments completed", "a, b, c, …"));
        assert_eq!(burst.kind(), Kind::Completed);
        burst.join(2, ending("e", Kind::Failed));
        assert_eq!(burst.words(), Words::new("5 experiments ended", "4 completed, 1 failed: e"));
        assert_eq!(burst.kind(), Kind::Failed);
        burst.drain();
        assert_eq!(burst.words().body, "4 completed, 1 failed: e\nNothing more waits or runs.");
        assert!(burst.single().is_none());
    }

    #[test]
    fn a_failure_among_very_many_is_named() {
        let mut burst = Burst::new(0, ending("a", Kind::Completed));
        for _ in 0..200 {
            burst.join(1, ending("a", Kind::Completed));
        }
        burst.join(2, ending("the bad one", Kind::Failed));
        assert_eq!(burst.endings().len(), NAMED_MAX);
        assert!(burst.endings().iter().any(|it| it.name == "the bad one"));
        assert!(burst.words().body.contains("the bad one"));
    }

    #[test]
    fn twenty_within_ten_seconds_are_one() {
        let times: Vec<i64> = (0..20).map(|number| number * 500).collect();
        let all = bursts(&times);
        assert_eq!(all.iter().map(Burst::count).collect::<Vec<_>>(), [20]);
    }

    #[test]
    fn what_comes_later_is_another() {
        let counts = |times: &[i64]| bursts(times).iter().map(Burst::count).collect::<Vec<_>>();
        assert_eq!(counts(&[0, GAP_MS - 1, 2 * GAP_MS - 2]), [3]);
        assert_eq!(counts(&[0, GAP_MS]), [1, 1]);
        let endless: Vec<i64> = (0..120).map(|second| second * 1000).collect();
        assert_eq!(counts(&endless), [60, 60], "one a minute");
    }

    proptest! {
        #[test]
        fn every_ending_is_told_of_once(mut times in prop::collection::vec(0_i64..300_000, 1..200)) {
            times.sort_unstable();
            let all = bursts(&times);
            prop_assert_eq!(all.iter().map(Burst::count).sum::<u64>(), times.len() as u64);
            for pair in all.windows(2) {
                prop_assert!(pair[1].first >= pair[0].ends_at(), "a burst begins when the one before is over");
            }
            for burst in &all {
                prop_assert!(burst.last - burst.first < SPAN_MS);
            }
        }

        #[test]
        fn any_ten_seconds_touch_few_bursts(
            mut times in prop::collection::vec(0_i64..300_000, 1..200), from in 0_i64..300_000
        ) {
            times.sort_unstable();
            let all = bursts(&times);
            let begun = all.iter().filter(|burst| (from..from + GAP_MS).contains(&burst.first)).count();
            prop_assert!(begun <= 1, "{begun} notifications in ten seconds");
        }

        #[test]
        fn counts_and_gravity_agree(kinds in prop::collection::vec(0_usize..4, 1..120)) {
            let of = |kind: usize| [Kind::Completed, Kind::Failed, Kind::Cancelled, Kind::Blocked][kind];
            let mut burst = Burst::new(0, ending("a", of(kinds[0])));
            for kind in &kinds[1..] {
                burst.join(0, ending("a", of(*kind)));
            }
            let gravest = of(*kinds.iter().max().expect("one at least"));
            // In the order of the list above, but for cancelled, which is less grave than failed.
            let gravest = match gravest {
                Kind::Cancelled if kinds.contains(&1) => Kind::Failed,
                kind => kind,
            };
            prop_assert_eq!(burst.kind(), gravest);
            prop_assert!(burst.endings().len() <= NAMED_MAX);
            prop_assert!(!burst.words().title.is_empty());
        }
    }
}
