//! Numbers as a stream.

use futures_util::stream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use wswrapper::{Stream, ws_handlers, ws_service};

/// Streams of numbers.
#[ws_service(channel = "numbers")]
pub trait Numbers {
    /// Returns 1 to `to`.
    async fn count(&self, to: u32) -> impl Stream<Item = u32> + Send;
    /// Returns a stream that has no item and does not finish.
    async fn silence(&self) -> impl Stream<Item = u32> + Send;
}

/// Handlers of [`Numbers`].
#[derive(Debug, Default)]
pub struct Counter {
    /// The number of items that were taken out of all streams.
    pub produced: Arc<AtomicUsize>,
}

#[ws_handlers]
impl Numbers for Counter {
    async fn count(&self, to: u32) -> impl Stream<Item = u32> + Send {
        stream::iter((1..=to).inspect(|_| {
            self.produced.fetch_add(1, Ordering::Relaxed);
        }))
    }

    async fn silence(&self) -> impl Stream<Item = u32> + Send {
        stream::pending()
    }
}
