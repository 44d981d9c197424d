//! The calls and the channels of one connection, in both directions.

mod channel_table;
mod channels;
mod consumer;
mod deadlines;
mod notification;
mod outbox;
mod producer;
mod streams;

pub use channel_table::Role;
pub use channels::{OpenRefused, Opens};
pub use notification::{Ended, Event, Incoming, SendRefused};
pub use outbox::Outgoing;
pub use producer::{Allowance, LARGEST_WINDOW};
pub use streams::AwaitedResult;

use crate::id::{ChannelKey, Ids, Opener};
use crate::time::{Duration, Instant};
use crate::{Answer, Bounds, EncodedCall, Message, Reason, Rejection, RequestId, Scope, Side, encode};
use channel_table::Channels;
use deadlines::Deadlines;
use foldhash::fast::FixedState;
use outbox::Outbox;
use std::collections::{HashMap, VecDeque};

/// The state of a connection.
///
/// `W` stands for whoever waits for a call of ours; the connection keeps it and gives it back exactly once. `R` stands
/// for a handler that runs for the peer; it is given back if the peer cancels it. `C` stands for what the caller keeps of
/// an anonymous channel; it is given back when the channel ends.
///
/// What a frame means is returned by [`handle_frame`](Self::handle_frame). What time or disconnection causes is polled:
/// [`poll_timeout`](Self::poll_timeout), [`poll_event`](Self::poll_event). Frames to be sent are taken by
/// [`poll_transmit`](Self::poll_transmit) while the connection is open.
#[derive(Debug)]
pub struct Connection<W, R, C> {
    state: State,
    ids: Ids,
    /// The ids are our own, so that any hash will do.
    pending: HashMap<RequestId, Pending<W, C>, FixedState>,
    running: HashMap<RequestId, Running<R>>,
    channels: Channels<R, C>,
    /// Bytes of items that came and were not taken.
    held_bytes: usize,
    bounds: Bounds,
    deadlines: Deadlines,
    running_deadlines: Deadlines,
    outbox: Outbox,
    /// How many events and requests may still be queued before the first opening.
    room_before_open: usize,
    events: VecDeque<Event<W, R, C>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Connecting,
    Open,
    Lost,
}

#[derive(Debug)]
struct Pending<W, C> {
    waiter: W,
    deadline: Option<Instant>,
    /// Most calls have none.
    channels: Option<Box<CallChannels<C>>>,
}

/// What a call has to do with anonymous channels.
#[derive(Debug)]
struct CallChannels<C> {
    /// It was sent on this one.
    on: Option<ChannelKey>,
    /// Its answer may be one.
    opens: Option<Opens<C>>,
}

#[derive(Debug)]
struct Running<R> {
    handler: R,
    deadline: Option<Instant>,
}

impl<W, R: Clone + PartialEq, C: Clone> Connection<W, R, C> {
    /// A connection that is not open yet. Until it is, `queue` events and requests may wait [P-90].
    pub fn new(side: Side, queue: usize) -> Self {
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
            room_before_open: queue,
            events: VecDeque::new(),
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
        self.state = State::Lost;
        self.end_all();
        self.deadlines.clear();
        self.outbox.clear();
        let pending = std::mem::take(&mut self.pending);
        self.events.extend(pending.into_values().map(|call| Event::Ended(call.waiter, Ended::Closed)));
        self.events.extend(self.channels.take_all().map(Event::ChannelClosed));
    }

    /// Calls of ours that wait for an answer.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Items of ours that were sent as requests and wait for an answer [P-85].
    pub fn unanswered(&self) -> usize {
        self.channels.unanswered()
    }

    /// Handlers that were [begun](Self::begin) and have not ended.
    pub fn running(&self) -> usize {
        self.running.len()
    }

    /// Bytes that wait in the queue.
    pub fn queued_bytes(&self) -> usize {
        self.outbox.bytes()
    }

    /// Whether nothing waits in the queue.
    pub fn is_drained(&self) -> bool {
        self.outbox.is_empty()
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

    /// Queues the frame of a response, which has no limit of its own [P-90].
    pub fn respond(&mut self, frame: Vec<u8>) {
        self.outbox.push(Outgoing::Owned(frame));
    }

    /// A handler goes on running for this request, so that a cancellation can reach it; of two with the same id only
    /// the newer one can be reached [P-38].
    pub fn begin(&mut self, id: RequestId, handler: R, deadline: Option<Instant>) {
        if let Some(at) = deadline {
            let running = &self.running;
            let live = |id, at| running.get(&id).is_some_and(|call| call.deadline == Some(at));
            self.running_deadlines.add(at, id, running.len(), live);
        }
        self.running.insert(id, Running { handler, deadline });
    }

    /// A handler ended by itself.
    pub fn end(&mut self, id: RequestId, handler: &R) {
        if self.running.get(&id).is_some_and(|running| running.handler == *handler) {
            self.running.remove(&id);
        }
    }

    /// Every handler has ended: the connection is about to close.
    pub fn end_all(&mut self) {
        self.running = HashMap::new();
        self.running_deadlines.clear();
    }

    /// Tells what a frame means.
    pub fn handle_frame<'f>(&mut self, frame: &'f str, now: Instant) -> Incoming<'f, W, R, C> {
        match self.handle(Message::decode(frame), now) {
            Incoming::NotJson => self.handle(Message::decode_whole(frame), now),
            incoming => incoming,
        }
    }

    /// Tells what a decoded frame means. Nothing that it says can be an error [P-08].
    pub fn handle<'f>(&mut self, message: Message<'f>, now: Instant) -> Incoming<'f, W, R, C> {
        match message {
            Message::Call(call) if matches!(call.scope, Scope::Main | Scope::Named(_)) => Incoming::Call(call),
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
            Message::Abort(scope, reason) => self.aborted(&scope, reason),
            Message::Nothing => Incoming::Nothing,
        }
    }

    fn response<'f>(&mut self, id: RequestId, answer: Answer<'f>) -> Incoming<'f, W, R, C> {
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
    fn end_call(&mut self, id: RequestId) -> Option<(W, Option<Opens<C>>)> {
        let Pending { waiter, channels, .. } = self.pending.remove(&id)?;
        let Some(channels) = channels else { return Some((waiter, None)) };
        if let Some(channel) = channels.on.and_then(|on| self.channels.get_mut(on)) {
            channel.calls -= 1;
        }
        Some((waiter, channels.opens))
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
                let timed_out = self.cancel(id, None).map(|waiter| Event::Ended(waiter, Ended::TimedOut));
                self.events.extend(timed_out);
            }
        }
        while let Some(id) = self.running_deadlines.pop_due(now) {
            if self.running.get(&id).is_some_and(|running| due(running.deadline)) {
                self.events.extend(self.running.remove(&id).map(|running| Event::Expired(running.handler)));
            }
        }
    }

    /// What happened since without a frame.
    pub fn poll_event(&mut self) -> Option<Event<W, R, C>> {
        self.events.pop_front()
    }

    /// The next frame to be sent, while the connection is open.
    pub fn poll_transmit(&mut self) -> Option<Outgoing> {
        if self.is_open() { self.outbox.pop() } else { None }
    }

    fn take_room(&mut self) -> Result<(), SendRefused> {
        match self.state {
            State::Open => Ok(()),
            State::Lost => Err(SendRefused::Closed),
            State::Connecting => {
                self.room_before_open = self.room_before_open.checked_sub(1).ok_or(SendRefused::QueueFull)?;
                Ok(())
            }
        }
    }

    /// Sends what has no limit of its own; a lost connection drops it.
    fn send(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.state != State::Lost {
            let mut frame = Vec::new();
            write(&mut frame);
            self.outbox.push(Outgoing::Owned(frame));
        }
    }
}

/// A channel that there is not [P-47, P-48].
fn no_channel(scope: &Scope<'_>) -> Rejection {
    match scope {
        Scope::Main => no_named_channel(""),
        Scope::Named(name) => no_named_channel(name),
        Scope::NoChannel(json) => no_named_channel(json),
        Scope::Anonymous(id) => Rejection::new(format!("Anonymous channel '{id}' does not exist")),
        Scope::NoAnonymous(json) => Rejection::new(format!("Anonymous channel '{json}' does not exist")),
    }
}

fn no_named_channel(name: &str) -> Rejection {
    Rejection::new(format!("Channel '{name}' does not exist"))
}

impl Rejection {
    /// Nobody handles the event [P-46], or there is no such channel [P-47, P-48].
    pub fn no_listener(event: &str, scope: &Scope<'_>, channel_exists: bool) -> Self {
        match scope {
            Scope::Main => Self::new(format!("No event listener for '{event}'")),
            Scope::Named(name) if channel_exists => {
                Self::new(format!("No event listener for '{event}' on channel '{name}'"))
            }
            Scope::Anonymous(id) if channel_exists => {
                Self::new(format!("No event listener for '{event}' on channel '{id}'"))
            }
            scope => no_channel(scope),
        }
    }
}
