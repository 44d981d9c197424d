//! Histories: the last items of a stream, for consumers that come back.

use super::HistoryStream;
use crate::json_size::json_size;
use crate::lock::lock;
use crate::proto::Position;
use crate::rt::Instant;
use serde::Serialize;
use slab::Slab;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Waker;
use std::time::Duration;

/// The last items of a stream, kept for consumers that come back after a lost connection.
///
/// A method that returns [`history.stream()`](Self::stream), perhaps through combinators such as `map`, needs nothing
/// else: a [resumable](crate::Call::resumable) call of it goes on behind the last item that its caller has taken, and its
/// caller learns how many items are missing if the history no longer has them [X-07].
///
/// A history is in memory. It survives lost connections, and not a restart of its program: after that it is another
/// history. Items that have numbers of their own, for example in a database, survive restarts by
/// [`resubscribe`](crate::Call::resubscribe).
///
/// A stream may be of one history only: of two that are merged, only one could continue at its position.
///
/// A history keeps at most [`max_items`](Self::max_items), [`max_bytes`](Self::max_bytes) and
/// [`max_age`](Self::max_age), and the newest item in any case. It is cheap to clone; the clones are the same history.
/// When the last one is dropped, its streams finish.
///
/// ```
/// # use wswrapper::{Client, Server, Stream, stream::{History, Seam, StreamEvent}, transport::memory, ws_handlers, ws_service};
/// #[ws_service]
/// trait Prices {
///     async fn prices(&self) -> impl Stream<Item = u32> + Send;
/// }
///
/// struct Desk {
///     prices: History<u32>,
/// }
///
/// #[ws_handlers]
/// impl Prices for Desk {
///     async fn prices(&self) -> impl Stream<Item = u32> + Send {
///         self.prices.stream()
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let history = History::new().max_items(100);
/// let server = Server::builder().service(Desk { prices: history.clone() }).build()?;
/// # let connector = {
/// #     let server = server.clone();
/// #     move |_| {
/// #         let (near, far) = memory::pair();
/// #         let accepted = server.accept_transport(far).map_err(wswrapper::error::ConnectError::other);
/// #         async { accepted.map(|_| (near, wswrapper::connection::Handshake::default())) }
/// #     }
/// # };
/// # let builder = Client::builder().reconnect(wswrapper::client::Reconnect::default());
/// let client = builder.connect_with(connector).await?;
/// let mut prices = PricesProxy::new(&client).prices().resumable().await?;
/// # tokio::spawn({ let history = history.clone(); async move { tokio::task::yield_now().await; history.push(1); } });
/// assert_eq!(prices.try_next().await?, Some(StreamEvent::Item(1)));
/// // The connection is lost, and prices go on:
/// # for peer in server.peers() { peer.close(1012, "") }
/// # client.closed().await;
/// history.push(2);
/// assert_eq!(prices.try_next().await?, Some(StreamEvent::Seam(Seam::Resumed)));
/// assert_eq!(prices.try_next().await?, Some(StreamEvent::Item(2)));
/// # Ok(())
/// # }
/// ```
pub struct History<T> {
    inner: Arc<Inner<T>>,
    /// Dropped with the last clone, so that the streams finish.
    owner: Arc<Owner<T>>,
}

struct Owner<T>(Arc<Inner<T>>);

pub(super) struct Inner<T> {
    pub(super) epoch: u64,
    state: Mutex<State<T>>,
}

pub(super) struct State<T> {
    max_items: usize,
    max_bytes: usize,
    max_age: Option<Duration>,
    pub(super) entries: VecDeque<Entry<T>>,
    bytes: usize,
    /// The offset of the next item.
    pub(super) next: u64,
    /// True once no more items come.
    pub(super) is_finished: bool,
    /// The tasks of streams that wait for an item.
    pub(super) waiting: Slab<Option<Waker>>,
}

pub(super) struct Entry<T> {
    pub(super) item: Arc<T>,
    bytes: usize,
    at: Instant,
}

impl<T: Serialize + Clone + Send + Sync + 'static> History<T> {
    /// Creates a history that keeps at most 1,024 items and 1 MiB.
    pub fn new() -> Self {
        let state = State {
            max_items: 1_024,
            max_bytes: 1 << 20,
            max_age: None,
            entries: VecDeque::new(),
            bytes: 0,
            next: 1,
            is_finished: false,
            waiting: Slab::new(),
        };
        // Another process, or this one after a restart, must not have the same.
        let epoch = fastrand::u64(1..=Position::MAX);
        let inner = Arc::new(Inner { epoch, state: Mutex::new(state) });
        Self { owner: Arc::new(Owner(Arc::clone(&inner))), inner }
    }

    /// Sets the number of items that are kept. Default 1,024, at least 1.
    #[must_use]
    pub fn max_items(self, items: usize) -> Self {
        self.inner.lock().max_items = items.max(1);
        self
    }

    /// Sets the size of all items that are kept, as JSON, in bytes. Default 1 MiB. The newest item is kept in any case.
    #[must_use]
    pub fn max_bytes(self, bytes: usize) -> Self {
        self.inner.lock().max_bytes = bytes;
        self
    }

    /// Sets the time for which an item is kept. By default there is none. Old items are dropped at the next push or the
    /// next read.
    #[must_use]
    pub fn max_age(self, age: Duration) -> Self {
        self.inner.lock().max_age = Some(age);
        self
    }

    /// Appends an item, and passes it to all streams. Returns its offset: the number of the item, from 1 on.
    ///
    /// A stream that has not taken an item before it is dropped misses that item. A resumable call reports it as a gap.
    pub fn push(&self, item: T) -> u64 {
        let bytes = json_size(&item);
        let entry = Entry { item: Arc::new(item), bytes, at: Instant::now() };
        let mut state = self.inner.lock();
        let offset = state.next;
        state.next += 1;
        state.bytes += bytes;
        state.entries.push_back(entry);
        let dropped = state.evict(Instant::now());
        let wakers: Vec<_> = state.waiting.iter_mut().filter_map(|(_, waker)| waker.take()).collect();
        drop(state);
        // Outside the lock, because the items are a user's.
        drop(dropped);
        wakers.into_iter().for_each(Waker::wake);
        offset
    }

    /// Returns a stream of the items that are pushed from now on.
    ///
    /// As the result of a method, it begins behind the position that a [resumable](crate::Call::resumable) call sends: behind
    /// the item of that position if it is of this history, or else with the oldest item that is kept.
    pub fn stream(&self) -> HistoryStream<T> {
        let next = self.inner.lock().next;
        HistoryStream::new(&self.inner, next)
    }

    /// Returns a stream of the items that are kept, and of those that are pushed from now on. Otherwise like
    /// [`stream`](Self::stream).
    pub fn replay(&self) -> HistoryStream<T> {
        HistoryStream::new(&self.inner, 0)
    }
}

impl<T> History<T> {
    /// Returns the number of items that are kept.
    pub fn len(&self) -> usize {
        self.inner.lock().entries.len()
    }

    /// Returns true if no item is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the random number of this history, which tells it from others.
    pub fn epoch(&self) -> u64 {
        self.inner.epoch
    }

    /// Returns the offset of the newest item, or 0 if none was pushed.
    pub fn last_offset(&self) -> u64 {
        self.inner.lock().next - 1
    }
}

impl<T> Inner<T> {
    pub(super) fn lock(&self) -> MutexGuard<'_, State<T>> {
        lock(&self.state)
    }
}

impl<T> State<T> {
    /// Removes the items that are too many, too large or too old. They are dropped outside the lock.
    pub(super) fn evict(&mut self, now: Instant) -> Vec<Entry<T>> {
        let mut dropped = Vec::new();
        while self.entries.len() > 1
            && let Some(oldest) = self.entries.front()
            && (self.entries.len() > self.max_items
                || self.bytes > self.max_bytes
                || self.max_age.is_some_and(|age| now.saturating_duration_since(oldest.at) > age))
            && let Some(oldest) = self.entries.pop_front()
        {
            self.bytes -= oldest.bytes;
            dropped.push(oldest);
        }
        dropped
    }

    /// Returns the offset of the oldest item.
    pub(super) fn oldest(&self) -> u64 {
        self.next - self.entries.len() as u64
    }
}

impl<T> Drop for Owner<T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.is_finished = true;
        let wakers: Vec<_> = state.waiting.iter_mut().filter_map(|(_, waker)| waker.take()).collect();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl<T: Serialize + Clone + Send + Sync + 'static> Default for History<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Clone for History<T> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), owner: Arc::clone(&self.owner) }
    }
}

impl<T> fmt::Debug for History<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History").field("epoch", &self.epoch()).field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Resume;
    use crate::stream::Tracking;
    use futures_core::Stream;
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll};
    use std::time::Duration;

    /// Takes all items that are there.
    fn taken(stream: &mut HistoryStream<u32>) -> Vec<u32> {
        let mut stream = pin!(stream);
        let mut items = Vec::new();
        while let Poll::Ready(Some(item)) = stream.as_mut().poll_next(&mut Context::from_waker(Waker::noop())) {
            items.push(item);
        }
        items
    }

    /// Takes all items as a sender of a stream that begins there does. Returns also their offsets and losses.
    fn sent(stream: &mut HistoryStream<u32>, start: Resume) -> Vec<(u32, u64, u64)> {
        let mut tracking = Tracking::new(start);
        let mut stream = pin!(stream);
        let mut items = Vec::new();
        let cx = &mut Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(item)) = tracking.poll(|| stream.as_mut().poll_next(cx)) {
            let (at, lost) = tracking.take();
            items.push((item, at.expect("each item has a position").offset, lost));
        }
        items
    }

    #[tokio::test(start_paused = true)]
    async fn the_count_the_bytes_and_the_age_of_items_are_bounded() {
        let history = History::new().max_items(3);
        for n in 1..=5 {
            history.push(n);
        }
        assert_eq!((taken(&mut history.replay()), history.last_offset()), (vec![3, 4, 5], 5));
        let history = History::new().max_bytes(10);
        for n in 1..=5 {
            history.push(n * 1_000);
        }
        assert_eq!(taken(&mut history.replay()), [4_000, 5_000]);
        let large = History::new().max_bytes(1);
        large.push(1_000_u32);
        assert_eq!((taken(&mut large.replay()), large.len()), (vec![1_000], 1));
        let history = History::new().max_age(Duration::from_secs(10));
        for n in 1..=3 {
            history.push(n);
            tokio::time::advance(Duration::from_secs(4)).await;
        }
        assert_eq!(taken(&mut history.replay()), [2, 3]);
        tokio::time::advance(Duration::from_secs(100)).await;
        assert_eq!(taken(&mut history.replay()), [3], "the newest item is kept");
    }

    #[tokio::test]
    async fn a_new_stream_begins_with_the_next_item() {
        let history = History::new();
        history.push(1);
        let (mut stream, mut replay) = (history.stream(), history.replay());
        history.push(2);
        assert_eq!((taken(&mut stream), taken(&mut replay)), (vec![2], vec![1, 2]));
        history.push(3);
        assert_eq!((taken(&mut stream), taken(&mut replay)), (vec![3], vec![3]));
        drop(history);
        for stream in [&mut stream, &mut replay] {
            assert!(matches!(Pin::new(stream).poll_next(&mut Context::from_waker(Waker::noop())), Poll::Ready(None)));
        }
    }

    #[tokio::test]
    async fn a_stream_continues_behind_the_position_that_its_sender_was_given() {
        let history = History::new().max_items(4);
        for n in 1..=6 {
            history.push(n);
        }
        let after = |epoch, offset| Resume::After(Position { epoch, offset });
        let own = history.epoch();
        assert_eq!(sent(&mut history.stream(), after(own, 4)), [(5, 5, 0), (6, 6, 0)]);
        assert_eq!(sent(&mut history.stream(), after(own, 6)), []);
        // The history has lost item 2.
        assert_eq!(sent(&mut history.stream(), after(own, 1)).first(), Some(&(3, 3, 0)));
        // Positions of another history, or of the future.
        for unknown in [after(own + 1, 4), after(own, 7)] {
            assert_eq!(sent(&mut history.stream(), unknown).first(), Some(&(3, 3, 0)));
        }
        assert_eq!(sent(&mut history.stream(), Resume::New), []);
    }

    #[tokio::test]
    async fn a_slow_stream_is_told_how_many_items_it_has_missed() {
        let history = History::new().max_items(2);
        let mut stream = history.stream();
        history.push(1);
        assert_eq!(sent(&mut stream, Resume::New), [(1, 1, 0)]);
        for n in 2..=9 {
            history.push(n);
        }
        assert_eq!(sent(&mut stream, Resume::New), [(8, 8, 6), (9, 9, 0)]);
    }

    #[tokio::test]
    async fn a_stream_that_is_dropped_leaves_no_waker() {
        let history = History::<u32>::new();
        for _ in 0..1_000 {
            let mut stream = history.stream();
            assert!(taken(&mut stream).is_empty());
        }
        let state = history.inner.lock();
        assert_eq!((state.waiting.len(), state.waiting.capacity()), (0, 0));
    }
}
