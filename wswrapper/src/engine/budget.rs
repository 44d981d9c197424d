//! The memory that all connections of one server or client share.
//!
//! Each connection reports what it holds when its driver goes to sleep, and when a handle has freed a part of it. While
//! the sum is at its limit, the connections grant no credit, reject new requests, and do not continue to read large
//! messages. Those that were held up wait in a queue. When the sum is below the limit, a few of them are woken, and
//! each wakes the next ones at the end of its turn.

use super::shared::Shared;
use crate::lock::lock;
use crate::rt::{Instant, after};
use std::cmp::Ordering::{Equal, Greater, Less};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

/// Connections that are woken together.
const WAKE_BATCH: usize = 16;
/// The minimum time between two warnings.
const WARNING_INTERVAL: Duration = Duration::from_secs(1);

/// The bytes that the connections hold, and their limit.
pub(crate) struct Budget {
    max: usize,
    held: AtomicUsize,
    /// True if `state.waiting` is not empty.
    any_waiting: AtomicBool,
    /// Locked only at the limit, and to wake. It may be locked after the state of a connection, never before.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Connections that were held up.
    waiting: VecDeque<Weak<Shared>>,
    /// Set while the sum is at the limit.
    shortage: Option<Shortage>,
    /// The number of times that the limit was reached since the last warning.
    unreported: usize,
    warned_at: Option<Instant>,
}

struct Shortage {
    /// Memory was given back if the sum falls below this mark.
    mark: usize,
    /// The time at which memory was last given back, or at which the limit was reached.
    since: Instant,
}

/// The bytes that one connection holds. Dropping it gives them back.
pub(crate) struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Budget {
    /// Creates a budget of `max` bytes, at least one.
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self {
            max: max.max(1),
            held: AtomicUsize::new(0),
            any_waiting: AtomicBool::new(false),
            state: Mutex::default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Returns the bytes that all connections hold.
    #[inline]
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::SeqCst)
    }

    /// Returns true if the limit is reached.
    #[inline]
    pub(crate) fn is_exhausted(&self) -> bool {
        self.held() >= self.max
    }

    /// Updates the shortage after the sum has changed at the limit.
    #[cold]
    fn update(&self) {
        let mut state = self.lock();
        let held = self.held();
        match &mut state.shortage {
            _ if held < self.max => state.shortage = None,
            Some(shortage) if held < shortage.mark => *shortage = Shortage { mark: held, since: Instant::now() },
            // The mark follows a large rise only. Otherwise small messages that come and go would look like progress.
            Some(shortage) if held - shortage.mark > self.max / 16 => shortage.mark = held,
            Some(_) => {}
            none => {
                *none = Some(Shortage { mark: held, since: Instant::now() });
                state.unreported += 1;
            }
        }
    }

    /// Logs that the limit was reached. Called without a lock, because a subscriber is code of the user.
    #[cold]
    pub(crate) fn warn(&self) {
        let mut state = self.lock();
        let now = Instant::now();
        if state.unreported == 0 || state.warned_at.is_some_and(|at| now < after(at, WARNING_INTERVAL)) {
            return;
        }
        state.warned_at = Some(now);
        let times = std::mem::take(&mut state.unreported);
        drop(state);
        tracing::warn!(
            held = self.held(),
            max = self.max,
            times,
            "the connections hold `max_buffered_bytes`: requests are rejected until memory is free"
        );
    }

    /// Returns the time at which the largest holder is closed if no memory is given back until then.
    #[cold]
    pub(crate) fn deadline(&self, patience: Duration) -> Option<Instant> {
        self.lock().shortage.as_ref().map(|shortage| after(shortage.since, patience))
    }

    /// Returns true, once, if no memory was given back for the time of `patience`.
    #[cold]
    pub(crate) fn take_overdue(&self, now: Instant, patience: Duration) -> bool {
        let mut state = self.lock();
        let overdue = state.shortage.as_mut().filter(|shortage| after(shortage.since, patience) <= now);
        // The next one has the same time.
        overdue.map(|shortage| *shortage = Shortage { mark: self.held(), since: now }).is_some()
    }

    /// Queues a connection to be woken when the sum is below the limit. No lock may be held.
    #[cold]
    pub(crate) fn wait(&self, shared: &Arc<Shared>) {
        if !shared.waits_for_budget.swap(true, Ordering::AcqRel) {
            let mut state = self.lock();
            state.waiting.push_back(Arc::downgrade(shared));
            self.any_waiting.store(true, Ordering::SeqCst);
        }
        // The sum may have fallen before the connection was queued.
        self.wake_waiting();
    }

    /// Removes a closed connection from the queue.
    pub(crate) fn forget(&self, shared: &Arc<Shared>) {
        if shared.waits_for_budget.swap(false, Ordering::AcqRel) {
            self.lock().waiting.retain(|waiting| !std::ptr::eq(waiting.as_ptr(), Arc::as_ptr(shared)));
        }
    }

    /// Wakes some of the waiting connections if the sum is below the limit. No lock may be held.
    #[inline]
    pub(crate) fn wake_waiting(&self) {
        if self.any_waiting.load(Ordering::SeqCst) {
            self.wake_some();
        }
    }

    #[cold]
    fn wake_some(&self) {
        while self.any_waiting.load(Ordering::SeqCst) && !self.is_exhausted() {
            let mut state = self.lock();
            let count = WAKE_BATCH.min(state.waiting.len());
            let batch: Vec<_> = state.waiting.drain(..count).collect();
            self.any_waiting.store(!state.waiting.is_empty(), Ordering::SeqCst);
            drop(state);
            let woken = batch.iter().filter_map(Weak::upgrade).filter(|shared| shared.wake_for_budget()).count();
            if woken > 0 {
                // They wake the next ones.
                return;
            }
        }
    }
}

impl Share {
    pub(crate) fn new(budget: &Arc<Budget>) -> Self {
        Self { budget: Arc::clone(budget), bytes: 0 }
    }

    /// Returns the bytes that were last reported.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Reports the bytes that the connection holds now. If they have fallen, [`Budget::wake_waiting`] follows after all
    /// locks are released.
    pub(crate) fn set(&mut self, bytes: usize) {
        let before = std::mem::replace(&mut self.bytes, bytes);
        let held = &self.budget.held;
        let highest = match bytes.cmp(&before) {
            Greater => held.fetch_add(bytes - before, Ordering::SeqCst) + (bytes - before),
            Less => held.fetch_sub(before - bytes, Ordering::SeqCst),
            Equal => return,
        };
        if highest >= self.budget.max {
            self.budget.update();
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.set(0);
        self.budget.wake_waiting();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::test_log::TestLog;
    use tokio::time::sleep;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn shares(budget: &Arc<Budget>) -> [Share; 2] {
        [Share::new(budget), Share::new(budget)]
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_is_reached_by_the_sum_and_left_when_a_share_is_dropped() {
        let budget = Budget::new(100);
        let [mut first, mut second] = shares(&budget);
        first.set(60);
        second.set(39);
        assert_eq!((budget.held(), budget.is_exhausted(), budget.deadline(PATIENCE)), (99, false, None));
        second.set(40);
        assert_eq!((budget.is_exhausted(), budget.deadline(PATIENCE)), (true, Some(Instant::now() + PATIENCE)));
        drop(first);
        assert_eq!((budget.held(), budget.is_exhausted(), budget.deadline(PATIENCE)), (40, false, None));
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_of_a_shortage_begins_again_only_when_memory_is_given_back() {
        let budget = Budget::new(1_000);
        let [mut large, mut small] = shares(&budget);
        large.set(2_000);
        let began = Instant::now();
        // Small messages come and go.
        for _ in 0..20 {
            sleep(Duration::from_secs(1)).await;
            small.set(50);
            small.set(0);
        }
        assert_eq!(budget.deadline(PATIENCE), Some(began + PATIENCE));
        large.set(1_999);
        assert_eq!(budget.deadline(PATIENCE), Some(Instant::now() + PATIENCE));
        // A large message counts when it goes.
        large.set(3_000);
        sleep(Duration::from_secs(29)).await;
        large.set(2_900);
        sleep(Duration::from_secs(29)).await;
        assert!(!budget.take_overdue(Instant::now(), PATIENCE));
        sleep(Duration::from_secs(1)).await;
        assert!(budget.take_overdue(Instant::now(), PATIENCE));
        assert!(!budget.take_overdue(Instant::now(), PATIENCE), "once in this time");
        sleep(PATIENCE).await;
        assert!(budget.take_overdue(Instant::now(), PATIENCE));
    }

    #[tokio::test(start_paused = true)]
    async fn a_shortage_is_logged_at_most_once_a_second() {
        let warnings = TestLog::of("times");
        let _log = tracing::subscriber::set_default(warnings.clone());
        let budget = Budget::new(0);
        let mut share = Share::new(&budget);
        budget.warn();
        for _ in 0..10 {
            share.set(1);
            budget.warn();
            share.set(0);
            sleep(Duration::from_millis(250)).await;
        }
        assert_eq!(warnings.containing(""), ["1", "4", "4"]);
    }
}
