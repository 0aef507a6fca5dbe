//! Where commands go: to an engine of our own, or to the one that has the data folder already.

use std::sync::Arc;
use std::time::Duration;

use athanor_engine::{Engine, ErrorKind, Home, Mode};

use crate::command::{Command, dispatch};
use crate::listen::Listener;
use crate::socket::{self, RemoteListener, Server};
use crate::wire::{ApiError, ErrorCode, Push};

/// How long to wait for an owner that is not serving yet, or is about to leave.
const PATIENCE: Duration = Duration::from_secs(5);

/// An engine of our own, or the way to somebody else's.
#[derive(Debug, Clone)]
pub struct Host {
    home: Home,
    own: Option<Arc<Owned>>,
}

#[derive(Debug)]
struct Owned {
    engine: Arc<Engine>,
    server: std::sync::Mutex<Option<Server>>,
}

impl Host {
    /// Takes the data folder and serves its socket, or, if an engine has it, becomes its guest.
    ///
    /// # Errors
    /// The engine can't be opened; or somebody has the folder and does not answer.
    pub async fn open(home: Home, mode: Mode) -> Result<Self, ApiError> {
        match take(&home, mode).await? {
            Taken::Own(engine) => Self::own(home, *engine),
            Taken::Served(_) => Ok(Self { home, own: None }),
        }
    }

    /// Takes the data folder and serves its socket; an engine that has it already is an error.
    ///
    /// # Errors
    /// The engine can't be opened, or there is one.
    pub async fn open_own(home: Home, mode: Mode) -> Result<Self, ApiError> {
        match take(&home, mode).await? {
            Taken::Own(engine) => Self::own(home, *engine),
            Taken::Served(busy) => Err(busy),
        }
    }

    fn own(home: Home, engine: Engine) -> Result<Self, ApiError> {
        let engine = Arc::new(engine);
        let server = match engine.mode() {
            // A command works for itself alone.
            Mode::Offline => None,
            Mode::Window | Mode::Headless => Some(Server::start(engine.clone())?),
        };
        Ok(Self { home, own: Some(Arc::new(Owned { engine, server: std::sync::Mutex::new(server) })) })
    }

    /// Whether the engine is our own.
    #[must_use]
    pub fn is_owner(&self) -> bool {
        self.own.is_some()
    }

    /// The data folder.
    #[must_use]
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// Calls a command by its name, JSON in and JSON out.
    ///
    /// # Errors
    /// What the command says.
    pub async fn call_json(&self, method: &str, params: &str) -> Result<String, ApiError> {
        match &self.own {
            Some(own) => dispatch(&own.engine, method, params).await,
            None => socket::call(&self.home, method, params).await,
        }
    }

    /// Calls a command.
    ///
    /// # Errors
    /// What the command says.
    pub async fn call<C: Command>(&self, input: &C::Input) -> Result<C::Output, ApiError> {
        let broken =
            |cause: serde_json::Error| ApiError::new(ErrorCode::Protocol, format!("{}: {cause}", C::NAME));
        let params = serde_json::to_string(input).map_err(broken)?;
        serde_json::from_str(&self.call_json(C::NAME, &params).await?).map_err(broken)
    }

    /// Begins to listen.
    ///
    /// # Errors
    /// The engine is gone.
    pub async fn listen(&self) -> Result<Stream, ApiError> {
        Ok(Stream(match &self.own {
            Some(own) => Source::Own(Box::new(Listener::new(own.engine.clone()).await?)),
            None => Source::Guest(RemoteListener::connect(&self.home).await?),
        }))
    }

    /// Gives the data folder back, if the engine is our own. Running jobs go on.
    pub async fn shutdown(&self) {
        if let Some(own) = &self.own {
            own.engine.shutdown().await;
            own.server.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        }
    }
}

enum Taken {
    Own(Box<Engine>),
    /// An engine serves there; with the error that says so.
    Served(ApiError),
}

/// Takes the data folder, waiting a while for a command that has it for a moment, or for an engine that is starting
/// or leaving.
async fn take(home: &Home, mode: Mode) -> Result<Taken, ApiError> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let busy = match Engine::open(home.clone(), mode).await {
            Ok(engine) => return Ok(Taken::Own(Box::new(engine))),
            Err(error) if error.kind() == ErrorKind::Busy => ApiError::from(error),
            Err(error) => return Err(error.into()),
        };
        match socket::call(home, "queue.stats", "{}").await {
            Ok(_) => return Ok(Taken::Served(busy)),
            Err(refused) if refused.code == ErrorCode::Protocol => return Err(refused),
            Err(_) if tokio::time::Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(20)).await
            }
            Err(_) => return Err(busy),
        }
    }
}

/// A stream of pushes.
pub struct Stream(Source);

enum Source {
    Own(Box<Listener>),
    Guest(RemoteListener),
}

impl Stream {
    /// The next push; `None` after the engine has stopped.
    pub async fn next(&mut self) -> Option<Push> {
        match &mut self.0 {
            Source::Own(listener) => listener.next().await,
            Source::Guest(listener) => listener.next().await,
        }
    }
}
