//! Two ends and the wires between them, beside a plain account of what each must know.

use super::outgoing::assert_valid;
use proptest::sample::Index;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};
use wswrapper::Rejection;
use wswrapper::proto::{
    Allowance, AwaitedResult, Bounds, CallEncoder, ChannelKey, Connection, Ended, Event, Incoming, OpenRefused, Opens,
    RequestId, Role, Side, encode,
};

/// What one end does, or what happens to it: to one of those that it can be done to, and how much.
#[derive(Clone, Debug)]
pub(crate) struct Action {
    pub(crate) end: usize,
    pub(crate) what: What,
    pub(crate) which: Index,
    pub(crate) amount: u32,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    /// A request, on the main channel or on an anonymous one.
    Call(Kind),
    CallOn(Kind),
    /// An event on a channel for events and requests.
    Note,
    /// A handler that took its time ends.
    Settle,
    Cancel,
    Start,
    Take,
    /// Sends so many items, as far as the consumer lets it; after the last one the end.
    Produce,
    /// A channel is aborted, whatever it is for.
    Abort,
    /// One for events and requests is closed at this end alone.
    Close,
    /// The items of an upload end with an error.
    AbortItems,
    /// Nobody takes a stream's items any more.
    Leave,
    /// The handler of an upload answers, be it before the end.
    AnswerUpload,
    /// So many frames arrive.
    Deliver,
    Advance,
    Disconnect,
    Connect,
}

/// What a request wants; it is the event's name, too.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Value,
    Refusal,
    Later,
    Channel,
    Stream,
    Upload,
    /// A stream's channel, where its caller knows of no channels.
    Mistake,
}

const BOUNDS: Bounds = Bounds { open_channels: 6, stream_items: 2, stream_bytes: 1000 };

#[derive(Default)]
pub(crate) struct World {
    ends: Vec<End>,
    /// What each end has sent and the other has not got.
    wires: [VecDeque<String>; 2],
    streams: Vec<Stream>,
    /// The requests that each end has got and has not answered.
    asked: [BTreeSet<u64>; 2],
    /// How many streams came to their end with all that was sent.
    pub(crate) finished: usize,
    /// How many items were taken.
    pub(crate) taken: u64,
}

struct End {
    core: Connection<u32, u32, u32>,
    now: Instant,
    calls: Vec<Call>,
    handlers: BTreeMap<u32, Handler>,
    channels: BTreeMap<u32, Channel>,
    /// How often each channel that was opened came back.
    ends: BTreeMap<u32, u32>,
    /// The last number of a handler or a channel.
    last: u32,
}

struct Call {
    id: RequestId,
    ends: u32,
    opens: Option<Opens<u32>>,
    stream: usize,
    on: Option<u32>,
    /// It waits for the result of the upload on its channel.
    is_result: bool,
}

/// A handler that goes on.
struct Handler {
    /// The request that it will answer.
    id: Option<RequestId>,
    channel: Option<u32>,
}

struct Channel {
    key: ChannelKey,
    role: Role,
    stream: usize,
    runner: Option<u32>,
    started: bool,
    /// The bytes of what came and was not taken.
    held: VecDeque<usize>,
    /// Nothing more is sent or comes.
    ended: bool,
    notes: (u64, u64),
}

/// What both ends know of a stream together.
#[derive(Default)]
struct Stream {
    total: u64,
    window: Option<u32>,
    sent: u64,
    received: u64,
    taken: u64,
    /// Its consumer is there.
    open: bool,
    /// Its consumer has got all of it.
    done: bool,
    /// Somebody has ended it before its end.
    cut: bool,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Refusal => "refusal",
            Self::Later => "later",
            Self::Channel => "channel",
            Self::Stream | Self::Mistake => "stream",
            Self::Upload => "upload",
        }
    }

    /// What its caller wants a channel for.
    fn opens(self) -> Option<Role> {
        match self {
            Self::Value | Self::Refusal | Self::Later | Self::Mistake => None,
            Self::Channel => Some(Role::Plain),
            Self::Stream => Some(Role::Consumer),
            Self::Upload => Some(Role::Producer),
        }
    }
}

impl Channel {
    fn is_consumer(&self) -> bool {
        matches!(self.role, Role::Consumer | Role::Upload)
    }
}

/// What a frame means for a request of this number.
enum Request {
    Asked(u64),
    Answered(u64),
    Cancelled(u64),
}

impl Request {
    fn of(frame: &str) -> Option<Self> {
        let frame: Value = serde_json::from_str(frame).expect("JSON");
        let id = frame.get("i")?.as_u64().expect("an id");
        let has = |key| frame.get(key).is_some();
        Some(match () {
            () if has("a") => Self::Asked(id),
            () if has("x") => Self::Cancelled(id),
            () => Self::Answered(id),
        })
    }
}

/// One of these, if there are any.
fn one(all: &[u32], which: Index) -> Option<u32> {
    (!all.is_empty()).then(|| *which.get(all))
}

impl End {
    fn new(side: Side) -> Self {
        let mut core = Connection::new(side, 0).with_bounds(BOUNDS);
        core.open();
        Self {
            core,
            now: Instant::now(),
            calls: Vec::new(),
            handlers: BTreeMap::new(),
            channels: BTreeMap::new(),
            ends: BTreeMap::new(),
            last: 0,
        }
    }

    fn number(&mut self) -> u32 {
        self.last += 1;
        self.last
    }

    fn call_ended(&mut self, call: u32) -> &mut Call {
        let call = &mut self.calls[call as usize];
        call.ends += 1;
        assert_eq!(call.ends, 1, "a call ends once");
        call
    }

    fn opened(&mut self, channel: u32, key: ChannelKey, role: Role, stream: usize, runner: Option<u32>) {
        let (held, notes) = (VecDeque::new(), (0, 0));
        let new = Channel { key, role, stream, runner, started: false, held, ended: false, notes };
        assert!(self.channels.insert(channel, new).is_none());
        assert_eq!(self.ends.insert(channel, 0), None);
    }

    /// A channel came back, and its handler ends with it.
    fn channel_ended(&mut self, channel: u32) -> Channel {
        *self.ends.get_mut(&channel).expect("a channel that was opened") += 1;
        assert_eq!(self.ends[&channel], 1, "a channel ends once");
        let channel = self.channels.remove(&channel).expect("an open channel");
        assert!(!self.core.is_channel_open(channel.key));
        channel.runner.and_then(|handler| self.handlers.remove(&handler));
        channel
    }

    fn respond(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut frame = Vec::new();
        write(&mut frame);
        self.core.respond(frame);
    }

    fn answer(&mut self, id: RequestId) {
        self.respond(|out| encode::result(out, id, &json!({ "of": id.get() })).expect("JSON"));
    }

    fn reject(&mut self, id: RequestId, why: impl Into<String>) {
        self.respond(|out| encode::rejection(out, id, &Rejection::new(why)));
    }

    fn check(&self) {
        let waiting = self.handlers.values().filter(|handler| handler.id.is_some()).count();
        let pending = self.calls.iter().filter(|call| call.ends == 0).count();
        let open = self.channels.len();
        assert_eq!((self.core.pending(), self.core.running(), self.core.open_channels()), (pending, waiting, open));
        let is_open = |on: Option<u32>| on.is_none_or(|on| self.channels.contains_key(&on));
        assert!(self.calls.iter().all(|call| call.ends > 0 || is_open(call.on)), "no call outlives its channel");
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self { ends: vec![End::new(Side::Dialling), End::new(Side::Accepting)], ..Self::default() }
    }

    pub(crate) fn act(&mut self, action: &Action) {
        let Action { end: n, what, which, amount } = *action;
        match what {
            What::Call(kind) => self.call(n, None, kind, amount),
            What::CallOn(kind) => {
                let on = self.channel(n, which, |channel| matches!(channel.role, Role::Plain));
                if let Some(on) = on {
                    self.call(n, Some(on), kind, amount);
                }
            }
            What::Note => {
                let channel = self.channel(n, which, |channel| channel.role == Role::Plain);
                if let Some(channel) = channel {
                    self.note(n, channel);
                }
            }
            What::Settle => {
                let handlers = &self.ends[n].handlers;
                let later: Vec<u32> =
                    handlers.iter().filter(|(_, handler)| handler.channel.is_none()).map(|(key, _)| *key).collect();
                if let Some(handler) = one(&later, which) {
                    self.settle(n, handler);
                }
            }
            What::Cancel => {
                let calls: Vec<u32> = (0..).take(self.ends[n].calls.len()).collect();
                if let Some(call) = one(&calls, which) {
                    self.cancel(n, call);
                }
            }
            What::Start => {
                let is_new = |channel: &Channel| channel.is_consumer() && !channel.started && !channel.ended;
                let channel = self.channel(n, which, is_new);
                if let Some(channel) = channel {
                    self.start(n, channel, (amount > 1).then(|| amount - 1));
                }
            }
            What::Take => {
                let channel = self.channel(n, which, |channel| !channel.held.is_empty());
                if let Some(channel) = channel {
                    self.take(n, channel, amount);
                }
            }
            What::Produce => {
                let channel = self.channel(n, which, |channel| channel.role == Role::Producer && !channel.ended);
                if let Some(channel) = channel {
                    self.produce(n, channel, amount);
                }
            }
            What::Abort => {
                let channel = self.channel(n, which, |_| true);
                if let Some(channel) = channel {
                    self.abort(n, channel);
                }
            }
            What::Close => {
                let channel = self.channel(n, which, |channel| channel.role == Role::Plain);
                if let Some(channel) = channel {
                    self.close(n, channel);
                }
            }
            What::AbortItems => {
                let is_upload =
                    |channel: &Channel| channel.role == Role::Producer && channel.runner.is_none() && !channel.ended;
                let channel = self.channel(n, which, is_upload);
                if let Some(channel) = channel {
                    self.abort_items(n, channel);
                }
            }
            What::Leave => {
                let channel = self.channel(n, which, |channel| channel.is_consumer() && !channel.ended);
                if let Some(channel) = channel {
                    self.leave(n, channel);
                }
            }
            What::AnswerUpload => {
                let channel = self.channel(n, which, |channel| channel.role == Role::Upload);
                if let Some(channel) = channel {
                    self.answer_upload(n, channel);
                }
            }
            What::Deliver => {
                for _ in 0..amount {
                    self.deliver(n);
                }
            }
            What::Advance => self.advance(Duration::from_millis(10 * u64::from(amount))),
            What::Disconnect => self.disconnect(),
            What::Connect => self.connect(),
        }
        self.transmit();
        self.ends.iter().for_each(End::check);
    }

    /// Lets everything come to its end: nothing may be left.
    pub(crate) fn finish(&mut self) {
        self.connect();
        while self.go_on() {}
        for end in &mut self.ends {
            end.check();
            assert!(end.handlers.is_empty(), "every handler has ended");
            assert_eq!((end.core.pending(), end.core.running(), end.core.open_channels()), (0, 0, 0));
            assert_eq!((end.core.unanswered(), end.core.is_drained(), end.core.poll_timeout()), (0, true, None));
            assert!(end.calls.iter().all(|call| call.ends == 1), "each call has ended once");
            assert!(end.ends.values().all(|ends| *ends == 1), "each channel came back once");
        }
        assert!(self.asked.iter().all(BTreeSet::is_empty), "each request was answered: {:?}", self.asked);
        assert!(self.streams.iter().all(|stream| stream.done || stream.cut || !stream.open), "no stream is stuck");
    }

    /// One more round of what the programs at both ends do if they neither fail nor give up.
    fn go_on(&mut self) -> bool {
        let mut went_on = false;
        for n in [0, 1] {
            while self.deliver(n) {
                went_on = true;
            }
            for handler in self.ends[n].handlers.keys().copied().collect::<Vec<_>>() {
                if self.ends[n].handlers.get(&handler).is_some_and(|handler| handler.channel.is_none()) {
                    self.settle(n, handler);
                    went_on = true;
                }
            }
            for channel in self.ends[n].channels.keys().copied().collect::<Vec<_>>() {
                went_on |= self.channel_goes_on(n, channel);
            }
        }
        self.transmit();
        went_on
    }

    fn channel_goes_on(&mut self, n: usize, number: u32) -> bool {
        let Some(channel) = self.ends[n].channels.get(&number) else { return false };
        match channel.role {
            Role::Plain => {
                self.abort(n, number);
                true
            }
            Role::Producer => !channel.ended && self.produce(n, number, 3),
            Role::Consumer | Role::Upload if !channel.started && !channel.ended => {
                self.start(n, number, Some(2));
                true
            }
            Role::Consumer | Role::Upload if !channel.held.is_empty() => {
                self.take(n, number, 1);
                true
            }
            Role::Upload if channel.ended => self.answer_upload(n, number),
            Role::Consumer | Role::Upload => false,
        }
    }

    /// One of an end's channels.
    fn channel(&self, n: usize, which: Index, can: impl Fn(&Channel) -> bool) -> Option<u32> {
        let channels = &self.ends[n].channels;
        let all: Vec<u32> = channels.iter().filter(|(_, channel)| can(channel)).map(|(number, _)| *number).collect();
        one(&all, which)
    }

    fn call(&mut self, n: usize, on: Option<u32>, kind: Kind, amount: u32) {
        let stream = self.streams.len();
        let end = &mut self.ends[n];
        let mut call = CallEncoder::new(kind.name());
        call.argument(&stream).expect("JSON");
        let call = match on {
            Some(on) => call.finish_on(end.channels[&on].key),
            None => call.finish(None),
        };
        let opens = kind.opens().map(|role| Opens { role, end: end.number() });
        let wait = amount.is_multiple_of(3).then(|| Duration::from_millis(u64::from(amount) * 20 + 5));
        let waiter = u32::try_from(end.calls.len()).expect("few");
        let sent = end.core.request(call, waiter, wait.map(|wait| end.now + wait), wait, opens.clone());
        assert_eq!(sent.is_ok(), end.core.is_open());
        if let Ok(id) = sent {
            end.calls.push(Call { id, ends: 0, opens, stream, on, is_result: false });
            let total = u64::from(amount * amount);
            self.streams.push(Stream { total, ..Stream::default() });
        }
    }

    /// The caller of an upload waits for its result.
    fn request_result(&mut self, n: usize, channel: u32, stream: usize) {
        let end = &mut self.ends[n];
        let key = end.channels[&channel].key;
        let waiter = u32::try_from(end.calls.len()).expect("few");
        let wait = stream.is_multiple_of(3).then(|| Duration::from_millis(100));
        let call = CallEncoder::new("result").finish_on(key);
        let id = end.core.request(call, waiter, wait.map(|wait| end.now + wait), wait, None).expect("an open channel");
        end.calls.push(Call { id, ends: 0, opens: None, stream, on: Some(channel), is_result: true });
    }

    fn cancel(&mut self, n: usize, call: u32) {
        let end = &mut self.ends[n];
        let Call { id, ends, on, is_result, .. } = end.calls[call as usize];
        let waiter = end.core.cancel(id, None);
        assert_eq!(waiter, (ends == 0).then_some(call), "what was pending ends");
        if waiter.is_some() {
            end.call_ended(call);
            if let Some(channel) = on.filter(|_| is_result) {
                self.abort(n, channel);
            }
        }
    }

    fn note(&mut self, n: usize, channel: u32) {
        let end = &mut self.ends[n];
        let channel = end.channels.get_mut(&channel).expect("an open channel");
        let mut note = CallEncoder::new("note");
        note.argument(&channel.notes.0).expect("JSON");
        channel.notes.0 += 1;
        end.core.emit(note.finish_on(channel.key)).expect("an open channel");
    }

    fn settle(&mut self, n: usize, handler: u32) {
        let end = &mut self.ends[n];
        let id = end.handlers.remove(&handler).and_then(|handler| handler.id).expect("a request");
        end.core.end(id, &handler);
        end.answer(id);
    }

    fn start(&mut self, n: usize, number: u32, window: Option<u32>) {
        let end = &mut self.ends[n];
        let channel = end.channels.get_mut(&number).expect("an open channel");
        channel.started = true;
        self.streams[channel.stream].window = window;
        assert!(end.core.start(channel.key, window));
    }

    fn take(&mut self, n: usize, number: u32, items: u32) {
        let end = &mut self.ends[n];
        let channel = end.channels.get_mut(&number).expect("an open channel");
        let items = channel.held.len().min(items as usize);
        let bytes = channel.held.drain(..items).sum();
        self.streams[channel.stream].taken += items as u64;
        self.taken += items as u64;
        end.core.take(channel.key, u32::try_from(items).expect("few"), bytes);
    }

    /// Whether anything could be sent.
    fn produce(&mut self, n: usize, number: u32, items: u32) -> bool {
        let mut sent = false;
        for _ in 0..items {
            let end = &mut self.ends[n];
            let Some(channel) = end.channels.get_mut(&number).filter(|channel| !channel.ended) else { break };
            let (key, stream) = (channel.key, &mut self.streams[channel.stream]);
            let allowance = end.core.allowance(key);
            if stream.sent == stream.total && allowance != Allowance::Idle {
                channel.ended = true;
                let closes = channel.runner.is_some();
                end.respond(|out| encode::done(out, key.id(), 0));
                if closes {
                    assert_eq!(end.core.close_channel(key), Some(number));
                    end.channel_ended(number);
                    self.poll_events(n);
                }
                return true;
            }
            let request = match allowance {
                Allowance::Items(_) => None,
                Allowance::OneRequest => Some(end.core.item_request(key).expect("an open channel")),
                Allowance::Idle | Allowance::Behind => break,
                Allowance::Gone => panic!("the channel is open"),
            };
            if request.is_none() {
                end.core.sent(key, 1);
            }
            let value = stream.sent;
            end.respond(|out| encode::item(out, key.id(), request, 0, &value).expect("JSON"));
            stream.sent += 1;
            let ahead = stream.sent - stream.taken;
            assert!(ahead <= u64::from(stream.window.unwrap_or(1)), "{ahead} items ahead: {:?}", stream.window);
            sent = true;
        }
        sent
    }

    fn abort(&mut self, n: usize, number: u32) {
        let end = &mut self.ends[n];
        let key = end.channels[&number].key;
        if let AwaitedResult::Request(id) = end.core.awaited_result(key) {
            end.reject(id, "the channel is aborted");
        }
        assert_eq!(end.core.abort_channel(key, None), Some(number));
        let channel = end.channel_ended(number);
        self.streams[channel.stream].cut = true;
        self.poll_events(n);
    }

    fn leave(&mut self, n: usize, number: u32) {
        let end = &mut self.ends[n];
        let channel = end.channels.get_mut(&number).expect("an open channel");
        channel.ended = true;
        channel.held.clear();
        self.streams[channel.stream].cut = true;
        end.core.leave(channel.key, None);
        if channel.role == Role::Consumer {
            end.channel_ended(number);
            self.poll_events(n);
        }
    }

    fn close(&mut self, n: usize, number: u32) {
        let end = &mut self.ends[n];
        let key = end.channels[&number].key;
        assert_eq!(end.core.close_channel(key), Some(number));
        end.channel_ended(number);
        self.poll_events(n);
    }

    fn abort_items(&mut self, n: usize, number: u32) {
        let end = &mut self.ends[n];
        let channel = end.channels.get_mut(&number).expect("an open channel");
        channel.ended = true;
        self.streams[channel.stream].cut = true;
        end.core.abort_items(channel.key, &Rejection::new("no more"));
    }

    /// Whether the handler has ended.
    fn answer_upload(&mut self, n: usize, number: u32) -> bool {
        let end = &mut self.ends[n];
        let Channel { key, stream, ended: is_done, .. } = end.channels[&number];
        match end.core.awaited_result(key) {
            AwaitedResult::Request(id) => end.answer(id),
            AwaitedResult::Never => assert!(is_done),
            AwaitedResult::NotYet => return false,
        }
        self.streams[stream].cut |= !is_done;
        self.close(n, number);
        true
    }

    /// The next frame to an end arrives, if there is one.
    fn deliver(&mut self, n: usize) -> bool {
        self.transmit();
        let Some(frame) = self.wires[1 - n].pop_front() else { return false };
        match Request::of(&frame) {
            Some(Request::Asked(id)) => assert!(self.asked[n].insert(id), "an id is used once"),
            // It need not be answered any more.
            Some(Request::Cancelled(id)) => drop(self.asked[n].remove(&id)),
            Some(Request::Answered(_)) | None => {}
        }
        let end = &mut self.ends[n];
        let incoming = end.core.handle_frame(&frame, end.now);
        self.understand(n, incoming);
        self.poll_events(n);
        self.transmit();
        true
    }

    fn understand(&mut self, n: usize, incoming: Incoming<'_, u32, u32, u32>) {
        let end = &mut self.ends[n];
        match incoming {
            Incoming::Call(call) => self.serve(n, None, call),
            Incoming::ChannelCall(channel, call) => self.serve(n, Some(channel), call),
            Incoming::Response(call, _) => {
                let Call { on, is_result, stream, .. } = *end.call_ended(call);
                if let Some(channel) = on.filter(|_| is_result) {
                    self.streams[stream].cut |= !self.ends[n].channels[&channel].ended;
                    self.close(n, channel);
                }
            }
            Incoming::Opened(call, key) => {
                let call = end.call_ended(call);
                let (id, stream) = (call.id, call.stream);
                let Opens { role, end: channel } = call.opens.clone().expect("it may be answered by a channel");
                assert_eq!(key.id(), id);
                end.opened(channel, key, role, stream, None);
                self.streams[stream].open |= role == Role::Consumer;
                if role == Role::Producer {
                    self.request_result(n, channel, stream);
                }
            }
            Incoming::Item(number, item) => {
                let channel = end.channels.get_mut(&number).expect("an open channel");
                let stream = &mut self.streams[channel.stream];
                assert!(channel.is_consumer() && channel.started && !channel.ended);
                if item.done {
                    assert_eq!(stream.received, stream.total, "all has come before the end");
                    (channel.ended, stream.done) = (true, true);
                    self.finished += 1;
                    if channel.role == Role::Consumer {
                        let held = end.channel_ended(number).held.len();
                        stream.taken += held as u64;
                    }
                } else {
                    let value = item.value.expect("a value");
                    assert_eq!(value, stream.received.to_string(), "items come in order");
                    stream.received += 1;
                    channel.held.push_back(value.len());
                }
            }
            Incoming::Resumed(channel, runner) => assert_eq!(end.channels[&channel].runner, runner),
            Incoming::ResultAwaited(runner, id) => {
                let handler = end.handlers.get_mut(&runner.expect("a handler")).expect("it runs");
                assert_eq!(handler.id.replace(id), None, "one result");
            }
            Incoming::Aborted(key, number, runner, _) => {
                let channel = end.channels.get_mut(&number).expect("an open channel");
                assert_eq!(channel.key, key);
                self.streams[channel.stream].cut = true;
                if channel.role == Role::Upload {
                    channel.ended = true;
                } else {
                    assert_eq!(channel.runner, runner);
                    end.channel_ended(number);
                }
            }
            Incoming::Cancelled(handler, _) => self.handler_dropped(n, handler),
            Incoming::Overflow(_) => panic!("nobody sends more than may be sent"),
            Incoming::NotJson => panic!("the frame was decoded again"),
            Incoming::Nothing => {}
        }
    }

    fn serve(&mut self, n: usize, on: Option<u32>, mut call: wswrapper::proto::Call<'_>) {
        let argument: u64 = call.arguments.next().expect("a number");
        let stream = usize::try_from(argument).expect("few");
        assert!(matches!(call.arguments.finish(), Ok(0)));
        let end = &mut self.ends[n];
        let Some(id) = call.id else {
            let channel = on.and_then(|on| end.channels.get_mut(&on)).expect("an open channel");
            assert_eq!((&*call.event, argument), ("note", channel.notes.1), "events come in order");
            channel.notes.1 += 1;
            return;
        };
        let role = match &*call.event {
            "value" => return end.answer(id),
            "refusal" => return end.reject(id, "no"),
            "later" => {
                let handler = end.number();
                let deadline = call.caller_waits().map(|wait| end.now + wait);
                end.core.begin(id, handler, deadline);
                end.handlers.insert(handler, Handler { id: Some(id), channel: None });
                return;
            }
            "channel" => Role::Plain,
            "stream" => Role::Producer,
            "upload" => Role::Upload,
            other => panic!("{other}"),
        };
        let (channel, handler) = (end.number(), end.number());
        match end.core.open_channel(id, role, channel) {
            Ok(key) => {
                end.core.attach(key, handler);
                end.handlers.insert(handler, Handler { id: None, channel: Some(channel) });
                end.opened(channel, key, role, stream, Some(handler));
                self.streams[stream].open |= role == Role::Upload;
                end.respond(|out| encode::channel(out, id));
            }
            Err(refused) => {
                assert_eq!(refused, OpenRefused::TooMany);
                end.reject(id, refused.to_string());
            }
        }
    }

    /// A handler is dropped, and its channel with it.
    fn handler_dropped(&mut self, n: usize, handler: u32) {
        let Handler { id, channel } = self.ends[n].handlers.remove(&handler).expect("it runs");
        let id = id.expect("it was to answer");
        self.asked[n].remove(&id.get());
        if let Some(channel) = channel {
            self.streams[self.ends[n].channels[&channel].stream].cut = true;
            self.close(n, channel);
        }
    }

    fn poll_events(&mut self, n: usize) {
        while let Some(event) = self.ends[n].core.poll_event() {
            let end = &mut self.ends[n];
            match event {
                Event::Ended(call, how) => {
                    let Call { on, is_result, .. } = *end.call_ended(call);
                    let on = on.filter(|on| end.channels.contains_key(on));
                    match how {
                        Ended::Closed => assert!(on.is_none() || !end.core.is_open(), "its channel has ended"),
                        Ended::TimedOut if is_result => self.abort(n, on.expect("an open channel")),
                        Ended::TimedOut => {}
                    }
                }
                Event::Expired(handler) => self.handler_dropped(n, handler),
                Event::ChannelClosed(channel) => drop(end.channel_ended(channel)),
            }
        }
    }

    fn advance(&mut self, time: Duration) {
        for n in [0, 1] {
            let end = &mut self.ends[n];
            end.now += time;
            end.core.handle_timeout(end.now);
            self.poll_events(n);
        }
    }

    fn connect(&mut self) {
        self.ends.iter_mut().for_each(|end| end.core.open());
    }

    fn disconnect(&mut self) {
        self.streams.iter_mut().for_each(|stream| stream.cut = true);
        for n in [0, 1] {
            self.ends[n].core.close();
            self.poll_events(n);
            let end = &mut self.ends[n];
            end.handlers.clear();
            assert!(end.channels.is_empty() && end.calls.iter().all(|call| call.ends == 1));
            assert_eq!((end.core.unanswered(), end.core.is_drained(), end.core.poll_timeout()), (0, true, None));
        }
        (self.wires, self.asked) = Default::default();
    }

    /// Puts on the wires what the ends have to send.
    fn transmit(&mut self) {
        for ((end, wire), asked) in self.ends.iter_mut().zip(&mut self.wires).zip(&mut self.asked) {
            while let Some(frame) = end.core.poll_transmit() {
                assert_valid(frame.as_bytes());
                let frame = String::from_utf8(frame.as_bytes().to_vec()).expect("UTF-8");
                if let Some(Request::Answered(id)) = Request::of(&frame) {
                    assert!(asked.remove(&id), "a request is answered once: {frame}");
                }
                wire.push_back(frame);
            }
        }
    }
}
