//! A call through a proxy and its answer, over a connection in memory: both ends, one call at a time.

mod compare;
mod support;

use support::service::{DeskProxy, server};
use support::{baseline, runtime};
use wswrapper::Client;
use wswrapper::transport::memory;

fn main() {
    let mut criterion = compare::criterion();
    let runtime = runtime();
    let inside = runtime.enter();

    let server = server();
    let (near, far) = memory::pair();
    server.accept_transport(far).expect("it is open");
    let desk = DeskProxy::new(&Client::over(near).expect("it has no services"));

    let (near, far) = memory::pair();
    tokio::spawn(baseline::serve(far));
    let client = baseline::Client::over(near);
    drop(inside);

    let ours = async |times| {
        for _ in 0..times {
            assert_eq!(desk.add(17, 25).await.expect("an answer"), 42);
        }
    };
    let by_hand = async |times| {
        for _ in 0..times {
            assert_eq!(client.call::<i64>(("add", 17, 25)).await, 42);
        }
    };
    let run = |times| runtime.block_on(ours(times));
    compare::beside(&mut criterion, "round trip/add", run, |times| runtime.block_on(by_hand(times)));

    for (name, length) in [("round trip/echo 32 B", 32), ("round trip/echo 4 KiB", 4_096)] {
        let text = "x".repeat(length);
        let ours = async |times| {
            for _ in 0..times {
                assert_eq!(desk.echo(&text).await.expect("an answer").len(), length);
            }
        };
        let by_hand = async |times| {
            for _ in 0..times {
                assert_eq!(client.call::<String>(("echo", &text)).await.len(), length);
            }
        };
        let run = |times| runtime.block_on(ours(times));
        compare::beside(&mut criterion, name, run, |times| runtime.block_on(by_hand(times)));
    }
    criterion.final_summary();
}
