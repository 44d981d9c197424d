//! Producers whose window is full.

use super::{done, item, request_item, stream_of_raw, until_error};
use futures_util::stream;
use serde_json::json;
use std::convert::Infallible;
use wswrapper::{CallError, Limits, Server, Stream, Streaming, ws_handlers, ws_service};
use wswrapper_tests::{RawPeer, pair};

#[ws_service(channel = "market")]
trait Prices {
    #[ws(on_full = "wait")]
    async fn wait(&self, to: u32) -> impl Stream<Item = u32> + Send;
    #[ws(on_full = "drop_oldest")]
    async fn oldest(&self, to: u32) -> impl Stream<Item = u32> + Send;
    #[ws(on_full = "drop_newest")]
    async fn newest(&self, to: u32) -> impl Stream<Item = u32> + Send;
    #[ws(on_full = "latest")]
    async fn latest(&self, to: u32) -> impl Stream<Item = u32> + Send;
    #[ws(on_full = "close")]
    async fn close(&self, to: u32) -> impl Stream<Item = u32> + Send;
    #[ws(on_full = "latest")]
    async fn fails(&self, to: u32) -> impl Stream<Item = Result<u32, String>> + Send;
}

struct Market;

#[ws_handlers]
impl Prices for Market {
    async fn wait(&self, to: u32) -> impl Stream<Item = u32> + Send {
        stream::iter(1..=to)
    }

    async fn oldest(&self, to: u32) -> impl Stream<Item = u32> + Send {
        stream::iter(1..=to)
    }

    async fn newest(&self, to: u32) -> impl Stream<Item = u32> + Send {
        stream::iter(1..=to)
    }

    async fn latest(&self, to: u32) -> impl Stream<Item = u32> + Send {
        stream::iter(1..=to)
    }

    async fn close(&self, to: u32) -> impl Stream<Item = u32> + Send {
        stream::iter(1..=to)
    }

    async fn fails(&self, to: u32) -> impl Stream<Item = Result<u32, String>> + Send {
        stream::iter((1..=to).map(Ok).chain([Err("the market is closed".to_owned())]))
    }
}

/// Takes all items through a window of four. Returns the items, the number of lost items and the final error. When the
/// first item arrives, the producer has already gone as far as it can.
async fn take_through_window(items: Streaming<u32>) -> (Vec<u32>, u64, Option<CallError<Infallible>>) {
    let mut items = items.window(4);
    let mut taken = Vec::new();
    loop {
        match items.next().await {
            Some(Ok(item)) => taken.push(item),
            Some(Err(error)) => return (taken, items.lost(), Some(error)),
            None => return (taken, items.lost(), None),
        }
    }
}

#[tokio::test]
async fn a_producer_waits_drops_or_closes_as_its_method_declares() {
    let pair = pair(Server::builder().service(Market));
    let prices = PricesProxy::new(&pair.client);
    let (items, lost, error) = take_through_window(prices.wait(10).await.expect("a stream")).await;
    assert_eq!((items, lost), ((1..=10).collect(), 0));
    assert!(error.is_none(), "{error:?}");
    let (items, lost, error) = take_through_window(prices.oldest(10).await.expect("a stream")).await;
    assert_eq!((items, lost), (vec![1, 2, 3, 4, 7, 8, 9, 10], 2));
    assert!(error.is_none(), "{error:?}");
    let (items, lost, error) = take_through_window(prices.newest(10).await.expect("a stream")).await;
    assert_eq!((items, lost), (vec![1, 2, 3, 4, 5, 6, 7, 8], 2));
    assert!(error.is_none(), "{error:?}");
    let (items, lost, error) = take_through_window(prices.latest(10).await.expect("a stream")).await;
    assert_eq!((items, lost), (vec![1, 2, 3, 4, 10], 5));
    assert!(error.is_none(), "{error:?}");
    let (items, lost, error) = take_through_window(prices.close(10).await.expect("a stream")).await;
    assert_eq!((items, lost), (vec![1, 2, 3, 4], 0));
    let Some(CallError::Rejected(reason)) = error else { panic!("{error:?}") };
    assert_eq!((reason.message(), reason.code()), (Some("The consumer is too slow"), Some("ws:TooMany")));
}

#[tokio::test]
async fn a_stream_that_fits_into_the_window_loses_nothing() {
    let pair = pair(Server::builder().service(Market));
    let prices = PricesProxy::new(&pair.client);
    let streams = [
        prices.oldest(4).await.expect("a stream"),
        prices.newest(4).await.expect("a stream"),
        prices.latest(4).await.expect("a stream"),
        prices.close(4).await.expect("a stream"),
    ];
    for stream in streams {
        let (items, lost, error) = take_through_window(stream).await;
        assert_eq!((items, lost), (vec![1, 2, 3, 4], 0));
        assert!(error.is_none(), "{error:?}");
    }
}

#[tokio::test]
async fn an_error_follows_the_buffered_items() {
    let pair = pair(Server::builder().service(Market));
    let items = PricesProxy::new(&pair.client).fails(9).await.expect("a stream").window(2);
    let (items, error) = until_error(items).await;
    assert_eq!(items, [1, 2, 9]);
    assert!(matches!(&error, Some(CallError::Handler(text)) if text == "the market is closed"), "{error:?}");
}

#[tokio::test]
async fn an_always_ready_source_does_not_block_the_connection() {
    let pair = pair(Server::builder().service(Market));
    let prices = PricesProxy::new(&pair.client);
    let mut items = prices.latest(u32::MAX).await.expect("a stream").window(1);
    assert!(matches!(items.next().await, Some(Ok(1))));
    let mut others = prices.wait(100).await.expect("a stream");
    while others.next().await.is_some() {}
    let latest = items.next().await.expect("an item").expect("a number");
    assert_eq!(u64::from(latest), 2 + items.lost());
}

#[tokio::test]
async fn the_number_of_lost_items_is_sent_with_the_next_item() {
    let server = Server::builder().service(Market).build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    assert_eq!(raw.ask(r#"{"a":["oldest",10],"c":"market","i":1}"#).await, json!({"i": 1, "h": 1}));
    raw.send(r#"{"a":["credit",2],"h":1}"#).await;
    raw.send(r#"{"a":["start"],"h":1}"#).await;
    assert_eq!(raw.receive().await, item(1, 1));
    assert_eq!(raw.receive().await, item(1, 2));
    raw.silence().await;
    raw.send(r#"{"a":["credit",2],"h":1}"#).await;
    assert_eq!(raw.receive().await, json!({"a": ["next", {"value": 9, "done": false, "lost": 6}], "h": 1}));
    assert_eq!(raw.receive().await, item(1, 10));
    raw.send(r#"{"a":["credit",1],"h":1}"#).await;
    assert_eq!(raw.receive().await, done(1));
}

#[tokio::test]
async fn a_consumer_without_credit_is_behind_until_it_responds() {
    let server = Server::builder().service(Market).build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    assert_eq!(raw.ask(r#"{"a":["latest",10],"c":"market","i":1}"#).await, json!({"i": 1, "h": 1}));
    let first = raw.ask(r#"{"a":["start"],"h":1}"#).await;
    assert_eq!(first["a"], json!(["next", {"value": 1, "done": false}]));
    let second = raw.ask(&json!({"i": first["i"]}).to_string()).await;
    assert_eq!(second["a"], json!(["next", {"value": 10, "done": false, "lost": 8}]));
    assert_eq!(raw.ask(&json!({"i": second["i"]}).to_string()).await, done(1));
}

#[tokio::test]
async fn lost_items_reported_by_a_peer_are_added_up() {
    let (mut raw, mut items, channel) = stream_of_raw(Limits::default()).await;
    request_item(&mut items);
    for lost in ["3", "0", "-1", "\"7\"", "4", "null"] {
        raw.send(&format!(r#"{{"a":["next",{{"value":1,"done":false,"lost":{lost}}}],"h":{channel}}}"#)).await;
    }
    raw.send(&format!(r#"{{"a":["next",{{"done":true,"lost":5}}],"h":{channel}}}"#)).await;
    let mut count = 0;
    while let Some(item) = items.next().await {
        count += item.expect("an item");
    }
    assert_eq!((count, items.lost()), (6, 12));
}

#[tokio::test]
async fn the_number_of_lost_items_saturates() {
    let (mut raw, mut items, channel) = stream_of_raw(Limits::default()).await;
    request_item(&mut items);
    let largest = (1_u64 << 53) - 1;
    for _ in 0..3_000 {
        raw.send(&format!(r#"{{"a":["next",{{"value":1,"lost":{largest}}}],"h":{channel}}}"#)).await;
    }
    raw.send(&done(channel).to_string()).await;
    let mut count = 0;
    while let Some(item) = items.next().await {
        count += item.expect("an item");
    }
    assert_eq!((count, items.lost()), (3_000, u64::MAX));
}

#[tokio::test]
async fn items_buffered_for_a_slow_consumer_are_limited() {
    let limits = Limits::default().max_stream_items(2);
    let pair = pair(Server::builder().service(Market).limits(limits));
    let prices = PricesProxy::new(&pair.client);
    let (items, lost, _) = take_through_window(prices.oldest(10).await.expect("a stream")).await;
    assert_eq!((items, lost), (vec![1, 2, 3, 4, 9, 10], 4));
}

#[tokio::test]
async fn the_number_of_lost_items_is_sent_with_the_finish_if_no_item_follows() {
    let server = Server::builder().service(Market).limits(Limits::default().max_stream_items(0));
    let pair = pair(server);
    let (items, lost, error) =
        take_through_window(PricesProxy::new(&pair.client).newest(10).await.expect("a stream")).await;
    assert_eq!((items, lost), (vec![1, 2, 3, 4], 6));
    assert!(error.is_none(), "{error:?}");
    // The latest item is buffered in any case.
    let (items, lost, error) =
        take_through_window(PricesProxy::new(&pair.client).oldest(10).await.expect("a stream")).await;
    assert_eq!((items, lost), (vec![1, 2, 3, 4, 10], 5));
    assert!(error.is_none(), "{error:?}");
    let (mut raw, _) = RawPeer::dial(&pair.server);
    assert_eq!(raw.ask(r#"{"a":["newest",10],"c":"market","i":1}"#).await, json!({"i": 1, "h": 1}));
    raw.send(r#"{"a":["credit",1],"h":1}"#).await;
    raw.send(r#"{"a":["start"],"h":1}"#).await;
    assert_eq!(raw.receive().await, item(1, 1));
    assert_eq!(raw.receive().await, json!({"a": ["next", {"done": true, "lost": 9}], "h": 1}));
}

#[tokio::test]
async fn a_rejected_item_reports_the_lost_items_again() {
    let server = Server::builder().service(Market).build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    raw.ask(r#"{"a":["latest",10],"c":"market","i":1}"#).await;
    let first = raw.ask(r#"{"a":["start"],"h":1}"#).await;
    assert_eq!(first["a"][1], json!({"value": 1, "done": false}));
    raw.silence().await;
    let mut latest = raw.ask(&json!({"i": first["i"]}).to_string()).await;
    for _ in 0..3 {
        assert_eq!(latest["a"][1], json!({"value": 10, "done": false, "lost": 8}));
        raw.send(&json!({"i": latest["i"], "e": "gone"}).to_string()).await;
        raw.silence().await;
        latest = raw.ask(r#"{"a":["start"],"h":1}"#).await;
    }
    let end = raw.ask(&json!({"i": latest["i"]}).to_string()).await;
    assert_eq!(end["a"][1], json!({"done": true}));
}
