//! TensorBoard's data server, `tensorboard/data/server` in its repository, built there by `cargo build --release`:
//! how long it takes until its first load of a folder is over, and its memory then.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::Cost;
use crate::bench::engine::Folder;
use crate::process::say;

/// Names the program.
const VARIABLE: &str = "ATHANOR_TB_SERVER";

/// The program, if there is one.
pub fn program() -> Option<PathBuf> {
    let path = std::env::var_os(VARIABLE).map(PathBuf::from);
    if path.is_none() {
        say(&format!(
            "{VARIABLE} names no `rustboard` to compare with: TensorBoard's data server is left out"
        ));
    }
    path
}

/// Has it load a folder once.
pub fn load(program: &Path, folder: &Path) -> Result<Cost> {
    let scratch = Folder::create()?;
    let mut server = Command::new(program);
    server.arg("--logdir").arg(folder).args(["--port", "0", "--reload", "once", "--verbose"]);
    server.arg("--port-file").arg(scratch.path.join("port"));
    server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let started = Instant::now();
    let child = server.spawn().with_context(|| format!("starting {}", program.display()))?;
    let mut child = Killed(child);
    let said = child.0.stderr.take().context("its output is not read")?;
    let mut ready = false;
    for line in BufReader::new(said).lines() {
        if line?.contains("Finished load cycle") {
            ready = true;
            break;
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    ensure!(ready, "{} ended before it had loaded {}", program.display(), folder.display());
    Ok(Cost { seconds, mib: super::peak_memory(child.0.id())? })
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
