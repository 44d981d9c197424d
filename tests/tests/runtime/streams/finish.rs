//! Streams that finish, fail or are dropped.

use super::sources::{SourcesProxy, SourcesService};
use super::{all, done, expect_close, item, let_others_run, request_item, stream_of_raw, take_buffered, until_error};
use futures_util::FutureExt;
use serde_json::json;
use std::pin::pin;
use std::time::Duration;
use wswrapper::{
    CallError, Client, Limits, Server, Streaming,
    connection::Counters,
    error::{Reason, Rejection, ServiceError},
    server::ServerBuilder,
};
use wswrapper_tests::{Log, Pair, RawPeer, pair, until};

fn sources_server() -> (SourcesService, ServerBuilder) {
    let service = SourcesService::default();
    (service.clone(), Server::builder().service(service))
}

/// Pairs a client with a server whose errors are logged.
fn reporting_pair() -> (SourcesService, Log, Pair) {
    let (service, log) = (SourcesService::default(), Log::default());
    let server = Server::builder().service(service.clone()).on_error({
        let log = log.clone();
        move |_, error: &ServiceError| log.add(error.to_string())
    });
    let pair = pair(server);
    (service, log, pair)
}

#[tokio::test]
async fn dropping_a_stream_drops_its_producer() {
    let (service, server) = sources_server();
    let pair = pair(server);
    let proxy = SourcesProxy::new(&pair.client);
    let mut started = proxy.endless().await.expect("a stream");
    assert!(matches!(started.next().await, Some(Ok(1))));
    let new = proxy.endless().await.expect("a stream");
    assert_eq!(service.alive.count(), 2);
    drop(started);
    service.alive.becomes(1).await;
    drop(new);
    service.alive.becomes(0).await;
    assert_eq!(service.log.has(2).await, ["Request aborted", "Request aborted"]);
    assert_eq!((pair.peer.counters(), pair.client.counters()), (Counters::default(), Counters::default()));
}

#[tokio::test]
async fn dropping_a_stream_aborts_its_channel_once() {
    let (mut raw, mut items, channel) = stream_of_raw(Limits::default()).await;
    request_item(&mut items);
    raw.receive().await;
    raw.receive().await;
    drop(items);
    assert_eq!(raw.receive().await, json!({"h": channel, "x": {"message": "Request aborted"}, "_": 1}));
    expect_close(raw).await;
}

#[tokio::test]
async fn an_abort_carries_its_reason_to_the_handlers_context() {
    let (service, server) = sources_server();
    let pair = pair(server);
    let mut items = SourcesProxy::new(&pair.client).endless().await.expect("a stream");
    assert!(matches!(items.next().await, Some(Ok(1))));
    items.abort(&Reason::new("seen enough"));
    service.alive.becomes(0).await;
    assert_eq!(service.log.has(1).await, ["seen enough"]);
}

#[tokio::test]
async fn a_finished_stream_is_not_aborted() {
    let (mut raw, mut items, channel) = stream_of_raw(Limits::default()).await;
    request_item(&mut items);
    raw.receive().await;
    raw.receive().await;
    raw.send(&done(channel).to_string()).await;
    assert!(items.next().await.is_none());
    items.abort(&Reason::new("too late"));
    expect_close(raw).await;
}

#[tokio::test]
async fn dropping_a_call_before_its_stream_arrives_cancels_the_handler() {
    let (service, server) = sources_server();
    let pair = pair(server);
    let call = tokio::spawn(pair.client.request::<Streaming<u32, Rejection>>("late", ()));
    service.alive.becomes(1).await;
    assert_eq!(pair.peer.counters().handlers_in_flight, 1);
    call.abort();
    service.alive.becomes(0).await;
    assert_eq!(service.log.has(1).await, ["Request aborted"]);
    assert_eq!(pair.peer.counters(), Counters::default());
}

#[tokio::test]
async fn a_handler_cancelled_before_its_stream_opens_sends_nothing() {
    let (service, server) = sources_server();
    let server = server.build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    raw.send(r#"{"a":["late"],"i":1}"#).await;
    service.alive.becomes(1).await;
    raw.send(r#"{"i":1,"x":{"message":"enough"},"_":1}"#).await;
    service.alive.becomes(0).await;
    raw.silence().await;
    assert_eq!(service.log.has(1).await, ["enough"]);
    assert_eq!(peer.counters(), Counters::default());
}

#[tokio::test]
async fn a_stream_that_arrives_after_its_call_was_dropped_is_aborted() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let call = tokio::spawn(client.request::<Streaming<u32, Rejection>>("count", ()));
    let id = raw.receive().await["i"].clone();
    call.abort();
    assert_eq!(raw.receive().await, json!({"i": id, "x": {"message": "Request aborted"}, "_": 1}));
    let abort = raw.ask(&json!({"i": id, "h": 1}).to_string()).await;
    assert_eq!(abort, json!({"h": id, "x": {"message": "Request aborted"}, "_": 1}));
}

#[tokio::test]
async fn an_arrived_stream_is_aborted_when_its_call_is_dropped() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    {
        let mut call = pin!(client.request::<Streaming<u32, Rejection>>("count", ()));
        assert!(call.as_mut().now_or_never().is_none());
        let id = raw.receive().await["i"].clone();
        raw.send(&json!({"i": id, "h": 1}).to_string()).await;
        raw.send(&item(id.as_u64().expect("a number"), 1).to_string()).await;
        raw.silence().await;
        assert_eq!(client.calls_in_flight(), 0);
    }
    assert_eq!(raw.receive().await["x"], json!({"message": "Request aborted"}));
    raw.silence().await;
}

#[tokio::test]
async fn cancelling_a_call_whose_stream_has_arrived_carries_the_reason() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let mut call = client.request::<Streaming<u32, Rejection>>("count", ());
    assert!((&mut call).now_or_never().is_none());
    let id = raw.receive().await["i"].clone();
    raw.send(&json!({"i": id, "h": 1}).to_string()).await;
    raw.silence().await;
    call.cancel(&Reason::new("changed my mind"));
    assert_eq!(raw.receive().await, json!({"h": id, "x": {"message": "changed my mind"}, "_": 1}));
}

#[tokio::test]
async fn a_lost_connection_drops_the_producer_and_fails_the_consumer_after_the_buffered_items() {
    let (service, server) = sources_server();
    let pair = pair(server);
    let mut items = SourcesProxy::new(&pair.client).stalls(3).await.expect("a stream");
    request_item(&mut items);
    until(|| service.produced() == 3).await;
    let_others_run().await;
    pair.peer.abort_connection();
    pair.peer.closed().await;
    service.alive.becomes(0).await;
    pair.client.closed().await;
    let (items, error) = until_error(items).await;
    assert_eq!(items, [1, 2, 3]);
    assert!(matches!(error, Some(CallError::Closed(_))), "{error:?}");
}

#[tokio::test]
async fn a_disconnecting_client_drops_the_producer() {
    let (service, server) = sources_server();
    let pair = pair(server);
    let mut items = SourcesProxy::new(&pair.client).endless().await.expect("a stream");
    assert!(matches!(items.next().await, Some(Ok(1))));
    pair.client.abort_connection();
    pair.client.closed().await;
    service.alive.becomes(0).await;
    assert_eq!(service.log.has(1).await, ["Connection closed"]);
    let (items, error) = until_error(items).await;
    assert_eq!(items.first(), Some(&2));
    assert!(matches!(error, Some(CallError::Closed(_))), "{error:?}");
}

#[tokio::test]
async fn a_stream_keeps_a_clients_connection_open() {
    let (service, server) = sources_server();
    let pair = pair(server);
    let mut items = SourcesProxy::new(&pair.client).stalls(1).await.expect("a stream");
    drop(pair.client);
    assert!(matches!(items.next().await, Some(Ok(1))));
    assert!(pair.peer.is_open());
    drop(items);
    service.alive.becomes(0).await;
    assert_eq!(pair.peer.closed().await.code, 1000);
}

#[tokio::test]
async fn a_closing_server_fails_its_streams() {
    let (service, server) = sources_server();
    let pair = pair(server);
    let mut items = SourcesProxy::new(&pair.client).stalls(2).await.expect("a stream");
    request_item(&mut items);
    until(|| service.produced() == 2).await;
    pair.server.close();
    pair.server.closed().await;
    assert_eq!(service.alive.count(), 0);
    let (items, error) = until_error(items).await;
    assert_eq!(items, [1, 2]);
    assert!(matches!(error, Some(CallError::Closed(_))), "{error:?}");
}

#[tokio::test]
async fn a_stream_of_a_lost_connection_does_not_continue_after_a_rebind() {
    let (service, server) = sources_server();
    let pair = pair(server);
    let mut items = SourcesProxy::new(&pair.client).endless().await.expect("a stream");
    pair.peer.abort_connection();
    pair.peer.closed().await;
    pair.client.closed().await;
    let (local, remote) = wswrapper::transport::memory::pair();
    let peer = pair.server.accept_transport(remote).expect("the server is open");
    pair.client.rebind(local).await.expect("the connection was lost");
    assert!(matches!(items.next().await, Some(Err(CallError::Closed(_)))));
    assert!(items.next().await.is_none());
    let again = SourcesProxy::new(&pair.client).counted(3).await.expect("a stream");
    assert_eq!(all(again).await, [1, 2, 3]);
    service.alive.becomes(0).await;
    assert!(peer.is_open());
}

#[tokio::test]
async fn a_panicking_source_finishes_only_its_stream() {
    let (service, log, pair) = reporting_pair();
    let proxy = SourcesProxy::new(&pair.client);
    for after in [0, 3] {
        let (items, error) = until_error(proxy.panics(after).await.expect("a stream")).await;
        assert_eq!(items, (1..=after).collect::<Vec<_>>());
        assert!(matches!(&error, Some(CallError::Rejected(it)) if it.message() == Some("internal error")), "{error:?}");
    }
    service.alive.becomes(0).await;
    assert_eq!(log.entries(), ["handler of `panics` panicked: the source broke"; 2]);
    assert_eq!(proxy.echo(json!(1)).await.expect("an answer"), 1);
}

#[tokio::test]
async fn an_item_that_cannot_be_encoded_finishes_only_its_stream() {
    let (service, log, pair) = reporting_pair();
    let items = pair.client.request::<Streaming<serde_json::Value, Rejection>>("unwritable", ());
    let (items, error) = until_error(items.await.expect("a stream")).await;
    assert_eq!(items, [json!({})]);
    assert!(matches!(&error, Some(CallError::Handler(it)) if it.message() == Some("internal error")), "{error:?}");
    service.alive.becomes(0).await;
    assert_eq!(log.entries(), ["the result of `unwritable` cannot be encoded: key must be a string"]);
    let echo = SourcesProxy::new(&pair.client).echo(json!(1));
    assert_eq!(echo.await.expect("an answer"), 1);
}

#[tokio::test]
async fn details_of_an_items_internal_error_are_reported_and_not_sent() {
    let (service, log, pair) = reporting_pair();
    let items = SourcesProxy::new(&pair.client).confidential().await.expect("a stream");
    let (items, error) = until_error(items).await;
    assert_eq!(items, [1]);
    let Some(CallError::Handler(reason)) = error else { panic!("{error:?}") };
    assert_eq!(
        serde_json::to_value(&reason).expect("JSON"),
        json!({"message": "internal error", "code": "ws:Internal"})
    );
    service.alive.becomes(0).await;
    assert_eq!(log.entries(), ["handler of `confidential` failed: the password is 1234"]);
}

#[tokio::test]
async fn an_item_of_another_type_does_not_finish_the_stream() {
    let (mut raw, mut items, channel) = stream_of_raw(Limits::default()).await;
    request_item(&mut items);
    raw.receive().await;
    raw.receive().await;
    for value in ["1", "\"two\"", "-3", "4"] {
        raw.send(&format!(r#"{{"a":["next",{{"value":{value},"done":false}}],"h":{channel}}}"#)).await;
    }
    raw.silence().await;
    assert_eq!(take_buffered(&mut items), 1);
    assert!(matches!(items.next().await, Some(Err(CallError::Decode(_)))));
    assert!(matches!(items.next().await, Some(Err(CallError::Decode(_)))));
    assert_eq!(take_buffered(&mut items), 4);
}

#[tokio::test]
async fn an_abort_by_the_producer_follows_the_buffered_items() {
    let (mut raw, mut items, channel) = stream_of_raw(Limits::default()).await;
    request_item(&mut items);
    raw.send(&item(channel, 1).to_string()).await;
    raw.send(&item(channel, 2).to_string()).await;
    raw.send(&json!({"h": channel, "x": {"message": "sold out", "code": "Gone"}, "_": 1}).to_string()).await;
    let (items, error) = until_error(items).await;
    assert_eq!(items, [1, 2]);
    let Some(CallError::Handler(reason)) = error else { panic!("{error:?}") };
    assert_eq!((reason.message(), reason.code()), (Some("sold out"), Some("Gone")));
}

#[tokio::test]
async fn a_value_instead_of_a_stream_fails_the_call() {
    let (service, server) = sources_server();
    let pair = pair(server);
    let answer = pair.client.request::<Streaming<u32, Rejection>>("echo", (5,)).await;
    let Err(CallError::Decode(error)) = answer else { panic!("{answer:?}") };
    assert_eq!(error.to_string(), "the answer is a value, expected a stream");
    let (mut raw, client) = RawPeer::accept(Client::builder());
    for answer in ["", ",\"d\":null", ",\"d\":[1,2]", ",\"h\":null"] {
        let call = tokio::spawn(client.request::<Streaming<u32, Rejection>>("count", ()));
        let id = raw.receive().await["i"].clone();
        raw.send(&format!(r#"{{"i":{id}{answer}}}"#)).await;
        let got = call.await.expect("no panic");
        assert!(matches!(got, Err(CallError::Decode(_))), "{answer}: {got:?}");
    }
    raw.silence().await;
    assert_eq!(service.alive.count(), 0);
}

#[tokio::test]
async fn a_channel_instead_of_a_value_is_read_as_null_and_aborted() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let call = tokio::spawn(client.request::<Option<u8>>("maybe", ()));
    let id = raw.receive().await["i"].clone();
    let abort = raw.ask(&json!({"i": id, "h": 1}).to_string()).await;
    assert_eq!(abort, json!({"h": id, "x": {"message": "Request aborted"}, "_": 1}));
    assert_eq!(call.await.expect("no panic").expect("an answer"), None);
    let (service, server) = sources_server();
    let pair = pair(server);
    let error = pair.client.request::<u32>("endless", ()).await;
    let Err(CallError::Decode(error)) = error else { panic!("{error:?}") };
    assert_eq!(error.to_string(), "the answer is a channel, expected a value");
    service.alive.becomes(0).await;
}

#[tokio::test(start_paused = true)]
async fn a_timeout_covers_a_call_only_until_its_stream_arrives() {
    let (service, server) = sources_server();
    let pair = pair(server);
    let proxy = SourcesProxy::new(&pair.client);
    for wait in [0, 500] {
        let mut items = proxy.slow(wait).timeout(Duration::from_secs(1)).await.expect("a stream").window(2);
        tokio::time::sleep(Duration::from_secs(1_000)).await;
        assert!(matches!(items.next().await, Some(Ok(1))));
        tokio::time::sleep(Duration::from_secs(1_000)).await;
        assert!(matches!(items.next().await, Some(Ok(2))));
        assert!(matches!(items.next().await, Some(Ok(3))));
    }
    let error = proxy.slow(2_000).timeout(Duration::from_secs(1)).await;
    assert!(matches!(error, Err(CallError::TimedOut)), "{error:?}");
    service.alive.becomes(0).await;
    assert_eq!(pair.peer.counters(), Counters::default());
}
