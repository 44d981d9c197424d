//! Messages that are larger than a queue, and the limits of the transport in memory.

use super::GatedService;
use serde_json::json;
use std::time::Duration;
use wswrapper::transport::{Close, Frame, memory};
use wswrapper::{Client, Limits, Server, connection::CloseCause};
use wswrapper_tests::{ObservedTransport, Pair, RawPeer, let_others_run, nothing_is_left, pair_with, until};

#[tokio::test(start_paused = true)]
async fn a_message_larger_than_every_queue_is_sent_and_held() {
    let limits = Limits::default().max_outbound_bytes(1_000).max_held_bytes(1_000);
    let service = GatedService::new();
    let pair = pair_with(service.serve(limits.clone()), Client::builder().limits(limits));
    // Larger than the transport, too.
    let text = "x".repeat(1 << 20);
    for _ in 0..3 {
        // A call, whose frame is queued, and its response.
        assert_eq!(pair.client.request::<usize>("length", (&text,)).await.expect("it is sent"), text.len());
        pair.client.emit("note", (&text,)).await.expect("it is sent");
        pair.peer.emit("unknown", (&text,)).await.expect("it is sent");
    }
    assert_eq!(pair.client.request::<(u32, String)>("large", (1,)).await.expect("it is sent").1.len(), 10_000);
    nothing_is_left(&pair).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_larger_than_the_backlog_is_held_until_a_handler_can_start() {
    let service = GatedService::new();
    let limits = Limits::default().max_handlers_in_flight(1).max_held_bytes(1_000);
    let server = service.serve(limits).build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    raw.send(r#"{"a":["wait",0],"i":1}"#).await;
    service.running.becomes(1).await;
    let text = "x".repeat(1 << 20);
    for id in 2..=4 {
        raw.write(&format!(r#"{{"a":["length","{text}"],"i":{id}}}"#));
    }
    raw.silence().await;
    service.gate.add_permits(1);
    assert_eq!(raw.receive().await, json!({"i": 1, "d": 0}));
    for id in 2..=4 {
        assert_eq!(raw.receive().await, json!({"i": id, "d": 1 << 20}));
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_above_the_limit_closes_a_connection_in_memory_with_1009() {
    let service = GatedService::new();
    let limits = Limits::default().max_message_size(1_000);
    let Pair { server, peer, client } = pair_with(service.serve(limits), Client::builder());
    let overhead = r#"{"a":["length",""],"i":268435457}"#.len();
    let length = 1_000 - overhead;
    assert_eq!(client.request::<usize>("length", ("x".repeat(length),)).await.expect("it is not too large"), length);
    client.request::<usize>("length", ("x".repeat(length + 1),)).await.expect_err("it is too large");
    let closed = client.closed().await;
    let expected = (1009, "the message is larger than 1000 bytes", CloseCause::Remote);
    assert_eq!((closed.code, &*closed.reason, closed.cause), expected);
    let closed = peer.closed().await;
    assert_eq!((closed.code, &*closed.reason, closed.cause), (1009, expected.1, CloseCause::Limit));
    until(|| server.peers().is_empty()).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_closes_with_1009_for_a_message_above_its_limit() {
    let client = Client::builder().limits(Limits::default().max_message_size(100));
    let (mut raw, client) = RawPeer::accept(client);
    raw.write(&" ".repeat(101));
    // Discarded. The close frame arrives although more is written than the transport holds.
    raw.write(&" ".repeat(1 << 20));
    raw.write(r#"{"a":["x"]}"#);
    match raw.frame().await {
        Some(Frame::Close(close)) => assert_eq!(close, Close::new(1009, "the message is larger than 100 bytes")),
        other => panic!("expected 1009, got {other:?}"),
    }
    drop(raw);
    assert_eq!(client.closed().await.code, 1009);
}

#[tokio::test(start_paused = true)]
async fn the_default_limit_is_the_same_in_memory() {
    let server = Server::builder().build().expect("nothing to mount");
    server.on("length", |text: String| async move { text.len() }).expect("a valid name");
    let (mut raw, peer) = RawPeer::dial(&server);
    let frame = |size: usize| {
        let overhead = r#"{"a":["length",""],"i":1}"#.len();
        format!(r#"{{"a":["length","{}"],"i":1}}"#, "x".repeat(size - overhead))
    };
    assert_eq!(raw.ask(&frame(4 << 20)).await["i"], 1);
    raw.send(&frame((4 << 20) + 1)).await;
    assert!(matches!(raw.frame().await, Some(Frame::Close(close)) if close.code == 1009));
    drop(raw);
    assert_eq!(peer.closed().await.code, 1009);
}

#[tokio::test(start_paused = true)]
async fn a_reason_in_memory_is_as_long_as_in_a_close_frame() {
    let server = Server::builder().build().expect("nothing to mount");
    for (code, sent, received) in [
        (4000, "\u{e4}".repeat(100), "\u{e4}".repeat(61)),
        (4000, "short".to_owned(), "short".to_owned()),
        (Close::NO_STATUS, "not sent".to_owned(), String::new()),
    ] {
        let (local, remote) = memory::pair();
        let peer = server.accept_transport(remote).expect("the server is open");
        let mut raw = RawPeer::on(local);
        let closing = tokio::spawn(async move {
            peer.close(code, &sent);
            tokio::time::timeout(Duration::from_secs(1), peer.closed()).await.ok();
        });
        let_others_run().await;
        assert_eq!(raw.frame().await, Some(Frame::Close(Close::new(code, received))));
        drop(raw);
        closing.await.expect("no panic");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_not_read_has_no_turns_although_it_has_spare_memory() {
    let service = GatedService::new();
    let limits = Limits::default().max_handlers_in_flight(1).max_held_bytes(1_000);
    let server = service.serve(limits).build().expect("it can be mounted");
    let (local, remote) = memory::pair();
    let (transport, observed) = ObservedTransport::new(remote);
    observed.set_spare_memory();
    let _peer = server.accept_transport(transport).expect("the server is open");
    let mut raw = RawPeer::on(local);
    raw.send(r#"{"a":["wait",0],"i":1}"#).await;
    service.running.becomes(1).await;
    for _ in 0..3 {
        raw.send(&json!({"a": ["note", "x".repeat(500)]}).to_string()).await;
    }
    let_others_run().await;
    tokio::time::advance(Duration::from_secs(1)).await;
    let_others_run().await;
    let before = observed.flushes();
    let_others_run().await;
    assert_eq!(observed.flushes(), before);
}
