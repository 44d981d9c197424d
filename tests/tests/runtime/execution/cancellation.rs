//! Handlers whose call was cancelled or whose connection was lost.

use super::Worker;
use serde_json::json;
use wswrapper::{CallError, Limits};
use wswrapper_tests::RawPeer;

#[tokio::test]
async fn a_cancelled_call_aborts_its_spawned_handler() {
    let (worker, _pair, work) = Worker::with_client();
    let waiting = tokio::spawn(work.wait());
    worker.started.next().await;
    let connection_task = work.here().await.expect("an answer");
    assert_eq!(worker.running.count(), 1);
    waiting.abort();
    worker.running.becomes(0).await;
    let log = worker.log.has(2).await;
    assert_ne!(log[0], connection_task);
    assert_eq!(log[1], "Request aborted");
}

#[tokio::test]
async fn a_cancelled_call_notifies_its_blocking_handler_and_discards_the_result() {
    let (worker, _server, mut raw) = Worker::with_raw_peer();
    raw.send(r#"{"a":["block"],"i":1}"#).await;
    worker.started.next().await;
    raw.send(r#"{"i":1,"x":{"message":"enough"},"_":1}"#).await;
    raw.ask(r#"{"a":["here"],"i":2}"#).await;
    assert_eq!(worker.running.count(), 1);
    worker.gate.open();
    worker.running.becomes(0).await;
    assert_eq!(worker.log.entries(), [r#"opened: true, cancelled: "enough""#]);
    raw.silence().await;
}

#[test]
fn a_cancelled_blocking_handler_that_has_not_started_never_runs() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().max_blocking_threads(1).build().expect("threads can be started");
    runtime.block_on(async {
        let (worker, _server, mut raw) = Worker::with_raw_peer();
        raw.send(r#"{"a":["block"],"i":1}"#).await;
        raw.send(r#"{"a":["block"],"i":2}"#).await;
        worker.started.next().await;
        raw.send(r#"{"i":2,"x":{"message":"enough"},"_":1}"#).await;
        raw.ask(r#"{"a":["here"],"i":3}"#).await;
        worker.gate.open();
        assert_eq!(raw.receive().await, json!({"i": 1, "d": ""}));
        assert_eq!(raw.ask(r#"{"a":["nothing_blocking"],"i":4}"#).await, json!({"i": 4}));
        assert_eq!(worker.log.entries()[0], r#"opened: true, cancelled: """#);
        assert_eq!(worker.log.entries().len(), 2);
    });
}

#[tokio::test]
async fn a_lost_connection_aborts_spawned_handlers_and_notifies_blocking_ones() {
    let worker = Worker::default();
    let server = worker.server().build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    raw.send(r#"{"a":["block"],"i":1}"#).await;
    raw.send(r#"{"a":["wait"],"i":2}"#).await;
    worker.started.next().await;
    worker.started.next().await;
    assert_eq!(worker.running.count(), 2);
    drop(raw);
    peer.closed().await;
    worker.running.becomes(1).await;
    assert_eq!(worker.log.has(2).await[1], "Connection closed");
    worker.gate.open();
    worker.running.becomes(0).await;
    assert_eq!(worker.log.entries()[2], r#"opened: true, cancelled: "Connection closed""#);
}

#[tokio::test]
async fn a_dropped_server_aborts_all_spawned_handlers() {
    let (worker, pair, work) = Worker::with_client();
    let calls: Vec<_> = (0..100).map(|_| tokio::spawn(work.wait())).collect();
    worker.running.becomes(100).await;
    let mut task_ids = worker.log.entries();
    task_ids.sort();
    task_ids.dedup();
    assert_eq!(task_ids.len(), 100);
    drop((pair.server, pair.peer));
    worker.running.becomes(0).await;
    for call in calls {
        assert!(matches!(call.await.expect("no panic"), Err(CallError::Closed(_))));
    }
}

#[tokio::test]
async fn cancelled_blocking_handlers_count_towards_the_limit_until_they_return() {
    let worker = Worker::default();
    let limits = Limits::default().max_blocking_handlers(3);
    let server = worker.server().limits(limits).build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    for id in 1..=3 {
        raw.send(&json!({"a": ["block"], "i": id}).to_string()).await;
        worker.started.next().await;
        raw.send(&json!({"i": id, "x": "changed my mind"}).to_string()).await;
    }
    // The cancelled handlers still run, so the next calls wait and are cancelled before they start.
    for id in 4..=100 {
        raw.send(&json!({"a": ["block"], "i": id}).to_string()).await;
        raw.send(&json!({"i": id, "x": "changed my mind"}).to_string()).await;
    }
    // Other handlers need no thread.
    assert_eq!(raw.ask(r#"{"a":["here"],"i":200}"#).await["i"], 200);
    raw.silence().await;
    assert_eq!(worker.running.count(), 3);
    assert_eq!((peer.counters().handlers_in_flight, peer.counters().blocked_threads), (0, 3));
    worker.gate.open();
    worker.running.becomes(0).await;
    assert_eq!(worker.log.entries().len(), 3, "calls that were cancelled while they waited never started");
}
