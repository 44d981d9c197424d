//! Events and tasks that wait for a channel to be opened, and callers that know no result type.

use super::{built_channel_server, channel_pair};
use serde_json::json;
use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{self, Wake, Waker};
use std::time::Duration;
use tokio::sync::Notify;
use wswrapper::{
    AnonymousChannel, CallError, Client, Context, Limits, Peer, Server,
    call::Emit,
    connection::ValueOrChannel,
    error::{Rejection, SendError},
    ws_service,
};
use wswrapper_tests::{Log, RawPeer, nothing_is_left, pair};

#[ws_service]
trait Ticks {
    #[ws(event)]
    async fn tick(&self, n: u32);
    async fn ask(&self) -> u32;
}

/// Adds a handler `make`, which sends events on its channel before it returns it.
fn serve_early_events(server: &Server) {
    let make = |ctx: Context| async move {
        let channel = ctx.open_channel();
        let ticks = TicksProxy::new(&channel);
        ticks.tick(1).await.map_err(|error| Rejection::new(error.to_string()))?;
        channel.emit("tick", (2,)).await.map_err(|error| Rejection::new(error.to_string()))?;
        tokio::spawn({
            let channel = channel.clone();
            async move {
                channel.opened().await?;
                channel.emit("tick", (3,)).await
            }
        });
        Ok::<_, Rejection>(channel)
    };
    server.on("make", make).expect("a valid name");
}

#[tokio::test]
async fn events_sent_before_a_channel_is_returned_follow_its_response() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    serve_early_events(&server);
    let (mut raw, _) = RawPeer::dial(&server);
    raw.send(r#"{"a":["make"],"i":7}"#).await;
    assert_eq!(raw.receive_text().await, r#"{"i":7,"h":1}"#);
    assert_eq!(raw.receive_text().await, r#"{"a":["tick",1],"h":7}"#);
    assert_eq!(raw.receive_text().await, r#"{"a":["tick",2],"h":7}"#);
    assert_eq!(raw.receive_text().await, r#"{"a":["tick",3],"h":7}"#);
    raw.silence().await;
    Ok(())
}

#[tokio::test]
async fn the_callers_handlers_receive_events_that_were_sent_before_the_channel_was_returned()
-> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder());
    serve_early_events(&pair.server);
    let log = Log::default();
    let seen = log.clone();
    let on_tick = move |n: u32| {
        seen.add(n.to_string());
        async {}
    };
    let channel = pair.client.request::<AnonymousChannel>("make", ()).on("tick", on_tick)?.await?;
    assert_eq!(log.has(3).await, ["1", "2", "3"]);
    assert!(!channel.is_closed());
    Ok(())
}

#[tokio::test]
async fn a_channel_that_is_never_opened_sends_nothing() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let channels = Arc::new(Mutex::new(Vec::new()));
    let made = Arc::clone(&channels);
    server.on("keep", move |ctx: Context| {
        let made = Arc::clone(&made);
        async move {
            let channel = ctx.open_channel();
            let sent = channel.emit("tick", (1,)).await.is_ok();
            made.lock().expect("no panic").push(channel);
            sent
        }
    })?;
    let (mut raw, _) = RawPeer::dial(&server);
    assert_eq!(raw.ask(r#"{"a":["keep"],"i":1}"#).await, json!({"i": 1, "d": true}));
    raw.silence().await;
    let channel = channels.lock().expect("no panic")[0].clone();
    assert!(matches!(channel.opened().await, Err(SendError::ChannelClosed { channel: None })));
    assert!(matches!(channel.emit("tick", (2,)).await, Err(SendError::ChannelClosed { channel: None })));
    Ok(())
}

#[tokio::test]
async fn an_emit_that_was_created_before_the_channel_was_closed_fails() -> Result<(), Box<dyn Error>> {
    let (service, pair) = channel_pair();
    let call = tokio::spawn(pair.client.request::<AnonymousChannel>("waits", ()));
    service.alive.becomes(1).await;
    let remote = service.last_channel();
    let (early, late) = (remote.emit("x", (1,)), remote.emit("x", (2,)));
    early.await?;
    remote.close();
    assert!(matches!(late.await, Err(SendError::ChannelClosed { .. })));
    service.resume.notify_one();
    assert!(call.await?.is_err());
    Ok(())
}

#[tokio::test]
async fn an_emit_that_was_created_before_the_channel_was_opened_is_sent_on_it() -> Result<(), Box<dyn Error>> {
    let (service, server) = built_channel_server();
    let (mut raw, _) = RawPeer::dial(&server);
    raw.send(r#"{"a":["waits"],"i":5}"#).await;
    service.alive.becomes(1).await;
    let emit = service.last_channel().emit("x", (1,));
    service.resume.notify_one();
    assert_eq!(raw.receive_text().await, r#"{"i":5,"h":1}"#);
    emit.await?;
    assert_eq!(raw.receive_text().await, r#"{"a":["x",1],"h":5}"#);
    Ok(())
}

#[tokio::test]
async fn events_that_wait_for_their_channel_are_bounded() -> Result<(), Box<dyn Error>> {
    let limits = Limits::default().max_outgoing_message_size(2_000).max_outbound_bytes(3_000);
    let server = Server::builder().limits(limits).build()?;
    let log = Log::default();
    let errors = log.clone();
    server.on("make", move |ctx: Context| {
        let errors = errors.clone();
        async move {
            let channel = ctx.open_channel();
            let kilobyte = "x".repeat(1_000);
            for _ in 0..3 {
                errors.add(format!("{:?}", channel.emit("tick", (&kilobyte,)).await));
            }
            errors.add(format!("{:?}", channel.emit("tick", (kilobyte.repeat(2),)).await.map_err(|e| e.to_string())));
            Ok::<_, Rejection>(channel)
        }
    })?;
    let (mut raw, _) = RawPeer::dial(&server);
    raw.send(r#"{"a":["make"],"i":1}"#).await;
    let too_large = r#"Err("the message has 2038 bytes, and `max_outgoing_message_size` is 2000")"#;
    assert_eq!(log.has(4).await, ["Ok(())", "Ok(())", "Err(Full)", too_large]);
    assert_eq!(raw.receive_text().await, r#"{"i":1,"h":1}"#);
    assert_eq!((raw.receive_text().await.len(), raw.receive_text().await.len()), (1_023, 1_023));
    raw.silence().await;
    Ok(())
}

#[tokio::test]
async fn events_that_wait_are_bounded_for_all_channels_of_a_connection_together() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().limits(Limits::default().max_outbound_bytes(3_000)).build()?;
    let (log, resume) = (Log::default(), Arc::new(Notify::new()));
    let (results, wait) = (log.clone(), Arc::clone(&resume));
    server.on("make", move |ctx: Context, returns: bool| {
        let (results, wait) = (results.clone(), Arc::clone(&wait));
        async move {
            let channel = ctx.open_channel();
            results.add(format!("{:?}", channel.emit("x", ("y".repeat(1_000),)).await));
            if returns {
                wait.notified().await;
            }
            if returns { Ok(channel) } else { Err(Rejection::new("no channel")) }
        }
    })?;
    let (mut raw, peer) = RawPeer::dial(&server);
    // A channel that was closed gives its bytes back.
    for id in 1..=5 {
        raw.ask(&format!(r#"{{"a":["make",false],"i":{id}}}"#)).await;
    }
    for id in 6..=8 {
        raw.send(&format!(r#"{{"a":["make",true],"i":{id}}}"#)).await;
    }
    let results = log.has(8).await;
    assert_eq!(results[..7], ["Ok(())"; 7]);
    assert_eq!(results[7], "Err(Full)");
    raw.silence().await;
    assert!((2_000..3_000).contains(&server.buffered_bytes()), "{}", server.buffered_bytes());
    resume.notify_waiters();
    raw.receive_text().await;
    peer.close(1000, "");
    Ok(())
}

#[tokio::test]
async fn an_early_event_that_failed_fails_when_it_is_polled_again() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().limits(Limits::default().max_outgoing_message_size(200)).build()?;
    let log = Log::default();
    let results = log.clone();
    server.on("make", move |ctx: Context| {
        let results = results.clone();
        async move {
            let channel = ctx.open_channel();
            let mut emit = channel.emit("x", ("y".repeat(180),));
            results.add(format!("{} {}", (&mut emit).await.is_err(), (&mut emit).await.is_err()));
            Ok::<_, Rejection>(channel)
        }
    })?;
    let (mut raw, _) = RawPeer::dial(&server);
    assert_eq!(raw.ask(r#"{"a":["make"],"i":1}"#).await, json!({"i": 1, "h": 1}));
    assert_eq!(log.entries(), ["true true"]);
    Ok(())
}

/// A waker that sends an event, as an executor that polls in `wake` would.
struct SendsWhenWoken(Mutex<Option<Pin<Box<Emit>>>>);

impl Wake for SendsWhenWoken {
    fn wake(self: Arc<Self>) {
        let emit = self.0.lock().expect("no panic").take();
        if let Some(mut emit) = emit {
            let _ = emit.as_mut().poll(&mut task::Context::from_waker(Waker::noop()));
        }
    }
}

#[tokio::test]
async fn a_waker_of_those_who_wait_for_a_channel_may_use_it() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    server.on("make", |ctx: Context| async move {
        let channel = ctx.open_channel();
        let emit = Box::pin(channel.emit("x", (1,)));
        let waker = Waker::from(Arc::new(SendsWhenWoken(Mutex::new(Some(emit)))));
        let waiting = channel.clone();
        let mut opened = Box::pin(async move { waiting.opened().await });
        assert!(opened.as_mut().poll(&mut task::Context::from_waker(&waker)).is_pending());
        // Dropped after the channel was opened.
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            drop(opened);
        });
        Ok::<_, Rejection>(channel)
    })?;
    let (mut raw, _) = RawPeer::dial(&server);
    raw.send(r#"{"a":["make"],"i":1}"#).await;
    assert_eq!(raw.receive_text().await, r#"{"i":1,"h":1}"#);
    assert_eq!(raw.receive_text().await, r#"{"a":["x",1],"h":1}"#);
    Ok(())
}

#[tokio::test]
async fn a_received_channel_is_open() -> Result<(), Box<dyn Error>> {
    let (_service, pair) = channel_pair();
    let channel: AnonymousChannel = pair.client.request("make", ()).await?;
    channel.opened().await?;
    channel.close();
    assert!(matches!(channel.opened().await, Err(SendError::ChannelClosed { .. })));
    Ok(())
}

#[tokio::test]
async fn a_once_handler_of_a_call_receives_one_event() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder());
    serve_early_events(&pair.server);
    let log = Log::default();
    let (first, others) = (log.clone(), log.clone());
    let call = pair.client.request::<AnonymousChannel>("make", ()).once("tick", move |n: u32| {
        first.add(format!("first {n}"));
        async {}
    })?;
    let call = call.on("tick", move |n: u32| {
        others.add(n.to_string());
        async {}
    })?;
    let _channel = call.await?;
    assert_eq!(log.has(3).await, ["first 1", "2", "3"]);
    Ok(())
}

#[tokio::test]
async fn a_caller_that_does_not_know_the_result_receives_a_value_or_a_channel() -> Result<(), Box<dyn Error>> {
    let (_service, pair) = channel_pair();
    let client = &pair.client;
    let ValueOrChannel::Channel(channel) = client.request::<ValueOrChannel<u8>>("make", ()).await? else {
        panic!("a value instead of a channel");
    };
    assert_eq!(channel.request::<i64>("add", (1, 2)).await?, 3);
    assert!(matches!(client.request::<ValueOrChannel<u8>>("quick", ()).await?, ValueOrChannel::Value(1)));
    let error = client.request::<ValueOrChannel<String>>("quick", ()).await;
    assert!(matches!(error, Err(CallError::Decode(_))), "{error:?}");
    drop(channel);
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn a_proxy_can_be_the_result_of_a_call_by_name() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    server.on("ticks", |ctx: Context| async move {
        let channel = ctx.open_channel();
        channel.on("ask", || async { 42 })?;
        Ok::<_, Rejection>(channel)
    })?;
    let (local, remote) = wswrapper::transport::memory::pair();
    server.accept_transport(remote)?;
    let client = Client::connect_transport(local)?;
    let ticks: TicksProxy<AnonymousChannel> = client.request("ticks", ()).await?;
    assert_eq!(ticks.ask().await?, 42);
    Ok(())
}

/// Checks that the type of a result is inferred.
#[tokio::test]
async fn the_result_of_a_call_by_name_is_inferred() -> Result<(), Box<dyn Error>> {
    async fn sum(peer: &Peer) -> Result<u64, CallError<Rejection>> {
        let numbers: Vec<u64> = peer.request("numbers", ()).await?;
        Ok(numbers.iter().sum())
    }
    let pair = pair(Server::builder());
    pair.server.on("numbers", || async { vec![1_u64, 2, 3] })?;
    assert_eq!(sum(pair.client.peer()).await?, 6);
    Ok(())
}
