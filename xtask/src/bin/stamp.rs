//! The job of the latency benchmark: writes the monotonic clock, in nanoseconds, to the file named
//! by its first argument.
//!
//! It does nothing before it reads the clock, so what is measured is the way to a job's first
//! instruction plus the start of a small Rust program.

use rustix::time::{ClockId, clock_gettime};

fn main() -> std::io::Result<()> {
    let now = clock_gettime(ClockId::Monotonic);
    let path = std::env::args_os().nth(1).ok_or_else(|| std::io::Error::other("usage: stamp FILE"))?;
    std::fs::write(path, format!("{}\n", now.tv_sec * 1_000_000_000 + now.tv_nsec))
}
