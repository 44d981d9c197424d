//! The limit of the bytes that all connections of a server hold together.

use super::{GatedService, let_others_run};
use futures_util::FutureExt;
use serde_json::{Value, json};
use std::time::Duration;
use wswrapper::transport::{Close, Frame, memory};
use wswrapper::{Limits, Peer, Server, Streaming, error::Rejection};
use wswrapper_tests::{ObservedTransport, RawPeer, until};

const MAX: usize = 100_000;

fn server(service: &GatedService, limits: &Limits) -> Server {
    // The peers of these tests answer no pings while they sleep.
    service.serve(limits.clone().max_buffered_bytes(MAX).heartbeat_interval(None)).build().expect("it can be mounted")
}

/// Returns a peer that can send much at once.
fn dial(server: &Server) -> (RawPeer, Peer) {
    let (local, remote) = memory::builder().capacity(1_000_000).pair();
    (RawPeer::on(local), server.accept_transport(remote).expect("the server is open"))
}

fn rejection(id: u64) -> Value {
    json!({"i": id, "e": {"message": "too much unfinished work is waiting", "code": "ws:TooMany"}, "_": 1})
}

/// Calls a raw peer that answers with a stream. Returns the number of its channel.
async fn open_stream(raw: &mut RawPeer, peer: &Peer) -> (Streaming<String, Rejection>, u64) {
    let call = tokio::spawn(peer.request::<Streaming<String, Rejection>>("texts", ()));
    let id = raw.receive().await["i"].as_u64().expect("a request");
    raw.send(&json!({"i": id, "h": 1}).to_string()).await;
    (call.await.expect("no panic").expect("a stream"), id)
}

/// Opens a stream and lets it start.
async fn start_stream(raw: &mut RawPeer, peer: &Peer) -> (Streaming<String, Rejection>, u64) {
    let (mut stream, channel) = open_stream(raw, peer).await;
    assert!(stream.next().now_or_never().is_none());
    assert_eq!(raw.receive().await["a"], json!(["credit", 8]));
    assert_eq!(raw.receive().await["a"], json!(["start"]));
    (stream, channel)
}

/// Opens a stream, and sends it items that nobody takes.
async fn hold_items(raw: &mut RawPeer, peer: &Peer, items: usize, bytes: usize) -> (Streaming<String, Rejection>, u64) {
    let (stream, channel) = start_stream(raw, peer).await;
    send_items(raw, channel, items, bytes).await;
    let held = peer.counters().buffered_bytes;
    until(|| peer.counters().buffered_bytes >= held + items * bytes).await;
    (stream, channel)
}

async fn send_items(raw: &mut RawPeer, channel: u64, items: usize, bytes: usize) {
    let text = "x".repeat(bytes);
    for _ in 0..items {
        raw.send(&json!({"a": ["next", {"value": text, "done": false}], "h": channel}).to_string()).await;
    }
}

#[tokio::test]
async fn held_calls_reject_the_requests_of_other_connections_until_they_are_cancelled() {
    let service = GatedService::new();
    let server = server(&service, &Limits::default().max_handlers_in_flight(1));
    let ((mut greedy, greedy_peer), (mut other, other_peer)) = (dial(&server), dial(&server));
    greedy.send(r#"{"a":["wait",0],"i":1}"#).await;
    let text = "x".repeat(20_000);
    for id in 2..=6 {
        greedy.send(&json!({"a": ["length", text], "i": id}).to_string()).await;
    }
    until(|| server.buffered_bytes() > MAX).await;
    assert_eq!(greedy_peer.counters().buffered_bytes, server.buffered_bytes());
    assert_eq!(other_peer.counters().buffered_bytes, 0);
    assert_eq!(other.ask(r#"{"a":["quick",1],"i":1}"#).await, rejection(1));
    assert_eq!(greedy.ask(r#"{"a":["quick",1],"i":7}"#).await, rejection(7));
    // An event that can start at once is handled; one that would be held is dropped.
    other.send(r#"{"a":["note","handled"]}"#).await;
    greedy.send(r#"{"a":["note","dropped"]}"#).await;
    assert_eq!(service.log.has(2).await, ["wait 0", "handled"]);
    // A broadcast leaves out the connection that holds something.
    let delivery = server.broadcast().emit("news", ()).await.expect("it can be encoded");
    assert_eq!(delivery.sent, 1);
    assert_eq!((delivery.failed.len(), delivery.failed[0].0), (1, greedy_peer.id()));
    assert_eq!(other.receive().await, json!({"a": ["news"]}));
    // Cancellations still come in, and free memory.
    for id in 2..=3 {
        greedy.send(&json!({"i": id, "x": {"message": "enough"}, "_": 1}).to_string()).await;
    }
    until(|| server.buffered_bytes() < MAX).await;
    assert_eq!(other.ask(r#"{"a":["quick",2],"i":2}"#).await, json!({"i": 2, "d": 2}));
    service.gate.add_permits(1);
    assert_eq!(greedy.receive().await, json!({"i": 1, "d": 0}));
    for id in 4..=6 {
        assert_eq!(greedy.receive().await, json!({"i": id, "d": 20_000}));
    }
    until(|| server.buffered_bytes() == 0).await;
}

#[tokio::test]
async fn a_frame_that_is_not_json_is_not_rejected_while_memory_is_short() {
    let service = GatedService::new();
    let server = server(&service, &Limits::default());
    let ((mut raw, peer), (mut other, _)) = (dial(&server), dial(&server));
    let (stream, _) = hold_items(&mut raw, &peer, 8, 14_000).await;
    // The quick decoder takes the first for a call.
    other.send(r#"{"a":["quick",1,],"i":1}"#).await;
    other.send(r#"{"a":["missing",1],"i":2}"#).await;
    assert_eq!(other.receive().await, rejection(2));
    drop(stream);
    assert_eq!(other.ask(r#"{"a":["quick",3],"i":3}"#).await, json!({"i": 3, "d": 3}));
}

#[tokio::test]
async fn untaken_items_stop_credit_on_all_connections_until_memory_is_free() {
    let service = GatedService::new();
    let server = server(&service, &Limits::default());
    let ((mut raw, peer), (mut other, other_peer)) = (dial(&server), dial(&server));
    let (mut small, channel) = hold_items(&mut other, &other_peer, 8, 10).await;
    let (mut unstarted, second_channel) = open_stream(&mut other, &other_peer).await;
    let (stream, _) = hold_items(&mut raw, &peer, 8, 14_000).await;
    assert!(server.buffered_bytes() > MAX);
    for _ in 0..8 {
        assert_eq!(small.next().await.expect("an item").expect("a text").len(), 10);
    }
    assert!(unstarted.next().now_or_never().is_none());
    other.silence().await;
    assert_eq!(other_peer.counters().buffered_bytes, 0, "taken items are free although no credit was given");
    drop(stream);
    let credits = [other.receive().await, other.receive().await, other.receive().await];
    assert_eq!(credits[0], json!({"a": ["credit", 16], "h": channel}));
    assert_eq!(credits[1], json!({"a": ["credit", 8], "h": second_channel}));
    assert_eq!(credits[2], json!({"a": ["start"], "h": second_channel}));
    assert_eq!(server.buffered_bytes(), 0);
}

#[tokio::test]
async fn all_connections_without_credit_get_it_when_memory_is_free() {
    let service = GatedService::new();
    let server = server(&service, &Limits::default());
    let mut others = Vec::new();
    for _ in 0..100 {
        let (mut raw, peer) = dial(&server);
        let (stream, channel) = open_stream(&mut raw, &peer).await;
        others.push((raw, peer, stream, channel));
    }
    let (mut raw, peer) = dial(&server);
    let (holding, _) = hold_items(&mut raw, &peer, 8, 14_000).await;
    for (_, _, stream, _) in &mut others {
        assert!(stream.next().now_or_never().is_none());
    }
    // Some are gone while they wait.
    others.drain(..40);
    let_others_run().await;
    drop(holding);
    for (raw, _, _, channel) in &mut others {
        assert_eq!(raw.receive().await, json!({"a": ["credit", 8], "h": *channel}));
    }
}

#[tokio::test]
async fn unsent_output_counts_until_it_is_read_or_the_connection_is_lost() {
    let service = GatedService::new();
    let server = server(&service, &Limits::default());
    let (mut other, _) = dial(&server);
    for lost in [false, true] {
        let (local, remote) = memory::pair();
        let (mut slow, peer) = (RawPeer::on(local), server.accept_transport(remote).expect("the server is open"));
        let text = "x".repeat(50_000);
        for _ in 0..5 {
            peer.emit("text", (&text,)).await.expect("there is capacity");
        }
        until(|| server.buffered_bytes() > MAX).await;
        assert_eq!(other.ask(r#"{"a":["quick",1],"i":1}"#).await, rejection(1));
        if lost {
            drop(slow);
        } else {
            for _ in 0..5 {
                assert_eq!(slow.receive().await["a"][0], "text");
            }
        }
        until(|| server.buffered_bytes() == 0).await;
        assert_eq!(other.ask(r#"{"a":["quick",1],"i":2}"#).await, json!({"i": 2, "d": 1}));
    }
}

#[tokio::test]
async fn items_of_a_lost_connection_count_until_their_stream_is_dropped() {
    let service = GatedService::new();
    let server = server(&service, &Limits::default());
    let ((mut raw, peer), (mut other, _)) = (dial(&server), dial(&server));
    let (stream, _) = hold_items(&mut raw, &peer, 8, 14_000).await;
    drop(raw);
    peer.closed().await;
    let_others_run().await;
    assert!(server.buffered_bytes() > MAX);
    assert_eq!(other.ask(r#"{"a":["quick",1],"i":1}"#).await, rejection(1));
    drop((stream, peer));
    assert_eq!(server.buffered_bytes(), 0);
    assert_eq!(other.ask(r#"{"a":["quick",1],"i":2}"#).await, json!({"i": 2, "d": 1}));
}

#[tokio::test(start_paused = true)]
async fn the_largest_holder_is_closed_if_nothing_is_given_back() {
    let service = GatedService::new();
    let server = server(&service, &Limits::default());
    let (mut small, small_peer) = dial(&server);
    let (mut large, large_peer) = dial(&server);
    let (mut idle, idle_peer) = dial(&server);
    let (_small_stream, _) = hold_items(&mut small, &small_peer, 4, 10_000).await;
    let (large_stream, _) = hold_items(&mut large, &large_peer, 7, 10_000).await;
    assert!(server.buffered_bytes() > MAX);
    // The traffic of others is no progress.
    for id in 1..30 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(idle.ask(&json!({"a": ["quick", 1], "i": id}).to_string()).await, rejection(id));
        assert!(large_peer.is_open());
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let closed = Close::new(1013, "this connection holds the most unfinished data");
    assert_eq!(large.frame().await, Some(Frame::Close(closed)));
    drop(large_stream);
    until(|| server.buffered_bytes() < MAX).await;
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert!(small_peer.is_open() && idle_peer.is_open());
    assert_eq!(idle.ask(r#"{"a":["quick",1],"i":100}"#).await, json!({"i": 100, "d": 1}));
}

#[tokio::test(start_paused = true)]
async fn no_holder_is_closed_while_memory_is_given_back() {
    let service = GatedService::new();
    let server = server(&service, &Limits::default());
    let (mut raw, peer) = dial(&server);
    let mut streams = Vec::new();
    for _ in 0..5 {
        streams.push(start_stream(&mut raw, &peer).await);
    }
    for (_, channel) in &streams {
        send_items(&mut raw, *channel, 5, 10_000).await;
    }
    until(|| server.buffered_bytes() > 250_000).await;
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert!(server.buffered_bytes() > MAX);
        streams.pop();
    }
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(peer.is_open() && server.buffered_bytes() > MAX);
    // Nothing more is given back.
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(peer.closed().await.code, 1013);
}

#[tokio::test]
async fn only_connections_in_the_middle_of_a_large_message_are_not_read() {
    let service = GatedService::new();
    let server = server(&service, &Limits::default());
    let begun = |bytes| {
        let (local, remote) = memory::pair();
        let (transport, observed) = ObservedTransport::new(remote);
        observed.set_begun_bytes(bytes);
        (RawPeer::on(local), server.accept_transport(transport).expect("the server is open"), observed)
    };
    let (mut small, _small_peer, small_observed) = begun(64 * 1024);
    let (mut large, large_peer, large_observed) = begun(64 * 1024 + 1);
    until(|| server.buffered_bytes() == 128 * 1024 + 1).await;
    assert_eq!(small.ask(r#"{"a":["quick",1],"i":1}"#).await, rejection(1));
    large.send(r#"{"a":["quick",2],"i":1}"#).await;
    large.silence().await;
    // The other message is complete, so the connection is read again.
    small_observed.set_begun_bytes(0);
    assert_eq!(small.ask(r#"{"a":["missing"],"i":2}"#).await, rejection(2), "it is reported after the turn");
    assert_eq!(large.receive().await, json!({"i": 1, "d": 2}));
    large_observed.set_begun_bytes(0);
    assert_eq!(large.ask(r#"{"a":["quick",3],"i":2}"#).await, json!({"i": 2, "d": 3}));
    until(|| server.buffered_bytes() == 0).await;
    assert_eq!(large_peer.counters().buffered_bytes, 0);
}

#[tokio::test]
async fn withheld_credit_is_given_when_the_items_of_a_closed_connection_are_taken() {
    let service = GatedService::new();
    let server = server(&service, &Limits::default());
    let ((mut raw, peer), (mut other, other_peer)) = (dial(&server), dial(&server));
    let (mut unstarted, channel) = open_stream(&mut other, &other_peer).await;
    let (mut stream, _) = hold_items(&mut raw, &peer, 8, 14_000).await;
    assert!(unstarted.next().now_or_never().is_none());
    other.silence().await;
    drop(raw);
    peer.closed().await;
    assert!(server.buffered_bytes() > MAX);
    for _ in 0..8 {
        stream.next().await.expect("an item").expect("a text");
    }
    assert_eq!(server.buffered_bytes(), 0);
    assert_eq!(other.receive().await, json!({"a": ["credit", 8], "h": channel}));
}
