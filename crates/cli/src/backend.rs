//! Who answers: the engine that runs, or, for the time of one command, an engine of our own that starts nothing.

use athanor_api::command::Command;
use athanor_api::socket::{Client, Pushes};
use athanor_api::wire::{ApiError, ErrorCode};
use athanor_api::{Home, Host, Mode};
use tokio::runtime::Runtime;

/// Who answers.
pub enum Backend {
    /// An engine that runs.
    Online {
        /// The data folder.
        home: Home,
        /// The connection.
        client: Box<Client>,
    },
    /// Our own.
    Offline {
        /// Its runtime.
        runtime: Runtime,
        /// The engine.
        host: Host,
    },
}

impl Backend {
    /// Connects to the engine that runs, or takes the data folder.
    ///
    /// # Errors
    /// Neither can be done.
    pub fn open(home: Home) -> Result<Self, ApiError> {
        if let Some(client) = Client::connect(&home)? {
            return Ok(Self::Online { home, client: Box::new(client) });
        }
        let runtime = Runtime::new().map_err(|cause| {
            ApiError::new(ErrorCode::Internal, format!("no runtime could be made: {cause}"))
        })?;
        let host = runtime.block_on(Host::open(home.clone(), Mode::Offline))?;
        if !host.is_owner() {
            // An engine started in between.
            if let Some(client) = Client::connect(&home)? {
                return Ok(Self::Online { home, client: Box::new(client) });
            }
        }
        Ok(Self::Offline { runtime, host })
    }

    /// Whether an engine runs that starts jobs.
    pub fn is_online(&self) -> bool {
        matches!(self, Self::Online { .. })
    }

    /// Calls a command.
    ///
    /// # Errors
    /// What the command says.
    pub fn call<C: Command>(&mut self, input: &C::Input) -> Result<C::Output, ApiError> {
        match self {
            Self::Online { client, .. } => client.call::<C>(input),
            Self::Offline { runtime, host } => runtime.block_on(host.call::<C>(input)),
        }
    }

    /// Pushes of the engine that runs, over a connection of their own; `None` if none runs.
    ///
    /// # Errors
    /// The engine is gone.
    pub fn listen(&self) -> Result<Option<Pushes>, ApiError> {
        match self {
            Self::Online { home, .. } => Client::connect(home)?.map(Client::listen).transpose(),
            Self::Offline { .. } => Ok(None),
        }
    }

    /// Gives the data folder back, if we have it.
    pub fn close(self) {
        if let Self::Offline { runtime, host } = self {
            runtime.block_on(host.shutdown());
        }
    }
}
