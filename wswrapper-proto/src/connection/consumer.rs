//! The end of a stream that takes items.

use crate::{Bounds, RequestId};
use std::collections::VecDeque;

/// What a consumer has been sent and has taken.
#[derive(Default, Debug)]
pub(super) struct Consumer {
    /// The first credit, once started; 0 if none was given.
    window: u32,
    /// Items that the producer may still send.
    credit: u32,
    /// Items that were taken since credit was last given.
    taken: u32,
    /// The producer has sent more than it may: it knows no flow control and gets no more credit.
    uncontrolled: bool,
    received: u64,
    taken_in_all: u64,
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
    Taken,
    /// Nobody takes them any more.
    Unwanted,
    /// No more come.
    Ended,
}

/// More came than can be held.
pub(super) struct Overflow;

/// What is due after items were taken.
pub(super) struct Due {
    /// Credit to be given.
    pub(super) credit: Option<u32>,
    /// Requests to be answered.
    pub(super) answers: Vec<RequestId>,
}

impl Consumer {
    pub(super) fn of_upload() -> Self {
        Self { upload: Some(Upload::default()), ..Self::default() }
    }

    /// How far the items of an upload are; none if it is not one.
    pub(super) fn upload_items(&self) -> Option<UploadItems> {
        self.upload.as_ref().map(|upload| upload.items)
    }

    /// Nothing more comes: gives back what was not answered.
    pub(super) fn end(&mut self) -> Vec<RequestId> {
        self.unanswered.drain(..).map(|(_, id)| id).collect()
    }

    pub(super) fn start(&mut self, window: u32) {
        (self.window, self.credit) = (window, window);
    }

    /// An item came; it may be before the start [P-89].
    pub(super) fn receive(&mut self, id: Option<RequestId>, bounds: &Bounds) -> Result<(), Overflow> {
        self.received += 1;
        match (self.credit.checked_sub(1), id) {
            (_, Some(id)) => self.unanswered.push_back((self.received, id)),
            (Some(left), None) => self.credit = left,
            (None, None) => self.uncontrolled = true,
        }
        let held = self.received - self.taken_in_all;
        let too_many = held > u64::from(self.window) && held > bounds.stream_items as u64;
        if too_many { Err(Overflow) } else { Ok(()) }
    }

    /// Items were taken: credit is given in batches of half a window.
    pub(super) fn take(&mut self, items: u32) -> Due {
        self.taken_in_all += u64::from(items);
        let mut answers = Vec::new();
        while let Some((_, id)) = self.unanswered.pop_front_if(|(place, _)| *place <= self.taken_in_all) {
            answers.push(id);
        }
        // An item that was answered took no credit.
        let unanswered = items.saturating_sub(u32::try_from(answers.len()).unwrap_or(u32::MAX));
        // Without end where no credit is given.
        self.taken = self.taken.saturating_add(unanswered);
        let goes_on = !self.uncontrolled && self.upload_items() != Some(UploadItems::Ended);
        let due = self.window > 0 && goes_on && self.taken >= (self.window / 2).max(1);
        let credit = due.then(|| std::mem::take(&mut self.taken));
        self.credit += credit.unwrap_or(0);
        Due { credit, answers }
    }
}
