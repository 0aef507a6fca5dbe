//! Moments and stretches of time as queries name them.

use std::fmt;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::quantity::{parse_duration, print_duration, print_moment};

/// A moment or a stretch of time. What is named by the calendar is a stretch: to be equal is to lie in it, to be later
/// is to lie behind its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Moment {
    /// So many milliseconds ago: `-7d`; `now` is none ago.
    Ago(u64),
    /// The day that it is in the user's zone.
    Today,
    /// The day before.
    Yesterday,
    /// `2026`
    Year(i16),
    /// `2026-11`: the first day of that month.
    Month(Date),
    /// `2026-11-01`
    Day(Date),
    /// `2026-11-01T08:30`, one minute long.
    Minute(DateTime),
    /// `2026-11-01T08:30:15`, one second long.
    Second(DateTime),
    /// With its offset, as UTC milliseconds: `2026-11-01T08:30:15Z`.
    Exact(i64),
}

/// The present: what relative times are relative to.
#[derive(Debug, Clone)]
pub struct Now {
    /// UTC milliseconds.
    pub ms: i64,
    /// The user's time zone.
    pub zone: TimeZone,
}

/// Examples in messages.
pub(super) const EXAMPLES: &str = "-7d, today or 2026-11-01";

impl Moment {
    /// Reads one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "now" => return Some(Self::Ago(0)),
            "today" => return Some(Self::Today),
            "yesterday" => return Some(Self::Yesterday),
            _ => {}
        }
        if let Some(ago) = text.strip_prefix('-') {
            return parse_duration(ago).ok().map(Self::Ago);
        }
        if text.len() == 4 && digits(text) {
            return text.parse().ok().map(Self::Year);
        }
        // What the calendar's parser takes is more than what is meant here.
        let shape: String =
            text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c.to_ascii_uppercase() }).collect();
        match shape.as_str() {
            "0000-00" => format!("{text}-01").parse().ok().map(Self::Month),
            "0000-00-00" => text.parse().ok().map(Self::Day),
            "0000-00-00T00:00" | "0000-00-00 00:00" => text.parse().ok().map(Self::Minute),
            "0000-00-00T00:00:00" | "0000-00-00 00:00:00" => text.parse().ok().map(Self::Second),
            shape if shape.starts_with("0000-00-00") => {
                text.parse().ok().map(|exact: Timestamp| Self::Exact(exact.as_millisecond()))
            }
            _ => None,
        }
    }

    /// Its first millisecond, and the first one behind it. What lies outside the calendar is the end of all time.
    #[must_use]
    pub fn range(&self, now: &Now) -> (i64, i64) {
        let today = || {
            Timestamp::from_millisecond(now.ms)
                .map(|ms| now.zone.to_datetime(ms).date())
                .unwrap_or(Date::ZERO)
        };
        let start = |day: Option<Date>| {
            let found = day.and_then(|day| {
                now.zone.to_ambiguous_timestamp(day.to_datetime(jiff::civil::Time::MIN)).compatible().ok()
            });
            found.map_or(i64::MAX, Timestamp::as_millisecond)
        };
        let days = |from: Date, to: Option<Date>| (start(Some(from)), start(to));
        let clock = |reading: DateTime, length: i64| {
            let found = now.zone.to_ambiguous_timestamp(reading).compatible();
            let from = found.map_or(i64::MAX, Timestamp::as_millisecond);
            (from, from.saturating_add(length))
        };
        match *self {
            Self::Ago(ms) => {
                let at = now.ms.saturating_sub(i64::try_from(ms).unwrap_or(i64::MAX));
                (at, at.saturating_add(1))
            }
            Self::Today => days(today(), today().tomorrow().ok()),
            Self::Yesterday => days(today().yesterday().unwrap_or(Date::ZERO), Some(today())),
            Self::Year(year) => match Date::new(year, 1, 1) {
                Ok(first) => days(first, first.checked_add(1.year()).ok()),
                Err(_) => (i64::MAX, i64::MAX),
            },
            Self::Month(first) => days(first, first.checked_add(1.month()).ok()),
            Self::Day(day) => days(day, day.tomorrow().ok()),
            Self::Minute(reading) => clock(reading, 60_000),
            Self::Second(reading) => clock(reading, 1_000),
            Self::Exact(ms) => (ms, ms.saturating_add(1)),
        }
    }
}

fn digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// As [`Moment::parse`] reads it.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ago(0) => f.write_str("now"),
            Self::Ago(ms) => write!(f, "-{}", print_duration(*ms)),
            Self::Today => f.write_str("today"),
            Self::Yesterday => f.write_str("yesterday"),
            Self::Year(year) => write!(f, "{year:04}"),
            Self::Month(first) => write!(f, "{:04}-{:02}", first.year(), first.month()),
            Self::Day(day) => write!(f, "{day}"),
            Self::Minute(at) => write!(f, "{}T{:02}:{:02}", at.date(), at.hour(), at.minute()),
            Self::Second(at) => {
                write!(f, "{}T{:02}:{:02}:{:02}", at.date(), at.hour(), at.minute(), at.second())
            }
            Self::Exact(ms) => f.write_str(&print_moment(*ms)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Saturday, 21 November 2026, 12:00 in Berlin.
    fn now() -> Now {
        let zone = TimeZone::get("Europe/Berlin").expect("a zone that is known");
        let ms = "2026-11-21T11:00:00Z".parse::<Timestamp>().expect("a moment").as_millisecond();
        Now { ms, zone }
    }

    #[test]
    fn moments_are_stretches_of_the_users_calendar() {
        for (text, from, to) in [
            ("now", "2026-11-21T11:00:00Z", "2026-11-21T11:00:00.001Z"),
            ("-7d", "2026-11-14T11:00:00Z", "2026-11-14T11:00:00.001Z"),
            ("-1h30m", "2026-11-21T09:30:00Z", "2026-11-21T09:30:00.001Z"),
            ("Today", "2026-11-20T23:00:00Z", "2026-11-21T23:00:00Z"),
            ("yesterday", "2026-11-19T23:00:00Z", "2026-11-20T23:00:00Z"),
            ("2026", "2025-12-31T23:00:00Z", "2026-12-31T23:00:00Z"),
            ("2026-03", "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"),
            // The day on which the clock is put forward has 23 hours.
            ("2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
            ("2026-11-01T08:30", "2026-11-01T07:30:00Z", "2026-11-01T07:31:00Z"),
            ("2026-11-01 08:30:15", "2026-11-01T07:30:15Z", "2026-11-01T07:30:16Z"),
            ("2026-11-01T08:30:15Z", "2026-11-01T08:30:15Z", "2026-11-01T08:30:15.001Z"),
        ] {
            let moment = Moment::parse(text).unwrap_or_else(|| panic!("{text}"));
            let (start, end) = moment.range(&now());
            assert_eq!((print_moment(start).as_str(), print_moment(end).as_str()), (from, to), "{text}");
            assert_eq!(Moment::parse(&moment.to_string()), Some(moment), "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_moments() {
        for text in [
            "",
            "7d",
            "-7",
            "2026-13",
            "2026-02-30",
            "26-11-01",
            "2026-11-01T",
            "2026-11-01T25:00",
            "tomorrow",
            "-",
        ] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }

    #[test]
    fn nothing_lies_behind_the_end_of_the_calendar() {
        let last = Moment::parse("9999-12-31").expect("a day");
        assert_eq!(last.range(&now()).1, i64::MAX);
        assert!(Moment::Ago(u64::MAX).range(&now()).0 < 0);
    }
}
