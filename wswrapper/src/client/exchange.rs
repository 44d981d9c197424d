//! One HTTP request and its response, by hyper.

use crate::handshake::MAX_HEADERS;
use crate::rt;
use bytes::Bytes;
use http::response::Parts;
use http::{Request, StatusCode};
use http_body::Body;
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, Connection};
use hyper_util::rt::TokioIo;
use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// The smallest bound that hyper has for a head, in bytes.
const MIN_HEAD_SIZE: usize = 8192;
/// The bytes of a body that are kept.
const MAX_BODY_BYTES: usize = 4096;
/// The longest time for a body after its head.
pub(super) const MAX_BODY_PATIENCE: Duration = Duration::from_secs(1);

/// The response to a request that asks to leave HTTP.
pub(super) enum Response<S> {
    /// The stream is no longer HTTP: 101, or a success of CONNECT.
    Upgraded {
        head: Parts,
        stream: S,
        /// The bytes that were read beyond the head.
        rest: Bytes,
    },
    /// Any other response.
    Refused {
        head: Parts,
        /// The beginning of the body, as far as it has arrived in time.
        body: Bytes,
    },
}

/// The body of a request without one.
pub(super) type NoBody = Empty<Bytes>;

/// Sends a request and reads its response. Interim responses are skipped. The body of a refusal is read for
/// `body_patience`.
pub(super) async fn exchange<S>(
    stream: S,
    request: Request<NoBody>,
    max_head_size: usize,
    body_patience: impl FnOnce() -> Duration,
) -> Result<Response<S>, ExchangeError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let is_connect = request.method() == http::Method::CONNECT;
    let mut builder = Builder::new();
    builder.max_buf_size(max_head_size.max(MIN_HEAD_SIZE)).max_headers(MAX_HEADERS);
    let started = builder.handshake::<_, NoBody>(TokioIo::new(stream)).await;
    let (mut sender, connection) = started.map_err(|error| ExchangeError::new(error, &[]))?;
    let mut driven = Driven { connection, is_running: true };
    let response = driven.until(sender.send_request(request)).await;
    let response = match response {
        Ok(Some(response)) => response,
        Ok(None) => return Err(ExchangeError::CLOSED),
        Err(error) => return Err(ExchangeError::new(error, &driven.connection.into_parts().read_buf)),
    };
    let (head, body) = response.into_parts();
    let is_upgraded =
        if is_connect { head.status.is_success() } else { head.status == StatusCode::SWITCHING_PROTOCOLS };
    if is_upgraded {
        driven.finish().await.map_err(|error| ExchangeError::new(error, &[]))?;
        let parts = driven.connection.into_parts();
        return Ok(Response::Upgraded { head, stream: parts.io.into_inner(), rest: parts.read_buf });
    }
    let body = driven.read_body(body, body_patience()).await;
    Ok(Response::Refused { head, body })
}

/// hyper's connection, which is polled together with the work on it.
struct Driven<S: AsyncRead + AsyncWrite + Unpin> {
    connection: Connection<TokioIo<S>, NoBody>,
    is_running: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Driven<S> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        if !self.is_running {
            return Poll::Ready(Ok(()));
        }
        let polled = self.connection.poll_without_shutdown(cx);
        self.is_running = polled.is_pending();
        polled
    }

    /// Waits for work that the connection completes. Returns `None` if the connection finishes without it.
    async fn until<T>(&mut self, work: impl Future<Output = hyper::Result<T>>) -> hyper::Result<Option<T>> {
        let mut work = pin!(work);
        poll_fn(|cx| {
            let driven = self.poll(cx);
            match (work.as_mut().poll(cx), driven) {
                (Poll::Ready(done), _) => Poll::Ready(done.map(Some)),
                (Poll::Pending, Poll::Ready(finished)) => Poll::Ready(finished.map(|()| None)),
                (Poll::Pending, Poll::Pending) => Poll::Pending,
            }
        })
        .await
    }

    /// Waits until hyper has left the stream.
    async fn finish(&mut self) -> hyper::Result<()> {
        poll_fn(|cx| self.poll(cx)).await
    }

    /// Reads the first bytes of a body. A body that does not arrive is cut off, because its status is known.
    async fn read_body(&mut self, mut body: Incoming, patience: Duration) -> Bytes {
        let mut read = Vec::new();
        let arrived = async {
            while read.len() < MAX_BODY_BYTES {
                let frame = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx).map(Option::transpose));
                let Ok(Some(Some(frame))) = self.until(frame).await else { break };
                if let Some(data) = frame.data_ref() {
                    read.extend_from_slice(&data[..data.len().min(MAX_BODY_BYTES - read.len())]);
                }
            }
        };
        let _ = rt::timeout(patience, arrived).await;
        read.into()
    }
}

/// A response that is not HTTP, or none.
pub(super) struct ExchangeError {
    pub(super) failure: Failure,
    /// The error of the stream or of hyper, if the connection was lost.
    pub(super) source: Option<io::Error>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// A TLS alert: the server expected TLS.
    Tls,
    TooLarge,
    NotHttp,
    Closed,
}

impl ExchangeError {
    const CLOSED: Self = Self { failure: Failure::Closed, source: None };

    /// `read` are the bytes that hyper could not read.
    fn new(error: hyper::Error, read: &[u8]) -> Self {
        const TLS_ALERT: &[u8] = &[0x15, 0x03];
        let failure = if read.starts_with(TLS_ALERT) {
            Failure::Tls
        } else if error.is_parse_too_large() {
            Failure::TooLarge
        } else if error.is_parse() {
            Failure::NotHttp
        } else {
            return Self { failure: Failure::Closed, source: Some(io_error(error)) };
        };
        Self { failure, source: None }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls => "it speaks TLS; write wss:// instead of ws://",
            Self::TooLarge => "the head of its answer is too large",
            Self::NotHttp => "what it answered is not HTTP",
            Self::Closed => "it ended the connection before it answered",
        })
    }
}

/// Returns an error with the kind of the stream's error, and with hyper's as its inner error.
fn io_error(error: hyper::Error) -> io::Error {
    let of_stream = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    let kind = of_stream.map_or(io::ErrorKind::UnexpectedEof, io::Error::kind);
    io::Error::new(kind, error)
}
