//! Events to one peer.

use crate::engine::{ChannelState, ConnectionHandle};
use crate::error::SendError;
use crate::proto::EncodedCall;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// An event to one peer: a future that waits for capacity in the peer's queue.
///
/// The future is ready when the event is queued; the peer may not have received it yet. It fails with a [`SendError`]
/// if the event cannot be queued. Dropping it before it is ready sends nothing.
#[must_use = "an event is only sent when its future is awaited"]
pub struct Emit {
    connection: ConnectionHandle,
    event: Result<Option<EncodedCall>, Option<SendError>>,
    /// The place among the senders that wait for capacity.
    ticket: Option<u64>,
    /// The channel of the event, if it was not open when the event was encoded.
    unopened: Option<Arc<ChannelState>>,
}

impl Emit {
    pub(crate) fn new(connection: ConnectionHandle, event: Result<EncodedCall, SendError>) -> Self {
        Self { connection, event: event.map(Some).map_err(Some), ticket: None, unopened: None }
    }

    /// Sends the event when this channel is opened.
    pub(crate) fn early(mut self, unopened: Option<Arc<ChannelState>>) -> Self {
        self.unopened = unopened;
        self
    }
}

impl Future for Emit {
    type Output = Result<(), SendError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { connection, event, ticket, unopened } = self.get_mut();
        match event {
            Ok(event) => {
                if let Some(channel_state) = unopened.take()
                    && let Some(early) = event.take()
                {
                    *event = connection.shared().hold_early_event(&channel_state, early)?;
                    if event.is_none() {
                        return Poll::Ready(Ok(()));
                    }
                }
                connection.shared().poll_emit(cx, ticket, event)
            }
            Err(error) => Poll::Ready(Err(error.take().unwrap_or_else(SendError::polled_again))),
        }
    }
}

impl Drop for Emit {
    fn drop(&mut self) {
        self.connection.shared().stop_waiting(self.ticket);
    }
}

impl fmt::Debug for Emit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emit").field("peer", &self.connection.shared().id).finish_non_exhaustive()
    }
}
