//! The calls and the channels of one connection, in both directions.

mod calls;
mod channel_table;
mod channels;
mod consumer;
mod deadlines;
mod handlers;
mod not_found;
mod notification;
mod outbox;
mod producer;
mod streams;

pub use channel_table::Role;
pub use channels::{ExpectedChannel, OpenChannelError};
pub use consumer::{AwaitedResult, Consumer};
pub use notification::{CallFailure, Incoming, Notification, QueueError};
pub use outbox::Outgoing;
pub use producer::{Allowance, MAX_WINDOW, Producer};

use crate::id::Ids;
use crate::time::Instant;
use crate::{Address, Bounds, Message, Rejection, RequestId, Side, encode};
use calls::PendingCall;
use channel_table::Channels;
use deadlines::Deadlines;
use foldhash::fast::FixedState;
use handlers::RunningHandler;
use outbox::Outbox;
use std::collections::{HashMap, VecDeque};

/// The state of a connection.
///
/// `W` stands for whoever waits for a call of ours; the connection keeps it and gives it back exactly once. `H` stands
/// for a handler that runs for the peer; it is given back if the peer cancels it. `C` stands for what the caller keeps of
/// an anonymous channel; it is given back when the channel ends.
///
/// What a frame means is returned by [`handle_frame`](Self::handle_frame). What time or disconnection causes is polled:
/// [`poll_timeout`](Self::poll_timeout), [`poll_notification`](Self::poll_notification). Frames to be sent are taken by
/// [`poll_transmit`](Self::poll_transmit) while the connection is open.
#[derive(Debug)]
pub struct Connection<W, H, C> {
    state: State,
    ids: Ids,
    /// The ids are our own, so that any hash will do.
    pending: HashMap<RequestId, PendingCall<W, C>, FixedState>,
    running: HashMap<RequestId, RunningHandler<H>>,
    channels: Channels<H, C>,
    /// Bytes of items that came and were not taken.
    held_bytes: usize,
    bounds: Bounds,
    deadlines: Deadlines,
    running_deadlines: Deadlines,
    outbox: Outbox,
    /// How many events and requests may still be queued before the first opening.
    capacity_before_open: usize,
    notifications: VecDeque<Notification<W, H, C>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Connecting,
    Open,
    Closed,
}

impl<W, H: Clone + PartialEq, C: Clone> Connection<W, H, C> {
    /// A connection that is not open yet. Until it is, `queue` events and requests may wait [P-90].
    pub fn new(side: Side, queue_capacity: usize) -> Self {
        Self {
            state: State::Connecting,
            ids: Ids::new(side),
            pending: HashMap::default(),
            running: HashMap::new(),
            channels: Channels::default(),
            held_bytes: 0,
            bounds: Bounds::default(),
            deadlines: Deadlines::default(),
            running_deadlines: Deadlines::default(),
            outbox: Outbox::default(),
            capacity_before_open: queue_capacity,
            notifications: VecDeque::new(),
        }
    }

    /// The same with other bounds.
    #[must_use]
    pub fn with_bounds(mut self, bounds: Bounds) -> Self {
        self.bounds = bounds;
        self
    }

    /// The transport is open, for the first time or again; what was queued may be sent.
    pub fn open(&mut self) {
        self.state = State::Open;
    }

    /// Whether the transport is open.
    pub fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// The transport is gone: every pending call and every anonymous channel ends, running handlers are forgotten, nothing
    /// of what was queued is sent later. Ids go on counting.
    pub fn close(&mut self) {
        self.state = State::Closed;
        self.clear_handlers();
        self.deadlines.clear();
        self.outbox.clear();
        let pending = std::mem::take(&mut self.pending);
        self.notifications
            .extend(pending.into_values().map(|call| Notification::CallFailed(call.waiter, CallFailure::Closed)));
        self.notifications.extend(self.channels.take_all().map(Notification::ChannelClosed));
    }

    /// Bytes that wait in the queue.
    pub fn queued_bytes(&self) -> usize {
        self.outbox.bytes()
    }

    /// Whether nothing waits in the queue.
    pub fn is_drained(&self) -> bool {
        self.outbox.is_empty()
    }

    /// Queues the frame of a response, which has no limit of its own [P-90].
    pub fn respond(&mut self, frame: Vec<u8>) {
        self.outbox.push(Outgoing::Owned(frame));
    }

    /// Tells what a frame means.
    pub fn handle_frame<'f>(&mut self, frame: &'f str, now: Instant) -> Incoming<'f, W, H, C> {
        match self.handle(Message::decode(frame), now) {
            Incoming::NotJson => self.handle(Message::decode_whole(frame), now),
            incoming => incoming,
        }
    }

    /// Tells what a decoded frame means. Nothing that it says can be an error [P-08].
    pub fn handle<'f>(&mut self, message: Message<'f>, now: Instant) -> Incoming<'f, W, H, C> {
        match message {
            Message::Call(call) if matches!(call.address, Address::Main | Address::Named(_)) => Incoming::Call(call),
            Message::Call(call) => self.channel_call(call, now),
            Message::BadName(id) => {
                if let Some(id) = id {
                    let rejection = Rejection::new("The event's name is not a string");
                    self.send(|out| encode::rejection(out, id, &rejection));
                }
                Incoming::Nothing
            }
            Message::Response(id, answer) => self.response(id, answer),
            Message::Cancellation(id, reason) => match self.running.remove(&id) {
                Some(running) => Incoming::Cancelled(running.handler, reason),
                None => Incoming::Nothing,
            },
            Message::Abort(address, reason) => self.aborted(&address, reason),
            Message::Nothing => Incoming::Nothing,
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called.
    pub fn poll_timeout(&mut self) -> Option<Instant> {
        let (pending, running) = (&self.pending, &self.running);
        let call = self.deadlines.next(|id, at| pending.get(&id).is_some_and(|call| call.deadline == Some(at)));
        let handler =
            self.running_deadlines.next(|id, at| running.get(&id).is_some_and(|call| call.deadline == Some(at)));
        call.into_iter().chain(handler).min()
    }

    /// Ends what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let due = |deadline: Option<Instant>| deadline.is_some_and(|at| at <= now);
        while let Some(id) = self.deadlines.pop_due(now) {
            if self.pending.get(&id).is_some_and(|call| due(call.deadline)) {
                let timed_out =
                    self.cancel(id, None).map(|waiter| Notification::CallFailed(waiter, CallFailure::TimedOut));
                self.notifications.extend(timed_out);
            }
        }
        while let Some(id) = self.running_deadlines.pop_due(now) {
            if self.running.get(&id).is_some_and(|running| due(running.deadline)) {
                self.notifications
                    .extend(self.running.remove(&id).map(|running| Notification::HandlerExpired(running.handler)));
            }
        }
    }

    /// What happened since without a frame.
    pub fn poll_notification(&mut self) -> Option<Notification<W, H, C>> {
        self.notifications.pop_front()
    }

    /// The next frame to be sent, while the connection is open.
    pub fn poll_transmit(&mut self) -> Option<Outgoing> {
        if self.is_open() { self.outbox.pop() } else { None }
    }

    fn take_capacity(&mut self) -> Result<(), QueueError> {
        match self.state {
            State::Open => Ok(()),
            State::Closed => Err(QueueError::Closed),
            State::Connecting => {
                self.capacity_before_open = self.capacity_before_open.checked_sub(1).ok_or(QueueError::QueueFull)?;
                Ok(())
            }
        }
    }

    /// Sends what has no limit of its own; a lost connection drops it.
    fn send(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.state != State::Closed {
            let mut frame = Vec::new();
            write(&mut frame);
            self.outbox.push(Outgoing::Owned(frame));
        }
    }
}
