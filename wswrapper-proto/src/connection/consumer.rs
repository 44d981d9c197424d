//! Consumers of streams.

use super::channel_table::Stream;
use super::{Connection, MAX_WINDOW};
use crate::{Bounds, ChannelKey, ITEM_OVERHEAD, Reason, RequestId, encode};
use std::collections::VecDeque;

/// The consumer of a stream on one channel, borrowed from its connection.
///
/// If the channel is closed or the local endpoint is not the consumer of its stream, the methods do nothing.
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
    /// the items held fit four times into [`Bounds::stream_bytes`].
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
    /// The channel is [aborted](Connection::abort_channel), except that of an upload, which stays open for the result
    /// . Returns true if frames were queued.
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

/// The flow control of a consumer.
#[derive(Default, Debug)]
pub(super) struct ConsumerState {
    /// The largest number of items ahead, once started; 0 without flow control.
    window: u32,
    /// The number of times that the first credit has doubled.
    doublings: u8,
    /// The producer has used all its credit, and the items held then were few enough for more.
    may_grow: bool,
    /// Items that the producer may still send.
    credit: u32,
    /// Items that were taken since credit was last granted.
    taken: u32,
    /// The producer has sent an event without credit: it knows no flow control, so it gets no more credit.
    ignores_credit: bool,
    received: u64,
    total_taken: u64,
    /// Items that came as requests, with their positions in the stream. They are responded to when taken [P-85].
    unanswered: VecDeque<(u64, RequestId)>,
    /// Boxed, because most streams are none.
    pub(super) upload: Option<Box<Upload>>,
}

/// An upload, whose channel stays open for the result after its items.
#[derive(Default, Debug)]
pub(super) struct Upload {
    /// The request for the result.
    pub(super) result: Option<RequestId>,
    pub(super) items: UploadItems,
    listening: Listening,
}

/// The knowledge that the caller of an upload listens on the channel, so that it does not miss the start.
#[derive(Default, Debug)]
enum Listening {
    #[default]
    Unknown,
    /// Unknown, and the handler has taken the first item: the start, with this window, waits.
    Awaited(Option<u32>),
    Confirmed,
}

/// The state of an upload's items.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) enum UploadItems {
    #[default]
    Wanted,
    /// The handler does not take them any more.
    Unwanted,
    /// The caller sends no more.
    Finished,
}

/// The first credit of a stream, unless its window is smaller.
const FIRST_CREDIT: u32 = 8;

/// The flow control under which an item came.
pub(super) enum Received {
    WithCredit,
    WithoutCredit,
}

/// The consumer holds more items than its bounds allow.
pub(super) struct TooManyItems;

/// The credit and the responses that are due after items were taken.
pub(super) struct Grant {
    /// Credit to grant.
    pub(super) credit: Option<u32>,
    /// Requests to respond to.
    pub(super) answers: Vec<RequestId>,
}

impl ConsumerState {
    pub(super) fn for_upload() -> Self {
        Self { upload: Some(Box::default()), ..Self::default() }
    }

    /// Returns the state of an upload's items, or `None` for another stream.
    #[inline]
    pub(super) fn upload_items(&self) -> Option<UploadItems> {
        self.upload.as_ref().map(|upload| upload.items)
    }

    /// Stops taking items, and returns the requests that still need a response.
    pub(super) fn finish(&mut self) -> Vec<RequestId> {
        self.unanswered.drain(..).map(|(_, id)| id).collect()
    }

    /// Returns the first credit.
    pub(super) fn start(&mut self, window: u32) -> u32 {
        let window = window.min(MAX_WINDOW);
        let first = window.min(FIRST_CREDIT);
        (self.window, self.credit) = (window, first);
        first
    }

    /// Returns the number of items ahead that credit was granted for so far, which grows up to the window.
    #[inline]
    fn granted(&self) -> u32 {
        self.window.min(FIRST_CREDIT << self.doublings)
    }

    /// Records an item, which may come before the start [P-89]. `held_bytes` are those of the connection, this item's
    /// included.
    #[inline]
    pub(super) fn receive(
        &mut self,
        id: Option<RequestId>,
        held_bytes: usize,
        bounds: &Bounds,
    ) -> Result<Received, TooManyItems> {
        self.received += 1;
        match (self.credit.checked_sub(1), id) {
            (_, Some(id)) => self.unanswered.push_back((self.received, id)),
            (Some(left), None) => {
                self.credit = left;
                self.may_grow |= left == 0 && held_bytes.saturating_mul(4) <= bounds.stream_bytes;
                return Ok(Received::WithCredit);
            }
            (None, None) => self.ignores_credit = true,
        }
        let held = self.received - self.total_taken;
        let too_many = held > u64::from(self.window) && held > bounds.stream_items as u64;
        if too_many { Err(TooManyItems) } else { Ok(Received::WithoutCredit) }
    }

    /// Takes back the record of the last item if it came as the request `id`.
    pub(super) fn forget_last(&mut self, id: RequestId) -> bool {
        self.unanswered.pop_back_if(|(_, last)| *last == id).is_some()
    }

    /// Records taken items. Credit is granted in batches of half of that granted so far.
    #[inline]
    pub(super) fn take(&mut self, items: u32) -> Grant {
        self.total_taken += u64::from(items);
        let mut answers = Vec::new();
        while let Some((_, id)) = self.unanswered.pop_front_if(|(place, _)| *place <= self.total_taken) {
            answers.push(id);
        }
        // An item that came as a request used no credit.
        let unanswered = items.saturating_sub(u32::try_from(answers.len()).unwrap_or(u32::MAX));
        // Saturates, because it is never reset where no credit is granted.
        self.taken = self.taken.saturating_add(unanswered);
        let is_active = !self.ignores_credit && self.upload_items() != Some(UploadItems::Finished);
        if self.window == 0 || !is_active || self.taken < (self.granted() / 2).max(1) {
            return Grant { credit: None, answers };
        }
        let granted = self.granted();
        self.doublings += u8::from(std::mem::take(&mut self.may_grow) && granted < self.window);
        let growth = self.granted() - granted;
        let credit = std::mem::take(&mut self.taken) + growth;
        self.credit += credit;
        Grant { credit: Some(credit), answers }
    }
}
