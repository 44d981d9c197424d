//! Handlers that are closures, calls by name, counters, hooks and rebinding.

mod extensions;
mod once;
mod services;
mod tasks;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::error::Error;
use std::time::Duration;
use wswrapper::transport::memory;
use wswrapper::{
    CallError, Client, Context, Server, WsError,
    connection::CloseCause,
    error::{NameError, Rejection, SendError},
    observe::MessageKind,
    service::Json,
    ws_handlers,
};
use wswrapper_tests::{Alive, Log, RawPeer, pair, until};

fn server() -> Server {
    Server::builder().build().expect("nothing to mount")
}

#[derive(Debug, PartialEq, thiserror::Error, WsError)]
#[error("{0} is odd")]
struct Odd(i64);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: i64,
    y: i64,
}

#[tokio::test]
async fn a_closure_handles_an_event_like_a_method() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder());
    let server = &pair.server;
    server.on("add", |a: i64, b: i64| async move { a + b })?;
    server.on("nothing", || async {})?;
    server.on("half", |a: i64| async move { if a % 2 == 0 { Ok(a / 2) } else { Err(Odd(a)) } })?;
    server.on("text", |_: i64| async move { Err::<(), _>("only text".to_owned()) })?;
    server.on("swap", |point: Point| async move { Json(Point { x: point.y, y: point.x }) })?;
    server.on("point", |x: i64, y: i64| async move { Ok::<_, Rejection>(Point { x, y }) })?;
    server.on("maybe", |a: i64, b: Option<String>| async move { (a, b) })?;
    server.on("whoami", |ctx: Context| async move { ctx.peer_id().get() })?;
    server.channel("io").on("where", |ctx: Context, greeting: String| async move {
        format!("{greeting} from {}", ctx.channel_name().unwrap_or("main"))
    })?;

    let client = &pair.client;
    assert_eq!(client.request::<i64>("add", (1, 2)).await?, 3);
    client.request::<()>("nothing", ()).await?;
    assert_eq!(client.request::<i64>("half", (4,)).await?, 2);
    assert!(matches!(
        client.request::<i64>("half", (3,)).await,
        Err(CallError::Handler(r)) if r.message() == Some("3 is odd")
    ));
    assert!(matches!(
        client.request::<()>("text", (3,)).await,
        Err(CallError::Handler(r)) if r.message() == Some("only text")
    ));
    assert_eq!(client.request::<Point>("swap", (Point { x: 1, y: 2 },)).await?, Point { x: 2, y: 1 });
    assert_eq!(client.request::<Point>("point", (1, 2)).await?, Point { x: 1, y: 2 });
    assert_eq!(client.request::<Value>("maybe", (1,)).await?, json!([1, null]));
    assert_eq!(client.request::<Value>("maybe", (1, "x")).await?, json!([1, "x"]));
    assert_eq!(client.request::<u64>("whoami", ()).await?, pair.peer.id().get());
    assert_eq!(client.channel("io").request::<String>("where", ("hello",)).await?, "hello from io");
    assert_eq!(client.request::<i64>("add", &[20, 22][..]).await?, 42);
    for (arguments, message) in [
        (json!(["add", 1, "x"]), "argument 2 of `add`: invalid type: string \"x\", expected i64"),
        (json!(["add", 1]), "too few arguments for `add`: expected 2, got 1"),
        (json!(["add", 1, 2, 3]), "too many arguments for `add`: expected 2, got 3"),
    ] {
        let rest: Vec<Value> = arguments.as_array().expect("an array")[1..].to_vec();
        let refused = client.request::<i64>("add", &rest[..]).await;
        assert!(matches!(refused, Err(CallError::Handler(r)) if r.message() == Some(message)));
    }
    Ok(())
}

#[tokio::test]
async fn the_server_calls_a_client_by_event_name() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder());
    let log = Log::default();
    pair.client.on("name", || async { "Ada" })?;
    pair.client.channel("news").on("flash", {
        let log = log.clone();
        move |text: String| {
            let log = log.clone();
            async move { log.add(text) }
        }
    })?;
    assert_eq!(pair.peer.request::<String>("name", ()).await?, "Ada");
    pair.peer.channel("news").emit("flash", ("one",)).await?;
    let delivery = pair.server.broadcast().channel("news").emit("flash", ("two",)).await?;
    assert_eq!(delivery.sent, 1);
    assert_eq!(log.has(2).await, ["one", "two"]);
    Ok(())
}

struct Mounted;

#[ws_handlers]
impl Mounted {
    pub fn who(&self) -> String {
        "the service".to_owned()
    }
}

#[tokio::test]
async fn handlers_of_a_peer_precede_those_of_its_server_and_of_services() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().service(Mounted).build()?;
    let (mut raw, peer) = RawPeer::dial(&server);
    server.on("who", || async { "the server" })?;
    server.once("who", || async { "the server, once" })?;
    peer.on("who", || async { "the peer" })?;
    peer.once("who", || async { "the peer, once" })?;
    let mut who = async || raw.ask(r#"{"a":["who"],"i":1}"#).await["d"].clone();
    assert_eq!(who().await, "the peer, once");
    assert_eq!(who().await, "the peer");
    assert!(peer.off("who"));
    assert!(!peer.off("who"));
    assert_eq!(who().await, "the server, once");
    assert_eq!(who().await, "the server");
    server.on("who", || async { "the new server" })?;
    assert_eq!(who().await, "the new server");
    assert!(server.off("who"));
    assert_eq!(who().await, "the service");
    Ok(())
}

#[tokio::test]
async fn a_running_call_completes_after_its_handler_was_removed() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder());
    let alive = Alive::default();
    pair.server.on("wait", {
        let alive = alive.clone();
        move || {
            let guard = alive.guard();
            async move {
                let _guard = guard;
                tokio::time::sleep(Duration::from_millis(20)).await;
                "it went on"
            }
        }
    })?;
    let call = tokio::spawn(pair.client.request::<String>("wait", ()));
    alive.becomes(1).await;
    assert!(pair.server.off("wait"));
    assert_eq!(call.await??, "it went on");
    assert!(pair.client.request::<String>("wait", ()).await.is_err());
    Ok(())
}

#[tokio::test]
async fn invalid_names_are_errors() {
    let pair = pair(Server::builder());
    for (result, error) in [
        (pair.server.on("", || async {}), NameError::EmptyEvent),
        (pair.server.on("open", || async {}), NameError::Reserved("open".to_owned())),
        (pair.peer.once("close", || async {}), NameError::Reserved("close".to_owned())),
        (pair.server.channel("").on("x", || async {}), NameError::EmptyChannel),
    ] {
        assert_eq!(result, Err(error));
    }
    assert_eq!(pair.server.channel("io").on("open", || async { 1 }), Ok(()));
    let reserved = pair.client.emit("open", ()).await;
    assert!(matches!(reserved, Err(SendError::Name(NameError::Reserved(_)))), "{reserved:?}");
    assert_eq!(
        pair.client.channel("io").request::<u8>("open", ()).await.expect("`open` is not reserved on a channel"),
        1
    );
    let empty = pair.client.request::<u8>("", ()).await;
    assert!(matches!(empty, Err(CallError::NotSent(SendError::Name(NameError::EmptyEvent)))), "{empty:?}");
}

#[tokio::test]
async fn handlers_added_by_on_open_receive_the_first_frame() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().on_open(|peer| async move {
        peer.on("early", || async { "in time" }).expect("a valid name");
    });
    let server = server.build()?;
    let (local, remote) = memory::pair();
    let client = Client::connect_transport(local)?;
    let call = tokio::spawn(client.request::<String>("early", ()));
    server.accept_transport(remote)?;
    assert_eq!(call.await??, "in time");
    Ok(())
}

#[tokio::test]
async fn a_closed_channel_has_no_handlers_and_sends_nothing() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder());
    let channel = pair.client.channel("io");
    channel.on("ask", || async { 1 })?;
    let remote_channel = pair.peer.channel("io");
    assert_eq!(remote_channel.request::<u8>("ask", ()).await?, 1);
    channel.close();
    assert!(channel.is_closed());
    let refused = remote_channel.request::<u8>("ask", ()).await;
    assert!(matches!(refused, Err(CallError::Handler(r)) if r.message() == Some("Channel 'io' does not exist")));
    assert!(matches!(channel.clone().emit("x", ()).await, Err(SendError::ChannelClosed { .. })));
    let call = MountedProxy::new(&channel).who().await;
    assert!(matches!(call, Err(CallError::NotSent(SendError::ChannelClosed { .. }))), "{call:?}");
    assert!(pair.client.channel("io").emit("x", ()).await.is_ok(), "another handle opens the channel again");
    Ok(())
}

#[tokio::test]
async fn counters_report_running_calls_and_handlers() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder());
    pair.server.on("wait", || async { std::future::pending::<()>().await })?;
    let calls: Vec<_> = (0..3).map(|_| tokio::spawn(pair.client.request::<()>("wait", ()))).collect();
    until(|| pair.peer.counters().handlers_in_flight == 3).await;
    assert_eq!(pair.client.counters().calls_in_flight, 3);
    assert_eq!(pair.client.counters().queued_bytes, 0);
    calls.iter().for_each(tokio::task::JoinHandle::abort);
    until(|| pair.peer.counters() == pair.client.counters()).await;
    assert_eq!(pair.peer.counters().handlers_in_flight, 0);
    Ok(())
}

#[tokio::test]
async fn an_aborted_connection_closes_at_once_without_a_handshake() {
    let pair = pair(Server::builder());
    pair.peer.abort_connection();
    let closed = pair.peer.closed().await;
    assert_eq!((closed.code, closed.cause), (1006, CloseCause::Local));
    let remote = pair.client.closed().await;
    assert_eq!((remote.code, remote.cause), (1006, CloseCause::Lost));
}

#[tokio::test]
async fn on_message_observes_the_kind_the_size_and_whether_a_call_took_time() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let server = Server::builder().on_message({
        let log = log.clone();
        move |_, message| {
            let took = message.took.is_some();
            let (kind, channel, event) = (message.kind, message.channel, message.event);
            log.add(format!(
                "{kind:?} {channel:?} {event:?} {:?} {} {} {took}",
                message.id,
                message.bytes,
                message.text.len()
            ));
            assert!(kind != MessageKind::Ignored || !took);
        }
    });
    let server = server.build()?;
    server.on("quick", |_: String| async {})?;
    server.channel("io").on("slow", || async { tokio::task::yield_now().await })?;
    let (mut raw, _) = RawPeer::dial(&server);
    let padded = json!({"a": ["quick", "x".repeat(1_000)], "i": 1}).to_string();
    raw.ask(&padded).await;
    raw.ask(r#"{"a":["slow"],"c":"io","i":2}"#).await;
    raw.send(r#"{"i":9,"d":1}"#).await;
    raw.send("nonsense").await;
    raw.ask(r#"{"a":["nope"],"i":3}"#).await;
    assert_eq!(
        log.has(8).await,
        [
            &format!("Request None Some(\"quick\") Some(1) {} 256 false", padded.len()),
            &format!("Request None Some(\"quick\") Some(1) {} 0 true", padded.len()),
            "Request Some(\"io\") Some(\"slow\") Some(2) 29 29 false",
            "Request Some(\"io\") Some(\"slow\") Some(2) 29 0 true",
            "Response None None Some(9) 13 13 false",
            "Ignored None None None 8 8 false",
            "Request None Some(\"nope\") Some(3) 20 20 false",
            "Request None Some(\"nope\") Some(3) 20 0 true",
        ]
    );
    Ok(())
}

#[tokio::test]
async fn a_client_continues_over_another_transport() -> Result<(), Box<dyn Error>> {
    let server = server();
    server.on("wait", || async { std::future::pending::<()>().await })?;
    server.on("double", |a: i64| async move { 2 * a })?;
    let log = Log::default();
    let (local, remote) = memory::pair();
    let first = server.accept_transport(remote)?;
    let client = Client::builder()
        .on_open({
            let log = log.clone();
            move |_| {
                let log = log.clone();
                async move { log.add("open") }
            }
        })
        .connect_transport(local)?;
    client.on("name", || async { "Ada" })?;
    let proxy = client.channel("unused").peer().clone();
    assert_eq!(proxy.request::<i64>("double", (1,)).await?, 2);

    let lost = tokio::spawn(client.request::<()>("wait", ()));
    until(|| first.counters().handlers_in_flight == 1).await;
    first.abort_connection();
    first.closed().await;
    assert!(matches!(lost.await?, Err(CallError::Closed(_))));
    let closed = client.closed().await;
    assert_eq!((closed.code, closed.cause), (1006, CloseCause::Lost));
    assert!(matches!(client.request::<i64>("double", (1,)).await, Err(CallError::NotSent(SendError::Closed(_)))));

    let (local, remote) = memory::pair();
    client.rebind(local).await?;
    let second = server.accept_transport(remote)?;
    assert!(client.is_open());
    assert_eq!(proxy.request::<i64>("double", (2,)).await?, 4);
    assert_eq!(second.request::<String>("name", ()).await?, "Ada");
    assert_eq!(log.has(2).await, ["open", "open"]);
    drop((client, proxy));
    assert_eq!(second.closed().await.code, 1000);
    Ok(())
}

#[tokio::test]
async fn request_ids_continue_after_a_rebind() -> Result<(), Box<dyn Error>> {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    drop(tokio::spawn(client.request::<()>("a", ())));
    let first = raw.receive().await["i"].as_u64().expect("an id");
    drop(raw);
    client.closed().await;
    let (local, remote) = memory::pair();
    client.rebind(remote).await?;
    let mut raw = RawPeer::on(local);
    drop(tokio::spawn(client.request::<()>("b", ())));
    assert_eq!(raw.receive().await["i"], first + 1);
    Ok(())
}

#[tokio::test]
async fn a_client_is_rebound_fifty_times_under_load() -> Result<(), Box<dyn Error>> {
    let server = server();
    server.on("double", |a: i64| async move { 2 * a })?;
    let (local, remote) = memory::pair();
    let mut peer = server.accept_transport(remote)?;
    let client = Client::connect_transport(local)?;
    for _ in 0..50 {
        let calls: Vec<_> = (0..100).map(|n| (n, tokio::spawn(client.request::<i64>("double", (n,))))).collect();
        tokio::task::yield_now().await;
        peer.abort_connection();
        client.closed().await;
        let (local, remote) = memory::pair();
        client.rebind(local).await?;
        peer = server.accept_transport(remote)?;
        for (n, call) in calls {
            match call.await? {
                Ok(double) => assert_eq!(double, 2 * n),
                Err(CallError::Closed(_) | CallError::NotSent(SendError::Closed(_))) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(client.request::<i64>("double", (21,)).await?, 42);
    assert_eq!(client.calls_in_flight(), 0);
    until(|| server.peers().len() == 1).await;
    Ok(())
}
