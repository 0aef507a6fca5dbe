#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::super::Theme;
use super::*;
use crate::chart::plots::{Centre, Spread};
use crate::series::together::join;
use crate::series::{Columns, Edge, Painter, Reduced, smooth};

struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    }
}

/// A falling loss of `n` points over 60,000 steps.
fn loss(n: usize, seed: u64) -> (Vec<f64>, Vec<f64>) {
    let mut noise = Noise(seed);
    let steps: Vec<f64> = (0..n).map(|i| (i * 60_000 / n) as f64).collect();
    let value =
        |x: &f64| 0.25 + 1.8 * (-x / 15_000.0).exp() + 0.15 * noise.next() * (1.0 + seed as f64 / 4.0);
    let values = steps.iter().map(value).collect();
    (steps, values)
}

fn reduced(steps: &[f64], values: &[f64], columns: usize, edge: Edge) -> Reduced {
    let (from, to) = (steps[0], steps[steps.len() - 1]);
    let mut painter = Painter::new(Columns::new(from, to, columns, Scale::Linear));
    painter.points(steps, values);
    let mut out = Reduced::default();
    painter.draw(edge, &mut out);
    out
}

fn line(colour: usize, (steps, values): &(Vec<f64>, Vec<f64>)) -> DrawnLine {
    let all = reduced(steps, values, 280, Edge::Both);
    DrawnLine { colour, pieces: all.pieces, specials: all.specials, ..DrawnLine::default() }
}

fn picture(lines: &[DrawnLine]) -> LinesPicture<'_> {
    let points = || lines.iter().flat_map(|line| line.pieces.iter().chain(&line.past)).flatten();
    LinesPicture {
        width: 320.0,
        height: 160.0,
        theme: Theme::Light,
        title: "loss".into(),
        x: PictureAxis {
            range: x_range(None, span(points().map(|point| (point.0, point.0))), Scale::Linear),
            ..PictureAxis::default()
        },
        y: PictureAxis { fixed: true, ..PictureAxis::default() },
        x_kind: XKind::Number { whole: true },
        outliers: true,
        lines,
        font: LABELS,
        screen: None,
    }
}

/// How lines may look: a name, what is drawn, and what is otherwise than usual.
type Look = (&'static str, Vec<DrawnLine>, fn(&mut LinesPicture<'_>));

fn looks() -> Vec<Look> {
    let mut all: Vec<Look> = Vec::new();
    let mut add = |name, lines, change| all.push((name, lines, change));
    let runs: Vec<_> = (1..=4).map(|seed| loss(120, seed)).collect();
    add("plain", vec![DrawnLine { live: true, ..line(0, &runs[0]) }], |_| {});
    add("bars", vec![line(0, &loss(40_000, 2))], |_| {});
    let dashed = runs.iter().zip(0..).map(|(run, dash)| DrawnLine { dash, ..line(3, run) });
    add("dashes", dashed.collect(), |_| {});
    let fine = |colour, (steps, values): &(Vec<f64>, Vec<f64>), columns| {
        let pieces = reduced(steps, values, columns, Edge::Both).pieces;
        DrawnLine { colour, pieces, ..DrawnLine::default() }
    };
    add("bars on a screen", vec![fine(0, &loss(40_000, 2), 300)], |it| {
        it.screen = Some(Screen { ratio: 1.0, alike: 1 })
    });
    let two = vec![fine(0, &loss(40_000, 2), 600), fine(3, &loss(700, 3), 600)];
    add("bars on a fine screen", two, |it| it.screen = Some(Screen { ratio: 2.0, alike: 1 }));
    let dashed =
        (0..4).map(|dash| DrawnLine { dash, ..fine(dash, &loss(900 + 700 * dash, dash as u64 + 1), 300) });
    add("dashes on a screen", dashed.collect(), |it| it.screen = Some(Screen { ratio: 1.0, alike: 1 }));
    add("dashed bars", vec![DrawnLine { dash: 1, ..line(1, &loss(9000, 3)) }], |_| {});
    let (steps, values) = loss(600, 4);
    let behind = reduced(&steps, &values, 280, Edge::Both).pieces;
    add(
        "smoothed",
        vec![DrawnLine { raw: behind, ..line(2, &(steps.clone(), smooth(&values, 0.95))) }],
        |_| {},
    );
    let joined =
        join(&(1..=5).map(|seed| loss(100, seed)).collect::<Vec<_>>(), Centre::Mean, Spread::Deviation);
    let xs: Vec<f64> = joined.iter().map(|it| it.0).collect();
    let of = |edge, of: fn(&crate::series::together::Joint) -> f64| {
        reduced(&xs, &joined.iter().map(|it| of(&it.1)).collect::<Vec<_>>(), 280, edge).pieces
    };
    let band = Some((of(Edge::Upper, |it| it.high), of(Edge::Lower, |it| it.low)));
    add(
        "group",
        vec![DrawnLine { colour: 4, band, pieces: of(Edge::Both, |it| it.centre), ..DrawnLine::default() }],
        |_| {},
    );
    let wave: Vec<f64> = xs.iter().map(|x| (x / 4000.0).sin() * 10f64.powf(x / 15_000.0)).collect();
    add("symlog", vec![line(5, &(xs.clone(), wave.clone()))], |it| it.y.scale = Scale::Symlog);
    add("log", vec![line(5, &(xs.clone(), wave)).on_log()], |it| it.y.scale = Scale::Log);
    let hours: Vec<f64> = runs[0].0.iter().map(|x| x / 2.0).collect();
    add("relative", vec![line(0, &(hours.clone(), runs[0].1.clone()))], |it| it.x_kind = XKind::Duration);
    let moments: Vec<f64> = hours.iter().map(|x| x + 1_795_000_000.0).collect();
    add("wall", vec![line(0, &(moments, runs[0].1.clone()))], |it| {
        it.x_kind = XKind::Moment(TimeZone::get("Europe/Berlin").unwrap());
    });
    let past = reduced(&runs[1].0[60..80], &runs[1].1[60..80], 280, Edge::Both).pieces;
    add("restart", vec![DrawnLine { past, ..line(1, &(runs[0].0.clone(), runs[0].1.clone())) }], |_| {});
    let mut broken = runs[2].clone();
    broken.1[30..40].fill(f64::NAN);
    broken.1[70] = f64::INFINITY;
    broken.1[90] = f64::NEG_INFINITY;
    add("not finite", vec![line(0, &broken)], |_| {});
    let mut spiky = runs[3].clone();
    spiky.1[50] = 90.0;
    add("without outliers", vec![line(2, &spiky)], |it| it.outliers = false);
    add("empty", vec![], |_| {});
    add("large labels", vec![line(0, &runs[0])], |it| it.font = 14.0);
    all
}

/// Each look is as it was when it was looked at; `ATHANOR_PICTURES=folder` writes all of them down, light and dark.
#[test]
fn each_look_is_as_it_was() {
    let folder = std::env::var_os("ATHANOR_PICTURES").map(std::path::PathBuf::from);
    for (name, lines, change) in looks() {
        let mut picture = picture(&lines);
        change(&mut picture);
        let rendered = draw_picture(&picture);
        for forbidden in ["style=", "<style", " id=", "NaN", "inf"] {
            assert!(!rendered.svg.contains(forbidden), "{forbidden} in {name}: {}", rendered.svg);
        }
        insta::assert_snapshot!(name.replace(' ', "_"), rendered.svg.replace("><", ">\n<"));
        if let Some(folder) = &folder {
            for theme in [Theme::Light, Theme::Dark] {
                let (width, height) = (picture.width * 1.5, picture.height * 1.5);
                let again = LinesPicture { theme, width, height, ..picture.clone() };
                let name = format!("lines-{name}-{theme:?}.svg").to_lowercase().replace(' ', "-");
                std::fs::write(folder.join(name), draw_picture(&again).svg).unwrap();
            }
        }
    }
}

#[test]
fn the_range_without_outliers_is_that_of_most_values() {
    let mut spiky = loss(500, 1);
    spiky.1[100] = 1e6;
    let lines = [line(0, &spiky)];
    let all = draw_picture(&picture(&lines)).y;
    assert!(all.max > 1e6);
    let most = draw_picture(&LinesPicture { outliers: false, ..picture(&lines) }).y;
    assert!(most.max < 5.0 && most.min >= 0.0, "{most:?}");
    // Where nothing is far from the rest, both are the same.
    let lines = [line(0, &loss(500, 1))];
    let (all, most) = (
        draw_picture(&picture(&lines)).y,
        draw_picture(&LinesPicture { outliers: false, ..picture(&lines) }).y,
    );
    assert_eq!(all, most);
}

#[test]
fn a_bar_that_reaches_below_zero_stands_on_the_bottom_of_a_log_axis() {
    let line = DrawnLine {
        pieces: vec![vec![(1.0, 5.0), (2.0, -1.0), (2.0, 8.0), (3.0, 0.0), (4.0, 2.0)]],
        ..DrawnLine::default()
    }
    .on_log();
    let marked: Vec<f64> = line.specials.iter().map(|special| special.step).collect();
    assert_eq!(marked, [2.0, 3.0], "what has no place is told");
    assert_eq!(line.pieces.len(), 2, "and breaks the line where there is nothing else");
    let lines = [line];
    let log = PictureAxis { scale: Scale::Log, ..PictureAxis::default() };
    let y = draw_picture(&LinesPicture { y: log, ..picture(&lines) }).y;
    assert!(y.min > 1.0 && y.max < 10.0, "{y:?}");
}

/// The edges of a path's data.
fn edges(data: &str) -> Vec<[(f64, f64); 2]> {
    let (mut start, mut at, mut all) = ((0.0, 0.0), (0.0, 0.0), Vec::new());
    let commands: Vec<usize> = data.match_indices(|c: char| c.is_ascii_alphabetic()).map(|it| it.0).collect();
    for (i, from) in commands.iter().enumerate() {
        let to = commands.get(i + 1).copied().unwrap_or(data.len());
        let spaced = data[from + 1..to].replace('-', " -");
        let numbers: Vec<f64> = spaced.split_whitespace().map(|number| number.parse().unwrap()).collect();
        let home = (start.0 - at.0, start.1 - at.1);
        let mut go = |by: (f64, f64)| {
            let to = (at.0 + by.0, at.1 + by.1);
            all.push([at, to]);
            at = to;
        };
        match &data[*from..=*from] {
            "M" => {
                at = (numbers[0], numbers[1]);
                start = at;
            }
            "m" => at = (at.0 + numbers[0], at.1 + numbers[1]),
            "v" => go((0.0, numbers[0])),
            "h" => go((numbers[0], 0.0)),
            "l" => numbers.chunks(2).for_each(|step| go((step[0], step[1]))),
            "z" => go(home),
            other => panic!("{other} in {data}"),
        }
    }
    all
}

/// The smallest and largest y of paths of the first colour within a step's pixel column, in canvas units.
fn drawn_at(svg: &str, from: f64, to: f64) -> (f64, f64) {
    let paths = svg.split("<path").filter(|path| path.contains("class=\"c1\""));
    let all = paths.flat_map(|path| edges(path.split_once(" d=\"").unwrap().1.split_once('"').unwrap().0));
    let there = all.flat_map(|[a, b]| {
        let (a, b) = if a.0 <= b.0 { (a, b) } else { (b, a) };
        let y = |x: f64| if a.0 < b.0 { a.1 + (b.1 - a.1) * (x - a.0) / (b.0 - a.0) } else { a.1 };
        let seen = a.0 <= to && b.0 >= from;
        let ends = if a.0 < b.0 { [y(a.0.max(from)), y(b.0.min(to))] } else { [a.1, b.1] };
        ends.into_iter().filter(move |_| seen)
    });
    there.fold((f64::MAX, f64::MIN), |(low, high), y| (low.min(y), high.max(y)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn the_picture_itself_reaches_over_every_point(
        n in 2usize..6000, seed in any::<u64>(), width in 60.0..1700.0f64, height in 60.0..900.0f64,
        columns in 40usize..3000,
        screen in prop::option::of((prop::sample::select(vec![0.5, 1.0, 1.5, 2.0, 4.0]), 1usize..4)),
    ) {
        let mut noise = Noise(seed);
        let steps: Vec<f64> = (0..n).map(|i| i as f64).collect();
        let values: Vec<f64> = (0..n).map(|_| {
            let value = noise.next();
            if value > 0.499 { value * 40.0 } else { value }
        }).collect();
        let all = reduced(&steps, &values, columns, Edge::Both);
        let lines = [DrawnLine { pieces: all.pieces, ..DrawnLine::default() }];
        let rendered = draw_picture(&LinesPicture { width, height, screen: screen.map(|(ratio, alike)| Screen { ratio, alike }), ..picture(&lines) });
        let (plot, x, y) = (rendered.plot, rendered.x, rendered.y);
        let pixel_x = |step: f64| 10.0 * (plot.x + (step - x.min) / (x.max - x.min) * plot.width);
        let pixel_y = |value: f64| 10.0 * (plot.y + (y.max - value) / (y.max - y.min) * plot.height);
        // Half a column away at most, and rounded to a unit.
        let own = screen.map_or(0.0, |(ratio, alike)| 10.0 * alike as f64 / ratio);
        let half = 10.0 * plot.width / columns as f64 / 2.0 + 1.5 + own;
        for i in (0..n).step_by((n / 50).max(1)).chain((0..n).filter(|i| values[*i] > 0.5)) {
            let at = pixel_x(steps[i]);
            let (low, high) = drawn_at(&rendered.svg, at - half, at + half);
            let own = pixel_y(values[i]);
            prop_assert!(low - 1.0 <= own && own <= high + 1.0, "point {} at {} lies outside of {}..{}", i, own, low, high);
        }
    }
}
