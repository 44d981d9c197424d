//! Uploads that finish early: dropped, cancelled or failed.

use super::{DepotProxy, Even, WatchedSource, depot_server, nothing_is_left};
use futures_util::{FutureExt, StreamExt, stream};
use serde_json::json;
use std::error::Error;
use std::time::Duration;
use wswrapper::{
    CallError, Client, Limits,
    connection::Counters,
    error::{Reason, SendError},
};
use wswrapper_tests::{RawPeer, let_others_run, pair, pair_with, until};

#[tokio::test]
async fn dropping_the_call_drops_the_handler_and_the_source() {
    let (service, server) = depot_server();
    let pair = pair(server);
    let depot = DepotProxy::new(&pair.client);
    let source = WatchedSource::default();
    let call = tokio::spawn(depot.wait(source.numbers()));
    service.handlers.becomes(1).await;
    // The call has requested its result.
    let_others_run().await;
    call.abort();
    service.handlers.becomes(0).await;
    assert_eq!(service.log.has(1).await, ["Request aborted"]);
    assert_eq!(source.alive.count(), 0);
    nothing_is_left(&pair).await;
}

#[tokio::test]
async fn a_call_dropped_before_its_channel_opens_stops_the_handler() {
    let (service, server) = depot_server();
    let pair = pair(server);
    let mut call = DepotProxy::new(&pair.client).wait(stream::empty());
    // The call was sent, but no other task has run yet.
    assert!((&mut call).now_or_never().is_none());
    drop(call);
    assert_eq!(service.log.has(1).await, ["Request aborted"]);
    service.handlers.becomes(0).await;
    nothing_is_left(&pair).await;
}

#[tokio::test]
async fn a_call_dropped_after_its_channel_opened_stops_the_handler() {
    let (service, server) = depot_server();
    let pair = pair(server);
    let mut call = DepotProxy::new(&pair.client).wait(stream::empty());
    assert!((&mut call).now_or_never().is_none());
    until(|| pair.client.counters().open_channels == 1).await;
    drop(call);
    assert_eq!(service.log.has(1).await, ["Request aborted"]);
    service.handlers.becomes(0).await;
    nothing_is_left(&pair).await;
}

#[tokio::test]
async fn a_cancelled_call_carries_its_reason_to_the_handler() {
    let (service, server) = depot_server();
    let pair = pair(server);
    let mut calls = [0; 2].map(|_| DepotProxy::new(&pair.client).wait(stream::empty()));
    for call in &mut calls {
        assert!(call.now_or_never().is_none());
    }
    until(|| pair.client.counters().open_channels == 2).await;
    // The first call has noticed its channel and requested the result. The second was not polled since.
    assert!((&mut calls[0]).now_or_never().is_none());
    // The call has requested its result.
    let_others_run().await;
    for call in calls {
        call.cancel(&Reason::new("no more room"));
    }
    assert_eq!(service.log.has(2).await, ["no more room", "no more room"]);
    service.handlers.becomes(0).await;
    nothing_is_left(&pair).await;
}

#[tokio::test]
async fn a_lost_connection_fails_the_upload_and_stops_the_handler() {
    let (service, server) = depot_server();
    let pair = pair(server);
    let source = WatchedSource::default();
    let call = tokio::spawn(DepotProxy::new(&pair.client).wait(source.numbers()));
    service.handlers.becomes(1).await;
    // The call has requested its result.
    let_others_run().await;
    pair.peer.abort_connection();
    pair.peer.closed().await;
    let error = call.await.expect("no panic");
    assert!(matches!(error, Err(CallError::Closed(_))), "{error:?}");
    service.handlers.becomes(0).await;
    assert_eq!(service.log.has(1).await, ["Connection closed"]);
    source.alive.becomes(0).await;
    nothing_is_left(&pair).await;
}

#[tokio::test]
async fn a_panic_rejects_the_call_and_leaves_nothing_behind() -> Result<(), Box<dyn Error>> {
    let (service, server) = depot_server();
    let pair = pair(server);
    let depot = DepotProxy::new(&pair.client);
    for after in [0, 1, 100] {
        let source = WatchedSource::default();
        let error = depot.panics(after, source.numbers()).await;
        assert!(matches!(&error, Err(CallError::Rejected(r)) if r.message() == Some("internal error")), "{error:?}");
        source.alive.becomes(0).await;
    }
    service.handlers.becomes(0).await;
    let panics = [0, 1, 100].map(|after| format!("handler of `panics` panicked: after {after}"));
    assert_eq!(service.log.entries(), panics);
    assert_eq!(depot.quick().await?, 1);
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn an_item_that_cannot_be_encoded_fails_the_call_and_drops_the_handler() {
    let (service, server) = depot_server();
    let pair = pair(server);
    // A completed call that is not dropped keeps nothing at the remote endpoint.
    let mut call = DepotProxy::new(&pair.client).even(stream::iter([Even(2), Even(3), Even(4)]));
    let error = (&mut call).await;
    assert!(matches!(&error, Err(CallError::NotSent(SendError::EncodeItem(_)))), "{error:?}");
    assert_eq!(error.map_err(|error| error.to_string()), Err("an item cannot be encoded: 3 is odd".to_owned()));
    service.handlers.becomes(0).await;
    nothing_is_left(&pair).await;
    drop(call);
}

#[tokio::test]
async fn items_beyond_the_buffer_limit_fail_the_upload() {
    let (service, server) = depot_server();
    // Two items of 42 bytes exceed eight times the limit, which applies to items with credit.
    let pair = pair(server.limits(Limits::default().max_stream_bytes(10)));
    let source = WatchedSource::default();
    let error = DepotProxy::new(&pair.client).sum(0, source.numbers().map(|n| n + 1_000_000_000), "").await;
    assert!(matches!(error, Err(CallError::ChannelClosed(_))), "{error:?}");
    service.handlers.becomes(0).await;
    source.alive.becomes(0).await;
    nothing_is_left(&pair).await;
}

#[tokio::test]
async fn a_thousand_uploads_of_every_kind_leave_nothing_behind() -> Result<(), Box<dyn Error>> {
    let (service, server) = depot_server();
    let pair = pair(server);
    let depot = DepotProxy::new(&pair.client);
    let source = WatchedSource::default();
    for n in 0..1_000_usize {
        match n % 5 {
            0 => drop(depot.sum(0, stream::iter([1, 2]), "").await?),
            1 => drop(depot.first(1, source.numbers()).await?),
            2 => drop(depot.refuse(source.numbers()).await),
            3 => {
                let mut call = depot.wait(source.numbers());
                let _ = (&mut call).now_or_never();
                if n % 2 == 0 {
                    depot.quick().await?;
                    let _ = (&mut call).now_or_never();
                }
            }
            _ => drop(depot.slow(1, stream::iter([1])).timeout(Duration::ZERO).await),
        }
    }
    service.handlers.becomes(0).await;
    source.alive.becomes(0).await;
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn an_upload_moved_to_a_task_finishes_with_its_handler() -> Result<(), Box<dyn Error>> {
    let (service, server) = depot_server();
    let pair = pair(server);
    let depot = DepotProxy::new(&pair.client);
    depot.hand_on(false, stream::pending()).await?;
    service.handlers.becomes(0).await;
    assert_eq!(service.log.entries(), ["the channel was closed before an answer came: Channel closed"]);
    let call = tokio::spawn(depot.hand_on(true, stream::pending()));
    service.handlers.becomes(1).await;
    pair.peer.abort_connection();
    pair.peer.closed().await;
    service.handlers.becomes(0).await;
    let lost =
        "the connection was closed before an answer came: this endpoint closed the connection (status 1006): aborted";
    assert_eq!(service.log.entries()[1..], [lost]);
    assert!(matches!(call.await?, Err(CallError::Closed(_))));
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn an_upload_moved_to_a_task_finishes_when_its_caller_aborts() {
    let (service, server) = depot_server();
    let server = server.build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    assert_eq!(raw.ask(r#"{"a":["hand_on",true],"i":1,"m":{"u":1}}"#).await, json!({"i": 1, "h": 1}));
    assert_eq!(raw.receive().await["a"][0], "credit");
    assert_eq!(raw.receive().await["a"][0], "start");
    raw.send(r#"{"h":1,"x":{"message":"enough"},"_":1}"#).await;
    service.handlers.becomes(0).await;
    assert_eq!(service.log.entries(), ["enough"]);
    raw.silence().await;
    assert_eq!(peer.counters(), Counters::default());
}

#[tokio::test]
async fn an_error_for_a_dropped_upload_does_not_affect_another() {
    let server = depot_server().1.build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    assert_eq!(raw.ask(r#"{"a":["let_go",0],"i":1}"#).await, json!({"i": 1, "h": 1}));
    raw.send(r#"{"a":["result"],"h":1,"i":11}"#).await;
    assert_eq!(raw.ask(r#"{"a":["sum",40,"m"],"i":2,"m":{"u":1}}"#).await, json!({"i": 2, "h": 1}));
    assert_eq!(raw.receive().await["a"][0], "credit");
    assert_eq!(raw.receive().await["a"][0], "start");
    raw.send(r#"{"a":["result"],"h":2,"i":12}"#).await;
    raw.send(r#"{"h":1,"x":{"message":"the source of the first broke"},"_":1}"#).await;
    raw.send(r#"{"a":["next",{"value":2,"done":false}],"h":2}"#).await;
    assert_eq!(raw.ask(r#"{"a":["next",{"done":true}],"h":2}"#).await, json!({"i": 12, "d": "42 m"}));
}

#[tokio::test]
async fn a_call_that_cannot_request_its_result_stops_the_handler() {
    let (service, server) = depot_server();
    let limits = Limits::default().max_calls_in_flight(1);
    let pair = pair_with(server, Client::builder().limits(limits));
    let depot = DepotProxy::new(&pair.client);
    let mut call = depot.wait(stream::pending());
    assert!((&mut call).now_or_never().is_none());
    service.handlers.becomes(1).await;
    until(|| pair.client.calls_in_flight() == 0).await;
    let mut other = depot.quick();
    assert!((&mut other).now_or_never().is_none());
    let error = (&mut call).now_or_never();
    assert!(matches!(error, Some(Err(CallError::NotSent(SendError::TooManyCalls)))), "{error:?}");
    service.handlers.becomes(0).await;
    drop(call);
    assert_eq!(other.await.expect("an answer"), 1);
    nothing_is_left(&pair).await;
}

#[tokio::test]
async fn an_abort_wakes_the_task_that_a_call_was_moved_to() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let mut call = DepotProxy::new(&client).first(1, stream::iter([1]));
    assert!((&mut call).now_or_never().is_none());
    let id = raw.receive().await["i"].clone();
    raw.send(&json!({"i": id, "h": 1}).to_string()).await;
    raw.send(&json!({"a": ["credit", 4], "h": id}).to_string()).await;
    raw.send(&json!({"a": ["start"], "h": id}).to_string()).await;
    until(|| client.calls_in_flight() == 0).await;
    assert!((&mut call).now_or_never().is_none());
    for event in ["result", "next", "next"] {
        assert_eq!(raw.receive().await["a"][0], event);
    }
    let call = tokio::spawn(call);
    tokio::task::yield_now().await;
    raw.send(&json!({"h": id, "x": {"message": "enough"}, "_": 1}).to_string()).await;
    until(|| call.is_finished()).await;
    assert!(matches!(call.await.expect("no panic"), Err(CallError::ChannelClosed(_))));
}
