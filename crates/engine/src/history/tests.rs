use athanor_core::history::{Resolution, pack};

use super::writer::Writer;
use super::*;
use crate::devices::{Gpu, Gpus, Reading, Vendor};
use crate::home::Home;

const START: i64 = 1_790_000_000_000;
const HOUR: i64 = 3_600_000;
const UUID: &str = "GPU-a";
const GPU: (Metric, &str) = (Metric::GpuUtilisation, UUID);

fn sample(at: i64, utilisation: u32) -> Sample {
    let mut gpu = Gpu::unread(Vendor::Nvidia, 0);
    (gpu.uuid, gpu.name) = (UUID.into(), "Test GPU".into());
    gpu.utilisation = Reading::Value(utilisation);
    gpu.memory_used = Reading::Value(8 << 30);
    gpu.power = Reading::Value(212.5);
    gpu.temperature = Reading::Value(61);
    Sample {
        cpu: Reading::Value(12.0),
        memory_used: Reading::Value(20 << 30),
        gpus: Gpus { list: vec![gpu], drivers: Vec::new() },
        ..Sample::unread(at)
    }
}

/// A recorder whose tasks are played by the test, so that time goes as it likes.
struct Bench {
    history: History,
    writer: Writer,
}

impl Bench {
    async fn open(home: &Home) -> Self {
        let store = Store::open(home).await.expect("opens").store;
        let history = History::start(store, Arc::default(), None).await.expect("begins");
        let writer = Writer::new(history.shared.clone());
        Self { history, writer }
    }

    async fn take(&mut self, at: i64, utilisation: u32) {
        if self.history.shared.collect(&sample(at, utilisation)) {
            self.writer.store(at).await.expect("stored");
        }
    }

    async fn read(&self, since: i64, until: i64, width: u32) -> Stretch {
        self.history.read(GPU, (Some(since), until), width, until).await.expect("readable")
    }
}

fn home() -> (tempfile::TempDir, Home) {
    let dir = tempfile::tempdir().expect("temporary folder");
    let home = Home::at(dir.path());
    home.create().expect("folders");
    (dir, home)
}

#[tokio::test]
async fn every_tier_answers_and_a_restart_changes_nothing() {
    let (_dir, home) = home();
    let mut bench = Bench::open(&home).await;
    let end = START + 26 * HOUR;
    let spike = START + 3 * HOUR + 7_000;
    let mut at = START;
    while at < end {
        bench.take(at, if at == spike { 100 } else { 10 }).await;
        // Slower where nothing of interest happens, so that the test is short.
        at +=
            if (spike - 20_000..spike + 20_000).contains(&at) || at > end - 600_000 { 1000 } else { 29_000 };
    }
    bench.writer.store(at).await.expect("stored");
    let of = |stretch: &Stretch| {
        let max = stretch.buckets.iter().map(|bucket| bucket.max).fold(0.0, f64::max);
        (stretch.tier, max, stretch.buckets.iter().map(|bucket| bucket.count).sum::<u64>())
    };
    let last = bench.read(end - 300_000, end, 300).await;
    assert_eq!((last.tier, last.step, last.damaged), (Some(Tier::Second), 1000, 0));
    assert_eq!(last.buckets.len(), 300, "every second of the last five minutes");
    let whole = bench.read(START, end, 200).await;
    assert_eq!((whole.tier, of(&whole).1), (Some(Tier::Minute), 100.0), "the spike is seen from afar");
    let near = (Some(spike - 60_000), spike + 60_000);
    let ten = bench.history.read(GPU, near, 100, end).await.expect("readable");
    assert_eq!((ten.tier, of(&ten).1), (Some(Tier::Ten), 100.0), "a second is kept for an hour only");
    let hours = Resolution { tier: Tier::Hour, step: HOUR };
    let all = bench.history.read_at(GPU, (START, end), hours).await.expect("readable");
    assert_eq!((of(&all).1, of(&all).2), (100.0, of(&whole).2), "no sample is lost or counted twice");
    assert!(all.buckets.iter().all(|bucket| bucket.min <= bucket.mean && bucket.mean <= bucket.max));

    let series = bench.history.series().await.expect("readable");
    assert_eq!(series.iter().filter(|series| series.metric == Metric::GpuUtilisation).count(), 1);
    bench.history.shared.store.close().await;
    let bench = Bench::open(&home).await;
    assert_eq!(bench.history.read_at(GPU, (START, end), hours).await.expect("readable"), all);
    assert_eq!(bench.read(end - 300_000, end, 300).await, last);
    assert_eq!(bench.history.begins_at().await.expect("readable"), Some(START.div_euclid(60_000) * 60_000));
}

#[tokio::test]
async fn a_crash_takes_what_was_not_stored_and_nothing_else() {
    let (_dir, home) = home();
    let mut bench = Bench::open(&home).await;
    for second in 0..100 {
        bench.take(START + second * 1000, 50).await;
    }
    assert_eq!(
        bench.read(START, START + 100_000, 2000).await.buckets.len(),
        100,
        "what is in memory is seen"
    );
    // Neither asked to finish nor closed.
    std::mem::forget(bench);
    let mut bench = Bench::open(&home).await;
    let kept = bench.read(START, START + 100_000, 2000).await.buckets.len();
    assert!((70..100).contains(&kept), "{kept}: at most half a minute");
    // The next engine begins in the same slice of time.
    for second in 100..160 {
        bench.take(START + second * 1000, 50).await;
    }
    let all = bench.read(START, START + 160_000, 2000).await;
    assert_eq!(all.buckets.len(), kept + 60);
    assert!(all.buckets.iter().all(|bucket| bucket.count == 1), "nothing is counted twice");
}

#[tokio::test]
async fn a_clock_that_is_set_back_loses_nothing() {
    let (_dir, home) = home();
    let mut bench = Bench::open(&home).await;
    let mut taken = 0;
    for (from, seconds) in [(START, 1200), (START + 600_000, 900)] {
        for second in 0..seconds {
            bench.take(from + second * 1000, 50).await;
            taken += 1;
        }
    }
    let hours = Resolution { tier: Tier::Hour, step: HOUR };
    let range = (START - HOUR, START + 2 * HOUR);
    for resolution in
        [hours, Resolution { tier: Tier::Ten, step: 10_000 }, Resolution { tier: Tier::Second, step: 1000 }]
    {
        let all = bench.history.read_at(GPU, range, resolution).await.expect("readable");
        assert_eq!(all.buckets.iter().map(|bucket| bucket.count).sum::<u64>(), taken, "{resolution:?}");
    }
}

#[tokio::test]
async fn a_damaged_slice_is_left_out_and_said() {
    let (_dir, home) = home();
    let mut bench = Bench::open(&home).await;
    for second in 0..400 {
        bench.take(START + second * 1000, 50).await;
    }
    bench.writer.store(START + 400_000).await.expect("stored");
    let whole = bench.read(START, START + 400_000, 2000).await;
    let store = &bench.history.shared.store;
    let series = store.history_series().await.expect("readable");
    let id = series.iter().find(|row| row.metric == "gpu.util").expect("recorded").id;
    let slice = Tier::Second.slice_of(START + 380_000);
    let mut tx = store.begin().await.expect("begins");
    store.replace_history_slice(&mut tx, (Tier::Second, slice, id), b"rubbish").await.expect("replaced");
    tx.commit().await.expect("committed");
    let left = bench.read(START, START + 400_000, 2000).await;
    assert_eq!((whole.damaged, left.damaged), (0, 1));
    assert!(left.buckets.len() < whole.buckets.len() && left.buckets.len() > 300, "the rest is there");
    // Rolled up, and added to, without a word of it.
    for second in 400..1000 {
        bench.take(START + second * 1000, 50).await;
    }
    assert!(!bench.read(START, START + 1_000_000, 100).await.buckets.is_empty());
    bench.take(slice + 5000, 50).await;
    bench.writer.store(slice + 5000).await.expect("stored over the rubbish");
    assert_eq!(bench.read(START, START + 1_000_000, 2000).await.damaged, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_sees_a_bucket_twice_or_not_at_all_while_it_is_stored() {
    let (_dir, home) = home();
    let mut bench = Bench::open(&home).await;
    bench.take(START, 1).await;
    let shared = bench.history.shared.clone();
    let store = shared.store.clone();
    let reader = Arc::new(History { shared, orders: mpsc::unbounded_channel().0, tasks: Vec::new() });
    let taken = Arc::new(std::sync::atomic::AtomicU64::new(1));
    let (other, count) = (reader.clone(), taken.clone());
    let reads = tokio::spawn(async move {
        let mut looks = 0;
        loop {
            let before = count.load(std::sync::atomic::Ordering::SeqCst);
            let all = Resolution { tier: Tier::Hour, step: HOUR };
            let seen = other.read_at(GPU, (START - HOUR, START + HOUR), all).await.expect("readable");
            let seen: u64 = seen.buckets.iter().map(|bucket| bucket.count).sum();
            // One is counted after it is in.
            let after = count.load(std::sync::atomic::Ordering::SeqCst) + 1;
            assert!((before..=after).contains(&seen), "{before}..={after}: {seen}");
            looks += 1;
            if before >= 900 {
                return looks;
            }
        }
    });
    for second in 1..900 {
        bench.take(START + second * 1000, 1).await;
        taken.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        tokio::task::yield_now().await;
    }
    assert!(reads.await.expect("every look was right") > 0);
    drop(store);
}

/// What a machine with one GPU stores in a year, as its tiers have it at its end.
async fn write_a_year(store: &Store, end: i64) -> usize {
    let metrics: Vec<Key> = sample::readings(&full_sample(end))
        .into_iter()
        .map(|(metric, subject, _)| Key { metric, subject })
        .collect();
    let mut tx = store.begin_lightly().await.expect("begins");
    let mut ids = Vec::new();
    for key in &metrics {
        let whose = (key.metric.name(), key.subject.as_str());
        ids.push(store.put_history_series(&mut tx, whose, ("Test", 0), end).await.expect("known"));
    }
    let mut seed = 7u64;
    let mut noise = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        f64::from(u32::try_from(seed >> 33).unwrap_or(0)) / f64::from(u32::MAX >> 1)
    };
    for tier in Tier::ALL {
        let length = tier.keep_ms().unwrap_or(365 * 24 * HOUR);
        let mut slice = tier.slice_of(end - length);
        while slice < end {
            for id in &ids {
                let buckets: Vec<Bucket> = (slice..slice + tier.slice_ms())
                    .step_by(usize::try_from(tier.bucket_ms()).expect("positive"))
                    .filter(|start| *start < end)
                    .map(|start| {
                        let count = tier.bucket_ms().unsigned_abs() / 1000;
                        let value = noise() * 8.0e10;
                        let (min, max) = if count == 1 { (value, value) } else { (value * 0.5, value * 1.5) };
                        let of = |value: f64| {
                            Bucket::of(start, value, 1000, tier.bucket_ms()).expect("finite").min
                        };
                        Bucket { start, min: of(min), mean: value, max: of(max), count, span: count * 1000 }
                    })
                    .map(|bucket| Bucket { mean: bucket.mean.clamp(bucket.min, bucket.max), ..bucket })
                    .collect();
                let data = pack(&buckets, slice, tier.bucket_ms());
                store.add_history_slice(&mut tx, (tier, slice, *id), &data).await.expect("stored");
            }
            slice += tier.slice_ms();
        }
    }
    store.set_history_ledger(&mut tx, &Ledger::beginning(end)).await.expect("stored");
    tx.commit().await.expect("committed");
    metrics.len()
}

/// All that one GPU and its machine may tell.
fn full_sample(at: i64) -> Sample {
    let mut sample = sample(at, 50);
    let gpu = &mut sample.gpus.list[0];
    (gpu.fan, gpu.clock, gpu.memory_clock, gpu.memory_utilisation) =
        (Reading::Value(40), Reading::Value(2100), Reading::Value(9500), Reading::Value(30));
    let interface = |name: &str| crate::devices::Interface {
        name: name.into(),
        received: Reading::Value(1e6),
        sent: Reading::Value(1e5),
    };
    let disk = |label: &str| crate::devices::Disk {
        label: label.into(),
        holds: Vec::new(),
        path: "/".into(),
        mount: None,
        file_system: None,
        free: Reading::Value(1 << 40),
        total: Reading::Value(2 << 40),
    };
    sample.network = vec![interface("eth0")];
    sample.swap_used = Reading::Value(1 << 20);
    sample.disks = vec![disk("Data folder"), disk("/data")].into();
    sample
}

#[tokio::test]
async fn a_year_of_one_gpu_is_small_and_any_of_it_is_answered_in_few_buckets() {
    let (_dir, home) = home();
    let store = Store::open(&home).await.expect("opens").store;
    let end = START;
    let series = write_a_year(&store, end).await;
    assert_eq!(series, 15);
    store.close().await;
    let size = std::fs::metadata(home.database()).expect("there").len();
    // Values without any pattern: what a real machine tells is smaller.
    assert!(size < 50 << 20, "{} MiB", size >> 20);
    let mut bench = Bench::open(&home).await;
    for (back, tier) in [
        (HOUR, Tier::Second),
        (24 * HOUR, Tier::Ten),
        (7 * 24 * HOUR, Tier::Minute),
        (30 * 24 * HOUR, Tier::Minute),
        (365 * 24 * HOUR, Tier::Hour),
    ] {
        let found = bench.history.read(GPU, (Some(end - back), end), 2000, end).await.expect("readable");
        assert_eq!(found.tier, Some(tier), "{back}");
        let expected = back / found.step;
        assert!(found.buckets.len() <= 2001, "{}", found.buckets.len());
        let enough = usize::try_from(expected - 1).expect("positive");
        assert!(found.buckets.len() >= enough, "{} of {expected}", found.buckets.len());
    }
    // Goes on from there, and the old goes.
    for second in 0..900 {
        let at = end + second * 1000;
        if bench.history.shared.collect(&full_sample(at)) {
            bench.writer.store(at).await.expect("stored");
        }
    }
    let store = &bench.history.shared.store;
    let first = store.history_begin(Tier::Second).await.expect("readable").expect("some");
    assert!(first > end - HOUR + 300_000, "what is older than an hour is gone");
    assert!(
        store.history_begin(Tier::Hour).await.expect("readable").expect("some")
            <= end - 365 * 24 * HOUR + 24 * HOUR
    );
}
