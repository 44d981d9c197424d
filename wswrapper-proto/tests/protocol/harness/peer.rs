//! A peer that consists of the core and a scenario's handlers. It does the work of a driver.

use super::channels::{AnonymousChannels, Incoming};
use super::scenario::{Action, Behaviour, Emit, Handler, Outcome, Request, Scenario, Target, Thrown};
use crate::proto::{
    Address, Arguments, Call, CallEncoder, CallFailure, Connection, EncodedCall, Message, Notification, Rejection,
    RequestId, Response, Side, check_event, encode,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::{Duration, Instant};

pub(crate) struct Peer<'s> {
    /// The state of an anonymous channel is its name.
    pub(super) connection: Connection<&'s str, Invocation, String>,
    handlers: &'s [Handler],
    pub(super) anonymous: AnonymousChannels<'s>,
    /// Ids of the scenario's calls, by name.
    calls: HashMap<&'s str, RequestId>,
    waiting: Vec<Waiting>,
    now: Instant,
    /// Effects of the current step.
    pub(super) effects: Vec<Value>,
}

/// Identifies a waiting handler by its label and the index of its call.
#[derive(Clone, PartialEq)]
pub(crate) struct Invocation {
    handler: String,
    call: usize,
}

struct Waiting {
    invocation: Invocation,
    id: Option<RequestId>,
    cancelled: bool,
}

/// The quick decoder accepted a frame that failed validation. The frame has to be decoded as a whole.
pub(super) struct Unvalidated;

impl<'s> Peer<'s> {
    pub(crate) fn new(scenario: &'s Scenario) -> Self {
        let mut connection = Connection::new(Side::Client, 10);
        if scenario.connected {
            connection.open();
        }
        Self {
            connection,
            handlers: &scenario.handlers,
            anonymous: AnonymousChannels::of(scenario),
            calls: HashMap::new(),
            waiting: Vec::new(),
            now: Instant::now(),
            effects: Vec::new(),
        }
    }

    /// Performs a step and returns its effects.
    pub(crate) fn act(&mut self, action: &'s Action) -> Vec<Value> {
        match action {
            Action::Recv(text) => self.receive(&self.fill_in_text(text)),
            Action::RecvBinaryBase64(bytes) => {
                if let Ok(text) = String::from_utf8(STANDARD.decode(bytes).expect("base64")) {
                    self.receive(&text);
                }
            }
            Action::Call(request) => self.call(request),
            Action::Emit(emit) => self.emit(emit),
            Action::Cancel(cancel) => self.cancel(&cancel.call, cancel.reason.as_ref()),
            Action::Settle(settle) => self.settle(&settle.handler, settle.call, settle.outcome.as_ref()),
            Action::AdvanceMs(milliseconds) => self.advance(Duration::from_millis(*milliseconds)),
            Action::ChannelAbort(abort) => self.abort_channel(&abort.channel, abort.reason.as_ref()),
            Action::ChannelClose(close) => self.close_channel(&close.channel),
            Action::IterNew(iter) => self.create_iterator(&iter.iter, &iter.channel),
            Action::IterNext(next) => self.next(&next.iter, &next.name),
            Action::IterReturn(iter) => self.stop(&iter.iter),
            Action::Connect => self.connection.open(),
            Action::Disconnect => self.connection.close(),
        }
        self.transmit();
        while let Some(notification) = self.connection.poll_notification() {
            match notification {
                Notification::CallFailed(call, CallFailure::TimedOut) => self.call_finished(call, "timed_out", true),
                Notification::CallFailed(call, CallFailure::Closed) => self.call_finished(call, "closed", true),
                Notification::ChannelClosed(channel) => self.channel_closed(&channel, None),
                Notification::HandlerExpired(_) => unreachable!("no handler has a deadline"),
            }
        }
        std::mem::take(&mut self.effects)
    }

    /// Replaces the names of calls in an expected effect by their ids.
    pub(crate) fn fill_in(&self, expected: &Value) -> Value {
        match expected {
            Value::String(text) => match self.calls.iter().find(|(call, _)| *text == placeholder(call)) {
                Some((_, id)) => id.get().into(),
                None => self.fill_in_text(text).into(),
            },
            Value::Array(values) => values.iter().map(|value| self.fill_in(value)).collect(),
            Value::Object(members) => {
                Value::Object(members.iter().map(|(key, value)| (key.clone(), self.fill_in(value))).collect())
            }
            other => other.clone(),
        }
    }

    fn fill_in_text(&self, text: &str) -> String {
        let fill_in = |text: String, (call, id): (&&str, &RequestId)| text.replace(&placeholder(call), &id.to_string());
        self.calls.iter().fold(text.to_owned(), fill_in)
    }

    fn receive(&mut self, frame: &str) {
        let incoming = self.connection.handle_frame(frame, self.now);
        if let Err(Unvalidated) = self.process(incoming) {
            let incoming = self.connection.handle(Message::decode_whole(frame), self.now);
            assert!(self.process(incoming).is_ok(), "the whole decoder validates a frame");
        }
    }

    fn process(&mut self, incoming: Incoming<'_, 's>) -> Result<(), Unvalidated> {
        match incoming {
            Incoming::Call(call) => self.serve(call)?,
            Incoming::ChannelCall(channel, call) => self.serve_on(&channel, call)?,
            Incoming::Response(call, Response::Result(None)) => self.call_finished(call, "nothing", true),
            Incoming::Response(call, Response::Result(Some(json))) => {
                self.call_finished(call, "ok", serde_json::from_str::<Value>(json).expect("JSON"));
            }
            Incoming::Response(call, Response::Rejection(reason)) => {
                let (key, value) = thrown(&reason.read());
                self.call_finished(call, key, value);
            }
            Incoming::Response(_, Response::Channel) => unreachable!("every call may be answered by a channel"),
            Incoming::ChannelOpened(call, key) => {
                let channel = self.channel_opened(call, key);
                self.call_finished(call, "channel", channel);
            }
            Incoming::Item(channel, item) => self.item(&channel, &item),
            Incoming::Overflow(channel, _) => self.overflow(&channel),
            Incoming::ChannelAborted(_, channel, _, reason) => self.channel_closed(&channel, Some(&reason.read())),
            Incoming::Cancelled(invocation, reason) => {
                let (key, value) = thrown(&reason.read());
                let Invocation { handler, call } = &invocation;
                let effect = json!({ "cancelled": { "handler": handler, "call": call, "reason": { key: value } } });
                self.effects.push(effect);
                let waiting = self.waiting.iter_mut().find(|waiting| waiting.invocation == invocation);
                waiting.expect("a waiting handler").cancelled = true;
            }
            Incoming::Resumed(..) | Incoming::ResultAwaited(..) => unreachable!("no handler sends or uploads items"),
            Incoming::NotJson => unreachable!("the frame was decoded again"),
            Incoming::Nothing => {}
        }
        Ok(())
    }

    fn serve(&mut self, call: Call<'_>) -> Result<(), Unvalidated> {
        let channel = match &call.address {
            Address::Named(name) => Some(&**name),
            Address::Main => None,
            other => unreachable!("answered by the core: {other:?}"),
        };
        let handlers = self.handlers;
        let mut on_channel = handlers.iter().filter(|handler| handler.channel.as_deref() == channel).peekable();
        let channel_exists = on_channel.peek().is_some();
        let handler = on_channel.find(|handler| handler.event == call.event);
        self.serve_with(handler.map(|handler| (handler, handler.label())), channel_exists, call)
    }

    /// Runs a handler under its label. Without a handler, the call is rejected.
    pub(super) fn serve_with(
        &mut self,
        handler: Option<(&'s Handler, String)>,
        channel_exists: bool,
        mut call: Call<'_>,
    ) -> Result<(), Unvalidated> {
        let found = match handler {
            Some((handler, label)) => {
                read(&mut call.arguments, handler.arity).map(|arguments| (handler, label, arguments))
            }
            None => Err(Rejection::no_listener(&call.event, &call.address, channel_exists)),
        };
        match found {
            Ok((handler, label, arguments)) => self.run(handler, label, call.id, arguments),
            Err(_) if !call.arguments.is_validated() => return Err(Unvalidated),
            Err(rejection) => self.respond(call.id, Err(rejection)),
        }
        Ok(())
    }

    fn run(&mut self, handler: &'s Handler, label: String, id: Option<RequestId>, arguments: Vec<Value>) {
        self.effects.push(json!({ "called": { "handler": label, "args": arguments } }));
        let outcome = match &handler.behaviour {
            Behaviour::Echo => Ok(arguments.into_iter().next()),
            Behaviour::Args => Ok(Some(arguments.into())),
            Behaviour::Nothing => Ok(None),
            Behaviour::Return(value) => Ok(Some(value.clone())),
            Behaviour::ThrowError(message) => Err(Rejection::new(message)),
            Behaviour::ThrowValue(value) => Err(Rejection::value(value.clone())),
            Behaviour::Wait => return self.wait(label, id),
            Behaviour::Channel(channel) => return self.respond_with_channel(id, &channel.handlers),
        };
        self.respond(id, outcome);
    }

    fn wait(&mut self, handler: String, id: Option<RequestId>) {
        let call = self.waiting.iter().filter(|waiting| waiting.invocation.handler == handler).count();
        let invocation = Invocation { handler, call };
        if let Some(id) = id {
            self.connection.handler_started(id, invocation.clone(), None);
        }
        self.waiting.push(Waiting { invocation, id, cancelled: false });
    }

    fn settle(&mut self, handler: &str, call: usize, outcome: Option<&Outcome>) {
        let invocation = Invocation { handler: handler.to_owned(), call };
        let waiting = self.waiting.iter().find(|waiting| waiting.invocation == invocation).expect("a waiting handler");
        let (id, cancelled) = (waiting.id, waiting.cancelled);
        if let Some(id) = id {
            self.connection.handler_finished(id, &invocation);
        }
        if !cancelled {
            let outcome = match outcome {
                None => Ok(None),
                Some(Outcome::Resolve(value)) => Ok(Some(value.clone())),
                Some(Outcome::RejectError(message)) => Err(Rejection::new(message)),
                Some(Outcome::RejectValue(value)) => Err(Rejection::value(value.clone())),
            };
            self.respond(id, outcome);
        }
    }

    /// Sends the response to a request, after all frames that were queued before. An event has no response.
    fn respond(&mut self, id: Option<RequestId>, outcome: Result<Option<Value>, Rejection>) {
        let Some(id) = id else { return };
        let mut frame = Vec::new();
        match outcome {
            Ok(Some(value)) => encode::result(&mut frame, id, &value).expect("JSON"),
            Ok(None) => encode::result(&mut frame, id, &()).expect("JSON"),
            Err(rejection) => encode::rejection(&mut frame, id, &rejection),
        }
        self.send_response(&frame);
    }

    pub(super) fn send_response(&mut self, frame: &[u8]) {
        self.transmit();
        if self.connection.is_open() {
            self.sent(frame);
        }
    }

    fn call(&mut self, request: &'s Request) {
        let Some(call) = self.encode(&request.emit) else { return };
        let deadline = request.timeout_ms.map(|timeout| self.now + Duration::from_millis(timeout));
        let expected_channel = self.anonymous.expected_channel(&request.id);
        match self.connection.request(call, &request.id, deadline, None, Some(expected_channel)) {
            Ok(id) => assert_eq!(self.calls.insert(&request.id, id), None),
            Err(error) => self.refused(&error.to_string()),
        }
    }

    fn emit(&mut self, emit: &Emit) {
        let Some(call) = self.encode(emit) else { return };
        if let Err(error) = self.connection.emit(call) {
            self.refused(&error.to_string());
        }
    }

    fn encode(&mut self, emit: &Emit) -> Option<EncodedCall> {
        let channel = emit.channel.as_ref().map(|channel| match channel {
            Target::Named(name) | Target::Anonymous { anon: name } => name.as_str(),
        });
        if let Err(error) = check_event(&emit.event, channel) {
            self.refused(&error.to_string());
            return None;
        }
        let mut call = CallEncoder::new(&emit.event);
        for argument in &emit.args {
            call.argument(argument).expect("JSON");
        }
        Some(match &emit.channel {
            Some(Target::Anonymous { anon }) => call.finish_on(self.anonymous.key(anon)),
            Some(Target::Named(_)) | None => call.finish(channel),
        })
    }

    fn cancel(&mut self, call: &str, reason: Option<&Thrown>) {
        let reason = reason.map(Thrown::to_reason);
        if let Some(call) = self.connection.cancel(self.calls[call], reason.as_ref()) {
            self.call_finished(call, "aborted", true);
        }
    }

    fn advance(&mut self, time: Duration) {
        self.now += time;
        if self.connection.poll_timeout().is_some_and(|at| at <= self.now) {
            self.connection.handle_timeout(self.now);
        }
        assert!(self.connection.poll_timeout().is_none_or(|at| at > self.now), "every due call has timed out");
    }

    fn transmit(&mut self) {
        while let Some(frame) = self.connection.poll_transmit() {
            self.sent(frame.as_bytes());
        }
    }

    fn sent(&mut self, frame: &[u8]) {
        let frame: Value = serde_json::from_slice(frame).expect("only JSON is sent");
        self.effects.push(json!({ "send": frame }));
    }

    fn call_finished(&mut self, call: &str, key: &str, value: impl Into<Value>) {
        self.effects.push(json!({ "result": { "call": call, key: value.into() } }));
    }

    fn refused(&mut self, reason: &str) {
        self.effects.push(json!({ "refused": { "message": reason } }));
    }
}

fn placeholder(call: &str) -> String {
    format!("{{{{{call}}}}}")
}

/// Reads exactly `arity` arguments.
fn read(arguments: &mut Arguments<'_>, arity: usize) -> Result<Vec<Value>, Rejection> {
    let unreadable = |error| Rejection::new(format!("{error:?}"));
    let read = (0..arity).map(|_| arguments.next()).collect::<Result<_, _>>().map_err(unreadable)?;
    match arguments.finish().map_err(unreadable)? {
        0 => Ok(read),
        more => Err(Rejection::new(format!("{more} arguments too many"))),
    }
}

/// Returns a rejection or a reason in the form that scenarios use.
pub(super) fn thrown(rejection: &Rejection) -> (&'static str, Value) {
    match (rejection.message(), rejection.properties(), rejection.as_value()) {
        (Some(message), Some(properties), None) if properties.is_empty() => ("error", json!({ "message": message })),
        (Some(message), Some(properties), None) => ("error", json!({ "message": message, "props": properties })),
        (None, None, Some(value)) => ("value", value.clone()),
        _ => panic!("neither an Error nor a value: {rejection:?}"),
    }
}
