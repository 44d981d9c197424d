//! What arrives at an end, and what it means.

use super::Simulation;
use super::endpoint::{Call, Handler};
use super::wire::Request;
use crate::proto::{CallFailure, ExpectedChannel, Incoming, Notification, OpenChannelError, Role, encode};

impl Simulation {
    /// The next frame to an end arrives, if there is one.
    pub(super) fn deliver(&mut self, n: usize) -> bool {
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
        self.poll_notifications(n);
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
            Incoming::ChannelOpened(call, key) => {
                let call = end.call_ended(call);
                let (id, stream) = (call.id, call.stream);
                let ExpectedChannel { role, state: channel } =
                    call.opens.clone().expect("it may be answered by a channel");
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
                        // What was held before the end is taken after it.
                        let items = u32::try_from(channel.held.len()).expect("few");
                        let bytes = channel.held.drain(..).sum();
                        stream.taken += u64::from(items);
                        end.core.consumer(channel.key).take(items, bytes);
                        end.channel_ended(number);
                    }
                } else {
                    let value = item.value.expect("a value");
                    assert_eq!(value, stream.received.to_string(), "items come in order");
                    stream.received += 1;
                    channel.held.push_back(value.len());
                }
            }
            Incoming::Resumed(channel, handler) => assert_eq!(end.channels[&channel].handler, handler),
            Incoming::ResultAwaited(handler, id) => {
                let handler = end.handlers.get_mut(&handler.expect("a handler")).expect("it runs");
                assert_eq!(handler.id.replace(id), None, "one result");
            }
            Incoming::ChannelAborted(key, number, handler, _) => {
                let channel = end.channels.get_mut(&number).expect("an open channel");
                assert_eq!(channel.key, key);
                self.streams[channel.stream].cut = true;
                if channel.role == Role::Upload {
                    channel.ended = true;
                } else {
                    assert_eq!(channel.handler, handler);
                    end.channel_ended(number);
                }
            }
            Incoming::Cancelled(handler, _) => self.handler_dropped(n, handler),
            Incoming::Overflow(_) => panic!("nobody sends more than may be sent"),
            Incoming::NotJson => panic!("the frame was decoded again"),
            Incoming::Nothing => {}
        }
    }

    fn serve(&mut self, n: usize, on: Option<u32>, mut call: crate::proto::Call<'_>) {
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
                let deadline = call.caller_timeout().map(|wait| end.now + wait);
                end.core.handler_started(id, handler, deadline);
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
                assert_eq!(refused, OpenChannelError::TooMany);
                end.reject(id, refused.to_string());
            }
        }
    }

    pub(super) fn poll_notifications(&mut self, n: usize) {
        while let Some(notification) = self.ends[n].core.poll_notification() {
            let end = &mut self.ends[n];
            match notification {
                Notification::CallFailed(call, how) => {
                    let Call { on, is_result, .. } = *end.call_ended(call);
                    let on = on.filter(|on| end.channels.contains_key(on));
                    match how {
                        CallFailure::Closed => assert!(on.is_none() || !end.core.is_open(), "its channel has ended"),
                        CallFailure::TimedOut if is_result => self.abort(n, on.expect("an open channel")),
                        CallFailure::TimedOut => {}
                    }
                }
                Notification::HandlerExpired(handler) => self.handler_dropped(n, handler),
                Notification::ChannelClosed(channel) => drop(end.channel_ended(channel)),
            }
        }
    }
}
