//! The anonymous channels of a connection.

use super::consumer::ConsumerState;
use super::producer::ProducerState;
use crate::id::{ChannelKey, Ids, Opener, RequestId};
use foldhash::fast::FixedState;
use std::collections::HashMap;

/// What a channel is for. Events and requests that are no part of it are for the channel's handlers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Events and requests, in both directions.
    Plain,
    /// This end sends a stream's items [P-80].
    Producer,
    /// This end takes a stream's items.
    Consumer,
    /// This end takes a stream's items and answers their sender's request `result`.
    Upload,
}

/// A channel that is open.
#[derive(Debug)]
pub(super) struct Channel<H, C> {
    /// What the caller keeps of it.
    pub(super) state: C,
    /// The handler that goes on while it is open.
    pub(super) handler: Option<H>,
    serial: u64,
    /// Calls of ours that are pending on it.
    pub(super) pending_calls: u32,
    pub(super) stream: Stream,
}

/// The stream that a channel carries.
#[derive(Debug)]
pub(super) enum Stream {
    None,
    Producer(ProducerState),
    Consumer(Box<ConsumerState>),
}

/// All channels of a connection. Most have none, and then nothing is kept for them.
#[derive(Debug)]
pub(super) struct Channels<H, C> {
    tables: Option<Box<Tables<H, C>>>,
    /// Goes on counting when the connection is opened again.
    next_serial: u64,
}

/// Both kinds, apart.
#[derive(Debug)]
struct Tables<H, C> {
    opened: HashMap<RequestId, Channel<H, C>>,
    /// The ids are our own, so that any hash will do.
    received: HashMap<RequestId, Channel<H, C>, FixedState>,
    /// Items that we have sent as requests [P-85].
    item_requests: HashMap<RequestId, ChannelKey, FixedState>,
}

impl<H, C> Default for Channels<H, C> {
    fn default() -> Self {
        Self { tables: None, next_serial: 0 }
    }
}

impl<H, C> Channels<H, C> {
    /// Adds a channel whose number is free.
    pub(super) fn add(&mut self, id: RequestId, opened_by: Opener, role: Role, state: C) -> ChannelKey {
        let serial = self.next_serial;
        self.next_serial += 1;
        let stream = match role {
            Role::Plain => Stream::None,
            Role::Producer => Stream::Producer(ProducerState::default()),
            Role::Consumer => Stream::Consumer(Box::default()),
            Role::Upload => Stream::Consumer(Box::new(ConsumerState::for_upload())),
        };
        let channel = Channel { state, handler: None, serial, pending_calls: 0, stream };
        let tables = self.tables.get_or_insert_with(|| {
            let (opened, received, item_requests) = (HashMap::new(), HashMap::default(), HashMap::default());
            Box::new(Tables { opened, received, item_requests })
        });
        match opened_by {
            Opener::Local => tables.opened.insert(id, channel),
            Opener::Remote => tables.received.insert(id, channel),
        };
        ChannelKey { id, opened_by, serial }
    }

    /// The channel that the peer means by this number.
    pub(super) fn find(&self, id: RequestId, ids: &Ids) -> Option<ChannelKey> {
        let tables = self.tables.as_ref()?;
        let key = |opened_by| move |channel: &Channel<H, C>| ChannelKey { id, opened_by, serial: channel.serial };
        let received = ids.has_issued(id).then(|| tables.received.get(&id)).flatten();
        received.map(key(Opener::Remote)).or_else(|| tables.opened.get(&id).map(key(Opener::Local)))
    }

    pub(super) fn get(&self, key: ChannelKey) -> Option<&Channel<H, C>> {
        let tables = self.tables.as_ref()?;
        let channel = match key.opened_by {
            Opener::Local => tables.opened.get(&key.id),
            Opener::Remote => tables.received.get(&key.id),
        };
        channel.filter(|channel| channel.serial == key.serial)
    }

    pub(super) fn get_mut(&mut self, key: ChannelKey) -> Option<&mut Channel<H, C>> {
        let tables = self.tables.as_mut()?;
        let channel = match key.opened_by {
            Opener::Local => tables.opened.get_mut(&key.id),
            Opener::Remote => tables.received.get_mut(&key.id),
        };
        channel.filter(|channel| channel.serial == key.serial)
    }

    pub(super) fn producer(&mut self, key: ChannelKey) -> Option<&mut ProducerState> {
        match &mut self.get_mut(key)?.stream {
            Stream::Producer(producer) => Some(producer),
            _ => None,
        }
    }

    pub(super) fn consumer(&mut self, key: ChannelKey) -> Option<&mut ConsumerState> {
        match &mut self.get_mut(key)?.stream {
            Stream::Consumer(consumer) => Some(consumer),
            _ => None,
        }
    }

    pub(super) fn remove(&mut self, key: ChannelKey) -> Option<Channel<H, C>> {
        self.get(key)?;
        let tables = self.tables.as_mut()?;
        match key.opened_by {
            Opener::Local => tables.opened.remove(&key.id),
            Opener::Remote => tables.received.remove(&key.id),
        }
    }

    /// An item of this channel was sent as this request.
    pub(super) fn add_item_request(&mut self, id: RequestId, channel: ChannelKey) {
        if let Some(tables) = &mut self.tables {
            tables.item_requests.insert(id, channel);
        }
    }

    /// The channel whose item was sent as this request, which has an answer now or waits for none any more.
    pub(super) fn take_item_request(&mut self, id: RequestId) -> Option<ChannelKey> {
        self.tables.as_mut()?.item_requests.remove(&id)
    }

    /// Items that were sent as requests and are not answered.
    pub(super) fn item_requests(&self) -> usize {
        self.tables.as_ref().map_or(0, |tables| tables.item_requests.len())
    }

    /// How many channels our handlers have opened.
    pub(super) fn opened(&self) -> usize {
        self.tables.as_ref().map_or(0, |tables| tables.opened.len())
    }

    /// All of them.
    pub(super) fn len(&self) -> usize {
        self.opened() + self.tables.as_ref().map_or(0, |tables| tables.received.len())
    }

    /// Takes all out.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = C> + use<H, C> {
        let tables = self.tables.take().map(|tables| *tables).into_iter();
        tables.flat_map(|Tables { opened, received, .. }| {
            opened.into_values().chain(received.into_values()).map(|channel| channel.state)
        })
    }
}
