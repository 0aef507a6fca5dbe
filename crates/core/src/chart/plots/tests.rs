#![allow(clippy::unwrap_used)]

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::super::Theme;
use super::*;
use crate::goal::Goal;
use crate::history::Bucket;
use crate::series::Scale;

fn page(theme: Theme, width: f64, height: f64) -> Page {
    Page { width, height, theme, title: "a <plot>".into(), font: FONT, zone: TimeZone::UTC }
}

struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// A sweep over learning rate, batch size, optimizer and seed.
struct Sweep {
    runs: Vec<Subject>,
    lr: Column,
    batch: Column,
    optimizer: Column,
    seed: Column,
    loss: Column,
    time: Column,
}

fn column(name: &str, values: Vec<Value>) -> Column {
    Column { name: name.into(), kind: ValueKind::Plain, values }
}

fn sweep(count: usize) -> Sweep {
    let mut noise = Noise(5);
    let (mut lr, mut batch, mut optimizer, mut seed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut loss, mut time, mut runs) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..count {
        let rate = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2][run % 5];
        let size = [32.0, 64.0, 128.0, 256.0][run / 5 % 4];
        let name = ["adam", "adamw", "sgd"][run / 20 % 3];
        let best = 0.2 + (rate / 1e-3f64).log10().powi(2) * 0.15 + size / 4000.0;
        let value = best + if name == "sgd" { 0.08 } else { 0.0 } + 0.05 * noise.next();
        lr.push(Value::Number(rate));
        batch.push(Value::Number(size));
        optimizer.push(Value::Text(name.into()));
        seed.push(Value::Number((run % 3) as f64));
        loss.push(Value::Number(value));
        time.push(Value::Number((1.0 + 40.0 / size + noise.next()) * 3_600_000.0));
        runs.push(Subject { name: format!("resnet_lr{rate}_b{size}_{name}_{run}"), colour: run % 6 });
    }
    Sweep {
        runs,
        lr: column("lr", lr),
        batch: column("data.batch_size", batch),
        optimizer: column("optimizer", optimizer),
        seed: column("seed", seed),
        loss: column("val/loss (least)", loss),
        time: Column { name: "duration".into(), kind: ValueKind::Duration, values: time },
    }
}

/// What is odd about values in one column.
fn odd(mut sweep: Sweep) -> Sweep {
    sweep.loss.values[2] = Value::Number(f64::NAN);
    sweep.loss.values[7] = Value::Number(f64::INFINITY);
    sweep.loss.values[9] = Value::Missing;
    sweep.optimizer.values[4] = Value::Missing;
    sweep.lr.values[6] = Value::Number(f64::NEG_INFINITY);
    sweep
}

fn bars(page: &Page, sweep: &Sweep) -> RenderedPlot {
    let options = BarOptions { best_first: Some(Goal::Min), ..BarOptions::default() };
    render_bars(page, &sweep.runs, &sweep.loss, None, &options)
}

fn grouped_bars(page: &Page, sweep: &Sweep) -> RenderedPlot {
    let groups = group_by(&[sweep.optimizer.clone(), sweep.batch.clone()], sweep.runs.len(), &page.zone);
    render_bars(page, &sweep.runs, &sweep.loss, Some(&groups), &BarOptions::default())
}

fn boxes(page: &Page, sweep: &Sweep) -> RenderedPlot {
    let groups = group_by(std::slice::from_ref(&sweep.lr), sweep.runs.len(), &page.zone);
    let options = BoxOptions { points: true, scale: Scale::Linear };
    render_boxes(page, &sweep.runs, &sweep.loss, &groups, &options)
}

fn scatter(page: &Page, sweep: &Sweep, colour: Option<&Column>) -> RenderedPlot {
    let options = ScatterOptions {
        x: &sweep.time,
        y: &sweep.loss,
        colour,
        x_scale: Scale::Linear,
        y_scale: Scale::Linear,
        front: Some((Goal::Min, Goal::Min)),
    };
    render_scatter(page, &sweep.runs, &options)
}

fn parallel(page: &Page, sweep: &Sweep) -> RenderedPlot {
    let columns = [&sweep.lr, &sweep.batch, &sweep.optimizer, &sweep.seed, &sweep.loss].map(Column::clone);
    let options = ParallelOptions { columns: &columns, log: None, colour: Some(&sweep.loss) };
    render_parallel(page, &sweep.runs, &options)
}

fn importance(page: &Page, sweep: &Sweep) -> RenderedPlot {
    let settings = [&sweep.lr, &sweep.batch, &sweep.optimizer, &sweep.seed].map(Column::clone);
    let options = ImportanceOptions { target: &sweep.loss, settings: &settings };
    render_importance(page, sweep.runs.len(), &options)
}

fn matrix(page: &Page, sweep: &Sweep) -> RenderedPlot {
    let options = SweepOptions {
        x: &sweep.lr,
        y: &sweep.batch,
        value: &sweep.loss,
        statistic: Statistic::Mean,
        goal: Some(Goal::Min),
    };
    render_sweep(page, &sweep.runs, &options)
}

fn usage(page: &Page) -> RenderedPlot {
    let start = 1_780_000_000_000i64;
    let mut noise = Noise(9);
    let points: Vec<(f64, f64)> = (0..400)
        .map(|i| ((start + i * 9_000) as f64, 0.3 + 2.0 * (-(i as f64) / 90.0).exp() + 0.08 * noise.next()))
        .collect();
    let mut band = |drop: i64| -> Vec<Bucket> {
        (0..360)
            .filter(|i| !(200..214).contains(i))
            .map(|i| {
                let busy = if (i + drop) % 60 < 6 { 20.0 } else { 92.0 };
                let mean = busy + 6.0 * noise.next();
                Bucket {
                    start: start + i * 10_000,
                    min: mean - 12.0,
                    mean,
                    max: (mean + 4.0).min(100.0),
                    span: 10_000,
                    count: 10,
                }
            })
            .collect()
    };
    let (a, b) = (band(0), band(30));
    let bands = vec![
        UsageBand { label: "GPU 0".into(), colour: 1, buckets: &a, step: 10_000 },
        UsageBand { label: "GPU 1".into(), colour: 2, buckets: &b, step: 10_000 },
    ];
    let pieces = vec![points];
    let chart = UsageChart {
        key: "train/loss".into(),
        pieces: &pieces,
        colour: 0,
        scale: Scale::Linear,
        bands,
        span: None,
    };
    render_usage(page, &chart)
}

/// Every kind, by name.
fn all(theme: Theme) -> Vec<(&'static str, RenderedPlot)> {
    let (few, many, strange) = (sweep(18), sweep(120), odd(sweep(60)));
    let large = sweep(10_000);
    let page = |width, height| page(theme, width, height);
    vec![
        ("bars", bars(&page(480.0, 300.0), &few)),
        ("bars_of_many", bars(&page(480.0, 300.0), &odd(sweep(80)))),
        ("bars_of_groups", grouped_bars(&page(480.0, 300.0), &many)),
        ("boxes", boxes(&page(480.0, 260.0), &many)),
        ("scatter", scatter(&page(480.0, 320.0), &many, Some(&many.lr))),
        ("scatter_by_words", scatter(&page(480.0, 320.0), &strange, Some(&strange.optimizer))),
        ("scatter_of_many", scatter(&page(480.0, 320.0), &large, None)),
        ("parallel", parallel(&page(640.0, 300.0), &many)),
        ("parallel_odd", parallel(&page(640.0, 300.0), &strange)),
        ("importance", importance(&page(480.0, 220.0), &many)),
        ("correlation", importance(&page(480.0, 220.0), &sweep(12))),
        ("sweep", matrix(&page(480.0, 300.0), &many)),
        ("sweep_odd", matrix(&page(480.0, 300.0), &strange)),
        ("usage", usage(&page(640.0, 320.0))),
        ("nothing", bars(&page(240.0, 120.0), &sweep(0))),
    ]
}

/// Set to a folder, it gets the pictures to look at.
const LOOK: &str = "ATHANOR_LOOK_AT_PLOTS";

#[test]
fn every_kind_of_plot_looks_as_it_did() {
    let (light, dark) = (all(Theme::Light), all(Theme::Dark));
    if let Some(folder) = std::env::var_os(LOOK) {
        for (theme, plots) in [("light", &light), ("dark", &dark)] {
            for (name, plot) in plots {
                let path = std::path::Path::new(&folder).join(format!("{name}_{theme}.svg"));
                std::fs::write(path, &plot.svg).unwrap();
            }
        }
    }
    for (name, plot) in light {
        // Of ten thousand dots there is nothing to review.
        if plot.svg.len() < 60_000 {
            insta::assert_snapshot!(name, plot.svg.replace("><", ">\n<"));
        }
        insta::assert_snapshot!(format!("{name}_notes"), told(&plot));
    }
}

/// What is said of a plot.
fn told(plot: &RenderedPlot) -> String {
    let marks: Vec<String> =
        plot.marks.iter().take(2).map(|mark| format!("{}: {}", mark.label, mark.lines.join(" | "))).collect();
    let row = |row: &Vec<Value>| {
        let cells: Vec<String> =
            row.iter().map(|value| value.say(ValueKind::Plain, &TimeZone::UTC)).collect();
        cells.join(", ")
    };
    let rows: Vec<String> = plot.table.rows.iter().take(2).map(row).collect();
    format!(
        "plot {:?}\nx {:?}\ny {:?}\nmarks {}\n  {}\ntable of {}: {}\n  {}\nnotes\n  {}",
        plot.plot,
        plot.x,
        plot.y,
        plot.marks.len(),
        marks.join("\n  "),
        plot.table.rows.len(),
        plot.table.header.join(", "),
        rows.join("\n  "),
        plot.notes.join("\n  ")
    )
}

#[test]
fn pictures_of_ten_thousand_runs_stay_small() {
    let large = sweep(10_000);
    for plot in [
        scatter(&page(Theme::Light, 900.0, 600.0), &large, Some(&large.loss)),
        parallel(&page(Theme::Light, 900.0, 600.0), &large),
        bars(&page(Theme::Light, 900.0, 600.0), &large),
    ] {
        assert!(plot.svg.len() < 400_000, "{}", plot.svg.len());
        assert!(plot.marks.len() <= MARKS, "{}", plot.marks.len());
    }
}

#[test]
fn a_front_run_is_found_under_the_pointer_although_others_lie_there() {
    let large = sweep(10_000);
    let plot = scatter(&page(Theme::Light, 480.0, 320.0), &large, None);
    let on_front = plot.table.rows.iter().filter(|row| row.last() == Some(&Value::Bool(true))).count();
    let pointed =
        plot.marks.iter().filter(|mark| mark.lines.iter().any(|line| line == "on the Pareto front")).count();
    assert!(on_front > 0 && pointed > 0 && pointed <= on_front, "{pointed} of {on_front}");
    assert_eq!(plot.marks.iter().map(|mark| mark.count).sum::<usize>(), 10_000, "each run is in some mark");
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Missing),
        any::<bool>().prop_map(Value::Bool),
        any::<f64>().prop_map(Value::Number),
        (-5i8..5).prop_map(|number| Value::Number(number.into())),
        "[a-z<&]{0,12}".prop_map(Value::Text),
    ]
}

fn any_numbers() -> impl Strategy<Value = Value> {
    prop_oneof![Just(Value::Missing), any::<f64>().prop_map(Value::Number), Just(Value::Number(3.0))]
}

/// Every number in a picture is a number, and nothing lies far outside it.
fn sound(plot: &RenderedPlot) {
    assert!(plot.svg.starts_with("<svg ") && plot.svg.ends_with("</svg>"));
    for odd in ["=\"NaN", "=\"inf", "=\"-inf", "style=", " NaN ", "&<"] {
        assert!(!plot.svg.contains(odd), "{odd}: {}", plot.svg);
    }
    let inside = |at: f64| (-20.0..=8020.0).contains(&at);
    for mark in &plot.marks {
        let place = mark.place;
        assert!(
            inside(place.x) && inside(place.y) && inside(place.width) && inside(place.height),
            "{mark:?}"
        );
    }
    assert!(plot.marks.len() <= MARKS);
    assert!(plot.table.rows.iter().all(|row| row.len() == plot.table.header.len()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn anything_has_a_picture(
        rows in prop::collection::vec((any_value(), any_value(), any_numbers()), 0..40),
        width in prop_oneof![Just(f64::NAN), 0.0..900.0f64],
        height in 0.0..700.0f64,
        log in any::<bool>(),
    ) {
        let subject = |index: usize| Subject { name: format!("run {index}"), colour: index };
        let runs: Vec<Subject> = (0..rows.len()).map(subject).collect();
        let a = column("a", rows.iter().map(|row| row.0.clone()).collect());
        let b = Column {
            kind: ValueKind::Moment,
            ..column("b", rows.iter().map(|row| row.1.clone()).collect())
        };
        let c = column("c", rows.iter().map(|row| row.2.clone()).collect());
        let page = page(Theme::Dark, width, height);
        let scale = if log { Scale::Log } else { Scale::Linear };
        let groups = group_by(std::slice::from_ref(&a), runs.len(), &page.zone);
        let bar = BarOptions { scale, spread: Spread::Deviation, best_first: Some(Goal::Max), centre: Centre::Median };
        sound(&render_bars(&page, &runs, &c, None, &bar));
        sound(&render_bars(&page, &runs, &c, Some(&groups), &bar));
        sound(&render_boxes(&page, &runs, &c, &groups, &BoxOptions { points: log, scale }));
        let front = Some((Goal::Min, Goal::Max));
        let options = ScatterOptions { x: &a, y: &c, colour: Some(&b), x_scale: scale, y_scale: scale, front };
        sound(&render_scatter(&page, &runs, &options));
        let columns = [a.clone(), b.clone(), c.clone()];
        let options = ParallelOptions { columns: &columns, log: None, colour: Some(&c) };
        sound(&render_parallel(&page, &runs, &options));
        sound(&render_importance(&page, runs.len(), &ImportanceOptions { target: &c, settings: &columns }));
        let statistic = if log { Statistic::Median } else { Statistic::Count };
        let options = SweepOptions { x: &a, y: &c, value: &c, statistic, goal: Some(Goal::Min) };
        sound(&render_sweep(&page, &runs, &options));
    }
}
