//! Whether the kernel ended a job because memory ran out.
//!
//! A process that the kernel's out-of-memory killer ends dies of SIGKILL, as one does that somebody kills. The kernel
//! counts such ends for the whole machine (`oom_kill` in `/proc/vmstat`, since Linux 4.13). A job that died of a
//! SIGKILL which nobody asked for, while that counter rose, was ended for lack of memory.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

/// How many readings are kept: with one for each look at the machine, enough to find one from before a job's end.
const KEPT: usize = 32;

/// A counter that was read this shortly before an end may have been read after it: clocks and readings are not as
/// exact as that. Milliseconds.
const MARGIN_MS: i64 = 200;

/// The kernel's counter as it was at the last looks.
#[derive(Debug)]
pub(super) struct MemoryWatch {
    path: PathBuf,
    /// When and what, the oldest first.
    readings: VecDeque<(i64, u64)>,
}

impl MemoryWatch {
    /// Looks for the first time.
    pub fn new(now: i64) -> Self {
        Self::at(Path::new("/proc/vmstat"), now)
    }

    fn at(path: &Path, now: i64) -> Self {
        let mut watch = Self { path: path.to_owned(), readings: VecDeque::new() };
        watch.look(now);
        watch
    }

    /// Notes how the counter stands.
    pub fn look(&mut self, now: i64) {
        if let Some(count) = self.count() {
            self.readings.push_back((now, count));
            if self.readings.len() > KEPT {
                self.readings.pop_front();
            }
        }
    }

    /// Whether the kernel has ended any process for lack of memory since before this moment, as far as the readings
    /// tell: the one that counts is the last from before it.
    pub fn rose_since(&self, before: i64) -> bool {
        let last = self.readings.iter().rev().find(|(at, _)| *at < before.saturating_sub(MARGIN_MS));
        match (last.or(self.readings.front()), self.count()) {
            (Some((_, known)), Some(count)) => count > *known,
            _ => false,
        }
    }

    fn count(&self) -> Option<u64> {
        let text = std::fs::read_to_string(&self.path).ok()?;
        text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_is_held_against_the_last_reading_before_the_end() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("vmstat");
        let write = |count: u64| {
            std::fs::write(&path, format!("pgfault 12\noom_kill {count}\nthp_split 0\n")).expect("written");
        };
        write(3);
        let mut watch = MemoryWatch::at(&path, 0);
        watch.look(10_000);
        assert!(!watch.rose_since(15_000), "nothing was ended");
        write(4);
        assert!(watch.rose_since(15_000));
        // The next look comes after the end and before it was heard of.
        watch.look(15_100);
        assert!(watch.rose_since(15_000) && watch.rose_since(15_200));
        watch.look(20_000);
        assert!(!watch.rose_since(25_000), "that was long before");
        write(5);
        assert!(watch.rose_since(25_000));
        std::fs::remove_file(&path).expect("removed");
        assert!(!watch.rose_since(25_000), "where the kernel does not say, nothing is guessed");
    }

    #[test]
    fn this_kernel_is_understood() {
        assert!(MemoryWatch::new(0).count().is_some(), "Linux 4.13 and later count such ends");
    }

    #[test]
    fn no_more_readings_are_kept_than_are_needed() {
        let mut watch = MemoryWatch::new(0);
        (1..100).for_each(|now| watch.look(now));
        assert_eq!(watch.readings.len(), KEPT);
    }
}
