//! Local calls and events.

use super::{Connection, ExpectedChannel, Incoming, Outgoing, Role};
use crate::time::{Duration, Instant};
use crate::{ChannelKey, EncodedCall, Opener, Reason, RequestId, Response, encode};

/// A local call without a response yet.
#[derive(Debug)]
pub(super) struct PendingCall<W, C> {
    pub(super) waiter: W,
    pub(super) deadline: Option<Instant>,
    /// Boxed, because most calls have none.
    pub(super) channels: Option<Box<CallChannels<C>>>,
}

/// The anonymous channels of a call.
#[derive(Debug)]
pub(super) struct CallChannels<C> {
    /// The channel on which the call was sent.
    pub(super) on: Option<ChannelKey>,
    /// The channel that the response may open.
    pub(super) expected_channel: Option<ExpectedChannel<C>>,
}

/// An error from queueing an event or a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum QueueError {
    /// The connection is not open yet, and its queue is full [P-90].
    #[error("not connected yet, and the queue is full")]
    QueueFull,
    /// The connection is closed.
    #[error("the connection is closed")]
    Closed,
    /// The anonymous channel is closed [P-69].
    #[error("the channel is closed")]
    ChannelClosed,
    /// All request ids were used, and none is used twice [P-36].
    #[error("all request ids of the connection are used")]
    NoIds,
}

impl<W, H: Clone + PartialEq, C: Clone> Connection<W, H, C> {
    /// Returns the number of local calls without a response.
    pub fn pending_calls(&self) -> usize {
        self.pending.len()
    }

    /// Returns the number of items that were sent as requests and have no response yet [P-85].
    pub fn unanswered_items(&self) -> usize {
        self.channels.item_requests()
    }

    /// Queues the frame of an event, which may be shared with other connections.
    pub fn emit_frame(&mut self, frame: Outgoing) -> Result<(), QueueError> {
        self.take_capacity()?;
        self.outbox.push(frame);
        Ok(())
    }

    /// Queues an event.
    pub fn emit(&mut self, call: EncodedCall) -> Result<(), QueueError> {
        self.check_channel(call.channel())?;
        self.emit_frame(Outgoing::Owned(call.into_event()))
    }

    /// Returns the size of the message that [`request`](Self::request) would queue now, in bytes.
    pub fn request_size(
        &self,
        call: &EncodedCall,
        caller_timeout: Option<Duration>,
        expected_channel: Option<&ExpectedChannel<C>>,
    ) -> usize {
        let id = self.ids.clone().next(|id| self.channels.is_opened(id));
        id.map_or(call.len(), |id| call.request_len(id, caller_timeout, sends_items(expected_channel)))
    }

    /// Queues a request. `waiter` comes back when the call finishes, fails or is [cancelled](Self::cancel).
    ///
    /// The call times out at `deadline`. The peer receives `caller_timeout` and stops the handler after it. If
    /// the response is an anonymous channel, it becomes the `expected_channel`; without one, the channel is aborted.
    pub fn request(
        &mut self,
        call: EncodedCall,
        waiter: W,
        deadline: Option<Instant>,
        caller_timeout: Option<Duration>,
        expected_channel: Option<ExpectedChannel<C>>,
    ) -> Result<RequestId, QueueError> {
        let on = call.channel();
        self.check_channel(on)?;
        let id = self.next_id().ok_or(QueueError::NoIds)?;
        self.take_capacity()?;
        if let Some(channel) = on.and_then(|on| self.channels.get_mut(on)) {
            channel.pending_calls += 1;
        }
        let sends_items = sends_items(expected_channel.as_ref());
        let has_channels = on.is_some() || expected_channel.is_some();
        let channels = has_channels.then(|| Box::new(CallChannels { on, expected_channel }));
        self.add_deadline(id, deadline);
        self.pending.insert(id, PendingCall { waiter, deadline, channels });
        self.outbox.push(Outgoing::Owned(call.into_request(id, caller_timeout, sends_items)));
        Ok(id)
    }

    /// Issues a request id. Ids of open channels are left out, because a peer that counts up from 1 may get there [P-68].
    pub(super) fn next_id(&mut self) -> Option<RequestId> {
        let channels = &self.channels;
        self.ids.next(|id| channels.is_opened(id))
    }

    /// Replaces the deadline of a pending call. Without a deadline the call does not time out.
    pub fn set_deadline(&mut self, id: RequestId, deadline: Option<Instant>) {
        if let Some(call) = self.pending.get_mut(&id) {
            call.deadline = deadline;
            self.add_deadline(id, deadline);
        }
    }

    fn add_deadline(&mut self, id: RequestId, deadline: Option<Instant>) {
        if let Some(at) = deadline {
            let pending = &self.pending;
            let live = |id, at| pending.get(&id).is_some_and(|call| call.deadline == Some(at));
            self.deadlines.add(at, id, pending.len(), live);
        }
    }

    /// Cancels a pending call, notifies the peer and returns the call's waiter.
    ///
    /// Returns `None` and sends nothing if the call is no longer pending [P-53].
    pub fn cancel(&mut self, id: RequestId, reason: Option<&Reason>) -> Option<W> {
        let (waiter, _) = self.finish_call(id)?;
        self.send(|out| encode::cancellation(out, id, reason));
        Some(waiter)
    }

    /// Handles the response to a local request, which may be an item of a stream.
    pub(super) fn response<'f>(&mut self, id: RequestId, response: Response<'f>) -> Incoming<'f, W, H, C> {
        if let Some(item_of) = self.channels.take_item_request(id) {
            if matches!(response, Response::Channel) {
                // JavaScript turns a null result into a channel: the item was taken [P-32].
                self.send(|out| encode::abort(out, id, None));
            }
            return self.item_answered(item_of, !matches!(response, Response::Rejection(_)));
        }
        let call = self.finish_call(id);
        if !matches!(response, Response::Channel) {
            return call.map_or(Incoming::Nothing, |(waiter, _)| Incoming::Response(waiter, response));
        }
        match call {
            Some((waiter, Some(ExpectedChannel { role, state }))) => {
                Incoming::ChannelOpened(waiter, self.channels.add(id, Opener::Remote, role, state))
            }
            call => {
                // Nobody can use the channel, so it is aborted [P-32, P-67], unless the response is a repeated one.
                if self.ids.has_issued(id) && self.channels.find(id, &self.ids).is_none() {
                    self.send(|out| encode::abort(out, id, None));
                }
                call.map_or(Incoming::Nothing, |(waiter, _)| Incoming::Response(waiter, response))
            }
        }
    }

    /// Removes a pending call and returns its waiter and expected channel.
    pub(super) fn finish_call(&mut self, id: RequestId) -> Option<(W, Option<ExpectedChannel<C>>)> {
        let PendingCall { waiter, channels, .. } = self.pending.remove(&id)?;
        let Some(channels) = channels else { return Some((waiter, None)) };
        if let Some(channel) = channels.on.and_then(|on| self.channels.get_mut(on)) {
            channel.pending_calls -= 1;
        }
        Some((waiter, channels.expected_channel))
    }
}

/// Returns true if the caller sends items on the channel of its call: it listens there from the creation on.
fn sends_items<C>(expected_channel: Option<&ExpectedChannel<C>>) -> bool {
    expected_channel.is_some_and(|expected| expected.role == Role::Producer)
}
