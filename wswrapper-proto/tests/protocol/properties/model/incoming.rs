//! Effects of received frames.

use super::{BOUNDS, Channel, HANDLERS, Model, ROLES, Timed, assert_valid_response};
use crate::outgoing::assert_valid;
use crate::proto::{Call, Incoming, Message, OpenChannelError, Rejection, RequestId, Response, Role, encode};
use serde_json::Value;
use serde_json::value::RawValue;
use std::time::Duration;

impl Model {
    pub(super) fn receive(&mut self, frame: &str, deadline: Option<u64>) {
        self.caller_timeout = match Message::decode_whole(frame) {
            Message::Call(call) => call.caller_timeout(),
            _ => None,
        };
        let incoming = self.connection.handle_frame(frame, self.now);
        if !self.process(incoming, deadline) {
            let incoming = self.connection.handle(Message::decode_whole(frame), self.now);
            assert!(self.process(incoming, deadline), "the whole decoder validates a frame");
        }
    }

    /// Returns false if the frame has to be decoded as a whole.
    fn process(&mut self, incoming: Incoming<'_, u32, u32, u32>, deadline: Option<u64>) -> bool {
        match incoming {
            Incoming::Call(call) => return self.serve(call, deadline),
            Incoming::ChannelCall(channel, mut call) => {
                assert!(self.channels.contains_key(&channel));
                if call.arguments.finish().is_err() {
                    assert!(!call.arguments.is_validated());
                    return false;
                }
                if let Some(id) = call.id {
                    assert_valid_response(id, Err(Rejection::no_listener(&call.event, &call.address, true)));
                }
            }
            Incoming::Response(call, response) => {
                self.take_pending(call);
                match response {
                    Response::Rejection(reason) => self.reason = Some(reason.read()),
                    Response::Result(Some(json)) => {
                        assert!(serde_json::from_str::<&RawValue>(json).is_ok(), "{json}");
                    }
                    Response::Result(None) | Response::Channel => {}
                }
            }
            Incoming::ChannelOpened(call, key) => {
                let role = self.take_pending(call).expected_role.expect("the call may be answered by a channel");
                assert!(self.channels.insert(call, Channel::new(key, role, None)).is_none());
            }
            Incoming::Item(channel, item) if item.done => self.finish_stream(channel),
            Incoming::Item(channel, item) => {
                assert!(item.value.is_none_or(|json| serde_json::from_str::<&RawValue>(json).is_ok()));
                self.channels.get_mut(&channel).expect("an open channel").held += 1;
            }
            Incoming::Overflow(channel, _) => self.finish_stream(channel),
            Incoming::Resumed(channel, handler) => assert_eq!(self.channels[&channel].handler, handler),
            Incoming::ResultAwaited(handler, id) => {
                let handler = handler.expect("every channel of a handler has one");
                let deadline = self.caller_timeout.and_then(|wait| self.now.checked_add(wait));
                self.running.insert(id, Timed::new(handler, deadline));
            }
            Incoming::ChannelAborted(key, channel, handler, reason) => {
                assert_eq!(self.channels[&channel].key, key);
                if self.channels[&channel].role != Role::Upload {
                    assert_eq!(self.channels[&channel].handler, handler);
                }
                self.finish_stream(channel);
                self.reason = Some(reason.read());
            }
            Incoming::Cancelled(handler, reason) => {
                self.take_running(handler);
                self.reason = Some(reason.read());
            }
            Incoming::NotJson => panic!("the frame was decoded again"),
            Incoming::Nothing => {}
        }
        self.fail_calls();
        true
    }

    fn serve(&mut self, mut call: Call<'_>, deadline: Option<u64>) -> bool {
        let known = matches!(&*call.event, "echo" | "add" | "news");
        match (call.arguments.collect::<Value>(), call.id) {
            _ if !known && !call.arguments.is_validated() => return false,
            (Err(_), _) if !call.arguments.is_validated() => return false,
            (Err(error), Some(id)) => assert_valid_response(id, Err(Rejection::new(format!("{error:?}")))),
            (Ok(_), Some(id)) if !known => {
                assert_valid_response(id, Err(Rejection::no_listener(&call.event, &call.address, false)));
            }
            (Ok(arguments), Some(id)) if call.event == "echo" => assert_valid_response(id, Ok(arguments.into())),
            (Ok(_), Some(id)) if call.event == "news" => self.open_channel(id),
            (Ok(_), Some(id)) => self.start_handler(id, deadline),
            (_, None) => {}
        }
        true
    }

    /// Opens a channel in response to a request.
    fn open_channel(&mut self, id: RequestId) {
        let role = ROLES[usize::try_from(id.get() % 4).expect("the remainder is small")];
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
            Err(OpenChannelError::Closed) => assert!(self.lost),
            Err(OpenChannelError::TooMany) => assert_eq!(opened, BOUNDS.open_channels),
            Err(OpenChannelError::Taken(seen)) => assert!(taken && seen == id),
            Err(refused) => panic!("{refused}"),
        }
    }

    fn start_handler(&mut self, id: RequestId, deadline: Option<u64>) {
        // No handler starts after the connection was lost.
        if !self.lost {
            let deadline = deadline.map(|deadline| self.now + Duration::from_millis(deadline));
            self.connection.handler_started(id, self.handlers, deadline);
            self.running.insert(id, Timed::new(self.handlers, deadline));
            self.handlers += 1;
        }
    }
}
