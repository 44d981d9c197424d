//! The anonymous channels of a connection.

use super::Role;
use super::flow_control::{ConsumerState, ProducerState};
use crate::id::Ids;
use crate::{ChannelKey, Opener, RequestId};
use foldhash::fast::FixedState;
use std::collections::HashMap;

/// An open channel.
#[derive(Debug)]
pub(super) struct Channel<H, C> {
    /// The state that the user of the core keeps for the channel.
    pub(super) state: C,
    /// The handler that runs while the channel is open.
    pub(super) handler: Option<H>,
    serial: u64,
    /// The number of local calls that are pending on the channel.
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

/// The anonymous channels of a connection. The tables are allocated with the first channel.
#[derive(Debug)]
pub(super) struct Channels<H, C> {
    tables: Option<Box<Tables<H, C>>>,
    /// Not reset when the connection is opened again.
    next_serial: u64,
}

/// Channels by their ids, one table for each [`Opener`].
#[derive(Debug)]
struct Tables<H, C> {
    opened: HashMap<RequestId, Channel<H, C>>,
    /// The ids are local, so a fast hash is safe.
    received: HashMap<RequestId, Channel<H, C>, FixedState>,
    /// The channels of items that were sent as requests [P-85].
    item_requests: HashMap<RequestId, ChannelKey, FixedState>,
    /// The number of channels that carry a stream or an upload.
    streams: usize,
}

impl Stream {
    fn is_some(&self) -> bool {
        !matches!(self, Self::None)
    }
}

impl<H, C> Default for Channels<H, C> {
    fn default() -> Self {
        Self { tables: None, next_serial: 0 }
    }
}

impl<H, C> Channels<H, C> {
    /// Adds a channel whose id is free.
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
            Box::new(Tables { opened, received, item_requests, streams: 0 })
        });
        tables.streams += usize::from(channel.stream.is_some());
        let replaced = match opened_by {
            Opener::Local => tables.opened.insert(id, channel),
            Opener::Remote => tables.received.insert(id, channel),
        };
        tables.streams -= usize::from(replaced.is_some_and(|replaced| replaced.stream.is_some()));
        ChannelKey { id, opened_by, serial }
    }

    /// Returns the channel that has this id in a frame from the peer.
    pub(super) fn find(&self, id: RequestId, ids: &Ids) -> Option<ChannelKey> {
        let tables = self.tables.as_ref()?;
        let key = |opened_by| move |channel: &Channel<H, C>| ChannelKey { id, opened_by, serial: channel.serial };
        let received = ids.has_issued(id).then(|| tables.received.get(&id)).flatten();
        received.map(key(Opener::Remote)).or_else(|| tables.opened.get(&id).map(key(Opener::Local)))
    }

    /// Returns true if a channel that a local handler has opened has this id.
    #[inline]
    pub(super) fn is_opened(&self, id: RequestId) -> bool {
        self.tables.as_ref().is_some_and(|tables| tables.opened.contains_key(&id))
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
        let removed = match key.opened_by {
            Opener::Local => tables.opened.remove(&key.id),
            Opener::Remote => tables.received.remove(&key.id),
        }?;
        tables.streams -= usize::from(removed.stream.is_some());
        Some(removed)
    }

    /// Records that an item of `channel` was sent as request `id`.
    pub(super) fn add_item_request(&mut self, id: RequestId, channel: ChannelKey) {
        if let Some(tables) = &mut self.tables {
            tables.item_requests.insert(id, channel);
        }
    }

    /// Removes the request of an item and returns the item's channel.
    pub(super) fn take_item_request(&mut self, id: RequestId) -> Option<ChannelKey> {
        self.tables.as_mut()?.item_requests.remove(&id)
    }

    /// Returns the number of items that were sent as requests and have no response yet.
    pub(super) fn item_requests(&self) -> usize {
        self.tables.as_ref().map_or(0, |tables| tables.item_requests.len())
    }

    /// Returns the number of channels that local handlers have opened.
    pub(super) fn opened(&self) -> usize {
        self.tables.as_ref().map_or(0, |tables| tables.opened.len())
    }

    /// Returns the number of channels that carry a stream or an upload.
    pub(super) fn streams(&self) -> usize {
        self.tables.as_ref().map_or(0, |tables| tables.streams)
    }

    /// Returns the number of all channels.
    pub(super) fn len(&self) -> usize {
        self.opened() + self.tables.as_ref().map_or(0, |tables| tables.received.len())
    }

    /// Removes all channels and returns their states.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = C> + use<H, C> {
        let tables = self.tables.take().map(|tables| *tables).into_iter();
        tables.flat_map(|Tables { opened, received, .. }| {
            opened.into_values().chain(received.into_values()).map(|channel| channel.state)
        })
    }
}
