//! Lifetimes of a connection's extensions and handlers.

use super::server;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use wswrapper::transport::memory;
use wswrapper::{Client, Peer, Server};
use wswrapper_tests::{Alive, Guard, RawPeer, pair};

#[tokio::test]
async fn a_connection_keeps_one_extension_of_each_type_until_it_closes() {
    struct Name(&'static str);
    let pair = pair(Server::builder());
    let alive = Alive::default();
    assert!(pair.peer.extensions().get::<Name>().is_none());
    assert!(pair.peer.extensions().insert(Name("Ada")).is_none());
    assert_eq!(pair.peer.extensions().insert(Name("Bob")).map(|name| name.0), Some("Ada"));
    pair.peer.extensions().insert(alive.guard());
    assert_eq!(pair.server.peers()[0].extensions().get::<Name>().map(|name| name.0), Some("Bob"));
    assert_eq!(pair.peer.extensions().remove::<Name>().map(|name| name.0), Some("Bob"));
    assert!(pair.peer.extensions().get::<Name>().is_none());
    pair.client.close(1000, "");
    pair.client.closed().await;
    alive.becomes(0).await;
}

const LONG: Duration = Duration::from_hours(1);

/// An extension that holds its connection.
struct Session {
    _peer: Peer,
    _alive: Guard,
}

/// Adds handlers and an extension that all hold the connection.
fn hold_connection(peer: &Peer, alive: &Alive) -> Option<Arc<Session>> {
    let handler = || {
        let session = Session { _peer: peer.clone(), _alive: alive.guard() };
        move || {
            let _ = &session;
            async { "kept" }
        }
    };
    let channel = peer.channel("io");
    let (on, once) = (peer.on("on", handler()), peer.once("once", handler()));
    let (on_channel, once_on_channel) = (channel.on("on", handler()), channel.once("once", handler()));
    on.and(once).and(on_channel).and(once_on_channel).expect("valid names");
    peer.extensions().insert(Session { _peer: peer.clone(), _alive: alive.guard() })
}

#[tokio::test(start_paused = true)]
async fn extensions_and_handlers_that_hold_a_connection_are_dropped_when_it_closes() -> Result<(), Box<dyn Error>> {
    let server = server();
    let alive = Alive::default();
    for ending in ["closed locally", "closed by the peer", "aborted", "lost", "server closed"] {
        let (mut raw, peer) = RawPeer::dial(&server);
        hold_connection(&peer, &alive);
        assert_eq!(raw.ask(r#"{"a":["on"],"i":1}"#).await["d"], "kept");
        assert_eq!(alive.count(), 5, "{ending}");
        match ending {
            "closed locally" => peer.close(1000, ""),
            "closed by the peer" => raw.close(1000, "").await,
            "aborted" => peer.abort_connection(),
            "lost" => drop(raw),
            _ => {
                server.close();
                timeout(LONG, server.closed()).await?;
            }
        }
        timeout(LONG, peer.closed()).await?;
        alive.becomes(0).await;
        // A closed connection accepts no handlers and no extensions.
        assert!(hold_connection(&peer, &alive).is_none());
        assert!(peer.extensions().get::<Session>().is_none());
        assert_eq!(alive.count(), 0, "{ending}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn handlers_added_by_on_open_are_dropped_with_their_connection() -> Result<(), Box<dyn Error>> {
    let alive = Alive::default();
    let server = Server::builder().on_open({
        let alive = alive.clone();
        move |peer| {
            hold_connection(&peer, &alive);
            async {}
        }
    });
    let server = server.build()?;
    for _ in 0..100 {
        let (local, remote) = memory::pair();
        server.accept_transport(remote)?;
        let client = Client::connect_transport(local)?;
        assert_eq!(client.request::<String>("on", ()).await?, "kept");
        client.close(1000, "");
        client.closed().await;
    }
    alive.becomes(0).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_clients_handlers_survive_a_rebind_and_its_extensions_do_not() -> Result<(), Box<dyn Error>> {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let (handlers, values) = (Alive::default(), Alive::default());
    let guard = handlers.guard();
    client.on("name", move || {
        let _ = &guard;
        async { "Ada" }
    })?;
    client.peer().extensions().insert(values.guard());
    raw.close(1000, "").await;
    client.closed().await;
    assert_eq!(handlers.count(), 1);
    values.becomes(0).await;
    // Handlers that are added between two connections stay. A closed connection stores no value, but the client does.
    client.on("age", || async { 36 })?;
    assert!(client.peer().extensions().insert(values.guard()).is_none());
    assert_eq!(values.count(), 0);
    client.extensions().insert(values.guard());
    let (local, remote) = memory::pair();
    client.rebind(remote).await?;
    let mut raw = RawPeer::on(local);
    assert_eq!(raw.ask(r#"{"a":["name"],"i":1}"#).await["d"], "Ada");
    assert_eq!(raw.ask(r#"{"a":["age"],"i":2}"#).await["d"], 36);
    assert_eq!(values.count(), 1);
    drop(client);
    values.becomes(0).await;
    Ok(())
}
