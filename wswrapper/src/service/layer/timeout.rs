//! The layer that limits the time of calls.

use super::{Layer, LayerCall, Next, Reply};
use std::future::Future;
use std::time::Duration;

/// The layer that [`timeout`] returns.
#[derive(Clone, Debug)]
pub struct Timeout(Duration);

/// Returns a layer that limits the time of a call until its response; see [`LayerCall::shorten`].
pub fn timeout(time: Duration) -> Timeout {
    Timeout(time)
}

impl Layer for Timeout {
    fn call(&self, mut call: LayerCall, next: Next) -> impl Future<Output = Reply> + Send + 'static {
        call.shorten(self.0);
        next.run(call)
    }
}
