#![allow(clippy::unwrap_used)]

use super::super::*;
use proptest::prelude::*;

fn line<'a>(colour: usize, steps: &'a [f64], values: &'a [f64]) -> Line<'a> {
    Line {
        key: format!("run{colour}"),
        label: format!("run {colour}"),
        colour,
        data: Data::Points { steps, values },
        live: colour == 0,
    }
}

fn noise(seed: &mut u64) -> f64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 11) as f64 / (1u64 << 53) as f64 - 0.5
}

/// Four runs of a falling loss, two of them still going.
fn losses(n: usize) -> Vec<(Vec<f64>, Vec<f64>)> {
    let mut seed = 3;
    (0..4)
        .map(|run| {
            let length = if run < 2 { n * 7 / 10 } else { n };
            let steps: Vec<f64> = (0..length).map(|i| (i * 60_000 / n) as f64).collect();
            let value = |&step: &f64| {
                let x = step / 60_000.0;
                0.25 + (1.6 + 0.2 * f64::from(run)) * (-4.0 * x).exp() + 0.12 * noise(&mut seed)
            };
            let values = steps.iter().map(value).collect();
            (steps, values)
        })
        .collect()
}

fn chart<'a>(lines: Vec<Line<'a>>, width: f64, height: f64) -> LineChart<'a> {
    LineChart { width, height, lines, ..LineChart::default() }
}

/// What a chart looks like, short enough to review: labels with their places, counts of elements.
fn describe(rendered: &Rendered) -> String {
    let svg = &rendered.svg;
    let count = |tag: &str| svg.matches(tag).count();
    let texts: Vec<String> = svg
        .split("<text ")
        .skip(1)
        .map(|text| {
            let attribute = |name: &str| {
                text.split_once(&format!(" {name}=\"")).and_then(|t| t.1.split_once('"')).map_or("", |t| t.0)
            };
            let content = text.split_once('>').and_then(|t| t.1.split_once('<')).map_or("", |t| t.0);
            format!("{content}@{},{}", attribute("x"), attribute("y"))
        })
        .collect();
    format!(
        "plot {:?}\nx {:?}\ny {:?}\npaths {}, circles {}\ntexts {}",
        rendered.plot,
        rendered.x,
        rendered.y,
        count("<path"),
        count("<circle"),
        texts.join(" ")
    )
}

/// No attribute or element that a strict policy refuses, and every label inside the picture and apart from others.
fn check_svg(rendered: &Rendered) {
    let svg = &rendered.svg;
    for forbidden in ["style=", "<style", " id=", "NaN\"", "inf\"", "<script"] {
        assert!(!svg.contains(forbidden), "{forbidden} in {svg}");
    }
    assert!(rendered.plot.width > 0.0 && rendered.plot.height > 0.0);
    assert!(rendered.x.min < rendered.x.max && rendered.y.min < rendered.y.max);
    let mut boxes: Vec<(f64, f64, f64, f64)> = Vec::new();
    for text in svg.split("<text ").skip(1) {
        let number = |name: &str| -> f64 {
            let from = text.split_once(&format!(" {name}=\"")).unwrap().1;
            from.split_once('"').unwrap().0.parse::<f64>().unwrap() / 10.0
        };
        let content = text.split_once('>').unwrap().1.split_once('<').unwrap().0;
        let (x, y, size) = (number("x"), number("y"), number("font-size"));
        let width = super::super::svg::text_width(content) * size;
        let left = if text.contains("\"end\"") { x - width } else { x - width / 2.0 };
        let own = (left, y - size * 0.73, left + width, y);
        assert!(
            own.0 >= -0.5 && own.2 <= rendered.width + 0.5,
            "{content} is cut off: {own:?} {}",
            describe(rendered)
        );
        assert!(own.1 >= -0.5 && own.3 <= rendered.height + 0.5, "{content} is cut off: {own:?}");
        for other in &boxes {
            let apart = own.0 >= other.2 || other.0 >= own.2 || own.1 >= other.3 || other.1 >= own.3;
            assert!(apart, "{content} overlaps: {own:?} {other:?} in {}", describe(rendered));
        }
        boxes.push(own);
    }
}

#[test]
fn a_typical_chart() {
    let runs = losses(2000);
    let lines = runs.iter().enumerate().map(|(i, (s, v))| line(i, s, v)).collect();
    let rendered = render_lines(&LineChart { smoothing: 0.9, ..chart(lines, 360.0, 150.0) });
    check_svg(&rendered);
    insta::assert_snapshot!(describe(&rendered));
    assert!(rendered.series.iter().all(|one| !one.raw.is_empty() && one.past.is_empty()));
}

#[test]
fn two_lines_are_a_small_picture() {
    let runs = losses(50_000);
    let lines = runs.iter().take(2).enumerate().map(|(i, (s, v))| line(i, s, v)).collect();
    let rendered = render_lines(&LineChart { smoothing: 0.9, ..chart(lines, 480.0, 200.0) });
    println!("{} bytes", rendered.svg.len());
    assert!(rendered.svg.len() < 60_000, "{} bytes", rendered.svg.len());
}

#[test]
fn nothing_to_draw_is_a_grid_without_labels() {
    let nan = [f64::NAN; 3];
    let steps = [0.0, 1.0, 2.0];
    for lines in [vec![], vec![line(0, &[], &[])], vec![line(0, &nan, &steps)]] {
        let rendered = render_lines(&chart(lines, 360.0, 150.0));
        check_svg(&rendered);
        assert!(!rendered.svg.contains("<text"));
        assert_eq!(rendered.svg.matches("<path").count(), 1, "the grid");
    }
    let rendered = render_lines(&chart(vec![line(0, &steps, &nan)], 360.0, 150.0));
    check_svg(&rendered);
    assert!(rendered.svg.contains("class=\"c1\""), "NaN is marked");
    assert!(rendered.svg.contains(">2</text>"), "the steps are known");
}

#[test]
fn a_single_point_is_a_dot() {
    let mut one = line(2, &[7.0], &[0.5]);
    one.live = false;
    let rendered = render_lines(&chart(vec![one], 240.0, 120.0));
    check_svg(&rendered);
    assert_eq!(rendered.svg.matches("<circle").count(), 1);
    insta::assert_snapshot!(describe(&rendered));
}

#[test]
fn a_restart_leaves_the_old_line_faint() {
    let steps: Vec<f64> = (0..100).chain(60..160).map(f64::from).collect();
    let values: Vec<f64> = steps.iter().map(|x| x / 10.0).collect();
    let rendered = render_lines(&chart(vec![line(0, &steps, &values)], 360.0, 150.0));
    let one = &rendered.series[0];
    assert_eq!(one.pieces.iter().map(Vec::len).collect::<Vec<_>>(), [60, 100]);
    assert_eq!(one.past[0][0].0, 59.0);
    assert_eq!(one.past[0].len(), 41);
    assert!(rendered.svg.contains("stroke-opacity=\"0.35\""));
}

#[test]
fn points_out_of_order_are_drawn_sorted() {
    let steps: Vec<f64> = (0..400).map(|i| f64::from(i ^ 1)).collect();
    let rendered = render_lines(&chart(vec![line(0, &steps, &steps)], 360.0, 150.0));
    assert_eq!(rendered.series[0].pieces.len(), 1);
    assert!(rendered.series[0].past.is_empty());
}

#[test]
fn a_log_axis_marks_what_has_no_place() {
    let steps: Vec<f64> = (0..200).map(f64::from).collect();
    let values: Vec<f64> =
        steps.iter().map(|x| if *x == 100.0 { 0.0 } else { 10f64.powf(-x / 40.0) }).collect();
    let log = AxisOptions { scale: Scale::Log, range: None };
    let rendered = render_lines(&LineChart { y: log, ..chart(vec![line(1, &steps, &values)], 360.0, 150.0) });
    check_svg(&rendered);
    assert_eq!(rendered.series[0].specials, [Special { step: 100.0, kind: NonFinite::NegInf }]);
    insta::assert_snapshot!(describe(&rendered));
}

#[test]
fn reduced_lines_are_drawn_as_they_are() {
    let reduced = crate::series::Reduced {
        pieces: vec![vec![(0.0, 1.0), (10.0, 2.0)]],
        specials: vec![Special { step: 20.0, kind: NonFinite::PosInf }],
    };
    let mut one = line(0, &[], &[]);
    one.data = Data::Reduced(&reduced);
    let rendered = render_lines(&chart(vec![one], 360.0, 150.0));
    assert_eq!(rendered.series[0].pieces, reduced.pieces);
    assert_eq!((rendered.x.min, rendered.x.max), (0.0, 20.0));
    assert_eq!(rendered.svg.matches("class=\"c1\"").count(), 3, "line, dot, marker");
}

fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![3 => -10.0..10.0f64, 1 => any::<f64>(), 1 => Just(f64::NAN), 1 => (0i32..5).prop_map(f64::from)]
}

fn any_range() -> impl Strategy<Value = Option<(f64, f64)>> {
    prop::option::of((any_value(), any_value()))
}

proptest! {
    #[test]
    fn any_input_has_a_picture(
        raw in prop::collection::vec(prop::collection::vec((any_value(), any_value()), 0..60), 0..4),
        ordered in any::<bool>(), log_x in any::<bool>(), log_y in any::<bool>(),
        x_range in any_range(), y_range in any_range(),
        width in 40.0..1700.0f64, height in 40.0..950.0f64, smoothing in prop_oneof![Just(0.0), 0.0..1.2f64],
    ) {
        let columns: Vec<(Vec<f64>, Vec<f64>)> = raw.into_iter().map(|mut points| {
            if ordered { points.sort_by(|a, b| a.0.total_cmp(&b.0)); }
            points.into_iter().unzip()
        }).collect();
        let lines = columns.iter().enumerate().map(|(i, (s, v))| line(i, s, v)).collect();
        let scale = |log| if log { Scale::Log } else { Scale::Linear };
        let rendered = render_lines(&LineChart {
            x: AxisOptions { scale: scale(log_x), range: x_range },
            y: AxisOptions { scale: scale(log_y), range: y_range },
            smoothing,
            ..chart(lines, width, height)
        });
        check_svg(&rendered);
        for one in &rendered.series {
            for (x, y) in one.pieces.iter().flatten() {
                prop_assert!(x.is_finite() && y.is_finite());
            }
        }
    }

    #[test]
    fn labels_fit_at_any_size(
        low in -1e6..1e6f64, size in -7.0..7.0f64, width in 240.0..1600.0f64, height in 120.0..900.0f64,
        steps in 2usize..200_000,
    ) {
        let steps = [0.0, steps as f64];
        let rendered = render_lines(&chart(vec![line(0, &steps, &[low, low + 10f64.powf(size)])], width, height));
        check_svg(&rendered);
        prop_assert!(rendered.svg.matches("<text").count() >= 3, "{}", describe(&rendered));
    }
}

/// Every kind of picture keeps the rules of [`check_svg`]; `ATHANOR_PICTURES=folder` writes them down to be looked at.
#[test]
fn pictures() {
    let folder = std::env::var_os("ATHANOR_PICTURES").map(std::path::PathBuf::from);
    for theme in [Theme::Light, Theme::Dark] {
        let save = |name: &str, mut chart: LineChart<'_>| {
            chart.theme = theme;
            let rendered = render_lines(&chart);
            check_svg(&rendered);
            if let Some(folder) = &folder {
                let name = format!("{name}-{theme:?}.svg").to_lowercase();
                std::fs::write(folder.join(name), rendered.svg).unwrap();
            }
        };
        let runs = losses(2000);
        let lines = || runs.iter().enumerate().map(|(i, (s, v))| line(i, s, v)).collect::<Vec<_>>();
        save("loss", LineChart { smoothing: 0.95, ..chart(lines(), 360.0, 150.0) });
        save("loss-large", LineChart { smoothing: 0.95, ..chart(lines(), 1600.0, 900.0) });
        save("loss-small", chart(lines(), 240.0, 120.0));
        let log = AxisOptions { scale: Scale::Log, range: None };
        save("loss-log", LineChart { y: log, x: log, ..chart(lines(), 480.0, 200.0) });
        let steps: Vec<f64> = (0..300).map(|i| f64::from(i) * 200.0).collect();
        let lr: Vec<f64> =
            steps.iter().map(|x| 3e-4 * (x / 4000.0).min(1.0) * (0.5 + 0.5 * (x / 19_100.0).cos())).collect();
        save("lr", chart(vec![line(3, &steps, &lr)], 360.0, 150.0));
        let mut seed = 9;
        let mut spikes: Vec<f64> = steps.iter().map(|_| 0.8 + 0.4 * noise(&mut seed)).collect();
        spikes[100] = 4.1;
        spikes[180..200].fill(f64::NAN);
        spikes[240] = f64::INFINITY;
        spikes[270] = f64::NEG_INFINITY;
        save("special", chart(vec![line(0, &steps, &spikes)], 360.0, 150.0));
        let restart: Vec<f64> = (0..200).chain(120..300).map(f64::from).collect();
        let curve: Vec<f64> = restart
            .iter()
            .enumerate()
            .map(|(i, x)| (x / 40.0).ln_1p() + if i < 200 { 0.0 } else { 0.1 })
            .collect();
        save("restart", chart(vec![line(1, &restart, &curve)], 360.0, 150.0));
        save("empty", chart(vec![], 360.0, 150.0));
        save("single", chart(vec![line(2, &[3.0], &[0.7])], 360.0, 150.0));
        save("constant", chart(vec![line(4, &[0.0, 1.0, 2.0, 3.0], &[5.0; 4])], 360.0, 150.0));
        save("tiny", chart(lines(), 60.0, 44.0));
        let zoom = AxisOptions { scale: Scale::Linear, range: Some((20_000.0, 24_000.0)) };
        let low = AxisOptions { scale: Scale::Linear, range: Some((0.5, 0.8)) };
        save("zoom", LineChart { x: zoom, y: low, ..chart(lines(), 480.0, 200.0) });
    }
}
