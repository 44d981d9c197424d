//! Named channels of an audience.

use super::{Audience, Each, EmitToAudience};
use crate::call::target::SendTo;
use crate::call::{Call, Target, into_target};
use crate::error::SendError;
use crate::proto::{CallEncoder, ChannelName, EncodedCall};
use std::sync::Arc;

/// A named channel of many peers of a server, as a target for events.
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
pub struct AudienceChannel {
    audience: Audience,
    name: Arc<str>,
}

impl Audience {
    /// Returns a named channel of the peers. Sends nothing.
    ///
    /// If `name` is empty, each use of the channel fails with [`SendError::Name`].
    pub fn channel(&self, name: &str) -> AudienceChannel {
        AudienceChannel { audience: self.clone(), name: name.into() }
    }
}

impl AudienceChannel {
    /// Returns the name of the channel.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the peers whose channel it is.
    pub fn audience(&self) -> &Audience {
        &self.audience
    }

    /// Returns the target of requests to each of the peers, on the channel.
    pub fn each(&self) -> Each<Self> {
        Each::new(self.clone())
    }

    pub(crate) fn send(&self, event: Result<EncodedCall, SendError>) -> EmitToAudience {
        self.audience.send(event)
    }
}

impl AsRef<Audience> for AudienceChannel {
    fn as_ref(&self) -> &Audience {
        &self.audience
    }
}

impl SendTo for AudienceChannel {}

impl Target for AudienceChannel {
    type Emit = EmitToAudience;
    /// Never made, because an audience is no [`RequestTarget`](crate::call::RequestTarget).
    type Request<T, E> = Call<T, E>;

    fn finish(&self, call: CallEncoder, _: Option<&str>) -> Result<EncodedCall, SendError> {
        ChannelName::check(&self.name)?;
        Ok(call.finish(Some(&self.name)))
    }

    fn emit(&self, event: Result<EncodedCall, SendError>) -> EmitToAudience {
        self.send(event)
    }
}

into_target!(AudienceChannel);
