//! Named channels of a broadcast.

use super::broadcast::{Broadcast, EmitToAll};
use crate::call::target::SendTo;
use crate::call::{Call, Target, into_target};
use crate::error::SendError;
use crate::proto::{CallEncoder, ChannelName, EncodedCall};
use std::sync::Arc;

/// A named channel of all peers of a server, as a target for events.
///
/// It is the target of a proxy, `NewsProxy::new(server.broadcast().channel("news"))`, and sends events by name. It is
/// cheap to clone.
///
/// ```
/// # use wswrapper::{Client, Server, transport::memory};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::builder().build()?;
/// # let (client_transport, server_transport) = memory::pair();
/// # server.accept_transport(server_transport)?;
/// # let client = Client::connect_transport(client_transport)?;
/// let delivery = server.broadcast().channel("news").emit("flash", ("hello",)).await?;
/// assert_eq!(delivery.sent, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct BroadcastChannel {
    broadcast: Broadcast,
    name: Arc<str>,
}

impl Broadcast {
    /// Returns a named channel of all peers. Sends nothing.
    ///
    /// If `name` is empty, each use of the channel fails with [`SendError::Name`].
    pub fn channel(&self, name: &str) -> BroadcastChannel {
        BroadcastChannel { broadcast: self.clone(), name: name.into() }
    }
}

impl BroadcastChannel {
    /// Returns the name of the channel.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn send(&self, event: Result<EncodedCall, SendError>) -> EmitToAll {
        self.broadcast.send(event)
    }
}

impl SendTo for BroadcastChannel {}

impl Target for BroadcastChannel {
    type Emit = EmitToAll;
    /// Never made, because a broadcast is no [`RequestTarget`](crate::call::RequestTarget).
    type Request<T, E> = Call<T, E>;

    fn finish(&self, call: CallEncoder, _: Option<&str>) -> Result<EncodedCall, SendError> {
        ChannelName::check(&self.name)?;
        Ok(call.finish(Some(&self.name)))
    }

    fn emit(&self, event: Result<EncodedCall, SendError>) -> EmitToAll {
        self.send(event)
    }
}

into_target!(BroadcastChannel);
