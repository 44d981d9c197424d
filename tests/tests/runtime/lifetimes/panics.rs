//! Extensions and handlers that panic when they are dropped.

use serde_json::json;
use std::error::Error;
use std::future::pending;
use std::time::Duration;
use tokio::time::timeout;
use wswrapper::{CallError, Client, Server, server::ServerBuilder};
use wswrapper_tests::{Alive, Log, RawPeer, pair, pair_with};

struct DropBomb(&'static str);

impl Drop for DropBomb {
    fn drop(&mut self) {
        // A second panic would abort the program and hide why the test failed.
        assert!(std::thread::panicking(), "{}", self.0);
    }
}

const LONG: Duration = Duration::from_hours(1);

/// Returns a server that logs errors and how connections close.
fn logging_server() -> (Log, ServerBuilder) {
    let log = Log::default();
    let (errors, closes) = (log.clone(), log.clone());
    let server = Server::builder().on_error(move |_, error| errors.add(error.to_string()));
    let server = server.on_close(move |_, closed| {
        let log = closes.clone();
        async move { log.add(format!("closed {}", closed.code)) }
    });
    (log, server)
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_dropping_a_peers_extension_is_reported_and_the_close_completes() -> Result<(), Box<dyn Error>> {
    let (log, server) = logging_server();
    let server = server.build()?;
    let (mut raw, peer) = RawPeer::dial(&server);
    peer.extensions().insert(DropBomb("of the data"));
    let call = tokio::spawn(peer.request::<()>("never", ()));
    let closed = tokio::spawn({
        let peer = peer.clone();
        async move { peer.closed().await }
    });
    raw.receive().await;
    drop(raw);
    assert!(matches!(timeout(LONG, call).await??, Err(CallError::Closed(_))));
    assert_eq!(timeout(LONG, closed).await??.code, 1006);
    assert_eq!(log.has(2).await, ["closed 1006", "handler of `the peer's data` panicked: of the data"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_dropping_a_peers_handler_is_reported_and_the_close_completes() -> Result<(), Box<dyn Error>> {
    let (log, server) = logging_server();
    let server = server.build()?;
    let (mut raw, peer) = RawPeer::dial(&server);
    let (drop_bomb, call) = (DropBomb("of the handler"), tokio::spawn(peer.request::<()>("never", ())));
    peer.on("x", move || {
        let _ = &drop_bomb;
        async {}
    })?;
    raw.receive().await;
    raw.close(4000, "").await;
    assert!(matches!(timeout(LONG, call).await??, Err(CallError::Closed(_))));
    assert_eq!(timeout(LONG, peer.closed()).await?.code, 4000);
    assert_eq!(log.has(2).await, ["handler of `the peer's handlers` panicked: of the handler", "closed 4000"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_dropping_a_clients_extension_is_reported_and_the_close_completes() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let errors = log.clone();
    let client = Client::builder().on_error(move |_, error| errors.add(error.to_string()));
    let pair = pair_with(Server::builder(), client);
    pair.client.peer().extensions().insert(DropBomb("of the data"));
    pair.server.on("never", pending::<()>)?;
    let call = tokio::spawn(pair.client.request::<()>("never", ()));
    tokio::task::yield_now().await;
    pair.peer.abort_connection();
    assert!(matches!(timeout(LONG, call).await??, Err(CallError::Closed(_))));
    timeout(LONG, pair.client.closed()).await?;
    assert_eq!(log.has(1).await, ["handler of `the peer's data` panicked: of the data"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_dropping_does_not_keep_other_extensions_and_handlers_alive() -> Result<(), Box<dyn Error>> {
    struct Held<const N: usize>(#[expect(dead_code, reason = "only its drop counts")] super::Guard);
    let (log, server) = logging_server();
    let pair = pair(server);
    let (values, handlers) = (Alive::default(), Alive::default());
    pair.peer.extensions().insert(Held::<0>(values.guard()));
    pair.peer.extensions().insert(Held::<1>(values.guard()));
    pair.peer.extensions().insert(DropBomb("of the data"));
    pair.peer.extensions().insert(Held::<2>(values.guard()));
    pair.peer.extensions().insert(Held::<3>(values.guard()));
    for n in 0..10 {
        let (guard, drop_bomb) = (handlers.guard(), (n % 2 == 0).then(|| DropBomb("of a handler")));
        pair.peer.on(&n.to_string(), move || {
            let _ = (&drop_bomb, &guard);
            async {}
        })?;
    }
    assert_eq!((values.count(), handlers.count()), (4, 10));
    pair.client.close(1000, "");
    pair.client.closed().await;
    values.becomes(0).await;
    handlers.becomes(0).await;
    assert_eq!(log.has(7).await[5..], ["closed 1000", "handler of `the peer's data` panicked: of the data"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_dropping_a_once_handler_is_reported_and_fails_nothing() -> Result<(), Box<dyn Error>> {
    let (log, server) = logging_server();
    let server = server.build()?;
    let (mut raw, peer) = RawPeer::dial(&server);
    server.on("wait", || async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        "it went on"
    })?;
    raw.send(r#"{"a":["wait"],"i":1}"#).await;
    for (n, handles) in [(2, "server"), (3, "peer")] {
        let drop_bomb = DropBomb(handles);
        let handler = move || {
            let _ = &drop_bomb;
            async { 7 }
        };
        if handles == "server" { server.once("x", handler) } else { peer.once("x", handler) }?;
        assert_eq!(raw.ask(&json!({"a": ["x"], "i": n}).to_string()).await, json!({"i": n, "d": 7}));
    }
    assert_eq!(raw.receive().await, json!({"i": 1, "d": "it went on"}));
    assert_eq!(log.has(2).await, ["handler of `x` panicked: server", "handler of `x` panicked: peer"]);
    assert!(peer.is_open());
    Ok(())
}
