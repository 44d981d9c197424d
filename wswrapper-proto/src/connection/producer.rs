//! Producers of streams.

use super::Connection;
use super::channel_table::Stream;
use crate::{ChannelKey, Reason, RequestId, encode};

/// The largest window that a consumer may have.
pub const MAX_WINDOW: u32 = 65_536;

/// The producer of a stream on one channel, borrowed from its connection.
///
/// If the channel is closed or the local endpoint is not the producer of its stream, it may send nothing.
#[derive(Debug)]
pub struct Producer<'c, W, H, C> {
    connection: &'c mut Connection<W, H, C>,
    channel: ChannelKey,
}

/// The items that a producer may send now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Allowance {
    /// None: the consumer has not started, or has stopped.
    Idle,
    /// None until the consumer grants credit, or responds to the last item.
    Blocked,
    /// This number of items, each as an event.
    Items(u32),
    /// One item, as a request.
    OneRequest,
    /// None: the stream has finished, or the channel is closed.
    Closed,
}

impl<W, H: Clone + PartialEq, C: Clone> Connection<W, H, C> {
    /// Returns the producer of a channel.
    #[inline]
    pub fn producer(&mut self, channel: ChannelKey) -> Producer<'_, W, H, C> {
        Producer { connection: self, channel }
    }
}

impl<W, H: Clone + PartialEq, C: Clone> Producer<'_, W, H, C> {
    /// Returns the items that may be sent now.
    pub fn allowance(&self) -> Allowance {
        match self.connection.channels.get(self.channel).map(|channel| &channel.stream) {
            Some(Stream::Producer(producer)) => producer.allowance(),
            _ => Allowance::Closed,
        }
    }

    /// Returns the largest credit of a started stream so far: the number of items that may be ahead of the consumer.
    pub fn window(&self) -> Option<u32> {
        match &self.connection.channels.get(self.channel)?.stream {
            Stream::Producer(producer) => producer.window(),
            _ => None,
        }
    }

    /// Returns true, once, if the consumer has rejected the last item that was sent as a request.
    ///
    /// The consumer has not taken that item: it is the first one after the next start [P-85].
    pub fn take_rejected(&mut self) -> bool {
        let producer = self.connection.channels.producer(self.channel);
        producer.is_some_and(|producer| std::mem::take(&mut producer.rejected))
    }

    /// Records that `items` were sent as events.
    pub fn sent(&mut self, items: u32) {
        if let Some(producer) = self.connection.channels.producer(self.channel) {
            producer.sent(items);
        }
    }

    /// Returns the id for an item that is sent as a request [P-85], or `None` if the channel is closed.
    pub fn item_request(&mut self) -> Option<RequestId> {
        self.connection.channels.producer(self.channel)?;
        let id = self.connection.next_id()?;
        let producer = self.connection.channels.producer(self.channel)?;
        producer.item_request = Some(id);
        self.connection.channels.add_item_request(id, self.channel);
        Some(id)
    }

    /// Aborts the items of an upload [P-86]. Its channel stays open for the result.
    pub fn abort_items(&mut self, reason: &Reason) {
        if let Some(producer) = self.connection.channels.producer(self.channel) {
            producer.finish();
            self.connection.send(|out| encode::abort(out, self.channel.id(), Some(reason)));
        }
    }
}

/// The flow control of a producer.
#[derive(Default, Debug)]
pub(super) struct ProducerState {
    /// True from `start` until the consumer stops. A consumer may start again [P-88].
    running: bool,
    /// The largest credit so far, or `None` if the consumer knows no flow control.
    window: Option<u32>,
    credit: u32,
    /// An item that was sent as a request and has no response yet [P-85].
    pub(super) item_request: Option<RequestId>,
    /// The consumer has rejected the last item.
    rejected: bool,
    finished: bool,
}

impl ProducerState {
    /// Adds credit. A grant that lifts the credit above [`MAX_WINDOW`] is ignored.
    #[inline]
    pub(super) fn add_credit(&mut self, items: u32) {
        match self.window {
            None if self.running || !(1..=MAX_WINDOW).contains(&items) => {}
            None => (self.window, self.credit) = (Some(items), items),
            Some(window) => {
                self.credit = self.credit.checked_add(items).filter(|sum| *sum <= MAX_WINDOW).unwrap_or(self.credit);
                self.window = Some(window.max(self.credit));
            }
        }
    }

    /// Starts the stream. A further start has no effect [P-88].
    #[inline]
    pub(super) fn start(&mut self) {
        self.running = true;
    }

    /// Finishes the stream.
    pub(super) fn finish(&mut self) {
        *self = Self { finished: true, item_request: self.item_request, ..Self::default() };
    }

    /// Records the response to an item. A consumer that did not take the item has stopped [P-85].
    #[inline]
    pub(super) fn answered(&mut self, taken: bool) {
        (self.item_request, self.rejected) = (None, false);
        if !taken {
            *self = Self { finished: self.finished, rejected: true, ..Self::default() };
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

    /// Returns the largest credit of a started stream so far.
    #[inline]
    pub(super) fn window(&self) -> Option<u32> {
        self.window.filter(|_| self.running)
    }
}
