//! Short jobs a second: `true` with two slots, from the first client's start to the last recorded outcome.
//!
//! - 1,000 jobs, each added by a client of its own, one after the other, as a shell loop would. The target is
//!   task-spooler in the same run, which keeps the output of each job, as we do; how fast it is when it throws the
//!   output away is told as well. Without task-spooler the target is 40 % of a loop that only starts and waits.
//! - 2,000 jobs queued in one call. The target is one and a half times task-spooler with 2,000 jobs in the same run;
//!   one call for many is what it lacks, so each of them has a client of its own.
//! - Rounds end early when their time is used up, as on a machine that does much else: the medians are then of fewer.
//!
//! No folder is removed before the last round: ext4 does not use a deleted file's number again for a minute to five,
//! and looks for a free one past all of them, which would make each round slower than the one before.

use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::engine::{Engine, Folder};
use super::rivals::{TaskSpooler, bare_loop};
use super::{Figure, ROUNDS, Target, median};
use crate::process::call;
use crate::workspace::Workspace;

const JOBS: usize = 1_000;
const TOGETHER: usize = 2_000;

/// What one call must reach, as a multiple of task-spooler.
const TOGETHER_FACTOR: f64 = 1.5;

/// No round begins after this: all figures together are to be had while one looks on.
const TIME: Duration = Duration::from_secs(75);

/// Folders that stay until all is measured.
type Kept = Vec<Rc<Folder>>;

/// Runs the rounds, all contestants in turn.
pub fn measure(workspace: &Workspace) -> Result<Vec<Figure>> {
    let mut kept = Kept::new();
    let (mut singly, mut together, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    let (mut spooled, mut spooled_many, mut unkept) = (Vec::new(), Vec::new(), Vec::new());
    let begun = Instant::now();
    for _ in 0..ROUNDS {
        singly.push(one_by_one(workspace, &mut kept)?);
        spooled.extend(spooler(JOBS, &["true"], &mut kept)?);
        together.push(in_one_call(workspace, &mut kept)?);
        spooled_many.extend(spooler(TOGETHER, &["true"], &mut kept)?);
        unkept.extend(spooler(JOBS, &["-n", "true"], &mut kept)?);
        bare.push(rate(JOBS, bare_loop(JOBS)?.as_secs_f64()));
        if begun.elapsed() > TIME {
            break;
        }
    }
    let (target, target_many, against) = if spooled.is_empty() {
        (0.4 * median(&bare), 0.4 * median(&bare), "40 % of a bare loop")
    } else {
        (median(&spooled), median(&spooled_many), "task-spooler")
    };
    let mut figures = vec![
        Figure::aimed(
            format!("1,000 jobs, 2 slots, a client each, against {against}"),
            median(&singly),
            "/s",
            Target::AtLeast(target),
        ),
        Figure::aimed(
            format!("2,000 jobs, 2 slots, one call, against 1.5 times {against}"),
            median(&together),
            "/s",
            Target::AtLeast(TOGETHER_FACTOR * target_many),
        ),
    ];
    if !spooled_many.is_empty() {
        figures.push(Figure::told("task-spooler with 2,000 jobs", target_many, "/s"));
    }
    if !unkept.is_empty() {
        let name = "task-spooler when it throws the output away";
        figures.push(Figure::told(name, median(&unkept), "/s"));
    }
    figures.push(Figure::told("bare loop that starts and waits on 2 threads", median(&bare), "/s"));
    figures.push(Figure::told("rounds that these are medians of", rounds(bare.len()), ""));
    Ok(figures)
}

fn one_by_one(workspace: &Workspace, kept: &mut Kept) -> Result<f64> {
    let engine = Engine::start(workspace, &["--slots", "2"])?;
    kept.push(engine.folder());
    let started = Instant::now();
    for _ in 0..JOBS {
        call(&mut engine.client(&["add", "--", "true"]))?;
    }
    engine.wait_all()?;
    Ok(rate(JOBS, started.elapsed().as_secs_f64()))
}

fn in_one_call(workspace: &Workspace, kept: &mut Kept) -> Result<f64> {
    let engine = Engine::start(workspace, &["--slots", "2"])?;
    kept.push(engine.folder());
    let started = Instant::now();
    engine.add_together(TOGETHER)?;
    engine.wait_all()?;
    Ok(rate(TOGETHER, started.elapsed().as_secs_f64()))
}

fn spooler(jobs: usize, arguments: &[&str], kept: &mut Kept) -> Result<Option<f64>> {
    let Some(spooler) = TaskSpooler::start()? else { return Ok(None) };
    kept.push(spooler.folder());
    let started = Instant::now();
    for _ in 0..jobs {
        call(&mut spooler.command(arguments))?;
    }
    spooler.wait_all()?;
    Ok(Some(rate(jobs, started.elapsed().as_secs_f64())))
}

#[expect(clippy::cast_precision_loss, reason = "as many as there are rounds")]
fn rounds(count: usize) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand are exact")]
fn rate(jobs: usize, seconds: f64) -> f64 {
    jobs as f64 / seconds
}
