//! The layer that limits the calls at the same time.

use super::{Layer, LayerCall, Next, Reply};
use crate::proto::{Rejection, code};
use std::future::Future;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The layer that [`concurrency`] returns.
#[derive(Clone, Debug)]
pub struct Concurrency {
    running: Arc<Semaphore>,
    waits: bool,
}

/// Returns a layer that lets at most `calls` calls run at the same time, of all connections together. A further one waits
/// for its turn, in the order of arrival.
///
/// Clones share their places, so a call that passes two of them needs two. One that meets the same limit twice may wait for
/// itself.
///
/// A stream and a scoped service count until they are open. An upload counts until its channel is open.
///
/// # Panics
///
/// If `calls` is 0.
pub fn concurrency(calls: usize) -> Concurrency {
    assert!(calls > 0, "no call could run");
    Concurrency { running: Arc::new(Semaphore::new(calls.min(Semaphore::MAX_PERMITS))), waits: true }
}

impl Concurrency {
    /// Rejects a further call with the code `ws:TooMany`, instead of letting it wait.
    #[must_use]
    pub fn or_reject(mut self) -> Self {
        self.waits = false;
        self
    }
}

impl Layer for Concurrency {
    fn call(&self, call: LayerCall, next: Next) -> impl Future<Output = Reply> + Send + 'static {
        let Self { running, waits } = self.clone();
        async move {
            let permit = if waits { running.acquire_owned().await.ok() } else { running.try_acquire_owned().ok() };
            if permit.is_none() {
                return Reply::reject(Rejection::new("too many calls run already").with_code(code::TOO_MANY));
            }
            next.run(call).await
        }
    }
}
