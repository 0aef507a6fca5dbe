//! When a job may start by the clock: weekly windows, moments, and a hold.
//!
//! The clock and the time zone are handed in. All rules about clock readings that do not exist or exist twice (the
//! nights on which the clock is changed) stand in one place, `instant`.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A set of days of the week. In serde form a list of `mon` to `sun`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Days(u8);

impl Days {
    /// Every day.
    pub const ALL: Self = Self(0b111_1111);

    const WORDS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

    /// These days.
    #[must_use]
    pub fn new(days: impl IntoIterator<Item = Weekday>) -> Self {
        Self(days.into_iter().fold(0, |set, day| set | Self::bit(day)))
    }

    /// Whether `day` is among them.
    #[must_use]
    pub fn contains(self, day: Weekday) -> bool {
        self.0 & Self::bit(day) != 0
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    fn bit(day: Weekday) -> u8 {
        1 << day.to_monday_zero_offset()
    }
}

impl TryFrom<Vec<String>> for Days {
    type Error = String;

    fn try_from(words: Vec<String>) -> Result<Self, String> {
        words.iter().try_fold(Self::default(), |set, word| {
            let at = Self::WORDS.iter().position(|known| known == word);
            let at = at.ok_or_else(|| {
                format!("“{word}” is no day of the week: use mon, tue, wed, thu, fri, sat or sun")
            })?;
            Ok(Self(set.0 | 1 << at))
        })
    }
}

impl From<Days> for Vec<String> {
    fn from(days: Days) -> Self {
        let open = Days::WORDS.iter().enumerate().filter(|(at, _)| days.0 & (1 << at) != 0);
        open.map(|(_, word)| (*word).to_owned()).collect()
    }
}

/// A reading of the clock, in minutes after midnight, below 1440. In serde form `HH:MM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Minute(u16);

impl Minute {
    /// `hour`:`minute`, if the clock shows that.
    #[must_use]
    pub fn new(hour: u16, minute: u16) -> Option<Self> {
        (hour < 24 && minute < 60).then(|| Self(hour * 60 + minute))
    }

    /// Minutes after midnight.
    #[must_use]
    pub fn of_day(self) -> u16 {
        self.0
    }
}

impl TryFrom<String> for Minute {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = |part: &str| {
            ((1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
                .then(|| part.parse().ok())
                .flatten()
        };
        let parsed = match text.split_once(':') {
            // The end of a day is written so; the window that ends there is the same.
            Some(("24", "00")) => Some(Self(0)),
            Some((hour, minute)) if minute.len() == 2 => {
                digits(hour).zip(digits(minute)).and_then(|(hour, minute)| Self::new(hour, minute))
            }
            _ => None,
        };
        parsed.ok_or_else(|| format!("“{text}” is no time of day: it looks like 22:00"))
    }
}

impl From<Minute> for String {
    fn from(minute: Minute) -> Self {
        format!("{:02}:{:02}", minute.0 / 60, minute.0 % 60)
    }
}

/// A window that opens every week.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// How people call it.
    pub name: String,
    /// The days on which it opens.
    pub days: Days,
    /// When it opens.
    pub from: Minute,
    /// When it closes: on the next day if it is not later than `from`, so equal times mean a whole day.
    pub to: Minute,
}

/// Why a window is refused, in a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Fault(pub String);

/// The next time that a window opens or closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Whether it opens then; else it closes.
    pub opens: bool,
    /// When, in milliseconds UTC.
    pub at: i64,
}

impl Window {
    /// Every day from 22:00 to 07:00.
    #[must_use]
    pub fn nights() -> Self {
        Self { name: "nights".into(), days: Days::ALL, from: Minute(22 * 60), to: Minute(7 * 60) }
    }

    /// From Saturday 00:00 to Monday 00:00.
    #[must_use]
    pub fn weekends() -> Self {
        Self {
            name: "weekends".into(),
            days: Days::new([Weekday::Saturday, Weekday::Sunday]),
            from: Minute(0),
            to: Minute(0),
        }
    }

    /// The windows that there are before the user makes others.
    #[must_use]
    pub fn defaults() -> Vec<Self> {
        vec![Self::nights(), Self::weekends()]
    }

    /// Whether the window can be used.
    ///
    /// # Errors
    /// A name that is empty or longer than 50 characters, or no day at all.
    pub fn validate(&self) -> Result<(), Fault> {
        if self.name.trim().is_empty() {
            return Err(Fault("The window has no name. Give it one, such as nights.".into()));
        }
        if self.name.chars().count() > 50 {
            return Err(Fault(format!(
                "The name “{}…” is longer than 50 characters.",
                self.name.chars().take(20).collect::<String>()
            )));
        }
        if self.days.is_empty() {
            return Err(Fault(format!(
                "The window “{}” opens on no day. Name at least one, such as mon.",
                self.name
            )));
        }
        Ok(())
    }

    /// Whether the window is open at `now` (milliseconds UTC).
    #[must_use]
    pub fn is_open(&self, now: i64, zone: &TimeZone) -> bool {
        self.spans(now, zone).any(|(opens, closes)| (opens..closes).contains(&now))
    }

    /// When the window opens or closes next, after `now` (milliseconds UTC). None if it never does: it is always open
    /// (a whole day, every day), or has no days.
    #[must_use]
    pub fn next_change(&self, now: i64, zone: &TimeZone) -> Option<Change> {
        // What follows without a break is one span: a weekend closes once.
        let mut end = None;
        for (opens, closes) in self.spans(now, zone).filter(|(_, closes)| *closes > now) {
            match end {
                None if opens > now => return Some(Change { opens: true, at: opens }),
                Some(end) if opens > end => return Some(Change { opens: false, at: end }),
                _ => end = Some(end.unwrap_or(closes).max(closes)),
            }
        }
        let last = end?;
        let always = self.days == Days::ALL && self.from == self.to;
        (!always).then_some(Change { opens: false, at: last })
    }

    /// The spans (opening, closing) around `now`, in order, from before it until two weeks after it: a window
    /// that opens once a week may miss one week, when the clock leaves it out.
    fn spans(&self, now: i64, zone: &TimeZone) -> impl Iterator<Item = (i64, i64)> {
        let today = Timestamp::from_millisecond(now).ok().map(|now| zone.to_datetime(now).date());
        let next_day = i64::from(self.to <= self.from);
        (-2..=16).filter_map(move |offset| {
            let day = today?.checked_add(offset.days()).ok()?;
            if !self.days.contains(day.weekday()) {
                return None;
            }
            let opens = instant(day, self.from, zone)?;
            let closes = instant(day.checked_add(next_day.days()).ok()?, self.to, zone)?;
            // Both ends inside the hour that the clock leaves out: not open that day.
            (opens < closes).then_some((opens, closes))
        })
    }
}

/// The first moment at which the clock in `zone` shows this reading or a later one, in milliseconds UTC. So a reading
/// that is left out in spring stands for the moment of the change, and one that comes twice in autumn for its first
/// time. The order of readings is the order of their moments, and no window opens twice in a night.
fn instant(day: Date, minute: Minute, zone: &TimeZone) -> Option<i64> {
    let time = Time::new(i8::try_from(minute.0 / 60).ok()?, i8::try_from(minute.0 % 60).ok()?, 0, 0).ok()?;
    let ambiguous = zone.to_ambiguous_timestamp(day.to_datetime(time));
    let moment = match ambiguous.offset() {
        AmbiguousOffset::Gap { .. } => {
            // Read with the new offset, the reading lies shortly before the change.
            let before = ambiguous.earlier().ok()?.checked_sub(SignedDuration::from_millis(1)).ok()?;
            zone.following(before).next()?.timestamp()
        }
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.earlier().ok()?,
    };
    Some(moment.as_millisecond())
}

/// What stands between a job and its start, the queue itself aside.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Gate {
    /// The user holds it.
    pub held: bool,
    /// Not before this moment, in milliseconds UTC.
    pub not_before: Option<i64>,
    /// Only while this window is open.
    pub window: Option<Window>,
    /// Not at or after this moment, in milliseconds UTC; then it expires.
    pub start_by: Option<i64>,
}

/// What closes a gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Bar {
    /// The user's hold.
    Held,
    /// A moment that is still to come.
    NotBefore,
    /// A window that is closed.
    Window {
        /// Its name.
        name: String,
    },
}

/// How a gate stands at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// The job may start.
    Open,
    /// It may not.
    Closed {
        /// The first thing in the way.
        reason: Bar,
        /// When the gate opens if nobody touches it, in milliseconds UTC; None while it is held, or if its window
        /// never opens.
        until: Option<i64>,
    },
    /// The moment by which it had to start has come.
    Expired,
}

impl Gate {
    /// How the gate stands at `now` (milliseconds UTC).
    ///
    /// - The deadline to start comes first: it also passes for a job that is held.
    /// - Then the hold, then the moment, then the window.
    #[must_use]
    pub fn stands(&self, now: i64, zone: &TimeZone) -> Standing {
        if self.start_by.is_some_and(|by| now >= by) {
            return Standing::Expired;
        }
        if self.held {
            return Standing::Closed { reason: Bar::Held, until: None };
        }
        let waits = self.not_before.filter(|at| *at > now);
        if let Some(at) = waits {
            return Standing::Closed { reason: Bar::NotBefore, until: self.window_opens(at, zone) };
        }
        match &self.window {
            Some(window) if !window.is_open(now, zone) => Standing::Closed {
                reason: Bar::Window { name: window.name.clone() },
                until: self.window_opens(now, zone),
            },
            _ => Standing::Open,
        }
    }

    /// When the gate has to be looked at again, in milliseconds UTC and after `now`, if nobody touches it until then:
    /// it opens, its window closes, or its deadline passes. None if time alone changes nothing.
    #[must_use]
    pub fn next_look(&self, now: i64, zone: &TimeZone) -> Option<i64> {
        let change = match self.stands(now, zone) {
            Standing::Expired => return None,
            Standing::Closed { until, .. } => until,
            Standing::Open => {
                self.window.as_ref().and_then(|window| window.next_change(now, zone)).map(|change| change.at)
            }
        };
        change.into_iter().chain(self.start_by).min()
    }

    /// The first moment from `at` on at which the window, if any, is open.
    fn window_opens(&self, at: i64, zone: &TimeZone) -> Option<i64> {
        match &self.window {
            Some(window) if !window.is_open(at, zone) => {
                window.next_change(at, zone).filter(|change| change.opens).map(|change| change.at)
            }
            _ => Some(at),
        }
    }
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
