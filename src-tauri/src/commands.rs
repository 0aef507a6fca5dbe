//! What the page may ask of the shell. All that concerns experiments goes through `rpc` to the engine.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use athanor_api::command::ListProjects;
use athanor_api::wire::{ApiError, ErrorCode, Nothing};
use base64::Engine as _;
use serde::Deserialize;
use tauri::{AppHandle, State, WebviewWindow};
use tauri_plugin_dialog::DialogExt;

use crate::Shell;
use crate::window::{self, Navigation};

/// Folders of experiments that the page was told of, so that it may ask to have them opened. Old ones are forgotten.
#[derive(Default)]
pub(crate) struct Named(Mutex<VecDeque<PathBuf>>);

const NAMED_MAX: usize = 256;

impl Named {
    /// Remembers the folders in an answer to `experiments.get`.
    fn note(&self, answer: &str) {
        #[derive(Deserialize)]
        struct Detail {
            experiment: Experiment,
        }
        #[derive(Deserialize)]
        struct Experiment {
            cwd: PathBuf,
        }
        let Ok(detail) = serde_json::from_str::<Detail>(answer) else { return };
        let mut named = crate::lock(&self.0);
        if !named.contains(&detail.experiment.cwd) {
            named.truncate(NAMED_MAX - 1);
            named.push_front(detail.experiment.cwd);
        }
    }
}

/// Calls a command of the engine, JSON in and JSON out.
#[tauri::command]
pub(crate) async fn rpc(
    shell: State<'_, Shell>,
    method: String,
    params: serde_json::Value,
) -> Result<tauri::ipc::Response, ApiError> {
    let answer = shell.link.call_json(&method, &params.to_string()).await?;
    if method == "experiments.get" {
        shell.named.note(&answer);
    }
    Ok(tauri::ipc::Response::new(answer))
}

/// Asks the user for a folder.
#[tauri::command]
pub(crate) async fn pick_folder(window: WebviewWindow) -> Result<Option<String>, ApiError> {
    let (answer, answered) = tokio::sync::oneshot::channel();
    window.dialog().file().set_parent(&window).set_title("Choose a folder").pick_folder(move |folder| {
        // The receiver is gone when the page was closed over the dialog.
        let _ = answer.send(folder);
    });
    let Some(folder) = answered.await.unwrap_or(None) else { return Ok(None) };
    match folder.into_path() {
        Ok(path) => Ok(Some(path.display().to_string())),
        Err(cause) => {
            Err(ApiError::new(ErrorCode::Path, format!("that is no folder on this machine: {cause}")))
        }
    }
}

/// Asks the user for a place and saves a text there, or the bytes that it is in base64, all of it or nothing. Returns
/// where, or nothing when the user thought better of it. `name` is what the dialog offers.
#[tauri::command]
pub(crate) async fn save_text(
    window: WebviewWindow,
    name: String,
    text: String,
    base64: bool,
) -> Result<Option<String>, ApiError> {
    let bytes = match base64 {
        false => text.into_bytes(),
        true => base64::engine::general_purpose::STANDARD.decode(text).map_err(|cause| {
            ApiError::new(ErrorCode::InvalidInput, format!("what is to be saved is no base64: {cause}"))
        })?,
    };
    let Some(path) = place_to_save(&window, &name).await? else { return Ok(None) };
    let shown = path.display().to_string();
    let written = tauri::async_runtime::spawn_blocking(move || save(&path, &bytes)).await;
    match written {
        Ok(Ok(())) => Ok(Some(shown)),
        Ok(Err(cause)) => Err(not_saved(&shown, &cause)),
        Err(cause) => Err(ApiError::new(ErrorCode::Internal, format!("could not save {shown}: {cause}"))),
    }
}

/// Asks the user where to save; nothing when they thought better of it.
pub(crate) async fn place_to_save(window: &WebviewWindow, name: &str) -> Result<Option<PathBuf>, ApiError> {
    let (answer, answered) = tokio::sync::oneshot::channel();
    window.dialog().file().set_parent(window).set_title("Save as").set_file_name(name).save_file(
        move |file| {
            // The receiver is gone when the page was closed over the dialog.
            let _ = answer.send(file);
        },
    );
    let Some(file) = answered.await.unwrap_or(None) else { return Ok(None) };
    let path = file.into_path().map_err(|cause| {
        ApiError::new(ErrorCode::Path, format!("that is no file on this machine: {cause}"))
    })?;
    Ok(Some(path))
}

pub(crate) fn not_saved(shown: &str, cause: &std::io::Error) -> ApiError {
    let words = cause.to_string();
    // The number behind it says nothing to people.
    let words = words.split(" (os error").next().unwrap_or_default();
    ApiError::new(ErrorCode::Path, format!("could not save {shown}: {words}")).hint(match cause.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            "Make room on that disk, or choose another."
        }
        _ => "Choose a folder that you may write to.",
    })
}

/// Writes a file that takes the place of the one there, if there is one: the user was asked about that by the dialog.
fn save(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let partial = partial_of(path);
    let written = std::fs::File::create_new(&partial).and_then(|mut file| {
        std::io::Write::write_all(&mut file, bytes)?;
        file.sync_all()?;
        std::fs::rename(&partial, path)
    });
    if written.is_err() {
        let _ = std::fs::remove_file(&partial);
    }
    written
}

/// Where a file is written before it takes its place: beside it.
pub(crate) fn partial_of(path: &Path) -> PathBuf {
    let folder = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    folder.join(format!(".{name}.{}.part", std::process::id()))
}

/// Opens a folder in the file manager, or a file's folder. Only what the engine named: what lies in the data folder, in
/// a project, or in an experiment's working directory.
#[tauri::command]
pub(crate) async fn open_path(shell: State<'_, Shell>, path: PathBuf) -> Result<(), ApiError> {
    let mut allowed = vec![shell.link.home().root().to_owned()];
    allowed.extend(crate::lock(&shell.named.0).iter().cloned());
    let projects = shell.link.call::<ListProjects>(&Nothing {}).await?;
    allowed.extend(projects.projects.into_iter().map(|project| PathBuf::from(project.folder)));
    tauri::async_runtime::spawn_blocking(move || open_folder(&folder_of(&path, &allowed)?))
        .await
        .map_err(|cause| ApiError::new(ErrorCode::Internal, format!("opening the folder failed: {cause}")))?
}

/// The folder to show for `path`, links resolved, if it lies in one of those allowed.
fn folder_of(path: &Path, allowed: &[PathBuf]) -> Result<PathBuf, ApiError> {
    let real = path.canonicalize().map_err(|cause| {
        ApiError::new(ErrorCode::Path, format!("could not find {}: {cause}", path.display()))
    })?;
    let inside = |root: &PathBuf| root.canonicalize().is_ok_and(|root| real.starts_with(root));
    if !allowed.iter().any(inside) {
        return Err(ApiError::new(
            ErrorCode::Forbidden,
            format!("{} belongs to no project or experiment, so it is not opened", path.display()),
        ));
    }
    // A file would be handed to whatever program claims its kind, and might be run.
    Ok(match real.parent() {
        Some(folder) if !real.is_dir() => folder.to_owned(),
        _ => real,
    })
}

fn open_folder(folder: &Path) -> Result<(), ApiError> {
    let failed = |why: String| {
        ApiError::new(
            ErrorCode::Path,
            format!("could not open {} in the file manager: {why}", folder.display()),
        )
        .hint("Copy the path instead.")
    };
    let done = Command::new("xdg-open")
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|cause| failed(format!("xdg-open: {cause}")))?;
    if done.success() { Ok(()) } else { Err(failed(format!("xdg-open ended with {done}"))) }
}

/// The page is drawn.
#[tauri::command]
pub(crate) fn window_ready(app: AppHandle) {
    window::drawn(&app);
}

/// Which experiment the page shows: it needs no notification.
#[tauri::command]
pub(crate) fn looking_at(shell: State<'_, Shell>, uid: Option<String>) {
    *crate::lock(&shell.looking_at) = uid;
}

/// Where a notification or the tray wants the page to go since before it could listen.
#[tauri::command]
pub(crate) fn pending_navigation(shell: State<'_, Shell>) -> Option<Navigation> {
    shell.view.page_listens()
}

/// Something in the page that should not happen: a script's error, or what the content security policy refused.
#[tauri::command]
pub(crate) fn page_fault(kind: String, message: String) {
    let message: String = message.chars().take(2000).collect();
    match kind.as_str() {
        "policy" => tracing::error!("the page's security policy refused {message}"),
        _ => tracing::error!("the page failed: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_takes_the_place_of_what_was_there_or_leaves_it() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("history.csv");
        save(&path, b"old").expect("saved");
        save(&path, b"new").expect("saved over it");
        assert_eq!(std::fs::read(&path).expect("there"), b"new");
        assert!(save(&dir.path().join("missing/history.csv"), b"x").is_err());
        let names: Vec<_> =
            std::fs::read_dir(dir.path()).expect("list").map(|it| it.expect("entry").file_name()).collect();
        assert_eq!(names, ["history.csv"], "nothing else is left");
    }

    #[test]
    fn only_folders_that_the_engine_named_are_opened() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let project = dir.path().join("project");
        std::fs::create_dir_all(project.join("runs")).expect("folders");
        std::fs::write(project.join("train.py"), "").expect("file");
        std::fs::write(dir.path().join("secret"), "").expect("file");
        std::os::unix::fs::symlink(dir.path(), project.join("out")).expect("link");
        let allowed = [project.clone()];
        let real = project.canonicalize().expect("there");

        assert_eq!(folder_of(&project.join("runs"), &allowed), Ok(real.join("runs")));
        assert_eq!(folder_of(&project.join("train.py"), &allowed), Ok(real), "a file is never run");
        let refused = |path: &Path| folder_of(path, &allowed).expect_err("refused").code;
        assert_eq!(refused(dir.path()), ErrorCode::Forbidden);
        assert_eq!(refused(&project.join("../secret")), ErrorCode::Forbidden);
        assert_eq!(refused(&project.join("out/secret")), ErrorCode::Forbidden, "a link does not lead out");
        assert_eq!(refused(&project.join("gone")), ErrorCode::Path);
    }

    #[test]
    fn folders_of_experiments_are_remembered_but_not_for_ever() {
        let named = Named::default();
        for number in 0..NAMED_MAX + 10 {
            named.note(&format!(
                "{{\"experiment\":{{\"cwd\":\"/x/{number}\",\"uid\":\"a\"}},\"notes\":\"\"}}"
            ));
        }
        named.note("{}");
        let kept = named.0.into_inner().expect("no panic");
        assert_eq!(kept.len(), NAMED_MAX);
        assert_eq!(kept.front(), Some(&PathBuf::from(format!("/x/{}", NAMED_MAX + 9))));
    }
}
