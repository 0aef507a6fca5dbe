//! Time windows as a person writes them: `nights mon-sun 22:00-07:00; weekends sat,sun 00:00-24:00`.

use athanor_api::wire::TimeWindow;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Windows from text; the JSON form is taken, too.
///
/// # Errors
/// A sentence that names what was given and an example.
pub fn parse(text: &str) -> Result<Vec<TimeWindow>, String> {
    if text.trim_start().starts_with('[') {
        return serde_json::from_str(text).map_err(|cause| format!("that is no list of windows: {cause}"));
    }
    text.split(';').map(str::trim).filter(|window| !window.is_empty()).map(window).collect()
}

/// The same windows as text that [`parse`] takes.
pub fn print(windows: &[TimeWindow]) -> String {
    let one = |window: &TimeWindow| {
        let to = if window.from == "00:00" && window.to == "00:00" { "24:00" } else { &window.to };
        format!("{} {} {}-{to}", window.name, print_days(&window.days), window.from)
    };
    windows.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn window(text: &str) -> Result<TimeWindow, String> {
    let wrong = || format!("“{text}” is no time window; write one as in “nights mon-sun 22:00-07:00”");
    let words: Vec<&str> = text.split_whitespace().collect();
    let [name, days, times] = words[..] else { return Err(wrong()) };
    let (from, to) = times.split_once('-').ok_or_else(wrong)?;
    // The end of a day is the start of the next one.
    let to = if to == "24:00" { "00:00" } else { to };
    Ok(TimeWindow { name: name.into(), days: parse_days(days)?, from: from.into(), to: to.into() })
}

fn parse_days(text: &str) -> Result<Vec<String>, String> {
    if matches!(text, "daily" | "all") {
        return Ok(DAYS.map(str::to_owned).to_vec());
    }
    let number = |day: &str| {
        let day = day.to_lowercase();
        DAYS.iter()
            .position(|known| *known == day)
            .ok_or_else(|| format!("“{day}” is no day of the week; there are {}, and daily", DAYS.join(", ")))
    };
    let mut open = [false; 7];
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (number(first)?, number(last)?);
        // Friday to Monday goes over the end of the week.
        let days = (last + 7 - first) % 7;
        (first..=first + days).for_each(|day| open[day % 7] = true);
    }
    Ok((0..7).filter(|day| open[*day]).map(|day| DAYS[day].to_owned()).collect())
}

/// Days as `mon-fri,sun`.
fn print_days(days: &[String]) -> String {
    let open: Vec<usize> = (0..7).filter(|day| days.iter().any(|open| open == DAYS[*day])).collect();
    let mut parts: Vec<String> = Vec::new();
    let mut rest = &open[..];
    while let [first, ..] = rest {
        let run = rest.iter().zip(*first..).take_while(|(day, expected)| **day == *expected).count();
        let last = rest[run - 1];
        parts.push(match run {
            1 => DAYS[*first].to_owned(),
            2 => format!("{},{}", DAYS[*first], DAYS[last]),
            _ => format!("{}-{}", DAYS[*first], DAYS[last]),
        });
        rest = &rest[run..];
    }
    parts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_read_back_as_printed() {
        for text in [
            "nights mon-sun 22:00-07:00; weekends sat,sun 00:00-24:00",
            "lunch mon-fri 12:00-13:00",
            "odd mon,wed,fri-sun 08:15-08:45",
            "",
        ] {
            let windows = parse(text).expect(text);
            assert_eq!(print(&windows), text);
            let json = serde_json::to_string(&windows).expect("JSON");
            assert_eq!(parse(&json), Ok(windows));
        }
    }

    #[test]
    fn days_may_go_over_the_end_of_the_week() {
        let windows = parse("w fri-mon 20:00-08:00; d daily 00:00-01:00").expect("windows");
        assert_eq!(windows[0].days, ["mon", "fri", "sat", "sun"]);
        assert_eq!(windows[1].days.len(), 7);
    }

    #[test]
    fn faults_show_how_it_is_written() {
        for (text, words) in [
            ("nights", "nights mon-sun 22:00-07:00"),
            ("nights 22:00-07:00", "nights mon-sun 22:00-07:00"),
            ("nights someday 22:00-07:00", "“someday” is no day of the week"),
            ("[1]", "no list of windows"),
        ] {
            let said = parse(text).expect_err(text);
            assert!(said.contains(words), "{said}");
        }
    }
}
