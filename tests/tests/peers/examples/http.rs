//! Single requests of HTTP.

use super::TIME_LIMIT;
use serde_json::Value;
use std::error::Error;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Sends a JSON request, and returns the whole response.
pub(super) async fn send(
    address: SocketAddr,
    request: &str,
    cookie: &str,
    body: &Value,
) -> Result<String, Box<dyn Error>> {
    send_as("application/json", address, request, cookie, &body.to_string()).await
}

/// Sends a request with a body of this type, and returns the whole response.
pub(super) async fn send_as(
    content_type: &str,
    address: SocketAddr,
    request: &str,
    cookie: &str,
    body: &str,
) -> Result<String, Box<dyn Error>> {
    let head = format!(
        "{request} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nCookie: theme=dark; {cookie}\r\n\
         Content-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
        body.len(),
    );
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all((head + body).as_bytes()).await?;
    let mut response = String::new();
    timeout(TIME_LIMIT, stream.read_to_string(&mut response)).await??;
    Ok(response)
}

pub(super) fn assert_status(response: &str, status: u16) {
    assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{response}");
}
