//! The guard that limits the rate of calls.

use super::{Guard, GuardCall};
use crate::proto::{Rejection, code};
use crate::rt::Instant;
use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use std::fmt;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::ops::Add;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The number of keys below which those that are no longer needed are not looked for.
const MIN_CLEANUP: usize = 1_024;

/// The guard that [`rate`] returns. Clones count together.
pub struct Rate<K: Hash + Eq + Clone> {
    limiter: Arc<Limiter<K>>,
    key: Arc<dyn Fn(&GuardCall<'_>) -> K + Send + Sync>,
}

struct Limiter<K: Hash + Eq + Clone> {
    rates: RateLimiter<K, DefaultKeyedStateStore<K>, RuntimeClock, NoOpMiddleware<RuntimeInstant>>,
    /// The number of keys at which those that are no longer needed are removed.
    cleanup_at: AtomicUsize,
    clock: RuntimeClock,
}

/// Returns a guard that lets `calls` calls with the same key pass in each `period`, and rejects further ones with the code
/// `ws:RateLimited` and the time after which one more will [pass](Rejection::retry_after).
///
/// `key` returns what is counted together: [`GuardCall::peer_id`], the address of the
/// [handshake](GuardCall::handshake), a user of the [extensions](GuardCall::extension), or `()` for all calls. The calls may
/// come at once: an unused rate is saved up to `calls`, and comes back evenly (a token bucket).
///
/// All calls with the key `None` count together. So a login is better counted by address than by user: before it nobody has
/// one, and one stranger would use up the logins of all. A call counts also if an inner guard rejects it.
///
/// A key that was not used for `period` is forgotten.
///
/// ```
/// use std::time::Duration;
/// use wswrapper::Server;
/// use wswrapper::service::layer::{GuardCall, rate};
///
/// let server = Server::builder()
///     .guard(rate(100, Duration::from_secs(1), |call: &GuardCall<'_>| call.peer_id()))
///     .guard_on("login", rate(5, Duration::from_secs(60), |call: &GuardCall<'_>| {
///         call.handshake().remote_addr().map(|address| address.ip())
///     }));
/// ```
///
/// # Panics
///
/// If `calls` is 0, or `period` is so short that the clock cannot count it.
pub fn rate<K>(calls: u32, period: Duration, key: impl Fn(&GuardCall<'_>) -> K + Send + Sync + 'static) -> Rate<K>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
{
    let burst = NonZeroU32::new(calls).expect("no call could pass");
    let quota = Quota::with_period(period / calls).expect("the period is too short").allow_burst(burst);
    let clock = RuntimeClock { start: Instant::now() };
    let rates = RateLimiter::new(quota, DefaultKeyedStateStore::default(), clock);
    Rate { limiter: Arc::new(Limiter { rates, cleanup_at: AtomicUsize::new(MIN_CLEANUP), clock }), key: Arc::new(key) }
}

impl<K: Hash + Eq + Clone + Send + Sync + 'static> Guard for Rate<K> {
    fn check(&self, call: &GuardCall<'_>) -> Result<(), Rejection> {
        let limiter = &*self.limiter;
        let checked = limiter.rates.check_key(&(self.key)(call));
        limiter.clean_up();
        checked.map_err(|not_until| {
            let wait = not_until.wait_time_from(limiter.clock.now());
            Rejection::new("too many calls in a short time").with_code(code::RATE_LIMITED).with_retry_after(wait)
        })
    }
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    /// Removes the keys that are no longer needed, when their number has doubled.
    fn clean_up(&self) {
        if self.rates.len() >= self.cleanup_at.load(Ordering::Relaxed) {
            self.rates.retain_recent();
            self.rates.shrink_to_fit();
            self.cleanup_at.store((2 * self.rates.len()).max(MIN_CLEANUP), Ordering::Relaxed);
        }
    }
}

/// The clock of the runtime, which tests may pause.
#[derive(Clone, Copy, Debug)]
struct RuntimeClock {
    start: Instant,
}

impl Clock for RuntimeClock {
    type Instant = RuntimeInstant;

    fn now(&self) -> RuntimeInstant {
        RuntimeInstant(self.start.elapsed().into())
    }
}

/// The time since the start of the clock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct RuntimeInstant(Nanos);

impl Reference for RuntimeInstant {
    fn duration_since(&self, earlier: Self) -> Nanos {
        self.0.saturating_sub(earlier.0)
    }

    fn saturating_sub(&self, duration: Nanos) -> Self {
        Self(self.0.saturating_sub(duration))
    }
}

impl Add<Nanos> for RuntimeInstant {
    type Output = Self;

    fn add(self, other: Nanos) -> Self {
        Self(self.0 + other)
    }
}

impl<K: Hash + Eq + Clone> Clone for Rate<K> {
    fn clone(&self) -> Self {
        Self { limiter: Arc::clone(&self.limiter), key: Arc::clone(&self.key) }
    }
}

impl<K: Hash + Eq + Clone> fmt::Debug for Rate<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rate").field("keys", &self.limiter.rates.len()).finish_non_exhaustive()
    }
}
