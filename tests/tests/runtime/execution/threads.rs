//! The number of threads that the blocking handlers of one connection occupy.

use super::Worker;
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;
use wswrapper::transport::memory;
use wswrapper::{Limits, connection::Counters};
use wswrapper_tests::{RawPeer, until};

#[tokio::test]
async fn a_flood_of_blocking_calls_leaves_threads_to_other_connections() {
    let worker = Worker::default();
    let server = worker.server().build().expect("it can be mounted");
    let (mut greedy, greedy_peer) = RawPeer::dial(&server);
    for id in 1..=8_000 {
        greedy.send(&json!({"a": ["block"], "i": id}).to_string()).await;
    }
    until(|| greedy_peer.counters().handlers_in_flight == 8_000).await;
    until(|| worker.running.count() == 32).await;
    assert_eq!(greedy_peer.counters().blocked_threads, 32);
    let (mut other, other_peer) = RawPeer::dial(&server);
    let answer = timeout(Duration::from_secs(5), other.ask(r#"{"a":["nothing_blocking"],"i":1}"#)).await;
    assert_eq!(answer.expect("a thread is free"), json!({"i": 1}));
    // The connection itself is served, too.
    assert!(greedy.ask(r#"{"a":["here"],"i":9000}"#).await["d"].is_string());
    until(|| other_peer.counters() == Counters::default()).await;
    assert_eq!(worker.running.count(), 32);
    drop(greedy);
    greedy_peer.closed().await;
    worker.gate.open();
    worker.running.becomes(0).await;
    until(|| greedy_peer.counters() == Counters::default()).await;
    let log = worker.log.entries();
    assert_eq!(log.iter().filter(|entry| entry.starts_with("opened: true")).count(), 32, "the others never started");
}

#[tokio::test]
async fn blocking_handlers_that_wait_for_a_thread_start_in_the_order_of_their_calls() {
    for max_blocking_handlers in [0, 1] {
        let worker = Worker::default();
        let limits = Limits::default().max_blocking_handlers(max_blocking_handlers);
        let server = worker.server().limits(limits).build().expect("it can be mounted");
        let (local, remote) = memory::builder().capacity(1_000_000).pair();
        let (mut raw, peer) = (RawPeer::on(local), server.accept_transport(remote).expect("the server is open"));
        raw.send(r#"{"a":["block"],"i":1}"#).await;
        worker.started.next().await;
        // Sent together, so that many arrive in one turn of the connection.
        for n in 0..1_000 {
            raw.write(&json!({"a": ["note_blocking", n.to_string()]}).to_string());
        }
        raw.send(r#"{"i":1000}"#).await;
        until(|| peer.counters().handlers_in_flight == 1_001).await;
        assert_eq!(peer.counters().blocked_threads, 1);
        worker.gate.open();
        let log = worker.log.has(1_001).await;
        for (n, entry) in log[1..].iter().enumerate() {
            assert!(entry.starts_with(&format!("{n} ")), "{entry}: number {n}");
        }
        until(|| peer.counters() == Counters::default()).await;
    }
}

#[tokio::test]
async fn a_blocking_call_that_is_cancelled_while_it_waits_for_a_thread_never_runs() {
    let worker = Worker::default();
    let limits = Limits::default().max_blocking_handlers(1);
    let server = worker.server().limits(limits).build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    for id in 1..=3 {
        raw.send(&json!({"a": ["block"], "i": id}).to_string()).await;
    }
    worker.started.next().await;
    until(|| peer.counters().handlers_in_flight == 3).await;
    raw.send(r#"{"i":2,"x":{"message":"enough"},"_":1}"#).await;
    until(|| peer.counters().handlers_in_flight == 2).await;
    worker.gate.open();
    // Both threads return at about the same time.
    let mut answered = [raw.receive().await["i"].as_u64(), raw.receive().await["i"].as_u64()];
    answered.sort_unstable();
    assert_eq!(answered, [Some(1), Some(3)]);
    raw.silence().await;
    assert_eq!(worker.log.entries().len(), 2);
}

#[tokio::test]
async fn calls_that_wait_for_a_thread_count_towards_the_held_bytes() {
    let worker = Worker::default();
    let limits = Limits::default().max_blocking_handlers(1).max_held_bytes(100_000);
    let server = worker.server().limits(limits).build().expect("it can be mounted");
    let (local, remote) = memory::builder().capacity(1_000_000).pair();
    let (mut raw, peer) = (RawPeer::on(local), server.accept_transport(remote).expect("the server is open"));
    raw.send(r#"{"a":["block"],"i":1}"#).await;
    worker.started.next().await;
    let text = "x".repeat(10_000);
    for _ in 0..30 {
        raw.send(&json!({"a": ["note_blocking", text]}).to_string()).await;
    }
    raw.send(r#"{"a":["here"],"i":2}"#).await;
    raw.silence().await;
    // One runs and ten wait for a thread; the others are held back before they are decoded.
    assert_eq!(peer.counters().handlers_in_flight, 11);
    worker.gate.open();
    assert_eq!(raw.receive().await, json!({"i": 1, "d": ""}));
    assert_eq!(raw.receive().await["i"], 2);
    assert_eq!(worker.log.has(31).await.len(), 31);
}
