//! Waiting for conditions, patiently: the machine may be slow and busy.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// Longer than anything takes on a machine that still works.
const PATIENCE: Duration = Duration::from_secs(120);

/// Lets a process get somewhere, for tests that strike at arbitrary instants.
pub async fn wait_a_moment(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

/// Tries until it succeeds. The last error says what was there instead.
pub async fn wait_for<T>(what: &str, mut attempt: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match attempt().await {
            Ok(found) => return Ok(found),
            Err(error) if Instant::now() > deadline => {
                return Err(error).with_context(|| format!("waited {} s for {what}", PATIENCE.as_secs()));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}
