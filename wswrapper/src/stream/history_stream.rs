//! The streams of histories.

use super::history::{Inner, State};
use super::tracking;
use crate::proto::{Position, Resume};
use crate::rt::Instant;
use futures_core::Stream;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The stream of a [`History`](super::History). It yields each item that is pushed, from its start on.
pub struct HistoryStream<T> {
    inner: Arc<Inner<T>>,
    /// The offset of the next item to yield.
    next: u64,
    is_started: bool,
    /// Its place among the waiting tasks.
    waiting: Option<usize>,
}

impl<T> HistoryStream<T> {
    /// Creates a stream that begins with the item of this offset, or with the oldest that is kept.
    pub(super) fn new(inner: &Arc<Inner<T>>, next: u64) -> Self {
        Self { inner: Arc::clone(inner), next, is_started: false, waiting: None }
    }

    /// Returns the offset with which the stream begins.
    fn first(&self, state: &State<T>) -> u64 {
        match tracking::take_start() {
            // The oldest item that is kept may be a later one, which its position shows.
            Some(Resume::After(Position { epoch, offset })) if epoch == self.inner.epoch && offset < state.next => {
                offset + 1
            }
            Some(Resume::After(_)) => 0,
            Some(Resume::New) | None => self.next,
        }
    }
}

impl<T: Clone> Stream for HistoryStream<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let this = self.get_mut();
        // Declared before the lock, so that it is dropped after it.
        let (mut waker, mut dropped) = (None, Vec::new());
        loop {
            let inner = Arc::clone(&this.inner);
            let mut state = inner.lock();
            dropped.extend(state.evict(Instant::now()));
            let oldest = state.oldest();
            let first = if this.is_started { this.next } else { this.first(&state) };
            // The position of the first item shows what a caller that continues has missed. A replay misses nothing.
            let overtaken = if first == this.next && first != 0 { oldest.saturating_sub(first) } else { 0 };
            this.next = first;
            this.next = this.next.max(oldest);
            this.is_started = true;
            let index = usize::try_from(this.next - oldest).unwrap_or(usize::MAX);
            if let Some(item) = state.entries.get(index).map(|entry| Arc::clone(&entry.item)) {
                drop(state);
                drop(dropped);
                tracking::report(Position { epoch: inner.epoch, offset: this.next }, overtaken);
                this.next += 1;
                return Poll::Ready(Some(Arc::unwrap_or_clone(item)));
            }
            if state.is_finished {
                drop(state);
                drop(dropped);
                return Poll::Ready(None);
            }
            if let Some(waker) = waker.take() {
                let place = *this.waiting.get_or_insert_with(|| state.waiting.insert(None));
                let old = state.waiting[place].replace(waker);
                drop(state);
                drop((old, dropped));
                return Poll::Pending;
            }
            drop(state);
            waker = Some(cx.waker().clone());
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let state = self.inner.lock();
        let kept = state.next.saturating_sub(self.next.max(state.oldest()));
        let kept = usize::try_from(kept).unwrap_or(usize::MAX);
        if self.is_started { (kept, state.is_finished.then_some(kept)) } else { (0, None) }
    }
}

impl<T> Drop for HistoryStream<T> {
    fn drop(&mut self) {
        if let Some(place) = self.waiting {
            let mut state = self.inner.lock();
            let waker = state.waiting.try_remove(place);
            if state.waiting.is_empty() {
                state.waiting.shrink_to_fit();
            }
            drop(state);
            drop(waker);
        }
    }
}

impl<T> fmt::Debug for HistoryStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HistoryStream")
            .field("epoch", &self.inner.epoch)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}
