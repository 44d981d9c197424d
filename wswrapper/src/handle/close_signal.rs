//! Notification that an anonymous channel is closed.

use crate::engine::ChannelState;
use crate::proto::Reason;
use std::fmt;
use std::sync::Arc;

/// A handle that waits until an [`AnonymousChannel`](crate::AnonymousChannel) is closed.
///
/// It is for tasks that work for the channel. It does not keep the channel open, and it is cheap to clone.
///
/// ```
/// # use wswrapper::{AnonymousChannel, Client, Context, Server, error::{Reason, Rejection}, transport::memory};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = Server::builder().build()?;
/// # server.on("counter", |ctx: Context| async move { Ok::<_, Rejection>(ctx.open_channel()) })?;
/// # let (client_transport, server_transport) = memory::pair();
/// # server.accept_transport(server_transport)?;
/// # let client = Client::connect_transport(client_transport)?;
/// let channel = client.request::<AnonymousChannel>("counter", ()).await?;
/// let signal = channel.close_signal();
/// let task = tokio::spawn(async move { signal.closed().await.clone() });
/// channel.abort(&Reason::new("enough"));
/// assert_eq!(task.await?, Reason::new("enough"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct CloseSignal {
    channel_state: Arc<ChannelState>,
}

impl CloseSignal {
    pub(super) fn new(channel_state: Arc<ChannelState>) -> Self {
        Self { channel_state }
    }

    /// Returns true if the channel is closed.
    pub fn is_closed(&self) -> bool {
        self.reason().is_some()
    }

    /// Returns the reason for which the channel was closed, or `None` while it is open.
    ///
    /// It is the reason of the endpoint that aborted the channel, `Channel closed` if the local endpoint closed it, or
    /// `Connection closed` if the connection was closed.
    pub fn reason(&self) -> Option<&Reason> {
        self.channel_state.closed().get()
    }

    /// Waits until the channel is closed and returns the reason. Cancel-safe.
    pub async fn closed(&self) -> &Reason {
        self.channel_state.closed().wait().await
    }
}

impl fmt::Debug for CloseSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CloseSignal").field(&self.channel_state.closed().get()).finish()
    }
}
