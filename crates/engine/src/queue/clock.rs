//! The clock of the queue's task: the system's, or one that a test turns.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

#[cfg(test)]
use tokio::sync::watch;

use crate::home::now_ms;

/// Longest single sleep: after a sleeping laptop or a set clock the moment is computed anew.
const LONGEST: Duration = Duration::from_secs(30);

/// A clock.
#[derive(Debug, Clone, Default)]
pub(crate) enum Clock {
    /// The system's.
    #[default]
    System,
    /// A test's: stands still until it is turned.
    #[cfg(test)]
    Turned(watch::Receiver<i64>),
}

impl Clock {
    /// UTC milliseconds.
    pub fn now(&self) -> i64 {
        match self {
            Self::System => now_ms(),
            #[cfg(test)]
            Self::Turned(hand) => *hand.borrow(),
        }
    }

    /// Waits until a moment has come; for ever if there is none.
    pub fn until(&self, at: Option<i64>) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let Some(at) = at else { return Box::pin(std::future::pending()) };
        Box::pin(async move {
            match self {
                Self::System => loop {
                    let left = at - now_ms();
                    if left <= 0 {
                        return;
                    }
                    let left = Duration::from_millis(left.unsigned_abs());
                    tokio::time::sleep(left.min(LONGEST)).await;
                },
                #[cfg(test)]
                Self::Turned(hand) => {
                    // A hand that is gone never turns again.
                    if hand.clone().wait_for(|now| *now >= at).await.is_err() {
                        std::future::pending::<()>().await;
                    }
                }
            }
        })
    }
}
