//! The end of a stream that takes items.

use super::Connection;
use super::channel_table::Stream;
use crate::{Bounds, ChannelKey, ITEM_OVERHEAD, Reason, RequestId, encode};
use std::collections::VecDeque;

/// A view of one channel's consumer: the endpoint that takes a stream's items.
///
/// A channel that has closed, or that carries no stream to this endpoint, has a view too; its verbs then do nothing.
#[derive(Debug)]
pub struct Consumer<'c, W, H, C> {
    connection: &'c mut Connection<W, H, C>,
    channel: ChannelKey,
}

/// Where the result of an upload goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AwaitedResult {
    /// To this request.
    Request(RequestId),
    /// The caller has not asked for it yet.
    NotYet,
    /// Nowhere: the caller has ended its items without asking.
    Never,
}

impl<W, H: Clone + PartialEq, C: Clone> Connection<W, H, C> {
    /// The consumer of a channel.
    #[inline]
    pub fn consumer(&mut self, channel: ChannelKey) -> Consumer<'_, W, H, C> {
        Consumer { connection: self, channel }
    }
}

impl<W, H: Clone + PartialEq, C: Clone> Consumer<'_, W, H, C> {
    /// Asks a stream's producer for the first items, with this much credit ahead; with none it sends without flow control
    /// [P-80, X-02]. False if the channel has ended.
    pub fn start(&mut self, window: Option<u32>) -> bool {
        let Some(consumer) = self.connection.channels.consumer(self.channel) else { return false };
        if let Some(window) = window {
            consumer.start(window);
            self.connection.send(|out| encode::credit(out, self.channel.id(), window));
        }
        self.connection.send(|out| encode::start(out, self.channel.id()));
        true
    }

    /// Items of a stream were taken, of so many bytes, be it after its end: gives credit and answers for them when that is
    /// due. True if so.
    pub fn take(&mut self, items: u32, bytes: usize) -> bool {
        self.connection.discard(bytes + items as usize * ITEM_OVERHEAD);
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

    /// Nobody takes a stream's items any more: it is [aborted](Connection::abort_channel), but for an upload, whose channel stays
    /// for the result. True if something is to be sent.
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

    /// The request that waits for the result of an upload.
    pub fn awaited_result(&self) -> AwaitedResult {
        let Some(Stream::Consumer(consumer)) =
            self.connection.channels.get(self.channel).map(|channel| &channel.stream)
        else {
            return AwaitedResult::Never;
        };
        match &consumer.upload {
            Some(Upload { result: Some(id), .. }) => AwaitedResult::Request(*id),
            Some(Upload { items: UploadItems::Wanted | UploadItems::Unwanted, .. }) => AwaitedResult::NotYet,
            _ => AwaitedResult::Never,
        }
    }
}

/// What a consumer has been sent and has taken.
#[derive(Default, Debug)]
pub(super) struct ConsumerState {
    /// The first credit, once started; 0 if none was given.
    window: u32,
    /// Items that the producer may still send.
    credit: u32,
    /// Items that were taken since credit was last given.
    taken: u32,
    /// The producer has sent more than it may: it knows no flow control and gets no more credit.
    ignores_credit: bool,
    received: u64,
    total_taken: u64,
    /// Items that came as requests, by their place among all, to be answered when they are taken [P-85].
    unanswered: VecDeque<(u64, RequestId)>,
    pub(super) upload: Option<Upload>,
}

/// What an upload is beyond a stream: its channel stays open for its result.
#[derive(Default, Debug)]
pub(super) struct Upload {
    /// The request that its result answers.
    pub(super) result: Option<RequestId>,
    pub(super) items: UploadItems,
}

/// How far the items of an upload are.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) enum UploadItems {
    #[default]
    Wanted,
    /// Nobody takes them any more.
    Unwanted,
    /// No more come.
    Finished,
}

/// More came than can be held.
pub(super) struct Overflow;

/// What is due after items were taken.
pub(super) struct Grant {
    /// Credit to be given.
    pub(super) credit: Option<u32>,
    /// Requests to be answered.
    pub(super) answers: Vec<RequestId>,
}

impl ConsumerState {
    pub(super) fn for_upload() -> Self {
        Self { upload: Some(Upload::default()), ..Self::default() }
    }

    /// How far the items of an upload are; none if it is not one.
    #[inline]
    pub(super) fn upload_items(&self) -> Option<UploadItems> {
        self.upload.as_ref().map(|upload| upload.items)
    }

    /// Nothing more comes: gives back what was not answered.
    pub(super) fn finish(&mut self) -> Vec<RequestId> {
        self.unanswered.drain(..).map(|(_, id)| id).collect()
    }

    pub(super) fn start(&mut self, window: u32) {
        (self.window, self.credit) = (window, window);
    }

    /// An item came; it may be before the start [P-89].
    #[inline]
    pub(super) fn receive(&mut self, id: Option<RequestId>, bounds: &Bounds) -> Result<(), Overflow> {
        self.received += 1;
        match (self.credit.checked_sub(1), id) {
            (_, Some(id)) => self.unanswered.push_back((self.received, id)),
            (Some(left), None) => self.credit = left,
            (None, None) => self.ignores_credit = true,
        }
        let held = self.received - self.total_taken;
        let too_many = held > u64::from(self.window) && held > bounds.stream_items as u64;
        if too_many { Err(Overflow) } else { Ok(()) }
    }

    /// Items were taken: credit is given in batches of half a window.
    #[inline]
    pub(super) fn take(&mut self, items: u32) -> Grant {
        self.total_taken += u64::from(items);
        let mut answers = Vec::new();
        while let Some((_, id)) = self.unanswered.pop_front_if(|(place, _)| *place <= self.total_taken) {
            answers.push(id);
        }
        // An item that was answered took no credit.
        let unanswered = items.saturating_sub(u32::try_from(answers.len()).unwrap_or(u32::MAX));
        // Without end where no credit is given.
        self.taken = self.taken.saturating_add(unanswered);
        let is_active = !self.ignores_credit && self.upload_items() != Some(UploadItems::Finished);
        let due = self.window > 0 && is_active && self.taken >= (self.window / 2).max(1);
        let credit = due.then(|| std::mem::take(&mut self.taken));
        self.credit += credit.unwrap_or(0);
        Grant { credit, answers }
    }
}
