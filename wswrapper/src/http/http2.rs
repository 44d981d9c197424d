//! HTTP/2 on a stream that the server owns (RFC 8441).

use super::connection::{HttpStream, OutputState};
use super::watched_body::WaitingBodies;
use super::{Answer, Body, Upgrade};
use crate::error::AcceptError;
use crate::limits::Limits;
use crate::lock::lock;
use crate::rt::{self, JoinSet};
use http::Request;
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite};

/// The requests and connections on a stream at a time.
const MAX_STREAMS: u32 = 100;

/// The bytes that a client may send on each of them before they are read.
const WINDOW: u32 = 64 << 10;

/// Answers the requests of a stream until it ends. Each valid handshake is a connection of its own, which `drive` drives.
///
/// A stream on which nothing happens for `handshake_timeout` is closed, and one whose client does not read a response for
/// `write_timeout`.
pub(crate) async fn serve<S, A, F, D>(
    stream: S,
    limits: &Limits,
    answer: impl Fn(Request<Incoming>) -> A,
    drive: D,
    closing: impl Future<Output = ()>,
) -> Result<(), AcceptError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Future<Output = Answer> + Send + 'static,
    D: Fn(Upgrade) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let tasks = Tasks::default();
    let _aborts = AbortOnDrop(tasks.clone());
    let waiting = WaitingBodies::default();
    let service = service_fn(|request| {
        let (answered, tasks, drive, waiting) = (answer(request), tasks.clone(), drive.clone(), waiting.clone());
        async move {
            let response = match answered.await {
                Answer::Response(response) => response.map(|body| Body::new(waiting.watch(body))),
                Answer::Upgrade(response, upgrade) => {
                    tasks.execute(drive(*upgrade));
                    response
                }
            };
            Ok::<_, Infallible>(response)
        }
    });
    let max_head_size = u32::try_from(limits.max_head_size).unwrap_or(u32::MAX);
    let output = Arc::new(OutputState::default());
    let stream = HttpStream { stream, output: Arc::clone(&output) };
    let connection = http2::Builder::new(tasks.clone())
        .timer(TokioTimer::new())
        .enable_connect_protocol()
        .max_header_list_size(max_head_size)
        // All streams together fit into the window of the connection, so one that is not read holds up no other.
        .max_concurrent_streams(MAX_STREAMS)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(MAX_STREAMS * WINDOW)
        .serve_connection(TokioIo::new(stream), service);
    let (mut connection, mut closing) = (Box::pin(connection), pin!(closing));
    let (mut is_closing, mut idle, mut look) = (false, None, None);
    let served = poll_fn(|cx| {
        if !is_closing && closing.as_mut().poll(cx).is_ready() {
            is_closing = true;
            connection.as_mut().graceful_shutdown();
        }
        if let Poll::Ready(served) = connection.as_mut().poll(cx) {
            return Poll::Ready(served.map_err(|error| AcceptError::Io(io::Error::other(error))));
        }
        if tasks.are_running(cx) {
            idle = None;
            let next_look = look.get_or_insert_with(|| Box::pin(rt::sleep(limits.write_timeout)));
            if next_look.as_mut().poll(cx).is_ready() {
                if waiting.any_for(limits.write_timeout) {
                    return Poll::Ready(Err(io::Error::from(io::ErrorKind::TimedOut).into()));
                }
                look = None;
                cx.waker().wake_by_ref();
            }
            return Poll::Pending;
        }
        look = None;
        if output.take_advanced() {
            // hyper still sends what a task has left.
            idle = None;
        }
        let idle = idle.get_or_insert_with(|| Box::pin(rt::sleep(limits.handshake_timeout)));
        idle.as_mut().poll(cx).map(|()| Err(AcceptError::TimedOut))
    })
    .await;
    // The WebSocket connections that are still open lose their streams, and end with their hooks.
    drop(connection);
    poll_fn(|cx| if tasks.are_running(cx) { Poll::Pending } else { Poll::Ready(()) }).await;
    served
}

/// The requests and connections on a stream.
#[derive(Clone, Default)]
struct Tasks(Arc<Mutex<JoinSet<()>>>);

impl Tasks {
    /// Returns true if any task runs. The present task is woken when one ends.
    fn are_running(&self, cx: &mut Context<'_>) -> bool {
        loop {
            match lock(&self.0).poll_join_next(cx) {
                Poll::Pending => return true,
                Poll::Ready(None) => return false,
                Poll::Ready(Some(_)) => {}
            }
        }
    }
}

/// Aborts the tasks when it is dropped. Some of them hold the set, so it would not be dropped before them.
struct AbortOnDrop(Tasks);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        lock(&self.0.0).abort_all();
    }
}

impl<F> Executor<F> for Tasks
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, task: F) {
        lock(&self.0).spawn(async move { drop(task.await) });
    }
}
