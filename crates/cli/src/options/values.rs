//! Values of options, read as everywhere else in the program.

use athanor_api::quantity::{parse_bytes, parse_duration, parse_moment};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A size in bytes: `10GiB`.
pub fn size(text: &str) -> Result<u64, String> {
    parse_bytes(text).map_err(|fault| fault.to_string())
}

/// A duration in milliseconds: `90s`, `12h`, `2d`.
pub fn duration(text: &str) -> Result<u64, String> {
    parse_duration(text).map_err(|fault| fault.to_string())
}

/// A moment in milliseconds UTC: `22:00`, `+2h`, `2026-11-22 08:30`.
pub fn moment(text: &str) -> Result<i64, String> {
    parse_moment(text, now(), &TimeZone::system()).map_err(|fault| fault.to_string())
}

/// A moment that has passed: a moment, or how long ago it was.
pub fn past(text: &str) -> Result<i64, String> {
    let now = now();
    let at = match parse_duration(text) {
        Ok(ms) => now.saturating_sub(i64::try_from(ms).unwrap_or(i64::MAX)),
        Err(_) => moment(text).map_err(|_| {
            format!("“{text}” is neither a duration such as 24h nor a moment such as 2026-11-22")
        })?,
    };
    if at >= now {
        return Err(format!("“{text}” is not in the past; write how long ago, such as 24h, or a day"));
    }
    Ok(at)
}

/// `NAME=VALUE`.
pub fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    if name.is_empty() {
        return Err("the name is missing: write NAME=VALUE".into());
    }
    Ok((name.into(), value.into()))
}

/// The present, UTC milliseconds.
pub fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_and_faults_say_what_to_write() {
        assert_eq!(size("10GiB"), Ok(10 << 30));
        assert_eq!(duration("1h30m"), Ok(5_400_000));
        assert_eq!(pair("a=b=c"), Ok(("a".into(), "b=c".into())));
        for bad in ["", "90", "-5s", "1y", "999999999999d"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
        assert!(pair("=b").is_err() && pair("a").is_err());
        assert!(size("much").is_err());
    }

    #[test]
    fn the_past_is_told_by_a_duration_or_a_day() {
        let day = 86_400_000;
        let ago = now() - past("24h").expect("a duration");
        assert!((day - 60_000..day + 60_000).contains(&ago), "{ago}");
        assert!(past("2020-01-01").is_ok());
        assert!(past("+2h").is_err() && past("soon").is_err() && past("0s").is_err());
    }
}
