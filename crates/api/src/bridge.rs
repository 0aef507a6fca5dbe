//! The loopback bridge: the same commands over HTTP, for a page in a plain browser. Meant for development and tests;
//! it listens on loopback only, and nothing is answered without the token that it makes at its start.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path as UrlPath, Query, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use rustix::rand::{GetRandomFlags, getrandom};
use serde::Deserialize;

use crate::host::{Host, Stream};
use crate::wire::{ApiError, ErrorCode};

/// The policy that the desktop window has, with this origin in place of the window's own channel.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

#[derive(Clone)]
struct Bridge {
    host: Host,
    token: Arc<str>,
    page: Option<Arc<PathBuf>>,
}

/// A running bridge.
#[derive(Debug)]
pub struct Running {
    /// The address to open, with the token.
    pub url: String,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves commands and pushes, and the page in the folder `page` if one is given.
///
/// # Errors
/// The address is not a loopback address, or can't be had.
pub async fn start(host: Host, address: SocketAddr, page: Option<PathBuf>) -> Result<Running, ApiError> {
    if !address.ip().is_loopback() {
        return Err(ApiError::new(
            ErrorCode::Forbidden,
            format!("the bridge serves loopback addresses only, not {address}"),
        ));
    }
    let failed = |cause: std::io::Error| {
        ApiError::new(ErrorCode::Path, format!("could not serve on {address}: {cause}"))
    };
    let listener = tokio::net::TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let mut secret = [0u8; 24];
    getrandom(&mut secret, GetRandomFlags::empty()).map_err(|cause| failed(cause.into()))?;
    let token = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(secret);
    let bridge = Bridge { host, token: token.as_str().into(), page: page.map(Arc::new) };
    let router = Router::new()
        .route("/rpc/{method}", post(rpc))
        .route("/events", get(events))
        .fallback(get(file))
        .with_state(bridge);
    let task = tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "the bridge stopped");
        }
    });
    Ok(Running { url: format!("http://{address}/?token={token}"), task })
}

/// Compares without telling by its time where the difference is.
fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |different, (a, b)| different | (a ^ b)) == 0
}

fn refused(error: &ApiError) -> Response {
    let status = match error.code {
        ErrorCode::InvalidInput => StatusCode::BAD_REQUEST,
        ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::Forbidden => StatusCode::FORBIDDEN,
        ErrorCode::IllegalTransition => StatusCode::CONFLICT,
        ErrorCode::EngineGone | ErrorCode::EngineBusy => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, axum::Json(error)).into_response()
}

fn forbidden() -> Response {
    refused(&ApiError::new(ErrorCode::Forbidden, "the token is missing or wrong"))
}

async fn rpc(
    State(bridge): State<Bridge>,
    UrlPath(method): UrlPath<String>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !same(given, &format!("Bearer {}", bridge.token)) {
        return forbidden();
    }
    match bridge.host.call_json(&method, &body).await {
        Ok(json) => ([(header::CONTENT_TYPE, "application/json")], json).into_response(),
        Err(error) => refused(&error),
    }
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    token: String,
}

async fn events(State(bridge): State<Bridge>, Query(query): Query<Token>) -> Response {
    if !same(&query.token, &bridge.token) {
        return forbidden();
    }
    let stream = match bridge.host.listen().await {
        Ok(stream) => stream,
        Err(error) => return refused(&error),
    };
    let events = futures_util::stream::unfold(stream, |mut stream: Stream| async {
        let push = stream.next().await?;
        let event = Event::default().data(serde_json::to_string(&push).unwrap_or_default());
        Some((Ok::<_, Infallible>(event), stream))
    });
    Sse::new(events).into_response()
}

/// A file of the page. Names that lead out of its folder do not exist.
async fn file(State(bridge): State<Bridge>, uri: Uri) -> Response {
    let Some(page) = &bridge.page else { return StatusCode::NOT_FOUND.into_response() };
    let name = match uri.path().trim_start_matches('/') {
        "" => "index.html",
        name => name,
    };
    if name.split('/').any(|part| part.is_empty() || part.starts_with('.')) || name.contains(['%', '\\']) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let Ok(bytes) = tokio::fs::read(page.join(name)).await else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kind = match Path::new(name).extension().and_then(|end| end.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, Body::from(bytes)).into_response()
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn tokens_are_the_same_or_not() {
        assert!(same("abc", "abc"));
        for (a, b) in [("abc", "abd"), ("abc", "ab"), ("", "a")] {
            assert!(!same(a, b), "{a} {b}");
        }
    }
}
