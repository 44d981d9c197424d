//! Events to many peers.

use super::Audience;
use crate::engine::PeerId;
use crate::error::{SendError, TooLarge};
use crate::proto::EncodedCall;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// An event to an [`Audience`]: a future that is ready at its first poll.
///
/// It returns the [`Delivery`], and fails with a [`SendError`] if the event cannot be encoded, is too large or has an
/// invalid name.
/// Dropping it before it is polled sends nothing.
#[must_use = "an event is only sent when its future is awaited"]
pub struct EmitToAudience {
    audience: Audience,
    frame: Option<Result<Vec<u8>, SendError>>,
}

/// The result of an event to many peers.
#[derive(Default, Debug)]
pub struct Delivery {
    /// The number of peers for which the event was queued.
    pub sent: usize,
    /// The peers that were left out, each with its error.
    pub failed: Vec<(PeerId, SendError)>,
}

impl EmitToAudience {
    pub(super) fn new(audience: &Audience, event: Result<EncodedCall, SendError>) -> Self {
        let frame = event.map(EncodedCall::into_event).and_then(|frame| {
            TooLarge::check(frame.len(), audience.max_message_size)?;
            Ok(frame)
        });
        Self { audience: audience.clone(), frame: Some(frame) }
    }
}

impl Future for EmitToAudience {
    type Output = Result<Delivery, SendError>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let frame: Arc<[u8]> = match self.frame.take() {
            Some(frame) => frame?.into(),
            // Polled after it was ready.
            None => return Poll::Ready(Err(SendError::polled_again())),
        };
        let mut delivery = Delivery::default();
        for shared in &*self.audience.members.select(&self.audience.selection) {
            match shared.try_emit(&frame) {
                Ok(()) => delivery.sent += 1,
                Err(error) => delivery.failed.push((shared.id, error)),
            }
        }
        Poll::Ready(Ok(delivery))
    }
}

impl fmt::Debug for EmitToAudience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmitToAudience").field("audience", &self.audience).finish_non_exhaustive()
    }
}
