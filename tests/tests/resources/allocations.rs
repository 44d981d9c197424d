//! Allocations of calls, compared with a hand-written baseline, allocations of broadcasts, and the memory of streams.
//! Frames come from a transport that allocates nothing.

use crate::{memory, one_at_a_time};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use wswrapper::server::ServerBuilder;
use wswrapper::service::layer::{GuardCall, LayerCall, Next};
use wswrapper::transport;
use wswrapper::{Client, Server, Stream, ws_handlers, ws_service};
use wswrapper_tests::load::service::{call, echo, order, server, with_handlers};
use wswrapper_tests::load::wire::{Tally, wire};
use wswrapper_tests::load::{Served, baseline, runtime};

/// Number of measured calls. The same number of unmeasured calls before them lets the buffers grow.
const CALLS: u64 = 2_048;

/// Allocations of all measured calls in steady state, in the library and in the baseline.
struct Allocated {
    library: u64,
    baseline: u64,
}

impl Allocated {
    fn by(name: &str, call: &Bytes) -> Self {
        let library = Served::by(|wire| {
            let server = server();
            server.accept_transport(wire).expect("the server is open");
            server
        });
        let baseline = Served::by(|wire| tokio::spawn(baseline::serve(wire)));
        assert_eq!(library.ask(call), baseline.ask(call));
        let allocated =
            Self { library: steady_allocations(&library, call), baseline: steady_allocations(&baseline, call) };
        println!("{name}: {}, baseline {}", per_call(allocated.library), per_call(allocated.baseline));
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
fn a_guard_allocates_nothing_and_a_layer_its_future_and_the_state_of_the_call() {
    let _alone = one_at_a_time();
    let allocations = |builder: fn() -> ServerBuilder, call: &Bytes| {
        let served = Served::by(|wire| {
            let server = with_handlers(builder());
            server.accept_transport(wire).expect("the server is open");
            server
        });
        steady_allocations(&served, call)
    };
    let guarded =
        || Server::builder().guard(|call: &GuardCall<'_>| if call.event() == "x" { Err("no") } else { Ok(()) });
    let layered = || Server::builder().layer(|call: LayerCall, next: Next| next.run(call));
    let (plain, future) = (call(("add_now", 17, 25)), call(("add", 17, 25)));
    assert_eq!(allocations(guarded, &plain), 0);
    assert!(allocations(guarded, &future) <= CALLS);
    let of_layer = allocations(layered, &plain);
    println!("add, plain fn, behind a layer: {}", per_call(of_layer));
    assert!(of_layer <= 2 * CALLS);
    assert!(allocations(layered, &future) <= 3 * CALLS);
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
    // The future, the rejection, its message, and the property `code`: a map with one entry, its name and its value.
    assert!(Allocated::by("rejection", &call(("divide", 1, 0))).library <= 6 * CALLS);
}

#[ws_service]
trait News {
    #[ws(event)]
    async fn flash(&self, text: String);
}

/// Returns the allocations of a broadcast to `peers` peers in steady state, until all frames have been written.
fn broadcast(peers: usize) -> u64 {
    let (runtime, tally) = (runtime(), Tally::default());
    let _inside = runtime.enter();
    let server = Server::builder().build().expect("the server has no services");
    for _ in 0..peers {
        server.accept_transport(wire(&tally).1).expect("the server is open");
    }
    let news = NewsProxy::new(server.broadcast());
    let flash = async || {
        while server.broadcast().len() < peers {
            tokio::task::yield_now().await;
        }
        assert_eq!(news.flash("hello").await.expect("the event can be encoded").sent, peers);
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
    println!("idle stream: {bytes} bytes at both endpoints together");
    assert!(bytes < 1_024);
}

#[test]
fn a_stopped_consumer_limits_its_producer_to_the_window() {
    let _alone = one_at_a_time();
    // The first credit is 8 items. It has grown to the window once it was used four times.
    for (taken, ahead) in [(1, 7), (8 + 16 + 32 + 64, 64)] {
        let (produced, bytes) = memory::for_a_stopped_consumer(taken);
        println!("stopped consumer after {taken}: {produced} items, {bytes} bytes");
        assert_eq!(produced, taken + ahead);
        assert!(bytes < 64 * 1_024);
    }
}

#[test]
fn items_of_a_stream_allocate_only_their_frames() {
    let _alone = one_at_a_time();
    let allocated = memory::allocations_by_items(10_000);
    println!("10,000 items: {allocated}");
    // The transport allocates once for each frame. The rest is for credit, which is sent once for half a window.
    assert!(allocated < 15_000);
}

struct Library;

#[ws_handlers]
impl Library {
    /// Streams `count` pages of 8 KiB and does not finish.
    pub async fn pages(&self, count: usize) -> impl Stream<Item = String> + Send {
        stream::iter(vec![8 * 1_024; count]).map(|length| "x".repeat(length)).chain(stream::pending())
    }
}

#[test]
fn a_stream_frees_the_buffers_of_large_items_that_were_taken() {
    let _alone = one_at_a_time();
    let runtime = runtime();
    let _inside = runtime.enter();
    let server = Server::builder().service(Library).build().expect("the service can be mounted");
    // The transport has capacity for all pages at once.
    let (local, remote) = transport::memory::builder().capacity(1 << 20).pair();
    server.accept_transport(remote).expect("the server is open");
    let library = LibraryProxy::new(&Client::connect_transport(local).expect("the client has no services"));
    let mut all = Vec::new();
    let mut read = || {
        runtime.block_on(async {
            let mut pages = library.pages(64).await.expect("a stream");
            for _ in 0..64 {
                assert_eq!(pages.next().await.expect("a page").expect("a text").len(), 8 * 1_024);
            }
            assert!(pages.next().now_or_never().is_none(), "the stream waits for more items");
            all.push(pages);
        });
    };
    // Memory that is kept after the first stream belongs to the connection.
    read();
    let kept = allocation_counter::measure(read).bytes_current;
    println!("after 64 pages of 8 KiB: {kept} bytes");
    // At most two buffers of the largest size that is kept, for 512 KiB of items.
    assert!(kept < 32 * 1_024);
}
