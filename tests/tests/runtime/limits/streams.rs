//! The limits of streams.

use super::{GatedService, GatedServiceProxy, let_others_run};
use futures_util::FutureExt;
use serde_json::json;
use wswrapper::{CallError, Client, Limits, Server, Streaming, error::Rejection};
use wswrapper_tests::{RawPeer, pair_with};

#[tokio::test]
async fn a_stream_beyond_the_limit_is_rejected_and_the_others_continue() {
    let service = GatedService::new();
    let pair = pair_with(service.serve(Limits::default().max_open_channels(2)), Client::builder());
    let proxy = GatedServiceProxy::new(&pair.client);
    let mut first = proxy.count(100).await.expect("a stream");
    let second = proxy.count(3).await.expect("a stream");
    let refused = proxy.count(3).await;
    assert!(
        matches!(&refused, Err(CallError::Rejected(it)) if it.message() == Some("too many open channels")),
        "{refused:?}"
    );
    assert_eq!((service.running.count(), pair.peer.counters().open_channels), (2, 2));
    // A dropped stream and a finished stream free their channels.
    drop(second);
    service.running.becomes(1).await;
    let mut third = proxy.count(3).await.expect("a channel is free");
    assert!(proxy.count(3).await.is_err());
    while third.next().await.is_some() {}
    drop(proxy.count(3).await.expect("a channel is free"));
    for n in 1..=100 {
        assert!(matches!(first.next().await, Some(Ok(it)) if it == n));
    }
    assert!(first.next().await.is_none());
    // All streams have finished or were dropped.
    assert_eq!(pair.client.counters().open_channels, 0);
}

#[tokio::test]
async fn streams_of_the_remote_endpoint_do_not_count_towards_the_open_channels() {
    let service = GatedService::new();
    let limits = Limits::default().max_open_channels(1);
    let client = Client::builder().limits(limits.clone()).service(service.clone());
    let pair = pair_with(service.serve(limits), client);
    let client_stream = GatedServiceProxy::new(&pair.client).count(3).await.expect("a stream");
    let server_stream = GatedServiceProxy::new(&pair.peer).count(3).await.expect("a stream");
    assert_eq!((pair.peer.counters().open_channels, pair.client.counters().open_channels), (2, 2));
    drop((client_stream, server_stream));
    service.running.becomes(0).await;
}

#[tokio::test]
async fn streams_do_not_count_towards_the_handler_limit() {
    let service = GatedService::new();
    let limits = Limits::default().max_handlers_in_flight(1);
    let pair = pair_with(service.serve(limits), Client::builder());
    let proxy = GatedServiceProxy::new(&pair.client);
    let mut streams = Vec::new();
    for _ in 0..10 {
        let mut stream = proxy.count(u32::MAX).await.expect("a stream").window(2);
        assert!(matches!(stream.next().await, Some(Ok(1))));
        streams.push(stream);
    }
    assert_eq!((service.running.count(), pair.peer.counters().handlers_in_flight), (10, 0));
    assert_eq!(proxy.length("abc").await.expect("an answer"), 3);
    drop(streams);
    service.running.becomes(0).await;
}

/// Returns a raw peer, a stream from it that has granted its first credit, and the number of the stream's channel.
async fn stream_of_raw(limits: Limits, window: u32) -> (RawPeer, Streaming<String, Rejection>, u64) {
    let (mut raw, client) = RawPeer::accept(Client::builder().limits(limits));
    let call = tokio::spawn(client.request::<Streaming<String, Rejection>>("texts", ()));
    let id = raw.receive().await["i"].as_u64().expect("a request");
    raw.send(&json!({"i": id, "h": 1}).to_string()).await;
    let mut stream = call.await.expect("no panic").expect("a stream").window(window);
    assert!(stream.next().now_or_never().is_none());
    assert_eq!(raw.receive().await["a"], json!(["credit", window.min(8)]));
    assert_eq!(raw.receive().await["a"], json!(["start"]));
    (raw, stream, id)
}

#[tokio::test]
async fn items_of_a_stream_are_buffered_up_to_the_limit_or_its_window() {
    // (items, window, items that are buffered)
    for (max_stream_items, window, held) in [(10, 2, 10), (10, 10, 10), (10, 25, 25), (0, 1, 1)] {
        for more in [0, 1] {
            let (mut raw, mut stream, channel) =
                stream_of_raw(Limits::default().max_stream_items(max_stream_items), window).await;
            for _ in 0..held + more {
                raw.send(&json!({"a": ["next", {"value": "x", "done": false}], "h": channel}).to_string()).await;
            }
            if more == 0 {
                raw.silence().await;
            } else {
                let message = "The consumer is too slow and its buffer is full";
                assert_eq!(
                    raw.receive().await,
                    json!({"h": channel, "x": {"message": message, "code": "ws:TooMany"}, "_": 1})
                );
            }
            for _ in 0..held {
                assert!(matches!(stream.next().now_or_never(), Some(Some(Ok(_)))));
            }
            match stream.next().now_or_never() {
                None => assert_eq!(more, 0),
                Some(Some(Err(CallError::Overflow { limit: "max_stream_items" }))) => {
                    assert_eq!(more, 1);
                    assert!(stream.next().await.is_none());
                }
                Some(other) => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn bytes_of_a_stream_are_buffered_up_to_the_limit_and_released_when_taken() {
    // Each item counts for its bytes and 32 more. With a window of one, the second item has no credit, and the producer
    // gets no more; items with credit may exceed the limit eight times.
    for (max_stream_bytes, window) in [(1_000 + 2 * 32, 1), ((1_000 + 2 * 32) / 8, 100)] {
        let limits = Limits::default().max_stream_bytes(max_stream_bytes);
        let (mut raw, mut stream, channel) = stream_of_raw(limits, window).await;
        // The length of the JSON value includes its quotes.
        let item = |length: usize| {
            json!({"a": ["next", {"value": "x".repeat(length - 2), "done": false}], "h": channel}).to_string()
        };
        let mut credit = 0;
        for _ in 0..10 {
            raw.send(&item(500)).await;
            raw.send(&item(500)).await;
            let_others_run().await;
            for _ in 0..2 {
                assert!(matches!(stream.next().await, Some(Ok(text)) if text.len() == 498));
            }
            // Credit for four taken items each.
            credit += 2;
            if window > 1 && credit % 4 == 0 {
                assert_eq!(raw.receive().await["a"], json!(["credit", 4]));
            }
            raw.silence().await;
        }
        raw.send(&item(600)).await;
        raw.send(&item(401)).await;
        assert_eq!(raw.receive().await["h"], channel);
        assert!(matches!(stream.next().await, Some(Ok(text)) if text.len() == 598));
        assert!(matches!(stream.next().await, Some(Err(CallError::Overflow { limit: "max_stream_bytes" }))));
        assert!(stream.next().await.is_none());
    }
}

/// Lets a raw peer grant credit for a thousand pages and read none of them.
async fn thousand_unread_pages() -> (GatedService, Server, RawPeer) {
    let service = GatedService::new();
    let server = service.serve(Limits::default().max_outbound_bytes(50_000)).build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    raw.send(r#"{"a":["pages",1000],"i":1}"#).await;
    raw.send(r#"{"a":["credit",65536],"h":1}"#).await;
    raw.send(r#"{"a":["start"],"h":1}"#).await;
    let_others_run().await;
    (service, server, raw)
}

#[tokio::test]
async fn a_stream_waits_for_a_peer_that_does_not_read_and_then_continues() {
    let (service, _server, mut raw) = thousand_unread_pages().await;
    // Items in transit, items in the queue, and the item that filled it.
    let produced = service.log.entries().len();
    assert!((5..=13).contains(&produced), "{produced} items were produced");
    assert_eq!(raw.receive().await, json!({"i": 1, "h": 1}));
    for n in 1..=1_000 {
        assert_eq!(raw.receive().await["a"][1]["value"][0], n);
    }
    assert_eq!(raw.receive().await["a"], json!(["next", {"done": true}]));
}

#[tokio::test]
async fn a_stream_that_waits_for_capacity_resumes_when_half_of_it_is_free() {
    let (service, _server, mut raw) = thousand_unread_pages().await;
    assert_eq!(raw.receive().await, json!({"i": 1, "h": 1}));
    // Each page that the peer reads lets one more leave the queue.
    let (mut produced, mut batches) = (service.log.entries().len(), Vec::new());
    for n in 1..=20 {
        assert_eq!(raw.receive().await["a"][1]["value"][0], n);
        let_others_run().await;
        let more = service.log.entries().len() - std::mem::replace(&mut produced, service.log.entries().len());
        batches.extend((more > 0).then_some(more));
    }
    assert!((3..=8).contains(&batches.len()), "{batches:?}");
    assert!(batches.iter().all(|pages| *pages >= 2), "{batches:?}");
}

/// Connects a client that buffers at most four items of one byte.
fn client_with_four_item_buffer() -> (RawPeer, Client) {
    RawPeer::accept(Client::builder().limits(Limits::default().max_stream_bytes(4 * 33)))
}

/// Returns a stream whose first three items have arrived, and the number of its channel.
async fn stream_with_three_items(raw: &mut RawPeer, client: &Client) -> (Streaming<u32, Rejection>, u64) {
    let call = tokio::spawn(client.request::<Streaming<u32, Rejection>>("count", ()));
    let id = raw.receive().await["i"].as_u64().expect("a request");
    raw.send(&json!({"i": id, "h": 1}).to_string()).await;
    let stream = call.await.expect("no panic").expect("a stream");
    for n in 1..=3 {
        raw.send(&json!({"a": ["next", {"value": n, "done": false}], "h": id}).to_string()).await;
    }
    let_others_run().await;
    (stream, id)
}

#[tokio::test]
async fn items_of_a_dropped_stream_release_capacity() {
    let (mut raw, client) = client_with_four_item_buffer();
    for _ in 0..3 {
        let (mut stream, id) = stream_with_three_items(&mut raw, &client).await;
        // One item was taken, two more left the inbox with it, and one is still there.
        assert!(matches!(stream.next().await, Some(Ok(1))));
        raw.send(&json!({"a": ["next", {"value": 4, "done": false}], "h": id}).to_string()).await;
        raw.silence().await;
        drop(stream);
        assert_eq!(raw.receive().await["x"], json!({"message": "Request aborted"}));
    }
}

#[tokio::test]
async fn items_taken_after_the_finish_release_capacity() {
    let (mut raw, client) = client_with_four_item_buffer();
    for _ in 0..3 {
        let (mut stream, id) = stream_with_three_items(&mut raw, &client).await;
        raw.send(&json!({"a": ["next", {"done": true}], "h": id}).to_string()).await;
        raw.silence().await;
        for n in 1..=3 {
            assert!(matches!(stream.next().await, Some(Ok(it)) if it == n));
        }
        assert!(stream.next().await.is_none());
    }
}
