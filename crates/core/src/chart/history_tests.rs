#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

const NOW: i64 = 1_795_000_000_000;

fn bucket(start: i64, min: f64, mean: f64, max: f64) -> Bucket {
    Bucket { start, min, mean, max, count: 10, span: 60_000 }
}

fn chart(unit: Unit, buckets: &[Bucket]) -> HistoryChart<'_> {
    HistoryChart {
        width: 600.0,
        height: 160.0,
        theme: Theme::Light,
        title: "GPU utilisation".into(),
        unit,
        since: NOW - 3_600_000,
        until: NOW,
        zone: TimeZone::UTC,
        lines: vec![HistoryLine { colour: 0, buckets, step: 60_000 }],
    }
}

fn labels(svg: &str) -> Vec<String> {
    let content = |text: &str| Some(text.split_once('>')?.1.split_once('<')?.0.to_owned());
    svg.split("<text ").skip(1).filter_map(content).collect()
}

fn hour(value: impl Fn(i64) -> (f64, f64, f64)) -> Vec<Bucket> {
    (0..60)
        .map(|i| {
            let (min, mean, max) = value(i);
            bucket(NOW - 3_600_000 + i * 60_000, min, mean, max)
        })
        .collect()
}

#[test]
fn the_band_lies_behind_the_mean() {
    let buckets = hour(|i| (10.0, 40.0 + (i % 7) as f64, if i == 30 { 100.0 } else { 60.0 }));
    let drawn = render_history(&chart(Unit::Percent, &buckets));
    let (band, line) =
        (drawn.svg.find("fill-opacity=\"0.18\"").unwrap(), drawn.svg.rfind("class=\"c1\" stroke").unwrap());
    assert!(band < line, "the mean is drawn over the band");
    assert_eq!((drawn.y.min, drawn.y.max), (0.0, 100.0), "percent has fixed ends");
    assert_eq!((drawn.x.min as i64, drawn.x.max as i64), (NOW - 3_600_000, NOW));
    assert_eq!(
        labels(&drawn.svg),
        ["0", "25%", "50%", "75%", "100%", "10:10", "10:20", "10:30", "10:40", "10:50", "11:00"]
            .map(String::from)
    );
}

#[test]
fn a_gap_breaks_line_and_band() {
    let all = hour(|_| (10.0, 50.0, 90.0));
    let broken: Vec<Bucket> =
        all.iter().enumerate().filter(|(i, _)| !(20..30).contains(i)).map(|(_, b)| *b).collect();
    let bands = |svg: &str| svg.matches("fill-opacity=\"0.18\"").count();
    assert_eq!(bands(&render_history(&chart(Unit::Percent, &all)).svg), 1);
    assert_eq!(bands(&render_history(&chart(Unit::Percent, &broken)).svg), 2);
    let alone = render_history(&chart(Unit::Percent, &all[10..11]));
    assert_eq!((bands(&alone.svg), alone.svg.matches("<circle").count()), (0, 1), "a lone bucket is a dot");
}

#[test]
fn labels_say_the_unit() {
    let gib = f64::from(1u32 << 30);
    for (unit, most, expected) in [
        (Unit::Bytes, 23.0 * gib, "20 GiB"),
        (Unit::Bytes, 700.0 * 1024.0 * 1024.0, "600 MiB"),
        (Unit::BytesPerSecond, 3000.0, "2 KiB/s"),
        (Unit::Watt, 350.0, "300 W"),
        (Unit::Celsius, 71.0, "70 °C"),
        (Unit::Megahertz, 2100.0, "2000 MHz"),
    ] {
        let drawn = render_history(&chart(
            unit,
            &hour(|i| (most * 0.5, most * 0.8, if i > 50 { most } else { most * 0.9 })),
        ));
        let labels = labels(&drawn.svg);
        assert!(labels.iter().any(|label| label == expected), "{unit:?}: {labels:?}");
        assert!(
            drawn.y.max >= most && drawn.y.max < most * 1.2,
            "the axis is in the unit itself: {:?}",
            drawn.y
        );
    }
}

#[test]
fn nothing_recorded_is_an_empty_grid_over_the_time_asked_for() {
    let drawn = render_history(&chart(Unit::Bytes, &[]));
    assert!(drawn.svg.contains("class=\"grid\"") && !drawn.svg.contains("class=\"c1\""));
    assert!(labels(&drawn.svg).contains(&"10:30".to_owned()));
    let small = render_history(&HistoryChart { width: 60.0, height: 40.0, ..chart(Unit::Percent, &[]) });
    assert_eq!(labels(&small.svg), Vec::<String>::new(), "a sparkline has no labels");
}

proptest! {
    #[test]
    fn any_buckets_have_a_picture(
        starts in proptest::collection::vec((-100i64..200, -1e12..1e12f64, 0.0..1e12f64), 0..80),
        unit in prop::sample::select(vec![Unit::Percent, Unit::Bytes, Unit::Celsius, Unit::BytesPerSecond]),
        width in 0.0..900.0f64, height in 0.0..400.0f64,
    ) {
        let mut buckets: Vec<Bucket> = starts
            .iter()
            .map(|(i, low, up)| bucket(NOW - 3_600_000 + i * 60_000, *low, low + up / 2.0, low + up))
            .collect();
        buckets.sort_by_key(|bucket| bucket.start);
        buckets.dedup_by_key(|bucket| bucket.start);
        let drawn = render_history(&HistoryChart { width, height, ..chart(unit, &buckets) });
        prop_assert!(!drawn.svg.contains("NaN") && !drawn.svg.contains("inf"));
        prop_assert!(drawn.plot.width > 0.0 && drawn.plot.height > 0.0);
        prop_assert!(drawn.y.min < drawn.y.max);
    }
}
