//! HTTP responses of a server that upgrade nothing.

use super::refusal::Refusal;
use super::{Page, SitePage, is_read, write};
use crate::rt;
use bytes::Bytes;
use http::StatusCode;
use http::request::Parts;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// A response after which the connection is closed.
pub(super) struct Response {
    pub(super) status: StatusCode,
    headers: String,
    content: Bytes,
    /// True for the response to a HEAD request, which has no content.
    head_only: bool,
}

impl Response {
    pub(super) fn status(status: StatusCode) -> Self {
        Self::text(status, &format!("{status}\n"))
    }

    pub(super) fn text(status: StatusCode, text: &str) -> Self {
        let headers = "Content-Type: text/plain; charset=utf-8\r\n".to_owned();
        Self { status, headers, content: Bytes::copy_from_slice(text.as_bytes()), head_only: false }
    }

    pub(super) fn page(page: &Page) -> Self {
        let headers = format!("Content-Type: {}\r\nCache-Control: no-cache\r\n", page.content_type);
        Self { status: StatusCode::OK, headers, content: page.content.clone(), head_only: false }
    }

    /// Responds with a page of the server to a request that reads it.
    pub(super) fn site(request: &Parts, page: SitePage) -> Self {
        if !is_read(request) {
            return Self::not_allowed();
        }
        let SitePage { status, content_type, content } = page;
        let headers = format!("Content-Type: {content_type}\r\nCache-Control: no-store\r\n");
        Self { status, headers, content, head_only: false }
    }

    pub(super) fn not_allowed() -> Self {
        Self::status(StatusCode::METHOD_NOT_ALLOWED).header("Allow", "GET, HEAD")
    }

    /// Refuses a handshake because the server drains.
    pub(super) fn draining() -> Self {
        Self::text(StatusCode::SERVICE_UNAVAILABLE, "The server is about to close.\n").header("Retry-After", "1")
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.extend([name, ": ", value, "\r\n"]);
        self
    }

    pub(super) fn head_only(self, head_only: bool) -> Self {
        Self { head_only, ..self }
    }

    pub(super) async fn write(self, stream: &mut (impl AsyncWrite + Unpin), timeout: Duration) -> io::Result<()> {
        let head = format!(
            "HTTP/1.1 {}\r\n{}Content-Length: {}\r\nConnection: close\r\n\r\n",
            self.status,
            self.headers,
            self.content.len()
        );
        write(stream, head.as_bytes(), timeout).await?;
        if !self.head_only {
            write(stream, &self.content, timeout).await?;
        }
        rt::timeout(timeout, stream.shutdown()).await?
    }
}

impl From<Refusal> for Response {
    fn from(refusal: Refusal) -> Self {
        let Refusal { status, headers, body } = refusal;
        let mut lines = String::new();
        for (name, value) in &headers {
            // Checked when the header was added.
            lines.extend([name.as_str(), ": ", value.to_str().unwrap_or_default(), "\r\n"]);
        }
        Self { status, headers: lines, content: body, head_only: false }
    }
}
