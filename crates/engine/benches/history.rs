//! What the machine's history costs once a year of it is stored: one GPU and all that its machine tells, with values
//! that have no pattern. Beside it, in turns, a history that has just begun: what else the machine does then weighs on
//! both. Prints a figure a line: name, tab, value.

use std::process::ExitCode;
use std::time::Instant;

use athanor_core::history::{Bucket, Ledger, Metric, Tier, WIDTH_MAX, pack};
use athanor_engine::Home;
use athanor_engine::devices::{Disk, Gpu, Gpus, Interface, Reading, Sample, Vendor};
use athanor_engine::history::History;
use athanor_engine::store::Store;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// The end of the year that is stored.
const NOW: i64 = 1_790_000_000_000;
const UUID: &str = "GPU-6b1f0d52-0c1e-4f0a-9a51-0000000000a0";

/// Rounds that are measured; each is ten slices of the finest tier, and so one of the next.
const ROUNDS: i64 = 40;

/// Time that passes before anything is measured, so that the younger history has something to throw away, too.
const BEFORE: i64 = 70 * 60_000;

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

struct Side {
    dir: tempfile::TempDir,
    home: Home,
    store: Store,
}

impl Side {
    async fn open() -> athanor_engine::Result<Self> {
        let dir = tempfile::tempdir().map_err(|cause| {
            athanor_engine::Error::new(
                athanor_engine::ErrorKind::Path,
                format!("no temporary folder: {cause}"),
            )
        })?;
        let home = Home::at(dir.path());
        home.create()?;
        let store = Store::open(&home).await?.store;
        Ok(Self { dir, home, store })
    }

    /// Ten slices of samples, a second apart. Returns milliseconds.
    async fn round(&self, history: &History, from: i64) -> f64 {
        let started = Instant::now();
        for slice in 0..10 {
            let begin = from + slice * Tier::Second.slice_ms();
            for second in 0..30 {
                history.record(&sample(begin + second * 1000));
            }
            history.finish().await;
        }
        started.elapsed().as_secs_f64() * 1000.0
    }
}

async fn measure() -> athanor_engine::Result<()> {
    let (young, old) = (Side::open().await?, Side::open().await?);
    write_a_year(&old.store).await?;
    old.store.sync().await?;
    old.store.close().await;
    let size = std::fs::metadata(old.home.database()).map_or(0, |file| file.len());
    println!("size\t{size}");

    let old = Side { store: Store::open(&old.home).await?.store, ..old };
    let (young_history, old_history) =
        (History::open(young.store.clone()).await?, History::open(old.store.clone()).await?);
    let length = 10 * Tier::Second.slice_ms();
    let mut at = NOW;
    while at < NOW + BEFORE {
        young.round(&young_history, at).await;
        old.round(&old_history, at).await;
        at += length;
    }
    let (mut fresh, mut late) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // The first of a pair has the colder caches.
        if round % 2 == 0 {
            fresh.push(young.round(&young_history, at).await);
            late.push(old.round(&old_history, at).await);
        } else {
            late.push(old.round(&old_history, at).await);
            fresh.push(young.round(&young_history, at).await);
        }
        at += length;
    }
    let (fresh, late) = (median(fresh), median(late));
    println!("flush_young\t{}", fresh / 10.0);
    println!("flush_old\t{}", late / 10.0);
    println!("ratio\t{}", late / fresh);

    let mut slowest: f64 = 0.0;
    for (name, back) in [
        ("an hour", HOUR),
        ("six hours", 6 * HOUR),
        ("a day", DAY),
        ("30 days", 30 * DAY),
        ("a year", 365 * DAY),
    ] {
        for width in [300, WIDTH_MAX] {
            let mut times = Vec::new();
            for _ in 0..15 {
                let started = Instant::now();
                let range = (Some(at - back), at);
                let stretch = old_history.read((Metric::GpuUtilisation, UUID), range, width, at).await?;
                times.push(started.elapsed().as_secs_f64() * 1000.0);
                assert!(stretch.buckets.len() <= WIDTH_MAX as usize + 1 && !stretch.buckets.is_empty());
            }
            let time = median(times);
            eprintln!("{name} in {width}: {time:.2} ms");
            slowest = slowest.max(time);
        }
    }
    println!("read\t{slowest}");
    drop((young.dir, old.dir));
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// All that one GPU and its machine may tell.
fn sample(at: i64) -> Sample {
    let noise = u32::try_from(at / 1000 * 7919 % 101).unwrap_or(0);
    let disk = |label: &str| Disk {
        label: label.into(),
        holds: Vec::new(),
        path: "/".into(),
        mount: None,
        file_system: None,
        free: Reading::Value((1 << 40) + u64::from(noise)),
        total: Reading::Value(2 << 40),
    };
    Sample {
        cpu: Reading::Value(f64::from(noise)),
        memory_used: Reading::Value((20 << 30) + (u64::from(noise) << 20)),
        swap_used: Reading::Value(u64::from(noise) << 20),
        disks: vec![disk("Data folder"), disk("/data")].into(),
        network: vec![Interface {
            name: "eth0".into(),
            received: Reading::Value(1e6 + f64::from(noise)),
            sent: Reading::Value(1e5 + f64::from(noise)),
        }],
        gpus: Gpus {
            list: vec![Gpu {
                uuid: UUID.into(),
                name: "Test".into(),
                utilisation: Reading::Value(noise),
                memory_utilisation: Reading::Value(noise / 2),
                memory_used: Reading::Value((8 << 30) + (u64::from(noise) << 20)),
                temperature: Reading::Value(40 + noise / 3),
                fan: Reading::Value(noise),
                clock: Reading::Value(1000 + noise * 10),
                memory_clock: Reading::Value(9000 + noise),
                power: Reading::Value(100.0 + f64::from(noise)),
                ..Gpu::unread(Vendor::Nvidia, 0)
            }],
            drivers: Vec::new(),
        },
        ..Sample::unread(at)
    }
}

/// What such a machine has stored after a year, every tier as full as it ever is.
async fn write_a_year(store: &Store) -> athanor_engine::Result<()> {
    let whose: Vec<(Metric, &str)> = Metric::ALL
        .iter()
        .filter(|metric| !metric.of_job())
        .flat_map(|metric| match metric {
            metric if metric.of_gpu() => vec![(*metric, UUID)],
            metric if metric.of_disk() => vec![(*metric, "Data folder"), (*metric, "/data")],
            metric => vec![(*metric, "")],
        })
        .collect();
    let mut tx = store.begin_lightly().await?;
    let mut ids = Vec::new();
    for (metric, subject) in whose {
        ids.push(store.put_history_series(&mut tx, (metric.name(), subject), ("Test", 0), NOW).await?);
    }
    let mut seed = 7u64;
    let mut noise = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        f64::from(u32::try_from(seed >> 33).unwrap_or(0)) / f64::from(u32::MAX >> 1)
    };
    for tier in Tier::ALL {
        let mut slice = tier.slice_of(NOW - tier.keep_ms().unwrap_or(365 * DAY));
        let count = tier.bucket_ms().unsigned_abs() / 1000;
        while slice < NOW {
            for id in &ids {
                let mut buckets = Vec::new();
                let mut start = slice;
                while start < (slice + tier.slice_ms()).min(NOW) {
                    let value = noise() * 8.0e10;
                    let (low, high) = if count == 1 { (value, value) } else { (value * 0.5, value * 1.5) };
                    let of = |value: f64| Bucket::of(start, value, count * 1000, tier.bucket_ms());
                    if let (Some(low), Some(mean), Some(high)) = (of(low), of(value), of(high)) {
                        buckets.push(Bucket { min: low.min, max: high.max, count, ..mean });
                    }
                    start += tier.bucket_ms();
                }
                let data = pack(&buckets, slice, tier.bucket_ms());
                store.add_history_slice(&mut tx, (tier, slice, *id), &data).await?;
            }
            slice += tier.slice_ms();
        }
    }
    store.set_history_ledger(&mut tx, &Ledger::beginning(NOW)).await?;
    tx.commit().await
}
