//! The memory after calls on channels whose names the peer makes up.

use crate::one_at_a_time;
use bytes::Bytes;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::ops::Range;
use std::time::Instant;
use wswrapper::observe::Metrics;
use wswrapper::service::layer::GuardCall;
use wswrapper::{Server, ws_handlers};
use wswrapper_tests::load::runtime;
use wswrapper_tests::load::wire::{Feeder, Tally, wire};

/// Number of measured calls.
const CALLS: u64 = 1_000_000;
/// Calls that are fed at once.
const BATCH: usize = 128;

struct Docs;

#[ws_handlers(channel = "doc/{id}")]
impl Docs {
    pub fn read(&self, id: u64) -> u64 {
        id
    }
}

struct Desk;

#[ws_handlers(channel = "desk")]
impl Desk {
    pub fn now(&self) {}
}

/// Returns a call that is rejected: of a channel that nobody serves, of one without a valid value, or of one that the peer
/// may not enter.
fn rejected(n: u64) -> Bytes {
    let channel = match n % 4 {
        0 => format!("nowhere/{n}"),
        1 => format!("doc/x{n}"),
        2 => format!("doc/{n}/{n}"),
        _ => format!("doc/{n}"),
    };
    format!(r#"{{"c":"{channel}","i":{},"a":["read"]}}"#, n + 1).into()
}

async fn serve(feeder: &Feeder, tally: &Tally, metrics: &PrometheusHandle, calls: Range<u64>) {
    let mut calls = calls.map(rejected).peekable();
    while calls.peek().is_some() {
        let batch: Vec<_> = calls.by_ref().take(BATCH).collect();
        let responses = tally.texts() + batch.len();
        feeder.feed(batch);
        tally.reaches(responses).await;
        // The recorder keeps each time that it was told until then.
        metrics.run_upkeep();
    }
}

#[test]
fn calls_on_a_million_unknown_channels_leave_nothing() {
    let _alone = one_at_a_time();
    let (runtime, tally) = (runtime(), Tally::default());
    let recorder = PrometheusBuilder::new().set_buckets(&[0.001]).expect("there is a bucket").build_recorder();
    let metrics = recorder.handle();
    let inside = runtime.enter();
    let server = Server::builder()
        .service(Docs)
        .service(Desk)
        .guard_on("doc/{id}", |call: &GuardCall<'_>| if call.event() == "x" { Err("no") } else { Ok(()) })
        .on_enter("doc/{id}", |_| async { Err("no") })
        .on_leave("doc/{id}", |_| async {})
        .metrics(Metrics::to_recorder(recorder))
        .build()
        .expect("the services can be mounted");
    let (feeder, wire) = wire(&tally);
    let peer = server.accept_transport(wire).expect("the server is open");
    drop(inside);
    // Buffers grow, and counters are registered.
    runtime.block_on(serve(&feeder, &tally, &metrics, 0..10_000));
    assert!(tally.last().contains("\"no\""), "{}", tally.last());
    let began = Instant::now();
    let kept = allocation_counter::measure(|| {
        runtime.block_on(serve(&feeder, &tally, &metrics, 10_000..10_000 + CALLS));
    });
    println!("{CALLS} calls in {:?}: {} bytes more", began.elapsed(), kept.bytes_current);
    assert!(kept.bytes_current <= 0, "{} bytes", kept.bytes_current);
    assert_eq!(peer.counters(), wswrapper::connection::Counters::default());
}
