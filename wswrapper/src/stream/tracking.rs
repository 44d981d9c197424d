//! The position of a resumable stream, on its way between a [`History`](super::History) and the sender of the stream.
//!
//! A handler may wrap the stream of a history into other streams. So the position does not come with the items: while the
//! sender polls its stream, a thread-local variable holds what the two tell each other.

use crate::proto::{Position, Resume};
use std::cell::Cell;

/// The messages between a sender and the history below its stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tracking {
    /// The start of the stream. The history takes it when it is polled for the first time.
    start: Option<Resume>,
    was_polled: bool,
    /// The position of the last item.
    at: Option<Position>,
    /// The items that the history has dropped before that item.
    overtaken: u64,
    /// The position that the consumer expects of the next item without being told.
    expected: Option<Position>,
}

thread_local! {
    static CURRENT: Cell<Option<Tracking>> = const { Cell::new(None) };
}

impl Tracking {
    /// Tracks a stream that begins there.
    pub(crate) fn new(start: Resume) -> Self {
        Self { start: Some(start), was_polled: false, at: None, overtaken: 0, expected: None }
    }

    /// Returns true if the stream goes on over another connection without a loss: it is that of a history, which has taken
    /// its start, or was not polled yet.
    pub(crate) fn goes_on_elsewhere(&self) -> bool {
        self.start.is_none() || !self.was_polled
    }

    /// Polls the stream.
    pub(crate) fn poll<R>(&mut self, poll: impl FnOnce() -> R) -> R {
        self.was_polled = true;
        let _restored = Restore(CURRENT.replace(Some(*self)));
        let polled = poll();
        if let Some(tracking) = CURRENT.take() {
            *self = tracking;
        }
        polled
    }

    /// Returns the position of an item that is sent after `lost` others, unless the consumer knows it from the item
    /// before.
    pub(crate) fn shown(&mut self, at: Option<Position>, lost: u64) -> Option<Position> {
        let Position { epoch, offset } = at?;
        let expected = self.expected.replace(Position { epoch, offset: offset + 1 });
        let is_expected = expected.is_some_and(|it| it.epoch == epoch && it.offset + lost == offset);
        at.filter(|_| !is_expected)
    }

    /// Returns the position of the last item that was sent.
    pub(crate) fn last(&self) -> Option<Position> {
        self.expected.map(|next| Position { offset: next.offset - 1, ..next })
    }

    /// Returns the position of the item that the stream has yielded, and takes the number of dropped items before it.
    ///
    /// An item that does not come from the history, or is one of several that an adapter has made of one, has the position of
    /// the last item of the history.
    pub(crate) fn take(&mut self) -> (Option<Position>, u64) {
        (self.at, std::mem::take(&mut self.overtaken))
    }
}

/// Restores the former value, also after a panic. A stream may be sent while another one is polled.
struct Restore(Option<Tracking>);

impl Drop for Restore {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

fn update<R>(update: impl FnOnce(&mut Tracking) -> R) -> Option<R> {
    let mut tracking = CURRENT.get()?;
    let result = update(&mut tracking);
    CURRENT.set(Some(tracking));
    Some(result)
}

/// Takes the start of the stream that is polled now.
pub(super) fn take_start() -> Option<Resume> {
    update(|tracking| tracking.start.take())?
}

/// Reports the position of an item, and the number of items that were dropped before it.
pub(super) fn report(at: Position, overtaken: u64) {
    update(|tracking| {
        tracking.at = Some(at);
        tracking.overtaken += overtaken;
    });
}
