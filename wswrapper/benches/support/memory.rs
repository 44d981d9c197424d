//! Memory that streams hold. The benchmark `streams_memory` prints it; tests put bounds on it.

use crate::support::numbers::{Counter, NumbersProxy};
use crate::support::runtime;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio::runtime::Runtime;
use wswrapper::transport::memory;
use wswrapper::{Client, Server, Stream};

/// A server and its client on one thread.
struct Pair {
    runtime: Runtime,
    numbers: NumbersProxy,
    produced: Arc<AtomicUsize>,
    _server: Server,
}

impl Pair {
    fn new() -> Self {
        let runtime = runtime();
        let guard = runtime.enter();
        let counter = Counter::default();
        let produced = Arc::clone(&counter.produced);
        let server = Server::builder().service(counter).build().expect("the service can be mounted");
        let (local, remote) = memory::pair();
        server.accept_transport(remote).expect("the server is open");
        let client = Client::over(local).expect("there is nothing to mount");
        drop(guard);
        Self { runtime, numbers: NumbersProxy::new(&client), produced, _server: server }
    }
}

/// Returns the bytes that each of `streams` idle streams on one connection holds, both endpoints together. All streams
/// have started and none has an item.
pub(crate) fn bytes_per_idle_stream(streams: usize) -> usize {
    let Pair { runtime, numbers, .. } = &Pair::new();
    let mut all = Vec::with_capacity(streams);
    let allocated = allocation_counter::measure(|| {
        runtime.block_on(async {
            for _ in 0..streams {
                let mut stream = numbers.pending().await.expect("a stream");
                let is_pending = poll_fn(|cx| Poll::Ready(Pin::new(&mut stream).poll_next(cx).is_pending())).await;
                assert!(is_pending, "no item is sent");
                all.push(stream);
            }
            // An item of a later stream shows that the server has received the last start.
            numbers.count(1).await.expect("a stream").next().await;
        });
    });
    usize::try_from(allocated.bytes_current).expect("memory was allocated") / streams
}

/// Returns the number of items produced for a consumer that stops after the first item, and the bytes that they hold,
/// both endpoints together.
pub(crate) fn stopped_consumer() -> (usize, usize) {
    let Pair { runtime, numbers, produced, .. } = &Pair::new();
    let mut stopped = None;
    let allocated = allocation_counter::measure(|| {
        runtime.block_on(async {
            let mut items = numbers.count(1_000_000).await.expect("a stream");
            items.next().await.expect("the stream has items").expect("an item");
            tokio::time::sleep(Duration::from_millis(10)).await;
            stopped = Some(items);
        });
    });
    (produced.load(Ordering::Relaxed), usize::try_from(allocated.bytes_current).expect("memory was allocated"))
}

/// Returns the allocations of a stream of `items` items beyond those of a stream of one item, both endpoints together.
#[allow(dead_code, reason = "only the tests use it")]
pub(crate) fn allocations_of_items(items: u32) -> u64 {
    let Pair { runtime, numbers, .. } = &Pair::new();
    let count = |to: u32| {
        let run = || {
            runtime.block_on(async {
                let mut items = numbers.count(to).await.expect("a stream");
                while let Some(item) = items.next().await {
                    item.expect("an item");
                }
            });
        };
        run();
        allocation_counter::measure(run).count_total
    };
    count(items).saturating_sub(count(1))
}
