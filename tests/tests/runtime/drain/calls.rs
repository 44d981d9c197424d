//! Calls while a server drains.

use super::{LONG, WorkProxy, desk, expect_close, numbers, rejection};
use serde_json::json;
use std::error::Error;
use std::time::Duration;
use tokio::time::Instant;
use wswrapper::{CallError, Limits, Server, ws_handlers};
use wswrapper_tests::{Alive, RawPeer, let_others_run, pair};

#[tokio::test(start_paused = true)]
async fn a_running_call_is_answered_while_a_new_one_is_rejected() -> Result<(), Box<dyn Error>> {
    let (desk, server) = desk();
    let pair = pair(server);
    let began = Instant::now();
    let running = tokio::spawn(WorkProxy::new(&pair.client).sleep(3_000));
    desk.handlers.becomes(1).await;
    let shutdown = pair.server.shutdown(LONG);
    assert!(pair.server.is_draining() && !pair.server.is_closing());
    let new = WorkProxy::new(&pair.client).sleep(1).await;
    assert!(matches!(&new, Err(CallError::Rejected(rejection)) if rejection.code() == Some("ws:Draining")), "{new:?}");
    assert_eq!(running.await??, 3_000);
    let closed = pair.client.closed().await;
    assert_eq!((closed.code, closed.reason.as_str()), (1001, "the server is closing"));
    assert_eq!(numbers(shutdown.await), (1, 0, 0));
    assert!(!pair.server.is_draining() && pair.server.is_closing());
    assert_eq!(began.elapsed().as_secs(), 3);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_drain_event_arrives_before_the_first_rejection() -> Result<(), Box<dyn Error>> {
    let (desk, server) = desk();
    let server = server.drain_event("moving").build()?;
    let (mut raw, _) = RawPeer::dial(&server);
    raw.send(r#"{"a":["sleep",1000],"i":1}"#).await;
    desk.handlers.becomes(1).await;
    let shutdown = server.shutdown(LONG);
    // Requests for a value, a stream, an upload, a scoped service, and one that nothing handles.
    for (id, event) in (2..).zip([r#""sleep",1"#, r#""count",1"#, r#""sum""#, r#""register""#, r#""unknown""#]) {
        raw.write(
            &json!({"a": serde_json::from_str::<serde_json::Value>(&format!("[{event}]"))?, "i": id}).to_string(),
        );
    }
    raw.send(r#"{"a":["note","an event"]}"#).await;
    assert_eq!(raw.receive().await, json!({"a": ["moving"]}));
    for id in 2..7 {
        assert_eq!(raw.receive().await, rejection(id));
    }
    assert_eq!(raw.receive().await, json!({"i": 1, "d": 1000}));
    expect_close(&mut raw).await?;
    assert_eq!(desk.log.entries(), ["an event"]);
    assert_eq!(numbers(shutdown.await), (1, 0, 0));
    Ok(())
}

#[tokio::test]
async fn an_invalid_name_of_the_drain_event_is_an_error_of_the_build() {
    let error = Server::builder().drain_event("").build().expect_err("it is empty");
    assert!(matches!(error, wswrapper::error::MountError::Name(_)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_handler_of_an_event_holds_up_the_drain() -> Result<(), Box<dyn Error>> {
    let (desk, server) = desk();
    let pair = pair(server);
    let began = Instant::now();
    WorkProxy::new(&pair.client).slow_note("written".to_owned()).await?;
    desk.handlers.becomes(1).await;
    assert_eq!(numbers(pair.server.shutdown(LONG).await), (1, 0, 0));
    assert_eq!((desk.log.entries(), began.elapsed().as_secs()), (vec!["written".to_owned()], 2));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_running_handler_may_still_call_its_peer() -> Result<(), Box<dyn Error>> {
    let (desk, server) = desk();
    let pair = pair(server);
    pair.client.on("confirm", || async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        true
    })?;
    let running = tokio::spawn(WorkProxy::new(&pair.client).confirmed());
    desk.handlers.becomes(1).await;
    let shutdown = pair.server.shutdown(LONG);
    assert!(running.await??);
    assert_eq!(numbers(shutdown.await), (1, 0, 0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_of_the_server_holds_up_the_drain() -> Result<(), Box<dyn Error>> {
    let pair = pair(desk().1);
    pair.client.on("slow", || async {
        tokio::time::sleep(Duration::from_secs(4)).await;
        7
    })?;
    let call = tokio::spawn(pair.peer.request::<u8>("slow", ()));
    let_others_run().await;
    let began = Instant::now();
    assert_eq!(numbers(pair.server.shutdown(LONG).await), (1, 0, 0));
    assert_eq!((call.await??, began.elapsed().as_secs()), (7, 4));
    Ok(())
}

#[derive(Clone, Default)]
struct Slow(Alive);

#[ws_handlers]
impl Slow {
    #[ws(handler)]
    async fn one(&self, milliseconds: u64) -> u64 {
        let _alive = self.0.guard();
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        milliseconds
    }
}

#[tokio::test(start_paused = true)]
async fn calls_that_were_held_before_the_drain_run_and_later_ones_are_rejected_at_once() -> Result<(), Box<dyn Error>> {
    let slow = Slow::default();
    let server = Server::builder().service(slow.clone()).limits(Limits::default().max_handlers_in_flight(1));
    let server = server.build()?;
    let (mut raw, _) = RawPeer::dial(&server);
    raw.write(r#"{"a":["one",1000],"i":1}"#);
    raw.send(r#"{"a":["one",2000],"i":2}"#).await;
    slow.0.becomes(1).await;
    let_others_run().await;
    let shutdown = server.shutdown(LONG);
    let began = Instant::now();
    assert_eq!(raw.ask(r#"{"a":["one",3],"i":3}"#).await, rejection(3));
    assert_eq!(began.elapsed().as_secs(), 0);
    assert_eq!(raw.receive().await, json!({"i": 1, "d": 1000}));
    assert_eq!(raw.receive().await, json!({"i": 2, "d": 2000}));
    expect_close(&mut raw).await?;
    assert_eq!(numbers(shutdown.await), (1, 0, 0));
    Ok(())
}
