//! Sizes, durations and moments as people write them, and the exact way back.
//!
//! `text` rounds for the eye; what is printed here reads back to the same value.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use thiserror::Error;

/// Why a text could not be read: a sentence that names what was given and an example.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Malformed(pub String);

/// Units of sizes in lower case.
const SIZES: [(&str, u64); 19] = [
    ("eib", 1 << 60),
    ("pib", 1 << 50),
    ("tib", 1 << 40),
    ("gib", 1 << 30),
    ("mib", 1 << 20),
    ("kib", 1 << 10),
    ("eb", 1_000_000_000_000_000_000),
    ("pb", 1_000_000_000_000_000),
    ("tb", 1_000_000_000_000),
    ("gb", 1_000_000_000),
    ("mb", 1_000_000),
    ("kb", 1_000),
    ("e", 1 << 60),
    ("p", 1 << 50),
    ("t", 1 << 40),
    ("g", 1 << 30),
    ("m", 1 << 20),
    ("k", 1 << 10),
    ("b", 1),
];

/// Units of durations in milliseconds.
const DURATIONS: [(&str, u64); 20] = [
    ("w", 604_800_000),
    ("week", 604_800_000),
    ("weeks", 604_800_000),
    ("d", 86_400_000),
    ("day", 86_400_000),
    ("days", 86_400_000),
    ("h", 3_600_000),
    ("hour", 3_600_000),
    ("hours", 3_600_000),
    ("hr", 3_600_000),
    ("m", 60_000),
    ("min", 60_000),
    ("mins", 60_000),
    ("minute", 60_000),
    ("minutes", 60_000),
    ("s", 1_000),
    ("sec", 1_000),
    ("second", 1_000),
    ("seconds", 1_000),
    ("ms", 1),
];

/// A size in bytes: `10GiB`, `10 GB`, `512M`, `1.5TiB`, `4096`.
///
/// - KiB, MiB … EiB are powers of 1024; kB, MB … EB are powers of 1000.
/// - A bare letter is binary, as GNU tools and Slurm read it: 512M is 512 MiB.
/// - A bare number is bytes. Upper and lower case are the same; nobody writes bits here.
/// - A fraction is rounded to the nearest byte, and needs a unit above bytes.
///
/// # Errors
/// [`Malformed`], also for what does not fit into 64 bits.
pub fn parse_bytes(text: &str) -> Result<u64, Malformed> {
    let fault = |why: &str| Malformed(format!("“{}” {why}: write 10GiB, 512M or 1.5TB.", shown(text)));
    let (number, rest) = Number::take(text.trim()).ok_or_else(|| fault("is not a size"))?;
    let mut unit = rest.trim().to_ascii_lowercase();
    if unit.len() == 2 && unit.ends_with('i') {
        // Kubernetes leaves the B away.
        unit.push('b');
    }
    let factor = match unit.as_str() {
        "" => 1,
        unit => SIZES
            .iter()
            .find(|(word, _)| *word == unit)
            .map(|(_, factor)| *factor)
            .ok_or_else(|| fault("is not a size"))?,
    };
    if factor == 1 && number.fraction > 0 {
        return Err(fault("is a part of a byte"));
    }
    number.times(factor).ok_or_else(|| fault("is too large"))
}

/// A size so that [`parse_bytes`] gives it back, in the largest binary unit that divides it: `10GiB`, `1536MiB`,
/// `1000B`.
#[must_use]
pub fn print_bytes(bytes: u64) -> String {
    for (unit, word) in ["EiB", "PiB", "TiB", "GiB", "MiB", "KiB"].into_iter().enumerate() {
        let factor = 1u64 << (60 - 10 * unit);
        if bytes >= factor && bytes.is_multiple_of(factor) {
            return format!("{}{word}", bytes / factor);
        }
    }
    format!("{bytes}B")
}

/// A duration in milliseconds: `90s`, `12h`, `1h30m`, `2d`, `1500ms`, `1.5h`, `1 h 30 min`.
///
/// - A number needs its unit: whether a bare 90 is seconds or minutes differs from tool to tool.
/// - Units stand from the largest to the smallest, each once. `m` is minutes.
/// - Only the last number may have a fraction; it is rounded to the nearest millisecond.
///
/// # Errors
/// [`Malformed`], also for what does not fit into 64 bits.
pub fn parse_duration(text: &str) -> Result<u64, Malformed> {
    let fault = |why: &str| Malformed(format!("“{}” {why}: write 90s, 1h30m or 2d.", shown(text)));
    let mut rest = text.trim();
    match rest {
        "" => return Err(fault("is not a duration")),
        // Nothing is nothing in every unit.
        "0" => return Ok(0),
        _ => {}
    }
    let mut total = 0u64;
    let mut smallest = u64::MAX;
    while !rest.is_empty() {
        let (number, after) = Number::take(rest).ok_or_else(|| fault("is not a duration"))?;
        let after = after.trim_start();
        let end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let unit = after[..end].to_ascii_lowercase();
        let factor = DURATIONS.iter().find(|(word, _)| *word == unit).map(|(_, factor)| *factor);
        let factor =
            factor.ok_or_else(|| fault(if unit.is_empty() { "has no unit" } else { "is not a duration" }))?;
        if factor >= smallest {
            return Err(fault("does not go from large units to small ones"));
        }
        rest = after[end..].trim_start();
        if number.fraction > 0 && !rest.is_empty() {
            return Err(fault("has a fraction before its last unit"));
        }
        smallest = factor;
        let part = number.times(factor).ok_or_else(|| fault("is too long"))?;
        total = total.checked_add(part).ok_or_else(|| fault("is too long"))?;
    }
    Ok(total)
}

/// A duration in milliseconds so that [`parse_duration`] gives it back: `1h30m`, `2d`, `1s500ms`.
#[must_use]
pub fn print_duration(ms: u64) -> String {
    if ms == 0 {
        return "0s".into();
    }
    let mut rest = ms;
    let mut text = String::new();
    for (word, factor) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
        if rest >= factor {
            text.push_str(&format!("{}{word}", rest / factor));
            rest %= factor;
        }
    }
    text
}

/// A number that was not yet given its unit: `whole` + `fraction` / 10^`digits`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Number {
    whole: u64,
    fraction: u64,
    digits: u32,
}

impl Number {
    /// The number at the start of `text`, and what follows it. Up to 12 digits after the point count.
    fn take(text: &str) -> Option<(Self, &str)> {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let (whole, rest) = text.split_at(digits(text));
        let (fraction, rest) = match rest.strip_prefix('.') {
            Some(after) if digits(after) > 0 => after.split_at(digits(after)),
            _ => ("", rest),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let whole = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        let kept = fraction[..fraction.len().min(12)].trim_end_matches('0');
        let number = Self {
            whole,
            fraction: if kept.is_empty() { 0 } else { kept.parse().ok()? },
            digits: u32::try_from(kept.len()).ok()?,
        };
        Some((number, rest))
    }

    /// The product with `factor`, rounded to the nearest whole number, if it fits.
    fn times(self, factor: u64) -> Option<u64> {
        let scale = 10u128.pow(self.digits);
        let part = (u128::from(self.fraction) * u128::from(factor) + scale / 2) / scale;
        u64::try_from(u128::from(self.whole) * u128::from(factor) + part).ok()
    }
}

/// A moment in milliseconds UTC, as seen at `now_ms` in `zone`.
///
/// - `22:00`, `8:00:30`: the next time that the clock shows this, `now_ms` included.
/// - `today 22:00`, `tomorrow 8:00`, `sat 9:00` (the next one; today counts while the time is to come). Without a
///   time: the start of that day.
/// - `2026-11-22`, `2026-11-22 08:30`, `2026-11-22T08:30:00`: in `zone`.
/// - `2026-11-22T08:30:00Z`, `…+01:00`: as they say.
/// - `+2h`, `in 2h`, `now`: from `now_ms` on.
///
/// A time that the clock leaves out in spring is taken as much later as the clock is put forward; one that comes
/// twice in autumn is the first. Moments in the past are no error here.
///
/// # Errors
/// [`Malformed`].
pub fn parse_moment(text: &str, now_ms: i64, zone: &TimeZone) -> Result<i64, Malformed> {
    let fault = |why: &str| {
        Malformed(format!("“{}” {why}: write 22:00, tomorrow 8:00, 2026-11-22 08:30 or +2h.", shown(text)))
    };
    let trimmed = text.trim();
    let lower = trimmed.to_ascii_lowercase();
    if lower == "now" {
        return Ok(now_ms);
    }
    if let Some(delay) = lower.strip_prefix('+').or_else(|| lower.strip_prefix("in ")) {
        let delay = parse_duration(delay).map_err(|_| fault("is not a moment"))?;
        let moment = i64::try_from(delay).ok().and_then(|delay| now_ms.checked_add(delay));
        return moment
            .filter(|ms| Timestamp::from_millisecond(*ms).is_ok())
            .ok_or_else(|| fault("is too far away"));
    }
    let now = Timestamp::from_millisecond(now_ms).map_err(|_| fault("can't be read at this time"))?;
    let today = zone.to_datetime(now).date();
    if trimmed.starts_with(|c: char| c.is_ascii_digit()) && trimmed.contains('-') {
        if let Ok(moment) = trimmed.parse::<Timestamp>() {
            return Ok(moment.as_millisecond());
        }
        let (day, time) = trimmed.split_once(['T', 't', ' ']).unwrap_or((trimmed, ""));
        let day: Date = day.parse().map_err(|_| fault("has no day of the calendar"))?;
        let time = day_time(time).ok_or_else(|| fault("has no time of day"))?;
        return at(day.to_datetime(time), zone).ok_or_else(|| fault("is too far away"));
    }
    let (word, time) = lower.split_once(char::is_whitespace).unwrap_or((&lower, ""));
    let next = |days: Vec<Date>, time: Time| {
        let moments = days.into_iter().flat_map(|day| both(day.to_datetime(time), zone));
        moments.filter(|ms| *ms >= now_ms).min().ok_or_else(|| fault("is too far away"))
    };
    // One day more than it seems to need: on some islands a day of the calendar was left out.
    let following = |days: i64| (0..=days).filter_map(|ahead| today.checked_add(ahead.days()).ok());
    if word.starts_with(|c: char| c.is_ascii_digit()) && time.is_empty() {
        let time = clock(word).ok_or_else(|| fault("is not a time of day"))?;
        return next(following(2).collect(), time);
    }
    let time = day_time(time).ok_or_else(|| fault("has no time of day"))?;
    let day = match word {
        "today" => today,
        "tomorrow" => today.tomorrow().map_err(|_| fault("is too far away"))?,
        word => {
            let weekday = weekday(word).ok_or_else(|| fault("is not a moment"))?;
            return next(following(8).filter(|day| day.weekday() == weekday).collect(), time);
        }
    };
    at(day.to_datetime(time), zone).ok_or_else(|| fault("is too far away"))
}

/// A moment in milliseconds UTC so that [`parse_moment`] gives it back anywhere: `2026-11-22T08:30:00Z`. A moment
/// outside the years -9999 to 9999 is printed as the nearest one inside.
#[must_use]
pub fn print_moment(ms: i64) -> String {
    let nearest = if ms < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_millisecond(ms).unwrap_or(nearest).to_string()
}

/// The moment of a reading of the clock in `zone`.
fn at(reading: DateTime, zone: &TimeZone) -> Option<i64> {
    zone.to_ambiguous_timestamp(reading).compatible().ok().map(Timestamp::as_millisecond)
}

/// The one or two moments of a reading: a reading that is left out has one, like any other.
fn both(reading: DateTime, zone: &TimeZone) -> impl Iterator<Item = i64> {
    let second = zone.to_ambiguous_timestamp(reading).later().ok().map(Timestamp::as_millisecond);
    at(reading, zone).into_iter().chain(second)
}

/// A time of day after a day; midnight where there is none.
fn day_time(text: &str) -> Option<Time> {
    let text = text.trim();
    if text.is_empty() { Some(Time::midnight()) } else { clock(text) }
}

/// `8:00`, `08:30`, `22:00:15`, `22:00:15.250`.
fn clock(text: &str) -> Option<Time> {
    let hour_digits = text.find(':')?;
    let padded = if hour_digits == 1 { format!("0{text}") } else { text.to_owned() };
    let plain = padded.bytes().all(|b| b.is_ascii_digit() || b == b':' || b == b'.');
    let shape = plain && (padded.len() == 5 || padded.len() >= 8) && padded.as_bytes().get(2) == Some(&b':');
    padded.parse().ok().filter(|_| shape)
}

/// A day of the week by its English name or the first three letters of it, in lower case.
fn weekday(word: &str) -> Option<Weekday> {
    const NAMES: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let index = NAMES.iter().position(|name| *name == word || (word.len() == 3 && name.starts_with(word)))?;
    Weekday::from_monday_zero_offset(i8::try_from(index).ok()?).ok()
}

/// What was given, shortened for a message.
fn shown(text: &str) -> String {
    if text.chars().count() <= 40 {
        return text.to_owned();
    }
    text.chars().take(40).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, bytes) in [
            ("10GiB", 10 << 30),
            ("10 GB", 10_000_000_000),
            ("512M", 512 << 20),
            ("512m", 512 << 20),
            ("16Gi", 16 << 30),
            ("1.5TiB", 3 << 39),
            (" .5 KiB ", 512),
            ("4096", 4096),
            ("0", 0),
            ("7b", 7),
            ("1.0B", 1),
            ("0.1KiB", 102),
            ("2.000000000000000000000001 kB", 2000),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(parse_bytes(text), Ok(bytes), "{text}");
        }
        for text in
            ["", "GiB", "10XB", "-1", "1.5", "10 Gi B", "1e3", "16EiB", "99999999999999999999", "1.5.2G"]
        {
            let message = parse_bytes(text).expect_err(text).to_string();
            assert!(message.contains(&format!("“{text}”")) && message.contains("10GiB"), "{message}");
        }
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, ms) in [
            ("90s", 90_000),
            ("12h", 43_200_000),
            ("1h30m", 5_400_000),
            ("1 h 30 min", 5_400_000),
            ("2d", 172_800_000),
            ("1500ms", 1_500),
            ("1.5h", 5_400_000),
            ("1h 0.5s", 3_600_500),
            ("2 Weeks", 1_209_600_000),
            ("0", 0),
            ("0s", 0),
            ("0.0004s", 0),
        ] {
            assert_eq!(parse_duration(text), Ok(ms), "{text}");
        }
        for text in
            ["", "90", "h", "1x", "30m1h", "1h1h", "1.5h30m", "-5s", "1h30", "0 1", "30500568904943w", "1 hh"]
        {
            let message = parse_duration(text).expect_err(text).to_string();
            assert!(message.contains(&format!("“{text}”")) && message.contains("1h30m"), "{message}");
        }
    }

    /// The rule of Europe/Berlin since 1996, so that the tests need no files.
    fn berlin() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
    }

    fn moment(text: &str, now: &str) -> String {
        let now = now.parse::<Timestamp>().unwrap().as_millisecond();
        parse_moment(text, now, &berlin()).map_or_else(|fault| fault.to_string(), print_moment)
    }

    #[test]
    fn moments_are_those_of_the_local_clock() {
        // A Saturday, 14:00 in Berlin.
        let now = "2026-11-21T13:00:00Z";
        for (text, expected) in [
            ("now", "2026-11-21T13:00:00Z"),
            ("22:00", "2026-11-21T21:00:00Z"),
            ("14:00", "2026-11-21T13:00:00Z"),
            ("13:59", "2026-11-22T12:59:00Z"),
            ("8:00:30", "2026-11-22T07:00:30Z"),
            ("today 8:00", "2026-11-21T07:00:00Z"),
            ("tomorrow 8:00", "2026-11-22T07:00:00Z"),
            ("Tomorrow", "2026-11-21T23:00:00Z"),
            ("sat 15:00", "2026-11-21T14:00:00Z"),
            ("sat 13:00", "2026-11-28T12:00:00Z"),
            ("Friday 18:00", "2026-11-27T17:00:00Z"),
            ("mon", "2026-11-22T23:00:00Z"),
            ("2026-11-22 08:30", "2026-11-22T07:30:00Z"),
            ("2026-11-22T8:30", "2026-11-22T07:30:00Z"),
            ("2026-07-01", "2026-06-30T22:00:00Z"),
            ("2026-11-22T08:30:00Z", "2026-11-22T08:30:00Z"),
            ("2026-11-22 08:30:00+09:00", "2026-11-21T23:30:00Z"),
            ("+2h", "2026-11-21T15:00:00Z"),
            ("in 1h30m", "2026-11-21T14:30:00Z"),
        ] {
            assert_eq!(moment(text, now), expected, "{text}");
        }
        for text in [
            "",
            "soon",
            "25:00",
            "8",
            "8:0",
            "8:00x",
            "2026-13-01",
            "2026-11-22 8",
            "+",
            "+2",
            "sat x",
            "tomorrow 8",
            "2026-11-22 08:30 x",
            "+999999999999d",
            "8:00 tomorrow",
            "2026-11-22T08:30:00X",
        ] {
            let message = moment(text, now);
            assert!(message.contains(&format!("“{text}”")) && message.contains("22:00"), "{text}: {message}");
        }
    }

    #[test]
    fn nights_on_which_the_clock_changes_have_their_own_times() {
        // 29 March 2026: 02:00 to 03:00 is left out. 25 October 2026: it comes twice.
        assert_eq!(moment("02:30", "2026-03-28T22:00:00Z"), "2026-03-29T01:30:00Z");
        assert_eq!(moment("02:30", "2026-10-24T22:00:00Z"), "2026-10-25T00:30:00Z");
        assert_eq!(moment("02:30", "2026-10-25T00:40:00Z"), "2026-10-25T01:30:00Z");
        assert_eq!(moment("02:30", "2026-10-25T01:40:00Z"), "2026-10-26T01:30:00Z");
    }

    proptest! {
        #[test]
        fn printed_sizes_read_back(bytes: u64, shift in 0u32..64) {
            for bytes in [bytes, bytes >> shift, (bytes >> shift) << shift] {
                prop_assert_eq!(parse_bytes(&print_bytes(bytes)), Ok(bytes));
            }
        }

        #[test]
        fn printed_durations_read_back(ms: u64, shift in 0u32..64) {
            for ms in [ms, ms >> shift, (ms >> shift) / 1000 * 1000] {
                prop_assert_eq!(parse_duration(&print_duration(ms)), Ok(ms));
            }
        }

        #[test]
        fn printed_moments_read_back(ms in -60_000_000_000_000i64..250_000_000_000_000, now in 0i64..4_000_000_000_000) {
            prop_assert_eq!(parse_moment(&print_moment(ms), now, &berlin()), Ok(ms));
        }

        #[test]
        fn the_next_time_of_day_is_the_next_one(minute in 0i64..1440, now in 1_500_000_000_000i64..2_500_000_000_000) {
            let text = format!("{:02}:{:02}", minute / 60, minute % 60);
            let found = parse_moment(&text, now, &berlin()).unwrap();
            prop_assert!(found >= now && found - now <= 25 * 3_600_000);
            let reading = berlin().to_datetime(Timestamp::from_millisecond(found).unwrap());
            let shows = i64::from(reading.hour()) * 60 + i64::from(reading.minute());
            // The hour that is left out is the only exception.
            prop_assert!(shows == minute || shows == minute + 60, "{} shows {}", text, reading);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[-+0-9a-zA-Z:. é]{0,20}", now: i64) {
            let _ = (parse_bytes(&text), parse_duration(&text), parse_moment(&text, now, &berlin()));
        }
    }
}
