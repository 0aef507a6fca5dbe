//! What an engine costs that has nothing to do: processor time and memory over 20 seconds, with the
//! samplers at their usual second.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::engine::Engine;
use super::{Figure, Target};
use crate::workspace::Workspace;

/// For what the start leaves behind: caches filled, threads gone to sleep.
const SETTLE: Duration = Duration::from_secs(3);
const SPAN: Duration = Duration::from_secs(20);

/// The kernel's unit in `/proc/PID/stat`, which is 100 a second for every architecture in use.
pub(super) const TICKS_PER_SECOND: f64 = 100.0;

/// Watches an idle engine.
pub fn measure(workspace: &Workspace) -> Result<Vec<Figure>> {
    let engine = Engine::start(workspace, &[])?;
    // Somebody listens and looks, as an open window does: only then is the machine sampled every second.
    let mut listener =
        UnixStream::connect(engine.scratch().join("home/athanor.sock")).context("connecting")?;
    listener.write_all(b"{\"version\":1,\"method\":\"listen\"}\n").context("listening")?;
    let mut heard = listener.try_clone().context("listening")?;
    std::thread::spawn(move || std::io::copy(&mut heard, &mut std::io::sink()));
    super::devices::look(&engine)?;
    std::thread::sleep(SETTLE);
    let (started, before) = (Instant::now(), ticks(engine.id())?);
    let mut memory = 0.0_f64;
    while started.elapsed() < SPAN {
        std::thread::sleep(Duration::from_secs(1));
        memory = memory.max(resident_megabytes(engine.id())?);
    }
    drop(listener);
    let share = 100.0 * (ticks(engine.id())? - before) / TICKS_PER_SECOND / started.elapsed().as_secs_f64();
    Ok(vec![
        Figure::aimed("idle engine, share of one core", share, "%", Target::Below(1.0)),
        Figure::aimed("idle engine, resident memory", memory, "MB", Target::Below(60.0)),
    ])
}

/// Processor time of all threads of process `id` so far.
pub(super) fn ticks(id: u32) -> Result<f64> {
    let path = format!("/proc/{id}/stat");
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    ticks_in(&text).with_context(|| format!("understanding {path}"))
}

/// The sum of the 14th and 15th field. The second may hold spaces and stands in parentheses.
fn ticks_in(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    Some(fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?)
}

fn resident_megabytes(id: u32) -> Result<f64> {
    let path = format!("/proc/{id}/status");
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    let kib = text
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok());
    Ok(kib.with_context(|| format!("there is no VmRSS in {path}"))? * 1024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_counted_after_the_name() {
        let stat = "42 (a b) c) S 1 42 42 0 -1 4194560 100 0 0 0 7 5 0 0 20 0 4 0 1000";
        assert_eq!(ticks_in(stat), Some(12.0));
        assert_eq!(ticks_in("42 (x) S 1"), None);
    }

    #[test]
    fn our_own_memory_can_be_read() {
        assert!(resident_megabytes(std::process::id()).unwrap() > 0.1);
        assert!(ticks(std::process::id()).unwrap() >= 0.0);
    }
}
