//! A connection beside a plain account of what it must know.

use super::outgoing::assert_valid;
use proptest::sample::Index;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use wswrapper::Rejection;
use wswrapper::proto::{
    Answer, CallEncoder, Connection, Ended, Event, Incoming, Message, Outgoing, Reason, RequestId, SendRefused, Side,
    check_event, encode,
};

#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// A frame comes; a handler that it starts has this many milliseconds.
    Receive(String, Option<u64>),
    Call {
        event: String,
        timeout: Option<u64>,
        tell: bool,
    },
    Emit(String, Vec<Value>),
    Cancel(Index),
    Settle(Index),
    Advance(u64),
    Transmit,
    Connect,
    Disconnect,
}

const QUEUE: usize = 3;

pub(crate) struct Model {
    connection: Connection<u32, u32>,
    now: Instant,
    open: bool,
    lost: bool,
    /// How many events and requests were queued before the first opening.
    queued: usize,
    /// All calls that were accepted, and how often each ended.
    ends: Vec<u32>,
    pending: BTreeMap<RequestId, Timed>,
    running: BTreeMap<RequestId, Timed>,
    handlers: u32,
    used: Vec<RequestId>,
    /// The last reason that came, to be used as our own.
    reason: Option<Rejection>,
}

#[derive(Clone, Copy)]
struct Timed {
    serial: u32,
    deadline: Option<Instant>,
}

impl Model {
    pub(crate) fn new(open: bool) -> Self {
        let mut connection = Connection::new(Side::Dialling, QUEUE);
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
            handlers: 0,
            used: Vec::new(),
            reason: None,
        }
    }

    /// The id of the model's nth call, from 1.
    pub(crate) fn nth_id(n: u64) -> RequestId {
        RequestId::new(Side::Dialling.first_id().get() + n - 1).expect("in range")
    }

    pub(crate) fn act(&mut self, action: Action) {
        match action {
            Action::Receive(frame, deadline) => self.receive(&frame, deadline),
            Action::Call { event, timeout, tell } => self.call(&event, timeout, tell),
            Action::Emit(event, arguments) => self.emit(&event, &arguments),
            Action::Cancel(index) => self.cancel(index),
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
        assert_eq!((self.connection.pending(), self.connection.running()), (0, 0));
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
        let soonest = self.pending.values().chain(self.running.values()).filter_map(|timed| timed.deadline).min();
        assert_eq!(self.connection.poll_timeout(), soonest);
    }

    fn receive(&mut self, frame: &str, deadline: Option<u64>) {
        let incoming = self.connection.handle_frame(frame, self.now);
        if !self.understand(incoming, deadline) {
            let incoming = self.connection.handle(Message::decode_whole(frame), self.now);
            assert!(self.understand(incoming, deadline), "the whole way proves a frame");
        }
    }

    /// `false`: the frame may not be what it seems.
    fn understand(&mut self, incoming: Incoming<'_, u32, u32>, deadline: Option<u64>) -> bool {
        match incoming {
            Incoming::Call(mut call) => {
                let known = matches!(&*call.event, "echo" | "add");
                match (call.arguments.collect::<Value>(), call.id) {
                    _ if !known && !call.arguments.is_proven() => return false,
                    (Err(_), _) if !call.arguments.is_proven() => return false,
                    (Err(error), Some(id)) => answer(id, Err(Rejection::new(format!("{error:?}")))),
                    (Ok(_), Some(id)) if !known => {
                        answer(id, Err(Rejection::no_listener(&call.event, &call.scope, false)));
                    }
                    (Ok(arguments), Some(id)) if call.event == "echo" => answer(id, Ok(arguments.into())),
                    (Ok(_), Some(id)) => self.begin(id, deadline),
                    (_, None) => {}
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
            Incoming::Cancelled(handler, reason) => {
                self.take_running(handler);
                self.reason = Some(reason.read());
            }
            Incoming::Nothing => {}
        }
        true
    }

    fn begin(&mut self, id: RequestId, deadline: Option<u64>) {
        // A handler whose connection was lost in the meantime is not begun.
        if !self.lost {
            let deadline = deadline.map(|deadline| self.now + Duration::from_millis(deadline));
            self.connection.begin(id, self.handlers, deadline);
            self.running.insert(id, Timed { serial: self.handlers, deadline });
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
        if handler > 0 {
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

    fn call(&mut self, event: &str, timeout: Option<u64>, tell: bool) {
        if check_event(event, None).is_err() {
            return;
        }
        let waiter = u32::try_from(self.ends.len()).expect("few");
        let wait = timeout.map(Duration::from_millis);
        let deadline = wait.map(|wait| self.now + wait);
        let call = CallEncoder::new(event).finish(None);
        let sent = self.connection.request(call, waiter, deadline, wait.filter(|_| tell));
        assert_eq!(sent.map(|_| ()), self.room());
        if let Ok(id) = sent {
            assert!(!self.used.contains(&id), "an id is used once");
            self.used.push(id);
            self.ends.push(0);
            self.pending.insert(id, Timed { serial: waiter, deadline });
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

    fn advance(&mut self, time: Duration) {
        self.now += time;
        self.connection.handle_timeout(self.now);
        while let Some(event) = self.connection.poll_event() {
            let timed = match event {
                Event::Ended(call, Ended::TimedOut) => self.take_pending(call),
                Event::Expired(handler) => self.take_running(handler),
                Event::Ended(_, Ended::Closed) => panic!("nothing was closed"),
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
            let Event::Ended(call, Ended::Closed) = event else { panic!("{event:?}") };
            self.take_pending(call);
        }
        assert!(self.pending.is_empty());
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
