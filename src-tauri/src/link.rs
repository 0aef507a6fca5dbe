//! The way to the engine: an engine of our own, or the one that has the data folder already.
//!
//! Commands wait while the way is being opened, so the page needs to know nothing of it. When the engine of somebody
//! else stops, this program takes the folder over.

use std::time::Duration;

use athanor_api::command::{Command, GetSettings, ListExperiments, QueueStats};
use athanor_api::wire::{self, ApiError, ErrorCode, Nothing, Push, Section};
use athanor_api::{Home, Host, Mode};
use tokio::sync::watch;

/// Between two tries to open an engine: the first and the longest pause.
const FIRST_RETRY: Duration = Duration::from_millis(500);
const LAST_RETRY: Duration = Duration::from_secs(15);

/// Running jobs are at most as many as the slots.
const ACTIVE_MAX: u32 = 256;

/// What the shell hears from its link.
pub(crate) enum Heard {
    /// The way stands, and this is how things are.
    Opened(Box<Snapshot>),
    /// Something happened.
    Push(Box<Push>),
}

/// How things are when the way is opened.
pub(crate) struct Snapshot {
    pub(crate) settings: wire::Settings,
    pub(crate) stats: wire::QueueStats,
    /// What runs, in the order of the queue.
    pub(crate) active: Vec<wire::Experiment>,
}

#[derive(Clone)]
enum State {
    Opening,
    Open(Host),
    Failed(ApiError),
    Closed,
}

/// The way to the engine of one data folder.
pub(crate) struct Link {
    home: Home,
    state: watch::Sender<State>,
}

impl Link {
    pub(crate) fn new(home: Home) -> Self {
        Self { home, state: watch::Sender::new(State::Opening) }
    }

    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    /// Calls a command by its name; waits while the engine is being opened.
    pub(crate) async fn call_json(&self, method: &str, params: &str) -> Result<String, ApiError> {
        self.host().await?.call_json(method, params).await
    }

    /// Calls a command; waits while the engine is being opened.
    pub(crate) async fn call<C: Command>(&self, input: &C::Input) -> Result<C::Output, ApiError> {
        self.host().await?.call::<C>(input).await
    }

    async fn host(&self) -> Result<Host, ApiError> {
        let mut state = self.state.subscribe();
        let state = state.wait_for(|state| !matches!(state, State::Opening)).await.map_err(|_| closing())?;
        match &*state {
            State::Open(host) => Ok(host.clone()),
            State::Failed(error) => Err(error.clone()),
            State::Opening | State::Closed => Err(closing()),
        }
    }

    /// Opens the way and keeps it open until [`Link::shutdown`]; hands over everything that is heard.
    pub(crate) async fn keep(&self, mut hear: impl FnMut(Heard)) {
        let mut pause = FIRST_RETRY;
        loop {
            match self.follow(&mut hear).await {
                Ok(()) => pause = FIRST_RETRY,
                Err(error) => {
                    tracing::error!(code = ?error.code, %error, "the engine can't be opened");
                    let hopeless = error.code == ErrorCode::NewerDatabase;
                    self.change(State::Failed(error));
                    if hopeless {
                        return;
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LAST_RETRY);
                }
            }
            if self.is_closed() {
                return;
            }
        }
    }

    /// Opens the way and hands over what is heard, until the engine stops.
    async fn follow(&self, hear: &mut impl FnMut(Heard)) -> Result<(), ApiError> {
        let host = Host::open(self.home.clone(), Mode::Window).await?;
        tracing::info!(home = %self.home.root().display(), owner = host.is_owner(), "the engine answers");
        let mut stream = host.listen().await?;
        let snapshot = snapshot(&host).await?;
        if !self.change(State::Open(host.clone())) {
            // Asked to close meanwhile.
            host.shutdown().await;
            return Ok(());
        }
        hear(Heard::Opened(Box::new(snapshot)));
        let mut told = false;
        while let Some(push) = stream.next().await {
            told = matches!(push, Push::EngineStopped {});
            hear(Heard::Push(Box::new(push)));
        }
        if !told {
            hear(Heard::Push(Box::new(Push::EngineStopped {})));
        }
        tracing::info!("the engine stopped");
        self.change(State::Opening);
        Ok(())
    }

    /// Gives the data folder back. Running jobs go on.
    pub(crate) async fn shutdown(&self) {
        let before = self.state.send_replace(State::Closed);
        if let State::Open(host) = before {
            host.shutdown().await;
        }
    }

    fn is_closed(&self) -> bool {
        matches!(*self.state.borrow(), State::Closed)
    }

    /// Whether the engine answers at present.
    pub(crate) fn is_open(&self) -> bool {
        matches!(*self.state.borrow(), State::Open(_))
    }

    /// False if it is closed for good, which nothing changes.
    fn change(&self, to: State) -> bool {
        self.state.send_if_modified(|state| {
            let open = !matches!(state, State::Closed);
            if open {
                *state = to;
            }
            open
        })
    }
}

async fn snapshot(host: &Host) -> Result<Snapshot, ApiError> {
    let active = wire::ListExperiments::first(Section::Active, ACTIVE_MAX);
    Ok(Snapshot {
        settings: host.call::<GetSettings>(&Nothing {}).await?,
        stats: host.call::<QueueStats>(&Nothing {}).await?,
        active: host.call::<ListExperiments>(&active).await?.experiments,
    })
}

fn closing() -> ApiError {
    ApiError::new(ErrorCode::EngineGone, "Athanor is closing")
}
