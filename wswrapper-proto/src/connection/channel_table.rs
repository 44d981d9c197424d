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
pub(super) struct Channel<R, C> {
    /// What the caller keeps of it.
    pub(super) end: C,
    /// The handler that goes on while it is open.
    pub(super) runner: Option<R>,
    serial: u64,
    /// Calls of ours that are pending on it.
    pub(super) calls: u32,
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
pub(super) struct Channels<R, C> {
    tables: Option<Box<Tables<R, C>>>,
    /// Goes on counting when the connection is opened again.
    next_serial: u64,
}

/// Both kinds, apart.
#[derive(Debug)]
struct Tables<R, C> {
    opened: HashMap<RequestId, Channel<R, C>>,
    /// The ids are our own, so that any hash will do.
    received: HashMap<RequestId, Channel<R, C>, FixedState>,
    /// Items that we have sent as requests [P-85].
    unanswered: HashMap<RequestId, ChannelKey, FixedState>,
}

impl<R, C> Default for Channels<R, C> {
    fn default() -> Self {
        Self { tables: None, next_serial: 0 }
    }
}

impl<R, C> Channels<R, C> {
    /// Adds a channel whose number is free.
    pub(super) fn add(&mut self, id: RequestId, opened_by: Opener, role: Role, end: C) -> ChannelKey {
        let serial = self.next_serial;
        self.next_serial += 1;
        let stream = match role {
            Role::Plain => Stream::None,
            Role::Producer => Stream::Producer(ProducerState::default()),
            Role::Consumer => Stream::Consumer(Box::default()),
            Role::Upload => Stream::Consumer(Box::new(ConsumerState::of_upload())),
        };
        let channel = Channel { end, runner: None, serial, calls: 0, stream };
        let tables = self.tables.get_or_insert_with(|| {
            let (opened, received, unanswered) = (HashMap::new(), HashMap::default(), HashMap::default());
            Box::new(Tables { opened, received, unanswered })
        });
        match opened_by {
            Opener::Us => tables.opened.insert(id, channel),
            Opener::Peer => tables.received.insert(id, channel),
        };
        ChannelKey { id, opened_by, serial }
    }

    /// The channel that the peer means by this number.
    pub(super) fn find(&self, id: RequestId, ours: &Ids) -> Option<ChannelKey> {
        let tables = self.tables.as_ref()?;
        let key = |opened_by| move |channel: &Channel<R, C>| ChannelKey { id, opened_by, serial: channel.serial };
        let received = ours.knows(id).then(|| tables.received.get(&id)).flatten();
        received.map(key(Opener::Peer)).or_else(|| tables.opened.get(&id).map(key(Opener::Us)))
    }

    pub(super) fn get(&self, key: ChannelKey) -> Option<&Channel<R, C>> {
        let tables = self.tables.as_ref()?;
        let channel = match key.opened_by {
            Opener::Us => tables.opened.get(&key.id),
            Opener::Peer => tables.received.get(&key.id),
        };
        channel.filter(|channel| channel.serial == key.serial)
    }

    pub(super) fn get_mut(&mut self, key: ChannelKey) -> Option<&mut Channel<R, C>> {
        let tables = self.tables.as_mut()?;
        let channel = match key.opened_by {
            Opener::Us => tables.opened.get_mut(&key.id),
            Opener::Peer => tables.received.get_mut(&key.id),
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

    pub(super) fn remove(&mut self, key: ChannelKey) -> Option<Channel<R, C>> {
        self.get(key)?;
        let tables = self.tables.as_mut()?;
        match key.opened_by {
            Opener::Us => tables.opened.remove(&key.id),
            Opener::Peer => tables.received.remove(&key.id),
        }
    }

    /// An item of this channel was sent as this request.
    pub(super) fn ask(&mut self, id: RequestId, channel: ChannelKey) {
        if let Some(tables) = &mut self.tables {
            tables.unanswered.insert(id, channel);
        }
    }

    /// The channel whose item was sent as this request, which has an answer now or waits for none any more.
    pub(super) fn answered(&mut self, id: RequestId) -> Option<ChannelKey> {
        self.tables.as_mut()?.unanswered.remove(&id)
    }

    /// Items that were sent as requests and are not answered.
    pub(super) fn unanswered(&self) -> usize {
        self.tables.as_ref().map_or(0, |tables| tables.unanswered.len())
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
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = C> + use<R, C> {
        let tables = self.tables.take().map(|tables| *tables).into_iter();
        tables.flat_map(|Tables { opened, received, .. }| {
            opened.into_values().chain(received.into_values()).map(|channel| channel.end)
        })
    }
}
