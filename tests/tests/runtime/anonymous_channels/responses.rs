//! Channels that a handler may return, and channels that it may not.

use super::{built_channel_server, channel_pair};
use serde_json::json;
use std::error::Error;
use wswrapper::{
    AnonymousChannel, CallError, Client,
    connection::Counters,
    error::{Reason, SendError},
};
use wswrapper_tests::{RawPeer, nothing_is_left, until};

#[tokio::test]
async fn requests_on_a_channel_fail_until_it_is_returned() -> Result<(), Box<dyn Error>> {
    let (service, pair) = channel_pair();
    let call = tokio::spawn(pair.client.request::<AnonymousChannel>("waits", ()));
    service.alive.becomes(1).await;
    let remote = service.last_channel();
    let error = remote.request::<u8>("x", ()).await;
    assert!(matches!(error, Err(CallError::NotSent(SendError::ChannelNotOpen))), "{error:?}");
    assert!(!remote.is_closed());
    service.resume.notify_one();
    let local = call.await??;
    local.on("x", || async { 5 })?;
    assert_eq!(remote.request::<u8>("x", ()).await?, 5);
    Ok(())
}

#[tokio::test]
async fn a_channel_that_is_not_returned_is_closed_when_its_handler_finishes() -> Result<(), Box<dyn Error>> {
    let (service, pair) = channel_pair();
    let client = &pair.client;
    assert_eq!(client.request::<u8>("keeps", ()).await?, 7);
    assert_eq!((service.alive.count(), service.last_channel().is_closed()), (0, true));
    assert!(matches!(service.last_channel().emit("x", ()).await, Err(SendError::ChannelClosed { .. })));
    assert_eq!(service.last_channel().close_signal().reason().and_then(Reason::message), Some("Channel closed"));
    assert!(client.request::<AnonymousChannel>("fails", ()).await.is_err());
    assert!(client.request::<u8>("panics", ()).await.is_err());
    until(|| service.alive.count() == 0 && service.last_channel().is_closed()).await;
    assert_eq!(service.channels.lock().expect("no panic").len(), 3);
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn a_channel_opened_after_its_handler_finished_is_closed() -> Result<(), Box<dyn Error>> {
    let (service, pair) = channel_pair();
    pair.client.request::<()>("late", ()).await?;
    service.resume.notify_one();
    assert_eq!(service.log.has(1).await, ["true"]);
    assert_eq!(service.alive.count(), 0);
    Ok(())
}

#[tokio::test]
async fn a_closed_channel_cannot_be_returned() -> Result<(), Box<dyn Error>> {
    let (service, pair) = channel_pair();
    let refused = pair.client.request::<AnonymousChannel>("closed", ()).await;
    assert!(matches!(&refused, Err(CallError::Handler(r)) if r.message() == Some("The channel is closed")));
    assert_eq!(service.alive.count(), 0);
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn a_channel_can_be_returned_for_one_request_of_its_own_connection() -> Result<(), Box<dyn Error>> {
    let (service, pair) = channel_pair();
    let local = pair.client.request::<AnonymousChannel>("make", ()).await?;
    let refused = pair.client.request::<AnonymousChannel>("again", ()).await;
    let already_open = "The channel is open already";
    assert!(matches!(&refused, Err(CallError::Handler(r)) if r.message() == Some(already_open)), "{refused:?}");
    assert_eq!(local.request::<i64>("add", (1, 2)).await?, 3);
    // A channel of one connection cannot be returned to another.
    let waits = tokio::spawn(pair.client.request::<AnonymousChannel>("waits", ()));
    service.alive.becomes(2).await;
    let (other_local, other_remote) = wswrapper::transport::memory::pair();
    let other = pair.server.accept_transport(other_remote)?;
    let other_client = Client::connect_transport(other_local)?;
    let refused = other_client.request::<AnonymousChannel>("again", ()).await;
    let other_connection = "The channel is another connection's";
    assert!(matches!(&refused, Err(CallError::Handler(r)) if r.message() == Some(other_connection)), "{refused:?}");
    assert_eq!((other.counters(), other_client.counters()), (Counters::default(), Counters::default()));
    service.resume.notify_one();
    assert_eq!(waits.await??.request::<i64>("add", (1, 2)).await?, 3);
    drop(local);
    service.alive.becomes(0).await;
    nothing_is_left(&pair).await;
    assert!(service.log.entries().is_empty(), "{:?}", service.log.entries());
    Ok(())
}

#[tokio::test]
async fn an_event_cannot_be_answered_with_a_channel() {
    let (service, server) = built_channel_server();
    let (mut raw, peer) = RawPeer::dial(&server);
    raw.send(r#"{"a":["make"]}"#).await;
    let why = "`make` answers with a channel, and an event has no answer";
    assert_eq!(service.log.has(1).await, [format!("handler of event `make` failed: {why}")]);
    service.alive.becomes(0).await;
    raw.silence().await;
    assert_eq!(peer.counters(), Counters::default());
}

#[tokio::test]
async fn a_request_cancelled_before_its_channel_is_returned_opens_no_channel() {
    let (service, server) = built_channel_server();
    let (mut raw, _) = RawPeer::dial(&server);
    raw.send(r#"{"a":["waits"],"i":1}"#).await;
    service.alive.becomes(1).await;
    raw.send(r#"{"i":1,"x":{"message":"never mind"},"_":1}"#).await;
    service.alive.becomes(0).await;
    service.resume.notify_one();
    raw.silence().await;
    assert!(service.last_channel().is_closed());
    let gone = json!({"message": "Anonymous channel '1' does not exist", "code": "ws:UnknownChannel"});
    assert_eq!(raw.ask(r#"{"a":["add",1,2],"h":1}"#).await, json!({"h": 1, "x": gone, "_": 1}));
}
