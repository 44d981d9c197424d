//! The other end, and the handle to it.

use super::channel::Channel;
use crate::call::{Caller, Emit, SendTo, Target, into_target};
use crate::close::{Close, CloseRequest, Closed};
use crate::engine::{ConnectionHandle, Counters, PeerId, Shared};
use crate::error::SendError;
use crate::handshake::Handshake;
use crate::proto::EncodedCall;
use crate::registry::Broadcast;
use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The other end of a connection, and what is done with it: both ends have it, and both may call.
///
/// It is a handle, cheap to clone. One that comes from a [`Client`](crate::Client) keeps the connection open; one that a
/// server gives does not. A proxy takes it as its target: `CalcProxy::new(&peer)`.
#[derive(Clone)]
pub struct Peer {
    connection: ConnectionHandle,
}

impl Peer {
    /// A handle that keeps nothing open.
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

    /// The number of this connection, unique in this process.
    pub fn id(&self) -> PeerId {
        self.shared().id
    }

    /// The request with which the connection began: path, query, headers, address.
    pub fn handshake(&self) -> &Handshake {
        &self.shared().handshake
    }

    /// A channel of this connection, as a proxy's target. Opening one sends nothing.
    ///
    /// A name cannot be empty: then every use of the channel fails.
    pub fn channel(&self, name: &str) -> Channel {
        Channel::new(self.clone(), name)
    }

    /// Everyone who is connected at this end.
    pub fn broadcast(&self) -> Broadcast {
        Broadcast::new(Arc::clone(&self.shared().members))
    }

    /// Whether the connection is open and nobody at this end has asked to close it.
    pub fn is_open(&self) -> bool {
        self.shared().is_open()
    }

    /// What is under way on the connection.
    pub fn counters(&self) -> Counters {
        self.shared().counters()
    }

    /// Calls of this end that wait for an answer.
    pub fn calls_in_flight(&self) -> usize {
        self.counters().calls_in_flight
    }

    /// Closes the connection with this status and reason, from now on and whether the future is awaited or not; only the
    /// first request counts. What was sent before leaves before it. The future waits for the closing handshake, at most
    /// for [`close_timeout`](crate::Limits::close_timeout), and tells how the connection ended. Cancel-safe.
    ///
    /// A status can be 1000 to 1003, 1007 to 1013, or 3000 to 4999, of which an application's own begin at 4000 (RFC 6455,
    /// 7.4); any other is sent as none, 1005.
    pub fn close(&self, code: u16, reason: impl Into<String>) -> Closing {
        let code = if matches!(code, 1000..=1003 | 1007..=1013 | 3000..=4999) { code } else { Close::NO_STATUS };
        Closing::new(self.clone(), CloseRequest::Close(Close::new(code, reason)))
    }

    /// Ends the connection at once, without a closing handshake; what was not written yet is lost. The other end sees
    /// status 1006, and so does this one.
    pub fn abort_connection(&self) -> Closing {
        Closing::new(self.clone(), CloseRequest::Abort)
    }

    /// Waits for the end of the connection and tells how it came. Cancel-safe.
    pub async fn closed(&self) -> Closed {
        self.shared().closed_after(self.shared().past_closes()).await
    }

    /// How the connection ended, if it has.
    pub fn close_info(&self) -> Option<Closed> {
        self.shared().close_info()
    }

    /// Keeps a value with the connection until it ends, in the place of another of its type, which is given back. After
    /// that a server's connection keeps nothing.
    ///
    /// ```
    /// # use wswrapper::Context;
    /// struct UserName(String);
    ///
    /// fn sign_in(ctx: &Context, name: String) {
    ///     ctx.peer().insert(UserName(name));
    /// }
    ///
    /// fn user(ctx: &Context) -> Option<String> {
    ///     ctx.peer().get::<UserName>().map(|user| user.0.clone())
    /// }
    /// ```
    pub fn insert<T: Any + Send + Sync>(&self, value: T) -> Option<Arc<T>> {
        self.shared().extensions.insert(value)
    }

    /// The value of this type that is kept with the connection.
    pub fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.shared().extensions.get()
    }

    /// Takes out the value of this type that is kept with the connection.
    pub fn remove<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.shared().extensions.remove()
    }
}

impl SendTo for Peer {}

impl Target for Peer {
    type Emit = Emit;

    fn emit(&self, event: Result<EncodedCall, SendError>) -> Emit {
        Emit::new(self.connection.clone(), event)
    }
}

impl Caller for Peer {
    fn connection(&self) -> &ConnectionHandle {
        &self.connection
    }
}

into_target!(Peer);

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer")
            .field("id", &self.shared().id)
            .field("remote_addr", &self.shared().handshake.remote_addr)
            .field("keeps_open", &self.connection.keeps_open())
            .finish_non_exhaustive()
    }
}

/// Two handles are equal if they are of the same connection.
impl PartialEq for Peer {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for Peer {}

/// The end of a connection that was asked for: a future of how it ended.
pub struct Closing {
    closed: Pin<Box<dyn Future<Output = Closed> + Send + Sync>>,
}

impl Closing {
    fn new(peer: Peer, request: CloseRequest) -> Self {
        // This end is meant, though another transport may be bound before this is polled.
        let earlier_closes = peer.shared().ends();
        peer.shared().close(request);
        Self { closed: Box::pin(async move { peer.shared().closed(earlier_closes).await }) }
    }
}

impl Future for Closing {
    type Output = Closed;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Closed> {
        self.closed.as_mut().poll(cx)
    }
}

impl fmt::Debug for Closing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Closing")
    }
}
