//! Timeouts, cancellation, disconnection and closing.

mod capacity;
mod close_causes;
mod close_hooks;
mod close_order;
mod closing;
mod epochs;
mod flush;
mod open_hooks;
mod panics;
mod rebinding;
mod uploads;
mod wakers;

use serde_json::json;
use std::time::Duration;
use wswrapper::{
    CallError, Client, Context, Limits, Peer, Server, connection::CloseCause, error::SendError, server::ServerBuilder,
    ws_handlers,
};
use wswrapper_tests::{Alive, Guard, Log, RawPeer, pair, until};

/// A service with slow handlers.
#[derive(Clone, Default)]
struct Slow {
    handlers: Alive,
    log: Log,
}

#[ws_handlers]
impl Slow {
    pub async fn wait(&self, ctx: Context) -> u8 {
        let _alive = self.handlers.guard();
        let log = self.log.clone();
        tokio::spawn(async move { log.add(ctx.cancelled().await.to_string()) });
        std::future::pending().await
    }

    pub async fn sleep(&self, milliseconds: u64) -> u64 {
        let _alive = self.handlers.guard();
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        milliseconds
    }

    pub async fn waits(&self, ctx: Context) -> Option<u64> {
        ctx.caller_timeout().map(|wait| wait.as_secs())
    }

    pub async fn quick(&self) -> u8 {
        1
    }
}

fn slow_server() -> (Slow, ServerBuilder) {
    let slow = Slow::default();
    (slow.clone(), Server::builder().service(slow))
}

#[tokio::test(start_paused = true)]
async fn a_call_that_times_out_fails_and_cancels_its_handler() {
    let (slow, server) = slow_server();
    let pair = pair(server);
    let error = SlowProxy::new(&pair.client).wait().timeout(Duration::from_secs(3)).await;
    assert!(matches!(error, Err(CallError::TimedOut)), "{error:?}");
    slow.handlers.becomes(0).await;
    assert_eq!(slow.log.has(1).await.len(), 1);
    assert_eq!(pair.client.calls_in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn every_call_has_a_default_timeout_that_it_can_override() {
    let (_, server) = slow_server();
    let (local, remote) = wswrapper::transport::memory::pair();
    let server = server.build().expect("it can be mounted");
    server.accept_transport(remote).expect("the server is open");
    let limits = Limits::default().call_timeout(Some(Duration::from_secs(10)));
    let client = Client::builder().limits(limits).connect_transport(local).expect("nothing to mount");
    let proxy = SlowProxy::new(&client);
    assert!(matches!(proxy.sleep(11_000).await, Err(CallError::TimedOut)));
    assert!(matches!(proxy.sleep(9_000).await, Ok(9_000)));
    assert!(matches!(proxy.sleep(11_000).timeout(Duration::from_secs(20)).await, Ok(11_000)));
    assert!(matches!(proxy.waits().await, Ok(None)), "the default timeout is not sent");
    assert!(matches!(proxy.waits().timeout(Duration::from_secs(20)).await, Ok(Some(20))));
}

#[tokio::test(start_paused = true)]
async fn a_handler_is_cancelled_when_its_callers_deadline_passes() {
    let (slow, server) = slow_server();
    let server = server.build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    raw.send(r#"{"a":["wait"],"i":1,"m":{"t":5000}}"#).await;
    slow.handlers.becomes(1).await;
    tokio::time::sleep(Duration::from_millis(4_900)).await;
    assert_eq!(slow.handlers.count(), 1);
    slow.handlers.becomes(0).await;
    assert_eq!(slow.log.has(1).await, ["The caller's time ran out"]);
    raw.silence().await;
}

#[tokio::test]
async fn dropping_a_call_cancels_its_handler() {
    let (slow, server) = slow_server();
    let pair = pair(server);
    let proxy = SlowProxy::new(&pair.client);
    let call = tokio::spawn(async move { proxy.wait().await });
    slow.handlers.becomes(1).await;
    call.abort();
    slow.handlers.becomes(0).await;
    assert_eq!(slow.log.has(1).await, ["Request aborted"]);
    until(|| pair.client.calls_in_flight() == 0).await;
}

#[tokio::test]
async fn a_cancellation_carries_its_reason() {
    let (slow, server) = slow_server();
    let pair = pair(server);
    let mut call = SlowProxy::new(&pair.client).wait();
    tokio::select! {
        _ = &mut call => panic!("it never answers"),
        () = slow.handlers.becomes(1) => {}
    }
    call.cancel(&wswrapper::error::Reason::new("changed my mind"));
    slow.handlers.becomes(0).await;
    assert_eq!(slow.log.has(1).await, ["changed my mind"]);
}

#[tokio::test]
async fn a_call_that_is_never_awaited_sends_nothing() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    drop(SlowProxy::new(&client).quick());
    raw.silence().await;
}

#[tokio::test]
async fn a_cancelled_request_is_not_answered_and_a_repeated_cancellation_is_ignored() {
    let (slow, server) = slow_server();
    let server = server.build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    raw.send(r#"{"a":["wait"],"i":1}"#).await;
    slow.handlers.becomes(1).await;
    raw.send(r#"{"i":1,"x":{"message":"enough"},"_":1}"#).await;
    slow.handlers.becomes(0).await;
    raw.send(r#"{"i":1,"x":{"message":"enough"},"_":1}"#).await;
    assert_eq!(raw.ask(r#"{"a":["quick"],"i":2}"#).await, json!({"i": 2, "d": 1}));
    assert_eq!(slow.log.has(1).await, ["enough"]);
}

#[tokio::test]
async fn a_lost_connection_fails_calls_and_cancels_handlers() {
    let (slow, server) = slow_server();
    let server = server.build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    raw.send(r#"{"a":["wait"],"i":1}"#).await;
    slow.handlers.becomes(1).await;
    let call = tokio::spawn({
        let proxy = SlowProxy::new(&peer);
        async move { proxy.quick().await }
    });
    raw.receive().await;
    drop(raw);
    assert!(matches!(call.await.expect("no panic"), Err(CallError::Closed(_))));
    slow.handlers.becomes(0).await;
    let closed = peer.closed().await;
    assert_eq!((closed.code, closed.cause), (1006, CloseCause::Lost));
    assert_eq!(slow.log.has(1).await, ["Connection closed"]);
    let after = SlowProxy::new(&peer).quick().await;
    assert!(matches!(after, Err(CallError::NotSent(SendError::Closed(_)))), "{after:?}");
    assert_eq!(server.peers().len(), 0);
}

#[tokio::test]
async fn closing_reports_the_code_the_reason_and_the_closing_side_to_both_endpoints() {
    let (_, server) = slow_server();
    let pair = pair(server);
    pair.peer.close(4001, "enough for today");
    let (remote, local) = (pair.client.closed().await, pair.peer.closed().await);
    assert_eq!((remote.code, remote.reason.as_str(), remote.cause), (4001, "enough for today", CloseCause::Remote));
    assert_eq!((local.code, local.reason.as_str(), local.cause), (4001, "enough for today", CloseCause::Local));
    assert!(!pair.client.is_open() && !pair.peer.is_open());
}

#[tokio::test]
async fn a_call_sent_before_closing_arrives_before_the_close() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let call = tokio::spawn({
        let proxy = SlowProxy::new(&client);
        async move { proxy.quick().await }
    });
    until(|| client.calls_in_flight() == 1).await;
    client.peer().close(1000, "bye");
    assert_eq!(raw.receive().await["a"], json!(["quick"]));
    assert!(matches!(raw.frame().await, Some(wswrapper::transport::Frame::Close(close)) if close.reason == "bye"));
    drop(raw);
    assert!(matches!(call.await.expect("no panic"), Err(CallError::Closed(_))));
}

#[tokio::test]
async fn dropping_the_last_handle_of_a_client_closes_it() {
    let (_, server) = slow_server();
    let pair = pair(server);
    let proxy = SlowProxy::new(&pair.client);
    drop(pair.client);
    assert_eq!(proxy.quick().await.expect("the proxy keeps it open"), 1);
    drop(proxy);
    assert_eq!(pair.peer.closed().await.code, 1000);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_answer_the_closing_handshake_is_disconnected() {
    let (_, server) = slow_server();
    let server = server.build().expect("it can be mounted");
    let (raw, peer) = RawPeer::dial(&server);
    peer.close(1000, "");
    let began = tokio::time::Instant::now();
    assert_eq!(peer.closed().await.code, 1000);
    assert_eq!(began.elapsed().as_secs(), 5);
    drop(raw);
}

#[tokio::test]
async fn a_closing_server_fails_all_calls_and_cancels_all_handlers() {
    let (slow, server) = slow_server();
    let pair = pair(server);
    let proxy = SlowProxy::new(&pair.client);
    let calls: Vec<_> = (0..1_000)
        .map(|_| {
            let proxy = proxy.clone();
            tokio::spawn(async move { proxy.wait().await })
        })
        .collect();
    slow.handlers.becomes(1_000).await;
    pair.server.close();
    pair.server.closed().await;
    assert_eq!(slow.handlers.count(), 0);
    for call in calls {
        assert!(matches!(call.await.expect("no panic"), Err(CallError::Closed(_))));
    }
    assert_eq!(pair.client.closed().await.code, 1001);
    let (_, remote) = wswrapper::transport::memory::pair();
    assert!(pair.server.accept_transport(remote).is_err());
}

#[tokio::test]
async fn a_dropped_server_leaves_nothing_running() {
    let (slow, server) = slow_server();
    let pair = pair(server);
    let call = tokio::spawn({
        let proxy = SlowProxy::new(&pair.client);
        async move { proxy.wait().await }
    });
    slow.handlers.becomes(1).await;
    drop((pair.server, pair.peer));
    slow.handlers.becomes(0).await;
    assert!(matches!(call.await.expect("no panic"), Err(CallError::Closed(_))));
}

/// A service of one connection.
struct Session {
    name: String,
    peer: Peer,
    _alive: Guard,
}

#[ws_handlers(channel = "session")]
impl Session {
    pub async fn whoami(&self) -> String {
        format!("{} of {}", self.name, self.peer.id())
    }
}

#[tokio::test]
async fn each_connection_has_its_own_service_until_it_closes() {
    let sessions = Alive::default();
    let builder = Server::builder().service_with({
        let sessions = sessions.clone();
        move |peer| Session { name: "a session".to_owned(), peer: peer.clone(), _alive: sessions.guard() }
    });
    let server = builder.build().expect("it can be mounted");
    let mut clients = Vec::new();
    for _ in 0..3 {
        let (local, remote) = wswrapper::transport::memory::pair();
        let peer = server.accept_transport(remote).expect("the server is open");
        let client = Client::connect_transport(local).expect("nothing to mount");
        let proxy = SessionProxy::new(&client);
        for _ in 0..2 {
            assert_eq!(proxy.whoami().await.expect("an answer"), format!("a session of {}", peer.id()));
        }
        clients.push(client);
    }
    assert_eq!(sessions.count(), 3);
    clients.pop();
    sessions.becomes(2).await;
    clients.clear();
    sessions.becomes(0).await;
}
