//! The handlers of a connection that were not ready at once, polled by its driver.

use super::call_state::CallState;
use super::handler::BoxRunning;
use super::label::Label;
use super::message_log::CallLog;
use crate::lock::lock;
use crate::proto::{ChannelKey, RequestId};
use slab::Slab;
use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Wake, Waker};

/// Handlers that wait for something.
pub(crate) struct RunningSet {
    handlers: Slab<RunningEntry>,
    /// How many of them send streams.
    streams: usize,
    /// Those that were called on anonymous channels.
    by_channel: BTreeSet<(ChannelKey, RunningKey)>,
    woken: Arc<Woken>,
    next_key: NonZeroU64,
    /// Kept for its capacity.
    batch: Vec<RunningKey>,
}

/// One of them.
pub(crate) struct RunningHandler {
    pub(crate) future: BoxRunning,
    pub(crate) id: Option<RequestId>,
    pub(crate) event: Label,
    pub(crate) state: Option<Arc<CallState>>,
    pub(crate) log: Option<Box<CallLog>>,
    /// The anonymous channel of its call.
    pub(crate) channel: Option<ChannelKey>,
    /// It has answered with a stream, which it sends.
    pub(crate) is_stream: bool,
}

struct RunningEntry {
    handler: RunningHandler,
    waker: Arc<HandlerWaker>,
}

/// Which one; never the same twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct RunningKey {
    index: usize,
    serial: NonZeroU64,
}

impl RunningKey {
    const FIRST: Self = Self { index: 0, serial: NonZeroU64::MIN };
    const LAST: Self = Self { index: usize::MAX, serial: NonZeroU64::MAX };
}

/// Those that have been woken, and the driver that is to poll them.
#[derive(Default)]
struct Woken {
    state: Mutex<WokenState>,
}

#[derive(Default)]
struct WokenState {
    keys: Vec<RunningKey>,
    driver: Option<Waker>,
}

impl Woken {
    fn lock(&self) -> MutexGuard<'_, WokenState> {
        lock(&self.state)
    }
}

struct HandlerWaker {
    key: RunningKey,
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
            next_key: NonZeroU64::MIN,
            batch: Vec::new(),
        }
    }

    /// How many there are, not counting those that send streams.
    pub(crate) fn len(&self) -> usize {
        self.handlers.len() - self.streams
    }

    /// Takes in a handler that was polled once; it is polled again with the next batch, to register its own waker.
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

    /// Those that are to be polled now, at most so many, and whether more are left.
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

    /// Gives back the vector of [`take_woken`](Self::take_woken).
    pub(crate) fn return_batch(&mut self, mut batch: Vec<RunningKey>) {
        batch.clear();
        self.batch = batch;
    }

    /// Registers the driver; true if some were woken meanwhile.
    pub(crate) fn register(&mut self, driver: &Waker) -> bool {
        if self.handlers.is_empty() {
            return false;
        }
        let mut woken = self.woken.lock();
        match &mut woken.driver {
            Some(waker) => waker.clone_from(driver),
            none => *none = Some(driver.clone()),
        }
        !woken.keys.is_empty()
    }

    /// A handler and the waker to poll it with.
    pub(crate) fn poll_context(&mut self, key: RunningKey) -> Option<(&mut RunningHandler, Waker)> {
        let entry = self.handlers.get_mut(key.index).filter(|entry| entry.waker.key == key)?;
        entry.waker.queued.store(false, Ordering::Release);
        let waker = Waker::from(Arc::clone(&entry.waker));
        Some((&mut entry.handler, waker))
    }

    /// Takes a handler out.
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

    /// A handler has answered with a stream.
    pub(crate) fn mark_as_stream(&mut self, key: RunningKey) {
        let entry = self.handlers.get_mut(key.index).filter(|entry| entry.waker.key == key);
        if let Some(entry) = entry {
            self.streams += usize::from(!std::mem::replace(&mut entry.handler.is_stream, true));
        }
    }

    /// Wakes a handler.
    pub(crate) fn wake(&self, key: RunningKey) {
        if let Some(entry) = self.handlers.get(key.index).filter(|entry| entry.waker.key == key) {
            entry.waker.wake_by_ref();
        }
    }

    /// Takes out those that were called on an anonymous channel.
    pub(crate) fn remove_by_channel(&mut self, channel: ChannelKey) -> Vec<(RunningKey, RunningHandler)> {
        let range = self.by_channel.range((channel, RunningKey::FIRST)..=(channel, RunningKey::LAST));
        let keys: Vec<_> = range.map(|(_, key)| *key).collect();
        keys.into_iter().filter_map(|key| Some((key, self.remove(key)?))).collect()
    }

    /// Takes all out.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = RunningHandler> + use<> {
        (self.streams, self.by_channel) = (0, BTreeSet::new());
        std::mem::take(&mut self.handlers).into_iter().map(|(_, entry)| entry.handler)
    }
}
