//! Signs in to the chat by its API. The page of the chat does the same by `fetch`.

use axum::http::Uri;
use serde_json::json;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use wswrapper::client::ConnectRequest;

/// Maximum size of a response in bytes.
const MAX_RESPONSE: u64 = 64 << 10;

/// Somebody with a name at a server. The server keeps the session while it runs.
pub(crate) struct Account {
    url: String,
    name: String,
    /// The cookie of the session, or nothing.
    cookie: Mutex<String>,
}

impl Account {
    pub(crate) fn new(url: String, name: String) -> Self {
        Self { url, name, cookie: Mutex::default() }
    }

    /// Signs in, and returns the request for a connection with the session.
    pub(crate) async fn connect_request(&self) -> io::Result<ConnectRequest> {
        let cookie = self.sign_in().await?;
        let request = ConnectRequest::new(&self.url).header("Cookie", &cookie);
        *self.cookie() = cookie;
        Ok(request)
    }

    /// Returns the cookie of a session: of the one before, if the server still knows it.
    async fn sign_in(&self) -> io::Result<String> {
        let url: Uri = self.url.parse().map_err(io::Error::other)?;
        if url.scheme_str() != Some("ws") {
            return Err(io::Error::other("only ws:// is possible here"));
        }
        let (host, port) = (url.host().unwrap_or_default(), url.port_u16().unwrap_or(80));
        let body = json!({ "name": self.name }).to_string();
        let cookie = self.cookie().clone();
        let request = format!(
            "POST /session HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\nCookie: {cookie}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len(),
        );
        let connected = TcpStream::connect((host.trim_matches(['[', ']']), port)).await;
        let mut tcp =
            connected.map_err(|error| io::Error::other(format!("cannot connect to {host}:{port}: {error}")))?;
        tcp.write_all(request.as_bytes()).await?;
        let mut response = Vec::new();
        tcp.take(MAX_RESPONSE).read_to_end(&mut response).await?;
        session_of(&String::from_utf8_lossy(&response))
    }

    fn cookie(&self) -> MutexGuard<'_, String> {
        self.cookie.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the cookie that a response sets, or the reason for which it sets none.
fn session_of(response: &str) -> io::Result<String> {
    let (head, body) = response.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let mut headers = head.lines().filter_map(|line| line.split_once(':'));
    let cookie = headers.find_map(|(name, value)| name.eq_ignore_ascii_case("set-cookie").then_some(value));
    match cookie.and_then(|cookie| cookie.split(';').next()) {
        Some(cookie) => Ok(cookie.trim().to_owned()),
        None if body.is_empty() => Err(io::Error::other(head.lines().next().unwrap_or_default().to_owned())),
        None => Err(io::Error::other(body.to_owned())),
    }
}
