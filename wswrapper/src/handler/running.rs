//! The handlers of a connection that were not ready at once, polled by its driver.

use super::CallState;
use super::invocation::BoxRunning;
use crate::proto::RequestId;
use slab::Slab;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

/// Handlers that wait for something.
pub(crate) struct RunningSet {
    handlers: Slab<RunningHandler>,
    woken: Arc<Woken>,
    next_key: u64,
    /// Kept for its capacity.
    batch: Vec<RunningKey>,
}

/// One of them.
pub(crate) struct RunningHandler {
    pub(crate) future: BoxRunning,
    pub(crate) id: Option<RequestId>,
    pub(crate) event: &'static str,
    pub(crate) state: Option<Arc<CallState>>,
    waker: Arc<HandlerWaker>,
}

/// Which one; never the same twice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RunningKey {
    index: usize,
    unique: u64,
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
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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

impl RunningHandler {
    pub(crate) fn key(&self) -> RunningKey {
        self.waker.key
    }
}

impl RunningSet {
    pub(crate) fn new() -> Self {
        Self { handlers: Slab::new(), woken: Arc::default(), next_key: 0, batch: Vec::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.handlers.len()
    }

    /// Takes in a handler that was polled once; it is polled again with the next batch, to register its own waker.
    pub(crate) fn insert(
        &mut self,
        future: BoxRunning,
        id: Option<RequestId>,
        event: &'static str,
        state: Option<Arc<CallState>>,
    ) -> RunningKey {
        let entry = self.handlers.vacant_entry();
        let key = RunningKey { index: entry.key(), unique: self.next_key };
        self.next_key += 1;
        let waker = Arc::new(HandlerWaker { key, queued: AtomicBool::new(true), woken: Arc::clone(&self.woken) });
        entry.insert(RunningHandler { future, id, event, state, waker });
        self.woken.lock().keys.push(key);
        key
    }

    /// Those that are to be polled now, at most so many, and whether more are left.
    pub(crate) fn take_woken(&mut self, most: usize) -> (Vec<RunningKey>, bool) {
        let mut batch = std::mem::take(&mut self.batch);
        if !self.handlers.is_empty() {
            let mut woken = self.woken.lock();
            if woken.keys.len() <= most {
                std::mem::swap(&mut batch, &mut woken.keys);
            } else {
                batch.extend(woken.keys.drain(..most));
                return (batch, true);
            }
        }
        (batch, false)
    }

    /// Gives back the vector of [`take_woken`](Self::take_woken).
    pub(crate) fn give_back(&mut self, mut batch: Vec<RunningKey>) {
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
    pub(crate) fn get(&mut self, key: RunningKey) -> Option<(&mut RunningHandler, Waker)> {
        let handler = self.handlers.get_mut(key.index).filter(|handler| handler.waker.key == key)?;
        handler.waker.queued.store(false, Ordering::Release);
        let waker = Waker::from(Arc::clone(&handler.waker));
        Some((handler, waker))
    }

    /// Takes a handler out.
    pub(crate) fn remove(&mut self, key: RunningKey) -> Option<RunningHandler> {
        let found = self.handlers.get(key.index).is_some_and(|handler| handler.waker.key == key);
        found.then(|| self.handlers.remove(key.index))
    }

    /// Takes all out.
    pub(crate) fn take_all(&mut self) -> Slab<RunningHandler> {
        std::mem::take(&mut self.handlers)
    }
}
