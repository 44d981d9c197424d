//! A stream of small items, and an upload of them, beside a loop of `emit` that sends the same; both ends included.

mod compare;
mod support;

use futures_util::stream;
use support::numbers::{Counter, Ear, NumbersProxy};
use support::runtime;
use tokio::runtime::{Builder, Runtime};
use wswrapper::transport::memory;
use wswrapper::{Client, Server};

fn main() {
    let mut criterion = compare::criterion();
    let runtime = runtime();
    in_memory(&mut criterion, &runtime);
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime needs nothing");
    over_tcp(&mut criterion, &runtime);
    criterion.final_summary();
}

fn in_memory(criterion: &mut criterion::Criterion, runtime: &Runtime) {
    let inside = runtime.enter();
    let (near, far) = memory::pair();
    let server = Server::builder().service(Counter::default()).build().expect("it can be mounted");
    server.accept_transport(far).expect("it is open");
    let ear = Ear::default();
    let client = Client::builder().service(ear.clone()).over(near).expect("it can be mounted");
    drop(inside);
    items(criterion, runtime, "in memory", &client, &ear);
}

fn over_tcp(criterion: &mut criterion::Criterion, runtime: &Runtime) {
    let ear = Ear::default();
    let client = runtime.block_on(async {
        let server = Server::builder().service(Counter::default());
        let listening = server.bind("127.0.0.1:0").await.expect("there is a free port");
        let url = format!("ws://{}", listening.local_addr());
        tokio::spawn(listening.serve());
        Client::builder().service(ear.clone()).connect(&url).await.expect("the server is there")
    });
    items(criterion, runtime, "over TCP", &client, &ear);
}

fn items(criterion: &mut criterion::Criterion, runtime: &Runtime, how: &str, client: &Client, ear: &Ear) {
    let numbers = NumbersProxy::new(client);
    let by_emit = |times: u64| {
        let times = u32::try_from(times).expect("it is not that many");
        let begin = async { numbers.emit(times).await.expect("an answer") };
        runtime.block_on(ear.hears(times as usize, begin));
    };
    for window in [64, 1_024] {
        let by_stream = |times: u64| {
            let times = u32::try_from(times).expect("it is not that many");
            runtime.block_on(async {
                let mut items = numbers.count(times).await.expect("a stream").window(window);
                let mut last = 0;
                while let Some(item) = items.next().await {
                    last = item.expect("an item");
                }
                assert_eq!(last, times);
            });
        };
        let name = format!("stream {how}/window {window}");
        compare::compare(criterion, &name, ("stream", by_stream), ("emit", by_emit));
    }
    let by_upload = |times: u64| {
        let times = u32::try_from(times).expect("it is not that many");
        let number = runtime.block_on(async { numbers.number(stream::iter(1..=times)).await });
        assert_eq!(number.expect("an answer"), times);
    };
    compare::compare(criterion, &format!("upload {how}"), ("upload", by_upload), ("emit", by_emit));
}
