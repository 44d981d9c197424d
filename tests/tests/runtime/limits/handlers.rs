//! The limit of running handlers.

use super::{GatedService, GatedServiceProxy};
use serde_json::json;
use std::time::Duration;
use wswrapper::Limits;
use wswrapper_tests::RawPeer;

#[tokio::test]
async fn calls_beyond_the_handler_limit_wait_and_start_in_order() {
    let service = GatedService::new();
    let server = service.serve(Limits::default().max_handlers_in_flight(2)).build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    for (n, event) in ["wait", "wait", "wait", "quick", "wait", "quick"].into_iter().enumerate() {
        raw.send(&format!(r#"{{"a":["{event}",{n}],"i":{}}}"#, n + 1)).await;
    }
    raw.send(r#"{"a":["note","an event"]}"#).await;
    service.running.becomes(2).await;
    raw.silence().await;
    assert_eq!(service.log.entries(), ["wait 0", "wait 1"]);
    // A response is handled although calls wait.
    let asked = tokio::spawn({
        let proxy = GatedServiceProxy::new(&peer);
        async move { proxy.quick(9).await }
    });
    let request = raw.receive().await;
    raw.send(&json!({"i": request["i"], "d": 9}).to_string()).await;
    assert_eq!(asked.await.expect("no panic").expect("an answer"), 9);
    // So is a cancellation, and the next call starts.
    raw.send(r#"{"i":1,"x":{"message":"enough"},"_":1}"#).await;
    assert_eq!(service.log.has(3).await, ["wait 0", "wait 1", "wait 2"]);
    service.gate.add_permits(1);
    assert_eq!(raw.receive().await, json!({"i": 2, "d": 1}));
    assert_eq!(raw.receive().await, json!({"i": 4, "d": 3}));
    service.gate.add_permits(1);
    assert_eq!(raw.receive().await, json!({"i": 3, "d": 2}));
    assert_eq!(raw.receive().await, json!({"i": 6, "d": 5}));
    service.gate.add_permits(1);
    assert_eq!(raw.receive().await, json!({"i": 5, "d": 4}));
    assert_eq!(service.log.has(7).await, ["wait 0", "wait 1", "wait 2", "quick 3", "wait 4", "quick 5", "an event"]);
}

#[tokio::test]
async fn a_call_that_is_cancelled_while_it_waits_never_starts() {
    let service = GatedService::new();
    let server = service.serve(Limits::default().max_handlers_in_flight(1)).build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    for n in 0..3 {
        raw.send(&format!(r#"{{"a":["wait",{n}],"i":{}}}"#, n + 1)).await;
    }
    service.running.becomes(1).await;
    raw.send(r#"{"i":2,"x":{"message":"enough"},"_":1}"#).await;
    raw.send(r#"{"i":1,"x":{"message":"enough"},"_":1}"#).await;
    assert_eq!(service.log.has(2).await, ["wait 0", "wait 2"]);
    service.gate.add_permits(1);
    assert_eq!(raw.receive().await, json!({"i": 3, "d": 2}));
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_deadline_passes_while_it_waits_never_starts() {
    let service = GatedService::new();
    let server = service.serve(Limits::default().max_handlers_in_flight(1)).build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    raw.send(r#"{"a":["wait",0],"i":1}"#).await;
    raw.send(r#"{"a":["wait",1],"i":2,"m":{"t":5000}}"#).await;
    raw.send(r#"{"a":["wait",2],"i":3}"#).await;
    service.running.becomes(1).await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    service.gate.add_permits(1);
    assert_eq!(raw.receive().await, json!({"i": 1, "d": 0}));
    assert_eq!(service.log.has(2).await, ["wait 0", "wait 2"], "the deadline of the second call has passed");
    service.gate.add_permits(1);
    assert_eq!(raw.receive().await, json!({"i": 3, "d": 2}));
}
