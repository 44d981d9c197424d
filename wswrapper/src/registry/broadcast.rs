//! Events to everyone.

use crate::call::{SendTo, Target, into_target};
use crate::engine::{Members, PeerId};
use crate::error::SendError;
use crate::proto::EncodedCall;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Everyone who is connected at this end, as a proxy's target for events: `NewsProxy::new(server.broadcast())`.
///
/// An event is encoded once. It is queued for each peer that is connected when the event's future is first polled; a
/// peer whose queue is full is left out, so that a slow one never delays another.
#[derive(Clone)]
pub struct Broadcast {
    members: Arc<dyn Members>,
}

impl Broadcast {
    pub(crate) fn new(members: Arc<dyn Members>) -> Self {
        Self { members }
    }

    /// How many peers there are now.
    pub fn peers(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn send(&self, event: Result<EncodedCall, SendError>) -> EmitToAll {
        EmitToAll { members: Arc::clone(&self.members), frame: Some(event.map(EncodedCall::into_event)) }
    }
}

impl fmt::Debug for Broadcast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broadcast").field("peers", &self.peers()).finish()
    }
}

/// An event on its way to everyone; ready at its first poll.
#[must_use = "an event is only sent when its future is awaited"]
pub struct EmitToAll {
    members: Arc<dyn Members>,
    frame: Option<Result<Vec<u8>, SendError>>,
}

/// Whom a broadcast reached.
#[derive(Default, Debug)]
pub struct Delivery {
    /// How many peers it was queued for.
    pub sent: usize,
    /// Those that were left out, and why.
    pub failed: Vec<(PeerId, SendError)>,
}

impl Future for EmitToAll {
    type Output = Result<Delivery, SendError>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let frame: Arc<[u8]> = match self.frame.take() {
            Some(frame) => frame?.into(),
            // Polled after its end.
            None => return Poll::Ready(Err(SendError::Closed)),
        };
        let mut delivery = Delivery::default();
        for shared in self.members.all() {
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

impl Target for Broadcast {
    type Emit = EmitToAll;

    fn emit(&self, event: Result<EncodedCall, SendError>) -> EmitToAll {
        self.send(event)
    }
}

into_target!(Broadcast);
