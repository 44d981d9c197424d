//! Channels from the caller's view: accepted, late, and not taken.

use futures_util::FutureExt;
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wswrapper::{AnonymousChannel, CallError, Client, Context, connection::Counters, error::Reason};
use wswrapper_tests::{Alive, Log, RawPeer, until};

#[tokio::test]
async fn handlers_added_to_the_call_receive_the_first_events() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let (log, alive) = (Log::default(), Alive::default());
    let (seen, guard) = (log.clone(), alive.guard());
    let call = client.request::<AnonymousChannel>("make", ()).on("tick", move |n: i64| {
        let _ = &guard;
        seen.add(n.to_string());
        async {}
    });
    assert!(client.request::<AnonymousChannel>("make", ()).on("", || async {}).is_err());
    let call = tokio::spawn(call.expect("a valid name"));
    raw.receive().await;
    raw.write(r#"{"i":268435457,"h":1}"#);
    raw.write(r#"{"a":["tick",1],"h":268435457}"#);
    raw.send(r#"{"a":["tick",2],"h":268435457}"#).await;
    let channel = call.await.expect("no panic").expect("a channel");
    assert_eq!(log.has(2).await, ["1", "2"]);
    raw.silence().await;
    drop(channel);
    assert_eq!(raw.receive_text().await, r#"{"h":268435457,"x":{"message":"Request aborted"},"_":1}"#);
    assert_eq!(alive.count(), 0);
    // A rejected call keeps no handler.
    let guard = alive.guard();
    let call = client.request::<AnonymousChannel>("make", ()).on("tick", move || {
        let _ = &guard;
        async {}
    });
    let call = tokio::spawn(call.expect("a valid name"));
    raw.receive().await;
    raw.send(r#"{"i":268435458,"e":"no"}"#).await;
    assert!(call.await.expect("no panic").is_err());
    assert_eq!(alive.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_arrives_after_a_timeout_is_aborted_and_a_repeated_response_is_ignored() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let late = client.request::<AnonymousChannel>("make", ()).timeout(Duration::from_secs(1));
    let error = tokio::spawn(late).await.expect("no panic");
    assert!(matches!(error, Err(CallError::TimedOut)), "{error:?}");
    raw.receive().await;
    raw.receive().await;
    let aborted = json!({"h": 268_435_457, "x": {"message": "Request aborted"}, "_": 1});
    assert_eq!(raw.ask(r#"{"i":268435457,"h":1}"#).await, aborted);
    let call = tokio::spawn(client.request::<AnonymousChannel>("make", ()));
    raw.receive().await;
    raw.send(r#"{"i":268435458,"h":1}"#).await;
    raw.send(r#"{"i":268435458,"h":1}"#).await;
    raw.send(r#"{"i":268435458,"e":"no"}"#).await;
    let channel = call.await.expect("no panic").expect("a channel");
    raw.silence().await;
    assert!(!channel.is_closed());
    assert_eq!(client.counters().open_channels, 1);
}

#[tokio::test]
async fn an_arrived_channel_is_aborted_when_its_call_is_cancelled() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let alive = Alive::default();
    let guard = alive.guard();
    let call = client.request::<AnonymousChannel>("make", ()).on("tick", move || {
        let _ = &guard;
        async {}
    });
    let mut call = call.expect("a valid name");
    assert!((&mut call).now_or_never().is_none());
    raw.receive().await;
    raw.send(r#"{"i":268435457,"h":1}"#).await;
    until(|| client.counters().open_channels == 1).await;
    call.cancel(&Reason::new("not needed"));
    assert_eq!(raw.receive_text().await, r#"{"h":268435457,"x":{"message":"not needed"},"_":1}"#);
    raw.silence().await;
    assert_eq!((alive.count(), client.counters()), (0, Counters::default()));
}

#[tokio::test]
async fn calls_on_a_channel_fail_when_the_call_that_received_it_is_dropped() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let received = Arc::new(Mutex::new(None));
    let mut call = client
        .request::<AnonymousChannel>("make", ())
        .on("here", {
            let received = Arc::clone(&received);
            move |ctx: Context| {
                *received.lock().expect("no panic") = ctx.current_channel();
                async {}
            }
        })
        .expect("a valid name");
    assert!((&mut call).now_or_never().is_none());
    let id = raw.receive().await["i"].clone();
    raw.send(&json!({"i": id, "h": 1}).to_string()).await;
    raw.send(&json!({"a": ["here"], "h": id}).to_string()).await;
    until(|| received.lock().expect("no panic").is_some()).await;
    let channel = received.lock().expect("no panic").take().expect("the channel");
    let asked = tokio::spawn(channel.request::<u8>("ask", ()));
    assert_eq!(raw.receive().await["a"][0], "ask");
    drop(call);
    until(|| asked.is_finished()).await;
    assert!(matches!(asked.await.expect("no panic"), Err(CallError::ChannelClosed(_))));
    assert_eq!(client.counters(), Counters::default());
}
