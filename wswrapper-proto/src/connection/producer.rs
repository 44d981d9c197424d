//! The end of a stream that sends items.

use super::Connection;
use super::channel_table::Stream;
use crate::{ChannelKey, Reason, RequestId, encode};

/// The largest window that a consumer may have.
pub const MAX_WINDOW: u32 = 65_536;

/// A view of one channel's producer: the endpoint that sends a stream's items.
///
/// A channel that has closed, or that carries no stream from this endpoint, has a view too; it may send nothing.
#[derive(Debug)]
pub struct Producer<'c, W, H, C> {
    connection: &'c mut Connection<W, H, C>,
    channel: ChannelKey,
}

/// What a producer may send now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Allowance {
    /// Nothing: the consumer has not started, or has left.
    Idle,
    /// Nothing: the consumer is behind.
    Blocked,
    /// So many items, each as an event.
    Items(u32),
    /// One item, as a request.
    OneRequest,
    /// Nothing any more: the channel is closed.
    Closed,
}

impl<W, H: Clone + PartialEq, C: Clone> Connection<W, H, C> {
    /// The producer of a channel.
    #[inline]
    pub fn producer(&mut self, channel: ChannelKey) -> Producer<'_, W, H, C> {
        Producer { connection: self, channel }
    }
}

impl<W, H: Clone + PartialEq, C: Clone> Producer<'_, W, H, C> {
    /// What a stream's producer may send now.
    pub fn allowance(&self) -> Allowance {
        match self.connection.channels.get(self.channel).map(|channel| &channel.stream) {
            Some(Stream::Producer(producer)) => producer.allowance(),
            _ => Allowance::Closed,
        }
    }

    /// The first credit of a stream that has started: how far its producer may go ahead.
    pub fn window(&self) -> Option<u32> {
        match &self.connection.channels.get(self.channel)?.stream {
            Stream::Producer(producer) => producer.window(),
            _ => None,
        }
    }

    /// So many items were sent as events.
    pub fn sent(&mut self, items: u32) {
        if let Some(producer) = self.connection.channels.producer(self.channel) {
            producer.sent(items);
        }
    }

    /// The id for an item that is sent as a request [P-85]; none if the channel has ended.
    pub fn item_request(&mut self) -> Option<RequestId> {
        let producer = self.connection.channels.producer(self.channel)?;
        let id = self.connection.ids.next();
        producer.item_request = Some(id);
        self.connection.channels.add_item_request(id, self.channel);
        Some(id)
    }

    /// Ends the items of an upload with an error [P-86]; its channel stays for the result.
    pub fn abort_items(&mut self, reason: &Reason) {
        if let Some(producer) = self.connection.channels.producer(self.channel) {
            producer.finish();
            self.connection.send(|out| encode::abort(out, self.channel.id(), Some(reason)));
        }
    }
}

/// How far a producer may go.
#[derive(Default, Debug)]
pub(super) struct ProducerState {
    /// Between `start` and the end; a consumer that has left may start again [P-88].
    running: bool,
    /// The first credit; none from a consumer that knows no credit.
    window: Option<u32>,
    credit: u32,
    /// An item that was sent as a request and is not answered yet [P-85].
    pub(super) item_request: Option<RequestId>,
    finished: bool,
}

impl ProducerState {
    /// The consumer gives credit. What makes no sense is ignored.
    #[inline]
    pub(super) fn add_credit(&mut self, items: u32) {
        match self.window {
            None if self.running || !(1..=MAX_WINDOW).contains(&items) => {}
            None => (self.window, self.credit) = (Some(items), items),
            Some(window) => {
                self.credit = self.credit.checked_add(items).filter(|sum| *sum <= window).unwrap_or(self.credit);
            }
        }
    }

    /// The consumer starts; while it runs, a further start is ignored [P-88].
    #[inline]
    pub(super) fn start(&mut self) {
        self.running = true;
    }

    /// Nothing more is sent.
    pub(super) fn finish(&mut self) {
        *self = Self { finished: true, item_request: self.item_request, ..Self::default() };
    }

    /// The consumer has answered an item; if not by taking it, it has left [P-85].
    #[inline]
    pub(super) fn answered(&mut self, taken: bool) {
        self.item_request = None;
        if !taken {
            *self = Self { finished: self.finished, ..Self::default() };
        }
    }

    #[inline]
    pub(super) fn allowance(&self) -> Allowance {
        match (self.running, self.window) {
            _ if self.finished => Allowance::Closed,
            (true, None) if self.item_request.is_none() => Allowance::OneRequest,
            (true, Some(_)) if self.credit > 0 => Allowance::Items(self.credit),
            (true, _) => Allowance::Blocked,
            (false, _) => Allowance::Idle,
        }
    }

    #[inline]
    pub(super) fn sent(&mut self, items: u32) {
        self.credit = self.credit.saturating_sub(items);
    }

    /// The first credit, once started.
    #[inline]
    pub(super) fn window(&self) -> Option<u32> {
        self.window.filter(|_| self.running)
    }
}
