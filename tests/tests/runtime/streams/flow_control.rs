//! Windows and credit.

use super::sources::{SourcesProxy, SourcesService};
use super::{all, done, item, let_others_run, request_item, stream_of_raw, take_buffered};
use futures_util::FutureExt;
use serde_json::json;
use wswrapper::{Client, Limits, Server, Streaming, error::Rejection, server::ServerBuilder};
use wswrapper_tests::{RawPeer, pair, pair_with, until};

fn sources_server() -> (SourcesService, ServerBuilder) {
    let service = SourcesService::default();
    (service.clone(), Server::builder().service(service))
}

#[tokio::test]
async fn nothing_is_produced_or_sent_before_the_first_item_is_requested() {
    let (service, server) = sources_server();
    let pair = pair(server);
    let mut items = SourcesProxy::new(&pair.client).endless().await.expect("a stream");
    let_others_run().await;
    assert_eq!((service.produced(), service.alive.count()), (0, 1));
    assert!(matches!(items.next().await, Some(Ok(1))));
    let (mut raw, items, _) = stream_of_raw(Limits::default()).await;
    raw.silence().await;
    drop(items);
}

#[tokio::test]
async fn credit_is_granted_before_the_start_and_again_for_each_half_window() {
    let (mut raw, items, channel) = stream_of_raw(Limits::default()).await;
    let mut items = items.window(4);
    request_item(&mut items);
    assert_eq!(raw.receive().await, json!({"a": ["credit", 4], "h": channel}));
    assert_eq!(raw.receive().await, json!({"a": ["start"], "h": channel}));
    for n in 1..=4 {
        raw.send(&item(channel, n).to_string()).await;
    }
    raw.silence().await;
    assert_eq!(take_buffered(&mut items), 1);
    raw.silence().await;
    assert_eq!(take_buffered(&mut items), 2);
    assert_eq!(raw.receive().await, json!({"a": ["credit", 2], "h": channel}));
    assert_eq!((take_buffered(&mut items), take_buffered(&mut items)), (3, 4));
    assert_eq!(raw.receive().await, json!({"a": ["credit", 2], "h": channel}));
    request_item(&mut items);
    raw.silence().await;
}

/// Returns the credit that has been granted, once all other tasks have run.
async fn granted(raw: &mut RawPeer) -> u32 {
    let mut granted = 0;
    loop {
        let_others_run().await;
        let Some(frame) = raw.receive().now_or_never() else { return granted };
        assert_eq!(frame["a"][0], "credit", "{frame}");
        granted += u32::try_from(frame["a"][1].as_u64().expect("a number")).expect("a window");
    }
}

#[tokio::test]
async fn a_window_is_64_by_default_and_clamped_between_1_and_65536() {
    for (window, largest) in [(None, 64), (Some(0), 1), (Some(1), 1), (Some(65_536), 65_536), (Some(u32::MAX), 65_536)]
    {
        let limits = Limits::default().max_stream_bytes(64 << 20);
        let (mut raw, mut items, channel) = stream_of_raw(limits).await;
        if let Some(window) = window {
            items = items.window(window);
        }
        request_item(&mut items);
        assert_eq!(raw.receive().await, json!({"a": ["credit", largest.min(8)], "h": channel}));
        assert_eq!(raw.receive().await, json!({"a": ["start"], "h": channel}));
        // All credit is used, so it grows to the window.
        let (mut in_hand, mut ahead) = (largest.min(8), vec![]);
        while ahead.len() < 14 {
            for _ in 0..in_hand {
                raw.send(&item(channel, 1).to_string()).await;
            }
            // The response shows that all items have arrived.
            assert_eq!(raw.ask(r#"{"a":["nobody"],"i":1}"#).await["i"], 1);
            for _ in 0..in_hand {
                assert!(matches!(items.next().await, Some(Ok(1))));
            }
            in_hand = granted(&mut raw).await;
            ahead.push(in_hand);
        }
        assert_eq!(ahead.iter().max(), Some(&largest), "{window:?}");
    }
}

#[tokio::test]
async fn a_window_of_one_delivers_all_items() {
    let (service, server) = sources_server();
    let pair = pair(server);
    let items = SourcesProxy::new(&pair.client).counted(100).await.expect("a stream").window(1);
    assert_eq!(all(items).await, (1..=100).collect::<Vec<_>>());
    assert_eq!(service.produced(), 100);
}

#[tokio::test]
async fn a_paused_consumer_limits_the_producer_to_its_window() {
    let (service, server) = sources_server();
    let pair = pair(server);
    let request = pair.client.request::<Streaming<u32, Rejection>>("endless", ());
    let mut items = request.await.expect("a stream").window(8);
    assert!(matches!(items.next().await, Some(Ok(1))));
    let_others_run().await;
    assert_eq!(service.produced(), 8);
    assert_eq!((take_buffered(&mut items), take_buffered(&mut items)), (2, 3));
    let_others_run().await;
    assert_eq!(service.produced(), 8);
    assert_eq!(take_buffered(&mut items), 4);
    until(|| service.produced() == 12).await;
    for n in 5..=8 {
        assert_eq!(take_buffered(&mut items), n);
    }
    until(|| service.produced() == 16).await;
    let_others_run().await;
    assert_eq!(service.produced(), 16);
}

#[tokio::test]
async fn a_paused_server_limits_a_producing_client_to_its_window() {
    let service = SourcesService::default();
    let pair = pair_with(Server::builder(), Client::builder().service(service.clone()));
    let mut items = SourcesProxy::new(&pair.peer).endless().await.expect("a stream").window(5);
    assert!(matches!(items.next().await, Some(Ok(1))));
    let_others_run().await;
    assert_eq!(service.produced(), 5);
}

#[tokio::test]
async fn a_paused_stream_delays_no_other_stream_and_no_call() {
    let (service, server) = sources_server();
    let pair = pair(server);
    let proxy = SourcesProxy::new(&pair.client);
    let mut slow = proxy.endless().await.expect("a stream").window(2);
    assert!(matches!(slow.next().await, Some(Ok(1))));
    let silent = proxy.endless().await.expect("a stream");
    let before = service.produced();
    let items = proxy.counted(10_000).await.expect("a stream");
    assert_eq!(all(items).await.len(), 10_000);
    assert_eq!(proxy.echo(json!("x")).await.expect("an answer"), "x");
    assert!(service.produced() <= before + 10_000 + 2, "the paused stream did not stop");
    assert!(matches!(slow.next().await, Some(Ok(2))));
    drop(silent);
}

#[tokio::test]
async fn items_that_arrive_before_the_start_are_buffered() {
    let (mut raw, items, channel) = stream_of_raw(Limits::default()).await;
    let mut items = items.window(4);
    raw.send(&item(channel, 1).to_string()).await;
    raw.send(&item(channel, 2).to_string()).await;
    raw.silence().await;
    assert_eq!((take_buffered(&mut items), take_buffered(&mut items)), (1, 2));
    request_item(&mut items);
    assert_eq!(raw.receive().await["a"], json!(["credit", 4]));
    assert_eq!(raw.receive().await["a"], json!(["start"]));
    raw.send(&item(channel, 3).to_string()).await;
    raw.silence().await;
    assert_eq!(take_buffered(&mut items), 3);
}

#[tokio::test]
async fn a_producer_sends_as_many_items_as_it_has_credit() {
    let (service, server) = sources_server();
    let server = server.build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    assert_eq!(raw.ask(r#"{"a":["counted",5],"i":1}"#).await, json!({"i": 1, "h": 1}));
    raw.send(r#"{"a":["credit",2],"h":1}"#).await;
    raw.silence().await;
    assert_eq!(service.produced(), 0);
    raw.send(r#"{"a":["start"],"h":1}"#).await;
    assert_eq!(raw.receive().await, item(1, 1));
    assert_eq!(raw.receive().await, item(1, 2));
    raw.silence().await;
    assert_eq!(service.produced(), 2);
    raw.send(r#"{"a":["credit",1],"h":1}"#).await;
    assert_eq!(raw.receive().await, item(1, 3));
    raw.silence().await;
    raw.send(r#"{"a":["credit",2],"h":1}"#).await;
    assert_eq!(raw.receive().await, item(1, 4));
    assert_eq!(raw.receive().await, item(1, 5));
    // The finish needs no credit.
    assert_eq!(raw.receive().await, done(1));
}

#[tokio::test]
async fn a_dropped_next_future_loses_no_item() {
    let (_, server) = sources_server();
    let pair = pair(server);
    let mut items = SourcesProxy::new(&pair.client).counted(500).await.expect("a stream").window(3);
    let mut taken = Vec::new();
    let mut dropped = 0;
    loop {
        tokio::select! {
            biased;
            item = items.next() => match item {
                Some(item) => taken.push(item.expect("an item")),
                None => break,
            },
            () = std::future::ready(()) => {
                dropped += 1;
                tokio::task::yield_now().await;
            }
        }
    }
    assert_eq!(taken, (1..=500).collect::<Vec<_>>());
    assert!(dropped > 100, "only {dropped} futures were dropped");
}

#[tokio::test]
async fn an_event_sent_by_a_source_precedes_its_item() {
    let (_, server) = sources_server();
    let server = server.build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    assert_eq!(raw.ask(r#"{"a":["announced"],"i":1}"#).await, json!({"i": 1, "h": 1}));
    raw.send(r#"{"a":["credit",20],"h":1}"#).await;
    raw.send(r#"{"a":["start"],"h":1}"#).await;
    for n in 1..=20 {
        assert_eq!(raw.receive().await, json!({"a": ["coming", n]}));
        assert_eq!(raw.receive().await, item(1, n));
    }
}

#[tokio::test]
async fn a_stream_with_a_wide_window_does_not_delay_a_response() {
    let (_, server) = sources_server();
    let server = server.build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    assert_eq!(raw.ask(r#"{"a":["endless"],"i":1}"#).await, json!({"i": 1, "h": 1}));
    raw.send(r#"{"a":["credit",65536],"h":1}"#).await;
    raw.send(r#"{"a":["start"],"h":1}"#).await;
    // Runs as a task, so that it alternates with the connection's task.
    let items = tokio::spawn(async move {
        assert_eq!(raw.receive().await, item(1, 1));
        raw.send(r#"{"a":["echo","between"],"i":2}"#).await;
        let mut items = 1;
        while raw.receive().await != json!({"i": 2, "d": "between"}) {
            items += 1;
        }
        items
    });
    let items = items.await.expect("no panic");
    assert!(items <= 1_024, "the response waited for {items} items");
}

#[tokio::test]
async fn credit_grows_only_while_the_items_are_small() {
    // Eight items of 200,000 bytes do not fit four times into the limit of 4 MiB.
    for (length, credit) in [(10, [8, 16, 32, 64]), (200_000, [8, 8, 8, 8])] {
        let (mut raw, client) = RawPeer::accept(Client::builder());
        let call = tokio::spawn(client.request::<Streaming<String, Rejection>>("texts", ()));
        let id = raw.receive().await["i"].as_u64().expect("a request");
        raw.send(&json!({"i": id, "h": 1}).to_string()).await;
        let mut items = call.await.expect("no panic").expect("a stream");
        assert!(items.next().now_or_never().is_none());
        let item = json!({"a": ["next", {"value": "x".repeat(length), "done": false}], "h": id}).to_string();
        for (round, credit) in credit.into_iter().enumerate() {
            assert_eq!(raw.receive().await, json!({"a": ["credit", credit], "h": id}));
            if round == 0 {
                assert_eq!(raw.receive().await, json!({"a": ["start"], "h": id}));
            }
            for _ in 0..credit {
                raw.send(&item).await;
            }
            assert_eq!(raw.ask(r#"{"a":["nobody"],"i":1}"#).await["i"], 1);
            for _ in 0..credit {
                assert!(matches!(items.next().await, Some(Ok(text)) if text.len() == length));
            }
        }
    }
}
