//! Allocations of calls, compared with the same by hand, and of broadcasts, and the memory that streams hold. Frames
//! come from a transport that allocates nothing.

use crate::{memory, one_at_a_time};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use wswrapper::transport;
use wswrapper::{Client, Server, Stream, ws_handlers, ws_service};
use wswrapper_tests::load::service::{call, echo, order, server};
use wswrapper_tests::load::wire::{Tally, wire};
use wswrapper_tests::load::{Served, baseline, runtime};

/// As many calls as are counted; before them as many that are not, for buffers to grow.
const CALLS: u64 = 2_048;

/// What serving a call in steady state allocates: in all calls, here and by hand.
struct Allocated {
    library: u64,
    baseline: u64,
}

impl Allocated {
    fn by(name: &str, call: &Bytes) -> Self {
        let library = Served::by(|wire| {
            let server = server();
            server.accept_transport(wire).expect("it is open");
            server
        });
        let baseline = Served::by(|wire| tokio::spawn(baseline::serve(wire)));
        assert_eq!(library.ask(call), baseline.ask(call));
        let allocated =
            Self { library: steady_allocations(&library, call), baseline: steady_allocations(&baseline, call) };
        println!("{name}: {}, by hand {}", per_call(allocated.library), per_call(allocated.baseline));
        allocated
    }
}

fn steady_allocations<S>(served: &Served<S>, call: &Bytes) -> u64 {
    served.serve(call, CALLS);
    allocation_counter::measure(|| served.serve(call, CALLS)).count_total
}

fn per_call(allocations: u64) -> String {
    format!("{}.{:03}", allocations / CALLS, allocations % CALLS * 1_000 / CALLS)
}

#[test]
fn a_call_of_an_async_handler_allocates_its_future() {
    let _alone = one_at_a_time();
    let allocated = Allocated::by("add", &call(("add", 17, 25)));
    assert!(allocated.library <= CALLS);
    assert!(allocated.library <= allocated.baseline);
}

#[test]
fn a_call_of_a_plain_handler_allocates_nothing() {
    let _alone = one_at_a_time();
    assert_eq!(Allocated::by("add, plain fn", &call(("add_now", 17, 25))).library, 0);
}

#[test]
fn a_text_argument_is_allocated_once_in_addition_to_the_future() {
    let _alone = one_at_a_time();
    for length in [32, 4_096] {
        let allocated = Allocated::by(&format!("echo of {length} bytes"), &echo(length));
        assert!(allocated.library <= 2 * CALLS);
    }
}

#[test]
fn a_struct_argument_allocates_no_more_than_the_baseline() {
    let _alone = one_at_a_time();
    let allocated = Allocated::by("struct of 1 KiB", &call(("confirm", order())));
    assert!(allocated.library <= allocated.baseline);
}

#[test]
fn a_rejection_allocates_at_most_six_times() {
    let _alone = one_at_a_time();
    // The future, the rejection, its message, and the code as a property: a map of one entry, its name, its value.
    assert!(Allocated::by("rejection", &call(("divide", 1, 0))).library <= 6 * CALLS);
}

#[ws_service]
trait News {
    #[ws(event)]
    async fn flash(&self, text: String);
}

/// What a broadcast to so many allocates until all have been written to, in steady state.
fn broadcast(peers: usize) -> u64 {
    let (runtime, tally) = (runtime(), Tally::default());
    let _inside = runtime.enter();
    let server = Server::builder().build().expect("there is nothing to mount");
    for _ in 0..peers {
        server.accept_transport(wire(&tally).1).expect("it is open");
    }
    let news = NewsProxy::new(server.broadcast());
    let flash = async || {
        while server.broadcast().peers() < peers {
            tokio::task::yield_now().await;
        }
        assert_eq!(news.flash("hello").await.expect("it can be encoded").sent, peers);
        tally.reaches(tally.texts() + peers).await;
    };
    for _ in 0..3 {
        runtime.block_on(flash());
    }
    let allocated = allocation_counter::measure(|| runtime.block_on(flash())).count_total;
    println!("broadcast to {peers}: {allocated}");
    allocated
}

#[test]
fn a_broadcast_allocates_as_much_for_a_thousand_peers_as_for_one() {
    let _alone = one_at_a_time();
    assert_eq!(broadcast(1_000), broadcast(1));
}

#[test]
fn ten_thousand_idle_streams_hold_less_than_a_kibibyte_each() {
    let _alone = one_at_a_time();
    let bytes = memory::by_idle_streams(10_000);
    println!("idle stream: {bytes} bytes at both ends together");
    assert!(bytes < 1_024);
}

#[test]
fn a_stopped_consumer_limits_its_producer_to_the_window() {
    let _alone = one_at_a_time();
    let (produced, bytes) = memory::for_a_stopped_consumer();
    println!("stopped consumer: {produced} items, {bytes} bytes");
    assert_eq!(produced, 64);
    assert!(bytes < 64 * 1_024);
}

#[test]
fn items_of_a_stream_allocate_only_their_frames() {
    let _alone = one_at_a_time();
    let allocated = memory::allocations_by_items(10_000);
    println!("10,000 items: {allocated}");
    // One for each frame is the transport's own; the rest is credit, once in half a window.
    assert!(allocated < 15_000);
}

struct Library;

#[ws_handlers]
impl Library {
    /// So many pages of 8 KiB, and no end.
    async fn pages(&self, count: usize) -> impl Stream<Item = String> + Send {
        stream::iter(vec![8 * 1_024; count]).map(|length| "x".repeat(length)).chain(stream::pending())
    }
}

#[test]
fn a_stream_frees_the_buffers_of_large_items_that_were_taken() {
    let _alone = one_at_a_time();
    let runtime = runtime();
    let _inside = runtime.enter();
    let server = Server::builder().service(Library).build().expect("it can be mounted");
    // All pages arrive together.
    let (local, remote) = transport::memory::builder().capacity(1 << 20).pair();
    server.accept_transport(remote).expect("it is open");
    let library = LibraryProxy::new(&Client::over(local).expect("nothing to mount"));
    let mut all = Vec::new();
    let mut read = || {
        runtime.block_on(async {
            let mut pages = library.pages(64).await.expect("a stream");
            for _ in 0..64 {
                assert_eq!(pages.next().await.expect("a page").expect("a text").len(), 8 * 1_024);
            }
            assert!(pages.next().now_or_never().is_none(), "it waits for more");
            all.push(pages);
        });
    };
    // What is kept of a first one is the connection's.
    read();
    let kept = allocation_counter::measure(read).bytes_current;
    println!("after 64 pages of 8 KiB: {kept} bytes");
    // Of 512 KiB: two buffers, each as large as is worth keeping.
    assert!(kept < 32 * 1_024);
}
