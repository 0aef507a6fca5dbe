//! Whether a failed experiment is tried once more, when, and when trying is no longer worth it.
//!
//! The policy says which failures are retried and how long to wait between. The circuit breaker stands above it: what
//! fails at once, again and again, is not tried for ever, however generous the policy is.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::outcome::FailureReason;

/// Which failures are retried, how often and after what delay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryPolicy {
    /// Retries at most, the first attempt not counted. 0 retries nothing.
    pub limit: u32,
    /// Milliseconds before the first retry.
    pub delay_ms: u64,
    /// What the delay is multiplied with from one retry to the next, at least 1.
    pub factor: f64,
    /// Milliseconds that no delay exceeds.
    pub max_delay_ms: u64,
    /// The failures that are retried; all others end the experiment.
    pub reasons: Vec<FailureReason>,
}

/// What stands when nothing was asked for: an attempt that vanished is tried again, up to three times.
impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            limit: 3,
            delay_ms: 30_000,
            factor: 2.0,
            max_delay_ms: 3_600_000,
            reasons: vec![FailureReason::Lost],
        }
    }
}

/// Why a policy is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct Fault {
    /// The field of [`RetryPolicy`] that is at fault.
    pub field: &'static str,
    /// What was given and what is possible, in a sentence.
    pub message: String,
}

impl RetryPolicy {
    /// Retries that can be asked for at most.
    pub const MOST: u32 = 1000;

    /// Delay that can be asked for at most, in milliseconds: 30 days.
    pub const LONGEST_MS: u64 = 30 * 86_400_000;

    /// The policy of a user who asked for a number of retries and nothing else: whatever may go better the next time
    /// is tried again. A time limit, a full disk and a failed dependency would only come to the same end.
    #[must_use]
    pub fn with_limit(limit: u32) -> Self {
        Self {
            limit,
            reasons: vec![
                FailureReason::ExitCode,
                FailureReason::Signal,
                FailureReason::OutOfMemory,
                FailureReason::CouldNotStart,
                FailureReason::Lost,
            ],
            ..Self::default()
        }
    }

    /// Whether the policy can be followed.
    ///
    /// # Errors
    /// [`Fault`] with the first field that is out of range.
    pub fn validate(&self) -> Result<(), Fault> {
        let fault = |field, message| Err(Fault { field, message });
        if self.limit > Self::MOST {
            return fault("limit", format!("{} retries are too many: at most {}.", self.limit, Self::MOST));
        }
        if !(self.factor >= 1.0 && self.factor <= 100.0) {
            return fault(
                "factor",
                format!(
                    "The factor between delays is {}: it lies between 1 and 100, such as 2.",
                    self.factor
                ),
            );
        }
        if self.max_delay_ms > Self::LONGEST_MS {
            return fault("max_delay_ms", "A delay of more than 30 days is too long.".into());
        }
        if self.delay_ms > self.max_delay_ms {
            return fault(
                "delay_ms",
                format!(
                    "The first delay ({} ms) is longer than the longest one ({} ms).",
                    self.delay_ms, self.max_delay_ms
                ),
            );
        }
        if self.limit > 0 && self.reasons.is_empty() {
            return fault(
                "reasons",
                "No failure is named that is to be retried. Name one, such as exit_code, or ask for 0 retries."
                    .into(),
            );
        }
        Ok(())
    }

    /// Milliseconds before the retry that follows `used` earlier ones: `delay_ms` · `factor`^`used`, at most
    /// `max_delay_ms`. It never shrinks as `used` grows, also for a policy that was not validated.
    #[must_use]
    pub fn delay(&self, used: u32) -> u64 {
        let cap = to_float(self.max_delay_ms);
        let mut delay = to_float(self.delay_ms);
        // Step by step rather than by a power: each product is at least as large as the one before, also when rounded.
        if self.factor > 1.0 && delay > 0.0 {
            for _ in 0..used.min(Self::MOST) {
                if delay >= cap {
                    break;
                }
                delay *= self.factor;
            }
        }
        if delay >= cap { self.max_delay_ms } else { to_ms(delay) }
    }
}

#[allow(clippy::cast_precision_loss, reason = "a delay above 2^53 ms is cut to the longest one anyway")]
fn to_float(ms: u64) -> f64 {
    ms as f64
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value is finite, not negative, and below max_delay_ms; a cast from f64 saturates"
)]
fn to_ms(delay: f64) -> u64 {
    delay as u64
}

/// How an attempt ended, as far as the circuit breaker is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptEnd {
    /// Its process could not be started.
    NotStarted,
    /// It ended with exit code 0.
    Succeeded,
    /// It ended otherwise, this many milliseconds after its process started.
    Failed {
        /// From the start of the process to its end.
        lived_ms: u64,
    },
    /// It ended because somebody asked for it; that says nothing about the next one.
    Cancelled,
}

/// Counts attempts in a row that came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Breaker {
    /// Attempts in a row that could not be started or died at once.
    pub strikes: u32,
}

impl Breaker {
    /// Strikes at which the experiment is blocked.
    pub const LIMIT: u32 = 5;

    /// An attempt that fails within this time died at once, in milliseconds.
    pub const AT_ONCE_MS: u64 = 10_000;

    /// The breaker after one more attempt.
    #[must_use]
    pub fn after(self, end: AttemptEnd) -> Self {
        let strikes = match end {
            AttemptEnd::NotStarted => self.strikes.saturating_add(1),
            AttemptEnd::Failed { lived_ms } if lived_ms <= Self::AT_ONCE_MS => self.strikes.saturating_add(1),
            AttemptEnd::Cancelled => self.strikes,
            AttemptEnd::Succeeded | AttemptEnd::Failed { .. } => 0,
        };
        Self { strikes }
    }

    /// Whether nothing is started any more until the user clears it.
    #[must_use]
    pub fn blocks(self) -> bool {
        self.strikes >= Self::LIMIT
    }
}

/// What becomes of a failed experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It runs once more.
    Retry {
        /// Milliseconds from now before which it does not start.
        after_ms: u64,
    },
    /// It stays failed.
    GiveUp {
        /// Why.
        why: GiveUp,
    },
}

/// Why there is no further retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GiveUp {
    /// The policy does not retry this failure.
    NotAReason,
    /// All retries are used.
    Exhausted,
    /// The circuit breaker is open.
    Blocked,
}

/// Whether an experiment that failed for `reason` after `used` retries runs once more. `breaker` already counts the
/// attempt that failed.
///
/// - An open circuit breaker comes first: the user has to look at it, whatever the policy says.
/// - Then the reason, so that “no retries left” is only said of what would have been retried.
#[must_use]
pub fn decide(policy: &RetryPolicy, reason: FailureReason, used: u32, breaker: Breaker) -> Verdict {
    let why = if breaker.blocks() {
        GiveUp::Blocked
    } else if !policy.reasons.contains(&reason) {
        GiveUp::NotAReason
    } else if used >= policy.limit {
        GiveUp::Exhausted
    } else {
        return Verdict::Retry { after_ms: policy.delay(used) };
    };
    Verdict::GiveUp { why }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn gives_up(why: GiveUp) -> Verdict {
        Verdict::GiveUp { why }
    }

    #[test]
    fn by_default_only_what_vanished_is_retried() {
        let policy = RetryPolicy::default();
        let calm = Breaker::default();
        assert_eq!(decide(&policy, FailureReason::Lost, 0, calm), Verdict::Retry { after_ms: 30_000 });
        assert_eq!(decide(&policy, FailureReason::Lost, 2, calm), Verdict::Retry { after_ms: 120_000 });
        assert_eq!(decide(&policy, FailureReason::Lost, 3, calm), gives_up(GiveUp::Exhausted));
        assert_eq!(decide(&policy, FailureReason::ExitCode, 0, calm), gives_up(GiveUp::NotAReason));
    }

    #[test]
    fn a_number_of_retries_covers_what_may_go_better() {
        let policy = RetryPolicy::with_limit(1);
        for reason in FailureReason::ALL {
            let hopeless = matches!(
                reason,
                FailureReason::TimeLimit | FailureReason::DependencyFailed | FailureReason::DiskFull
            );
            let expected = if hopeless {
                gives_up(GiveUp::NotAReason)
            } else {
                Verdict::Retry { after_ms: policy.delay_ms }
            };
            assert_eq!(decide(&policy, reason, 0, Breaker::default()), expected, "{reason:?}");
        }
        assert_eq!(
            decide(&policy, FailureReason::ExitCode, 1, Breaker::default()),
            gives_up(GiveUp::Exhausted)
        );
    }

    #[test]
    fn only_an_attempt_that_lives_or_succeeds_clears_the_strikes() {
        let three = Breaker { strikes: 3 };
        for (end, strikes) in [
            (AttemptEnd::NotStarted, 4),
            (AttemptEnd::Failed { lived_ms: 0 }, 4),
            (AttemptEnd::Failed { lived_ms: 10_000 }, 4),
            (AttemptEnd::Failed { lived_ms: 10_001 }, 0),
            (AttemptEnd::Succeeded, 0),
            (AttemptEnd::Cancelled, 3),
        ] {
            assert_eq!(three.after(end).strikes, strikes, "{end:?}");
        }
    }

    #[test]
    fn faults_name_their_field() {
        let good = RetryPolicy::default();
        assert_eq!(good.validate(), Ok(()));
        assert_eq!(RetryPolicy::with_limit(0).validate(), Ok(()));
        for (policy, field) in [
            (RetryPolicy { limit: 1001, ..good.clone() }, "limit"),
            (RetryPolicy { factor: 0.5, ..good.clone() }, "factor"),
            (RetryPolicy { factor: f64::NAN, ..good.clone() }, "factor"),
            (RetryPolicy { factor: f64::INFINITY, ..good.clone() }, "factor"),
            (RetryPolicy { max_delay_ms: u64::MAX, ..good.clone() }, "max_delay_ms"),
            (RetryPolicy { delay_ms: 4_000_000, ..good.clone() }, "delay_ms"),
            (RetryPolicy { reasons: vec![], ..good.clone() }, "reasons"),
        ] {
            assert_eq!(policy.validate().map_err(|fault| fault.field), Err(field));
        }
    }

    #[test]
    fn what_is_left_out_of_a_stored_policy_has_its_default() {
        let policy: RetryPolicy = serde_json::from_str(r#"{"limit":7,"reasons":["exit_code"]}"#).unwrap();
        assert_eq!((policy.limit, policy.delay_ms), (7, 30_000));
        assert!(serde_json::from_str::<RetryPolicy>(r#"{"limits":7}"#).is_err());
    }

    fn end() -> impl Strategy<Value = AttemptEnd> {
        prop_oneof![
            2 => Just(AttemptEnd::NotStarted),
            3 => (0u64..20_000).prop_map(|lived_ms| AttemptEnd::Failed { lived_ms }),
            1 => Just(AttemptEnd::Succeeded),
            1 => Just(AttemptEnd::Cancelled),
        ]
    }

    fn any_policy() -> impl Strategy<Value = RetryPolicy> {
        (
            0u32..2000,
            any::<u64>(),
            prop_oneof![1.0f64..3.0, any::<f64>()],
            any::<u64>(),
            prop::collection::vec(prop::sample::select(&FailureReason::ALL[..]), 0..9),
        )
            .prop_map(|(limit, delay_ms, factor, max_delay_ms, reasons)| RetryPolicy {
                limit,
                delay_ms,
                factor,
                max_delay_ms,
                reasons,
            })
    }

    proptest! {
        #[test]
        fn retries_are_counted_and_delays_grow_up_to_their_cap(
            policy in any_policy(), reason in prop::sample::select(&FailureReason::ALL[..]),
        ) {
            let mut used = 0;
            let mut last = 0;
            while let Verdict::Retry { after_ms } = decide(&policy, reason, used, Breaker::default()) {
                prop_assert!(after_ms >= last, "the delay shrank from {} to {}", last, after_ms);
                prop_assert!(after_ms <= policy.max_delay_ms);
                last = after_ms;
                used += 1;
                prop_assert!(used <= policy.limit, "more than {} retries", policy.limit);
            }
            prop_assert_eq!(used, if policy.reasons.contains(&reason) { policy.limit } else { 0 });
            prop_assert!(policy.delay(u32::MAX) >= last);
        }

        #[test]
        fn the_fifth_strike_in_a_row_blocks_and_no_earlier_one(ends in prop::collection::vec(end(), 0..40)) {
            let mut breaker = Breaker::default();
            let mut row = 0u32;
            for end in ends {
                breaker = breaker.after(end);
                row = match end {
                    AttemptEnd::NotStarted => row + 1,
                    AttemptEnd::Failed { lived_ms } => if lived_ms <= 10_000 { row + 1 } else { 0 },
                    AttemptEnd::Succeeded => 0,
                    AttemptEnd::Cancelled => row,
                };
                prop_assert_eq!(breaker.blocks(), row >= 5);
                let verdict = decide(&RetryPolicy::with_limit(1000), FailureReason::ExitCode, 0, breaker);
                prop_assert_eq!(verdict == gives_up(GiveUp::Blocked), row >= 5);
            }
        }
    }
}
