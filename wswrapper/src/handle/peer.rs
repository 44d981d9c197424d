//! The handle to a peer.

use super::channel::Channel;
use crate::call::target::{SendTo, UnnamedTarget};
use crate::call::{Call, Emit, FromResponse, PeerTarget, RequestTarget, Target, into_target};
use crate::close::{Close, CloseRequest, Closed};
use crate::engine::{ConnectionHandle, ConnectionView, Counters, Extensions, PeerId, Shared};
use crate::error::SendError;
use crate::handshake::Handshake;
use crate::proto::{EncodedCall, Side};
use crate::rt::{Instant, after};
use serde::Serialize;
use std::fmt;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

/// A handle to the remote endpoint of a connection. Both endpoints have one, and both may call.
///
/// It is the target of a proxy, `CalcProxy::new(&peer)`, and sends and handles messages by name.
///
/// A `Peer` is cheap to clone. A `Peer` from a [`Client`](crate::Client) keeps the connection open; a `Peer` from a
/// server does not. Two handles are equal if they belong to the same connection.
///
/// ```
/// # use wswrapper::{Client, Server, connection::CloseCause, transport::memory};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = Server::builder().build()?;
/// # let (client_transport, server_transport) = memory::pair();
/// // A server calls its client.
/// let peer = server.accept_transport(server_transport)?;
/// let client = Client::connect_transport(client_transport)?;
/// client.on("name", || async { "Ada" })?;
/// assert_eq!(peer.request::<String>("name", ()).await?, "Ada");
///
/// peer.close(4000, "enough");
/// let closed = peer.closed().await;
/// assert_eq!((closed.code, closed.cause), (4000, CloseCause::Local));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Peer {
    connection: ConnectionHandle,
}

impl Peer {
    /// Creates a handle that does not keep the connection open.
    pub(crate) fn of(shared: &Arc<Shared>) -> Self {
        Self::new(ConnectionHandle::new(shared))
    }

    pub(crate) fn new(connection: ConnectionHandle) -> Self {
        Self { connection }
    }

    pub(crate) fn connection(&self) -> &ConnectionHandle {
        &self.connection
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        self.connection.shared()
    }

    /// Returns the number of this connection, which is unique in this process.
    pub fn id(&self) -> PeerId {
        self.shared().id
    }

    /// Returns the number of the connection among those of its client, from 1 on, and 0 before the first one. The number
    /// of a server's connection is 1.
    pub fn epoch(&self) -> u64 {
        self.shared().epoch().number
    }

    /// Returns the request that opened the connection: path, query, headers, address.
    ///
    /// Those of a client are those of its present or last connection.
    pub fn handshake(&self) -> Handshake {
        self.shared().epoch().handshake.clone()
    }

    /// Returns a named channel of this connection. Sends nothing.
    ///
    /// If `name` is empty, each use of the channel fails with [`SendError::Name`].
    pub fn channel(&self, name: &str) -> Channel {
        Channel::new(self.clone(), name)
    }

    /// Lets the peer leave a channel that it has [entered](crate::Router::on_enter): runs the
    /// [`on_leave`](crate::Router::on_leave) hooks.
    ///
    /// Returns false if it is not on a channel of this name that has hooks. Running handlers go on. The next call of the
    /// peer on the channel waits for the hooks, and then enters the channel again. If the future is dropped, the
    /// hooks go on with that call, or at the end of the connection.
    pub async fn leave_channel(&self, name: &str) -> bool {
        crate::engine::leave_channel(self.shared(), name).await
    }

    /// Returns true if the connection is open and the local endpoint has not started to close it.
    pub fn is_open(&self) -> bool {
        self.shared().is_open()
    }

    /// Returns a handle of the same connection whose requests have this timeout, unless they set one of their own; see
    /// [`Call::timeout`](crate::Call::timeout).
    ///
    /// So have the channels and proxies that are made of it: `DeskProxy::new(peer.with_timeout(..))`.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self::new(self.connection.with_defaults(|defaults| defaults.timeout = Some(timeout)))
    }

    /// Returns a handle of the same connection whose requests carry this metadata [X-01], beside what the handle has
    /// already.
    ///
    /// Guards and layers of the other endpoint [read](crate::service::layer::LayerCall::meta) it. An endpoint that does not
    /// know it ignores it. Events carry none. Fails if the value cannot be encoded, or if the name is empty or has one or two
    /// characters, which are reserved.
    ///
    /// ```
    /// # use wswrapper::{Client, Server, transport::memory};
    /// use wswrapper::service::layer::GuardCall;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = Server::builder().guard(|call: &GuardCall<'_>| match call.meta() {
    ///     Some(meta) if meta.get().contains(r#""tenant":"tea""#) => Ok(()),
    ///     _ => Err("which tenant?"),
    /// });
    /// # let server = server.build()?;
    /// # server.on("price", || async { 12 })?;
    /// # let (client_transport, server_transport) = memory::pair();
    /// # server.accept_transport(server_transport)?;
    /// # let client = Client::connect_transport(client_transport)?;
    /// let tea = client.peer().with_meta("tenant", "tea")?;
    /// assert_eq!(tea.request::<u32>("price", ()).await?, 12);
    /// assert!(client.request::<u32>("price", ()).await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_meta<T: Serialize + ?Sized>(&self, name: &str, value: &T) -> Result<Self, serde_json::Error> {
        if name.chars().count() < 3 {
            return Err(serde::ser::Error::custom("a name of metadata has at least three characters"));
        }
        let member = format!("{}:{}", serde_json::to_string(name)?, serde_json::to_string(value)?);
        Ok(Self::new(self.connection.with_defaults(|defaults| {
            let members = match &defaults.members {
                Some(earlier) => format!("{earlier},{member}"),
                None => member,
            };
            defaults.members = Some(members.into());
        })))
    }

    /// Returns the numbers of calls, handlers, channels and bytes that the connection has now.
    pub fn counters(&self) -> Counters {
        self.shared().counters()
    }

    /// Returns the number of local calls that wait for a response.
    pub fn calls_in_flight(&self) -> usize {
        self.counters().calls_in_flight
    }

    /// Waits until everything that was queued before was written to the socket. The peer may not have received it yet.
    ///
    /// An event is queued when its [`Emit`] future is ready, a response when its handler has finished. Queued messages
    /// are written in the background, so they are lost if `main` returns before. [`close`](Self::close) writes them,
    /// too.
    ///
    /// Fails with [`SendError::Closed`] if the connection is closed first. Cancel-safe.
    ///
    /// ```
    /// # use wswrapper::{Client, Server, transport::memory};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = Server::builder().build()?;
    /// # let (client_transport, server_transport) = memory::pair();
    /// # server.accept_transport(server_transport)?;
    /// # let client = Client::connect_transport(client_transport)?;
    /// client.emit("news", ("hello",)).await?;
    /// client.flush().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn flush(&self) -> Result<(), SendError> {
        self.shared().flush(self.connection.hook()).await
    }

    /// Pings the peer, and returns the time until its answer came.
    ///
    /// Each WebSocket endpoint answers pings by itself, a page in a browser too. The time is measured from the writing of
    /// the ping to the reading of the pong. It includes the time in which either endpoint reads nothing else before.
    ///
    /// Several pings may wait at a time, up to [`max_calls_in_flight`](crate::Limits::max_calls_in_flight). A ping has no
    /// timeout of its own. A peer that sends nothing at all is found by the
    /// [heartbeat](crate::Limits::heartbeat_interval).
    ///
    /// Fails with [`SendError::Closed`] if the connection is closed first, with [`SendError::TooManyCalls`] at the limit,
    /// and with [`SendError::NoPings`] if the [transport](crate::transport::Transport::ping) cannot send pings.
    /// Cancel-safe.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use wswrapper::{Client, Server, transport::memory};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = Server::builder().build()?;
    /// let (client_transport, server_transport) = memory::builder().latency(Duration::from_millis(40)).pair();
    /// let peer = server.accept_transport(server_transport)?;
    /// # let client = Client::connect_transport(client_transport)?;
    /// assert_eq!(peer.ping().await?, Duration::from_millis(80));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn ping(&self) -> Result<Duration, SendError> {
        self.shared().ping().await
    }

    /// Starts to close the connection. Only the first call counts. [`closed`](Self::closed) waits for it.
    ///
    /// Everything queued before is still sent. The closing handshake takes at most
    /// [`close_timeout`](crate::Limits::close_timeout).
    ///
    /// `code` is a status from 1000 to 1003, 1007 to 1014 or 3000 to 4999; applications use 4000 to 4999 (RFC 6455,
    /// 7.4). Any other `code` is sent as no status, 1005. At most 123 bytes of `reason` are sent.
    pub fn close(&self, code: u16, reason: impl Into<String>) {
        self.shared().close(CloseRequest::local(Close::sendable(code), reason));
    }

    /// Starts to drain this connection of a server, which is then closed with status 1001. [`closed`](Self::closed) waits
    /// for it.
    ///
    /// It is what a [`shutdown`](crate::Server::shutdown) does with each connection, and what happens to one that has
    /// reached its [age](crate::Limits::max_connection_age): the peer receives the
    /// [drain event](crate::server::ServerBuilder::drain_event), new requests are rejected with the code `ws:Draining`, and
    /// the connection is closed as soon as nothing runs on it. When `timeout` has passed, what still runs is cancelled, and
    /// the connection is closed. Of several timeouts the earliest counts. A client that connects again may come to another
    /// server.
    ///
    /// At a client it does nothing: a client that changes its server [restarts](crate::Client::restart).
    ///
    /// ```
    /// # use wswrapper::{Client, Server, transport::memory};
    /// # use std::time::Duration;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = Server::builder().build()?;
    /// # let (client_transport, server_transport) = memory::pair();
    /// # server.accept_transport(server_transport)?;
    /// # let client = Client::connect_transport(client_transport)?;
    /// for peer in server.peers() {
    ///     peer.drain(Duration::from_secs(30));
    /// }
    /// assert_eq!(client.closed().await.code, 1001);
    /// # Ok(())
    /// # }
    /// ```
    pub fn drain(&self, timeout: Duration) {
        if self.shared().endpoint.side == Side::Server {
            self.shared().begin_drain(Some(after(Instant::now(), timeout)));
        }
    }

    /// Closes the connection at once, without a closing handshake.
    ///
    /// Messages that were not written yet are lost. Both endpoints see status 1006.
    pub fn abort_connection(&self) {
        self.shared().close(CloseRequest::Abort);
    }

    /// Waits until the connection is closed and its [`on_close`](crate::server::ServerBuilder::on_close) hooks have
    /// returned, and returns how it was closed. Cancel-safe.
    ///
    /// It waits for the connection that a client has when this is called, and not for a later one. The future does not
    /// keep the connection open.
    pub fn closed(&self) -> impl Future<Output = Closed> + Send + 'static {
        let epoch = self.shared().epoch();
        async move { epoch.closed().await }
    }

    /// Returns how the connection was closed, or `None` while it is open or closing.
    pub fn close_info(&self) -> Option<Closed> {
        self.shared().close_info()
    }

    /// Returns the values that are stored with the connection.
    ///
    /// They are dropped when the connection is closed and `on_close` has returned. After that it stores none.
    ///
    /// ```
    /// # use wswrapper::Context;
    /// struct UserName(String);
    ///
    /// fn sign_in(ctx: &Context, name: String) {
    ///     ctx.extensions().insert(UserName(name));
    /// }
    ///
    /// fn user(ctx: &Context) -> Option<String> {
    ///     ctx.extensions().get::<UserName>().map(|user| user.0.clone())
    /// }
    /// ```
    pub fn extensions(&self) -> Extensions {
        self.shared().epoch().extensions.clone()
    }

    /// Returns a copy of the value of this type that is stored with the connection; see [`Extensions::cloned`].
    pub fn extension<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        self.shared().epoch().extensions.cloned()
    }
}

impl ConnectionView<'_> {
    /// Returns a handle to the peer, which does not keep the connection open.
    pub fn peer(&self) -> Peer {
        Peer::of(self.shared())
    }
}

impl SendTo for Peer {}
impl UnnamedTarget for Peer {}

impl Target for Peer {
    type Emit = Emit;
    type Request<T, E> = Call<T, E>;

    fn emit(&self, event: Result<EncodedCall, SendError>) -> Emit {
        Emit::new(self.connection.clone(), event)
    }
}

impl RequestTarget for Peer {
    fn request<T: FromResponse, E>(&self, request: Result<EncodedCall, SendError>) -> Call<T, E> {
        Call::new(self.connection.clone(), request)
    }

    fn idempotent<T, E>(request: Call<T, E>) -> Call<T, E> {
        request.idempotent()
    }
}

impl PeerTarget for Peer {
    fn connection(&self) -> &ConnectionHandle {
        &self.connection
    }
}

into_target!(Peer);

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer")
            .field("id", &self.shared().id)
            .field("remote_addr", &self.handshake().remote_addr())
            .field("keeps_open", &self.connection.keeps_open())
            .finish_non_exhaustive()
    }
}

/// Two handles are equal if they belong to the same connection.
impl PartialEq for Peer {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for Peer {}

impl Hash for Peer {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id().hash(state);
    }
}
