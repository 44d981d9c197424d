//! Where the driver leaves the items of a stream.

use crate::proto::{ITEM_OVERHEAD, Item, Rejection};
use std::task::{Poll, Waker};

/// How many items a producer may send ahead, unless a program says otherwise.
pub(crate) const WINDOW: u32 = 64;

/// Items that came and were not taken, and the end that comes after them.
#[derive(Default)]
pub(crate) struct Inbox {
    items: Batch,
    /// Items that the producer has dropped.
    lost: u64,
    finish: Option<StreamFinish>,
    waker: Option<Waker>,
}

/// How a stream ended.
pub(crate) enum StreamFinish {
    /// All items came.
    Done,
    /// The producer failed, or has aborted it.
    Aborted(Rejection),
    /// More came than could be held.
    Overflow,
    /// The connection was lost.
    Closed,
}

/// Items were taken out of an inbox into the reader's batch, or the end.
pub(crate) struct Taken {
    /// Items that the producer has dropped so far.
    pub(crate) lost: u64,
    /// Told once all items were taken.
    pub(crate) finish: Option<StreamFinish>,
}

/// Items, their JSON one behind the other, each after its length: none costs an allocation, and none keeps the frame that
/// brought it.
#[derive(Default)]
pub(crate) struct Batch {
    bytes: Vec<u8>,
    /// Up to where they were taken.
    taken: usize,
}

/// A buffer that had to grow beyond this is not kept.
const KEPT_BYTES: usize = 16 * 1024;

impl Batch {
    fn add(&mut self, json: &str) {
        self.bytes.extend_from_slice(&json.len().to_ne_bytes());
        self.bytes.extend_from_slice(json.as_bytes());
    }

    /// Takes the next item: its JSON, empty if it has no value.
    pub(crate) fn take(&mut self) -> Option<&[u8]> {
        let (length, rest) = self.bytes[self.taken..].split_first_chunk()?;
        let length = usize::from_ne_bytes(*length);
        self.taken += size_of::<usize>() + length;
        rest.get(..length)
    }

    /// Bytes of JSON that were not taken, and what their items take beside it.
    pub(crate) fn unread_bytes(mut self) -> usize {
        let mut unread = 0;
        while let Some(json) = self.take() {
            unread += json.len() + ITEM_OVERHEAD;
        }
        unread
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.taken == self.bytes.len()
    }

    /// Empties it, and keeps what is worth keeping.
    pub(crate) fn clear(&mut self) {
        if self.bytes.capacity() > KEPT_BYTES {
            *self = Self::default();
        } else {
            self.bytes.clear();
            self.taken = 0;
        }
    }
}

impl Inbox {
    /// Takes in an item, or the end; gives back who waits for it.
    pub(crate) fn add(&mut self, item: &Item<'_>) -> Option<Waker> {
        self.lost = self.lost.saturating_add(item.lost);
        if item.done {
            // What a JavaScript generator returns at its end is no item there either.
            return self.finish(StreamFinish::Done);
        }
        self.items.add(item.value.unwrap_or_default());
        self.waker.take()
    }

    /// Swaps what has come into the reader's empty batch; registers the reader where there is nothing, and gives back who
    /// waited before.
    pub(crate) fn poll_take(&mut self, waker: &Waker, batch: &mut Batch) -> (Poll<Taken>, Option<Waker>) {
        if !self.items.is_empty() {
            std::mem::swap(batch, &mut self.items);
        } else if self.finish.is_none() {
            return (Poll::Pending, self.register(waker));
        }
        let finish = if batch.is_empty() { self.finish.take() } else { None };
        (Poll::Ready(Taken { lost: self.lost, finish }), None)
    }

    /// Nobody reads any more: gives back the bytes of what was not taken, and who waits.
    pub(crate) fn into_unread(self) -> (usize, Option<Waker>) {
        (self.items.unread_bytes(), self.waker)
    }

    /// Nothing more comes; only the first end counts. Gives back who waits for it.
    pub(crate) fn finish(&mut self, finish: StreamFinish) -> Option<Waker> {
        self.finish.get_or_insert(finish);
        self.waker.take()
    }

    /// Someone waits; gives back who waited before.
    pub(crate) fn register(&mut self, waker: &Waker) -> Option<Waker> {
        match &self.waker {
            Some(waiting) if waiting.will_wake(waker) => None,
            _ => self.waker.replace(waker.clone()),
        }
    }

    pub(crate) fn take_waker(&mut self) -> Option<Waker> {
        self.waker.take()
    }
}
