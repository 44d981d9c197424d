//! The results of a request to many peers.

use super::Audience;
use crate::call::{Call, FromResponse};
use crate::engine::{ConnectionHandle, Shared};
use crate::error::{CallError, SendError};
use crate::handle::Peer;
use crate::proto::EncodedCall;
use crate::value::WsError;
use futures_core::Stream;
use futures_util::stream::FuturesUnordered;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// A request to each peer of an [`Audience`]: a stream of the peers and their results, in the order in which they come.
///
/// The first poll sends the request to each peer that is selected then. The stream ends after the result of each of them.
/// A peer whose connection closes has an error as its result. **Dropping the stream cancels the calls** that have no result
/// yet: their peers are notified and drop the handlers' futures.
///
/// Each call has the time [`call_timeout`](crate::Limits::call_timeout), or that of [`timeout`](Self::timeout), counted
/// from the first poll. A request that cannot be encoded is sent to nobody, and the error is the only item, with the first
/// of the peers.
///
/// ```
/// # use futures_util::StreamExt;
/// # use std::time::Duration;
/// # use wswrapper::{Client, Server, transport::memory};
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = Server::builder().build()?;
/// # let (client_transport, server_transport) = memory::pair();
/// # server.accept_transport(server_transport)?;
/// # let client = Client::connect_transport(client_transport)?;
/// # client.on("load", || async { 7 })?;
/// let loads = server.broadcast().each().request::<u32>("load", ()).timeout(Duration::from_secs(1));
/// let loads: Vec<_> = loads.collect().await;
/// assert!(matches!(&loads[..], [(_peer, Ok(7))]));
/// # Ok(())
/// # }
/// ```
#[must_use = "the calls are only sent when the stream is polled"]
pub struct Calls<T, E> {
    audience: Audience,
    timeout: Option<Duration>,
    /// Taken at the first poll.
    request: Option<Result<EncodedCall, SendError>>,
    running: FuturesUnordered<CallOfPeer<T, E>>,
}

impl<T: FromResponse, E> Calls<T, E> {
    pub(super) fn new(audience: &Audience, request: Result<EncodedCall, SendError>) -> Self {
        Self { audience: audience.clone(), timeout: None, request: Some(request), running: FuturesUnordered::new() }
    }

    /// Starts the calls.
    fn start(&mut self, request: Result<EncodedCall, SendError>) {
        let members = self.audience.members.select(&self.audience.selection);
        match request {
            Ok(request) => {
                for shared in &*members {
                    self.push(shared, Ok(request.clone()));
                }
            }
            Err(error) => {
                if let Some(shared) = members.first() {
                    self.push(shared, Err(error));
                }
            }
        }
    }

    fn push(&self, shared: &Arc<Shared>, request: Result<EncodedCall, SendError>) {
        let mut call = Call::new(ConnectionHandle::new(shared), request);
        if let Some(timeout) = self.timeout {
            call = call.timeout(timeout);
        }
        // A poll of `running` ends at the first result.
        call.start();
        self.running.push(CallOfPeer { shared: Arc::clone(shared), call });
    }
}

impl<T, E> Calls<T, E> {
    /// Sets the time for each of the calls, counted from the first poll; see [`Call::timeout`].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

impl<T: FromResponse, E: WsError> Stream for Calls<T, E> {
    type Item = (Peer, Result<T, CallError<E::Remote>>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(request) = self.request.take() {
            self.start(request);
        }
        Pin::new(&mut self.running).poll_next(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self.request {
            None => (self.running.len(), Some(self.running.len())),
            Some(_) => (0, None),
        }
    }
}

impl<T, E> fmt::Debug for Calls<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls")
            .field("audience", &self.audience)
            .field("running", &self.running.len())
            .finish_non_exhaustive()
    }
}

/// The call of one peer.
struct CallOfPeer<T, E> {
    shared: Arc<Shared>,
    call: Call<T, E>,
}

impl<T: FromResponse, E: WsError> Future for CallOfPeer<T, E> {
    type Output = (Peer, Result<T, CallError<E::Remote>>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = Pin::new(&mut self.call).poll(cx);
        result.map(|result| (Peer::of(&self.shared), result))
    }
}
