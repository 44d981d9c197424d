//! Consumers of streams.

use super::Connection;
use super::channel_table::Stream;
use super::flow_control::{ConsumerState, Grant};
use super::upload::{Listening, Upload, UploadItems};
use crate::{ChannelKey, ITEM_OVERHEAD, Reason, RequestId, encode};

/// The consumer of a stream on one channel, borrowed from its connection.
///
/// If the channel is closed, the methods send nothing; [`take`](Self::take) still releases the bytes.
#[derive(Debug)]
pub struct Consumer<'c, W, H, C> {
    connection: &'c mut Connection<W, H, C>,
    channel: ChannelKey,
}

/// The request that the result of an upload responds to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AwaitedResult {
    /// The caller has sent this request.
    Request(RequestId),
    /// The caller has not requested the result yet.
    NotYet,
    /// The caller has finished or aborted its items without a request, or the channel is closed.
    Never,
}

impl<W, H: Clone + PartialEq, C: Clone> Connection<W, H, C> {
    /// Returns the consumer of a channel.
    #[inline]
    pub fn consumer(&mut self, channel: ChannelKey) -> Consumer<'_, W, H, C> {
        Consumer { connection: self, channel }
    }
}

impl<W, H: Clone + PartialEq, C: Clone> Consumer<'_, W, H, C> {
    /// Requests the first items, with credit for at most `window` items ahead of those that were taken [P-80, X-02].
    ///
    /// The first credit is 8 items. It doubles up to the window each time that the producer has used all of it, while
    /// the items held fit four times into [`Bounds::stream_bytes`](crate::Bounds::stream_bytes).
    ///
    /// Without a window, the producer sends each item as a request and waits for its response. The producer of an upload
    /// is asked once it [listens](Self::allow_start). Returns false if the channel is closed.
    pub fn start(&mut self, window: Option<u32>) -> bool {
        let Some(consumer) = self.connection.channels.consumer(self.channel) else { return false };
        if let Some(Upload { listening: listening @ (Listening::Unknown | Listening::Awaited(_)), .. }) =
            consumer.upload.as_deref_mut()
        {
            *listening = Listening::Awaited(window);
            return true;
        }
        if let Some(window) = window {
            let credit = consumer.start(window);
            self.connection.send(|out| encode::credit(out, self.channel.id(), credit));
        }
        self.connection.send(|out| encode::start(out, self.channel.id()));
        true
    }

    /// Records that the caller of an upload listens on the channel: it has [said so](crate::Call::caller_listens), or has
    /// requested the result.
    pub fn allow_start(&mut self) {
        let consumer = self.connection.channels.consumer(self.channel);
        let Some(upload) = consumer.and_then(|consumer| consumer.upload.as_mut()) else { return };
        let was = std::mem::replace(&mut upload.listening, Listening::Confirmed);
        // A start after the last wanted item would be one without a stream.
        if let (Listening::Awaited(window), UploadItems::Wanted) = (was, upload.items) {
            self.start(window);
        }
    }

    /// Records that `items` with `bytes` of JSON were taken, which may be after the stream has finished.
    ///
    /// Queues the credit and the responses that are due. Returns true if there are any.
    pub fn take(&mut self, items: u32, bytes: usize) -> bool {
        self.connection.discard(bytes + items as usize * ITEM_OVERHEAD);
        self.grant(items)
    }

    /// Queues the credit and the responses that are due after `items` were taken whose bytes were
    /// [discarded](Connection::discard) before. Returns true if there are any.
    ///
    /// An endpoint that is short of memory takes items by `discard`, and grants credit for them later.
    pub fn grant(&mut self, items: u32) -> bool {
        let Some(consumer) = self.connection.channels.consumer(self.channel) else { return false };
        let Grant { credit, answers } = consumer.take(items);
        let granted = credit.is_some() || !answers.is_empty();
        for id in answers {
            self.connection.send(|out| encode::empty_result(out, id));
        }
        if let Some(credit) = credit {
            self.connection.send(|out| encode::credit(out, self.channel.id(), credit));
        }
        granted
    }

    /// Stops taking items.
    ///
    /// The channel is [aborted](Connection::abort_channel), also if the local endpoint is not the consumer. That of an
    /// upload stays open for the result. Returns true if the channel was aborted or frames were queued.
    pub fn stop(&mut self, reason: Option<&Reason>) -> bool {
        let Some(ConsumerState { upload: Some(upload), .. }) = self.connection.channels.consumer(self.channel) else {
            return self.connection.abort_channel(self.channel, reason).is_some();
        };
        if upload.items == UploadItems::Wanted {
            upload.items = UploadItems::Unwanted;
        }
        let Some(consumer) = self.connection.channels.consumer(self.channel) else { return false };
        let unanswered = consumer.finish();
        let rejected = !unanswered.is_empty();
        for id in unanswered {
            self.connection.reject_item(self.channel, id);
        }
        rejected
    }

    /// Returns the request for the result of an upload.
    pub fn awaited_result(&self) -> AwaitedResult {
        let Some(Stream::Consumer(consumer)) =
            self.connection.channels.get(self.channel).map(|channel| &channel.stream)
        else {
            return AwaitedResult::Never;
        };
        match consumer.upload.as_deref() {
            Some(Upload { result: Some(id), .. }) => AwaitedResult::Request(*id),
            Some(Upload { items: UploadItems::Wanted | UploadItems::Unwanted, .. }) => AwaitedResult::NotYet,
            _ => AwaitedResult::Never,
        }
    }
}
