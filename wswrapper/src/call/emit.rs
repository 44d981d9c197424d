//! Events to one peer.

use super::raw::Offline;
use super::target::EventFuture;
use crate::engine::{
    CallerSpan, ChannelState, ConnectionHandle, Emitted, EventPolicy, Flushed, MessageKind, OnFull, UnsentEvent,
};
use crate::error::SendError;
use crate::proto::{ChannelKey, EncodedCall};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// An event to one peer: a future that waits for capacity in the peer's queue, or does what
/// [`on_full`](Self::on_full) says.
///
/// The future is ready when the event is queued; the peer may not have received it yet. It fails with a [`SendError`]
/// if the event cannot be queued. Dropping it before it is ready sends nothing.
#[must_use = "an event is only sent when its future is awaited"]
pub struct Emit {
    connection: ConnectionHandle,
    event: Result<Option<EncodedCall>, Option<SendError>>,
    /// The place among the senders that wait for capacity, or among those that wait for a connection.
    ticket: Option<u64>,
    /// The channel of the event, if it was not open when the event was encoded.
    unopened: Option<Arc<ChannelState>>,
    offline: Offline,
    policy: EventPolicy,
    /// The wait of an event that may wait for a connection, until it was written.
    written: Option<Flushed>,
    /// The anonymous channel of such an event.
    channel: Option<ChannelKey>,
    /// The span of an event that was polled.
    span: Option<Box<CallerSpan>>,
}

impl Emit {
    pub(crate) fn new(connection: ConnectionHandle, event: Result<EncodedCall, SendError>) -> Self {
        let event = event.map(Some).map_err(Some);
        Self {
            connection,
            event,
            ticket: None,
            unopened: None,
            offline: Offline::Fail,
            policy: EventPolicy::Unset,
            written: None,
            channel: None,
            span: None,
        }
    }

    /// Sends the event when this channel is opened.
    pub(crate) fn early(mut self, unopened: Option<Arc<ChannelState>>) -> Self {
        self.unopened = unopened;
        self
    }

    /// Lets the event wait for at most `wait` from its first poll on while its client has no connection; see
    /// [`Call::queue`](crate::Call::queue).
    ///
    /// The future is then ready when the event was written to the transport. If the connection is lost before, it fails
    /// with [`Closed`](SendError::Closed), and the event is not sent again. Dropping it before it is sent sends nothing.
    pub fn queue(mut self, wait: Duration) -> Self {
        self.offline = Offline::Queue(wait);
        self
    }

    /// Sets what happens if the queue of the peer is full. By default the event [waits](OnFull::Wait).
    ///
    /// With any other treatment the future is ready at its first poll while there is a connection:
    ///
    /// - With [`Drop`](OnFull::Drop) it succeeds, also if the event was not sent.
    /// - With [`Latest`](OnFull::Latest) it succeeds, also if the event waits and is replaced later. It fails with
    ///   [`Full`](SendError::Full) if too many wait: [`max_latest_events`](crate::Limits::max_latest_events), or
    ///   [`max_outbound_bytes`](crate::Limits::max_outbound_bytes) of them. An event that waits when the connection is lost
    ///   is lost with it.
    /// - With [`Close`](OnFull::Close) it fails with [`Closed`](SendError::Closed) if the connection is closed for that.
    ///
    /// While the hook [`on_open`](crate::client::ClientBuilder::on_open) of a client runs, the queue is full for those that
    /// do not belong to the hook. `Close` waits for it instead. Without a connection the treatment does not matter: the event
    /// fails, or waits for the connection as [`queue`](Self::queue) says.
    ///
    /// ```
    /// # use wswrapper::{Client, Server, transport::memory};
    /// use wswrapper::call::OnFull;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = Server::builder().build()?;
    /// # let (near, far) = memory::pair();
    /// # let client = Client::connect_transport(near)?;
    /// # let peer = server.accept_transport(far)?;
    /// peer.emit("moved", (3, 4)).on_full(OnFull::Drop).await?;
    /// peer.emit("price", ("tea", 12)).on_full(OnFull::LatestOf("tea".into())).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_full(self, on_full: OnFull) -> Self {
        self.with_policy(on_full.into())
    }

    /// Treats the event as its policy says, which waits for nothing. Returns `None` if it has to wait: it has no such
    /// policy, there is no connection, or it waits already.
    fn emit_now(&mut self) -> Option<Result<(), SendError>> {
        if let EventPolicy::Unset | EventPolicy::Wait = self.policy {
            return None;
        }
        let Ok(event) = &mut self.event else { return None };
        let call = event.take_if(|_| self.ticket.is_none())?;
        let shared = self.connection.shared();
        match shared.emit_now(UnsentEvent::Owned(call), &self.policy, &mut None, self.connection.hook()) {
            Ok(Emitted::NotOpen(UnsentEvent::Owned(call))) => {
                *event = Some(call);
                None
            }
            // Too many wait.
            Ok(Emitted::LeftOut) if matches!(self.policy, EventPolicy::Latest(_)) => Some(Err(SendError::Full)),
            Ok(_) => Some(Ok(())),
            Err(error) => Some(Err(error)),
        }
    }

    /// Queues an event that may wait for a connection, and waits until it was written.
    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let shared = self.connection.shared();
        let written = match (&mut self.written, &mut self.event) {
            (Some(written), _) => written,
            (None, Ok(event)) => {
                let Some(event) = event.take() else { return Poll::Ready(Err(SendError::polled_again())) };
                self.channel = event.channel();
                let (ticket, written) = shared.queue_event(event, self.offline.wait(None), self.connection.hook())?;
                self.ticket = Some(ticket);
                self.written.insert(written)
            }
            (None, Err(error)) => return Poll::Ready(Err(error.take().unwrap_or_else(SendError::polled_again))),
        };
        let was_written = ready!(written.poll(cx));
        (self.ticket, self.written) = (None, None);
        Poll::Ready(if was_written { Ok(()) } else { Err(shared.unwritten_error(self.channel)) })
    }
}

impl Future for Emit {
    type Output = Result<(), SendError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let (Ok(Some(event)), None) = (&this.event, &this.span) {
            this.span = CallerSpan::start(this.connection.shared(), event, MessageKind::Event);
        }
        let sent = ready!(this.poll_sent(cx));
        if let Some(span) = this.span.take() {
            span.finish_event(&sent);
        }
        Poll::Ready(sent)
    }
}

impl Emit {
    /// Queues the event as soon as there is capacity.
    fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        if let (Some(channel_state), Ok(event)) = (self.unopened.take(), &mut self.event)
            && let Some(early) = event.take()
        {
            *event = self.connection.shared().hold_early_event(&channel_state, early)?;
            if event.is_none() {
                return Poll::Ready(Ok(()));
            }
        }
        if let Some(emitted) = self.emit_now() {
            return Poll::Ready(emitted);
        }
        if let Offline::Queue(_) = self.offline {
            return self.poll_written(cx);
        }
        let Self { connection, event, ticket, .. } = self;
        match event {
            Ok(event) => connection.shared().poll_emit(cx, ticket, event, connection.hook()),
            Err(error) => Poll::Ready(Err(error.take().unwrap_or_else(SendError::polled_again))),
        }
    }
}

impl EventFuture for Emit {
    fn with_policy(mut self, policy: EventPolicy) -> Self {
        self.policy = policy;
        self
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
