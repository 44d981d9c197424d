//! Effects of frames at an endpoint.

use super::Simulation;
use super::endpoint::{Call, Handler};
use super::wire::RequestFrame;
use crate::proto::{CallFailure, ExpectedChannel, Incoming, Notification, OpenChannelError, Role, encode};

impl Simulation {
    /// Delivers the next frame to endpoint `n`. Returns false if there is none.
    pub(super) fn deliver(&mut self, n: usize) -> bool {
        self.transmit();
        let Some(frame) = self.wires[1 - n].pop_front() else { return false };
        match RequestFrame::of(&frame) {
            Some(RequestFrame::Call(id)) => assert!(self.unanswered[n].insert(id), "an id is used once"),
            // A cancelled request needs no response.
            Some(RequestFrame::Cancellation(id)) => drop(self.unanswered[n].remove(&id)),
            Some(RequestFrame::Response(_)) | None => {}
        }
        let endpoint = &mut self.endpoints[n];
        let incoming = endpoint.core.handle_frame(&frame, endpoint.now);
        self.process(n, incoming);
        self.poll_notifications(n);
        self.transmit();
        true
    }

    fn process(&mut self, n: usize, incoming: Incoming<'_, u32, u32, u32>) {
        let endpoint = &mut self.endpoints[n];
        match incoming {
            Incoming::Call(call) => self.serve(n, None, call),
            Incoming::ChannelCall(channel, call) => self.serve(n, Some(channel), call),
            Incoming::Response(call, _) => {
                let Call { on, is_result, stream, .. } = *endpoint.call_finished(call);
                if let Some(channel) = on.filter(|_| is_result) {
                    self.streams[stream].interrupted |= !self.endpoints[n].channels[&channel].finished;
                    self.close(n, channel);
                }
            }
            Incoming::ChannelOpened(call, key) => {
                let call = endpoint.call_finished(call);
                let (id, stream) = (call.id, call.stream);
                let ExpectedChannel { role, state: channel } =
                    call.expected_channel.clone().expect("the call expects a channel");
                assert_eq!(key.id(), id);
                endpoint.opened(channel, key, role, stream, None);
                self.streams[stream].open |= role == Role::Consumer;
                if role == Role::Producer {
                    self.request_result(n, channel, stream);
                }
            }
            Incoming::Item(number, item) => {
                let channel = endpoint.channels.get_mut(&number).expect("an open channel");
                let stream = &mut self.streams[channel.stream];
                assert!(channel.is_consumer() && channel.started && !channel.finished);
                if item.done {
                    assert_eq!(stream.received, stream.total, "all items precede `done`");
                    (channel.finished, stream.done) = (true, true);
                    self.finished_streams += 1;
                    if channel.role == Role::Consumer {
                        // Held items are taken after the stream has finished.
                        let items = u32::try_from(channel.held.len()).expect("the number is small");
                        let bytes = channel.held.drain(..).sum();
                        stream.taken += u64::from(items);
                        endpoint.core.consumer(channel.key).take(items, bytes);
                        endpoint.channel_closed(number);
                    }
                } else {
                    let value = item.value.expect("a value");
                    assert_eq!(value, stream.received.to_string(), "items come in order");
                    stream.received += 1;
                    channel.held.push_back(value.len());
                }
            }
            Incoming::Resumed(channel, handler) => assert_eq!(endpoint.channels[&channel].handler, handler),
            Incoming::ResultAwaited(handler, id) => {
                let handler = endpoint.handlers.get_mut(&handler.expect("a handler")).expect("the handler runs");
                assert_eq!(handler.id.replace(id), None, "the result is requested once");
            }
            Incoming::ChannelAborted(key, number, handler, _) => {
                let channel = endpoint.channels.get_mut(&number).expect("an open channel");
                assert_eq!(channel.key, key);
                self.streams[channel.stream].interrupted = true;
                if channel.role == Role::Upload {
                    channel.finished = true;
                } else {
                    assert_eq!(channel.handler, handler);
                    endpoint.channel_closed(number);
                }
            }
            Incoming::Cancelled(handler, _) => self.drop_handler(n, handler),
            Incoming::Overflow(..) => panic!("no endpoint exceeds its allowance"),
            Incoming::NotJson => panic!("the frame was decoded again"),
            Incoming::Nothing => {}
        }
    }

    fn serve(&mut self, n: usize, on: Option<u32>, mut call: crate::proto::Call<'_>) {
        let argument: u64 = call.arguments.next().expect("a number");
        let stream = usize::try_from(argument).expect("the number is small");
        assert!(matches!(call.arguments.finish(), Ok(0)));
        let endpoint = &mut self.endpoints[n];
        let Some(id) = call.id else {
            let channel = on.and_then(|on| endpoint.channels.get_mut(&on)).expect("an open channel");
            assert_eq!((&*call.event, argument), ("note", channel.notes.1), "events come in order");
            channel.notes.1 += 1;
            return;
        };
        let role = match &*call.event {
            "value" => return endpoint.send_result(id),
            "refusal" => return endpoint.send_rejection(id, "no"),
            "later" => {
                let handler = endpoint.next_number();
                let deadline = call.caller_timeout().map(|wait| endpoint.now + wait);
                endpoint.core.handler_started(id, handler, deadline);
                endpoint.handlers.insert(handler, Handler { id: Some(id), channel: None });
                return;
            }
            "channel" => Role::Plain,
            "stream" => Role::Producer,
            "upload" => Role::Upload,
            other => panic!("{other}"),
        };
        let (channel, handler) = (endpoint.next_number(), endpoint.next_number());
        match endpoint.core.open_channel(id, role, channel) {
            Ok(key) => {
                endpoint.core.attach(key, handler);
                endpoint.handlers.insert(handler, Handler { id: None, channel: Some(channel) });
                endpoint.opened(channel, key, role, stream, Some(handler));
                self.streams[stream].open |= role == Role::Upload;
                endpoint.respond(|out| encode::channel(out, id));
            }
            Err(error) => {
                assert_eq!(error, OpenChannelError::TooMany);
                endpoint.send_rejection(id, error.to_string());
            }
        }
    }

    pub(super) fn poll_notifications(&mut self, n: usize) {
        while let Some(notification) = self.endpoints[n].core.poll_notification() {
            let endpoint = &mut self.endpoints[n];
            match notification {
                Notification::CallFailed(call, failure) => {
                    let Call { on, is_result, .. } = *endpoint.call_finished(call);
                    let on = on.filter(|on| endpoint.channels.contains_key(on));
                    match failure {
                        CallFailure::Closed => {
                            assert!(on.is_none() || !endpoint.core.is_open(), "the call's channel is closed");
                        }
                        CallFailure::TimedOut if is_result => self.abort(n, on.expect("an open channel")),
                        CallFailure::TimedOut => {}
                    }
                }
                Notification::HandlerExpired(handler) => self.drop_handler(n, handler),
                Notification::ChannelClosed(channel) => drop(endpoint.channel_closed(channel)),
            }
        }
    }
}
