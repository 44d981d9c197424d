//! A connection beside a plain account of what it must know.

use super::outgoing::assert_valid;
use proptest::sample::Index;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use wswrapper::Rejection;
use wswrapper::proto::{
    Allowance, Answer, Bounds, Call, CallEncoder, ChannelKey, Connection, Ended, Event, Incoming, Message, OpenRefused,
    Opens, Outgoing, Reason, RequestId, Role, SendRefused, Side, check_event, encode,
};

#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// A frame comes; a handler that it starts has this many milliseconds.
    Receive(String, Option<u64>),
    Call {
        event: String,
        timeout: Option<u64>,
        tell: bool,
        opens: Option<Role>,
    },
    /// A request on an anonymous channel.
    CallOn(Index, Option<u64>),
    /// What a stream's end does of itself: starts and takes, or sends an item.
    Stream(Index, Option<u32>),
    /// A channel is aborted, or closed at this end alone.
    End(Index, bool),
    Emit(String, Vec<Value>),
    Cancel(Index),
    /// A call gets so much time from now on.
    Extend(Index, Option<u64>),
    Settle(Index),
    Advance(u64),
    Transmit,
    Connect,
    Disconnect,
}

const QUEUE: usize = 3;
/// What a handler's channel is for, by the request's number.
const ROLES: [Role; 4] = [Role::Plain, Role::Producer, Role::Consumer, Role::Upload];
/// The serial of the first handler.
const HANDLERS: u32 = 1_000_000;
const BOUNDS: Bounds = Bounds { open_channels: 3, stream_items: 3, stream_bytes: 200 };

pub(crate) struct Model {
    connection: Connection<u32, u32, u32>,
    now: Instant,
    open: bool,
    lost: bool,
    /// How many events and requests were queued before the first opening.
    queued: usize,
    /// All calls that were accepted, and how often each ended.
    ends: Vec<u32>,
    pending: BTreeMap<RequestId, Timed>,
    running: BTreeMap<RequestId, Timed>,
    channels: BTreeMap<u32, Channel>,
    handlers: u32,
    used: Vec<RequestId>,
    /// The last reason that came, to be used as our own.
    reason: Option<Rejection>,
    /// How long the caller waits, as the last frame told.
    told: Option<Duration>,
}

#[derive(Clone, Copy)]
struct Timed {
    serial: u32,
    deadline: Option<Instant>,
    /// The channel that a call was sent on.
    on: Option<u32>,
    /// What a channel in answer to a call is for.
    opens: Option<Role>,
}

impl Timed {
    fn new(serial: u32, deadline: Option<Instant>) -> Self {
        Self { serial, deadline, on: None, opens: None }
    }
}

/// An anonymous channel; those of handlers have serials from `HANDLERS` upwards, those of calls the call's.
#[derive(Clone, Copy)]
struct Channel {
    key: ChannelKey,
    role: Role,
    /// Its handler.
    runner: Option<u32>,
    started: bool,
    /// Items that came and were not taken.
    held: u32,
    /// Nothing more comes in an upload.
    ended: bool,
}

impl Channel {
    fn new(key: ChannelKey, role: Role, runner: Option<u32>) -> Self {
        Self { key, role, runner, started: false, held: 0, ended: false }
    }
}

impl Model {
    pub(crate) fn new(open: bool) -> Self {
        let mut connection = Connection::new(Side::Dialling, QUEUE).with_bounds(BOUNDS);
        if open {
            connection.open();
        }
        Self {
            connection,
            now: Instant::now(),
            open,
            lost: false,
            queued: 0,
            ends: Vec::new(),
            pending: BTreeMap::new(),
            running: BTreeMap::new(),
            channels: BTreeMap::new(),
            handlers: HANDLERS,
            used: Vec::new(),
            reason: None,
            told: None,
        }
    }

    /// The id of the model's nth call, from 1.
    pub(crate) fn nth_id(n: u64) -> RequestId {
        RequestId::new(Side::Dialling.first_id().get() + n - 1).expect("in range")
    }

    pub(crate) fn act(&mut self, action: Action) {
        match action {
            Action::Receive(frame, deadline) => self.receive(&frame, deadline),
            Action::Call { event, timeout, tell, opens } => self.call(&event, timeout, tell, opens),
            Action::CallOn(index, timeout) => self.call_on(index, timeout),
            Action::Stream(index, window) => self.stream(index, window),
            Action::End(index, abort) => self.end(index, abort),
            Action::Emit(event, arguments) => self.emit(&event, &arguments),
            Action::Cancel(index) => self.cancel(index),
            Action::Extend(index, timeout) => self.extend(index, timeout),
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

    /// Ends the connection: nothing may be left.
    pub(crate) fn finish(mut self) {
        self.disconnect();
        self.check();
        assert_eq!((self.connection.pending(), self.connection.running(), self.connection.open_channels()), (0, 0, 0));
        assert_eq!((self.connection.queued_bytes(), self.connection.is_drained()), (0, true));
        assert_eq!(self.connection.poll_timeout(), None);
        assert!(self.connection.poll_transmit().is_none());
        assert!(self.ends.iter().all(|ends| *ends == 1), "each call ends once: {:?}", self.ends);
    }

    fn check(&mut self) {
        assert_eq!(self.connection.poll_event(), None);
        assert_eq!(self.connection.is_open(), self.open);
        assert_eq!(self.connection.pending(), self.pending.len());
        assert_eq!(self.connection.running(), self.running.len());
        assert_eq!(self.connection.open_channels(), self.channels.len());
        assert!(self.channels.values().all(|channel| self.connection.is_channel_open(channel.key)));
        let is_open = |on: Option<u32>| on.is_none_or(|on| self.channels.contains_key(&on));
        assert!(self.pending.values().all(|call| is_open(call.on)), "no call outlives its channel");
        let soonest = self.pending.values().chain(self.running.values()).filter_map(|timed| timed.deadline).min();
        assert_eq!(self.connection.poll_timeout(), soonest);
    }

    fn receive(&mut self, frame: &str, deadline: Option<u64>) {
        self.told = match Message::decode_whole(frame) {
            Message::Call(call) => call.caller_waits(),
            _ => None,
        };
        let incoming = self.connection.handle_frame(frame, self.now);
        if !self.understand(incoming, deadline) {
            let incoming = self.connection.handle(Message::decode_whole(frame), self.now);
            assert!(self.understand(incoming, deadline), "the whole way proves a frame");
        }
    }

    /// `false`: the frame may not be what it seems.
    fn understand(&mut self, incoming: Incoming<'_, u32, u32, u32>, deadline: Option<u64>) -> bool {
        match incoming {
            Incoming::Call(call) => return self.serve(call, deadline),
            Incoming::ChannelCall(channel, mut call) => {
                assert!(self.channels.contains_key(&channel));
                if call.arguments.finish().is_err() {
                    assert!(!call.arguments.is_proven());
                    return false;
                }
                if let Some(id) = call.id {
                    answer(id, Err(Rejection::no_listener(&call.event, &call.scope, true)));
                }
            }
            Incoming::Response(call, answer) => {
                self.take_pending(call);
                match answer {
                    Answer::Rejected(reason) => self.reason = Some(reason.read()),
                    Answer::Result(Some(json)) => {
                        assert!(serde_json::from_str::<&RawValue>(json).is_ok(), "{json}");
                    }
                    Answer::Result(None) | Answer::Channel => {}
                }
            }
            Incoming::Opened(call, key) => {
                let role = self.take_pending(call).opens.expect("the call may be answered by a channel");
                assert!(self.channels.insert(call, Channel::new(key, role, None)).is_none());
            }
            Incoming::Item(channel, item) if item.done => self.end_stream(channel),
            Incoming::Item(channel, item) => {
                assert!(item.value.is_none_or(|json| serde_json::from_str::<&RawValue>(json).is_ok()));
                self.channels.get_mut(&channel).expect("an open channel").held += 1;
            }
            Incoming::Overflow(channel) => self.end_stream(channel),
            Incoming::Resumed(channel, runner) => assert_eq!(self.channels[&channel].runner, runner),
            Incoming::ResultAwaited(runner, id) => {
                let runner = runner.expect("every channel of a handler has one");
                let deadline = self.told.and_then(|wait| self.now.checked_add(wait));
                self.running.insert(id, Timed::new(runner, deadline));
            }
            Incoming::Aborted(key, channel, runner, reason) => {
                assert_eq!(self.channels[&channel].key, key);
                if self.channels[&channel].role != Role::Upload {
                    assert_eq!(self.channels[&channel].runner, runner);
                }
                self.end_stream(channel);
                self.reason = Some(reason.read());
            }
            Incoming::Cancelled(handler, reason) => {
                self.take_running(handler);
                self.reason = Some(reason.read());
            }
            Incoming::NotJson => panic!("the frame was decoded again"),
            Incoming::Nothing => {}
        }
        self.end_calls();
        true
    }

    fn serve(&mut self, mut call: Call<'_>, deadline: Option<u64>) -> bool {
        let known = matches!(&*call.event, "echo" | "add" | "news");
        match (call.arguments.collect::<Value>(), call.id) {
            _ if !known && !call.arguments.is_proven() => return false,
            (Err(_), _) if !call.arguments.is_proven() => return false,
            (Err(error), Some(id)) => answer(id, Err(Rejection::new(format!("{error:?}")))),
            (Ok(_), Some(id)) if !known => {
                answer(id, Err(Rejection::no_listener(&call.event, &call.scope, false)));
            }
            (Ok(arguments), Some(id)) if call.event == "echo" => answer(id, Ok(arguments.into())),
            (Ok(_), Some(id)) if call.event == "news" => self.open_channel(id),
            (Ok(_), Some(id)) => self.begin(id, deadline),
            (_, None) => {}
        }
        true
    }

    /// A handler answers with a channel.
    fn open_channel(&mut self, id: RequestId) {
        let role = ROLES[usize::try_from(id.get() % 4).expect("few")];
        let handler = self.handlers;
        let opened = self.channels.keys().filter(|serial| **serial >= HANDLERS).count();
        let taken = self.channels.values().any(|channel| channel.key.id() == id);
        match self.connection.open_channel(id, role, handler) {
            Ok(key) => {
                assert!(!self.lost && !taken && opened < BOUNDS.open_channels);
                self.connection.attach(key, handler);
                self.channels.insert(handler, Channel::new(key, role, Some(handler)));
                self.handlers += 1;
                let mut frame = Vec::new();
                encode::channel(&mut frame, id);
                assert_valid(&frame);
            }
            Err(OpenRefused::Closed) => assert!(self.lost),
            Err(OpenRefused::TooMany) => assert_eq!(opened, BOUNDS.open_channels),
            Err(OpenRefused::Taken(seen)) => assert!(taken && seen == id),
            Err(refused) => panic!("{refused}"),
        }
    }

    fn begin(&mut self, id: RequestId, deadline: Option<u64>) {
        // A handler whose connection was lost in the meantime is not begun.
        if !self.lost {
            let deadline = deadline.map(|deadline| self.now + Duration::from_millis(deadline));
            self.connection.begin(id, self.handlers, deadline);
            self.running.insert(id, Timed::new(self.handlers, deadline));
            self.handlers += 1;
        }
    }

    fn settle(&mut self, index: Index) {
        let ids: Vec<RequestId> = self.running.keys().copied().collect();
        if ids.is_empty() {
            return;
        }
        let id = *index.get(&ids);
        let handler = self.running[&id].serial;
        if handler > HANDLERS {
            // An older one with the same id, which cannot be reached any more.
            self.connection.end(id, &(handler - 1));
            assert_eq!(self.connection.running(), self.running.len());
        }
        self.connection.end(id, &handler);
        self.running.remove(&id);
        match self.reason.take() {
            Some(reason) => answer(id, Err(reason)),
            None => answer(id, Ok(Value::Null)),
        }
    }

    fn call(&mut self, event: &str, timeout: Option<u64>, tell: bool, opens: Option<Role>) {
        if check_event(event, None).is_err() {
            return;
        }
        let waiter = u32::try_from(self.ends.len()).expect("few");
        let wait = timeout.map(Duration::from_millis);
        let deadline = wait.map(|wait| self.now + wait);
        let call = CallEncoder::new(event).finish(None);
        let opens_for = opens.map(|role| Opens { role, end: waiter });
        let sent = self.connection.request(call, waiter, deadline, wait.filter(|_| tell), opens_for);
        assert_eq!(sent.map(|_| ()), self.room());
        if let Ok(id) = sent {
            self.requested(id, Timed { opens, ..Timed::new(waiter, deadline) });
        }
    }

    fn requested(&mut self, id: RequestId, call: Timed) {
        assert!(!self.used.contains(&id), "an id is used once");
        self.used.push(id);
        self.ends.push(0);
        self.pending.insert(id, call);
    }

    /// One of the open channels.
    fn channel(&self, index: Index) -> Option<u32> {
        let serials: Vec<u32> = self.channels.keys().copied().collect();
        (!serials.is_empty()).then(|| *index.get(&serials))
    }

    fn call_on(&mut self, index: Index, timeout: Option<u64>) {
        let Some(channel) = self.channel(index) else { return };
        let key = self.channels[&channel].key;
        let waiter = u32::try_from(self.ends.len()).expect("few");
        let deadline = timeout.map(|timeout| self.now + Duration::from_millis(timeout));
        let sent = self.connection.request(CallEncoder::new("q").finish_on(key), waiter, deadline, None, None);
        assert_eq!(sent.map(|_| ()), self.room());
        if let Ok(id) = sent {
            self.requested(id, Timed { on: Some(channel), ..Timed::new(waiter, deadline) });
        }
    }

    fn stream(&mut self, index: Index, window: Option<u32>) {
        let Some(serial) = self.channel(index) else { return };
        let channel = self.channels.get_mut(&serial).expect("an open channel");
        let key = channel.key;
        match (channel.role, self.connection.allowance(key)) {
            (Role::Consumer | Role::Upload, _) if !channel.started => {
                channel.started = true;
                assert!(self.connection.start(key, window));
            }
            (Role::Consumer | Role::Upload, _) => {
                self.connection.take(key, channel.held, 1);
                channel.held = 0;
            }
            (Role::Producer, Allowance::OneRequest) => {
                let id = self.connection.item_request(key).expect("an open channel");
                assert!(!self.used.contains(&id), "an id is used once");
                self.used.push(id);
                assert_eq!(self.connection.allowance(key), Allowance::Behind);
            }
            (Role::Producer, Allowance::Items(items)) => {
                self.connection.sent(key, items);
                assert_eq!(self.connection.allowance(key), Allowance::Behind);
            }
            (Role::Producer | Role::Plain, _) => {}
        }
    }

    fn end(&mut self, index: Index, abort: bool) {
        let Some(serial) = self.channel(index) else { return };
        let Channel { key, runner, .. } = self.channels[&serial];
        let reason = self.reason.take();
        let end = if abort {
            self.connection.abort_channel(key, reason.as_ref())
        } else {
            self.connection.close_channel(key)
        };
        assert_eq!(end, Some(serial));
        assert_eq!((self.connection.close_channel(key), self.connection.abort_channel(key, None)), (None, None));
        self.channels.remove(&serial);
        self.running.retain(|_, running| Some(running.serial) != runner);
        self.end_calls();
    }

    /// Nothing more comes on a channel; an upload's stays for the result.
    fn end_stream(&mut self, serial: u32) {
        let channel = self.channels.get_mut(&serial).expect("an open channel");
        assert!(!std::mem::replace(&mut channel.ended, true), "a stream ends once");
        if channel.role != Role::Upload {
            self.channels.remove(&serial);
        }
    }

    /// Calls end with their channels.
    fn end_calls(&mut self) {
        while let Some(event) = self.connection.poll_event() {
            let Event::Ended(call, Ended::Closed) = event else { panic!("{event:?}") };
            let on = self.take_pending(call).on.expect("a call on a channel");
            assert!(self.channels.get(&on).is_none_or(|channel| channel.ended));
        }
    }

    fn emit(&mut self, event: &str, arguments: &[Value]) {
        if check_event(event, Some("io")).is_err() {
            return;
        }
        let mut call = CallEncoder::new(event);
        for argument in arguments {
            call.argument(argument).expect("JSON");
        }
        let sent = self.connection.event(Outgoing::Owned(call.finish(Some("io")).into_event()));
        assert_eq!(sent, self.room());
    }

    /// Whether an event or request is accepted now.
    fn room(&mut self) -> Result<(), SendRefused> {
        match (self.open, self.lost) {
            (true, _) => Ok(()),
            (false, true) => Err(SendRefused::Closed),
            (false, false) if self.queued == QUEUE => Err(SendRefused::QueueFull),
            (false, false) => {
                self.queued += 1;
                Ok(())
            }
        }
    }

    /// Cancels any call that ever was; only a pending one ends by it.
    fn cancel(&mut self, index: Index) {
        if self.used.is_empty() {
            return;
        }
        let id = *index.get(&self.used);
        let before = self.connection.queued_bytes();
        let waiter = self.connection.cancel(id, self.reason.take().as_ref() as Option<&Reason>);
        assert_eq!(waiter, self.pending.get(&id).map(|call| call.serial));
        assert_eq!(self.connection.queued_bytes() > before, waiter.is_some(), "the peer is told of what was pending");
        if let Some(waiter) = waiter {
            self.take_pending(waiter);
        }
    }

    fn extend(&mut self, index: Index, timeout: Option<u64>) {
        if self.used.is_empty() {
            return;
        }
        let id = *index.get(&self.used);
        let deadline = timeout.map(|timeout| self.now + Duration::from_millis(timeout));
        self.connection.set_deadline(id, deadline);
        if let Some(call) = self.pending.get_mut(&id) {
            call.deadline = deadline;
        }
    }

    fn advance(&mut self, time: Duration) {
        self.now += time;
        self.connection.handle_timeout(self.now);
        while let Some(event) = self.connection.poll_event() {
            let timed = match event {
                Event::Ended(call, Ended::TimedOut) => self.take_pending(call),
                Event::Expired(handler) => self.take_running(handler),
                Event::Ended(_, Ended::Closed) | Event::ChannelClosed(_) => panic!("nothing was closed"),
            };
            assert!(timed.deadline.is_some_and(|at| at <= self.now), "only what is due ends");
        }
        let mut left = self.pending.values().chain(self.running.values()).filter_map(|timed| timed.deadline);
        assert!(left.all(|at| at > self.now), "all that is due ends");
    }

    fn disconnect(&mut self) {
        self.connection.close();
        (self.open, self.lost) = (false, true);
        while let Some(event) = self.connection.poll_event() {
            match event {
                Event::Ended(call, Ended::Closed) => drop(self.take_pending(call)),
                Event::ChannelClosed(channel) => drop(self.channels.remove(&channel).expect("an open channel")),
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
        self.ends[waiter as usize] += 1;
        take(&mut self.pending, waiter)
    }

    fn take_running(&mut self, handler: u32) -> Timed {
        take(&mut self.running, handler)
    }
}

fn take(table: &mut BTreeMap<RequestId, Timed>, serial: u32) -> Timed {
    let id = *table.iter().find(|(_, timed)| timed.serial == serial).expect("it was under way").0;
    table.remove(&id).expect("it is there")
}

/// The frame that answers a request is one that may be sent.
fn answer(id: RequestId, outcome: Result<Value, Rejection>) {
    let mut frame = Vec::new();
    match outcome {
        Ok(value) => encode::result(&mut frame, id, &value).expect("JSON"),
        Err(rejection) => encode::rejection(&mut frame, id, &rejection),
    }
    assert_valid(&frame);
}
