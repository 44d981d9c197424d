//! The context of a call.

use crate::engine::{CallState, Extensions, PeerId, Selection, Shared};
use crate::error::SpawnError;
use crate::handle::{AnonymousChannel, Audience, Peer};
use crate::handshake::Handshake;
use crate::proto::{Reason, TraceContext};
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// The context of a call: its caller, its connection, and its cancellation.
///
/// A method takes it as the first argument after `&self`, a closure as its first argument. The caller does not send
/// it, and the proxy's method does not have it.
///
/// A context can be cloned and can outlive its handler. It does not keep the connection open.
///
/// ```
/// # use wswrapper::{ws_handlers, Context};
/// # struct Desk;
/// #[ws_handlers]
/// impl Desk {
///     pub async fn whoami(&self, ctx: Context) -> String {
///         format!("{}", ctx.peer().id())
///     }
/// }
/// ```
#[derive(Clone)]
pub struct Context {
    shared: Arc<Shared>,
    call: Arc<CallState>,
}

/// The type of an argument that is called `Context` or is marked as one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not `wswrapper::Context`",
    label = "only `wswrapper::Context` can be here",
    note = "import a type of your own under another name: `use my::Context as Settings;`"
)]
pub trait ContextArgument: From<Context> {}

impl ContextArgument for Context {}

impl Context {
    pub(crate) fn new(shared: Arc<Shared>, call: Arc<CallState>) -> Self {
        Self { shared, call }
    }

    /// Returns the peer that called. The handler can call it, send it events, or close its connection.
    pub fn peer(&self) -> Peer {
        Peer::of(&self.shared)
    }

    /// Returns the number of the connection, which is unique in this process.
    pub fn peer_id(&self) -> PeerId {
        self.shared.id
    }

    /// Returns the HTTP request that opened the connection: path, query, headers and address.
    pub fn handshake(&self) -> &Handshake {
        &self.call.epoch.handshake
    }

    /// Returns the values that are stored with the connection.
    pub fn extensions(&self) -> &Extensions {
        &self.call.epoch.extensions
    }

    /// Returns a copy of the value of this type that a [layer](crate::service::layer) has stored with the call, or that is
    /// stored with the connection; see [`Extensions::cloned`].
    pub fn extension<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        self.call.extension()
    }

    /// Creates an anonymous channel that is not open yet. The handler returns it as its response.
    ///
    /// The channel opens when the caller receives it. If the handler finishes without returning the channel,
    /// the channel is closed.
    pub fn open_channel(&self) -> AnonymousChannel {
        let channel = AnonymousChannel::new(self.peer());
        self.call.add_channel(&self.shared, channel.channel_state());
        channel
    }

    /// Returns the anonymous channel that the call came on, if any.
    ///
    /// A handler of a [`Scoped`](crate::Scoped) service uses it to call its caller back. The handle does not keep the
    /// channel open.
    pub fn current_channel(&self) -> Option<AnonymousChannel> {
        self.call.channel_state.as_ref().map(|channel_state| AnonymousChannel::of(self.peer(), channel_state))
    }

    /// Returns the name of the channel that the call came on.
    ///
    /// `None` is the main channel, or an [anonymous channel](Self::current_channel).
    pub fn channel_name(&self) -> Option<&str> {
        self.call.channel.as_deref()
    }

    /// Returns true if the call is a request. An event has no answer.
    pub fn is_request(&self) -> bool {
        self.call.id.is_some()
    }

    /// Returns the time that the caller waits for the answer, counted from the arrival of the call.
    ///
    /// `None` if the caller did not state it [X-03].
    pub fn caller_timeout(&self) -> Option<Duration> {
        self.call.caller_timeout
    }

    /// Returns the place of the call in a distributed trace, if its caller has sent one [X-04].
    ///
    /// Calls that the handler makes while it is polled carry it on without more; see
    /// [`Call::trace_context`](crate::Call::trace_context) for other tasks.
    ///
    /// ```
    /// # use wswrapper::{ws_handlers, Context};
    /// # struct Desk;
    /// #[ws_handlers]
    /// impl Desk {
    ///     pub async fn price(&self, ctx: Context) -> u32 {
    ///         if let Some(trace) = ctx.trace_context() {
    ///             println!("traceparent: {trace}");
    ///         }
    ///         12
    ///     }
    /// }
    /// ```
    pub fn trace_context(&self) -> Option<&TraceContext> {
        self.call.trace.as_deref()
    }

    /// Returns the connections of this server or client, as a target for events.
    ///
    /// A proxy for it sends its events to all of them: `NewsProxy::new(ctx.broadcast())`.
    pub fn broadcast(&self) -> Audience {
        self.peer().broadcast()
    }

    /// Returns the connections in a room, as a target for events; see [`Server::room`](crate::Server::room).
    ///
    /// Those without the caller are `ctx.room("tea").except(ctx.peer())`.
    pub fn room(&self, room: &str) -> Audience {
        self.peer().room(room)
    }

    /// Returns the connections of a user, as a target for events; see [`Server::user`](crate::Server::user).
    ///
    /// The other connections of the caller's user are `ctx.user(name).except(ctx.peer())`.
    pub fn user(&self, user: &str) -> Audience {
        self.peer().audience(Selection::User(user.into()))
    }

    /// Waits until the server [drains](crate::Server::shutdown) or closes, or the connection drains for its
    /// [age](crate::Limits::max_connection_age) or by [`Peer::drain`]. Cancel-safe.
    ///
    /// A stream without end finishes then, so that the drain does not wait for its deadline. At a client it
    /// returns when the client is stopped and its handlers were dropped, for [background work](Self::spawn). The future
    /// does not keep the connection open.
    ///
    /// ```
    /// # use futures_util::{StreamExt, stream};
    /// # use wswrapper::{Context, Stream, ws_handlers};
    /// # struct Clock;
    /// #[ws_handlers]
    /// impl Clock {
    ///     pub async fn ticks(&self, ctx: Context) -> impl Stream<Item = u64> + Send {
    ///         let ticks = stream::iter(0..).then(|n| async move {
    ///             tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    ///             n
    ///         });
    ///         ticks.take_until(Box::pin(ctx.draining()))
    ///     }
    /// }
    /// ```
    pub fn draining(&self) -> impl Future<Output = ()> + Send + use<> {
        let shared = Arc::clone(&self.shared);
        async move { shared.draining().await }
    }

    /// Starts background work: a task that outlives the call and its connection, and not the server or client.
    ///
    /// It lasts until `work` has finished, also if the call is cancelled or the connection is lost:
    ///
    /// - [`Server::shutdown`](crate::Server::shutdown) waits for it until its deadline, and [`Client::stop`](crate::Client::stop)
    ///   for its timeout. What is left then is dropped at its `.await`, and counted in
    ///   [`ShutdownReport::background_cut_off`](crate::server::ShutdownReport::background_cut_off).
    /// - [`Server::close`](crate::Server::close) waits for [`close_timeout`](crate::Limits::close_timeout) and one second.
    /// - Dropping the last handle of the server or client drops the work soon after.
    ///
    /// Work keeps no connection open, so a drain may close the connection while the work goes on. Work in a loop ends by
    /// [`draining`](Self::draining) or [`Server::draining`](crate::Server::draining), so that a drain does not have to wait
    /// for its deadline; the former is also ready when the connection alone drains. `work` does not get the context; a
    /// clone of it may be moved in. Work that holds a `Server` or a `Client` keeps it open, as any handle does; a `Context`
    /// does not.
    ///
    /// A panic is reported to [`on_error`](crate::server::ServerBuilder::on_error) as
    /// [`BackgroundPanicked`](crate::error::ServiceError::BackgroundPanicked). With [spans](crate::observe::Spans) the work
    /// has a span `background`. Its calls carry on the [trace](Self::trace_context) of this call.
    ///
    /// It can be called in a `#[ws(blocking)]` handler, too. Fails with [`SpawnError::Full`] if
    /// [`max_background_tasks`](crate::Limits::max_background_tasks) run already, and with [`SpawnError::Closed`] at the end
    /// of the server or client.
    ///
    /// ```
    /// # use wswrapper::{Context, error::SpawnError, ws_handlers};
    /// # async fn send_mail(to: String) {}
    /// # struct Desk;
    /// #[ws_handlers]
    /// impl Desk {
    ///     /// Answers at once. The mail is sent also if the caller leaves.
    ///     pub async fn order(&self, ctx: Context, to: String) -> bool {
    ///         ctx.spawn(send_mail(to)).is_ok()
    ///     }
    /// }
    /// ```
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime, for example in a thread of `std::thread`.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> Result<(), SpawnError> {
        self.shared.spawn_background(self.trace_context(), Box::pin(work))
    }

    /// Returns true if the call was cancelled by its caller, or its connection is closed.
    pub fn is_cancelled(&self) -> bool {
        self.reason().is_some()
    }

    /// Returns the reason of the cancellation, or `None` while the call is not cancelled and its connection is open.
    pub fn reason(&self) -> Option<&Reason> {
        self.call.cancel_reason()
    }

    /// Waits until the call is cancelled or its connection is closed, and returns the reason. Cancel-safe.
    ///
    /// A call whose handler has returned can no longer be cancelled. Then only the close of the connection is waited
    /// for.
    ///
    /// The handler's own future is dropped on cancellation. Use this method in tasks and threads that the handler has
    /// started:
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use wswrapper::{Context, ws_handlers};
    /// # struct Desk;
    /// #[ws_handlers]
    /// impl Desk {
    ///     pub async fn watch(&self, ctx: Context) {
    ///         let job = tokio::spawn(async move {
    ///             tokio::select! {
    ///                 reason = ctx.cancelled() => println!("stopped: {reason}"),
    ///                 () = tokio::time::sleep(Duration::from_secs(60)) => println!("done"),
    ///             }
    ///         });
    ///         job.await.ok();
    ///     }
    /// }
    /// ```
    pub async fn cancelled(&self) -> &Reason {
        self.call.cancelled().await
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("peer", &self.shared.id)
            .field("request", &self.call.id)
            .field("channel", &self.channel_name())
            .field("cancelled", &self.reason())
            .finish_non_exhaustive()
    }
}
