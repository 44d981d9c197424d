//! The flow control of streams: the credit that a consumer grants, and that a producer uses.

use super::producer::Allowance;
use super::upload::{Upload, UploadItems};
use crate::{Bounds, RequestId};
use std::collections::VecDeque;

/// The largest window that a consumer may have.
pub const MAX_WINDOW: u32 = 65_536;

/// The first credit of a stream, unless its window is smaller.
const FIRST_CREDIT: u32 = 8;

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
        self.unanswered.back().is_some_and(|(_, last)| *last == id) && self.unanswered.pop_back().is_some()
    }

    /// Records taken items. Credit is granted in batches of half of that granted so far.
    #[inline]
    pub(super) fn take(&mut self, items: u32) -> Grant {
        self.total_taken += u64::from(items);
        let mut answers = Vec::new();
        while self.unanswered.front().is_some_and(|(place, _)| *place <= self.total_taken) {
            answers.extend(self.unanswered.pop_front().map(|(_, id)| id));
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
    pub(super) rejected: bool,
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
