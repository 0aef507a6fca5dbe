//! What the table of runs costs: 10,000 runs with 40 metrics and 20 settings each, and what a window asks of them. Each
//! figure is the median of several. Prints a figure a line: name, tab, value.

use std::process::ExitCode;
use std::time::Instant;

use athanor_core::query::{Field, Now, Plain, Stat, parse};
use athanor_core::series::{Point, Points, Summary};
use athanor_engine::store::runs::{Clock, NewFile, NewRun, NewSetting, RunStore, Sort, Wanted};
use athanor_engine::{Error, ErrorKind, Home, Result};
use jiff::tz::TimeZone;

const RUNS: u64 = 10_000;
const METRICS: u64 = 40;
const SETTINGS: u64 = 20;
/// Runs of one transaction.
const TOGETHER: u64 = 250;
/// How often each is measured.
const ROUNDS: usize = 21;
const NOW: i64 = 1_795_000_000_000;

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(measure()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// A number that has no pattern, from 0 to 1: Weyl's sequence, mixed (splitmix64, Steele et al. 2014).
#[allow(clippy::cast_precision_loss, reason = "53 bits are kept")]
fn chance(seed: u64) -> f64 {
    let mut z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

async fn fill(store: &RunStore) -> Result<()> {
    for first in (0..RUNS).step_by(usize::try_from(TOGETHER).unwrap_or(1)) {
        let mut tx = store.begin_lightly().await?;
        let revision = store.next_revision(&mut tx).await?;
        let mut keys = (Vec::new(), Vec::new());
        for metric in 0..METRICS {
            keys.0.push(store.metric_key(&mut tx, &format!("val/metric_{metric}")).await?);
        }
        for setting in 0..SETTINGS {
            keys.1.push(store.config_key(&mut tx, &format!("model.setting_{setting}")).await?);
        }
        for index in first..(first + TOGETHER).min(RUNS) {
            let folder = format!("/data/experiments/2026/run_{index:05}");
            let new = NewRun {
                watch: None,
                folder: &folder,
                part: "",
                format: "lightning",
                project: Some("vision"),
                group: None,
                name: &format!("resnet_seed{}_{index}", index % 5),
                now: NOW,
            };
            let (run, _) = store.put_run(&mut tx, &new, revision).await?;
            let path = format!("{folder}/metrics.csv");
            let file = NewFile { path: &path, format: "lightning", role: "metrics", prefix: "" };
            let file = store.put_member(&mut tx, run, file, 0).await?.id;
            for (place, key) in (0..SETTINGS).zip(&keys.1) {
                let value = [0.1, 0.01, 0.001][((index + place) % 3) as usize];
                let setting =
                    NewSetting { key: String::new(), kind: 3, number: Some(value), text: value.to_string() };
                store.put_setting(&mut tx, (run, file, *key), &setting).await?;
            }
            for (place, key) in (0..METRICS).zip(&keys.0) {
                let mut points = Points::new();
                for step in 0..4u32 {
                    let value = chance(index * 1_000 + place * 10 + u64::from(step));
                    points.push(Point { step: step.into(), value, wall_ms: None });
                }
                let position = i64::try_from(place).unwrap_or_default();
                store.put_series(&mut tx, (file, 0, *key, run), position, &Summary::of(&points)).await?;
                store.refresh_metric(&mut tx, run, *key).await?;
            }
            let clock = Clock { now: NOW, stale_after: 300_000 };
            store.refresh_run(&mut tx, run, clock, true, revision).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

fn wanted(query: &str, sort: Option<Field>) -> Result<Wanted> {
    let query = parse(query).map_err(|fault| Error::new(ErrorKind::Invalid, fault.to_string()))?;
    let sort = sort.map(|field| Sort { field, descending: true }).into_iter().collect();
    Ok(Wanted { query, sort, ..Wanted::all(Now { ms: NOW, zone: TimeZone::UTC }) })
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

async fn measure() -> Result<()> {
    let dir = tempfile::tempdir()
        .map_err(|cause| Error::new(ErrorKind::Path, format!("no temporary folder: {cause}")))?;
    let home = Home::at(dir.path());
    home.create()?;
    let (store, _) = RunStore::open(&home).await?;
    let since = Instant::now();
    fill(&store).await?;
    eprintln!("{RUNS} runs written in {:.0} s", since.elapsed().as_secs_f64());

    let mut columns = vec![Field::Plain(Plain::Name), Field::Plain(Plain::Tag)];
    columns.extend((0..8).map(|metric| Field::Metric(format!("val/metric_{metric}"), Stat::Last)));
    columns.extend((0..4).map(|setting| Field::Config(format!("model.setting_{setting}"))));
    let metric = |number: u32, stat| Field::Metric(format!("val/metric_{number}"), stat);
    let filter =
        "metrics.val/metric_7.max > 0.6 and config.model.setting_3 in (0.1, 0.01) and not tag:old and resnet";
    for (name, query, sort) in [
        ("page_plain", "", None),
        ("page_metric", "", Some(metric(30, Stat::Last))),
        ("page_setting", "", Some(Field::Config("model.setting_9".into()))),
        ("page_filter", filter, Some(metric(31, Stat::Median))),
        ("page_words", "seed3", Some(metric(5, Stat::Max))),
    ] {
        let wanted = wanted(query, sort)?;
        let mut times = Vec::new();
        for round in 0..ROUNDS {
            let offset = u32::try_from(round).unwrap_or_default() * 20;
            let since = Instant::now();
            let page = store.run_page(&wanted, &columns, offset, 100).await?;
            times.push(milliseconds(since));
            if page.total == 0 {
                return Err(Error::new(ErrorKind::Internal, format!("{name} finds nothing")));
            }
        }
        println!("{name}\t{:.2}", median(times));
    }
    for (name, query) in [("columns", ""), ("columns_filter", "config.model.setting_3 = 0.1")] {
        let wanted = wanted(query, None)?;
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let since = Instant::now();
            store.columns(&wanted).await?;
            times.push(milliseconds(since));
        }
        println!("{name}\t{:.2}", median(times));
    }
    let by = [Field::Config("model.setting_3".into())];
    let summed = [metric(1, Stat::Last), metric(2, Stat::Min)];
    let all = wanted("", None)?;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let since = Instant::now();
        store.groups(&all, &by, &summed, &[]).await?;
        times.push(milliseconds(since));
    }
    println!("group\t{:.2}", median(times));
    store.close().await;

    let mut times = Vec::new();
    for _ in 0..5 {
        let since = Instant::now();
        let (store, _) = RunStore::open(&home).await?;
        store.run_page(&all, &columns, 0, 100).await?;
        times.push(milliseconds(since));
        store.close().await;
    }
    println!("reopen\t{:.2}", median(times));
    Ok(())
}
