//! The life of an experiment: its statuses, what may move it, and where to.
//!
//! [`TABLE`] is the only place that knows which move is allowed. The store, the queue, the command line and the
//! window all go through [`Status::after`], so an experiment can't be put into a state that the table does not
//! lead to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where an experiment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Accepted, not yet eligible: a dependency, a schedule or a hold stands in the way.
    Pending,
    /// Eligible, waiting for resources.
    Queued,
    /// Its process runs.
    Running,
    /// Its process group is stopped; what it holds stays taken.
    Paused,
    /// Ended with exit code 0.
    Completed,
    /// Ended in any other way that the user did not ask for.
    Failed,
    /// Ended because the user or a policy asked for it.
    Cancelled,
    /// Its deadline to start passed.
    Expired,
}

/// What may happen to an experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Move {
    /// What stood in the way is gone.
    Release,
    /// Something stands in the way again: a hold, or a dependency that was reopened.
    Hold,
    /// An attempt was recorded and its supervisor is being started.
    Start,
    /// The attempt turned out never to have started (the engine died in between): back into the queue.
    Void,
    /// The process group was stopped.
    Pause,
    /// The process group goes on.
    Resume,
    /// The attempt ended with exit code 0.
    Succeed,
    /// The attempt ended otherwise, or could not be started, or a dependency failed.
    Fail,
    /// The user or a policy ended it.
    Cancel,
    /// The deadline to start passed.
    Expire,
    /// It is to run once more.
    Requeue,
}

use Move::{Cancel, Expire, Fail, Hold, Pause, Release, Requeue, Resume, Start, Succeed, Void};
use Status::{Cancelled, Completed, Expired, Failed, Paused, Pending, Queued, Running};

/// Every legal transition: from, by, to.
///
/// - The pause of a waiting experiment is a `Hold`: from `queued` it goes to `pending`; a `pending` one stays, with one
///   thing more in its way.
/// - A retry by policy is a `Requeue` out of `running` or `paused`, and a `Hold` after it for the delay.
/// - A retry by the user is a `Requeue` out of `failed`, `cancelled` or `expired`, and a `Hold` where a dependency or a
///   schedule is in the way again.
pub const TABLE: &[(Status, Move, Status)] = &[
    (Pending, Release, Queued),
    (Pending, Hold, Pending),
    (Pending, Cancel, Cancelled),
    (Pending, Fail, Failed),
    (Pending, Expire, Expired),
    (Queued, Hold, Pending),
    (Queued, Start, Running),
    (Queued, Cancel, Cancelled),
    (Queued, Fail, Failed),
    (Queued, Expire, Expired),
    (Running, Void, Queued),
    (Running, Pause, Paused),
    (Running, Succeed, Completed),
    (Running, Fail, Failed),
    (Running, Cancel, Cancelled),
    (Running, Requeue, Queued),
    (Paused, Resume, Running),
    (Paused, Succeed, Completed),
    (Paused, Fail, Failed),
    (Paused, Cancel, Cancelled),
    (Paused, Requeue, Queued),
    (Failed, Requeue, Queued),
    (Cancelled, Requeue, Queued),
    (Expired, Requeue, Queued),
];

impl Status {
    /// All statuses, in the order of an experiment's life.
    pub const ALL: [Self; 8] = [Pending, Queued, Running, Paused, Completed, Failed, Cancelled, Expired];

    /// The status after `by`.
    ///
    /// # Errors
    /// [`IllegalMove`], which names the present status and what is allowed from it.
    pub fn after(self, by: Move) -> Result<Self, IllegalMove> {
        TABLE
            .iter()
            .find(|(from, allowed, _)| *from == self && *allowed == by)
            .map(|(_, _, to)| *to)
            .ok_or(IllegalMove { from: self, by })
    }

    /// Whether nothing happens any more unless the user asks for it.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, Completed | Failed | Cancelled | Expired)
    }

    /// Whether an attempt is under way.
    #[must_use]
    pub fn is_active(self) -> bool {
        matches!(self, Running | Paused)
    }

    /// The word in the store, on the wire and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Pending => "pending",
            Queued => "queued",
            Running => "running",
            Paused => "paused",
            Completed => "completed",
            Failed => "failed",
            Cancelled => "cancelled",
            Expired => "expired",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Status {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == word)
            .ok_or_else(|| format!("unknown status “{word}”"))
    }
}

/// A move that the table does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IllegalMove {
    /// Where the experiment stands.
    pub from: Status,
    /// What was asked.
    pub by: Move,
}

impl IllegalMove {
    /// What could be asked instead.
    pub fn allowed(&self) -> impl Iterator<Item = Move> + use<> {
        let from = self.from;
        TABLE.iter().filter(move |(status, _, _)| *status == from).map(|(_, by, _)| *by)
    }
}

impl fmt::Display for IllegalMove {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not possible for a {} experiment", verb(self.by), self.from)?;
        // Only what a person can ask for helps them on; the others are the engine's own.
        let asked: Vec<&str> = self
            .allowed()
            .filter(|by| matches!(by, Hold | Pause | Resume | Cancel | Requeue))
            .map(verb)
            .collect();
        match asked.as_slice() {
            [] => Ok(()),
            words => write!(f, "; possible now: {}", words.join(", ")),
        }
    }
}

impl std::error::Error for IllegalMove {}

fn verb(by: Move) -> &'static str {
    match by {
        Release => "release",
        Hold => "hold",
        Start => "start",
        Void => "void",
        Pause => "pause",
        Resume => "resume",
        Succeed => "succeed",
        Fail => "fail",
        Cancel => "cancel",
        Expire => "expire",
        Requeue => "retry",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    const MOVES: [Move; 11] =
        [Release, Hold, Start, Void, Pause, Resume, Succeed, Fail, Cancel, Expire, Requeue];

    #[test]
    fn a_move_leads_to_one_place_only() {
        let mut seen = HashSet::new();
        for (from, by, _) in TABLE {
            assert!(seen.insert((from, by)), "{from} by {by:?} stands twice in the table");
        }
    }

    /// Every status that some sequence of moves leads to from `from`, itself included.
    fn reachable(from: Status) -> HashSet<Status> {
        let mut found = HashSet::from([from]);
        loop {
            let more: Vec<Status> = TABLE
                .iter()
                .filter(|(from, _, to)| found.contains(from) && !found.contains(to))
                .map(|(_, _, to)| *to)
                .collect();
            if more.is_empty() {
                return found;
            }
            found.extend(more);
        }
    }

    #[test]
    fn every_status_is_reached_and_none_is_a_dead_end() {
        assert_eq!(reachable(Pending).len(), Status::ALL.len(), "all of them from the first one");
        for status in Status::ALL.into_iter().filter(|status| !status.is_terminal()) {
            for end in Status::ALL.into_iter().filter(|status| status.is_terminal()) {
                assert!(reachable(status).contains(&end), "{status} can come to be {end}");
            }
        }
    }

    #[test]
    fn each_status_can_be_cancelled_or_has_ended() {
        for status in Status::ALL {
            assert_eq!(status.after(Cancel).is_ok(), !status.is_terminal(), "{status}");
        }
    }

    #[test]
    fn what_the_queue_needs_is_there() {
        for (what, from, moves, to) in [
            ("pause of a queued one", Queued, &[Hold][..], Pending),
            ("pause of a pending one", Pending, &[Hold], Pending),
            ("its resumption", Pending, &[Release], Queued),
            ("pause and resumption of a running one", Running, &[Pause, Resume], Running),
            ("a retry with a delay", Running, &[Requeue, Hold, Release, Start], Running),
            ("a retry of a paused one that was lost", Paused, &[Requeue, Hold], Pending),
            ("an attempt that never started", Running, &[Void], Queued),
            ("a window that closes", Queued, &[Hold, Release], Queued),
            ("a dependency that failed", Pending, &[Fail], Failed),
            ("a deadline that passed behind a dependency", Pending, &[Expire], Expired),
            ("a deadline that passed for want of resources", Queued, &[Expire], Expired),
            ("the user's retry of a failed one", Failed, &[Requeue], Queued),
            ("the user's retry of a cancelled one", Cancelled, &[Requeue, Start], Running),
            ("the user's retry of an expired one, at night", Expired, &[Requeue, Hold], Pending),
        ] {
            let end = moves.iter().try_fold(from, |status, by| status.after(*by));
            assert_eq!(end, Ok(to), "{what}");
        }
    }

    #[test]
    fn only_a_retry_leaves_a_terminal_status_and_nothing_leaves_completed() {
        for (from, by, _) in TABLE.iter().filter(|(from, _, _)| from.is_terminal()) {
            assert_eq!(*by, Requeue, "{from}");
            assert_ne!(*from, Completed, "a completed experiment is repeated as a new one");
        }
    }

    #[test]
    fn the_error_names_the_present_status_and_the_way_on() {
        let error = Completed.after(Cancel).expect_err("a completed experiment can't be cancelled");
        assert_eq!(error.to_string(), "cancel is not possible for a completed experiment");
        let error = Queued.after(Pause).expect_err("a waiting experiment has nothing to stop");
        assert_eq!(
            error.to_string(),
            "pause is not possible for a queued experiment; possible now: hold, cancel"
        );
    }

    #[test]
    fn words_and_statuses_are_one_to_one() {
        for status in Status::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
    }

    proptest! {
        #[test]
        fn random_moves_follow_the_table_and_refusals_say_what_is_allowed(
            moves in prop::collection::vec(prop::sample::select(&MOVES[..]), 0..200),
        ) {
            let mut status = Pending;
            for by in moves {
                match status.after(by) {
                    Ok(next) => {
                        prop_assert!(TABLE.contains(&(status, by, next)));
                        prop_assert!(!status.is_terminal() || by == Requeue, "{status} was left by {by:?}");
                        prop_assert!(!next.is_active() || status.is_active() || by == Start);
                        status = next;
                    }
                    Err(error) => {
                        prop_assert!(error.allowed().all(|allowed| status.after(allowed).is_ok()));
                        prop_assert!(error.allowed().all(|allowed| allowed != by));
                    }
                }
            }
        }

        #[test]
        fn no_sequence_of_moves_runs_without_a_start(moves in prop::collection::vec(prop::sample::select(&MOVES[..]), 0..60)) {
            let mut status = Pending;
            let mut started = false;
            for by in moves {
                let before = status;
                match status.after(by) {
                    Ok(next) => status = next,
                    Err(error) => {
                        prop_assert_eq!(error.from, before, "a refused move names where the experiment stands");
                        continue;
                    }
                }
                started = if by == Start { true } else { started && status.is_active() };
                prop_assert_eq!(status.is_active(), started, "only Start makes an experiment active");
                if status == Completed {
                    prop_assert_eq!(by, Succeed, "only success completes");
                }
            }
        }
    }
}
