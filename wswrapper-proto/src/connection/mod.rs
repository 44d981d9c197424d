//! The state of a connection: calls and channels in both directions.

mod calls;
mod channel_table;
mod channels;
mod consumer;
mod deadlines;
mod flow_control;
mod handlers;
mod incoming;
mod not_found;
mod notification;
mod outbox;
mod producer;
mod role;
mod streams;
mod upload;

pub use calls::QueueError;
pub use channels::{ExpectedChannel, OpenChannelError};
pub use consumer::{AwaitedResult, Consumer};
pub use flow_control::MAX_WINDOW;
pub use incoming::Incoming;
pub use notification::{CallFailure, Notification};
pub use outbox::Outgoing;
pub use producer::{Allowance, Producer};
pub use role::Role;

use crate::id::Ids;
use crate::time::Instant;
use crate::{Address, Bounds, Message, Rejection, RequestId, Side, code, encode};
use calls::PendingCall;
use channel_table::Channels;
use deadlines::Deadlines;
use foldhash::fast::FixedState;
use handlers::RunningHandler;
use outbox::Outbox;
use std::collections::{HashMap, VecDeque};

/// The protocol state of one connection.
///
/// The connection stores three kinds of values for its user and returns them when something happens to them:
///
/// - `W`, the waiter of a local call, is returned exactly once: when the call finishes, fails or is cancelled.
/// - `H`, a running handler of the peer, is returned when the peer cancels it or no longer waits for it.
/// - `C`, the state of an anonymous channel, is returned with each of its messages and when the channel closes.
///
/// [`handle_frame`](Self::handle_frame) returns the meaning of a frame. After it, and after any other method that may
/// queue a frame, [`poll_transmit`](Self::poll_transmit) returns the frames to send.
/// [`handle_timeout`](Self::handle_timeout) has to be called at the time of [`poll_timeout`](Self::poll_timeout).
/// Everything else that happens is returned by [`poll_notification`](Self::poll_notification).
#[derive(Debug)]
pub struct Connection<W, H, C> {
    state: State,
    ids: Ids,
    /// The ids are local, so a fast hash is safe.
    pending: HashMap<RequestId, PendingCall<W, C>, FixedState>,
    running: HashMap<RequestId, RunningHandler<H>>,
    channels: Channels<H, C>,
    /// Bytes of untaken items.
    held_bytes: usize,
    bounds: Bounds,
    deadlines: Deadlines,
    running_deadlines: Deadlines,
    outbox: Outbox,
    /// Events and requests that may still be queued before the first opening.
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
    /// Creates a connection that is not open yet, and queues up to `queue_capacity` events and requests until it is
    /// [P-90].
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

    /// Starts the ids of local requests at `id` instead of [`Side::first_id`], as after that many requests.
    #[must_use]
    pub fn with_next_id(mut self, id: RequestId) -> Self {
        self.ids = Ids::starting_at(self.ids.side(), id);
        self
    }

    /// Sets the bounds on channels and streams.
    #[must_use]
    pub fn with_bounds(mut self, bounds: Bounds) -> Self {
        self.bounds = bounds;
        self
    }

    /// Records that a transport is open, for the first time or again. Queued frames may be sent now.
    pub fn open(&mut self) {
        self.state = State::Open;
    }

    /// Returns true if the transport is open.
    pub fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Records that the transport is closed.
    ///
    /// Pending calls and anonymous channels are closed and reported by [`poll_notification`](Self::poll_notification).
    /// Running handlers are forgotten, and queued frames are dropped. A transport may be opened again afterwards; ids
    /// keep counting.
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

    /// Returns the number of queued bytes.
    pub fn queued_bytes(&self) -> usize {
        self.outbox.bytes()
    }

    /// Returns true if no frame is queued.
    pub fn is_drained(&self) -> bool {
        self.outbox.is_empty()
    }

    /// Queues the frame of a response, even if the queue is full [P-90].
    pub fn respond(&mut self, frame: Vec<u8>) {
        if self.state != State::Closed {
            self.outbox.push(Outgoing::Owned(frame));
        }
    }

    /// Handles a frame.
    pub fn handle_frame<'f>(&mut self, frame: &'f str, now: Instant) -> Incoming<'f, W, H, C> {
        match self.handle(Message::decode(frame), now) {
            Incoming::NotJson => self.handle(Message::decode_whole(frame), now),
            incoming => incoming,
        }
    }

    /// Handles a decoded frame. No frame is an error of the connection [P-08].
    ///
    /// After [`Incoming::NotJson`] the frame has to be decoded [whole](Message::decode_whole) and handled again. So has
    /// the frame of a call whose arguments fail with [`ArgumentsError::NotJson`](crate::ArgumentsError::NotJson).
    pub fn handle<'f>(&mut self, message: Message<'f>, now: Instant) -> Incoming<'f, W, H, C> {
        match message {
            Message::Call(call) if matches!(call.address, Address::Main | Address::Named(_)) => Incoming::Call(call),
            Message::Call(call) => self.channel_call(call, now),
            Message::BadName(id) => {
                if let Some(id) = id {
                    let rejection = Rejection::new("The event's name is not a string").with_code(code::BAD_ARGUMENTS);
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

    /// Returns the time at which [`handle_timeout`](Self::handle_timeout) has to be called next.
    pub fn poll_timeout(&mut self) -> Option<Instant> {
        let (pending, running) = (&self.pending, &self.running);
        let call = self.deadlines.next(|id, at| pending.get(&id).is_some_and(|call| call.deadline == Some(at)));
        let handler =
            self.running_deadlines.next(|id, at| running.get(&id).is_some_and(|call| call.deadline == Some(at)));
        call.into_iter().chain(handler).min()
    }

    /// Cancels the local calls whose deadline has passed, and reports the handlers whose deadline has passed.
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

    /// Returns the next notification.
    pub fn poll_notification(&mut self) -> Option<Notification<W, H, C>> {
        self.notifications.pop_front()
    }

    /// Returns the next frame to send. Returns `None` while the transport is not open.
    pub fn poll_transmit(&mut self) -> Option<Outgoing> {
        if self.is_open() { self.outbox.pop() } else { None }
    }

    /// Reserves space in the queue for an event or a request.
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

    /// Queues a frame even if the queue is full. A closed connection drops it.
    fn send(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.state != State::Closed {
            let mut frame = Vec::new();
            write(&mut frame);
            self.outbox.push(Outgoing::Owned(frame));
        }
    }
}
