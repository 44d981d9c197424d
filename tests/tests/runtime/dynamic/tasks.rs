//! Closures in tasks and on threads of their own.

use std::error::Error;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use wswrapper::{
    AnonymousChannel, CallError, Context, Server,
    error::Rejection,
    service::{Json, blocking, spawned},
};
use wswrapper_tests::{Log, pair};

fn task_id() -> String {
    tokio::task::id().to_string()
}

#[tokio::test]
async fn a_spawned_closure_runs_in_a_task_of_its_own() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder());
    pair.server.on("connection", || async { task_id() })?;
    pair.server.on("spawned", spawned(|| async { task_id() }))?;
    pair.server.on("with_context", spawned(|ctx: Context, n: u64| async move { (ctx.peer_id().get(), n) }))?;
    let client = &pair.client;
    let connection: String = client.request("connection", ()).await?;
    let (first, second): (String, String) =
        (client.request("spawned", ()).await?, client.request("spawned", ()).await?);
    assert!(first != connection && second != connection && first != second);
    let (_peer, n): (u64, u64) = client.request("with_context", (7,)).await?;
    assert_eq!(n, 7);
    Ok(())
}

#[tokio::test]
async fn a_blocking_closure_delays_no_other_handler() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder());
    let (sender, receiver) = mpsc::sync_channel(1);
    let receiver = std::sync::Mutex::new(receiver);
    let wait = move || receiver.lock().expect("no panic").recv_timeout(Duration::from_secs(20)).is_ok();
    pair.server.on("wait", blocking(wait))?;
    pair.server.on("resume", move || {
        let sent = sender.send(()).is_ok();
        async move { sent }
    })?;
    let client = &pair.client;
    let (waited, resumed) =
        tokio::join!(client.request::<bool>("wait", ()), async { client.request::<bool>("resume", ()).await });
    assert_eq!((waited?, resumed?), (true, true));
    Ok(())
}

#[tokio::test]
async fn a_blocking_closure_takes_arguments_and_a_context_and_may_fail() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let errors = log.clone();
    let pair = pair(Server::builder().on_error(move |_, error| errors.add(error.to_string())));
    let connection = thread::current().id();
    pair.server.on(
        "divide",
        blocking(move |ctx: Context, a: i64, b: i64| {
            assert!(ctx.is_request() && thread::current().id() != connection);
            a.checked_div(b).ok_or("division by zero")
        }),
    )?;
    pair.server.on("json", blocking(|| Json([1, 2])))?;
    pair.server.on("panic", blocking(|| -> u8 { panic!("no more threads") }))?;
    let client = &pair.client;
    assert_eq!(client.request::<i64>("divide", (7, 2)).await?, 3);
    let error = client.request::<i64>("divide", (7, 0)).await.expect_err("a division by zero");
    assert_eq!(error.to_string(), "division by zero");
    assert_eq!(client.request::<Vec<u8>>("json", ()).await?, [1, 2]);
    let wrong = client.request::<i64>("divide", ("seven", 0)).await;
    assert!(matches!(&wrong, Err(CallError::Handler(r)) if r.code() == Some("ws:BadArguments")), "{wrong:?}");
    assert!(client.request::<u8>("panic", ()).await.is_err());
    assert_eq!(log.has(1).await, ["handler of `panic` panicked: no more threads"]);
    Ok(())
}

#[tokio::test]
async fn the_names_of_all_events_with_a_handler_can_be_listed() -> Result<(), Box<dyn Error>> {
    struct Desk;

    #[wswrapper::ws_handlers]
    impl Desk {
        pub async fn add(&self, a: i64, b: i64) -> i64 {
            a + b
        }
    }

    let pair = pair(Server::builder().service(Desk).service_at("desk", Desk));
    pair.server.on("news", || async {})?;
    pair.server.on("add", |a: i64| async move { a })?;
    pair.server.channel("desk").once("news", || async {})?;
    let names = pair.server.event_names();
    assert_eq!(names, ["add", "news"]);
    let peer = pair.server.peers().remove(0);
    peer.on("ask", || async {})?;
    peer.channel("io").serve(Desk)?;
    assert_eq!(peer.event_names(), ["add", "ask", "news"]);
    assert_eq!(peer.channel("io").event_names(), ["add"]);
    assert_eq!(peer.channel("desk").event_names(), ["add", "news"]);
    assert_eq!(pair.server.channel("desk").event_names(), ["add", "news"]);
    assert!(pair.server.channel("nothing").event_names().is_empty());
    assert_eq!(pair.server.event_names(), ["add", "news"]);
    // An event that was removed, or handled once, is no longer listed.
    peer.off("ask");
    assert_eq!(peer.event_names(), ["add", "news"]);
    pair.client.channel("desk").request::<()>("news", ()).await?;
    assert_eq!(pair.server.channel("desk").event_names(), ["add"]);
    assert!(pair.client.event_names().is_empty());
    pair.client.on("ask", || async {})?;
    assert_eq!(pair.client.event_names(), ["ask"]);
    Ok(())
}

#[tokio::test]
async fn the_names_of_the_events_of_an_anonymous_channel_can_be_listed() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder());
    let log = Log::default();
    let listed = log.clone();
    pair.server.on("make", move |ctx: Context| {
        let channel = ctx.open_channel();
        let added = channel.on("tick", || async {});
        listed.add(channel.event_names().join(" "));
        async move { added.map(|()| channel).map_err(|error| Rejection::new(error.to_string())) }
    })?;
    let channel: AnonymousChannel = pair.client.request("make", ()).await?;
    assert_eq!(log.entries(), ["tick"]);
    assert!(channel.event_names().is_empty());
    Ok(())
}
