//! The peers with full queues that an event to many waits for.

use super::Delivery;
use crate::engine::{Flushed, PeerId, Shared};
use crate::error::SendError;
use futures_core::Stream;
use futures_util::stream::FuturesUnordered;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// The peers with full queues, and what was delivered to the others.
#[derive(Default)]
pub(super) struct WaitingPeers {
    pub(super) delivery: Delivery,
    peers: FuturesUnordered<WaitingPeer>,
}

/// The wait for the capacity of one peer. Dropping it removes the event from the queue of those that wait.
struct WaitingPeer {
    shared: Arc<Shared>,
    ticket: Option<u64>,
    queued: Flushed,
}

impl WaitingPeers {
    pub(super) fn push(&mut self, shared: &Arc<Shared>, ticket: u64, queued: Flushed) {
        self.peers.push(WaitingPeer { shared: Arc::clone(shared), ticket: Some(ticket), queued });
    }

    /// Waits until each peer has got the event or was left out.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Delivery> {
        while let Some((peer, queued)) = ready!(Pin::new(&mut self.peers).poll_next(cx)) {
            match queued {
                Ok(()) => self.delivery.sent += 1,
                Err(error) => self.delivery.failed.push((peer, error)),
            }
        }
        Poll::Ready(mem::take(&mut self.delivery))
    }
}

impl Future for WaitingPeer {
    type Output = (PeerId, Result<(), SendError>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let is_queued = ready!(self.queued.poll(cx));
        self.ticket = None;
        let result = if is_queued { Ok(()) } else { Err(self.shared.unqueued_error()) };
        Poll::Ready((self.shared.id, result))
    }
}

impl Drop for WaitingPeer {
    fn drop(&mut self) {
        self.shared.stop_waiting(self.ticket);
    }
}
