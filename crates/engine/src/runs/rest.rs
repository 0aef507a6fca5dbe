//! How long a watch folder is left alone after a look, so that looking takes a small part of the time.

use std::time::Duration;

use tokio::time::Instant;

/// After a look so many times as long as it took is left free before the next.
pub(super) const REST: u32 = 10;

/// A look through everything says little of what the look at a change costs: that one waits no longer than this.
const LONGEST: Duration = Duration::from_secs(1);

/// Until when a watch folder is left alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rest {
    /// By looks at changes.
    changes: Instant,
    /// By looks through everything.
    whole: Instant,
}

impl Rest {
    /// It may be looked at now.
    pub fn none(now: Instant) -> Self {
        Self { changes: now, whole: now }
    }

    /// Nothing is looked at for so long.
    pub fn of(now: Instant, wait: Duration) -> Self {
        Self::none(now + wait)
    }

    /// After a look that took so long, through everything or at a change.
    pub fn after(self, now: Instant, whole: bool, took: Duration) -> Self {
        let rest = took * REST;
        match whole {
            true => Self { changes: now + rest.min(LONGEST), whole: now + rest },
            false => Self { changes: now + rest, ..self },
        }
    }

    /// How long a look has to wait.
    pub fn left(&self, now: Instant, whole: bool) -> Duration {
        let until = if whole { self.whole.max(self.changes) } else { self.changes };
        until.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_change_does_not_wait_for_what_a_look_through_everything_took() {
        let now = Instant::now();
        let first = Rest::none(now).after(now, true, 8 * SECOND);
        assert_eq!(first.left(now, false), LONGEST);
        assert_eq!(first.left(now, true), 80 * SECOND);
        let then = now + 2 * SECOND;
        let second = first.after(then, false, SECOND / 10);
        assert_eq!(second.left(then, false), SECOND, "ten times what it took itself");
        assert_eq!(second.left(then, true), 78 * SECOND);
        assert_eq!(Rest::of(now, SECOND).left(now + 3 * SECOND, true), Duration::ZERO);
    }
}
