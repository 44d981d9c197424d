//! One endpoint and the model of its state.

use crate::proto::{
    Bounds, ChannelKey, Connection, ExpectedChannel, ITEM_OVERHEAD, Rejection, RequestId, Role, Side, encode,
};
use serde_json::json;
use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

const BOUNDS: Bounds = Bounds { open_channels: 6, stream_items: 2, stream_bytes: 1000 };

pub(super) struct Endpoint {
    pub(super) core: Connection<u32, u32, u32>,
    pub(super) now: Instant,
    pub(super) calls: Vec<Call>,
    pub(super) handlers: BTreeMap<u32, Handler>,
    pub(super) channels: BTreeMap<u32, Channel>,
    /// For each opened channel, how often it was closed.
    pub(super) closings: BTreeMap<u32, u32>,
    /// The last number of a handler or a channel.
    last: u32,
}

pub(super) struct Call {
    pub(super) id: RequestId,
    pub(super) completions: u32,
    pub(super) expected_channel: Option<ExpectedChannel<u32>>,
    pub(super) stream: usize,
    pub(super) on: Option<u32>,
    /// True if the call requests the result of the upload on its channel.
    pub(super) is_result: bool,
}

/// A running handler.
pub(super) struct Handler {
    /// The request to answer.
    pub(super) id: Option<RequestId>,
    pub(super) channel: Option<u32>,
}

pub(super) struct Channel {
    pub(super) key: ChannelKey,
    pub(super) role: Role,
    pub(super) stream: usize,
    pub(super) handler: Option<u32>,
    pub(super) started: bool,
    /// Sizes of the received items that were not taken.
    pub(super) held: VecDeque<usize>,
    /// True if no more items are sent or received.
    pub(super) finished: bool,
    /// Numbers of sent and received events.
    pub(super) notes: (u64, u64),
}

impl Channel {
    pub(super) fn is_consumer(&self) -> bool {
        matches!(self.role, Role::Consumer | Role::Upload)
    }

    fn held_bytes(&self) -> usize {
        self.held.iter().map(|bytes| bytes + ITEM_OVERHEAD).sum()
    }
}

impl Endpoint {
    pub(super) fn new(side: Side) -> Self {
        let mut core = Connection::new(side, 0).with_bounds(BOUNDS);
        core.open();
        Self {
            core,
            now: Instant::now(),
            calls: Vec::new(),
            handlers: BTreeMap::new(),
            channels: BTreeMap::new(),
            closings: BTreeMap::new(),
            last: 0,
        }
    }

    pub(super) fn next_number(&mut self) -> u32 {
        self.last += 1;
        self.last
    }

    pub(super) fn call_finished(&mut self, call: u32) -> &mut Call {
        let call = &mut self.calls[call as usize];
        call.completions += 1;
        assert_eq!(call.completions, 1, "a call completes once");
        call
    }

    pub(super) fn opened(&mut self, channel: u32, key: ChannelKey, role: Role, stream: usize, handler: Option<u32>) {
        let (held, notes) = (VecDeque::new(), (0, 0));
        let new = Channel { key, role, stream, handler, started: false, held, finished: false, notes };
        assert!(self.channels.insert(channel, new).is_none());
        assert_eq!(self.closings.insert(channel, 0), None);
    }

    /// Discards the items that a channel holds.
    pub(super) fn discard(&mut self, channel: u32) {
        let channel = self.channels.get_mut(&channel).expect("an open channel");
        self.core.discard(channel.held_bytes());
        channel.held.clear();
    }

    /// Removes a closed channel with its handler and its held items.
    pub(super) fn channel_closed(&mut self, channel: u32) -> Channel {
        *self.closings.get_mut(&channel).expect("the channel was opened") += 1;
        assert_eq!(self.closings[&channel], 1, "a channel closes once");
        self.discard(channel);
        let channel = self.channels.remove(&channel).expect("an open channel");
        assert!(!self.core.is_channel_open(channel.key));
        channel.handler.and_then(|handler| self.handlers.remove(&handler));
        channel
    }

    pub(super) fn respond(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut frame = Vec::new();
        write(&mut frame);
        self.core.respond(frame);
    }

    pub(super) fn send_result(&mut self, id: RequestId) {
        self.respond(|out| encode::result(out, id, &json!({ "of": id.get() })).expect("JSON"));
    }

    pub(super) fn send_rejection(&mut self, id: RequestId, reason: impl Into<String>) {
        self.respond(|out| encode::rejection(out, id, &Rejection::new(reason)));
    }

    pub(super) fn check(&self) {
        let waiting = self.handlers.values().filter(|handler| handler.id.is_some()).count();
        let pending = self.calls.iter().filter(|call| call.completions == 0).count();
        let open = self.channels.len();
        assert_eq!(
            (self.core.pending_calls(), self.core.running_handlers(), self.core.open_channels()),
            (pending, waiting, open)
        );
        let held: usize = self.channels.values().map(Channel::held_bytes).sum();
        assert_eq!(self.core.held_bytes(), held, "exactly the held items are counted");
        let is_open = |on: Option<u32>| on.is_none_or(|on| self.channels.contains_key(&on));
        assert!(
            self.calls.iter().all(|call| call.completions > 0 || is_open(call.on)),
            "no call is pending on a closed channel"
        );
    }
}
