//! The builder of servers and clients.

use crate::close::Closed;
use crate::engine::{Budget, DynamicHandlers, Hooks, LocalEndpoint, MessageLog, Observer, Observers, Router};
use crate::error::{MountError, PeerError};
use crate::handle::Peer;
use crate::limits::Limits;
use crate::observe::OpenResult;
use crate::observe::hooks::{self, ErrorHook, MessageHook, SentMessageHook};
use crate::proto::Side;
use crate::service::{Contract, Serves};
use std::fmt;
use std::future::Future;
use std::sync::Arc;

/// Configures the services, limits and hooks of a [server](crate::ServerBuilder) or a [client](crate::ClientBuilder).
///
/// If a service cannot be mounted, building the server or connecting the client returns the error.
///
/// ```
/// use wswrapper::{Client, Limits, MountError, Server, ws_handlers};
///
/// struct Clock;
///
/// #[ws_handlers]
/// impl Clock {
///     async fn now(&self) -> u64 {
///         1_700_000_000
///     }
/// }
///
/// # fn main() -> Result<(), MountError> {
/// let limits = Limits { max_message_size: 64 * 1024, ..Limits::default() };
/// let server = Server::builder().service(Clock).limits(limits).on_error(|_, error| eprintln!("{error}")).build()?;
/// let client = Client::builder().service(Clock);
/// # Ok(())
/// # }
/// ```
#[must_use = "a builder does nothing until it is built"]
pub struct Builder<R> {
    router: Router,
    limits: Limits,
    hooks: Hooks,
    observers: Observers,
    /// The first service that could not be mounted.
    error: Option<MountError>,
    pub(crate) role: R,
}

impl<R> Builder<R> {
    pub(crate) fn new(role: R) -> Self {
        Self {
            router: Router::default(),
            limits: Limits::default(),
            hooks: Hooks::default(),
            observers: Observers::default(),
            error: None,
            role,
        }
    }

    /// Mounts a service: one object that serves all connections.
    ///
    /// It is mounted on the channel that its contract or its handlers name, or else on the main channel. A type that
    /// serves several contracts is mounted by [`service_as`](Self::service_as). To keep using the object, mount it as
    /// an [`Arc`].
    pub fn service<C: Contract + ?Sized>(self, service: impl Serves<C>) -> Self {
        self.service_as(service)
    }

    /// Mounts a service for one of the contracts that its type serves: `.service_as::<dyn Math>(desk)`.
    pub fn service_as<C: Contract + ?Sized>(self, service: impl Serves<C>) -> Self {
        let channel = channel_of(&service);
        self.mount(channel, service)
    }

    /// Mounts a service on this channel instead of the channel of its contract.
    ///
    /// The peer creates its proxy for [that channel](Peer::channel).
    pub fn service_at<C: Contract + ?Sized>(self, channel: &str, service: impl Serves<C>) -> Self {
        self.mount(Some(channel), service)
    }

    /// Mounts a service with one object for each connection.
    ///
    /// `make` creates the object at the connection's first call of the service. The object is dropped when the
    /// connection closes.
    pub fn service_with<C, S, F>(mut self, make: F) -> Self
    where
        C: Contract + ?Sized,
        S: Serves<C>,
        F: Fn(&Peer) -> S + Send + Sync + 'static,
    {
        let session_index = self.router.add_session();
        let mounted = self.router.add_all(S::CHANNEL, S::per_connection(make, session_index));
        self.note(mounted)
    }

    /// Sets the limits of each connection. The default is [`Limits::default`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits.with_minimums();
        self
    }

    /// Adds a hook that runs for each new connection, before its first call starts.
    ///
    /// Several hooks run one after the other. After an error the others do not run.
    ///
    /// The hook may call the peer and add handlers for it alone. The peer's calls wait until the hook returns; if the
    /// hooks of both endpoints call each other, give those calls a timeout.
    ///
    /// The hook returns `()` or a `Result`, see [`OpenResult`]. If it returns an error, or does not return within
    /// [`open_timeout`](Limits::open_timeout), the connection is closed with status 1011. The failure is passed to
    /// [`on_error`](Self::on_error); the peer does not receive its text. A panic is such a failure. To tell the peer the
    /// reason, the hook closes the connection itself, for example by `peer.close(4401, "log in first")`.
    ///
    /// [`Client::connect`](crate::Client::connect) waits for the hook of its own builder, and fails with
    /// [`ConnectError::Open`](crate::ConnectError::Open). It does not wait for the hook of the server: if that fails,
    /// the client's calls fail with [`CallError::Closed`](crate::CallError::Closed) and status 1011. `Client::over` and
    /// [`Client::bind`](crate::Client::bind) wait for no hook; after a failure the calls of their client fail with status
    /// 1011, too.
    ///
    /// ```
    /// # use wswrapper::{CallError, Rejection, Server};
    /// let server = Server::builder().on_open(|peer| async move {
    ///     let name = peer.request::<String>("name", ()).timeout(std::time::Duration::from_secs(5)).await?;
    ///     println!("{name} is connected, by {}", peer.handshake().path());
    ///     Ok::<(), CallError<Rejection>>(())
    /// });
    /// ```
    pub fn on_open<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(Peer) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: OpenResult> + Send + 'static,
    {
        self.hooks.add_open(hooks::open(hook));
        self
    }

    /// Adds a hook that runs for each closed connection, after its handlers and services were dropped.
    ///
    /// Several hooks run one after the other.
    ///
    /// What is [stored](Peer::extensions) with the connection is still there. Whoever waits for the close, for example in
    /// [`Peer::closed`], waits for the hook too, so the hook itself must not. A client can be
    /// [bound](crate::Client::bind) again when the hook has returned. It is not called if the task of the connection is
    /// aborted, for example with its runtime.
    ///
    /// ```
    /// # use wswrapper::{CloseCause, Server};
    /// let server = Server::builder().on_close(|peer, closed| async move {
    ///     match closed.cause {
    ///         CloseCause::Local | CloseCause::Remote => {}
    ///         _ => println!("{}: {closed}", peer.id()),
    ///     }
    /// });
    /// ```
    pub fn on_close<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(Peer, Closed) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.hooks.add_close(hooks::close(hook));
        self
    }

    /// Adds a hook for errors while this endpoint serves a peer: dropped events, internal errors, panics, and errors of
    /// the transport and of [`on_open`](Self::on_open).
    ///
    /// Each error is also logged by `tracing` as a warning.
    ///
    /// ```
    /// # use wswrapper::{PeerError, Server};
    /// let server = Server::builder().on_error(|peer, error| match error {
    ///     PeerError::Internal { event, source } => eprintln!("{event}: {source}"),
    ///     other => eprintln!("peer {}: {other}", peer.id()),
    /// });
    /// ```
    pub fn on_error(self, hook: impl Fn(&Peer, &PeerError) + Send + Sync + 'static) -> Self {
        self.observer(ErrorHook(hook))
    }

    /// Adds a hook that observes each incoming message, for logging.
    ///
    /// It is called when the message arrives. For a call it is called again when the handler finishes, with the time
    /// that the handler took and its outcome. Without a hook there is no cost.
    ///
    /// ```
    /// # use wswrapper::Server;
    /// let server = Server::builder().on_message(|peer, message| {
    ///     let event = message.event.unwrap_or("-");
    ///     match (message.took, message.outcome) {
    ///         (Some(took), Some(outcome)) => println!("{} {event}: {outcome:?} after {took:?}", peer.id()),
    ///         _ => println!("{} {:?} {event}: {} bytes, {}", peer.id(), message.kind, message.bytes, message.text),
    ///     }
    /// });
    /// ```
    pub fn on_message(self, hook: impl Fn(&Peer, &MessageLog<'_>) + Send + Sync + 'static) -> Self {
        self.observer(MessageHook(hook))
    }

    /// Adds a hook that observes each outgoing message, for logging.
    ///
    /// It is called when the message moves from its queue to the output of the connection, in the order in which the
    /// messages are sent. A message that is still queued when the connection closes is not reported. Without a hook
    /// there is no cost. The hook must not send a message for each message that it gets.
    ///
    /// ```
    /// # use wswrapper::Server;
    /// let server = Server::builder().on_message_sent(|peer, message| {
    ///     println!("to {}: {:?}, {} bytes, {}", peer.id(), message.kind, message.bytes, message.text);
    /// });
    /// ```
    pub fn on_message_sent(self, hook: impl Fn(&Peer, &MessageLog<'_>) + Send + Sync + 'static) -> Self {
        self.observer(SentMessageHook(hook))
    }

    /// Adds an observer, which is told what happens on the connections.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observers.add(observer);
        self
    }

    fn mount<C: Contract + ?Sized, S: Serves<C>>(mut self, channel: Option<&str>, service: S) -> Self {
        let mounted = self.router.add_all(channel, S::shared(&Arc::new(service)));
        self.note(mounted)
    }

    pub(crate) fn note(mut self, mounted: Result<(), MountError>) -> Self {
        self.error = self.error.or(mounted.err());
        self
    }

    pub(crate) fn finish(self, side: Side) -> Result<(LocalEndpoint, R), MountError> {
        match self.error {
            Some(error) => Err(error),
            None => {
                let Self { router, limits, hooks, observers, role, .. } = self;
                let (handlers, budget) = (DynamicHandlers::default(), Budget::new(limits.max_buffered_bytes));
                Ok((LocalEndpoint { side, router, handlers, limits, hooks, observers, budget }, role))
            }
        }
    }
}

fn channel_of<C: Contract + ?Sized, S: Serves<C>>(_: &S) -> Option<&'static str> {
    S::CHANNEL
}

impl<R> fmt::Debug for Builder<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("limits", &self.limits).field("error", &self.error).finish_non_exhaustive()
    }
}
