//! The engine is killed again and again at arbitrary instants while jobs with dependencies, retries, pauses and cancels
//! go through. At the end every job ran exactly as often as its attempts say, each outcome is the kernel's, and no
//! event is missing or doubled.
//!
//! `ATHANOR_SURVIVAL` (kills and jobs, `1000,3000`) makes it longer.

#[path = "../survival/jobs.rs"]
mod jobs;

use jobs::{BATCH, JOB, Random, batch};

use crate::harness::Athanor;
use crate::wait::{wait_a_moment, wait_until};

const KILLS: u64 = 100;
const JOBS: usize = 300;

fn extent() -> (u64, usize) {
    let asked = std::env::var("ATHANOR_SURVIVAL").unwrap_or_default();
    let parts =
        asked.split_once(',').and_then(|(kills, jobs)| Some((kills.parse().ok()?, jobs.parse().ok()?)));
    parts.unwrap_or((KILLS, JOBS))
}

#[test]
fn nothing_is_lost_and_nothing_runs_twice() {
    let (kills, jobs) = extent();
    let mut athanor = Athanor::serving(4);
    crate::harness::script(&athanor.work().join("job"), JOB);
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mut added = 0;
    let mut killed = 0;
    while added < jobs || killed < kills {
        if added < jobs {
            let text = batch(added, &mut random);
            // Under their keys the jobs are the same ones, however often the call has to be made.
            let output = athanor.fed(&["add", "--from", "-"], &text);
            if output.status.success() {
                added += BATCH;
            }
        }
        for _ in 0..random.below(3) {
            let verb = ["cancel", "pause", "resume", "retry", "hold"][random.below(5) as usize];
            let name = format!("job{}", random.below(added.max(1) as u64));
            // May come at a time that does not allow it, or when nobody listens.
            let _ = athanor.run(&[verb, &name]);
        }
        if killed < kills {
            wait_a_moment(random.below(60));
            athanor.kill_engine();
            athanor.serve_unwatched();
            killed += 1;
        }
    }
    athanor.until_served();
    wait_until("nothing is left", || {
        for group in 0..jobs.div_ceil(100) {
            let _ = athanor.run(&["resume", "--group", &format!("g{group}")]);
        }
        let stats = athanor.json(&["status"])["queue"].clone();
        let left = ["pending", "queued", "running", "paused"].map(|word| stats[word].as_u64().unwrap_or(1));
        (left.iter().sum::<u64>() == 0).then_some(())
    });
    jobs::check(&|arguments| athanor.ok(arguments), &athanor.work(), jobs);
}
