//! Calls and events that this endpoint sends.
//!
//! A method of a proxy returns a [`Call`], or an [`UploadCall`] if it sends a stream, or an [`Emit`] for an event. A
//! proxy sends to any [`Target`].

mod cancel;
mod emit;
pub(crate) mod proxy;
mod raw;
pub(crate) mod response;
mod resubscribe;
mod resubscribed;
pub(crate) mod source;
pub(crate) mod target;
mod upload;

pub use crate::engine::OnFull;
pub use emit::Emit;
pub use proxy::Text;
pub(crate) use raw::{Answer, Offline, RawCall};
pub use response::FromResponse;
pub(crate) use response::unexpected_answer;
pub use resubscribe::Resubscribe;
pub use resubscribed::Resubscribed;
pub(crate) use target::into_target;
pub use target::{EventFuture, IntoTarget, PeerTarget, RequestTarget, Target, UnnamedTarget};
pub use upload::UploadCall;

use self::response::ReceivedResponse;
use crate::engine::{ConnectionHandle, Expected};
use crate::error::{CallError, SendError};
use crate::proto::{EncodedCall, Reason, Resume, TraceContext};
use crate::value::WsError;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// A request: a future of its result.
///
/// The first poll queues the request. If the peer's queue is full, the request waits for capacity. **Dropping the
/// future cancels the call**: the peer is notified and drops the handler's future. A request that was not queued is not
/// sent.
///
/// `T` is the result and `E` the error of the contract; the caller receives the error as [`WsError::Remote`].
///
/// The time for the call is [`call_timeout`](crate::Limits::call_timeout), or its own [`timeout`](Self::timeout),
/// counted from the first poll.
///
/// The future can be polled by any executor, also outside a tokio runtime.
///
/// ```
/// # use std::time::Duration;
/// # use wswrapper::{CallError, Client, Server, transport::memory};
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = Server::builder().build()?;
/// # server.on("add", |a: i64, b: i64| async move { a + b })?;
/// # server.on("never", || std::future::pending::<()>())?;
/// # let (client_transport, server_transport) = memory::pair();
/// # server.accept_transport(server_transport)?;
/// # let client = Client::connect_transport(client_transport)?;
/// assert_eq!(client.request::<i64>("add", (1, 2)).await?, 3);
///
/// let result = client.request::<()>("never", ()).timeout(Duration::from_secs(1)).await;
/// assert!(matches!(result, Err(CallError::TimedOut)));
/// # Ok(())
/// # }
/// ```
#[must_use = "a call is only sent when it is awaited"]
pub struct Call<T, E> {
    raw: RawCall,
    types: PhantomData<fn() -> (T, E)>,
}

impl<T: FromResponse, E> Call<T, E> {
    pub(crate) fn new(connection: ConnectionHandle, call: Result<EncodedCall, SendError>) -> Self {
        Self { raw: RawCall::new(connection, call, T::KIND.expected()), types: PhantomData }
    }
}

impl<T, E> Call<T, E> {
    /// Sets the time for the call, counted from the first poll. After it the call fails with [`CallError::TimedOut`].
    ///
    /// The peer receives `timeout` with the request [X-03], and a cancellation when the time is over [P-54].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.raw.timeout = Some(timeout);
        self
    }

    /// Lets the call wait while [`max_calls_in_flight`](crate::Limits::max_calls_in_flight) calls wait for a response,
    /// instead of failing with [`TooManyCalls`](SendError::TooManyCalls).
    ///
    /// Calls that wait are sent in the order of their first polls. The wait counts against the timeout of the call.
    /// Dropping the future ends the wait, and nothing is sent.
    ///
    /// ```
    /// # use futures_util::future::try_join_all;
    /// # use wswrapper::{Client, Limits, Server, transport::memory};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = Server::builder().build()?;
    /// # server.on("double", |n: u32| async move { 2 * n })?;
    /// # let (client_transport, server_transport) = memory::pair();
    /// # server.accept_transport(server_transport)?;
    /// let limits = Limits::default().max_calls_in_flight(10);
    /// let client = Client::builder().limits(limits).connect_transport(client_transport)?;
    /// let calls = (0..1_000).map(|n| client.request::<u32>("double", (n,)).wait_for_capacity());
    /// assert_eq!(try_join_all(calls).await?[999], 1_998);
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait_for_capacity(mut self) -> Self {
        self.raw.waits_for_capacity = true;
        self
    }

    /// Lets the call wait for at most `wait` from its first poll on while its client has no connection, instead of
    /// failing with [`Closed`](SendError::Closed).
    ///
    /// Calls and events that wait are sent in the order of their first polls, after the hook
    /// [`on_open`](crate::client::ClientBuilder::on_open) of the next connection. At most
    /// [`max_queued_calls`](crate::Limits::max_queued_calls) wait, with
    /// [`max_outbound_bytes`](crate::Limits::max_outbound_bytes); a further one fails with [`Full`](SendError::Full).
    /// The wait counts against the timeout of the call, after which it fails with `NotSent` and
    /// [`TimedOut`](SendError::TimedOut). After `wait` the call fails with `NotSent` and [`Closed`](SendError::Closed). Dropping the future ends the wait, and nothing is sent.
    ///
    /// A call that was sent is never sent again, unless it is [idempotent](Self::idempotent), or a server that drains has
    /// rejected it: if the connection is lost before its response, it fails with [`CallError::Closed`].
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use wswrapper::{Client, Server, transport::memory};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = Server::builder().build()?;
    /// # server.on("add", |a: i64, b: i64| async move { a + b })?;
    /// # let (client_transport, server_transport) = memory::pair();
    /// # let client = Client::connect_transport(client_transport)?;
    /// # drop(server_transport);
    /// # client.closed().await;
    /// let adding = tokio::spawn(client.request::<i64>("add", (1, 2)).queue(Duration::from_secs(10)));
    /// // ... The client is connected again:
    /// # let (client_transport, server_transport) = memory::pair();
    /// # server.accept_transport(server_transport)?;
    /// client.rebind(client_transport).await?;
    /// assert_eq!(adding.await??, 3);
    /// # Ok(())
    /// # }
    /// ```
    pub fn queue(mut self, wait: Duration) -> Self {
        self.raw.offline = Offline::Queue(wait);
        self
    }

    /// Marks the request as one that may be sent again. `#[ws(idempotent)]` does this for the method of a contract.
    ///
    /// If the connection is lost before the response, a client that connects again sends the request again, and the call
    /// waits for the response to that. So the handler may run more than once, also while its first run has not finished.
    /// No other request is ever sent twice.
    ///
    /// All requests of the call together have one [timeout](Self::timeout), counted from the first poll. The call keeps a
    /// copy of its arguments until it finishes. A request on an [`AnonymousChannel`](crate::AnonymousChannel) is not sent
    /// again, because its channel is lost with the connection.
    ///
    /// ```
    /// # use wswrapper::{Client, Server, transport::memory};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = Server::builder().build()?;
    /// # server.on("price", |_of: String| async move { 12 })?;
    /// # let (client_transport, server_transport) = memory::pair();
    /// # server.accept_transport(server_transport)?;
    /// # let client = Client::connect_transport(client_transport)?;
    /// let price: u32 = client.request("price", ("tea",)).idempotent().await?;
    /// # assert_eq!(price, 12);
    /// # Ok(())
    /// # }
    /// ```
    pub fn idempotent(mut self) -> Self {
        self.raw.is_idempotent = true;
        self
    }

    /// Sends an idempotent call again after a rejection that says [when](crate::error::Rejection::retry_after), for example because of a
    /// [rate](crate::service::layer), at most `times` times.
    ///
    /// It waits as long as the rejection says. A rejection whose time is not over before the [timeout](Self::timeout) of the
    /// call is its result, and so is the last one. A call that is not [idempotent](Self::idempotent) is not sent again. The
    /// wait needs a runtime of tokio.
    ///
    /// ```
    /// # use wswrapper::{Client, Server, error::Rejection, transport::memory};
    /// # use std::sync::atomic::{AtomicU32, Ordering};
    /// # use std::time::Duration;
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = Server::builder().build()?;
    /// # let calls = std::sync::Arc::new(AtomicU32::new(0));
    /// # server.on("price", move |_of: String| {
    /// #     let is_first = calls.fetch_add(1, Ordering::Relaxed) == 0;
    /// #     async move {
    /// #         let busy = Rejection::new("busy").with_retry_after(Duration::from_secs(2));
    /// #         if is_first { Err(busy) } else { Ok(12) }
    /// #     }
    /// # })?;
    /// # let (client_transport, server_transport) = memory::pair();
    /// # server.accept_transport(server_transport)?;
    /// # let client = Client::connect_transport(client_transport)?;
    /// let price: u32 = client.request("price", ("tea",)).idempotent().retry_rejected(3).await?;
    /// # assert_eq!(price, 12);
    /// # Ok(())
    /// # }
    /// ```
    pub fn retry_rejected(mut self, times: u32) -> Self {
        self.raw.retries = times;
        self
    }

    /// Sends the call as a part of this distributed trace, instead of that of its span or of the handler that calls [X-04].
    ///
    /// A task that a handler has spawned passes on the trace of the handler's
    /// [context](crate::Context::trace_context) by this method.
    pub fn trace_context(mut self, trace: TraceContext) -> Self {
        self.raw.set_trace_context(trace);
        self
    }

    /// Cancels the call and sends the peer this reason. Dropping the call cancels it without a reason.
    pub fn cancel(mut self, reason: &Reason) {
        self.raw.cancel(Some(reason));
    }
}

impl<T: FromResponse, E: WsError> Future for Call<T, E> {
    type Output = Result<T, CallError<E::Remote>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let raw = &mut self.get_mut().raw;
        let answer = ready!(raw.poll(cx))?.into_answer::<E>()?;
        let response = ReceivedResponse { connection: &raw.connection, expected: &raw.expected, answer };
        Poll::Ready(T::from_response(response).map_err(CallError::Decode))
    }
}

impl<T, E> fmt::Debug for Call<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("peer", &self.raw.connection.shared().id).finish_non_exhaustive()
    }
}

impl<T, E> Call<T, E> {
    /// Sends the call before its first poll.
    pub(crate) fn start(&mut self) {
        self.raw.start();
    }

    pub(crate) fn expected(&self) -> &Expected {
        &self.raw.expected
    }

    pub(crate) fn set_expected(&mut self, expected: Expected) {
        self.raw.expected = expected;
    }

    /// Returns the encoded call, if it was not polled and could be encoded. `None` also for a call on an anonymous
    /// channel, which cannot be sent over another connection.
    pub(crate) fn encoded(&self) -> Option<&EncodedCall> {
        self.raw.encoded()
    }

    /// Returns the call without its types, as a call of a resumable stream.
    pub(crate) fn into_raw(self, resume: Resume) -> RawCall {
        self.raw.resuming(resume)
    }

    /// Returns the same call with another type of result.
    pub(crate) fn with_result<U>(self) -> Call<U, E> {
        Call { raw: self.raw, types: PhantomData }
    }
}
