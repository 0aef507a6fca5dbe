//! Saving a log as a file: asked of the engine piece by piece and written as it comes, so that its size does not matter.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Mutex;

use athanor_api::wire::{ApiError, ErrorCode};
use base64::Engine as _;
use serde::Deserialize;
use serde_json::{Map, Value};
use tauri::ipc::Channel;
use tauri::{State, WebviewWindow};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use crate::Shell;
use crate::commands::{not_saved, partial_of, place_to_save};
use crate::link::Link;

/// Bytes asked for at a time.
const PIECE: u32 = 4 << 20;

/// What is saved at the moment, by the numbers that the page gave; one that is gone from here is to stop.
#[derive(Default)]
pub(crate) struct Savings(Mutex<HashSet<u32>>);

/// What of a piece matters here.
#[derive(Deserialize)]
struct Piece {
    text: String,
    next: u64,
}

/// Asks the user for a place and saves there what a command gives from an offset on, all of it or nothing. Returns
/// where, or nothing when the user thought better of it, before or meanwhile.
#[tauri::command]
pub(crate) async fn save_log(
    window: WebviewWindow,
    shell: State<'_, Shell>,
    id: u32,
    name: String,
    method: String,
    params: Map<String, Value>,
    progress: Channel<u64>,
) -> Result<Option<String>, ApiError> {
    if !matches!(method.as_str(), "log.read" | "files.read") {
        return Err(ApiError::new(ErrorCode::InvalidInput, format!("“{method}” gives no pieces of a log")));
    }
    crate::lock(&shell.savings.0).insert(id);
    let saved = match place_to_save(&window, &name).await {
        Ok(Some(path)) => write(&shell, id, &path, &method, params, &progress).await,
        Ok(None) => Ok(None),
        Err(error) => Err(error),
    };
    crate::lock(&shell.savings.0).remove(&id);
    saved
}

/// The user thought better of what is being saved; nothing of it stays.
#[tauri::command]
pub(crate) fn stop_saving(shell: State<'_, Shell>, id: u32) {
    crate::lock(&shell.savings.0).remove(&id);
}

async fn write(
    shell: &Shell,
    id: u32,
    path: &Path,
    method: &str,
    params: Map<String, Value>,
    progress: &Channel<u64>,
) -> Result<Option<String>, ApiError> {
    let shown = path.display().to_string();
    let partial = partial_of(path);
    let wanted = || crate::lock(&shell.savings.0).contains(&id);
    let written = async {
        let mut file = File::create_new(&partial).await.map_err(|cause| not_saved(&shown, &cause))?;
        let told = |bytes| {
            // A page that was closed hears nothing any more; the file is written all the same.
            let _ = progress.send(bytes);
        };
        if !copy(&shell.link, &mut file, &shown, method, params, told, wanted).await? {
            return Ok(None);
        }
        file.sync_all().await.map_err(|cause| not_saved(&shown, &cause))?;
        tokio::fs::rename(&partial, path).await.map_err(|cause| not_saved(&shown, &cause))?;
        Ok(Some(shown.clone()))
    }
    .await;
    if !matches!(written, Ok(Some(_))) {
        let _ = tokio::fs::remove_file(&partial).await;
    }
    written
}

/// Copies from the offset in `params` to the end that there is when it is reached; false if it is wanted no more.
async fn copy(
    link: &Link,
    file: &mut File,
    shown: &str,
    method: &str,
    mut params: Map<String, Value>,
    told: impl Fn(u64),
    wanted: impl Fn() -> bool,
) -> Result<bool, ApiError> {
    params.insert("limit".into(), PIECE.into());
    params.insert("raw".into(), true.into());
    let mut offset = params.get("offset").and_then(Value::as_u64).unwrap_or(0);
    let mut written = 0;
    while wanted() {
        params.insert("offset".into(), offset.into());
        let answer = link.call_json(method, &Value::Object(params.clone()).to_string()).await?;
        let garbled = |cause: String| {
            ApiError::new(
                ErrorCode::Internal,
                format!("could not save {shown}: the engine’s answer is garbled: {cause}"),
            )
        };
        let piece: Piece = serde_json::from_str(&answer).map_err(|cause| garbled(cause.to_string()))?;
        if piece.text.is_empty() && piece.next <= offset {
            return Ok(true);
        }
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(&piece.text)
            .map_err(|cause| garbled(cause.to_string()))?;
        file.write_all(&bytes).await.map_err(|cause| not_saved(shown, &cause))?;
        written += bytes.len() as u64;
        offset = piece.next;
        told(written);
    }
    Ok(false)
}
