//! How long it takes to work out and draw the tray icon at all sizes: `cargo bench -p athanor-core --bench tray`.
//!
//! A change of the tray may take 5 ms in all; drawing is what it spends its time on.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use athanor_core::tray::{Load, Picture, SIZES, draw};

/// A change of the tray may take so long.
const TARGET: Duration = Duration::from_millis(5);

fn main() -> ExitCode {
    // Without this word, cargo only wants to see that it runs.
    let rounds = if std::env::args().any(|word| word == "--bench") { 201 } else { 1 };
    let mut met = true;
    for (name, gpus, running, failed) in [
        ("no GPU, 12 jobs", 0, 12, false),
        ("1 GPU", 1, 1, false),
        ("8 GPUs", 8, 7, false),
        ("8 GPUs, something failed", 8, 7, true),
        ("16 GPUs", 16, 7, false),
    ] {
        let loads: Vec<Load> = (0..gpus)
            .map(|gpu| Load { utilisation: Some(gpu * 12 % 100), memory: Some(gpu * 31 % 100) })
            .collect();
        let mut times: Vec<Duration> = (0..rounds)
            .map(|_| {
                let start = Instant::now();
                let picture = Picture::new(black_box(&loads), running, false, failed);
                for size in SIZES {
                    black_box(draw(&picture, size));
                }
                start.elapsed()
            })
            .collect();
        times.sort_unstable();
        let (median, slowest) = (times[times.len() / 2], times[times.len() - 1]);
        println!("{name}: {median:?}, the slowest of {rounds} {slowest:?}");
        met &= median < TARGET;
    }
    if rounds > 1 && !met {
        println!("a change may take {TARGET:?}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
