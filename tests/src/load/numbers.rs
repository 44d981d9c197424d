//! A service that sends numbers as a stream and as events.

use futures_util::stream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;
use wswrapper::{Context, Stream, Upload, ws_handlers, ws_service};

#[ws_service(channel = "numbers")]
pub trait Numbers {
    /// Streams the numbers from 1 to `to`.
    async fn count(&self, to: u32) -> impl Stream<Item = u32> + Send;
    /// Streams nothing and never finishes.
    async fn pending(&self) -> impl Stream<Item = u32> + Send;
    /// Returns the number of uploaded items.
    async fn length(&self, numbers: Upload<u32>) -> u32;
    /// Sends the numbers from 1 to `to` to the caller, as events.
    async fn emit(&self, ctx: Context, to: u32);
}

#[ws_service(channel = "numbers")]
pub trait Listener {
    #[ws(event)]
    fn heard(&self, number: u32);
}

#[derive(Default)]
pub struct Counter {
    /// Number of items that streams have produced.
    pub produced: Arc<AtomicUsize>,
}

#[ws_handlers]
impl Numbers for Counter {
    async fn count(&self, to: u32) -> impl Stream<Item = u32> + Send {
        stream::iter((1..=to).inspect(|_| {
            self.produced.fetch_add(1, Ordering::Relaxed);
        }))
    }

    async fn pending(&self) -> impl Stream<Item = u32> + Send {
        stream::pending()
    }

    async fn length(&self, mut numbers: Upload<u32>) -> u32 {
        let mut length = 0;
        while let Some(Ok(_)) = numbers.next().await {
            length += 1;
        }
        length
    }

    async fn emit(&self, ctx: Context, to: u32) {
        let listener = ListenerProxy::new(ctx.peer());
        for number in 1..=to {
            listener.heard(number).await.expect("the listener is connected");
        }
    }
}

/// Counts the events that it receives.
#[derive(Clone, Default)]
pub struct CountingListener(Arc<Received>);

#[derive(Default)]
struct Received {
    count: AtomicUsize,
    awaited: AtomicUsize,
    notify: Notify,
}

#[ws_handlers]
impl Listener for CountingListener {
    fn heard(&self, _number: u32) {
        let count = self.0.count.fetch_add(1, Ordering::Relaxed) + 1;
        if count == self.0.awaited.load(Ordering::Relaxed) {
            self.0.notify.notify_one();
        }
    }
}

impl CountingListener {
    /// Runs `start`, then waits until `more` events have been received since before it ran.
    pub async fn receives(&self, more: usize, start: impl Future<Output = ()>) {
        let awaited = self.0.count.load(Ordering::Relaxed) + more;
        self.0.awaited.store(awaited, Ordering::Relaxed);
        start.await;
        while self.0.count.load(Ordering::Relaxed) < awaited {
            self.0.notify.notified().await;
        }
    }
}
