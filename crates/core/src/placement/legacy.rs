//! The policy of slots alone, for callers that have not moved to [`super::plan`] yet. It goes with the last of them.

use super::WaitReason;

/// What the policy of slots needs to know.
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

impl WaitReason {
    /// The words of a reason that names no moment; use [`WaitReason::words_at`] for any other.
    #[must_use]
    pub fn words(&self) -> String {
        self.words_with(|_| "later".into())
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
}
