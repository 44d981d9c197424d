//! The stream of changes.

use super::change::PresenceChange;
use super::log::{Kind, Logged, Reader, Reading};
use super::present::Present;
use super::table::Table;
use crate::rt::{Instant, Timer};
use futures_core::Stream;
use std::fmt;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// The stream of [`Presence::changes`](super::Presence::changes).
///
/// It finishes when the last handle of its presence is dropped.
///
/// # Panics
///
/// Panics if it is polled outside a tokio runtime while somebody without a connection is still shown.
pub struct PresenceChanges<M> {
    table: Arc<Table<M>>,
    /// `None` before the first snapshot.
    reader: Option<Reader>,
    /// True while an item is copied.
    is_cloning: bool,
    /// Fires when the next leave has to be reported.
    timer: Timer,
}

/// The result of a look at the table.
enum Found<M> {
    Snapshot(Vec<Arc<Present<M>>>),
    Change(Logged<M>),
    /// The stream waits. The next leave is due at this time.
    Nothing(Option<Instant>),
    Finished,
}

impl<M> PresenceChanges<M> {
    pub(super) fn new(table: &Arc<Table<M>>) -> Self {
        Self { table: Arc::clone(table), reader: None, is_cloning: false, timer: Timer::default() }
    }

    /// Takes the next item, or leaves the waker.
    fn look(&mut self, waker: &mut Option<Waker>) -> Found<M> {
        let Self { table, reader, is_cloning, .. } = self;
        table.with(|state, _| {
            if state.is_finished {
                return Found::Finished;
            }
            let log = &mut state.log;
            let Some(reader) = reader else {
                *reader = Some(log.subscribe());
                return Found::Snapshot(state.all());
            };
            let reading = if *is_cloning { Reading::Overtaken } else { log.read(reader) };
            match reading {
                Reading::Change(change) => Found::Change(change),
                Reading::Nothing => {
                    mem::swap(log.waker(reader), waker);
                    Found::Nothing(state.next_leave())
                }
                Reading::Overtaken => {
                    log.skip(reader, &mut state.outside.dropped);
                    Found::Snapshot(state.all())
                }
            }
        })
    }

    /// Copies an item. After a panic of the metadata's `clone`, the next item is a snapshot.
    fn cloning<T>(&mut self, clone: impl FnOnce() -> T) -> T {
        self.is_cloning = true;
        let clone = clone();
        self.is_cloning = false;
        clone
    }
}

impl<M: Clone> Stream for PresenceChanges<M> {
    type Item = PresenceChange<M>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<PresenceChange<M>>> {
        let this = self.get_mut();
        loop {
            // Dropped outside the lock, as the earlier one.
            let mut waker = Some(cx.waker().clone());
            match this.look(&mut waker) {
                Found::Change(Logged { kind, present }) => {
                    let present = this.cloning(|| Arc::unwrap_or_clone(present));
                    return Poll::Ready(Some(match kind {
                        Kind::Joined => PresenceChange::Joined(present),
                        Kind::Changed => PresenceChange::Changed(present),
                        Kind::Left => PresenceChange::Left(present),
                    }));
                }
                Found::Snapshot(all) => {
                    let all = this.cloning(|| all.into_iter().map(Arc::unwrap_or_clone).collect());
                    return Poll::Ready(Some(PresenceChange::Snapshot(all)));
                }
                Found::Finished => return Poll::Ready(None),
                Found::Nothing(next_leave) => {
                    if !this.timer.set(next_leave, cx) {
                        return Poll::Pending;
                    }
                    // A leave is due.
                }
            }
        }
    }
}

impl<M> Drop for PresenceChanges<M> {
    fn drop(&mut self) {
        if let Some(reader) = self.reader.take() {
            let waker = self.table.with(|state, _| state.log.unsubscribe(reader, &mut state.outside.dropped));
            drop(waker);
        }
    }
}

impl<M> fmt::Debug for PresenceChanges<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PresenceChanges").field("room", &self.table.room).finish_non_exhaustive()
    }
}
