//! What it costs to sample a machine with 8 GPUs and 10 processes on each, every second: processor time of the engine
//! alone, over 30 seconds. The GPUs are scripted (see `crates/nvml-test`), the processes are real.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::engine::Engine;
use super::idle::{TICKS_PER_SECOND, ticks};
use super::{Figure, Target};
use crate::process::call;
use crate::workspace::Workspace;

const GPUS: usize = 8;
const PROCESSES: usize = 10;

/// For what the start leaves behind.
const SETTLE: Duration = Duration::from_secs(3);
const SPAN: Duration = Duration::from_secs(30);

/// Processes that do nothing, gone when this is.
struct Idle(Vec<Child>);

impl Idle {
    fn start(count: usize) -> Result<Self> {
        let mut idle = Self(Vec::with_capacity(count));
        for _ in 0..count {
            let mut command = Command::new("sleep");
            command.arg("3600").stdin(Stdio::null()).stdout(Stdio::null());
            idle.0.push(command.spawn().context("starting `sleep`")?);
        }
        Ok(idle)
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Watches an engine that samples.
pub fn measure(workspace: &Workspace) -> Result<Vec<Figure>> {
    call(&mut workspace.cargo(["build", "--release", "--lib", "--package", "athanor-nvml-test"]))?;
    let library = workspace.target.join("release/libathanor_nvml_test.so");
    let idle = Idle::start(GPUS * PROCESSES)?;
    let folder = super::engine::Folder::create()?;
    let path = folder.path.join("gpus.json");
    std::fs::write(&path, script(&idle).to_string())
        .with_context(|| format!("writing {}", path.display()))?;
    let switches: [(&str, &Path); 2] = [("ATHANOR_NVML", &library), ("ATHANOR_NVML_SCRIPT", &path)];
    let engine = Engine::start_with(workspace, &[], &switches)?;

    look(&engine)?;
    std::thread::sleep(SETTLE);
    let seen = newest(&engine)?;
    let list = seen["gpus"]["list"].as_array().map_or(0, Vec::len);
    let named = seen["gpus"]["list"][0]["processes"]["value"].as_array().map_or(0, Vec::len);
    ensure!(
        (list, named) == (GPUS, PROCESSES),
        "the engine sees {list} GPUs, {named} processes on the first"
    );
    let alone = share(&engine)?;
    let rate = rate(&engine)?;
    ensure!(rate > 0.9, "it sampled {rate:.2} times a second");

    look(&engine)?;
    let mut listener = connect(&engine)?;
    listener.write_all(b"{\"version\":1,\"method\":\"listen\"}\n").context("listening")?;
    let mut heard = listener.try_clone().context("listening")?;
    std::thread::spawn(move || std::io::copy(&mut heard, &mut std::io::sink()));
    let listened_to = share(&engine)?;
    drop(listener);
    Ok(vec![
        Figure::aimed(
            format!("sampling {GPUS} GPUs with {PROCESSES} processes each every second, share of one core"),
            alone,
            "%",
            Target::Below(1.0),
        ),
        Figure::told("the same while a window listens", listened_to, "%"),
    ])
}

/// The engine's processor time in percent of one core.
fn share(engine: &Engine) -> Result<f64> {
    let (started, before) = (Instant::now(), ticks(engine.id())?);
    std::thread::sleep(SPAN);
    Ok(100.0 * (ticks(engine.id())? - before) / TICKS_PER_SECOND / started.elapsed().as_secs_f64())
}

fn connect(engine: &Engine) -> Result<UnixStream> {
    UnixStream::connect(engine.scratch().join("home/athanor.sock")).context("connecting")
}

fn ask(engine: &Engine, method: &str, params: &Value) -> Result<Value> {
    let mut stream = connect(engine)?;
    let request = json!({ "version": 1, "method": method, "params": params });
    stream.write_all(format!("{request}\n").as_bytes()).context("asking")?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).context("listening")?;
    let mut answer: Value = serde_json::from_str(&answer).context("understanding the engine")?;
    ensure!(answer.get("result").is_some(), "{method} was refused: {answer}");
    Ok(answer["result"].take())
}

/// Somebody looks, for as long as is allowed to say at once.
pub(super) fn look(engine: &Engine) -> Result<()> {
    ask(engine, "device.look", &json!({ "for_ms": 120_000 })).map(|_| ())
}

fn newest(engine: &Engine) -> Result<Value> {
    let mut history = ask(engine, "device.history", &json!({}))?;
    let samples = history["samples"].as_array_mut().context("there are no samples")?;
    samples.pop().context("there is no sample")
}

/// Samples in a second, over those of the last half of the span.
fn rate(engine: &Engine) -> Result<f64> {
    let history = ask(engine, "device.history", &json!({}))?;
    let times: Vec<f64> = history["samples"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|sample| sample["at"].as_f64())
        .collect();
    let last = times.last().copied().context("there are no samples")?;
    let span = SPAN.as_secs_f64() / 2.0;
    let recent = times.iter().filter(|at| **at > last - span * 1000.0).count();
    #[allow(clippy::cast_precision_loss, reason = "a few samples")]
    let rate = recent as f64 / span;
    Ok(rate)
}

/// Busy GPUs with these processes on them.
fn script(idle: &Idle) -> Value {
    let gpus: Vec<Value> = idle
        .0
        .chunks(PROCESSES)
        .enumerate()
        .map(|(index, children)| {
            let process = |child: &Child| json!({ "pid": child.id(), "memory": 1u64 << 30, "utilisation": 7 });
            json!({
                "uuid": format!("GPU-{index}"), "name": "NVIDIA A100-SXM4-80GB", "memory_total": 80u64 << 30,
                "utilisation": { "mean": 70, "swing": 25, "period": 20 }, "memory_utilisation": 40, "temperature": 60,
                "fans": [50], "clock": 1410, "memory_clock": 1593, "power": 300, "power_limit": 400,
                "processes": children.iter().map(process).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({ "driver": "560.35.03", "cuda": 12060, "gpus": gpus })
}
