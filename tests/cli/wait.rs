//! Waiting on conditions, never on time alone.

use std::time::{Duration, Instant};

/// Long enough for a busy machine with two cores.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Asks until there is an answer.
pub fn wait_until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Lets a process get somewhere, for tests that strike at arbitrary instants.
pub fn wait_a_moment(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}
