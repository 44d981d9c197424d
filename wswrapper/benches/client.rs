//! Measures a client with 1, 64 and 1,000 calls in flight on one connection. The transport answers at once.

mod compare;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::task::JoinSet;
use wswrapper::Client;
use wswrapper_tests::load::echo_transport::EchoTransport;
use wswrapper_tests::load::service::WorkloadProxy;
use wswrapper_tests::load::{baseline, runtime};

const TEXT: &str = "a text of some thirty-two bytes.";

fn main() {
    let mut criterion = compare::criterion();
    let runtime = runtime();
    let guard = runtime.enter();
    let workload =
        WorkloadProxy::new(&Client::connect_transport(EchoTransport::default()).expect("there is nothing to mount"));
    let client = baseline::Client::connect_transport(EchoTransport::default());
    drop(guard);
    for in_flight in [1, 64, 1_000] {
        let ours = |times| {
            let workload = workload.clone();
            runtime.block_on(calls(in_flight, times, move || {
                let call = workload.echo(TEXT);
                async move { assert_eq!(call.await.expect("an answer").len(), TEXT.len()) }
            }));
        };
        let baseline = |times| {
            let client = client.clone();
            runtime.block_on(calls(in_flight, times, move || {
                let client = client.clone();
                async move { assert_eq!(client.call::<String>(("echo", TEXT)).await.len(), TEXT.len()) }
            }));
        };
        compare::with_baseline(&mut criterion, &format!("client/{in_flight} in flight"), ours, baseline);
    }
    criterion.final_summary();
}

/// Makes `times` calls in total, `in_flight` of them at a time.
async fn calls<F, Fut>(in_flight: usize, times: u64, call: F)
where
    F: Fn() -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + Send,
{
    let left = Arc::new(AtomicU64::new(times));
    let mut callers = JoinSet::new();
    for _ in 0..in_flight {
        let (left, call) = (Arc::clone(&left), call.clone());
        callers.spawn(async move {
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                call().await;
            }
        });
    }
    callers.join_all().await;
}
