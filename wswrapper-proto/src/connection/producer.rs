//! Producers of streams.

use super::Connection;
use super::channel_table::Stream;
use crate::{ChannelKey, Reason, RequestId, encode};

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
