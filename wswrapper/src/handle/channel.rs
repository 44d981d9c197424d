//! Named channels of a connection.

use super::peer::Peer;
use crate::call::target::SendTo;
use crate::call::{Call, Emit, FromResponse, PeerTarget, RequestTarget, Target, into_target};
use crate::engine::ConnectionHandle;
use crate::error::SendError;
use crate::proto::{CallEncoder, ChannelName, EncodedCall};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A handle to a named channel of one connection.
///
/// It is the target of a proxy, `MathProxy::new(&client.channel("io"))`, and sends and handles messages by name. It is
/// cheap to clone.
///
/// ```
/// # use wswrapper::{Client, Server, error::SendError, transport::memory};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = Server::builder().build()?;
/// # let (client_transport, server_transport) = memory::pair();
/// # server.accept_transport(server_transport)?;
/// # let client = Client::connect_transport(client_transport)?;
/// server.channel("io").on("double", |n: i64| async move { 2 * n })?;
/// let io = client.channel("io");
/// assert_eq!(io.request::<i64>("double", (21,)).await?, 42);
///
/// io.close();
/// assert!(matches!(io.emit("news", ()).await, Err(SendError::ChannelClosed { .. })));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Channel {
    peer: Peer,
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    name: Box<str>,
    closed: AtomicBool,
}

impl Channel {
    pub(crate) fn new(peer: Peer, name: &str) -> Self {
        Self { peer, inner: Arc::new(Inner { name: name.into(), closed: AtomicBool::new(false) }) }
    }

    /// Returns the name of the channel.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Returns the connection that the channel belongs to.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Waits until everything that was queued before on the connection was written; see [`Peer::flush`]. Cancel-safe.
    pub async fn flush(&self) -> Result<(), SendError> {
        self.peer.flush().await
    }

    /// Removes the handlers of this peer on the channel and closes the handle. Sends nothing.
    ///
    /// The handle, its clones and the proxies created from them then fail with [`SendError::ChannelClosed`]. Another
    /// handle to the channel, from [`Peer::channel`], still works.
    pub fn close(&self) {
        self.inner.closed.store(true, Ordering::Release);
        self.peer.shared().handlers().remove_channel(self.name());
    }

    /// Returns true if [`close`](Self::close) was called on the handle or on a clone of it.
    pub fn is_closed(&self) -> bool {
        self.inner.closed.load(Ordering::Acquire)
    }
}

impl SendTo for Channel {}

impl Target for Channel {
    type Emit = Emit;
    type Request<T, E> = Call<T, E>;

    fn finish(&self, call: CallEncoder, _: Option<&str>) -> Result<EncodedCall, SendError> {
        if self.is_closed() {
            return Err(SendError::channel_closed(self.name()));
        }
        ChannelName::check(self.name())?;
        Ok(call.finish(Some(self.name())))
    }

    fn emit(&self, event: Result<EncodedCall, SendError>) -> Emit {
        Emit::new(self.peer.connection().clone(), event)
    }
}

impl PeerTarget for Channel {
    fn connection(&self) -> &ConnectionHandle {
        self.peer.connection()
    }
}

impl RequestTarget for Channel {
    fn request<T: FromResponse, E>(&self, request: Result<EncodedCall, SendError>) -> Call<T, E> {
        Call::new(self.peer.connection().clone(), request)
    }

    fn idempotent<T, E>(request: Call<T, E>) -> Call<T, E> {
        request.idempotent()
    }
}

into_target!(Channel);
