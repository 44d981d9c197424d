//! Events to all peers.

use crate::call::target::{SendTo, UnnamedTarget};
use crate::call::{Target, into_target};
use crate::engine::{Members, PeerId};
use crate::error::{SendError, TooLarge};
use crate::limits::Limits;
use crate::proto::EncodedCall;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The target for events to all peers of a server.
///
/// It is the target of a proxy, `NewsProxy::new(server.broadcast())`, and sends events by name. Requests cannot be
/// sent to it, because they have one answer. It is cheap to clone.
///
/// An event is encoded once. The first poll of its future queues it for each peer that is connected then. A peer with a
/// full queue is left out, so a slow peer never delays another. While the server holds
/// [`max_buffered_bytes`](crate::Limits::max_buffered_bytes), each peer that holds a part of them is left out, too.
///
/// ```
/// # use wswrapper::{Client, Server, transport::memory};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::builder().build()?;
/// # let (client_transport, server_transport) = memory::pair();
/// # server.accept_transport(server_transport)?;
/// # let client = Client::connect_transport(client_transport)?;
/// let delivery = server.broadcast().emit("news", ("hello",)).await?;
/// assert_eq!((delivery.sent, delivery.failed.len()), (1, 0));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Broadcast {
    members: Arc<dyn Members>,
    /// The size of an event, at most.
    max_message_size: usize,
}

impl Broadcast {
    pub(crate) fn new(members: Arc<dyn Members>, limits: &Limits) -> Self {
        Self { members, max_message_size: limits.max_outgoing_message_size }
    }

    /// Returns the number of peers that are connected now.
    pub fn peers(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn send(&self, event: Result<EncodedCall, SendError>) -> EmitToAll {
        let frame = event.map(EncodedCall::into_event).and_then(|frame| {
            TooLarge::check(frame.len(), self.max_message_size)?;
            Ok(frame)
        });
        EmitToAll { members: Arc::clone(&self.members), frame: Some(frame) }
    }
}

impl fmt::Debug for Broadcast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broadcast").field("peers", &self.peers()).finish()
    }
}

/// An event to all peers: a future that is ready at its first poll.
///
/// It returns the [`Delivery`], and fails with a [`SendError`] if the event cannot be encoded, is too large or has an
/// invalid name.
/// Dropping it before it is polled sends nothing.
#[must_use = "an event is only sent when its future is awaited"]
pub struct EmitToAll {
    members: Arc<dyn Members>,
    frame: Option<Result<Vec<u8>, SendError>>,
}

/// The result of a broadcast.
#[derive(Default, Debug)]
pub struct Delivery {
    /// The number of peers for which the event was queued.
    pub sent: usize,
    /// The peers that were left out, each with its error.
    pub failed: Vec<(PeerId, SendError)>,
}

impl Future for EmitToAll {
    type Output = Result<Delivery, SendError>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let frame: Arc<[u8]> = match self.frame.take() {
            Some(frame) => frame?.into(),
            // Polled after it was ready.
            None => return Poll::Ready(Err(SendError::polled_again())),
        };
        let mut delivery = Delivery::default();
        for shared in &*self.members.all() {
            match shared.try_emit(&frame) {
                Ok(()) => delivery.sent += 1,
                Err(error) => delivery.failed.push((shared.id, error)),
            }
        }
        Poll::Ready(Ok(delivery))
    }
}

impl fmt::Debug for EmitToAll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmitToAll")
    }
}

impl SendTo for Broadcast {}
impl UnnamedTarget for Broadcast {}

impl Target for Broadcast {
    type Emit = EmitToAll;
    /// Never made, because a broadcast is no [`RequestTarget`](crate::call::RequestTarget).
    type Request<T, E> = crate::call::Call<T, E>;

    fn emit(&self, event: Result<EncodedCall, SendError>) -> EmitToAll {
        self.send(event)
    }
}

into_target!(Broadcast);
