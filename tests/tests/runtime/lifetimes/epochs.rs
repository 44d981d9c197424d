//! Values that belong to one connection of a client, and values that stay.

use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;
use wswrapper::transport::memory;
use wswrapper::{
    Client, Context, Server,
    connection::{Extensions, Handshake},
    observe::{ConnectionView, Observer},
};
use wswrapper_tests::{Log, pair};

#[derive(Debug, PartialEq)]
struct Name(&'static str);

fn named(name: &'static str) -> Extensions {
    let extensions = Extensions::new();
    extensions.insert(Name(name));
    extensions
}

fn handshake(path: &str) -> Handshake {
    let (parts, ()) = http::Request::get(path).body(()).expect("a valid request").into_parts();
    Handshake::new(&parts, Some(([127, 0, 0, 1], 80).into()))
}

#[tokio::test]
async fn a_context_that_outlives_its_handler_is_cancelled_by_the_close_of_its_own_connection() {
    let (log, contexts) = (Log::default(), Arc::new(Mutex::new(Vec::new())));
    let pair = pair(Server::builder());
    let client = pair.client.clone();
    let (stopped, kept) = (log.clone(), Arc::clone(&contexts));
    let watch = move |ctx: Context| {
        kept.lock().expect("no panic").push(ctx.clone());
        let stopped = stopped.clone();
        tokio::spawn(async move { stopped.add(ctx.cancelled().await.to_string()) });
        async {}
    };
    // The client serves, because it has several epochs.
    client.on("watch", watch).expect("a valid name");
    pair.peer.request::<()>("watch", ()).await.expect("it is served");
    assert!(log.entries().is_empty());
    client.close(1000, "");
    client.closed().await;
    assert_eq!(log.has(1).await, ["Connection closed"]);
    let (local, remote) = memory::pair();
    let peer = pair.server.accept_transport(remote).expect("it is open");
    client.rebind(local).await.expect("it was closed");
    peer.request::<()>("watch", ()).await.expect("it is served");
    let cancelled: Vec<_> = contexts.lock().expect("no panic").iter().map(Context::is_cancelled).collect();
    assert_eq!((cancelled, log.entries().len()), (vec![true, false], 1));
}

#[tokio::test]
async fn the_first_call_and_the_hook_find_the_handshake_and_the_extensions() {
    let log = Log::default();
    let opened = log.clone();
    let server = Server::builder().on_open(move |peer| {
        opened.add(format!("{} {:?}", peer.handshake().path(), peer.extensions().get::<Name>()));
        async {}
    });
    let server = server.build().expect("nothing to mount");
    server
        .on("name", |ctx: Context| async move {
            format!("{} {:?}", ctx.handshake().uri(), ctx.extensions().get::<Name>().map(|name| name.0))
        })
        .expect("a valid name");
    let (local, remote) = memory::pair();
    let client = Client::connect_transport(local).expect("nothing to mount");
    let call = client.request::<String>("name", ());
    let peer = server.accept_transport_with(remote, handshake("/chat?room=1"), named("Ada")).expect("it is open");
    assert_eq!(call.await.expect("it is served"), r#"/chat?room=1 Some("Ada")"#);
    assert_eq!(log.entries(), [r#"/chat Some(Name("Ada"))"#]);
    assert_eq!(peer.handshake().remote_addr(), Some(([127, 0, 0, 1], 80).into()));
}

#[tokio::test]
async fn each_connection_of_a_client_has_its_own_handshake_and_extensions() {
    let server = Server::builder().build().expect("nothing to mount");
    let (local, remote) = memory::pair();
    let peer = server.accept_transport(remote).expect("it is open");
    let (contexts, mut received) = mpsc::unbounded_channel::<Context>();
    let client =
        Client::builder().connect_transport_with(local, handshake("/1"), named("first")).expect("nothing to mount");
    client
        .on("context", move |ctx: Context| {
            let contexts = contexts.clone();
            async move { contexts.send(ctx).is_ok() }
        })
        .expect("a valid name");
    client.extensions().insert(Name("client"));
    peer.request::<bool>("context", ()).await.expect("it is served");
    let first = received.recv().await.expect("a context");
    let first_extensions = client.peer().extensions();
    assert_eq!(first_extensions.get::<Name>().as_deref(), Some(&Name("first")));
    client.close(1000, "");
    client.closed().await;

    let (local, remote) = memory::pair();
    let peer = server.accept_transport(remote).expect("it is open");
    client.rebind_with(local, handshake("/2"), named("second")).await.expect("it is closed");
    peer.request::<bool>("context", ()).await.expect("it is served");
    let second = received.recv().await.expect("a context");

    assert_eq!((first.handshake().path(), second.handshake().path()), ("/1", "/2"));
    assert_eq!(client.handshake().path(), "/2");
    assert_eq!(first.extensions().get::<Name>(), None, "they ended with their connection");
    first_extensions.insert(Name("late"));
    assert_eq!(first_extensions.get::<Name>(), None, "a closed connection stores nothing");
    assert_eq!(second.extensions().get::<Name>().as_deref(), Some(&Name("second")));
    assert_eq!(client.extensions().get::<Name>().as_deref(), Some(&Name("client")), "it lives as long as the client");
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_the_close_returns_the_close_of_its_own_connection() {
    let server = Server::builder().build().expect("nothing to mount");
    let (local, remote) = memory::pair();
    server.accept_transport(remote).expect("it is open");
    let client = Client::connect_transport(local).expect("nothing to mount");
    client.close(4001, "first");
    let first = client.closed();
    // The wait is polled only after the next connection was closed too.
    client.closed().await;
    let (local, remote) = memory::pair();
    server.accept_transport(remote).expect("it is open");
    client.rebind(local).await.expect("it is closed");
    client.close(4002, "second");
    let second = client.closed().await;
    assert_eq!((first.await.code, second.code), (4001, 4002));
}

#[tokio::test(start_paused = true)]
async fn an_observer_sees_the_number_of_the_connection() {
    struct Epochs(Log);
    impl Observer for Epochs {
        fn connection_opened(&self, connection: &ConnectionView<'_>) {
            self.0.add(format!("{} {}", connection.epoch(), connection.handshake().path()));
        }
    }
    let log = Log::default();
    let (local, _remote) = memory::pair();
    let client = Client::builder().observer(Epochs(log.clone()));
    let client = client.connect_transport_with(local, handshake("/1"), Extensions::new()).expect("nothing to mount");
    client.abort_connection();
    client.closed().await;
    let (local, _remote) = memory::pair();
    client.rebind_with(local, handshake("/2"), Extensions::new()).await.expect("it is closed");
    assert_eq!(log.entries(), ["1 /1", "2 /2"]);
}

#[tokio::test]
#[expect(clippy::mutable_key_type, reason = "a peer is compared and hashed by its number")]
async fn a_server_finds_a_peer_by_its_number_until_it_is_closed() {
    let pair = pair(Server::builder());
    let id = pair.peer.id();
    assert_eq!(pair.server.peer(id), Some(pair.peer.clone()));
    assert_eq!(pair.server.peer(pair.client.id()), None, "that is the client's own number");
    let peers = std::collections::HashSet::from([pair.peer.clone()]);
    assert!(peers.contains(&pair.server.peers()[0]));
    pair.peer.close(1000, "");
    pair.peer.closed().await;
    assert_eq!(pair.server.peer(id), None);
}

#[tokio::test(start_paused = true)]
async fn peers_are_listed_in_the_order_of_their_connections() {
    let server = Server::builder().build().expect("nothing to mount");
    let accept = || {
        let (local, remote) = memory::pair();
        (server.accept_transport(remote).expect("it is open"), local)
    };
    let mut peers: Vec<_> = (0..4).map(|_| accept()).collect();
    peers[1].0.abort_connection();
    peers[1].0.closed().await;
    peers.remove(1);
    peers.push(accept());
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(server.peers(), peers.into_iter().map(|(peer, _)| peer).collect::<Vec<_>>());
}
