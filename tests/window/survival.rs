//! The window's process is killed again and again while jobs of all kinds go through, as an engine without a window is
//! in `tests/cli`.

#[path = "../survival/jobs.rs"]
mod jobs;

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use anyhow::{Context, Result, ensure};
use jobs::{BATCH, JOB, Random, batch};

use crate::program::{Guard, Place};
use crate::wait::{wait_a_moment, wait_for};

const KILLS: u64 = 15;
const JOBS: usize = 60;

/// The command line in a place.
struct Shell<'a> {
    place: &'a Place,
    work: PathBuf,
}

impl Shell<'_> {
    fn run(&self, arguments: &[&str], input: &str) -> Result<Output> {
        let mut command = self.place.command(Place::athanor()?);
        command.args(arguments).current_dir(&self.work);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        // One that refuses before it reads closes its end.
        let _ = child.stdin.take().context("a pipe")?.write_all(input.as_bytes());
        Ok(child.wait_with_output()?)
    }
}

pub async fn survive(place: &Place) -> Result<()> {
    let shell = Shell { place, work: place.work()? };
    let job = shell.work.join("job");
    std::fs::write(&job, JOB)?;
    std::fs::set_permissions(&job, std::fs::Permissions::from_mode(0o755))?;
    let window = || -> Result<Guard> { Ok(Guard(place.command(Place::desktop()).spawn()?)) };
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut program = window()?;
    place.wait_for_engine().await?;
    shell.run(&["settings", "slots=4"], "")?;
    let (mut added, mut killed) = (0, 0);
    while added < JOBS || killed < KILLS {
        if added < JOBS {
            let text = batch(added, &mut random);
            if shell.run(&["add", "--from", "-"], &text)?.status.success() {
                added += BATCH;
            }
        }
        let verb = ["cancel", "pause", "resume", "retry", "hold"][random.below(5) as usize];
        let name = format!("job{}", random.below(added.max(1) as u64));
        // May come at a time that does not allow it.
        shell.run(&[verb, &name], "")?;
        wait_a_moment(random.below(700)).await;
        program.kill().await?;
        killed += 1;
        program = window()?;
    }
    place.wait_for_engine().await?;
    wait_for("all jobs to end", async || {
        shell.run(&["resume", "--group", "g0"], "")?;
        let stats = place.call::<athanor_api::command::QueueStats>(&athanor_api::wire::Nothing {})?;
        let left = stats.pending + stats.queued + stats.running + stats.paused;
        ensure!(left == 0, "{left} are left");
        Ok(())
    })
    .await?;
    let ask = |arguments: &[&str]| {
        let output = shell.run(arguments, "").expect("the command line starts");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    jobs::check(&ask, &shell.work, JOBS);
    Ok(())
}
