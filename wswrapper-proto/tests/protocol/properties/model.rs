//! Compares a connection with a simple model of its state.

mod action;
mod calls;
mod channels;
mod incoming;

use crate::outgoing::assert_valid;
use crate::proto::{
    Bounds, CallFailure, ChannelKey, Connection, Notification, Rejection, RequestId, Role, Side, encode,
};
pub(crate) use action::Action;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const QUEUE: usize = 3;
/// The role of a handler's channel, chosen by the request's id modulo 4.
const ROLES: [Role; 4] = [Role::Plain, Role::Producer, Role::Consumer, Role::Upload];
/// The serial of the first handler. Serials of calls are below it.
const HANDLERS: u32 = 1_000_000;
const BOUNDS: Bounds = Bounds { open_channels: 3, stream_items: 3, stream_bytes: 200 };

pub(crate) struct Model {
    connection: Connection<u32, u32, u32>,
    now: Instant,
    open: bool,
    lost: bool,
    /// Number of events and requests queued before the first opening.
    queued: usize,
    /// For each accepted call, how often it completed.
    completions: Vec<u32>,
    pending: BTreeMap<RequestId, Timed>,
    running: BTreeMap<RequestId, Timed>,
    channels: BTreeMap<u32, Channel>,
    handlers: u32,
    used_ids: Vec<RequestId>,
    /// The last received reason. The next local rejection, cancellation or abort sends it.
    reason: Option<Rejection>,
    /// The caller's timeout in the last received frame.
    caller_timeout: Option<Duration>,
}

#[derive(Clone, Copy)]
struct Timed {
    serial: u32,
    deadline: Option<Instant>,
    /// The channel that a call was sent on.
    on: Option<u32>,
    /// The role of the channel that the response to a call may open.
    expected_role: Option<Role>,
}

impl Timed {
    fn new(serial: u32, deadline: Option<Instant>) -> Self {
        Self { serial, deadline, on: None, expected_role: None }
    }
}

/// An anonymous channel. A handler's channel has a serial from `HANDLERS` upwards, a call's channel that of the call.
#[derive(Clone, Copy)]
struct Channel {
    key: ChannelKey,
    role: Role,
    handler: Option<u32>,
    started: bool,
    /// Number of received items that were not taken.
    held: u32,
    /// True if no more items follow in an upload.
    ended: bool,
}

impl Channel {
    fn new(key: ChannelKey, role: Role, handler: Option<u32>) -> Self {
        Self { key, role, handler, started: false, held: 0, ended: false }
    }
}

impl Model {
    pub(crate) fn new(open: bool) -> Self {
        let mut connection = Connection::new(Side::Client, QUEUE).with_bounds(BOUNDS);
        if open {
            connection.open();
        }
        Self {
            connection,
            now: Instant::now(),
            open,
            lost: false,
            queued: 0,
            completions: Vec::new(),
            pending: BTreeMap::new(),
            running: BTreeMap::new(),
            channels: BTreeMap::new(),
            handlers: HANDLERS,
            used_ids: Vec::new(),
            reason: None,
            caller_timeout: None,
        }
    }

    /// Returns the id of the nth call, counted from 1.
    pub(crate) fn nth_id(n: u64) -> RequestId {
        RequestId::new(Side::Client.first_id().get() + n - 1).expect("the id is in range")
    }

    pub(crate) fn act(&mut self, action: Action) {
        match action {
            Action::Receive(frame, deadline) => self.receive(&frame, deadline),
            Action::Call { event, timeout, send_timeout, expected_role } => {
                self.call(&event, timeout, send_timeout, expected_role);
            }
            Action::CallOn(index, timeout) => self.call_on(index, timeout),
            Action::Stream(index, window) => self.stream(index, window),
            Action::CloseOrAbort(index, abort) => self.close_or_abort(index, abort),
            Action::Emit(event, arguments) => self.emit(&event, &arguments),
            Action::Cancel(index) => self.cancel(index),
            Action::SetDeadline(index, timeout) => self.set_deadline(index, timeout),
            Action::Settle(index) => self.settle(index),
            Action::Advance(milliseconds) => self.advance(Duration::from_millis(milliseconds)),
            Action::Transmit => self.transmit(),
            Action::Connect => {
                self.connection.open();
                (self.open, self.lost) = (true, false);
            }
            Action::Disconnect => self.disconnect(),
        }
        self.check();
    }

    /// Closes the connection and checks that nothing is left.
    pub(crate) fn finish(mut self) {
        self.disconnect();
        self.check();
        assert_eq!(
            (self.connection.pending_calls(), self.connection.running_handlers(), self.connection.open_channels()),
            (0, 0, 0)
        );
        assert_eq!((self.connection.queued_bytes(), self.connection.is_drained()), (0, true));
        assert_eq!(self.connection.poll_timeout(), None);
        assert!(self.connection.poll_transmit().is_none());
        assert!(
            self.completions.iter().all(|completions| *completions == 1),
            "each call completes once: {:?}",
            self.completions
        );
    }

    fn check(&mut self) {
        assert_eq!(self.connection.poll_notification(), None);
        assert_eq!(self.connection.is_open(), self.open);
        assert_eq!(self.connection.pending_calls(), self.pending.len());
        assert_eq!(self.connection.running_handlers(), self.running.len());
        assert_eq!(self.connection.open_channels(), self.channels.len());
        let streams = self.channels.values().filter(|channel| channel.role != Role::Plain).count();
        assert_eq!(self.connection.open_streams(), streams);
        assert!(self.channels.values().all(|channel| self.connection.is_channel_open(channel.key)));
        let is_open = |on: Option<u32>| on.is_none_or(|on| self.channels.contains_key(&on));
        assert!(self.pending.values().all(|call| is_open(call.on)), "no call is pending on a closed channel");
        let earliest = self.pending.values().chain(self.running.values()).filter_map(|timed| timed.deadline).min();
        assert_eq!(self.connection.poll_timeout(), earliest);
    }

    fn advance(&mut self, time: Duration) {
        self.now += time;
        self.connection.handle_timeout(self.now);
        while let Some(notification) = self.connection.poll_notification() {
            let timed = match notification {
                Notification::CallFailed(call, CallFailure::TimedOut) => self.take_pending(call),
                Notification::HandlerExpired(handler) => self.take_running(handler),
                Notification::CallFailed(_, CallFailure::Closed) | Notification::ChannelClosed(_) => {
                    panic!("time alone closes nothing")
                }
            };
            assert!(timed.deadline.is_some_and(|at| at <= self.now), "nothing times out before its deadline");
        }
        let mut left = self.pending.values().chain(self.running.values()).filter_map(|timed| timed.deadline);
        assert!(left.all(|at| at > self.now), "everything that is due times out");
    }

    fn disconnect(&mut self) {
        self.connection.close();
        (self.open, self.lost) = (false, true);
        while let Some(notification) = self.connection.poll_notification() {
            match notification {
                Notification::CallFailed(call, CallFailure::Closed) => drop(self.take_pending(call)),
                Notification::ChannelClosed(channel) => drop(self.channels.remove(&channel).expect("an open channel")),
                other => panic!("{other:?}"),
            }
        }
        assert!(self.pending.is_empty() && self.channels.is_empty());
        self.running.clear();
    }

    fn transmit(&mut self) {
        while let Some(frame) = self.connection.poll_transmit() {
            assert!(self.open, "nothing is sent while there is no connection");
            assert_valid(frame.as_bytes());
        }
        assert_eq!(self.connection.is_drained(), self.connection.queued_bytes() == 0);
        assert!(self.connection.is_drained() || !self.open);
    }

    fn take_pending(&mut self, waiter: u32) -> Timed {
        self.completions[waiter as usize] += 1;
        take(&mut self.pending, waiter)
    }

    fn take_running(&mut self, handler: u32) -> Timed {
        take(&mut self.running, handler)
    }
}

fn take(table: &mut BTreeMap<RequestId, Timed>, serial: u32) -> Timed {
    let id = *table.iter().find(|(_, timed)| timed.serial == serial).expect("the call or handler is in the table").0;
    table.remove(&id).expect("the key was found")
}

/// Encodes the response to a request and checks the frame.
fn assert_valid_response(id: RequestId, outcome: Result<Value, Rejection>) {
    let mut frame = Vec::new();
    match outcome {
        Ok(value) => encode::result(&mut frame, id, &value).expect("JSON"),
        Err(rejection) => encode::rejection(&mut frame, id, &rejection),
    }
    assert_valid(&frame);
}
