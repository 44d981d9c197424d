//! Named channels of a server.

use super::Server;
use crate::call::target::SendTo;
use crate::call::{Call, Target, into_target};
use crate::error::SendError;
use crate::handle::{AudienceChannel, Each, EmitToAudience};
use crate::proto::{CallEncoder, EncodedCall};
use crate::service::{IntoArguments, handler_methods, serve_method};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A named channel of all connections of a server.
///
/// It handles events and requests of any peer, sends events to all peers, and is the target of proxies:
/// `NewsProxy::new(server.channel("news"))`. It is cheap to clone.
///
/// ```
/// # use wswrapper::{Client, Server, transport::memory};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::builder().build()?;
/// let math = server.channel("math");
/// math.on("add", |a: i64, b: i64| async move { a + b })?;
/// # let (client_transport, server_transport) = memory::pair();
/// # server.accept_transport(server_transport)?;
/// # let client = Client::connect_transport(client_transport)?;
/// assert_eq!(client.channel("math").request::<i64>("add", (1, 2)).await?, 3);
/// assert_eq!(math.emit("ready", ()).await?.sent, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ServerChannel {
    server: Server,
    all_peers: AudienceChannel,
    closed: Arc<AtomicBool>,
}

impl ServerChannel {
    pub(super) fn new(server: Server, name: &str) -> Self {
        let all_peers = server.broadcast().channel(name);
        Self { server, all_peers, closed: Arc::default() }
    }

    /// Returns the name of the channel.
    pub fn name(&self) -> &str {
        self.all_peers.name()
    }

    /// Sends an event to all peers by name: `channel.emit("moved", (x, y)).await`.
    pub fn emit(&self, event: &str, arguments: impl IntoArguments) -> EmitToAudience {
        if self.is_closed() {
            self.all_peers.send(Err(self.closed_error()))
        } else {
            self.all_peers.emit(event, arguments)
        }
    }

    /// Returns the target of requests to each of the peers, on the channel.
    pub fn each(&self) -> Each<AudienceChannel> {
        self.all_peers.each()
    }

    /// Removes the server's closures and dynamic services on the channel and closes the handle. Sends nothing.
    ///
    /// The handle, its clones and the proxies created from them then fail with [`SendError::ChannelClosed`]. Another
    /// handle to the channel, from [`Server::channel`], still works. Services that the builder has mounted stay.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.server.endpoint().handlers.remove_channel(self.name());
    }

    /// Returns true if [`close`](Self::close) was called on the handle or on a clone of it.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    fn closed_error(&self) -> SendError {
        SendError::channel_closed(self.name())
    }

    handler_methods!(
        "of any peer on the channel",
        self => &self.server.endpoint().handlers, Some(self.name()), self.server.endpoint().event_names(Some(self.name()))
    );
    serve_method!("to all peers on the channel", self => &self.server.endpoint().handlers, Some(self.name()));
}

impl SendTo for ServerChannel {}

impl Target for ServerChannel {
    type Emit = EmitToAudience;
    /// Never made, because an audience is no [`RequestTarget`](crate::call::RequestTarget).
    type Request<T, E> = Call<T, E>;

    fn finish(&self, call: CallEncoder, contract: Option<&str>) -> Result<EncodedCall, SendError> {
        if self.is_closed() { Err(self.closed_error()) } else { self.all_peers.finish(call, contract) }
    }

    fn emit(&self, event: Result<EncodedCall, SendError>) -> EmitToAudience {
        self.all_peers.send(event)
    }
}

into_target!(ServerChannel);
