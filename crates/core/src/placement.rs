//! Which waiting experiments start now.
//!
//! The policy sees the waiting ones in the order of the queue, never the store, so that the same function answers
//! for the engine, for the window ("why does it wait?") and for tests.

use serde::{Deserialize, Serialize};

/// Why a waiting experiment does not start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum WaitReason {
    /// The user paused the queue.
    QueuePaused,
    /// As many jobs run as may run at once.
    SlotsTaken {
        /// Jobs that run.
        running: u32,
        /// Jobs that may run at once.
        slots: u32,
        /// Waiting jobs that come before this one.
        ahead: u32,
    },
    /// No engine runs that could start it.
    NoEngine,
}

impl WaitReason {
    /// The reason in words for the window and the command line.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::QueuePaused => "The queue is paused".into(),
            Self::SlotsTaken { running, slots, ahead } => {
                let place = match ahead {
                    0 => "next to start".into(),
                    1 => "1 ahead of it".into(),
                    n => format!("{n} ahead of it"),
                };
                if *slots == 0 {
                    return format!("No job may run at present (jobs at once: 0), {place}");
                }
                format!("{running} of {slots} {} taken, {place}", if *slots == 1 { "slot" } else { "slots" })
            }
            Self::NoEngine => "Starts with the next engine".into(),
        }
    }
}

/// What the policy needs to know of the machine and the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Jobs that may run at once.
    pub slots: u32,
    /// Attempts that hold a slot.
    pub running: u32,
    /// Whether the user paused the queue.
    pub paused: bool,
}

/// How many of the `waiting` experiments at the head of the queue start now.
///
/// - A paused queue starts nothing; what runs goes on.
/// - Otherwise the first ones start, as many as there are free slots; nobody is passed over.
#[must_use]
pub fn startable(capacity: Capacity, waiting: usize) -> usize {
    if capacity.paused {
        return 0;
    }
    let free = capacity.slots.saturating_sub(capacity.running);
    waiting.min(usize::try_from(free).unwrap_or(usize::MAX))
}

/// Why the experiment with `ahead` others before it waits.
#[must_use]
pub fn wait_reason(capacity: Capacity, ahead: u32) -> WaitReason {
    if capacity.paused {
        WaitReason::QueuePaused
    } else {
        WaitReason::SlotsTaken { running: capacity.running, slots: capacity.slots, ahead }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn slots_are_never_exceeded_and_never_left_empty(
            slots in 0u32..20, running in 0u32..30, waiting in 0usize..50, paused: bool,
        ) {
            let started = startable(Capacity { slots, running, paused }, waiting);
            prop_assert!(started <= waiting);
            if paused {
                prop_assert_eq!(started, 0);
            } else {
                let after = running as usize + started;
                prop_assert!(started == 0 || after <= slots as usize, "more than {} run", slots);
                prop_assert!(after >= slots as usize || started == waiting, "a slot is empty while a job waits");
            }
        }
    }

    #[test]
    fn the_reason_is_a_sentence() {
        let capacity = Capacity { slots: 2, running: 2, paused: false };
        assert_eq!(wait_reason(capacity, 0).words(), "2 of 2 slots taken, next to start");
        assert_eq!(wait_reason(capacity, 3).words(), "2 of 2 slots taken, 3 ahead of it");
        assert_eq!(wait_reason(Capacity { paused: true, ..capacity }, 3).words(), "The queue is paused");
    }
}
