use proptest::prelude::*;

use super::*;

/// The rule of Europe/Berlin since 1996, so that the tests need no files.
fn berlin() -> TimeZone {
    TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
}

fn ms(moment: &str) -> i64 {
    moment.parse::<Timestamp>().unwrap().as_millisecond()
}

fn shown(ms: i64) -> String {
    Timestamp::from_millisecond(ms).unwrap().to_string()
}

/// `opens` or `closes` and when, of the next change after `now`.
fn next(window: &Window, now: &str) -> String {
    window.next_change(ms(now), &berlin()).map_or("never".into(), |change| {
        format!("{} {}", if change.opens { "opens" } else { "closes" }, shown(change.at))
    })
}

fn window(days: &[&str], from: &str, to: &str) -> Window {
    serde_json::from_value(serde_json::json!({"name": "w", "days": days, "from": from, "to": to})).unwrap()
}

#[test]
fn nights_go_past_midnight() {
    let nights = Window::nights();
    // 21 November 2026 is a Saturday; Berlin is one hour ahead of UTC.
    for (now, open, change) in [
        ("2026-11-21T20:59:59Z", false, "opens 2026-11-21T21:00:00Z"),
        ("2026-11-21T21:00:00Z", true, "closes 2026-11-22T06:00:00Z"),
        ("2026-11-22T05:59:59Z", true, "closes 2026-11-22T06:00:00Z"),
        ("2026-11-22T06:00:00Z", false, "opens 2026-11-22T21:00:00Z"),
    ] {
        assert_eq!(nights.is_open(ms(now), &berlin()), open, "{now}");
        assert_eq!(next(&nights, now), change, "{now}");
    }
}

#[test]
fn a_weekend_opens_and_closes_once() {
    let weekends = Window::weekends();
    assert_eq!(next(&weekends, "2026-11-20T12:00:00Z"), "opens 2026-11-20T23:00:00Z");
    assert_eq!(next(&weekends, "2026-11-21T12:00:00Z"), "closes 2026-11-22T23:00:00Z");
    assert_eq!(next(&weekends, "2026-11-22T22:59:59Z"), "closes 2026-11-22T23:00:00Z");
    assert_eq!(next(&weekends, "2026-11-22T23:00:00Z"), "opens 2026-11-27T23:00:00Z");
}

#[test]
fn the_days_are_those_on_which_it_opens() {
    let friday = window(&["fri"], "22:00", "07:00");
    assert!(friday.is_open(ms("2026-11-21T05:00:00Z"), &berlin()), "Saturday morning belongs to Friday");
    assert!(!friday.is_open(ms("2026-11-20T05:00:00Z"), &berlin()), "Friday morning belongs to Thursday");
    assert_eq!(next(&friday, "2026-11-21T06:00:00Z"), "opens 2026-11-27T21:00:00Z");
}

#[test]
fn what_is_always_or_never_open_never_changes() {
    let all = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let always = window(&all, "05:00", "05:00");
    assert!(always.is_open(ms("2026-11-21T12:00:00Z"), &berlin()));
    assert_eq!(next(&always, "2026-11-21T12:00:00Z"), "never");
    let never = Window { days: Days::default(), ..always };
    assert!(!never.is_open(ms("2026-11-21T12:00:00Z"), &berlin()));
    assert_eq!(next(&never, "2026-11-21T12:00:00Z"), "never");
    assert!(never.validate().is_err());
    let six = window(&all[..6], "05:00", "05:00");
    assert_eq!(next(&six, "2026-11-23T12:00:00Z"), "closes 2026-11-29T04:00:00Z", "six days on end");
}

#[test]
fn the_spring_night_leaves_an_hour_out() {
    // 29 March 2026: at 02:00 the clock goes to 03:00, which is 01:00 UTC.
    assert_eq!(
        next(&Window::nights(), "2026-03-28T22:00:00Z"),
        "closes 2026-03-29T05:00:00Z",
        "an hour shorter"
    );
    let inside = window(&["sun"], "02:30", "04:00");
    assert_eq!(next(&inside, "2026-03-28T22:00:00Z"), "opens 2026-03-29T01:00:00Z");
    assert_eq!(next(&inside, "2026-03-29T01:00:00Z"), "closes 2026-03-29T02:00:00Z");
    let ends_inside = window(&["sat"], "22:00", "02:30");
    assert_eq!(next(&ends_inside, "2026-03-28T22:00:00Z"), "closes 2026-03-29T01:00:00Z");
    let gone = window(&["sun"], "02:10", "02:50");
    assert_eq!(next(&gone, "2026-03-28T22:00:00Z"), "opens 2026-04-05T00:10:00Z", "not this week");
    assert_eq!(
        next(&gone, "2026-03-23T00:00:00Z"),
        "opens 2026-04-05T00:10:00Z",
        "seen from almost two weeks before"
    );
}

#[test]
fn the_autumn_night_has_an_hour_twice() {
    // 25 October 2026: at 03:00 the clock goes back to 02:00, which is 01:00 UTC.
    assert_eq!(
        next(&Window::nights(), "2026-10-24T22:00:00Z"),
        "closes 2026-10-25T06:00:00Z",
        "an hour longer"
    );
    let inside = window(&["sun"], "02:15", "02:45");
    assert_eq!(next(&inside, "2026-10-24T22:00:00Z"), "opens 2026-10-25T00:15:00Z");
    assert_eq!(next(&inside, "2026-10-25T00:15:00Z"), "closes 2026-10-25T00:45:00Z");
    assert_eq!(next(&inside, "2026-10-25T00:45:00Z"), "opens 2026-11-01T01:15:00Z", "only the first time");
    let opens_inside = window(&["sun"], "02:30", "07:00");
    assert_eq!(next(&opens_inside, "2026-10-24T22:00:00Z"), "opens 2026-10-25T00:30:00Z");
    assert!(
        opens_inside.is_open(ms("2026-10-25T01:10:00Z"), &berlin()),
        "the second 02:10 is after the opening"
    );
}

#[test]
fn the_serde_form_is_the_users() {
    let json = r#"{"name":"nights","days":["mon","sun"],"from":"22:00","to":"07:00"}"#;
    let read: Window = serde_json::from_str(json).unwrap();
    assert_eq!(read.days, Days::new([Weekday::Monday, Weekday::Sunday]));
    assert_eq!((read.from.of_day(), read.to.of_day()), (1320, 420));
    assert_eq!(serde_json::to_string(&read).unwrap(), json);
    assert_eq!(window(&["sat"], "8:00", "24:00").to, Minute::default());
    for bad in [
        json.replace("mon", "monday"),
        json.replace("22:00", "22"),
        json.replace("22:00", "25:00"),
        json.replace("22:00", "2:5"),
        json.replace("22:00", "+2:05"),
        json.replace("name", "nome"),
    ] {
        assert!(serde_json::from_str::<Window>(&bad).is_err(), "{bad}");
    }
    let gate: Gate = serde_json::from_str("{}").unwrap();
    assert_eq!(gate, Gate::default());
}

#[test]
fn names_and_days_are_needed() {
    for fine in Window::defaults() {
        assert_eq!(fine.validate(), Ok(()));
    }
    let nights = Window::nights();
    assert!(Window { name: " ".into(), ..nights.clone() }.validate().is_err());
    assert!(Window { name: "é".repeat(51), ..nights.clone() }.validate().is_err());
    assert!(Window { days: Days::default(), ..nights }.validate().unwrap_err().0.contains("“nights”"));
}

#[test]
fn the_gate_names_the_first_bar_and_when_it_opens() {
    let noon = ms("2026-11-21T12:00:00Z");
    let hour = 3_600_000;
    let tonight = ms("2026-11-21T21:00:00Z");
    let morning = ms("2026-11-22T06:00:00Z");
    let nights = || Some(Window::nights());
    let closed = |reason, until| Standing::Closed { reason, until };
    let by_window = || Bar::Window { name: "nights".into() };
    for (gate, standing, look) in [
        (Gate::default(), Standing::Open, None),
        (Gate { held: true, window: nights(), ..Gate::default() }, closed(Bar::Held, None), None),
        (
            Gate { held: true, start_by: Some(noon + hour), ..Gate::default() },
            closed(Bar::Held, None),
            Some(noon + hour),
        ),
        (
            Gate { not_before: Some(noon + hour), ..Gate::default() },
            closed(Bar::NotBefore, Some(noon + hour)),
            Some(noon + hour),
        ),
        (Gate { not_before: Some(noon), ..Gate::default() }, Standing::Open, None),
        (Gate { window: nights(), ..Gate::default() }, closed(by_window(), Some(tonight)), Some(tonight)),
        (
            Gate { window: nights(), not_before: Some(noon + hour), ..Gate::default() },
            closed(Bar::NotBefore, Some(tonight)),
            Some(tonight),
        ),
        (
            Gate { window: nights(), not_before: Some(tonight + hour), ..Gate::default() },
            closed(Bar::NotBefore, Some(tonight + hour)),
            Some(tonight + hour),
        ),
        (
            Gate { window: nights(), start_by: Some(noon + hour), ..Gate::default() },
            closed(by_window(), Some(tonight)),
            Some(noon + hour),
        ),
        (Gate { start_by: Some(noon + hour), ..Gate::default() }, Standing::Open, Some(noon + hour)),
        (Gate { start_by: Some(noon), held: true, ..Gate::default() }, Standing::Expired, None),
    ] {
        assert_eq!(gate.stands(noon, &berlin()), standing, "{gate:?}");
        assert_eq!(gate.next_look(noon, &berlin()), look, "{gate:?}");
    }
    let gate = Gate { window: nights(), ..Gate::default() };
    assert_eq!(gate.stands(tonight, &berlin()), Standing::Open);
    assert_eq!(gate.next_look(tonight, &berlin()), Some(morning), "the window closes again");
}

fn any_window() -> impl Strategy<Value = Window> {
    (0u8..128, 0u16..1440, 0u16..1440, any::<bool>()).prop_map(|(days, from, to, whole)| Window {
        name: "w".into(),
        days: Days(days),
        from: Minute(from),
        to: Minute(if whole { from } else { to }),
    })
}

/// Around the two changes of the clock in 2026, and any time else.
fn any_moment() -> impl Strategy<Value = i64> {
    let spring = ms("2026-03-29T01:00:00Z");
    let autumn = ms("2026-10-25T01:00:00Z");
    let days = 2 * 86_400_000;
    prop_oneof![
        spring - days..spring + days,
        autumn - days..autumn + days,
        1_500_000_000_000i64..2_500_000_000_000,
    ]
}

proptest! {
    #[test]
    fn nothing_changes_before_the_next_change(window in any_window(), now in any_moment(), part in 0.0f64..1.0) {
        let zone = berlin();
        let open = window.is_open(now, &zone);
        match window.next_change(now, &zone) {
            None => prop_assert_eq!(window.days, if open { Days::ALL } else { Days::default() }),
            Some(change) => {
                prop_assert!(change.at > now);
                prop_assert_eq!(change.opens, !open);
                prop_assert_eq!(window.is_open(change.at, &zone), change.opens, "it is so from that moment on");
                prop_assert_eq!(window.is_open(change.at - 1, &zone), open);
                #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
                let between = now + ((change.at - 1 - now) as f64 * part) as i64;
                prop_assert_eq!(window.is_open(between, &zone), open);
            }
        }
    }

    #[test]
    fn away_from_changes_of_the_clock_the_reading_decides(window in any_window(), now in any_moment()) {
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let reading = zone.to_datetime(Timestamp::from_millisecond(now).unwrap());
        let minute = u16::try_from(i32::from(reading.hour()) * 60 + i32::from(reading.minute())).unwrap();
        let today = window.days.contains(reading.weekday());
        let yesterday = window.days.contains(reading.weekday().previous());
        let expected = if window.from < window.to {
            today && (window.from.0..window.to.0).contains(&minute)
        } else {
            (today && minute >= window.from.0) || (yesterday && minute < window.to.0)
        };
        prop_assert_eq!(window.is_open(now, &zone), expected);
    }

    #[test]
    fn a_gate_stands_still_until_the_next_look(
        window in prop::option::of(any_window()), now in any_moment(),
        not_before in prop::option::of(-500_000_000i64..500_000_000),
        start_by in prop::option::of(-500_000_000i64..500_000_000), part in 0.0f64..1.0,
    ) {
        let zone = berlin();
        let gate = Gate {
            held: false,
            not_before: not_before.map(|offset| now + offset),
            window,
            start_by: start_by.map(|offset| now + offset),
        };
        let is_open = |at| gate.stands(at, &zone) == Standing::Open;
        let expired = |at| gate.stands(at, &zone) == Standing::Expired;
        let look = gate.next_look(now, &zone);
        prop_assert!(look.is_none_or(|look| look > now));
        let end = look.unwrap_or(now + 1_000_000_000_000);
        #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
        let between = now + ((end - 1 - now) as f64 * part) as i64;
        prop_assert_eq!(is_open(between), is_open(now));
        prop_assert_eq!(expired(between), expired(now));
        if let Some(look) = look {
            prop_assert!(is_open(look) != is_open(now) || expired(look), "a look that finds nothing new");
        }
    }
}
