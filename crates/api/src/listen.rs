//! The stream of pushes of one listener.

use std::sync::Arc;
use std::time::Duration;

use athanor_engine::Engine;
use athanor_engine::bus::Push as Heard;
use athanor_engine::devices::Listening;
use athanor_engine::home::host_name;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::Instant;

use crate::convert;
use crate::handlers;
use crate::wire::Push;

/// Pushes in their order. A listener that falls behind is told to read again; it never holds anybody up.
pub struct Listener {
    engine: Arc<Engine>,
    receiver: Receiver<Heard>,
    host: String,
    /// The machine is sampled for it.
    _listening: Listening,
    /// Where the stream stood when it began; said first.
    hello: Option<u64>,
    /// Events up to here are known to the listener.
    known: u64,
    stopped: bool,
    /// When pushes were last gathered.
    gathered: Option<Instant>,
}

/// From one gathering to the next, at least. Less than a frame of a screen.
const PACE: Duration = Duration::from_millis(10);

/// Pushes gathered at once, at most; far fewer than the bus holds for a slow listener.
const GATHERED_MAX: usize = 128;

impl Listener {
    /// Begins to listen.
    ///
    /// # Errors
    /// The store can't say where the stream stands.
    pub async fn new(engine: Arc<Engine>) -> Result<Self, crate::wire::ApiError> {
        // First listen, then look: an event in between is heard and skipped by its cursor.
        let receiver = engine.bus().listen();
        let known = engine.store().latest_cursor().await?;
        let listening = engine.attention().listen();
        Ok(Self {
            engine,
            receiver,
            host: host_name(),
            _listening: listening,
            hello: Some(known),
            known,
            stopped: false,
            gathered: None,
        })
    }

    /// The pushes that have come since the last call, at least one, as they follow each other within [`PACE`]; none
    /// after the engine has stopped.
    ///
    /// In a quiet queue each push is there at once. When hundreds of jobs end in a second, waking up for each of them
    /// would cost more than the jobs.
    pub async fn gather(&mut self) -> Vec<Push> {
        if let Some(last) = self.gathered {
            tokio::time::sleep_until(last + PACE).await;
        }
        let mut pushes: Vec<Push> = self.next().await.into_iter().collect();
        while pushes.len() < GATHERED_MAX && !self.stopped {
            match self.receiver.try_recv() {
                Ok(heard) => pushes.extend(self.convert(heard).await),
                // Said once only: what was missed must not be passed over here.
                Err(TryRecvError::Lagged(missed)) => pushes.push(self.resync(missed).await),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        self.gathered = Some(Instant::now());
        pushes
    }

    /// The next push; `None` after the engine has stopped.
    pub async fn next(&mut self) -> Option<Push> {
        if let Some(cursor) = self.hello.take() {
            return Some(Push::Hello { cursor });
        }
        while !self.stopped {
            let heard = match self.receiver.recv().await {
                Ok(heard) => heard,
                Err(RecvError::Lagged(missed)) => return Some(self.resync(missed).await),
                Err(RecvError::Closed) => return None,
            };
            if let Some(push) = self.convert(heard).await {
                return Some(push);
            }
        }
        None
    }

    /// The listener has missed pushes: it is told to read again, and nothing twice that it finds then.
    async fn resync(&mut self, missed: u64) -> Push {
        tracing::info!(missed, "a listener was too slow and is told to read again");
        self.known = self.engine.store().latest_cursor().await.unwrap_or(self.known);
        Push::Resync { cursor: self.known }
    }

    async fn convert(&mut self, heard: Heard) -> Option<Push> {
        Some(match heard {
            Heard::Queue { event, .. } if event.cursor <= self.known => return None,
            Heard::Queue { event, experiment, stats } => {
                self.known = event.cursor;
                Push::QueueUpdate {
                    event: event.into(),
                    experiment: experiment.map(|row| Box::new(convert::experiment(&self.engine, *row))),
                    stats: stats.into(),
                }
            }
            Heard::Run { uid, keys, live } => Push::RunUpdate {
                uid,
                keys,
                progress: live.progress.map(Into::into),
                metrics: convert::metrics(live),
            },
            Heard::Runs { uids, structure, revision } => {
                Push::RunsUpdate { uids, structure, revision: revision.unsigned_abs() }
            }
            Heard::Log { uid, attempt, end } => Push::LogAppend { uid, attempt, end },
            Heard::File { uid, path, size } => Push::FileChange { uid, path, size },
            Heard::Device(sample) => {
                let sample = convert::sample(&sample, &self.host, true);
                Push::DeviceUpdate { sample: Box::new(convert::attributed(&self.engine, sample)) }
            }
            Heard::Settings { settings, stats } => {
                Push::SettingsUpdate { settings: settings.into(), stats: stats.into() }
            }
            Heard::Projects(_) => {
                Push::ProjectsUpdate { projects: handlers::all_projects(&self.engine).await.ok()? }
            }
            Heard::Monitor(monitored) => Push::MonitorUpdate { monitor: monitored.into() },
            Heard::Notification { row, unread, alert } => {
                Push::Notification { notification: Box::new((*row).into()), unread, alert }
            }
            Heard::NotificationsRead { ids, unread } => Push::NotificationsRead { ids, unread },
            Heard::Notice(notice) => Push::Notice { notice: notice.into() },
            Heard::Stopped => {
                self.stopped = true;
                Push::EngineStopped {}
            }
        })
    }
}
