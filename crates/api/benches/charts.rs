//! What charts of long runs cost at the engine's boundary, from a request to its answer as text: ten runs of a million points
//! each, ten of ten million, drawn at 1600 by 900 pixels at ratio 2. Prints a figure a line: name, tab, value.

use std::process::ExitCode;
use std::time::Instant;

use athanor_api::command::dispatch;
use athanor_core::series::{Block, Buckets, CHUNK_POINTS, ChunkWrite, Points, ROW_FAN, Summary, encode_row};
use athanor_engine::store::runs::{Clock, NewFile, NewRun, RunStore};
use athanor_engine::{Engine, Error, ErrorKind, Home, Mode, Result};

const RUNS: u64 = 10;
const NOW: i64 = 1_795_000_000_000;
/// How often a chart is drawn with nothing at hand.
const COLD: usize = 7;

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
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

fn failed(cause: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Internal, cause.to_string())
}

/// A number that has no pattern, from 0 to 1 (splitmix64, Steele et al. 2014), as a program logs it in single precision.
#[allow(clippy::cast_precision_loss, reason = "24 bits are kept")]
fn chance(seed: u64) -> f64 {
    let mut z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    f64::from((z >> 40) as f32 / (1u32 << 24) as f32)
}

/// The blocks of a falling, noisy metric, encoded, with the rows that they complete.
#[allow(clippy::cast_precision_loss, reason = "steps are below 2^53")]
fn blocks(run: u64, first: u64, end: u64, count: u64) -> Result<Vec<ChunkWrite>> {
    let mut all = Vec::new();
    let mut row = Buckets::default();
    for index in first..end {
        let from = index * CHUNK_POINTS as u64;
        let to = count.min(from + CHUNK_POINTS as u64);
        let value = |i: u64| {
            let noise = 0.2 * chance(run * 1_000_000_007 + i);
            f64::from((2.0 * (-4.0 * i as f64 / count as f64).exp() + noise) as f32)
        };
        let points =
            Points::from_columns((from..to).map(|i| i as f64).collect(), (from..to).map(value).collect());
        let sealed = points.len() == CHUNK_POINTS;
        let mut write = Block { index, sealed, points }.write().map_err(failed)?;
        if let Some(fine) = write.fine.take() {
            row.extend_from(&fine);
        }
        if (index + 1).is_multiple_of(ROW_FAN) && sealed {
            write.row = Some(encode_row(&std::mem::take(&mut row)).map_err(failed)?);
        }
        all.push(write);
    }
    Ok(all)
}

/// Writes the runs; answers their uids.
async fn fill(store: &RunStore, name: &str, count: u64) -> Result<Vec<String>> {
    let mut uids = Vec::new();
    let all = count.div_ceil(CHUNK_POINTS as u64);
    for index in 0..RUNS {
        let mut tx = store.begin_lightly().await?;
        let revision = store.next_revision(&mut tx).await?;
        let folder = format!("/data/{name}/{index}");
        let new = NewRun {
            watch: None,
            folder: &folder,
            part: "",
            format: "queue",
            project: None,
            group: None,
            name: &format!("{name} {index}"),
            now: NOW,
        };
        let (run, uid) = store.put_run(&mut tx, &new, revision).await?;
        uids.push(uid);
        let path = format!("{folder}/metrics.csv");
        let file = NewFile { path: &path, format: "queue", role: "metrics", prefix: "" };
        let file = store.put_member(&mut tx, run, file, 0).await?.id;
        let key = store.metric_key(&mut tx, "loss").await?;
        let series = store.put_series(&mut tx, (file, 1, key, run), 0, &Summary::default()).await?;
        let mut whole = Summary::default();
        for first in (0..all).step_by(16 * 16) {
            let end = all.min(first + 16 * 16);
            let middle = first + (end - first).div_ceil(2).next_multiple_of(ROW_FAN);
            let (a, b) = std::thread::scope(|scope| {
                let beside = scope.spawn(|| blocks(index, middle.min(end), end, count));
                (blocks(index, first, middle.min(end), count), beside.join())
            });
            let b = b.map_err(|_| failed("a thread ended"))?;
            for block in a?.iter().chain(&b?) {
                whole = whole.merge(&block.summary);
                let place = (block.index, block.sealed);
                store
                    .put_block(&mut tx, series, place, &block.summary, &block.bytes, block.row.as_deref())
                    .await?;
            }
        }
        store.put_series(&mut tx, (file, 1, key, run), 0, &whole).await?;
        store.refresh_metric(&mut tx, run, key).await?;
        let clock = Clock { now: NOW, stale_after: 300_000 };
        store.refresh_run(&mut tx, run, clock, true, revision).await?;
        tx.commit().await?;
    }
    Ok(uids)
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

fn quantile(times: &mut [f64], share: f64) -> f64 {
    times.sort_by(f64::total_cmp);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a few"
    )]
    let at = (share * (times.len().max(1) - 1) as f64).round() as usize;
    times.get(at).copied().unwrap_or(f64::NAN)
}

struct Asked<'a> {
    uids: &'a [String],
    lines: &'a str,
}

impl Asked<'_> {
    async fn chart(&self, engine: &Engine, view: Option<(f64, f64)>) -> Result<(f64, usize)> {
        let uids = serde_json::to_string(self.uids).map_err(failed)?;
        let view = view.map_or("null".to_owned(), |(from, to)| format!("[{from},{to}]"));
        let input = format!(
            r#"{{"runs":{{"uids":{uids}}},"lines":{{"keys":["loss"]{}}},"width":1600,"height":900,"ratio":2,"theme":"light","view":{{"x":{view}}}}}"#,
            self.lines
        );
        let since = Instant::now();
        let answer = dispatch(engine, "runs.chart", &input).await.map_err(|error| failed(error.message))?;
        Ok((milliseconds(since), answer.len()))
    }

    /// Drawn first with nothing at hand, then in steps of zooming and moving, then read; answers the engine.
    async fn measure(&self, home: &Home, name: &str, count: u64, cold: usize) -> Result<()> {
        let mut first = Vec::new();
        for _ in 1..cold {
            let engine = Engine::open(home.clone(), Mode::Headless).await?;
            first.push(self.chart(&engine, None).await?.0);
            engine.shutdown().await;
        }
        let engine = Engine::open(home.clone(), Mode::Headless).await?;
        let (time, size) = self.chart(&engine, None).await?;
        first.push(time);
        println!("{name}_cold\t{:.3}", quantile(&mut first, 0.5));
        println!("{name}_bytes\t{size}");
        let mut steps = Vec::new();
        #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
        let (mut from, mut to) = (0.0, count as f64);
        for step in 0..60 {
            let width = to - from;
            // Towards a place at a third, moving on now and then; and all the way back from close by.
            (from, to) = match step % 3 {
                2 => (from + width * 0.1, to + width * 0.1),
                _ if step < 48 => (from + width * 0.08, to - width * 0.16),
                _ => (from - width * 0.5, to + width * 0.5),
            };
            steps.push(self.chart(&engine, Some((from, to))).await?.0);
        }
        println!("{name}_step\t{:.3}", quantile(&mut steps, 0.5));
        println!("{name}_step_95\t{:.3}", quantile(&mut steps, 0.95));
        let mut reads = Vec::new();
        let uids = serde_json::to_string(self.uids).map_err(failed)?;
        for i in 0..40u64 {
            let at = count / 41 * i;
            let input = format!(
                r#"{{"runs":{{"uids":{uids}}},"lines":{{"keys":["loss"]{}}},"at":{at},"tolerance":1}}"#,
                self.lines
            );
            let since = Instant::now();
            dispatch(&engine, "runs.read", &input).await.map_err(|error| failed(error.message))?;
            reads.push(milliseconds(since));
        }
        println!("{name}_read\t{:.3}", quantile(&mut reads, 0.5));
        engine.shutdown().await;
        Ok(())
    }
}

async fn measure() -> Result<()> {
    let dir = tempfile::tempdir().map_err(failed)?;
    let home = Home::at(dir.path());
    home.create()?;
    let (million, ten) = (1_000_000, 10_000_000);
    let (store, _) = RunStore::open(&home).await?;
    let since = Instant::now();
    let short = fill(&store, "million", million).await?;
    eprintln!("10 runs of a million points in {:.1} s", since.elapsed().as_secs_f64());
    let since = Instant::now();
    let long = fill(&store, "ten", ten).await?;
    eprintln!("10 runs of ten million points in {:.1} s", since.elapsed().as_secs_f64());
    store.close().await;
    let plain = |uids| Asked { uids, lines: "" };
    plain(&short).measure(&home, "million", million, COLD).await?;
    plain(&long).measure(&home, "ten_million", ten, COLD).await?;
    let smooth = Asked { uids: &short, lines: r#","smoothing":{"kind":"exponential","amount":0.99}"# };
    smooth.measure(&home, "smooth", million, 3).await?;
    let group = Asked { uids: &short, lines: r#","group":{"by":[],"centre":"mean","band":"deviation"}"# };
    group.measure(&home, "group", million, 3).await
}
