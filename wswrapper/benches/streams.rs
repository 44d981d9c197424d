//! Compares a stream and an upload of small items with a loop of `emit` that sends the same items. Sender and receiver
//! are both measured.

mod compare;

use futures_util::stream;
use tokio::runtime::{Builder, Runtime};
use wswrapper::transport::memory;
use wswrapper::{Client, Server};
use wswrapper_tests::load::numbers::{Counter, CountingListener, NumbersProxy};
use wswrapper_tests::load::runtime;

fn main() {
    let mut criterion = compare::criterion();
    let runtime = runtime();
    in_memory(&mut criterion, &runtime);
    let runtime = Builder::new_current_thread().enable_all().build().expect("the runtime can be built");
    over_tcp(&mut criterion, &runtime);
    criterion.final_summary();
}

fn in_memory(criterion: &mut criterion::Criterion, runtime: &Runtime) {
    let guard = runtime.enter();
    let (local, remote) = memory::pair();
    let server = Server::builder().service(Counter::default()).build().expect("the service can be mounted");
    server.accept_transport(remote).expect("the server is open");
    let counter = CountingListener::default();
    let client =
        Client::builder().service(counter.clone()).connect_transport(local).expect("the service can be mounted");
    drop(guard);
    items(criterion, runtime, "in memory", &client, &counter);
}

fn over_tcp(criterion: &mut criterion::Criterion, runtime: &Runtime) {
    let counter = CountingListener::default();
    let client = runtime.block_on(async {
        let server = Server::builder().service(Counter::default());
        let listener = server.bind("127.0.0.1:0").await.expect("there is a free port");
        let url = format!("ws://{}", listener.local_addr());
        tokio::spawn(listener.serve());
        Client::builder().service(counter.clone()).connect(&url).await.expect("the server is there")
    });
    items(criterion, runtime, "over TCP", &client, &counter);
}

fn items(
    criterion: &mut criterion::Criterion,
    runtime: &Runtime,
    transport: &str,
    client: &Client,
    listener: &CountingListener,
) {
    let numbers = NumbersProxy::new(client);
    let by_emit = |times: u64| {
        let times = u32::try_from(times).expect("criterion runs fewer iterations");
        let start = async { numbers.emit(times).await.expect("an answer") };
        runtime.block_on(listener.receives(times as usize, start));
    };
    for window in [64, 1_024] {
        let by_stream = |times: u64| {
            let times = u32::try_from(times).expect("criterion runs fewer iterations");
            runtime.block_on(async {
                let mut items = numbers.count(times).await.expect("a stream").window(window);
                let mut last = 0;
                while let Some(item) = items.next().await {
                    last = item.expect("an item");
                }
                assert_eq!(last, times);
            });
        };
        let name = format!("stream {transport}/window {window}");
        compare::pair(criterion, &name, ("stream", by_stream), ("emit", by_emit));
    }
    let by_upload = |times: u64| {
        let times = u32::try_from(times).expect("criterion runs fewer iterations");
        let length = runtime.block_on(async { numbers.length(stream::iter(1..=times)).await });
        assert_eq!(length.expect("an answer"), times);
    };
    compare::pair(criterion, &format!("upload {transport}"), ("upload", by_upload), ("emit", by_emit));
}
