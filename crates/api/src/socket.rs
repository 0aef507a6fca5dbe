//! The local socket: one JSON object a line, each way.
//!
//! ```text
//! → {"version": 1, "method": "queue.stats", "params": {}}
//! ← {"result": {…}}            or {"error": {"code": …, "message": …}}
//! → {"version": 1, "method": "listen"}
//! ← {"push": {"kind": "hello", …}}   and so on, until either side closes
//! ```
//!
//! Only processes of the same user get an answer: the socket's folder and the socket itself are the owner's, and
//! the kernel is asked who the peer is.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream as BlockingStream;
use std::path::Path;
use std::sync::Arc;

use athanor_engine::{Engine, Home};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

use crate::command::{Command, dispatch};
use crate::listen::Listener;
use crate::wire::{ApiError, ErrorCode, Push};

/// Changes when a request or answer of an older program would be misunderstood.
const VERSION: u32 = 1;

/// Longest request, bytes: ten thousand experiments with their environments fit.
const REQUEST_MAX: u64 = 256 << 20;

#[derive(Serialize, Deserialize)]
struct Request<'a> {
    version: u32,
    method: &'a str,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
}

#[derive(Serialize, Deserialize)]
struct Answer {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    result: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<ApiError>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    push: Option<Push>,
}

/// The serving end. Dropping it stops serving and removes the socket.
#[derive(Debug)]
pub struct Server {
    accepting: JoinHandle<()>,
    path: std::path::PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Server {
    /// Serves an engine on its data folder's socket. One left over by an engine that was killed is replaced: who
    /// holds the data folder's lock owns the socket, too.
    ///
    /// # Errors
    /// The socket can't be made.
    pub fn start(engine: Arc<Engine>) -> Result<Self, ApiError> {
        let path = engine.home().socket();
        let failed = |cause: std::io::Error| {
            ApiError::new(ErrorCode::Path, format!("could not make the socket {}: {cause}", path.display()))
        };
        prepare_folder(&path, engine.home()).map_err(failed)?;
        match std::fs::remove_file(&path) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => return Err(failed(cause)),
            _ => {}
        }
        let listener = UnixListener::bind(&path).map_err(failed)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
        let accepting = tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => drop(tokio::spawn(serve(engine.clone(), stream))),
                    Err(error) => {
                        // Out of file descriptors, most likely; they come back as clients go.
                        tracing::warn!(%error, "a client could not be accepted");
                        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    }
                }
            }
        });
        Ok(Self { accepting, path })
    }
}

/// A socket outside the data folder (its path was too long) needs a folder that is ours alone.
fn prepare_folder(path: &Path, home: &Home) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(home.root());
    if folder == home.root() {
        return Ok(());
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let meta = std::fs::symlink_metadata(folder)?;
    if !meta.is_dir()
        || meta.uid() != rustix::process::geteuid().as_raw()
        || meta.permissions().mode() & 0o022 != 0
    {
        return Err(std::io::Error::new(
            std::io::ErrorKind::PermissionDenied,
            format!("{} is not a folder of this user alone", folder.display()),
        ));
    }
    Ok(())
}

async fn serve(engine: Arc<Engine>, stream: UnixStream) {
    let own = rustix::process::geteuid().as_raw();
    match stream.peer_cred() {
        Ok(peer) if peer.uid() == own || peer.uid() == 0 => {}
        _ => return,
    }
    let (read, mut write) = stream.into_split();
    let mut read = tokio::io::BufReader::new(read);
    let mut line = String::new();
    loop {
        line.clear();
        let mut limited = tokio::io::AsyncReadExt::take(&mut read, REQUEST_MAX);
        match limited.read_line(&mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let answer = match serde_json::from_str::<Request<'_>>(&line) {
            Err(cause) => Err(ApiError::new(ErrorCode::Protocol, format!("that is no request: {cause}"))),
            Ok(request) if request.version != VERSION => Err(ApiError::new(
                ErrorCode::Protocol,
                format!(
                    "the engine speaks version {VERSION} of the protocol, the client {}",
                    request.version
                ),
            )
            .hint("Restart the engine, so that both are of the same version. Running jobs go on.")),
            Ok(request) if request.method == "listen" => return listen(engine, write).await,
            Ok(request) => {
                dispatch(&engine, request.method, request.params.map_or("{}", RawValue::get)).await
            }
        };
        let text = match answer {
            // The result is JSON already.
            Ok(result) => format!("{{\"result\":{result}}}\n"),
            Err(error) => line_of(&Answer { result: None, error: Some(error), push: None }),
        };
        if write.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn listen(engine: Arc<Engine>, mut write: tokio::net::unix::OwnedWriteHalf) {
    let mut listener = match Listener::new(engine).await {
        Ok(listener) => listener,
        Err(error) => {
            let text = line_of(&Answer { result: None, error: Some(error), push: None });
            let _ = write.write_all(text.as_bytes()).await;
            return;
        }
    };
    loop {
        let pushes = listener.gather().await;
        if pushes.is_empty() {
            return;
        }
        let text: String = pushes
            .into_iter()
            .map(|push| line_of(&Answer { result: None, error: None, push: Some(push) }))
            .collect();
        if write.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

fn line_of(answer: &Answer) -> String {
    let mut text = serde_json::to_string(answer).unwrap_or_default();
    text.push('\n');
    text
}

fn request(method: &str, params: &str) -> Result<String, ApiError> {
    let params = serde_json::from_str::<&RawValue>(params)
        .map_err(|cause| ApiError::new(ErrorCode::InvalidInput, format!("the input is not JSON: {cause}")))?;
    let request = Request { version: VERSION, method, params: Some(params) };
    let mut text = serde_json::to_string(&request).map_err(|cause| {
        ApiError::new(ErrorCode::Internal, format!("the request can't be written: {cause}"))
    })?;
    text.push('\n');
    Ok(text)
}

fn gone() -> ApiError {
    ApiError::new(ErrorCode::EngineGone, "the engine closed the connection before it answered")
        .hint("Was it stopped? “athanor status” says whether one runs.")
}

fn result_of(line: &str) -> Result<String, ApiError> {
    let answer: Answer = serde_json::from_str(line).map_err(|cause| {
        ApiError::new(ErrorCode::Protocol, format!("the engine's answer can't be read: {cause}"))
    })?;
    match (answer.result, answer.error) {
        (_, Some(error)) => Err(error),
        (Some(result), None) => Ok(result.get().to_owned()),
        (None, None) => Err(gone()),
    }
}

/// Whether an error of connecting means that nobody serves there.
fn nobody(cause: &std::io::Error) -> bool {
    matches!(cause.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused)
}

/// The asking end without a runtime, for a command line that must be quick to start.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<BlockingStream>,
}

impl Client {
    /// Connects to the engine of a data folder; `None` if none serves there.
    ///
    /// # Errors
    /// The socket can't be used.
    pub fn connect(home: &Home) -> Result<Option<Self>, ApiError> {
        match BlockingStream::connect(home.socket()) {
            Ok(stream) => Ok(Some(Self { stream: BufReader::with_capacity(64 << 10, stream) })),
            Err(cause) if nobody(&cause) => Ok(None),
            Err(cause) => Err(ApiError::new(
                ErrorCode::Path,
                format!("could not connect to {}: {cause}", home.socket().display()),
            )),
        }
    }

    /// Calls a command.
    ///
    /// # Errors
    /// What the command says, or the engine is gone.
    pub fn call<C: Command>(&mut self, input: &C::Input) -> Result<C::Output, ApiError> {
        let params = serde_json::to_string(input).map_err(|cause| {
            ApiError::new(ErrorCode::Internal, format!("the input can't be written: {cause}"))
        })?;
        let text = request(C::NAME, &params)?;
        self.stream.get_mut().write_all(text.as_bytes()).map_err(|_| gone())?;
        let result = result_of(&self.line()?)?;
        serde_json::from_str(&result).map_err(|cause| {
            ApiError::new(ErrorCode::Protocol, format!("the engine's answer can't be read: {cause}"))
        })
    }

    /// Turns the connection into a stream of pushes. When this returns, the engine has begun to tell: what is asked
    /// of it afterwards, over another connection, is as old as the first push or newer, so nothing falls in between.
    ///
    /// # Errors
    /// The engine is gone.
    pub fn listen(mut self) -> Result<Pushes, ApiError> {
        let text = request("listen", "{}")?;
        self.stream.get_mut().write_all(text.as_bytes()).map_err(|_| gone())?;
        let hello = self.line()?;
        if let Ok(Answer { error: Some(error), .. }) = serde_json::from_str(&hello) {
            return Err(error);
        }
        Ok(Pushes { client: self, first: Some(hello) })
    }

    fn line(&mut self) -> Result<String, ApiError> {
        let mut line = String::new();
        match self.stream.read_line(&mut line) {
            Ok(0) | Err(_) => Err(gone()),
            Ok(_) => Ok(line),
        }
    }
}

/// Pushes as they come. Ends when the engine does.
#[derive(Debug)]
pub struct Pushes {
    client: Client,
    /// What came first, and was waited for.
    first: Option<String>,
}

impl Iterator for Pushes {
    type Item = Push;

    fn next(&mut self) -> Option<Push> {
        loop {
            let line = match self.first.take() {
                Some(first) => first,
                None => self.client.line().ok()?,
            };
            // A push of a newer engine that this program does not know is passed over.
            if let Ok(Answer { push: Some(push), .. }) = serde_json::from_str(&line) {
                return Some(push);
            }
        }
    }
}

/// Calls a command by its name over a connection of its own.
pub(crate) async fn call(home: &Home, method: &str, params: &str) -> Result<String, ApiError> {
    let text = request(method, params)?;
    let stream = UnixStream::connect(home.socket()).await.map_err(|_| gone())?;
    let (read, mut write) = stream.into_split();
    write.write_all(text.as_bytes()).await.map_err(|_| gone())?;
    let mut line = String::new();
    tokio::io::BufReader::new(read).read_line(&mut line).await.map_err(|_| gone())?;
    if line.is_empty() {
        return Err(gone());
    }
    result_of(&line)
}

/// Pushes from the engine of a data folder, for a runtime.
pub(crate) struct RemoteListener {
    lines: tokio::io::Lines<tokio::io::BufReader<tokio::net::unix::OwnedReadHalf>>,
    _write: tokio::net::unix::OwnedWriteHalf,
}

impl RemoteListener {
    pub(crate) async fn connect(home: &Home) -> Result<Self, ApiError> {
        let stream = UnixStream::connect(home.socket()).await.map_err(|_| gone())?;
        let (read, mut write) = stream.into_split();
        write.write_all(request("listen", "{}")?.as_bytes()).await.map_err(|_| gone())?;
        Ok(Self { lines: tokio::io::BufReader::new(read).lines(), _write: write })
    }

    pub(crate) async fn next(&mut self) -> Option<Push> {
        loop {
            let line = self.lines.next_line().await.ok()??;
            if let Ok(Answer { push: Some(push), .. }) = serde_json::from_str(&line) {
                return Some(push);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener as BlockingListener;

    use super::*;

    /// What `listen` gives where an engine answers so, and then closes.
    fn listen_to(answer: &'static str) -> Result<Pushes, ApiError> {
        let dir = tempfile::tempdir().expect("temporary folder");
        let home = Home::at(dir.path());
        home.create().expect("folders");
        let listener = BlockingListener::bind(home.socket()).expect("a socket");
        let client = Client::connect(&home).expect("connects").expect("somebody serves");
        let engine = std::thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a client");
            let mut stream = BufReader::new(stream);
            stream.read_line(&mut String::new()).expect("a request");
            stream.get_mut().write_all(answer.as_bytes()).expect("answered");
        });
        let listening = client.listen();
        engine.join().expect("it has answered");
        listening
    }

    #[test]
    fn whoever_listens_has_heard_that_the_engine_began_to_tell() {
        assert!(matches!(listen_to(""), Err(error) if error.code == ErrorCode::EngineGone));
        let refused = "{\"error\": {\"code\": \"disk_full\", \"message\": \"no room\"}}\n";
        assert!(matches!(listen_to(refused), Err(error) if error.code == ErrorCode::DiskFull));
        let hello =
            "{\"push\": {\"kind\": \"hello\", \"cursor\": 7}}\n{\"push\": {\"kind\": \"engine_stopped\"}}\n";
        let pushes = listen_to(hello).expect("it tells").collect::<Vec<_>>();
        assert!(matches!(pushes[..], [Push::Hello { cursor: 7 }, Push::EngineStopped {}]), "{pushes:?}");
    }
}
