//! A running job that writes nothing any more: neither to its log nor to its metrics.
//!
//! Whoever looks hands in a fingerprint of all that the job writes. Only looks are compared, so neither a clock that
//! steps nor one of another machine can make a job look stalled, and the time that a laptop sleeps does not count.

/// What is known of one attempt. Times are milliseconds of a clock that does not step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stall {
    fingerprint: u64,
    since: i64,
    told: bool,
}

impl Stall {
    /// At the first look, or when it was known before to have been told of (`told`).
    #[must_use]
    pub fn new(now: i64, fingerprint: u64, told: bool) -> Self {
        Self { fingerprint, since: now, told }
    }

    /// Takes a look; true if the job has been silent for `limit_ms` and that was not told of yet.
    pub fn look(&mut self, now: i64, fingerprint: u64, limit_ms: u64) -> bool {
        if fingerprint != self.fingerprint {
            *self = Self::new(now, fingerprint, false);
            return false;
        }
        let silent = u64::try_from(now - self.since).unwrap_or(0);
        let stalled = silent >= limit_ms && !self.told;
        self.told |= stalled;
        stalled
    }

    /// Whether it was told of and the job has been silent since.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.told
    }
}

/// From one look to the next, so that a stall is noticed at most a quarter of the limit late, milliseconds.
#[must_use]
pub fn look_every(limit_ms: u64) -> u64 {
    (limit_ms / 4).clamp(250, 600_000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn silence_is_told_of_once_until_the_job_writes() {
        let mut stall = Stall::new(0, 1, false);
        assert!(!stall.look(59_999, 1, 60_000));
        assert!(stall.look(60_000, 1, 60_000));
        assert!(stall.is_told() && !stall.look(200_000, 1, 60_000), "once");
        assert!(!stall.look(210_000, 2, 60_000), "it writes again");
        assert!(!stall.look(269_000, 2, 60_000));
        assert!(stall.look(270_000, 2, 60_000));
        assert!(!Stall::new(0, 7, true).look(1 << 40, 7, 60_000), "a restart does not tell again");
    }

    proptest! {
        #[test]
        fn a_job_that_writes_often_enough_never_stalls(
            gaps in prop::collection::vec(1_i64..60_000, 1..100)
        ) {
            let mut stall = Stall::new(0, 0, false);
            let mut now = 0;
            for (number, gap) in gaps.into_iter().enumerate() {
                now += gap;
                prop_assert!(!stall.look(now, number as u64 + 1, 60_000));
            }
        }

        #[test]
        fn every_stall_is_noticed_in_time(limit in 1000_u64..100_000_000) {
            let (mut stall, mut now) = (Stall::new(0, 0, false), 0_i64);
            loop {
                now += i64::try_from(look_every(limit)).expect("small");
                if stall.look(now, 0, limit) {
                    break;
                }
            }
            let late = u64::try_from(now).expect("positive") - limit;
            prop_assert!(late <= look_every(limit));
        }
    }
}
