//! How much anybody wants to know of the machine: it sets the pace of the samples.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

/// From one sample to the next while somebody looks, or a job runs.
pub const LIVE: Duration = Duration::from_secs(1);

/// From one sample to the next while there are listeners, but nobody looks: a hidden window, a tray.
pub const HEARD: Duration = Duration::from_secs(5);

/// From one sample to the next while nobody cares.
pub const IDLE: Duration = Duration::from_secs(10);

/// The longest time that one word of interest counts for.
pub const LONGEST_LOOK: Duration = Duration::from_secs(120);

/// Who is interested in the machine. Clones share what they know.
#[derive(Debug, Clone, Default)]
pub struct Attention(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    listeners: usize,
    looked_at_until: Option<Instant>,
    busy: bool,
    waker: Option<mpsc::Sender<()>>,
    over: bool,
    hurried: bool,
}

/// Somebody listens to the samples as long as this lives.
#[derive(Debug)]
pub struct Listening(Attention);

impl Attention {
    /// Somebody listens from now on.
    #[must_use]
    pub fn listen(&self) -> Listening {
        self.inner().listeners += 1;
        self.wake();
        Listening(self.clone())
    }

    /// Somebody looks at the machine, and will for so long unless told again; at most for [`LONGEST_LOOK`].
    pub fn look(&self, time: Duration) {
        let until = Instant::now() + time.min(LONGEST_LOOK);
        let mut inner = self.inner();
        let live = inner.is_looked_at();
        inner.looked_at_until = inner.looked_at_until.max(Some(until));
        drop(inner);
        if !live {
            self.wake();
        }
    }

    /// A sample is due now, whatever the pace.
    pub fn hurry(&self) {
        self.inner().hurried = true;
        self.wake();
    }

    /// Whether a sample was asked for since it was last asked whether one was.
    pub(super) fn take_hurry(&self) -> bool {
        std::mem::take(&mut self.inner().hurried)
    }

    /// Whether jobs run.
    pub fn set_busy(&self, busy: bool) {
        let was = std::mem::replace(&mut self.inner().busy, busy);
        if busy && !was {
            self.wake();
        }
    }

    /// Whether somebody looks.
    #[must_use]
    pub fn is_looked_at(&self) -> bool {
        self.inner().is_looked_at()
    }

    /// From one sample to the next.
    #[must_use]
    pub fn pace(&self) -> Duration {
        let inner = self.inner();
        if inner.is_looked_at() || inner.busy {
            LIVE
        } else if inner.listeners > 0 {
            HEARD
        } else {
            IDLE
        }
    }

    /// Where to say that the pace may have changed.
    pub(super) fn wake_through(&self, waker: mpsc::Sender<()>) {
        self.inner().waker = Some(waker);
    }

    /// Nobody samples any more.
    pub(super) fn end(&self) {
        let mut inner = self.inner();
        inner.waker = None;
        inner.over = true;
    }

    /// Whether nobody samples any more.
    pub(super) fn is_over(&self) -> bool {
        self.inner().over
    }

    fn wake(&self) {
        if let Some(waker) = &self.inner().waker {
            // A sampler that has ended needs no waking.
            let _ = waker.send(());
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn is_looked_at(&self) -> bool {
        self.looked_at_until.is_some_and(|until| Instant::now() < until)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.inner().listeners -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_follows_the_interest() {
        let attention = Attention::default();
        let (waker, woken) = mpsc::channel();
        attention.wake_through(waker);
        assert_eq!(attention.pace(), IDLE);
        let listening = attention.listen();
        assert_eq!(attention.pace(), HEARD);
        attention.look(Duration::from_secs(60));
        attention.look(Duration::ZERO);
        assert_eq!(attention.pace(), LIVE, "a shorter look does not end a longer one");
        assert_eq!(woken.try_iter().count(), 2, "who listens, and who looks first");
        let attention = Attention::default();
        attention.set_busy(true);
        assert_eq!(attention.pace(), LIVE);
        attention.set_busy(false);
        assert_eq!(attention.pace(), IDLE);
        attention.look(Duration::ZERO);
        assert_eq!(attention.pace(), IDLE, "that look is over");
        drop(listening);
    }
}
