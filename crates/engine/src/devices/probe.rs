//! Asking what may never answer: a driver that hangs, a file server that is gone.
//!
//! Each such source has a thread of its own, which may be stuck as long as it likes. Whoever asks waits a set time and
//! goes on without; no second question is put while one is open, so nothing piles up.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// A source with a thread of its own. Dropping it ends the thread after its present answer.
pub(super) struct Probe<T> {
    questions: mpsc::Sender<bool>,
    answers: mpsc::Receiver<T>,
    asked: Option<Instant>,
}

impl<T: Send + 'static> Probe<T> {
    /// `make` makes the source on its thread; what it makes answers each question, which says whether to look closely.
    pub(super) fn start<F: FnMut(bool) -> T>(
        name: &str,
        make: impl FnOnce() -> F + Send + 'static,
    ) -> std::io::Result<Self> {
        let (questions, asked) = mpsc::channel();
        let (answer, answers) = mpsc::channel();
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let mut source = make();
            for closely in asked {
                if answer.send(source(closely)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { questions, answers, asked: None })
    }

    /// Asks, unless a question is open already.
    pub(super) fn ask(&mut self, closely: bool) {
        if self.asked.is_none() && self.questions.send(closely).is_ok() {
            self.asked = Some(Instant::now());
        }
    }

    /// The answer to the open question, if it comes within so much time.
    pub(super) fn answer(&mut self, patience: Duration) -> Option<T> {
        self.asked?;
        match self.answers.recv_timeout(patience) {
            Ok(answer) => {
                self.asked = None;
                Some(answer)
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
        }
    }

    /// For how long the open question has waited.
    pub(super) fn silent_for(&self) -> Option<Duration> {
        self.asked.map(|asked| asked.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_does_not_answer_is_waited_for_and_asked_once() {
        let (release, held) = mpsc::channel::<()>();
        let mut asked = 0;
        let mut probe = Probe::start("probe", move || {
            move |closely| {
                let _ = held.recv();
                asked += 1;
                (asked, closely)
            }
        })
        .expect("a thread");
        assert_eq!(probe.answer(Duration::ZERO), None, "nothing was asked");
        for _ in 0..3 {
            probe.ask(true);
            assert_eq!(probe.answer(Duration::from_millis(1)), None);
        }
        assert!(probe.silent_for() >= Some(Duration::from_millis(3)));
        release.send(()).expect("the source waits");
        assert_eq!(probe.answer(Duration::from_secs(60)), Some((1, true)));
        assert_eq!(probe.silent_for(), None);
        release.send(()).expect("the source lives");
        probe.ask(false);
        assert_eq!(probe.answer(Duration::from_secs(60)), Some((2, false)), "it was asked once before");
    }
}
