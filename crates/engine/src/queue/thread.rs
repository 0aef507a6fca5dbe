//! The thread of the queue's task and of those that wait for supervisors.
//!
//! On its way from one short job to the next the queue hears of an end, writes to the store and asks for a supervisor.
//! On one thread that is one turn; spread over the workers of a runtime, each step wakes another thread, which costs
//! more than the step. So in here a folder is made in place, too: it takes less time than handing that over.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, RwLock};
use std::thread::JoinHandle;

use tokio::runtime;
use tokio::sync::{mpsc, oneshot};

use super::view::View;
use super::{Message, Parts, actor};
use crate::bus::{Bus, Notice, NoticeLevel, Push};
use crate::error::{Error, ErrorKind, Result};

/// The thread. Dropping it ends it: what it is at is left where it stands, and what runs goes on under its supervisors.
#[derive(Debug)]
pub(super) struct Thread {
    /// Closed to have it end.
    wanted: Option<oneshot::Sender<()>>,
    handle: Option<JoinHandle<()>>,
}

impl Thread {
    /// Starts the thread, and returns once the queue has recovered.
    ///
    /// # Errors
    /// The store refuses, or the system has no room for another thread.
    pub async fn start(
        parts: Parts,
        view: Arc<RwLock<View>>,
        sender: mpsc::UnboundedSender<Message>,
        receiver: mpsc::UnboundedReceiver<Message>,
    ) -> Result<Self> {
        let failed = |cause: std::io::Error| {
            Error::new(ErrorKind::Internal, format!("the queue could not be started: {cause}"))
                .hint("The system may be out of threads or descriptors; try again when it has some.")
        };
        let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let (wanted, unwanted) = oneshot::channel::<()>();
        let (ready, started) = oneshot::channel();
        let bus = parts.bus.clone();
        let works = async move {
            match actor::recovered(parts, view, sender).await {
                Ok(actor) => {
                    let _ = ready.send(Ok(()));
                    actor.work(receiver).await;
                }
                Err(error) => drop(ready.send(Err(error))),
            }
        };
        let until_unwanted = async move {
            tokio::select! {
                () = works => {}
                _ = unwanted => {}
            }
        };
        let body = move || {
            let done = std::panic::catch_unwind(AssertUnwindSafe(|| runtime.block_on(until_unwanted)));
            if done.is_err() {
                say_that_it_broke(&bus);
            }
            // Without waiting for what blocks on a file system or a child.
            runtime.shutdown_background();
        };
        let handle = std::thread::Builder::new().name("queue".into()).spawn(body).map_err(failed)?;
        let thread = Self { wanted: Some(wanted), handle: Some(handle) };
        let broke =
            |_| Error::new(ErrorKind::Internal, "the queue broke while it looked at earlier attempts");
        started.await.map_err(broke)??;
        Ok(thread)
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        // Gone before the data folder is given back: whoever takes that next must be the only one to write. It ends at
        // its next pause, and waits for nothing of ours until then.
        drop(self.wanted.take());
        if let Some(handle) = self.handle.take() {
            let _ = handle.join();
        }
    }
}

/// A fault of the program's own ended the queue. Who asks it something from now on hears that it is stopping.
fn say_that_it_broke(bus: &Bus) {
    tracing::error!("the queue broke; it starts nothing more until the engine is started again");
    bus.publish(Push::Notice(Notice {
        level: NoticeLevel::Error,
        title: "The queue has stopped".into(),
        message: "A fault of the program itself ended it; the log in the data folder has the details. Jobs that run \
                  go on, and nothing is lost. Start Athanor again."
            .into(),
    }));
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use athanor_core::dependency::Condition;
    use athanor_core::experiment::JobCommand;
    use tokio::sync::watch;

    use crate::home::Home;
    use crate::queue::{Action, Clock, Hands, NewExperiment, Parent, Prepared, Queue};
    use crate::seal::Sealer;
    use crate::store::Store;

    use super::*;

    async fn parts() -> (tempfile::TempDir, Parts) {
        let dir = tempfile::tempdir().expect("temporary folder");
        let home = Home::at(dir.path());
        home.create().expect("folders");
        let parts = Parts {
            store: Store::open(&home).await.expect("opens").store,
            bus: Bus::default(),
            sealer: Arc::new(Sealer::open(&home.key()).expect("a key")),
            hands: Hands::None,
            monitor: mpsc::unbounded_channel().0,
            machine: watch::channel(None).1,
            clock: Clock::System,
            home,
        };
        (dir, parts)
    }

    async fn queue() -> (tempfile::TempDir, Bus, Queue) {
        let (dir, parts) = parts().await;
        let bus = parts.bus.clone();
        (dir, bus, Queue::start(parts).await.expect("starts"))
    }

    fn job(after: Vec<Parent>) -> Prepared {
        Prepared {
            new: NewExperiment::new(JobCommand::Argv(vec!["true".into()]), "/"),
            name: "job".into(),
            environment_hash: [0; 16],
            sealed: Vec::new().into(),
            config_text: None,
            after,
        }
    }

    /// Whoever reads that nothing is left to be done reads in the store next how it ended.
    #[tokio::test]
    async fn what_is_not_committed_is_not_counted() {
        let (_dir, parts) = parts().await;
        let (store, view) = (parts.store.clone(), Arc::new(RwLock::new(View::new(false))));
        let mut actor =
            actor::recovered(parts, view.clone(), mpsc::unbounded_channel().0).await.expect("ready");
        let add = || Message::Add {
            prepared: vec![job(Vec::new())],
            groups: Vec::new(),
            reply: tokio::sync::oneshot::channel().0,
        };
        let mut tx = store.begin().await.expect("a transaction");
        actor.apply(&mut tx, &add()).await.expect("applied");
        assert_eq!(crate::queue::read(&view).stats().counts.total(), 0);
        drop(tx);
        actor.rebuild().await;
        actor.decide(vec![add()]).await;
        assert_eq!(crate::queue::read(&view).stats().counts.total(), 1);
    }

    #[tokio::test]
    async fn a_queue_that_is_dropped_has_ended() {
        let (_dir, _bus, queue) = queue().await;
        let sender = queue.sender.clone();
        let other = queue.clone();
        drop(queue);
        other.act(Action::Hold, Vec::new()).await.expect("it works for as long as somebody has it");
        drop(other);
        assert!(sender.is_closed(), "nobody is left to decide anything");
    }

    #[tokio::test]
    async fn a_queue_that_breaks_says_so_and_answers() {
        let (_dir, bus, queue) = queue().await;
        let mut heard = bus.listen();
        // There is no ninth one in this call, which whoever checks it would have noticed.
        let broken = job(vec![Parent::Earlier { place: 9, when: Condition::Any }]);
        let error = queue.add(vec![broken], Vec::new()).await.expect_err("it breaks");
        assert_eq!(error.kind(), ErrorKind::Stopping);
        let told = tokio::time::timeout(Duration::from_secs(20), heard.recv()).await;
        let Ok(Ok(Push::Notice(notice))) = told else { panic!("nobody was told: {told:?}") };
        assert_eq!(notice.level, NoticeLevel::Error);
        let error = queue.act(Action::Hold, Vec::new()).await.expect_err("it is gone");
        assert_eq!(error.kind(), ErrorKind::Stopping);
    }
}
