//! `athanor serve`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use athanor_api::command::ChangeSettings;
use athanor_api::wire::{self, ApiError, ErrorCode};
use athanor_api::{Home, Host, Mode, bridge, logging};
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use crate::exit::Failure;
use crate::print;

/// What `serve` takes.
#[derive(Args)]
pub struct Arguments {
    /// Jobs that may run at once; kept as the setting
    #[arg(long)]
    slots: Option<u32>,

    /// Also serve commands over HTTP on this loopback address, for development and tests; prints the address
    #[arg(long, value_name = "ADDRESS")]
    bridge: Option<SocketAddr>,

    /// The folder of the page that the bridge serves
    #[arg(long, value_name = "FOLDER", requires = "bridge")]
    bridge_ui: Option<PathBuf>,
}

/// Runs the engine until it is told to stop. Running jobs go on after it.
pub fn run(home: Home, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let failed =
        |cause: std::io::Error| ApiError::new(ErrorCode::Internal, format!("the engine can't run: {cause}"));
    let runtime = tokio::runtime::Runtime::new().map_err(failed)?;
    let ended = runtime.block_on(async {
        // Before anything else, so that a signal during the start ends it orderly, too.
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        home.create().map_err(ApiError::from)?;
        let _log = logging::start(&home.logs(), true);
        let host = Host::open_own(home.clone(), Mode::Headless).await?;
        if let Some(slots) = arguments.slots {
            host.call::<ChangeSettings>(&wire::ChangeSettings { slots: Some(slots), ..Default::default() })
                .await?;
        }
        let _bridge = match arguments.bridge {
            Some(address) => {
                let running = bridge::start(host.clone(), address, arguments.bridge_ui.clone()).await?;
                print::json(&serde_json::json!({ "bridge": running.url }))?;
                Some(running)
            }
            None => None,
        };
        eprintln!("Athanor serves {}. Ctrl+C stops it; running jobs go on.", home.root().display());
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        host.shutdown().await;
        Ok(ExitCode::SUCCESS)
    });
    // A call to a file server that does not answer can't be broken off, and nobody waits for it.
    runtime.shutdown_background();
    ended
}
