//! Events to many peers.

use super::Audience;
use super::waiting::WaitingPeers;
use crate::call::EventFuture;
use crate::engine::{Emitted, EventPolicy, OnFull, PeerId, UnsentEvent};
use crate::error::{SendError, TooLarge};
use crate::proto::EncodedCall;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// An event to an [`Audience`]: a future that is ready at its first poll, unless it [waits](OnFull::Wait).
///
/// It returns the [`Delivery`], and fails with a [`SendError`] if the event cannot be encoded, is too large or has an
/// invalid name.
/// Dropping it before it is polled sends nothing.
#[must_use = "an event is only sent when its future is awaited"]
pub struct EmitToAudience {
    audience: Audience,
    frame: Option<Result<Vec<u8>, SendError>>,
    policy: EventPolicy,
    /// The peers whose capacity an event with [`OnFull::Wait`] waits for.
    waiting: Option<Box<WaitingPeers>>,
}

/// The result of an event to many peers.
#[derive(Default, Debug)]
pub struct Delivery {
    /// The number of peers for which the event was queued.
    pub sent: usize,
    /// The number of peers with full queues for which the event waits as the [newest](OnFull::Latest) of its key.
    pub waiting: usize,
    /// The peers that were left out, each with its error.
    pub failed: Vec<(PeerId, SendError)>,
}

impl EmitToAudience {
    pub(super) fn new(audience: &Audience, event: Result<EncodedCall, SendError>) -> Self {
        let frame = event.map(EncodedCall::into_event).and_then(|frame| {
            TooLarge::check(frame.len(), audience.max_message_size)?;
            Ok(frame)
        });
        Self { audience: audience.clone(), frame: Some(frame), policy: EventPolicy::Unset, waiting: None }
    }

    /// Sets what happens at each peer whose queue is full. By default the peer is [left out](OnFull::Drop).
    ///
    /// - With [`Drop`](OnFull::Drop) the peer is left out, and [`Delivery::failed`] has it with
    ///   [`Full`](SendError::Full).
    /// - With [`Latest`](OnFull::Latest) it is one of [`Delivery::waiting`]. A peer for which
    ///   [too many](crate::Limits::max_latest_events) wait is left out.
    /// - With [`Close`](OnFull::Close) its connection is closed, and `failed` has it with [`Closed`](SendError::Closed).
    /// - With [`Wait`](OnFull::Wait) the other peers get the event at the first poll. The future is ready when each peer
    ///   with a full queue has capacity, is closed, or has had no capacity for
    ///   [`write_timeout`](crate::Limits::write_timeout) and is left out. Events of one sender keep their order. Dropping
    ///   the future leaves out those that still wait.
    ///
    /// While the server holds [`max_buffered_bytes`](crate::Limits::max_buffered_bytes), peers that hold a part of them
    /// are left out, except with `Wait`. An event with `Latest` may replace one that waits.
    ///
    /// ```
    /// # use wswrapper::Server;
    /// use wswrapper::call::OnFull;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = Server::builder().build()?;
    /// let price = server.room("market").emit("price", ("tea", 12));
    /// let delivery = price.on_full(OnFull::LatestOf("tea".into())).await?;
    /// println!("{} peers have it now, {} later", delivery.sent, delivery.waiting);
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_full(self, on_full: OnFull) -> Self {
        self.with_policy(on_full.into())
    }

    /// Sends the event to each peer that is selected now.
    fn send(&mut self, frame: &Arc<[u8]>) -> Delivery {
        let mut delivery = Delivery::default();
        let mut key = None;
        let members = self.audience.members.select(&self.audience.selection);
        for shared in &*members {
            let emitted = if let EventPolicy::Wait = self.policy {
                let queued = shared.emit_or_wait(frame);
                queued.map(|wait| match wait {
                    Some((ticket, queued)) => {
                        self.waiting.get_or_insert_default().push(shared, ticket, queued);
                        None
                    }
                    None => Some(Emitted::Queued),
                })
            } else {
                shared.emit_now(UnsentEvent::Shared(Arc::clone(frame)), &self.policy, &mut key, None).map(Some)
            };
            match emitted {
                Ok(Some(Emitted::Queued)) => delivery.sent += 1,
                Ok(Some(Emitted::Latest)) => delivery.waiting += 1,
                Ok(Some(Emitted::LeftOut | Emitted::NotOpen(_))) => delivery.failed.push((shared.id, SendError::Full)),
                Ok(None) => {}
                Err(error) => delivery.failed.push((shared.id, error)),
            }
        }
        delivery
    }
}

impl Future for EmitToAudience {
    type Output = Result<Delivery, SendError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Some(frame) = this.frame.take() {
            let delivery = this.send(&frame?.into());
            match &mut this.waiting {
                Some(waiting) => waiting.delivery = delivery,
                None => return Poll::Ready(Ok(delivery)),
            }
        }
        match &mut this.waiting {
            Some(waiting) => waiting.poll(cx).map(|delivery| {
                this.waiting = None;
                Ok(delivery)
            }),
            // Polled after it was ready.
            None => Poll::Ready(Err(SendError::polled_again())),
        }
    }
}

impl EventFuture for EmitToAudience {
    fn with_policy(mut self, policy: EventPolicy) -> Self {
        self.policy = policy;
        self
    }
}

impl fmt::Debug for EmitToAudience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmitToAudience").field("audience", &self.audience).finish_non_exhaustive()
    }
}
