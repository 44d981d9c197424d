//! The pending handlers of a connection.

use super::call_log::CallLog;
use super::call_state::CallState;
use super::handler::BoxRunning;
use super::label::Label;
use super::spare_waker::SpareWaker;
use crate::lock::lock;
use crate::proto::{ChannelKey, RequestId};
use slab::Slab;
use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Wake, Waker};

/// The pending handlers. The driver polls those that were woken.
pub(crate) struct RunningSet {
    handlers: Slab<RunningEntry>,
    /// The number of handlers that send streams.
    streams: usize,
    /// The handlers that were called on anonymous channels.
    by_channel: BTreeSet<(ChannelKey, RunningKey)>,
    woken: Arc<Woken>,
    spare_waker: SpareWaker,
    next_key: NonZeroU64,
    /// Kept for its capacity.
    batch: Vec<RunningKey>,
}

/// A pending handler.
pub(crate) struct RunningHandler {
    pub(crate) future: BoxRunning,
    /// The id of its request. `None` for an event, or once it has responded.
    pub(crate) id: Option<RequestId>,
    pub(crate) event: Label,
    pub(crate) state: Option<Arc<CallState>>,
    pub(crate) log: Option<Box<CallLog>>,
    /// The anonymous channel of its call.
    pub(crate) channel: Option<ChannelKey>,
    /// True if it has responded with a stream, which it sends.
    pub(crate) is_stream: bool,
}

struct RunningEntry {
    handler: RunningHandler,
    waker: Arc<HandlerWaker>,
}

/// The key of a handler. It is never used again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct RunningKey {
    index: usize,
    serial: NonZeroU64,
}

impl RunningKey {
    const FIRST: Self = Self { index: 0, serial: NonZeroU64::MIN };
    const LAST: Self = Self { index: usize::MAX, serial: NonZeroU64::MAX };
}

/// The handlers that were woken, shared with their wakers.
#[derive(Default)]
struct Woken {
    state: Mutex<WokenState>,
}

#[derive(Default)]
struct WokenState {
    keys: Vec<RunningKey>,
    /// Taken by the first handler that wakes it.
    driver: Option<Waker>,
}

impl Woken {
    fn lock(&self) -> MutexGuard<'_, WokenState> {
        lock(&self.state)
    }
}

/// The waker of one handler.
struct HandlerWaker {
    key: RunningKey,
    /// True while the key waits in `woken`.
    queued: AtomicBool,
    woken: Arc<Woken>,
}

impl Wake for HandlerWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            let mut woken = self.woken.lock();
            woken.keys.push(self.key);
            let driver = woken.driver.take();
            drop(woken);
            driver.into_iter().for_each(Waker::wake);
        }
    }
}

impl RunningSet {
    pub(crate) fn new() -> Self {
        Self {
            handlers: Slab::new(),
            streams: 0,
            by_channel: BTreeSet::new(),
            woken: Arc::default(),
            spare_waker: SpareWaker::default(),
            next_key: NonZeroU64::MIN,
            batch: Vec::new(),
        }
    }

    /// Returns the number of handlers, without those that send streams.
    pub(crate) fn len(&self) -> usize {
        self.handlers.len() - self.streams
    }

    /// Returns the number of all handlers.
    pub(crate) fn count(&self) -> usize {
        self.handlers.len()
    }

    /// Returns true if no handler is pending.
    pub(crate) fn is_empty(&self) -> bool {
        self.handlers.is_empty()
    }

    /// Adds a handler that was polled once, with the driver's waker. It is polled again with the next batch, to
    /// register its own waker.
    pub(crate) fn insert(&mut self, handler: RunningHandler) -> RunningKey {
        let entry = self.handlers.vacant_entry();
        let key = RunningKey { index: entry.key(), serial: self.next_key };
        self.next_key = self.next_key.saturating_add(1);
        self.streams += usize::from(handler.is_stream);
        self.by_channel.extend(handler.channel.map(|channel| (channel, key)));
        let waker = Arc::new(HandlerWaker { key, queued: AtomicBool::new(true), woken: Arc::clone(&self.woken) });
        entry.insert(RunningEntry { handler, waker });
        self.woken.lock().keys.push(key);
        key
    }

    /// Takes at most `max` handlers that were woken. Also returns true if more are left.
    pub(crate) fn take_woken(&mut self, max: usize) -> (Vec<RunningKey>, bool) {
        let mut batch = std::mem::take(&mut self.batch);
        if !self.handlers.is_empty() {
            let mut woken = self.woken.lock();
            if woken.keys.len() <= max {
                std::mem::swap(&mut batch, &mut woken.keys);
            } else {
                batch.extend(woken.keys.drain(..max));
                return (batch, true);
            }
        }
        (batch, false)
    }

    /// Keeps the vector of [`take_woken`](Self::take_woken) for its capacity.
    pub(crate) fn return_batch(&mut self, mut batch: Vec<RunningKey>) {
        batch.clear();
        self.batch = batch;
    }

    /// Registers the driver. Returns true if handlers were woken in the meantime.
    pub(crate) fn register(&mut self, driver: &Waker) -> bool {
        if self.handlers.is_empty() {
            return false;
        }
        self.spare_waker.prepare(driver);
        let mut woken = self.woken.lock();
        self.spare_waker.register(&mut woken.driver);
        !woken.keys.is_empty()
    }

    /// Returns a handler and its waker, to poll it. From now on it can be woken again.
    pub(crate) fn poll_context(&mut self, key: RunningKey) -> Option<(&mut RunningHandler, Waker)> {
        let entry = self.handlers.get_mut(key.index).filter(|entry| entry.waker.key == key)?;
        entry.waker.queued.store(false, Ordering::Release);
        let waker = Waker::from(Arc::clone(&entry.waker));
        Some((&mut entry.handler, waker))
    }

    /// Removes a handler.
    pub(crate) fn remove(&mut self, key: RunningKey) -> Option<RunningHandler> {
        let exists = self.handlers.get(key.index).is_some_and(|entry| entry.waker.key == key);
        exists.then(|| {
            let handler = self.handlers.remove(key.index).handler;
            self.streams -= usize::from(handler.is_stream);
            if let Some(channel) = handler.channel {
                self.by_channel.remove(&(channel, key));
            }
            handler
        })
    }

    /// Records that a handler has responded with a stream.
    pub(crate) fn mark_as_stream(&mut self, key: RunningKey) {
        let entry = self.handlers.get_mut(key.index).filter(|entry| entry.waker.key == key);
        if let Some(entry) = entry {
            self.streams += usize::from(!std::mem::replace(&mut entry.handler.is_stream, true));
        }
    }

    /// Records that the stream of a handler has ended, and the handler goes on.
    pub(crate) fn unmark_stream(&mut self, key: RunningKey) {
        let entry = self.handlers.get_mut(key.index).filter(|entry| entry.waker.key == key);
        if let Some(entry) = entry {
            self.streams -= usize::from(std::mem::replace(&mut entry.handler.is_stream, false));
        }
    }

    /// Wakes a handler.
    pub(crate) fn wake(&self, key: RunningKey) {
        if let Some(entry) = self.handlers.get(key.index).filter(|entry| entry.waker.key == key) {
            entry.waker.wake_by_ref();
        }
    }

    /// Wakes the handlers that send streams.
    pub(crate) fn wake_streams(&self) {
        let streams = self.handlers.iter().filter(|(_, entry)| entry.handler.is_stream);
        streams.for_each(|(_, entry)| entry.waker.wake_by_ref());
    }

    /// Removes the handlers that were called on an anonymous channel.
    pub(crate) fn remove_by_channel(&mut self, channel: ChannelKey) -> Vec<(RunningKey, RunningHandler)> {
        let range = self.by_channel.range((channel, RunningKey::FIRST)..=(channel, RunningKey::LAST));
        let keys: Vec<_> = range.map(|(_, key)| *key).collect();
        keys.into_iter().filter_map(|key| Some((key, self.remove(key)?))).collect()
    }

    /// Removes all handlers.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = RunningHandler> + use<> {
        (self.streams, self.by_channel) = (0, BTreeSet::new());
        std::mem::take(&mut self.handlers).into_iter().map(|(_, entry)| entry.handler)
    }
}
