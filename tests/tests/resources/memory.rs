//! Measurements of the memory that streams hold.
//!
//! This is no module of the library, because `allocation_counter` replaces the allocator of each program that links it.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio::runtime::Runtime;
use wswrapper::transport::memory;
use wswrapper::{Client, Server, Stream};
use wswrapper_tests::load::numbers::{Counter, NumbersProxy};
use wswrapper_tests::load::runtime;

/// A server and a client on one thread.
struct Pair {
    runtime: Runtime,
    numbers: NumbersProxy,
    produced: Arc<AtomicUsize>,
    _server: Server,
}

impl Pair {
    fn new() -> Self {
        let runtime = runtime();
        let inside = runtime.enter();
        let counter = Counter::default();
        let produced = Arc::clone(&counter.produced);
        let server = Server::builder().service(counter).build().expect("the service can be mounted");
        let (local, remote) = memory::pair();
        server.accept_transport(remote).expect("the server is open");
        let client = Client::connect_transport(local).expect("the client has no services");
        drop(inside);
        Self { runtime, numbers: NumbersProxy::new(&client), produced, _server: server }
    }
}

/// Returns the bytes that each of `streams` streams on one connection holds on both sides together. All have started
/// and none has an item.
pub(crate) fn by_idle_streams(streams: usize) -> usize {
    let Pair { runtime, numbers, .. } = &Pair::new();
    let mut all = Vec::with_capacity(streams);
    let kept = allocation_counter::measure(|| {
        runtime.block_on(async {
            for _ in 0..streams {
                let mut stream = numbers.pending().await.expect("a stream");
                let waits = poll_fn(|cx| Poll::Ready(Pin::new(&mut stream).poll_next(cx).is_pending())).await;
                assert!(waits, "the stream has no item");
                all.push(stream);
            }
            // An item that follows the last start shows that the start arrived.
            numbers.count(1).await.expect("a stream").next().await;
        });
    });
    usize::try_from(kept.bytes_current).expect("the streams hold memory") / streams
}

/// Returns the number of items that were produced for a consumer that stops after `taken` items, and the bytes that
/// they hold on both sides together.
pub(crate) fn for_a_stopped_consumer(taken: usize) -> (usize, usize) {
    let Pair { runtime, numbers, produced, .. } = &Pair::new();
    let mut stopped = None;
    let kept = allocation_counter::measure(|| {
        runtime.block_on(async {
            let mut items = numbers.count(1_000_000).await.expect("a stream");
            for _ in 0..taken {
                items.next().await.expect("the stream has an item").expect("an item");
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            stopped = Some(items);
        });
    });
    (produced.load(Ordering::Relaxed), usize::try_from(kept.bytes_current).expect("the streams hold memory"))
}

/// Returns the allocations of a stream of `items` items on both sides together, beyond those of a stream of one item.
pub(crate) fn allocations_by_items(items: u32) -> u64 {
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
