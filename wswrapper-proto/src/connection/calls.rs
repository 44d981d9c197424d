//! Calls and events of ours.

use super::{Connection, Incoming, Opens, Outgoing, SendRefused};
use crate::id::{ChannelKey, Opener};
use crate::time::{Duration, Instant};
use crate::{Answer, EncodedCall, Reason, RequestId, encode};

#[derive(Debug)]
pub(super) struct Pending<W, C> {
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
    pub(super) opens: Option<Opens<C>>,
}

impl<W, R: Clone + PartialEq, C: Clone> Connection<W, R, C> {
    /// Calls of ours that wait for an answer.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Items of ours that were sent as requests and wait for an answer [P-85].
    pub fn unanswered(&self) -> usize {
        self.channels.unanswered()
    }

    /// Sends an event's frame.
    pub fn event(&mut self, frame: Outgoing) -> Result<(), SendRefused> {
        self.take_room()?;
        self.outbox.push(frame);
        Ok(())
    }

    /// Sends an event on its channel.
    pub fn emit(&mut self, call: EncodedCall) -> Result<(), SendRefused> {
        self.check_channel(call.channel())?;
        self.event(Outgoing::Owned(call.into_event()))
    }

    /// Sends a request; `tell` lets the other end know how long its caller waits. Where it has something for that,
    /// it may be answered by an anonymous channel.
    pub fn request(
        &mut self,
        call: EncodedCall,
        waiter: W,
        deadline: Option<Instant>,
        tell: Option<Duration>,
        opens: Option<Opens<C>>,
    ) -> Result<RequestId, SendRefused> {
        let on = call.channel();
        self.check_channel(on)?;
        self.take_room()?;
        let id = self.ids.next();
        if let Some(channel) = on.and_then(|on| self.channels.get_mut(on)) {
            channel.calls += 1;
        }
        let has_channels = on.is_some() || opens.is_some();
        let channels = has_channels.then(|| Box::new(CallChannels { on, opens }));
        self.add_deadline(id, deadline);
        self.pending.insert(id, Pending { waiter, deadline, channels });
        self.outbox.push(Outgoing::Owned(call.into_request(id, tell)));
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
        let (waiter, _) = self.end_call(id)?;
        self.send(|out| encode::cancellation(out, id, reason));
        Some(waiter)
    }

    pub(super) fn response<'f>(&mut self, id: RequestId, answer: Answer<'f>) -> Incoming<'f, W, R, C> {
        if let Some(item_of) = self.channels.answered(id) {
            if matches!(answer, Answer::Channel) {
                // What JavaScript makes of a null: the item was taken [P-32].
                self.send(|out| encode::abort(out, id, None));
            }
            return self.item_answered(item_of, !matches!(answer, Answer::Rejected(_)));
        }
        let call = self.end_call(id);
        if !matches!(answer, Answer::Channel) {
            return call.map_or(Incoming::Nothing, |(waiter, _)| Incoming::Response(waiter, answer));
        }
        match call {
            Some((waiter, Some(Opens { role, end }))) => {
                Incoming::Opened(waiter, self.channels.add(id, Opener::Peer, role, end))
            }
            call => {
                // Nobody can use the channel: the peer is told to free it [P-32, P-67], but not for a repeated answer.
                if self.ids.knows(id) && self.channels.find(id, &self.ids).is_none() {
                    self.send(|out| encode::abort(out, id, None));
                }
                call.map_or(Incoming::Nothing, |(waiter, _)| Incoming::Response(waiter, answer))
            }
        }
    }

    /// A call of ours is no longer pending; gives back for what its answer could have been a channel.
    pub(super) fn end_call(&mut self, id: RequestId) -> Option<(W, Option<Opens<C>>)> {
        let Pending { waiter, channels, .. } = self.pending.remove(&id)?;
        let Some(channels) = channels else { return Some((waiter, None)) };
        if let Some(channel) = channels.on.and_then(|on| self.channels.get_mut(on)) {
            channel.calls -= 1;
        }
        Some((waiter, channels.opens))
    }
}
