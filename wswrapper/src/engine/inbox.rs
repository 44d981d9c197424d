//! The inbox of a stream, in which the driver leaves its items.

use crate::close::Closed;
use crate::proto::{ITEM_OVERHEAD, Item, Position, Reason, Rejection, StreamBound};
use std::sync::Arc;
use std::task::{Poll, Waker};

/// The default window: the number of items that a producer may send ahead of its consumer.
pub(crate) const WINDOW: u32 = 64;

/// Received items that were not taken, and the finish that follows them.
#[derive(Default)]
pub(crate) struct Inbox {
    items: Batch,
    /// The number of items that the producer has dropped.
    lost: u64,
    finish: Option<StreamFinish>,
    /// The task that waits for items.
    waker: Option<Waker>,
}

/// The way in which a stream finished.
pub(crate) enum StreamFinish {
    /// All items were received.
    Done,
    /// The producer has failed, or has aborted the stream.
    Aborted(Rejection),
    /// An item exceeded the bounds of the consumer.
    Overflow(StreamBound),
    /// The connection was closed.
    Closed(Arc<Closed>),
    /// The channel was closed locally.
    ChannelClosed(Reason),
}

/// The result of taking items from an inbox into a batch.
pub(crate) struct Taken {
    /// The number of items that the producer has dropped so far.
    pub(crate) lost: u64,
    /// Set once, after all items were taken.
    pub(crate) finish: Option<StreamFinish>,
}

/// A queue of items. It stores the JSON of each item after its length, in one buffer, so that an item needs no
/// allocation and does not keep the frame in which it arrived.
///
/// Before an item that reports a loss or a position there is a [`Mark`], with a length that no item has.
#[derive(Default)]
pub(crate) struct Batch {
    bytes: Vec<u8>,
    /// The start of the first item that was not taken.
    taken: usize,
}

/// The report of a producer with an item, beside its value.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Mark {
    /// The number of items that the producer dropped before this one.
    pub(crate) lost: u64,
    /// The position of the item.
    pub(crate) at: Option<Position>,
}

/// The length that stands for a mark.
const MARK: usize = usize::MAX;

/// The largest buffer that is kept for further items.
const KEPT_BYTES: usize = 16 * 1024;

impl Batch {
    /// Appends an item.
    fn add(&mut self, json: &str) {
        self.bytes.extend_from_slice(&json.len().to_ne_bytes());
        self.bytes.extend_from_slice(json.as_bytes());
    }

    /// Appends a mark of the next item.
    #[cold]
    fn add_mark(&mut self, Mark { lost, at }: Mark) {
        self.bytes.extend_from_slice(&MARK.to_ne_bytes());
        // No epoch is 0.
        let Position { epoch, offset } = at.unwrap_or(Position { epoch: 0, offset: 0 });
        for number in [lost, epoch, offset] {
            self.bytes.extend_from_slice(&number.to_ne_bytes());
        }
    }

    /// Takes the mark of the next item, if it has one.
    pub(crate) fn take_mark(&mut self) -> Option<Mark> {
        let (length, rest) = self.bytes[self.taken..].split_first_chunk()?;
        if usize::from_ne_bytes(*length) != MARK {
            return None;
        }
        let (numbers, _) = rest.as_chunks();
        let number = |n: usize| numbers.get(n).map_or(0, |bytes| u64::from_ne_bytes(*bytes));
        self.taken += size_of::<usize>() + 3 * size_of::<u64>();
        let at = Position { epoch: number(1), offset: number(2) };
        Some(Mark { lost: number(0), at: Some(at).filter(|at| at.epoch != 0) })
    }

    /// Takes the next item and returns its JSON, which is empty if the item has no value. Its mark is dropped.
    pub(crate) fn take(&mut self) -> Option<&[u8]> {
        self.take_mark();
        let (length, rest) = self.bytes[self.taken..].split_first_chunk()?;
        let length = usize::from_ne_bytes(*length);
        self.taken += size_of::<usize>() + length;
        rest.get(..length)
    }

    /// Returns the bytes of the items that were not taken: their JSON and their overhead.
    pub(crate) fn unread_bytes(mut self) -> usize {
        let mut unread = 0;
        while let Some(json) = self.take() {
            unread += json.len() + ITEM_OVERHEAD;
        }
        unread
    }

    /// Returns true if all items were taken.
    pub(crate) fn is_empty(&self) -> bool {
        self.taken == self.bytes.len()
    }

    /// Removes all items. A large buffer is freed.
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
    /// Adds an item, or the finish of the stream. Returns the waker of the task that waits for it.
    pub(crate) fn add(&mut self, item: &Item<'_>) -> Option<Waker> {
        self.lost = self.lost.saturating_add(item.lost);
        if item.done {
            // The return value of a JavaScript generator is not an item.
            return self.finish(StreamFinish::Done);
        }
        if item.lost != 0 || item.at.is_some() {
            self.items.add_mark(Mark { lost: item.lost, at: item.at });
        }
        self.items.add(item.value.unwrap_or_default());
        self.waker.take()
    }

    /// Swaps the items with the reader's empty `batch`, or [registers](Self::register) the reader if there are none.
    pub(crate) fn poll_take(&mut self, waker: &mut Option<Waker>, batch: &mut Batch) -> Poll<Taken> {
        if !self.items.is_empty() {
            std::mem::swap(batch, &mut self.items);
        } else if self.finish.is_none() {
            self.register(waker);
            return Poll::Pending;
        }
        let finish = if batch.is_empty() { self.finish.take() } else { None };
        Poll::Ready(Taken { lost: self.lost, finish })
    }

    /// Drops the items that were not taken, and returns their bytes.
    pub(crate) fn take_unread_bytes(&mut self) -> usize {
        std::mem::take(&mut self.items).unread_bytes()
    }

    /// Finishes the stream; only the first call counts. Returns the waker of the task that waits for it.
    pub(crate) fn finish(&mut self, finish: StreamFinish) -> Option<Waker> {
        self.finish.get_or_insert(finish);
        self.waker.take()
    }

    /// Registers a waiting task. Leaves the waker that is not needed any more, to be dropped outside the lock.
    pub(crate) fn register(&mut self, waker: &mut Option<Waker>) {
        match (&self.waker, &waker) {
            (Some(waiting), Some(waker)) if waiting.will_wake(waker) => {}
            _ => std::mem::swap(&mut self.waker, waker),
        }
    }

    /// Returns the waker of the waiting task.
    pub(crate) fn take_waker(&mut self) -> Option<Waker> {
        self.waker.take()
    }
}
