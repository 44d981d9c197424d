//! Calls and events of ours.

use super::{Connection, ExpectedChannel, Incoming, Outgoing, QueueError};
use crate::id::{ChannelKey, Opener};
use crate::time::{Duration, Instant};
use crate::{EncodedCall, Reason, RequestId, Response, encode};

#[derive(Debug)]
pub(super) struct PendingCall<W, C> {
    pub(super) waiter: W,
    pub(super) deadline: Option<Instant>,
    /// Most calls have none.
    pub(super) channels: Option<Box<CallChannels<C>>>,
}

/// What a call has to do with anonymous channels.
#[derive(Debug)]
pub(super) struct CallChannels<C> {
    /// It was sent on this one.
    pub(super) on: Option<ChannelKey>,
    /// Its answer may be one.
    pub(super) expected_channel: Option<ExpectedChannel<C>>,
}

impl<W, H: Clone + PartialEq, C: Clone> Connection<W, H, C> {
    /// Calls of ours that wait for an answer.
    pub fn pending_calls(&self) -> usize {
        self.pending.len()
    }

    /// Items of ours that were sent as requests and wait for an answer [P-85].
    pub fn unanswered_items(&self) -> usize {
        self.channels.item_requests()
    }

    /// Sends an event's frame.
    pub fn emit_frame(&mut self, frame: Outgoing) -> Result<(), QueueError> {
        self.take_capacity()?;
        self.outbox.push(frame);
        Ok(())
    }

    /// Sends an event on its channel.
    pub fn emit(&mut self, call: EncodedCall) -> Result<(), QueueError> {
        self.check_channel(call.channel())?;
        self.emit_frame(Outgoing::Owned(call.into_event()))
    }

    /// Sends a request; `caller_timeout` lets the other end know how long its caller waits. Where it has something for that,
    /// it may be answered by an anonymous channel.
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
        self.take_capacity()?;
        let id = self.ids.next();
        if let Some(channel) = on.and_then(|on| self.channels.get_mut(on)) {
            channel.pending_calls += 1;
        }
        let has_channels = on.is_some() || expected_channel.is_some();
        let channels = has_channels.then(|| Box::new(CallChannels { on, expected_channel }));
        self.add_deadline(id, deadline);
        self.pending.insert(id, PendingCall { waiter, deadline, channels });
        self.outbox.push(Outgoing::Owned(call.into_request(id, caller_timeout)));
        Ok(id)
    }

    /// Sets anew when a call of ours times out; never with none.
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

    /// Ends a call of ours and tells the peer; `None` if it had ended before, and then nothing is sent [P-53].
    pub fn cancel(&mut self, id: RequestId, reason: Option<&Reason>) -> Option<W> {
        let (waiter, _) = self.finish_call(id)?;
        self.send(|out| encode::cancellation(out, id, reason));
        Some(waiter)
    }

    pub(super) fn response<'f>(&mut self, id: RequestId, response: Response<'f>) -> Incoming<'f, W, H, C> {
        if let Some(item_of) = self.channels.take_item_request(id) {
            if matches!(response, Response::Channel) {
                // What JavaScript makes of a null: the item was taken [P-32].
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
                // Nobody can use the channel: the peer is told to free it [P-32, P-67], but not for a repeated answer.
                if self.ids.has_issued(id) && self.channels.find(id, &self.ids).is_none() {
                    self.send(|out| encode::abort(out, id, None));
                }
                call.map_or(Incoming::Nothing, |(waiter, _)| Incoming::Response(waiter, response))
            }
        }
    }

    /// A call of ours is no longer pending; gives back for what its answer could have been a channel.
    pub(super) fn finish_call(&mut self, id: RequestId) -> Option<(W, Option<ExpectedChannel<C>>)> {
        let PendingCall { waiter, channels, .. } = self.pending.remove(&id)?;
        let Some(channels) = channels else { return Some((waiter, None)) };
        if let Some(channel) = channels.on.and_then(|on| self.channels.get_mut(on)) {
            channel.pending_calls -= 1;
        }
        Some((waiter, channels.expected_channel))
    }
}
