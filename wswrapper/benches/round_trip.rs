//! Measures a call through a proxy and its response over a connection in memory, one call at a time.

mod compare;

use wswrapper::Client;
use wswrapper::transport::memory;
use wswrapper_tests::load::service::{WorkloadProxy, server};
use wswrapper_tests::load::{baseline, runtime};

fn main() {
    let mut criterion = compare::criterion();
    let runtime = runtime();
    let guard = runtime.enter();

    let server = server();
    let (local, remote) = memory::pair();
    server.accept_transport(remote).expect("the server is open");
    let workload = WorkloadProxy::new(&Client::connect_transport(local).expect("there is nothing to mount"));

    let (local, remote) = memory::pair();
    tokio::spawn(baseline::serve(remote));
    let client = baseline::Client::connect_transport(local);
    drop(guard);

    let ours = async |times| {
        for _ in 0..times {
            assert_eq!(workload.add(17, 25).await.expect("an answer"), 42);
        }
    };
    let baseline = async |times| {
        for _ in 0..times {
            assert_eq!(client.call::<i64>(("add", 17, 25)).await, 42);
        }
    };
    let run = |times| runtime.block_on(ours(times));
    compare::with_baseline(&mut criterion, "round trip/add", run, |times| runtime.block_on(baseline(times)));

    for (name, length) in [("round trip/echo 32 B", 32), ("round trip/echo 4 KiB", 4_096)] {
        let text = "x".repeat(length);
        let ours = async |times| {
            for _ in 0..times {
                assert_eq!(workload.echo(&text).await.expect("an answer").len(), length);
            }
        };
        let baseline = async |times| {
            for _ in 0..times {
                assert_eq!(client.call::<String>(("echo", &text)).await.len(), length);
            }
        };
        let run = |times| runtime.block_on(ours(times));
        compare::with_baseline(&mut criterion, name, run, |times| runtime.block_on(baseline(times)));
    }
    criterion.final_summary();
}
