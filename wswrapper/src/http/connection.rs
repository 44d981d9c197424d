//! HTTP on a stream that the server owns.

use super::Upgrade;
use super::body::Body;
use crate::error::AcceptError;
use crate::handshake::MAX_HEADERS;
use crate::limits::Limits;
use crate::lock::lock;
use crate::rt::{self, MAX_WAIT};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::mem;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The answer to a request.
pub(crate) enum Answer {
    Response(Response<Body>),
    /// The response to a valid handshake.
    Upgrade(Response<Body>, Box<Upgrade>),
}

/// Answers the requests of a stream until one of them is a valid handshake, and returns it. Closes the stream when
/// `closing` is ready, after the present response, and after one response without `keep_alive`.
///
/// A stream that ends before is an error with the status of the last response.
pub(crate) async fn serve<S, F>(
    stream: S,
    limits: &Limits,
    keep_alive: bool,
    answer: impl Fn(Request<Incoming>) -> F,
    closing: impl Future<Output = ()>,
) -> Result<Upgrade, AcceptError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = Answer>,
{
    let output = Arc::new(OutputState::default());
    let last = Arc::new(Mutex::new(Last::Nothing));
    let service = service_fn(|request| {
        let (answered, last) = (answer(request), Arc::clone(&last));
        async move {
            let (response, new) = match answered.await {
                Answer::Response(response) => {
                    let status = response.status().as_u16();
                    (response, Last::Status(status))
                }
                Answer::Upgrade(response, upgrade) => (response, Last::Upgrade(upgrade)),
            };
            *lock(&last) = new;
            Ok::<_, Infallible>(response)
        }
    });
    let io = TokioIo::new(HttpStream { stream, output: Arc::clone(&output) });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .keep_alive(keep_alive)
        .header_read_timeout(limits.handshake_timeout.min(MAX_WAIT))
        .max_buf_size(limits.max_head_size)
        .max_headers(MAX_HEADERS)
        .serve_connection(io, service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let (mut closing, mut is_closing) = (pin!(closing), false);
    let mut stalled = None;
    let served = poll_fn(|cx| {
        if !is_closing && closing.as_mut().poll(cx).is_ready() {
            is_closing = true;
            connection.as_mut().graceful_shutdown();
        }
        if let Poll::Ready(served) = connection.as_mut().poll(cx) {
            return Poll::Ready(Ok(served));
        }
        if output.take_advanced() || !output.is_blocked() {
            stalled = None;
        }
        if output.is_blocked() {
            let sleep = stalled.get_or_insert_with(|| Box::pin(rt::sleep(limits.write_timeout)));
            ready!(sleep.as_mut().poll(cx));
            return Poll::Ready(Err(io::Error::from(io::ErrorKind::TimedOut)));
        }
        Poll::Pending
    })
    .await?;
    let last = mem::replace(&mut *lock(&last), Last::Nothing);
    match (served, last) {
        (Ok(()), Last::Upgrade(upgrade)) => Ok(*upgrade),
        // A client may break off after its last response.
        (_, Last::Status(status)) => Err(AcceptError::Http(status)),
        (Err(error), _) => Err(accept_error(error)),
        (Ok(()), Last::Nothing) if is_closing => Err(AcceptError::Closing),
        (Ok(()), Last::Nothing) => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
    }
}

/// The last answer on a stream.
enum Last {
    Nothing,
    Status(u16),
    Upgrade(Box<Upgrade>),
}

fn accept_error(error: hyper::Error) -> AcceptError {
    if error.is_timeout() {
        AcceptError::TimedOut
    } else if error.is_parse_too_large() {
        AcceptError::Http(431)
    } else if error.is_parse() {
        AcceptError::Http(400)
    } else {
        AcceptError::Io(io::Error::other(error))
    }
}

/// A stream that notes if its peer reads.
pub(super) struct HttpStream<S> {
    pub(super) stream: S,
    pub(super) output: Arc<OutputState>,
}

/// The output of a stream. hyper bounds the time in which a request arrives, and not that in which a response is read.
#[derive(Default)]
pub(super) struct OutputState {
    /// True if the last write has to wait.
    blocked: AtomicBool,
    /// True if bytes were written since the last look.
    advanced: AtomicBool,
}

impl OutputState {
    fn note<T>(&self, written: &Poll<io::Result<T>>, advances: bool) {
        self.blocked.store(written.is_pending(), Ordering::Relaxed);
        if written.is_ready() && advances {
            self.advanced.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn take_advanced(&self) -> bool {
        self.advanced.swap(false, Ordering::Relaxed)
    }

    fn is_blocked(&self) -> bool {
        self.blocked.load(Ordering::Relaxed)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for HttpStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for HttpStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.output.note(&written, true);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.output.note(&written, true);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.output.note(&flushed, false);
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut_down = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.output.note(&shut_down, false);
        shut_down
    }
}
